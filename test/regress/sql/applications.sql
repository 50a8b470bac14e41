-- Schemas as real applications have them: each call leads, by its hints, to one that tells the right users.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA apps;
-- Makes a call, and then the first one of its hint, until no hint shows another. Returns the last one.
CREATE FUNCTION apps.follow(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	FOR i IN 1 .. 6 LOOP
		hint := NULL;
		BEGIN
			SELECT m.hint INTO hint FROM herald_internal.dry_run(call, current_setting('search_path')) AS m
			WHERE m.hint LIKE '%SELECT herald.watch%' LIMIT 1;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
			IF hint !~ 'SELECT herald.watch' THEN
				RETURN SQLERRM;
			END IF;
		END;
		EXIT WHEN hint IS NULL;
		call := substring(hint FROM 'SELECT herald\.watch_[^;]*;');
	END LOOP;
	EXECUTE call;
	RETURN call;
END
$$;
CREATE VIEW apps.told AS
	SELECT recipient_id || ' <- ' || title FROM herald.notification WHERE retracted_at IS NULL ORDER BY id;

-- ----- a link aggregator: votes with a score, likes of comments that name the post as well, pending follows and bans
BEGIN;
TRUNCATE herald.notification;
CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL UNIQUE, banned boolean NOT NULL DEFAULT false,
	ban_expires timestamptz);
CREATE TABLE community (id int PRIMARY KEY);
CREATE TABLE post (id int PRIMARY KEY, name text, creator_id int NOT NULL REFERENCES person,
	community_id int NOT NULL REFERENCES community, removed boolean NOT NULL DEFAULT false,
	local boolean NOT NULL DEFAULT true);
CREATE TABLE comment (id int PRIMARY KEY, creator_id int NOT NULL REFERENCES person,
	post_id int NOT NULL REFERENCES post, content text, distinguished boolean NOT NULL DEFAULT false);
CREATE TABLE comment_like (person_id int REFERENCES person, comment_id int REFERENCES comment,
	post_id int REFERENCES post, score smallint NOT NULL);
CREATE TABLE person_follower (person_id int REFERENCES person, follower_id int REFERENCES person,
	pending boolean NOT NULL);
CREATE TABLE community_follower (community_id int REFERENCES community, person_id int REFERENCES person,
	pending boolean NOT NULL);
INSERT INTO person VALUES (1, 'ann'), (2, 'ben'), (3, 'cleo');
SELECT apps.follow($$SELECT herald.watch_users('person');$$);
SELECT apps.follow($$SELECT herald.watch_posts('post');$$);
SELECT apps.follow($$SELECT herald.watch_likes('comment_like');$$);   -- the comments are not watched yet
SELECT apps.follow($$SELECT herald.watch_comments('comment');$$);
SELECT apps.follow($$SELECT herald.watch_likes('comment_like');$$);
SELECT apps.follow($$SELECT herald.watch_follows('person_follower');$$);
SELECT apps.follow($$SELECT herald.watch_follows('community_follower');$$);
INSERT INTO community VALUES (1);
INSERT INTO community_follower VALUES (1, 2, false), (1, 3, true);
INSERT INTO post VALUES (7, 'Hello', 1, 1);
INSERT INTO comment VALUES (7, 2, 7, 'Yes');
INSERT INTO comment_like VALUES (1, 7, 7, 1), (3, 7, 7, -1);
INSERT INTO person_follower VALUES (1, 2, false), (1, 3, true);
TABLE apps.told;
SELECT u, herald.may_join(u::text, 'post:7') FROM generate_series(1, 3) AS u;
SELECT herald.unwatch_all();
ROLLBACK;

-- ----- a team chat: lower camel case that lost its words, no foreign keys, posts for the members of a channel
BEGIN;
TRUNCATE herald.notification;
CREATE TABLE users (id text PRIMARY KEY, username text UNIQUE NOT NULL, deleteat bigint);
CREATE TABLE channelmembers (channelid text, userid text, deleteat bigint, PRIMARY KEY (channelid, userid));
CREATE TABLE posts (id text PRIMARY KEY, userid text, channelid text, message text, deleteat bigint,
	hasreactions boolean);
