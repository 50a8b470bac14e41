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
              item:made,user:signed_up,notifications,post:created}'::text[]) AS name;
SELECT name, named.try(format('SELECT herald.watch(''named.items'', ''r'', event => %L, room => ''item:{id}'')', name))
FROM unnest(ARRAY['{name}', 'not{name}', 'notification:{name}', 'user:{name}', 'item:{name}', 'post:{name}']) AS name;
SELECT herald.publish('room', 'notification:new', '{}');

-- A role without rights holds the advisory locks that maintenance once took. Maintenance runs all the same.
CREATE ROLE regress_nobody;
SET ROLE regress_nobody;
SELECT herald_internal.own_lock('herald_internal.log_fold');
DO $$ BEGIN PERFORM pg_advisory_lock(oid::int, 0) FROM pg_class WHERE relname IN ('log_fold', 'presence'); END $$;
RESET ROLE;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
INSERT INTO herald.rule_failure VALUES (0, now() - interval '31 days', '00000', 'long ago');
SELECT herald.maintain();
SELECT count(*) FROM herald.rule_failure WHERE rule = 0;
SELECT pg_advisory_unlock_all();
SELECT herald.unwatch('named.items');
DROP SCHEMA named CASCADE;
DROP ROLE regress_nobody;
