-- Messages whose senders are users, contacts, or bots without a table. Their ids overlap.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA snd;
CREATE TABLE snd.users (id int PRIMARY KEY, username text, tenant int NOT NULL, UNIQUE (username, tenant));
CREATE TABLE snd.contacts (id bigint PRIMARY KEY, name text);
CREATE TABLE snd.members (conversation_id int, user_id int REFERENCES snd.users);
CREATE TABLE snd.blocks (blocker_id int REFERENCES snd.users, blocked_id int REFERENCES snd.users);
CREATE TABLE snd.messages (id int PRIMARY KEY, conversation_id int, content text, sender_type text, sender_id bigint);
CREATE TABLE snd.letters (id int PRIMARY KEY, receiver_id int, content text, sender_type text, sender_id bigint,
	draft boolean NOT NULL DEFAULT false);
INSERT INTO snd.users VALUES (1, 'ana', 1), (2, 'ben', 1);
INSERT INTO snd.contacts VALUES (1, 'Zed'), (9, 'Yves');
INSERT INTO snd.members VALUES (7, 1), (7, 2);
INSERT INTO snd.blocks VALUES (2, 1);

-- A column that could mean that a sender is not a user has to be used.
SELECT herald.watch_messages('snd.messages');
SELECT herald.watch_messages('snd.messages', sender_type => 'sender_type');
SELECT herald.watch_messages('snd.messages', sender_tables => '{"User": "snd.users"}');
SELECT herald.watch_messages('snd.messages', sender_type => 'sender_type', sender_tables => '{"User": "snd.nobody"}');
SELECT herald.watch_messages('snd.messages', sender_type => 'sender_type', sender_tables => '{"User": "snd.users"}');
SELECT herald.watch_users('snd.users'), herald.watch_members('snd.members'),
       herald.watch_blocks('snd.blocks', mutual => false);
SELECT herald.watch_messages('snd.messages', sender_type => 'sender_type',
                             sender_tables => '{"Contact": "snd.contacts"}');
SELECT herald.watch_messages(t, sender_type => 'sender_type', sender_tables =>
                             '{"User": "snd.users", "Contact": "snd.contacts", "Bot": ""}')
FROM unnest('{snd.messages,snd.letters}'::regclass[]) AS t;
CREATE TABLE snd.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION snd.heard() RETURNS TABLE (rooms text, event text, message text, sender text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM snd.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE snd.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name, p.payload ->> 'messageId',
	       concat_ws(' ', p.payload ->> 'senderType', p.payload ->> 'senderId', p.payload ->> 'senderName')
	FROM read AS r CROSS JOIN LATERAL (SELECT r.payload::json) AS p (payload)
	WHERE r.name !~ '^notification';
$$;
CREATE VIEW snd.told AS
	SELECT recipient_id AS told, actor_id AS actor, type, title FROM herald.notification
	WHERE retracted_at IS NULL ORDER BY id;
TRUNCATE herald.notification;

-- Contact 1 is not ana: she gets the message, and so does ben, who blocks her. Users of either tenant have handles of
-- their own, and a contact belongs to none. Rows of other types are ignored.
INSERT INTO snd.messages VALUES (1, 7, 'help @ben', 'Contact', 1), (2, 7, 'me too', 'Contact', 9),
	(3, 7, 'beep', 'Bot', NULL), (4, 7, 'hello @ben', 'User', 1), (5, 7, 'hi @ana', 'User', 2), (6, 7, 'x', 'Ghost', 1);
SELECT * FROM snd.heard();
SELECT * FROM snd.told;
SELECT * FROM herald.unread_messages('1');
-- The receiver of a letter gets it, and the sessions of its sender only if that is a user.
TRUNCATE herald.notification;
INSERT INTO snd.letters VALUES (1, 2, 'from zed', 'Contact', 1), (2, 2, 'from ana', 'User', 1),
	(3, 1, 'from zed', 'Contact', 1);
INSERT INTO snd.letters VALUES (4, 2, 'a draft of zed', 'Contact', 1, true), (5, 2, 'a draft', 'User', 1, true);
SELECT * FROM snd.heard();
SELECT * FROM snd.told;
-- Clients write as users.
ALTER TABLE snd.messages ALTER id ADD GENERATED ALWAYS AS IDENTITY (START 10);
SELECT herald_internal.act_message_send('1', '{"conversationId": "7", "content": "mine"}') - '{timestamp}'::text[];
SELECT herald.watch_messages('snd.messages', sender_type => 'sender_type', sender_tables => '{"User": "snd.users"}',
                             writable => 'sender_type');
SELECT herald_internal.watch_call('snd.messages', 'messages');

SELECT count(herald.unwatch(relation)) FROM (SELECT DISTINCT relation FROM herald_internal.watched_table
                                             WHERE relation::text LIKE 'snd.%') AS w;
DROP SCHEMA snd CASCADE;
TRUNCATE herald.notification;
