// socket.io-client by long-polling, and by upgrade to a WebSocket: the same events and guarantees.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { release } from './harness/bridge.mjs';
import { Cutter } from './harness/cutter.mjs';
import { EngineClient } from './harness/engine_client.mjs';
import { Scene } from './harness/scene.mjs';
import { Traffic } from './harness/traffic.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database, bridge } = scene;
const [ann, ben] = await scene.people('Ann', 'Ben');
const conversation = await scene.conversation(ann, ben);
const transportOf = (client) => client.socket.io.engine.transport.name;
const messageIds = (client) => client.all('message:created').map(({ data }) => data.messageId);

const choices = {
  'default options': [{ transports: ['polling', 'websocket'] }, 'websocket'],
  'polling only': [{ transports: ['polling'] }, 'polling'],
  'upgrade: false': [{ transports: ['polling', 'websocket'], upgrade: false }, 'polling'],
  'a WebSocket only': [{ transports: ['websocket'] }, 'websocket'],
  'a WebSocket first': [{ transports: ['websocket', 'polling'] }, 'websocket'],
  rememberUpgrade: [{ transports: ['polling', 'websocket'], rememberUpgrade: true }, 'websocket'],
};

for (const [choice, [options, transport]] of Object.entries(choices)) {
  test(`serves and recovers a client with ${choice}`, async () => {
    const client = await scene.socketIo(ann, options);
    const ids = [await scene.message(conversation, ben, 'One')];
    assert.deepEqual(await client.ask('ping'), { ok: true, data: {} });
    await until(`the client uses ${transport}`, () => transportOf(client) === transport);
    ids.push(await scene.message(conversation, ben, 'Two'));
    assert.equal((await client.ask('inbox:list')).ok, true);
    await scene.settle(client);
    client.cut();
    ids.push(await scene.message(conversation, ben, 'Three'));
    await until('the client has reconnected', () => client.connects.length === 2);
    if (options.rememberUpgrade) assert.equal(transportOf(client), 'websocket');
    await scene.settle(client);
    assert.deepEqual(client.connects, [false, true]);
    assert.deepEqual(messageIds(client), ids);
  });
}

test('serves several namespaces in one polling session', async () => {
  const options = { transports: ['polling'], forceNew: false, multiplex: true };
  const clients = await Promise.all(['/notifications', '/chat'].map((namespace) => scene.socketIo(ann, { namespace, ...options })));
  await until('only their connection is left', async () => await bridge.metric('herald_connections') === 1);
  await scene.message(conversation, ben, 'Hello');
  await clients[0].waitFor('notification:new', ({ content }) => content === 'Hello');
  await clients[1].waitFor('message:created', ({ content }) => content === 'Hello');
});

test('takes the token of the Authorization header when the CONNECT has none', async () => {
  const extraHeaders = { authorization: `Bearer ${scene.token(ann)}` };
  for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
    const client = await scene.socketIo(ben, { transports, extraHeaders, auth: {} });
    assert.equal((await client.ask('inbox:list')).ok, true);
    await scene.message(conversation, ben, 'For Ann');
    await client.waitFor('notification:new', ({ userId }) => userId === ann);
    client.close();
  }
});

test('refuses a bad token by polling', async () => {
  await assert.rejects(scene.socketIo(ann, { transports: ['polling'], auth: { token: 'x' } }),
    (error) => error.data.code === 'token_invalid');
});

test('keeps every event once and in order during the upgrade to a WebSocket', async () => {
  const traffic = new Traffic(scene, conversation, ben);
  for (let round = 0; round < 10; round++) {
    const client = await scene.socketIo(ann, { transports: ['polling', 'websocket'] });
    await client.waitFor('message:created');
    await until('the client uses a WebSocket', () => transportOf(client) === 'websocket');
    await traffic.flows(20);
    await scene.settle(client);
    const got = messageIds(client);
    const sent = await database.query('SELECT id FROM messages WHERE conversation_id = $1 AND id BETWEEN $2 AND $3 ORDER BY id',
      [conversation, got[0], got.at(-1)]);
    assert.deepEqual(got, sent.map(({ id }) => id));
    assert.deepEqual(client.connects, [false]);
    client.close();
  }
  await traffic.stop();
});

test('keeps every event once and in order when the network breaks within answers', async () => {
  const network = await Cutter.open(bridge);
  const client = await scene.socketIo(ann, { bridge: network, transports: ['polling'] });
  const talk = await scene.conversation(ann, ben);
  const traffic = new Traffic(scene, talk, ben);
  await client.waitFor('message:created', ({ conversationId }) => conversationId === talk);
  for (let round = 1; round <= 8; round++) {
    network.allowance = 150 + 77 * round;    // breaks in the headers or in the packets
    await until('a connection is cut', () => network.cuts >= round);
    network.allowance = Infinity;
    await until('the client has reconnected', () => client.connects.length > round);
    network.cuts = round;
  }
  await traffic.flows(20);
  const sent = await traffic.stop();
  await scene.settle(client);
  assert.deepEqual(client.all('message:created').filter(({ data }) => data.conversationId === talk).map(({ data }) => data.messageId), sent);
  assert.ok(client.connects.slice(1).every(Boolean));
  network.close();
});

