// The bridge answers HTTP as browsers, proxies and command line tools speak it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import WebSocket from 'ws';
import { freePort } from './harness/bridge.mjs';
import { atExit } from './harness/cleanup.mjs';
import { upgrade as handshake } from './harness/raw_client.mjs';
import { RawHttp, ask } from './harness/raw_http.mjs';
import { Scene } from './harness/scene.mjs';
import { soon, until } from './harness/wait.mjs';

const page = 'https://app.example';
const scene = await Scene.open({ options: [`--allow-origin=${page}`, '--max-payload=100kB'] });
after(() => scene.close());

const { bridge } = scene;
const { port } = bridge;
const [ann] = await scene.people('Ann');
const poll = '/socket.io/?EIO=4&transport=polling';

// Opens a polling session on a connection of its own, and returns its id.
async function openSession() {
  const { body } = await ask(port, `GET ${poll} HTTP/1.1`);
  return JSON.parse(body.slice(1)).sid;
}

const refusals = {
  'an unknown session': [`POST ${poll}&sid=gone HTTP/1.1`, 400],
  'an unknown transport': ['POST /socket.io/?EIO=4&transport=pigeon HTTP/1.1', 400],
  'a stream': ['POST /events HTTP/1.1', 405],
  'a path that takes no POST': ['POST /healthz HTTP/1.1', 405],
  'an unknown path': ['PUT /nowhere HTTP/1.1', 405],
};

for (const [name, [line, status]] of Object.entries(refusals)) {
  test(`reads a refused request to ${name} before it closes the connection`, async () => {
    const client = new RawHttp(port);
    client.write(`${line}\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n`);
    assert.equal((await client.response()).status, status);
    // The client goes on sending, as a proxy does, and hears of no error.
    for (let n = 0; n < 30; n++) {
      if (!client.socket.write(Buffer.alloc(100000, 'x'))) await soon('the bridge reads', new Promise((resolve) => client.socket.once('drain', resolve)));
    }
    await soon('the bridge ends the connection', client.ended);
    await soon('the client ends it', new Promise((resolve) => client.socket.end(resolve)));
    assert.equal(client.error, undefined);
    client.close();
  });
}

test('tells a client that its message is too large', async () => {
  const sid = await openSession();
  const { status, headers, body } = await ask(port, [`POST ${poll}&sid=${sid} HTTP/1.1`, 'Content-Length: 3000000'], { body: '4'.repeat(3000000) });
  assert.equal(status, 413);
  assert.equal(headers.connection, 'close');
  assert.equal(JSON.parse(body).message, 'Payload too large');
});

test('tells a socket.io client that polls that its message is too large', async () => {
  const client = await scene.socketIo(ann, { transports: ['polling'], reconnection: false });
  const ended = new Promise((resolve) => client.socket.once('disconnect', (reason, details) => resolve({ reason, details })));
  client.socket.emit('message:send', { content: 'x'.repeat(200000) });
  const { reason, details } = await soon('it is told', ended);
  assert.equal(reason, 'transport error');
  assert.equal(details.description, 413);
  scene.closeClients();
});

test('bounds the bytes that it reads of refused requests', async () => {
  const client = new RawHttp(port);
  client.write('POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n');
  assert.equal((await client.response()).status, 405);
  const piece = Buffer.alloc(1000000, 'x');
  let sent = 0;
  const closed = new Promise((resolve) => client.socket.on('close', resolve));
  const send = () => { while (!client.socket.destroyed && sent < 1000 && client.socket.write(piece)) sent++; };
  client.socket.on('drain', send);
  send();
  await soon('the bridge cuts the connection', closed, 60000);
  assert.ok(client.error, 'the connection is reset');
  assert.ok(sent < 100, `${sent} MB were taken`);
});

test('refuses a body without a length', async () => {
  const sid = await openSession();
  const { status } = await ask(port, [`POST ${poll}&sid=${sid} HTTP/1.1`, 'Transfer-Encoding: chunked'], { body: '1\r\n6\r\n0\r\n\r\n' });
  assert.equal(status, 411);
});

