// Server-Sent Events at /events: a browser's EventSource receives the same as a WebSocket, and misses nothing after a reconnection.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, test } from 'node:test';
import { chromium } from './harness/chromium.mjs';
import { atExit } from './harness/cleanup.mjs';
import { EventSourceClient } from './harness/event_source_client.mjs';
import { removeEventsAfter, resetWindow } from './harness/log_retention.mjs';
import { Scene } from './harness/scene.mjs';
import { Traffic } from './harness/traffic.mjs';
import { soon, until } from './harness/wait.mjs';

// An empty page for the browser's own EventSource.
const www = mkdtempSync(path.join(tmpdir(), 'herald-www-'));
atExit(() => rmSync(www, { recursive: true, force: true }));
writeFileSync(path.join(www, 'index.html'), '<!doctype html><title>Events</title>');

// A drain that awaits its timeout takes longer than any machine is busy.
const DRAIN_S = 30;
const scene = await Scene.open({ options: [`--www=${www}`, `--drain-timeout=${DRAIN_S}s`] });
const browser = await chromium();
after(async () => {
  await browser.close();
  await scene.close();
});
afterEach(() => scene.closeClients());

const { database, bridge } = scene;
const messageIds = (client) => client.all('message:created').map(({ data }) => data.messageId);
const like = (user, post) => database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [user, post]);

