// Rings of a role without privileges cost a bounded number of reads, and delay events by a bounded time.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const RATE = 1000;
const EVENTS = 20;
// The bridge answers at most so many vain rings a second, and a few more after each event.
const PACED_READS = 40;
const TOLERATED_RINGS = 3;
const LONGEST_DELAY_MS = 50;

// A bridge of a preloaded server waits for commits, and reads for no ring.
const scene = await Scene.open({ preload: false });
after(() => scene.close());
const { database, bridge } = scene;
await database.query('CREATE ROLE ringer LOGIN');

// Rings until it is told to stop; returns the number of rings.
async function forge(stop) {
  const ringer = await database.connect('ringer');
  let rings = 0;
  await ringer.query('SET synchronous_commit = off');
  for (; !stop.aborted; rings += RATE / 10) {
    await ringer.query(`DO $$ BEGIN FOR i IN 1..${RATE / 10} LOOP NOTIFY herald; COMMIT; PERFORM pg_sleep(1.0 / ${RATE}); END LOOP; END $$`);
  }
  await ringer.end();
  return rings;
}

const ringsHeard = () => bridge.metric('herald_rings_total');

// Measures how long events take to a client, in ascending order. Waits between two events for a number of other rings.
async function delays(user, client, count, ringsBetween = 0) {
  const measured = [];
  for (let number = 1; number <= count; number++) {
    const begun = performance.now();
    await database.query("SELECT herald.publish($1, 'tick', jsonb_build_object('number', $2::int))", [`user:${user}`, number]);
    await client.waitFor('tick', (data) => data.number === number);
    measured.push(performance.now() - begun);
    client.forgetEvents();
    const heard = await ringsHeard();
    await until('others have rung', async () => await ringsHeard() >= heard + ringsBetween);
  }
  return measured.sort((a, b) => a - b);
}

test('reads seldom for a thousand forged rings a second, and delivers events in time', { timeout: 60000 }, async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.plain(ann);
  await scene.settle(client);
  const quiet = (await delays(ann, client, EVENTS))[EVENTS / 2];
  const stop = new AbortController();
  const [reads, heard, begun] = [await bridge.metric('herald_database_queries_total'), await ringsHeard(), performance.now()];
  const forging = forge(stop.signal);
  const measured = await delays(ann, client, EVENTS, 100);
  stop.abort();
  const rings = await forging;
  const seconds = (performance.now() - begun) / 1000;
  const answered = await bridge.metric('herald_database_queries_total') - reads;
  const most = seconds * PACED_READS + EVENTS * (TOLERATED_RINGS + 2) + 10;
  assert.ok(await ringsHeard() - heard > 2 * most, `${rings} rings were sent`);
  assert.ok(answered <= most, `${answered} reads for ${rings} rings in ${seconds} s`);
  assert.ok(measured[EVENTS / 2] <= quiet + LONGEST_DELAY_MS, `${measured.map(Math.round)} ms, in quiet ${quiet} ms`);
});
