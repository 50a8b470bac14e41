-- names: expressions of the application, with names that the caller's search path finds
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
SELECT coalesce(max(id), 0) AS before FROM herald.event \gset
CREATE SCHEMA nm;
CREATE SCHEMA nm_lib;
CREATE TYPE nm_lib.audience AS ENUM ('all', 'friends');
CREATE TABLE nm.users (id int PRIMARY KEY, username text);
CREATE TABLE nm.posts (id int PRIMARY KEY, gone text, user_id int REFERENCES nm.users, audience nm_lib.audience,
                       body text);
ALTER TABLE nm.posts DROP COLUMN gone;
CREATE TABLE nm.friends (user_id int, friend_id int);
CREATE FUNCTION nm.may_see(viewer text, post nm.posts) RETURNS boolean
LANGUAGE sql STABLE SET search_path = nm, pg_temp
AS $$ SELECT post.audience = 'all' OR EXISTS (SELECT FROM friends AS f
                                              WHERE f.user_id = post.user_id AND f.friend_id::text = viewer) $$;
CREATE FUNCTION nm_lib.is_long(body text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT length(body) > 3 $$;
CREATE FUNCTION nm_lib.same(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE
AS $$ SELECT lower($1) = lower($2) $$;
CREATE OPERATOR nm_lib.=== (FUNCTION = nm_lib.same, LEFTARG = text, RIGHTARG = text);
INSERT INTO nm.users VALUES (1, 'ann'), (2, 'ben'), (3, 'cleo');
INSERT INTO nm.friends VALUES (1, 2);

-- the names of the caller's search path, and "post" with the row type of the table
SET search_path = nm, nm_lib;
SELECT herald.watch_users('users'), herald.watch_posts('posts',
	visible => 'may_see(viewer, post)', in_feed => $$is_long(post.body) OR post.audience IN ('all'::audience)$$);
SELECT herald_internal.plain_sql(arguments ->> 'visible') AS visible,
       herald_internal.plain_sql(arguments ->> 'in_feed') AS in_feed
FROM herald_internal.watched_table WHERE relation = 'posts'::regclass;
SELECT coalesce(max(id), 0) AS before FROM herald.event \gset
INSERT INTO posts VALUES (1, 1, 'friends', 'for friends'), (2, 1, 'all', 'for all');
SELECT room, viewer, herald.may_join(viewer, room) FROM unnest('{post:1,post:2}'::text[]) AS room,
       unnest('{1,2,3}'::text[]) AS viewer ORDER BY 1, 2;

-- a column that is added later changes nothing
ALTER TABLE posts ADD COLUMN pinned boolean NOT NULL DEFAULT false;
INSERT INTO posts VALUES (3, 1, 'friends', 'more for friends', true);
SELECT rooms, name FROM herald.event WHERE id > :before AND payload ->> 'postId' = '3';
SELECT herald.may_join('2', 'post:3'), herald.may_join('3', 'post:3');

-- "post" in the condition of active rows
CREATE FUNCTION is_shown(post posts) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT NOT post.pinned $$;
CREATE TABLE likes (user_id int, post_id int, value int);
SELECT herald.watch_posts('posts', visible => 'true', in_feed => 'true', active => 'is_shown(post) AND post.id > 0'),
       herald.watch_likes('likes', active => 'post.value = 1');
INSERT INTO posts VALUES (4, 1, 'all', 'pinned', true), (5, 1, 'all', 'not pinned', false);
INSERT INTO likes VALUES (2, 5, 1), (3, 5, -1);
SELECT name, payload ->> 'postId' AS post FROM herald.event
WHERE id > :before AND payload ->> 'postId' IN ('4', '5') ORDER BY id;
SELECT herald.may_join('2', 'post:4'), herald.may_join('2', 'post:5');
SELECT herald_internal.totals_of(ARRAY[id], '{5}') FROM herald_internal.counter WHERE relation = 'likes'::regclass;

-- every expression of a rule; a search path that another session has means nothing
SELECT herald.watch('friends', 'friend', joins => 'JOIN users AS friend ON friend.id = changed.friend_id',
	condition => $$friend.username === 'BEN'
		AND NOT EXISTS (WITH posts AS (SELECT 1) SELECT FROM posts, users WHERE false)$$,
	recipient => 'SELECT u.id FROM users AS u WHERE u.id = changed.friend_id',
	payload => $$json_build_object('audience', ('all'::text)::audience, 'long', is_long(friend.username))$$,
	data => $$jsonb_build_object('friends', (SELECT count(*) FROM friends))$$,
	active => $$post.user_id > 0 AND is_long('long' || user_id)$$,
	title => '{friend.username} is a friend', event => 'friend:made', room => 'user:{user_id}');
RESET search_path;
INSERT INTO nm.friends VALUES (3, 2), (3, 1);
SELECT recipient_id, title, data FROM herald.notification WHERE type = 'friend' ORDER BY id;
SELECT rooms, payload::text FROM herald.event WHERE name = 'friend:made';

-- a function without a search path of its own finds the tables of its schema
SET search_path = nm;
CREATE FUNCTION nm.knows(viewer text, post nm.posts) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT EXISTS (SELECT FROM friends AS f WHERE f.user_id = post.user_id AND f.friend_id::text = viewer) $$;
CREATE FUNCTION nm.knows_too(viewer text, post nm.posts) RETURNS boolean LANGUAGE plpgsql STABLE
AS $$ BEGIN RETURN EXISTS (SELECT FROM friends AS f WHERE f.user_id = post.user_id AND f.friend_id::text = viewer); END
$$;
SELECT herald.watch_posts('posts', active => 'true', visible => 'knows(viewer, post) AND knows_too(viewer, post)');
RESET search_path;
INSERT INTO nm.posts VALUES (6, 1, 'friends', 'for friends', false);
SELECT viewer, herald.may_join(viewer, 'post:6') FROM unnest('{2,3}'::text[]) AS viewer;
SELECT problem, rule, detail FROM herald.doctor() WHERE relation = 'nm.posts'::regclass AND severity = 'error';
SHOW search_path;

-- ... unless another role could put its own into that schema
CREATE ROLE regress_names_planter;
GRANT CREATE ON SCHEMA nm TO regress_names_planter;
\set VERBOSITY default
SELECT herald.watch_posts('nm.posts', visible => 'nm.knows(viewer, post)');
SELECT herald.may_join('2', 'post:6');
ALTER FUNCTION nm.knows(text, nm.posts) SET search_path = nm, pg_temp;
ALTER FUNCTION nm.knows_too(text, nm.posts) SET search_path = nm, pg_temp;
SELECT herald.may_join('2', 'post:6');
ALTER FUNCTION nm.knows(text, nm.posts) RESET search_path;

-- ... which may change with the rights of that role, or with the owner of the database
ALTER ROLE regress_names_planter SUPERUSER;
SELECT herald.may_join('2', 'post:6');
ALTER ROLE regress_names_planter NOSUPERUSER;
SELECT herald.may_join('2', 'post:6');
-- The remedy makes the call possible, and leaves nobody a place for objects of theirs.
REVOKE CREATE ON SCHEMA nm FROM regress_names_planter;
SELECT herald.watch_posts('nm.posts', visible => 'nm.knows(viewer, post)');
GRANT CREATE ON SCHEMA nm TO pg_database_owner;
SELECT herald.may_join('2', 'post:6');
SELECT format('ALTER DATABASE %I OWNER TO ', current_database()) AS change_owner \gset
:change_owner regress_names_planter;
SELECT herald.may_join('2', 'post:6');
:change_owner CURRENT_USER;
SELECT herald.may_join('2', 'post:6');
REVOKE CREATE ON SCHEMA nm FROM pg_database_owner;
SELECT herald.watch_posts('nm.posts', visible => 'nm.knows(viewer, post)');

-- mistakes are reported as the expression has them, without the calls that led to them
\set VERBOSITY default
SELECT herald.watch_posts('nm.posts', visible => 'may_see(viewer, post)');
SELECT herald.watch_posts('nm.posts', visible => 'nm.may_see(viewer, post.author)');
SELECT herald.watch_posts('nm.posts', visible => '1=1) OR (1=1');
SELECT herald.watch('nm.friends', 'friend', recipient => 'SELECT 1) UNION (SELECT 2', title => 'x');
SELECT herald.watch('nm.friends', 'friend', recipient => 'new.friend_id); SELECT (1');
CREATE TEMPORARY TABLE passing (id int);
SELECT herald.watch('nm.friends', 'friend', recipient => 'SELECT id FROM passing');

-- an operator without a name in the text would be another one with another search path
CREATE FUNCTION nm_lib.same(varchar, text) RETURNS boolean LANGUAGE sql IMMUTABLE
AS $$ SELECT lower($1) = lower($2) $$;
CREATE OPERATOR nm_lib.= (FUNCTION = nm_lib.same, LEFTARG = varchar, RIGHTARG = text);
SELECT herald.watch('nm.friends', 'friend', recipient => 'new.friend_id', schemas => '{nm_lib}',
	condition => $$'ann'::varchar IN ('ANN'::text)$$);
SELECT herald.watch('nm.friends', 'friend', recipient => 'new.friend_id', schemas => '{nm_lib}',
	condition => $$'ann'::varchar = 'ANN'::text$$);
SELECT substring(notify FROM 'WHERE .*') AS condition FROM herald.watched WHERE rule = 'friend' AND notify IS NOT NULL;

SELECT herald.unwatch_all();

-- a condition is tried as the owner of its table, also when another role compiles it again
CREATE ROLE regress_names_owner;
CREATE SCHEMA nm_theirs AUTHORIZATION regress_names_owner;
GRANT herald_watch TO regress_names_owner;
SET ROLE regress_names_owner;
CREATE FUNCTION nm_theirs.tell(id int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
AS $$ BEGIN RAISE WARNING 'runs as %', current_user; RETURN true; END $$;
CREATE TABLE nm_theirs.posts (id int PRIMARY KEY, user_id int);
SELECT herald.watch_posts('nm_theirs.posts', visible => 'nm_theirs.tell(1)');
RESET ROLE;
SELECT herald.watch_users('nm.users');
REVOKE herald_watch FROM regress_names_owner;
SELECT herald.unwatch_all();
DELETE FROM herald.notification WHERE type IN ('like', 'friend');
DROP SCHEMA nm, nm_lib, nm_theirs CASCADE;
DROP ROLE regress_names_planter, regress_names_owner;
