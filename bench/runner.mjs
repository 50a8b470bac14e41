// runner.mjs [--short] [--rounds=N] [ITEM...]: runs items in turn and writes bench/results. Fails when a client's log has faults.

import { parseArgs } from 'node:util';
import { machine, loadBefore } from './lib/machine.mjs';
import { Recorder } from './lib/recorder.mjs';
import { folder, readResults, table, writeResults } from './lib/results.mjs';

const ITEMS = ['writes', 'bulk', 'latency', 'fanout', 'connections', 'throughput', 'backlog', 'recovery', 'inbox', 'privacy', 'growth', 'signals', 'slow', 'tls', 'hostile'];

const { values: options, positionals } = parseArgs({ allowPositionals: true,
  options: { short: { type: 'boolean', default: false }, rounds: { type: 'string', default: '3' } } });
const names = positionals.length ? positionals : ITEMS;
const unknown = names.find((name) => !ITEMS.includes(name));
if (unknown) {
  console.error(`bench: there is no item ${unknown}; there are ${ITEMS.join(', ')}`);
  process.exit(2);
}

const RECEIVED = 'No client missed an event, had one twice, or had a corrupt one.';

async function runItem(name) {
  const { title, method, proof = RECEIVED, run } = await import(`./items/${name}.mjs`);
  const recorder = new Recorder(name, { rounds: Number(options.rounds), short: options.short });
  const result = { title, method, proof, date: new Date().toISOString().slice(0, 16).replace('T', ' '), short: options.short,
    load: loadBefore(), machine: machine() };
  await run(recorder);
  const { seconds, faults } = recorder;
  return { ...result, seconds, faults, measures: [...recorder.measures.values()] };
}

const results = readResults();
let faulty = 0;
for (const name of names) {
  const result = await runItem(name);
  results.items[name] = result;
  faulty += result.faults.length > 0;
  for (const measure of result.measures) console.log(`\n${table(measure)}`);
  console.log('');
  results.items = Object.fromEntries(ITEMS.filter((item) => results.items[item]).map((item) => [item, results.items[item]]));
  writeResults(results);
}
console.log(`${names.length} items, ${faulty} with faults; the results are in ${folder}`);
process.exit(faulty ? 1 : 0);
