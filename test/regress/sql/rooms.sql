-- Rooms: the automatic rooms of a connecting session, and the rooms that it may join.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA r;
CREATE TABLE r.users (id int PRIMARY KEY, username text);
CREATE TABLE r.posts (id int PRIMARY KEY, user_id int REFERENCES r.users, secret boolean NOT NULL DEFAULT false);
CREATE TABLE r.albums (id int PRIMARY KEY, owner_id int REFERENCES r.users);
CREATE TABLE r.album_likes (user_id int REFERENCES r.users, album_id int REFERENCES r.albums);
CREATE TABLE r.follows (follower_id int REFERENCES r.users, followee_id int REFERENCES r.users);
CREATE TABLE r.members (conversation_id int, user_id int REFERENCES r.users, left_at timestamptz);
CREATE INDEX ON r.members (user_id);
INSERT INTO r.users SELECT n, 'user' || n FROM generate_series(1, 4) AS n;
INSERT INTO r.posts VALUES (1, 1, false), (2, 1, true);
INSERT INTO r.albums VALUES (5, 1);
INSERT INTO r.follows VALUES (2, 1), (2, 3), (3, 1);
INSERT INTO r.members VALUES (10, 1, NULL), (10, 2, NULL), (10, 3, now()), (11, 2, NULL);
SELECT herald.watch_users('r.users');
SELECT herald.watch_posts('r.posts', visible => 'NOT post.secret OR post.user_id::text = viewer');
SELECT herald.watch_posts('r.posts', visible => 'NOT post.hidden');
SELECT herald.watch_likes('r.album_likes');
SELECT herald.watch_follows('r.follows');
SELECT herald.watch_members('r.members');

CREATE FUNCTION r.try(users text[], rooms text[]) RETURNS TABLE (room text, may text) LANGUAGE sql AS $$
	SELECT room, string_agg(CASE WHEN herald.may_join(u, room) THEN u ELSE '-' END, ' ' ORDER BY place)
	FROM unnest(rooms) WITH ORDINALITY AS r (room, nr), unnest(users) WITH ORDINALITY AS u (u, place)
	GROUP BY room, nr
	ORDER BY nr;
$$;
SELECT * FROM r.try('{1,2,3,77}',
       '{user:1,user:2,feed:1,feed:3,conversation:10,conversation:11,conversation:12,post:1,post:2,post:3,post:x,
	album:5,album:6,follow:1,lobby:1,*,post:,:1,post,"",conversation:,"post:1; DROP TABLE r.posts"}');
SELECT herald.may_join(NULL, 'post:1'), herald.may_join('1', NULL);

-- Rooms of the application: a policy that fails refuses that one user.
CREATE FUNCTION r.lobby(user_id text, room text) RETURNS boolean LANGUAGE sql AS $$
	SELECT 12 / user_id::int > 5 AND room LIKE '%:1'
$$;
SELECT herald.room_policy('lobby', 'r.lobby(text, text)');
SELECT * FROM r.try('{1,2,3,0}', '{lobby:1,lobby:2}');
CREATE TABLE r.tickets (holder text);
INSERT INTO r.tickets VALUES ('3');
CREATE FUNCTION r.ticket(user_id text, room text) RETURNS boolean LANGUAGE sql SET search_path = r AS $$
	SELECT EXISTS (SELECT FROM tickets WHERE holder = user_id)
$$;
SELECT herald.room_policy('hall', 'r.ticket(text, text)');
SELECT * FROM r.try('{1,2,3,0}', '{hall:1}');
CREATE FUNCTION public.regress_herald_path(user_id text, room text) RETURNS boolean LANGUAGE sql AS $$
	SELECT 'path:' || current_setting('search_path') = room
$$;
SELECT herald.room_policy('path', 'regress_herald_path(text, text)');
SELECT herald.may_join('1', 'path:"$user", public, pg_temp');
CREATE FUNCTION r.broken(user_id text, room text) RETURNS boolean LANGUAGE plpgsql
	AS $$ BEGIN RAISE 'out of order'; END $$;
