// A watched database survives pg_dump and restore: it keeps the inbox, notifies of nothing twice, and its rules go on.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { after, test } from 'node:test';
import { Scene } from './harness/scene.mjs';

const scene = await Scene.open({ seed: true });
after(() => scene.close());

const { database, postgres } = scene;
const [ann, ben] = await scene.people('Ann', 'Ben');
const post = await scene.post(ann);
await database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [ben, post]);
await database.query('SELECT herald.set_preference($1, $2, $3)', [ben, 'follow', []]);

const tool = (name, ...options) => execFileSync(path.join(postgres.bin, name),
  ['-h', postgres.directory, '-p', postgres.port, '-U', 'postgres', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });

const inbox = (target) => target.query('SELECT * FROM herald.notification ORDER BY id');
const copy = await postgres.createDatabase('copy');
const archive = path.join(postgres.directory, 'social.dump');
tool('pg_dump', '-Fc', '-f', archive, 'social');
tool('pg_restore', '--exit-on-error', '-d', 'copy', archive);

test('restores the inbox intact', async () => {
  assert.ok((await inbox(database)).length > 0);
  assert.deepEqual(await inbox(copy), await inbox(database));
});

test('appends no event during the restore', async () => {
  assert.equal(await copy.value('SELECT count(*) FROM herald.event'), '0');
});

test('restores rules, preferences and actions', async () => {
  for (const relation of ['herald.watched', 'herald.preference', 'herald.action']) {
    const rows = `SELECT row_to_json(t)::text AS row FROM ${relation} AS t ORDER BY 1`;
    assert.deepEqual(await copy.query(rows), await database.query(rows), relation);
  }
});

test('delivers new notifications of the restored database, with new ids', async () => {
  const bridge = await scene.addBridge([], copy.conninfo('bridge'));
  const clients = await scene.both(ann, { bridge });
  const last = await copy.value('SELECT max(id) FROM herald.notification');
  await copy.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2), ($2, $1)', [ben, ann]);
  for (const client of clients) {
    const notification = await client.waitFor('notification:new');
    assert.equal(notification.title, 'Ben started following you');
    assert.ok(BigInt(notification.id) > BigInt(last));
    assert.deepEqual(client.all('notification:unread').at(-1).data, { count: 2 });
  }
  assert.equal(await copy.value('SELECT count(*) FROM herald.notification WHERE recipient_id = $1', [ben]), '0', 'the preference applies');
});

test('does not accept a position of the original in the copy', async () => {
  const first = await scene.plain(ann);
  await scene.settle(first);
  const bridge = await scene.addBridge([], copy.conninfo('bridge'));
  const second = await scene.plain(ann, { bridge, position: first.position });
  assert.equal(second.welcomes[0].recovered, false);
});

test('follows renames in the copy as soon as maintenance has run', async () => {
  await copy.query('SELECT herald.maintain()');
  await copy.query('ALTER TABLE follows RENAME follower_id TO fan_id');
  await copy.query('DELETE FROM follows');
  await copy.query('INSERT INTO follows (fan_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  assert.equal(await copy.value('SELECT count(*) FROM herald.suspended'), '0');
  assert.equal(await copy.value(`SELECT count(*) FROM herald.notification
    WHERE type = 'follow' AND recipient_id = $1 AND retracted_at IS NULL`, [ann]), '1');
});

test('can watch restored tables again and unwatch them', async () => {
  await copy.query('SELECT herald.watch_likes($1)', ['likes']);
  await copy.query('SELECT herald.unwatch_all()');
  const triggers = 'SELECT tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal AND relnamespace = $1::regnamespace';
  assert.deepEqual(await copy.query(triggers, ['public']), []);
});
