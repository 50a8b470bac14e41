-- ---------------------------------------------------------------------------
-- Starts of the server: each transaction of the log belongs to one
-- ---------------------------------------------------------------------------

CREATE TABLE herald_internal.log_identity (id int PRIMARY KEY DEFAULT hashtext(gen_random_uuid()::text));
INSERT INTO herald_internal.log_identity DEFAULT VALUES;
COMMENT ON TABLE herald_internal.log_identity IS
	'the identity of the log in positions: a dump does not contain it, and pg_upgrade keeps it';

CREATE TABLE herald_internal.server_start (
	id         bigint PRIMARY KEY,
	started_at timestamptz NOT NULL,
	timeline   text NOT NULL,
	first_xid  xid8 NOT NULL,
	begins_at  pg_lsn NOT NULL,
	UNIQUE (started_at, timeline)
);
COMMENT ON TABLE herald_internal.server_start IS
	'starts of the server, including crash restarts and promotions; events of a start have its first_xid or a higher '
	'transaction id, and WAL of the previous start beyond begins_at is lost';

CREATE FUNCTION herald_internal.timeline_since() RETURNS timestamptz
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_timeline_since';
COMMENT ON FUNCTION herald_internal.timeline_since() IS 'returns the time when this server switched to its timeline';

CREATE FUNCTION herald_internal.timeline_left(timeline text) RETURNS pg_lsn
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_timeline_left';
COMMENT ON FUNCTION herald_internal.timeline_left(text) IS
	'returns the WAL location from which on this server lacks another timeline; 0/0: it has nothing of it, NULL: it '
	'is on it';

CREATE FUNCTION herald_internal.wal_begin() RETURNS pg_lsn
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_wal_begin';
COMMENT ON FUNCTION herald_internal.wal_begin() IS
	'returns the begin of the latest checkpoint: after a start, the end of the WAL that the start found';

-- The checkpointer lives as long as the shared memory: a new one means a new start, also after a crash of a single
-- backend. A standby has a checkpointer before it is promoted.
CREATE FUNCTION herald_internal.current_server_start(OUT started_at timestamptz, OUT timeline text)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT greatest(coalesce((SELECT a.backend_start FROM pg_stat_activity AS a WHERE a.backend_type = 'checkpointer'),
	                         pg_postmaster_start_time()),
	                herald_internal.timeline_since()),
	       left(pg_walfile_name(pg_current_wal_lsn()), 8);
$$;
COMMENT ON FUNCTION herald_internal.current_server_start() IS
	'returns the time when this server started to write, and its timeline';

-- The first start of this log. Its id is the time of CREATE EXTENSION, so positions of an earlier log are not
-- accepted.
INSERT INTO herald_internal.server_start (id, started_at, timeline, first_xid, begins_at)
	SELECT extract(epoch FROM clock_timestamp()) * 1000, s.started_at, s.timeline, '1',
	       '0/0' FROM herald_internal.current_server_start() AS s;

-- Records this start of the server, unless it is recorded already, and returns its id.
--
-- first_xid is above the transaction id of every event of an earlier start, present or removed by retention. So every
-- event from first_xid on is new to a position of an earlier start, whichever transaction ids the crash makes the
-- server assign again.
--
-- If the clock was set back, the times of events do not separate the starts. Then two other bounds do:
--
-- 1. the transactions that had ended when maintain() last looked (log_fold),
-- 2. a shutdown or end-of-recovery checkpoint: nothing was written between its begin and its end. With wal_level =
--    minimal, other checkpoints may look the same, so they are not used.
--
-- A position must outlive the next crash. So the record is flushed before a position uses it. Its id is a time in
-- milliseconds: if the record were lost, the same id would not come again, as the next number of a sequence would.
CREATE FUNCTION herald_internal.record_server_start(OUT id bigint, OUT fresh boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	this record;
	newest xid8;
BEGIN
	SELECT * INTO this FROM herald_internal.current_server_start();
	SELECT s.id INTO id FROM herald_internal.server_start AS s WHERE s.started_at = this.started_at AND
	       s.timeline = this.timeline;
	fresh := id IS NULL;
	IF fresh THEN
		IF current_setting('synchronous_commit') = 'off' THEN
			PERFORM set_config('synchronous_commit', 'local', true);
		END IF;
		newest := greatest(herald_internal.newest_xid(logged_before => this.started_at),
		                   (SELECT herald_internal.newest_xid(before => pg_snapshot_xmin(f.snapshot))
		                    FROM herald_internal.log_fold AS f),
		                   (SELECT f.xid FROM herald_internal.log_floor AS f ORDER BY f.xid DESC LIMIT 1),
		                   (SELECT ((split_part(c.next_xid, ':',
		                                        1)::bigint << 32) + split_part(c.next_xid,
		                                            ':', 2)::bigint - 1)::text::xid8
		                    FROM pg_control_checkpoint() AS c WHERE c.redo_lsn = c.checkpoint_lsn AND
		                    current_setting('wal_level') <> 'minimal'), '0');
		INSERT INTO herald_internal.server_start AS s (id, started_at, timeline, first_xid, begins_at)
		VALUES (greatest((extract(epoch FROM this.started_at) * 1000)::bigint,
		                 (SELECT max(p.id) + 1 FROM herald_internal.server_start AS p)),
		        this.started_at, this.timeline, (newest::text::bigint + 1)::text::xid8,
		        coalesce((SELECT herald_internal.timeline_left(p.timeline) FROM herald_internal.server_start AS p
		                  ORDER BY p.id DESC LIMIT 1), herald_internal.wal_begin()))
		ON CONFLICT (started_at, timeline) DO UPDATE SET first_xid = s.first_xid
		RETURNING s.id INTO id;
		DELETE FROM herald_internal.total; -- the snapshots in it are as old as positions
		UPDATE herald_internal.log_fold SET snapshot = pg_current_snapshot(); -- and so is this one
	END IF;
END
$$;
COMMENT ON FUNCTION herald_internal.record_server_start() IS 'records this start of the server once';
