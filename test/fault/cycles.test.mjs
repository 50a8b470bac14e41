// Thousands of clients connect and leave in every way, and leave nothing behind. HERALD_CYCLES sets their number.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { EngineClient } from '../integration/harness/engine_client.mjs';
import { RawClient, kinds } from '../integration/harness/raw_client.mjs';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';

const CYCLES = Number(process.env.HERALD_CYCLES ?? 2000);
const AT_ONCE = 50;

// On a loaded machine the fifty clients of this process can be silent for some seconds.
const scene = await Scene.open({ options: ['--event-cache-size=100kB', '--ping-interval=1s', '--ping-timeout=5s'] });
after(() => scene.close());

const { bridge, database } = scene;
const [ann] = await scene.people('Ann');
const names = Object.keys(kinds);
const good = scene.token(ann);
const bad = good.slice(0, -3);

const ends = {
  clean: async (client) => { client.protocol.leave?.(); client.socket.end(); await client.closed; },
  abrupt: (client) => client.close(),
  reset: (client) => client.reset(),
};

// Connects one client and ends it; n selects the protocol, the token and the kind of end.
async function come(n) {
  const kind = names[n % names.length];
  const client = new RawClient(bridge, kind, n % 7 === 0 ? bad : good);
  const welcomed = await client.connect().then(() => true, () => false);
  assert.equal(welcomed, n % 7 !== 0, `${kind}: ${client.answer}`);
  if (welcomed) await Object.values(ends)[n % 3](client);
  client.close();
}

// A client that upgrades from polling to a WebSocket, or leaves during the upgrade.
async function upgrade(n) {
  const client = await EngineClient.connect(bridge, good);
  const socket = client.websocket();
  await socket.say('2probe');
  if (n % 2 === 0) await socket.hear((text) => text === '3probe');
  if (n % 4 === 0) await socket.say('5');
  if (n % 3 === 0) await client.say('1').catch(() => {});
  socket.close();
}

async function cycle(count) {
  let n = 0;
  const next = async () => { while (n < count) await (++n % 20 === 0 ? upgrade(n / 20) : come(n)); };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  await until('all connections are closed', async () => await bridge.metric('herald_connections') === 0);
}

const gauges = ['herald_sessions', 'herald_rooms', 'herald_waiting_bytes'];

async function state() {
  const [{ backends }] = await database.query("SELECT count(*)::int AS backends FROM pg_stat_activity WHERE application_name LIKE 'herald-bridge%'");
  return { descriptors: bridge.descriptors, backends, gauges: await Promise.all(gauges.map((name) => bridge.metric(name))) };
}

test(`frees descriptors, backends, sessions, rooms and memory after ${CYCLES} clients`, { timeout: 600000 }, async (t) => {
  await cycle(Math.min(1000, CYCLES / 2));
  const before = { ...await state(), memory: bridge.memory };
  const started = performance.now();
  await cycle(CYCLES);
  await until('all figures are as before', async () => JSON.stringify({ ...before, memory: undefined }) === JSON.stringify({ ...await state(), memory: undefined }));
  const growth = bridge.memory - before.memory;
  t.diagnostic(`${CYCLES} in ${((performance.now() - started) / 1000).toFixed(1)} s; memory ${(before.memory / 2 ** 20).toFixed(1)} MB before, ${(growth / 1024).toFixed(0)} kB more`);
  // Sanitizers keep freed memory for a while; they report leaks at the end.
  if (!bridge.sanitized) assert.ok(growth < 2 * 2 ** 20, `${growth} bytes more`);
});
