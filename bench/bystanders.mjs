// bystanders.mjs: one client of each kind. Measures the latency of events to them while the bridge does other work.

import { performance } from 'node:perf_hooks';
import { RawClient, kinds } from '../test/integration/harness/raw_client.mjs';
import { until } from '../test/integration/harness/wait.mjs';

const MIN_SAMPLES = 100;

// Returns the median, the 99th percentile and the maximum of a list of milliseconds, as text.
export function spread(values) {
  const ascending = [...values].sort((a, b) => a - b);
  const [median, high, most] = [0.5, 0.99, 1].map((share) => ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))].toFixed(1));
  return `median ${median} ms, p99 ${high} ms, max ${most} ms of ${ascending.length}`;
}

export class Bystanders {
  static async connect(scene) {
    const bystanders = new Bystanders();
    const names = Object.keys(kinds);
    bystanders.scene = scene;
    bystanders.ids = await scene.people(...names.map((_, index) => `Bystander${index}`));
    bystanders.clients = await Promise.all(names.map((kind, index) => RawClient.connect(scene.bridge, kind, scene.token(bystanders.ids[index]))));
    return bystanders;
  }

  // Returns the milliseconds from the call of publish() until the last client has received the event.
  async #sample() {
    const before = this.clients.map(({ numbers }) => numbers.length);
    const start = performance.now();
    await this.scene.database.query("SELECT herald.publish('user:' || id, 'bench', '{\"n\": 0}') FROM unnest($1::text[]) AS id", [this.ids]);
    await until('all bystanders have the event', () => this.clients.every(({ numbers }, index) => numbers.length > before[index]), 60000);
    return Math.max(...this.clients.map(({ times }) => times.at(-1))) - start;
  }

  // Prints the latencies during work(), and the peak memory and CPU time of the bridge. Returns the result of work().
  // report() turns that result into text, which ends the line.
  async during(label, work, report = () => '') {
    const { bridge } = this.scene;
    const before = bridge.processorTime();
    const latencies = [];
    let [done, peak] = [false, 0];
    const working = work().finally(() => { done = true; });
    while (!done || latencies.length < MIN_SAMPLES) {
      latencies.push(await this.#sample());
      peak = Math.max(peak, bridge.memory);
    }
    const result = await working;
    console.log(`${label.padEnd(28)} ${spread(latencies)}; bridge ${(peak / 2 ** 20).toFixed(0)} MB, ${((bridge.processorTime() - before) / 1000).toFixed(1)} s of CPU${report(result)}`);
    return result;
  }

  close() {
    for (const client of this.clients) client.close();
  }
}
