// slow.mjs: a crowd that arrives, reads, stops reading, and reads on; meanwhile another client measures its latency.

import { Load } from '../lib/load.mjs';
import { memoryOf } from '../lib/processes.mjs';
import { Stage, tokens } from '../peers/stage.mjs';

export const title = 'Slow clients: a crowd stops reading';
export const method = `The crowd is in one room, which gets an event of 8 kB four times a second. The crowd stops reading, then reads on. Each
must have every event once and in order. Meanwhile another client on the same bridge has 50 events a second of its own, whose
time runs from the call. Unread bytes lie in the kernel, too, so the crowd has small receive buffers.`;

const PHASES = ['alone', 'the crowd arrives', 'the crowd reads', 'the crowd does not read', 'the crowd reads on'];
const RATE = 50, BIG = 8000;

export async function run(bench) {
  const size = bench.size(5000, 500), seconds = bench.size(6, 3);
  const relativeTo = 'alone';
  for (const share of ['p50', 'p99']) bench.measure(`latency of another client beside ${size}, ${share}`, 'ms', { relativeTo });
  bench.measure('memory of the bridge', 'MiB', { relativeTo });
  const stage = await Stage.open(['herald']);
  const [other, crowd] = [new Load((faults) => bench.fault(`another client: ${faults}`)), new Load((faults) => bench.fault(`crowd: ${faults}`))];
  const [{ client, destination }] = stage.contenders;
  const credentials = tokens(size, 100);
  const own = { ...destination, statement: destination.statement.replace('post:1', 'post:2') };

  const phase = async (name, work) => {
    const working = work();
    const { since_call: times } = await other.exchange(own, RATE * seconds, { filler: 50, rate: RATE });
    await working;
    for (const share of ['p50', 'p99']) bench.add(`latency of another client beside ${size}, ${share}`, name, times[share]);
    bench.add('memory of the bridge', name, memoryOf(stage.bridge.pid) / 2 ** 20);
  };
  await bench.inTurn([stage.contenders[0]], async () => {
    await other.connect({ ...client, room: 'post:2', tokens: tokens(1) });
    await phase('alone', async () => {});
    await phase('the crowd arrives', () => crowd.connect({ ...client, count: size, tokens: credentials, buffer: 4096 }));
    await phase('the crowd reads', () => crowd.exchange(destination, 4 * seconds, { filler: BIG, rate: 4 }));
    await crowd.series(4 * seconds, { filler: BIG });
    await crowd.stop();
    await phase('the crowd does not read', () => crowd.publish(destination, { rate: 4 }));
    await phase('the crowd reads on', async () => {
      await crowd.resume();
      await crowd.await(120);
    });
    await crowd.forget();
  });
  other.close();
  crowd.close();
  await stage.close();
}
