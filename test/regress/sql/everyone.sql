-- Posts, likes, comments and follows that every connected session hears of.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE SCHEMA everyone;
SET search_path = everyone;
CREATE TABLE users (id int PRIMARY KEY, username text NOT NULL);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, body text,
	status text NOT NULL DEFAULT 'published');
CREATE TABLE likes (user_id int REFERENCES users, post_id int REFERENCES posts, PRIMARY KEY (user_id, post_id));
CREATE TABLE comments (id int PRIMARY KEY, user_id int REFERENCES users, post_id int REFERENCES posts, body text);
CREATE TABLE follows (follower_id int REFERENCES users, followee_id int REFERENCES users);
CREATE TABLE blocks (blocker_id int REFERENCES users, blocked_id int REFERENCES users);
CREATE TABLE mark (position text);
CREATE FUNCTION heard() RETURNS TABLE (rooms text, event text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT (SELECT string_agg(room, ' ' ORDER BY room COLLATE "C") FROM unnest(r.rooms) AS room), r.name FROM read AS r
	WHERE r.name !~ '^notification:|^room:recheck|^post:published';
$$;
SELECT herald.watch_users('users');
-- Calls that ask for too much, or too early
SELECT herald.watch_posts('posts', status => 'status', audience => 'all');
SELECT herald.watch_posts('posts', status => 'status', audience => 'everyone', visible => 'post.id > 0');
SELECT herald.watch_posts('posts', status => 'status', audience => 'everyone', in_feed => 'id > 0');
SELECT herald.watch_posts('posts', status => 'status');
SELECT herald.watch_likes('likes', audience => 'everyone');
SELECT herald.watch_comments('comments', audience => 'everyone');
-- The calls
SELECT herald.watch_posts('posts', status => 'status', audience => 'everyone'),
       herald.watch_likes('likes', audience => 'everyone'), herald.watch_comments('comments', audience => 'everyone'),
       herald.watch_follows('follows', audience => 'everyone');
INSERT INTO mark SELECT herald.current_position();
INSERT INTO users VALUES (1, 'ann'), (2, 'ben'), (3, 'eve');
INSERT INTO posts VALUES (1, 1, 'Hello', 'published'), (2, 1, 'Not yet', 'draft');
INSERT INTO likes VALUES (2, 1), (3, 2);
INSERT INTO comments VALUES (1, 2, 1, 'Nice'), (2, 2, 2, 'Not yet');
INSERT INTO follows VALUES (2, 1);
SELECT * FROM heard();
UPDATE posts SET status = 'published' WHERE id = 2;
UPDATE posts SET body = 'Hi' WHERE id = 1;
DELETE FROM likes;
DELETE FROM follows;
UPDATE comments SET body = 'Well' WHERE id = 1;
DELETE FROM comments;
DELETE FROM posts;
SELECT * FROM heard();
-- Blocks end it: not everyone hears of a post any longer.
SELECT herald.watch_blocks('blocks', mutual => true);
INSERT INTO posts VALUES (3, 1, 'Hello');
INSERT INTO likes VALUES (2, 3);
INSERT INTO follows VALUES (3, 1);
SELECT * FROM heard();
SELECT herald.watch_posts('posts', status => 'status', audience => 'everyone');
SELECT herald.watch_follows('follows', audience => 'everyone');
-- Likes of posts that not everyone hears of go to the room of the post.
SELECT herald.unwatch('blocks'), herald.watch_posts('posts', status => 'status');
INSERT INTO likes VALUES (3, 3);
SELECT * FROM heard();
-- It is the right of administrators, as herald.broadcast() is.
CREATE ROLE plain_owner;
GRANT herald_watch TO plain_owner;
GRANT ALL ON SCHEMA everyone TO plain_owner;
GRANT REFERENCES ON users TO plain_owner;
SET ROLE plain_owner;
CREATE TABLE notes (id int PRIMARY KEY, user_id int, body text);
SELECT herald.watch_posts('notes', noun => 'note', audience => 'everyone');
RESET ROLE;
SELECT herald.unwatch_all();
RESET search_path;
DROP SCHEMA everyone CASCADE;
DROP OWNED BY plain_owner;
DROP ROLE plain_owner;
