// herald.doctor() reports on the server itself: a worker that has ended, and a standby.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Postgres } from './harness/postgres.mjs';
import { until } from './harness/wait.mjs';

const primary = await Postgres.create({ preload: ['app'] });
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
