// Front ends that were written for a hand-made gateway run unchanged: one for each dialect, written as its users write it.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, test } from 'node:test';
import { io } from 'socket.io-client';
import { runBridge } from './harness/bridge.mjs';
import { root } from './harness/postgres.mjs';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open({ options: ['--dialect=snake', '--dialect=kebab', '--dialect=namespaces', '--dialect=canonical', '--presence-grace=300ms'] });
const sockets = [];
after(() => scene.close());
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  scene.closeClients();
});

const { database } = scene;

// Parts that such applications have in addition: media, direct messages, and functions for events that front ends emit.
await database.query(`
  ALTER TABLE posts ADD COLUMN caption text, ADD COLUMN media_type text;
  ALTER TABLE messages ADD COLUMN media_url text;
  SELECT herald.watch_posts('posts'), herald.watch_messages('messages');
  CREATE TABLE direct_messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sender_id bigint NOT NULL REFERENCES users,
    receiver_id bigint NOT NULL REFERENCES users, content text NOT NULL);
  SELECT herald.watch_messages('direct_messages');

  CREATE FUNCTION api.notify(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('id', herald.notify(payload ->> 'userId', payload ->> 'type', payload ->> 'title', payload ->> 'content',
                                                  '{"url": "/gifts"}', user_id)) $$;
  SELECT herald.expose('notification:send', 'api.notify(text, jsonb)')`);

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/;
const isTime = (text) => assert.match(text, time);

// Connects as a front end does, with default options. The URL names the dialect, because this bridge serves several.
async function connect(dialect, userId, namespace = '/', bridge = scene.bridge) {
  const socket = io(`${bridge.url}${namespace}?dialect=${dialect}`, {
    auth: { token: scene.token(userId) }, forceNew: true, reconnectionDelay: 20,
  });
  sockets.push(socket);
  socket.received = [];
  socket.onAny((event, ...data) => socket.received.push([event, ...data]));
  await until(`${dialect} connects`, () => socket.connected);
  return socket;
}

// Breaks the transport as a lost network does. During the upgrade the client would first go on receiving, and ask for the same again.
async function cut(socket) {
  await until('the transport is a WebSocket', () => socket.io.engine.transport.name === 'websocket');
  socket.io.engine.close();
}

// Waits for the first event with this name and matching arguments. Returns its arguments without the position.
async function heard(socket, event, match = () => true) {
  const is = ([name, ...data]) => name === event && match(...data);
  const failure = () => `${event}; there is ${JSON.stringify(socket.received)}`;
  await until(event, () => socket.received.some(is)).catch(() => assert.fail(failure()));
  return socket.received.find(is).slice(1, -1);
}

// Waits for an event that is not from the log, and so has no position. Returns its argument.
const unlogged = (socket, name) => until(name, () => socket.received.find(([event]) => event === name)?.[1]);

// Emits an event and returns all arguments of its ack.
const emit = (socket, ...words) => new Promise((resolve) => socket.emit(...words, (...data) => resolve(data)));
const follow = (follower, followee) => database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [follower, followee]);
const like = (user, post) => database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [user, post]);
const comment = (user, post, text) => database.value('INSERT INTO comments (user_id, post_id, content) VALUES ($1, $2, $3) RETURNING id', [user, post, text]);

test('canonical: uses the names, payloads and actions of docs/sql.md', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const post = await scene.post(ann);
  const socket = await connect('canonical', ann);
  let unread = 0;
  socket.on('notification:unread', ({ count }) => { unread = count; });
  await like(ben, post);
  const [notification] = await heard(socket, 'notification:new');
  assert.deepEqual([notification.type, notification.actorId, notification.subjectId], ['like', ben, post]);
  await until('the badge shows 1', () => unread === 1);
  assert.deepEqual(await socket.emitWithAck('room:join', { room: `post:${post}` }), { ok: true, data: {} });
  await comment(ben, post, 'Nice');
  assert.equal((await heard(socket, 'comment:created'))[0].content, 'Nice');
  assert.equal((await socket.emitWithAck('notification:read', { all: true })).data.unread, 0);
  await until('the badge shows 0', () => unread === 0);
});

