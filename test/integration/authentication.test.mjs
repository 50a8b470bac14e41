// No session without a valid token. The bridge tells refused clients the reason.

import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, afterEach, test } from 'node:test';
import WebSocket from 'ws';
import { EventSourceClient } from './harness/event_source_client.mjs';
import { PlainClient } from './harness/plain_client.mjs';
import { Scene } from './harness/scene.mjs';
import { SocketIoClient } from './harness/socketio_client.mjs';
import { sign, signByKey } from './harness/token.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const [ann] = await scene.people('Ann');
const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(`{"sub":"${ann}"}`).toString('base64url')}.`;
const otherAlgorithm = () => {
  const content = `${Buffer.from('{"alg":"HS512"}').toString('base64url')}.${Buffer.from(`{"sub":"${ann}","exp":4102444800}`).toString('base64url')}`;
  return `${content}.${createHmac('sha512', scene.secret).update(content).digest('base64url')}`;
};

const bad = {
  'no token': [undefined, /token/i],
  'an empty token': ['', /token/i],
  'a malformed token': ['not a token', /token/i],
  'a token signed with another secret': [sign('another secret, also long enough to be one', ann), /token|signature/i],
  'an expired token': [scene.token(ann, { seconds: -5 }), /expired/i],
  'a token that is not valid yet': [scene.token(ann, { claims: { nbf: Math.floor(Date.now() / 1000) + 600 } }), /not valid|not yet|token/i],
  'a token without an expiry': [scene.token(ann, { claims: { exp: undefined } }), /exp/i],
  'a token from the future': [scene.token(ann, { claims: { iat: Math.floor(Date.now() / 1000) + 600 } }), /not valid/i],
  'a token with an unknown critical header': [scene.token(ann, { header: { crit: ['exp'] } }), /malformed/i],
  'a token without a user': [scene.token(ann, { claims: { sub: undefined } }), /sub|user|token/i],
  'an unsigned token (alg none)': [unsigned, /token|algorithm|signature/i],
  'a token of another algorithm than configured': [otherAlgorithm(), /token|algorithm|signature/i],
};

for (const [name, [token, reason]] of Object.entries(bad)) {
  test(`refuses ${name} with a reason`, async () => {
    const [byNamespace, byFrame] = await Promise.all([
      SocketIoClient.connect(scene.bridge, token).then(() => assert.fail('connected'), (error) => error),
      PlainClient.connect(scene.bridge, token ?? null).then(() => assert.fail('connected'), (error) => error),
    ]);
    assert.match(byNamespace.message, reason);
    assert.ok(byNamespace.data?.code, 'connect_error carries a code');
    assert.match(byFrame.message, reason);
    assert.ok(byFrame.code, 'the error frame carries a code');
    assert.equal(byFrame.code, byNamespace.data.code);
  });
}

const later = () => Math.floor(Date.now() / 1000) + 600;

const pem = { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } };

// A key of an issuer: its private part, and the JSON Web Key that the issuer publishes. By way of PEM: Node.js 20 can wait for
// itself in export() of a generated key, if that collects the garbage of the generation.
const issue = (kid, algorithm, type, parameters) => {
  const { privateKey, publicKey } = generateKeyPairSync(type, { ...parameters, ...pem });
  const json = { ...createPublicKey(publicKey).export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' };
  return { privateKey: createPrivateKey(privateKey), algorithm, kid, json };
};

const writeKeys = (file, ...keys) => {
  writeFileSync(`${file}.new`, JSON.stringify({ keys: keys.map(({ json }) => json) }));
  renameSync(`${file}.new`, file);
};

test('verifies tokens by the keys of a JWKS file, and follows their rotation', async () => {
  const file = path.join(scene.bridge.directory, 'keys.json');
  const old = [issue('rs', 'RS256', 'rsa', { modulusLength: 2048 }), issue('ps', 'PS384', 'rsa', { modulusLength: 2048 }),
    issue('es', 'ES256', 'ec', { namedCurve: 'P-256' }), issue('ed', 'EdDSA', 'ed25519')];
  const fresh = issue('es2', 'ES256', 'ec', { namedCurve: 'P-256' });
  writeKeys(file, ...old);
  const bridge = await scene.addBridge([`--jwt-key-file=${file}`]);
  const connects = (key, kid = key.kid) => PlainClient.connect(bridge, signByKey(key.privateKey, key.algorithm, { sub: ann, exp: later() }, { kid }))
    .then((client) => client.close());
  for (const key of old) {
    await connects(key);
    await connects(key, undefined);
    await assert.rejects(connects(key, 'other'), /key/);
  }
  await assert.rejects(connects(fresh), /key/);
  writeKeys(file, ...old.slice(1), fresh);
  await until('the bridge has read the keys', () => bridge.log.includes('event=keys_read'));
  await connects(fresh);
  await connects(old[1]);
  await assert.rejects(connects(old[0]), /algorithm/);
  writeFileSync(file, '{"keys": [');
  await until('the bridge has noticed', () => bridge.log.includes('event=keys_not_read'));
  await connects(fresh);
  await assert.rejects(PlainClient.connect(bridge, sign(createPublicKey({ key: fresh.json, format: 'jwk' }).export({ type: 'spki', format: 'pem' }), ann)));
});

test('verifies tokens by several files of keys, with names', async () => {
  const file = (name) => path.join(scene.bridge.directory, name);
  const key = issue('one', 'RS256', 'rsa', { modulusLength: 2048 });
  writeFileSync(file('one.pem'), createPublicKey({ key: key.json, format: 'jwk' }).export({ type: 'spki', format: 'pem' }));
  writeFileSync(file('two'), 'a second secret, and long enough', { mode: 0o600 });
  const bridge = await scene.addBridge([`--jwt-key-file=one=${file('one.pem')}`, `--jwt-secret-file=two=${file('two')}`]);
  const connects = (token) => PlainClient.connect(bridge, token).then((client) => client.close());
  const claims = { sub: ann, exp: later() };
  await connects(scene.token(ann));
  await connects(sign('a second secret, and long enough', ann, { header: { kid: 'two' } }));
  await connects(signByKey(key.privateKey, 'RS256', claims, { kid: 'one' }));
  await assert.rejects(connects(sign('a second secret, and long enough', ann, { header: { kid: 'one' } })), /signature/);
  await assert.rejects(connects(signByKey(key.privateKey, 'RS256', claims, { kid: 'two' })), /key/);
  await assert.rejects(connects(signByKey(key.privateKey, 'PS256', claims, { kid: 'one' })), /algorithm/);
});

test('refuses a socket.io-client in a way that it does not retry', async () => {
  const client = new SocketIoClient(scene.bridge, 'not a token');
  await new Promise((resolve) => client.socket.once('connect_error', resolve));
  assert.equal(client.socket.active, false);
  client.close();
});

test('accepts the token of a plain client in a bearer header, the URL or its first frame', async () => {
  const token = scene.token(ann);
  for (const options of [{ headers: { authorization: `Bearer ${token}` } }, { query: `?token=${token}` }]) {
    const client = await PlainClient.connect(scene.bridge, undefined, options);
    assert.equal(client.welcomes[0].userId, ann);
    client.close();
  }
  assert.equal((await scene.plain(ann)).welcomes[0].userId, ann);
});

test('answers requests that were sent before the welcome after it', async () => {
  const token = scene.token(ann);
  const client = new WebSocket(`ws://127.0.0.1:${scene.bridge.port}/ws`);
  const frames = [];
  client.on('message', (text) => frames.push(JSON.parse(text)));
  client.on('open', () => {
    client.send(JSON.stringify({ action: 'auth', data: { token } }));
    for (const [id, action] of [[1, 'ping'], [2, 'inbox:list'], [3, 'ping']]) client.send(JSON.stringify({ id, action }));
  });
  await until('all are answered', () => frames.filter(({ ok }) => ok).length === 3);
  assert.equal(frames[0].event, 'welcome');
  client.terminate();
});

