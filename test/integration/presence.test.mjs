// Presence per user in the database and at other clients, across tabs, bridges and failures.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

// These two bridges outlive those that a test kills. They look for expired leases every second.
const options = ['--presence-grace=300ms', '--presence-lease=3s'];
const mortal = ['--presence-grace=300ms', '--presence-lease=1500ms'];
const scene = await Scene.open({ options });
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;
const other = await scene.addBridge(options);
let ends = 0;

const isOnline = (user) => database.value('SELECT herald.is_online($1)', [user]);
const online = (user) => until(`${user} is online`, () => isOnline(user));
const bridgesOf = (user) => database.value('SELECT count(*)::int FROM herald_internal.presence WHERE user_id = $1', [user]);

// Returns the states of a user that a client received: each status, or 'offline'.
const told = (client, user) => client.events
  .filter(({ event, data }) => /^user:o/.test(event) && data.userId === user)
  .map(({ event, data }) => (event === 'user:online' ? data.status : 'offline'));
const hears = (client, user, ...states) => until(`${client.label} has ${user}: ${states}`, () => told(client, user).length >= states.length)
  .catch(() => {}).then(() => assert.deepEqual(told(client, user), states));

// Signals arrive in the order of their commits: this one comes after all before it.
async function settle(...clients) {
  const number = ++ends;
  await database.query("SELECT herald_internal.append_signal('{*}', 'end', $1)", [{ number }]);
  await Promise.all(clients.map((client) => client.waitFor('end', (data) => data.number === number)));
}

// Creates two users in a conversation; one of them listens.
async function friends() {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  await scene.conversation(ann, ben);
  return { ann, ben, listener: await scene.plain(ann) };
}

// Creates another user in a conversation with the one that listens.
async function companion(ann, listener) {
  const [cat] = await scene.people('Cat');
  const conversation = await scene.conversation(ann, cat);
  await listener.waitFor('conversation:joined', (data) => data.conversationId === conversation);
  return cat;
}

test('keeps a user online from the first tab to the last, and tells followers and partners once', async () => {
  const { ben, listener } = await friends();
  const [cat, eve] = await scene.people('Cat', 'Eve');
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [cat, ben]);
  const [follower, stranger] = [await scene.socketIo(cat), await scene.plain(eve)];
  const tabs = [await scene.plain(ben), ...await scene.both(ben, { bridge: other })];
  for (const client of [listener, follower]) await hears(client, ben, 'online');
  assert.deepEqual(listener.all('user:online').at(-1).data, { userId: ben, status: 'online' });
  await online(ben);
  for (const tab of tabs.slice(1)) tab.close();
  await until('the other bridge has reported it', async () => await bridgesOf(ben) === 1);
  assert.equal(await isOnline(ben), true);
  assert.equal(await database.value('SELECT herald.last_seen($1)', [ben]), null);
  tabs[0].close();
  for (const client of [listener, follower]) await hears(client, ben, 'online', 'offline');
  assert.equal(await isOnline(ben), false);
  const seen = await database.value('SELECT herald.last_seen($1)', [ben]);
  assert.ok(Date.now() - seen < 60000);
  assert.deepEqual(listener.all('user:offline').at(-1).data, { userId: ben, lastSeen: seen.toISOString() });
  await scene.plain(ben);
  await hears(listener, ben, 'online', 'offline', 'online');
  assert.equal(listener.all('user:online').at(-1).data.lastSeen, seen.toISOString());
  await settle(stranger);
  assert.deepEqual(told(stranger, ben), []);
  for (const tab of tabs) assert.deepEqual(told(tab, ben), [], 'users receive no state of their own');
});

test('keeps a user online that reconnects within the grace period', async () => {
  const patient = await scene.addBridge(['--presence-grace=60s']);
  const { ann, ben, listener } = await friends();
  const cat = await companion(ann, listener);
  const tab = await scene.plain(ben, { bridge: patient });
  await hears(listener, ben, 'online');
  tab.close();
  await until('the bridge has noticed', async () => await patient.metric('herald_sessions') === 0);
  await scene.plain(cat, { bridge: patient });
  await hears(listener, cat, 'online');    // by a report that includes everything
  assert.equal(await isOnline(ben), true);
  await scene.plain(ben, { bridge: patient });
  await settle(listener);
  assert.deepEqual(told(listener, ben), ['online']);
});

