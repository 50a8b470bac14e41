// Access to a room that is withdrawn and granted in quick succession: its viewers stay connected, and all other rooms are whole.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Lobby } from './harness/lobby.mjs';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open({ options: ['--dialect=canonical', '--dialect=snake', '--dialect=kebab'] });
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;
await Lobby.register(database);
const bridges = [scene.bridge, await scene.addBridge()];

const join = (client, lobby) => client.ask('room:join', { room: lobby.room });
const left = (client, lobby) => client.all('room:left').map(({ data }) => data).filter(({ room }) => room === lobby.room);
const heard = (client, event) => client.all(event).length > 0;

// Returns two lobbies in which the user has a seat: the first is about to change, the second is not.
async function lobbies(user) {
  const both = [new Lobby(database), new Lobby(database)];
  for (const lobby of both) await lobby.seat(user);
  return both;
}

// Runs statements again and again, as fast as the server can. stop() returns how often they have run.
async function repeat(statements) {
  const connection = await database.connect();
  let stopped = false;
  const batch = () => connection.query(`DO $$ BEGIN FOR i IN 1..20 LOOP ${statements} END LOOP; END $$`);
  await batch();
  const run = (async () => {
    let rounds = 20;
    for (; !stopped; rounds += 20) await batch();
    await connection.end();
    return rounds;
  })();
  return { stop: () => { stopped = true; return run; } };
}

// One transaction withdraws access and writes a secret, another writes a secret, a third gives access back.
const toggle = ({ room }, user) => repeat(`
  DELETE FROM seats WHERE (user_id, room) = ('${user}', '${room}');
  PERFORM herald.recheck(room => '${room}'), herald.publish('${room}', 'lobby:secret', '{}');
  COMMIT;
  PERFORM herald.publish('${room}', 'lobby:secret', '{}');
  COMMIT;
  INSERT INTO seats VALUES ('${user}', '${room}');
  PERFORM herald.recheck(room => '${room}');
  COMMIT;`);

// Writes rechecks of a room that withdraw nothing.
const vex = ({ room }) => repeat(`
  PERFORM herald_internal.append_event('{}', 'room:recheck', '{}', NULL, NULL, NULL, NULL, NULL, '${room}', 'withdrawn');
  COMMIT;`);

test('keeps the viewers of a room that is hidden and shown without pause', async (context) => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const [changing, calm] = await lobbies(ann);
  await changing.seat(ben);
  const rooms = [changing.room, calm.room];
  const clients = await Promise.all(bridges.flatMap((bridge) => [
    scene.plain(ann, { bridge }), scene.socketIo(ann, { bridge }), scene.socketIo(ann, { bridge, transports: ['polling'] }),
    scene.eventSource(ann, { bridge, rooms })]));
  for (const namespace of ['/chat', '/?dialect=snake', '/?dialect=kebab']) clients.push(await scene.socketIo(ann, { namespace }));
  for (const client of clients.filter(({ ask }) => ask)) for (const lobby of [changing, calm]) assert.ok((await join(client, lobby)).ok);
  const hears = clients.filter(({ label }) => !label.includes('/chat'));
  await scene.settle(...hears);
  const toggling = await toggle(changing, ann);
  for (let round = 0; round < 40; round++) {
    await calm.publish();
    await pause(10);
  }
  await until('all clients hear the other room', () => hears.every((client) => calm.numbers(client).length === 40));
  context.diagnostic(`${await toggling.stop()} times hidden and shown`);
  await scene.settle(...hears);
  for (const client of clients) {
    const { label } = client;
    assert.equal((client.welcomes ?? client.connects).length, 1, `${label} stays connected`);
    assert.ok(!heard(client, 'lobby:secret') && !heard(client, 'error'), label);
    assert.equal(left(client, calm).length, 0, label);
    assert.equal(left(client, changing).length, 1, `${label} leaves the room once`);
    assert.match(left(client, changing)[0].reason, /^(interrupted|forbidden)$/);
  }
  for (const client of hears) assert.deepEqual(calm.numbers(client), calm.all, client.label);
  for (const client of clients.filter(({ ask }) => ask)) assert.ok((await join(client, changing)).ok, `${client.label} joins again`);
  await changing.publish();
  await scene.settle(...hears);
  for (const client of hears.filter(({ ask }) => ask)) assert.deepEqual(changing.numbers(client), [1], client.label);
});

test('tells a viewer that its access was interrupted', async () => {
  const [ann] = await scene.people('Ann');
  const [changing, calm] = await lobbies(ann);
  const clients = await Promise.all(bridges.flatMap((bridge) => [
    scene.plain(ann, { bridge }), scene.socketIo(ann, { bridge }), scene.eventSource(ann, { bridge, rooms: [changing.room, calm.room] })]));
  for (const client of clients.filter(({ ask }) => ask)) for (const lobby of [changing, calm]) await join(client, lobby);
  await scene.settle(...clients);
  const gate = await database.connect();
  await gate.query('SELECT pg_advisory_lock(1)'); // holds the check that the first recheck asks for
  await changing.recheck();
  await changing.secret();
  await changing.recheck();
  await changing.secret();
  await calm.publish(3);
  await gate.query('SELECT pg_advisory_unlock(1)');
  await gate.end();
  await scene.settle(...clients);
  await scene.settle(...clients);
  for (const client of clients) {
    assert.equal((client.welcomes ?? client.connects).length, 1, client.label);
    assert.deepEqual(calm.numbers(client), [1, 2, 3], client.label);
    assert.deepEqual(left(client, changing), [{ room: changing.room, reason: 'interrupted' }], client.label);
    assert.ok(!heard(client, 'lobby:secret'), client.label);
  }
});

test('serves a room whose rechecks never end', async (context) => {
  const [ann] = await scene.people('Ann');
  const [changing, calm] = await lobbies(ann);
  const rooms = [changing.room, calm.room];
  const client = await scene.plain(ann);
  for (const lobby of [changing, calm]) await join(client, lobby);
  const vexing = await vex(changing);
  const arriving = await scene.eventSource(ann, { rooms });
  for (let round = 0; round < 20; round++) {
    await changing.publish();
    await calm.publish();
    await pause(10);
  }
  await until('the clients hear both rooms', () => [client, arriving].every((one) => [changing, calm].every((lobby) => lobby.numbers(one).at(-1) === 20)));
  context.diagnostic(`${await vexing.stop()} rechecks`);
  for (const one of [client, arriving]) {
    for (const lobby of [changing, calm]) assert.deepEqual(lobby.numbers(one), lobby.all, one.label);
    assert.equal(one.welcomes.length, 1);
    assert.deepEqual(one.all('room:left'), []);
  }
});

test('answers a join that rechecks overtake again and again', async () => {
  await database.query(`CREATE FUNCTION may_wait(user_id text, room text) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep(0.05); RETURN true; END $$`);
  await database.query("SELECT herald.room_policy('slow', 'may_wait(text, text)')");
  const [ann] = await scene.people('Ann');
  const client = await scene.plain(ann);
  const vexing = await vex({ room: 'slow:1' });
  const { ok, error } = await client.ask('room:join', { room: 'slow:1' });
  await vexing.stop();
  assert.deepEqual([ok, error?.code], [false, 'interrupted']);
  assert.equal(await database.value('SELECT count(*)::int FROM herald_internal.session_room WHERE session = $1', [client.sessionId]), 0);
  assert.ok((await client.ask('ping')).ok);
  assert.ok((await client.ask('room:join', { room: 'slow:1' })).ok, 'it may join when the rechecks have ended');
});
