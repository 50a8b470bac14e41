// Actions of clients and their answers, in both protocols.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Scene } from './harness/scene.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;
const follow = (follower, followee) => database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [follower, followee]);

// Defines the same test for a plain client and for socket.io-client.
function inBoth(name, body) {
  test(`${name} (plain)`, () => body('plain'));
  test(`${name} (socket.io)`, () => body('socketIo'));
}

inBoth('answers ping', async (protocol) => {
  const [ann] = await scene.people('Ann');
  assert.equal((await (await scene[protocol](ann)).ask('ping')).ok, true);
});

inBoth('inbox:list pages through the inbox, newest first', async (protocol) => {
  const [ann, ...others] = await scene.people('Ann', 'Ben', 'Cat', 'Dan');
  for (const other of others) await follow(other, ann);
  const client = await scene[protocol](ann);
  const first = (await client.ask('inbox:list', { max: 2 })).data;
  assert.deepEqual(first.notifications.map(({ actorId }) => actorId), [others[2], others[1]]);
  assert.equal(first.unread, 3);
  const second = (await client.ask('inbox:list', { before: first.notifications[1].id })).data;
  assert.deepEqual(second.notifications.map(({ actorId }) => actorId), [others[0]]);
  await client.ask('notification:read', { ids: [first.notifications[0].id] });
  const unread = (await client.ask('inbox:list', { onlyUnread: true })).data;
  assert.deepEqual(unread.notifications.map(({ actorId }) => actorId), [others[1], others[0]]);
});

inBoth('lists the same object in the inbox as was delivered', async (protocol) => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const client = await scene[protocol](ann);
  await follow(ben, ann);
  const delivered = await client.waitFor('notification:new');
  assert.deepEqual((await client.ask('inbox:list')).data.notifications, [delivered]);
});

inBoth('notification:read tells every session of the user and corrects the badge', async (protocol) => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  await follow(ben, ann);
  await follow(cat, ann);
  const client = await scene[protocol](ann);
  const others = await scene.both(ann);
  const { notifications } = (await client.ask('inbox:list')).data;

  assert.deepEqual(await client.ask('notification:read', { id: notifications[0].id }).then(({ ok, data }) => [ok, data.unread]), [true, 1]);
  for (const other of others) {
    assert.deepEqual((await other.waitFor('notification:read')).ids, [notifications[0].id]);
    await other.waitFor('notification:unread', ({ count }) => count === 1);
  }
  assert.equal((await client.ask('notification:read', { all: true })).data.unread, 0);
  for (const other of others) {
    await other.waitFor('notification:read', ({ all }) => all === true);
    await other.waitFor('notification:unread', ({ count }) => count === 0);
  }
});

inBoth('ignores notification:read for notifications of others', async (protocol) => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  await follow(ben, ann);
  const [{ id }] = await database.query('SELECT id FROM herald.notification WHERE recipient_id = $1', [ann]);
  await (await scene[protocol](ben)).ask('notification:read', { ids: [id] });
  assert.equal(await database.value('SELECT herald.unread_count($1)', [ann]), '1');
});

inBoth('room:join admits and refuses, room:leave ends it', async (protocol) => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const post = await scene.post(ann);
  const client = await scene[protocol](ben);
  assert.equal((await client.ask('room:join', { room: `post:${post}` })).ok, true);
  for (const room of [`user:${ann}`, 'post:999999', 'nonsense', 'secret:1', '*', '']) {
    const answer = await client.ask('room:join', { room });
    assert.equal(answer.ok, false, room);
    assert.ok(answer.error.code && answer.error.message, room);
  }
  await database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [ann, post]);
  await client.waitFor('post:liked');
  assert.equal((await client.ask('room:leave', { room: `post:${post}` })).ok, true);
  await database.query('DELETE FROM likes WHERE post_id = $1', [post]);
  await scene.settle(client);
  assert.deepEqual(client.all('post:unliked'), []);
});

inBoth('asks the policy function about rooms of the application', async (protocol) => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  await database.query(`CREATE OR REPLACE FUNCTION public.may_enter(user_id text, room text) RETURNS boolean LANGUAGE sql AS $$
                          SELECT room = 'lobby:' || user_id $$`);
  await database.query("SELECT herald.room_policy('lobby', 'public.may_enter(text, text)')");
  const client = await scene[protocol](ann);
  assert.equal((await client.ask('room:join', { room: `lobby:${ben}` })).ok, false);
  assert.equal((await client.ask('room:join', { room: `lobby:${ann}` })).ok, true);
  await database.query('SELECT herald.publish($1, $2, $3)', [`lobby:${ann}`, 'door:opened', { by: ben }]);
  assert.deepEqual(await client.waitFor('door:opened'), { by: ben });
});

inBoth('message:send writes a message and answers with the delivered object', async (protocol) => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const [client, other] = [await scene[protocol](ann), await scene.plain(ben)];
  const { ok, data } = await client.ask('message:send', { conversationId: conversation, content: 'Grüße, 世界 👋' });
  assert.equal(ok, true);
  assert.deepEqual([data.senderId, data.conversationId, data.content], [ann, conversation, 'Grüße, 世界 👋']);
  for (const session of [client, other]) assert.deepEqual(await session.waitFor('message:created'), data);
});