test('keeps a user online that moves to another bridge', async () => {
  const { ben, listener } = await friends();
  const first = await scene.plain(ben);
  await hears(listener, ben, 'online');
  await scene.plain(ben, { bridge: other });
  await until('both bridges have reported it', async () => await bridgesOf(ben) === 2);
  first.close();
  await until('the first bridge has reported it', async () => await bridgesOf(ben) === 1);
  await settle(listener);
  assert.deepEqual(told(listener, ben), ['online']);
});

test('ends the users of a killed bridge with its lease, except those at another bridge', async () => {
  const doomed = await scene.addBridge(mortal);
  const { ann, ben, listener } = await friends();
  const cat = await companion(ann, listener);
  for (const user of [ben, cat]) await scene.plain(user, { bridge: doomed });
  for (const user of [ben, cat]) await hears(listener, user, 'online');
  const before = await database.value('SELECT alive_until FROM herald_internal.bridge AS b JOIN herald_internal.presence USING (bridge_id) WHERE user_id = $1', [cat]);
  await doomed.kill();
  await scene.plain(ben, { bridge: other });
  await hears(listener, cat, 'online', 'offline');
  assert.ok(Date.now() >= before);
  assert.ok(await database.value('SELECT herald.last_seen($1) <= $2', [cat, before]), 'when the bridge last reported');
  await settle(listener);
  assert.deepEqual(told(listener, ben), ['online']);
  await doomed.start();
});

test('ends the users of a stopped bridge at once, not with its lease', async () => {
  const leaving = await scene.addBridge(['--presence-grace=5s', '--presence-lease=1h']);
  const { ann, ben, listener } = await friends();
  const cat = await companion(ann, listener);
  const tab = await scene.plain(ben, { bridge: leaving });
  await scene.plain(cat, { bridge: leaving });
  for (const user of [ben, cat]) await hears(listener, user, 'online');
  await leaving.stop();
  await tab.closed;
  await scene.plain(ben, { bridge: other });
  await hears(listener, cat, 'online', 'offline');
  await settle(listener);
  assert.deepEqual(told(listener, ben), ['online']);
});

test('reports the users of a bridge again that hung for longer than its lease', async () => {
  const hanging = await scene.addBridge(mortal);
  const { ben, listener } = await friends();
  await scene.plain(ben, { bridge: hanging });
  await hears(listener, ben, 'online');
  process.kill(hanging.pid, 'SIGSTOP');
  await hears(listener, ben, 'online', 'offline');
  process.kill(hanging.pid, 'SIGCONT');
  await hears(listener, ben, 'online', 'offline', 'online');
});

test('keeps all users online across a restart of the database', async () => {
  const lasting = ['--presence-grace=300ms', '--presence-lease=10s'];    // longer than a bridge needs to be back
  const bridges = [await scene.addBridge(lasting), await scene.addBridge(lasting)];
  const { ann, ben, listener } = await friends();
  const cat = await companion(ann, listener);
  const mover = await scene.plain(ben, { bridge: bridges[0] });
  await scene.plain(cat, { bridge: bridges[1] });
  for (const user of [ben, cat]) await hears(listener, user, 'online');
  const former = (await database.query('SELECT DISTINCT bridge_id FROM herald_internal.presence WHERE user_id = ANY ($1)', [[ben, cat]])).map((row) => row.bridge_id);
  await scene.postgres.restart();
  for (const user of [ben, cat]) {
    await until('there is a report under another id', () => database.value(
      'SELECT count(*) > 0 FROM herald_internal.presence WHERE user_id = $1 AND bridge_id <> ALL ($2)', [user, former]).catch(() => false), 30000);
  }
  await database.query("UPDATE herald_internal.bridge SET alive_until = now(), lease = '0' WHERE bridge_id = ANY ($1)", [former]);
  await until('the old leases end', () => database.value('SELECT count(*) = 0 FROM herald_internal.bridge WHERE bridge_id = ANY ($1)', [former]));
  for (const user of [ben, cat]) assert.equal(await isOnline(user), true);
  // A signal is sent once: every bridge must listen again.
  for (const one of [scene.bridge, ...bridges]) await one.ready();
  await settle(listener);
  for (const user of [ben, cat]) assert.deepEqual(told(listener, user), ['online']);
  mover.close();
  await hears(listener, ben, 'online', 'offline');
});

