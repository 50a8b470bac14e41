-- Counters, flags and states are no guesses: a number is no id by a word alone, and a value such as "banned" is asked
-- for in a column of any name.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE SCHEMA counters;
SET search_path = counters;
CREATE TABLE users (id bigint PRIMARY KEY, username text);
INSERT INTO users VALUES (1, 'ann'), (2, 'ben'), (3, 'cleo'), (4, 'dan');
SELECT herald.watch_users('users');

-- a counter of answers is no parent
CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint REFERENCES users, body text, answers int NOT NULL DEFAULT 0);
SELECT herald.watch_posts('posts');
INSERT INTO posts VALUES (1, 1, 'how?'), (2, 2, 'why?');
INSERT INTO posts VALUES (3, 3, 'so', 1);
UPDATE posts SET answers = 2 WHERE id = 3;
SELECT recipient_id, type, title FROM herald.notification ORDER BY id;
-- an id with the same name is one if a foreign key says so, or the call
CREATE TABLE notes (id bigint PRIMARY KEY, user_id bigint REFERENCES users, body text, answers bigint REFERENCES notes);
SELECT name, value FROM herald.plan_watch('watch_posts', 'notes', '{"noun": "note"}')
WHERE item = 'column' AND name = 'parent';

-- a flag is no user
CREATE TABLE zebra (user_id bigint REFERENCES users, contact_id bigint REFERENCES users, friend smallint);
SELECT herald.watch_follows('zebra');
CREATE TABLE blocks (user_id bigint REFERENCES users, other_id bigint REFERENCES users, blocked smallint);
SELECT herald.watch_blocks('blocks');
CREATE TABLE shutouts (user_id bigint REFERENCES users, other_id bigint REFERENCES users, blocked int);
SELECT herald.watch_blocks('shutouts');
CREATE TABLE plain_blocks (blocker int, blocked int);
SELECT herald.watch_blocks('plain_blocks');
INSERT INTO plain_blocks VALUES (3, 4);
SELECT herald.is_blocked('4', '3');

-- of several acts in one row, the call has chosen one
CREATE TABLE user_relationships (user_id bigint REFERENCES users, related_user_id bigint REFERENCES users,
	blocked boolean, muted boolean);
SELECT herald.watch_blocks('user_relationships', blocked => 'related_user_id', active => 'blocked');
INSERT INTO user_relationships VALUES (1, 2, true, false), (1, 3, false, true);
SELECT herald.is_blocked('2', '1'), herald.is_blocked('3', '1');

-- mutes are one-sided, or the call says that they are not
CREATE TABLE mutes (user_id bigint REFERENCES users, muted_id bigint REFERENCES users);
SELECT herald.watch_blocks('mutes');
SELECT herald.watch_blocks('mutes', mutual => false);

-- states of members in a column of any name
CREATE TYPE role AS ENUM ('owner', 'member', 'banned', 'invited');
CREATE TABLE room_members (room_id bigint, user_id bigint REFERENCES users, role role);
SELECT herald.watch_members('room_members');
CREATE TABLE room_guests (room_id bigint, user_id bigint REFERENCES users, membership text DEFAULT 'invite');
SELECT herald.watch_members('room_guests');
CREATE TABLE group_members (room_id bigint, user_id bigint REFERENCES users, is_active boolean, gone boolean,
	valid_to timestamptz);
SELECT herald.watch_members('group_members');
CREATE TABLE team_members (room_id bigint, user_id bigint REFERENCES users,
	rank text CHECK (rank IN ('lead', 'other')));
SELECT herald.watch_members('team_members');
CREATE TABLE messages (id bigint PRIMARY KEY, room_id bigint, sender_id bigint REFERENCES users, body text,
	sent boolean NOT NULL DEFAULT false);
SELECT herald.watch_messages('messages', conversation => 'room_id');
CREATE TABLE quiet_users (id bigint PRIMARY KEY, username text, quiet_mode boolean);
SELECT herald.watch_users('quiet_users');

-- a type that is a number has no name as its value
CREATE TABLE stars (user_id bigint, user_type int, post_id bigint REFERENCES posts);
SELECT herald.watch_likes('stars');
-- the user who acts, not the one who is swiped
CREATE TABLE swipes (swipee_id bigint REFERENCES users, swiper_id bigint REFERENCES users);
SELECT herald.watch_likes('swipes');

-- Suggestions agree.
SELECT * FROM herald.suggest();
SELECT herald.unwatch_all();
TRUNCATE herald.notification;
DROP SCHEMA counters CASCADE;
