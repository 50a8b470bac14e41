// cleanup.mjs: ends everything that a test file started, also when the file fails, is interrupted or hangs.

const pending = new Set();

process.on('exit', () => {
  for (const end of [...pending].reverse()) end();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

// HERALD_FILE_LIMIT: the longest time that a test file may take, in seconds; 0, the default, sets no limit.
const limit = Number(process.env.HERALD_FILE_LIMIT ?? 0);
if (limit > 0) {
  setTimeout(() => {
    console.error(`${process.argv[1]} has not ended after ${limit} s; open resources: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, limit * 1000).unref();
}

// Runs end() when this process exits, so it must be synchronous. Returns a function that cancels this.
export function atExit(end) {
  pending.add(end);
  return () => pending.delete(end);
}
