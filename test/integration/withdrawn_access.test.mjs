// No event of a room that was written after the commit that withdrew access reaches a session.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Lobby } from './harness/lobby.mjs';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;
await Lobby.register(database);
const bridges = [scene.bridge, await scene.addBridge()];

// Waits until the client has received everything so far, also if it comes back meanwhile as a new one.
function hears(client, round) {
  return until('the client hears a beat', async () => {
    await database.query('SELECT herald.broadcast($1, $2)', ['test:beat', { round }]);
    return client.all('test:beat').some(({ data }) => data.round === round);
  });
}

// Runs the function in a transaction.
async function transaction(run) {
  const connection = await database.connect();
  await connection.query('BEGIN');
  await run(connection);
  await connection.query('COMMIT');
  await connection.end();
}

// Connects a client of each transport to each bridge, in these rooms.
async function everywhere(user, rooms) {
  const clients = await Promise.all(bridges.flatMap((bridge) => [
    scene.plain(user, { bridge }),
    scene.socketIo(user, { bridge }),
    scene.socketIo(user, { bridge, transports: ['polling'] }),
    scene.eventSource(user, { bridge, rooms }),
  ]));
  await Promise.all(clients.filter((client) => client.ask).map((client) => enter(client, rooms)));
  return clients;
}

async function enter(client, rooms) {
  for (const room of rooms) assert.ok((await client.ask('room:join', { room })).ok);
}

const left = (client) => client.all('room:left').map(({ data }) => data);
const heard = (client, event) => client.all(event).length > 0;

// Returns a new lobby and new users with a seat there.
async function lobbyOf(...names) {
  const lobby = new Lobby(database);
  const users = await scene.people(...names);
  for (const user of users) await lobby.seat(user);
  return [lobby, ...users];
}

test('ends access at the commit that withdraws it, on every transport and bridge', async () => {
  const [lobby, ann, ben] = await lobbyOf('Ann', 'Ben');
  const gone = await everywhere(ann, [lobby.room]);
  const staying = await everywhere(ben, [lobby.room]);
  await lobby.publish();
  await transaction(async (connection) => {
    await lobby.unseat(ann, connection);
    await lobby.recheck(null, connection);
    await lobby.publish(1, connection);
  });
  await lobby.publish();
  await scene.settle(...gone, ...staying);
  for (const client of gone) {
    assert.deepEqual(lobby.numbers(client), [1], client.label);
    assert.deepEqual(left(client), [{ room: lobby.room, reason: 'forbidden' }], client.label);
    if (client.ask) assert.equal((await client.ask('room:join', { room: lobby.room })).error.code, 'forbidden');
  }
  for (const client of staying) {
    assert.deepEqual(lobby.numbers(client), [1, 2, 3], client.label);
    assert.deepEqual(left(client), [], client.label);
  }
});

test('delivers everything in order and once when a recheck changes nothing', async () => {
  const [lobby, ann] = await lobbyOf('Ann');
  const clients = await everywhere(ann, [lobby.room]);
  const before = await scene.bridge.metric('herald_rechecked_total');
  for (let round = 0; round < 10; round++) {
    await lobby.publish(3);
    await transaction(async (connection) => {
      await lobby.publish(3, connection);
      await lobby.recheck(ann, connection);
      await lobby.publish(3, connection);
    });
    await lobby.publish(3);
    await scene.settle(...clients);
  }
  for (const client of clients) {
    assert.deepEqual(lobby.numbers(client), lobby.all, client.label);
    assert.deepEqual(left(client), [], client.label);
  }
  assert.ok(await scene.bridge.metric('herald_rechecked_total') >= before + 10, 'the sessions were checked again');
});

test('checks all rooms of a user', async () => {
  const [lobby, ann, ben] = await lobbyOf('Ann', 'Ben');
  const other = new Lobby(database);
  await other.seat(ann);
  const clients = await everywhere(ann, [lobby.room, other.room]);
  const [witness] = await everywhere(ben, [lobby.room]);
  await lobby.unseat(ann);
  await lobby.recheck(ann, database, null);
  await lobby.publish();
  await other.publish();
  await scene.settle(...clients, witness);
  for (const client of clients) {
    assert.deepEqual([lobby.numbers(client), other.numbers(client)], [[], [1]], client.label);
    assert.deepEqual(left(client).map(({ room }) => room), [lobby.room], client.label);
  }
  assert.deepEqual(lobby.numbers(witness), [1]);
});

