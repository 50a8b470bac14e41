-- herald.suggest() for schemas of real kinds of applications: sure calls run as they are; the others are comments.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SELECT herald.suggest();

-- ----- a forum, without foreign keys
BEGIN;
CREATE TABLE users (id serial PRIMARY KEY, username varchar(60) NOT NULL UNIQUE, name varchar, email varchar);
CREATE TABLE categories (id serial PRIMARY KEY, name varchar, user_id int);
CREATE TABLE topics (id serial PRIMARY KEY, title varchar NOT NULL, user_id int, category_id int,
	visible boolean NOT NULL DEFAULT true, deleted_at timestamp);
CREATE TABLE posts (id serial PRIMARY KEY, user_id int, topic_id int NOT NULL, post_number int NOT NULL,
	raw text NOT NULL, cooked text NOT NULL, reply_to_post_number int, deleted_at timestamp,
	hidden boolean NOT NULL DEFAULT false, post_type int NOT NULL DEFAULT 1);
CREATE TABLE post_actions (id serial PRIMARY KEY, post_id int NOT NULL, user_id int NOT NULL,
	post_action_type_id int NOT NULL, deleted_at timestamp);
CREATE TABLE user_actions (id serial PRIMARY KEY, action_type int NOT NULL, user_id int NOT NULL, target_post_id int);
CREATE TABLE ignored_users (id bigserial PRIMARY KEY, user_id int NOT NULL, ignored_user_id int NOT NULL,
	expiring_at timestamp);
CREATE TABLE group_users (id serial PRIMARY KEY, group_id int NOT NULL, user_id int NOT NULL);
CREATE TABLE user_chat_channel_memberships (id bigserial PRIMARY KEY, user_id int NOT NULL,
	chat_channel_id bigint NOT NULL, following boolean NOT NULL DEFAULT false,
	muted boolean NOT NULL DEFAULT false, last_read_message_id bigint);
CREATE TABLE chat_messages (id bigserial PRIMARY KEY, chat_channel_id bigint NOT NULL, user_id int,
	deleted_at timestamp, message text, thread_id bigint);
SELECT line FROM herald.suggest() AS line WHERE line ~ '^(-- )?SELECT';
SELECT line FROM herald.suggest() AS line WHERE line LIKE 'SELECT%' \gexec
SELECT kind, relation FROM herald_internal.watched_table ORDER BY 1, 2::text;
ROLLBACK;

-- ----- a microblog
BEGIN;
CREATE TABLE accounts (id bigserial PRIMARY KEY, username varchar NOT NULL, domain varchar,
	display_name varchar NOT NULL DEFAULT '', suspended_at timestamp);
CREATE TABLE users (id bigserial PRIMARY KEY, email varchar NOT NULL, encrypted_password varchar NOT NULL,
	account_id bigint NOT NULL REFERENCES accounts);
CREATE TABLE statuses (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts,
	text text NOT NULL, in_reply_to_id bigint REFERENCES statuses, reblog_of_id bigint REFERENCES statuses,
	visibility int NOT NULL DEFAULT 0, deleted_at timestamp);
CREATE TABLE favourites (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts,
	status_id bigint NOT NULL REFERENCES statuses);
CREATE TABLE bookmarks (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts,
	status_id bigint NOT NULL REFERENCES statuses);
CREATE TABLE follows (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts,
	target_account_id bigint NOT NULL REFERENCES accounts, notify boolean NOT NULL DEFAULT false);
CREATE TABLE follow_requests (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts,
	target_account_id bigint NOT NULL REFERENCES accounts);
CREATE TABLE blocks (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts,
	target_account_id bigint NOT NULL REFERENCES accounts);
CREATE TABLE mutes (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts,
	target_account_id bigint NOT NULL REFERENCES accounts, hide_notifications boolean NOT NULL DEFAULT true,
	expires_at timestamp);
