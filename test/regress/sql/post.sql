-- Posts: states, feeds, followers; and milestones of their totals.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA pst;
CREATE TABLE pst.users (id int PRIMARY KEY, username text, notifications_enabled boolean NOT NULL DEFAULT true);
CREATE TABLE pst.posts (id int PRIMARY KEY, user_id int REFERENCES pst.users, content text,
	status text NOT NULL DEFAULT 'published',
	audience text NOT NULL DEFAULT 'public', deleted_at timestamptz);
CREATE TABLE pst.follows (follower_id int REFERENCES pst.users, followee_id int REFERENCES pst.users);
CREATE TABLE pst.likes (user_id int REFERENCES pst.users, post_id int REFERENCES pst.posts,
	PRIMARY KEY (user_id, post_id));
INSERT INTO pst.users SELECT n, 'user ' || n FROM generate_series(1, 200) AS n;
SELECT herald.watch_users('pst.users', handle => 'username'), herald.watch_follows('pst.follows'),
       herald.watch_likes('pst.likes'),
	herald.watch_posts('pst.posts', status => 'status', in_feed => $$audience = 'public'$$, notify_followers => true,
	                   follower_limit => 5);
INSERT INTO pst.follows SELECT n, 1 FROM generate_series(2, 5) AS n;
TRUNCATE herald.notification;
CREATE VIEW pst.told AS SELECT string_agg(recipient_id, ' ' ORDER BY id) AS told, type, title, subject_id
	FROM herald.notification WHERE retracted_at IS NULL
	GROUP BY type, title, subject_id ORDER BY min(id);
CREATE TABLE pst.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION pst.heard() RETURNS TABLE (rooms text, event text, author text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM pst.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE pst.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name, CAST(r.payload AS json) ->> 'authorName' FROM read AS r
	WHERE r.name LIKE 'post:%';
$$;

-- The author receives each state, the followers only published posts.
INSERT INTO pst.posts VALUES (1, 1, 'A film', 'publishing');
SELECT * FROM pst.heard();
UPDATE pst.posts SET content = 'A longer film';
UPDATE pst.posts SET status = 'failed';
SELECT * FROM pst.heard();
UPDATE pst.posts SET status = 'published';
SELECT * FROM pst.heard();
SELECT * FROM pst.told;
UPDATE pst.posts SET content = 'Another cut';
UPDATE pst.posts SET status = 'draft';
SELECT * FROM pst.heard();
SELECT * FROM pst.told;
UPDATE pst.posts SET status = 'published';
SELECT * FROM pst.told;
UPDATE pst.posts SET deleted_at = now();
DELETE FROM pst.posts;
SELECT * FROM pst.heard();
SELECT * FROM pst.told;

-- A post outside the feed reaches only the users that may see it.
INSERT INTO pst.posts VALUES (2, 1, 'For friends', 'published', 'friends');
SELECT * FROM pst.heard();
SELECT * FROM pst.told;

-- A post can enter the feed later, or return to it.
SELECT * FROM pst.heard();
UPDATE pst.posts SET audience = 'public' WHERE id = 2;
SELECT * FROM pst.heard();
SELECT * FROM pst.told;
UPDATE pst.posts SET audience = 'friends' WHERE id = 2;
SELECT * FROM pst.heard();
SELECT * FROM pst.told;

-- One statement notifies the followers, up to a limit; followers with notifications switched off get none.
UPDATE pst.users SET notifications_enabled = false WHERE id = 3;
INSERT INTO pst.posts VALUES (3, 1, 'For four'), (4, 2, 'For nobody');
INSERT INTO pst.follows VALUES (6, 1);
INSERT INTO pst.posts VALUES (5, 1, 'For five');
INSERT INTO pst.follows VALUES (7, 1);
INSERT INTO pst.posts VALUES (6, 1, 'For six: too many to be told one by one');
SELECT * FROM pst.told WHERE type = 'post';
SELECT rooms, event FROM pst.heard();

-- Milestones: one notification when a total reaches the step, however it moves later, and none for earlier totals.
TRUNCATE herald.notification;
SELECT herald.maintain();
INSERT INTO pst.likes SELECT n, 3 FROM generate_series(2, 100) AS n;
SELECT herald.maintain();
SELECT told, type, title FROM pst.told WHERE type = 'milestone';
INSERT INTO pst.likes SELECT n, 3 FROM generate_series(101, 103) AS n;
SELECT herald.maintain();
SELECT recipient_id, title, content, data, subject_type, subject_id FROM herald.notification WHERE type = 'milestone';
DELETE FROM pst.likes WHERE user_id > 90;
SELECT herald.maintain();
INSERT INTO pst.likes SELECT n, 3 FROM generate_series(91, 150) AS n;
SELECT herald.maintain();
SELECT told, title FROM pst.told WHERE type = 'milestone';
-- Steps that totals pass while herald.enabled is off.
SET herald.enabled = off;
INSERT INTO pst.users SELECT n, 'user ' || n FROM generate_series(201, 1300) AS n;
INSERT INTO pst.likes SELECT n, 4 FROM generate_series(3, 1200) AS n;
INSERT INTO pst.follows SELECT n, 2 FROM generate_series(3, 100) AS n;
RESET herald.enabled;
INSERT INTO pst.likes VALUES (1201, 4);
INSERT INTO pst.follows VALUES (101, 2), (102, 2);
SELECT herald.maintain();
SELECT told, title FROM pst.told WHERE type = 'milestone' ORDER BY title;
-- Steps from the setting herald.milestones. The worker, which has others, cannot fold while a transaction has the lock.
SET herald.milestones = '3,160';
BEGIN;
SELECT herald_internal.own_lock('herald_internal.log_fold', true);
PREPARE TRANSACTION 'fold';
INSERT INTO pst.likes SELECT n, 5 FROM generate_series(2, 8) AS n;
INSERT INTO pst.likes SELECT n, 3 FROM generate_series(151, 170) AS n;
COMMIT PREPARED 'fold';
SELECT herald.maintain();
SELECT told, title FROM pst.told WHERE type = 'milestone' ORDER BY title;
RESET herald.milestones;
-- The milestone of a deleted post goes, too.
DELETE FROM pst.likes WHERE post_id = 3;
DELETE FROM pst.posts WHERE id = 3;
SELECT told, title FROM pst.told WHERE type = 'milestone' ORDER BY title;

SELECT herald.unwatch_all();
TRUNCATE herald.read_mark, herald.notification;
DROP SCHEMA pst CASCADE;
