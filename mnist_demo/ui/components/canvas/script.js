// A drawing is a list of marks (strokes, clears, pictures); undo drops the last one and draws the rest again.
// Two canvases get the same marks: `view` at the screen's resolution, `ink` at 280x280, which is what is posted.
const SIZE = 280, POST_EVERY_MS = 100;
const root = element.querySelector('.mnist-canvas'), paper = root.querySelector('canvas'), slider = root.querySelector('input[type=range]');
const button = (name) => root.querySelector(`[data-do=${name}], [data-tool=${name}]`);
const newSheet = (width, height) => Object.assign(document.createElement('canvas'), {width, height}).getContext('2d', {willReadFrequently: true});
const view = paper.getContext('2d'), ink = newSheet(SIZE, SIZE);
let marks = [], undone = [], tool = 'pen', stroke = null, pointer = null, pointerKind = '', penTime = -Infinity;
const picker = root.querySelector('input[type=file]'), KEPT = 'mnist-lab-drawing';
const LARGE_BYTES = 2e6, MOST_BYTES = 3.5e6, LONGEST = 1024, PEN_MS = 1000; // a touch so soon after a pen is the palm
let seq = props.value?.seq || 0, loadSeq = null, lastPost = 0, timer = 0;

// A clear hides what came before it; so does a picture, which stays visible itself.
function visibleMarks() {
  const start = marks.findLastIndex(({kind}) => kind === 'clear' || kind === 'picture');
  return marks.slice(marks[start]?.kind === 'picture' ? start : start + 1);
}
// Quadratic curves between the midpoints of the segments, from point `from` on, and a straight end.
function drawStroke(context, {kind, size, points}, from) {
  const middle = (index) => [(points[index - 1][0] + points[index][0]) / 2, (points[index - 1][1] + points[index][1]) / 2];
  context.globalCompositeOperation = kind === 'eraser' ? 'destination-out' : 'source-over';
  context.lineWidth = size;
  context.lineCap = context.lineJoin = 'round';
  context.beginPath();
  context.moveTo(...(from < 2 ? points[0] : middle(from - 1)));
  for (let index = Math.max(1, from - 1); index < points.length; index++) context.quadraticCurveTo(...points[index - 1], ...middle(index));
  context.lineTo(points.at(-1)[0] + 0.01, points.at(-1)[1]); // the added 0.01 makes a single point visible as a dot
  context.stroke();
}
function redraw() {
  for (const context of [view, ink]) {
    context.globalCompositeOperation = 'source-over';
    context.clearRect(0, 0, SIZE, SIZE);
    for (const mark of visibleMarks()) {
      if (mark.kind === 'picture') context.drawImage(mark.picture, 0, 0, SIZE, SIZE);
      else drawStroke(context, mark, 0);
    }
  }
  showState();
}
function showState() {
  button('undo').disabled = !marks.length;
  button('redo').disabled = !undone.length;
  showInk(visibleMarks().some(({kind}) => kind !== 'eraser'));
}
function showInk(isDrawn) {
  root.dataset.strokes = isDrawn ? visibleMarks().length : 0;
  button('clear').disabled = button('download').disabled = !isDrawn;
}
function fit() {
  const side = Math.round(paper.clientWidth * devicePixelRatio);
  if (!side || side === paper.width) return;
  paper.width = paper.height = side;
  view.setTransform(side / SIZE, 0, 0, side / SIZE, 0, 0);
  redraw();
}

