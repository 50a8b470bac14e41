-- Rules, totals, rooms and blocks follow renames of columns, tables and schemas, as a view does.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
-- Only this session maintains, also if there is a worker: a migration leaves alone a record that another one changes.
-- The lock of a session ends with a transaction that is rolled back.
\set alone 'SELECT herald_internal.own_lock(''herald_internal.log_fold'', for_session => true) AS alone;'
:alone
CREATE SCHEMA renames;
CREATE TABLE renames.users (id int PRIMARY KEY, username text);
CREATE TABLE renames.posts (id int PRIMARY KEY, user_id int REFERENCES renames.users, body text);
CREATE TABLE renames.likes (user_id int REFERENCES renames.users, post_id int REFERENCES renames.posts);
CREATE TABLE renames.blocks (blocker_id int REFERENCES renames.users, blocked_id int REFERENCES renames.users);
INSERT INTO renames.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo'), (4, 'dan'), (5, 'eve');
SELECT herald.watch_users('renames.users'), herald.watch_likes('renames.likes'),
       herald.watch_blocks('renames.blocks'),
       herald.watch_posts('renames.posts', visible => $$body <> 'user_id' OR post.user_id::text = viewer$$) \g /dev/null
-- names of all kinds: in a subquery, without an alias, after the name of a table, in a string, quoted
SELECT herald.watch('renames.likes', 'general', recipient => $$SELECT named.user_id FROM (
		SELECT p.user_id, 'user_id' AS "kept user_id" FROM renames.posts AS p WHERE p.id = new.post_id) AS named
		WHERE EXISTS (SELECT FROM renames.posts WHERE posts.user_id = named.user_id)
		AND named."kept user_id" = 'user_id'$$,
	actor => 'new.user_id', title => '{user_id} liked {post_id}') \g /dev/null
INSERT INTO renames.posts VALUES (1, 1, 'x');
INSERT INTO renames.blocks VALUES (1, 5);
CREATE FUNCTION renames.told() RETURNS TABLE (type text, title text) LANGUAGE sql AS $$
	SELECT n.type, n.title FROM herald.notification AS n WHERE n.retracted_at IS NULL AND n.recipient_id = '1'
	ORDER BY n.id DESC LIMIT 2
$$;
RESET client_min_messages;

-- in the transaction of the migration, and after it, also in a session that has the plans
INSERT INTO renames.likes VALUES (2, 1);
SELECT * FROM renames.told();
BEGIN;
ALTER TABLE renames.users RENAME username TO "Display Name";
ALTER TABLE renames.posts RENAME user_id TO author;
ALTER TABLE renames.likes RENAME user_id TO liker;
ALTER TABLE renames.posts RENAME TO articles;
INSERT INTO renames.likes VALUES (3, 1);
SELECT * FROM renames.told();
COMMIT;
ALTER TABLE renames.blocks RENAME blocker_id TO a;
ALTER SCHEMA renames RENAME TO renamed;
INSERT INTO renamed.likes VALUES (4, 1);
SELECT * FROM renamed.told();
INSERT INTO renamed.likes VALUES (5, 1);
SELECT * FROM renamed.told();
SELECT herald_internal.totals_of(ARRAY[c.id], '{1}') FROM herald_internal.counter AS c
WHERE c.relation = 'renamed.likes'::regclass;
DELETE FROM renamed.likes WHERE liker = 4;
SELECT * FROM renamed.told();
SELECT rule, regexp_replace(notify, '~ .*::bigint END END', '...') AS notify FROM herald.watched WHERE rule = 'general';
SELECT problem, relation, rule, detail FROM herald.doctor()
WHERE relation::text LIKE 'renamed.%' AND severity = 'error';

SELECT kind, herald_internal.plain_sql((arguments - '{zone,on_error,call,names,table,table_owner}'::text[])::text)
       AS arguments
FROM herald_internal.watched_table WHERE relation::text LIKE 'renamed.%' AND kind NOT LIKE 'rule %' ORDER BY kind;
SELECT herald.may_join('2', 'post:1') AS may, herald.may_join('2', 'post:9') AS none;

-- names that change places: each rule follows its column
BEGIN;
ALTER TABLE renamed.likes RENAME liker TO x;
ALTER TABLE renamed.likes RENAME post_id TO liker;
ALTER TABLE renamed.likes RENAME x TO post_id;
INSERT INTO renamed.likes (post_id, liker) VALUES (2, 1);
SELECT * FROM renamed.told();
ROLLBACK;
:alone
INSERT INTO renamed.likes VALUES (3, 1);
SELECT * FROM renamed.told();

