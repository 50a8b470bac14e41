// herald.doctor() reports on the server itself: a worker that has ended, and a standby. The server log has what an operator must see.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Postgres } from './harness/postgres.mjs';
import { until } from './harness/wait.mjs';

const primary = await Postgres.create({ preload: ['app'], settings: ['herald.recovery_window=1s'] });    // ten rounds of the worker last 1.25 s
after(() => primary.destroy());
const database = await primary.createDatabase('app');
await database.query('CREATE EXTENSION pg_herald');

const problems = async (server = database) =>
  (await server.query("SELECT problem FROM herald.doctor() WHERE problem NOT IN ('role_unused', 'owner_may_watch')")).map(({ problem }) => problem);
const healthy = () => until('the doctor finds no problem', async () => (await problems()).length === 0);

test('reports a missing worker until it runs again', async () => {
  await healthy();
  await until('the doctor reports worker_missing', async () => {
    await database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_herald worker'");
    return (await problems()).includes('worker_missing');
  });
  await healthy();
});

test('reports a standby, and examines the rules there', async () => {
  await database.query('CREATE TABLE orders (id int PRIMARY KEY, status text)');
  await database.query("SELECT herald.watch('orders', 'order', event => 'order:{status}', room => 'order:{id}')");
  const standby = await primary.standby();
  try {
    const copy = standby.database('app');
    assert.deepEqual(await problems(copy), ['standby']);
    await database.query('ALTER TABLE orders DROP COLUMN status');
    await until('the standby reports the broken rule', async () => (await problems(copy)).includes('rule_broken'));
  } finally {
    await standby.destroy();
  }
});

const logLines = (pattern) => primary.log().split('\n').filter((line) => pattern.test(line));

test('the server log has a suspended rule, its reason and where to look, once, also if the client asked for errors only', async () => {
  await database.query(`
    CREATE TABLE parcels (id int PRIMARY KEY, weight int);
    SELECT herald.watch('parcels', 'parcel', event => 'parcel:made', room => 'parcel:{id}', condition => 'new.weight > 0');
    ALTER TABLE parcels DROP COLUMN weight;
    SET client_min_messages = error;
    INSERT INTO parcels VALUES (1);
    INSERT INTO parcels VALUES (2);
    RESET client_min_messages`);
  const suspended = /WARNING:  rule "parcel" of table public\.parcels is suspended: column new\.weight does not exist/;
  assert.equal(logLines(suspended).length, 1, primary.log());
  assert.match(primary.log().split(suspended)[1], /DETAIL: .*Writes to the table pass without it\.\n.*HINT: .*herald\.doctor\(\)/);
});

// Nothing else happens in the database, so only the migration can have woken the worker.
test('the server log has a table that was made anew, also in an idle database', async () => {
  await database.query(`
    CREATE TABLE letters (id int PRIMARY KEY);
    SELECT herald.watch('letters', 'letter', event => 'letter:made', room => 'letter:{id}')`);
  const idle = () => database.value("SELECT now() - state_change > '3 s' FROM pg_stat_activity WHERE backend_type = 'pg_herald worker'");
  await until('the worker sleeps', idle);
  await database.query('DROP TABLE letters; CREATE TABLE letters AS SELECT 1 AS id');
  await until('the log names it', () => logLines(/LOG:  pg_herald: table public\.letters has the name of a watched table and is not watched/).length > 0, 60000);
  const remedy = /HINT:  (SELECT remedy .*;)/.exec(primary.log().split('table public.letters has the name')[1])[1];
  assert.match((await database.query(remedy)).map((row) => row.remedy).join(), /herald\.watch\('(public\.)?letters'/);
});

test('reports too few worker processes for the databases', async () => {
  const server = await Postgres.create({ preload: ['app', 'second', 'third'], settings: ['max_worker_processes=4'] });
  try {
    const app = await server.createDatabase('app');
    await app.query('CREATE EXTENSION pg_herald');
    const [{ severity, detail, remedy }] = await app.query("SELECT severity, detail, remedy FROM herald.doctor() WHERE problem = 'workers_few'");
    assert.equal(severity, 'warning');
    assert.match(detail, /names 3 databases, but max_worker_processes is 4/);
    await app.query(remedy.replace(/ --.*/, ''));
    await server.restart();
    assert.ok(!(await problems(app)).includes('workers_few'));
  } finally {
    await server.destroy();
  }
});
