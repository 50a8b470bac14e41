// Socket.IO v5, packet by packet: namespaces, acks, binary arguments, and misplaced packets. Malformed ones: hardening.test.mjs.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { EngineClient } from './harness/engine_client.mjs';
import { Scene } from './harness/scene.mjs';
import { soon, until } from './harness/wait.mjs';

const scene = await Scene.open({ options: ['--max-payload=20000'] });
after(() => scene.close());

const { bridge } = scene;
const [ann, ben] = await scene.people('Ann', 'Ben');
const conversation = await scene.conversation(ann, ben);
const auth = JSON.stringify({ token: scene.token(ann) });
const bystander = await scene.socketIo(ann);
const opened = [];

// After each test another client is still served on its first connection.
afterEach(async () => {
  for (const client of opened.splice(0)) client.close();
  await scene.settle(bystander);
  assert.deepEqual(bystander.connects, [false]);
});

function openWebSocket(on = bridge) {
  const socket = new EngineClient(on).websocket();
  opened.push(socket);
  return socket;
}

const answered = (client, start) => client.hear((text) => text.startsWith(start));
const isClosed = async (client) => assert.equal(await soon('the connection is closed', client.closed), 1002);

// Opens a WebSocket that is connected to these namespaces.
async function connect(...nameSpaces) {
  const socket = openWebSocket();
  for (const name of nameSpaces) {
    await socket.say(`40${name}${auth}`);
    await answered(socket, `40${name}{"sid"`);
  }
  return socket;
}

// Checks that the namespace answers a ping.
async function isServed(client, nameSpace = '') {
  await client.say(`42${nameSpace}99["ping"]`);
  assert.equal(await answered(client, `43${nameSpace}99`), `43${nameSpace}99[{"ok":true,"data":{}}]`);
}

const transports = { websocket: openWebSocket, polling: () => EngineClient.open(bridge) };

for (const [transport, open] of Object.entries(transports)) {
  for (const [name, nameSpace] of Object.entries({ 'the main namespace': '', 'another namespace': '/chat,' })) {
    test(`${transport}: connects ${name} with a token; gives a reason without one, and lets the client retry`, async () => {
      const client = await open();
      await client.say(`40${nameSpace}`);
      const refused = JSON.parse((await answered(client, `44${nameSpace}`)).slice(2 + nameSpace.length));
      assert.deepEqual(Object.keys(refused), ['message', 'data']);
      assert.equal(refused.data.code, 'token_missing');
      await client.say(`40${nameSpace}${auth}`);
      const { sid, pid, ...rest } = JSON.parse((await answered(client, `40${nameSpace}`)).slice(2 + nameSpace.length));
      assert.deepEqual(rest, {});
      assert.match(sid, /^[0-9a-f]{20}$/);
      assert.ok(pid.includes(sid));
      await isServed(client, nameSpace);
    });
  }

  test(`${transport}: refuses unknown namespaces, also with a query, and keeps the connection`, async () => {
    const client = await open();
    for (const name of ['/random', '/chat?token=x', '/Chat', '/chat/', '/a"b\\']) {
      await client.say(`40${name},${auth}`);
      assert.equal(await answered(client, `44${name},`), `44${name},{"message":"Invalid namespace"}`);
    }
    await client.say(`40${auth}`);
    await answered(client, '40{');
    await isServed(client);
  });
}

test('connects a namespace of a URL with a query', async () => {
  await scene.socketIo(ann, { namespace: '/chat?color=red' }).then((client) => client.close());
});

test('closes a connection without a namespace after a timeout', async () => {
  const hasty = await scene.addBridge(['--connect-timeout=1s']);
  const socket = openWebSocket(hasty);
  await socket.say('40', `40/random,${auth}`);
  assert.equal(await soon('the connection is closed', socket.closed), 1001);
  assert.equal(socket.heard.filter((text) => text.startsWith('44')).length, 2);
});

test('lets a client leave a namespace, keep the others, and connect again', async () => {
  const socket = await connect('', '/chat,');
  await isServed(socket, '/chat,');
  await socket.say('41/chat,');
  await isServed(socket);
  socket.heard.length = 0;
  await scene.message(conversation, ben, 'Hello');
  await answered(socket, '42["message:created"');
  assert.ok(!socket.heard.some((text) => text.startsWith('42/chat,')));
  await socket.say(`40/chat,${auth}`);
  await answered(socket, '40/chat,');
  await scene.message(conversation, ben, 'Hello again');
  await answered(socket, '42/chat,["message:created"');
  await socket.say('41', '41/chat,', `40${auth}`);
  await until('the namespace is connected again', () => socket.heard.some((text) => text.startsWith('40{')));
});

