// The workers of herald.databases: when they start, and when they leave their database.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Postgres } from './harness/postgres.mjs';
import { until } from './harness/wait.mjs';

const servers = [];
after(() => Promise.all(servers.map((server) => server.destroy())));

async function server(options) {
  const postgres = await Postgres.create(options);
  servers.push(postgres);
  return postgres;
}

const isServed = (database) => until('a worker serves the database', () => database.value('SELECT herald.preloaded()'));

test('starts the worker after one restart when ALTER SYSTEM sets both parameters', async () => {
  const postgres = await server();
  const database = await postgres.createDatabase('app');
  await database.psql('-c', "LOAD 'pg_herald'", '-c', "ALTER SYSTEM SET shared_preload_libraries = 'pg_herald'",
    '-c', "ALTER SYSTEM SET herald.databases = 'app'");
  await database.query('CREATE EXTENSION pg_herald');
  await database.psql('-c', "SELECT herald.preloaded()", '-c', "ALTER SYSTEM SET herald.databases = 'app'");
  await postgres.restart();
  await isServed(database);
  assert.doesNotMatch(postgres.log(), /ERROR|WARNING|FATAL:  database/);
});

test('refuses to change herald.databases in a session', async () => {
  const [postgres] = servers;
  await assert.rejects(postgres.database('app').query("SET herald.databases = 'other'"), { code: '55P02' });
});

// The server could not start with such a list.
test('refuses a list of databases that cannot be read', async () => {
  const [postgres] = servers;
  const database = postgres.database('app');
  for (const list of ['app,', 'app,,other', ',app', 'my app', 'app other', '"app']) {
    await assert.rejects(database.query(`ALTER SYSTEM SET herald.databases = '${list}'`), { code: '22023' }, list);
  }
  await database.query(`ALTER SYSTEM SET herald.databases = 'app, "My App"'`);
});

test('keeps up with traffic, and does the rest of the maintenance every tenth time and at the end', { timeout: 120000 }, async () => {
  const postgres = await server({ preload: ['app'], settings: ['track_functions=pl', 'herald.recovery_window=1s'] });
  const database = await postgres.createDatabase('app');
  await database.query('CREATE EXTENSION pg_herald');
  await isServed(database);
  const calls = async (name) => Number(await database.value(
    "SELECT coalesce(sum(calls), 0) FROM pg_stat_user_functions WHERE funcname = $1", [name]));
  await until('the worker has kept up for some time', async () => {
    await database.query("SELECT herald.publish('order:1', 'order:shipped', '{}')");
    return await calls('keep_up') >= 25;
  });
  const keptUp = await calls('keep_up');
  const all = await calls('maintain');
  assert.ok(all >= 2 && all <= keptUp / 8 + 2, `${all} of all, ${keptUp} urgent`);
  await until('the worker has moved folds on as often', async () => await calls('move_folds_on') >= keptUp + all);
  await database.query("SELECT herald.publish('order:1', 'order:shipped', '{}')");
  await until('the worker does the rest', async () => await calls('maintain') > all);

  // Settings of the server for the application's transactions do not apply to the worker.
  for (const [name, value] of [['default_transaction_read_only', 'on'], ['default_transaction_isolation', 'serializable'], ['lock_timeout', '1ms']]) {
    await database.query(`ALTER SYSTEM SET ${name} = '${value}'`);
  }
  await postgres.restart();
  await isServed(database);
  const before = await calls('maintain');
  await until('the worker maintains', async () => {
    await database.query("BEGIN READ WRITE; SELECT herald.publish('order:1', 'order:shipped', '{}'); COMMIT");
    return await calls('maintain') >= before + 2;
  });
  assert.doesNotMatch(postgres.log(), /ERROR/);
});

// Maintenance waits for a table, with locks of others: DROP EXTENSION must lock none before it has ended.
test('drops the extension while the worker maintains', async () => {
  const postgres = await server({ preload: ['app'], settings: ['deadlock_timeout=100ms'] });
  const database = await postgres.createDatabase('app');
  await database.query('CREATE EXTENSION pg_herald');
  await isServed(database);
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE herald_internal.session_room IN ACCESS EXCLUSIVE MODE');
  await database.query("SELECT herald.publish('order:1', 'order:shipped', '{}')");
  const waits = (condition) => database.value(
    `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND ${condition})`);
  await until('the worker waits', () => waits("backend_type = 'pg_herald worker'"));
  const dropped = database.query('DROP EXTENSION pg_herald');
  await until('the command waits', () => waits("query LIKE 'DROP%'"));
  await holder.query('COMMIT');
  await dropped;
  await holder.end();
  assert.doesNotMatch(postgres.log(), /deadlock detected/);
});

