-- Totals: herald counts each once and continues from the log; a failed count never delays an event.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA t;
CREATE TABLE t.posts (id int PRIMARY KEY, user_id int);
CREATE TABLE t.likes (user_id int, post_id int);
INSERT INTO t.posts VALUES (1, 1), (2, 1);
INSERT INTO t.likes SELECT n, 1 FROM generate_series(101, 140) AS n;
SELECT herald.watch_posts('t.posts');
SELECT herald.watch_likes('t.likes');
-- Returns the new events of the log through the bridge's own function. Ids and times differ from run to run.
CREATE TABLE t.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION t.heard() RETURNS TABLE (rooms text, event text, membership text, payload jsonb) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM t.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE t.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name,
	       coalesce(r.member_id || ' joins ' || r.joins, r.member_id || ' leaves ' || r.leaves),
	       r.payload::jsonb - '{id,ids,createdAt,timestamp}'::text[]
	FROM read AS r
	WHERE r.name IS NOT NULL;
$$;
CREATE VIEW t.totals AS SELECT event, rooms, payload -> 'totalLikes' AS total FROM t.heard() WHERE event LIKE 'post:%';

-- Earlier rows count. A total belongs to the time of reading.
INSERT INTO t.likes VALUES (2, 1), (3, 1), (2, 2);
DELETE FROM t.likes WHERE user_id = 101;
SELECT * FROM t.totals;

-- Before, between and after folding.
INSERT INTO t.likes VALUES (4, 1);
SELECT herald.maintain();
SELECT * FROM t.totals;
INSERT INTO t.likes VALUES (5, 1), (5, 2);
SELECT * FROM t.totals;
SELECT herald.maintain();
SELECT herald.maintain();
INSERT INTO t.likes VALUES (6, 1);
-- Folding reads the log by index, however small the log is when it is planned.
CREATE FUNCTION t.log_scanned() RETURNS bigint LANGUAGE sql AS $$
	SELECT sum(s.seq_tup_read)::bigint FROM pg_stat_xact_user_tables AS s WHERE s.relname LIKE 'event\__';
$$;
DO $$
DECLARE
	before bigint := t.log_scanned();
BEGIN
	PERFORM herald_internal.fold_totals();
	RAISE WARNING '% rows scanned', t.log_scanned() - before;
END $$;
BEGIN;
INSERT INTO t.likes VALUES (7, 1);
ROLLBACK;
SELECT * FROM t.totals;
-- A session's first row opens no table of totals or rules with few pages. Maintenance would have VACUUM keep dead rows.
DO $$ BEGIN PERFORM herald_internal.own_lock('herald_internal.log_fold', for_session => true); END $$;
-- A transaction of the worker that runs still does so too.
DO $$
BEGIN
	WHILE EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid()) LOOP
		PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
	END LOOP;
END $$;
VACUUM FULL herald_internal.total;
VACUUM FULL herald_internal.rule;
\c -
SET client_min_messages = warning;
BEGIN;
INSERT INTO t.likes VALUES (8, 1);
SELECT sum(pg_stat_get_xact_numscans(i)) AS scans
FROM unnest('{herald_internal.total_pkey,herald_internal.rule_relation_idx}'::regclass[]) AS i;
COMMIT;
SELECT * FROM t.totals;
DELETE FROM t.likes WHERE user_id = 8;
SELECT * FROM t.totals;

-- An event with a total tells the time of its writing, once. Others have the time of their statement.
CREATE TABLE t.comments (id int PRIMARY KEY, post_id int REFERENCES t.posts, user_id int, parent_id int, body text);
CREATE TABLE t.follows (follower_id int, followee_id int);
SELECT herald.watch_comments('t.comments'), herald.watch_follows('t.follows');
UPDATE t.mark SET position = herald.current_position();
INSERT INTO t.likes VALUES (9, 2);
INSERT INTO t.comments VALUES (1, 2, 5, NULL, 'hello');
UPDATE t.comments SET body = 'hello, you';
INSERT INTO t.follows VALUES (5, 1);
DELETE FROM t.follows;
DELETE FROM t.comments;
DELETE FROM t.likes WHERE user_id = 9;
SELECT r.name, r.payload::text ~ '"total' AS total, regexp_count AS times,
       CASE WHEN e.counter IS NOT NULL THEN r.payload::json ->> 'timestamp' = herald.iso8601(e.logged_at) END AS written
