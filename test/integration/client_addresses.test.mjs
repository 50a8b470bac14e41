// Behind proxies, the bridge knows the addresses of its clients. The administrator has a port of its own.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, test } from 'node:test';
import { freePort } from './harness/bridge.mjs';
import { RawHttp, ask } from './harness/raw_http.mjs';
import { Scene } from './harness/scene.mjs';
import { soon, until } from './harness/wait.mjs';

const admin = await freePort();
// All connections of this file come from 127.0.0.1: for the first bridge a trusted proxy, for the second a stranger.
const scene = await Scene.open({ options: ['--log-level=debug', '--trusted-proxy=127.0.0.0/8', '--trusted-proxy=10.0.0.0/8'] });
after(() => scene.close());
const trusting = scene.bridge;
const strict = await scene.addBridge(['--log-level=debug', '--trusted-proxy=10.0.0.0/8', `--admin-listen=127.0.0.1:${admin}`]);
const [ann] = await scene.people('Ann');

const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const requests = {
  'a poll': ['GET /socket.io/?EIO=4&transport=polling HTTP/1.1'],
  'a WebSocket': ['GET /ws HTTP/1.1', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', key],
};

// Connects with pieces of a PROXY header in front, and with headers; returns the address that the bridge logs.
async function addressOf(bridge, { pieces = [], headers = [], request = requests['a poll'] }) {
  const before = bridge.log.length;
  const client = new RawHttp(bridge.port);
  client.socket.setNoDelay();
  for (const piece of pieces) {
    client.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  client.write(`${[...request, 'Host: x', ...headers].join('\r\n')}\r\n\r\n`);
  assert.ok([101, 200].includes((await client.response()).status));
  const [, address] = await until('the address is logged', () => /event=connected .*?peer="?([^\s"]+)/.exec(bridge.log.slice(before)));
  client.close();
  return address;
}

const forwarded = [
  [['X-Forwarded-For: 192.0.2.1'], '192.0.2.1'],
  [['X-Forwarded-For: 6.6.6.6, 192.0.2.1'], '192.0.2.1'],
  [['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-For: 192.0.2.1, 10.0.0.9'], '192.0.2.1'],
  [[`X-Forwarded-For: ${'6.6.6.6, '.repeat(1000)}2001:db8::1`], '2001:db8::1'],
  [['Forwarded: for=6.6.6.6, for="[2001:db8::1]:81";proto=https'], '2001:db8::1'],
  [['X-Forwarded-For: 192.0.2.1', 'Forwarded: for=6.6.6.6'], '192.0.2.1'],
  [['X-Forwarded-For: nonsense'], '127.0.0.1'],
  [[], '127.0.0.1'],
];

for (const [name, request] of Object.entries(requests)) {
  test(`takes the address of ${name} from the headers of a trusted proxy`, async () => {
    for (const [headers, address] of forwarded) assert.equal(await addressOf(trusting, { request, headers }), address, headers.join().slice(0, 80));
  });

  test(`takes the address of ${name} from its connection if it comes from anywhere else`, async () => {
    for (const [headers] of forwarded) assert.equal(await addressOf(strict, { request, headers }), '127.0.0.1');
  });
}

test('tells requests of different clients on one connection apart', async () => {
  const client = new RawHttp(trusting.port);
  for (const address of ['192.0.2.1', '192.0.2.2']) {
    const before = trusting.log.length;
    client.write(`${requests['a poll'][0]}\r\nHost: x\r\nX-Forwarded-For: ${address}\r\n\r\n`);
    assert.equal((await client.response()).status, 200);
    await until('it is logged', () => trusting.log.slice(before).includes(`peer=${address}`));
  }
  client.close();
});

