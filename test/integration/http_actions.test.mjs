// POST /actions/NAME: the actions of a client by one HTTP request each.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { RawHttp, ask } from './harness/raw_http.mjs';
import { Scene } from './harness/scene.mjs';
import { soon, until } from './harness/wait.mjs';

const page = 'https://app.example';
const scene = await Scene.open({ options: [`--allow-origin=${page}`, '--allow-host=127.0.0.1', '--session-cookie=sid',
  '--session-cookie-cache=100ms', '--max-payload=10kB', '--action-timeout=3s'] });
after(() => scene.close());
afterEach(() => scene.closeClients());

const { bridge, database } = scene;

before(() => database.psql('-c', `
  CREATE FUNCTION api.rest(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT to_jsonb(pg_sleep((payload ->> 'seconds')::float8) IS NULL) $$;
  CREATE FUNCTION api.echo(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('user', user_id, 'payload', payload, 'claims', current_setting('request.jwt.claims')::jsonb) $$;
  CREATE FUNCTION api.fail(user_id text, payload jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'no: %', payload ->> 'code' USING ERRCODE = payload ->> 'code'; END $$;
  SELECT herald.expose('rest', 'api.rest(text, jsonb)', 'social_app');
  SELECT herald.expose('echo', 'api.echo(text, jsonb)', 'social_app');
  SELECT herald.expose('fail', 'api.fail(text, jsonb)', 'social_app');
  CREATE ROLE app IN ROLE herald_admin, herald_inbox;
  CREATE SCHEMA app AUTHORIZATION app;
  SET ROLE app;
  CREATE FUNCTION app.session_user(token text) RETURNS jsonb LANGUAGE plpgsql SET search_path = app AS $$
    BEGIN
      PERFORM pg_sleep(30) WHERE token LIKE 'slow%';
      PERFORM pg_sleep(1) WHERE token LIKE 'late%';
      RETURN jsonb_build_object('sub', substr(token, 6)) WHERE token ~ '^(user|late)-';
    END $$;
  SELECT herald.authenticate_by('app.session_user(text)')`));

// Posts data, or a text as it is, and returns the status, the headers and the parsed body.
async function post(name, data, { user, token = user && scene.token(user), headers = {}, at = bridge, method = 'POST', query = '' } = {}) {
  const response = await at.get(`/actions/${name}${query}`, {
    method,
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }), ...headers },
    body: data === undefined || typeof data === 'string' ? data : JSON.stringify(data),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
}

// Checks that an answer is an error in the form of an ack.
function checkError({ status, headers, body }, expected, code) {
  assert.deepEqual([status, body.ok, body.error.code], [expected, false, code], JSON.stringify(body));
  assert.equal(typeof body.error.message, 'string');
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.equal(headers.get('content-type'), 'application/json');
}

const sleepers = () => database.value("SELECT count(*)::int FROM pg_stat_activity WHERE wait_event = 'PgSleep'");

test('answers as over a WebSocket, and tells all sessions of the user', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const [client, other] = [await scene.plain(ann), await scene.plain(ben)];
  const message = { conversationId: conversation, content: 'Grüße 🎉' };
  const [bySocket, byPost] = [await client.ask('message:send', message), await post('message:send', message, { user: ann })];
  assert.equal(byPost.status, 200);
  assert.equal(byPost.headers.get('cache-control'), 'no-store');
  assert.deepEqual(Object.keys(byPost.body), ['ok', 'data']);
  assert.deepEqual(Object.keys(byPost.body.data).sort(), Object.keys(bySocket.data).sort());
  assert.equal(byPost.body.data.content, message.content);
  await until('the receiver has both', () => other.all('message:created').length === 2);

  const list = await post('inbox:list', {}, { user: ben });
  const { id: _, ...sameBySocket } = await other.ask('inbox:list', {});
  assert.deepEqual(list.body, sameBySocket);
  assert.ok(list.body.data.notifications.length > 0);
  const { id } = list.body.data.notifications[0];
  const read = await post('notification:read', { ids: [id] }, { user: ben });
  assert.deepEqual([read.status, read.body.data.unread], [200, list.body.data.unread - 1]);
  await other.waitFor('notification:read');
});

