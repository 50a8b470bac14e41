// The network between bridges and database drops all packets, while writers and clients go on.

import { refused } from './own_machine.mjs';
import { after } from 'node:test';
import { until } from '../integration/harness/wait.mjs';
import * as cutDatabase from './nemesis/cut_database.mjs';
import { seed, trial } from './trial.mjs';
import { World } from './world.mjs';

const world = refused ? null : await World.open({ seed, clients: 16, scene: { network: true } });
after(() => world?.close());

trial(world, {
  ...cutDatabase,
  async strike({ bridges }) {
    await cutDatabase.strike(world);
    for (const bridge of bridges) await until('/readyz reports the loss', async () => (await bridge.get('/readyz')).status === 503);
  },
}, { skip: refused });
