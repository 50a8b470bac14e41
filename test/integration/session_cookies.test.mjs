// Session cookies: the application finds the users of clients without a token in its own table of sessions.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, test } from 'node:test';
import WebSocket from 'ws';
import { runBridge } from './harness/bridge.mjs';
import { chromium } from './harness/chromium.mjs';
import { atExit } from './harness/cleanup.mjs';
import { EventSourceClient } from './harness/event_source_client.mjs';
import { PlainClient } from './harness/plain_client.mjs';
import { ask } from './harness/raw_http.mjs';
import { Scene } from './harness/scene.mjs';
import { SocketIoClient } from './harness/socketio_client.mjs';
import { until } from './harness/wait.mjs';

const COOKIES = ['--session-cookie=connect.sid', '--allow-origin=https://app.example', '--allow-host=127.0.0.1'];
const scene = await Scene.open({ options: [...COOKIES, '--session-cookie-cache=500ms', '--action-timeout=2s'] });
after(() => scene.close());
const opened = [];
afterEach(() => { for (const client of opened.splice(0)) client.close(); });

// The sessions of the application, as express-session and connect-pg-simple keep them, and the recipe of docs/sql.md.
await scene.database.psql('-c', `
  CREATE ROLE app IN ROLE herald_admin, herald_inbox;
  CREATE SCHEMA app AUTHORIZATION app;
  SET ROLE app;
  CREATE TABLE app.session (sid varchar NOT NULL PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL);
  CREATE TABLE app.calls (sid text);
  CREATE FUNCTION app.session_user(token text) RETURNS jsonb LANGUAGE plpgsql SET search_path = app AS $$
  DECLARE
    asked text := split_part(substr(token, 5), '.', 1);
  BEGIN
    INSERT INTO calls VALUES (asked);
    PERFORM pg_sleep(30) WHERE asked LIKE 'slow%';
    IF asked = 'quotes' THEN PERFORM asked::uuid; END IF;
    RETURN (SELECT jsonb_strip_nulls(jsonb_build_object('sub', s.sess #>> '{passport,user}', 'exp', s.sess -> 'ends'))
            FROM session AS s WHERE s.sid = asked AND s.expire > now() AND 1 / (asked <> 'fails')::int = 1);
  END $$;
  SELECT herald.authenticate_by('app.session_user(text)')`);

// Writes a session as the application does at a login, and returns its id.
const logIn = async (user, sid = `sid-${user}`, { life = '1 hour', ends } = {}) => {
  await scene.database.query(`INSERT INTO app.session VALUES ($1, $2, now() + $3::interval)
    ON CONFLICT (sid) DO UPDATE SET sess = excluded.sess, expire = excluded.expire`,
    [sid, JSON.stringify({ cookie: { path: '/' }, passport: { user: String(user) }, ends }), life]);
  return sid;
};

// The cookie of a session, as express-session signs it.
const signed = (sid) => encodeURIComponent(`s:${sid}.${createHmac('sha256', 'keyboard cat').update(sid).digest('base64')}`);
const sleepers = (number) => scene.database.value("SELECT count(*) = $1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'", [number]);
const calls = (sid) => scene.database.value('SELECT count(*)::int FROM app.calls WHERE sid = $1', [sid]);

const Kinds = { 'socket.io': SocketIoClient, 'socket.io by polling': SocketIoClient, plain: PlainClient, 'event source': EventSourceClient };

// Connects without any token, as io() without options does: the browser adds the cookie.
async function connect(kind, sid, { cookie = signed(sid), bridge = scene.bridge, headers = {}, ...rest } = {}) {
  const all = { cookie: `theme=dark; connect.sid=${cookie}; xconnect.sid=other`, ...headers };
  const options = kind.startsWith('socket.io')
    ? { auth: undefined, extraHeaders: all, transports: [kind === 'socket.io' ? 'websocket' : 'polling'], ...rest } : { headers: all, ...rest };
  const client = await Kinds[kind].connect(bridge, undefined, options);
  opened.push(client);
  return client;
}
const refusal = (...parameters) => connect(...parameters).then(() => assert.fail('connected'), (error) => error);
const codeOf = (error) => error.data?.code ?? error.code;

