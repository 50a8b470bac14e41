// Typing is told once in a while, however often a client says it, and ends by itself, on all bridges.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());

const SILENCE = 6000;
const REPEAT = 3000;

const { bridge } = scene;
const other = await scene.addBridge();
const doomed = await scene.addBridge();
const [ann, ben, eve, dan, fay] = await scene.people('Ann', 'Ben', 'Eve', 'Dan', 'Fay');
const conversation = await scene.conversation(ann, ben, eve, dan, fay);
const second = await scene.conversation(ann, ben);

// Ann listens, by each protocol and on both bridges.
const listeners = await Promise.all([scene.socketIo(ann), scene.plain(ann, { bridge: other }), scene.eventSource(ann),
  scene.socketIo(ann, { bridge: other, transports: ['polling'] })]);

const heard = (client, event, user, room = conversation) =>
  client.all(event).filter(({ data }) => data.userId === user && data.conversationId === room);
const counts = (event, user, room) => listeners.map((client) => heard(client, event, user, room).length);
const all = (event, user, count, room) => until(`all hear ${event} of ${user} ${count} times: ${counts(event, user, room)}`,
  () => counts(event, user, room).every((number) => number === count), 20000);
const says = (client, action, room = conversation) => client.ask(action, { conversationId: room });
const now = () => performance.now();

test('tells others once of typing that is said often, for each room', async () => {
  const typist = await scene.socketIo(ben);
  await scene.live(`user:${ann}`, ...listeners);
  const debounced = await bridge.metric('herald_typing_debounced_total');
  for (let n = 0; n < 10; n++) assert.deepEqual(await typist.ask('typing:start', { conversationId: conversation, n }), { ok: true, data: {} });
  await says(typist, 'typing:start', second);
  await all('typing:start', ben, 1, second);
  await all('typing:start', ben, 1);    // signals of two rooms have no order
  assert.equal(await bridge.metric('herald_typing_debounced_total') - debounced, 9);
  await says(typist, 'typing:stop');
  await says(typist, 'typing:stop');
  await says(typist, 'typing:start');
  await all('typing:start', ben, 2);
  await all('typing:stop', ben, 1);
  await says(typist, 'typing:stop');
  await says(typist, 'typing:stop', second);
  await all('typing:stop', ben, 1, second);
  typist.close();
});

test('refuses typing in a conversation of others each time', async () => {
  const [stranger] = await scene.people('Stranger');
  const client = await scene.socketIo(stranger);
  for (let n = 0; n < 3; n++) assert.equal((await says(client, 'typing:start')).error.code, '42501');
  client.close();
});

// Says that typing ends, and others hear of it at once.
async function stops(typist, user, room) {
  const before = counts('typing:stop', user)[0];
  const said = now();
  await says(typist, 'typing:stop', room);
  await all('typing:stop', user, before + 1);
  assert.ok(now() - said < REPEAT, `${now() - said} ms`);
}

test('ends typing whose end names the place as a number', async () => {
  const typist = await scene.socketIo(fay);
  await says(typist, 'typing:start');
  await all('typing:start', fay, 1);
  await stops(typist, fay, Number(conversation));
  typist.close();
});

test('ends typing of which it has heard late', async () => {
  const typist = await scene.socketIo(fay);
  const reader = await scene.database.value("SELECT pid FROM pg_stat_activity WHERE application_name = 'herald-bridge reader' ORDER BY backend_start LIMIT 1");
  await scene.postgres.pause(reader);
  await says(typist, 'typing:start');
  const said = now();
  await until('a second has passed', () => now() - said > 1100);
  await scene.postgres.proceed(reader);
  await all('typing:start', fay, 2);
  await stops(typist, fay, conversation);
  typist.close();
});

test('ends typing after a silence, when the typist leaves, and when its bridge dies', async () => {
  const [silent, plain, tab, leaving] = await Promise.all([scene.socketIo(eve), scene.plain(dan), scene.socketIo(dan), scene.plain(fay, { bridge: doomed })]);
  const ended = await bridge.metric('herald_typing_ended_total');
  await Promise.all([silent, plain, tab, leaving].map((client) => says(client, 'typing:start')));
  await Promise.all([all('typing:start', eve, 1), all('typing:start', fay, 3)]);
  await until('dan is heard', () => counts('typing:start', dan).every((number) => number > 0));

  const left = now();
  plain.close();
  tab.close();
  await all('typing:stop', dan, 1);
  assert.ok(now() - left < REPEAT, 'others hear of it at once');

  await says(silent, 'typing:start');
  const said = now();
  await doomed.kill();
  const late = await scene.socketIo(ann);
  await all('typing:stop', eve, 1);
  assert.ok(now() - said >= SILENCE - 50 && now() - said < SILENCE + REPEAT, `${now() - said} ms`);
  assert.equal(await bridge.metric('herald_typing_ended_total') - ended, 2);

  await all('typing:stop', fay, 3);
  await scene.settle(late);
  assert.equal(late.all('typing:start').length, 0, 'a client that comes later hears of no typing');
  await doomed.start();
});

test('goes on with the typing of a user who stops in one of two tabs, or leaves one of two bridges', async () => {
  const [left, right, far] = await Promise.all([scene.socketIo(dan), scene.plain(dan), scene.plain(dan, { bridge: other })]);
  const sessions = await bridge.metric('herald_sessions');
  const [starts, stops] = ['typing:start', 'typing:stop'].map((event) => counts(event, dan)[0]);
  await Promise.all([says(left, 'typing:start'), says(right, 'typing:start')]);
  await says(left, 'typing:stop');
  await until('the other bridge has told twice that he types', async () => {
    await says(far, 'typing:start');
    return counts('typing:start', dan)[0] >= starts + 4;
  }, 20000);
  right.close();
  left.close();
  await until('the sessions have ended', async () => await bridge.metric('herald_sessions') === sessions - 2);
  await scene.settle(...listeners);
  assert.deepEqual(counts('typing:stop', dan), [stops, stops, stops, stops]);
  await says(far, 'typing:stop');
  await all('typing:stop', dan, stops + 1);
  far.close();
});

test('goes on with the typing of a user who closes one of two tabs', async () => {
  const [one, two] = await Promise.all([scene.socketIo(ben), scene.plain(ben)]);
  const before = heard(listeners[0], 'typing:stop', ben, second).length;
  await says(one, 'typing:start', second);
  await says(two, 'typing:start', second);
  const ended = await bridge.metric('herald_typing_ended_total');
  const sessions = await bridge.metric('herald_sessions');
  one.close();
  await until('the session has ended', async () => await bridge.metric('herald_sessions') === sessions - 1);
  await scene.settle(...listeners);
  assert.equal(heard(listeners[0], 'typing:stop', ben, second).length, before);
  two.close();
  await until('others hear of the end', () => heard(listeners[0], 'typing:stop', ben, second).length === before + 1);
  assert.equal(await bridge.metric('herald_typing_ended_total') - ended, 1);
});
