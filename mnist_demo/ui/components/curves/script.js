// Two charts over one x axis, drawn once and then updated in place, so that a tooltip survives new points.
// Every text comes in through textContent: names and notes are a visitor's.
const root = element.querySelector('.mnist-curves');
const find = (selector) => root.querySelector(selector);
const tip = find('.mnist-curves-tip');
const COLORS = 6;
const KINDS = [['val', 'validation'], ['train', 'train'], ['running', 'train, as it runs']];
const ROWS = [['val_loss', 'validation loss'], ['train_loss', 'train loss'], ['running_loss', 'as it runs'],
  ['val_accuracy', 'validation accuracy'], ['train_accuracy', 'train accuracy']];
const CHARTS = [
  {name: 'loss', lines: [['running', 'running_loss'], ['train', 'train_loss'], ['val', 'val_loss']]},
  {name: 'accuracy', lines: [['train', 'train_accuracy'], ['val', 'val_accuracy']]},
];
const hidden = new Set(); // legend entries switched off: a run's name or a kind
const options = {log: false, examples: false};
let value = {runs: [], epochs: 1, cursor: null, chance: 0.1, seq: 0};
let hover = null; // {chart, at}: the x the tooltip stands at, kept while points arrive

function make(tag, attributes = {}, ...children) {
  const node = tag.startsWith('svg:') ? document.createElementNS('http://www.w3.org/2000/svg', tag.slice(4)) : document.createElement(tag);
  for (const [name, content] of Object.entries(attributes)) node.setAttribute(name, content);
  node.append(...children);
  return node;
}

// A layer keeps its SVG nodes by key from draw to draw; what a draw does not mention is removed.
function makeLayer(parent) {
  const group = parent.appendChild(make('svg:g'));
  const nodes = new Map();
  let used;
  return {
    group,
    begin() { used = new Set(); },
    put(key, tag, attributes, text) {
      used.add(key);
      let node = nodes.get(key);
      if (!node) nodes.set(key, node = group.appendChild(make('svg:' + tag)));
      for (const name in attributes) {
        const next = String(attributes[name]);
        if (node.getAttribute(name) !== next) node.setAttribute(name, next);
      }
      if (text !== undefined && node.textContent !== text) node.textContent = text;
    },
    end() { for (const [key, node] of nodes) if (!used.has(key)) { node.remove(); nodes.delete(key); } },
  };
}

for (const chart of CHARTS) {
  chart.svg = find(`svg[data-chart=${chart.name}]`);
  const clip = 'mnist-clip-' + Math.random().toString(36).slice(2);
  chart.clip = chart.svg.appendChild(make('svg:clipPath', {id: clip})).appendChild(make('svg:rect'));
  chart.back = makeLayer(chart.svg);
  chart.paths = makeLayer(chart.svg);
  chart.paths.group.setAttribute('clip-path', `url(#${clip})`);
  chart.front = makeLayer(chart.svg);
  chart.over = makeLayer(chart.svg);
}

const isNumber = (number) => typeof number === 'number' && Number.isFinite(number);
const colorOf = (index) => `--color: var(--run-${index % COLORS})`;
const shortName = (name) => (name.length > 10 ? name.slice(0, 9) + '…' : name);
const percent = (share, digits = 1) => (share * 100).toFixed(digits) + ' %';
const count = (number) => Math.round(number).toLocaleString('en-US');
function compact(number) {
  if (number >= 1e6) return +(number / 1e6).toFixed(2) + 'M';
  return number >= 1e4 ? +(number / 1e3).toFixed(1) + 'k' : count(number);
}
function lossText(loss) {
  const size = Math.abs(loss);
  if (size >= 1e4 || (size > 0 && size < 5e-4)) return loss.toExponential(1).replace('e+', 'e');
  return loss.toFixed(size >= 100 ? 0 : size >= 1 ? 2 : 3);
}
const valueText = (key, number) => (!isNumber(number) ? '–' : key.endsWith('loss') ? lossText(number) : percent(number));
const epochText = (epoch) => String(+epoch.toFixed(2));

