// A network between bridges and database that loses everything, while writers and clients live on.

import { refused } from './own_machine.mjs';
import { after } from 'node:test';
import { until } from '../integration/harness/wait.mjs';
import { cut, mend } from './loss.mjs';
import { seed, trial } from './trial.mjs';
import { World } from './world.mjs';

const IMPATIENT = 'tcp_user_timeout=500 keepalives_idle=1 keepalives_interval=1';

const world = refused ? null : await World.open({
  seed, clients: 16, settings: ['listen_addresses=127.0.0.1'],
  scene: { conninfo: ({ name, server }) => `host=127.0.0.1 port=${server.port} user=bridge dbname=${name} ${IMPATIENT}` },
});
after(() => { mend(); return world?.close(); });

trial(world, {
  name: 'partition from the database',
  async strike({ postgres, bridges }) {
    cut(postgres.port);
    for (const bridge of bridges) await until('the bridge notices', async () => (await bridge.get('/readyz')).status === 503);
  },
  async heal({ postgres, bridges }) {
    mend(postgres.port);
    for (const bridge of bridges) await bridge.ready();
  },
}, { skip: refused });
