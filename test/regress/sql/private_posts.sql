-- Posts that not everybody may see: the feeds, notifications, replies and mentions reach only users that may see them.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA pp;
CREATE TABLE pp.users (id int PRIMARY KEY, username text UNIQUE);
CREATE TABLE pp.posts (id int PRIMARY KEY, user_id int REFERENCES pp.users, content text,
	audience text NOT NULL DEFAULT 'public', featured boolean NOT NULL DEFAULT true, deleted_at timestamptz);
CREATE TABLE pp.audience (post_id int, user_id int, PRIMARY KEY (post_id, user_id));
CREATE TABLE pp.comments (id int PRIMARY KEY, user_id int REFERENCES pp.users, post_id int REFERENCES pp.posts,
	parent_id int REFERENCES pp.comments, content text);
CREATE TABLE pp.comment_likes (user_id int REFERENCES pp.users, comment_id int REFERENCES pp.comments);
CREATE TABLE pp.follows (follower_id int REFERENCES pp.users, followee_id int REFERENCES pp.users);
CREATE TABLE pp.blocks (blocker_id int REFERENCES pp.users, blocked_id int REFERENCES pp.users);
INSERT INTO pp.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cat'), (4, 'dan');
SELECT herald.watch_users('pp.users'), herald.watch_follows('pp.follows'), herald.watch_comments('pp.comments'),
       herald.watch_likes('pp.comment_likes'),
       herald.watch_posts('pp.posts', notify_followers => true,
                          visible => $$post.audience = 'public' OR viewer = post.user_id::text OR
		EXISTS (SELECT FROM pp.audience AS a WHERE a.post_id = post.id AND a.user_id::text = viewer)$$);
