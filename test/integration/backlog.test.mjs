// More events than fit into a connection's queue: a client that reads receives all of them, at once or after an absence.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { RawClient } from './harness/raw_client.mjs';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

// A poll interval of an hour: every event must arrive by a doorbell ring.
const scene = await Scene.open({ options: ['--queue-limit=64kB', '--page-size=200', '--poll-interval=1h'] });
after(() => scene.close());

const { bridge, database } = scene;
const EVENTS = 600;
const EVENT_SIZE = 2000;

const publish = (user, events = EVENTS) => database.query(
  `SELECT count(herald.publish('user:' || $1, 'backlog:entry', jsonb_build_object('n', n, 'text', repeat('x', ${EVENT_SIZE}))))
   FROM generate_series(1, $2) AS n`, [user, events]);

const numbers = (client) => client.all('backlog:entry').map(({ data }) => data.n);
// One client of each protocol; all of them reconnect by themselves.
const openClients = (user) => Promise.all([
  scene.plain(user, { resume: true }), scene.socketIo(user), scene.eventSource(user, { resume: true, retry: 20 })]);

const all = Array.from({ length: EVENTS }, (_, index) => index + 1);

test('delivers a burst of many times the queue limit in order and once', async () => {
  const [ann] = await scene.people('Ann');
  const clients = await openClients(ann);
  await publish(ann);
  for (const client of clients) {
    await until('all events have arrived', () => numbers(client).length >= EVENTS);
    assert.deepEqual(numbers(client), all);
  }
  scene.closeClients();
});

test('recovers clients after such a burst while more events arrive', async () => {
  const [ann] = await scene.people('Ann');
  const clients = await openClients(ann);
  await bridge.kill();
  await publish(ann);
  await bridge.start();
  await publish(ann);
  for (const client of clients) {
    await until('all events have arrived', () => numbers(client).length >= 2 * EVENTS, 20000);
    assert.deepEqual(numbers(client), [...all, ...all]);
  }
  for (const { welcomes } of [clients[0], clients[2]]) assert.ok(welcomes.slice(1).every(({ recovered }) => recovered));
  assert.ok(clients[1].connects.slice(1).every((recovered) => recovered));
  scene.closeClients();
});

test('delivers new events as soon as a late bridge has caught up', async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  const here = await scene.plain(ben);
  await publish(ann, 10 * EVENTS);
  await until('the bridge is behind', async () => await bridge.metric('herald_lag_events') > 0);
  const [there] = await Promise.all([scene.plain(cat), database.query("SELECT herald.publish('user:' || $1, 'backlog:late', '{}')", [ben])]);
  await here.waitFor('backlog:late');
  await scene.settle(there);
  scene.closeClients();
});

test('replays everything after another client received only a part of the same replay', async () => {
  const [ann] = await scene.people('Ann');
  const [stuck, halved, late] = await Promise.all([1, 2, 3].map(() => RawClient.connect(bridge, 'plain', scene.token(ann))));
  const events = 3000;
  await bridge.kill();
  await database.query(`SELECT count(herald.publish('user:' || $1, 'backlog:numbered', jsonb_build_object('n', n, 'text', repeat('x', 1000))))
                        FROM generate_series(1, $2) AS n`, [ann, events]);
  await bridge.start();
  await halved.connect();
  halved.read(events * 550);
  await until('the client has about a half', () => halved.bytes <= 0);
  halved.close();
  await stuck.connect();
  stuck.stop();
  await until('the queue is full', async () => await bridge.metric('herald_waiting_bytes') > 40000);
  for (const client of [halved, late]) {
    await client.connect();
    client.read();
    await until('all events have arrived', () => client.numbers.length >= events);
    assert.deepEqual(client.numbers, Array.from({ length: events }, (_, index) => index + 1));
    assert.equal(client.welcomes.at(-1), true);
  }
  for (const client of [stuck, halved, late]) client.close();
});