FROM t.mark AS m, herald.read_events(m.position) AS r
JOIN herald.event AS e ON e.id = r.id
CROSS JOIN LATERAL (SELECT count(*) FROM regexp_matches(r.payload::text, '"timestamp"', 'g')) AS c (regexp_count)
WHERE r.name NOT LIKE 'notification:%'
ORDER BY r.id;
SELECT herald.unwatch('t.comments'), herald.unwatch('t.follows');
SELECT count(*) > 0 AS heard FROM t.heard();

-- Without an index on the subject, herald does not count the table again for every event.
INSERT INTO t.likes SELECT n, 2 FROM generate_series(201, 300) AS n;
SELECT DISTINCT * FROM t.totals;
SELECT count(*) FROM t.likes WHERE post_id = 2;

-- The worker's maintenance would keep totals, which are not counted then.
DO $$ BEGIN PERFORM herald_internal.own_lock('herald_internal.log_fold', for_session => true); END $$;
-- A plan that was made for a small table finds the rows of a subject by the index when there are many.
CREATE TABLE t.hearts (user_id int, post_id int REFERENCES t.posts, PRIMARY KEY (post_id, user_id));
SELECT herald.watch_likes('t.hearts');
CREATE VIEW t.scans AS SELECT pg_stat_get_xact_numscans('t.hearts'::regclass) AS whole,
	pg_stat_get_xact_numscans('t.hearts_pkey'::regclass) AS by_index;
INSERT INTO t.hearts VALUES (1, 1);
VACUUM ANALYZE t.hearts;
SELECT count(*) FROM t.heard();
INSERT INTO t.hearts SELECT n, 2 FROM generate_series(1, 10000) AS n;
UPDATE t.mark SET position = herald.current_position();
INSERT INTO t.hearts VALUES (2, 1);
BEGIN;
SELECT whole AS whole_before, by_index AS by_index_before FROM t.scans \gset
SELECT event, payload -> 'totalLikes' AS total FROM t.heard() WHERE event LIKE 'post:%';
SELECT whole - :whole_before AS whole, by_index - :by_index_before AS by_index FROM t.scans;
COMMIT;
SELECT herald.unwatch('t.hearts');

-- A fold reads only the totals of its subjects, and their counter once, however many totals are kept.
INSERT INTO t.posts SELECT n FROM generate_series(11, 60) AS n;
INSERT INTO t.likes SELECT 1, n FROM generate_series(11, 60) AS n;
INSERT INTO herald_internal.total (counted_id, counter)
	SELECT 'another ' || n, c.id FROM generate_series(1, 2000) AS n, herald_internal.counter AS c
	WHERE c.relation = 't.likes'::regclass;
CREATE FUNCTION t.rows_read() RETURNS bigint LANGUAGE sql AS $$
	SELECT sum(s.seq_tup_read + s.idx_tup_fetch)::bigint FROM pg_stat_xact_all_tables AS s
	WHERE s.relid IN ('herald_internal.total'::regclass, 'herald_internal.counter'::regclass,
	                  'herald_internal.watched_table'::regclass);
$$;
DO $$
DECLARE
	before bigint := t.rows_read();
BEGIN
	PERFORM herald_internal.fold_totals();
	RAISE WARNING 'few rows read: %', t.rows_read() - before < 500;
END $$;

-- A statement with many events asks the index for some kept totals, and then reads all. It finds each.
INSERT INTO t.posts SELECT n FROM generate_series(61, 70) AS n;
BEGIN;
-- The server may still hold scans of earlier transactions.
SELECT pg_stat_get_xact_numscans('herald_internal.total_pkey'::regclass) AS asked_before \gset
INSERT INTO t.likes SELECT u, p FROM generate_series(2, 21) AS u, generate_series(11, 70) AS p;
SELECT pg_stat_get_xact_numscans('herald_internal.total_pkey'::regclass) - :asked_before < 500 AS few_asked;
COMMIT;
SELECT kept, count(*), min(counted_id), max(counted_id)
FROM (SELECT * FROM herald.event ORDER BY id DESC LIMIT 1200) AS e GROUP BY kept ORDER BY kept;
DELETE FROM t.likes WHERE user_id <= 21 AND post_id > 10;
UPDATE t.mark SET position = herald.current_position();

