// bystanders.mjs: one client of each kind, and how long an event takes to reach them while something else goes on.

import { performance } from 'node:perf_hooks';
import { RawClient, kinds } from '../test/integration/harness/raw_client.mjs';
import { until } from '../test/integration/harness/wait.mjs';

const FEWEST = 100;

// In words: what a list of milliseconds looks like.
export function spread(values) {
  const ascending = [...values].sort((a, b) => a - b);
  const [median, high, most] = [0.5, 0.99, 1].map((share) => ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))].toFixed(1));
  return `median ${median} ms, 99th ${high} ms, most ${most} ms of ${ascending.length}`;
}

export class Bystanders {
  static async connect(scene) {
    const bystanders = new Bystanders();
    const names = Object.keys(kinds);
    bystanders.scene = scene;
    bystanders.ids = await scene.people(...names.map((_, place) => `Bystander${place}`));
    bystanders.clients = await Promise.all(names.map((kind, place) => RawClient.connect(scene.bridge, kind, scene.token(bystanders.ids[place]))));
    return bystanders;
  }

  // Milliseconds from the call of publish() until the last of them has the event.
  async #sample() {
    const before = this.clients.map(({ numbers }) => numbers.length);
    const start = performance.now();
    await this.scene.database.query("SELECT herald.publish('user:' || id, 'bench', '{\"n\": 0}') FROM unnest($1::text[]) AS id", [this.ids]);
    await until('all bystanders have it', () => this.clients.every(({ numbers }, place) => numbers.length > before[place]), 60000);
    return Math.max(...this.clients.map(({ times }) => times.at(-1))) - start;
  }

  // Prints what they notice of the work, and what it takes of the bridge; returns the work's outcome, of which report() makes a text.
  async during(what, work, report = () => '') {
    const { bridge } = this.scene;
    const before = bridge.processorTime();
    const latencies = [];
    let [done, peak] = [false, 0];
    const working = work().finally(() => { done = true; });
    while (!done || latencies.length < FEWEST) {
      latencies.push(await this.#sample());
      peak = Math.max(peak, bridge.memory);
    }
    const outcome = await working;
    console.log(`${what.padEnd(28)} ${spread(latencies)}; bridge ${(peak / 2 ** 20).toFixed(0)} MB, ${((bridge.processorTime() - before) / 1000).toFixed(1)} s of CPU${report(outcome)}`);
    return outcome;
  }

  close() {
    for (const client of this.clients) client.close();
  }
}
