// Known faults of libwebsockets neither end the bridge nor slow it down: see the table in test/README.md.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { after, test } from 'node:test';
import { Bridge } from './harness/bridge.mjs';
import { EngineClient } from './harness/engine_client.mjs';
import { Scene } from './harness/scene.mjs';
import { soon, until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());

const [ann] = await scene.people('Ann');

// Opens a connection that sends these bytes and then waits.
async function openSocket(bridge, bytes = '') {
  const socket = net.connect(bridge.port, '127.0.0.1').resume();
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

const many = (count, open) => Promise.all(Array.from({ length: count }, open));

test('lowers the limit of descriptors to its needs: the library scans a table of that size at each close', async () => {
  const bridge = await scene.addBridge(['--max-connections=300']);
  assert.equal(bridge.descriptorLimit, 500);
});

const upgrade = 'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';

test('keeps clients of every kind that answer pings', async () => {
  const bridge = await scene.addBridge(['--ping-interval=100ms', '--ping-timeout=1s']);
  const [ann] = await scene.people('Ann');
  const clients = await scene.both(ann, { bridge });
  let pings = 0;
  clients[0].socket.on('ping', () => { pings++; });
  await until('several pings', () => pings >= 15);
  assert.equal(await bridge.metric('herald_sessions'), 2);
  assert.equal(clients[1].connects.length, 1);
});

test('a WebSocket costs the same when thousands are open', { timeout: 60000 }, async () => {
  const bridge = await scene.addBridge();
  const open = () => bridge.metric('herald_connections');
  // Returns the processor time of this many WebSockets that open and close, in milliseconds.
  const cost = async (count) => {
    const [others, before] = [await open(), bridge.processorTime()];
    for (let done = 0; done < count; done += 100) {
      const sockets = await many(100, () => openSocket(bridge, upgrade));
      await until('they are open', async () => await open() === others + 100);
      for (const socket of sockets) socket.destroy();
      await until('they are closed', async () => await open() === others);
    }
    return bridge.processorTime() - before;
  };
  await cost(200);
  const alone = await cost(1000);
  const sockets = [];
  for (let n = 0; n < 90; n++) sockets.push(...await many(100, () => openSocket(bridge, upgrade)));
  await until('all are open', async () => await open() === sockets.length);
  const crowded = await cost(1000);
  for (const socket of sockets) socket.destroy();
  assert.ok(crowded < 1.6 * alone, `${crowded} ms instead of ${alone} ms`);
});

test('refuses clients at no cost without a free descriptor, and serves them again with one', async () => {
  const bridge = await scene.addBridge();
  const first = await EngineClient.connect(bridge, scene.token(ann));
  execFileSync('prlimit', [`--pid=${bridge.pid}`, '--nofile=60:60']);
  const sockets = await many(100, () => openSocket(bridge));
  await until('some are refused', () => sockets.filter((socket) => socket.destroyed).length >= 40);
  const [start, before] = [Date.now(), bridge.processorTime()];
  await until('a second has passed', () => Date.now() - start > 1000);
  assert.ok(bridge.processorTime() - before < 200, `${bridge.processorTime() - before} ms of processor time in a second`);
  for (const socket of sockets) socket.destroy();
  await until('there is room again', async () => await bridge.metric('herald_connections_refused_total').catch(() => 0) >= 40);
  await first.say('427["ping"]');
  await first.hear((text) => text.startsWith('437'));
});

for (const signal of ['SIGSEGV', 'SIGFPE']) {
  test(`${signal} ends the bridge`, async () => {
    const bridge = await Bridge.start({ conninfo: scene.database.conninfo('bridge'), secret: scene.secret });
    const { code } = await soon('the bridge ends', bridge.end(signal));
    assert.notEqual(code, 0);
  });
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} ends the bridge with 0, with clients in all states`, async () => {
    const bridge = await scene.addBridge(['--drain-timeout=500ms']);
    const [polling, upgrading] = [await EngineClient.connect(bridge, scene.token(ann)), await EngineClient.connect(bridge, scene.token(ann))];
    const poll = polling.poll();
    const socket = upgrading.websocket();
    await socket.say('2probe');
    await upgrading.websocket({ sid: 'nobody' }).error;
    const pieces = [0, 1, 20, upgrade.length - 1, upgrade.length].map((length) => upgrade.slice(0, length));
    pieces.push(`POST ${polling.query()} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n4`);
    const sockets = await Promise.all(pieces.map((bytes) => openSocket(bridge, bytes)));
    await Promise.all([scene.plain(ann, { bridge }), scene.eventSource(ann, { bridge }), scene.socketIo(ann, { bridge })]);
    assert.deepEqual(await soon('the bridge ends', bridge.end(signal)), { code: 0, signal: null });
    await poll.catch(() => {});
    scene.closeClients();
    for (const other of sockets) other.destroy();
  });
}
