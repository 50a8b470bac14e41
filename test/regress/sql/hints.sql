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
CREATE TABLE members (group_id int, user_id int REFERENCES users, seen_id int, admitted_at timestamptz,
	quit_at timestamptz);
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
SELECT follow($$SELECT herald.watch_members('members', last_read => 'seen_id');$$);
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

-- Each call of each hint, of errors and of notices, can be pasted: it works, or its own hint leads on.
CREATE FUNCTION paste(call text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	hints text;
	pasted text;
	next text;
BEGIN
	BEGIN
		SELECT string_agg(m.hint, ' ') INTO hints FROM herald_internal.dry_run(call, 'hint') AS m;
		RAISE EXCEPTION 'rolled back' USING HINT = hints;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS hints = PG_EXCEPTION_HINT;
	END;
	FOR pasted IN
		SELECT m[1]
		FROM regexp_matches(hints, '((?:ALTER TABLE [^;]*; )?SELECT herald\.(?:[^;'']|''(?:[^'']|'''')*'')*;)', 'g')
			AS m
	LOOP
		next := 'works';
		BEGIN
			EXECUTE coalesce(substring(pasted FROM '^(ALTER [^;]*);'), 'SELECT');
			PERFORM herald_internal.dry_run(regexp_replace(pasted, '^ALTER [^;]*; ', ''), 'hint');
			RAISE EXCEPTION 'rolled back' USING ERRCODE = 'HD999';
		EXCEPTION WHEN SQLSTATE 'HD999' THEN
			NULL;
		WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS next = PG_EXCEPTION_HINT;
			next := CASE WHEN next LIKE '%SELECT herald.%' AND strpos(next, pasted) = 0 THEN 'leads on'
			        ELSE 'FAILS: ' || SQLERRM END;
		END;
		RETURN NEXT next || ': ' || pasted;
	END LOOP;
END
$$;
CREATE TABLE people (id int PRIMARY KEY, profile_id int UNIQUE, nick text, silenced_until timestamptz,
	opted_out boolean);
CREATE TABLE things (id int PRIMARY KEY, user_id int, owner_id int,
	state text CHECK (state IN ('draft', 'live', 'sold')),
	txt text, expires_at timestamptz, hidden boolean, room_id int);
CREATE TABLE marks (user_id int, thing_id int, comment_id int, thing_type text, score int, mood text, odd boolean);
CREATE TABLE pairs (user_a int REFERENCES users, user_b int REFERENCES users, blocked_at timestamptz,
	followed_at timestamptz, state text);
CREATE TABLE seats (room_id int, user_id int, left_on date, muted boolean, status text DEFAULT 'invited');
CREATE TABLE lines (id int PRIMARY KEY, room_id int, group_id int, author_type text, author_id int, text text,
	draft boolean, unsent_at timestamptz);
SELECT herald.watch_users('users', ignore => '{paused,muted_until,push_enabled}');
SELECT call.text, paste(call.text) FROM unnest(ARRAY[
	$a$SELECT herald.watch_users('people')$a$,
	$a$SELECT herald.watch_posts('things')$a$,
	$a$SELECT herald.watch_posts('things', author => 'user_id')$a$,
	$a$SELECT herald.watch_posts('things', author => 'user_id', status => 'state', published => 'live')$a$,
	$a$SELECT herald.watch_likes('marks')$a$,
	$a$SELECT herald.watch_likes('marks', subject => 'thing_id', subject_table => 'things')$a$,
	$a$SELECT herald.watch_follows('pairs')$a$,
	$a$SELECT herald.watch_follows('pairs', follower => 'user_a', followee => 'user_b')$a$,
	$a$SELECT herald.watch_follows('pairs', follower => 'user_a', followee => 'user_b',
	                                active => 'followed_at IS NOT NULL')$a$,
	$a$SELECT herald.watch_blocks('pairs', blocker => 'user_a', blocked => 'user_b')$a$,
	$a$SELECT herald.watch_members('seats')$a$,
	$a$SELECT herald.watch_messages('lines')$a$,
	$a$SELECT herald.watch_messages('lines', conversation => 'room_id', sender => 'author_id')$a$]) AS call (text);
SELECT herald.unwatch('members'), herald.unwatch('messages');
SELECT paste($a$SELECT herald.watch_members('seats')$a$);
SELECT paste($a$SELECT herald.watch_messages('lines', conversation => 'room_id')$a$);

-- A name with the opposite of a word does not say what the word says.
SELECT words, herald_internal.is_affirmative('posts', words)
FROM unnest('{active,inactive,is_visible,invisible,is_public,non_public,is_not_public,no_longer_active,helpful,
              unhelpful}'::text[]) AS words;

-- Of two names that mean the other user, neither is taken from the one who acts.
CREATE TABLE follow_pairs (followed_user_id int, following_user_id int);
SELECT herald.watch_follows('follow_pairs');

SELECT herald.unwatch_all();
SET client_min_messages = warning;
DROP SCHEMA hint CASCADE;
