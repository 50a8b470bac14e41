// toast.js: messages that disappear after some seconds.

import { $, el, avatar } from './dom.js';

const LIFETIME = 6000;              // milliseconds

// Shows a message. id: that of the notification, for dismissToasts(). An error replaces the last one.
export function toast({ id, title, content, actor, kind = 'notification', onclick }) {
  const close = () => element.remove();
  const element = el('button', { class: `toast ${kind}`, 'data-notification': id, onclick: () => { close(); onclick?.(); } },
    actor ? avatar(actor.id, actor.name) : null,
    el('span', {}, el('strong', {}, title), content ? el('span', { class: 'excerpt' }, content) : null));
  if (kind === 'error') $('.toast.error')?.remove();
  $('#toasts').append(element);
  setTimeout(close, LIFETIME);
}

// Removes the toasts of these notifications.
export function dismissToasts(ids) {
  for (const element of document.querySelectorAll('.toast')) {
    if (ids.includes(element.dataset.notification)) element.remove();
  }
}
