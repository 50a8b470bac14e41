// Old versions of socket.io-client are served like the newest. They fetch events that they missed by themselves.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { io as newest } from 'socket.io-client';
import version2 from 'socket.io-client-2';
import { io as version40 } from 'socket.io-client-4.0';
import { io as version45 } from 'socket.io-client-4.5';
import msgpack from 'socket.io-msgpack-parser';
import { Scene } from './harness/scene.mjs';
import { SocketIoClient } from './harness/socketio_client.mjs';
import { soon, until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database, bridge } = scene;
const versions = { '4.0': [version40, false], '4.5': [version45, false], newest: [newest, true] };
const choices = { 'default options': undefined, 'a WebSocket only': ['websocket'] };
const like = (user, post) => database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [user, post]);
const counts = (client) => client.all('notification:unread').map(({ data }) => data.count);

for (const [version, [library, recovers]] of Object.entries(versions)) {
  for (const [choice, transports] of Object.entries(choices)) {
    const title = `client ${version} with ${choice}`;

    test(`${title} receives events, and its actions are answered`, async () => {
      const [ann, ben] = await scene.people('Ann', 'Ben');
      const client = await scene.socketIo(ann, { library, transports });
      await until('it uses a WebSocket', () => client.socket.io.engine.transport.name === 'websocket');
      await like(ben, await scene.post(ann));
      assert.equal((await client.waitFor('notification:new')).actorId, ben);
      assert.equal((await client.ask('inbox:list')).data.notifications.length, 1);
      assert.equal((await client.ask('nonsense')).ok, false);
    });

    test(`${title} receives the reason when its token is refused`, async () => {
      await assert.rejects(SocketIoClient.connect(bridge, 'no token', { library, transports }),
        (error) => error instanceof Error && error.message !== '' && error.data.code === 'token_invalid');
    });

    test(`${title} reconnects to a restarted bridge: ${recovers ? 'recovered' : 'as new, with its rooms and unread count'}`, async () => {
      const [ann, ben] = await scene.people('Ann', 'Ben');
      const talk = await scene.conversation(ann, ben);
      const client = await scene.socketIo(ann, { library, transports });
      const before = await scene.message(talk, ben, 'Before');
      await scene.settle(client);
      await bridge.kill();
      const meanwhile = await scene.message(talk, ben, 'Meanwhile');
      await bridge.start();
      await until('the client has reconnected', () => client.connects.length === 2);
      const behind = await scene.message(talk, ben, 'Behind');
      await scene.settle(client);
      assert.deepEqual(client.connects.map(Boolean), [false, recovers]);
      assert.deepEqual(client.all('message:created').map(({ data }) => data.messageId), recovers ? [before, meanwhile, behind] : [before, behind]);
      assert.ok(counts(client).includes(2), 'the count at its return');
      assert.equal(counts(client).at(-1), 3);
      assert.equal((await client.ask('inbox:list')).data.notifications.length, 3);
    });
  }
}

for (const [choice, transports] of Object.entries({ ...choices, 'polling only': ['polling'] })) {
  test(`client 2 with ${choice} learns which client it needs, and does not reconnect`, async () => {
    const options = { forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 20, ...(transports && { transports }) };
    const client = version2(bridge.url, options);
    const attempts = [];
    client.io.on('reconnect_attempt', (number) => attempts.push(number));
    client.on('connect', () => attempts.push('connected'));
    const gone = new Promise((resolve) => client.on('disconnect', resolve));
    const refused = new Promise((resolve) => client.on('error', resolve));
    assert.equal(await soon('the client is refused', refused), 'this server speaks Engine.IO 4: use socket.io-client 3 or 4');
    assert.equal(await soon('the client is disconnected', gone), 'io server disconnect');
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(attempts, []);
    client.close();
  });
}

for (const [choice, transports] of Object.entries({ ...choices, 'polling only': ['polling'] })) {
  for (const namespace of ['/', '/chat']) {
    test(`a client with socket.io-msgpack-parser and ${choice} receives the reason in ${namespace}, and gives up`, async () => {
      const auth = { token: scene.token(1), note: '£nsp', big: 'x'.repeat(20000) };
      const client = new SocketIoClient(bridge, '', { parser: msgpack, transports, namespace, auth });
      const error = await soon('a connect_error', new Promise((resolve) => client.socket.once('connect_error', resolve)));
      assert.match(error.message, /msgpack/);
      assert.equal(error.data.code, 'encoding_unknown');
      assert.equal(client.socket.active, false, 'it does not try again');
      await until('its connection has ended', async () => await bridge.metric('herald_connections') === 0);
    });
  }
}
