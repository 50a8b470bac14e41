// Databases with other encodings than UTF8: the clients get and send exact texts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './harness/scene.mjs';

for (const [encoding, name, text, foreign] of [['LATIN1', 'Ann É', 'Größe', '→ 😀'], ['LATIN2', 'Ann Č', 'Żółć', '→ 😀']]) {
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
    await scene.settle(...clients);
    await scene.close();
  });
}
