// pg_upgrade copies the cluster into a new one. Clients stay connected or come back, and miss nothing. Inbox, rules, undo, actions
// and room policies go on, and saved SQL follows the schema.
//
// The old cluster runs each older server that is installed with its headers, and the server under test itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { olderServers, serverBin, serverVersion } from '../integration/harness/postgres.mjs';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';
import { heard, line, recovered, returns } from './audience.mjs';

const version = serverVersion(serverBin());
const older = olderServers();

if (older.length === 0) test('from an older server', { skip: `no PostgreSQL older than ${version} is installed with its headers` }, () => {});
for (const { version: from, install } of older) test(`from PostgreSQL ${from}`, { timeout: 480000 }, (t) => upgrade(t, install()));
test(`from PostgreSQL ${version}`, { timeout: 300000 }, (t) => upgrade(t, serverBin()));

async function upgrade(t, bin) {
  const scene = await Scene.open({ bin });
  t.after(() => scene.close());
  const { database, postgres } = scene;
  const [ann, ben, cleo] = await scene.people('Ann', 'Ben', 'Cleo');
  const conversation = await scene.conversation(ann, ben);
  const post = await scene.post(ann);
  const likes = (user) => database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [user, post]);
  const say = async (content, times) => {
    for (let i = 0; i < times; i++) await scene.message(conversation, ben, content);
  };
  const inbox = () => database.query('SELECT * FROM herald.notification ORDER BY id');
  const problems = () => database.query("SELECT problem, rule, detail FROM herald.doctor() WHERE severity <> 'info'");

  await database.query(`
    CREATE FUNCTION may_enter(user_id text, room text) RETURNS boolean LANGUAGE sql AS $$SELECT room = 'lobby:' || user_id$$;
    SELECT herald.room_policy('lobby', 'may_enter(text, text)')`);
  // pg_upgrade gives functions and types other OIDs.
  await database.query(`
    CREATE TYPE grade AS ENUM ('poor', 'good');
    CREATE FUNCTION is_told(grade) RETURNS boolean LANGUAGE sql AS $$SELECT $1 = 'good'$$;
    CREATE TABLE review (id int PRIMARY KEY, author bigint, grade grade);
    SELECT herald.watch('review', 'review', recipient => 'new.author', title => 'Graded {grade}',
                        condition => $$is_told(new.grade) AND new.grade > 'poor'::grade$$)`);
  const reviews = () => database.value("SELECT count(*)::int FROM herald.notification WHERE type = 'review' AND title = 'Graded good'");
  await database.query("INSERT INTO review VALUES (1, $1, 'good'), (2, $1, 'poor')", [ann]);
  await likes(ben);
  await database.query('SELECT herald.mark_all_read($1)', [ann]);
  await likes(cleo);

  const present = [await scene.plain(ann, { resume: true }), await scene.socketIo(ann)];
  const [client] = present;
  const away = await scene.plain(ann);
  await say('before', 5);
  await scene.settle(...present, away);
  away.close();
  await say('while one is away', 5);
  const before = { inbox: await inbox(), unread: await database.value('SELECT herald.unread_count($1)', [ann]) };
  const old = await database.value('SHOW server_version');
  await postgres.upgrade();
  await scene.bridge.ready();
  await until('the worker serves', () => database.value('SELECT herald.preloaded()'));

  await t.test('keeps inbox and read marks', async () => {
    assert.deepEqual(await inbox(), before.inbox);
    assert.equal(await database.value('SELECT herald.unread_count($1)', [ann]), before.unread);
    assert.deepEqual(await problems(), []);
  });

  await t.test('clients stay connected or come back, and miss nothing', async () => {
    const back = await scene.plain(ann, { position: away.position });
    await say('after', 5);
    await scene.settle(...present, back);
    const written = (await database.query('SELECT id FROM messages ORDER BY id')).map(({ id }) => id);
    for (const one of present) assert.deepEqual(heard(one), written, one.label);
    assert.deepEqual(heard(back), written.slice(5));
    assert.deepEqual(present.map(returns), [0, 0], 'the connections of clients stay open');
    assert.ok(recovered(back));
    t.diagnostic(line(`pg_upgrade from ${old} to ${await database.value('SHOW server_version')}`, written, present));
  });

  await t.test('undoes a like from before, and makes new notifications', async () => {
    await database.query('DELETE FROM likes WHERE user_id = $1', [cleo]);
    const liked = before.inbox.find(({ actor_id: actor }) => actor === cleo);
    assert.equal((await client.waitFor('notification:removed')).id, liked.id);
    await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [cleo, ann]);
    const { id } = await client.waitFor('notification:new', ({ type }) => type === 'follow');
    assert.ok(BigInt(id) > BigInt(before.inbox.at(-1).id));
  });

  await t.test('runs actions and room policies from before', async () => {
    assert.equal((await client.ask('post:like', { postId: post })).data.liked, true);
    assert.equal(await database.value("SELECT herald.may_join('5', 'lobby:5')"), true);
    assert.equal(await database.value("SELECT herald.may_join('5', 'lobby:6')"), false);
  });

  await t.test('rules follow the functions, types and columns that they named before', async () => {
    await database.query("INSERT INTO review VALUES (3, $1, 'good'), (4, $1, 'poor')", [ann]);
    assert.equal(await reviews(), 2);
    await database.query('SELECT herald.maintain()');
    await database.query(`
      ALTER FUNCTION is_told(grade) RENAME TO is_worth_telling;
      ALTER TYPE grade RENAME TO mark;
      ALTER TABLE review RENAME COLUMN author TO writer;
      ALTER TABLE review RENAME TO judgement`);
    assert.deepEqual(await problems(), []);
    await database.query("INSERT INTO judgement VALUES (5, $1, 'good'), (6, $1, 'poor')", [ann]);
    assert.equal(await reviews(), 3);
  });
}
