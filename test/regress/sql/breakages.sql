-- After each breakage the doctor says it, and its remedies, pasted once as they are, restore what was there.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE ROLE regress_brk_owner;
CREATE ROLE regress_brk_other;
CREATE SCHEMA brk;
CREATE ROLE regress_brk_stranger;
GRANT USAGE ON SCHEMA brk TO regress_brk_owner, regress_brk_other;
SET search_path = brk;
CREATE FUNCTION brk.is_open(post_id text) RETURNS boolean LANGUAGE sql AS $$ SELECT $1 <> 'closed' $$;
-- Makes and watches the tables that break. All belong to one role.
CREATE PROCEDURE brk.set_up() LANGUAGE plpgsql AS $$
DECLARE
	made text;
BEGIN
	CREATE TABLE users (id int PRIMARY KEY, username text UNIQUE NOT NULL);
	CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, body text);
	CREATE TABLE likes (user_id int REFERENCES users, post_id int REFERENCES posts, PRIMARY KEY (user_id, post_id));
	CREATE TABLE follows (follower_id int REFERENCES users, followee_id int REFERENCES users,
		PRIMARY KEY (follower_id, followee_id));
	CREATE TABLE blocks (blocker_id int REFERENCES users, blocked_id int REFERENCES users,
		PRIMARY KEY (blocker_id, blocked_id));
	CREATE INDEX ON posts (user_id);
	CREATE INDEX ON likes (post_id);
	CREATE INDEX ON follows (followee_id);
	CREATE INDEX ON blocks (blocked_id);
	INSERT INTO users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo'), (4, 'dan');
	FOREACH made IN ARRAY '{users,posts,likes,follows,blocks}'::text[] LOOP
		EXECUTE format('ALTER TABLE %I OWNER TO regress_brk_owner', made);
	END LOOP;
	PERFORM herald.watch_users('users'), herald.watch_posts('posts', visible => 'brk.is_open(post.id::text)'),
		herald.watch_likes('likes'), herald.watch_follows('follows'), herald.watch_blocks('blocks');
	INSERT INTO follows VALUES (2, 1);
	INSERT INTO posts VALUES (1, 1, 'x');
END
$$;
CREATE VIEW brk.says AS
	SELECT severity, problem, relation, rule,
	       regexp_replace(detail, 'since .*?, ', 'since then, ') AS detail, remedy
	FROM herald.doctor()
	WHERE severity <> 'info' AND relation::text !~ '^herald' AND problem <> 'owner_may_watch';