for (const kind of Object.keys(Kinds)) {
  test(`admits a ${kind} client by the session of the application`, async () => {
    const [ann] = await scene.people('Ann');
    const client = await connect(kind, await logIn(ann));
    await scene.database.query("SELECT herald.publish('user:' || $1, 'order:shipped', '{}')", [ann]);
    await client.waitFor('order:shipped');
  });

  test(`refuses a ${kind} client whose session is unknown, expired or missing`, async () => {
    const [ben] = await scene.people('Ben');
    assert.equal(codeOf(await refusal(kind, 'unknown')), 'token_refused');
    assert.equal(codeOf(await refusal(kind, await logIn(ben, 'old', { life: '-1 s' }))), 'token_refused');
    if (kind === 'plain') return; // it may still send its token
    assert.equal(codeOf(await refusal(kind, '', { cookie: '' })), 'token_missing');
  });

  test(`answers a ${kind} client if its session cannot be checked`, async () => {
    const error = await refusal(kind, 'fails');
    assert.equal(codeOf(error), 'unavailable');
    if (kind === 'event source') assert.equal(error.status, 503);
  });
}

test('finds the cookie in any of several headers', async () => {
  const [gus] = await scene.people('Gus');
  const lines = ['GET /events HTTP/1.1', 'cookie: theme=dark', `cookie: connect.sid=${signed(await logIn(gus))}`, 'cookie: other=1'];
  assert.equal((await ask(scene.bridge.port, lines, { host: '127.0.0.1', hasBody: false })).status, 200);
});

test('prefers a token to the cookie, and takes one in a cookie', async () => {
  const [cleo, dan] = await scene.people('Cleo', 'Dan');
  const sid = await logIn(cleo);
  const headers = { authorization: `Bearer ${scene.token(dan)}` };
  assert.equal((await connect('plain', sid, { headers })).welcomes[0].userId, String(dan));
  assert.equal((await connect('plain', '', { cookie: `"${scene.token(dan)}"` })).welcomes[0].userId, String(dan));
  assert.equal(codeOf(await refusal('plain', '', { cookie: scene.token(dan, { seconds: -60 }) })), 'token_expired');
  assert.equal(await calls(sid), 0);
});

test('asks the application once for many clients, and again when its answer is old', async () => {
  const [eve] = await scene.people('Eve');
  const sid = await logIn(eve);
  await Promise.all(Array.from({ length: 10 }, () => connect('plain', sid)));
  assert.equal(await calls(sid), 1);
  await scene.database.query('DELETE FROM app.session WHERE sid = $1', [sid]);
  await connect('plain', sid);
  const error = await until('the answer is old', () => connect('plain', sid).then(() => null, (failure) => failure));
  assert.equal(codeOf(error), 'token_refused');
  await Promise.all(Array.from({ length: 5 }, () => refusal('plain', sid)));
  assert.ok(await calls(sid) <= 4);
  await logIn(eve);
  await until('the refusal is old', () => connect('plain', sid).then(() => true, () => false));
});

test('a slow application delays nobody else, and its clients get an answer', async () => {
  const [fay] = await scene.people('Fay');
  const sid = await logIn(fay);
  const slow = ['slow-1', 'slow-2'].map((name) => refusal('socket.io', name));
  await until('they are asked for', () => sleepers(2));
  const started = Date.now();
  await connect('plain', sid);
  await connect('plain', '', { cookie: scene.token(fay) });
  assert.ok(Date.now() - started < 1800, `${Date.now() - started} ms`);
  for (const error of await Promise.all(slow)) assert.equal(codeOf(error), 'unavailable');
});

test('an event stream that is refused behind its head ends at once', async () => {
  const bridge = await scene.addBridge([...COOKIES, '--action-timeout=1s', '--ping-interval=100ms']);
  const response = await fetch(`${bridge.url}/events`, { headers: { cookie: `connect.sid=${signed('slow-4')}` } });
  assert.equal(response.status, 200);
  let refused;
  for await (const piece of response.body) if (String(Buffer.from(piece)).includes('"unavailable"')) refused = Date.now();
  assert.ok(Date.now() - refused < 3000, `${Date.now() - refused} ms`);
});

