-- Members that have muted a conversation, and roles that are given the same column.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA mu;
CREATE TABLE mu.users (id int PRIMARY KEY, username text);
CREATE TABLE mu.members (conversation_id int, user_id int REFERENCES mu.users, muted boolean NOT NULL DEFAULT false,
	muted_until timestamptz, quiet_until timestamp, muted_at timestamptz, notifications_on boolean,
	notification_level text);
CREATE TABLE mu.messages (id int PRIMARY KEY, conversation_id int, sender_id int REFERENCES mu.users,
	receiver_id int REFERENCES mu.users, body text);
INSERT INTO mu.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
INSERT INTO mu.members (conversation_id, user_id) VALUES (9, 1), (9, 2), (9, 3);
SELECT herald.watch_users('mu.users'),
       herald.watch_messages('mu.messages', conversation => 'conversation_id', ignore => '{receiver_id}');
CREATE FUNCTION mu.told(message int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO mu.messages VALUES (message, 9, 1, NULL, 'hello @ben');
	RETURN (SELECT string_agg(n.recipient_id || ' ' || n.type, ', ' ORDER BY n.recipient_id)
	        FROM herald.notification AS n WHERE n.data ->> 'messageId' = message::text);
END
$$;

-- The call is an error that shows the argument.
SELECT herald.watch_members('mu.members');
SELECT herald.watch_members('mu.members', muted => 'notification_level',
                            ignore => '{muted,muted_until,muted_at}');
SELECT herald.watch_members('mu.members', muted => 'muted',
                            ignore => '{muted_until,muted_at,notifications_on,notification_level}');
UPDATE mu.members SET muted = true WHERE user_id = 2;
SELECT mu.told(1);
SELECT herald.may_join('2', 'conversation:9'), conversation_id, unread FROM herald.unread_messages('2');
-- A time is the end of the mute, or its beginning. A switch may have the opposite meaning.
SELECT herald.watch_members('mu.members', muted => 'muted_until',
                            ignore => '{muted,muted_at,notifications_on,notification_level}');
SELECT mu.told(2);
UPDATE mu.members SET muted_until = now() + interval '1 hour' WHERE user_id = 2;
UPDATE mu.members SET muted_until = now() - interval '1 hour' WHERE user_id = 3;
SELECT mu.told(3);
SELECT herald.watch_members('mu.members', muted => 'quiet_until',
                            ignore => '{muted,muted_until,muted_at,notifications_on,notification_level}');
UPDATE mu.members SET quiet_until = now() AT TIME ZONE 'UTC' + interval '1 hour' WHERE user_id = 3;
SELECT mu.told(4);
SELECT herald.watch_members('mu.members', muted => 'muted_at',
                            ignore => '{muted,muted_until,notifications_on,notification_level}');
UPDATE mu.members SET muted_at = now() WHERE user_id = 3;
SELECT mu.told(5);
SELECT herald.watch_members('mu.members', muted => 'notifications_on',
                            ignore => '{muted,muted_until,muted_at,notification_level}');
UPDATE mu.members SET notifications_on = user_id <> 3;
SELECT mu.told(6);
-- The call can be made again, with new names of columns.
ALTER TABLE mu.members RENAME muted TO hushed;
SELECT herald_internal.watch_call('mu.members', 'members');
SELECT herald_internal.watch_call('mu.members', 'members') \gexec

-- Two roles with one column.
SELECT herald.watch_messages('mu.messages', sender => 'sender_id', receiver => 'sender_id');
SELECT herald.watch_follows('mu.messages', follower => 'sender_id', followee => 'sender_id');
SELECT herald.watch_comments('mu.messages', author => 'sender_id', subject => 'conversation_id',
                             parent => 'conversation_id', subject_table => 'mu.users');
SELECT count(herald.unwatch(relation)) FROM (SELECT DISTINCT relation FROM herald_internal.watched_table
                                             WHERE relation::text LIKE 'mu.%') AS w;
DROP SCHEMA mu CASCADE;
TRUNCATE herald.notification;
