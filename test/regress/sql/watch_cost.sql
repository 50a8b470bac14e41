-- A watch call compiles the tables whose rules it changes, and no others. Only cheap functions run once for each
-- watched table.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
SELECT herald.unwatch_all();
SET track_functions = 'all';
CREATE SCHEMA cost;
CREATE TABLE cost.users (id bigint PRIMARY KEY, username text NOT NULL UNIQUE);
SELECT format('CREATE TABLE cost.%s_posts (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES cost.users, '
              'body text)',
              chr(96 + n)) FROM generate_series(1, 12) AS n \gexec
SELECT herald.watch_users('cost.users');

-- The functions that a call of watch_posts() runs more often than the same call for the second table did.
CREATE TABLE cost.call (place int, name text, calls bigint);
SET plan_cache_mode = force_custom_plan; -- the planner calls functions, too
DO $$
BEGIN
	FOR n IN 1..12 LOOP
		PERFORM herald.watch_posts(format('cost.%s_posts', chr(96 + n))::regclass);
		INSERT INTO cost.call
			SELECT n, f.name, s.calls - coalesce((SELECT sum(c.calls) FROM cost.call AS c WHERE c.name = f.name), 0)
			FROM pg_stat_xact_user_functions AS s
			CROSS JOIN LATERAL (SELECT s.funcid::regprocedure::text) AS f (name)
			WHERE s.schemaname LIKE 'herald%';
	END LOOP;
END
$$;
RESET plan_cache_mode;
SELECT c.name
FROM cost.call AS c JOIN cost.call AS s ON s.place = 2 AND s.name = c.name
WHERE c.place = 12 AND c.calls > s.calls ORDER BY c.name;
SELECT name, calls FROM cost.call WHERE place = 12 AND name LIKE '%.compile_rules(%';
SELECT herald.unwatch_all();
DROP SCHEMA cost CASCADE;

-- In any order of the calls, the rules are those that all tables would have if they were compiled again.
CREATE SCHEMA cost;
CREATE TABLE cost.users (id bigint PRIMARY KEY, username text NOT NULL UNIQUE, hidden boolean NOT NULL DEFAULT false);
CREATE TABLE cost.posts (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES cost.users, body text);
CREATE TABLE cost.albums (id bigint PRIMARY KEY, post_id bigint NOT NULL REFERENCES cost.posts,
                          user_id bigint NOT NULL REFERENCES cost.users);
CREATE TABLE cost.likes (user_id bigint REFERENCES cost.users, post_id bigint REFERENCES cost.posts,
                         PRIMARY KEY (user_id, post_id));
CREATE TABLE cost.comments (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES cost.users,
                            post_id bigint NOT NULL REFERENCES cost.posts, body text);
CREATE TABLE cost.comment_likes (user_id bigint REFERENCES cost.users, comment_id bigint REFERENCES cost.comments,
                                 PRIMARY KEY (user_id, comment_id));
CREATE TABLE cost.album_likes (user_id bigint REFERENCES cost.users, album_id bigint, PRIMARY KEY (user_id, album_id));
CREATE TABLE cost.follows (follower_id bigint REFERENCES cost.users, followee_id bigint REFERENCES cost.users,
                           PRIMARY KEY (follower_id, followee_id));
CREATE TABLE cost.follow_requests (follower_id bigint REFERENCES cost.users, followee_id bigint REFERENCES cost.users,
                                   PRIMARY KEY (follower_id, followee_id));
CREATE TABLE cost.blocks (blocker_id bigint REFERENCES cost.users, blocked_id bigint REFERENCES cost.users,
                          PRIMARY KEY (blocker_id, blocked_id));
CREATE TABLE cost.members (conversation_id bigint, user_id bigint REFERENCES cost.users,
                           PRIMARY KEY (conversation_id, user_id));
CREATE TABLE cost.messages (id bigint PRIMARY KEY, conversation_id bigint NOT NULL,
                            sender_id bigint NOT NULL REFERENCES cost.users, body text);
