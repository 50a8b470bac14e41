-- Rules, totals, rooms and blocks follow renames of columns, tables and schemas, as a view does.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
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
SELECT herald_internal.count_now(c.id, '1') FROM herald_internal.counter AS c
WHERE c.relation = 'renamed.likes'::regclass;
DELETE FROM renamed.likes WHERE liker = 4;
SELECT * FROM renamed.told();
SELECT rule, notify FROM herald.watched WHERE rule = 'general';
SELECT problem, relation, rule, detail FROM herald.doctor()
WHERE relation::text LIKE 'renamed.%' AND severity = 'error';

SELECT kind, arguments - '{zone,on_error,rooms,reads,call,columns,table,oid,table_owner}'::text[]
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
