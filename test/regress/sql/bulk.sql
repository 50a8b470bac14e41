-- Statements that write many rows at once: INSERT ... SELECT, COPY, ON CONFLICT and writable CTEs.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA b;
CREATE TABLE b.users (id int PRIMARY KEY, username text);
CREATE TABLE b.posts (id int PRIMARY KEY, user_id int REFERENCES b.users);
CREATE TABLE b.likes (user_id int REFERENCES b.users, post_id int REFERENCES b.posts, stars int,
	PRIMARY KEY (user_id, post_id));
INSERT INTO b.users SELECT n, 'user' || n FROM generate_series(1, 1000) AS n;
INSERT INTO b.posts SELECT n, n FROM generate_series(1, 1000) AS n;
ANALYZE b.users, b.posts;
SELECT herald.watch_likes('b.likes', ignore => '{stars}');
TRUNCATE herald.notification;
SELECT coalesce(max(id), 0) AS last FROM herald.event \gset
-- The worker may make notifications of milestones meanwhile; the views leave them out.
CREATE VIEW b.told AS SELECT count(*), count(DISTINCT recipient_id) AS recipients, count(actor_name) AS names
	FROM herald.notification WHERE type <> 'milestone';
CREATE FUNCTION b.published(bigint) RETURNS TABLE (name text, count bigint) LANGUAGE sql AS $$
	SELECT e.name, count(*) FROM herald.event AS e WHERE e.id > $1 AND e.name IS NOT NULL GROUP BY e.name
	UNION ALL
	SELECT 'notification:new', count(*) FROM herald.event AS e
	WHERE e.id > $1 AND e.recipient_id IS NOT NULL AND NOT EXISTS (
		SELECT FROM herald.notification AS n
		WHERE n.recipient_id = e.recipient_id AND n.id = e.notification_id AND n.type = 'milestone')
	ORDER BY 1;
$$;

-- 100,000 likes; no user likes a post of their own.
SET statement_timeout = '180s';
INSERT INTO b.likes SELECT n % 1000 + 1, n / 100 + 1, 1 FROM generate_series(0, 99999) AS n WHERE n % 1000 <> n / 100;
RESET statement_timeout;
SELECT * FROM b.told;
SELECT * FROM b.published(:last);
DELETE FROM b.likes WHERE user_id > 5;
SELECT * FROM b.published(:last);

-- One statement reads the preferences of all its recipients at once.
TRUNCATE b.likes, herald.notification;
SELECT count(CASE n % 3 WHEN 0 THEN herald.set_preference(n::text, 'like', '{}')
                           WHEN 1 THEN herald.mute(n::text, 'actor', '7') END)
FROM generate_series(1, 1000) AS n;
INSERT INTO b.likes SELECT u, p FROM generate_series(11, 20) AS u, generate_series(1, 1000) AS p;
INSERT INTO b.likes SELECT 7, p FROM generate_series(1, 1000) AS p;
SELECT n.recipient_id::int % 3 AS kind, count(*), count(*) FILTER (WHERE n.actor_id = '7') AS of_muted
FROM herald.notification AS n WHERE n.type = 'like' GROUP BY 1 ORDER BY 1;
TRUNCATE herald.preference;

-- COPY
TRUNCATE b.likes, herald.notification;
COPY b.likes FROM stdin;
1	2	1
2	1	1
3	3	1
\.
SELECT recipient_id, actor_id FROM herald.notification WHERE type <> 'milestone' ORDER BY id;

-- ON CONFLICT DO NOTHING and DO UPDATE: a row that existed before makes no notification.
TRUNCATE herald.notification;
INSERT INTO b.likes VALUES (1, 2), (1, 3) ON CONFLICT DO NOTHING;
INSERT INTO b.likes VALUES (1, 3), (1, 4) ON CONFLICT (user_id, post_id) DO UPDATE SET stars = 2;
SELECT recipient_id, actor_id FROM herald.notification WHERE type <> 'milestone' ORDER BY id;

-- Writable CTEs, and statements that change no row.
TRUNCATE herald.notification;
WITH first AS (INSERT INTO b.likes VALUES (5, 1)),
     second AS (INSERT INTO b.likes VALUES (6, 1))
INSERT INTO b.likes VALUES (7, 1);
INSERT INTO b.likes SELECT 1, 1 WHERE false;
DELETE FROM b.likes WHERE false;
UPDATE b.likes SET stars = stars;
SELECT recipient_id, actor_id FROM herald.notification WHERE type <> 'milestone' ORDER BY actor_id;

SELECT herald.unwatch_all();
DROP SCHEMA b CASCADE;
TRUNCATE herald.notification;
