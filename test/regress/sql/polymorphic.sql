-- Likes and comments of rows of several tables: a column names the type of the subject.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA poly;
CREATE TABLE poly.users (id int PRIMARY KEY, username text);
CREATE TABLE poly.posts (id int PRIMARY KEY, user_id int REFERENCES poly.users, body text, private boolean);
CREATE TABLE poly.photos (id uuid PRIMARY KEY, owner_id int REFERENCES poly.users);
CREATE TABLE poly.comments (id int PRIMARY KEY, user_id int REFERENCES poly.users, commentable_id text,
	commentable_type text, body text);
CREATE TABLE poly.reactions (id serial PRIMARY KEY, user_id int, reactable_id text, reactable_type text, category text);
INSERT INTO poly.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo'), (4, 'dan');
SELECT herald.watch_users('poly.users'),
       herald.watch_posts('poly.posts', visible => 'post.private IS NOT TRUE OR post.user_id::text = viewer');
SELECT herald.watch_comments('poly.comments', subject => 'commentable_id', subject_type => 'commentable_type',
                             subject_tables => '{"Post": "poly.posts", "Photo": "poly.photos"}');
SET search_path = poly, public;
SELECT herald.watch_likes('reactions', subject => 'reactable_id', subject_type => 'reactable_type',
                          subject_tables => '{"Post": "posts", "Comment": "comments", "Photo": "photos"}');
RESET search_path;
SELECT DISTINCT rule FROM herald.watched WHERE relation::text LIKE 'poly.%' ORDER BY rule;
CREATE TABLE poly.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION poly.heard() RETURNS TABLE (rooms text, event text, payload jsonb) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM poly.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE poly.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT coalesce(nullif(array_to_string(r.rooms, ' '), ''), r.recheck_room), coalesce(r.access, r.name),
	       r.payload::jsonb - '{timestamp,content,parentId,username,authorName,userId,authorId,comment,post}'::text[]
	FROM read AS r WHERE r.name !~ '^notification';
$$;
CREATE VIEW poly.told AS
	SELECT recipient_id AS told, type, title, subject_type || ' ' || subject_id AS subject, cause
	FROM herald.notification WHERE retracted_at IS NULL ORDER BY id;
TRUNCATE herald.notification;

-- Ids of the tables overlap, or are of other types.
INSERT INTO poly.posts VALUES (1, 1, 'x', false), (2, 1, 'private', true);
INSERT INTO poly.photos VALUES ('00000000-0000-0000-0000-000000000001', 4);
INSERT INTO poly.comments VALUES (1, 3, '1', 'Post', 'hi @dan'), (2, 2, '00000000-0000-0000-0000-000000000001', 'Photo',
	'nice'), (3, 2, '7', 'Video', 'of a type that is not watched @dan'), (4, 1, '2', 'Post', 'to myself');
SELECT * FROM poly.heard();
INSERT INTO poly.reactions (user_id, reactable_id, reactable_type) VALUES (2, '1', 'Comment');
INSERT INTO poly.reactions (user_id, reactable_id, reactable_type) VALUES (2, '1', 'Post'), (3, 'nonsense', 'Post'),
	(1, '00000000-0000-0000-0000-000000000001', 'Photo'), (2, '1', 'Video');
SELECT * FROM poly.heard();
SELECT * FROM poly.told;

-- The room of a comment has the visibility of its post.
SELECT r AS room, herald.may_join('1', r) AS ana, herald.may_join('3', r) AS cleo
FROM unnest('{comment:1,comment:2,comment:3,comment:4,post:1,post:2,'
            'photo:00000000-0000-0000-0000-000000000001}'::text[]) AS r;
UPDATE poly.posts SET private = true WHERE id = 1;
SELECT r AS room, herald.may_join('1', r) AS ana, herald.may_join('3', r) AS cleo
FROM unnest('{comment:1,comment:2}'::text[]) AS r;
SELECT * FROM poly.heard();

-- Undo, a change of the type, and totals for each type.
UPDATE poly.reactions SET reactable_type = 'Post', user_id = 4 WHERE reactable_type = 'Comment';
SELECT * FROM poly.heard();
DELETE FROM poly.reactions WHERE user_id = 2;
DELETE FROM poly.comments WHERE id = 1;
SELECT * FROM poly.heard();
SELECT * FROM poly.told;

-- Watching again with other tables removes the rules of the others.
SELECT herald.watch_likes('poly.reactions', subject => 'reactable_id', subject_type => 'reactable_type',
                          subject_tables => '{"Post": "poly.posts"}');
SELECT DISTINCT rule FROM herald.watched WHERE relation = 'poly.reactions'::regclass ORDER BY rule;

-- Mistakes.
\set SHOW_CONTEXT never
SELECT herald.watch_likes('poly.reactions', subject => 'reactable_id', subject_type => 'reactable_type');
SELECT herald.watch_likes('poly.reactions', subject => 'reactable_id', subject_tables => '{"Post": "poly.posts"}');
SELECT herald.watch_likes('poly.reactions', subject => 'reactable_id', subject_type => 'kind',
                          subject_tables => '{"Post": "poly.posts"}');
SELECT herald.watch_likes('poly.reactions', subject => 'reactable_id', subject_type => 'reactable_type',
                          subject_tables => '{"Post": "poly.nothing"}');

SELECT count(herald.unwatch(relation)) FROM (SELECT DISTINCT relation FROM herald_internal.watched_table
                                             WHERE relation::text LIKE 'poly.%') AS w;
DROP SCHEMA poly CASCADE;
TRUNCATE herald.notification;
