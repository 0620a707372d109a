// One canvas a tile, at the picture's own resolution; CSS enlarges it without smoothing.
const root = element.querySelector('.mnist-tiles');
const STOPS = { // colours at equal distances from byte 0 to byte 255
  gray: [[0, 0, 0], [255, 255, 255]],
  diverging: [[0, 74, 130], [86, 160, 214], [250, 250, 250], [232, 134, 62], [160, 58, 0]],
  heat: [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]],
};
function colorOf(byte, stops) {
  const at = (byte / 255) * (stops.length - 1), low = Math.min(Math.floor(at), stops.length - 2);
  return [...stops[low].map((channel, index) => Math.round(channel + (stops[low + 1][index] - channel) * (at - low))), 255];
}
const drawn = new WeakMap(); // what each button shows, to leave the unchanged ones alone

function addTile(index, isChoice) {
  const button = root.appendChild(document.createElement(isChoice ? 'button' : 'div'));
  button.innerHTML = '<canvas></canvas><span></span><small></small>';
  if (!isChoice) return button.setAttribute('role', 'img');
  button.type = 'button';
  button.addEventListener('click', () => trigger('select', {index, value: button.children[1].textContent, selected: true}));
}
function drawTile(button, {caption, width, height, pixels, note, map, word}) {
  const [canvas, name, small] = button.children, bytes = atob(pixels), image = new ImageData(width, height);
  const table = Array.from({length: 256}, (_, byte) => colorOf(byte, STOPS[map] || STOPS.gray));
  for (let index = 0; index < width * height; index++) image.data.set(table[bytes.charCodeAt(index)], index * 4);
  Object.assign(canvas, {width, height}).getContext('2d').putImageData(image, 0, 0);
  name.textContent = caption;
  small.textContent = note;
  if (word) Object.assign(button, {role: 'button', tabIndex: 0}).dataset.word = word;
  button.setAttribute('aria-label', [caption, note].filter(Boolean).join(', ') || 'picture');
}
function draw() {
  const {tiles, size, selected, drops_late: dropsLate, are_choices: areChoices, seq} = JSON.parse(props.value);
  if (dropsLate && seq < root.dataset.seq) return;
  root.style.setProperty('--side', (size || 84) + 'px');
  while (root.children.length < tiles.length) addTile(root.children.length, areChoices);
  while (root.children.length > tiles.length) root.lastChild.remove();
  tiles.forEach((tile, index) => {
    const signature = JSON.stringify(tile), button = root.children[index];
    if (drawn.get(button) !== signature) drawTile(button, tile);
    drawn.set(button, signature);
    if (Number.isInteger(selected)) button.setAttribute('aria-pressed', index === selected);
    else button.removeAttribute('aria-pressed');
  });
  root.setAttribute('aria-label', props.label || 'pictures');
  Object.assign(root.dataset, {count: tiles.length, seq});
}
watch('value', draw);
draw();
