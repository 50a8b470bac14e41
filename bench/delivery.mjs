// delivery.mjs: prints the instructions of one delivery in the bridge, by callgrind: of single events, and of many in one transaction.
//
// A line is a name, a tab and a count. bench/instructions runs it.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { release } from '../test/integration/harness/bridge.mjs';
import { until } from '../test/integration/harness/wait.mjs';
import { Load } from './lib/load.mjs';
import { Stage, tokens } from './peers/stage.mjs';

const MEMBERS = 500, EVENTS = 20;

const directory = mkdtempSync(path.join(tmpdir(), 'herald-delivery-'));
const program = path.join(directory, 'herald-bridge');
writeFileSync(program, `#!/bin/sh\nexec valgrind -q --tool=callgrind --callgrind-out-file=${directory}/counts ${release} "$@"\n`);
chmodSync(program, 0o755);

const stage = await Stage.open(['herald'], { program });
const load = new Load((faults) => { throw new Error(faults); });

// Returns the instructions since the last call.
let dumps = 0;
async function count() {
  execFileSync('callgrind_control', ['--dump', stage.bridge.pid], { stdio: 'ignore' });
  const file = path.join(directory, `counts.${++dumps}`);
  await stage.bridge.get('/healthz');    // it dumps only when it runs
  return until('callgrind has dumped', () => {
    try {
      return Number(/^totals: (\d+)/m.exec(readFileSync(file, 'utf8'))?.[1]);
    } catch {
      return 0;
    }
  });
}

// Returns the least of several counts: timers only add to it.
async function least(times, work) {
  const counts = [];
  await count();
  for (let n = 0; n < times; n++) {
    await work();
    counts.push(await count());
  }
  return Math.min(...counts);
}

// Prints the instructions of work with so many deliveries to each member, without those of the request that has them counted.
async function measure(name, deliveries, times, work) {
  const counting = await least(5, () => {});
  const all = await least(times, work);
  console.log(`${name}\t${Math.round((all - counting) / deliveries / MEMBERS)}`);
}

for (const { name, client, destination } of stage.contenders) {
  await load.connect({ ...client, count: MEMBERS, tokens: tokens(MEMBERS), at_once: 50 });
  await load.exchange(destination, 1);
  await measure(`delivery of single events, ${name}`, 1, 15, () => load.exchange(destination, 1));
  await measure(`delivery of many events, ${name}`, EVENTS, 5, async () => {
    const first = await load.series(EVENTS, { filler: 200 });
    await stage.watched.query(`SELECT herald.publish('post:1', 'bench', jsonb_build_object('n', n, 'x', repeat(chr(97 + n % 26), 200)))
      FROM generate_series($1::int, $2::int) AS n`, [first, first + EVENTS - 1]);
    await load.await();
  });
  await load.forget();
}
load.close();
await stage.close();
rmSync(directory, { recursive: true });
