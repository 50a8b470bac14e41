// backlog.mjs: events that wait in the log while the bridge stands still.

import { performance } from 'node:perf_hooks';
import { Load } from '../lib/load.mjs';
import { pgbench } from '../lib/pgbench.mjs';
import { Stage, tokens } from '../peers/stage.mjs';

export const title = 'Backlog: events that the bridge has not read yet';
export const method = `The bridge is stopped by a signal while events are published, and goes on. *Published events* all go to one room
with one client; the clock runs until it has the last one. *Likes* are single transactions on many posts, two events each;
the clock runs until the client has an event that was published behind them.`;

const LIKE = `\\set user random(1, 100000)
\\set post random(2, 10000)
INSERT INTO likes VALUES (:user, :post) ON CONFLICT DO NOTHING;
`;

export async function run(bench) {
  bench.measure('published events read', 'events/s', { less: false });
  bench.measure('events of likes read', 'events/s', { less: false });
  const stage = await Stage.open(['herald'], { options: ['--queue-limit=256MB', '--total-queue-limit=1GB'] });
  const { bridge, watched } = stage;
  const load = new Load((faults) => bench.fault(faults));
  const events = bench.size(100000, 20000), likes = bench.size(10000, 2000);

  // Returns the seconds that the bridge needs for the events that write() makes.
  const backlog = async (write) => {
    process.kill(bridge.pid, 'SIGSTOP');
    await write().finally(() => process.kill(bridge.pid, 'SIGCONT'));
    const begun = performance.now();
    await load.await(120);
    return (performance.now() - begun) / 1000;
  };
  await bench.inTurn(stage.contenders, async (contender) => {
    await load.connect({ ...contender.client, tokens: tokens(1) });
    const first = await load.series(events, { filler: 50 });
    bench.add('published events read', contender.name, events / await backlog(() => watched.query(`SELECT count(herald.publish('post:1', 'bench',
      jsonb_build_object('n', n, 'x', repeat(chr(97 + n % 26), 50)))) FROM generate_series($1::int, $2::int) AS n`, [first, first + events - 1])));

    await load.series(1, { filler: 50 });
    const count = () => watched.value('SELECT count(*)::int FROM likes');
    const before = await count();
    const seconds = await backlog(async () => {
      await pgbench(watched, LIKE, { clients: 8, transactions: likes / 8 });
      await load.publish(contender.destination);
    });
    bench.add('events of likes read', contender.name, 2 * (await count() - before) / seconds);
  });
  load.close();
  await stage.close();
}
