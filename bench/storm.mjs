// storm.mjs: how many clients a second can come, and what those who are there notice.
//
// First bare TCP connections that say nothing, then complete arrivals with a token, on
// plain WebSockets; each is closed as soon as it has its welcome.

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
  // Begins one every so often, whatever became of those before; all outcomes, and the time that good ones took.
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
    return `\n  ${sum('good')} in, ${sum('bad')} not; ${rate(sum('good') + sum('bad'), 'begun')} a second began, ${rate(sum('good'), 'took')} a second got in, after ${spread(parts.flatMap((part) => part.times))}`;
  };

  const count = RATE * SECONDS / PROCESSES;
  await bystanders.during('nobody', () => pause(2000));
  await bystanders.during('bare connections', () => crew.all('bare', bridge.port, count), report);
  await bystanders.during('complete arrivals', () => crew.all('complete', bridge.port, count, scene.token(ann)), report);
  await until('all are gone', async () => await bridge.metric('herald_connections') === bystanders.clients.length);
  await until('no descriptor is left over', () => bridge.descriptors <= descriptors);
  console.log(`descriptors: ${bridge.descriptors}, as before`);
  crew.close();
  bystanders.close();
  await scene.close();
}

if (isMember) serve(member());
else await main();
