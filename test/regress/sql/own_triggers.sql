-- Triggers of the application that change the rows of their own statement: the rules see each row once, as it is then.
\set ECHO none
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA moderated;
SET search_path = moderated;
CREATE TABLE users (id int PRIMARY KEY, username text UNIQUE NOT NULL);
CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, body text,
                    hidden boolean NOT NULL DEFAULT false);
CREATE TABLE comments (id int PRIMARY KEY, post_id int NOT NULL REFERENCES posts, user_id int NOT NULL REFERENCES users,
                       body text);
INSERT INTO users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
SELECT herald.watch_users('users'), herald.watch_posts('posts', active => 'NOT hidden'),
       herald.watch_comments('comments') \g /dev/null
-- Moderation by the text of a row, in a trigger for each row.
CREATE FUNCTION moderate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.body LIKE 'hide%' THEN
		EXECUTE format('UPDATE moderated.%I SET hidden = true WHERE id = $1', tg_table_name) USING new.id;
	ELSIF new.body LIKE 'drop%' THEN
		EXECUTE format('DELETE FROM moderated.%I WHERE id = $1', tg_table_name) USING new.id;
	ELSIF new.body LIKE 'edit%' THEN
		EXECUTE format($q$UPDATE moderated.%I SET body = replace(body, 'edit', 'kept') WHERE id = $1$q$, tg_table_name)
			USING new.id;
	ELSIF new.body LIKE 'copy%' THEN
		EXECUTE format($q$INSERT INTO moderated.%I SELECT (r).* FROM (SELECT jsonb_populate_record($1,
			jsonb_build_object('id', $1.id + 1,
			                   'body', CASE WHEN $1.id %% 1000 < 5 THEN $1.body ELSE 'last @ben' END)) AS r) AS c$q$,
			tg_table_name) USING new;
	ELSIF new.body LIKE 'shift%' THEN
		EXECUTE format($q$UPDATE moderated.%I SET id = id + 500, body = 'went @ben' WHERE id = $1$q$, tg_table_name)
			USING new.id;
	ELSIF new.body LIKE 'swap%' THEN
		EXECUTE format('DELETE FROM moderated.%I WHERE id = $1', tg_table_name) USING new.id;
		new.body := 'new one @ben';
		EXECUTE format('INSERT INTO moderated.%I SELECT ($1).*', tg_table_name) USING new;
	ELSIF new.body LIKE 'other%' THEN
		EXECUTE format($q$UPDATE moderated.%I SET body = body || '!' WHERE id = 1$q$, tg_table_name);
	ELSIF new.body LIKE 'undo%' THEN
		BEGIN
			EXECUTE format('DELETE FROM moderated.%I WHERE id = $1', tg_table_name) USING new.id;
			RAISE EXCEPTION 'undone';
		EXCEPTION WHEN raise_exception THEN NULL;
		END;
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER a_moderate AFTER INSERT OR UPDATE OF body ON posts FOR EACH ROW EXECUTE FUNCTION moderate();
CREATE TRIGGER a_moderate AFTER INSERT OR UPDATE OF body ON comments FOR EACH ROW EXECUTE FUNCTION moderate();
CREATE VIEW told AS
	SELECT e.name, coalesce(e.payload -> 'post' ->> 'body', e.payload ->> 'content') AS body,
	       coalesce(e.payload ->> 'commentId', e.payload ->> 'postId') AS id, e.delta
	FROM herald.event AS e WHERE e.name LIKE ALL ('{%:%}') AND e.name !~ '^(notification|room):' ORDER BY e.id;
CREATE VIEW notified AS
	SELECT n.recipient_id, n.type, n.cause, n.content, n.retracted_at IS NOT NULL AS retracted
	FROM herald.notification AS n ORDER BY n.id;
CREATE PROCEDURE forget() LANGUAGE sql AS 'DELETE FROM herald.event; DELETE FROM herald.notification';
CALL forget();
RESET client_min_messages;
\set ECHO all

-- a hidden post, a deleted one, and a changed one
INSERT INTO posts VALUES (1, 1, 'plain @ben');
INSERT INTO posts VALUES (2, 1, 'hide @ben');
INSERT INTO posts VALUES (3, 1, 'drop @ben');
INSERT INTO posts VALUES (4, 1, 'edit @ben');
SELECT * FROM told;
SELECT * FROM notified;

