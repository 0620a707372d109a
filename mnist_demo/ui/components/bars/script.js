// Ten rows a model, built once and then only moved: a bar's length is a transform, so nothing is laid out again.
const root = element.querySelector('.mnist-bars');
const find = (selector) => root.querySelector(selector);
const models = find('.mnist-bars-models'), verdict = find('.mnist-bars-verdict');
let cards = [], spoken = 0;

const percent = (share) => (share > 0.9995 && share < 1 ? '> 99.9' : share > 0 && share < 0.0005 ? '< 0.1' : (share * 100).toFixed(1)) + ' %';
function make(tag, className, parent, text = '') {
  const node = parent.appendChild(document.createElement(tag));
  node.className = className;
  node.textContent = text;
  return node;
}
function makeCard(model) {
  const card = make('section', 'mnist-bars-model', models);
  card.style.setProperty('--color', `var(--model-${model % 3})`);
  const head = make('div', 'mnist-bars-head', card);
  const name = make('h4', '', head), detail = make('p', 'mnist-bars-detail', head);
  const digit = make('div', 'mnist-bars-digit', head), sure = make('div', 'mnist-bars-sure', head);
  const list = make('div', 'mnist-bars-list', card);
  list.setAttribute('role', 'group');
  const rows = Array.from({length: 10}, (_, number) => {
    const row = make('button', 'mnist-bars-row', list);
    row.type = 'button';
    row.title = `Why ${number}?`;
    make('span', '', row, String(number));
    const fill = make('div', 'mnist-bars-fill', make('div', 'mnist-bars-track', row));
    row.addEventListener('click', () => trigger('select', {index: [model, number], value: number, selected: true}));
    return {row, fill, share: make('span', 'mnist-bars-share', row)};
  });
  list.addEventListener('keydown', (event) => { // one tab stop a model; arrows move inside
    const step = {ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1}[event.key];
    const now = rows.findIndex(({row}) => row === document.activeElement);
    if (!step || now < 0) return;
    event.preventDefault();
    rows[(now + step + 10) % 10].row.focus();
  });
  return {card, name, detail, digit, sure, list, rows};
}
function drawCard({card, name, detail, digit, sure, list, rows}, model) {
  const has = Array.isArray(model.probabilities), isRefused = Boolean(model.refusal);
  name.textContent = model.name;
  detail.textContent = model.detail;
  card.dataset.digit = has && !isRefused ? model.digit : '';
  card.classList.toggle('mnist-refused', isRefused);
  digit.textContent = has ? model.digit + (isRefused ? '?' : '') : '';
  sure.textContent = isRefused ? model.refusal : has ? `${percent(model.confidence)} sure` : '';
  digit.title = isRefused && has ? 'the closest digit' : '';
  list.hidden = !has;
  list.setAttribute('aria-label', `${model.name}: probability of each digit`);
  if (!has) return;
  rows.forEach(({row, fill, share}, number) => {
    const probability = model.probabilities[number], isTop = number === model.digit;
    fill.style.setProperty('--share', probability);
    share.textContent = percent(probability);
    row.classList.toggle('mnist-top', isTop);
    row.tabIndex = isTop ? 0 : -1;
    row.setAttribute('aria-label', `${number}: ${percent(probability)}`);
  });
}
function say(text) { // only what stands for a moment is read out, not every step of a stroke
  clearTimeout(spoken);
  spoken = setTimeout(() => { const line = find('.mnist-bars-spoken'); if (line.textContent !== text) line.textContent = text; }, 600);
}
function draw() {
  const value = JSON.parse(JSON.stringify(props.value)) || {models: [], message: '', seq: 0};
  const shown = value.message ? [] : value.models, count = shown.length;
  find('.mnist-bars-message').textContent = value.message;
  models.hidden = !count;
  models.classList.toggle('mnist-several', count > 1);
  models.style.setProperty('--models', count || 1);
  while (cards.length < count) cards.push(makeCard(cards.length));
  cards.forEach(({card}, index) => { card.hidden = index >= count; });
  shown.forEach((model, index) => drawCard(cards[index], model));
  const answers = shown.filter((model) => model.probabilities && !model.refusal), agree = new Set(answers.map((model) => model.digit)).size < 2;
  verdict.hidden = answers.length < 2;
  verdict.classList.toggle('mnist-disagree', !agree);
  verdict.textContent = agree ? `${answers.length === 2 ? 'Both' : 'All'} say ${answers[0]?.digit}` : 'They disagree: ' + answers.map((model) => `${model.name} ${model.digit}`).join(', ');
  root.dataset.digits = cards.slice(0, count).map(({card}) => card.dataset.digit).join(',');
  root.dataset.seq = value.seq;
  say(value.message || shown.map((model) => `${model.name}: ${model.refusal || (model.probabilities ? `${model.digit}, ${percent(model.confidence)} sure` : 'no answer')}`).join('. '));
}
watch('value', draw);
draw();
