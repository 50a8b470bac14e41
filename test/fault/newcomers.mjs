// newcomers.mjs: many clients that connect at once, and leave, in a thread of their own: they take no time of the clients that a test measures.

import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { RawClient, kinds } from '../integration/harness/raw_client.mjs';

// Resolves when so many clients, of all kinds in turn, were connected to the bridge and have left.
export function newcomers(bridge, count, token) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { port: bridge.port, count, token } });
    worker.on('error', reject).on('exit', resolve);
  });
}

if (!isMainThread) {
  const { count, token, ...bridge } = workerData;
  const names = Object.keys(kinds);
  await Promise.all(Array.from({ length: count }, async (_, n) => (await RawClient.connect(bridge, names[n % names.length], token)).close()));
}
