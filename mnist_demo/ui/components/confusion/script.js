// One table a matrix, built once. Only one cell is a tab stop; arrow keys go to its neighbours.
const root = element.querySelector('.mnist-confusion');
const digits = [...Array(10).keys()];

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  node.append(...children);
  return node;
}
const cell = (table, row, column) => table.querySelector(`[data-row="${row}"][data-column="${column}"]`);
function makeTable(place) {
  const caption = make('caption', {}, make('b'), ' ', make('span'));
  const head = make('tr', {}, make('th', {'aria-label': 'right digit'}, '↓\u00a0→'), ...digits.map((digit) => make('th', {scope: 'col'}, String(digit))));
  const rows = digits.map((row) => make('tr', {}, make('th', {scope: 'row'}, String(row)), ...digits.map((column) => (
    make('td', {}, make('button', {type: 'button', tabindex: row || column ? -1 : 0, 'data-row': row, 'data-column': column}))))));
  const table = root.appendChild(make('table', {}, caption, make('thead', {}, head), make('tbody', {}, ...rows)));
  const at = (button) => [+button.dataset.row, +button.dataset.column];
  table.addEventListener('click', ({target}) => {
    if (target.tagName === 'BUTTON') trigger('select', {index: [place, ...at(target)], value: table.caption.firstChild.textContent, selected: true});
  });
  table.addEventListener('focusin', ({target}) => {
    for (const button of table.querySelectorAll('[tabindex="0"]')) button.tabIndex = -1;
    target.tabIndex = 0;
  });
  table.addEventListener('keydown', (event) => {
    const move = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
    if (!move || event.target.tagName !== 'BUTTON') return;
    event.preventDefault();
    const [row, column] = at(event.target);
    cell(table, row + move[0], column + move[1])?.focus();
  });
}
function drawTable(table, {name, label, counts}, isSelected) {
  const [bold, quiet] = table.caption.children;
  bold.textContent = name;
  quiet.textContent = label;
  const mistakes = Math.max(4, ...counts.flatMap((row, right) => row.filter((_, answer) => answer !== right)));
  counts.forEach((row, right) => row.forEach((count, answer) => {
    const button = cell(table, right, answer), isRight = right === answer;
    // mistakes have their own colour scale: they are often a hundredth of the right answers
    const share = count / (isRight ? Math.max(1, ...row) : mistakes), heat = count ? 0.08 + 0.92 * Math.sqrt(share) : 0;
    button.textContent = count || '';
    button.setAttribute('aria-label', `${count} ${count === 1 ? 'image' : 'images'} of ${right} ${isRight ? 'answered right' : `answered ${answer}`}`);
    button.setAttribute('aria-pressed', isSelected(right, answer));
    button.style.setProperty('--color', isRight ? 'var(--right)' : 'var(--wrong)');
    button.style.setProperty('--heat', heat.toFixed(2));
  }));
}
function draw() {
  const {matrices, selected, seq} = JSON.parse(props.value);
  while (root.children.length < matrices.length) makeTable(root.children.length);
  while (root.children.length > matrices.length) root.lastChild.remove();
  matrices.forEach((matrix, place) => {
    drawTable(root.children[place], matrix, (row, column) => String(selected) === String([place, row, column]));
  });
  root.dataset.seq = seq;
}
watch('value', draw);
draw();
