-- A message with a second user, besides its sender: the call asks whether it is for that user alone.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE SCHEMA addressees;
SET search_path = addressees;
CREATE TABLE users (id int PRIMARY KEY, username text NOT NULL);
CREATE TABLE members (conversation_id int, user_id int REFERENCES users);
CREATE TABLE lines (id int PRIMARY KEY, conversation_id int, sender_id int REFERENCES users, body text);
SELECT herald.watch_users('users'), herald.watch_members('members');
-- With a foreign key the name does not matter, without one it must be that of a user.
ALTER TABLE lines ADD for_user_id int REFERENCES users;
SELECT herald.watch_messages('lines');
ALTER TABLE lines RENAME for_user_id TO dm_user_id;
SELECT herald.watch_messages('lines');
ALTER TABLE lines RENAME dm_user_id TO companion;
SELECT herald.watch_messages('lines');
ALTER TABLE lines DROP companion, ADD target_user_id int;
SELECT herald.watch_messages('lines');
-- Where each message has one, nothing says that it is for the conversation.
ALTER TABLE lines ALTER target_user_id SET NOT NULL;
SELECT herald.watch_messages('lines');
ALTER TABLE lines ALTER target_user_id DROP NOT NULL;
-- So do direct messages with a third user.
CREATE TABLE mails (id int PRIMARY KEY, sender_id int REFERENCES users, receiver_id int REFERENCES users,
	copy_user_id int REFERENCES users, body text);
SELECT herald.watch_messages('mails');
-- A user who has done something with a message, or whom it mentions, is none.
CREATE TABLE notes (id int PRIMARY KEY, conversation_id int, sender_id int REFERENCES users, body text,
	approved_by_id int REFERENCES users, pinned_by int REFERENCES users, editor_id int REFERENCES users,
	reply_to_user_id int REFERENCES users, mentioned_user_id int REFERENCES users);
SELECT herald.watch_messages('notes');
-- A message for one user is told to nobody.
SELECT herald.watch_messages('lines', active => 'target_user_id IS NULL');
INSERT INTO users VALUES (1, 'ann'), (2, 'ben'), (3, 'eve');
INSERT INTO members VALUES (1, 1), (1, 2), (1, 3);
INSERT INTO lines VALUES (1, 1, 1, 'Hello', NULL), (2, 1, 1, 'for Ben', 2);
SELECT recipient_id AS told, content FROM herald.notification ORDER BY recipient_id;
SELECT herald.unwatch_all();
RESET search_path;
DROP SCHEMA addressees CASCADE;
