// The Basics tab: a list of examples and one panel. Posts {example, values, seq}, draws what the server answers.
const nav = element.querySelector('nav');
const drawer = element.querySelector('.mnist-nav');
const panel = element.querySelector('.mnist-example');
const { catalogue, checklist } = props.value;
const titles = new Map(catalogue.flatMap((chapter) => chapter.examples.map((example) => [example.name, example.title])));
const names = [...titles.keys()];
const narrow = window.matchMedia('(max-width: 760px)');
let current = null; // name of the example in the panel
let values = {};
let seq = 0;
let waiting = 0; // when the post that is under way was sent, 0 if none
let again = false; // something changed while waiting

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'html') node.innerHTML = value;
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function post() {
  if (waiting && Date.now() - waiting < 3000) {
    again = true;
    return;
  }
  waiting = Date.now();
  again = false;
  seq += 1;
  props.value = { example: current, values, seq };
  trigger('input');
}

function open(name, focus) {
  current = name;
  values = {};
  post();
  history.replaceState(null, '', `${location.pathname}${location.search}#basics/${name}`);
  if (narrow.matches) drawer.open = false;
  if (focus) panel.dataset.focus = 'yes';
}

function list() {
  const fold = () => { drawer.open = !narrow.matches; };
  narrow.addEventListener('change', fold);
  fold();
  const notesButton = make('button', { type: 'button', 'data-example': '', onclick: notes }, 'Course notes, line by line');
  const download = make('button', { type: 'button', class: 'mnist-download', onclick: () => {
    props.value = { notebook: true, seq };
    trigger('input');
  } }, 'Download all as a notebook');
  nav.append(make('ul', {}, make('li', {}, notesButton), make('li', {}, download)));
  for (const chapter of catalogue) {
    const items = chapter.examples.map((example) => make('li', {},
      make('button', { type: 'button', 'data-example': example.name, onclick: () => open(example.name, true) },
        example.title,
        example.corrects ? make('span', { class: 'mnist-fix', title: 'shows what is often written otherwise' }, 'then and now') : null)));
    nav.append(make('h3', {}, chapter.title), make('ul', {}, ...items));
  }
}

// Text with `code` between backticks, as nodes.
function prose(text) {
  return text.split('`').map((piece, index) => (index % 2 ? make('code', {}, piece) : piece));
}

