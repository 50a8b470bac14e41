-- Errors of watch calls as a user reads them: each names the argument, its value, the reason and the remedy.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE ROLE regress_caller IN ROLE herald_watch;
CREATE ROLE regress_other_caller IN ROLE herald_watch;
CREATE SCHEMA shop AUTHORIZATION regress_caller;
CREATE TABLE shop.foreign_posts (id int PRIMARY KEY, user_id int);
ALTER TABLE shop.foreign_posts OWNER TO regress_other_caller;
SET ROLE regress_caller;
SET search_path = shop;
CREATE TYPE mood AS ENUM ('sad','happy');
CREATE TABLE users (id int PRIMARY KEY, username text NOT NULL, email text, no_mail boolean, born timestamptz);
CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, body text, mood mood,
	at timestamptz, n int);
CREATE TABLE likes (user_id int REFERENCES users, post_id int REFERENCES posts);
CREATE TABLE comments (id int PRIMARY KEY, user_id int REFERENCES users, post_id int REFERENCES posts,
	body text, thing_type text, thing_id int);
CREATE TABLE follows (follower_id int REFERENCES users, followee_id int REFERENCES users, status text);
CREATE TABLE members (conversation_id int, user_id int REFERENCES users, joined timestamptz, last_seen int);
CREATE TABLE messages (id int PRIMARY KEY, conversation_id int, sender_id int REFERENCES users, body text);
CREATE TABLE blocks (blocker_id int, blocked_id int);
CREATE TABLE keyless (a int, user_id int, body text);
CREATE VIEW v AS SELECT * FROM posts;
CREATE TEMP TABLE t (id int PRIMARY KEY, user_id int);

-- Posts
SELECT herald.watch_posts(NULL);
SELECT herald.watch_posts('nothing');
SELECT herald.watch_posts('v');
SELECT herald.watch_posts('t');
SELECT herald.watch_posts('foreign_posts');
SELECT herald.watch_posts('keyless', author => 'user_id');
SELECT herald.watch_posts('herald.notification');
SELECT herald.watch_posts('posts', author => 'usr_id');
SELECT herald.watch_posts('posts', author => '');
SELECT herald.watch_posts('posts', author => 'username');
SELECT herald.watch_posts('posts', key => 'nokey');
SELECT herald.watch_posts('posts', body => 'nobody');
SELECT herald.watch_posts('posts', deleted_at => 'mood');
SELECT herald.watch_posts('posts', deleted_at => 'gone');
SELECT herald.watch_posts('posts', status => 'at');
SELECT herald.watch_posts('posts', status => 'mood', published => 'calm');
SELECT herald.watch_posts('posts', status => 'nix');
SELECT herald.watch_posts('posts', published_at => 'n');
SELECT herald.watch_posts('posts', published_at => 'nix');
SELECT herald.watch_posts('posts', visible => 'post.nobody = viewer');
SELECT herald.watch_posts('posts', visible => 'may_see(viewer, post)');
SELECT herald.watch_posts('posts', visible => 'post.user_id = viewer');
SELECT herald.watch_posts('posts', visible => 'post.user_id');
SELECT herald.watch_posts('posts', visible => '(');
SELECT herald.watch_posts('posts', visible => '');
SELECT herald.watch_posts('posts', in_feed => 'nix');
SELECT herald.watch_posts('posts', active => 'nix');
SELECT herald.watch_posts('posts', active => 'n');
SELECT herald.watch_posts('posts', active => 'at < clock_timestamp()');
SELECT herald.watch_posts('posts', ignore => '{nix}');
SELECT herald.watch_posts('posts', ignore => NULL);
SELECT herald.watch_posts('posts', payload_columns => '{nix}');
SELECT herald.watch_posts('posts', noun => 'User');
SELECT herald.watch_posts('posts', on_error => 'ignore');
SELECT herald.watch_posts('posts', zone => 'CEST');
SELECT herald.watch_posts('posts', schemas => NULL);
SELECT herald.watch_posts('posts', parent => 'nix');
SELECT herald.watch_posts('posts', follower_limit => -1);
SELECT herald.watch_posts('posts', follower_limit => NULL);
SELECT herald.watch_posts('posts', schemas => NULL, visible => 'true');
SELECT herald.watch_posts('posts', notify_followers => true, follower_limit => -1);
SELECT herald.watch_posts('posts', notify_followers => true, follower_limit => NULL);
SELECT herald.watch_posts('posts', notify_followers => NULL);
SELECT herald.watch_posts('posts', body => 'user_id,body');
SELECT herald.watch_posts('posts', body => 'n');
SELECT herald.watch_posts('posts', deleted_at => 'at,n');

-- Users
SELECT herald.watch_users('users', name => 'nix');
SELECT herald.watch_users('users', handle => 'nix');
SELECT herald.watch_users('users', handle => 'born');
SELECT herald.watch_users('users', notifications_enabled => 'no_mail');
SELECT herald.watch_users('users', notifications_enabled => 'born');
SELECT herald.watch_users('users', active => 'exists (select from nix)');

