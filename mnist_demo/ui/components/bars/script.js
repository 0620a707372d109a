// Ten rows for each model, built once. A bar's length is a CSS transform, so the layout is not computed again.
const root = element.querySelector('.mnist-bars');
const [message, verdict, models, spoken] = root.children;
const CARD = `
  <div class="mnist-bars-head">
    <h4></h4><p class="mnist-bars-detail"></p><div class="mnist-bars-digit"></div><div class="mnist-bars-sure"></div>
  </div>
  <div class="mnist-bars-list" role="group">${Array.from({length: 10}, (_, digit) => `
    <button type="button" class="mnist-bars-row">
      <span>${digit}</span><div class="mnist-bars-track"><div class="mnist-bars-fill"></div></div><span class="mnist-bars-share"></span>
    </button>`).join('')}
  </div>`;
let speaking = 0;

function percent(share) {
  const text = share > 0.9995 ? '> 99.9' : share < 0.0005 ? '< 0.1' : (share * 100).toFixed(1);
  return text + '%';
}
function addCard() {
  const card = models.appendChild(document.createElement('section')), model = models.children.length - 1;
  card.className = 'mnist-bars-model';
  card.innerHTML = CARD;
  const list = card.lastElementChild, rows = [...list.children];
  rows.forEach((row, digit) => row.addEventListener('click', () => trigger('select', {index: [model, digit], value: digit, selected: true})));
  list.addEventListener('keydown', (event) => { // one tab stop a model; arrows move inside
    const step = {ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1}[event.key];
    if (!step) return;
    event.preventDefault();
    rows[(rows.indexOf(document.activeElement) + step + 10) % 10].focus();
  });
}
function drawCard(card, {name, color, detail, probabilities, digit, confidence, refusal}, canExplain) {
  const [head, list] = card.children;
  card.style.setProperty('--color', `var(--model-${color})`);
  const texts = [name, detail, probabilities ? digit + (refusal ? '?' : '') : '', refusal || (probabilities ? `${percent(confidence)} sure` : '')];
  texts.forEach((text, index) => { head.children[index].textContent = text; });
  head.children[2].title = refusal ? 'the closest digit' : '';
  card.dataset.digit = probabilities && !refusal ? digit : '';
  card.dataset.said = `${name}: ${refusal?.replace(/\.$/, '') || texts.slice(2).join(', ')}`;
  card.classList.toggle('mnist-refused', Boolean(refusal));
  list.hidden = !probabilities;
  list.setAttribute('aria-label', `${name}: probability of each digit`);
  probabilities?.forEach((probability, number) => {
    const row = list.children[number], isTop = number === digit;
    row.style.setProperty('--share', probability);
    row.lastElementChild.textContent = percent(probability);
    row.classList.toggle('mnist-top', isTop);
    row.tabIndex = isTop ? 0 : -1;
    row.disabled = !canExplain;
    row.title = canExplain ? `Why ${number}?` : '';
    row.setAttribute('aria-label', `${number}: ${percent(probability)}`);
  });
}
function drawVerdict(shown) {
  const said = shown.map(({digit, refusal}) => (refusal ? 'refuses' : digit)); // a refusal disagrees with any answer
  const isAgreed = new Set(said).size < 2;
  const list = shown.map(({name}, index) => `${name} ${said[index]}`).join(', ');
  verdict.hidden = shown.length < 2 || said.every((word) => word === 'refuses');
  verdict.classList.toggle('mnist-disagree', !isAgreed);
  verdict.textContent = isAgreed ? `${shown.length > 2 ? 'All' : 'Both'} say ${said[0]}` : `They disagree: ${list}`;
}
function say(text) { // read out only after a moment without change, not at every step of a stroke
  clearTimeout(speaking);
  speaking = setTimeout(() => { if (spoken.textContent !== text) spoken.textContent = text; }, 600);
}
function draw() {
  const value = JSON.parse(props.value);
  if (value.seq < root.dataset.seq) return; // a late answer to an earlier drawing
  const shown = value.message ? [] : value.models;
  message.textContent = value.message;
  models.hidden = !shown.length;
  models.classList.toggle('mnist-several', shown.length > 1);
  models.style.setProperty('--models', shown.length || 1);
  while (models.children.length < shown.length) addCard();
  const cards = [...models.children];
  cards.forEach((card, index) => { card.hidden = index >= shown.length; });
  shown.forEach((model, index) => drawCard(cards[index], model, value.can_explain));
  drawVerdict(shown);
  root.dataset.digits = shown.map((_, index) => cards[index].dataset.digit).join(',');
  root.dataset.seq = value.seq;
  say(value.message || cards.slice(0, shown.length).map(({dataset}) => dataset.said).join('. '));
}
watch('value', draw);
draw();