SELECT line FROM herald.suggest() AS line WHERE line ~ '^(-- )?SELECT';
SELECT line FROM herald.suggest() AS line WHERE line LIKE 'SELECT%' \gexec
SELECT kind, relation FROM herald_internal.watched_table ORDER BY 1, 2::text;
ROLLBACK;

-- ----- a link aggregator
BEGIN;
CREATE TABLE person (id serial PRIMARY KEY, name varchar(255) NOT NULL UNIQUE, display_name varchar(255),
	banned boolean NOT NULL DEFAULT false);
CREATE TABLE local_user (id serial PRIMARY KEY, person_id int NOT NULL UNIQUE REFERENCES person,
	password_encrypted text NOT NULL, email text);
CREATE TABLE community (id serial PRIMARY KEY, name varchar NOT NULL);
CREATE TABLE post (id serial PRIMARY KEY, name varchar(200) NOT NULL, url varchar, body text,
	creator_id int NOT NULL REFERENCES person, community_id int NOT NULL REFERENCES community,
	removed boolean NOT NULL DEFAULT false, deleted boolean NOT NULL DEFAULT false);
CREATE TABLE comment (id serial PRIMARY KEY, creator_id int NOT NULL REFERENCES person,
	post_id int NOT NULL REFERENCES post, content text NOT NULL, removed boolean NOT NULL DEFAULT false,
	deleted boolean NOT NULL DEFAULT false, path text);
CREATE TABLE post_like (person_id int NOT NULL REFERENCES person, post_id int NOT NULL REFERENCES post,
	score smallint NOT NULL, PRIMARY KEY (person_id, post_id));
CREATE TABLE comment_like (person_id int NOT NULL REFERENCES person,
	comment_id int NOT NULL REFERENCES comment, post_id int NOT NULL REFERENCES post, score smallint NOT NULL,
	PRIMARY KEY (person_id, comment_id));
CREATE TABLE community_follower (community_id int REFERENCES community, person_id int REFERENCES person,
	PRIMARY KEY (community_id, person_id));
CREATE TABLE person_follower (person_id int REFERENCES person, follower_id int REFERENCES person,
	pending boolean NOT NULL, PRIMARY KEY (follower_id, person_id));
CREATE TABLE person_block (person_id int REFERENCES person, target_id int REFERENCES person,
	PRIMARY KEY (person_id, target_id));
CREATE TABLE community_block (person_id int REFERENCES person, community_id int REFERENCES community,
	PRIMARY KEY (person_id, community_id));
CREATE TABLE private_message (id serial PRIMARY KEY, creator_id int NOT NULL REFERENCES person,
	recipient_id int NOT NULL REFERENCES person, content text NOT NULL, deleted boolean NOT NULL DEFAULT false,
	read boolean NOT NULL DEFAULT false);
SELECT line FROM herald.suggest() AS line WHERE line ~ '^(-- )?SELECT';
SELECT line FROM herald.suggest() AS line WHERE line LIKE 'SELECT%' \gexec
SELECT kind, relation FROM herald_internal.watched_table ORDER BY 1, 2::text;
ROLLBACK;

-- ----- a support desk
BEGIN;
CREATE TABLE accounts (id serial PRIMARY KEY, name varchar NOT NULL);
CREATE TABLE users (id serial PRIMARY KEY, name varchar NOT NULL, display_name varchar, email varchar,
	message_signature text);
CREATE TABLE account_users (id bigserial PRIMARY KEY, account_id bigint, user_id bigint, role int DEFAULT 0);
CREATE TABLE contacts (id serial PRIMARY KEY, name varchar, account_id int NOT NULL);
CREATE TABLE conversations (id serial PRIMARY KEY, account_id int NOT NULL, status int NOT NULL DEFAULT 0,
	assignee_id int, contact_id bigint);
CREATE TABLE conversation_participants (id bigserial PRIMARY KEY, account_id bigint NOT NULL,
	user_id bigint NOT NULL, conversation_id bigint NOT NULL);
