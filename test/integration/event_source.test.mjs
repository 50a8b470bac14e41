// Server-Sent Events at /events: a browser's EventSource gets what a WebSocket gets, and misses nothing when it comes back.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, test } from 'node:test';
import { chromium } from './harness/chromium.mjs';
import { atExit } from './harness/cleanup.mjs';
import { EventSourceClient } from './harness/event_source_client.mjs';
import { Scene } from './harness/scene.mjs';
import { Traffic } from './harness/traffic.mjs';
import { soon, until } from './harness/wait.mjs';

// A page with nothing on it, for the browser's own EventSource.
const www = mkdtempSync(path.join(tmpdir(), 'herald-www-'));
atExit(() => rmSync(www, { recursive: true, force: true }));
writeFileSync(path.join(www, 'index.html'), '<!doctype html><title>Events</title>');

const scene = await Scene.open({ options: [`--www=${www}`] });
const browser = await chromium();
after(async () => {
  await browser.close();
  await scene.close();
});
afterEach(() => scene.closeClients());

const { database, bridge } = scene;
const messageIds = (client) => client.all('message:created').map(({ data }) => data.messageId);
const like = (user, post) => database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [user, post]);

test('the stream begins with a welcome and the unread count; its headers keep caches and proxies away', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.eventSource(ann);
  const { headers } = client.response;
  assert.equal(headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['x-accel-buffering'], 'no');
  assert.equal(headers.connection, 'close');
  assert.equal(client.welcomes[0].userId, ann);
  assert.match(client.welcomes[0].sessionId, /^[0-9a-f]{32}$/);
  assert.equal(client.welcomes[0].recovered, false);
  assert.notEqual(client.lastEventId, '');
  assert.deepEqual(await client.waitFor('notification:unread'), { count: 0 });
});

test('an event looks as it does on a plain WebSocket; its id is the position', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const [stream, plain] = await Promise.all([scene.eventSource(ann), scene.plain(ann)]);
  await scene.message(conversation, ben, 'Two\nlines: "quoted"\r\n\n and 👋');
  await scene.settle(stream, plain);
  const frames = stream.all('message:created').map(({ frame, lastEventId }) => {
    assert.equal(lastEventId, frame.position);
    assert.equal(frame.event, 'message:created');
    return { event: frame.event, data: frame.data, id: frame.id, room: frame.room, position: frame.position };
  });
  assert.deepEqual(frames, plain.all('message:created'));
  assert.equal(frames[0].data.content, 'Two\nlines: "quoted"\r\n\n and 👋');
});

test('rooms of the URL are joined; one that is refused is told as an error, and the others go on', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const foreign = `conversation:${await scene.conversation(ben)}`;
  const posts = [await scene.post(ben), await scene.post(ben)];
  const client = await scene.eventSource(ann, { rooms: [`post:${posts[0]}`, foreign, '', `post:${posts[1]}`] });
  for (const post of posts) await like(ben, post);
  await scene.settle(client);
  assert.deepEqual(client.all('post:liked').map(({ room }) => room), posts.map((post) => `post:${post}`));
  assert.deepEqual(client.all('error').map(({ room, data }) => [room, data.code]), [[foreign, 'forbidden'], ['', 'bad_request']]);
});

test('up to 64 rooms may be asked for; more is answered with 400', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const post = await scene.post(ben);
  const rooms = (count) => Array.from({ length: count }, (_, n) => (n === count - 1 ? `post:${post}` : `post:${1000000 + n}`));
  const client = await scene.eventSource(ann, { rooms: rooms(64) });
  await like(ben, post);
  await client.waitFor('post:liked');
  assert.equal(client.all('error').length, 63);
  await assert.rejects(scene.eventSource(ann, { rooms: rooms(65) }), { status: 400, code: 'bad_request' });
});

// Two people who talk; the stream of one of them comes back by itself and listens to a post as well.
async function openTalk(options) {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const post = await scene.post(ben);
  const stream = await scene.eventSource(ann, { resume: true, retry: 20, rooms: [`post:${post}`], ...options });
  return { ann, ben, conversation, post, stream, traffic: new Traffic(scene, conversation, ben) };
}

// Every committed message once, in order, and whatever happened in the joined room.
async function nothingWasMissed({ stream, traffic, ben, post }) {
  const sent = await traffic.stop();
  await like(ben, post);
  await stream.waitFor('post:liked');
  assert.deepEqual(messageIds(stream), sent);
}

