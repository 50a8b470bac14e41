// Ephemeral events reach who is there, once, whatever the protocol and the bridge, and never take the place of what is logged.

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

// Signals come in the order of their commits: after this one, all before it have come.
async function settle(...clients) {
  const number = ++ends;
  await signal(['*'], 'end', { number });
  await Promise.all(clients.map((client) => client.waitFor('end', (data) => data.number === number)));
}

const heard = (client, event) => client.all(event).map(({ data }) => data);
const polling = { transports: ['polling'] };

// A client of each kind.
const allKinds = (user, options) => Promise.all([
  scene.plain(user, options), scene.socketIo(user, options), scene.socketIo(user, { ...polling, ...options }), scene.eventSource(user, options)]);

test('a signal reaches the sessions of any of its rooms once, by each protocol and on each bridge, and nobody else', async () => {
  const [ann, ben, eve] = await scene.people('Ann', 'Ben', 'Eve');
  const conversation = await scene.conversation(ann, ben);
  const hers = [...await allKinds(ann), ...await allKinds(ann, { bridge: other })];
  const [his, stranger] = [await scene.plain(ben), await scene.plain(eve)];
  await signal([`user:${ann}`, `conversation:${conversation}`, `user:${ann}`, 'nowhere'], 'wave', { by: ben, lastSeen: null, n: 1.5 });
  await settle(...hers, his, stranger);
  for (const client of [...hers, his]) assert.deepEqual(heard(client, 'wave'), [{ by: ben, lastSeen: null, n: 1.5 }], client.label);
  assert.deepEqual(heard(stranger, 'wave'), []);
});

test('it has a position and no id', async () => {
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

test('the sessions of the user for whom it is not do not get it', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const [hers, his] = [await allKinds(ann), await allKinds(ben)];
  await signal([`conversation:${conversation}`, `user:${ben}`], 'typing:start', { userId: ben }, { except: ben });
  await settle(...hers, ...his);
  for (const client of hers) assert.equal(heard(client, 'typing:start').length, 1, client.label);
  for (const client of his) assert.equal(heard(client, 'typing:start').length, 0, client.label);
});

test('it goes with its transaction, and is not logged', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.plain(ann);
  await database.psql('-c', `BEGIN; SELECT herald.signal('{user:${ann}}', 'wave'); ROLLBACK`);
  await signal([`user:${ann}`], 'nod');
  await settle(client);
  assert.deepEqual([heard(client, 'wave').length, heard(client, 'nod').length], [0, 1]);
  assert.equal(await database.value("SELECT count(*)::int FROM herald.event WHERE name IN ('wave', 'nod', 'end')"), 0);
});

test('who was away does not get it later', async () => {
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

test('what no signal can be is dropped', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.plain(ann);
  for (const text of ['', 'nonsense', '{"rooms":["*"],"event":"forged"}', '{"rooms":"*","event":"forged","payload":{}}']) {
    await database.query("SELECT pg_notify('herald_signal', $1)", [text]);
  }
  await settle(client);
  assert.deepEqual(heard(client, 'forged'), []);
  assert.equal(bridge.log.split('signal_malformed').length - 1, 4);
});

test('of those that wait with the same key a session gets the newest, behind what is logged meanwhile', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const slow = await EngineClient.connect(bridge, scene.token(ann));
  const witness = await scene.plain(ann);
  const room = [`conversation:${conversation}`];
  await signal(room, 'typing:start', { n: 1 }, { key: 'typing:ben' });
  await signal(room, 'viewers', { n: 2 }, { key: 'viewers' });
  await signal(room, 'wave', { n: 3 });
  await scene.message(conversation, ben, 'Hello');
  await witness.waitFor('message:created');
  await signal(room, 'wave', { n: 4 });
  await signal(room, 'typing:stop', { n: 5 }, { key: 'typing:ben' });
  await settle(witness);
  assert.deepEqual(witness.events.flatMap(({ data }) => data.n ?? []), [1, 2, 3, 4, 5]);
  await slow.hear((packet) => packet.includes('"end"'));
  const names = /^42\["(viewers|wave|typing:\w+|message:created)"/;
  assert.deepEqual(slow.heard.flatMap((packet) => names.exec(packet)?.[1] ?? []), ['viewers', 'wave', 'message:created', 'wave', 'typing:stop']);
});

// What a session was given while it was not there to take it, beside signals: each message once, in order.
const messageIds = (client, event = 'message:created') => heard(client, event).map((data) => data.messageId ?? data.id);

test('a session recovers behind a signal that is a bare text, with each logged event once', async () => {
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
    await signal([`user:${ann}`], 'user:online', { userId: ben });
    await until('all hear it', () => clients.every((client) => client.all('user_online').length > round));
    await leave(async () => ids.push(await scene.message(conversation, ben, 'Meanwhile')));
    await until('all are back', () => clients.every((client) => client.connects.length > round + 1));
  }
  ids.push(await scene.message(conversation, ben, 'After'));
  for (const client of clients) {
    await client.waitFor('new_message', ({ id }) => id === ids.at(-1));
    assert.deepEqual(heard(client, 'user_online'), [ben, ben]);
    assert.deepEqual(client.connects, [false, true, true]);
    assert.deepEqual(messageIds(client, 'new_message'), ids);
  }
});

test('the position of a signal is good on another bridge, too', async () => {
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

test('signals in the middle of traffic, while networks break and bridges are killed: each message once, in order', { timeout: 60000 }, async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const clients = [await scene.plain(ann, { resume: true }), await scene.socketIo(ann), await scene.socketIo(ann, polling)];
  const traffic = new Traffic(scene, conversation, ben);
  const chatter = new AbortController();
  const chatting = (async () => {
    while (!chatter.signal.aborted) await signal([`conversation:${conversation}`], 'typing:start', { userId: ben }, { key: 'typing:ben' });
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
    await until('all are back', () => clients.every((client) => (client.welcomes ?? client.connects).length > round));
  }
  const sent = await traffic.stop();
  chatter.abort();
  await chatting;
  await scene.settle(...clients);
  for (const client of clients) assert.deepEqual(messageIds(client), sent, client.label);
});

test('a session that is behind gets everything that is logged, and no signals until it is not', { timeout: 60000 }, async () => {
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
  await until('everything has come', () => back.all('page').length >= 800);
  await until('signals arrive again', async () => {
    await signal([`user:${ann}`], 'nod');
    return back.all('nod').length > 0;
  });
  assert.equal(back.welcomes[0].recovered, true);
  assert.deepEqual(heard(back, 'page').map(({ number }) => number), Array.from({ length: 800 }, (_, n) => n + 1));
  assert.deepEqual([heard(back, 'wave').length, heard(witness, 'wave').length], [0, 1]);
});
