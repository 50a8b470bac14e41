// inbox.js: the bell, its badge, and the list of notifications.

import { $, el, avatar, time } from './dom.js';
import { ask, socket } from './connection.js';
import { dismissToasts, toast } from './toast.js';

const notifications = new Map();    // by id
let unread = 0;
let marking = 0;                    // requests that mark notifications as read and have no answer yet
let visit;
let isInView;

function item(notification) {
  const { id, actor, title, content, createdAt, read } = notification;
  return el('li', {},
    el('button', { class: read ? 'entry' : 'entry unread', 'data-id': id, onclick: () => open(notification) },
      avatar(actor?.id, actor?.name ?? title),
      el('span', {},
        el('span', { class: 'title' }, read ? null : el('span', { class: 'visually-hidden' }, 'Unread: '), title),
        content ? el('span', { class: 'excerpt' }, content) : null,
        time(createdAt))));
}

function renderList() {
  $('#notifications').replaceChildren(...[...notifications.values()].sort((a, b) => b.id - a.id).map(item));
  $('#no-notifications').hidden = notifications.size > 0;
}

// The badge waits for the answers of markRead(): it must not count a message that the user sees.
function renderCount() {
  if (marking > 0) return;
  $('#read-all').hidden = unread === 0;
  $('#badge').hidden = unread === 0;
  $('#badge').textContent = unread > 99 ? '99+' : unread;
  $('#bell').setAttribute('aria-label', unread ? `Notifications, ${unread} unread` : 'Notifications');
  document.title = unread ? `(${unread}) Commons` : 'Commons';
}

async function markRead(selection) {
  marking++;
  const answer = await ask('notification:read', selection);
  marking--;
  if (answer) unread = answer.unread;
  renderCount();
}

// Marks the notifications about messages of a conversation as read.
export function readMessages(conversationId) {
  markRead({ subjectType: 'conversation', subjectId: conversationId, type: 'message' });
}

function open(notification) {
  toggle(false);
  if (!notification.read) markRead({ ids: [notification.id] });
  visit(notification);
}

function toggle(visible = $('#inbox').hidden) {
  if (visible) dismissToasts([...notifications.keys()]);
  $('#inbox').hidden = !visible;
  $('#bell').setAttribute('aria-expanded', visible);
}

export async function load() {
  const answer = await ask('inbox:list', { max: 30 });
  if (!answer) return;
  notifications.clear();
  for (const notification of answer.notifications) notifications.set(notification.id, notification);
  unread = answer.unread;
  renderList();
  renderCount();
}

function put(notification) {
  notifications.set(notification.id, notification);
  renderList();
}

// Announces a new notification. A message of the conversation in view needs no toast and no badge: the user sees it.
function announce(notification) {
  const { id, type, subjectType, subjectId } = notification;
  if (type === 'message' && subjectType === 'conversation' && isInView(subjectId)) {
    notification.read = true;
    markRead({ ids: [id] });
  } else {
    toast({ ...notification, onclick: () => open(notification) });
  }
  put(notification);
}

function setRead(ids) {
  for (const id of ids) if (notifications.has(id)) notifications.get(id).read = true;
  dismissToasts(ids);
  renderList();
}

// visit(notification) shows the notification's subject. isInView(id) returns whether the user sees this conversation.
export function init(options) {
  ({ visit, isInView } = options);
  $('#bell').addEventListener('click', () => toggle());
  $('#read-all').addEventListener('click', () => markRead({ all: true }));
  document.addEventListener('click', (event) => { if (!event.target.closest('.bell')) toggle(false); });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') toggle(false); });

  socket.on('notification:new', announce);
  socket.on('notification:unread', ({ count }) => {
    unread = count;
    renderCount();
  });
  socket.on('notification:read', ({ ids, all, until }) => {
    setRead(all ? [...notifications.keys()].filter((id) => Number(id) <= Number(until)) : ids);
  });
  // The server removes a notification when its cause is undone. It restores the notification when the cause returns: that
  // is not news and needs no toast.
  socket.on('notification:removed', ({ ids }) => {
    ids.forEach((id) => notifications.delete(id));
    dismissToasts(ids);
    renderList();
  });
  socket.on('notification:restored', put);
}