test('leaves the rooms with the key of a recheck, and no others', async () => {
  await database.query("SELECT herald.watch_posts('posts', visible => $$post.content <> 'hidden' OR post.user_id::text = viewer$$)");
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const [hidden, shown] = [await scene.post(ben), await scene.post(ben)];
  const comment = await database.value("INSERT INTO comments (post_id, user_id, content) VALUES ($1, $2, 'First') RETURNING id", [hidden, ben]);
  const rooms = [`post:${hidden}`, `post:${shown}`, `comment:${comment}`];
  const clients = await everywhere(ann, rooms);
  const author = await everywhere(ben, rooms);
  const publish = () => database.query("SELECT herald.publish(r, 'test:heard', jsonb_build_object('room', r)) FROM unnest($1::text[]) AS r", [rooms]);
  await publish();
  await transaction(async (connection) => {
    await connection.query("UPDATE posts SET content = 'hidden' WHERE id = $1", [hidden]);
    await connection.query('SELECT herald.recheck(room => $1)', [`author:${ben}`]);
  });
  await publish();
  await scene.settle(...clients, ...author);
  const heardIn = (client) => client.all('test:heard').map(({ data }) => data.room);
  for (const client of clients) {
    assert.deepEqual(heardIn(client), [...rooms, rooms[1]], client.label);
    assert.deepEqual(left(client).map(({ room }) => room).sort(), [rooms[2], rooms[0]].sort(), client.label);
  }
  for (const client of author) assert.deepEqual(heardIn(client), [...rooms, ...rooms], client.label);
});

test('checks all rooms with a prefix, also when another policy decides about them', async () => {
  const [lobby, ann] = await lobbyOf('Ann');
  const other = new Lobby(database);
  await other.seat(ann);
  const clients = await everywhere(ann, [lobby.room, other.room]);
  await lobby.unseat(ann);
  await lobby.recheck(null, database, 'lobby');
  for (const each of [lobby, other]) await each.publish();
  await transaction(async (connection) => {
    await connection.query("CREATE FUNCTION may_not_sit(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false'");
    await connection.query("SELECT herald.room_policy('lobby', 'may_not_sit(text, text)')");
    await other.publish(1, connection);
  });
  await scene.settle(...clients);
  await database.query("SELECT herald.room_policy('lobby', 'may_sit(text, text)')");
  await other.publish();
  await scene.settle(...clients);
  for (const client of clients) {
    assert.deepEqual(lobby.numbers(client), [], client.label);
    assert.deepEqual(other.numbers(client), [1], client.label);
    assert.deepEqual(left(client).map(({ room }) => room), [lobby.room, other.room], client.label);
  }
});

test('leaves live sessions alone when access is granted', async () => {
  const [lobby, ann] = await lobbyOf('Ann');
  const client = await scene.plain(ann);
  await enter(client, [lobby.room]);
  const before = await scene.bridge.metric('herald_rechecked_total');
  await database.query("SELECT herald_internal.append_event('{}', 'room:recheck', '{}', NULL, NULL, NULL, NULL, $1, NULL, 'granted')", [ann]);
  await lobby.publish();
  await scene.settle(client);
  assert.deepEqual(lobby.numbers(client), [1]);
  assert.equal(await scene.bridge.metric('herald_rechecked_total'), before);
});

test('ends access of a session with a full queue', async () => {
  const narrow = await scene.addBridge(['--queue-limit=64kB', '--page-size=100']);
  const [lobby, ann] = await lobbyOf('Ann');
  const client = await scene.plain(ann, { bridge: narrow });
  await enter(client, [lobby.room]);
  client.socket.pause();
  await lobby.publish(1);
  await database.query("SELECT count(herald.publish($1, 'lobby:long', jsonb_build_object('text', repeat('x', 1000)))) FROM generate_series(1, 10000)", [lobby.room]);
  await until('the client has fallen behind', async () => await narrow.metric('herald_fallen_behind_total') > 0);
  await lobby.unseat(ann);
  await lobby.recheck(ann);
  await lobby.secret();
  client.socket.resume();
  await scene.settle(client);
  assert.ok(client.all('lobby:long').length < 10000, 'the client was behind when its access ended');
  assert.ok(!heard(client, 'lobby:secret'));
  assert.deepEqual(left(client).map(({ room }) => room), [lobby.room]);
});