function inkPng() { // white ink on black; "" where nothing was drawn or all of it erased
  const image = ink.getImageData(0, 0, SIZE, SIZE), {data} = image, sheet = newSheet(SIZE, SIZE);
  let most = 0;
  for (let index = 0; index < data.length; index += 4) {
    data[index] = data[index + 1] = data[index + 2] = data[index + 3];
    most = Math.max(most, data[index]);
    data[index + 3] = 255;
  }
  sheet.putImageData(image, 0, 0);
  return most > 40 ? sheet.canvas.toDataURL('image/png').split(',')[1] : '';
}
function post(final, event = 'input') {
  clearTimeout(timer);
  timer = 0;
  lastPost = performance.now();
  root.dataset.seq = seq += 1;
  props.value = {ink: inkPng(), seq, final, strokes: visibleMarks().length};
  if (final && !props.value.ink) showInk(false); // all of it erased
  trigger(event);
  if (final) keep();
}
function postSoon() { timer ||= setTimeout(() => post(false), Math.max(0, lastPost + POST_EVERY_MS - performance.now())); }
function change(edit) {
  edit();
  redraw();
  post(true);
}
function add(mark) {
  marks.push(mark);
  undone = [];
}
const actions = {
  undo: () => change(() => undone.push(marks.pop())),
  redo: () => change(() => marks.push(undone.pop())),
  clear: () => change(() => add({kind: 'clear'})),
  download: () => Object.assign(document.createElement('a'), {download: 'digit.png', href: 'data:image/png;base64,' + inkPng()}).click(),
};
for (const name of ['pen', 'eraser']) actions[name] = () => {
  tool = name;
  for (const other of ['pen', 'eraser']) button(other).setAttribute('aria-pressed', other === tool);
};
function act(name) { if (pointer === null && !button(name).disabled) actions[name](); }

function place({clientX, clientY}) {
  const box = paper.getBoundingClientRect();
  return [((clientX - box.left) / box.width) * SIZE, ((clientY - box.top) / box.height) * SIZE];
}
function extend(from) {
  for (const context of [view, ink]) drawStroke(context, stroke, from);
  postSoon();
}
paper.addEventListener('pointerdown', (event) => {
  const isPenEraser = event.button === 5; // the other end of a stylus
  if (event.pointerType === 'pen') {
    penTime = performance.now();
    if (pointer !== null && pointerKind === 'touch') drop(); // the palm landed first
  } else if (event.pointerType === 'touch' && performance.now() - penTime < PEN_MS) return;
  if (pointer !== null || (event.button !== 0 && !isPenEraser)) return;
  event.preventDefault();
  paper.focus({preventScroll: true});
  paper.setPointerCapture(event.pointerId);
  pointer = event.pointerId;
  pointerKind = event.pointerType;
  add(stroke = {kind: isPenEraser ? 'eraser' : tool, size: +slider.value, points: [place(event)]});
  showState();
  extend(0);
});
function drop() { // removes the stroke being drawn
  marks = marks.filter((mark) => mark !== stroke);
  pointer = stroke = null;
  redraw();
}
paper.addEventListener('pointermove', (event) => {
  if (event.pointerType === 'pen') penTime = performance.now(); // also while it hovers
  if (event.pointerId !== pointer) return;
  const from = stroke.points.length, moves = event.getCoalescedEvents?.() ?? [];
  for (const [x, y] of (moves.length ? moves : [event]).map(place)) {
    const [lastX, lastY] = stroke.points.at(-1);
    if (Math.hypot(x - lastX, y - lastY) > 0.5) stroke.points.push([x, y]);
  }
  if (stroke.points.length > from) extend(from);
});
for (const kind of ['pointerup', 'pointercancel', 'lostpointercapture']) paper.addEventListener(kind, (event) => {
  if (event.pointerId !== pointer) return;
  pointer = stroke = null;
  redraw(); // as one path, the same way as undo and redo draw it
  post(true, 'release');
});
document.addEventListener('keydown', (event) => {
  const isHere = root.contains(event.target), isVisible = root.offsetParent !== null;
  if (!isVisible || (!isHere && event.target.closest?.('input, textarea, select, [contenteditable]'))) return;
  const key = event.key.toLowerCase(), isCommand = event.ctrlKey || event.metaKey;
  const command = {z: event.shiftKey ? 'redo' : 'undo', y: 'redo'}[key], plain = {delete: 'clear', b: 'pen', e: 'eraser'}[key];
  const name = isCommand ? command : plain;
  if (!name || (!isHere && !isCommand && name !== 'clear')) return; // letters belong to the canvas only while it has the focus
  event.preventDefault();
  act(name);
});
root.addEventListener('click', ({target}) => {
  const {do: action, tool: chosen} = target.closest('button')?.dataset ?? {};
  if (action || chosen) act(action || chosen);
});
const showSize = () => slider.parentElement.style.setProperty('--size', slider.value);
slider.addEventListener('input', showSize);

