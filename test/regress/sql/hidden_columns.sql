-- Columns that can hide a row, by a part of their name: no call ignores one in silence.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE TABLE users (id bigint PRIMARY KEY, username text NOT NULL UNIQUE);
SELECT herald.watch_users('users');
-- Watches a table of this kind with one column more, and returns the error or the columns that the notice names.
CREATE FUNCTION tried(kind text, extra text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	base text := CASE kind
		WHEN 'posts' THEN 'id bigint PRIMARY KEY, author_id bigint REFERENCES users, body text'
		WHEN 'likes' THEN 'user_id bigint REFERENCES users, post_id bigint REFERENCES subjects'
		WHEN 'follows' THEN 'follower_id bigint REFERENCES users, followee_id bigint REFERENCES users'
		WHEN 'messages' THEN 'id bigint PRIMARY KEY, sender_id bigint, receiver_id bigint, body text'
		WHEN 'members' THEN 'club_id bigint, user_id bigint'
		WHEN 'users' THEN 'id bigint PRIMARY KEY, username text NOT NULL UNIQUE' END;
	arguments jsonb := CASE kind
		WHEN 'posts' THEN '{"author": ["author_id"], "key": ["id"], "body": "body"}'
		WHEN 'likes' THEN '{"actor": ["user_id"], "subject": ["post_id"], "subject_table": "subjects"}'
		WHEN 'follows' THEN '{"follower": ["follower_id"], "followee": ["followee_id"]}'
		WHEN 'messages' THEN '{"sender": ["sender_id"], "receiver": ["receiver_id"], "key": ["id"], "body": "body"}'
		WHEN 'members' THEN '{"conversation": ["club_id"], "member": ["user_id"]}'
		WHEN 'users' THEN '{"key": ["id"], "handle": "username"}' END;
	result text;
BEGIN
	EXECUTE format('CREATE TABLE tried_rows (%s, %s)', base, extra);
	SELECT coalesce(string_agg(concat_ws(' ', u.meaning, coalesce(u.argument::text, u.question)), '; '), '-')
	INTO result FROM herald_internal.unused_columns('tried_rows', kind, arguments) AS u;
	DROP TABLE tried_rows;
	RETURN result;
END
$$;
CREATE TABLE subjects (id bigint PRIMARY KEY, author_id bigint REFERENCES users, body text);
\pset format unaligned
SELECT c.kind, c.extra, tried(c.kind, c.extra)
FROM (VALUES
	('posts', 'access_level int'), ('posts', '"visibilityLevel" int'), ('posts', 'min_trust_level smallint'),
	('posts', 'shared_with text'), ('follows', 'dir char(1)'),
	('posts', 'required_tier text'), ('posts', 'is_paywalled boolean'), ('posts', 'friends_only smallint'),
	('posts', 'phase text'), ('posts', 'phase text DEFAULT ''draft'''), ('posts', 'revision_of bigint'),
	('posts', '"draftOfId" bigint'), ('posts', 'superseded_by bigint'),
	('likes', 'stars int'), ('likes', 'option_id bigint'), ('likes', '"choiceId" bigint'), ('likes', 'going text'),
	('likes', 'rsvp_status text'), ('follows', 'relationship text'), ('follows', '"connectionType" text'),
	('users', 'incognito boolean'), ('users', 'ghost_mode boolean'), ('users', '"accountNonLocked" boolean'),
	('messages', 'disappears_at timestamptz'), ('messages', 'self_destruct_at timestamptz'),
	('members', 'standing text'), ('members', 'mentions_only boolean'), ('members', 'hidden boolean'),
	('posts', 'sunset_at timestamptz'), ('messages', 'delivery_time timestamptz'), ('likes', 'mood text'),
	('users', 'quiet boolean'), ('users', '"onVacation" boolean')
) AS c (kind, extra);
-- Not doubtful
SELECT c.kind, c.extra, tried(c.kind, c.extra)
FROM (VALUES
	('posts', 'access_token text'), ('posts', 'accessed_at timestamptz'), ('posts', 'revision int'),
	('posts', 'translation_of bigint'), ('posts', 'version int'), ('posts', 'level int'),
	('posts', 'edited_by bigint'), ('posts', 'phases_count int'), ('likes', 'created_at timestamptz'),
	('follows', 'connection_count int'), ('users', 'locked_at timestamptz'), ('users', 'stars int'),
	('users', 'access_level int')
) AS c (kind, extra);
-- The calls themselves
CREATE TABLE posts (id bigint PRIMARY KEY, author_id bigint REFERENCES users, body text, access_level int);
SELECT herald.watch_posts('posts');
SELECT herald.watch_posts('posts', visible => 'post.access_level = 0');
CREATE TABLE counts (answers int, likes int, replies bigint, photos int, status int, boss int, user_id int);
CREATE TABLE ratings (user_id bigint REFERENCES users, post_id bigint REFERENCES posts, stars int);
SELECT herald.watch_likes('ratings');
SELECT herald.watch_likes('ratings', active => 'stars > 3');
-- A plural is a counter, and no id.
SELECT c.name, EXISTS (SELECT FROM herald_internal.id_columns('counts') AS i WHERE i.columns = ARRAY[c.name]) AS is_id
FROM unnest('{answers,likes,replies,photos,status,boss,user_id}'::text[]) AS c (name);
SELECT herald.unwatch_all();
DROP FUNCTION tried(text, text);
DROP TABLE counts, ratings, posts, subjects, users;
