// Every inbox agrees with the application's tables, whatever runs concurrently: likes, comments, mentions and follows that
// come, go and come back, blocks, cascades, savepoints, rollbacks, marks, and folds of counts and groups. An oracle in
// plain SQL computes the expected inboxes. HERALD_SEED repeats the choices of a run, but not the timing of its clients.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { Postgres } from '../integration/harness/postgres.mjs';
import { until } from '../integration/harness/wait.mjs';
import { compare, COMPARISONS, inWords, rows } from './comparisons.mjs';
import { live, USERS } from './history.mjs';

const CLIENTS = 12;
const TRANSACTIONS = Number(process.env.HERALD_TRANSACTIONS ?? 2000);
const seed = Number(process.env.HERALD_SEED ?? Math.floor(Math.random() * 1e6));

const postgres = await Postgres.create({ preload: ['life', 'mutant'], settings: ['deadlock_timeout=100ms', 'herald.milestones=', 'max_connections=60'] });
after(() => postgres.destroy());

// The inboxes of a history are small: all of them get folds here.
const LARGE = 5;
const FOLD_SMALL_INBOXES = `DO $$ BEGIN EXECUTE replace(pg_get_functiondef('herald_internal.fold_inbox(text, int)'::regprocedure),
  'large integer DEFAULT 500', 'large integer DEFAULT ${LARGE}'); END $$`;

// Moves the folds of all inboxes on, each in its own transaction.
async function foldInboxes(database) {
  for (let user = 1; user <= USERS; user++) await database.query('SELECT herald_internal.fold_inbox($1)', [String(user)]);
}

// Does so again and again until the promise is settled; returns its outcome.
async function foldDuring(database, life) {
  let lives = true;
  const end = () => { lives = false; };
  life.then(end, end);
  while (lives) await foldInboxes(database);
  return life;
}

async function createApplication(name) {
  const database = await postgres.createDatabase(name);
  await database.query('CREATE EXTENSION pg_herald');
  await database.query(readFileSync(new URL('inbox_oracle.sql', import.meta.url), 'utf8'));
  await database.query('SELECT prepare()');
  await database.query(FOLD_SMALL_INBOXES);
  await until('the worker serves', () => database.value('SELECT herald.preloaded()'));
  return database;
}

// A history, after which the worker has nothing left to announce.
async function history(database, transactions) {
  const start = await database.value('SELECT herald.current_position()');
  const refusals = await foldDuring(database, live(database, { seed, clients: CLIENTS, transactions }));
  await until('all marks are settled', async () => {
    await database.query('SELECT herald.maintain()');
    return database.value("SELECT NOT EXISTS (SELECT FROM herald.read_mark WHERE read_running <> '{}')");
  });
  return { start, refusals };
}

const life = await createApplication('life');
let start;

test('keeps every inbox equal to the tables', { timeout: 120000 }, async (t) => {
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

test('folds every inbox, and keeps it equal', { timeout: 120000 }, async (t) => {
  await until('the folds hold all notifications', async () => {
    await foldInboxes(life);
    return life.value(`SELECT bool_and(f.folded_until IS NOT DISTINCT FROM n.id) FROM (SELECT recipient_id, max(id) AS id, count(*) FROM herald.notification
      GROUP BY recipient_id HAVING count(*) >= ${LARGE}) AS n LEFT JOIN herald_internal.unread_fold AS f ON f.user_id = n.recipient_id`);
  });
  const [facts] = await rows(life, `SELECT (SELECT count(*) FROM herald_internal.unread_fold) AS folds, (SELECT count(*) FROM herald_internal.inbox_group) AS groups,
    (SELECT count(*) FROM herald_internal.group_member) AS members`);
  t.diagnostic(JSON.stringify(facts));
  assert.ok(facts.folds > USERS / 2, `${facts.folds} folds`);
  assert.deepEqual(await compare(life, start), {}, `HERALD_SEED=${seed}`);
});

test('causes no deadlock on rows of pg_herald', () => {
  const reports = postgres.log().match(/deadlock detected[^]*?STATEMENT: .*/g) ?? [];
  assert.deepEqual(reports.filter((report) => /herald(_internal)?\.|relation "(notification|read_mark|event_\d|total)"/.test(report)), [], `HERALD_SEED=${seed}`);
});

// Mistakes that the comparisons must find: each is planted into the result of the history, and undone.
const DAMAGE = [
  ['inboxes and tables', 'UPDATE herald.notification SET retracted_at = NULL WHERE id = (SELECT max(id) FROM herald.notification WHERE retracted_at IS NOT NULL)'],
  ['pages, groups and badges', "CREATE OR REPLACE FUNCTION herald_internal.unread_count(user_id text) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM herald.inbox($1)'"],
  ['pages, groups and badges', "CREATE OR REPLACE FUNCTION herald_internal.unread_groups(user_id text) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM herald.inbox_groups($1)'"],
  ['pages, groups and badges', "CREATE OR REPLACE FUNCTION herald_internal.group_key(id bigint, type text, subject_type text, subject_id text, actor_id text, group_by text) RETURNS text LANGUAGE sql AS 'SELECT $1::text'"],
  ['pages, groups and badges', 'UPDATE herald_internal.inbox_group SET actor_count = actor_count + 1'],
  ['totals and tables', 'UPDATE herald_internal.total SET count = count + 1'],
  ['events and journal', "DELETE FROM herald.event WHERE id = (SELECT max(id) FROM herald.event WHERE name = 'post:unliked')"],
  ['what clients heard', "DELETE FROM herald.event WHERE name = 'notification:removed'"],
];

// Finds all that are not found before it fails, and leaves no transaction behind, which a mark would wait for.
test('finds each planted difference', { timeout: 120000 }, async () => {
  const client = await life.connect();
  const missed = [];
  for (const [name, damage] of DAMAGE) {
    await client.query('BEGIN');
    await client.query(damage);
    const found = await COMPARISONS[name](client, start);
    await client.query('ROLLBACK');
    if (!found.length) missed.push(`${name}: ${damage}`);
  }
  await client.end();
  assert.deepEqual(missed, []);
});

test('sends the totals of the tables with the next event', async () => {
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

test('finds ghosts when the rule that retracts likes is missing', { timeout: 120000 }, async (t) => {
  const mutant = await createApplication('mutant');
  await mutant.query("SELECT herald_internal.delete_rules('likes', 'like_gone')");
  await history(mutant, 120);
  await mutant.query('DELETE FROM likes');
  const found = await COMPARISONS['inboxes and tables'](mutant);
  t.diagnostic(`${found.length} differences, such as: ${found[0]}`);
  assert.ok(found.length > 0 && found.every((difference) => /what too much, .*type like/.test(difference)), found.join('\n'));
});
