-- Folds of groups: a page of the grouped inbox costs the same whatever the inbox holds, and is exact.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA folds;
SET search_path = folds, public;
TRUNCATE herald.notification, herald.read_mark;
-- The worker's maintenance would make folds, too, and trim inboxes.
DO $$ BEGIN PERFORM herald_internal.own_lock('herald_internal.log_fold', for_session => true); END $$;
INSERT INTO herald.notification_type (name, title, group_by, group_title)
VALUES ('folded_post', '{actor} posted', 'actor', '{actor} posted {count} times');

-- Calls fold_inbox() until a fold of the inbox includes its newest notification. Each step waits for transactions.
CREATE PROCEDURE fold(reader text) LANGUAGE plpgsql AS $$
BEGIN
	LOOP
		PERFORM herald_internal.fold_inbox(reader, 10);
		COMMIT;
		EXIT WHEN (SELECT f.folded_until FROM herald_internal.unread_fold AS f WHERE f.user_id = reader) =
		          (SELECT max(n.id) FROM herald.notification AS n WHERE n.recipient_id = reader);
	END LOOP;
END
$$;

-- The groups of an inbox by their definition, from all of its notifications.
CREATE FUNCTION defined(reader text) RETURNS TABLE (id bigint, group_key text, actors jsonb, actor_count bigint,
                                                    count bigint, unread bigint, first_unread bigint) LANGUAGE sql AS $$
	WITH listed AS MATERIALIZED (
		SELECT n.id, n.actor_id, n.actor_name, herald.is_unread(n, m) AS unread,
		       CASE t.group_by WHEN 'subject' THEN format('%s:%s:%s', n.type, n.subject_type, n.subject_id)
		                       WHEN 'actor' THEN format('%s by %s', n.type, n.actor_id)
		                       ELSE n.id::text END AS group_key
		FROM herald.notification AS n
		LEFT JOIN herald.read_mark AS m ON m.user_id = n.recipient_id
		JOIN herald.notification_type AS t ON t.name = n.type
		WHERE n.recipient_id = reader AND n.archived_at IS NULL AND n.retracted_at IS NULL
	), named AS MATERIALIZED (
		SELECT o.*, row_number() OVER (PARTITION BY o.group_key ORDER BY o.id DESC) AS place
		FROM (SELECT DISTINCT ON (group_key, actor_id) * FROM listed
		      WHERE actor_id IS NOT NULL ORDER BY group_key, actor_id, id DESC) AS o
	)
	SELECT max(l.id), l.group_key,
	       coalesce((SELECT jsonb_agg(jsonb_build_object('id', a.actor_id, 'name', a.actor_name) ORDER BY a.id DESC)
	                 FROM named AS a WHERE a.group_key = l.group_key AND a.place <= 3), '[]'),
	       count(DISTINCT l.actor_id), count(*), count(*) FILTER (WHERE l.unread), min(l.id) FILTER (WHERE l.unread)
	FROM listed AS l
	GROUP BY l.group_key;
$$;
CREATE FUNCTION shown(reader text) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT g.id, g.group_key, g.actors, g.actor_count, g.count, g.unread, g.first_unread
	FROM herald.inbox_groups(reader, max => 10000) AS g;
$$;
-- Returns the numbers of groups and of unread ones, and whether all that is shown is right.
CREATE FUNCTION groups(reader text) RETURNS TABLE (groups bigint, unread bigint, exact boolean) LANGUAGE sql AS $$
	WITH defined AS MATERIALIZED (
		SELECT * FROM defined(reader)
	), shown AS MATERIALIZED (
		SELECT * FROM shown(reader) AS s (id bigint, group_key text, actors jsonb, actor_count bigint, count bigint,
		                                  unread bigint, first_unread bigint)
	)
	SELECT (SELECT count(*) FROM shown), herald.unread_count(reader, true),
	       NOT EXISTS (SELECT * FROM defined EXCEPT SELECT * FROM shown) AND
	       NOT EXISTS (SELECT * FROM shown EXCEPT ALL SELECT * FROM defined) AND
	       herald.unread_count(reader, true) = (SELECT count(*) FROM defined AS d WHERE d.unread > 0) AND
	       (SELECT array_agg(g.id) FROM herald.inbox_groups(reader, max => 5, only_unread => true) AS g)
	       IS NOT DISTINCT FROM
	       (SELECT array_agg(d.id ORDER BY d.id DESC) FROM (SELECT * FROM defined AS o WHERE o.unread > 0
	        ORDER BY o.id DESC LIMIT 5) AS d) AND
	       (SELECT array_agg(g.id) FROM herald.inbox_groups(reader, (SELECT max(d.id) FROM defined AS d), 3) AS g)
	       IS NOT DISTINCT FROM
	       (SELECT array_agg(d.id ORDER BY d.id DESC)
	        FROM (SELECT * FROM defined AS o ORDER BY o.id DESC OFFSET 1 LIMIT 3) AS d);
