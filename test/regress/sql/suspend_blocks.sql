-- A write passes whatever becomes of the other tables that its rules use; without blocks to ask, notifications wait.
\set ECHO none
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA held;
CREATE TABLE held.users (id int PRIMARY KEY, username text NOT NULL UNIQUE);
CREATE TABLE held.posts (id int PRIMARY KEY, user_id int REFERENCES held.users, body text, audience text);
CREATE TABLE held.likes (user_id int REFERENCES held.users, post_id int REFERENCES held.posts,
	PRIMARY KEY (user_id, post_id));
CREATE TABLE held.comments (id int PRIMARY KEY, user_id int REFERENCES held.users,
	post_id int REFERENCES held.posts, body text);
CREATE TABLE held.follows (follower_id int REFERENCES held.users, followee_id int REFERENCES held.users,
	PRIMARY KEY (follower_id, followee_id));
CREATE TABLE held.conversations (id int PRIMARY KEY);
CREATE TABLE held.members (conversation_id int REFERENCES held.conversations, user_id int REFERENCES held.users,
	PRIMARY KEY (conversation_id, user_id));
CREATE TABLE held.messages (id int PRIMARY KEY, conversation_id int REFERENCES held.conversations,
	sender_id int REFERENCES held.users, body text);
CREATE TABLE held.blocks (blocker_id int, blocked_id int, weight int DEFAULT 1);
INSERT INTO held.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
INSERT INTO held.conversations VALUES (1);
INSERT INTO held.members VALUES (1, 1), (1, 2);
INSERT INTO held.follows VALUES (2, 1);
SELECT herald.watch_users('held.users'), herald.watch_follows('held.follows'),
       herald.watch_posts('held.posts', visible => $$post.audience <> 'friends' OR EXISTS (
           SELECT FROM held.follows AS f WHERE f.follower_id::text = viewer AND f.followee_id = post.user_id)$$),
       herald.watch_likes('held.likes'), herald.watch_comments('held.comments'),
       herald.watch_members('held.members'), herald.watch_messages('held.messages'),
       herald.watch_blocks('held.blocks', active => '1 / weight >= 0', ignore => '{weight}') \g /dev/null
INSERT INTO held.posts VALUES (1, 1, 'first', 'friends'), (2, 2, 'second', 'all');
CREATE FUNCTION held.state(OUT suspended text, OUT missed text, OUT told text) LANGUAGE sql AS $$
	SELECT (SELECT string_agg(format('%s %s %s', s.relation, s.rule, s.sqlstate), E'\n'
	                          ORDER BY s.relation::text, s.rule)
	        FROM herald.suspended AS s),
	       (SELECT string_agg(format('%s %s %s', m.relation, m.rule, m.changes), E'\n'
	                          ORDER BY m.relation::text, m.rule)
	        FROM (SELECT m.relation, m.rule, sum(m.changes) AS changes FROM herald.missed_change AS m
	              GROUP BY m.relation, m.rule) AS m),
	       (SELECT string_agg(format('%s %s', n.recipient_id, n.title), E'\n' ORDER BY n.id)
	        FROM herald.notification AS n WHERE n.recipient_id IN ('1', '2', '3'));
$$;
CREATE FUNCTION held.forget() RETURNS void LANGUAGE sql AS $$
	DELETE FROM herald.missed_change;
	DELETE FROM herald.notification WHERE recipient_id IN ('1', '2', '3');
$$;
SELECT held.forget() \g /dev/null
RESET client_min_messages;
\set ECHO all
\set SHOW_CONTEXT never

-- blocks as they should be
INSERT INTO held.blocks VALUES (1, 3);
INSERT INTO held.likes VALUES (2, 1), (3, 1);
SELECT * FROM held.state();
SELECT held.forget();
DELETE FROM held.likes;

-- a dropped column: the write passes, and notifications between users are held back
ALTER TABLE held.blocks DROP COLUMN blocked_id;
SELECT problem, relation, rule, detail FROM herald.doctor()
WHERE relation = 'held.blocks'::regclass AND severity = 'error';
INSERT INTO held.likes VALUES (2, 1), (3, 1);
SELECT * FROM held.state();
INSERT INTO held.comments VALUES (1, 2, 1, 'one'), (2, 1, 1, 'by the author');
SELECT * FROM held.state();
SELECT severity, problem, relation, rule, regexp_replace(detail, 'since .*?, ', 'since then, ') AS detail, remedy
FROM herald.doctor() WHERE relation = 'held.blocks'::regclass;

-- a notification without an actor concerns no block, and a type that is required ignores blocks
SELECT herald.notify('2', 'held', 'without an actor') IS NOT NULL AS told,
       herald.notify('2', 'held', 'with one', actor => '1') IS NOT NULL AS held;
