// Limits: each client leaves enough to the others.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';
import { takeFrames, upgrade } from './harness/raw_client.mjs';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;

// A bridge with small limits by session; a user may do five times as much.
const limited = await scene.addBridge(['--limit-connects=1/h:2', '--limit-joins=1/h:3', '--limit-actions=1/h:4', '--limit-signals=1/h:1',
  '--limit-failed-tokens=1/h:2']);

before(() => database.query(`
  CREATE FUNCTION api.rest(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT to_jsonb(pg_sleep((payload ->> 'seconds')::float8) IS NULL) $$;
  CREATE FUNCTION api.work(user_id text, payload jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
    BEGIN
      RETURN to_jsonb((SELECT sum(sqrt(n)) FROM generate_series(1, 500000) AS n));
    END $$;
  SELECT herald.expose('work', 'api.work(text, jsonb)', 'social_app');
  SELECT herald.expose('rest', 'api.rest(text, jsonb)', 'social_app')`));

const clientsOf = (user, count) => Promise.all(Array.from({ length: count }, () => scene.plain(user)));

test('one user with many outstanding actions delays nobody else', async () => {
  const [greedy, modest] = await scene.people('Greedy', 'Modest');
  const clients = await clientsOf(greedy, 5);
  const other = await scene.plain(modest);
  let answered = 0;
  const asked = clients.flatMap((client) => Array.from({ length: 20 }, () => client.ask('rest', { seconds: 0.05 }).then((answer) => {
    assert.equal(answer.ok, true);
    answered++;
  })));

  assert.equal((await other.ask('inbox:list')).ok, true);
  assert.ok(answered <= 20, `${answered} of 100 actions of the other user were done first`);
  await Promise.all(asked);
});

test('much work for all makes its user rest between actions, and delays nobody', async () => {
  const bridge = await scene.addBridge(['--user-work=1/s:20']);
  const [loud, modest] = await scene.people('Loud', 'Modest');
  const crowd = (await database.query(`INSERT INTO users (username, display_name)
    SELECT 'crowd_' || n, 'Crowd' FROM generate_series(1, 100) AS n RETURNING id`)).map(({ id }) => id);
  const conversation = await scene.conversation(loud, modest, ...crowd);
  const [client, other] = [await scene.plain(loud, { bridge }), await scene.plain(modest, { bridge })];
  const rests = () => bridge.metric('herald_user_rests_total');

  // A message is 102 events, and each of them counts 0.05 and more: 100 in all, and 20 of them at once.
  for (let n = 0; n < 20; n++) client.send({ action: 'message:send', data: { conversationId: conversation, content: 'x' } });
  await until('the user rests', async () => await rests() > 0);
  assert.equal((await other.ask('inbox:list')).ok, true);
  const sent = await database.value('SELECT count(*)::int FROM messages WHERE conversation_id = $1', [conversation]);
  assert.ok(sent > 0 && sent < 20, `${sent} of 20 messages`);
});

test('no user rests for actions that wait in the database, but for those that work there', async () => {
  const bridge = await scene.addBridge(['--user-work=1/s:150']);
  const [patient, busy] = await scene.people('Patient', 'Busy');
  const [first, second] = [await scene.plain(patient, { bridge }), await scene.plain(busy, { bridge })];
  const rests = () => bridge.metric('herald_user_rests_total');
  for (let n = 0; n < 6; n++) assert.equal((await first.ask('rest', { seconds: 0.1 })).ok, true);
  assert.equal((await first.ask('rest', { seconds: 0 })).ok, true);
  assert.equal(await rests(), 0);
  for (let n = 0; n < 20; n++) second.send({ action: 'work' });
  await until('the other user rests', async () => await rests() > 0);
});

test('runs one action of a user at a time, in their order', async () => {
  const [ann] = await scene.people('Ann');
  const clients = await clientsOf(ann, 2);
  const order = [];
  await Promise.all(clients.flatMap((client, i) => [0.1, 0.01, 0].map((seconds) =>
    client.ask('rest', { seconds }).then(() => order.push(`${i}:${seconds}`)))));
  for (const i of [0, 1]) assert.deepEqual(order.filter((entry) => entry.startsWith(`${i}:`)), [0.1, 0.01, 0].map((seconds) => `${i}:${seconds}`));
});

