// A burst of events while the bridge is down, stopped or cut off from the database, and while a client is away.
//
// Every client receives all events, in order and once. The bridge's memory stays bounded, the database reads each event about once
// per reader, and the bridge reports how far behind it is. HERALD_BURST sets the number of events.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, test } from 'node:test';
import { release } from '../integration/harness/bridge.mjs';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';

const EVENTS = Number(process.env.HERALD_BURST ?? 30000);
const PATIENCE = 30000 + EVENTS;
const MEMORY = 32 * 1024;    // in kB: the growth allowed for a bridge with an event cache of 4 MB and queues of 512 kB

// A bridge without sanitizers, because they keep freed memory.
const scene = await Scene.open({ program: release, options: ['--event-cache-size=4MB', '--queue-limit=512kB', '--ready-lag=300ms'] });
after(() => scene.close());
afterEach(() => scene.closeClients());

const { bridge, database } = scene;

// Publishes half of the events in one transaction, the others in transactions of 1,000. Numbers give the order.
async function burst(user, events = EVENTS) {
  const publish = `herald.publish('user:${user}', 'burst', jsonb_build_object('n', n, 'text', repeat('x', 1000)))`;
  const half = events / 2;
  await database.query(`SELECT count(${publish}) FROM generate_series(1, ${half}) AS n`);
  await database.query(`DO $$ BEGIN
    FOR low IN ${half + 1} .. ${events} BY 1000 LOOP
      PERFORM ${publish} FROM generate_series(low, least(low + 999, ${events})) AS n;
      COMMIT;
    END LOOP;
  END $$`);
}

// Makes a client count the events of a burst instead of keeping them. An event that is not the next one is an error.
function count(client) {
  client.got = 0;
  client.wrong = null;
  client.record = (event, data) => {
    if (event !== 'burst') return;
    if (data.n !== client.got + 1) client.wrong ??= `${data.n} after ${client.got}`;
    client.got = data.n;
  };
  return client;
}

// One client of each protocol; all of them reconnect by themselves.
async function openClients(user) {
  const clients = await Promise.all([
    scene.plain(user, { resume: true }), scene.socketIo(user), scene.eventSource(user, { resume: true, retry: 20 })]);
  return clients.map(count);
}

async function allReceive(clients, events = EVENTS) {
  for (const client of clients) {
    await until(`${client.label} has everything`, () => client.wrong ?? client.got >= events, PATIENCE);
    assert.deepEqual([client.wrong, client.got], [null, events], client.label);
  }
}

const isReady = () => until('the bridge has caught up', async () => await (await bridge.get('/readyz')).text() === 'ready\n', PATIENCE);
const peakMemory = () => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${bridge.pid}/status`, 'latin1'))[1]);
const countRows = () => database.value(`SELECT sum(coalesce(idx_tup_fetch, 0) + seq_tup_read)::float8 FROM pg_stat_user_tables
                                        WHERE schemaname = 'herald_internal' AND relname LIKE 'event\\__'`);
let rowsBefore = 0;

// Returns how many rows of the log were read since the last call. A session reports its reads late, but at the latest when it ends:
// this ends those of the bridge, and waits until it has connected again.
async function rowsRead() {
  const ended = await database.query("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = 'bridge'");
  const [rows, before] = [await countRows(), rowsBefore];
  rowsBefore = rows;
  await until('the bridge has connected again', () => database.value(
    "SELECT count(*) >= $1 FROM pg_stat_activity WHERE usename = 'bridge'", [ended.length]), PATIENCE);
  await isReady();
  return rows - before;
}

// Runs act(), prints its figures, and checks that its memory and all reading of the test were bounded. readers: how often the log may
// be read.
async function bounded(t, readers, act) {
  const before = { memory: peakMemory(), cut: await bridge.metric('herald_slow_closed_total'), begun: Date.now() };
  await act();
  const seconds = (Date.now() - before.begun) / 1000;
  const memory = peakMemory();
  const rows = await rowsRead();
  t.diagnostic(`${EVENTS} events in ${seconds} s, ${Math.round(EVENTS / seconds)}/s; peak memory ${memory} kB; ${rows} rows read; ${await bridge.metric('herald_slow_closed_total') - before.cut} cut off`);
  assert.ok(memory < before.memory + MEMORY, `peak memory is ${memory} kB, after ${before.memory} kB`);
  assert.ok(rows < EVENTS * readers * 2, `${rows} rows were read`);
}

test('delivers a burst to clients that reconnect after the bridge was down', { timeout: 2 * PATIENCE }, async (t) => {
  const [ann] = await scene.people('Ann');
  const clients = await openClients(ann);
  await bridge.kill();
  await burst(ann);
  await bridge.start();
  await bounded(t, 4, () => allReceive(clients));
  for (const { welcomes } of [clients[0], clients[2]]) assert.ok(welcomes.slice(1).every(({ recovered }) => recovered));
  assert.ok(clients[1].connects.slice(1).every(Boolean));
});

test('reports its lag after the bridge was stopped, until it has caught up', { timeout: 2 * PATIENCE }, async (t) => {
  const [ann] = await scene.people('Ann');
  const clients = await openClients(ann);
  process.kill(bridge.pid, 'SIGSTOP');
  await burst(ann);
  process.kill(bridge.pid, 'SIGCONT');
  await bounded(t, 8, async () => {
    await Promise.all([
      until('/readyz reports the lag', async () => {
        const answer = await bridge.get('/readyz');
        return answer.status === 503 && /^reading .*; \d+\.\d s and about [1-9]\d* events behind\n$/.test(await answer.text());
      }),
      until('herald_lag_events rises', async () => await bridge.metric('herald_lag_events') > 0),
      until('herald_lag_seconds rises', async () => await bridge.metric('herald_lag_seconds') > 0.3),
    ]);
    await isReady();
    await allReceive(clients);
  });
});

test('delivers a burst after the bridge was cut off from the database', { timeout: 2 * PATIENCE }, async (t) => {
  const [ann] = await scene.people('Ann');
  const clients = await openClients(ann);
  await database.query('ALTER ROLE bridge NOLOGIN');
  await database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bridge'");
  await burst(ann);
  await until('the bridge reports the lag', async () => await bridge.metric('herald_lag_seconds') > 0.3);
  assert.equal((await bridge.get('/readyz')).status, 503);
  await database.query('ALTER ROLE bridge LOGIN');
  await bounded(t, 8, () => allReceive(clients));
  await isReady();
});

test('replays a burst to a client that was away and reads slowly', { timeout: 2 * PATIENCE }, async (t) => {
  const [ann] = await scene.people('Ann');
  const away = count(await scene.plain(ann));
  await scene.settle(await scene.plain(ann));
  away.socket.terminate();
  await away.closed;
  await burst(ann);
  await bounded(t, 8, async () => {
    await away.open();
    const halting = setInterval(() => { if (away.socket.isPaused) away.socket.resume(); else away.socket.pause(); }, 20);
    await allReceive([away]).finally(() => clearInterval(halting));
  });
  assert.equal(away.welcomes.at(-1).recovered, true);
});
