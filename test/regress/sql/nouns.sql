-- Several tables of posts and of comments, with ids that overlap: rooms, causes and events of their own.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA two;
CREATE TABLE two.users (id int PRIMARY KEY, username text);
CREATE TABLE two.articles (id int PRIMARY KEY, user_id int REFERENCES two.users, body text);
CREATE TABLE two.questions (id int PRIMARY KEY, user_id int REFERENCES two.users, body text,
	private boolean DEFAULT false);
CREATE TABLE two.article_likes (user_id int REFERENCES two.users, article_id int REFERENCES two.articles);
CREATE TABLE two.question_likes (user_id int REFERENCES two.users, question_id int REFERENCES two.questions);
CREATE TABLE two.article_comments (id int PRIMARY KEY, user_id int REFERENCES two.users,
	article_id int REFERENCES two.articles, parent_id int REFERENCES two.article_comments, body text);
CREATE TABLE two.answers (id int PRIMARY KEY, user_id int REFERENCES two.users,
	question_id int REFERENCES two.questions, parent_id int REFERENCES two.answers, body text);
CREATE TABLE two.answer_likes (user_id int REFERENCES two.users, answer_id int REFERENCES two.answers);
CREATE TABLE two.follows (follower_id int REFERENCES two.users, followee_id int REFERENCES two.users);
INSERT INTO two.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
SET client_min_messages = notice;
SELECT herald.watch_users('two.users');
SELECT herald.watch_posts('two.articles');
SELECT herald.watch_posts('two.questions', notify_followers => true,
                          visible => 'NOT post.private OR post.user_id::text = viewer');
SELECT herald.watch_posts('two.articles');
SELECT herald.watch_likes('two.article_likes'), herald.watch_likes('two.question_likes');
SELECT herald.watch_comments('two.article_comments');
SELECT herald.watch_comments('two.answers');
SELECT herald.watch_likes('two.answer_likes'), herald.watch_follows('two.follows');
SET client_min_messages = warning;
CREATE TABLE two.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION two.heard() RETURNS TABLE (rooms text, event text, payload jsonb) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM two.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE two.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT coalesce(nullif(array_to_string(r.rooms, ' '), ''), r.recheck_room), coalesce(r.access, r.name),
	       r.payload::jsonb - '{timestamp,content,parentId,username,authorName,userId,authorId}'::text[]
	FROM read AS r WHERE r.name !~ '^notification';
$$;
CREATE VIEW two.told AS
	SELECT recipient_id AS told, title, subject_type || ' ' || subject_id AS subject, cause, data
	FROM herald.notification WHERE retracted_at IS NULL ORDER BY id;
TRUNCATE herald.notification;

INSERT INTO two.follows VALUES (3, 1);
INSERT INTO two.articles VALUES (1, 1, 'an article');
INSERT INTO two.questions VALUES (1, 1, 'a private question', true);
SELECT * FROM two.heard();
INSERT INTO two.article_likes VALUES (2, 1);
INSERT INTO two.question_likes VALUES (2, 1);
INSERT INTO two.article_comments VALUES (1, 2, 1, NULL, 'nice');
INSERT INTO two.answers VALUES (1, 3, 1, NULL, 'yes');
INSERT INTO two.answers VALUES (2, 1, 1, 1, 'thanks @cleo');
INSERT INTO two.answer_likes VALUES (2, 1);
SELECT * FROM two.heard();
SELECT * FROM two.told;
SELECT r AS room, herald.may_join('1', r) AS ana, herald.may_join('3', r) AS cleo
FROM unnest('{post:1,question:1,comment:1,answer:1}'::text[]) AS r;
UPDATE two.questions SET private = false;
SELECT * FROM two.heard();
SELECT * FROM two.told WHERE cause LIKE 'question:%';

-- What goes with a question is not that of the article with the same id.
DELETE FROM two.answer_likes;
DELETE FROM two.answers WHERE id = 2;
DELETE FROM two.answers;
DELETE FROM two.question_likes;
DELETE FROM two.questions;
SELECT * FROM two.told;
SELECT rooms, event FROM two.heard();

-- A call can choose the word.
SELECT herald.watch_posts('two.articles', noun => 'story');
INSERT INTO two.articles VALUES (2, 1, 'a story');
SELECT * FROM two.heard();
SELECT herald.watch_posts('two.articles');
SELECT arguments ->> 'noun' AS noun FROM herald_internal.watched_table WHERE relation = 'two.articles'::regclass;
\set SHOW_CONTEXT never
SELECT herald.watch_posts('two.articles', noun => 'user');
SELECT herald.watch_posts('two.articles', noun => 'a:b');

SELECT count(herald.unwatch(relation)) FROM (SELECT DISTINCT relation FROM herald_internal.watched_table
                                             WHERE relation::text LIKE 'two.%') AS w;
DROP SCHEMA two CASCADE;
