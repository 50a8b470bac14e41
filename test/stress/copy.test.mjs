// COPY of 10,000 rows into watched tables, each in a session of its own, beside 32 writers: nothing fails, and each row makes its
// event. HERALD_COPIES sets the number of COPYs.

import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Scene } from '../integration/harness/scene.mjs';

const COPIES = Number(process.env.HERALD_COPIES ?? 6);
const WRITERS = 32;
const ROWS = 10000;
const PEOPLE = 2000;
const POSTS = 1000;

const scene = await Scene.open({ settings: ['max_connections=80'] });
after(() => scene.close());

const { database } = scene;
const folder = mkdtempSync(path.join(tmpdir(), 'herald-copy-'));
const random = (count) => 1 + Math.floor(Math.random() * count);

await database.query(`
  SET herald.enabled = off;
  INSERT INTO users (username, display_name) SELECT 'u' || n, 'User ' || n FROM generate_series(1, ${PEOPLE}) AS n;
  INSERT INTO posts (user_id, content) SELECT 1 + n % ${PEOPLE}, 'Post ' || n FROM generate_series(1, ${POSTS}) AS n;
  RESET herald.enabled;
  ANALYZE`);

// Rows of COPYs come from users up to 1,000; each writer has 20 of the others.
const loads = [
  ['likes (user_id, post_id)', (n, i) => [1 + i % 1000, 1 + (10 * n + Math.floor(i / 1000)) % POSTS]],
  ['comments (post_id, user_id, content)', (n, i) => [random(POSTS), random(1000), `Comment ${i}`]],
  ['follows (follower_id, followee_id)', (n, i) => [1 + (10 * n + i % 10) % 1000, 1001 + Math.floor(i / 10)]],
];

class Writer {
  done = 0;
  #stopped = false;

  constructor(number) {
    const me = () => 1001 + 20 * number + random(20) - 1;
    this.statements = [
      () => ['INSERT INTO likes (user_id, post_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [me(), random(POSTS)]],
      () => ['DELETE FROM likes WHERE user_id = $1', [me()]],
      () => ['INSERT INTO comments (post_id, user_id, content) VALUES ($1, $2, $3)', [random(POSTS), me(), 'A comment']],
      () => ['INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [me(), random(1000)]],
      () => ['DELETE FROM follows WHERE follower_id = $1', [me()]],
      () => ['SELECT herald.mark_all_read($1)', [String(random(PEOPLE))]],
    ];
    this.ended = this.#write();
  }

  async #write() {
    const client = await database.connect();
    for (; !this.#stopped; this.done++) await client.query(...this.statements[random(this.statements.length) - 1]());
    await client.end();
  }

  stop() {
    this.#stopped = true;
    return this.ended;
  }
}

async function copy(number) {
  const [target, row] = loads[number % loads.length];
  const file = path.join(folder, 'rows');
  writeFileSync(file, Array.from({ length: ROWS }, (_, i) => `${row(Math.floor(number / loads.length), i).join('\t')}\n`).join(''));
  await database.psql('-c', `\\copy ${target} FROM '${file}'`);
}

test(`loads ${ROWS} rows ${COPIES} times beside ${WRITERS} writers`, { timeout: 60000 * (COPIES + 1) }, async (t) => {
  const writers = Array.from({ length: WRITERS }, (_, number) => new Writer(number));
  try {
    for (let number = 0; number < COPIES; number++) await copy(number);
  } finally {
    await Promise.all(writers.map((writer) => writer.stop()));
  }
  const [{ likes, events }] = await database.query(`
    SELECT (SELECT count(*)::int FROM likes WHERE user_id <= 1000) AS likes,
           (SELECT count(*)::int FROM herald.event WHERE name = 'post:liked' AND (payload ->> 'userId')::int <= 1000) AS events`);
  assert.equal(events, likes);
  t.diagnostic(`${writers.reduce((sum, { done }) => sum + done, 0)} statements of writers`);
});
