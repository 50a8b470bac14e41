-- ---------------------------------------------------------------------------
-- Totals: counts as of a snapshot, and the deltas since, summed on reading
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald_internal.next_xid() RETURNS xid8
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_next_xid';
COMMENT ON FUNCTION herald_internal.next_xid() IS
	'returns the next transaction id: all that were assigned before are lower';

-- An event of a kept total has an entry in the index of subjects, where readers find the later ones (event_log.c). The
-- writer looks for the total after its transaction has got an id. So a total is kept in three folds:
--
-- 1. The first one adds it, without a count.
-- 2. When that transaction has ended, a fold settles it with the next transaction id: later transactions see it.
-- 3. When all earlier ones have ended, a fold counts. Events that its snapshot does not see have their entries.
--
-- No foreign key: folding must not wait for a transaction that unwatches a table, and hold its locks meanwhile.
CREATE TABLE herald_internal.total (
	counted_id text COLLATE "C" NOT NULL,
	counter    int NOT NULL,
	count      bigint,
	snapshot   pg_snapshot NOT NULL DEFAULT pg_current_snapshot(),
	next_xid   xid8 NOT NULL DEFAULT herald_internal.next_xid(),
	settled    boolean NOT NULL DEFAULT false,
	PRIMARY KEY (counted_id, counter)
);
COMMENT ON TABLE herald_internal.total IS
	'totals as of a snapshot; a missing one is counted again; one without a count is about to be kept';
COMMENT ON COLUMN herald_internal.total.next_xid IS
	'when all transactions before this one have ended, the second or third fold can do its part';

CREATE FUNCTION herald_internal.totals_of(counters int[], counted_ids text[]) RETURNS bigint[]
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_totals_of';
COMMENT ON FUNCTION herald_internal.totals_of(int[], text[]) IS
	'returns the totals of subjects as of now; NULL if it cannot be counted in the application''s table, as its owner';