test('ends access of a session in the middle of a replay', async () => {
  const forgetful = await scene.addBridge(['--event-cache-size=1kB', '--page-size=5']);
  const [lobby, ann, ben] = await lobbyOf('Ann', 'Ben');
  const client = await scene.plain(ann, { bridge: forgetful });
  const witness = await scene.plain(ben, { bridge: forgetful });
  for (const one of [client, witness]) await enter(one, [lobby.room]);
  await lobby.publish();
  await scene.settle(client, witness);
  client.close();
  witness.close();
  await lobby.publish(3000);
  const { position, sessionId } = client;
  const back = await scene.plain(ann, { bridge: forgetful, position, sessionId });
  const faithful = await scene.plain(ben, { bridge: forgetful, position: witness.position, sessionId: witness.sessionId });
  await until('the replay has begun', () => lobby.numbers(back).length > 0);
  await transaction(async (connection) => {
    await lobby.unseat(ann, connection);
    await lobby.recheck(null, connection);
    await lobby.secret(connection);
  });
  await scene.settle(back, faithful);
  assert.deepEqual(back.welcomes.map(({ recovered }) => recovered), [true]);
  assert.ok(!heard(back, 'lobby:secret'));
  assert.deepEqual(left(back).map(({ room }) => room), [lobby.room]);
  assert.deepEqual(lobby.numbers(faithful), lobby.all.slice(1));
  assert.equal(faithful.all('lobby:secret').length, 1);
});

test('asks again when access was withdrawn while the answer to a join was on its way', async () => {
  const [lobby, ann, ben] = await lobbyOf('Ann', 'Ben');
  const [client, other, witness] = [await scene.plain(ann), await scene.plain(ben), await scene.plain(ben)];
  await enter(witness, [lobby.room]);
  const gate = await database.connect();
  await gate.query('SELECT pg_advisory_lock(1)');
  const answers = [client, other].map((one) => one.ask('room:join', { room: lobby.room }));
  await until('the policy has decided', () => database.value("SELECT count(*) = 2 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"));
  await lobby.unseat(ann);
  await lobby.recheck(null, database, 'elsewhere:1');
  await database.query("SELECT herald_internal.append_event('{}', 'room:recheck', '{}', NULL, NULL, NULL, NULL, NULL, $1, 'withdrawn')", [lobby.room]);
  const passed = await scene.bridge.metric('herald_events_read_total');
  await database.query("SELECT herald.broadcast('test:passed', '{}')");
  await Promise.all([client, other].map((one) => one.waitFor('test:passed')));
  assert.ok(await scene.bridge.metric('herald_events_read_total') > passed, 'the reader has passed the recheck');
  await gate.end();
  const [refused, admitted] = await Promise.all(answers);
  assert.equal(refused.error.code, 'forbidden');
  assert.ok(admitted.ok);
  await lobby.publish();
  await until('the other client hears the room', () => lobby.numbers(other).length > 0);
  await scene.settle(client, other);
  assert.deepEqual(lobby.numbers(client), []);
  assert.deepEqual(lobby.numbers(other), [1]);
});

test('does only the last of quick joins and leaves, also when a join is asked again', async () => {
  const [lobby, ann] = await lobbyOf('Ann');
  const client = await scene.plain(ann);
  const gate = await database.connect();
  await gate.query('SELECT pg_advisory_lock(1)');
  const answers = ['join', 'leave', 'join', 'leave'].map((action) => client.ask(`room:${action}`, { room: lobby.room }));
  await until('the policy has decided', () => database.value("SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"));
  await lobby.recheck();
  await scene.settle(client);
  await gate.end();
  for (const answer of await Promise.all(answers)) assert.ok(answer.ok);
  await lobby.publish();
  await scene.settle(client);
  assert.deepEqual(lobby.numbers(client), []);
  assert.equal(await database.value('SELECT count(*)::int FROM herald_internal.session_room WHERE session = $1', [client.sessionId]), 0);
});

test('tells an event source that returns that a room of its URL is forbidden', async () => {
  const [lobby, ann] = await lobbyOf('Ann');
  const client = await scene.eventSource(ann, { rooms: [lobby.room] });
  await scene.settle(client);
  client.close();
  await lobby.unseat(ann);
  await lobby.recheck();
  await lobby.secret();
  const back = await scene.eventSource(ann, { rooms: [lobby.room], lastEventId: client.lastEventId });
  await scene.settle(back);
  assert.ok(!heard(back, 'lobby:secret'));
  assert.deepEqual(back.all('error').map(({ room, data }) => [room, data.code]), [[lobby.room, 'forbidden']]);
});

test('withholds events between withdrawal and return of access', async () => {
  const [lobby, ann] = await lobbyOf('Ann');
  const clients = await Promise.all(bridges.map((bridge) => scene.plain(ann, { bridge })));
  for (const client of clients) await enter(client, [lobby.room]);
  for (let round = 0; round < 20; round++) {
    for (const change of ['unseat', 'seat']) {
      await transaction(async (connection) => {
        await lobby[change](ann, connection);
        await lobby.recheck(ann, connection);
      });
      await (change === 'unseat' ? lobby.secret() : lobby.publish());
    }
    await Promise.all(clients.map((client) => hears(client, round)));
    for (const client of clients) {
      assert.equal(client.welcomes.length, 1, 'the client stays connected');
      assert.equal(left(client).length, 1, 'the client is told');
      await enter(client, [lobby.room]);
      client.forgetEvents();
      assert.ok(!heard(client, 'lobby:secret'));
    }
  }
});

