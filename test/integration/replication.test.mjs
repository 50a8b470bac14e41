// Logical replication: a publication for all tables does not stop maintenance, and a subscriber takes over as in docs/operations.md.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { Postgres } from './harness/postgres.mjs';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open({ settings: ['wal_level=logical', 'herald.recovery_window=1s'] });
const green = await Postgres.create({ preload: ['social'] });
after(() => Promise.all([scene.close(), green.destroy()]));
const { database: blue, postgres } = scene;
const [ann, ben, cleo] = await scene.people('Ann', 'Ben', 'Cleo');
const post = await scene.post(ann);
const like = (database, user) => database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [user, post]);

const dump = async (...options) => (await promisify(execFile)(path.join(postgres.bin, 'pg_dump'),
  ['-h', postgres.directory, '-p', postgres.port, '-U', 'postgres', '-d', 'social', ...options])).stdout;

// Extension tables whose rows are only added and truncated need no key: the partitions of the log.
const OWN_TABLES = `
  SELECT c.oid::regclass::text AS name FROM pg_class AS c
  WHERE c.relnamespace IN ('herald'::regnamespace, 'herald_internal'::regnamespace) AND c.relkind = 'r' AND
        NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid AND i.inhparent = 'herald.event'::regclass)`;

test('maintains the log of a database that publishes all tables', async () => {
  await blue.query('CREATE PUBLICATION everything FOR ALL TABLES');
  for (const { name } of await blue.query(OWN_TABLES)) await blue.query(`DELETE FROM ${name} WHERE false`);
  await until('retention has removed events twice', async () => {
    await blue.query("SELECT herald.publish('post:1', 'order:shipped', '{}'), herald.maintain()");
    return blue.value('SELECT max(id) > 1 FROM herald_internal.log_floor');
  });
});

test('hands over to a subscriber with the extension', { timeout: 60000 }, async () => {
  await like(blue, ben);
  const client = await scene.plain(ann);
  await scene.settle(client);
  const target = await green.createDatabase('social');

  const tables = (await blue.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).map(({ tablename }) => tablename);
  await blue.query(`CREATE PUBLICATION app FOR TABLE ${tables}`);
  await target.query('CREATE ROLE bridge LOGIN; CREATE ROLE social_app');
  await target.psqlInput(await dump('--schema-only', '--no-publications'));
  await target.query('GRANT herald_bridge TO bridge');
  await target.query(`CREATE SUBSCRIPTION green CONNECTION '${blue.conninfo('postgres')}' PUBLICATION app`);
  await like(blue, cleo);
  await until('the subscriber has all rows', () => target.value('SELECT count(*) = 2 FROM likes'));
  assert.equal(await target.value('SELECT count(*) FROM herald.event'), '0', 'the copy makes no events');
  await target.query('DROP SUBSCRIPTION green');
  await target.psqlInput(await dump('--data-only', '--extension=pg_herald', '--schema=herald', '--schema=herald_internal'));

  const inbox = 'SELECT * FROM herald.notification ORDER BY id';
  assert.deepEqual(await target.query(inbox), await blue.query(inbox));
  await until('the worker serves', () => target.value('SELECT herald.preloaded()'));
  assert.deepEqual(await target.query("SELECT problem, detail FROM herald.doctor() WHERE severity <> 'info'"), []);
  const bridge = await scene.addBridge([], target.conninfo('bridge'));
  const back = await scene.plain(ann, { bridge, position: client.position });
  assert.equal(back.welcomes[0].recovered, false, 'a position means nothing in another log');
  await target.query('DELETE FROM likes WHERE user_id = $1', [ben]);
  await back.waitFor('notification:removed');
  await back.waitFor('notification:unread', ({ count }) => count === 1);
});

test('the doctor names a subscription to the tables of the extension', async () => {
  const target = green.database('social');
  await target.query(`CREATE SUBSCRIPTION wrong CONNECTION '${blue.conninfo('postgres')}' PUBLICATION everything WITH (copy_data = false)`);
  assert.equal(await target.value("SELECT detail FROM herald.doctor() WHERE problem = 'log_replicated'"),
    'subscription wrong writes to tables of pg_herald: their transaction ids mean nothing here');
  await target.query('DROP SUBSCRIPTION wrong');
});
