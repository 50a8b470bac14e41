-- Privileges of each role, and the rights that rules run with.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE ROLE regress_owner;
CREATE ROLE regress_writer;
CREATE ROLE regress_stranger;
CREATE ROLE regress_app IN ROLE herald_watch, herald_publish, herald_inbox;
CREATE ROLE regress_admin IN ROLE herald_admin;
GRANT herald_watch TO regress_owner;
-- Everybody may call these, also where default privileges give PUBLIC nothing.
SELECT p.proname FROM pg_proc AS p, aclexplode(p.proacl) AS a
WHERE p.oid IN ('herald.current_user_id'::regproc, 'herald.iso8601'::regproc, 'herald.is_unread'::regproc)
  AND a.grantee = 0 AND a.privilege_type = 'EXECUTE' ORDER BY 1;
CREATE SCHEMA privileges AUTHORIZATION regress_owner;
GRANT USAGE ON SCHEMA privileges TO regress_writer, regress_stranger, regress_app;
CREATE TABLE privileges.secret (id int PRIMARY KEY, recipient text);
INSERT INTO privileges.secret VALUES (1, 'ann'), (2, 'ben');
SET ROLE regress_owner;
CREATE TABLE privileges.users (id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE privileges.posts (id int PRIMARY KEY, user_id text NOT NULL REFERENCES privileges.users);
CREATE TABLE privileges.likes (user_id text REFERENCES privileges.users, post_id int REFERENCES privileges.posts,
	PRIMARY KEY (user_id, post_id));
CREATE TABLE privileges.item (id int PRIMARY KEY, secret_id int);
INSERT INTO privileges.users VALUES ('ann', 'Ann'), ('ben', 'Ben');
INSERT INTO privileges.posts VALUES (1, 'ann'), (2, 'ann'), (3, 'ben');
GRANT INSERT ON privileges.likes, privileges.item TO regress_writer;

-- An owner with herald_watch watches a table; a role with INSERT on that table and no other right writes it.
SELECT herald.watch_users('privileges.users');
SELECT herald.watch_posts('privileges.posts');
SELECT herald.watch_likes('privileges.likes');
SET ROLE regress_writer;
SELECT has_schema_privilege('herald_internal', 'USAGE') OR
       has_schema_privilege('herald_body', 'USAGE') AS may_use_inside;
SELECT * FROM privileges.posts;
INSERT INTO privileges.likes VALUES ('ben', 1);
SELECT count(*) FROM herald.notification;
SELECT herald.unread_count('ann');
RESET ROLE;
SELECT recipient_id, actor_name, type, title FROM herald.notification ORDER BY id;

-- Only the owner of a table watches it, through any function.
SET ROLE regress_stranger;
SELECT herald.watch_likes('privileges.likes');
SET ROLE regress_app;
SELECT herald.watch_likes('privileges.likes');
SELECT herald.watch('privileges.item', 'spy', event => 'spied', room => 'room');
SELECT herald_internal.save_rule('privileges.item', 'spy', 'insert', 'insert', NULL, 'SELECT 1', NULL, NULL, 'abort');
SELECT herald_internal.delete_rules('privileges.likes');
SELECT herald_internal.forget_table('privileges.likes');
SELECT herald_internal.save_counter('privileges.likes', 'total', 'SELECT 1::bigint, 2::bigint', NULL, NULL);
SELECT herald_internal.save_room_source('privileges.likes', 'spy', 'SELECT ''ann'', ''room''');
SELECT herald_internal.save_watched('privileges.likes', 'likes', '{}');
SELECT herald.unwatch('privileges.likes');
INSERT INTO herald_internal.rule (relation, name, operation) VALUES ('privileges.item', 'spy', 'insert');
DELETE FROM herald_internal.rule;
INSERT INTO herald.event (rooms, name, payload) VALUES ('{*}', 'forged', '{}');
INSERT INTO herald.notification (recipient_id, type, title) VALUES ('ann', 'system', 'forged');
RESET ROLE;
SELECT count(*) FROM herald_internal.rule AS r WHERE r.name = 'spy';

-- A rule reads only the tables that the owner of its table may read, when it is created ...
SET ROLE regress_owner;
SELECT herald.watch('privileges.item', 'told', joins => 'JOIN privileges.secret AS s ON s.id = changed.secret_id',
                    recipient => 's.recipient', title => 'Told');
SELECT herald.watch('privileges.item', 'told', condition => 'false AND EXISTS (SELECT FROM privileges.secret)',
                    recipient => '''ann''', title => 'Told');
SELECT count(*) FROM herald_internal.rule AS r WHERE r.name = 'told';
RESET ROLE;
GRANT SELECT ON privileges.secret TO regress_owner;
SET ROLE regress_owner;
SELECT herald.watch('privileges.item', 'told', joins => 'JOIN privileges.secret AS s ON s.id = changed.secret_id',
                    recipient => 's.recipient', title => 'Told', on_error => 'abort');
SET ROLE regress_writer;
INSERT INTO privileges.item VALUES (1, 1);
-- ... and when it runs, also in a session that has its plan, and also when a superuser writes
RESET ROLE;
REVOKE SELECT ON privileges.secret FROM regress_owner;
CREATE FUNCTION privileges.write(id int, secret_id int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	context text;
BEGIN
	INSERT INTO privileges.item VALUES (id, secret_id);
	RETURN 'written';
EXCEPTION WHEN insufficient_privilege THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN SQLERRM || ': ' || substring(context from 'rule "\w+" of table');
END
$$;
SET ROLE regress_writer;
SELECT privileges.write(2, 2);
RESET ROLE;
SELECT privileges.write(2, 2);
SELECT title, recipient_id FROM herald.notification WHERE type = 'told' ORDER BY id;
SELECT count(*) FROM privileges.item;

-- With on_error => 'warn' the row is written without the rule, and other rules of the table run.
GRANT SELECT ON privileges.secret TO regress_owner;
SET ROLE regress_owner;
SELECT herald.watch('privileges.item', 'told', joins => 'JOIN privileges.secret AS s ON s.id = changed.secret_id',
                    recipient => 's.recipient', title => 'Told',
                    on_error => 'warn');
SELECT herald.watch('privileges.item', 'also', recipient => '''cat''', title => 'Also');
RESET ROLE;
REVOKE SELECT ON privileges.secret FROM regress_owner;
SET ROLE regress_writer;
INSERT INTO privileges.item VALUES (2, 2);
RESET ROLE;
SELECT rule, sqlstate, message, times FROM herald.rule_failure;
SELECT title, recipient_id FROM herald.notification WHERE type IN ('told', 'also') ORDER BY id;
SELECT count(*) FROM privileges.item;

-- The doctor's remedy gives back the privileges that rules have had: on single columns, too. Rooms that an owner has
-- saved by hand prove no privilege, and the remedy is a comment.
GRANT SELECT (id, recipient) ON privileges.secret TO regress_owner;
SET ROLE regress_owner;
SELECT herald.watch('privileges.item', 'told', joins => 'JOIN privileges.secret AS s ON s.id = changed.secret_id',
                    recipient => 's.recipient', title => 'Told');
RESET ROLE;
REVOKE SELECT (recipient) ON privileges.secret FROM regress_owner;
SELECT problem, relation, rule, detail, remedy FROM herald.doctor() WHERE relation::text LIKE 'privileges.%' AND
	severity = 'error';
SELECT remedy FROM herald.doctor() WHERE problem = 'privilege_lost' \gexec
SELECT count(*) FROM herald.doctor() WHERE problem = 'privilege_lost';
SET ROLE regress_owner;
SELECT herald.unwatch('privileges.item', 'told');
RESET ROLE;
REVOKE SELECT (id, recipient) ON privileges.secret FROM regress_owner;
SET ROLE regress_owner;
SELECT herald_internal.mark_names('privileges.posts', 'SELECT ', 'EXISTS (SELECT FROM privileges.secret)', '');
SELECT herald_internal.save_watched('privileges.posts', 'posts', jsonb_set(w.arguments, '{rooms,0,access}', to_jsonb(
           format('EXISTS (SELECT FROM /*@%s.%s.0*/privileges.secret)', herald_internal.database_tag(),
                  'privileges.secret'::regclass::oid))))
FROM herald_internal.watched_table AS w WHERE w.relation = 'privileges.posts'::regclass;
RESET ROLE;
SELECT problem, relation, rule, remedy FROM herald.doctor() WHERE problem = 'privilege_lost';
SET ROLE regress_owner;
SELECT herald.watch_posts('privileges.posts');
RESET ROLE;

-- Neither the new name of a column nor a row type proves a privilege. No mark of an owner fails the doctor of others.
CREATE SCHEMA stranger AUTHORIZATION regress_stranger;
SET ROLE regress_stranger;
GRANT USAGE ON SCHEMA stranger TO PUBLIC;
CREATE FUNCTION stranger.f(text) RETURNS boolean IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS 'SELECT true';
SET ROLE regress_owner;
CREATE TABLE privileges.forged (id int PRIMARY KEY, user_id text, c text);
CREATE TABLE privileges.typed (id int PRIMARY KEY, user_id text, c text);
SELECT herald.watch_posts('privileges.forged', author => 'user_id', noun => 'forged', active => 'stranger.f(post.c)'),
       herald.watch_posts('privileges.typed', author => 'user_id', noun => 'typed',
                          active => 'stranger.f(post.c) AND NULL::privileges.secret IS NULL');
SELECT format('/*@%s.%s.0*/', herald_internal.database_tag(), 'privileges.secret'::regclass::oid) AS mark,
       format('/*@%s.9999999999.0*/', herald_internal.database_tag()) AS no_mark \gset
ALTER TABLE privileges.forged RENAME c TO :"mark";
SET ROLE regress_stranger;
REVOKE EXECUTE ON FUNCTION stranger.f(text) FROM PUBLIC;
RESET ROLE;
SELECT problem, relation, rule, remedy FROM herald.doctor() WHERE remedy ~ 'GRANT' AND severity = 'error';
SET ROLE regress_owner;
ALTER TABLE privileges.forged RENAME :"mark" TO :"no_mark";
SELECT herald_internal.save_watched('privileges.posts', 'posts',
	jsonb_set(w.arguments, '{rooms,0,access}', to_jsonb('true ' || :'no_mark' || 'AND true'::text)))
FROM herald_internal.watched_table AS w WHERE w.relation = 'privileges.posts'::regclass;
RESET ROLE;
SELECT count(*) > 0 AS works FROM herald.doctor();
SET ROLE regress_owner;
SELECT herald.watch_posts('privileges.posts');
DROP TABLE privileges.forged, privileges.typed;
RESET ROLE;
DROP SCHEMA stranger CASCADE;

-- A rule cannot leave the role of its table's owner.
SET ROLE regress_owner;
CREATE FUNCTION privileges.escape() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RESET ROLE;
	RETURN current_user;
END
$$;
SELECT herald.unwatch('privileges.item');
SELECT herald.watch('privileges.item', 'escape', event => 'escape', room => 'room',
                    payload => 'json_build_object(''role'', privileges.escape())', on_error => 'abort');
RESET ROLE;
INSERT INTO privileges.item VALUES (3, 1);
SET ROLE regress_owner;
SELECT herald.unwatch('privileges.item');
RESET ROLE;

-- The caller's search_path misleads neither rules nor functions that run with more rights than their callers.
CREATE SCHEMA trap;
GRANT USAGE ON SCHEMA trap TO PUBLIC;
CREATE FUNCTION trap.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped by lower'; END $$;
CREATE FUNCTION trap.json_build_object(VARIADIC "any") RETURNS json LANGUAGE internal AS 'json_build_object';
CREATE FUNCTION trap.count(text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped by count'; END $$;
CREATE FUNCTION trap.text_equal(text, text) RETURNS boolean LANGUAGE plpgsql
	AS $$ BEGIN RAISE EXCEPTION 'trapped by ='; END $$;
CREATE FUNCTION trap.text_join(text, text) RETURNS text LANGUAGE plpgsql
	AS $$ BEGIN RAISE EXCEPTION 'trapped by ||'; END $$;
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.text_equal);
CREATE OPERATOR trap.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.text_join);
CREATE TABLE trap.pg_class (oid oid, relkind "char");
CREATE TABLE trap.herald_new (id int);
SET ROLE regress_owner;
SELECT herald.watch('privileges.item', 'tame', condition => 'lower(''A'') = ''a''', recipient => '''dan'' || ''''',
                    title => 'Tame {id}');
SET search_path = trap, pg_catalog, public;
SELECT lower('A');
SELECT pg_catalog.count(*) FROM (SELECT 'a'::text = 'a'::text) AS t;
SET ROLE regress_writer;
INSERT INTO privileges.item VALUES (4, 1);
INSERT INTO privileges.likes VALUES ('ben', 2);
SET ROLE regress_app;
SELECT herald.unread_count('dan'), herald.mark_all_read('dan');
SELECT herald.publish('room', 'tame', '{}') IS NOT NULL AS published;
SELECT herald.notify('dan', 'system', 'Tame too') IS NOT NULL AS made;
SELECT title FROM herald.inbox('dan') AS i ORDER BY id;
SET ROLE regress_owner;
SELECT herald.watch_likes('privileges.likes');
SELECT herald.unwatch('privileges.item');
RESET ROLE;
SELECT herald.maintain();
SELECT pg_catalog.count(*) FROM herald.read_events(herald.current_position());
SELECT pg_catalog.count(*) FROM herald_internal.connect_sessions('{ann}', '{s1}');
RESET search_path;

-- PUBLIC may call no function but the entries, which check their caller, three that need no role, and two that views
-- call for their readers, who cannot name them. The bridge may call exactly its functions. It reads no table, and only
-- the three views that check their reader.
SELECT p.oid::regprocedure AS function FROM pg_proc AS p
WHERE p.pronamespace IN ('herald'::regnamespace, 'herald_internal'::regnamespace, 'herald_body'::regnamespace) AND
      p.prosrc <> 'herald_entry' AND has_function_privilege('regress_stranger', p.oid, 'EXECUTE') ORDER BY p.proname;
SELECT has_schema_privilege('regress_stranger', 'herald_internal', 'USAGE') OR
       has_schema_privilege('regress_stranger', 'herald_body', 'USAGE') AS may_use_inside;
SELECT p.oid::regprocedure AS function FROM pg_proc AS p
WHERE p.pronamespace IN ('herald_internal'::regnamespace, 'herald_body'::regnamespace) AND
      has_function_privilege('herald_bridge', p.oid, 'EXECUTE') OR
      p.pronamespace = 'herald'::regnamespace AND EXISTS (
      SELECT FROM aclexplode(p.proacl) AS a WHERE a.grantee = 'herald_bridge'::regrole) ORDER BY p.proname;
-- No role may call a body, and each has its entry.
SELECT p.oid::regprocedure AS callable FROM pg_proc AS p CROSS JOIN aclexplode(p.proacl) AS a
WHERE p.pronamespace = 'herald_body'::regnamespace AND a.grantee <> p.proowner;
SELECT p.proname, count(*) AS forms FROM pg_proc AS p
WHERE p.pronamespace IN ('herald'::regnamespace, 'herald_body'::regnamespace)
GROUP BY p.proname, p.proargtypes HAVING count(*) <> 2 ORDER BY p.proname;
SELECT r.rolname, c.relname
FROM pg_class AS c, unnest('{regress_stranger,herald_bridge}'::name[]) AS r (rolname)
WHERE c.relnamespace IN ('herald'::regnamespace, 'herald_internal'::regnamespace) AND
      c.relkind IN ('r', 'p', 'v', 'S') AND
      (has_table_privilege(r.rolname, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') OR
       has_any_column_privilege(r.rolname, c.oid, 'SELECT'))
ORDER BY r.rolname COLLATE "C", c.relname;
-- Every SECURITY DEFINER function and every PL/pgSQL function has a fixed search_path.
SELECT p.oid::regprocedure AS unpinned FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
WHERE p.pronamespace IN ('herald_body'::regnamespace, 'herald_internal'::regnamespace) AND
      (p.prosecdef OR l.lanname = 'plpgsql') AND
      array_to_string(p.proconfig, ';') !~ 'search_path=pg_catalog, pg_temp';
SET ROLE herald_bridge;
SELECT position IS NOT NULL AS has_position FROM herald_internal.bridge_hello();
SELECT count(*) FROM herald.read_events(herald.current_position());
SELECT herald_internal.act('ann', 'inbox:list', '{"max": 1}', NULL) ->> 'unread' AS unread;
SELECT rooms[2] FROM herald_internal.connect_sessions('{ann}', '{s1}');
SELECT count(*) FROM herald.event;
SELECT count(*) FROM herald.notification;
SELECT count(*) FROM privileges.users;
SELECT herald.publish('room', 'forged', '{}');
SELECT herald_internal.ask_as('herald_internal.act_inbox_list(text, jsonb)', 'postgres'::regrole, 'ann', '{}');
RESET ROLE;

-- Functions granted one by one: functions, views and row-level security work without any right on
-- herald_internal.
GRANT EXECUTE ON FUNCTION herald.my_inbox, herald.unread_count, herald.publish, herald.notify, herald.signal,
	herald.is_online, herald.explain, herald.is_unread, herald.notification_json TO regress_stranger;
GRANT SELECT ON herald.notification, herald.watched, herald.online TO regress_stranger;
SET ROLE regress_stranger;
SELECT has_schema_privilege('herald_internal', 'USAGE') AS may_use_internal;
SET herald.user_id = 'dan';
SELECT count(*) > 0 AS reads_own, herald.unread_count('dan') AS unread FROM herald.my_inbox();
SELECT count(*) > 0 AS sees_own, count(*) FILTER (WHERE recipient_id <> 'dan') AS of_others FROM herald.notification;
SELECT herald.notification_json(n) ->> 'title' AS title FROM herald.notification AS n ORDER BY id LIMIT 1;
SELECT DISTINCT rule FROM herald.watched WHERE relation = 'privileges.likes'::regclass ORDER BY rule;
SELECT count(*) FROM herald.online;
SELECT herald.publish('room', 'own', '{}') IS NOT NULL AS published,
       herald.notify('dan', 'system', 'Own') IS NOT NULL AS made, herald.is_online('dan');
SELECT herald.signal('{room}', 'own');
SELECT step, verdict FROM herald.explain('dan', 'system') WHERE step = 'result';
SELECT count(*) FROM herald_internal.rule;
RESET herald.user_id;
RESET ROLE;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA herald FROM regress_stranger;
REVOKE ALL ON ALL TABLES IN SCHEMA herald FROM regress_stranger;
REVOKE ALL ON SCHEMA herald FROM regress_stranger;

-- Only members of herald_admin change types of notifications.
SET ROLE regress_admin;
INSERT INTO herald.notification_type (name, title) VALUES ('regress_ordered', 'Ordered');
UPDATE herald.notification_type SET title = 'Ordered!' WHERE name = 'regress_ordered' RETURNING title;
DELETE FROM herald.notification_type WHERE name = 'regress_ordered' RETURNING name;
SELECT herald.trim_inbox('nobody');
SELECT herald.maintain();
SELECT count(*) FROM herald.rule_failure WHERE rule = 'none';
SELECT count(*) FROM herald.event;
SET ROLE regress_app;
UPDATE herald.notification_type SET title = 'Forged';
SELECT herald.trim_inbox('nobody');
SET ROLE regress_stranger;
UPDATE herald.notification_type SET title = 'Forged';
SET ROLE herald_bridge;
UPDATE herald.notification_type SET title = 'Forged';
RESET ROLE;

-- Row-level security: a session that acts for a user reads its own notifications and no others.
SET ROLE regress_app;
SELECT count(*) AS without_user FROM herald.notification;
SET herald.user_id = 'ann';
SELECT DISTINCT recipient_id FROM herald.notification;
SET herald.user_id = 'dan';
SELECT DISTINCT recipient_id FROM herald.notification;
RESET herald.user_id;
SET request.jwt.claims = '{"sub": "ann", "role": "authenticated"}';
SELECT DISTINCT recipient_id FROM herald.notification;
SET herald.user_id = 'dan';
SELECT DISTINCT recipient_id AS set_by_the_session FROM herald.notification;
SET herald.user_id = '';
SET request.jwt.claims = '';
SELECT count(*) AS without_user FROM herald.notification;
UPDATE herald.notification SET recipient_id = 'dan';
DELETE FROM herald.notification;
RESET request.jwt.claims;
RESET ROLE;

SET ROLE regress_owner;
SELECT herald.unwatch('privileges.likes'), herald.unwatch('privileges.posts'), herald.unwatch('privileges.users');
RESET ROLE;
TRUNCATE herald.notification;
DROP SCHEMA privileges, trap CASCADE;
REVOKE herald_watch FROM regress_owner;
DROP ROLE regress_owner, regress_writer, regress_stranger, regress_app, regress_admin;
