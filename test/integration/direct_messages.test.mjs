// Messages to users and to conversations in one table, and message requests: nobody hears of them but those who should.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Scene } from './harness/scene.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;
await database.psql('-c', `
  CREATE TABLE letters (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sender_id bigint NOT NULL REFERENCES users,
    receiver_id bigint REFERENCES users, conversation_id bigint REFERENCES conversations, content text NOT NULL,
    status text NOT NULL DEFAULT 'sent');
  SELECT herald.watch_messages('messages', sendable => false),
         herald.watch_messages('letters', receiver => 'receiver_id', conversation => 'conversation_id', status => 'status');`);

// Returns what the sessions have heard, after all has arrived.
async function heard(...clients) {
  await scene.settle(...clients);
  return clients.map((client) => client.all('message:created').map(({ data }) => data.content));
}

test('message:send reaches the receiver, or the members of the conversation, and nobody else', async () => {
  const [ann, ben, cat, dan] = await scene.people('Ann', 'Ben', 'Cat', 'Dan');
  const conversation = await scene.conversation(ann, ben);
  const [sender, ...others] = await Promise.all([ann, ann, ben, cat, dan].map((user) => scene.plain(user)));
  const toCat = await sender.ask('message:send', { receiverId: cat, content: 'to Cat' });
  assert.deepEqual([toCat.data.receiverId, toCat.data.conversationId], [cat, null]);
  const toAll = await sender.ask('message:send', { conversationId: conversation, content: 'to both' });
  assert.deepEqual([toAll.data.receiverId, toAll.data.conversationId], [null, conversation]);
  assert.deepEqual(await heard(...others), [['to Cat', 'to both'], ['to both'], ['to Cat'], []]);
  assert.deepEqual(await database.query('SELECT receiver_id, conversation_id FROM letters ORDER BY id'),
    [{ receiver_id: cat, conversation_id: null }, { receiver_id: null, conversation_id: conversation }]);
  const told = 'SELECT recipient_id, content FROM herald.notification WHERE actor_id = $1 ORDER BY id';
  assert.deepEqual(await database.query(told, [ann]), [{ recipient_id: cat, content: 'to Cat' }, { recipient_id: ben, content: 'to both' }]);
});

test('message:send refuses both destinations at once, strangers to the conversation, and a status', async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  const conversation = await scene.conversation(ann, ben);
  const [sender, receiver] = await Promise.all([cat, ann].map((user) => scene.plain(user)));
  for (const [code, message] of [
    ['22023', { receiverId: ann, conversationId: conversation, content: 'x' }],
    ['42501', { conversationId: conversation, content: 'x' }],
    ['P0002', { receiverId: '999999', content: 'x' }],
    ['22023', { receiverId: ann, content: 'x', status: 'sent' }],
  ]) assert.equal((await sender.ask('message:send', message)).error.code, code);
  assert.deepEqual(await heard(receiver), [[]]);
});

test('a pending message reaches its receiver as a request, and as a message when it is accepted', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  await database.query("ALTER TABLE letters ALTER status SET DEFAULT 'pending'");
  const [sender, receiver] = await Promise.all([ann, ben].map((user) => scene.plain(user)));
  const { data } = await sender.ask('message:send', { receiverId: ben, content: 'May I?' });
  assert.equal(data.message.status, 'pending');
  assert.deepEqual(await heard(sender, receiver), [['May I?'], []]);
  assert.equal((await receiver.waitFor('notification:new')).type, 'message_request');
  await database.query("UPDATE letters SET status = 'accepted' WHERE id = $1", [data.messageId]);
  assert.deepEqual(await heard(receiver), [['May I?']]);
  await receiver.waitFor('notification:removed');
  await receiver.waitFor('notification:new', ({ type }) => type === 'message');
});
