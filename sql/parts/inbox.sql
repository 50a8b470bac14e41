-- ---------------------------------------------------------------------------
-- The inbox: lists, groups, counts and marks of notifications
--
-- The application and the bridge call these functions with the id of an
-- authenticated user. The functions run as the extension's owner, and each
-- touches only the rows of that user.
--
-- Marking single notifications updates their rows. Marking everything moves a
-- mark (herald.read_mark), whatever the number of notifications: up to the
-- newest one, except for the notifications of transactions in progress.
-- ---------------------------------------------------------------------------

-- The statistics say nothing about one inbox: only the index bounds the work, here and below.
CREATE FUNCTION herald.inbox(user_id text, before bigint DEFAULT NULL, max int DEFAULT 50,
	only_unread boolean DEFAULT false,
	archived boolean DEFAULT false) RETURNS SETOF herald.notification
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT n.id, n.xid, n.created_at,
	       CASE WHEN NOT herald.is_unread(n, m) THEN coalesce(n.read_at, m.read_at, n.archived_at) END,
	       n.archived_at, n.retracted_at, n.recipient_id, n.actor_id, n.actor_name, n.type, n.subject_type,
	       n.subject_id, n.title, n.content, n.data, n.cause, n.owner
	FROM herald.notification AS n
	LEFT JOIN herald.read_mark AS m ON m.user_id = n.recipient_id
	WHERE n.recipient_id = inbox.user_id AND n.id < coalesce(inbox.before, 9223372036854775807) AND
	      n.retracted_at IS NULL AND (n.archived_at IS NOT NULL) = inbox.archived AND
	      (NOT inbox.only_unread OR herald.is_unread(n, m))
	ORDER BY n.id DESC
	LIMIT greatest(coalesce(inbox.max, 50), 0);
END
$$;
COMMENT ON FUNCTION herald.inbox(text, bigint, int, boolean, boolean) IS
	'returns the notifications of a user, newest first; the next page is the one before the last id; archived ones '
	'have a list of their own';

CREATE FUNCTION herald.my_inbox(before bigint DEFAULT NULL, max int DEFAULT 50, only_unread boolean DEFAULT false,
                                archived boolean DEFAULT false)
RETURNS SETOF herald.notification
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT * FROM herald.inbox(herald.current_user_id(), before, max, only_unread, archived);
$$;
COMMENT ON FUNCTION herald.my_inbox(bigint, int, boolean, boolean) IS
	'returns the inbox of the user that this session acts for (herald.current_user_id()), for roles that may see no '
	'other';

-- ----- counts

-- Returns the id above which all unread notifications are: the mark, or the exceptions below it.
CREATE FUNCTION herald_internal.unread_above(mark herald.read_mark) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN mark.read_running <> '{}' THEN 0
            ELSE coalesce(least(mark.read_until, (SELECT min(id) - 1 FROM unnest(mark.unread) AS id)), 0) END;

-- No index knows the subject: that of the inbox bounds the work to the ids from the first that may be unread.
CREATE FUNCTION herald_internal.unread_of_subject(user_id text, subject_type text, subject_id text, type text)
	RETURNS SETOF bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
	mark herald.read_mark;
BEGIN
	SELECT m.* INTO mark FROM herald.read_mark AS m WHERE m.user_id = unread_of_subject.user_id;
	RETURN QUERY
	SELECT n.id FROM herald.notification AS n
	WHERE n.recipient_id = unread_of_subject.user_id AND n.id > herald_internal.unread_above(mark) AND
	      n.subject_type = unread_of_subject.subject_type AND n.subject_id = unread_of_subject.subject_id AND
	      (unread_of_subject.type IS NULL OR n.type = unread_of_subject.type) AND herald.is_unread(n, mark);
END
$$;
COMMENT ON FUNCTION herald_internal.unread_of_subject(text, text, text, text) IS
	'returns the ids of the unread notifications of a subject, of one type or of all';

-- Returns whether the inbox is shown in groups: as requested, or else by the setting herald.group_inbox.
CREATE FUNCTION herald_internal.is_grouped(asked boolean) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(asked, herald_internal.setting('group_inbox')::boolean);

