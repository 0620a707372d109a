// Two charts over one x axis, built once and then updated in place, so that a tooltip survives new points.
// Every text is set through textContent, because visitors write names and notes.
const root = element.querySelector('.mnist-curves');
const find = (selector) => root.querySelector(selector);
const [tip, legend, notes, spoken] = ['tip', 'legend', 'notes', 'spoken'].map((name) => find('.mnist-curves-' + name));
const KINDS = {val: 'validation', train: 'train', running: 'running train'};
const MEASURES = {
  val_loss: 'validation loss', train_loss: 'train loss', running_loss: 'running train loss',
  val_accuracy: 'validation accuracy', train_accuracy: 'train accuracy',
};
const CHARTS = [{name: 'loss', kinds: ['running', 'train', 'val']}, {name: 'accuracy', kinds: ['train', 'val']}];
const hidden = new Set(); // run names and kinds that the legend has switched off
const options = {log: false, examples: false};
let value = {runs: [], epochs: 1, cursor: null, chance: 0.1, seq: 0};
let cursor = null; // the epoch looked at: moved here at once, the server follows; null for the last
let hover = null; // {chart, at}: where the tooltip stands on the x axis, kept while points arrive

function make(tag, attributes = {}, ...children) {
  const isSvg = tag.startsWith('svg:');
  const node = isSvg ? document.createElementNS('http://www.w3.org/2000/svg', tag.slice(4)) : document.createElement(tag);
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  node.append(...children);
  return node;
}
// A layer keeps its nodes by key between draws. A node that a draw does not use is removed.
function makeLayer(parent) {
  const group = parent.appendChild(make('svg:g')), nodes = new Map();
  let used = new Set();
  const put = (key, tag, attributes, text) => {
    used.add(key);
    if (!nodes.has(key)) nodes.set(key, group.appendChild(make('svg:' + tag)));
    const node = nodes.get(key);
    for (const name in attributes) if (node.getAttribute(name) !== String(attributes[name])) node.setAttribute(name, attributes[name]);
    if (text !== undefined && node.textContent !== text) node.textContent = text;
  };
  const end = () => {
    for (const [key, node] of nodes) if (!used.has(key)) { node.remove(); nodes.delete(key); }
    used = new Set();
  };
  return {group, put, end};
}

const isNumber = (number) => typeof number === 'number' && Number.isFinite(number);
const clamp = (number, low, high) => Math.max(low, Math.min(high, number));
const colorOf = (index) => `--color: var(--run-${index % 6})`;
const shortName = (name) => (name.length > 10 ? name.slice(0, 9) + '…' : name);
const count = (number) => Math.round(number).toLocaleString('en-US');
const compact = (number) => (number >= 1e6 ? +(number / 1e6).toFixed(2) + 'M' : number >= 1e3 ? +(number / 1e3).toFixed(1) + 'k' : String(number));
function lossText(loss) {
  const size = Math.abs(loss);
  if (size >= 1e4 || (size > 0 && size < 5e-4)) return loss.toExponential(1).replace('e+', 'e');
  return loss.toFixed(size >= 100 ? 0 : size >= 1 ? 2 : 3);
}
const measureText = (key, number) => (!isNumber(number) ? '–' : key.endsWith('loss') ? lossText(number) : (number * 100).toFixed(1) + '%');

const shownRuns = () => value.runs.map((run, index) => ({run, index})).filter(({run}) => !hidden.has('run ' + run.name));
const shownKeys = (chart) => chart.kinds.filter((kind) => !hidden.has(kind)).map((kind) => `${kind}_${chart.name}`);
const xsOf = (run) => (options.examples ? run.examples : run.epoch);
function xAt(run, epoch) {
  return options.examples ? epoch * (run.epoch.at(-1) > 0 ? run.examples.at(-1) / run.epoch.at(-1) : 0) : epoch;
}
const allXs = () => [...new Set(shownRuns().flatMap(({run}) => xsOf(run)))].sort((a, b) => a - b);
const nearest = (xs, at) => xs.reduce((best, x, index) => (Math.abs(x - at) <= Math.abs(xs[best] - at) ? index : best), 0);
// The point of each run that a tooltip at `at` shows, or -1 if the run has not reached it.
const columnsAt = (at) => shownRuns().map(({run, index}) => {
  const xs = xsOf(run), spacing = xs.length > 1 ? xs.at(-1) - xs.at(-2) : 0;
  return {run, index, point: xs.length && at <= xs.at(-1) + spacing ? nearest(xs, at) : -1};
});