-- Marks of another database mean nothing: after a restore maintenance makes new ones.
UPDATE herald_internal.rule SET notify = replace(notify, '@', '@0') WHERE name = 'general';
UPDATE herald_internal.rule SET notify = regexp_replace(notify, '@0([0-9a-f]{7})[0-9a-f]\.', '@0\1.', 'g')
WHERE name = 'general';
SELECT herald.maintain();
ALTER TABLE renamed.likes RENAME post_id TO article;
INSERT INTO renamed.likes VALUES (4, 1);
SELECT * FROM renamed.told();

SET client_min_messages = warning;
SELECT herald.unwatch_all();
DROP SCHEMA renamed CASCADE;
TRUNCATE herald.notification;

-- conditions with joins, with the row as a whole, and with names that are values, too
CREATE ROLE regress_renames_owner;
GRANT herald_watch TO regress_renames_owner;
CREATE SCHEMA ren AUTHORIZATION regress_renames_owner;
SET ROLE regress_renames_owner;
SET search_path = ren;
CREATE TABLE users (id int PRIMARY KEY, username text);
CREATE TABLE friends (a int, b int);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, body text, password text, audience text,
                    gone date, at timestamp DEFAULT '2026-01-02 03:04:05');
CREATE TABLE follows (follower_id int REFERENCES users, followee_id int REFERENCES users, state text);
CREATE TABLE unrelated (id int, name text);
CREATE FUNCTION is_open(post posts) RETURNS boolean LANGUAGE sql AS 'SELECT $1.id < 10';
INSERT INTO users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
INSERT INTO friends VALUES (1, 2);
SELECT herald.watch_users('users'),
       herald.watch_follows('follows', status => 'state', accepted => 'yes', pending => 'state'),
       herald.watch_posts('posts', visible => $$audience = 'all' OR post.user_id::text = viewer OR
                                                EXISTS (SELECT FROM friends WHERE friends . a = post
                                                        .user_id AND
                                                        b::text = viewer)$$,
                          in_feed => $$is_open(post) AND post . body <> ''$$,
                          active => 'post.gone IS NULL') \g /dev/null
INSERT INTO follows VALUES (2, 1, 'yes'), (3, 1, 'yes');
INSERT INTO posts VALUES (1, 1, 'x', 'pw', 'friends');
RESET ROLE;
CREATE FUNCTION ren.sees(post text, OUT ana boolean, OUT ben boolean, OUT cleo boolean) LANGUAGE sql AS $$
	SELECT herald.may_join('1', post), herald.may_join('2', post), herald.may_join('3', post)
$$;
CREATE VIEW ren.events AS
	SELECT rooms, payload -> 'post' AS post, access FROM herald.event
	WHERE xid = pg_current_xact_id() AND (name LIKE 'post:%' OR name = 'room:recheck') ORDER BY id;
SELECT * FROM ren.sees('post:1');
-- a role without any right in pg_herald migrates
REVOKE herald_watch FROM regress_renames_owner;
BEGIN;
SET ROLE regress_renames_owner;
ALTER TABLE friends RENAME b TO "the friend";
ALTER TABLE friends RENAME TO pals;
ALTER TABLE posts RENAME gone TO hidden;
ALTER TABLE posts RENAME audience TO who;
ALTER TABLE posts RENAME body TO content;
ALTER TABLE posts RENAME at TO made;
ALTER TABLE follows RENAME state TO approval;
ALTER TABLE follows RENAME follower_id TO fan;
RESET ROLE;
-- access is as before: no room is checked again
SELECT * FROM ren.events;
SELECT * FROM ren.sees('post:1');
INSERT INTO posts VALUES (2, 1, 'y', 'pw', 'friends'), (3, 1, 'z', 'pw', 'all');
UPDATE posts SET content = content || '!' WHERE id = 2;
UPDATE posts SET hidden = '2026-01-01' WHERE id = 3;
SELECT * FROM ren.events;
SELECT * FROM ren.sees('post:2');
SELECT * FROM ren.sees('post:3');
INSERT INTO follows VALUES (3, 2, 'state');
SELECT recipient_id, type FROM herald.notification WHERE created_at = now() AND type LIKE 'follow%';
COMMIT;
-- the saved calls have the present names, also of the tables that a condition reads
BEGIN;
SELECT herald_internal.watch_call(relation, kind) FROM herald_internal.watched_table ORDER BY kind \gexec
SELECT * FROM ren.sees('post:2');
ROLLBACK;
:alone
SELECT problem, relation, rule, detail FROM herald.doctor() WHERE severity = 'error' AND relation::text LIKE 'ren.%';

