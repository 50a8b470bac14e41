// throughput.mjs: likes one by one, faster and faster, until events lag behind.

import { Load } from '../lib/load.mjs';
import { pgbench } from '../lib/pgbench.mjs';
import { Stage, tokens } from '../peers/stage.mjs';

export const title = 'Throughput: likes one by one until the lag grows';
export const method = `pgbench inserts likes with 8 connections at a rate that rises by a quarter every few seconds, while a client gets
twenty other events a second. The last rate counts at which the writers kept up and the client's last event came within
250 ms, at the second attempt at the latest. A contender that fails at the first rate begins with half of it, and so on.
Server, writers and client share the cores.`;

const LIKE = `\\set user random(1, 100000)
\\set post random(2, 10000)
INSERT INTO likes VALUES (:user, :post) ON CONFLICT DO NOTHING;
`;
const PROBES = 20, LAG = 250, FIRST = 500, LEAST = 30, GROWTH = 1.25;

// Returns whether the rate was reached, and the delay of the last event in milliseconds.
async function step(load, contender, database, rate, seconds) {
  await load.series(PROBES * seconds, { filler: 200 });
  const [written] = await Promise.all([pgbench(database, LIKE, { clients: 8, seconds, rate }), load.publish(contender.destination, { rate: PROBES })]);
  const { last } = await load.await();
  return { reached: written.rate > 0.9 * rate, lag: last };
}

export async function run(bench) {
  bench.measure('likes sustained', 'likes/s', { less: false });
  const stage = await Stage.open(['node', 'herald']);
  const load = new Load((faults) => bench.fault(faults));
  const seconds = bench.size(3, 2);

  await bench.inTurn(stage.contenders.filter(({ client }) => client.kind === 'socket.io'), async (contender) => {
    const database = contender.name.startsWith('Node') ? stage.hand : stage.watched;
    await load.connect({ ...contender.client, tokens: tokens(1) });
    const attempt = async (rate) => {
      const { reached, lag } = await step(load, contender, database, Math.round(rate), seconds);
      bench.say(`${contender.name}: ${Math.round(rate)} likes/s${reached ? '' : ' not reached'}, the last event after ${lag.toFixed(0)} ms`);
      return reached && lag <= LAG;
    };
    const sustains = async (rate) => await attempt(rate) || attempt(rate);
    let rate = FIRST;
    while (rate >= LEAST && !await sustains(rate)) rate /= 2;
    if (rate < LEAST) {
      bench.fault(`it sustains not even ${Math.round(rate * 2)} likes/s`);
      return;
    }
    while (await sustains(rate * GROWTH)) rate *= GROWTH;
    bench.add('likes sustained', contender.name, rate);
  });
  load.close();
  await stage.close();
}
