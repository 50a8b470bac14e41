-- A registered function has the settings of the role that it runs as, not those with which its caller connects.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
\set VERBOSITY terse
CREATE ROLE regress_mallory LOGIN IN ROLE herald_inbox;
CREATE ROLE regress_bridge LOGIN IN ROLE herald_bridge;
GRANT regress_mallory TO regress_bridge;
CREATE SCHEMA evil AUTHORIZATION regress_mallory;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
\set admin 'user=' :USER ' dbname=' :DBNAME
\set as_mallory 'user=regress_mallory dbname=' :DBNAME
\set as_bridge 'user=regress_bridge dbname=' :DBNAME
\set evil_path '-csearch_path=evil,pg_catalog,public'
\set evil_options ' options=''' :evil_path ' -cstandard_conforming_strings=off -cDateStyle=German'''

-- The attacker's operator makes its owner a superuser, if a superuser runs it.
SET ROLE regress_mallory;
CREATE TABLE evil.seen (role text);
GRANT INSERT ON evil.seen TO PUBLIC;
CREATE FUNCTION evil.same(text, text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO evil.seen VALUES (current_user);
	IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) current_user) THEN
		EXECUTE 'ALTER ROLE regress_mallory SUPERUSER';
	END IF;
	RETURN $1 OPERATOR(pg_catalog.=) $2;
END
$$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
RESET ROLE;

-- A superuser registers a policy and an action with unqualified names and without a SET clause.
CREATE TABLE public.guests (name text);
INSERT INTO public.guests VALUES ('ann');
CREATE FUNCTION public.is_guest(user_id text, room text) RETURNS boolean LANGUAGE sql AS
	'SELECT EXISTS (SELECT FROM guests WHERE name = user_id)';
CREATE FUNCTION public.find_guest(user_id text, payload jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT to_jsonb(g) FROM guests AS g WHERE g.name = user_id);
END
$$;
SELECT herald.room_policy('guest', 'is_guest(text, text)'), herald.expose('find', 'find_guest(text, jsonb)');

-- The caller chooses its path: by options of the connection, as a setting of its role, in this session.
\set options :as_mallory :evil_options
\c :options
SHOW search_path;
SELECT herald.may_join('ann', 'guest:1');
\set options :as_bridge :evil_options
\c :options
SELECT herald_internal.act('ann', 'find', '{}', NULL);
ALTER ROLE regress_bridge SET search_path = evil, pg_catalog, public;
\c :as_bridge
SHOW search_path;
SELECT herald_internal.act('ann', 'find', '{}', NULL);
\c :as_mallory
SELECT format('ALTER ROLE regress_mallory IN DATABASE %I SET search_path = evil, pg_catalog, public',
              current_database()) \gexec
\c :as_mallory
SHOW search_path;
SELECT herald.may_join('ann', 'guest:1');
SET search_path = evil, pg_catalog, public;
SELECT herald.may_join('ann', 'guest:1');
\c :admin
SET client_min_messages = warning;
SELECT * FROM evil.seen;
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_mallory';

-- Settings of the role in the database come before those of the role, and these before those of the database.
CREATE ROLE regress_owner IN ROLE herald_admin;
CREATE SCHEMA owned AUTHORIZATION regress_owner;
SET ROLE regress_owner;
CREATE FUNCTION owned.settings() RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_object_agg(name, pg_catalog.current_setting(name))
	FROM unnest('{search_path,DateStyle,TimeZone,standard_conforming_strings,extra_float_digits}'::text[]) AS name
$$;
CREATE FUNCTION owned.act(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT owned.settings()';
CREATE FUNCTION owned.policy(user_id text, room text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING '%', owned.settings();
	RETURN true;
END
$$;
SELECT herald.expose('settings', 'owned.act(text, jsonb)'), herald.room_policy('settings', 'owned.policy(text, text)');
RESET ROLE;
\c :options
SELECT herald_internal.act('ann', 'settings', '{}', NULL);
\c :admin
SELECT format('ALTER DATABASE %I SET search_path = of_database', current_database()),
       format('ALTER DATABASE %I SET "DateStyle" = %L', current_database(), 'SQL, DMY'),
       format('ALTER DATABASE %I SET extra_float_digits = 3', current_database()) \gexec
SELECT herald_internal.act('ann', 'settings', '{}', NULL);
ALTER ROLE regress_owner SET search_path = of_role;
ALTER ROLE regress_owner SET "TimeZone" = 'Asia/Kathmandu';
ALTER ROLE regress_owner SET standard_conforming_strings = off;
ALTER ROLE regress_owner SET role = 'regress_mallory';
\c :options
SELECT herald_internal.act('ann', 'settings', '{}', NULL);
\c :admin
SELECT format('ALTER ROLE regress_owner IN DATABASE %I SET search_path = of_both, my_pg_temp', current_database())
\gexec
\c :options
SELECT herald_internal.act('ann', 'settings', '{}', NULL);
\c :admin
SELECT herald.may_join('ann', 'settings:1');
SELECT format('ALTER DATABASE %I RESET search_path', current_database()),
       format('ALTER DATABASE %I RESET "DateStyle"', current_database()),
       format('ALTER DATABASE %I RESET extra_float_digits', current_database()) \gexec
SELECT format('ALTER ROLE regress_owner IN DATABASE %I SET search_path = %L', current_database(), '') \gexec
SELECT herald_internal.act('ann', 'settings', '{}', NULL) ->> 'search_path' AS path;

-- An action leaves no prepared statement behind, and a policy cannot make one.
SET ROLE regress_owner;
CREATE OR REPLACE FUNCTION owned.act(user_id text, payload jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'PREPARE left_behind AS SELECT 1';
	RETURN '{}';
END
$$;
CREATE OR REPLACE FUNCTION owned.policy(user_id text, room text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'PREPARE left_behind AS SELECT 1';
	RETURN true;
END
$$;
RESET ROLE;
SELECT herald_internal.act('ann', 'settings', '{}', NULL);
SELECT herald.may_join('ann', 'settings:1');
SELECT name FROM pg_prepared_statements;

SET client_min_messages = warning;
SELECT herald.room_policy('guest', NULL), herald.room_policy('settings', NULL),
       herald.unexpose('find'), herald.unexpose('settings');
DROP FUNCTION public.is_guest(text, text), public.find_guest(text, jsonb);
DROP TABLE public.guests;
DROP SCHEMA owned, evil CASCADE;
DROP ROLE regress_owner, regress_bridge, regress_mallory;