function niceStep(span, wanted) {
  const rough = span / wanted, power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999);
}
function linearTicks(low, high, wanted, smallest = 0) {
  const step = Math.max(niceStep(high - low, wanted), smallest), first = Math.ceil(low / step - 1e-9);
  return Array.from({length: Math.floor(high / step + 1e-6) - first + 1}, (_, index) => +((first + index) * step).toPrecision(10));
}
function logTicks(low, high) {
  const factors = high / low > 3e3 ? [1] : high / low > 60 ? [1, 3] : [1, 2, 5], ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    ticks.push(...factors.map((factor) => +(factor * 10 ** power).toPrecision(3)));
  }
  return ticks.filter((tick) => tick >= low && tick <= high);
}
function quantile(numbers, share) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(share * (numbers.length - 1))];
}
// A run's values without its start, where a loss is huge and an accuracy is chance.
function settled(run, chart) {
  return shownKeys(chart).flatMap((key) => {
    const finite = run[key].filter(isNumber);
    return finite.length > 3 ? finite.slice(Math.max(1, Math.floor(finite.length / 7))) : finite;
  });
}
function lossDomain(chart, groups) {
  const all = shownRuns().flatMap(({run}) => shownKeys(chart).flatMap((key) => run[key].filter(isNumber)));
  const top = Math.max(...all), bottom = Math.min(...all);
  if (options.log && top > 0) {
    const low = Math.max(Math.min(...all.filter((loss) => loss > 0)), top * 1e-7) * 0.85, high = top * 1.15;
    return {low, high, isLog: true, ticks: logTicks(low, high)};
  }
  // One exploding run must not flatten the others: a run gets at most twice the range of the calmest, or up to 2.6.
  const tops = groups.map((numbers) => Math.max(quantile(numbers, 0.97), 0));
  const bottoms = groups.map((numbers) => Math.min(quantile(numbers, 0.03), 0));
  let high = Math.min(Math.max(...tops), Math.max(2 * Math.min(...tops), 2.6)) * 1.08;
  let low = Math.max(Math.min(...bottoms), Math.min(2 * Math.max(...bottoms), -2.6)) * 1.08;
  if (top < high * 1.5) high = Math.max(top, 0) * 1.03;
  if (high - low < 1e-6) high = low + 1;
  const step = niceStep(high - low, 5);
  [low, high] = [Math.floor(low / step) * step, Math.ceil(high / step) * step];
  const beyond = [top > high && `↑ up to ${lossText(top)}`, bottom < low && `↓ down to ${lossText(bottom)}`].filter(Boolean).join(', ');
  return {low, high, ticks: linearTicks(low, high, 5), beyond};
}
function accuracyDomain(chart, groups) {
  const calmest = Math.min(...groups.map((numbers) => quantile(numbers, 0.08))), top = Math.max(...groups.flat());
  const low = [0.98, 0.95, 0.9, 0.8, 0.7, 0.5].find((floor) => calmest >= floor + (1 - floor) * 0.08) || 0;
  const high = top > 0.55 ? 1 : Math.max(0.2, Math.ceil(top * 12.5) / 10);
  return {low, high, ticks: linearTicks(low, high, 5)};
}

