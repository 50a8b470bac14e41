-- ---------------------------------------------------------------------------
-- Watching: from the arguments of a rule to the SELECTs that the trigger runs
--
-- A rule compiles to two SELECTs per operation, over the same rows: one says
-- who is told (notify), one says what is published. In every expression
-- "new" and "old" are the changed rows, as in a trigger, and "changed" is the
-- row as it is now or, when it was deleted, as it was. Rows are numbered in
-- the order of the statement: that number is the cause of a notification.
--
-- A rule's SELECT runs as the owner of the table, who may have no rights on
-- this schema: compiled SQL uses pg_catalog and the application's tables only.
-- ---------------------------------------------------------------------------

-- Somebody in the SQL of a rule: id and name are expressions, joins is what brings the name in.
CREATE TYPE herald.person AS (id text, name text, joins text);
COMMENT ON TYPE herald.person IS 'internal';

-- Raises an error when the table cannot be watched.
CREATE FUNCTION herald.check_watchable(relation regclass) RETURNS void
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	class pg_class;
BEGIN
	SELECT * INTO class FROM pg_class AS c WHERE c.oid = relation;
	IF class.relkind IS DISTINCT FROM 'r' AND class.relkind IS DISTINCT FROM 'p' THEN
		RAISE EXCEPTION '"%" is not a table', relation
			USING ERRCODE = 'wrong_object_type',
			      HINT = 'Ordinary and partitioned tables can be watched. For a view, watch the tables below it.';
	END IF;
	IF class.relpersistence = 't' THEN
		RAISE EXCEPTION '"%" is a temporary table', relation
			USING ERRCODE = 'wrong_object_type', HINT = 'A rule outlives the session; the table would not.';
	END IF;
	IF class.relnamespace IN ('herald'::regnamespace, 'pg_catalog'::regnamespace) THEN
		RAISE EXCEPTION '"%" belongs to the system', relation USING ERRCODE = 'wrong_object_type';
	END IF;
END
$$;