// A picture that is chosen, dropped or pasted goes to the server, which finds the ink in it and sends that back.
async function sendPicture(file) {
  if (!file) return;
  const sent = file.size > LARGE_BYTES ? await smaller(file).catch(() => file) : file; // unreadable here: sent as it is
  const url = sent.size > MOST_BYTES ? '' : await new Promise((done) => {
    const reader = new FileReader();
    reader.onloadend = () => done(reader.result ?? '');
    reader.readAsDataURL(sent);
  });
  props.value = {ink: inkPng(), seq, final: true, strokes: visibleMarks().length, picture: url.split(',')[1] ?? ''};
  trigger('upload');
}
async function smaller(file) { // turned upright, as the camera was held
  const picture = await createImageBitmap(file), scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
  const sheet = newSheet(Math.round(picture.width * scale), Math.round(picture.height * scale));
  sheet.imageSmoothingQuality = 'high';
  sheet.drawImage(picture, 0, 0, sheet.canvas.width, sheet.canvas.height);
  return new Promise((done) => sheet.canvas.toBlob(done, 'image/png'));
}
picker.addEventListener('change', () => { sendPicture(picker.files[0]); picker.value = ''; });
root.addEventListener('dragover', (event) => { if (event.dataTransfer.types.includes('Files')) event.preventDefault(); });
root.addEventListener('drop', (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  sendPicture(event.dataTransfer.files[0]);
});
document.addEventListener('paste', (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find(({type}) => type.startsWith('image/'));
  if (!file || root.offsetParent === null || event.target.closest?.('input, textarea, [contenteditable]')) return;
  event.preventDefault();
  sendPicture(file);
});

// Whoever collects drawings asks for the ink, and may ask for a fresh sheet.
root.addEventListener('mnist-take', ({detail}) => {
  detail.ink = inkPng();
  if (!detail.clears) return;
  marks = [];
  undone = [];
  redraw();
  post(true);
});

// The drawing stays in this tab of the browser, so that nothing is lost when the page is loaded again.
function keep() {
  const kept = marks.map((mark) => (mark.kind === 'picture' ? {...mark, picture: mark.picture.toDataURL()} : mark));
  try { sessionStorage.setItem(KEPT, JSON.stringify(kept)); } catch { /* full or forbidden: it is not kept */ }
  document.dispatchEvent(new CustomEvent(KEPT, {detail: root}));
}
// Another canvas on the page has another drawing now: this one has it, too, as soon as it is seen.
let isBehind = false;
document.addEventListener(KEPT, ({detail}) => { isBehind = detail !== root; });
async function restore() {
  isBehind = false;
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT)) ?? [];
    for (const mark of kept) if (mark.kind === 'picture') mark.picture = await decoded(mark.picture);
    if (!marks.length && !kept.length) return;
    marks = kept;
  } catch { return; }
  redraw();
  post(true);
}
async function decoded(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  const sheet = newSheet(image.width, image.height);
  sheet.drawImage(image, 0, 0);
  return sheet.canvas;
}

// White ink on black becomes a mark whose opacity is the ink.
async function load(source, isRestored) {
  let canvas;
  try { canvas = await decoded(source.startsWith('data:') ? source : 'data:image/png;base64,' + source); } catch { return; }
  const {width, height} = canvas, sheet = canvas.getContext('2d');
  const pixels = sheet.getImageData(0, 0, width, height), {data} = pixels;
  for (let index = 0; index < data.length; index += 4) {
    data[index + 3] *= data[index] / 255;
    data[index] = data[index + 1] = data[index + 2] = 0;
  }
  sheet.putImageData(pixels, 0, 0);
  add({kind: 'picture', picture: canvas});
  redraw();
  if (!isRestored) post(true);
}
function receive() {
  const {load: picture, load_seq: number} = props.value ?? {};
  if (picture && number !== loadSeq) load(picture, false);
  loadSeq = number ?? loadSeq;
  if (props.value === null) act('clear');
}
if (props.value?.ink) load(props.value.ink, true); // the page was rebuilt while there was a drawing
else restore();
showSize();
showState();
new ResizeObserver(() => { // also when the page is first laid out
  fit();
  if (isBehind && paper.clientWidth) restore();
}).observe(paper);
watch('value', receive);
receive();
