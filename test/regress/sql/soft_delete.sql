-- Soft deletion by columns of many types: the type and the default of the column say when a row is deleted.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA soft;
CREATE TYPE soft.state AS ENUM ('live', 'gone');
CREATE TABLE soft.users (id int PRIMARY KEY, username text);
CREATE TABLE soft.posts (id int PRIMARY KEY, user_id int REFERENCES soft.users, deleted_at bigint NOT NULL DEFAULT 0);
CREATE TABLE soft.likes (user_id int REFERENCES soft.users, post_id int REFERENCES soft.posts,
	is_deleted smallint NOT NULL DEFAULT 0);
CREATE TABLE soft.members (conversation_id int, user_id int REFERENCES soft.users,
	has_left boolean NOT NULL DEFAULT false);
CREATE TABLE soft.messages (id int PRIMARY KEY, conversation_id int, sender_id int REFERENCES soft.users, content text,
	visible_flag boolean NOT NULL DEFAULT true);
INSERT INTO soft.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
SELECT herald.watch_users('soft.users'), herald.watch_posts('soft.posts'), herald.watch_likes('soft.likes'),
       herald.watch_members('soft.members', left_at => 'has_left'),
       herald.watch_messages('soft.messages', deleted_at => 'visible_flag');
CREATE TABLE soft.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION soft.heard() RETURNS TABLE (rooms text, event text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM soft.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE soft.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name FROM read AS r WHERE r.name !~ '^notification:unread|^room:recheck';
$$;

-- A time in seconds where 0 means never, a number as a flag.
INSERT INTO soft.posts VALUES (1, 1);
INSERT INTO soft.likes VALUES (2, 1);
SELECT * FROM soft.heard();
UPDATE soft.likes SET is_deleted = 1;
SELECT * FROM soft.heard();
SELECT herald.may_join('2', 'post:1');
UPDATE soft.posts SET deleted_at = 1764400000;
SELECT * FROM soft.heard();
SELECT herald.may_join('2', 'post:1');

-- A boolean for members that have left, and one that is true for rows that are there.
INSERT INTO soft.members VALUES (9, 1), (9, 2), (9, 3);
UPDATE soft.members SET has_left = true WHERE user_id = 3;
INSERT INTO soft.messages VALUES (1, 9, 1, 'hello');
SELECT herald.may_join('2', 'conversation:9'), herald.may_join('3', 'conversation:9');
SELECT recipient_id FROM herald.notification WHERE cause = 'conversation:9:message:1';
UPDATE soft.messages SET visible_flag = false;
SELECT * FROM soft.heard() WHERE event ~ 'message|left';

-- The conditions of each type. A text, or any type that says nothing by itself, needs a default.
CREATE TABLE soft.kinds (id int PRIMARY KEY, a timestamptz, b timestamp NOT NULL DEFAULT 'infinity', c date, d boolean,
	e boolean DEFAULT true, f int, g bigint DEFAULT 0, h smallint DEFAULT '-1', i char DEFAULT 'N',
	j text DEFAULT 'it''s', k soft.state DEFAULT 'live', l uuid, m numeric(5, 2) DEFAULT 0, n varchar(5) DEFAULT 'no',
	o timestamptz DEFAULT now(), p text, q text NOT NULL, r jsonb, s soft.state, t text DEFAULT lower('X'));
SELECT a.attname, herald_internal.unset_condition('soft.kinds', a.attname)
FROM pg_attribute AS a WHERE attrelid = 'soft.kinds'::regclass AND attnum > 1 AND attname < 'p' ORDER BY attname;
\set SHOW_CONTEXT never
SELECT herald_internal.unset_condition('soft.kinds', 'p');
SELECT herald_internal.unset_condition('soft.kinds', 'q');
SELECT herald_internal.unset_condition('soft.kinds', 'r');
SELECT herald_internal.unset_condition('soft.kinds', 's');
SELECT herald_internal.unset_condition('soft.kinds', 't');
INSERT INTO soft.kinds (id, q) VALUES (1, '');
UPDATE soft.kinds SET q = 'no', r = '{"by": 1}';
SELECT herald_internal.unset_condition('soft.kinds', 'q');
SELECT herald_internal.unset_condition('soft.kinds', 'r');
SELECT format('SELECT %L, count(*) FROM soft.kinds WHERE %s', a.attname,
              herald_internal.unset_condition('soft.kinds', a.attname))
FROM pg_attribute AS a WHERE attrelid = 'soft.kinds'::regclass AND attnum > 1 AND attname < 'o' ORDER BY attname
\gexec

-- A column that is found by its name, and says nothing by itself, is an error unless the call says when a row counts.
ALTER TABLE soft.likes DROP is_deleted, ADD deleted text;
SELECT herald.watch_likes('soft.likes');
SELECT herald.watch_likes('soft.likes', active => 'deleted IS DISTINCT FROM ''Y''');
INSERT INTO soft.likes VALUES (3, 1, 'Y'), (3, 1, 'N');
SELECT * FROM soft.heard();

-- A post takes its likes and comments with it. They stay retracted when it comes back: their rows have not changed.
-- Mentions in the post are restored.
TRUNCATE herald.notification;
ALTER TABLE soft.posts ADD body text;
CREATE TABLE soft.comments (id int PRIMARY KEY, user_id int REFERENCES soft.users, post_id int REFERENCES soft.posts,
	body text);
SELECT herald.watch_posts('soft.posts'), herald.watch_comments('soft.comments');
INSERT INTO soft.posts VALUES (7, 1, 0, 'Hello @cleo');
INSERT INTO soft.likes VALUES (2, 7, 'N');
INSERT INTO soft.comments VALUES (1, 2, 7, 'Nice');
UPDATE soft.posts SET deleted_at = 1 WHERE id = 7;
UPDATE soft.posts SET deleted_at = 0 WHERE id = 7;
SELECT cause, retracted_at IS NULL AS shown FROM herald.notification ORDER BY cause;
DELETE FROM soft.likes WHERE post_id = 7;
INSERT INTO soft.likes VALUES (2, 7, 'N');
SELECT cause, retracted_at IS NULL AS shown FROM herald.notification ORDER BY cause;

SELECT count(herald.unwatch(relation)) FROM (SELECT DISTINCT relation FROM herald_internal.watched_table
                                             WHERE relation::text LIKE 'soft.%') AS w;
DROP SCHEMA soft CASCADE;
TRUNCATE herald.notification;
