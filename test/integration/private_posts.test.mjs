// Posts that not everybody may see: their rooms, their comments' rooms, feeds and notifications, from the commit that withdraws access on.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Scene } from './harness/scene.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;
const visible = `viewer = post.user_id::text OR post.audience = 'public' AND
  (EXISTS (SELECT FROM public.users AS author WHERE author.id = post.user_id AND NOT author.private) OR
   EXISTS (SELECT FROM public.follows AS f WHERE f.followee_id = post.user_id AND f.follower_id::text = viewer))`;
const watchPosts = (condition) => database.query("SELECT herald.watch_posts('posts', status => 'status', notify_followers => true, visible => $1)", [condition]);
await database.psql('-c', `
  ALTER TABLE users ADD private boolean NOT NULL DEFAULT false;
  ALTER TABLE posts ADD audience text NOT NULL DEFAULT 'public', ADD status text NOT NULL DEFAULT 'published', ADD deleted_at timestamptz;
  CREATE TABLE blocks (blocker_id bigint REFERENCES users, blocked_id bigint REFERENCES users, PRIMARY KEY (blocker_id, blocked_id));
  CREATE TABLE comment_likes (user_id bigint REFERENCES users, comment_id bigint REFERENCES comments, PRIMARY KEY (user_id, comment_id));
  SELECT herald.watch_users('users', name => 'display_name', handle => 'username'), herald.watch_blocks('blocks'),
         herald.watch_likes('comment_likes')`);
await watchPosts(visible);

const follow = (follower, followee) => database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [follower, followee]);
const comment = (post, user, content) =>
  database.value('INSERT INTO comments (post_id, user_id, content) VALUES ($1, $2, $3) RETURNING id', [post, user, content]);
const events = (client, event) => client.all(event).map(({ data }) => data);
const joins = async (client, room) => (await client.ask('room:join', { room })).ok;

// Each withdraws the viewer's access to the author's post in one statement.
const withdrawals = {
  'the post becomes private': ['UPDATE posts SET audience = $2::text WHERE id = $1', ({ post }) => [post, 'private']],
  'the post is deleted softly': ['UPDATE posts SET deleted_at = now() WHERE id = $1', ({ post }) => [post]],
  'the post becomes a draft': ['UPDATE posts SET status = $2::text WHERE id = $1', ({ post }) => [post, 'draft']],
  'the author blocks the viewer': ['INSERT INTO blocks VALUES ($1, $2)', ({ author, viewer }) => [author, viewer]],
  'the viewer blocks the author': ['INSERT INTO blocks VALUES ($2, $1)', ({ author, viewer }) => [author, viewer]],
  'the author makes the account private': ['UPDATE users SET private = true WHERE id = $1', ({ author }) => [author]],
};

for (const [cause, [statement, parameters]] of Object.entries(withdrawals)) {
  test(`ends access to a post and its comments when ${cause}`, async () => {
    const [author, viewer] = await scene.people('Author', 'Viewer');
    const post = await scene.post(author);
    const first = await comment(post, author, 'Before');
    const clients = await scene.both(viewer);
    for (const client of clients) {
      assert.ok(await joins(client, `post:${post}`));
      assert.ok(await joins(client, `comment:${first}`));
    }
    await comment(post, author, 'Still visible');
    await database.query(statement, parameters({ author, viewer, post }));
    await database.query('UPDATE posts SET content = $2 WHERE id = $1', [post, 'Secret edit']);
    await comment(post, author, 'Secret comment');
    await database.query('INSERT INTO comment_likes VALUES ($1, $2)', [author, first]);
    await scene.settle(...clients);
    for (const client of clients) {
      assert.deepEqual(events(client, 'comment:created').map(({ content }) => content), ['Still visible']);
      assert.deepEqual(events(client, 'post:updated'), []);
      assert.deepEqual(events(client, 'comment:liked'), []);
      assert.equal(await joins(client, `post:${post}`), false);
      assert.equal(await joins(client, `comment:${first}`), false);
    }
  });
}

test('ends access to posts of a private account at an unfollow', async () => {
  const [author, viewer] = await scene.people('Author', 'Viewer');
  await database.query('UPDATE users SET private = true WHERE id = $1', [author]);
  const post = await scene.post(author);
  const clients = await scene.both(viewer);
  for (const client of clients) assert.equal(await joins(client, `post:${post}`), false);
  await follow(viewer, author);
  for (const client of clients) assert.ok(await joins(client, `post:${post}`));
  await comment(post, author, 'For followers');
  await database.query('DELETE FROM follows WHERE follower_id = $1', [viewer]);
  await comment(post, author, 'Secret');
  await scene.settle(...clients);
  for (const client of clients) assert.deepEqual(events(client, 'comment:created').map(({ content }) => content), ['For followers']);
});