CREATE TABLE messages (id serial PRIMARY KEY, content text, account_id int NOT NULL,
	conversation_id int NOT NULL, message_type int NOT NULL, private boolean NOT NULL DEFAULT false,
	sender_type varchar, sender_id bigint, content_type int NOT NULL DEFAULT 0);
CREATE TABLE mentions (id bigserial PRIMARY KEY, user_id bigint NOT NULL, conversation_id bigint NOT NULL);
CREATE TABLE notes (id bigserial PRIMARY KEY, content text NOT NULL, account_id bigint NOT NULL,
	contact_id bigint NOT NULL, user_id bigint);
CREATE TABLE articles (id bigserial PRIMARY KEY, account_id int NOT NULL, title varchar, content text,
	status int, author_id bigint);
SELECT line FROM herald.suggest() AS line WHERE line ~ '^(-- )?SELECT';
SELECT line FROM herald.suggest() AS line WHERE line LIKE 'SELECT%' \gexec
SELECT kind, relation FROM herald_internal.watched_table ORDER BY 1, 2::text;
ROLLBACK;

-- ----- a team chat
BEGIN;
CREATE TABLE users (id varchar(26) PRIMARY KEY, createat bigint, deleteat bigint, username varchar(64) UNIQUE,
	nickname varchar(64), notifyprops jsonb);
CREATE TABLE teams (id varchar(26) PRIMARY KEY, name varchar(64));
CREATE TABLE teammembers (teamid varchar(26) NOT NULL, userid varchar(26) NOT NULL, deleteat bigint,
	PRIMARY KEY (teamid, userid));
CREATE TABLE channels (id varchar(26) PRIMARY KEY, teamid varchar(26), type varchar(1));
CREATE TABLE channelmembers (channelid varchar(26) NOT NULL, userid varchar(26) NOT NULL,
	PRIMARY KEY (channelid, userid));
CREATE TABLE posts (id varchar(26) PRIMARY KEY, userid varchar(26), channelid varchar(26), rootid varchar(26),
	message text, type varchar(26), deleteat bigint);
CREATE TABLE reactions (userid varchar(26) NOT NULL, postid varchar(26) NOT NULL,
	emojiname varchar(64) NOT NULL, deleteat bigint, PRIMARY KEY (postid, userid, emojiname));
SELECT line FROM herald.suggest() AS line WHERE line ~ '^(-- )?SELECT';
SELECT line FROM herald.suggest() AS line WHERE line LIKE 'SELECT%' \gexec
SELECT kind, relation FROM herald_internal.watched_table ORDER BY 1, 2::text;
ROLLBACK;

-- ----- Prisma
BEGIN;
CREATE TABLE "User" ("id" text PRIMARY KEY, "name" text, "email" text UNIQUE, "emailVerified" timestamp(3),
	"image" text);
CREATE TABLE "Account" ("id" text PRIMARY KEY, "userId" text NOT NULL REFERENCES "User",
	"provider" text NOT NULL, "access_token" text);
CREATE TABLE "Session" ("id" text PRIMARY KEY, "sessionToken" text NOT NULL,
	"userId" text NOT NULL REFERENCES "User");
CREATE TABLE "Post" ("id" text PRIMARY KEY, "content" text NOT NULL,
	"authorId" text NOT NULL REFERENCES "User", "createdAt" timestamp(3) NOT NULL DEFAULT now());
CREATE TABLE "Comment" ("id" text PRIMARY KEY, "content" text NOT NULL,
	"postId" text NOT NULL REFERENCES "Post", "authorId" text NOT NULL REFERENCES "User",
	"parentId" text REFERENCES "Comment");
CREATE TABLE "Like" ("userId" text NOT NULL REFERENCES "User", "postId" text NOT NULL REFERENCES "Post",
	PRIMARY KEY ("userId", "postId"));
CREATE TABLE "Follows" ("followerId" text NOT NULL REFERENCES "User",
	"followingId" text NOT NULL REFERENCES "User", PRIMARY KEY ("followerId", "followingId"));
