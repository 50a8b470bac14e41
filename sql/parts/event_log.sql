-- ---------------------------------------------------------------------------
-- The event log
--
-- A ring of four partitions by time: the two or three latest hold the recovery
-- window, the next is empty before it is used. Nothing is created at run time,
-- so that no INSERT of an application can fail for want of a partition.
-- A dump has none of this: positions and transaction ids mean nothing elsewhere.
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald_internal.event_slot(logged_at timestamptz DEFAULT clock_timestamp()) RETURNS smallint
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_event_slot';
COMMENT ON FUNCTION herald_internal.event_slot(timestamptz) IS 'the partition for an event of that time';

CREATE SEQUENCE herald.event_id_seq;
CREATE TABLE herald.event (
	id         bigint NOT NULL DEFAULT nextval('herald.event_id_seq'),
	xid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
	slot       smallint NOT NULL DEFAULT herald_internal.event_slot(),
	logged_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	rooms      text[] NOT NULL,
	name       text NOT NULL,
	payload    json NOT NULL,
	member_id  text,
	joins      text,
	leaves     text,
	ack        text,
	counter    int,
	counted_id text,
	delta      smallint
) PARTITION BY LIST (slot);
ALTER SEQUENCE herald.event_id_seq OWNED BY herald.event.id;
CREATE TABLE herald_internal.event_0 PARTITION OF herald.event FOR VALUES IN (0);
CREATE TABLE herald_internal.event_1 PARTITION OF herald.event FOR VALUES IN (1);
CREATE TABLE herald_internal.event_2 PARTITION OF herald.event FOR VALUES IN (2);
CREATE TABLE herald_internal.event_3 PARTITION OF herald.event FOR VALUES IN (3);
CREATE INDEX ON herald.event (id);
CREATE INDEX ON herald.event (xid, id);
CREATE INDEX ON herald.event (member_id) WHERE member_id IS NOT NULL;
CREATE INDEX ON herald.event (counter, counted_id, xid) WHERE counter IS NOT NULL;
COMMENT ON TABLE herald.event IS 'the event log; read it with herald.read_events()';
COMMENT ON TABLE herald_internal.event_0 IS 'a partition of herald.event';
COMMENT ON TABLE herald_internal.event_1 IS 'a partition of herald.event';
COMMENT ON TABLE herald_internal.event_2 IS 'a partition of herald.event';
COMMENT ON TABLE herald_internal.event_3 IS 'a partition of herald.event';
COMMENT ON COLUMN herald.event.id IS 'in the order of writing, which is not that of commits';
COMMENT ON COLUMN herald.event.xid IS 'the transaction that made it: positions go by it';
COMMENT ON COLUMN herald.event.slot IS 'the partition';
COMMENT ON COLUMN herald.event.logged_at IS 'when it was written, before its commit';
COMMENT ON COLUMN herald.event.rooms IS 'who hears it; * is every session';
COMMENT ON COLUMN herald.event.name IS 'what happened: post:liked';
COMMENT ON COLUMN herald.event.payload IS 'without totals: they are added when it is read';
COMMENT ON COLUMN herald.event.member_id IS 'the user who joins or leaves a room by it';
COMMENT ON COLUMN herald.event.joins IS 'the room that this user joins';
COMMENT ON COLUMN herald.event.leaves IS 'the room that this user leaves';
COMMENT ON COLUMN herald.event.ack IS 'the action that takes what clients acknowledge it with';
COMMENT ON COLUMN herald.event.counter IS 'the total that it changes, of herald_internal.counter';
COMMENT ON COLUMN herald.event.counted_id IS 'the subject whose total it is';
COMMENT ON COLUMN herald.event.delta IS 'by how much';

CREATE TABLE herald_internal.log_fold (snapshot pg_snapshot NOT NULL);
INSERT INTO herald_internal.log_fold SELECT pg_current_snapshot();
COMMENT ON TABLE herald_internal.log_fold IS 'the snapshot that maintain() took when the log had last grown; totals are folded up to it';

CREATE TABLE herald_internal.log_mark (
	slot     smallint PRIMARY KEY,
	taken_at timestamptz NOT NULL,
	snapshot pg_snapshot NOT NULL
);
COMMENT ON TABLE herald_internal.log_mark IS 'when a partition that is out of use was complete, and which transactions had ended by then';

