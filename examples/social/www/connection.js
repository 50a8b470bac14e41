// connection.js: one socket.io connection, its state, and questions to the server.

import { $ } from './dom.js';
import { toast } from './toast.js';

const token = new URLSearchParams(location.search).get('token') ?? new URLSearchParams(location.hash.slice(1)).get('token');

export const socket = window.io({ auth: { token }, autoConnect: false });

// The id of the user whom the token names. Only the server can tell whether the token is genuine.
export const myId = token && userOf(token);

function userOf(jwt) {
  try {
    return JSON.parse(atob(jwt.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).sub;
  } catch {
    return null;
  }
}

// Emits an action and returns its result. What went wrong is shown, and undefined is returned.
export async function ask(action, data = {}) {
  try {
    const answer = await socket.timeout(8000).emitWithAck(action, data);
    if (answer.ok) return answer.data ?? {};
    toast({ title: 'That did not work', content: answer.error.message, kind: 'error' });
  } catch {
    toast({ title: 'No answer from the server', content: 'Please try again in a moment.', kind: 'error' });
  }
}

function show(state, text) {
  const status = $('#status');
  status.dataset.state = state;
  status.textContent = text;
}

function refuse(reason) {
  show('refused', 'Not signed in');
  if (reason) $('#reason').textContent = reason;
  $('#refused').hidden = false;
  document.body.dataset.view = 'refused';
}

// load() is called whenever events may have been missed; after a recovered connection nothing was.
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
    if (socket.active) show('offline', 'Reconnecting');
    else refuse(`The server refused the token: ${error.message}.`);
  });
  socket.connect();
}
