// A standby that lacks commits is promoted under the bridge. Clients that received only commits that it has go on without a gap or
// a repetition; clients that received more get "recovered: false". All of them receive every later event.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONNECTIONS } from '../integration/harness/bridge.mjs';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';
import { heard, line, recovered, returns } from './audience.mjs';

// Uses up transaction ids that never reach the disk: they are rolled back, and the standby does not learn of them.
async function rollBack(database, count) {
  const client = await database.connect();
  for (let n = 0; n < count; n++) await client.query('BEGIN; SELECT pg_current_xact_id(); ROLLBACK');
  await client.end();
}

for (const preload of [true, false]) {
  const how = preload ? '' : ', not preloaded';
  test(`recovers only clients that received no lost commit (asynchronous replication${how})`, { timeout: 180000 }, async (t) => {
    const scene = await Scene.open({ standby: true, preload });
    t.after(() => scene.close());
    const [ann, ben] = await scene.people('Ann', 'Ben');
    const conversation = await scene.conversation(ann, ben);
    const say = async (content, times) => {
      const ids = [];
      while (ids.length < times) ids.push(await scene.message(conversation, ben, content));
      return ids;
    };
    const [early, steady, quiet] = [await scene.plain(ann), await scene.plain(ann, { resume: true }), await scene.socketIo(ann)];
    await say('Kept', 1);
    await scene.settle(early, steady, quiet);
    early.close();
    await until('the standby has replayed everything', () => scene.database.value('SELECT bool_and(replay_lsn >= pg_current_wal_flush_lsn()) FROM pg_stat_replication'));

    await scene.postgres.pause(await scene.database.value('SELECT pid FROM pg_stat_replication'));
    await rollBack(scene.database, 200);
    const lost = await say('Lost', 50);
    const late = await scene.plain(ann);
    await scene.settle(steady, quiet, late);
    late.close();
    await scene.postgres.crash();
    await scene.failOver();

    const after = await say('After', 400);
    const back = await scene.plain(ann, { position: early.position });
    const told = [await scene.plain(ann, { position: late.position }), steady, quiet];
    await until('the other clients have reconnected', () => returns(steady) > 0 && returns(quiet) > 0);
    const fresh = await say('Fresh', 20);
    await scene.settle(back, ...told);

    assert.equal(recovered(back), true, 'a client that received no lost commit is recovered');
    assert.deepEqual(heard(back), [...after, ...fresh], 'it misses nothing and receives nothing twice');
    for (const client of told) {
      assert.equal(recovered(client), false, `${client.label} received lost commits and is not recovered`);
      assert.deepEqual(heard(client).slice(-fresh.length), fresh, 'it receives all new events');
    }
    t.diagnostic(line(`promotion, asynchronous, ${lost.length} commits lost${how}`, [...after, ...fresh], [back, ...told], fresh));
  });
}

test('keeps all connections of a bridge at one of two primaries', { timeout: 180000 }, async (t) => {
  const scene = await Scene.open({ standby: true, options: ['--poll-interval=200ms'] });
  t.after(() => scene.close());
  const [old, fresh] = [scene.database, scene.standby.database('social')];
  const connections = async (database) => (await database.query(
    "SELECT pid, application_name AS name FROM pg_stat_activity WHERE application_name LIKE 'herald-bridge%'"));
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  await scene.postgres.crash();
  await scene.failOver();
  const all = await until('all connections go to the new primary', async () => {
    const list = await connections(fresh);
    return list.length === CONNECTIONS && list;
  });
  const client = await scene.plain(ann, { resume: true });

  await scene.standby.start();
  await fresh.query('ALTER ROLE bridge NOLOGIN');
  await fresh.query('SELECT pg_terminate_backend($1)', [all.find(({ name }) => name === 'herald-bridge rooms').pid]);
  await until('all connections go to the old primary', async () => (await connections(old)).length === CONNECTIONS && (await connections(fresh)).length === 0);
  scene.database = old;
  await until('the client has reconnected', () => returns(client) > 0);
  const id = await scene.message(conversation, ben, 'The old primary');
  await scene.settle(client);
  assert.equal(recovered(client), false);
  assert.deepEqual(heard(client), [id]);
});
