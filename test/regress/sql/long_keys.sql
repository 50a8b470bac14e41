-- Long keys: a cause with several of them fits into the index of the inbox, and undo finds it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA long_keys;
SET search_path = long_keys;
CREATE TABLE users (id text PRIMARY KEY, username text);
CREATE TABLE posts (uri text PRIMARY KEY, user_id text REFERENCES users, body text);
CREATE TABLE likes (user_id text REFERENCES users, post_uri text REFERENCES posts);
SELECT herald.watch_users('users'), herald.watch_posts('posts'), herald.watch_likes('likes', subject => 'post_uri');

-- Digests of digests, which no compression makes shorter.
CREATE FUNCTION uri(seed text, bytes int) RETURNS text LANGUAGE sql AS $$
	SELECT left('https://' || string_agg(replace(encode(sha256(convert_to(seed || n, 'UTF8')), 'base64'), '=', ':'), ''),
	            bytes)
	FROM generate_series(1, 60) AS n;
$$;
INSERT INTO users VALUES (uri('ana', 2000), 'ana'), (uri('ben', 1000), 'ben');
INSERT INTO posts VALUES (uri('post', 2000), uri('ana', 2000), 'x'), (uri('other', 2000), uri('ana', 2000), 'y');
INSERT INTO likes SELECT uri('ben', 1000), uri FROM posts;
SELECT title, octet_length(subject_id) AS bytes, cause ~ '^post:#\w{32}:like:#\w{32}$' AS short
FROM herald.notification ORDER BY id;
SELECT count(DISTINCT cause) FROM herald.notification;

-- Undo, undo again, and the deletion of the subject, which retracts all causes below it.
DELETE FROM likes WHERE post_uri = uri('post', 2000);
SELECT herald.unread_count(uri('ana', 2000));
INSERT INTO likes VALUES (uri('ben', 1000), uri('post', 2000));
SELECT count(*), herald.unread_count(uri('ana', 2000)) FROM herald.notification;
DELETE FROM likes;
INSERT INTO likes VALUES (uri('ben', 1000), uri('other', 2000));
ALTER TABLE likes DROP CONSTRAINT likes_post_uri_fkey;
DELETE FROM posts;
SELECT herald.unread_count(uri('ana', 2000));

-- By hand: the same rule, and escaped colons are no ends of parts.
SELECT herald.notify('ana', 'system', 'long', cause => 'a\:b:' || repeat('c', 201) || ':d') IS NOT NULL AS notified;
SELECT cause FROM herald.notification WHERE recipient_id = 'ana';
SELECT herald.notify('ana', 'system', 'long', cause => 'a\:b:' || repeat('c', 201) || ':d') IS NULL AS known;
SELECT herald_internal.kept_cause(cause) = cause AS stays FROM herald.notification WHERE recipient_id = 'ana';

-- A recipient or a cause that no index takes: the write passes without the notification, and the others are made.
CREATE TABLE notes (recipient text, cause text);
SELECT herald.watch('notes', 'note', recipient => 'new.recipient', type => 'system', cause => '{new.cause}');
SET client_min_messages = error;
INSERT INTO notes SELECT r.recipient, c.cause
FROM (VALUES ('ben'), (uri('ben', 2100)), ((SELECT string_agg(uri(n::text, 2400), '') FROM generate_series(1, 8) AS n)))
     AS r (recipient),
     (VALUES ('note'), ((SELECT string_agg(uri('part' || n, 99), ':') FROM generate_series(1, 90) AS n))) AS c (cause);
SET client_min_messages = warning;
SELECT length(recipient_id), cause FROM herald.notification WHERE type = 'system' AND recipient_id <> 'ana';

-- In one statement: a long cause, and one that is the digest of it.
INSERT INTO notes SELECT 'cleo', c.cause
FROM (SELECT string_agg(uri('part' || n, 99), ':') FROM generate_series(1, 90) AS n) AS long (cause),
     LATERAL (VALUES (long.cause), ('#59d453d622a564a4a8a893d5367367d7')) AS c (cause);
SELECT cause FROM herald.notification WHERE recipient_id = 'cleo';