test('serves many namespaces on one connection', async () => {
  const before = await bridge.metric('herald_sessions');
  const names = Array.from({ length: 300 }, (_, n) => `/none${n},`);
  const socket = await connect('', '/notifications,', '/chat,');
  await socket.say(...names.map((name) => `40${name}${auth}`));
  await until('all CONNECTs are answered', () => socket.heard.filter((text) => text.endsWith('{"message":"Invalid namespace"}')).length === names.length);
  assert.equal(await bridge.metric('herald_sessions'), before + 3);
  const sids = new Set(socket.heard.filter((text) => text.startsWith('40')).map((text) => /"sid":"(\w+)"/.exec(text)[1]));
  assert.equal(sids.size, 3);
});

test('acknowledges with the id and the namespace of the event', async () => {
  const socket = await connect('', '/chat,');
  const ids = ['0', '7', '7', '4294967296', '9'.repeat(1000)];
  await socket.say(...ids.flatMap((id) => [`42${id}["ping"]`, `42/chat,${id}["ping",{}]`]));
  await until('all events are answered', () => socket.heard.filter((text) => text.startsWith('43')).length === 2 * ids.length);
  for (const nameSpace of ['', '/chat,']) {
    const acks = socket.heard.filter((text) => text.endsWith('[{"ok":true,"data":{}}]') && /^43\d/.test(text) === (nameSpace === ''));
    assert.deepEqual(acks.map((text) => text.slice(2 + nameSpace.length).split('[')[0]), ids);
  }
});

test('asks for no acks of plain events, and ignores unasked acks', async () => {
  const socket = await connect('', '/chat,');
  await scene.message(conversation, ben, 'Hello');
  for (const nameSpace of ['', '/chat,']) await answered(socket, `42${nameSpace}["message:created"`);
  await socket.say('431[]', '43/chat,77["x",{"a":1}]', '43[]', '461-3[{"_placeholder":true,"num":0}]', Buffer.from([1, 2, 3]));
  await isServed(socket);
  assert.ok(!socket.heard.some((text) => /^42(\/chat,)?\d/.test(text)));
});

test('passes binary arguments to an action in base64, and reads the packets behind them', async () => {
  await scene.database.query(`CREATE OR REPLACE FUNCTION test_upload(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS
    $$ SELECT jsonb_build_object('name', payload -> 'name', 'bytes', octet_length(decode(payload -> 'parts' ->> 1, 'base64')), 'first', payload -> 'parts' -> 0) $$`);
  await scene.database.query("SELECT herald.expose('test:upload', 'test_upload(text, jsonb)')");
  const socket = await connect('/chat,');
  const upload = { name: 'a.png', parts: [{ _placeholder: true, num: 1 }, { _placeholder: true, num: 0 }] };
  await socket.say(`452-/chat,7${JSON.stringify(['test:upload', upload])}`, Buffer.alloc(1000, 7), Buffer.from([1, 2, 3]));
  assert.equal(await answered(socket, '43/chat,7'), '43/chat,7[{"ok":true,"data":{"name": "a.png", "bytes": 1000, "first": "AQID"}}]');
  await isServed(socket, '/chat,');
});

// JSON that an honest client may send, and that the bridge cannot pass on: the event is answered, and the connection stays.
const nested = (levels) => '['.repeat(levels) + ']'.repeat(levels);
const unusable = {
  'half an emoji': ['"\\ud83d"', /surrogate/], 'U+0000': ['"a\\u0000b"', /U\+0000/],
  'half an emoji as a key': ['{"\\ude00":1}', /surrogate/],
  'a number larger than a double holds': ['[1e400]', /1\.8e308/],
  'an integer of 400 digits': ['9'.repeat(400), /1\.8e308/],
  '3,000 nested arrays': [nested(3000), /nested/],
  '9,000 nested arrays': [nested(9000), /nested/],
  'nested objects in nested arrays': [
    `${'['.repeat(1500)}${'{"a":'.repeat(1500)}1${'}'.repeat(1500)}${']'.repeat(1500)}`, /nested/],
};

for (const [name, [data, message]] of Object.entries(unusable)) {
  test(`answers an event with ${name} by an error, and keeps the connection`, async () => {
    const isRefusal = ({ ok, error }) => {
      assert.deepEqual([ok, error.code], [false, 'bad_request']);
      assert.match(error.message, message);
    };
    const refused = async (client, start) => isRefusal(JSON.parse((await answered(client, start)).slice(start.length))[0]);
    const socket = await connect('', '/chat,');
    await socket.say(`427["message:send",${data}]`, `42/chat,8["message:send",{"conversationId":"1","content":${data}}]`);
    await refused(socket, '437');
    await refused(socket, '43/chat,8');
    await isServed(socket);
    const polling = await EngineClient.connect(bridge, scene.token(ann));
    await polling.say(`427["message:send",${data}]`);
    await refused(polling, '437');
    await isServed(polling);
    const plain = await scene.plain(ann);
    const frames = [];
    plain.socket.on('message', (text) => frames.push(JSON.parse(text)));
    plain.send(`{"id":"odd","action":"message:send","data":${data}}`);
    isRefusal(await until('an answer', () => frames.find(({ id }) => id === 'odd')));
    assert.equal((await plain.ask('ping')).ok, true);
    plain.close();
  });
}