test('brings a slow client up to date through many changes of its badge', async () => {
  const narrow = await scene.addBridge(['--queue-limit=4kB', '--page-size=5']);
  const [ann] = await scene.people('Ann');
  const client = new RawClient(narrow, 'plain', scene.token(ann));
  const [contents, badges] = [[], []];
  client.record = (event, data) => {
    if (event === 'notification:new') contents.push(Number(data.content));
    if (event === 'notification:unread') badges.push(data.count);
  };
  await client.connect();
  client.stop();
  const events = 2000;
  await database.query("SELECT count(herald.notify($1, 'system', 'Hello', n::text)) FROM generate_series(1, $2::int) AS n", [ann, events]);
  await until('the client has fallen behind', async () => await narrow.metric('herald_fallen_behind_total') > 0);
  client.read();
  await until('everything has arrived', () => contents.length >= events && badges.at(-1) === events);
  assert.deepEqual(contents, Array.from({ length: events }, (_, index) => index + 1));
  assert.ok(badges.length < events / 2, `${badges.length} badges`);
  client.close();
});

test('replays to a client that missed little before one that missed much', async () => {
  const wide = await scene.addBridge(['--queue-limit=100MB', '--page-size=200']);
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const [far, near] = await Promise.all([ann, ben].map((user) => RawClient.connect(wide, 'plain', scene.token(user))));
  const publish = (user, n) => database.query("SELECT count(herald.publish('user:' || $1, 'backlog:numbered', jsonb_build_object('n', n))) FROM generate_series(1, $2) AS n", [user, n]);
  far.close();
  await publish(ann, 20000);
  await publish(ben, 1);
  await until('the event has arrived', () => near.numbers.length === 1);
  near.close();
  await wide.kill();
  await publish(ben, 10);
  await wide.start();
  await far.connect();
  await near.connect();
  await until('the client that missed little has everything', () => near.numbers.length === 11);
  await until('the client that missed much has everything', () => far.numbers.length === 20000);
  const nearEnd = near.times.at(-1);
  const early = far.times.filter((time) => time < nearEnd).length;
  assert.ok(early < 20000, `${early} events went to the client that missed much before the other had everything`);
  assert.deepEqual(far.numbers, Array.from({ length: 20000 }, (_, index) => index + 1));
  for (const client of [far, near]) client.close();
});

async function blocksOf(position) {
  const [{ 'QUERY PLAN': [{ Plan: plan }] }] = await database.query(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM herald.read_events('${position}', max_events => 100)`);
  return plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
}

test('reads a page at the cost of its events, also within a transaction in progress at its position', async () => {
  const publish = (n) => `SELECT count(herald.broadcast('backlog:page', '{}')) FROM generate_series(1, ${n})`;
  const writer = await database.connect();
  await writer.query(`BEGIN; ${publish(1000)}`);
  const position = await database.value('SELECT herald.current_position()');
  await writer.query(`${publish(1)}; COMMIT`);
  await writer.end();
  await blocksOf(position);    // fills the backend's caches
  const before = await blocksOf(position);
  for (let n = 0; n < 20; n++) await database.query(publish(1000));
  const after = await blocksOf(position);
  assert.ok(after < before + 50, `${before} blocks before, ${after} with 20,000 events behind the page`);
});

// The position was read while the transaction was in progress, so all of its rows come before that position's top.
test('reads no more rows of one long transaction than a page holds', async () => {
  const writer = await database.connect();
  await writer.query("BEGIN; SELECT count(herald.publish('order:1', 'backlog:long', jsonb_build_object('n', n))) FROM generate_series(1, 20000) AS n");
  await database.query("SELECT herald.publish('order:2', 'backlog:short', '{}')");
  const position = await database.value('SELECT max(position) FROM herald.read_events(herald.current_position(), max_events => 1)');
  await writer.query('COMMIT');
  await writer.end();
  await database.query("SELECT herald.publish('order:2', 'backlog:short', '{}')");
  const pages = [];
  for (let from = position, more = true; more;) {
    const page = await database.query('SELECT id, position, more FROM herald.read_events($1, max_events => 5000)', [from]);
    pages.push(...page.filter(({ id }) => id));
    ({ position: from, more } = page.at(-1));
  }
  assert.equal(pages.length, 20001);
  assert.ok(pages.every(({ id }, index) => !index || Number(id) > Number(pages[index - 1].id)));
  await blocksOf(position);    // fills the backend's caches
  const blocks = await blocksOf(position);
  assert.ok(blocks < 200, `${blocks} blocks`);
});
