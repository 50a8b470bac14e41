// Writers and clients of all kinds live on while something breaks; the verdict says whether the guarantees held. HERALD_SEED
// repeats the choices of a run, though not their moments.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { choose, nemeses, report, summary } from './report.mjs';
import { World } from './world.mjs';

const seed = Number(process.env.HERALD_SEED ?? Math.floor(Math.random() * 1e6));

const world = await World.open({ seed });
after(() => world.close());

async function survive(t, ...chosen) {
  const outcome = await world.round(chosen);
  t.diagnostic(`${summary(chosen, outcome)}, HERALD_SEED=${seed}`);
  if (outcome.violations.length > 0) assert.fail(report(seed, outcome, world.record));
}

for (const nemesis of await nemeses()) {
  test(`what is guaranteed holds: ${nemesis.name}`, { timeout: 120000 }, (t) => survive(t, nemesis));
}

test('what is guaranteed holds: several at the same time', { timeout: 120000 }, async (t) => survive(t, ...await choose(world.random)));
