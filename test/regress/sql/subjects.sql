-- A column for each table of subjects, without foreign keys: a call has to say which one it is about.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE SCHEMA subjects;
SET search_path = subjects;
CREATE TABLE users (id int PRIMARY KEY, username text, tenant_id int);
CREATE TABLE posts (id int PRIMARY KEY, user_id int, body text);
CREATE TABLE photos (id int PRIMARY KEY, user_id int, caption text);
CREATE TABLE albums (id uuid PRIMARY KEY, user_id int, title text);
CREATE TABLE likes (user_id int NOT NULL, album_id uuid, photo_id int);
CREATE TABLE stars (user_id int, post_id int, photo_id int);
CREATE TABLE remarks (id int PRIMARY KEY, user_id int, post_id int, album_id uuid, parent_id int, body text);
SELECT herald.watch_users('users'), herald.watch_posts('posts');
SELECT herald.watch_posts('photos', noun => 'photo'), herald.watch_posts('albums', noun => 'album');

-- Either is equally likely, or the name of one says more: no call chooses.
SELECT herald.watch_likes('likes');
SELECT herald.watch_comments('remarks', subject_table => 'posts');
SELECT herald.unwatch('photos');
SELECT herald.watch_likes('stars');
SELECT line FROM herald.suggest() AS line WHERE line ~ 'stars|ALTER';
SELECT item, name, value FROM herald.plan_watch('watch_likes', 'stars');
-- A call that names its subject hears of the other column, until it uses or ignores that.
SET client_min_messages = notice;
SELECT herald.watch_likes('stars', subject => 'post_id');
SELECT herald.watch_likes('stars', subject => 'post_id', ignore => '{photo_id}');
SELECT herald.watch_likes('stars', subject => 'post_id', active => 'photo_id IS NULL');
SET client_min_messages = warning;
-- The statements of the hint, pasted
SELECT herald.watch_posts('photos', noun => 'photo');
ALTER TABLE likes ADD subject_type text GENERATED ALWAYS AS (
	CASE WHEN album_id IS NOT NULL THEN 'album' WHEN photo_id IS NOT NULL THEN 'photo' END) STORED,
	ADD subject_id text GENERATED ALWAYS AS (coalesce(album_id::text, photo_id::text)) STORED;
SELECT herald.watch_likes('likes', subject => 'subject_id', subject_type => 'subject_type',
	subject_tables => '{"album": "subjects.albums", "photo": "subjects.photos"}');
INSERT INTO users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
INSERT INTO posts VALUES (1, 1, 'Post');
INSERT INTO photos VALUES (1, 2, 'Photo');
INSERT INTO albums VALUES ('00000000-0000-0000-0000-000000000001', 3, 'Album');
INSERT INTO likes VALUES (1, NULL, 1), (1, '00000000-0000-0000-0000-000000000001', NULL);
INSERT INTO stars VALUES (2, 1, NULL), (3, 1, 1), (3, NULL, 1);
SELECT recipient_id AS told, title FROM herald.notification ORDER BY id;

-- A subject that is never null has no other, a table may be named after its subject, and ids of other things are none.
SELECT herald.unwatch('albums');
CREATE TABLE hearts (user_id int, photo_id int NOT NULL, album_id uuid);
CREATE TABLE photo_comments (id int PRIMARY KEY, user_id int, photo_id int, album_id uuid, body text);
CREATE TABLE post_likes (user_id int, post_id int, photo_id int);
CREATE TABLE organizations (id int PRIMARY KEY, owner_id int);
CREATE TABLE tenants (id int PRIMARY KEY, owner_id int);
CREATE TABLE categories (id int PRIMARY KEY, user_id int);
CREATE TABLE groups (id int PRIMARY KEY, owner_id int);
CREATE TABLE conversations (id int PRIMARY KEY, user_id int);
CREATE TABLE moderators (id int PRIMARY KEY, user_id int);
CREATE TABLE attachments (id int PRIMARY KEY, user_id int);
CREATE TABLE comments (id int PRIMARY KEY, post_id int, user_id int, parent_id int, tenant_id int, organization_id int,
	category_id int, group_id int, conversation_id int, moderator_id int, attachment_id int, updated_by int,
	deleted_by_id int, quoted_post_id int, photo_count int, body text);
SELECT herald.watch_likes('hearts'), herald.watch_likes('post_likes');
SELECT herald.watch_comments('photo_comments'), herald.watch_comments('comments', active => 'deleted_by_id IS NULL');
SELECT relation, arguments -> 'subject' AS subject, arguments ->> 'subject_table' AS of
FROM herald_internal.watched_table WHERE relation::text IN ('hearts', 'post_likes', 'photo_comments', 'comments')
ORDER BY relation::text;

SELECT herald.unwatch_all();
DROP SCHEMA subjects CASCADE;
TRUNCATE herald.notification;
