// history.mjs: many concurrent clients, each with a random history of social actions and of marks in inboxes.

import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../integration/harness/random.mjs';

export const USERS = 30;
const POSTS = 8;
// The SQLSTATEs with which a transaction of an application may fail: a row that was deleted or inserted meanwhile, a deadlock
// of its own rows, a conflict under REPEATABLE READ.
const REFUSED = { '23503': 'foreign key', '23505': 'unique key', '40001': 'serialization', '40P01': 'deadlock' };

// These users mark from several sessions at once, like a user with several tabs; the result depends on the order.
export const isFree = (user) => user % 5 === 0;

class People extends Random {
  user() { return 1 + this.below(USERS); }
  users(most) { return Array.from({ length: 1 + this.below(most) }, () => this.user()); }
  text() { return `Words ${this.below(1000)}${this.oneIn(2) ? this.users(3).map((user) => ` @u${user}`).join() : ''}`; }
}

// Picks posts or comments by the order of their ids: newer comments are chosen more often.
const posts = (random, most = 1) => `(SELECT id FROM posts ORDER BY id OFFSET ${random.below(POSTS)} LIMIT ${1 + random.below(most)})`;
const comments = (random, most = 1, condition = 'true') =>
  `(SELECT id FROM comments WHERE ${condition} ORDER BY id DESC OFFSET ${random.below(random.choose([4, 40]))} LIMIT ${1 + random.below(most)})`;
const list = (users) => `'{${users}}'::int[]`;
const quote = (text) => `'${text}'`;

// Actions of users and their weights; each makes one statement.
const ACTS = {
  like: [20, (r) => `INSERT INTO likes SELECT DISTINCT u, p.id FROM unnest(${list(r.users(4))}) AS u, ${posts(r, 3)} AS p ON CONFLICT DO NOTHING`],
  likeOrChange: [6, (r) => `INSERT INTO likes SELECT ${r.user()}, p.id, 'kind ${r.below(9)}' FROM ${posts(r, 2)} AS p
    ON CONFLICT (user_id, post_id) DO UPDATE SET kind = excluded.kind`],
  likeOnce: [3, (r) => `INSERT INTO likes SELECT ${r.user()}, p.id FROM ${posts(r)} AS p`],
  unlike: [8, (r) => `DELETE FROM likes WHERE user_id = ANY (${list(r.users(8))}) AND post_id IN ${posts(r, 3)}`],
  unlikeMany: [2, (r) => `DELETE FROM likes WHERE post_id = ${posts(r)} AND user_id % 4 = ${r.below(4)}`],
  moveLike: [2, (r) => `UPDATE likes SET post_id = coalesce(${posts(r)}, post_id) WHERE user_id = ${r.user()} AND post_id = ${posts(r)}`],
  likeAnew: [3, (r) => `WITH gone AS (DELETE FROM likes WHERE user_id = ANY (${list(r.users(6))}) AND post_id IN ${posts(r, 2)} RETURNING *)
    INSERT INTO likes SELECT * FROM gone`],
  comment: [14, (r) => `INSERT INTO comments (user_id, post_id, content) SELECT u, p.id, ${quote(r.text())} FROM unnest(${list(r.users(2))}) AS u, ${posts(r, 2)} AS p`],
  reply: [12, (r) => `INSERT INTO comments (user_id, post_id, parent_id, content)
    SELECT ${r.user()}, c.post_id, c.id, ${quote(r.text())} FROM comments AS c WHERE id IN ${comments(r, 2, 'deleted_at IS NULL')}`],
  editComment: [6, (r) => `UPDATE comments SET content = ${quote(r.text())} WHERE id IN ${comments(r, 3)}`],
  hideComment: [5, (r) => `UPDATE comments SET deleted_at = now() WHERE id IN ${comments(r, 3)} AND deleted_at IS NULL`],
  showComment: [5, (r) => `UPDATE comments SET deleted_at = NULL WHERE id IN ${comments(r, 3, 'deleted_at IS NOT NULL')}`],
  showOther: [2, (r) => `UPDATE comments SET deleted_at = NULL, content = ${quote(r.text())} WHERE id IN ${comments(r, 1, 'deleted_at IS NOT NULL')}`],
  deleteComment: [2, (r) => `DELETE FROM comments WHERE id IN ${comments(r)}`],
  likeComment: [8, (r) => `INSERT INTO comment_likes SELECT u, c.id FROM comments AS c, generate_series(${r.below(20)}, 20, 7) AS u
    WHERE c.id IN ${comments(r, 2)} AND c.deleted_at IS NULL AND u > 0 FOR SHARE OF c ON CONFLICT DO NOTHING`],
  unlikeComment: [4, (r) => `DELETE FROM comment_likes WHERE comment_id IN ${comments(r, 3)} AND user_id % 2 = ${r.below(2)}`],
  follow: [6, (r) => `INSERT INTO follows SELECT DISTINCT ${r.user()}, u FROM unnest(${list(r.users(3))}) AS u ON CONFLICT (follower_id, followee_id) DO UPDATE SET deleted_at = NULL`],
  unfollow: [4, (r) => `UPDATE follows SET deleted_at = now() WHERE follower_id % 5 = ${r.below(5)} AND followee_id = ${r.user()} AND deleted_at IS NULL`],
  forgetFollow: [2, (r) => `DELETE FROM follows WHERE followee_id = ${r.user()} AND follower_id % 2 = ${r.below(2)}`],
  post: [5, (r) => `INSERT INTO posts (user_id, content) SELECT u, ${quote(r.text())} FROM unnest(${list(r.users(2))}) AS u`],
  editPost: [2, (r) => `UPDATE posts SET content = ${quote(r.text())} WHERE id IN ${posts(r, 2)}`],
  deletePost: [3, (r) => `DELETE FROM posts WHERE id = ${posts(r)} AND (SELECT count(*) FROM posts) > ${POSTS}`],
};
const WEIGHTS = Object.fromEntries(Object.entries(ACTS).map(([name, [weight]]) => [name, weight]));

