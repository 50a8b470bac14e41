// The bridge prepares queries that come again, and survives it when the server's side of one is gone or has changed.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;

async function like(times) {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const client = await scene.socketIo(ann);
  for (let time = 1; time <= times; time++) {
    const post = await scene.post(ann);
    await database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [ben, post]);
    await until(`like ${time} has arrived`, () => client.all('notification:new').length === time);
  }
  return client;
}

// Sets a parameter for the bridge's role, which its next connections take.
async function reconnectWith(setting) {
  const before = await scene.bridge.metric('herald_database_reconnects_total');
  await database.query(`ALTER ROLE bridge ${setting}`);
  const ended = await database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bridge'");
  await until('the bridge has reconnected', async () =>
    await scene.bridge.metric('herald_database_reconnects_total') >= before + ended.length);
}

test('a query that comes again is executed by its name', async () => {
  await reconnectWith('SET log_min_duration_statement = 0');
  const start = scene.postgres.log().length;
  await like(4);
  const lines = scene.postgres.log().slice(start).split('\n').filter(line => /read_events\(/.test(line));
  await reconnectWith('RESET log_min_duration_statement');
  assert.ok(lines.some(line => /execute herald_\d+: /.test(line)), lines.join('\n'));
});

test('an action is answered although its function has changed, and what was prepared is of no use', async () => {
  const client = await like(1);
  const ask = async () => (await client.ask('inbox:list', {})).ok;
  for (let time = 0; time < 3; time++) assert.equal(await ask(), true);
  await database.query(`
    BEGIN;
    CREATE SCHEMA before;
    ALTER FUNCTION herald_internal.act(text, text, jsonb, jsonb) SET SCHEMA before;
    CREATE FUNCTION herald_internal.act(text, text, jsonb, jsonb) RETURNS text LANGUAGE sql SECURITY DEFINER
      AS 'SELECT before.act($1, $2, $3, $4)::text';
    GRANT EXECUTE ON FUNCTION herald_internal.act(text, text, jsonb, jsonb) TO herald_bridge;
    COMMIT`);
  for (let time = 0; time < 3; time++) assert.equal(await ask(), true);
  await database.query(`
    DROP FUNCTION herald_internal.act(text, text, jsonb, jsonb);
    ALTER FUNCTION before.act(text, text, jsonb, jsonb) SET SCHEMA herald_internal`);
  for (let time = 0; time < 3; time++) assert.equal(await ask(), true);
  assert.doesNotMatch(scene.bridge.log, /cached plan/);
});

test('an action of the application leaves what the bridge has prepared, and nothing that it has prepared itself', async () => {
  await database.query(`
    CREATE FUNCTION prepare(user_id text, payload jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
    BEGIN
      EXECUTE 'PREPARE left_behind AS SELECT 1';
      RETURN to_jsonb(ARRAY(SELECT name FROM pg_prepared_statements WHERE name <> 'left_behind'));
    END $$;
    SELECT herald.expose('prepare', 'prepare(text, jsonb)')`);
  const [ann] = await scene.people('Ann');
  const client = await scene.socketIo(ann);
  const start = scene.postgres.log().length;
  for (let time = 1; time <= 4; time++) {
    const answer = await client.ask('prepare', {});
    assert.equal(answer.ok, true, JSON.stringify(answer));
    if (time > 2) assert.match(JSON.stringify(answer.data), /herald_\d/);
  }
  assert.doesNotMatch(scene.postgres.log().slice(start), /prepared statement/);
});
