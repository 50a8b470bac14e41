-- ---------------------------------------------------------------------------
-- Entries: the functions of schema herald, as their callers see them
--
-- Each function that the other parts make in schema herald is a body, and so is herald_internal.act(), which the bridge
-- calls. It moves to schema herald_body, and an entry with its name, arguments and comment takes its place: entry.c
-- checks the caller's privilege, so that the error names the role that the caller lacks, and leaves the extension's own
-- context out of errors. Three functions stay as they are, for everybody: they read the session or convert a value. The
-- planner inlines is_unread(), which runs for each row.
-- ---------------------------------------------------------------------------

CREATE SCHEMA herald_body;
COMMENT ON SCHEMA herald_body IS 'pg_herald: the bodies of the functions of schema herald, which call them';

DO $$
DECLARE
	body record;
BEGIN
	FOR body IN
		SELECT format('%s.%I(%s)', n.name, p.proname, pg_get_function_identity_arguments(p.oid)) AS name,
		       format('%s.%I(%s)', n.name, p.proname, pg_get_function_arguments(p.oid)) AS declaration,
		       pg_get_function_result(p.oid) AS result, obj_description(p.oid, 'pg_proc') AS comment,
		       concat_ws(' ', CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' END,
		                 CASE p.proparallel WHEN 's' THEN 'PARALLEL SAFE' END) AS properties
		FROM pg_proc AS p
		CROSS JOIN LATERAL (SELECT p.pronamespace::regnamespace::text) AS n (name)
		WHERE n.name = 'herald' AND p.proname <> ALL ('{current_user_id,iso8601,is_unread}') OR
		      n.name = 'herald_internal' AND p.proname = 'act'
	LOOP
		EXECUTE format('ALTER FUNCTION %s SET SCHEMA herald_body', body.name);
		EXECUTE format('CREATE FUNCTION %s RETURNS %s LANGUAGE c %s AS ''MODULE_PATHNAME'', ''herald_entry''',
		               body.declaration, body.result, body.properties);
		EXECUTE format('COMMENT ON FUNCTION %s IS %L', body.name, body.comment);
	END LOOP;
END
$$;