CREATE TABLE reactions (userid text, postid text, emojiname text, deleteat bigint);
INSERT INTO users VALUES ('u1', 'ann', 0), ('u2', 'ben', 0), ('u3', 'cleo', 0), ('u4', 'dan', 9);
INSERT INTO channelmembers VALUES ('c1', 'u1', 0), ('c1', 'u2', 0), ('c1', 'u3', 9);
SELECT apps.follow($$SELECT herald.watch_users('users');$$);
SELECT apps.follow($$SELECT herald.watch_posts('posts');$$);
SELECT apps.follow($$SELECT herald.watch_likes('reactions');$$);
INSERT INTO posts VALUES ('p1', 'u1', 'c1', 'for @ben, not @cleo', 0);
INSERT INTO reactions VALUES ('u2', 'p1', 'smile', 0);
TABLE apps.told;
SELECT u, herald.may_join('u' || u, 'post:p1') FROM generate_series(1, 3) AS u;
UPDATE posts SET deleteat = 5;
TABLE apps.told;
SELECT herald.unwatch_all();
ROLLBACK;

-- ----- votes by a boolean and by a text, in communities of which some are private
BEGIN;
TRUNCATE herald.notification;
CREATE TABLE users (user_id int PRIMARY KEY, username text NOT NULL UNIQUE);
CREATE TABLE subreddits (subreddit_id int PRIMARY KEY, is_private boolean NOT NULL);
CREATE TABLE subscriptions (user_id int REFERENCES users, subreddit_id int REFERENCES subreddits);
CREATE TABLE submissions (submission_id int PRIMARY KEY, subreddit_id int NOT NULL REFERENCES subreddits,
	submitter_id int NOT NULL REFERENCES users, title text);
CREATE TABLE comments (comment_id int PRIMARY KEY, submission_id int NOT NULL REFERENCES submissions,
	parent_comment_id int REFERENCES comments, commenter_id int NOT NULL REFERENCES users, comment_text text);
CREATE TABLE submission_votes (user_id int REFERENCES users, submission_id int REFERENCES submissions,
	vote_is_upvote boolean NOT NULL, voted_at timestamptz DEFAULT now());
CREATE TABLE comment_votes (user_id int REFERENCES users, comment_id int REFERENCES comments,
	vote_type text CHECK (vote_type IN ('down', 'up')));
INSERT INTO users VALUES (1, 'ann'), (2, 'ben'), (3, 'cleo');
SELECT apps.follow($$SELECT herald.watch_users('users');$$);
SELECT apps.follow($$SELECT herald.watch_posts('submissions');$$);
SELECT apps.follow($$SELECT herald.watch_comments('comments');$$);
SELECT apps.follow($$SELECT herald.watch_likes('submission_votes');$$);
SELECT apps.follow($$SELECT herald.watch_likes('comment_votes');$$);
INSERT INTO subreddits VALUES (1, false), (2, true);
INSERT INTO subscriptions VALUES (2, 2);
INSERT INTO submissions VALUES (1, 1, 1, 'Open'), (2, 2, 1, 'Private');
INSERT INTO comments VALUES (1, 1, NULL, 2, 'Yes');
INSERT INTO submission_votes VALUES (2, 1, true), (3, 1, false);
INSERT INTO comment_votes VALUES (1, 1, 'up'), (3, 1, 'down');
TABLE apps.told;
SELECT p, u, herald.may_join(u::text, 'post:' || p) FROM generate_series(1, 2) AS p, generate_series(2, 3) AS u;
SELECT herald.unwatch_all();
ROLLBACK;

