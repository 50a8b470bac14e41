-- ---------------------------------------------------------------------------
-- Milestones: notify the owner of a subject of round totals
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald_internal.owner_now(counter int, counted_id text) RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_owner_now';
COMMENT ON FUNCTION herald_internal.owner_now(int, text) IS
	'returns the owner of the subject of a total, from the application''s table, as its owner';

-- Notifies of the milestones between two totals. Each is notified once, however often the total falls below it again.
-- The cause belongs to the owner of the table that is counted, as those of its rules do.
CREATE FUNCTION herald_internal.notify_milestones(counter herald_internal.counter, counted_id text, before bigint,
                                                  total bigint) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.notify_as(herald_internal.owner_now(counter.id, counted_id), 'milestone',
		title => CASE WHEN counter.subject_type = 'user' THEN 'You have ' || w.words END, content => w.words,
		data => jsonb_build_object('total', rung, 'field', counter.field,
		                           herald_internal.camel_case(counter.subject_type) || 'Id', counted_id),
		actor => NULL, subject_type => counter.subject_type, subject_id => counted_id, thread => NULL,
		owner => (SELECT c.relowner FROM pg_class AS c WHERE c.oid = counter.relation),
		cause => format('%s:%s:milestone:%s:%s', counter.subject_type,
		                replace(replace(counted_id, '\', '\\'), ':', '\:'), counter.field, rung))
	FROM unnest(string_to_array(nullif(herald_internal.setting('milestones'), ''), ',')::bigint[]) AS rung
	CROSS JOIN LATERAL (SELECT to_char(rung, 'FM999,999,999,999,999,999') ||
	                    ' ' || lower(regexp_replace(counter.field, '^total', '') COLLATE "C")) AS w (words)
	WHERE rung > before AND rung <= total AND herald_internal.owner_now(counter.id, counted_id) IS NOT NULL;
$$;
COMMENT ON FUNCTION herald_internal.notify_milestones(herald_internal.counter, text, bigint, bigint) IS
	'notifies of the milestones between two totals';
