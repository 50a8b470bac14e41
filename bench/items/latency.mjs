// latency.mjs: the time from a commit until one client has the event in its socket.

import { Load } from '../lib/load.mjs';
import { Stage, tokens } from '../peers/stage.mjs';

export const title = 'Latency: from the commit to the socket';
export const method = `One client per contender. *Likes at 200/s*: a writer inserts likes at a constant rate; the clock runs from the
moment at which its commit has returned until the author's client has the notification. *Published at 2,000/s*: four writers
call \`herald.publish()\` or \`pg_notify()\`, each call a transaction; the clock runs from the call. Writers and client are
threads of one C program with one clock. The limit is a libpq connection that listens by itself. A \`pg_notify()\` alone
writes nothing to disk, and its event is lost to whoever is away; *stored*: the publisher's transaction keeps the event in a
table of one index, too, so that its commit waits for the disk, as that of \`herald.publish()\` does.`;

const RATES = [200, 2000];

export async function run(bench) {
  bench.measure('likes at 200/s, commit returned until received, p50', 'ms', { relativeTo: 'libpq' });
  bench.measure('likes at 200/s, commit returned until received, p99', 'ms', { relativeTo: 'libpq' });
  for (const rate of RATES) {
    for (const share of ['p50', 'p99']) bench.measure(`published at ${rate}/s, call until received, ${share}`, 'ms', { relativeTo: 'libpq' });
    bench.measure(`published at ${rate}/s, commit returned until received, p50`, 'ms', { relativeTo: 'libpq' });
  }
  const stage = await Stage.open(['libpq', 'libpqStored', 'node', 'nodeStored', 'herald']);
  const load = new Load((faults) => bench.fault(faults));
  const seconds = bench.size(5, 2);
  let liker = 2;

  await bench.inTurn(stage.contenders, async ({ name, client, destination, like }) => {
    await load.connect({ ...client, tokens: tokens(1) });
    if (like) {
      const liked = await load.exchange(like, 200 * seconds, { first: liker, key: '"actorId"', filler: 0, rate: 200 });
      liker += 200 * seconds;
      for (const share of ['p50', 'p99']) bench.add(`likes at 200/s, commit returned until received, ${share}`, name, liked.since_commit[share]);
    }
    for (const rate of RATES) {
      const published = await load.exchange(destination, rate * seconds, { rate, writers: rate > 500 ? 4 : 1 });
      for (const share of ['p50', 'p99']) bench.add(`published at ${rate}/s, call until received, ${share}`, name, published.since_call[share]);
      bench.add(`published at ${rate}/s, commit returned until received, p50`, name, published.since_commit.p50);
    }
  });
  load.close();
  await stage.close();
}