INSERT INTO herald.notification_type (name, title, required) VALUES ('held_required', 'required', true);
SELECT herald.notify('2', 'held_required', 'required', actor => '1') IS NOT NULL AS told;
SELECT herald.is_blocked('1', '2'), herald.is_blocked('1', '1');
BEGIN READ ONLY;
SELECT herald.is_blocked('1', '2');
COMMIT;
SELECT step, verdict, detail FROM herald.explain('2', 'held', '1') WHERE step = 'block';

-- a parallel query asks blocks in its leader
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_leader_participation = off;
SELECT count(*) FROM held.users AS u WHERE u.username <> '' AND 'live' = ANY (herald.channels(u.id::text, 'held', '1'));
COMMIT;

-- a new session knows it; the query resumes when the schema fits again
\c -
\set SHOW_CONTEXT never
INSERT INTO held.likes VALUES (2, 2), (3, 2);
ALTER TABLE held.blocks ADD COLUMN blocked_id int;
SELECT herald.maintain();
SELECT held.forget();
INSERT INTO held.comments VALUES (3, 3, 2, 'again');
SELECT * FROM held.state();
SELECT held.forget();

-- a suspension that is rolled back is none
BEGIN;
ALTER TABLE held.blocks DROP COLUMN blocked_id;
INSERT INTO held.comments VALUES (4, 3, 2, 'in vain');
ROLLBACK;
INSERT INTO held.comments VALUES (4, 3, 2, 'once more');
SELECT * FROM held.state();
SELECT held.forget();

-- another type, a lost privilege, and a call that makes the blocks anew
ALTER TABLE held.blocks ALTER COLUMN blocker_id TYPE uuid USING md5(blocker_id::text)::uuid;
INSERT INTO held.comments VALUES (5, 3, 2, 'type');
SELECT * FROM held.state();
ALTER TABLE held.blocks DROP COLUMN blocker_id, ADD COLUMN blocker_id int;
SELECT herald.watch_blocks('held.blocks', active => '1 / weight >= 0', ignore => '{weight}');
INSERT INTO held.comments VALUES (6, 3, 2, 'watched again');
SELECT * FROM held.state();
SELECT held.forget();
CREATE ROLE regress_held_owner IN ROLE herald_publish;
GRANT USAGE ON SCHEMA held TO regress_held_owner;
ALTER TABLE held.blocks OWNER TO regress_held_owner;
REVOKE SELECT ON held.blocks FROM regress_held_owner;
SET ROLE regress_held_owner;
SELECT herald.notify('2', 'held', 'no privilege', actor => '3') IS NOT NULL AS told;
RESET ROLE;
SELECT * FROM held.state();
SELECT problem, rule, remedy FROM herald.doctor() WHERE relation = 'held.blocks'::regclass AND severity = 'error';
GRANT SELECT ON held.blocks TO regress_held_owner;
SELECT herald.maintain();
SELECT held.forget();
SET ROLE regress_held_owner;
SELECT herald.notify('2', 'held', 'a privilege', actor => '3') IS NOT NULL AS told;
RESET ROLE;
ALTER TABLE held.blocks OWNER TO CURRENT_USER;
SELECT * FROM held.state();
SELECT held.forget();

-- an error of a value: no suspension, but held back as well
INSERT INTO held.blocks (blocker_id, blocked_id, weight) VALUES (2, 3, 0);
INSERT INTO held.comments VALUES (9, 3, 2, 'value');
SELECT * FROM held.state();
SELECT relation, rule, sqlstate, times FROM herald.rule_failure WHERE relation = 'held.blocks'::regclass;
SELECT problem, rule, detail, remedy FROM herald.doctor()
WHERE relation = 'held.blocks'::regclass AND severity = 'warning';
DELETE FROM held.blocks;
SELECT held.forget();

-- a function in the condition that makes the session load the blocks again, while it looks for some
CREATE TABLE held.traces (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, actor_id int);
SELECT herald.watch('held.traces', 'traced', actor => 'new.actor_id', recipient => '9', title => 'Traced');
CREATE FUNCTION held.trace() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF current_setting('held.tracing', true) IS DISTINCT FROM 'on' THEN
		PERFORM set_config('held.tracing', 'on', true);
		PERFORM herald_internal.reload_rules('held.blocks');
		INSERT INTO held.traces (actor_id) SELECT n FROM generate_series(1, 20) AS n;
	END IF;
	RETURN true;
END
$$;
SELECT herald.watch_blocks('held.blocks', active => 'held.trace()', ignore => '{weight}');
BEGIN;
INSERT INTO held.blocks (blocker_id, blocked_id) VALUES (1, 2);
INSERT INTO held.comments VALUES (10, 3, 2, 'loads blocks again');
SELECT count(*) > 0 AS traced FROM held.traces;
COMMIT;
SELECT count(*) > 0 AS told FROM herald.notification AS n WHERE n.type = 'traced';
DELETE FROM herald.notification WHERE type = 'traced';
SELECT * FROM held.state();
DROP TABLE held.traces;
SELECT herald.watch_blocks('held.blocks', active => 'true', ignore => '{weight}');
DELETE FROM held.blocks;
SELECT held.forget();