test('namespaces: serves notifications and chat, each in its namespace', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  await scene.settle(await scene.plain(ann));
  const notifications = await connect('namespaces', ann, '/notifications');
  const [hers, his] = [await connect('namespaces', ann, '/chat'), await connect('namespaces', ben, '/chat')];
  assert.deepEqual(await heard(notifications, 'unreadCount'), [0]);

  his.emit('typing', { conversationId: conversation });
  assert.deepEqual(await heard(hers, 'typing'), [{ conversationId: conversation, userId: ben }]);
  his.emit('stopTyping', { conversationId: conversation });
  assert.deepEqual(await heard(hers, 'stopTyping'), [{ conversationId: conversation, userId: ben }]);
  his.emit('message', { conversationId: conversation, content: 'Look', mediaUrl: '/pear.jpg' });
  for (const socket of [hers, his]) {
    const [message] = await heard(socket, 'message');
    const { id, createdAt, ...rest } = message;
    assert.deepEqual(rest, { conversationId: conversation, senderId: ben, senderName: 'Ben', content: 'Look', mediaUrl: '/pear.jpg' });
    assert.match(id, /^\d+$/);
    isTime(createdAt);
  }
  const [notification] = await heard(notifications, 'notification');
  assert.deepEqual([notification.type, notification.content], ['MESSAGE', 'Look']);
  await heard(notifications, 'unreadCount', (count) => count === 1);
  notifications.emit('markAsRead', notification.id);
  await heard(notifications, 'unreadCount', (count) => count === 0 && notifications.received.length > 3);

  assert.deepEqual(await heard(hers, 'online'), [{ userId: ben, conversationId: conversation }]);
  his.disconnect();
  assert.deepEqual(await heard(hers, 'offline'), [{ userId: ben }]);
});

test('namespaces: sends typing to a receiver, and refuses it for a conversation of others', async () => {
  const [ann, ben, eve] = await scene.people('Ann', 'Ben', 'Eve');
  const conversation = await scene.conversation(ann, ben);
  const [hers, his] = [await connect('namespaces', ann, '/chat'), await connect('namespaces', eve, '/chat')];
  his.emit('typing', { conversationId: conversation });
  assert.equal((await unlogged(his, 'error')).code, '42501');
  his.emit('typing', { receiverId: ann });
  assert.deepEqual(await heard(hers, 'typing'), [{ userId: eve }]);
  his.emit('stopTyping', { receiverId: ann });
  assert.deepEqual(await heard(hers, 'stopTyping'), [{ userId: eve }]);
});

test('namespaces: reports a failed action by the event error', async () => {
  const [ann, ben, eve] = await scene.people('Ann', 'Ben', 'Eve');
  const conversation = await scene.conversation(ann, ben);
  const chat = await connect('namespaces', eve, '/chat');
  chat.emit('message', { conversationId: conversation, content: 'Let me in' });
  assert.deepEqual(await unlogged(chat, 'error'), { code: '42501', message: `user "${eve}" is not in conversation "${conversation}"` });
  const answer = await chat.emitWithAck('message', { conversationId: conversation, content: 'Let me in' });
  assert.equal(answer.ok, false);
  await until('a second error', () => chat.received.filter(([event]) => event === 'error').length === 2);
});

test('namespaces: markAsRead takes an id, or an object with one', async () => {
  const [ann, ben, cat, dan] = await scene.people('Ann', 'Ben', 'Cat', 'Dan');
  for (const other of [ben, cat, dan]) await follow(other, ann);
  const ids = (await database.query('SELECT id FROM herald.inbox($1)', [ann])).map(({ id }) => id);
  const socket = await connect('namespaces', ann, '/notifications');
  for (const [n, argument] of [ids[0], { id: ids[1] }, { notificationId: Number(ids[2]) }].entries()) {
    assert.deepEqual(await socket.emitWithAck('markAsRead', argument), { ok: true, data: { unread: 2 - n } });
  }
});

test('snake: lets users join their own room, and keeps the shape of notifications and the id that marks them', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const [socket, phone] = [await connect('snake', ann), await connect('snake', ann)];
  socket.emit('join', ann);
  assert.equal((await socket.emitWithAck('join', Number(ann))).ok, true);
  assert.equal((await socket.emitWithAck('join', ben)).ok, false, 'refuses the room of another user');
  const sender = await connect('snake', ben);
  sender.emit('send_notification', { userId: ann, type: 'gift', title: 'A gift', content: 'Three pears' });

  const [notification] = await heard(socket, 'new_notification');
  const { id, createdAt, ...rest } = notification;
  assert.deepEqual(rest, { userId: ann, type: 'gift', title: 'A gift', content: 'Three pears', metadata: { url: '/gifts' }, read: false });
  assert.match(id, /^\d+$/);
  isTime(createdAt);
  assert.deepEqual(Object.keys(notification), ['id', 'userId', 'type', 'title', 'content', 'metadata', 'read', 'createdAt']);
  phone.emit('mark_notification_read', id);
  for (const tab of [socket, phone]) assert.deepEqual(await heard(tab, 'notification_marked_read'), [id]);
});

