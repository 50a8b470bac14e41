-- The argument "active" of the calls: rows that do not meet it count as absent. They enter and leave by it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA mix;
CREATE TABLE mix.users (id int PRIMARY KEY, username text, notifications_enabled boolean, suspended_until timestamptz);
CREATE TABLE mix.posts (id int PRIMARY KEY, user_id int REFERENCES mix.users, body text, spam boolean);
CREATE TABLE mix.votes (user_id int REFERENCES mix.users, post_id int REFERENCES mix.posts, score smallint,
	PRIMARY KEY (user_id, post_id));
CREATE TABLE mix.person_actions (id int, person_id int REFERENCES mix.users, target_id int REFERENCES mix.users,
	followed_at timestamptz, blocked_at timestamptz, PRIMARY KEY (person_id, target_id));
CREATE TABLE mix.comments (id int PRIMARY KEY, user_id int REFERENCES mix.users, post_id int REFERENCES mix.posts,
	body text, approved boolean);
CREATE TABLE mix.members (id int, conversation_id int, user_id int REFERENCES mix.users, banned boolean,
	PRIMARY KEY (conversation_id, user_id));
CREATE TABLE mix.messages (id int PRIMARY KEY, conversation_id int, sender_id int REFERENCES mix.users, body text,
	recalled boolean);
CREATE TABLE mix.mutes (muter_id int REFERENCES mix.users, muted_id int REFERENCES mix.users, expires_at timestamptz);
INSERT INTO mix.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo'), (4, 'dan');
SELECT herald.watch_users('mix.users', active => 'suspended_until IS NULL OR suspended_until < now()'),
       herald.watch_posts('mix.posts', active => 'spam IS NOT TRUE'),
       herald.watch_likes('mix.votes', active => 'score > 0'),
       herald.watch_follows('mix.person_actions', follower => 'person_id', followee => 'target_id',
                            active => 'id > 0 AND followed_at IS NOT NULL'),
       herald.watch_blocks('mix.person_actions', blocker => 'person_id', blocked => 'target_id',
                           active => 'blocked_at IS NOT NULL'),
       herald.watch_comments('mix.comments', active => 'approved'),
       herald.watch_members('mix.members', active => 'id > 0 AND banned IS NOT TRUE'),
       herald.watch_messages('mix.messages', active => 'recalled IS NOT TRUE'),
       herald.watch_blocks('mix.mutes', mutual => false, active => 'expires_at IS NULL OR expires_at > now()');

CREATE TABLE mix.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION mix.heard() RETURNS TABLE (rooms text, event text, total text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM mix.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE mix.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), coalesce(nullif(r.name, 'room:recheck'), r.access || ' ' || r.recheck_room),
	       concat(p.payload ->> 'totalLikes', p.payload ->> 'totalFollowers', p.payload ->> 'totalComments')
	FROM read AS r CROSS JOIN LATERAL (SELECT r.payload::jsonb) AS p (payload)
	WHERE r.name IS NOT NULL AND r.name <> 'notification:unread';
$$;
CREATE VIEW mix.told AS
	SELECT recipient_id AS told, type, title, cause, retracted_at IS NOT NULL AS retracted
	FROM herald.notification ORDER BY id;

TRUNCATE herald.notification;

-- Votes: a vote against the post is nothing. A change of the vote is a like or an unlike, with undo.
INSERT INTO mix.posts VALUES (1, 1, 'x');
SELECT * FROM mix.heard();
INSERT INTO mix.votes VALUES (2, 1, -1), (3, 1, 0);
SELECT * FROM mix.heard();
UPDATE mix.votes SET score = 1;
SELECT * FROM mix.heard();
SELECT * FROM mix.told;
UPDATE mix.votes SET score = -1 WHERE user_id = 2;
DELETE FROM mix.votes WHERE user_id = 2;
SELECT * FROM mix.heard();
SELECT * FROM mix.told;
UPDATE mix.votes SET score = 2 WHERE user_id = 3;
SELECT * FROM mix.heard();

