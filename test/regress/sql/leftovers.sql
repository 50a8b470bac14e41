-- Columns that only their values, or less usual names, tell from harmless ones: lists of users, ends and begins of a
-- time, flags that are numbers, and the sides of a block. No call leaves them out in silence.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
SET client_min_messages = notice;
\set SHOW_CONTEXT never
CREATE SCHEMA leftovers;
SET search_path = leftovers;

-- A user who is blocked, or gets no mail, by a number or by the time since when.
CREATE TABLE users (id int PRIMARY KEY, username text NOT NULL, wants_mail smallint NOT NULL DEFAULT 1,
	inactive_since date);
SELECT herald.watch_users('users');
SELECT herald.watch_users('users', active => 'wants_mail = 1', ignore => '{inactive_since}');

-- The user of an act stands after "by".
CREATE TABLE blocks (by_user int REFERENCES users, "user" int REFERENCES users);
SELECT herald.watch_blocks('blocks');
INSERT INTO users VALUES (1, 'ana'), (2, 'ben');
CREATE TABLE bans (by_user int REFERENCES users, thing int REFERENCES users);
SELECT herald.watch_blocks('bans', blocker => 'thing');

-- Posts for a list of users, and posts that are online for a time.
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, body text, to_user_ids int[],
	mentioned_user_ids int[], tags text[]);
SELECT herald.watch_posts('posts');
SELECT herald.watch_posts('posts', visible => 'viewer = ANY (post.to_user_ids::text[])');
CREATE TABLE news (id int PRIMARY KEY, user_id int REFERENCES users, body text, online smallint NOT NULL DEFAULT 1,
	online_from timestamptz, online_to timestamptz);
SELECT herald.watch_posts('news', noun => 'news');
INSERT INTO news VALUES (1, 1, 'now', 1), (2, 1, 'never', 0);
SELECT herald.watch_posts('news', noun => 'news', ignore => '{online_from}');
CREATE TABLE offers (id int PRIMARY KEY, user_id int REFERENCES users, body text, "validFrom" timestamptz,
	"validTo" timestamptz);
SELECT herald.watch_posts('offers', noun => 'offer');

-- A role, a level and a mode by which a row counts less, as values say; other words say nothing.
CREATE TABLE room_members (room_id int, user_id int REFERENCES users, role text NOT NULL, level text, color text);
INSERT INTO room_members VALUES (1, 1, 'owner', 'all', 'red'), (1, 2, 'banned', 'none', 'blue');
SELECT herald.watch_members('room_members');
SELECT herald.watch_members('room_members', ignore => '{role}');
CREATE TABLE replies (id int PRIMARY KEY, user_id int REFERENCES users, post_id int REFERENCES posts, body text,
	mode text CHECK (mode IN ('open', 'whisper')), flavour text CHECK (flavour IN ('sweet', 'sour')));
SELECT herald.watch_comments('replies', noun => 'reply');

-- A number that is -1 in some rows is the side of a vote.
CREATE TABLE likes (post_id int REFERENCES posts, user_id int REFERENCES users, gesture smallint, weight_class int);
SELECT herald.watch_likes('likes');
SELECT herald.unwatch('likes');
INSERT INTO posts VALUES (1, 1, 'post');
INSERT INTO likes VALUES (1, 1, 1, 4), (1, 2, -1, 9);
SELECT herald.watch_likes('likes');

-- A subject whose types have no table is liked in vain.
CREATE TABLE hearts (user_id int REFERENCES users, heartable_type text, heartable_id int);
INSERT INTO hearts VALUES (1, 'App\Models\Song', 1);
SELECT herald.watch_likes('hearts', subject => 'heartable_id');
SELECT herald.watch_likes('hearts', subject => 'heartable_id', subject_type => 'heartable_type',
                          subject_tables => E'{"App\\\\Models\\\\Song": ""}');

SELECT herald.unwatch_all();
SET client_min_messages = warning;
DROP SCHEMA leftovers CASCADE;
