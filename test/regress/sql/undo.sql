-- Undoing an action retracts its notification, and repeating it announces nothing a second time.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA undo;
CREATE TABLE undo.users (id text PRIMARY KEY, username text);
CREATE TABLE undo.posts (id int PRIMARY KEY, user_id text REFERENCES undo.users, content text, deleted_at timestamptz);
CREATE TABLE undo.likes (user_id text REFERENCES undo.users, post_id int REFERENCES undo.posts ON DELETE CASCADE,
	kind text DEFAULT 'heart');
CREATE TABLE undo.comments (id int PRIMARY KEY, user_id text REFERENCES undo.users,
	post_id int REFERENCES undo.posts ON DELETE CASCADE,
	parent_id int REFERENCES undo.comments ON DELETE CASCADE, content text, is_deleted boolean NOT NULL DEFAULT false);
CREATE TABLE undo.follows (follower_id text REFERENCES undo.users, followee_id text REFERENCES undo.users,
	deleted_at timestamptz);
INSERT INTO undo.users VALUES ('ann', 'Ann'), ('ben', 'Ben'), ('cat', 'Cat'), ('a:b', 'Colon'), ('a', 'Short');
SELECT herald.watch_users('undo.users', handle => 'id'), herald.watch_posts('undo.posts'),
       herald.watch_likes('undo.likes'),
	herald.watch_comments('undo.comments'), herald.watch_follows('undo.follows');
SELECT relation, kind, herald_internal.plain_sql(arguments ->> 'present') AS present FROM herald_internal.watched_table
WHERE relation::text LIKE 'undo.%' ORDER BY relation::text;

