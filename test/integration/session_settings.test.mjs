// Settings that the owner of the database or of the role may have made change nothing for the bridge and its clients.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;

const SETTINGS = {
  standard_conforming_strings: 'off',
  quote_all_identifiers: 'on',
  array_nulls: 'off',
  row_security: 'off',
  default_transaction_read_only: 'on',
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  idle_session_timeout: '100ms',
  idle_in_transaction_session_timeout: '100ms',
  statement_timeout: '100ms',
  lock_timeout: '100ms',
  exit_on_error: 'on',
  restrict_nonsystem_relation_kind: 'view, foreign-table',
  client_min_messages: 'debug5',
  transform_null_equals: 'on',
  client_encoding: 'LATIN1',
  search_path: 'nowhere',
  DateStyle: 'German, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Asia/Kolkata',
  bytea_output: 'escape',
  extra_float_digits: '-5',
};

// Ends the bridge's connections and waits until it has others.
async function reconnect() {
  const before = await scene.bridge.metric('herald_database_reconnects_total');
  const ended = await database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bridge'");
  assert.ok(ended.length > 3, `${ended.length} connections`);
  await until('the bridge has reconnected', async () =>
    await scene.bridge.metric('herald_database_reconnects_total') >= before + ended.length);
}

async function mainJob(scene) {
  const { database } = scene;
  const [ann, ben] = await scene.people('Ann', 'Ben');
  await database.query('UPDATE users SET display_name = $2 WHERE id = $1', [ben, 'Bén "\\"']);
  const post = await scene.post(ann);
  const conversation = await scene.conversation(ann, ben);
  const clients = await scene.both(ann);
  const sender = await scene.socketIo(ben);
  for (const client of clients) assert.equal((await client.ask('room:join', { room: `post:${post}` })).ok, true);
  await database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [ben, post]);
  for (const client of clients) assert.match((await client.waitFor('notification:new')).title, /Bén "\\"/);
  const content = 'Grüße \\ \' "NULL"';
  const answer = await sender.ask('message:send', { conversationId: conversation, content });
  assert.equal(answer.ok, true, JSON.stringify(answer));
  for (const client of clients) await client.waitFor('message:created', (message) => message.content === content);
  for (const [action, data] of [['inbox:list', {}], ['notification:read', { all: true }], ['presence:list', { userIds: [ben] }]]) {
    assert.equal((await clients[1].ask(action, data)).ok, true, action);
  }
  const refused = await sender.ask('message:send', { conversationId: '0', content });
  assert.equal(refused.error.code, '42501', JSON.stringify(refused));
  clients[1].cut();
  await until('the client has reconnected', () => clients[1].connects.length === 2);
  await scene.settle(...clients, sender);
}

// The session of the application that writes keeps the server's presets; only the bridge's role has these.
for (const [name, value] of Object.entries(SETTINGS)) {
  test(`works with ${name} = ${value}`, async () => {
    await database.query(`ALTER ROLE bridge SET ${name} = '${value}'`);
    await reconnect();
    await mainJob(scene);
    await database.query('ALTER ROLE bridge RESET ALL');
  });
}

test('logs no debug messages of the server about its queries', () => {
  assert.doesNotMatch(scene.bridge.log, /event=database_notice .*herald_internal/);
});

test('keeps its idle connections when the database ends idle sessions', async () => {
  await database.query("ALTER DATABASE social SET idle_session_timeout = '100ms'");
  await reconnect();
  const reconnects = await scene.bridge.metric('herald_database_reconnects_total');
  const ended = await database.connect();    // ends when the time is over, as the bridge's would
  await new Promise((resolve) => ended.on('end', resolve));
  assert.equal(await scene.bridge.metric('herald_database_reconnects_total'), reconnects);
  await database.query('ALTER DATABASE social RESET ALL');
});

test('works with all of them at once, and a bridge starts with them', async () => {
  for (const [name, value] of Object.entries(SETTINGS)) await database.query(`ALTER ROLE bridge SET ${name} = '${value}'`);
  await reconnect();
  await mainJob(scene);
  await scene.addBridge();
  await database.query('ALTER ROLE bridge RESET ALL');
});

test('works in the smallest server, without worker processes and WAL for replicas, with serializable transactions, and read-only', async (t) => {
  const small = await Scene.open({
    preload: false,    // the server has the library, and no room for a worker
    settings: [
      'shared_preload_libraries=pg_herald', 'herald.databases=social', 'max_worker_processes=0', 'max_parallel_workers=0', 'wal_level=minimal',
      'max_wal_senders=0', 'shared_buffers=1MB', 'work_mem=64kB', 'maintenance_work_mem=1MB', 'temp_buffers=100', 'default_transaction_isolation=serializable',
    ],
  });
  t.after(() => small.close());
  await mainJob(small);
  const problems = (await small.database.query("SELECT problem FROM herald.doctor() WHERE severity <> 'info'")).map(({ problem }) => problem);
  assert.deepEqual(problems.sort(), ['worker_missing', 'workers_few']);

  await small.database.query('ALTER SYSTEM SET default_transaction_read_only = on');
  await small.database.query('SELECT pg_reload_conf()');
  await until('the server is read-only', async () => await small.database.value('SHOW transaction_read_only') === 'on');
  const [user, room] = ['77', 'user:77'];
  const client = await small.plain(user);
  await small.database.query(`BEGIN READ WRITE; SELECT herald.notify('${user}', 'hello', 'Hello'), herald.publish('${room}', 'made', '{}'); COMMIT`);
  await client.waitFor('notification:new');
  await client.waitFor('made');
  assert.equal((await client.ask('notification:read', { all: true })).ok, true);
  assert.equal((await small.bridge.get('/readyz')).status, 200);
});
