'use strict';
// Filters and sorts the table of NOUN. The fragment of the address has the shown state, as in
// `#q=prod&status=role_denied&sort=-name`, so that it can be sent to others. Without this, the table is whole.
document.documentElement.classList.add('scripted');
document.addEventListener('DOMContentLoaded', () => {
  // Rows that are shown unless all are asked for: more take a while to lay out. The style sheet knows it, too.
  const few = FEW;
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

