// connections.mjs: the memory of idle sessions, and the cost of an arrival.

import { Load } from '../lib/load.mjs';
import { memoryOf } from '../lib/processes.mjs';
import { Stage, tokens } from '../peers/stage.mjs';

export const title = 'Connections: idle sessions and arrivals';
export const method = `Each session has a user of its own and a token. *Memory* is the growth of the server's own memory, without
PostgreSQL's and without the kernel's buffers, divided by the sessions. *Arrivals* are TCP, request, token and welcome,
200 at a time. In the end one event must reach every session. Each measurement has new servers. *room:join* is the CPU
time that an arrival costs more when it joins a room.`;

const KINDS = ['plain', 'Socket.IO', 'polling', 'event stream'];

async function measure(bench, servers, index) {
  const stage = await Stage.open(servers);
  const load = new Load((faults) => bench.fault(faults));
  const count = bench.size(4000, 1000);
  const contender = stage.contenders[index];
  const { name, client, pids: [pid] } = contender;
  const credentials = tokens(count);
  const arrive = async (room) => {
    const before = contender.cpu;
    const { seconds } = await load.connect({ ...client, room, count, tokens: credentials });
    return { rate: count / seconds, cpu: (contender.cpu - before) / count * 1000 };
  };
  await load.connect({ ...client, room: undefined, tokens: tokens(1) });
  const before = memoryOf(pid);
  const arrived = await arrive();
  await load.exchange(contender.all, 1);
  bench.add('memory of an idle session', name, (memoryOf(pid) - before) / count / 1024);
  bench.add('arrivals', name, arrived.rate);
  bench.add('CPU per arrival', name, arrived.cpu);
  if (client.kind !== 'event stream') bench.add('CPU per room:join', name, (await arrive(client.room)).cpu - arrived.cpu);
  load.close();
  await stage.close();
}

export async function run(bench) {
  bench.measure('memory of an idle session', 'KiB');
  bench.measure('arrivals', '1/s', { less: false });
  bench.measure('CPU per arrival', 'µs');
  bench.measure('CPU per room:join', 'µs');
  const contenders = [
    ...KINDS.map((kind, index) => ({ name: `pg_herald, ${kind}`, servers: ['herald', 'heraldHttp'], index })),
    { name: 'Node, Socket.IO', servers: ['node'], index: 0 },
    { name: 'Node, polling', servers: ['nodePolling'], index: 0 },
  ];
  await bench.inTurn(contenders, ({ servers, index }) => measure(bench, servers, index));
}
