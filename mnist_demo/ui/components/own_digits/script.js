// The visitor's own digits live here and in this browser's storage. The canvas is asked for its ink by an event. The
// server gets the whole set with each `submit`, and answers which `seq` it could read.
const FORMAT = 'mnist-lab-own-digits-1', KEPT = 'mnist-lab-own-digits', GOAL = 30, ROUND = 10, WAIT_MS = 1200, SURE_MS = 4000, MOST = 200;
const ABOUT = 'Three of each digit are a test of your own hand, for every network here.';
const root = element.querySelector('.mnist-own'), part = (name) => root.querySelector(`[data-part=${name}]`);
const button = (name) => root.querySelector(`[data-do=${name}]`), picker = root.querySelector('input[type=file]');
const canvas = () => document.querySelector('#canvas .mnist-canvas'), hasInk = () => canvas().dataset.strokes !== '0';
let digits = [], asked = null, goal = GOAL, timer = 0, seq = 0, pending = null, words = '';

const text = (some) => JSON.stringify({format: FORMAT, digits: some});
function take(clears) {
  const detail = {clears};
  canvas().dispatchEvent(new CustomEvent('mnist-take', {detail}));
  return detail.ink;
}
function recall() {
  try { digits = JSON.parse(localStorage.getItem(KEPT))?.digits ?? []; } catch { digits = []; }
}
function keep() {
  words = '';
  try { localStorage.setItem(KEPT, text(digits)); } catch { words = 'This browser has no room for them: save the file before you leave.'; }
}
function send(some, event = 'submit') {
  props.value = {text: some.length ? text(some) : '', seq: seq += 1};
  trigger(event);
}
function show() {
  const isAsking = asked !== null, count = digits.length, hint = canvas()?.querySelector('.mnist-canvas-hint');
  root.dataset.count = count;
  part('asks').hidden = !isAsking;
  part('set').hidden = isAsking;
  part('label').hidden = isAsking || !canvas() || !hasInk();
  for (const name of ['score', 'train', 'save', 'delete']) button(name).hidden = !count;
  button('undo').disabled = !count;
  button('delete').textContent = 'Delete';
  button('start').textContent = count ? 'Draw more' : 'Draw my own digits';
  part('words').textContent = words || (count ? `${count} of your digits, kept in this browser.` : ABOUT);
  if (hint) hint.innerHTML = isAsking ? `<span>Draw a <b>${asked}</b></span>` : 'Draw a digit here';
  if (!isAsking) return;
  part('asks').querySelector('p').innerHTML = `<span>Draw a <b>${asked}</b></span> <span>${count} of ${goal}</span>`;
  Object.assign(root.querySelector('progress'), {max: goal, value: count});
}
// One of the digits that there are fewest of, but not the same twice.
function ask() {
  const counts = Array.from({length: 10}, (_, digit) => digits.filter(({label}) => label === digit).length);
  const rare = [...counts.keys()].filter((digit) => counts[digit] === Math.min(...counts));
  const free = rare.length > 1 ? rare.filter((digit) => digit !== asked) : rare;
  asked = free[Math.floor(Math.random() * free.length)];
}
function add(label, clears) {
  if (digits.length >= MOST) {
    words = `These are ${MOST} digits, the most: save the file, delete them and begin anew.`;
    return false;
  }
  const ink = take(clears);
  if (!ink) return false;
  digits.push({label, ink});
  keep();
  return true;
}
const actions = {
  start() {
    goal = Math.min(MOST, Math.max(GOAL, Math.ceil((digits.length + 1) / ROUND) * ROUND));
    take(true);
    ask();
    canvas().scrollIntoView({block: 'nearest', behavior: 'instant'});
    canvas().querySelector('canvas').focus({preventScroll: true});
  },
  next() {
    clearTimeout(timer);
    if (digits.length < MOST && !add(asked, true)) return;
    if (digits.length < goal) ask();
    else actions.end();
  },
  undo() {
    clearTimeout(timer);
    take(true);
    const last = digits.pop();
    asked = last.label;
    keep();
  },
  end() {
    clearTimeout(timer);
    asked = null;
    button('start').focus({preventScroll: true});
    if (digits.length) send(digits);
  },
  score() { send(digits); },
  train() { send(digits, 'input'); },
  save() {
    const url = URL.createObjectURL(new Blob([text(digits)], {type: 'application/json'}));
    Object.assign(document.createElement('a'), {download: 'my-digits.json', href: url}).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  },
  delete() {
    if (button('delete').textContent === 'Delete') {
      button('delete').textContent = `Delete all ${digits.length}?`;
      setTimeout(() => { if (root.isConnected) show(); }, SURE_MS);
      return true;
    }
    digits = [];
    localStorage.removeItem(KEPT);
    send(digits);
  },
};
root.addEventListener('click', ({target}) => {
  const name = target.closest('button')?.dataset.do, label = target.closest('button')?.dataset.label;
  if (label) {
    if (add(+label, false)) words ||= `Kept as a ${label}: now ${digits.length} of your digits, in this browser.`;
  }
  if (label || (name && !actions[name]())) show();
});
// Open a file: its digits join those that are here, once the server has read them.
picker.addEventListener('change', async () => {
  const [file] = picker.files;
  picker.value = '';
  let found;
  try { found = JSON.parse(await file.text()); } catch { found = null; }
  if (found?.format !== FORMAT || !Array.isArray(found.digits)) {
    words = 'This is not a file of own digits: choose one that was saved here.';
    return show();
  }
  const known = new Set(digits.map((each) => JSON.stringify(each)));
  pending = [...digits, ...found.digits.filter((each) => !known.has(JSON.stringify(each)))];
  send(pending);
});
watch('value', () => {
  if (pending && props.value?.read === seq) {
    digits = pending;
    pending = null;
    keep();
    show();
  }
});

document.addEventListener('mnist-lab-drawing', ({detail}) => {
  if (!root.isConnected || detail !== canvas()) return;
  clearTimeout(timer);
  if (asked !== null && hasInk()) {
    timer = setTimeout(() => { actions.next(); show(); }, WAIT_MS);
    if (digits.length + 1 === goal) send([...digits, {label: asked, ink: take(false)}]); // the score need not wait
  }
  show();
});
document.addEventListener('pointerdown', ({target}) => { if (target.closest?.('#canvas')) clearTimeout(timer); });
document.addEventListener('keydown', (event) => {
  if (asked === null || event.key !== 'Enter' || !event.target.closest?.('#canvas')) return;
  actions.next();
  show();
});
addEventListener('storage', ({key}) => { if (key === KEPT && root.isConnected) { recall(); show(); } });
for (let digit = 0; digit < 10; digit++) {
  const node = root.querySelector('.mnist-own-labels').appendChild(document.createElement('button'));
  Object.assign(node, {type: 'button', textContent: digit}).dataset.label = digit;
}
recall();
requestAnimationFrame(show); // when the canvas is there
