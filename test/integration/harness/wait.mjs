// wait.mjs: waits until a condition holds, with a time limit. No test sleeps for a fixed time and hopes.

import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE = 30000;

// Returns the promise's outcome, or fails after the time limit. label: names the wait in the error.
export function soon(label, promise, patience = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${patience} ms in vain: ${label}`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Calls probe() until it returns something true, and returns that. The time limit also ends a probe that never returns.
export function until(label, probe, patience = PATIENCE) {
  let ended = false;
  const poll = async () => {
    for (;;) {
      const found = await probe();
      if (found || ended) return found;
      await pause(5);
    }
  };
  return soon(label, poll(), patience).finally(() => { ended = true; });
}
