-- Access to rooms: canonical names, comments of private posts, and the rooms that a session has joined.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA access;
CREATE TABLE access.posts (id int PRIMARY KEY, user_id int, audience text NOT NULL DEFAULT 'public');
CREATE TABLE access.comments (id int PRIMARY KEY, post_id int REFERENCES access.posts, user_id int, body text);
CREATE TABLE access.likes (comment_id int REFERENCES access.comments, user_id int, PRIMARY KEY (comment_id, user_id));
SELECT herald.watch_posts('access.posts', visible => $$post.audience = 'public' OR post.user_id::text = viewer$$);
SELECT herald.watch_comments('access.comments');
SELECT herald.watch_likes('access.likes', subject_table => 'access.comments');
INSERT INTO access.posts VALUES (6, 1, 'public'), (7, 1, 'private');
INSERT INTO access.comments VALUES (60, 6, 2, 'on a public post'), (70, 7, 1, 'on a private post');

-- A room has one name.
SELECT room, herald.may_join('2', room)
FROM unnest('{post:6,post:06,post:0000006,post:+6,post: 6,"post:6 ",post:6.0,post:-6,post:6:,POST:6,comment:60,
            comment:060}'
            ::text[]) AS room;

SELECT encode(convert_to(room, 'UTF8'), 'escape') AS room, herald.may_join('2', room)
FROM (VALUES (U&'post:\FF16'), (U&'post:\202E6'), (U&'post:6\202E'), (U&'post\202E:6'), (U&'post:\06606'),
             ('post:6,3'), ('post:6,'), ('post:6' || chr(10)), ('post:1e0'), ('post:00000000000000000006'),
             ('post:' || repeat('9', 19)), ('post'), (':'), (''), ('*'), ('post:'), ('post:*'), ('user:2:x'),
             ('user :2'), ('user:2'), ('user:1'), ('feed:*'), ('pg_class:1'), ('herald:1')) AS r (room);
SELECT herald.may_join('2', repeat('x', 99000) || ':6') AS long_prefix,
       herald.may_join('2', 'post:' || repeat('6', 99000)) AS long_id;

-- In a warm session a join runs the compiled check. No function is planned again for it.
SELECT herald.may_join('2', 'post:6'), admitted FROM herald_internal.join_room('2', 'post:6', 'warm');
BEGIN;
SET LOCAL track_functions = 'all';
SELECT count(*) FILTER (WHERE j.admitted) AS admitted
FROM generate_series(1, 100) AS n, herald_internal.join_room('2', CASE WHEN n > 0 THEN 'post:6' END, 'warm') AS j;
SELECT schemaname, funcname, calls FROM pg_stat_xact_user_functions
WHERE schemaname LIKE 'herald%' AND calls >= 100 ORDER BY schemaname, funcname;
COMMIT;
SELECT herald_internal.leave_room('2', 'post:6', 'warm');

-- The id of a key of several columns is the text of all of them. A part, another order or another spelling is no id.
CREATE TABLE access.notes (tenant text, id int, user_id int, PRIMARY KEY (tenant, id));
CREATE TABLE access.note_likes (tenant text, note_id int, user_id int, PRIMARY KEY (tenant, note_id, user_id));
INSERT INTO access.notes VALUES ('acme', 6, 1), ('a,b', 6, 1);
SELECT herald.watch_likes('access.note_likes', subject => 'tenant, note_id', subject_table => 'access.notes');
SELECT room, herald.may_join('2', room)
FROM unnest('{"note:acme,6","note:a,b,6",note:acme,note:6,"note:6,acme","note:acme,06","note:acme, 6","note:acme,6,",
            "note:ACME,6","note:b,6","note:a\\,b,6"}'::text[]) AS room;
SELECT herald.unwatch('access.note_likes');

