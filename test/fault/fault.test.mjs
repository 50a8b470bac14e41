// Writers and clients of all kinds live on while something breaks; the verdict says whether the guarantees held. HERALD_SEED
// repeats the choices of a run, though not their moments.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { nemeses, report, summary } from './report.mjs';
import { World } from './world.mjs';

const seed = Number(process.env.HERALD_SEED ?? Math.floor(Math.random() * 1e6));

const world = await World.open({ seed, options: ['--queue-limit=16kB', '--recent-events-size=64kB', '--page-size=50'] });
after(() => world.close());

for (const nemesis of await nemeses()) {
  test(`nothing is lost and nothing comes twice: ${nemesis.name}`, { timeout: 120000 }, async (t) => {
    await world.begin();
    await world.flows();
    await world.suffer(nemesis);
    const outcome = await world.end();
    t.diagnostic(summary(nemesis.name, outcome));
    assert.equal(outcome.violations.length, 0, `HERALD_SEED=${seed}\n${report(outcome)}`);
  });
}
