// A standby is promoted under the bridge: whoever has seen only what the standby has goes on exactly; whoever has seen
// more is told; and of what happens afterwards nothing is hidden.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from '../integration/harness/scene.mjs';
import { Traffic } from '../integration/harness/traffic.mjs';
import { until } from '../integration/harness/wait.mjs';
import { heard, line, recovered, returns } from './audience.mjs';
import { report, summary } from './report.mjs';
import { World } from './world.mjs';

const seed = Number(process.env.HERALD_SEED ?? Math.floor(Math.random() * 1e6));

const promotion = {
  name: 'promotion, synchronous, primary killed',
  async strike(world) {
    await world.postgres.crash();
    await world.scene.failOver();
    world.history.database = world.database;
  },
  heal: ({ bridges }) => Promise.all(bridges.map((bridge) => bridge.ready())),
};

test('synchronous replication, the primary is killed: nothing is lost, nothing comes twice, everybody is recovered', { timeout: 60000 }, async (t) => {
  const world = await World.open({ seed, standby: true, writers: 6, clients: 16 });
  t.after(() => world.close());
  await world.scene.replicateSynchronously();
  await world.begin();
  await world.flows();
  await world.suffer(promotion);
  const outcome = await world.end();
  t.diagnostic(summary(promotion.name, outcome));
  assert.equal(outcome.violations.length, 0, `HERALD_SEED=${seed}\n${report(outcome)}`);
});

test('synchronous replication, the primary hangs: the bridge goes over, and nobody notices more than a pause', { timeout: 60000 }, async (t) => {
  const scene = await Scene.open({ standby: true, options: ['--answer-timeout=1s', '--poll-interval=200ms'] });
  t.after(() => scene.close());
  await scene.replicateSynchronously();
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
  await scene.postgres.crash();
  const written = await before.stop();
  await scene.settle(...clients);
  assert.deepEqual(before.acknowledged.filter((id) => !written.includes(id)), [], 'PostgreSQL kept what it acknowledged');
  for (const client of clients) {
    assert.deepEqual(heard(client), written, 'once and in order');
    assert.equal(returns(client), 0);
  }
  t.diagnostic(line('promotion, synchronous, primary hangs', written, clients));
});

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
