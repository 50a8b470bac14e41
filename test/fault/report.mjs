// report.mjs: what breaks things, and an outcome in words.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('nemesis/', import.meta.url);
const records = fileURLToPath(new URL('../../build/test', import.meta.url));

// Every nemesis, in the order of names.
export function nemeses() {
  return Promise.all(readdirSync(folder).sort().map((file) => import(new URL(file, folder))));
}

// One for each thing that can break.
export async function choose(random) {
  const all = await nemeses();
  return [...new Set(all.map(({ breaks }) => breaks))].map((kind) => random.choose(all.filter(({ breaks }) => breaks === kind)));
}

// One line of the table of faults.
export function summary(faults, { counts: { events, received, returns, lost, duplicated, repeated, gap } }) {
  return `${faults.map(({ name }) => name).join(' + ') || 'nothing'}: ${events} events written, ${received} received, ${returns} returns, ` +
    `${lost} lost, ${duplicated} duplicated, ${repeated} repeated after a crash, longest gap ${gap} ms`;
}

const clock = (at) => new Date(at).toISOString().slice(11, 23);

// An event of the log, one that is not in it, or what a writer knows.
function describe(event) {
  if (!event?.id) return JSON.stringify(event?.key ?? event);
  const { id, name, rooms, xid, at } = event;
  return `event ${id}${rooms ? ` ${name} in ${rooms} of transaction ${xid}, written ${clock(at)}` : ''}`;
}

// The first violations of each kind. All of them, with the history and what every client received, are kept in a file.
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
