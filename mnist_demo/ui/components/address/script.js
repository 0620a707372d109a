// A query with "+" in front is a new entry of the browser's history, another value of a knob is not. `knobs=` and what
// others append to an address stay in it. The tab is the part behind "#", which no server sees; behind a "/" there stands
// what the tab shows.
const KEPT = /^(knobs|view|logs|utm_.*|__.*)$/;
const tabs = [...document.querySelector('[role=tablist]').querySelectorAll('[role=tab]')];
const nameOf = (tab) => tab.innerText.trim().toLowerCase();
const tabOf = (hash) => hash.split('/')[0];

function follow() {
  if (props.value === '?' || typeof props.value !== 'string') return;
  const isAsked = props.value.startsWith('+'), query = new URLSearchParams(props.value.slice(isAsked ? 1 : 0));
  const isNew = isAsked || (new URLSearchParams(location.search).has('lesson') && !query.has('lesson')); // Back returns to a lesson
  for (const key of [...query.keys()]) if (KEPT.test(key)) query.delete(key);
  for (const [key, text] of new URLSearchParams(location.search)) if (KEPT.test(key)) query.append(key, text);
  const search = query.size ? '?' + query : '';
  if (search === location.search) return;
  history[isNew ? 'pushState' : 'replaceState'](null, '', location.pathname + search + location.hash);
}
function openTab() {
  const wanted = tabs.find((tab) => '#' + nameOf(tab) === tabOf(location.hash)) ?? tabs[0];
  if (wanted.getAttribute('aria-selected') !== 'true') wanted.click();
}
let shown = location.search; // that the page was last asked to show
addEventListener('popstate', () => {
  openTab();
  if (location.search === shown) return;
  shown = location.search;
  props.value = location.search.slice(1);
  trigger('input');
});
for (const tab of tabs) {
  new MutationObserver(() => {
    const hash = tab === tabs[0] ? '' : '#' + nameOf(tab);
    if (tab.getAttribute('aria-selected') !== 'true' || hash === tabOf(location.hash)) return;
    history.pushState(null, '', location.pathname + location.search + hash);
  }).observe(tab, {attributes: true, attributeFilter: ['aria-selected']});
}
if (location.hash) openTab();
watch('value', () => { follow(); shown = location.search; });
