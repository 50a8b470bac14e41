// chat.js: the user's conversations. At most one of them is open.

import { $, el, avatar, time, onSubmit } from './dom.js';
import { ask, myId, socket } from './connection.js';

let conversations = [];
let current = null;                 // id of the open conversation
const waiting = new Set();          // ids of conversations with messages that the user has not seen
let onView;

function tab({ conversationId, title }) {
  return el('button', {
    'aria-current': conversationId === current ? 'true' : null,
    class: waiting.has(conversationId) ? 'waiting' : null,
    onclick: () => open(conversationId),
  }, title, waiting.has(conversationId) ? el('span', { class: 'visually-hidden' }, ' (new messages)') : null);
}

function renderTabs() {
  $('#conversations').replaceChildren(...conversations.map(tab));
  $('.chat').classList.toggle('none', current === null);
  $('#no-messages').textContent = current === null
    ? 'You are in no conversation. Choose somebody under People.'
    : 'No messages here yet.';
}

function bubble(message) {
  const mine = message.senderId === myId;
  return el('li', { class: mine ? 'mine' : null, 'data-message': message.messageId },
    mine ? null : avatar(message.senderId, message.senderName),
    el('div', { class: 'bubble' },
      el('span', { class: 'by' }, mine ? null : el('strong', {}, message.senderName), time(message.timestamp)),
      el('p', {}, message.content)));
}

function append(...messages) {
  const list = $('#messages');
  for (const message of messages) {
    if (!$(`[data-message="${message.messageId}"]`, list)) list.append(bubble(message));
  }
  $('#no-messages').hidden = list.childElementCount > 0;
  list.scrollTop = list.scrollHeight;
}

// Returns whether the user sees this conversation: it is open, in a visible window, and the view shows it.
export function isInView(conversationId) {
  return conversationId === current && document.visibilityState === 'visible' && $('.chat').offsetParent !== null;
}

// Reports the open conversation to onView() if the user sees it now. Call it after each change of the view.
export function noticeView() {
  if (current !== null && isInView(current)) onView(current);
}

export async function open(conversationId) {
  current = conversationId;
  waiting.delete(conversationId);
  renderTabs();
  $('#messages').replaceChildren();
  $('#no-messages').hidden = conversationId !== null;
  if (conversationId === null) return;
  const answer = await ask('message:list', { conversationId });
  if (!answer || current !== conversationId) return;
  append(...answer.messages);
  noticeView();
}

export async function load() {
  const answer = await ask('conversation:list');
  if (!answer) return;
  conversations = answer.conversations;
  const ids = conversations.map(({ conversationId }) => conversationId);
  await open(ids.includes(current) ? current : ids[0] ?? null);
}

export async function openWith(userId) {
  const answer = await ask('conversation:open', { userId });
  if (!answer) return;
  current = answer.conversationId;
  await load();
}

// onView(conversationId) is called when the user begins to see a conversation.
export function init(options) {
  onView = options.onView;
  onSubmit($('#send'), (content) => ask('message:send', { conversationId: current, content }));
  document.addEventListener('visibilitychange', noticeView);

  socket.on('message:created', (message) => {
    if (message.conversationId === current) {
      append(message);
    } else {
      waiting.add(message.conversationId);
      renderTabs();
    }
  });
  const reloadMine = ({ userId }) => { if (userId === myId) load(); };
  socket.on('conversation:joined', reloadMine);
  socket.on('conversation:left', reloadMine);
}
