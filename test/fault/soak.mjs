// soak.mjs [MINUTES [SEED]]: runs rounds of faults, one or several at a time, and prints a line for each. Exits with 1 after the
// first round that broke a guarantee, or broke off.

import { refused as machineRefused } from './own_machine.mjs';
import './own_tree.mjs';
import { clocks } from './own_clock.mjs';
import { brokenOff, choose, everyNemesis, report, summary } from './report.mjs';
import { World } from './world.mjs';

const [minutes = 5, seed = Math.floor(Math.random() * 1e6)] = process.argv.slice(2).map(Number);
const began = Date.now();
const elapsed = () => Date.now() - began;
const time = () => new Date(elapsed()).toISOString().slice(11, 19);

// Why this machine cannot provide something that a nemesis needs; a false value: it can.
const refused = {
  network: machineRefused, disks: machineRefused,
  'its own run': 'it moves the lock timeouts of writers, too; clock.test.mjs runs it alone',
};
const all = await everyNemesis();
const nemeses = all.filter(({ needs }) => !refused[needs]);

const world = await World.open({
  seed, flow: 60, clocks,
  settings: ['max_wal_size=64MB', 'wal_keep_size=64MB', 'wal_recycle=off', 'wal_retrieve_retry_interval=100ms'],
  options: ['--queue-limit=8kB', '--event-cache-size=64kB', '--page-size=50', '--drain-timeout=1s', '--ping-interval=1s', '--ping-timeout=2s'],
  scene: { standby: true, ...(machineRefused ? {} : { network: true, disks: { pg_wal: '256M', base: '4G', pg_notify: '4M' } }) },
});
await world.scene.replicateSynchronously();

const totals = { rounds: 0, events: 0, received: 0, returns: 0, lost: 0, duplicated: 0, gap: 0 };
const missing = all.filter((nemesis) => !nemeses.includes(nemesis)).map(({ name, needs }) => `${name} (${refused[needs]})`);
console.log(`seed ${seed}: ${minutes} minutes, ${world.writers.length} writers, ${world.clients.length} clients, ${world.bridges.length} bridges, ` +
  `${nemeses.length} faults, left out: ${missing.join(', ') || 'none'}`);

function add({ gap, ...counts }) {
  totals.rounds++;
  totals.gap = Math.max(totals.gap, gap);
  for (const [name, count] of Object.entries(counts)) totals[name] += count;
}

while (elapsed() < minutes * 60000) {
  const faults = choose(world, nemeses).filter(() => world.random.oneIn(2));
  const outcome = await world.round(faults).catch((error) => {
    console.log(`${time()} ${brokenOff(seed, faults, error)}`);
    process.exit(1);
  });
  add(outcome.counts);
  console.log(`${time()} ${summary(faults, outcome)}`);
  if (outcome.violations.length === 0) continue;
  console.log(report(seed, outcome, world.record));
  process.exit(1);
}
await world.close();
console.log(`seed ${seed}: ${JSON.stringify(totals)}, refused by the server: ${JSON.stringify(world.refused)}, strikes: ${JSON.stringify(world.strikes)}`);