test('a bridge that is killed in the middle of traffic and started again', async () => {
  const talk = await openTalk();
  for (let round = 1; round <= 3; round++) {
    await talk.traffic.flows();
    await bridge.kill();
    await talk.traffic.flows();
    await bridge.start();
    await until('the stream is back', () => talk.stream.welcomes.length > round);
  }
  await talk.traffic.flows();
  await nothingWasMissed(talk);
  assert.deepEqual(talk.stream.welcomes.map(({ recovered }) => recovered), [false, true, true, true]);
});

test('a bridge that is stopped in the middle of traffic says when to come back, ends the stream, and ends with 0', async () => {
  const talk = await openTalk();
  const idle = await scene.eventSource(talk.ben);
  await talk.traffic.flows();
  const start = Date.now();
  assert.deepEqual(await bridge.end('SIGTERM'), { code: 0, signal: null });
  assert.ok(Date.now() - start < 3000, 'nobody waits for a timeout');
  await idle.closed;
  assert.equal(idle.retries.length, 2, 'at the welcome and at the end');
  assert.ok(idle.retries.every((milliseconds) => milliseconds >= 1000 && milliseconds < 3000));
  assert.ok(new Set([...idle.retries, ...talk.stream.retries]).size > 1, 'not all come back at the same moment');
  await talk.traffic.flows();
  await bridge.start();
  await talk.traffic.flows();
  await nothingWasMissed(talk);
  assert.deepEqual(talk.stream.welcomes.map(({ recovered }) => recovered), [false, true]);
});

test('a network that breaks again and again', async () => {
  const talk = await openTalk();
  for (let round = 1; round <= 5; round++) {
    await talk.traffic.flows(50);
    talk.stream.cut();
    await until('the stream is back', () => talk.stream.welcomes.length > round);
  }
  await nothingWasMissed(talk);
  assert.ok(talk.stream.welcomes.slice(1).every(({ recovered }) => recovered));
});

test('the position is taken from the header, else from the URL; what was missed in a joined room comes too, on any bridge', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const rooms = [`post:${await scene.post(ben)}`];
  const first = await scene.eventSource(ann, { rooms });
  const before = first.lastEventId;
  const ids = [await scene.message(conversation, ben, 'One')];
  await first.waitFor('message:created');
  first.close();
  ids.push(await scene.message(conversation, ben, 'Two'));
  await like(ben, rooms[0].split(':')[1]);
  const other = await scene.addBridge();
  const ways = [
    [{ lastEventId: first.lastEventId }, ids.slice(1)],
    [{ query: `&position=${first.lastEventId}` }, ids.slice(1)],
    [{ query: `&lastEventId=${first.lastEventId}` }, ids.slice(1)],
    [{ lastEventId: first.lastEventId, query: `&position=${before}` }, ids.slice(1)],
    [{ query: `&position=${before}` }, ids],
  ];
  for (const [options, expected] of ways) {
    const client = await scene.eventSource(ann, { bridge: other, rooms, ...options });
    await scene.settle(client);
    assert.equal(client.welcomes[0].recovered, true);
    assert.deepEqual(messageIds(client), expected);
    assert.equal(client.all('post:liked').length, 1);
  }
});

test('a client that received nothing but its welcome and comes back is recovered too', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const client = await scene.eventSource(ann, { resume: true, retry: 20 });
  await bridge.kill();
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  await bridge.start();
  await client.waitFor('notification:new');
  assert.deepEqual(client.welcomes.map(({ recovered }) => recovered), [false, true]);
});

test('a position that means nothing here is answered with recovered: false, the unread count, and a position that does', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  for (const lastEventId of ['nonsense', '1~0~0~0.0.', '../../etc/passwd', 'x'.repeat(3000)]) {
    const client = await scene.eventSource(ann, { lastEventId });
    assert.equal(client.welcomes[0].recovered, false, lastEventId);
    assert.deepEqual(await client.waitFor('notification:unread'), { count: 1 });
    assert.match(client.lastEventId, /^1~/);
  }
});