for (const cause of ['the post becomes private', 'the author makes the account private'])
  test(`keeps the author in the room of a post when ${cause}`, async () => {
    const [statement, parameters] = withdrawals[cause];
    const [author] = await scene.people('Author');
    const post = await scene.post(author);
    const clients = await scene.both(author);
    for (const client of clients) assert.ok(await joins(client, `post:${post}`));
    await database.query(statement, parameters({ author, post }));
    await comment(post, author, 'A note');
    await scene.settle(...clients);
    for (const client of clients) assert.deepEqual(events(client, 'comment:created').map(({ content }) => content), ['A note']);
  });

test('sends a post to the followers that may see it, and to no others', async () => {
  const [author, friend, blocked] = await scene.people('Author', 'Friend', 'Blocked');
  await follow(friend, author);
  await follow(blocked, author);
  await database.query('INSERT INTO blocks VALUES ($1, $2)', [author, blocked]);
  const [friends, others] = [await scene.both(friend), await scene.both(blocked)];
  const post = await scene.post(author, 'Public');
  await database.query("INSERT INTO posts (user_id, content, audience) VALUES ($1, 'Diary', 'private')", [author]);
  await database.query("UPDATE posts SET audience = 'private', content = 'Now secret' WHERE id = $1", [post]);
  await scene.settle(...friends, ...others);
  for (const client of friends) {
    assert.deepEqual(events(client, 'post:created').map((data) => data.post.content), ['Public']);
    assert.deepEqual(events(client, 'post:deleted'), [{ postId: String(post), authorId: String(author) }]);
    assert.deepEqual(events(client, 'notification:new').map(({ type }) => type), ['post']);
    assert.deepEqual(events(client, 'post:updated'), []);
  }
  for (const client of others) {
    for (const event of ['post:created', 'post:updated', 'post:deleted', 'notification:new']) assert.deepEqual(events(client, event), []);
  }
});

test('ends access when the posts are watched again with another condition', async () => {
  const [author, viewer] = await scene.people('Author', 'Viewer');
  const post = await scene.post(author);
  const [of, by] = [await scene.both(author), await scene.both(viewer)];
  for (const client of [...of, ...by]) assert.ok(await joins(client, `post:${post}`));
  await watchPosts('viewer = post.user_id::text');
  await comment(post, author, 'Secret');
  await scene.settle(...of, ...by);
  await watchPosts(visible);
  await comment(post, author, 'Visible again, and left');
  await scene.settle(...of, ...by);
  for (const client of of) assert.equal(events(client, 'comment:created').length, 2);
  for (const client of by) {
    assert.deepEqual(events(client, 'comment:created'), []);
    assert.deepEqual(events(client, 'room:left').map(({ room }) => room), [`post:${post}`]);
  }
});

test('ends access to an album that is deleted softly, which is not watched itself', async () => {
  const [author, viewer] = await scene.people('Author', 'Viewer');
  await database.psql('-c', `
    CREATE TABLE albums (id bigint PRIMARY KEY, user_id bigint REFERENCES users, deleted_at timestamptz);
    CREATE TABLE album_likes (user_id bigint REFERENCES users, album_id bigint REFERENCES albums, PRIMARY KEY (user_id, album_id));
    INSERT INTO albums VALUES (1, ${author}), (2, ${author});
    SELECT herald.watch_likes('album_likes', subject => 'album_id')`);
  const clients = await scene.both(viewer);
  for (const client of clients) for (const album of ['album:1', 'album:2']) assert.ok(await joins(client, album));
  await database.query('UPDATE albums SET deleted_at = now() WHERE id = 1');
  await database.query('INSERT INTO album_likes VALUES ($1, 1), ($1, 2)', [author]);
  await scene.settle(...clients);
  for (const client of clients) assert.deepEqual(events(client, 'album:liked').map(({ albumId }) => albumId), ['2']);
});

test('ends access to posts that are truncated, and so to those that get their ids', async () => {
  const [author, viewer] = await scene.people('Author', 'Viewer');
  const post = await scene.post(author);
  const first = await comment(post, author, 'Before');
  const clients = await scene.both(viewer);
  for (const client of clients) for (const room of [`post:${post}`, `comment:${first}`]) assert.ok(await joins(client, room));
  await database.query('TRUNCATE posts RESTART IDENTITY CASCADE');
  await database.query("INSERT INTO posts (id, user_id, content, audience) OVERRIDING SYSTEM VALUE VALUES ($1, $2, 'Secret', 'private')", [post, author]);
  await comment(post, author, 'Secret');
  await scene.settle(...clients);
  for (const client of clients) {
    assert.deepEqual(events(client, 'comment:created'), []);
    assert.deepEqual(events(client, 'room:left').map(({ room }) => room).sort(), [`comment:${first}`, `post:${post}`]);
  }
});
