// Clients acknowledge events: the acknowledgement calls an action of the application, once per session and event.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { EngineClient } from './harness/engine_client.mjs';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open({ options: ['--log-level=debug'] });
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;

await database.query(`
  CREATE TABLE receipts (id bigint GENERATED ALWAYS AS IDENTITY, user_id text, event text, event_id bigint, data jsonb, CHECK (data <> '["no"]'));
  CREATE FUNCTION api.receipt(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql SECURITY DEFINER AS $$
    INSERT INTO public.receipts (user_id, event, event_id, data) VALUES ($1, payload ->> 'event', (payload ->> 'id')::bigint, payload -> 'data');
    SELECT '{}'::jsonb $$;
  SELECT herald.expose('receipt', 'api.receipt(text, jsonb)')`);

// Publishes an event to a user that asks for an acknowledgement. Returns the event's id.
const ask = (user, event = 'parcel:sent', payload = { weight: 7 }) =>
  database.value("SELECT herald.publish($1, $2, $3, ack => 'receipt')", [`user:${user}`, event, payload]);
// Only pg_herald publishes notification:...
const askOwn = (user, event) => database.value(
  "SELECT herald_internal.append_event(ARRAY[$1], $2, '{}', NULL, NULL, NULL, 'receipt')", [`user:${user}`, event]);

// Waits for this many acknowledgements of an event, and returns [user, event, data] of each.
async function receipts(id, count = 1) {
  const found = () => database.query('SELECT user_id, event, data FROM receipts WHERE event_id = $1 ORDER BY receipts.id', [id]);
  await until(`${count} receipts of event ${id}`, async () => (await found()).length >= count);
  return (await found()).map(({ user_id: user, event, data }) => [user, event, data]);
}

// Waits until everything that a client sent before is done: the answer comes after it on the same database connection.
const drained = (client) => client.ask('feed:list');

const ackOf = (packet) => /^42(?:\/\w+,)?(\d+)\[/.exec(packet)?.[1];

test('socket.io: passes the arguments of an acknowledgement to the action', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.socketIo(ann);
  const heard = [];
  client.socket.on('parcel:sent', (...data) => { heard.push(data); data.at(-1)('kept', 2, { at: [1, null] }); });
  const id = await ask(ann);
  assert.deepEqual(await receipts(id), [[ann, 'parcel:sent', ['kept', 2, { at: [1, null] }]]]);
  assert.deepEqual([heard.length, heard[0][0], typeof heard[0][1]], [1, { weight: 7 }, 'string']);
});

test('socket.io: accepts empty and binary acknowledgements', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.socketIo(ann);
  const words = [[], [Buffer.from('sealed'), { photo: Buffer.from([0, 255]) }, 'text']];
  client.socket.on('parcel:sent', (...data) => data.at(-1)(...words.shift()));
  assert.deepEqual(await receipts(await ask(ann)), [[ann, 'parcel:sent', []]]);
  const [[, , data]] = await receipts(await ask(ann));
  assert.deepEqual(data, [Buffer.from('sealed').toString('base64'), { photo: Buffer.from([0, 255]).toString('base64') }, 'text']);
});

test('socket.io: takes an acknowledgement of each session: tabs, namespaces and users, also by polling', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const clients = [await scene.socketIo(ann), await scene.socketIo(ann, { namespace: '/chat', transports: ['polling'] }), await scene.socketIo(ben, { namespace: '/chat' })];
  for (const [n, { socket }] of clients.entries()) socket.on('message:sealed', (...data) => data.at(-1)(n));
  const id = await database.value("SELECT herald.publish($1, 'message:sealed', '{}', 'receipt')", [`conversation:${conversation}`]);
  const all = (await receipts(id, 3)).map(([user, , [n]]) => [n, user]).sort();
  assert.deepEqual(all, [[0, ann], [1, ann], [2, ben]]);
});

test('separates the acknowledgements of two namespaces of one connection', async () => {
  const [ann] = await scene.people('Ann');
  const socket = new EngineClient(scene.bridge).websocket();
  for (const name of ['', '/notifications,']) {
    await socket.say(`40${name}${JSON.stringify({ token: scene.token(ann) })}`);
    await socket.hear((text) => text.startsWith(`40${name}{"sid"`));
  }
  const id = await askOwn(ann, 'notification:sealed');
  const ack = ackOf(await socket.hear((text) => text.includes('notification:sealed') && text.startsWith('42/')));
  await socket.hear((text) => text.includes('notification:sealed') && text.startsWith(`42${ack}[`));
  await socket.say(`43/notifications,${ack}["there"]`, `43/notifications,${ack}["there again"]`, `43${ack}["here"]`);
  assert.deepEqual((await receipts(id, 2)).map(([, , data]) => data).sort(), [['here'], ['there']]);
  socket.close();
});

test('ignores acknowledgements that are unasked, repeated or malformed', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const socket = new EngineClient(scene.bridge).websocket();
  await socket.say(`40${JSON.stringify({ token: scene.token(ann) })}`);
  await socket.hear((text) => text.startsWith('40{"sid"'));
  const other = await ask(ben);
  const id = await ask(ann);
  const packet = await socket.hear((text) => text.includes('parcel:sent'));
  const ack = ackOf(packet);
  assert.equal(Number(ack), Number(id) % 2 ** 31);
  const plain = await database.value("SELECT herald.publish($1, 'plain', '{}')", [`user:${ann}`]);
  assert.equal(ackOf(await socket.hear((text) => text.includes('"plain"'))), undefined);
  for (const wrong of [other, plain, 0, 99999999, '99999999999999999999999999', ''])
    await socket.say(`43${wrong}["no"]`);
  await socket.say(`43${ack}`, `43${ack}["again"]`, `461-${ack}["late",{"_placeholder":true,"num":0}]`);
  socket.socket.send(Buffer.from('x'));
  await socket.say('427["feed:list"]');
  await socket.hear((text) => text.startsWith('437['));
  assert.deepEqual(await database.query('SELECT event_id, data FROM receipts WHERE user_id = $1', [ann]), [{ event_id: id, data: [] }]);
  const ignored = () => scene.bridge.log.split(`event=ack_ignored user=${ann}`).length - 1;
  await until('all are logged', () => ignored() >= 8);
  assert.equal(ignored(), 8);
  socket.close();
});

