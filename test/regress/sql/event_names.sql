-- Names of pg_herald's own events cannot be published by hand or by rules.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA named;
CREATE TABLE named.items (id int PRIMARY KEY, name text);
CREATE FUNCTION named.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT name, named.try(format('SELECT herald.publish(''room'', %L, ''{}'')', name)) AS publish,
       named.try(format('SELECT herald.broadcast(%L, ''{}'')', name)) AS broadcast,
       named.try(format('SELECT herald.signal(''{room}'', %L)', name)) AS signal,
       named.try(format('SELECT herald.watch(''named.items'', ''r'', event => %L, room => ''item'')', name)) AS watch
FROM unnest('{notification:new,notification:anything,user:online,user:offline,post:viewers,typing:start,room:left,
              item:made,user:signed_up,notifications,post:created,connect,disconnect,connect_error,error,welcome,
              open,connected}'::text[]) AS name;
SELECT name, named.try(format('SELECT herald.watch(''named.items'', ''r'', event => %L, room => ''item:{id}'')', name))
FROM unnest(ARRAY['{name}', 'not{name}', 'notification:{name}', 'user:{name}', 'item:{name}', 'post:{name}']) AS name;
SELECT herald.publish('room', 'notification:new', '{}');
-- Room "*" is for administrators.
SELECT herald.publish('*', 'item:made', '{}');
SELECT herald.signal('{room,*}', 'item:made');
SELECT herald.broadcast('item:made', '{}') > 0 AS broadcast;

-- Names and rooms that a template makes of a row are checked when the rule runs. The write passes, and the failure is
-- recorded, also with on_error => 'abort'.
CREATE ROLE regress_namer IN ROLE herald_watch;
GRANT USAGE, CREATE ON SCHEMA named TO regress_namer;
SET ROLE regress_namer;
CREATE TABLE named.said (id int PRIMARY KEY, name text, room text);
SELECT herald.watch('named.said', 'said', event => '{name}', room => '{room} said:{id}');
SELECT herald.watch('named.said', 'shouted', event => 'item:shouted', room => 'said:{id} *');
RESET ROLE;
CREATE VIEW named.failure AS
	SELECT f.rule, f.sqlstate, f.message FROM herald.rule_failure AS f WHERE f.relation = 'named.said'::regclass;
CREATE FUNCTION named.heard() RETURNS TABLE (rooms text[], name text) LANGUAGE sql AS $$
	SELECT e.rooms, e.name FROM herald.event AS e WHERE e.rooms[array_upper(e.rooms, 1)] ~ '^said:' ORDER BY e.id;
$$;
INSERT INTO named.said VALUES (1, 'item:said', 'a'), (2, 'notification:new', 'b'), (3, 'connect', 'c'),
	(4, 'item:said', '*'), (5, NULL, 'd'), (6, 'post:viewers', 'e'), (7, 'post:viewed', 'f');
SELECT count(*) FROM named.said;
SELECT * FROM named.heard();
SELECT * FROM named.failure;
-- An administrator's table publishes to everybody.
GRANT herald_admin TO regress_namer;
INSERT INTO named.said VALUES (8, 'item:said', '*');
REVOKE herald_admin FROM regress_namer;
INSERT INTO named.said VALUES (9, 'item:said', '*');
SELECT * FROM named.heard() OFFSET 2;
SELECT herald.unwatch('named.said');
DELETE FROM herald.rule_failure;

-- Compiled SQL of an owner is checked, too: it neither moves users into rooms nor changes the totals of other tables.
CREATE TABLE named.fans (post_id int, user_id int, PRIMARY KEY (post_id, user_id));
CREATE TABLE named.posts (id int PRIMARY KEY, user_id int);
SELECT herald.watch_posts('named.posts'), herald.watch_likes('named.fans', subject => 'post_id', actor => 'user_id',
                                                             subject_table => 'named.posts');
SELECT id AS other_total FROM herald_internal.counter WHERE relation = 'named.fans'::regclass \gset
CREATE FUNCTION named.compiled(rooms text, name text, joins text, leaves text, counter text,
	recheck_user text DEFAULT NULL, recheck_room text DEFAULT NULL, access text DEFAULT NULL) RETURNS text
