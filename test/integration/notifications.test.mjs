// A user's tabs and the inbox: retraction, read state, groups, preferences and milestones. All tabs show the same.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Scene } from './harness/scene.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;
const like = (user, post) => database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [user, post]);
const unlike = (user, post) => database.query('DELETE FROM likes WHERE user_id = $1 AND post_id = $2', [user, post]);
const everywhere = (clients, event, check) => Promise.all(clients.map((client) => client.waitFor(event, check)));
const list = async (client, options = {}) => (await client.ask('inbox:list', options)).data;

// Returns the list that a front end keeps by applying events, as docs/protocol.md describes.
function shown(client) {
  const notifications = new Map();
  for (const { event, data } of client.events) {
    if (event === 'notification:new' || event === 'notification:restored') notifications.set(data.id, data);
    if (event === 'notification:removed') data.ids.forEach((id) => notifications.delete(id));
  }
  return [...notifications.keys()].sort();
}

test('notifies once of like, unlike and like, and all tabs show the inbox', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const post = await scene.post(ann);
  const tabs = await scene.both(ann);
  await like(ben, post);
  const [told] = await everywhere(tabs, 'notification:new');
  await unlike(ben, post);
  for (const removed of await everywhere(tabs, 'notification:removed')) assert.deepEqual(removed, { id: told.id, ids: [told.id] });
  await everywhere(tabs, 'notification:unread', ({ count }) => count === 0);
  assert.deepEqual((await list(tabs[0])).notifications, []);
  await like(ben, post);
  for (const restored of await everywhere(tabs, 'notification:restored')) assert.equal(restored.id, told.id);
  await scene.settle(...tabs);
  for (const tab of tabs) {
    assert.equal(tab.all('notification:new').length, 1);
    assert.deepEqual(shown(tab), (await list(tab)).notifications.map(({ id }) => id));
    assert.equal(tab.all('notification:unread').at(-1).data.count, 1);
  }
});

test('removes all notifications about a deleted post in one event', async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  const post = await scene.post(ann);
  const kept = await scene.post(ann);
  const tabs = await scene.both(ann);
  for (const user of [ben, cat]) {
    await like(user, post);
    await database.query('INSERT INTO comments (post_id, user_id, content) VALUES ($1, $2, $3)', [post, user, 'Well']);
  }
  await like(ben, kept);
  await everywhere(tabs, 'notification:new', ({ subjectId }) => subjectId === kept);
  await database.query('DELETE FROM posts WHERE id = $1', [post]);
  await everywhere(tabs, 'notification:removed');
  await scene.settle(...tabs);
  for (const tab of tabs) {
    assert.equal(tab.all('notification:removed').length, 1);
    assert.equal(tab.all('notification:removed')[0].data.ids.length, 4);
    assert.equal(shown(tab).length, 1);
    assert.deepEqual(tab.all('notification:unread').at(-1).data, { count: 1 });
  }
});

test('keeps a notification when its retraction is rolled back', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const post = await scene.post(ann);
  const tabs = await scene.both(ann);
  await like(ben, post);
  await everywhere(tabs, 'notification:new');
  await database.psql('-c', `BEGIN; DELETE FROM likes WHERE post_id = ${post}; ROLLBACK`);
  await scene.settle(...tabs);
  for (const tab of tabs) assert.deepEqual(tab.all('notification:removed'), []);
});

test('shows read, unread, seen and archived notifications the same in all tabs', async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  const post = await scene.post(ann);
  const tabs = await scene.both(ann);
  const [here, there] = tabs;
  await like(ben, post);
  await like(cat, post);
  await everywhere(tabs, 'notification:unread', ({ count }) => count === 2);
  const ids = (await list(here)).notifications.map(({ id }) => id);

  assert.deepEqual((await here.ask('notification:seen')).data, { unseen: 0 });
  await there.waitFor('notification:seen');
  assert.deepEqual((await here.ask('notification:read', { id: ids[0] })).data, { unread: 1 });
  assert.deepEqual(await there.waitFor('notification:read'), { ids: [ids[0]] });
  assert.deepEqual((await there.ask('notification:unread', { id: ids[0] })).data, { unread: 2 });
  assert.deepEqual(await here.waitFor('notification:reopened'), { ids: [ids[0]] });
  assert.deepEqual((await there.ask('notification:read', { all: true })).data, { unread: 0 });
  const { until } = await here.waitFor('notification:read', ({ all }) => all);
  assert.equal(until, (await list(here)).notifications[0].id);
  await everywhere(tabs, 'notification:unread', ({ count }) => count === 0);
  assert.deepEqual((await here.ask('notification:archive', { ids })).data, { unread: 0 });
  await there.waitFor('notification:archived', (data) => data.ids.length === 2);
  assert.deepEqual((await list(there)).notifications, []);
  assert.equal((await list(there, { archived: true })).notifications.length, 2);
});

