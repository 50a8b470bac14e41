// Runs each nemesis that needs no special environment against writers and clients of all kinds, and judges the guarantees.
// HERALD_SEED repeats the random choices of a run, but not their timing.

import { after, test } from 'node:test';
import { choose, nemeses } from './report.mjs';
import { seed, survive, trial } from './trial.mjs';
import { World } from './world.mjs';

const world = await World.open({ seed });
after(() => world.close());

const all = await nemeses();
for (const nemesis of all) trial(world, nemesis);

test('keeps its guarantees: several faults at the same time', { timeout: 300000 }, async (t) => survive(world, t, choose(world, all)));
