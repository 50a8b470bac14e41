-- Names of users fall back per row, switches are known by their names, and mentions match handles as the table does.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;
\set SHOW_CONTEXT never
CREATE SCHEMA un;
CREATE FUNCTION un.found() RETURNS TABLE (kind text, name jsonb, handle text, enabled text) LANGUAGE sql AS $$
	SELECT w.kind, w.arguments -> 'name', w.arguments ->> 'handle', w.arguments ->> 'notifications_enabled'
	FROM herald_internal.watched_table AS w WHERE w.kind = 'users' ORDER BY w.relation;
$$;

-- A unique name that every user has needs no other. Otherwise the first that is not empty shows.
CREATE TABLE un.people (id int PRIMARY KEY, display_name text, name text NOT NULL DEFAULT '', nick text);
CREATE TABLE un.posts (id int PRIMARY KEY, creator_id int REFERENCES un.people, body text);
CREATE TABLE un.likes (person_id int REFERENCES un.people, post_id int REFERENCES un.posts);
SELECT herald.watch_users('un.people'), herald.watch_posts('un.posts'), herald.watch_likes('un.likes');
SELECT * FROM un.found();
INSERT INTO un.people VALUES 
	(1, 'Ann', 'ann', NULL), (2, NULL, 'ben', NULL), (3, 'Cleo', '', NULL), (4, NULL, '', 'dan'), (5, '', '', '');
INSERT INTO un.posts VALUES (1, 1, 'x');
INSERT INTO un.likes SELECT id, 1 FROM un.people;
SELECT title FROM herald.notification WHERE subject_id = '1' AND type = 'like' ORDER BY actor_id;
SELECT herald.watch_users('un.people', name => 'display_name, nick');
SELECT * FROM un.found();
ALTER TABLE un.people ADD username text NOT NULL UNIQUE DEFAULT md5(random()::text);
ALTER TABLE un.people ALTER username DROP DEFAULT;
SELECT herald.watch_users('un.people');
SELECT * FROM un.found();
SELECT herald.unwatch_all();
DROP TABLE un.likes, un.posts, un.people;
DELETE FROM herald.notification;

-- Switches. One that is the only way of notifying counts as the switch; one with the opposite meaning does not.
CREATE TABLE un.one (id uuid PRIMARY KEY, "notificationEnabled" boolean);
CREATE TABLE un.two (id uuid PRIMARY KEY, email_notifications boolean);
CREATE TABLE un.three (id uuid PRIMARY KEY, email_notifications boolean, push_notifications boolean);
CREATE TABLE un.four (id uuid PRIMARY KEY, notifications_enabled boolean, email_notifications boolean,
	opted_out boolean);
SELECT herald.watch_users('un.one');
SELECT herald.watch_users('un.two');
SELECT herald.watch_users('un.three');
SELECT herald.watch_users('un.four');
SELECT herald.watch_users('un.four', notifications_enabled => 'opted_out');
SELECT herald.watch_users('un.four', active => 'opted_out IS NOT TRUE');
SELECT * FROM un.found();
SELECT herald.unwatch_all();

-- citext matches handles as it compares them, and its index serves.
CREATE TABLE un.users (id int PRIMARY KEY, username public.citext UNIQUE);
CREATE TABLE un.posts (id int PRIMARY KEY, user_id int REFERENCES un.users, body text);
INSERT INTO un.users VALUES (1, 'Ann'), (2, 'Ben');
SELECT herald.watch_users('un.users'), herald.watch_posts('un.posts');
INSERT INTO un.posts VALUES (1, 1, 'hi @ben'), (2, 1, 'hi @BEN'), (3, 1, 'hi @Ben');
SELECT recipient_id AS told, type, content FROM herald.notification ORDER BY id;
SELECT herald.unwatch_all();
DROP TABLE un.posts, un.users;
DELETE FROM herald.notification;

-- A handle that is unique with the tenant names a user of the author's tenant only.
CREATE TABLE un.users (id int PRIMARY KEY, tenant_id int, username text, UNIQUE (tenant_id, username));
CREATE TABLE un.posts (id int PRIMARY KEY, user_id int REFERENCES un.users, body text);
INSERT INTO un.users VALUES (1, 10, 'ann'), (2, 10, 'ben'), (3, 20, 'ben'), (4, NULL, 'ann'), (5, NULL, 'ben');
SELECT herald.watch_users('un.users'), herald.watch_posts('un.posts');
INSERT INTO un.posts VALUES (1, 1, '@ben our price is 7 million'), (2, 4, '@ben of no tenant');
SELECT recipient_id AS told, type, content FROM herald.notification ORDER BY id;
DELETE FROM herald.notification;
-- So does one whose index is over expressions. Without the tenant in an index, a handle is global.
ALTER TABLE un.users DROP CONSTRAINT users_tenant_id_username_key;
CREATE UNIQUE INDEX ON un.users (lower(username), abs(tenant_id));
SELECT herald.watch_users('un.users');
INSERT INTO un.posts VALUES (3, 1, '@BEN again');
SELECT recipient_id AS told, type, content FROM herald.notification ORDER BY id;
SELECT herald.unwatch_all();
DROP SCHEMA un CASCADE;
DROP EXTENSION citext;
TRUNCATE herald.notification;
