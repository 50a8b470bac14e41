// Reconnections in any order of reading and in any number: every event arrives once, and the bridge needs few queries.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Crowd } from './harness/crowd.mjs';
import { PlainClient } from './harness/plain_client.mjs';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { bridge, database, postgres } = scene;
const texts = (client) => client.all('message:created').map(({ data }) => data.content);
const publish = (client, room, key) => client.query("SELECT herald.publish($1, 'key', jsonb_build_object('key', $2::text))", [room, key]);
const keys = (client) => client.all('key').map(({ data }) => data.key);
const spend = async (on, work) => {
  const before = await on.metric('herald_database_queries_total');
  await work();
  return await on.metric('herald_database_queries_total') - before;
};

// Returns the backends of all bridges for the connections with this name, except those that were there before.
const backends = (name, before = []) => database.query('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [`herald-bridge ${name}`])
  .then((rows) => rows.map(({ pid }) => pid).filter((pid) => !before.includes(pid)));

// Connects this many users. Each receives one event of its own and one of a room with all of them.
async function gather(count, on = bridge) {
  await database.query(`INSERT INTO users (username, display_name) SELECT 'crowd' || nextval('users_id_seq'), 'C' FROM generate_series(1, $1::int)`, [count]);
  const people = (await database.query('SELECT id FROM users ORDER BY id DESC LIMIT $1', [count])).map(({ id }) => id);
  const conversation = await scene.conversation(...people);
  const crowd = new Crowd(on.port, people.map((id) => [id, scene.token(id)]));
  const numbered = (name, room, first, last) => database.query(
    `SELECT herald.publish(${room}, $1, jsonb_build_object('n', n)) FROM unnest($2::text[]) AS id, generate_series($3::int, $4::int) AS n ORDER BY n`,
    [name, name === 'own' ? people : [conversation], first, last]);
  const write = async (first, last) => {
    await numbered('own', "'user:' || id", first, last);
    await numbered('shared', "'conversation:' || id", first, last);
  };
  await crowd.connect();
  await write(1, 1);
  await crowd.have(2);
  return { crowd, write };
}

test('recovers five hundred clients at once after a restart, with few queries', async () => {
  const { crowd, write } = await gather(500);
  await bridge.kill();
  await write(2, 4);
  await bridge.start();
  await write(5, 5);
  await crowd.connect();
  await crowd.have(10);
  assert.deepEqual(crowd.faults({ own: 5, shared: 5 }), []);
  assert.ok(await bridge.metric('herald_log_readings_total') <= 5);
  const queries = await bridge.metric('herald_database_queries_total');
  assert.ok(queries < 60, `${queries} queries`);

  // Again without a restart: the event cache has everything.
  const readings = await bridge.metric('herald_log_readings_total');
  crowd.cut();
  await write(6, 7);
  const more = await spend(bridge, async () => {
    await crowd.connect();
    await crowd.have(14);
  });
  assert.deepEqual(crowd.faults({ own: 7, shared: 7 }), []);
  assert.equal(await bridge.metric('herald_log_readings_total'), readings);
  assert.ok(more < 60, `${more} queries`);
  assert.ok(await bridge.metric('herald_event_cache_events') > 500);
  crowd.cut();
});

test('reads events that the event cache lacks from the log, for all clients together', async () => {
  const narrow = await scene.addBridge(['--event-cache-size=32kB', '--page-size=100']);
  const { crowd, write } = await gather(100, narrow);
  crowd.cut();
  await write(2, 6);
  await crowd.connect();
  await crowd.have(12);
  assert.deepEqual(crowd.faults({ own: 6, shared: 6 }), []);
  const readings = await narrow.metric('herald_log_readings_total');
  assert.ok(readings > 0 && readings < 20, `${readings} readings of the log`);
  assert.ok(await narrow.metric('herald_event_cache_bytes') <= 32 * 1024);
  crowd.cut();
});

test('replays a burst that is larger than the event cache', async () => {
  const [ann] = await scene.people('Ann');
  const narrow = await scene.addBridge(['--event-cache-size=16kB', '--page-size=50']);
  const client = await scene.plain(ann, { bridge: narrow, resume: true });
  await scene.settle(client);
  client.socket.terminate();
  await database.query("SELECT herald.publish('user:' || $1, 'key', jsonb_build_object('key', n)) FROM generate_series(1, 2000) AS n", [ann]);
  await until('the client has reconnected', () => client.welcomes.length === 2);
  await scene.settle(client);
  assert.deepEqual(keys(client), Array.from({ length: 2000 }, (_, n) => n + 1));
  assert.ok(await narrow.metric('herald_event_cache_bytes') <= 16 * 1024);
});

// Transactions that overlap are read in another order after a restart. Positions of the old order must be valid there, also within
// a replay.
test('continues a replay after each of its events, on any bridge', async () => {
  const [ann] = await scene.people('Ann');
  const slow = await database.connect();
  const slower = await database.connect();
  for (const transaction of [slow, slower]) await transaction.query('BEGIN');
  await publish(slow, `user:${ann}`, 'slow');
  await publish(slower, `user:${ann}`, 'slower');
  const client = await scene.plain(ann);
  await publish(database, `user:${ann}`, 'first');
  await publish(database, `user:${ann}`, 'second');
  await client.waitFor('key', ({ key }) => key === 'second');
  await slow.query('COMMIT');
  await client.waitFor('key', ({ key }) => key === 'slow');
  client.close();
  await publish(database, `user:${ann}`, 'third');
  await slower.query('COMMIT');
  await publish(database, `user:${ann}`, 'fourth');
  await Promise.all([slow.end(), slower.end()]);
  const everything = ['first', 'fourth', 'second', 'slow', 'slower', 'third'];

  const bridges = [bridge, await scene.addBridge()];
  await bridge.kill();
  await bridge.start();
  const replayAfter = async (had, position, depth) => {
    for (const on of bridges) {
      const back = await scene.plain(ann, { bridge: on, position });
      await scene.settle(back);
      assert.deepEqual([...had, ...keys(back)].sort(), everything, `after ${had} on bridge ${bridges.indexOf(on)}`);
      const got = back.all('key');
      back.close();
      for (let n = 0; depth > 0 && n < got.length; n++) {
        await replayAfter([...had, ...got.slice(0, n + 1).map(({ data }) => data.key)], got[n].position, depth - 1);
      }
    }
  };
  const had = client.all('key');
  for (let n = 0; n < had.length; n++) await replayAfter(had.slice(0, n + 1).map(({ data }) => data.key), had[n].position, 2);
});

test('replays nothing from the time in which a user was not a member', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const away = [await scene.plain(ann), await scene.plain(ann)];
  await scene.settle(...away);
  for (const client of away) client.close();
  const member = (left) => database.query(`UPDATE conversation_members SET left_at = ${left} WHERE (conversation_id, user_id) = ($1, $2)`, [conversation, ann]);
  await scene.message(conversation, ben, 'Before');
  await member('now()');
  await scene.message(conversation, ben, 'Secret');
  await member('NULL');
  await scene.message(conversation, ben, 'After');
  await member('now()');
  await scene.message(conversation, ben, 'Secret too');
  const fromMemory = await scene.plain(ann, { position: away[0].position });
  await bridge.kill();
  await bridge.start();
  const fromLog = await scene.plain(ann, { position: away[1].position });
  await scene.message(conversation, ben, 'Another secret');
  await member('NULL');
  await scene.message(conversation, ben, 'Here again');
  await scene.settle(fromLog);
  assert.deepEqual(texts(fromLog), ['Before', 'After', 'Here again']);
  assert.deepEqual(texts(fromMemory), ['Before', 'After']);
  assert.ok(!JSON.stringify(fromLog.events.filter(({ event }) => event.startsWith('message:'))).includes('ecret'));
});

