// Server-Sent Events at /events: a browser's EventSource gets what a WebSocket gets, and misses nothing when it comes back.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { EventSourceClient } from './harness/event_source_client.mjs';
import { Scene } from './harness/scene.mjs';
import { Traffic } from './harness/traffic.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database, bridge } = scene;
const messageIds = (client) => client.all('message:created').map(({ data }) => data.messageId);
const like = (user, post) => database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [user, post]);

test('the stream begins with a welcome and the unread count; its headers keep caches and proxies away', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.eventSource(ann);
  const { headers } = client.response;
  assert.equal(headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['x-accel-buffering'], 'no');
  assert.equal(headers.connection, 'close');
  assert.equal(client.welcomes[0].userId, ann);
  assert.match(client.welcomes[0].sessionId, /^[0-9a-f]{32}$/);
  assert.equal(client.welcomes[0].recovered, false);
  assert.notEqual(client.lastEventId, '');
  assert.deepEqual(await client.waitFor('notification:unread'), { count: 0 });
});

test('an event looks as it does on a plain WebSocket; its id is the position', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const [stream, plain] = await Promise.all([scene.eventSource(ann), scene.plain(ann)]);
  await scene.message(conversation, ben, 'Two\nlines: "quoted"\r\n\n and 👋');
  await scene.settle(stream, plain);
  const frames = stream.all('message:created').map(({ frame, lastEventId }) => {
    assert.equal(lastEventId, frame.position);
    assert.equal(frame.event, 'message:created');
    return { event: frame.event, data: frame.data, id: frame.id, room: frame.room, position: frame.position };
  });
  assert.deepEqual(frames, plain.all('message:created'));
  assert.equal(frames[0].data.content, 'Two\nlines: "quoted"\r\n\n and 👋');
});

test('rooms of the URL are joined; one that is refused is told as an error, and the others go on', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const foreign = `conversation:${await scene.conversation(ben)}`;
  const posts = [await scene.post(ben), await scene.post(ben)];
  const client = await scene.eventSource(ann, { rooms: [`post:${posts[0]}`, foreign, '', `post:${posts[1]}`] });
  for (const post of posts) await like(ben, post);
  await scene.settle(client);
  assert.deepEqual(client.all('post:liked').map(({ room }) => room), posts.map((post) => `post:${post}`));
  assert.deepEqual(client.all('error').map(({ room, data }) => [room, data.code]), [[foreign, 'forbidden'], ['', 'bad_request']]);
});
