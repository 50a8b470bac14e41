// Storms of clients, and connections that only take up room: clients with a token get in, and connected clients notice nothing.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, afterEach, test } from 'node:test';
import { EngineClient } from '../integration/harness/engine_client.mjs';
import { CONNECTIONS, release } from '../integration/harness/bridge.mjs';
import { RawClient, kinds } from '../integration/harness/raw_client.mjs';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';
import { newcomers } from './newcomers.mjs';

const scene = await Scene.open();
after(() => scene.close());

const { bridge, database } = scene;
const [ann, ben] = await scene.people('Ann', 'Ben');
const names = Object.keys(kinds);
const open = [];

afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

// These connections start first and are awaited last, because the bridge closes them only after a while.
const hesitant = ['', 'GET /ws HTTP/1.1\r\nX: '].map((bytes) => {
  const socket = net.connect(bridge.port, '127.0.0.1', () => socket.write(bytes)).resume();
  const drips = setInterval(() => { if (bytes) socket.write('x'); }, 1000);
  return new Promise((resolve) => socket.on('error', () => {}).on('close', resolve)).finally(() => clearInterval(drips));
});

const many = (count, make) => Promise.all(Array.from({ length: count }, (_, n) => make(n)));

// Opens a connection that sends these bytes and then waits.
async function openSocket(on, bytes = '') {
  const socket = net.connect(on.port, '127.0.0.1').resume();
  open.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

async function connect(on, kind, user = ann) {
  const client = await RawClient.connect(on, kind, scene.token(user));
  open.push(client.socket);
  return client;
}

// Connects again and again, as clients do after the bridge closed their connection.
function insist(on, kind) {
  return until(`the ${kind} client gets in`, () => connect(on, kind).catch(() => null));
}

const upgrade = (path) => `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
const engine = '/socket.io/?EIO=4&transport=';
const strangers = {
  'a socket that says nothing': '',
  'a request that is never complete': 'GET /ws HTTP/1.1\r\nHost: x\r\n',
  'a plain WebSocket without a token': upgrade('/ws'),
  'a WebSocket of Engine.IO without a session': upgrade(`${engine}websocket`),
  'polling without a session': `GET ${engine}polling HTTP/1.1\r\nHost: x\r\n\r\n`,
};

for (const [stranger, bytes] of Object.entries(strangers)) {
  test(`admits clients among a thousand times ${stranger}`, async () => {
    const narrow = await scene.addBridge(['--max-connections=60']);
    const early = await many(8, (n) => connect(narrow, names[n % 4]));
    for (let n = 0; n < 20; n++) await many(50, () => openSocket(narrow, bytes));
    const late = await many(40, (n) => insist(narrow, names[n % 4]));
    await database.query("SELECT herald.publish($1, 'numbered', '{\"n\": 1}')", [`user:${ann}`]);
    await until('all clients have the event', () => [...early, ...late].every(({ numbers }) => numbers.length === 1));
    assert.ok(await narrow.metric('herald_newcomers_cut_total') > 0);
    await until('the cut connections are closed', async () => await narrow.metric('herald_connections') <= 60);
  });
}

test('keeps sessions and answers 503 to newcomers when it is full', async () => {
  const full = await scene.addBridge(['--max-connections=20']);
  const clients = await many(20, (n) => connect(full, names[n % 4]));
  const { status, body } = await new EngineClient(full).request('GET');
  assert.deepEqual([status, JSON.parse(body).message], [503, 'Too many connections']);
  for (const path of ['/ws', '/events', `${engine}websocket`]) {
    const socket = await openSocket(full, path === '/events' ? `GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${scene.token(ann)}\r\n\r\n` : upgrade(path));
    assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1.[01] 503/, path);
  }
  assert.ok(clients.every(({ socket }) => !socket.destroyed));
});

// The sanitizers make some of the steps many times slower than others, so this bridge has none.
test('admits two thousand clients at once, serves others meanwhile, and frees everything', { timeout: 180000 }, async () => {
  const measured = await scene.addBridge([], undefined, release);
  const others = await many(4, (n) => connect(measured, names[n], ben));
  await until('only the others are connected', async () => await measured.metric('herald_connections') === others.length);
  const before = measured.descriptors;
  const waits = [];    // of the others, in processor time of the bridge, which does not depend on other processes
  let done = false;
  const storm = newcomers(measured, 2000, scene.token(ann)).finally(() => { done = true; });
  for (let n = 1; !done; n++) {
    const start = measured.processorTime();
    await database.query("SELECT herald.publish($1, 'numbered', jsonb_build_object('n', $2::int))", [`user:${ben}`, n]);
    await until('the others have the event', () => others.every(({ numbers }) => numbers.at(-1) === n));
    waits.push(measured.processorTime() - start);
  }
  await storm;
  await until('the storm is over', async () => await measured.metric('herald_connections') === others.length);
  await until('no descriptor is left over', () => measured.descriptors <= before);
  assert.ok(Math.max(...waits) < 1500, `${waits} ms`);
});

test('frees everything of clients that vanish without a FIN', async () => {
  const brisk = await scene.addBridge(['--ping-interval=300ms', '--ping-timeout=2s', '--queue-limit=100MB'],
    `${scene.conninfo} application_name=brisk`);
  await until('the bridge has all its backends', () => database.value(
    "SELECT count(*) = $1 FROM pg_stat_activity WHERE application_name = 'brisk'", [CONNECTIONS]));
  const before = brisk.descriptors;
  const clients = await many(40, (n) => connect(brisk, names[n % 4]));
  for (const client of clients) client.stop();
  // A client of /events sends nothing anyway: the bridge notices that it does not take the data it is sent.
  await database.query("SELECT herald.publish($1, 'numbered', jsonb_build_object('n', 1, 'text', repeat('x', 1000000)))", [`user:${ann}`]);
  await until('all connections are closed', async () => await brisk.metric('herald_connections') === 0);
  // A polling client's connection between two polls ends after the timeout of idle connections.
  await until('no descriptor is left over', () => brisk.descriptors <= before, 60000);
  assert.deepEqual([await brisk.metric('herald_sessions'), await brisk.metric('herald_rooms'), await brisk.metric('herald_waiting_bytes')], [0, 0, 0]);
});

test('closes connections that send nothing, or a byte a second', { timeout: 30000 }, () => Promise.all(hesitant));