test('replays nothing from before a user joined a conversation', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ben);
  const client = await scene.plain(ann);
  await scene.settle(client);
  client.close();
  await scene.message(conversation, ben, 'Secret');
  await database.query('INSERT INTO conversation_members (conversation_id, user_id) VALUES ($1, $2)', [conversation, ann]);
  await scene.message(conversation, ben, 'Hello');
  const back = await scene.plain(ann, { position: client.position });
  await scene.settle(back);
  assert.deepEqual(texts(back), ['Hello']);
});

test('delivers nothing twice to a client that connects to a bridge which is behind', async () => {
  const [ann] = await scene.people('Ann');
  const others = await backends('reader');
  const behind = await scene.addBridge();
  const [reader] = await backends('reader', others);
  const client = await scene.plain(ann);

  // The reader's snapshots are taken, but its query does not end.
  const lock = await database.connect();
  await lock.query('BEGIN; LOCK TABLE herald_internal.log_floor');
  await publish(database, `user:${ann}`, 'zero');
  await until('the reader waits', () => database.value("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1", [reader]));
  await postgres.pause(reader);
  await lock.query('COMMIT');
  await lock.end();
  await publish(database, `user:${ann}`, 'one');
  await publish(database, `user:${ann}`, 'two');
  await client.waitFor('key', ({ key }) => key === 'two');
  client.close();
  const connect = async (options) => {
    const before = await database.value('SELECT clock_timestamp()::text');
    const session = scene.plain(ann, { bridge: behind, ...options });
    await until('the database has answered where the session continues', () => database.value(
      `SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'herald-bridge rooms' AND state = 'idle' AND
       query LIKE '%connect_sessions%' AND query_start > $1::timestamptz`, [before]));
    return () => session;
  };
  const arrives = await connect({ position: client.position });
  const other = await connect();
  await postgres.proceed(reader);
  await publish(database, `user:${ann}`, 'three');
  await scene.settle(await arrives(), await other());
  assert.deepEqual(keys(await arrives()), ['three']);
  assert.deepEqual(keys(await other()), ['three'], 'a new session receives only later events');
});

