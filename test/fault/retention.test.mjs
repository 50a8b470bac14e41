// Retention: a client that is away for longer than herald.recovery_window is not recovered; one that reconnects within it misses
// nothing. A long reader of the log delays retention, but no writer.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Scene } from '../integration/harness/scene.mjs';
import { Traffic } from '../integration/harness/traffic.mjs';
import { until } from '../integration/harness/wait.mjs';
import { heard, line, recovered } from './audience.mjs';

const scene = await Scene.open({ settings: ['herald.recovery_window=2s'] });
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;
const [ann, ben] = await scene.people('Ann', 'Ben');
const conversation = await scene.conversation(ann, ben);
const count = () => database.value('SELECT count(*)::int FROM herald.event');
const floor = () => database.value('SELECT coalesce(max(xid), \'0\')::text::bigint FROM herald_internal.log_floor');

// Waits until retention has removed all present events.
async function forgotten() {
  const present = await database.value('SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint');
  await until('the present events are removed', async () => BigInt(await floor()) >= BigInt(present), 30000);
}

async function leaves() {
  const client = await scene.plain(ann);
  await scene.settle(client);
  client.close();
  return client;
}

test('recovers a client within the recovery window, and not after it', { timeout: 180000 }, async (t) => {
  const traffic = new Traffic(scene, conversation, ben);
  const old = await leaves();
  await traffic.flows(50);
  await forgotten();
  const young = await leaves();
  const last = heard(young).at(-1);
  await traffic.flows(50);
  const [backOld, backYoung] = [await scene.plain(ann, { position: old.position }), await scene.plain(ann, { position: young.position })];
  const written = await traffic.stop();
  await scene.settle(backOld, backYoung);
  assert.equal(recovered(backOld), false);
  assert.equal(recovered(backYoung), true);
  const missed = written.slice(written.indexOf(last) + 1);
  assert.ok(missed.length >= 50);
  assert.deepEqual(heard(backYoung), missed);
  t.diagnostic(line('retention', written, [backYoung], missed));
});

test('trims the log late for a long reader: the doctor reports it, and no INSERT waits', { timeout: 180000 }, async (t) => {
  const steady = await scene.plain(ann);
  const traffic = new Traffic(scene, conversation, ben);
  await traffic.flows(50);
  const dump = await database.connect();
  await dump.query('BEGIN; LOCK TABLE herald.event IN ACCESS SHARE MODE');
  const [before, kept] = [await count(), await floor()];
  await until('the doctor reports log_not_trimmed', () => database.value("SELECT count(*) > 0 FROM herald.doctor('1s') WHERE problem = 'log_not_trimmed'"), 30000);
  assert.equal(await floor(), kept, 'nothing is removed');
  assert.ok(await count() > before, 'the log grows');
  await dump.query('COMMIT');
  await dump.end();
  await until('the log is trimmed again', async () => BigInt(await floor()) > BigInt(kept), 30000);
  await until('the doctor reports it no more', () => database.value("SELECT count(*) = 0 FROM herald.doctor('1s') WHERE problem = 'log_not_trimmed'"), 30000);
  const written = await traffic.stop();
  await scene.settle(steady);
  assert.equal(traffic.failed, 0);
  assert.ok(traffic.longest < 1000, `the longest INSERT took ${traffic.longest} ms`);
  assert.deepEqual(heard(steady), written.slice(-heard(steady).length));
  t.diagnostic(`${line('a long reader of the log', traffic.acknowledged, [steady])}, longest INSERT ${traffic.longest} ms`);
});
