// pair.mjs: a primary and its streaming standby, a bridge that knows both, and an audience that hears what writers write.

import { Scene } from '../integration/harness/scene.mjs';
import { Traffic } from '../integration/harness/traffic.mjs';
import { until } from '../integration/harness/wait.mjs';

const WRITERS = 4;

export class Pair {
  // synchronous: a commit waits for the standby. options: of the bridge.
  static async open({ synchronous = false, preload = true, options = [] } = {}) {
    const pair = new Pair();
    const scene = await Scene.open({ preload, settings: ['wal_writer_delay=10s', 'autovacuum=off'] });
    const standby = await scene.postgres.standby();
    Object.assign(pair, { scene, standby, primary: scene.postgres, old: scene.database, fresh: standby.database('social') });
    await until('the standby streams', () => pair.value("SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'"));
    if (synchronous) await pair.#synchronize();
    scene.bridge = await scene.addBridge(options, pair.conninfo);
    pair.people = await scene.people('Ann', 'Ben');
    pair.conversation = await scene.conversation(...pair.people);
    return pair;
  }

  async #synchronize() {
    await this.scene.database.query("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await this.scene.database.query('SELECT pg_reload_conf()');
    await until('commits wait for the standby', () => this.value("SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'"));
  }

  value(text, values) { return this.scene.database.value(text, values); }

  // Both servers, the primary first.
  get conninfo() {
    const servers = [this.primary, this.standby];
    return `host=${servers.map(({ directory }) => directory)} port=${servers.map(({ port }) => port)} user=bridge dbname=social`;
  }

  write() {
    this.traffic = Array.from({ length: WRITERS }, () => new Traffic(this.scene, this.conversation, this.people[1]));
  }

  async flows(count) { await Promise.all(this.traffic.map((traffic) => traffic.flows(count))); }

  // Ends the writing; what was acknowledged, and what is there now.
  async stop() {
    const present = (await Promise.all(this.traffic.map((traffic) => traffic.stop())))[0];
    return { acknowledged: this.traffic.flatMap((traffic) => traffic.acknowledged), present };
  }

  // From now on all that is asked goes to the standby, which is none any more.
  async promote() {
    await this.standby.promote();
    this.scene.database = this.fresh;
  }

  async close() {
    await this.scene.close();
    await this.standby.destroy();
  }
}

export const heard = (client) => client.all('message:created').map(({ data }) => data.messageId);

// What the standby of this test's report says of a client: what it lacks, what came twice, and its longest silence.
export function account(client, expected) {
  const ids = heard(client);
  const known = new Set(ids);
  const silences = client.arrivals.map((at, n, all) => (n > 0 ? at - all[n - 1] : 0));
  return {
    lost: expected.filter((id) => !known.has(id)).length,
    duplicated: ids.length - known.size,
    gap: Math.round(Math.max(0, ...silences)),
  };
}

// The line of a fault: the worst that happened to a client.
export function report(t, fault, written, clients) {
  const worst = (what) => Math.max(...clients.map((client) => client[what]));
  t.diagnostic(`${fault}: ${written} events written, ${worst('lost')} lost, ${worst('duplicated')} duplicated, longest gap ${worst('gap')} ms`);
}
