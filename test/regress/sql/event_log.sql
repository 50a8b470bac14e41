-- The event log: what gets in, reading it from positions, and retention.
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
-- The names of the events after a position, page by page: a bar ends a page.
CREATE FUNCTION event_log.pages(place text, max_events int, until text DEFAULT NULL, rooms text[] DEFAULT NULL, max_bytes int DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
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
-- How reading from a position fails.
CREATE FUNCTION event_log.failure(place text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM read.name FROM herald.read_events(place) AS read;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

-- what gets in
SELECT event_log.mark('first');
SELECT herald.publish('post:1', 'a', '{"n": 1}') IS NOT NULL AS published;
SELECT herald_internal.append_event('{post:1,user:ann}', 'b', '{"n":2}', 'ann', 'post:1', NULL) IS NOT NULL AS appended;
SELECT herald.broadcast('c', '{}') IS NOT NULL AS broadcast;
SELECT rooms, name, payload, member_id, joins, leaves, logged_ms BETWEEN 1e12 AND 1e13 AS in_milliseconds, more, id IS NOT NULL AS has_id
FROM herald.read_events(event_log.at('first'));
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

-- What a transaction that was rolled back appended is not there, nor is what is not committed yet. Ids have gaps, which tell nothing.
SELECT event_log.mark('gap');
BEGIN;
SELECT herald.publish('post:1', 'undone', '{}') IS NOT NULL AS published;
ROLLBACK;
SELECT herald.publish('post:1', 'done', '{}') IS NOT NULL AS published;
SELECT event_log.pages(event_log.at('gap'), 1000);

-- pages of one window: one transaction, several transactions, and pages of every size
SELECT event_log.mark('window');
SELECT count(herald.publish('post:' || n % 3, 'e' || n, jsonb_build_object('n', n))) FROM generate_series(1, 5) AS n;
SELECT herald.publish('post:0', 'e6', '{}') IS NOT NULL AS published;
SELECT herald.publish('post:1', 'e7', '{}') IS NOT NULL AS published;
SELECT event_log.mark('end');
SELECT max, event_log.pages(event_log.at('window'), max) FROM generate_series(1, 8) AS max;

-- a position of each row resumes right after it, whatever has been appended since
SELECT herald.publish('post:2', 'e8', '{}') IS NOT NULL AS published;
SELECT read.name, event_log.pages(read.position, 2) AS then
FROM herald.read_events(event_log.at('window'), event_log.at('end')) AS read
ORDER BY read.id NULLS LAST;
SELECT read.name, event_log.pages(read.position, 100) AS then
FROM herald.read_events(event_log.at('window'), event_log.at('end'), max_events => 3) AS read
ORDER BY read.id NULLS LAST;

-- until: what was there at a position, for the replay of one client
SELECT event_log.pages(event_log.at('window'), 1000, event_log.at('end'));
SELECT event_log.pages(event_log.at('window'), 3, event_log.at('end'));
SELECT event_log.pages(event_log.at('end'), 3, event_log.at('end')) AS nothing;
SELECT event_log.pages(event_log.at('first'), 2, event_log.at('gap'));

-- rooms: only what goes to one of them; a page is what was looked at for that
SELECT event_log.pages(event_log.at('window'), 1000, NULL, '{post:0}');
SELECT event_log.pages(event_log.at('window'), 2, NULL, '{post:0,post:1}');
SELECT event_log.pages(event_log.at('window'), 2, NULL, '{nowhere}');
SELECT event_log.pages(event_log.at('window'), 2, NULL, '{}');
SELECT event_log.pages(event_log.at('first'), 1000, event_log.at('gap'), '{*}') AS broadcast;

-- bytes: a page ends with the event that makes it so large, however it is stored; what goes to other rooms does not count
SELECT event_log.mark('large');
SELECT count(herald.publish(r, e, jsonb_build_object('t', t)))
FROM (VALUES ('a', 'small', 'x'), ('a', 'squeezed', repeat('x', 100000)), ('a', 'spread', (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 3000) AS n)),
             ('b', 'other', repeat('x', 100000)), ('a', 'last', 'x')) AS v (r, e, t);
SELECT event_log.mark('large end');
SELECT b, event_log.pages(event_log.at('large'), 1000, event_log.at('large end'), NULL, b) AS pages,
       event_log.pages(event_log.at('large'), 1000, event_log.at('large end'), '{a}', b) AS of_a
FROM unnest(ARRAY[1, 10, 11, 100000, 200000, 1000000, NULL]) AS b;
SELECT event_log.pages(event_log.at('large'), 2, event_log.at('large end'), NULL, 1000000) AS at_most_two;
SELECT name, more, lag_events FROM herald.read_events(event_log.at('large'), event_log.at('large end'), max_bytes => 100000) WHERE name IS NULL;

-- at the end there is nothing, and the position stays good
SELECT name, more FROM herald.read_events(herald.current_position());

-- the badge is derived at the end of the page that changes it
SELECT event_log.mark('badge');
SELECT herald.notify('eve', 'system', 'One') IS NOT NULL AS made;
SELECT herald.notify('eve', 'system', 'Two') IS NOT NULL AS made;
SELECT rooms, name, payload::jsonb ->> 'title' AS title, payload::jsonb ->> 'count' AS count, id IS NULL AS derived, more
FROM herald.read_events(event_log.at('badge'));
SELECT event_log.pages(event_log.at('badge'), 1);

-- two positions joined: what is after both; the earliest of several: what is after one of them
SELECT name FROM herald.read_events(event_log.at('window') || '_' || event_log.at('first'), event_log.at('end'), max_events => 2);
SELECT e.position = event_log.at('first') AS earliest, e.in_window, (SELECT count(*) FROM herald_internal.earliest('{}')) AS of_none
FROM herald_internal.earliest(ARRAY[event_log.at('window'), event_log.at('first'), event_log.at('first') || '_' || event_log.at('window'), NULL, 'nonsense']) AS e;
-- how many there are after a page
SELECT name, more, lag_events FROM herald.read_events(event_log.at('window'), event_log.at('end'), max_events => 3) WHERE name IS NULL;
\set VERBOSITY sqlstate
SELECT name FROM herald.read_events(event_log.at('first') || '_');
SELECT name FROM herald.read_events(event_log.at('first') || repeat('_' || event_log.at('first'), 8));
\set VERBOSITY default

-- No transaction draws an id for an event before it has its number: the reader counts on it.
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

-- null and other arguments that make no sense
SELECT * FROM herald.read_events(NULL);
SELECT * FROM herald.read_events(herald.current_position(), max_events => NULL);
SELECT * FROM herald.read_events(herald.current_position(), max_events => 0);
SELECT name, more FROM herald.read_events(herald.current_position(), NULL, NULL, 1);
SELECT herald.read_events(herald.current_position(), max_events => -1);
SELECT herald.read_events(herald.current_position(), max_bytes => 0);

-- Positions that are none. The parts are version, system, start, place in the WAL and moment.
SELECT part, event_log.failure(part) AS failure
FROM unnest('{"",x,1,2~1~1~1~9.1.1.0,1~1~1~1,1~1~1~1~9.0.1.0,1~1~1~1~9.1,1~1~1~1~9.1.1,1~1~1~1~9.1.1.ffffffffffffffff,1~1~1~1~9.1.1.0.,1~1~1~1~9.1.1.0.5,1~1~1~1~9.5.5.0.3.2,1~1~1~1~9.1.1.0~,1~1~1~1~9.1.1.0~9.1.1.0,1~1~1~1~9.1.1.0~9.1.1.0~,
	1~1~1~1~9.1.1.0~9.1.1.0~1~1,"1~1~1~1~9.1.1.0 ","1~1~1~1~9.1.1.0; --",-1~1~1~1~9.1.1.0,1~1~1~1~9.11111111111111111.1.0,"1~1~1~1~9. 1.1.0",1~1~1~1~9.1.-1.0,1~G~1~1~9.1.1.0,1~1~1~G~9.1.1.0}'::text[]) AS part;
SELECT event_log.failure(left(p.position, n)) AS failure
FROM (SELECT herald.current_position() AS position) AS p, generate_series(1, 3) AS n
GROUP BY 1 HAVING event_log.failure(left(p.position, n)) NOT LIKE 'HD003%';
SELECT * FROM herald.read_events(herald.current_position(), 'x');

-- positions of another system, and of a start that this one does not know
SELECT event_log.failure(regexp_replace(herald.current_position(), '^1~[^~]+', '1~0'));
SELECT event_log.failure(regexp_replace(herald.current_position(), '^(1~[^~]+)~[^~]+', '\1~1'));
SELECT event_log.failure(herald.current_position());

-- The start of the server is recorded once, by whoever asks first.
SELECT count(DISTINCT s.id) AS ids, bool_or(s.fresh) AS fresh FROM generate_series(1, 3), herald_internal.record_server_start() AS s;
SELECT count(*) FROM herald_internal.server_start;

-- A clock that is behind makes what was before the start younger than it; what maintain() has seen is older nevertheless.
BEGIN;
SELECT herald.maintain();
UPDATE herald.event SET logged_at = logged_at + interval '1 day';
DELETE FROM herald_internal.server_start;
SELECT s.fresh FROM herald_internal.record_server_start() AS s;
SELECT bool_or(e.xid < s.first_xid) AS known_to_be_older FROM herald.event AS e, herald_internal.server_start AS s;
ROLLBACK;

-- A position of an earlier start: everything that is not older than the next start's first transaction comes again, because the crash
-- between them may have handed out the same transaction ids twice.
BEGIN;
INSERT INTO herald_internal.server_start (id, started_at, timeline, first_xid, begins_at) VALUES (1000, '2001-01-01', '00000001', '1', '0/0');
UPDATE herald_internal.server_start AS s SET first_xid = e.xid, begins_at = pg_current_wal_insert_lsn() FROM herald.event AS e WHERE s.id > 1000 AND e.name = 'e6';
SELECT event_log.pages(event_log.at('badge'), 1000) AS of_this_start,
       event_log.pages(regexp_replace(event_log.at('badge'), '^(1~[^~]+)~[^~]+', '\1~3e8'), 1000) AS of_the_earlier_one;
SELECT event_log.pages(regexp_replace(event_log.at('badge'), '^(1~[^~]+)~[^~]+', '\1~3e8'), 2) AS in_pages;
SELECT event_log.pages(regexp_replace(event_log.at('window'), '^(1~[^~]+)~[^~]+', '\1~3e8'), 1000) AS what_was_unseen_stays_so;

-- What such a position has seen may be lost, if the next start began before that in the WAL: where a standby was promoted that had not got it.
UPDATE herald_internal.server_start AS s SET begins_at = '0/0' WHERE s.id > 1000;
SELECT event_log.failure(regexp_replace(event_log.at('badge'), '^(1~[^~]+)~[^~]+', '\1~3e8'));
SELECT event_log.failure(event_log.at('badge')) AS of_this_start;
ROLLBACK;

-- The sequence of ids may go back, too, when the server had drawn some that never reached the disk.
SELECT setval('herald.event_id_seq', last_value + 100) > 0 AS drawn FROM herald.event_id_seq;
SELECT event_log.mark('drawn');
SELECT setval('herald.event_id_seq', last_value - 100) > 0 AS lost FROM herald.event_id_seq;
SELECT herald.publish('post:1', 'again', '{}') IS NOT NULL AS published;
BEGIN;
INSERT INTO herald_internal.server_start (id, started_at, timeline, first_xid, begins_at) VALUES (1000, '2001-01-01', '00000001', '1', '0/0');
UPDATE herald_internal.server_start AS s SET first_xid = e.xid, begins_at = pg_current_wal_insert_lsn() FROM herald.event AS e WHERE s.id > 1000 AND e.name = 'again';
SELECT event_log.pages(regexp_replace(event_log.at('drawn'), '^(1~[^~]+)~[^~]+', '\1~3e8'), 1000) AS of_the_earlier_start;
ROLLBACK;

-- Nothing of a long window is read again that all of them have: the one that is furthest behind says where they go on.
SELECT event_log.mark('long');
SELECT count(herald.publish('post:1', 'long', jsonb_build_object('n', n))) FROM generate_series(1, 3000) AS n;
SELECT event_log.mark('long end');
SELECT a, b, e.in_window, min((r.payload::jsonb ->> 'n')::int) AS next
FROM (VALUES (900, 2000), (1500, 2000), (2000, 1500), (2000, 4000)) AS v (a, b),
     LATERAL (SELECT array_agg(p.position) AS positions FROM herald.read_events(event_log.at('long'), event_log.at('long end'), max_events => 5000) AS p
              WHERE p.payload::jsonb -> 'n' IN (to_jsonb(a), to_jsonb(b))) AS p,
     LATERAL herald_internal.earliest(p.positions || event_log.at('long end')) AS e,
     LATERAL herald.read_events(e.position, event_log.at('long end'), max_events => 5000) AS r
GROUP BY a, b, e.in_window
ORDER BY a, b;

-- Retention: a partition that is out of use is marked, and emptied when its mark is older than the window. Time is made to pass by
-- ageing the mark. A worker may be at it too, so that several attempts may be necessary.
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
-- Waits until no transaction is left that is older than the latest event.
CREATE PROCEDURE event_log.settle() LANGUAGE plpgsql AS $$
BEGIN
	FOR attempt IN 1..300 LOOP
		EXIT WHEN NOT EXISTS (SELECT FROM (SELECT xid FROM herald_internal.log_floor UNION ALL SELECT xid FROM herald.event) AS e
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
SELECT event_log.failure(event_log.at('old')) AS old, event_log.failure(event_log.at('first')) AS first, event_log.failure(event_log.at('young')) AS young;
SELECT event_log.pages(event_log.at('young'), 1000);

-- The floor never sinks, also when what is removed next is of older transactions.
SELECT event_log.move('e1');
CALL event_log.trim('e1', '2 days');
SELECT left(event_log.failure(event_log.at('old')), 5) AS old, event_log.failure(event_log.at('young')) AS young;

-- A partition that is out of use for less than the window is kept.
SELECT event_log.move('young');
SELECT herald.maintain(), herald.maintain();
SELECT event_log.pages(event_log.at('young'), 1000);

-- The same in real time with a short window. The setting reaches a session between its commands.
CREATE FUNCTION event_log.await_window(wanted text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('DO $do$ BEGIN PERFORM pg_sleep(0.1) WHERE current_setting(''herald.recovery_window'') <> %L; END $do$', wanted)
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


-- A window is entered in its middle when much of it has been read, also of a transaction that was in progress at its beginning.
BEGIN;
SELECT count(herald.publish('post:1', 'long', '{}')) FROM generate_series(1, 1200);
SELECT event_log.mark('inside');
COMMIT;
SELECT v.read, (SELECT e.in_window FROM herald_internal.earliest(ARRAY[p.position]) AS e)
FROM (VALUES (100), (1100)) AS v (read), LATERAL herald.read_events(event_log.at('inside'), max_events => v.read) AS p
WHERE p.name IS NULL;
DROP SCHEMA event_log CASCADE;
