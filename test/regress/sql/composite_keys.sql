-- Foreign keys of several columns, as tenants and partitioned tables have them: a column with a role refers by the one
-- of which it is a part. An id has as many columns as the key of its table.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE SCHEMA composite;
SET search_path = composite;
CREATE FUNCTION found(table_name text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s = %s', r.role, r.columns), '; ' ORDER BY r.place)
	FROM herald_internal.watched_table AS w, herald_internal.found_roles(w.kind, w.arguments) AS r
	WHERE w.relation = table_name::regclass AND r.columns IS NOT NULL
$$;

-- The id of a row is one column; foreign keys have the tenant besides.
CREATE TABLE users (tenant_id int, id int PRIMARY KEY, username text, UNIQUE (tenant_id, id));
CREATE TABLE posts (tenant_id int, id int PRIMARY KEY, user_id int, parent_id int, body text, UNIQUE (tenant_id, id),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
	FOREIGN KEY (tenant_id, parent_id) REFERENCES posts (tenant_id, id));
CREATE TABLE likes (tenant_id int, user_id int, post_id int,
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
	FOREIGN KEY (tenant_id, post_id) REFERENCES posts (tenant_id, id));
CREATE TABLE comments (tenant_id int, id int PRIMARY KEY, user_id int, post_id int, parent_id int, body text,
	UNIQUE (tenant_id, id), FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
	FOREIGN KEY (tenant_id, post_id) REFERENCES posts (tenant_id, id),
	FOREIGN KEY (tenant_id, parent_id) REFERENCES comments (tenant_id, id));
CREATE TABLE rooms (tenant_id int, id int PRIMARY KEY, UNIQUE (tenant_id, id));
CREATE TABLE members (tenant_id int, room_id int, user_id int,
	FOREIGN KEY (tenant_id, room_id) REFERENCES rooms (tenant_id, id),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id));
CREATE TABLE messages (tenant_id int, id int PRIMARY KEY, room_id int, user_id int, body text,
	FOREIGN KEY (tenant_id, room_id) REFERENCES rooms (tenant_id, id),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id));
SELECT herald.watch_users('users'), herald.watch_posts('posts', ignore => '{tenant_id}'), herald.watch_likes('likes'),
       herald.watch_comments('comments'), herald.watch_members('members'), herald.watch_messages('messages');
SELECT t, found(t) FROM unnest('{users,posts,likes,comments,members,messages}'::text[]) AS t;
INSERT INTO users VALUES (1, 10, 'ana'), (1, 11, 'ben'), (2, 12, 'cleo');
INSERT INTO posts VALUES (1, 5, 10, NULL, 'A post'), (1, 6, 11, 5, 'A post below it');
INSERT INTO likes VALUES (1, 11, 5);
INSERT INTO comments VALUES (1, 7, 11, 5, NULL, 'A comment'), (1, 8, 10, 5, 7, 'A comment below it');
INSERT INTO rooms VALUES (1, 3);
INSERT INTO members VALUES (1, 3, 10), (1, 3, 11);
INSERT INTO messages VALUES (1, 1, 3, 10, 'Hello');
SELECT recipient_id, title, cause FROM herald.notification ORDER BY id;
SELECT herald.may_join('11', 'conversation:3');

-- A column that is a part of a foreign key refers by it.
SELECT herald.watch_likes('likes', subject => 'post_id', subject_table => 'users');
SELECT herald.watch_likes('likes', actor => 'post_id', subject => 'user_id');
SELECT herald.watch_comments('comments', parent => 'post_id');
SELECT herald.watch_messages('messages', conversation => 'user_id', sender => 'room_id');
SELECT herald.unwatch_all();

-- The id of a row is both columns.
DROP TABLE messages, members, rooms, comments, likes, posts, users;
CREATE TABLE users (tenant_id int, id int, username text, PRIMARY KEY (tenant_id, id));
CREATE TABLE posts (tenant_id int, id int, user_id int, body text, PRIMARY KEY (id, tenant_id),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id));
CREATE TABLE likes (tenant_id int, user_id int, post_id int, FOREIGN KEY (tenant_id, user_id) REFERENCES users,
	FOREIGN KEY (tenant_id, post_id) REFERENCES posts (tenant_id, id));