// Actions of the owner of an inbox.
const READS = {
  'read': [6, 'SELECT herald.mark_read($1, $2)'],
  'unread': [3, 'SELECT herald.mark_unread($1, $2)'],
  'archive': [3, 'SELECT herald.archive($1, $2)'],
  'unarchive': [2, 'SELECT herald.archive($1, $2, false)'],
  'read all': [2, 'SELECT herald.mark_all_read($1)'],
};
const READ_WEIGHTS = Object.fromEntries(Object.entries(READS).map(([name, [weight]]) => [name, weight]));

class Client {
  constructor(client, seed, refusals) {
    Object.assign(this, { client, random: new People(seed), refusals });
  }

  // Runs a transaction; one that the server refuses is dropped, and the next one continues.
  async #transaction(begin, work) {
    try {
      await this.client.query(begin);
      await work();
      await this.client.query(this.random.oneIn(8) ? 'ROLLBACK' : 'COMMIT');
    } catch (error) {
      if (!REFUSED[error.code]) throw error;
      await this.client.query('ROLLBACK');
      this.refusals[REFUSED[error.code]] = (this.refusals[REFUSED[error.code]] ?? 0) + 1;
    }
  }

  async #act() {
    const [, statement] = ACTS[this.random.weigh(WEIGHTS)];
    if (this.random.oneIn(15)) await pause(this.random.below(20));
    if (!this.random.oneIn(4)) return this.client.query(statement(this.random));
    await this.client.query('SAVEPOINT s');
    await this.client.query(statement(this.random));
    return this.client.query(this.random.choose(['ROLLBACK TO s', 'RELEASE s']));
  }

  // No block changes during an action, so that the journal knows every block. A row that an old snapshot restores is announced
  // as it was in that snapshot, so nobody marks all as read meanwhile.
  #acts() {
    const old = this.random.oneIn(10);
    return this.#transaction(old ? 'BEGIN ISOLATION LEVEL REPEATABLE READ' : 'BEGIN', async () => {
      await this.client.query(`LOCK TABLE blocks${old ? ', old_snapshot' : ''} IN SHARE MODE`);
      for (let n = this.random.choose([1, 1, 2, 3, 5]); n > 0; n--) await this.#act();
    });
  }

  #blocks() {
    const [one, other] = [this.random.user(), this.random.user()];
    return this.#transaction('BEGIN', async () => {
      await this.client.query(this.random.oneIn(3) ? 'DELETE FROM blocks WHERE blocker_id % 10 = $1 % 10 AND $2 > 0'
        : 'INSERT INTO blocks VALUES ($1, $2) ON CONFLICT DO NOTHING', [one, other]);
    });
  }

  // Marks some ids of the list, and some that are not in it: other users' ids, and retracted ones.
  async #reads() {
    const user = this.random.user();
    const act = this.random.weigh(READ_WEIGHTS);
    const [, call] = READS[act];
    await this.#transaction(isFree(user) ? 'BEGIN' : 'BEGIN ISOLATION LEVEL REPEATABLE READ', async () => {
      if (act === 'read all') await this.client.query('LOCK TABLE old_snapshot IN ROW EXCLUSIVE MODE');
      const { rows } = await this.client.query('SELECT id FROM herald.inbox($1, max => 1000, archived => $2)', [user, act === 'unarchive']);
      const ids = this.random.some(rows.map(({ id }) => id));
      const { rows: [{ strange }] } = await this.client.query('SELECT array_agg(id) AS strange FROM herald.notification WHERE id % 7 = $2 AND (recipient_id <> $1 OR retracted_at IS NOT NULL)',
        [user, this.random.below(7)]);
      await this.client.query(call, act === 'read all' ? [user] : [user, [...ids, ...strange ?? []]]);
      await this.client.query('INSERT INTO reading (user_id, act, ids) VALUES ($1, $2, $3)', [user, act, ids]);
    });
  }

  async run(transactions) {
    for (let n = 0; n < transactions; n++) {
      const kind = this.random.weigh({ acts: 70, reads: 27, blocks: 3 });
      await { acts: () => this.#acts(), reads: () => this.#reads(), blocks: () => this.#blocks() }[kind]();
    }
    await this.client.end();
  }
}

// Lets the clients run a number of transactions in all; returns the number of refusals by SQLSTATE.
export async function live(database, { seed, clients, transactions }) {
  const refusals = {};
  await database.query(`INSERT INTO posts (user_id, content) SELECT n, 'Post' FROM generate_series(1, ${POSTS}) AS n`);
  await Promise.all(Array.from({ length: clients }, async (_, number) => {
    const client = new Client(await database.connect(), seed * 1000 + number, refusals);
    await client.run(Math.ceil(transactions / clients));
  }));
  return refusals;
}
