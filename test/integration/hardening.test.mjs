// Bad input closes the client that sent it, with a reason where the protocol has one. Other clients notice nothing.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, afterEach, test } from 'node:test';
import WebSocket from 'ws';
import { Scene } from './harness/scene.mjs';
import { soon, until } from './harness/wait.mjs';

const scene = await Scene.open({ options: ['--max-payload=20000'] });
after(() => scene.close());

const { bridge } = scene;
const [ann] = await scene.people('Ann');
const bystanders = await scene.both(ann);
const pid = bridge.pid;

// After each test the bridge is the same process, and the other clients are still served.
afterEach(async () => {
  await scene.settle(...bystanders);
  assert.equal(bridge.pid, pid);
  assert.ok(bridge.running);
  assert.deepEqual(bystanders[1].connects, [false]);
});

async function openRaw(path) {
  const socket = new WebSocket(`ws://127.0.0.1:${bridge.port}${path}`);
  socket.on('error', () => {});
  socket.frames = [];
  socket.on('message', (text) => socket.frames.push(String(text)));
  await soon('the socket opens', once(socket, 'open'));
  return socket;
}

// A raw Engine.IO session that is connected to the namespace "/".
async function openSocketIo() {
  const socket = await openRaw('/socket.io/?EIO=4&transport=websocket');
  socket.send(`40${JSON.stringify({ token: scene.token(ann) })}`);
  await soon('it connects', new Promise((resolve) => socket.on('message', (text) => String(text).startsWith('40') && resolve())));
  return socket;
}

const closing = (socket) => soon('the client is closed', once(socket, 'close'));

const badFrames = {
  'text that is not JSON': 'hello',
  'half a JSON object': '{"id":1,"action":',
  'JSON other than an object': '[1,2,3]',
  'a number': '42',
  'an object without action': '{"id":1}',
  'an action other than a text': '{"id":1,"action":{"a":1}}',
  'arrays that are not closed': `{"id":1,"action":"ping","data":${'['.repeat(5000)}}`,
  'a binary frame': Buffer.from([1, 2, 3]),
  'an empty frame': '',
};

for (const [name, frame] of Object.entries(badFrames)) {
  test(`plain: closes the client after ${name}`, async () => {
    const client = await scene.plain(ann);
    client.socket.send(frame);
    await soon('the client is closed', client.closed);
    assert.ok(client.all('error').length === 1 || (await client.closed).code !== 1005, 'the client receives a reason');
  });
}

// PostgreSQL stores neither U+0000 nor half a surrogate pair.
for (const text of ['\u0000', 'post:1\u0000', '\ud83d', '\ude00\ud83d']) {
  test(`refuses an action with ${JSON.stringify(text)}, and keeps the client`, async () => {
    const [plain, socketIo] = await scene.both(ann);
    for (const client of [plain, socketIo]) {
      for (const [action, data] of [['room:join', { room: text }], ['room:leave', { room: text }], ['message:send', { [text]: 1 }], [text, {}], ['ping', [text]]]) {
        const { ok, error } = await client.ask(action, data);
        assert.deepEqual([ok, error.code], [false, 'bad_request'], `${client.label}: ${JSON.stringify([action, data])}`);
      }
    }
    plain.send({ action: 'room:join', data: { room: text } });
    plain.send({ ack: 1, data: [text] });
    socketIo.socket.emit('room:join', { room: text });
    for (const client of [plain, socketIo]) assert.ok((await client.ask('room:join', { room: `user:${ann}` })).ok);
    const early = await scene.plain(ann, { query: `?token=${scene.token(ann)}` });
    assert.equal((await early.ask('room:join', { room: text })).error.code, 'bad_request');
    await scene.settle(plain, socketIo, early);
    assert.deepEqual([plain, early].map(({ socket }) => socket.readyState), [1, 1]);
  });
}

test('plain: closes the client after invalid UTF-8', async () => {
  const client = await scene.plain(ann);
  client.socket.send(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), { binary: false });
  await soon('the client is closed', client.closed);
});

const badPackets = ['47', '4', '4abc', '40[]', '40"x"', '40{', '42{}', '42[]', '42[null]', '42["x"]zzz', '42abc["x"]', '42["connect"]',
  '42["disconnect"]', '41{}', '44{}', '450-["x"]', '451000000-["x"]', '45-["x"]', '9', '', '42/chat,["x"]', '42["ping",{"a":"\\ud800"}'];

for (const packet of badPackets) {
  test(`socket.io: closes the client after the packet ${JSON.stringify(packet)}`, async () => {
    const socket = await openSocketIo();
    socket.send(packet);
    await closing(socket);
  });
}

test('socket.io: closes the client after an event before the CONNECT', async () => {
  const socket = await openRaw('/socket.io/?EIO=4&transport=websocket');
  socket.send('42["ping",{}]');
  await closing(socket);
});

