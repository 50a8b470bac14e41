-- Presence: online users, the status that others see, and the viewers of a post.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
TRUNCATE herald_internal.bridge, herald_internal.presence, herald_internal.viewers, herald.appearance;
CREATE SCHEMA pr;
CREATE TABLE pr.users (id int PRIMARY KEY, username text);
CREATE TABLE pr.follows (follower_id int REFERENCES pr.users, followee_id int REFERENCES pr.users);
CREATE TABLE pr.members (conversation_id int, user_id int REFERENCES pr.users, left_at timestamptz);
CREATE INDEX ON pr.members (user_id);
CREATE TABLE pr.blocks (blocker_id int REFERENCES pr.users, blocked_id int REFERENCES pr.users);
INSERT INTO pr.users SELECT n, 'user' || n FROM generate_series(1, 9) AS n;
INSERT INTO pr.follows VALUES (2, 1), (1, 3);
INSERT INTO pr.members VALUES (10, 1, NULL), (10, 4, NULL), (10, 5, now()), (11, 4, NULL), (11, 6, NULL);
SELECT herald.watch_users('pr.users'), herald.watch_follows('pr.follows'), herald.watch_members('pr.members'),
       herald.watch_blocks('pr.blocks');

-- Records the changes that other users see, in order.
CREATE TABLE pr.told (place int GENERATED ALWAYS AS IDENTITY, user_id text, shown text);
CREATE FUNCTION pr.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO pr.told (user_id, shown)
	SELECT new.user_id, new.shown WHERE new.shown <> coalesce(old.shown, 'offline');
	RETURN NULL;
END
$$;
CREATE TRIGGER note AFTER INSERT OR UPDATE OF shown ON herald.appearance FOR EACH ROW EXECUTE FUNCTION pr.note();
CREATE FUNCTION pr.told() RETURNS TABLE (told text) LANGUAGE sql AS $$
	WITH gone AS (DELETE FROM pr.told RETURNING *)
	SELECT coalesce(string_agg(user_id || ' ' || shown, ', ' ORDER BY user_id, place), 'nothing') FROM gone;
$$;
CREATE FUNCTION pr.report(bridge uuid, came text[] DEFAULT '{}', went text[] DEFAULT '{}', rooms text[] DEFAULT '{}',
	counts int[] DEFAULT '{}',
	lease interval DEFAULT '1 hour') RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM herald_internal.report_presence(bridge, came, went, rooms, counts, lease);
	RETURN QUERY SELECT * FROM pr.told();
END
$$;

-- A user is online from the first session to the last, on any bridge.
SELECT herald_internal.begin_presence(NULL, '1 hour') AS one,
       herald_internal.begin_presence(NULL, '1 hour') AS two \gset
SELECT * FROM pr.report(:'one', '{1,2}');
SELECT * FROM pr.report(:'one', '{1}');
SELECT * FROM pr.report(:'two', '{1,3}', '{9}');
SELECT user_id, status, since <= now() AS since FROM herald.online ORDER BY user_id;
SELECT count(DISTINCT since) AS one_beginning FROM herald_internal.presence WHERE user_id = '1';
SELECT * FROM pr.report(:'one', '{}', '{1,2}');
SELECT herald.is_online('1'), herald.is_online('2'), herald.is_online('3'), herald.is_online('77'),
       herald.is_online(NULL);
SELECT herald.last_seen('1'), herald.last_seen('2') <= now() AS seen, herald.last_seen('77');
SELECT * FROM pr.report(:'two', '{}', '{1}');
SELECT * FROM pr.report(:'one', '{1}');

-- Users choose the status that others see.
CREATE FUNCTION pr.act(user_id text, action text, payload jsonb) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN NEXT herald_internal.act(user_id, action, payload, NULL)
	            #- '{users,0,since}' #- '{users,1,since}' #- '{users,2,since}';
	RETURN QUERY SELECT * FROM pr.told();
