-- ---------------------------------------------------------------------------
-- Maintenance of the log, outside of the application's transactions
-- ---------------------------------------------------------------------------

CREATE TABLE herald_internal.log_mark (
	slot     smallint PRIMARY KEY,
	taken_at timestamptz NOT NULL,
	snapshot pg_snapshot NOT NULL
);
COMMENT ON TABLE herald_internal.log_mark IS
	'the time when a partition that is out of use was complete, and the transactions that had ended by then';

CREATE TABLE herald_internal.log_floor (
	xid      xid8 NOT NULL,
	snapshot pg_snapshot NOT NULL,
	id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
);
COMMENT ON TABLE herald_internal.log_floor IS
	'the bounds of removed events: their transactions had ids up to xid, and had ended in the snapshot';

CREATE FUNCTION herald_internal.precedes_log(snapshot pg_snapshot) RETURNS boolean
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_precedes_log';
COMMENT ON FUNCTION herald_internal.precedes_log(pg_snapshot) IS
	'returns whether retention has removed events that a snapshot does not see';

CREATE FUNCTION herald_internal.snapshot_covers_slot(slot smallint, snapshot pg_snapshot) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	RETURN snapshot IS NOT NULL AND
		NOT EXISTS (SELECT FROM herald.event AS e WHERE e.slot = snapshot_covers_slot.slot AND
		            e.id >= (SELECT herald_internal.first_event_id(pg_snapshot_xmax(snapshot))) AND
		            e.xid >= pg_snapshot_xmax(snapshot)) AND
		NOT EXISTS (SELECT FROM herald_internal.events_of(ARRAY(SELECT pg_snapshot_xip(snapshot))) AS e
		            WHERE e.slot = snapshot_covers_slot.slot);
END
$$;
COMMENT ON FUNCTION herald_internal.snapshot_covers_slot(smallint, pg_snapshot) IS
	'returns whether a snapshot sees all events in a partition';

-- A transaction that has held its lock for longer than "patience" is likely to go on.
CREATE FUNCTION herald_internal.has_long_lock(partition regclass, patience interval) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (
		SELECT FROM pg_locks AS l
		LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
		WHERE l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()) AND
		      l.relation = partition AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid() AND
		      (a.xact_start > clock_timestamp() - patience) IS NOT TRUE);
$$;
COMMENT ON FUNCTION herald_internal.has_long_lock(regclass, interval) IS
	'returns whether a long transaction, or a prepared one, has a lock on a partition';

-- Locks a partition that is out of use, to truncate it, or raises lock_not_available. Under load some session reads
-- the partition at every moment. So this queues for the lock: readers that come later wait until those that came
-- first have ended. Other partitions are not locked, so no INSERT waits.
CREATE FUNCTION herald_internal.lock_partition(partition regclass, patience interval) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = 0 AS $$
BEGIN
	PERFORM set_config('lock_timeout', ceil(1000 * extract(epoch FROM patience))::text, true);
	EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', partition);
END
$$;
COMMENT ON FUNCTION herald_internal.lock_partition(regclass, interval) IS
	'locks a partition that is out of use; waits for its readers for a time';