-- A malformed id of a domain is no id, as one of the type below it.
CREATE DOMAIN access.snowflake AS numeric(20);
CREATE DOMAIN access.page_id AS access.snowflake;
CREATE DOMAIN access.owner_id AS uuid;
CREATE TABLE access.pages (id access.page_id PRIMARY KEY, user_id access.owner_id);
SELECT herald.watch_posts('access.pages', visible => 'post.user_id::text = viewer');
INSERT INTO access.pages VALUES (1, 'a0000000-0000-0000-0000-000000000001');
SELECT viewer, room, herald.may_join(viewer, room)
FROM unnest('{page:1,page:abc,page:-1.5,page:1e0}'::text[]) AS room,
     unnest('{2,a0000000-0000-0000-0000-000000000001}'::text[]) AS viewer;
SELECT herald.unwatch('access.pages');

-- The room of a comment inherits the visibility of its post.
SELECT viewer, room, herald.may_join(viewer, room)
FROM unnest('{1,2}'::text[]) AS viewer, unnest('{post:7,comment:60,comment:70,comment:71}'::text[]) AS room
ORDER BY viewer, room;
UPDATE access.posts SET audience = 'public' WHERE id = 7;
SELECT herald.may_join('2', 'comment:70');
UPDATE access.posts SET audience = 'private' WHERE id = 7;
SELECT herald.may_join('2', 'comment:70');

-- The key of a session gives another user no hold on its rooms.
SELECT (herald_internal.join_room('1', 'post:6', 'key')).admitted;
SELECT (herald_internal.join_room('2', 'post:6', 'key')).admitted;
SELECT herald_internal.leave_room('2', 'post:6', 'key');
SELECT session, user_id, room FROM herald_internal.session_room;
DELETE FROM herald_internal.session_room;
SELECT herald.unwatch_all();

-- A post is open to users that it is visible to, while it exists and is published, unless there is a block. The author
-- sees its other states. The room of its comments is as open, while the comment exists.
CREATE FUNCTION access.admitted(rooms text[], viewers text[] DEFAULT '{1,2,3}') RETURNS TABLE (room text, admitted text)
LANGUAGE sql AS $$
	SELECT room, string_agg(v, ' ' ORDER BY v) FILTER (WHERE herald.may_join(v, room))
	FROM unnest(rooms) AS room, unnest(viewers) AS v
	GROUP BY room
	ORDER BY room;
$$;
ALTER TABLE access.posts ADD deleted_at timestamptz, ADD status text NOT NULL DEFAULT 'published';
ALTER TABLE access.comments ADD deleted boolean NOT NULL DEFAULT false;
CREATE TABLE access.blocks (blocker_id int, blocked_id int, lifted_at timestamptz,
	PRIMARY KEY (blocker_id, blocked_id));
CREATE TABLE access.mutes (blocker_id int, blocked_id int, PRIMARY KEY (blocker_id, blocked_id));
SELECT herald.watch_posts('access.posts', status => 'status',
                          visible => $$post.audience = 'public' OR post.user_id::text = viewer$$),
       herald.watch_comments('access.comments');
SELECT * FROM access.admitted('{post:6,comment:60,comment:70}');
UPDATE access.posts SET status = 'draft' WHERE id = 6;
SELECT * FROM access.admitted('{post:6,comment:60,comment:70}');
UPDATE access.posts SET status = 'published', deleted_at = now() WHERE id = 6;
SELECT * FROM access.admitted('{post:6,comment:60,comment:70}');
UPDATE access.posts SET deleted_at = NULL WHERE id = 6;
UPDATE access.comments SET deleted = true WHERE id = 60;
SELECT * FROM access.admitted('{post:6,comment:60,comment:70}');
UPDATE access.comments SET deleted = false WHERE id = 60;
-- Blocks in either direction close the room, mutes do not.
INSERT INTO access.blocks VALUES (1, 2), (3, 1);
INSERT INTO access.mutes VALUES (1, 4), (5, 1);
SELECT * FROM access.admitted('{post:6,comment:60}', '{1,2,3,4,5}');
SELECT herald.watch_blocks('access.blocks', deleted_at => 'lifted_at'),
       herald.watch_blocks('access.mutes', mutual => false);