function layOut(chart) {
  const width = chart.svg.clientWidth, height = chart.svg.clientHeight, isWide = width > 330;
  const box = {left: 42, right: width - (isWide ? 54 : 24), top: 16, bottom: height - 24};
  const groups = shownRuns().map(({run}) => settled(run, chart)).filter((numbers) => numbers.length);
  const domainOf = chart.name === 'loss' ? lossDomain : accuracyDomain;
  const domain = groups.length ? domainOf(chart, groups) : {low: 0, high: 1, ticks: [0, 0.5, 1]};
  const ends = value.runs.flatMap((run) => [xAt(run, value.epochs), xsOf(run).at(-1) || 0]);
  const xMax = Math.max(...ends, options.examples ? 1 : 0.1);
  const {low, high, isLog} = domain;
  const share = (number) => (!isLog ? (number - low) / (high - low) : number > 0 ? Math.log(number / low) / Math.log(high / low) : -1);
  return {
    width, isWide, box, domain, xMax,
    x: (at) => +(box.left + (at / xMax) * (box.right - box.left)).toFixed(1),
    y: (number) => +(box.bottom - clamp(share(number), -9, 9) * (box.bottom - box.top)).toFixed(1),
    isInside: (number) => isNumber(number) && share(number) >= 0 && share(number) <= 1,
  };
}
function drawAxes({name, plan, back}) {
  const {box, domain, x, y, xMax, isInside} = plan;
  domain.ticks.forEach((tick, index) => {
    back.put('grid' + index, 'path', {class: 'mnist-grid', d: `M${box.left} ${y(tick)}H${box.right}`});
    back.put('tick' + index, 'text', {x: box.left - 6, y: y(tick) + 4, 'text-anchor': 'end'}, name === 'loss' ? String(tick) : +(tick * 100).toFixed(1) + '%');
  });
  const ticks = linearTicks(0, xMax, plan.isWide ? 8 : 4, options.examples || xMax >= 2 ? 1 : 0), last = ticks.length - 1;
  ticks.forEach((tick, index) => { // the last one names the axis, and may need its neighbour's room
    const isLast = index === last, isTight = index === last - 1 && x(ticks[last]) - x(tick) < 72;
    const place = {x: x(tick) + (isLast ? 10 : 0), y: box.bottom + 17, 'text-anchor': isLast ? 'end' : 'middle'};
    const name = !isLast ? '' : options.examples ? ' images' : ' epochs';
    if (!isTight) back.put('xtick' + index, 'text', place, compact(tick) + name);
    back.put('xmark' + index, 'path', {class: 'mnist-axis', d: `M${x(tick)} ${box.bottom}v4`});
  });
  back.put('axis', 'path', {class: 'mnist-axis', d: `M${box.left} ${box.bottom}H${box.right}`});
  if (name === 'accuracy' && isInside(value.chance)) {
    back.put('chance', 'path', {class: 'mnist-chance', d: `M${box.left} ${y(value.chance)}H${box.right}`});
    back.put('chance text', 'text', {x: box.right, y: y(value.chance) - 4, 'text-anchor': 'end'}, 'chance');
  }
  if (domain.beyond) back.put('beyond', 'text', {x: box.right, y: box.top - 5, 'text-anchor': 'end'}, domain.beyond);
  back.end();
}
function pathOf(xs, ys, {x, y}) {
  let path = '';
  ys.forEach((number, index) => {
    if (!isNumber(number)) return;
    const isStart = !isNumber(ys[index - 1]), isAlone = isStart && !isNumber(ys[index + 1]);
    path += `${isStart ? 'M' : 'L'}${x(xs[index])} ${y(number)}${isAlone ? 'h.01' : ''}`; // a lone point shows as a dot
  });
  return path;
}
function drawLines(chart) {
  const {plan, paths, front, name} = chart, {box, x, y} = plan, shown = shownRuns(), isFew = shown.length <= 2, ends = [], labels = [];
  for (const {run, index} of shown) {
    const xs = xsOf(run), style = colorOf(index);
    for (const key of shownKeys(chart)) {
      const kind = key.split('_')[0], last = run[key].findLastIndex(isNumber);
      paths.put(index + kind, 'path', {class: `mnist-line mnist-${kind}`, style, d: pathOf(xs, run[key], plan)});
      if (last < 0) continue;
      const at = {x: x(xs[last]), y: clamp(y(run[key][last]), box.top, box.bottom)};
      const text = shortName(run.name) + (isFew && plan.isWide ? ' ' + kind : '');
      if (kind === 'val' || (kind === 'train' && isFew && plan.isWide)) ends.push({...at, kind, style, text, key: index + kind});
      if (kind !== 'val' || !/^diverged/i.test(run.note)) continue;
      front.put('cross' + index, 'path', {class: 'mnist-cross', style, d: `M${at.x - 4} ${at.y - 4}l8 8m0 -8l-8 8`});
    }
    const label = drawBest(chart, run, index, name === 'loss' && isFew, labels);
    if (label) labels.push(label);
  }
  paths.end();
  // Names at the line ends, pushed apart so that none covers another. No names if there is no room.
  const fitting = ends.filter(({x, text}) => x + 9 + 6 * text.length <= plan.width).sort((a, b) => a.y - b.y);
  fitting.forEach((end, index) => { end.y = Math.max(end.y, index ? fitting[index - 1].y + 13 : box.top); });
  fitting.reverse().forEach((end, index) => { end.y = Math.min(end.y, index ? fitting[index - 1].y - 13 : box.bottom); });
  for (const {key, kind, style, x, y, text} of fitting) {
    front.put('end' + key, 'text', {class: `mnist-end mnist-of-${kind}`, style, x: x + 8, y: y + 4}, text);
  }
  front.end();
}
// A ring at the lowest validation loss, and its label where no line and no other label is. If there is no such place,
// there is no label. Returns the label's place.
function drawBest({plan, front, name}, run, index, isLabelled, labels) {
  const {x, y, box, isInside} = plan, loss = run['val_' + name][run.best];
  if (hidden.has('val') || !isInside(loss)) return null;
  const ring = {x: x(xsOf(run)[run.best]), y: y(loss)}, style = colorOf(index), text = `best ${lossText(loss)}`;
  front.put('ring' + index, 'circle', {class: 'mnist-ring', style, cx: ring.x, cy: ring.y, r: 5});
  if (!isLabelled) return null;
  const half = 3.4 * text.length, middle = clamp(ring.x, box.left + half, box.right - half);
  const nearby = shownRuns().flatMap(({run: other}) => Object.keys(KINDS).filter((kind) => !hidden.has(kind)).flatMap((kind) => (
    other[kind + '_loss'].filter((number, at) => isInside(number) && Math.abs(x(xsOf(other)[at]) - middle) < half + 8).map(y))));
  nearby.push(...labels.filter((other) => Math.abs(other.middle - middle) < half + other.half + 4).map((other) => other.height));
  const room = (height) => (height < box.top + 6 || height > box.bottom - 8 ? -1 : Math.min(99, ...nearby.map((line) => Math.abs(line - height))));
  const height = [15, 28, 41, 54].flatMap((away) => [ring.y - away, ring.y + away]).find((each) => room(each) >= 10);
  if (height === undefined) return null;
  front.put('best' + index, 'text', {class: 'mnist-end', style, x: middle, y: height + 4, 'text-anchor': 'middle'}, text);
  return {middle, half, height};
}

