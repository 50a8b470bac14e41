// An INSERT reaches exactly the right clients, in both protocols.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Scene } from './harness/scene.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;
const join = (clients, room) => Promise.all(clients.map(async (client) => assert.equal((await client.ask('room:join', { room })).ok, true)));
const names = (client) => client.events.map(({ event }) => event).filter((event) => event !== 'test:mark');

test('delivers an INSERT by psql to the recipient only', async () => {
  const [ann, ben, eve] = await scene.people('Ann', 'Ben', 'Eve');
  const post = await scene.post(ann);
  const recipients = await scene.both(ann);
  const others = [...await scene.both(ben), ...await scene.both(eve)];
  await scene.settle(...recipients, ...others);
  for (const client of [...recipients, ...others]) client.forgetEvents();

  await database.psql('-c', `INSERT INTO likes (user_id, post_id) VALUES (${ben}, ${post})`);

  for (const client of recipients) {
    const notification = await client.waitFor('notification:new');
    assert.equal(notification.type, 'like');
    assert.equal(notification.userId, ann);
    assert.deepEqual(notification.actor, { id: ben, name: 'Ben' });
    assert.equal(notification.title, 'Ben liked your post');
    assert.equal(notification.subjectType, 'post');
    assert.equal(notification.subjectId, post);
    assert.equal(notification.read, false);
    assert.match(notification.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    assert.deepEqual(await client.waitFor('notification:unread'), { count: 1 });
  }
  await scene.settle(...recipients, ...others);
  for (const client of recipients) assert.deepEqual(names(client).sort(), ['notification:new', 'notification:unread']);
  for (const client of others) assert.deepEqual(names(client), []);
});

test('delivers a notification to every tab and phone of a user', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const post = await scene.post(ann);
  const sessions = [...await scene.both(ann), ...await scene.both(ann)];
  await database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [ben, post]);
  for (const session of sessions) await session.waitFor('notification:new');
  await scene.settle(...sessions);
  for (const session of sessions) assert.equal(session.all('notification:new').length, 1);
});

test('notifies of likes, comments, replies, follows and messages', async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  const post = await scene.post(ann);
  const clients = await scene.both(ann);
  const expectBoth = async (type, check) => {
    for (const client of clients) check(await client.waitFor('notification:new', (data) => data.type === type));
  };

  await database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [ben, post]);
  await expectBoth('like', ({ actorId }) => assert.equal(actorId, ben));

  await database.query('INSERT INTO comments (post_id, user_id, content) VALUES ($1, $2, $3)', [post, ben, 'Nice']);
  await expectBoth('comment', ({ actorId, content }) => assert.deepEqual([actorId, content], [ben, 'Nice']));

  const parent = await database.value('INSERT INTO comments (post_id, user_id, content) VALUES ($1, $2, $3) RETURNING id',
    [await scene.post(cat), ann, 'Mine']);
  await database.query('INSERT INTO comments (post_id, user_id, parent_id, content) SELECT post_id, $2, id, $3 FROM comments WHERE id = $1',
    [parent, ben, 'A reply']);
  await expectBoth('reply', ({ actorId, content }) => assert.deepEqual([actorId, content], [ben, 'A reply']));

  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  await expectBoth('follow', ({ actor }) => assert.equal(actor.name, 'Ben'));

  const conversation = await scene.conversation(ann, ben, cat);
  await scene.message(conversation, ben, 'Hello');
  await expectBoth('message', ({ actorId, content }) => assert.deepEqual([actorId, content], [ben, 'Hello']));

  await scene.settle(...clients);
  for (const client of clients) {
    assert.deepEqual(client.all('notification:new').map(({ data }) => data.type), ['like', 'comment', 'reply', 'follow', 'message']);
    assert.deepEqual(client.all('notification:unread').at(-1).data, { count: 5 });
  }
});

test('does not notify users of their own actions', async () => {
  const [ann] = await scene.people('Ann');
  const clients = await scene.both(ann);
  const post = await scene.post(ann);
  await database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [ann, post]);
  await database.query('INSERT INTO comments (post_id, user_id, content) VALUES ($1, $2, $3)', [post, ann, 'Me again']);
  await scene.settle(...clients);
  for (const client of clients) assert.deepEqual(client.all('notification:new'), []);
});

