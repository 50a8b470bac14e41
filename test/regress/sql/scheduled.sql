-- Posts and messages with a time of publication in the future: they are published when it comes, once.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
-- Only this session maintains, also if there is a worker.
SELECT herald_internal.own_lock('herald_internal.log_fold', for_session => true);
CREATE SCHEMA sd;
CREATE TABLE sd.users (id int PRIMARY KEY, username text);
CREATE TABLE sd.posts (id int PRIMARY KEY, user_id int REFERENCES sd.users, body text, published_at timestamptz,
	deleted_at timestamptz, status text NOT NULL DEFAULT 'published');
CREATE TABLE sd.stories (id int PRIMARY KEY, user_id int REFERENCES sd.users, body text, "goLive" timestamp,
	private boolean NOT NULL DEFAULT false);
CREATE TABLE sd.messages (id int PRIMARY KEY, sender_id int REFERENCES sd.users, receiver_id int REFERENCES sd.users,
	body text, published_at timestamptz);
CREATE TABLE sd.follows (follower_id int REFERENCES sd.users, followee_id int REFERENCES sd.users);
INSERT INTO sd.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
INSERT INTO sd.follows VALUES (2, 1);
INSERT INTO sd.posts VALUES (1, 1, 'older than the call', now() + interval '0.5 s');
SELECT herald.watch_users('sd.users'), herald.watch_follows('sd.follows'),
       herald.watch_posts('sd.posts', notify_followers => true, ignore => '{status}'),
       herald.watch_posts('sd.stories', published_at => 'goLive', noun => 'story', zone => 'Europe/Berlin',
                          visible => 'NOT post.private OR viewer = post.user_id::text'),
       herald.watch_messages('sd.messages', receiver => 'receiver_id');
CREATE TABLE sd.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION sd.heard() RETURNS TABLE (rooms text, event text, content text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM sd.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE sd.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name,
	       coalesce(p.payload ->> 'content', coalesce(p.payload -> 'post', p.payload -> 'story') ->> 'body')
	FROM read AS r CROSS JOIN LATERAL (SELECT r.payload::json) AS p (payload)
	WHERE r.name !~ '^notification|^room:recheck';
$$;
CREATE VIEW sd.told AS
	SELECT recipient_id AS told, type, content FROM herald.notification WHERE retracted_at IS NULL;
-- Maintains until nothing is due before a time.
CREATE PROCEDURE sd.wait(before timestamptz DEFAULT now() + interval '10 s') LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM herald_internal.due AS d
	              WHERE NOT d.published AND d.at < before AND d.relation::text LIKE 'sd.%') LOOP
		COMMIT;
		PERFORM herald.maintain(), pg_sleep(0.02);
	END LOOP;
END
$$;
TRUNCATE herald.notification;

-- A post that was there before the call, and one that mentions somebody. Until then only the author hears of them.
INSERT INTO sd.posts VALUES (2, 1, 'in a moment, @cleo', now() + interval '0.5 s'),
	(3, 1, 'later', now() + interval '1 h');
SELECT * FROM sd.heard();
SELECT count(*) FROM sd.told;
CALL sd.wait();
SELECT * FROM sd.heard() ORDER BY content, rooms;
SELECT * FROM sd.told ORDER BY content, told;
SELECT row_id, at > now() FROM herald_internal.due WHERE relation = 'sd.posts'::regclass AND NOT published;
SELECT herald.maintain() > now();
-- It happens once, and an update afterwards is an update.
UPDATE sd.posts SET body = 'changed' WHERE id = 2;
CALL sd.wait();
SELECT * FROM sd.heard() ORDER BY content, rooms;