test('answers busy when too many actions of a session, or of a user, are outstanding', async () => {
  const bridge = await scene.addBridge(['--max-session-actions=3', '--max-user-actions=5']);
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const clients = await Promise.all([scene.plain(ann, { bridge }), scene.plain(ann, { bridge })]);
  const other = await scene.plain(ben, { bridge });
  const codes = async (client, count) => (await Promise.all(Array.from({ length: count }, () => client.ask('rest', { seconds: 0.3 }))))
    .map(({ error }) => error?.code ?? 'ok').sort();
  const first = codes(clients[0], 4);
  const second = codes(clients[1], 4);
  const third = codes(other, 3);

  assert.deepEqual(await first, ['busy', 'ok', 'ok', 'ok']);
  assert.deepEqual(await second, ['busy', 'busy', 'ok', 'ok']);
  assert.deepEqual(await third, ['ok', 'ok', 'ok']);
  assert.deepEqual(await codes(clients[0], 1), ['ok']);
});

test('lets a session join so many rooms at most, with names of 200 bytes', async () => {
  const bridge = await scene.addBridge(['--max-rooms=2']);
  const [ann] = await scene.people('Ann');
  const posts = await Promise.all([1, 2, 3].map(() => scene.post(ann)));
  const client = await scene.plain(ann, { bridge });
  const join = async (room) => (await client.ask('room:join', { room })).error?.code ?? 'ok';

  assert.deepEqual(await Promise.all(posts.map((post) => join(`post:${post}`))), ['ok', 'ok', 'too_many_rooms']);
  assert.equal(await join(`post:${posts[0]}`), 'ok');
  await client.ask('room:leave', { room: `post:${posts[0]}` });
  assert.equal(await join(`post:${posts[2]}`), 'ok');
  await client.ask('room:leave', { room: `post:${posts[1]}` });
  assert.equal(await join(`post:${'1'.repeat(195)}`), 'forbidden');
  assert.equal(await join(`post:${'1'.repeat(196)}`), 'bad_request');

  // The rooms in the URL of a stream have the same limits.
  const rooms = [...posts, '1'.repeat(195), '1'.repeat(196)].map((post) => `post:${post}`);
  const stream = await scene.eventSource(ann, { bridge, rooms });
  await scene.settle(stream);
  const refused = (code) => stream.all('error').filter(({ data }) => data.code === code).map(({ room }) => room);
  assert.deepEqual([refused('bad_request'), refused('forbidden')], [[rooms[4]], [rooms[3]]]);
  assert.equal(refused('too_many_rooms').length, 1);
  assert.ok(rooms.slice(0, 3).includes(refused('too_many_rooms')[0]));
});

test('logs rooms that a client which comes, or comes back, does not get', async () => {
  const [bridge, other] = [await scene.addBridge(), await scene.addBridge()];
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const foreign = `conversation:${await scene.conversation(ben)}`;
  const refusals = (of) => of.log.split('\n').filter((line) => line.includes('event=room_refused')).map((line) => /room=\S+ code=\S+ user=\S+/.exec(line)?.[0]);
  await scene.eventSource(ann, { bridge, rooms: [foreign] });
  await until('the log has the room of the URL', () => refusals(bridge).includes(`room=${foreign} code=forbidden user=${ann}`));

  const post = await scene.post(ben);
  const room = `post:${post}`;
  const client = await scene.plain(ann, { bridge });
  assert.equal((await client.ask('room:join', { room })).ok, true);
  const { sessionId, position } = client;
  client.close();
  await until('the session has ended', () => bridge.log.includes('reason=gone'));
  await database.query('DELETE FROM posts WHERE id = $1', [post]);
  const again = await scene.plain(ann, { bridge: other, sessionId, position });
  await again.waitFor('room:left');
  await until('the log has the lost room', () => refusals(other).includes(`room=${room} code=forbidden user=${ann}`));
});

