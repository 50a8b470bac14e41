-- Kinds of schemas, as a newcomer meets them: nobody is told of what is not theirs, and no row is lost silently.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
TRUNCATE herald.notification;
CREATE SCHEMA kinds;
SET search_path = kinds;

-- A chat with reactions to messages: their sender is told, and their conversation, but no other room.
CREATE TABLE people (id int PRIMARY KEY, username text NOT NULL);
CREATE TABLE members (chat_id int, person_id int REFERENCES people);
CREATE TABLE messages (id int PRIMARY KEY, chat_id int NOT NULL, sender_id int NOT NULL REFERENCES people, body text);
CREATE TABLE reactions (message_id int NOT NULL REFERENCES messages ON DELETE CASCADE,
	person_id int NOT NULL REFERENCES people, emoji text NOT NULL);
SELECT herald.watch_users('people'), herald.watch_members('members', conversation => 'chat_id'),
       herald.watch_likes('reactions', kind => 'emoji', subject => 'message_id'),
       herald.watch_messages('messages', conversation => 'chat_id');
INSERT INTO people VALUES (1, 'ann'), (2, 'ben');
INSERT INTO members VALUES (5, 1), (5, 2);
INSERT INTO messages VALUES (7, 5, 1, 'Hello');
INSERT INTO reactions VALUES (7, 2, 'joy');
SELECT recipient_id, title FROM herald.notification ORDER BY id;
SELECT name, rooms FROM herald.event WHERE name ~ '^message:' ORDER BY id DESC LIMIT 2;
SELECT herald.may_join('2', 'message:7'), herald.may_join('2', 'conversation:5') AS conversation;
-- The reaction to a message that goes is retracted.
DELETE FROM messages;
SELECT recipient_id, type FROM herald.notification WHERE retracted_at IS NULL;
-- The suggestion finds the message by the name of its column.
SELECT herald.unwatch('reactions');
SELECT item, name, value FROM herald.plan_watch('watch_likes', 'reactions', '{"kind": "emoji"}') WHERE item = 'column';
SELECT herald.unwatch_all();

-- Messages to a person: both persons hear of a reaction.
ALTER TABLE messages DROP COLUMN chat_id, ADD receiver_id int REFERENCES people;
SELECT herald.watch_users('people'), herald.watch_messages('messages'),
       herald.watch_likes('reactions', kind => 'emoji');
INSERT INTO messages VALUES (8, 1, 'Hello', 2);
INSERT INTO reactions VALUES (8, 2, 'joy');
SELECT name, rooms FROM herald.event WHERE name ~ '^message:' ORDER BY id DESC LIMIT 2;
SELECT herald.unwatch_all();

-- Profiles with ids of their own: a row that refers to them names no user.
CREATE TABLE auth_user (id int PRIMARY KEY, username text NOT NULL, password text NOT NULL);
CREATE TABLE accounts_profile (id int PRIMARY KEY, bio text, user_id int NOT NULL UNIQUE REFERENCES auth_user);
CREATE TABLE accounts_profile_followers (id int PRIMARY KEY, from_profile_id int NOT NULL REFERENCES accounts_profile,
	to_profile_id int NOT NULL REFERENCES accounts_profile);
SELECT s FROM herald.suggest() AS s WHERE s ~ 'followers|ids of table';
SELECT herald.watch_users('auth_user');
SELECT herald.watch_follows('accounts_profile_followers');
SELECT herald.unwatch_all();

-- Likes with a column for each table of subjects: a call for one of them would lose the other ones.
CREATE TABLE posts (id int PRIMARY KEY, author_id int NOT NULL REFERENCES people, body text);
CREATE TABLE comments (id int PRIMARY KEY, author_id int NOT NULL REFERENCES people,
	post_id int NOT NULL REFERENCES posts, body text);
CREATE TABLE likes (person_id int NOT NULL REFERENCES people, post_id int REFERENCES posts,
	comment_id int REFERENCES comments);
SELECT herald.watch_users('people'), herald.watch_posts('posts'), herald.watch_comments('comments');
SELECT herald.watch_likes('likes', subject => 'post_id');
SELECT herald.watch_likes('likes', subject => 'comment_id');
SELECT herald.watch_likes('likes', subject => 'post_id', ignore => '{comment_id}');
-- Two generated columns make them one subject with a type.
ALTER TABLE likes ADD liked_type text GENERATED ALWAYS AS (
		CASE WHEN post_id IS NULL THEN 'comment' ELSE 'post' END) STORED,
	ADD liked_id int GENERATED ALWAYS AS (coalesce(post_id, comment_id)) STORED;
SELECT herald.watch_likes('likes', subject => 'liked_id', subject_type => 'liked_type',
                          subject_tables => '{"post": "posts", "comment": "comments"}');
INSERT INTO posts VALUES (1, 1, 'Post');
INSERT INTO comments VALUES (1, 2, 1, 'Comment');
TRUNCATE herald.notification;
INSERT INTO likes (person_id, post_id, comment_id) VALUES (2, 1, NULL), (1, NULL, 1);
SELECT recipient_id, title, subject_type, subject_id FROM herald.notification ORDER BY id;
SELECT herald.unwatch_all();

-- A forum: its threads are suggested as posts.
CREATE TABLE threads (id int PRIMARY KEY, user_id int NOT NULL, title text, body text, deleted_at timestamp);
SELECT s FROM herald.suggest() AS s WHERE s ~ 'threads';

DROP SCHEMA kinds CASCADE;
TRUNCATE herald.notification;