CREATE TABLE unbound_likes (tenant_id int, user_id int, post_id int);
SELECT herald.watch_users('users');
SELECT herald.watch_posts('posts', author => 'user_id');
SELECT herald.watch_posts('posts'), herald.watch_likes('likes');
SELECT t, found(t) FROM unnest('{users,posts,likes}'::text[]) AS t;
SELECT herald.watch_likes('likes', actor => 'tenant_id, user_id', subject => 'post_id');
SELECT herald.watch_likes('likes', actor => 'user_id');
SELECT herald.watch_likes('likes', subject => 'post_id', subject_table => 'users');
-- without foreign keys
SELECT herald.watch_likes('unbound_likes');
SELECT herald.watch_likes('unbound_likes', actor => 'tenant_id, user_id');
SELECT herald.watch_likes('unbound_likes', actor => 'tenant_id, user_id', subject => 'post_id, tenant_id');
INSERT INTO users VALUES (1, 10, 'ana'), (1, 11, 'ben'), (2, 10, 'cleo');
INSERT INTO posts VALUES (1, 5, 10, 'A post'), (2, 5, 10, 'Another one');
INSERT INTO unbound_likes VALUES (1, 11, 5);
SELECT recipient_id, title, cause FROM herald.notification WHERE cause LIKE 'post:5,%';
SELECT herald.unwatch_all();

-- Partitioned posts have the time of the partition in their primary key: one column of it alone is the id, by a call.
DROP TABLE unbound_likes, likes, posts, users;
CREATE TABLE users (id int PRIMARY KEY, username text);
CREATE TABLE posts (id int, made_on date, user_id int REFERENCES users, parent_id int, parent_on date, body text,
	PRIMARY KEY (id, made_on), FOREIGN KEY (parent_id, parent_on) REFERENCES posts) PARTITION BY RANGE (made_on);
CREATE TABLE posts_2026 PARTITION OF posts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE likes (user_id int REFERENCES users, post_id int, post_made_on date,
	FOREIGN KEY (post_id, post_made_on) REFERENCES posts);
SELECT herald.watch_users('users');
SELECT herald.watch_likes('likes', subject => 'post_id');
SELECT herald.watch_posts('posts', key => 'id'), herald.watch_likes('likes');
SELECT t, found(t) FROM unnest('{posts,likes}'::text[]) AS t;
INSERT INTO users VALUES (1, 'ana'), (2, 'ben');
INSERT INTO posts VALUES (1, '2026-05-01', 1, NULL, NULL, 'A post'), (2, '2026-06-01', 2, 1, '2026-05-01', 'A reply');
INSERT INTO likes VALUES (2, 1, '2026-05-01');
SELECT recipient_id, title, cause FROM herald.notification WHERE recipient_id = '1' ORDER BY id;
SELECT herald.unwatch_all();

-- A part of a key to memberships may have the ids of users. Ids that are unique by themselves stand beside a tenant.
DROP TABLE likes, posts, users;
CREATE TABLE users (id int PRIMARY KEY, username text);
CREATE TABLE memberships (team_id int, user_id int REFERENCES users, PRIMARY KEY (team_id, user_id));
CREATE TABLE posts (id int PRIMARY KEY, team_id int, author_id int, body text,
	FOREIGN KEY (team_id, author_id) REFERENCES memberships);
SELECT herald.watch_users('users');
SELECT herald.watch_posts('posts', author => 'author_id');
SELECT herald.unwatch_all();
CREATE TABLE people (tenant_id int, id int, name text, PRIMARY KEY (tenant_id, id));
CREATE TABLE articles (tenant_id int, id int, author_id int, body text, PRIMARY KEY (tenant_id, id),
	FOREIGN KEY (tenant_id, author_id) REFERENCES people);
SELECT herald.watch_posts('articles', key => 'id', author => 'author_id');
SELECT herald.unwatch_all();
DROP SCHEMA composite CASCADE;