$$;
-- Notifies a reader of likes of posts 1 to 5, of posts of friends and of comments.
CREATE FUNCTION notify(reader text, first int, last int) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(CASE WHEN n % 7 < 4
	             THEN herald.notify(reader, 'like', actor => format('a%s', n % 9), subject_type => 'post',
	                                subject_id => format('%s', n % 5), cause => format('%s:%s', reader, n))
	             WHEN n % 7 < 6
	             THEN herald.notify(reader, 'folded_post', actor => format('a%s', n % 4),
	                                cause => format('%s:%s', reader, n))
	             ELSE herald.notify(reader, 'comment', 'Comment', actor => CASE WHEN n % 2 = 0 THEN 'a1' END,
	                                cause => format('%s:%s', reader, n)) END)
	FROM generate_series(first, last) AS n;
$$;
CREATE FUNCTION ids(reader text, first int, last int) RETURNS bigint[] LANGUAGE sql AS $$
	SELECT array_agg(n.id) FROM herald.notification AS n
	WHERE n.recipient_id = reader AND split_part(n.cause, ':', 2)::int BETWEEN first AND last;
$$;

-- Marks a group or a subject, and returns the notifications that this leaves wrong: those of it that are still unread,
-- and others that no longer are.
CREATE FUNCTION wrongly_marked(reader text, key text, marking text) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
	unread_query CONSTANT text := $query$
		SELECT array_agg(n.id ORDER BY n.id) FROM herald.notification AS n
		LEFT JOIN herald.read_mark AS m ON m.user_id = n.recipient_id
		LEFT JOIN herald.notification_type AS t ON t.name = n.type
		WHERE n.recipient_id = $1 AND herald.is_unread(n, m) AND
		      (CASE WHEN $3 = 'mark_subject_read' THEN n.subject_type || ':' || n.subject_id
		            WHEN t.group_by = 'subject' THEN format('%s:%s:%s', n.type, n.subject_type, n.subject_id)
		            WHEN t.group_by = 'actor' THEN format('%s by %s', n.type, n.actor_id)
		            ELSE n.id::text END = $2) IS NOT TRUE $query$;
	expected bigint[];
	found bigint[];
BEGIN
	EXECUTE unread_query INTO expected USING reader, key, marking;
	IF marking = 'mark_subject_read' THEN
		PERFORM herald.mark_subject_read(reader, split_part(key, ':', 1), split_part(key, ':', 2));
	ELSE
		PERFORM herald.mark_group_read(reader, key);
	END IF;
	EXECUTE unread_query INTO found USING reader, NULL::text, marking;
	RETURN ARRAY((SELECT unnest(found) EXCEPT SELECT unnest(expected)) UNION
	             (SELECT unnest(expected) EXCEPT SELECT unnest(found)));
END
$$;

-- Newer notifications are added to the groups of the fold.
SELECT notify('ben', 1, 100);
SELECT * FROM groups('ben');
CALL fold('ben');
SELECT f.unread_groups, (SELECT count(*) FROM herald_internal.inbox_group) AS groups,
       (SELECT count(*) FROM herald_internal.group_member) AS members
FROM herald_internal.unread_fold AS f;
SELECT * FROM groups('ben');
SELECT notify('ben', 101, 120),
       herald.notify('ben', 'like', actor => 'zoe', subject_type => 'post', subject_id => '1') > 0 AS new;
SELECT * FROM groups('ben');
CALL fold('ben');
SELECT * FROM groups('ben');

-- Changes of folded notifications count at once: also of those that were read before.
SELECT herald.mark_read('ben', ids('ben', 1, 20)), herald.retract('ben:3') + herald.retract('ben:101') AS retracted;
SELECT * FROM groups('ben');
CALL fold('ben');
SELECT herald.retract('ben:5') + herald.retract('ben:6') AS retracted, herald.archive('ben', ids('ben', 7, 9));
SELECT * FROM groups('ben');
SELECT herald.notify('ben', 'like', actor => 'a3', subject_type => 'post', subject_id => '3',
                     cause => 'ben:3') IS NULL AS restored,
       herald.archive('ben', ids('ben', 8, 8), false);
