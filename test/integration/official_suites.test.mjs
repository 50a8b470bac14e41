// The cases of the official test suites of Engine.IO v4 and Socket.IO v5, with their names, times and sizes.
//
// Their server sends each message back. Here an action and its acknowledgement stand for that: Engine.IO's packets come from a
// session of Socket.IO. The suites' repositories: socketio/engine.io-protocol and socketio/socket.io-protocol.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { EngineClient } from './harness/engine_client.mjs';
import { Scene } from './harness/scene.mjs';
import { soon, until } from './harness/wait.mjs';

const INTERVAL = 300;
const TIMEOUT = 200;
const MAX_PAYLOAD = 1000000;

const scene = await Scene.open({ options: [`--ping-interval=${INTERVAL}ms`, `--ping-timeout=${TIMEOUT}ms`, `--max-payload=${MAX_PAYLOAD}`, '--connect-timeout=1s'] });
after(() => scene.close());

const { bridge } = scene;
const [ann] = await scene.people('Ann');
const auth = JSON.stringify({ token: scene.token(ann) });
const anonymous = new EngineClient(bridge);
const opened = [];
afterEach(() => { for (const socket of opened.splice(0)) socket.close(); });

await scene.database.query(`CREATE FUNCTION test_back(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT payload';
  SELECT herald.expose('message', 'test_back(text, jsonb)')`);

// Opens a WebSocket, which answers pings.
function openWebSocket(query, { answers = true } = {}) {
  const socket = anonymous.websocket(query);
  if (answers) socket.socket.on('message', (data) => { if (String(data) === '2') socket.socket.send('3'); });
  opened.push(socket);
  return socket;
}

const isHandshake = (text, upgrades) => {
  assert.equal(text[0], '0');
  const { sid, ...rest } = JSON.parse(text.slice(1));
  assert.equal(typeof sid, 'string');
  assert.deepEqual(rest, { upgrades, pingInterval: INTERVAL, pingTimeout: TIMEOUT, maxPayload: MAX_PAYLOAD });
};

const closes = async (socket) => assert.ok(await soon('the connection is closed', socket.closed) > 0);
const back = (id, data = '{}') => `43${id}[{"ok":true,"data":${data}}]`;

// Connects the main namespace, as the suite of Socket.IO does.
async function connectMain() {
  const socket = openWebSocket();
  await socket.say(`40${auth}`);
  await socket.hear((text) => text.startsWith('40{'));
  return socket;
}

