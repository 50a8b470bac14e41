// Clients that do not read: the bridge's memory stays bounded, other clients do not wait, and each receives every event once.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, test } from 'node:test';
import { release } from '../integration/harness/bridge.mjs';
import { removeEventsAfter, resetWindow } from '../integration/harness/log_retention.mjs';
import { RawClient, kinds } from '../integration/harness/raw_client.mjs';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';

const MB = 2 ** 20;

const scene = await Scene.open({
  options: ['--queue-limit=200kB', '--total-queue-limit=16MB', '--event-cache-size=1MB', '--ping-interval=10min', '--action-timeout=5min'],
});
after(() => scene.close());

const { bridge, database } = scene;
const [ann, ben] = await scene.people('Ann', 'Ben');
const clients = [];

async function connect(kind, user = ann, options = {}) {
  const client = await RawClient.connect(options.bridge ?? bridge, kind, scene.token(user), options);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await until('all connections are closed', async () => await bridge.metric('herald_connections') === 0);
  await until('all queues are empty', async () => await bridge.metric('herald_waiting_bytes') === 0);
});

const numbers = (last) => Array.from({ length: last }, (_, n) => n + 1);
const publish = (room, first, last, size = 100) => database.query(
  "SELECT herald.publish($1, 'numbered', jsonb_build_object('n', n, 'text', repeat('x', $4))) FROM generate_series($2::int, $3::int) AS n",
  [room, first, last, size]);

const fallenBehind = () => bridge.metric('herald_fallen_behind_total');
const waiting = () => bridge.metric('herald_waiting_bytes');

// Publishes until a client falls behind, no faster than the reader reads, and then as much again. Returns the last number.
async function publishUntilFull(room, reader) {
  const before = await fallenBehind();
  let last = 0;
  await until('a client has fallen behind', async () => {
    await publish(room, last + 1, last += 10, 10000);
    if (reader) await until('the reader has everything', () => reader.numbers.at(-1) === last);
    return await fallenBehind() > before;
  });
  await publish(room, last + 1, last *= 2, 10000);
  return last;
}

// Reads on, and reconnects if the client was cut off, until it has the last number.
async function readOn(client, last) {
  client.read();
  await until(`the ${client.kind} client has number ${last}`, async () => {
    if (client.socket.destroyed) await client.connect();
    return client.numbers.at(-1) === last;
  }, 30000);
}

for (const kind of Object.keys(kinds)) {
  test(`${kind}: bounds the queue of a client that does not read, and brings it up to date when it reads`, async () => {
    const [slow, other] = [await connect(kind), await connect('plain')];
    slow.stop();
    const last = await publishUntilFull(`user:${ann}`, other);
    await until('the other client has everything', () => other.numbers.at(-1) === last);
    assert.deepEqual(other.numbers, numbers(last));
    assert.ok(await waiting() < 250000, `${await waiting()} bytes wait`);
    await readOn(slow, last);
    await publish(`user:${ann}`, last + 1, last + 1);
    await readOn(slow, last + 1);
    assert.deepEqual(slow.numbers, numbers(last + 1));
    assert.deepEqual(slow.welcomes, [false], 'it stayed connected');
  });

  test(`${kind}: keeps a client that reads byte by byte, and recovers it when it reconnects`, async () => {
    const slow = await connect(kind, ann, { byByte: true });
    slow.stop();
    const sips = setInterval(() => { if (!slow.socket.destroyed) slow.read(1); }, 20);
    const last = await publishUntilFull(`user:${ann}`);
    clearInterval(sips);
    slow.buffer = Buffer.alloc(65536);
    slow.close();
    await slow.closed;
    await readOn(slow, last);
    assert.deepEqual(slow.numbers, numbers(last));
    assert.deepEqual(slow.welcomes, [false, true]);
  });
}

for (const kind of ['plain', 'socket.io']) {
  test(`${kind}: sends pings in time to a slow reader with a long queue`, async () => {
    const brisk = await scene.addBridge(['--queue-limit=4MB', '--ping-interval=300ms', '--ping-timeout=2s']);
    const slow = await connect(kind, ann, { bridge: brisk });
    await publish(`user:${ann}`, 1, 600, 10000);
    slow.stop();
    const sips = setInterval(() => slow.read(1), 60);    // one chunk of 64 kB
    await until('the client has read everything', () => slow.socket.destroyed || slow.numbers.at(-1) === 600, 30000);
    clearInterval(sips);
    assert.deepEqual([slow.socket.destroyed, slow.welcomes], [false, [false]]);
  });
}

test('welcomes a client with a foreign position as not recovered', async () => {
  const slow = await connect('plain');
  slow.close();
  await slow.closed;
  slow.position = '1~0~0~3.0~3.0~0';    // of another server
  await slow.connect();
  assert.deepEqual(slow.welcomes, [false, false]);
});

test('sends "resync" to a slow client after retention removed events that it lacks', async () => {
  const slow = await connect('plain');
  slow.stop();
  const position = await database.value('SELECT herald.current_position()');
  await publishUntilFull(`user:${ann}`);
  await removeEventsAfter(position, database);
  slow.read();
  await slow.closed;
  assert.match(slow.answer, /"code":"resync"/);
  await resetWindow(database);
  await slow.connect();
  assert.deepEqual(slow.welcomes, [false, false]);
});

