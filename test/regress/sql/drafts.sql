-- Posts that are not published yet reach the sessions of their author, and nobody else.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA dr;
CREATE TABLE dr.users (id int PRIMARY KEY, username text);
CREATE TABLE dr.posts (id int PRIMARY KEY, user_id int REFERENCES dr.users, body text, status text DEFAULT 'draft',
	deleted_at timestamptz);
CREATE TABLE dr.stories (id int PRIMARY KEY, user_id int REFERENCES dr.users, body text, draft boolean DEFAULT true);
CREATE TABLE dr.follows (follower_id int REFERENCES dr.users, followee_id int REFERENCES dr.users);
INSERT INTO dr.users VALUES (1, 'ana'), (2, 'ben');
SELECT herald.watch_users('dr.users'), herald.watch_posts('dr.posts', status => 'status'),
       herald.watch_posts('dr.stories', noun => 'story'), herald.watch_follows('dr.follows');
INSERT INTO dr.follows VALUES (2, 1);
CREATE TABLE dr.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION dr.heard() RETURNS TABLE (rooms text, event text, body text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM dr.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE dr.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name, coalesce(p.payload -> 'post', p.payload -> 'story') ->> 'body'
	FROM read AS r CROSS JOIN LATERAL (SELECT r.payload::json) AS p (payload)
	WHERE r.name !~ '^notification|^room:recheck';
$$;
TRUNCATE herald.notification;

INSERT INTO dr.posts VALUES (1, 1, 'a draft for @ben');
UPDATE dr.posts SET body = 'a better draft for @ben';
SELECT * FROM dr.heard();
SELECT count(*) FROM herald.notification;
SELECT herald.may_join('1', 'post:1') AS author, herald.may_join('2', 'post:1') AS follower;
-- Publication: news to followers, an update to the author. Back to a draft: gone for the others.
UPDATE dr.posts SET status = 'published';
SELECT * FROM dr.heard();
SELECT recipient_id, type FROM herald.notification;
UPDATE dr.posts SET status = 'draft';
SELECT * FROM dr.heard();
UPDATE dr.posts SET deleted_at = now();
SELECT * FROM dr.heard();
UPDATE dr.posts SET deleted_at = NULL, status = 'published';
DELETE FROM dr.posts;
INSERT INTO dr.posts VALUES (2, 1, 'another');
DELETE FROM dr.posts;
SELECT * FROM dr.heard();

-- A boolean column says the same.
INSERT INTO dr.stories VALUES (1, 1, 'x');
UPDATE dr.stories SET draft = false;
INSERT INTO dr.stories VALUES (2, 1, 'y', false), (3, 1, 'z', true);
DELETE FROM dr.stories WHERE id = 3;
SELECT * FROM dr.heard();

-- With posts that not everybody may see, the author gets the published post as such.
SELECT herald.watch_posts('dr.posts', status => 'status', visible => 'post.user_id::text = viewer OR viewer = ''2''');
INSERT INTO dr.posts VALUES (3, 1, 'for ben');
UPDATE dr.posts SET body = 'for ben only';
UPDATE dr.posts SET status = 'published';
SELECT * FROM dr.heard();
-- Without a status there are no drafts.
SELECT herald.watch_posts('dr.posts', visible => 'true', ignore => '{status}');
SELECT DISTINCT rule FROM herald.watched WHERE relation = 'dr.posts'::regclass ORDER BY rule;

SELECT count(herald.unwatch(relation)) FROM (SELECT DISTINCT relation FROM herald_internal.watched_table
                                             WHERE relation::text LIKE 'dr.%') AS w;
DROP SCHEMA dr CASCADE;
TRUNCATE herald.notification;
