// trial.mjs: a fault of a world as a test of its own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { report, summary } from './report.mjs';

export const seed = Number(process.env.HERALD_SEED ?? Math.floor(Math.random() * 1e6));

// One round; t: the test that it is.
export async function survive(world, t, faults) {
  const outcome = await world.round(faults);
  t.diagnostic(`${summary(faults, outcome)}, HERALD_SEED=${seed}`);
  if (outcome.violations.length > 0) assert.fail(report(seed, outcome, world.record));
}

// skip: why the fault cannot be had here.
export function trial(world, nemesis, { skip = false } = {}) {
  test(`what is guaranteed holds: ${nemesis.name}`, { skip, timeout: 120000 }, (t) => survive(world, t, [nemesis]));
}
