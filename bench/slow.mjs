// slow.mjs: ten thousand clients stop reading at once. Other clients measure the latency of events meanwhile.
//
// The slow clients are of all kinds in equal parts. In the end they read again,
// and those that the bridge disconnected reconnect. The benchmark fails unless
// each client has received each event exactly once, in order.
//
// The kernel buffers the data that a client has not read yet. On one machine,
// clients and bridge share the kernel's limit of TCP memory. The clients
// therefore use small receive buffers, in a network namespace of their own.

import { refused } from '../test/fault/own_machine.mjs';
import { execFileSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { Bystanders } from './bystanders.mjs';
import { Crew, isMember, serve } from '../test/integration/harness/crew.mjs';
import { RawClient, kinds } from '../test/integration/harness/raw_client.mjs';
import { Scene } from '../test/integration/harness/scene.mjs';
import { until } from '../test/integration/harness/wait.mjs';

const [CLIENTS, SIZE, OWN, ...OPTIONS] = [Number(process.argv[2] ?? 10000), Number(process.argv[3] ?? 8000), process.argv[4] === 'own', ...process.argv.slice(5)];
const EVENTS = 60;
const INTERVAL = 500;

// A part of the slow clients, in a process of its own.
function member() {
  const clients = [];
  const names = Object.keys(kinds);
  const inTurn = async (work) => {
    const waiting = [...clients];
    const next = async () => { for (let client; (client = waiting.pop());) await work(client); };
    await Promise.all(Array.from({ length: 200 }, next));
  };
  return {
    async connect(people, port) {
      for (const [id, token] of people) clients.push(new RawClient({ port }, names[id % names.length], token));
      await inTurn((client) => client.connect());
    },
    stop() { for (const client of clients) client.stop(); },
    // Reads until the last event. A client that the bridge disconnects reconnects. Returns the number of reconnects.
    async read(last) {
      let cuts = 0;
      await inTurn(async (client) => {
        client.read();
        while (client.numbers.at(-1) !== last) {
          const cut = await Promise.race([client.closed.then(() => true), until('the last event', () => client.numbers.at(-1) === last, 120000).then(() => false)]);
          if (!cut || client.numbers.at(-1) === last) continue;
          cuts++;
          await until('the client has reconnected', () => client.connect().then(() => true, () => false), 60000);
        }
      });
      return cuts;
    },
    faults(last) {
      const whole = String(Array.from({ length: last }, (_, n) => n + 1));
      return clients.filter(({ numbers, welcomes }) => String(numbers) !== whole || welcomes.slice(1).includes(false))
        .map(({ kind, numbers, welcomes }) => `${kind}: ${numbers.length} events ${numbers.slice(0, 5)} … ${numbers.slice(-5)}, recovered ${welcomes.slice(1)}`);
    },
  };
}

async function main() {
  if (refused) console.log(`${refused}; the clients use large buffers`);
  else execFileSync('sysctl', ['-qw', 'net.ipv4.tcp_rmem=4096 32768 65536']);
  const scene = await Scene.open({ options: [`--max-connections=${CLIENTS * 1.5}`, '--ping-interval=10min', ...OPTIONS] });
  const { database, bridge } = scene;
  await database.query(`INSERT INTO users (username, display_name) SELECT 'c' || n, 'Client ' || n FROM generate_series(1, $1::int) AS n`, [CLIENTS]);
  const people = (await database.query("SELECT id FROM users WHERE username LIKE 'c%' ORDER BY id")).map(({ id }) => [id, scene.token(id)]);
  const conversation = await scene.conversation(...people.map(([id]) => id));
  const bystanders = await Bystanders.connect(scene);
  const crew = new Crew(import.meta.url, 4);
  const memory = () => (bridge.memory / 2 ** 20).toFixed(0);
  const empty = memory();

  const measure = async (label, work) => {
    const result = await bystanders.during(label, work);
    console.log(`${''.padEnd(28)} ${await bridge.metric('herald_connections')} open, ${await bridge.metric('herald_slow_closed_total')} disconnected so far`);
    return result;
  };
  const publish = async (first, count, size) => {
    for (let n = first; n < first + count; n++) {
      await database.query(`SELECT herald.publish(room, 'bench', jsonb_build_object('n', $2::int, 'text', repeat('x', $3::int))) FROM unnest($1::text[]) AS room`,
        [OWN ? people.map(([id]) => `user:${id}`) : [`conversation:${conversation}`], n, size]);
      await pause(INTERVAL);
    }
  };

  await measure('bystanders alone', () => pause(1000));
  await measure(`${CLIENTS} connect`, () => crew.share('connect', people, bridge.port));
  await measure('they idle', () => pause(1000));
  await measure('they read', () => publish(1, 10, SIZE));
  await crew.all('stop');
  await measure('they do not read', () => publish(11, EVENTS, SIZE));
  const cuts = await measure('they read and reconnect', () => crew.all('read', 10 + EVENTS));
  const faults = (await crew.all('faults', 10 + EVENTS)).flat();
  console.log(`${cuts.reduce((sum, count) => sum + count, 0)} reconnects; memory of the bridge: ${empty} MB before, ${memory()} MB after`);
  console.log(faults.length ? `FAULTS: ${faults.slice(0, 5).join('; ')}; ${faults.length} in total` : 'every client received every event once, in order');
  crew.close();
  bystanders.close();
  await scene.close();
  process.exitCode = faults.length ? 1 : 0;
}

if (isMember) serve(member());
else await main();
