// toast.js: messages that go away by themselves.

import { $, el, avatar } from './dom.js';

const LIFETIME = 6000;

export function toast({ title, content, actor, kind = 'notification', onclick }) {
  const close = () => element.remove();
  const element = el('button', { class: `toast ${kind}`, onclick: () => { close(); onclick?.(); } },
    actor ? avatar(actor.id, actor.name) : null,
    el('span', {}, el('strong', {}, title), content ? el('span', { class: 'excerpt' }, content) : null));
  $('#toasts').append(element);
  setTimeout(close, LIFETIME);
}
