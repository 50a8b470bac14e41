-- The doorbell, with and without a worker: which transactions may ring it, and which events a rollback leaves. The
-- tests with a bridge cover its delivery.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA doorbell;
CREATE TABLE doorbell.mark AS SELECT herald.current_position() AS position;
-- Returns the events committed since the last call.
CREATE FUNCTION doorbell.heard() RETURNS text LANGUAGE sql AS $$
	WITH read AS (SELECT r.* FROM doorbell.mark AS m, herald.read_events(m.position) AS r),
	     moved AS (UPDATE doorbell.mark AS m SET position = r.position FROM read AS r WHERE r.more IS NOT NULL)
	SELECT coalesce(string_agg(r.name, ' ' ORDER BY r.id), 'nothing') FROM read AS r WHERE r.name IS NOT NULL;
$$;
CREATE FUNCTION doorbell.say(what text) RETURNS void LANGUAGE sql AS $$
	SELECT herald.publish('room', what, '{}');
$$;
-- Publishes an event in a subtransaction that fails.
CREATE FUNCTION doorbell.fail(what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM doorbell.say(what);
	RETURN 1 / 0;
EXCEPTION WHEN division_by_zero THEN
	RETURN 'failed';
END
$$;
-- Publishes an event in a subtransaction that succeeds.
CREATE FUNCTION doorbell.succeed(what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM doorbell.say(what);
	RETURN 'done';
EXCEPTION WHEN division_by_zero THEN
	RETURN 'failed';
END
$$;
CREATE TABLE doorbell.item (name text PRIMARY KEY);
SELECT herald.watch('doorbell.item', 'item', '{insert,update,delete}', event => 'item:{name}', room => 'room');

-- Commit.
SELECT doorbell.say('alone');
BEGIN;
SELECT doorbell.say('first'), doorbell.say('second');
COMMIT;
INSERT INTO doorbell.item VALUES ('by_trigger');
SELECT doorbell.heard();

-- Rollback, by command and by error.
BEGIN;
SELECT doorbell.say('undone');
INSERT INTO doorbell.item VALUES ('undone_by_trigger');
ROLLBACK;
BEGIN;
SELECT doorbell.say('undone');
SELECT 1 / 0;
COMMIT;
INSERT INTO doorbell.item VALUES ('twice'), ('twice');
SELECT doorbell.heard();

-- Savepoints.
BEGIN;
SAVEPOINT a;
SELECT doorbell.say('undone');
ROLLBACK TO SAVEPOINT a;
COMMIT;
SELECT doorbell.heard() AS nothing;
BEGIN;
SELECT doorbell.say('outer');
SAVEPOINT a;
SELECT doorbell.say('undone');
SAVEPOINT b;
SELECT doorbell.say('undone_too');
RELEASE SAVEPOINT b;
ROLLBACK TO SAVEPOINT a;
SELECT doorbell.say('after');
RELEASE SAVEPOINT a;
COMMIT;
SELECT doorbell.heard();
BEGIN;
SAVEPOINT a;
SAVEPOINT b;
SELECT doorbell.say('released');
RELEASE SAVEPOINT b;
SAVEPOINT c;
SELECT doorbell.say('undone');
ROLLBACK TO SAVEPOINT c;
RELEASE SAVEPOINT a;
COMMIT;
SELECT doorbell.heard();

-- Subtransactions of functions.
SELECT doorbell.fail('undone');
SELECT doorbell.heard() AS nothing;
SELECT doorbell.fail('undone'), doorbell.succeed('kept'), doorbell.fail('undone');
SELECT doorbell.heard();
BEGIN;
SELECT doorbell.succeed('undone');
ROLLBACK;
SELECT doorbell.heard() AS nothing;

-- More subtransactions than a snapshot caches (64).
SELECT count(*), min(doorbell.succeed('sub' || n)), min(doorbell.fail('undone')) FROM generate_series(1, 200) AS n;
SELECT cardinality(string_to_array(h, ' ')), h LIKE 'sub1 sub2 % sub200' AS in_order FROM doorbell.heard() AS h;
BEGIN;
SELECT count(*), min(doorbell.succeed('undone')) FROM generate_series(1, 200) AS n;
ROLLBACK;
SELECT doorbell.heard() AS nothing;

-- A transaction that sends a NOTIFY of its own.
BEGIN;
NOTIFY doorbell, 'of the application';
SELECT doorbell.say('with_notify');
COMMIT;
SELECT doorbell.heard();

-- A deferred trigger publishes an event at commit.
CREATE FUNCTION doorbell.on_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM doorbell.say('deferred');
	RETURN NULL;
END
$$;
CREATE TABLE doorbell.deferred (id int);
CREATE CONSTRAINT TRIGGER on_commit AFTER INSERT ON doorbell.deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
	EXECUTE FUNCTION doorbell.on_commit();
INSERT INTO doorbell.deferred VALUES (1);
SELECT doorbell.heard();

-- Prepared transactions: PREPARE TRANSACTION works, and COMMIT PREPARED rings.
BEGIN;
SELECT doorbell.say('prepared');
INSERT INTO doorbell.item VALUES ('prepared_by_trigger');
SAVEPOINT a;
SELECT doorbell.say('undone');
ROLLBACK TO SAVEPOINT a;
PREPARE TRANSACTION 'herald_doorbell';
SELECT doorbell.heard() AS nothing;
SELECT doorbell.say('meanwhile');
SELECT doorbell.heard();
COMMIT PREPARED 'herald_doorbell';
SELECT doorbell.heard();
BEGIN;
SELECT doorbell.say('undone');
PREPARE TRANSACTION 'herald_doorbell';
ROLLBACK PREPARED 'herald_doorbell';
SELECT doorbell.heard() AS nothing;
COMMIT PREPARED 'herald_doorbell';

-- herald.enabled = off disables rules; herald.publish() still publishes.
SET herald.enabled = off;
INSERT INTO doorbell.item VALUES ('disabled');
UPDATE doorbell.item SET name = 'disabled_too' WHERE name = 'disabled';
DELETE FROM doorbell.item WHERE name = 'disabled_too';
SELECT doorbell.heard() AS nothing;
SELECT doorbell.say('by_hand');
RESET herald.enabled;
SELECT doorbell.heard();
BEGIN;
SET LOCAL herald.enabled = off;
INSERT INTO doorbell.item VALUES ('disabled');
COMMIT;
INSERT INTO doorbell.item VALUES ('enabled');
SELECT doorbell.heard();

-- A statement that changes no row makes no event.
INSERT INTO doorbell.item SELECT 'none' WHERE false;
UPDATE doorbell.item SET name = 'none' WHERE false;
UPDATE doorbell.item SET name = name WHERE name = 'enabled';
DELETE FROM doorbell.item WHERE false;
SELECT doorbell.heard() AS nothing;

SELECT herald.unwatch('doorbell.item');
DROP SCHEMA doorbell CASCADE;
