// Databases with other encodings than UTF8: the clients get and send exact texts, and nothing but UTF-8 reaches them. And a database
// in which the small letter of I is no i.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Postgres, serverBin, serverVersion } from './harness/postgres.mjs';
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

const skip = serverVersion(serverBin()) < 15 && 'this server has no databases of an ICU locale';

test('a Turkish database: finds columns, secrets and states by their English names, and users as Turkish writes them', { skip }, async (t) => {
  const postgres = await Postgres.create();
  t.after(() => postgres.destroy());
  const database = await postgres.createDatabase('turkish', "LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' TEMPLATE template0");
  await database.query(`
    SET client_min_messages = warning;
    CREATE EXTENSION pg_herald;
    CREATE TABLE "User" (id serial PRIMARY KEY, "userName" text UNIQUE NOT NULL);
    CREATE TABLE "Item" (id serial PRIMARY KEY, "userId" int REFERENCES "User", content text, "clientIP" text, "EMAIL" text,
                         status text CHECK (status IN ('PUBLISHED', 'WAITING')));
    CREATE TABLE "Like" ("userId" int REFERENCES "User", "itemId" int REFERENCES "Item", PRIMARY KEY ("userId", "itemId"));
    SELECT herald.watch_users('"User"'), herald.watch_posts('"Item"', status => 'status', noun => 'item'), herald.watch_likes('"Like"');
    INSERT INTO "User" ("userName") VALUES ('ILKER'), ('ışık');
    INSERT INTO "Item" ("userId", content, status) VALUES (1, 'hello @IŞIK', 'PUBLISHED'), (2, '@ILKER', 'WAITING');
    INSERT INTO "Like" VALUES (2, 1)`);
  assert.deepEqual(await database.query('SELECT recipient_id, title FROM herald.notification ORDER BY id'),
    [{ recipient_id: '2', title: 'ILKER mentioned you' }, { recipient_id: '1', title: 'ışık liked your item' }]);
  const [{ payload }] = await database.query("SELECT payload FROM herald.event WHERE name = 'item:created'");
  assert.deepEqual(Object.keys(payload), ['itemId', 'authorId', 'authorName', 'item']);
  assert.deepEqual(Object.keys(payload.item), ['id', 'userId', 'content', 'status']);

  // Equal ids that are different texts would name different rooms: such a column is refused. A handle may have such a collation.
  await database.query(`
    SELECT herald.unwatch_all();
    CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE people (id text COLLATE loose PRIMARY KEY, username text COLLATE loose UNIQUE NOT NULL);
    CREATE TABLE notes (id int PRIMARY KEY, author_id text, body text COLLATE loose)`);
  const refused = (call, column) => assert.rejects(database.query(call), { code: '0A000', message: new RegExp(`^column "${column}" of table .* nondeterministic`) });
  await refused("SELECT herald.watch_users('people')", 'id');
  await refused("SELECT herald.watch_posts('notes')", 'body');
  await database.query(`
    ALTER TABLE people ALTER COLUMN id TYPE text COLLATE "C"; ALTER TABLE notes ALTER COLUMN body TYPE text COLLATE "C";
    SELECT herald.watch_users('people'), herald.watch_posts('notes');
    INSERT INTO people VALUES ('a', 'Ann'), ('b', 'Ben');
    INSERT INTO notes VALUES (1, 'a', 'hello @BEN')`);
  assert.equal(await database.value("SELECT title FROM herald.notification WHERE recipient_id = 'b'"), 'Ann mentioned you');
});
