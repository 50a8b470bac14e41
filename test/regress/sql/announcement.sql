-- A row of the event log announces a notification by reference, beside an event or alone.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set VERBOSITY terse
CREATE SCHEMA told;
CREATE TABLE told.users (id text PRIMARY KEY);
CREATE TABLE told.posts (id int PRIMARY KEY, user_id text REFERENCES told.users);
CREATE TABLE told.likes (user_id text REFERENCES told.users, post_id int REFERENCES told.posts,
	PRIMARY KEY (user_id, post_id));
INSERT INTO told.users VALUES ('ann'), ('ben'), ('cat'), ('dan');
INSERT INTO told.posts VALUES (1, 'ann'), (2, 'ben');
SELECT herald.watch_users('told.users'), herald.watch_posts('told.posts'), herald.watch_likes('told.likes') \g /dev/null

-- Returns the events after a position, page by page.
CREATE FUNCTION told.pages(place text, max_events int DEFAULT 1000, max_bytes int DEFAULT NULL,
                           rooms text[] DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	e record;
	pages text := '';
BEGIN
	LOOP
		FOR e IN SELECT * FROM herald.read_events(place, max_events => pages.max_events, max_bytes => pages.max_bytes,
		                                          rooms => pages.rooms) LOOP
			place := e."position";
			pages := pages || CASE e.name WHEN 'post:liked' THEN ' ' || (e.payload::json ->> 'userId')
			                              WHEN 'notification:new' THEN ' >' || (e.payload::json ->> 'actorId')
			                              ELSE '' END;
		END LOOP;
		EXIT WHEN NOT e.more;
		pages := pages || ' |';
	END LOOP;
	RETURN pages;
END
$$;

SELECT herald.current_position() AS before \gset
INSERT INTO told.likes VALUES ('cat', 1);
INSERT INTO told.likes VALUES ('dan', 1), ('ann', 2);
SELECT count(*) AS rows, count(name) AS events, count(notification_id) AS announced FROM herald.event
WHERE name = 'post:liked' AND rooms <@ '{post:1,post:2}' AND payload ->> 'userId' IN ('ann', 'cat', 'dan');
SELECT e.rooms, e.name, e.payload::json ->> 'title' AS title, e.id - first_value(e.id) OVER () AS id
FROM herald.read_events(:'before') AS e WHERE e.name <> 'notification:unread';

-- pages end between the two events of a row, and a reader goes on there
SELECT n AS max, told.pages(:'before', n) FROM generate_series(1, 4) AS n;
SELECT told.pages(:'before', 1000, 1) AS of_one_byte;
SELECT e.name, told.pages(e.position) FROM herald.read_events(:'before') AS e WHERE e.name <> 'notification:unread';
SELECT told.pages(string_agg(e.position, '_')) AS read_in_two_orders
FROM (SELECT * FROM herald.read_events(:'before') AS e WHERE e.name = 'post:liked' ORDER BY e.id LIMIT 1) AS e;
SELECT told.pages(:'before', 1, NULL, '{user:ann}') AS user_room,
       told.pages(:'before', 1, NULL, '{post:1}') AS post_room;

-- also those of a transaction in progress when the position was taken
BEGIN;
INSERT INTO told.likes VALUES ('ben', 1);
SELECT herald.current_position() AS inside \gset
INSERT INTO told.likes VALUES ('cat', 2);
SAVEPOINT s;
INSERT INTO told.likes VALUES ('dan', 2);
ROLLBACK TO s;
COMMIT;
SELECT n AS max, told.pages(:'inside', n) FROM generate_series(1, 3) AS n;
SELECT e.name, told.pages(e.position, 1) FROM herald.read_events(:'inside') AS e WHERE e.name <> 'notification:unread';

-- a notification without an event; one with another state; one that is gone
SELECT herald.current_position() AS before \gset
SELECT count(herald.notify('ann', 'system', 'Only this', actor => 'system'));
SELECT e.name IS NULL AS alone, e.rooms, e.payload FROM herald.event AS e WHERE e.recipient_id = 'ann'
ORDER BY e.id DESC LIMIT 1;
INSERT INTO told.likes VALUES ('dan', 2);
SELECT herald.mark_all_read('ben'), herald.archive('ben', ARRAY(SELECT id FROM herald.inbox('ben'))) \g /dev/null
SELECT e.payload::json ->> 'actorId' AS actor, e.payload::json ->> 'read' AS read
FROM herald.read_events(:'before') AS e WHERE e.name = 'notification:new';
SELECT told.pages(:'before', 1);
DELETE FROM herald.notification AS n WHERE n.recipient_id = 'ben' AND n.actor_id = 'dan';
SELECT told.pages(:'before', 1);

-- more notifications than events, and events without one
SELECT herald.current_position() AS before \gset
DELETE FROM told.likes;
DELETE FROM herald.notification AS n WHERE n.recipient_id IN ('ann', 'ben');
INSERT INTO told.likes VALUES ('ann', 1), ('ben', 2), ('cat', 1), ('dan', 2);
SELECT told.pages(:'before'), told.pages(:'before', 3);
SELECT herald_internal.append_event(NULL, 'told:none', '{}', NULL, NULL, NULL);
SELECT herald.unwatch('told.likes'), herald.unwatch('told.posts'), herald.unwatch('told.users') \g /dev/null
DELETE FROM herald.notification AS n WHERE n.recipient_id IN ('ann', 'ben');
DROP SCHEMA told CASCADE;
