// fanout.mjs: one room with many members: the CPU time of a delivery, and the time until the last member has it.

import { Load } from '../lib/load.mjs';
import { Stage, tokens } from '../peers/stage.mjs';

export const title = 'Fan-out: one event to many members';
export const method = `All clients are in one room, which gets events of 200 bytes at a constant rate, 20,000 deliveries a second in all, and
then twenty events at once. *CPU* is that of all processes of the server, and of PostgreSQL where it takes part, divided by
the deliveries. PostgreSQL's part includes the start of the publisher's session, and what runs once a second. The limit is
an epoll loop that sends one frame to each socket, of as many bytes as the bridge's, and checks nothing. Its clients,
Nchan's and NATS's neither authenticate nor join.`;

const MEMBERS = [1000, 5000];
const DELIVERIES = 20000;
const BURST = 20;

export async function run(bench) {
  const relativeTo = 'bare epoll';
  for (const members of MEMBERS) {
    bench.measure(`CPU per delivery, ${members} members`, 'µs', { relativeTo });
    bench.measure(`CPU per delivery without PostgreSQL, ${members} members`, 'µs', { relativeTo });
    bench.measure(`CPU per delivery in a burst, ${members} members`, 'µs', { relativeTo });
    bench.measure(`call until the last has it, ${members} members, p50`, 'ms', { relativeTo });
    bench.measure(`burst of ${BURST} until the last has all, ${members} members`, 'ms', { relativeTo });
  }
  const stage = await Stage.open(['epoll', 'herald', 'nchan', 'nats', 'node']);
  const load = new Load((faults) => bench.fault(faults));

  for (const members of MEMBERS) {
    const credentials = tokens(members);
    const exchange = async (contender, measure, count, pace) => {
      const before = contender.cpu;
      const result = await load.exchange(contender.destination, count, pace);
      bench.add(measure, contender.name, (contender.cpu - before) / result.deliveries * 1000);
      return result;
    };
    await bench.inTurn(stage.contenders, async (contender) => {
      const { name } = contender;
      await load.connect({ ...contender.client, count: members, tokens: credentials });
      const rate = DELIVERIES / members;
      const before = contender.cpuOfSockets;
      const steady = await exchange(contender, `CPU per delivery, ${members} members`, rate * bench.size(5, 2), { rate });
      bench.add(`CPU per delivery without PostgreSQL, ${members} members`, name,
        (contender.cpuOfSockets - before) / steady.deliveries * 1000);
      bench.add(`call until the last has it, ${members} members, p50`, name, steady.until_last.p50);
      const burst = await exchange(contender, `CPU per delivery in a burst, ${members} members`, BURST * bench.size(4, 2), { rate: BURST * 2, burst: BURST });
      bench.add(`burst of ${BURST} until the last has all, ${members} members`, name, burst.until_last.max);
      await load.forget();
    }, { label: `${members} members` });
  }
  load.close();
  await stage.close();
}
