-- A reply that gets another parent, a comment that moves to another post, a like of something else: undo and insert.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA mv;
CREATE TABLE mv.users (id int PRIMARY KEY, username text);
CREATE TABLE mv.posts (id int PRIMARY KEY, user_id int REFERENCES mv.users, body text);
CREATE TABLE mv.comments (id int PRIMARY KEY, user_id int REFERENCES mv.users, post_id int REFERENCES mv.posts,
	parent_id int, body text, deleted_at timestamptz);
CREATE TABLE mv.likes (user_id int, post_id int REFERENCES mv.posts);
CREATE TABLE mv.comment_likes (user_id int, comment_id int REFERENCES mv.comments);
CREATE TABLE mv.follows (follower_id int REFERENCES mv.users, followee_id int REFERENCES mv.users);
CREATE TABLE mv.toots (id int PRIMARY KEY, user_id int REFERENCES mv.users, parent_id int, body text);
INSERT INTO mv.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo'), (4, 'dan');
INSERT INTO mv.follows VALUES (3, 4);
SELECT herald.watch_users('mv.users'), herald.watch_posts('mv.posts'), herald.watch_comments('mv.comments'),
       herald.watch_likes('mv.likes'), herald.watch_likes('mv.comment_likes', subject_table => 'mv.comments'),
       herald.watch_follows('mv.follows'),
       herald.watch_posts('mv.toots', parent => 'parent_id', noun => 'toot', notify_followers => true);
CREATE TABLE mv.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION mv.heard() RETURNS TABLE (rooms text, event text, id text, parent text, total text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM mv.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE mv.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name,
	       coalesce(p.payload ->> 'commentId', p.payload ->> 'replyId', p.payload ->> 'userId'),
	       coalesce(p.payload ->> 'parentId', p.payload ->> 'tootId'),
	       coalesce(p.payload ->> 'totalComments', p.payload ->> 'totalLikes', p.payload ->> 'totalReplies')
	FROM read AS r CROSS JOIN LATERAL (SELECT r.payload::json) AS p (payload)
	WHERE r.name !~ '^notification';
$$;
CREATE VIEW mv.told AS
	SELECT recipient_id AS told, type, subject_type || ' ' || subject_id AS subject, cause FROM herald.notification
	WHERE retracted_at IS NULL ORDER BY cause, told;
INSERT INTO mv.posts VALUES (1, 1, 'by ana'), (2, 2, 'by ben');
INSERT INTO mv.comments VALUES (10, 2, 1, NULL, 'first'), (11, 3, 1, NULL, 'second');
SELECT count(*) >= 0 FROM mv.heard();
TRUNCATE herald.notification;

-- Dan replies to ben, and then to cleo. Ana and a mentioned user keep their notifications, as do likes of the reply.
INSERT INTO mv.comments VALUES (12, 4, 1, 10, 'a reply');
INSERT INTO mv.comment_likes VALUES (1, 12);
SELECT * FROM mv.told;
UPDATE mv.comments SET parent_id = 11 WHERE id = 12;
SELECT * FROM mv.told;
SELECT * FROM mv.heard();
-- It is no reply any more, and one again. Nobody is notified twice of the same.
UPDATE mv.comments SET parent_id = NULL WHERE id = 12;
SELECT * FROM mv.told;
UPDATE mv.comments SET parent_id = 11, body = 'a reply, @ben' WHERE id = 12;
SELECT * FROM mv.told;
SELECT count(*) FROM herald.notification WHERE type = 'reply' AND recipient_id = '3';
SELECT count(*) >= 0 FROM mv.heard();

-- It moves to another post; likes of it stay. A soft deletion takes all.
UPDATE mv.comments SET post_id = 2, parent_id = NULL WHERE id = 12;
SELECT * FROM mv.told;
SELECT * FROM mv.heard();
UPDATE mv.comments SET deleted_at = now() WHERE id = 12;
SELECT * FROM mv.told;

-- A like moves.
TRUNCATE herald.notification;
INSERT INTO mv.likes VALUES (3, 1);
UPDATE mv.likes SET post_id = 2;
SELECT * FROM mv.told;
SELECT * FROM mv.heard() WHERE event LIKE '%liked';

-- Posts that are replies to posts: the follower's notification stays.
INSERT INTO mv.toots VALUES (1, 1, NULL, 'by ana'), (2, 2, NULL, 'by ben');
TRUNCATE herald.notification;
INSERT INTO mv.toots VALUES (3, 4, 1, 'a reply');
SELECT * FROM mv.told;
SELECT count(*) >= 0 FROM mv.heard();
UPDATE mv.toots SET parent_id = 2 WHERE id = 3;
SELECT * FROM mv.told;
SELECT * FROM mv.heard();
UPDATE mv.toots SET parent_id = NULL WHERE id = 3;
SELECT * FROM mv.told;
DELETE FROM mv.toots WHERE id = 3;
SELECT * FROM mv.told;

SELECT count(herald.unwatch(relation)) FROM (SELECT DISTINCT relation FROM herald_internal.watched_table
                                             WHERE relation::text LIKE 'mv.%') AS w;
DROP SCHEMA mv CASCADE;
TRUNCATE herald.notification;
