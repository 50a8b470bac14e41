// bulk.mjs: ten thousand likes in one statement.

import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { Writers } from '../peers/writers.mjs';

export const proof = 'Each like has made exactly one notification, and under pg_herald exactly one event of it.';
export const title = 'Bulk: 10,000 likes in one statement';
export const method = `One \`INSERT … SELECT\` and one \`COPY\` of 10,000 likes by as many users, spread over 10,000 posts, on a warm
connection.`;

const ROWS = 10000;

// The rows of a round: pairs that no other round has.
const row = (round, n) => [n, (n * 7 + round) % 10000 + 1];

export async function run(bench) {
  for (const command of ['INSERT', 'COPY']) bench.measure(`${command} of 10,000 rows`, 'ms', { relativeTo: 'no trigger' });
  const writers = await Writers.open();
  const file = path.join(writers.postgres.directory, '..', `rows.${process.pid}`);
  const rounds = bench.rounds * 3;

  const timed = async (writer, measure, statement) => {
    const begun = performance.now();
    await writer.database.query(statement);
    bench.add(measure, writer.name, performance.now() - begun);
  };
  await bench.inTurn(writers.all, async (writer, round) => {
    await timed(writer, 'INSERT of 10,000 rows', `INSERT INTO likes SELECT n, (n * 7 + ${round}) % 10000 + 1 FROM generate_series(1, ${ROWS}) AS n`);
    writeFileSync(file, Array.from({ length: ROWS }, (_, n) => `${row(rounds + round, n + 1).join('\t')}\n`).join(''));
    await timed(writer, 'COPY of 10,000 rows', `COPY likes FROM '${file}'`);
  }, { rounds });
  for (const writer of writers.all) {
    const complaint = await writer.complaint();
    if (complaint) bench.fault(complaint);
  }
  rmSync(file);
  await writers.close();
}