function drawOver() {
  const xs = allXs(), at = hover && xs.length ? xs[nearest(xs, hover.at)] : null, columns = at === null ? [] : columnsAt(at);
  for (const {plan, over, name, kinds} of CHARTS) {
    const {box, x, y, isInside} = plan;
    if (isNumber(cursor)) {
      const place = x(xAt(value.runs[0], cursor));
      over.put('cursor', 'path', {class: 'mnist-cursor', d: `M${place} ${box.bottom}V${box.top}l-5 -7h10l-5 7`});
    }
    if (at !== null) over.put('hover', 'path', {class: 'mnist-hover', d: `M${x(at)} ${box.top}V${box.bottom}`});
    for (const {run, index, point} of columns) for (const kind of kinds) {
      const number = run[`${kind}_${name}`][point];
      if (hidden.has(kind) || !isInside(number)) continue;
      const dot = {cx: x(xsOf(run)[point]), cy: y(number), r: kind === 'val' ? 4.5 : 3.5};
      over.put(index + kind, 'circle', {class: 'mnist-dot', style: colorOf(index), ...dot});
    }
    over.end();
  }
  tip.hidden = at === null;
  if (at !== null) drawTip(at, columns);
}
function drawTip(at, columns) {
  const lead = columns.find(({point}) => point >= 0), text = (key, {run, point}) => measureText(key, run[key][point]);
  const title = `epoch ${+lead.run.epoch[lead.point].toFixed(2)}, ${count(lead.run.examples[lead.point])} images seen`;
  const head = columns.map(({run, index}) => make('th', {scope: 'col'}, make('i', {style: colorOf(index)}), shortName(run.name)));
  const rows = Object.entries(MEASURES).map(([key, name]) => (
    make('tr', {}, make('th', {scope: 'row'}, name), ...columns.map((column) => make('td', {}, text(key, column))))));
  const header = make('thead', {}, make('tr', {}, make('td'), ...head));
  tip.replaceChildren(make('table', {}, make('caption', {}, title), header, make('tbody', {}, ...rows)));
  const frame = root.getBoundingClientRect(), box = hover.chart.svg.getBoundingClientRect(), x = box.left - frame.left + hover.chart.plan.x(at);
  const beside = x + 14 + tip.offsetWidth <= frame.width ? x + 14 : x - 14 - tip.offsetWidth;
  const left = clamp(beside, 0, frame.width - tip.offsetWidth), top = box.top - frame.top + (left === beside ? 20 : -tip.offsetHeight + 8);
  tip.style.transform = `translate(${left}px, ${top}px)`;
  if (!hover.isSpoken) return;
  const speak = (column) => Object.entries(MEASURES).map(([key, name]) => `${name} ${text(key, column)}`).join(', ');
  spoken.textContent = `${title}: ` + columns.map((column) => `${column.run.name} ${speak(column)}`).join('; ');
}