test('starts one worker for a database that is named twice', async () => {
  const postgres = await server({ preload: ['app', 'app'] });
  const database = await postgres.createDatabase('app');
  await database.query('CREATE EXTENSION pg_herald');
  await isServed(database);
  await pause(2500);    // a worker that failed before the database existed is started again in this time
  assert.equal(await database.value("SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'pg_herald worker'"), 1);
});

test('logs a missing database once a minute, with a hint, and serves it once it exists', async () => {
  const postgres = await server({ preload: ['postgres', 'late'] });
  await until('the launcher warns', () => postgres.log().includes('HINT:  Make the database available'));
  await pause(5000);    // a launcher that does not wait adds a line every second
  const lines = postgres.log().split('\n').filter((line) => /"late" does not exist|exited with exit code/.test(line));
  assert.equal(lines.length, 1, lines.join('\n'));
  const database = await postgres.createDatabase('late');
  await database.query('CREATE EXTENSION pg_herald');
  await isServed(database);
});

const workerIn = (database, name) => database.query(
  "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_herald worker' AND datname = $1", [name]);

test('serves the databases of a reloaded list, and leaves those that it does not name', async () => {
  const postgres = await server({ preload: ['postgres'] });
  const [one, other] = [await postgres.createDatabase('one'), await postgres.createDatabase('other')];
  const serve = async (list) => {
    await one.query(`ALTER SYSTEM SET herald.databases = '${list}'`);
    await one.query('SELECT pg_reload_conf()');
  };
  for (const database of [one, other]) await database.query('CREATE EXTENSION pg_herald');
  await serve('one, other');
  await isServed(one);
  await isServed(other);
  await serve('other');
  await until('the worker leaves', async () => !await one.value('SELECT herald.preloaded()'));
  assert.equal(await other.value('SELECT herald.preloaded()'), true);
  assert.equal((await workerIn(one, 'one')).length, 0);
});

test('leaves its database for commands that need it for themselves', { timeout: 120000 }, async () => {
  const postgres = await server({ preload: ['app', 'renamed'] });
  const app = await postgres.createDatabase('app');
  const control = postgres.database('postgres');
  await app.query('CREATE EXTENSION pg_herald');
  await isServed(app);
  await app.close();

  await control.query('CREATE DATABASE copy TEMPLATE app');
  await control.query('ALTER DATABASE app RENAME TO renamed');
  const renamed = postgres.database('renamed');
  await isServed(renamed);
  await renamed.close();
  await control.query('ALTER DATABASE renamed RENAME TO app');
  await until('a worker is back', async () => (await workerIn(control, 'app')).length === 1);
  await control.query('DROP DATABASE app');

  const again = await postgres.createDatabase('app');
  await again.query('CREATE EXTENSION pg_herald');
  await isServed(again);
  await again.close();
  await control.query('DROP DATABASE app WITH (FORCE)');
  await pause(2500);    // a worker of a database that is gone would be started again in this time
  assert.doesNotMatch(postgres.log(), /FATAL|ERROR/);
});

test('stays in its database if the command is not one of the owner', async () => {
  const postgres = await server({ preload: ['app'] });
  const app = await postgres.createDatabase('app');
  await app.query('CREATE EXTENSION pg_herald; CREATE ROLE stranger LOGIN CREATEDB');
  await isServed(app);
  const before = await workerIn(app, 'app');
  const stranger = await postgres.database('postgres').connect('stranger');
  for (const command of ['DROP DATABASE app', 'ALTER DATABASE app RENAME TO mine', 'CREATE DATABASE mine TEMPLATE app']) {
    await assert.rejects(stranger.query(command), { code: '42501' }, command);
  }
  await stranger.end();
  assert.deepEqual(await workerIn(app, 'app'), before);
});
