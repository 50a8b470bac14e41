-- Plans of rules: one that was made for many rows is not used for a single one, and none outlives what it was made for.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE SCHEMA plan;
-- No unique index: look-ups of many rows are left to the planner.
CREATE TABLE plan.users (id int NOT NULL, username text NOT NULL);
CREATE TABLE plan.posts (id int NOT NULL, user_id int NOT NULL);
CREATE INDEX ON plan.users (id);
CREATE INDEX ON plan.posts (id);
CREATE TABLE plan.likes (id int PRIMARY KEY, user_id int NOT NULL, post_id int NOT NULL);
INSERT INTO plan.users SELECT n, 'user ' || n FROM generate_series(1, 20000) AS n;
INSERT INTO plan.posts SELECT n, n FROM generate_series(1, 20000) AS n;
ANALYZE plan.users, plan.posts;
SELECT herald_internal.watch('plan.likes', 'liked',
                    joins => 'JOIN plan.posts AS p ON p.id = changed.post_id '
                             'JOIN plan.users AS u ON u.id = changed.user_id',
                    recipient => 'p.user_id', actor => 'changed.user_id', actor_name => 'u.username',
                    title => '{actor}'), herald.sync_triggers('plan.likes');
-- How often this transaction has read a table from end to end, and by its index.
CREATE FUNCTION plan.scans(relation regclass, OUT seq_scan bigint, OUT idx_scan bigint) LANGUAGE sql AS $$
	SELECT s.seq_scan, s.idx_scan FROM pg_stat_xact_user_tables AS s WHERE s.relid = relation;
$$;
CREATE TABLE plan.noted (relation regclass PRIMARY KEY, seq_scan bigint, idx_scan bigint);
CREATE FUNCTION plan.note() RETURNS void LANGUAGE sql AS $$
	TRUNCATE plan.noted;
	INSERT INTO plan.noted SELECT r, s.* FROM unnest('{plan.posts,plan.users}'::regclass[]) AS r, plan.scans(r) AS s;
$$;
-- Returns the scans since plan.note().
CREATE FUNCTION plan.since() RETURNS TABLE (relation regclass, read_whole boolean, looked_up bigint) LANGUAGE sql AS $$
	SELECT n.relation, s.seq_scan > n.seq_scan, s.idx_scan - n.idx_scan FROM plan.noted AS n,
	       plan.scans(n.relation) AS s ORDER BY n.relation::text;
$$;

-- The comparison of the two ways would count twice.
CREATE FUNCTION plan.run_one_way() RETURNS void LANGUAGE sql AS $$
	SELECT set_config('herald.verify_lookups', 'off', false)
	WHERE current_setting('herald.verify_lookups', true) = 'on';
$$;
SELECT plan.run_one_way();

-- many rows first, then one, in one session and one transaction
BEGIN;
SELECT plan.note();
INSERT INTO plan.likes SELECT n, n, 20001 - n FROM generate_series(1, 10000) AS n;
SELECT relation, read_whole FROM plan.since();
SELECT plan.note();
INSERT INTO plan.likes VALUES (10001, 1, 2);
SELECT * FROM plan.since();
SELECT plan.note();
INSERT INTO plan.likes SELECT n, n, 20001 - n FROM generate_series(10002, 10009) AS n;
SELECT relation, read_whole FROM plan.since();
ROLLBACK;

-- one first, often enough for a generic plan, then many, then one
\c -
SELECT plan.run_one_way();
SET client_min_messages = warning;
\set SHOW_CONTEXT never
INSERT INTO plan.likes SELECT 0, 1, 2;
DO $$ BEGIN FOR n IN 1..10 LOOP INSERT INTO plan.likes VALUES (-n, 1, 2); END LOOP; END $$;
BEGIN;
SELECT plan.note();
INSERT INTO plan.likes SELECT n, n, 20001 - n FROM generate_series(1, 10000) AS n;
SELECT relation, read_whole FROM plan.since();
SELECT plan.note();
INSERT INTO plan.likes VALUES (10001, 1, 2);
SELECT * FROM plan.since();
COMMIT;
SELECT count(*), count(DISTINCT recipient_id) FROM herald.notification;

-- A rule that is made anew is run at once, in the session that has plans of the old one.
TRUNCATE herald.notification;
SELECT herald.watch('plan.likes', 'liked', joins => 'JOIN plan.posts AS p ON p.id = changed.post_id',
                    recipient => 'p.user_id', title => 'New rule {id}');
INSERT INTO plan.likes VALUES (10002, 1, 2);
SELECT herald.watch('plan.likes', 'another', recipient => 'changed.user_id', title => 'Another rule {id}');
INSERT INTO plan.likes VALUES (10003, 1, 2);
BEGIN;
SELECT herald.watch('plan.likes', 'another', recipient => 'changed.user_id', title => 'Undone rule {id}');
INSERT INTO plan.likes VALUES (10004, 1, 2);
ROLLBACK;
INSERT INTO plan.likes VALUES (10005, 1, 2);
SELECT recipient_id, title FROM herald.notification ORDER BY id;

-- DDL on the watched table and on a joined one
TRUNCATE herald.notification;
ALTER TABLE plan.likes ADD COLUMN reaction text NOT NULL DEFAULT 'heart';
INSERT INTO plan.likes VALUES (10006, 1, 2, 'laugh');
ALTER TABLE plan.likes ALTER COLUMN user_id TYPE bigint, ALTER COLUMN post_id TYPE bigint;
ALTER TABLE plan.posts ADD COLUMN title text, ALTER COLUMN user_id TYPE text;
INSERT INTO plan.likes VALUES (10007, 1, 2, 'cry');
ALTER TABLE plan.likes DROP COLUMN reaction;
ALTER TABLE plan.posts DROP COLUMN title;
INSERT INTO plan.likes VALUES (10008, 1, 2);
ALTER TABLE plan.likes RENAME TO reactions;
INSERT INTO plan.reactions VALUES (10009, 1, 2);
SELECT herald.watch('plan.reactions', 'another', recipient => 'changed.user_id', title => 'Another rule {id}');
DISCARD PLANS;
INSERT INTO plan.reactions VALUES (10010, 1, 2);
SELECT recipient_id, title FROM herald.notification ORDER BY id;

-- A column that a rule uses can be dropped; then writes pass without the rule until it is made anew or taken off.
ALTER TABLE plan.reactions DROP COLUMN post_id;
\set VERBOSITY sqlstate
INSERT INTO plan.reactions VALUES (10020, 1);
\set VERBOSITY default
SELECT herald.watch('plan.reactions', 'liked', recipient => 'changed.user_id', title => 'Mended rule {id}');
INSERT INTO plan.reactions VALUES (10011, 1);
SELECT recipient_id, title FROM herald.notification WHERE title LIKE '%10011' ORDER BY id;
SELECT herald.unwatch('plan.reactions');
INSERT INTO plan.reactions VALUES (10012, 1);
SELECT count(*) FROM herald.notification WHERE title LIKE '%10012';

-- A table that is made anew under the same name is another one.
DROP TABLE plan.reactions;
CREATE TABLE plan.reactions (id int, user_id int);
INSERT INTO plan.reactions VALUES (10013, 1);
SELECT count(*) FROM herald.notification WHERE title LIKE '%10013';

TRUNCATE herald.notification;
DROP SCHEMA plan CASCADE;
