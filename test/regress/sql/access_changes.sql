-- Changes of access: each kind of change writes the rechecks of the sessions concerned, and other changes write none.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA ac;
CREATE TABLE ac.users (id int PRIMARY KEY, username text, private boolean NOT NULL DEFAULT false);
CREATE TABLE ac.posts (id int PRIMARY KEY, user_id int REFERENCES ac.users, content text, details json,
	audience text NOT NULL DEFAULT 'public', status text NOT NULL DEFAULT 'published', deleted_at timestamptz,
	group_id int);
CREATE TABLE ac.comments (id int PRIMARY KEY, user_id int REFERENCES ac.users, post_id int REFERENCES ac.posts,
	content text, deleted boolean NOT NULL DEFAULT false);
CREATE TABLE ac.follows (follower_id int REFERENCES ac.users, followee_id int REFERENCES ac.users,
	status text NOT NULL DEFAULT 'accepted', note text);
CREATE TABLE ac.blocks (blocker_id int REFERENCES ac.users, blocked_id int REFERENCES ac.users, lifted_at timestamptz);
CREATE TABLE ac.members (conversation_id int, user_id int REFERENCES ac.users, left_at timestamptz,
	role text);
CREATE TABLE ac.friends (user_id int, friend_id int);
INSERT INTO ac.users SELECT n, 'user ' || n FROM generate_series(1, 4) AS n;
CREATE TABLE ac.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION ac.changes() RETURNS TABLE (recheck_user text, recheck_room text, access text, with_event text)
LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM ac.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE ac.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT r.recheck_user, r.recheck_room, r.access,
	       (SELECT n.name FROM read AS n WHERE n.id > r.id AND n.name NOT IN ('room:recheck', 'notification:new')
	        ORDER BY n.id LIMIT 1)
	FROM read AS r
	WHERE r.access IS NOT NULL
	ORDER BY r.id;
$$;

-- Without conditions, only rows that go change access.
SELECT herald.watch_users('ac.users'), herald.watch_follows('ac.follows', status => 'status');
ALTER TABLE ac.posts RENAME deleted_at TO hidden_at;
SELECT herald.watch_posts('ac.posts'), herald.watch_comments('ac.comments', deleted_at => 'deleted');
INSERT INTO ac.posts (id, user_id) VALUES (1, 1);
INSERT INTO ac.comments VALUES (10, 2, 1, 'A comment');
INSERT INTO ac.follows VALUES (2, 1);
UPDATE ac.posts SET content = 'Edited', audience = 'some';
UPDATE ac.users SET private = true WHERE id = 1;
SELECT * FROM ac.changes();
DELETE FROM ac.comments;
DELETE FROM ac.posts;
DELETE FROM ac.follows;
SELECT * FROM ac.changes();
UPDATE ac.users SET private = false;
ALTER TABLE ac.posts RENAME hidden_at TO deleted_at;

-- A post: the columns that its condition reads.
SELECT herald.watch_posts('ac.posts', status => 'status', visible => $$
	viewer = post.user_id::text OR post.audience = 'public' AND
	(EXISTS (SELECT FROM ac.follows AS f WHERE f.followee_id = post.user_id AND f.follower_id::text = viewer AND
	         f.status = 'accepted') OR
	 EXISTS (SELECT FROM ac.users AS u WHERE u.id = post.user_id AND NOT u.private) OR
	 EXISTS (SELECT FROM ac.members AS m WHERE m.conversation_id = post.group_id AND m.user_id::text = viewer AND
	         m.role IS DISTINCT FROM 'guest') OR
	 EXISTS (SELECT FROM ac.friends AS f WHERE (f.user_id, f.friend_id::text) = (post.user_id, viewer)))$$);
SELECT herald.watch_members('ac.members');
SELECT jsonb_pretty(arguments -> 'reads') FROM herald_internal.watched_table WHERE kind = 'posts';
INSERT INTO ac.posts (id, user_id) VALUES (1, 1), (2, 1), (3, 2);
INSERT INTO ac.comments VALUES (10, 2, 1, 'A comment');
SELECT * FROM ac.changes();
UPDATE ac.posts SET content = 'Edited', details = '{}' WHERE id = 1;
UPDATE ac.posts SET audience = audience;
SELECT * FROM ac.changes();
UPDATE ac.posts SET audience = 'none' WHERE id = 1;
SELECT * FROM ac.changes();
UPDATE ac.posts SET status = 'draft' WHERE id = 1;
UPDATE ac.posts SET status = 'published' WHERE id = 1;
UPDATE ac.posts SET deleted_at = now() WHERE id = 2;
UPDATE ac.posts SET user_id = 3 WHERE id = 3;
SELECT * FROM ac.changes();
UPDATE ac.posts SET id = 30 WHERE id = 3;
DELETE FROM ac.posts WHERE id IN (2, 30);
SELECT * FROM ac.changes();

-- A comment: its own presence, and its post.
INSERT INTO ac.posts (id, user_id) VALUES (4, 1);
UPDATE ac.comments SET content = 'Edited';
SELECT * FROM ac.changes();
UPDATE ac.comments SET deleted = true;
UPDATE ac.comments SET deleted = false;
UPDATE ac.comments SET post_id = 4;
DELETE FROM ac.comments;
SELECT * FROM ac.changes();

