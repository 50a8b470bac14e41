// Clients behind one address: a stranger among them, who floods the bridge without a token, keeps no honest user out.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { EngineClient } from './harness/engine_client.mjs';
import { PlainClient } from './harness/plain_client.mjs';
import { upgrade } from './harness/raw_client.mjs';
import { Scene } from './harness/scene.mjs';
import { SocketIoClient } from './harness/socketio_client.mjs';
import { soon, until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

// The address may send 40 messages without a session in an hour, and none of its connections more than 20.
const bridge = await scene.addBridge(['--limit-anonymous=1/h:20', '--limit-address-sessions=2', '--session-cookie=session',
  '--allow-origin=https://app.example', '--allow-host=127.0.0.1']);
const [ann, ben] = await scene.people('Ann', 'Ben');
const token = scene.token(ann);

// Opens a WebSocket of Engine.IO that is not connected to a namespace.
const stranger = () => new EngineClient(bridge).websocket();

// Resolves with the code of the bridge's close frame. The connection itself ends some seconds later, unless the client ends it.
async function closing(engine) {
  await until('it is being closed', () => engine.socket.readyState > 1);
  engine.close();
  return engine.socket._closeCode;
}

// Sends messages without a token until the bridge closes the connection: the address may send nothing more for 2 seconds.
async function floods() {
  const socket = stranger();
  await socket.say(...Array(30).fill('3'));
  assert.equal(await closing(socket), 4429);
}

before(async () => {
  await floods();
  await until('the address may send nothing more', async () => {
    await floods();
    return /event=limited reason=anonymous by=address peer=127\.0\.0\.1/.test(bridge.log);
  });
});

beforeEach(floods);

test('a user with a good token connects by each protocol beside a stranger who has used up their address', async () => {
  const cookie = { cookie: `session=${token}` };
  const clients = {
    'plain, token in the first message': () => scene.plain(ann, { bridge }),
    'plain, token in the header': () => PlainClient.connect(bridge, undefined, { headers: { authorization: `Bearer ${token}` } }),
    'plain, token in the URL': () => PlainClient.connect(bridge, undefined, { query: `?token=${token}` }),
    'plain, token in the cookie': () => PlainClient.connect(bridge, undefined, { headers: cookie }),
    'socket.io by WebSocket': () => scene.socketIo(ann, { bridge }),
    'socket.io by polling': () => scene.socketIo(ann, { bridge, transports: ['polling'] }),
    'socket.io, token in the cookie': () => SocketIoClient.connect(bridge, undefined, { auth: {}, extraHeaders: cookie }),
    'an event stream': () => scene.eventSource(ann, { bridge }),
  };
  for (const [name, connect] of Object.entries(clients)) {
    await floods();
    const client = await connect().catch((error) => assert.fail(`${name}: ${error.message}`));
    if (client.ask) assert.equal((await client.ask('inbox:list')).ok, true, name);
    client.close();
  }
});

test('a session of polling upgrades to a WebSocket beside the stranger', async () => {
  const client = await scene.socketIo(ann, { bridge, transports: ['polling', 'websocket'] });
  await until('the session is on a WebSocket', () => client.socket.io.engine.transport.name === 'websocket');
  assert.equal((await client.ask('inbox:list')).ok, true);
});

test('the user who connects so has the limits of a user', async () => {
  const client = await scene.plain(ben, { bridge });
  for (let n = 0; n < 50; n++) assert.equal((await client.ask('ping')).ok, true);
});

test('a stranger of that address is closed after two messages, or one bad token, with the time to wait', async () => {
  const good = `40{"token":"${token}"}`;
  const second = stranger();
  await second.say('3', good);
  await second.hear((text) => text.startsWith('40'));
  second.close();
  await floods();
  const third = stranger();
  await third.say('3', '3', good);
  assert.equal(await closing(third), 4429);

  for (const packet of ['40', '40{"token":"guess"}', `40{"token":"${token}x"}`]) {
    await floods();
    const socket = stranger();
    await socket.say(packet, '40{"token":"again"}');
    assert.equal(await closing(socket), 4429, packet);
    const errors = socket.heard.filter((text) => text.startsWith('44')).map((text) => JSON.parse(text.slice(2)));
    assert.equal(errors.length, 1, packet);
    assert.match(errors[0].data.code, /^token_(missing|invalid)$/);
    assert.ok(errors[0].data.retryAfter > 0, JSON.stringify(errors[0]));
  }
  await floods();
  const polls = await EngineClient.open(bridge);
  await polls.post('40{"token":"guess"}');
  assert.match((await polls.poll()).body, /retryAfter/);
  await assert.rejects(PlainClient.connect(bridge, 'guess'), ({ code }) => code === 'token_invalid');
});

test('a session goes on when one of its namespaces is refused beside the stranger', async () => {
  const socket = stranger();
  await socket.say(`40{"token":"${token}"}`, '40/notifications,{"token":"guess"}');
  for (const packet of ['44/notifications', '40{']) await socket.hear((text) => text.startsWith(packet));
  await socket.say('421["ping",{}]');
  await socket.hear((text) => text.startsWith('431'));
  socket.close();
});

test('hundreds of strangers take neither memory nor lines of the log', { timeout: 180000 }, async () => {
  const attempt = async () => {
    const socket = stranger();
    await socket.say('40{"token":"guess"}', ...Array(30).fill('3'));
    assert.equal(await closing(socket), 4429);
  };
  const round = async () => { for (let n = 0; n < 8; n++) await Promise.all(Array.from({ length: 50 }, attempt)); };

  await round(); // the memory that later rounds use again
  const [memory, log, began] = [bridge.memory, bridge.log.length, Date.now()];
  await round();
  const lines = bridge.log.slice(log).split('\n').length;
  const seconds = (Date.now() - began) / 1000;
  assert.ok(lines <= 3 * (seconds + 2), `${lines} lines in ${seconds} s`);
  assert.ok(bridge.sanitized || bridge.memory - memory < 8e6, `${bridge.memory - memory} bytes`);
  assert.equal((await (await scene.plain(ann, { bridge })).ask('inbox:list')).ok, true);
});

test('a stranger who pings without end, and comes back when cut, gets few answers', async () => {
  let answered = 0;
  for (let n = 0; n < 10; n++) {
    const socket = net.connect(bridge.port, '127.0.0.1');
    const pings = Buffer.concat(Array(10000).fill(Buffer.from([0x89, 0x80, 0, 0, 0, 0])));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    const flood = () => { while (socket.writable && socket.write(pings)); };
    socket.on('error', () => {}).on('drain', flood);
    socket.write(`GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\n${upgrade.trimEnd()}\r\n\r\n`);
    const head = String((await soon('it is a WebSocket', once(socket, 'data')))[0]);
    assert.match(head, /^HTTP\/1.1 101/);
    socket.on('data', (bytes) => { answered += bytes.length / 2; });
    flood();
    await soon('it is cut', closed);
  }
  assert.ok(answered < 50, `${answered} pings are answered`);
  const client = await scene.plain(ann, { bridge });
  assert.equal((await client.ask('inbox:list')).ok, true);
});

test('a long first message with a token passes beside the stranger, also in small pieces', async () => {
  const token = scene.token(ann, { claims: { pad: 'x'.repeat(20000) } });
  const text = Buffer.from(JSON.stringify({ action: 'auth', data: { token } }));
  const frame = Buffer.concat([Buffer.from([0x81, 0xfe, text.length >> 8, text.length & 255, 0, 0, 0, 0]), text]);
  for (const size of [100000, 1400, 600]) {
    await floods();
    const socket = net.connect(bridge.port, '127.0.0.1').setNoDelay();
    let answer = '';
    socket.on('error', () => {}).on('data', (bytes) => { answer += bytes; });
    socket.write(`GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\n${upgrade.trimEnd()}\r\n\r\n`);
    await until('it is a WebSocket', () => answer.includes('101'));
    for (let at = 0; at < frame.length; at += size) {
      socket.write(frame.subarray(at, at + size));
      await new Promise(setImmediate);
    }
    await until('it is welcome', () => answer.includes('"welcome"'));
    socket.destroy();
  }
});
