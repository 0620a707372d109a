function keep() {
  try { localStorage.setItem(props.label, JSON.stringify(props.value)); } catch { /* full or forbidden: it is not kept */ }
}
let kept = null;
try { kept = JSON.parse(localStorage.getItem(props.label)); } catch { /* forbidden, or not ours */ }
if (kept !== null) {
  props.value = kept;
  trigger('input');
}
watch('value', keep);