test('hands on the claims, any JSON, and no data as an empty object', async () => {
  const [ann] = await scene.people('Ann');
  const token = scene.token(ann, { claims: { tenant: 'blue' } });
  const answer = await post('echo', { deep: [1, { two: null }] }, { token });
  assert.deepEqual(answer.body.data.payload, { deep: [1, { two: null }] });
  assert.equal(answer.body.data.user, String(ann));
  assert.equal(answer.body.data.claims.tenant, 'blue');
  assert.deepEqual((await post('echo', [1, 2], { token })).body.data.payload, [1, 2]);
  assert.deepEqual((await post('echo', undefined, { token })).body.data.payload, {});
  assert.deepEqual((await post('echo', {}, { token: '', query: `?token=${token}` })).status, 200);
  assert.equal((await post('echo', {}, { token, headers: { 'content-type': 'Application/JSON; charset=utf-8' } })).status, 200);
});

test('refuses requests without a good token with 401', async () => {
  const [ann] = await scene.people('Ann');
  for (const [token, code] of [[undefined, 'token_missing'], ['x', 'token_invalid'], [scene.token(ann, { seconds: -60 }), 'token_expired']]) {
    const answer = await post('inbox:list', {}, { token });
    checkError(answer, 401, code);
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
  }
});

const strangers = {
  'no token': [[], 'token_missing'],
  'a bad token': [['Authorization: Bearer x'], 'token_invalid'],
  'an unknown cookie': [['Cookie: sid=nobody'], 'token_refused'],
  'a cookie that is checked for long': [['Cookie: sid=late'], 'token_refused'],
};

for (const [name, [headers, code]] of Object.entries(strangers)) {
  test(`keeps nothing of the body of a client with ${name}, and reads it`, async () => {
    const client = new RawHttp(bridge.port);
    const head = ['POST /actions/echo HTTP/1.1', 'Host: 127.0.0.1', 'Content-Type: application/json', 'Content-Length: 10000', ...headers];
    client.write(`${head.join('\r\n')}\r\n\r\n{`);
    const rest = setInterval(() => client.write(' '.repeat(100)), 20);
    let most = 0;
    const watch = (async () => { while (!client.over) most = Math.max(most, await bridge.metric('herald_waiting_bytes')); })();
    const { status, headers: answered, body } = await client.response();
    clearInterval(rest);
    assert.deepEqual([status, JSON.parse(body).error.code, answered.connection], [401, code, 'close']);
    client.write(' '.repeat(8000));
    await soon('the bridge ends the connection', client.ended);
    await watch;
    assert.ok(most < 1000, `${most} bytes`);
    assert.equal(client.error, undefined);
    client.close();
  });
}

test('holds no more memory for a body than has come', async () => {
  const [ann] = await scene.people('Ann');
  const body = JSON.stringify({ text: 'x'.repeat(9000) });
  const clients = Array.from({ length: 20 }, () => new RawHttp(bridge.port));
  for (const client of clients) {
    client.write(`POST /actions/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${scene.token(ann)}\r\nExpect: 100-continue\r\n`
      + `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`);
    assert.equal((await client.response()).status, 100);
  }
  assert.ok(await bridge.metric('herald_waiting_bytes') < 9000);
  for (const client of clients) client.write(body);
  for (const client of clients) assert.equal(JSON.parse((await client.response()).body).data.payload.text.length, 9000);
  for (const client of clients) client.close();
});

test('refuses a body for which there is no memory, and serves the next', async () => {
  const small = await scene.addBridge(['--total-queue-limit=64kB', '--max-payload=100kB']);
  const [ann] = await scene.people('Ann');
  checkError(await post('echo', 'x'.repeat(90000), { user: ann, at: small }), 503, 'busy');
  const head = ['POST /actions/echo HTTP/1.1', 'Host: 127.0.0.1', `Authorization: Bearer ${scene.token(ann)}`, 'Content-Type: application/json',
    'Content-Length: 60000', 'Expect: 100-continue'];
  const clients = [1, 2].map(() => new RawHttp(small.port));
  for (const client of clients) {
    client.write(`${head.join('\r\n')}\r\n\r\n`);
    assert.equal((await client.response()).status, 100);
  }
  for (const client of clients) client.write(' '.repeat(30000));
  for (const client of clients) client.write(' '.repeat(30000));
  const statuses = (await Promise.all(clients.map((client) => client.response()))).map(({ status }) => status);
  assert.ok(statuses.includes(503), String(statuses));
  for (const client of clients) client.close();
  await until('its memory is free', async () => await small.metric('herald_waiting_bytes') === 0);
  assert.equal((await post('echo', {}, { user: ann, at: small })).status, 200);
});

// The parts of a request in segments of their own: the head, the first bytes of the body, and the rest.
const pieces = {
  'in one piece': (head, body) => [head + body],
  'behind its head': (head, body) => [head, body],
  'in two pieces': (head, body) => [head + body.slice(0, 5), body.slice(5)],
};