-- Columns that change places keep their meaning: what was not published is not.
BEGIN;
ALTER TABLE posts RENAME password TO x;
ALTER TABLE posts RENAME content TO password;
ALTER TABLE posts RENAME x TO content;
INSERT INTO posts (id, user_id, password, content, who) VALUES (4, 1, 'the text', 'pw', 'all');
SELECT * FROM ren.events;
ROLLBACK;
:alone

-- a rename that is taken back, and one of a table that no rule reads
BEGIN;
SAVEPOINT renamed;
ALTER TABLE posts RENAME who TO audience;
ROLLBACK TO renamed;
CREATE VIEW versions AS
	SELECT ctid AS place, xmin AS made, xmax AS locked FROM herald_internal.rule UNION ALL
	SELECT ctid, xmin, xmax FROM herald_internal.watched_table;
CREATE TABLE versions_before AS SELECT * FROM versions;
ALTER TABLE unrelated RENAME name TO title;
SELECT count(*) FROM (TABLE versions EXCEPT TABLE versions_before) AS touched;
SELECT count(*) FROM herald_internal.suspension;
INSERT INTO posts VALUES (4, 1, 'y', 'pw', 'all');
SELECT count(*) FROM ren.events;
ROLLBACK;
:alone

-- a column of the parent of a partition and of a child
CREATE TABLE logs (id int, user_id int, part int) PARTITION BY LIST (part);
CREATE TABLE logs_1 PARTITION OF logs FOR VALUES IN (1);
CREATE TABLE base (id int, user_id int);
CREATE TABLE child () INHERITS (base);
SELECT herald.watch('logs', 'logged', recipient => 'new.user_id', title => '{id}'),
       herald.watch('child', 'childish', recipient => 'new.user_id', title => '{id}') \g /dev/null
INSERT INTO logs_1 VALUES (1, 1, 1);
ALTER TABLE logs RENAME user_id TO reader;
ALTER TABLE base RENAME user_id TO reader;
INSERT INTO logs_1 VALUES (2, 1, 1);
INSERT INTO logs VALUES (3, 1, 1);
INSERT INTO child VALUES (4, 1);
SELECT type, title FROM herald.notification WHERE type IN ('logged', 'childish') ORDER BY id;

-- A rule resumes in the transaction of the migration, which keeps no lock of the other tables that the rule reads.
ALTER TABLE posts DROP COLUMN who;
INSERT INTO posts VALUES (5, 1, 'y', 'pw');
SELECT count(*) > 0 AS suspended FROM herald.suspended;
BEGIN;
ALTER TABLE posts ADD COLUMN audience text DEFAULT 'all';
SELECT c.relname FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relnamespace = 'ren'::regnamespace AND c.relkind = 'r' ORDER BY 1;
ALTER TABLE posts RENAME audience TO who;
SELECT c.relname FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relnamespace = 'ren'::regnamespace AND c.relkind = 'r' ORDER BY 1;
SELECT count(*) AS suspended FROM herald.suspended;
INSERT INTO posts VALUES (6, 1, 'y', 'pw');
SELECT rooms, post FROM ren.events;
COMMIT;
-- maintenance gives the new column the place of the old one
SELECT herald.maintain();
ALTER TABLE posts RENAME who TO audience;
SELECT count(*) AS suspended FROM herald.suspended;
SELECT * FROM ren.sees('post:6');

-- records that cannot be followed harm no other
SELECT herald_internal.save_watched('unrelated', 'likes',
	'{"call": [], "rooms": [{"prefix": "p", "relation": "\"", "access": "/*@/*@0.0.0*/00000000.1.1*/ \""}],
	  "subject_tables": "x", "reads": 3, "visible": "/*@/*@0.0.0*/00000000.1.1*/ \"", "present": "/*@zz",
	  "status": "\"", "active": "/*@00000000.1.1*/"}');
ALTER TABLE unrelated RENAME name TO title;
ALTER TABLE posts RENAME audience TO who;
INSERT INTO posts VALUES (7, 1, 'y', 'pw', DEFAULT);
SELECT count(*) AS suspended FROM herald.suspended;
SELECT herald.maintain();
SELECT herald_internal.plain_sql('a /*@/*@00000000.1.1*/00000000.1.1*/b'),
       herald_internal.plain_sql('/*@ no mark */ /*@00000000.1.1');
