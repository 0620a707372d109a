// A drawing is a list of marks (strokes, clears, pictures); undo drops the last one and draws the rest again.
// Two canvases get the same marks: `view` at the screen's resolution, `ink` at 280x280, which is what is posted.
const SIZE = 280, POST_EVERY_MS = 100;
const root = element.querySelector('.mnist-canvas');
const paper = root.querySelector('canvas'), slider = root.querySelector('input'), dot = root.querySelector('.mnist-canvas-dot');
const view = paper.getContext('2d');
const ink = Object.assign(document.createElement('canvas'), {width: SIZE, height: SIZE}).getContext('2d', {willReadFrequently: true});
let marks = [], undone = [], tool = 'pen', stroke = null, pointer = null;
let seq = 0, loadSeq = null, lastPost = 0, timer = 0;

// A clear hides what came before it; so does a picture, which stays visible itself.
function visibleMarks() {
  const start = marks.findLastIndex(({kind}) => kind === 'clear' || kind === 'picture');
  return marks.slice(marks[start]?.kind === 'picture' ? start : start + 1);
}

// Draws a stroke from point `from` on: quadratic curves between the midpoints of its segments.
function drawStroke(context, {kind, size, points}, from = 0) {
  context.globalCompositeOperation = kind === 'eraser' ? 'destination-out' : 'source-over';
  context.lineWidth = size;
  context.lineCap = context.lineJoin = 'round';
  context.beginPath();
  if (from === 0) { context.moveTo(...points[0]); context.lineTo(points[0][0] + 0.01, points[0][1]); }
  const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  for (let index = Math.max(1, from); index < points.length; index++) {
    const start = index > 1 ? middle(points[index - 2], points[index - 1]) : points[0];
    context.moveTo(...start);
    context.quadraticCurveTo(...points[index - 1], ...middle(points[index - 1], points[index]));
  }
  context.stroke();
}
function finishStroke(context, mark) { // the half segment behind the last midpoint
  const [before, last] = mark.points.slice(-2);
  if (!last) return;
  context.beginPath();
  context.moveTo((before[0] + last[0]) / 2, (before[1] + last[1]) / 2);
  context.lineTo(...last);
  context.stroke();
}
function drawMark(context, mark) {
  if (mark.kind === 'picture') { context.globalCompositeOperation = 'source-over'; context.drawImage(mark.picture, 0, 0, SIZE, SIZE); return; }
  drawStroke(context, mark);
  finishStroke(context, mark);
}
function redraw() {
  for (const context of [view, ink]) {
    context.globalCompositeOperation = 'source-over';
    context.clearRect(0, 0, SIZE, SIZE);
    for (const mark of visibleMarks()) drawMark(context, mark);
  }
  showState();
}
function fit() {
  const side = Math.round(paper.clientWidth * devicePixelRatio);
  if (!side || side === paper.width) return;
  paper.width = paper.height = side;
  view.setTransform(side / SIZE, 0, 0, side / SIZE, 0, 0);
  redraw();
}
function showState() {
  root.dataset.strokes = visibleMarks().length;
  root.querySelector('[data-do=undo]').disabled = !marks.length;
  root.querySelector('[data-do=redo]').disabled = !undone.length;
  root.querySelector('[data-do=clear]').disabled = root.querySelector('[data-do=download]').disabled = !visibleMarks().length;
}

function inkPng() { // white ink on black; "" where everything was erased
  const {data} = ink.getImageData(0, 0, SIZE, SIZE);
  let hasInk = false;
  for (let index = 3; index < data.length && !hasInk; index += 4) hasInk = data[index] > 40;
  if (!hasInk) return '';
  for (let index = 0; index < data.length; index += 4) { data[index] = data[index + 1] = data[index + 2] = data[index + 3]; data[index + 3] = 255; }
  const sheet = Object.assign(document.createElement('canvas'), {width: SIZE, height: SIZE});
  sheet.getContext('2d', {willReadFrequently: true}).putImageData(new ImageData(data, SIZE), 0, 0);
  return sheet.toDataURL('image/png').split(',')[1];
}
function post(final) {
  clearTimeout(timer);
  timer = 0;
  lastPost = performance.now();
  seq += 1;
  props.value = {ink: inkPng(), seq, final, strokes: visibleMarks().length};
  root.dataset.seq = seq;
  trigger('input');
}
function postSoon() { if (!timer) timer = setTimeout(() => post(false), Math.max(0, lastPost + POST_EVERY_MS - performance.now())); }

