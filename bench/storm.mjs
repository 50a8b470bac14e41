// storm.mjs: measures how many clients a second the bridge accepts, and the latency of connected clients meanwhile.
//
// The first phase opens TCP connections and sends nothing. The second phase
// connects plain WebSocket clients with a token. Each client closes its
// connection as soon as the bridge has welcomed it.

import net from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { Bystanders, spread } from './bystanders.mjs';
import { Crew, isMember, serve } from '../test/integration/harness/crew.mjs';
import { RawClient } from '../test/integration/harness/raw_client.mjs';
import { Scene } from '../test/integration/harness/scene.mjs';
import { until } from '../test/integration/harness/wait.mjs';

const RATE = Number(process.argv[2] ?? 5000);
const SECONDS = Number(process.argv[3] ?? 5);
const PROCESSES = 2;

function member() {
  // Begins connections at a fixed rate, without waiting for earlier ones. Returns the numbers of good and bad ones, and
  // the milliseconds that each good one took.
  const storm = async (count, begin) => {
    const outcomes = { good: 0, bad: 0, times: [] };
    const started = performance.now();
    const running = [];
    for (let n = 0; n < count;) {
      const due = Math.min(count, (performance.now() - started) / 1000 * RATE / PROCESSES);
      for (; n < due; n++) {
        const start = performance.now();
        running.push(begin(n).then(() => { outcomes.good++; outcomes.times.push(performance.now() - start); }, () => { outcomes.bad++; }));
      }
      await new Promise(setImmediate);
    }
    outcomes.begun = performance.now() - started;
    await Promise.all(running);
    return { ...outcomes, took: performance.now() - started };
  };
  return {
    bare: (port, count) => storm(count, () => new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1', () => { resolve(); socket.destroy(); });
      socket.on('error', reject);
    })),
    complete: (port, count, token) => storm(count, async () => {
      const client = new RawClient({ port }, 'plain', token);
      await client.connect().finally(() => client.close());
    }),
  };
}

async function main() {
  const scene = await Scene.open({ options: ['--max-connections=15000'] });
  const { bridge } = scene;
  const [ann] = await scene.people('Ann');
  const bystanders = await Bystanders.connect(scene);
  const crew = new Crew(import.meta.url, PROCESSES);
  const descriptors = bridge.descriptors;

  const report = (parts) => {
    const sum = (name) => parts.reduce((total, part) => total + part[name], 0);
    const rate = (count, name) => (count / Math.max(...parts.map((part) => part[name])) * 1000).toFixed(0);
    return `\n  ${sum('good')} accepted, ${sum('bad')} failed; ${rate(sum('good') + sum('bad'), 'begun')} attempts/s, ${rate(sum('good'), 'took')} accepted/s, in ${spread(parts.flatMap((part) => part.times))}`;
  };

  const count = RATE * SECONDS / PROCESSES;
  await bystanders.during('bystanders alone', () => pause(2000));
  await bystanders.during('TCP connections', () => crew.all('bare', bridge.port, count), report);
  await bystanders.during('clients with a token', () => crew.all('complete', bridge.port, count, scene.token(ann)), report);
  await until('all clients have disconnected', async () => await bridge.metric('herald_connections') === bystanders.clients.length);
  await until('the bridge has closed their descriptors', () => bridge.descriptors <= descriptors);
  console.log(`descriptors of the bridge: ${bridge.descriptors}, no more than before`);
  crew.close();
  bystanders.close();
  await scene.close();
}

if (isMember) serve(member());
else await main();