test('passes on numbers beyond 64 bits as JavaScript reads them, and leaves others as they are', async () => {
  await scene.database.query(`CREATE OR REPLACE FUNCTION test_echo(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT payload'`);
  await scene.database.query("SELECT herald.expose('test:echo', 'test_echo(text, jsonb)')");
  const socket = await connect('');
  await socket.say('427["test:echo",[7,9007199254740993,18446744073709551617,-123456789012345678901234567890]]');
  const [{ data }] = JSON.parse((await answered(socket, '437')).slice(3).replace('9007199254740993', '"exact"'));
  assert.deepEqual(data, [7, 'exact', 18446744073709551617, -123456789012345678901234567890]);
  await socket.say('428[1e30]', '429[1.5]');
  for (const id of [8, 9]) assert.match(await answered(socket, `43${id}`), /HD404/);
});

for (const [name, packets] of Object.entries({
  'larger than a message may be': ['453-/chat,5["message:send",{"_placeholder":true,"num":0}]', ...Array(3).fill(Buffer.alloc(8000))],
  'more than ten': ['4512-/chat,5["message:send",{"_placeholder":true,"num":11}]', ...Array(12).fill(Buffer.from([1]))],
})) {
  test(`answers an event whose binary arguments are ${name} by an error, and keeps the connection`, async () => {
    const socket = await connect('/chat,');
    await socket.say(...packets);
    assert.match(await answered(socket, '43/chat,5'), /"ok":false,"error":\{"code":"bad_request".*binary arguments/);
    await isServed(socket, '/chat,');
  });
}

// So a client sends it that leaves a namespace and joins again before the answer: it has nothing to disconnect.
test('lets a CONNECT replace one that is not answered yet', async () => {
  const before = await bridge.metric('herald_sessions');
  const socket = await connect('');
  await socket.say(`40/chat,${auth}`, '40/chat,{"token":"bad"}', `40/chat,${JSON.stringify({ token: scene.token(ben) })}`);
  await answered(socket, '40/chat,{"sid"');
  await isServed(socket, '/chat,');
  await socket.say(`42/chat,7["room:join",{"room":"user:${ben}"}]`);
  assert.match(await answered(socket, '43/chat,7'), /"ok":true/, 'the last CONNECT counts');
  assert.equal(socket.heard.filter((text) => text.startsWith('40/chat,')).length, 1);
  assert.equal(await bridge.metric('herald_sessions'), before + 2);
});

const longName = 'x'.repeat(15000);
// Packets that a client may not send first, and packets that it may not send when it is connected.
const endings = {
  'an ack before the CONNECT': ['431[]'],
  'a DISCONNECT before the CONNECT': ['41'],
  'a binary event before the CONNECT': ['451-["x",{"_placeholder":true,"num":0}]'],
  'a binary argument before the CONNECT': [Buffer.from([1])],
  'an event in a namespace that was refused': [`40/random,${auth}`, '42/random,["ping"]'],
};
const endingsLater = {
  'another packet instead of a binary argument': ['452-7["ping",{"_placeholder":true,"num":0}]', Buffer.from([1]), '428["ping"]'],
  'a huge count of binary arguments': [`45${'9'.repeat(1000)}-["x"]`],
  'a second CONNECT': [`40${auth}`],
  'an event of a namespace that it has left': ['41', '42["ping"]'],
  'a second DISCONNECT': ['41', '41'],
  'an event in a namespace with a very long name': [`42/${longName},["ping"]`],
};

for (const [name, packets] of Object.entries(endings)) {
  test(`closes the connection after ${name}`, async () => {
    const socket = openWebSocket();
    await socket.say(...packets);
    await isClosed(socket);
  });
}

for (const [name, packets] of Object.entries(endingsLater)) {
  test(`closes the connection and all its namespaces after ${name}`, async () => {
    const before = await bridge.metric('herald_sessions');
    const socket = await connect('', '/chat,');
    await socket.say(...packets);
    await isClosed(socket);
    await until('its sessions have ended', async () => await bridge.metric('herald_sessions') === before);
  });
}

test('ends the session after an event that does not wait for the answer to its CONNECT', async () => {
  const client = await EngineClient.open(bridge);
  assert.equal((await client.post(`40${auth}`, '421["ping"]')).status, 400);
  await client.ended();
});

test('refuses a namespace with a very long name like any other', async () => {
  const socket = openWebSocket();
  await socket.say(`40/${longName},${auth}`);
  assert.equal(await answered(socket, '44'), `44/${longName},{"message":"Invalid namespace"}`);
});
