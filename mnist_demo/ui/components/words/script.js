// One tip for all words. It opens on hover, focus and tap, and closes on Esc, when they end, or at a click elsewhere.
// A knob's field shows its help without a link and lets clicks through; the "?" beside it is a word like any other.
const told = JSON.parse(props.value), tip = element.querySelector('.mnist-tip');
const [sentence, link] = tip.children;
const WORD = '[data-word]', FIELD = '.mnist-form [id^=knob-]';
const HOVER_MS = 250, FOCUS_MS = 60; // a field's list has opened by then
let shown = null; // the element that is explained
let timer = 0;

const ownerOf = (node) => node instanceof Element ? node.closest(WORD) ?? node.closest(FIELD) : null;
const nameOf = (owner) => owner.dataset.word ?? owner.id.replace('knob-', '');
const describedBy = (owner) => owner.matches(WORD) ? owner : owner.querySelector('input');

function place() {
  const at = shown.getBoundingClientRect(), list = shown.querySelector('[role=listbox]')?.getBoundingClientRect();
  const {offsetWidth: width, offsetHeight: height} = tip;
  const isAbove = at.top > height + 8 && !(list && list.top < at.top);
  const left = Math.max(8, Math.min(at.left, document.documentElement.clientWidth - width - 8));
  tip.style.translate = `${left}px ${isAbove ? at.top - height - 4 : Math.max(at.bottom, list?.bottom ?? 0) + 4}px`;
}
function show(owner) {
  clearTimeout(timer);
  const [text, example, title] = told[nameOf(owner)] ?? [];
  if (!text || !owner.isConnected) return hide();
  if (shown !== owner) hide();
  shown = owner;
  sentence.textContent = text;
  const isQuiet = !owner.matches(WORD);
  tip.classList.toggle('mnist-quiet', isQuiet);
  link.hidden = isQuiet || !example;
  link.textContent = `Basics: ${title}`;
  link.href = `${location.pathname}${location.search}#basics/${example}`;
  describedBy(owner)?.setAttribute('aria-describedby', tip.id);
  tip.showPopover();
  place();
}
function hide() {
  clearTimeout(timer);
  if (shown) describedBy(shown)?.removeAttribute('aria-describedby');
  shown = null;
  if (tip.matches(':popover-open')) tip.hidePopover();
}
function soon(action, milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(action, milliseconds);
}
const isHeld = () => tip.contains(document.activeElement) || Boolean(shown?.contains(document.activeElement));

document.addEventListener('pointerover', ({target, pointerType}) => {
  if (pointerType === 'touch') return;
  if (tip.contains(target)) return clearTimeout(timer);
  const owner = ownerOf(target);
  if (owner) soon(() => show(owner), HOVER_MS);
  else if (!isHeld()) soon(hide, HOVER_MS);
});
document.addEventListener('focusin', ({target}) => {
  const owner = ownerOf(target);
  if (owner) soon(() => show(owner), FOCUS_MS);
  else if (!tip.contains(target)) hide();
});
document.addEventListener('focusout', () => soon(() => { if (!isHeld() && !shown?.matches(':hover') && !tip.matches(':hover')) hide(); }, FOCUS_MS));
document.addEventListener('click', ({target, clientX, clientY, detail}) => {
  // Cards that are written anew between press and release leave the click to what is around them.
  const hit = (detail && document.elementFromPoint(clientX, clientY)) || target, owner = hit.closest(WORD);
  if (owner) show(owner);
  else if (tip.contains(hit) || !ownerOf(hit)) hide();
});
// The tip stands at the page's end. For the keyboard its link comes right behind its word.
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') return hide();
  if (!shown?.matches(WORD)) return;
  if ((event.key === 'Enter' || event.key === ' ') && event.target === shown) event.preventDefault();
  if (event.key !== 'Tab' || link.hidden) return;
  if (event.target === shown && !event.shiftKey) {
    event.preventDefault();
    link.focus();
  } else if (event.target === link) {
    if (event.shiftKey) event.preventDefault();
    shown.focus();
  }
});
addEventListener('scroll', () => shown && place(), {capture: true, passive: true});
addEventListener('resize', () => shown && place());

// Cards and strip are written anew while a training runs: the focus and the tip go to the same word again.
let held = null; // the word that has the focus or the tip, and where among its like it stands
const likeOf = ({name, home}) => [...document.querySelectorAll(`#${home} [data-word="${CSS.escape(name)}"]`)];
const hold = ({target}) => {
  const word = target instanceof Element && target.closest(WORD);
  if (!word) return;
  held = {word, name: word.dataset.word, home: word.closest('.block[id]')?.id || 'none', hasFocus: false};
  held.place = likeOf(held).indexOf(word);
};
document.addEventListener('pointerover', hold);
document.addEventListener('focusin', (event) => { hold(event); if (held) held.hasFocus = held.word === event.target; });
function followHeld() {
  if (!held || held.word.isConnected) return;
  const {word, place, hasFocus} = held, twin = likeOf(held)[place];
  held = twin && {...held, word: twin};
  if (!twin) return shown === word ? hide() : undefined;
  if (shown === word) show(twin);
  if (hasFocus && document.activeElement === document.body) twin.focus({preventScroll: true});
}
// Each knob gets its "?", also those that are unfolded later.
function markKnobs() {
  for (const field of document.querySelectorAll(`${FIELD}:not(:has(> ${WORD}))`)) {
    const label = field.querySelector('[data-testid=block-info]')?.textContent.trim();
    const button = document.createElement('button');
    Object.assign(button, {type: 'button', className: 'mnist-ask', textContent: '?'});
    button.dataset.word = nameOf(field);
    button.setAttribute('aria-label', `What is ${label}?`);
    field.append(button);
  }
}
new MutationObserver(() => { followHeld(); markKnobs(); }).observe(document.body, {childList: true, subtree: true});
