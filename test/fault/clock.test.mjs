// The clock of the server, then that of the bridges, is set an hour ahead and back again.

import { bridges as clockOfBridges, refused, server as clockOfServer } from './own_clock.mjs';
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { PlainClient } from '../integration/harness/plain_client.mjs';
import { until } from '../integration/harness/wait.mjs';
import { seed, trial } from './trial.mjs';
import { World } from './world.mjs';

const HOUR = 3600;

const world = refused ? null : await World.open({
  seed, clients: 8, settings: ['herald.recovery_window=2h'], options: ['--ping-interval=500ms', '--ping-timeout=5s', '--connect-timeout=1s'],
});
after(() => world?.close());

// The worker brings the totals up to date when it maintains the log.
const latestFold = () => world.database.value('SELECT f.seen::text FROM herald.log_fold AS f');

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

function hourOf(what, clock, timeOf) {
  const setTo = async (seconds) => {
    clock.set(seconds);
    await until(`it is ${seconds} s later`, async () => Math.abs((await timeOf() - Date.now()) / 1000 - seconds) < 60);
    await Promise.all([timersRun(world.bridges[0]), logIsMaintained()]);
    for (const { name, welcomes } of steady()) assert.equal(welcomes.length, 0, `${name} stayed`);
  };
  trial(world, { name: `the clock of ${what} is set`, strike: () => setTo(HOUR), heal: () => setTo(0) }, { skip: refused });
}

hourOf('the server', clockOfServer, () => world.database.value('SELECT extract(epoch FROM clock_timestamp()) * 1000'));
hourOf('the bridges', clockOfBridges, async () => {
  process.kill(world.bridges[0].pid, 'SIGHUP');
  return Date.parse(/.*time=(\S+) .*event=reloaded/s.exec(world.bridges[0].log)?.[1]);
});
