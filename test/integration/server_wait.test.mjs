// Readers wait in the server: a commit wakes them without a NOTIFY, and they hold back nothing.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, test } from 'node:test';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

// Nothing but a commit, or the bridge itself, ends a wait of the bridge in the time of a test.
const scene = await Scene.open({ options: ['--poll-interval=1h', '--database-timeout=10min'] });
after(() => scene.close());
afterEach(() => scene.closeClients());
const { database, bridge, postgres } = scene;

const publish = (number) => database.query("SELECT herald.publish('user:1', 'tick', jsonb_build_object('number', $1::int))", [number]);
const awaitRing = async (session, milliseconds) =>
  (await session.query(`CALL herald_internal.await_ring(${milliseconds}, NULL)`)).rows[0].rung;
const waiting = (condition = 'true', on = database) => on.query(`SELECT pid, backend_xmin, backend_xid, wait_event FROM pg_stat_activity
  WHERE query LIKE 'CALL herald_internal.await_ring%' AND state = 'active' AND wait_event IN ('Extension', 'HeraldReader') AND ${condition}`);
const waits = (session, on = database) => until('the session waits', async () => (await waiting(`pid = ${session.processID}`, on)).length === 1);
const isBridge = "application_name = 'herald-bridge reader'";
const bridgeWaits = (on = database) => until('the bridge waits', async () => (await waiting(isBridge, on)).length > 0);

// Returns a session that has taken the ring with which its first wait ends.
async function reader() {
  const session = await database.connect();
  assert.equal(await awaitRing(session, 60000), true);
  return session;
}

test('ends a wait at the commit, and not before', async () => {
  const session = await reader();
  assert.equal(await awaitRing(session, 0), false);
  const writer = await database.connect();
  const wait = awaitRing(session, 60000);
  await writer.query("BEGIN; SELECT herald.publish('user:1', 'tick', '{}')");
  await writer.query("COMMIT; BEGIN; SELECT 1; ROLLBACK");
  assert.equal(await wait, true);
  await writer.query("BEGIN; SELECT herald.publish('user:1', 'tick', '{}'); ROLLBACK");
  assert.equal(await awaitRing(session, 0), false);
  await publish(1);
  await publish(2);
  assert.equal(await awaitRing(session, 60000), true, 'a commit between two waits');
  assert.equal(await awaitRing(session, 0), false, 'two commits are one ring');
  await Promise.all([session.end(), writer.end()]);
});

test('holds no snapshot and no lock while it waits', async () => {
  await database.query('CREATE TABLE gone AS SELECT generate_series(1, 1000) AS n'); // a new table rings
  const session = await reader();
  const wait = awaitRing(session, 60000);
  await waits(session);
  const [{ backend_xmin: xmin, backend_xid: xid }] = await waiting(`pid = ${session.processID}`);
  assert.deepEqual([xmin, xid], [null, null]);
  assert.deepEqual(await database.query("SELECT relation::regclass, mode FROM pg_locks WHERE pid = $1 AND locktype <> 'virtualxid'", [session.processID]), []);
  await database.query('DELETE FROM gone');
  await until('VACUUM removes the rows', async () => {
    await database.query('VACUUM gone');
    return await database.value("SELECT pg_relation_size('gone') = 0");
  });
  await waits(session);
  await database.query('SELECT herald_internal.ring_reader($1)', [session.processID]);
  assert.equal(await wait, true);
  await session.end();
});

// The bridge sends both before one Sync, as here: the server answers both at once.
test('has the next query of its transaction see the time after the wait', async () => {
  const session = await reader();
  const rows = [];
  session.connection.on('dataRow', ({ fields }) => rows.push({ text: String(fields[0]), at: Date.now() }));
  const done = new Promise((resolve) => session.connection.once('readyForQuery', resolve));
  session.activeQuery = { handleDataRow() {}, handleRowDescription() {}, handleCommandComplete() {}, handleReadyForQuery() {} };
  session.connection.stream.cork();
  for (const text of ['CALL herald_internal.await_ring(60000, NULL)', "SELECT clock_timestamp() - now() < '1 s'"]) {
    session.connection.parse({ text });
    session.connection.bind({});
    session.connection.execute({});
  }
  session.connection.sync();
  session.connection.stream.uncork();
  await waits(session);
  await until('the wait takes two seconds', async () =>
    database.value("SELECT clock_timestamp() - query_start > '2 s' FROM pg_stat_activity WHERE pid = $1", [session.processID]));
  assert.deepEqual(rows, []);
  await publish(1);
  await done;
  assert.deepEqual(rows.map(({ text }) => text), ['t', 't']);
  await session.end();
});