test('refuses a length with a zero byte', async () => {
  const sid = await openSession();
  for (const length of ['1\x002', '1\0']) {
    assert.equal((await ask(port, [`POST ${poll}&sid=${sid} HTTP/1.1`, `Content-Length: ${length}`], { body: '3' })).status, 400);
  }
});

test('says that it closes the connection if the client wants that', async () => {
  for (const [line, ...headers] of [[`GET ${poll} HTTP/1.1`, 'Connection: close'], [`GET ${poll} HTTP/1.1`, 'Connection: foo, Close'], [`GET ${poll} HTTP/1.0`]]) {
    const client = new RawHttp(port);
    client.write(`${[line, 'Host: x', ...headers].join('\r\n')}\r\n\r\n`);
    const response = await client.response();
    assert.equal(response.status, 200);
    assert.equal(response.headers.connection, 'close', line);
    await soon('the bridge ends the connection', client.ended);
    client.close();
  }
});

test('says so in the response to a poll that has waited, and to a POST', async () => {
  const sid = await openSession();
  const waiting = ask(port, [`GET ${poll}&sid=${sid} HTTP/1.1`, 'Connection: close']);
  const post = await ask(port, [`POST ${poll}&sid=${sid} HTTP/1.1`, 'Connection: close', 'Content-Length: 2'], { body: '40' });
  assert.deepEqual([post.body, post.headers.connection], ['ok', 'close']);
  const { body, headers } = await waiting;
  assert.match(body, /^44/);
  assert.equal(headers.connection, 'close');
});

test('keeps the connections of polls otherwise', async () => {
  const client = new RawHttp(port);
  client.write(`GET ${poll} HTTP/1.1\r\nHost: x\r\n\r\n`);
  const { sid } = JSON.parse((await client.response()).body.slice(1));
  client.write(`POST ${poll}&sid=${sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n40`);
  const { headers, body } = await client.response();
  assert.deepEqual([body, headers.connection], ['ok', undefined]);
  client.close();
});

const preflight = (origin, headers, path = poll) => ask(port, [`OPTIONS ${path} HTTP/1.1`, `Origin: ${origin}`, 'Access-Control-Request-Method: GET',
  ...(headers ? [`Access-Control-Request-Headers: ${headers}`] : [])]);

test('allows pages of allowed origins the headers that they ask for', async () => {
  for (const path of [poll, '/events']) {
    const asked = 'authorization,x-client-id,x-requested-with';
    const { status, headers } = await preflight(page, asked, path);
    assert.equal(status, 204);
    assert.equal(headers['access-control-allow-origin'], page);
    assert.match(headers['access-control-allow-headers'], new RegExp(`Authorization, .*, ${asked}$`));
    assert.match(headers['access-control-allow-methods'], /POST/);
  }
  for (const asked of [undefined, 'x-a;drop', `x-${'a'.repeat(5000)}`]) {
    assert.match((await preflight(page, asked)).headers['access-control-allow-headers'], /^Authorization, [A-Za-z, -]+$/);
  }
});

test('allows pages of other origins nothing', async () => {
  const { status, headers } = await preflight('https://evil.example', 'x-client-id');
  assert.equal(status, 403);
  assert.equal(headers['access-control-allow-headers'], undefined);
  assert.equal(headers['access-control-allow-origin'], undefined);
});

