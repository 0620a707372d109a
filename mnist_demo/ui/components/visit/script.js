// The key of this visit at the server. The tab keeps it for when it is loaded again; the browser keeps the newest one for
// when the tab is closed and another one is opened.
const KEY = 'mnist-lab-visit', storages = [() => sessionStorage, () => localStorage], query = location.search.slice(1);
const [own, newest] = storages.map((storage) => { try { return storage().getItem(KEY) ?? ''; } catch { return ''; } });
function hasCurves() { try { return sessionStorage.getItem('mnist-lab-curves') !== null; } catch { return false; } }
const kept = own || newest;
let isSettled = !kept;
function settle() {
  const {key, is_gone} = props.value ?? {};
  if (!key) return;
  if (is_gone) document.dispatchEvent(new Event('mnist-lab-gone')); // the curves show what the tab has kept
  if (isSettled) {
    for (const storage of storages) try { storage().setItem(KEY, key); } catch { /* forbidden: it is not kept */ }
    return;
  }
  isSettled = true; // the next answer tells which key it is from now on
  props.value = {key: kept, query, is_same_tab: Boolean(own), has_curves: hasCurves()};
  trigger('input');
}
watch('value', settle);
