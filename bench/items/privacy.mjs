// privacy.mjs: the cost of a post whose author decides who sees it, by the number of followers.

import { pgbench } from '../lib/pgbench.mjs';
import { Writers } from '../peers/writers.mjs';

export const title = 'Privacy: a post that not all followers may see';
export const method = `Authors with 100, 1,000 and 10,000 followers insert posts, and update them. pgbench runs each statement on one
connection, in a transaction of its own. *Columns*: \`visible\` compares columns of the post. *Subqueries*: it looks for a
block and for a friendship, each by index. The contenders have the same tables and rows.`;
export const proof = 'Each inserted post has made one event.';

const AUTHORS = { 1: 100, 2: 1000, 3: 10000 };
const CONDITIONS = {
  'without visible': undefined,
  columns: "post.audience = 'public' OR post.user_id::text = viewer",
  subqueries: `post.audience = 'public' AND NOT EXISTS (SELECT FROM blocks AS b WHERE b.blocker_id = post.user_id AND b.blocked_id = viewer::bigint)
    OR EXISTS (SELECT FROM follows AS f WHERE f.follower_id = post.user_id AND f.followee_id = viewer::bigint)`,
};

const TABLES = `ALTER TABLE posts ADD audience text NOT NULL DEFAULT 'public';
  CREATE TABLE follows (follower_id bigint NOT NULL, followee_id bigint NOT NULL, PRIMARY KEY (follower_id, followee_id));
  CREATE INDEX ON follows (followee_id);
  CREATE TABLE blocks (blocker_id bigint NOT NULL, blocked_id bigint NOT NULL, PRIMARY KEY (blocker_id, blocked_id));
  ${Object.entries(AUTHORS).map(([author, followers]) => `INSERT INTO follows SELECT 100 + n, ${author} FROM generate_series(1, ${followers}) AS n;`).join('\n')}
  INSERT INTO blocks SELECT author, 50000 + n FROM generate_series(1, 3) AS author, generate_series(1, 100) AS n;
  SELECT herald.watch_follows('follows');`;

export async function run(bench) {
  for (const followers of Object.values(AUTHORS)) {
    for (const verb of ['insert', 'update']) bench.measure(`${verb}, ${followers} followers`, 'ms', { relativeTo: 'without visible' });
  }
  const writers = await Writers.open();
  const { database } = writers.all[2];
  await database.query(TABLES);
  await database.query('VACUUM ANALYZE');
  let next = 1000000;
  await bench.inTurn(Object.entries(CONDITIONS).map(([name, visible]) => ({ name, visible })), async ({ name, visible }) => {
    await database.query("SELECT herald.unwatch('posts')");
    await database.query("SELECT herald.watch_posts('posts', visible => $1)", [visible]);
    for (const [author, followers] of Object.entries(AUTHORS)) {
      const count = bench.size(200, 40);
      const [first, { position }] = [next, (await database.query('SELECT herald.current_position() AS position'))[0]];
      next += count;
      await database.query('DROP SEQUENCE IF EXISTS next_post');
      await database.query(`CREATE SEQUENCE next_post START ${first}`);
      const inserted = await pgbench(database, `INSERT INTO posts VALUES (nextval('next_post'), ${author}, 'x');`, { transactions: count });
      bench.add(`insert, ${followers} followers`, name, inserted.average);
      const made = await database.query("SELECT name FROM herald.read_events($1, max_events => 1000000) WHERE name = 'post:created'", [position]);
      if (made.length !== count) bench.fault(`${count} posts made ${made.length} events`);
      const updated = await pgbench(database, `\\set post random(${first}, ${next - 1})\nUPDATE posts SET content = content || 'y' WHERE id = :post;`, { transactions: count });
      bench.add(`update, ${followers} followers`, name, updated.average);
    }
  });
  await writers.close();
}
