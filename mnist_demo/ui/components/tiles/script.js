// One canvas a tile, at the picture's own resolution; CSS enlarges it without smoothing.
const root = element.querySelector('.mnist-tiles');
const STOPS = { // colours at equal distances from byte 0 to byte 255
  gray: [[0, 0, 0], [255, 255, 255]],
  diverging: [[0, 74, 130], [86, 160, 214], [250, 250, 250], [232, 134, 62], [160, 58, 0]],
  heat: [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]],
};
const tables = Object.fromEntries(Object.entries(STOPS).map(([name, stops]) => [name, Array.from({length: 256}, (_, byte) => {
  const at = (byte / 255) * (stops.length - 1), low = Math.min(Math.floor(at), stops.length - 2);
  return stops[low].map((channel, index) => Math.round(channel + (stops[low + 1][index] - channel) * (at - low)));
})]));
const drawn = []; // what each tile shows, to leave the unchanged ones alone

function makeTile(index) {
  const button = root.appendChild(document.createElement('button'));
  button.type = 'button';
  button.append(document.createElement('canvas'), document.createElement('span'), document.createElement('small'));
  button.addEventListener('click', () => trigger('select', {index, value: button.children[1].textContent, selected: true}));
}
function drawTile(button, {caption, width, height, pixels, note, map}) {
  const [canvas, name, small] = button.children, bytes = atob(pixels), table = tables[map] || tables.gray;
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let index = 0; index < width * height; index++) image.data.set([...table[bytes.charCodeAt(index)], 255], index * 4);
  canvas.getContext('2d').putImageData(image, 0, 0);
  name.textContent = caption;
  small.textContent = note;
  button.setAttribute('aria-label', [caption, note].filter(Boolean).join(', ') || 'picture');
}
function draw() {
  const {tiles, size, selected, seq} = JSON.parse(JSON.stringify(props.value)) || {tiles: [], seq: ''};
  root.style.setProperty('--side', (size || 84) + 'px');
  while (root.children.length < tiles.length) makeTile(root.children.length);
  while (root.children.length > tiles.length) { root.lastChild.remove(); drawn.pop(); }
  tiles.forEach((tile, index) => {
    const signature = JSON.stringify(tile), button = root.children[index];
    if (drawn[index] !== signature) drawTile(button, tile);
    drawn[index] = signature;
    if (selected === null || selected === undefined) button.removeAttribute('aria-pressed');
    else button.setAttribute('aria-pressed', String(index === selected));
  });
  root.setAttribute('aria-label', props.label || 'pictures');
  root.dataset.count = tiles.length;
  root.dataset.seq = seq;
}
watch('value', draw);
draw();