test('slow cookies of one address leave connections to the others', async () => {
  const bridge = await scene.addBridge([...COOKIES, '--trusted-proxy=127.0.0.1', '--action-timeout=2s']);
  const [fay] = await scene.people('Fay');
  const from = (address) => ({ bridge, headers: { 'x-forwarded-for': address } });
  // One client may own a network of 64 bits.
  for (const [kind, other, address] of [['v4', '192.0.2.2', () => '192.0.2.1'], ['v6', '2001:db8:0:1::1', (n) => `2001:db8::${n + 1}`]]) {
    const sid = await logIn(fay, `sid-${kind}`);
    const slow = Array.from({ length: 4 }, (_, n) => refusal('plain', `slow-${kind}-${n}`, from(address(n))));
    await until('they are asked for', () => sleepers(3));
    const started = Date.now();
    await connect('plain', sid, from(other));
    assert.ok(Date.now() - started < 1500, `${Date.now() - started} ms`);
    for (const error of await Promise.all(slow)) assert.equal(codeOf(error), 'unavailable');
  }
});

test('cookies that make the application fail count as failed tokens, are asked about once, and are not logged', async () => {
  const bridge = await scene.addBridge([...COOKIES, '--session-cookie-cache=5min', '--trusted-proxy=127.0.0.1',
    '--limit-failed-tokens=1/h:1', '--limit-address-sessions=3']);
  const from = { bridge, headers: { 'x-forwarded-for': '192.0.2.7' } };
  const before = await calls('quotes');
  const codes = [];
  for (let i = 0; i < 4; i++) codes.push(await refusal('plain', 'quotes', from));
  assert.equal(codes[0].code, 'unavailable');
  assert.ok(await bridge.metric('herald_limited_total{reason="failed_tokens"}') > 0);
  assert.equal(await calls('quotes'), before, 'the calls are rolled back');
  assert.equal(await bridge.logged(/event=cookie_not_checked/), 1);
  assert.match(bridge.log, /event=cookie_not_checked sqlstate=22P02/);
  assert.ok(!bridge.log.includes('quotes'), bridge.log);
});

test('blames no client for a slow database, and asks again about its cookie', async () => {
  const bridge = await scene.addBridge([...COOKIES, '--session-cookie-cache=5min', '--trusted-proxy=127.0.0.1', '--action-timeout=1s',
    '--limit-failed-tokens=1/h:1', '--limit-address-sessions=1']);
  const from = { bridge, headers: { 'x-forwarded-for': '192.0.2.8' } };
  await until('it can ask', () => /event=database_connected connection=cookies/.test(bridge.log));
  const asked = await bridge.metric('herald_database_queries_total');
  for (let i = 0; i < 3; i++) assert.equal((await refusal('plain', 'slow-5', from)).code, 'unavailable');
  assert.match(bridge.log, /event=cookie_not_checked sqlstate=57014/);
  assert.equal(await bridge.metric('herald_limited_total{reason="failed_tokens"}'), 0);
  assert.equal(await bridge.metric('herald_authentications_failed_total'), 0);
  assert.ok(await bridge.metric('herald_database_queries_total') >= asked + 3, 'it asks each time');
  const [ned] = await scene.people('Ned');
  await connect('plain', await logIn(ned), from);
});

test('serves others after clients have gone while the bridge checks their cookies', async () => {
  const [kim] = await scene.people('Kim');
  const headers = { cookie: `connect.sid=${signed('slow-3')}` };
  const gone = [new WebSocket(`${scene.bridge.url.replace('http', 'ws')}/ws`, { headers }), http.get(`${scene.bridge.url}/events`, { headers })];
  for (const client of gone) client.on('error', () => {});
  await until('both wait', async () => await scene.bridge.metric('herald_connections') === 2 && sleepers(1));
  gone[0].terminate();
  gone[1].destroy();
  await until('both have gone', async () => await scene.bridge.metric('herald_connections') === 0);
  await until('the query has ended', () => sleepers(0));
  await connect('plain', await logIn(kim));
});

for (const kind of Object.keys(Kinds)) {
  test(`disconnect() and revoke_tokens() end a session of ${kind} by a cookie, and the application is asked again`, async () => {
    const [gus] = await scene.people('Gus');
    const sid = await logIn(gus);
    const kicked = await connect(kind, sid);
    await scene.database.query('SELECT herald.disconnect($1)', [gus]);
    await kicked.waitFor('error', ({ code }) => code === 'disconnected');
    const revoked = await connect(kind, sid);
    assert.equal(await calls(sid), 2);
    const session = await scene.database.connect();
    await session.query('BEGIN');
    await session.query('SELECT herald.revoke_tokens($1)', [gus]);
    await session.query('DELETE FROM app.session WHERE sid = $1', [sid]);
    await session.query('COMMIT');
    await session.end();
    await revoked.waitFor('error', ({ code }) => code === 'token_revoked');
    assert.equal(codeOf(await refusal(kind, sid)), 'token_refused');
    await connect(kind, await logIn(gus, `${sid}-new`));
  });
}

