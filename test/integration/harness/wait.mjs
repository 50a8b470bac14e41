// wait.mjs: tests wait until something holds; they never sleep for a while and hope.

import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE = 15000;

// The promise's outcome, or an error when it takes too long.
export function soon(what, promise, patience = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${patience} ms in vain: ${what}`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Calls probe() until it returns something true, and returns that. A probe that never returns is in vain as well.
export function until(what, probe, patience = PATIENCE) {
  let ended = false;
  const poll = async () => {
    for (;;) {
      const found = await probe();
      if (found || ended) return found;
      await pause(5);
    }
  };
  return soon(what, poll(), patience).finally(() => { ended = true; });
}
