// Ephemeral events reach connected sessions once, by each protocol and bridge, and never replace logged events.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { EngineClient } from './harness/engine_client.mjs';
import { Scene } from './harness/scene.mjs';
import { Traffic } from './harness/traffic.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open({ options: ['--dialect=canonical', '--dialect=snake'] });
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database, bridge } = scene;
const other = await scene.addBridge();
let ends = 0;

const signal = (rooms, event, payload = {}, { key = null, except = null } = {}) =>
  database.query('SELECT herald.signal($1, $2, $3, $4, $5)', [rooms, event, payload, key, except]);
// The names of pg_herald's own events are for pg_herald alone.
const ownSignal = (rooms, event, payload = {}, { key = null, except = null } = {}) =>
  database.query('SELECT herald_internal.append_signal($1, $2, $3, $4, $5)', [rooms, event, payload, key, except]);

// Signals arrive in the order of their commits: this one comes after all before it.
async function settle(...clients) {
  const number = ++ends;
  await ownSignal(['*'], 'end', { number });
  await Promise.all(clients.map((client) => client.waitFor('end', (data) => data.number === number)));
}

const heard = (client, event) => client.all(event).map(({ data }) => data);
const polling = { transports: ['polling'] };

// A client of each kind.
const allKinds = (user, options) => Promise.all([
  scene.plain(user, options), scene.socketIo(user, options), scene.socketIo(user, { ...polling, ...options }), scene.eventSource(user, options)]);

test('delivers a signal to the sessions of its rooms only and once, by each protocol and bridge', async () => {
  const [ann, ben, eve] = await scene.people('Ann', 'Ben', 'Eve');
  const conversation = await scene.conversation(ann, ben);
  const hers = [...await allKinds(ann), ...await allKinds(ann, { bridge: other })];
  const [his, stranger] = [await scene.plain(ben), await scene.plain(eve)];
  await signal([`user:${ann}`, `conversation:${conversation}`, `user:${ann}`, 'nowhere'], 'wave', { by: ben, lastSeen: null, n: 1.5 });
  await settle(...hers, his, stranger);
  for (const client of [...hers, his]) assert.deepEqual(heard(client, 'wave'), [{ by: ben, lastSeen: null, n: 1.5 }], client.label);
  assert.deepEqual(heard(stranger, 'wave'), []);
});

test('sends a signal with a position and without an id', async () => {
  const [ann] = await scene.people('Ann');
  const clients = await allKinds(ann);
  await signal([`user:${ann}`], 'wave');
  for (const client of clients) {
    await client.waitFor('wave');
    const [{ id, position, lastEventId }] = client.all('wave');
    assert.match(position ?? lastEventId, /^1~[0-9a-z.~]+$/, client.label);
    assert.equal(id ?? null, null, client.label);
  }
});

test('leaves out the sessions of the excepted user', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const [hers, his] = [await allKinds(ann), await allKinds(ben)];
  await ownSignal([`conversation:${conversation}`, `user:${ben}`], 'typing:start', { userId: ben }, { except: ben });
  await settle(...hers, ...his);
  for (const client of hers) assert.equal(heard(client, 'typing:start').length, 1, client.label);
  for (const client of his) assert.equal(heard(client, 'typing:start').length, 0, client.label);
});

test('sends a signal when its transaction commits, and does not log it', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.plain(ann);
  await database.psql('-c', `BEGIN; SELECT herald.signal('{user:${ann}}', 'wave'); ROLLBACK`);
  await signal([`user:${ann}`], 'nod');
  await settle(client);
  assert.deepEqual([heard(client, 'wave').length, heard(client, 'nod').length], [0, 1]);
  assert.equal(await database.value("SELECT count(*)::int FROM herald.event WHERE name IN ('wave', 'nod', 'end')"), 0);
});

test('does not replay signals', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const clients = [await scene.plain(ann, { resume: true }), await scene.socketIo(ann), await scene.eventSource(ann, { resume: true, retry: 0 })];
  await scene.settle(...clients);
  await bridge.kill();
  await signal([`conversation:${conversation}`], 'wave');
  const message = await scene.message(conversation, ben, 'Meanwhile');
  await bridge.start();
  for (const client of clients) await client.waitFor('message:created', (data) => data.messageId === message);
  await until('signals arrive again', async () => {
    await signal([`conversation:${conversation}`], 'nod');
    return clients.every((client) => client.all('nod').length > 0);
  });
  for (const client of clients) assert.deepEqual(heard(client, 'wave'), [], client.label);
});

