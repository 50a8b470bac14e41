// writers.mjs: one table of likes in three databases of one server: without a trigger, with a hand-written one, and watched.

import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { Postgres, root } from '../../test/integration/harness/postgres.mjs';
import { until } from '../../test/integration/harness/wait.mjs';
import { postmaster } from './servers.mjs';

const sql = (name) => path.join(root, `bench/peers/${name}.sql`);

// The actors of likes of somebody else's post, which each make one notification.
const COUNTED = 'SELECT count(*)::int FROM likes AS l JOIN posts AS p ON p.id = l.post_id WHERE p.user_id <> l.user_id';

class Writer {
  constructor(name, database, files, counts) { Object.assign(this, { name, database, files, counts }); }

  load() { return this.database.psql(...['tables', ...this.files].flatMap((name) => ['-f', sql(name)]), '-c', 'VACUUM ANALYZE'); }

  // Returns a complaint, unless each like has made one notification, and under pg_herald one event of it.
  async complaint() {
    const likes = await this.database.value(COUNTED);
    for (const [what, sql] of Object.entries(this.counts)) {
      const made = await this.database.value(sql);
      if (made !== likes) return `${this.name}: ${likes} likes, ${made} ${what}`;
    }
    return undefined;
  }

  async wal() { return Number(await this.database.value("SELECT pg_current_wal_insert_lsn() - '0/0'")); }
}

export class Writers {
  // flushDelay: microseconds that a flush of the WAL takes longer.
  static async open({ flushDelay = 0, settings = [] } = {}) {
    const writers = new Writers();
    writers.postgres = await Postgres.create({ preload: ['watched'],
      settings: ['max_connections=200', 'max_wal_size=16GB', 'checkpoint_timeout=1h', 'autovacuum=off', ...settings] });
    if (flushDelay) await writers.#slowDown(flushDelay);
    const make = async (name, database, files, counts) => new Writer(name, await writers.postgres.createDatabase(database), files, counts);
    writers.all = [
      await make('no trigger', 'bare', [], {}),
      await make('hand-written', 'hand', ['hand_written'], { notifications: 'SELECT count(*)::int FROM notifications' }),
      await make('pg_herald', 'watched', ['watched'], {
        notifications: 'SELECT count(*)::int FROM herald.notification',
        events: `SELECT count(*)::int FROM start, herald.read_events(start.position, max_events => 100000000) WHERE name = 'notification:new'`,
      }),
    ];
    for (const writer of writers.all) await writer.load();
    await until('the worker serves', () => writers.all[2].database.value('SELECT herald.preloaded()'));
    return writers;
  }

  async #slowDown(delay) {
    const library = path.join(path.dirname(this.postgres.directory), `slow_flush.${process.pid}.so`);
    copyFileSync(path.join(root, 'build/bench/slow_flush.so'), library);
    Object.assign(process.env, { LD_PRELOAD: library, HERALD_FLUSH_DELAY: String(delay) });
    await this.postgres.restart();
    delete process.env.LD_PRELOAD;
  }

  get pid() { return postmaster(this.postgres); }

  close() { return this.postgres.destroy(); }
}
