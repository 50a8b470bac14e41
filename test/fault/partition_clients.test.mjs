// A network between a bridge and its clients that loses everything: both sides notice by their pings.

import { refused } from './own_machine.mjs';
import { readdirSync } from 'node:fs';
import { after } from 'node:test';
import { until } from '../integration/harness/wait.mjs';
import { cut, mend } from './loss.mjs';
import { seed, trial } from './trial.mjs';
import { World } from './world.mjs';

const world = refused ? null : await World.open({ seed, clients: 8, options: ['--ping-interval=400ms', '--ping-timeout=400ms'] });
after(() => { mend(); return world?.close(); });
const idle = await world?.scene.addBridge();

const descriptors = ({ pid }) => readdirSync(`/proc/${pid}/fd`).length;

trial(world, {
  name: 'partition from clients',
  async strike({ bridges: [bridge] }) {
    cut(bridge.port);
    await until('the bridge has given up its clients', () => descriptors(bridge) <= descriptors(idle));
  },
  async heal({ bridges: [bridge] }) {
    mend(bridge.port);
  },
}, { skip: refused });
