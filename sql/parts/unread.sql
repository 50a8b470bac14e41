-- ---------------------------------------------------------------------------
-- Unread counts: folded for large inboxes, so that a count costs the same whatever the inbox holds
--
-- 1. A notification is open if it is neither read by itself, nor archived, nor retracted. The unread ones are the open
-- ones above the mark of the user, and a few exceptions below it.
--
-- 2. A fold keeps the number of unread notifications with ids up to folded_until. A count adds the open ones with
-- higher ids, and the changes of folded ones: a notification that is opened or closed leaves a row in unread_change if
-- its inbox has a fold (unread_change.c). Writers only append, so nobody waits for a fold.
--
-- 3. A fold and its changes are one state: the statement that moves a fold on deletes the changes that it sees. So any
-- snapshot sees either a change, or a fold that includes it.
--
-- 4. No notification may appear below folded_until later. A writer gets its transaction id before it draws the id of a
-- notification. So all ids up to next_until belong to transactions before next_xid, which was read later. A fold goes
-- up to next_until when these transactions have ended. A new fold begins with next_until = 0: the writers that did
-- not see it, and have left no changes, must have ended before it counts anything.
--
-- 5. A fold holds for the mark that it was made with. If the user has marked everything since, the count starts at the
-- mark, and finds few.
-- ---------------------------------------------------------------------------

