// A user whose sessions remember 30,000 rooms comes back with all of them, again and again, and delays no other arrival.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { PlainClient } from './harness/plain_client.mjs';
import { Scene } from './harness/scene.mjs';

const SESSIONS = 30;
const ROOMS = 1000;        // of each session: the default of max-rooms
const ROUNDS = 3;
const ARRIVALS = 40;       // of others, in each half of a round

// Without the limits of rates, and with the default of user-work.
const scene = await Scene.open({ options: ['--user-work=100/s:300'] });
after(() => scene.close());

const { database } = scene;
const [mallory, ...others] = await scene.people('Mallory', ...Array.from({ length: 20 }, (_, n) => `User${n}`));
const posts = await database.query("INSERT INTO posts (user_id, content) SELECT $1, 'x' FROM generate_series(1, $2) RETURNING id", [mallory, ROOMS]);

// Opens a session that joins one room, and leaves it to be remembered.
async function leave() {
  const client = await scene.plain(mallory);
  assert.equal((await client.ask('room:join', { room: `post:${posts[0].id}` })).ok, true);
  client.close();
  return { sessionId: client.sessionId, position: client.position };
}

const places = await Promise.all(Array.from({ length: SESSIONS }, leave));

const share = (times, part) => [...times].sort((one, other) => one - other)[Math.ceil(times.length * part) - 1];
const p50 = (times) => share(times, 0.5);
const p99 = (times) => share(times, 0.99);

// Returns the times of arrivals of others, in milliseconds, two at a time.
async function arrivals() {
  const times = [];
  await Promise.all([0, 1].map(async (lane) => {
    for (let n = lane; n < ARRIVALS; n += 2) {
      const began = performance.now();
      const client = await scene.plain(others[n % others.length]);
      times.push(performance.now() - began);
      client.close();
    }
  }));
  return times;
}

test('30,000 remembered rooms of one user delay nobody else who arrives', { timeout: 300000 }, async (t) => {
  // The rooms that a flood of joins would have left, without the time for it.
  await database.query(`INSERT INTO herald_internal.session_room (session, user_id, room, since, checked)
    SELECT remembered.session, remembered.user_id, 'post:' || posts.id, remembered.since, remembered.checked
    FROM herald_internal.session_room AS remembered, posts WHERE remembered.user_id = $1 ON CONFLICT DO NOTHING`, [mallory]);
  assert.equal(await database.value('SELECT count(*)::int FROM herald_internal.session_room WHERE user_id = $1', [mallory]), SESSIONS * ROOMS);

  const began = performance.now();
  const back = await scene.plain(mallory, places[0]);
  const one = performance.now() - began;
  assert.equal(back.welcomes[0].recovered, true);
  await database.query("SELECT herald.publish('post:' || $1, 'test:there', '{}')", [posts.at(-1).id]);
  await back.waitFor('test:there');
  back.close();

  const [alone, beside] = [[], []];
  let returns = 0;
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(...await arrivals());
    const coming = new Set();
    let going = true;
    const returning = places.map(async (place) => {
      while (going) {
        const client = new PlainClient(scene.bridge, scene.token(mallory), place);
        coming.add(client);
        await client.open().then(() => { returns++; }, () => {});
        client.close();
        coming.delete(client);
      }
    });
    beside.push(...await arrivals());
    going = false;
    for (const client of coming) client.close();
    await Promise.all(returning);
  }
  t.diagnostic(`arrivals of others: p99 ${p99(alone).toFixed(0)} ms alone, ${p99(beside).toFixed(0)} ms beside ${returns} returns with ${ROOMS} rooms each; one takes ${one.toFixed(0)} ms`);
  assert.ok(returns > 0);
  // Others may share the processors, but none waits for a check of the rooms; they would wait for all thirty.
  assert.ok(p50(beside) < 2 * p50(alone) + 100, `p50 ${p50(alone)} ms alone, ${p50(beside)} ms beside`);
  assert.ok(p99(beside) < 2 * p99(alone) + 100 + 10 * one, `p99 ${p99(alone)} ms alone, ${p99(beside)} ms beside; one return ${one} ms`);
});