function save(notebook) {
  const link = make('a', { download: 'pytorch-basics.ipynb',
    href: URL.createObjectURL(new Blob([notebook], { type: 'application/x-ipynb+json' })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function control(spec) {
  const id = `mnist-basics-${spec.name}`;
  const set = (value) => { values = { ...values, [spec.name]: value }; post(); };
  const label = make('label', { for: id }, spec.label);
  if (spec.kind === 'switch') {
    const box = make('input', { id, type: 'checkbox', onchange: () => set(box.checked) });
    box.checked = spec.value;
    return make('div', { class: 'mnist-control mnist-switch' }, box, label);
  }
  if (spec.kind === 'choice') {
    const select = make('select', { id, onchange: () => set(select.value) },
      ...spec.choices.map((choice) => make('option', { value: choice }, choice)));
    select.value = spec.value;
    return make('div', { class: 'mnist-control' }, label, select);
  }
  const limits = { min: spec.minimum, max: spec.maximum, step: spec.step };
  const box = make('input', { id, type: 'number', ...limits, value: spec.value });
  const send = (text) => { if (text.trim() !== '' && Number.isFinite(Number(text))) set(Number(text)); };
  if (spec.name === 'seed') {
    box.addEventListener('input', () => send(box.value));
    const another = make('button', { type: 'button', onclick: () => {
      box.value = (Number(box.value) + 1) % (spec.maximum + 1);
      send(box.value);
    } }, 'Next seed');
    return make('div', { class: 'mnist-control' }, label, make('div', { class: 'mnist-pair' }, box, another));
  }
  const range = make('input', { type: 'range', 'aria-label': spec.label, ...limits, value: spec.value });
  range.addEventListener('input', () => { box.value = range.value; send(range.value); });
  box.addEventListener('input', () => { range.value = box.value; send(box.value); });
  return make('div', { class: 'mnist-control' }, label, make('div', { class: 'mnist-pair' }, range, box));
}

function correction(view) {
  if (!view.today) return null;
  return make('div', { class: 'mnist-correction' },
    make('p', {}, make('strong', {}, 'Often written: '), make(view.is_quote ? 'q' : 'span', {}, view.said)),
    make('p', {}, make('strong', {}, 'Today: '), ...prose(view.today)));
}

function step(offset) {
  const name = names[names.indexOf(current) + offset];
  const title = titles.get(name);
  if (!name) return make('span', {});
  return make('button', { type: 'button', onclick: () => open(name, true) }, offset < 0 ? `← ${title}` : `${title} →`);
}

function build(view) {
  const heading = make('h2', { tabindex: '-1' }, view.title);
  const copy = make('button', { type: 'button', class: 'mnist-copy', onclick: async () => {
    if (navigator.clipboard) { // absent on plain http
      await navigator.clipboard.writeText(panel.querySelector('.mnist-panes').dataset.text);
      copy.textContent = 'Copied';
    } else {
      getSelection().selectAllChildren(panel.querySelector('.mnist-panes'));
      copy.textContent = 'Selected';
    }
    setTimeout(() => { copy.textContent = 'Copy'; }, 1500);
  } }, 'Copy');
  panel.classList.toggle('mnist-columns', view.panes > 1);
  panel.replaceChildren(...[
    make('p', { class: 'mnist-chapter' }, view.chapter),
    heading,
    make('p', { class: 'mnist-teaching' }, ...prose(view.teaching)),
    correction(view),
    make('form', { class: 'mnist-controls', 'aria-label': 'Values', onsubmit: (event) => event.preventDefault() },
      ...view.controls.map(control)),
    make('p', { class: 'mnist-refusal', role: 'alert' }),
    partButtons(view),
    make('div', { class: 'mnist-split' },
      make('section', { class: 'mnist-source', 'aria-label': 'Code' },
        make('header', {}, 'The code that runs', copy), make('div', { class: 'mnist-panes' })),
      make('section', { class: 'mnist-result', 'aria-label': 'Output' },
        make('header', {}, 'Output', make('span', { class: 'mnist-time' })),
        make('div', { class: 'mnist-output' }))),
    trainButton(view),
    make('details', { class: 'mnist-quote' }, make('summary', {}, 'In the course notes'), make('pre', {})),
    make('footer', {}, step(-1), step(1)),
  ].filter((node) => node !== null));
  arrive(view.example, heading);
}

function arrive(name, heading) {
  for (const button of nav.querySelectorAll('button')) {
    if (button.dataset.example !== name) {
      button.removeAttribute('aria-current');
      continue;
    }
    button.setAttribute('aria-current', 'true');
    const gap = button.getBoundingClientRect().top - drawer.getBoundingClientRect().top;
    if (gap < 0 || gap > drawer.clientHeight - 60) drawer.scrollTop += gap - drawer.clientHeight / 3;
  }
  panel.dataset.example = name;
  if (!panel.dataset.focus) return;
  delete panel.dataset.focus;
  heading.focus({ preventScroll: true });
  if (panel.getBoundingClientRect().top < 0) panel.scrollIntoView();
}

function notes() {
  current = '';
  const heading = make('h2', { tabindex: '-1' }, 'Course notes, line by line');
  const rows = checklist.map((row) => make('tr', {},
    make('td', {}, make('pre', {}, row.text)),
    make('td', {},
      make('button', { type: 'button', onclick: () => open(row.example, true) }, titles.get(row.example)),
      row.correction ? make('p', {}, row.correction) : null)));
  panel.classList.remove('mnist-columns');
  panel.replaceChildren(heading,
    make('p', { class: 'mnist-teaching' }, 'Notes of a PyTorch course, passage by passage: each opens the example that '
      + 'shows it. Where they are wrong or out of date, the remark says so.'),
    make('table', { class: 'mnist-notes' }, make('tbody', {}, ...rows)));
  panel.dataset.focus = 'yes';
  if (narrow.matches) drawer.open = false;
  arrive('', heading);
}

// Lines that do the same thing in several columns light up together.
function highlight(part) {
  for (const node of panel.querySelectorAll('[data-part]')) {
    node.classList.toggle('mnist-same', part !== null && node.dataset.part === part);
  }
}

function partButtons(view) {
  const buttons = view.parts.map((part) => make('button', {
    type: 'button', 'data-part': part, onclick: () => highlight(part), onfocus: () => highlight(part),
  }, part));
  return buttons.length ? make('div', { class: 'mnist-parts' }, 'The same in all three: ', ...buttons) : null;
}

function trainButton(view) {
  if (!view.can_train) return null;
  return make('button', { type: 'button', class: 'mnist-train', onclick: () => {
    props.value = { example: current, values, seq };
    trigger('submit');
  } }, 'Train this on the Train tab');
}

function draw(view) {
  if (!view || view.seq === undefined) return;
  waiting = 0;
  if (view.notebook) save(view.notebook);
  if (!view.example) return;
  if (current === null || view.example === current) {
    if (panel.dataset.example !== view.example) {
      current = view.example;
      build(view);
    }
    panel.querySelector('.mnist-refusal').textContent = view.refusal;
    if (!view.refusal) show(view);
    panel.dataset.seq = view.seq;
  }
  if (again) post();
}

function show(view) {
  const panes = panel.querySelector('.mnist-panes');
  panes.innerHTML = view.code;
  panes.dataset.text = view.text;
  panel.querySelector('.mnist-output').innerHTML = view.output;
  panel.querySelector('.mnist-time').textContent = `${Math.max(1, Math.round(view.elapsed_ms))} ms`;
  const quote = panel.querySelector('.mnist-quote');
  quote.hidden = !view.notes;
  quote.querySelector('pre').textContent = view.notes;
}

panel.addEventListener('mouseover', (event) => {
  const line = event.target.closest('.mnist-line');
  if (line) highlight(line.dataset.part ?? null);
});

// The address names the example, so that links lead to it and Back returns to it.
function follow() {
  const [tab, name] = location.hash.split('/');
  if (tab === '#basics' && titles.has(name) && name !== current) open(name, true);
}
addEventListener('popstate', follow);

list();
draw(props.value);
follow();
watch('value', () => draw(props.value));