test('limits each address behind a trusted proxy, not the proxy', async () => {
  const limited = await scene.addBridge(['--trusted-proxy=127.0.0.1', '--limit-failed-tokens=1/min:1', '--limit-address-sessions=1']);
  const show = (address) => ask(limited.port, ['GET /events?token=bad HTTP/1.1', `X-Forwarded-For: 6.6.6.6, ${address}`]);
  const refused = () => limited.metric('herald_limited_total');
  await show('192.0.2.1');
  assert.equal(await refused(), 0);
  await show('192.0.2.1');
  assert.equal(await refused(), 1);
  await show('192.0.2.2');
  assert.equal(await refused(), 1);
});

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const version2 = (command, family, ...rest) => Buffer.concat([signature, Buffer.from([0x20 | command, family, 0, rest.length, ...rest])]);
const source = [192, 0, 2, 1, 198, 51, 100, 1, 16, 0, 1, 187];
test('limits private addresses, but no trusted proxy', async () => {
  const options = ['--limit-connects=1/min:1', '--limit-address-sessions=1', '--limit-user-sessions=1000'];
  const connect = async (bridge, address) => (await ask(bridge.port, ['GET /events HTTP/1.1', `x-forwarded-for: ${address}`,
    `authorization: Bearer ${scene.token(`user ${Math.random()}`)}`], { hasBody: false })).status;
  const behind = await scene.addBridge(['--trusted-proxy=127.0.0.1', ...options]);
  assert.deepEqual([await connect(behind, '10.1.2.3'), await connect(behind, '10.1.2.3')], [200, 429]);
  assert.deepEqual([await connect(behind, 'unknown'), await connect(behind, 'unknown')], [200, 200], 'the proxy itself');
  const alone = await scene.addBridge(options);
  assert.deepEqual([await connect(alone, '10.1.2.3'), await connect(alone, '10.1.2.4')], [200, 429], 'the address of the machine');
});

test('limits actions and joins of all users of an address together', async () => {
  const options = ['--limit-actions=1/h:2', '--limit-joins=1/h:1', '--limit-address-sessions=2', '--limit-user-sessions=1000'];
  const bridge = await scene.addBridge(['--trusted-proxy=127.0.0.1', ...options]);
  const users = await scene.people('Ann', 'Ben', 'Cat', 'Dan', 'Eve');
  const post = await scene.post(users[0]);
  const from = (user, address) => scene.plain(user, { bridge, headers: { 'x-forwarded-for': address } });
  const answers = { 'inbox:list': [], 'room:join': [] };
  for (const user of users) {
    const client = await from(user, '192.0.2.1');
    for (const [action, codes] of Object.entries(answers)) codes.push((await client.ask(action, { room: `post:${post}` })).error?.code ?? 'ok');
  }
  assert.deepEqual(answers, { 'inbox:list': ['ok', 'ok', 'ok', 'ok', 'too_many'], 'room:join': ['ok', 'ok', 'too_many', 'too_many', 'too_many'] });
  await bridge.logged(/event=limited reason=actions by=address user=\d+ peer=192\.0\.2\.1/);
  assert.equal((await (await from(users[4], '192.0.2.2')).ask('inbox:list')).ok, true);
  scene.closeClients();
});

test('limits messages and signals of all users of an address together', async () => {
  const options = ['--trusted-proxy=127.0.0.1', '--limit-address-sessions=2', '--limit-user-sessions=1000'];
  const users = await scene.people('Ann', 'Ben', 'Cat', 'Dan', 'Eve');
  const from = (bridge, user, address) => scene.plain(user, { bridge, headers: { 'x-forwarded-for': address } });

  const signals = await scene.addBridge([...options, '--limit-signals=1/h:2']);
  const codes = [];
  for (const user of users) codes.push((await (await from(signals, user, '192.0.2.1')).ask('presence:set', { status: 'away' })).error?.code ?? 'ok');
  assert.deepEqual(codes, ['ok', 'ok', 'ok', 'ok', 'too_many']);
  await until('the log has the address', () => /event=limited reason=signals by=address user=\d+ peer=192\.0\.2\.1/.test(signals.log));
  assert.equal((await (await from(signals, users[4], '192.0.2.2')).ask('presence:set', { status: 'away' })).ok, true);

  // The message with the token counts, too: three users send six each, and the fourth may send two.
  const messages = await scene.addBridge([...options, '--limit-messages=1/h:10']);
  for (const user of users.slice(0, 3)) {
    const client = await from(messages, user, '192.0.2.1');
    for (let n = 0; n < 5; n++) assert.equal((await client.ask('ping')).ok, true);
  }
  const fourth = await from(messages, users[3], '192.0.2.1');
  for (let n = 0; n < 6; n++) fourth.send({ action: 'ping' });
  assert.deepEqual(await fourth.closed, { code: 4429, reason: 'too_many' });
  await until('the log has the address', () => /event=limited reason=messages by=address user=\d+ peer=192\.0\.2\.1/.test(messages.log));
  assert.equal((await (await from(messages, users[4], '192.0.2.2')).ask('ping')).ok, true);
  scene.closeClients();
});

