// writer.mjs: runs random transactions of an application and records the outcome of each.
//
// Every transaction has a number. The number is in everything that it writes, and in its row in the table "written", together with
// its transaction id and a snapshot. That row tells whether it committed, and which other transactions it may have seen.

import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../integration/harness/random.mjs';

const newest = (table, random) => `(SELECT id FROM ${table} ORDER BY id DESC OFFSET ${random.below(20)} LIMIT 1)`;

// Each act: its weight, the name of the event for each row, and a function that returns the statement.
const ACTS = {
  message: [12, 'message:created', ({ people, conversations, random, text }) => [
    `INSERT INTO messages (conversation_id, sender_id, content) SELECT $1, $2, $3 || '/' || n FROM generate_series(1, ${random.choose([1, 1, 1, 3])}) AS n`,
    [random.choose(conversations), random.choose(people), text]]],
  deleteMessage: [3, 'message:deleted', ({ random }) => [`DELETE FROM messages WHERE id = ${newest('messages', random)}`]],
  like: [5, 'post:liked', ({ people, posts, random }) => [
    'INSERT INTO likes (user_id, post_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [random.choose(people), random.choose(posts)]]],
  unlike: [3, 'post:unliked', ({ people, posts, random }) => [
    'DELETE FROM likes WHERE user_id = $1 AND post_id = $2', [random.choose(people), random.choose(posts)]]],
  comment: [5, 'comment:created', ({ people, posts, random, text }) => [
    'INSERT INTO comments (post_id, user_id, content) VALUES ($1, $2, $3)', [random.choose(posts), random.choose(people), text]]],
  deleteComment: [2, 'comment:deleted', ({ random }) => [`DELETE FROM comments WHERE id = ${newest('comments', random)}`]],
  post: [2, 'post:created', ({ people, random, text }) => ['INSERT INTO posts (user_id, content) VALUES ($1, $2)', [random.choose(people), text]]],
  follow: [2, 'user:followed', ({ people, random }) => [
    'INSERT INTO follows (follower_id, followee_id) SELECT $1::bigint, $2::bigint WHERE $1 <> $2 ON CONFLICT DO NOTHING',
    [random.choose(people), random.choose(people)]]],
  unfollow: [2, 'user:unfollowed', ({ people, random }) => [
    'DELETE FROM follows WHERE follower_id = $1 AND followee_id = $2', [random.choose(people), random.choose(people)]]],
  leave: [3, 'conversation:left', ({ people, conversations, random }) => [
    'UPDATE conversation_members SET left_at = now() WHERE (conversation_id, user_id) = ($1, $2) AND left_at IS NULL',
    [random.choose(conversations), random.choose(people)]]],
  join: [4, 'conversation:joined', ({ people, conversations, random }) => [
    'UPDATE conversation_members SET left_at = NULL WHERE (conversation_id, user_id) = ($1, $2) AND left_at IS NOT NULL',
    [random.choose(conversations), random.choose(people)]]],
  note: [4, 'fault:note', ({ people, random, text }) => [
    "SELECT herald.publish('user:' || $1, 'fault:note', jsonb_build_object('text', $2::text))", [random.choose(people), text]]],
};
const WEIGHTS = Object.fromEntries(Object.entries(ACTS).map(([name, [weight]]) => [name, weight]));

class Transaction {
  names = {};          // number of events by name that its commit writes
  outcome = 'open';    // 'committed', 'rolled back', or 'unknown' when the connection was lost during its end
  #acts = 0;

  constructor(world, client, random) {
    Object.assign(this, { world, client, random, number: ++world.transactions });
    world.written.push(this);
  }

  async begin() {
    await this.client.query('BEGIN');
    await this.client.query('INSERT INTO written (number) VALUES ($1)', [this.number]);
  }

  // Runs a random statement. A savepoint that is rolled back removes its events.
  async act() {
    const act = this.random.weigh(WEIGHTS);
    if (!this.random.oneIn(5)) return this.#count(await this.#do(act));
    await this.client.query('SAVEPOINT s');
    const done = await this.#do(act);
    const kept = this.random.oneIn(2);
    await this.client.query(kept ? 'RELEASE s' : 'ROLLBACK TO s');
    return kept && this.#count(done);
  }

  async #do(act) {
    const [, name, statement] = ACTS[act];
    const { people, conversations, posts } = this.world;
    const text = `Number ${this.number}.${++this.#acts}`;
    const { rowCount } = await this.client.query(...statement({ people, conversations, posts, random: this.random, text }));
    return { name, rowCount };
  }

  #count({ name, rowCount }) {
    if (rowCount > 0) this.names[name] = (this.names[name] ?? 0) + rowCount;
  }

  async end(how) {
    this.outcome = 'unknown';
    await this.client.query(how);
    this.outcome = how.startsWith('COMMIT') ? 'committed' : 'rolled back';
  }
}

export class Writer {
  constructor(world, number) {
    this.world = world;
    this.random = new Random(world.seed * 1000 + number);
    this.done = this.#run();
  }

  async #run() {
    while (!this.world.ended) {
      if (this.world.calm) await pause(10);
      else await this.#transaction();
    }
    await this.client?.end().catch(() => {});
  }

  // Any error ends the transaction; the next one may succeed. Without a connection the writer waits for one.
  async #transaction() {
    let transaction;
    this.busy = true;
    try {
      this.client ??= await this.world.database.connect('writer');
      transaction = new Transaction(this.world, this.client, this.random);
      await transaction.begin();
      for (let left = 1 + this.random.below(4); left > 0; left--) {
        await transaction.act();
        if (this.random.oneIn(6)) await pause(this.random.below(60));
      }
      await transaction.end(this.random.oneIn(5) ? 'ROLLBACK' : 'COMMIT');
      await pause(this.random.below(this.world.pace));
    } catch (error) {
      await this.#recover(transaction, error);
    } finally {
      this.busy = false;
    }
  }

  async #recover(transaction, { code = 'connection lost' }) {
    if (transaction?.outcome === 'open') transaction.outcome = 'rolled back';
    this.world.refused[code] = (this.world.refused[code] ?? 0) + 1;
    await this.client?.query('ROLLBACK').catch(() => this.#disconnect());
    if (!this.client) await pause(20);
  }

  #disconnect() {
    this.client?.end().catch(() => {});
    this.client = undefined;
  }
}
