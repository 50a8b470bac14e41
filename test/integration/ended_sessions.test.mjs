// The application ends sessions: herald.disconnect() and herald.revoke_tokens() take effect on all bridges, for all protocols.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { EventSourceClient } from './harness/event_source_client.mjs';
import { PlainClient } from './harness/plain_client.mjs';
import { Scene } from './harness/scene.mjs';
import { SocketIoClient } from './harness/socketio_client.mjs';
import { soon, until } from './harness/wait.mjs';

const scene = await Scene.open();
const second = await scene.addBridge();
await scene.database.query('CREATE ROLE backend IN ROLE herald_publish');
after(() => scene.close());
afterEach(() => scene.closeClients());

const sql = (text, values) => scene.database.value(text, values);
const earlier = () => Math.floor(Date.now() / 1000) - 60;

// Clients of a user by all three protocols, on both bridges, with tokens of this time.
async function everywhere(user, iat = earlier()) {
  const token = scene.token(user, { claims: { iat } });
  const clients = await Promise.all([scene.bridge, second].flatMap((bridge) => [SocketIoClient, PlainClient, EventSourceClient]
    .map((Kind) => Kind.connect(bridge, token))));
  for (const client of clients) {
    if (client.socket?.io) client.ended = new Promise((resolve) => { client.socket.on('disconnect', resolve); });
  }
  return clients;
}

// Checks that all of them are told the code and the message, and that their connections end as their protocol says.
async function checkEnded(clients, { code, message, close, reason }) {
  for (const client of clients) {
    await client.waitFor('error', (data) => data.code === code && data.message === message);
    if (client.ended) assert.equal(await soon('disconnect', client.ended), 'io server disconnect');
    else if (client.socket) assert.deepEqual(await soon('close', client.closed), { code: close, reason });
    else await soon('the stream ends', client.closed);
  }
}

const checkDisconnected = (clients, message = 'the application has ended the session') =>
  checkEnded(clients, { code: 'disconnected', message, close: 4403, reason: message });
const checkRevoked = (clients) =>
  checkEnded(clients, { code: 'token_revoked', message: 'the token has been revoked', close: 4401, reason: 'token_revoked' });

async function checkRefused(bridge, token) {
  for (const Kind of [SocketIoClient, PlainClient, EventSourceClient]) {
    const error = await Kind.connect(bridge, token).then(() => assert.fail('connected'), (failure) => failure);
    assert.match(error.message, /revoked/);
    assert.equal(error.data?.code ?? error.code, 'token_revoked');
    if (Kind === EventSourceClient) assert.equal(error.status, 401);
  }
}

test('disconnect() ends all sessions of a user at the commit, with the reason, and nobody else', async () => {
  const [ann, bob] = await scene.people('Ann', 'Bob');
  const clients = await everywhere(ann);
  const others = [await scene.plain(bob), await scene.socketIo(bob)];
  const session = await scene.database.connect();
  await session.query('BEGIN');
  await session.query('SET LOCAL ROLE backend');
  await session.query("SELECT herald.disconnect($1, 'banned: \"spam\" \\ é')", [ann]);
  await scene.settle(...clients, ...others);
  await session.query('COMMIT');
  const committed = Date.now();
  await checkDisconnected(clients, 'banned: "spam" \\ é');
  assert.ok(Date.now() - committed < 1000, `${Date.now() - committed} ms`);
  await session.end();
  await scene.settle(...others);
  assert.ok(clients[2].retries.at(-1) > 86400000, 'a browser does not come back by itself');
  for (const client of others) assert.equal(client.all('error').length, 0);
  for (const again of await everywhere(ann)) again.close();
});

test('a rollback ends nothing', async () => {
  const [cleo] = await scene.people('Cleo');
  const clients = await everywhere(cleo);
  const session = await scene.database.connect();
  await session.query('BEGIN');
  await session.query('SELECT herald.disconnect($1), herald.revoke_tokens($1)', [cleo]);
  await session.query('ROLLBACK');
  await session.end();
  await scene.settle(...clients);
  for (const client of clients) assert.equal(client.all('error').length, 0);
  for (const client of clients) client.close();
});

test('ends the sessions of a user whose id has odd characters', async () => {
  const odd = 'tenant 1/ü\'"\\:*{},%s\n\u{1f600}';
  const clients = await everywhere(odd);
  await sql('SELECT herald.disconnect($1)', [odd]);
  await checkDisconnected(clients);
});