END
$$;
SELECT * FROM pr.act('1', 'presence:set', '{"status": "busy"}');
SELECT * FROM pr.act('1', 'presence:set', '{"status": "busy"}');
SELECT user_id, status FROM herald.online ORDER BY user_id;
SELECT * FROM pr.act('1', 'presence:set', '{"status": "invisible"}');
SELECT user_id, status FROM herald.online ORDER BY user_id;
SELECT herald.is_online('1'), herald.last_seen('1') AS seen \gset
SELECT * FROM pr.report(:'one', '{}', '{1}');
SELECT * FROM pr.report(:'one', '{1}');
SELECT herald.last_seen('1') = :'seen' AS not_betrayed;
SELECT * FROM pr.act('1', 'presence:set', '{"status": "online"}');
SELECT * FROM pr.act('8', 'presence:set', '{"status": "away"}');
SELECT * FROM pr.report(:'one', '{8}');
SELECT * FROM pr.act('1', 'presence:set', '{"status": "asleep"}');
SELECT * FROM pr.act('1', 'presence:set', '{}');

-- The later choice counts, and is the answer. One in the future is of a clock that was ahead: any other is later.
SELECT * FROM pr.act('1', 'presence:set', '{"status": "away", "age": 60000}');
UPDATE herald.appearance SET chosen_at = 'infinity' WHERE user_id = '1';
SELECT * FROM pr.act('1', 'presence:set', '{"status": "invisible", "age": 2000}');
SELECT * FROM pr.act('1', 'presence:set', '{"status": "online", "age": 60000}');
SELECT user_id, status FROM herald.online WHERE user_id = '1';
SELECT * FROM pr.act('1', 'presence:set', '{"status": "online"}');

-- presence:list returns the online users among followed users and conversation partners, or among the requested ids.
SELECT * FROM pr.report(:'one', '{1,2,3,4,5,6}');
SELECT * FROM pr.act('1', 'presence:list', '{}');
SELECT * FROM pr.act('4', 'presence:list', '{}');
SELECT * FROM pr.act('7', 'presence:list', '{}');
SELECT * FROM pr.act('7', 'presence:list', '{"userIds": ["1", 8, "77", "1"]}');
INSERT INTO pr.blocks VALUES (1, 7), (7, 8);
SELECT * FROM pr.act('7', 'presence:list', '{"userIds": ["1", 8, "2"]}');
SELECT * FROM pr.act('1', 'presence:list', '{"userIds": ["7", 2]}');
SELECT * FROM pr.act('1', 'presence:list', '{"userIds": "7"}');
SELECT * FROM pr.act('1', 'presence:list',
                     jsonb_build_object('userIds', (SELECT jsonb_agg(n) FROM generate_series(1, 1001) AS n)));

-- It has pages, which are made of so many users that are online: one with a block is left out of its page.
SELECT * FROM pr.act('7', 'presence:list', '{"userIds": ["2", "1", "3"], "max": 2}');
SELECT * FROM pr.act('7', 'presence:list', '{"userIds": ["2", "1", "3"], "max": 2, "after": "2"}');
SELECT * FROM pr.act('1', 'presence:list', '{"max": 1}');
SELECT * FROM pr.act('1', 'presence:list', '{"max": 5, "after": "3"}');
SELECT * FROM pr.act('1', 'presence:list', '{"max": 0}');
SELECT * FROM pr.act('1', 'presence:list', '{"max": -1}');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM pr.act('1', 'presence:list', '{"max": "all"}');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM pr.act('1', 'inbox:list', '{"max": 1.5}');
\echo :LAST_ERROR_SQLSTATE

-- Followers and conversations receive a user's changes, in lists that fit into signals.
SELECT * FROM herald_internal.presence_rooms('{1,4,7}') ORDER BY user_id;
INSERT INTO pr.members SELECT 1000000 + n, 9 FROM generate_series(1, 700) AS n;
SELECT count(*) AS lists, sum(cardinality(rooms)) AS rooms, max(octet_length(to_json(rooms)::text)) < 7000 AS short
FROM herald_internal.presence_rooms('{9}');
SELECT * FROM pr.report(:'one', '{9}');