-- Returns the query of a counter: over an array of subjects, it returns the place of each and its number of rows.
CREATE FUNCTION herald_internal.count_sql(rows text, condition text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('SELECT subject.place, (SELECT count(*) FROM %s AS counted WHERE %s) '
	              'FROM unnest($1) WITH ORDINALITY AS subject (id, place)', rows, condition);
$$;

CREATE TABLE herald_internal.log_fold (
	snapshot pg_snapshot NOT NULL,
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
INSERT INTO herald_internal.log_fold SELECT pg_current_snapshot();
COMMENT ON TABLE herald_internal.log_fold IS
	'the snapshot of the last fold_totals() that found new events; totals are folded up to it';

-- Returns whether there are events since a fold, and the subjects that have the most of them, at most 200, with the
-- sum of their deltas.
--
-- The cost depends on the new events, not on the old ones: it reads the same rows as read_events(), by index
-- whatever the planner knows of a log that grows.
CREATE FUNCTION herald_internal.new_deltas(folded pg_snapshot, OUT has_events boolean, OUT counters int[],
                                           OUT counted_ids text[], OUT deltas bigint[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
	running xid8[] := ARRAY(SELECT pg_snapshot_xip(folded));
	first bigint := herald_internal.first_event_id(pg_snapshot_xmax(folded));
BEGIN
	has_events := EXISTS (SELECT FROM herald.event AS e WHERE e.id >= first AND e.xid >= pg_snapshot_xmax(folded) AND
	                      e.xid < pg_snapshot_xmax(pg_current_snapshot())) OR
	              EXISTS (SELECT FROM herald_internal.events_of(running));
	IF has_events THEN
		SELECT array_agg(b.counter), array_agg(b.counted_id), array_agg(b.delta) INTO counters, counted_ids, deltas
		FROM (SELECT e.counter, e.counted_id, sum(e.delta) AS delta
		      FROM (SELECT n.counter, n.counted_id, n.delta FROM herald.event AS n
		            WHERE n.id >= first AND n.xid >= pg_snapshot_xmax(folded) AND
		                  n.xid < pg_snapshot_xmax(pg_current_snapshot())
		            UNION ALL
		            SELECT r.counter, r.counted_id, r.delta FROM herald_internal.events_of(running) AS r) AS e
		      WHERE e.counter IN (SELECT c.id FROM herald_internal.counter AS c) AND e.counted_id IS NOT NULL
		      GROUP BY e.counter, e.counted_id
		      ORDER BY count(*) DESC, e.counter, e.counted_id
		      LIMIT 200) AS b;
	END IF;
END
$$;
COMMENT ON FUNCTION herald_internal.new_deltas(pg_snapshot) IS
	'returns the subjects with the most events since a fold, and the sum of their deltas';

-- Stores the counts that a snapshot has seen, of those that are settled. Finds each by index.
CREATE FUNCTION herald_internal.store_totals(counters int[], counted_ids text[], counts bigint[], seen pg_snapshot)
	RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
	-- The time takes away rows that these count. Such totals are not kept: a count follows the clock, and the delta of
	-- a row comes a moment later.
	timed int[] := ARRAY(SELECT c.id FROM herald_internal.counter AS c
	                     JOIN herald_internal.watched_table AS w ON w.relation = c.relation
	                     WHERE c.id = ANY (counters) AND w.arguments ? 'by_time');
BEGIN
	PERFORM pg_current_xact_id(); -- before next_xid() is read: the later folds then wait for this transaction, too
	UPDATE herald_internal.total AS t SET settled = true, next_xid = herald_internal.next_xid()
	FROM unnest(counters, counted_ids) AS b (counter, counted_id)
	WHERE t.counted_id = b.counted_id AND t.counter = b.counter AND NOT t.settled AND
	      t.next_xid <= pg_snapshot_xmin(seen);
	WITH changed AS MATERIALIZED (
		SELECT c.*, c.counter = ANY (timed) AS timed
		FROM unnest(counters, counted_ids, counts) AS c (counter, counted_id, count) WHERE c.count IS NOT NULL
	), added AS (
		INSERT INTO herald_internal.total (counted_id, counter)
		SELECT w.counted_id, w.counter FROM changed AS w WHERE NOT w.timed
		ON CONFLICT DO NOTHING
	), always_counted AS (
		DELETE FROM herald_internal.total AS t USING changed AS w
		WHERE t.counted_id = w.counted_id AND t.counter = w.counter AND w.timed
	)
	UPDATE herald_internal.total AS t SET count = w.count, snapshot = seen
	FROM changed AS w
	WHERE t.counted_id = w.counted_id AND t.counter = w.counter AND t.settled AND
	      t.next_xid <= pg_snapshot_xmin(seen) AND NOT w.timed;
END
$$;
COMMENT ON FUNCTION herald_internal.store_totals(int[], text[], bigint[], pg_snapshot) IS
	'keeps totals, and stores the counts of those that are kept long enough';

-- Brings the totals of the subjects with the most events up to date, at most 200 of them.
--
-- Totals that are not folded are correct, too, and only slower to read. So neither the doorbell nor a lock on the
-- application's tables waits for fold_totals().
--
-- The previous total is the new total less the deltas since the last fold. So a subject that had a large total before
-- it was watched gets no notification of old milestones.
CREATE FUNCTION herald_internal.fold_totals() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	folded pg_snapshot := (SELECT f.snapshot FROM herald_internal.log_fold AS f);
	until pg_snapshot := pg_current_snapshot();
	rungs bigint[] := string_to_array(nullif(herald_internal.setting('milestones'), ''), ',');
	busiest record;
	seen pg_snapshot;
	counts bigint[];
	notified bigint;
BEGIN
	SELECT d.* INTO busiest FROM herald_internal.new_deltas(folded) AS d;
	IF NOT busiest.has_events THEN
		RETURN;
	END IF;
	SELECT pg_current_snapshot(), herald_internal.totals_of(busiest.counters, busiest.counted_ids) INTO seen, counts;
	PERFORM herald_internal.store_totals(busiest.counters, busiest.counted_ids, counts, seen);
	SELECT count(herald_internal.notify_milestones(c, w.counted_id, w.count - w.delta, w.count)) INTO notified
	FROM unnest(busiest.counters, busiest.counted_ids, busiest.deltas, counts) AS w (counter, counted_id, delta, count)
	JOIN herald_internal.counter AS c ON c.id = w.counter
	WHERE c.owner_sql IS NOT NULL AND w.delta > 0 AND w.count >= rungs[1] AND
	      EXISTS (SELECT FROM unnest(rungs) AS rung WHERE rung > w.count - w.delta AND rung <= w.count);
	UPDATE herald_internal.log_fold SET snapshot = until;
END
$$;
COMMENT ON FUNCTION herald_internal.fold_totals() IS 'updates the totals of the subjects with the most new events';