SELECT * FROM groups('ben');
CALL fold('ben');
-- One that is restored with another type, subject or actor has another group.
SELECT herald.retract('ben:45') + herald.retract('ben:46') + herald.retract('ben:47') AS retracted;
SELECT count(herald.notify('ben', r.type, actor => r.actor, subject_type => 'post', subject_id => r.post,
                           cause => r.cause)) AS new
FROM (VALUES ('folded_post', 'a1', '1', 'ben:45'), ('like', 'a2', '77', 'ben:46'), ('like', 'new', '2', 'ben:47'))
	AS r (type, actor, post, cause);
SELECT * FROM groups('ben');
CALL fold('ben');
SELECT * FROM groups('ben');
SELECT count(*) AS members FROM herald_internal.group_member;
DELETE FROM herald.notification WHERE id = ANY (ids('ben', 5, 40));
SELECT * FROM groups('ben');
CALL fold('ben');
SELECT * FROM groups('ben');
SELECT count(*) = (SELECT count(*) FROM herald.notification AS n WHERE n.recipient_id = 'ben') AS no_ghosts
FROM herald_internal.group_member;

-- Marks of everything, before and after the fold knows them.
SELECT notify('ben', 201, 210), herald.mark_all_read('ben');
SELECT notify('ben', 211, 215);
SELECT * FROM groups('ben');
SELECT herald.mark_unread('ben', ids('ben', 41, 44) || ids('ben', 205, 206));
SELECT * FROM groups('ben');
CALL fold('ben');
SELECT * FROM groups('ben');
-- A group is marked with its folded notifications, the newer ones, the changed ones and the reopened ones.
SELECT herald.mark_unread('ben', ids('ben', 47, 60)) > 0 AS reopened, notify('ben', 216, 225);
SELECT g.group_key, g.unread > 0 AS unread, wrongly_marked('ben', g.group_key, 'mark_group_read')
FROM herald.inbox_groups('ben') AS g WHERE g.group_key ~ ':post:[13]$' ORDER BY g.group_key;
SELECT wrongly_marked('ben', 'post:4', 'mark_subject_read'), wrongly_marked('ben', 'like:post:no', 'mark_group_read');
SELECT * FROM groups('ben');

-- A type that is grouped otherwise needs other groups: the fold begins anew.
UPDATE herald.notification_type SET group_by = 'subject' WHERE name = 'folded_post';
SELECT herald_internal.fold_inbox('ben', 10);
SELECT count(*) AS folds, (SELECT count(*) FROM herald_internal.inbox_group) AS groups,
       (SELECT count(*) FROM herald_internal.group_member) AS members
FROM herald_internal.unread_fold;
UPDATE herald.notification_type SET group_by = 'actor' WHERE name = 'folded_post';
CALL fold('ben');
UPDATE herald.notification_type SET group_by = 'none' WHERE name = 'folded_post';
SELECT * FROM groups('ben');
UPDATE herald.notification_type SET group_by = 'actor' WHERE name = 'folded_post';

-- A change that is rolled back is none.
BEGIN;
SELECT herald.mark_read('ben', ids('ben', 50, 90)), herald.retract('ben:60');
ROLLBACK; -- of the lock, too
DO $$ BEGIN PERFORM herald_internal.own_lock('herald_internal.log_fold', for_session => true); END $$;
SELECT * FROM groups('ben');

-- Keys that no index takes harm no fold.
SELECT count(herald.notify('lea', 'like', 'Long', actor => repeat(md5(n::text), 200), subject_type => 'post',
                           subject_id => repeat(md5(n::text), 300)))
FROM generate_series(1, 20) AS n;
CALL fold('lea');
SELECT * FROM groups('lea');
SELECT herald.forget_user('lea');
SELECT count(*) FROM herald_internal.group_member AS e WHERE e.user_id = 'lea';

-- Many random changes.
CREATE TABLE wrong (step int, what int, groups bigint, unread bigint);
CREATE TABLE wrongly_marked_ids (step int, id bigint);
CREATE PROCEDURE change_at_random(steps int) LANGUAGE plpgsql AS $$
DECLARE
	few bigint[];
	what int;