test('snake: keeps the name notification:read for several notifications and for all', async () => {
  const [ann, ben, cat, dan] = await scene.people('Ann', 'Ben', 'Cat', 'Dan');
  for (const other of [ben, cat]) await follow(other, ann);
  const ids = (await database.query('SELECT id FROM herald.inbox($1)', [ann])).map(({ id }) => id);
  const socket = await connect('snake', ann);
  await database.query('SELECT herald.mark_read($1, $2)', [ann, ids]);
  await heard(socket, 'notification:read', (data) => data.ids?.length === 2);
  await follow(dan, ann);
  await database.query('SELECT herald.mark_all_read($1)', [ann]);
  await heard(socket, 'notification:read', (data) => data.all === true);
  assert.ok(!socket.received.some(([event]) => event === 'notification_marked_read'));
});

test('snake: serves direct messages, typing and presence between two users', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const [hers, his] = [await connect('snake', ann), await connect('snake', ben)];
  his.emit('typing', { receiverId: ann });
  assert.deepEqual(await heard(hers, 'user_typing'), [{ userId: ben }]);
  his.emit('stop_typing', { receiverId: ann });
  assert.deepEqual(await heard(hers, 'user_stop_typing'), [{ userId: ben }]);
  const conversation = await scene.conversation(ann, ben);
  await heard(hers, 'conversation:joined');
  his.emit('typing', { conversationId: conversation });
  await heard(hers, 'user_typing', () => hers.received.filter(([event]) => event === 'user_typing').length === 2);
  const { ok, data } = await his.emitWithAck('send_message', { receiverId: ann, content: 'Hello' });
  assert.deepEqual([ok, data.senderId, data.receiverId], [true, ben, ann]);
  for (const socket of [hers, his]) {
    const [{ id, createdAt, ...rest }] = await heard(socket, 'new_message');
    assert.deepEqual(rest, { senderId: ben, senderName: 'Ben', receiverId: ann, conversationId: null, content: 'Hello' });
    isTime(createdAt);
  }
  his.disconnect();
  assert.deepEqual(await heard(hers, 'user_offline'), [ben]);
  await connect('snake', ben);
  assert.deepEqual(await heard(hers, 'user_online'), [ben]);
});

test('snake: delivers posts of followed users, and comments of a post from join to leave', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  await follow(ben, ann);
  const socket = await connect('snake', ben);
  const post = await scene.post(ann, 'News');
  const [{ createdAt, ...news }] = await heard(socket, 'new_post');
  assert.deepEqual(news, { id: post, userId: ann, username: 'Ann', content: 'News' });
  isTime(createdAt);
  assert.equal((await socket.emitWithAck('join_post', post)).ok, true);
  const id = await comment(ann, post, 'First');
  const [{ createdAt: at, ...first }] = await heard(socket, 'new_comment');
  assert.deepEqual(first, { id, postId: post, userId: ann, username: 'Ann', content: 'First' });
  isTime(at);
  assert.equal((await socket.emitWithAck('leave_post', post)).ok, true);
  await comment(ann, post, 'Second');
  await database.query("SELECT herald.publish($1, 'end', '{}')", [`user:${ben}`]);
  await heard(socket, 'end');
  assert.equal(socket.received.filter(([event]) => event === 'new_comment').length, 1);
});

