-- A flag that says that a post, a comment or a message is not for everybody: no call guesses that it does not matter.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE SCHEMA desk;
SET search_path = desk;
CREATE TABLE users (id int PRIMARY KEY, username text NOT NULL);
CREATE TABLE tickets (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, body text, public boolean);
CREATE TABLE replies (id int PRIMARY KEY, ticket_id int NOT NULL REFERENCES tickets,
	user_id int NOT NULL REFERENCES users, body text, internal boolean NOT NULL DEFAULT false);
CREATE TABLE lines (id int PRIMARY KEY, conversation_id int, sender_id int REFERENCES users, body text,
	staff_only smallint NOT NULL DEFAULT 0, whisper_to_id int);
CREATE TABLE members (conversation_id int, user_id int REFERENCES users);
SELECT herald.watch_users('users'), herald.watch_members('members');
SELECT herald.watch_posts('tickets', noun => 'ticket');
SELECT herald.watch_posts('tickets', noun => 'ticket', visible => 'post.user_id::text = viewer');
SELECT herald.watch_comments('replies');
SELECT herald.watch_messages('lines');
SELECT line FROM herald.suggest() AS line WHERE line ~ '^(-- )?SELECT';
SELECT item FROM herald.plan_watch('watch_comments', 'replies') LIMIT 1;
SELECT herald.watch_comments('replies', active => 'NOT internal');
SELECT herald.watch_messages('lines', ignore => '{staff_only,whisper_to_id}');
SELECT herald.watch_messages('desk.lines', active => '(staff_only = 0) AND (whisper_to_id IS NULL)');
INSERT INTO users VALUES (1, 'customer'), (2, 'agent'), (3, 'boss');
INSERT INTO members VALUES (1, 1), (1, 2);
INSERT INTO tickets VALUES (1, 1, 'It is broken.', false);
INSERT INTO replies VALUES (1, 1, 2, 'This customer is a nuisance, @customer.', true),
	(2, 1, 2, 'We are on it.', false);
INSERT INTO lines VALUES (1, 1, 2, 'Do not refund.', 1, NULL), (2, 1, 2, 'Psst', 0, 3), (3, 1, 2, 'Hello', 0, NULL);
SELECT recipient_id AS told, type, content FROM herald.notification ORDER BY id;
-- A note that becomes public is told, and one that becomes internal goes.
UPDATE replies SET internal = NOT internal;
SELECT recipient_id AS told, type, content FROM herald.notification WHERE retracted_at IS NULL ORDER BY id;
SELECT herald.unwatch_all();

-- The names that are such flags, and those that are about something else
SELECT name, herald_internal.column_meaning('comments', name, 'B') AS meaning
FROM unnest('{is_private,private,internal,is_internal,internal_note,hidden,hidden_by_moderator,staff_only,is_whisper,'
            'confidential,public,is_public,visible,not_visible,visible_to_public,for_staff,only_me,members_only,'
            'comments_hidden,score_hidden,has_private_notes,read_only,is_internal_user,deleted,pinned}'::text[]) AS name
ORDER BY meaning DESC NULLS LAST, name;
DROP SCHEMA desk CASCADE;
TRUNCATE herald.notification;
