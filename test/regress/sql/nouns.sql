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

-- In any order: a table with the name of the usual noun keeps it free for itself, also before it is watched.
CREATE VIEW two.nouns AS
	SELECT relation, kind, coalesce(arguments ->> 'noun', herald_internal.usual_noun(kind)) AS noun
	FROM herald_internal.watched_table WHERE kind IN ('posts', 'comments') ORDER BY relation::text;
SELECT herald.unwatch_all();
CREATE TABLE two.posts (id int PRIMARY KEY, user_id int REFERENCES two.users, body text);
CREATE TABLE two.likes (user_id int REFERENCES two.users, post_id int REFERENCES two.posts);
CREATE TABLE two.comments (id int PRIMARY KEY, user_id int REFERENCES two.users,
	post_id int REFERENCES two.posts, parent_id int REFERENCES two.comments, body text);
SET client_min_messages = notice;
SELECT herald.watch_posts('two.articles'), herald.watch_posts('two.posts');
SET client_min_messages = warning;
SELECT herald.watch_users('two.users'),
	herald.watch_comments('two.answers', subject_table => 'two.questions'), herald.watch_comments('two.comments'),
	herald.watch_likes('two.article_likes'), herald.watch_likes('two.likes');
SELECT * FROM two.nouns;
INSERT INTO two.articles VALUES (101, 1, 'an article');
INSERT INTO two.posts VALUES (101, 1, 'a post');
INSERT INTO two.article_likes VALUES (2, 101);
INSERT INTO two.likes VALUES (2, 101);
SELECT * FROM two.told WHERE cause ~ ':101:';
DELETE FROM two.article_likes WHERE article_id = 101;
DELETE FROM two.articles WHERE id = 101;
SELECT * FROM two.told WHERE cause ~ ':101:';

-- The noun of another table is refused, also one of comments, of a given noun or of a subject that is not watched. The
-- call in the hint passes.
CREATE FUNCTION two.hinted(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE call;
	RETURN 'passes';
EXCEPTION WHEN duplicate_object THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN substring(hint FROM 'SELECT .*;');
END
$$;
SELECT herald.watch_posts('two.questions', noun => 'post');
SELECT herald.watch_posts('two.questions', noun => 'article');
SELECT herald.watch_posts('two.questions', noun => 'comment');
SELECT two.hinted($$SELECT herald.watch_posts('two.questions', noun => 'answer', visible => 'post.private')$$) AS hint
\gset
:hint
-- It is found without a look at the records for each of the words that it could have.
SET track_functions = 'all';
BEGIN;
CREATE FUNCTION two.looks() RETURNS bigint LANGUAGE sql AS $$
	SELECT sum(calls)::bigint FROM pg_stat_xact_user_functions WHERE funcname = 'watched_subjects';
$$;
SELECT coalesce(two.looks(), 0) AS before \gset
SELECT two.hinted($$SELECT herald.watch_posts('two.questions', noun => 'post')$$),
       two.looks() - :before BETWEEN 1 AND 3 AS looked;
COMMIT;
RESET track_functions;
CREATE SCHEMA "Two b";
CREATE TABLE "Two b".posts (id int PRIMARY KEY, user_id int REFERENCES two.users, body text);
CREATE TABLE "Two b".notes (id int PRIMARY KEY, user_id int REFERENCES two.users, body text);
CREATE TABLE "Two b"."blog posts" (id int PRIMARY KEY, user_id int REFERENCES two.users, body text);
CREATE TABLE "Two b"."Été" (id int PRIMARY KEY, user_id int REFERENCES two.users, body text);
CREATE TABLE "Two b".rooms (id int PRIMARY KEY, user_id int REFERENCES two.users, body text);
CREATE TABLE "Two b".note_likes (note_id int REFERENCES "Two b".notes, user_id int REFERENCES two.users);
SELECT herald.watch_posts('"Two b".posts');
SELECT two.hinted($$SELECT herald.watch_posts('"Two b".posts')$$) AS hint
\gset
:hint
SELECT herald.watch_posts('"Two b"."blog posts"');
SELECT two.hinted($$SELECT herald.watch_posts('"Two b"."Été"')$$) AS hint
\gset
:hint
SELECT two.hinted($$SELECT herald.watch_posts('"Two b".rooms')$$) AS hint
\gset
:hint
SELECT herald.watch_likes('"Two b".note_likes');
CREATE TABLE two.notes (id int PRIMARY KEY, user_id int REFERENCES two.users, body text);
CREATE TABLE two.note_likes (note_id int REFERENCES two.notes, user_id int REFERENCES two.users);
-- No hint has a call that would publish a table that is not watched.
SELECT herald.watch_likes('two.note_likes');
CREATE TABLE two.photos (id int PRIMARY KEY, user_id int REFERENCES two.users);
CREATE TABLE two.photo_likes (photo_id int REFERENCES two.photos, user_id int REFERENCES two.users);
SELECT herald.watch_likes('two.photo_likes');
ALTER TABLE two.photos RENAME TO post;
SELECT herald.watch_likes('two.photo_likes');
SELECT herald.unwatch('two.photo_likes');
DROP TABLE two.photo_likes, two.post;
SELECT two.hinted($$SELECT herald.watch_posts('two.notes')$$) AS hint
\gset
:hint
SELECT herald.watch_likes('two.note_likes');
SELECT * FROM two.nouns;

-- A table keeps its noun. The doctor's calls restore it, also for a table that was made anew.
SELECT herald.watch_posts('"Two b".posts'), herald.watch_posts('"Two b"."Été"');
SELECT herald_internal.watch_call('"Two b".posts', 'posts');
ALTER TABLE two.articles RENAME TO old_articles;
CREATE TABLE two.articles (id int PRIMARY KEY, user_id int REFERENCES two.users, body text);
SELECT remedy FROM herald.doctor() WHERE problem = 'table_replaced';
SELECT herald.watch_posts('two.articles');
SELECT * FROM two.nouns;
-- Children have the noun of their parent, whose rules run for their rows, too.
CREATE TABLE two.old_posts () INHERITS (two.posts);
SELECT herald.watch_posts('two.old_posts', key => 'id');
-- After its table has gone, a noun is free; a subject that loses its own is told.
DROP TABLE two.note_likes, two.notes;
SELECT herald.watch_posts('"Two b".notes', noun => 'two_note');
SELECT herald.unwatch('two.posts'), herald.unwatch('two.likes'), herald.unwatch('two.old_posts');
SELECT herald.watch_posts('two.questions', noun => 'post', visible => 'post.private');
SELECT herald.watch_likes('two.likes');
SELECT item, name, value, reason FROM herald.plan_watch('watch_posts', 'two.posts', '{"noun": "entry"}')
WHERE item = 'noun';
SELECT item, name, value, reason FROM herald.plan_watch('watch_posts', '"Two b".posts') WHERE item = 'noun';
SELECT s FROM herald.suggest() AS s WHERE s ~ 'watch_posts';

-- What owners cannot see of each other, the database has once: rooms, and so nouns.
CREATE ROLE regress_noun_tenant IN ROLE herald_watch;
CREATE SCHEMA tenant AUTHORIZATION regress_noun_tenant;
SET ROLE regress_noun_tenant;
CREATE TABLE tenant.questions (id int PRIMARY KEY, user_id int, body text);
SELECT herald.watch_posts('tenant.questions');
SELECT herald.watch_posts('tenant.questions', noun => 'post');
RESET ROLE;

SELECT herald.unwatch_all();
DROP SCHEMA two, "Two b", tenant CASCADE;
DROP ROLE regress_noun_tenant;
TRUNCATE herald.notification;
