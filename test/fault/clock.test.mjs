// The clock of the server, then those of the bridges, are set an hour ahead or behind, and right again.

import { clocks, refused } from './own_clock.mjs';
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { PlainClient } from '../integration/harness/plain_client.mjs';
import { until } from '../integration/harness/wait.mjs';
import * as setBridgeClocks from './nemesis/set_bridge_clocks.mjs';
import * as setServerClock from './nemesis/set_server_clock.mjs';
import { seed, trial } from './trial.mjs';
import { World } from './world.mjs';

const world = refused ? null : await World.open({
  seed, clients: 8, clocks, settings: ['herald.recovery_window=2h'], options: ['--ping-interval=500ms', '--ping-timeout=5s', '--connect-timeout=1s'],
});
after(() => world?.close());

// The worker brings the totals up to date when it maintains the log.
const latestFold = () => world.database.value('SELECT f.snapshot::text FROM herald_internal.log_fold AS f');

// What was under way when the clock was set does not count.
async function logIsMaintained() {
  for (let times = 0; times < 2; times++) {
    const fold = await latestFold();
    await until('the log is maintained', async () => await latestFold() !== fold);
  }
}

const steady = () => world.clients.filter(({ habit, kind }) => habit === 'steady' && kind !== 'polling');

// Where timers stand still, a client that shows no token stays.
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
  }, { skip: refused });
}

trialOf(setServerClock, () => world.database.value('SELECT extract(epoch FROM clock_timestamp()) * 1000'));
trialOf(setBridgeClocks, async () => {
  process.kill(world.bridges[0].pid, 'SIGHUP');
  return Date.parse(/.*time=(\S+) .*event=reloaded/s.exec(world.bridges[0].log)?.[1]);
});

// Everything would be news to everybody if it were the time alone that tells the events of a start from those before it.
trial(world, {
  name: 'the server comes up from a crash with its clock an hour behind',
  async strike({ postgres }) {
    await postgres.crash();
    clocks.server.set(-3600);
    await postgres.start();
  },
  heal: () => clocks.server.set(0),
}, { skip: refused });
