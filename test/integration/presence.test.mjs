// Who is online is known to others and to the database, per user, whatever the tabs, the bridges and what becomes of them.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const options = ['--presence-grace=300ms', '--presence-lease=1s'];
const scene = await Scene.open({ options });
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database, bridge } = scene;
const other = await scene.addBridge(options);
let ends = 0;

const isOnline = (user) => database.value('SELECT herald.is_online($1)', [user]);
const online = (user) => until(`${user} is online`, () => isOnline(user));
const offline = (user) => until(`${user} is offline`, async () => !await isOnline(user));
const shown = (user) => database.query('SELECT shown FROM herald.appearance WHERE user_id = $1', [user]).then(([row]) => row?.shown);
const reports = () => database.value('SELECT count(*)::int FROM herald.bridge WHERE alive_until > now()');

// What a client was told of a user: [online, offline, …], each with its status.
const told = (client, user) => client.events
  .filter(({ event, data }) => /^user:o/.test(event) && data.userId === user)
  .map(({ event, data }) => (event === 'user:online' ? data.status : 'offline'));
const hears = (client, user, ...states) => until(`${client.label} hears of ${user}: ${states}`, () => told(client, user).length >= states.length)
  .catch(() => {}).then(() => assert.deepEqual(told(client, user), states));

// Signals come in the order of their commits: after this one, all before it have come.
async function settle(...clients) {
  const number = ++ends;
  await database.query("SELECT herald.signal('{*}', 'end', $1)", [{ number }]);
  await Promise.all(clients.map((client) => client.waitFor('end', (data) => data.number === number)));
}

// Two friends, in a conversation; the one listens.
async function friends() {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  await scene.conversation(ann, ben);
  return { ann, ben, listener: await scene.plain(ann) };
}

test('a user is online from the first tab to the last, and those who follow or talk to them hear it once', async () => {
  const { ben, listener } = await friends();
  const [cat, eve] = await scene.people('Cat', 'Eve');
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [cat, ben]);
  const [follower, stranger] = [await scene.socketIo(cat), await scene.plain(eve)];
  const tabs = [await scene.plain(ben), ...await scene.both(ben, { bridge: other })];
  for (const client of [listener, follower]) await hears(client, ben, 'online');
  assert.deepEqual(listener.all('user:online').at(-1).data, { userId: ben, status: 'online' });
  await online(ben);
  for (const tab of tabs.slice(1)) tab.close();
  await until('the other bridge has told it', () => database.value('SELECT count(*) = 1 FROM herald.presence WHERE user_id = $1', [ben]));
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
  await settle(stranger, ...tabs.slice(0, 0));
  assert.deepEqual(told(stranger, ben), []);
});
