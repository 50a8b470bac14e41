// A role that may create objects in public plants, for every function, operator and type of pg_catalog, one of the same name. None of
// them ever runs with the rights of the bridge or of the extension's owner.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());

const { database } = scene;

// Made before anything is planted, because the harness uses bare names.
const [ann, ben] = await scene.people('Ann', 'Ben');
const post = await scene.post(ann);
const conversation = await scene.conversation(ann, ben);
await database.query(`CREATE FUNCTION public.admits(user_id text, room text) RETURNS boolean LANGUAGE sql RETURN true;
  SELECT herald.room_policy('board', 'public.admits(text, text)')`);

// Creates the functions and operators of pg_catalog again in public. A polymorphic one is created for texts, integers, jsonb and their
// arrays. Each reports the role with whose rights it runs, in the server's log, where no rollback reaches it.
const PLANT = `
  CREATE FUNCTION public.plant(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
  BEGIN
    EXECUTE statement;
    RETURN true;
  EXCEPTION WHEN OTHERS THEN
    RETURN false;
  END $$;

  CREATE FUNCTION public.planted_type(given regtype, element regtype, list regtype) RETURNS text LANGUAGE sql AS $$
    SELECT CASE
      WHEN given::text IN ('anyarray', 'anycompatiblearray') THEN list::text
      WHEN given::text IN ('anyelement', 'anynonarray', 'anycompatible', 'anycompatiblenonarray', '"any"') THEN element::text
      ELSE given::text END
  $$;

  CREATE TABLE public.seeds AS
    SELECT DISTINCT p.proname::text AS name, s.types, public.planted_type(p.prorettype, e.element, e.list) AS result, p.proretset AS is_set
    FROM pg_proc AS p
    CROSS JOIN (VALUES ('text'::regtype, 'text[]'::regtype), ('bigint', 'bigint[]'), ('integer', 'integer[]'), ('jsonb', 'jsonb[]'),
      ('pg_snapshot', 'pg_snapshot[]'), ('regclass', 'regclass[]')) AS e (element, list)
    CROSS JOIN LATERAL (SELECT array(SELECT public.planted_type(t, e.element, e.list)
      FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (t, n) ORDER BY n) AS types) AS s
    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind IN ('f', 'a', 'w')
      AND p.prorettype NOT IN ('internal'::regtype, 'trigger'::regtype, 'event_trigger'::regtype, 'cstring'::regtype);

  CREATE TABLE public.planted AS
    SELECT name, types, public.plant(format(
      'CREATE FUNCTION public.%I(%s) RETURNS %s %s LANGUAGE plpgsql AS %L', name, array_to_string(types, ', '),
      CASE WHEN is_set THEN 'SETOF' ELSE '' END, result,
      format('BEGIN RAISE LOG %L, current_user; RETURN %s; END',
        format('planted %s runs as %%', replace(name, '%', '')), CASE WHEN is_set OR result = 'void' THEN '' ELSE 'NULL' END))) AS done
    FROM public.seeds;

  CREATE FUNCTION public.operate(name text, VARIADIC types text[]) RETURNS text LANGUAGE sql AS $$
    SELECT format('CREATE OPERATOR public.%s (%s FUNCTION = public.%I)', name,
      concat('LEFTARG = ' || types[1] || ', ', 'RIGHTARG = ' || types[2] || ', '), 'operator of ' || array_to_string(types, ' '))
  $$;

  CREATE TABLE public.operators AS
    SELECT DISTINCT o.oprname::text AS name, public.planted_type(nullif(o.oprleft, 0), e.element, e.list) AS l,
      public.planted_type(o.oprright, e.element, e.list) AS r, public.planted_type(o.oprresult, e.element, e.list) AS result
    FROM pg_operator AS o
    CROSS JOIN (VALUES ('text'::regtype, 'text[]'::regtype), ('bigint', 'bigint[]'), ('integer', 'integer[]'), ('jsonb', 'jsonb[]')) AS e (element, list)
    WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprresult <> 0;

  CREATE TABLE public.planted_operators AS
    SELECT name, l, r, public.plant(format(
      'CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L; CREATE OPERATOR public.%s (%s RIGHTARG = %s, FUNCTION = public.%I)',
      f.function, concat_ws(', ', l, r), result, format('BEGIN RAISE LOG %L, current_user; RETURN NULL; END',
        format('planted operator %s (%s) runs as %%', replace(name, '%', '%%'), concat_ws(', ', l, r))),
      name, 'LEFTARG = ' || l || ',', r, f.function)) AS done
    FROM public.operators CROSS JOIN LATERAL (SELECT left(format('op %s', md5(concat_ws(' ', name, l, r))), 60) AS function) AS f;

  CREATE FUNCTION public.report_type(name text) RETURNS boolean LANGUAGE plpgsql AS $$
  BEGIN
    RAISE LOG 'planted type % runs as %', name, current_user;
    RETURN true;
  END $$;

  CREATE TABLE public.planted_types AS
    SELECT t.typname, public.plant(format('CREATE DOMAIN public.%1$I AS pg_catalog.%1$I CHECK (public.report_type(%1$L))', t.typname)) AS done
    FROM pg_type AS t
    WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'r', 'm') AND t.typelem = 0;
`;