-- Posts that are put off, brought forward, published, deleted or changed before their time.
TRUNCATE herald.notification;
INSERT INTO sd.posts SELECT n, 1, 'post ' || n, now() + interval '0.5 s' FROM generate_series(10, 14) AS n;
UPDATE sd.posts SET published_at = now() + interval '1 h' WHERE id = 10;
UPDATE sd.posts SET published_at = now() WHERE id = 11;
DELETE FROM sd.posts WHERE id = 12;
UPDATE sd.posts SET deleted_at = now() WHERE id = 13;
UPDATE sd.posts SET body = 'better' WHERE id = 14;
UPDATE sd.posts SET published_at = now() + interval '0.5 s' WHERE id = 3;
SELECT count(*) > 0 FROM sd.heard();
CALL sd.wait();
SELECT * FROM sd.heard() ORDER BY content, rooms;
SELECT * FROM sd.told ORDER BY content, told;
-- A row that was rolled back is not published. (The end of the whole transaction would release the session's lock.)
BEGIN;
SAVEPOINT before;
INSERT INTO sd.posts VALUES (20, 1, 'never', now() + interval '0.1 s');
ROLLBACK TO before;
COMMIT;
CALL sd.wait();
SELECT * FROM sd.heard() ORDER BY content, rooms;

-- A time that has come, and that nobody has maintained yet: statements that publish the row meanwhile do so once.
CREATE PROCEDURE sd.write(VARIADIC times timestamptz[]) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. cardinality(times) LOOP
		UPDATE sd.posts SET published_at = times[i] WHERE id = 21;
	END LOOP;
END
$$;
CREATE FUNCTION sd.publications() RETURNS TABLE (content text, count bigint) LANGUAGE sql AS $$
	SELECT h.content, count(*) FROM sd.heard() AS h WHERE h.event = 'post:created' AND h.rooms <> 'user:1'
	GROUP BY h.content ORDER BY h.content;
$$;
INSERT INTO sd.posts VALUES (21, 1, 'post 21', now() + interval '0.1 s');
SELECT published_at AS first FROM sd.posts WHERE id = 21 \gset
SELECT pg_sleep_until(:'first');
CALL sd.write(now() + interval '0.2 s', :'first');
CALL sd.wait();
SELECT pg_sleep(0.2), herald.maintain() > now();
SELECT * FROM sd.publications();
-- put off and brought forward, drawn back and published
INSERT INTO sd.posts VALUES (22, 1, 'post 22', now() + interval '0.1 s'), (23, 1, 'post 23', now() + interval '0.1 s');
SELECT pg_sleep(0.1);
UPDATE sd.posts SET published_at = NULL WHERE id = 22;
UPDATE sd.posts SET published_at = now() WHERE id = 22;
UPDATE sd.posts SET deleted_at = now() WHERE id = 23;
UPDATE sd.posts SET deleted_at = NULL WHERE id = 23;
CALL sd.wait();
SELECT * FROM sd.publications();
-- another time that has come: the row is published by the record of the first one
INSERT INTO sd.posts VALUES (24, 1, 'post 24', now() + interval '0.1 s');
SELECT pg_sleep(0.1);
UPDATE sd.posts SET published_at = now() WHERE id = 24;
CALL sd.wait();
SELECT * FROM sd.publications();
-- What remains of them says that they were published, and goes after an hour.
UPDATE herald_internal.due SET run_at = now() WHERE published;
SELECT herald.maintain() IS NOT NULL;
SELECT row_id FROM herald_internal.due WHERE relation = 'sd.posts'::regclass AND published;

-- A time without a zone, in a table of posts that not everybody may see.
INSERT INTO sd.stories VALUES (1, 1, 'a story', now() AT TIME ZONE 'Europe/Berlin' + interval '0.5 s', false),
	(2, 1, 'a secret', now() AT TIME ZONE 'Europe/Berlin' + interval '0.5 s', true);
SELECT * FROM sd.heard();
CALL sd.wait();
SELECT * FROM sd.heard() ORDER BY content, rooms;
-- A message.
TRUNCATE herald.notification;
INSERT INTO sd.messages VALUES (1, 1, 2, 'good morning', now() + interval '0.5 s');
SELECT * FROM sd.heard();
CALL sd.wait();
SELECT * FROM sd.heard() ORDER BY content, rooms;
SELECT * FROM sd.told ORDER BY content, told;
-- The status decides, too.
SELECT herald.watch_posts('sd.posts', status => 'status');
SELECT count(*) >= 0 FROM sd.heard();
INSERT INTO sd.posts VALUES (30, 1, 'a draft', now() + interval '0.5 s', NULL, 'draft'),
	(31, 1, 'complete', now() + interval '0.5 s', NULL, 'published');
CALL sd.wait();
SELECT * FROM sd.heard() ORDER BY content, rooms;

-- A migration renames the column, and the table, in between.
INSERT INTO sd.posts VALUES (35, 1, 'renamed', now() + interval '0.5 s');
ALTER TABLE sd.posts RENAME published_at TO goes_live;
ALTER TABLE sd.posts RENAME TO entries;
INSERT INTO sd.entries VALUES (36, 1, 'afterwards', now() + interval '0.5 s');
SELECT count(*) FROM sd.heard();
CALL sd.wait();
SELECT * FROM sd.heard() ORDER BY content, rooms;
ALTER TABLE sd.entries RENAME TO posts;
ALTER TABLE sd.posts RENAME goes_live TO published_at;

-- A rule that fails lets the others run, and a query that fails is tried again later.
SELECT herald.watch('sd.posts', 'failing', active => 'published_at <= now()', event => 'sd:x', room => 'x',
                    payload => 'json_build_object(''n'', 1 / (new.id - 40))', on_error => 'warn');
SELECT herald.watch('sd.posts', 'strict', active => 'published_at <= now()', event => 'sd:y', room => 'y',
                    payload => 'json_build_object(''n'', 1 / (new.id - 41))', on_error => 'abort');
SELECT count(*) >= 0 FROM sd.heard();
SET client_min_messages = error;
INSERT INTO sd.posts VALUES (40, 1, 'forty', now() + interval '0.5 s');
CALL sd.wait();
SELECT event, content FROM sd.heard() WHERE rooms <> 'user:1';
INSERT INTO sd.posts VALUES (41, 1, 'forty-one', now() + interval '0.5 s');
DO $$
BEGIN
	WHILE EXISTS (SELECT FROM herald_internal.due WHERE row_id = '41' AND run_at = at) LOOP
		COMMIT;
		PERFORM herald.maintain(), pg_sleep(0.02);
	END LOOP;
END
$$;
SELECT count(*) FROM sd.heard() WHERE rooms <> 'user:1';
SELECT severity, problem, relation FROM herald.doctor() WHERE problem LIKE 'publication%';
SELECT herald.unwatch('sd.posts', 'strict');
UPDATE herald_internal.due SET run_at = now() WHERE row_id = '41';
SELECT herald.maintain() > now();
SELECT event, content FROM sd.heard() WHERE rooms <> 'user:1';

-- Of rows that are due together, one that fails keeps no other back. Nor does a slow rule keep back other tables.
SELECT herald.watch('sd.posts', 'strict', active => 'published_at <= now()', event => 'sd:y', room => 'y',
                    payload => 'json_build_object(''n'', 1 / (new.id - 51))', on_error => 'abort');
INSERT INTO sd.posts SELECT n, 1, 'post ' || n, now() + interval '0.5 s' FROM generate_series(50, 52) AS n;
DO $$
BEGIN
	WHILE EXISTS (SELECT FROM herald_internal.due WHERE row_id = '51' AND run_at < at + interval '50 s') LOOP
		COMMIT;
		PERFORM herald.maintain(), pg_sleep(0.02);
	END LOOP;
END
$$;
SELECT event, content FROM sd.heard() WHERE rooms <> 'user:1' ORDER BY content, event;
-- It is tried again at intervals that double.
UPDATE herald_internal.due SET at = now() - interval '5 minutes', run_at = now() WHERE row_id = '51' AND NOT published;
SELECT herald.maintain() > now();
SELECT date_trunc('minute', run_at - now() + interval '5 s') FROM herald_internal.due
WHERE row_id = '51' AND NOT published;
DELETE FROM herald_internal.due WHERE row_id = '51' AND NOT published;
SELECT herald.unwatch('sd.posts', 'strict');
CREATE FUNCTION sd.nap(id int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF id = 60 THEN
		FOR second IN 1..3 LOOP -- catches the first cancellations
			BEGIN
				PERFORM pg_sleep(60);
			EXCEPTION WHEN query_canceled THEN
				NULL;
			END;
		END LOOP;
		PERFORM pg_sleep(60);
	END IF;
	RETURN true;
END
$$;
SELECT herald.watch('sd.posts', 'slow', active => 'published_at <= now()', condition => 'sd.nap(new.id)',
                    event => 'sd:z', room => 'z');
INSERT INTO sd.posts SELECT n, 1, 'post ' || n, now() + interval '0.5 s' FROM generate_series(60, 62) AS n;
INSERT INTO sd.stories VALUES (3, 1, 'beside', now() AT TIME ZONE 'Europe/Berlin' + interval '0.6 s', false);
DO $$
BEGIN
	WHILE EXISTS (SELECT FROM herald_internal.due
	              WHERE NOT published AND (relation = 'sd.stories'::regclass OR
	                    row_id IN ('60', '61', '62') AND run_at < at + interval '50 s')) LOOP
		COMMIT;
		PERFORM herald.maintain(), pg_sleep(0.02);
	END LOOP;
END
$$;
SELECT event, content FROM sd.heard() WHERE rooms <> 'user:1' ORDER BY content, event;
SELECT count(*) FROM herald_internal.due WHERE row_id IN ('60', '61', '62') AND NOT published;
UPDATE herald_internal.due SET run_at = now() WHERE row_id IN ('61', '62');
DO $$
BEGIN
	WHILE EXISTS (SELECT FROM herald_internal.due WHERE row_id IN ('61', '62') AND NOT published) LOOP
		COMMIT;
		PERFORM herald.maintain();
	END LOOP;
END
$$;
SELECT event, content FROM sd.heard() WHERE rooms <> 'user:1' ORDER BY content, event;
SELECT herald.unwatch('sd.posts', 'slow');
UPDATE herald_internal.due SET run_at = now() WHERE row_id = '60';
SELECT herald.maintain() > now();
SELECT event, content FROM sd.heard() WHERE rooms <> 'user:1' ORDER BY content, event;
SET client_min_messages = warning;

-- A row that takes the place of a deleted one is a post of its own: it is published once, at its own time, also if that
-- has just come.
INSERT INTO sd.posts SELECT n, 1, 'before ' || n, now() + interval '0.5 s' FROM generate_series(90, 92) AS n;
CREATE TABLE sd.due AS SELECT id, published_at FROM sd.posts WHERE id >= 90;
DELETE FROM sd.posts WHERE id IN (90, 91);
INSERT INTO sd.posts VALUES (90, 1, 'at once', now() - interval '1 s');
INSERT INTO sd.posts SELECT id, 1, 'same time', published_at FROM sd.due WHERE id = 91;
SELECT pg_sleep_until(max(published_at)) FROM sd.due;
DELETE FROM sd.posts WHERE id = 92;
INSERT INTO sd.posts SELECT id, 1, 'same time, after it', published_at FROM sd.due WHERE id = 92;
CALL sd.wait();
SELECT rooms, content, count(*) FROM sd.heard()
WHERE event = 'post:created' AND rooms ~ 'post' GROUP BY 1, 2 ORDER BY 2;

-- So is one that takes the id of a row that was emptied away, or that has got another id. That row keeps its time.
INSERT INTO sd.posts SELECT n, 1, 'before ' || n, now() + interval '0.5 s' FROM generate_series(81, 82) AS n;
TRUNCATE sd.posts;
INSERT INTO sd.posts VALUES (81, 1, 'at once', now() - interval '1 s');
INSERT INTO sd.posts
	SELECT n, 1, 'scheduled as ' || n, now() + interval '0.5 s' FROM unnest('{91,92,95,96}'::int[]) AS n;
UPDATE sd.posts SET id = 93 WHERE id = 92;
INSERT INTO sd.posts VALUES (92, 1, 'at once', now() - interval '1 s');
UPDATE sd.posts SET id = id - 1 WHERE id IN (95, 96);
CALL sd.wait();
SELECT rooms, content, count(*) FROM sd.heard()
WHERE event = 'post:created' AND rooms ~ 'post' GROUP BY 1, 2 ORDER BY 1, 2;

-- Partitions: each is published by the rules of the parent.
CREATE TABLE sd.notes (id int PRIMARY KEY, user_id int REFERENCES sd.users, body text, gone int,
	published_at timestamptz) PARTITION BY RANGE (id);
CREATE TABLE sd.notes_1 PARTITION OF sd.notes FOR VALUES FROM (0) TO (10);
CREATE TABLE sd.notes_2 (published_at timestamptz, body text, gone int, id int NOT NULL, user_id int);
ALTER TABLE sd.notes ATTACH PARTITION sd.notes_2 FOR VALUES FROM (10) TO (20);
ALTER TABLE sd.notes DROP gone;
SELECT herald.watch_posts('sd.notes', noun => 'note');
INSERT INTO sd.notes VALUES (1, 1, 'one', now() + interval '0.5 s'), (11, 1, 'eleven', now() + interval '0.5 s');
INSERT INTO sd.notes_2 (id, user_id, published_at) VALUES (12, 1, now() + interval '0.5 s');
SELECT count(*) FROM sd.heard();
CALL sd.wait();
SELECT rooms, event FROM sd.heard() WHERE rooms <> 'user:1' ORDER BY rooms;
-- Rows are written through the parent and removed from their partition, or the reverse: one that takes the id of
-- another is published once, at its own time. So is one that is published early there.
INSERT INTO sd.notes SELECT n, 1, 'before ' || n, now() + interval '0.5 s' FROM unnest('{2,4,5,6,13,14}'::int[]) AS n;
INSERT INTO sd.notes_1 VALUES (3, 1, 'before 3', now() + interval '0.5 s');
DELETE FROM sd.notes_1 WHERE id = 2;
DELETE FROM sd.notes WHERE id = 3;
UPDATE sd.notes_1 SET id = 7 WHERE id = 4;
UPDATE sd.notes_1 SET published_at = now() WHERE id = 5;
TRUNCATE sd.notes_2;
INSERT INTO sd.notes SELECT n, 1, 'at once ' || n, now() - interval '1 s' FROM unnest('{2,3,4,13}'::int[]) AS n;
INSERT INTO sd.notes_2 (id, user_id, body, published_at) VALUES (14, 1, 'at once 14', now() - interval '1 s');
CALL sd.wait();
SELECT rooms, count(*) FROM sd.heard() WHERE rooms <> 'user:1' AND event = 'note:created' GROUP BY rooms ORDER BY rooms;
-- A partition that is watched itself, too: each table's rules publish its rows once.
SELECT herald.watch_posts('sd.notes_1', noun => 'part');
INSERT INTO sd.notes_1 VALUES (8, 1, 'both', now() + interval '0.5 s');
CALL sd.wait();
SELECT rooms, event FROM sd.heard() WHERE rooms <> 'user:1' ORDER BY rooms;
-- Nobody has maintained for hours: a row that takes the id of a deleted one is published once.
INSERT INTO sd.posts VALUES (97, 1, 'before 97', now() + interval '1 h');
SET herald.enabled = off;
UPDATE sd.posts SET published_at = now() - interval '2 h' WHERE id = 97;
RESET herald.enabled;
UPDATE herald_internal.due SET at = now() - interval '2 h', run_at = now() - interval '2 h' WHERE row_id = '97';
DELETE FROM sd.posts WHERE id = 97;
INSERT INTO sd.posts VALUES (97, 1, 'at once', now() - interval '1 s');
CALL sd.wait();
SELECT rooms, content, count(*) FROM sd.heard() WHERE event = 'post:created' AND rooms <> 'user:1' GROUP BY 1, 2;

-- Nothing is left when the tables are unwatched.
SELECT count(herald.unwatch(relation)) FROM (SELECT DISTINCT relation FROM herald_internal.watched_table
                                             WHERE relation::text LIKE 'sd.%') AS w;
SELECT herald.maintain() IS NULL;
SELECT count(*) FROM herald_internal.due;
SELECT herald_internal.own_unlock('herald_internal.log_fold');
DROP SCHEMA sd CASCADE;
TRUNCATE herald.notification;
