-- ---------------------------------------------------------------------------
-- The status: whether all is well, in one row, by what is cheap to find out
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald_internal.status()
RETURNS TABLE (ok boolean, problems text[], suspended_rules bigint, missed_changes bigint, failures bigint,
               disabled_triggers bigint, worker boolean, unmaintained_since timestamptz,
               queue_usage double precision)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	WITH facts AS MATERIALIZED (
		SELECT (SELECT array_agg(format('%s of %s', s.rule, s.relation) ORDER BY s.relation::text, s.rule)
		        FROM herald.suspended AS s) AS suspended,
		       (SELECT coalesce(sum(m.changes), 0)::bigint FROM herald.missed_change AS m) AS missed,
		       (SELECT coalesce(sum(f.times), 0)::bigint FROM herald.rule_failure AS f) AS failed,
		       (SELECT max(f.until) FROM herald.rule_failure AS f) AS failed_at,
		       (SELECT count(*) FROM pg_trigger AS t
		        WHERE t.tgfoid = 'herald_internal.on_change()'::regprocedure AND t.tgenabled IN ('D', 'R')) AS disabled,
		       herald.preloaded() AS worker,
		       current_setting('shared_preload_libraries') ~ '\mpg_herald\M' AND
		       quote_ident(current_database()) = ANY (regexp_split_to_array(btrim(current_setting('herald.databases',
		                                                                                          true)), '\s*,\s*'))
		           AS worker_wanted,
		       (SELECT e.logged_at FROM herald.event AS e
		        WHERE e.id >= (SELECT herald_internal.first_event_id(pg_snapshot_xmax(f.snapshot))
		                       FROM herald_internal.log_fold AS f) AND
		              e.xid >= (SELECT pg_snapshot_xmax(f.snapshot) FROM herald_internal.log_fold AS f)
		        ORDER BY e.id LIMIT 1) AS unmaintained_since,
		       CASE WHEN pg_is_in_recovery() THEN 0 ELSE pg_notification_queue_usage() END AS queue_usage
	)
	SELECT p.problems = '{}', p.problems, coalesce(cardinality(f.suspended), 0)::bigint, f.missed, f.failed, f.disabled,
	       f.worker, f.unmaintained_since, f.queue_usage
	FROM facts AS f, LATERAL (SELECT array_remove(ARRAY[
		CASE WHEN f.suspended IS NOT NULL
		THEN format('suspended rules: %s', array_to_string(f.suspended, ', ')) END,
		CASE WHEN f.disabled > 0 THEN format('disabled triggers: %s', f.disabled) END,
		CASE WHEN f.failed_at > now() - interval '1 day'
		THEN format('rules failed, last at %s', date_trunc('second', f.failed_at)) END,
		CASE WHEN f.worker_wanted AND NOT f.worker AND NOT pg_is_in_recovery() THEN 'no worker runs' END,
		CASE WHEN f.unmaintained_since < clock_timestamp() - interval '5 minutes'
		THEN format('nobody maintains the log since %s', date_trunc('second', f.unmaintained_since)) END,
		CASE WHEN f.queue_usage > 0.5 THEN format('the NOTIFY queue is %s %% full', round(f.queue_usage * 100)) END
	], NULL) AS problems) AS p;
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