const visibleRuns = () => value.runs.map((run, index) => ({run, index})).filter(({run}) => !hidden.has('run ' + run.name));
const xsOf = (run) => (options.examples ? run.examples : run.epoch);
const imagesPerEpoch = (run) => { const last = run.epoch.length - 1; return last > 0 && run.epoch[last] > 0 ? run.examples[last] / run.epoch[last] : 0; };
const xAt = (run, epoch) => (options.examples ? epoch * imagesPerEpoch(run) : epoch);
function xMaximum() {
  const ends = value.runs.flatMap((run) => [xAt(run, value.epochs || 0), xsOf(run).at(-1) || 0]);
  return Math.max(...ends, options.examples ? 1 : 0.1);
}

function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
function niceStep(span, wanted) {
  const rough = span / wanted, power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999);
}
function linearTicks(low, high, wanted, wholeOnly = false) {
  const step = Math.max(niceStep(high - low, wanted), wholeOnly ? 1 : 0), ticks = [];
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + step * 1e-6; tick += step) ticks.push(+tick.toPrecision(10));
  return ticks;
}

// The settled values of each run: without its start, where a loss is huge and an accuracy is chance.
function settled(chart) {
  return visibleRuns().map(({run}) => chart.lines.filter(([kind]) => !hidden.has(kind)).flatMap(([, key]) => {
    const finite = run[key].filter(isNumber);
    return finite.length > 3 ? finite.slice(Math.max(1, Math.floor(finite.length / 8))) : finite;
  })).filter((numbers) => numbers.length);
}

function lossDomain(chart) {
  const all = visibleRuns().flatMap(({run}) => chart.lines.flatMap(([kind, key]) => (hidden.has(kind) ? [] : run[key].filter(isNumber))));
  const groups = settled(chart);
  if (!groups.length) return {low: 0, high: 2.5, ticks: [0, 0.5, 1, 1.5, 2, 2.5]};
  const positive = all.filter((loss) => loss > 0);
  if (options.log && positive.length) {
    const low = Math.max(Math.min(...positive), Math.max(...positive) * 1e-7) * 0.85, high = Math.max(...positive) * 1.15;
    const ticks = [];
    const factors = high / low > 3e3 ? [1] : high / low > 60 ? [1, 3] : [1, 2, 5];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) for (const factor of factors) ticks.push(+(factor * 10 ** power).toPrecision(3));
    return {low, high, log: true, ticks: ticks.filter((tick) => tick >= low && tick <= high)};
  }
  // One exploding run must not flatten the others: beyond 3 it gets at most five times the room of the calmest.
  const tops = groups.map((numbers) => Math.max(quantile(numbers, 0.97), 0)), bottoms = groups.map((numbers) => Math.min(quantile(numbers, 0.03), 0));
  let high = Math.min(Math.max(...tops), Math.max(5 * Math.min(...tops), 3)) * 1.12;
  const low = Math.max(Math.min(...bottoms), Math.min(5 * Math.max(...bottoms), -3)) * 1.12;
  const top = Math.max(...all), bottom = Math.min(...all);
  if (top < high * 1.6 && top > high) high = top * 1.04;
  if (high - low < 1e-6) high = low + 1;
  const step = niceStep(high - low, 5);
  high = Math.ceil(high / (step / 2)) * (step / 2);
  const beyond = [top > high && `up to ${lossText(top)}`, bottom < low - 1e-9 && `down to ${lossText(bottom)}`].filter(Boolean).join(', ');
  return {low, high, ticks: linearTicks(low, high, 5), beyond};
}

function accuracyDomain(chart) {
  const groups = settled(chart);
  if (!groups.length) return {low: 0, high: 1, ticks: [0, 0.25, 0.5, 0.75, 1]};
  const floor = Math.min(...groups.map((numbers) => quantile(numbers, 0.08))), top = Math.max(...groups.flat());
  const low = [0.98, 0.95, 0.9, 0.8, 0.7, 0.5].find((candidate) => floor >= candidate + (1 - candidate) * 0.08) || 0;
  const high = top > 0.55 ? 1 : Math.max(0.2, Math.ceil(top * 1.25 * 10) / 10);
  return {low, high, ticks: linearTicks(low, high, 5)};
}