test('kebab: delivers posts of followed users and likes for all to a feed that joins no room', async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  await follow(cat, ann);
  await database.query(`
    SELECT herald.watch('likes', 'public_' || operation, ARRAY[operation], room => '*', event => event,
      joins => 'JOIN public.users AS liker ON liker.id = changed.user_id',
      payload => format($$jsonb_build_object('postId', changed.post_id::text, 'userId', liker.id::text, 'username', liker.display_name, 'liked', %s,
        'totalLikes', (SELECT count(*) FROM public.likes AS l WHERE l.post_id = changed.post_id), 'timestamp', now())$$, liked))
    FROM (VALUES ('insert', 'post:liked', 'true'), ('delete', 'post:unliked', 'false')) AS v (operation, event, liked)`);
  const socket = await connect('kebab', cat);
  assert.equal((await socket.emitWithAck('user-online', cat)).ok, true);
  assert.equal((await socket.emitWithAck('user-online', ann)).ok, false, 'refuses to go online as another user');

  const post = await database.value("INSERT INTO posts (user_id, content, caption, media_type) VALUES ($1, 'c', 'Sunset', 'image') RETURNING id", [ann]);
  const [{ timestamp, ...created }] = await heard(socket, 'new-post');
  assert.deepEqual(created, { postId: post, caption: 'Sunset', createdBy: ann, createdByUsername: 'Ann', mediaType: 'image' });
  isTime(timestamp);

  await like(ben, post);
  const [liked] = await heard(socket, 'post-liked');
  const { timestamp: at, ...rest } = liked;
  assert.deepEqual(rest, { postId: post, likedBy: ben, likedByUsername: 'Ben', totalLikes: 1, liked: true });
  isTime(at);
  await database.query('DELETE FROM likes WHERE post_id = $1', [post]);
  assert.deepEqual((await heard(socket, 'post-liked', (data) => !data.liked))[0].totalLikes, 0);
  await database.query("SELECT herald.unwatch('likes'), herald.watch_likes('likes')");
});

test('kebab: shows posts, likes, comments and follows of all users to all, by watch calls alone', async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  const calls = (audience) => ['posts', 'likes', 'comments', 'follows'].map((table) => `herald.watch_${table}('${table}'${audience})`).join(', ');
  await database.query(`SELECT ${calls(", audience => 'everyone'")}`);
  try {
    const owner = await connect('kebab', ann);
    const stranger = await connect('kebab', cat);
    const post = await database.value("INSERT INTO posts (user_id, content, caption) VALUES ($1, 'c', 'Sea') RETURNING id", [ann]);
    await like(ben, post);
    await comment(ben, post, 'Nice');
    await follow(ben, ann);
    for (const socket of [owner, stranger]) {
      assert.equal((await heard(socket, 'new-post'))[0].caption, 'Sea');
      assert.equal((await heard(socket, 'post-liked'))[0].totalLikes, 1);
      assert.equal((await heard(socket, 'comment-added'))[0].totalComments, 1);
      assert.equal((await heard(socket, 'user-followed'))[0].totalFollowers, 1);
      const [updates] = await heard(socket, 'batch-updates', (data) => data.some((entry) => entry.likes === 1));
      assert.equal(updates.find((entry) => entry.likes === 1).postId, post);
    }
    await database.query("SELECT herald.publish($1, 'end', '{}')", [`user:${ann}`]);
    await heard(owner, 'end');
    for (const name of ['new-post', 'post-liked', 'comment-added', 'user-followed']) {
      assert.equal(owner.received.filter(([event]) => event === name).length, 1, `the owner gets one ${name}`);
    }
  } finally {
    await database.query(`SELECT ${calls('')}`);
  }
});

test('kebab: serves comments, followers and presence', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const post = await scene.post(ann);
  const socket = await connect('kebab', ann);
  await socket.emitWithAck('room:join', { room: `post:${post}` });
  await comment(ben, post, 'Where is that?');
  const [{ timestamp, ...added }] = await heard(socket, 'comment-added');
  assert.deepEqual(added, { postId: post, commentedBy: ben, commentedByUsername: 'Ben', commentText: 'Where is that?', totalComments: 1 });
  isTime(timestamp);
  await follow(ben, ann);
  const [{ timestamp: at, ...followed }] = await heard(socket, 'user-followed');
  assert.deepEqual(followed, { userId: ann, username: 'Ann', followedBy: ben, followedByUsername: 'Ben', totalFollowers: 1 });
  isTime(at);
  await follow(ann, ben);
  await heard(socket, 'user-followed', ({ followedBy }) => followedBy === ann);
  const his = await connect('kebab', ben);
  assert.deepEqual(await heard(socket, 'user-status'), [{ userId: ben, status: 'online' }]);
  his.disconnect();
  const [{ lastSeen, ...status }] = await heard(socket, 'user-status', (data) => data.status === 'offline');
  assert.deepEqual(status, { userId: ben, status: 'offline' });
  isTime(lastSeen);
});

