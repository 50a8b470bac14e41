// Every client gets every committed event exactly once. Transactions of the writers overlap. Clients are cut off at random,
// also during a replay, and return to either of two bridges, which are killed and restarted.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';

const WRITERS = 12;
const CLIENTS = 40;
const SECONDS = Number(process.env.HERALD_STRESS_SECONDS ?? 8);

// The event cache holds a few events only, so that replays read both the cache and the log.
const scene = await Scene.open({ settings: ['max_connections=80'], options: ['--event-cache-size=64kB', '--page-size=50'] });
after(() => scene.close());
const bridges = [scene.bridge, await scene.addBridge(['--page-size=20'])];
const random = (below) => Math.floor(Math.random() * below);
const choose = (list) => list[random(list.length)];

async function write(number, rooms, deadline) {
  const client = await scene.database.connect();
  const committed = [];
  for (let n = 0; Date.now() < deadline; n++) {
    const keys = [];
    await client.query('BEGIN');
    for (let left = random(4); left >= 0; left--) {
      const room = choose(rooms);
      const key = `${number}.${n}.${left}`;
      if (room === '*') await client.query("SELECT herald.broadcast('stress', jsonb_build_object('key', $1::text))", [key]);
      else await client.query("SELECT herald.publish($1, 'stress', jsonb_build_object('key', $2::text))", [room, key]);
      keys.push({ room, key });
      if (random(3) === 0) await pause(random(60));
    }
    const good = random(5) > 0;
    await client.query(good ? 'COMMIT' : 'ROLLBACK');
    if (good) committed.push(...keys);
  }
  await client.end();
  return committed;
}

// Returns to a bridge that accepts it; for the last time when all writers have ended.
async function wander(client, isCalm) {
  for (let last = false; !last;) {
    await pause(random(250));
    last = isCalm();
    client.socket.terminate();
    client.bridge = choose(bridges);
    await until('it is back', () => client.open().then(() => true, () => false), 30000);
  }
}

async function restart(deadline) {
  while (Date.now() < deadline) {
    await pause(700);
    const bridge = choose(bridges);
    await bridge.kill();
    await bridge.start();
  }
}

test('delivers every committed event to every client exactly once', { timeout: 180000 }, async (t) => {
  const people = await scene.people(...Array(5).fill('Ann'));
  const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, n) => scene.plain(people[n % 5], { bridge: bridges[n % 2] })));
  const rooms = ['*', ...people.map((id) => `user:${id}`)];
  const deadline = Date.now() + SECONDS * 1000;
  let calm = false;
  const [written] = await Promise.all([
    Promise.all(Array.from({ length: WRITERS }, (_, n) => write(n, rooms, deadline))),
    restart(deadline).then(() => { calm = true; }),
    ...clients.map((client) => wander(client, () => calm)),
  ]);
  const committed = written.flat();
  await scene.settle(...clients);
  clients.forEach((client, n) => {
    const own = committed.filter(({ room }) => room === '*' || room === `user:${people[n % 5]}`).map(({ key }) => key);
    const got = client.all('stress').map(({ data }) => data.key);
    const twice = got.filter((key, place) => got.indexOf(key) !== place);
    assert.deepEqual(twice, [], `client ${n} got nothing twice`);
    assert.deepEqual([...got].sort(), own.sort(), `client ${n} got everything`);
    assert.ok(client.welcomes.slice(1).every(({ recovered }) => recovered));
  });
  const returns = clients.reduce((sum, client) => sum + client.welcomes.length - 1, 0);
  t.diagnostic(`${committed.length} events of ${WRITERS} writers in ${SECONDS} s; ${CLIENTS} clients came back ${returns} times`);
  assert.ok(returns > 5 * CLIENTS);
});