test('welcomes a new session as not recovered after the database was lost during its arrival', async () => {
  const [ann] = await scene.people('Ann');
  const others = [...await backends('reader'), ...await backends('rooms')];
  const slow = await scene.addBridge();
  const [reader] = await backends('reader', others);
  const [rooms] = await backends('rooms', others);
  const answered = (before) => until('the database has answered where it continues', () => database.value(
    "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'herald-bridge rooms' AND pid <> ALL ($1) AND state = 'idle' AND query LIKE '%connect_sessions%'", [before]));

  await postgres.pause(reader);
  const arrives = Promise.all([scene.plain(ann, { bridge: slow }), scene.socketIo(ann, { bridge: slow })]);
  await answered(others);
  await database.query('SELECT pg_terminate_backend($1)', [rooms]);
  await answered([...others, rooms]);
  await postgres.proceed(reader);
  const [plain, socketIo] = await arrives;
  assert.equal(plain.welcomes[0].recovered, false);
  assert.deepEqual(socketIo.connects, [false]);
});

test('delivers everything to all sessions of a user, and updates the others after one has read', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const tabs = [...await scene.both(ann), ...await scene.both(ann)];
  const away = await scene.plain(ann);
  await scene.settle(away);
  away.close();
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  for (const tab of tabs) assert.deepEqual(await tab.waitFor('notification:unread', ({ count }) => count === 1), { count: 1 });
  const { id } = await tabs[0].waitFor('notification:new');
  assert.equal((await tabs[0].ask('notification:read', { ids: [id] })).ok, true);
  const back = await scene.plain(ann, { position: away.position });
  await scene.settle(...tabs, back);
  for (const tab of [...tabs, back]) {
    assert.equal(tab.all('notification:new').length, 1);
    assert.equal(tab.all('notification:read').length, 1);
    assert.deepEqual(tab.all('notification:unread').at(-1).data, { count: 0 });
  }
});

test('takes over a session from a connection that is not known to be dead', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const post = await scene.post(ben);
  const old = await scene.plain(ann);
  assert.equal((await old.ask('room:join', { room: `post:${post}` })).ok, true);
  const { sessionId, position } = old;
  await publish(database, `post:${post}`, 'both');
  await old.waitFor('key');
  const fresh = await scene.plain(ann, { sessionId, position });
  assert.deepEqual(await old.closed, { code: 1012, reason: 'taken_over' });
  await publish(database, `post:${post}`, 'fresh');
  await scene.settle(fresh);
  assert.equal(fresh.welcomes[0].recovered, true);
  assert.equal(fresh.welcomes[0].sessionId, sessionId);
  assert.deepEqual(keys(fresh), ['both', 'fresh'], 'from the given position, in the room that the session had joined');
  assert.deepEqual(keys(old), ['both']);
});

test('recovers clients that reconnect repeatedly, also before their welcome', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const [plain, socketIo] = [await scene.plain(ann, { resume: true }), await scene.socketIo(ann)];
  await scene.message(conversation, ben, 'One');
  for (const client of [plain, socketIo]) await client.waitFor('message:created');
  await bridge.kill();
  await scene.message(conversation, ben, 'Two');
  await bridge.start();
  for (let round = 2; round <= 3; round++) {
    await until('both clients have reconnected', () => socketIo.connects.length >= round && plain.welcomes.length >= round);
    socketIo.cut();
    plain.socket.terminate();
  }
  const hasty = new Crowd(bridge.port, [[ann, scene.token(ann)]]);
  hasty.connect().catch(() => {});
  hasty.cut();
  await until('both clients have reconnected', () => socketIo.connects.length === 4 && plain.welcomes.length === 4);
  await scene.settle(plain, socketIo);
  for (const client of [plain, socketIo]) assert.deepEqual(texts(client), ['One', 'Two']);
  assert.deepEqual(socketIo.connects.slice(1), [true, true, true]);
});

test('replays from the beginning of the session for a private id without an offset', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.socketIo(ann);
  await publish(database, `user:${ann}`, 'one');
  await client.waitFor('key');
  client.socket._lastOffset = undefined;
  client.cut();
  await until('the client has reconnected', () => client.connects.length === 2);
  await publish(database, `user:${ann}`, 'two');
  await client.waitFor('key', ({ key }) => key === 'two');
  assert.deepEqual(client.connects, [false, true]);
  assert.deepEqual(keys(client), ['one', 'one', 'two']);
});

test('requires a valid token to resume, and gives a session to its own user only', async () => {
  const [ann, eve] = await scene.people('Ann', 'Eve');
  const client = await scene.plain(ann);
  await publish(database, `user:${ann}`, 'one');
  const post = await scene.post(ann);
  assert.equal((await client.ask('room:join', { room: `post:${post}` })).ok, true);
  const { sessionId, position } = client;
  client.close();
  await assert.rejects(PlainClient.connect(bridge, scene.token(ann, { seconds: -10 }), { sessionId, position }), { code: 'token_expired' });
  const thief = await scene.plain(eve, { sessionId, position });
  await publish(database, `user:${ann}`, 'two');
  await publish(database, `post:${post}`, 'three');
  await scene.settle(thief);
  assert.deepEqual(keys(thief), []);
  const back = await scene.plain(ann, { sessionId, position });
  await scene.settle(back);
  assert.equal(back.welcomes[0].recovered, true);
});
