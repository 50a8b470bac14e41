// The setting herald.databases: set before the library is preloaded, and with a name that no database has.

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
  await until('the worker warns', () => postgres.log().includes('HINT:  Make the database available'));
  await pause(5000);    // a worker that does not wait adds a line every second
  const lines = postgres.log().split('\n').filter((line) => /"late" does not exist|exited with exit code/.test(line));
  assert.equal(lines.length, 3, lines.join('\n'));    // the failed connection, the end of its process, the warning
  const database = await postgres.createDatabase('late');
  await database.query('CREATE EXTENSION pg_herald');
  await isServed(database);
});
