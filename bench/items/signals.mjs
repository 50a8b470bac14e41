// signals.mjs: ephemeral events beside logged ones and pg_notify: latency, CPU and WAL.

import { Load } from '../lib/load.mjs';
import { Stage, tokens } from '../peers/stage.mjs';

export const title = 'Signals: events that are not logged';
export const method = `Two writers send signals, logged events or notifications, 1,000 a second in all, each call a transaction, and one client
receives all of them. The clock runs from the call. *WAL* is all that the server writes meanwhile, divided by the events.`;

const RATE = 1000;

export async function run(bench) {
  const relativeTo = 'pg_notify, Node';
  for (const share of ['p50', 'p99']) bench.measure(`call until received, ${share}`, 'ms', { relativeTo });
  bench.measure('CPU per event', 'µs', { relativeTo });
  bench.measure('WAL per event', 'bytes', { relativeTo });
  const stage = await Stage.open(['node', 'herald']);
  const load = new Load((faults) => bench.fault(faults));
  const [node, , herald] = stage.contenders;
  const wal = () => stage.writers.all[0].wal();

  await bench.inTurn([
    { name: 'pg_notify, Node', contender: node, destination: node.destination },
    { name: 'pg_herald, publish()', contender: herald, destination: herald.destination },
    { name: 'pg_herald, signal()', contender: herald, destination: herald.signal },
  ], async ({ name, contender, destination }) => {
    await load.connect({ ...contender.client, tokens: tokens(1) });
    const before = [contender.cpu, await wal()];
    const count = RATE * bench.size(5, 2);
    const { since_call: times } = await load.exchange(destination, count, { rate: RATE, writers: 2 });
    for (const share of ['p50', 'p99']) bench.add(`call until received, ${share}`, name, times[share]);
    bench.add('CPU per event', name, (contender.cpu - before[0]) / count * 1000);
    bench.add('WAL per event', name, (await wal() - before[1]) / count);
  });
  load.close();
  await stage.close();
}
