// Clients that vanish: no FIN and no RST, only silence. The bridge frees everything that they held.

import { refused } from './own_machine.mjs';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { after, test } from 'node:test';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';
import { cut } from './loss.mjs';

const CROWD = 50;    // of each kind

const upgrade = (path) => `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';

// The socket of a client of each kind.
const sessions = {
  plain: ({ socket }) => socket._socket,
  socketIo: ({ socket }) => socket.io.engine.transport.ws._socket,
  eventSource: ({ request }) => request.socket,
};

// The beginnings of connections that do not go on.
const handshakes = {
  'a connection that says nothing': '',
  'half a request': 'GET /ws HTTP/1.1\r\nHost: x\r\nUpgr',
  'a WebSocket without a token': upgrade('/ws'),
  'a Socket.IO without a CONNECT': upgrade('/socket.io/?EIO=4&transport=websocket'),
  'half a POST': 'POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf',
};

const repeat = (make) => Promise.all(Array.from({ length: CROWD }, make));

async function begin(bridge, beginning) {
  const socket = net.connect(bridge.port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  socket.write(beginning);
  return socket;
}

test('frees everything of vanished clients, and the others notice nothing', { skip: refused, timeout: 180000 }, async (t) => {
  const scene = await Scene.open({ options: ['--ping-interval=1s', '--ping-timeout=2s', '--connect-timeout=3s'] });
  after(() => scene.close());
  const { bridge } = scene;
  const descriptors = () => readdirSync(`/proc/${bridge.pid}/fd`).length;
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const staying = [await scene.plain(ann, { resume: true }), await scene.socketIo(ann)];
  const before = descriptors();

  const sockets = [];
  for (const [kind, socket] of Object.entries(sessions)) sockets.push(...(await repeat(() => scene[kind](ben, { reconnection: false }))).map(socket));
  for (const beginning of Object.values(handshakes)) sockets.push(...await repeat(() => begin(bridge, beginning)));
  assert.ok(await bridge.metric('herald_sessions') >= 2 + 3 * CROWD);

  cut(...sockets.map(({ localPort }) => localPort));    // before the sockets are destroyed, so that no FIN arrives
  for (const socket of sockets) socket.destroy();
  const start = Date.now();
  const message = await scene.message(conversation, ben, 'Is anybody there?');
  for (const client of staying) await client.waitFor('message:created', ({ messageId }) => messageId === message);
  t.diagnostic(`others heard ${Date.now() - start} ms after ${sockets.length} vanished`);
  await until('their sessions are gone', async () => await bridge.metric('herald_sessions') === 2);
  t.diagnostic(`sessions were given up after ${Date.now() - start} ms`);
  await until('their descriptors are free', () => descriptors() <= before + 1);
  t.diagnostic(`descriptors were free after ${Date.now() - start} ms`);
});
