-- The event log: appending, reading from positions, and retention.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA event_log;
CREATE TABLE event_log.mark (name text PRIMARY KEY, position text NOT NULL);
CREATE FUNCTION event_log.mark(mark text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO event_log.mark AS m VALUES (mark, herald.current_position())
	ON CONFLICT (name) DO UPDATE SET position = excluded.position;
$$;
CREATE FUNCTION event_log.at(mark text) RETURNS text LANGUAGE sql AS $$
	SELECT m.position FROM event_log.mark AS m WHERE m.name = at.mark;
$$;
-- Returns the names of the events after a position, page by page: a bar ends a page.
CREATE FUNCTION event_log.pages(place text, max_events int, until text DEFAULT NULL, rooms text[] DEFAULT NULL,
	max_bytes int DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	read record;
	names text := '';
	go_on boolean := true;
BEGIN
	WHILE go_on LOOP
		FOR read IN SELECT * FROM herald.read_events(place, until, rooms, max_events, max_bytes) LOOP
			names := names || coalesce(read.name || ' ', '| ');
			place := read.position;
			go_on := read.more;
		END LOOP;
	END LOOP;
	RETURN rtrim(names);
END
$$;
-- Returns the error that reading from a position raises.
CREATE FUNCTION event_log.failure(place text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM read.name FROM herald.read_events(place) AS read;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

-- Appending.
SELECT event_log.mark('first');
SELECT herald.publish('post:1', 'a', '{"n": 1}') IS NOT NULL AS published;
SELECT herald_internal.append_event('{post:1,user:ann}', 'b', '{"n":2}', 'ann', 'post:1', NULL) IS NOT NULL AS appended;
SELECT herald.broadcast('c', '{}') IS NOT NULL AS broadcast;
SELECT rooms, name, payload, member_id, joins, leaves, logged_ms BETWEEN 1e12 AND 1e13 AS in_milliseconds, more,
       id IS NOT NULL AS has_id
FROM herald.read_events(event_log.at('first'));
-- white space between the tokens of a payload is not kept
SELECT herald_internal.append_event('{post:1}', 'spaces',
	e'{ "n" :\t[2, 3],\r\n "a \\" b" : "c, \\\\" , "d":" : ü" } ', NULL, NULL, NULL)
	AS spaces \gset
SELECT payload FROM herald.event WHERE id = :spaces;
DELETE FROM herald.event WHERE id = :spaces;
SELECT herald.publish('', 'a', '{}');
SELECT herald.publish(NULL, 'a', '{}');
SELECT herald.publish('post:1', '', '{}');
SELECT herald.publish('post:1', NULL, '{}');
SELECT herald.publish('post:1', 'a', NULL);
SELECT herald.publish('post:1', 'a', '[1]');
SELECT herald.broadcast('a', '"text"');
\set VERBOSITY sqlstate
SELECT herald_internal.append_event(NULL, 'a', '{}', NULL, NULL, NULL);
SELECT herald_internal.append_event('{post:1}', NULL, '{}', NULL, NULL, NULL);
\set VERBOSITY default
SELECT event_log.pages(event_log.at('first'), 1000) AS unchanged;

-- The reader returns no event of a transaction that rolled back or has not committed yet. Gaps in the ids mean
-- nothing.
SELECT event_log.mark('gap');
BEGIN;
SELECT herald.publish('post:1', 'undone', '{}') IS NOT NULL AS published;
ROLLBACK;
SELECT herald.publish('post:1', 'done', '{}') IS NOT NULL AS published;
SELECT event_log.pages(event_log.at('gap'), 1000);

-- Pages of one window: one transaction, several transactions, and pages of every size.
SELECT event_log.mark('window');
SELECT count(herald.publish('post:' || n % 3, 'e' || n, jsonb_build_object('n', n))) FROM generate_series(1, 5) AS n;
SELECT herald.publish('post:0', 'e6', '{}') IS NOT NULL AS published;
SELECT herald.publish('post:1', 'e7', '{}') IS NOT NULL AS published;
SELECT event_log.mark('end');
SELECT max, event_log.pages(event_log.at('window'), max) FROM generate_series(1, 8) AS max;

-- The position of each row resumes right after that row, also after later events.
SELECT herald.publish('post:2', 'e8', '{}') IS NOT NULL AS published;
SELECT read.name, event_log.pages(read.position, 2) AS then
FROM herald.read_events(event_log.at('window'), event_log.at('end')) AS read
ORDER BY read.id NULLS LAST;
SELECT read.name, event_log.pages(read.position, 100) AS then
FROM herald.read_events(event_log.at('window'), event_log.at('end'), max_events => 3) AS read
ORDER BY read.id NULLS LAST;

-- until: only the events that a position has seen, for the replay to one client.
SELECT event_log.pages(event_log.at('window'), 1000, event_log.at('end'));
SELECT event_log.pages(event_log.at('window'), 3, event_log.at('end'));
SELECT event_log.pages(event_log.at('end'), 3, event_log.at('end')) AS nothing;
SELECT event_log.pages(event_log.at('first'), 2, event_log.at('gap'));

-- rooms: only the events of these rooms. A page counts all events that the reader has examined.
SELECT event_log.pages(event_log.at('window'), 1000, NULL, '{post:0}');
SELECT event_log.pages(event_log.at('window'), 2, NULL, '{post:0,post:1}');
SELECT event_log.pages(event_log.at('window'), 2, NULL, '{nowhere}');
SELECT event_log.pages(event_log.at('window'), 2, NULL, '{}');
SELECT event_log.pages(event_log.at('first'), 1000, event_log.at('gap'), '{*}') AS broadcast;

-- max_bytes: a page ends with the event that reaches the limit, compressed or not. Events of other rooms do not count.
SELECT event_log.mark('large');
SELECT count(herald.publish(r, e, jsonb_build_object('t', t)))
FROM (VALUES ('a', 'small', 'xx'), ('a', 'squeezed', repeat('x', 100000)),
      ('a', 'spread', (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 3000) AS n)),
             ('b', 'other', repeat('x', 100000)), ('a', 'last', 'x')) AS v (r, e, t);
SELECT event_log.mark('large end');
SELECT b, event_log.pages(event_log.at('large'), 1000, event_log.at('large end'), NULL, b) AS pages,
       event_log.pages(event_log.at('large'), 1000, event_log.at('large end'), '{a}', b) AS of_a
FROM unnest(ARRAY[1, 10, 11, 100000, 200000, 1000000, NULL]) AS b;
SELECT event_log.pages(event_log.at('large'), 2, event_log.at('large end'), NULL, 1000000) AS at_most_two;
SELECT name, more, lag_events
FROM herald.read_events(event_log.at('large'), event_log.at('large end'), max_bytes => 100000) WHERE name IS NULL;

-- At the end of the log a read returns no event, and the position remains valid.
SELECT name, more FROM herald.read_events(herald.current_position());

-- The reader computes the badge at the end of the page that changes it.
SELECT event_log.mark('badge');
SELECT herald.notify('eve', 'system', 'One') IS NOT NULL AS made;
SELECT herald.notify('eve', 'system', 'Two') IS NOT NULL AS made;
SELECT rooms, name, payload::jsonb ->> 'title' AS title, payload::jsonb ->> 'count' AS count,
       id IS NULL AS derived, more
FROM herald.read_events(event_log.at('badge'));
SELECT event_log.pages(event_log.at('badge'), 1);

-- Two joined positions: the events after both. The earliest of several: the events after one of them.
SELECT name FROM herald.read_events(event_log.at('window') || '_' || event_log.at('first'), event_log.at('end'),
                                    max_events => 2);
SELECT substring(e.position FROM '^[^.]+.[^.]+.[^.]+') = substring(event_log.at('first') FROM '^[^.]+.[^.]+.[^.]+')
       AS earliest, e.in_window, (SELECT count(*) FROM herald_internal.earliest('{}')) AS of_none
FROM herald_internal.earliest(ARRAY[event_log.at('window'), event_log.at('first'),
                                    event_log.at('first') || '_' || event_log.at('window'), NULL, 'nonsense']) AS e;
-- A client's position that lies about transactions and ids takes no event from the others of a replay.
BEGIN;
SELECT herald.publish('user:liar', 'before', '{}') IS NOT NULL AS published;
SELECT event_log.mark('honest');
COMMIT;
SELECT lie, (SELECT count(*) FROM herald.read_events(e.position, max_events => 1000000) AS r
             WHERE r.name = 'before') AS events
FROM unnest('{ffffffff.3.0.0,0.3.0.0,ffffffff.3.0.ffffffff,ffffffff.3.ffffffff.0}'::text[]) AS lie,
     herald_internal.earliest(ARRAY[event_log.at('honest'), regexp_replace(event_log.at('honest'), '[^~]+$', lie)])
     AS e;
-- lag_events: the number of events behind a page.
SELECT name, more, lag_events FROM herald.read_events(event_log.at('window'), event_log.at('end'), max_events => 3)
WHERE name IS NULL;
\set VERBOSITY sqlstate
SELECT name FROM herald.read_events(event_log.at('first') || '_');
SELECT name FROM herald.read_events(event_log.at('first') || repeat('_' || event_log.at('first'), 8));
\set VERBOSITY default

-- Each transaction has its transaction id before it draws an event id: the reader depends on it.
CREATE FUNCTION event_log.draw() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	IF pg_current_xact_id_if_assigned() IS NULL THEN
		RAISE 'a transaction without a number draws an id';
	END IF;
	RETURN nextval('herald.event_id_seq');
END
$$;
ALTER TABLE herald.event ALTER id SET DEFAULT event_log.draw();
SELECT herald.broadcast('event_log:drawn', '{}') IS NOT NULL AS drawn;
ALTER TABLE herald.event ALTER id SET DEFAULT nextval('herald.event_id_seq');

-- Null and out-of-range arguments.
SELECT * FROM herald.read_events(NULL);
SELECT * FROM herald.read_events(herald.current_position(), max_events => NULL);
SELECT * FROM herald.read_events(herald.current_position(), max_events => 0);
SELECT name, more FROM herald.read_events(herald.current_position(), NULL, NULL, 1);
SELECT herald.read_events(herald.current_position(), max_events => -1);
SELECT herald.read_events(herald.current_position(), max_bytes => 0);

-- Malformed positions. The parts of a position are version, system, start, LSN and snapshot.
SELECT part, event_log.failure(part) AS failure
FROM unnest('{"",x,1,2~1~1~1~9.1.1.0,1~1~1~1,1~1~1~1~9.0.1.0,1~1~1~1~9.1,1~1~1~1~9.1.1,
	1~1~1~1~9.1.1.ffffffffffffffff,1~1~1~1~9.1.1.0.,1~1~1~1~9.1.1.0.5,1~1~1~1~9.5.5.0.3.2,
	1~1~1~1~9.5.5.0.ffffffffffffffff,1~1~1~1~9.1.1.0~,1~1~1~1~9.1.1.0~9.1.1.0,1~1~1~1~9.1.1.0~9.1.1.0~,
	1~1~1~1~9.1.1.0~9.1.1.0~1~1,"1~1~1~1~9.1.1.0 ","1~1~1~1~9.1.1.0; --",
	-1~1~1~1~9.1.1.0,1~1~1~1~9.11111111111111111.1.0,"1~1~1~1~9. 1.1.0",1~1~1~1~9.1.-1.0,
	1~G~1~1~9.1.1.0,1~1~1~G~9.1.1.0}'::text[]) AS part;
SELECT event_log.failure(left(p.position, n)) AS failure
FROM (SELECT herald.current_position() AS position) AS p, generate_series(1, 3) AS n
GROUP BY 1 HAVING event_log.failure(left(p.position, n)) NOT LIKE 'HD003%';
SELECT * FROM herald.read_events(herald.current_position(), 'x');

-- Positions of another system, and of a start that this server does not know.
SELECT event_log.failure(regexp_replace(herald.current_position(), '^1~[^~]+', '1~0'));
SELECT event_log.failure(regexp_replace(herald.current_position(), '^(1~[^~]+)~[^~]+', '\1~1'));
SELECT event_log.failure(herald.current_position());

-- The first caller records the start of the server; later callers find it.
SELECT count(DISTINCT s.id) AS ids, bool_or(s.fresh) AS fresh
FROM generate_series(1, 3), herald_internal.record_server_start() AS s;
SELECT count(*) FROM herald_internal.server_start;

-- A clock that runs behind makes earlier events appear younger than the start. Those that maintain() has seen still
-- count as older.
BEGIN;
SELECT herald.maintain();
UPDATE herald.event SET logged_at = logged_at + interval '1 day';
DELETE FROM herald_internal.server_start;
SELECT s.fresh FROM herald_internal.record_server_start() AS s;
SELECT bool_or(e.xid < s.first_xid) AS known_to_be_older FROM herald.event AS e, herald_internal.server_start AS s;
ROLLBACK;

-- A position of an earlier start: the reader repeats every event from the next start's first transaction on. The crash
-- between the two starts may have assigned the same transaction ids twice.
BEGIN;
INSERT INTO herald_internal.server_start (id, started_at, timeline, first_xid, begins_at)
VALUES (1000, '2001-01-01', '00000001', '1', '0/0');
UPDATE herald_internal.server_start AS s SET first_xid = e.xid, begins_at = pg_current_wal_insert_lsn()
FROM herald.event AS e WHERE s.id > 1000 AND e.name = 'e6';
SELECT event_log.pages(event_log.at('badge'), 1000) AS of_this_start,
       event_log.pages(regexp_replace(event_log.at('badge'), '^(1~[^~]+)~[^~]+', '\1~3e8'), 1000) AS of_the_earlier_one;
SELECT event_log.pages(regexp_replace(event_log.at('badge'), '^(1~[^~]+)~[^~]+', '\1~3e8'), 2) AS in_pages;
SELECT event_log.pages(regexp_replace(event_log.at('window'), '^(1~[^~]+)~[^~]+', '\1~3e8'),
                       1000) AS what_was_unseen_stays_so;

-- The events before such a position may be lost if the next start began before it in the WAL: a promoted standby may
-- not have received them.
UPDATE herald_internal.server_start AS s SET begins_at = '0/0' WHERE s.id > 1000;
SELECT event_log.failure(regexp_replace(event_log.at('badge'), '^(1~[^~]+)~[^~]+', '\1~3e8'));
SELECT event_log.failure(event_log.at('badge')) AS of_this_start;
ROLLBACK;

-- A crash can set back the sequence of ids, too, if the drawn ids never reached the disk.
SELECT setval('herald.event_id_seq', last_value + 100) > 0 AS drawn FROM herald.event_id_seq;
SELECT event_log.mark('drawn');
SELECT setval('herald.event_id_seq', last_value - 100) > 0 AS lost FROM herald.event_id_seq;
SELECT herald.publish('post:1', 'again', '{}') IS NOT NULL AS published;
BEGIN;
INSERT INTO herald_internal.server_start (id, started_at, timeline, first_xid, begins_at)
VALUES (1000, '2001-01-01', '00000001', '1', '0/0');
UPDATE herald_internal.server_start AS s SET first_xid = e.xid, begins_at = pg_current_wal_insert_lsn()
FROM herald.event AS e WHERE s.id > 1000 AND e.name = 'again';
SELECT event_log.pages(regexp_replace(event_log.at('drawn'), '^(1~[^~]+)~[^~]+', '\1~3e8'),
                       1000) AS of_the_earlier_start;
ROLLBACK;

-- The reader does not repeat the part of a long window that all positions have passed: the earliest one says where to
-- resume.
SELECT event_log.mark('long');
SELECT count(herald.publish('post:1', 'long', jsonb_build_object('n', n))) FROM generate_series(1, 3000) AS n;
SELECT event_log.mark('long end');
SELECT a, b, e.in_window, min((r.payload::jsonb ->> 'n')::int) AS next
FROM (VALUES (900, 2000), (1500, 2000), (2000, 1500), (2000, 4000)) AS v (a, b),
     LATERAL (SELECT array_agg(p.position) AS positions
              FROM herald.read_events(event_log.at('long'), event_log.at('long end'), max_events => 5000) AS p
              WHERE p.payload::jsonb -> 'n' IN (to_jsonb(a), to_jsonb(b))) AS p,
     LATERAL herald_internal.earliest(p.positions || event_log.at('long end')) AS e,
     LATERAL herald.read_events(e.position, event_log.at('long end'), max_events => 5000) AS r
GROUP BY a, b, e.in_window
ORDER BY a, b;

-- Events of several partitions come in the order of their ids.
SELECT event_log.mark('mixed');
SELECT count(herald.publish('post:1', 'm' || n, '{}')) FROM generate_series(1, 9) AS n;
UPDATE herald.event AS e SET slot = (e.slot + right(e.name, 1)::int * 3) % 4 WHERE e.name LIKE 'm_';
SELECT event_log.pages(event_log.at('mixed'), 4);
DELETE FROM herald.event AS e WHERE e.name LIKE 'm_';

-- Retention: maintain() marks a partition out of use, and empties it when its mark is older than the recovery window.
-- The test ages the mark instead of waiting. The worker may maintain the log meanwhile; then several attempts are
-- necessary.
CREATE FUNCTION event_log.move(what text) RETURNS void LANGUAGE sql AS $$
	UPDATE herald.event AS e SET slot = (herald_internal.event_slot() + 2) % 4 WHERE e.name = what;
$$;
CREATE PROCEDURE event_log.trim(what text, age interval) LANGUAGE plpgsql AS $$
BEGIN
	FOR attempt IN 1..300 LOOP
		PERFORM herald.maintain();
		COMMIT;
		EXIT WHEN NOT EXISTS (SELECT FROM herald.event AS e WHERE e.name = what);
		UPDATE herald_internal.log_mark SET taken_at = taken_at - age;
		COMMIT;
		PERFORM pg_sleep(0.05);
	END LOOP;
END
$$;
-- Waits until every open transaction is younger than the latest event.
CREATE PROCEDURE event_log.settle() LANGUAGE plpgsql AS $$
BEGIN
	FOR attempt IN 1..300 LOOP
		EXIT WHEN NOT EXISTS (SELECT FROM (SELECT xid FROM herald_internal.log_floor
		                                   UNION ALL SELECT xid FROM herald.event) AS e
		                      WHERE e.xid >= pg_snapshot_xmin(pg_current_snapshot()));
		PERFORM pg_sleep(0.1);
	END LOOP;
END
$$;
SHOW herald.recovery_window;
SELECT event_log.mark('old');
SELECT herald.publish('post:1', 'old', '{}') IS NOT NULL AS published;
CALL event_log.settle();
SELECT event_log.mark('young');
SELECT herald.publish('post:1', 'young', '{}') IS NOT NULL AS published;
SELECT event_log.move('old');
SELECT herald.maintain();
SELECT event_log.pages(event_log.at('old'), 1000) AS kept;
CALL event_log.trim('old', '2 days');
SELECT event_log.failure(event_log.at('old')) AS old, event_log.failure(event_log.at('first')) AS first,
       event_log.failure(event_log.at('young')) AS young;
SELECT event_log.pages(event_log.at('young'), 1000);

-- The floor never sinks, even if the next removed events belong to older transactions.
SELECT event_log.move('e1');
CALL event_log.trim('e1', '2 days');
SELECT left(event_log.failure(event_log.at('old')), 5) AS old, event_log.failure(event_log.at('young')) AS young;

-- maintain() keeps a partition that has been out of use for less than the recovery window.
SELECT event_log.move('young');
SELECT herald.maintain(), herald.maintain();
SELECT event_log.pages(event_log.at('young'), 1000);

-- The same in real time with a short recovery window. A session reads a reloaded setting between its commands.
CREATE FUNCTION event_log.await_window(wanted text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('DO $do$ BEGIN PERFORM pg_sleep(0.1) '
	              'WHERE current_setting(''herald.recovery_window'') <> %L; END $do$', wanted)
	FROM generate_series(1, 300);
$$;
ALTER SYSTEM SET herald.recovery_window = '1s';
SELECT pg_reload_conf();
\set ECHO none
SELECT event_log.await_window('1s') \gexec
\set ECHO all
SHOW herald.recovery_window;
SELECT herald.publish('post:1', 'short', '{}') IS NOT NULL AS published;
CALL event_log.trim('short', '0');
CALL event_log.settle();
SELECT left(event_log.failure(event_log.at('young')), 5) AS young, event_log.failure(herald.current_position()) AS now;
ALTER SYSTEM RESET herald.recovery_window;
SELECT pg_reload_conf();
\set ECHO none
SELECT event_log.await_window('1d') \gexec
\set ECHO all
SHOW herald.recovery_window;


-- The reader enters a window in its middle once it has read much of it, even events of a transaction that was in
-- progress when the window began.
BEGIN;
SELECT count(herald.publish('post:1', 'long', '{}')) FROM generate_series(1, 1200);
SELECT event_log.mark('inside');
COMMIT;
SELECT v.read, (SELECT e.in_window FROM herald_internal.earliest(ARRAY[p.position]) AS e)
FROM (VALUES (100), (1100)) AS v (read), LATERAL herald.read_events(event_log.at('inside'), max_events => v.read) AS p
WHERE p.name IS NULL;
DROP SCHEMA event_log CASCADE;