test('a session ends when the application says, and no earlier', async () => {
  const [hal] = await scene.people('Hal');
  const client = await connect('plain', await logIn(hal, 'short', { ends: Math.floor(Date.now() / 1000) + 2 }));
  await client.waitFor('error', ({ code }) => code === 'token_expired');
});

test('a plain client comes back with its session and position in the URL', async () => {
  const [ida] = await scene.people('Ida');
  const sid = await logIn(ida);
  const before = await connect('plain', sid);
  await scene.settle(before);
  before.close();
  await scene.database.query("SELECT herald.publish('user:' || $1, 'order:shipped', '{}')", [ida]);
  const again = await connect('plain', sid, { query: `?sessionId=${before.sessionId}&position=${encodeURIComponent(before.position)}` });
  await again.waitFor('order:shipped');
  assert.deepEqual([again.welcomes[0].recovered, again.sessionId], [true, before.sessionId]);
});

test('pages of other origins, other hosts, and requests that a browser calls cross-site get nothing', async () => {
  const [joe] = await scene.people('Joe');
  const cookie = `cookie: connect.sid=${signed(await logIn(joe))}`;
  const get = async (path, ...lines) => (await ask(scene.bridge.port, [`GET ${path} HTTP/1.1`, cookie, ...lines], { host: '127.0.0.1' })).status;
  const poll = '/socket.io/?EIO=4&transport=polling';
  for (const path of [poll, '/events']) {
    assert.equal(await get(path, 'origin: https://evil.example'), 403);
    assert.equal(await get(path, `origin: http://127.0.0.1:${scene.bridge.port}`), 403, 'not even the one that equals the host');
    const { status } = await ask(scene.bridge.port, [`GET ${path} HTTP/1.1`, cookie, 'origin: https://app.example'], { host: 'rebound.example' });
    assert.equal(status, 421);
  }
  assert.equal(await get('/events', 'sec-fetch-site: cross-site'), 401);
  const upgrade = ['GET /ws HTTP/1.1', cookie, 'connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='];
  assert.equal((await ask(scene.bridge.port, [...upgrade, 'origin: https://evil.example'], { host: '127.0.0.1' })).status, 403);
  assert.equal((await ask(scene.bridge.port, [...upgrade, 'origin: https://app.example'], { host: 'rebound.example' })).status, 421);
  await scene.bridge.logged(/event=host_refused/);
  await connect('plain', `sid-${joe}`, { headers: { origin: 'https://app.example' } });
});

