-- Without foreign keys the name of a column says which table it refers to. An argument that says another one is
-- refused, and no hint shows it again.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE SCHEMA contradiction;
SET search_path = contradiction;
CREATE TABLE users (id int PRIMARY KEY, username text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int, body text);
CREATE TABLE forum_topics (id int PRIMARY KEY, user_id int, body text);
CREATE TABLE likes (user_id int, post_id int);
CREATE TABLE topic_votes (user_id int, topic_id int);
CREATE TABLE comments (id int PRIMARY KEY, user_id int, post_id int, thing_id int, body text);
CREATE TABLE follows (user_id int, post_id int, other_id int);
CREATE TABLE messages (id int PRIMARY KEY, user_id int, post_id int, reader_id int, room_id int, body text);
CREATE TABLE members (user_id int, post_id int, room_id int, last_user_id int);

-- before any table is watched: the names of the tables say it
SELECT herald.watch_likes('likes', actor => 'post_id', subject => 'user_id');
SELECT herald.watch_follows('follows', follower => 'user_id', followee => 'post_id');
SELECT herald.watch_blocks('follows', blocker => 'post_id', blocked => 'other_id');
SELECT herald.watch_members('members', conversation => 'user_id', member => 'post_id');
SELECT herald.watch_messages('messages', receiver => 'post_id', sender => 'user_id');
SELECT herald.watch_posts('posts', author => 'id', parent => 'user_id');

SELECT herald.watch_users('users'), herald.watch_posts('posts');
-- The hint names the table that the column names.
SELECT herald.watch_likes('likes', subject_table => 'users');
SELECT herald.watch_comments('comments', subject_table => 'users');
SELECT herald.watch_likes('topic_votes', subject_table => 'users');
-- The arguments of the hints as they were
SELECT herald.watch_likes('likes', subject => 'post_id', subject_table => 'users');
SELECT herald.watch_comments('comments', subject => 'post_id', subject_table => 'users');
SELECT herald.watch_comments('comments', subject => 'user_id', author => 'thing_id', subject_table => 'posts');
-- A table that is not watched, or a name that is only similar, draws a warning.
SELECT herald.watch_likes('topic_votes', subject => 'topic_id', subject_table => 'posts');
SELECT herald.unwatch('topic_votes');
-- other roles
SELECT herald.watch_comments('comments', author => 'post_id', subject => 'thing_id');
SELECT herald.watch_comments('comments', parent => 'post_id', subject => 'thing_id', subject_table => 'posts');
SELECT herald.watch_comments('comments', parent => 'user_id');
SELECT herald.watch_follows('follows', follower => 'post_id', followee => 'user_id');
SELECT herald.watch_messages('messages', sender => 'post_id', conversation => 'room_id');
SELECT herald.watch_messages('messages', receiver => 'post_id');
SELECT herald.watch_messages('messages', conversation => 'user_id', sender => 'reader_id');
SELECT herald.watch_members('members', conversation => 'room_id', member => 'post_id');
SELECT herald.watch_members('members', conversation => 'user_id', member => 'room_id');

-- Names that say nothing, and those of the role, can be passed; a foreign key says more than a name.
SELECT herald.watch_comments('comments', subject => 'thing_id', subject_table => 'posts');
CREATE TABLE posters (id int PRIMARY KEY);
CREATE TABLE notes (id int PRIMARY KEY, poster_id int, note_text text);
SELECT herald.watch_posts('notes', author => 'poster_id', noun => 'note');
ALTER TABLE likes ADD FOREIGN KEY (post_id) REFERENCES users;
SELECT herald.watch_likes('likes', subject => 'post_id', subject_table => 'users');
CREATE TABLE articles (post_id int PRIMARY KEY, user_id int, body text);
CREATE TABLE article_likes (user_id int, post_id int);
SELECT herald.watch_posts('articles', noun => 'article');
SELECT herald.watch_likes('article_likes', subject => 'post_id', subject_table => 'articles');
INSERT INTO users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
INSERT INTO posts VALUES (1, 2, 'A post');
INSERT INTO articles VALUES (1, 3, 'An article');
INSERT INTO article_likes VALUES (2, 1);
SELECT recipient_id, title, cause FROM herald.notification;

-- A hint without values shows no call that could be pasted, and three dots are no value.
SET client_min_messages = notice;
CREATE TABLE letters (id int PRIMARY KEY, sender_id int, receiver_id int, body text, status text);
CREATE TABLE friends (user_id int, friend_id int, state text);
SELECT herald.watch_messages('letters');
SET client_min_messages = warning;
SELECT herald.watch_messages('letters', status => 'status', accepted => '...');
SELECT herald.watch_posts('notes', author => 'poster_id', noun => 'note', status => 'note_text', published => '...');
INSERT INTO friends VALUES (1, 2, 'yes'), (2, 3, 'no');
SELECT herald.watch_follows('friends', status => 'state', accepted => '...');
-- A status that rows begin with belongs to one of the lists.
ALTER TABLE friends ALTER state SET DEFAULT 'waiting';
SELECT herald.watch_follows('friends', status => 'state', accepted => 'yes', pending => 'no');
SELECT herald.watch_follows('friends', status => 'state', accepted => 'yes', pending => 'no,waiting');

-- Other users than the watched ones: the hint is a call that works.
CREATE TABLE firms (id int PRIMARY KEY, name text);
CREATE TABLE jobs (id int PRIMARY KEY, firm_id int REFERENCES firms, post_id int REFERENCES posts, body text);
SELECT herald.watch_posts('jobs', author => 'firm_id', noun => 'job');
SELECT herald.watch_posts('jobs', author => 'post_id', noun => 'job');
SELECT herald.watch_users('firms', same_as => 'contradiction.users');
SELECT herald.watch_posts('jobs', author => 'firm_id', noun => 'job');

SELECT herald.unwatch_all();
DROP SCHEMA contradiction CASCADE;