SELECT herald.room_policy('lobby', 'r.broken(text, text)');
SELECT herald.may_join('1', 'lobby:1');
SELECT herald.room_policy('lobby', NULL);
SELECT herald.may_join('1', 'lobby:1');
SELECT herald.room_policy('user', 'r.lobby(text, text)');
SELECT herald.room_policy('a:b', 'r.lobby(text, text)');
SELECT herald.room_policy('hall', 'herald.may_join(text, text)');
SELECT herald.room_policy('hall', 'pg_catalog.lower(text)');
SELECT herald.room_policy('hall', NULL);

CREATE FUNCTION r.names(joined json) RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(CASE WHEN json_typeof(j -> 'keys') = 'null' THEN 'not ' ELSE '' END || (j ->> 'room'))
	FROM json_array_elements(joined) AS j
$$;

-- Connecting sessions: herald remembers a joined room as long as the user may be in it.
SELECT (herald_internal.join_room('2', 'post:1', 's1')).admitted,
       (herald_internal.join_room('2', 'post:2', 's1')).admitted AS secret,
       (herald_internal.join_room('2', 'feed:1', 's1')).admitted AS automatic,
       (herald_internal.join_room('2', 'album:5', 's1')).admitted AS album,
       (herald_internal.join_room('2', 'album:5', 's1')).admitted AS twice,
       (herald_internal.join_room('1', 'post:2', 's2')).admitted AS own;
SELECT session, user_id, room FROM herald_internal.session_room ORDER BY session, room;
SELECT ordinal, rooms, r.names(joined) AS joined, unread
FROM herald_internal.connect_sessions('{2,1,2,3,nobody,1}', '{s1,s2,s3,s4,s5,s1}');
UPDATE r.posts SET secret = true;
SELECT herald_internal.leave_room('2', 'album:5', 's1'), herald_internal.leave_room('2', 'album:5', 's1') AS again;
CREATE TABLE r.place AS SELECT herald.current_position() AS before, ''::text AS after;
DELETE FROM r.follows WHERE followee_id = 3;
UPDATE r.members SET left_at = now() WHERE conversation_id = 11;
SELECT ordinal, rooms, r.names(joined) AS joined, unread FROM herald_internal.connect_sessions('{2}', '{s1}');

-- A returning session has the rooms of its position; later changes arrive as events.
INSERT INTO r.members VALUES (12, 2, NULL);
UPDATE r.members SET left_at = now() WHERE (conversation_id, user_id) = (10, 2);
UPDATE r.members SET left_at = NULL WHERE (conversation_id, user_id) = (10, 2);
UPDATE r.place SET after = herald.current_position();
SELECT c.ordinal, c.rooms, r.names(c.joined) AS joined, c.recovered, c.segments_before,
       c."position" = before AS "before", c."position" = after AS "after"
FROM r.place, herald_internal.connect_sessions('{2,2,1,2,2}', '{s1,s1,s2,s1,s1}',
       ARRAY[before, after, NULL, 'nonsense', '1~0~0~1.0'], ARRAY[before, after]) AS c;
SELECT c.ordinal, c.segments_before FROM r.place,
     herald_internal.connect_sessions('{2,2}', '{s1,s1}', ARRAY[before, after], ARRAY['nonsense', after, after]) AS c;
SELECT * FROM herald_internal.connect_sessions('{}', '{}');

-- One query serves any number of users.
INSERT INTO r.users SELECT n, 'user' || n FROM generate_series(1001, 6000) AS n;
INSERT INTO r.members SELECT n / 5, n FROM generate_series(1001, 6000) AS n;
SELECT count(*), sum(cardinality(rooms)) FROM herald_internal.connect_sessions(
	(SELECT array_agg(n::text) FROM generate_series(1001, 6000) AS n),
	(SELECT array_agg('s' || n) FROM generate_series(1001, 6000) AS n));

DELETE FROM herald_internal.session_room;
DELETE FROM herald.room_policy;
DROP FUNCTION public.regress_herald_path;
SELECT herald.unwatch_all();
DROP SCHEMA r CASCADE;
