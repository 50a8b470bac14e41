// Retention under load: with the shortest recovery window, readers that page without pause and busy writers, the log is trimmed all
// the time, and no INSERT waits for it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Scene } from './harness/scene.mjs';
import { Traffic } from './harness/traffic.mjs';
import { until } from './harness/wait.mjs';

const WRITERS = 4;
const READERS = 6;
const SETTINGS = ['herald.recovery_window=1s', 'deadlock_timeout=20ms', 'log_lock_waits=on', 'fsync=off'];

const scene = await Scene.open({ settings: SETTINGS });
after(() => scene.close());

const { database } = scene;
const [ann, ben] = await scene.people('Ann', 'Ben');
const conversation = await scene.conversation(ann, ben);
const number = (sql) => database.value(`SELECT (${sql})::text::bigint`).then(BigInt);
const floor = () => number("SELECT coalesce(max(f.xid), '0') FROM herald_internal.log_floor AS f");
const present = () => number('SELECT pg_snapshot_xmax(pg_current_snapshot())');

// A session that reads the log page by page, and from the beginning again when it has read all.
class Reader {
  pages = 0;
  #stopped = false;

  constructor() { this.done = this.#read(); }

  async #read() {
    const client = await database.connect();
    const begin = async () => (await client.query('SELECT herald.current_position() AS position')).rows[0].position;
    for (let first = await begin(), position = first; !this.#stopped; this.pages++) {
      const page = await client.query('SELECT r."position", r.more FROM herald.read_events($1, max_events => 200) AS r', [position])
        .catch(({ code }) => { if (code !== 'HD001') throw new Error(code); });
      const last = page?.rows.at(-1);
      if (!page) first = position = await begin();
      else position = last.more ? last.position : first;
    }
    await client.end();
  }

  stop() {
    this.#stopped = true;
    return this.done;
  }
}

test('trims the log under continuous reading and writing, and no INSERT waits for a lock', { timeout: 90000 }, async (t) => {
  const writers = Array.from({ length: WRITERS }, () => new Traffic(scene, conversation, ben));
  const readers = Array.from({ length: READERS }, () => new Reader());
  try {
    for (let round = 0; round < 3; round++) {
      const goal = await present();
      await until('the events that were there are removed', async () => await floor() >= goal, 15000);
    }
  } finally {
    await Promise.all([...readers, ...writers].map((one) => one.stop()));
  }
  const sum = (list, name) => list.reduce((total, one) => total + one[name], 0);
  assert.equal(sum(writers, 'failed'), 0);
  assert.doesNotMatch(scene.postgres.log(), /still waiting for RowExclusiveLock on relation/);
  t.diagnostic(`${sum(readers, 'pages')} pages, ${sum(writers, 'written')} messages, longest INSERT ${Math.max(...writers.map(({ longest }) => longest))} ms`);
});