function add(mark) {
  marks.push(mark);
  undone = [];
}
const actions = {
  undo() { if (marks.length) { undone.push(marks.pop()); redraw(); post(true); } },
  redo() { if (undone.length) { marks.push(undone.pop()); redraw(); post(true); } },
  clear() { if (visibleMarks().length) { add({kind: 'clear'}); redraw(); post(true); } },
  download() {
    const link = Object.assign(document.createElement('a'), {download: 'digit.png', href: 'data:image/png;base64,' + inkPng()});
    link.click();
  },
};
function choose(next) {
  tool = next;
  for (const button of root.querySelectorAll('[data-tool]')) button.setAttribute('aria-pressed', String(button.dataset.tool === tool));
}

function place(event) {
  const box = paper.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * SIZE, ((event.clientY - box.top) / box.height) * SIZE];
}
paper.addEventListener('pointerdown', (event) => {
  const isPenEraser = event.button === 5;
  if (pointer !== null || (event.button !== 0 && !isPenEraser)) return;
  event.preventDefault();
  paper.focus({preventScroll: true});
  paper.setPointerCapture(event.pointerId);
  pointer = event.pointerId;
  stroke = {kind: isPenEraser ? 'eraser' : tool, size: +slider.value, points: [place(event)]};
  add(stroke);
  for (const context of [view, ink]) drawStroke(context, stroke);
  showState();
  postSoon();
});
paper.addEventListener('pointermove', (event) => {
  if (event.pointerId !== pointer) return;
  const from = stroke.points.length, moves = event.getCoalescedEvents?.() ?? [];
  for (const move of moves.length ? moves : [event]) {
    const next = place(move), last = stroke.points.at(-1);
    if (Math.hypot(next[0] - last[0], next[1] - last[1]) > 0.5) stroke.points.push(next);
  }
  if (stroke.points.length === from) return;
  for (const context of [view, ink]) drawStroke(context, stroke, from);
  postSoon();
});
for (const kind of ['pointerup', 'pointercancel']) paper.addEventListener(kind, (event) => {
  if (event.pointerId !== pointer) return;
  for (const context of [view, ink]) finishStroke(context, stroke);
  pointer = stroke = null;
  post(true);
});
root.addEventListener('keydown', (event) => {
  const key = event.key.toLowerCase(), command = event.ctrlKey || event.metaKey;
  const name = command ? (key === 'y' || (key === 'z' && event.shiftKey) ? 'redo' : key === 'z' ? 'undo' : '') : {delete: 'clear', b: 'pen', e: 'eraser'}[key];
  if (!name || pointer !== null) return;
  event.preventDefault();
  if (actions[name]) actions[name](); else choose(name);
});
root.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (button?.dataset.tool) choose(button.dataset.tool);
  else if (button && pointer === null) actions[button.dataset.do]();
});
slider.addEventListener('input', () => dot.style.setProperty('--size', slider.value));
dot.style.setProperty('--size', slider.value);

// White ink on black becomes a mark whose opacity is the ink.
async function load(source, isRestored) {
  const image = new Image();
  image.src = source.startsWith('data:') ? source : 'data:image/png;base64,' + source;
  try { await image.decode(); } catch { return; }
  const sheet = Object.assign(document.createElement('canvas'), {width: image.width, height: image.height});
  const context = sheet.getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height), {data} = pixels;
  for (let index = 0; index < data.length; index += 4) {
    data[index + 3] = (Math.max(data[index], data[index + 1], data[index + 2]) * data[index + 3]) / 255;
    data[index] = data[index + 1] = data[index + 2] = 0;
  }
  context.putImageData(pixels, 0, 0);
  add({kind: 'picture', picture: sheet});
  redraw();
  if (!isRestored) post(true);
}
function receive() {
  const value = props.value;
  if (value?.load && value.load_seq !== loadSeq) { loadSeq = value.load_seq; load(value.load, false); }
  else if (value === null) actions.clear();
}
seq = props.value?.seq || 0;
if (props.value?.ink) load(props.value.ink, true); // the page was built anew around a drawing
new ResizeObserver(fit).observe(paper);
fit();
showState();
watch('value', receive);
receive();
