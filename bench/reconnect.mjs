// reconnect.mjs: measures the time in which ten thousand clients recover after a restart of the bridge.
//
// Each client has missed events of its own room, of shared rooms and of all
// users. The measurement ends when the last client has received all of them.
// It fails unless each client has received each event exactly once, in order.

import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Scene } from '../test/integration/harness/scene.mjs';
import { Crew, isMember, serve } from '../test/integration/harness/crew.mjs';
import { Crowd } from '../test/integration/harness/crowd.mjs';

const CLIENTS = Number(process.argv[2] ?? 10000);
const PROCESSES = 4;
const CONVERSATIONS = Math.ceil(CLIENTS / 10);
const TO_EACH = Number(process.argv[3] ?? 1);
const TO_ALL = 5;

// A part of the clients, in a process of its own.
function member() {
  let crowd;
  const call = (method) => (...parameters) => crowd[method](...parameters);
  return { begin: (people, port) => { crowd = new Crowd(port, people); }, connect: call('connect'), have: call('have'), faults: call('faults') };
}

// Returns the CPU seconds that a process has used, and its peak memory in MB.
function usage(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const memory = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1];
  return { cpu: (Number(fields[11]) + Number(fields[12])) / 100, memory: Number(memory) / 1024 };
}

async function main() {
  const scene = await Scene.open({ settings: ['shared_preload_libraries=pg_herald,pg_stat_statements'], options: [`--max-connections=${CLIENTS + 100}`] });
  const { database, bridge } = scene;
  await database.query('CREATE EXTENSION pg_stat_statements');
  await database.query(`INSERT INTO users (username, display_name) SELECT 'c' || n, 'Client ' || n FROM generate_series(1, $1::int) AS n`, [CLIENTS]);
  const people = (await database.query("SELECT id FROM users WHERE username LIKE 'c%' ORDER BY id")).map(({ id }) => id);
  await database.query('INSERT INTO conversations SELECT FROM generate_series(1, $1::int)', [CONVERSATIONS]);
  await database.query(`INSERT INTO conversation_members (conversation_id, user_id)
    SELECT c.id, u.id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM users) AS u
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM conversations) AS c ON c.n = u.n % $1 + 1`, [CONVERSATIONS]);
  await database.query('ANALYZE');

  const crew = new Crew(import.meta.url, PROCESSES);
  const all = (...call) => crew.all(...call);
  await crew.share('begin', people.map((id) => [id, scene.token(id)]), bridge.port);
  const publish = (name, sql) => database.query(`SELECT herald.publish(room, $1, jsonb_build_object('n', n, 'text', repeat('x', 200))) FROM (${sql}) AS e (room, n)`, [name]);
  const toEach = (first, count) => publish('bench:own', `SELECT 'user:' || u.id, n FROM generate_series(${first}, ${first + count - 1}) AS n, users AS u ORDER BY n, u.id`);
  const toRooms = (first, count) => publish('bench:room', `SELECT 'conversation:' || c.id, n FROM generate_series(${first}, ${first + count - 1}) AS n, conversations AS c ORDER BY n, c.id`);
  const toAll = (first, count) => database.query(`SELECT herald.broadcast('bench:all', jsonb_build_object('n', n, 'text', repeat('x', 200))) FROM generate_series($1::int, $2::int) AS n`, [first, first + count - 1]);

  let started = performance.now();
  await all('connect');
  console.log(`${CLIENTS} clients connected in ${((performance.now() - started) / 1000).toFixed(2)} s`);
  await toEach(1, 1);
  await toRooms(1, 1);
  await toAll(1, 1);
  await all('have', 3);

  await bridge.kill();
  await toEach(2, TO_EACH);
  await toRooms(2, TO_EACH);
  await toAll(2, TO_ALL);
  await bridge.start();
  await database.query('SELECT pg_stat_statements_reset()');
  const before = usage(bridge.pid);
  started = performance.now();
  await all('connect');
  await all('have', 3 + 2 * TO_EACH + TO_ALL);
  const seconds = (performance.now() - started) / 1000;
  const after = usage(bridge.pid);
  const faults = (await all('faults', { 'bench:own': 1 + TO_EACH, 'bench:room': 1 + TO_EACH, 'bench:all': 1 + TO_ALL })).flat();
  const queries = await database.query(`SELECT s.calls::int, round(s.total_exec_time) AS ms, left(regexp_replace(s.query, '\\s+', ' ', 'g'), 90) AS query
    FROM pg_stat_statements AS s JOIN pg_roles AS r ON r.oid = s.userid WHERE s.toplevel AND r.rolname = 'bridge' ORDER BY 2 DESC`);
  console.log(`all clients recovered and received ${2 * TO_EACH + TO_ALL} missed events each in ${seconds.toFixed(2)} s`);
  console.log(`queries: ${queries.reduce((sum, { calls }) => sum + calls, 0)}; reads of the log: ${await bridge.metric('herald_log_readings_total')}`);
  for (const { calls, ms, query } of queries) console.log(`  ${String(calls).padStart(6)} × in ${ms} ms: ${query}`);
  console.log(`bridge: ${(after.cpu - before.cpu).toFixed(2)} s of CPU, peak ${after.memory.toFixed(0)} MB`);
  console.log(faults.length ? `FAULTS: ${faults.slice(0, 5).join('; ')}; ${faults.length} in total` : 'every client received every event once, in order');
  crew.close();
  await scene.close();
  process.exitCode = faults.length ? 1 : 0;
}

if (isMember) serve(member());
else await main();