test('refuses an unknown namespace', async () => {
  await assert.rejects(SocketIoClient.connect(scene.bridge, scene.token(ann), { namespace: '/nowhere' }), /Invalid namespace/);
});

test('takes the user from the token, not from the payload', async () => {
  const [ben] = await scene.people('Ben');
  const client = await scene.plain(ann);
  await scene.database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ann, ben]);
  const { data } = await client.ask('inbox:list', { userId: ben, user_id: ben, sub: ben });
  assert.deepEqual(data.notifications, []);
});

test('refuses a foreign Origin in both protocols, and accepts an allowed one', async () => {
  const bridge = await scene.addBridge(['--allow-origin=https://app.example']);
  const token = scene.token(ann);
  const foreign = { headers: { origin: 'https://evil.example' } };
  const allowed = { headers: { origin: 'https://app.example' } };
  await assert.rejects(PlainClient.connect(bridge, token, foreign));
  await assert.rejects(SocketIoClient.connect(bridge, token, { extraHeaders: foreign.headers, reconnection: false }));
  (await PlainClient.connect(bridge, token, allowed)).close();
  (await SocketIoClient.connect(bridge, token, { extraHeaders: allowed.headers })).close();
  await assert.rejects(PlainClient.connect(scene.bridge, token, allowed), undefined, 'by default only the same origin');
  (await PlainClient.connect(scene.bridge, token, { headers: { origin: scene.bridge.url } })).close();
});

