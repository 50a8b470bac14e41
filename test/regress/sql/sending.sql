-- The action message:send: a client's message becomes a row of the application's table.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA snd;
SET search_path = snd;
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE chats (id int PRIMARY KEY);
CREATE TABLE members (chat_id int REFERENCES chats, user_id int REFERENCES users, left_at timestamptz);
CREATE TABLE messages (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, chat_id int REFERENCES chats,
	user_id int REFERENCES users,
	content text CHECK (content <> 'spam'), media_url varchar(20), tags text[], "replyTo" int REFERENCES messages,
	shouted boolean NOT NULL DEFAULT false);
CREATE TABLE letters (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), sender_id int REFERENCES users,
	receiver_id int REFERENCES users, line text NOT NULL);
CREATE TABLE blocks (user_id int, blocked_id int);
CREATE TABLE mutes (user_id int, muted_id int);
INSERT INTO users VALUES (1, 'ana'), (2, 'ben'), (3, 'cat'), (4, 'dan');
INSERT INTO chats VALUES (7), (8);
INSERT INTO members VALUES (7, 1, NULL), (7, 2, NULL), (7, 3, now()), (8, 3, NULL);

-- Returns the client's answer without the fields that differ from run to run, or the error.
CREATE FUNCTION send(user_id text, payload jsonb) RETURNS text LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
	answer jsonb;
BEGIN
	answer := herald_internal.act(user_id, 'message:send', payload, NULL);
	RETURN answer - '{timestamp}'::text[];
EXCEPTION WHEN OTHERS THEN
	RETURN format('%s: %s', SQLSTATE, SQLERRM);
END
$$;

-- No watched table of messages.
SELECT send('1', '{"chatId": 7}');
SELECT send('1', '{"conversationId": 7, "content": "Hello"}'), send('1', '{"receiverId": 2, "content": "Hello"}');
SELECT herald.watch_users('users'), herald.watch_members('members'), herald.watch_blocks('blocks'),
       herald.watch_blocks('mutes', mutual => false);
SELECT herald.watch_messages('messages');

-- A message equals the payload of its event.
SELECT send('1', '{"conversationId": "7", "content": "Hello"}');
SELECT send('2', '{"conversationId": 7, "content": "Look", "mediaUrl": "/pear.jpg"}');
BEGIN;
SELECT herald_internal.act('1', 'message:send', '{"conversationId": 7, "content": "Same"}', NULL) AS answer \gset
SELECT e.name, e.rooms, e.payload::jsonb = :'answer' AS same FROM herald.event AS e
WHERE e.payload ->> 'content' = 'Same';
COMMIT;
SELECT recipient_id, content FROM herald.notification WHERE content = 'Same';

SET herald.enabled = off;
SELECT send('1', '{"conversationId": 7, "content": "Told to nobody"}') LIKE '{"messageId": "%"}' AS id_alone;
RESET herald.enabled;

-- The sender comes from the token.
SELECT send('1', '{"conversationId": 7, "content": "x", "senderId": 2}'),
       send('1', '{"conversationId": 7, "content": "x", "userId": 2}'),
       send('1', '{"conversationId": 7, "content": "x", "user_id": 2}');

-- Former members, strangers, and conversations that do not exist or cannot exist.
SELECT send(u, jsonb_build_object('conversationId', c, 'content', 'Hi'))
FROM (VALUES ('3', '7'), ('1', '8'), ('4', '7'), ('1', '99'), ('1', 'x'), ('x', '7'), ('1', '07'), ('1', ''),
      ('1', '7,7')) AS v (u, c);

-- Malformed messages.
SELECT send('1', payload)
FROM unnest(ARRAY['{}', '[]', '"x"', 'null',
	'{"conversationId": 7, "receiverId": 2, "content": "x"}', '{"conversationId": 7}',
	'{"conversationId": 7, "content": ""}', '{"conversationId": 7, "content": " \n "}',
	'{"conversationId": 7, "content": null}', '{"conversationId": 7, "content": 5}',
	'{"conversationId": 7, "content": {"a": 1}}', '{"conversationId": 7, "content": "x", "shouted": true}',
	'{"conversationId": 7, "content": "x", "id": 5}',
	'{"conversationId": {"a": 7}, "content": "x"}']::jsonb[]) AS payload;
SELECT send('1', jsonb_build_object('conversationId', 7, 'content', repeat('ä', 10001)));
SELECT left(send('1', jsonb_build_object('conversationId', 7, 'content', repeat('ä', 10000))), 20);
SELECT send('1', NULL);

-- Constraints and triggers of the table.
SELECT send('1', '{"conversationId": 7, "content": "spam"}');
SELECT send('1', '{"conversationId": 7, "content": "x", "mediaUrl": "/a-name-that-is-too-long.jpg"}');
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM users WHERE id = new.user_id AND herald.current_user_id() = id::text) THEN
		RAISE EXCEPTION 'unknown sender' USING ERRCODE = 'AA001';
	ELSIF new.content = 'hush' THEN
		RETURN NULL;
	END IF;
	new.content := upper(new.content);
	new.shouted := true;
	RETURN new;
