// report.mjs: what breaks things, and an outcome in words.

import { readdirSync } from 'node:fs';

const folder = new URL('nemesis/', import.meta.url);

// Every nemesis, in the order of names.
export function nemeses() {
  return Promise.all(readdirSync(folder).sort().map((file) => import(new URL(file, folder))));
}

// One line of the table of faults.
export function summary(name, { counts: { events, received, returns, lost, duplicated, repeated, gap } }) {
  return `${name}: ${events} events written, ${received} received, ${returns} returns, ${lost} lost, ${duplicated} duplicated, ` +
    `${repeated} repeated after a crash, longest gap ${gap} ms`;
}

// The first violations of each kind.
export function report({ violations }) {
  const kinds = new Map();
  for (const { kind, client, event, at } of violations) {
    if (!kinds.has(kind)) kinds.set(kind, []);
    kinds.get(kind).push(`  ${kind}: ${client}, ${JSON.stringify(event)}${at ? `, at ${new Date(at).toISOString()}` : ''}`);
  }
  return [...kinds].flatMap(([kind, lines]) => [`${lines.length} ${kind}`, ...lines.slice(0, 5)]).join('\n');
}
