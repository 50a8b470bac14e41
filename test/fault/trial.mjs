// trial.mjs: turns a fault of a world into a test.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { report, summary } from './report.mjs';

export const seed = Number(process.env.HERALD_SEED ?? Math.floor(Math.random() * 1e6));

// Runs one round of faults within a test, and fails if a guarantee was broken.
export async function survive(world, t, faults) {
  const outcome = await world.round(faults);
  t.diagnostic(`${summary(faults, outcome)}, HERALD_SEED=${seed}`);
  if (outcome.violations.length > 0) assert.fail(report(seed, outcome, world.record));
}

// Defines the test of a nemesis. skip: why this machine cannot run it.
export function trial(world, nemesis, { skip = false } = {}) {
  test(`keeps its guarantees: ${nemesis.name}`, { skip, timeout: 300000 }, (t) => survive(world, t, [nemesis]));
}
