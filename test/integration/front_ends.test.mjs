// Front ends of applications on Prisma (quoted camelCase, cuid ids) and on TypeORM (uuid, flags) run unchanged.

import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, afterEach, test } from 'node:test';
import { io } from 'socket.io-client';
import { Bridge } from './harness/bridge.mjs';
import { Postgres } from './harness/postgres.mjs';
import { sign } from './harness/token.mjs';
import { until } from './harness/wait.mjs';

const secret = randomBytes(32).toString('hex');
const postgres = await Postgres.create({ preload: ['prisma', 'typeorm'] });
const sockets = [];

// Creates a database with these tables and watch calls. Returns it with a bridge that serves it.
async function application(name, tables, watch, dialects) {
  const database = await postgres.createDatabase(name);
  await database.query('CREATE EXTENSION pg_herald');
  await database.query(`DO $$ BEGIN CREATE ROLE bridge LOGIN IN ROLE herald_bridge; EXCEPTION WHEN duplicate_object THEN END $$`);
  await database.query(tables);
  await database.query(watch);
  await until('the worker serves', () => database.value('SELECT herald.preloaded()'));
  const options = [...dialects.map((dialect) => `--dialect=${dialect}`), '--presence-grace=300ms'];
  return { database, bridge: await Bridge.start({ conninfo: database.conninfo('bridge'), secret, options }) };
}

const prisma = await application('prisma', `
  CREATE TABLE "User" (id text PRIMARY KEY, email text NOT NULL UNIQUE, name text, "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP);
  CREATE TABLE "Post" (id text PRIMARY KEY, content text NOT NULL, "authorId" text NOT NULL REFERENCES "User",
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updatedAt" timestamp(3) NOT NULL);
  CREATE TABLE "Like" (id text PRIMARY KEY, "postId" text NOT NULL REFERENCES "Post" ON DELETE CASCADE, "userId" text NOT NULL REFERENCES "User",
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, UNIQUE ("postId", "userId"));
  CREATE TABLE "Comment" (id text PRIMARY KEY, content text NOT NULL, "postId" text NOT NULL REFERENCES "Post" ON DELETE CASCADE,
    "authorId" text NOT NULL REFERENCES "User", "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP);
  CREATE TABLE "Follow" ("followerId" text NOT NULL REFERENCES "User", "followingId" text NOT NULL REFERENCES "User",
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY ("followerId", "followingId"))`, `
  SELECT herald.watch_users('"User"');
  SELECT herald.watch_posts('"Post"');
  SELECT herald.watch_likes('"Like"');
  SELECT herald.watch_comments('"Comment"');
  SELECT herald.watch_follows('"Follow"')`, ['namespaces', 'gateway']);

const typeorm = await application('typeorm', `
  CREATE TABLE "user" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), username character varying NOT NULL);
  CREATE TABLE conversation (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "isGroup" boolean NOT NULL DEFAULT false,
    "createdAt" timestamp NOT NULL DEFAULT now());
  CREATE TABLE conversation_participant (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "conversationId" uuid NOT NULL REFERENCES conversation,
    "userId" uuid NOT NULL REFERENCES "user", "hasLeft" boolean NOT NULL DEFAULT false, "notificationEnabled" boolean NOT NULL DEFAULT true);
  CREATE TABLE message (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "conversationId" uuid NOT NULL REFERENCES conversation,
    "senderId" uuid NOT NULL REFERENCES "user", content text NOT NULL, "mediaUrl" character varying, "isRead" boolean NOT NULL DEFAULT false,
    "createdAt" timestamp NOT NULL DEFAULT now())`, `
  SELECT herald.watch_users('"user"');
  SELECT herald.watch_members('conversation_participant', muted => 'notificationEnabled');
  SELECT herald.watch_messages('message')`, ['namespaces', 'gateway']);

after(async () => {
  for (const { bridge } of [prisma, typeorm]) await bridge.stop();
  await postgres.destroy();
});
afterEach(() => { for (const socket of sockets.splice(0)) socket.disconnect(); });

// Connects as a front end does: no dialect in the URL.
async function connect({ bridge }, userId, namespace = '') {
  const socket = io(`${bridge.url}${namespace}`, { auth: { token: sign(secret, userId) }, forceNew: true });
  sockets.push(socket);
  socket.received = [];
  socket.onAny((event, ...data) => socket.received.push([event, ...data]));
  await until(`${namespace || '/'} connects`, () => socket.connected);
  return socket;
}

// Waits for an event with this name and a matching first argument. Returns that argument.
async function heard(socket, event, match = () => true) {
  const is = ([name, data]) => name === event && match(data);
  await until(event, () => socket.received.some(is)).catch(() => assert.fail(`${event}; there is ${JSON.stringify(socket.received)}`));
  return socket.received.find(is)[1];
}

const all = (socket, event) => socket.received.filter(([name]) => name === event).map(([, data]) => data);
const cuid = () => `c${randomBytes(12).toString('hex')}`;
const isTime = (text) => assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/);

