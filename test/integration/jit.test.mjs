// The bridge and pg_herald's own queries are never compiled by JIT, however low the server's threshold: compiling takes a second,
// the query a millisecond.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open({ settings: ['jit_above_cost=1'] });
after(() => scene.close());

const { database } = scene;
const compiles = (backend) => readFileSync(`/proc/${backend}/maps`, 'latin1').includes('llvmjit');

test('runs all queries of the bridge and the worker without JIT', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const client = await scene.socketIo(ann);
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  await client.waitFor('notification:new');
  for (const [action, data] of [['inbox:list', {}], ['message:list', { conversationId: conversation }],
    ['message:send', { conversationId: conversation, content: 'Hello' }], ['notification:read', { all: true }]]) {
    assert.equal((await client.ask(action, data)).ok, true, action);
  }
  client.cut();
  await until('the client has reconnected', () => client.connects.length === 2);

  const backends = await database.query("SELECT pid FROM pg_stat_activity WHERE usename = 'bridge' OR backend_type LIKE 'pg_herald %'");
  assert.ok(backends.length >= 3, `${backends.length} backends`);
  assert.deepEqual(backends.filter(({ pid }) => compiles(pid)), []);
});

test('runs the rules of an INSERT without JIT', async () => {
  const [ann] = await scene.people('Ann');
  await database.query(`CREATE TABLE calls (id int, callee text);
    SELECT herald.watch('calls', 'call', recipient => 'SELECT u.id FROM public.users AS u WHERE u.id::text = new.callee', title => 'Call {id}')`);
  const caller = await database.connect();
  const { rows: [{ pid }] } = await caller.query('SELECT pg_backend_pid() AS pid');
  await caller.query(`INSERT INTO calls VALUES (1, '${ann}')`);
  assert.equal(compiles(pid), false);
  assert.deepEqual((await caller.query(`SELECT title FROM herald.notification WHERE recipient_id = '${ann}'`)).rows, [{ title: 'Call 1' }]);
  assert.equal(compiles(pid), true, 'queries of the application may use JIT');
  await caller.end();
});

test('compiles the rules of a watched table without JIT', async () => {
  await database.query('CREATE TABLE pictures (id int PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, caption text)');
  const owner = await database.connect();
  const { rows: [{ pid }] } = await owner.query('SELECT pg_backend_pid() AS pid');
  await owner.query("SELECT herald.watch_posts('pictures', body => 'caption')");
  assert.equal(compiles(pid), false);
  assert.deepEqual((await owner.query('SHOW jit')).rows, [{ jit: 'on' }]);
  await owner.end();
});
