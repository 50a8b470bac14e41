-- A schema for each tenant: users of two tables with the same ids would share inboxes. Any call that would mix them is
-- refused, and schemas with parts of one application are not.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE ROLE regress_acme IN ROLE herald_watch;
CREATE ROLE regress_globex IN ROLE herald_watch;
CREATE SCHEMA acme AUTHORIZATION regress_acme;
CREATE SCHEMA globex AUTHORIZATION regress_globex;
CREATE PROCEDURE make_tenant(tenant text, owner text, keys text, id text DEFAULT 'int') LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('search_path', tenant, true), set_config('role', owner, true);
	EXECUTE replace(replace('
		CREATE TABLE people (id ID PRIMARY KEY, username text);
		CREATE TABLE posts (id ID PRIMARY KEY, author_id ID KEYS, body text);
		CREATE TABLE likes (post_id ID REFERENCES posts, user_id ID KEYS);
		CREATE TABLE follows (follower_id ID KEYS, followee_id ID KEYS);
		CREATE TABLE blocks (blocker_id ID KEYS, blocked_id ID KEYS);
		CREATE TABLE members (conversation_id ID, member_id ID KEYS);
		CREATE TABLE messages (id ID PRIMARY KEY, conversation_id ID, sender_id ID KEYS, body text)', 'ID', id),
		'KEYS', keys);
END
$$;
CREATE FUNCTION refused(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE call;
	RETURN 'passes';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
CREATE FUNCTION calls(tenant text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('SELECT herald.watch_%s(''%s.%1$s''%3$s)', kind, tenant,
	              CASE kind WHEN 'posts' THEN format(', noun => ''%s_post''', tenant) END)
	FROM unnest('{posts,likes,follows,blocks,members,messages}'::text[]) AS kind
$$;

-- Without a table of users: the foreign keys say which users they have.
CALL make_tenant('acme', 'regress_acme', 'REFERENCES people');
CALL make_tenant('globex', 'regress_globex', 'REFERENCES people');
SET ROLE regress_acme;
SELECT c, refused(c) FROM calls('acme') AS c;
RESET ROLE;
SET ROLE regress_globex;
SELECT herald.watch_posts('globex.posts', noun => 'globex_post');
SELECT c, refused(c) FROM calls('globex') AS c;
SELECT herald.watch_users('globex.people');
RESET ROLE;
-- The same for one owner, with tables of users that are watched
SELECT herald.unwatch_all();
SELECT herald.watch_users('acme.people');
SELECT c, refused(c) FROM calls('globex') AS c;
SELECT c, refused(c) FROM calls('acme') AS c;
SELECT refused($$SELECT herald.watch_users('globex.people')$$);

-- ... and without
SELECT herald.unwatch_all();
DROP SCHEMA acme, globex CASCADE;
CREATE SCHEMA acme;
CREATE SCHEMA globex;
CALL make_tenant('acme', 'none', 'REFERENCES people');
CALL make_tenant('globex', 'none', 'REFERENCES people');
SELECT c, refused(c) FROM calls('acme') AS c;
SELECT c, refused(c) FROM calls('globex') AS c;

-- Without foreign keys: a schema that has a table of users of the same name has other users.
SELECT herald.unwatch_all();
DROP SCHEMA acme, globex CASCADE;
CREATE SCHEMA acme;
CREATE SCHEMA globex;
CALL make_tenant('acme', 'none', '');
CALL make_tenant('globex', 'none', '');
SELECT herald.watch_users('acme.people');
SELECT c, refused(c) FROM calls('globex') AS c;
SELECT herald.unwatch('acme.people');
SELECT c, refused(c) FROM calls('acme') AS c;
SELECT c, refused(c) FROM calls('globex') AS c;

-- Recipients of herald.watch(): by a foreign key, by the schema, through another table, and in the room of a user
SELECT herald.unwatch_all();
CREATE FUNCTION rules(tenant text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('SELECT herald.watch(''%s.likes'', ''told'', %s)', tenant, argument)
	FROM unnest('{recipient => ''new.user_id'',
	              "recipient => ''p.author_id::text'', joins => ''JOIN acme.posts AS p ON p.id = new.post_id''",
	              "recipient => ''SELECT f.follower_id FROM acme.follows AS f WHERE f.followee_id = new.user_id''",
	              "event => ''like:told'', room => ''all user:{user_id}''",
	              "recipient => $q$''acme-'' || new.user_id$q$",
	              "event => ''like:told'', room => ''all post:{post_id}''"}'::text[]) AS argument
$$;
SELECT herald.watch_users('acme.people');
SELECT c, refused(c) FROM rules('acme') AS c;
SELECT c, refused(replace(c, 'acme', 'globex')) FROM rules('globex') AS c;
SELECT herald.unwatch_all();
SELECT herald.watch('acme.likes', 'told', recipient => 'new.user_id');
SELECT refused($$SELECT herald.watch('globex.likes', 'told', recipient => 'new.user_id')$$),
       refused($$SELECT herald.watch_likes('globex.likes')$$);
ALTER TABLE acme.likes ADD FOREIGN KEY (user_id) REFERENCES acme.people;
ALTER TABLE globex.likes ADD FOREIGN KEY (user_id) REFERENCES globex.people;
SELECT refused($$SELECT herald.watch('globex.likes', 'told', recipient => 'new.user_id')$$);
SELECT herald.watch_users('acme.people'), herald.watch_users('globex.people', same_as => 'acme.people');
SELECT refused($$SELECT herald.watch('globex.likes', 'told', recipient => 'new.user_id')$$);
DROP FUNCTION rules(text);

-- uuids keep tenants apart, with one owner ...
SELECT herald.unwatch_all();
DROP SCHEMA acme, globex CASCADE;
CREATE SCHEMA acme AUTHORIZATION regress_acme;
CREATE SCHEMA globex AUTHORIZATION regress_acme;
CALL make_tenant('acme', 'regress_acme', 'REFERENCES people', 'uuid');
CALL make_tenant('globex', 'regress_acme', 'REFERENCES people', 'uuid');
SELECT c, refused(c) FROM calls('acme') AS c;
SELECT c, refused(c) FROM calls('globex') AS c;

-- ... and not with several: each could admit its users to the feeds and conversations of the others.
SELECT herald.unwatch_all();
DROP SCHEMA acme, globex CASCADE;
CREATE SCHEMA acme AUTHORIZATION regress_acme;
CREATE SCHEMA globex AUTHORIZATION regress_globex;
CALL make_tenant('acme', 'regress_acme', 'REFERENCES people', 'uuid');
CALL make_tenant('globex', 'regress_globex', 'REFERENCES people', 'uuid');
SELECT c, refused(c) FROM calls('acme') AS c;
SELECT c, refused(c) FROM calls('globex') AS c;
SELECT herald.unwatch_all();
DROP SCHEMA acme, globex CASCADE;

-- Schemas with parts of one application: the users are in a third one, with foreign keys or without.
CREATE SCHEMA auth;
CREATE TABLE auth.users (id int PRIMARY KEY, username text);
CREATE SCHEMA acme;
CREATE SCHEMA globex;
CALL make_tenant('acme', 'none', 'REFERENCES auth.users');
CALL make_tenant('globex', 'none', '');
DROP TABLE acme.people, globex.people;
SELECT c, refused(c) FROM calls('acme') AS c;
SELECT c, refused(c) FROM calls('globex') AS c WHERE c !~ 'watch_(members|messages)';
SELECT herald.watch_users('auth.users');
SELECT c, refused(c) FROM calls('globex') AS c WHERE c !~ 'watch_(members|messages)';

-- Two tables of the same users: a call says so. Columns without a foreign key have those of the other table.
CREATE TABLE globex.users (id int PRIMARY KEY, nickname text);
SELECT herald.watch_likes('globex.likes');
SELECT herald.watch_users('globex.users', same_as => 'auth.users');
SELECT herald.watch_likes('globex.likes');
INSERT INTO auth.users VALUES (1, 'ann'), (2, 'ben');
INSERT INTO globex.users VALUES (1, 'a'), (2, 'b');
INSERT INTO globex.posts VALUES (1, 1, 'a post');
INSERT INTO globex.likes VALUES (1, 2);
SELECT recipient_id, title FROM herald.notification ORDER BY id;
ALTER TABLE auth.users RENAME TO accounts;
SELECT herald_internal.watch_call('globex.users', 'users');
SELECT herald.watch_users('globex.users');

-- Tables that a migration makes anew have the users of the old ones.
SELECT herald.unwatch_all();
CREATE TABLE auth.users (id int PRIMARY KEY, username text);
CREATE TABLE auth.follows (follower_id int REFERENCES auth.users, followee_id int REFERENCES auth.users);
SELECT herald.watch_follows('auth.follows');
ALTER TABLE auth.follows RENAME TO old_follows;
ALTER TABLE auth.users RENAME TO old_users;
CREATE TABLE auth.users (id int PRIMARY KEY, username text);
CREATE TABLE auth.follows (follower_id int REFERENCES auth.users, followee_id int REFERENCES auth.users);
SELECT herald.watch_follows('auth.follows');

SELECT herald.unwatch_all();
DROP SCHEMA acme, globex, auth CASCADE;
DROP PROCEDURE make_tenant(text, text, text, text);
DROP FUNCTION refused(text), calls(text);
DROP ROLE regress_acme, regress_globex;
TRUNCATE herald.notification;
