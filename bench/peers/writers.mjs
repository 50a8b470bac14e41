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
  constructor(name, database, files, notifications) { Object.assign(this, { name, database, files, notifications }); }

  load() { return this.database.psql(...['tables', ...this.files].flatMap((name) => ['-f', sql(name)]), '-c', 'VACUUM ANALYZE'); }

  // Returns a complaint, unless each like has made one notification, and under pg_herald its events.
  async complaint() {
    if (!this.notifications) return undefined;
    const [likes, made] = await Promise.all([this.database.value(COUNTED), this.database.value(this.notifications)]);
    return likes === made ? undefined : `${this.name}: ${likes} likes, ${made} notifications`;
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
    const make = async (name, database, files, notifications) =>
      new Writer(name, await writers.postgres.createDatabase(database), files, notifications);
    writers.all = [
      await make('no trigger', 'bare', []),
      await make('hand-written', 'hand', ['hand_written'], 'SELECT count(*)::int FROM notifications'),
      await make('pg_herald', 'watched', ['watched'], `SELECT CASE WHEN n.count = e.count THEN n.count ELSE -1 END FROM
        (SELECT count(*)::int FROM herald.notification) AS n, (SELECT count(*)::int FROM herald.event WHERE name = 'notification:new') AS e`),
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
