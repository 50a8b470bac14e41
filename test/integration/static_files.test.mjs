// The bridge serves the files of --www and the client library, and nothing else of the machine.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { runBridge } from './harness/bridge.mjs';
import { chromium } from './harness/chromium.mjs';
import { atExit } from './harness/cleanup.mjs';
import { RawHttp, ask } from './harness/raw_http.mjs';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'herald-www-'));
atExit(() => rmSync(folder, { recursive: true, force: true }));
const www = path.join(folder, 'www');
for (const name of ['sub', 'empty', '.git', 'sub/.hidden']) mkdirSync(path.join(www, name), { recursive: true });
const script = `console.log(${JSON.stringify('text '.repeat(1000))});\n`;
const large = Buffer.alloc(3000000, 'abcdefghij');
const secret = 'not to be served';
const files = {
  'index.html': '<!doctype html><script src="/socket.io/socket.io.js"></script><script>window.here = typeof io</script>',
  'app.js': script, 'sub/index.html': '<!doctype html>sub', 'large.bin': large, 'tiny.css': 'a {}', 'empty.txt': '', '.env': secret, '.git/config': secret,
  'sub/.hidden/x': secret, '../secret': secret,
};
for (const [name, content] of Object.entries(files)) writeFileSync(path.join(www, name), content);
symlinkSync('../secret', path.join(www, 'out'));
symlinkSync('.git/config', path.join(www, 'in'));
symlinkSync('app.js', path.join(www, 'alias.js'));
execFileSync('mkfifo', [path.join(www, 'fifo')]);
symlinkSync('/dev/zero', path.join(www, 'zero'));

const library = path.join(path.dirname(createRequire(import.meta.url).resolve('socket.io-client/package.json')), 'dist');
const origin = 'https://app.example';
const scene = await Scene.open({ options: [`--www=${www}`, `--client-js=${path.join(library, 'socket.io.js')}`, `--allow-origin=${origin}`] });
after(() => scene.close());
const { bridge } = scene;
const { port } = bridge;

const get = (name, ...headers) => ask(port, [`GET ${name} HTTP/1.1`, ...headers]);

test('serves no hidden file, no special file, and nothing outside of the folder', async () => {
  for (const name of ['/.env', '/.git/config', '/sub/.hidden/x', '/%2eenv', '/in', '/out', '/../secret', '/%2e%2e/secret', '/..%2fsecret', '/fifo', '/zero',
    '/sub/..%2f..%2fsecret', '//etc/passwd', '/etc/passwd', '/app.js/', '/app.js/x', '/missing']) {
    const { status, body } = await get(name);
    assert.equal(status, 404, name);
    assert.ok(!body.includes(secret), name);
  }
  assert.equal((await get('/healthz')).status, 200, 'the bridge still answers');
});

test('serves the index of a folder, or 404', async () => {
  assert.match((await get('/')).body, /^<!doctype html>/);
  assert.equal((await get('/sub/')).body, files['sub/index.html']);
  const { status, headers } = await get('/sub');
  assert.deepEqual([status, headers.location], [301, '/sub/']);
  assert.equal(await (await bridge.get('/sub')).text(), files['sub/index.html']);
  assert.equal((await get('/sub?a=1&b=%26%20%22%3D&c')).headers.location, '/sub/?a=1&b=%26%20%22=&c');
  assert.equal((await get('/sub?')).headers.location, '/sub/');
  assert.equal((await get('/sub?/x&')).headers.location, '/sub/?%2Fx&', 'an empty last part');
  assert.equal((await get(`/sub?a=${'%26'.repeat(2000)}`)).status, 414);
  assert.equal((await get('/empty/')).status, 404);
});

test('sends headers that keep browsers from guessing types and loading scripts from elsewhere', async () => {
  const { headers } = await get('/app.js');
  assert.equal(headers['content-type'], 'text/javascript; charset=utf-8');
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['x-frame-options'], 'SAMEORIGIN');
  assert.match(headers['content-security-policy'], /default-src 'self'.*object-src 'none'/);
  const other = await scene.addBridge([`--www=${www}`, "--content-security-policy=default-src 'none'"]);
  assert.equal((await other.get('/app.js')).headers.get('content-security-policy'), "default-src 'none'");
});

test('sends a file again only if it has changed', async () => {
  const file = path.join(www, 'changing.txt');
  writeFileSync(file, 'one');
  const { headers: { etag } } = await get('/changing.txt');
  assert.match(etag, /^"[^"]+"$/);
  for (const condition of [etag, `"other", ${etag}`, `W/${etag}`, '*']) {
    const { status, headers, body } = await get('/changing.txt', `If-None-Match: ${condition}`);
    assert.deepEqual([status, headers.etag, body], [304, etag, ''], condition);
  }
  writeFileSync(file, 'two');
  const again = await get('/changing.txt', `If-None-Match: ${etag}`);
  assert.deepEqual([again.status, again.body], [200, 'two']);
  assert.notEqual(again.headers.etag, etag);
});