-- Empties a partition that is out of use. First takes a mark: the time and a snapshot. When the mark is older than
-- the recovery window and its snapshot still covers the whole partition, truncates the partition. Returns whether it
-- did: then readers wait for the end of this transaction.
CREATE FUNCTION herald_internal.trim_slot(slot smallint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	partition regclass := format('herald_internal.event_%s', slot);
	recovery_window interval := herald_internal.setting('recovery_window');
	patience interval := least(recovery_window / 8, '0.5 s');
	mark herald_internal.log_mark;
	newest xid8;
BEGIN
	IF NOT EXISTS (SELECT FROM herald.event AS e WHERE e.slot = trim_slot.slot) THEN
		RETURN false;
	END IF;
	SELECT * INTO mark FROM herald_internal.log_mark AS m WHERE m.slot = trim_slot.slot;
	IF NOT herald_internal.snapshot_covers_slot(slot, mark.snapshot) THEN
		INSERT INTO herald_internal.log_mark AS m VALUES (slot, clock_timestamp(), pg_current_snapshot())
		ON CONFLICT ON CONSTRAINT log_mark_pkey DO UPDATE SET taken_at = excluded.taken_at,
			snapshot = excluded.snapshot;
		RETURN false;
	ELSIF mark.taken_at > clock_timestamp() - recovery_window OR
	      herald_internal.event_slot(clock_timestamp() + patience) = slot OR -- an INSERT would wait for the lock
	      herald_internal.has_long_lock(partition, patience) THEN
		RETURN false;
	END IF;
	-- Prepares the removal before the lock, because outdated totals may be many.
	newest := herald_internal.newest_xid(slot);
	DELETE FROM herald_internal.log_floor AS f WHERE f.xid <= newest AND
		pg_snapshot_xmax(f.snapshot) < pg_snapshot_xmax(mark.snapshot);
	INSERT INTO herald_internal.log_floor VALUES (newest, mark.snapshot);
	DELETE FROM herald_internal.total AS t
	WHERE herald_internal.precedes_log(t.snapshot) OR
	      NOT EXISTS (SELECT FROM herald_internal.counter AS c WHERE c.id = t.counter);
	PERFORM herald_internal.lock_partition(partition, patience);
	IF NOT herald_internal.snapshot_covers_slot(slot, mark.snapshot) THEN
		RAISE lock_not_available; -- a transaction has written into it meanwhile
	END IF;
	EXECUTE format('TRUNCATE ONLY %s', partition);
	DELETE FROM herald_internal.log_mark AS m WHERE m.slot = trim_slot.slot;
	RETURN true;
EXCEPTION
	WHEN lock_not_available OR deadlock_detected THEN
		RETURN false; -- takes everything back; the next call tries again
END
$$;
COMMENT ON FUNCTION herald_internal.trim_slot(smallint) IS
	'empties a partition when all its events are older than the recovery window; returns whether it did';

-- Empties at most one partition, and returns whether it did.
CREATE FUNCTION herald_internal.trim_log() RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	FOR slot IN 0 .. 3 LOOP
		IF slot <> herald_internal.event_slot() AND herald_internal.trim_slot(slot::smallint) THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END
$$;
COMMENT ON FUNCTION herald_internal.trim_log() IS
	'empties a partition of the event log that is due; returns whether there was one';

-- DROP ROLE and DROP TABLE leave records behind. Nothing uses them, and a new object could get the OID. A type stays,
-- without an owner.
CREATE FUNCTION herald_internal.delete_orphans() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	DELETE FROM herald.action AS a
	WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = a.run_as) OR
	      NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = a.owner);
	DELETE FROM herald.room_policy AS p
	WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = p.run_as) OR
	      NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = p.owner);
	DELETE FROM herald_internal.authenticator AS a
	WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = a.run_as);
	UPDATE herald.notification_type AS t SET owner = NULL
	WHERE t.owner IS NOT NULL AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = t.owner);
	WITH gone AS ( -- rules of posts, by compile_openings(), for a table of comments or likes that is gone
		DELETE FROM herald_internal.rule AS r USING herald_internal.watched_table AS w
		WHERE split_part(r.name, ':', 1) IN ('reply_opened', 'mention_opened', 'like_opened') AND
		      w.kind IN ('comments', 'likes') AND
		      split_part(r.name, ':', 2) = w.arguments ->> 'table' AND
		      NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = w.relation) AND
		      w.relation NOT IN (SELECT s.relation FROM herald_internal.successors() AS s)
		RETURNING r.relation
	)
	SELECT herald_internal.reload_rules(g.relation) FROM gone AS g;
	SELECT herald_internal.forget_table(w.relation)
	FROM (SELECT relation FROM herald_internal.watched_table
	      UNION SELECT relation FROM herald_internal.rule
	      UNION SELECT relation FROM herald_internal.counter
	      UNION SELECT relation FROM herald_internal.room_source
	      UNION SELECT relation FROM herald_internal.block_source) AS w
	WHERE NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = w.relation) AND
	      w.relation NOT IN (SELECT s.relation FROM herald_internal.successors() AS s);
$$;
COMMENT ON FUNCTION herald_internal.delete_orphans() IS 'deletes the records of dropped roles and tables';