test('revoke_tokens() ends the sessions with earlier tokens, and refuses these tokens on all bridges', async () => {
  const [dan, eve] = await scene.people('Dan', 'Eve');
  const clients = await everywhere(dan);
  const other = await scene.plain(eve);
  const started = Date.now();
  const bound = await sql('SELECT extract(epoch FROM herald.revoke_tokens($1))::int', [dan]);
  await checkRevoked(clients);
  assert.ok(Date.now() - started < 1000, `${Date.now() - started} ms`);
  const late = await scene.addBridge();
  for (const bridge of [scene.bridge, second, late]) {
    await checkRefused(bridge, scene.token(dan, { claims: { iat: earlier() } }));
    await checkRefused(bridge, scene.token(dan, { claims: { iat: undefined } }));
    await checkRefused(bridge, scene.token(dan, { claims: { iat: bound - 1 } }));
  }
  const fresh = await everywhere(dan, bound);
  await scene.settle(other, ...fresh);
  assert.equal(other.all('error').length, 0);
  await sql('SELECT herald.recheck($1)', [dan]);
  await scene.settle(...fresh);
  for (const client of fresh) assert.equal(client.all('error').length, 0);
  for (const client of fresh) client.close();
});

test('a client with a fresh token recovers its session after its old one was revoked', async () => {
  const [fay] = await scene.people('Fay');
  const before = await PlainClient.connect(scene.bridge, scene.token(fay, { claims: { iat: earlier() } }));
  await scene.settle(before);
  const bound = await sql('SELECT extract(epoch FROM herald.revoke_tokens($1))::int', [fay]);
  await sql("SELECT herald.publish('user:' || $1, 'order:shipped', '{}')", [fay]);
  await checkRevoked([before]);
  assert.equal(before.all('order:shipped').length, 0, 'no event of after the revocation');
  const again = await PlainClient.connect(second, scene.token(fay, { claims: { iat: bound } }),
    { sessionId: before.sessionId, position: before.position });
  await again.waitFor('order:shipped');
  assert.equal(again.welcomes[0].recovered, true);
  again.close();
});

test('refuses to renew a session by a revoked token', async () => {
  const [gus] = await scene.people('Gus');
  const bound = await sql('SELECT extract(epoch FROM herald.revoke_tokens($1))::int', [gus]);
  const client = await PlainClient.connect(scene.bridge, scene.token(gus, { claims: { iat: bound } }));
  assert.equal((await client.ask('auth', { token: scene.token(gus, { claims: { iat: bound } }) })).ok, true);
  await scene.settle(client);
  client.send({ action: 'auth', data: { token: scene.token(gus, { claims: { iat: bound - 1 } }) } });
  await checkRevoked([client]);
});

test('a bridge that was away ends the sessions as soon as it is back', async () => {
  const [hal, ida] = await scene.people('Hal', 'Ida');
  const [kicked, revoked] = await Promise.all([everywhere(hal), everywhere(ida)]);
  const away = [scene.bridge, second];
  for (const bridge of away) process.kill(bridge.pid, 'SIGSTOP');
  await sql('SELECT herald.disconnect($1)', [hal]);
  await sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'bridge'");
  await sql('SELECT herald.revoke_tokens($1)', [ida]);
  for (const bridge of away) process.kill(bridge.pid, 'SIGCONT');
  await checkDisconnected(kicked);
  await checkRevoked(revoked);
});

test('ends sessions that connect while their user is disconnected and revoked', async () => {
  const [joe] = await scene.people('Joe');
  const token = scene.token(joe, { claims: { iat: earlier() } });
  let run = true;
  let welcomed = 0;
  const hopper = async (bridge) => {
    const held = [];
    while (run) {
      const client = await PlainClient.connect(bridge, token).catch((error) => error);
      if (client instanceof Error) assert.equal(client.code, 'token_revoked');
      else held.push(client);
      welcomed = held.length;
    }
    return held;
  };
  const hoppers = [scene.bridge, second, scene.bridge].map(hopper);
  await until('sessions have begun', () => welcomed > 5);
  await sql('SELECT herald.revoke_tokens($1)', [joe]);
  run = false;
  await checkRevoked((await Promise.all(hoppers)).flat());
});
