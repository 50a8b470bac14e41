-- Preferences of users: channels, mutes, do-not-disturb hours, blocks; and the reasons for each decision.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA pref;
CREATE TABLE pref.users (id int PRIMARY KEY, username text);
CREATE TABLE pref.posts (id int PRIMARY KEY, user_id int REFERENCES pref.users);
CREATE TABLE pref.likes (user_id int REFERENCES pref.users, post_id int REFERENCES pref.posts,
	PRIMARY KEY (user_id, post_id));
CREATE TABLE pref.comments (id int PRIMARY KEY, user_id int REFERENCES pref.users, post_id int REFERENCES pref.posts,
	parent_id int REFERENCES pref.comments, content text);
CREATE TABLE pref.comment_likes (user_id int REFERENCES pref.users, comment_id int REFERENCES pref.comments);
CREATE TABLE pref.blocks (blocker_id int REFERENCES pref.users, blocked_id int REFERENCES pref.users);
CREATE TABLE pref.mutes (user_id int REFERENCES pref.users, muted_id int REFERENCES pref.users, deleted_at timestamptz);
INSERT INTO pref.users VALUES (1, 'ann'), (2, 'ben'), (3, 'cat'), (4, 'dan');
INSERT INTO pref.posts VALUES (1, 1), (2, 1), (3, 2);
INSERT INTO pref.comments VALUES (1, 1, 3, NULL, 'Mine'), (2, 1, 3, NULL, 'Mine too');
SELECT herald.watch_users('pref.users'), herald.watch_posts('pref.posts'), herald.watch_likes('pref.likes'),
       herald.watch_comments('pref.comments'),
	herald.watch_likes('pref.comment_likes', subject => 'comment_id');
-- Returns the notifications, and whether each was pushed.
CREATE FUNCTION pref.told() RETURNS TABLE (told text, title text, subject text, pushed boolean) LANGUAGE sql AS $$
	SELECT n.recipient_id, n.title, n.subject_type || ' ' || n.subject_id,
	       EXISTS (SELECT FROM herald.event AS e WHERE e.recipient_id = n.recipient_id AND e.notification_id = n.id)
	FROM herald.notification AS n WHERE n.retracted_at IS NULL ORDER BY n.id;
$$;

-- Mutes: an actor, a subject, a thread with everything below it; with an end; and taken back.
SELECT herald.mute('1', 'actor', '2'), herald.mute('1', 'subject', 'post:2'), herald.mute('1', 'thread', 'post:3');
INSERT INTO pref.likes VALUES (2, 1), (3, 1), (3, 2);
INSERT INTO pref.comments VALUES (10, 3, 3, 1, 'A reply'), (11, 4, 2, NULL, 'On the muted subject'),
	(12, 4, 1, NULL, 'Heard');
INSERT INTO pref.comment_likes VALUES (4, 1);
SELECT * FROM pref.told();
SELECT herald.unmute('1', 'actor', '2'), herald.unmute('1', 'actor', '2'), herald.unmute('1', 'thread', 'post:3'),
       herald.unmute('1', 'subject', 'post:2');
INSERT INTO pref.likes VALUES (2, 2);
INSERT INTO pref.comment_likes VALUES (4, 2);
SELECT herald.mute('1', 'actor', '4', now() + interval '1 hour');
INSERT INTO pref.likes VALUES (4, 1);
SELECT herald.mute('1', 'actor', '4', now() - interval '1 second');
INSERT INTO pref.likes VALUES (4, 2);
SELECT title, subject FROM pref.told() OFFSET 2;
SELECT herald.mute('1', 'planet', 'mars');
TRUNCATE herald.preference, pref.likes, pref.comment_likes, herald.notification;

-- Channels: of a type, of all types, and the type's own default for users without a preference.
SELECT herald.set_preference('1', '*', '{inbox}'), herald.set_preference('1', 'comment', '{inbox,live,push}');
INSERT INTO pref.likes VALUES (2, 1);
INSERT INTO pref.comments VALUES (20, 2, 1, NULL, 'Pushed');
SELECT title, pushed FROM pref.told();
SELECT herald.channels('1', 'like'), herald.channels('1', 'comment'), herald.channels('2', 'like'),
       herald.channels('1', 'system');
SELECT herald.set_preference('1', '*', NULL), herald.set_preference('1', 'comment', NULL);
UPDATE herald.notification_type SET channels = '{email}' WHERE name = 'like';
INSERT INTO pref.likes VALUES (3, 1);
SELECT herald.channels('1', 'like');
UPDATE herald.notification_type SET channels = '{inbox,live}' WHERE name = 'like';
SELECT count(*) FROM pref.told();

-- Required types: no preference suppresses them.
SELECT herald.set_preference('1', '*', '{}'), herald.mute('1', 'actor', '2');
SELECT herald.notify('1', 'system', 'Terms changed', actor => '2') IS NOT NULL AS told,
       herald.notify('1', 'like', 'No', actor => '3') IS NOT NULL AS told_too;
