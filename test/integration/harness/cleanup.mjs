// cleanup.mjs: whatever a test file started is ended with it, also when it fails or is interrupted.

const pending = new Set();

process.on('exit', () => {
  for (const end of [...pending].reverse()) end();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

// end() runs when this process exits, so it must be synchronous; the function returned takes the promise back.
export function atExit(end) {
  pending.add(end);
  return () => pending.delete(end);
}
