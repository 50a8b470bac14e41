-- Follow requests of private accounts, message requests of strangers, members and their read positions.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA ppl;
CREATE TYPE ppl.follow_status AS ENUM ('pending', 'accepted', 'rejected');
CREATE TABLE ppl.users (id int PRIMARY KEY, username text);
CREATE TABLE ppl.follows (follower_id int REFERENCES ppl.users, followee_id int REFERENCES ppl.users,
	status ppl.follow_status NOT NULL DEFAULT 'pending');
CREATE TABLE ppl.conversations (id int PRIMARY KEY);
CREATE TABLE ppl.members (conversation_id int REFERENCES ppl.conversations, user_id int REFERENCES ppl.users,
	status text NOT NULL DEFAULT 'active',
	left_at timestamptz, last_read_message_id int, PRIMARY KEY (conversation_id, user_id));
CREATE TABLE ppl.messages (id int PRIMARY KEY, conversation_id int REFERENCES ppl.conversations,
	sender_id int REFERENCES ppl.users, content text, deleted_at timestamptz);
INSERT INTO ppl.users VALUES (1, 'ann'), (2, 'ben'), (3, 'cat'), (4, 'dan');
SELECT herald.watch_users('ppl.users'), herald.watch_follows('ppl.follows', status => 'status'),
       herald.watch_members('ppl.members', status => 'status'),
	herald.watch_messages('ppl.messages');
CREATE VIEW ppl.told AS
	SELECT recipient_id AS told, title, content, retracted_at IS NOT NULL AS retracted FROM herald.notification
	ORDER BY id;
