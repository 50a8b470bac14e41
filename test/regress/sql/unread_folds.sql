-- Folds of unread counts: large inboxes are counted as fast as small ones, and exactly.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA folds;
SET search_path = folds, public;
TRUNCATE herald.notification, herald.read_mark;
-- The worker's maintenance would make folds, too, and trim inboxes.
DO $$ BEGIN PERFORM herald_internal.own_lock('herald_internal.log_fold', for_session => true); END $$;

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
-- Returns the counts of an inbox, and whether they are right by the definition of "unread".
CREATE FUNCTION counts(reader text) RETURNS TABLE (unread bigint, unseen bigint, exact boolean) LANGUAGE sql AS $$
	SELECT c.unread, c.unseen, c.unread = d.unread AND c.unseen = d.unseen
	FROM (SELECT herald.unread_count(reader) AS unread, herald.unseen_count(reader) AS unseen) AS c
	CROSS JOIN (SELECT count(*) AS unread,
	                   count(*) FILTER (WHERE coalesce(n.id > m.seen_until OR n.xid = ANY (m.seen_running), true))
	                   AS unseen
	            FROM herald.notification AS n LEFT JOIN herald.read_mark AS m ON m.user_id = n.recipient_id
	            WHERE n.recipient_id = reader AND herald.is_unread(n, m)) AS d;
$$;
CREATE FUNCTION notify(reader text, first int, last int) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(herald.notify(reader, 'comment', 'Note ' || n, cause => format('note:%s:%s', reader, n)))
	FROM generate_series(first, last) AS n;
$$;
CREATE FUNCTION ids(reader text, first int, last int) RETURNS bigint[] LANGUAGE sql AS $$
	SELECT array_agg(n.id) FROM herald.notification AS n
	WHERE n.recipient_id = reader AND substr(n.title, 6)::int BETWEEN first AND last;
$$;

-- A small inbox has no fold, and leaves no changes.
SELECT notify('ann', 1, 5);
SELECT herald_internal.fold_inbox('ann', 10);
SELECT herald.mark_read('ann', ids('ann', 1, 2));
SELECT count(*) AS folds, (SELECT count(*) FROM herald_internal.unread_change) AS changes
FROM herald_internal.unread_fold;
SELECT * FROM counts('ann');

-- Marking notifications changes no index: none has a column that changes.
SELECT count(*) FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid
WHERE i.indrelid = 'herald.notification'::regclass AND a.attname IN ('read_at', 'archived_at', 'retracted_at') AND
      (a.attnum = ANY (i.indkey) OR pg_get_expr(i.indpred, i.indrelid) LIKE '%' || a.attname || '%');
-- An inbox with many closed notifications above the mark has a fold, too: a count need not read them.
SELECT notify('fay', 1, 20);
SELECT herald.mark_read('fay', ids('fay', 1, 20));
SELECT herald_internal.fold_inbox('fay', 10);
SELECT count(*) AS folds FROM herald_internal.unread_fold;
SELECT herald.forget_user('fay');

-- Every change of a folded notification counts at once, and so do new ones.
SELECT notify('ben', 1, 100);
CALL fold('ben');
SELECT f.unread, f.unseen FROM herald_internal.unread_fold AS f;
SELECT * FROM counts('ben');
SELECT notify('ben', 101, 110);
SELECT herald.mark_read('ben', ids('ben', 1, 20));
SELECT herald.mark_unread('ben', ids('ben', 1, 5));
SELECT herald.archive('ben', ids('ben', 3, 8)), herald.archive('ben', ids('ben', 3, 4), false);
SELECT herald.retract('note:ben:30') + herald.retract('note:ben:31') + herald.retract('note:ben:105') AS retracted;
SELECT herald.notify('ben', 'comment', 'Note 30', cause => 'note:ben:30') IS NOT NULL AS again;
DELETE FROM herald.notification WHERE id = ANY (ids('ben', 40, 45));
SELECT user_id, sum(delta) FROM herald_internal.unread_change GROUP BY user_id;
SELECT * FROM counts('ben');
CALL fold('ben');
SELECT f.unread, f.unseen, (SELECT count(*) FROM herald_internal.unread_change) AS changes
FROM herald_internal.unread_fold AS f;
SELECT * FROM counts('ben');

-- A change that is rolled back is none.
BEGIN;
SELECT herald.mark_read('ben', ids('ben', 50, 55)) AS within;
SAVEPOINT s;
SELECT herald.mark_read('ben', ids('ben', 56, 60)) AS within;
ROLLBACK TO s;
SELECT * FROM counts('ben');
ROLLBACK; -- of the lock, too
DO $$ BEGIN PERFORM herald_internal.own_lock('herald_internal.log_fold', for_session => true); END $$;
SELECT * FROM counts('ben');

-- Marks of everything: as seen, as read, and unread again below the mark.
SELECT herald.mark_seen('ben');
SELECT * FROM counts('ben');
SELECT notify('ben', 201, 205), herald.mark_read('ben', ids('ben', 70, 71));
SELECT * FROM counts('ben');
CALL fold('ben');
SELECT * FROM counts('ben');
SELECT herald.mark_read('ben', ids('ben', 72, 72) || ids('ben', 205, 205));
SELECT * FROM counts('ben');
SELECT herald.mark_all_read('ben');
SELECT herald.mark_unread('ben', ids('ben', 80, 84));
SELECT notify('ben', 301, 312);
SELECT * FROM counts('ben');
CALL fold('ben');
SELECT * FROM counts('ben');
SELECT herald.mark_read('ben', ids('ben', 80, 80) || ids('ben', 301, 301));
SELECT * FROM counts('ben');

