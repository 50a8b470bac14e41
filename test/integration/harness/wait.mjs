// wait.mjs: tests wait until something holds; they never sleep for a while and hope.

import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE = 15000;

// Calls probe() until it returns something true, and returns that.
export async function until(what, probe, patience = PATIENCE) {
  const deadline = Date.now() + patience;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${patience} ms in vain: ${what}`);
    await pause(5);
  }
}

// The promise's outcome, or an error when it takes too long.
export function soon(what, promise, patience = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${patience} ms in vain: ${what}`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
