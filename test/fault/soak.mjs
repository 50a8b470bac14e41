// soak.mjs [MINUTES [SEED]]: rounds of faults, one or several at the same time, with a line for each; ends with 1 at the first
// round in which something was not as guaranteed.

import { choose, report, summary } from './report.mjs';
import { World } from './world.mjs';

const [minutes = 5, seed = Math.floor(Math.random() * 1e6)] = process.argv.slice(2).map(Number);
const began = Date.now();
const elapsed = () => Date.now() - began;
const time = () => new Date(elapsed()).toISOString().slice(11, 19);

const world = await World.open({ seed, flow: 150 });
const { random } = world;
const totals = { rounds: 0, events: 0, received: 0, returns: 0, lost: 0, duplicated: 0, repeated: 0, gap: 0 };
console.log(`seed ${seed}: ${minutes} minutes, ${world.writers.length} writers, ${world.clients.length} clients, ${world.bridges.length} bridges`);

function add({ gap, ...counts }) {
  totals.rounds++;
  totals.gap = Math.max(totals.gap, gap);
  for (const [name, count] of Object.entries(counts)) totals[name] += count;
}

while (elapsed() < minutes * 60000) {
  const faults = (await choose(random)).filter(() => random.below(3) > 0);
  const outcome = await world.round(faults);
  add(outcome.counts);
  console.log(`${time()} ${summary(faults, outcome)}`);
  if (outcome.violations.length === 0) continue;
  console.log(report(seed, outcome, world.record));
  process.exit(1);
}
await world.close();
console.log(`seed ${seed}: ${JSON.stringify(totals)}, refused by the server: ${JSON.stringify(world.refused)}`);