test('counts incomplete messages in total-queue-limit, and leaves room for other clients', async () => {
  const other = await connect('plain', ben);
  const half = Buffer.concat([Buffer.from([0x01, 0xfe, 0xea, 0x60, 0, 0, 0, 0]), Buffer.alloc(59000, 'x')]);
  const senders = await Promise.all(Array.from({ length: 320 }, () => connect('plain')));
  for (const sender of senders) sender.say(half);
  const left = () => senders.filter(({ socket }) => !socket.destroyed).length;
  await until('the limit has cut off some senders', async () => left() < 320 && await bridge.metric('herald_waiting_bytes') === left() * 59000, 60000);
  assert.ok(left() > 200 && left() * 59000 < 16 * MB, `${left()} are left`);
  await publish(`user:${ben}`, 1, 1);
  await until('the other client has its event', () => other.numbers.length === 1);
});

test('refuses actions when 16 MB of them wait for the database', async () => {
  const users = await scene.people(...Array(26).fill('Carol'));    // who share the limit: none has its own
  const clients = await Promise.all(users.map((user) => scene.plain(user)));
  const backends = (await database.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'herald-bridge actions'")).map(({ pid }) => pid);
  await Promise.all(backends.map((pid) => scene.postgres.pause(pid)));
  const before = await bridge.metric('herald_actions_total');
  const answers = Array.from({ length: 260 }, (_, n) => clients[n % 26].ask('post:like', { text: 'x'.repeat(80000) }, 120000));
  await until('the bridge has received all actions', async () => await bridge.metric('herald_actions_total') === before + 260, 60000);
  await Promise.all(backends.map((pid) => scene.postgres.proceed(pid)));
  const codes = (await Promise.all(answers)).map(({ error }) => error.code);
  for (const client of clients) client.close();
  const waited = codes.filter((code) => code !== 'busy').length;
  assert.ok(waited > 190 && waited < 210, `${waited} waited`);
});

// Returns the bytes in the kernel's send queues at the bridge's end of connections.
function keptByKernel(port) {
  const local = port.toString(16).toUpperCase().padStart(4, '0');
  return readFileSync('/proc/net/tcp', 'latin1').split('\n').map((line) => line.trim().split(/\s+/))
    .filter(([, address]) => address?.endsWith(`:${local}`)).map(([, , , , queues]) => parseInt(queues.split(':')[0], 16));
}

test('keeps unsent data in its own queue, not in kernel memory, which has no limit of the bridge', async () => {
  const wide = await scene.addBridge(['--queue-limit=100MB', '--ping-interval=10min']);
  for (const kind of Object.keys(kinds)) (await connect(kind, ben, { bridge: wide })).stop();
  await publish(`user:${ben}`, 1, 1000, 10000);
  await until('the queue has the data', async () => await wide.metric('herald_waiting_bytes') > 9 * MB);
  assert.ok(Math.max(...keptByKernel(wide.port)) < 150000, `${keptByKernel(wide.port)} bytes`);
});

test('holds total-queue-limit when a thousand clients stop reading, and serves others at once', { timeout: 180000 }, async () => {
  const CROWD = 1000;
  await database.query(`INSERT INTO users (username, display_name) SELECT 'crowd' || n, 'C' FROM generate_series(1, ${CROWD}) AS n`);
  const ids = (await database.query("SELECT id FROM users WHERE username LIKE 'crowd%'")).map(({ id }) => id);
  const plain = await scene.addBridge(['--total-queue-limit=8MB', '--event-cache-size=1MB', '--ping-interval=10min'], undefined, release);
  const others = await Promise.all(Object.keys(kinds).map((kind) => connect(kind, ben, { bridge: plain })));
  const crowd = await Promise.all(ids.map((id, place) => connect(Object.keys(kinds)[place % 4], id, { bridge: plain })));
  const empty = plain.memory;
  for (const client of crowd) client.stop();

  // Each user has events of its own, so that no queues share their bytes.
  const own = (first, last) => database.query(`SELECT herald.publish('user:' || id, 'numbered', jsonb_build_object('n', n, 'text', repeat('x', 10000)))
    FROM generate_series(${first}, ${last}) AS n, unnest($1::text[]) AS id ORDER BY n`, [ids]);
  const latencies = [];
  let [last, most, waited] = [0, 0, 0];
  await until('the limit has cut off a quarter of the crowd', async () => {
    await own(last + 1, last += 1);
    const start = performance.now();
    await publish(`user:${ben}`, last, last);
    await until('the other clients have it', () => others.every((client) => client.numbers.at(-1) === last));
    latencies.push(performance.now() - start);
    most = Math.max(most, plain.memory);
    waited = Math.max(waited, await plain.metric('herald_waiting_bytes'));
    return await plain.metric('herald_slow_closed_total') >= CROWD / 4;
  }, 40000);
  latencies.sort((a, b) => a - b);
  assert.ok(waited < 8 * MB, `${waited} bytes waited`);
  assert.ok(most - empty < 40 * MB, `${((most - empty) / MB).toFixed(0)} MB more than before`);
  assert.ok(latencies[Math.floor(latencies.length / 2)] < 3000, `${latencies.map((value) => value.toFixed())} ms`);

  await Promise.all(crowd.slice(0, 100).map((client) => readOn(client, last)));
  for (const client of crowd.slice(0, 100)) assert.deepEqual(client.numbers, numbers(last), `${client.kind}: ${client.numbers}`);
});
