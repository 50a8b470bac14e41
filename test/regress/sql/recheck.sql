-- Rechecks: the log says when access to rooms may have changed, and sessions ask again for their rooms.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA rc;
CREATE TABLE rc.posts (id int PRIMARY KEY, user_id int, audience text NOT NULL DEFAULT 'public');
CREATE TABLE rc.comments (id int PRIMARY KEY, post_id int REFERENCES rc.posts, user_id int, body text);
CREATE TABLE rc.guests (post_id int, user_id int, note text);
INSERT INTO rc.posts VALUES (1, 10), (2, 20);
CREATE TABLE rc.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION rc.heard() RETURNS TABLE (name text, rooms text[], "user" text, room text, access text)
LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM rc.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE rc.mark SET position = (SELECT r.position FROM read AS r WHERE r.name IS NULL))
	SELECT r.name, r.rooms, r.recheck_user, r.recheck_room, r.access
	FROM read AS r WHERE r.name IS NOT NULL ORDER BY r.id
$$;

-- By hand: of a user, of a room, or of both.
SELECT herald.recheck(user_id => '7') > 0 AS "user", herald.recheck(room => 'hall:1') > 0 AS room,
       herald.recheck('7', 'hall:1') > 0 AS both;
SELECT herald.recheck();
SELECT herald.recheck(room => '*');
SELECT herald.recheck('7', '');
SELECT count(*) FROM rc.mark AS m, herald.read_events(m.position, rooms => '{hall:1}') AS e WHERE e.name IS NOT NULL;
SELECT * FROM rc.heard();

-- By a rule: an update rechecks the users and rooms of the old and the new row, each once.
SELECT herald.watch('rc.guests', 'guests', '{insert,update,delete}', recheck_user => '{user_id}',
                    recheck_room => 'post:{post_id}');
INSERT INTO rc.guests VALUES (1, 7), (1, 8), (1, 7), (NULL, 9), (1, NULL);
SELECT * FROM rc.heard();
UPDATE rc.guests SET user_id = 9 WHERE user_id = 8;
UPDATE rc.guests SET note = 'x' WHERE user_id = 7;
UPDATE rc.guests SET note = 'x' WHERE user_id = 7;
SELECT * FROM rc.heard();
DELETE FROM rc.guests;
SELECT * FROM rc.heard();

-- Rows of a key that are active or not, other tables, and a recheck before the event of the same rule.
SELECT herald.watch('rc.guests', 'guests', '{insert,delete}', active => $$it.note <> 'out'$$, key => 'user_id',
	joins => 'JOIN rc.posts AS post ON post.id = changed.post_id', recheck_room => 'author:{post.user_id}',
	event => 'guest:changed', room => 'post:{post_id}');
INSERT INTO rc.guests VALUES (1, 7, 'in'), (2, 8, 'out'), (3, 9, 'in');
UPDATE rc.guests SET note = 'in' WHERE user_id = 8;
UPDATE rc.guests SET note = 'still in' WHERE user_id = 8;
UPDATE rc.guests SET note = 'out' WHERE user_id = 7;
SELECT * FROM rc.heard();
SELECT herald.watch('rc.guests', 'guests', recheck_user => '{user_id}');
INSERT INTO rc.guests VALUES (1, 8), (2, NULL);
SELECT * FROM rc.heard();
SELECT herald.watch('rc.guests', 'guests');
SELECT herald.unwatch('rc.guests');

SELECT herald.unwatch_all();
DROP SCHEMA rc CASCADE;