test('compresses text for clients that accept gzip', async () => {
  for (const accept of ['gzip', 'br, gzip;q=0.5', 'deflate, gzip']) {
    const { headers, bytes } = await get('/app.js', `Accept-Encoding: ${accept}`);
    assert.equal(headers['content-encoding'], 'gzip', accept);
    assert.match(headers.vary, /Accept-Encoding/);
    assert.ok(bytes.length < script.length / 10);
    assert.equal(gunzipSync(bytes).toString(), script);
  }
  for (const accept of ['identity', 'gzip;q=0', 'br']) {
    const { headers, body } = await get('/app.js', `Accept-Encoding: ${accept}`);
    assert.equal(headers['content-encoding'], undefined, accept);
    assert.equal(body, script);
  }
  const plain = await get('/alias.js');
  const compressed = await get('/alias.js', 'Accept-Encoding: gzip');
  assert.notEqual(plain.headers.etag, compressed.headers.etag);
  assert.equal((await get('/alias.js', 'Accept-Encoding: gzip', `If-None-Match: ${compressed.headers.etag}`)).status, 304);
  writeFileSync(path.join(www, 'app.js'), `${script}// changed`);
  assert.match(gunzipSync((await get('/app.js', 'Accept-Encoding: gzip')).bytes).toString(), /changed$/);
  writeFileSync(path.join(www, 'app.js'), script);
  for (const name of ['/large.bin', '/tiny.css']) assert.equal((await get(name, 'Accept-Encoding: gzip')).headers['content-encoding'], undefined, name);
});

test('sends large and empty files whole', async () => {
  const { bytes, headers } = await get('/large.bin');
  assert.equal(headers['content-length'], String(large.length));
  assert.ok(bytes.equals(large));
  assert.deepEqual([(await get('/empty.txt')).status, (await get('/empty.txt')).body], [200, '']);
});

test('answers HEAD for files', async () => {
  const { status, headers } = await ask(port, 'HEAD /large.bin HTTP/1.1', { hasBody: false });
  assert.deepEqual([status, headers['content-length']], [200, String(large.length)]);
});

test('keeps no descriptor and little memory for clients that do not read on', async () => {
  const before = { descriptors: bridge.descriptors, memory: bridge.memory };
  const slow = Array.from({ length: 50 }, () => {
    const client = new RawHttp(port);
    client.write('GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n');
    client.socket.once('data', () => client.socket.pause());
    return client;
  });
  await until('all have an answer', () => slow.every(({ socket }) => socket.isPaused()));
  // It opens the file for each part, so that one more may be open at any moment.
  await until('no descriptor but their sockets is open', () => bridge.descriptors <= before.descriptors + slow.length);
  assert.ok(bridge.memory - before.memory < slow.length * large.length / 4, `${bridge.memory} bytes, ${before.memory} before`);
  assert.equal((await get('/healthz')).status, 200);
  for (const client of slow) client.close();
});

test('serves the builds of the client library beside --client-js', async () => {
  for (const name of ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js', 'socket.io.msgpack.min.js', 'socket.io.js.map', 'socket.io.min.js.map',
    'socket.io.esm.min.js.map']) {
    const { status, headers, bytes } = await get(`/socket.io/${name}`, `Origin: ${origin}`);
    assert.equal(status, 200, name);
    assert.ok(bytes.equals(readFileSync(path.join(library, name))), name);
    assert.match(headers['content-type'], name.endsWith('.map') ? /json/ : /javascript/);
    assert.equal(headers['access-control-allow-origin'], origin);
    assert.equal((await get(`/socket.io/${name}?v=1`, `If-None-Match: ${headers.etag}`)).status, 304);
  }
  assert.equal((await get('/socket.io/socket.io.js', 'Accept-Encoding: gzip')).headers['content-encoding'], 'gzip');
  for (const name of ['socket.io.php', 'socket.io.js.map.map', '../package.json', 'index.js']) assert.notEqual((await get(`/socket.io/${name}`)).status, 200, name);
});

test('serves one file as the whole and the minified build', async () => {
  const single = path.join(folder, 'client.js');
  writeFileSync(single, '// the client');
  const other = await scene.addBridge([`--client-js=${single}`]);
  for (const [name, status] of [['socket.io.js', 200], ['socket.io.min.js', 200], ['socket.io.esm.min.js', 404], ['socket.io.js.map', 404]]) {
    assert.equal((await other.get(`/socket.io/${name}`)).status, status, name);
  }
});

test('pages load the client library from the bridge', async () => {
  const browser = await chromium();
  try {
    const page = await browser.newPage();
    await page.goto(`${bridge.url}/`);
    assert.equal(await page.evaluate('window.here'), 'function');
  } finally {
    await browser.close();
  }
});

test('names a wrong --client-js at the start', async () => {
  const { code, output } = await runBridge([`--database=${scene.conninfo}`, `--jwt-secret-file=${bridge.secretFile}`, '--listen=0', '--client-js=/no/such/file', '--check']);
  assert.equal(code, 1);
  assert.match(output, /client-js: \/no\/such\/file is not a file\n  Give a build/);
});
