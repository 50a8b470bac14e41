-- Messages to a conversation or to a user in one table.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA ei;
CREATE TABLE ei.users (id int PRIMARY KEY, username text);
CREATE TABLE ei.members (conversation_id int, user_id int REFERENCES ei.users);
CREATE TABLE ei.messages (id int PRIMARY KEY, sender_id int REFERENCES ei.users, receiver_id int REFERENCES ei.users,
	conversation_id int, body text);
INSERT INTO ei.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
INSERT INTO ei.members VALUES (9, 1), (9, 3);
SELECT herald.watch_users('ei.users'), herald.watch_members('ei.members'),
       herald.watch_messages('ei.messages', receiver => 'receiver_id', conversation => 'conversation_id');
CREATE TABLE ei.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION ei.heard() RETURNS TABLE (rooms text, event text, message text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM ei.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE ei.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name, r.payload::json ->> 'messageId'
	FROM read AS r WHERE r.name !~ '^notification';
$$;
TRUNCATE herald.notification;
INSERT INTO ei.messages VALUES (1, 1, 2, NULL, 'to ben'), (2, 1, NULL, 9, 'to all, @cleo'), (3, 2, 1, NULL, 'hi @cleo');
UPDATE ei.messages SET body = body || '!';
SELECT * FROM ei.heard();
SELECT recipient_id, type, subject_type, subject_id, cause FROM herald.notification ORDER BY cause, recipient_id;
DELETE FROM ei.messages WHERE id < 3;
SELECT * FROM ei.heard();
SELECT recipient_id, cause FROM herald.notification WHERE retracted_at IS NULL;
SELECT count(herald.unwatch(relation)) FROM (SELECT DISTINCT relation FROM herald_internal.watched_table
                                             WHERE relation::text LIKE 'ei.%') AS w;
DROP SCHEMA ei CASCADE;
TRUNCATE herald.notification;