BEGIN
	FOR step IN 1 .. steps LOOP
		few := ARRAY(SELECT n.id FROM herald.notification AS n WHERE n.recipient_id = 'cat' ORDER BY random() LIMIT 7);
		what := floor(random() * 27);
		CASE what
			WHEN 0, 1, 2, 3, 4 THEN PERFORM notify('cat', 10 * step, 10 * step + 9);
			WHEN 5, 6, 7 THEN PERFORM herald.mark_read('cat', few);
			WHEN 8, 9 THEN PERFORM herald.mark_unread('cat', few);
			WHEN 10, 11 THEN PERFORM herald.archive('cat', few, random() < 0.7);
			WHEN 12, 13 THEN PERFORM herald.retract(n.cause) FROM herald.notification AS n WHERE n.id = ANY (few);
			WHEN 14 THEN PERFORM herald.notify('cat', o.type, o.title, actor => o.actor_id, subject_id => o.subject_id,
				                               subject_type => o.subject_type, cause => n.cause)
				FROM herald.notification AS n, herald.notification AS o
				WHERE n.recipient_id = 'cat' AND n.retracted_at IS NOT NULL AND
				      o.id = CASE WHEN n.id % 2 = 0 THEN n.id ELSE few[1 + n.id % 7] END;
			WHEN 15 THEN INSERT INTO wrongly_marked_ids
				SELECT step, unnest(wrongly_marked('cat', g.group_key, 'mark_group_read'))
				FROM (SELECT * FROM herald.inbox_groups('cat', max => 50) ORDER BY random() LIMIT 1) AS g;
			WHEN 26 THEN INSERT INTO wrongly_marked_ids
				SELECT step, unnest(wrongly_marked('cat', format('post:%s', step % 5), 'mark_subject_read'));
			WHEN 16 THEN IF random() < 0.3 THEN PERFORM herald.mark_all_read('cat'); END IF;
			WHEN 17 THEN DELETE FROM herald.notification AS n WHERE n.id = ANY (few);
			WHEN 18 THEN PERFORM herald.trim_inbox('cat', keep => 300);
			WHEN 19 THEN PERFORM herald.mark_seen('cat');
			ELSE PERFORM herald_internal.fold_inbox('cat', 10);
		END CASE;
		COMMIT;
		INSERT INTO wrong SELECT step, what, g.groups, g.unread FROM groups('cat') AS g WHERE NOT g.exact;
	END LOOP;
END
$$;
CALL change_at_random(300);
SELECT * FROM wrong;
SELECT * FROM wrongly_marked_ids;
CALL fold('cat');
SELECT f.unread = (SELECT sum(g.unread) FROM herald_internal.inbox_group AS g WHERE g.user_id = 'cat') AS sums_agree
FROM herald_internal.unread_fold AS f WHERE f.user_id = 'cat';