async function prismaUser(name) {
  const id = cuid();
  await prisma.database.query('INSERT INTO "User" (id, email, name) VALUES ($1, $2, $3)', [id, `${id}@example.com`, name]);
  return id;
}

async function prismaPost(author) {
  const id = cuid();
  await prisma.database.query('INSERT INTO "Post" (id, content, "authorId", "updatedAt") VALUES ($1, $2, $3, now())', [id, 'A post', author]);
  return id;
}

const like = (user, post) => prisma.database.query('INSERT INTO "Like" (id, "postId", "userId") VALUES ($1, $2, $3)', [cuid(), post, user]);
const follow = (follower, followee) =>
  prisma.database.query('INSERT INTO "Follow" ("followerId", "followingId") VALUES ($1, $2)', [follower, followee]);
const typeormUser = (name) => typeorm.database.value('INSERT INTO "user" (username) VALUES ($1) RETURNING id', [name]);

async function conversation(...members) {
  const id = await typeorm.database.value('INSERT INTO conversation DEFAULT VALUES RETURNING id');
  await typeorm.database.query('INSERT INTO conversation_participant ("conversationId", "userId") SELECT $1, unnest($2::uuid[])', [id, members]);
  return id;
}

for (const [dialect, namespace] of [['namespaces', '/notifications'], ['gateway', '']]) {
  test(`${dialect}: a notification has sender, type in upper case, postId and isRead`, async () => {
    const [ann, ben] = [await prismaUser('Ann'), await prismaUser('Ben')];
    const post = await prismaPost(ann);
    const socket = await connect(prisma, ann, namespace);
    let bell;
    socket.on('notification', (n) => { bell = `New ${n.type.toLowerCase()} from ${n.sender.name}`; });
    await like(ben, post);
    const { id, createdAt, ...rest } = await heard(socket, 'notification');
    assert.match(id, /^\d+$/);
    isTime(createdAt);
    assert.deepEqual(rest, {
      recipientId: ann, senderId: ben, sender: { id: ben, name: 'Ben' }, type: 'LIKE', title: 'Ben liked your post', content: null,
      data: { postId: post }, isRead: false,
    });
    assert.equal(bell, 'New like from Ben');
  });

  test(`${dialect}: a comment's notification has postId and commentId, a follow's the user's id`, async () => {
    const [ann, ben] = [await prismaUser('Ann'), await prismaUser('Ben')];
    const post = await prismaPost(ann);
    const socket = await connect(prisma, ann, namespace);
    const commentId = cuid();
    await prisma.database.query('INSERT INTO "Comment" (id, content, "postId", "authorId") VALUES ($1, $2, $3, $4)', [commentId, 'Nice', post, ben]);
    assert.deepEqual((await heard(socket, 'notification', ({ type }) => type === 'COMMENT')).data, { postId: post, commentId });
    await follow(ben, ann);
    assert.deepEqual((await heard(socket, 'notification', ({ type }) => type === 'FOLLOW')).data, { userId: ann });
  });

  test(`${dialect}: unreadCount is a bare number, and markAsRead takes an id, a list or all`, async () => {
    const ann = await prismaUser('Ann');
    const others = await Promise.all(['Ben', 'Cat', 'Dan', 'Eve', 'Fay', 'Gus', 'Hal', 'Ida', 'Jim'].map(prismaUser));
    for (const other of others) await follow(other, ann);
    const ids = (await prisma.database.query('SELECT id FROM herald.inbox($1)', [ann])).map(({ id }) => String(id));
    const socket = await connect(prisma, ann, namespace);
    await heard(socket, 'unreadCount', (count) => count === 9);
    for (const [argument, left] of [
      [ids[0], 8], [{ id: ids[1] }, 7], [{ notificationId: Number(ids[2]) }, 6], [[ids[3], ids[4]], 4], [{ ids: [ids[5]] }, 3],
      [{ notificationIds: [ids[6]] }, 2], [[], 2], [{ all: true }, 0],
    ]) {
      assert.deepEqual(await socket.emitWithAck('markAsRead', argument), { ok: true, data: { unread: left } }, JSON.stringify(argument));
      await heard(socket, 'unreadCount', (count) => count === left);
    }
    await follow(ann, others[0]);
    await prisma.database.query('SELECT herald.notify($1, $2, $3)', [ann, 'note', 'Once more']);
    await heard(socket, 'notification', ({ type }) => type === 'NOTE');
    assert.deepEqual(await socket.emitWithAck('markAllAsRead'), { ok: true, data: { unread: 0 } });
  });
}

test('gateway: a notification without a sender has a sender without a name', async () => {
  const ann = await prismaUser('Ann');
  const socket = await connect(prisma, ann);
  await prisma.database.query(`SELECT herald.notify($1, 'welcome', 'Hello', data => '{"postId": "p", "more": 1}')`, [ann]);
  const { senderId, sender, data } = await heard(socket, 'notification');
  assert.deepEqual([senderId, sender, data], [null, { id: null, name: null }, { postId: 'p', more: 1 }]);
});