test('closes connections beyond the limit of their address at once, and none of another one', async () => {
  const limited = await scene.addBridge(['--trusted-proxy=127.0.0.1', '--limit-sockets=1/h:3', '--limit-address-sessions=1']);
  const open = async (address) => {
    const client = new RawHttp(limited.port);
    client.write(`PROXY TCP4 ${address} 198.51.100.1 4096 443\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`);
    return client.response().then(({ status }) => status, () => 'closed').finally(() => client.close());
  };
  for (let i = 0; i < 3; i++) assert.equal(await open('192.0.2.1'), 200);
  for (let i = 0; i < 3; i++) assert.equal(await open('192.0.2.1'), 'closed');
  assert.equal(await open('192.0.2.2'), 200);
  assert.equal(await limited.metric('herald_limited_total{reason="sockets"}'), 3);
  assert.equal(await limited.logged(/event=limited reason=sockets by=address peer=192\.0\.2\.1/), 1);
});

test('counts malformed requests, and those with a session that are no polls, but no polls', async () => {
  const limited = await scene.addBridge(['--trusted-proxy=127.0.0.1', '--limit-sockets=1/h:3', '--limit-address-sessions=1']);
  const poll = '/socket.io/?EIO=4&transport=polling';
  const answer = async (n, lines, options) => (await ask(limited.port, [lines[0], `X-Forwarded-For: 192.0.2.${n}`, ...lines.slice(1)], options)).status;
  const { body } = await ask(limited.port, [`GET ${poll} HTTP/1.1`, 'X-Forwarded-For: 192.0.2.99']);
  const url = `${poll}&sid=${JSON.parse(body.slice(1)).sid}`;
  const floods = [['GET /healthz HTTP/2.7'], ['GET /healthz HTTP/1.1', 'Host: second'], ['GET /ws HTTP/1.1', 'Upgrade: h2c', 'Connection: Upgrade'],
    [`OPTIONS ${url} HTTP/1.1`], [`DELETE ${url} HTTP/1.1`], [`GET ${url} HTTP/1.1`, 'Host: second'], [`GET ${url} HTTP/1.1`, 'Origin: https://evil.example'],
    [`GET ${url} HTTP/1.1`, 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', key]];
  for (const [n, lines] of floods.entries()) {
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push(await answer(n + 1, lines));
    assert.ok(!statuses.slice(0, 3).includes(429), `${lines}: ${statuses}`);
    assert.deepEqual(statuses.slice(3), [429, 429], `${lines}`);
  }
  for (let i = 0; i < 5; i++) assert.equal(await answer(50, [`POST ${url} HTTP/1.1`, 'Content-Length: 1'], { body: '3' }), 200);
});

// More sockets than a bridge with max-connections=1 has room for.
const CROWD = 120;

test('cuts what has waited longest when it is full: no newcomer before older sockets, and never the administrator', async () => {
  const port = await freePort();
  const small = await scene.addBridge(['--max-connections=1', `--admin-listen=127.0.0.1:${port}`]);
  const cut = async () => Number(/^herald_newcomers_cut_total (\d+)$/m.exec((await ask(port, 'GET /metrics HTTP/1.1')).body)[1]);
  const open = (count, text) => Array.from({ length: count }, () => {
    const client = new RawHttp(small.port);
    client.write(text);
    return client;
  });
  const administrators = [new RawHttp(port), new RawHttp(port)];
  administrators[1].write('GET /hea');
  const idle = open(CROWD, 'GET /');
  await until('it is full', async () => await cut() > 0);
  const honest = new RawHttp(small.port);
  await once(honest.socket, 'connect');
  const before = await cut();
  const silent = open(CROWD / 4, '');
  await until('others had to give way', async () => await cut() >= before + CROWD / 4);
  honest.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal((await honest.response()).status, 200);
  administrators[0].write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  administrators[1].write('lthz HTTP/1.1\r\nHost: x\r\n\r\n');
  for (const administrator of administrators) assert.equal((await administrator.response()).status, 200);
  for (const client of [...idle, ...silent, ...administrators, honest]) client.close();
});

test('charges no address for connections to the port of the administrator', async () => {
  const port = await freePort();
  const limited = await scene.addBridge(['--trusted-proxy=127.0.0.1', '--limit-sockets=1/h:10', '--limit-address-sessions=1', `--admin-listen=127.0.0.1:${port}`]);
  for (let n = 0; n < 20; n++) {
    const probe = new RawHttp(port, { localAddress: '127.0.0.2' });
    await once(probe.socket, 'connect');
    probe.socket.end();
    await soon('the bridge closes the connection', probe.ended);
    probe.close();
  }
  assert.equal((await ask(limited.port, 'GET /healthz HTTP/1.1', { localAddress: '127.0.0.2' })).status, 200);
});

const proxyHeaders = [
  [Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 4096 443\r\n'), '192.0.2.1'],
  [Buffer.from('PROXY TCP6 2001:db8::1 2001:db8::2 4096 443\r\n'), '2001:db8::1'],
  [Buffer.from('PROXY UNKNOWN\r\n'), '127.0.0.1'],
  [version2(1, 0x11, ...source), '192.0.2.1'],
  [version2(1, 0x11, ...source, 4, 0, 1, 0), '192.0.2.1'],
  [version2(0, 0), '127.0.0.1'],
];

test('takes the address from the PROXY header of a trusted proxy, whole and in pieces', async () => {
  for (const [header, address] of proxyHeaders) {
    assert.equal(await addressOf(trusting, { pieces: [header] }), address);
    assert.equal(await addressOf(trusting, { pieces: [header.subarray(0, 3), header.subarray(3, 14), header.subarray(14)] }), address);
  }
  const headers = ['X-Forwarded-For: 6.6.6.6'];
  assert.equal(await addressOf(trusting, { pieces: [proxyHeaders[0][0]], headers }), '192.0.2.1', 'a client behind the proxy forges nothing');
});

test('believes nobody else with a PROXY header', async () => {
  for (const [header, address] of proxyHeaders) {
    const client = new RawHttp(strict.port);
    client.write(Buffer.concat([header, Buffer.from(`${requests['a poll'][0]}\r\nHost: x\r\nConnection: close\r\n\r\n`)]));
    await soon('the connection ends', client.ended);
    client.close();
    if (address !== '127.0.0.1') assert.ok(!strict.log.includes(`peer=${address}`));
  }
});

test('closes connections with malformed PROXY headers, and those that end before their first byte', async () => {
  for (const header of ['PROXY TCP4 here there 1 2\r\n', 'PROXY \r\n', `PROXY ${'x'.repeat(200)}`, version2(1, 0x11, 1, 2, 3), version2(7, 0x11, ...source)]) {
    const client = new RawHttp(trusting.port);
    client.write(Buffer.concat([Buffer.from(header), Buffer.from('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')]));
    await soon('the connection is closed', client.ended);
    await assert.rejects(client.response());
    client.close();
  }
  const before = trusting.descriptors;
  for (let n = 0; n < 20; n++) await soon('it closes', new Promise((resolve) => net.connect(trusting.port, '127.0.0.1', function () { this.end(); }).resume().on('close', resolve)));
  await until('the descriptors are free', () => trusting.descriptors <= before);
  await trusting.logged(/event=proxy_header_refused .*peer=127\.0\.0\.1/);
});

test('uses no processor time while a part of a PROXY header is there', async () => {
  const client = new RawHttp(trusting.port);
  client.write('PROXY TCP4 192.');
  await new Promise((resolve) => setTimeout(resolve, 200));
  const before = trusting.processorTime();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.ok(trusting.processorTime() - before < 500, 'the loop does not spin');
  client.close();
});

test('keeps metrics, the status page and reasons on the port of the administrator', async () => {
  for (const name of ['/metrics', '/status']) assert.equal((await ask(strict.port, `GET ${name} HTTP/1.1`)).status, 404, name);
  assert.equal((await ask(strict.port, 'GET /readyz HTTP/1.1')).body, 'ready\n');
  for (const port of [strict.port, admin]) {
    assert.equal((await ask(port, 'GET /healthz HTTP/1.1')).body, 'ok\n');
    assert.equal((await ask(port, 'HEAD /healthz HTTP/1.1', { hasBody: false })).status, 200);
  }
  assert.match((await ask(admin, 'GET /metrics HTTP/1.1')).body, /^herald_connections\{/m);
  const { body, headers } = await ask(admin, 'GET /status HTTP/1.1');
  assert.match(headers['content-type'], /html/);
  assert.match(body, /<p>ready.*herald_connections/s);
  await scene.postgres.stop();
  await until('it is not ready', async () => (await ask(admin, 'GET /readyz HTTP/1.1')).status === 503);
  assert.equal((await ask(strict.port, 'GET /readyz HTTP/1.1')).body, 'not ready\n');
  assert.notEqual((await ask(admin, 'GET /readyz HTTP/1.1')).body, 'not ready\n');
  await scene.postgres.start();
  await strict.ready();
});

test('serves no client on the port of the administrator', async () => {
  const upgrade = requests['a WebSocket'].slice(1);
  for (const lines of [requests['a poll'], [`GET /events?token=${scene.token(ann)} HTTP/1.1`], ['GET /ws HTTP/1.1', ...upgrade],
    ['GET /socket.io/?EIO=4&transport=websocket HTTP/1.1', ...upgrade], ['GET / HTTP/1.1']]) {
    assert.equal((await ask(admin, lines)).status, 404, lines[0]);
  }
});