CREATE TABLE "_PostToTag" ("A" text NOT NULL REFERENCES "Post", "B" text NOT NULL);
CREATE TABLE "_prisma_migrations" ("id" varchar(36) PRIMARY KEY, "checksum" varchar(64) NOT NULL);
SELECT line FROM herald.suggest() AS line WHERE line ~ '^(-- )?SELECT';
SELECT line FROM herald.suggest() AS line WHERE line LIKE 'SELECT%' \gexec
SELECT kind, relation FROM herald_internal.watched_table ORDER BY 1, 2::text;
ROLLBACK;

-- ----- Django
BEGIN;
CREATE TABLE auth_user (id serial PRIMARY KEY, password varchar(128) NOT NULL,
	username varchar(150) NOT NULL UNIQUE, first_name varchar(150) NOT NULL, is_active boolean NOT NULL);
CREATE TABLE auth_group (id serial PRIMARY KEY, name varchar(150) NOT NULL UNIQUE);
CREATE TABLE auth_user_groups (id bigserial PRIMARY KEY, user_id int NOT NULL REFERENCES auth_user,
	group_id int NOT NULL REFERENCES auth_group);
CREATE TABLE django_content_type (id serial PRIMARY KEY, app_label varchar(100) NOT NULL,
	model varchar(100) NOT NULL);
CREATE TABLE blog_post (id bigserial PRIMARY KEY, title varchar(200) NOT NULL, body text NOT NULL,
	author_id int NOT NULL REFERENCES auth_user);
CREATE TABLE blog_post_likes (id bigserial PRIMARY KEY, post_id bigint NOT NULL REFERENCES blog_post,
	user_id int NOT NULL REFERENCES auth_user);
CREATE TABLE blog_comment (id bigserial PRIMARY KEY, text text NOT NULL,
	author_id int NOT NULL REFERENCES auth_user, post_id bigint NOT NULL REFERENCES blog_post,
	parent_id bigint REFERENCES blog_comment);
CREATE TABLE accounts_follow (id bigserial PRIMARY KEY, follower_id int NOT NULL REFERENCES auth_user,
	following_id int NOT NULL REFERENCES auth_user);
CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL);
SELECT line FROM herald.suggest() AS line WHERE line ~ '^(-- )?SELECT';
SELECT line FROM herald.suggest() AS line WHERE line LIKE 'SELECT%' \gexec
SELECT kind, relation FROM herald_internal.watched_table ORDER BY 1, 2::text;
ROLLBACK;

-- ----- Supabase: users of another owner, profiles with their ids, and policies
BEGIN;
CREATE ROLE regress_auth_admin;
CREATE ROLE regress_supabase IN ROLE herald_watch;
CREATE SCHEMA auth AUTHORIZATION regress_auth_admin;
SET ROLE regress_auth_admin;
CREATE TABLE auth.users (id uuid PRIMARY KEY, email varchar, encrypted_password varchar);
GRANT USAGE ON SCHEMA auth TO regress_supabase; GRANT REFERENCES ON auth.users TO regress_supabase;
RESET ROLE;
CREATE SCHEMA app AUTHORIZATION regress_supabase;
SET ROLE regress_supabase;
CREATE TABLE app.profiles (id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE, username text UNIQUE,
	full_name text, avatar_url text);
CREATE TABLE app.posts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	user_id uuid NOT NULL REFERENCES auth.users, content text NOT NULL);
CREATE TABLE app.likes (user_id uuid NOT NULL REFERENCES app.profiles,
	post_id uuid NOT NULL REFERENCES app.posts, PRIMARY KEY (user_id, post_id));
CREATE TABLE app.rooms (id uuid PRIMARY KEY);
CREATE TABLE app.room_participants (room_id uuid NOT NULL REFERENCES app.rooms,
	profile_id uuid NOT NULL REFERENCES app.profiles, PRIMARY KEY (room_id, profile_id));
