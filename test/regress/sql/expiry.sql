-- Conditions over the time: rows leave, and enter, when it comes.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
-- Only this session maintains, also if there is a worker.
SELECT herald_internal.own_lock('herald_internal.log_fold', for_session => true);
CREATE SCHEMA ex;
CREATE TABLE ex.users (id int PRIMARY KEY, username text);
CREATE TABLE ex.posts (id int PRIMARY KEY, user_id int REFERENCES ex.users, body text, expires_at timestamptz,
	published_at timestamptz);
CREATE TABLE ex.likes (user_id int REFERENCES ex.users, post_id int REFERENCES ex.posts, "endsAt" timestamp,
	deleted_at timestamptz, PRIMARY KEY (user_id, post_id));
CREATE TABLE ex.comments (id int PRIMARY KEY, user_id int REFERENCES ex.users, post_id int REFERENCES ex.posts,
	body text, expires_at timestamptz);
CREATE TABLE ex.follows (id int PRIMARY KEY, follower_id int REFERENCES ex.users, followee_id int REFERENCES ex.users,
	starts_at timestamptz);
CREATE TABLE ex.members (conversation_id int, user_id int REFERENCES ex.users, expires_at timestamptz,
	PRIMARY KEY (conversation_id, user_id));
CREATE TABLE ex.messages (id int PRIMARY KEY, conversation_id int, sender_id int REFERENCES ex.users, body text,
	expires_at timestamptz);
INSERT INTO ex.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
INSERT INTO ex.posts VALUES (1, 1, 'older than the call', now() + interval '50 min');
SELECT herald.watch_users('ex.users'),
       herald.watch_posts('ex.posts', active => 'expires_at IS NULL OR expires_at > now()', ignore => '{published_at}'),
       herald.watch_likes('ex.likes', active => '"endsAt" IS NULL OR now() < "endsAt"'),
       herald.watch_comments('ex.comments', active => 'post.expires_at IS NULL OR post.expires_at > current_timestamp'),
       herald.watch_follows('ex.follows', active => 'starts_at <= now()'),
       herald.watch_members('ex.members', active => 'expires_at IS NULL OR expires_at > now()'),
       herald.watch_messages('ex.messages', active => 'expires_at IS NULL OR expires_at > now()');