CREATE TABLE herald_internal.unread_fold (
	user_id      text COLLATE "C" PRIMARY KEY,
	folded_until bigint NOT NULL DEFAULT 0,
	folded_xid   xid8 NOT NULL DEFAULT '0',
	read_until   bigint NOT NULL DEFAULT 0,
	unread       bigint NOT NULL DEFAULT 0,
	seen_until   bigint NOT NULL DEFAULT 0,
	seen_running xid8[] NOT NULL DEFAULT '{}',
	unseen       bigint NOT NULL DEFAULT 0,
	unread_groups bigint NOT NULL DEFAULT 0,
	group_rules  jsonb NOT NULL,
	next_until   bigint NOT NULL DEFAULT 0,
	next_xid     xid8 NOT NULL,
	busy         boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE herald_internal.unread_fold IS 'the counts of large inboxes up to an id';
COMMENT ON COLUMN herald_internal.unread_fold.folded_until IS 'the last id that the counts include';
COMMENT ON COLUMN herald_internal.unread_fold.folded_xid IS
	'all transactions before this one had ended: later ones have no notifications up to folded_until';
COMMENT ON COLUMN herald_internal.unread_fold.read_until IS 'the mark that the counts were made with';
COMMENT ON COLUMN herald_internal.unread_fold.unread_groups IS 'how many of the groups are unread';
COMMENT ON COLUMN herald_internal.unread_fold.group_rules IS
	'herald_internal.group_rules() when the groups were made: they hold for no others';
COMMENT ON COLUMN herald_internal.unread_fold.next_until IS
	'the next folded_until, when all transactions before next_xid have ended';
COMMENT ON COLUMN herald_internal.unread_fold.busy IS 'there was much to fold the last time';
CREATE INDEX ON herald_internal.unread_fold (next_xid) WHERE busy;

CREATE TABLE herald_internal.unread_change (
	user_id      text COLLATE "C" NOT NULL,
	id           bigint NOT NULL,
	xid          xid8 NOT NULL,
	delta        int NOT NULL,
	type         text NOT NULL,
	subject_type text,
	subject_id   text,
	actor_id     text
);
COMMENT ON TABLE herald_internal.unread_change IS
	'notifications of inboxes with a fold that were opened (1) or closed (-1), or entered or left the list or a group '
	'(0), until they are folded';
CREATE INDEX unread_change_user_id_id ON herald_internal.unread_change (user_id, id);
-- Rows may be equal. A publication of all tables lets none be deleted without an identity.
ALTER TABLE herald_internal.unread_change REPLICA IDENTITY FULL;

CREATE FUNCTION herald_internal.note_unread_changes() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'herald_note_unread_changes';
COMMENT ON FUNCTION herald_internal.note_unread_changes() IS 'trigger of herald.notification';
CREATE TRIGGER note_updates AFTER UPDATE ON herald.notification REFERENCING OLD TABLE AS old NEW TABLE AS new
	FOR EACH STATEMENT EXECUTE FUNCTION herald_internal.note_unread_changes();
CREATE TRIGGER note_deletions AFTER DELETE ON herald.notification REFERENCING OLD TABLE AS old
	FOR EACH STATEMENT EXECUTE FUNCTION herald_internal.note_unread_changes();

CREATE FUNCTION herald_internal.forget_unread_folds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	DELETE FROM herald_internal.unread_fold;
	DELETE FROM herald_internal.unread_change;
	DELETE FROM herald_internal.inbox_group;
	DELETE FROM herald_internal.group_member;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION herald_internal.forget_unread_folds() IS 'trigger of herald.notification';
CREATE TRIGGER forget_unread_folds AFTER TRUNCATE ON herald.notification
	FOR EACH STATEMENT EXECUTE FUNCTION herald_internal.forget_unread_folds();

-- ----- counts

CREATE FUNCTION herald_internal.unread_count(user_id text) RETURNS bigint
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_unread_count';
COMMENT ON FUNCTION herald_internal.unread_count(text) IS 'returns the number of unread notifications of a user';

CREATE FUNCTION herald_internal.badge(user_id text) RETURNS bigint
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_badge';
COMMENT ON FUNCTION herald_internal.badge(text) IS
	'returns the number of unread notifications or groups of a user, as the setting herald.group_inbox says';

-- Returns whether a notification is new, given the mark of its recipient: none, if the user has never looked.
CREATE FUNCTION herald_internal.is_unseen(id bigint, xid xid8, seen_until bigint, seen_running xid8[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(id > seen_until OR xid = ANY (seen_running), true);

-- The transactions that a fold includes had ended. A look at the inbox since then names others, unless it takes longer
-- than the fold: then the notifications of those that both know are looked up.
CREATE FUNCTION herald_internal.unseen_count(user_id text) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
	mark herald.read_mark;
	fold herald_internal.unread_fold;
	folded bigint := 0;
	late xid8[];
BEGIN
	SELECT m.* INTO mark FROM herald.read_mark AS m WHERE m.user_id = unseen_count.user_id;
	SELECT f.* INTO fold FROM herald_internal.unread_fold AS f
	WHERE f.user_id = unseen_count.user_id AND f.read_until = coalesce(mark.read_until, 0);
	IF fold.seen_until = coalesce(mark.seen_until, 0) AND fold.seen_running = coalesce(mark.seen_running, '{}') THEN
		folded := fold.unseen +
			(SELECT coalesce(sum(c.delta), 0) FROM herald_internal.unread_change AS c
			 WHERE c.user_id = unseen_count.user_id AND c.id > fold.read_until AND c.id <= fold.folded_until AND
			       herald_internal.is_unseen(c.id, c.xid, mark.seen_until, mark.seen_running));
	ELSIF fold.user_id IS NOT NULL THEN
		folded := (SELECT count(*) FROM herald.notification AS n
		           WHERE n.recipient_id = unseen_count.user_id AND
		                 n.id > greatest(mark.seen_until, mark.read_until) AND n.id <= fold.folded_until AND
		                 n.read_at IS NULL AND n.archived_at IS NULL AND n.retracted_at IS NULL);
		late := ARRAY(SELECT x FROM unnest(mark.seen_running) AS x WHERE x < fold.folded_xid);
	END IF;
	IF late <> '{}' THEN
		folded := folded + (SELECT count(*) FROM herald.notification AS n
		                    WHERE n.recipient_id = unseen_count.user_id AND n.id > mark.read_until AND
		                          n.id <= least(mark.seen_until, fold.folded_until) AND n.xid = ANY (late) AND
		                          n.read_at IS NULL AND n.archived_at IS NULL AND n.retracted_at IS NULL);
	END IF;
	RETURN folded +
		(SELECT count(*) FROM herald.notification AS n
		 WHERE n.recipient_id = unseen_count.user_id AND n.id > greatest(mark.read_until, fold.folded_until, 0) AND
		       n.read_at IS NULL AND n.archived_at IS NULL AND n.retracted_at IS NULL AND
		       herald_internal.is_unseen(n.id, n.xid, mark.seen_until, mark.seen_running)) +
		CASE WHEN mark.unread <> '{}' OR mark.read_running <> '{}'
		THEN (SELECT count(*) FROM herald.notification AS n
		      WHERE n.recipient_id = unseen_count.user_id AND n.id <= mark.read_until AND
		            herald.is_unread(n, mark) AND
		            herald_internal.is_unseen(n.id, n.xid, mark.seen_until, mark.seen_running))
		ELSE 0 END;
END
$$;
COMMENT ON FUNCTION herald_internal.unseen_count(text) IS
	'returns the number of unread notifications of a user since the last look';

-- ----- folds

-- Returns whether an inbox has at least so many notifications, read or not: its groups include them all.
CREATE FUNCTION herald_internal.has_many(user_id text, enough int) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
	RETURN EXISTS (SELECT FROM herald.notification AS n WHERE n.recipient_id = has_many.user_id
	               ORDER BY n.id OFFSET enough - 1 LIMIT 1);
END
$$;

-- Returns up to where a fold moves on: at most so many notifications, so that one move never takes long.
CREATE FUNCTION herald_internal.fold_end(fold herald_internal.unread_fold, most int DEFAULT 20000) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
	RETURN coalesce((SELECT n.id FROM herald.notification AS n
	                 WHERE n.recipient_id = fold.user_id AND n.id > fold.folded_until AND n.id < fold.next_until
	                 ORDER BY n.id OFFSET most - 1 LIMIT 1), fold.next_until);
END
$$;

-- Moves the fold of an inbox on, in one statement, up to what all transactions had written that have ended since the
-- last call. If the marks are others than then, counts everything above them again. If the types have other groups than
-- those of the fold, leaves it as it is. The caller has locked the fold.
--
-- A fold that changed by more than so many rows is busy: it is moved on by each maintenance, since a count reads about
-- as many rows as come between two moves.
CREATE FUNCTION herald_internal.move_fold(known herald_internal.unread_fold, busy_from int DEFAULT 50) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
	until bigint := herald_internal.fold_end(known);
	newest bigint := (SELECT n.id FROM herald.notification AS n WHERE n.recipient_id = known.user_id
	                  ORDER BY n.id DESC LIMIT 1);
	next xid8 := herald_internal.next_xid(); -- after the id
BEGIN
	IF until < known.next_until THEN
		newest := known.next_until;
		next := known.next_xid;
	END IF;
	WITH mark AS MATERIALIZED (
		SELECT coalesce(m.read_until, 0) AS read_until, coalesce(m.seen_until, 0) AS seen_until,
		       coalesce(m.seen_running, '{}') AS seen_running
		FROM (VALUES (1)) AS one (row)
		LEFT JOIN herald.read_mark AS m ON m.user_id = known.user_id
	), fold AS MATERIALIZED (
		SELECT f.*, f.read_until = m.read_until AS same_mark,
		       (f.read_until, f.seen_until, f.seen_running) = (m.read_until, m.seen_until, m.seen_running) AS goes_on
		FROM herald_internal.unread_fold AS f
		CROSS JOIN mark AS m
		WHERE f.user_id = known.user_id AND f.group_rules = herald_internal.group_rules()
	), changed AS (
		DELETE FROM herald_internal.unread_change AS c USING fold AS f WHERE c.user_id = f.user_id RETURNING c.*
	), added AS MATERIALIZED (
		SELECT count(*) AS unread,
		       count(*) FILTER (WHERE herald_internal.is_unseen(n.id, n.xid, m.seen_until, m.seen_running)) AS unseen
		FROM fold AS f
		CROSS JOIN mark AS m
		JOIN herald.notification AS n
			ON n.recipient_id = known.user_id AND
			   n.id > CASE WHEN f.goes_on THEN greatest(f.folded_until, m.read_until) ELSE m.read_until END AND
			   n.id <= until
		WHERE n.read_at IS NULL AND n.archived_at IS NULL AND n.retracted_at IS NULL
	), corrected AS MATERIALIZED (
		SELECT count(*) AS changes, coalesce(sum(c.delta), 0) AS unread,
		       coalesce(sum(c.delta) FILTER (
		           WHERE herald_internal.is_unseen(c.id, c.xid, m.seen_until, m.seen_running)), 0) AS unseen
		FROM fold AS f
		CROSS JOIN mark AS m
		JOIN changed AS c ON f.goes_on AND c.id > m.read_until AND c.id <= f.folded_until
	), touched AS MATERIALIZED (
		SELECT t.*
		FROM fold AS f
		CROSS JOIN mark AS m
		CROSS JOIN LATERAL herald_internal.touched_groups(known.user_id, known, m.read_until, '{}', '{}', until) AS t
	), emptied AS (
		DELETE FROM herald_internal.inbox_group AS g USING touched AS t
		WHERE g.user_id = known.user_id AND g.digest = t.digest AND t.count = 0
	), stored AS (
		INSERT INTO herald_internal.inbox_group AS g
			(user_id, digest, newest, count, unread, first_unread, actor_count, actor_rows)
		SELECT known.user_id, t.digest, t.newest, t.count, t.unread_now, t.first_unread, t.actor_count, t.actor_rows
		FROM touched AS t
		WHERE t.count > 0
		ON CONFLICT (user_id, digest) DO UPDATE
		SET newest = excluded.newest, count = excluded.count, unread = excluded.unread,
		    first_unread = excluded.first_unread, actor_count = excluded.actor_count, actor_rows = excluded.actor_rows
	), closed AS (
		UPDATE herald_internal.inbox_group AS g SET unread = 0, first_unread = NULL
		FROM fold AS f
		WHERE NOT f.same_mark AND g.user_id = known.user_id AND g.unread > 0 AND
		      g.digest NOT IN (SELECT t.digest FROM touched AS t)
	), kept AS MATERIALIZED (
		SELECT n.id, herald_internal.actor_hash(n.actor_id) AS actor_hash,
		       herald_internal.group_digest(herald_internal.group_key(
		           n.id, n.type, n.subject_type, n.subject_id, n.actor_id, t.group_by)) AS digest
		FROM (SELECT DISTINCT c.id FROM fold AS f JOIN changed AS c ON c.id <= f.folded_until) AS c
		JOIN herald.notification AS n ON n.recipient_id = known.user_id AND n.id = c.id
		LEFT JOIN herald.notification_type AS t ON t.name = n.type
	), entered AS (
		INSERT INTO herald_internal.group_member (user_id, digest, actor_hash, id)
		SELECT n.recipient_id, herald_internal.group_digest(herald_internal.group_key(
		           n.id, n.type, n.subject_type, n.subject_id, n.actor_id, t.group_by)),
		       herald_internal.actor_hash(n.actor_id), n.id
		FROM fold AS f
		JOIN herald.notification AS n ON n.recipient_id = known.user_id AND n.id > f.folded_until AND n.id <= until
		LEFT JOIN herald.notification_type AS t ON t.name = n.type
		UNION ALL
		SELECT known.user_id, k.digest, k.actor_hash, k.id
		FROM kept AS k
		WHERE NOT EXISTS (SELECT FROM herald_internal.group_member AS e
		                  WHERE e.user_id = known.user_id AND e.digest = k.digest AND e.actor_hash = k.actor_hash AND
		                        e.id = k.id)
	), deleted AS (
		DELETE FROM herald_internal.group_member AS e
		USING changed AS c
		LEFT JOIN herald.notification_type AS t ON t.name = c.type
		WHERE e.user_id = known.user_id AND e.digest = herald_internal.group_digest(herald_internal.group_key(
		          c.id, c.type, c.subject_type, c.subject_id, c.actor_id, t.group_by)) AND
		      e.actor_hash = herald_internal.actor_hash(c.actor_id) AND e.id = c.id AND
		      (e.digest, e.actor_hash, e.id) NOT IN (SELECT k.digest, k.actor_hash, k.id FROM kept AS k)
	), grouped AS MATERIALIZED (
		SELECT count(*) FILTER (WHERE t.unread_now > 0) - count(*) FILTER (WHERE t.was_unread > 0) AS unread
		FROM touched AS t
	)
	UPDATE herald_internal.unread_fold AS t
	SET folded_until = until, folded_xid = f.next_xid, read_until = m.read_until, seen_until = m.seen_until,
	    seen_running = m.seen_running, unread = CASE WHEN f.goes_on THEN f.unread ELSE 0 END + c.unread + a.unread,
	    unseen = CASE WHEN f.goes_on THEN f.unseen ELSE 0 END + c.unseen + a.unseen,
	    unread_groups = g.unread +
	                    CASE WHEN f.same_mark OR m.read_until < f.folded_until THEN f.unread_groups ELSE 0 END,
	    next_until = greatest(newest, f.next_until), next_xid = next,
	    busy = until < f.next_until OR c.changes + a.unread > busy_from
	FROM mark AS m, fold AS f, added AS a, corrected AS c, grouped AS g
	WHERE t.user_id = f.user_id;
END
$$;
COMMENT ON FUNCTION herald_internal.move_fold(herald_internal.unread_fold, int) IS 'moves the fold of an inbox on';

CREATE FUNCTION herald_internal.drop_fold(user_id text) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	DELETE FROM herald_internal.unread_fold AS f WHERE f.user_id = drop_fold.user_id;
	DELETE FROM herald_internal.unread_change AS c WHERE c.user_id = drop_fold.user_id;
	DELETE FROM herald_internal.inbox_group AS g WHERE g.user_id = drop_fold.user_id;
	DELETE FROM herald_internal.group_member AS e WHERE e.user_id = drop_fold.user_id;
$$;
COMMENT ON FUNCTION herald_internal.drop_fold(text) IS 'removes the fold of an inbox, and its groups';

-- Gives a large inbox a fold, moves it on, or removes it from an inbox that is small again. An inbox with fewer
-- notifications is read faster than its fold is kept: 500 of them take about a millisecond. A fold goes at half of
-- that, so that an inbox at the limit does not get and lose it in turn.
--
-- A fold goes, too, when the types have other groups now. The next call makes a new one.
CREATE FUNCTION herald_internal.fold_inbox(user_id text, large int DEFAULT 500) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	fold herald_internal.unread_fold;
BEGIN
	SELECT f.* INTO fold FROM herald_internal.unread_fold AS f WHERE f.user_id = fold_inbox.user_id
	FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		-- The transaction gets its id before next_xid() is read: the fold then waits for this one, too.
		IF herald_internal.has_many(user_id, large) AND pg_current_xact_id() IS NOT NULL THEN
			INSERT INTO herald_internal.unread_fold (user_id, group_rules, next_xid)
			VALUES (user_id, herald_internal.group_rules(), herald_internal.next_xid())
			ON CONFLICT ON CONSTRAINT unread_fold_pkey DO NOTHING;
		END IF;
	ELSIF NOT herald_internal.has_many(user_id, large / 2) OR fold.group_rules <> herald_internal.group_rules() THEN
		PERFORM herald_internal.drop_fold(user_id);
	ELSIF fold.next_xid <= pg_snapshot_xmin(pg_current_snapshot()) THEN
		PERFORM herald_internal.move_fold(fold);
	END IF;
END
$$;
COMMENT ON FUNCTION herald_internal.fold_inbox(text, int) IS
	'makes, moves on or removes the fold of an inbox, which is large with so many notifications';

-- Returns the inboxes in which so many of the latest events are not folded.
CREATE FUNCTION herald_internal.growing_inboxes(latest int DEFAULT 500, many int DEFAULT 50) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
	RETURN QUERY
	SELECT g.user_id
	FROM (SELECT e.recipient_id AS user_id, array_agg(e.notification_id ORDER BY e.notification_id DESC) AS ids
	      FROM (SELECT n.recipient_id, n.notification_id FROM herald.event AS n ORDER BY n.id DESC LIMIT latest) AS e
	      WHERE e.notification_id IS NOT NULL
	      GROUP BY e.recipient_id
	      HAVING count(*) >= many) AS g
	WHERE g.ids[many] > coalesce((SELECT f.folded_until FROM herald_internal.unread_fold AS f
	                              WHERE f.user_id = g.user_id), 0);
END
$$;
COMMENT ON FUNCTION herald_internal.growing_inboxes(int, int) IS
	'returns the inboxes of users who get many notifications now';

-- Moves on the folds of inboxes that grow, and those that had most to fold, which wait the longest first. One
-- maintenance moves a bounded number of them. The walk over all inboxes (tend_next_inboxes()) finds the others.
CREATE FUNCTION herald_internal.fold_busy_inboxes(most int DEFAULT 100) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.fold_inbox(i.user_id)
	FROM (SELECT g.user_id FROM herald_internal.growing_inboxes() AS g (user_id)
	      UNION
	      (SELECT f.user_id FROM herald_internal.unread_fold AS f WHERE f.busy ORDER BY f.next_xid, f.user_id
	       LIMIT most)) AS i;
$$;
COMMENT ON FUNCTION herald_internal.fold_busy_inboxes(int) IS 'moves on the folds of inboxes that change much';