CREATE TABLE app.messages (id uuid PRIMARY KEY, room_id uuid NOT NULL REFERENCES app.rooms,
	profile_id uuid NOT NULL REFERENCES app.profiles, content text NOT NULL);
ALTER TABLE app.posts ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON app.posts FOR SELECT USING (true);
SELECT herald.suggest();
SELECT line FROM herald.suggest() AS line WHERE line LIKE 'SELECT%' \gexec
SELECT kind, relation FROM herald_internal.watched_table ORDER BY 1, 2::text;
SELECT herald.unwatch_all();
ALTER POLICY everybody ON app.posts USING (user_id::text = current_setting('request.jwt.claim.sub', true));
SELECT herald.suggest();
RESET ROLE;
ROLLBACK;

-- ----- a recipe site: users with a name of its own, and columns named after them
BEGIN;
CREATE TABLE cooks (id uuid PRIMARY KEY, nickname text NOT NULL);
CREATE TABLE recipes (id int PRIMARY KEY, cook_id uuid REFERENCES cooks, title text, is_published boolean);
CREATE TABLE recipe_comments (id int PRIMARY KEY, recipe_id int REFERENCES recipes, cook_id uuid REFERENCES cooks,
	body text);
CREATE TABLE cook_follows (follower uuid REFERENCES cooks, followed uuid REFERENCES cooks);
CREATE TABLE direct_messages (id bigint PRIMARY KEY, from_cook uuid REFERENCES cooks, to_cook uuid REFERENCES cooks,
	body text);
SELECT herald.suggest();
SELECT herald.watch_users('cooks');
SELECT herald.suggest();
SELECT herald.watch_messages('direct_messages');
SELECT herald.unwatch('direct_messages');
ALTER TABLE direct_messages RENAME to_cook TO eater;
SELECT herald.watch_messages('direct_messages');          -- the eater is no example of a conversation
ROLLBACK;

-- ----- not social: names that mean something else
BEGIN;
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE accounts (id int PRIMARY KEY, user_id int REFERENCES users, balance numeric);
CREATE TABLE posts (id int PRIMARY KEY, title text, height numeric);
CREATE TABLE statuses (id int PRIMARY KEY, name text);
CREATE TABLE content_blocks (id int PRIMARY KEY, page_id int, type text);
CREATE TABLE email_messages (id int PRIMARY KEY, user_id int REFERENCES users, body text);
CREATE TABLE project_members (project_id int, user_id int REFERENCES users);
CREATE TABLE photos (id int PRIMARY KEY, user_id int REFERENCES users, caption text);
CREATE TABLE photo_likes (photo_id int REFERENCES photos, user_id int REFERENCES users);
CREATE TABLE photo_comments (id int PRIMARY KEY, photo_id int REFERENCES photos, user_id int REFERENCES users,
	body text);
CREATE TABLE votes (user_id int REFERENCES users, option_id int);
CREATE TABLE subscriptions (id int PRIMARY KEY, user_id int REFERENCES users, plan text);
SELECT herald.suggest();
SELECT line FROM herald.suggest() AS line WHERE line LIKE 'SELECT%' \gexec
SELECT kind, relation FROM herald_internal.watched_table ORDER BY 1, 2::text;
ROLLBACK;