test('does a status that was put off when the database is back', async () => {
  const lasting = await scene.addBridge(['--presence-lease=10s']);
  const [ben] = await scene.people('Ben');
  const tab = await scene.plain(ben, { bridge: lasting });
  const set = async (status) => assert.deepEqual((await tab.ask('presence:set', { status })).data, { status });
  await set('away');
  await set('busy');
  const failed = await lasting.metric('herald_actions_failed_total');
  await scene.postgres.stop();
  await until('it was due in vain', async () => await lasting.metric('herald_actions_failed_total') > failed);
  await scene.postgres.start();
  const chosen = () => database.value('SELECT chosen FROM herald.appearance WHERE user_id = $1', [ben]);
  await until('it is done', async () => await chosen().catch(() => {}) === 'busy', 30000);
});

test('keeps a status that was chosen on another bridge after one that is put off', async () => {
  const [slow, other] = [await scene.addBridge(['--presence-lease=10s']), await scene.addBridge()];
  const [ben] = await scene.people('Ben');
  const [tab, phone] = [await scene.plain(ben, { bridge: slow }), await scene.plain(ben, { bridge: other })];
  const set = async (client, status) => assert.deepEqual((await client.ask('presence:set', { status })).data, { status });
  const actions = () => slow.metric('herald_actions_total');
  await set(tab, 'away');
  await set(tab, 'busy');
  const before = await actions();
  const chosen = Date.now();
  process.kill(slow.pid, 'SIGSTOP');
  // The age of a choice is exact but for the time that it takes to the database.
  await until('the choices are far apart', () => Date.now() > chosen + 2000);
  await set(phone, 'invisible').finally(() => process.kill(slow.pid, 'SIGCONT'));
  await until('it is due', async () => await actions() > before);
  assert.equal((await tab.ask('inbox:list')).ok, true);      // comes behind it
  assert.equal(await database.value('SELECT chosen FROM herald.appearance WHERE user_id = $1', [ben]), 'invisible');
});

test('tells and keeps a status, and shows invisible users as offline', async () => {
  const { ben, listener } = await friends();
  const tab = await scene.plain(ben);
  const set = (status) => tab.ask('presence:set', { status });
  await hears(listener, ben, 'online');
  assert.deepEqual((await set('busy')).data, { status: 'busy' });
  await hears(listener, ben, 'online', 'busy');
  assert.equal(await database.value('SELECT status FROM herald.online WHERE user_id = $1', [ben]), 'busy');
  await set('invisible');
  await hears(listener, ben, 'online', 'busy', 'offline');
  assert.equal(await isOnline(ben), false);
  assert.deepEqual((await listener.ask('presence:list', { userIds: [ben] })).data, { users: [] });
  tab.close();
  await until('the bridge has reported it', async () => await bridgesOf(ben) === 0);
  const again = await scene.plain(ben);
  await until('the bridge has reported it', async () => await bridgesOf(ben) === 1);
  await again.ask('presence:set', { status: 'away' });
  await hears(listener, ben, 'online', 'busy', 'offline', 'away');
  assert.equal((await again.ask('presence:set', { status: 'asleep' })).error.code, '22023');
});

test('tells a status that changes often once in a while, and the last one in the end', async () => {
  const { ben, listener } = await friends();
  const [tab, phone] = [await scene.plain(ben), await scene.plain(ben)];
  const set = async (client, status) => assert.deepEqual((await client.ask('presence:set', { status })).data, { status });
  await hears(listener, ben, 'online');
  for (let n = 0; n < 10; n++) {
    await set(tab, 'away');
    await set(phone, 'online');
  }
  assert.equal((await tab.ask('presence:set', { status: 'asleep' })).error.code, '22023');
  await set(phone, 'busy');
  await hears(listener, ben, 'online', 'away', 'busy');
  await set(phone, 'online');
  await set(tab, 'away');
  phone.close();
  tab.close();
  await until('the last choice counts', async () =>
    await database.value('SELECT chosen FROM herald.appearance WHERE user_id = $1', [ben]) === 'away');
});

