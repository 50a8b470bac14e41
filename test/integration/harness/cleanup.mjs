// cleanup.mjs: ends everything that a test file started, also when the file fails, is interrupted or hangs.

import { after } from 'node:test';

const pending = new Set();

// The longest time that a test file may go on after its last test, in milliseconds.
const GRACE = Number(process.env.HERALD_GRACE ?? 60000);

process.on('exit', () => {
  for (const end of [...pending].reverse()) end();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

// A test that failed may have left open what keeps this process running.
if (process.argv[1]?.endsWith('.test.mjs')) {
  after(() => setTimeout(() => {
    console.error(`${process.argv[1]}: still running after its last test; open resources: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, GRACE).unref());
}

// Runs end() when this process exits, so it must be synchronous. Returns a function that cancels this.
export function atExit(end) {
  pending.add(end);
  return () => pending.delete(end);
}