const engine = {
  handshake: {
    'polling: successfully opens a session': async () => {
      const { status, body } = await anonymous.poll();
      assert.equal(status, 200);
      isHandshake(body, ['websocket']);
    },
    "polling: fails with an invalid 'EIO' query parameter": async () => {
      for (const EIO of [undefined, 'abc']) assert.equal((await anonymous.request('GET', { query: { EIO } })).status, 400);
    },
    "polling: fails with an invalid 'transport' query parameter": async () => {
      for (const transport of [undefined, 'abc']) assert.equal((await anonymous.request('GET', { query: { transport } })).status, 400);
    },
    'polling: fails with an invalid request method': async () => {
      for (const method of ['POST', 'PUT']) assert.equal((await anonymous.request(method)).status, 400);
    },
    'websocket: successfully opens a session': async () => isHandshake(await openWebSocket().hear((text) => text[0] === '0'), []),
    "websocket: fails with an invalid 'EIO' query parameter": async () => {
      for (const EIO of [undefined, 'abc']) await closes(openWebSocket({ EIO }));
    },
    "websocket: fails with an invalid 'transport' query parameter": async () => {
      for (const transport of [undefined, 'abc']) await closes(openWebSocket({ transport }));
    },
  },
  message: {
    'polling: sends and receives a payload containing one plain text packet': async () => {
      const client = await EngineClient.connect(bridge, scene.token(ann));
      await client.say('421["message",{"text":"hello"}]');
      await client.hear((text) => text === back(1, '{"text": "hello"}'));
    },
    'polling: sends and receives a payload containing several plain text packets': async () => {
      const client = await EngineClient.connect(bridge, scene.token(ann));
      await client.say(...[1, 2, 3].map((n) => `42${n}["ping"]`));
      await client.hear((text) => text === back(3));
      assert.deepEqual(client.heard.filter((text) => text.startsWith('43')), [1, 2, 3].map((n) => back(n)));
    },
    'polling: sends and receives a payload containing plain text and binary packets': async () => {
      const client = await EngineClient.connect(bridge, scene.token(ann));
      await client.say('451-1["message",{"bytes":{"_placeholder":true,"num":0}}]', 'bAQIDBA==');
      await client.hear((text) => text === back(1, '{"bytes": "AQIDBA=="}'));
    },
    'polling: closes the session upon invalid packet format': async () => {
      const client = await EngineClient.open(bridge);
      assert.equal((await client.post('abc')).status, 400);
      assert.equal((await client.poll()).status, 400);
    },
    'polling: closes the session upon duplicate poll requests': async () => {
      const client = await EngineClient.open(bridge);
      const [first, second] = await Promise.all([client.poll(), pause(5).then(() => client.request('GET', { query: { t: 'burst' } }))]);
      assert.deepEqual([first.status, first.body, second.status], [200, '1', 400]);
      assert.equal((await client.poll()).status, 400);
    },
    'websocket: sends and receives a plain text packet': async () => {
      const socket = await connectMain();
      await socket.say('421["message",{"text":"hello"}]');
      await socket.hear((text) => text === back(1, '{"text": "hello"}'));
    },
    'websocket: sends and receives a binary packet': async () => {
      const socket = await connectMain();
      await socket.say('451-1["message",{"bytes":{"_placeholder":true,"num":0}}]', Buffer.from([1, 2, 3, 4]));
      await socket.hear((text) => text === back(1, '{"bytes": "AQIDBA=="}'));
    },
    'websocket: closes the session upon invalid packet format': async () => {
      const socket = openWebSocket();
      await socket.say('abc');
      await closes(socket);
    },
  },
  heartbeat: {
    'polling: sends ping/pong packets': async () => {
      const client = await EngineClient.open(bridge);
      for (let n = 0; n < 3; n++) {
        const { status, body } = await client.poll();
        assert.deepEqual([status, body], [200, '2']);
        await client.say('3');
      }
    },
    'polling: closes the session upon ping timeout': async () => {
      const client = await EngineClient.open(bridge);
      await pause(INTERVAL + TIMEOUT);
      await client.ended();        // engineio.test.mjs measures how soon
    },
    'websocket: sends ping/pong packets': async () => {
      const socket = openWebSocket();
      await until('three pings come', () => socket.heard.filter((text) => text === '2').length === 3);
    },
    'websocket: closes the session upon ping timeout': async () => closes(openWebSocket({}, { answers: false })),
  },
  close: {
    'polling: forcefully closes the session': async () => {
      const client = await EngineClient.open(bridge);
      const [{ status, body }] = await Promise.all([client.poll(), client.post('1')]);
      assert.deepEqual([status, body], [200, '6']);
      assert.equal((await client.poll()).status, 400);
    },
    'websocket: forcefully closes the session': async () => {
      const socket = openWebSocket();
      await socket.say('1');
      await closes(socket);
    },
  },
  upgrade: {
    'successfully upgrades from HTTP long-polling to WebSocket': async () => {
      const client = await EngineClient.open(bridge);
      const socket = openWebSocket({ sid: client.sid });
      await socket.say('2probe');
      assert.equal(await socket.hear((text) => text.startsWith('3')), '3probe');
      const { status, body } = await client.poll();
      assert.deepEqual([status, body], [200, '6']);
      await socket.say('5', `40${auth}`);
      await socket.hear((text) => text.startsWith('40{'));
    },
    'ignores HTTP requests with same sid after upgrade': async () => {
      const client = await EngineClient.open(bridge);
      const socket = openWebSocket({ sid: client.sid });
      await socket.say('2probe', '5', `40${auth}`);
      await socket.hear((text) => text === '3probe');
      assert.equal((await client.poll()).status, 400);
      await socket.hear((text) => text.startsWith('40{'));
    },
    'ignores WebSocket connection with same sid after upgrade': async () => {
      const client = await EngineClient.open(bridge);
      const socket = openWebSocket({ sid: client.sid });
      await socket.say('2probe', '5');
      await socket.hear((text) => text === '3probe');
      await closes(openWebSocket({ sid: client.sid }));
      await socket.say(`40${auth}`);
      await socket.hear((text) => text.startsWith('40{'));
    },
  },
};

