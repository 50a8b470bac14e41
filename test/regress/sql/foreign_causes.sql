-- A cause belongs to the owner of the rule's table, or to the caller of herald.notify(): no other role retracts or
-- forestalls its notifications.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
\set VERBOSITY terse
CREATE ROLE regress_attacker IN ROLE herald_watch, herald_publish;
CREATE ROLE regress_owner IN ROLE herald_watch, herald_publish;
CREATE ROLE regress_poster IN ROLE herald_watch;
CREATE SCHEMA attacker AUTHORIZATION regress_attacker;
CREATE SCHEMA owner AUTHORIZATION regress_owner;
CREATE VIEW inbox AS
	SELECT recipient_id AS recipient, owner, cause, type, retracted_at IS NOT NULL AS retracted
	FROM herald.notification ORDER BY id;

SET ROLE regress_owner;
CREATE TABLE owner.posts (id int PRIMARY KEY, user_id int);
CREATE TABLE owner.likes (user_id int, post_id int REFERENCES owner.posts ON DELETE CASCADE,
                          PRIMARY KEY (user_id, post_id));
SELECT herald.watch_posts('owner.posts'), herald.watch_likes('owner.likes', actor => 'user_id');
INSERT INTO owner.posts VALUES (1, 1);
INSERT INTO owner.likes VALUES (2, 1);
SELECT herald.notify('1', 'order', 'Order 5', cause => 'order:5') > 0 AS notified;
RESET ROLE;

-- Retracting, by a rule of any form and by hand.
SET ROLE regress_attacker;
CREATE TABLE attacker.bait (id int PRIMARY KEY, cause text);
SELECT herald.watch('attacker.bait', 'exact', recipient => '9', cause => 'post:1:like:2', title => 'x'),
       herald.watch('attacker.bait', 'all', recipient => '9', cause => 'post:*', title => 'x');
SELECT herald_internal.save_rule('attacker.bait', 'raw', 'delete', 'delete', NULL, NULL,
	'SELECT o.cause FROM herald_old AS o', 'SELECT o.cause FROM herald_old AS o', 'abort') > 0 AS saved;
INSERT INTO attacker.bait VALUES (1, 'post:1:like:2'), (2, 'order:5'), (3, 'order:*');
DELETE FROM attacker.bait;
SELECT herald.retract('order:5'), herald.retract('order:*'), herald.retract('post:1:*');
RESET ROLE;
SELECT * FROM inbox WHERE owner = 'regress_owner';

-- It neither locks them: others would wait for it.
BEGIN;
SET LOCAL ROLE regress_attacker;
INSERT INTO attacker.bait VALUES (1, 'post:1:like:2'), (2, 'order:5');
DELETE FROM attacker.bait;
RESET ROLE;
SELECT count(*) FROM (SELECT FROM herald.notification WHERE owner = 'regress_owner' AND xmax <> '0') AS locked;
COMMIT;

-- Forestalling: neither before the owner's notification, nor by a retracted one, which would be restored.
SET ROLE regress_attacker;
SELECT herald.notify('1', 'x', 'x', cause => 'order:6') > 0 AS notified;
SELECT herald.notify('1', 'x', 'x', cause => 'order:7') > 0 AS notified;
SELECT herald.retract('order:7');
SELECT herald.watch('attacker.bait', 'exact', recipient => '1', cause => 'post:1:like:3', title => 'x'),
       herald.watch('attacker.bait', 'all', recipient => '1', cause => 'post:1:milestone:totalLikes:2', title => 'x');
INSERT INTO attacker.bait VALUES (1);
SET ROLE regress_owner;
SELECT herald.notify('1', 'order', 'Order 6', cause => 'order:6') > 0 AS notified;
SELECT herald.notify('1', 'order', 'Order 7', cause => 'order:7') > 0 AS notified;
INSERT INTO owner.likes VALUES (3, 1);
RESET ROLE;
SET herald.milestones = '2';
SELECT herald_internal.fold_totals();
RESET herald.milestones;
SELECT * FROM inbox WHERE owner = 'regress_owner';

-- Undo works as ever: one like goes, the other and the milestone with the post.
DELETE FROM owner.likes WHERE user_id = 3;
SELECT * FROM inbox WHERE cause LIKE 'post:1:like:3';
DELETE FROM owner.posts;
SELECT * FROM inbox WHERE cause LIKE 'post:%';
TRUNCATE herald.notification;

-- The owner of posts may act as the owner of their likes: the post takes the notifications of likes with it, but the
-- end of a like takes nothing of the posts' owner.
GRANT regress_owner TO regress_poster;
GRANT USAGE ON SCHEMA owner TO regress_poster;
ALTER TABLE owner.posts OWNER TO regress_poster;
SET ROLE regress_poster;
SELECT herald.watch_posts('owner.posts');
GRANT SELECT, REFERENCES ON owner.posts TO regress_owner;
SET ROLE regress_owner;
SELECT herald.watch_likes('owner.likes', actor => 'user_id');
RESET ROLE;
INSERT INTO owner.posts VALUES (1, 1);
INSERT INTO owner.likes VALUES (2, 1), (3, 1);
SET ROLE regress_poster;
SELECT count(herald.watch('owner.posts', 'own', recipient => '1', cause => 'post:{id}:own', title => 'x'));
INSERT INTO owner.posts VALUES (2, 1);
SET ROLE regress_owner;
SELECT herald.retract('post:2:own'), herald.retract('post:1:like:3');
RESET ROLE;
SELECT * FROM inbox;
ALTER TABLE owner.likes DROP CONSTRAINT likes_post_id_fkey;
DELETE FROM owner.posts;
SELECT * FROM inbox;
TRUNCATE herald.notification;

-- A superuser retracts all, also those of a role that is gone. A role gains nothing by it.
INSERT INTO herald.notification (recipient_id, type, title, cause, owner)
VALUES ('1', 'x', 'x', 'order:8', 'regress_gone'), ('1', 'x', 'x', 'order:9', 'regress_owner');
SET ROLE regress_owner;
SELECT herald.retract('order:8');
RESET ROLE;
SELECT herald.retract('order:*');

-- A deletion finds the notification by the index, whoever owns it.
INSERT INTO herald.notification (recipient_id, type, title, cause, owner)
SELECT n, 'x', 'x', 'post:' || n || ':like:1', 'regress_owner' FROM generate_series(1, 20000) AS n;
ANALYZE herald.notification;
BEGIN;
SELECT herald.retract('post:76:like:1');
SET LOCAL ROLE regress_owner;
SELECT herald.retract('post:77:like:1'), herald.retract('post:78:*');
RESET ROLE;
SELECT seq_tup_read < 1000 AS few_read, idx_tup_fetch < 1000 AS few_fetched FROM pg_stat_xact_user_tables
WHERE relid = 'herald.notification'::regclass;
COMMIT;

SELECT herald.unwatch('owner.likes'), herald.unwatch('owner.posts'), herald.unwatch('attacker.bait');
DROP VIEW inbox;
DROP SCHEMA attacker, owner CASCADE;
DROP OWNED BY regress_attacker, regress_owner, regress_poster;
DROP ROLE regress_attacker, regress_owner, regress_poster;
TRUNCATE herald.notification;
