-- Roles by task: each may call its own functions and no others.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
\set VERBOSITY terse
CREATE ROLE regress_watcher IN ROLE herald_watch;
CREATE ROLE regress_publisher IN ROLE herald_publish;
CREATE ROLE regress_server IN ROLE herald_inbox;
CREATE ROLE regress_keeper IN ROLE herald_admin;
CREATE ROLE regress_relay IN ROLE herald_bridge;
CREATE ROLE regress_visitor;
CREATE SCHEMA task AUTHORIZATION regress_watcher;
GRANT USAGE ON SCHEMA task TO PUBLIC;
GRANT CREATE ON SCHEMA task TO regress_keeper;

-- Roles without a login, and without each other's rights.
SELECT rolname, rolcanlogin, shobj_description(oid, 'pg_authid') AS comment FROM pg_roles
WHERE rolname ~ '^herald_' ORDER BY rolname;
SELECT count(*) FROM pg_auth_members AS m JOIN pg_roles AS r ON r.oid = m.member WHERE r.rolname ~ '^herald_';

-- Calls a function as a role with nulls, takes its effects back, and returns whether no privilege was missing.
CREATE FUNCTION task.try_as(role text, function regprocedure) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE (SELECT format('SELECT %s(%s)', p.oid::regproc,
	                       string_agg(format('(SELECT NULL::%s)', format_type(a.type, NULL)), ', '
	                                  ORDER BY a.place)
	                       FILTER (WHERE a.type IS NOT NULL))
	         FROM pg_proc AS p LEFT JOIN unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, place) ON true
	         WHERE p.oid = function GROUP BY p.oid);
	RAISE EXCEPTION USING ERRCODE = '00000';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE <> '42501' OR SQLERRM !~ '^permission denied';
END
$$;
CREATE TABLE task.result AS
	SELECT p.oid::regprocedure AS function, p.proname AS name, r.role,
	       task.try_as(r.role, p.oid::regprocedure) AS passed
	FROM pg_proc AS p
	CROSS JOIN unnest('{regress_watcher,regress_publisher,regress_server,regress_keeper,regress_relay,
	                    regress_visitor}'::text[]) AS r (role)
	WHERE p.pronamespace = 'herald'::regnamespace;
SELECT name, string_agg(substr(role, 9), ' ' ORDER BY role) FILTER (WHERE passed) AS roles
FROM task.result GROUP BY function, name ORDER BY name;
-- Only functions that need no role are for everybody, and none is for nobody.
SELECT function FROM task.result GROUP BY function
HAVING bool_or(passed AND role = 'regress_visitor') OR NOT bool_or(passed) ORDER BY function::text;
SELECT p.oid::regprocedure AS public FROM pg_proc AS p
CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
WHERE p.pronamespace IN ('herald_body'::regnamespace, 'herald_internal'::regnamespace) AND a.grantee = 0;

-- Tables.
SELECT c.oid::regclass AS relation, substr(r.rolname, 9) AS role, string_agg(p.right, ' ' ORDER BY p.place) AS rights
FROM pg_class AS c
CROSS JOIN pg_roles AS r
CROSS JOIN unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) WITH ORDINALITY
     AS p ("right", place)
WHERE c.relnamespace IN ('herald'::regnamespace, 'herald_internal'::regnamespace) AND c.relkind IN ('r', 'p', 'v') AND
      r.rolname ~ '^regress_(watcher|publisher|server|keeper|relay|visitor)$' AND
      has_table_privilege(r.oid, c.oid, p.right)
GROUP BY c.oid, r.rolname ORDER BY c.oid::regclass::text COLLATE "C", r.rolname;