-- ----- Django's content types and Rails' polymorphic follows and votes
BEGIN;
TRUNCATE herald.notification;
CREATE TABLE users (id int PRIMARY KEY, username text NOT NULL UNIQUE);
CREATE TABLE django_content_type (id int PRIMARY KEY, app_label text NOT NULL, model text NOT NULL);
INSERT INTO django_content_type VALUES (7, 'blog', 'post'), (8, 'blog', 'comment'), (9, 'shop', 'item');
CREATE TABLE blog_post (id int PRIMARY KEY, author_id int REFERENCES users, content text);
CREATE TABLE blog_comment (id int PRIMARY KEY, author_id int REFERENCES users, post_id int REFERENCES blog_post,
	content text);
CREATE TABLE likes_like (id int PRIMARY KEY, object_id int, content_type_id int REFERENCES django_content_type,
	user_id int REFERENCES users);
CREATE TABLE follows (follower_type text, follower_id int, followable_type text, followable_id int);
CREATE TABLE votes (votable_type text, votable_id int, voter_type text, voter_id int, vote_flag boolean);
INSERT INTO users VALUES (1, 'ann'), (2, 'ben'), (3, 'cleo');
SELECT apps.follow($$SELECT herald.watch_users('users');$$);
SELECT apps.follow($$SELECT herald.watch_posts('blog_post');$$);
SELECT apps.follow($$SELECT herald.watch_comments('blog_comment');$$);
SELECT apps.follow($$SELECT herald.watch_likes('likes_like');$$);
SELECT apps.follow($$SELECT herald.watch_likes('likes_like', subject => 'object_id', subject_table => 'blog_post');$$);
SELECT apps.follow($$SELECT herald.watch_likes('likes_like');$$);
SELECT apps.follow($$SELECT herald.watch_follows('follows');$$);
SELECT apps.follow($$SELECT herald.watch_likes('votes');$$);
INSERT INTO blog_post VALUES (1, 1, 'Hello');
INSERT INTO blog_comment VALUES (1, 2, 1, 'Yes');
INSERT INTO likes_like VALUES (1, 1, 7, 2), (2, 1, 8, 3), (3, 1, 9, 3);
INSERT INTO follows VALUES ('User', 2, 'User', 1), ('User', 3, 'Post', 1), ('Company', 3, 'User', 1);
INSERT INTO votes VALUES ('BlogPost', 1, 'User', 3, true), ('BlogPost', 1, 'User', 2, false),
	('BlogPost', 1, 'Bot', 3, true);
TABLE apps.told;
SELECT herald.unwatch_all();
ROLLBACK;

-- ----- a tenant is no conversation, and a second kind of members would share the rooms of the first
BEGIN;
TRUNCATE herald.notification;
CREATE TABLE realm (id int PRIMARY KEY);
CREATE TABLE userprofile (id int PRIMARY KEY, realm_id int REFERENCES realm, full_name text NOT NULL);
CREATE TABLE recipient (id int PRIMARY KEY, type smallint);
CREATE TABLE message (id int PRIMARY KEY, realm_id int REFERENCES realm, sender_id int REFERENCES userprofile,
	recipient_id int REFERENCES recipient, content text, has_link boolean);
CREATE TABLE subscription (user_profile_id int REFERENCES userprofile, recipient_id int REFERENCES recipient,
	active boolean NOT NULL DEFAULT true);
CREATE TABLE reaction (user_profile_id int REFERENCES userprofile, message_id int REFERENCES message, emoji_name text,
	reaction_type text);
CREATE TABLE team_members (team_id int, user_id int REFERENCES userprofile);
INSERT INTO realm VALUES (1); INSERT INTO recipient VALUES (5, 2);
INSERT INTO userprofile VALUES (1, 1, 'ann'), (2, 1, 'ben'), (3, 1, 'cleo'), (4, 1, 'dan');
SELECT apps.follow($$SELECT herald.watch_users('userprofile');$$);
SELECT apps.follow($$SELECT herald.watch_messages('message');$$);
SELECT apps.follow($$SELECT herald.watch_members('subscription');$$);
SELECT apps.follow($$SELECT herald.watch_members('team_members');$$);
SELECT apps.follow($$SELECT herald.watch_likes('reaction');$$);
INSERT INTO subscription VALUES (1, 5, true), (2, 5, true), (3, 5, false);
INSERT INTO message VALUES (1, 1, 1, 5, 'Hello');
INSERT INTO reaction VALUES (2, 1, 'smile', 'unicode');
TABLE apps.told;
SELECT herald.unwatch_all();
ROLLBACK;

