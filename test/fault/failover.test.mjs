// A standby is promoted under the bridge: whoever has seen only what the standby has goes on exactly; whoever has seen
// more is told; and of what happens afterwards nothing is hidden.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../integration/harness/wait.mjs';
import { Pair, account, heard, report } from './pair.mjs';

const last = (client) => (client.welcomes ? client.welcomes.at(-1).recovered : client.connects.at(-1));

// Burns transaction ids that nobody writes to disk: they are rolled back, and the standby never hears of them.
async function rollBack(database, count) {
  const client = await database.connect();
  for (let n = 0; n < count; n++) await client.query('BEGIN; SELECT pg_current_xact_id(); ROLLBACK');
  await client.end();
}

for (const how of ['killed', 'frozen']) {
  test(`synchronous replication, the primary is ${how}: nothing is lost, everybody is recovered`, { timeout: 60000 }, async (t) => {
    const pair = await Pair.open({ synchronous: true, options: ['--answer-timeout=1s', '--poll-interval=200ms'] });
    t.after(() => pair.close());
    const [ann] = pair.people;
    const clients = [await pair.scene.plain(ann, { resume: true }), await pair.scene.socketIo(ann)];
    pair.write();
    await pair.flows(50);
    await (how === 'killed' ? pair.primary.crash() : pair.primary.freeze());
    await pair.promote();
    if (how === 'frozen') {
      await until('the bridge has changed over', async () => (await pair.scene.bridge.get('/readyz')).status === 200 && pair.fresh.value(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE 'herald-bridge%'"));
      await pair.primary.crash();
    }
    await pair.flows(50);
    const { acknowledged, present } = await pair.stop();
    assert.deepEqual(acknowledged.filter((id) => !present.includes(id)), [], 'PostgreSQL kept what it acknowledged');
    await pair.scene.settle(...clients);
    for (const client of clients) assert.deepEqual(heard(client).sort((a, b) => a - b), present, 'each once');
    for (const client of clients) assert.equal((client.welcomes ?? client.connects).length, 1, 'the failover was not noticed');
    report(t, `promotion, synchronous, primary ${how}`, present.length, clients.map((client) => account(client, present)));
  });
}

for (const preload of [true, false]) {
  test(`asynchronous replication, commits are lost${preload ? '' : ', not preloaded'}: who has seen them is told`, { timeout: 60000 }, async (t) => {
    const pair = await Pair.open({ preload });
    t.after(() => pair.close());
    const { scene } = pair;
    const [ann, ben] = pair.people;
    const [early, steady, quiet] = [await scene.plain(ann), await scene.plain(ann, { resume: true }), await scene.socketIo(ann)];
    const kept = await scene.message(pair.conversation, ben, 'Kept');
    await scene.settle(early, steady, quiet);
    early.close();
    await until('the standby has all', () => pair.value('SELECT bool_and(replay_lsn >= pg_current_wal_flush_lsn()) FROM pg_stat_replication'));

    await pair.primary.pause(await pair.value('SELECT pid FROM pg_stat_replication'));
    await rollBack(pair.old, 200);
    const lost = [];
    for (let n = 0; n < 50; n++) lost.push(await scene.message(pair.conversation, ben, 'Lost'));
    const late = await scene.plain(ann);
    await scene.settle(steady, quiet, late);
    late.close();
    await pair.primary.crash();
    await pair.promote();

    const after = [];
    for (let n = 0; n < 400; n++) after.push(await scene.message(pair.conversation, ben, 'After'));
    const back = await scene.plain(ann, { position: early.position });
    const backLate = await scene.plain(ann, { position: late.position });
    await until('the others are back', () => steady.welcomes.length > 1 && quiet.connects.length > 1);
    const fresh = [];
    for (let n = 0; n < 20; n++) fresh.push(await scene.message(pair.conversation, ben, 'Fresh'));
    await scene.settle(back, backLate, steady, quiet);

    assert.equal(last(back), true, 'who has seen nothing that is lost is recovered');
    assert.deepEqual(heard(back), [...after, ...fresh], 'and misses nothing, and gets nothing twice');
    for (const client of [backLate, steady, quiet]) {
      assert.equal(last(client), false, `${client.label} has seen what is lost, and is told`);
      assert.deepEqual(heard(client).slice(-fresh.length), fresh, 'all that is new comes');
    }
    assert.ok(heard(steady).includes(kept));
    report(t, `promotion, asynchronous, ${lost.length} commits lost`, after.length + fresh.length,
      [account(back, [...after, ...fresh]), ...[backLate, steady, quiet].map((client) => account(client, fresh))]);
  });
}