function pathOf(xs, ys, x, y) {
  let path = '', pen = false;
  for (let index = 0; index < xs.length; index++) {
    if (!isNumber(ys[index])) { pen = false; continue; }
    path += `${pen ? 'L' : 'M'}${x(xs[index]).toFixed(1)} ${y(ys[index]).toFixed(1)}`;
    if (!pen && !isNumber(ys[index + 1])) path += 'h.01'; // a lone point shows as a dot
    pen = true;
  }
  return path;
}
const lastIndex = (ys) => ys.findLastIndex(isNumber);

function layOut(chart) {
  const width = chart.svg.clientWidth, height = chart.svg.clientHeight;
  const box = {left: 42, right: width - (width > 330 ? 52 : 12), top: 8, bottom: height - 24};
  const domain = chart.name === 'loss' ? lossDomain(chart) : accuracyDomain(chart);
  const xMax = xMaximum(), {low, high} = domain;
  const share = domain.log
    ? (loss) => (loss > 0 ? Math.log(loss / low) / Math.log(high / low) : -1)
    : (number) => (number - low) / (high - low);
  const x = (at) => box.left + (at / xMax) * (box.right - box.left);
  const y = (number) => box.bottom - Math.max(-9, Math.min(9, share(number))) * (box.bottom - box.top);
  return {width, box, domain, xMax, x, y, inside: (number) => share(number) >= 0 && share(number) <= 1};
}

function drawAxes(chart) {
  const {box, domain, x, y, xMax, inside} = chart.plan, layer = chart.back;
  layer.begin();
  domain.ticks.forEach((tick, index) => {
    const at = y(tick);
    layer.put('grid' + index, 'path', {class: 'mnist-grid', d: `M${box.left} ${at}H${box.right}`});
    const text = chart.name === 'loss' ? (domain.log ? String(tick) : String(+tick.toPrecision(6))) : percent(tick, Math.abs(tick * 100 % 1) > 1e-6 ? 1 : 0);
    layer.put('tick' + index, 'text', {x: box.left - 6, y: at + 4, 'text-anchor': 'end'}, text);
  });
  const xTicks = linearTicks(0, xMax, box.right - box.left > 380 ? 8 : 5, options.examples || xMax >= 2);
  xTicks.forEach((tick, index) => {
    const text = compact(tick) === '0' || tick >= 1 ? compact(tick) : String(tick);
    layer.put('xtick' + index, 'text', {x: x(tick), y: box.bottom + 16, 'text-anchor': 'middle'}, tick % 1 ? String(tick) : text);
    layer.put('xmark' + index, 'path', {class: 'mnist-axis', d: `M${x(tick)} ${box.bottom}v4`});
  });
  layer.put('axis', 'path', {class: 'mnist-axis', d: `M${box.left} ${box.bottom}H${box.right}`});
  if (x(xTicks.at(-1)) < box.right - 4 || box.right < chart.plan.width - 40) layer.put('xname', 'text', {x: chart.plan.width, y: box.bottom + 16, 'text-anchor': 'end'}, options.examples ? 'images' : 'epoch');
  if (chart.name === 'accuracy' && value.chance && inside(value.chance)) {
    layer.put('chance', 'path', {class: 'mnist-chance', d: `M${box.left} ${y(value.chance)}H${box.right}`});
    layer.put('chance text', 'text', {x: box.right, y: y(value.chance) - 4, 'text-anchor': 'end'}, 'chance');
  }
  if (domain.beyond) layer.put('beyond', 'text', {x: box.right, y: box.top + 4, 'text-anchor': 'end'}, domain.beyond);
  layer.end();
}