test('a position that is older than the log is answered with recovered: false', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const { lastEventId } = await scene.eventSource(ann);
  const setWindow = async (setting) => {
    await database.query(`ALTER SYSTEM ${setting}`);
    await database.query('SELECT pg_reload_conf()');
  };
  await setWindow("SET herald.recovery_window = '1s'");
  await until('the log has forgotten it', async () => {
    await database.query('SELECT herald.broadcast($1, $2), herald.maintain()', ['test:load', {}]);
    const client = await scene.eventSource(ann, { lastEventId });
    client.close();
    return !client.welcomes[0].recovered && client.lastEventId !== lastEventId;
  });
  await setWindow('RESET herald.recovery_window');
  const client = await scene.eventSource(ann, { lastEventId });
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  await client.waitFor('notification:new');
});

test('who lost a room while away gets nothing of what was said after that', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const rooms = [`conversation:${conversation}`];
  const client = await scene.eventSource(ann, { rooms });
  await scene.settle(client);
  client.close();
  await database.query('DELETE FROM conversation_members WHERE (conversation_id, user_id) = ($1, $2)', [conversation, ann]);
  await scene.message(conversation, ben, 'Secret');
  const back = await scene.eventSource(ann, { rooms, lastEventId: client.lastEventId });
  await scene.settle(back);
  assert.ok(!JSON.stringify(back.events).includes('Secret'));
  assert.equal(back.all('error')[0].data.code, 'forbidden');
});

test('a client that does not read falls behind, and nobody misses anything', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const narrow = await scene.addBridge(['--queue-limit=2MB']);
  const slow = await scene.eventSource(ann, { bridge: narrow, resume: true, retry: 20 });
  const quick = await scene.eventSource(ben, { bridge: narrow, resume: true, retry: 20 });
  slow.response.pause();
  await database.query('SELECT herald.set_preference($1, $2, $3)', [ann, 'message', []]);
  await database.query(`INSERT INTO messages (conversation_id, sender_id, content)
                        SELECT $1, $2, repeat('x', 400) FROM generate_series(1, 20000)`, [conversation, ben]);
  await until('the slow client has fallen behind', async () => await narrow.metric('herald_fallen_behind_total') > 0);
  await scene.settle(quick);
  slow.response.resume();
  await scene.settle(slow);
  for (const client of [slow, quick]) {
    assert.equal(messageIds(client).length, 20000);
    assert.equal(new Set(messageIds(client)).size, 20000);
    assert.equal(client.welcomes.length, 1);
  }
});

test('a client that takes nothing for as long as a ping may take is dead, long before its queue is full', async () => {
  const [ann] = await scene.people('Ann');
  const patient = await scene.addBridge(['--queue-limit=1GB', '--ping-interval=200ms', '--ping-timeout=1s']);
  const dead = await scene.eventSource(ann, { bridge: patient });
  dead.response.socket.pause();
  await until('it is closed', async () => {
    await database.query("SELECT herald.broadcast('test:load', jsonb_build_object('text', repeat('x', 100000))) FROM generate_series(1, 10)");
    return await patient.metric('herald_connections') === 0;
  });
  assert.equal(await patient.metric('herald_slow_closed_total'), 0);
});

test('PostgreSQL away while a client comes: it waits, gets its rooms, and misses nothing', async () => {
  const talk = await openTalk();
  await talk.traffic.flows();
  await scene.postgres.stop();
  await until('the bridge is not ready', async () => (await bridge.get('/readyz')).status === 503);
  talk.stream.cut();
  await until('the client is connected again', async () => await bridge.metric('herald_connections') > 0);
  await scene.postgres.start();
  await bridge.ready();
  await talk.traffic.flows();
  await nothingWasMissed(talk);
});

test('a token comes in a header or in the URL; without a good one the answer is 401 with a reason', async () => {
  const [ann] = await scene.people('Ann');
  const token = scene.token(ann);
  for (const options of [{ headers: { authorization: `bearer ${token}` } }, { query: `&token=${token}` }]) {
    const client = await EventSourceClient.connect(bridge, undefined, options);
    assert.equal(client.welcomes[0].userId, ann);
    client.close();
  }
  const refused = await bridge.metric('herald_connections_refused_total');
  const bad = { token_missing: undefined, token_invalid: 'not a token', token_expired: scene.token(ann, { seconds: -5 }) };
  for (const [code, wrong] of Object.entries(bad)) {
    await assert.rejects(EventSourceClient.connect(bridge, wrong), (error) => {
      assert.equal(error.status, 401);
      assert.equal(error.code, code);
      assert.match(error.message, /token/);
      return true;
    });
  }
  assert.equal(await bridge.metric('herald_connections_refused_total'), refused + 3);
});

