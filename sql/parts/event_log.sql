-- ---------------------------------------------------------------------------
-- The event log
--
-- A ring of four partitions by time: the two or three latest hold the recovery
-- window, the next is empty before it is used. Nothing is created at run time,
-- so that no INSERT of an application can fail for want of a partition.
-- A dump has none of this: positions and transaction ids mean nothing elsewhere.
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald.event_slot(logged_at timestamptz DEFAULT clock_timestamp()) RETURNS smallint
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_event_slot';
COMMENT ON FUNCTION herald.event_slot(timestamptz) IS 'internal: the partition for an event of that time';

CREATE SEQUENCE herald.event_id_seq;
CREATE TABLE herald.event (
	id         bigint NOT NULL DEFAULT nextval('herald.event_id_seq'),
	xid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
	slot       smallint NOT NULL DEFAULT herald.event_slot(),
	logged_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	rooms      text[] NOT NULL,
	name       text NOT NULL,
	payload    json NOT NULL,
	member_id  text,
	joins      text,
	leaves     text,
	counter    int,
	counted_id text,
	delta      smallint
) PARTITION BY LIST (slot);
ALTER SEQUENCE herald.event_id_seq OWNED BY herald.event.id;
CREATE TABLE herald.event_0 PARTITION OF herald.event FOR VALUES IN (0);
CREATE TABLE herald.event_1 PARTITION OF herald.event FOR VALUES IN (1);
CREATE TABLE herald.event_2 PARTITION OF herald.event FOR VALUES IN (2);
CREATE TABLE herald.event_3 PARTITION OF herald.event FOR VALUES IN (3);
CREATE INDEX ON herald.event (xid);
CREATE INDEX ON herald.event (counter, counted_id, xid) WHERE counter IS NOT NULL;
COMMENT ON TABLE herald.event IS 'the event log; read it with herald.read_events()';

CREATE TABLE herald.log_floor (xid xid8 NOT NULL);
COMMENT ON TABLE herald.log_floor IS 'internal: the newest transaction whose events retention has removed';

CREATE TABLE herald.server_start (
	id         bigint PRIMARY KEY,
	started_at timestamptz NOT NULL,
	timeline   text NOT NULL,
	first_xid  xid8 NOT NULL,
	UNIQUE (started_at, timeline)
);
COMMENT ON TABLE herald.server_start IS
	'internal: starts of the server, crash restarts and promotions too; no event of this start has a lower transaction id';

