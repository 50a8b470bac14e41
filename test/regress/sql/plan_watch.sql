-- herald.plan_watch(): what a call would do, with examples of real rows, and without any effect.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE ROLE regress_planner IN ROLE herald_watch;
CREATE SCHEMA planned AUTHORIZATION regress_planner;
SET ROLE regress_planner;
CREATE TABLE planned.users (id int PRIMARY KEY, username text NOT NULL);
CREATE TABLE planned.posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES planned.users, body text, state text);
CREATE TABLE planned.comments (id int PRIMARY KEY, post_id int NOT NULL REFERENCES planned.posts,
	user_id int NOT NULL REFERENCES planned.users, parent_id int REFERENCES planned.comments, raw text);
CREATE TABLE planned.likes (user_id int NOT NULL REFERENCES planned.users,
	post_id int NOT NULL REFERENCES planned.posts);
CREATE VIEW planned.effects AS
	SELECT (SELECT count(*) FROM herald_internal.watched_table) AS watched,
	       (SELECT count(*) FROM herald_internal.rule) AS rules,
	       (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'herald%') AS triggers,
	       (SELECT count(*) FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
	        WHERE c.relnamespace = 'planned'::regnamespace AND c.relkind = 'r' AND
	              l.pid = pg_backend_pid()) AS locks;
SELECT * FROM planned.effects;

-- Of an empty table: columns, and the names of notifications and events.
SELECT * FROM herald.plan_watch('watch_likes', 'planned.likes');

-- With rows: a like of one's own post is no example, and the title is that of the type.
INSERT INTO planned.users VALUES (1, 'ann'), (2, 'ben');
INSERT INTO planned.posts VALUES (7, 1, 'hello @ben', 'open');
INSERT INTO planned.likes VALUES (1, 7), (2, 7);
INSERT INTO planned.comments VALUES (70, 7, 2, NULL, 'one'), (71, 7, 1, 70, 'two');
SELECT item, name, value FROM herald.plan_watch('watch_likes', 'planned.likes') WHERE item <> 'column';
-- A column that may matter and is not used is a warning; a search path applies as in the call itself.
SET search_path = planned;
SELECT * FROM herald.plan_watch('watch_posts', 'posts');
SELECT * FROM herald.plan_watch('watch_comments', 'comments', '{"subject_table": "posts", "body": "raw"}');
SELECT * FROM herald.plan_watch('watch', 'comments',
	'{"rule": "noted", "operations": ["insert", "update"], "recipient": "7", "title": "Note {raw}",
	  "event": "note:made", "room": "note:{id}", "on_error": null}');
SELECT item, name, value FROM herald.plan_watch('watch_posts', 'posts',
	'{"visible": "post.user_id::text = viewer", "ignore": ["state"], "notify_followers": true, "follower_limit": 5}')
WHERE item <> 'column';
-- Followers get a private post by themselves: an update can show it to some, and hide it from others. A status has
-- events of its own.
CREATE TABLE follows (follower_id int REFERENCES users, followee_id int REFERENCES users);
BEGIN;
INSERT INTO follows VALUES (2, 1);
SELECT herald.watch_follows('follows');
SELECT item, name, value, reason FROM herald.plan_watch('watch_posts', 'posts',
	'{"visible": "post.id > 0", "status": "state", "published": "open"}')
WHERE item = 'event';
ROLLBACK;
DROP TABLE follows;
RESET search_path;

-- A rule that fails for the rows of a table
SELECT item, name, value FROM herald.plan_watch('watch', 'planned.posts',
	'{"rule": "broken", "recipient": "(1 / (new.id - 7))::text", "title": "x"}');

-- An error of the call, and calls and arguments that do not exist
SELECT * FROM herald.plan_watch('watch_likes', 'planned.likes', '{"actor": "nobody"}');
SELECT * FROM herald.plan_watch('watch_likes', 'planned.likes', '{"subject_table": "planned.nothing"}');
\set VERBOSITY terse
SELECT * FROM herald.plan_watch('watch_likes', 'planned.likes', '{"x => 1); DROP TABLE planned.likes; --": "1"}');
\set VERBOSITY default
SELECT * FROM herald.plan_watch('watch_likes', 'planned.likes',
	$${"actor": "user_id'); DROP TABLE planned.likes; --"}$$);
SELECT * FROM herald.plan_watch('unwatch_all', 'planned.likes');

-- Nothing has happened, not even in this transaction.
BEGIN;
SELECT count(*) FROM herald.plan_watch('watch_likes', 'planned.likes');
SELECT * FROM planned.effects;
COMMIT;
RESET ROLE;
SELECT count(*) FROM herald.notification;

-- The rows are read, and the rules run, as the owner of the table, not as the superuser who plans.
CREATE ROLE regress_other_planner IN ROLE herald_watch;
GRANT USAGE ON SCHEMA planned TO regress_other_planner;
SET ROLE regress_planner;
CREATE TABLE planned.spied AS SELECT current_user::text AS by_user WHERE false;
CREATE FUNCTION planned.spy(id int) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	RAISE WARNING 'a policy runs as %', current_user;
	RETURN true;
END
$$;
ALTER TABLE planned.posts ENABLE ROW LEVEL SECURITY;
ALTER TABLE planned.posts FORCE ROW LEVEL SECURITY;
CREATE POLICY spied ON planned.posts USING (planned.spy(id));
RESET ROLE;
SELECT item, name, value FROM herald.plan_watch('watch_posts', 'planned.posts', '{"ignore": ["state"]}')
WHERE item = 'event';
-- Only the owner plans.
SET ROLE regress_other_planner;
SELECT * FROM herald.plan_watch('watch_likes', 'planned.likes');
SELECT herald_internal.query_as_owner('planned.likes', 'SELECT to_jsonb(1)');
RESET ROLE;

-- A plan draws no id of an event.
SELECT last_value AS drawn FROM herald.event_id_seq \gset
SELECT count(*) > 0 AS planned FROM herald.plan_watch('watch_posts', 'planned.posts', '{"ignore": ["state"]}');
SELECT last_value - :drawn AS drawn FROM herald.event_id_seq;

DROP SCHEMA planned CASCADE;
DROP ROLE regress_planner, regress_other_planner;
