// recovery.mjs: all clients return at once after the bridge has restarted, each with a joined room.

import { performance } from 'node:perf_hooks';
import { cpuOf } from '../lib/processes.mjs';
import { Load } from '../lib/load.mjs';
import { Stage, tokens } from '../peers/stage.mjs';

export const title = 'Recovery: all clients return at once';
export const method = `Each client has joined one of many rooms. The bridge is killed, each room gets events and all users get some, and the
bridge starts again. All clients return with their positions, 500 at once. The clock stops when the last one has every
missed event, once. A client that is not recovered is a fault.`;

const TO_ROOMS = 3, TO_ALL = 2;

export async function run(bench) {
  const count = bench.size(10000, 1000), rooms = count / 10;
  bench.measure(`${count} clients are back and have ${TO_ROOMS + TO_ALL} missed events each`, 's');
  bench.measure('CPU per return, bridge', 'µs');
  bench.measure('CPU per return, PostgreSQL', 'µs');
  const stage = await Stage.open(['herald']);
  const { bridge, watched, writers } = stage;
  const load = new Load((faults) => bench.fault(faults));
  const payload = "jsonb_build_object('n', $1::int, 'x', repeat(chr(97 + $1::int % 26), 200))";
  const contender = stage.contenders[0];

  await bench.inTurn([contender], async ({ name, client }) => {
    await load.connect({ ...client, room: 'post:', rooms, count, tokens: tokens(count), at_once: 500 });
    process.kill(bridge.pid, 'SIGSTOP');    // it sees no client leave
    await load.drop();
    await bridge.kill();
    const first = await load.series(TO_ROOMS + TO_ALL, { filler: 200 });
    for (let n = first; n < first + TO_ROOMS; n++) {
      await watched.query(`SELECT count(herald.publish('post:' || room, 'bench', ${payload})) FROM generate_series(1, $2::int) AS room`, [n, rooms]);
    }
    for (let n = first + TO_ROOMS; n < first + TO_ROOMS + TO_ALL; n++) await watched.query(`SELECT herald.broadcast('bench', ${payload})`, [n]);
    await bridge.start();
    const before = [cpuOf(bridge.pid), cpuOf(writers.pid)];
    const begun = performance.now();
    const { recovered } = await load.return();
    await load.await(120);
    bench.add(`${count} clients are back and have ${TO_ROOMS + TO_ALL} missed events each`, name, (performance.now() - begun) / 1000);
    bench.add('CPU per return, bridge', name, (cpuOf(bridge.pid) - before[0]) / count * 1000);
    bench.add('CPU per return, PostgreSQL', name, (cpuOf(writers.pid) - before[1]) / count * 1000);
    if (recovered !== count) bench.fault(`${count - recovered} clients were not recovered`);
    await load.forget();
  });
  load.close();
  await stage.close();
}