test('is no slow statement while it waits', async () => {
  const session = await reader();
  await session.query('SET log_min_duration_statement = 1000');
  const start = postgres.log().length;
  assert.equal(await awaitRing(session, 2000), false);
  await session.query('SELECT pg_sleep(1)');
  const lines = () => postgres.log().slice(start).split('\n').filter((line) => line.includes('duration: '));
  await until('the log shows the statement that works', () => lines().some((line) => line.includes('pg_sleep(1)')));
  assert.deepEqual(lines().filter((line) => line.includes('await_ring')), []);
  await session.end();
});

test('delivers events at once, and sends no NOTIFY', { timeout: 60000 }, async () => {
  const listener = await database.connect();
  const heard = [];
  listener.on('notification', (notification) => heard.push(notification));
  await listener.query('LISTEN herald');
  const client = await scene.plain(1);
  for (let number = 1; number <= 20; number++) {
    await publish(number);
    await client.waitFor('tick', (data) => data.number === number);
  }
  await database.psql('-c', 'BEGIN', '-c', "SELECT herald.publish('user:1', 'prepared', '{}')", '-c', "PREPARE TRANSACTION 'later'");
  await database.psql('-c', "COMMIT PREPARED 'later'");
  await client.waitFor('prepared');
  await listener.query('SELECT 1');
  assert.deepEqual(heard, []);
  await listener.end();
});

// Sessions share the files of tables, and nothing tells of the commit of a prepared transaction.
test('finds the file that a prepared transaction has given a table', async () => {
  for (let session = 1; session <= 2; session++) await database.psql('-c', "SELECT herald.notify('9', 'plain', 'Title')");
  await database.psql('-c', 'BEGIN', '-c', 'TRUNCATE herald.preference',
    '-c', "SELECT herald.set_preference('9', 'plain', '{}')", '-c', "PREPARE TRANSACTION 'emptied'");
  await database.psql('-c', "COMMIT PREPARED 'emptied'");
  await database.psql('-c', `DO $$ BEGIN
    ASSERT herald.notify('9', 'plain', 'Title') IS NULL, 'the preference was not found';
  END $$`);
});

// The wait that is going on when a session joins ends with a commit after the join.
test('delivers the first signal after a join', async () => {
  await database.query(`CREATE FUNCTION may_enter(user_id text, room text) RETURNS boolean LANGUAGE sql RETURN true`);
  await database.query("SELECT herald.room_policy('lobby', 'may_enter(text, text)')");
  const client = await scene.plain(1);
  for (let number = 1; number <= 5; number++) {
    await bridgeWaits();
    assert.equal((await client.ask('room:join', { room: `lobby:${number}` })).ok, true);
    await database.query("SELECT herald.signal(ARRAY['lobby:' || $1], 'wave', jsonb_build_object('number', $1::int)::json)", [number]);
    await client.waitFor('wave', (data) => data.number === number);
  }
});

