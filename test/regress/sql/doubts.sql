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

-- A like, a follow or a block: any boolean and any enum may say that it is none, by any name.
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

-- Users that are banned, declined or did not join are no members; the time of a row that is always there says nothing.
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

-- A hint keeps the meaning that a name or the values have; if neither says it, there is a question and no condition.
SET client_min_messages = warning;
CREATE FUNCTION db.says(kind text, columns text, rows text DEFAULT NULL) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE db.t (%s)', columns);
	EXECUTE coalesce('INSERT INTO db.t VALUES ' || rows, 'SELECT');
	RETURN QUERY SELECT format('%s.%s: %s', kind, u.name, coalesce(u.argument::text, u.question))
	             FROM herald_internal.unused_columns('db.t', kind, '{"author": ["user_id"]}') AS u;
	DROP TABLE db.t;
END
$$;
CREATE FUNCTION db.says_each(kind text, type text, names text[]) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT db.says(kind, string_agg(format('%I %s', name, type), ', ')) FROM unnest(names) AS name;
$$;
\pset tuples_only on
\pset format unaligned
SELECT db.says_each('follows', 'timestamptz', '{denied_at,refused_on,terminated_at,inactive_at,removed_at,
                                               unfriended_at}');
SELECT db.says_each('follows', 'timestamptz', '{accepted_at,confirmed_at,requested_at,restored_at,since_at}');
SELECT db.says_each('likes', 'timestamptz', '{downvoted_at}');
SELECT db.says_each('likes', 'timestamptz', '{reviewed_at}');
SELECT db.says_each('posts', 'timestamptz', '{hidden_until,embargo_until,embargoed_at,visible_at,public_at,unpublish_at,
                                             featured_until,last_visible_at}');
SELECT db.says_each('comments', 'timestamptz', '{visible_at,enabled_at,shown_at,hidden_until,undeleted_at,
                                                approved_at}');
SELECT db.says_each('members', 'timestamptz', '{last_active_at,last_seen_at,last_left_at,banned_until,invited_at,
                                               inactive_at}');
SELECT db.says_each('messages', 'timestamptz', '{unsent_at,unscheduled_at,deliver_at}');
SELECT db.says_each('users', 'timestamptz', '{token_expires_at,banned_until,deactivated_at}');
SELECT db.says_each('posts', 'boolean', '{undeleted,is_not_private,not_deleted,unlisted,comments_disabled,has_draft,
                                         members_only,read_only}');
SELECT db.says_each('messages', 'boolean', '{unscheduled,undelivered,unsent,deleted_for_everyone,deleted_for_sender}');
SELECT db.says_each('users', 'boolean', '{not_muted,unmuted,not_banned,never_suspended,email_hidden,mfa_enabled,
                                         disabled}');
SELECT db.says_each('members', 'boolean', '{not_left,has_left,not_muted,unmuted,muted}');
SELECT db.says_each('likes', 'boolean', '{is_dislike,passed,unliked,helpful}');

-- Numbers are flags if rows have 0 and 1 alone, and no value of an enum, of a CHECK or of rows is guessed.
SELECT db.says('posts', 'is_private smallint', '(1), (1), (0)');
SELECT db.says('posts', 'is_private smallint', '(1), (2)');
SELECT db.says('posts', 'published int, is_public int', '(1, 1), (0, 0)');
SELECT db.says('likes', 'score int', '(1), (-1)');
SELECT db.says('likes', 'rating int', '(5), (1)');
SELECT db.says('follows', 'status int', '(2), (0), (2)');
CREATE TYPE db.kind AS ENUM ('block', 'follow');
SELECT db.says('follows', 'kind db.kind'), db.says('blocks', 'kind db.kind');
SELECT db.says('likes', $$vote_type text CHECK (vote_type IN ('minus', 'plus')),
                          action_type text CHECK (action_type IN ('downvote', 'flag'))$$);
SELECT db.says('posts', $$visibility text CHECK (visibility IN ('me', 'friends')),
                          state text CHECK (state IN ('a', 'b'))$$);
SELECT db.says('posts', 'visibility text, state text', $$('Public', 'a'), ('me', 'b')$$);
SELECT db.says('follows', $$state text DEFAULT 'pending'$$, $$('pending')$$);
CREATE TABLE db.vote_types (id int PRIMARY KEY, rank int, name_en text);
CREATE TABLE db.reaction_types (id int PRIMARY KEY, emoji text);
INSERT INTO db.vote_types VALUES (1, 9, 'downvote'), (2, 8, 'upvote');
INSERT INTO db.reaction_types VALUES (1, 'angry'), (2, 'sad');
SELECT db.says('likes', 'vote_type_id int, reaction_type_id int REFERENCES db.reaction_types');

