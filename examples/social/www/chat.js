// chat.js: conversations, one of them open.

import { $, el, avatar, time, onSubmit } from './dom.js';
import { ask, myId, socket } from './connection.js';

let conversations = [];
let current = null;                 // id of the open conversation
const waiting = new Set();          // ids of conversations with messages that were not looked at

function tab({ conversationId, title }) {
  return el('button', {
    'aria-current': conversationId === current ? 'true' : null,
    class: waiting.has(conversationId) ? 'waiting' : null,
    onclick: () => open(conversationId),
  }, title);
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

export async function open(conversationId) {
  current = conversationId;
  waiting.delete(conversationId);
  renderTabs();
  $('#messages').replaceChildren();
  append();
  if (conversationId === null) return;
  const answer = await ask('message:list', { conversationId });
  if (answer && current === conversationId) append(...answer.messages);
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

export function init() {
  onSubmit($('#send'), (content) => ask('message:send', { conversationId: current, content }));

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
