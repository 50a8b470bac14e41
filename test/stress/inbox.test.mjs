// Whatever people do at the same time, every inbox is what the application's tables say: likes, comments, mentions, follows
// that come and go and come back, blocks, cascades, savepoints, rollbacks, and everybody marking what they read. An oracle in
// plain SQL says what ought to be there. HERALD_SEED repeats the choices of a run, though not the moments of its clients.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { Postgres } from '../integration/harness/postgres.mjs';
import { until } from '../integration/harness/wait.mjs';
import { compare, COMPARISONS, inWords, rows } from './comparisons.mjs';
import { live } from './history.mjs';

const CLIENTS = 12;
const TRANSACTIONS = Number(process.env.HERALD_TRANSACTIONS ?? 2000);
const seed = Number(process.env.HERALD_SEED ?? Math.floor(Math.random() * 1e6));

const postgres = await Postgres.create({ preload: ['life', 'mutant'], settings: ['deadlock_timeout=100ms', 'herald.milestones=', 'max_connections=60'] });
after(() => postgres.destroy());

async function createApplication(name) {
  const database = await postgres.createDatabase(name);
  await database.query('CREATE EXTENSION pg_herald');
  await database.query(readFileSync(new URL('inbox_oracle.sql', import.meta.url), 'utf8'));
  await database.query('SELECT prepare()');
  await until('the worker serves', () => database.value('SELECT herald.preloaded()'));
  return database;
}

// A history, after which nothing is left for the worker to say.
async function history(database, transactions) {
  const start = await database.value('SELECT herald.current_position()');
  const refusals = await live(database, { seed, clients: CLIENTS, transactions });
  await until('all marks are settled', async () => {
    await database.query('SELECT herald.maintain()');
    return database.value("SELECT NOT EXISTS (SELECT FROM herald.read_mark WHERE read_running <> '{}')");
  });
  return { start, refusals };
}

const life = await createApplication('life');
let start;

test('every inbox is what the tables say', { timeout: 120000 }, async (t) => {
  t.diagnostic(`HERALD_SEED=${seed}`);
  const began = Date.now();
  const lived = await history(life, TRANSACTIONS);
  start = lived.start;
  const [facts] = await rows(life, `SELECT (SELECT count(*) FROM journal) AS changes, (SELECT count(*) FROM herald.notification) AS notifications,
    (SELECT count(*) FROM herald.notification WHERE retracted_at IS NULL) AS visible, (SELECT count(*) FROM reading) AS marks,
    (SELECT count(*) FROM herald.event WHERE name = 'notification:restored') AS restored, (SELECT count(*) FROM herald.event) AS events`);
  t.diagnostic(`${JSON.stringify(facts)} in ${Date.now() - began} ms, refused: ${JSON.stringify(lived.refusals)}`);
  assert.deepEqual(await compare(life, start), {}, `HERALD_SEED=${seed}`);
});

test('no deadlock is of rows of pg_herald', () => {
  const reports = postgres.log().match(/deadlock detected[^]*?STATEMENT: .*/g) ?? [];
  assert.deepEqual(reports.filter((report) => /herald(_internal)?\.|relation "(notification|read_mark|event_\d|total)"/.test(report)), [], `HERALD_SEED=${seed}`);
});

// Each is done to what the history left, and undone.
const DAMAGE = {
  'inboxes and tables': 'UPDATE herald.notification SET retracted_at = NULL WHERE id = (SELECT max(id) FROM herald.notification WHERE retracted_at IS NOT NULL)',
  'pages, groups and badges': "CREATE OR REPLACE FUNCTION herald_internal.unread_notifications(user_id text) RETURNS SETOF herald.notification LANGUAGE sql AS 'SELECT * FROM herald.inbox($1)'",
  'totals and tables': 'UPDATE herald_internal.total SET count = count + 1',
  'events and journal': "DELETE FROM herald.event WHERE id = (SELECT max(id) FROM herald.event WHERE name = 'post:unliked')",
  'what clients heard': "DELETE FROM herald.event WHERE name = 'notification:removed'",
};

test('each comparison can fail', { timeout: 120000 }, async () => {
  const client = await life.connect();
  for (const [name, damage] of Object.entries(DAMAGE)) {
    await client.query('BEGIN');
    await client.query(damage);
    assert.notDeepEqual(await COMPARISONS[name](client, start), [], `${name} finds nothing of: ${damage}`);
    await client.query('ROLLBACK');
  }
  await client.end();
});

test('what happens next carries the totals of the tables', async () => {
  const position = await life.value('SELECT herald.current_position()');
  await life.query(`INSERT INTO likes SELECT 29, id FROM posts ON CONFLICT DO NOTHING; DELETE FROM likes WHERE user_id = 28;
    INSERT INTO comments (user_id, post_id, content) SELECT 29, id, 'Next' FROM posts; UPDATE comments SET deleted_at = now() WHERE user_id = 27;
    INSERT INTO follows SELECT 29, id FROM users ON CONFLICT (follower_id, followee_id) DO UPDATE SET deleted_at = NULL; DELETE FROM follows WHERE follower_id = 28;
    DELETE FROM comment_likes WHERE user_id > 10`);
  const told = await life.query(`SELECT e.name, t.counted, t.told, x.total FROM herald.read_events($1, max_events => 10000) AS e CROSS JOIN LATERAL (SELECT e.payload::jsonb) AS p (data)
    CROSS JOIN LATERAL (VALUES ('likes', data ->> 'postId', data ->> 'totalLikes'), ('comment_likes', data ->> 'commentId', data ->> 'totalLikes'),
      ('comments', data ->> 'postId', data ->> 'totalComments'), ('follows', data ->> 'followeeId', data ->> 'totalFollowers')) AS t (relation, counted, told)
    JOIN expected_total AS x ON x.relation = t.relation::regclass AND x.counted::text = t.counted WHERE t.told IS NOT NULL`, [position]);
  assert.deepEqual(inWords(told.filter(({ told: one, total }) => one !== total)), [], `HERALD_SEED=${seed}`);
  assert.ok(told.length > 20, `${told.length} totals were told`);
});

test('without the rule that takes back likes there are ghosts', { timeout: 120000 }, async (t) => {
  const mutant = await createApplication('mutant');
  await mutant.query("SELECT herald_internal.delete_rules('likes', 'like_gone')");
  await history(mutant, 120);
  await mutant.query('DELETE FROM likes');
  const found = await COMPARISONS['inboxes and tables'](mutant);
  t.diagnostic(`${found.length} differences, such as: ${found[0]}`);
  assert.ok(found.length > 0 && found.every((difference) => /what too much, .*type like/.test(difference)), found.join('\n'));
});
