-- The inbox: pages, reading, preferences.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA inbox;
-- Returns the new events of the log through the bridge's own function. Ids and times differ from run to run.
CREATE TABLE inbox.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION inbox.heard() RETURNS TABLE (rooms text, event text, membership text, payload jsonb) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM inbox.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE inbox.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name,
	       coalesce(r.member_id || ' joins ' || r.joins, r.member_id || ' leaves ' || r.leaves),
	       r.payload::jsonb - '{id,ids,until,createdAt,timestamp}'::text[]
	FROM read AS r
	WHERE r.name IS NOT NULL;
$$;
TRUNCATE herald.notification;

-- Notifications by hand.
SELECT herald.notify('ann', 'system', 'Maintenance', 'At noon', '{"minutes": 5}') IS NOT NULL AS made;
SELECT herald.notify('ann', 'like', actor => 'ben') IS NOT NULL AS made;
SELECT herald.notify('ann', 'like', actor => 'ann') IS NOT NULL AS to_oneself;
SELECT herald.notify('ann', 'invoice_due', content => 'Invoice ' || n) IS NOT NULL AS made
FROM generate_series(1, 3) AS n;
SELECT herald.notify('ben', 'system', 'For ben') IS NOT NULL AS made;
SELECT * FROM inbox.heard();

-- Pages.
SELECT type, actor_id, title, content, data FROM herald.inbox('ann');
SELECT content FROM herald.inbox('ann', max => 2);
SELECT content FROM herald.inbox('ann', before => (SELECT min(id) FROM herald.inbox('ann', max => 2)), max => 2);
SELECT count(*) FROM herald.inbox('nobody');
SELECT count(*) FROM herald.inbox('ann', max => -1);

-- Reading.
SELECT herald.unread_count('ann');
SELECT herald.mark_read('ann', ARRAY(SELECT id FROM herald.inbox('ann', max => 2)));
SELECT herald.mark_read('ann', ARRAY(SELECT id FROM herald.inbox('ann', max => 2))) AS again;
SELECT herald.mark_read('ann', ARRAY(SELECT id FROM herald.inbox('ben'))) AS of_another;
SELECT herald.mark_read('ann', NULL);
SELECT title FROM herald.inbox('ann', only_unread => true);
SELECT rooms, event, jsonb_array_length(payload -> 'ids') AS ids, payload -> 'count' AS count FROM inbox.heard();
-- mark_all_read() leaves out transactions in progress, and would announce them again. The lock keeps the worker's
-- maintenance from being one.
DO $$ BEGIN PERFORM herald_internal.own_lock('herald_internal.log_fold', for_session => true); END $$;
SELECT herald.mark_all_read('ann');
SELECT herald.mark_all_read('ann') AS again;
DO $$ BEGIN PERFORM herald_internal.own_unlock('herald_internal.log_fold'); END $$;
SELECT herald.unread_count('ann'), herald.unread_count('ben');
SELECT * FROM inbox.heard();

-- Preferences: of a type, else for all types, else every channel.
SELECT herald.set_preference('cat', '*', '{}');
SELECT herald.set_preference('cat', 'follow', '{inbox}');
SELECT herald.set_preference('cat', 'message', '{inbox,live,push}');
SELECT herald.notify('cat', type) IS NOT NULL AS made FROM unnest('{like,follow,message}'::text[]) AS type;
SELECT * FROM inbox.heard();
SELECT type FROM herald.inbox('cat');
SELECT herald.set_preference('cat', NULL, NULL);
SELECT herald.set_preference('cat', 'message', '{}');
SELECT herald.notify('cat', type) IS NOT NULL AS made FROM unnest('{like,follow,message}'::text[]) AS type;
SELECT user_id, scope, id, channels FROM herald.preference WHERE user_id = 'cat' ORDER BY id;
SELECT herald.set_preference('cat', 'like', '{inbox,pigeon}');
SELECT herald.set_preference('cat', 'like', '{live}');
SELECT herald.set_preference('cat', 'like', '{NULL}');

-- Row-level security: a user's session sees its own rows in the table.
CREATE ROLE regress_herald_web;
GRANT USAGE ON SCHEMA herald TO regress_herald_web;
GRANT SELECT ON herald.notification TO regress_herald_web;
GRANT EXECUTE ON FUNCTION herald.current_user_id() TO regress_herald_web;
SET ROLE regress_herald_web;
SELECT count(*) FROM herald.notification;
SET herald.user_id = 'ben';
SELECT title FROM herald.notification;
RESET herald.user_id;
SET request.jwt.claims = '{"sub": "cat"}';
SELECT count(*) FROM herald.notification;
SELECT herald.inbox('ann');
RESET ROLE;
RESET request.jwt.claims;
DROP OWNED BY regress_herald_web;
DROP ROLE regress_herald_web;

DELETE FROM herald.preference;
TRUNCATE herald.notification;
DROP SCHEMA inbox CASCADE;