function drawLines(chart) {
  const {box, x, y, inside} = chart.plan, {paths, front} = chart;
  const ends = [], shown = visibleRuns();
  paths.begin(); front.begin();
  for (const {run, index} of shown) {
    const xs = xsOf(run), style = colorOf(index);
    for (const [kind, key] of chart.lines) {
      if (hidden.has(kind)) continue;
      paths.put(index + kind, 'path', {class: `mnist-line mnist-${kind}`, style, d: pathOf(xs, run[key], x, y)});
      const last = lastIndex(run[key]);
      if (last < 0) continue;
      const at = {x: x(xs[last]), y: Math.max(box.top, Math.min(box.bottom, y(run[key][last])))};
      if (kind !== 'running' && (kind === 'val' || shown.length <= 2)) ends.push({...at, kind, style, key: index + kind, text: shortName(run.name) + (shown.length <= 2 ? ' ' + kind : '')});
      if (kind === 'val' && run.note && /diverge/i.test(run.note)) front.put('cross' + index, 'path', {class: 'mnist-cross', style, d: `M${at.x - 4} ${at.y - 4}l8 8m0 -8l-8 8`});
    }
    const key = 'val_' + chart.name, best = run.best;
    if (best === null || best === undefined || hidden.has('val') || !isNumber(run[key][best]) || !inside(run[key][best])) continue;
    const ring = {x: x(xs[best]), y: y(run[key][best])};
    front.put('ring' + index, 'circle', {class: 'mnist-ring', style, cx: ring.x, cy: ring.y, r: 5});
    if (chart.name !== 'loss' || shown.length > 2) continue;
    const below = ring.y + 18 < box.bottom - 2 && index === 0;
    front.put('best' + index, 'text', {class: 'mnist-end mnist-halo', style, x: Math.max(ring.x, box.left + 22), y: ring.y + (below ? 18 : -10), 'text-anchor': 'middle'}, `best ${lossText(run[key][best])}`);
  }
  paths.end();
  placeEnds(chart, ends);
  front.end();
}

// Names at the line ends, pushed apart so that none covers another; none where there is no room.
function placeEnds(chart, ends) {
  const {box, width} = chart.plan;
  const fitting = ends.filter((end) => end.x + 50 <= width).sort((a, b) => a.y - b.y);
  fitting.forEach((end, index) => { end.at = Math.max(end.y, index ? fitting[index - 1].at + 13 : box.top); });
  for (let index = fitting.length - 1, ceiling = box.bottom; index >= 0; index--) {
    fitting[index].at = Math.min(fitting[index].at, ceiling);
    ceiling = fitting[index].at - 13;
  }
  for (const end of fitting) chart.front.put('end' + end.key, 'text', {class: `mnist-end mnist-halo mnist-of-${end.kind}`, style: end.style, x: end.x + 7, y: end.at + 4}, end.text);
}

function nearest(xs, at) {
  let best = 0;
  for (let index = 1; index < xs.length; index++) if (Math.abs(xs[index] - at) <= Math.abs(xs[best] - at)) best = index;
  return best;
}
const allXs = () => [...new Set(visibleRuns().flatMap(({run}) => xsOf(run)))].sort((a, b) => a - b);
// The point of a run that a tooltip at `at` shows, or -1 where the run has not come so far.
function pointAt(run, at) {
  const xs = xsOf(run), index = nearest(xs, at);
  const spacing = xs.length > 1 ? xs.at(-1) - xs.at(-2) : 0;
  return xs.length && at <= xs.at(-1) + spacing ? index : -1;
}

