// Sets the clock of the server, then those of the bridges, an hour ahead or behind, and right again.

import { clocks } from './own_clock.mjs';
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { PlainClient } from '../integration/harness/plain_client.mjs';
import { until } from '../integration/harness/wait.mjs';
import * as setBridgeClocks from './nemesis/set_bridge_clocks.mjs';
import * as setServerClock from './nemesis/set_server_clock.mjs';
import { seed, trial } from './trial.mjs';
import { World } from './world.mjs';

const world = await World.open({
  seed, clients: 8, clocks, settings: ['herald.recovery_window=2h'], options: ['--ping-interval=500ms', '--ping-timeout=5s', '--connect-timeout=1s'],
});
after(() => world.close());

// The snapshot up to which totals are folded; it moves each time the worker maintains the log.
const latestFold = () => world.database.value('SELECT f.snapshot::text FROM herald_internal.log_fold AS f');

// Waits for two rounds of maintenance, because the first may have begun before the clock was set.
async function logIsMaintained() {
  for (let times = 0; times < 2; times++) {
    const fold = await latestFold();
    await until('the log is maintained', async () => await latestFold() !== fold);
  }
}

const steady = () => world.clients.filter(({ habit, kind }) => habit === 'steady' && kind !== 'polling');

// A client without a token is refused after a timeout. It would stay if the bridge's timers stood still.
const timersRun = (bridge) => assert.rejects(new PlainClient(bridge).open(), { code: 'token_missing' });

function trialOf(nemesis, timeOf) {
  const isSet = async (seconds) => {
    await until(`it is ${seconds} s later`, async () => Math.abs((await timeOf() - Date.now()) / 1000 - seconds) < 60);
    await Promise.all([timersRun(world.bridges[0]), logIsMaintained()]);
    for (const { name, welcomes } of steady()) assert.equal(welcomes.length, 0, `${name} stayed`);
  };
  trial(world, {
    ...nemesis,
    strike: async () => isSet(nemesis.strike(world)),
    heal: async () => isSet(nemesis.heal(world)),
  });
}

trialOf(setServerClock, () => world.database.value('SELECT extract(epoch FROM clock_timestamp()) * 1000'));
trialOf(setBridgeClocks, async () => {
  process.kill(world.bridges[0].pid, 'SIGHUP');
  return Date.parse(/.*time=(\S+) .*event=reloaded/s.exec(world.bridges[0].log)?.[1]);
});

// If only the time told the events of two server starts apart, every client would receive all events again.
trial(world, {
  name: 'the server restarts after a crash with its clock an hour behind',
  async strike({ postgres }) {
    await postgres.crash();
    clocks.server.set(-3600);
    await postgres.start();
  },
  heal: () => clocks.server.set(0),
});