SELECT * FROM access.admitted('{post:6,comment:60}', '{1,2,3,4,5}');
UPDATE access.blocks SET lifted_at = now() WHERE blocker_id = 1;
SELECT * FROM access.admitted('{post:6,comment:60}', '{1,2,3,4,5}');
SELECT herald.unwatch('access.blocks');
SELECT * FROM access.admitted('{post:6,comment:60}', '{1,2,3,4,5}');

-- Comments that only likes refer to inherit as well, by their foreign key. Albums inherit from a post that they show.
SELECT herald.unwatch('access.comments');
CREATE TABLE access.albums (id int PRIMARY KEY, user_id int, cover_post_id int REFERENCES access.posts,
	deleted_at timestamptz);
CREATE TABLE access.album_likes (album_id int REFERENCES access.albums, user_id int, PRIMARY KEY (album_id, user_id));
INSERT INTO access.albums VALUES (1, 1, NULL), (2, 1, 6), (3, 1, 7);
INSERT INTO access.albums VALUES (4, 1, NULL, now());
SELECT herald.watch_likes('access.likes', subject_table => 'access.comments'), herald.watch_likes('access.album_likes');
SELECT * FROM access.admitted('{comment:60,comment:70,album:1,album:2,album:3,album:4}');
-- Access to a room depends on its keys.
SELECT prefix, t.relation, herald_internal.plain_sql(t.keys) AS keys
FROM unnest('{post,comment,album}'::text[]) AS prefix, herald_internal.subject_tables(prefix) AS t;

-- Two tables have the same rooms if one inherits from the other: the conditions of both must admit. Those of another
-- schema need a noun of their own: equal ids would mean different rows.
CREATE SCHEMA second;
CREATE TABLE second.posts (hidden boolean NOT NULL DEFAULT false, PRIMARY KEY (id)) INHERITS (access.posts);
INSERT INTO second.posts (id, user_id, audience, hidden) VALUES
	(8, 2, 'public', false), (9, 2, 'public', true), (10, 2, 'private', false);
SELECT herald.watch_posts('second.posts', visible => 'NOT post.hidden');
SELECT * FROM access.admitted('{post:6,post:7,post:8,post:9,post:10}');
UPDATE second.posts SET hidden = true WHERE id = 8;
SELECT * FROM access.admitted('{post:6,post:7,post:8,post:9,post:10}');
SELECT herald.unwatch('second.posts');
CREATE ROLE regress_other IN ROLE herald_watch;
CREATE SCHEMA other AUTHORIZATION regress_other;
SET ROLE regress_other;
CREATE TABLE other.posts (id int PRIMARY KEY, user_id int);
CREATE TABLE other.post_likes (post_id int REFERENCES other.posts, user_id int);
INSERT INTO other.posts VALUES (7, 3);
SELECT herald.watch_posts('other.posts');
SELECT herald.watch_posts('other.posts', noun => 'other_post');
-- An owner can save any record, but none for the rooms of another owner.
SELECT herald_internal.save_watched(relation, kind, replace(arguments::text, 'other_post', 'post')::jsonb)
FROM herald_internal.watched_table WHERE relation = 'other.posts'::regclass;
SELECT herald.watch_likes('other.post_likes');
-- Another owner's likes open no room, and another owner's blocks close none.
CREATE TABLE other.likes (album_id int, user_id int);
CREATE TABLE other.blocks (blocker_id int, blocked_id int);
INSERT INTO other.blocks VALUES (1, 2);
SELECT herald.watch_blocks('other.blocks');
RESET ROLE;
SELECT herald.unwatch('access.album_likes');
GRANT USAGE ON SCHEMA access TO regress_other;
GRANT SELECT ON access.albums TO regress_other;
SET ROLE regress_other;
SELECT herald.watch_likes('other.likes', subject_table => 'access.albums');
RESET ROLE;
SELECT * FROM access.admitted('{post:6,album:1}');

SELECT herald.unwatch_all();
DROP SCHEMA access, second, other CASCADE;
DROP OWNED BY regress_other;
DROP ROLE regress_other;
TRUNCATE herald.notification;