END
$$;
CREATE TRIGGER shout BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION shout();
SELECT send('1', '{"conversationId": 7, "content": "quiet"}');
ALTER FUNCTION shout() SET search_path = snd;
SELECT send('1', '{"conversationId": 7, "content": "quiet"}');
SELECT send('1', '{"conversationId": 7, "content": "hush"}');
DROP TRIGGER shout ON messages;

-- Columns that clients may write.
SELECT herald.watch_messages('messages', writable => 'tags, replyTo', max_length => 5);
SELECT send('1', '{"conversationId": 7, "content": "x", "tags": ["a", "b"], "replyTo": 1}');
SELECT send('1', '{"conversationId": 7, "tags": ["only"]}'),
       send('1', '{"conversationId": 7, "content": "", "tags": null}');
SELECT send('1', '{"conversationId": 7, "content": "x", "tags": "no"}'),
       send('1', '{"conversationId": 7, "content": "x", "replyTo": 1000}'),
       send('1', '{"conversationId": 7, "content": "x", "mediaUrl": "/pear.jpg"}'),
       send('1', '{"conversationId": 7, "content": "123456"}');
SELECT herald.watch_messages('messages', writable => '');
SELECT send('1', '{"conversationId": 7, "content": "x", "mediaUrl": "/pear.jpg"}');
SELECT herald.watch_messages('messages', writable => 'nowhere');
SELECT herald.watch_messages('messages', writable => 'tags, user_id');
SELECT herald.watch_messages('messages', writable => 'chat_id');
SELECT herald.watch_messages('messages', writable => 'content');

-- Between two people.
SELECT herald.watch_messages('letters', body => 'line');
SELECT regexp_replace(send('1', '{"receiverId": 2, "content": "Dear Ben"}'), '[0-9a-f]{8}-[0-9a-f-]{27}', 'uuid', 'g');
SELECT sender_id, receiver_id, line FROM letters;
SELECT send('1', '{"receiverId": 99, "content": "x"}'), send('1', '{"receiverId": "x", "content": "x"}'),
       send('x', '{"receiverId": 2, "content": "x"}');
INSERT INTO blocks VALUES (3, 1);
INSERT INTO mutes VALUES (4, 1);
SELECT send('1', '{"receiverId": 3, "content": "x"}'), send('3', '{"receiverId": 1, "content": "x"}');
SELECT left(send('1', '{"receiverId": 4, "content": "not heard"}'), 1),
       left(send('4', '{"receiverId": 1, "content": "heard"}'), 1);
SELECT recipient_id, content FROM herald.notification WHERE content LIKE '%heard';

-- Several tables, and a table that only the application writes.
CREATE TABLE old_messages (LIKE messages INCLUDING ALL);
SELECT herald.watch_messages('old_messages', sender => 'user_id', conversation => 'chat_id');
SELECT send('1', '{"conversationId": 7, "content": "Where to?"}');
SELECT herald.watch_messages('old_messages', sender => 'user_id', conversation => 'chat_id', sendable => false);
SELECT send('1', '{"conversationId": 7, "content": "There"}') LIKE '%There%' AS sent;
SELECT herald.watch_messages('messages', sendable => false);
SELECT send('1', '{"conversationId": 7, "content": "Nowhere"}');

-- The table's owner writes the row, for every user, and for a bridge without a right on the table.
CREATE ROLE regress_herald_postman IN ROLE herald_watch;
CREATE ROLE regress_herald_relay IN ROLE herald_bridge;
GRANT ALL ON SCHEMA snd TO regress_herald_postman;
GRANT SELECT, REFERENCES ON users, chats, members TO regress_herald_postman;
ALTER TABLE messages OWNER TO regress_herald_postman;
ALTER TABLE messages ADD COLUMN written_by text DEFAULT current_user;
SET ROLE regress_herald_postman;
SELECT herald.watch_messages('messages');
SET ROLE regress_herald_relay;
SELECT herald_internal.act('1', 'message:send', '{"conversationId": 7, "content": "By post"}',
                           NULL) #> '{message,written_by}' AS written_by;
RESET ROLE;
-- herald.expose() refuses herald's own actions, which clients can call already.
SELECT herald.expose('message:send', 'herald_internal.act_message_send(text, jsonb)');

-- Keys of several columns: their shared columns must agree.
SELECT herald.unwatch_all();
CREATE TABLE people (tenant text, nick text, PRIMARY KEY (tenant, nick));
CREATE TABLE notes (id int GENERATED ALWAYS AS IDENTITY, tenant text, writer text, reader text, text text,
	PRIMARY KEY (tenant, id));
INSERT INTO people VALUES ('acme', 'ann'), ('acme', 'ben'), ('zeta', 'ann');
SELECT herald.watch_users('people', key => 'tenant, nick', name => 'nick');
SELECT herald.watch_messages('notes', sender => 'tenant, writer', receiver => 'tenant, reader');
SELECT send('acme,ann', '{"receiverId": "acme,ben", "content": "Hi"}');
SELECT send('acme,ann', '{"receiverId": "zeta,ann", "content": "Hi"}'),
       send('acme,ann', '{"receiverId": "acme", "content": "Hi"}');

SELECT herald.unwatch_all();
RESET search_path;
DROP SCHEMA snd CASCADE;
TRUNCATE herald.notification;
DROP OWNED BY regress_herald_postman, regress_herald_relay;
DROP ROLE regress_herald_postman, regress_herald_relay;