SELECT db.says('likes', 'vote_type_id int', '(1), (2)');

-- A place is open to its members only, as long as its visibility is not known.
CREATE TABLE db.places (id int PRIMARY KEY, archetype text DEFAULT 'regular');
CREATE TABLE db.halls (id int PRIMARY KEY, read_restricted boolean);
CREATE TABLE db.place_members (place_id int REFERENCES db.places, user_id int REFERENCES db.users);
SELECT db.says('posts', 'place_id int NOT NULL REFERENCES db.places, hall_id int NOT NULL REFERENCES db.halls,
                         archived boolean, flagged_at timestamptz');
SELECT db.says_each('users', 'timestamptz', '{silenced_until,suspended_until,archived_at}');

-- A like may be a dislike by any column, an acceptance has a time beside its status, and a way of notifying is one.
CREATE TYPE db.reaction AS ENUM ('DISLIKE', 'LIKE');
SELECT db.says('likes', 'action smallint, type db.reaction');
SELECT db.says('likes', 'side text CHECK (side IN (''down'', ''up'')), emoji text');
SELECT db.says('follows', 'status text DEFAULT ''PENDING'', accepted_at timestamptz');
SELECT db.says_each('users', 'boolean', '{sms_opt_out,opted_out}');
SELECT db.says('posts', 'moderation text DEFAULT ''pending'', delayed_post_at timestamptz');
SELECT db.says_each('messages', 'boolean', '{deleted_by_sender,removed_by_moderator}');

-- A table that does not say that an invitation was accepted has no members. Columns of other tables are not used.
CREATE TABLE db.enrollments (course_id int, user_id int REFERENCES db.users, workflow_state text DEFAULT 'invited',
	hidden boolean);
SELECT db.says('posts', 'course_id int');
CREATE TABLE db.lessons (id int PRIMARY KEY, user_id int REFERENCES db.users, course_id int, hidden boolean);
SET client_min_messages = notice;
SELECT herald.watch_posts('db.lessons', visible => 'EXISTS (SELECT FROM db.enrollments AS e
	WHERE e.course_id = post.course_id AND NOT e.hidden)');
SET client_min_messages = warning;
SELECT herald.unwatch('db.lessons');

-- Two columns of mutes are used together, also by a call that passes one of them.
CREATE TABLE db.muted (group_id int, user_id int REFERENCES db.users, muted boolean, muted_until timestamptz);
SET client_min_messages = notice;
\pset format aligned
\pset tuples_only off
SELECT herald.watch_members('db.muted');
SELECT herald.watch_members('db.muted', muted => 'muted_until');
SELECT herald.watch_members('db.muted', muted => 'muted_until, muted');
SELECT herald.unwatch_all();

-- A foreign key alone says no conversation, and messages that reach nobody are not silent.
CREATE TABLE db.files (id int PRIMARY KEY, path text);
CREATE TABLE db.letters (id int PRIMARY KEY, sender_id int REFERENCES db.users, file_id int REFERENCES db.files,
	body text);
CREATE TABLE db.conversations (id int PRIMARY KEY, sender_id int REFERENCES db.users,
	recipient_id int REFERENCES db.users);
CREATE TABLE db.chats (id int PRIMARY KEY, conversation_id int REFERENCES db.conversations,
	user_id int REFERENCES db.users, body text);
SELECT herald.watch_users('db.users');
SELECT herald.watch_messages('db.letters');
SELECT herald.watch_messages('db.chats');
SELECT herald.unwatch('db.chats');
CREATE TABLE db.file_users (file_id int REFERENCES db.files, user_id int REFERENCES db.users);
CREATE TABLE db.conversation_members (conversation_id int REFERENCES db.conversations,
	user_id int REFERENCES db.users);
SELECT herald.watch_messages('db.letters');
SELECT herald.watch_members('db.conversation_members');
SELECT herald.watch_members('db.file_users');
SELECT herald.unwatch_all();
-- Those who are members may have any name.
CREATE TABLE db.chat (id int PRIMARY KEY);
CREATE TABLE db.chat_users (chat int REFERENCES db.chat, usr int REFERENCES db.users);
CREATE TABLE db.lines (id int PRIMARY KEY, chat int REFERENCES db.chat, sender_id int REFERENCES db.users, body text);
SELECT herald.watch_users('db.users');
SELECT herald.watch_messages('db.lines');
SELECT herald.watch_members('db.chat_users', member => 'usr');
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