async function plant() {
  await database.query('CREATE ROLE eve LOGIN; GRANT CREATE ON SCHEMA public TO eve; GRANT ALL ON ALL TABLES IN SCHEMA public TO eve;'
    + 'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO eve');
  const eve = await database.connect('eve');
  await eve.query('SET search_path = pg_catalog');
  await eve.query(PLANT);
  const { rows: [{ functions, operators, types }] } = await eve.query('SELECT (SELECT count(*) FROM public.planted WHERE done)::int AS functions,'
    + '(SELECT count(*) FROM public.planted_operators WHERE done)::int AS operators, (SELECT count(*) FROM public.planted_types WHERE done)::int AS types');
  assert.ok(functions > 2000, `${functions} functions`);
  assert.ok(operators > 700, `${operators} operators`);
  assert.ok(types > 50, `${types} types`);
  return eve;
}

const reports = () => [...new Set(scene.postgres.log().match(/planted .* runs as .*/g) ?? [])];

// Does all that the bridge and its clients do.
async function mainJob() {
  const [plain, socket] = await scene.both(ann);
  const sender = await scene.socketIo(ben);
  const done = async (client, action, data) => {
    const answer = await client.ask(action, data);
    assert.equal(answer.ok, true, `${action}: ${JSON.stringify(answer)}\n${reports().join('\n')}`);
  };
  await done(socket, 'room:join', { room: `post:${post}` });
  await database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [ben, post]);
  for (const client of [plain, socket]) await client.waitFor('notification:new');
  await done(sender, 'message:send', { conversationId: conversation, content: 'Grüße' });
  for (const [action, data] of [['inbox:list', {}], ['notification:read', { all: true }], ['typing:start', { conversationId: conversation }],
    ['presence:set', { status: 'busy' }], ['presence:list', { userIds: [ben] }], ['room:join', { room: 'board:1' }],
    ['room:leave', { room: `post:${post}` }]]) await done(socket, action, data);
  socket.cut();
  await until('the client has reconnected', () => socket.connects.length === 2);
  await scene.settle(plain, socket, sender);
  await database.query('SELECT herald.maintain()');
  scene.closeClients();
}

test('calls no planted function, operator or type in the bridge, whatever search_path its role has', async () => {
  const eve = await plant();
  await eve.end();
  await database.query('ALTER ROLE bridge SET search_path = public, pg_catalog');
  const backends = await database.query("SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = 'bridge'");
  assert.ok(backends.length > 0);
  await mainJob();
  assert.deepEqual(reports(), []);
});