// The server of an attacker. It has the page of the attack; all else goes to the bridge with its host, as after DNS rebinding.
// Chromium lets no page but one of this machine connect to it.
async function serveAttack(library, port) {
  const own = { '/attack.html': ['text/html', '<!doctype html><script src="/client.js"></script>'], '/client.js': ['text/javascript', readFileSync(library)] };
  const sockets = new Set();
  const pass = ({ method, url, headers }) => http.request({ host: '127.0.0.1', port, method, path: url, headers: { ...headers, connection: 'close' } });
  const server = http.createServer((request, response) => {
    if (own[request.url]) {
      response.setHeader('content-type', own[request.url][0]).end(own[request.url][1]);
      return;
    }
    const passed = pass(request).on('error', () => response.destroy()).on('response', (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(passed);
  });
  server.on('upgrade', (request, socket) => {
    const bridge = net.connect(port, '127.0.0.1', () => {
      const lines = request.rawHeaders.flatMap((name, n, all) => (n % 2 ? [] : [`${name}: ${all[n + 1]}`]));
      bridge.write(`${[`GET ${request.url} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`);
    });
    for (const [one, other] of [[socket, bridge], [bridge, socket]]) one.on('error', () => other.destroy()).pipe(other);
  });
  server.on('connection', (socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: server.address().port, close: () => { server.close(); for (const socket of sockets) socket.destroy(); } };
}

// A page of the application, of a sister site to which browsers send the cookie, too, and of a name that leads to the bridge.
test('in a browser, io() without options connects by the cookie of the page, and pages of other origins get nothing', async () => {
  const www = mkdtempSync(path.join(tmpdir(), 'herald-www-'));
  atExit(() => rmSync(www, { recursive: true, force: true }));
  writeFileSync(path.join(www, 'index.html'), '<!doctype html><script src="/socket.io/socket.io.js"></script>');
  const library = path.join(path.dirname(createRequire(import.meta.url).resolve('socket.io-client/package.json')), 'dist/socket.io.js');
  const bridge = await scene.addBridge(['--session-cookie=connect.sid', '--allow-origin=http://app.test', '--allow-host=app.test',
    `--www=${www}`, `--client-js=${library}`]);
  const attacker = await serveAttack(library, bridge.port);
  const browser = await chromium({ hosts: [`app.test 127.0.0.1:${bridge.port}`, ...['evil.app.test', 'rebound.test'].map((name) => `${name} 127.0.0.1:${attacker.port}`)] });
  try {
    const [lea] = await scene.people('Lea');
    const context = await browser.newContext();
    await context.addCookies([{ name: 'connect.sid', value: signed(await logIn(lea)), domain: 'app.test', path: '/', httpOnly: true, sameSite: 'Lax' },
      { name: 'connect.sid', value: signed(`sid-${lea}`), domain: 'rebound.test', path: '/', httpOnly: true, sameSite: 'Lax' }]);
    const page = await context.newPage();
    // Collects the events of each road in "heard", and the roads that the bridge closes in "refused".
    const listen = (host) => page.evaluate((at) => {
      window.heard = [];
      window.refused = [];
      const socket = window.io(...(at ? [`http://${at}`, { withCredentials: true }] : []));
      socket.onAny((name) => window.heard.push(`io ${name}`));
      socket.on('connect_error', () => window.refused.push('io'));
      const stream = new EventSource(`${at ? `http://${at}` : ''}/events`, { withCredentials: true });
      for (const name of ['welcome', 'order:shipped']) stream.addEventListener(name, () => window.heard.push(`stream ${name}`));
      stream.onerror = () => window.refused.push('stream');
      const plain = new WebSocket(`ws://${at ?? location.host}/ws`);
      plain.onmessage = ({ data }) => window.heard.push(`plain ${JSON.parse(data).event}`);
      plain.onclose = () => window.refused.push('plain');
    }, host);

    await page.goto('http://app.test/');
    await listen();
    const roads = ['io', 'plain', 'stream'];
    const pageHas = (list, ...wanted) => until(`the page's ${list} has ${wanted}`,
      () => page.evaluate(([name, lines]) => lines.every((line) => window[name].includes(line)), [list, wanted]));
    await pageHas('heard', 'io notification:unread', 'plain welcome', 'stream welcome');
    await scene.database.query("SELECT herald.publish('user:' || $1, 'order:shipped', '{}')", [lea]);
    await pageHas('heard', ...roads.map((road) => `${road} order:shipped`));

    const began = () => bridge.log.match(/event=session_began/g).length;
    const before = began();
    for (const [origin, host, reason] of [['http://evil.app.test', 'app.test', 'origin_refused'], ['http://rebound.test', undefined, 'host_refused']]) {
      const from = bridge.log.length;
      await page.goto(`${origin}/attack.html`);
      await listen(host);
      await pageHas('refused', ...roads);
      assert.deepEqual(await page.evaluate(() => window.heard), [], origin);
      await bridge.logged(new RegExp(`event=${reason}`), from);
    }
    assert.equal(began(), before);
    const reads = ['/', '/metrics', '/status', '/socket.io/socket.io.js'];
    assert.deepEqual(await page.evaluate((paths) => Promise.all(paths.map(async (name) => (await fetch(name)).status)), reads),
      reads.map(() => 421), 'the page of a name that leads to the bridge reads nothing');
  } finally {
    await browser.close();
    attacker.close();
  }
});

test('does not start with cookies and without lists of origins and hosts', async () => {
  for (const missing of [['--allow-host=a'], ['--allow-origin=https://a.example'], ['--allow-host=a', '--allow-origin=*'],
    ['--allow-host=a', '--allow-origin=https://a.example', '--allow-origin=null']]) {
    const { code, output } = await runBridge(['--session-cookie=sid', '--check', ...missing]);
    assert.notEqual(code, 0);
    assert.match(output, /session-cookie needs allow-origin and allow-host/);
  }
  const { output } = await runBridge(['--session-cookie=sid', '--check', '--allow-host=a', '--allow-origin=https://a.example', '--database=host=/nowhere', '--listen=127.0.0.1:0']);
  assert.match(output, /cannot connect/, 'it needs no secret then');
});