SELECT herald.set_preference('1', 'system', '{}');
SELECT herald.set_preference('1', 'system', '{inbox,live,email}');
TRUNCATE herald.preference, pref.likes, herald.notification;

-- Do not disturb: the inbox keeps the notification without a push; over midnight, in a time zone.
SELECT t.begins, t.ends, t.time_zone,
       string_agg(m.moment::text, ' ' ORDER BY m.place)
           FILTER (WHERE herald_internal.in_quiet_hours(t.begins, t.ends, t.time_zone,
                                                        ('2026-01-10 ' || m.moment || 'Z')::timestamptz)) AS quiet
FROM (VALUES (time '22:00', time '07:00', 'UTC'), ('09:00', '17:00', 'UTC'), ('22:00', '07:00', 'America/New_York'),
      ('00:00', '00:00', 'UTC')) AS t (begins, ends, time_zone),
     unnest('{03:00,06:59,07:00,12:00,21:59,22:00}'::text[]) WITH ORDINALITY AS m (moment, place)
GROUP BY 1, 2, 3 ORDER BY 1, 3;
SELECT herald.set_quiet_hours('1', '00:00', '00:00');
INSERT INTO pref.likes VALUES (2, 1);
SELECT title, pushed FROM pref.told();
SELECT herald.unread_count('1'), herald.channels('1', 'like');
SELECT herald.set_quiet_hours('1', NULL, NULL);
INSERT INTO pref.likes VALUES (3, 1);
SELECT title, pushed FROM pref.told();
SELECT herald.set_quiet_hours('1', '22:00', '07:00', 'Mars/Olympus');
SELECT herald.set_quiet_hours('1', '22:00', '07:00', channels => '{live}');
TRUNCATE herald.preference, pref.likes, herald.notification;

-- Blocks: tables of the application, in both directions, or in one direction for a table of mutes.
SELECT herald.watch_blocks('pref.blocks'), herald.watch_blocks('pref.mutes', mutual => false);
SELECT relation,
       herald_internal.plain_sql((arguments - '{call,names,table,table_owner}'::text[])::text) AS arguments
FROM herald_internal.watched_table WHERE kind = 'blocks' ORDER BY relation::text;
INSERT INTO pref.blocks VALUES (1, 2);
INSERT INTO pref.mutes VALUES (1, 3);
SELECT herald.is_blocked('1', '2'), herald.is_blocked('2', '1'), herald.is_blocked('1', '3'),
       herald.is_blocked('3', '1'), herald.is_blocked('1', '4'), herald.is_blocked('x', 'y');
INSERT INTO pref.likes VALUES (2, 1), (3, 1), (4, 1), (1, 3), (3, 3);
SELECT told, title FROM pref.told();
SELECT herald.notify('1', 'like', 'By hand', actor => '2') IS NULL AS kept_away,
       herald.notify('1', 'system', 'Required', actor => '2') IS NULL AS kept_away_too;
UPDATE pref.mutes SET deleted_at = now();
DELETE FROM pref.blocks;
INSERT INTO pref.likes VALUES (3, 2), (2, 2);
SELECT told, title FROM pref.told();
SELECT herald.unwatch('pref.blocks');
INSERT INTO pref.blocks VALUES (1, 4);
INSERT INTO pref.likes VALUES (4, 2);
SELECT count(*) FROM pref.told() WHERE title LIKE 'dan%';
SELECT herald.watch_blocks('pref.posts');

-- explain() gives the reasons.
SELECT herald.watch_blocks('pref.blocks');
SELECT herald.mute('1', 'thread', 'post:1'), herald.set_preference('1', 'like', '{inbox}');
SELECT step, verdict,
       regexp_replace(regexp_replace(detail, 'notification \d+ of [^,]+', 'notification N of T'), 'until .*',
                      'until T') AS detail
FROM herald.explain('1', 'like', actor => '4', subject_type => 'post', subject_id => '2');
SELECT step, verdict, detail
FROM herald.explain('1', 'comment', actor => '2', subject_type => 'post', subject_id => '1');
SELECT step, verdict, detail FROM herald.explain('1', 'like', actor => '2', subject_type => 'post', subject_id => '5');
SELECT step, verdict FROM herald.explain('1', 'like', actor => '1');
SELECT step, verdict, detail FROM herald.explain('1', 'system', actor => '4');
SELECT step, verdict, detail FROM herald.explain('2', 'unheard_of');
-- A user that no watched table of users has: explain() reports it, also for an id that is malformed for the table.
SELECT step, verdict, detail
FROM herald.explain('404', 'like', actor => '1', subject_type => 'post', subject_id => '2');
SELECT step, verdict FROM herald.explain('nobody', 'unheard_of');

SELECT herald.unwatch_all();
SELECT count(*) FROM herald_internal.block_source;
TRUNCATE herald.preference, herald.read_mark, herald.notification;
DROP SCHEMA pref CASCADE;