test('tells a client that comes back of the room that it has lost', async () => {
  const [lobby, ann] = await lobbyOf('Ann');
  const other = new Lobby(database);
  await other.seat(ann);
  const clients = await Promise.all([scene.plain(ann), scene.socketIo(ann)]);
  for (const client of clients) await enter(client, [lobby.room, other.room]);
  await scene.settle(...clients);
  const { position, sessionId } = clients[0];
  clients[0].close();
  clients[1].cut();
  await lobby.unseat(ann);
  await lobby.recheck(ann);
  await lobby.secret();
  await other.publish();
  const back = await scene.plain(ann, { bridge: bridges[1], position, sessionId });
  await scene.settle(back, clients[1]);
  assert.deepEqual([back.welcomes.at(-1).recovered, clients[1].connects.at(-1)], [true, true]);
  for (const client of [back, clients[1]]) {
    assert.ok(!heard(client, 'lobby:secret'));
    assert.deepEqual(left(client), [{ room: lobby.room, reason: 'forbidden' }], client.label);
    assert.deepEqual(other.numbers(client), [1], client.label);
  }
  await lobby.seat(ann);
  await lobby.recheck(ann);
  await lobby.publish();
  back.close();
  const again = await scene.plain(ann, { bridge: bridges[1], position: back.position, sessionId });
  await scene.settle(again, clients[1]);
  for (const client of [again, clients[1]]) assert.deepEqual(lobby.numbers(client), [], 'a lost room is not joined again');
});

test('tells a client that comes back after withdrawal and return of its access', async () => {
  const [lobby, ann] = await lobbyOf('Ann');
  const other = new Lobby(database);
  await other.seat(ann);
  const client = await scene.plain(ann);
  const stream = await scene.eventSource(ann, { rooms: [lobby.room] });
  await enter(client, [lobby.room, other.room]);
  await scene.settle(client, stream);
  client.close();
  stream.close();
  await lobby.unseat(ann);
  await lobby.recheck(ann);
  await lobby.secret();
  await lobby.seat(ann);
  await lobby.recheck(ann, database, lobby.room);
  await other.publish();
  const back = await scene.plain(ann, { position: client.position, sessionId: client.sessionId });
  const returned = await scene.eventSource(ann, { rooms: [lobby.room], lastEventId: stream.lastEventId });
  await scene.settle(back, returned);
  assert.deepEqual([back, returned].map((one) => one.welcomes.at(-1).recovered), [true, false]);
  assert.deepEqual(left(back), [{ room: lobby.room, reason: 'interrupted' }]);
  await enter(back, [lobby.room]);
  await lobby.publish();
  await scene.settle(back, returned);
  for (const one of [back, returned]) {
    assert.ok(!heard(one, 'lobby:secret'));
    assert.deepEqual(lobby.numbers(one), [1]);
  }
  assert.deepEqual(other.numbers(back), [1], 'the other room is recovered');
});

test('replays nothing to a client with a position from between withdrawal and return of access', async () => {
  const [lobby, ann] = await lobbyOf('Ann');
  const client = await scene.plain(ann);
  await enter(client, [lobby.room]);
  await scene.settle(client);
  client.close();
  await lobby.unseat(ann);
  await lobby.recheck(ann);
  const other = await scene.plain(ann);
  await scene.settle(other);
  await lobby.secret();
  await lobby.seat(ann);
  await lobby.recheck(ann);
  for (const bridge of bridges) {
    const back = await scene.plain(ann, { bridge, position: other.position, sessionId: client.sessionId });
    await scene.settle(back);
    assert.ok(!heard(back, 'lobby:secret'));
    back.close();
  }
});

test('recovers a session when one transaction has several rechecks', async () => {
  const [lobby, ann] = await lobbyOf('Ann');
  const client = await scene.plain(ann);
  await enter(client, [lobby.room]);
  for (let round = 0; round < 5; round++) {
    await transaction(async (connection) => {
      await lobby.recheck(ann, connection);
      await lobby.recheck(null, connection);
    });
    await lobby.publish();
    await scene.settle(client);
  }
  assert.deepEqual(lobby.numbers(client), lobby.all);
});