test('starts with a welcome and the unread count, and headers that disable caches and buffers', async () => {
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

test('sends the same frames as a plain WebSocket, with the position as id', async () => {
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

test('joins the rooms of the URL, and reports each refused room as an error', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const foreign = `conversation:${await scene.conversation(ben)}`;
  const posts = [await scene.post(ben), await scene.post(ben)];
  const client = await scene.eventSource(ann, { rooms: [`post:${posts[0]}`, foreign, '', `post:${posts[1]}`] });
  for (const post of posts) await like(ben, post);
  await scene.settle(client);
  assert.deepEqual(client.all('post:liked').map(({ room }) => room), posts.map((post) => `post:${post}`));
  assert.deepEqual(client.all('error').map(({ room, data }) => [room, data.code]), [['', 'bad_request'], [foreign, 'forbidden']]);
});

test('joins up to 64 rooms, and answers 400 to more', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const post = await scene.post(ben);
  const rooms = (count) => Array.from({ length: count }, (_, n) => (n === count - 1 ? `post:${post}` : `post:${1000000 + n}`));
  const client = await scene.eventSource(ann, { rooms: rooms(64) });
  await like(ben, post);
  await client.waitFor('post:liked');
  assert.equal(client.all('error').length, 63);
  await assert.rejects(scene.eventSource(ann, { rooms: rooms(65) }), { status: 400, code: 'bad_request' });
});

// Opens a conversation of two users with traffic. The stream of one of them reconnects automatically and has joined a post.
async function openTalk(options) {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const post = await scene.post(ben);
  const stream = await scene.eventSource(ann, { resume: true, retry: 20, rooms: [`post:${post}`], ...options });
  return { ann, ben, conversation, post, stream, traffic: new Traffic(scene, conversation, ben) };
}

// Checks that the stream received every committed message once and in order, and the events of the joined room.
async function nothingWasMissed({ stream, traffic, ben, post }) {
  const sent = await traffic.stop();
  await like(ben, post);
  await stream.waitFor('post:liked');
  assert.deepEqual(messageIds(stream), sent);
}

test('recovers a stream when the bridge is killed during traffic and started again', async () => {
  const talk = await openTalk();
  for (let round = 1; round <= 3; round++) {
    await talk.traffic.flows();
    await bridge.kill();
    await talk.traffic.flows();
    await bridge.start();
    await until('the stream has reconnected', () => talk.stream.welcomes.length > round);
  }
  await talk.traffic.flows();
  await nothingWasMissed(talk);
  assert.deepEqual(talk.stream.welcomes.map(({ recovered }) => recovered), [false, true, true, true]);
});

test('sends a reconnection time, ends the stream and exits with 0 when it is stopped during traffic', async () => {
  const talk = await openTalk();
  const idle = await scene.eventSource(talk.ben);
  await talk.traffic.flows();
  const start = Date.now();
  assert.deepEqual(await bridge.end('SIGTERM'), { code: 0, signal: null });
  assert.ok(Date.now() - start < DRAIN_S * 1000, 'no timeout is awaited');
  await idle.closed;
  assert.equal(idle.retries.length, 2, 'at the welcome and at the end');
  assert.ok(idle.retries.every((milliseconds) => milliseconds >= 1000 && milliseconds < 3000));
  assert.ok(new Set([...idle.retries, ...talk.stream.retries]).size > 1, 'streams reconnect at different times');
  await talk.traffic.flows();
  await bridge.start();
  await talk.traffic.flows();
  await nothingWasMissed(talk);
  assert.deepEqual(talk.stream.welcomes.map(({ recovered }) => recovered), [false, true]);
});

test('recovers a stream whose network breaks repeatedly', async () => {
  const talk = await openTalk();
  for (let round = 1; round <= 5; round++) {
    await talk.traffic.flows(50);
    talk.stream.cut();
    await until('the stream has reconnected', () => talk.stream.welcomes.length > round);
  }
  await nothingWasMissed(talk);
  assert.ok(talk.stream.welcomes.slice(1).every(({ recovered }) => recovered));
});

test('takes the position from the header, else from the URL, and replays joined rooms too, on any bridge', async () => {
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

test('recovers a client that had received only its welcome', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const client = await scene.eventSource(ann, { resume: true, retry: 20 });
  await bridge.kill();
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  await bridge.start();
  await client.waitFor('notification:new');
  assert.deepEqual(client.welcomes.map(({ recovered }) => recovered), [false, true]);
});

test('answers an invalid position with recovered: false, the unread count and a valid position', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  for (const lastEventId of ['nonsense', '1~0~0~0.0.', '../../etc/passwd', 'x'.repeat(3000)]) {
    const client = await scene.eventSource(ann, { lastEventId });
    assert.equal(client.welcomes[0].recovered, false, lastEventId);
    assert.deepEqual(await client.waitFor('notification:unread'), { count: 1 });
    assert.match(client.lastEventId, /^1~/);
  }
});

test('takes any text for a position, and begins at the present', async () => {
  const [ann] = await scene.people('Ann');
  const { lastEventId } = await scene.eventSource(ann);
  const texts = ['x', '-1', '0', '99999999999999999999', "1'; DROP TABLE users; --", 'é'.repeat(300), '9'.repeat(7000), '~'.repeat(1000), '%00%ff',
    '1~a~b~c~d~e~f', `${lastEventId}~`, `x${lastEventId}`, lastEventId.replaceAll('~', '~~'), lastEventId.replace(/\d/g, '9')];
  for (const text of texts) {
    const stream = await scene.eventSource(ann, { lastEventId: text }).catch((error) => assert.fail(`${text.slice(0, 40)}: ${error.message}`));
    assert.equal(stream.welcomes[0].recovered, false, text.slice(0, 40));
    assert.notEqual(stream.lastEventId, text);
    stream.close();
  }
  const arrivals = Array.from({ length: 20 }, (_, n) => scene.eventSource(ann, { lastEventId: n % 2 ? 'é' : lastEventId }));
  for (const { welcomes } of await Promise.all(arrivals)) assert.equal(welcomes.length, 1);
});

test('bounds the streams that a user begins, and those that read nothing delay nobody', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const strict = await scene.addBridge(['--limit-connects=1/h:20', '--limit-user-sessions=5', '--queue-limit=100kB']);
  const honest = await scene.eventSource(ben, { bridge: strict });
  const streams = await Promise.allSettled(Array.from({ length: 150 }, () => scene.eventSource(ann, { bridge: strict })));
  const refusals = streams.filter(({ status }) => status === 'rejected').map(({ reason }) => `${reason.status} ${reason.code}`);
  assert.deepEqual(refusals, Array(50).fill('429 too_many'));
  assert.equal(await strict.metric('herald_limited_total{reason="connects"}'), 50);
  for (const { value } of streams) value?.response.socket.pause();
  await database.query(`INSERT INTO messages (conversation_id, sender_id, content)
                        SELECT $1, $2, repeat('x', 1000) FROM generate_series(1, 500)`, [conversation, ann]);
  await until('the other one has everything', () => messageIds(honest).length === 500);
  await assert.rejects(scene.eventSource(ann, { bridge: strict }), ({ code }) => code === 'too_many');
  await scene.eventSource(ben, { bridge: strict });
});

test('answers a position that is older than the log with recovered: false', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const { lastEventId } = await scene.eventSource(ann);
  await database.query('SELECT herald.broadcast($1, $2)', ['test:load', {}]);
  await removeEventsAfter(lastEventId, database);
  await resetWindow(database);
  const client = await scene.eventSource(ann, { lastEventId });
  assert.equal(client.welcomes[0].recovered, false);
  assert.notEqual(client.lastEventId, lastEventId);
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  await client.waitFor('notification:new');
});

