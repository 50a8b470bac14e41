// Without shared_preload_libraries everything works the same; transactions send NOTIFY themselves.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Scene } from './harness/scene.mjs';
import { Traffic } from './harness/traffic.mjs';

const scene = await Scene.open({ preload: false });
after(() => scene.close());
afterEach(() => scene.closeClients());

const { bridge, database, postgres } = scene;

test('reports that it is not preloaded', async () => {
  assert.equal(await database.value('SELECT herald.preloaded()'), false);
});

test('lets nobody wait in the server', async () => {
  assert.equal(await database.value('SELECT herald_internal.reader_id()'), null);
  await assert.rejects(database.query('CALL herald_internal.await_ring(0, NULL)'), { code: '55000' });
});

test('delivers an insert to the clients of two bridges', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const post = await scene.post(ann);
  const second = await scene.addBridge();
  const clients = [...await scene.both(ann), ...await scene.both(ann, { bridge: second })];
  await database.psql('-c', `INSERT INTO likes (user_id, post_id) VALUES (${ben}, ${post})`);
  for (const client of clients) assert.equal((await client.waitFor('notification:new')).title, 'Ben liked your post');
});

test('delivers the rows of a transaction without those that a savepoint rolled back', async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  const clients = await scene.both(ann);
  const follow = (user) => `INSERT INTO follows (follower_id, followee_id) VALUES (${user}, ${ann})`;
  await database.psql('-c', `BEGIN; SAVEPOINT s; ${follow(ben)}; ROLLBACK TO s; ${follow(cat)}; COMMIT`);
  await scene.settle(...clients);
  for (const client of clients) assert.deepEqual(client.all('notification:new').map(({ data }) => data.actorId), [cat]);
});

test('delivers the events of a prepared transaction when it commits', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const clients = await scene.both(ann);
  await database.psql('-c', 'BEGIN', '-c', `INSERT INTO follows (follower_id, followee_id) VALUES (${ben}, ${ann})`, '-c', "PREPARE TRANSACTION 'later'");
  await scene.settle(...clients);
  for (const client of clients) assert.deepEqual(client.all('notification:new'), []);
  await database.psql('-c', "COMMIT PREPARED 'later'");
  for (const client of clients) await client.waitFor('notification:new');
});

test('loses nothing when the server and the bridge are killed', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const client = await scene.plain(ann, { resume: true });
  const traffic = new Traffic(scene, conversation, ben);
  await traffic.flows();
  await postgres.crash();
  await postgres.start();
  await traffic.flows();
  await bridge.kill();
  await traffic.flows();
  await bridge.start();
  await traffic.flows();
  const sent = await traffic.stop();
  await client.waitFor('message:created', ({ messageId }) => messageId === sent.at(-1));
  assert.deepEqual([...new Set(client.all('message:created').map(({ data }) => data.messageId))], sent);
});