test('watch_messages(ack): each member acknowledges a message', async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  const conversation = await scene.conversation(ann, ben, cat);
  await database.query("SELECT herald.watch_messages('messages', ack => 'receipt')");
  const [hers, his] = [await scene.socketIo(ann), await scene.socketIo(ben)];
  for (const { socket } of [hers, his]) socket.on('message:created', ({ messageId }, _position, acknowledge) => acknowledge('delivered', messageId));
  const { data: { messageId } } = await hers.ask('message:send', { conversationId: conversation, content: 'Is there anybody?' });
  const id = await database.value("SELECT id FROM herald.event WHERE name = 'message:created' AND payload ->> 'messageId' = $1", [messageId]);
  assert.deepEqual((await receipts(id, 2)).sort(), [ann, ben].map((user) => [user, 'message:created', ['delivered', messageId]]));
  await database.query("SELECT herald.watch_messages('messages')");
});

test('ignores an acknowledgement that arrives after the end of its session', async () => {
  const [ann] = await scene.people('Ann');
  const socket = new EngineClient(scene.bridge).websocket();
  for (const name of ['', '/notifications,']) {
    await socket.say(`40${name}${JSON.stringify({ token: scene.token(ann) })}`);
    await socket.hear((text) => text.startsWith(`40${name}{"sid"`));
  }
  const id = await askOwn(ann, 'notification:sealed');
  const ack = ackOf(await socket.hear((text) => text.includes('notification:sealed') && text.startsWith('42/')));
  await socket.say('41/notifications,', `43/notifications,${ack}["late"]`, `461-/notifications,${ack}[{"_placeholder":true,"num":0}]`);
  socket.socket.send(Buffer.from('x'));
  await socket.say('427["feed:list"]');
  await socket.hear((text) => text.startsWith('437['));
  assert.deepEqual(await database.query('SELECT FROM receipts WHERE event_id = $1', [id]), []);
  socket.close();
});

test('plain: an event carries the number of its acknowledgement; for EventSource it does not', async () => {
  const [ann] = await scene.people('Ann');
  const [client, source] = [await scene.plain(ann), await scene.eventSource(ann)];
  const frames = [];
  client.socket.on('message', (text) => frames.push(JSON.parse(text)));
  for (const [sent, kept] of [[{ data: ['a', 1] }, ['a', 1]], [{ data: { x: 1 } }, [{ x: 1 }]], [{}, []]]) {
    const id = await ask(ann);
    const { ack } = await until('the event arrives', () => frames.find((frame) => frame.id === id));
    client.send({ ack, ...sent });
    client.send({ ack, data: 'again' });
    client.send({ ack: ack + 1000 });
    await drained(client);
    assert.deepEqual(await receipts(id), [[ann, 'parcel:sent', kept]]);
  }
  await scene.settle(client, source);
  assert.ok(!('ack' in frames.find((frame) => frame.event === 'test:mark')));
  assert.ok(source.all('parcel:sent').every(({ frame }) => !('ack' in frame)));
});

test('delivers an event with ack once to a client that reconnects, also after an acknowledged one', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.socketIo(ann);
  const heard = [];
  client.socket.on('parcel:sent', ({ weight }, _position, acknowledge) => { heard.push(weight); acknowledge(weight); });
  const first = await ask(ann, 'parcel:sent', { weight: 1 });
  await receipts(first);
  await client.waitFor('herald:position');
  client.cut();
  const second = await ask(ann, 'parcel:sent', { weight: 2 });
  assert.deepEqual(await receipts(second), [[ann, 'parcel:sent', [2]]]);
  await until('the client has its new position', () => client.all('herald:position').length === 2);
  client.cut();
  await until('the client has reconnected', () => client.connects.length === 3);
  await scene.settle(client);
  assert.deepEqual(client.connects, [false, true, true]);
  assert.deepEqual(heard, [1, 2]);
  assert.deepEqual(await receipts(first), [[ann, 'parcel:sent', [1]]]);
});

test('asks for acknowledgements of events that were published while the bridge was down', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.socketIo(ann);
  client.socket.on('parcel:sent', (...data) => data.at(-1)('late'));
  await scene.settle(client);
  await scene.bridge.stop();
  const id = await ask(ann);
  await scene.bridge.start();
  assert.deepEqual(await receipts(id), [[ann, 'parcel:sent', ['late']]]);
  assert.deepEqual(client.connects, [false, true]);
});

test('logs a failed acknowledgement action, and the session goes on', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.socketIo(ann);
  client.socket.on('parcel:sent', (...data) => data.at(-1)('no'));
  const id = await ask(ann);
  await until('the failure is in the log', () => scene.bridge.log.includes(`event=ack_failed action=receipt user=${ann}`));
  assert.deepEqual(await database.query('SELECT FROM receipts WHERE event_id = $1', [id]), []);
  assert.equal((await client.ask('ping')).ok, true);
});
