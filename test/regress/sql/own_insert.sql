-- Rows that pg_herald inserts without a query: triggers, constraints, conflicts and read-only transactions.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set VERBOSITY terse
CREATE SCHEMA own;
CREATE TABLE own.seen (id int GENERATED ALWAYS AS IDENTITY, line text);
CREATE FUNCTION own.before_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.recipient_id = 'nobody' THEN
		RETURN NULL;
	END IF;
	new.title := upper(new.title);
	RETURN new;
END
$$;
CREATE FUNCTION own.after_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO own.seen (line)
	VALUES (format('row of %s: %s', regexp_replace(tg_table_name, '_\d$', ''),
	               coalesce(to_jsonb(new) ->> 'name', to_jsonb(new) ->> 'title', 'an announcement')));
	RETURN NULL;
END
$$;
CREATE FUNCTION own.after_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO own.seen (line) SELECT format('statement with %s rows', count(*)) FROM inserted;
	RETURN NULL;
END
$$;
CREATE TRIGGER own_before BEFORE INSERT ON herald.notification FOR EACH ROW EXECUTE FUNCTION own.before_row();
CREATE TRIGGER own_after AFTER INSERT ON herald.notification FOR EACH ROW EXECUTE FUNCTION own.after_row();
CREATE TRIGGER own_statement AFTER INSERT ON herald.notification REFERENCING NEW TABLE AS inserted
	FOR EACH STATEMENT EXECUTE FUNCTION own.after_statement();
CREATE TRIGGER own_event AFTER INSERT ON herald.event FOR EACH ROW EXECUTE FUNCTION own.after_row();
ALTER TABLE herald.notification ADD CONSTRAINT own_check CHECK (title <> 'FORBIDDEN');

-- triggers: one changes the row, so that its event has the change; one prevents the row
SELECT herald.current_position() AS before \gset
SELECT herald.notify('somebody', 'own', 'hello', cause => 'own:1') > 0 AS written;
SELECT herald.notify('nobody', 'own', 'hello', cause => 'own:2') AS prevented;
SELECT line FROM own.seen ORDER BY id;
SELECT n.title FROM herald.notification AS n WHERE n.type = 'own';
SELECT e.payload::json ->> 'title' AS title FROM herald.read_events(:'before') AS e WHERE e.name = 'notification:new';

-- a session that replicates runs no triggers
TRUNCATE own.seen;
SET session_replication_role = replica;
SELECT herald.notify('somebody', 'own', 'quiet', cause => 'own:3') > 0 AS written;
RESET session_replication_role;
SELECT line FROM own.seen ORDER BY id;

-- constraints and read-only transactions
SELECT herald.notify('somebody', 'own', 'forbidden');
BEGIN READ ONLY;
SELECT herald.notify('somebody', 'own', 'hello');
ROLLBACK;
BEGIN READ ONLY;
SELECT herald.publish('room:1', 'own:event', '{}');
ROLLBACK;

-- the same cause: nothing, or what was retracted comes back
TRUNCATE own.seen;
SELECT herald.notify('somebody', 'own', 'hello again', cause => 'own:1') AS known;
SELECT herald.retract('own:1');
BEGIN;
SAVEPOINT before;
SELECT herald.notify('somebody', 'own', 'hello again', cause => 'own:1') AS restored;
SELECT count(*) AS open FROM herald.notification AS n WHERE n.cause = 'own:1' AND n.retracted_at IS NULL;
ROLLBACK TO before;
SELECT count(*) AS open FROM herald.notification AS n WHERE n.cause = 'own:1' AND n.retracted_at IS NULL;
SELECT herald.notify('somebody', 'own', 'hello again', cause => 'own:1') AS restored;
COMMIT;
SELECT n.title, n.retracted_at FROM herald.notification AS n WHERE n.cause = 'own:1';
SELECT line FROM own.seen ORDER BY id;

