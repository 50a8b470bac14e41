-- Tables of real applications in which a column looks like another one: no wrong recipient, and nothing silent.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
SET client_min_messages = notice;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE SCHEMA guess;
SET search_path = guess;

-- A recipient that is no user: the keys of both refer to one table, whether it is watched or not.
CREATE TABLE userprofile (id int PRIMARY KEY, full_name text NOT NULL);
CREATE TABLE recipient (id int PRIMARY KEY, type int);
CREATE TABLE chat_message (id int PRIMARY KEY, sender_id int REFERENCES userprofile,
	recipient_id int REFERENCES recipient, body text);
CREATE TABLE friendship (user_id int REFERENCES userprofile, friend_id int REFERENCES recipient);
CREATE TABLE profile (id int PRIMARY KEY REFERENCES userprofile, bio text);
CREATE TABLE letter (id int PRIMARY KEY, sender_id int REFERENCES userprofile,
	receiver_id int REFERENCES profile, body text);
SELECT herald.watch_messages('chat_message');
SELECT herald.watch_follows('friendship');
SELECT herald.watch_users('userprofile');
SELECT herald.watch_messages('letter');
SELECT herald.unwatch_all();

-- Without foreign keys, post_id is the id of a row of posts, even if topics are the watched posts.
CREATE TABLE users (id int PRIMARY KEY, username text NOT NULL UNIQUE);
CREATE TABLE topics (id int PRIMARY KEY, user_id int, title text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int, topic_id int, raw text);
CREATE TABLE post_actions (post_id int, user_id int, post_action_type_id int);
INSERT INTO users VALUES (1, 'ann'), (2, 'ben'), (3, 'cleo');
INSERT INTO topics VALUES (7, 1, 'topic of ann');
INSERT INTO posts VALUES (7, 2, 7, 'post of ben');
SELECT herald.watch_users('users');
SELECT herald.watch_posts('topics');
SELECT herald.watch_likes('post_actions');
SELECT herald.watch_comments('posts');
SELECT herald.watch_likes('post_actions');
SELECT herald.watch_likes('post_actions', active => 'post_action_type_id = 2');
INSERT INTO post_actions VALUES (7, 3, 2), (7, 1, 4);
SELECT recipient_id, title FROM herald.notification ORDER BY id;

-- A type beside no id of its name is one of single-table inheritance.
CREATE TABLE entries (id int PRIMARY KEY, user_id int, body text, type text);
SELECT herald.watch_posts('entries', noun => 'entry');

-- Any boolean that may hide a row is named, and a hint keeps its meaning.
CREATE TABLE whispers (id int PRIMARY KEY, user_id int, body text, is_private boolean, staff_only boolean, odd boolean,
	pinned boolean, closed boolean);
SELECT herald.watch_posts('whispers', noun => 'whisper');
SELECT herald.watch_posts('whispers', noun => 'whisper', visible => 'NOT post.is_private AND NOT post.staff_only',
                          ignore => '{odd}');
CREATE TABLE reviews (id int PRIMARY KEY, user_id int, post_id int, body text, anonymous boolean,
	recalled_at timestamptz);
SELECT herald.watch_comments('reviews', noun => 'review');
CREATE TABLE members (group_id int, user_id int, quit_at timestamptz);
SELECT herald.watch_members('members');
CREATE TABLE rsvp (event_id int, user_id int, answer text);
SELECT herald.watch_members('rsvp', conversation => 'event_id');
CREATE TABLE notes (id int PRIMARY KEY, from_id int, to_id int, msg text, send_at timestamptz, unsent boolean);
SELECT herald.watch_messages('notes');
CREATE TABLE ignored_users (user_id int, ignored_user_id int, expiring_at timestamptz NOT NULL);
SELECT herald.watch_blocks('ignored_users', mutual => false);

-- Examples for a role look like ids; where two columns are equally likely, both are named.
CREATE TABLE tickets (id int PRIMARY KEY, title text, priority int, guid text, opened_for text);
SELECT herald.watch_posts('tickets');
CREATE TABLE user_followers (user_id_1 int REFERENCES users, user_id_2 int REFERENCES users);
SELECT herald.watch_follows('user_followers');

-- Who has pinned a message does not receive it, and a body in Markdown is a body.
SELECT herald.unwatch_all();
CREATE TABLE dialogs (id int PRIMARY KEY, topic text);
CREATE TABLE dialog_users (dialog_id int REFERENCES dialogs, user_id int REFERENCES users);
CREATE TABLE messages (id int PRIMARY KEY, dialog_id int, sender_id int REFERENCES users,
	pinned_by_id int REFERENCES users, body text);
CREATE TABLE pages (id int PRIMARY KEY, user_id int REFERENCES users, body_markdown text);
SELECT herald.watch_users('users'), herald.watch_members('dialog_users'), herald.watch_messages('messages'),
       herald.watch_posts('pages', noun => 'page');
SELECT relation, arguments -> 'conversation' AS conversation, arguments -> 'receiver' AS receiver,
       arguments -> 'body' AS body
FROM herald_internal.watched_table WHERE kind IN ('messages', 'posts') ORDER BY kind;

SELECT herald.unwatch_all();
SET client_min_messages = warning;
DROP SCHEMA guess CASCADE;