test('kebab: sends the newest counts of a burst of likes and comments once a second, in batches', async () => {
  const [ann, ben, ...crowd] = await scene.people('Ann', 'Ben', ...Array(15).fill('Fan'));
  const [first, second] = [await scene.post(ann), await scene.post(ann)];
  const socket = await connect('kebab', ann);
  const canonical = await connect('canonical', ann);
  for (const post of [first, second]) await socket.emitWithAck('room:join', { room: `post:${post}` });
  await canonical.emitWithAck('room:join', { room: `post:${first}` });
  const begun = Date.now();
  for (const fan of crowd) await like(fan, first);
  await database.query('DELETE FROM likes WHERE user_id = $1', [crowd[0]]);
  for (const text of ['One', 'Two', 'Three']) await comment(ben, first, text);
  await like(ben, second);

  const batches = (post) => socket.received.filter(([event, data]) => event === 'batch-updates' && data[0].postId === post);
  await until('the newest counts have arrived', () => {
    const counts = Object.assign({}, ...batches(first).map(([, updates]) => updates[0]));
    return counts.likes === 14 && counts.comments === 3;
  });
  await heard(socket, 'batch-updates', (updates) => updates[0].likes === 1);
  assert.deepEqual(batches(second).map(([, data]) => data), [[{ postId: second, likes: 1 }]]);
  assert.ok(batches(first).length <= 1 + (Date.now() - begun) / 1000, `${batches(first).length} batches`);
  assert.equal(socket.received.filter(([event, data]) => event === 'post-liked' && data.postId === first).length, 16);
  assert.ok(!canonical.received.some(([event]) => event === 'batch-updates'));
});

test('kebab: a batch does not change the offset: recovery behind it neither loses nor repeats events', async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  const post = await scene.post(ann);
  const socket = await connect('kebab', ann);
  await socket.emitWithAck('room:join', { room: `post:${post}` });
  await like(ben, post);
  await follow(ben, ann);
  await heard(socket, 'batch-updates');
  assert.equal(socket.received.at(-1)[0], 'batch-updates');
  const back = new Promise((resolve) => socket.once('connect', resolve));
  await cut(socket);
  await like(cat, post);
  await back;
  assert.equal(socket.recovered, true);
  await heard(socket, 'post-liked', ({ likedBy }) => likedBy === cat);
  await follow(cat, ann);
  await heard(socket, 'user-followed', ({ followedBy }) => followedBy === cat);
  const events = socket.received.filter(([event]) => /^(post-liked|user-followed)$/.test(event)).map(([event, data]) => [event, data.likedBy ?? data.followedBy]);
  assert.deepEqual(events, [['post-liked', ben], ['user-followed', ben], ['post-liked', cat], ['user-followed', cat]]);
});

test('passes events and actions of the application through without a rule', async () => {
  const [ann] = await scene.people('Ann');
  for (const [dialect, namespace] of [['snake', '/'], ['kebab', '/'], ['canonical', '/']]) {
    const socket = await connect(dialect, ann, namespace);
    await database.query("SELECT herald.publish($1, 'order_shipped', $2)", [`user:${ann}`, { order: dialect }]);
    assert.deepEqual(await heard(socket, 'order_shipped', ({ order }) => order === dialect), [{ order: dialect }]);
    const answer = await socket.emitWithAck('no_such_action', {});
    assert.equal(answer.error.code, 'HD404');
  }
});

test('recovers a client in its dialect, also after an event with a bare value', async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  await follow(ben, ann);
  const id = await database.value('SELECT id FROM herald.inbox($1)', [ann]);
  const socket = await connect('snake', ann);
  socket.emit('mark_notification_read', id);
  await heard(socket, 'notification_marked_read');
  await scene.settle(await scene.plain(ann));
  const back = new Promise((resolve) => socket.once('connect', resolve));
  await cut(socket);
  await follow(cat, ann);
  await back;
  assert.equal(socket.recovered, true);
  await heard(socket, 'new_notification', ({ title }) => title.startsWith('Cat'));
  await database.query("SELECT herald.publish($1, 'end', '{}')", [`user:${ann}`]);
  await heard(socket, 'end');
  assert.equal(socket.received.filter(([event]) => event === 'new_notification').length, 1);
  assert.equal(socket.received.filter(([event]) => event === 'notification_marked_read').length, 1);
});

test('replays to a namespace only its own events', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  await scene.settle(await scene.plain(ann));
  const chat = await connect('namespaces', ann, '/chat');
  const back = new Promise((resolve) => chat.once('connect', resolve));
  await cut(chat);
  await follow(ben, ann);
  await scene.message(conversation, ben, 'Said meanwhile');
  await back;
  assert.equal(chat.recovered, true);
  await heard(chat, 'message', ({ content }) => content === 'Said meanwhile');
  await scene.message(conversation, ben, 'Said now');
  await heard(chat, 'message', ({ content }) => content === 'Said now');
  assert.deepEqual(chat.received.map(([event]) => event), ['message', 'message']);
});