CREATE TABLE herald_internal.log_floor (xid xid8 NOT NULL, snapshot pg_snapshot NOT NULL);
COMMENT ON TABLE herald_internal.log_floor IS 'what retention has removed is of transactions up to xid that had ended in seen';

-- Exact however long a transaction has been open: one that was in progress matters only if its events could be gone.
CREATE FUNCTION herald_internal.precedes_log(snapshot pg_snapshot) RETURNS boolean
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (
		SELECT FROM herald_internal.log_floor AS f
		WHERE f.xid >= pg_snapshot_xmax($1)
		OR EXISTS (SELECT FROM pg_snapshot_xip($1) AS x WHERE x <= f.xid AND pg_visible_in_snapshot(x, f.snapshot)));
$$;
COMMENT ON FUNCTION herald_internal.precedes_log(pg_snapshot) IS 'whether retention has removed events that a snapshot does not see';

CREATE TABLE herald_internal.server_start (
	id         bigint PRIMARY KEY,
	started_at timestamptz NOT NULL,
	timeline   text NOT NULL,
	first_xid  xid8 NOT NULL,
	begins_at  pg_lsn NOT NULL,
	UNIQUE (started_at, timeline)
);
COMMENT ON TABLE herald_internal.server_start IS
	'starts of the server, crash restarts and promotions too; no event of this start has a lower transaction id, and what the one before had in the WAL beyond begins_at is lost';

CREATE FUNCTION herald_internal.timeline_since() RETURNS timestamptz
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_timeline_since';
COMMENT ON FUNCTION herald_internal.timeline_since() IS 'when this server turned to its timeline';

CREATE FUNCTION herald_internal.timeline_left(timeline text) RETURNS pg_lsn
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_timeline_left';
COMMENT ON FUNCTION herald_internal.timeline_left(text) IS 'from where on this server has nothing of another timeline; 0/0: it has nothing at all, NULL: it is on it';

CREATE FUNCTION herald_internal.wal_begin() RETURNS pg_lsn
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_wal_begin';
COMMENT ON FUNCTION herald_internal.wal_begin() IS 'where the latest checkpoint began: after a start, where that found the end of the WAL';

-- The checkpointer lives as long as the shared memory: a new one is a new start, also after a crash of one backend. A standby has one
-- before it is promoted.
CREATE FUNCTION herald_internal.current_server_start(OUT started_at timestamptz, OUT timeline text)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT greatest(coalesce((SELECT a.backend_start FROM pg_stat_activity AS a WHERE a.backend_type = 'checkpointer'), pg_postmaster_start_time()),
	                herald_internal.timeline_since()),
	       left(pg_walfile_name(pg_current_wal_lsn()), 8);
$$;
COMMENT ON FUNCTION herald_internal.current_server_start() IS 'when this server started to write, and its timeline';

-- The first start of this log. Its id is the time of CREATE EXTENSION: positions of an earlier log are not taken for its own.
INSERT INTO herald_internal.server_start (id, started_at, timeline, first_xid, begins_at)
	SELECT extract(epoch FROM clock_timestamp()) * 1000, s.started_at, s.timeline, '1', '0/0' FROM herald_internal.current_server_start() AS s;