for (const length of [12, 9000]) {
  for (const [name, split] of Object.entries(pieces)) {
    test(`takes a body of ${length} bytes ${name} while its cookie is checked`, async () => {
      const client = new RawHttp(bridge.port);
      const body = JSON.stringify({ text: 'x'.repeat(length - 11) });
      for (const user of await scene.people('Ann', 'Ben')) {
        const head = `POST /actions/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sid=late-${user}\r\nContent-Type: application/json\r\n`
          + `Content-Length: ${body.length}\r\n\r\n`;
        const [first, rest] = split(head, body);
        client.write(first);
        await until('the cookie is checked', async () => await sleepers() > 0);
        if (rest) client.write(rest);
        const answer = await client.response();
        assert.deepEqual([answer.status, JSON.parse(answer.body).data.payload.text.length], [200, length - 11]);
      }
      client.close();
    });
  }
}

test('tells a client to continue when its cookie is checked', async () => {
  const [ann] = await scene.people('Ann');
  for (const [cookie, status] of [[`late-${ann}`, 100], ['late', 401]]) {
    const client = new RawHttp(bridge.port);
    client.write(`POST /actions/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sid=${cookie}\r\nExpect: 100-continue\r\n`
      + 'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n');
    assert.equal((await client.response()).status, status);
    client.write('{}');
    if (status === 100) assert.equal((await client.response()).status, 200);
    client.close();
  }
});

test('refuses revoked tokens', async () => {
  const [ann] = await scene.people('Ann');
  const issued = Math.floor(Date.now() / 1000) - 10;
  const old = scene.token(ann, { claims: { iat: issued } });
  assert.equal((await post('echo', {}, { token: old })).status, 200);
  const bound = await database.value('SELECT extract(epoch FROM herald.revoke_tokens($1))::int', [ann]);
  checkError(await post('echo', {}, { token: old }), 401, 'token_revoked');
  checkError(await post('echo', {}, { token: scene.token(ann, { claims: { iat: undefined } }) }), 401, 'token_revoked');
  checkError(await post('no:such', {}, { token: old }), 401, 'token_revoked');
  assert.equal((await post('echo', {}, { token: scene.token(ann, { claims: { iat: bound } }) })).status, 200);
});

test('does nothing for a revoked token', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  await database.query('SELECT herald.revoke_tokens($1)', [ann]);
  const token = scene.token(ann, { claims: { iat: Math.floor(Date.now() / 1000) - 10 } });
  checkError(await post('message:send', { conversationId: conversation, content: 'x' }, { token }), 401, 'token_revoked');
  assert.equal(await database.value('SELECT count(*)::int FROM messages WHERE conversation_id = $1', [conversation]), 0);
});

test('takes the session cookie of the application, with JSON from an allowed page only', async () => {
  const [ann] = await scene.people('Ann');
  const cookie = `theme=dark; sid=user-${ann}`;
  const own = await post('echo', { a: 1 }, { headers: { cookie, origin: page } });
  assert.deepEqual([own.status, own.body.data.user], [200, String(ann)]);
  assert.equal(own.headers.get('access-control-allow-origin'), page);
  assert.equal(own.headers.get('access-control-allow-credentials'), 'true');
  assert.equal((await post('echo', {}, { headers: { cookie } })).status, 200);

  const foreign = await post('echo', {}, { headers: { cookie, origin: 'https://evil.example' } });
  checkError(foreign, 403, 'forbidden');
  assert.equal(foreign.headers.get('access-control-allow-origin'), null);
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain; application/json', '']) {
    checkError(await post('echo', '{}', { headers: { cookie, 'content-type': type } }), 415, 'bad_request');
  }
  checkError(await post('echo', {}, { headers: { cookie: 'sid=stranger' } }), 401, 'token_refused');
});

