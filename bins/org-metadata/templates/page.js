  // In their own order.
  const rows = Array.from(body.rows, (row, at) => {
    const texts = Array.from(row.cells, (cell) => cell.textContent);
    const keys = texts.map((text, column) => row.cells[column].dataset.key ?? text);
    return { row, at, text: texts.join('\n').toLowerCase(), keys };
  });
  let arranged = rows;
  let chosen = [];

  const compare = (column, sign) => (one, other) => {
    const [a, b] = [one.keys[column], other.keys[column]];
    // Missing values come last in both orders.
    const none = (key) => (/^~(?!~)/.test(key) ? 1 : 0);
    return none(a) - none(b) || sign * collator.compare(a, b) || one.at - other.at;
  };

  const arrange = () => {
    const column = columns.indexOf(sort.replace(/^-/, ''));
    const down = sort.startsWith('-');
    heads.forEach((head, at) => {
      if (at === column) head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    const before = arranged;
    arranged = column < 0 ? rows : rows.toSorted(compare(column, down ? -1 : 1));
    if (arranged === before) return;
    // Rows move faster where they are not shown.
    body.remove();
    body.append(...arranged.map(({ row }) => row));
    table.append(body);
  };

  const filter = () => {
    const terms = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = facets.filter((name) => form.elements[name].value)
      .map((name) => [columns.indexOf(name), form.elements[name].value]);
    let fit = 0;
    chosen = [];
    for (const { row, text, keys } of arranged) {
      const fits = terms.every((term) => text.includes(term)) && wanted.every(([column, key]) => keys[column] === key);
      if (fits) fit += 1;
      if (fits) chosen.push(row);
      const hidden = !fits || fit > most;
      if (row.hidden !== hidden) row.hidden = hidden;
    }
    const all = `${numbers.format(rows.length)} ${rows.length === 1 ? 'account' : 'accounts'}`;
    const found = terms.length || wanted.length ? `${numbers.format(fit)} of ${all}` : all;
    shown.textContent = fit > most ? `${found}, the first ${numbers.format(most)} are shown` : found;
    more.hidden = fit <= most;
  };

  // Words in italics say that there is no value.
  const fitting = () => chosen.map((row) => Array.from(row.cells, (cell) => (
    cell.querySelector('i') && !cell.querySelector('bdi') ? '' : cell.textContent.trim())));