-- No event of an earlier start has a higher transaction id than the newest that is there or that retention has removed,
-- so that everything above it is news to a position of an earlier start, whatever ids the crash has handed out again.
-- Where the clock is behind what it was, the times of events do not tell. Then what had ended when maintain() looked last does, and
-- the checkpoint with which the start before was shut down or with which this one has recovered from its end: the one after which
-- nothing was written before it was complete. (With wal_level = minimal others may look the same.)
-- A position must outlive the next crash: the record is on disk before anybody relies on it, and its id, a time
-- in milliseconds, would not come again if it were lost, as the next number of a sequence does.
CREATE FUNCTION herald_internal.record_server_start(OUT id bigint, OUT fresh boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	this record;
	newest xid8;
BEGIN
	SELECT * INTO this FROM herald_internal.current_server_start();
	SELECT s.id INTO id FROM herald_internal.server_start AS s WHERE s.started_at = this.started_at AND s.timeline = this.timeline;
	fresh := id IS NULL;
	IF fresh THEN
		IF current_setting('synchronous_commit') = 'off' THEN
			PERFORM set_config('synchronous_commit', 'local', true);
		END IF;
		newest := greatest((SELECT e.xid FROM herald.event AS e WHERE e.logged_at < this.started_at ORDER BY e.xid DESC LIMIT 1),
		                   (SELECT e.xid FROM herald.event AS e WHERE e.xid < (SELECT pg_snapshot_xmin(f.snapshot) FROM herald_internal.log_fold AS f)
		                    ORDER BY e.xid DESC LIMIT 1),
		                   (SELECT f.xid FROM herald_internal.log_floor AS f ORDER BY f.xid DESC LIMIT 1),
		                   (SELECT ((split_part(c.next_xid, ':', 1)::bigint << 32) + split_part(c.next_xid, ':', 2)::bigint - 1)::text::xid8
		                    FROM pg_control_checkpoint() AS c WHERE c.redo_lsn = c.checkpoint_lsn AND current_setting('wal_level') <> 'minimal'), '0');
		INSERT INTO herald_internal.server_start AS s (id, started_at, timeline, first_xid, begins_at)
		VALUES (greatest((extract(epoch FROM this.started_at) * 1000)::bigint, (SELECT max(p.id) + 1 FROM herald_internal.server_start AS p)),
		        this.started_at, this.timeline, (newest::text::bigint + 1)::text::xid8,
		        coalesce((SELECT herald_internal.timeline_left(p.timeline) FROM herald_internal.server_start AS p ORDER BY p.id DESC LIMIT 1), herald_internal.wal_begin()))
		ON CONFLICT (started_at, timeline) DO UPDATE SET first_xid = s.first_xid
		RETURNING s.id INTO id;
		DELETE FROM herald_internal.total; -- the snapshots in it are as old as positions
		UPDATE herald_internal.log_fold SET snapshot = pg_current_snapshot(); -- and so is this one
	END IF;
END
$$;
COMMENT ON FUNCTION herald_internal.record_server_start() IS 'record this start of the server once';

CREATE FUNCTION herald_internal.append_event(rooms text[], name text, payload json, member_id text, joins text, leaves text, ack text DEFAULT NULL) RETURNS bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_append_event';
COMMENT ON FUNCTION herald_internal.append_event(text[], text, json, text, text, text, text) IS 'append an event and ring';

-- What every event must have, whether it is appended or relayed.
CREATE FUNCTION herald_internal.check_event(rooms text[], event text, payload json) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF (cardinality(rooms) > 0 AND event <> '' AND '' <> ALL (rooms)) IS NOT TRUE THEN
		RAISE EXCEPTION 'an event needs a room and a name' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF json_typeof(payload) IS DISTINCT FROM 'object' THEN
		RAISE EXCEPTION 'the payload of an event must be a JSON object'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Wrap it: jsonb_build_object(''value'', …).';
	END IF;
END
$$;

-- Raises an error unless acknowledgements can go to an action.
CREATE FUNCTION herald_internal.check_ack(ack text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF ack IS NOT NULL AND NOT EXISTS (SELECT FROM herald.action AS a WHERE a.name = ack) THEN
		RAISE EXCEPTION 'there is no exposed action "%"', ack
			USING ERRCODE = 'invalid_parameter_value', HINT = 'The action that takes acknowledgements is a function of the application: see herald.expose().';
	END IF;
END
$$;

CREATE FUNCTION herald.publish(room text, event text, payload jsonb, ack text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM herald_internal.check_event(ARRAY[room], event, payload::json);
	PERFORM herald_internal.check_ack(ack);
	RETURN herald_internal.append_event(ARRAY[room], event, payload::json, NULL, NULL, NULL, ack);
END
$$;
COMMENT ON FUNCTION herald.publish(text, text, jsonb, text) IS
	'append an event to the log: it reaches the sessions of the room if this transaction commits; whoever acknowledges it calls the action ack';

CREATE FUNCTION herald.broadcast(event text, payload jsonb) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald.publish('*', event, payload);
$$;
COMMENT ON FUNCTION herald.broadcast(text, jsonb) IS 'append an event for every session';

CREATE FUNCTION herald.current_position() RETURNS text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_current_position';
COMMENT ON FUNCTION herald.current_position() IS 'the place in the event log after everything that is visible now';

CREATE FUNCTION herald_internal.payload_size(payload json) RETURNS int
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_payload_size';
COMMENT ON FUNCTION herald_internal.payload_size(json) IS 'what a payload takes as text, known without reading it';

CREATE FUNCTION herald.read_events(after text, until text DEFAULT NULL, rooms text[] DEFAULT NULL, max_events int DEFAULT 1000, max_bytes int DEFAULT NULL)
RETURNS TABLE (id bigint, rooms text[], name text, payload text, "position" text, member_id text, joins text, leaves text,
               ack text, xid xid8, logged_ms bigint, more boolean, lag_events bigint)
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_read_events';
COMMENT ON FUNCTION herald.read_events(text, text, text[], int, int) IS
	'the events after a position, in order, each with the position after it, until there are so many or their payloads so large; the last row, without a name, says where to go on';

CREATE FUNCTION herald_internal.earliest(positions text[]) RETURNS TABLE ("position" text, in_window boolean)
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_earliest';
COMMENT ON FUNCTION herald_internal.earliest(text[]) IS 
	'a position from which on everything is read that is new to one of these, and whether it is in the middle of a window: no good as the end of a reading';

CREATE FUNCTION herald_internal.resume(positions text[], segment_positions text[])
RETURNS TABLE (ordinal int, recovered boolean, "position" text, seen_snapshots pg_snapshot[], seen_ids bigint[], segments_before int,
               lag_events bigint)
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_resume';
COMMENT ON FUNCTION herald_internal.resume(text[], text[]) IS
	'where to go on for each position, or at the present if that cannot be, what it has seen, how many of the ascending positions held are not after it, and how many events there may be after it';

CREATE FUNCTION herald.preloaded() RETURNS boolean
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_preloaded';
COMMENT ON FUNCTION herald.preloaded() IS 'whether a worker rings for this database, so that commits need no NOTIFY';

CREATE FUNCTION herald_internal.bridge_hello() RETURNS TABLE (version text, preloaded boolean, "position" text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT e.extversion, herald.preloaded(), herald.current_position() FROM pg_extension AS e WHERE e.extname = 'pg_herald';
$$;
COMMENT ON FUNCTION herald_internal.bridge_hello() IS 'for the bridge: what it talks to, and where the log is';

-- ---------------------------------------------------------------------------
-- Totals: folded counts and the deltas since, added up when an event is read
-- ---------------------------------------------------------------------------

-- No foreign key: what is folded must not wait for a transaction that unwatches a table, and hold its locks meanwhile.
CREATE TABLE herald_internal.total (
	counter    int NOT NULL,
	counted_id text NOT NULL,
	count      bigint NOT NULL,
	snapshot   pg_snapshot NOT NULL,
	PRIMARY KEY (counter, counted_id)
);
COMMENT ON TABLE herald_internal.total IS 'totals as of a snapshot; what is missing is counted anew';

CREATE FUNCTION herald_internal.count_now(counter int, counted_id text) RETURNS bigint
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_count_now';
COMMENT ON FUNCTION herald_internal.count_now(int, text) IS 'count in the application''s table, as its owner';

CREATE FUNCTION herald_internal.total_of(counter int, counted_id text) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	folded herald_internal.total;
BEGIN
	SELECT * INTO folded FROM herald_internal.total AS t WHERE t.counter = total_of.counter AND t.counted_id = total_of.counted_id;
	IF NOT FOUND THEN
		RETURN herald_internal.count_now(counter, counted_id);
	END IF;
	RETURN folded.count +
		coalesce((SELECT sum(e.delta) FROM herald.event AS e
		          WHERE e.counter = total_of.counter AND e.counted_id = total_of.counted_id AND
		                e.xid >= pg_snapshot_xmax(folded.snapshot)), 0) +
		coalesce((SELECT sum(e.delta) FROM herald.event AS e
		          WHERE e.counter = total_of.counter AND e.counted_id = total_of.counted_id AND
		                e.xid = ANY (ARRAY(SELECT pg_snapshot_xip(folded.snapshot)))), 0);
END
$$;
COMMENT ON FUNCTION herald_internal.total_of(int, text) IS 'a total as of now; NULL when it cannot be counted';

-- ---------------------------------------------------------------------------
-- Maintenance: what must not be done in the application's transaction
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald_internal.owner_now(counter int, counted_id text) RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_owner_now';
COMMENT ON FUNCTION herald_internal.owner_now(int, text) IS 'whom the subject of a total belongs to, by the application''s table, as its owner';

-- The rungs of the ladder that a total has climbed. Each is told once, however often the total falls below it again.
CREATE FUNCTION herald_internal.notify_milestones(counter herald_internal.counter, counted_id text, before bigint, total bigint) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald.notify(herald_internal.owner_now(counter.id, counted_id), 'milestone',
		title => CASE WHEN counter.subject_type = 'user' THEN 'You have ' || w.words END, content => w.words,
		data => jsonb_build_object('total', rung, 'field', counter.field, herald_internal.camel_case(counter.subject_type) || 'Id', counted_id),
		subject_type => counter.subject_type, subject_id => counted_id,
		cause => format('%s:%s:milestone:%s:%s', counter.subject_type, replace(replace(counted_id, '\', '\\'), ':', '\:'), counter.field, rung))
	FROM unnest(string_to_array(nullif(herald_internal.setting('milestones'), ''), ',')::bigint[]) AS rung
	CROSS JOIN LATERAL (SELECT to_char(rung, 'FM999,999,999,999,999,999') || ' ' || lower(regexp_replace(counter.field, '^total', ''))) AS w (words)
	WHERE rung > before AND rung <= total AND herald_internal.owner_now(counter.id, counted_id) IS NOT NULL;
$$;
COMMENT ON FUNCTION herald_internal.notify_milestones(herald_internal.counter, text, bigint, bigint) IS 'notify of the milestones between two totals';

-- Costs what is new, not what is old: the same two ranges as read_events() has. Only the subjects with most events are folded, so that
-- neither the doorbell nor a lock on the application's tables waits for this: totals are right without it, only slower to read.
-- What a total was before is known from the deltas since: a subject that was large already is not told of old milestones.
CREATE FUNCTION herald_internal.fold_totals() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	folded pg_snapshot := (SELECT f.snapshot FROM herald_internal.log_fold AS f);
	running xid8[] := ARRAY(SELECT pg_snapshot_xip(folded));
	until pg_snapshot := pg_current_snapshot();
	rungs bigint[] := string_to_array(nullif(herald_internal.setting('milestones'), ''), ',');
	told bigint;
BEGIN
	IF NOT EXISTS (SELECT FROM herald.event AS e WHERE e.xid >= pg_snapshot_xmax(folded) AND e.xid < pg_snapshot_xmax(until)) AND
	   NOT EXISTS (SELECT FROM herald.event AS e WHERE e.xid = ANY (running)) THEN
		RETURN;
	END IF;
	WITH changed AS MATERIALIZED (
		SELECT k.counter, k.counted_id, n.count, n.count - k.delta AS before
		FROM (SELECT e.counter, e.counted_id, sum(e.delta) AS delta
		      FROM (SELECT * FROM herald.event WHERE xid >= pg_snapshot_xmax(folded) AND xid < pg_snapshot_xmax(pg_current_snapshot())
		            UNION ALL
		            SELECT * FROM herald.event WHERE xid = ANY (running)) AS e
		      WHERE e.counter IN (SELECT c.id FROM herald_internal.counter AS c)
		      GROUP BY e.counter, e.counted_id
		      ORDER BY count(*) DESC, e.counter, e.counted_id
		      LIMIT 200) AS k
		CROSS JOIN LATERAL herald_internal.total_of(k.counter, k.counted_id) AS n (count)
		WHERE n.count IS NOT NULL
	), folded AS (
		INSERT INTO herald_internal.total AS t (counter, counted_id, count, snapshot)
		SELECT w.counter, w.counted_id, w.count, pg_current_snapshot() FROM changed AS w
		ON CONFLICT (counter, counted_id) DO UPDATE SET count = excluded.count, snapshot = excluded.snapshot
	)
	SELECT count(herald_internal.notify_milestones(c, w.counted_id, w.before, w.count)) INTO told
	FROM changed AS w
	JOIN herald_internal.counter AS c ON c.id = w.counter
	WHERE c.owner_sql IS NOT NULL AND w.count > w.before AND w.count >= rungs[1] AND
	      EXISTS (SELECT FROM unnest(rungs) AS rung WHERE rung > w.before AND rung <= w.count);
	UPDATE herald_internal.log_fold SET snapshot = until;
END
$$;
COMMENT ON FUNCTION herald_internal.fold_totals() IS 'bring the totals of the subjects that changed most up to date';

CREATE FUNCTION herald_internal.snapshot_covers_slot(slot smallint, snapshot pg_snapshot) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	RETURN snapshot IS NOT NULL AND
		NOT EXISTS (SELECT FROM herald.event AS e WHERE e.slot = snapshot_covers_slot.slot AND e.xid >= pg_snapshot_xmax(snapshot)) AND
		NOT EXISTS (SELECT FROM herald.event AS e WHERE e.slot = snapshot_covers_slot.slot AND e.xid = ANY (ARRAY(SELECT pg_snapshot_xip(snapshot))));
END
$$;
COMMENT ON FUNCTION herald_internal.snapshot_covers_slot(smallint, pg_snapshot) IS 'whether a snapshot sees all that is in a partition';

-- A partition that is out of use is marked; when its mark is older than the window and still sees everything in it, it is emptied.
CREATE FUNCTION herald_internal.trim_slot(slot smallint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	partition text := format('herald_internal.event_%s', slot);
	mark herald_internal.log_mark;
	newest xid8;
BEGIN
	IF NOT EXISTS (SELECT FROM herald.event AS e WHERE e.slot = trim_slot.slot) THEN
		RETURN;
	END IF;
	SELECT * INTO mark FROM herald_internal.log_mark AS m WHERE m.slot = trim_slot.slot;
	IF NOT herald_internal.snapshot_covers_slot(slot, mark.snapshot) THEN
		INSERT INTO herald_internal.log_mark AS m VALUES (slot, clock_timestamp(), pg_current_snapshot())
		ON CONFLICT ON CONSTRAINT log_mark_pkey DO UPDATE SET taken_at = excluded.taken_at, snapshot = excluded.snapshot;
		RETURN;
	ELSIF mark.taken_at > clock_timestamp() - herald_internal.setting('recovery_window')::interval THEN
		RETURN;
	END IF;
	BEGIN
		EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE NOWAIT', partition);
	EXCEPTION
		WHEN lock_not_available THEN
			RETURN; -- a reader or a writer is at it; the next call tries again
	END;
	IF herald_internal.snapshot_covers_slot(slot, mark.snapshot) THEN
		SELECT e.xid INTO newest FROM herald.event AS e WHERE e.slot = trim_slot.slot ORDER BY e.xid DESC LIMIT 1;
		DELETE FROM herald_internal.log_floor AS f WHERE f.xid <= newest AND pg_snapshot_xmax(f.snapshot) < pg_snapshot_xmax(mark.snapshot);
		INSERT INTO herald_internal.log_floor VALUES (newest, mark.snapshot);
		EXECUTE format('TRUNCATE ONLY %s', partition);
		DELETE FROM herald_internal.log_mark AS m WHERE m.slot = trim_slot.slot;
		DELETE FROM herald_internal.total AS t
		WHERE herald_internal.precedes_log(t.snapshot) OR NOT EXISTS (SELECT FROM herald_internal.counter AS c WHERE c.id = t.counter);
	END IF;
END
$$;
COMMENT ON FUNCTION herald_internal.trim_slot(smallint) IS 'empty a partition when all that is in it is older than the window';

CREATE FUNCTION herald.maintain(wait boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF wait THEN
		PERFORM pg_advisory_xact_lock('herald_internal.log_fold'::regclass::oid::int, 0);
	ELSIF NOT pg_try_advisory_xact_lock('herald_internal.log_fold'::regclass::oid::int, 0) THEN
		RETURN;
	END IF;
	PERFORM herald_internal.record_server_start();
	PERFORM herald_internal.fold_totals();
	PERFORM herald_internal.trim_slot(s::smallint) FROM generate_series(0, 3) AS s WHERE s <> herald_internal.event_slot();
	DELETE FROM herald_internal.session_room AS s
	WHERE s.joined_at < now() - greatest(herald_internal.setting('recovery_window')::interval, '1 hour');
	DELETE FROM herald.rule_failure AS f WHERE f.at < now() - interval '30 days';
	DELETE FROM herald.preference AS p WHERE p.until < now() - interval '1 day';
	PERFORM herald_internal.settle_read_marks(), herald_internal.trim_next_inboxes();
END
$$;
COMMENT ON FUNCTION herald.maintain(boolean) IS
	'fold totals, tell of milestones and remove what retention gives up; where somebody else is at it, wait or leave it to them; '
	'the worker and the bridge call it while there is activity, and so may anybody who is allowed to';
