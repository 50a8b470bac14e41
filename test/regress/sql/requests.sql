-- Message requests and drafts: messages with a status or a time of publication.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA rq;
CREATE TABLE rq.users (id int PRIMARY KEY, username text);
CREATE TABLE rq.members (conversation_id int, user_id int REFERENCES rq.users);
CREATE TABLE rq.messages (id int PRIMARY KEY, conversation_id int, sender_id int REFERENCES rq.users, body text,
	status text NOT NULL DEFAULT 'sent');
CREATE TABLE rq.letters (id int PRIMARY KEY, sender_id int REFERENCES rq.users, receiver_id int REFERENCES rq.users,
	body text, status text NOT NULL CHECK (status IN ('pending', 'accepted', 'declined', 'draft')));
CREATE TABLE rq.notes (id int PRIMARY KEY, sender_id int REFERENCES rq.users, receiver_id int REFERENCES rq.users,
	body text, draft boolean NOT NULL DEFAULT true);
INSERT INTO rq.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
INSERT INTO rq.members VALUES (9, 1), (9, 2);
SELECT herald.watch_users('rq.users'), herald.watch_members('rq.members'),
       herald.watch_messages('rq.messages', status => 'status'),
       herald.watch_messages('rq.letters', status => 'status', receiver => 'receiver_id'),
       herald.watch_messages('rq.notes', receiver => 'receiver_id');
CREATE TABLE rq.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION rq.heard() RETURNS TABLE (rooms text, event text, message text, content text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM rq.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE rq.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name, p.payload ->> 'messageId', p.payload ->> 'content'
	FROM read AS r CROSS JOIN LATERAL (SELECT r.payload::json) AS p (payload)
	WHERE r.name !~ '^notification';
$$;
CREATE VIEW rq.told AS
	SELECT recipient_id AS told, type, subject_type || ' ' || subject_id AS subject, title, cause
	FROM herald.notification WHERE retracted_at IS NULL ORDER BY id;
TRUNCATE herald.notification;

-- A pending message is a request: its sender's sessions hear of it, and nobody else's. Mentions wait, too.
INSERT INTO rq.letters VALUES (1, 1, 2, 'hello @ben', 'pending'), (2, 1, 3, 'hello @cleo', 'pending');
SELECT * FROM rq.heard();
SELECT * FROM rq.told;
-- It is edited, accepted, or declined.
UPDATE rq.letters SET body = 'hi @ben' WHERE id = 1;
SELECT * FROM rq.heard();
UPDATE rq.letters SET status = 'accepted' WHERE id = 1;
UPDATE rq.letters SET status = 'declined' WHERE id = 2;
SELECT * FROM rq.heard();
SELECT * FROM rq.told;
-- It is withdrawn, or an accepted message goes.
INSERT INTO rq.letters VALUES (3, 1, 3, 'again', 'pending');
DELETE FROM rq.letters WHERE id IN (1, 3);
SELECT * FROM rq.heard();
SELECT * FROM rq.told;

-- In a conversation the members get the request. Messages with another accepted status are messages.
INSERT INTO rq.messages VALUES (1, 9, 3, 'let me in', 'pending'), (2, 9, 1, 'a draft', 'draft'),
	(3, 9, 1, 'ready', 'sent');
SELECT * FROM rq.heard();
SELECT * FROM rq.told;
SELECT * FROM herald.unread_messages('2');
SELECT herald_internal.message_exists('9', '1'), herald_internal.message_exists('9', '3');
UPDATE rq.messages SET status = 'delivered';
SELECT * FROM rq.heard();
SELECT * FROM rq.told;
SELECT * FROM herald.unread_messages('2');
-- Back to a draft: gone for the others.
UPDATE rq.messages SET status = 'draft' WHERE id = 3;
SELECT * FROM rq.heard();
DELETE FROM rq.messages;
SELECT count(*) FROM rq.told;

-- Drafts by a boolean column.
INSERT INTO rq.notes VALUES (1, 1, 2, 'not ready, @ben');
UPDATE rq.notes SET body = 'ready, @ben';
SELECT * FROM rq.heard();
SELECT count(*) FROM rq.told;
UPDATE rq.notes SET draft = false;
SELECT * FROM rq.heard();
SELECT * FROM rq.told;

-- Clients cannot accept their own messages.
SELECT herald.watch_messages('rq.messages', status => 'status', writable => 'status');
-- The call can be made again, and says what it has found.
SET client_min_messages = notice;
SELECT herald_internal.watch_call('rq.letters', 'messages');
SELECT herald.watch_messages('rq.letters', status => 'status', pending => 'requested', receiver => 'receiver_id');
SELECT herald.watch_messages('rq.messages', ignore => '{status}');
SELECT herald.watch_messages('rq.notes', receiver => 'receiver_id', ignore => '{draft}');
SET client_min_messages = warning;
SELECT DISTINCT rule FROM herald.watched WHERE relation = 'rq.messages'::regclass ORDER BY rule;

SELECT count(herald.unwatch(relation)) FROM (SELECT DISTINCT relation FROM herald_internal.watched_table
                                             WHERE relation::text LIKE 'rq.%') AS w;
DROP SCHEMA rq CASCADE;
TRUNCATE herald.notification;
