// Databases with other encodings than UTF8: the clients get and send exact texts, and nothing but UTF-8 reaches them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './harness/scene.mjs';

// The text in EUC_JP has characters of one, two and three bytes.
const TEXTS = [['LATIN1', 'Ann É', 'Größe', '→ 😀'], ['LATIN2', 'Ann Č', 'Żółć', '→ 😀'], ['EUC_JP', '安 杏', 'a ｶﾅ 日本語ー 丂', '€ 😀']];

for (const [encoding, name, text, foreign] of TEXTS) {
  test(`${encoding}: texts are exact in both directions`, async () => {
    const scene = await Scene.open({ encoding });
    const { database } = scene;
    const [ann, ben] = await scene.people('Ann', 'Ben');
    await database.query('UPDATE users SET display_name = $2 WHERE id = $1', [ben, name]);
    const post = await scene.post(ann, text);
    const conversation = await scene.conversation(ann, ben);
    const sender = await scene.socketIo(ben);
    const clients = [...await scene.both(ann), await scene.eventSource(ann)];

    await database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [ben, post]);
    for (const client of clients) assert.ok((await client.waitFor('notification:new')).title.includes(name));

    assert.equal((await sender.ask('message:send', { conversationId: conversation, content: text })).ok, true);
    for (const client of clients) await client.waitFor('message:created', ({ content }) => content === text);
    assert.deepEqual(await database.query("SELECT content, convert_from(content::bytea, $1) AS bytes FROM messages", [encoding]),
      [{ content: text, bytes: text }]);

    const { ok, error } = await sender.ask('message:send', { conversationId: conversation, content: foreign });
    assert.deepEqual([ok, error.code], [false, '22P05']);
    assert.match(error.message, /has no equivalent/);

    // Sessions that arrive together share a query: a user whom the database cannot name harms no other one.
    const arrivals = await Promise.allSettled(Array.from({ length: 30 }, (_, n) => scene.plain([ann, ben, '😀'][n % 3])));
    assert.deepEqual(arrivals.map(({ reason }) => reason?.code), Array.from({ length: 30 }, (_, n) => (n % 3 === 2 ? 'unavailable' : undefined)));
    await scene.settle(...clients);
    assert.equal(await scene.bridge.metric('herald_values_repaired_total'), 0);
    await scene.close();
  });
}

test('SQL_ASCII: bytes that are not UTF-8 are replaced and counted, and no client reconnects', async () => {
  const scene = await Scene.open({ encoding: 'SQL_ASCII' });
  const { database } = scene;
  const [ann] = await scene.people('Ann');
  const [plain, socket] = await scene.both(ann);
  const clients = [plain, socket, await scene.eventSource(ann)];

  await database.query(`SELECT herald.notify('${ann}', 'hello', 'Hello', E'caf\\303\\251')`);
  for (const client of clients) await client.waitFor('notification:new', ({ content }) => content === 'café');
  await database.query(`SELECT herald.notify('${ann}', 'hello', 'Hello', E'caf\\351')`);
  for (const client of clients) await client.waitFor('notification:new', ({ content }) => content === 'caf\ufffd');
  assert.ok(await scene.bridge.metric('herald_values_repaired_total') > 0);

  const { notifications } = (await socket.ask('inbox:list')).data;
  assert.deepEqual(notifications.map(({ content }) => content), ['caf\ufffd', 'café']);
  await database.query(`CREATE FUNCTION public.fail(user_id text, payload jsonb) RETURNS jsonb LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION '%', E'caf\\351'; END$$; SELECT herald.expose('fail', 'public.fail(text, jsonb)')`);
  assert.deepEqual((await plain.ask('fail')).error, { code: 'P0001', message: 'caf\ufffd' });

  await scene.settle(...clients);
  assert.equal(socket.connects.length, 1);
  assert.deepEqual(await database.query("SELECT severity FROM herald.doctor() WHERE problem = 'encoding_unchecked'"), [{ severity: 'warning' }]);
  await scene.close();
});
