// A standby that has everything is promoted under the bridge: no event is lost or repeated, and no client has to reconnect.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { runBridge } from '../integration/harness/bridge.mjs';
import { Scene } from '../integration/harness/scene.mjs';
import { Traffic } from '../integration/harness/traffic.mjs';
import { until } from '../integration/harness/wait.mjs';
import { heard, line, returns } from './audience.mjs';
import * as promoteStandby from './nemesis/promote_standby.mjs';
import { seed, trial } from './trial.mjs';
import { World } from './world.mjs';

const world = await World.open({ seed, writers: 6, clients: 16, scene: { standby: true } });
after(() => world.close());
await world.scene.replicateSynchronously();
trial(world, promoteStandby);

// The options of a bridge for which the standby is the first server of its list.
function nearest({ bridge, conninfo }) {
  const [, hosts, ports] = /host=(\S+) port=(\S+)/.exec(conninfo);
  const turned = (list) => list.split(',').reverse().join(',');
  return [`--database=host=${turned(hosts)} port=${turned(ports)} user=bridge dbname=social`, `--jwt-secret-file=${bridge.secretFile}`];
}

test('fails over when the primary hangs, and clients notice only a pause (synchronous replication)', { timeout: 180000 }, async (t) => {
  const scene = await Scene.open({ standby: true, options: ['--database-timeout=1s', '--poll-interval=200ms'] });
  t.after(() => scene.close());
  await scene.replicateSynchronously();
  assert.equal((await runBridge(['--check', '--listen=127.0.0.1:0', ...nearest(scene)])).code, 0, 'accepts the standby as the first host');
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const clients = await scene.both(ann);
  const before = new Traffic(scene, conversation, ben);
  await before.flows(50);
  await scene.postgres.freeze();
  await scene.failOver();
  const after = new Traffic(scene, conversation, ben);
  await after.flows(50);
  await after.stop();
  await scene.settle(...clients);
  await scene.standby.crash();
  const written = await before.stop();
  await scene.settle(...clients);
  assert.deepEqual(before.acknowledged.filter((id) => !written.includes(id)), [], 'PostgreSQL kept what it acknowledged');
  for (const client of clients) {
    assert.deepEqual(heard(client), written, 'once and in order');
    assert.equal(returns(client), 0);
  }
  t.diagnostic(line('promotion, synchronous, primary hangs', written, clients));
});

test('resumes a position from before a WAL record that the standby has only in part', { timeout: 180000 }, async (t) => {
  const scene = await Scene.open({ standby: true });
  t.after(() => scene.close());
  await scene.replicateSynchronously();
  const start = await scene.database.value('SELECT pg_current_wal_lsn()');
  const writer = await scene.database.connect();
  writer.query("SELECT pg_logical_emit_message(false, 'large', repeat('x', 200000000))").catch(() => {});
  await until('the standby has a part of the record', () => scene.database.value("SELECT write_lsn > $1::pg_lsn + 16000000 FROM pg_stat_replication", [start]));
  await scene.postgres.pause(writer.processID);
  const position = await scene.database.value('SELECT herald.current_position()');
  await scene.postgres.crash();
  await scene.failOver();
  assert.equal(await scene.database.value("SELECT pg_last_wal_replay_lsn() < $1::pg_lsn + 16000000", [start]), true, 'the standby lacks the rest of the record');
  assert.equal(await scene.database.value("SELECT recovered FROM herald_internal.resume(ARRAY[$1], '{}')", [position]), true);
});