CREATE TABLE undo.mark AS SELECT herald.current_position() AS position;
-- Returns the new events of the users' sessions. Ids differ from run to run.
CREATE FUNCTION undo.heard() RETURNS TABLE (room text, event text, what text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM undo.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE undo.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name,
	       coalesce(p ->> 'title', p ->> 'count', json_array_length(p -> 'ids')::text)
	FROM read AS r, CAST(r.payload AS json) AS p
	WHERE r.name LIKE 'notification:%';
$$;
CREATE VIEW undo.inbox AS
	SELECT recipient_id AS told, title, retracted_at IS NOT NULL AS retracted, cause FROM herald.notification
	ORDER BY id;

-- Like, unlike, like again, unlike: one notification, retracted, restored without a second announcement.
INSERT INTO undo.posts VALUES (1, 'ann', 'One'), (2, 'ann', 'Two'), (3, 'ben', 'Three');
INSERT INTO undo.likes VALUES ('ben', 1);
SELECT * FROM undo.heard();
DELETE FROM undo.likes WHERE user_id = 'ben';
SELECT * FROM undo.heard();
SELECT title FROM herald.inbox('ann');
INSERT INTO undo.likes VALUES ('ben', 1);
SELECT * FROM undo.heard();
SELECT * FROM undo.inbox;
DELETE FROM undo.likes WHERE user_id = 'ben';
SELECT * FROM undo.heard();
-- In one transaction, and in one that rolls back.
BEGIN;
INSERT INTO undo.likes VALUES ('cat', 1);
DELETE FROM undo.likes WHERE user_id = 'cat';
COMMIT;
SELECT herald.unread_count('ann');
INSERT INTO undo.likes VALUES ('cat', 1);
BEGIN;
DELETE FROM undo.likes WHERE user_id = 'cat';
SELECT herald.unread_count('ann');
ROLLBACK;
SELECT herald.unread_count('ann');
SELECT * FROM undo.heard();

-- A restored notification keeps its state: read with all others, it is read; archived, it stays hidden.
SELECT herald.mark_all_read('ann');
DELETE FROM undo.likes WHERE user_id = 'cat';
INSERT INTO undo.likes VALUES ('cat', 1);
SELECT payload ->> 'read' AS told_read, i.read_at IS NOT NULL AS read FROM herald.event AS e, herald.inbox('ann') AS i
WHERE name = 'notification:restored' ORDER BY e.id DESC LIMIT 1;
SELECT herald.archive('ann', ARRAY(SELECT id FROM herald.inbox('ann')));
SELECT count(*) >= 0 AS heard FROM undo.heard();
DELETE FROM undo.likes WHERE user_id = 'cat';
INSERT INTO undo.likes VALUES ('cat', 1);
SELECT * FROM undo.heard();
SELECT title FROM herald.inbox('ann', archived => true);
TRUNCATE undo.likes, herald.notification;

-- Several reactions of one user: one notification, which goes with the last.
INSERT INTO undo.likes VALUES ('ben', 2, 'heart'), ('ben', 2, 'smile');
DELETE FROM undo.likes WHERE kind = 'smile';
SELECT title, subject_id FROM herald.inbox('ann');
DELETE FROM undo.likes WHERE post_id = 2;
SELECT title, subject_id FROM herald.inbox('ann');

-- An UPDATE of a column that identifies the like undoes the old one and makes the new one; any other UPDATE does
-- nothing.
INSERT INTO undo.likes VALUES ('cat', 2);
UPDATE undo.likes SET kind = 'star' WHERE post_id = 2;
SELECT * FROM undo.heard();
UPDATE undo.likes SET post_id = 3 WHERE post_id = 2;
SELECT * FROM undo.heard();
SELECT told, cause FROM undo.inbox WHERE NOT retracted;

-- The type decides if a read notification goes or stays.
SELECT herald.mark_all_read('ben');
DELETE FROM undo.likes WHERE post_id = 3;
SELECT type, read_at IS NOT NULL AS read FROM herald.inbox('ben');
INSERT INTO undo.follows VALUES ('cat', 'ben');
SELECT herald.mark_all_read('ben');
DELETE FROM undo.follows;
SELECT type, read_at IS NOT NULL AS read FROM herald.inbox('ben');
UPDATE herald.notification_type SET retract = 'always' WHERE name = 'follow';
INSERT INTO undo.follows VALUES ('ann', 'ben');
SELECT herald.mark_read('ben', ARRAY(SELECT id FROM herald.inbox('ben')));
DELETE FROM undo.follows;
SELECT type, actor_id FROM herald.inbox('ben');
UPDATE herald.notification_type SET retract = 'never' WHERE name = 'follow';
INSERT INTO undo.follows VALUES ('a', 'ben');
DELETE FROM undo.follows;
SELECT type, actor_id, read_at IS NOT NULL AS read FROM herald.inbox('ben');

-- Soft deletes, by time and by flag; a deleted row can come back.
TRUNCATE herald.notification;
SELECT count(*) >= 0 AS heard FROM undo.heard();
INSERT INTO undo.comments VALUES (1, 'ben', 1, NULL, 'Hello @cat'), (2, 'cat', 1, 1, 'Yes');
SELECT * FROM undo.inbox;
UPDATE undo.comments SET is_deleted = true WHERE id = 1;
SELECT * FROM undo.inbox;
SELECT room, event, what FROM undo.heard() WHERE event <> 'notification:new';
UPDATE undo.comments SET is_deleted = false WHERE id = 1;
SELECT * FROM undo.inbox;
SELECT * FROM undo.heard();
UPDATE undo.comments SET content = 'Edited', is_deleted = true WHERE id = 2;
INSERT INTO undo.follows VALUES ('ben', 'ann');
UPDATE undo.follows SET deleted_at = now();
INSERT INTO undo.comments VALUES (3, 'cat', 1, NULL, 'Born dead', true);
SELECT told, cause FROM undo.inbox WHERE NOT retracted;

-- A soft delete of the post retracts all its notifications.
UPDATE undo.posts SET deleted_at = now() WHERE id = 1;
SELECT * FROM undo.inbox WHERE NOT retracted;
-- A cascade retracts everything in one batch per table.
TRUNCATE herald.notification;
INSERT INTO undo.posts VALUES (10, 'ann', 'Ten'), (100, 'ann', 'Not of ten');
INSERT INTO undo.likes SELECT u, p FROM unnest('{ben,cat}'::text[]) AS u, unnest('{10,100}'::int[]) AS p;
INSERT INTO undo.comments SELECT n, 'ben', 10, NULL, 'Comment ' || n FROM generate_series(101, 105) AS n;
SELECT count(*) >= 0 AS heard FROM undo.heard();
DELETE FROM undo.posts WHERE id = 10;
SELECT * FROM undo.heard();
SELECT told, cause FROM undo.inbox WHERE NOT retracted;

-- Ids that look like a path are escaped.
TRUNCATE herald.notification;
SELECT herald.watch_likes('undo.likes', subject => 'user_id', actor => 'kind', subject_table => 'undo.users',
                          ignore => '{post_id}');
INSERT INTO herald.notification (recipient_id, type, title, cause) VALUES ('x', 'like', 'of a', 'post:a:like:1'),
	('x', 'like', 'of a:b', 'post:a\:b:like:1');
SELECT herald.retract('post:a:*');
SELECT title FROM herald.inbox('x');

-- By hand: a cause notifies once, and can be retracted.
SELECT herald.notify('ann', 'system', 'Disk full', cause => 'disk:1') IS NOT NULL AS told,
       herald.notify('ann', 'system', 'Disk full', cause => 'disk:1') IS NOT NULL AS again;
SELECT herald.retract('disk:1'), herald.retract('disk:1'), herald.retract('nothing');
INSERT INTO herald.notification_type (name, title) VALUES ('alarm', 'Alarm');
SELECT herald.notify('ann', 'alarm', 'Disk full', cause => 'disk:2') IS NOT NULL AS told;
SELECT herald.retract('disk:*'), herald.retract('disk:2');
SELECT title FROM herald.inbox('ann');

-- A restored notification says what its row says now: a grief after a smile has the type, title and data of a grief.
SELECT herald.unwatch_all();
TRUNCATE undo.likes, herald.notification;
SELECT herald.watch('undo.likes', t.name, condition => t.condition, type => t.name, actor => 'new.user_id',
                    recipient => '''ann''', title => '{actor}: {kind}', subject => 'post:{post_id}',
                    data => 'jsonb_build_object(''kind'', new.kind)', cause => 'feeling:{user_id}')
FROM (VALUES ('joy', 'new.kind <> ''tear'''), ('grief', 'new.kind = ''tear''')) AS t (name, condition);
SELECT count(*) >= 0 AS heard FROM undo.heard();
INSERT INTO undo.likes VALUES ('ben', 1, 'smile');
SELECT herald.mark_seen('ann'), herald.retract('feeling:ben');
INSERT INTO undo.likes VALUES ('ben', 3, 'tear');
SELECT type, title, data, subject_id FROM herald.inbox('ann');
SELECT event, what FROM undo.heard();
SELECT herald.unseen_count('ann'), herald.unread_count('ann');

SELECT herald.unwatch_all();
UPDATE herald.notification_type SET retract = 'unread' WHERE name = 'follow';
DELETE FROM herald.notification_type WHERE name = 'alarm';
TRUNCATE herald.read_mark, herald.notification;
DROP SCHEMA undo CASCADE;