function drawLegend() {
  const runs = value.runs.map(({name, label}, index) => ({
    key: 'run ' + name, texts: [make('b', {}, name), label], look: make('i', {style: colorOf(index)}),
  }));
  const kinds = Object.entries(KINDS).map(([kind, text]) => ({
    key: kind, texts: [text],
    look: make('svg:svg', {width: 26, height: 10, 'aria-hidden': true}, make('svg:path', {class: `mnist-${kind}`, d: 'M1 5H25'})),
  }));
  const signature = JSON.stringify(value.runs.map(({name, label}) => [name, label]));
  if (legend.dataset.signature === signature) return; // keeps the focus where it is
  legend.dataset.signature = signature;
  legend.dataset.runs = runs.length;
  legend.replaceChildren(...[runs, kinds].map((entries) => make('div', {}, ...entries.map(({key, look, texts}) => {
    const button = make('button', {type: 'button', 'aria-pressed': !hidden.has(key), title: 'Show or hide'}, look, ...texts);
    button.addEventListener('click', () => {
      if (!hidden.delete(key)) hidden.add(key);
      button.setAttribute('aria-pressed', !hidden.has(key));
      draw();
    });
    return button;
  }))));
}
function describe({name}) {
  const texts = value.runs.map((run) => {
    const last = run['val_' + name].findLastIndex(isNumber), text = (kind) => measureText(name, run[`${kind}_${name}`][last]);
    if (last < 0) return `${run.name}: no value yet`;
    const best = isNumber(run.best) ? `, lowest validation loss at epoch ${run.epoch[run.best]}` : '';
    return `${run.name} (${run.label}): validation ${text('val')}, train ${text('train')} at epoch ${run.epoch[last]}${best}${run.note && ', ' + run.note}`;
  });
  return `${name === 'loss' ? 'Loss' : 'Accuracy'} by ${options.examples ? 'images seen' : 'epoch'}. ${texts.join('. ')}. Arrow keys read the points.`;
}
function draw() {
  const isEmpty = !value.runs.some((run) => run.epoch.length);
  find('.mnist-curves-empty').hidden = !isEmpty;
  find('.mnist-curves-full').hidden = isEmpty;
  if (!isEmpty && CHARTS[0].svg.clientWidth) {
    drawLegend();
    for (const chart of CHARTS) {
      chart.plan = layOut(chart);
      const {left, right, top, bottom} = chart.plan.box;
      const area = {x: left, y: top - 1, width: right - left + 3, height: bottom - top + 2};
      for (const name in area) chart.clip.setAttribute(name, area[name]);
      drawAxes(chart);
      drawLines(chart);
      chart.svg.setAttribute('aria-label', describe(chart));
    }
    drawOver();
    const noted = value.runs.map(({name, note}, index) => note && make('li', {}, make('i', {style: colorOf(index)}), `${name}: ${note}`));
    notes.replaceChildren(...noted.filter(Boolean));
  }
  drawScrub();
  root.dataset.epoch = value.runs[0]?.epoch.at(-1) ?? '';
  root.dataset.seq = value.seq ?? '';
}

