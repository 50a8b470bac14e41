-- Ephemeral events: arguments of herald.signal(), its privileges, and the actions of typing. specs/signal_sent.spec
-- tests the delivery.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA sig;
CREATE TABLE sig.mark AS SELECT herald.current_position() AS position;

-- Arguments.
SELECT herald.signal('{user:1}', 'wave');
SELECT herald.signal('{user:1,post:2}', 'wave', '{"by": "ann"}', 'wave:ann', 'ann');
SELECT herald.signal(NULL, 'wave');
SELECT herald.signal('{}', 'wave');
SELECT herald.signal('{user:1,NULL}', 'wave');
SELECT herald.signal('{user:1,""}', 'wave');
SELECT herald.signal('{user:1}', NULL);
SELECT herald.signal('{user:1}', '');
SELECT herald.signal('{user:1}', 'wave', NULL);
SELECT herald.signal('{user:1}', 'wave', '[1]');
SELECT herald.signal('{user:1}', 'wave', '"text"');
\echo :LAST_ERROR_SQLSTATE

-- The limit in bytes.
SELECT herald.signal('{a}', 'b',
       json_build_object('c', repeat('x', 7999 - length('{"rooms":["a"],"event":"b","payload":{"c" : ""}}'))));
SELECT herald.signal('{a}', 'b',
       json_build_object('c', repeat('x', 8000 - length('{"rooms":["a"],"event":"b","payload":{"c" : ""}}'))));
\echo :LAST_ERROR_SQLSTATE
SELECT herald.signal('{a}', 'b', json_build_object('c', repeat('ä', 4000)));
SELECT herald.signal(array_agg('user:' || n), 'b') FROM generate_series(1, 1000) AS n;

-- Signals never enter the log.
SELECT count(*) AS logged FROM sig.mark AS m, herald.read_events(m.position) AS r WHERE r.name IS NOT NULL;

