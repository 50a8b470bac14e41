// A server that crashes gives transaction ids to others that had never reached the disk. A client that has joined a room just
// before the crash gets the new events of these transactions.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';

// No ids reach the disk by themselves, and the bridge reads nothing between the join and the crash.
const scene = await Scene.open({ settings: ['synchronous_commit=off', 'wal_writer_delay=10s'], options: ['--poll-interval=1h', '--database-timeout=10min'] });
after(() => scene.close());

test('delivers events with transaction ids that the join has seen', { timeout: 120000 }, async () => {
  const { database } = scene;
  const [ann] = await scene.people('Ann');
  const post = await database.value("INSERT INTO posts (user_id, content) VALUES ($1, 'Hello') RETURNING id", [ann]);
  const client = await scene.plain(ann);
  await scene.settle(client);
  const id = () => database.value('SELECT pg_current_xact_id()::text::int');
  const publish = (number) => database.value("SELECT herald.publish('post:' || $1::text, 'tick', jsonb_build_object('number', $2::int))", [post, number]);
  let joined = 0, first = 0, last = 0;
  // Somebody may flush the WAL in between. Then no id is reused, and it happens again.
  for (let round = 1; first === 0 || first > last; round++) {
    assert.ok(round <= 5, 'the ids are reused');
    const session = await database.connect();
    await session.query('CHECKPOINT');
    for (let n = 0; n < 20; n++) last = (await session.query('BEGIN; SELECT pg_current_xact_id()::text::int AS id; ROLLBACK'))[1].rows[0].id;
    await session.end();
    if (joined++) await client.ask('room:leave', { room: `post:${post}` });
    assert.equal((await client.ask('room:join', { room: `post:${post}` })).ok, true);
    await scene.postgres.crash();
    await scene.postgres.start();
    first = await until('the server answers', () => id().catch(() => null));
    await publish(round);
    await until('the client gets the event', () => client.all('tick').some(({ data }) => data.number === round), 30000);
  }
});