CREATE TABLE ppl.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION ppl.heard() RETURNS TABLE (rooms text, event text, membership text, what text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM ppl.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE ppl.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name,
	       coalesce(r.member_id || ' joins ' || r.joins, r.member_id || ' leaves ' || r.leaves),
	       concat_ws(' ', p ->> 'totalFollowers', p ->> 'content', p ->> 'userId', p ->> 'messageId')
	FROM read AS r, CAST(r.payload AS json) AS p WHERE r.name NOT LIKE 'notification:%';
$$;

-- A request: acceptance makes it a follow and notifies the follower; rejection does nothing.
INSERT INTO ppl.follows VALUES (2, 1), (3, 1);
SELECT * FROM ppl.told;
SELECT * FROM ppl.heard();
UPDATE ppl.follows SET status = 'accepted' WHERE follower_id = 2;
SELECT * FROM ppl.told;
SELECT * FROM ppl.heard();
UPDATE ppl.follows SET status = 'rejected' WHERE follower_id = 3;
SELECT * FROM ppl.told;
SELECT * FROM ppl.heard();
-- A public account accepts a follow at once; only accepted follows enter the feed.
INSERT INTO ppl.follows VALUES (4, 2, 'accepted');
SELECT * FROM ppl.told OFFSET 3;
SELECT u.id, array_agg(a.room ORDER BY a.room)
FROM unnest('{2,3,4}'::text[]) AS u (id)
LEFT JOIN herald_internal.automatic_rooms(ARRAY[u.id]) AS a ON true
GROUP BY u.id ORDER BY u.id;
-- An id that is no number of the column's type, or none of bigint, has no rooms and harms no other user.
SELECT * FROM herald_internal.automatic_rooms(
	'{9999999999999999999,-9223372036854775809,9223372036854775807,-9223372036854775808,no-number,4}');
DELETE FROM ppl.follows;
SELECT * FROM ppl.told;
SELECT * FROM ppl.heard();
-- An account that becomes public again: without a status column there are no requests.
SELECT herald.watch_follows('ppl.follows', ignore => '{status}');
SELECT rule FROM herald.watched WHERE relation = 'ppl.follows'::regclass GROUP BY rule ORDER BY rule;

-- A message to a user with a pending membership makes one request. Acceptance brings the user into the room.
TRUNCATE herald.notification;
INSERT INTO ppl.conversations VALUES (7);
INSERT INTO ppl.members VALUES (7, 1, 'active'), (7, 2, 'pending'), (7, 3, 'pending');
INSERT INTO ppl.messages VALUES (70, 7, 1, 'Hello @ben');
INSERT INTO ppl.messages VALUES (71, 7, 1, 'Anybody?');
SELECT * FROM ppl.told;
SELECT * FROM ppl.heard();
UPDATE ppl.members SET status = 'active' WHERE user_id = 2;
DELETE FROM ppl.members WHERE user_id = 3;
INSERT INTO ppl.messages VALUES (72, 7, 1, 'Welcome');
SELECT * FROM ppl.told;
SELECT * FROM ppl.heard();

-- Edited and deleted messages.
UPDATE ppl.messages SET content = 'Welcome!' WHERE id = 72;
UPDATE ppl.messages SET deleted_at = now() WHERE id = 72;
SELECT * FROM ppl.heard();
SELECT title, content FROM herald.inbox('2');

-- The last read message, from the application's column.
INSERT INTO ppl.messages VALUES (73, 7, 1, 'a'), (74, 7, 1, 'b'), (75, 7, 2, 'c');
SELECT * FROM herald.unread_messages('2');
SELECT * FROM ppl.heard() WHERE event <> 'message:created';
UPDATE ppl.members SET last_read_message_id = 73 WHERE user_id = 2;
SELECT * FROM ppl.heard();
SELECT * FROM herald.unread_messages('2');
SELECT * FROM herald.unread_messages('1');
UPDATE ppl.messages SET deleted_at = now() WHERE id = 74;
SELECT unread FROM herald.unread_messages('2');
UPDATE ppl.members SET left_at = now() WHERE user_id = 2;
SELECT * FROM herald.unread_messages('2');
SELECT * FROM herald.unread_messages('nobody');
UPDATE ppl.members SET left_at = NULL WHERE user_id = 2;

-- The last read message, from the action message:read.
ALTER TABLE ppl.members DROP last_read_message_id;
SELECT herald.watch_members('ppl.members', status => 'status');
SELECT count(*) >= 0 AS heard FROM ppl.heard();
SELECT * FROM herald.unread_messages('2');
SELECT herald.unread_count('2'),
       herald_internal.act('2', 'message:read', '{"conversationId": 7, "messageId": 72}', NULL);
SELECT * FROM herald.unread_messages('2');
SELECT * FROM ppl.heard();
SELECT herald_internal.act('2', 'message:read', '{"conversationId": 7, "messageId": 73}', NULL),
       herald_internal.act('2', 'message:read', '{"conversationId": 7, "messageId": 73}', NULL);
SELECT * FROM herald.unread_messages('2');
SELECT * FROM ppl.heard();
-- The mark moves neither back nor to an unknown message. Notifications of later messages stay unread.
SELECT herald_internal.act('2', 'message:read', '{"conversationId": 7, "messageId": 70}', NULL);
INSERT INTO ppl.messages VALUES (76, 7, 1, 'd'), (77, 7, 1, 'e');
SELECT herald_internal.act('2', 'message:read', '{"conversationId": 7, "messageId": 76}', NULL);
SELECT * FROM herald.unread_messages('2');
SELECT content FROM herald.inbox('2', only_unread => true);
\set VERBOSITY terse
SELECT herald_internal.act('2', 'message:read', '{"conversationId": 7, "messageId": "nonsense"}', NULL);
SELECT herald_internal.act('3', 'message:read', '{"conversationId": 7, "messageId": 73}', NULL);
SELECT herald_internal.act('2', 'message:read', '{"conversationId": 7}', NULL);
\set VERBOSITY default

-- Messages with uuid keys are ordered by their time.
CREATE TABLE ppl.notes (id uuid PRIMARY KEY, chat_id int, sender_id int REFERENCES ppl.users, body text,
	created_at timestamptz);
CREATE TABLE ppl.chat_members (chat_id int, user_id int REFERENCES ppl.users, last_read_id uuid);
SELECT herald.unwatch('ppl.messages'), herald.unwatch('ppl.members');
SELECT herald.watch_messages('ppl.notes'), herald.watch_members('ppl.chat_members');
INSERT INTO ppl.notes SELECT md5(n::text)::uuid, 1, 1, n, timestamptz '2026-01-01' + n * interval '1 minute'
FROM generate_series(1, 5) AS n;
INSERT INTO ppl.chat_members VALUES (1, 2, md5('2')::uuid), (1, 3, NULL);
SELECT unread FROM herald.unread_messages('2');
SELECT unread FROM herald.unread_messages('3');

-- Two tables of users that count from 1 would share inboxes. Profiles of the same users, uuids and one sequence do not.
SELECT herald.unwatch_all();
CREATE TABLE ppl.staff (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
CREATE TABLE ppl.profiles (user_id int PRIMARY KEY REFERENCES ppl.users, nickname text);
CREATE TABLE ppl.robots (id uuid PRIMARY KEY, name text);
CREATE SEQUENCE ppl.ids;
CREATE TABLE ppl.doctors (id int PRIMARY KEY DEFAULT nextval('ppl.ids'), name text);
CREATE TABLE ppl.patients (id int PRIMARY KEY DEFAULT nextval('ppl.ids'), name text);
SELECT herald.watch_users('ppl.users'), herald.watch_users('ppl.profiles'), herald.watch_users('ppl.robots');
SELECT herald.watch_users('ppl.staff');
SELECT herald.unwatch_all();
SELECT herald.watch_users('ppl.patients'), herald.watch_users('ppl.doctors');

SELECT herald.unwatch_all();
TRUNCATE herald.read_mark, herald.conversation_read, herald.notification;
DROP SCHEMA ppl CASCADE;