-- A long id of a total that was removed may be gone, while its row is there.
INSERT INTO herald_internal.total (counted_id, counter)
	SELECT string_agg(encode(sha256(n::text::bytea), 'base64'), ''), c.id
	FROM generate_series(1, 51) AS n, herald_internal.counter AS c WHERE c.relation = 't.likes'::regclass GROUP BY c.id;
DELETE FROM herald_internal.total WHERE length(counted_id) > 2000;
SELECT reltoastrelid::regclass AS toast FROM pg_class WHERE oid = 'herald_internal.total'::regclass \gset
VACUUM :toast;
INSERT INTO t.likes SELECT u, p FROM generate_series(2, 11) AS u, generate_series(11, 70) AS p;
DELETE FROM t.likes WHERE user_id <= 11 AND post_id > 10;
UPDATE t.mark SET position = herald.current_position();

-- One query counts all subjects of a page, each once.
CREATE SEQUENCE t.counted;
GRANT USAGE ON SEQUENCE t.counted TO PUBLIC;
CREATE FUNCTION t.count_by(query text) RETURNS void LANGUAGE sql AS $$
	DELETE FROM herald_internal.total;
	UPDATE herald_internal.counter SET count_sql = query || ' FROM unnest($1) WITH ORDINALITY AS subject (id, place)'
	WHERE relation = 't.likes'::regclass;
$$;
SELECT t.count_by('SELECT subject.place, (SELECT nextval(''t.counted'')) * 1000 + subject.id::int');
SELECT count(*) FROM t.heard();
INSERT INTO t.likes SELECT n, n % 50 + 11 FROM generate_series(1, 100) AS n;
SELECT count(*), count(DISTINCT total::int / 1000) AS queries, bool_and(total::int % 1000 = right(rooms, 2)::int) AS own
FROM t.totals;

-- A subject that cannot be counted leaves the others their totals.
SELECT t.count_by('SELECT subject.place, 100 / (subject.id::bigint - 12)');
INSERT INTO t.likes SELECT 1000, n FROM generate_series(11, 15) AS n;
SELECT * FROM t.totals;

-- A query that returns no place of a subject counts nothing.
SELECT t.count_by('SELECT subject.place + 1, 7::bigint');
INSERT INTO t.likes SELECT 1001, n FROM generate_series(11, 12) AS n;
SELECT * FROM t.totals;
SELECT t.count_by('SELECT NULLIF(subject.place, 1), 7::bigint');
INSERT INTO t.likes SELECT 1002, n FROM generate_series(11, 12) AS n;
SELECT * FROM t.totals;
-- A fold counts in the application's tables with the settings of the planner as they are.
SELECT t.count_by($$SELECT subject.place, CASE current_setting('enable_bitmapscan') WHEN 'on' THEN 7
                    ELSE nextval('t.counted') END$$);
SELECT last_value AS before FROM t.counted \gset
INSERT INTO t.likes SELECT 1003, n FROM generate_series(11, 12) AS n;
DO $$ BEGIN PERFORM herald_internal.fold_totals(); END $$;
SELECT last_value - :before AS by_other_settings FROM t.counted;
DELETE FROM t.likes WHERE post_id > 10;
SELECT herald.watch_likes('t.likes');
SELECT count(*) FROM t.heard();
DO $$ BEGIN PERFORM herald_internal.own_unlock('herald_internal.log_fold'); END $$;

-- When counting fails, the event comes without its total.
INSERT INTO t.posts VALUES (3, 1), (4, 1);
BEGIN;
INSERT INTO t.likes VALUES (2, 3);
ALTER TABLE t.likes DROP COLUMN post_id;
COMMIT;
SELECT * FROM t.totals;
ALTER TABLE t.likes ADD COLUMN post_id int REFERENCES t.posts;
SELECT herald.watch_likes('t.likes');
INSERT INTO t.likes VALUES (3, 3);
SELECT * FROM t.totals;
BEGIN;
INSERT INTO t.likes VALUES (4, 4);
DROP TABLE t.likes;
COMMIT;
SELECT herald.maintain();
SELECT * FROM t.totals;

SELECT herald.unwatch_all();
DROP SCHEMA t CASCADE;
TRUNCATE herald.notification;
