// A standby that lacks something is promoted under the bridge: whoever has seen only what it has goes on exactly; whoever has
// seen more is told; and of what happens afterwards nothing is hidden.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';
import { heard, line, recovered, returns } from './audience.mjs';

const CONNECTIONS = 9;    // of a bridge: reader, doorbell, rooms, replay, presence and four for actions

// Burns transaction ids that nobody writes to disk: they are rolled back, and the standby never hears of them.
async function rollBack(database, count) {
  const client = await database.connect();
  for (let n = 0; n < count; n++) await client.query('BEGIN; SELECT pg_current_xact_id(); ROLLBACK');
  await client.end();
}

for (const preload of [true, false]) {
  const how = preload ? '' : ', not preloaded';
  test(`asynchronous replication${how}: who has seen commits that are lost is told, and misses nothing of the new timeline`, { timeout: 60000 }, async (t) => {
    const scene = await Scene.open({ standby: true, preload });
    t.after(() => scene.close());
    const [ann, ben] = await scene.people('Ann', 'Ben');
    const conversation = await scene.conversation(ann, ben);
    const say = async (what, times) => {
      const ids = [];
      while (ids.length < times) ids.push(await scene.message(conversation, ben, what));
      return ids;
    };
    const [early, steady, quiet] = [await scene.plain(ann), await scene.plain(ann, { resume: true }), await scene.socketIo(ann)];
    await say('Kept', 1);
    await scene.settle(early, steady, quiet);
    early.close();
    await until('the standby has it', () => scene.database.value('SELECT bool_and(replay_lsn >= pg_current_wal_flush_lsn()) FROM pg_stat_replication'));

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
    await until('the others are back', () => returns(steady) > 0 && returns(quiet) > 0);
    const fresh = await say('Fresh', 20);
    await scene.settle(back, ...told);

    assert.equal(recovered(back), true, 'who has seen nothing that is lost is recovered');
    assert.deepEqual(heard(back), [...after, ...fresh], 'and misses nothing, and gets nothing twice');
    for (const client of told) {
      assert.equal(recovered(client), false, `${client.label} has seen what is lost, and is told`);
      assert.deepEqual(heard(client).slice(-fresh.length), fresh, 'all that is new comes');
    }
    t.diagnostic(line(`promotion, asynchronous, ${lost.length} commits lost${how}`, [...after, ...fresh], [back, ...told], fresh));
  });
}

test('two primaries at once: a bridge is with one of them as a whole', { timeout: 60000 }, async (t) => {
  const scene = await Scene.open({ standby: true, options: ['--poll-interval=200ms'] });
  t.after(() => scene.close());
  const [old, fresh] = [scene.database, scene.standby.database('social')];
  const connections = async (database) => (await database.query(
    "SELECT pid, application_name AS name FROM pg_stat_activity WHERE application_name LIKE 'herald-bridge%'"));
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  await scene.postgres.crash();
  await scene.failOver();
  const all = await until('all have changed over', async () => {
    const list = await connections(fresh);
    return list.length === CONNECTIONS && list;
  });
  const client = await scene.plain(ann, { resume: true });

  await scene.standby.start();
  await fresh.query('ALTER ROLE bridge NOLOGIN');
  await fresh.query('SELECT pg_terminate_backend($1)', [all.find(({ name }) => name === 'herald-bridge rooms').pid]);
  await until('all are with the other', async () => (await connections(old)).length === CONNECTIONS && (await connections(fresh)).length === 0);
  scene.database = old;
  await until('the client has been told', () => returns(client) > 0);
  const id = await scene.message(conversation, ben, 'The old primary');
  await scene.settle(client);
  assert.equal(recovered(client), false);
  assert.deepEqual(heard(client), [id]);
});
