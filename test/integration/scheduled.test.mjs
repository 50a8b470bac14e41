// Scheduled posts: followers get them when their time comes, from the worker or from the bridge's own maintenance.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const STORIES = `
  CREATE TABLE stories (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id bigint NOT NULL REFERENCES users,
    content text NOT NULL, published_at timestamptz);
  SELECT herald.watch_posts('stories', noun => 'story', notify_followers => true);`;

// Opens a scene with an author and the session of a follower.
async function openFeed(options) {
  const scene = await Scene.open(options);
  await scene.database.psql('-c', STORIES);
  const [ann, ben] = await scene.people('Ann', 'Ben');
  await scene.database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  return { scene, ann, ben, follower: await scene.plain(ben) };
}

const schedule = (scene, author, content, interval) => scene.database.query(
  'INSERT INTO stories (user_id, content, published_at) VALUES ($1, $2, now() + $3::interval)', [author, content, interval]);

// Returns the contents of the stories that a session has heard of.
const storiesOf = (client) => client.all('story:created').map(({ data }) => data.story.content);

// Waits until a story arrives, and returns by how many milliseconds it is late by the clock of the database.
async function lateness(scene, client, content) {
  await client.waitFor('story:created', ({ story }) => story.content === content);
  return Number(await scene.database.value(
    'SELECT 1000 * extract(epoch FROM clock_timestamp() - published_at) FROM stories WHERE content = $1', [content]));
}

test('publishes scheduled posts in time, once, and while nothing else happens', async () => {
  const { scene, ann, follower } = await openFeed();
  await schedule(scene, ann, 'soon', '1.5 s');
  await schedule(scene, ann, 'later', '4 s');
  for (const content of ['soon', 'later']) {
    const late = await lateness(scene, follower, content);
    assert.ok(late >= 0 && late < 2000, `${late} ms late`);
  }
  await scene.settle(follower);
  assert.deepEqual(storiesOf(follower), ['soon', 'later']);
  assert.equal((await follower.waitFor('notification:new')).type, 'post');
  assert.equal(await scene.database.value('SELECT count(*) FROM herald_internal.due WHERE NOT published'), '0');
  await scene.close();
});

test('publishes posts that were scheduled before a restart, also those whose time has passed by then', async () => {
  const { scene, ann, follower } = await openFeed();
  await schedule(scene, ann, 'missed', '3 s');
  await schedule(scene, ann, 'to come', '1 h');
  const time = Date.now() + 3000;
  await scene.postgres.stop();
  await until('its time passes', () => Date.now() > time);
  await scene.postgres.start();
  await follower.waitFor('story:created', ({ story }) => story.content === 'missed');
  await until('the record is gone', () =>
    scene.database.value('SELECT count(*) = 1 FROM herald_internal.due WHERE NOT published'));
  await scene.settle(follower);
  assert.deepEqual(storiesOf(follower), ['missed']);
  await scene.close();
});

test('publishes scheduled posts without a worker', async () => {
  const { scene, ann, follower } = await openFeed({ preload: false });
  await schedule(scene, ann, 'now', '1 s');
  await schedule(scene, ann, 'then', '13 s');
  for (const content of ['now', 'then']) await lateness(scene, follower, content);
  await scene.settle(follower);
  assert.deepEqual(storiesOf(follower), ['now', 'then']);
  await scene.close();
});