-- One table of several actions: each call counts its own rows.
INSERT INTO mix.person_actions VALUES (1, 4, 1, NULL, now());
SELECT herald.is_blocked('1', '4'), herald.may_join('4', 'feed:1') AS follows, herald.may_join('4', 'post:1') AS sees;
SELECT * FROM mix.heard();
UPDATE mix.person_actions SET blocked_at = NULL, followed_at = now();
SELECT herald.is_blocked('1', '4'), herald.may_join('4', 'feed:1') AS follows, herald.may_join('4', 'post:1') AS sees;
SELECT * FROM mix.heard();
INSERT INTO mix.posts VALUES (2, 1, 'y', false), (3, 1, 'buy', true);
SELECT * FROM mix.heard();
UPDATE mix.posts SET spam = true WHERE id = 2;
SELECT * FROM mix.heard();
SELECT herald.may_join('4', 'post:2'), herald.may_join('4', 'post:3');
DELETE FROM mix.person_actions;
SELECT * FROM mix.heard();

-- Comments that wait for approval, members that are banned, messages that are recalled.
TRUNCATE herald.notification;
INSERT INTO mix.comments VALUES (1, 2, 1, 'hi @cleo', false);
SELECT * FROM mix.told;
UPDATE mix.comments SET approved = true;
SELECT * FROM mix.told;
SELECT * FROM mix.heard() WHERE event LIKE 'comment%';
INSERT INTO mix.members VALUES (1, 9, 1, false), (2, 9, 2, false), (3, 9, 3, true);
INSERT INTO mix.messages VALUES (1, 9, 1, 'hello');
SELECT herald.may_join('2', 'conversation:9'), herald.may_join('3', 'conversation:9');
UPDATE mix.messages SET recalled = true;
SELECT * FROM mix.told WHERE type = 'message';
SELECT * FROM mix.heard() WHERE rooms LIKE 'conversation%';
SELECT * FROM herald.unread_messages('2');

-- A mute ends by itself: it is looked for when a notification is made.
TRUNCATE herald.notification;
INSERT INTO mix.mutes VALUES (1, 2, now() + interval '1 day');
INSERT INTO mix.votes VALUES (2, 1, 1);
SELECT told FROM mix.told;
UPDATE mix.mutes SET expires_at = now() - interval '1 second';
INSERT INTO mix.posts VALUES (5, 1, 'z');
INSERT INTO mix.votes VALUES (2, 5, 1);
SELECT told, title FROM mix.told;

-- Users that are suspended are neither notified nor mentioned.
UPDATE mix.users SET suspended_until = now() + interval '1 day' WHERE id IN (1, 4);
INSERT INTO mix.votes VALUES (3, 5, 1);
INSERT INTO mix.comments VALUES (2, 2, 5, 'hi @cleo and @dan', true);
SELECT told, title FROM mix.told;
UPDATE mix.users SET suspended_until = now() - interval '1 second';
INSERT INTO mix.votes VALUES (4, 5, 1);
SELECT told, title FROM mix.told;

-- A block that can end while its row stays: its end is rechecked with its begin.
SELECT herald.watch_blocks('mix.mutes', mutual => true, active => 'expires_at > now()');
DELETE FROM mix.mutes;
SELECT count(*) > 0 AS others FROM mix.heard();
INSERT INTO mix.mutes VALUES (1, 4, now() + interval '1 day');
SELECT event FROM mix.heard() ORDER BY event;
SELECT herald.may_join('4', 'post:1');

-- Rows are seen when they are written. A condition that can change otherwise is refused, except for blocks.
\set VERBOSITY default
SET search_path = mix, public;
CREATE FUNCTION mix.good(int) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true';
\set SHOW_CONTEXT never
SELECT herald.watch_likes('votes', active => 'score > 0 AND now() > ''2020-01-01''');
SELECT herald.watch_likes('votes', active => 'current_date > ''2020-01-01''');
SELECT herald.watch_likes('votes', active => 'EXISTS (SELECT FROM mix.users AS u WHERE u.id = user_id)');
SELECT herald.watch_likes('votes', active => 'mix.good(score)');
SELECT herald.watch_likes('votes', active => 'scor > 0');
SELECT herald.watch_members('members', active => 'random() > 0.5');
SELECT herald.watch_likes('votes', active => 'post_id::text::date > ''2020-01-01''', ignore => '{score}');
RESET search_path;

SELECT count(herald.unwatch(relation)) FROM (SELECT DISTINCT relation FROM herald_internal.watched_table
                                             WHERE relation::text LIKE 'mix.%') AS w;
SET client_min_messages = warning;
DROP SCHEMA mix CASCADE;
TRUNCATE herald.notification;
