-- The plans that a backend keeps of queries on watched tables: they follow every change, and their number is bounded.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA cached;
CREATE TABLE cached.members (conversation_id int, user_id int, PRIMARY KEY (conversation_id, user_id));
SELECT herald.watch_members('cached.members');
INSERT INTO cached.members VALUES (1, 1), (2, 2);

-- The same query finds rows of later, and the columns of a changed table.
SELECT herald.may_join('1', 'conversation:1') AS own, herald.may_join('1', 'conversation:2') AS other;
INSERT INTO cached.members VALUES (2, 1);
SELECT herald.may_join('1', 'conversation:2');
ALTER TABLE cached.members ALTER user_id TYPE bigint;
SELECT herald.may_join('1', 'conversation:2');
DELETE FROM cached.members WHERE user_id = 1;
SELECT herald.may_join('1', 'conversation:2');

-- Row security that comes later binds an owner that it is forced on.
CREATE ROLE herald_cached NOLOGIN;
ALTER TABLE cached.members OWNER TO herald_cached;
GRANT USAGE ON SCHEMA cached TO herald_cached;
SELECT herald.may_join('2', 'conversation:2');
ALTER TABLE cached.members ENABLE ROW LEVEL SECURITY;
ALTER TABLE cached.members FORCE ROW LEVEL SECURITY;
SELECT herald.may_join('2', 'conversation:2');
CREATE POLICY everything ON cached.members USING (true);
SELECT herald.may_join('2', 'conversation:2');

-- Checks are compiled once, and again when a table has changed. Temporary tables do not count.
CREATE TABLE cached.posts (id int PRIMARY KEY, user_id int);
SELECT herald.watch_posts('cached.posts');
INSERT INTO cached.posts VALUES (1, 1);
SET track_functions = 'all';
CREATE FUNCTION cached.compilations() RETURNS bigint LANGUAGE sql AS $$
	SELECT sum(calls)::bigint FROM pg_stat_xact_user_functions WHERE funcname = 'compile_table_checks';
$$;
CREATE FUNCTION cached.pass() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	CREATE TEMP TABLE passing (id int);
	DROP TABLE passing;
END $$;
SELECT herald.may_join('2', 'post:1');
BEGIN;
SELECT cached.compilations() AS before \gset
SELECT herald.may_join('2', 'post:1');
CREATE TEMP TABLE scratch (id int);
SELECT herald.may_join('2', 'post:1');
DROP TABLE scratch;
SELECT cached.pass(), herald.may_join('2', 'post:1'), cached.compilations() - :before AS compilations;
ALTER TABLE cached.posts ADD note text;
SELECT herald.may_join('2', 'post:1'), cached.compilations() > :before AS compiled;
SELECT cached.compilations() AS before \gset
CREATE TABLE cached.lasting (id int);
SELECT herald.may_join('2', 'post:1'), cached.compilations() > :before AS compiled;
COMMIT;
RESET track_functions;

-- More queries than a backend keeps are answered as well, again and again.
SELECT count(*) FILTER (WHERE r.admitted) AS admitted, count(*) AS asked
FROM generate_series(1, 2) AS round, generate_series(1, 250) AS n,
     herald_internal.run_room_check(
         format('SELECT p.ordinal, p.ordinal = %s, NULL::text[] FROM unnest($1, $2, $3) AS p (ordinal, id, room)', n),
         'herald_cached'::regrole, false, ARRAY[n], '{1}', '{room:1}') AS r;
SELECT herald.may_join('2', 'conversation:2');

-- The plans of those that ran last are kept.
SELECT min(n::int) > 50 AS recent, max(n::int) AS newest, count(*) BETWEEN 190 AND 200 AS most
FROM pg_backend_memory_contexts AS c
CROSS JOIN substring(c.ident, 'SELECT p.ordinal, p.ordinal = (\d+),') AS found (n)
WHERE c.name = 'CachedPlanSource' AND found.n IS NOT NULL;

SELECT herald.unwatch_all();
DROP SCHEMA cached CASCADE;
DROP ROLE herald_cached;
