-- remedies: pasted as they are, they restore the state before the breakage, with all arguments
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA rem;
SET search_path = rem;
CREATE TABLE users (id int PRIMARY KEY, username text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, second_user_id int REFERENCES users, body text,
                    audience text, "isOpen" boolean DEFAULT true, removed_by int);
CREATE TABLE likes (user_id int REFERENCES users, post_id int REFERENCES posts, kind int DEFAULT 1);
CREATE TABLE follows (follower_id int REFERENCES users, followee_id int REFERENCES users, state text,
                      deleted_at timestamptz);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, status text);
INSERT INTO users VALUES (1, 'ann'), (2, 'ben');
SELECT herald.watch_users('users'),
       herald.watch_posts('posts', author => 'user_id', visible =>
                          $$post.audience = 'audience of all' AND post."isOpen"$$,
                          in_feed => $$post.audience <> 'nobody'$$, active => 'removed_by IS NULL',
                          notify_followers => true, follower_limit => 7),
       herald.watch_likes('likes', actor => 'user_id', subject => 'post_id', active => 'post.kind = 1'),
       herald.watch_follows('follows', status => 'state', accepted => 'yes', pending => 'state', on_error => 'warn'),
       herald.watch('orders', 'shipped', '{update}', condition => $$new.status = 'shipped'$$,
                    recipient => 'new.customer_id', title => 'Order {id}: {status}',
                    cause => 'order:{id}:{new.status}');
RESET search_path;

