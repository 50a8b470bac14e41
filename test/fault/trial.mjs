// trial.mjs: one fault of a world as a test of its own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { report, summary } from './report.mjs';

export const seed = Number(process.env.HERALD_SEED ?? Math.floor(Math.random() * 1e6));

// skip: why the fault cannot be had here.
export function trial(world, nemesis, { skip = false } = {}) {
  test(`nothing is lost and nothing comes twice: ${nemesis.name}`, { skip, timeout: 60000 }, async (t) => {
    await world.begin();
    await world.flows();
    await world.suffer(nemesis);
    const outcome = await world.end();
    t.diagnostic(summary(nemesis.name, outcome));
    assert.equal(outcome.violations.length, 0, `HERALD_SEED=${seed}\n${report(outcome)}`);
  });
}