test('stays in a conversation that it joined by action before the log has put it there', async () => {
  const narrow = await scene.addBridge(['--queue-limit=8kB', '--page-size=10']);
  const [lobby, ann, ben] = await lobbyOf('Ann', 'Ben');
  const client = await scene.plain(ann, { bridge: narrow });
  await enter(client, [lobby.room]);
  client.socket.pause();
  await database.query("SELECT count(herald.publish($1, 'lobby:long', jsonb_build_object('text', repeat('x', 1000)))) FROM generate_series(1, 10000)", [lobby.room]);
  await until('the client has fallen behind', async () => await narrow.metric('herald_fallen_behind_total') > 0);
  const conversation = await scene.conversation(ann, ben);
  const rooms = await narrow.metric('herald_rooms');
  const answer = client.ask('room:join', { room: `conversation:${conversation}` }, 60000);
  await until('the client is in the room', async () => await narrow.metric('herald_rooms') > rooms);
  client.socket.resume();
  assert.ok((await answer).ok);
  await scene.settle(client);
  await scene.message(conversation, ben, 'Hello');
  await scene.settle(client);
  assert.deepEqual(left(client), []);
  assert.equal(client.all('message:created').length, 1);
});

test('recovers exactly after a bridge was killed right behind the answer to a join', async () => {
  const doomed = await scene.addBridge();
  const changes = { none: [], withdrawal: ['unseat'], interruption: ['unseat', 'seat'] };
  for (let round = 0; round < 4; round++) {
    for (const [name, steps] of Object.entries(changes)) {
      const [lobby, ann] = await lobbyOf('Ann');
      const client = await scene.plain(ann, { bridge: doomed });
      await lobby.secret(); // before the join
      await enter(client, [lobby.room]);
      await doomed.kill();
      for (const step of steps) {
        await transaction(async (connection) => {
          await lobby[step](ann, connection);
          await lobby.recheck(ann, connection);
        });
        if (step === 'unseat') await lobby.secret();
      }
      await (name === 'withdrawal' ? lobby.secret() : lobby.publish());
      const back = await scene.plain(ann, { position: client.position, sessionId: client.sessionId });
      await scene.settle(back);
      assert.equal(back.welcomes[0].recovered, true);
      assert.ok(!heard(back, 'lobby:secret'), name);
      assert.deepEqual(lobby.numbers(back), name === 'none' ? [1] : [], name);
      assert.deepEqual(left(back).map(({ reason }) => reason), { none: [], withdrawal: ['forbidden'], interruption: ['interrupted'] }[name]);
      await doomed.start();
    }
  }
});

test('delivers no event from before a join', async () => {
  const [lobby, ann] = await lobbyOf('Ann');
  const [client] = await Promise.all([scene.plain(ann)]);
  for (let round = 0; round < 100; round++) {
    const written = lobby.secret();
    await written;
    await enter(client, [lobby.room]);
    await client.ask('room:leave', { room: lobby.room });
  }
  await scene.settle(client);
  assert.ok(!heard(client, 'lobby:secret'));
});

// HERALD_VIEWERS=10000 measures a large room.
test('settles many viewers at once, while other rooms are served', async (context) => {
  const count = Number(process.env.HERALD_VIEWERS ?? 300);
  const [lobby, ann, ben] = await lobbyOf('Ann', 'Ben');
  const other = new Lobby(database);
  await other.seat(ben);
  const [quick, witness] = [await scene.plain(ben), await scene.plain(ben)];
  await enter(quick, [other.room]);
  await enter(witness, [lobby.room]);
  const viewers = [];
  while (viewers.length < count) {
    viewers.push(...await Promise.all(Array.from({ length: Math.min(50, count - viewers.length) }, () => scene.plain(ann))));
  }
  for (let at = 0; at < count; at += 50) await Promise.all(viewers.slice(at, at + 50).map((client) => enter(client, [lobby.room])));
  await lobby.publish();
  await until('all viewers hear the room', () => viewers.every((client) => lobby.numbers(client).length === 1));
  await lobby.unseat(ann);
  const began = performance.now();
  await lobby.recheck();
  await other.publish();
  await until('the other room is served', () => other.numbers(quick).length === 1, 5000);
  const served = performance.now() - began;
  await lobby.publish();
  await until('all viewers have left', () => viewers.every((client) => left(client).length === 1), 30000);
  context.diagnostic(`${count} viewers settled in ${Math.round(performance.now() - began)} ms; another room was served after ${Math.round(served)} ms`);
  await until('the witness hears the room', () => lobby.numbers(witness).length === 2);
  for (const client of viewers) assert.deepEqual(lobby.numbers(client), [1]);
});