test('speaks the first dialect with the namespace unless the client names one, which must have it', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const [root, notifications] = [await scene.socketIo(ann), await scene.socketIo(ann, { namespace: '/notifications' })];
  await follow(ben, ann);
  await root.waitFor('new_notification');
  await notifications.waitFor('notification');
  await assert.rejects(scene.socketIo(ann, { namespace: '/chat', query: { dialect: 'snake' } }), { message: 'Invalid namespace' });
  await assert.rejects(scene.socketIo(ann, { query: { dialect: 'klingon' } }), { message: 'Invalid namespace' });
});

test('runs the example of docs/protocol.md', async () => {
  const [example] = /\{\s*"about"[^]*?(?=```)/.exec(readFileSync(path.join(root, 'docs/protocol.md'), 'utf8'));
  const file = path.join(scene.bridge.directory, 'first.json');
  writeFileSync(file, example);
  const bridge = await scene.addBridge([`--dialect=${file}`]);
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const post = await scene.post(ann);
  const conversation = await scene.conversation(ann, ben);
  const socket = await connect('first', ann, '/', bridge);
  assert.deepEqual(await heard(socket, 'badge'), [0]);
  await like(ben, post);
  const [{ id, ...alert }] = await heard(socket, 'alert_like');
  assert.equal(typeof id, 'number');
  assert.deepEqual(alert, { text: 'Ben liked your post', link: `/posts/${post}`, sound: true });
  assert.deepEqual(await heard(socket, 'badge', (count) => count === 1), [1]);
  await comment(ben, post, 'Nice');
  assert.equal((await heard(socket, 'alert_comment'))[0].link, `/posts/${post}`);
  await scene.message(conversation, ben, 'Hello');
  assert.deepEqual(await heard(socket, 'dm'), ['Ben', 'Hello']);

  assert.deepEqual(await emit(socket, 'watch', Number(post)), [null]);
  assert.deepEqual(await emit(socket, 'watch', 999999), ['there is no such room for this user']);
  await database.query("UPDATE posts SET caption = 'New' WHERE id = $1", [post]);
  await like(ann, post);
  await heard(socket, 'post:liked', ({ userId }) => userId === ann);
  assert.ok(!socket.received.some(([event]) => event === 'post:updated'));
  const [{ success, id: said }] = await emit(socket, 'say', conversation, 'Hi');
  assert.deepEqual([success, await database.value('SELECT content FROM messages WHERE id = $1', [said])], [true, 'Hi']);
  socket.emit('say', conversation, '');
  assert.equal(await unlogged(socket, 'oops'), '"content" must not be empty');
  assert.equal((await emit(socket, 'feed:list', {}))[0].ok, true);
  assert.equal((await emit(socket, 'unheard-of'))[0].error.code, 'HD404');
});

test('reads the dialect of an application from a file, and reports the place of a mistake', async () => {
  const file = path.join(scene.bridge.directory, 'klingon.json');
  writeFileSync(file, '{"namespaces": {"/": {"events": {"user:followed": {"name": "nuq", "to": ["{followerId}", "Qapla\'"]}}}}}');
  const bridge = await scene.addBridge([`--dialect=${file}`]);
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const client = await scene.socketIo(ann, { bridge });
  await follow(ben, ann);
  await client.waitFor('nuq', (follower) => follower === ben);

  const connection = ['--listen=127.0.0.1:0', `--database=${database.conninfo('bridge')}`, `--jwt-secret-file=${scene.bridge.secretFile}`];
  const options = [...connection, `--dialect=${file}`];
  assert.deepEqual((await runBridge([...options, '--check'])).code, 0);
  for (const [text, complaint] of [
    ['{\n"namespaces": {{}}\n}', `herald-bridge: ${file}:2: string or '}' expected near '{'`],
    ['{"namespaces": {"/": {"events": {"a": {"nmae": "b"}}}}}', `herald-bridge: ${file}: namespaces > / > events > a > nmae: unknown key`],
  ]) {
    writeFileSync(file, text);
    for (const more of [[], ['--check']]) {
      const { code, output } = await runBridge([...options, ...more]);
      assert.equal(code, 1);
      assert.ok(output.includes(complaint), output);
    }
  }
  assert.match((await runBridge([...connection, '--dialect=nowhere'])).output, /nowhere\.json: No such file/);
});
