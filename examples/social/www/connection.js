// connection.js: the Socket.IO connection, its state, and the actions that the page asks for.

import { $ } from './dom.js';
import { refusalFor, sentenceFor } from './errors.js';
import { toast } from './toast.js';

const token = new URLSearchParams(location.search).get('token') ?? new URLSearchParams(location.hash.slice(1)).get('token');

export const socket = window.io({ auth: { token }, autoConnect: false });

// The user's id as the token names it. The page cannot verify the token: only the server can.
export const myId = token && userOf(token);

function userOf(jwt) {
  try {
    return JSON.parse(atob(jwt.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).sub;
  } catch {
    return null;
  }
}

// Emits an action and returns its result. Shows an error as a toast and returns undefined.
export async function ask(action, data = {}) {
  try {
    const answer = await socket.timeout(8000).emitWithAck(action, data);
    if (answer.ok) return answer.data ?? {};
    console.warn(action, answer.error);
    toast({ title: 'That did not work', content: sentenceFor(answer.error), kind: 'error' });
  } catch {
    toast({ title: 'No answer from the server', content: 'Please try again in a moment.', kind: 'error' });
  }
}

function show(state, text) {
  const status = $('#status');
  status.dataset.state = state;
  status.textContent = text;
}

// Shows that nobody is signed in, the reason if there is one, and the hint how to get a link.
function refuse(reason) {
  show('refused', 'Not signed in');
  if (reason) $('#reason').textContent = reason;
  $('#refused').hidden = false;
  document.body.dataset.view = 'refused';
}

// Connects. Calls load() after each connection that may have missed events; a recovered connection has missed none.
export function start(load) {
  if (!token) {
    refuse();
    return;
  }
  socket.on('connect', () => {
    show('online', 'Live');
    if (!socket.recovered) load();
  });
  socket.on('disconnect', () => show('offline', 'Reconnecting'));
  socket.on('connect_error', (error) => {
    if (socket.active) {
      show('offline', 'Reconnecting');
    } else {
      console.warn(error.message, error.data);
      refuse(refusalFor(error));
    }
  });
  socket.connect();
}
