// world.mjs: an application with writers, clients of all protocols and habits, and several bridges. It runs rounds of faults.
//
// Each round begins and ends in calm: no writer is active, and every client has received all events.

import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../integration/harness/random.mjs';
import { Scene } from '../integration/harness/scene.mjs';
import { soon, until } from '../integration/harness/wait.mjs';
import { Client, everyHabit, kinds } from './client.mjs';
import { History } from './history.mjs';
import { names } from './report.mjs';
import { ready } from './sessions.mjs';
import { judge, judgeLog } from './verdict.mjs';
import { Writer } from './writer.mjs';

const WEEK = 7 * 24 * 3600;
const PATIENCE = 60000;

// Writers have the application's role and own nothing. Their lock_timeout keeps a hanging transaction's row locks from stopping them.
const PREPARE = `
  CREATE TABLE written (number bigint PRIMARY KEY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(), snapshot pg_snapshot NOT NULL DEFAULT pg_current_snapshot());
  CREATE ROLE writer LOGIN IN ROLE social_app;
  ALTER ROLE writer SET lock_timeout = '300ms';
  GRANT INSERT ON written TO writer;
  GRANT USAGE ON SCHEMA herald TO writer;
  GRANT EXECUTE ON FUNCTION herald.publish TO writer`;

export class World {
  bridges = [];
  writers = [];
  clients = [];
  transactions = 0;
  refused = {};         // how many statements the server refused, by SQLSTATE
  strikes = {};         // how often each nemesis struck
  calm = true;
  #marks = 0;
  #struck = [];         // { nemesis, over }: nemeses that are not healed yet, and the earliest time to heal them

  // pace: a writer's longest pause between transactions, in milliseconds. flow: how many transactions commit before, during and after
  // a fault. options: of the bridges; small queues, pages and caches make them use every code path. All bridges but the first have a
  // larger event cache. clocks: of own_clock.mjs. scene: more options of Scene.open().
  static async open({ seed, bridges = 2, writers = 8, clients = 32, pace = 120, flow = 40, habits = everyHabit, settings = [], clocks,
    options = ['--queue-limit=8kB', '--event-cache-size=64kB', '--page-size=50', '--drain-timeout=1s'], scene: given }) {
    const world = new World();
    const scene = await Scene.open({ settings: ['max_connections=80', 'deadlock_timeout=100ms', 'herald.milestones=', ...settings], options, ...given });
    Object.assign(world, { seed, pace, flow, clocks, random: new Random(seed), scene, bridges: [scene.bridge] });
    while (world.bridges.length < bridges) await world.addBridge([...options, '--event-cache-size=4MB']);
    await world.#populate(clients, habits);
    world.writers = Array.from({ length: writers }, (_, number) => new Writer(world, number));
    return world;
  }

  get postgres() { return this.scene.postgres; }
  get database() { return this.scene.database; }

  async addBridge(...parameters) {
    const bridge = await this.scene.addBridge(...parameters);
    this.bridges.push(bridge);
    return bridge;
  }

  token(user) { return this.scene.token(user, { seconds: WEEK }); }

  async #populate(clients, habits) {
    await this.database.query(PREPARE);
    this.people = await this.scene.people(...Array(8).fill('Person'));
    this.posts = await Promise.all(this.people.slice(0, 6).map((author) => this.scene.post(author)));
    this.conversations = await Promise.all([0, 1, 2, 3, 4].map((n) => this.scene.conversation(...this.people.filter((_, index) => (index + n) % 3))));
    this.clients = Array.from({ length: clients }, (_, n) => new Client(this, n, {
      kind: kinds[n % kinds.length], habit: habits[Math.floor(n / kinds.length) % habits.length], user: this.people[n % this.people.length] }));
    await until('all clients are in their rooms', () => this.clients.every(({ joined }) => joined), PATIENCE);
  }

  // Runs a round with these faults at the same time, or without any. Returns { violations, counts }. The error of a round that breaks
  // off names the seed and the faults.
  async round(nemeses = []) {
    try {
      await this.#begin();
      await this.flows();
      await this.#suffer(nemeses);
      return await this.#end();
    } catch (error) {
      throw new Error(`HERALD_SEED=${this.seed}: the round of ${names(nemeses)} broke off: ${error.message}`, { cause: error });
    }
  }

  async #begin() {
    this.history = await History.begin(this.scene, this.people);
    for (const client of this.clients) client.forget();
    Object.assign(this, { written: [], forgets: [], calm: false });
  }

  // Waits until this many more transactions have committed.
  async flows(count = this.flow) {
    const committed = () => this.written.filter(({ outcome }) => outcome === 'committed').length;
    const goal = committed() + count;
    await until(`${count} more transactions are committed`, () => committed() >= goal, PATIENCE);
  }

  // The kinds of faults that are not healed yet.
  get broken() { return this.#struck.flatMap(({ nemesis }) => nemesis.breaks); }

  // Strikes, lets writers go on for a while, and heals.
  async #suffer(nemeses) {
    const from = Date.now();
    const forgets = nemeses.some((nemesis) => nemesis.forgets);
    if (forgets) this.forgets.push({ from, to: Infinity });
    const watched = forgets && this.#watch();
    try {
      for (const nemesis of nemeses) await this.#strike(nemesis);
      await this.flows();
    } finally {
      await this.#heal();
      this.watching = false;
    }
    await watched;
    await ready(this);
    await this.flows();
  }

  async #strike(nemesis) {
    await nemesis.strike(this);
    this.strikes[nemesis.name] = (this.strikes[nemesis.name] ?? 0) + 1;
    this.#struck.push({ nemesis, over: Date.now() + (nemesis.lasts ?? 0) });
  }

  // Heals at the same time: one nemesis may need that another is healed. Those whose time is not over stay for another round.
  async #heal() {
    const due = this.#struck.filter(({ over }) => over <= Date.now());
    this.#struck = this.#struck.filter((one) => !due.includes(one));
    await Promise.all(due.map(({ nemesis }) => nemesis.heal?.(this)));
  }

  // Collects events before retention removes them. Queries may fail: a server that is down removes nothing.
  async #watch() {
    for (this.watching = true; this.watching; await pause(200)) await this.history.collect().catch(() => {});
  }

  get #heard() { return this.clients.reduce((sum, { received }) => sum + received.length, 0); }

  // Waits until all clients have the mark. A slow client has lost nothing: the wait goes on while any client still receives events.
  async #arrives(number) {
    const all = () => this.clients.every(({ mark }) => mark >= number);
    for (let before; !all() && before !== this.#heard;) {
      before = this.#heard;
      await until('all clients have everything', all, PATIENCE).catch(() => {});
    }
  }

  // Waits for calm and judges the round. Returns { violations, counts }.
  async #end() {
    this.calm = true;
    await until('no writer is in a transaction', () => this.writers.every(({ busy }) => !busy), PATIENCE);
    const number = ++this.#marks;
    await this.database.query('SELECT herald.broadcast($1, $2)', ['test:mark', { number }]);
    await this.#arrives(number);
    const history = await this.history.read();
    const written = this.written.map(({ number, outcome, names }) => ({ number, outcome, names }));
    this.record = { history, clients: this.clients.map(({ story }) => story), written, forgets: this.forgets };
    const { violations, counts } = judge(history, this.record.clients, this.record);
    return { violations: [...judgeLog(history, written), ...violations], counts };
  }

  async close() {
    this.ended = true;
    await soon('all writers end', Promise.all(this.writers.map(({ done }) => done)), PATIENCE);
    await soon('all clients end', Promise.all(this.clients.map((client) => client.end())), PATIENCE);
    await this.scene.close();
  }
}
