-- Follow requests in a table of their own, beside that of follows.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA fr;
CREATE TABLE fr.users (id int PRIMARY KEY, username text);
CREATE TABLE fr.follows (account_id int REFERENCES fr.users, target_account_id int REFERENCES fr.users);
CREATE TABLE fr.follow_requests (account_id int REFERENCES fr.users, target_account_id int REFERENCES fr.users);
INSERT INTO fr.users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
SELECT herald.watch_users('fr.users'), herald.watch_follows('fr.follows', follower => 'account_id');
-- Requests are no follows.
SELECT herald.watch_follows('fr.follow_requests', follower => 'account_id');
SET client_min_messages = notice;
SELECT herald.watch_follow_requests('fr.follow_requests', follower => 'account_id');
SET client_min_messages = warning;
CREATE TABLE fr.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION fr.heard() RETURNS TABLE (rooms text, event text, joins text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM fr.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE fr.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name, r.joins FROM read AS r WHERE r.name !~ '^notification';
$$;
CREATE VIEW fr.told AS
	SELECT recipient_id AS told, type, title, cause FROM herald.notification WHERE retracted_at IS NULL ORDER BY id;
TRUNCATE herald.notification;

-- A request is neither a follow nor a place in the feed. It goes when it is withdrawn.
INSERT INTO fr.follow_requests VALUES (2, 1), (3, 1);
SELECT * FROM fr.told;
SELECT * FROM fr.heard();
SELECT herald.may_join('2', 'feed:1');
DELETE FROM fr.follow_requests WHERE account_id = 3;
SELECT * FROM fr.told;
-- The follow is inserted while the request exists: it is accepted.
BEGIN;
INSERT INTO fr.follows VALUES (2, 1);
DELETE FROM fr.follow_requests;
COMMIT;
SELECT * FROM fr.told;
SELECT * FROM fr.heard();
-- The end of the follow takes that back. A follow without a request is a follow.
DELETE FROM fr.follows;
INSERT INTO fr.follows VALUES (3, 1);
SELECT * FROM fr.told;
-- Where the request goes first, nothing tells of it.
TRUNCATE herald.notification;
INSERT INTO fr.follow_requests VALUES (2, 1);
BEGIN;
DELETE FROM fr.follow_requests;
INSERT INTO fr.follows VALUES (2, 1);
COMMIT;
SELECT * FROM fr.told;

-- Requests that do not count: they enter and leave by the condition, with undo, and the follow accepts those that do.
ALTER TABLE fr.follow_requests ADD withdrawn boolean NOT NULL DEFAULT false;
SELECT herald.watch_follow_requests('fr.follow_requests', follower => 'account_id', active => 'NOT withdrawn');
DELETE FROM fr.follows;
TRUNCATE herald.notification;
INSERT INTO fr.follow_requests VALUES (2, 1, true), (3, 1, false);
SELECT * FROM fr.told;
UPDATE fr.follow_requests SET withdrawn = NOT withdrawn;
SELECT * FROM fr.told;
BEGIN;
INSERT INTO fr.follows VALUES (2, 1), (3, 1);
DELETE FROM fr.follow_requests;
COMMIT;
SELECT * FROM fr.told;

-- The order of the calls does not matter, and neither that the requests are forgotten.
SELECT herald.watch_follows('fr.follows', follower => 'account_id');
SELECT rule FROM herald.watched WHERE relation = 'fr.follows'::regclass AND change = operation ORDER BY rule;
SELECT herald.unwatch('fr.follow_requests');
SELECT rule FROM herald.watched WHERE relation = 'fr.follows'::regclass AND change = operation ORDER BY rule;
SELECT herald.unwatch('fr.follows'), herald.unwatch('fr.users');
SELECT s FROM herald.suggest() AS s WHERE s LIKE '%request%';
DROP SCHEMA fr CASCADE;
TRUNCATE herald.notification;