CREATE FUNCTION herald.unread_count(user_id text, grouped boolean DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF herald_internal.is_grouped(grouped) THEN
		RETURN herald_internal.unread_groups(user_id);
	END IF;
	RETURN herald_internal.unread_count(user_id);
END
$$;
COMMENT ON FUNCTION herald.unread_count(text, boolean) IS
	'returns the number of unread notifications of a user, or of unread groups; by default as the setting '
	'herald.group_inbox says';

CREATE FUNCTION herald.unseen_count(user_id text) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN herald_internal.unseen_count(user_id);
END
$$;
COMMENT ON FUNCTION herald.unseen_count(text) IS
	'returns the number of unread notifications since the user last looked (herald.mark_seen())';

-- ----- marking

CREATE FUNCTION herald_internal.publish_to_user(user_id text, event text, payload json) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.append_event(ARRAY['user:' || user_id], event, payload, NULL, NULL, NULL);
$$;
COMMENT ON FUNCTION herald_internal.publish_to_user(text, text, json) IS 'appends an event for all sessions of a user';

CREATE FUNCTION herald_internal.ids_json(ids bigint[]) RETURNS json
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN json_build_object('ids', (SELECT json_agg(id::text ORDER BY id) FROM unnest(ids) AS id));

-- A transaction of the application may retract notifications in any order. So a session that marks several of them
-- holds none while it waits for one: the two cannot deadlock. While it holds them, they stay where they are, so that
-- an update reads no others. Its plan is kept while the table grows: hence no sequential scan.
CREATE FUNCTION herald_internal.lock_notifications(user_id text, ids bigint[]) RETURNS tid[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
	LOOP
		BEGIN
			RETURN ARRAY(SELECT n.ctid
			             FROM (SELECT DISTINCT id FROM unnest(ids) AS id ORDER BY id) AS i
			             CROSS JOIN LATERAL (
			                 SELECT o.ctid FROM herald.notification AS o
			                 WHERE o.recipient_id = user_id AND o.id = i.id FOR NO KEY UPDATE NOWAIT) AS n);
		EXCEPTION
			WHEN lock_not_available THEN
				PERFORM pg_sleep(0.01);
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION herald_internal.lock_notifications(text, bigint[]) IS
	'locks notifications of a user before they are marked; returns where they are';

CREATE FUNCTION herald_internal.lock_read_mark(user_id text) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO herald.read_mark (user_id) VALUES (lock_read_mark.user_id) ON CONFLICT DO NOTHING;
	SELECT FROM herald.read_mark AS m WHERE m.user_id = lock_read_mark.user_id FOR UPDATE;
$$;
COMMENT ON FUNCTION herald_internal.lock_read_mark(text) IS 'locks the mark of a user, and creates it if it is missing';

CREATE FUNCTION herald.mark_read(user_id text, ids bigint[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
	locked tid[] := herald_internal.lock_notifications(user_id, ids);
	marked bigint[];
BEGIN
	WITH marking AS (
		UPDATE herald.notification AS n SET read_at = now()
		WHERE n.ctid = ANY (locked) AND
		      herald.is_unread(n, (SELECT m FROM herald.read_mark AS m WHERE m.user_id = mark_read.user_id))
		RETURNING n.id
	)
	SELECT array_agg(m.id) INTO marked FROM marking AS m;
	IF marked IS NOT NULL THEN
		PERFORM herald_internal.publish_to_user(user_id, 'notification:read', herald_internal.ids_json(marked));
	END IF;
	RETURN herald.unread_count(user_id);
END
$$;
COMMENT ON FUNCTION herald.mark_read(text, bigint[]) IS
	'marks notifications of a user as read and tells the user''s sessions; returns the number of unread ones';

CREATE FUNCTION herald.mark_subject_read(user_id text, subject_type text, subject_id text, type text DEFAULT NULL)
	RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald.mark_read(user_id, ARRAY(
		SELECT herald_internal.unread_of_subject(user_id, subject_type, subject_id, type)));
$$;
COMMENT ON FUNCTION herald.mark_subject_read(text, text, text, text) IS
	'marks the notifications of a subject as read, for a user that looks at it; returns the number of unread ones';

CREATE FUNCTION herald.mark_group_read(user_id text, group_key text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald.mark_read(user_id, ARRAY(SELECT herald_internal.unread_of_group(user_id, group_key)));
$$;
COMMENT ON FUNCTION herald.mark_group_read(text, text) IS
	'marks a group of herald.inbox_groups() as read; returns the number of unread notifications';

CREATE FUNCTION herald.mark_unread(user_id text, ids bigint[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
	locked tid[];
	marked bigint[];
BEGIN
	PERFORM herald_internal.lock_read_mark(user_id);
	locked := herald_internal.lock_notifications(user_id, ids);
	WITH marking AS (
		UPDATE herald.notification AS n SET read_at = NULL
		WHERE n.ctid = ANY (locked) AND n.retracted_at IS NULL AND n.archived_at IS NULL AND
		      NOT herald.is_unread(n, (SELECT m FROM herald.read_mark AS m WHERE m.user_id = mark_unread.user_id))
		RETURNING n.id
	)
	SELECT array_agg(m.id) INTO marked FROM marking AS m;
	IF marked IS NOT NULL THEN
		UPDATE herald.read_mark AS m
		SET unread = ARRAY(SELECT unnest(m.unread) UNION SELECT id FROM unnest(marked) AS id WHERE id <= m.read_until)
		WHERE m.user_id = mark_unread.user_id;
		PERFORM herald_internal.publish_to_user(user_id, 'notification:reopened', herald_internal.ids_json(marked));
	END IF;
	RETURN herald.unread_count(user_id);
END
$$;
COMMENT ON FUNCTION herald.mark_unread(text, bigint[]) IS
	'marks notifications of a user as unread again and tells the user''s sessions; returns the number of unread ones';

-- The ids and the transactions in progress are those of one snapshot, taken after the snapshot of any other mark of
-- the user. The event says how far the mark goes: a notification that it does not cover can have a lower id.
CREATE FUNCTION herald.mark_all_read(user_id text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	marked_until bigint;
BEGIN
	PERFORM herald_internal.lock_read_mark(user_id);
	UPDATE herald.read_mark AS m
	SET read_until = greatest(n.id, m.read_until), read_running = ARRAY(SELECT pg_snapshot_xip(pg_current_snapshot())),
		read_at = clock_timestamp(),
	    unread = '{}'
	FROM (SELECT i.id FROM herald.notification AS i WHERE i.recipient_id = mark_all_read.user_id ORDER BY i.id DESC
	      LIMIT 1) AS n
	WHERE m.user_id = mark_all_read.user_id AND (n.id > m.read_until OR m.unread <> '{}' OR m.read_running <> '{}')
	RETURNING m.read_until INTO marked_until;
	IF FOUND THEN
		PERFORM herald_internal.publish_to_user(user_id, 'notification:read',
		                                        json_build_object('all', true, 'until', marked_until::text));
	END IF;
	RETURN herald.unread_count(user_id);
END
$$;
COMMENT ON FUNCTION herald.mark_all_read(text) IS
	'marks every notification of a user as read, at a cost that does not depend on their number, and tells the '
	'user''s sessions; later commits are not marked; returns the number of unread ones';

CREATE FUNCTION herald.mark_seen(user_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM herald_internal.lock_read_mark(user_id);
	UPDATE herald.read_mark AS m
	SET seen_until = greatest(n.id, m.seen_until), seen_running = ARRAY(SELECT pg_snapshot_xip(pg_current_snapshot()))
	FROM (SELECT i.id FROM herald.notification AS i WHERE i.recipient_id = mark_seen.user_id ORDER BY i.id DESC
	      LIMIT 1) AS n
	WHERE m.user_id = mark_seen.user_id AND (n.id > m.seen_until OR m.seen_running <> '{}');
	IF FOUND THEN
		PERFORM herald_internal.publish_to_user(user_id, 'notification:seen', '{"all": true}');
	END IF;
END
$$;
COMMENT ON FUNCTION herald.mark_seen(text) IS
	'records that the user has looked at the list, so that nothing in it is new, though it may be unread; tells the '
	'user''s sessions';

CREATE FUNCTION herald.archive(user_id text, ids bigint[], archived boolean DEFAULT true) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
	locked tid[] := herald_internal.lock_notifications(user_id, ids);
	moved bigint[];
BEGIN
	WITH moving AS (
		UPDATE herald.notification AS n SET archived_at = CASE WHEN archived THEN now() END
		WHERE n.ctid = ANY (locked) AND n.retracted_at IS NULL AND
		      (n.archived_at IS NULL) = archived
		RETURNING n.id
	)
	SELECT array_agg(m.id) INTO moved FROM moving AS m;
	IF moved IS NOT NULL THEN
		PERFORM herald_internal.publish_to_user(user_id, CASE WHEN archived THEN 'notification:archived'
		                                        ELSE 'notification:unarchived' END, herald_internal.ids_json(moved));
	END IF;
	RETURN herald.unread_count(user_id);
END
$$;
COMMENT ON FUNCTION herald.archive(text, bigint[], boolean) IS
	'moves notifications of a user out of the list and the unread count, or back; tells the user''s sessions; returns'
	' the number of unread ones';