LANGUAGE sql AS $$
	SELECT format('SELECT %L::text[] AS rooms, %L::text AS name, ''{}''::json AS payload, ''eve''::text AS member_id, '
	              '%L::text AS joins, %L::text AS leaves, %L::int AS counter, ''1''::text AS counted_id, '
	              '1::smallint AS delta, NULL::text AS ack, %L::text AS recheck_user, %L::text AS recheck_room, '
	              '%L::text AS access FROM herald_new', rooms, name, joins, leaves, counter, recheck_user, recheck_room,
	              access);
$$;
GRANT USAGE ON SCHEMA herald_internal TO regress_namer;
SET ROLE regress_namer;
SELECT herald_internal.save_rule('named.said', rule, 'insert', 'insert', NULL, query, NULL, NULL, 'abort') > 0 AS saved
FROM (VALUES ('name', named.compiled('{said:1}', 'user:online', NULL, NULL, NULL)),
             ('everybody', named.compiled('{*,said:2}', 'item:said', NULL, NULL, NULL)),
             ('joins', named.compiled('{said:3}', 'item:said', 'user:1', NULL, NULL)),
             ('joins_member', named.compiled('{said:4}', 'item:said', 'conversation:1', NULL, NULL)),
             ('leaves', named.compiled('{said:5}', 'item:said', NULL, 'feed:1', NULL)),
             ('total', named.compiled('{said:6}', 'item:said', NULL, NULL, :'other_total')),
             ('nothing', named.compiled('{}', 'item:said', NULL, NULL, NULL)),
             ('recheck_all', named.compiled('{}', 'room:recheck', NULL, NULL, NULL, NULL, NULL, 'changed')),
             ('recheck_star', named.compiled('{}', 'room:recheck', NULL, NULL, NULL, 'eve', '*', 'changed')),
             ('recheck_prefix', named.compiled('{}', 'room:recheck', NULL, NULL, NULL, NULL, 'said', 'changed')),
             ('recheck_how', named.compiled('{}', 'room:recheck', NULL, NULL, NULL, 'eve', NULL, 'maybe')),
             ('recheck', named.compiled('{}', 'room:recheck', NULL, NULL, NULL, 'eve', NULL, 'withdrawn')),
             ('harmless', named.compiled('{said:7}', 'item:said', NULL, NULL, NULL))) AS r (rule, query);
SELECT herald.sync_triggers('named.said');
TRUNCATE named.said;
INSERT INTO named.said VALUES (1);
RESET ROLE;
SELECT * FROM named.heard() OFFSET 3;
SELECT e.rooms, e.name, e.recheck_user, e.recheck_room, e.access FROM herald.event AS e
WHERE e.access IS NOT NULL AND e.recheck_user = 'eve';
SELECT * FROM named.failure ORDER BY rule;
-- A source of rooms returns rooms of its kind only.
SET ROLE regress_namer;
SELECT herald_internal.save_room_source('named.said', 'members', $$SELECT 'eve', r FROM unnest(
	'{user:1,feed:2,conversation:3,conversation:}'::text[]) AS r WHERE $1 IS NOT NULL$$);
SELECT herald_internal.save_room_source('named.said', 'anything', $$SELECT 'eve', 'user:1' WHERE $1 IS NOT NULL$$);
RESET ROLE;
SELECT * FROM herald_internal.automatic_rooms('{eve}');
-- Now the table decides about conversations.
INSERT INTO named.said VALUES (2);
SELECT * FROM named.heard() OFFSET 4;
SELECT herald.unwatch('named.said'), herald.unwatch('named.fans'), herald.unwatch('named.posts');
DELETE FROM herald.rule_failure;

-- A role without rights holds the advisory locks that maintenance once took. Maintenance runs all the same.
CREATE ROLE regress_nobody;
SET ROLE regress_nobody;
SELECT herald_internal.own_lock('herald_internal.log_fold');
DO $$ BEGIN PERFORM pg_advisory_lock(oid::int, 0) FROM pg_class WHERE relname IN ('log_fold', 'presence'); END $$;
RESET ROLE;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
INSERT INTO herald.rule_failure
VALUES ('named.said', 'long ago', '00000', 'a message', 1, now() - interval '32 days', now() - interval '31 days');
SELECT herald.maintain();
SELECT count(*) FROM herald.rule_failure WHERE rule = 'long ago';
SELECT pg_advisory_unlock_all();
SELECT herald.unwatch('named.items');
DROP SCHEMA named CASCADE;
DROP OWNED BY regress_namer;
DROP ROLE regress_nobody, regress_namer;