test('allows the preflight of an allowed page only', async () => {
  const preflight = (origin) => bridge.get('/actions/message:send', { method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' } });
  const good = await preflight(page);
  assert.equal(good.status, 204);
  assert.match(good.headers.get('access-control-allow-methods'), /POST/);
  assert.match(good.headers.get('access-control-allow-headers'), /content-type/);
  assert.equal((await preflight('https://evil.example')).status, 403);
});

test('refuses malformed requests, each with its status', async () => {
  const [ann] = await scene.people('Ann');
  const user = ann;
  checkError(await post('echo', '{"a":', { user }), 400, 'bad_request');
  checkError(await post('echo', '{"a":"\\u0000"}', { user }), 400, 'bad_request');
  checkError(await post('echo', `"${'x'.repeat(11000)}"`, { user }), 413, 'bad_request');
  for (const name of ['no:such', '', 'x'.repeat(300), '%ff%fe']) checkError(await post(name, {}, { user }), 404, 'HD404');
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const answer = await post('echo', method === 'GET' ? undefined : {}, { user, method });
    checkError(answer, 405, 'bad_request');
    assert.equal(answer.headers.get('allow'), 'POST, OPTIONS');
  }
  const chunked = await ask(bridge.port, ['POST /actions/echo HTTP/1.1', 'Content-Type: application/json', 'Transfer-Encoding: chunked'], { host: '127.0.0.1', body: '2\r\n{}\r\n0\r\n\r\n' });
  assert.equal(chunked.status, 411);
});

test('says that an action needs a session', async () => {
  const [ann] = await scene.people('Ann');
  for (const name of ['ping', 'room:join', 'room:leave', 'presence:set', 'typing:start', 'typing:stop']) {
    const answer = await post(name, { room: 'post:1' }, { user: ann });
    checkError(answer, 400, 'needs_session');
    assert.match(answer.body.error.message, /session/);
  }
  assert.equal(await database.value('SELECT count(*)::int FROM herald.online WHERE user_id = $1', [String(ann)]), 0);
});

const statuses = { '22023': 400, P0001: 400, '42501': 403, '23505': 409, '23514': 400, '40001': 503, '53300': 503, XX000: 500 };

test('gives errors of functions a status by their SQLSTATE', async () => {
  const [ann] = await scene.people('Ann');
  for (const [code, status] of Object.entries(statuses)) {
    const answer = await post('fail', { code }, { user: ann });
    checkError(answer, status, code);
    assert.equal(answer.headers.get('retry-after'), status === 503 ? '1' : null);
  }
  const late = await post('rest', { seconds: 30 }, { user: ann });
  checkError(late, 504, '57014');
});

test('keeps the connection for the next request', async () => {
  const [ann] = await scene.people('Ann');
  const client = new RawHttp(bridge.port);
  const request = (body) => client.write(`POST /actions/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${scene.token(ann)}\r\n`
    + `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  for (const body of ['{"n":1}', '', '{"n":2}', 'bad', '{"n":3}']) {
    request(body);
    const { status, headers } = await client.response();
    assert.equal(status, body === 'bad' ? 400 : 200);
    assert.notEqual(headers.connection, 'close');
  }
  client.close();
});

test('takes a body in pieces, and tells a client to continue', async () => {
  const [ann] = await scene.people('Ann');
  const client = new RawHttp(bridge.port);
  client.write(`POST /actions/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${scene.token(ann)}\r\nExpect: 100-continue\r\n`
    + 'Content-Type: application/json\r\nContent-Length: 7\r\n\r\n');
  assert.equal((await client.response()).status, 100);
  for (const piece of ['{"', 'n":', '1}']) {
    client.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(JSON.parse((await client.response()).body).data.payload, { n: 1 });
  client.close();
});

test('limits the rate of a user, and says when to come again', async () => {
  const limited = await scene.addBridge(['--limit-actions=1/h:4']);
  const [ann, ben] = await scene.people('Ann', 'Ben');
  for (let n = 0; n < 4; n++) assert.equal((await post('echo', {}, { user: ann, at: limited })).status, 200);
  const answer = await post('echo', {}, { user: ann, at: limited });
  checkError(answer, 429, 'too_many');
  assert.ok(Number(answer.headers.get('retry-after')) > 3000);
  assert.ok(answer.body.error.retryAfter > 3000000);
  assert.equal((await post('echo', {}, { user: ben, at: limited })).status, 200);
  assert.ok(await limited.metric('herald_limited_total') >= 1);
});

test('counts requests without a good token as those of a stranger', async () => {
  const limited = await scene.addBridge(['--trusted-proxy=127.0.0.1', '--limit-sockets=1/h:8', '--limit-address-sessions=1']);
  const [ann] = await scene.people('Ann');
  const from = (token) => post('echo', {}, { token, at: limited, headers: { 'x-forwarded-for': '203.0.113.7' } });
  for (let n = 0; n < 20; n++) assert.equal((await from(scene.token(ann))).status, 200);
  for (let n = 0; n < 8; n++) checkError(await from('x'), 401, 'token_invalid');
  const answer = await from('x');
  checkError(answer, 429, 'too_many');
  assert.ok(Number(answer.headers.get('retry-after')) > 0);
});

test('lets only so many actions of a user wait', async () => {
  const small = await scene.addBridge(['--max-user-actions=5']);
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const answers = await Promise.all(Array.from({ length: 20 }, () => post('rest', { seconds: 0.2 }, { user: ann, at: small })));
  const busy = answers.filter(({ status }) => status === 503);
  assert.ok(busy.length > 0 && busy.length < 20, `${busy.length} of 20`);
  checkError(busy[0], 503, 'busy');
  assert.equal(busy[0].headers.get('retry-after'), '1');
  assert.equal((await post('echo', {}, { user: ben, at: small })).status, 200);
});

test('answers 200 requests at once, each once', async () => {
  const limited = await scene.addLimitedBridge();
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const send = (n) => post('message:send', { conversationId: conversation, content: `m${n}` }, { user: ann, at: limited });
  const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => send(n)));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.equal(new Set(answers.map(({ body }) => body.data.messageId)).size, 200);
  assert.equal(await database.value('SELECT count(DISTINCT content)::int FROM messages WHERE conversation_id = $1', [conversation]), 200);
  assert.equal(await limited.metric('herald_http_actions_total'), 200);
  assert.equal(await limited.metric('herald_sessions'), 0);
});

// Each with the moment at which the client goes.
const cuts = {
  'before its body': { length: 50, body: '{' },
  'while its action runs': { body: '{"seconds":0.5}', when: async () => await sleepers() > 0 },
  'while its cookie is checked': { body: '{}', headers: 'Cookie: sid=slow', when: async () => await sleepers() > 0 },
};

for (const [name, { body, length = body.length, headers, when }] of Object.entries(cuts)) {
  test(`frees the request of a client that goes ${name}`, async () => {
    const [ann] = await scene.people('Ann');
    const descriptors = bridge.descriptors;
    const client = new RawHttp(bridge.port);
    client.write(`POST /actions/rest HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers ?? `Authorization: Bearer ${scene.token(ann)}`}\r\n`
      + `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`);
    if (when) await until('the database works', when);
    client.close();
    await until('the socket is closed', () => bridge.descriptors <= descriptors);
    assert.equal((await post('echo', {}, { user: ann })).status, 200);
    await database.query("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    await until('the database rests', async () => await sleepers() === 0);
  });
}

test('answers while the database restarts, and afterwards', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  let restarted = false;
  const outcomes = [];
  const send = async (n) => {
    while (!restarted) outcomes.push(await post('message:send', { conversationId: conversation, content: `m${n}` }, { user: ann }));
  };
  const senders = Array.from({ length: 10 }, (_, n) => send(n));
  await until('messages are sent', () => outcomes.length > 20);
  await scene.postgres.restart();
  await bridge.ready();
  restarted = true;
  await Promise.all(senders);
  const sent = outcomes.filter(({ status }) => status === 200).length;
  for (const answer of outcomes.filter(({ status }) => status !== 200)) assert.equal(answer.status, 503, JSON.stringify(answer.body));
  assert.ok(await database.value('SELECT count(*)::int FROM messages WHERE conversation_id = $1', [conversation]) >= sent);
  assert.equal((await post('echo', {}, { user: ann })).status, 200);
});

test('answers those that wait when the bridge ends, and refuses others', async () => {
  const ending = await scene.addBridge();
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const kept = new RawHttp(ending.port);
  const request = (user) => `POST /actions/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${scene.token(user)}\r\n`
    + 'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
  kept.write(request(ben));
  assert.equal((await kept.response()).status, 200);
  const waiting = post('rest', { seconds: 1 }, { user: ann, at: ending });
  await until('it runs', async () => await sleepers() > 0);
  const stopped = ending.stop();
  await ending.logged(/draining/);
  kept.write(request(ben));
  const refused = await kept.response();
  assert.deepEqual([refused.status, JSON.parse(refused.body).error.code, refused.headers['retry-after']], [503, 'busy', '1']);
  kept.close();
  assert.equal((await waiting).status, 200);
  assert.equal((await stopped).code, 0);
});

test('serves no other host than those that are allowed', async () => {
  const [ann] = await scene.people('Ann');
  const strict = await scene.addBridge(['--allow-host=app.example']);
  const answer = await ask(strict.port, ['POST /actions/echo HTTP/1.1', `Authorization: Bearer ${scene.token(ann)}`, 'Content-Type: application/json',
    'Content-Length: 2'], { host: '127.0.0.1', body: '{}' });
  assert.equal(answer.status, 421);
  assert.deepEqual(JSON.parse(answer.body).error.code, 'wrong_host');
});