test('a stream ends when its token does, with a reason', async () => {
  const [ann] = await scene.people('Ann');
  const client = await EventSourceClient.connect(bridge, scene.token(ann, { seconds: 2 }));
  await client.closed;
  assert.equal(client.all('error')[0].data.code, 'token_expired');
  assert.match(client.all('error')[0].data.message, /expired/);
});

test('a foreign origin is refused; an allowed one may read the answer, with credentials', async () => {
  const [ann] = await scene.people('Ann');
  const origin = 'https://app.example';
  const narrow = await scene.addBridge([`--allow-origin=${origin}`]);
  const url = `/events?token=${scene.token(ann)}`;
  const foreign = await narrow.get(url, { headers: { origin: 'https://evil.example' } });
  assert.equal(foreign.status, 403);
  assert.equal(foreign.headers.get('access-control-allow-origin'), null);
  const client = await scene.eventSource(ann, { bridge: narrow, headers: { origin } });
  const refused = await narrow.get('/events', { headers: { origin } });
  const preflight = await narrow.get('/events', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'GET' } });
  assert.equal(refused.status, 401);
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get('access-control-allow-headers'), /Authorization/);
  for (const headers of [client.response.headers, Object.fromEntries(refused.headers), Object.fromEntries(preflight.headers)]) {
    assert.equal(headers['access-control-allow-origin'], origin);
    assert.equal(headers['access-control-allow-credentials'], 'true');
    assert.equal(headers.vary, 'Origin');
  }
  assert.equal((await bridge.get(url, { headers: { origin } })).status, 403, 'by default only the same origin');
});

test('streams count as connections, in the metrics and against the limit', async () => {
  const [ann] = await scene.people('Ann');
  const narrow = await scene.addBridge(['--max-connections=2']);
  const clients = [await scene.eventSource(ann, { bridge: narrow }), await scene.eventSource(ann, { bridge: narrow })];
  assert.equal(await narrow.metric('herald_connections'), 2);
  assert.equal(await narrow.metric('herald_sessions'), 2);
  await assert.rejects(scene.eventSource(ann, { bridge: narrow }), { status: 503 });
  clients[0].close();
  await until('there is room again', async () => await narrow.metric('herald_connections') === 1);
  await scene.eventSource(ann, { bridge: narrow });
});

test('an idle stream gets a comment each ping interval', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.eventSource(ann, { bridge: await scene.addBridge(['--ping-interval=100ms']) });
  await until('there were some', () => client.comments >= 3);
});

test('streams that were abandoned are gone, and cost nothing', async () => {
  const [ann] = await scene.people('Ann');
  const bridge = await scene.addBridge();
  for (const how of ['destroy', 'resetAndDestroy', 'end']) {
    const clients = await Promise.all(Array.from({ length: 100 }, () => scene.eventSource(ann, { bridge })));
    assert.equal(await bridge.metric('herald_connections'), 100);
    for (const client of clients) client.request.socket[how]();
    await until('all are gone', async () => await bridge.metric('herald_connections') === 0);
    assert.equal(await bridge.metric('herald_sessions'), 0);
  }
  const [start, used] = [Date.now(), bridge.processorTime()];
  await until('two seconds have passed', () => Date.now() - start > 2000);
  assert.ok(bridge.processorTime() - used < 200, `${bridge.processorTime() - used} ms of processor time`);
});