test('a session with many remembered rooms comes back with them, and delays nobody', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const posts = (await database.query("INSERT INTO posts (user_id, content) SELECT $1, 'x' FROM generate_series(1, 300) RETURNING id", [ann])).map(({ id }) => id);
  const client = await scene.plain(ann);
  await Promise.all(posts.slice(0, 90).map((post) => client.ask('room:join', { room: `post:${post}` })));
  await Promise.all(posts.slice(90, 180).map((post) => client.ask('room:join', { room: `post:${post}` })));
  await Promise.all(posts.slice(180, 250).map((post) => client.ask('room:join', { room: `post:${post}` })));
  const { sessionId, position } = client;
  client.close();
  await client.closed;

  // The check of a room waits for this lock.
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE posts IN ACCESS EXCLUSIVE MODE');
  const returning = scene.plain(ann, { sessionId, position });
  try {
    await scene.plain(ben);
  } finally {
    await holder.end();
  }
  const back = await returning;
  assert.equal(back.welcomes[0].recovered, true);
  for (const post of [posts[0], posts[249]]) {
    await database.query('SELECT herald.publish($1, $2, $3)', [`post:${post}`, 'test:there', { post }]);
    await back.waitFor('test:there', (data) => data.post === post);
  }
});

test('repeated returns with many rooms make their user rest, and delay nobody', async () => {
  const bridge = await scene.addBridge(['--user-work=1/s:1']);
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const posts = (await database.query("INSERT INTO posts (user_id, content) SELECT $1, 'x' FROM generate_series(1, 180) RETURNING id", [ann])).map(({ id }) => id);
  const leave = async (user) => {
    const client = await scene.plain(user);
    for (const some of [posts.slice(0, 90), posts.slice(90)]) await Promise.all(some.map((post) => client.ask('room:join', { room: `post:${post}` })));
    client.close();
    await client.closed;
    return { bridge, sessionId: client.sessionId, position: client.position };
  };
  const [place, other] = [await leave(ann), await leave(ben)];
  let returns = 0;
  const comeBack = () => scene.plain(ann, place).then(() => { returns++; }, () => {});
  await comeBack();
  comeBack();
  await until('the user rests', async () => await bridge.metric('herald_user_rests_total') > 0);
  assert.equal((await scene.plain(ben, other)).welcomes[0].recovered, true);
  assert.equal(returns, 1);
});

const refused = async (client, action, data) => {
  const { ok, error } = await client.ask(action, data);
  return ok ? 'ok' : error;
};

test('answers too_many, with the time to wait, beyond the limit of a session', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const post = await scene.post(ann);
  for (const protocol of ['plain', 'socketIo']) {
    const client = await scene[protocol](ben, { bridge: limited });
    for (let i = 0; i < 3; i++) assert.equal(await refused(client, 'room:join', { room: `post:${post}` }), 'ok');
    const { code, message, retryAfter } = await refused(client, 'room:join', { room: `post:${post}` });
    assert.equal(code, 'too_many');
    assert.match(message, /again in \d+ s/);
    assert.ok(retryAfter > 3000000 && retryAfter <= 3600001, `${retryAfter} ms`);
    assert.equal(await refused(client, 'presence:set', { status: 'away' }), 'ok');
    assert.equal((await refused(client, 'presence:set', { status: 'online' })).code, 'too_many');
    for (let i = 0; i < 3; i++) assert.equal(await refused(client, 'inbox:list'), 'ok');
    assert.equal((await refused(client, 'inbox:list')).code, 'too_many');
    assert.equal(await refused(client, 'ping'), 'ok');
  }
  assert.ok(await limited.metric('herald_limited_total') >= 6);
  await limited.logged(/event=limited reason=joins by=session user=\d+ peer=127/);
});

