// The bridge speaks TLS itself: versions, certificates and their renewal, every road in, slow readers, memory, and hostile bytes.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { renameSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, afterEach, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { certify } from './harness/certificate.mjs';
import { chromium } from './harness/chromium.mjs';
import { freePort, release, runBridge } from './harness/bridge.mjs';
import { EventSourceClient } from './harness/event_source_client.mjs';
import { PlainClient } from './harness/plain_client.mjs';
import { Scene } from './harness/scene.mjs';
import { SocketIoClient } from './harness/socketio_client.mjs';
import { soon, until } from './harness/wait.mjs';

// The certificates sign themselves. openssl checks them; the other clients of this file need not.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';

const scene = await Scene.open();
const [ann] = await scene.people('Ann');
const file = (name) => path.join(scene.bridge.directory, name);

// Writes a new certificate with its key.
const create = (name, ...kind) => certify(file(`${name}.pem`), file(`${name}.key`), { name, host: '127.0.0.1', ...(kind.length && { kind }) });

// Puts a certificate to where the bridge looks for it.
function install(name) {
  for (const end of ['pem', 'key']) {
    execFileSync('cp', [file(`${name}.${end}`), file(`new.${end}`)]);
    renameSync(file(`new.${end}`), file(`bridge.${end}`));
  }
}