test('takes nothing from the payload of a ring', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.plain(ann);
  for (const text of ['', 'nonsense', '{"rooms":["*"],"event":"forged","payload":{}}', '{"rooms":"*","event":"forged","payload":{}}']) {
    await database.query("SELECT pg_notify('herald', $1)", [text]);
  }
  await settle(client);
  assert.deepEqual(heard(client, 'forged'), []);
});

test('gives a role without privileges neither signals nor a way to send them', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.plain(ann);
  await database.query('CREATE ROLE signal_stranger LOGIN');
  const stranger = await database.connect('signal_stranger');
  const rings = [];
  stranger.on('notification', ({ channel, payload }) => rings.push([channel, payload]));
  for (const channel of ['herald', 'herald_signal']) await stranger.query(`LISTEN ${channel}`);
  await assert.rejects(stranger.query("SELECT herald.signal('{*}', 'forged')"), { code: '42501' });
  await assert.rejects(stranger.query('TABLE herald_internal.signal'), { code: '42501' });
  await assert.rejects(stranger.query("SELECT herald_internal.append_signal('{*}', 'forged', '{}')"), { code: '42501' });
  await stranger.query("SELECT pg_notify('herald', 'forged')");
  await signal([`user:${ann}`], 'secret');
  await settle(client);
  await until('the stranger hears its own ring', () => rings.length > 0);
  await stranger.end();
  assert.deepEqual(rings, [['herald', 'forged']]);
  assert.deepEqual(heard(client, 'forged'), []);
  assert.equal(heard(client, 'secret').length, 1);
});

test('keeps the newest queued signal with the same key, behind events logged since', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const slow = await EngineClient.connect(bridge, scene.token(ann));
  const witness = await scene.plain(ann);
  const room = [`conversation:${conversation}`];
  await ownSignal(room, 'typing:start', { n: 1 }, { key: 'typing:ben' });
  await signal(room, 'viewers', { n: 2 }, { key: 'viewers' });
  await signal(room, 'wave', { n: 3 });
  await witness.waitFor('wave'); // a signal comes behind the logged events of its window
  await scene.message(conversation, ben, 'Hello');
  await witness.waitFor('message:created');
  await signal(room, 'wave', { n: 4 });
  await ownSignal(room, 'typing:stop', { n: 5 }, { key: 'typing:ben' });
  await settle(witness);
  assert.deepEqual(witness.events.flatMap(({ data }) => data.n ?? []), [1, 2, 3, 4, 5]);
  await slow.hear((packet) => packet.includes('"end"'));
  const names = /^42\["(viewers|wave|typing:\w+|message:created)"/;
  assert.deepEqual(slow.heard.flatMap((packet) => names.exec(packet)?.[1] ?? []), ['viewers', 'wave', 'message:created', 'wave', 'typing:stop']);
});

// Ids of the messages that a client received.
const messageIds = (client, event = 'message:created') => heard(client, event).map((data) => data.messageId ?? data.id);

test('recovers a session after a signal with a bare text, with each logged event once', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const clients = [await scene.socketIo(ann, { namespace: '/?dialect=snake' }), await scene.socketIo(ann, { namespace: '/?dialect=snake', ...polling })];
  const ids = [];
  const away = [
    async (pass) => { for (const client of clients) client.cut(); await pass(); },
    async (pass) => { await bridge.kill(); await pass(); await bridge.start(); },
  ];
  for (const [round, leave] of away.entries()) {
    ids.push(await scene.message(conversation, ben, 'Before'));
    for (const client of clients) await client.waitFor('new_message', ({ id }) => id === ids.at(-1));
    await ownSignal([`user:${ann}`], 'user:online', { userId: ben });
    await until('all clients have the signal', () => clients.every((client) => client.all('user_online').length > round));
    await leave(async () => ids.push(await scene.message(conversation, ben, 'Meanwhile')));
    await until('all clients have reconnected', () => clients.every((client) => client.connects.length > round + 1));
  }
  ids.push(await scene.message(conversation, ben, 'After'));
  for (const client of clients) {
    await client.waitFor('new_message', ({ id }) => id === ids.at(-1));
    assert.deepEqual(heard(client, 'user_online'), [ben, ben]);
    assert.deepEqual(client.connects, [false, true, true]);
    assert.deepEqual(messageIds(client, 'new_message'), ids);
  }
});

