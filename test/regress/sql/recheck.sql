-- Rechecks: the log says when access to rooms may have changed, and sessions ask again for their rooms.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA rc;
CREATE TABLE rc.posts (id int PRIMARY KEY, user_id int, audience text NOT NULL DEFAULT 'public');
CREATE TABLE rc.comments (id int PRIMARY KEY, post_id int REFERENCES rc.posts, user_id int, body text);
CREATE TABLE rc.guests (post_id int, user_id int, note text);
INSERT INTO rc.posts VALUES (1, 10), (2, 20);
CREATE TABLE rc.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION rc.heard() RETURNS TABLE (name text, rooms text[], "user" text, room text, access text)
LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM rc.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE rc.mark SET position = (SELECT r.position FROM read AS r WHERE r.name IS NULL))
	SELECT r.name, r.rooms, r.recheck_user, r.recheck_room, r.access
	FROM read AS r WHERE r.name IS NOT NULL ORDER BY r.id
$$;

-- By hand: of a user, of a room, or of both.
SELECT herald.recheck(user_id => '7') > 0 AS "user", herald.recheck(room => 'hall:1') > 0 AS room,
       herald.recheck('7', 'hall:1') > 0 AS both;
SELECT herald.recheck();
SELECT herald.recheck(room => '*');
SELECT herald.recheck('7', '');
SELECT count(*) FROM rc.mark AS m, herald.read_events(m.position, rooms => '{hall:1}') AS e WHERE e.name IS NOT NULL;
SELECT * FROM rc.heard();

-- All rooms with a prefix: by the role that they belong to, or an administrator.
CREATE ROLE regress_asker IN ROLE herald_publish;
CREATE ROLE regress_chief IN ROLE herald_admin;
SELECT herald.watch_posts('rc.posts');
SELECT * FROM rc.heard() \g /dev/null
SET ROLE regress_asker;
SELECT herald.recheck(room => 'post');
SELECT herald.recheck(room => 'post:1') > 0 AS room, herald.recheck('7', 'post') > 0 AS "user",
       herald.recheck(room => 'nobodys') > 0 AS nobodys;
SET ROLE regress_chief;
SELECT herald.recheck(room => 'post') > 0 AS chief;
RESET ROLE;
SELECT herald.recheck(room => 'post') > 0 AS owner;
SELECT * FROM rc.heard();
SELECT herald.unwatch('rc.posts');
SELECT * FROM rc.heard() \g /dev/null
DROP ROLE regress_asker, regress_chief;

-- By a rule: an update rechecks the users and rooms of the old and the new row, each once.
SELECT herald.watch('rc.guests', 'guests', '{insert,update,delete}', recheck_user => '{user_id}',
                    recheck_room => 'post:{post_id}');
INSERT INTO rc.guests VALUES (1, 7), (1, 8), (1, 7), (NULL, 9), (1, NULL);
SELECT * FROM rc.heard();
UPDATE rc.guests SET user_id = 9 WHERE user_id = 8;
UPDATE rc.guests SET note = 'x' WHERE user_id = 7;
UPDATE rc.guests SET note = 'x' WHERE user_id = 7;
SELECT * FROM rc.heard();
DELETE FROM rc.guests;
SELECT * FROM rc.heard();

-- Rows of a key that are active or not, other tables, and a recheck before the event of the same rule.
SELECT herald.watch('rc.guests', 'guests', '{insert,delete}', active => $$post.note <> 'out'$$, key => 'user_id',
	joins => 'JOIN rc.posts AS post ON post.id = changed.post_id', recheck_room => 'author:{post.user_id}',
	event => 'guest:changed', room => 'post:{post_id}');
INSERT INTO rc.guests VALUES (1, 7, 'in'), (2, 8, 'out'), (3, 9, 'in');
UPDATE rc.guests SET note = 'in' WHERE user_id = 8;
UPDATE rc.guests SET note = 'still in' WHERE user_id = 8;
UPDATE rc.guests SET note = 'out' WHERE user_id = 7;
SELECT * FROM rc.heard();
SELECT herald.watch('rc.guests', 'guests', recheck_user => '{user_id}');
INSERT INTO rc.guests VALUES (1, 8), (2, NULL);
SELECT * FROM rc.heard();
SELECT herald.watch('rc.guests', 'guests');
SELECT herald.unwatch('rc.guests');