-- Likes
SELECT herald.watch_likes('likes', actor => 'post_id', subject => 'post_id');
SELECT herald.watch_likes('likes', subject => 'user_id');
SELECT herald.watch_likes('likes', subject_table => 'users');
SELECT herald.watch_likes('likes', kind => 'nix');
SELECT herald.watch_likes('likes', subject_table => 'foreign_posts');
SELECT herald.watch_likes('users');
-- A foreign key contradicts what a call says.
SELECT herald.watch_likes('likes', subject => 'post_id', subject_table => 'users');
SELECT herald.watch_likes('likes', actor => 'post_id', subject => 'user_id');
SELECT herald.watch_comments('comments', subject => 'post_id', subject_table => 'users');
SELECT herald.watch_comments('comments', subject => 'post_id', subject_type => 'thing_type',
	subject_tables => '{"Post": "posts", "User": "users"}');
SELECT herald.watch_comments('comments', author => 'post_id', subject => 'thing_id');
SELECT herald.watch_comments('comments', parent => 'post_id', subject => 'thing_id', subject_table => 'posts');
SELECT herald.watch_follows('likes', follower => 'user_id', followee => 'post_id');
SELECT herald.watch_messages('messages', conversation => 'sender_id', sender => 'conversation_id');
SELECT herald.watch_messages('comments', sender => 'user_id', receiver => 'post_id');
SELECT herald.watch_members('members', last_read => 'user_id');
SELECT herald.watch_blocks('likes', blocker => 'user_id', blocked => 'post_id');
-- Tables with the same ids do not contradict: notes that are posts. Nor do rows that are said to be users.
CREATE TABLE notes (id int PRIMARY KEY REFERENCES posts, user_id int REFERENCES users, body text);
SELECT herald.watch_likes('likes', subject => 'post_id', subject_table => 'notes');
SELECT herald.watch_users('posts', name => 'body');
SELECT herald.watch_posts('notes', author => 'id');
SELECT herald.unwatch('likes'), herald.unwatch('posts'), herald.unwatch('notes');
DROP TABLE notes;

-- Comments
SELECT herald.watch_comments('comments', subject_type => 'thing_type');
SELECT herald.watch_comments('comments', subject_tables => '{"Post": "posts"}');
SELECT herald.watch_comments('comments', subject_type => 'nix', subject_tables => '{"Post": "posts"}',
	subject => 'thing_id');
SELECT herald.watch_comments('comments', subject_type => 'thing_type', subject_tables => '{"Post": "nix"}',
	subject => 'thing_id');
SELECT herald.watch_comments('comments', subject_type => 'thing_type', subject_tables => '{"Post": "a b"}',
	subject => 'thing_id');
SELECT herald.watch_comments('comments', subject_type => 'thing_type', subject_tables => '{"Post": null}',
	subject => 'thing_id');
SELECT herald.watch_comments('comments', subject_type => 'thing_type', subject_tables => '{"Post": ["posts"]}',
	subject => 'thing_id');
SELECT herald.watch_comments('comments', subject_type => 'thing_type', subject_tables => '["posts"]',
	subject => 'thing_id');
SELECT herald.watch_comments('comments', subject_type => 'thing_type', subject_tables => '{"Post": "v"}',
	subject => 'thing_id');
SELECT herald.watch_comments('comments', subject_type => 'thing_type', subject_tables => '{"Post": "keyless"}',
	subject => 'thing_id');
SELECT herald.watch_comments('comments', subject_type => 'thing_type',
	subject_tables => '{"Post": "foreign_posts"}', subject => 'thing_id');
SELECT herald.watch_comments('comments', subject_table => 'keyless', subject => 'thing_id');
SELECT herald.watch_comments('comments', subject_table => 'v', subject => 'thing_id');
SELECT herald.watch_comments('posts');

-- Follows, members, messages and blocks
SELECT herald.watch_follows('follows', follower => 'followee_id', followee => 'followee_id');
SELECT herald.watch_follows('follows', status => 'status', accepted => NULL);
SELECT herald.watch_follows('follows', mutual => NULL, ignore => '{status}');
SELECT herald.watch_members('members', last_read => 'nix');
SELECT herald.watch_members('members', conversation => 'user_id');
SELECT herald.watch_messages('messages', writable => 'sender_id');
SELECT herald.watch_messages('messages', max_length => -1);
SELECT herald.watch_messages('messages', max_length => NULL);
SELECT herald.watch_messages('messages', ack => 'nix');
SELECT herald.watch_messages('messages', sendable => NULL);
SELECT herald.watch_messages('messages', receiver => 'sender_id');
SELECT herald.watch_blocks('blocks', blocker => 'nix');
SELECT herald.watch_blocks('blocks', active => 'nix()');