test('resumes from the position of a signal on another bridge', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const first = await scene.plain(ann);
  await scene.message(conversation, ben, 'Before');
  await first.waitFor('message:created');
  await signal([`user:${ann}`], 'wave');
  await first.waitFor('wave');
  assert.equal(first.position, first.all('wave')[0].position);
  first.close();
  const missed = await scene.message(conversation, ben, 'Meanwhile');
  const second = await scene.plain(ann, { bridge: other, position: first.position });
  await scene.settle(second);
  assert.equal(second.welcomes[0].recovered, true);
  assert.deepEqual(messageIds(second), [missed]);
});

test('delivers each message once and in order between signals while networks and bridges fail', { timeout: 60000 }, async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const clients = [await scene.plain(ann, { resume: true }), await scene.socketIo(ann), await scene.socketIo(ann, polling)];
  const traffic = new Traffic(scene, conversation, ben);
  const chatter = new AbortController();
  const chatting = (async () => {
    while (!chatter.signal.aborted) await ownSignal([`conversation:${conversation}`], 'typing:start', { userId: ben }, { key: 'typing:ben' });
  })();
  for (let round = 1; round <= 4; round++) {
    await traffic.flows(50);
    if (round % 2) {
      clients[0].socket.terminate();
      for (const client of clients.slice(1)) client.cut();
    } else {
      await bridge.kill();
      await bridge.start();
    }
    await until('all clients have reconnected', () => clients.every((client) => (client.welcomes ?? client.connects).length > round));
  }
  const sent = await traffic.stop();
  chatter.abort();
  await chatting;
  await scene.settle(...clients);
  for (const client of clients) assert.deepEqual(messageIds(client), sent, client.label);
});

test('sends logged events and no signals to a session that is behind', { timeout: 60000 }, async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const narrow = { bridge: await scene.addBridge(['--queue-limit=1MB']) };
  const slow = await scene.plain(ann, narrow);
  const witness = await scene.plain(ben, narrow);
  await scene.settle(slow, witness);
  slow.close();
  await database.query(`SELECT herald.publish($1, 'page', jsonb_build_object('number', n, 'text', repeat('x', 20000)))
                        FROM generate_series(1, 800) AS n`, [`user:${ann}`]);
  const back = await scene.plain(ann, { ...narrow, position: slow.position, paused: true });
  await signal([`user:${ann}`, `user:${ben}`], 'wave');
  await settle(witness);
  back.socket.resume();
  await until('all pages have arrived', () => back.all('page').length >= 800);
  await until('signals arrive again', async () => {
    await signal([`user:${ann}`], 'nod');
    return back.all('nod').length > 0;
  });
  assert.equal(back.welcomes[0].recovered, true);
  assert.deepEqual(heard(back, 'page').map(({ number }) => number), Array.from({ length: 800 }, (_, n) => n + 1));
  assert.deepEqual([heard(back, 'wave').length, heard(witness, 'wave').length], [0, 1]);
});

test('leaves no signal behind after a crash of the server, and relays signals again', { timeout: 60000 }, async (t) => {
  const fresh = await Scene.open();
  t.after(() => fresh.close());
  const [ann] = await fresh.people('Ann');
  const client = await fresh.plain(ann);
  const wave = () => fresh.database.query("SELECT herald.signal($1, 'wave')", [[`user:${ann}`]]);
  // The bridge may have connected again, and sent signals of its own.
  const left = () => fresh.database.value("SELECT count(*)::int FROM herald_internal.signal WHERE name = 'wave'");
  await wave();
  await client.waitFor('wave');
  assert.ok(await left() > 0);
  await fresh.postgres.crash();
  await fresh.postgres.start();
  await until('the server has recovered', () => left().catch(() => null).then((count) => count !== null));
  assert.equal(await left(), 0);
  client.forgetEvents();
  await fresh.bridge.ready();
  await until('signals arrive again', async () => {
    await wave();
    return client.all('wave').length > 0;
  });
});
