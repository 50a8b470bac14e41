// writes.mjs: single likes, one a transaction: the cost of watching for the application's writes.

import { cpuOf } from '../lib/processes.mjs';
import { pgbench } from '../lib/pgbench.mjs';
import { median } from '../lib/statistics.mjs';
import { Writers } from '../peers/writers.mjs';

export const proof = 'Each like has made exactly one notification, and under pg_herald exactly one event of it.';
export const title = 'Writes: likes, one a transaction';
export const method = `pgbench inserts random likes, each in its own transaction with \`fsync\` on. All contenders have the same tables:
users, posts, and likes with two foreign keys. The hand-written trigger looks up author, preference and name, inserts a
notification and calls \`pg_notify\`. The *first like of a session* is one of a client in Node that has just connected: the median
of 40. After the runs each like must have exactly one notification and its event.`;

const LIKE = `\\set user random(1, 100000)
\\set post random(1, 10000)
INSERT INTO likes VALUES (:user, :post) ON CONFLICT DO NOTHING;
`;

const PHASES = [
  { label: '1 client', clients: 1 },
  { label: '32 clients', clients: 32 },
  { label: '32 clients, flush of 3 ms', clients: 32, flushDelay: 3000 },
];

async function measurePhases(bench, writers, phases) {
  await bench.inTurn(writers.all, async (writer) => {
    for (const { label, clients } of phases) {
      const before = cpuOf(writers.pid);
      const { rate, transactions } = await pgbench(writer.database, LIKE, { clients, seconds: bench.size(5, 2) });
      bench.add(`likes/s, ${label}`, writer.name, rate);
      bench.add(`server CPU per like, ${label}`, writer.name, (cpuOf(writers.pid) - before) / transactions * 1000);
    }
  });
}

// Without images of whole pages, whose number depends on the time since the last checkpoint only.
async function measureWal(bench, writers) {
  await writers.all[0].database.query('ALTER SYSTEM SET full_page_writes = off');
  await writers.all[0].database.query('SELECT pg_reload_conf()');
  await bench.inTurn(writers.all, async (writer) => {
    const before = await writer.wal();
    const { transactions } = await pgbench(writer.database, LIKE, { clients: 4, transactions: bench.size(1000, 500) });
    bench.add('WAL per like', writer.name, (await writer.wal() - before) / transactions);
  }, { label: 'WAL' });
}

// A session's caches are empty when it begins: its first like reads the catalogs.
async function measureFirst(bench, writers) {
  await bench.inTurn(writers.all, async (writer) => {
    const times = [];
    for (let n = 0; n < bench.size(40, 10); n++) {
      const session = await writer.database.connect();
      await session.query('SELECT 1');
      const [user, post] = [100000, 10000].map((most) => 1 + Math.floor(Math.random() * most));
      const began = performance.now();
      await session.query('INSERT INTO likes VALUES ($1, $2) ON CONFLICT DO NOTHING', [user, post]);
      times.push(performance.now() - began);
      await session.end();
    }
    bench.add('first like of a session', writer.name, median(times));
  }, { label: 'first likes' });
}

async function complain(bench, writers) {
  for (const writer of writers.all) {
    const complaint = await writer.complaint();
    if (complaint) bench.fault(complaint);
  }
}

export async function run(bench) {
  const relativeTo = 'no trigger';
  for (const { label } of PHASES) bench.measure(`likes/s, ${label}`, 'likes/s', { less: false, relativeTo });
  for (const { label } of PHASES) bench.measure(`server CPU per like, ${label}`, 'µs', { relativeTo });
  bench.measure('first like of a session', 'ms', { relativeTo });
  bench.measure('WAL per like', 'bytes', { relativeTo });
  for (const flushDelay of [0, 3000]) {
    const writers = await Writers.open({ flushDelay });
    await measurePhases(bench, writers, PHASES.filter((phase) => (phase.flushDelay ?? 0) === flushDelay));
    if (!flushDelay) {
      await measureFirst(bench, writers);
      await measureWal(bench, writers);
    }
    await complain(bench, writers);
    await writers.close();
  }
}