-- Follows, members and users that the condition reads.
INSERT INTO ac.follows VALUES (2, 1, 'accepted'), (3, 1, 'pending');
SELECT * FROM ac.changes();
UPDATE ac.follows SET note = 'x';
UPDATE ac.follows SET status = 'accepted' WHERE follower_id = 3;
DELETE FROM ac.follows WHERE follower_id = 2;
SELECT * FROM ac.changes();
INSERT INTO ac.members VALUES (7, 2);
UPDATE ac.members SET role = 'owner';
UPDATE ac.members SET left_at = now();
SELECT * FROM ac.changes();
UPDATE ac.users SET username = 'ana' WHERE id = 1;
SELECT * FROM ac.changes();
UPDATE ac.users SET private = true WHERE id = 1;
SELECT * FROM ac.changes();

-- Blocks, in both directions.
SELECT herald.watch_blocks('ac.blocks', deleted_at => 'lifted_at');
INSERT INTO ac.blocks VALUES (1, 2);
SELECT * FROM ac.changes();
UPDATE ac.blocks SET lifted_at = now();
DELETE FROM ac.blocks;
SELECT * FROM ac.changes();
SELECT herald.watch_blocks('ac.blocks', mutual => false, ignore => '{lifted_at}');
INSERT INTO ac.blocks VALUES (1, 2);
SELECT * FROM ac.changes();

-- The doctor names tables with rows that change access unnoticed, until a rule rechecks.
CREATE FUNCTION ac.may(viewer text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SELECT herald.watch_posts('ac.posts', ignore => '{status}', visible => $$ac.may(viewer) AND
	EXISTS (SELECT FROM ac.friends AS f WHERE (f.user_id, f.friend_id::text) = (post.user_id, viewer))$$);
SELECT severity, problem, relation, rule, detail, remedy FROM herald.doctor() WHERE problem LIKE 'access%';
-- The remedy names no columns: pasted as it is, it is refused.
DO $$
BEGIN
	EXECUTE (SELECT remedy FROM herald.doctor() WHERE problem = 'access_unwatched');
EXCEPTION WHEN undefined_column THEN
	RAISE WARNING '%', SQLERRM;
END
$$;
INSERT INTO ac.friends VALUES (1, 2);
SELECT herald.watch('ac.friends', 'access', '{insert,update,delete}', recheck_user => '{friend_id}',
                    recheck_room => 'author:{user_id}');
DELETE FROM ac.friends;
SELECT * FROM ac.changes();
SELECT severity, problem, relation, rule, detail, remedy FROM herald.doctor() WHERE problem LIKE 'access%';

-- All rooms with a prefix: when a table of rows that decide about them is truncated, once in a transaction, ...
BEGIN;
TRUNCATE ac.comments;
TRUNCATE ac.follows, ac.friends;
COMMIT;
SELECT * FROM ac.changes();
-- ... when the condition changes, and not when it stays, ...
SELECT herald.watch_posts('ac.posts', visible => 'false');
SELECT * FROM ac.changes();
SELECT herald.watch_posts('ac.posts', visible => 'false', in_feed => 'true');
SELECT * FROM ac.changes();
-- ... and when a policy changes, but not by the first one.
CREATE FUNCTION ac.admits(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION ac.refuses(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
SELECT herald.room_policy('club', 'ac.admits(text, text)');
SELECT * FROM ac.changes();
SELECT herald.room_policy('club', 'ac.refuses(text, text)');
SELECT * FROM ac.changes();
SELECT herald.room_policy('club', NULL);
SELECT * FROM ac.changes();

-- An album is not watched itself. The likes that open its room give it a rule that rechecks the room, which goes with
-- them. No failure of the rule harms a write.
CREATE TABLE ac.albums (id int PRIMARY KEY, title text, deleted_at timestamptz);
CREATE TABLE ac.album_likes (user_id int, album_id int REFERENCES ac.albums ON UPDATE CASCADE ON DELETE CASCADE);
INSERT INTO ac.albums VALUES (1), (2), (3);
SELECT herald.watch_likes('ac.album_likes', subject => 'album_id');
UPDATE ac.albums SET title = 'Edited';
SELECT * FROM ac.changes();
UPDATE ac.albums SET deleted_at = now() WHERE id = 1;
UPDATE ac.albums SET id = 20 WHERE id = 2;
DELETE FROM ac.albums WHERE id = 3;
TRUNCATE ac.albums CASCADE;
SELECT * FROM ac.changes();
SELECT DISTINCT rule, on_error FROM herald.watched WHERE relation = 'ac.albums'::regclass;
SELECT herald.unwatch('ac.album_likes');
SELECT * FROM ac.changes();
SELECT count(*) FROM pg_trigger WHERE tgrelid::regclass::text ~ '^ac.album' AND NOT tgisinternal;

-- Nothing of this is left when the posts are unwatched, except what rooms of comments need.
SELECT herald.unwatch('ac.posts');
SELECT DISTINCT relation, rule FROM herald.watched WHERE publish ~ 'recheck.*access' AND publish ~ 'room:recheck'
ORDER BY relation, rule;
SELECT herald.unwatch_all();
TRUNCATE herald.notification;
DROP SCHEMA ac CASCADE;
