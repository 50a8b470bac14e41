// No event is lost or repeated when a network, a bridge or the database fails.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, test } from 'node:test';
import { PlainClient } from './harness/plain_client.mjs';
import { Scene } from './harness/scene.mjs';
import { Traffic } from './harness/traffic.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database, postgres, bridge } = scene;
const messageIds = (client) => client.all('message:created').map(({ data }) => data.messageId);

// Opens a conversation of two users with traffic. The clients of one of them reconnect automatically and have joined a post.
async function openTalk() {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const post = await scene.post(ben);
  const plain = await scene.plain(ann, { resume: true });
  const socketIo = await scene.socketIo(ann);
  for (const client of [plain, socketIo]) assert.equal((await client.ask('room:join', { room: `post:${post}` })).ok, true);
  const like = () => database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [ben, post]);
  return { ann, ben, conversation, plain, socketIo, like, traffic: new Traffic(scene, conversation, ben) };
}

// Checks that the clients received every committed message once and in order, and are still in their rooms.
async function nothingWasMissed({ plain, socketIo, traffic, like }) {
  const sent = await traffic.stop();
  await like();
  for (const client of [plain, socketIo]) {
    await client.waitFor('post:liked');
    assert.deepEqual(messageIds(client), sent);
  }
}

test('recovers clients when the bridge is killed during traffic and started again', async () => {
  const talk = await openTalk();
  for (let round = 1; round <= 3; round++) {
    await talk.traffic.flows();
    await bridge.kill();
    await talk.traffic.flows();
    await bridge.start();
    await until('both clients have reconnected', () => talk.socketIo.connects.length > round && talk.plain.welcomes.length > round);
  }
  await talk.traffic.flows();
  await nothingWasMissed(talk);
  assert.deepEqual(talk.socketIo.connects, [false, true, true, true]);
  assert.deepEqual(talk.plain.welcomes.map(({ recovered }) => recovered), [false, true, true, true]);
});

test('drains, exits with 0 and recovers clients when it is stopped during traffic', async () => {
  const talk = await openTalk();
  await talk.traffic.flows();
  assert.deepEqual(await bridge.end('SIGTERM'), { code: 0, signal: null });
  await talk.traffic.flows();
  await bridge.start();
  await talk.traffic.flows();
  await nothingWasMissed(talk);
  assert.deepEqual(talk.socketIo.connects, [false, true]);
  assert.deepEqual(talk.plain.welcomes.map(({ recovered }) => recovered), [false, true]);
});

test('recovers clients from a network that breaks repeatedly', async () => {
  const talk = await openTalk();
  for (let round = 1; round <= 5; round++) {
    await talk.traffic.flows(50);
    talk.socketIo.cut();
    talk.plain.socket.terminate();
    await until('both clients have reconnected', () => talk.socketIo.connects.length > round && talk.plain.welcomes.length > round);
  }
  await nothingWasMissed(talk);
  assert.ok(talk.socketIo.connects.slice(1).every(Boolean));
});

test('recovers a client that had received nothing yet', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const client = await scene.socketIo(ann);
  await bridge.kill();
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  await bridge.start();
  await client.waitFor('notification:new');
  assert.deepEqual(client.connects, [false, true]);
});

test('recovers a client on another bridge', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const first = await scene.plain(ann);
  const ids = [await scene.message(conversation, ben, 'One')];
  await first.waitFor('message:created');
  first.close();
  ids.push(await scene.message(conversation, ben, 'Two'));
  const second = await scene.plain(ann, { bridge: await scene.addBridge(), position: first.position });
  ids.push(await scene.message(conversation, ben, 'Three'));
  await scene.settle(second);
  assert.equal(second.welcomes[0].recovered, true);
  assert.deepEqual(messageIds(second), ids.slice(1));
});

test('replays nothing from after a user was removed from a conversation', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const client = await scene.plain(ann);
  await scene.settle(client);
  client.close();
  const before = await scene.message(conversation, ben, 'Before');
  await database.query('DELETE FROM conversation_members WHERE (conversation_id, user_id) = ($1, $2)', [conversation, ann]);
  await scene.message(conversation, ben, 'Secret');
  const back = await scene.plain(ann, { position: client.position });
  await scene.settle(back);
  assert.ok(!JSON.stringify(back.events).includes('Secret'));
  assert.ok([[], [before]].some((allowed) => JSON.stringify(allowed) === JSON.stringify(messageIds(back))));
});