-- Ids of ten thousand bytes in each text column that an index of the event log has: all writes pass.
SELECT herald.unwatch_all();
DROP TABLE likes, posts, users CASCADE;
CREATE FUNCTION id(seed text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(uri(seed || n, 2500), '') FROM generate_series(1, 4) AS n;
$$;
CREATE TABLE users (id text, username text, handle text);
CREATE TABLE posts (id text, user_id text, body text, private boolean, published_at timestamptz);
CREATE TABLE likes (user_id text, post_id text, kind text);
CREATE TABLE comments (id text, user_id text, post_id text, parent_id text, body text);
CREATE TABLE follows (follower_id text, followee_id text);
CREATE TABLE blocks (blocker_id text, blocked_id text);
CREATE TABLE members (conversation_id text, user_id text);
CREATE TABLE messages (id text, sender_id text, conversation_id text, body text);
SET client_min_messages = error;
SELECT herald.watch_users('users', key => 'id'), herald.watch_blocks('blocks'), herald.watch_follows('follows'),
       herald.watch_posts('posts', key => 'id', author => 'user_id', notify_followers => true,
                          visible => 'NOT post.private OR viewer = post.user_id'),
       herald.watch_likes('likes', subject => 'post_id', subject_table => 'posts', kind => 'kind'),
       herald.watch_comments('comments', key => 'id', subject => 'post_id', subject_table => 'posts',
                             parent => 'parent_id'),
       herald.watch_members('members'), herald.watch_messages('messages', key => 'id');
TRUNCATE herald.event;
SELECT herald.current_position() AS place \gset
INSERT INTO users VALUES (id('ana'), 'ana', 'ana'), (id('ben'), id('name'), id('handle')), ('cleo', 'cleo', 'cleo');
INSERT INTO blocks VALUES (id('ben'), id('x')), ('cleo', id('x'));
INSERT INTO follows VALUES (id('ben'), id('ana')), ('cleo', id('ana')), (id('ana'), 'cleo');
INSERT INTO posts VALUES (id('post'), id('ana'), '@cleo @' || id('handle'), false, now()),
	('2', id('ben'), 'x', false, now()), (id('later'), 'cleo', id('text'), false, now() + interval '1 h');
UPDATE posts SET private = true;
INSERT INTO likes VALUES (id('ben'), id('post'), id('kind')), ('cleo', id('post'), 'x'), (id('ana'), '2', 'x');
INSERT INTO comments VALUES (id('comment'), id('ben'), id('post'), NULL, '@cleo'),
	('2', 'cleo', '2', id('comment'), 'x');
INSERT INTO members VALUES (id('talk'), id('ana')), (id('talk'), 'cleo'), ('2', id('ben'));
INSERT INTO messages VALUES (id('message'), id('ana'), id('talk'), '@cleo'), ('2', id('ben'), '2', 'x');
SELECT name, count(*), max(length(member_id)) AS member, max(length(counted_id)) AS total,
       max(length(recheck_user)) AS recheck_user, max(length(recheck_room)) AS recheck_room
FROM herald.event GROUP BY name ORDER BY name COLLATE "C";
-- An event without its total has its time.
SELECT r.payload ~ '"totalLikes":' AS total, r.payload ~ '"timestamp":"' AS timed, count(*)
FROM herald.read_events(:'place') AS r WHERE r.name = 'post:liked' GROUP BY 1, 2 ORDER BY 1;
DELETE FROM members;
DELETE FROM messages;
DELETE FROM comments;
DELETE FROM likes;
DELETE FROM posts;
DELETE FROM follows;
DELETE FROM blocks;
DELETE FROM users;
SELECT herald.maintain() IS NOT NULL AS maintained;
SELECT * FROM herald.suspended;
-- A recheck that is too long for the index becomes one of more users or rooms: of a room, of all rooms of its kind.
CREATE TABLE access (user_id text, room text);
SELECT herald.watch('access', 'access', recheck_user => '{user_id}', recheck_room => 'post:{room}'),
       herald.watch('access', 'room', condition => $$new.user_id = 'cleo'$$, recheck_room => 'post:{room}'),
       herald.watch('access', 'user', recheck_user => '{user_id}');
TRUNCATE herald.event;
INSERT INTO access VALUES (id('ana'), '1'), ('cleo', id('post'));
SELECT recheck_user, left(recheck_room, 20) AS room FROM herald.event ORDER BY recheck_user, room;
SET client_min_messages = warning;

SELECT herald.unwatch_all();
DROP SCHEMA long_keys CASCADE;
TRUNCATE herald.notification;