-- The cost does not grow with the inbox: a page of 20,000 reads about as many blocks as one of 500.
CREATE FUNCTION blocks(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE query; -- plans it
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) ' || query INTO plan;
	RETURN (plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::int + (plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::int;
END
$$;
INSERT INTO herald.notification (recipient_id, type, title, actor_id, actor_name, subject_type, subject_id)
SELECT r.id, 'like', 'Note ' || n, n / 100, 'Name', 'post', n % 100
FROM (VALUES ('dan', 500), ('eve', 20000)) AS r (id, count), generate_series(1, r.count) AS n;
CALL fold('dan');
CALL fold('eve');
SELECT * FROM groups('eve');
SELECT c.name, blocks(format(c.query, 'eve')) <= blocks(format(c.query, 'dan')) + 20 AS flat
FROM (VALUES ('page', 'SELECT herald.inbox_groups(%L, max => 10)'),
             ('unread page', 'SELECT herald.inbox_groups(%L, max => 10, only_unread => true)'),
             ('count', 'SELECT herald.unread_count(%L, true)'))
	AS c (name, query);
-- The same with a few new ones, in groups that are folded.
INSERT INTO herald.notification (recipient_id, type, title, actor_id, actor_name, subject_type, subject_id)
SELECT r.id, 'like', 'New ' || n, 1000 + n, 'Name', 'post', n
FROM (VALUES ('dan'), ('eve')) AS r (id), generate_series(1, 10) AS n;
SELECT c.name, blocks(format(c.query, 'eve')) <= blocks(format(c.query, 'dan')) + 40 AS flat
FROM (VALUES ('page', 'SELECT herald.inbox_groups(%L, max => 10)'), ('count', 'SELECT herald.unread_count(%L, true)'))
	AS c (name, query);
SELECT * FROM groups('eve');

-- A mark of a group reads that group only, and a mark of a subject nothing below the first that may be unread.
CREATE FUNCTION rows_read(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT s.seq_tup_read + s.idx_tup_fetch FROM pg_stat_xact_user_tables AS s
	                  WHERE s.relid = 'herald.notification'::regclass);
BEGIN
	EXECUTE query;
	RETURN (SELECT s.seq_tup_read + s.idx_tup_fetch FROM pg_stat_xact_user_tables AS s
	        WHERE s.relid = 'herald.notification'::regclass) - before;
END
$$;
INSERT INTO herald.notification (recipient_id, type, title, actor_id, actor_name, subject_type, subject_id)
SELECT 'fay', 'like', 'Note ' || n, n, 'Name', 'post', CASE WHEN n % 700 = 7 THEN 0 ELSE n END
FROM generate_series(1, 2000) AS n;
CALL fold('fay');
SELECT rows_read($$SELECT herald.mark_group_read('fay', 'like:post:0')$$) < 50 AS few_read;
SELECT herald.unread_count('fay');
SELECT herald.mark_all_read('fay');
SELECT herald.mark_unread('fay', ARRAY(SELECT n.id FROM herald.inbox('fay', max => 3) AS n));
SELECT rows_read($$SELECT herald.mark_subject_read('fay', 'post', '2000')$$) < 50 AS few_read;
SELECT herald.unread_count('fay');
-- Other marks read the rows that they are given.
SELECT m.mark, rows_read(format('SELECT herald.%s(%L, (SELECT array_agg(i.id) FROM herald.inbox(%L, max => 2) AS i))',
                                m.mark, 'fay', 'fay')) < 50 AS few_read
FROM (VALUES ('mark_unread'), ('mark_read'), ('archive')) AS m (mark);
-- A conversation is marked up to a message. Its mark does not read the rest of the inbox.
CREATE TABLE users (id int PRIMARY KEY, username text);
CREATE TABLE members (conversation_id text, user_id int REFERENCES users, status text NOT NULL DEFAULT 'accepted');
CREATE TABLE messages (id text PRIMARY KEY, conversation_id text, sender_id int REFERENCES users, body text);
INSERT INTO users VALUES (1, 'ana'), (2, 'ben');
SELECT herald.watch_users('users'), herald.watch_members('members', status => 'status'),
       herald.watch_messages('messages') \g /dev/null
INSERT INTO members VALUES ('a:\1', 1), ('a:\1', 2);
INSERT INTO herald.notification (recipient_id, type, title) SELECT 1, 'system', n FROM generate_series(1, 2000) AS n;
INSERT INTO messages SELECT 'm:' || n, 'a:\1', 2, n FROM generate_series(1, 4) AS n;
SELECT herald.mark_all_read('1');
INSERT INTO messages SELECT 'm:' || n, 'a:\1', 2, n FROM generate_series(5, 9) AS n;
SELECT rows_read($$SELECT herald.mark_conversation_read('1', 'a:\1', 'm:7')$$) < 50 AS few_read,
       herald.unread_count('1');
SELECT rows_read($$SELECT herald.mark_conversation_read('1', 'a:\1', 'm:3')$$) < 50 AS few_read,
       herald.unread_count('1');
SELECT title, content FROM herald.inbox('1', only_unread => true);
-- So it is with a message without a notification, as the member's own.
INSERT INTO messages VALUES ('m:75', 'a:\1', 1, 'own');
SELECT rows_read($$SELECT herald.mark_conversation_read('1', 'a:\1', 'm:75')$$) < 50 AS few_read,
       herald.unread_count('1');
INSERT INTO messages VALUES ('m:95', 'a:\1', 1, 'own');
SELECT herald.mark_conversation_read('1', 'a:\1', 'm:95');
-- The notification may have been a request, of this message or of an earlier one.
INSERT INTO members VALUES ('b', 2, 'accepted'), ('b', 1, 'pending');
INSERT INTO messages VALUES ('b:1', 'b', 2, 'first'), ('b:2', 'b', 2, 'second');
SELECT type, content FROM herald.inbox('1', only_unread => true);
UPDATE members SET status = 'accepted' WHERE conversation_id = 'b';
INSERT INTO messages SELECT 'b:' || n, 'b', 2, n FROM generate_series(3, 5) AS n;
SELECT m.id, herald.mark_conversation_read('1', 'b', m.id) FROM messages AS m WHERE m.conversation_id = 'b' ORDER BY 1;
SELECT herald.unwatch_all();

TRUNCATE herald.notification, herald.read_mark;
SELECT count(*) AS groups, (SELECT count(*) FROM herald_internal.group_member) AS members
FROM herald_internal.inbox_group;
DELETE FROM herald.notification_type WHERE name = 'folded_post';
DO $$ BEGIN PERFORM herald_internal.own_unlock('herald_internal.log_fold'); END $$;
SET client_min_messages = error;
DROP SCHEMA folds CASCADE;
