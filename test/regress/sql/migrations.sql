-- Migrations of an application: each write passes, and the rules are right after it, or the doctor has the remedy.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA mig;
SET search_path = mig;
-- Makes and watches the tables that are migrated.
CREATE PROCEDURE mig.set_up() LANGUAGE plpgsql AS $$
BEGIN
	CREATE TABLE users (id int PRIMARY KEY, username text);
	CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, body text);
	CREATE TABLE likes (user_id int REFERENCES users, post_id int REFERENCES posts, PRIMARY KEY (user_id, post_id));
	CREATE INDEX ON posts (user_id);
	CREATE INDEX ON likes (post_id);
	INSERT INTO users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo'), (4, 'dan');
	PERFORM herald.watch_users('users'), herald.watch_posts('posts'), herald.watch_likes('likes');
	INSERT INTO posts VALUES (1, 1, 'x');
	INSERT INTO likes VALUES (2, 1);
END
$$;
CREATE VIEW mig.told AS
	SELECT recipient_id AS told, type, title, content FROM herald.notification
	WHERE retracted_at IS NULL AND created_at = now() ORDER BY id;
CREATE VIEW mig.events AS
	SELECT name, payload -> 'post' AS post FROM herald.event WHERE xid = pg_current_xact_id() AND name LIKE 'post:%'
	ORDER BY id;
CREATE VIEW mig.says AS
	SELECT severity, problem, relation, rule, regexp_replace(detail, 'since .*?, ', 'since then, ') AS detail,
	       remedy FROM herald.doctor() WHERE severity <> 'info' AND relation::text !~ '^herald';
\set SHOW_CONTEXT never

-- a renamed column: nothing is to be done
BEGIN;
CALL mig.set_up();
ALTER TABLE users RENAME COLUMN username TO handle;
ALTER TABLE posts RENAME COLUMN body TO content;
INSERT INTO likes VALUES (3, 1);
INSERT INTO posts VALUES (2, 1, 'y @ben');
SELECT * FROM mig.told;
SELECT * FROM mig.events;
SELECT * FROM mig.says;
ROLLBACK;

-- a dropped column, whose successor has another name
BEGIN;
CALL mig.set_up();
ALTER TABLE posts ADD COLUMN author_id int REFERENCES users;
UPDATE posts SET author_id = user_id;
CREATE INDEX ON posts (author_id);
ALTER TABLE posts DROP COLUMN user_id;
INSERT INTO likes VALUES (3, 1);
INSERT INTO posts VALUES (2, 'y', 1);
SELECT * FROM mig.says;
SELECT remedy FROM mig.says \gexec
SELECT * FROM mig.says;
INSERT INTO likes VALUES (4, 1);
SELECT * FROM mig.told;
ROLLBACK;

-- a dropped column, whose successor takes its name: it counts by its name, and follows renames then
BEGIN;
CALL mig.set_up();
ALTER TABLE posts ADD COLUMN new_body text;
UPDATE posts SET new_body = body;
ALTER TABLE posts DROP COLUMN body;
ALTER TABLE posts RENAME COLUMN new_body TO body;
INSERT INTO posts VALUES (2, 1, 'y @ben');
SELECT herald.maintain();
ALTER TABLE posts RENAME COLUMN body TO content;
INSERT INTO posts VALUES (3, 1, 'z @cleo');
SELECT * FROM mig.told;
SELECT * FROM mig.events;
SELECT * FROM mig.says;
ROLLBACK;

-- a dropped column that a call had named, beside another one that the rules need
BEGIN;
CALL mig.set_up();
ALTER TABLE posts ADD COLUMN state text, ADD COLUMN extra int;
SELECT herald.watch_posts('posts', ignore => '{state,extra}', payload_columns => '{id,extra,body}') \g /dev/null
ALTER TABLE posts DROP COLUMN extra, DROP COLUMN body;
INSERT INTO posts VALUES (2, 1);
SELECT DISTINCT remedy FROM mig.says;
SELECT remedy FROM mig.says \gexec
SELECT * FROM mig.says;
INSERT INTO posts VALUES (3, 1);
SELECT * FROM mig.events;
ROLLBACK;

-- a table that is made anew: the old one stays watched until the new one is
BEGIN;
CALL mig.set_up();
ALTER TABLE likes RENAME TO likes_old;
CREATE TABLE likes (id serial PRIMARY KEY, user_id int REFERENCES users, post_id int REFERENCES posts);
INSERT INTO likes (user_id, post_id) SELECT user_id, post_id FROM likes_old;
CREATE INDEX ON likes (post_id);
SELECT * FROM mig.says;
DROP TABLE likes_old;
\set ECHO none
SELECT remedy FROM mig.says \gexec
\set ECHO all
SELECT * FROM mig.says;
INSERT INTO likes (user_id, post_id) VALUES (3, 1);
SELECT * FROM mig.told;
ROLLBACK;

-- a view takes the name of the renamed table: its rules go on
BEGIN;
CALL mig.set_up();
ALTER TABLE likes RENAME TO likes_base;
CREATE VIEW likes AS SELECT * FROM likes_base;
SELECT * FROM mig.says;
INSERT INTO likes VALUES (3, 1);
SELECT * FROM mig.told;
ROLLBACK;