-- Adds up the changes that each rule has missed. Writers only append.
CREATE FUNCTION herald_internal.fold_missed_changes() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	DELETE FROM herald_internal.suspension AS s
	WHERE NOT EXISTS (SELECT FROM herald_internal.rule AS r WHERE r.id = s.rule) AND
	      NOT EXISTS (SELECT FROM herald_internal.block_source AS b WHERE b.relation = s.blocks);
	WITH folded AS (
		DELETE FROM herald.missed_change AS m
		WHERE (m.relation, m.rule) IN (SELECT n.relation, n.rule FROM herald.missed_change AS n
		                               GROUP BY n.relation, n.rule HAVING count(*) > 1) OR
		      m.until < now() - interval '30 days' OR
		      NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = m.relation)
		RETURNING m.*
	)
	INSERT INTO herald.missed_change (relation, rule, changes, since, until)
	SELECT f.relation, f.rule, sum(f.changes), min(f.since), max(f.until)
	FROM folded AS f
	JOIN pg_class AS c ON c.oid = f.relation
	GROUP BY f.relation, f.rule
	HAVING max(f.until) >= now() - interval '30 days';
$$;
COMMENT ON FUNCTION herald_internal.fold_missed_changes() IS 'adds up the changes that each suspended rule has missed';

-- Adds up the failures of each rule and SQLSTATE, with the newest message. Writers only append.
CREATE FUNCTION herald_internal.fold_failures() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	WITH folded AS (
		DELETE FROM herald.rule_failure AS f
		WHERE (f.relation, f.rule, f.sqlstate) IN (SELECT g.relation, g.rule, g.sqlstate FROM herald.rule_failure AS g
		                                           GROUP BY g.relation, g.rule, g.sqlstate HAVING count(*) > 1) OR
		      f.until < now() - interval '30 days' OR
		      NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = f.relation)
		RETURNING f.*
	)
	INSERT INTO herald.rule_failure (relation, rule, sqlstate, message, times, since, until)
	SELECT f.relation, f.rule, f.sqlstate, (array_agg(f.message ORDER BY f.until DESC, f.id DESC))[1], sum(f.times),
	       min(f.since), max(f.until)
	FROM folded AS f
	JOIN pg_class AS c ON c.oid = f.relation
	GROUP BY f.relation, f.rule, f.sqlstate
	HAVING max(f.until) >= now() - interval '30 days';
$$;
COMMENT ON FUNCTION herald_internal.fold_failures() IS 'adds up the failures of each rule and SQLSTATE';

-- Writes tables that were made anew, and are not watched, to the server log.
CREATE FUNCTION herald_internal.log_successors() RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	made record;
BEGIN
	FOR made IN SELECT DISTINCT s.successor FROM herald_internal.successors() AS s LIMIT 10 LOOP
		RAISE LOG 'pg_herald: table % has the name of a watched table and is not watched', made.successor
			USING HINT = 'SELECT remedy FROM herald.doctor() WHERE problem = ''table_replaced'';';
	END LOOP;
END
$$;
COMMENT ON FUNCTION herald_internal.log_successors() IS 'writes tables that were made anew to the server log';

-- Locks a table, and those that its rules read, as a rule would. Maintenance must not wait for a migration.
CREATE FUNCTION herald_internal.lock_rule_tables(relation regclass) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
	query text;
BEGIN
	FOR query IN
		SELECT herald_internal.plain_sql(q.sql)
		FROM herald_internal.rule AS r
		CROSS JOIN LATERAL (VALUES (r.notify), (r.publish), (r.lock), (r.retract), (r.schedule)) AS q (sql)
		WHERE r.relation = lock_rule_tables.relation AND r.operation = 'update' AND q.sql IS NOT NULL
		UNION ALL
		SELECT format('SELECT FROM %s', relation)
	LOOP
		BEGIN
			PERFORM herald_internal.compile_query(relation, query);
		EXCEPTION
			WHEN lock_not_available THEN RAISE;
			WHEN OTHERS THEN NULL; -- it does not fit the schema: it is suspended when it runs
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION herald_internal.lock_rule_tables(regclass) IS
	'locks a table and those that its rules for updates read, or raises lock_not_available';

