// Readers that continue from position to position see every committed event exactly once, while many writers sleep, roll
// back and use savepoints and prepared transactions. A reader that remembers the last id loses events, which shows that
// this test can fail.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Postgres } from '../integration/harness/postgres.mjs';

const WRITERS = 16;
const SECONDS = Number(process.env.HERALD_STRESS_SECONDS ?? 8);

const postgres = await Postgres.create({ settings: ['max_connections=60'] });
after(() => postgres.destroy());
const database = await postgres.createDatabase('stress');
await database.query('CREATE EXTENSION pg_herald');

const random = (below) => Math.floor(Math.random() * below);
const choose = (list) => list[random(list.length)];

// A connection that writes numbered events and knows which of them were committed.
class Writer {
  committed = [];
  #published = 0;
  #transactions = 0;

  constructor(number) {
    this.number = number;
  }

  async run(until) {
    this.client = await database.connect();
    while (Date.now() < until) await this.#transaction();
    await this.client.end();
  }

  async #publish() {
    const key = `${this.number}.${++this.#published}`;
    await this.client.query("SELECT herald.publish('stress', 'stress', jsonb_build_object('key', $1::text))", [key]);
    return key;
  }

  // Writes a few events, sometimes with a pause, so that transactions with lower ids commit later.
  async #events() {
    const keys = [];
    for (let n = random(4); n >= 0; n--) {
      keys.push(await this.#publish());
      if (random(3) === 0) await pause(random(60));
    }
    return keys;
  }

  // Writes events in savepoints and rolls some back; more than 64 savepoints overflow the server's cache.
  async #savepoints() {
    const keys = [];
    for (let n = choose([2, 5, 80]); n > 0; n--) {
      await this.client.query('SAVEPOINT s');
      const key = await this.#publish();
      const kept = random(3) > 0;
      await this.client.query(kept ? 'RELEASE s' : 'ROLLBACK TO s');
      if (kept) keys.push(key);
    }
    return keys;
  }

  async #transaction() {
    await this.client.query('BEGIN');
    const keys = random(4) ? await this.#events() : await this.#savepoints();
    if (random(40) === 0) await pause(1500);
    const end = choose(['COMMIT', 'COMMIT', 'COMMIT', 'ROLLBACK', 'PREPARE']);
    if (end === 'PREPARE') await this.#prepare(keys);
    else await this.client.query(end);
    if (end === 'COMMIT') this.committed.push(...keys);
  }

  async #prepare(keys) {
    const name = `w${this.number}_${++this.#transactions}`;
    const commit = random(3) > 0;
    await this.client.query(`PREPARE TRANSACTION '${name}'`);
    await pause(random(100));
    await this.client.query(`${commit ? 'COMMIT' : 'ROLLBACK'} PREPARED '${name}'`);
    if (commit) this.committed.push(...keys);
  }
}

// Reads until finished() is true and nothing is left. keep(rows) returns the number of rows of a page that are taken. The
// reader continues from the position of the last one taken, like a client that was interrupted.
async function readByPosition(position, finished, { page = 1000, keep = (rows) => rows.length } = {}) {
  const keys = [];
  for (;;) {
    const last = finished();
    const rows = await database.query('SELECT name, payload, position, more FROM herald.read_events($1, max_events => $2)', [position, page]);
    const end = rows.pop();
    const taken = rows.slice(0, keep(rows));
    keys.push(...taken.map(({ payload }) => JSON.parse(payload).key));
    position = taken.length < rows.length ? taken.at(-1)?.position ?? position : end.position;
    if (last && !end.more && taken.length === rows.length) return keys;
    if (!end.more) await pause(2);
  }
}

async function readById(finished) {
  const keys = [];
  let id = '0';
  for (;;) {
    const last = finished();
    const rows = await database.query('SELECT id, payload FROM herald.event WHERE id > $1 ORDER BY id', [id]);
    keys.push(...rows.map(({ payload }) => payload.key));
    id = rows.at(-1)?.id ?? id;
    if (last) return keys;
    await pause(2);
  }
}

const sorted = (keys) => [...keys].sort();

test('reads every committed event exactly once', { timeout: 120000 }, async (t) => {
  const start = await database.value('SELECT herald.current_position()');
  const writers = Array.from({ length: WRITERS }, (_, number) => new Writer(number));
  let finished = false;
  const readers = {
    'whole pages': readByPosition(start, () => finished),
    'pages of 7': readByPosition(start, () => finished, { page: 7 }),
    'interrupted within pages': readByPosition(start, () => finished, { page: 50, keep: (rows) => random(4) ? rows.length : random(rows.length + 1) }),
  };
  const byId = readById(() => finished);
  await Promise.all(writers.map((writer) => writer.run(Date.now() + SECONDS * 1000)));
  finished = true;

  const committed = sorted(writers.flatMap((writer) => writer.committed));
  const logged = await database.query('SELECT payload FROM herald.event');
  assert.deepEqual(sorted(logged.map(({ payload }) => payload.key)), committed, 'in the log if and only if committed');
  for (const [how, reader] of Object.entries(readers)) {
    assert.deepEqual(sorted(await reader), committed, `read in ${how}`);
  }
  const lost = committed.length - (await byId).length;
  t.diagnostic(`${committed.length} events of ${WRITERS} writers in ${SECONDS} s; a reader by "id > last" lost ${lost}`);
  assert.ok(committed.length > 500, 'there was something to read');
  assert.ok(lost > 0, 'a reader by id loses events: the test can fail');
});

test('delays no reader for a long transaction', async () => {
  const before = await database.value('SELECT herald.current_position()');
  const slow = await database.connect();
  await slow.query('BEGIN');
  await slow.query("SELECT herald.publish('stress', 'slow', '{}')");
  await database.query("SELECT herald.publish('stress', 'quick', '{}')");
  const first = await database.query('SELECT name, position FROM herald.read_events($1)', [before]);
  assert.deepEqual(first.map(({ name }) => name), ['quick', null]);
  await slow.query('COMMIT');
  await slow.end();
  const second = await database.query('SELECT name FROM herald.read_events($1)', [first.at(-1).position]);
  assert.deepEqual(second.map(({ name }) => name), ['slow', null]);
});