test('logs each offender, also the second one of a kind in a second', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const clients = await Promise.all([scene.plain(ann, { bridge: limited }), scene.plain(ben, { bridge: limited })]);
  await Promise.all(clients.flatMap((client) => Array.from({ length: 5 }, () => client.ask('inbox:list'))));
  for (const user of [ann, ben]) await until('the user has a line', () => limited.log.includes(`reason=actions by=session user=${user} `));
});

test('limits all sessions of a user together, counts by reason, and logs an offender once a minute', async () => {
  const [ann, other] = await scene.people('Ann', 'Other');
  const post = await scene.post(ann);
  const bridge = await scene.addBridge(['--limit-joins=1/h:3', '--limit-actions=1/h:4', '--limit-signals=1/h:1']);
  const clients = await Promise.all(Array.from({ length: 7 }, () => scene.plain(ann, { bridge })));
  const asks = { joins: [3, 'room:join', { room: `post:${post}` }], signals: [1, 'presence:set', { status: 'away' }], actions: [3, 'inbox:list', {}] };
  for (const [reason, [each, action, data]] of Object.entries(asks)) {
    const metric = `herald_limited_total{reason="${reason}"}`;
    const answers = [];
    for (const client of clients) for (let n = 0; n < each; n++) answers.push(await refused(client, action, data));
    const permitted = answers.filter((answer) => answer === 'ok').length;
    assert.equal(permitted, reason === 'actions' ? 15 : 5 * each, reason);
    assert.equal(await bridge.metric(metric), answers.length - permitted);
    assert.ok(answers.every((answer) => answer === 'ok' || (answer.code === 'too_many' && answer.retryAfter > 0)));
    assert.equal(await bridge.logged(new RegExp(`event=limited reason=${reason} by=user user=${ann} `)), 1, reason);
  }
  assert.equal(await refused(await scene.plain(other, { bridge }), 'inbox:list'), 'ok');
});

// Floods the bridge by socket.io, until it ends the session.
async function tellsTime(client, count) {
  for (let i = 0; i < count; i++) client.socket.emit('inbox:list', {}, () => {});
  const { code, retryAfter } = await client.waitFor('error');
  assert.equal(code, 'too_many');
  assert.ok(retryAfter > 0 && retryAfter <= 3600001, `${retryAfter} ms`);
}

test('closes a client that goes on after many refusals', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.plain(ann, { bridge: limited });
  for (let i = 0; i < 60; i++) client.send({ id: 1000 + i, action: 'inbox:list', data: {} });
  const { code, reason } = await client.closed;
  assert.deepEqual([code, reason], [4429, 'too_many']);
  assert.ok(client.all('error').at(-1).data.retryAfter > 0, 'it is told when it may come back');
  const [ben] = await scene.people('Ben');
  await tellsTime(await scene.socketIo(ben, { bridge: limited, reconnection: false }), 60);
});

test('refuses sessions beyond the limit of their user', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  for (let i = 0; i < 10; i++) await scene.plain(ann, { bridge: limited });
  await assert.rejects(scene.plain(ann, { bridge: limited }), ({ code }) => code === 'too_many');
  await assert.rejects(scene.socketIo(ann, { bridge: limited }), ({ data }) => data.code === 'too_many' && data.retryAfter > 0);
  await scene.plain(ben, { bridge: limited });
});

