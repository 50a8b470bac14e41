-- The watch_* functions detect columns by keys and names, and raise an error when the choice is ambiguous.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA d;
CREATE TABLE d.users (id int PRIMARY KEY, login text, name text);
CREATE TABLE d.posts (id int PRIMARY KEY, owner_id int REFERENCES d.users, approved_by int REFERENCES d.users);

-- A foreign key confirms a name. Alone it gives no role.
SELECT herald.watch_posts('d.posts');
CREATE TABLE d.hearts (who int REFERENCES d.users, what int REFERENCES d.posts);
SELECT herald.watch_users('d.users');
SELECT herald.watch_likes('d.hearts');
SELECT herald.watch_likes('d.hearts', actor => 'who');
SELECT herald.watch_likes('d.hearts', actor => 'who', subject => 'what');
-- (user_id, follower_id): one column of the pair has a telling name, and the other column takes the other part.
CREATE TABLE d.fans (user_id int, follower_id int);
SELECT herald.watch_follows('d.fans');
CREATE TABLE d.reading (user_id int REFERENCES d.users, following int REFERENCES d.users);
SELECT herald.watch_follows('d.reading');
-- A name alone, of a column without a foreign key.
CREATE TABLE d.thumbs (userid text, post_id int);
SELECT herald.watch_likes('d.thumbs');
-- Messages to a conversation and messages to a receiver.
CREATE TABLE d.letters (id int PRIMARY KEY, from_id int, to_id int, body text);
SELECT herald.watch_messages('d.letters');
CREATE TABLE d.chat (id int PRIMARY KEY, sender_id int, receiver_id int, thread_id int,
	attachment int REFERENCES d.posts, message text);
SELECT herald.watch_messages('d.chat');
SELECT herald.watch_messages('d.chat', receiver => 'receiver_id');
SELECT relation, kind,
       herald_internal.plain_sql((arguments - '{on_error,call,names,table,table_owner}'::text[])::text) AS arguments
FROM herald_internal.watched_table ORDER BY relation::text;
SELECT relation, rule, operation FROM herald.watched WHERE rule = 'reply';

-- Nouns from the names of tables.
CREATE TABLE d.photo_albums (); CREATE TABLE d."BlogPosts" ();
CREATE TABLE d.stories (); CREATE TABLE d.boxes (); CREATE TABLE d.status (); CREATE TABLE d.day_keys ();
SELECT name, herald_internal.singular_noun(name), herald_internal.camel_case(herald_internal.singular_noun(name))
FROM unnest('{d.users,d.photo_albums,"d.\"BlogPosts\"",d.stories,d.boxes,d.status,d.day_keys}'::regclass[]) AS name;

-- Ambiguous columns. The role's own name wins, unless a foreign key confirms only the other column.
CREATE TABLE d.two (id int PRIMARY KEY, user_id int REFERENCES d.users, owner_id int REFERENCES d.users);
SELECT herald.watch_posts('d.two');
\echo :LAST_ERROR_SQLSTATE
SELECT herald.watch_posts('d.two', author => 'owner_id');
CREATE TABLE d.own (id int PRIMARY KEY, user_id int REFERENCES d.users, author_id int);
SELECT herald.watch_posts('d.own');
ALTER TABLE d.own ADD FOREIGN KEY (author_id) REFERENCES d.users;
SELECT herald.watch_posts('d.own');
SELECT arguments -> 'author' AS author FROM herald_internal.watched_table WHERE relation = 'd.own'::regclass;
SELECT herald.unwatch('d.own');
CREATE TABLE d.links (a int REFERENCES d.users, b int REFERENCES d.users);
SELECT herald.watch_follows('d.links');
SELECT herald.watch_follows('d.links', follower => 'a');
CREATE TABLE d.tree (id int PRIMARY KEY, post_id int REFERENCES d.posts, user_id int REFERENCES d.users,
	above int REFERENCES d.tree, below int REFERENCES d.tree);
SELECT herald.watch_comments('d.tree');
SELECT arguments -> 'parent' AS parent FROM herald_internal.watched_table WHERE relation = 'd.tree'::regclass;

-- Columns that are not found.
CREATE TABLE d.plain (x int, y text);
SELECT herald.watch_posts('d.plain');
\echo :LAST_ERROR_SQLSTATE
SELECT herald.watch_posts('d.plain', author => 'x');
SELECT herald.watch_posts('d.plain', author => 'x', key => 'y');
SELECT herald.watch_likes('d.plain', actor => 'x');
SELECT herald.unwatch('d.plain');
SELECT herald.unwatch('d.two');
SELECT herald.unwatch('d.posts');
SELECT herald.watch_likes('d.plain', actor => 'x', subject => 'y');
SELECT herald.watch_messages('d.plain', sender => 'x');
SELECT herald.watch_members('d.plain', member => 'x');

-- Wrong arguments.
SELECT herald.watch_likes('d.hearts', actor => 'whom');
SELECT herald.watch_likes('d.hearts', actor => 'who, when');
SELECT herald.watch_users('d.users', name => 'nick');
SELECT herald.watch_users('d.users', notifications_enabled => 'name');

-- Relations that herald cannot watch.
CREATE VIEW d.seen AS SELECT * FROM d.posts;
SELECT herald.watch_posts('d.seen', author => 'owner_id', key => 'id');
CREATE TEMP TABLE posts (id int PRIMARY KEY, user_id int);
SELECT herald.watch_posts('posts');
SELECT herald.watch('herald.event', 'loop', event => 'x', room => 'y');

-- The table that a column names is found among many, of which most are not asked for their noun.
BEGIN;
SET LOCAL track_functions = 'all';
CREATE SCHEMA many;
DO $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT 'widget_' || n FROM generate_series(1, 40) AS n
	            UNION ALL SELECT unnest('{photoAlbums,photo_stories,boxes,status,news,account,accounts}'::text[]) LOOP
		EXECUTE format('CREATE TABLE many.%I (id int)', name);
	END LOOP;
END
$$;
CREATE TABLE many.uses ("photoAlbumId" int, photo_story_id int, box_id int, status_id int, news_id int, account_id int,
	gadget_id int);
SELECT name, herald_internal.named_table('many.uses', name)
FROM unnest(herald_internal.column_names('many.uses')) AS name;
SELECT calls < 20 AS few FROM pg_stat_xact_user_functions WHERE funcname = 'singular_noun';
ROLLBACK;

SELECT herald.unwatch_all();
DROP SCHEMA d CASCADE;
DROP TABLE posts;
