-- The rules and queries of a table use no watched table of an owner who could not act as its owner anyway.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
\set VERBOSITY terse
CREATE ROLE regress_mallory IN ROLE herald_watch;
CREATE ROLE regress_victim IN ROLE herald_watch;
CREATE SCHEMA mallory AUTHORIZATION regress_mallory;
CREATE SCHEMA victim AUTHORIZATION regress_victim;
GRANT USAGE ON SCHEMA mallory, victim TO PUBLIC;
GRANT EXECUTE ON FUNCTION herald.unread_messages TO regress_victim;

-- The attacker watches tables of all kinds, with conditions and a cast that record the role that runs them.
SET ROLE regress_mallory;
CREATE TABLE mallory.seen (role text, place text);
GRANT INSERT ON mallory.seen TO PUBLIC;
CREATE FUNCTION mallory.record(place text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO mallory.seen VALUES (current_user, place);
	RETURN true;
END
$$;
CREATE TYPE mallory.name AS ENUM ('x');
CREATE FUNCTION mallory.to_text(mallory.name) RETURNS text LANGUAGE sql AS $$
	SELECT 'x' || left(mallory.record('cast of a name')::text, 0)
$$;
CREATE CAST (mallory.name AS text) WITH FUNCTION mallory.to_text(mallory.name);
CREATE TABLE mallory.people (id int PRIMARY KEY, name mallory.name);
CREATE TABLE mallory.posts (id int PRIMARY KEY, user_id int, body text);
CREATE TABLE mallory.follows (follower_id int, followee_id int, PRIMARY KEY (follower_id, followee_id));
CREATE TABLE mallory.members (conversation_id int, user_id int, PRIMARY KEY (conversation_id, user_id));
CREATE TABLE mallory.blocks (blocker_id int, blocked_id int, PRIMARY KEY (blocker_id, blocked_id));
GRANT SELECT, REFERENCES ON ALL TABLES IN SCHEMA mallory TO PUBLIC;
INSERT INTO mallory.people VALUES (1, 'x'), (2, 'x');
INSERT INTO mallory.posts VALUES (1, 1, 'x');
INSERT INTO mallory.follows VALUES (1, 2), (2, 1);
INSERT INTO mallory.members VALUES (1, 1), (1, 2);
SELECT herald.watch_users('mallory.people', name => 'name');
SELECT herald.watch_posts('mallory.posts', author => 'user_id', visible => $$mallory.record('visible')$$);
SELECT herald.watch_follows('mallory.follows', follower => 'follower_id', followee => 'followee_id');
SELECT herald.watch_blocks('mallory.blocks', blocker => 'blocker_id', blocked => 'blocked_id');
SELECT count(herald_internal.save_watched(relation, kind, arguments ||
	jsonb_build_object('present', format('mallory.record(%L)', relation || ' present'))))
FROM herald_internal.watched_table;
RESET ROLE;
TRUNCATE mallory.seen;

-- A query with columns of other types is refused. If they get them later, it counts for nothing: their values are no
-- texts, and no numbers.
SET ROLE regress_mallory;
SELECT herald_internal.save_room_source('mallory.people', 'members', 'SELECT 1::bigint, 2::bigint');
SELECT herald_internal.save_counter('mallory.people', 'n', 'SELECT 1::bigint, 2', 'person', NULL);
SELECT herald_internal.save_counter('mallory.people', 'n', 'SELECT 1::bigint, 2::bigint', 'person', 'SELECT 1::bigint');
SELECT herald_internal.save_rule('mallory.people', 'none', 'insert', 'insert', '', NULL, NULL, NULL, 'abort');
SELECT herald_internal.save_rule('mallory.people', 'none', 'insert', 'insert', NULL, NULL,
                                 $$SELECT 'x' AS cause$$, NULL, 'abort');
CREATE TABLE mallory.things (id int PRIMARY KEY, one text, two text);
INSERT INTO mallory.things VALUES (1, '1', '2');
SELECT herald_internal.save_room_source('mallory.things', 'members', 'SELECT one, two FROM mallory.things');
SELECT herald_internal.save_counter('mallory.things', 'n', 'SELECT 1::bigint, 2::bigint', 'thing',
                                    'SELECT one FROM mallory.things') > 0 AS saved;
SELECT herald_internal.save_watched('mallory.things', 'likes', jsonb_build_object('rooms', jsonb_build_array(
	jsonb_build_object('prefix', 'thing', 'relation', 'mallory.things', 'key', '{id}'::text[], 'access',
	'true) IS TRUE, 7::bigint FROM unnest($1, $2, $3) AS herald_asked (herald_ordinal, herald_user, herald_room)--'))));
ALTER TABLE mallory.things ALTER one TYPE bigint USING 1, ALTER two TYPE bigint USING 2;
RESET ROLE;
SELECT herald.may_join('1', 'conversation:1'), herald.may_join('1', 'thing:1');
SELECT herald_internal.owner_now(c.id, '1')
FROM herald_internal.counter AS c
WHERE c.relation = 'mallory.things'::regclass;
SET ROLE regress_mallory;
SELECT herald_internal.forget_table('mallory.things');
RESET ROLE;
TRUNCATE mallory.seen;

-- The victim has no users, members and follows of its own.
SET ROLE regress_victim;
CREATE TABLE victim.comments (id int PRIMARY KEY, post_id int REFERENCES mallory.posts, user_id int, body text);
CREATE TABLE victim.likes (post_id int, user_id int, PRIMARY KEY (post_id, user_id));
CREATE TABLE victim.messages (id int PRIMARY KEY, conversation_id int, sender_id int, body text);
SELECT herald.watch_comments('victim.comments', author => 'user_id', subject => 'post_id', body => 'body');
SELECT herald.watch_likes('victim.likes', actor => 'user_id', subject => 'post_id');
SELECT herald.watch_messages('victim.messages', sender => 'sender_id', conversation => 'conversation_id');
SELECT herald.watch('victim.messages', 'own', recipient => '3', actor => 'new.sender_id::text', title => '{actor}:');
INSERT INTO victim.messages VALUES (1, 1, 1, 'hello @x');
DELETE FROM victim.messages;
RESET ROLE;
SELECT DISTINCT role FROM mallory.seen;
SELECT title FROM herald.notification WHERE type = 'own';

-- Another owner's rows admit nobody to the rooms of the victim's conversations, whatever function saves its table.
SET ROLE regress_mallory;
SELECT herald.watch_members('mallory.members', conversation => 'conversation_id', member => 'user_id');
SELECT herald_internal.save_watched('mallory.members', 'members',
                                    '{"conversation": ["conversation_id"], "member": ["user_id"]}');
SELECT herald_internal.save_room_source('mallory.members', 'members', $$SELECT '2', 'conversation:1'$$);
RESET ROLE;
SELECT herald.may_join('2', 'conversation:1');

-- Arguments of the wrong type, names of other tables and tables that are dropped disturb nobody else.
SET ROLE regress_mallory;
SELECT herald_internal.save_watched('mallory.blocks', 'posts', '{"key": "id"}');
SELECT herald_internal.save_watched('mallory.blocks', 'likes', '{"subject_table": "no.such.table.anywhere"}');
SELECT herald_internal.save_watched('mallory.members', 'likes', '{"subject_table": "gone.table"}');
DROP TABLE mallory.members, mallory.posts, mallory.follows CASCADE;
RESET ROLE;
CREATE FUNCTION victim.policy(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SELECT herald.room_policy('open', 'victim.policy(text, text)');
SELECT herald.may_join('2', 'open:1');
SET ROLE regress_victim;
CREATE TABLE victim.posts (id int PRIMARY KEY, user_id int, body text);
INSERT INTO victim.posts VALUES (1, 1, 'mine');
SELECT herald.watch_posts('victim.posts', author => 'user_id');
RESET ROLE;
SELECT herald.may_join('2', 'post:1');
SELECT herald.room_policy('open', NULL);

-- Blocks of another owner have no part in the victim's writes, and calls of herald.notify(): they would see or hide
-- its notifications, fail or wait. Those that have one see the pairs of users only.
SET ROLE regress_mallory;
SELECT herald_internal.save_block_source('mallory.blocks',
                                         'SELECT c.recipient_id, c.actor_id FROM herald_candidate AS c');
SELECT herald_internal.save_block_source('mallory.blocks', $$
	SELECT p.recipient_id, (1 / (length(p.recipient_id) - 1))::text FROM herald_pair AS p
$$);
SET ROLE regress_victim;
INSERT INTO victim.messages VALUES (3, 1, 1, 'hello');
RESET ROLE;
SELECT count(*) FROM herald.notification WHERE type = 'own';
GRANT herald_publish TO regress_victim, regress_mallory;
SET ROLE regress_victim;
SELECT herald.notify('3', 'hand', 'hello', actor => '1') > 0 AS notified;
SET ROLE regress_mallory;
SELECT herald.notify('3', 'hand', 'hello', actor => '1');
RESET ROLE;
ALTER ROLE regress_victim LOGIN;
SELECT relation, detail, remedy FROM herald.doctor() WHERE problem = 'blocks_not_asked';
SET ROLE regress_mallory;
SELECT herald_internal.forget_table('mallory.blocks');
RESET ROLE;

-- A saved record that names rooms of another owner rechecks none of them.
SELECT pg_snapshot_xmax(pg_current_snapshot()) AS before \gset
SET ROLE regress_mallory;
SELECT herald_internal.save_watched('mallory.things', 'likes',
                                    '{"rooms": [{"prefix": "post", "relation": "gone.table", "key": ["id"]}]}');
SELECT herald_internal.save_watched('mallory.things', 'likes',
                                    '{"rooms": [{"prefix": "thing", "relation": "gone.table", "key": ["id"]}]}');
SELECT herald_internal.forget_table('mallory.things');
RESET ROLE;
SELECT recheck_room FROM herald.event WHERE recheck_room IN ('post', 'thing') AND xid >= :'before'::xid8 ORDER BY xid;

-- A table of an owner who may act as the owner of the other is used: the owner itself, a member, a superuser.
GRANT regress_victim TO regress_mallory;
SET ROLE regress_victim;
SELECT herald.watch('victim.messages', 'own', recipient => '3', actor => 'new.sender_id::text', title => '{actor}:');
INSERT INTO victim.messages VALUES (2, 1, 1, 'hello');
RESET ROLE;
SELECT title FROM herald.notification WHERE type = 'own' ORDER BY id;
SELECT DISTINCT role FROM mallory.seen ORDER BY role;

-- Records that name tables in a schema that is closed to the caller disturb no call: opened rooms, and subjects of the
-- tables that the call is about.
CREATE SCHEMA closed AUTHORIZATION regress_mallory;
SET ROLE regress_mallory;
CREATE TABLE closed.posts (id int PRIMARY KEY, user_id int);
CREATE TABLE mallory.remarks (id int PRIMARY KEY, post_id int REFERENCES closed.posts, user_id int, body text);
GRANT SELECT, REFERENCES ON mallory.remarks TO PUBLIC;
SELECT herald.watch_posts('closed.posts', author => 'user_id', noun => 'secret');
SELECT herald.watch_comments('mallory.remarks', author => 'user_id', noun => 'remark');
SET ROLE regress_victim;
CREATE TABLE victim.photos (id int PRIMARY KEY, user_id int);
CREATE TABLE victim.photo_likes (photo_id int REFERENCES victim.photos, user_id int, PRIMARY KEY (photo_id, user_id));
CREATE TABLE victim.remark_likes (remark_id int REFERENCES mallory.remarks, user_id int);
SELECT herald.watch_likes('victim.photo_likes', actor => 'user_id');
SELECT herald.watch_likes('victim.remark_likes', actor => 'user_id');
SELECT count(*) > 0 AS planned FROM herald.plan_watch('watch_likes', 'victim.photo_likes');
RESET ROLE;
SELECT prefix, relation FROM herald_internal.room_tables() ORDER BY prefix;
-- A name that is none, or has no schema, is no table.
SELECT name, herald_internal.saved_table(name)
FROM unnest(ARRAY['closed.posts', 'closed."posts"', 'closed.gone', 'gone.posts', 'posts', 'pg_class', 'a.b.c', 'a b',
                  '', 'closed.posts;', '"closed.posts"', 'Closed.Posts']) AS name;

SET client_min_messages = error;
SELECT count(herald.unwatch(relation)) > 0 AS unwatched
FROM (SELECT DISTINCT w.relation
      FROM herald_internal.watched_table AS w JOIN pg_class AS c ON c.oid = w.relation) AS w;
DELETE FROM herald_internal.watched_table;
DROP SCHEMA mallory, victim, closed CASCADE;
DROP OWNED BY regress_mallory, regress_victim;
DROP ROLE regress_mallory, regress_victim;
TRUNCATE herald.notification;