test('namespaces: a message is saved and comes to all members but those who have left', async () => {
  const [ann, ben, cat] = [await typeormUser('ann'), await typeormUser('ben'), await typeormUser('cat')];
  const id = await conversation(ann, ben, cat);
  await typeorm.database.query('UPDATE conversation_participant SET "hasLeft" = true WHERE "userId" = $1', [cat]);
  const [hers, his, theirs] = [await connect(typeorm, ann, '/chat'), await connect(typeorm, ben, '/chat'), await connect(typeorm, cat, '/chat')];
  his.emit('message', { conversationId: id, content: 'Look', mediaUrl: '/pear.jpg' });
  for (const socket of [hers, his]) {
    const { id: messageId, createdAt, ...rest } = await heard(socket, 'message');
    assert.deepEqual(rest, { conversationId: id, senderId: ben, senderName: 'ben', content: 'Look', mediaUrl: '/pear.jpg' });
    isTime(createdAt);
    const [row] = await typeorm.database.query('SELECT content, "mediaUrl", "isRead" FROM message WHERE id = $1', [messageId]);
    assert.deepEqual(row, { content: 'Look', mediaUrl: '/pear.jpg', isRead: false });
  }
  const answer = await theirs.emitWithAck('message', { conversationId: id, content: 'I am back' });
  assert.deepEqual([answer.ok, answer.error.code], [false, '42501']);
  assert.deepEqual(all(theirs, 'message'), []);
});

test('namespaces: a muted member gets the message, and no notification of it', async () => {
  const [ann, ben] = [await typeormUser('ann'), await typeormUser('ben')];
  const id = await conversation(ann, ben);
  await typeorm.database.query('UPDATE conversation_participant SET "notificationEnabled" = false WHERE "userId" = $1', [ann]);
  const [bell, chat] = [await connect(typeorm, ann, '/notifications'), await connect(typeorm, ann, '/chat')];
  (await connect(typeorm, ben, '/chat')).emit('message', { conversationId: id, content: 'Psst' });
  await heard(chat, 'message');
  await typeorm.database.query(`SELECT herald.notify($1, 'end', 'End')`, [ann]);
  await heard(bell, 'notification', ({ type }) => type === 'END');
  assert.equal(all(bell, 'notification').length, 1);
});

for (const [how, send] of [
  ['without an ack', (socket, data) => socket.emit('message', data)],
  ['with an ack', async (socket, data) => assert.equal((await socket.emitWithAck('message', data)).ok, false)],
]) {
  test(`namespaces: a refused message ${how} is reported by error and by exception`, async () => {
    const [ann, eve] = [await typeormUser('ann'), await typeormUser('eve')];
    const id = await conversation(ann);
    const chat = await connect(typeorm, eve, '/chat');
    await send(chat, { conversationId: id, content: 'Let me in' });
    const message = `user "${eve}" is not in conversation "${id}"`;
    assert.deepEqual(await heard(chat, 'error'), { code: '42501', message });
    assert.deepEqual(await heard(chat, 'exception'), { status: 'error', message });
    assert.deepEqual([all(chat, 'error').length, all(chat, 'exception').length], [1, 1]);
  });
}

test('namespaces: typing names the conversation', async () => {
  const [ann, ben] = [await typeormUser('ann'), await typeormUser('ben')];
  const id = await conversation(ann, ben);
  const [hers, his] = [await connect(typeorm, ann, '/chat'), await connect(typeorm, ben, '/chat')];
  his.emit('typing', { conversationId: id });
  assert.deepEqual(await heard(hers, 'typing'), { conversationId: id, userId: ben });
  his.emit('stopTyping', { conversationId: id });
  assert.deepEqual(await heard(hers, 'stopTyping'), { conversationId: id, userId: ben });
});

test('namespaces: online comes once for each shared conversation, and offline once', async () => {
  const [ann, ben, cat] = [await typeormUser('ann'), await typeormUser('ben'), await typeormUser('cat')];
  const [first, second] = [await conversation(ann, ben), await conversation(ann, ben, cat)];
  await conversation(ben, cat);
  const hers = await connect(typeorm, ann, '/chat');
  const his = await connect(typeorm, ben, '/chat');
  await until('online for both', () => all(hers, 'online').length === 2).catch(() => assert.fail(JSON.stringify(hers.received)));
  const byId = (a, b) => a.conversationId.localeCompare(b.conversationId);
  assert.deepEqual(all(hers, 'online').sort(byId), [first, second].map((conversationId) => ({ userId: ben, conversationId })).sort(byId));
  his.disconnect();
  assert.deepEqual(await heard(hers, 'offline'), { userId: ben });
  await typeorm.database.query(`SELECT herald.publish($1, 'conversation:end', '{}')`, [`user:${ann}`]);
  await heard(hers, 'conversation:end');
  assert.deepEqual([all(hers, 'online').length, all(hers, 'offline').length], [2, 1]);
});