// The lines of a kind of event in a bridge's log, with the fields of each.
const lines = (bridge, event) => bridge.log.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
  .filter((line) => line.event === event);

const nextSecond = () => new Promise((resolve) => { setTimeout(resolve, 1100); });

test('logs a refused origin with its peer, on every road in, once a second', async () => {
  const bridge = await scene.addBridge(['--allow-origin=https://app.example', '--log-format=json']);
  const headers = { origin: 'https://evil.example' };
  const roads = [
    () => PlainClient.connect(bridge, scene.token(ann), { headers }),
    () => SocketIoClient.connect(bridge, scene.token(ann), { extraHeaders: headers, reconnection: false }),
    () => SocketIoClient.connect(bridge, scene.token(ann), { extraHeaders: headers, reconnection: false, transports: ['polling'] }),
    () => EventSourceClient.connect(bridge, scene.token(ann), { headers }),
    () => bridge.get('/events', { method: 'OPTIONS', headers }).then(({ status }) => { throw new Error(status); }),
  ];
  for (const [index, road] of roads.entries()) {
    await assert.rejects(road());
    await until('the origin is logged', () => lines(bridge, 'origin_refused').length === index + 1);
    await nextSecond();
  }
  for (const { level, origin, peer } of lines(bridge, 'origin_refused')) {
    assert.deepEqual({ level, origin, peer }, { level: 'warning', origin: 'https://evil.example', peer: '127.0.0.1' });
  }
  for (let i = 0; i < 20; i++) await assert.rejects(EventSourceClient.connect(bridge, scene.token(ann), { headers }));
  await nextSecond();
  await assert.rejects(EventSourceClient.connect(bridge, scene.token(ann), { headers }));
  const later = () => lines(bridge, 'origin_refused').slice(roads.length);
  const counted = () => later().reduce((sum, line) => sum + 1 + Number(line.left_out ?? 0), 0);
  await until('those left out are counted', () => counted() >= 21);
  assert.equal(counted(), 21);
  assert.ok(later().length < 10, `${later().length} lines`);
});

test('escapes control characters of clients in the log', async () => {
  const bridge = await scene.addBridge();
  const socket = net.connect(bridge.port, '127.0.0.1');
  socket.end('GET /events HTTP/1.1\r\nHost: x\r\nOrigin: http://\x1b[2J\x07\u009b1m\r\n\r\n').resume();
  await until('the origin is logged', () => /event=origin_refused.*\n/.test(bridge.log));
  assert.match(bridge.log, /origin="http:\/\/\\u001b\[2J\\u0007\\u009b1m"/i);
  assert.doesNotMatch(bridge.log, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
});

test('cuts long values of clients in the log', async () => {
  const bridge = await scene.addBridge();
  const socket = new WebSocket(`ws://127.0.0.1:${bridge.port}/ws`);
  socket.on('open', () => socket.send(JSON.stringify({ action: 'auth', data: { token: scene.token(ann), position: `${'é'.repeat(10000)}\n` } })));
  await until('the position is logged', () => /event=not_recovered.*\n/.test(bridge.log));
  socket.close();
  assert.match(bridge.log, /position="\?{200}\.\.\. \(20001 bytes\)"\n/);
});

test('logs a refused token with its peer, on every road in', async () => {
  const bridge = await scene.addBridge(['--log-format=json']);
  const token = 'not a token';
  const reconnection = false;
  const renewal = async () => {
    const client = await PlainClient.connect(bridge, scene.token(ann));
    client.send({ action: 'auth', data: { token } });
    await client.closed;
    throw new Error('refused');
  };
  const roads = [
    () => PlainClient.connect(bridge, token),
    () => PlainClient.connect(bridge, undefined, { query: '?token=x' }),
    () => SocketIoClient.connect(bridge, token, { reconnection }),
    () => SocketIoClient.connect(bridge, token, { reconnection, transports: ['polling'] }),
    () => EventSourceClient.connect(bridge, token),
    renewal,
  ];
  for (const [index, road] of roads.entries()) {
    await assert.rejects(road());
    await until('the token is logged', () => lines(bridge, 'token_refused').length === index + 1);
    await nextSecond();
  }
  for (const { level, peer, code, ...line } of lines(bridge, 'token_refused')) {
    assert.deepEqual({ level, peer, code }, { level: 'warning', peer: '127.0.0.1', code: 'token_invalid' });
    assert.ok(!JSON.stringify(line).includes(token), 'the token is not in the log');
  }
});

test('ends a session when its token expires', async () => {
  const client = await PlainClient.connect(scene.bridge, scene.token(ann, { seconds: 2 }));
  await client.closed;
  const error = client.all('error')[0];
  assert.match(error?.data.message ?? '', /expired/i);
});