create('first', 'rsa:2048');
create('second', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256');
install('first');
const options = [`--tls-cert=${file('bridge.pem')}`, `--tls-key=${file('bridge.key')}`];
const plainPort = await freePort();
const bridge = await scene.addBridge([...options, `--plain-listen=127.0.0.1:${plainPort}`]);
const { port } = bridge;

after(() => scene.close());
afterEach(() => scene.closeClients());

// Runs openssl s_client, and returns its output.
const inspect = (...more) => promisify(execFile)('sh', ['-c', 'exec openssl s_client -connect "$0" "$@" < /dev/null 2>&1', `127.0.0.1:${port}`, ...more],
  { timeout: 20000 }).then(({ stdout }) => stdout, ({ stdout }) => stdout);

const connect = (more) => tls.connect({ host: '127.0.0.1', port, ...more });

// Sends bytes to the port without TLS, and returns everything that comes back until the bridge closes the connection.
async function answerTo(bytes, to = port) {
  const socket = net.connect(to, '127.0.0.1');
  let text = '';
  socket.on('data', (piece) => { text += piece; }).on('error', () => {});
  socket.write(bytes);
  await soon('the connection is closed', new Promise((resolve) => { socket.on('close', resolve); }));
  return text;
}

test('speaks TLS 1.2 and 1.3 with HTTP/1.1, and nothing older', async () => {
  const trust = ['-CAfile', file('first.pem'), '-verify_return_error'];
  for (const [version, name] of [['-tls1_2', 'TLSv1.2'], ['-tls1_3', 'TLSv1.3']]) {
    const text = await inspect(version, ...trust, '-alpn', 'h2,http/1.1');
    assert.match(text, new RegExp(`New, ${name}, Cipher is \\S+(GCM|CHACHA20)`), text);
    assert.match(text, /Verification: OK/);
    assert.match(text, /ALPN protocol: http\/1\.1/);
    assert.match(text, /No client certificate CA names sent/);
  }
  for (const more of [['-tls1'], ['-tls1_1']]) assert.match(await inspect(...more, '-cipher', 'ALL:@SECLEVEL=0'), /alert protocol version|no protocols/);
  assert.match(await inspect('-tls1_2', '-cipher', 'AES128-SHA:ECDHE-RSA-AES128-SHA'), /alert handshake failure/);
  assert.match(await inspect('-alpn', 'h2'), /alert no application protocol/);
});

test('delivers on every road in', async () => {
  const token = scene.token(ann);
  const clients = await Promise.all([
    PlainClient.connect(bridge, token), EventSourceClient.connect(bridge, token), ...[['websocket'], ['polling'], ['polling', 'websocket']].map((transports) => SocketIoClient.connect(bridge, token, { transports, rejectUnauthorized: false })),
  ]);
  await scene.settle(...clients);
  for (const client of clients) client.close();
});

test('takes a large message that comes in many records', async () => {
  const client = await PlainClient.connect(bridge, scene.token(ann));
  const text = 'x'.repeat(90000);
  const { error } = await client.ask('room:join', { room: 'post:1', text }).then((answer) => answer, (refusal) => ({ error: refusal }));
  assert.ok(error === undefined || error.code !== 'token_invalid');
  const { data } = await client.ask('ping', { text });
  assert.deepEqual(data, {});
  client.close();
});

test('tells the client of a POST that is too large', async () => {
  const response = await fetch(`${bridge.url}/socket.io/?EIO=4&transport=polling&sid=x`, { method: 'POST', body: 'x'.repeat(300000) });
  assert.equal(response.status, 400);
  assert.match(await response.text(), /Session ID unknown/);
});

test('answers plain HTTP on the port of TLS with a reason, and serves it on the plain port', async () => {
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';
  for (const request of ['GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', `GET /ws HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`,
    'POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: default\r\nContent-Length: 3\r\n\r\n40x',
    'GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: default\r\n${upgrade}\r\n`]) {
    assert.match(await answerTo(request), /^HTTP\/1.[01] 400 [^]*This port speaks TLS: use https or wss/);
  }
  assert.match(await answerTo('GET /healthz HTTP/1.0\r\nHost: x\r\n\r\n', plainPort), /^HTTP\/1.[01] 200/);
  const plain = await PlainClient.connect({ url: `http://127.0.0.1:${plainPort}` }, scene.token(ann));
  await scene.settle(plain);
  plain.close();
});

test('refuses a malformed head inside TLS, whole or byte by byte, and reads a good one', async () => {
  const ask = async (head, size) => {
    const socket = connect();
    let text = '';
    socket.on('data', (piece) => { text += piece; }).on('error', () => {});
    await once(socket, 'secureConnect');
    socket.setNoDelay(true);
    for (let at = 0; at < head.length && !text; at += size) {
      await new Promise((resolve) => { socket.write(head.slice(at, at + size), resolve); });
    }
    await soon('the connection is closed', new Promise((resolve) => { socket.on('close', resolve); }));
    return text;
  };
  const good = `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
  const bare = good.replace('\r\nHost', '\nHost');
  const joined = good.replace('Host', 'X\r\nHost');
  for (const size of [1, 1000]) {
    assert.match(await ask(good, size), /^HTTP\/1\.1 200 /);
    for (const head of [bare, joined]) {
      assert.match(await ask(head, size), /^HTTP\/1\.1 400 [^]*the head is malformed/, JSON.stringify(head));
    }
  }
});

test('shows a renewed certificate after SIGHUP, and drops no session', async () => {
  const client = await PlainClient.connect(bridge, scene.token(ann));
  const subject = async () => /subject=.*CN ?= ?(\w+)/.exec(await inspect())[1];
  const reload = async (event) => {
    const before = bridge.log.length;
    process.kill(bridge.pid, 'SIGHUP');
    await until(event, () => bridge.log.slice(before).includes(`event=${event}`));
  };
  assert.equal(await subject(), 'first');
  execFileSync('cp', [file('second.key'), file('bridge.key')]);
  await reload('reload_failed');
  await bridge.logged(/tls-key: .*: it is not the key of tls-cert/);
  assert.equal(await subject(), 'first');
  install('second');
  await reload('reloaded');
  assert.equal(await subject(), 'second');
  await bridge.logged(/event=certificate expires=20\d\d-/);
  install('first');
  await reload('reloaded');
  assert.equal(await subject(), 'first');
  await scene.settle(client);
  assert.equal(client.welcomes.length, 1);
  client.close();
});

// The kernel takes a part of a record at times: the rest must follow, once and in order.
test('delivers everything to a slow reader', async () => {
  const texts = Array.from({ length: 160 }, (_, i) => `${i} ${String.fromCharCode(97 + (i % 26)).repeat(100 + ((i * 7919) % 60000))}`);
  const client = await PlainClient.connect(bridge, scene.token(ann), { paused: true });
  for (const text of texts) await scene.database.query('SELECT herald.publish($1, $2, $3)', [`user:${ann}`, 'test:text', { text }]);
  await until('the bridge has queued much', async () => await bridge.metric('herald_waiting_bytes') > 1e6);
  for (let i = 0; i < 60; i++) {
    client.socket.resume();
    await new Promise((resolve) => { setTimeout(resolve, 5); });
    client.socket.pause();
  }
  client.socket.resume();
  await until('all have come', () => client.all('test:text').length >= texts.length);
  assert.deepEqual(client.all('test:text').map(({ data }) => data.text), texts);
  client.close();
});

test('refuses wrong files with a remedy', async () => {
  const base = ['--check', '--listen=127.0.0.1:0', `--jwt-secret-file=${scene.bridge.secretFile}`, `--database=${scene.conninfo}`];
  const cases = [
    [[`--tls-cert=${file('first.pem')}`], /tls-cert, tls-key: one is set without the other/],
    [[`--tls-key=${file('first.key')}`], /tls-cert, tls-key: one is set without the other/],
    [[`--tls-cert=${file('none.pem')}`, `--tls-key=${file('first.key')}`], /tls-cert: .*No such file/],
    [[`--tls-cert=${file('first.pem')}`, `--tls-key=${file('none.key')}`], /tls-key: .*No such file/],
    [[`--tls-cert=${file('first.key')}`, `--tls-key=${file('first.key')}`], /tls-cert: .*not in PEM/],
    [[`--tls-cert=${file('first.pem')}`, `--tls-key=${file('first.pem')}`], /tls-key: .*not in PEM/],
    [[`--tls-cert=${file('first.pem')}`, `--tls-key=${file('second.key')}`], /tls-key: .*not the key of tls-cert/],
  ];
  for (const [more, message] of cases) {
    const { code, output } = await runBridge([...base, ...more]);
    assert.equal(code, 1, output);
    assert.match(output, message);
    assert.match(output, /\n  [A-Z].*\./);
  }
});

test('closes connections that send no TLS, and serves others meanwhile', async () => {
  const garbage = [Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]), Buffer.alloc(5000), Buffer.alloc(70000, 0x16), Buffer.from('\x16\x03\x01\xff\xff'.repeat(3000), 'latin1'),
    Buffer.from('SSH-2.0-x\r\n'.repeat(3000)), Buffer.from([0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10]), Buffer.from('\r\n'.repeat(4000))];
  await Promise.all(garbage.flatMap((bytes) => Array.from({ length: 40 }, () => answerTo(bytes).then((text) => assert.doesNotMatch(text, / 200 /)))));
  const client = await PlainClient.connect(bridge, scene.token(ann));
  await scene.settle(client);
  client.close();
});

test('ends one connection when its records are truncated or forged, and no other', async () => {
  const good = await PlainClient.connect(bridge, scene.token(ann));
  for (const forge of [(socket) => socket.end(Buffer.from([0x17, 3, 3, 0x40, 0])), (socket) => socket.write(Buffer.concat([Buffer.from([0x17, 3, 3, 0, 40]), Buffer.alloc(40)])),
    (socket) => socket.write('GET / HTTP/1.1\r\n\r\n'), (socket) => socket.write(Buffer.from([0x16, 3, 3, 0, 4, 0, 0, 0, 0]))]) {
    const socket = net.connect(port, '127.0.0.1');
    const secure = tls.connect({ socket, maxVersion: 'TLSv1.2' });
    const closed = new Promise((resolve) => { socket.on('close', resolve).on('error', () => {}); });
    secure.on('error', () => {});
    await new Promise((resolve) => { secure.on('secureConnect', resolve); });
    secure.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => { secure.once('data', resolve); });
    forge(socket);
    await soon('the bridge closes the connection', closed, 20000);
  }
  await scene.settle(good);
  good.close();
});

test('takes the address of a client from a PROXY header in front of TLS, and from none inside of it', async () => {
  const behind = await scene.addBridge([...options, '--log-level=debug', '--trusted-proxy=127.0.0.1']);
  const version2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x02\xc6\x33\x64\x01\x10\0\x01\xbb', 'latin1');
  const request = 'GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n';
  const open = async (pieces) => {
    const socket = net.connect(behind.port, '127.0.0.1').setNoDelay(true).on('error', () => {});
    for (const piece of pieces) await new Promise((resolve) => { socket.write(piece, () => setImmediate(resolve)); });
    const secure = tls.connect({ socket }).on('error', () => {});
    await soon('the handshake is over', once(secure, 'secureConnect'));
    return secure;
  };
  for (const [pieces, address] of [[['PROXY TCP4 192.0.2.1 198.51.100.1 4096 443\r\n'], '192.0.2.1'], [[version2], '192.0.2.2'],
    [['PROXY TCP4 192.', '0.2.3 198.51.100.1 4096 443\r\n'], '192.0.2.3'], [['PROXY UNKNOWN\r\n'], '127.0.0.1'], [[], '127.0.0.1']]) {
    const before = behind.log.length;
    const secure = await open(pieces);
    secure.write(request);
    await until('the bridge logs the address', () => behind.log.slice(before).includes(`peer=${address}`));
    secure.destroy();
  }
  const forger = await open([]);
  forger.write(`PROXY TCP4 192.0.2.9 198.51.100.1 4096 443\r\n${request}`);
  await soon('the connection ends, or is answered', Promise.race([once(forger, 'data'), once(forger, 'close')]));
  forger.destroy();
  assert.ok(!behind.log.includes('192.0.2.9'));
  const plain = await answerTo(`PROXY TCP4 192.0.2.1 198.51.100.1 4096 443\r\n${request}`, behind.port);
  assert.match(plain, /^HTTP\/1\.1 400 [^]*tls_required/);
  const malformed = await answerTo('PROXY TCP4 here there 1 2\r\n', behind.port);
  assert.equal(malformed, '');
});

test('allows no renegotiation', async () => {
  const socket = connect({ maxVersion: 'TLSv1.2' });
  await new Promise((resolve) => { socket.on('secureConnect', resolve).on('error', () => {}); });
  const refused = new Promise((resolve) => { socket.on('close', () => resolve('closed')); });
  const done = new Promise((resolve) => { socket.renegotiate({}, (error) => resolve(error ? 'refused' : 'renegotiated')); });
  assert.notEqual(await soon('the renegotiation ends', Promise.race([refused, done])), 'renegotiated');
  socket.destroy();
});

test('ends handshakes that take too long', async () => {
  const sockets = Array.from({ length: 20 }, () => net.connect(port, '127.0.0.1').on('error', () => {}));
  const start = Date.now();
  const hello = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
  const timers = sockets.map((socket) => { // a byte a second
    let at = 0;
    return setInterval(() => { if (!socket.destroyed) socket.write(hello.subarray(at, ++at)); }, 900);
  });
  await soon('all are closed', Promise.all(sockets.map((socket) => new Promise((resolve) => { socket.on('close', resolve); }))), 40000);
  assert.ok(Date.now() - start < 25000, `${Date.now() - start} ms`);
  for (const timer of timers) clearInterval(timer);
});

// Handshakes need more for a moment; the bridge gives it back within a second. The first clients fill common caches.
test('takes 20 KiB at most for an idle session by TLS', async () => {
  const measured = await scene.addBridge(options, undefined, release);
  const open = (count) => Promise.all(Array.from({ length: count }, () => PlainClient.connect(measured, scene.token(ann))));
  const clients = await open(20);
  const before = measured.memory;
  for (let i = 0; i < 40; i++) clients.push(...await open(25));
  await scene.settle(...clients);
  await until('a session takes 20 KiB at most', () => (measured.memory - before) / 1000 <= 20 * 1024);
  for (const client of clients) client.close();
});

test('a browser connects by wss', async () => {
  const browser = await chromium();
  try {
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    await page.goto(`${bridge.url}/healthz`);
    const welcomed = page.evaluate((token) => new Promise((resolve, reject) => {
      const socket = new WebSocket(`wss://${location.host}/ws`);
      window.events = [];
      socket.onopen = () => socket.send(JSON.stringify({ action: 'auth', data: { token } }));
      socket.onmessage = ({ data }) => { window.events.push(JSON.parse(data).event); resolve(); };
      socket.onclose = reject;
    }), scene.token(ann));
    await soon('the page is welcomed', welcomed);
    await scene.database.query('SELECT herald.broadcast($1, $2)', ['test:browser', {}]);
    await page.waitForFunction(() => window.events.includes('test:browser'));
  } finally {
    await browser.close();
  }
});
