// pg_upgrade copies the cluster into a new one. Clients stay connected or come back, and miss nothing. Inbox, rules, undo, actions
// and room policies go on.
//
// Both clusters run the server under test, unless HERALD_OLD_SERVER names the bin folder of an older one with the extension.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';
import { heard, line, recovered, returns } from './audience.mjs';

const scene = await Scene.open({ bin: process.env.HERALD_OLD_SERVER });
after(() => scene.close());
const { database, postgres } = scene;
const [ann, ben, cleo] = await scene.people('Ann', 'Ben', 'Cleo');
const conversation = await scene.conversation(ann, ben);
const post = await scene.post(ann);
const likes = (user) => database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [user, post]);
const say = async (content, times) => {
  for (let i = 0; i < times; i++) await scene.message(conversation, ben, content);
};
const inbox = () => database.query('SELECT * FROM herald.notification ORDER BY id');

await database.query(`
  CREATE FUNCTION may_enter(user_id text, room text) RETURNS boolean LANGUAGE sql AS 'SELECT room = ''lobby:'' || user_id';
  SELECT herald.room_policy('lobby', 'may_enter(text, text)')`);
await likes(ben);
await database.query('SELECT herald.mark_all_read($1)', [ann]);
await likes(cleo);

const present = [await scene.plain(ann, { resume: true }), await scene.socketIo(ann)];
const away = await scene.plain(ann);
await say('before', 5);
await scene.settle(...present, away);
away.close();
await say('while one is away', 5);
const before = { inbox: await inbox(), unread: await database.value('SELECT herald.unread_count($1)', [ann]) };
const version = await database.value('SHOW server_version');
await postgres.upgrade();
await scene.bridge.ready();
await until('the worker serves', () => database.value('SELECT herald.preloaded()'));

test('keeps inbox and read marks', async () => {
  assert.deepEqual(await inbox(), before.inbox);
  assert.equal(await database.value('SELECT herald.unread_count($1)', [ann]), before.unread);
  assert.deepEqual(await database.query("SELECT problem, rule, detail FROM herald.doctor() WHERE severity <> 'info'"), []);
});

test('clients stay connected or come back, and miss nothing', { timeout: 180000 }, async (t) => {
  const back = await scene.plain(ann, { position: away.position });
  await say('after', 5);
  await scene.settle(...present, back);
  const written = (await database.query('SELECT id FROM messages ORDER BY id')).map(({ id }) => id);
  for (const client of present) assert.deepEqual(heard(client), written, client.label);
  assert.deepEqual(heard(back), written.slice(5));
  assert.deepEqual(present.map(returns), [0, 0], 'the connections of clients stay open');
  assert.ok(recovered(back));
  t.diagnostic(line(`pg_upgrade from ${version} to ${await database.value('SHOW server_version')}`, written, present));
});

test('undoes a like from before, and makes new notifications', async () => {
  const [client] = present;
  await database.query('DELETE FROM likes WHERE user_id = $1', [cleo]);
  const liked = before.inbox.find(({ actor_id: actor }) => actor === cleo);
  assert.equal((await client.waitFor('notification:removed')).id, liked.id);
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [cleo, ann]);
  const { id } = await client.waitFor('notification:new', ({ type }) => type === 'follow');
  assert.ok(BigInt(id) > BigInt(before.inbox.at(-1).id));
});

test('runs actions and room policies from before', async () => {
  const [client] = present;
  assert.equal((await client.ask('post:like', { postId: post })).data.liked, true);
  assert.equal(await database.value("SELECT herald.may_join('5', 'lobby:5')"), true);
  assert.equal(await database.value("SELECT herald.may_join('5', 'lobby:6')"), false);
});
