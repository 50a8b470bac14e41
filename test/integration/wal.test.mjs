// The write-ahead log of a like: what pg_herald adds to it, in bytes. A column, an index or a row more shows here.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Postgres } from './harness/postgres.mjs';

const LIKES = 2000;
const MOST = 740;  // 716 were measured

const postgres = await Postgres.create({ settings: ['autovacuum=off', 'full_page_writes=off', 'checkpoint_timeout=1h'] });
after(() => postgres.destroy());
const database = await postgres.createDatabase('social');

// Returns the bytes of WAL of a like, each one in a statement of its own, on posts and by users in no order.
async function walOfLike(first) {
  const place = () => database.value("SELECT pg_current_wal_insert_lsn() - '0/0'");
  const before = await place();
  await database.query(`DO $$ BEGIN
    FOR n IN ${first}..${first + LIKES - 1} LOOP
      INSERT INTO likes VALUES (1000000 + n * 7919 % 40000, n * 4729 % 10000 + 1);
    END LOOP;
  END $$`);
  return Math.round((await place() - before) / LIKES);
}

test(`adds at most ${MOST} bytes to the WAL of a like`, { timeout: 120000 }, async (t) => {
  await database.query(`
    SET client_min_messages = warning;
    CREATE EXTENSION pg_herald;
    CREATE TABLE users (id bigint PRIMARY KEY, username text NOT NULL);
    CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE TABLE likes (user_id bigint REFERENCES users, post_id bigint REFERENCES posts, PRIMARY KEY (user_id, post_id));
    INSERT INTO users SELECT n, 'user' || n FROM generate_series(1000000, 1039999) AS n;
    INSERT INTO posts SELECT n, 1000000 + n FROM generate_series(1, 10000) AS n`);
  await walOfLike(1);
  const unwatched = await walOfLike(10001);
  await database.query("SELECT herald.watch_users('users'), herald.watch_posts('posts'), herald.watch_likes('likes')");
  await walOfLike(20001);
  const watched = await walOfLike(30001);
  t.diagnostic(`${unwatched} bytes unwatched, ${watched} watched`);
  const notified = await database.value('SELECT count(*)::int FROM herald.notification');
  assert.ok(notified > 2 * LIKES * 0.99, `${notified} notifications: nobody is told of likes of their own`);
  assert.ok(watched - unwatched <= MOST, `${watched - unwatched} bytes`);
});
