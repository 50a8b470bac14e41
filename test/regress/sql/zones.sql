-- Payloads say timestamps without a zone as times of the zone that the watch call states, as they say timestamptz.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE SCHEMA zones;
CREATE DOMAIN zones.moment AS timestamp;
CREATE DOMAIN zones.moments AS zones.moment[];
CREATE TABLE zones.meetings (id int PRIMARY KEY, owner text, zoned timestamptz, "local ""at""" timestamp(3),
	moment zones.moment, many timestamp[], moments zones.moments, word text, day date, clock time);
CREATE TABLE zones.mark AS SELECT herald.current_position() AS position;
-- The new events, without the parts of a payload that differ from run to run.
CREATE FUNCTION zones.heard() RETURNS TABLE (event text, payload json) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM zones.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE zones.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT r.name, r.payload::json FROM read AS r WHERE r.name IS NOT NULL AND r.name !~ '^notification:';
$$;

SELECT herald.watch('zones.meetings', 'meeting', event => 'meeting:new', room => 'meetings');
INSERT INTO zones.meetings VALUES (1, 'ann', '2026-11-29 09:00:00+00', '2026-11-29 09:00:00.25', '2026-07-01 09:00',
	'{2026-11-29 09:00, NULL, infinity}', '{{2026-11-29 09:00},{2026-11-30 09:00}}', '2026-11-29T09:00:00',
	'2026-11-29', '09:00');
SELECT * FROM zones.heard();

-- a zone with summer time; the same in each session
SELECT herald.watch('zones.meetings', 'meeting', '{insert,update}', event => 'meeting:new', room => 'meetings',
	zone => 'Europe/Berlin');
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'German';
INSERT INTO zones.meetings SELECT 2, m.owner, m.zoned, m."local ""at""", m.moment, m.many, m.moments, m.word, m.day,
	m.clock FROM zones.meetings AS m;
RESET TimeZone;
RESET DateStyle;
SELECT * FROM zones.heard();

-- no value fails the write
INSERT INTO zones.meetings (id, "local ""at""", moment, many) VALUES (3, 'infinity', '-infinity',
	'{4713-01-01 00:00 BC, 294276-12-31 23:59:59, 0044-03-15 12:00}');
SELECT payload #> '{meeting}' FROM zones.heard();

-- neither does a later change of the table
ALTER TABLE zones.meetings RENAME moment TO instant;
ALTER TABLE zones.meetings DROP many;
ALTER TABLE zones.meetings ALTER "local ""at""" TYPE timestamptz USING "local ""at""" AT TIME ZONE 'UTC';
INSERT INTO zones.meetings VALUES (4, 'ann', NULL, '2026-11-29 09:00:00+00');
SELECT payload -> 'meeting' ->> 'local "at"' AS zoned FROM zones.heard();

-- Tables without such columns are published as they are.
CREATE TABLE zones.plain (id int PRIMARY KEY, at timestamptz);
SELECT herald.watch('zones.plain', 'plain', event => 'plain:new', room => 'plain', zone => 'America/New_York');
INSERT INTO zones.plain VALUES (1, '2026-11-29 09:00:00+00');
SELECT * FROM zones.heard();
SELECT publish LIKE '%regexp_matches%' AS pays FROM herald.watched WHERE relation = 'zones.plain'::regclass;

-- Titles and contents have the zone, too, unless the template cuts them. Causes, rooms and ids are keys, and stay.
CREATE TABLE zones.alarms (at timestamp, owner text, spare timestamp[], PRIMARY KEY (owner, at));
SELECT herald.watch('zones.alarms', 'alarm', recipient => 'new.owner', title => 'At {at}, {changed.at}',
	content => '{new.at:16} {spare}', cause => 'alarm:{at}', event => 'alarm:set', room => 'alarm:{at}',
	payload => $$json_build_object('at', new.at AT TIME ZONE 'America/New_York')$$, zone => 'America/New_York');
INSERT INTO zones.alarms VALUES ('2026-07-01 09:00', 'ann', '{2026-07-01 09:00}'), ('infinity', 'ann', '{}');
SELECT cause, subject_id, title, content FROM herald.notification ORDER BY id;
SELECT rooms, payload FROM herald.event WHERE name = 'alarm:set' ORDER BY id;

-- the calls for social tables that publish a row
CREATE TABLE zones.users (id int PRIMARY KEY, username text);
CREATE TABLE zones.posts (id int PRIMARY KEY, user_id int REFERENCES zones.users, body text, created_at timestamp);
CREATE TABLE zones.comments (id int PRIMARY KEY, post_id int REFERENCES zones.posts, user_id int REFERENCES zones.users,
	body text, created_at timestamp);
CREATE TABLE zones.messages (id int PRIMARY KEY, sender_id int REFERENCES zones.users,
	receiver_id int REFERENCES zones.users, body text, created_at timestamp);
INSERT INTO zones.users VALUES (1, 'ann'), (2, 'ben');
SELECT herald.watch_users('zones.users'), herald.watch_posts('zones.posts', zone => 'Asia/Tokyo'),
	herald.watch_comments('zones.comments', zone => 'Asia/Kolkata'),
	herald.watch_messages('zones.messages', receiver => 'receiver_id');
SELECT FROM zones.heard();
INSERT INTO zones.posts VALUES (1, 1, 'a', '2026-11-29 09:00');
INSERT INTO zones.comments VALUES (1, 1, 2, 'b', '2026-11-29 09:00');
INSERT INTO zones.messages VALUES (1, 1, 2, 'c', '2026-11-29 09:00');
SELECT event, coalesce(payload -> 'post', payload -> 'comment', payload -> 'message') AS row FROM zones.heard();

-- wrong zones
SELECT herald.watch('zones.plain', 'plain', event => 'plain:new', room => 'plain', zone => 'Mars/Olympus');
SELECT herald.watch('zones.plain', 'plain', event => 'plain:new', room => 'plain', zone => 'IST');
SELECT herald.watch('zones.plain', 'plain', event => 'plain:new', room => 'plain', zone => NULL);
SELECT herald.watch_posts('zones.posts', zone => 'Mars/Olympus');
SELECT herald.watch_comments('zones.comments', zone => '+5');
SELECT herald.watch_messages('zones.messages', receiver => 'receiver_id', zone => '');

SELECT herald.unwatch_all();
DROP SCHEMA zones CASCADE;
TRUNCATE herald.notification;