test('delivers while maintenance waits for a lock', async () => {
  const client = await scene.plain(1);
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE herald_internal.session_room IN ACCESS EXCLUSIVE MODE');
  await publish(100);
  await until('maintenance waits', () => database.value(
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND backend_type = 'pg_herald worker')"));
  await publish(101);
  await client.waitFor('tick', (data) => data.number === 101);
  await holder.end();
});

test('waits for a millisecond at least while commits are dense', async () => {
  const [session, writer] = [await reader(), await database.connect()];
  await database.query(`CREATE PROCEDURE commit_events(count int) LANGUAGE plpgsql AS $$
    BEGIN
      SET synchronous_commit = off;
      FOR n IN 1..count LOOP
        PERFORM herald.publish('order:1', 'order:shipped', '{}');
        COMMIT;
      END LOOP;
    END $$`);
  const begun = performance.now();
  const counting = session.query(`DO $$
    DECLARE
      waits int := 0;
      rung boolean;
    BEGIN
      LOOP
        CALL herald_internal.await_ring(5000, rung);
        EXIT WHEN NOT rung;
        waits := waits + 1;
      END LOOP;
      PERFORM set_config('test.waits', waits::text, false);
    END $$`);
  await writer.query('CALL commit_events(10000)');
  const milliseconds = performance.now() - begun;
  await counting;
  const { waits: count } = (await session.query("SELECT current_setting('test.waits')::int AS waits")).rows[0];
  assert.ok(count > 0 && count < 2.5 * milliseconds + 200, `${count} waits in ${milliseconds} ms`);
  await Promise.all([session.end(), writer.end()]);
});

test('refuses to wait inside of a transaction, and without the privilege', async () => {
  const session = await database.connect();
  await session.query('BEGIN');
  await assert.rejects(session.query('CALL herald_internal.await_ring(0, NULL)'), { code: '2D000' });
  await session.query('ROLLBACK');
  await assert.rejects(session.query('CALL herald_internal.await_ring(-1, NULL)'), { code: '22023' });
  await session.end();
  await database.query('CREATE ROLE watcher LOGIN IN ROLE herald_watch');
  const watcher = await database.connect('watcher');
  await assert.rejects(watcher.query('CALL herald_internal.await_ring(0, NULL)'), { code: '42501' });
  await assert.rejects(watcher.query('SELECT herald_internal.ring_reader(1)'), { code: '42501' });
  await assert.rejects(watcher.query('SELECT herald_internal.reader_id()'), { code: '42501' });
  await watcher.end();
});

test('ends a wait when its statement is cancelled', async () => {
  const session = await reader();
  const wait = assert.rejects(awaitRing(session, 60000), { code: '57014' });
  await waits(session);
  await database.query('SELECT pg_cancel_backend($1)', [session.processID]);
  await wait;
  assert.equal(await awaitRing(session, 0), false);
  await session.end();
});

test('waits again soon after its wait was cancelled', async () => {
  const client = await scene.plain(1);
  await until('the wait has failed', async () => {
    for (const { pid } of await waiting(isBridge)) await database.query('SELECT pg_cancel_backend($1)', [pid]);
    return bridge.log.includes('event=wait_failed');
  });
  await publish(150);
  await client.waitFor('tick', (data) => data.number === 150);
  await bridgeWaits();
});

test('ends a wait when the doorbell is back that had no connection', async () => {
  const control = postgres.database('postgres');
  const client = await scene.plain(2);
  await until('the user is online', () => database.value("SELECT herald.is_online('2')")); // the last commit that rings
  await bridgeWaits();
  await control.query(`ALTER DATABASE "${database.name}" ALLOW_CONNECTIONS false`);
  await database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'herald-bridge doorbell'");
  await until('the doorbell is refused', () => bridge.log.includes('event=database_refused'));
  await client.ask('inbox:list'); // after an action the bridge wants to end the wait
  await control.query(`ALTER DATABASE "${database.name}" ALLOW_CONNECTIONS true`);
  await bridge.ready();
});

test('leaves no backend of a bridge that was killed', async () => {
  const second = await scene.addBridge(['--poll-interval=1s']);
  await until('two bridges wait', async () => (await waiting(isBridge)).length === 2);
  await second.kill();
  await until('one bridge is left', async () => (await waiting(isBridge)).length === 1);
  await second.start();
});

test('goes on after its backend was terminated, and after a restart of the server', { timeout: 60000 }, async () => {
  await bridgeWaits();
  const before = bridge.log.length;
  await database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${isBridge}`);
  await bridgeWaits();
  const log = bridge.log.slice(before);
  assert.match(log, /event=database_lost connection=reader reason="[^"]*terminating connection due to administrator command/);
  assert.doesNotMatch(log, /wait_failed/);
  await postgres.restart();
  const client = await scene.plain(1, { resume: true });
  await publish(200);
  await client.waitFor('tick', (data) => data.number === 200);
});

test('finds the file that a transaction has given a table, which was prepared before a restart', { timeout: 60000 }, async () => {
  await database.psql('-c', 'BEGIN', '-c', 'TRUNCATE herald.preference',
    '-c', "SELECT herald.set_preference('10', 'plain', '{}')", '-c', "PREPARE TRANSACTION 'kept'");
  await postgres.restart();
  const notify = (...before) => database.psql(...before, '-c', `DO $$ BEGIN
    ASSERT herald.notify('10', 'plain', 'Title') IS NULL, 'the preference was not found';
  END $$`);
  for (let session = 1; session <= 3; session++) await assert.rejects(notify('-c', 'SET lock_timeout = 10'), /lock timeout/);
  await database.psql('-c', "COMMIT PREPARED 'kept'");
  await notify();
});

test('ends for a smart shutdown, and goes on after the next start', { timeout: 180000 }, async (t) => {
  const own = await Scene.open();
  t.after(() => own.close());
  const client = await own.plain(1, { resume: true });
  await bridgeWaits(own.database);
  await own.database.close();    // no session but those of the bridge is left
  const lock = path.join(own.postgres.directory, 'data/postmaster.pid');
  process.kill(parseInt(readFileSync(lock, 'utf8'), 10), 'SIGTERM');
  await until('the server has stopped', () => !existsSync(lock), 60000);
  await own.bridge.logged(/event=database_lost connection=reader reason="the server is shutting down"/);
  await own.postgres.start();
  await own.postgres.database('social').query("SELECT herald.publish('user:1', 'tick', '{}')");
  await client.waitFor('tick');
});

test('ends for DROP DATABASE WITH (FORCE)', async () => {
  const control = postgres.database('postgres');
  const other = await postgres.createDatabase('other');
  await other.query('CREATE EXTENSION pg_herald');
  const session = await other.connect();
  const wait = assert.rejects(async () => { for (;;) await awaitRing(session, 60000); });
  session.on('error', () => {});
  await waits(session, control);
  await other.close();
  await control.query('DROP DATABASE other WITH (FORCE)');
  await wait;
});
