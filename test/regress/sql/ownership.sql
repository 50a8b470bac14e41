-- An action, a room policy and a type belong to the role that made them.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
\set VERBOSITY terse
CREATE ROLE regress_maker IN ROLE herald_watch, herald_admin;
CREATE ROLE regress_taker IN ROLE herald_watch, herald_admin;
CREATE SCHEMA made AUTHORIZATION regress_maker;
CREATE SCHEMA taken AUTHORIZATION regress_taker;
SET ROLE regress_maker;
CREATE FUNCTION made.act(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"made"'::jsonb $$;
CREATE FUNCTION made.may(user_id text, room text) RETURNS boolean LANGUAGE sql AS 'SELECT user_id = ''1''';
CREATE TABLE made.things (id int PRIMARY KEY);
SELECT herald.expose('made', 'made.act(text, jsonb)'), herald.room_policy('made', 'made.may(text, text)');
SELECT herald.watch('made.things', 'thing', recipient => $$'ann'$$, title => 'thing');
INSERT INTO herald.notification_type (name, title) VALUES ('made', 'Made');

-- Another role neither replaces nor deletes them.
SET ROLE regress_taker;
CREATE FUNCTION taken.act(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"taken"'::jsonb $$;
CREATE FUNCTION taken.may(user_id text, room text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SELECT herald.expose('made', 'taken.act(text, jsonb)');
SELECT herald.unexpose('made');
UPDATE herald.action SET function = 'taken.act(text, jsonb)', run_as = 'regress_taker' WHERE name = 'made';
DELETE FROM herald.action;
SELECT herald.room_policy('made', 'taken.may(text, text)');
SELECT herald.room_policy('made', NULL);
UPDATE herald.notification_type SET title = 'Taken' WHERE name = 'made';
DELETE FROM herald.notification_type WHERE name = 'made';
INSERT INTO herald.action (name, function, run_as, owner)
VALUES ('taken', 'taken.act(text, jsonb)', 'regress_taker', 'regress_maker');
UPDATE herald.action SET owner = 'regress_maker' WHERE name = 'taken';
SELECT name, owner FROM herald.action WHERE name IN ('made', 'taken') ORDER BY name;
-- A shipped type belongs to the role that changes it first.
UPDATE herald.notification_type SET title = '{actor} likes it' WHERE name = 'like';
SET ROLE regress_maker;
UPDATE herald.notification_type SET title = 'mine' WHERE name = 'like';
RESET ROLE;
SELECT name, title, owner FROM herald.notification_type WHERE name IN ('like', 'made') ORDER BY name;

-- A record runs a function of that name only if the role that owned it then has made it.
GRANT CREATE, USAGE ON SCHEMA made TO regress_taker;
DROP FUNCTION made.act, made.may;
SET ROLE regress_taker;
CREATE FUNCTION made.act(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"planted"'::jsonb $$;
CREATE FUNCTION made.may(user_id text, room text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
RESET ROLE;
SELECT herald_internal.act('1', 'made', NULL, NULL);
SELECT herald.may_join('1', 'made:1');
SELECT rule, detail FROM herald.doctor() WHERE problem = 'function_missing' ORDER BY rule;
DROP FUNCTION made.act, made.may;
SET ROLE regress_maker;
CREATE FUNCTION made.act(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"made again"'::jsonb $$;
CREATE FUNCTION made.may(user_id text, room text) RETURNS boolean LANGUAGE sql AS 'SELECT user_id = ''1''';
RESET ROLE;

-- Without its role nothing is used, and maintenance leaves nothing behind.
SELECT herald_internal.act('1', 'made', NULL, NULL), herald.may_join('1', 'made:1');
DROP OWNED BY regress_maker;
DROP ROLE regress_maker;
SELECT herald_internal.act('1', 'made', NULL, NULL);
SELECT herald.may_join('1', 'made:1');
SELECT herald.maintain();
SELECT count(*) FROM herald.action WHERE name = 'made';
SELECT count(*) FROM herald.room_policy WHERE prefix = 'made';
SELECT count(*) FROM herald_internal.rule AS r WHERE NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = r.relation);
SELECT herald_internal.act('1', 'taken', NULL, NULL);
SELECT herald.unexpose('taken');
DELETE FROM herald.notification_type WHERE name IN ('made', 'like');
INSERT INTO herald.notification_type (name, title, priority, group_by, group_title, retract)
VALUES ('like', '{actor} liked your {subject}', 10, 'subject', '{actor} and {others} liked your {subject}', 'always');
DROP SCHEMA taken CASCADE;
DROP OWNED BY regress_taker;
DROP ROLE regress_taker;