// The slider goes through the points of A and B. While they train it stands at the newest one.
const scrub = find('.mnist-curves-scrub'), slider = scrub.querySelector('input');
const jump = (name) => scrub.querySelector(`[data-jump="${name}"]`);
const scrubEpochs = () => [...new Set(value.runs.slice(0, 2).flatMap(({epoch}) => epoch))].sort((a, b) => a - b);
const epochText = (epoch) => 'epoch ' + +epoch.toFixed(2);
let player = 0;
function drawScrub() {
  const epochs = scrubEpochs(), last = epochs.length - 1, at = cursor ?? epochs[last] ?? 0;
  const planned = value.live && at ? Math.round(last * value.epochs / at) : last;
  const inputs = {max: Math.max(planned, 1), value: Math.max(epochs.indexOf(at), 0), disabled: Boolean(value.live) || last < 1};
  for (const name in inputs) if (String(slider[name]) !== String(inputs[name])) slider[name] = inputs[name];
  slider.setAttribute('aria-valuetext', epochText(at));
  scrub.querySelector('output').textContent = epochText(at);
  for (const button of scrub.querySelectorAll('button')) {
    const run = value.runs[button.dataset.jump];
    button.disabled = slider.disabled || Boolean(run && !isNumber(run.best));
  }
  root.dataset.cursor = cursor ?? '';
}
function goTo(epoch) {
  const epochs = scrubEpochs();
  if (slider.disabled || !epochs.length) return;
  const found = epochs[nearest(epochs, epoch)];
  if (found === (cursor ?? epochs.at(-1))) return;
  cursor = found;
  drawScrub();
  drawOver();
  trigger('select', {index: epochs.indexOf(found), value: found, selected: true});
}
function play(isOn) {
  clearInterval(player);
  player = 0;
  if (isOn) {
    if (+slider.value >= +slider.max) goTo(scrubEpochs()[0]);
    player = setInterval(() => { // a whole run in about ten seconds
      goTo(scrubEpochs()[+slider.value + 1]);
      if (+slider.value >= +slider.max || slider.disabled || !root.isConnected) play(false);
    }, clamp(10000 / slider.max, 120, 500));
  }
  jump('play').setAttribute('aria-pressed', isOn);
  jump('play').textContent = isOn ? '⏸' : '▶';
}
slider.addEventListener('input', () => { play(false); goTo(scrubEpochs()[slider.value]); });
scrub.addEventListener('click', ({target}) => {
  const name = target.closest('button')?.dataset.jump, epochs = scrubEpochs();
  if (name === undefined) return;
  if (name === 'play') return play(!player);
  play(false);
  goTo(name === 'first' ? epochs[0] : name === 'last' ? epochs.at(-1) : value.runs[name].epoch[value.runs[name].best]);
});