-- Returns the ids of the rows that these records still schedule: no newer record of the row has changed its time, and
-- it has not been published at that time. "emptied" are the tables that were emptied since then, without the partitions
-- that they have: their rows are other ones.
CREATE FUNCTION herald_internal.unpublished(relation regclass, due_ids bigint[])
	RETURNS TABLE (row_id text, emptied oid[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT d.row_id, ARRAY(SELECT t.relid::oid
	                       FROM herald_internal.due AS o
	                       CROSS JOIN LATERAL (SELECT o.relation UNION
	                                           SELECT p.relid FROM pg_partition_tree(o.relation) AS p) AS t (relid)
	                       WHERE o.row_id IS NULL AND o.id > d.id)
	FROM herald_internal.due AS d
	WHERE d.id = ANY (due_ids) AND
	      NOT EXISTS (SELECT FROM herald_internal.due AS o
	                  WHERE o.row_id = d.row_id AND o.relation = $1 AND
	                        (o.id > d.id OR o.published AND o.at = d.at));
$$;
COMMENT ON FUNCTION herald_internal.unpublished(regclass, bigint[]) IS
	'returns the ids of the rows that these records still schedule, and the tables that were emptied since then';

-- Publishes rows whose time has come, for 0.2 s: their rules run in this transaction, which deletes their records.
-- Records of rows that are gone, or were published or put off since, have no effect. Many rows run together. If they
-- fail, each is tried alone, soon, and a minute later again, then at intervals that double up to an hour: no row keeps
-- others back. If something is locked, it is tried a second later. A table with slow rules waits as long: there is one
-- worker for all.
CREATE FUNCTION herald_internal.publish_due() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
	until timestamptz := clock_timestamp() + interval '0.2 s';
	ready record;
	pause interval;
	later interval;
	slow boolean;
BEGIN
	WITH expired AS (
		DELETE FROM herald_internal.due AS d WHERE d.published AND d.run_at <= now() RETURNING d.*
	)
	DELETE FROM herald_internal.due AS d USING expired AS e
	WHERE d.row_id = e.row_id AND d.relation = e.relation AND d.id < e.id AND NOT (d.published AND d.run_at <= now());
	DELETE FROM herald_internal.due AS d
	WHERE d.row_id IS NULL AND
	      (NOT EXISTS (SELECT FROM herald_internal.due AS o WHERE NOT o.published AND o.id < d.id) OR
	       EXISTS (SELECT FROM herald_internal.due AS o
	               WHERE o.row_id IS NULL AND o.relation = d.relation AND o.id > d.id));
	WHILE clock_timestamp() < until LOOP
		FOR ready IN
			SELECT d.relation, array_agg(d.id) AS ids, min(d.at) AS since
			FROM (SELECT d.at, d.relation, d.row_id, max(d.run_at) AS run_at, max(d.id) AS id
			      FROM herald_internal.due AS d
			      WHERE d.run_at <= now() AND NOT d.published
			      GROUP BY d.at, d.relation, d.row_id
			      ORDER BY max(d.run_at), d.at, d.relation, d.row_id
			      LIMIT 50) AS d
			GROUP BY d.relation, CASE WHEN d.run_at > d.at THEN d.row_id END, CASE WHEN d.run_at > d.at THEN d.at END
			ORDER BY min(d.run_at)
		LOOP
			slow := false;
			later := greatest('1 minute', least('1 hour', clock_timestamp() - ready.since));
			BEGIN
				PERFORM herald_internal.lock_rule_tables(ready.relation),
					herald_internal.run_due(ready.relation, q.sql, q.time_column, u.ids, u.emptied)
				FROM herald_internal.due_query(ready.relation) AS q
				CROSS JOIN (SELECT array_agg(u.row_id) AS ids, array_agg(u.emptied::text) AS emptied
				            FROM herald_internal.unpublished(ready.relation, ready.ids) AS u) AS u;
				pause := NULL;
			EXCEPTION
				WHEN lock_not_available THEN
					pause := '1 s';
				WHEN OTHERS THEN
					slow := SQLSTATE = '53400';
					pause := CASE WHEN cardinality(ready.ids) > 1 THEN '0 s' ELSE later END;
					RAISE WARNING 'could not publish rows of table % in time: %', ready.relation, SQLERRM;
			END;
			IF slow THEN
				UPDATE herald_internal.due AS d SET run_at = clock_timestamp() + later
				WHERE d.relation = ready.relation AND d.run_at <= now() AND NOT d.published;
			END IF;
			WITH tried AS (
				SELECT d.id, d.row_id FROM herald_internal.due AS d WHERE d.id = ANY (ready.ids)
			), put_off AS (
				UPDATE herald_internal.due AS d SET run_at = clock_timestamp() + pause
				FROM tried AS t WHERE d.id = t.id AND pause IS NOT NULL
			)
			DELETE FROM herald_internal.due AS d USING tried AS t
			WHERE d.row_id = t.row_id AND d.relation = ready.relation AND d.id <= t.id AND NOT d.published AND
			      pause IS NULL;
			EXIT WHEN clock_timestamp() >= until;
		END LOOP;
		EXIT WHEN NOT FOUND;
	END LOOP;
END
$$;
COMMENT ON FUNCTION herald_internal.publish_due() IS 'publishes the rows whose time of publication has come';

CREATE FUNCTION herald_internal.next_due() RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT min(d.run_at) FROM herald_internal.due AS d WHERE NOT d.published;
$$;
COMMENT ON FUNCTION herald_internal.next_due() IS 'returns the time of the next publication of rows; NULL without one';

-- Does the work of each second with traffic. Returns whether the caller may do more: not while another session
-- maintains, nor after a partition of the log was emptied, because readers wait until that transaction ends.
CREATE FUNCTION herald_internal.maintain_traffic(wait boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT herald_internal.own_lock('herald_internal.log_fold', wait) THEN
		RETURN false;
	END IF;
	PERFORM herald_internal.record_server_start();
	IF herald_internal.trim_log() THEN
		RETURN false;
	END IF;
	PERFORM herald_internal.publish_due(), herald_internal.fold_totals(), herald_internal.fold_busy_inboxes(),
		herald_internal.trim_signals();
	RETURN true;
END
$$;
COMMENT ON FUNCTION herald_internal.maintain_traffic(boolean) IS
	'publishes scheduled rows, folds totals and trims the log; returns whether there is time for more';

CREATE FUNCTION herald_internal.keep_up() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM herald_internal.maintain_traffic(wait => false);
	RETURN herald_internal.next_due();
END
$$;
COMMENT ON FUNCTION herald_internal.keep_up() IS
	'does the part of herald.maintain() that the worker repeats each second';

CREATE FUNCTION herald_internal.move_folds_on() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF herald_internal.own_lock('herald_internal.log_fold', false) THEN
		PERFORM herald_internal.fold_busy_inboxes();
	END IF;
END
$$;
COMMENT ON FUNCTION herald_internal.move_folds_on() IS
	'moves the folds of growing inboxes on, up to what the worker''s latest maintenance found';

CREATE FUNCTION herald.maintain(wait boolean DEFAULT true) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT herald_internal.maintain_traffic(wait) THEN
		RETURN herald_internal.next_due();
	END IF;
	DELETE FROM herald_internal.session_room AS s
	WHERE s.joined_at < now() - greatest(herald_internal.setting('recovery_window')::interval, '1 hour');
	PERFORM herald_internal.delete_orphans(), herald_internal.log_successors(),
		herald_internal.delete_old_revocations();
	PERFORM herald_internal.renew_marks(), herald_internal.follow_renames(), herald_internal.resume_rules(),
		herald_internal.fold_missed_changes(), herald_internal.fold_failures();
	DELETE FROM herald.preference AS p
	WHERE p.ctid = ANY (ARRAY(SELECT o.ctid FROM herald.preference AS o WHERE o.until < now() - interval '1 day'
	                          FOR UPDATE SKIP LOCKED)); -- a role may keep its change of a preference open
	PERFORM herald_internal.settle_read_marks(), herald_internal.tend_next_inboxes();
	RETURN herald_internal.next_due();
END
$$;
COMMENT ON FUNCTION herald.maintain(boolean) IS
	'publishes scheduled rows, folds totals, notifies of milestones and applies retention; waits for a session that '
	'does the same, or leaves it to that session; the worker and the bridge call it while there is activity, and at '
	'the time that it returns: that of the next publication';
