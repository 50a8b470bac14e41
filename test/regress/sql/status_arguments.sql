-- A value that a column cannot have is an error in each list of values; one that no row has yet is a warning.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA lists;
SET search_path = lists;
CREATE TYPE stage AS ENUM ('draft', 'live');
CREATE DOMAIN step AS text CHECK (VALUE IN ('asked', 'ok'));
CREATE TABLE users (id int PRIMARY KEY, username text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, body text, status stage);
CREATE TABLE articles (id int PRIMARY KEY, user_id int REFERENCES users, body text, status text);
CREATE TABLE follows (follower_id int REFERENCES users, followee_id int REFERENCES users,
	status text CHECK (status IN ('Pending', 'accepted')));
CREATE TABLE members (conversation_id int, user_id int REFERENCES users, status step);
CREATE TABLE messages (id int PRIMARY KEY, conversation_id int, sender_id int REFERENCES users, body text, status int);
SELECT herald.watch_users('users');
SELECT herald.watch_posts('posts', status => 'status', published => 'zorc');
SELECT herald.watch_posts('posts', status => 'status', published => 'live,zorc');
SELECT herald.watch_follows('follows', status => 'status', accepted => 'zorc');
SELECT herald.watch_follows('follows', status => 'status', accepted => 'accepted,zorc');
SELECT herald.watch_follows('follows', status => 'status', pending => 'pending,zorc,zork');
SELECT herald.watch_members('members', status => 'status', accepted => 'ok,zorc');
SELECT herald.watch_members('members', status => 'status', accepted => 'ok', pending => 'zorc');
SELECT herald.watch_messages('messages', status => 'status', accepted => '1,zorc');
-- Usual values and an empty list are no mistakes.
SELECT herald.watch_posts('posts', status => 'status', published => 'live,published');
SELECT herald.watch_follows('follows', status => 'status', accepted => 'ACCEPTED,active', pending => '');
SELECT herald.watch_members('members', status => 'status', accepted => 'ok', pending => 'asked');
SELECT herald.watch_messages('messages', status => 'status', accepted => '1,2', pending => '0');
-- Any text may come later.
INSERT INTO users VALUES (1, 'ana');
SELECT herald.watch_posts('articles', noun => 'article', status => 'status', published => 'zorc');
INSERT INTO articles VALUES (1, 1, 'Text', 'published');
SELECT herald.watch_posts('articles', noun => 'article', status => 'status', published => 'zorc');
SELECT DISTINCT relation, arguments ->> 'published' AS published, arguments ->> 'accepted' AS accepted,
       arguments ->> 'pending' AS pending
FROM herald_internal.watched_table WHERE arguments ? 'status' ORDER BY 1;
SELECT herald.unwatch_all();
DROP SCHEMA lists CASCADE;
