-- ---------------------------------------------------------------------------
-- Renames: saved SQL and saved arguments follow the schema
--
-- Saved SQL has marks, which say which column or table a name is of
-- (extension/name_marks.c). Arguments of watch calls have "names": those that
-- tables had, by OID, and their columns, by number. The event trigger
-- herald_migration puts the present names behind both, in the transaction of
-- the migration. It only reads the catalog for that: no SQL of an application
-- runs, and no lock of another session is waited for.
--
-- Owners of tables can save any arguments. A record that cannot be followed
-- keeps its names, and harms no other record.
-- ---------------------------------------------------------------------------

-- Returns the present name of a table in the arguments, or the given name.
CREATE FUNCTION herald_internal.renamed_table(arguments jsonb, name text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT c.oid::regclass::text FROM jsonb_each(arguments -> 'names' -> 'tables') AS t
	                 JOIN pg_class AS c ON c.oid = t.key::oid
	                 WHERE t.value ->> 'name' = $2), $2);
$$;

-- Returns the new name of each renamed column of a table in the arguments, by its old name.
CREATE FUNCTION herald_internal.renamed_columns(arguments jsonb, "table" text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(jsonb_object_agg(n.old_name, n.new_name), '{}')
	FROM jsonb_each(arguments -> 'names' -> 'tables') AS t
	CROSS JOIN herald_internal.changed_names(t.key::oid::regclass, arguments) AS n
	WHERE t.value ->> 'name' = $2 AND n.new_name IS NOT NULL;
$$;

-- Returns a name, or an array of names, with the new names of columns. A quoted name stays quoted.
CREATE FUNCTION herald_internal.rename_columns(value jsonb, renamed jsonb, quoted boolean DEFAULT false) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE jsonb_typeof(value)
		WHEN 'array' THEN (SELECT coalesce(jsonb_agg(coalesce(renamed -> (e.value #>> '{}'), e.value)
		                                             ORDER BY e.place), '[]')
		                   FROM jsonb_array_elements(value) WITH ORDINALITY AS e (value, place))
		WHEN 'string' THEN coalesce(CASE WHEN quoted
		                            THEN to_jsonb(quote_ident(renamed ->> (parse_ident(value #>> '{}'))[1]))
		                            ELSE renamed -> (value #>> '{}') END, value)
		ELSE value END;
$$;

-- Returns an argument of a call with the new names of columns. Two steps, by names that no column has: columns may have
-- changed places.
CREATE FUNCTION herald_internal.rename_in_call(value jsonb, style text, renamed jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	followed text := value #>> '{}';
	step record;
BEGIN
	IF style IS NULL OR jsonb_typeof(value) <> 'string' THEN
		RETURN CASE style WHEN 'columns' THEN herald_internal.rename_columns(value, renamed) ELSE value END;
	END IF;
	FOR step IN
		SELECT CASE s.step WHEN 1 THEN r.name ELSE r.between END AS old_name,
		       CASE s.step WHEN 1 THEN r.between ELSE r.new_name END AS new_name
		FROM (VALUES (1), (2)) AS s (step)
		CROSS JOIN (SELECT e.key, e.value, 'herald column ' || row_number() OVER () FROM jsonb_each_text(renamed) AS e)
			AS r (name, new_name, between)
		ORDER BY s.step
	LOOP
		followed := herald_internal.rename_in(followed, style, step.old_name, step.new_name);
	END LOOP;
	RETURN to_jsonb(followed);
END
$$;

-- Returns a call with the new names of columns. A call that has found the column of deleted rows by its name would not
-- find it by another one.
CREATE FUNCTION herald_internal.followed_call(kind text, arguments jsonb, renamed jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT jsonb_build_object(CASE kind WHEN 'members' THEN 'left_at' ELSE 'deleted_at' END, r.value)
	                 FROM jsonb_each_text(renamed) AS r
	                 WHERE herald_internal.mentions_word(arguments ->> 'present', r.key) AND
	                       herald_internal.mentions_word(arguments -> 'call' ->> 'active', r.key) IS NOT TRUE
	                 LIMIT 1), '{}') ||
	       (SELECT jsonb_object_agg(c.key, CASE
	               WHEN jsonb_typeof(c.value) = 'string' AND
	                    herald_internal.plain_sql(c.value #>> '{}') <> c.value #>> '{}' -- it has marks
	               THEN to_jsonb(herald_internal.follow_names(c.value #>> '{}'))
	               ELSE herald_internal.rename_in_call(c.value, herald_internal.parameter_style(kind, c.key),
	                                                   renamed) END)
	        FROM jsonb_each(arguments -> 'call') AS c);
$$;

-- Returns the rooms, or the columns that are read, with present names.
CREATE FUNCTION herald_internal.followed_rooms(arguments jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_agg(CASE jsonb_typeof(o.room) WHEN 'object' THEN o.room || jsonb_strip_nulls(jsonb_build_object(
			'relation', herald_internal.renamed_table(arguments, o.room ->> 'relation'),
			'key', herald_internal.rename_columns(o.room -> 'key',
			                                      herald_internal.renamed_columns(arguments, o.room ->> 'relation')),
			'access', herald_internal.follow_names(o.room ->> 'access'),
			'keys', herald_internal.follow_names(o.room ->> 'keys'))) ELSE o.room END ORDER BY o.place)
	FROM jsonb_array_elements(arguments -> 'rooms') WITH ORDINALITY AS o (room, place);
$$;

CREATE FUNCTION herald_internal.followed_reads(relation regclass, arguments jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE jsonb_typeof(arguments -> 'reads')
		WHEN 'object' THEN (SELECT jsonb_object_agg(herald_internal.renamed_table(arguments, r.key),
		                               herald_internal.rename_columns(r.value,
		                                   herald_internal.renamed_columns(arguments, r.key)))
		                    FROM jsonb_each(arguments -> 'reads') AS r)
		ELSE herald_internal.rename_columns(arguments -> 'reads',
		                                    herald_internal.renamed_columns(arguments, $1::text)) END;
$$;

-- Returns saved names with the present ones. Those of columns and tables that are gone stay, for the doctor.
CREATE FUNCTION herald_internal.followed_names(names jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT names || jsonb_build_object('tables', (
		SELECT jsonb_object_agg(t.key, CASE WHEN n.names IS NULL THEN t.value
		                               ELSE n.names || jsonb_build_object('columns', (t.value -> 'columns') ||
		                                                                             (n.names -> 'columns')) END)
		FROM jsonb_each(names -> 'tables') AS t
		LEFT JOIN LATERAL herald_internal.names_of_table(t.key::oid) AS n (names) ON true));
$$;

-- Returns the arguments of a record with the present names.
CREATE FUNCTION herald_internal.followed_arguments(relation regclass, kind text, arguments jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	own jsonb;
BEGIN
	IF arguments -> 'names' ->> 'database' IS DISTINCT FROM herald_internal.database_tag() OR
	   herald_internal.followed_names(arguments -> 'names') = arguments -> 'names' AND
	   herald_internal.follow_names(arguments::text) = arguments::text THEN
		RETURN arguments;
	END IF;
	own := herald_internal.renamed_columns(arguments,
	                                       arguments -> 'names' -> 'tables' -> relation::oid::text ->> 'name');
	RETURN (
		SELECT jsonb_object_agg(a.key, CASE
			WHEN a.key = 'names' THEN herald_internal.followed_names(a.value)
			WHEN a.key = 'rooms' THEN herald_internal.followed_rooms(arguments)
			WHEN a.key = 'reads' THEN herald_internal.followed_reads(relation, arguments)
			WHEN a.key IN ('subject_table', 'same_as')
			THEN to_jsonb(herald_internal.renamed_table(arguments, a.value #>> '{}'))
			WHEN a.key IN ('subject_tables', 'sender_tables') THEN (
				SELECT jsonb_object_agg(s.key, herald_internal.renamed_table(arguments, s.value))
				FROM jsonb_each_text(a.value) AS s)
			WHEN a.key = 'call' THEN herald_internal.followed_call(kind, arguments, own)
			WHEN herald_internal.is_condition(a.key) THEN to_jsonb(herald_internal.follow_names(a.value #>> '{}'))
			WHEN herald_internal.parameter_style(kind, a.key) = 'columns'
			THEN herald_internal.rename_columns(a.value, own, a.key IN ('status', 'last_read'))
			ELSE a.value END)
		FROM jsonb_each(arguments) AS a);
EXCEPTION WHEN OTHERS THEN
	RETURN arguments;
END
$$;
COMMENT ON FUNCTION herald_internal.followed_arguments(regclass, text, jsonb) IS
	'returns saved arguments with the present names of columns and tables, or as they are if they make no sense';

-- Puts the present names into the arguments of watch calls.
CREATE FUNCTION herald_internal.follow_arguments() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	saved herald_internal.watched_table;
	followed jsonb;
BEGIN
	FOR saved IN
		SELECT w.* FROM herald_internal.watched_table AS w JOIN pg_class AS c ON c.oid = w.relation
	LOOP
		BEGIN
			followed := herald_internal.followed_arguments(saved.relation, saved.kind, saved.arguments);
			CONTINUE WHEN followed = saved.arguments;
			UPDATE herald_internal.watched_table AS w SET arguments = followed
			WHERE w.ctid IN (SELECT o.ctid FROM herald_internal.watched_table AS o
			                 WHERE o.relation = saved.relation AND o.kind = saved.kind FOR UPDATE SKIP LOCKED) AND
			      w.arguments = saved.arguments;
			PERFORM herald_internal.reload_rules(saved.relation);
		EXCEPTION WHEN OTHERS THEN
			RAISE LOG 'pg_herald could not follow renames of table %: %', saved.relation, SQLERRM;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION herald_internal.follow_arguments() IS
	'puts the present names of columns and tables into the arguments of watch calls';

-- Puts the present names of columns and tables into all saved SQL. A record that another session changes keeps its
-- names until the next call: no migration waits here.
CREATE FUNCTION herald_internal.follow_renames() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	renamed regclass;
BEGIN
	PERFORM herald_internal.follow_arguments();
	FOR renamed IN
		WITH outdated AS MATERIALIZED (
			SELECT r.id, f.* FROM herald_internal.rule AS r
			CROSS JOIN LATERAL (SELECT herald_internal.follow_names(r.notify), herald_internal.follow_names(r.publish),
			                           herald_internal.follow_names(r.lock), herald_internal.follow_names(r.retract),
			                           herald_internal.follow_names(r.schedule))
				AS f (notify, publish, lock, retract, schedule)
			WHERE (r.notify, r.publish, r.lock, r.retract, r.schedule) IS DISTINCT FROM
			      (f.notify, f.publish, f.lock, f.retract, f.schedule)
			FOR UPDATE OF r SKIP LOCKED
		)
		UPDATE herald_internal.rule AS r
		SET notify = o.notify, publish = o.publish, lock = o.lock, retract = o.retract, schedule = o.schedule
		FROM outdated AS o
		WHERE r.id = o.id
		RETURNING r.relation
	LOOP
		PERFORM herald_internal.reload_rules(renamed);
	END LOOP;
	UPDATE herald_internal.counter AS c
	SET count_sql = herald_internal.follow_names(c.count_sql), owner_sql = herald_internal.follow_names(c.owner_sql)
	WHERE c.id IN (SELECT o.id FROM herald_internal.counter AS o
	               WHERE (o.count_sql, o.owner_sql) IS DISTINCT FROM (herald_internal.follow_names(o.count_sql),
	                                                                  herald_internal.follow_names(o.owner_sql))
	               FOR UPDATE SKIP LOCKED);
	UPDATE herald_internal.room_source AS s SET sql = herald_internal.follow_names(s.sql)
	WHERE s.ctid IN (SELECT o.ctid FROM herald_internal.room_source AS o
	                 WHERE o.sql <> herald_internal.follow_names(o.sql) FOR UPDATE SKIP LOCKED);
	UPDATE herald_internal.block_source AS s SET sql = herald_internal.follow_names(s.sql)
	WHERE s.ctid IN (SELECT o.ctid FROM herald_internal.block_source AS o
	                 WHERE o.sql <> herald_internal.follow_names(o.sql) FOR UPDATE SKIP LOCKED);
	IF FOUND THEN
		PERFORM herald_internal.reload_rules('herald_internal.block_source');
	END IF;
END
$$;
COMMENT ON FUNCTION herald_internal.follow_renames() IS
	'puts the present names of columns and tables into all saved SQL';

-- ----- marks that mean nothing any more

-- Returns the arguments with the names and marks of this database. A column that was dropped and added again counts by
-- its name.
CREATE FUNCTION herald_internal.renewed_arguments(relation regclass, arguments jsonb) RETURNS jsonb
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT n.arguments || jsonb_strip_nulls(jsonb_build_object('rooms',
	           herald_internal.marked_rooms($1, n.arguments -> 'rooms'), 'call',
	           CASE WHEN n.arguments -> 'call' ? 'rule'
	           THEN herald_internal.marked_rule_call($1, n.arguments -> 'call') END))
	FROM (SELECT herald_internal.marked_conditions($1, $2) || jsonb_build_object('names',
	                 herald_internal.present_names($1, $2))) AS n (arguments);
$$;

-- Marks all names again that come from another database, or are of columns that were dropped: SQL that fits the schema
-- gets new marks. After a restore no mark means anything. SQL that reads a locked table is left to the next call.
CREATE FUNCTION herald_internal.renew_marks() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '1ms' AS $$
DECLARE
	stale record;
BEGIN
	FOR stale IN
		WITH saved (place, sql, columns, parameter, id) AS (
			SELECT 'rule', concat(r.notify, r.publish, r.lock, r.retract, r.schedule),
			       '{notify,publish,lock,retract,schedule}'::text[], '-', format('id = %s', r.id)
			FROM herald_internal.rule AS r
			UNION ALL
			SELECT 'counter', c.count_sql, '{count_sql}', 'text[]', format('id = %s', c.id)
			FROM herald_internal.counter AS c
			UNION ALL
			SELECT 'counter', c.owner_sql, '{owner_sql}', 'text', format('id = %s', c.id)
			FROM herald_internal.counter AS c
			UNION ALL
			SELECT 'room_source', s.sql, '{sql}', 'text[]',
			       format('relation = %s AND kind = %L', s.relation::oid, s.kind)
			FROM herald_internal.room_source AS s
			UNION ALL
			SELECT 'block_source', s.sql, '{sql}', '-', format('relation = %s', s.relation::oid)
			FROM herald_internal.block_source AS s
		)
		SELECT format('UPDATE herald_internal.%I SET %s WHERE %s', s.place, (
			SELECT string_agg(format('%1$I = herald_internal.mark_names(relation, %2$L, %1$I, %2$L, %3$L)', name, '',
			                         s.parameter), ', ')
			FROM unnest(s.columns) AS name), s.id) AS statement
		FROM saved AS s
		WHERE herald_internal.has_stale_marks(s.sql)
		UNION ALL
		SELECT format('UPDATE herald_internal.watched_table SET arguments = '
		              'herald_internal.renewed_arguments(relation, arguments) WHERE relation = %s AND kind = %L',
		              w.relation::oid, w.kind)
		FROM herald_internal.watched_table AS w
		WHERE w.arguments -> 'names' ->> 'database' IS DISTINCT FROM herald_internal.database_tag() OR
		      herald_internal.has_stale_marks(w.arguments::text)
	LOOP
		BEGIN
			EXECUTE stale.statement;
		EXCEPTION WHEN OTHERS THEN
			NULL; -- it does not fit the schema: the doctor names it
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION herald_internal.renew_marks() IS
	'lets SQL follow renames again that comes from another database, or whose columns were dropped and added again';
