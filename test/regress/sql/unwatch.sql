-- herald.unwatch() leaves a table as it was before, and the extension can be dropped.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA u;
CREATE TABLE u.users (id int PRIMARY KEY, username text);
CREATE TABLE u.posts (id int PRIMARY KEY, user_id int REFERENCES u.users);
CREATE TABLE u.likes (user_id int REFERENCES u.users, post_id int REFERENCES u.posts) PARTITION BY LIST (user_id);
CREATE TABLE u.likes_1 PARTITION OF u.likes FOR VALUES IN (1);
CREATE TABLE u.likes_2 PARTITION OF u.likes FOR VALUES IN (2);

-- Returns all entries of the catalogs about the tables in the schema.
CREATE FUNCTION u.traces() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('trigger %s on %s', t.tgname, t.tgrelid::regclass) FROM pg_trigger AS t
	JOIN pg_class AS c ON c.oid = t.tgrelid
	WHERE c.relnamespace = 'u'::regnamespace AND NOT t.tgisinternal
	UNION ALL
	SELECT format('%s depends on %s', pg_describe_object(d.classid, d.objid, d.objsubid),
	              pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid))
	FROM pg_depend AS d
	WHERE d.classid = 'pg_trigger'::regclass AND d.refclassid = 'pg_proc'::regclass AND
	      d.refobjid = to_regproc('herald_internal.on_change')
	UNION ALL
	SELECT format('%s has the columns %s', a.attrelid::regclass, string_agg(a.attname, ', ' ORDER BY a.attnum))
	FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
	WHERE c.relnamespace = 'u'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
	GROUP BY a.attrelid
	ORDER BY 1;
$$;
CREATE TABLE u.before AS SELECT u.traces() AS trace;
DELETE FROM u.before WHERE trace LIKE 'u.before%';

SELECT herald.watch_users('u.users');
SELECT herald.watch_posts('u.posts');
SELECT herald.watch_likes('u.likes');
SELECT herald.watch_likes('u.likes');
SELECT trace FROM u.traces() AS trace WHERE trace NOT LIKE '%columns%';
INSERT INTO u.users VALUES (1, 'ann'), (2, 'ben');
INSERT INTO u.posts VALUES (1, 1), (2, 2);
INSERT INTO u.likes VALUES (1, 1), (2, 1), (1, 2);
UPDATE u.likes SET user_id = 2 WHERE user_id = 1 AND post_id = 2;
SELECT recipient_id, actor_name, type, subject_id FROM herald.notification WHERE type = 'like' ORDER BY id;

-- One table: the others go on, and the foreign key still leads to the liking user.
SELECT herald.unwatch('u.users');
SELECT count(*) FROM herald.watched WHERE notify LIKE '%username%';
SELECT herald.unwatch('u.likes');
SELECT herald.unwatch('u.likes');
SELECT relation, rule FROM herald.watched ORDER BY rule;

-- A dropped table is no obstacle.
SELECT herald.watch_likes('u.likes');
DROP TABLE u.likes;
SELECT herald.unwatch_all();
SELECT count(*) FROM herald_internal.rule;
SELECT count(*) FROM herald_internal.watched_table;
SELECT count(*) FROM herald_internal.counter;
SELECT count(*) FROM herald_internal.room_source;
DELETE FROM u.before WHERE trace LIKE 'u.likes%';
(SELECT u.traces() EXCEPT SELECT trace FROM u.before) EXCEPT SELECT 'u.before has the columns trace';
SELECT trace FROM u.before EXCEPT SELECT u.traces();

-- DROP EXTENSION works once nothing is watched any more.
SELECT herald.watch_posts('u.posts');
DROP EXTENSION pg_herald;
SELECT herald.unwatch_all();
DROP EXTENSION pg_herald;
INSERT INTO u.posts VALUES (3, 1);
CREATE EXTENSION pg_herald;
SELECT count(*) FROM herald.watched;
DROP SCHEMA u CASCADE;