-- Rules
SELECT herald.watch('posts', NULL);
SELECT herald.watch('posts', '', recipient => 'new.user_id');
SELECT herald.watch('posts', 'r');
SELECT herald.watch('posts', 'r', operations => '{}', recipient => '1');
SELECT herald.watch('posts', 'r', operations => NULL, recipient => '1');
SELECT herald.watch('posts', 'r', operations => '{truncate}', recipient => '1');
SELECT herald.watch('posts', 'r', operations => '{INSERT}', recipient => '1');
SELECT herald.watch('posts', 'r', recipient => 'new.nix');
SELECT herald.watch('posts', 'r', recipient => 'SELECT f.user_id FROM foreign_posts AS f');
SELECT herald.watch('posts', 'r', recipient => 'new.user_id', title => 'x {nix}');
SELECT herald.watch('posts', 'r', recipient => 'new.user_id', content => 'x {new.nix:40}');
SELECT herald.watch('posts', 'r', recipient => 'new.user_id', title => 'x {actor');
SELECT herald.watch('posts', 'r', recipient => 'new.user_id', title => 'x {body:abc}');
SELECT herald.watch('posts', 'r', recipient => 'new.user_id', condition => 'new.n');
SELECT herald.watch('posts', 'r', recipient => 'new.user_id', condition => NULL);
SELECT herald.watch('posts', 'r', recipient => 'new.user_id', data => 'new.n');
SELECT herald.watch('posts', 'r', recipient => 'new.user_id', data => 'new.at');
SELECT herald.watch('posts', 'r', recipient => 'new.user_id', type => '');
SELECT herald.watch('posts', 'r', recipient => 'new.user_id', subject => 'ticket');
SELECT herald.watch('posts', 'r', recipient => 'new.user_id', subject => 'ticket:{nix}');
SELECT herald.watch('posts', 'r', recipient => 'new.user_id', actor => 'nix');
SELECT herald.watch('posts', 'r', recipient => 'new.user_id', joins => 'JOIN nix ON true');
SELECT herald.watch('posts', 'r', event => 'x');
SELECT herald.watch('posts', 'r', event => 'notification:new', room => 'post:{id}');
SELECT herald.watch('posts', 'r', event => 'a:b', room => 'post:{nix}');
SELECT herald.watch('posts', 'r', event => 'a:b', room => '');
SELECT herald.watch('posts', 'r', event => 'a:b', room => '*');
SELECT herald.watch('posts', 'r', event => 'a:b', room => 'p:{id}', payload => 'new.nix');
SELECT herald.watch('posts', 'r', event => 'a:b', room => 'p:{id}', payload => 'new.n');
SELECT herald.watch('posts', 'r', event => 'a:b', room => 'p:{id}', ack => 'nix');
SELECT herald.watch('posts', 'r', event => 'a:b', room => 'p:{id}', key => 'nix');
SELECT herald.watch('posts', 'r', event => 'a:b', room => 'p:{id}', active => 'new.n > 1');
SELECT herald.watch('posts', 'r', event => 'a:b', room => 'p:{id}', cause => 'x:{nix}', recipient => '1');
SELECT herald.watch('posts', 'r', recheck_room => 'p:{nix}');
SELECT herald.watch('posts', 'r', recipient => '1', on_error => NULL);
SELECT herald.watch('posts', 'r', recipient => '1', zone => NULL);
SELECT herald.watch('posts', 'r', recipient => '1', zone => 'Mars');

-- Other calls, and plans
SELECT herald.unwatch(NULL);
SELECT herald.unwatch('foreign_posts');
SELECT * FROM herald.plan_watch('watch_post', 'posts');
SELECT * FROM herald.plan_watch(NULL, 'posts');
SELECT * FROM herald.plan_watch('watch_posts', NULL);
SELECT * FROM herald.plan_watch('watch_posts', 'posts', '[]');
SELECT * FROM herald.plan_watch('watch_posts', 'posts', '{"autor": "x"}');
SELECT * FROM herald.plan_watch('watch_posts', 'posts', '{"follower_limit": "many"}');
SELECT * FROM herald.plan_watch('watch_posts', 'posts', '{"author": "nix"}');
SELECT * FROM herald.plan_watch('watch_posts', 'foreign_posts');

-- No call has watched anything.
SELECT relation, kind FROM herald_internal.watched_table AS w
JOIN pg_class AS c ON c.oid = w.relation AND c.relnamespace = 'shop'::regnamespace;
SELECT count(*) AS rules FROM herald_internal.rule AS r JOIN pg_class AS c ON c.oid = r.relation AND
	c.relnamespace = 'shop'::regnamespace;
DROP TABLE pg_temp.t;
RESET ROLE;
RESET search_path;
DROP SCHEMA shop CASCADE;
DROP ROLE regress_caller, regress_other_caller;
