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
    get('TITLE').focus({ preventScroll: true });
    get('TITLE').scrollIntoView();
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
  // The rows that fit, in their order, as a file. The script of the rows may know them: `fitting` answers with cells.
  const ofView = get('csv');
  if (ofView && typeof fitting === 'function') {
    const cell = (text) => {
      // A spreadsheet would take such a text for a formula.
      const inert = /^[=+\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
      return `"${inert.replaceAll('"', '""')}"`;
    };
    ofView.hidden = false;
    ofView.addEventListener('click', () => {
      const lines = [heads.map((head) => head.textContent), ...fitting()];
      const text = lines.map((line) => `${line.map(cell).join(',')}\r\n`).join('');
      const link = document.createElement('a');
      // Spreadsheets know by the first character that the text is UTF-8.
      link.href = URL.createObjectURL(new Blob(['\ufeff', text], { type: 'text/csv;charset=utf-8' }));
      link.download = 'NOUN.csv';
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href));
    });
  }
  for (const link of document.querySelectorAll('a[data-filter]')) link.href = `#${link.dataset.filter}`;
  form.hidden = false;
  window.addEventListener('hashchange', update);
  update();
  document.documentElement.classList.remove('scripted');
});
