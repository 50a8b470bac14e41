// connections.mjs: the memory of idle sessions, and the cost of an arrival.

import { Load } from '../lib/load.mjs';
import { memoryOf } from '../lib/processes.mjs';
import { Stage, tokens } from '../peers/stage.mjs';

export const title = 'Connections: idle sessions and arrivals';
export const method = `Each session has a user of its own and a token. *Memory* is the growth of the server's own memory, without
PostgreSQL's and without the kernel's buffers, divided by the sessions. *Arrivals* are TCP, request, token and welcome,
200 at a time. Then one event must reach every session. *room:join* is the CPU time of server and PostgreSQL when
all sessions that have a WebSocket join one room, 200 at a time. Each measurement has new servers.`;

const KINDS = ['plain', 'Socket.IO', 'polling', 'event stream'];
const JOINING = ['plain', 'socket.io'];    // kinds of clients that have a WebSocket

async function measure(bench, servers, index) {
  const stage = await Stage.open(servers);
  const load = new Load((faults) => bench.fault(faults));
  const count = bench.size(4000, 1000);
  const contender = stage.contenders[index];
  const { name, client, pids: [pid] } = contender;
  const credentials = tokens(count);
  // Runs work for all sessions, and returns its result and the CPU time of one session in microseconds.
  const perSession = async (work) => {
    const before = contender.cpu;
    const result = await work();
    return { ...result, cpu: (contender.cpu - before) / count * 1000 };
  };
  await load.connect({ ...client, room: undefined, tokens: tokens(1) });
  const before = memoryOf(pid);
  const arrived = await perSession(() => load.connect({ ...client, room: undefined, count, tokens: credentials }));
  await load.exchange(contender.all, 1);
  bench.add('memory of an idle session', name, (memoryOf(pid) - before) / count / 1024);
  bench.add('arrivals', name, count / arrived.seconds);
  bench.add('CPU per arrival', name, arrived.cpu);
  if (JOINING.includes(client.kind)) bench.add('CPU per room:join', name, (await perSession(() => load.join(client.room))).cpu);
  await load.forget();
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
