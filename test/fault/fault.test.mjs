// Writers and clients of all kinds live on while something breaks; the verdict says whether the guarantees held. HERALD_SEED
// repeats the choices of a run, though not their moments.

import { after, test } from 'node:test';
import { choose, nemeses } from './report.mjs';
import { seed, survive, trial } from './trial.mjs';
import { World } from './world.mjs';

const world = await World.open({ seed });
after(() => world.close());

const all = await nemeses();
for (const nemesis of all) trial(world, nemesis);

test('what is guaranteed holds: several at the same time', { timeout: 120000 }, async (t) => survive(world, t, choose(world, all)));