test('closes a connection that shows too many bad tokens', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${limited.port}/socket.io/?EIO=4&transport=websocket`);
  const closed = new Promise((resolve) => socket.on('close', resolve));
  let errors = 0, last;
  socket.on('message', (text) => { if (String(text).startsWith('44')) { errors++; last = JSON.parse(String(text).slice(2)); } });
  await new Promise((resolve) => socket.on('open', resolve));
  for (let i = 0; i < 5; i++) socket.send('40{"token":"bad"}');
  assert.equal(await closed, 4429);
  assert.equal(errors, 3);
  assert.ok(last.data.retryAfter > 0, 'it is told when it may try again');
});

test('closes a connection that floods it with messages', async () => {
  const bridge = await scene.addBridge(['--limit-messages=1/h:20']);
  const [ann] = await scene.people('Ann');
  const plain = await scene.plain(ann, { bridge });
  for (let i = 0; i < 30; i++) plain.send({ id: i, action: 'ping', data: {} });
  assert.equal((await plain.closed).code, 4429);
  const { code, retryAfter } = plain.all('error')[0].data;
  assert.equal(code, 'too_many');
  assert.ok(retryAfter > 0 && retryAfter <= 3600001, `${retryAfter} ms`);
  const [ben] = await scene.people('Ben');
  await tellsTime(await scene.socketIo(ben, { bridge, reconnection: false }), 30);
});

test('closes a connection on a flood of pings, empty fragments or single bytes', async () => {
  const bridge = await scene.addBridge(['--limit-messages=1/s:100']);
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const large = await scene.plain(ben, { bridge });
  for (let n = 0; n < 40; n++) large.send({ action: 'ping', data: { text: 'x'.repeat(90000) } });
  const masked = (first, payload) => Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)]);
  const message = JSON.stringify({ action: 'ping', data: {} });
  const floods = {
    pings: () => masked(0x89, ''),
    'pings by the thousand': () => Buffer.concat(Array(1000).fill(masked(0x89, ''))),
    pongs: () => masked(0x8a, ''),
    fragments: (n) => masked(n === 0 ? 0x01 : 0x00, ''),
    bytes: (n) => (n === 0 ? Buffer.from([0x81, 0xfe, 0x10, 0, 0, 0, 0, 0]) : message.slice(0, 1)),
  };
  await Promise.all(Object.entries(floods).map(async ([kind, piece]) => {
    const client = await scene.plain(ann, { bridge });
    const raw = client.socket._socket;
    raw.setNoDelay(true);
    let n = 0;
    const timer = setInterval(() => raw.write(piece(n++)), 4);
    const { code } = await client.closed.finally(() => clearInterval(timer));
    assert.equal(code, 4429, kind);
    assert.equal(client.all('error')[0].data.code, 'too_many', kind);
  }));
  await bridge.logged(/event=limited reason=messages by=session/);
  await assert.rejects(scene.plain(ann, { bridge }), ({ code }) => code === 'too_many');
  assert.equal((await large.ask('ping')).ok, true, 'large messages are no flood');
  const [cay] = await scene.people('Cay');
  const careless = await scene.plain(cay, { bridge });
  careless.send({ action: 'ping', data: { text: 'x'.repeat(1000000) } });
  assert.equal((await careless.closed).code, 1009);
  await until('the session has ended', () => new RegExp(`event=session_ended user=${cay} `).test(bridge.log));
  assert.equal((await (await scene.plain(cay, { bridge })).ask('ping')).ok, true, 'nor are those over max-payload');
});

const ping = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);

// The pong of Engine.IO, as a frame of a WebSocket.
const pong = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x33]);

// Notes the opcodes of the frames that arrive.
function hear(socket) {
  const opcodes = [];
  let bytes = Buffer.alloc(0);
  socket.on('data', (data) => { bytes = takeFrames(Buffer.concat([bytes, data]), (opcode) => opcodes.push(opcode)); });
  return opcodes;
}

const [CLOSE, PONG] = [8, 10];
const engine = '/socket.io/?EIO=4&transport=websocket';

test('answers nothing to a flood that goes on after the close', async () => {
  const bridge = await scene.addBridge(['--limit-anonymous=1/s:100']);
  const socket = net.connect(bridge.port, '127.0.0.1');
  const ended = new Promise((resolve) => socket.once('close', resolve)); // an error may come first
  socket.on('error', () => {});
  socket.write(`GET /ws HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`);
  await once(socket, 'data');
  const opcodes = hear(socket);
  const timer = setInterval(() => socket.write(ping), 4);
  await ended.finally(() => clearInterval(timer));
  assert.ok(opcodes.indexOf(PONG) >= 0 && opcodes.indexOf(CLOSE) > 0);
  const late = opcodes.slice(opcodes.indexOf(CLOSE)).filter((opcode) => opcode === PONG).length;
  assert.ok(late < 20, `${late} pongs`);

  const limits = () => bridge.metric('herald_limited_total{reason="anonymous"}');
  const before = await limits();
  const one = await stranger(bridge);
  one.socket.resume().write(Buffer.concat(Array(100000).fill(ping)));
  await until('the flood has counted', async () => await limits() > before);
  one.socket.destroy();
  const next = await stranger(bridge);
  assert.match(next.head, /^HTTP\/1.1 101/, 'one connection does not have its address refused');
  next.socket.destroy();
});

// Opens a WebSocket without a session. Resolves with whether the bridge took it, and the client that is connected then.
async function stranger(bridge, { path = '/ws', localAddress = '127.0.0.2', headers = '' } = {}) {
  const socket = net.connect({ port: bridge.port, host: '127.0.0.1', localAddress });
  const ended = new Promise((resolve) => socket.once('close', resolve));
  const data = new Promise((resolve) => socket.once('data', resolve));
  socket.on('error', () => {}).write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}${upgrade}\r\n`);
  const head = await Promise.race([data, ended.then(() => '')]);
  return { socket, ended, head: String(head) };
}

