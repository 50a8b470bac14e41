-- A follow beside a block: the followee hears nothing of it, and the follower's own sessions do.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA bf;
CREATE TABLE bf.users (id int PRIMARY KEY, username text);
CREATE TABLE bf.follows (follower_id int REFERENCES bf.users, followee_id int REFERENCES bf.users);
CREATE TABLE bf.friends (one_id int REFERENCES bf.users, other_id int REFERENCES bf.users);
CREATE TABLE bf.blocks (blocker_id int REFERENCES bf.users, blocked_id int REFERENCES bf.users);
INSERT INTO bf.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
SELECT herald.watch_users('bf.users'), herald.watch_follows('bf.follows'), herald.watch_blocks('bf.blocks'),
       herald.watch_follows('bf.friends', follower => 'one_id', followee => 'other_id', mutual => true);
CREATE VIEW bf.told AS SELECT e.name, e.rooms, e.payload ->> 'followerId' AS follower
	FROM herald.event AS e
	WHERE e.xid = pg_current_xact_id_if_assigned() AND e.name ~ '^user:(un)?followed$' ORDER BY e.id;
BEGIN;
INSERT INTO bf.blocks VALUES (1, 2);
INSERT INTO bf.follows VALUES (2, 1);
INSERT INTO bf.follows VALUES (1, 2);
INSERT INTO bf.follows VALUES (3, 1);
TABLE bf.told;
ROLLBACK;
-- Friends, in both directions
BEGIN;
INSERT INTO bf.blocks VALUES (1, 2);
INSERT INTO bf.friends VALUES (2, 1), (3, 1);
TABLE bf.told;
ROLLBACK;
-- A block that ends later, an end of a follow, and mutes, which keep away notifications only
BEGIN;
INSERT INTO bf.blocks VALUES (1, 2);
INSERT INTO bf.follows VALUES (2, 1);
DELETE FROM bf.blocks;
DELETE FROM bf.follows;
INSERT INTO bf.follows VALUES (2, 1);
TABLE bf.told;
ROLLBACK;
BEGIN;
SELECT herald.unwatch('bf.blocks');
INSERT INTO bf.blocks VALUES (1, 2);
INSERT INTO bf.follows VALUES (2, 1);
TABLE bf.told;
ROLLBACK;
BEGIN;
SELECT herald.watch_blocks('bf.blocks', mutual => false);
INSERT INTO bf.blocks VALUES (1, 2);
INSERT INTO bf.follows VALUES (2, 1);
TABLE bf.told;
SELECT count(*) FROM herald.notification WHERE type = 'follow' AND recipient_id = '1' AND actor_id = '2';
ROLLBACK;
SELECT herald.unwatch_all();
DROP SCHEMA bf CASCADE;