test('answers HEAD with the headers of GET', async () => {
  for (const path of ['/healthz', '/readyz', '/metrics', '/nowhere']) {
    const get = await ask(port, `GET ${path} HTTP/1.1`);
    const head = await ask(port, `HEAD ${path} HTTP/1.1`, { hasBody: false });
    assert.equal(head.status, get.status, path);
    assert.equal(head.headers['content-type'], get.headers['content-type'], path);
    if (path !== '/metrics') assert.equal(head.headers['content-length'], get.headers['content-length'], path);
    const client = new RawHttp(port);
    client.write(`HEAD ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await client.response({ hasBody: false });
    await client.ended;
    await assert.rejects(client.response(), /in order.*""/, 'no body follows');
  }
});

test('names the allowed methods when it refuses one', async () => {
  const { status, headers } = await ask(port, 'DELETE /healthz HTTP/1.1');
  assert.deepEqual([status, headers.allow], [405, 'GET, HEAD']);
});

test('tells a client that waits for it to send its body', async () => {
  const sid = await openSession();
  const client = new RawHttp(port);
  client.write(`POST ${poll}&sid=${sid} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`);
  assert.equal((await client.response()).status, 100);
  client.write('40');
  assert.equal((await client.response()).body, 'ok');
  client.write(`POST ${poll}&sid=${sid} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n`);
  assert.equal((await client.response()).status, 413);
  client.close();
});

test('reads the scheme of a token in any case', async () => {
  const token = scene.token(ann);
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    const sid = await openSession();
    const body = `40${JSON.stringify({ token: `${scheme} ${token}` })}`;
    await ask(port, [`POST ${poll}&sid=${sid} HTTP/1.1`, `Content-Length: ${body.length}`], { body });
    assert.match((await ask(port, `GET ${poll}&sid=${sid} HTTP/1.1`)).body, /^40/, scheme);
    const stream = new RawHttp(port);
    stream.write(`GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: ${scheme} ${token}\r\n\r\n`);
    await soon('the stream begins', new Promise((resolve) => stream.socket.once('data', (text) => resolve(assert.match(String(text), /^HTTP\/1.1 200/)))));
    stream.close();
  }
});

// Sends one request byte for byte, and resolves with the status of its response.
async function statusOf(head) {
  const client = new RawHttp(port);
  client.write(`${head}\r\n\r\n`);
  const { status } = await client.response();
  client.close();
  return status;
}

for (const [name, status, head] of [
  ['with a path that is too long', 414, `GET /${'a'.repeat(1100)} HTTP/1.1\r\nHost: x`],
  ['without a host', 400, 'GET /healthz HTTP/1.1'],
  ['to several hosts', 400, 'GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y'],
  ['whose path ends at a line feed that is encoded', 505, 'GET /healthz%0d%0aHost:y HTTP/1.1\r\nHost: x'],
  ['of an unknown version', 505, 'GET /healthz HTTP/2.0\r\nHost: x'],
  ['without a version', 505, 'GET /healthz'],
]) {
  test(`refuses a request ${name}`, async () => assert.equal(await statusOf(head), status));
}

// Sends bytes on a connection of its own, and resolves with all that comes back until the bridge closes it.
// bytewise: each byte is in a segment of its own.
async function exchange(bytes, { bytewise = false } = {}) {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  const closed = new Promise((resolve) => socket.on('end', resolve).on('close', resolve));
  socket.on('error', () => {}).on('data', (piece) => { text += piece.toString('latin1'); });
  socket.setNoDelay(bytewise);
  for (const piece of bytewise ? bytes : [bytes]) {
    socket.write(Buffer.from(piece, 'latin1'));
    if (bytewise) await new Promise(setImmediate);
  }
  await soon('the bridge closes the connection', closed);
  socket.destroy();
  return text;
}

// A second request, which a proxy takes for a part of the first one's body.
const hidden = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
const chunk = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
const smuggled = {
  'both lengths': ['Content-Length: 5\r\nTransfer-Encoding: chunked', `0\r\n\r\n${hidden}`],
  'both lengths, the other way round': ['Transfer-Encoding: chunked\r\nContent-Length: 5', `0\r\n\r\n${hidden}`],
  chunks: ['Transfer-Encoding: chunked', chunk],
  'chunks that are named in upper case': ['TRANSFER-ENCODING: CHUNKED', chunk],
  'chunks behind a tab': ['Content-Length: 1\r\nTransfer-Encoding:\tchunked', `6${hidden}`],
  'chunks behind another coding': ['Content-Length: 1\r\nTransfer-Encoding: identity, chunked', `6${hidden}`],
  'an unknown coding': ['Content-Length: 1\r\nTransfer-Encoding: xchunked', `6${hidden}`],
  'a blank before the colon of the coding': ['Content-Length: 1\r\nTransfer-Encoding : chunked', `6${hidden}`],
  'two lengths': [`Content-Length: 1\r\nContent-Length: ${1 + hidden.length}`, `6${hidden}`],
  'the same length twice': ['Content-Length: 1\r\nContent-Length: 1', `6${hidden}`],
  'a list of lengths': ['Content-Length: 1, 1', `6${hidden}`],
  'a length with a sign': ['Content-Length: +1', `6${hidden}`],
  'a negative length': ['Content-Length: -1', `6${hidden}`],
  'a hexadecimal length': ['Content-Length: 0x1', `6${hidden}`],
  'a length beyond 64 bits': ['Content-Length: 18446744073709551617', `6${hidden}`],
  'a length that is folded': ['Content-Length:\r\n 1', `6${hidden}`],
  'a length behind a folded header': ['X: a\r\n Content-Length: 1', `6${hidden}`],
  'a length behind a bare line feed': ['X: a\nContent-Length: 1', `6${hidden}`],
  'a length behind a bare carriage return': ['X: a\rContent-Length: 1', `6${hidden}`],
  'a blank before the colon of the length': ['Content-Length : 1', `6${hidden}`],
  'a zero byte in a header': ['X: a\0b\r\nContent-Length: 1', `6${hidden}`],
  'a length behind the beginning of a known name': ['X: a\r\nContent-Length: 1', `6${hidden}`],
  'chunks behind the beginning of a known name': ['Content-Length: 1\r\nX: a\r\nTransfer-Encoding: chunked', `6${hidden}`],
  'a header without a colon': ['Content-Length 1', `6${hidden}`],
  'a length, and a request behind the body': ['Content-Length: 1', `3${hidden}`],
  // A correct request, whose connection could go on.
  'a request as its body': [`Content-Length: ${hidden.length}\r\nConnection: close`, hidden],
  'an upgrade to HTTP/2': ['Content-Length: 1\r\nConnection: Upgrade\r\nUpgrade: h2c', `3${hidden}`],
  'an upgrade to a WebSocket': [`Content-Length: 1\r\n${handshake.trimEnd()}`, `3${hidden}`],
};

// libwebsockets takes the names for others, or drops the bytes, and reads on.
const malformed = ['Transfer-Encoding : chunked', 'Transfer-Encoding\t: chunked', 'transfer-encoding \t  : chunked', 'Content-Length : 36',
  `Transfer-Encoding${' '.repeat(9)}: chunked`, `Content-Length${'\t'.repeat(40)}: 36`, 'X: a\0b', 'X\0: a', 'Host\0: y', 'Origin: a\0', 'Accept: a\rb', 'X: a\rb',
  'X: a\rTransfer-Encoding: chunked', 'X\r: a', 'X: a\r', 'X: a\nY: b', 'X: a\n\nGET /metrics HTTP/1.1', 'X: a\r\n folded', ' X: a', ': a',
  'Transfer-Encoding\r\nX: a', 'X y: a', 'X"y": a', '\x0bX: a', 'X: a\r\nTransfer-Encoding: chunked', 'Accept-: a\r\nHost: y',
  'X: a\r\nUpgrade: websocket'];

for (const header of malformed) {
  test(`refuses a request with the header ${JSON.stringify(header)}, also byte by byte and behind another one`, async () => {
    const head = `POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n${header}\r\nAccept: */*\r\n\r\n`;
    for (const bytewise of [false, true]) {
      assert.deepEqual((await exchange(`${head}6${hidden}`, { bytewise })).match(/(?<=HTTP\/1\.\d )\d+/g), ['400'], `bytewise: ${bytewise}`);
    }
    const client = new RawHttp(port);
    client.write(`GET ${poll} HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.equal((await client.response()).status, 200);
    await writeSlowly(client, head, 1000);
    assert.equal((await client.response()).status, 400);
    client.close();
  });
}

for (const [name, [headers, body]] of Object.entries(smuggled)) {
  test(`answers no request that is hidden behind a POST with ${name}`, async () => {
    for (const path of [`${poll}&sid=${await openSession()}`, '/healthz', '/socket.io/?EIO=4&transport=polling']) {
      const answer = await exchange(`POST ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${body}`);
      const answers = answer.match(/HTTP\/1\.\d \d+/g) ?? [];
      assert.ok(answers.length <= 1, `${path}: ${answers}`);
      assert.doesNotMatch(answer, /herald_connections/);
    }
    assert.equal((await ask(port, 'GET /healthz HTTP/1.1')).body, 'ok\n', 'nobody else is answered out of turn');
  });
}

test('answers no request that is hidden behind a GET with a body, or behind a refused upgrade', async () => {
  for (const head of [`GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: ${hidden.length}`, `GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked`,
    `GET /ws HTTP/1.1\r\nHost: x\r\n${handshake.replace('Version: 13', 'Version: 777').trimEnd()}`,
    `HEAD /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: ${hidden.length}`]) {
    const answer = await exchange(`${head}\r\n\r\n${hidden}`);
    assert.equal((answer.match(/HTTP\/1\.\d \d+/g) ?? []).length, 1, head);
    assert.doesNotMatch(answer, /herald_connections/);
  }
});

const webSocket = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };

for (const [name, changed, version] of [
  ['to HTTP/2', { Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': 'AAMAAABkAARAAAAAAAIAAAAA' }],
  ['without a key', { 'Sec-WebSocket-Key': undefined }],
  ['with a short key', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZQ==' }],
  ['with a key that is not base64', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25j!Q==' }],
  ['with a very long key', { 'Sec-WebSocket-Key': 'x'.repeat(5000) }],
  ['that its header Connection does not name', { Connection: 'keep-alive' }],
  ['by HTTP/1.0', {}, 'HTTP/1.0'],
]) {
  test(`answers that it refuses an upgrade ${name}`, async () => {
    const headers = Object.entries({ Host: 'x', ...webSocket, ...changed }).filter(([, value]) => value).map((header) => header.join(': '));
    assert.equal(await statusOf([`GET /ws ${version ?? 'HTTP/1.1'}`, ...headers].join('\r\n')), 400);
  });
}

const upgrade = (path, ...headers) => ask(port, [`GET ${path} HTTP/1.1`, 'Connection: Upgrade', 'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', ...headers], { hasBody: true });

// Writes text in pieces, each in a segment of its own.
async function writeSlowly(client, text, pieces) {
  client.socket.setNoDelay(true);
  const size = Math.ceil(text.length / pieces);
  for (let at = 0; at < text.length; at += size) {
    client.write(Buffer.from(text.slice(at, at + size), 'latin1'));
    await new Promise(setImmediate);
  }
}

test('serves requests that name the whole URL, in one piece and byte by byte', async () => {
  for (const pieces of [1, 3, 1000]) {
    for (const target of ['http://bridge.example/healthz', 'HTTPS://bridge.example:8080/healthz?x=1', 'http://[::1]/./healthz']) {
      const client = new RawHttp(port);
      await writeSlowly(client, `GET ${target} HTTP/1.1\r\nHost: bridge.example\r\n\r\n`, pieces);
      const { status, body } = await client.response();
      assert.deepEqual([status, body], [200, 'ok\n'], `${target} in ${pieces} pieces`);
      client.close();
    }
  }
});

test('serves polls with a first request that names the whole URL, and their bodies', async () => {
  const sid = await openSession();
  const client = new RawHttp(port);
  client.write(`POST http://bridge.example${poll}&sid=${sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n3`);
  assert.equal((await client.response()).status, 200);
  client.write(`POST ${poll}&sid=${sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n3`);
  assert.equal((await client.response()).status, 200);
  client.close();
});

test('takes the host of such a request from its URL, and refuses it without a good one', async () => {
  const careful = await scene.addBridge(['--allow-host=good.example']);
  const answers = async (target, host) => {
    const client = new RawHttp(careful.port);
    client.write(`GET ${target} HTTP/1.1\r\n${host}\r\n`);
    return (await client.response().finally(() => client.close())).status;
  };
  assert.equal(await answers(`http://good.example${poll}`, 'Host: evil.example\r\n'), 200);
  assert.equal(await answers(`http://evil.example${poll}`, 'Host: good.example\r\n'), 421);
  assert.equal(await answers('http://good.example', 'host:good.example\r\n'), 404);
  assert.equal(await answers('http://good.example/healthz', ''), 400);
  assert.equal(await answers('http://good.example/healthz', 'Host: a\r\nHost: b\r\n'), 400);
  assert.equal(await answers('http://user@good.example/healthz', 'Host: good.example\r\n'), 403);
  assert.equal(await answers('http:///healthz', 'Host: good.example\r\n'), 403);
  assert.equal(await answers('ftp://good.example/healthz', 'Host: good.example\r\n'), 403);
});

// After DNS rebinding, a page of an attacker has the name of its own server as the host. Probes name an address, any name, or none.
test('answers hosts that are not in allow-host only by a word for probes, and addresses by all that connects nobody', async () => {
  const www = mkdtempSync(path.join(tmpdir(), 'herald-www-'));
  atExit(() => rmSync(www, { recursive: true, force: true }));
  writeFileSync(path.join(www, 'index.html'), 'private');
  const admin = await freePort();
  const open = await scene.addBridge(['--allow-host=good.example', `--www=${www}`]);
  const split = await scene.addBridge(['--allow-host=good.example', `--admin-listen=127.0.0.1:${admin}`]);
  const lost = await scene.addBridge(['--allow-host=good.example'], 'host=/nowhere', undefined, false);
  const statuses = (at, paths, host) => Promise.all(paths.map(async (name) => (await ask(at, `GET ${name} HTTP/1.1`, { host })).status));
  const readable = ['/healthz', '/readyz', '/metrics', '/status', '/', '/index.html'];
  for (const host of ['rebound.example', 'good.example.evil.example', '127.0.0.1.evil.example', '[::1', '::1', '0x7f.1', 'localhost.evil.example']) {
    assert.deepEqual(await statuses(open.port, readable, host), [200, 200, 421, 421, 421, 421], host);
    assert.deepEqual(await statuses(admin, ['/healthz', '/readyz', '/metrics', '/status'], host), [200, 200, 421, 421], host);
    assert.deepEqual(await statuses(split.port, ['/healthz', '/readyz'], host), [200, 200], host);
    assert.equal((await ask(lost.port, 'GET /readyz HTTP/1.1', { host })).body, 'not ready\n', 'without the reason');
  }
  for (const host of ['good.example', 'GOOD.example:8080', '192.0.2.1', '192.0.2.1:8080', '[2001:db8::1]:8080', '[::1]', 'localhost:8080', 'LocalHost']) {
    assert.deepEqual(await statuses(open.port, readable, host), readable.map(() => 200), host);
    assert.deepEqual(await statuses(admin, ['/metrics', '/status'], host), [200, 200], host);
  }
  assert.notEqual((await ask(lost.port, 'GET /readyz HTTP/1.1', { host: 'good.example' })).body, 'not ready\n');
  const old = new RawHttp(open.port);
  old.write('GET /readyz HTTP/1.0\r\n\r\n');
  assert.equal((await old.response()).status, 200);
  assert.deepEqual(await statuses(open.port, ['/events', poll, '/socket.io/socket.io.js'], '127.0.0.1'), [421, 421, 421], 'who connects names a host of the list');
  assert.match(open.log, /event=host_refused host=rebound\.example/);
});

// A ping with a mask of zeroes, and its pong.
const ping = Buffer.from([0x89, 0x82, 0, 0, 0, 0, 0x68, 0x69]), pong = '\x8a\x02hi';

// Asks for a WebSocket by a URL, with pings behind the head. Resolves with the connection, and with all that it hears in "heard".
async function upgradeByUrl(target, pings, pieces) {
  const client = new RawHttp(port);
  client.heard = '';
  client.socket.on('data', (bytes) => { client.heard += bytes.toString('latin1'); });
  await writeSlowly(client, `GET ${target} HTTP/1.1\r\nHost: x\r\n${handshake}\r\n${ping.toString('latin1').repeat(pings)}`, pieces);
  assert.equal((await client.response()).status, 101, target);
  return client;
}

test('opens a WebSocket by a request that names the whole URL, whole and in pieces', async () => {
  for (const target of ['http://bridge.example/ws', 'ws://bridge.example:8080/ws', 'WSS://bridge.example/socket.io/?EIO=4&transport=websocket']) {
    for (const pieces of [1, 3, 1000]) {
      const client = await upgradeByUrl(target, 0, pieces);
      client.write(ping);
      await until('the ping has its pong', () => client.heard.endsWith(pong));
      client.close();
    }
  }
});

// A client must wait for the answer (RFC 6455, 4.1). libwebsockets closes the connection of one that does not, or reads its frames.
test('misreads no frames behind such a request', async () => {
  for (const pings of [1, 3]) {
    const client = await upgradeByUrl('ws://bridge.example/ws', pings, 1);
    await until('there is an answer, or the end', () => client.over || client.heard.endsWith(pong));
    const frames = client.heard.slice(client.heard.indexOf('\r\n\r\n') + 4);
    assert.equal(frames, pong.repeat(frames.length / pong.length));
    client.close();
  }
});

test('tells a request for a WebSocket that names the whole URL behind another request to name the path', async () => {
  const sid = await openSession();
  const client = new RawHttp(port);
  client.write(`POST ${poll}&sid=${sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n3`);
  assert.equal((await client.response()).status, 200);
  client.write(`GET ws://bridge.example/ws HTTP/1.1\r\nHost: x\r\n${handshake}\r\n`);
  const { status, body } = await client.response();
  assert.equal(status, 400);
  assert.match(body, /must name a path/);
  client.close();
});

test('refuses other versions of WebSockets with the one that it speaks', async () => {
  for (const path of ['/ws', '/socket.io/?EIO=4&transport=websocket']) {
    for (const version of ['8', '0', '99', '777', '-13', '13x', '']) {
      const { status, headers } = await upgrade(path, ...(version ? [`Sec-WebSocket-Version: ${version}`] : []));
      assert.deepEqual([status, headers['sec-websocket-version']], [426, '13'], `${path} ${version}`);
    }
    assert.equal((await upgrade(path, 'Sec-WebSocket-Version: 13')).status, 101);
  }
});

test('opens no WebSocket outside of its limits, for any subprotocol', async () => {
  const before = await bridge.metric('herald_connections');
  for (const name of ['http', 'http, herald', 'zzz', 'z,'.repeat(3000)]) {
    const { status } = await upgrade('/ws', 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Protocol: ${name}`);
    assert.equal(status, name === 'http, herald' ? 101 : 400, name.slice(0, 20));
  }
  const client = new RawHttp(port);
  client.write('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: herald\r\n\r\n');
  const { status, headers } = await client.response();
  assert.deepEqual([status, headers['sec-websocket-protocol']], [101, 'herald']);
  assert.ok(await bridge.metric('herald_connections') > before);
  client.close();
});

test('marks responses so that no browser guesses their type', async () => {
  for (const path of ['/healthz', '/metrics', '/nowhere']) {
    assert.equal((await ask(port, `GET ${path} HTTP/1.1`)).headers['x-content-type-options'], 'nosniff', path);
  }
});

const kilobytes = 1024;
const openings = { plain: ['/ws', (text) => JSON.stringify({ action: 'auth', data: { token: text } })],
  'Socket.IO': ['/socket.io/?EIO=4&transport=websocket', (text) => `40${JSON.stringify({ token: text })}`] };

// Pads the message to a length, by its token.
const padded = (make, length) => make('x'.repeat(length - make('').length));

for (const [name, [path, make]] of Object.entries(openings)) {
  test(`${name}: takes 32 kB without a session, max-payload with one`, async () => {
    const open = async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
      socket.frames = [];
      socket.on('message', (text) => socket.frames.push(String(text)));
      await soon('it opens', once(socket, 'open'));
      return socket;
    };
    const large = await open();
    large.send(padded(make, 32 * kilobytes + 1));
    assert.deepEqual((await soon('closed', once(large, 'close'))).map(String), ['1009', 'message larger than 32 kB without a session']);
    const fitting = await open();
    fitting.send(padded(make, 32 * kilobytes));
    await until('it is refused for its token', () => fitting.frames.some((text) => text.includes('token_invalid')));
    fitting.close();
    const good = await open();
    good.send(make(scene.token(ann)));
    await until('it has a session', () => good.frames.some((text) => text.includes('notification:unread')));
    good.send(name === 'plain' ? JSON.stringify({ id: 1, action: 'ping', data: 'x'.repeat(90 * kilobytes) }) : `421["ping","${'x'.repeat(90 * kilobytes)}"]`);
    await until('it is answered', () => good.frames.some((text) => text.includes('"ok":true')));
    good.close();
  });
}

test('polling: takes 32 kB without a session, max-payload with one', async () => {
  const post = (sid, body) => ask(port, [`POST ${poll}&sid=${sid} HTTP/1.1`, `Content-Length: ${body.length}`], { body });
  const make = openings['Socket.IO'][1];
  const refused = await openSession();
  const answer = await post(refused, padded(make, 32 * kilobytes + 1));
  assert.deepEqual([answer.status, JSON.parse(answer.body).message], [413, 'Payload too large: 32 kB without a session']);
  const sid = await openSession();
  assert.equal((await post(sid, padded(make, 32 * kilobytes))).status, 200);
  assert.match((await ask(port, `GET ${poll}&sid=${sid} HTTP/1.1`)).body, /token_invalid/);
  assert.equal((await post(sid, make(scene.token(ann)))).status, 200);
  assert.match((await ask(port, `GET ${poll}&sid=${sid} HTTP/1.1`)).body, /^40/);
  assert.equal((await post(sid, `421["ping","${'x'.repeat(90 * kilobytes)}"]`)).status, 200);
});

test('keeps memory for clients with a session while strangers fill the rest', async () => {
  const small = await scene.addBridge(['--total-queue-limit=1MB', '--max-payload=100kB', '--limit-anonymous=1000/s:1000']);
  const strangers = Array.from({ length: 60 }, () => {
    const stranger = new RawHttp(small.port);
    const length = 30 * kilobytes;
    stranger.write(`GET /ws HTTP/1.1\r\nHost: x\r\n${handshake.trimEnd()}\r\n\r\n`);
    stranger.write(Buffer.concat([Buffer.from([0x81, 0xfe, length >> 8, length & 255, 0, 0, 0, 0]), Buffer.alloc(length - 1, 'x')]));
    return stranger;
  });
  await until('they fill it', async () => await small.metric('herald_waiting_bytes') > 850 * kilobytes);
  const client = await scene.plain(ann, { bridge: small });
  assert.equal((await client.ask('ping', 'x'.repeat(90 * kilobytes))).ok, true);
  assert.ok(await small.metric('herald_waiting_bytes') <= 900 * kilobytes);
  for (const stranger of strangers) stranger.close();
});
