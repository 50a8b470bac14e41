-- ---------------------------------------------------------------------------
-- Arguments: the checks of a watch call before it does anything
--
-- An error names the argument, its value, the reason and the remedy.
-- ---------------------------------------------------------------------------

-- The arguments that name columns. "several": a key of several columns, or columns that are used together. "types" is a
-- pattern of the categories of types that a column may have, and "meaning" names its values; NULL: any type.
CREATE FUNCTION herald_internal.column_arguments() RETURNS TABLE (name text, several boolean, types text, meaning text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT a.name, true, '[^ABDERT]', 'an id'
	FROM unnest('{author,subject,parent,actor,follower,followee,conversation,member,sender,receiver,blocker,'
	            'blocked}'::text[]) AS a (name)
	UNION ALL
	VALUES ('key', true, NULL, NULL), ('name', true, NULL, NULL), ('ignore', true, NULL, NULL),
		('payload_columns', true, NULL, NULL), ('writable', true, NULL, NULL),
		('left_at', true, NULL, NULL), ('muted', true, NULL, NULL), ('deleted_at', false, NULL, NULL),
		('status', false, NULL, NULL), ('kind', false, NULL, NULL), ('subject_type', false, NULL, NULL),
		('sender_type', false, NULL, NULL),
		('last_read', false, '[^ABDERT]', 'an id'), ('published_at', true, '[BD]', 'a time or a boolean'),
		('notifications_enabled', false, 'B', 'a boolean'), ('body', false, '[SU]', 'a text'),
		('handle', false, '[SU]', 'a text');
$$;

CREATE FUNCTION herald_internal.check_owned(relation regclass) RETURNS void
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_check_owned';
COMMENT ON FUNCTION herald_internal.check_owned(regclass) IS 'raises an error unless the caller owns the table';

-- Raises an error if a value of an argument that names columns names none, too many, or one of another type.
CREATE FUNCTION herald_internal.check_column_argument(relation regclass, argument text, given text) RETURNS text[]
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	existing text[] := herald_internal.column_names(relation);
	wanted text[] := CASE WHEN given = ANY (existing) THEN ARRAY[given]
		ELSE regexp_split_to_array(btrim(given), '\s*,\s*') END;
	rule record;
	wrong text;
BEGIN
	SELECT * INTO rule FROM herald_internal.column_arguments() AS a WHERE a.name = argument;
	SELECT w.name INTO wrong FROM unnest(wanted) AS w (name) WHERE w.name <> ALL (existing) LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'column "%" of table "%" does not exist', wrong, herald_internal.plain_name(relation)
			USING ERRCODE = 'undefined_column',
			      DETAIL = format('Its columns are %s.', array_to_string(existing, ', ')),
			      HINT = format('Pass one of them as "%s".', argument);
	ELSIF cardinality(wanted) > 1 AND NOT rule.several THEN
		RAISE EXCEPTION '"%" takes one column, not %', argument, array_to_string(wanted, ', ')
			USING ERRCODE = 'invalid_parameter_value', HINT = format('Pass one of them as "%s".', argument);
	END IF;
	SELECT a.attname INTO wrong
	FROM pg_attribute AS a
	JOIN pg_type AS t ON t.oid = a.atttypid
	WHERE a.attrelid = relation AND a.attname = ANY (wanted) AND a.attnum > 0 AND
	      (t.typcategory::text !~ rule.types OR
	       rule.meaning = 'an id' AND t.oid = ANY ('{json,jsonb,bytea,real,float8}'::regtype[]))
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'column "%" of table "%" is of type %, and cannot be "%"',
			wrong, herald_internal.plain_name(relation),
			herald_internal.column_type(relation, wrong), argument
			USING ERRCODE = 'datatype_mismatch',
			      HINT = format('Pass a column with %s as "%s".', rule.meaning, argument);
	END IF;
	RETURN wanted;
END
$$;

-- Raises an error if two arguments of a call give the same columns the part of two users, or of a user and a subject.
CREATE FUNCTION herald_internal.check_distinct_arguments(relation regclass, call jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	double record;
BEGIN
	SELECT string_agg(format('"%s"', a.name), ' and ' ORDER BY a.name) AS arguments, call ->> a.name AS value
	INTO double
	FROM herald_internal.column_arguments() AS a
	WHERE a.meaning = 'an id' AND a.name <> 'last_read' AND call ->> a.name IS NOT NULL
	GROUP BY call ->> a.name
	HAVING count(*) > 1
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'column "%" of table "%" cannot be both %',
			double.value, herald_internal.plain_name(relation), double.arguments
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass a column of its own for each.';
	END IF;
END
$$;

-- Returns the hint that the rows of a table may be users besides those of the watched one; NULL unless they may be.
CREATE FUNCTION herald_internal.more_users_hint(relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format(CASE WHEN herald_internal.may_share_ids($1, herald_internal.row_id($1), w.relation,
	                                                      herald_internal.row_id(w.relation))
	              THEN 'If an id of %1$s means the same user as in %2$s, say so before: '
	                   'SELECT herald.watch_users(%1$L, same_as => %2$L);'
	              ELSE 'If the rows of %1$s are users, say so before: SELECT herald.watch_users(%1$L);' END,
	              $1, w.relation)
	FROM herald_internal.watched_table AS w
	WHERE w.kind = 'users' AND NOT w.arguments ? 'same_as' AND
	      ((herald_internal.kind_of_name(herald_internal.singular_noun($1))).kind = ANY
	           ('{posts,comments,likes,follows,follow_requests,blocks,messages}')) IS NOT TRUE AND
	      NOT EXISTS (SELECT FROM herald_internal.watched_table AS o WHERE o.relation = $1)
	LIMIT 1;
$$;

-- Returns whether columns are only a part of the foreign keys to a table, and that table is not one whose rows are
-- known: it may have a column with the same ids, as memberships have those of users.
CREATE FUNCTION herald_internal.may_be_refined(relation regclass, columns text[], target regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT NOT EXISTS (SELECT FROM herald_internal.foreign_keys($1) AS f WHERE f.target = $3 AND f.columns <@ $2) AND
	       NOT EXISTS (SELECT FROM herald_internal.watched_table AS w
	                   WHERE w.relation = $3 AND w.kind IN ('posts', 'comments', 'messages'));
$$;

-- Raises an error if the columns of a role refer to a table with rows that cannot have it, by their foreign keys or,
-- without any, by their name.
CREATE FUNCTION herald_internal.check_references(relation regclass, call jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wrong record;
BEGIN
	SELECT a.name AS role, c.names, min(r.target::oid)::regclass AS target, bool_and(r.by_name) AS by_name,
	       herald_internal.is_user_role(a.name) AND a.name <> 'last_read' AS of_users INTO wrong
	FROM herald_internal.column_arguments() AS a
	CROSS JOIN LATERAL (SELECT herald_internal.parse_columns(relation, call ->> a.name)) AS c (names)
	CROSS JOIN LATERAL (
		SELECT f.target, false, herald_internal.can_be(a.name, relation, f.target) OR
		       herald_internal.may_be_refined(relation, c.names, f.target)
		FROM herald_internal.reference_targets(relation, c.names) AS f (target)
		UNION ALL
		SELECT n.target, true, herald_internal.can_be_named(a.name, relation, c.names, n.target)
		FROM herald_internal.named_target(relation, c.names) AS n (target)
		WHERE n.target IS NOT NULL) AS r (target, by_name, possible)
	WHERE a.meaning = 'an id'
	GROUP BY a.name, c.names
	HAVING NOT bool_or(r.possible)
	ORDER BY a.name
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_foreign_key',
			MESSAGE = format(CASE WHEN wrong.by_name
			                 THEN 'column "%s" of table "%s" is named after table "%s", and cannot be "%s"'
			                 ELSE 'column "%s" of table "%s" refers to table "%s", and cannot be "%s"' END,
			                 array_to_string(wrong.names, ', '), relation, wrong.target, wrong.role),
			HINT = concat_ws(' ',
				format('Pass a column with %s as "%s".', CASE
				           WHEN wrong.of_users THEN 'users'
				           WHEN wrong.role = 'parent' THEN 'a row of the same table'
				           WHEN wrong.role = 'last_read' THEN 'a message'
				           ELSE 'conversations' END, wrong.role),
				CASE WHEN wrong.by_name
				THEN 'If its name is misleading, give it a foreign key, which may be NOT VALID.'
				WHEN wrong.of_users THEN herald_internal.more_users_hint(wrong.target) END);
	END IF;
END
$$;

-- Raises an error if a placeholder of a template names no column. An alias other than those of the changed row comes
-- from "joins".
CREATE FUNCTION herald_internal.check_template(relation regclass, argument text, template text, joins text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	existing text[] := herald_internal.column_names(relation);
	wrong text;
BEGIN
	SELECT m[1] INTO wrong
	FROM regexp_matches(template, '(\{[[:alpha:]_][^{}]*(?:\}|$|(?=\{)))', 'g') AS m
	CROSS JOIN LATERAL regexp_replace(rtrim(ltrim(m[1], '{'), '}'), ':\d+$', '') AS p (name)
	CROSS JOIN LATERAL (SELECT CASE strpos(p.name, '.') WHEN 0 THEN 'changed' ELSE split_part(p.name, '.', 1) END,
	                           substr(p.name, strpos(p.name, '.') + 1)) AS c (alias, field)
	WHERE m[1] !~ '\}$' OR p.name <> 'actor' AND (
	      c.alias IN ('changed', 'new', 'old') AND c.field <> ALL (existing) OR
	      c.alias NOT IN ('changed', 'new', 'old', 'actor', 'herald_recipient') AND joins IS NULL)
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'placeholder "%" of "%" names no column of table "%"',
			wrong, argument, herald_internal.plain_name(relation)
			USING ERRCODE = 'undefined_column',
			      DETAIL = format('The template is %L. The columns are %s.', template,
			                      array_to_string(existing, ', ')),
			      HINT = 'Write {column}, {old.column}, {alias.column} with an alias of "joins", or {actor}; and a '
			             'longest length as in {column:40}.';
	END IF;
END
$$;

-- Raises an error unless a map gives a table for each of its values.
CREATE FUNCTION herald_internal.check_table_map(argument text, given jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	part record;
BEGIN
	IF jsonb_typeof(given) = 'object' AND given <> '{}' THEN
		FOR part IN SELECT * FROM jsonb_each(given) AS m WHERE m.value <> '""' LOOP
			BEGIN
				CONTINUE WHEN jsonb_typeof(part.value) = 'string' AND
				              cardinality(parse_ident(part.value #>> '{}')) BETWEEN 1 AND 2;
			EXCEPTION WHEN invalid_parameter_value THEN
				NULL;
			END;
			RAISE EXCEPTION '"%" has no table for "%", but %', argument, part.key, part.value
				USING ERRCODE = 'invalid_parameter_value',
				      HINT = format('Pass the name of a table for each value: %s => ''{"%s": "posts"}''.',
				                    argument, part.key);
		END LOOP;
	ELSE
		RAISE EXCEPTION '"%" cannot be %', argument, given
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = format('Pass an object with a table for each value: %s => ''{"Post": "posts"}''.', argument);
	END IF;
END
$$;

-- Raises an error if a value is missing, empty or negative where that has no meaning.
CREATE FUNCTION herald_internal.check_values(function text, call jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wrong record;
BEGIN
	SELECT a.name, CASE WHEN v.value = 'null' THEN 'null' WHEN v.value = '""' THEN 'empty' ELSE 'negative' END AS fault,
	       d.value AS usual INTO wrong
	FROM pg_proc AS p
	CROSS JOIN LATERAL unnest(p.proargnames) WITH ORDINALITY AS a (name, place)
	CROSS JOIN LATERAL (SELECT pg_get_function_arg_default(p.oid, a.place::int)) AS d (value)
	CROSS JOIN LATERAL (SELECT call -> a.name) AS v (value)
	WHERE p.pronamespace = 'herald'::regnamespace AND p.proname = function AND a.place > 1 AND
	      (v.value = 'null' AND (d.value IS NULL OR d.value !~ '^NULL') OR
	       v.value = '""' AND a.name <> ALL ('{writable,title,content,accepted,pending,published}') OR
	       jsonb_typeof(v.value) = 'number' AND v.value < '0')
	ORDER BY a.place
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION '"%" must not be %', wrong.name, wrong.fault
			USING ERRCODE = CASE wrong.fault WHEN 'null' THEN 'null_value_not_allowed'
			                ELSE 'invalid_parameter_value' END,
			      HINT = CASE WHEN wrong.usual IS NULL THEN 'Pass a name.'
			             WHEN wrong.usual ~ '^NULL' THEN 'Leave it out.'
			             ELSE format('Leave it out for the default, %s.', wrong.usual) END;
	ELSIF call ->> 'on_error' <> ALL ('{suspend,abort,warn}') THEN
		RAISE EXCEPTION '"on_error" cannot be "%"', call ->> 'on_error'
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = 'Pass suspend or warn (the write passes) or abort (the write fails with the rule).';
	ELSIF call ->> 'audience' <> 'everyone' THEN
		RAISE EXCEPTION '"audience" cannot be "%"', call ->> 'audience'
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = 'Pass everyone, or leave it out: then the events go to the rooms of the row alone.';
	END IF;
END
$$;

-- Returns the arguments of a call of a function of schema herald. Raises an error for the first that is wrong. Hints
-- until the end of the transaction show the call again: see hinted_call().
CREATE FUNCTION herald_internal.checked_call(function text, relation regclass, call jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM set_config('herald_internal.watch_call',
	                   jsonb_build_object('relation', relation::oid, 'function', function, 'arguments', call)::text,
	                   true);
	IF relation IS NULL THEN
		RAISE EXCEPTION '"relation" must not be null'
			USING ERRCODE = 'null_value_not_allowed', HINT = 'Pass the table to watch.';
	END IF;
	PERFORM herald_internal.check_watchable(relation), herald_internal.check_owned(relation),
		herald_internal.check_values(function, call);
	PERFORM herald_internal.check_column_argument(relation, a.name, v.value)
	FROM herald_internal.column_arguments() AS a
	CROSS JOIN LATERAL (SELECT call -> a.name) AS g (given)
	CROSS JOIN LATERAL (
		SELECT jsonb_array_elements_text(CASE jsonb_typeof(g.given) WHEN 'array' THEN g.given ELSE '[]' END)
		UNION ALL
		SELECT g.given #>> '{}' WHERE jsonb_typeof(g.given) = 'string' AND g.given <> '""') AS v (value)
	WHERE (function <> 'watch' OR a.name = 'key');
	IF function = 'watch' THEN
		PERFORM herald_internal.check_template(relation, name, call ->> name, call ->> 'joins')
		FROM unnest('{subject,title,content,event,room,cause,recheck_user,recheck_room}'::text[]) AS name;
	ELSE
		PERFORM herald_internal.check_distinct_arguments(relation, call),
			herald_internal.check_references(relation, call);
		PERFORM herald_internal.check_table_map(name, call -> name)
		FROM unnest('{subject_tables,sender_tables}'::text[]) AS name
		WHERE jsonb_typeof(call -> name) <> 'null';
	END IF;
	RETURN call;
END
$$;

-- ----- hints

-- Returns the arguments that the present call for a table was given; none without such a call. Those of another
-- function name columns: conditions are about rows of another kind.
CREATE FUNCTION herald_internal.given_arguments(function text, relation regclass) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((
		SELECT CASE WHEN c.call ->> 'function' = $1 THEN c.call -> 'arguments'
		       ELSE (SELECT jsonb_object_agg(g.key, g.value) FROM jsonb_each(c.call -> 'arguments') AS g
		             WHERE g.key IN (SELECT a.name FROM herald_internal.column_arguments() AS a) OR
		                   g.key IN ('on_error', 'zone')) END
		FROM (SELECT nullif(current_setting('herald_internal.watch_call', true), '')::jsonb) AS c (call)
		WHERE c.call ->> 'relation' = $2::oid::text), '{}');
$$;

-- Returns the value of an argument with what a hint adds: to a condition by AND, and further columns to ignored ones or
-- to those that are used together. Any other value takes the place of the given one.
CREATE FUNCTION herald_internal.added_argument(name text, given jsonb, added jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN added IS NULL OR given IS NULL OR given = 'null' THEN coalesce(added, given)
		WHEN name IN ('visible', 'in_feed', 'active')
		THEN to_jsonb(format('(%s) AND (%s)', given #>> '{}', added #>> '{}'))
		WHEN name = 'ignore' THEN given || added
		WHEN name IN ('left_at', 'muted', 'published_at')
		THEN to_jsonb(herald_internal.joined_names(ARRAY[given #>> '{}', added #>> '{}']))
		ELSE added END;
$$;

-- Returns arguments as in a call, after a comma each: those given to a function that differ from its defaults, and the
-- added ones. Names in conditions and maps are found in the schemas of the given call.
CREATE FUNCTION herald_internal.hinted_arguments(function text, given jsonb, added jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(string_agg(format(', %I => %s', a.name, CASE
		WHEN t.type IN ('boolean'::regtype, 'integer'::regtype) THEN v.value #>> '{}'
		ELSE quote_literal(w.text) END), '' ORDER BY a.place), '')
	FROM pg_proc AS p
	CROSS JOIN LATERAL unnest(p.proargnames) WITH ORDINALITY AS a (name, place)
	CROSS JOIN LATERAL (SELECT p.proargtypes[a.place - 1]::regtype) AS t (type)
	CROSS JOIN LATERAL herald_internal.added_argument(a.name, given -> a.name, added -> a.name) AS v (value)
	CROSS JOIN LATERAL (SELECT CASE WHEN t.type = 'text[]'::regtype
	                           THEN (SELECT coalesce(array_agg(e), '{}')::text
	                                 FROM jsonb_array_elements_text(v.value) AS e)
	                           ELSE v.value #>> '{}' END,
	                           pg_get_function_arg_default(p.oid, a.place::int)) AS w (text, usual)
	WHERE p.pronamespace = 'herald'::regnamespace AND p.proname = function AND a.place > 1 AND v.value <> 'null' AND
	      (a.name <> 'schemas' OR given - ARRAY(SELECT n.key FROM jsonb_each(given) AS n WHERE n.value = 'null') ?|
	                              '{visible,in_feed,active,subject_tables,sender_tables}') AND
	      (quote_literal(w.text) || '::' || t.type = w.usual OR w.text = w.usual) IS NOT TRUE;
$$;

-- Returns the present call for a table, or that of another kind, with the arguments that a hint adds; NULL without any.
CREATE FUNCTION herald_internal.hinted_call(kind text, relation regclass, added jsonb) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('SELECT herald.%I(%L%s);', 'watch_' || kind, relation, herald_internal.hinted_arguments(
		'watch_' || kind, herald_internal.given_arguments('watch_' || kind, relation), added));
$$;