-- several rows of one statement, by INSERT and by COPY; a nested change that is rolled back
CALL forget();
INSERT INTO posts VALUES (5, 1, 'plain'), (6, 1, 'hide @ben'), (7, 1, 'drop'), (8, 1, 'edit'), (9, 1, 'undo');
COPY posts (id, user_id, body) FROM stdin;
10	1	plain
11	1	hide @ben
12	1	drop @ben
13	1	edit @ben
\.
SELECT * FROM told;
SELECT * FROM notified;

-- a trigger that inserts a further row of the same table, which does so itself
CALL forget();
INSERT INTO posts VALUES (1001, 1, 'copy @ben');
SELECT * FROM told;
SELECT count(*), count(DISTINCT cause) FROM notified;

-- other keys: a row that moves, one that another row replaces, and a trigger that changes another row
CALL forget();
INSERT INTO posts VALUES (20, 1, 'shift @ben');
INSERT INTO posts VALUES (21, 1, 'swap @ben');
INSERT INTO posts VALUES (22, 1, 'other');
SELECT * FROM told;
SELECT * FROM notified;

-- an UPDATE that publishes a post: the trigger hides, deletes or changes it
CALL forget();
INSERT INTO posts SELECT n, 1, 'text', n < 33 FROM generate_series(30, 35) AS n;
CALL forget();
UPDATE posts SET hidden = false, body = 'hide @ben' WHERE id = 30;
UPDATE posts SET hidden = false, body = 'drop @ben' WHERE id = 31;
UPDATE posts SET hidden = false, body = 'edit @ben' WHERE id = 32;
UPDATE posts SET body = 'hide @ben' WHERE id = 33;
UPDATE posts SET body = 'drop @ben' WHERE id = 34;
UPDATE posts SET body = 'shift @ben' WHERE id = 35;
SELECT * FROM told;
SELECT * FROM notified;

-- rows that ON CONFLICT inserts and updates
CALL forget();
INSERT INTO posts VALUES (33, 1, 'x'), (32, 1, 'x'), (40, 1, 'drop @ben')
	ON CONFLICT (id) DO UPDATE SET body = 'hide @ben';
SELECT * FROM told;
SELECT * FROM notified;

-- MERGE (on servers without it, two statements do the same), and two commands in one statement
CALL forget();
DO $$
BEGIN
	IF current_setting('server_version_num')::int >= 150000 THEN
		EXECUTE $merge$
			MERGE INTO posts AS p
			USING (VALUES (41, 'edit @ben'), (42, 'drop'), (22, 'edit it')) AS n (id, body) ON p.id = n.id
			WHEN MATCHED THEN UPDATE SET body = n.body
			WHEN NOT MATCHED THEN INSERT (id, user_id, body) VALUES (n.id, 1, n.body) $merge$;
	ELSE
		UPDATE posts SET body = 'edit it' WHERE id = 22;
		INSERT INTO posts VALUES (41, 1, 'edit @ben'), (42, 1, 'drop');
	END IF;
END
$$;
WITH made AS (INSERT INTO posts VALUES (43, 1, 'edit'), (44, 1, 'hide') RETURNING id)
UPDATE posts SET body = 'hide' WHERE id = 41;
SELECT * FROM told;

-- totals: a row counts once, or not at all
CALL forget();
INSERT INTO comments VALUES (1, 1, 2, 'plain'), (2, 1, 2, 'drop'), (3, 1, 2, 'edit');
SELECT * FROM told;
SELECT sum(delta) = (SELECT count(*) FROM comments WHERE post_id = 1) FROM told;

-- a trigger for each statement that comes after the rules: they see its change as a change
CALL forget();
CREATE FUNCTION hide_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE moderated.posts SET hidden = true WHERE body LIKE 'late%' AND NOT hidden;
	RETURN NULL;
END
$$;
CREATE TRIGGER z_hide AFTER INSERT ON posts FOR EACH STATEMENT EXECUTE FUNCTION hide_all();
INSERT INTO posts VALUES (50, 1, 'late');
CREATE TRIGGER a_hide AFTER INSERT ON posts FOR EACH STATEMENT EXECUTE FUNCTION hide_all();
INSERT INTO posts VALUES (51, 1, 'late');
DROP TRIGGER z_hide ON posts;
DROP TRIGGER a_hide ON posts;
SELECT * FROM told;

