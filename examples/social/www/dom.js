// dom.js: a few helpers in place of a framework.

export const $ = (selector, parent = document) => parent.querySelector(selector);

// Returns a new element with attributes, listeners (onclick: …) and children. Text children are never parsed as HTML.
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

// Returns a round picture with the first letter of a name. A user's id determines its colour.
export function avatar(userId, name) {
  const hue = (Number(userId) * 137 + 20) % 360;
  return el('span', { class: 'avatar', style: `--hue: ${hue}`, 'aria-hidden': 'true' }, (name || '?')[0].toUpperCase());
}

// Returns a count with its word: "1 like", "2 likes".
export const counted = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'narrow' });
const units = [['day', 86400], ['hour', 3600], ['minute', 60]];

function ago(timestamp) {
  const seconds = (new Date(timestamp) - Date.now()) / 1000;
  const [unit, size] = units.find(([, length]) => -seconds >= length) ?? [];
  return unit ? relative.format(Math.ceil(seconds / size), unit) : 'now';
}

export function time(timestamp) {
  const date = new Date(timestamp);
  return el('time', { datetime: date.toISOString(), title: date.toLocaleString() }, ago(date));
}

setInterval(() => {
  for (const element of document.querySelectorAll('time')) element.textContent = ago(element.dateTime);
}, 30000);

// Calls submit(text) when the user sends the form, and focuses the field at once. Empties the field if submit() succeeds,
// which it tells by a result, and the user has not changed the text in the meantime.
export function onSubmit(form, submit) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const field = form.elements.content;
    const sent = field.value;
    const text = sent.trim();
    field.focus();
    if (text && await submit(text) !== undefined && field.value === sent) field.value = '';
  });
}
