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
DROP SCHEMA access CASCADE;
TRUNCATE herald.notification;