SET herald.enabled = off;
INSERT INTO pp.follows VALUES (2, 1), (3, 1), (4, 1);
RESET herald.enabled;
CREATE TABLE pp.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION pp.heard() RETURNS TABLE (event text, rooms text, content text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM pp.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE pp.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT r.name, (SELECT string_agg(room, ' ' ORDER BY room) FROM unnest(r.rooms) AS room),
	       coalesce(CAST(r.payload AS json) #>> '{post,content}', CAST(r.payload AS json) ->> 'title', r.payload)
	FROM read AS r
	WHERE r.name ~ '^(post|comment):|^notification:(new|restored|retracted)' ORDER BY r.id;
$$;

-- A follower hears of a post, by event and notification, if the post is visible to the follower.
INSERT INTO pp.audience VALUES (2, 2);
INSERT INTO pp.posts VALUES (1, 1, 'For all', 'public'), (2, 1, 'For ben', 'some'), (3, 1, 'For nobody', 'none');
SELECT * FROM pp.heard();
UPDATE pp.posts SET content = content || ', edited';
SELECT * FROM pp.heard();

-- Followers that may not see a post any more hear only that it is gone; those that may see it now hear of a new one.
UPDATE pp.posts SET audience = 'some', content = 'Secret' WHERE id = 1;
SELECT * FROM pp.heard();
UPDATE pp.posts SET audience = 'public', content = 'Open' WHERE id IN (1, 2);
SELECT * FROM pp.heard();
UPDATE pp.posts SET deleted_at = now() WHERE id = 2;
UPDATE pp.posts SET deleted_at = NULL WHERE id = 2;
DELETE FROM pp.posts;
SELECT * FROM pp.heard();

-- A reply, a mention and a like reach a user that may see the post.
TRUNCATE herald.notification;
INSERT INTO pp.posts VALUES (4, 1, 'Hello @ben and @cat', 'some');
INSERT INTO pp.audience VALUES (4, 2);
INSERT INTO pp.comments VALUES (1, 2, 4, NULL, 'From ben'), (2, 3, 4, NULL, 'From cat, who lost access');
INSERT INTO pp.comments VALUES (3, 1, 4, 1, 'A reply to ben'), (4, 1, 4, 2, 'A reply to cat');
INSERT INTO pp.comments VALUES (5, 1, 4, NULL, '@ben @cat');
INSERT INTO pp.comment_likes VALUES (1, 1), (1, 2);
SELECT recipient_id, title, content FROM herald.notification ORDER BY id;
SELECT count(*) FROM pp.heard();

-- in_feed narrows the feed further.
SELECT herald.watch_posts('pp.posts', notify_followers => true, in_feed => 'post.featured',
                          visible => $$post.audience = 'public' OR viewer = post.user_id::text$$);
TRUNCATE herald.notification;
INSERT INTO pp.posts VALUES (5, 1, 'Both', 'public', true), (6, 1, 'Not featured', 'public', false);
INSERT INTO pp.posts VALUES (7, 1, 'Not visible', 'none', true);
SELECT * FROM pp.heard();
UPDATE pp.posts SET featured = true WHERE id = 6;
SELECT * FROM pp.heard();
UPDATE pp.posts SET audience = 'public' WHERE id = 7;
SELECT * FROM pp.heard();

-- Followers with a block between them and the author hear nothing, also without "visible".
INSERT INTO pp.blocks VALUES (1, 2), (3, 1);
SELECT herald.watch_posts('pp.posts', notify_followers => true, visible => 'true', in_feed => 'true'),
       herald.watch_blocks('pp.blocks');
TRUNCATE herald.notification;
INSERT INTO pp.posts VALUES (8, 1, 'Hello @ben, @cat and @dan');
UPDATE pp.posts SET content = 'Bye @ben and @cat' WHERE id = 8;
SELECT * FROM pp.heard();
-- A block of oneself hides nothing.
INSERT INTO pp.blocks VALUES (1, 1);
SELECT herald.may_join('1', 'post:8');
SELECT herald.unwatch('pp.blocks');
INSERT INTO pp.posts VALUES (9, 1, 'In the feed again');
SELECT * FROM pp.heard();

-- A user whom a post mentions is told when it opens, once: by a draft that is published, and by an audience that grows.
ALTER TABLE pp.posts ADD published_at timestamptz;
INSERT INTO pp.users VALUES (5, 'eva');
TRUNCATE herald.notification;
SELECT herald.watch_posts('pp.posts', notify_followers => true, in_feed => 'post.published_at IS NOT NULL',
                          visible => $$viewer = post.user_id::text OR
		post.published_at IS NOT NULL AND (post.audience = 'public' OR viewer = '2')$$);
INSERT INTO pp.posts VALUES (10, 1, 'Draft for @ben, @eva and @ana', 'some');
SELECT recipient_id, title FROM herald.notification ORDER BY id;
UPDATE pp.posts SET published_at = now() WHERE id = 10;
SELECT recipient_id, title FROM herald.notification ORDER BY id;
UPDATE pp.posts SET audience = 'public' WHERE id = 10;
SELECT recipient_id, title FROM herald.notification ORDER BY recipient_id;
UPDATE pp.posts SET published_at = NULL WHERE id = 10;
UPDATE pp.posts SET published_at = now() WHERE id = 10;
SELECT recipient_id, title FROM herald.notification ORDER BY recipient_id;
-- Who could see it before is told of no update that leaves the mentions as they are, even without the notification.
DELETE FROM herald.notification;
UPDATE pp.posts SET featured = false WHERE id = 10;
SELECT recipient_id, title FROM herald.notification ORDER BY recipient_id;
UPDATE pp.posts SET content = 'Hello @eva' WHERE id = 10;
SELECT recipient_id, title FROM herald.notification ORDER BY recipient_id;

-- So are users whom a comment on it mentions, or replies to: once. Users that could see it before are told nothing.
CREATE TABLE pp.replies (id int PRIMARY KEY, user_id int REFERENCES pp.users, post_id int REFERENCES pp.posts,
	content text, deleted_at timestamptz);
SELECT herald.watch_comments('pp.replies', noun => 'reply');
INSERT INTO pp.posts (id, user_id, content, audience, published_at) VALUES (11, 1, 'For ben', 'some', now());
TRUNCATE herald.notification;
INSERT INTO pp.comments VALUES (20, 5, 11, NULL, 'Eva was here'), (21, 2, 11, 20, 'Hello @eva, @ben and @cat'),
	(22, 1, 11, 20, 'No mention');
INSERT INTO pp.replies VALUES (1, 2, 11, 'You too, @eva', NULL), (2, 2, 11, 'Removed, @eva', now());
CREATE TABLE pp.hearts (user_id int REFERENCES pp.users, off boolean,
	comment_id int REFERENCES pp.comments ON DELETE CASCADE);
SELECT herald.watch_likes('pp.hearts', active => 'off IS NOT TRUE');
INSERT INTO pp.hearts VALUES (1, NULL, 20), (2, NULL, 20), (3, true, 20), (1, NULL, 21), (5, NULL, 20);
CREATE VIEW pp.told AS SELECT recipient_id AS told, type, subject_type, subject_id, title, content, cause
	FROM herald.notification WHERE retracted_at IS NULL AND type <> 'comment' ORDER BY recipient_id, cause COLLATE "C";
SELECT * FROM pp.told;
UPDATE pp.posts SET featured = true WHERE id = 11;
SELECT count(*) FROM pp.told;
UPDATE pp.posts SET audience = 'public' WHERE id = 11;
SELECT * FROM pp.told;
INSERT INTO pp.comments VALUES (24, 2, 11, 20, 'To @eva, at once');
SELECT * FROM pp.told WHERE subject_id IN ('20', '24');
UPDATE pp.posts SET audience = 'some' WHERE id = 11;
UPDATE pp.posts SET audience = 'public' WHERE id = 11;
SELECT count(*) FROM pp.told;
DELETE FROM pp.hearts WHERE user_id = 2;
DELETE FROM pp.comments WHERE id = 21;
SELECT * FROM pp.told;
-- by publication, without "visible"
SELECT herald.watch_posts('pp.posts', visible => 'true', in_feed => 'true', ignore => '{audience,featured}');
INSERT INTO pp.posts VALUES (12, 1, 'Draft');
INSERT INTO pp.comments VALUES (23, 1, 12, NULL, 'What do you think, @cat?');
SELECT count(*) FROM pp.told WHERE told = '3';
UPDATE pp.posts SET published_at = now() WHERE id = 12;
SELECT * FROM pp.told WHERE told = '3';
-- The rules go with the comments, and with the posts.
SELECT rule FROM herald.watched WHERE rule LIKE '%opened%' ORDER BY 1;
SELECT herald.unwatch('pp.hearts');
SELECT rule FROM herald.watched WHERE rule LIKE 'like_opened%';
SELECT herald.watch_likes('pp.hearts', active => 'off IS NOT TRUE');
SELECT rule FROM herald.watched WHERE rule LIKE 'like_opened%';
DROP TABLE pp.hearts;
SELECT herald.maintain() IS NULL;
SELECT rule FROM herald.watched WHERE rule LIKE 'like_opened%';
SELECT herald.unwatch('pp.comments');
DROP TABLE pp.replies CASCADE;
SELECT herald.maintain() IS NULL;
SELECT rule FROM herald.watched WHERE rule LIKE '%opened%' ORDER BY 1;

SELECT herald.unwatch_all();
TRUNCATE herald.read_mark, herald.notification;
DROP SCHEMA pp CASCADE;