-- a dropped table, which a migration makes anew: its blocks are unknown until it is watched
CREATE TABLE held.new_blocks AS SELECT * FROM held.blocks;
DROP TABLE held.blocks;
ALTER TABLE held.new_blocks RENAME TO blocks;
\c -
\set SHOW_CONTEXT never
INSERT INTO held.comments VALUES (31, 3, 2, 'dropped');
SELECT herald.maintain();
INSERT INTO held.comments VALUES (32, 3, 2, 'dropped, and made anew');
SELECT suspended, told FROM held.state();
SELECT p.severity, p.problem, p.relation, regexp_replace(p.remedy, '''\d+''', '''OLD''') AS remedy
FROM herald.doctor() AS p WHERE p.problem = 'table_replaced';
\set ECHO none
SELECT p.remedy FROM herald.doctor() AS p WHERE p.problem = 'table_replaced' \gexec
\set ECHO all
SELECT herald.maintain();
INSERT INTO held.comments VALUES (33, 3, 2, 'watched again');
SELECT * FROM held.state();
SELECT held.forget();

-- one that is not made anew: maintenance forgets it
BEGIN;
DROP TABLE held.blocks;
INSERT INTO held.comments VALUES (34, 3, 2, 'dropped');
COMMIT;
SELECT herald.maintain();
INSERT INTO held.comments VALUES (35, 3, 2, 'forgotten');
SELECT * FROM held.state();
SELECT held.forget();
CREATE TABLE held.blocks (blocker_id int, blocked_id int);
SELECT herald.watch_blocks('held.blocks', active => 'true');

-- after a restore the query for blocks follows renames again
UPDATE herald_internal.block_source SET sql = regexp_replace(sql, '@[0-9a-f]{8}', '@00000000', 'g');
SELECT herald.maintain();
SELECT herald_internal.has_stale_marks(sql) AS stale FROM herald_internal.block_source;
ALTER TABLE held.blocks RENAME blocked_id TO victim_id;
INSERT INTO held.comments VALUES (36, 3, 2, 'renamed');
SELECT * FROM held.state();
ALTER TABLE held.blocks RENAME victim_id TO blocked_id;
SELECT held.forget();

-- the names of users, the members of conversations, what posts show, and who follows
SET client_min_messages = error;
BEGIN;
ALTER TABLE held.users DROP COLUMN username;
INSERT INTO held.comments VALUES (11, 3, 2, 'no names');
INSERT INTO held.likes VALUES (1, 2);
INSERT INTO held.messages VALUES (11, 1, 1, 'no names');
INSERT INTO held.follows VALUES (3, 1);
SELECT * FROM held.state();
ROLLBACK;
BEGIN;
ALTER TABLE held.members DROP COLUMN user_id;
INSERT INTO held.messages VALUES (12, 1, 1, 'no members');
INSERT INTO held.members VALUES (1);
SELECT * FROM held.state();
ROLLBACK;
BEGIN;
ALTER TABLE held.posts DROP COLUMN audience;
INSERT INTO held.posts VALUES (12, 1, 'no audience');
INSERT INTO held.comments VALUES (12, 3, 2, 'no audience');
INSERT INTO held.likes VALUES (1, 2);
DELETE FROM held.blocks;
SELECT * FROM held.state();
ROLLBACK;
BEGIN;
ALTER TABLE held.follows DROP COLUMN follower_id;
INSERT INTO held.posts VALUES (13, 1, 'no followers', 'friends');
INSERT INTO held.comments VALUES (13, 3, 2, 'no followers');
INSERT INTO held.follows VALUES (3);
INSERT INTO held.blocks (blocker_id, blocked_id) VALUES (2, 3);
TRUNCATE held.follows;
SELECT * FROM held.state();
ROLLBACK;
BEGIN;
CREATE ROLE regress_held_reader;
GRANT USAGE ON SCHEMA held TO regress_held_reader;
ALTER TABLE held.comments OWNER TO regress_held_reader;
ALTER TABLE held.messages OWNER TO regress_held_reader;
INSERT INTO held.comments VALUES (14, 3, 2, 'no privileges');
INSERT INTO held.messages VALUES (14, 1, 1, 'no privileges');
SELECT * FROM held.state();
ROLLBACK;
RESET client_min_messages;
SELECT * FROM held.state();

SELECT herald.unwatch_all();
SELECT held.forget();
DELETE FROM herald.rule_failure;
DELETE FROM herald.notification_type WHERE name = 'held_required';
SET client_min_messages = warning;
DROP SCHEMA held CASCADE;
DROP ROLE regress_held_owner;