-- ----- a schema per tenant, partitions, children, temporary and foreign owners' tables
BEGIN;
CREATE SCHEMA acme; CREATE SCHEMA globex;
CREATE TABLE acme.users (id int PRIMARY KEY, username text);
CREATE TABLE globex.users (id int PRIMARY KEY, username text);
CREATE TABLE posts (id int, user_id int, body text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE old_posts PARTITION OF posts DEFAULT;
CREATE TABLE comments (id int PRIMARY KEY, post_id int, user_id int, body text);
CREATE TABLE more_comments () INHERITS (comments);
CREATE TEMP TABLE likes (user_id int, post_id int);
CREATE ROLE regress_stranger_to_posts;
CREATE TABLE blocks (blocker_id int, blocked_id int);
ALTER TABLE blocks OWNER TO regress_stranger_to_posts;
SELECT herald.suggest();
CREATE ROLE regress_watcher IN ROLE herald_watch;
SET ROLE regress_watcher;
SELECT herald.suggest();
RESET ROLE;
ROLLBACK;

-- ----- a marketplace: users that a user has muted, and favourites of tables with other names than posts
BEGIN;
CREATE TABLE "User" (id text PRIMARY KEY, handle text UNIQUE NOT NULL);
CREATE TABLE "Listing" (id text PRIMARY KEY, title text, "sellerId" text REFERENCES "User");
CREATE TABLE "Favorite" ("userId" text REFERENCES "User", "listingId" text REFERENCES "Listing");
CREATE TABLE "BlockedUser" ("blockerId" text REFERENCES "User", "blockedId" text REFERENCES "User");
CREATE TABLE muted_users (id int PRIMARY KEY, user_id text REFERENCES "User", muted_user_id text REFERENCES "User");
SELECT herald.suggest();
ROLLBACK;

-- ----- another one: tables with a user and something else are no members, and a story is rather a post than a hat
BEGIN;
CREATE TABLE users (id int PRIMARY KEY, username text UNIQUE NOT NULL, invited_by_user_id int REFERENCES users,
	notify_on_story boolean, notify_on_reply boolean);
CREATE TABLE hats (id int PRIMARY KEY, user_id int REFERENCES users, hat text);
CREATE TABLE stories (id int PRIMARY KEY, user_id int REFERENCES users, title text, description text, score int,
	is_moderated boolean, user_is_author boolean);
CREATE TABLE comments (id int PRIMARY KEY, user_id int REFERENCES users, story_id int REFERENCES stories,
	hat_id int REFERENCES hats, parent_comment_id int REFERENCES comments, comment text);
CREATE TABLE votes (id int PRIMARY KEY, user_id int REFERENCES users, story_id int NOT NULL REFERENCES stories,
	comment_id int REFERENCES comments, vote smallint);
CREATE TABLE hidden_stories (user_id int REFERENCES users, story_id int REFERENCES stories);
CREATE TABLE mod_mails (id int PRIMARY KEY, subject text);
CREATE TABLE mod_mail_messages (id int PRIMARY KEY, user_id int REFERENCES users, message text,
	mod_mail_id int REFERENCES mod_mails, status varchar(9));
CREATE TABLE mod_mail_recipients (mod_mail_id int REFERENCES mod_mails, user_id int REFERENCES users);
SELECT herald.suggest();
ROLLBACK;

-- ----- a dating site: likes of users, matches of two users, bookmarks, and bans by the staff
BEGIN;
CREATE TABLE users (id int PRIMARY KEY, username text UNIQUE NOT NULL);
CREATE TABLE photos (id int PRIMARY KEY, user_id int REFERENCES users, caption text);
CREATE TABLE likes (user_id int REFERENCES users, liked_user_id int REFERENCES users);
CREATE TABLE swipes (swiper_id int REFERENCES users, swiped_id int REFERENCES users, direction text);
CREATE TABLE matches (id int PRIMARY KEY, user1_id int REFERENCES users, user2_id int REFERENCES users);
CREATE TABLE bookmarks (user_id int REFERENCES users, photo_id int REFERENCES photos);
CREATE TABLE bans (user_id int REFERENCES users, banned_by int REFERENCES users);
SELECT herald.suggest();
ROLLBACK;

-- ----- names that would end a comment, or a string
BEGIN;
CREATE TABLE "my
DROP TABLE users;'_likes" (id int PRIMARY KEY, "a
DROP TABLE users;" int, b int);
CREATE TABLE "x'); DROP TABLE users; --_users" (id int PRIMARY KEY, name text);
SELECT herald.suggest();
ROLLBACK;

-- ----- nothing has been changed
SELECT count(*) FROM herald_internal.watched_table;
SELECT count(*) FROM herald_internal.rule;
