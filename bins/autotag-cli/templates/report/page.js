  // The rows are data: columns with their different values, and for each row the places of its own.
  const data = JSON.parse(get('data').textContent);
  const column = Object.fromEntries(data.columns);
  const lower = Object.fromEntries(data.columns.map(([name, { d }]) => [name, d.map((text) => text.toLowerCase())]));
  const ends = data.ends.map((end) => end.toLowerCase());
  const none = '~none';
  const everything = Uint32Array.from({ length: data.count }, (_, at) => at);
  const classes = Object.fromEntries(Array.from(document.querySelectorAll('.legend .class'), (link) => [link.textContent, link.className]));
  let arranged = everything;
  let found = everything;
  let page = 0;
  let asked = '';

  const value = (name, row) => {
    if (name === 'cost') return costText(row);
    const text = column[name].d[column[name].i[row]];
    return name === 'resource' ? text + data.ends[row] : text === none ? '' : text;
  };
  const money = (nanos) => {
    const cents = ((nanos < 0n ? -nanos : nanos) + 5000000n) / 10000000n;
    const sign = nanos < 0n && cents > 0n ? '-' : '';
    return `${sign}${numbers.format(cents / 100n)}.${String(cents % 100n).padStart(2, '0')}`;
  };
  const costText = (row) => data.currencies
    .map((currency, at) => (data.costs[at][row] ? `${money(BigInt(data.costs[at][row]))} ${currency}` : ''))
    .filter(Boolean).join('; ');

  // Words, and `column:word`, `column:=word`; quotes around words with spaces.
  const parse = (text) => Array.from(text.matchAll(/(?:([a-z]+):(=?))?(?:"((?:[^"]|"")*)"|(\S+))/gi), (match) => {
    const word = (match[3]?.replaceAll('""', '"') ?? match[4]).toLowerCase();
    return { name: match[1]?.toLowerCase(), exact: match[2] === '=', word };
  });

  // A function that says whether a row has a word, made so that each different text is searched once.
  const test = ({ name, exact, word }) => {
    if (name === 'since' || name === 'until') {
      const fits = column.created.d.map((text) => text !== '' && (name === 'since' ? text >= word : text < word));
      return (row) => fits[column.created.i[row]];
    }
    if (name === 'without') {
      const fits = column.tags.d.map((text) => text !== '' && !JSON.parse(text).some((key) => key.toLowerCase() === word));
      return (row) => fits[column.tags.i[row]];
    }
    const has = (text) => (exact ? text === word : text.includes(word));
    if (name === 'resource') return (row) => has(lower.resource[column.resource.i[row]] + ends[row]);
    if (name && column[name]) {
      const fits = lower[name].map((text) => has(text === none ? '' : text));
      return (row) => fits[column[name].i[row]];
    }
    // Not the name of a column: the colon belongs to the word, as in an ARN.
    const whole = name ? `${name}:${word}` : word;
    const all = data.columns.map(([, { i }], at) => [i, lower[data.columns[at][0]].map((text) => text !== none && text.includes(whole))]);
    const joined = lower.resource;
    return (row) => all.some(([i, fits]) => fits[i[row]]) || (joined[column.resource.i[row]] + ends[row]).includes(whole);
  };

  const ranks = (name) => {
    // Currencies are not added: the largest amount counts.
    if (name === 'cost') return Array.from(everything, (row) => Math.max(...data.costs.map((costs) => costs[row])));
    if (name === 'resource') {
      const texts = data.ends.map((end, row) => column.resource.d[column.resource.i[row]] + end);
      const order = everything.toSorted((a, b) => (texts[a] < texts[b] ? -1 : texts[a] > texts[b] ? 1 : 0));
      const rank = new Uint32Array(data.count);
      order.forEach((row, at) => { rank[row] = at; });
      return rank;
    }
    const { d, i } = column[name];
    const order = d.map((_, at) => at).sort((a, b) => collator.compare(d[a], d[b]));
    const rank = [];
    // Missing values come last.
    order.forEach((at, place) => { rank[at] = d[at] === '' || d[at] === none ? Infinity : place; });
    return i.map((at) => rank[at]);
  };

  const arrange = () => {
    const name = sort.replace(/^-/, '');
    const known = columns.includes(name);
    heads.forEach((head) => {
      if (known && head.dataset.name === name) head.setAttribute('aria-sort', sort.startsWith('-') ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    if (!known) {
      arranged = everything;
      return;
    }
    const rank = ranks(name);
    const sign = sort.startsWith('-') ? -1 : 1;
    arranged = everything.toSorted((a, b) => {
      const [one, other] = [rank[a], rank[b]];
      if (one === other) return a - b;
      if (one === Infinity) return 1;
      if (other === Infinity) return -1;
      return sign * (one - other);
    });
  };

  const cell = (name, row) => {
    const td = document.createElement('td');
    td.className = `c-${name}`;
    const text = value(name, row);
    const inner = document.createElement(name === 'class' ? 'span' : 'bdi');
    if (name === 'class') inner.className = classes[text] ?? 'class';
    // Long names are broken between their parts.
    const parts = text.split({ type: /(?<=::)/, owner: /(?<=[@/])/ }[name]);
    inner.append(...parts.flatMap((part) => [part, document.createElement('wbr')]).slice(0, -1));
    td.append(inner);
    return td;
  };

  // One name in two accounts is two owners. The number has the place of the name and that of the account.
  const homes = column.owneraccount.d.length;
  const ownerOf = (row) => column.owner.i[row] * homes + column.owneraccount.i[row];
  const namesakes = new Map();
  new Set(Array.from(everything, (_, row) => ownerOf(row))).forEach((key) => {
    const name = Math.floor(key / homes);
    namesakes.set(name, (namesakes.get(name) ?? 0) + 1);
  });
  const ownerName = (key) => {
    const name = column.owner.d[Math.floor(key / homes)] || 'not known';
    const account = column.owneraccount.d[key % homes];
    return account && namesakes.get(Math.floor(key / homes)) > 1 ? `${name} of ${account}` : name;
  };

  // Who the owners of the rows are, the most frequent first.
  const tell = () => {
    const counts = new Map();
    for (const row of found) counts.set(ownerOf(row), (counts.get(ownerOf(row)) ?? 0) + 1);
    const there = Array.from(counts.keys()).sort((a, b) => counts.get(b) - counts.get(a));
    const parts = there.slice(0, 5).flatMap((key, place) => {
      const owner = document.createElement('bdi');
      owner.textContent = ownerName(key);
      return [place ? ', ' : 'Owners: ', owner, ` ${numbers.format(counts.get(key))}`];
    });
    if (there.length > 5) parts.push(`, and ${numbers.format(there.length - 5)} more`);
    get('owners').replaceChildren(...parts);
    get('owners').hidden = there.length === 0;
  };

  const draw = () => {
    const size = most === Infinity ? 1000 : few;
    const last = Math.max(0, Math.ceil(found.length / size) - 1);
    page = Math.min(page, last);
    const rows = found.slice(page * size, page * size + size);
    body.replaceChildren(...Array.from(rows, (row) => {
      const tr = document.createElement('tr');
      tr.append(...columns.map((name) => cell(name, row)));
      return tr;
    }));
    const all = `${numbers.format(data.count)} ${data.count === 1 ? 'resource' : 'resources'}`;
    const parts = [found.length === data.count ? all : `${numbers.format(found.length)} of ${all}`];
    data.currencies.forEach((currency, at) => {
      let sum = 0n;
      for (const row of found) sum += BigInt(data.costs[at][row]);
      parts.push(`${money(sum)} ${currency}`);
    });
    if (last > 0) parts.push(`rows ${numbers.format(page * size + 1)} to ${numbers.format(page * size + rows.length)}`);
    shown.textContent = parts.join(', ');
    get('back').disabled = page === 0;
    get('on').disabled = page === last;
    document.querySelector('.pager').hidden = last === 0;
    more.hidden = most === Infinity || found.length <= few;
  };

  const filter = () => {
    const state = JSON.stringify([form.elements.q.value, facets.map((name) => form.elements[name].value), sort]);
    if (state !== asked) page = 0;
    asked = state;
    const tests = parse(form.elements.q.value).map(test);
    for (const name of facets) {
      const key = form.elements[name].value;
      if (!key) continue;
      const wanted = column[name].d.indexOf(key);
      tests.push((row) => column[name].i[row] === wanted);
    }
    found = tests.length ? arranged.filter((row) => tests.every((fits) => fits(row))) : arranged;
    draw();
    tell();
  };

  const turn = (by) => {
    page += by;
    draw();
    table.parentElement.scrollTop = 0;
  };
  get('back').addEventListener('click', () => turn(-1));
  get('on').addEventListener('click', () => turn(1));

  // A cell that a spreadsheet would evaluate gets a single quote before it.
  const quoted = (text) => {
    const inert = /^[=+\-@\t\r\n\0＝＋－＠]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
  };
  const exact = (nanos) => {
    const number = BigInt(nanos);
    const digits = String(number < 0n ? -number : number).padStart(10, '0');
    return `${number < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
  };
  const csv = () => {
    const names = data.columns.map(([name]) => name);
    const lines = [[...names, ...data.currencies.map((currency) => `cost_${currency}`)].join(',')];
    for (const row of found) {
      const costs = data.currencies.map((_, at) => (data.costs[at][row] ? exact(data.costs[at][row]) : ''));
      lines.push([...names.map((name) => quoted(value(name, row))), ...costs].join(','));
    }
    return `${lines.join('\r\n')}\r\n`;
  };
  get('csv').addEventListener('click', () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob(['\ufeff', csv()], { type: 'text/csv' }));
    link.download = 'resources.csv';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
  get('csv').hidden = false;
  document.querySelector('.search-help').hidden = false;