function drawOver() {
  const xs = allXs(), at = hover && xs.length ? xs[nearest(xs, hover.at)] : null;
  for (const chart of CHARTS) {
    const {box, x, y, inside} = chart.plan;
    chart.over.begin();
    if (isNumber(value.cursor) && value.runs.length) {
      const place = x(xAt(value.runs[0], value.cursor));
      chart.over.put('cursor', 'path', {class: 'mnist-cursor', d: `M${place} ${box.top}V${box.bottom}`});
      chart.over.put('handle', 'path', {d: `M${place - 5} ${box.top - 6}h10l-5 7z`, fill: 'var(--body-text-color)'});
    }
    if (at !== null) {
      chart.over.put('hover', 'path', {class: 'mnist-hover', d: `M${x(at)} ${box.top}V${box.bottom}`});
      for (const {run, index} of visibleRuns()) for (const [kind, key] of chart.lines) {
        const point = pointAt(run, at);
        if (point < 0 || hidden.has(kind) || !isNumber(run[key][point]) || !inside(run[key][point])) continue;
        chart.over.put(index + kind, 'circle', {class: 'mnist-dot', style: colorOf(index), cx: x(xsOf(run)[point]), cy: y(run[key][point]), r: kind === 'val' ? 4.5 : 3.5});
      }
    }
    chart.over.end();
  }
  drawTip(at);
}

function drawTip(at) {
  tip.hidden = at === null;
  if (tip.hidden) return;
  const columns = visibleRuns().map(({run, index}) => ({run, index, point: pointAt(run, at)}));
  const lead = columns.find(({point}) => point >= 0) || columns[0];
  const title = `epoch ${epochText(lead.run.epoch[Math.max(lead.point, 0)])}, ${count(lead.run.examples[Math.max(lead.point, 0)])} images seen`;
  const head = make('tr', {}, make('th'), ...columns.map(({run, index}) => make('th', {}, make('i', {style: colorOf(index)}), shortName(run.name))));
  const rows = ROWS.map(([key, text]) => make('tr', {}, make('th', {scope: 'row'}, text), ...columns.map(({run, point}) => make('td', {}, point < 0 ? '–' : valueText(key, run[key][point])))));
  tip.replaceChildren(make('table', {}, make('caption', {}, title), make('thead', {}, head), make('tbody', {}, ...rows)));
  const frame = root.getBoundingClientRect(), box = hover.chart.svg.getBoundingClientRect();
  const middle = box.left - frame.left + hover.chart.plan.x(at);
  const side = middle + 14 + tip.offsetWidth <= frame.width ? middle + 14 : middle - 14 - tip.offsetWidth;
  const left = Math.max(0, Math.min(side, frame.width - tip.offsetWidth));
  const isBeside = left === side;
  tip.style.transform = `translate(${left}px, ${box.top - frame.top + (isBeside ? 6 : -tip.offsetHeight + 4)}px)`;
  if (hover.spoken) find('.mnist-curves-spoken').textContent = title + ': ' + columns.map(({run, point}) => run.name + ' ' + ROWS.map(([key, text]) => `${text} ${point < 0 ? 'none' : valueText(key, run[key][point])}`).join(', ')).join('; ');
}

function drawLegend() {
  const legend = find('.mnist-curves-legend');
  const entries = [...value.runs.map((run, index) => ({key: 'run ' + run.name, name: run.name, label: run.label, index})), ...KINDS.map(([kind, text]) => ({key: kind, kind, text}))];
  const signature = JSON.stringify(entries);
  if (legend.dataset.signature === signature) return;
  legend.dataset.signature = signature;
  legend.replaceChildren(...entries.map((entry) => {
    const button = make('button', {type: 'button', 'aria-pressed': String(!hidden.has(entry.key)), title: 'Show or hide'});
    if (entry.kind) button.append(make('svg:svg', {width: 26, height: 10, 'aria-hidden': true}), entry.text);
    else button.append(make('i', {style: colorOf(entry.index)}), make('b', {}, entry.name), entry.label);
    if (entry.kind) button.firstChild.append(make('svg:path', {class: `mnist-${entry.kind}`, d: 'M1 5H25'}));
    button.addEventListener('click', () => {
      if (!hidden.delete(entry.key)) hidden.add(entry.key);
      button.setAttribute('aria-pressed', String(!hidden.has(entry.key)));
      draw();
    });
    return button;
  }));
}

