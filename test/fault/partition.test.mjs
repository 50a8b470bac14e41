// A network that loses everything, between bridges and database and between a bridge and its clients, while all of them live on.

import { refused } from './own_machine.mjs';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { until } from '../integration/harness/wait.mjs';
import { cut, mend } from './loss.mjs';
import { report, summary } from './report.mjs';
import { World } from './world.mjs';

const seed = Number(process.env.HERALD_SEED ?? Math.floor(Math.random() * 1e6));
const IMPATIENT = 'tcp_user_timeout=500 keepalives_idle=1 keepalives_interval=1';

const world = refused ? null : await World.open({
  seed, clients: 16, options: ['--ping-interval=400ms', '--ping-timeout=400ms'], settings: ['listen_addresses=127.0.0.1'],
  scene: { conninfo: ({ name, server }) => `host=127.0.0.1 port=${server.port} user=bridge dbname=${name} ${IMPATIENT}` },
});
after(() => world?.close());

const unready = async (bridge) => (await bridge.get('/readyz')).status === 503;

const database = {
  name: 'partition from the database',
  async strike({ postgres, bridges }) {
    cut(postgres.port);
    for (const bridge of bridges) await until('the bridge notices', () => unready(bridge));
  },
  async heal({ postgres, bridges }) {
    mend(postgres.port);
    for (const bridge of bridges) await bridge.ready();
  },
};

const clients = {
  name: 'partition from clients',
  async strike({ bridges: [bridge] }) {
    cut(bridge.port);
    await until('the bridge has given up its clients', () => bridge.sockets <= SOCKETS_OF_ITS_OWN);
  },
  async heal({ bridges: [bridge] }) {
    mend(bridge.port);
  },
};

for (const nemesis of [database, clients]) {
  test(`nothing is lost and nothing comes twice: ${nemesis.name}`, { skip: refused, timeout: 60000 }, async (t) => {
    await world.begin();
    await world.flows();
    await world.suffer(nemesis);
    const outcome = await world.end();
    t.diagnostic(summary(nemesis.name, outcome));
    assert.equal(outcome.violations.length, 0, `HERALD_SEED=${seed}\n${report(outcome)}`);
  });
}
