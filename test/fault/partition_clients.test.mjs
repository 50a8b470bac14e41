// A network between a bridge and its clients that loses everything: both sides notice by their pings.

import { refused } from './own_machine.mjs';
import { after } from 'node:test';
import * as cutClients from './nemesis/cut_clients.mjs';
import { seed, trial } from './trial.mjs';
import { World } from './world.mjs';

const world = refused ? null : await World.open({ seed, clients: 8, options: ['--ping-interval=400ms', '--ping-timeout=400ms'] });
after(() => world?.close());

trial(world, cutClients, { skip: refused });