// Connects a namespace, whose answer begins with "start".
async function connects(packet, start) {
  const socket = openWebSocket();
  await socket.say(packet);
  const { sid } = JSON.parse((await socket.hear((text) => text.startsWith(start))).slice(start.length));
  assert.equal(typeof sid, 'string');
}

// Malformed packets end a connection that is connected.
const endsBy = (...packets) => async () => {
  const socket = await connectMain();
  await socket.say(...packets);
  await closes(socket);
};

const attachments = [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])];
const places = '{"a":{"_placeholder":true,"num":0},"b":{"_placeholder":true,"num":1}}';

const socketio = {
  connect: {
    // Without a token the bridge connects nobody, so a payload is always there.
    'should allow connection to the main namespace with a payload': () => connects(`40${auth}`, '40'),
    'should allow connection to a custom namespace with a payload': () => connects(`40/chat,${auth}`, '40/chat,'),
    'should answer a connection without a payload, to the main namespace and a custom one': async () => {
      for (const name of ['', '/chat,']) {
        const socket = openWebSocket();
        await socket.say(`40${name}`);
        assert.match(await socket.hear((text) => text.startsWith(`44${name}`)), /token_missing/);
      }
    },
    'should disallow connection to an unknown namespace': async () => {
      const socket = openWebSocket();
      await socket.say('40/random');
      assert.equal(await socket.hear((text) => text.startsWith('44')), '44/random,{"message":"Invalid namespace"}');
    },
    'should disallow connection with an invalid handshake': async () => {
      const socket = openWebSocket();
      await socket.say('4abc');
      await closes(socket);
    },
    'should close the connection if no handshake is received': async () => {
      const socket = openWebSocket();
      await socket.hear((text) => text[0] === '0');
      await closes(socket);
    },
  },
  disconnect: {
    'should disconnect from the main namespace': async () => {
      const socket = await connectMain();
      socket.heard.length = 0;
      await socket.say('41');
      await socket.hear((text) => text === '2');
      assert.ok(socket.heard.every((text) => text === '2' || text.startsWith('42["notification:')), socket.heard.join());
    },
    'should connect then disconnect from a custom namespace': async () => {
      const socket = await connectMain();
      await socket.say(`40/chat,${auth}`);
      await socket.hear((text) => text.startsWith('40/chat,'));
      await socket.say('41/chat,', '421["message",{"text":"to the main namespace"}]');
      await socket.hear((text) => text === back(1, '{"text": "to the main namespace"}'));
    },
  },
  message: {
    'should send a plain-text packet with an ack': async () => {
      const socket = await connectMain();
      await socket.say('42456["message",{"3":[false]}]');
      await socket.hear((text) => text === back(456, '{"3": [false]}'));
    },
    // Actions answer in JSON: bytes come back in base64.
    'should send a packet with binary attachments and an ack': async () => {
      const socket = await connectMain();
      await socket.say(`452-789["message",${places}]`, ...attachments);
      await socket.hear((text) => text === back(789, '{"a": "AQID", "b": "BAUG"}'));
    },
    'should send a packet, plain text or with binary attachments': async () => {
      const socket = await connectMain();
      await socket.say('42["message",{"3":[true]}]', `452-["message",${places}]`, ...attachments, '421["ping"]');
      await socket.hear((text) => text === back(1));
      assert.equal(socket.heard.filter((text) => text.startsWith('43')).length, 1, 'nothing answers a packet that wants no ack');
    },
    'should close the connection upon invalid format (unknown packet type)': endsBy('4abc'),
    'should close the connection upon invalid format (invalid payload format)': endsBy('42{}'),
    'should close the connection upon invalid format (invalid ack id)': endsBy('42abc["message-with-ack",1,"2",{"3":[false]}]'),
  },
};

for (const [suite, groups] of Object.entries({ 'Engine.IO': engine, 'Socket.IO': socketio })) {
  for (const [group, cases] of Object.entries(groups)) {
    for (const [name, check] of Object.entries(cases)) test(`${suite}: ${group}: ${name}`, check);
  }
}
