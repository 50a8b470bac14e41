// inbox.js: the bell, its badge, and the list behind it.

import { $, el, avatar, time } from './dom.js';
import { ask, socket } from './connection.js';
import { toast } from './toast.js';

const notifications = new Map();    // by id
let unread = 0;
let visit;

function item(notification) {
  const { id, actor, title, content, createdAt, read } = notification;
  return el('li', {},
    el('button', { class: read ? 'entry' : 'entry unread', 'data-id': id, onclick: () => open(notification) },
      avatar(actor?.id, actor?.name ?? title),
      el('span', {},
        el('span', { class: 'title' }, title),
        content ? el('span', { class: 'excerpt' }, content) : null,
        time(createdAt))));
}

function render() {
  $('#notifications').replaceChildren(...[...notifications.values()].sort((a, b) => b.id - a.id).map(item));
  $('#no-notifications').hidden = notifications.size > 0;
  $('#read-all').hidden = unread === 0;
  $('#badge').hidden = unread === 0;
  $('#badge').textContent = unread > 99 ? '99+' : unread;
  document.title = unread ? `(${unread}) Commons` : 'Commons';
}

function open(notification) {
  toggle(false);
  if (!notification.read) ask('notification:read', { ids: [notification.id] });
  visit(notification);
}

function toggle(visible = $('#inbox').hidden) {
  $('#inbox').hidden = !visible;
  $('#bell').setAttribute('aria-expanded', visible);
}

export async function load() {
  const answer = await ask('inbox:list', { max: 30 });
  if (!answer) return;
  notifications.clear();
  for (const notification of answer.notifications) notifications.set(notification.id, notification);
  unread = answer.unread;
  render();
}

// visit(notification) shows what a notification is about.
export function init(options) {
  visit = options.visit;
  $('#bell').addEventListener('click', () => toggle());
  $('#read-all').addEventListener('click', () => ask('notification:read', { all: true }));
  document.addEventListener('click', (event) => { if (!event.target.closest('.bell')) toggle(false); });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') toggle(false); });

  socket.on('notification:new', (notification) => {
    notifications.set(notification.id, notification);
    render();
    toast({ ...notification, onclick: () => open(notification) });
  });
  socket.on('notification:unread', ({ count }) => {
    unread = count;
    render();
  });
  socket.on('notification:read', ({ ids, all }) => {
    for (const notification of notifications.values()) {
      if (all || ids.includes(notification.id)) notification.read = true;
    }
    render();
  });
  // What was undone is taken back; should it be done again, it is shown again, without a toast.
  socket.on('notification:removed', ({ ids }) => {
    ids.forEach((id) => notifications.delete(id));
    render();
  });
  socket.on('notification:restored', (notification) => {
    notifications.set(notification.id, notification);
    render();
  });
}