CREATE TABLE ex.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION ex.heard() RETURNS TABLE (rooms text, event text, total text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM ex.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE ex.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name,
	       concat(p.payload ->> 'totalLikes', p.payload ->> 'totalFollowers', p.payload ->> 'totalComments')
	FROM read AS r CROSS JOIN LATERAL (SELECT r.payload::json) AS p (payload)
	WHERE r.name !~ '^notification|^room:recheck'
	ORDER BY r.name, 1;
$$;
CREATE VIEW ex.told AS
	SELECT recipient_id AS told, type, retracted_at IS NOT NULL AS retracted FROM herald.notification;
-- Lets an hour pass, and maintains.
CREATE FUNCTION ex.pass_hour() RETURNS void LANGUAGE plpgsql SET herald.enabled = off AS $$
DECLARE
	moved record;
BEGIN
	FOR moved IN
		SELECT a.attrelid::regclass AS relation, quote_ident(a.attname) AS name
		FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'
		WHERE c.relnamespace = 'ex'::regnamespace AND a.attname IN ('expires_at', 'ends_at', 'endsAt', 'starts_at')
	LOOP
		EXECUTE format('UPDATE %1$s SET %2$s = %2$s - interval ''1 h''', moved.relation, moved.name);
	END LOOP;
	UPDATE herald_internal.due AS d SET at = d.at - interval '1 h', run_at = d.run_at - interval '1 h'
	WHERE d.relation::text LIKE 'ex.%' AND NOT d.published;
END
$$;
CREATE PROCEDURE ex.wait() LANGUAGE plpgsql AS $$
BEGIN
	PERFORM ex.pass_hour();
	WHILE EXISTS (SELECT FROM herald_internal.due AS d
	              WHERE NOT d.published AND d.at <= now() AND d.relation::text LIKE 'ex.%') LOOP
		COMMIT;
		PERFORM herald.maintain();
	END LOOP;
END
$$;
TRUNCATE herald.notification;

-- A post that was there before the call leaves at its time.
CALL ex.wait();
SELECT * FROM ex.heard();

-- Likes, comments, members and messages end by themselves, with undo. A follow begins by itself.
INSERT INTO ex.posts VALUES (2, 1, 'stays');
INSERT INTO ex.likes VALUES (2, 2, now() AT TIME ZONE 'UTC' + interval '50 min'), (3, 2, NULL);
INSERT INTO ex.comments VALUES (1, 2, 2, 'hi @cleo', now() + interval '50 min');
INSERT INTO ex.members VALUES (9, 1, NULL), (9, 2, now() + interval '50 min'), (9, 3, NULL);
INSERT INTO ex.messages VALUES (1, 9, 1, 'hello', now() + interval '50 min');
INSERT INTO ex.follows VALUES (1, 2, 1, now() + interval '50 min');
SELECT * FROM ex.heard();
SELECT * FROM ex.told ORDER BY type, told;
SELECT herald.may_join('2', 'conversation:9') AS member, herald.may_join('2', 'feed:1') AS follows;
CALL ex.wait();
SELECT * FROM ex.heard();
SELECT * FROM ex.told ORDER BY type, told;
SELECT herald.may_join('2', 'conversation:9') AS member, herald.may_join('2', 'feed:1') AS follows;

-- Rows that get another time, none, a past one, or are deleted before it: each leaves once.
INSERT INTO ex.posts SELECT n, 1, 'post ' || n, now() + interval '50 min' FROM generate_series(10, 15) AS n;
UPDATE ex.posts SET expires_at = now() + interval '3 h' WHERE id = 10;
UPDATE ex.posts SET expires_at = NULL WHERE id = 11;
UPDATE ex.posts SET expires_at = now() - interval '1 h' WHERE id = 12;
DELETE FROM ex.posts WHERE id = 13;
UPDATE ex.posts SET body = 'changed' WHERE id = 14;
SELECT count(*) FROM ex.heard() WHERE event = 'post:deleted';
CALL ex.wait();
SELECT rooms FROM ex.heard() WHERE event = 'post:deleted';
-- A change of a row that has left is none. It may come back.
UPDATE ex.posts SET body = 'later' WHERE id = 14;
SELECT * FROM ex.heard();
UPDATE ex.posts SET expires_at = NULL WHERE id = 14;
SELECT event FROM ex.heard();

-- Totals follow the clock: they are counted.
SELECT count(*) FROM herald_internal.total AS t JOIN herald_internal.counter AS c ON c.id = t.counter
WHERE c.relation::text LIKE 'ex.%';

-- A row that is deleted after its time, and before that is told, takes its notifications along.
TRUNCATE herald.notification;
INSERT INTO ex.posts VALUES (3, 1, 'a post', NULL);
INSERT INTO ex.comments VALUES (4, 2, 3, 'hi @cleo', now() + interval '50 min');
INSERT INTO ex.likes VALUES (2, 3, now() AT TIME ZONE 'UTC' + interval '50 min');
SELECT * FROM ex.told ORDER BY type, told;
SELECT ex.pass_hour();
DELETE FROM ex.comments WHERE id = 4;
DELETE FROM ex.likes WHERE post_id = 3;
SELECT * FROM ex.told ORDER BY type, told;
CALL ex.wait();
SELECT * FROM ex.told ORDER BY type, told;
SELECT count(*) FROM ex.heard();

-- A row that stays for another reason is not changed by the time, and is until that reason goes.
ALTER TABLE ex.comments ADD pinned boolean NOT NULL DEFAULT false;
SELECT herald.watch_comments('ex.comments', active => 'pinned OR expires_at IS NULL OR expires_at > now()');
INSERT INTO ex.comments VALUES (7, 2, 2, 'stays', now() + interval '50 min', true),
	(8, 2, 2, 'goes', now() + interval '50 min', false);
SELECT event FROM ex.heard();
CALL ex.wait();
SELECT event FROM ex.heard();
UPDATE ex.comments SET pinned = false WHERE id = 7;
SELECT event FROM ex.heard();

-- The column may be renamed.
INSERT INTO ex.comments VALUES (2, 2, 2, 'soon gone', now() + interval '50 min');
ALTER TABLE ex.comments RENAME expires_at TO ends_at;
INSERT INTO ex.comments VALUES (3, 2, 2, 'soon gone, too', now() + interval '50 min');
CALL ex.wait();
SELECT * FROM ex.heard() WHERE event = 'comment:deleted';
TRUNCATE herald.notification;
INSERT INTO ex.comments VALUES (9, 2, 3, 'soon gone', now() + interval '50 min');
SELECT ex.pass_hour();
DELETE FROM ex.comments WHERE id = 9;
SELECT * FROM ex.told;

-- The type may forbid infinity, and the condition may use the row as a whole.
CREATE DOMAIN ex.finite AS timestamptz CHECK (isfinite(VALUE));
CREATE TABLE ex.stories (id int PRIMARY KEY, user_id int REFERENCES ex.users, body text, expires_at ex.finite);
CREATE FUNCTION ex.is_told(story ex.stories) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.id > 0';
SELECT herald.watch_posts('ex.stories', active => 'ex.is_told(post) AND (expires_at IS NULL OR expires_at > now())');
TRUNCATE herald.notification;
INSERT INTO ex.stories SELECT n, 1, 'to @cleo', now() + interval '50 min' FROM generate_series(0, 2) AS n;
SELECT rooms, event FROM ex.heard() WHERE event LIKE 'story:%';
SELECT ex.pass_hour();
DELETE FROM ex.stories WHERE id = 1;
SELECT * FROM ex.told ORDER BY retracted;
CALL ex.wait();
SELECT * FROM ex.told ORDER BY retracted;
SELECT rooms, event FROM ex.heard() WHERE event LIKE 'story:%';

SELECT herald_internal.own_unlock('herald_internal.log_fold');

-- The time is that of one column. Another use of it is an error that shows the argument.
\set VERBOSITY default
SELECT herald.watch_posts('ex.posts', active => 'expires_at > now() - interval ''1 day''');
SELECT herald.watch_posts('ex.posts', active => 'expires_at + interval ''1 day'' > now()');
SELECT herald.watch_posts('ex.posts', active => 'coalesce(expires_at, ''infinity'') > now()');
SELECT herald.watch_posts('ex.posts', active => 'expires_at > current_date');
SELECT herald.watch_posts('ex.posts', active => 'expires_at > now() AND published_at < now()');
SELECT herald.watch_posts('ex.posts', active => 'expires_at > now() AND random() < 0.5');
SELECT herald.watch_posts('ex.posts', active => 'expires_at IS NULL OR expires_at > now()',
                          published_at => 'published_at');
SELECT herald.watch_posts('ex.posts', active => 'true', visible => 'post.expires_at IS NULL OR post.expires_at > now()',
                          published_at => 'published_at');
ALTER TABLE ex.likes DROP CONSTRAINT likes_pkey;
SELECT herald.watch_likes('ex.likes', active => '"endsAt" > now()');

-- Nothing is left when the tables are unwatched.
SELECT count(herald.unwatch(relation)) FROM (SELECT DISTINCT relation FROM herald_internal.watched_table
                                             WHERE relation::text LIKE 'ex.%') AS w;
SELECT count(*) FROM herald_internal.due;
DROP SCHEMA ex CASCADE;
TRUNCATE herald.notification;
