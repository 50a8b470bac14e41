-- ---------------------------------------------------------------------------
-- The doctor: finds problems that keep changes from their recipients
--
-- Each branch of a UNION is one check. An error means that something makes
-- nothing now, or that writes fail. A warning means that something will be
-- lost or delayed. An info is worth knowing. A remedy is a statement or,
-- where no statement helps, a comment. Before a GRANT on the object of
-- another owner, a comment names that owner: it may be as meant. Rules
-- with the same problem share a row. Administrators paste remedies: a
-- statement quotes each value, and a comment that contains a value goes
-- through comment_lines().
-- ---------------------------------------------------------------------------

CREATE TYPE herald_internal.problem AS (severity text, problem text, relation regclass, rule text, detail text,
                                        remedy text);
COMMENT ON TYPE herald_internal.problem IS 'a row of herald.doctor()';

-- ----- rules: is their SQL valid, and may their owner read the tables in it?

CREATE FUNCTION herald_internal.plan_of(relation regclass, query text) RETURNS json
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_plan_of';
COMMENT ON FUNCTION herald_internal.plan_of(regclass, text) IS
	'returns the plan of a query of a rule, as the owner of its table';

CREATE FUNCTION herald_internal.tables_read(relation regclass, query text) RETURNS regclass[]
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_tables_read';
COMMENT ON FUNCTION herald_internal.tables_read(regclass, text) IS 'returns the tables that a query of a rule reads';