-- the event's payload is the row as JSON, whatever the characters of its texts
ALTER TABLE herald.notification DISABLE TRIGGER USER;
SELECT count(herald.notify('somebody', 'own', t, t, actor => t, subject_type => t, subject_id => '7'))
FROM (SELECT format('a%sb', chr(n)) AS t FROM generate_series(1, 260) AS n
      UNION ALL VALUES (''), ('"'), (repeat('\', 1000)), (repeat('plain ', 1000)), ('ü€😀')) AS texts;
SELECT count(*), count(*) FILTER (WHERE e.payload ->> 'title' = n.title AND e.payload ->> 'content' = n.content AND
	e.payload -> 'actor' ->> 'id' = n.actor_id AND e.payload -> 'actor' ->> 'name' IS NULL AND
	e.payload ->> 'subjectType' = n.subject_type AND e.payload ->> 'subjectId' = '7' AND
	e.payload ->> 'createdAt' = herald.iso8601(n.created_at)) AS same
FROM (SELECT r.payload::json AS payload FROM herald.read_events(:'before') AS r WHERE r.name = 'notification:new') AS e
JOIN herald.notification AS n ON e.payload ->> 'id' = n.id::text
WHERE n.type = 'own' AND n.subject_id = '7';
DELETE FROM herald.notification AS n WHERE n.type = 'own' AND n.subject_id = '7';
ALTER TABLE herald.notification ENABLE TRIGGER USER;

-- to read the types, which have changed, keeps no lock
UPDATE herald.notification_type AS t SET title = t.title WHERE t.name = 'system';
BEGIN;
SELECT herald.notify('somebody', 'system', 'hello') > 0 AS written;
SELECT count(*) AS locks FROM pg_locks AS l
WHERE l.pid = pg_backend_pid() AND l.relation = 'herald.notification_type'::regclass;
ROLLBACK;

-- many candidates: one for each recipient and cause, that of the highest priority
ALTER TABLE herald.notification DISABLE TRIGGER USER;
CREATE TABLE own.calls (recipient text, type text, cause text);
SELECT herald.watch('own.calls', 'call', recipient => 'changed.recipient', type => 'system', title => '{cause}',
                    cause => 'own:{cause}', event => 'own:called', room => 'call:{cause}, call:{type}',
                    payload => 'json_build_object()') \g /dev/null
INSERT INTO own.calls SELECT 'user' || n % 3, CASE WHEN n > 4 THEN 'a' END, n % 2 FROM generate_series(1, 8) AS n;
SELECT n.recipient_id, n.cause, count(*) FROM herald.notification AS n WHERE n.type = 'system' AND n.cause LIKE 'own:%'
GROUP BY 1, 2 ORDER BY 1, 2;
-- a room whose template met a null is none
SELECT e.rooms, count(*) FROM herald.event AS e WHERE e.name = 'own:called' GROUP BY e.rooms ORDER BY e.rooms;

-- many new causes with known and retracted ones between them
INSERT INTO own.calls SELECT 'known', NULL, 'known' || n FROM unnest('{30,31,50,60}'::int[]) AS n;
UPDATE herald.notification AS n SET retracted_at = now() WHERE n.cause IN ('own:known31', 'own:known60');
SELECT coalesce(max(id), 0) AS last FROM herald.event \gset
INSERT INTO own.calls SELECT 'known', NULL, 'known' || n FROM generate_series(1, 70) AS n;
SELECT count(*), count(DISTINCT n.cause) AS causes, count(n.retracted_at) AS retracted
FROM herald.notification AS n WHERE n.cause LIKE 'own:known%';
SELECT count(e.notification_id) AS announced, count(*) FILTER (WHERE e.name = 'notification:restored') AS restored
FROM herald.event AS e WHERE e.id > :last;

-- and again after their notifications have gone: the search meets rows in the index that no transaction sees
DELETE FROM herald.notification AS n WHERE n.cause LIKE 'own:known%';
INSERT INTO own.calls SELECT 'known', NULL, 'known' || n FROM generate_series(1, 70) AS n;
SELECT count(*), count(DISTINCT n.cause) AS causes FROM herald.notification AS n WHERE n.cause LIKE 'own:known%';

-- a new cause is searched for once
BEGIN;
SELECT count(herald.notify('single', 'own', 'hello', cause => 'own:single' || n)) FROM generate_series(1, 20) AS n;
SELECT pg_stat_get_xact_numscans('herald.notification_cause_recipient_id_owner_key'::regclass) AS searches \gset
SELECT herald.notify('single', 'own', 'hello', cause => 'own:single21') > 0 AS written;
SELECT pg_stat_get_xact_numscans('herald.notification_cause_recipient_id_owner_key'::regclass) - :searches AS searches;
SELECT herald.notify('single', 'own', 'hello', cause => 'own:single21') AS known;
SELECT count(*) FROM herald.notification AS n WHERE n.recipient_id = 'single';
ROLLBACK;

-- many events: in their order, each with its triggers
TRUNCATE own.seen;
SELECT coalesce(max(id), 0) AS last FROM herald.event \gset
INSERT INTO own.calls SELECT NULL, lpad(n::text, 3, '0'), 'many' FROM generate_series(1, 200) AS n;
SELECT count(*), count(*) FILTER (WHERE rooms[2] = 'call:' || lpad(place::text, 3, '0')) AS in_order
FROM (SELECT e.rooms, row_number() OVER (ORDER BY e.id) AS place FROM herald.event AS e WHERE e.id > :last) AS events;
SELECT line, count(*) FROM own.seen GROUP BY line;
-- a trigger before a row sees the rows before it
CREATE FUNCTION own.number_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	new.name := 'own:' || (SELECT count(*) FROM herald.event AS e
	                       WHERE e.name LIKE 'own:%' AND e.rooms[1] = new.rooms[1]);
	RETURN new;
END
$$;
CREATE TRIGGER own_number BEFORE INSERT ON herald.event FOR EACH ROW EXECUTE FUNCTION own.number_row();
INSERT INTO own.calls SELECT NULL, n, 'numbered' FROM generate_series(1, 3) AS n;
SELECT e.name, e.rooms FROM herald.event AS e WHERE e.rooms[1] = 'call:numbered' ORDER BY e.id;
DROP TRIGGER own_number ON herald.event;

-- indexes that come and go after the first row of a session
CREATE FUNCTION own.indexed(first text) RETURNS bigint LANGUAGE sql SET enable_seqscan = off AS $$
	SELECT count(*) FROM herald.event AS e WHERE upper(e.name) = first AND e.ack = 'own';
$$;
SELECT herald_internal.append_event('{call:1}', 'own:early', '{}', NULL, NULL, NULL, 'own') > 0 AS early;
CREATE INDEX own_index ON herald.event (upper(name)) WHERE ack = 'own';
SELECT herald_internal.append_event('{call:1}', 'own:early', '{}', NULL, NULL, NULL, ack) > 0 AS late
FROM (VALUES ('own'), ('other'), (NULL), ('own')) AS acks (ack);
SELECT own.indexed('OWN:EARLY');
BEGIN;
CREATE UNIQUE INDEX own_unique ON herald.notification (title) WHERE type = 'own' AND subject_id = 'unique';
SELECT herald.notify('somebody', 'own', 'the same', subject_id => n) > 0 AS written
FROM unnest('{other,other,unique}'::text[]) AS n;
SAVEPOINT before;
SELECT herald.notify('somebody', 'own', 'the same', subject_id => 'unique');
ROLLBACK TO before;
DROP INDEX herald.own_unique;
SELECT herald.notify('somebody', 'own', 'the same', subject_id => 'unique') > 0 AS written;
ROLLBACK;
SELECT herald.notify('somebody', 'own', 'the same', subject_id => 'unique') > 0 AS written FROM generate_series(1, 2);
DROP INDEX herald.own_index;
SELECT herald_internal.append_event('{call:1}', 'own:early', '{}', NULL, NULL, NULL, 'own') > 0 AS last;

-- functions of triggers, constraints and indexes run with our search path, also for rules that need none
CREATE FUNCTION own.path(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RAISE WARNING 'search path: %', current_setting('search_path');
	RETURN value;
END
$$;
CREATE FUNCTION own.show_path() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM own.path('');
	RETURN NULL;
END
$$;
ALTER TABLE herald.notification DISABLE TRIGGER USER;
SET search_path = own, pg_catalog;
INSERT INTO calls VALUES ('path', NULL, 'path0'); -- the first one loads the rule
CREATE INDEX own_path ON herald.notification (own.path(recipient_id)) WHERE cause = 'own:path1';
INSERT INTO calls VALUES ('path', NULL, 'path1');
DROP INDEX herald.own_path;
ALTER TABLE herald.notification ADD CONSTRAINT own_path CHECK (own.path(title) IS NOT NULL) NOT VALID;
INSERT INTO calls VALUES ('path', NULL, 'path2');
ALTER TABLE herald.notification DROP CONSTRAINT own_path;
CREATE TRIGGER own_path AFTER INSERT ON herald.notification FOR EACH STATEMENT EXECUTE FUNCTION own.show_path();
INSERT INTO calls VALUES ('path', NULL, 'path3');
DROP TRIGGER own_path ON herald.notification;
INSERT INTO calls VALUES ('path', NULL, 'path4');
SHOW search_path;
RESET search_path;
SELECT count(*) FROM herald.notification AS n WHERE n.cause LIKE 'own:path%';

SELECT herald.unwatch_all();
ALTER TABLE herald.notification ENABLE TRIGGER USER;
DROP TRIGGER own_before ON herald.notification;
DROP TRIGGER own_after ON herald.notification;
DROP TRIGGER own_statement ON herald.notification;
DROP TRIGGER own_event ON herald.event;
ALTER TABLE herald.notification DROP CONSTRAINT own_check;
DELETE FROM herald.notification AS n WHERE n.cause LIKE 'own:%' OR n.type = 'own';
DROP SCHEMA own CASCADE;

-- Times have the form that JSON has, in any zone.
SET TimeZone = 'Asia/Kathmandu';
SELECT herald.iso8601(moment) FROM (VALUES (timestamptz '2026-11-29 23:59:59.9996+00'), ('0044-03-15 12:00+00'),
	('12044-01-01 00:00+00'), ('infinity'), (NULL)) AS t (moment);
RESET TimeZone;
