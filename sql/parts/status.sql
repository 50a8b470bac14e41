-- ---------------------------------------------------------------------------
-- The status: whether all is well, in one row, by what is cheap to find out
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald_internal.status()
RETURNS TABLE (ok boolean, problems text[], suspended_rules bigint, missed_changes bigint, failures bigint,
               disabled_triggers bigint, worker boolean, unmaintained_since timestamptz,
               queue_usage double precision)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	WITH suspended AS (
		SELECT count(*) AS count, string_agg(format('%s of %s', s.rule, s.relation), ', '
		                                     ORDER BY s.relation::text, s.rule) AS names
		FROM herald.suspended AS s
	), missed AS (
		SELECT coalesce(sum(m.changes), 0)::bigint AS count FROM herald.missed_change AS m
	), failed AS (
		SELECT coalesce(sum(f.times), 0)::bigint AS count, max(f.until) AS last FROM herald.rule_failure AS f
	), disabled AS (
		SELECT count(*) AS count FROM pg_trigger AS t
		WHERE t.tgfoid = 'herald_internal.on_change()'::regprocedure AND t.tgenabled IN ('D', 'R')
	), worker AS (
		SELECT herald.preloaded() AS runs,
		       current_setting('shared_preload_libraries') ~ '\mpg_herald\M' AND
		       quote_ident(current_database()) = ANY (regexp_split_to_array(btrim(current_setting('herald.databases',
		                                                                                      true)), '\s*,\s*'))
		           AS wanted
	), unmaintained AS (
		SELECT (SELECT e.logged_at FROM herald.event AS e
		        WHERE e.id >= (SELECT herald_internal.first_event_id(pg_snapshot_xmax(f.snapshot))
		                       FROM herald_internal.log_fold AS f) AND
		              e.xid >= (SELECT pg_snapshot_xmax(f.snapshot) FROM herald_internal.log_fold AS f)
		        ORDER BY e.id LIMIT 1) AS since
	), queue AS (
		SELECT CASE WHEN pg_is_in_recovery() THEN 0 ELSE pg_notification_queue_usage() END AS usage
	), found AS (
		SELECT array_remove(ARRAY[
			CASE WHEN s.count > 0 THEN format('suspended rules: %s', s.names) END,
			CASE WHEN d.count > 0 THEN format('disabled triggers: %s', d.count) END,
			CASE WHEN f.last > now() - interval '1 day'
			THEN format('rules failed, last at %s', date_trunc('second', f.last)) END,
			CASE WHEN w.wanted AND NOT w.runs AND NOT pg_is_in_recovery() THEN 'no worker runs' END,
			CASE WHEN u.since < clock_timestamp() - interval '5 minutes'
			THEN format('nobody maintains the log since %s', date_trunc('second', u.since)) END,
			CASE WHEN q.usage > 0.5 THEN format('the NOTIFY queue is %s %% full', round(q.usage * 100)) END
		], NULL) AS problems
		FROM suspended AS s, failed AS f, disabled AS d, worker AS w, unmaintained AS u, queue AS q
	)
	SELECT p.problems = '{}', p.problems, s.count, m.count, f.count, d.count, w.runs, u.since, q.usage
	FROM found AS p, suspended AS s, missed AS m, failed AS f, disabled AS d, worker AS w, unmaintained AS u,
	     queue AS q;
$$;
COMMENT ON FUNCTION herald_internal.status() IS 'returns the row of herald.status, for the bridge too';

CREATE VIEW herald.status WITH (security_barrier) AS
	SELECT * FROM herald_internal.status() WHERE herald_internal.check_reader('status');
COMMENT ON VIEW herald.status IS
	'whether all is well, in one row and within a millisecond; herald.doctor() looks for more, and has the remedies';
COMMENT ON COLUMN herald.status.ok IS 'whether there are no problems';
COMMENT ON COLUMN herald.status.problems IS 'the problems, a text for each';
COMMENT ON COLUMN herald.status.suspended_rules IS 'the number of suspended rules: herald.suspended';
COMMENT ON COLUMN herald.status.missed_changes IS
	'how many changed rows suspended rules have missed in the last 30 days: herald.missed_change';
COMMENT ON COLUMN herald.status.failures IS
	'how often rules have failed in the last 30 days, and let the write pass: herald.rule_failure';
COMMENT ON COLUMN herald.status.disabled_triggers IS 'the number of disabled triggers of watched tables';
COMMENT ON COLUMN herald.status.worker IS 'whether a worker runs for this database';
COMMENT ON COLUMN herald.status.unmaintained_since IS
	'the time of the oldest event that herald.maintain() has not seen; null: none';
COMMENT ON COLUMN herald.status.queue_usage IS 'how full the NOTIFY queue of the server is: 0 to 1';