test('delivers likes and comments to the room of a post, with exact totals', async () => {
  const [ann, ben, cat, eve] = await scene.people('Ann', 'Ben', 'Cat', 'Eve');
  const post = await scene.post(ann);
  const listening = await scene.both(cat);
  const elsewhere = await scene.both(eve);
  await join(listening, `post:${post}`);

  const steps = [
    ['INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [ben, post]],
    ['INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [cat, post]],
    ['INSERT INTO comments (user_id, post_id, content) VALUES ($1, $2, $3)', [ben, post, 'First']],
    ['DELETE FROM likes WHERE (user_id, post_id) = ($1, $2)', [ben, post]],
    ['DELETE FROM comments WHERE post_id = $1', [post]],
  ];
  for (const [statement, values] of steps) {
    await database.query(statement, values);
    await scene.settle(...listening);    // a total is counted when the bridge reads the event
  }
  await scene.settle(...listening, ...elsewhere);

  for (const client of listening) {
    const seen = client.events.filter(({ event, data }) => data.postId === post && event !== 'post:viewers');
    assert.deepEqual(seen.map(({ event, data }) => [event, data.totalLikes ?? data.totalComments]),
      [['post:liked', 1], ['post:liked', 2], ['comment:created', 1], ['post:unliked', 1], ['comment:deleted', 0]]);
    assert.equal(seen[0].data.username, 'Ben');
    assert.equal(seen[0].data.liked, true);
    assert.equal(seen[2].data.content, 'First');
    assert.equal(seen[2].data.username, 'Ben');
    assert.equal(seen[3].data.liked, false);
  }
  for (const client of elsewhere) assert.deepEqual(client.events.filter(({ data }) => data.postId), []);
});

test('delivers a new post to its author and the followers only', async () => {
  const [ann, ben, eve] = await scene.people('Ann', 'Ben', 'Eve');
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  const [author, follower, other] = await Promise.all([ann, ben, eve].map((user) => scene.both(user)));
  const post = await scene.post(ann, 'News');
  for (const client of [...author, ...follower]) {
    const created = await client.waitFor('post:created', (data) => data.postId === post);
    assert.equal(created.authorId, ann);
    assert.equal(created.authorName, 'Ann');
    assert.equal(created.post.content, 'News');
  }
  await scene.settle(...other);
  for (const client of other) assert.deepEqual(client.all('post:created'), []);
});

test('delivers a message to the members of its conversation only', async () => {
  const [ann, ben, eve] = await scene.people('Ann', 'Ben', 'Eve');
  const conversation = await scene.conversation(ann, ben);
  const members = [...await scene.both(ann), ...await scene.both(ben)];
  const others = await scene.both(eve);
  const id = await scene.message(conversation, ann, 'Secret');
  for (const client of members) {
    const message = await client.waitFor('message:created');
    assert.deepEqual([message.messageId, message.conversationId, message.senderId, message.senderName, message.content],
      [id, conversation, ann, 'Ann', 'Secret']);
  }
  await scene.settle(...members, ...others);
  for (const client of others) assert.deepEqual(names(client), ['notification:unread'], 'only the badge of the connection');
});

test('delivers nothing of a rolled back INSERT', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const post = await scene.post(ann);
  const clients = await scene.both(ann);
  await database.psql('-c', 'BEGIN', '-c', `INSERT INTO likes (user_id, post_id) VALUES (${ben}, ${post})`, '-c', 'ROLLBACK');
  await scene.settle(...clients);
  for (const client of clients) assert.deepEqual(client.all('notification:new'), []);
});

test('delivers ten thousand rows of one statement in order', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const clients = await scene.both(ann);
  await database.query('SELECT herald.set_preference($1, $2, $3)', [ann, 'message', []]);
  await database.query(`INSERT INTO messages (conversation_id, sender_id, content)
                        SELECT $1, $2, 'Message ' || n FROM generate_series(1, 10000) AS n`, [conversation, ben]);
  await scene.settle(...clients);
  for (const client of clients) {
    const contents = client.all('message:created').map(({ data }) => data.content);
    assert.equal(contents.length, 10000);
    assert.ok(contents.every((content, index) => content === `Message ${index + 1}`));
  }
});

test('notifies of plain INSERTs by a role without any grant on herald', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const post = await scene.post(ann);
  const clients = await scene.both(ann);
  const application = await database.connect();
  await application.query('SET ROLE social_app');
  await assert.rejects(application.query('SELECT * FROM herald.notification'), { code: '42501' });
  await application.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [ben, post]);
  await application.end();
  for (const client of clients) await client.waitFor('notification:new');
});

test('applies preferences for the inbox and for live delivery', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const [plain, socketIo] = await scene.both(ann);
  await database.query('SELECT herald.set_preference($1, $2, $3)', [ann, 'like', []]);
  await database.query('SELECT herald.set_preference($1, $2, $3)', [ann, 'follow', ['inbox']]);
  await database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [ben, await scene.post(ann)]);
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  await scene.settle(plain, socketIo);
  for (const client of [plain, socketIo]) assert.deepEqual(client.all('notification:new'), []);
  const { data } = await plain.ask('inbox:list');
  assert.deepEqual(data.notifications.map(({ type }) => type), ['follow']);
  assert.equal(data.unread, 1);
});

test('delivers to each namespace its own kind of events', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  await scene.settle(await scene.plain(ann));    // the bridge has read the memberships
  const notifications = await scene.socketIo(ann, { namespace: '/notifications' });
  const chat = await scene.socketIo(ann, { namespace: '/chat' });
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  await scene.message(conversation, ben, 'Hello');
  await notifications.waitFor('notification:new', ({ type }) => type === 'message');
  await chat.waitFor('message:created');
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($2, $1)', [ben, ann]);
  await scene.message(conversation, ben, 'End');
  await notifications.waitFor('notification:new', ({ content }) => content === 'End');
  await chat.waitFor('message:created', ({ content }) => content === 'End');
  assert.deepEqual(new Set(names(notifications)), new Set(['notification:unread', 'notification:new', 'user:followed']));
  assert.deepEqual(new Set(names(chat)), new Set(['message:created']));
});

test('delivers through two bridges of one database', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const second = await scene.addBridge();
  const clients = [...await scene.both(ann), ...await scene.both(ann, { bridge: second })];
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  for (const client of clients) await client.waitFor('notification:new');
  await clients[0].ask('notification:read', { all: true });
  for (const client of clients) await client.waitFor('notification:unread', ({ count }) => count === 0);
});