test('closes connections of an address, also a private one, sooner after floods without a session', async () => {
  const bridge = await scene.addBridge(['--limit-anonymous=1/h:100', '--limit-address-sessions=2']);
  const [ann] = await scene.people('Ann');
  await until('the address may send no more', async () => {
    const { socket, ended } = await stranger(bridge);
    socket.end(Buffer.concat(Array(80).fill(ping)));
    await ended;
    return /event=limited reason=anonymous by=address peer=127\.0\.0\.2 hint="If this is a proxy/.test(bridge.log);
  });
  const { socket, head } = await stranger(bridge);
  assert.match(head, /^HTTP\/1.1 101/, 'the client may be an honest user');
  const opcodes = hear(socket);
  const timer = setInterval(() => socket.write(ping), 10);
  await until('the connection is closed', () => opcodes.includes(CLOSE)).finally(() => clearInterval(timer));
  socket.destroy();
  const answered = opcodes.filter((opcode) => opcode === PONG).length;
  assert.ok(answered < 100, `${answered} pings are answered`);
  await scene.plain(ann, { bridge });
  await until('the address may send again', async () => {
    const next = await stranger(bridge, { path: engine });
    const heard = hear(next.socket);
    next.socket.setNoDelay(true).write(Buffer.concat([pong, pong, pong]));
    await until('the client is answered', () => heard.length > 0);
    await pause(300);
    next.socket.destroy();
    return !heard.includes(CLOSE);
  }, 10000);
});

test('closes a connection without a session after few messages, and the next ones of its address behind a proxy after two', async () => {
  const bridge = await scene.addBridge(['--trusted-proxy=127.0.0.1', '--limit-anonymous=1/h:20', '--limit-address-sessions=1']);
  const from = (address) => stranger(bridge, { path: engine, localAddress: '127.0.0.1', headers: `X-Forwarded-For: ${address}\r\n` });
  const says = async (address, count) => {
    const { socket, head } = await from(address);
    assert.match(head, /^HTTP\/1.1 101/);
    const opcodes = hear(socket);
    socket.write(Buffer.concat(Array(count).fill(pong)));
    return { socket, opcodes };
  };
  for (const count of [30, 3]) {
    const { socket, opcodes } = await says('192.0.2.1', count);
    await until('the connection is closed', () => opcodes.includes(CLOSE));
    socket.destroy();
  }
  const { socket, opcodes } = await says('192.0.2.2', 19);
  const [ann] = await scene.people('Ann');
  await scene.plain(ann, { bridge, headers: { 'x-forwarded-for': '192.0.2.1' } });
  assert.ok(!opcodes.includes(CLOSE), 'another address is not concerned');
  socket.destroy();
});

