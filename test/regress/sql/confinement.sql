-- SQL of a hostile owner gains no right and leaves nothing behind: rules, policies and exposed functions.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
\set VERBOSITY terse
CREATE ROLE regress_mallory IN ROLE herald_watch, herald_admin;
CREATE ROLE regress_victim SUPERUSER;
CREATE SCHEMA mallory AUTHORIZATION regress_mallory;
CREATE SCHEMA evil AUTHORIZATION regress_mallory;
GRANT USAGE ON SCHEMA mallory, evil TO PUBLIC;
SET ROLE regress_mallory;

-- Each operator, function and type of these names records the role that runs it.
CREATE TABLE mallory.seen (role text, place text);
GRANT INSERT ON mallory.seen TO PUBLIC;
CREATE FUNCTION mallory.record(place text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO mallory.seen VALUES (current_user, place);
	IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) current_user) THEN
		EXECUTE 'ALTER ROLE regress_mallory SUPERUSER';
	END IF;
END
$$;
CREATE FUNCTION evil.same(text, text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mallory.record('operator =');
	RETURN $1 OPERATOR(pg_catalog.=) $2;
END
$$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
CREATE FUNCTION evil.coalesced(text, text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mallory.record('operator ||');
	RETURN pg_catalog.textcat($1, $2);
END
$$;
CREATE OPERATOR evil.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.coalesced);
CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mallory.record('now()');
	RETURN pg_catalog.now();
END
$$;
CREATE FUNCTION evil.nextval(regclass) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mallory.record('nextval()');
	RETURN pg_catalog.nextval($1);
END
$$;
CREATE DOMAIN evil.int4 AS pg_catalog.int4;

-- Ways to leave a path, a role or a setting behind.
CREATE TABLE mallory.t (id int PRIMARY KEY, way text);
CREATE FUNCTION mallory.with_set() RETURNS boolean LANGUAGE plpgsql SET search_path = evil, pg_catalog AS $$
BEGIN
	PERFORM set_config('search_path', 'evil, pg_catalog', false);
	RETURN true;
END
$$;
CREATE FUNCTION mallory.caught(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		EXECUTE statement;
		PERFORM set_config('search_path', 'evil, pg_catalog', true);
		PERFORM 1 / 0;
	EXCEPTION WHEN OTHERS THEN
		PERFORM set_config('search_path', 'evil, pg_catalog', true);
	END;
	PERFORM set_config('search_path', 'evil, pg_catalog', false);
	RETURN true;
END
$$;
CREATE FUNCTION mallory.attack(way text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_catalog.set_config('TimeZone', 'Asia/Kathmandu', false);
	CASE way
		WHEN 'local' THEN PERFORM pg_catalog.set_config('search_path', 'evil, pg_catalog', true);
		WHEN 'session' THEN PERFORM pg_catalog.set_config('search_path', 'evil, pg_catalog', false);
		WHEN 'set' THEN EXECUTE 'SET search_path = evil, pg_catalog';
		WHEN 'with_set' THEN PERFORM mallory.with_set();
		WHEN 'caught' THEN PERFORM mallory.caught('SELECT 1');
		WHEN 'role' THEN EXECUTE 'SET ROLE regress_victim';
		WHEN 'reset' THEN EXECUTE 'RESET ROLE';
		WHEN 'authorization' THEN EXECUTE 'RESET SESSION AUTHORIZATION';
		WHEN 'temporary' THEN EXECUTE 'CREATE TEMPORARY TABLE rule (id int)';
		WHEN 'cursor' THEN EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT mallory.record(''cursor'')';
		WHEN 'caught role' THEN PERFORM mallory.caught('RESET ROLE');
		WHEN 'deferred' THEN INSERT INTO mallory.late VALUES (1);
	END CASE;
	RETURN true;
END
$$;
CREATE TABLE mallory.late (x int);
CREATE FUNCTION mallory.late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mallory.record('deferred trigger');
	RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON mallory.late DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION mallory.late();
-- The rule runs in the midst of others, so that a setting that it leaves behind would change these.
SELECT herald.watch('mallory.t', 'first', condition => 'mallory.attack(new.way)', recipient => $$'ann'$$,
	title => 'first', cause => 'first:{id}', event => 'first:made', room => 'first:{id}', on_error => 'abort');
SELECT herald.watch('mallory.t', 'second', condition => 'mallory.attack(new.way)', recipient => $$'ben'$$,
	title => 'second', cause => 'second:{id}', on_error => 'warn');
RESET ROLE;
GRANT INSERT, DELETE ON mallory.t TO PUBLIC;

-- A superuser writes, once for each way.
CREATE FUNCTION pg_temp.write(way text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO mallory.t VALUES ((SELECT count(*) FROM mallory.t), way);
	RETURN 'written';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
SELECT way, pg_temp.write(way), current_setting('search_path') AS path, current_setting('TimeZone') AS zone,
       current_user = session_user AS own_role
FROM unnest('{local,session,set,with_set,caught,role,reset,authorization,temporary,cursor,caught role,
            deferred}'::text[]) AS way;
SELECT recipient_id, cause FROM herald.notification WHERE cause ~ '^(first|second):' ORDER BY id;
SELECT DISTINCT role FROM mallory.seen;
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_mallory';
SELECT count(*) FROM pg_cursors WHERE name = 'c';
SELECT herald.unwatch('mallory.t');

-- A room policy, a source of rooms and a total are questions: they run confined as well.
SET ROLE regress_mallory;
CREATE FUNCTION mallory.policy(user_id text, room text) RETURNS boolean LANGUAGE sql AS
	'SELECT mallory.attack(substr(room, 5))';
SELECT herald.room_policy('way', 'mallory.policy(text, text)');
RESET ROLE;
SET client_min_messages = error;
SELECT way, herald.may_join('ann', 'way:' || way) AS joined, current_setting('search_path') AS path,
       current_setting('TimeZone') AS zone
FROM unnest('{local,session,set,with_set,caught,role,reset,authorization,temporary,cursor,caught role,
            deferred}'::text[]) AS way;
SET client_min_messages = warning;
SELECT DISTINCT role FROM mallory.seen;
TRUNCATE mallory.seen;

-- An action writes: deferred triggers run as its role, before the commit. Nothing runs at the commit.
SET ROLE regress_mallory;
CREATE FUNCTION mallory.act(user_id text, payload jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mallory.attack(payload ->> 'way');
	RETURN payload;
END
$$;
SELECT herald.expose('attack', 'mallory.act(text, jsonb)');
RESET ROLE;
SELECT herald_internal.act('1', 'attack', '{"way": "deferred"}', NULL);
SELECT * FROM mallory.seen;
TRUNCATE mallory.seen;
SELECT herald_internal.act('1', 'attack', '{"way": "cursor"}', NULL);
SELECT count(*) FROM pg_cursors WHERE name = 'c';
SELECT herald_internal.act('1', 'attack', '{"way": "temporary"}', NULL);
SELECT to_regclass('pg_temp.rule');
SELECT herald_internal.act('1', 'attack', '{"way": "role"}', NULL);
SELECT herald_internal.act('1', 'attack', '{"way": "authorization"}', NULL);
SELECT herald_internal.act('1', 'attack', '{"way": "session"}', NULL);
SELECT current_setting('search_path') AS path, current_setting('TimeZone') = 'Asia/Kathmandu' AS left_behind;
SELECT * FROM mallory.seen;

-- A trigger that defers again is refused.
SET ROLE regress_mallory;
CREATE OR REPLACE FUNCTION mallory.late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mallory.record('deferred trigger');
	SET CONSTRAINTS ALL DEFERRED;
	INSERT INTO mallory.late VALUES (new.x + 1);
	RETURN NULL;
END
$$;
RESET ROLE;
SELECT herald_internal.act('1', 'attack', '{"way": "deferred"}', NULL);
SELECT * FROM mallory.seen;

-- A deferrable foreign key (Django's default) allows any order within an action, and is checked at its end.
SET ROLE regress_mallory;
CREATE TABLE mallory.parent (id int PRIMARY KEY);
CREATE TABLE mallory.child (id int PRIMARY KEY, parent_id int REFERENCES mallory.parent DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION mallory.family(user_id text, payload jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO mallory.child VALUES ((payload ->> 'id')::int, (payload ->> 'id')::int);
	IF payload ? 'parent' THEN
		INSERT INTO mallory.parent VALUES ((payload ->> 'id')::int);
	END IF;
	RETURN payload;
END
$$;
SELECT herald.expose('family', 'mallory.family(text, jsonb)');
RESET ROLE;
SELECT herald_internal.act('1', 'family', '{"id": 1, "parent": true}', NULL);
SELECT herald_internal.act('1', 'family', '{"id": 2}', NULL);
SELECT * FROM mallory.child;

-- A call reads values of columns for its hints, but no view and no policy of another owner: its caller would run their
-- code. A sequence notes it, since the call fails.
SET ROLE regress_mallory;
CREATE SEQUENCE mallory.runs;
GRANT USAGE ON mallory.runs TO PUBLIC;
CREATE FUNCTION mallory.spy() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	IF current_user <> 'regress_mallory' THEN
		PERFORM nextval('mallory.runs');
	END IF;
	RETURN 1;
END
$$;
CREATE TABLE mallory.likes (user_id int, object_id int, content_type_id int);
CREATE VIEW mallory.django_content_type AS SELECT mallory.spy() AS id, 'blog'::text AS app_label, 'post'::text AS model;
RESET ROLE;
CREATE ROLE regress_owner IN ROLE herald_watch;
CREATE SCHEMA shared;
GRANT USAGE, CREATE ON SCHEMA shared TO regress_mallory, regress_owner;
SET ROLE regress_mallory;
CREATE TABLE shared.forums (id int PRIMARY KEY, visibility text);
CREATE TABLE shared.clubs (LIKE shared.forums INCLUDING INDEXES);
INSERT INTO shared.forums VALUES (1, 'members');
ALTER TABLE shared.forums ENABLE ROW LEVEL SECURITY;
CREATE POLICY spying ON shared.forums USING (mallory.spy() = 1);
GRANT SELECT ON shared.forums TO PUBLIC;
SET ROLE regress_owner;
CREATE TABLE shared.posts (id int PRIMARY KEY, user_id int, body text, forum_id int);
CREATE TABLE shared.articles (id int PRIMARY KEY, user_id int, body text, club_id int);
SELECT herald.watch_posts('shared.posts');
SELECT herald.watch_posts('shared.articles');
RESET ROLE;
SELECT herald.watch_likes('mallory.likes');
SELECT is_called FROM mallory.runs;
SELECT herald.unwatch(watched) FROM unnest('{shared.posts,shared.articles}'::regclass[]) AS watched;
DROP SCHEMA shared CASCADE;
DROP ROLE regress_owner;

-- A policy finds its own objects before temporary ones of the session.
CREATE TEMPORARY TABLE guests (name text);
CREATE TABLE public.guests (name text);
INSERT INTO pg_temp.guests VALUES ('eve');
CREATE FUNCTION public.regress_guest(user_id text, room text) RETURNS boolean LANGUAGE sql AS
	'SELECT EXISTS (SELECT FROM guests WHERE name = user_id)';
SELECT herald.room_policy('guest', 'regress_guest(text, text)');
SELECT herald.may_join('eve', 'guest:1');
SELECT herald.room_policy('guest', NULL), herald.room_policy('way', NULL);
SELECT herald.unexpose('attack'), herald.unexpose('family');
DROP FUNCTION public.regress_guest(text, text);
DROP TABLE pg_temp.guests, public.guests;
DROP SCHEMA mallory, evil CASCADE;
DROP ROLE regress_mallory, regress_victim;
TRUNCATE herald.notification;
