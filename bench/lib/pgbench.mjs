// pgbench.mjs: runs pgbench against a database.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

// Returns { rate, average } in transactions a second and milliseconds. rate: of an open loop; without it each client waits for its last
// transaction only.
export async function pgbench(database, script, { clients = 1, seconds, transactions, rate } = {}) {
  const { server, name } = database;
  const directory = mkdtempSync(path.join(tmpdir(), 'herald-pgbench-'));
  const file = path.join(directory, 'script.sql');
  writeFileSync(file, script);
  const length = seconds ? ['-T', seconds] : ['-t', transactions];
  const { stdout } = await run(path.join(server.bin, 'pgbench'), ['-n', '-M', 'prepared', '-c', clients, '-j', Math.min(2, clients),
    ...length, ...(rate ? ['-R', rate] : []), '-f', file, '-h', server.directory, '-p', server.port, '-U', 'postgres', name])
    .finally(() => rmSync(directory, { recursive: true, force: true }));
  const failed = Number(/number of failed transactions: (\d+)/.exec(stdout)?.[1] ?? 0);
  if (failed) throw new Error(`pgbench: ${failed} transactions failed`);
  return {
    rate: Number(/^tps = ([\d.]+)/m.exec(stdout)[1]),
    average: Number(/^latency average = ([\d.]+)/m.exec(stdout)[1]),
    transactions: Number(/actually processed: (\d+)/.exec(stdout)[1]),
  };
}