-- A join: the keys of the room, and its snapshots.
SELECT herald.watch_posts('rc.posts', visible => $$post.audience = 'public' OR post.user_id::text = viewer$$);
SELECT herald.watch_comments('rc.comments');
CREATE TABLE rc.halls (room text, user_id text);
CREATE FUNCTION rc.hall(user_id text, room text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF user_id = 'bad' THEN
		RAISE 'user of bad repute';
	END IF;
	RETURN EXISTS (SELECT FROM rc.halls AS h WHERE h.room = hall.room AND h.user_id = hall.user_id);
END
$$;
SELECT herald.room_policy('hall', 'rc.hall(text, text)');
INSERT INTO rc.comments VALUES (11, 1, 20, 'hi'), (12, 2, 20, 'hi');
INSERT INTO rc.halls SELECT 'hall:1', n FROM generate_series(1, 9) AS n;
SELECT room, j.admitted, j.keys, j.checked IS NOT NULL AND j.since IS NOT NULL AS snapshots
FROM unnest('{post:1,post:01,post:3,comment:11,hall:1,hall:2,user:7,feed:7,feed:8,nowhere:1}'::text[]) AS room,
     herald_internal.join_room('7', room, 's') AS j;
SELECT room FROM herald_internal.session_room WHERE session = 's' ORDER BY room;
CREATE TABLE rc.since AS SELECT since FROM herald_internal.session_room WHERE session = 's' AND room = 'hall:1';
SELECT admitted FROM herald_internal.join_room('7', 'hall:1', 's');
SELECT s.since::text = f.since::text AS first FROM herald_internal.session_room AS s, rc.since AS f
WHERE s.room = 'hall:1';

-- Many pairs at once: one that fails harms no other, and all failures make one line in the server's log.
SET client_min_messages = notice;
SELECT a.*
FROM herald_internal.admitted(
	'{7,bad,8,9,bad,7,NULL,7,7,bad,10,7}',
	'{hall:1,hall:1,hall:1,hall:2,hall:2,post:1,post:1,NULL,post:x,post:2,"post:","comment:12"}') AS a;
SELECT count(*), min(keys), max(keys)
FROM herald_internal.admitted(ARRAY(SELECT n::text FROM generate_series(0, 99) AS n),
                              ARRAY(SELECT 'hall:1' FROM generate_series(0, 99) AS n));
SELECT * FROM herald_internal.admitted('{}', '{}');
SET client_min_messages = warning;
CREATE FUNCTION rc.slow(user_id text, room text) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT pg_catalog.pg_sleep(600) IS NOT NULL
$$;
SELECT herald.room_policy('slow', 'rc.slow(text, text)');
SET statement_timeout = '100ms';
SELECT * FROM herald_internal.admitted('{7,8}', '{slow:1,slow:1}');
RESET statement_timeout;

-- Sessions that come back. The rooms are remembered, held or asked for; "late" rooms begin after the position. Those of
-- a session that is not recovered do so only if the worker writes at this moment. A session leaves interrupted rooms.
CREATE FUNCTION rc.connect(at text, held text DEFAULT NULL, asked text DEFAULT NULL)
RETURNS TABLE (recovered boolean, late text[], rooms text[], interrupted text[]) LANGUAGE sql AS $$
	SELECT c.recovered, array_agg(r.room) FILTER (WHERE c.recovered AND r.admitted AND j ->> 'since' IS NOT NULL),
	       array_agg(r.room) FILTER (WHERE r.admitted),
	       array_agg(r.room) FILTER (WHERE CAST(j ->> 'interrupted' AS boolean))
	FROM herald_internal.connect_sessions('{7}', '{s}', ARRAY[at], '{}', ARRAY[held], ARRAY[asked]) AS c
	LEFT JOIN LATERAL json_array_elements(c.joined) AS j ON true
	CROSS JOIN LATERAL (SELECT j ->> 'room', json_typeof(j -> 'keys') = 'array') AS r (room, admitted)
	GROUP BY c.recovered
$$;
CREATE TABLE rc.place (name text PRIMARY KEY, at text);
INSERT INTO rc.place VALUES ('start', herald.current_position());
-- An answer renews or forgets the remembered rooms. Each way begins with the same ones.
CREATE TABLE rc.remembered AS SELECT * FROM herald_internal.session_room;
CREATE FUNCTION rc.connect_again(at text, held text, asked text)
RETURNS TABLE (recovered boolean, late text[], rooms text[], interrupted text[]) LANGUAGE sql AS $$
	DELETE FROM herald_internal.session_room;
	INSERT INTO herald_internal.session_room SELECT * FROM rc.remembered;
	SELECT * FROM rc.connect(at, held, asked)
$$;
CREATE FUNCTION rc.try(name text)
RETURNS TABLE (way text, recovered boolean, late text[], rooms text[], interrupted text[]) LANGUAGE sql AS $$
	SELECT w.way, c.*
	FROM rc.place AS p,
	     (VALUES (1, 'remembered', NULL, NULL), (2, 'held', '["hall:1", "comment:11"]', NULL),
	             (3, 'asked', '[]', '["hall:1", "comment:11"]')) AS w (place, way, held, asked),
	     rc.connect_again(p.at, w.held, w.asked) AS c
	WHERE p.name = try.name
	ORDER BY w.place
$$;
SELECT * FROM rc.try('start');
-- One recheck that may withdraw or grant: a room that the session had had it before, or has it since.
SELECT herald.recheck('8'), herald.recheck('8', 'hall:1'), herald.recheck(room => 'hall:2'),
       herald.recheck('7', 'x') \g /dev/null
SELECT * FROM rc.try('start');
SELECT herald.recheck(room => 'hall:1') \g /dev/null
SELECT * FROM rc.try('start');
INSERT INTO rc.place VALUES ('between', herald.current_position());
-- Two: access may have been withdrawn between them.
SELECT herald.recheck('7', 'author:10') \g /dev/null
SELECT 'hall:1 once, comment:11 once' AS so_far, * FROM rc.try('start');
SELECT herald.recheck('7') \g /dev/null
SELECT * FROM rc.try('start');
SELECT * FROM rc.try('between');
INSERT INTO rc.place VALUES ('after', herald.current_position());
SELECT * FROM rc.try('after');
-- A recheck states its effect. Only one that withdraws and one that grants interrupt access.
SELECT herald_internal.append_event('{}', 'room:recheck', '{}', NULL, NULL, NULL, NULL, NULL, 'hall:1', access) > 0
       AS b
FROM unnest('{withdrawn,withdrawn}'::text[]) AS access;
SELECT * FROM rc.try('after');
INSERT INTO rc.place VALUES ('withdrawn', herald.current_position());
SELECT herald_internal.append_event('{}', 'room:recheck', '{}', NULL, NULL, NULL, NULL, '7', 'hall:1', 'granted') > 0
       AS b;
SELECT * FROM rc.try('after');
SELECT * FROM rc.try('withdrawn');
INSERT INTO rc.place VALUES ('granted', herald.current_position());
-- A room that was joined after the rechecks: its session has none of the events before.
DELETE FROM herald_internal.session_room;
SELECT admitted FROM herald_internal.join_room('7', 'hall:1', 's');
SELECT recovered, late, rooms FROM rc.place AS p, rc.connect(p.at) WHERE p.name = 'after';
SELECT herald.recheck('7') \g /dev/null
SELECT recovered, late, rooms FROM rc.place AS p, rc.connect(p.at) WHERE p.name = 'after';
SELECT recovered, late, rooms FROM rc.place AS p, rc.connect(herald.current_position()) WHERE p.name = 'after';
-- A recheck while the room was joined counts: the check has not considered it.
CREATE TABLE rc.early AS SELECT pg_current_snapshot() AS checked, herald.current_position() AS at;
SELECT herald.recheck('7') \g /dev/null
UPDATE herald_internal.session_room AS s SET since = pg_current_snapshot(), checked = e.checked
FROM rc.early AS e WHERE s.session = 's';
SELECT herald.recheck('7') \g /dev/null
SELECT c.* FROM rc.early AS e, rc.connect(e.at) AS c;
-- The client chooses its position. One from between withdrawal and return of access does not hide the withdrawal.
DELETE FROM herald_internal.session_room;
SELECT admitted FROM herald_internal.join_room('7', 'hall:1', 's');
SELECT herald.recheck('7', 'hall:1') \g /dev/null
INSERT INTO rc.place VALUES ('without', herald.current_position());
SELECT herald.publish('hall:1', 'hall:secret', '{}') \g /dev/null
SELECT herald.recheck('7', 'hall:1') \g /dev/null
SELECT recovered, late, rooms, interrupted FROM rc.place AS p, rc.connect(p.at) WHERE p.name = 'without';
-- It has left the room and joins again: earlier rechecks do not count any more, and earlier events do not reach it.
SELECT recovered, late, rooms, interrupted FROM rc.place AS p, rc.connect(p.at) WHERE p.name = 'without';
SELECT admitted FROM herald_internal.join_room('7', 'hall:1', 's');
SELECT recovered, late, rooms FROM rc.place AS p, rc.connect(p.at) WHERE p.name = 'without';
SELECT herald.recheck('7', 'hall:1') \g /dev/null
SELECT recovered, late, rooms FROM rc.place AS p, rc.connect(p.at) WHERE p.name = 'without';
SELECT recovered, late, rooms FROM rc.connect(herald.current_position());
-- Neither does one that claims to have seen all but the secret.
SELECT format('%s~0.%s.%s.0.0', substring(p.at FROM '^(?:[^~]*~){3}[^~]*'), to_hex(s.xid::text::bigint),
              to_hex(pg_snapshot_xmax(pg_current_snapshot())::text::bigint - s.xid::text::bigint)) AS forged
FROM rc.place AS p, herald.event AS s WHERE p.name = 'without' AND s.name = 'hall:secret' \gset
SELECT recovered, late, rooms FROM rc.connect(:'forged', NULL, '["hall:1"]');
SELECT herald_internal.leave_room('7', 'hall:1', 's');
SELECT recovered, late, rooms FROM rc.connect(:'forged', NULL, '["hall:1"]');
-- Nor one that claims to have seen the future: a recheck that the check has not considered would be hidden from it.
SELECT format('%s~0.%s.0.0', substring(herald.current_position() FROM '^(?:[^~]*~){3}[^~]*'),
              to_hex(pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000)) AS future \gset
SELECT r.recovered AS usable, c.recovered
FROM herald_internal.resume(ARRAY[:'future'], '{}') AS r, rc.connect(:'future') AS c;
-- Rechecks of one transaction are one change.
INSERT INTO rc.place VALUES ('at once', herald.current_position());
SELECT admitted FROM herald_internal.join_room('7', 'hall:1', 's');
SELECT herald.recheck('7'), herald.recheck(room => 'hall:1') \g /dev/null
SELECT recovered, rooms FROM rc.place AS p, rc.connect(p.at) WHERE p.name = 'at once';
-- A session without a position begins at the snapshot of the check.
SELECT c.recovered, c."position" IS NOT NULL AS has_position, json_array_length(c.joined) AS rooms,
       herald_internal.has_seen(c.seen_snapshots, c.seen_ids, c.checked) AS begins_at_check
FROM herald_internal.connect_sessions('{7,8}', '{s,t}') AS c;

-- Rooms that the user may not be in are forgotten: those of this session and user only.
INSERT INTO herald_internal.session_room (session, user_id, room, since, checked)
SELECT s.session, s.user_id, 'hall:1', pg_current_snapshot(), pg_current_snapshot()
FROM (VALUES ('s', '8'), ('t', '7')) AS s (session, user_id);
DELETE FROM rc.halls WHERE user_id = '7';
UPDATE rc.posts SET audience = 'private' WHERE id = 1;
SELECT * FROM rc.connect(herald.current_position(), '["post:1", "hall:2"]', '["hall:1", "comment:12"]');
SELECT session, user_id, room FROM herald_internal.session_room ORDER BY 1, 2, 3;
SELECT * FROM rc.connect(herald.current_position());
SELECT session, user_id, room FROM herald_internal.session_room ORDER BY 1, 2, 3;

DELETE FROM herald_internal.session_room;
SELECT herald.room_policy('hall', NULL), herald.room_policy('slow', NULL);
SELECT herald.unwatch_all();
DROP SCHEMA rc CASCADE;
TRUNCATE herald.notification;