test('answers an invalid position with recovered: false', async () => {
  const [ann] = await scene.people('Ann');
  for (const position of ['nonsense', '', '1~0~0~0.0.', '../../etc/passwd', 'x'.repeat(3000)]) {
    const client = await scene.plain(ann, { position });
    assert.equal(client.welcomes[0].recovered, false, position);
    assert.equal((await client.ask('ping')).ok, true);
  }
});

test('lets a client that does not read fall behind, and loses nothing for anybody', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const narrow = await scene.addBridge(['--queue-limit=2MB']);
  const slow = await scene.plain(ann, { bridge: narrow, resume: true });
  const quick = await scene.plain(ben, { bridge: narrow, resume: true });
  const pong = once(slow.socket, 'pong');
  slow.socket.pause();
  await database.query('SELECT herald.set_preference($1, $2, $3)', [ann, 'message', []]);
  await database.query(`INSERT INTO messages (conversation_id, sender_id, content)
                        SELECT $1, $2, repeat('x', 400) FROM generate_series(1, 20000)`, [conversation, ben]);
  await until('the slow client has fallen behind', async () => await narrow.metric('herald_fallen_behind_total') > 0);
  await scene.settle(quick);
  slow.socket.ping('between frames');
  slow.socket.resume();
  assert.equal(String(await pong), 'between frames');
  await scene.settle(slow);
  for (const client of [slow, quick]) {
    assert.equal(messageIds(client).length, 20000);
    assert.equal(new Set(messageIds(client)).size, 20000);
    assert.equal(client.welcomes.length, 1);
  }
});

