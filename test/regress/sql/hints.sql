-- A hint shows the whole call, with the arguments that were passed: pasted as it stands, it leads to a call that works.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
\set VERBOSITY terse
TRUNCATE herald.notification;
CREATE SCHEMA hint;
SET search_path = hint;

-- Makes a call, and then that of its hint, until no hint shows another. Returns each.
CREATE FUNCTION follow(call text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	FOR i IN 1 .. 6 LOOP
		RETURN NEXT call;
		BEGIN
			SELECT m.hint INTO hint FROM herald_internal.dry_run(call, 'hint') AS m
			WHERE m.hint LIKE '%SELECT herald.watch%' LIMIT 1;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
			IF hint !~ 'SELECT herald.watch' THEN
				RETURN NEXT SQLERRM;
			END IF;
		END;
		EXIT WHEN hint !~ 'SELECT herald.watch' OR hint IS NULL;
		call := substring(hint FROM 'SELECT herald\.watch_[^;]*;');
	END LOOP;
	EXECUTE call;
END
$$;

CREATE TABLE users (id int PRIMARY KEY, username text NOT NULL UNIQUE, tenant_id int, push_enabled boolean DEFAULT true,
	paused boolean NOT NULL DEFAULT false, muted_until timestamptz);
CREATE TABLE posts (id int PRIMARY KEY, author_a int, author_b int, txt text, visibility int NOT NULL DEFAULT 0,
	is_draft boolean, tenant_id int, for_friends_only boolean NOT NULL DEFAULT false);
CREATE TABLE comments (id int PRIMARY KEY, commentable_type text, commentable_id int, user_id int, body text,
	approved boolean NOT NULL DEFAULT false, whisper_to int);
CREATE TABLE reactions (user_id int, reactable_type text, reactable_id int, mood text, is_dislike boolean);
CREATE TABLE saved (one_user_id int REFERENCES users, other_user_id int REFERENCES users, audience text,
	mode text CHECK (mode IN ('fine', 'bad')));
CREATE TABLE members (group_id int, user_id int REFERENCES users, admitted_at timestamptz, quit_at timestamptz);
CREATE TABLE messages (id int PRIMARY KEY, sender_type text, sender_id int, group_id int, msg text, unsent boolean,
	send_at timestamptz);
INSERT INTO users VALUES (1, 'ann', 1), (2, 'ben', 1), (3, 'cleo', 2);
INSERT INTO messages VALUES (1, 'User', 1, 1, 'old'), (2, 'Bot', 1, 1, 'old');
INSERT INTO reactions VALUES (1, 'App\Models\Post', 1, 'love'), (1, 'Photo', 1, 'love');

SELECT follow($$SELECT herald.watch_users('users');$$);
SELECT follow($$SELECT herald.watch_posts('posts', author => 'author_a', notify_followers => true);$$);
SELECT follow($$SELECT herald.watch_comments('comments', body => 'body', noun => 'remark');$$);
SELECT follow($$SELECT herald.watch_likes('reactions', subject => 'reactable_id', subject_table => 'posts',
                                         active => 'mood <> ''angry''');$$);
SELECT follow($$SELECT herald.watch_follows('saved', on_error => 'warn', ignore => '{audience}');$$);
SELECT follow($$SELECT herald.watch_members('members', last_read => 'user_id');$$);
SELECT follow($$SELECT herald.watch_messages('messages', max_length => 99, sendable => false);$$);

-- What was passed is kept.
SELECT relation, kind, arguments ->> 'noun' AS noun, arguments ->> 'on_error' AS on_error,
       arguments -> 'ignore' AS ignore, arguments ->> 'max_length' AS longest, arguments ->> 'follower_limit' AS most
FROM herald_internal.watched_table ORDER BY relation::text;
SELECT relation::text, herald_internal.row_condition(arguments) FROM herald_internal.watched_table ORDER BY 1;

-- Errors of other kinds.
\set VERBOSITY default
CREATE TABLE follow_requests (follower_id int, followee_id int, memo text);
SELECT herald.watch_follows('follow_requests', on_error => 'warn', deleted_at => NULL);
SELECT herald.watch_comments('posts', author => 'author_a', subject => 'author_b', body => 'txt');
SELECT herald.watch_comments('posts');
CREATE TABLE keyless (author_id int, body text);
SELECT herald.watch_posts('keyless', author => 'author_id', noun => 'sheet');
CREATE TABLE switched (id int PRIMARY KEY, name text, muted boolean);
SELECT herald.unwatch('users');
SELECT herald.watch_users('switched', name => 'name', notifications_enabled => 'muted');

SELECT herald.unwatch_all();
SET client_min_messages = warning;
DROP SCHEMA hint CASCADE;