test('socket.io: refuses another protocol version, an unknown transport and an unknown session', async () => {
  for (const query of ['EIO=5&transport=websocket', 'transport=websocket', 'EIO=4&transport=pigeon', 'EIO=4&transport=websocket&sid=unknown']) {
    const socket = new WebSocket(`ws://127.0.0.1:${bridge.port}/socket.io/?${query}`);
    const [error] = await soon(`${query} is refused`, once(socket, 'error'));
    assert.match(error.message, /400/, query);
  }
});

test('closes with 1009 after a message above the limit, in one frame or in many', async () => {
  for (const open of [() => scene.plain(ann).then(({ socket }) => socket), openSocketIo]) {
    const whole = await open();
    whole.send('x'.repeat(20001));
    assert.equal((await closing(whole))[0], 1009);
    const pieces = await open();
    for (let n = 0; n < 21; n++) pieces.send('x'.repeat(1000), { fin: false });
    assert.equal((await closing(pieces))[0], 1009);
  }
});

const mask = [0, 0, 0, 0];
const forbidden = {
  'a reserved bit': [1002, 0xc1, 0x80, ...mask],
  'an unknown opcode': [1002, 0x83, 0x80, ...mask],
  'an unknown control opcode': [1002, 0x8b, 0x80, ...mask],
  'a ping in pieces': [1002, 0x09, 0x80, ...mask],
  'a continuation of nothing': [1002, 0x80, 0x80, ...mask],
  'a text inside of another': [1002, 0x01, 0x81, ...mask, 0x7b, 0x81, 0x81, ...mask, 0x7d],
  'an overlong UTF-8 sequence': [1007, 0x81, 0x82, ...mask, 0xc0, 0xaf],
};

for (const [name, [code, ...bytes]] of Object.entries(forbidden)) {
  test(`closes a WebSocket with ${code} after ${name}`, async () => {
    const socket = await openRaw('/ws');
    socket._socket.write(Buffer.from(bytes));
    assert.equal((await closing(socket))[0], code);
  });
}

test('inflates nothing for clients that offer compression', async () => {
  const socket = await openRaw('/ws'); // the library offers permessage-deflate
  assert.equal(socket.extensions, '');
  socket.terminate();
});

test('takes a message of many empty pieces, with pings between them', async () => {
  const socket = await openRaw(`/ws?token=${scene.token(ann)}`);
  const piece = (opcode, text) => Buffer.from([opcode, 0x80 | text.length, ...mask, ...Buffer.from(text)]);
  socket._socket.write(Buffer.concat([piece(0x01, '{"id":1,"act'), ...Array(2000).fill([piece(0x00, ''), piece(0x89, 'x')]).flat(), piece(0x80, 'ion":"ping"}')]));
  await until('it is answered', () => socket.frames.includes('{"id":1,"ok":true,"data":{}}'));
  socket.terminate();
});

test('serves a message just below the limit', async () => {
  const client = await scene.plain(ann);
  assert.equal((await client.ask('ping', { padding: 'x'.repeat(19000) })).ok, true);
  client.close();
});

// Sends pieces of a request, each after an answer to the last. Returns all answers when the connection has ended.
function speak(...pieces) {
  return soon('the connection ends', new Promise((resolve) => {
    let answer = '';
    const socket = net.connect(bridge.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
    socket.on('data', (text) => {
      answer += text;
      const next = pieces.shift();
      if (next) socket.write(next);
    });
    socket.write(pieces.shift());
  }), 30000);
}

const upgrade = (name) => `GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${name}\r\n` +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
const healthCheck = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n';

test('survives an upgrade on a connection that was used before (CVE-2025-11677)', async () => {
  for (const name of ['foo', 'h2c', 'anything']) {
    const answer = await speak(healthCheck, upgrade(name));
    assert.match(answer, /^HTTP\/1\.1 200/);
    assert.doesNotMatch(answer, / 101 /);
  }
});

test('refuses an upgrade to anything but a WebSocket', async () => {
  for (const name of ['foo', 'h2c', 'websocketx', 'x'.repeat(3000)]) assert.match(await speak(upgrade(name)), /^HTTP\/1\.\d 40[03] /);
});

test('survives garbage instead of HTTP', async () => {
  await Promise.all(['\0\0\0\0\r\n\r\n', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', `GET /${'a'.repeat(20000)} HTTP/1.1\r\n\r\n`,
    'POST /ws HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n'].map((bytes) => speak(bytes)));
});

test('survives clients that disconnect in all states', async () => {
  for (let n = 0; n < 20; n++) {
    const socket = net.connect(bridge.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(upgrade('websocket').slice(0, 10 * n));
    socket.resetAndDestroy();
    const client = await scene.plain(ann);
    client.send({ id: 1, action: 'inbox:list' });
    client.close();
  }
});

test('closes a connection that sends nothing', async () => {
  const socket = net.connect(bridge.port, '127.0.0.1');
  await soon('the silent connection is closed', once(socket.resume(), 'close'), 40000);
});