\set VERBOSITY terse
SELECT herald_internal.on_migration();
:alone

SELECT herald.unwatch_all();

-- Functions and types of the application follow renames, too: no rule is suspended, and access stays as it was.
CREATE SCHEMA renf;
SET search_path = renf;
\set VERBOSITY default
CREATE TYPE mood AS ENUM ('calm', 'loud');
CREATE DOMAIN short AS text;
CREATE TABLE users (id int PRIMARY KEY, username text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, body text, mood mood);
CREATE FUNCTION may_see(viewer text, post posts) RETURNS boolean LANGUAGE sql AS $$ SELECT viewer IN ('1', '2') $$;
CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper($1) $$;
CREATE AGGREGATE longest(text) (SFUNC = text_larger, STYPE = text);
INSERT INTO users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
SELECT herald.watch_users('users'),
       herald.watch_posts('posts', visible => 'may_see(viewer, post)', active => $$mood = ANY ('{loud}'::mood[])$$),
       herald.watch('posts', 'shouted', condition => $$new.body::short <> '' AND new.mood = 'loud'::mood$$,
                    recipient => '2', type => 'shouted', title => '{b.text}',
                    joins => 'CROSS JOIN LATERAL (SELECT longest(shout(u.username)) AS text FROM users AS u) AS b');
ALTER FUNCTION may_see(text, posts) RENAME TO "sees it";
ALTER FUNCTION shout(text) RENAME TO cry;
ALTER TYPE mood RENAME TO feeling;
ALTER DOMAIN short RENAME TO brief;
ALTER AGGREGATE longest(text) RENAME TO largest;
INSERT INTO posts VALUES (1, 1, 'x', 'loud'), (2, 1, 'y', 'calm');
SELECT recipient_id, type, title FROM herald.notification WHERE type = 'shouted';
SELECT herald.may_join(u, 'post:' || p) FROM unnest('{2,3}'::text[]) AS u, unnest('{1,2}'::text[]) AS p ORDER BY u, p;
SELECT * FROM herald.suspended;
SELECT problem, detail, remedy FROM herald.doctor() WHERE severity = 'error' AND relation = 'posts'::regclass;
SELECT notify ~ 'renf\.cry\(.*renf\.largest\(|renf\.largest\(renf\.cry\(' AS follows FROM herald.watched
WHERE rule = 'shouted' AND relation = 'posts'::regclass;
-- The call of a rule follows renames of the tables that it joins, also after a column that came back.
CREATE TABLE parcels (id int PRIMARY KEY, buyer_id int, size int);
CREATE TABLE labels (id int PRIMARY KEY, parcel_id int REFERENCES parcels, word text);
SELECT herald.watch('labels', 'labelled', joins => 'JOIN parcels AS p ON p.id = new.parcel_id',
                    recipient => 'p.buyer_id', condition => 'p.size > 1 AND new.word <> ''p.size''',
                    title => 'Label {word}');
ALTER TABLE parcels RENAME buyer_id TO owner_id;
ALTER TABLE parcels RENAME size TO buyer_id;
ALTER TABLE parcels RENAME TO boxes;
ALTER TABLE labels RENAME parcel_id TO box_id;
SELECT regexp_replace(herald_internal.watch_call('labels', 'rule labelled'), 'schemas => .*', '');
ALTER TABLE labels DROP COLUMN word;
ALTER TABLE labels ADD COLUMN word text;
SELECT herald.maintain();
ALTER TABLE labels RENAME word TO text;
SELECT regexp_replace(herald_internal.watch_call('labels', 'rule labelled'), 'schemas => .*', '');
-- A saved number of a column that is none is that of a column that is gone.
UPDATE herald_internal.watched_table
SET arguments = jsonb_set(arguments, ARRAY['names', 'tables', relation::oid::text, 'columns', 'odd'], '"odd name"')
WHERE relation = 'posts'::regclass AND kind = 'posts';
SELECT name FROM herald_internal.gone_columns('posts', 'posts');
SELECT herald.unwatch_all();
SET client_min_messages = warning;
DROP SCHEMA ren, renf CASCADE;
DROP ROLE regress_renames_owner;
TRUNCATE herald.notification;

-- The lock of a session ends with the session, also with an idle one.
:alone
\c -
SET statement_timeout = '60s';
SELECT herald_internal.own_lock('herald_internal.log_fold') AS alone;