test('counts a new notification in a group that was read, in the badge as in the list', async () => {
  const people = await scene.people('Ann', ...Array.from({ length: 13 }, (_, index) => `Fan_${index + 1}`));
  const [ann, ...fans] = people;
  const post = await scene.post(ann);
  const [tab] = await scene.both(ann);
  await database.query('INSERT INTO likes (user_id, post_id) SELECT unnest($1::bigint[]), $2', [fans, post]);
  await tab.waitFor('notification:unread', ({ count }) => count === 13);
  const before = await list(tab, { grouped: true });
  assert.equal(before.unread, 1);
  assert.equal(before.groups.length, 1);
  const [group] = before.groups;
  assert.deepEqual([group.title, group.actorCount, group.count, group.unread, group.read], ['Fan_13 and 12 others liked your post', 13, 13, 13, false]);
  assert.deepEqual(group.actors.map(({ name }) => name), ['Fan_13', 'Fan_12', 'Fan_11']);

  assert.deepEqual((await tab.ask('notification:read', { group: group.group })).data, { unread: 0 });
  const [late] = await scene.people('Late');
  await like(late, post);
  await tab.waitFor('notification:unread', ({ count }) => count === 1);
  const [grown] = (await list(tab, { grouped: true })).groups;
  assert.deepEqual([grown.title, grown.unread], ['Late and 13 others liked your post', 1]);
  await database.query('DELETE FROM likes WHERE post_id = $1 AND user_id <> $2', [post, fans[0]]);
  await tab.waitFor('notification:removed');
  assert.equal((await list(tab, { grouped: true })).groups[0].title, 'Fan_1 liked your post');
});

test('applies blocks, muted users and quiet hours', async () => {
  const [ann, ben, cat, dan] = await scene.people('Ann', 'Ben', 'Cat', 'Dan');
  const post = await scene.post(ann);
  const [tab] = await scene.both(ann);
  await database.query('CREATE TABLE IF NOT EXISTS blocks (blocker_id bigint REFERENCES users, blocked_id bigint REFERENCES users)');
  await database.query("SELECT herald.watch_blocks('blocks')");
  await database.query('INSERT INTO blocks VALUES ($1, $2)', [ann, ben]);
  await database.query("SELECT herald.mute($1, 'actor', $2)", [ann, cat]);
  await like(ben, post);
  await like(cat, post);
  await like(dan, post);
  assert.equal((await tab.waitFor('notification:new')).actorId, dan);
  await database.query("SELECT herald.set_quiet_hours($1, '00:00', '00:00', 'Europe/Berlin')", [ann]);
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [dan, ann]);
  await scene.settle(tab);
  assert.equal(tab.all('notification:new').length, 1);
  assert.deepEqual((await list(tab)).notifications.map(({ type }) => type), ['follow', 'like']);
  const [verdict] = (await database.query("SELECT verdict FROM herald.explain($1, 'like', actor => $2, subject_type => 'post', subject_id => $3) WHERE step = 'result'",
    [ann, ben, post]));
  assert.equal(verdict.verdict, 'not notified');
  await database.query("SELECT herald.unwatch('blocks')");
});

test('notifies the owner of a post of a milestone', async () => {
  const [ann] = await scene.people('Ann');
  const post = await scene.post(ann);
  const [tab] = await scene.both(ann);
  const fans = await scene.people(...Array.from({ length: 100 }, (_, index) => `Fan_${index}`));
  await database.query('INSERT INTO likes (user_id, post_id) SELECT unnest($1::bigint[]), $2', [fans, post]);
  const milestone = await tab.waitFor('notification:new', ({ type }) => type === 'milestone');
  assert.equal(milestone.title, 'Your post reached 100 likes');
  assert.deepEqual(milestone.data, { total: 100, field: 'totalLikes', postId: post });
});

test('tells the members of a conversation up to which message a user has read', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const [mine] = await scene.both(ann);
  const [theirs] = await scene.both(ben);
  await scene.message(conversation, ann, 'One');
  await scene.message(conversation, ann, 'Two');
  const { messageId } = await theirs.waitFor('message:created', ({ content }) => content === 'Two');
  await theirs.waitFor('notification:unread', ({ count }) => count === 2);
  assert.deepEqual((await theirs.ask('message:read', { conversationId: conversation, messageId })).data, { unread: 0 });
  const read = await mine.waitFor('message:read');
  assert.deepEqual([read.conversationId, read.userId, read.messageId], [conversation, ben, messageId]);
  await theirs.waitFor('notification:unread', ({ count }) => count === 0);
});
