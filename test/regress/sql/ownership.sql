-- An action, a room policy and a type belong to the role that made them.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
\set VERBOSITY terse
CREATE ROLE regress_maker IN ROLE herald_watch, herald_admin;
CREATE ROLE regress_taker IN ROLE herald_watch, herald_admin;
CREATE SCHEMA made AUTHORIZATION regress_maker;
CREATE SCHEMA taken AUTHORIZATION regress_taker;
SET ROLE regress_maker;
CREATE FUNCTION made.act(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"made"'::jsonb $$;
CREATE FUNCTION made.may(user_id text, room text) RETURNS boolean LANGUAGE sql AS 'SELECT user_id = ''1''';
CREATE TABLE made.things (id int PRIMARY KEY);
SELECT herald.expose('made', 'made.act(text, jsonb)'), herald.room_policy('made', 'made.may(text, text)');
SELECT herald.watch('made.things', 'thing', recipient => $$'ann'$$, title => 'thing');
INSERT INTO herald.notification_type (name, title) VALUES ('made', 'Made');

-- Another role neither replaces nor deletes them.
SET ROLE regress_taker;
CREATE FUNCTION taken.act(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"taken"'::jsonb $$;
CREATE FUNCTION taken.may(user_id text, room text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SELECT herald.expose('made', 'taken.act(text, jsonb)');
SELECT herald.unexpose('made');
UPDATE herald.action SET function = 'taken.act(text, jsonb)', run_as = 'regress_taker' WHERE name = 'made';
DELETE FROM herald.action;
SELECT herald.room_policy('made', 'taken.may(text, text)');
SELECT herald.room_policy('made', NULL);
UPDATE herald.notification_type SET title = 'Taken' WHERE name = 'made';
DELETE FROM herald.notification_type WHERE name = 'made';
INSERT INTO herald.action (name, function, run_as, owner)
VALUES ('taken', 'taken.act(text, jsonb)', 'regress_taker', 'regress_maker');
UPDATE herald.action SET owner = 'regress_maker' WHERE name = 'taken';
SELECT name, owner FROM herald.action WHERE name IN ('made', 'taken') ORDER BY name;
-- A shipped type belongs to the extension: each administrator changes it, and none takes or deletes it.
UPDATE herald.notification_type SET title = '{actor} likes it', owner = 'regress_taker' WHERE name = 'like';
INSERT INTO herald.notification_type (name, title, owner) VALUES ('post', '{actor} wrote', 'regress_taker');
DELETE FROM herald.notification_type WHERE name = 'follow';
DELETE FROM herald.notification_type WHERE name = 'like';
SET ROLE regress_maker;
UPDATE herald.notification_type SET title = '{actor} loves it' WHERE name = 'like';
DELETE FROM herald.notification_type WHERE name = 'post';
RESET ROLE;
SELECT name, title, owner, shipped FROM herald.notification_type WHERE name IN ('like', 'made', 'post', 'follow')
ORDER BY name;

-- Rooms with the prefix of a watched table belong to the table's owner: others open them neither by a policy ...
CREATE ROLE regress_shared;
GRANT regress_shared TO regress_maker, regress_taker;
SET ROLE regress_maker;
GRANT USAGE ON SCHEMA made TO regress_taker;
CREATE TABLE made.posts (id int PRIMARY KEY, user_id int);
CREATE TABLE made.comments (id int PRIMARY KEY, post_id int REFERENCES made.posts, user_id int);
CREATE TABLE made.members (conversation_id int, user_id int, PRIMARY KEY (conversation_id, user_id));
INSERT INTO made.posts VALUES (1, 1);
SELECT herald.watch_posts('made.posts', visible => 'false'), herald.watch_comments('made.comments'),
       herald.watch_members('made.members', conversation => 'conversation_id', member => 'user_id');
SELECT herald.room_policy('comment', 'made.may(text, text)'), herald.room_policy('comment', NULL);
SET ROLE regress_taker;
\set VERBOSITY default
SELECT herald.room_policy('post', 'taken.may(text, text)');
\set VERBOSITY terse
SELECT herald.room_policy('comment', 'taken.may(text, text)');
INSERT INTO herald.room_policy (prefix, function, run_as) VALUES ('post', 'taken.may(text, text)', 'regress_taker');
INSERT INTO herald.room_policy (prefix, function, run_as, owner)
VALUES ('post', 'taken.may(text, text)', 'regress_shared', 'regress_shared');
SELECT herald.room_policy('free', 'taken.may(text, text)');
UPDATE herald.room_policy SET prefix = 'post' WHERE prefix = 'free';
-- ... nor by tables of their own, nor by compiled SQL.
CREATE TABLE taken.posts (id int PRIMARY KEY, user_id int);
CREATE TABLE taken.members (conversation_id int, user_id int, PRIMARY KEY (conversation_id, user_id));
INSERT INTO taken.posts VALUES (1, 2);
\set VERBOSITY default
SELECT herald.watch_posts('taken.posts');
\set VERBOSITY terse
SELECT herald.watch_likes('taken.posts', actor => 'user_id', subject => 'id', subject_table => 'taken.posts');
SELECT herald.watch_members('taken.members', conversation => 'conversation_id', member => 'user_id');
SELECT herald_internal.save_room_source('taken.members', 'members',
                                        $$SELECT '2', 'conversation:1' WHERE $1 IS NOT NULL$$);
SELECT herald_internal.save_watched('taken.posts', 'posts', '{"key": ["id"]}');
-- A table that refers to rows of another owner opens no rooms of them.
CREATE TABLE taken.thing_likes (user_id int, thing_id int, PRIMARY KEY (user_id, thing_id));
RESET ROLE;
INSERT INTO made.things VALUES (7);
GRANT SELECT ON made.things TO regress_taker;
SET ROLE regress_taker;
SELECT herald.watch_likes('taken.thing_likes', subject => 'thing_id', subject_table => 'made.things');
SELECT herald_internal.save_watched('taken.thing_likes', 'likes',
                                    '{"subject": ["thing_id"], "subject_table": "made.things"}');
RESET ROLE;
SELECT herald.may_join('2', 'post:1') AS post, herald.may_join('2', 'thing:7') AS thing,
       herald.may_join('2', 'conversation:1') AS conversation;
-- A superuser's policy passes.
SELECT herald.room_policy('post', 'taken.may(text, text)');
SELECT herald.may_join('2', 'post:1') AS post;
SELECT herald.room_policy('post', NULL);

-- A table that is watched later does not open its rooms to a policy of another role.
SET ROLE regress_taker;
SELECT herald.room_policy('shop', 'taken.may(text, text)');
SET ROLE regress_maker;
CREATE TABLE made.shops (id int PRIMARY KEY, user_id int);
CREATE TABLE made.shop_likes (user_id int, shop_id int REFERENCES made.shops, PRIMARY KEY (user_id, shop_id));
\set VERBOSITY default
SELECT herald.watch_likes('made.shop_likes', actor => 'user_id');
\set VERBOSITY terse
SET ROLE regress_taker;
SELECT herald.room_policy('shop', NULL), herald.room_policy('free', NULL), herald.unwatch('taken.thing_likes');
SET ROLE regress_maker;
SELECT herald.watch_likes('made.shop_likes', actor => 'user_id');

-- The owner of a record need not be the role that it runs as.
RESET ROLE;
CREATE SCHEMA shared;
GRANT USAGE ON SCHEMA shared TO regress_shared;
CREATE FUNCTION shared.act(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"shared"'::jsonb $$;
CREATE FUNCTION shared.may(user_id text, room text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SET ROLE regress_maker;
INSERT INTO herald.action (name, function, run_as)
VALUES ('shared', 'shared.act(text, jsonb)', 'regress_shared');
INSERT INTO herald.room_policy (prefix, function, run_as)
VALUES ('shared', 'shared.may(text, text)', 'regress_shared');
RESET ROLE;
SELECT herald_internal.act('1', 'shared', NULL, NULL), herald.may_join('1', 'shared:1');
-- It must stay a member of that role: it may replace the function.
REVOKE regress_shared FROM regress_maker;
SELECT herald_internal.act('1', 'shared', NULL, NULL);
SELECT herald.may_join('1', 'shared:1');
GRANT regress_shared TO regress_maker;

-- A record runs a function of that name only if the role that owned it then has made it.
GRANT CREATE, USAGE ON SCHEMA made TO regress_taker;
DROP FUNCTION made.act, made.may;
SET ROLE regress_taker;
CREATE FUNCTION made.act(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"planted"'::jsonb $$;
CREATE FUNCTION made.may(user_id text, room text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
RESET ROLE;
SELECT herald_internal.act('1', 'made', NULL, NULL);
SELECT herald.may_join('1', 'made:1');
SELECT rule, detail FROM herald.doctor() WHERE problem = 'function_missing' ORDER BY rule;
DROP FUNCTION made.act, made.may;
SET ROLE regress_maker;
CREATE FUNCTION made.act(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"made again"'::jsonb $$;
CREATE FUNCTION made.may(user_id text, room text) RETURNS boolean LANGUAGE sql AS 'SELECT user_id = ''1''';
RESET ROLE;

-- Records of a dropped table go: a new table could get its OID.
SET ROLE regress_maker;
CREATE TABLE made.gone (id int);
SELECT herald_internal.save_counter('made.gone', 'n', 'SELECT 1::bigint, 2::bigint', NULL, NULL) > 0 AS saved;
DROP TABLE made.gone;
RESET ROLE;
SELECT herald.maintain();
SELECT count(*) FROM herald_internal.counter AS c WHERE NOT EXISTS (SELECT FROM pg_class AS k WHERE k.oid = c.relation);

-- Without its role nothing is used, and maintenance leaves nothing behind.
SELECT herald_internal.act('1', 'made', NULL, NULL), herald.may_join('1', 'made:1');
DROP OWNED BY regress_maker;
DROP ROLE regress_maker;
SELECT herald_internal.act('1', 'made', NULL, NULL);
SELECT herald.may_join('1', 'made:1');
SELECT herald_internal.act('1', 'shared', NULL, NULL);
SELECT herald.may_join('1', 'shared:1');
SELECT herald.maintain();
SELECT name, owner FROM herald.notification_type WHERE name = 'made';
SELECT count(*) FROM herald.action WHERE name = 'shared';
SELECT count(*) FROM herald.room_policy WHERE prefix = 'shared';
SELECT count(*) FROM herald.action WHERE name = 'made';
SELECT count(*) FROM herald.room_policy WHERE prefix = 'made';
SELECT count(*) FROM herald_internal.rule AS r WHERE NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = r.relation);
SELECT herald_internal.act('1', 'taken', NULL, NULL);
SELECT herald.unexpose('taken');
DELETE FROM herald.notification_type WHERE name IN ('made', 'like', 'post');
INSERT INTO herald.notification_type (name, title, priority, group_by, group_title, retract, owner)
VALUES ('like', '{actor} liked your {subject}', 10, 'subject', '{actor} and {others} liked your {subject}', 'always',
        NULL),
       ('post', '{actor} posted', 5, 'none', '{actor} posted {count} times', 'always', NULL);
DROP SCHEMA taken, shared CASCADE;
DROP OWNED BY regress_taker;
DROP ROLE regress_taker, regress_shared;
TRUNCATE herald.notification;
