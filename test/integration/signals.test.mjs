// Ephemeral events reach who is there, once, whatever the protocol and the bridge, and never take the place of what is logged.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
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
