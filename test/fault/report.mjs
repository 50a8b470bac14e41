// report.mjs: finds the nemeses, chooses some for a round, and prints outcomes.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('nemesis/', import.meta.url);
const records = fileURLToPath(new URL('../../build/test', import.meta.url));

// The kinds of faults in the order in which they strike: a crash would end the transactions of others, and an update wait for them.
const kinds = ['clock', 'server', 'log', 'bridge', 'doorbell', 'transaction', 'size'];

// Returns every nemesis, sorted by name.
export function everyNemesis() {
  return Promise.all(readdirSync(folder).sort().map((file) => import(new URL(file, folder))));
}

// Returns the nemeses that need no special environment.
export const nemeses = async () => (await everyNemesis()).filter(({ needs }) => !needs);

// Chooses nemeses that break different kinds of things, and none that is broken already. Those with the fewest strikes come first.
export function choose({ random, broken, strikes }, candidates) {
  const taken = new Set(broken);
  const chosen = [];
  const times = ({ name }) => strikes[name] ?? 0;
  const free = () => candidates.filter(({ breaks }) => !breaks.some((kind) => taken.has(kind)));
  for (let left = free(); left.length > 0; left = free()) {
    const fewest = Math.min(...left.map(times));
    const one = random.choose(left.filter((nemesis) => times(nemesis) === fewest));
    chosen.push(one);
    for (const kind of one.breaks) taken.add(kind);
  }
  const turn = ({ breaks: [kind] }) => kinds.indexOf(kind);
  return chosen.sort((one, other) => turn(one) - turn(other));
}

export const names = (faults) => faults.map(({ name }) => name).join(' + ') || 'nothing';

// Returns the line of a round in the table of faults.
export function summary(faults, { counts: { events, received, returns, lost, duplicated, gap } }) {
  return `${names(faults)}: ${events} events written, ${received} received, ${returns} returns, ` +
    `${lost} lost, ${duplicated} duplicated, longest gap ${gap} ms`;
}

// Returns what a round that broke off leaves to repeat it: the seed, its faults, and the error that ended it.
export const brokenOff = (seed, faults, error) => `HERALD_SEED=${seed}, broke off during ${names(faults)}\n${error.stack ?? error}`;

const clock = (at) => new Date(at).toISOString().slice(11, 23);

// Describes an event of the log, a received event that the log lacks, or a writer's transaction.
function describe(event) {
  if (!event?.id) return JSON.stringify(event?.key ?? event);
  const { id, name, rooms, xid, at } = event;
  return `event ${id}${rooms ? ` ${name} in ${rooms} of transaction ${xid}, written ${clock(at)}` : ''}`;
}

// Returns the first violations of each kind. A file keeps all of them, with the history and everything that clients received.
export function report(seed, { violations }, record) {
  const kinds = new Map();
  for (const { kind, client, event, at } of violations) {
    if (!kinds.has(kind)) kinds.set(kind, []);
    kinds.get(kind).push(`  ${kind}: ${client}${at ? ` at ${clock(at)}` : ''}: ${describe(event)}`);
  }
  mkdirSync(records, { recursive: true });
  writeFileSync(`${records}/fault-${seed}.json`, JSON.stringify({ violations, record }));
  return [`HERALD_SEED=${seed}, record: build/test/fault-${seed}.json`,
    ...[...kinds].flatMap(([kind, lines]) => [`${lines.length} ${kind}`, ...lines.slice(0, 5)])].join('\n');
}