-- a table that others refer to is made anew
BEGIN;
CALL mig.set_up();
ALTER TABLE posts RENAME TO posts_old;
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, body text);
CREATE INDEX ON posts (user_id);
INSERT INTO posts SELECT * FROM posts_old;
ALTER TABLE likes DROP CONSTRAINT likes_post_id_fkey;
ALTER TABLE likes ADD FOREIGN KEY (post_id) REFERENCES posts;
INSERT INTO likes VALUES (3, 1);
SELECT * FROM mig.says;
SAVEPOINT kept;
SELECT remedy FROM mig.says \gexec
SELECT * FROM mig.says;
INSERT INTO posts VALUES (2, 4, 'y');
INSERT INTO likes VALUES (1, 2);
SELECT * FROM mig.told;
ROLLBACK TO kept;
DROP TABLE posts_old;
INSERT INTO likes VALUES (4, 1);
\set ECHO none
SELECT remedy FROM mig.says \gexec
\set ECHO all
SELECT * FROM mig.says;
INSERT INTO posts VALUES (2, 4, 'y');
INSERT INTO likes VALUES (1, 2);
SELECT * FROM mig.told;
ROLLBACK;

-- three tables are made anew, which refer to each other, before and after the old ones are gone
BEGIN;
CALL mig.set_up();
ALTER TABLE users RENAME TO users_old;
ALTER TABLE posts RENAME TO posts_old;
ALTER TABLE likes RENAME TO likes_old;
CREATE TABLE users (id bigint PRIMARY KEY, username text);
CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint REFERENCES users, body text);
CREATE TABLE likes (user_id bigint REFERENCES users, post_id bigint REFERENCES posts, PRIMARY KEY (user_id, post_id));
CREATE INDEX ON posts (user_id);
CREATE INDEX ON likes (post_id);
INSERT INTO users SELECT * FROM users_old;
INSERT INTO posts SELECT * FROM posts_old;
INSERT INTO likes SELECT * FROM likes_old;
SELECT problem, relation, remedy FROM mig.says;
SAVEPOINT kept;
SELECT remedy FROM mig.says \gexec
SELECT * FROM mig.says;
INSERT INTO likes VALUES (3, 1);
INSERT INTO posts VALUES (2, 1, 'y @ben');
SELECT * FROM mig.told;
ROLLBACK TO kept;
DROP TABLE likes_old, posts_old, users_old;
\set ECHO none
SELECT remedy FROM mig.says \gexec
\set ECHO all
SELECT * FROM mig.says;
INSERT INTO likes VALUES (3, 1);
INSERT INTO posts VALUES (2, 1, 'y @ben');
SELECT * FROM mig.told;
ROLLBACK;

-- other types, new columns and another name
BEGIN;
CALL mig.set_up();
ALTER TABLE posts ADD COLUMN extra jsonb DEFAULT '{"a": 1}', ADD COLUMN g text GENERATED ALWAYS AS (upper(body)) STORED;
INSERT INTO posts VALUES (2, 1, 'y');
ALTER TABLE posts ALTER COLUMN id TYPE bigint;
ALTER TABLE likes ALTER COLUMN post_id TYPE bigint;
ALTER TABLE users ALTER COLUMN id TYPE bigint;
ALTER TABLE likes RENAME TO favorites;
INSERT INTO favorites VALUES (3, 1);
SELECT * FROM mig.told;
SELECT * FROM mig.says;
ROLLBACK;

-- uuids take the place of numbers
BEGIN;
CALL mig.set_up();
ALTER TABLE posts ADD COLUMN uid uuid DEFAULT '11111111-1111-1111-1111-111111111111';
ALTER TABLE posts DROP CONSTRAINT posts_pkey CASCADE;
ALTER TABLE posts RENAME id TO legacy_id;
ALTER TABLE posts RENAME uid TO id;
ALTER TABLE posts ADD PRIMARY KEY (id);
INSERT INTO likes VALUES (3, 1);
SELECT * FROM mig.told;
SELECT * FROM mig.says;
ROLLBACK;

-- tables with other names
BEGIN;
CALL mig.set_up();
ALTER TABLE likes RENAME TO favorites;
ALTER TABLE users RENAME TO accounts;
DELETE FROM favorites;
INSERT INTO favorites VALUES (3, 1);
INSERT INTO posts VALUES (2, 1, 'y @ben');
SELECT * FROM mig.told;
SELECT * FROM mig.says;
ROLLBACK;

-- domains over numbers
BEGIN;
CREATE DOMAIN mig.user_id AS bigint;
CREATE DOMAIN mig.snow AS numeric(20);
CREATE TABLE users (id user_id PRIMARY KEY, username text);
CREATE TABLE posts (id snow PRIMARY KEY, user_id user_id REFERENCES users, body text);
CREATE TABLE follows (follower_id user_id REFERENCES users, followee_id user_id REFERENCES users);
INSERT INTO users VALUES (1, 'ana'), (2, 'ben');
SELECT herald.watch_users('users'), herald.watch_posts('posts'), herald.watch_follows('follows');
ALTER TABLE follows RENAME follower_id TO fan_id;
INSERT INTO follows VALUES (2, 1);
INSERT INTO posts VALUES (1, 1, 'x');
SELECT * FROM mig.told;
SELECT herald.may_join('2', 'post:abc') AS no_id, herald.may_join('2', 'post:1') AS id;
SELECT * FROM herald_internal.automatic_rooms(ARRAY['2', 'service']);
ROLLBACK;

DROP SCHEMA mig CASCADE;
