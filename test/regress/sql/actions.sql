-- Actions: the requests of clients.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA a;
CREATE ROLE regress_herald_clerk;
GRANT USAGE ON SCHEMA a TO regress_herald_clerk;
GRANT USAGE ON SCHEMA herald TO regress_herald_clerk;
GRANT EXECUTE ON FUNCTION herald.current_user_id() TO regress_herald_clerk;
CREATE TABLE a.notes (writer text, note text);
GRANT INSERT ON a.notes TO regress_herald_clerk;

CREATE FUNCTION a.who(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('user', user_id, 'role', current_user, 'id', herald.current_user_id(),
	                          'claims', current_setting('request.jwt.claims')::jsonb, 'payload', payload);
$$;
CREATE FUNCTION a.write(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$
	INSERT INTO a.notes VALUES (user_id, payload ->> 'note'); SELECT '{"ok": true}'::jsonb;
$$;
CREATE FUNCTION a.read(user_id text, payload jsonb) RETURNS jsonb
	LANGUAGE sql AS 'SELECT to_jsonb(count(*)) FROM a.notes';
CREATE FUNCTION a.refuse(user_id text, payload jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'not on a Sunday' USING ERRCODE = 'AA001', DETAIL = 'It is a Sunday.';
END
$$;
CREATE FUNCTION a.nothing(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb';
SELECT herald.expose('who', 'a.who(text, jsonb)');
SELECT herald.expose('clerk:who', 'a.who(text, jsonb)', 'regress_herald_clerk');
SELECT herald.expose('note:write', 'a.write(text, jsonb)', 'regress_herald_clerk');
SELECT herald.expose('note:read', 'a.read(text, jsonb)', 'regress_herald_clerk');
SELECT herald.expose('refuse', 'a.refuse(text, jsonb)');
SELECT herald.expose('nothing', 'a.nothing(text, jsonb)');
SELECT name, function FROM herald.action ORDER BY name;

SELECT herald_internal.act('7', 'who', '{"a": 1}', '{"sub": "7", "role": "web"}') - 'role' AS who;
SELECT herald_internal.act('7', 'clerk:who', NULL, NULL);
SELECT current_setting('herald.user_id') AS after;
SELECT herald_internal.act('7', 'note:write', '{"note": "milk"}', NULL);
SELECT * FROM a.notes;
SELECT herald_internal.act('7', 'note:read', '{}', NULL);
SELECT current_user = session_user AS still_oneself;
SELECT herald_internal.act('7', 'nothing', '{}', NULL) IS NULL AS nothing;
SELECT herald_internal.act('7', 'refuse', '{}', NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT herald_internal.act('7', 'note:burn', '{}', NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT herald.unexpose('note:read');
SELECT herald_internal.act('7', 'note:read', '{}', NULL);

-- An event names the action that acknowledges it.
SELECT herald.current_position() AS place \gset
SELECT herald.publish('user:7', 'parcel:sent', '{}', ack => 'note:write') IS NOT NULL AS published;
SELECT herald.publish('user:7', 'parcel:lost', '{}') IS NOT NULL AS published;
SELECT name, ack FROM herald.read_events(:'place') WHERE name IS NOT NULL;
SELECT herald.publish('user:7', 'parcel:sent', '{}', ack => 'note:burn');
\echo :LAST_ERROR_SQLSTATE
SELECT herald.publish('user:7', 'parcel:sent', '{}', ack => 'notification:read');
SELECT herald.publish('user:7', 'parcel:sent', '{}', ack => '');
CREATE TABLE a.parcels (id int PRIMARY KEY, owner text);
SELECT herald.watch('a.parcels', 'sent', event => 'parcel:sent', room => 'user:{owner}', ack => 'note:burn');
SELECT herald.watch('a.parcels', 'sent', event => 'parcel:sent', room => 'user:{owner}', ack => 'note:write');
CREATE TABLE a.messages (id int PRIMARY KEY, sender_id int, receiver_id int, content text);
SELECT herald.watch_messages('a.messages', ack => 'note:write');
SELECT herald.current_position() AS place \gset
INSERT INTO a.parcels VALUES (1, '7'), (2, '8');
INSERT INTO a.messages VALUES (1, 7, 8, 'x');
UPDATE a.messages SET content = 'y';
SELECT rooms, name, ack FROM herald.read_events(:'place') WHERE name !~ '^notification:';
SELECT herald.unwatch('a.parcels'), herald.unwatch('a.messages');
TRUNCATE herald.notification;

-- herald.expose() and herald.room_policy() refuse these functions and callers.
SELECT herald.expose('notification:read', 'a.who(text, jsonb)');
SELECT herald.expose('', 'a.who(text, jsonb)');
SELECT herald.expose('lower', 'pg_catalog.lower(text)');
SELECT herald.expose('may', 'herald.may_join(text, text)');
CREATE ROLE regress_herald_admin IN ROLE herald_admin;
GRANT USAGE ON SCHEMA a TO regress_herald_admin;
SET ROLE regress_herald_admin;
SELECT herald.expose('steal', 'a.read(text, jsonb)', 'regress_herald_clerk');
INSERT INTO herald.action VALUES ('steal', 'a.read(text, jsonb)', 'regress_herald_clerk');
SELECT herald.expose('mine', 'a.read(text, jsonb)');
SELECT herald.room_policy('mine', 'herald.may_join(text, text)');
SELECT herald.room_policy('mine', NULL);
RESET ROLE;
SELECT run_as FROM herald.action WHERE name = 'mine';
SELECT has_function_privilege('regress_herald_admin', 'herald_internal.act(text, text, jsonb, jsonb)',
                              'EXECUTE') AS may_act;
SELECT herald_internal.act('7', 'mine', '{}', NULL);
REVOKE EXECUTE ON FUNCTION a.read FROM PUBLIC;
SELECT herald_internal.act('7', 'mine', '{}', NULL);

-- The actions of the inbox.
TRUNCATE herald.notification;
SELECT count(herald.notify('7', 'system', 'Notice ' || n)) FROM generate_series(1, 4) AS n;
SELECT min(id) AS first FROM herald.notification \gset
SELECT n ->> 'title' AS title, n -> 'read' AS read
FROM jsonb_array_elements(herald_internal.act('7', 'inbox:list', '{"max": 2}', NULL) -> 'notifications') AS n;
SELECT jsonb_object_keys(herald_internal.act('7', 'inbox:list', '{"max": 1}', NULL) -> 'notifications' -> 0) AS key
ORDER BY key;
SELECT herald_internal.act('7', 'notification:read', jsonb_build_object('id', :'first'), NULL);
SELECT herald_internal.act('7', 'notification:read',
                           jsonb_build_object('ids', jsonb_build_array(:first + 1, :first)), NULL);
SELECT n ->> 'title' AS title
FROM jsonb_array_elements(herald_internal.act('7', 'inbox:list',
       jsonb_build_object('onlyUnread', true, 'before', (:first + 3)::text), NULL) -> 'notifications') AS n;
SELECT herald_internal.act('8', 'notification:read', jsonb_build_object('id', :first + 3), NULL) AS of_another;
-- A page has at most 200 entries, whatever a client asks for.
SELECT count(herald.notify('many', 'system', 'Number ' || n)) FROM generate_series(1, 205) AS n;
SELECT jsonb_array_length(herald_internal.act('many', 'inbox:list', '{"max": 1000}', NULL) -> 'notifications') AS most,
       jsonb_array_length(herald_internal.act('many', 'inbox:list', '{}', NULL) -> 'notifications') AS usual,
       jsonb_array_length(herald_internal.act('many', 'inbox:list', '{"max": 1000, "grouped": true}', NULL) -> 'groups')
           AS groups;
SELECT herald_internal.act('7', 'inbox:list', '{"max": 0}', NULL);
SELECT herald_internal.act('7', 'notification:read', '{"all": true}', NULL);
SELECT herald_internal.act('8', 'inbox:list', NULL, NULL);
SELECT herald_internal.act('7', 'notification:read', '{}', NULL);
SELECT herald_internal.act('7', 'notification:read', '{"ids": 5}', NULL);
SELECT herald_internal.act('7', 'notification:read', '{"id": "x"}', NULL);
SELECT herald_internal.act('7', 'notification:read', '[]', NULL);
SELECT herald_internal.act('7', 'inbox:list', '{"before": "x"}', NULL);

TRUNCATE herald.notification;
DELETE FROM herald.action;
DROP SCHEMA a CASCADE;
DROP OWNED BY regress_herald_clerk, regress_herald_admin;
DROP ROLE regress_herald_clerk, regress_herald_admin;