-- An id that is too long for a signal is left out, and no other id with it.
CREATE TABLE pr.talks (conversation_id text, user_id int REFERENCES pr.users);
SELECT herald.watch_members('pr.talks');
INSERT INTO pr.talks VALUES (repeat('é', 9999), 7), ('short', 7);
SELECT * FROM herald_internal.presence_rooms('{7}');
SELECT * FROM pr.report(:'one', ARRAY[repeat('é', 9999), repeat(e'\x01', 101), '7'],
                        rooms => ARRAY['post:' || repeat('é', 9999)], counts => '{1}');

-- The number of viewers is the sum over all bridges.
SELECT * FROM pr.report(:'one', rooms => '{post:1,post:2}', counts => '{2,1}');
SELECT * FROM pr.report(:'two', rooms => '{post:1}', counts => '{3}');
SELECT * FROM pr.report(:'one', rooms => '{post:1,post:2}', counts => '{1,0}');
SELECT room, sum(count) FROM herald_internal.viewers GROUP BY room;

-- A bridge that begins again counts once, and its users do not go offline.
SELECT herald_internal.begin_presence(:'two', '1 hour') AS three \gset
SELECT room, sum(count) FROM herald_internal.viewers GROUP BY room;
SELECT * FROM pr.report(:'three', '{3}', rooms => '{post:1}', counts => '{2}');
SELECT room, sum(count) FROM herald_internal.viewers GROUP BY room;

-- An expired lease hides its users at once. They go offline when a bridge that was alive all that
-- time ends the lease.
UPDATE herald_internal.bridge SET alive_until = '2020-01-02 12:00Z' WHERE bridge_id <> :'three';
SELECT * FROM pr.report(:'three');
SELECT user_id, status FROM herald.online ORDER BY user_id;
UPDATE herald_internal.bridge SET since = now() - interval '1 h' WHERE bridge_id = :'three';
SELECT * FROM pr.report(:'three', '{2}');
SELECT user_id, status FROM herald.online ORDER BY user_id;
SELECT herald.last_seen('4') AT TIME ZONE 'UTC' AS last_heard_of;
SELECT room, sum(count) FROM herald_internal.viewers GROUP BY room;
\set VERBOSITY sqlstate
SELECT * FROM pr.report(:'one', '{4}');
\set VERBOSITY default

-- After a time without any report, the first bridge that returns ends no other.
SELECT herald_internal.begin_presence(NULL, '1 hour') IS NOT NULL AS begun;
UPDATE herald_internal.bridge SET since = now() - interval '9 h', alive_until = now() - interval '5 h';
SELECT * FROM pr.report(:'three');
SELECT count(*) FROM herald_internal.bridge;

-- Applications use the view and its functions; the bridge may read no table.
SET ROLE herald_inbox;
SELECT user_id, status FROM herald.online ORDER BY user_id;
SELECT herald.is_online('2');
SELECT * FROM herald_internal.presence;
SET ROLE herald_bridge;
SELECT herald_internal.begin_presence(NULL, '1 s') IS NOT NULL AS begun;
SELECT * FROM herald.online;
RESET ROLE;

-- A restored database keeps the chosen statuses, and no user is online.
TRUNCATE herald_internal.bridge, herald_internal.presence, herald_internal.viewers;
SELECT herald_internal.begin_presence(NULL, '1 hour') AS first \gset
SELECT chosen, shown, count(*) FROM herald.appearance GROUP BY 1, 2 ORDER BY 1, 2;

SELECT herald.forget_user('4');
SELECT herald.last_seen('4');
DROP TRIGGER note ON herald.appearance;
TRUNCATE herald_internal.bridge, herald_internal.presence, herald_internal.viewers, herald.appearance;
SELECT herald.unwatch(t::regclass) FROM unnest('{pr.users,pr.follows,pr.members,pr.talks,pr.blocks}'::text[]) AS t;
DROP SCHEMA pr CASCADE;
