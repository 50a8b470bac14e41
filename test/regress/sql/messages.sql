-- Errors of the application's SQL are lines of bounded length, and clients do not decide about their number.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA msg;
CREATE TABLE msg.item (id int PRIMARY KEY, note text);
CREATE FUNCTION msg.fail(note text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RAISE 'no %', note;
END
$$;

-- The message of a rule's error.
SELECT herald.watch('msg.item', 'failing', recipient => 'msg.fail(new.note)', title => 'x', on_error => 'warn');
SELECT herald.watch('msg.item', 'named', event => '{new.note}', room => 'item:{new.id}');
INSERT INTO msg.item VALUES (1, E'one\ntwo\r\tthree');
SET client_min_messages = error;
INSERT INTO msg.item VALUES (2, 'notification:' || repeat('ü', 100000) || E'\n');
SET client_min_messages = warning;
SELECT w.rule, f.sqlstate, octet_length(f.message), left(f.message, 30)
FROM herald.rule_failure AS f
JOIN herald.watched AS w ON w.rule = f.rule
ORDER BY f.id;
SELECT herald.unwatch('msg.item');
DELETE FROM herald.rule_failure;

-- The names of a check of access.
CREATE FUNCTION msg.admits(user_id text, room text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	RAISE 'out of order';
END
$$;
SELECT herald.room_policy('msg', 'msg.admits(text, text)');
SELECT herald.may_join(E'a\nb', 'msg:' || repeat('x', 200));
-- The log has one warning of a check a minute. A session that asks again gets a notice; another check warns itself.
SET client_min_messages = notice;
SELECT herald.may_join('c', 'msg:1'), herald.may_join('d', 'msg:2');
SET client_min_messages = warning;
CREATE FUNCTION msg.admits_too(user_id text, room text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	RAISE 'out of service';
END
$$;
SELECT herald.room_policy('gsm', 'msg.admits_too(text, text)');
SELECT herald.may_join('c', 'gsm:1');
SELECT herald.room_policy('msg', NULL), herald.room_policy('gsm', NULL);

-- A source of rooms that fails: one line for all users, and then silence for a minute, also for other users.
CREATE TABLE msg.follow (follower_id int, followee_id int);
CREATE TABLE msg.other (follower_id int, followee_id int);
INSERT INTO msg.other VALUES (1, 5);
SELECT herald_internal.save_room_source(t, 'follows', format(
	'SELECT u, ''feed:'' || followee_id FROM %s, unnest($1) AS u WHERE %s', t, c))
FROM (VALUES ('msg.follow'::regclass, 'msg.fail(u) IS NULL'), ('msg.other', 'u::int = follower_id')) AS s (t, c);
INSERT INTO msg.follow VALUES (1, 2);
SELECT * FROM herald_internal.automatic_rooms('{1,2,3}');
SELECT * FROM herald_internal.automatic_rooms('{1,4}');
SELECT * FROM herald_internal.automatic_rooms('{no-number,1}');

DELETE FROM herald_internal.room_source WHERE relation IN ('msg.follow'::regclass, 'msg.other'::regclass);
DROP SCHEMA msg CASCADE;