test('calls none of them when a session writes that has public first in its search_path', async () => {
  await database.query('CREATE ROLE writer LOGIN IN ROLE herald_publish, herald_inbox, herald_admin; GRANT ALL ON ALL TABLES IN SCHEMA public TO writer;'
    + 'GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO writer');
  const writer = await database.connect('writer');
  await writer.query('SET search_path = public, pg_catalog');
  await writer.query(`
    INSERT INTO follows (follower_id, followee_id) VALUES (${ben}, ${ann});
    INSERT INTO posts (user_id, content) VALUES (${ben}, 'Hello @ann1');
    INSERT INTO comments (user_id, post_id, content) VALUES (${ben}, ${post}, 'Grüße an @ann1');
    UPDATE posts SET content = 'Changed' WHERE true;
    UPDATE comments SET content = 'Changed' WHERE true;
    INSERT INTO messages (conversation_id, sender_id, content) VALUES (${conversation}, ${ben}, 'Hello');
    DELETE FROM likes;
    SELECT herald.publish('board:1', 'hello', '{"a": 1}');
    SELECT herald.notify('${ann}', 'hello', 'Hello');
    SELECT herald.signal('{board:1}', 'hello', '{"a": 1}');
    SELECT * FROM herald.inbox('${ann}');
    SELECT herald.unread_count('${ann}');
    SELECT * FROM herald.unread_messages('${ann}');
    SELECT * FROM herald.doctor();
    SELECT herald.is_online('${ann}');
    SELECT * FROM herald.online;
    DELETE FROM comments;
    DELETE FROM posts`);
  await writer.end();
  await database.query('SELECT herald.maintain()');
  assert.deepEqual(reports(), []);
});

// With a schema that only the caller writes to, the names in the calls' own expressions are safe, too.
test('calls none of them in the calls of an administrator who has public first in its search_path', async () => {
  const keeper = await database.connect();
  await keeper.query('SET search_path = public, pg_catalog');
  await keeper.query(`
    SELECT herald.watch_users('public.users', name => 'display_name', handle => 'username', schemas => '{pg_catalog}');
    SELECT herald.watch_posts('public.posts', visible => 'post.user_id::text <> viewer', notify_followers => true, schemas => '{pg_catalog}');
    SELECT herald.watch_likes('public.likes', active => 'user_id > 0', schemas => '{pg_catalog}');
    SELECT herald.watch_comments('public.comments'), herald.watch_follows('public.follows');
    SELECT herald.watch_members('public.conversation_members'), herald.watch_messages('public.messages');
    SELECT herald.watch('public.messages', 'said', recipient => 'new.sender_id', title => 'You said {content:20}',
      event => 'said:{id}', room => 'said:{sender_id}', schemas => '{pg_catalog}');
    SELECT * FROM herald.plan_watch('watch_likes', 'public.likes', '{"active": "user_id > 0", "schemas": ["pg_catalog"]}');
    SELECT * FROM herald.plan_watch('watch_posts', 'public.posts', '{"author": "user_id", "notify_followers": true, "visible": "true", "schemas": ["pg_catalog"]}');
    SELECT herald.notification_json(n) FROM herald.notification AS n;
    SELECT herald.group_json(g) FROM herald.inbox_groups('${ann}') AS g;
    SELECT herald.suggest();
    SELECT * FROM herald.doctor();
    SELECT * FROM herald.explain('${ann}', 'like', '${ben}');
    SELECT herald.recheck(room => 'post:${post}'), herald.retract('post:${post}:*'), herald.broadcast('hello', '{}');
    SELECT herald.may_join('${ann}', 'post:${post}'), herald.read_events(herald.current_position());
    SELECT herald.unwatch('public.messages', 'said'), herald.unwatch('public.likes'), herald.sync_triggers('public.posts')`);
  await keeper.end();
  await database.query('SELECT herald.maintain()');
  assert.deepEqual(reports(), []);
});

test('the trap works: a session with that search_path calls planted functions', async () => {
  const eve = await database.connect('eve');
  await eve.query("SET search_path = public, pg_catalog; SELECT array_to_json('{1}'::pg_catalog.text[]), 1 OPERATOR(+) 1, 'a'::text");
  assert.ok(reports().includes('planted array_to_json runs as eve'));
  assert.ok(reports().includes('planted type text runs as eve'));
  await eve.end();
});