test('lists followed users, partners and requested users by presence:list, but no blocked ones', async () => {
  const { ann, ben, listener } = await friends();
  const [cat, dan, eve] = await scene.people('Cat', 'Dan', 'Eve');
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ann, cat]);
  await database.query('CREATE TABLE blocks (blocker_id bigint REFERENCES users, blocked_id bigint REFERENCES users)');
  await database.query("SELECT herald.watch_blocks('blocks')");
  await database.query('INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2)', [eve, ann]);
  const users = [ben, cat, dan, eve];
  for (const user of users) await scene.plain(user);
  for (const user of users) await online(user);
  const list = async (payload) => (await listener.ask('presence:list', payload)).data.users;
  assert.deepEqual((await list()).map(({ userId }) => userId), [ben, cat]);
  const requested = await list({ userIds: [dan, eve, Number(cat), '0'] });
  assert.deepEqual(requested.map(({ userId, status }) => [userId, status]), [[cat, 'online'], [dan, 'online']]);
  assert.ok(Math.abs(Date.now() - new Date(requested[0].since)) < 60000);
});

test('presence:list finds partners beside a group of thousands, and says that it has not looked at all of its members', async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  const listener = await scene.plain(ann);
  for (const user of [ben, cat]) await scene.plain(user);
  for (const user of [ben, cat]) await online(user);
  const conversation = () => database.value('INSERT INTO conversations DEFAULT VALUES RETURNING id');
  const [group, pair] = [await conversation(), await conversation()];
  await database.query(`WITH crowd AS (INSERT INTO users (username, display_name) SELECT 'crowd' || n, 'Crowd' FROM generate_series(1, 1100) AS n RETURNING id)
    INSERT INTO conversation_members (conversation_id, user_id) SELECT $1, id FROM crowd`, [group]);
  const join = (to, user) => database.query('INSERT INTO conversation_members (conversation_id, user_id) VALUES ($1, $2)', [to, user]);
  for (const user of [ann, ben]) await join(pair, user);
  const list = async (payload) => (await listener.ask('presence:list', payload)).data;
  const names = ({ users, ...rest }) => [users.map(({ userId }) => userId), rest];
  assert.deepEqual(names(await list()), [[ben], {}]);
  await join(group, ann);
  assert.deepEqual(names(await list()), [[ben], { partial: true }]);
  assert.deepEqual(names(await list({ userIds: [ben, cat] })), [[ben, cat], {}]);
});

test('counts the viewers of a post across tabs and bridges, and tells the viewers', async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  const post = await scene.post(ann);
  const look = async (user, options) => {
    const client = await scene.plain(user, options);
    assert.equal((await client.ask('room:join', { room: `post:${post}` })).ok, true);
    return client;
  };
  const counts = (client) => client.all('post:viewers').map(({ data }) => data.count);
  const sees = (client, count) => until(`${count} viewers`, () => counts(client).at(-1) === count);
  const first = await look(ann);
  await first.waitFor('post:viewers', (data) => data.postId === post && data.count === 1);
  const second = await look(ben, { bridge: other });
  const tab = await look(ann);
  for (const client of [first, second]) await sees(client, 2);
  const third = await look(cat);
  for (const client of [first, second, third, tab]) await sees(client, 3);
  tab.close();
  await second.ask('room:leave', { room: `post:${post}` });
  await sees(first, 2);
  third.close();
  await sees(first, 1);
  assert.deepEqual(new Set(counts(second)), new Set([2, 3]), 'no count after it left the room');
  first.close();
  await until('no viewer is left', () => database.value('SELECT count(*) = 0 FROM herald_internal.viewers WHERE room = $1', [`post:${post}`]));
});
