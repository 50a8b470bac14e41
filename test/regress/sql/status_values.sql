-- The doctor names values of a status that no list of its call has: their rows do not count.
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA state;
SET search_path = state;
CREATE VIEW told AS SELECT severity, relation, detail, remedy FROM herald.doctor() WHERE problem = 'status_unlisted';
CREATE TABLE users (id int PRIMARY KEY, username text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, body text, status text);
CREATE TABLE follows (follower_id int REFERENCES users, followee_id int REFERENCES users, "State" smallint);
CREATE TABLE members (conversation_id int, user_id int REFERENCES users, ok boolean);
INSERT INTO users VALUES (1, 'ana'), (2, 'ben');
SELECT herald.watch_users('users'), herald.watch_posts('posts', status => 'status'),
       herald.watch_follows('follows', status => 'State', accepted => '1', pending => '0'),
       herald.watch_members('members', status => 'ok', accepted => 'true');
SELECT * FROM told;

-- Those that the rule knows, and those that say that a row does not count, are as meant.
INSERT INTO posts VALUES (1, 1, '', 'published'), (2, 1, '', 'draft'), (3, 1, '', 'failed'), (4, 1, '', 'publishing'),
	(5, 1, '', 'rejected'), (6, 1, '', 'pending');
INSERT INTO follows VALUES (1, 2, 1), (2, 1, 0);
INSERT INTO members VALUES (1, 1, true), (1, 2, false);
SELECT * FROM told;

-- A value that says that its rows count is a warning. Others may be as meant.
INSERT INTO posts VALUES (7, 1, '', E'odd\nDROP TABLE posts;'), (8, 1, '', NULL), (9, 1, '', NULL);
INSERT INTO follows VALUES (1, 1, 7);
SELECT * FROM told;
UPDATE posts SET status = 'live' WHERE status IS NULL;
SELECT severity, detail FROM told WHERE relation = 'posts'::regclass;
-- A list that no row meets is one, too.
DELETE FROM follows WHERE "State" = 1;
SELECT severity, detail FROM told WHERE relation = 'follows'::regclass;

-- Of a large table the doctor reads statistics, and without any its first rows.
ALTER TABLE posts SET (autovacuum_enabled = off);
SET herald.enabled = off;
INSERT INTO posts SELECT i, 1, '', CASE WHEN i % 4 = 0 THEN 'live' ELSE 'published' END
FROM generate_series(10, 30000) AS i;
SELECT regexp_replace(detail, '\d{4}', 'NNNN') FROM told WHERE relation = 'posts'::regclass;
ANALYZE posts;
BEGIN;
SELECT seq_tup_read AS before FROM pg_stat_get_xact_tuples_returned('posts'::regclass) AS s (seq_tup_read) \gset
SELECT substring(detail FROM 'live \(about 7[45]\d\d\)') IS NOT NULL AS estimated
FROM told WHERE relation = 'posts'::regclass;
SELECT pg_stat_get_xact_tuples_returned('posts'::regclass) - :before AS rows_read;
COMMIT;
RESET herald.enabled;
-- A table that is gone is no problem of the lists.
DROP TABLE follows;
SELECT severity FROM told;
SELECT herald.unwatch_all();
DROP SCHEMA state CASCADE;
