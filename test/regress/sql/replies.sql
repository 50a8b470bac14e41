-- Posts that are replies to posts of the same table: one call.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA re;
CREATE TABLE re.users (id int PRIMARY KEY, username text);
CREATE TABLE re.posts (id int PRIMARY KEY, user_id int REFERENCES re.users, parent_id int REFERENCES re.posts,
	body text, private boolean DEFAULT false);
CREATE TABLE re.follows (follower_id int REFERENCES re.users, followee_id int REFERENCES re.users);
CREATE TABLE re.likes (user_id int REFERENCES re.users, post_id int REFERENCES re.posts ON DELETE CASCADE);
INSERT INTO re.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo'), (4, 'dan'), (5, 'eve');
SELECT herald.watch_users('re.users'), herald.watch_posts('re.posts', notify_followers => true, ignore => '{private}'),
       herald.watch_follows('re.follows'), herald.watch_likes('re.likes');
INSERT INTO re.follows VALUES (1, 2), (5, 2);
CREATE TABLE re.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION re.heard() RETURNS TABLE (rooms text, event text, payload jsonb) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM re.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE re.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT coalesce(nullif(array_to_string(r.rooms, ' '), ''), r.recheck_room), coalesce(r.access, r.name),
	       r.payload::jsonb - '{timestamp,post,authorName,authorId}'::text[]
	FROM read AS r WHERE r.name !~ '^notification';
$$;
CREATE VIEW re.told AS
	SELECT recipient_id AS told, type, title, subject_type || ' ' || subject_id AS subject, cause, data
	FROM herald.notification WHERE retracted_at IS NULL ORDER BY id;
TRUNCATE herald.notification;

-- The author of the parent, who follows ben, gets one notification; cleo is mentioned; eve follows ben.
INSERT INTO re.posts VALUES (1, 1, NULL, 'root');
INSERT INTO re.posts VALUES (2, 2, 1, 'reply of ben to ana, @cleo');
SELECT * FROM re.told;
SELECT * FROM re.heard();
-- A mention is stronger than a reply, and nobody is told of a reply of their own.
INSERT INTO re.posts VALUES (3, 3, 2, 'reply of cleo to @ben'), (4, 4, NULL, 'root of dan, hi @cleo and @dan'),
	(5, 1, 1, 'reply to myself');
INSERT INTO re.likes VALUES (3, 2);
SELECT * FROM re.told WHERE cause !~ '^post:[12]:post';
SELECT * FROM re.heard() WHERE event ~ 'replied';
UPDATE re.posts SET body = body || ' and @eve' WHERE id = 4;
UPDATE re.posts SET parent_id = 4 WHERE id = 5;
SELECT * FROM re.heard() WHERE event ~ 'replied';
SELECT * FROM re.told WHERE cause !~ '^post:[12]:post';

-- What a reply has made goes with it; nothing stays of a post that is gone.
DELETE FROM re.posts WHERE id = 3;
SELECT * FROM re.told;
DELETE FROM re.posts WHERE id = 2;
DELETE FROM re.posts WHERE id <> 1;
SELECT * FROM re.told;
SELECT * FROM re.heard() WHERE event ~ 'replied';

-- A reply that not everybody may see: the room of its parent gets no content of it, and no author.
SELECT herald.watch_posts('re.posts', visible => 'NOT post.private OR post.user_id::text = viewer');
INSERT INTO re.posts VALUES (6, 2, 1, 'secret', true), (7, 3, 1, 'open', false);
SELECT * FROM re.heard();
SELECT * FROM re.told;

-- The same table as comments is refused.
\set SHOW_CONTEXT never
SELECT herald.watch_comments('re.posts', subject => 'parent_id', subject_table => 're.posts');

SELECT count(herald.unwatch(relation)) FROM (SELECT DISTINCT relation FROM herald_internal.watched_table
                                             WHERE relation::text LIKE 're.%') AS w;
DROP SCHEMA re CASCADE;
TRUNCATE herald.notification;
