-- A conventional schema with bigint keys: every call detects the columns of its table.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA blog;
CREATE TABLE blog.users (id bigint PRIMARY KEY, username text, notifications_enabled boolean);
CREATE TABLE blog.posts (id bigint PRIMARY KEY, user_id bigint REFERENCES blog.users, content text);
CREATE TABLE blog.likes (user_id bigint REFERENCES blog.users, post_id bigint REFERENCES blog.posts ON DELETE CASCADE,
	PRIMARY KEY (user_id, post_id));
CREATE TABLE blog.comments (id bigint PRIMARY KEY, post_id bigint REFERENCES blog.posts ON DELETE CASCADE,
	user_id bigint REFERENCES blog.users,
	parent_id bigint REFERENCES blog.comments, content text);
CREATE TABLE blog.follows (follower_id bigint REFERENCES blog.users, followee_id bigint REFERENCES blog.users,
	PRIMARY KEY (follower_id, followee_id));
CREATE TABLE blog.conversations (id bigint PRIMARY KEY);
CREATE TABLE blog.conversation_members (conversation_id bigint REFERENCES blog.conversations,
	user_id bigint REFERENCES blog.users, left_at timestamptz,
	PRIMARY KEY (conversation_id, user_id));
CREATE TABLE blog.messages (id bigint PRIMARY KEY, conversation_id bigint REFERENCES blog.conversations,
	sender_id bigint REFERENCES blog.users, content text);
INSERT INTO blog.users (id, username) VALUES (1, 'ann'), (2, 'ben'), (3, 'cat'), (4, 'dan');

SELECT herald.watch_likes('blog.likes');
SELECT herald.watch_users('blog.users');
SELECT herald.watch_posts('blog.posts');
SELECT herald.watch_messages('blog.messages');
SELECT herald.watch_comments('blog.comments');
SELECT herald.watch_follows('blog.follows');
SELECT herald.watch_members('blog.conversation_members');
SELECT relation, kind,
       herald_internal.plain_sql((arguments - '{call,names,table,table_owner}'::text[])::text) AS arguments
FROM herald_internal.watched_table WHERE relation::text LIKE 'blog.%'
ORDER BY relation::text;
SELECT relation, rule,
       string_agg(change || CASE WHEN change <> operation THEN ' by ' || operation ELSE '' END, ', '
                  ORDER BY change, operation) AS changes
FROM herald.watched WHERE relation::text LIKE 'blog.%' GROUP BY relation, rule ORDER BY relation::text, rule;

-- Returns the new events of the log through the bridge's own function. Ids and times differ from run to run.
CREATE TABLE blog.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION blog.heard() RETURNS TABLE (rooms text, event text, membership text, payload jsonb) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM blog.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE blog.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name,
	       coalesce(r.member_id || ' joins ' || r.joins, r.member_id || ' leaves ' || r.leaves),
	       r.payload::jsonb - '{id,ids,createdAt,timestamp}'::text[]
	FROM read AS r
	WHERE r.name IS NOT NULL;
$$;
CREATE VIEW blog.told AS
	SELECT recipient_id AS told, actor_name AS actor, type, subject_type || ' ' || subject_id AS subject, title,
	       content, data
	FROM herald.notification
	ORDER BY id;

-- Posts.
INSERT INTO blog.posts VALUES (10, 1, 'Hello');
UPDATE blog.posts SET content = 'Hello, world';
UPDATE blog.posts SET content = content;
SELECT * FROM blog.heard();

-- Likes, with totals; users get no notification of their own.
INSERT INTO blog.likes VALUES (2, 10);
SELECT * FROM blog.heard();
INSERT INTO blog.likes VALUES (3, 10), (1, 10);
DELETE FROM blog.likes WHERE user_id = 2;
INSERT INTO blog.likes VALUES (3, 10) ON CONFLICT DO NOTHING;
SELECT * FROM blog.told;
SELECT * FROM blog.heard();

-- Comments and replies: the author of a comment gets the notification of a reply and none of the comment as well.
INSERT INTO blog.comments VALUES (100, 10, 2, NULL, 'First');
INSERT INTO blog.comments VALUES (101, 10, 1, 100, 'Thanks'), (102, 10, 3, 101, 'Me too');
UPDATE blog.comments SET content = 'First!' WHERE id = 100;
DELETE FROM blog.comments WHERE id = 102;
SELECT * FROM blog.told WHERE type <> 'like';
SELECT * FROM blog.heard() WHERE rooms LIKE 'post:%';

-- Follows.
TRUNCATE herald.notification;
INSERT INTO blog.follows VALUES (2, 1), (3, 1);
DELETE FROM blog.follows WHERE follower_id = 3;
SELECT * FROM blog.told;
SELECT * FROM blog.heard();

-- Conversations: present members get notifications of messages; the sender and former members do not.
TRUNCATE herald.notification;
INSERT INTO blog.conversations VALUES (7), (8);
INSERT INTO blog.conversation_members VALUES (7, 1), (7, 2), (7, 3);
UPDATE blog.conversation_members SET left_at = now() WHERE user_id = 3;
SELECT * FROM blog.heard();
INSERT INTO blog.messages VALUES (50, 7, 1, repeat('long ', 60));
INSERT INTO blog.messages VALUES (51, 7, 2, NULL);
UPDATE blog.messages SET content = 'Short' WHERE id = 50;
DELETE FROM blog.messages WHERE id = 51;
SELECT told, actor, subject, length(content), data FROM blog.told;
SELECT rooms, event, payload - 'message' || jsonb_build_object('content', left(payload ->> 'content', 10)) AS payload
FROM blog.heard() WHERE event LIKE 'message:%';
UPDATE blog.conversation_members SET left_at = NULL WHERE user_id = 3;
UPDATE blog.conversation_members SET conversation_id = 8 WHERE user_id = 2;
UPDATE blog.conversation_members SET conversation_id = 8, left_at = now() WHERE user_id = 3;
DELETE FROM blog.conversation_members;
SELECT * FROM blog.heard();

-- The application's own switch.
TRUNCATE herald.notification;
UPDATE blog.users SET notifications_enabled = false WHERE id = 1;
INSERT INTO blog.conversation_members VALUES (7, 1), (7, 2), (7, 3);
INSERT INTO blog.likes VALUES (4, 10);
INSERT INTO blog.comments VALUES (103, 10, 4, NULL, 'To ann'), (104, 10, 4, 100, 'To ben');
INSERT INTO blog.follows VALUES (4, 1), (4, 2);
INSERT INTO blog.messages VALUES (52, 7, 3, 'To ben');
SELECT * FROM blog.told;

-- A rollback undoes notifications and events.
SELECT count(*) FROM blog.heard() \gset dropped_
TRUNCATE herald.notification;
BEGIN;
INSERT INTO blog.follows VALUES (3, 2);
SAVEPOINT before;
INSERT INTO blog.follows VALUES (1, 2);
ROLLBACK TO before;
COMMIT;
BEGIN;
INSERT INTO blog.follows VALUES (1, 3);
ROLLBACK;
SELECT * FROM blog.told;
SELECT * FROM blog.heard();

-- The likes and comments of a post go with it.
TRUNCATE herald.notification;
UPDATE blog.comments SET parent_id = NULL;
DELETE FROM blog.posts;
SELECT rooms, event, payload -> 'username' AS who,
       coalesce(payload -> 'totalLikes', payload -> 'totalComments') AS total FROM blog.heard();

SELECT herald.unwatch_all();
DROP SCHEMA blog CASCADE;
TRUNCATE herald.notification;