// Sends these bytes; resolves with all that came back when the connection has ended.
function speak(bytes, then) {
  return soon(`the connection ends after ${bytes.slice(0, 60)}`, new Promise((resolve) => {
    const socket = net.connect(bridge.port, '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
    socket.on('data', (text) => {
      answer += text;
      if (then && answer.includes('welcome')) then = void socket.write(then);
    });
  }));
}

test('whatever follows a request for a stream ends it, and nothing else', async () => {
  const [ann] = await scene.people('Ann');
  const bystander = await scene.eventSource(ann);
  const get = (path, headers = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
  const stream = get(`/events?token=${scene.token(ann)}`);
  for (const next of [get('/healthz'), stream, get('/ws', 'Connection: Upgrade\r\nUpgrade: websocket\r\n')]) {
    assert.match(await speak(stream, next), /^HTTP\/1\.1 200(?!.*HTTP\/1\.1)/s, next);
    assert.doesNotMatch(await speak(stream + next), /HTTP\/1\.1.*HTTP\/1\.1/s, next);
  }
  const withBody = get(`/events?token=${scene.token(ann)}`, 'Connection: close\r\nContent-Length: 10\r\n');
  assert.match(await speak(`${withBody}0123456789`), /^HTTP\/1\.1 400/);
  await Promise.all([speak(stream, 'garbage\r\n\r\n'), speak(stream, '\0'),
    speak(stream.replace('GET', 'HEAD')), speak(stream.replace('GET', 'POST'))]);
  await until('only one is left', async () => await bridge.metric('herald_connections') === 1);
  await scene.settle(bystander);
});

// A page with an EventSource; what it hears is in window.heard as [event, id, data].
async function openPage(url, options = {}) {
  const page = await browser.newPage();
  await page.goto(bridge.url);
  await page.evaluate(([address, settings]) => {
    window.heard = [];
    window.source = new EventSource(address, settings);
    for (const name of ['welcome', 'message:created', 'post:liked', 'error', 'test:mark']) {
      window.source.addEventListener(name, (event) => window.heard.push([name, event.lastEventId, event.data && JSON.parse(event.data)]));
    }
  }, [url, options]);
  page.heard = async (name) => (await page.evaluate(() => window.heard)).filter(([event]) => event === name);
  page.state = () => page.evaluate(() => window.source.readyState);
  return page;
}

const CLOSED = 2;

test("a browser's EventSource hears events, comes back by itself when the bridge was killed, and misses nothing", { timeout: 60000 }, async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const post = await scene.post(ben);
  const page = await openPage(`/events?room=post:${post}&room=post:0&token=${scene.token(ann)}`);
  await until('the page is welcomed', async () => (await page.heard('welcome')).length === 1);
  const ids = [await scene.message(conversation, ben, 'Before')];
  await until('the page hears the first message', async () => (await page.heard('message:created')).length === 1);
  await bridge.kill();
  for (let n = 1; n <= 50; n++) ids.push(await scene.message(conversation, ben, `Meanwhile ${n}`));
  await like(ben, post);
  await bridge.start();
  await until('the page has come back', async () => (await page.heard('welcome')).length === 2);
  ids.push(await scene.message(conversation, ben, 'After'));
  await until('the page hears the last message', async () => (await page.heard('message:created')).some(([, , { data }]) => data.content === 'After'));
  const messages = await page.heard('message:created');
  assert.deepEqual(messages.map(([, , { data }]) => data.messageId), ids);
  for (const [, id, { position }] of messages) assert.equal(id, position);
  assert.deepEqual((await page.heard('welcome')).map(([, , { data }]) => data.recovered), [false, true]);
  assert.equal((await page.heard('post:liked')).length, 1);
  const errors = await page.heard('error');
  assert.deepEqual(errors.filter(([, , frame]) => frame).map(([, , frame]) => [frame.room, frame.data.code]),
    Array(2).fill(['post:0', 'forbidden']), 'of the bridge, at each welcome');
  assert.ok(errors.some(([, , frame]) => !frame), "of the browser's own");
  await page.close();
});

test("a browser's EventSource stops when its token is refused, and after a token's end when it has come back with it", { timeout: 60000 }, async () => {
  const [ann] = await scene.people('Ann');
  const refused = await openPage('/events?token=nonsense');
  await until('it has given up', async () => await refused.state() === CLOSED);
  const expiring = await openPage(`/events?token=${scene.token(ann, { seconds: 3 })}`);
  await until('it is told', async () => (await expiring.heard('error')).some(([, , frame]) => frame?.data.code === 'token_expired'));
  await until('it has given up', async () => await expiring.state() === CLOSED);
  for (const page of [refused, expiring]) await page.close();
});

test("a browser's EventSource of another origin is served when that is allowed, and only then", { timeout: 60000 }, async () => {
  const [ann] = await scene.people('Ann');
  const url = (other) => `${other.url}/events?token=${scene.token(ann)}`;
  const allowed = await openPage(url(await scene.addBridge([`--allow-origin=${bridge.url}`])), { withCredentials: true });
  await until('it is welcomed', async () => (await allowed.heard('welcome')).length === 1);
  const foreign = await openPage(url(await scene.addBridge(['--allow-origin=https://app.example'])), { withCredentials: true });
  await until('it has given up', async () => await foreign.state() === CLOSED);
  assert.deepEqual(await foreign.heard('welcome'), []);
  for (const page of [allowed, foreign]) await page.close();
});