CREATE FUNCTION herald_internal.examine_query(relation regclass, query text, OUT reads regclass[], OUT plan jsonb,
                                              OUT code text, OUT message text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	reads := herald_internal.tables_read(relation, query);
	plan := herald_internal.plan_of(relation, query);
EXCEPTION WHEN OTHERS THEN
	code := SQLSTATE;
	message := SQLERRM;
END
$$;

-- Returns all compiled SQL: the queries of rules, totals, automatic rooms and blocks. A parameter becomes a value that
-- the planner cannot know. A rehearsed query has run when it was saved, so that its owner had all privileges then.
CREATE FUNCTION herald_internal.compiled_queries()
	RETURNS TABLE (relation regclass, rule text, query text, rehearsed boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT r.relation, r.name, q.sql, true FROM herald_internal.rule AS r
	CROSS JOIN LATERAL (VALUES (r.notify), (r.publish), (r.retract), (r.schedule)) AS q (sql) WHERE q.sql IS NOT NULL
	UNION ALL
	SELECT c.relation, c.field, q.sql, true
	FROM herald_internal.counter AS c
	CROSS JOIN LATERAL (VALUES (replace(c.count_sql, '$1', '(SELECT NULL::text[])')),
	                           (replace(c.owner_sql, '$1', '(SELECT NULL::text)'))) AS q (sql)
	WHERE q.sql IS NOT NULL
	UNION ALL
	SELECT s.relation, s.kind, replace(s.sql, '$1', '(SELECT NULL::text[])'), true FROM herald_internal.room_source AS s
	UNION ALL
	SELECT b.relation, 'blocks', b.sql, true FROM herald_internal.block_source AS b
	UNION ALL
	SELECT c.relation, 'rooms ' || p.prefix, replace(replace(replace(c.sql, '$1', '(SELECT NULL::int[])'),
	                                                 '$2', '(SELECT NULL::text[])'), '$3', '(SELECT NULL::text[])'),
	       false
	FROM (SELECT DISTINCT t.prefix FROM herald_internal.room_tables() AS t) AS p
	CROSS JOIN LATERAL herald_internal.compile_table_checks(p.prefix) AS c;
$$;

-- Returns the marks in saved SQL with the names behind them: the OID of a table and the number of a column, or the OID
-- of an object and its kind (see name_marks.h).
CREATE FUNCTION herald_internal.marked_names(sql text) RETURNS TABLE (object oid, part int, name text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT DISTINCT o.object, m.part[2]::int,
	       CASE WHEN m.part[3] LIKE '"%' THEN replace(substr(m.part[3], 2, length(m.part[3]) - 2), '""', '"')
	       ELSE m.part[3] END
	FROM regexp_matches($1, format('/\*@%s\.([0-9]{1,10})\.(-?[0-9]{1,5})\*/(?:(?:"(?:[^"]|"")*"|[\w$]+)\s*\.\s*)*'
	                               '("(?:[^"]|"")*"|[\w$]+)?', herald_internal.database_tag()), 'g') AS m (part)
	CROSS JOIN LATERAL (SELECT CASE WHEN m.part[1]::bigint < 1::bigint << 32 THEN m.part[1]::bigint::oid END)
		AS o (object)
	WHERE o.object IS NOT NULL;
$$;

-- Returns the columns that a saved call, or a rule, has named and that exist no more.
CREATE FUNCTION herald_internal.gone_columns(relation regclass, kind text) RETURNS TABLE (name text)
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT n.old_name
	FROM herald_internal.watched_table AS w
	CROSS JOIN herald_internal.changed_names($1, w.arguments) AS n
	WHERE w.relation = $1 AND w.kind = $2 AND n.new_name IS NULL
	UNION
	SELECT m.name
	FROM herald_internal.rule AS r
	CROSS JOIN herald_internal.marked_names(concat(r.notify, r.publish, r.lock, r.retract, r.schedule)) AS m
	WHERE r.relation = $1 AND $2 = 'rule ' || r.name AND m.part > 0 AND
	      NOT EXISTS (SELECT FROM pg_attribute AS a
	                  WHERE a.attrelid = m.object AND a.attnum = m.part AND NOT a.attisdropped);
$$;

-- Returns the call that makes the rules of a table, or one of them, again, after a comment about the columns that are
-- gone. With those that it still names it fails, as only a person knows their successors. It looks for those of others.
CREATE FUNCTION herald_internal.remedy_call(relation regclass, kind text) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(E'\n',
		herald_internal.comment_lines(g.named || ' is gone: put its successor into this call, which fails until then' ||
			CASE WHEN $2 LIKE 'rule %' THEN format(', or do without the rule: SELECT herald.unwatch(%L, %L);', $1,
			                                       substr($2, 6)) ELSE '' END),
		herald_internal.comment_lines(g.left_out || ' is gone: the notice of this call says what takes its place'),
		c.sql)
	FROM herald_internal.watch_call($1, $2) AS c (sql)
	CROSS JOIN LATERAL (
		SELECT string_agg(n.name, ', ' ORDER BY n.name) FILTER (WHERE m.in_call) AS named,
		       string_agg(n.name, ', ' ORDER BY n.name) FILTER (WHERE NOT m.in_call AND m.in_record) AS left_out
		FROM herald_internal.watched_table AS w
		CROSS JOIN herald_internal.gone_columns($1, $2) AS n
		CROSS JOIN LATERAL (
			SELECT herald_internal.mentions_word(substr(c.sql, strpos(c.sql, ', ')), n.name),
			       herald_internal.mentions_word((w.arguments - '{call,names,table,table_owner,rooms,reads,ignore,'
			                                                    'payload_columns}'::text[])::text, n.name))
			AS m (in_call, in_record)
		WHERE w.relation = $1 AND w.kind = $2) AS g
	WHERE c.sql IS NOT NULL;
$$;

-- Returns the table that needs a remedy so that a query of a rule fits the schema, and the call that is the remedy. The
-- query has lost columns of that table, or else the call made the rule.
CREATE FUNCTION herald_internal.rule_remedy(INOUT relation regclass, rule text, query text, OUT remedy text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(c.relation, $1),
	       coalesce(c.remedy, herald_internal.comment_lines(format(
	           'no call is saved: watch the table again, or do without the rule: SELECT herald.unwatch(%L, %L);',
	           $1, $2)))
	FROM (SELECT) AS one
	LEFT JOIN LATERAL (
		SELECT w.relation, herald_internal.remedy_call(w.relation, w.kind)
		FROM herald_internal.watched_table AS w
		CROSS JOIN LATERAL (SELECT CASE
			WHEN w.relation <> $1 AND w.kind NOT LIKE 'rule %' AND herald_internal.is_trusted($1, w.relation) AND
			     EXISTS (SELECT FROM herald_internal.marked_names($3) AS m
			             JOIN herald_internal.gone_columns(w.relation, w.kind) AS n USING (name)
			             WHERE m.object = w.relation AND m.part > 0) THEN 1
			WHEN w.relation = $1 AND w.kind = 'rule ' || $2 THEN 2
			WHEN w.relation = $1 AND w.kind NOT LIKE 'rule %' AND
			     ($2 ~* ('^(un|total)?' || left(w.kind, -1)) OR
			      $2 IN ('reply', 'mention', 'mention_edit', 'request_answered')) THEN 3
			WHEN $2 LIKE 'rooms %' AND EXISTS (
				SELECT FROM jsonb_path_query(w.arguments, 'lax $.rooms[*].relation') AS r (name)
				WHERE r.name #>> '{}' = $1::text) THEN 4 END) AS p (place)
		WHERE p.place IS NOT NULL AND w.arguments ? 'call'
		ORDER BY p.place, w.relation <> $1, w.relation::text, w.kind
		LIMIT 1) AS c (relation, remedy) ON true;
$$;

-- Returns the tables and functions for which a role lacks privileges in a query, the statements that give these, the
-- owners that may run them, and a remedy: the statements behind a comment that says whose objects they open. "relation"
-- is NULL for a function. If a role has privileges on columns of a table, those on the missing ones suffice.
CREATE FUNCTION herald_internal.missing_grants(role oid, query text)
	RETURNS TABLE (relation regclass, object text, grants text, owners text, remedy text)
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	WITH named AS MATERIALIZED (
		SELECT * FROM herald_internal.marked_names($2)
	), needed AS (
		SELECT c.oid::regclass AS relation, c.oid::regclass::text AS object, c.relnamespace AS schema,
		       c.relowner AS owner, CASE
		       WHEN NOT has_any_column_privilege($1, c.oid, 'SELECT') THEN 'SELECT ON ' || c.oid::regclass
		       WHEN NOT has_table_privilege($1, c.oid, 'SELECT')
		       THEN (SELECT 'SELECT (' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ') ON ' ||
		                    c.oid::regclass
		             FROM named AS n
		             JOIN pg_attribute AS a ON a.attrelid = n.object AND a.attnum = n.part AND NOT a.attisdropped
		             WHERE n.object = c.oid AND n.part > 0 AND
		                   NOT has_column_privilege($1, c.oid, a.attnum, 'SELECT')) END AS privilege
		FROM named AS m
		JOIN pg_class AS c ON c.oid = m.object
		WHERE m.part >= 0
		UNION
		SELECT NULL, 'function ' || p.oid::regprocedure, p.pronamespace, p.proowner,
		       CASE WHEN NOT has_function_privilege($1, p.oid, 'EXECUTE')
		       THEN 'EXECUTE ON FUNCTION ' || p.oid::regprocedure END
		FROM named AS m
		JOIN pg_proc AS p ON p.oid = m.object
		WHERE m.part = -1
	)
	SELECT o.relation, o.object, o.grants, o.owners, concat_ws(E'\n', CASE WHEN o.owners <> $1::regrole::text
	       THEN herald_internal.comment_lines(format(
	           '%s (or its schema) belongs to %s: paste this only if %s, the role of the rules, is meant to use it',
	           o.object, o.owners, $1::regrole)) END, o.grants)
	FROM (
		SELECT n.relation, n.object,
		       string_agg('GRANT ' || g.privilege || ' TO ' || $1::regrole || ';', ' ' ORDER BY g.place) AS grants,
		       string_agg(DISTINCT g.owner::regrole::text, ', ') AS owners
		FROM needed AS n
		JOIN pg_namespace AS s ON s.oid = n.schema
		CROSS JOIN LATERAL (
			SELECT 1, s.nspowner, 'USAGE ON SCHEMA ' || s.oid::regnamespace
			WHERE NOT has_schema_privilege($1, s.oid, 'USAGE')
			UNION ALL
			SELECT 2, n.owner, n.privilege WHERE n.privilege IS NOT NULL) AS g (place, owner, privilege)
		GROUP BY n.relation, n.object) AS o;
$$;

-- Returns the columns that a plan compares but that begin no index. An index helps a varchar that is compared as a
-- text, but not a number that is.
CREATE FUNCTION herald_internal.missing_indexes(plan jsonb) RETURNS TABLE (relation regclass, keys text)
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	WITH node AS (
		SELECT n.* FROM jsonb_path_query($1, 'strict $.** ? (exists (@."Node Type"))') AS j (node)
		CROSS JOIN jsonb_to_record(j.node) AS n ("Schema" text, "Relation Name" text, "Alias" text, "Index Cond" text,
		                                         "Recheck Cond" text,
		                                         "Hash Cond" text, "Merge Cond" text, "Join Filter" text, "Filter" text)
	), condition AS (
		SELECT string_agg(concat_ws(' ', n."Index Cond", n."Recheck Cond", n."Hash Cond", n."Merge Cond",
		                            n."Join Filter", n."Filter"), ' ') AS text
		FROM node AS n
	), scan AS (
		SELECT DISTINCT to_regclass(quote_ident(n."Schema") || '.' || quote_ident(n."Relation Name")) AS relation,
		       regexp_replace(quote_ident(n."Alias") || '.', '(\W)', '\\\1', 'g') AS prefix
		FROM node AS n
	), compared AS (
		SELECT DISTINCT s.relation, s.prefix, regexp_replace(m.part[1], s.prefix, '') AS operand
		FROM scan AS s
		CROSS JOIN condition AS c
		CROSS JOIN format('(?:(?<![\w"])%1$s(?:"[^"]+"|\w+)|\(%1$s(?:"[^"]+"|\w+)\)::text)', s.prefix) AS operand
		CROSS JOIN regexp_matches(c.text, format('%1$s(?= = )|(?<== )%1$s', operand), 'g') AS m (part)
	), key AS (
		SELECT c.relation, c.prefix, CASE WHEN c.operand = quote_ident(a.attname) OR a.atttypid = 'varchar'::regtype
		THEN quote_ident(a.attname)
		                                       ELSE format('(%s)', c.operand) END AS text
		FROM compared AS c
		JOIN pg_attribute AS a ON a.attrelid = c.relation AND
		quote_ident(a.attname) = btrim(regexp_replace(c.operand, '::text$', ''), '()')
	)
	SELECT coalesce(pg_partition_root(k.relation), k.relation), string_agg(k.text, ', ' ORDER BY k.text)
	FROM key AS k
	GROUP BY k.relation, k.prefix
	HAVING NOT EXISTS (SELECT FROM pg_index AS i
	                   WHERE i.indrelid = k.relation AND i.indisvalid AND
	                         pg_get_indexdef(i.indexrelid, 1, false) = ANY (array_agg(k.text)));
$$;

CREATE FUNCTION herald_internal.compile_query(relation regclass, query text) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_compile_query';
COMMENT ON FUNCTION herald_internal.compile_query(regclass, text) IS
	'raises an error if a query of a rule does not fit the schema, or the owner of its table lacks a privilege';

-- The planner runs immutable functions of the application, for any time. So no query is planned. The rollback releases
-- the locks of the tables: the caller may be the transaction of a migration.
CREATE FUNCTION herald_internal.fits_schema(relation regclass, queries text[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	fits boolean := false;
BEGIN
	PERFORM herald_internal.compile_query(relation, q.sql) FROM unnest(queries) AS q (sql);
	fits := true;
	RAISE EXCEPTION 'pg_herald rolls back its locks';
EXCEPTION WHEN OTHERS THEN
	RETURN fits;
END
$$;
COMMENT ON FUNCTION herald_internal.fits_schema(regclass, text[]) IS
	'returns whether queries of a table compile as the owner of the table';

-- Resumes the suspended rules, and queries for blocks, that fit the schema again. A query that waits for the lock of a
-- table does not count, and a record that another session resumes is left to it.
CREATE FUNCTION herald_internal.resume_rules() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '1ms' AS $$
DECLARE
	suspended record;
BEGIN
	FOR suspended IN
		SELECT r.relation, ARRAY[r.notify, r.publish, r.lock, r.retract, r.schedule] AS queries, r.id AS rule,
		       NULL::regclass AS blocks
		FROM herald_internal.rule AS r
		WHERE r.id IN (SELECT s.rule FROM herald_internal.suspension AS s)
		UNION ALL
		SELECT b.relation, ARRAY[b.sql], NULL, b.relation
		FROM herald_internal.block_source AS b
		WHERE b.relation IN (SELECT s.blocks FROM herald_internal.suspension AS s)
	LOOP
		CONTINUE WHEN NOT herald_internal.fits_schema(suspended.relation, suspended.queries);
		DELETE FROM herald_internal.suspension AS s
		WHERE s.id IN (SELECT o.id FROM herald_internal.suspension AS o
		               WHERE o.rule = suspended.rule OR o.blocks = suspended.blocks FOR UPDATE SKIP LOCKED);
		PERFORM herald_internal.reload_rules(suspended.relation);
		RAISE LOG 'pg_herald: rules of table % resume', suspended.relation;
	END LOOP;
END
$$;
COMMENT ON FUNCTION herald_internal.resume_rules() IS
	'resumes the suspended rules, and queries for blocks, that fit the schema again';

-- Rules follow renames and resume in the transaction of the migration. An error here does not fail the migration, and
-- herald.maintain() makes up for it.
CREATE FUNCTION herald_internal.follow_migration(renames boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '1ms' AS $$
BEGIN
	IF renames THEN
		PERFORM herald_internal.follow_renames();
	END IF;
	PERFORM herald_internal.resume_rules();
EXCEPTION WHEN OTHERS THEN
	RAISE WARNING 'pg_herald could not follow the migration: %', SQLERRM
		USING HINT = 'SELECT herald.maintain() tries again.';
END
$$;
COMMENT ON FUNCTION herald_internal.follow_migration(boolean) IS
	'lets rules follow renames, and resumes those that fit the schema again';

CREATE FUNCTION herald_internal.on_migration() RETURNS event_trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'herald_on_migration';
COMMENT ON FUNCTION herald_internal.on_migration() IS
	'event trigger: follow_migration(), follow_partitions(), and the check of the extension''s own sequences';
-- ALWAYS: on a replica, too, the writes of others reach a new partition.
CREATE EVENT TRIGGER herald_migration ON ddl_command_end
	WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE FOREIGN TABLE', 'CREATE FUNCTION',
	             'ALTER SEQUENCE', 'ALTER TABLE', 'ALTER SCHEMA', 'ALTER TYPE', 'ALTER DOMAIN', 'ALTER VIEW',
	             'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'ALTER FUNCTION', 'ALTER ROUTINE',
	             'ALTER AGGREGATE', 'GRANT')
	EXECUTE FUNCTION herald_internal.on_migration();
ALTER EVENT TRIGGER herald_migration ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER herald_migration IS
	'pg_herald: lets rules and triggers follow changes of the schema, and keeps ids ascending';

-- A remedy for a lost privilege gives it back. It is a comment if no rule had the privilege.
CREATE FUNCTION herald_internal.rule_problems() RETURNS SETOF herald_internal.problem
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	WITH examined AS MATERIALIZED (
		SELECT c.relation, c.rule, c.query, c.rehearsed, k.relowner::regrole AS owner, e.*
		FROM herald_internal.compiled_queries() AS c
		JOIN pg_class AS k ON k.oid = c.relation
		CROSS JOIN LATERAL herald_internal.examine_query(c.relation, c.query) AS e
	), lookup AS (
		SELECT DISTINCT e.rule, e.owner, e.code, r.read, t.relowner, t.relrowsecurity, t.relforcerowsecurity
		FROM examined AS e
		CROSS JOIN LATERAL unnest(e.reads) AS r (read)
		JOIN pg_class AS t ON t.oid = r.read
	), forbidden AS MATERIALIZED (
		SELECT e.relation, e.rule, e.rehearsed, e.owner, coalesce(g.relation, e.relation) AS needed,
		       CASE WHEN g.relation IS NULL THEN 'call ' || g.object ELSE 'read it' END AS act, g.owners,
		       g.remedy, herald_internal.comment_lines(g.grants) AS unproven
		FROM examined AS e
		CROSS JOIN LATERAL herald_internal.missing_grants(e.owner, e.query) AS g
		WHERE e.code = '42501'
	), broken AS MATERIALIZED (
		SELECT e.relation AS rule_of, e.rule, e.message, r.*
		FROM examined AS e
		CROSS JOIN LATERAL (
			SELECT t.*, false FROM herald_internal.rule_remedy(e.relation, e.rule, e.query) AS t WHERE e.code <> '42501'
			UNION ALL
			SELECT coalesce(f.needed, e.relation),
			       coalesce(f.remedy, herald_internal.comment_lines(format('give %s the privilege back: %s', e.owner,
			                                                               e.message))), true
			FROM (SELECT) AS one
			LEFT JOIN (SELECT g.needed, string_agg(DISTINCT CASE WHEN e.rehearsed THEN g.remedy ELSE g.unproven END,
			                                       E'\n') AS remedy
			           FROM forbidden AS g WHERE g.relation = e.relation AND g.rule = e.rule
			           GROUP BY g.needed) AS f ON true
			WHERE e.code = '42501') AS r (relation, remedy, lost)
		WHERE e.code IS NOT NULL
	)
	SELECT 'warning', 'table_dropped', g.relation, NULL,
	       coalesce('table ' || g.name, 'it') || ' is watched, but does not exist any more',
	       format('SELECT herald.unwatch(%L);', g.relation)
	FROM (SELECT u.relation, max(u.name) AS name
	      FROM (SELECT c.relation, NULL AS name FROM herald_internal.compiled_queries() AS c UNION
	            SELECT w.relation, w.arguments ->> 'table' FROM herald_internal.watched_table AS w) AS u
	      GROUP BY u.relation) AS g
	WHERE NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = g.relation) AND
	      g.relation NOT IN (SELECT s.relation FROM herald_internal.successors() AS s)
	UNION ALL
	SELECT 'error', 'rule_broken', b.relation, string_agg(DISTINCT b.rule, ', '), string_agg(DISTINCT b.message, '; '),
	       b.remedy
	FROM broken AS b
	WHERE NOT EXISTS (SELECT FROM forbidden AS f WHERE f.relation = b.rule_of AND f.rule = b.rule) AND
	      NOT EXISTS (SELECT FROM herald.suspended AS s WHERE s.relation = b.rule_of AND s.rule = b.rule)
	GROUP BY b.relation, b.remedy
	UNION ALL
	SELECT 'error', 'rule_suspended', b.relation, string_agg(s.rule, ', ' ORDER BY s.rule),
	       format(CASE WHEN bool_or(s.rule = 'blocks')
	              THEN 'notifications between users are held back since %s, %s of them: %s'
	              ELSE 'writes pass without it since %s, and it missed %s: %s' END,
	              date_trunc('second', min(s.since)), sum(s.missed), string_agg(DISTINCT s.message, '; ')), b.remedy
	FROM herald.suspended AS s
	CROSS JOIN LATERAL (
		SELECT DISTINCT o.relation, o.remedy FROM broken AS o
		WHERE o.rule_of = s.relation AND o.rule = s.rule AND o.lost -- each table needs its own remedy
		UNION ALL
		(SELECT o.relation, o.remedy
		 FROM (SELECT b.relation, b.remedy, b.lost FROM broken AS b WHERE b.rule_of = s.relation AND b.rule = s.rule
		       UNION ALL
		       SELECT s.relation, 'SELECT herald.maintain();', false) AS o -- it fits again, and resumes
		 WHERE NOT EXISTS (SELECT FROM broken AS b WHERE b.rule_of = s.relation AND b.rule = s.rule AND b.lost)
		 LIMIT 1)) AS b
	GROUP BY b.relation, s.rule = 'blocks', b.remedy
	UNION ALL
	SELECT 'error', 'privilege_lost', f.needed, string_agg(DISTINCT f.rule, ', '),
	       format('rules run as %s, which may not %s: the remedy is for %s, or a superuser', f.owner, f.act, f.owners),
	       CASE WHEN bool_or(f.rehearsed) THEN f.remedy ELSE f.unproven END
	FROM forbidden AS f
	GROUP BY f.needed, f.owner, f.act, f.owners, f.remedy, f.unproven
	UNION ALL
	SELECT 'warning', 'rows_hidden', l.read, string_agg(DISTINCT l.rule, ', '),
	       format('rules run as %s, and its row-level security applies to this role: hidden rows notify nobody',
	              l.owner),
	       CASE WHEN o.rolcanlogin OR EXISTS (SELECT FROM pg_auth_members AS m WHERE m.roleid = l.owner)
	       THEN herald_internal.comment_lines(format(
	           'a policy for %s would show all rows to the application, too: let a role without login and without '
	           'members own %s', l.owner, l.read))
	       ELSE format('CREATE POLICY herald ON %s FOR SELECT TO %s USING (true);', l.read, l.owner) END
	FROM lookup AS l
	JOIN pg_roles AS o ON o.oid = l.owner
	WHERE l.relrowsecurity AND (l.relforcerowsecurity OR NOT pg_has_role(l.owner, l.relowner, 'USAGE')) AND
	      NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = l.owner AND (r.rolsuper OR r.rolbypassrls)) AND
	      NOT EXISTS (SELECT FROM pg_policy AS p
	                  WHERE p.polrelid = l.read AND p.polpermissive AND p.polcmd IN ('r', '*') AND
	                        p.polroles && ARRAY[0::oid, l.owner] AND
	                        pg_get_expr(p.polqual, p.polrelid) = 'true')
	GROUP BY l.read, l.owner, o.rolcanlogin
	UNION ALL
	SELECT CASE WHEN c.reltuples >= 10000 THEN 'warning' ELSE 'info' END, 'index_missing', m.relation,
	       string_agg(DISTINCT e.rule, ', '),
	       format('no index begins with the columns of its lookups: %s', m.keys),
	       format('CREATE INDEX %sON %s (%s);', CASE WHEN c.relkind = 'r' THEN 'CONCURRENTLY ' END, m.relation, m.keys)
	FROM examined AS e
	CROSS JOIN LATERAL herald_internal.missing_indexes(e.plan) AS m
	JOIN pg_class AS c ON c.oid = m.relation
	GROUP BY m.relation, c.relkind, c.reltuples, m.keys
	UNION ALL
	SELECT 'warning', 'rule_failed', f.relation, f.rule,
	       format('%s times, last: %s', sum(f.times), (array_agg(f.message ORDER BY f.until DESC, f.id DESC))[1]),
	       format('DELETE FROM herald.rule_failure WHERE relation = %L::regclass AND rule = %L; '
	              '-- after mending the cause', f.relation, f.rule)
	FROM herald.rule_failure AS f
	JOIN pg_class AS c ON c.oid = f.relation
	GROUP BY f.relation, f.rule;
$$;

-- ----- access: does every change of access end it, and does anybody have it?

-- Returns the tables that "visible" of a watched table reads although their changes recheck nothing, the functions that
-- it calls, and messages of conversations without members.
CREATE FUNCTION herald_internal.access_problems() RETURNS SETOF herald_internal.problem
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH reads AS (
		SELECT w.relation, r.key AS read, r.value AS names
		FROM herald_internal.watched_table AS w
		CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(w.arguments -> 'reads') WHEN 'object'
		                              THEN w.arguments -> 'reads' ELSE '{}' END) AS r
		WHERE w.kind = 'posts'
	)
	SELECT 'warning', 'access_unwatched', r.relation, NULL,
	       format('"visible" reads %s: its changes end no access to rooms', r.read),
	       format('SELECT herald.watch(%L, ''access'', ''{insert,update,delete}'', '
	              'recheck_user => ''{user_column}'', recheck_room => ''post:{post_column}''); '
	              '-- put in its columns, or call herald.recheck()', r.read)
	FROM reads AS r
	WHERE r.read <> '' AND NOT EXISTS (SELECT FROM herald_internal.rule AS u
	                                   WHERE u.relation::text = r.read AND herald_internal.has_recheck(u.publish))
	UNION ALL
	SELECT 'info', 'access_function', r.relation, NULL,
	       format('"visible" calls %s: changes of what it reads end no access to rooms',
	              (SELECT string_agg(n #>> '{}', ', ' ORDER BY n) FROM jsonb_path_query(r.names, 'lax $[*]') AS n)),
	       '-- call herald.recheck() where its result changes, or let "visible" read the tables itself'
	FROM reads AS r
	WHERE r.read = ''
	UNION ALL
	SELECT 'warning', 'members_unknown', w.relation, NULL,
	       'no watched table has the members of its conversations: nobody is notified or may join their rooms',
	       '-- SELECT herald.watch_members(''...''); with the table of the members'
	FROM herald_internal.watched_table AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (conversation text[])
	WHERE w.kind = 'messages' AND a.conversation IS NOT NULL AND
	      NOT EXISTS (SELECT FROM herald_internal.conversation_tables(w.relation, w.kind, a.conversation)) AND
	      NOT EXISTS (SELECT FROM herald.room_policy AS p WHERE p.prefix = 'conversation');
$$;

-- ----- status columns: do rows have values that no list of their call has?

-- Returns the values of a column with the numbers of their rows; NULL is a value. Of a large table these are estimates
-- from its statistics and, without any, counts of its first rows: no more are read. A table that has grown beyond all
-- these bounds is not read.
CREATE FUNCTION herald_internal.value_counts(relation regclass, name text)
	RETURNS TABLE (value text, rows bigint, estimated boolean)
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	total bigint := (SELECT c.reltuples FROM pg_class AS c WHERE c.oid = relation);
	known record;
	counted jsonb;
BEGIN
	SELECT s.null_frac, s.most_common_vals::text::text[] AS values, s.most_common_freqs AS shares INTO known
	FROM pg_stats AS s
	JOIN pg_class AS c ON c.oid = relation AND c.relname = s.tablename
	JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = s.schemaname
	WHERE s.attname = value_counts.name
	ORDER BY s.inherited DESC
	LIMIT 1;
	IF total > 10000 AND FOUND THEN
		RETURN QUERY
			SELECT left(v.value, 40), round(v.share * total)::bigint, true
			FROM (SELECT NULL, known.null_frac
			      UNION ALL SELECT * FROM unnest(known.values, known.shares)) AS v (value, share)
			WHERE v.share > 0;
	ELSIF total <= 10000 OR pg_relation_size(relation) < 100 * 1024 * 1024 THEN
		counted := herald_internal.query_as_owner(relation, format(
			'SELECT jsonb_agg(v) FROM (SELECT left(r.value::text, 40) AS value, count(*) AS rows, '
			'(sum(count(*)) OVER ()) >= 10000 AS estimated FROM (SELECT %I AS value FROM %s LIMIT 10000) AS r '
			'GROUP BY 1 ORDER BY 2 DESC LIMIT 100) AS v', name, relation));
		RETURN QUERY
			SELECT v.value, v.rows, v.estimated
			FROM jsonb_to_recordset(CASE jsonb_typeof(counted) WHEN 'array' THEN counted ELSE '[]' END)
				AS v (value text, rows bigint, estimated boolean);
	END IF;
EXCEPTION WHEN OTHERS THEN
	NULL; -- a table that is locked or gone, or a value that cannot be read, is no problem of the lists
END
$$;

-- Rows with values that no list has do not count. Those that say so themselves, such as "rejected", are as meant, and
-- so is any number beside a single list. A value that says that its rows count is a warning, as is a list that no row
-- meets.
CREATE FUNCTION herald_internal.status_problems() RETURNS SETOF herald_internal.problem
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	WITH listed AS (
		SELECT w.relation, w.kind, a.attname AS name, CASE w.kind WHEN 'posts' THEN 'published'
		       ELSE 'accepted' END AS list,
		       string_to_array(coalesce(w.arguments ->> 'published', w.arguments ->> 'accepted'), ',') AS counting,
		       string_to_array(concat_ws(',', w.arguments ->> 'pending', CASE w.kind WHEN 'posts'
		                       THEN 'publishing,published,failed' END), ',') AS others
		FROM herald_internal.watched_table AS w
		JOIN pg_class AS c ON c.oid = w.relation
		JOIN pg_attribute AS a ON a.attrelid = w.relation AND quote_ident(a.attname) = w.arguments ->> 'status' AND
			a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_type AS t ON t.oid = herald_internal.base_type(format_type(a.atttypid, -1))
		WHERE t.typcategory IN ('S', 'E') OR t.typcategory = 'N' AND w.kind <> 'posts'
	), found AS (
		SELECT l.relation, l.kind, l.name, l.list, v.value, v.rows, v.estimated, v.value = ANY (l.counting) AS counts,
		       v.value = ANY (l.others) AS waits, m.affirmative
		FROM listed AS l
		CROSS JOIN LATERAL herald_internal.value_counts(l.relation, l.name) AS v
		CROSS JOIN LATERAL (SELECT herald_internal.is_good_value(l.kind, l.name, v.value) OR
		                           herald_internal.is_affirmative(l.kind, herald_internal.value_words(v.value)))
			AS m (affirmative)
	), unknown AS (
		SELECT f.*, bool_or(f.counts) OVER of_table IS NOT TRUE AS none_counts,
		       row_number() OVER (PARTITION BY f.relation, f.kind, f.counts, f.waits, f.affirmative IS FALSE
		                          ORDER BY f.rows DESC, f.value) AS place
		FROM found AS f
		WINDOW of_table AS (PARTITION BY f.relation, f.kind)
	)
	SELECT CASE WHEN bool_or(u.affirmative OR u.none_counts) THEN 'warning' ELSE 'info' END, 'status_unlisted',
	       u.relation, NULL,
	       format('rows with these values of "%s" do not count: %s', u.name,
	              string_agg(format('%s (%s%s)', coalesce(regexp_replace(u.value, '\s+', ' ', 'g'), 'null'),
	                                CASE WHEN u.estimated THEN 'about ' ELSE '' END, u.rows), ', ' ORDER BY u.place)
	                  FILTER (WHERE u.place <= 10)),
	       herald_internal.comment_lines(format('if some of them do, add these to "%s" of the call: %s', u.list,
	                                            coalesce(herald_internal.watch_call(u.relation, u.kind), '')))
	FROM unknown AS u
	WHERE u.counts IS NOT TRUE AND u.waits IS NOT TRUE AND u.affirmative IS NOT FALSE
	GROUP BY u.relation, u.kind, u.name, u.list;
$$;

-- ----- room policies: may they read what they decide by?

CREATE FUNCTION herald_internal.try_policy(sql text, run_as oid, room text) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_try_policy';
COMMENT ON FUNCTION herald_internal.try_policy(text, oid, text) IS
	'asks a room policy about a user without a name; an error in it is raised';

CREATE FUNCTION herald_internal.examine_policy(sql text, run_as oid, room text, OUT code text, OUT message text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM herald_internal.try_policy(sql, run_as, room);
EXCEPTION WHEN OTHERS THEN
	code := SQLSTATE;
	message := SQLERRM;
END
$$;

-- A user without a name may be an error of the values (class 22) to a policy. One of its SQL (class 42) concerns all.
CREATE FUNCTION herald_internal.policy_problems() RETURNS SETOF herald_internal.problem
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'error', 'policy_fails', NULL::regclass, 'rooms ' || p.prefix,
	       format('%s runs as %s and refuses everybody: %s', p.function, p.run_as, e.message),
	       herald_internal.comment_lines(CASE e.code
	           WHEN '42501' THEN format('GRANT it to %s, or let a role that has the privilege register the function: '
	                                    'SELECT herald.room_policy(%L, %L);', p.run_as, p.prefix, p.function)
	           ELSE format('mend the function %s', p.function) END)
	FROM herald.room_policy AS p
	CROSS JOIN LATERAL herald_internal.room_checks(p.prefix) AS c
	CROSS JOIN LATERAL herald_internal.examine_policy(c.sql, c.run_as, p.prefix || ':') AS e
	WHERE c.is_policy AND e.code LIKE '42%';
$$;

-- ----- triggers: does every change reach its rules?

CREATE FUNCTION herald_internal.trigger_problems() RETURNS SETOF herald_internal.problem
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH wanted AS (
		SELECT DISTINCT n.target AS relation, n.operation, n.name, n.each_row, n.watched, n.rules, n.own
		FROM (SELECT DISTINCT r.relation FROM herald_internal.rule AS r) AS r
		JOIN pg_class AS c ON c.oid = r.relation
		CROSS JOIN LATERAL herald_internal.needed_triggers(r.relation) AS n
	), present AS (
		SELECT t.tgrelid::regclass AS relation, t.tgname AS name, t.tgenabled AS enabled, t.tgparentid <> 0 AS is_copy,
		       substring(t.tgname, '^herald_(.+?)(?:_row)?$') AS operation, (t.tgtype & 1) = 1 AS each_row
		FROM pg_trigger AS t
		WHERE t.tgfoid = 'herald_internal.on_change()'::regprocedure
	)
	SELECT 'error', 'trigger_missing', w.relation, array_to_string(w.rules, ', '),
	       format('trigger %I is not there', w.name), format('SELECT herald.sync_triggers(%L);', w.relation)
	FROM wanted AS w
	WHERE w.own AND NOT EXISTS (SELECT FROM present AS p WHERE p.relation = w.relation AND
	                            p.operation = w.operation)
	UNION ALL
	SELECT 'error', 'foreign_partition', w.relation, string_agg(DISTINCT r.name, ', ' ORDER BY r.name),
	       format('writes to foreign tables below it fail: %s', f.tables),
	       format('SELECT herald.sync_triggers(%L);', w.relation)
	FROM wanted AS w
	JOIN present AS p ON p.relation = w.relation AND p.operation = w.operation AND NOT p.each_row
	CROSS JOIN LATERAL unnest(w.rules) AS r (name)
	CROSS JOIN LATERAL (SELECT string_agg(b.relation::text, ', ' ORDER BY b.relation::text) AS tables
	                    FROM herald_internal.foreign_tables_below(w.relation) AS b (relation)) AS f
	WHERE w.each_row
	GROUP BY w.relation, f.tables
	UNION ALL
	SELECT DISTINCT 'info', 'foreign_partition', p.relation, NULL,
	       concat_ws(': ', 'its rules run for each row, which makes writes of many rows slow',
	                 'foreign tables are below it: ' || f.tables),
	       CASE WHEN f.tables IS NULL THEN format('SELECT herald.sync_triggers(%L);', p.relation)
	       ELSE '-- detach them, or read them through a view' END
	FROM present AS p
	CROSS JOIN LATERAL (SELECT string_agg(b.relation::text, ', ' ORDER BY b.relation::text) AS tables
	                    FROM herald_internal.foreign_tables_below(p.relation) AS b (relation)) AS f
	WHERE p.each_row AND NOT p.is_copy
	UNION ALL
	SELECT 'warning', 'partition_silent', w.relation, NULL,
	       format('a trigger for rules of %s is not there: direct writes to it make nothing', w.watched),
	       format('SELECT herald.sync_triggers(%L);', w.watched)
	FROM wanted AS w
	WHERE NOT w.own AND NOT EXISTS (SELECT FROM present AS p WHERE p.relation = w.relation AND
	                                p.operation = w.operation)
	GROUP BY w.relation, w.watched
	UNION ALL
	SELECT DISTINCT 'warning', 'partition_foreign_owner', p.relid::regclass, NULL,
	       format('it has another owner than %s, whose rules do not apply to %s', w.relation,
	              CASE WHEN w.each_row THEN 'its rows' ELSE 'direct writes to it' END),
	       herald_internal.comment_lines(format('ALTER TABLE %s OWNER TO %s', p.relid::regclass, c.relowner::regrole))
	FROM wanted AS w
	JOIN pg_class AS c ON c.oid = w.relation
	CROSS JOIN LATERAL pg_partition_tree(w.relation) AS p
	JOIN pg_class AS k ON k.oid = p.relid AND k.relowner <> c.relowner
	WHERE w.own
	UNION ALL
	SELECT 'warning', 'child_silent', c.inhrelid::regclass, NULL,
	       format('it inherits from %s: direct writes to it make nothing', w.relation),
	       CASE WHEN k.relkind = 'f' THEN '-- a foreign table cannot be watched' ELSE m.call END
	FROM herald_internal.watched_table AS w
	JOIN pg_inherits AS c ON c.inhparent = w.relation
	CROSS JOIN herald_internal.watch_call(w.relation, w.kind, c.inhrelid) AS m (call)
	JOIN pg_class AS k ON k.oid = c.inhrelid AND NOT k.relispartition
	WHERE NOT EXISTS (SELECT FROM herald_internal.watched_table AS o
	                  WHERE o.relation = c.inhrelid AND o.kind = w.kind)
	UNION ALL
	SELECT 'error', 'table_replaced', s.successor, NULL,
	       format('it has taken the name of a watched table, %s, and is not watched',
	              coalesce('now ' || (SELECT c.oid::regclass FROM pg_class AS c WHERE c.oid = s.relation),
	                       'which is gone')),
	       concat_ws(' ', herald_internal.watch_call(s.relation, s.kind, s.successor), CASE
	           WHEN NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.relation)
	           THEN format('SELECT herald.unwatch(%L);', s.relation) END)
	FROM herald_internal.successors() AS s
	UNION ALL
	SELECT 'error', 'trigger_disabled', w.relation, array_to_string(w.rules, ', '),
	       format(CASE p.enabled WHEN 'D' THEN 'trigger %I is disabled' ELSE 'trigger %I fires for replicas only'
	              END, p.name),
	       format('ALTER TABLE %s ENABLE TRIGGER %I;', w.relation, p.name)
	FROM wanted AS w
	JOIN present AS p ON p.relation = w.relation AND p.operation = w.operation AND p.enabled IN ('D', 'R')
	UNION ALL
	SELECT 'warning', 'trigger_without_rule', p.relation, NULL,
	       format('trigger %I calls herald_internal.on_change(), but no rule needs it', p.name),
	           format('DROP TRIGGER %I ON %s;', p.name, p.relation)
	FROM present AS p
	WHERE NOT p.is_copy AND
	      NOT EXISTS (SELECT FROM wanted AS w
	                  WHERE (w.relation = p.relation OR
	                         w.each_row AND p.relation IN (SELECT t.relid FROM pg_partition_tree(w.relation) AS t)) AND
	                        w.operation = p.operation)
	UNION ALL
	SELECT 'warning', 'replicated', w.relation, string_agg(DISTINCT r.name, ', ' ORDER BY r.name),
	       format('writes of subscription %I fire no statement triggers on it', s.subname),
	           '-- watch it on the publisher'
	FROM wanted AS w
	JOIN pg_subscription_rel AS p ON p.srrelid = w.relation
	JOIN pg_subscription AS s ON s.oid = p.srsubid
	CROSS JOIN LATERAL unnest(w.rules) AS r (name)
	GROUP BY w.relation, s.subname
	UNION ALL
	SELECT 'error', 'log_replicated', NULL, NULL,
	       format('subscription %I writes to tables of pg_herald: their transaction ids mean nothing here', s.subname),
	       '-- publish the tables of the application only'
	FROM pg_subscription AS s
	WHERE EXISTS (SELECT FROM pg_subscription_rel AS p
	              JOIN pg_class AS c ON c.oid = p.srrelid
	              WHERE p.srsubid = s.oid AND
	                    c.relnamespace IN ('herald'::regnamespace, 'herald_internal'::regnamespace))
	UNION ALL
	SELECT 'error', 'function_missing', NULL, f.user_of_it,
	       format('there is no function %s of %s any more', f.function, f.function_owner), f.remedy
	FROM (SELECT 'rooms ' || p.prefix, p.function, p.function_owner,
	             format('SELECT herald.room_policy(%L, NULL);', p.prefix)
	      FROM herald.room_policy AS p
	      UNION ALL
	      SELECT 'session cookies', a.function, a.function_owner, 'SELECT herald.authenticate_by(NULL);'
	      FROM herald_internal.authenticator AS a
	      UNION ALL
	      SELECT 'action ' || a.name, a.function, a.function_owner, format('SELECT herald.unexpose(%L);', a.name)
	      FROM herald.action AS a) AS f (user_of_it, function, function_owner, remedy)
	WHERE herald_internal.registered_function(f.function, f.function_owner) IS NULL;
$$;

-- ----- server: are events logged, announced and removed in time?

CREATE FUNCTION herald_internal.server_problems(patience interval) RETURNS SETOF herald_internal.problem
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	WITH configured AS (
		SELECT 'error' AS severity, f.name, f.setting AS value, 'the server' AS place,
		       format('ALTER SYSTEM SET %s = on; -- and SELECT pg_reload_conf()', f.name) AS remedy
		FROM pg_file_settings AS f
		WHERE f.applied
		UNION ALL
		SELECT CASE s.setrole WHEN 0 THEN 'error' ELSE 'info' END, split_part(c.setting, '=', 1),
		split_part(c.setting, '=', 2), lower(p.place),
		       format('ALTER %s RESET %s;', p.place, split_part(c.setting, '=', 1))
		FROM pg_db_role_setting AS s
		CROSS JOIN LATERAL unnest(s.setconfig) AS c (setting)
		LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
		CROSS JOIN LATERAL (SELECT CASE WHEN s.setrole = 0 AND d.oid IS NOT NULL THEN 'DATABASE ' ||
		                                quote_ident(d.datname)
		                                ELSE concat_ws(' ', 'ROLE', CASE s.setrole WHEN 0 THEN 'ALL'
		                                               ELSE s.setrole::regrole::text END,
		                                               'IN DATABASE ' || quote_ident(d.datname)) END) AS p (place)
		WHERE s.setdatabase = 0 OR d.datname = current_database()
	), off AS (
		SELECT * FROM configured AS c WHERE lower(c.value) IN ('off', 'false', 'no', '0')
	), preloaded AS (
		SELECT d.name, d.name = ANY (regexp_split_to_array(btrim(current_setting('herald.databases', true)),
		                                                   '\s*,\s*')) AS named
		FROM quote_ident(current_database()) AS d (name)
		WHERE current_setting('shared_preload_libraries') ~ '\mpg_herald\M'
	), log AS (
		SELECT (SELECT e.logged_at FROM herald.event AS e ORDER BY e.id DESC LIMIT 1) AS newest,
		       (SELECT min(e.logged_at) FROM herald.event AS e
		        WHERE e.id >= (SELECT herald_internal.first_event_id(pg_snapshot_xmax(f.snapshot))
		                       FROM herald_internal.log_fold AS f) AND
		              e.xid >= (SELECT pg_snapshot_xmax(f.snapshot) FROM herald_internal.log_fold AS f)) AS unseen
	)
	SELECT o.severity, 'switched_off', NULL::regclass, NULL, 'herald.enabled is off for ' || o.place ||
	       ': its writes make nothing', o.remedy
	FROM off AS o
	WHERE o.name = 'herald.enabled'
	UNION ALL
	SELECT 'info', 'commit_not_durable', NULL, NULL,
	       'synchronous_commit is off for ' || o.place || ': a crash can lose events that clients have received',
	           o.remedy
	FROM off AS o
	WHERE o.name = 'synchronous_commit'
	UNION ALL
	SELECT 'info', 'not_preloaded', NULL, NULL, 'every commit that notifies waits for the one before it',
	       format('LOAD %L; ALTER SYSTEM SET shared_preload_libraries = %s; '
	              'ALTER SYSTEM SET herald.databases = %L; -- and restart the server', 'pg_herald',
	              concat_ws(', ', nullif(s.libraries, ''), 'pg_herald'),
	              concat_ws(',', nullif(current_setting('herald.databases', true), ''),
	                        quote_ident(current_database())))
	FROM current_setting('shared_preload_libraries') AS s (libraries)
	WHERE NOT EXISTS (SELECT FROM preloaded)
	UNION ALL
	SELECT 'info', 'database_not_served', NULL, NULL,
	       'herald.databases does not name this database: the log is maintained only while a bridge is connected',
	       format('ALTER SYSTEM SET herald.databases = %L; -- and SELECT pg_reload_conf()',
	              concat_ws(',', nullif(current_setting('herald.databases'), ''), d.name))
	FROM preloaded AS d
	WHERE NOT d.named
	UNION ALL
	SELECT 'warning', 'worker_missing', NULL, NULL, 'no worker runs for this database', '-- the server''s log says why'
	FROM preloaded AS d
	WHERE d.named AND NOT herald.preloaded() AND NOT pg_is_in_recovery()
	UNION ALL
	SELECT 'warning', 'workers_few', NULL, NULL,
	       format('herald.databases names %s databases, but max_worker_processes is %s: some get no worker', s.count,
	              current_setting('max_worker_processes')),
	       format('ALTER SYSTEM SET max_worker_processes = %s; -- and restart the server', s.count + 8)
	FROM (SELECT count(DISTINCT d.name) AS count, -- the others are launchers
	             1 + (current_setting('max_logical_replication_workers')::int > 0)::int AS others
	      FROM regexp_split_to_table(current_setting('herald.databases', true), '\s*,\s*') AS d (name)
	      WHERE d.name <> '') AS s
	WHERE EXISTS (SELECT FROM preloaded) AND s.count + s.others > current_setting('max_worker_processes')::int
	UNION ALL
	SELECT 'warning', 'encoding_unchecked', NULL, NULL,
	       'the database has the encoding SQL_ASCII, which stores any bytes: clients get U+FFFD for those that are not '
	       'UTF-8',
	       format('CREATE DATABASE %I ENCODING %L TEMPLATE template0; -- and restore a dump into it',
	              current_database() || '_utf8', 'UTF8')
	WHERE getdatabaseencoding() = 'SQL_ASCII'
	UNION ALL
	SELECT 'info', 'standby', NULL, NULL, 'this server is a standby; the bridge and the application need the primary',
	       '-- connect to the primary'
	WHERE pg_is_in_recovery()
	UNION ALL
	SELECT 'warning', 'queue_filling', NULL, NULL,
	       format('the NOTIFY queue is %s %% full: a listening session is in a long transaction', round(q.usage * 100)),
	       'SELECT pid, state, xact_start, query FROM pg_stat_activity WHERE xact_start IS NOT NULL '
	       'ORDER BY xact_start;'
	FROM (SELECT pg_notification_queue_usage()::numeric) AS q (usage)
	WHERE q.usage > 0.5
	UNION ALL
	SELECT 'warning', 'log_not_maintained', NULL, NULL, 'neither a worker nor a bridge maintains the log',
	       'SELECT herald.maintain();'
	FROM log AS l
	WHERE l.unseen < clock_timestamp() - patience
	UNION ALL
	SELECT 'error', 'publication_late', d.relation, NULL,
	       format('%s of its rows should have been published since %s: the server log has the reason', count(*),
	              date_trunc('second', min(d.at))),
	       'SELECT herald.maintain();'
	FROM herald_internal.due AS d
	WHERE NOT d.published AND (d.run_at > d.at OR d.at < clock_timestamp() - patience)
	GROUP BY d.relation
	UNION ALL
	SELECT 'warning', 'log_not_trimmed', NULL, NULL,
	       format('herald_internal.event_%s cannot be emptied since %s: a session has a lock on it', m.slot,
	              date_trunc('second', m.taken_at + w.recovery_window)),
	       format('SELECT pid, state, xact_start, query FROM pg_locks JOIN pg_stat_activity USING (pid) '
	              'WHERE relation = ''herald_internal.event_%s''::regclass;', m.slot)
	FROM log AS l
	CROSS JOIN herald_internal.log_mark AS m
	CROSS JOIN (SELECT current_setting('herald.recovery_window')::interval) AS w (recovery_window)
	WHERE l.newest > m.taken_at + w.recovery_window + patience
	UNION ALL
	SELECT 'warning', 'transaction_prepared', NULL, NULL,
	       format('transaction %L is prepared since %s, and its events wait', p.gid, date_trunc('second', p.prepared)),
	       herald_internal.comment_lines(format('COMMIT PREPARED %L or ROLLBACK PREPARED %1$L', p.gid))
	FROM pg_prepared_xacts AS p
	WHERE p.database = current_database() AND p.prepared < clock_timestamp() - patience
	UNION ALL
	SELECT 'info', 'transaction_open', NULL, NULL,
	       format('process %s of role %I is in a transaction since %s', a.pid, a.usename,
	              date_trunc('second', a.xact_start)),
	       format('SELECT pg_terminate_backend(%s);', a.pid)
	FROM pg_stat_activity AS a
	WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND
	      a.xact_start < clock_timestamp() - patience;
$$;

-- ----- roles: members and their rights

CREATE FUNCTION herald_internal.short_list(names text[], count bigint) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_to_string(names[:10], ', ') ||
	       CASE WHEN count > 10 THEN format(' and %s more', count - 10) ELSE '' END;
$$;
COMMENT ON FUNCTION herald_internal.short_list(text[], bigint) IS 'returns the first ten of so many names';

-- Superusers are not listed as members: they can do everything anyway.
CREATE FUNCTION herald_internal.role_problems() RETURNS SETOF herald_internal.problem
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH ours AS (
		SELECT r.oid, r.rolname AS name FROM pg_roles AS r
		WHERE r.rolname IN ('herald_watch', 'herald_publish', 'herald_inbox', 'herald_admin', 'herald_bridge')
	), login AS (
		SELECT r.oid, r.rolname AS name FROM pg_roles AS r WHERE r.rolcanlogin AND NOT r.rolsuper
	), member AS (
		SELECT o.name AS role, l.name ||
		       coalesce(CASE WHEN bool_or(d.member = l.oid) THEN ' (also through ' ELSE ' (through ' END ||
		                string_agg(d.member::regrole::text, ', ' ORDER BY d.member::regrole::text)
		                    FILTER (WHERE d.member <> l.oid) || ')', '') AS name
		FROM ours AS o
		JOIN login AS l ON pg_has_role(l.oid, o.oid, 'MEMBER')
		LEFT JOIN pg_auth_members AS d ON d.roleid = o.oid AND pg_has_role(l.oid, d.member, 'MEMBER')
		GROUP BY o.name, l.name
	), watchable AS (
		SELECT o.rolname AS owner, c.oid::regclass AS relation, count(*) OVER by_owner AS count,
		       row_number() OVER (by_owner ORDER BY c.oid) AS place
		FROM pg_class AS c
		JOIN pg_namespace AS n ON n.oid = c.relnamespace
		JOIN pg_roles AS o ON o.oid = c.relowner
		WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND
		      n.nspname <> 'information_schema' AND n.nspname !~ '^(pg_|herald$|herald_internal$)' AND
		      (o.rolsuper OR pg_has_role(o.oid, to_regrole('herald_watch')::oid, 'MEMBER'))
		WINDOW by_owner AS (PARTITION BY c.relowner)
	)
	SELECT 'info', 'role_unused', NULL::regclass, NULL,
	       format('no login role is a member of %s', string_agg(r.name, ', ' ORDER BY r.name)),
	       herald_internal.comment_lines(format('CREATE ROLE %s LOGIN IN ROLE %s;', r.member,
	                                            string_agg(r.name, ', ' ORDER BY r.name)))
	FROM (VALUES ('my_bridge', 'herald_bridge'), ('my_app', 'herald_watch'), ('my_app', 'herald_publish'),
	             ('my_app', 'herald_inbox')) AS r (member, name)
	WHERE r.name NOT IN (SELECT m.role FROM member AS m)
	GROUP BY r.member
	UNION ALL
	SELECT 'info', 'role_members', NULL, NULL,
	       format('login roles with %s: %s', m.role,
	              herald_internal.short_list(array_agg(m.name ORDER BY m.name), count(*))),
	       herald_internal.comment_lines(format('REVOKE %s FROM those that do not need it', m.role))
	FROM member AS m
	GROUP BY m.role
	UNION ALL
	SELECT 'info', 'blocks_not_asked', s.relation, NULL,
	       format('herald.notify() does not ask this table for these roles, as its owner could not act as them: %s',
	              herald_internal.short_list(array_agg(l.name ORDER BY l.name), count(*))),
	       herald_internal.comment_lines(format('if %I is the owner of the application: GRANT %I TO %1$I', o.rolname,
	                                            min(l.name)))
	FROM herald_internal.block_source AS s
	JOIN pg_class AS c ON c.oid = s.relation
	JOIN pg_roles AS o ON o.oid = c.relowner
	JOIN login AS l ON pg_has_role(l.oid, to_regrole('herald_publish')::oid, 'MEMBER') AND
	                   NOT pg_has_role(o.oid, l.oid, 'MEMBER')
	GROUP BY s.relation, o.rolname
	UNION ALL
	(SELECT 'info', 'owner_may_watch', NULL, NULL,
	       format('role %I may watch its tables: %s', w.owner,
	              herald_internal.short_list(array_agg(w.relation::text ORDER BY w.place), w.count)),
	       '-- rules run with the rights of this role'
	FROM watchable AS w
	WHERE w.place <= 10
	GROUP BY w.owner, w.count
	ORDER BY w.count DESC, w.owner
	LIMIT 20)
	UNION ALL
	SELECT 'info', 'doorbell_open', NULL, NULL,
	       format('NOTIFY needs no privilege: these roles can connect, and so ring the doorbell, without any role of '
	              'pg_herald: %s', herald_internal.short_list(array_agg(l.name ORDER BY l.name), count(*))),
	       CASE WHEN has_database_privilege('public', current_database(), 'CONNECT')
	       THEN format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC; -- and GRANT it to the roles that need it',
	                   current_database())
	       ELSE herald_internal.comment_lines(format('REVOKE CONNECT ON DATABASE %I FROM those that do not need it',
	                                                 current_database())) END
	FROM login AS l
	WHERE has_database_privilege(l.oid, current_database(), 'CONNECT') AND
	      NOT EXISTS (SELECT FROM ours AS o WHERE pg_has_role(l.oid, o.oid, 'MEMBER'))
	HAVING count(*) > 0;
$$;

CREATE FUNCTION herald.doctor(patience interval DEFAULT '5 minutes')
RETURNS TABLE (severity text, problem text, relation regclass, rule text, detail text, remedy text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
	SELECT p.*
	FROM (SELECT * FROM herald_internal.rule_problems()
	      UNION ALL
	      SELECT * FROM herald_internal.access_problems()
	      UNION ALL
	      SELECT * FROM herald_internal.status_problems()
	      UNION ALL
	      SELECT * FROM herald_internal.policy_problems()
	      UNION ALL
	      SELECT * FROM herald_internal.trigger_problems()
	      UNION ALL
	      SELECT * FROM herald_internal.role_problems()
	      UNION ALL
	      SELECT * FROM herald_internal.server_problems(patience)) AS p
	ORDER BY array_position('{error,warning,info}', p.severity),
	         array_position('{privilege_lost,table_replaced,rule_suspended,rule_broken}', p.problem),
	         herald_internal.place_of_kind(substring(p.remedy FROM 'herald\.watch_([a-z_]+)\(')),
	         p.problem, p.relation::text, p.rule, p.remedy;
$$;
COMMENT ON FUNCTION herald.doctor(interval) IS
	'lists the problems that keep a change from reaching its recipients, and the rights of roles, with remedies; '
	'"patience" is how long a transaction may be open and the log unattended';