-- The type of a column, for casts.
CREATE FUNCTION herald.column_type(relation regclass, name text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format_type(a.atttypid, -1)
	FROM pg_attribute AS a
	WHERE a.attrelid = $1 AND a.attname = $2 AND a.attnum > 0;
$$;

CREATE FUNCTION herald.column_sql(alias text, name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('%I.%I', alias, name);
$$;

-- The SQL of an id: a text, of one column or of several with commas between them.
CREATE FUNCTION herald.id_sql(alias text, columns text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(herald.column_sql(alias, name) || '::text', ' || '','' || ' ORDER BY place)
	FROM unnest(columns) WITH ORDINALITY AS c (name, place);
$$;

-- The same id in a template.
CREATE FUNCTION herald.id_template(alias text, columns text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(format('{%s.%s}', alias, name), ',' ORDER BY place)
	FROM unnest(columns) WITH ORDINALITY AS c (name, place);
$$;

-- The condition that a row has an id. The id is taken apart, never the row: so an index on the columns is of use.
CREATE FUNCTION herald.match_id(alias text, relation regclass, columns text[], id text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(format('%s = %s::%s', herald.column_sql(alias, name),
	                         CASE WHEN cardinality(columns) = 1 THEN format('(%s)', id) ELSE format('split_part(%s, '','', %s)', id, place) END,
	                         herald.column_type(relation, name)), ' AND ' ORDER BY place)
	FROM unnest(columns) WITH ORDINALITY AS c (name, place);
$$;

-- The SQL of a JSON object from keys and expressions in turn.
CREATE FUNCTION herald.json_sql(VARIADIC pairs text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('json_build_object(%s)', string_agg(CASE WHEN place % 2 = 1 THEN quote_literal(part) ELSE coalesce(part, 'NULL') END, ', ' ORDER BY place))
	FROM unnest(pairs) WITH ORDINALITY AS p (part, place);
$$;

-- The SQL of one placeholder: "column" (of the changed row), "alias.column" or "actor", each with an optional ":length".
CREATE FUNCTION herald.compile_placeholder(placeholder text, actor_name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN length IS NULL THEN value ELSE format('left(%s, %s)', value, length) END
	FROM (SELECT regexp_replace(placeholder, ':\d+$', '') AS name, substring(placeholder, ':(\d+)$') AS length) AS p,
	     LATERAL (SELECT CASE
	         WHEN name = 'actor' THEN format('coalesce(%s, ''Someone'')', actor_name)
	         WHEN strpos(name, '.') = 0 THEN herald.column_sql('changed', name) || '::text'
	         ELSE herald.column_sql(split_part(name, '.', 1), substr(name, strpos(name, '.') + 1)) || '::text'
	     END) AS v (value);
$$;

-- The SQL of a template: 'Order {id} of {customer.name}'. Its value is NULL where a column of it is NULL.
CREATE FUNCTION herald.compile_template(template text, actor_name text DEFAULT 'NULL') RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(coalesce(herald.compile_placeholder(part[1], actor_name), quote_literal(part[2])), ' || ' ORDER BY place)
	FROM regexp_matches(template, '\{([[:alpha:]_][^{}]*)\}|([^{}]+|[{}])', 'g') WITH ORDINALITY AS t (part, place);
$$;

-- The SQL of the rooms of an event: templates separated by spaces, with or without commas. Rooms that are NULL fall out.
CREATE FUNCTION herald.compile_rooms(templates text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('array_remove(ARRAY[%s]::text[], NULL)', string_agg(herald.compile_template(template), ', ' ORDER BY place))
	FROM regexp_split_to_table(templates, ',?\s+(?![^{]*\})') WITH ORDINALITY AS t (template, place);
$$;

-- What an operation changed, one row each. The two transition tables of an UPDATE are in the same order, so
-- that no key is needed to pair them; rows that the UPDATE left as they were are none of its changes.
CREATE FUNCTION herald.changed_rows(operation text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE operation
		WHEN 'insert' THEN concat_ws(E'\n', inserted, 'CROSS JOIN LATERAL (SELECT new.*) AS changed')
		WHEN 'delete' THEN concat_ws(E'\n', deleted, 'CROSS JOIN LATERAL (SELECT old.*) AS changed')
		WHEN 'update' THEN concat_ws(E'\n', deleted, 'JOIN ' || inserted,
		                             '  ON new.herald_ord = old.herald_ord AND new.herald_row::text <> old.herald_row::text',
		                             'CROSS JOIN LATERAL (SELECT new.*) AS changed')
	END
	FROM (SELECT '(SELECT n.*, row_number() OVER () AS herald_ord, row_to_json(n) AS herald_row FROM herald_new AS n) AS new' AS inserted,
	             '(SELECT o.*, row_number() OVER () AS herald_ord, row_to_json(o) AS herald_row FROM herald_old AS o) AS old' AS deleted) AS t;
$$;

-- The SELECT that says who is told; NULL when nobody is. The recipient is an expression or a SELECT of many.
CREATE FUNCTION herald.compile_notify(operation text, joins text, condition text, actor text, actor_name text, recipient text,
	type text, subject_type text, subject_id text, title text, content text, data text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(E'\n',
		'SELECT changed.herald_ord AS cause, herald_told.id::text AS recipient_id,',
		format('       (%s)::text AS actor_id, (%s)::text AS actor_name, %L::text AS type,', actor, actor_name, type),
		format('       %L::text AS subject_type, (%s)::text AS subject_id,', subject_type, subject_id),
		format('       (%s)::text AS title,', coalesce(herald.compile_template(title, actor_name), 'NULL')),
		format('       (%s)::text AS content,', coalesce(herald.compile_template(content, actor_name), 'NULL')),
		format('       (%s)::jsonb AS data', data),
		'FROM ' || herald.changed_rows(operation),
		joins,
		format('CROSS JOIN LATERAL (%s) AS herald_told (id)',
		       CASE WHEN recipient ~* '^\s*(select|values|with)\M' THEN recipient ELSE 'SELECT ' || recipient END),
		format('WHERE (%s) AND herald_told.id IS NOT NULL', condition))
	WHERE recipient IS NOT NULL;
$$;

-- The SELECT that says what is published; NULL when nothing is.
CREATE FUNCTION herald.compile_publish(operation text, joins text, condition text, event text, room text, payload text,
	member text, member_joins text, member_leaves text, counter int, counted_id text, delta int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(E'\n',
		format('SELECT %s AS rooms, (%s)::text AS name,', herald.compile_rooms(room), herald.compile_template(event)),
		format('       (%s)::json AS payload,', payload),
		format('       (%s)::text AS member_id, (%s)::text AS joins, (%s)::text AS leaves,', coalesce(member, 'NULL'),
		       coalesce(herald.compile_template(member_joins), 'NULL'), coalesce(herald.compile_template(member_leaves), 'NULL')),
		format('       %L::int AS counter, (%s)::text AS counted_id, %L::smallint AS delta', counter, coalesce(counted_id, 'NULL'), delta),
		'FROM ' || herald.changed_rows(operation),
		joins,
		format('WHERE %s', condition),
		'ORDER BY changed.herald_ord')
	WHERE event IS NOT NULL;
$$;

-- Gives the table the triggers that its rules need, and no others. Takes a lock only where something is amiss.
CREATE FUNCTION herald.sync_triggers(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN
		SELECT o.operation, 'herald_' || o.operation AS name, o.tables,
		       EXISTS (SELECT FROM herald.rule AS r WHERE r.relation = sync_triggers.relation AND r.operation = o.operation) AS used,
		       EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = sync_triggers.relation AND t.tgname = 'herald_' || o.operation AND
		                                                 t.tgfoid = 'herald.on_change()'::regprocedure) AS present
		FROM (VALUES ('insert', 'NEW TABLE AS herald_new'),
		             ('update', 'OLD TABLE AS herald_old NEW TABLE AS herald_new'),
		             ('delete', 'OLD TABLE AS herald_old')) AS o (operation, tables)
	LOOP
		IF wanted.used AND NOT wanted.present THEN
			EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %s REFERENCING %s FOR EACH STATEMENT EXECUTE FUNCTION herald.on_change()',
			               wanted.name, wanted.operation, relation, wanted.tables);
		ELSIF wanted.present AND NOT wanted.used THEN
			EXECUTE format('DROP TRIGGER %I ON %s', wanted.name, relation);
		END IF;
	END LOOP;
END
$$;

-- Raises an error when the arguments of a rule do not fit together.
CREATE FUNCTION herald.check_rule(rule text, operations text[], recipient text, event text, room text, on_error text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF coalesce(cardinality(operations), 0) = 0 OR NOT operations <@ '{insert,update,delete}' THEN
		RAISE EXCEPTION 'rule "%" has the operations %', rule, coalesce(operations::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Operations are insert, update and delete.';
	END IF;
	IF coalesce(on_error, '') NOT IN ('abort', 'warn') THEN
		RAISE EXCEPTION 'rule "%" has on_error => %', rule, coalesce(on_error, 'NULL')
			USING ERRCODE = 'invalid_parameter_value', HINT = 'It is abort (the write fails with the rule) or warn (the write passes).';
	END IF;
	IF recipient IS NULL AND event IS NULL THEN
		RAISE EXCEPTION 'rule "%" neither notifies nor publishes', rule
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass recipient => for a notification, event => and room => for an event, or both.';
	END IF;
	IF (event IS NULL) <> (room IS NULL) THEN
		RAISE EXCEPTION 'rule "%" has an event without a room, or a room without an event', rule
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass both, for example event => ''order:shipped'', room => ''order:{id}''.';
	END IF;
END
$$;

CREATE FUNCTION herald.watch(
	relation regclass,
	rule text,
	operations text[] DEFAULT '{insert}',
	condition text DEFAULT 'true',
	joins text DEFAULT NULL,
	actor text DEFAULT NULL,
	actor_name text DEFAULT NULL,
	recipient text DEFAULT NULL,
	type text DEFAULT NULL,
	subject_type text DEFAULT NULL,
	subject_id text DEFAULT NULL,
	title text DEFAULT NULL,
	content text DEFAULT NULL,
	data text DEFAULT $$'{}'$$,
	event text DEFAULT NULL,
	room text DEFAULT NULL,
	payload text DEFAULT NULL,
	member text DEFAULT NULL,
	member_joins text DEFAULT NULL,
	member_leaves text DEFAULT NULL,
	counter int DEFAULT NULL,
	counted_id text DEFAULT NULL,
	delta int DEFAULT NULL,
	on_error text DEFAULT 'abort') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	subject text := coalesce(subject_type, herald.subject_type(relation));
	subject_key text := coalesce(subject_id, herald.id_sql('changed', herald.primary_key(relation)), 'NULL');
	known herald.person;
	operation text;
BEGIN
	PERFORM herald.check_watchable(relation);
	PERFORM herald.check_rule(rule, operations, recipient, event, room, on_error);
	IF actor IS NOT NULL AND actor_name IS NULL THEN
		known := herald.person_by_id('actor', actor);
		joins := concat_ws(E'\n', joins, known.joins);
	END IF;
	PERFORM herald.delete_rules(relation, rule);
	FOREACH operation IN ARRAY operations LOOP
		PERFORM herald.save_rule(relation, rule, operation,
			herald.compile_notify(operation, joins, condition, coalesce(actor, 'NULL'), coalesce(actor_name, known.name, 'NULL'), recipient,
				coalesce(type, rule), subject, subject_key, title, content, data),
			herald.compile_publish(operation, joins, condition, event, room,
				coalesce(payload, herald.json_sql(herald.camel(subject) || 'Id', subject_key, herald.camel(subject), 'changed.herald_row')),
				member, member_joins, member_leaves, counter, counted_id, delta),
			on_error);
	END LOOP;
	PERFORM herald.sync_triggers(relation);
END
$$;
COMMENT ON FUNCTION herald.watch(regclass, text, text[], text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text,
	int, text, int, text) IS 'make or replace a rule of a table: who is notified and what is published when its rows change';

CREATE FUNCTION herald.unwatch(relation regclass) RETURNS void
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM herald.forget(relation);
	PERFORM herald.sync_triggers(relation);
	PERFORM herald.recompile_others(relation);
END
$$;
COMMENT ON FUNCTION herald.unwatch(regclass) IS 'forget all rules of a table and leave it as it was before it was watched';

CREATE FUNCTION herald.unwatch_all() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	watched regclass;
BEGIN
	FOR watched IN
		SELECT w.relation FROM herald.watched_table AS w
		UNION SELECT r.relation FROM herald.rule AS r
		UNION SELECT t.tgrelid FROM pg_trigger AS t WHERE t.tgfoid = 'herald.on_change()'::regprocedure
	LOOP
		PERFORM herald.forget(watched);
		PERFORM herald.sync_triggers(watched);
	END LOOP;
END
$$;
COMMENT ON FUNCTION herald.unwatch_all() IS 'unwatch every table, as before DROP EXTENSION';

CREATE VIEW herald.watched AS
	SELECT r.relation, r.name AS rule, r.operation, r.on_error, r.notify, r.publish
	FROM herald.rule AS r;
COMMENT ON VIEW herald.watched IS 'what is watched: the rules of each table, with the SQL that they compiled to';