-- The fold of an inbox that is small again goes.
SELECT herald.mark_all_read('ben'), herald.trim_inbox('ben', keep => 4);
SELECT herald_internal.fold_inbox('ben', 10);
SELECT count(*) AS folds, (SELECT count(*) FROM herald_internal.unread_change) AS changes
FROM herald_internal.unread_fold;
SELECT * FROM counts('ben');

-- Many random changes.
CREATE TABLE wrong (step int, what int, unread bigint, unseen bigint);
CREATE PROCEDURE change_at_random(steps int) LANGUAGE plpgsql AS $$
DECLARE
	few bigint[];
	what int;
BEGIN
	FOR step IN 1 .. steps LOOP
		few := ARRAY(SELECT n.id FROM herald.notification AS n WHERE n.recipient_id = 'cat' ORDER BY random() LIMIT 7);
		what := floor(random() * 24);
		CASE what
			WHEN 0, 1, 2, 3, 4 THEN PERFORM notify('cat', 10 * step, 10 * step + 9);
			WHEN 5, 6, 7 THEN PERFORM herald.mark_read('cat', few);
			WHEN 8, 9 THEN PERFORM herald.mark_unread('cat', few);
			WHEN 10, 11 THEN PERFORM herald.archive('cat', few, random() < 0.7);
			WHEN 12, 13 THEN PERFORM herald.retract(n.cause) FROM herald.notification AS n WHERE n.id = ANY (few);
			WHEN 14 THEN PERFORM herald.notify('cat', 'comment', n.title, cause => n.cause)
				FROM herald.notification AS n WHERE n.recipient_id = 'cat' AND n.retracted_at IS NOT NULL;
			WHEN 15 THEN PERFORM herald.mark_seen('cat');
			WHEN 16 THEN IF random() < 0.2 THEN PERFORM herald.mark_all_read('cat'); END IF;
			WHEN 17 THEN DELETE FROM herald.notification AS n WHERE n.id = ANY (few);
			WHEN 18 THEN PERFORM herald.trim_inbox('cat', keep => 300);
			ELSE PERFORM herald_internal.fold_inbox('cat', 10);
		END CASE;
		COMMIT;
		INSERT INTO wrong SELECT step, what, c.unread, c.unseen FROM counts('cat') AS c WHERE NOT c.exact;
	END LOOP;
END
$$;
CALL change_at_random(600);
SELECT * FROM wrong;

-- The cost does not grow with the inbox: a count of 20,000 reads about as many blocks as one of 500.
CREATE FUNCTION blocks(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE query; -- plans it
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) ' || query INTO plan;
	RETURN (plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::int + (plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::int;
END
$$;
INSERT INTO herald.notification (recipient_id, type, title)
SELECT r.id, 'system', 'Note ' || n
FROM (VALUES ('dan', 500), ('eve', 20000)) AS r (id, count), generate_series(1, r.count) AS n;
CALL fold('dan');
CALL fold('eve');
SELECT * FROM counts('eve');
SELECT c.name, blocks(format(c.query, 'eve')) <= blocks(format(c.query, 'dan')) + 20 AS flat
FROM (VALUES ('unread', 'SELECT herald.unread_count(%L)'), ('unseen', 'SELECT herald.unseen_count(%L)'))
	AS c (name, query);

-- An inbox that grows gets a fold soon, and the fold goes on soon, however long nothing has come: the log tells.
CREATE PROCEDURE grow(reader text) LANGUAGE plpgsql AS $$
BEGIN
	FOR n IN 1..1000 LOOP
		PERFORM herald_internal.fold_busy_inboxes();
		COMMIT;
		EXIT WHEN EXISTS (SELECT FROM herald_internal.unread_fold AS f WHERE f.user_id = reader AND f.folded_until =
		                  (SELECT max(n.id) FROM herald.notification AS n WHERE n.recipient_id = reader));
	END LOOP;
END
$$;
CREATE VIEW unfolded AS
SELECT f.busy, count(*) FILTER (WHERE n.id > f.folded_until) AS notifications
FROM herald_internal.unread_fold AS f JOIN herald.notification AS n ON n.recipient_id = f.user_id
WHERE f.user_id = 'gil'
GROUP BY f.busy;
SELECT notify('gil', 1, 600);
CALL grow('gil');
SELECT notifications FROM unfolded;
UPDATE herald_internal.unread_fold SET busy = false;
SELECT notify('gil', 601, 640);
CALL grow('gil');
SELECT * FROM unfolded;
SELECT notify('gil', 641, 660);
CALL grow('gil');
SELECT notifications FROM unfolded;
SELECT * FROM counts('gil');
SELECT herald.forget_user('gil');

-- The maintenance makes the folds of large inboxes.
TRUNCATE herald.notification;
SELECT count(*) AS folds FROM herald_internal.unread_fold;
INSERT INTO herald.notification (recipient_id, type, title)
SELECT 'eve', 'system', 'Note ' || n FROM generate_series(1, 1000) AS n;
DO $$ BEGIN PERFORM herald_internal.own_unlock('herald_internal.log_fold'); END $$;
DO $$
BEGIN
	LOOP
		PERFORM herald.maintain();
		COMMIT;
		EXIT WHEN EXISTS (SELECT FROM herald_internal.unread_fold AS f WHERE f.unread = 1000);
	END LOOP;
END
$$;
SELECT * FROM counts('eve');
SELECT herald.forget_user('eve');
SELECT count(*) AS folds FROM herald_internal.unread_fold;

TRUNCATE herald.notification, herald.read_mark;
SET client_min_messages = error;
DROP SCHEMA folds CASCADE;
