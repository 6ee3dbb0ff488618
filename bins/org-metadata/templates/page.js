'use strict';
// Filters and sorts the table of accounts. What is shown stands in the fragment of the address, as in
// `#q=prod&status=role_denied&sort=-name`, so that it can be sent to others. Without this, the table is whole.
document.documentElement.classList.add('scripted');
document.addEventListener('DOMContentLoaded', () => {
  // Rows that are shown unless all are asked for: more take a while to lay out. The style sheet knows it, too.
  const few = 500;
  const get = (id) => document.getElementById(id);
  const [form, shown, more, table] = [get('filter'), get('shown'), get('more'), get('table')];
  const body = table.tBodies[0];
  const heads = Array.from(document.querySelectorAll('#table thead th'));
  const columns = heads.map((head) => head.dataset.name);
  const facets = Array.from(form.querySelectorAll('select'), (select) => select.name);
  const collator = new Intl.Collator('en', { numeric: true });
  const numbers = new Intl.NumberFormat('en');
  let sort = '';
  let most = few;

  // In their own order.
  const rows = Array.from(body.rows, (row, at) => {
    const texts = Array.from(row.cells, (cell) => cell.textContent);
    const keys = texts.map((text, column) => row.cells[column].dataset.key ?? text);
    return { row, at, text: texts.join('\n').toLowerCase(), keys };
  });
  let arranged = rows;

  const compare = (column, sign) => (one, other) => {
    const [a, b] = [one.keys[column], other.keys[column]];
    // What is no value stands last, whichever way the others stand.
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
    for (const { row, text, keys } of arranged) {
      const fits = terms.every((term) => text.includes(term)) && wanted.every(([column, key]) => keys[column] === key);
      if (fits) fit += 1;
      const hidden = !fits || fit > most;
      if (row.hidden !== hidden) row.hidden = hidden;
    }
    const all = `${numbers.format(rows.length)} ${rows.length === 1 ? 'account' : 'accounts'}`;
    const found = terms.length || wanted.length ? `${numbers.format(fit)} of ${all}` : all;
    shown.textContent = fit > most ? `${found}, the first ${numbers.format(most)} are shown` : found;
    more.hidden = fit <= most;
  };

  const write = () => {
    const state = new URLSearchParams();
    for (const name of ['q', ...facets]) {
      if (form.elements[name].value) state.set(name, form.elements[name].value);
    }
    if (sort) state.set('sort', sort);
    const fragment = state.toString();
    history.replaceState(null, '', fragment ? `#${fragment}` : location.href.split('#')[0]);
  };

  // A fragment without `=` names a section, and leaves the filter as it is.
  const read = () => {
    if (!location.hash.includes('=')) return false;
    const state = new URLSearchParams(location.hash.slice(1));
    form.elements.q.value = state.get('q') ?? '';
    for (const name of facets) {
      const select = form.elements[name];
      const key = state.get(name) ?? '';
      // Not all values are offered.
      if (!Array.from(select.options).some((option) => option.value === key)) select.add(new Option(key, key));
      select.value = key;
    }
    sort = state.get('sort') ?? '';
    return true;
  };

  const update = () => {
    const asked = read();
    arrange();
    filter();
    if (!asked) return;
    get('accounts-title').focus({ preventScroll: true });
    get('accounts-title').scrollIntoView();
  };

  const changed = () => {
    most = few;
    filter();
    write();
  };
  let waiting = 0;
  form.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(changed, 80);
  });
  // The fields are empty only after this.
  form.addEventListener('reset', () => setTimeout(changed));
  form.addEventListener('submit', (event) => event.preventDefault());
  const showAll = () => {
    most = Infinity;
    filter();
  };
  more.addEventListener('click', showAll);
  window.addEventListener('beforeprint', showAll);
  document.addEventListener('keydown', (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    form.elements.q.focus();
  });

  heads.forEach((head, at) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    button.addEventListener('click', () => {
      const name = columns[at];
      sort = { [name]: `-${name}`, [`-${name}`]: '' }[sort] ?? name;
      arrange();
      filter();
      write();
    });
    head.append(button);
  });
  for (const link of document.querySelectorAll('a[data-filter]')) link.href = `#${link.dataset.filter}`;
  form.hidden = false;
  window.addEventListener('hashchange', update);
  update();
  document.documentElement.classList.remove('scripted');
});
