-- Sessions of a preloaded server share what they have found in the catalogs. Each finds the tables that are there now.
\set ECHO none
SET client_min_messages = warning;
SELECT current_database() AS former \gset
CREATE DATABASE shared_catalogs;
\c shared_catalogs
SET client_min_messages = warning;
CREATE EXTENSION pg_herald;
CREATE TABLE users (id int PRIMARY KEY, username text NOT NULL UNIQUE);
CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users);
CREATE TABLE likes (user_id int REFERENCES users, post_id int REFERENCES posts, PRIMARY KEY (user_id, post_id));
CREATE TABLE blocks (blocker_id int REFERENCES users, blocked_id int REFERENCES users,
                     PRIMARY KEY (blocker_id, blocked_id));
INSERT INTO users SELECT n, 'user' || n FROM generate_series(1, 20) AS n;
INSERT INTO posts VALUES (1, 1);
INSERT INTO blocks VALUES (1, 20);
CREATE FUNCTION watch_all() RETURNS void LANGUAGE sql SET client_min_messages = warning AS $$
	SELECT herald.watch_users('users'), herald.watch_posts('posts'), herald.watch_likes('likes'),
	       herald.watch_blocks('blocks');
$$;
SELECT watch_all() \g /dev/null
CREATE FUNCTION last_title() RETURNS text LANGUAGE sql AS $$
	SELECT title FROM herald.notification ORDER BY id DESC LIMIT 1;
$$;
-- The first session with new catalogs shares what it finds, the second one uses it.
INSERT INTO likes VALUES (2, 1);
\c -
INSERT INTO likes VALUES (3, 1);
\set ECHO all

-- a later session looks up no table of the extension by its name
\c -
BEGIN;
INSERT INTO likes VALUES (4, 1);
SELECT current_setting('shared_preload_libraries') NOT LIKE '%pg_herald%' OR
       pg_stat_get_xact_numscans(2663) < 8 AS finds_shared_names; -- pg_class_relname_nsp_index
COMMIT;
SELECT last_title();

-- a prepared transaction with changes interrupts that, until it ends
BEGIN;
CREATE TABLE prepared ();
PREPARE TRANSACTION 'shared_catalogs';
\c -
SELECT herald.set_preference('30', 'like', '{}') \g /dev/null
COMMIT PREPARED 'shared_catalogs';
\c -
SELECT herald.set_preference('30', 'like', NULL) \g /dev/null
INSERT INTO likes VALUES (17, 1);
\c -
BEGIN;
INSERT INTO likes VALUES (18, 1);
SELECT current_setting('shared_preload_libraries') NOT LIKE '%pg_herald%' OR
       pg_stat_get_xact_numscans(2663) < 8 AS finds_shared_names;
COMMIT;

-- a transaction that changes tables shares nothing of them, and finds its own
\c -
BEGIN;
TRUNCATE herald.preference, herald_internal.block_source;
SELECT herald.set_preference('1', 'like', '{}') \g /dev/null
INSERT INTO likes VALUES (5, 1);
SELECT last_title();
ROLLBACK;
\c -
INSERT INTO likes VALUES (20, 1), (6, 1);
SELECT last_title();

-- the files of the tables are others
VACUUM FULL herald_internal.block_source;
VACUUM FULL herald_internal.rule;
VACUUM FULL herald_internal.suspension;
VACUUM FULL herald.notification_type;
VACUUM FULL herald.preference;
\c -
INSERT INTO likes VALUES (7, 1);
SELECT last_title();
SELECT herald.set_preference('1', 'like', '{}') \g /dev/null
\c -
INSERT INTO likes VALUES (8, 1);
SELECT last_title();
SELECT herald.set_preference('1', 'like', '{inbox,live}') \g /dev/null

-- the extension is another one
SET client_min_messages = warning;
DROP EXTENSION pg_herald CASCADE;
CREATE EXTENSION pg_herald;
SELECT watch_all() \g /dev/null
\c -
INSERT INTO likes VALUES (9, 1);
SELECT last_title();

-- a table has another name for a while
ALTER TABLE herald.preference RENAME TO renamed;
\c -
INSERT INTO likes VALUES (10, 1);
SELECT last_title();
ALTER TABLE herald.renamed RENAME TO preference;
\c -
INSERT INTO likes VALUES (11, 1);
SELECT last_title();

-- the database is another one with the same OID
SELECT current_setting('server_version_num')::int >= 150000 AS has_oid, oid FROM pg_database
WHERE datname = 'shared_catalogs' \gset
\if :has_oid
\c :former
DROP DATABASE shared_catalogs;
CREATE DATABASE shared_catalogs OID :oid;
\c shared_catalogs
CREATE EXTENSION pg_herald;
SELECT herald.notify('1', 'system', 'a title') IS NOT NULL AS notified;
\else
SELECT herald.notify('1', 'system', 'a title') IS NOT NULL AS notified;
\endif

\set ECHO none
\c :former
DROP DATABASE shared_catalogs;