-- Returns the rules with the names that columns had before, and the other records.
CREATE FUNCTION rem.state() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT regexp_replace(concat_ws(' ', relation, rule, change, operation, on_error, notify, publish, lock, retract),
	                      '''\d+''::int AS counter', '''0''::int AS counter')
	FROM herald.watched
	UNION ALL
	SELECT concat_ws(' ', w.relation, w.kind,
	                 herald_internal.plain_sql((w.arguments - '{call,names,table,table_owner}'::text[])::text))
	FROM herald_internal.watched_table AS w
$$;
CREATE TABLE rem.before (line text);
CREATE FUNCTION rem.restored(names text[]) RETURNS TABLE (difference text) LANGUAGE plpgsql AS $$
DECLARE
	after text[] := ARRAY(SELECT rem.state());
BEGIN
	FOR i IN 1 .. cardinality(names) BY 2 LOOP
		after := ARRAY(SELECT regexp_replace(a, '\m' || names[i + 1] || '\M', names[i], 'g') FROM unnest(after) AS a);
	END LOOP;
	RETURN QUERY (SELECT '- ' || line FROM rem.before EXCEPT SELECT '- ' || a FROM unnest(after) AS a)
	UNION ALL (SELECT '+ ' || a FROM unnest(after) AS a EXCEPT SELECT '+ ' || line FROM rem.before);
END
$$;
-- Runs the call that watches a table again, which is the remedy where its rules are broken; returns it. A rename breaks
-- none.
CREATE FUNCTION rem.paste(watched regclass) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	next text;
BEGIN
	FOR next IN SELECT d.detail FROM herald.doctor() AS d
	            WHERE d.severity = 'error' AND d.relation::text LIKE 'rem.%' LOOP
		RAISE WARNING '%', next;
	END LOOP;
	FOR next IN SELECT herald_internal.watch_call(w.relation, w.kind) FROM herald_internal.watched_table AS w
	            WHERE w.relation = watched LOOP
		EXECUTE next;
		RETURN NEXT next;
	END LOOP;
END
$$;
INSERT INTO rem.before SELECT rem.state();

-- a column that "visible" reads: privacy stays
INSERT INTO rem.posts VALUES (1, 1, NULL, 'secret', 'me');
SELECT herald.may_join('2', 'post:1');
ALTER TABLE rem.posts RENAME audience TO who_sees;
ALTER TABLE rem.posts RENAME "isOpen" TO "opened For";
SELECT rem.paste('rem.posts');
SELECT herald.may_join('2', 'post:1');
ALTER TABLE rem.posts RENAME who_sees TO audience;
ALTER TABLE rem.posts RENAME "opened For" TO "isOpen";
SELECT rem.paste('rem.posts');
SELECT * FROM rem.restored('{}');

-- a table that the rules of others join
ALTER TABLE rem.users RENAME username TO called;
SELECT rem.paste('rem.users');
SELECT * FROM rem.restored('{username,called}');
ALTER TABLE rem.users RENAME called TO username;
SELECT rem.paste('rem.users');

-- columns that the call found by itself: a status, a soft deletion
ALTER TABLE rem.follows RENAME state TO approval;
ALTER TABLE rem.follows RENAME deleted_at TO ended;
SELECT rem.paste('rem.follows');
INSERT INTO rem.follows VALUES (2, 1, 'pending');
SELECT herald.may_join('2', 'feed:1');
ALTER TABLE rem.follows RENAME approval TO state;
ALTER TABLE rem.follows RENAME ended TO deleted_at;
SELECT rem.paste('rem.follows');

-- a status with a successor of another name: the remedy fails, and shows no row that the status hid
BEGIN;
ALTER TABLE rem.follows ADD approval text;
UPDATE rem.follows SET approval = state;
ALTER TABLE rem.follows DROP state;
SELECT DISTINCT remedy FROM herald.doctor() WHERE problem = 'rule_broken' AND relation = 'rem.follows'::regclass \gset
\echo :remedy
:remedy
ROLLBACK;

-- a rule of herald.watch()
ALTER TABLE rem.orders RENAME status TO state;
ALTER TABLE rem.orders RENAME customer_id TO buyer;
SELECT rem.paste('rem.orders');
ALTER TABLE rem.orders RENAME state TO status;
ALTER TABLE rem.orders RENAME buyer TO customer_id;
SELECT rem.paste('rem.orders');
SELECT * FROM rem.restored('{}');

-- the doctor's remedies have all arguments: those for columns of another type, after their type is the former one
ALTER TABLE rem.posts DROP CONSTRAINT posts_user_id_fkey, DROP CONSTRAINT posts_second_user_id_fkey;
ALTER TABLE rem.likes DROP CONSTRAINT likes_user_id_fkey;
ALTER TABLE rem.follows DROP CONSTRAINT follows_follower_id_fkey, DROP CONSTRAINT follows_followee_id_fkey;
ALTER TABLE rem.users ALTER id TYPE text;
ALTER TABLE rem.orders ALTER status TYPE int USING 1;
CREATE TABLE rem.pasted AS
	SELECT d.problem, d.relation, d.remedy FROM herald.doctor() WITH ORDINALITY AS d
	WHERE d.severity = 'error' AND d.relation::text LIKE 'rem.%' ORDER BY d.ordinality;
ALTER TABLE rem.users ALTER id TYPE int USING id::int;
ALTER TABLE rem.orders ALTER status TYPE text;
SELECT herald.unwatch('rem.follows'), herald.unwatch('rem.likes'), herald.unwatch('rem.posts'),
       herald.unwatch('rem.orders'), herald.watch_posts('rem.posts', author => 'second_user_id');
SELECT problem, relation FROM rem.pasted;
SELECT remedy FROM rem.pasted \gexec
SELECT * FROM rem.restored('{}');

-- an argument of each call is saved: none gets lost in a remedy
SELECT p.proname, a.name FROM pg_proc AS p CROSS JOIN LATERAL unnest(p.proargnames) AS a (name)
WHERE p.pronamespace = 'herald_body'::regnamespace AND p.proname ~ '^watch(_|$)' AND a.name <> 'relation' AND
      p.prosrc !~ format('''%1$s'', %1$s\M', a.name);

-- forced row-level security: a policy for the owner would open the table to the application that logs in as this role
CREATE ROLE regress_rem_app LOGIN;
CREATE ROLE regress_rem_owner;
SELECT herald.unwatch_all();
ALTER TABLE rem.posts ENABLE ROW LEVEL SECURITY;
ALTER TABLE rem.posts FORCE ROW LEVEL SECURITY;
GRANT ALL ON SCHEMA rem TO regress_rem_app, regress_rem_owner;
GRANT SELECT ON ALL TABLES IN SCHEMA rem TO regress_rem_app, regress_rem_owner;
SELECT herald.watch_users('rem.users'), herald.watch_posts('rem.posts', author => 'user_id'),
       herald.watch_likes('rem.likes');
ALTER TABLE rem.users OWNER TO regress_rem_app;
ALTER TABLE rem.likes OWNER TO regress_rem_app;
ALTER TABLE rem.posts OWNER TO regress_rem_app;
SELECT DISTINCT remedy FROM herald.doctor() WHERE problem = 'rows_hidden';
ALTER TABLE rem.users OWNER TO regress_rem_owner;
ALTER TABLE rem.likes OWNER TO regress_rem_owner;
ALTER TABLE rem.posts OWNER TO regress_rem_owner;
SELECT DISTINCT remedy FROM herald.doctor() WHERE problem = 'rows_hidden';

SELECT herald.unwatch_all();
DROP SCHEMA rem CASCADE;
DROP ROLE regress_rem_app, regress_rem_owner;

-- a table that a migration makes anew under the old name, before and after the old one is gone
SET client_min_messages = error;
CREATE SCHEMA anew;
CREATE TABLE anew.users (id int PRIMARY KEY, username text);
CREATE TABLE anew.posts (id int PRIMARY KEY, user_id int REFERENCES anew.users, body text, audience text);
SELECT herald.watch_users('anew.users'), herald.watch_posts('anew.posts', visible => $$post.audience = 'all'$$);
ALTER TABLE anew.posts RENAME TO posts_old;
CREATE TABLE anew.posts (id int PRIMARY KEY, user_id int REFERENCES anew.users, body text, audience text);
SELECT severity, problem, relation, detail, remedy FROM herald.doctor()
WHERE relation::text LIKE 'anew.%' AND severity = 'error';
DROP TABLE anew.posts_old;
SELECT herald.maintain();
SELECT severity, problem, relation, detail, regexp_replace(remedy, '''\d+''', '''OLD''') AS remedy
FROM herald.doctor() WHERE problem LIKE 'table%';
\set ECHO none
SELECT remedy FROM herald.doctor() WHERE problem = 'table_replaced' \gexec
\set ECHO all
SELECT herald.maintain();
SELECT severity, problem, relation, remedy FROM herald.doctor() WHERE problem LIKE 'table%';
SELECT DISTINCT relation FROM herald.watched WHERE rule = 'post';


-- a child by INHERITS
CREATE TABLE anew.posts_2026 () INHERITS (anew.posts);
SELECT severity, problem, relation, remedy FROM herald.doctor() WHERE problem = 'child_silent';
SELECT remedy FROM herald.doctor() WHERE problem = 'child_silent' \gexec
SELECT count(*) FROM herald.doctor() WHERE problem = 'child_silent';
INSERT INTO anew.users VALUES (1, 'ann');
INSERT INTO anew.posts_2026 VALUES (70802, 1, 'for all', 'all');
SELECT name, payload ->> 'postId' AS post FROM herald.event WHERE payload ->> 'postId' = '70802' AND name LIKE 'post:%';

-- a schema for each tenant: rooms and inboxes belong to an id
CREATE SCHEMA other_tenant;
CREATE TABLE other_tenant.users (id int PRIMARY KEY, username text);
\set SHOW_CONTEXT never
SELECT herald.watch_users('other_tenant.users');
DROP TABLE other_tenant.users;
CREATE TABLE other_tenant.users (id uuid PRIMARY KEY, username text);
SELECT herald.watch_users('other_tenant.users');

SELECT herald.unwatch_all();
DROP SCHEMA anew, other_tenant CASCADE;

-- a room policy of a role without a privilege refuses everybody
CREATE ROLE regress_rem_policy;
GRANT herald_admin TO regress_rem_policy;
CREATE SCHEMA rem;
CREATE TABLE rem.seats (user_id text, room text);
INSERT INTO rem.seats VALUES ('1', 'seat:1');
GRANT USAGE, CREATE ON SCHEMA rem TO regress_rem_policy;
SET ROLE regress_rem_policy;
CREATE FUNCTION rem.seated(user_id text, room text) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT EXISTS (SELECT FROM rem.seats AS s WHERE s.user_id = $1 AND s.room = $2) $$;
SELECT herald.room_policy('seat', 'rem.seated(text, text)');
RESET ROLE;
SELECT herald.may_join('1', 'seat:1');
SELECT severity, problem, rule, detail, remedy FROM herald.doctor() WHERE problem LIKE 'policy%';
GRANT SELECT ON rem.seats TO regress_rem_policy;
SELECT herald.may_join('1', 'seat:1');
SELECT severity, problem, rule, detail, remedy FROM herald.doctor() WHERE problem LIKE 'policy%';
SELECT herald.room_policy('seat', NULL);
DROP SCHEMA rem CASCADE;
REVOKE herald_admin FROM regress_rem_policy;
DROP ROLE regress_rem_policy;

-- names and saved calls contain another statement: a pasted remedy does not run it
CREATE ROLE regress_rem_mallory;
GRANT herald_watch, herald_admin TO regress_rem_mallory;
CREATE ROLE "regress_rem
ALTER ROLE regress_rem_mallory SUPERUSER; --";
CREATE SCHEMA rem AUTHORIZATION regress_rem_mallory;
-- Returns the lines of remedies that name mallory, and are neither comments nor part of a call with quoted values.
CREATE FUNCTION rem.live() RETURNS TABLE (problem text, line text) LANGUAGE sql AS $$
	SELECT d.problem, l FROM herald.doctor('0') AS d
	CROSS JOIN regexp_split_to_table(regexp_replace(d.remedy, '\nSELECT herald.watch\(.*', ''), '[\n\r]') AS l
	WHERE d.remedy ~ 'ALTER ROLE regress_rem_mallory' AND
	      l !~ '^-- '
	ORDER BY 1, 2
$$;
CREATE TABLE rem.seats (user_id text, room text);
SET ROLE regress_rem_mallory;
CREATE TABLE rem.follows (id int PRIMARY KEY, follower_id int, followee_id int, "gone
ALTER ROLE regress_rem_mallory SUPERUSER; --" int);
CREATE FUNCTION rem."seated
ALTER ROLE regress_rem_mallory SUPERUSER; --"(user_id text, room text) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT EXISTS (SELECT FROM rem.seats AS s WHERE s.user_id = $1 AND s.room = $2) $$;
SELECT herald.room_policy('seat', oid::regprocedure) FROM pg_proc WHERE pronamespace = 'rem'::regnamespace AND
	proname LIKE 'seated%';
SELECT herald.watch('rem.follows', 'made', condition => $$new.id > 0 AND 'it
ALTER ROLE regress_rem_mallory SUPERUSER; --' <> ''$$, recipient => 'new."gone
ALTER ROLE regress_rem_mallory SUPERUSER; --"', title => 'Made');
ALTER TABLE rem.follows DROP "gone
ALTER ROLE regress_rem_mallory SUPERUSER; --";
RESET ROLE;
SELECT current_setting('max_prepared_transactions')::int > 0 AS prepares \gset
\if :prepares
BEGIN;
PREPARE TRANSACTION E'gid\nALTER ROLE regress_rem_mallory SUPERUSER; --';
\endif
SELECT problem, remedy FROM herald.doctor('0')
WHERE remedy ~ 'ALTER ROLE regress_rem_mallory' AND problem <> 'transaction_prepared';
SELECT * FROM rem.live();
SELECT remedy FROM herald.doctor() WHERE problem = 'rule_broken' \gexec
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_rem_mallory';
\if :prepares
ROLLBACK PREPARED E'gid\nALTER ROLE regress_rem_mallory SUPERUSER; --';
\endif

-- a saved call with other values than those of its types
SET ROLE regress_rem_mallory;
SELECT herald.unwatch('rem.follows');
SELECT herald.watch_follows('rem.follows', follower => 'follower_id', followee => 'followee_id');
SELECT herald_internal.save_watched('rem.follows', 'follows', w.arguments || jsonb_build_object('call',
	'{"follower": "x'') ALTER ROLE regress_rem_mallory SUPERUSER; --",
	  "mutual": "true); ALTER ROLE regress_rem_mallory SUPERUSER; --",
	  "); ALTER ROLE regress_rem_mallory SUPERUSER; --": "1"}'::jsonb))
FROM herald_internal.watched_table AS w WHERE w.relation = 'rem.follows'::regclass;
ALTER TABLE rem.follows RENAME TO follows_old;
CREATE TABLE rem.follows (id int PRIMARY KEY, follower_id int, followee_id int);
RESET ROLE;
SELECT problem, remedy FROM herald.doctor() WHERE problem = 'table_replaced';
SELECT remedy FROM herald.doctor() WHERE problem = 'table_replaced' \gexec
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_rem_mallory';

-- each comment that contains a value goes through comment_lines()
SELECT p.proname, m[1] FROM pg_proc AS p
CROSS JOIN regexp_matches(p.prosrc, $$format\('([^']*-- [^']*%[^']*)$$, 'g') AS m
WHERE p.pronamespace = 'herald_internal'::regnamespace;

SELECT herald.room_policy('seat', NULL);
SELECT herald.unwatch_all();
DROP SCHEMA rem CASCADE;
REVOKE herald_watch, herald_admin FROM regress_rem_mallory;
DROP ROLE regress_rem_mallory, "regress_rem
ALTER ROLE regress_rem_mallory SUPERUSER; --";