-- herald_watch alone suffices for every call.
SET ROLE regress_keeper;
CREATE FUNCTION task.receipt(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT payload $$;
SELECT herald.expose('receipt', 'task.receipt(text, jsonb)');
SET ROLE regress_watcher;
CREATE TABLE task.users (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE task.posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES task.users, body text);
CREATE TABLE task.likes (user_id int REFERENCES task.users, post_id int REFERENCES task.posts,
	PRIMARY KEY (user_id, post_id));
CREATE TABLE task.comments (id int PRIMARY KEY, user_id int REFERENCES task.users, post_id int REFERENCES task.posts,
	parent_id int REFERENCES task.comments, body text);
CREATE TABLE task.follows (follower_id int REFERENCES task.users, followee_id int REFERENCES task.users,
	PRIMARY KEY (follower_id, followee_id));
CREATE TABLE task.conversations (id int PRIMARY KEY);
CREATE TABLE task.members (conversation_id int REFERENCES task.conversations, user_id int REFERENCES task.users,
	PRIMARY KEY (conversation_id, user_id));
CREATE TABLE task.messages (id int PRIMARY KEY, conversation_id int REFERENCES task.conversations,
	sender_id int REFERENCES task.users, body text);
CREATE TABLE task.blocks (blocker_id int REFERENCES task.users, blocked_id int REFERENCES task.users);
SELECT herald.watch_users('task.users'), herald.watch_posts('task.posts'), herald.watch_likes('task.likes'),
       herald.watch_comments('task.comments'), herald.watch_follows('task.follows'),
       herald.watch_members('task.members'), herald.watch_messages('task.messages', ack => 'receipt'),
       herald.watch_blocks('task.blocks');
SELECT herald.watch('task.posts', 'own', event => 'item:made', room => 'item:{id}', ack => 'receipt');
INSERT INTO task.users VALUES (1, 'ann'), (2, 'ben');
INSERT INTO task.posts VALUES (41, 1, 'Hello');
INSERT INTO task.likes VALUES (2, 41);
SELECT count(*) > 0 AS watched FROM herald.watched WHERE relation = 'task.posts'::regclass;

-- herald_publish, herald_inbox and herald_admin alone, each for a task of its own.
SET ROLE regress_publisher;
SELECT herald.publish('task:1', 'task:done', '{}') > 0 AS published,
       herald.notify('1', 'system', 'Done') > 0 AS notified,
       herald.signal('{task:1}', 'task:waved') IS NOT NULL AS signalled,
       herald.notify('1', 'task', 'Due', cause => 'task:1') > 0 AS due, herald.retract('task:*') AS retracted,
       herald.retract('post:41:like:*') AS foreign_retracted;
SET ROLE regress_server;
SELECT title FROM herald.inbox('1');
SELECT herald.mark_all_read('1'), herald.unread_count('1'), herald.is_online('1'), herald.may_join('1', 'post:41');
SELECT step, verdict FROM herald.explain('1', 'system') WHERE step = 'result';
SELECT count(*) FROM herald.online;
SET ROLE regress_keeper;
SELECT herald.broadcast('task:closed', '{}') > 0 AS broadcast, herald.trim_inbox('1', keep => 0);
SELECT herald.room_policy('task', 'herald.may_join(text, text)'), herald.forget_user('1');
SELECT herald.preloaded() IS NOT NULL;
SELECT herald.room_policy('task', NULL), herald.unexpose('receipt');
SELECT count(*) FROM herald.doctor() WHERE severity = 'error';
SELECT herald.maintain();
RESET ROLE;

SET ROLE regress_watcher;
SELECT herald.unwatch_all();
RESET ROLE;
DROP SCHEMA task CASCADE;
DROP OWNED BY regress_keeper;
DROP ROLE regress_watcher, regress_publisher, regress_server, regress_keeper, regress_relay, regress_visitor;
TRUNCATE herald.notification;

-- Roles that exist already stay as they are, and serve a second database, too.
SELECT current_database() AS here \gset
ALTER ROLE herald_publish LOGIN;
COMMENT ON ROLE herald_publish IS 'ours';
CREATE DATABASE regress_roles;
\c regress_roles
SET client_min_messages = warning;
CREATE EXTENSION pg_herald;
SELECT rolcanlogin, shobj_description(oid, 'pg_authid') AS comment FROM pg_roles WHERE rolname = 'herald_publish';
SET ROLE herald_publish;
SELECT herald.publish('task:1', 'task:done', '{}') > 0 AS published;
SELECT herald.broadcast('task:closed', '{}');
RESET ROLE;
\c :here
DROP DATABASE regress_roles;
ALTER ROLE herald_publish NOLOGIN;
COMMENT ON ROLE herald_publish IS 'pg_herald: publishes events and signals, notifies and retracts';
