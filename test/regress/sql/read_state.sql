-- Read, unread again, seen, archived: list and badge use one predicate, and every session of the user hears each
-- change.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA rs;
CREATE TABLE rs.mark AS SELECT herald.current_position() AS position;
-- Returns the new events without repetitions: a second mark_all_read() does mark rows if a transaction of the worker
-- was in progress during the first.
CREATE FUNCTION rs.heard() RETURNS TABLE (room text, event text, what text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM rs.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE rs.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT d.room, d.name, d.what
	FROM (SELECT t.*, lag((t.name, t.what)) OVER () AS before
	      FROM (SELECT array_to_string(r.rooms, ' ') AS room, r.name,
	            concat(p ->> 'title', p ->> 'count', json_array_length(p -> 'ids'), p ->> 'all') AS what
	            FROM read AS r, CAST(r.payload AS json) AS p
	            WHERE r.name IS NOT NULL AND r.name <> 'notification:new') AS t) AS d
	WHERE d.before IS DISTINCT FROM (d.name, d.what);
$$;
CREATE VIEW rs.state AS
	SELECT (SELECT string_agg(title || CASE WHEN read_at IS NULL THEN '*' ELSE '' END, ' ' ORDER BY id)
	        FROM herald.inbox('ann')) AS list,
	       herald.unread_count('ann') AS unread, herald.unseen_count('ann') AS unseen;
CREATE FUNCTION rs.ids(VARIADIC titles text[]) RETURNS bigint[] LANGUAGE sql AS $$
	SELECT array_agg(id) FROM herald.notification WHERE recipient_id = 'ann' AND title = ANY (titles);
$$;
SELECT count(herald.notify('ann', 'system', title)) FROM unnest('{a,b,c,d}'::text[]) AS title;
SELECT count(herald.notify('ben', 'system', title)) FROM unnest('{a,b}'::text[]) AS title;
SELECT * FROM rs.state;

SELECT herald.mark_read('ann', rs.ids('a', 'b'));
SELECT herald.mark_read('ann', rs.ids('a'));
SELECT * FROM rs.state;
SELECT herald.mark_unread('ann', rs.ids('a'));
SELECT * FROM rs.state;
SELECT * FROM rs.heard();

-- All at once: later notifications are unread. Each marked one can be unread again, and read again, alone or with all.
SELECT herald.mark_all_read('ann');
SELECT herald.notify('ann', 'system', 'e') IS NOT NULL AS told;
SELECT * FROM rs.state;
SELECT herald.mark_unread('ann', rs.ids('b', 'c'));
SELECT * FROM rs.state;
SELECT herald.mark_read('ann', rs.ids('b'));
SELECT * FROM rs.state;
SELECT herald.mark_all_read('ann'), herald.mark_all_read('ann');
SELECT * FROM rs.state;
SELECT * FROM rs.heard();
-- One row, for any number of notifications.
SELECT count(*) FROM herald.read_mark WHERE user_id = 'ann';
SELECT count(*) FROM herald.notification WHERE recipient_id = 'ann' AND read_at IS NOT NULL;
SELECT herald.mark_all_read('nobody');

-- Seen differs from read.
SELECT herald.notify('ann', 'system', 'f') IS NOT NULL AS told;
SELECT herald.mark_seen('ann'), herald.mark_seen('ann');
SELECT * FROM rs.state;
SELECT herald.notify('ann', 'system', 'g') IS NOT NULL AS told;
SELECT * FROM rs.state;
SELECT * FROM rs.heard();

-- Archived.
SELECT herald.archive('ann', rs.ids('f', 'a'));
SELECT * FROM rs.state;
SELECT herald.archive('ann', rs.ids('f'));
SELECT herald.archive('ann', rs.ids('f'), false);
SELECT * FROM rs.state;
SELECT * FROM rs.heard();

-- No user reads, marks or archives another user's notifications.
SELECT herald.mark_read('ben', rs.ids('f')), herald.mark_unread('ben', rs.ids('a')), herald.archive('ben', rs.ids('g'));
SELECT * FROM rs.state;

-- The same through actions.
SELECT herald_internal.act('ann', 'notification:seen', NULL, NULL);
SELECT herald_internal.act('ann', 'notification:archive', jsonb_build_object('ids', rs.ids('g')), NULL);
SELECT herald_internal.act('ann', 'notification:archive',
                           jsonb_build_object('ids', rs.ids('g'), 'archived', false), NULL);
SELECT herald_internal.act('ann', 'notification:unread', jsonb_build_object('ids', rs.ids('b')), NULL);

-- A user's own session sees its own inbox, by row policy and by function.
CREATE ROLE regress_reader;
GRANT USAGE ON SCHEMA herald TO regress_reader;
GRANT SELECT ON herald.notification TO regress_reader;
GRANT EXECUTE ON FUNCTION herald.current_user_id(), herald.my_inbox(bigint, int, boolean, boolean) TO regress_reader;
SELECT herald.notify('ann', 'system', 'gone', cause => 'gone') IS NOT NULL AS told;
UPDATE herald.notification SET retracted_at = now() WHERE cause = 'gone';
SET ROLE regress_reader;
SELECT set_config('request.jwt.claims', '{"sub": "ann"}', false);
SELECT string_agg(title, ' ' ORDER BY id) FROM herald.notification;
SELECT string_agg(title || CASE WHEN read_at IS NULL THEN '*' ELSE '' END, ' ' ORDER BY id) FROM herald.my_inbox();
SELECT * FROM herald.inbox('ben');
RESET ROLE;
RESET request.jwt.claims;
DROP OWNED BY regress_reader;
DROP ROLE regress_reader;

-- Retention: the read ones go first, then the oldest; or by age.
SELECT herald.mark_all_read('ann');
SELECT count(herald.notify('ann', 'system', 'new ' || n)) FROM generate_series(1, 3) AS n;
SELECT herald.mark_unread('ann', rs.ids('c'));
SELECT * FROM rs.state;
SELECT herald.trim_inbox('ann', keep => 5);
SELECT * FROM rs.state;
SELECT herald.trim_inbox('ann', keep => 2);
SELECT * FROM rs.state;
UPDATE herald.notification SET created_at = now() - interval '40 days' WHERE title = 'new 2';
SELECT herald.trim_inbox('ann', max_age => '30 days'), herald.trim_inbox('ann');
SELECT * FROM rs.state;
-- The oldest notifications of a much too large inbox go first, read or unread.
INSERT INTO herald.notification (recipient_id, type, title) SELECT 'dan', 'system', 'Note ' || n
FROM generate_series(1, 6000) AS n;
SELECT herald.mark_all_read('dan');
SELECT count(herald.notify('dan', 'system', 'Fresh ' || n)) FROM generate_series(1, 3) AS n;
SELECT herald.mark_unread('dan', ARRAY(SELECT id FROM herald.notification WHERE title = 'Note 2000'));
SELECT herald.trim_inbox('dan', keep => 5);
SELECT herald.trim_inbox('dan', keep => 5);
SELECT herald.trim_inbox('dan', keep => 5);
SELECT string_agg(title, ', ' ORDER BY id) FROM herald.inbox('dan');
-- A forgotten user.
SELECT herald.notify('ann', 'like', 'By Dan', actor => 'dan') IS NOT NULL AS told, herald.mute('dan', 'actor', 'ann');
SELECT herald.forget_user('dan');
SELECT (SELECT count(*) FROM herald.notification WHERE 'dan' IN (recipient_id, actor_id)) AS notifications,
       (SELECT count(*) FROM herald.preference) AS preferences,
	(SELECT count(*) FROM herald.read_mark WHERE user_id = 'dan') AS marks;
-- mark_all_read() works after the newest notification has gone, too.
SELECT herald.notify('ann', 'system', 'new 4') IS NOT NULL AS told;
SELECT herald.mark_all_read('ann');
SELECT herald.mark_unread('ann', ARRAY(SELECT min(id) FROM herald.inbox('ann')));
SELECT herald.trim_inbox('ann', keep => 1);
SELECT herald.mark_all_read('ann');
SELECT * FROM rs.state;
-- The server's settings apply to all inboxes in turn.
SELECT count(herald.notify('user ' || u, 'system', 'Note ' || n))
FROM generate_series(1, 50) AS u, generate_series(1, 2) AS n;
SET herald.inbox_limit = 1;
SELECT herald_internal.tend_next_inboxes(1000), herald_internal.tend_next_inboxes(1000);
SELECT count(*), min(title), max(title) FROM herald.notification WHERE recipient_id LIKE 'user %';
RESET herald.inbox_limit;
SET herald.milestones = '10,5';
SET herald.milestones = '10,';
SET herald.milestones = 'many';

TRUNCATE herald.read_mark, herald.notification;
DROP SCHEMA rs CASCADE;
