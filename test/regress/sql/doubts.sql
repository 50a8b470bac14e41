-- A column by which a row may not count is named with an example that keeps its meaning, or it is an error.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
SET client_min_messages = notice;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE SCHEMA db;
CREATE TABLE db.users (id int PRIMARY KEY, username text NOT NULL UNIQUE);
CREATE TABLE db.posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES db.users, body text, is_draft boolean,
	scheduled_for timestamptz);
INSERT INTO db.users VALUES (1, 'ann'), (2, 'ben');

-- A time beside a boolean delays a post; without it, a post that is no draft is published at once.
SELECT herald.watch_users('db.users');
SELECT herald.watch_posts('db.posts');
SELECT herald.watch_posts('db.posts', published_at => 'is_draft, scheduled_for');
INSERT INTO db.posts VALUES (1, 1, '@ben draft', true, NULL), (2, 1, '@ben later', false, now() + interval '1 day'),
	(3, 1, '@ben at once', false, NULL), (4, 1, '@ben now', false, now() - interval '1 day');
SELECT recipient_id AS told, content FROM herald.notification ORDER BY id;

-- A like, a follow or a block: any boolean and any enum may say that it is none, whatever its name.
CREATE TYPE db.feeling AS ENUM ('fine', 'awful');
CREATE TABLE db.likes (user_id int REFERENCES db.users, post_id int REFERENCES db.posts, up boolean, odd boolean,
	feeling db.feeling, weight int, seen boolean);
CREATE TABLE db.follows (follower_id int REFERENCES db.users, followed_id int REFERENCES db.users,
	unfollowed_at timestamptz, cancelled boolean);
CREATE TABLE db.blocks (blocker_id int REFERENCES db.users, blocked_id int REFERENCES db.users, scope text,
	until timestamptz, lifted boolean);
SELECT herald.watch_likes('db.likes');
SELECT herald.watch_likes('db.likes', ignore => '{up,weight}');
SELECT herald.watch_likes('db.likes', ignore => '{odd,feeling,weight}');
SELECT herald.watch_likes('db.likes', ignore => '{up,feeling,weight}');
SELECT herald.watch_follows('db.follows');
SELECT herald.watch_follows('db.follows', ignore => '{unfollowed_at}');
SELECT herald.watch_blocks('db.blocks');
SELECT herald.watch_blocks('db.blocks', ignore => '{scope}');
SELECT herald.watch_blocks('db.blocks', ignore => '{scope,until}');

-- Who was banned, has declined or has not joined is no member; the time of a row that is always there says nothing.
CREATE TABLE db.members (group_id int, user_id int REFERENCES db.users, joined_at timestamptz DEFAULT now(),
	is_banned boolean);
CREATE TABLE db.invited (group_id int, user_id int REFERENCES db.users, joined_at timestamptz);
CREATE TABLE db.declined (group_id int, user_id int REFERENCES db.users, declined_at timestamptz);
SELECT herald.watch_members('db.members');
SELECT herald.watch_members('db.members', left_at => 'is_banned');
SELECT herald.watch_members('db.invited');
SELECT herald.watch_members('db.declined');

-- The numbers of a status say nothing: 0 may be a draft.
CREATE TABLE db.articles (id int PRIMARY KEY, user_id int REFERENCES db.users, body text, status int DEFAULT 0);
SELECT herald.watch_posts('db.articles', noun => 'article');
CREATE TABLE db.notes (id int PRIMARY KEY, user_id int REFERENCES db.users, body text, embargo_until timestamptz);
SELECT herald.watch_posts('db.notes', noun => 'note');
SELECT herald.unwatch_all();

-- Profiles with a key of their own: other tables have the ids of the users.
CREATE TABLE db.profiles (id int PRIMARY KEY, user_id int UNIQUE, username text);
CREATE TABLE db.cards (id int PRIMARY KEY, user_id int, username text);
CREATE TABLE db.owners (id int PRIMARY KEY, login_id int UNIQUE REFERENCES db.users, username text);
CREATE TABLE db.tweets (id int PRIMARY KEY, user_id int, body text);
INSERT INTO db.profiles VALUES (1, 2, 'ben'), (2, 1, 'ann');
SELECT herald.watch_users('db.profiles');
SELECT herald.watch_users('db.cards');
SELECT herald.watch_users('db.owners');
SELECT herald.watch_users('db.profiles', key => 'user_id');
SELECT herald.watch_posts('db.tweets');
INSERT INTO db.tweets VALUES (9, 1, 'hi @ben');
SELECT recipient_id AS told, title FROM herald.notification WHERE subject_id = '9';
-- It is sure if the key is that of the user, if other tables refer to it, or if users have an account: a tenant.
CREATE TABLE db.people (id int PRIMARY KEY REFERENCES db.users, user_id int UNIQUE, username text);
CREATE TABLE db.staff (id int PRIMARY KEY, user_id int UNIQUE, username text);
CREATE TABLE db.desks (staff_id int REFERENCES db.staff);
CREATE TABLE db.agents (id int PRIMARY KEY, account_id int, username text);
SELECT herald.unwatch_all();
SELECT herald.watch_users('db.people');
SELECT herald.unwatch_all();
SELECT herald.watch_users('db.staff');
SELECT herald.unwatch_all();
SELECT herald.watch_users('db.agents');
SELECT herald.unwatch_all();
SET client_min_messages = warning;
DROP SCHEMA db CASCADE;
TRUNCATE herald.notification;