function listen(chart) {
  const {svg} = chart, leave = () => { hover = null; drawOver(); };
  const point = (event) => {
    const {box, xMax} = chart.plan, place = event.clientX - svg.getBoundingClientRect().left;
    hover = {chart, at: ((place - box.left) / (box.right - box.left)) * xMax};
    drawOver();
    if (event.buttons === 1 && event.pointerType === 'mouse') select(); // dragged
  };
  svg.addEventListener('pointermove', point);
  svg.addEventListener('pointerdown', point);
  svg.addEventListener('pointerleave', (event) => { if (event.pointerType === 'mouse') leave(); });
  svg.addEventListener('blur', leave);
  const select = () => {
    const xs = allXs(), found = hover && columnsAt(xs[nearest(xs, hover.at)]).find((column) => column.point >= 0);
    play(false);
    if (found) goTo(found.run.epoch[found.point]);
  };
  svg.addEventListener('click', select);
  svg.addEventListener('keydown', (event) => {
    const xs = allXs(), now = hover ? nearest(xs, hover.at) : xs.length - 1;
    const next = {ArrowLeft: now - 1, ArrowRight: now + 1, PageUp: now - 10, PageDown: now + 10, Home: 0, End: xs.length - 1}[event.key];
    if (event.key === 'Escape') leave();
    if (event.key === 'Enter') select();
    if (next === undefined || !xs.length) return;
    event.preventDefault();
    hover = {chart, at: xs[clamp(next, 0, xs.length - 1)], isSpoken: true};
    drawOver();
  });
}
for (const chart of CHARTS) {
  const id = 'mnist-clip-' + Math.random().toString(36).slice(2);
  chart.svg = find(`svg[data-chart=${chart.name}]`);
  chart.clip = chart.svg.appendChild(make('svg:clipPath', {id})).appendChild(make('svg:rect'));
  for (const layer of ['back', 'paths', 'front', 'over']) chart[layer] = makeLayer(chart.svg);
  chart.paths.group.setAttribute('clip-path', `url(#${id})`);
  listen(chart);
}
for (const button of root.querySelectorAll('[data-option]')) button.addEventListener('click', () => {
  options[button.dataset.option] = !options[button.dataset.option];
  button.setAttribute('aria-pressed', options[button.dataset.option]);
  hover = null;
  draw();
});
// A run's points arrive as one text: numbers joined by ",", each point ended by ";", nothing where there is no number.
function columnsOf(points, names) {
  const rows = points.split(';').slice(0, -1).map((row) => row.split(',').map((text) => (text ? Number(text) : null)));
  return Object.fromEntries(names.map((name, index) => [name, rows.map((row) => row[index])]));
}
// The tab keeps the curves: they are still there when the page is loaded again and the server has started anew.
const KEPT = 'mnist-lab-curves';
function show(sent) {
  const frame = JSON.parse(sent.frame), state = JSON.parse(sent.state);
  const runs = frame.runs.map((run, index) => ({...run, ...state.runs[index], ...columnsOf(sent.points[index], frame.columns)}));
  value = {...frame, ...state, runs};
  cursor = value.cursor;
  if (value.live) play(false);
  draw();
  if (runs.length) try { sessionStorage.setItem(KEPT, JSON.stringify(sent)); } catch { /* full or forbidden: they are not kept */ }
}
new ResizeObserver(draw).observe(root); // also fires when a hidden tab is opened
watch('value', () => show(props.value));
document.addEventListener('mnist-lab-gone', () => {
  try { show(JSON.parse(sessionStorage.getItem(KEPT))); } catch { /* forbidden, or none is kept */ }
});
show(props.value);