test('replays nothing of a room after the user was removed from it', async () => {
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

test('lets a client that does not read fall behind, and loses nothing for anybody', async () => {
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

test('closes a client that reads nothing for a ping timeout, long before its queue is full', async () => {
  const [ann] = await scene.people('Ann');
  const patient = await scene.addBridge(['--queue-limit=1GB', '--ping-interval=200ms', '--ping-timeout=1s']);
  const dead = await scene.eventSource(ann, { bridge: patient });
  dead.response.socket.pause();
  await until('the connection is closed', async () => {
    await database.query("SELECT herald.broadcast('test:load', jsonb_build_object('text', repeat('x', 100000))) FROM generate_series(1, 10)");
    return await patient.metric('herald_connections') === 0;
  });
  assert.equal(await patient.metric('herald_slow_closed_total'), 0);
});

test('lets a client that connects without PostgreSQL wait, and loses nothing', async () => {
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

test('takes the token from a header or the URL, and answers 401 with a reason to a bad one', async () => {
  const [ann] = await scene.people('Ann');
  const token = scene.token(ann);
  for (const options of [{ headers: { authorization: `bearer ${token}` } }, { query: `&token=${token}` }]) {
    const client = await EventSourceClient.connect(bridge, undefined, options);
    assert.equal(client.welcomes[0].userId, ann);
    client.close();
  }
  const refused = await bridge.metric('herald_connections_refused_total');
  const bad = { token_missing: undefined, token_invalid: 'not a token', token_expired: scene.token(ann, { seconds: -5 }),
    token_without_user: scene.token(ann, { claims: { sub: null } }) };
  for (const [code, wrong] of Object.entries(bad)) {
    await assert.rejects(EventSourceClient.connect(bridge, wrong), (error) => {
      assert.equal(error.status, 401);
      assert.equal(error.code, code);
      assert.match(error.message, /token/);
      return true;
    });
  }
  assert.equal(await bridge.metric('herald_connections_refused_total'), refused + 4);
});

test('ends a stream with a reason when its token expires', async () => {
  const [ann] = await scene.people('Ann');
  const client = await EventSourceClient.connect(bridge, scene.token(ann, { seconds: 2 }));
  await client.closed;
  assert.equal(client.all('error')[0].data.code, 'token_expired');
  assert.match(client.all('error')[0].data.message, /expired/);
});

test('refuses a foreign origin, and lets an allowed one read the answer with credentials', async () => {
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

test('counts streams as connections in metrics and in the limit', async () => {
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

test('sends a comment on an idle stream each ping interval', async () => {
  const [ann] = await scene.people('Ann');
  const client = await scene.eventSource(ann, { bridge: await scene.addBridge(['--ping-interval=100ms']) });
  await until('three comments have arrived', () => client.comments >= 3);
});

test('ends abandoned streams, which cost no processor time', async () => {
  const [ann] = await scene.people('Ann');
  const bridge = await scene.addBridge();
  for (const how of ['destroy', 'resetAndDestroy', 'end']) {
    const clients = await Promise.all(Array.from({ length: 100 }, () => scene.eventSource(ann, { bridge })));
    assert.equal(await bridge.metric('herald_connections'), 100);
    for (const client of clients) client.request.socket[how]();
    await until('all connections are closed', async () => await bridge.metric('herald_connections') === 0);
    assert.equal(await bridge.metric('herald_sessions'), 0);
  }
  const [start, used] = [Date.now(), bridge.processorTime()];
  await until('two seconds have passed', () => Date.now() - start > 2000);
  assert.ok(bridge.processorTime() - used < 200, `${bridge.processorTime() - used} ms of processor time`);
});

// Sends bytes, and then more after the welcome. Returns all answers when the connection has ended.
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

test('ends a stream, and nothing else, when more bytes follow its request', async () => {
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
  await until('only the bystander is connected', async () => await bridge.metric('herald_connections') === 1);
  await scene.settle(bystander);
});

// Opens a page. listen() begins its EventSource; the events are in window.heard, as [name, id, data].
async function openPage() {
  const page = await browser.newPage();
  await page.goto(bridge.url);
  page.listen = (url, options = {}) => page.evaluate(([address, settings]) => {
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

test('recovers the EventSource of a browser when the bridge was killed', { timeout: 60000 }, async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const post = await scene.post(ben);
  const page = await openPage();
  await page.listen(`/events?room=post:${post}&room=post:0&token=${scene.token(ann)}`);
  await until('the page has its welcome', async () => (await page.heard('welcome')).length === 1);
  const ids = [await scene.message(conversation, ben, 'Before')];
  await until('the page has the first message', async () => (await page.heard('message:created')).length === 1);
  await bridge.kill();
  for (let n = 1; n <= 50; n++) ids.push(await scene.message(conversation, ben, `Meanwhile ${n}`));
  await like(ben, post);
  await bridge.start();
  await until('the page has reconnected', async () => (await page.heard('welcome')).length === 2);
  ids.push(await scene.message(conversation, ben, 'After'));
  await until('the page has the last message', async () => (await page.heard('message:created')).some(([, , { data }]) => data.content === 'After'));
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

test('stops the EventSource of a browser with a refused token, and with an expired one when it reconnects', { timeout: 60000 }, async () => {
  const [ann] = await scene.people('Ann');
  const [refused, expiring] = [await openPage(), await openPage()];
  await refused.listen('/events?token=nonsense');
  await until('the browser has given up', async () => await refused.state() === CLOSED);
  await expiring.listen(`/events?token=${scene.token(ann, { seconds: 3 })}`);    // from now on, on any machine
  await until('the page has the error', async () => (await expiring.heard('error')).some(([, , frame]) => frame?.data.code === 'token_expired'));
  await until('the browser has given up', async () => await expiring.state() === CLOSED);
  for (const page of [refused, expiring]) await page.close();
});

test('serves the EventSource of another origin only if it is allowed', { timeout: 60000 }, async () => {
  const [ann] = await scene.people('Ann');
  const url = (other) => `${other.url}/events?token=${scene.token(ann)}`;
  const [allowed, foreign] = [await openPage(), await openPage()];
  await allowed.listen(url(await scene.addBridge([`--allow-origin=${bridge.url}`])), { withCredentials: true });
  await until('the page has its welcome', async () => (await allowed.heard('welcome')).length === 1);
  await foreign.listen(url(await scene.addBridge(['--allow-origin=https://app.example'])), { withCredentials: true });
  await until('the browser has given up', async () => await foreign.state() === CLOSED);
  assert.deepEqual(await foreign.heard('welcome'), []);
  for (const page of [allowed, foreign]) await page.close();
});
