// results.mjs: the results in a folder: one JSON file, one page, and a plot for each measure. A run replaces the items it has run.

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../test/integration/harness/postgres.mjs';
import { plot } from './plot.mjs';
import { rounded, summary } from './statistics.mjs';

export const folder = path.join(root, 'bench/results');

const jsonFile = path.join(folder, 'results.json');

export function readResults() {
  return existsSync(jsonFile) ? JSON.parse(readFileSync(jsonFile, 'utf8')) : { items: {} };
}

const fileName = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');

function row([contender, values], reference) {
  const { median, least, most } = summary(values);
  const ratio = reference ? ` ${rounded(median / reference)} |` : '';
  const spread = values.length > 1 ? `${rounded(least)} – ${rounded(most)}` : 'one round';
  return `| ${contender} | ${rounded(median)} | ${spread} |${ratio}`;
}

// Returns the table of a measure. Ratios are those of the medians.
export function table({ name, unit, less, relativeTo, values }) {
  const reference = values[relativeTo] && summary(values[relativeTo]).median;
  const more = reference ? [` relative to ${relativeTo} |`, '---|'] : ['', ''];
  return [`| ${name} | ${unit}, ${less ? 'less' : 'more'} is better | least – most |${more[0]}`, `|---|---|---|${more[1]}`,
    ...Object.entries(values).map((entry) => row(entry, reference))].join('\n');
}

// Breaks the lines of a paragraph at 118 columns.
const wrapped = (text) => text.replace(/\n/g, ' ').replace(/(?=.{119})(.{1,118}) /g, '$1\n');

function section(name, { title, method, proof, short, date, seconds, load, machine, measures, faults }) {
  const versions = Object.entries(machine.versions).map(([program, version]) => `${program} ${version}`).join(', ');
  const outcome = faults.length ? `**FAULTS: ${faults.join('; ')}**` : proof;
  const tables = measures.map((measure) => `${table(measure)}\n\n![${measure.name}](${name}-${fileName(measure.name)}.svg)`);
  const rounds = Math.min(...measures.flatMap(({ values }) => Object.values(values).map((of) => of.length)));
  const texts = [
    `${short ? '**A short run: all sizes are smaller.** ' : ''}${date}, ${rounds > 1 ? `${rounds} rounds in turn` : 'one round'}, ${seconds} s, ` +
      `load of the machine before it: ${load}.`, outcome,
    `${[machine.processor, machine.memory, `Linux ${machine.kernel}`, machine.fileSystem, machine.scheduling].filter(Boolean).join(', ')}. ${versions}.`];
  return [`## ${title}`, ...[method, ...texts].map(wrapped), ...tables].join('\n\n');
}

// Writes all files anew.
export function writeResults(results) {
  mkdirSync(folder, { recursive: true });
  for (const old of readdirSync(folder)) if (old.endsWith('.svg')) rmSync(path.join(folder, old));
  writeFileSync(jsonFile, `${JSON.stringify(results, null, 1)}\n`);
  const items = Object.entries(results.items);
  writeFileSync(path.join(folder, 'README.md'), `# Results

\`make bench\` writes this page. [../README.md](../README.md) says how it measures. All contenders of a table ran in turn
on one machine, with their clients: compare within a table only.

${items.map(([item, result]) => section(item, result)).join('\n\n')}
`);
  for (const [item, { measures }] of items) {
    for (const measure of measures) writeFileSync(path.join(folder, `${item}-${fileName(measure.name)}.svg`), plot(measure));
  }
}