test('recovers a polling client after the bridge was killed and after it was stopped', async () => {
  const talk = await scene.conversation(ann, ben);
  const client = await scene.socketIo(ann, { transports: ['polling'] });
  const traffic = new Traffic(scene, talk, ben);
  for (const signal of ['SIGKILL', 'SIGTERM']) {
    await traffic.flows(50);
    const outcome = await bridge.end(signal);
    if (signal === 'SIGTERM') assert.deepEqual(outcome, { code: 0, signal: null });
    await traffic.flows(50);
    const { length } = client.connects;
    await bridge.start();
    await until('the client has reconnected', () => client.connects.length > length);
  }
  await traffic.flows(50);
  const sent = await traffic.stop();
  await scene.settle(client);
  assert.deepEqual(messageIds(client), sent);
  assert.deepEqual(client.connects, [false, true, true]);
});

test('sends queued packets of a stopped bridge in an answer before the close', async () => {
  const other = await scene.addBridge();
  const client = await EngineClient.connect(other, scene.token(ann));
  await scene.settle(await scene.plain(ann, { bridge: other }));
  const ended = other.end('SIGTERM');
  await until('the bridge drains', () => other.log.includes('draining'));
  assert.match((await client.poll()).body, /^42\["test:mark",[^\x1e]*$/);
  assert.equal((await client.poll()).body, '1');
  assert.equal((await ended).code, 0);
});

test('answers waiting polls when it stops, and does not wait for further polls', async () => {
  const other = await scene.addBridge();
  const waiting = await EngineClient.connect(other, scene.token(ann));
  await EngineClient.connect(other, scene.token(ann));
  const closed = waiting.hear((text) => text === '1');
  const before = Date.now();
  const ended = other.end('SIGTERM');
  await closed;
  assert.deepEqual(await ended, { code: 0, signal: null });
  assert.ok(Date.now() - before < 8000);
});

test('queues events between two polls up to the limit, and reads the rest from the log', async () => {
  const narrow = await scene.addBridge(['--queue-limit=20kB']);
  const client = await EngineClient.connect(narrow, scene.token(ann));
  const other = await scene.conversation(ann, ben);
  const first = await scene.message(other, ben, 'First');
  await client.hear((text) => text.includes('"message:created"') && text.includes(`"${first}"`));
  await database.query('INSERT INTO messages (conversation_id, sender_id, content) SELECT $1, $2, repeat($3, 400) FROM generate_series(1, 200)',
    [other, ben, 'x']);
  await until('the client has fallen behind', async () => await narrow.metric('herald_fallen_behind_total') === 1);
  assert.ok(await narrow.metric('herald_waiting_bytes') < 40000);
  const messages = () => client.heard.filter((text) => text.includes('xxxx') && text.includes('"message:created"'));
  await client.hear(() => messages().length === 200);
  assert.equal(await narrow.metric('herald_slow_closed_total'), 0);
});

test('delivers ten thousand events in answers of bounded size', async () => {
  const wide = await scene.addBridge(['--queue-limit=20MB']);
  const talk = await scene.conversation(ann, ben);
  const client = await scene.socketIo(ann, { bridge: wide, transports: ['polling'] });
  await database.query('SELECT herald.set_preference($1, $2, $3)', [ann, 'message', []]);
  await database.query(`INSERT INTO messages (conversation_id, sender_id, content)
                        SELECT $1, $2, 'Message ' || n FROM generate_series(1, 10000) AS n`, [talk, ben]);
  await scene.settle(client);
  assert.equal(messageIds(client).length, 10000);
  assert.deepEqual(client.connects, [false]);
});

// Two crowds, so that the memory of an empty bridge does not count. The bridge without sanitizers: they keep freed memory.
test('keeps less than 8 KiB for a session that polls', async () => {
  const plain = await scene.addBridge(['--ping-interval=10min'], undefined, release);
  const token = scene.token(ann);
  const polls = [];
  const crowd = async (size) => {
    while (polls.length < size) {
      const clients = await Promise.all(Array.from({ length: 50 }, () => EngineClient.connect(plain, token)));
      polls.push(...clients.map((client) => client.poll().catch(() => {})));
    }
    await until('all polls wait', async () => await plain.metric('herald_connections') === size);
    return plain.memory;
  };
  const small = await crowd(300);
  const each = (await crowd(1300) - small) / 1000;
  assert.ok(each < 8 * 1024, `${each} bytes a session`);
  assert.deepEqual(await plain.stop(), { code: 0, signal: null });
  await Promise.all(polls);
});
