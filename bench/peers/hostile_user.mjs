// hostile_user.mjs KIND JSON: one user who asks a bridge for as much as it gives, from 127.0.0.2, until this process is killed.
//
// JSON has the bridge's port, a token, and the places of an attack: conversation, rooms, posts, sessionId, position.

import { createRequire } from 'node:module';
import net from 'node:net';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';

const WebSocket = createRequire(new URL('../../test/integration/package.json', import.meta.url))('ws');

const [kind, json] = process.argv.slice(2);
const { port, token, conversation, posts, sessionId, position } = JSON.parse(json);
const localAddress = '127.0.0.2';
const CONNECTIONS = 8, CALLS = 25, LOOPS = 50;

// Opens a WebSocket. Resolves when it is open, and has a member "ended".
async function open(path = '/ws') {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { localAddress });
  socket.on('error', () => {});
  socket.ended = new Promise((resolve) => socket.once('close', resolve));
  await Promise.race([new Promise((resolve) => socket.once('open', resolve)), socket.ended]);
  if (socket.readyState !== WebSocket.OPEN) throw new Error('refused');
  return socket;
}

// Opens one with a session.
async function session(auth = {}) {
  const socket = await open();
  socket.send(JSON.stringify({ action: 'auth', data: { token, ...auth } }));
  await Promise.race([new Promise((resolve) => socket.once('message', resolve)), socket.ended]);
  return socket;
}

// Does work again and again, so many at once. A client that is sent away comes back at once.
const loops = (count, work) => Promise.all(Array.from({ length: count }, async () => {
  for (;;) await work().catch(() => pause(10));
}));

// Keeps so many calls outstanding on each of some connections.
const flood = (make) => loops(CONNECTIONS, async () => {
  const socket = await session();
  let id = 0;
  const call = () => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify({ id: ++id, ...make() }));
  socket.on('message', (text) => { if (text.includes('"ok":')) call(); });
  for (let n = 0; n < CALLS; n++) call();
  await socket.ended;
});

const action = (name, make = () => ({})) => () => flood(() => ({ action: name, data: make() }));
const random = (count) => Math.floor(Math.random() * count);

// Writes bytes to a WebSocket's connection as fast as it takes them. first: before them. connect: opens it.
const stream = (bytes, first = '', connect = session) => loops(CONNECTIONS, async () => {
  const socket = await connect();
  socket._socket.write(first);
  while (socket.readyState === WebSocket.OPEN) {
    if (!socket._socket.write(bytes)) await Promise.race([new Promise((resolve) => socket._socket.once('drain', resolve)), socket.ended]);
    await turn();
  }
});

// A control frame or a fragment with a mask of zeroes, a thousand times.
const frames = (...head) => Buffer.concat(Array.from({ length: 1000 }, () => Buffer.from([...head, 0, 0, 0, 0])));

const kinds = {
  ping: action('ping'),
  joinMissing: action('room:join', () => ({ room: `post:${1e9 + random(1e9)}` })),
  join: action('room:join', () => ({ room: `post:${posts[random(posts.length)]}` })),
  inbox: action('inbox:list', () => ({ max: 200 })),
  grouped: action('inbox:list', () => ({ max: 200, grouped: true })),
  send: action('message:send', () => ({ conversationId: conversation, content: 'spam '.repeat(100) })),
  typing: action('typing:start', () => ({ conversationId: conversation })),
  presenceList: action('presence:list', () => ({ userIds: Array.from({ length: 1000 }, (_, n) => String(n)) })),
  presenceSet: action('presence:set', () => ({ status: ['away', 'online'][random(2)] })),
  people: action('people:list'),
  unknown: () => flood(() => ({ action: 'x'.repeat(90000), data: {} })),
  connects: () => loops(LOOPS, async () => (await session()).terminate()),
  inBand: () => loops(CONNECTIONS, async () => {
    const socket = await open('/socket.io/?EIO=4&transport=websocket');
    while (socket.readyState === WebSocket.OPEN) {
      for (let n = 0; n < 50; n++) for (const packet of [`40{"token":"${token}"}`, '41']) socket.send(packet);
      await pause(5);
    }
  }),
  recovery: () => loops(20, async () => (await session({ position })).terminate()),
  rooms: () => loops(1, async () => (await session({ sessionId })).terminate()),
  anonymous: () => loops(LOOPS, () => new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress });
    socket.on('error', () => {}).on('close', resolve).on('data', () => socket.destroy());
    socket.write('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  })),
  failedTokens: () => loops(LOOPS, async () => {
    const socket = await open();
    socket.send(JSON.stringify({ action: 'auth', data: { token: `${token}x` } }));
    await socket.ended;
  }),
  anonymousPings: () => stream(frames(0x89, 0x80), '', open),
  pings: () => stream(frames(0x89, 0x80)),
  emptyFrames: () => stream(frames(0x00, 0x80), Buffer.from([0x01, 0x80, 0, 0, 0, 0])),
  huge: () => loops(CONNECTIONS, async () => {
    const socket = await session();
    socket.send('x'.repeat(1e6));
    await socket.ended;
  }),
};

process.send('begins');
await kinds[kind]();