test('keeps serving others when a client leaves during its replay and the replay fails', async () => {
  const [ann] = await scene.people('Ann');
  const forgetful = await scene.addBridge(['--event-cache-size=1kB']);
  const client = await scene.plain(ann, { bridge: forgetful });
  await scene.settle(client);
  client.close();
  await client.closed;
  await database.query("SELECT herald.publish('user:' || $1, 'page', '{}') FROM generate_series(1, 100)", [ann]);
  const other = await scene.plain(ann, { bridge: forgetful });
  const readers = (await database.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'herald-bridge replay'")).map(({ pid }) => pid);
  await Promise.all(readers.map((pid) => postgres.pause(pid)));
  const readings = await forgetful.metric('herald_log_readings_total');
  const back = new PlainClient(forgetful, scene.token(ann), { position: client.position });
  const welcomed = back.open().catch((error) => error);
  await until('the bridge reads the log for the client', async () => await forgetful.metric('herald_log_readings_total') > readings);
  back.close();
  await until('the session has ended', async () => await forgetful.metric('herald_sessions') === 1);
  await Promise.all(readers.map((pid) => database.query('SELECT pg_terminate_backend($1)', [pid])));
  await Promise.all(readers.map((pid) => postgres.proceed(pid)));
  await welcomed;
  await scene.settle(other);
  const again = await scene.plain(ann, { bridge: forgetful, position: client.position });
  await scene.settle(again);
  assert.equal(again.all('page').length, 100);
  assert.equal(forgetful.running, true);
});

test('keeps clients connected and loses nothing when PostgreSQL restarts', async () => {
  const talk = await openTalk();
  await talk.traffic.flows();
  await postgres.restart();
  await talk.traffic.flows();
  await bridge.ready();
  await nothingWasMissed(talk);
  assert.deepEqual(talk.socketIo.connects, [false]);
  assert.equal(talk.plain.welcomes.length, 1);
});

test('reports that PostgreSQL is down, waits for it, and loses nothing', async () => {
  const talk = await openTalk();
  await talk.traffic.flows();
  await postgres.stop();
  await until('the bridge is not ready', async () => (await bridge.get('/readyz')).status === 503);
  assert.equal((await bridge.get('/healthz')).status, 200);
  const answer = await talk.socketIo.ask('inbox:list');
  assert.equal(answer.ok, false, 'an action fails without the database');
  await postgres.start();
  await bridge.ready();
  await talk.traffic.flows();
  await nothingWasMissed(talk);
  assert.deepEqual(talk.socketIo.connects, [false]);
});

test('keeps clients connected and loses nothing when PostgreSQL is killed', async () => {
  const talk = await openTalk();
  for (let round = 0; round < 2; round++) {
    await talk.traffic.flows();
    await postgres.crash();
    await postgres.start();
    await bridge.ready();
  }
  await talk.traffic.flows();
  const sent = await talk.traffic.stop();
  await talk.like();
  for (const client of [talk.plain, talk.socketIo]) {
    await client.waitFor('post:liked');
    assert.deepEqual([...new Set(messageIds(client))], sent, 'at least once and in order');
  }
  const eventIds = talk.plain.all('message:created').map(({ id }) => id);
  assert.equal(new Set(eventIds).size, sent.length, 'repeated events have the same id');
  assert.deepEqual(talk.socketIo.connects, [false]);
  assert.equal(talk.plain.welcomes.length, 1);
});

// --- clients that get no events of their own

const told = (client) => client.all('herald:position').length;

async function setWindow(setting) {
  await database.query(`ALTER SYSTEM ${setting}`);
  await database.query('SELECT pg_reload_conf()');
}

// Connects a client of each protocol for a user without events. Each comes back by itself.
async function openQuiet(user) {
  const [plain, root, chat, stream] = await Promise.all([scene.plain(user, { resume: true }), scene.socketIo(user),
    scene.socketIo(user, { namespace: '/chat' }), scene.eventSource(user, { resume: true, retry: 10 })]);
  return { plain, root, chat, stream, all: [plain, root, chat, stream] };
}

const recoveries = ({ plain, root, chat, stream }) => [root.connects, chat.connects,
  plain.welcomes.map(({ recovered }) => recovered), stream.welcomes.map(({ recovered }) => recovered)];

const returned = (quiet, count) => until('all have come back', () => recoveries(quiet).every((list) => list.length === count));

test('recovers clients that got nothing for longer than the log keeps events', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  await setWindow("SET herald.recovery_window = '4s'");
  await bridge.kill();
  await bridge.start();                                     // the bridge learns the window as it connects
  const quiet = await openQuiet(ann);
  const busy = await scene.plain(ben);
  const { position } = quiet.plain;
  await until('the log has forgotten the first position', async () => {
    await database.query('SELECT herald.publish($1, $2, $3)', [`user:${ben}`, 'shop:news', {}]);
    await database.query('SELECT herald.maintain()');
    return !await database.value("SELECT recovered FROM herald_internal.resume(ARRAY[$1], '{}')", [position]);
  }, 90000);
  await setWindow('RESET herald.recovery_window');
  assert.ok(quiet.all.every(told), `${quiet.all.map(told)}`);
  assert.ok(told(busy) < told(quiet.plain), 'a client that gets events needs no others');

  quiet.root.cut();
  quiet.chat.cut();
  quiet.plain.socket.terminate();
  quiet.stream.request.destroy();
  await database.query('SELECT herald.publish($1, $2, $3)', [`user:${ann}`, 'shop:sale', {}]);
  await returned(quiet, 2);
  await bridge.kill();
  await bridge.start();
  await returned(quiet, 3);
  assert.deepEqual(recoveries(quiet), Array(4).fill([false, true, true]));
  await scene.settle(quiet.plain, quiet.root, quiet.stream);
  for (const client of [quiet.plain, quiet.root, quiet.stream]) assert.equal(client.all('shop:sale').length, 1, client.label);
});

test('tells a client that comes back and missed nothing of its own how far it has come', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const quiet = await openQuiet(ann);
  await bridge.kill();
  await scene.post(ben);
  await database.query('SELECT herald.publish($1, $2, $3)', [`user:${ben}`, 'shop:news', {}]);
  await bridge.start();
  await returned(quiet, 2);
  await Promise.all(quiet.all.map((client) => client.waitFor('herald:position')));
  assert.deepEqual(recoveries(quiet), Array(4).fill([false, true]));
});