CREATE TABLE cost.message_likes (user_id bigint REFERENCES cost.users, message_id bigint REFERENCES cost.messages,
                                 PRIMARY KEY (user_id, message_id));
CREATE TABLE cost.watch (place int PRIMARY KEY, call text);
INSERT INTO cost.watch VALUES
	(1, $$watch_users('cost.users')$$),
	(2, $$watch_posts('cost.posts', visible => 'NOT (SELECT u.hidden FROM cost.users AS u WHERE u.id = post.user_id)
	     OR EXISTS (SELECT FROM cost.members AS m WHERE m.user_id::text = viewer)')$$),
	(3, $$watch_likes('cost.likes', actor => 'user_id', subject => 'post_id')$$),
	(4, $$watch_comments('cost.comments', author => 'user_id', subject => 'post_id')$$),
	(5, $$watch_likes('cost.comment_likes', actor => 'user_id', subject => 'comment_id')$$),
	(6, $$watch_likes('cost.album_likes', actor => 'user_id', subject => 'album_id', subject_table => 'cost.albums')$$),
	(7, $$watch_follows('cost.follows')$$),
	(8, $$watch_follow_requests('cost.follow_requests')$$),
	(9, $$watch_blocks('cost.blocks')$$),
	(10, $$watch_members('cost.members', conversation => 'conversation_id', member => 'user_id')$$),
	(11, $$watch_messages('cost.messages', sender => 'sender_id', conversation => 'conversation_id')$$),
	(12, $$watch_likes('cost.message_likes', actor => 'user_id', subject => 'message_id')$$);
CREATE VIEW cost.compiled AS
	SELECT relation, rule, change, operation, notify, publish, lock, retract, schedule FROM herald.watched
	UNION ALL
	SELECT w.relation, 'rooms of ' || w.kind, r.room ->> 'prefix', NULL, r.room ->> 'access', r.room ->> 'keys', NULL,
	       NULL, r.room ->> 'relation'
	FROM herald_internal.watched_table AS w
	CROSS JOIN jsonb_array_elements(w.arguments -> 'rooms') AS r (room);
DO $$
DECLARE
	step record;
	before cost.compiled[];
	wrong text;
BEGIN
	FOR step IN
		SELECT s.part, s.call FROM (
			SELECT 1 AS part, w.place, w.call FROM cost.watch AS w
			UNION ALL SELECT 2, 0, 'unwatch_all()'
			UNION ALL SELECT 3, -w.place, w.call FROM cost.watch AS w
			UNION ALL SELECT 4, 0, $sql$watch_posts('cost.posts', visible => 'true')$sql$
			UNION ALL
			SELECT 5, u.place, format('unwatch(%L)', 'cost.' || u.name)
			FROM unnest('{blocks,follow_requests,follows,posts,comments,members,messages}'::text[])
				WITH ORDINALITY AS u (name, place)) AS s
		ORDER BY s.part, s.place
	LOOP
		EXECUTE 'SELECT herald.' || step.call;
		before := ARRAY(SELECT c FROM cost.compiled AS c);
		PERFORM herald_internal.compile_rules(w.relation, w.kind, w.arguments)
		FROM herald_internal.watched_table AS w;
		SELECT string_agg(DISTINCT c.relation || ' ' || c.rule, ', ') INTO wrong
		FROM (SELECT c.* FROM cost.compiled AS c EXCEPT SELECT b.* FROM unnest(before) AS b
		      UNION ALL
		      (SELECT b.* FROM unnest(before) AS b EXCEPT SELECT c.* FROM cost.compiled AS c)) AS c;
		IF wrong IS NOT NULL THEN
			RAISE WARNING '% leaves outdated rules: %', step.call, wrong;
		END IF;
	END LOOP;
END
$$;
SELECT count(*) > 0 AS watched FROM herald.watched;
SELECT herald.unwatch_all();
DROP SCHEMA cost CASCADE;
