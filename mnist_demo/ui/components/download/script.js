// A new value is a file. It is saved through a temporary link.
const line = element.querySelector('.mnist-download');
let last = props.value?.seq; // the value at page load is not saved again

function save() {
  const {name, type, content, seq} = JSON.parse(JSON.stringify(props.value)) || {};
  if (!seq || seq === last) return;
  last = seq;
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const link = Object.assign(document.createElement('a'), {href: URL.createObjectURL(new Blob([bytes], {type})), download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  const size = bytes.length < 1e5 ? `${Math.ceil(bytes.length / 1e3)} kB` : `${(bytes.length / 1e6).toFixed(1)} MB`;
  line.textContent = `Saved ${name}, ${size}.`;
  line.dataset.name = name;
}
watch('value', save);