-- Returns what a like and a follow make.
CREATE FUNCTION brk.works(liked text DEFAULT '1', liker text DEFAULT '3') RETURNS TABLE (told text, title text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO likes VALUES (%L, %L)', liker, liked);
	EXECUTE format('INSERT INTO follows VALUES (%L, (SELECT p.user_id FROM posts AS p WHERE p.id = %L))', liker, liked);
	RETURN QUERY SELECT n.recipient_id, n.title FROM herald.notification AS n
	             WHERE n.created_at = now() AND n.actor_id = liker ORDER BY n.id;
END
$$;
\set SHOW_CONTEXT never

-- nothing is broken
BEGIN;
CALL brk.set_up();
SELECT * FROM brk.says;
SELECT * FROM brk.works();
ROLLBACK;

-- keys of another type, in all tables
BEGIN;
CALL brk.set_up();
CREATE FUNCTION brk.as_uuid(n int) RETURNS uuid LANGUAGE sql IMMUTABLE
RETURN (lpad(n::text, 32, '0'))::uuid;
ALTER TABLE likes DROP CONSTRAINT likes_post_id_fkey, DROP CONSTRAINT likes_user_id_fkey;
ALTER TABLE follows DROP CONSTRAINT follows_follower_id_fkey, DROP CONSTRAINT follows_followee_id_fkey;
ALTER TABLE blocks DROP CONSTRAINT blocks_blocker_id_fkey, DROP CONSTRAINT blocks_blocked_id_fkey;
ALTER TABLE posts DROP CONSTRAINT posts_user_id_fkey;
ALTER TABLE users ALTER id TYPE uuid USING as_uuid(id);
INSERT INTO likes VALUES (2, 1);
ALTER TABLE posts ALTER id TYPE uuid USING as_uuid(id), ALTER user_id TYPE uuid USING as_uuid(user_id),
	ADD FOREIGN KEY (user_id) REFERENCES users;
ALTER TABLE likes ALTER post_id TYPE uuid USING as_uuid(post_id), ALTER user_id TYPE uuid USING as_uuid(user_id),
	ADD FOREIGN KEY (user_id) REFERENCES users, ADD FOREIGN KEY (post_id) REFERENCES posts;
ALTER TABLE follows ALTER follower_id TYPE uuid USING as_uuid(follower_id),
	ALTER followee_id TYPE uuid USING as_uuid(followee_id),
	ADD FOREIGN KEY (follower_id) REFERENCES users, ADD FOREIGN KEY (followee_id) REFERENCES users;
ALTER TABLE blocks ALTER blocker_id TYPE uuid USING as_uuid(blocker_id),
	ALTER blocked_id TYPE uuid USING as_uuid(blocked_id),
	ADD FOREIGN KEY (blocker_id) REFERENCES users, ADD FOREIGN KEY (blocked_id) REFERENCES users;
SELECT * FROM brk.works(as_uuid(1)::text, as_uuid(4)::text);
SELECT * FROM brk.says;
SELECT remedy FROM brk.says \gexec
SELECT * FROM brk.says;
SELECT * FROM brk.works(as_uuid(1)::text, as_uuid(3)::text);
SELECT herald.may_join(as_uuid(2)::text, 'post:' || as_uuid(1)) AS may,
       herald.may_join(as_uuid(2)::text, 'post:1') AS old_id;
ROLLBACK;

-- another owner, who may not read the other tables
BEGIN;
CALL brk.set_up();
ALTER TABLE likes OWNER TO regress_brk_other;
INSERT INTO likes VALUES (2, 1);
SELECT * FROM brk.says;
SELECT remedy FROM brk.says \gexec
SELECT * FROM brk.says;
SELECT * FROM brk.works();
ROLLBACK;

-- a privilege that comes back without GRANT on the table: the suspended rule resumes with the remedy
BEGIN;
CALL brk.set_up();
ALTER TABLE likes OWNER TO regress_brk_other;
INSERT INTO likes VALUES (2, 1);
GRANT regress_brk_owner TO regress_brk_other;
SELECT * FROM brk.says;
SELECT remedy FROM brk.says \gexec
SELECT * FROM brk.says;
SELECT * FROM brk.works();
ROLLBACK;

-- another owner of the table that others read
BEGIN;
CALL brk.set_up();
ALTER TABLE users OWNER TO regress_brk_other;
INSERT INTO likes VALUES (2, 1);
SELECT * FROM brk.says;
SELECT remedy FROM brk.says \gexec
SELECT * FROM brk.says;
SELECT * FROM brk.works();
ROLLBACK;

-- another owner without any privilege in the schema
BEGIN;
CALL brk.set_up();
ALTER TABLE follows OWNER TO regress_brk_stranger;
INSERT INTO follows VALUES (4, 1);
SELECT * FROM brk.says;
SELECT remedy FROM brk.says \gexec
SELECT * FROM brk.says;
SELECT * FROM brk.works();
ROLLBACK;

-- a privilege on a function that "visible" calls
BEGIN;
CALL brk.set_up();
REVOKE EXECUTE ON FUNCTION brk.is_open(text) FROM PUBLIC;
INSERT INTO posts VALUES (2, 1, 'y');
SELECT herald.may_join('2', 'post:1');
SELECT * FROM brk.says;
SELECT remedy FROM brk.says \gexec
SELECT herald.may_join('2', 'post:1');
SELECT * FROM brk.says;
SELECT * FROM brk.works();
ROLLBACK;

-- a function that is dropped, and made again
BEGIN;
CALL brk.set_up();
DROP FUNCTION brk.is_open(text);
INSERT INTO posts VALUES (2, 1, 'y');
SELECT herald.may_join('2', 'post:1');
SELECT * FROM brk.says;
CREATE FUNCTION brk.is_open(post_id text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SELECT * FROM brk.says;
SELECT herald.may_join('2', 'post:1');
ROLLBACK;

-- a table that all others read is dropped
BEGIN;
CALL brk.set_up();
DROP TABLE users CASCADE;
INSERT INTO likes VALUES (2, 1);
SELECT severity, problem, rule FROM brk.says;
SELECT regexp_replace(remedy, '''\d+''', '''OLD''') AS remedy FROM brk.says;
\set ECHO none
SELECT remedy FROM brk.says \gexec
\set ECHO all
SELECT * FROM brk.says;
SELECT * FROM brk.works();
ROLLBACK;

DROP SCHEMA brk CASCADE;
DROP ROLE regress_brk_owner, regress_brk_other, regress_brk_stranger;
