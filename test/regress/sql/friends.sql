-- Friendships are follows in both directions, and reactions have a kind.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA fr;
CREATE TABLE fr.users (id int PRIMARY KEY, username text NOT NULL UNIQUE);
CREATE TABLE fr.posts (id int PRIMARY KEY, user_id int REFERENCES fr.users, body text);
CREATE TABLE fr.friendships (requester_id int REFERENCES fr.users, addressee_id int REFERENCES fr.users,
	state text NOT NULL DEFAULT 'pending', PRIMARY KEY (requester_id, addressee_id));
CREATE TABLE fr.reactions (user_id int REFERENCES fr.users, post_id int REFERENCES fr.posts, kind text NOT NULL,
	PRIMARY KEY (user_id, post_id, kind));
INSERT INTO fr.users VALUES (1, 'ann'), (2, 'ben'), (3, 'cat');
SELECT herald.watch_users('fr.users'),
       herald.watch_posts('fr.posts', notify_followers => true),
       herald.watch_follows('fr.friendships', status => 'state', mutual => true),
       herald.watch_likes('fr.reactions', kind => 'kind');

CREATE TABLE fr.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION fr.heard() RETURNS TABLE (rooms text, event text, membership text, follower text, total text, kind text)
LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM fr.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE fr.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name,
	       coalesce(r.member_id || ' joins ' || r.joins, r.member_id || ' leaves ' || r.leaves),
	       r.payload::jsonb ->> 'followerName',
	       coalesce(r.payload::jsonb ->> 'totalFollowers', r.payload::jsonb ->> 'totalLikes'),
	       r.payload::jsonb ->> 'kind'
	FROM read AS r
	WHERE r.name NOT LIKE 'notification:%' AND r.name NOT IN ('post:created', 'post:updated', 'post:deleted');
$$;
CREATE FUNCTION fr.told() RETURNS TABLE (recipient text, title text, data jsonb) LANGUAGE sql AS $$
	WITH told AS (DELETE FROM herald.notification AS n RETURNING n.*)
	SELECT recipient_id, title, data FROM told WHERE retracted_at IS NULL ORDER BY id;
$$;
DELETE FROM herald.notification;

-- A request tells the addressee and opens nothing; its acceptance tells the requester and opens both feeds.
INSERT INTO fr.friendships VALUES (2, 1);
SELECT * FROM fr.told();
SELECT * FROM fr.heard();
SELECT u, f, herald.may_join(u, 'feed:' || f) FROM (VALUES ('1', '2'), ('2', '1')) AS t (u, f);
UPDATE fr.friendships SET state = 'accepted';
SELECT * FROM fr.told();
SELECT * FROM fr.heard();
SELECT u, f, herald.may_join(u, 'feed:' || f) FROM (VALUES ('1', '2'), ('2', '1')) AS t (u, f);
-- Either user's friends are told of a post.
INSERT INTO fr.posts VALUES (10, 1, 'by ann'), (11, 2, 'by ben'), (12, 3, 'by cat');
SELECT * FROM fr.told();
DELETE FROM fr.friendships;
SELECT * FROM fr.heard();
SELECT u, f, herald.may_join(u, 'feed:' || f) FROM (VALUES ('1', '2'), ('2', '1')) AS t (u, f);

-- Each kind of reaction is one of its own. Another kind replaces the notification.
INSERT INTO fr.reactions VALUES (2, 10, 'angry'), (3, 10, 'love'), (3, 10, 'wow');
SELECT recipient_id, type, title, cause, data FROM herald.notification ORDER BY id;
SELECT * FROM fr.heard();
UPDATE fr.reactions SET kind = 'love' WHERE user_id = 2;
DELETE FROM fr.reactions WHERE kind = 'wow';
SELECT * FROM fr.told();
SELECT * FROM fr.heard();
-- Without "kind" the call names the column, and shows the argument.
SET client_min_messages = notice;
SELECT herald.watch_likes('fr.reactions');
SET client_min_messages = warning;
SELECT herald.unwatch_all();
DROP SCHEMA fr CASCADE;
TRUNCATE herald.notification;
