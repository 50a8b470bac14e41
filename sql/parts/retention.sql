-- ---------------------------------------------------------------------------
-- Retention of inboxes, and upkeep of read marks
-- ---------------------------------------------------------------------------

-- The inbox that was tended last. Each call tends a few inboxes and goes on behind it, round and round.
CREATE TABLE herald_internal.inbox_progress (
	recipient_id text COLLATE "C" NOT NULL,
	only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
INSERT INTO herald_internal.inbox_progress VALUES ('');
COMMENT ON TABLE herald_internal.inbox_progress IS 'the inbox that was tended last';

-- Removes old and surplus notifications from one inbox: retracted and read ones first, oldest first. If an inbox
-- holds far more than its limit, trim_inbox() cuts off its end without ranking, so that a call does a bounded amount
-- of work.
CREATE FUNCTION herald.trim_inbox(user_id text, keep int DEFAULT NULL, max_age interval DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	most bigint := coalesce(keep, nullif(herald_internal.setting('inbox_limit')::int, 0));
	oldest timestamptz := now() - coalesce(max_age, nullif(herald_internal.setting('inbox_max_age')::interval, '0'));
	looked_at bigint := greatest(2 * most, 5000);
	last bigint;
	chosen bigint[];
BEGIN
	SELECT n.id INTO last FROM herald.notification AS n WHERE n.recipient_id = trim_inbox.user_id
	ORDER BY n.id DESC OFFSET looked_at LIMIT 1;
	IF most IS NOT NULL AND last IS NOT NULL THEN
		chosen := ARRAY(SELECT n.id FROM herald.notification AS n WHERE n.recipient_id = user_id AND n.id <= last
		                ORDER BY n.id LIMIT 5000);
	ELSE
		chosen := ARRAY(
			SELECT r.id
			FROM (SELECT n.id, row_number() OVER (ORDER BY herald.is_unread(n, m) DESC, n.retracted_at IS NULL DESC,
			                                      n.id DESC) AS place, n.created_at
			      FROM (SELECT * FROM herald.notification AS i WHERE i.recipient_id = user_id ORDER BY i.id
			            LIMIT looked_at) AS n
			      LEFT JOIN herald.read_mark AS m ON m.user_id = n.recipient_id) AS r
			WHERE r.place > most OR r.created_at < oldest);
	END IF;
	-- Arrays, for a plan that takes thousands of ids as one condition on the index, however few it expects.
	DELETE FROM herald.notification AS n
	WHERE n.recipient_id = user_id AND n.id = ANY (ARRAY(
		SELECT i.id FROM herald.notification AS i
		WHERE i.recipient_id = user_id AND i.id = ANY (chosen) ORDER BY i.id FOR UPDATE SKIP LOCKED));
	GET DIAGNOSTICS last = ROW_COUNT;
	RETURN last;
END
$$;
COMMENT ON FUNCTION herald.trim_inbox(text, int, interval) IS
	'removes old notifications, and those beyond a number to keep, from the inbox of a user (read ones first); by '
	'default as the settings herald.inbox_limit and herald.inbox_max_age say; returns how many';

CREATE FUNCTION herald_internal.tend_next_inboxes(inboxes int DEFAULT 100) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	place text := (SELECT s.recipient_id FROM herald_internal.inbox_progress AS s);
	next text;
	trims boolean := herald_internal.setting('inbox_limit')::int <> 0 OR
		herald_internal.setting('inbox_max_age')::interval <> '0';
BEGIN
	FOR i IN 1 .. inboxes LOOP
		SELECT n.recipient_id INTO next FROM herald.notification AS n WHERE n.recipient_id > place
		ORDER BY n.recipient_id LIMIT 1;
		place := coalesce(next, '');
		EXIT WHEN next IS NULL;
		IF trims THEN
			PERFORM herald.trim_inbox(place);
		END IF;
		PERFORM herald_internal.fold_inbox(place);
	END LOOP;
	UPDATE herald_internal.inbox_progress SET recipient_id = place WHERE recipient_id <> place;
END
$$;
COMMENT ON FUNCTION herald_internal.tend_next_inboxes(int) IS 'trims the next inboxes, and folds their counts';

-- A mark of everything names the transactions that were in progress. When they have ended, replaces them by the ids
-- of their notifications, so that later reads need not search.
--
-- A client that reads the log with a delay sees the mark after the notifications that it does not cover, so these are
-- announced as reopened. Rows that another session has locked are skipped: their change has an event of its own.
CREATE FUNCTION herald_internal.settle_read_marks() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	WITH ended AS MATERIALIZED (
		SELECT m AS mark
		FROM herald.read_mark AS m
		WHERE m.read_running <> '{}' AND
		      NOT EXISTS (SELECT FROM unnest(m.read_running) AS x
		                  WHERE NOT pg_visible_in_snapshot(x, pg_current_snapshot()))
		LIMIT 100
		FOR UPDATE SKIP LOCKED
	), settled AS (
		UPDATE herald.read_mark AS m
		SET unread = m.unread || ARRAY(SELECT n.id FROM herald.notification AS n
		                               WHERE n.recipient_id = m.user_id AND n.id <= m.read_until AND
		                                     n.xid = ANY (m.read_running) AND n.read_at IS NULL),
		    read_running = '{}'
		FROM ended AS e
		WHERE m.user_id = (e.mark).user_id
	), passed AS MATERIALIZED (
		SELECT n.recipient_id, n.id
		FROM ended AS e
		JOIN herald.notification AS n ON n.recipient_id = (e.mark).user_id AND n.id <= (e.mark).read_until AND
		n.xid = ANY ((e.mark).read_running)
		WHERE herald.is_unread(n, e.mark)
		ORDER BY n.id FOR UPDATE OF n SKIP LOCKED
	)
	SELECT herald_internal.publish_to_user(p.recipient_id, 'notification:reopened',
	                                       herald_internal.ids_json(array_agg(p.id)))
	FROM passed AS p
	GROUP BY p.recipient_id;
$$;
COMMENT ON FUNCTION herald_internal.settle_read_marks() IS
	'replaces transactions in marks by the ids of their notifications';

CREATE FUNCTION herald.forget_user(user_id text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	DELETE FROM herald.notification AS n WHERE n.recipient_id = user_id OR n.actor_id = user_id;
	DELETE FROM herald.preference AS p WHERE p.user_id = forget_user.user_id OR
		(p.scope = 'actor' AND p.id = forget_user.user_id);
	DELETE FROM herald.read_mark AS m WHERE m.user_id = forget_user.user_id;
	SELECT herald_internal.drop_fold(forget_user.user_id);
	DELETE FROM herald.conversation_read AS r WHERE r.user_id = forget_user.user_id;
	DELETE FROM herald_internal.session_room AS s WHERE s.user_id = forget_user.user_id;
	DELETE FROM herald.appearance AS a WHERE a.user_id = forget_user.user_id;
$$;
COMMENT ON FUNCTION herald.forget_user(text) IS
	'removes all data of a user: inbox, preferences, marks, status, and notifications in other inboxes with this user'
	' as the actor; the event log forgets within the recovery window';