function describe(chart) {
  const summaries = value.runs.map((run) => {
    const key = 'val_' + chart.name, last = lastIndex(run[key]), best = isNumber(run.best) ? run.best : -1;
    if (last < 0) return `${run.name}: no value yet`;
    const bestText = best >= 0 ? `, lowest validation loss at epoch ${epochText(run.epoch[best])}` : '';
    return `${run.name} (${run.label}): validation ${valueText(key, run[key][last])}, train ${valueText(key, run['train_' + chart.name][last])} at epoch ${epochText(run.epoch[last])}${bestText}${run.note ? ', ' + run.note : ''}`;
  });
  return `${chart.name === 'loss' ? 'Loss' : 'Accuracy'} by ${options.examples ? 'images seen' : 'epoch'}. ${summaries.join('. ')}. Arrow keys read the points.`;
}

function draw() {
  const isEmpty = !value.runs.some((run) => run.epoch.length);
  find('.mnist-curves-empty').hidden = !isEmpty;
  find('.mnist-curves-full').hidden = isEmpty;
  if (!isEmpty && CHARTS[0].svg.clientWidth > 0) {
    drawLegend();
    for (const chart of CHARTS) {
      chart.plan = layOut(chart);
      const {box} = chart.plan;
      const area = {x: box.left, y: box.top - 1, width: Math.max(0, box.right - box.left + 3), height: box.bottom - box.top + 1.5};
      for (const name in area) chart.clip.setAttribute(name, area[name]);
      drawAxes(chart);
      drawLines(chart);
      chart.svg.setAttribute('aria-label', describe(chart));
    }
    drawOver();
    const noted = value.runs.map((run, index) => ({run, index})).filter(({run}) => run.note);
    find('.mnist-curves-notes').replaceChildren(...noted.map(({run, index}) => make('li', {}, make('i', {style: colorOf(index)}), `${run.name}: ${run.note}`)));
  }
  root.dataset.epoch = value.runs.length && value.runs[0].epoch.length ? value.runs[0].epoch.at(-1) : '';
  root.dataset.seq = value.seq ?? '';
}

for (const chart of CHARTS) {
  const point = (event) => {
    const {box, xMax} = chart.plan, place = event.clientX - chart.svg.getBoundingClientRect().left;
    hover = {chart, at: ((place - box.left) / (box.right - box.left)) * xMax};
    drawOver();
  };
  const leave = () => { hover = null; drawOver(); };
  chart.svg.addEventListener('pointermove', point);
  chart.svg.addEventListener('pointerdown', point);
  chart.svg.addEventListener('pointerleave', (event) => { if (event.pointerType === 'mouse') leave(); });
  chart.svg.addEventListener('blur', leave);
  chart.svg.addEventListener('click', (event) => {
    point(event);
    const xs = allXs(), index = visibleRuns().map(({run}) => pointAt(run, xs[nearest(xs, hover.at)])).findIndex((place) => place >= 0);
    if (index < 0) return;
    const {run, index: runIndex} = visibleRuns()[index], place = pointAt(run, hover.at);
    if (place >= 0) trigger('select', {index: [runIndex, place], value: run.epoch[place], selected: true});
  });
  chart.svg.addEventListener('keydown', (event) => {
    const xs = allXs(), now = hover ? nearest(xs, hover.at) : xs.length - 1;
    const next = {ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: xs.length - 1, PageUp: now - 10, PageDown: now + 10}[event.key];
    if (event.key === 'Escape') { leave(); return; }
    if (next === undefined || !xs.length) return;
    event.preventDefault();
    hover = {chart, at: xs[Math.max(0, Math.min(xs.length - 1, next))], spoken: true};
    drawOver();
  });
}
for (const button of root.querySelectorAll('[data-option]')) {
  button.addEventListener('click', () => {
    options[button.dataset.option] = !options[button.dataset.option];
    button.setAttribute('aria-pressed', String(options[button.dataset.option]));
    hover = null;
    draw();
  });
}
// The value is a deep proxy: copying it once is cheaper than reading every number through it.
function update() {
  value = {...value, ...JSON.parse(JSON.stringify(props.value || {runs: []}))};
  draw();
}
new ResizeObserver(draw).observe(root); // also fires when a hidden tab is opened
watch('value', update);
update();