-- A rollback to a savepoint takes its signals back; the others keep their order.
CREATE FUNCTION sig.heard() RETURNS TABLE (name text, payload text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM sig.mark AS m, herald.read_events(m.position, signals => true) AS e),
	     moved AS (UPDATE sig.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT r.name, r.payload FROM read AS r WHERE r.name IS NOT NULL;
$$;
CREATE FUNCTION sig.send(name text) RETURNS void LANGUAGE sql BEGIN ATOMIC SELECT herald.signal('{a}', name); END;
SELECT count(*) > 0 AS heard FROM sig.heard();
BEGIN;
SELECT sig.send('1');
SAVEPOINT a;
SELECT sig.send('lost');
SAVEPOINT b;
SELECT sig.send('lost');
RELEASE b;
ROLLBACK TO a;
SELECT sig.send('2');
SAVEPOINT b;
SELECT sig.send('3');
RELEASE b;
SELECT sig.send('4');
RELEASE a;
SAVEPOINT c;
ROLLBACK TO c;
DO $$ BEGIN
	BEGIN PERFORM sig.send('lost'), 1 / 0; EXCEPTION WHEN division_by_zero THEN PERFORM sig.send('5'); END;
END $$;
SELECT sig.send('6');
COMMIT;
SELECT name FROM sig.heard();
-- A signal has its transaction, as an event has.
BEGIN;
SELECT pg_current_xact_id() AS sender, sig.send('7') \gset
COMMIT;
SELECT r.name, r.signal, r.xid = :'sender' AS of_sender
FROM sig.mark AS m, herald.read_events(m.position, signals => true) AS r;
SELECT name FROM sig.heard();
DO $$ BEGIN
	PERFORM sig.send('in a procedure');
	COMMIT;
	PERFORM sig.send('rolled back');
	ROLLBACK;
	PERFORM sig.send('afterwards');
END $$;
SELECT name FROM sig.heard();

-- A transaction that has sent a signal cannot be prepared. One that has taken it back can.
BEGIN;
SELECT sig.send('lost');
PREPARE TRANSACTION 'signal';
\echo :LAST_ERROR_SQLSTATE
BEGIN;
SAVEPOINT a;
SELECT sig.send('lost');
ROLLBACK TO a;
PREPARE TRANSACTION 'signal';
COMMIT PREPARED 'signal';
BEGIN READ ONLY;
SELECT sig.send('lost');
ROLLBACK;
SELECT name FROM sig.heard();

-- A transaction sends at most 4 MiB; a window has at most that, the newest.
DO $$ BEGIN
	FOR n IN 1 .. 1000 LOOP
		PERFORM herald.signal('{a}', n::text, json_build_object('text', repeat('x', 5000)));
	END LOOP;
END $$;
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM sig.heard();
DO $$ BEGIN
	FOR n IN 1 .. 1000 LOOP
		PERFORM herald.signal('{a}', n::text, json_build_object('text', repeat('x', 5000)));
		IF n % 100 = 0 THEN COMMIT; END IF;
	END LOOP;
END $$;
SELECT count(*) BETWEEN 800 AND 830 AS bounded, sum(length(payload)) < 4 * 1024 * 1024 AS small,
	array_agg(name::int) = array_agg(name::int ORDER BY name::int) AS ordered, max(name::int) AS newest
FROM sig.heard();

-- Old partitions are emptied; new signals stay.
INSERT INTO herald_internal.signal (slot, at, number, rooms, name, payload)
	SELECT (herald_internal.signal_slot() + 2) % 4, now(), n, '{a}', 'old', '{}' FROM generate_series(1, 1000) AS n;
SELECT sig.send('new');
SELECT herald_internal.trim_signals();
SELECT name, count(*) FROM herald_internal.signal WHERE name IN ('old', 'new') GROUP BY name;


-- Privileges: the application as for publish(), no other role.
CREATE ROLE regress_app IN ROLE herald_publish;
CREATE ROLE regress_stranger;
SET ROLE regress_app;
SELECT herald.signal('{user:1}', 'wave');
SET ROLE regress_stranger;
SELECT herald.signal('{user:1}', 'wave');
RESET ROLE;
DROP ROLE regress_app, regress_stranger;

-- Typing: members of a conversation.
CREATE TABLE sig.users (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE sig.conversations (id int PRIMARY KEY);
CREATE TABLE sig.members (conversation_id int REFERENCES sig.conversations, user_id int REFERENCES sig.users,
	left_at timestamptz,
                          PRIMARY KEY (conversation_id, user_id));
CREATE TABLE sig.blocks (blocker_id int REFERENCES sig.users, blocked_id int REFERENCES sig.users);
INSERT INTO sig.users VALUES (1, 'Ann'), (2, 'Ben'), (3, 'Eve');
INSERT INTO sig.conversations VALUES (7);
INSERT INTO sig.members VALUES (7, 1), (7, 2), (7, 3);
UPDATE sig.members SET left_at = now() WHERE user_id = 3;
SELECT herald.watch_users('sig.users'), herald.watch_members('sig.members'), herald.watch_blocks('sig.blocks');
SELECT herald_internal.act('1', 'typing:start', '{"conversationId": "7"}', NULL);
SELECT herald_internal.act('2', 'typing:stop', '{"conversationId": 7, "receiverId": null}', NULL);
SELECT herald_internal.act('3', 'typing:start', '{"conversationId": "7"}', NULL);
SELECT herald_internal.act('3', 'typing:stop', '{"conversationId": "7", "receiverId": "1"}', NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT herald_internal.act('1', 'typing:start', '{"conversationId": "8"}', NULL);
SELECT herald_internal.act('1', 'typing:start', '{"conversationId": "x"}', NULL);
SELECT herald_internal.act('1', 'typing:start', '{}', NULL);
SELECT herald_internal.act('1', 'typing:stop', NULL, NULL);
SELECT herald_internal.act('1', 'typing:stop', '"7"', NULL);
SELECT herald.expose('typing:start', 'herald_internal.act_typing_start(text, jsonb)');

-- Signals use asynchronous commit: no session waits for the disk.
BEGIN;
SELECT herald_internal.act('1', 'typing:start', '{"receiverId": "2"}', NULL);
SHOW synchronous_commit;
COMMIT;
SHOW synchronous_commit;

-- A block suppresses the signal silently.
INSERT INTO sig.blocks VALUES (2, 1);
SELECT herald_internal.act('1', 'typing:start', '{"receiverId": "2"}', NULL);
SELECT herald_internal.act('2', 'typing:start', '{"receiverId": "1"}', NULL);

SELECT herald.unwatch('sig.users'), herald.unwatch('sig.members'), herald.unwatch('sig.blocks');
DROP SCHEMA sig CASCADE;