test('lets clients with sessions come back as often as they like, all of one address', async () => {
  const bridge = await scene.addBridge(['--trusted-proxy=127.0.0.1', '--limit-sockets=1/h:8', '--limit-anonymous=1/h:8', '--limit-address-sessions=1']);
  const [ann] = await scene.people('Ann');
  const headers = { 'x-forwarded-for': '192.0.2.1' };
  for (let n = 0; n < 6; n++) {
    const clients = await Promise.all([scene.plain(ann, { bridge, headers }), scene.socketIo(ann, { bridge, headers }),
      scene.socketIo(ann, { bridge, headers, transports: ['polling', 'websocket'] })]);
    for (const client of clients) client.close();
  }
  assert.equal(await bridge.metric('herald_limited_total'), 0);
  const { head } = await stranger(bridge, { localAddress: '127.0.0.1', headers: 'X-Forwarded-For: 192.0.2.1\r\n' });
  assert.match(head, /^HTTP\/1.1 101/);
});

test('logs each session that begins and ends, with the reason and the duration', async () => {
  const bridge = await scene.addBridge();
  const quiet = await scene.addBridge(['--log-connections=false']);
  const [ann] = await scene.people('Ann');
  const line = (event) => bridge.log.split('\n').find((text) => text.includes(`event=${event}`) && text.includes(`user=${ann} `));
  const client = await scene.plain(ann, { bridge });
  await until('the log has the session', () => line('session_began'));
  assert.match(line('session_began'), /session=\d+ peer=127\.0\.0\.1 transport=websocket/);
  client.close();
  await until('the log has its end', () => line('session_ended'));
  assert.match(line('session_ended'), /session=\d+ peer=127\.0\.0\.1 reason=gone seconds=\d+\.\d/);
  (await scene.plain(ann, { bridge: quiet })).close();
  await scene.plain(ann, { bridge: quiet });
  assert.ok(!quiet.log.includes('session_'));
});

test('logs little of the words of clients, and not often', async () => {
  const bridge = await scene.addBridge(['--log-connections=false']);
  const [ann] = await scene.people('Ann');
  for (let i = 0; i < 20; i++) {
    const client = await scene.plain(ann, { bridge, position: 'z'.repeat(30000) });
    assert.equal((await client.ask('room:join', { room: 'x'.repeat(200) })).error.code, 'forbidden');
    client.close();
  }
  await until('the log has both kinds', () => bridge.log.includes('not_recovered') && bridge.log.includes('room_refused'));
  assert.ok(bridge.log.length < 10000, `${bridge.log.length} bytes`);
  assert.ok(!bridge.log.includes('z'.repeat(201)));
});

test('logs little of what the database says about clients, and not often', async () => {
  await database.psql('-c', `CREATE FUNCTION public.may_enter(user_id text, key text) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '%', repeat(key, 100);
    END $$;
    SELECT herald.room_policy('lobby', 'public.may_enter(text, text)')`);
  const [ann] = await scene.people('Ann');
  const client = await scene.plain(ann);
  const from = scene.bridge.log.length;
  const began = Date.now();
  for (let i = 0; i < 20; i++) assert.equal((await client.ask('room:join', { room: 'lobby:long-key' })).error.code, 'forbidden');
  const seconds = (Date.now() - began) / 1000;
  const lines = () => scene.bridge.log.slice(from).split('\n').filter((line) => line.includes('event=database_notice'));
  await until('the log has a notice', () => lines().length > 0);
  assert.ok(lines().length <= seconds + 2, `${lines().length} lines in ${seconds} s`);
  assert.match(lines()[0], /long-key.*\(\d+ bytes\)/);
  assert.ok(lines()[0].length < 400, lines()[0]);
});

test('unknown actions do not reach the log of the server', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.plain(ann);
  for (const name of ['no:such', 'x'.repeat(90000)]) assert.equal((await client.ask(name)).error.code, 'HD404');
  const log = readFileSync(path.join(scene.postgres.directory, 'log'), 'utf8');
  assert.ok(!log.includes('unknown action'));
});