-- a trigger that undoes a deletion
CALL forget();
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO moderated.posts SELECT (old).*;
	RETURN NULL;
END
$$;
CREATE TRIGGER keep AFTER DELETE ON posts FOR EACH ROW EXECUTE FUNCTION keep();
DELETE FROM posts WHERE id IN (10, 50);
SELECT * FROM told;
DROP TRIGGER keep ON posts;

-- rules for inserted rows only: no trigger sees the nested change
CREATE TABLE notes (id int PRIMARY KEY, body text);
CREATE TRIGGER moderate AFTER INSERT ON notes FOR EACH ROW EXECUTE FUNCTION moderate();
SELECT herald.watch('notes', 'noted', event => 'note:made', room => 'notes',
                    payload => $$json_build_object('content', new.body, 'postId', new.id)$$);
CALL forget();
INSERT INTO notes VALUES (1, 'plain'), (2, 'drop'), (3, 'edit');
SELECT * FROM told;

-- a new session, which may load the library in the nested statement
\c -
SET search_path = moderated;
CALL forget();
\c -
INSERT INTO moderated.posts VALUES (61, 1, 'hide @ben');
\c -
INSERT INTO moderated.posts VALUES (62, 1, 'edit @ben');
UPDATE moderated.posts SET body = 'more' WHERE id = 62;
INSERT INTO moderated.posts VALUES (63, 1, 'drop');
INSERT INTO moderated.notes VALUES (64, 'drop');
SET search_path = moderated;
SELECT * FROM told;

-- without a primary key the server's order stays
ALTER TABLE notes DROP CONSTRAINT notes_pkey;
CALL forget();
INSERT INTO notes VALUES (4, 'drop');
SELECT * FROM told;

-- partitioned tables keep the server's order: partitions may have keys of their own, and rows of two the same one
CREATE TABLE parts (tenant text NOT NULL, id int NOT NULL, reader text, body text) PARTITION BY LIST (tenant);
CREATE TABLE parts_a PARTITION OF parts (PRIMARY KEY (id)) FOR VALUES IN ('a');
CREATE TABLE parts_b PARTITION OF parts (PRIMARY KEY (id)) FOR VALUES IN ('b');
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('UPDATE moderated.%I SET body = body WHERE false', tg_table_name);
	RETURN NULL;
END $$;
CREATE TRIGGER a_touch AFTER INSERT OR UPDATE ON parts
	FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION touch();
SELECT herald.watch('parts', 'part_told', '{insert,update}', recipient => 'new.reader', type => 'told',
                    content => '{body}');
CALL forget();
INSERT INTO parts VALUES ('a', 1, 'alice', 'of a');
INSERT INTO parts VALUES ('b', 1, 'bert', 'of b');
UPDATE parts SET body = 'again of b' WHERE tenant = 'b';
SELECT recipient_id, content FROM herald.notification WHERE type = 'told' ORDER BY id;
BEGIN;
INSERT INTO parts VALUES ('b', 2, 'bert', 'locks its partition only');
SELECT count(*) FROM pg_locks
WHERE relation = 'parts_a'::regclass AND pid = pg_backend_pid() AND mode = 'AccessShareLock';
COMMIT;

-- rows that are read again leave no temporary files
SET client_min_messages = warning;
CREATE TABLE many (id int PRIMARY KEY, body text);
CREATE TRIGGER a_touch AFTER INSERT ON many FOR EACH STATEMENT EXECUTE FUNCTION touch();
SELECT herald.watch('many', 'many_told', '{insert}', recipient => 'new.body', type => 'told',
                    condition => 'new.id < 0');
SET work_mem = '64kB';
BEGIN;
INSERT INTO many SELECT n, repeat('x', 100) FROM generate_series(1, 5000) AS n;
SELECT count(*) FROM pg_ls_tmpdir();
COMMIT;
RESET work_mem;

\set ECHO none
SET client_min_messages = error;
SELECT herald.unwatch_all() \g /dev/null
CALL forget();
DROP SCHEMA moderated CASCADE;
