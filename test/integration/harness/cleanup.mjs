// cleanup.mjs: whatever a test file started is ended with it, also when it fails, is interrupted or does not come to an end.

const pending = new Set();

process.on('exit', () => {
  for (const end of [...pending].reverse()) end();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

// HERALD_FILE_LIMIT: how many seconds a test file may take; without it, as long as it wants.
const limit = Number(process.env.HERALD_FILE_LIMIT ?? 0);
if (limit > 0) {
  setTimeout(() => {
    console.error(`${process.argv[1]} has not ended after ${limit} s; what it waits for: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, limit * 1000).unref();
}

// end() runs when this process exits, so it must be synchronous; the function returned takes the promise back.
export function atExit(end) {
  pending.add(end);
  return () => pending.delete(end);
}
