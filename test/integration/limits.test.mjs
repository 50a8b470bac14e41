// Limits: no client takes what others need.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Scene } from './harness/scene.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;

before(() => database.query(`
  CREATE FUNCTION api.rest(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT to_jsonb(pg_sleep((payload ->> 'seconds')::float8) IS NULL) $$;
  SELECT herald.expose('rest', 'api.rest(text, jsonb)', 'social_app')`));

const clientsOf = (user, count) => Promise.all(Array.from({ length: count }, () => scene.plain(user)));

test('one user with many outstanding actions delays nobody else', async () => {
  const [greedy, modest] = await scene.people('Greedy', 'Modest');
  const clients = await clientsOf(greedy, 5);
  const other = await scene.plain(modest);
  let answered = 0;
  const asked = clients.flatMap((client) => Array.from({ length: 20 }, () => client.ask('rest', { seconds: 0.05 }).then((answer) => {
    assert.equal(answer.ok, true);
    answered++;
  })));

  assert.equal((await other.ask('inbox:list')).ok, true);
  assert.ok(answered <= 20, `${answered} of 100 actions of the other user were done first`);
  await Promise.all(asked);
});

test('runs one action of a user at a time, in their order', async () => {
  const [ann] = await scene.people('Ann');
  const clients = await clientsOf(ann, 2);
  const order = [];
  await Promise.all(clients.flatMap((client, i) => [0.1, 0.01, 0].map((seconds) =>
    client.ask('rest', { seconds }).then(() => order.push(`${i}:${seconds}`)))));
  for (const i of [0, 1]) assert.deepEqual(order.filter((entry) => entry.startsWith(`${i}:`)), [0.1, 0.01, 0].map((seconds) => `${i}:${seconds}`));
});

test('answers busy when too many actions of a session, or of a user, are outstanding', async () => {
  const bridge = await scene.addBridge(['--max-session-actions=3', '--max-user-actions=5']);
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const clients = await Promise.all([scene.plain(ann, { bridge }), scene.plain(ann, { bridge })]);
  const other = await scene.plain(ben, { bridge });
  const codes = async (client, count) => (await Promise.all(Array.from({ length: count }, () => client.ask('rest', { seconds: 0.3 }))))
    .map(({ error }) => error?.code ?? 'ok').sort();
  const first = codes(clients[0], 4);
  const second = codes(clients[1], 4);
  const third = codes(other, 3);

  assert.deepEqual(await first, ['busy', 'ok', 'ok', 'ok']);
  assert.deepEqual(await second, ['busy', 'busy', 'ok', 'ok']);
  assert.deepEqual(await third, ['ok', 'ok', 'ok']);
  assert.deepEqual(await codes(clients[0], 1), ['ok']);
});