-- ----- a status column of requests: pending, accepted, rejected, and requested again
BEGIN;
TRUNCATE herald.notification;
CREATE TABLE users (id int PRIMARY KEY, username text NOT NULL UNIQUE);
CREATE TABLE followers (follower_id int REFERENCES users, following_id int REFERENCES users,
	status text DEFAULT 'pending' CHECK (status IN ('pending', 'accepted', 'rejected')));
INSERT INTO users VALUES (1, 'ann'), (2, 'ben'), (3, 'cleo');
SELECT apps.follow($$SELECT herald.watch_users('users');$$);
SELECT apps.follow($$SELECT herald.watch_follows('followers');$$);
INSERT INTO followers VALUES (2, 1), (3, 1);
TABLE apps.told;
SELECT herald.may_join('2', 'feed:1');
UPDATE followers SET status = CASE follower_id WHEN 2 THEN 'accepted' ELSE 'rejected' END;
TABLE apps.told;
SELECT herald.may_join('2', 'feed:1'), herald.may_join('3', 'feed:1');
UPDATE followers SET status = 'pending' WHERE follower_id = 3;
DELETE FROM followers WHERE follower_id = 2;
TABLE apps.told;
SELECT herald.unwatch_all();
ROLLBACK;

-- ----- a message for one user alone, scores of posts, states of a moderation, and switches for one kind only
BEGIN;
TRUNCATE herald.notification;
CREATE TABLE members (member_id int PRIMARY KEY, nickname text NOT NULL UNIQUE, kudos_notifications boolean);
CREATE TABLE matches (match_id int PRIMARY KEY, one int REFERENCES members, other int REFERENCES members);
CREATE TABLE photos (photo_id int PRIMARY KEY, member_id int REFERENCES members, caption text, score int,
	moderation_status text DEFAULT 'pending', deletion_date timestamptz);
CREATE TABLE kudos (photo_id int REFERENCES photos, member_id int REFERENCES members);
CREATE TABLE seats (match_id int REFERENCES matches, member_id int REFERENCES members);
CREATE TABLE messages (id int PRIMARY KEY, match_id int REFERENCES matches, sender_id int REFERENCES members, body text,
	ephemeral_to_id int REFERENCES members);
INSERT INTO members VALUES (1, 'ann'), (2, 'ben'), (3, 'cleo');
SELECT herald.suggest();
SELECT apps.follow($$SELECT herald.watch_users('members');$$);
SELECT apps.follow($$SELECT herald.watch_posts('photos');$$);
SELECT apps.follow($$SELECT herald.watch_likes('kudos');$$);
SELECT apps.follow($$SELECT herald.watch_members('seats');$$);
SELECT apps.follow($$SELECT herald.watch_messages('messages');$$);
INSERT INTO matches VALUES (1, 1, 2);
INSERT INTO seats VALUES (1, 1), (1, 2);
INSERT INTO messages VALUES (1, 1, 1, 'For both', NULL), (2, 1, 1, 'For myself', 1);
INSERT INTO photos VALUES (1, 1, 'Waits for @ben', 0);
TABLE apps.told;
UPDATE photos SET moderation_status = 'approved';
INSERT INTO kudos VALUES (1, 2);
TABLE apps.told;
UPDATE photos SET deletion_date = now();
TABLE apps.told;
SELECT herald.unwatch_all();
ROLLBACK;

DROP SCHEMA apps CASCADE;
TRUNCATE herald.notification;