-- The checkpointer lives as long as the shared memory: a new one is a new start, also after a crash of one backend.
-- No event of an earlier start has a higher transaction id than the newest that is there, so that everything
-- above it is news to a position of an earlier start, whatever ids the crash has handed out again.
-- A position must outlive the next crash: the record is on disk before anybody relies on it, and its id, a time
-- in milliseconds, would not come again if it were lost, as the next number of a sequence does.
CREATE FUNCTION herald.note_start(OUT id bigint, OUT fresh boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	started timestamptz := (SELECT a.backend_start FROM pg_stat_activity AS a WHERE a.backend_type = 'checkpointer');
	line text := left(pg_walfile_name(pg_current_wal_lsn()), 8);
BEGIN
	SELECT s.id INTO id FROM herald.server_start AS s WHERE s.started_at = started AND s.timeline = line;
	fresh := id IS NULL;
	IF fresh THEN
		IF current_setting('synchronous_commit') = 'off' THEN
			PERFORM set_config('synchronous_commit', 'local', true);
		END IF;
		INSERT INTO herald.server_start AS s (id, started_at, timeline, first_xid)
		VALUES (greatest((extract(epoch FROM started) * 1000)::bigint, (SELECT max(p.id) + 1 FROM herald.server_start AS p)),
		        started, line, (SELECT coalesce(max(e.xid::text::bigint) + 1, 1)::text::xid8 FROM herald.event AS e WHERE e.logged_at < started))
		ON CONFLICT (started_at, timeline) DO UPDATE SET first_xid = s.first_xid
		RETURNING s.id INTO id;
		DELETE FROM herald.total;
	END IF;
END
$$;
COMMENT ON FUNCTION herald.note_start() IS 'internal: record this start of the server once';

CREATE FUNCTION herald.append(rooms text[], name text, payload json, member_id text, joins text, leaves text) RETURNS bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_append';
COMMENT ON FUNCTION herald.append(text[], text, json, text, text, text) IS 'internal: append an event and ring';

CREATE FUNCTION herald.publish(room text, event text, payload jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF coalesce(room, '') = '' OR coalesce(event, '') = '' THEN
		RAISE EXCEPTION 'an event needs a room and a name' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF jsonb_typeof(payload) IS DISTINCT FROM 'object' THEN
		RAISE EXCEPTION 'the payload of an event must be a JSON object'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Wrap it: jsonb_build_object(''value'', …).';
	END IF;
	RETURN herald.append(ARRAY[room], event, payload::json, NULL, NULL, NULL);
END
$$;
COMMENT ON FUNCTION herald.publish(text, text, jsonb) IS 'append an event to the log: it reaches the sessions of the room if this transaction commits';

CREATE FUNCTION herald.broadcast(event text, payload jsonb) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald.publish('*', event, payload);
$$;
COMMENT ON FUNCTION herald.broadcast(text, jsonb) IS 'append an event for every session';

CREATE FUNCTION herald.current_position() RETURNS text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_current_position';
COMMENT ON FUNCTION herald.current_position() IS 'the place in the event log after everything that is visible now';

CREATE FUNCTION herald.read_events(after text, until text DEFAULT NULL, rooms text[] DEFAULT NULL, max_events int DEFAULT 1000)
RETURNS TABLE (id bigint, rooms text[], name text, payload text, "position" text, member_id text, joins text, leaves text,
               logged_ms bigint, more boolean)
LANGUAGE c VOLATILE SET jit = off AS 'MODULE_PATHNAME', 'herald_read_events';
COMMENT ON FUNCTION herald.read_events(text, text, text[], int) IS
	'the events after a position, in order, each with the position after it; the last row, without a name, says where to go on';

CREATE FUNCTION herald.preloaded() RETURNS boolean
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_preloaded';
COMMENT ON FUNCTION herald.preloaded() IS 'whether a worker rings for this database, so that commits need no NOTIFY';

CREATE FUNCTION herald.bridge_hello() RETURNS TABLE (version text, preloaded boolean, "position" text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT e.extversion, herald.preloaded(), herald.current_position() FROM pg_extension AS e WHERE e.extname = 'pg_herald';
$$;
COMMENT ON FUNCTION herald.bridge_hello() IS 'for the bridge: what it talks to, and where the log is';

-- ---------------------------------------------------------------------------
-- Totals: folded counts and the deltas since, added up when an event is read
-- ---------------------------------------------------------------------------

CREATE TABLE herald.total (
	counter    int NOT NULL REFERENCES herald.counter ON DELETE CASCADE,
	counted_id text NOT NULL,
	count      bigint NOT NULL,
	seen       pg_snapshot NOT NULL,
	PRIMARY KEY (counter, counted_id)
);
COMMENT ON TABLE herald.total IS 'internal: totals as of a snapshot; what is missing is counted anew';

CREATE TABLE herald.fold (seen pg_snapshot NOT NULL);
INSERT INTO herald.fold VALUES (pg_current_snapshot());
COMMENT ON TABLE herald.fold IS 'internal: up to where maintain() has folded totals';

CREATE FUNCTION herald.count_now(counter int, counted_id text) RETURNS bigint
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_count_now';
COMMENT ON FUNCTION herald.count_now(int, text) IS 'internal: count in the application''s table, as its owner';

CREATE FUNCTION herald.total_of(counter int, counted_id text) RETURNS bigint
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(
		(SELECT t.count + coalesce((
			SELECT sum(e.delta)
			FROM herald.event AS e
			WHERE e.counter = t.counter AND e.counted_id = t.counted_id AND e.xid >= pg_snapshot_xmin(t.seen)
			AND NOT pg_visible_in_snapshot(e.xid, t.seen)), 0)
		 FROM herald.total AS t
		 WHERE t.counter = total_of.counter AND t.counted_id = total_of.counted_id),
		herald.count_now(counter, counted_id));
$$;
COMMENT ON FUNCTION herald.total_of(int, text) IS 'internal: a total as of now; NULL when it cannot be counted';

-- ---------------------------------------------------------------------------
-- Maintenance: what must not be done in the application's transaction
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald.fold_totals() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	folded pg_snapshot := (SELECT f.seen FROM herald.fold AS f);
	now_seen pg_snapshot := pg_current_snapshot();
BEGIN
	INSERT INTO herald.total AS t (counter, counted_id, count, seen)
	SELECT k.counter, k.counted_id, t.count, pg_current_snapshot()
	FROM (SELECT DISTINCT e.counter, e.counted_id
	      FROM herald.event AS e
	      WHERE e.counter IS NOT NULL AND e.xid >= pg_snapshot_xmin(folded) AND NOT pg_visible_in_snapshot(e.xid, folded)) AS k
	JOIN herald.counter AS c ON c.id = k.counter
	CROSS JOIN LATERAL herald.total_of(k.counter, k.counted_id) AS t (count)
	WHERE t.count IS NOT NULL
	ON CONFLICT (counter, counted_id) DO UPDATE SET count = excluded.count, seen = excluded.seen;
	IF FOUND THEN
		UPDATE herald.fold SET seen = now_seen;
	END IF;
END
$$;
COMMENT ON FUNCTION herald.fold_totals() IS 'internal: bring the totals of subjects that changed up to date';

-- The slot that will be used next is emptied when all that is in it is older than the window.
CREATE FUNCTION herald.trim_log() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $$
DECLARE
	keep interval := current_setting('herald.recovery_window')::interval;
	partition regclass := format('herald.event_%s', herald.event_slot(clock_timestamp() + keep / 2))::regclass;
	newest timestamptz;
	floor xid8;
BEGIN
	EXECUTE format('SELECT e.logged_at, e.xid FROM %s AS e ORDER BY e.xid DESC LIMIT 1', partition) INTO newest, floor;
	IF newest IS NULL OR newest > clock_timestamp() - keep THEN
		RETURN;
	END IF;
	EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE NOWAIT', partition);
	EXECUTE format('SELECT max(e.logged_at), max(e.xid::text::bigint)::text::xid8 FROM %s AS e', partition) INTO newest, floor;
	IF newest > clock_timestamp() - keep THEN
		RETURN;
	END IF;
	DELETE FROM herald.total AS t WHERE pg_snapshot_xmin(t.seen) <= floor;
	DELETE FROM herald.log_floor;
	INSERT INTO herald.log_floor VALUES (floor);
	EXECUTE format('TRUNCATE ONLY %s', partition);
EXCEPTION
	WHEN lock_not_available THEN
		NULL; -- a reader or a writer is at it; the next call tries again
END
$$;
COMMENT ON FUNCTION herald.trim_log() IS 'internal: empty the next partition of the ring';

CREATE FUNCTION herald.maintain() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT pg_try_advisory_xact_lock('herald.fold'::regclass::oid::int, 0) THEN
		RETURN;
	END IF;
	PERFORM herald.fold_totals();
	PERFORM herald.trim_log();
	DELETE FROM herald.session_room AS s
	WHERE s.joined_at < now() - greatest(current_setting('herald.recovery_window')::interval, '1 hour');
END
$$;
COMMENT ON FUNCTION herald.maintain() IS
	'fold totals and empty what retention gives up; the worker calls it while there is activity, and so may anybody who is allowed to';