inBoth('message:send refuses former members, and ids of another sender', async (protocol) => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const client = await scene[protocol](ben);
  const forged = await client.ask('message:send', { conversationId: conversation, content: 'I resign', senderId: ann });
  assert.deepEqual(forged.error, { code: '22023', message: '"senderId" cannot be sent with a message' });
  await database.query('UPDATE conversation_members SET left_at = now() WHERE user_id = $1', [ben]);
  const late = await client.ask('message:send', { conversationId: conversation, content: 'One more thing' });
  assert.deepEqual(late.error, { code: '42501', message: `user "${ben}" is not in conversation "${conversation}"` });
  assert.equal(await database.value('SELECT count(*) FROM messages WHERE conversation_id = $1', [conversation]), '0');
});

inBoth('runs an exposed function that writes, and answers with its result', async (protocol) => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  await follow(ben, ann);
  const [client, other] = [await scene[protocol](ann), await scene.plain(ben)];
  const answer = await client.ask('post:create', { content: 'Grüße, 世界 👋' });
  assert.equal(answer.ok, true);
  const post = await other.waitFor('post:created');
  assert.deepEqual([post.postId, post.authorId, post.post.content], [answer.data.postId, ann, 'Grüße, 世界 👋']);
});

inBoth('answers with SQLSTATE and message of an error in an exposed function', async (protocol) => {
  const [ann, ben, eve] = await scene.people('Ann', 'Ben', 'Eve');
  const conversation = await scene.conversation(ann, ben);
  const client = await scene[protocol](eve);
  const answer = await client.ask('message:list', { conversationId: conversation });
  assert.equal(answer.ok, false);
  assert.deepEqual(answer.error, { code: '42501', message: 'you are not in this conversation' });
  assert.equal((await client.ask('ping')).ok, true, 'the session goes on');
});

inBoth('runs an exposed function as its role, for the user of the token', async (protocol) => {
  const [ann] = await scene.people('Ann');
  await database.query(`CREATE OR REPLACE FUNCTION api.who_am_i(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$
                          SELECT jsonb_build_object('user', user_id, 'role', current_user, 'current', herald.current_user_id(),
                                                    'claim', current_setting('request.jwt.claims')::jsonb ->> 'sub') $$`);
  await database.query("SELECT herald.expose('who:am-i', 'api.who_am_i(text, jsonb)', 'social_app')");
  await database.query('GRANT USAGE ON SCHEMA herald TO social_app');
  await database.query('GRANT EXECUTE ON FUNCTION herald.current_user_id() TO social_app');
  const { data } = await (await scene[protocol](ann)).ask('who:am-i');
  assert.deepEqual(data, { user: ann, role: 'social_app', current: ann, claim: ann });
});

inBoth('refuses an unknown action', async (protocol) => {
  const [ann] = await scene.people('Ann');
  const answer = await (await scene[protocol](ann)).ask('no:such-thing', { a: 1 });
  assert.equal(answer.ok, false);
  assert.match(answer.error.message, /no:such-thing|unknown/i);
});

inBoth('answers fifty actions at once', async (protocol) => {
  const [ann] = await scene.people('Ann');
  const client = await scene[protocol](ann);
  const answers = await Promise.all(Array.from({ length: 50 }, () => client.ask('ping')));
  assert.ok(answers.every(({ ok }) => ok));
});

test('runs socket.io actions without ack as well', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  await follow(ben, ann);
  const client = await scene.socketIo(ann);
  client.socket.emit('notification:read', { all: true });
  await client.waitFor('notification:unread', ({ count }) => count === 0);
});

inBoth('runs the actions of one client in order, even when it waits for no answer', async (protocol) => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const client = await scene[protocol](ann);
  const words = Array.from({ length: 40 }, (_, n) => `word ${n}`);
  await Promise.all(words.map((content) => client.ask('message:send', { conversationId: conversation, content })));
  const rows = await database.query('SELECT content FROM messages WHERE conversation_id = $1 ORDER BY id', [conversation]);
  assert.deepEqual(rows.map(({ content }) => content), words);
});

inBoth('applies room:join and room:leave in order when they are sent at once', async (protocol) => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const [kept, left] = [await scene.post(ben), await scene.post(ben)];
  const client = await scene[protocol](ann);
  const ask = (action, post) => client.ask(action, { room: `post:${post}` });
  await Promise.all([ask('room:join', kept), ask('room:leave', kept), ask('room:join', kept), ask('room:join', left), ask('room:leave', left)]);
  for (const post of [left, kept]) await database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [ben, post]);
  await client.waitFor('post:liked', ({ postId }) => postId === kept);
  assert.equal(client.all('post:liked').length, 1);
});

test('the demo lists people page by page, and the user itself', async () => {
  const [zoe] = await scene.people('Zoe');
  await scene.database.query("INSERT INTO users (username, display_name) SELECT 'crowd' || n, 'Crowd' FROM generate_series(1, 120) AS n");
  const client = await scene.plain(zoe);
  const seen = [];
  let pages = 0;
  for (let after; pages === 0 || after; pages++) {
    const { people, me, next } = (await client.ask('people:list', after ? { after } : {})).data;
    assert.ok(people.length <= 50);
    assert.equal(me.userId, String(zoe));
    seen.push(...people.map(({ userId }) => userId));
    after = next;
  }
  assert.deepEqual(seen, (await scene.database.query('SELECT id::text FROM users ORDER BY users.id')).map(({ id }) => id));
  assert.ok(pages >= 3);
});
