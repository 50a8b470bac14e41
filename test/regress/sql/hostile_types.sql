-- Columns of a type with casts, checks and operators of its owner: these never run as the extension's owner or bridge.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE ROLE regress_eve IN ROLE herald_watch, herald_admin;
CREATE ROLE regress_bridge LOGIN IN ROLE herald_bridge;
CREATE ROLE regress_writer IN ROLE herald_inbox;
CREATE SCHEMA eve AUTHORIZATION regress_eve;
GRANT USAGE ON SCHEMA eve TO PUBLIC;
GRANT CREATE ON SCHEMA public TO regress_eve;
SET ROLE regress_eve;

-- Each of them records the role that runs it.
CREATE TABLE eve.seen (role text, trap text);
GRANT INSERT ON eve.seen TO PUBLIC;
CREATE FUNCTION eve.record(trap text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF current_setting('transaction_read_only') = 'off' THEN
		INSERT INTO eve.seen VALUES (current_user, trap);
	END IF;
	RETURN true;
END
$$;
CREATE TYPE eve.id AS ENUM ('1', '2', '3', '4');
CREATE DOMAIN eve.word AS text CHECK (eve.record('check of word'));
CREATE TYPE eve.pair AS (a eve.id, b eve.word);
CREATE FUNCTION eve.to_text(given eve.id) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM eve.record('cast to text');
	RETURN CASE given WHEN '1' THEN '1' WHEN '2' THEN '2' WHEN '3' THEN '3' ELSE '4' END;
END
$$;
CREATE FUNCTION eve.to_bigint(given eve.id) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM eve.record('cast to bigint');
	RETURN eve.to_text(given)::bigint;
END
$$;
CREATE FUNCTION eve.to_json(given eve.id) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
	PERFORM eve.record('cast to json');
	RETURN pg_catalog.to_json(eve.to_text(given));
END
$$;
CREATE FUNCTION eve.to_jsonb(given eve.id) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	PERFORM eve.record('cast to jsonb');
	RETURN pg_catalog.to_jsonb(eve.to_text(given));
END
$$;
CREATE FUNCTION eve.from_text(given text) RETURNS eve.id LANGUAGE plpgsql AS $$
BEGIN
	PERFORM eve.record('cast from text');
	RETURN CASE given WHEN '1' THEN '1'::eve.id WHEN '2' THEN '2' WHEN '3' THEN '3' ELSE '4' END;
END
$$;
CREATE CAST (eve.id AS text) WITH FUNCTION eve.to_text(eve.id) AS ASSIGNMENT;
CREATE CAST (eve.id AS bigint) WITH FUNCTION eve.to_bigint(eve.id) AS ASSIGNMENT;
CREATE CAST (eve.id AS json) WITH FUNCTION eve.to_json(eve.id) AS ASSIGNMENT;
CREATE CAST (eve.id AS jsonb) WITH FUNCTION eve.to_jsonb(eve.id) AS ASSIGNMENT;
CREATE CAST (text AS eve.id) WITH FUNCTION eve.from_text(text) AS ASSIGNMENT;
CREATE FUNCTION eve.same(eve.id, eve.id) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RETURN eve.record('operator =') AND $1 OPERATOR(pg_catalog.=) $2;
END
$$;
CREATE OPERATOR eve.= (LEFTARG = eve.id, RIGHTARG = eve.id, FUNCTION = eve.same);
CREATE OPERATOR public.= (LEFTARG = eve.id, RIGHTARG = eve.id, FUNCTION = eve.same);

CREATE TABLE eve.users (id eve.id PRIMARY KEY, username eve.word, pair eve.pair);
CREATE TABLE eve.posts (id eve.id PRIMARY KEY, user_id eve.id REFERENCES eve.users, content eve.word, pair eve.pair);
CREATE TABLE eve.likes (post_id eve.id REFERENCES eve.posts, user_id eve.id REFERENCES eve.users,
	PRIMARY KEY (post_id, user_id));
CREATE TABLE eve.comments (id eve.id PRIMARY KEY, post_id eve.id REFERENCES eve.posts,
	user_id eve.id REFERENCES eve.users, content eve.word);
CREATE TABLE eve.follows (follower_id eve.id REFERENCES eve.users, followee_id eve.id REFERENCES eve.users,
	PRIMARY KEY (follower_id, followee_id));
CREATE TABLE eve.blocks (blocker_id eve.id REFERENCES eve.users, blocked_id eve.id REFERENCES eve.users,
	PRIMARY KEY (blocker_id, blocked_id));
CREATE TABLE eve.conversations (id eve.id PRIMARY KEY);
CREATE TABLE eve.conversation_members (conversation_id eve.id REFERENCES eve.conversations,
	user_id eve.id REFERENCES eve.users, last_read_message_id eve.id, PRIMARY KEY (conversation_id, user_id));
CREATE TABLE eve.messages (id eve.id PRIMARY KEY DEFAULT '3', conversation_id eve.id REFERENCES eve.conversations,
	sender_id eve.id REFERENCES eve.users, content eve.word);
GRANT ALL ON ALL TABLES IN SCHEMA eve TO PUBLIC;
SELECT herald.watch_users('eve.users');
SELECT herald.watch_posts('eve.posts', visible => 'post.user_id::text <> viewer OR true');
SELECT herald.watch_likes('eve.likes');
SELECT herald.watch_comments('eve.comments');
SELECT herald.watch_follows('eve.follows');
SELECT herald.watch_blocks('eve.blocks');
SELECT herald.watch_members('eve.conversation_members');
SELECT herald.watch_messages('eve.messages');
SELECT herald.watch('eve.posts', 'own', recipient => 'new.user_id', cause => 'own:{id}:{content}:{pair}',
	title => '{content} {pair}', event => 'own:made', room => 'own:{id} pair:{pair}', data => 'to_jsonb(new)',
	operations => '{insert,update}');
SELECT DISTINCT relation FROM herald.watched WHERE relation::text ~ '^eve\.' ORDER BY relation;
RESET ROLE;

-- Another role writes. Checks of the statement itself run as that role; all others as the owner of the table.
SET ROLE regress_writer;
INSERT INTO eve.users VALUES ('1', 'ann', '(1,x)'), ('2', 'ben', '(2,y)');
INSERT INTO eve.posts VALUES ('1', '1', 'hello @ben', '(1,x)');
INSERT INTO eve.follows VALUES ('2', '1');
INSERT INTO eve.likes VALUES ('1', '2');
INSERT INTO eve.comments VALUES ('1', '1', '2', 'hello @ann');
INSERT INTO eve.conversations VALUES ('1');
INSERT INTO eve.conversation_members VALUES ('1', '1'), ('1', '2');
INSERT INTO eve.messages VALUES ('1', '1', '2', 'hello');
UPDATE eve.posts SET content = 'changed';
UPDATE eve.messages SET content = 'changed';
UPDATE eve.conversation_members SET last_read_message_id = '1';
SELECT count(*) > 3 AS notified FROM herald.inbox('1');
SELECT count(*) FROM herald.unread_messages('1');
SELECT herald.may_join('2', 'post:1'), herald.may_join('2', 'comment:1'), herald.may_join('2', 'conversation:1');
SELECT herald.is_blocked('1', '2');
RESET ROLE;
SET ROLE regress_bridge;
SELECT herald_internal.act('2', 'message:send', '{"conversationId": "1", "content": "from the bridge"}', NULL) IS NULL;
SELECT herald_internal.act('2', 'message:read', '{"conversationId": "1", "messageId": "3"}', NULL);
SELECT herald_internal.act('2', 'typing:start', '{"conversationId": "1"}', NULL);
SELECT herald_internal.act('2', 'inbox:list', '{}', NULL) IS NULL;
SELECT herald_internal.act('2', 'presence:list', '{}', NULL);
SELECT count(*) FROM herald_internal.join_room('2', 'post:1', 'session');
RESET ROLE;
SELECT count(*) >= 0 AS examined FROM herald.doctor();
SET ROLE regress_writer;
INSERT INTO eve.blocks VALUES ('1', '2');
DELETE FROM eve.likes;
DELETE FROM eve.comments;
DELETE FROM eve.conversation_members;
DELETE FROM eve.follows;
RESET ROLE;
SELECT role, array_agg(DISTINCT trap ORDER BY trap) FROM eve.seen GROUP BY role ORDER BY role;

SET client_min_messages = warning;
SELECT count(herald.unwatch(relation)) > 0 AS unwatched
FROM (SELECT DISTINCT relation FROM herald_internal.watched_table WHERE relation::text ~ '^eve') AS w;
DROP SCHEMA eve CASCADE;
DROP OWNED BY regress_eve;
DROP ROLE regress_eve, regress_bridge, regress_writer;
DELETE FROM herald_internal.session_room;
TRUNCATE herald.notification;
