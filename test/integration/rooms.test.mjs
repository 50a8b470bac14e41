// Sessions are in the rooms that their users may read, and only as long as they may.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Scene } from './harness/scene.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;
const texts = (client) => client.all('message:created').map(({ data }) => data.content);

test('puts a new session into its conversations and feeds', async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  const [first, second] = [await scene.conversation(ann, ben), await scene.conversation(ann, cat)];
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ann, ben]);
  const clients = await scene.both(ann);
  await scene.message(first, ben, 'One');
  await scene.message(second, cat, 'Two');
  await scene.post(ben, 'Three');
  await scene.settle(...clients);
  for (const client of clients) {
    assert.deepEqual(texts(client), ['One', 'Two']);
    assert.equal(client.all('post:created')[0].data.post.content, 'Three');
  }
});

test('sends the unread count to a new session', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  for (const client of await scene.both(ann)) assert.deepEqual(await client.waitFor('notification:unread'), { count: 1 });
});

test('adds sessions to a conversation that their user joins', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann);
  const clients = await scene.both(ben);
  await scene.message(conversation, ann, 'Before');
  await database.query('INSERT INTO conversation_members (conversation_id, user_id) VALUES ($1, $2)', [conversation, ben]);
  await scene.message(conversation, ann, 'After');
  await scene.settle(...clients);
  for (const client of clients) {
    assert.deepEqual(texts(client), ['After']);
    assert.equal(client.all('conversation:joined')[0].data.conversationId, conversation);
  }
});

test('delivers the posts of a followed user from follow to unfollow', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const clients = await scene.both(ann);
  await scene.post(ben, 'Before');
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ann, ben]);
  await scene.post(ben, 'Between');
  await database.query('DELETE FROM follows WHERE follower_id = $1', [ann]);
  await scene.post(ben, 'After');
  await scene.settle(...clients);
  for (const client of clients) assert.deepEqual(client.all('post:created').map(({ data }) => data.post.content), ['Between']);
});

const revocations = {
  'the membership row is deleted': 'DELETE FROM conversation_members WHERE (conversation_id, user_id) = ($1, $2)',
  'the member leaves (left_at is set)': 'UPDATE conversation_members SET left_at = now() WHERE (conversation_id, user_id) = ($1, $2)',
};

for (const [cause, statement] of Object.entries(revocations)) {
  test(`delivers no further event of a conversation when ${cause}`, async () => {
    const [ann, ben] = await scene.people('Ann', 'Ben');
    const conversation = await scene.conversation(ann, ben);
    const gone = await scene.both(ben);
    const staying = await scene.both(ann);
    await scene.message(conversation, ann, 'Welcome');
    const transaction = await database.connect();
    await transaction.query('BEGIN');
    await transaction.query(statement, [conversation, ben]);
    await transaction.query('INSERT INTO messages (conversation_id, sender_id, content) VALUES ($1, $2, $3)', [conversation, ann, 'Secret']);
    await transaction.query('COMMIT');
    await transaction.end();
    await scene.message(conversation, ann, 'Another secret');
    await scene.settle(...gone, ...staying);
    for (const client of gone) {
      assert.deepEqual(texts(client), ['Welcome']);
      assert.equal(client.all('conversation:left').length, 1, 'the user receives conversation:left');
      assert.equal((await client.ask('room:join', { room: `conversation:${conversation}` })).ok, false);
    }
    for (const client of staying) assert.deepEqual(texts(client), ['Welcome', 'Secret', 'Another secret']);
  });
}

test('adds sessions to a conversation again that their user rejoins', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const clients = await scene.both(ben);
  await database.query('UPDATE conversation_members SET left_at = now() WHERE (conversation_id, user_id) = ($1, $2)', [conversation, ben]);
  await scene.message(conversation, ann, 'Secret');
  await database.query('UPDATE conversation_members SET left_at = NULL WHERE (conversation_id, user_id) = ($1, $2)', [conversation, ben]);
  await scene.message(conversation, ann, 'Welcome back');
  await scene.settle(...clients);
  for (const client of clients) assert.deepEqual(texts(client), ['Welcome back']);
});

test('revokes membership at every bridge', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const second = await scene.addBridge();
  const clients = await scene.both(ben, { bridge: second });
  await database.query('DELETE FROM conversation_members WHERE (conversation_id, user_id) = ($1, $2)', [conversation, ben]);
  await scene.message(conversation, ann, 'Secret');
  await scene.settle(...clients);
  for (const client of clients) assert.deepEqual(texts(client), []);
});
