-- ---------------------------------------------------------------------------
-- Watching: compiles the arguments of a rule to the SQL of the trigger
--
-- A rule is about changes of rows (insert, update, delete), not about
-- statements. It may have a condition for active rows (not deleted, not a
-- draft), and a key: the columns that identify a row. Inactive rows count as
-- absent. So one UPDATE statement can make all three changes: it inserts rows
-- that become active, deletes rows that become inactive, and does both to rows
-- whose key it changes.
--
-- A rule compiles to SELECTs for each change, and for each operation (the
-- statement of the trigger) that can make that change:
--
-- notify   returns the candidates: notifications that may be written
-- publish  returns the events
-- retract  returns the causes that are gone with deleted rows
-- schedule returns the rows that will change by time, with the time
-- lock     returns the causes that may be gone, if other rows may have the
--          same cause. The extension locks their notifications before it runs
--          "retract".
--
-- In every expression "new" and "old" are the changed rows, as in a trigger.
-- "changed" is "old" for a delete, else "new".
--
-- A rule's SELECT runs as the owner of the table, who may have no privileges
-- on the schemas of the extension. So compiled SQL uses pg_catalog and the
-- application's tables only.
-- ---------------------------------------------------------------------------

-- A user in the SQL of a rule: "id" and "name" are expressions; "joins" is the join that supplies the name.
CREATE TYPE herald_internal.person AS (id text, name text, joins text);

-- Raises an error if the table cannot be watched.
CREATE FUNCTION herald_internal.check_watchable(relation regclass) RETURNS void
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	class pg_class;
BEGIN
	SELECT * INTO class FROM pg_class AS c WHERE c.oid = relation;
	IF class.relkind IS DISTINCT FROM 'r' AND class.relkind IS DISTINCT FROM 'p' THEN
		RAISE EXCEPTION '"%" is not a table', herald_internal.plain_name(relation)
			USING ERRCODE = 'wrong_object_type',
			      HINT = 'Ordinary and partitioned tables can be watched. For a view, watch the tables below it.';
	END IF;
	IF class.relpersistence = 't' THEN
		RAISE EXCEPTION '"%" is a temporary table', herald_internal.plain_name(relation)
			USING ERRCODE = 'wrong_object_type', HINT = 'A rule outlives the session; a temporary table does not.';
	END IF;
	IF class.relnamespace IN ('herald'::regnamespace, 'herald_internal'::regnamespace, 'pg_catalog'::regnamespace) THEN
		RAISE EXCEPTION '"%" belongs to the system', herald_internal.plain_name(relation)
			USING ERRCODE = 'wrong_object_type', HINT = 'Pass a table of the application.';
	END IF;
END
$$;

-- ----- names in expressions of the application

CREATE FUNCTION herald_internal.resolve_names(relation regclass, schemas text[], argument text, before text,
                                              expression text, after text) RETURNS text
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_resolve_names';
COMMENT ON FUNCTION herald_internal.resolve_names(regclass, text[], text, text, text, text) IS
	'returns the expression of an argument with the schemas of its names, found in these schemas, inside the query '
	'around it';

-- Returns whether a condition uses the row "post" as a whole, or seems to. A row of a transition table has not the type
-- of the table, so that such a condition needs a row that has.
CREATE FUNCTION herald_internal.uses_whole_row(condition text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT condition ~* '\mpost\M(?!"?\s*\.\s*"?[[:alpha:]_])';
$$;

-- Returns a condition over the row "post" and, if "viewed", "viewer", with the schemas of its names; NULL for true.
CREATE FUNCTION herald_internal.resolve_condition(relation regclass, condition text, schemas text[],
                                                  viewed boolean DEFAULT false) RETURNS text
LANGUAGE sql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN herald_internal.uses_whole_row(c.condition)
	       THEN format('(SELECT (%s) FROM json_populate_record(NULL::%s, row_to_json(post.*)) AS post)',
	                   c.condition, $1)
	       ELSE c.condition END
	FROM herald_internal.resolve_names($1, schemas, CASE WHEN viewed THEN 'visible' ELSE 'in_feed' END,
	         format('SELECT FROM %s AS post%s WHERE (', $1,
	                CASE WHEN viewed THEN ' CROSS JOIN (SELECT NULL::text) AS session (viewer)' ELSE '' END), $2, ')')
		AS c (condition)
	WHERE c.condition <> 'true';
$$;

-- Returns the condition that resolve_condition() got, with the schemas and the present names that it has now.
CREATE FUNCTION herald_internal.given_condition(resolved text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT regexp_replace(herald_internal.plain_sql(resolved),
	                      '^\(SELECT \((.*)\) FROM json_populate_record\(NULL::.*, '
	                      'row_to_json\(post\.\*\)\) AS post\)$', '\1');
$$;

-- Returns a condition over the columns of a row, or over the row "post", with the schemas of its names; NULL for true.
-- It is over the columns alone, so that it holds under any alias.
CREATE FUNCTION herald_internal.resolve_active(relation regclass, condition text, schemas text[]) RETURNS text
LANGUAGE sql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN c.condition !~* '\mpost\M' THEN c.condition
	       WHEN w.whole THEN format('(SELECT (%s) FROM json_populate_record(NULL::%s, (SELECT row_to_json(post.*) '
	                                'FROM (SELECT %s) AS post)) AS post)', c.condition, $1, n.names)
	       ELSE format('(SELECT (%s) FROM (SELECT %s) AS post)', c.condition, n.names) END
	FROM herald_internal.resolve_names($1, schemas, 'active', format('SELECT FROM %s AS post WHERE (', $1), $2, ')')
		AS c (condition)
	CROSS JOIN herald_internal.uses_whole_row(c.condition) AS w (whole)
	CROSS JOIN LATERAL (SELECT string_agg(quote_ident(name), ', ') FROM unnest(herald_internal.column_names($1)) AS name
	                    WHERE w.whole OR strpos(lower(c.condition), lower(name)) > 0) AS n (names)
	WHERE c.condition <> 'true';
$$;

-- Returns an expression over the changed rows in which those that it uses as a whole, as in row_to_json(new.*), have
-- the type of the table, and no further columns.
CREATE FUNCTION herald_internal.with_whole_rows(relation regclass, expression text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE count(*) WHEN 0 THEN expression
	       ELSE format('(SELECT (%s) FROM %s)', expression, string_agg(format(
	           'json_populate_record(NULL::%s, %I.herald_row) AS %I', relation, alias, alias), ', ')) END
	FROM unnest('{new,old,changed}'::text[]) AS alias
	WHERE regexp_replace(expression, '''[^'']*''', '', 'g') ~*
	          format('\m%s\M(?!"?\s*\.\s*"?[[:alpha:]_])(?!\s*\()', alias);
$$;

-- Returns the type of a column, for casts.
CREATE FUNCTION herald_internal.column_type(relation regclass, name text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format_type(a.atttypid, -1)
	FROM pg_attribute AS a
	WHERE a.attrelid = $1 AND a.attname = $2 AND a.attnum > 0;
$$;

CREATE FUNCTION herald_internal.column_sql(alias text, name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('%I.%I', alias, name);
$$;

-- Returns the SQL of an id: a text, of one column or of several joined by commas.
CREATE FUNCTION herald_internal.id_sql(alias text, columns text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(herald_internal.column_sql(alias, name) || '::text', ' || '','' || ' ORDER BY place)
	FROM unnest(columns) WITH ORDINALITY AS c (name, place);
$$;

-- Returns the same id as a template.
CREATE FUNCTION herald_internal.id_template(alias text, columns text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(format('{%s.%s}', alias, name), ',' ORDER BY place)
	FROM unnest(columns) WITH ORDINALITY AS c (name, place);
$$;

-- Returns the type that a domain is based on in the end, or the type itself.
CREATE FUNCTION herald_internal.base_type(type text) RETURNS regtype
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH RECURSIVE base (oid, is_domain, next) AS (
		SELECT t.oid, t.typtype = 'd', t.typbasetype FROM pg_type AS t WHERE t.oid = to_regtype(type)
		UNION ALL
		SELECT t.oid, t.typtype = 'd', t.typbasetype FROM base AS b JOIN pg_type AS t ON t.oid = b.next
	)
	SELECT oid::regtype FROM base WHERE NOT is_domain;
$$;

-- Returns the SQL that casts a part of an id to a type. Its value is NULL for malformed parts of numbers and UUIDs, and
-- for numbers that bigint cannot hold: no row has such an id.
CREATE FUNCTION herald_internal.cast_id_sql(id text, type text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN base IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype)
			THEN format('CASE WHEN %1$s ~ ''^-?\d{1,19}$'' THEN CASE WHEN %1$s::numeric '
			            'BETWEEN -9223372036854775808 AND 9223372036854775807 THEN %1$s::bigint END END', id)
		WHEN base = 'numeric'::regtype
			THEN format('CASE WHEN %1$s ~ ''^-?\d{1,255}(\.\d{1,255})?$'' THEN %1$s::numeric END', id)
		WHEN base = 'uuid'::regtype THEN format('CASE WHEN %1$s ~* ''^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$'' '
		                                        'THEN %1$s::uuid END', id)
		ELSE format('%s::%s', id, type)
	END
	FROM herald_internal.base_type(type) AS base;
$$;

-- Returns the condition that a row has an id. It splits the id into columns, instead of joining the columns, so that
-- an index on the columns can be used.
CREATE FUNCTION herald_internal.match_id(alias text, relation regclass, columns text[], id text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(format('%s = %s', herald_internal.column_sql(alias, name), herald_internal.cast_id_sql(
	                         CASE WHEN cardinality(columns) = 1 THEN format('(%s)', id)
	                         ELSE format('split_part(%s, '','', %s)', id, place) END,
	                         herald_internal.column_type(relation, name))), ' AND ' ORDER BY place)
	FROM unnest(columns) WITH ORDINALITY AS c (name, place);
$$;

-- Returns the SQL of a JSON object, given keys and expressions in turn.
CREATE FUNCTION herald_internal.json_sql(VARIADIC pairs text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('json_build_object(%s)', string_agg(CASE WHEN place % 2 = 1 THEN quote_literal(part)
	                                                  ELSE coalesce(part, 'NULL') END, ', ' ORDER BY place))
	FROM unnest(pairs) WITH ORDINALITY AS p (part, place);
$$;

-- Returns the zone, or raises an error if it is no name of the time zone database: the meaning of an abbreviation is a
-- setting.
CREATE FUNCTION herald_internal.valid_zone(zone text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF (zone = 'UTC' OR EXISTS (SELECT FROM pg_timezone_names AS n WHERE lower(n.name) = lower(zone)) AND
	    NOT EXISTS (SELECT FROM pg_timezone_abbrevs AS a WHERE a.abbrev = upper(zone COLLATE "C"))) IS NOT TRUE THEN
		RAISE EXCEPTION 'time zone "%" not recognized', coalesce(zone, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = 'Pass UTC or the name of a place as "zone", such as Europe/Berlin: see pg_timezone_names.';
	END IF;
	RETURN zone;
END
$$;

-- Returns the columns with timestamps without a zone: of that type, of domains over it and, if "arrays", of arrays.
CREATE FUNCTION herald_internal.zoneless_columns(relation regclass, arrays boolean) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH RECURSIVE inner_type (name, type) AS (
		SELECT a.attname, a.atttypid FROM pg_attribute AS a
		WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
		UNION ALL
		SELECT i.name, CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.typelem END
		FROM inner_type AS i JOIN pg_type AS t ON t.oid = i.type
		WHERE t.typtype = 'd' OR arrays AND t.typcategory = 'A'
	)
	SELECT coalesce(array_agg(name::text ORDER BY name), '{}') FROM inner_type WHERE type = 'timestamp'::regtype;
$$;

-- Returns whether a column looks like one that followers must not see: a credential, an address, or binary data.
CREATE FUNCTION herald_internal.looks_secret(name text, type regtype) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH RECURSIVE inner_type (type) AS (
		SELECT $2::oid
		UNION
		SELECT CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.typelem END
		FROM inner_type AS i JOIN pg_type AS t ON t.oid = i.type
		WHERE t.typtype = 'd' OR t.typcategory = 'A'
	)
	SELECT EXISTS (SELECT FROM inner_type AS i
	               WHERE i.type IN ('bytea'::regtype, 'inet'::regtype, 'cidr'::regtype, 'macaddr'::regtype,
	                                'macaddr8'::regtype)) OR
	       lower(regexp_replace($1, '[^[:alnum:]]', '', 'g') COLLATE "C") ~
	           ('password|passwd|passphrase|passcode|secret|token|credential|apikey|privatekey|accesskey|securitykey|'
	            'sessionid|sessionkey|cookie|email|telephone|phonenumber|useragent|fingerprint|ipaddr|creditcard|'
	            'cardnumber|pincode|backupcode|recoverycode|hash$') OR
	       NOT ($1 ~ '(_id|[a-z]Id)$' AND
	            EXISTS (SELECT FROM inner_type AS i
	                    WHERE i.type IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype,
	                                     'uuid'::regtype))) AND
	       regexp_split_to_array(lower(regexp_replace($1, '([a-z0-9])([A-Z])', '\1_\2', 'g') COLLATE "C"),
	                             '[^a-z0-9]+') &&
	       '{pass,pwd,pw,hash,hashed,digest,salt,nonce,otp,totp,mfa,ip,ips,ipv4,ipv6,mail,phone,mobile,ssn,iban,cvv}';
$$;

-- Returns the columns of a table that payloads contain: the given ones, or else those that do not look secret.
CREATE FUNCTION herald_internal.published_columns(relation regclass, given text[]) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce($2, (SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}')
	                     FROM pg_attribute AS a
	                     WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND
	                           NOT herald_internal.looks_secret(a.attname, a.atttypid)));
$$;

-- Returns the given columns. Raises an error if one does not exist, and says which columns are left out by default.
CREATE FUNCTION herald_internal.check_published(relation regclass, given text[],
                                                argument text DEFAULT 'payload_columns') RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	published text[] := herald_internal.published_columns(relation, given);
	hidden text;
BEGIN
	IF given IS NOT NULL THEN
		PERFORM herald_internal.parse_columns(relation, name) FROM unnest(given) AS name;
		RETURN given;
	END IF;
	SELECT string_agg(name, ', ') INTO hidden
	FROM unnest(herald_internal.column_names(relation)) AS name
	WHERE name <> ALL (published);
	IF hidden IS NOT NULL THEN
		RAISE NOTICE 'payloads leave out columns of table "%": %', herald_internal.plain_name(relation), hidden
			USING DETAIL = 'By name or type they hold secrets, addresses or binary data.',
			      HINT = CASE argument
			             WHEN 'payload' THEN 'To publish others, pass payload => with an expression for the object.'
			             ELSE format('To choose the columns, pass payload_columns => %L.', published) END;
	END IF;
	RETURN NULL;
END
$$;

-- Returns the SQL of an array of names of columns, which follow renames.
CREATE FUNCTION herald_internal.names_sql(names text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('ARRAY[%s]::text[]', (SELECT string_agg(quote_literal(n.name) || '::name', ', ' ORDER BY n.place)
	                                    FROM unnest(names) WITH ORDINALITY AS n (name, place)));
$$;

-- Returns the SQL of the changed row as JSON: of its published columns, with timestamps without a zone as times of
-- that zone. Finds columns by the key in the JSON, so that a column that goes later breaks no write, and one that comes
-- later is not published. Years of five digits stay as they are, like infinity: no conversion of the others can leave
-- the range of the type.
CREATE FUNCTION herald_internal.row_sql(relation regclass, zone text, payload_columns text[] DEFAULT NULL)
	RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format($sql$(
           SELECT ('{' || coalesce(string_agg(to_json(f.key) || ':' || %s, ',' ORDER BY f.place), '') || '}')::json
           FROM json_each(changed.herald_row) WITH ORDINALITY AS f (key, value, place)
           WHERE f.key = ANY (%s))$sql$,
	              CASE WHEN names = '{}' THEN 'f.value::text' ELSE format($sql$CASE WHEN f.key = ANY (%s) THEN (
               SELECT string_agg(CASE WHEN p.part[1] ~ '^"[0-9]{4}-[-0-9T:.]+"$'
                                 THEN to_json(btrim(p.part[1], '"')::timestamp AT TIME ZONE %L)::text
                                 ELSE concat(p.part[1], p.part[2]) END, '' ORDER BY p.place)
               FROM regexp_matches(f.value::text, '("[^"]*")|([^"]+)', 'g') WITH ORDINALITY AS p (part, place))
           ELSE f.value::text END$sql$, herald_internal.names_sql(names), zone) END,
	              herald_internal.names_sql(herald_internal.published_columns(relation, payload_columns)))
	FROM herald_internal.zoneless_columns(relation, true) AS names;
$$;

-- Joins conditions by AND; NULL if there are none.
CREATE FUNCTION herald_internal.and_conditions(VARIADIC conditions text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(CASE WHEN cardinality(array_remove(conditions, NULL)) > 1 THEN format('(%s)', c) ELSE c
	                  END, ' AND ')
	FROM unnest(conditions) AS c
	WHERE c IS NOT NULL;
$$;

-- Returns the SQL of one placeholder: "column" (of the changed row), "alias.column" or "actor", each with an optional
-- ":length". The columns in "zoneless" are times of the zone, unless they are cut to a length.
CREATE FUNCTION herald_internal.compile_placeholder(placeholder text, actor_name text, zoneless text[] DEFAULT '{}',
                                                    zone text DEFAULT 'UTC') RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN length IS NULL THEN value ELSE format('left(%s, %s)', value, length) END
	FROM (SELECT regexp_replace(placeholder, ':\d+$', '') AS name, substring(placeholder, ':(\d+)$') AS length) AS p,
	     LATERAL (SELECT CASE strpos(name, '.') WHEN 0 THEN 'changed' ELSE split_part(name, '.', 1) END,
	                     substr(name, strpos(name, '.') + 1)) AS c (alias, field),
	     LATERAL (SELECT CASE
	         WHEN name = 'actor' THEN format('coalesce(%s, ''Someone'')', actor_name)
	         WHEN length IS NULL AND alias IN ('changed', 'old', 'new') AND field = ANY (zoneless)
	         THEN format('CASE WHEN %1$s BETWEEN ''0001-01-01'' AND ''9999-12-31'' THEN (%1$s AT TIME ZONE %2$L)::text '
	                     'ELSE %1$s::text END', herald_internal.column_sql(alias, field), zone)
	         ELSE herald_internal.column_sql(alias, field) || '::text'
	     END) AS v (value);
$$;

-- Returns the SQL of a template: 'Order {id} of {customer.name}'. Its value is NULL if one of its columns is NULL.
CREATE FUNCTION herald_internal.compile_template(template text, actor_name text DEFAULT 'NULL',
                                                 zoneless text[] DEFAULT '{}', zone text DEFAULT 'UTC') RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(coalesce(herald_internal.compile_placeholder(part[1], actor_name, zoneless, zone),
	                           quote_literal(part[2])), ' || ' ORDER BY place)
	FROM regexp_matches(template, '\{([[:alpha:]_][^{}]*)\}|([^{}]+|[{}])', 'g') WITH ORDINALITY AS t (part, place);
$$;

-- Returns the SQL of an array of texts. Readers drop those that are NULL.
CREATE FUNCTION herald_internal.compile_array(compiled text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('ARRAY[%s]::text[]', array_to_string(compiled, ', '));
$$;

CREATE FUNCTION herald_internal.split_templates(templates text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT template FROM regexp_split_to_table(templates, ',?\s+(?![^{]*\})') WITH ORDINALITY AS t (template, place)
	ORDER BY place;
$$;

CREATE FUNCTION herald_internal.compile_rooms(templates text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.compile_array(ARRAY(SELECT herald_internal.compile_template(t)
	                                           FROM herald_internal.split_templates(templates) AS t));
$$;

-- Returns the SQL of a cause: a path such as subject:id:kind:id. Colons in ids are escaped, so that no id looks like
-- a part of the path.
CREATE FUNCTION herald_internal.compile_cause(template text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(coalesce('replace(replace(' || herald_internal.compile_placeholder(part[1], 'NULL') ||
	                           $sql$, E'\\', E'\\\\'), ':', E'\\:')$sql$,
	                           quote_literal(part[2])), ' || ' ORDER BY place)
	FROM regexp_matches(template, '\{([[:alpha:]_][^{}]*)\}|([^{}]+|[{}])', 'g') WITH ORDINALITY AS t (part, place);
$$;

-- Returns the FROM item of a transition table. "active" is a condition over the columns of the row alone ("post").
-- with_row: the rows are compared, or an expression reads the row as JSON.
CREATE FUNCTION herald_internal.transition_rows_sql(alias text, active text, with_row boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('(SELECT post.*, row_number() OVER () AS herald_ord%1$s%2$s FROM herald_%3$s AS post) AS %3$s',
	              CASE WHEN with_row THEN ', row_to_json(post.*) AS herald_row' END,
	              ', coalesce((' || active || '), false) AS herald_active', alias);
$$;

-- Returns the condition that the row "here" is active, and that the row "there" is not, or has another key. With "new"
-- and "old" an UPDATE inserts the row, with "old" and "new" it deletes the row. NULL: always.
CREATE FUNCTION herald_internal.appears_condition(here text, there text, active text, key text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(' AND ', CASE WHEN active IS NOT NULL THEN here || '.herald_active'
	                 END, format('NOT (%s)', herald_internal.stays_condition(there, active, key)))
	WHERE active IS NOT NULL OR key IS NOT NULL;
$$;

-- Returns the condition that the row "there" is active and has the same key.
CREATE FUNCTION herald_internal.stays_condition(there text, active text, key text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(' AND ', CASE WHEN active IS NOT NULL THEN there || '.herald_active' END,
	                 (SELECT string_agg(format('old.%1$I IS NOT DISTINCT FROM new.%1$I', name), ' AND ')
	                  FROM unnest(key) AS name));
$$;

-- Returns the FROM clause of the rows with one change, in the transition tables of an operation.
--
-- The two transition tables of an UPDATE have the same order, so that rows are paired without a key. Rows that the
-- UPDATE left as they were are not changes. with_other: the expressions also use the row that an INSERT or DELETE does
-- not have; its columns are null. with_old: for an update, "changed" is the new row as well as the old one. "through":
-- a SELECT of rows of another table, over "new"; "changed" is each of these.
CREATE FUNCTION herald_internal.changed_rows_sql(change text, operation text, active text, key text[],
                                                 with_row boolean, with_other boolean,
                                                 with_old boolean DEFAULT false, through text DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(E'\n',
		CASE operation
			WHEN 'insert' THEN herald_internal.transition_rows_sql('new', active, with_row)
			WHEN 'delete' THEN herald_internal.transition_rows_sql('old', active, with_row)
			WHEN 'update' THEN concat_ws(E'\n', herald_internal.transition_rows_sql('old', active, true), 'JOIN ' ||
			                             herald_internal.transition_rows_sql('new', active, true),
			                             '  ON new.herald_ord = old.herald_ord AND '
			                             'new.herald_row::text <> old.herald_row::text')
		END,
		'  AND ' || CASE WHEN operation <> 'update' THEN NULL
			WHEN change = 'insert' THEN herald_internal.appears_condition('new', 'old', active, key)
			WHEN change = 'delete' THEN herald_internal.appears_condition('old', 'new', active, key)
			WHEN active IS NOT NULL OR key IS NOT NULL
			THEN concat_ws(' AND ', CASE WHEN active IS NOT NULL THEN 'new.herald_active'
			               END, herald_internal.stays_condition('old', active, key))
		END,
		format('CROSS JOIN LATERAL (SELECT %s) AS changed', CASE
			WHEN through IS NOT NULL THEN format('through.*, new.herald_ord FROM (%s) AS through', through)
			WHEN change = 'delete' THEN 'old.*'
			WHEN change = 'update' AND with_old THEN 'old.* UNION ALL SELECT new.*' ELSE 'new.*' END),
		CASE WHEN with_other AND operation <> 'update' THEN
			format('LEFT JOIN (SELECT t.*, NULL::json AS herald_row FROM herald_%s AS t WHERE false) AS %s ON true',
			       mine, CASE mine WHEN 'new' THEN 'old' ELSE 'new' END) END)
	FROM (SELECT CASE operation WHEN 'delete' THEN 'old' ELSE 'new' END) AS m (mine);
$$;

-- Returns the condition of active rows for a row that is deleted: if rows of the table end by the time in a column, one
-- whose time has come counts as well, since its end may not have been told yet. Then its notifications are still there.
CREATE FUNCTION herald_internal.deleted_condition(relation regclass, active text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((
		SELECT format('(%s) OR %s <= now() AND (%s)', active, a.published_time,
		              replace(active, a.present, a.held_before))
		FROM herald_internal.watched_table AS w
		CROSS JOIN jsonb_to_record(w.arguments) AS a (present text, published_time text, held_before text)
		WHERE w.relation = $1 AND strpos(active, a.present) > 0 AND a.held_before IS NOT NULL
		LIMIT 1), active);
$$;

-- Returns the condition that the row of an INSERT or DELETE statement is active. For an UPDATE, changed_rows_sql() has
-- that condition. NULL: always.
CREATE FUNCTION herald_internal.active_condition(operation text, active text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'changed.herald_active' WHERE active IS NOT NULL AND operation <> 'update';
$$;

-- Returns the ORDER BY of a rule's rows, in the order of the statement. The operator is named, so that the parser does
-- not look for the operator class of the type: in the first statement of a session, it would read all classes.
CREATE FUNCTION herald_internal.order_sql() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'ORDER BY changed.herald_ord USING OPERATOR(pg_catalog.<)';
$$;

-- A candidate: a notification that may be written. The "notify" SELECT of a rule returns candidates, and
-- notification.c reads them, in the order of this type.
CREATE TYPE herald_internal.candidate AS (
	cause text, recipient_id text, actor_id text, actor_name text, type text, subject_type text, subject_id text,
	thread text, title text, content text, data jsonb);

-- Returns the SQL of a value of a type. NULL and literals are texts anyway, and so is a column that has been cast: the
-- first statement of a session looks the type up for each cast.
CREATE FUNCTION herald_internal.typed_sql(expression text, type text DEFAULT 'text') RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN type = 'text' AND coalesce(expression, 'NULL') ~ '^(NULL|''[^'']*''|[\w."]+::text)$'
	       THEN coalesce(expression, 'NULL') ELSE format('(%s)::%s', coalesce(expression, 'NULL'), type) END;
$$;

-- Returns the select list of a candidate, given the SQL of each column by its name.
CREATE FUNCTION herald_internal.candidate_sql(expressions json) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(format('%s AS %I', herald_internal.typed_sql(expressions ->> a.attname,
	                                                               format_type(a.atttypid, -1)), a.attname),
	                  E',\n       ' ORDER BY a.attnum)
	FROM pg_attribute AS a
	WHERE a.attrelid = 'herald_internal.candidate'::regclass;
$$;

-- Returns whether the recipient of a rule is a column: there is one for each row. Functions may return several.
CREATE FUNCTION herald_internal.is_one_recipient(recipient text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT recipient ~* '^\s*(select\s+)?(\w+|"[^"]+")\.(\w+|"[^"]+")(::text)?\s*$';
$$;

-- Returns the SELECT of a rule's candidates; NULL without a recipient. The recipient is an expression, or a SELECT
-- that returns many. With the select list of an event, the SELECT returns that beside each candidate, and also beside
-- one without a recipient.
CREATE FUNCTION herald_internal.compile_notify(source text, condition text, joins text, cause text, actor text,
	actor_name text, recipient text, type text, subject_type text, subject_id text, thread text, title text,
	content text,
	data text, zoneless text[], zone text, event text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(E'\n',
		'SELECT ' || herald_internal.candidate_sql(json_build_object(
			'cause', herald_internal.compile_cause(cause),
			'recipient_id', 'herald_recipient.id',
			'actor_id', actor,
			'actor_name', actor_name,
			'type', quote_literal(type),
			'subject_type', quote_literal(subject_type),
			'subject_id', subject_id,
			'thread', herald_internal.compile_template(thread),
			'title', herald_internal.compile_template(title, actor_name, zoneless, zone),
			'content', herald_internal.compile_template(content, actor_name, zoneless, zone),
			'data', data)) || coalesce(E',\n       ' || event, ''),
		'FROM ' || source,
		joins,
		format('CROSS JOIN LATERAL (%s) AS herald_recipient (id)',
		       CASE WHEN lower(recipient COLLATE "C") ~ '^\s*(select|values|with)\M' THEN recipient
		            ELSE 'SELECT ' || recipient END),
		format(CASE WHEN event IS NULL THEN 'WHERE (%s) AND herald_recipient.id IS NOT NULL' ELSE 'WHERE %s' END,
		       condition),
		herald_internal.order_sql())
	WHERE recipient IS NOT NULL;
$$;

-- Returns the SELECT of a rule's rechecks, once each; NULL without any. "pairs" is a SELECT or VALUES of pairs of a
-- user and a key of rooms.
CREATE FUNCTION herald_internal.compile_recheck(source text, condition text, joins text, pairs text, access text)
	RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(E'\n',
		$sql$SELECT '{}'::text[] AS rooms, 'room:recheck'::text AS name, '{}'::json AS payload,$sql$,
		'       NULL::text AS member_id, NULL::text AS joins, NULL::text AS leaves,',
		'       NULL::int AS counter, NULL::text AS counted_id, NULL::smallint AS delta, NULL::text AS ack,',
		format('       herald_recheck.user_id AS recheck_user, herald_recheck.room AS recheck_room, %L::text AS access',
		       access),
		'FROM (SELECT DISTINCT herald_recheck.user_id::text, herald_recheck.room::text',
		'FROM ' || source,
		joins,
		format('CROSS JOIN LATERAL (%s) AS herald_recheck (user_id, room)', pairs),
		format('WHERE %s', condition),
		'ORDER BY 1, 2) AS herald_recheck')
	WHERE pairs IS NOT NULL;
$$;

-- Returns the select list of an event; NULL without one.
CREATE FUNCTION herald_internal.event_sql(event text, room text, rooms text, payload text, member text,
	member_joins text, member_leaves text, counter int, counted_id text, delta int, ack text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(E'\n',
		format('%s AS rooms, %s AS name,', coalesce(rooms, herald_internal.compile_rooms(room)),
		       herald_internal.typed_sql(herald_internal.compile_template(event))),
		format('       (%s)::json AS payload,', payload),
		format('       %s AS member_id, %s AS joins, %s AS leaves,', herald_internal.typed_sql(member),
		       herald_internal.typed_sql(herald_internal.compile_template(member_joins)),
		       herald_internal.typed_sql(herald_internal.compile_template(member_leaves))),
		format('       %L::int AS counter, %s AS counted_id, %L::smallint AS delta, %L AS ack,',
		       counter, herald_internal.typed_sql(counted_id), delta, ack),
		'       NULL AS recheck_user, NULL AS recheck_room, NULL AS access')
	WHERE event IS NOT NULL;
$$;

-- Returns the SELECT of a rule's events, given their select list; NULL without it.
CREATE FUNCTION herald_internal.compile_publish(source text, condition text, joins text, event text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(E'\n', 'SELECT ' || event, 'FROM ' || source, joins, format('WHERE %s', condition),
	                 herald_internal.order_sql())
	WHERE event IS NOT NULL;
$$;

-- Returns the SELECT of the causes that are gone with the rows; NULL without causes.
CREATE FUNCTION herald_internal.compile_retract(source text, condition text, causes text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(E'\n',
		'SELECT herald_gone.cause',
		'FROM ' || source,
		format('CROSS JOIN LATERAL unnest(%s) AS herald_gone (cause)',
		       herald_internal.compile_array(ARRAY(SELECT herald_internal.compile_cause(t)
		                                           FROM herald_internal.split_templates(causes) AS t))),
		'WHERE ' || condition)
	WHERE causes <> '';
$$;

-- Returns the SELECT of the ids of rows that will change, and of the times when; NULL without a time.
CREATE FUNCTION herald_internal.compile_schedule(source text, condition text, id text, at text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(E'\n', format('SELECT (%s)::text AS id, (%s)::timestamptz AS at', id, at), 'FROM ' || source,
	                 format('WHERE %s', condition))
	WHERE at IS NOT NULL;
$$;

-- Returns a SELECT of the rows of both, in this order; either may be NULL.
CREATE FUNCTION herald_internal.union_all(first text, second text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN first IS NULL THEN second WHEN second IS NULL THEN first
	       ELSE format(E'(%s)\nUNION ALL\n(%s)', first, second) END;
$$;

-- Returns whether a query for events makes rechecks: the rows of its table decide about access to rooms.
CREATE FUNCTION herald_internal.has_recheck(publish text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN strpos(publish, 'room:recheck') > 0;

-- Returns the foreign tables below a table: its partitions, or children by INHERITS.
CREATE FUNCTION herald_internal.foreign_tables_below(relation regclass) RETURNS SETOF regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH RECURSIVE below (relation) AS (
		SELECT i.inhrelid FROM pg_inherits AS i WHERE i.inhparent = $1
		UNION
		SELECT i.inhrelid FROM below AS b JOIN pg_inherits AS i ON i.inhparent = b.relation
	)
	SELECT c.oid::regclass FROM below AS b JOIN pg_class AS c ON c.oid = b.relation WHERE c.relkind = 'f';
$$;

-- Returns the triggers that rules need on a table and on its partitions, to which rows can be written directly. The
-- server collects no rows of foreign tables for the trigger of a statement: such a write would fail. So a table with a
-- foreign table below it has triggers for each row, which the server copies to all partitions, also later ones.
-- "watched" is the topmost table with rules for it; "own": one of the rules is of the target itself.
CREATE FUNCTION herald_internal.needed_triggers(relation regclass)
	RETURNS TABLE (target regclass, name text, operation text, clause text, each_row boolean, watched regclass,
	               rules text[], own boolean)
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	WITH needed AS (
		SELECT t.target, o.operation,
		       (array_agg(r.relation ORDER BY a.place DESC))[1] AS watched,
		       array_agg(DISTINCT r.name ORDER BY r.name) AS rules, bool_or(r.relation = t.target) AS own
		FROM (SELECT $1 UNION SELECT p.relid FROM pg_partition_tree($1) AS p) AS t (target)
		JOIN pg_class AS c ON c.oid = t.target AND c.relkind IN ('r', 'p')
		CROSS JOIN LATERAL (SELECT t.target, 0 UNION ALL
		                    SELECT p.relid, p.place
		                    FROM pg_partition_ancestors(t.target) WITH ORDINALITY AS p (relid, place)
		                    WHERE p.relid <> t.target) AS a (relation, place)
		JOIN herald_internal.rule AS r ON r.relation = a.relation
		CROSS JOIN LATERAL (SELECT r.operation UNION
		                    SELECT 'truncate' WHERE r.schedule IS NOT NULL OR herald_internal.has_recheck(r.publish))
			AS o (operation)
		GROUP BY t.target, o.operation
	)
	SELECT n.target, format('herald_%s%s', n.operation, CASE WHEN e.each_row THEN '_row' END), n.operation,
	       CASE WHEN e.each_row THEN 'FOR EACH ROW' ELSE concat_ws(' ', CASE n.operation
	       WHEN 'insert' THEN 'REFERENCING NEW TABLE AS herald_new'
	       WHEN 'update' THEN 'REFERENCING OLD TABLE AS herald_old NEW TABLE AS herald_new'
	       WHEN 'delete' THEN 'REFERENCING OLD TABLE AS herald_old' END, 'FOR EACH STATEMENT') END,
	       e.each_row, n.watched, n.rules, n.own
	FROM needed AS n
	CROSS JOIN LATERAL (SELECT n.operation <> 'truncate' AND
	                           EXISTS (SELECT FROM herald_internal.foreign_tables_below(n.watched))) AS e (each_row)
	WHERE NOT e.each_row OR n.watched = n.target;
$$;

-- Creates the triggers that the rules of a table need, and drops others first: a copy for a partition could have the
-- name of one. Locks a table only if its triggers change, and none in a dry run.
CREATE FUNCTION herald.sync_triggers(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	change record;
BEGIN
	IF herald_internal.is_dry_run() THEN
		RETURN;
	END IF;
	FOR change IN
		WITH needed AS (
			SELECT * FROM herald_internal.needed_triggers(sync_triggers.relation)
		), present AS (
			SELECT t.tgrelid::regclass AS target, t.tgname AS name
			FROM pg_trigger AS t
			WHERE t.tgfoid = 'herald_internal.on_change()'::regprocedure AND t.tgparentid = 0 AND
			      t.tgname ~ '^herald_(insert|update|delete)(_row)?$|^herald_truncate$' AND
			      t.tgrelid IN (SELECT sync_triggers.relation UNION
			                    SELECT p.relid FROM pg_partition_tree(sync_triggers.relation) AS p)
		)
		SELECT 1 AS step, p.target, format('DROP TRIGGER %I ON %s', p.name, p.target) AS command
		FROM present AS p
		WHERE NOT EXISTS (SELECT FROM needed AS n WHERE n.target = p.target AND n.name = p.name)
		UNION ALL
		SELECT 2, n.target, format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %s %s '
		                           'EXECUTE FUNCTION herald_internal.on_change()',
		                           n.name, n.operation, n.target, n.clause)
		FROM needed AS n
		WHERE NOT EXISTS (SELECT FROM present AS p WHERE p.target = n.target AND p.name = n.name)
		ORDER BY step, target, command
	LOOP
		EXECUTE change.command;
	END LOOP;
END
$$;
COMMENT ON FUNCTION herald.sync_triggers(regclass) IS
	'gives a watched table and its partitions, including later attached ones, the triggers that its rules need, and '
	'no others';

-- Gives partitions of watched tables their triggers when they are created or attached: the command runs an event
-- trigger. With a foreign one, writes to the parent would fail otherwise.
CREATE FUNCTION herald_internal.follow_partitions() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald.sync_triggers(w.relation)
	FROM (WITH RECURSIVE above (relation) AS (
		      SELECT d.objid FROM pg_event_trigger_ddl_commands() AS d WHERE d.classid = 'pg_class'::regclass
		      UNION
		      SELECT i.inhparent FROM above AS a JOIN pg_inherits AS i ON i.inhrelid = a.relation
	      )
	      SELECT a.relation::regclass
	      FROM above AS a
	      WHERE EXISTS (SELECT FROM herald_internal.rule AS r WHERE r.relation = a.relation) AND
	            EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhparent = a.relation)) AS w;
$$;
COMMENT ON FUNCTION herald_internal.follow_partitions() IS
	'gives partitions that a command creates or attaches the triggers that they need';

-- Raises an error if the arguments of a rule do not fit together.
CREATE FUNCTION herald_internal.check_rule(rule text, operations text[], recipient text, event text, room text,
                                           retract text, recheck text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF coalesce(cardinality(operations), 0) = 0 OR NOT operations <@ '{insert,update,delete}' THEN
		RAISE EXCEPTION 'rule "%" has invalid operations %', rule, coalesce(operations::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass some of insert, update and delete as "operations".';
	END IF;
	IF recipient IS NULL AND event IS NULL AND coalesce(retract, '') = '' AND recheck IS NULL THEN
		RAISE EXCEPTION 'rule "%" neither notifies, publishes nor rechecks', rule
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Pass recipient => for a notification, event => and room => for an event, or recheck_user => or '
				       'recheck_room => for a change of access.';
	END IF;
	IF (event IS NULL) <> (room IS NULL) THEN
		RAISE EXCEPTION 'rule "%" has an event without a room, or a room without an event', rule
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Pass both, for example event => ''order:shipped'', room => ''order:{id}''.';
	END IF;
END
$$;

-- Raises an error if the rule names the room of every session and the table's owner is no administrator. Rooms that a
-- template makes of a row are checked when the rule runs.
CREATE FUNCTION herald_internal.check_broadcast(relation regclass, room text) RETURNS void
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	owner regrole := (SELECT c.relowner FROM pg_class AS c WHERE c.oid = relation);
BEGIN
	IF '*' IN (SELECT herald_internal.split_templates(room)) AND NOT pg_has_role(owner, 'herald_admin', 'MEMBER') THEN
		RAISE EXCEPTION 'role % may not publish to room "*"', owner
			USING ERRCODE = 'insufficient_privilege',
			      HINT = format('Rules of tables that a member of herald_admin owns may: GRANT herald_admin TO %s;',
			                    owner);
	END IF;
END
$$;

-- Returns the operations that can make a change: an UPDATE can also insert or delete a row, by its state or its key.
CREATE FUNCTION herald_internal.statement_operations(change text, active text, key text[]) RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT change UNION SELECT 'update' WHERE active IS NOT NULL OR key IS NOT NULL;
$$;

-- The form of herald.watch() that the calls for social tables use. "operations" are changes of rows, as in the public
-- form. The further arguments are:
--
-- retract                              the causes that are gone with a row, templates; by default "cause"
-- remains                              a condition: another row with the same cause exists
-- thread                               the thread of the notification
-- rooms                                an expression for the rooms, instead of templates
-- member, member_joins, member_leaves  a user, and the room that the user joins or leaves by the event
-- counter, counted_id, delta           a total that the event changes
-- recheck, access                      the users and rooms to recheck (compile_recheck()), before the event; an update
--                                      rechecks those of the old and the new row
-- due_id, due_at                       the id of a row that the time will change, and the time
-- through                              the rows of another table for which the rule is made (changed_rows_sql())
CREATE FUNCTION herald_internal.watch(
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
	rooms text DEFAULT NULL,
	payload text DEFAULT NULL,
	active text DEFAULT NULL,
	key text DEFAULT NULL,
	cause text DEFAULT NULL,
	retract text DEFAULT NULL,
	remains text DEFAULT NULL,
	thread text DEFAULT NULL,
	member text DEFAULT NULL,
	member_joins text DEFAULT NULL,
	member_leaves text DEFAULT NULL,
	counter int DEFAULT NULL,
	counted_id text DEFAULT NULL,
	delta int DEFAULT NULL,
	ack text DEFAULT NULL,
	recheck text DEFAULT NULL,
	access text DEFAULT 'changed',
	due_id text DEFAULT NULL,
	due_at text DEFAULT NULL,
	through text DEFAULT NULL,
	on_error text DEFAULT 'suspend',
	zone text DEFAULT 'UTC') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	subject text := coalesce(subject_type, herald_internal.subject_type(relation));
	subject_key text := coalesce(subject_id, herald_internal.id_sql('changed', herald_internal.primary_key(relation)),
	                             'NULL');
	key_columns text[] := herald_internal.parse_columns(relation, key);
	gone_causes text := coalesce(retract, CASE WHEN recipient IS NOT NULL THEN cause END, '');
	full_condition text;
	gone_condition text;
	expressions text := concat_ws(' ', condition, joins, actor, recipient, event, room, rooms, payload, title, content,
	                              data, recheck);
	actor_person herald_internal.person;
	event_list text;
	with_event boolean;
	with_row boolean;
	variant record;
BEGIN
	PERFORM herald_internal.check_watchable(relation);
	PERFORM herald_internal.check_rule(rule, operations, recipient, event, coalesce(rooms, room), retract,
	                                   coalesce(recheck, due_at)),
		herald_internal.check_event_name(event), herald_internal.check_broadcast(relation, room),
		herald_internal.check_ack(ack), herald_internal.valid_zone(zone);
	IF actor IS NOT NULL AND actor_name IS NULL THEN
		actor_person := herald_internal.person_by_id(relation, 'actor', actor);
		joins := concat_ws(E'\n', joins, actor_person.joins);
	END IF;
	event_list := herald_internal.event_sql(event, room, rooms,
		coalesce(payload, herald_internal.json_sql(herald_internal.camel_case(subject) || 'Id', subject_key,
		                                           herald_internal.camel_case(subject),
		                                           herald_internal.row_sql(relation, zone))),
		member, member_joins, member_leaves, counter, counted_id, delta, ack);
	-- Two queries cost nearly twice as much as one.
	with_event := event_list IS NOT NULL AND recheck IS NULL AND
	              coalesce(herald_internal.is_one_recipient(recipient), false);
	with_row := concat_ws(' ', expressions, event_list, remains, due_at) ~ '\mherald_row\M';
	PERFORM herald_internal.delete_rules(relation, rule);
	FOR variant IN
		SELECT c.change, o.operation,
		       herald_internal.changed_rows_sql(c.change, o.operation, active, key_columns, with_row, u.other,
		                                        through => through) AS source,
		       herald_internal.changed_rows_sql(c.change, o.operation, active, key_columns, with_row, u.other, true)
		           AS both_source,
		       herald_internal.changed_rows_sql(c.change, o.operation, CASE o.operation WHEN 'delete'
		                                        THEN herald_internal.deleted_condition(relation, active)
		                                        ELSE active END, key_columns, with_row, u.other,
		                                        through => through) AS gone_source,
		       c.change = ANY (operations) AS requested,
		       herald_internal.active_condition(o.operation, active) AS active_condition
		FROM unnest(operations || CASE WHEN gone_causes <> '' THEN '{delete}'::text[] ELSE '{}'
		            END) WITH ORDINALITY AS c (change, place)
		CROSS JOIN LATERAL herald_internal.statement_operations(c.change, active, key_columns) AS o (operation)
		CROSS JOIN LATERAL (SELECT expressions ~ CASE c.change WHEN 'delete' THEN '\mnew\.' ELSE '\mold\.' END)
			AS u (other)
		GROUP BY c.change, o.operation, u.other
		ORDER BY min(c.place), o.operation
	LOOP
		full_condition := herald_internal.and_conditions(variant.active_condition, condition);
		gone_condition := coalesce(CASE WHEN variant.requested THEN full_condition ELSE variant.active_condition END,
		                           'true');
		PERFORM herald_internal.save_rule(relation, rule, variant.change, variant.operation,
			CASE WHEN variant.requested THEN
				herald_internal.compile_notify(variant.source, full_condition, joins, cause,
					coalesce(actor, 'NULL'), coalesce(actor_name, actor_person.name, 'NULL'),
					recipient, coalesce(type, rule), subject, subject_key, thread, title, content, data,
					herald_internal.zoneless_columns(relation, false), zone,
					CASE WHEN with_event THEN event_list END) END,
			CASE WHEN variant.requested THEN
				herald_internal.union_all(
					herald_internal.compile_recheck(variant.both_source, coalesce(full_condition, 'true'), joins,
					                                recheck, access),
					herald_internal.compile_publish(variant.source, full_condition, joins,
					                                CASE WHEN NOT with_event THEN event_list END)) END,
			CASE WHEN variant.change = 'delete' AND remains IS NOT NULL
			THEN herald_internal.compile_retract(variant.gone_source, gone_condition, gone_causes) END,
			CASE WHEN variant.change = 'delete' THEN
				herald_internal.compile_retract(variant.gone_source,
				                                herald_internal.and_conditions(gone_condition, 'NOT coalesce((' ||
				                                    remains || '), false)'), gone_causes) END,
			on_error,
			CASE WHEN variant.requested THEN
				herald_internal.compile_schedule(variant.source, coalesce(full_condition, 'true'), due_id, due_at) END,
			with_event AND variant.requested);
	END LOOP;
END
$$;

-- ----- calls, for those that have to make them again

-- Saves the arguments of a call, and the name that the table has now.
CREATE FUNCTION herald_internal.save_call(relation regclass, kind text, call jsonb) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.save_watched($1, $2,
		coalesce((SELECT w.arguments FROM herald_internal.watched_table AS w
		          WHERE w.relation = $1 AND w.kind = $2), '{}') ||
		jsonb_build_object('call', jsonb_strip_nulls($3), 'table', $1::text));
$$;
-- Returns the name of a table and those of its columns, by number; NULL if it does not exist.
CREATE FUNCTION herald_internal.names_of_table("table" oid) RETURNS jsonb
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('name', c.oid::regclass, 'columns', (
		SELECT jsonb_object_agg(a.attnum, a.attname) FROM pg_attribute AS a
		WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
	FROM pg_class AS c
	WHERE c.oid = $1;
$$;

-- Returns the names that tables in the arguments of a call have now, with which the arguments follow renames.
CREATE FUNCTION herald_internal.present_names(relation regclass, arguments jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('database', herald_internal.database_tag(), 'tables', (
		SELECT jsonb_object_agg(t.found::oid, herald_internal.names_of_table(t.found))
		FROM (SELECT $1
		      UNION
		      SELECT herald_internal.saved_table(n.name #>> '{}')
		      FROM unnest('{subject_table,same_as,subject_tables.*,sender_tables.*,rooms[*].relation}'::text[]) AS place
		      CROSS JOIN LATERAL jsonb_path_query(arguments, ('lax $.' || place)::jsonpath) AS n (name)
		      UNION
		      SELECT herald_internal.saved_table(r.name)
		      FROM jsonb_object_keys(CASE jsonb_typeof(arguments -> 'reads') WHEN 'object' THEN arguments -> 'reads'
		                             ELSE '{}' END) AS r (name)) AS t (found)
		JOIN pg_class AS c ON c.oid = t.found));
$$;

-- Returns the columns of a table that have another name now than in the arguments, and those that are gone (null).
CREATE FUNCTION herald_internal.changed_names("table" regclass, arguments jsonb)
	RETURNS TABLE (old_name text, new_name text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.value, a.attname
	FROM jsonb_each_text(arguments -> 'names' -> 'tables' -> $1::oid::text -> 'columns') AS c
	LEFT JOIN pg_attribute AS a ON a.attrelid = $1 AND a.attnum::text = c.key AND NOT a.attisdropped
	WHERE a.attname IS DISTINCT FROM c.value AND
	      arguments -> 'names' ->> 'database' = herald_internal.database_tag(); -- not after a restore
$$;

-- Returns whether an argument is a condition, or an expression, over a row.
CREATE FUNCTION herald_internal.is_condition(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT name IN ('present', 'active', 'visible', 'in_feed', 'published_when', 'published_time',
	                'held_before');
$$;

-- Returns the arguments with marks in their conditions.
CREATE FUNCTION herald_internal.marked_conditions(relation regclass, arguments jsonb) RETURNS jsonb
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT arguments || coalesce(jsonb_object_agg(a.key, herald_internal.mark_names($1, 'SELECT (', a.value,
		format(') FROM %s AS post%s', $1, CASE a.key WHEN 'visible'
		       THEN ' CROSS JOIN (SELECT NULL::text) AS session (viewer)' ELSE '' END))), '{}')
	FROM jsonb_each_text(arguments) AS a
	WHERE herald_internal.is_condition(a.key);
$$;

-- Returns the rows that the expressions of herald.watch() are about, for checks of their names.
CREATE FUNCTION herald_internal.rule_rows_sql(relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('FROM %1$s AS new CROSS JOIN %1$s AS old CROSS JOIN %1$s AS changed ', format(
		'(SELECT t.*, NULL::bigint AS herald_ord, NULL::json AS herald_row FROM %s AS t)', $1));
$$;

-- Returns a call of herald.watch() with marks in its expressions: the call follows renames of other tables, too.
CREATE FUNCTION herald_internal.marked_rule_call(relation regclass, call jsonb) RETURNS jsonb
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT call || coalesce(jsonb_object_agg(e.name, CASE e.name
		WHEN 'joins' THEN herald_internal.mark_names($1, 'SELECT ' || r.rows, call ->> e.name, '')
		ELSE herald_internal.mark_names($1, 'SELECT (', call ->> e.name,
			concat_ws(' ', ')', r.rows, herald_internal.plain_sql(call ->> 'joins'))) END), '{}')
	FROM herald_internal.rule_rows_sql($1) AS r (rows)
	CROSS JOIN unnest('{joins,actor,recipient,condition,data,payload}'::text[]) AS e (name)
	WHERE call ->> e.name IS NOT NULL;
$$;

-- Returns rooms with marks in their SQL. A table whose owner may not read the subject opens no rooms of it.
CREATE FUNCTION herald_internal.marked_rooms(relation regclass, rooms jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (
		SELECT jsonb_agg(o.room || coalesce((
			SELECT jsonb_object_agg(part, herald_internal.mark_names($1, 'SELECT (', o.room ->> part,
				format(') FROM %s AS %I CROSS JOIN (SELECT NULL::text) AS session (viewer)',
				       herald_internal.saved_table(o.room ->> 'relation'), o.room ->> 'prefix')))
			FROM unnest('{access,keys}'::text[]) AS part
			WHERE o.room ->> part IS NOT NULL), '{}') ORDER BY o.place)
		FROM jsonb_array_elements(rooms) WITH ORDINALITY AS o (room, place));
EXCEPTION WHEN OTHERS THEN
	RETURN rooms;
END
$$;

-- Returns whether a word is in a text.
CREATE FUNCTION herald_internal.mentions_word(value text, word text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT value ~ ('(?<!\w)' || regexp_replace(word, '(\W)', '\\\1', 'g') || '(?!\w)');
$$;

-- Returns an argument with the new name of a column: of columns, of an expression or of a template.
CREATE FUNCTION herald_internal.rename_in(value text, style text, old_name text, new_name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE style
		WHEN 'columns' THEN (SELECT string_agg(CASE name WHEN old_name THEN new_name ELSE name END, ',' ORDER BY place)
		                     FROM regexp_split_to_table(value, '\s*,\s*') WITH ORDINALITY AS c (name, place))
		WHEN 'expression' THEN (SELECT string_agg(coalesce(p.part[1],
		                            regexp_replace(p.part[2], '"?(?<!\w)' || o.pattern || '(?!\w)"?',
		                                           replace(quote_ident(new_name), '\', '\\'), 'g')), ''
		                            ORDER BY p.place)
		                        FROM regexp_matches(value, '(''[^'']*'')|([^'']+)', 'g') WITH ORDINALITY
		                            AS p (part, place))
		WHEN 'template' THEN regexp_replace(value, '\{((?:new|old|changed)\.)?' || o.pattern || '(?=[:}])',
		                                    '{\1' || replace(new_name, '\', '\\'), 'g')
		ELSE value END
	FROM regexp_replace(old_name, '(\W)', '\\\1', 'g') AS o (pattern);
$$;

-- Returns how a parameter of a call names columns; NULL: not at all.
CREATE FUNCTION herald_internal.parameter_style(kind text, name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN name IN ('visible', 'in_feed', 'active', 'condition', 'joins', 'recipient', 'data', 'payload') OR
		     kind LIKE 'rule %' AND name = 'actor' THEN 'expression'
		WHEN name IN ('title', 'content', 'event', 'room', 'cause', 'recheck_user', 'recheck_room') OR
		     kind LIKE 'rule %' AND name = 'subject' THEN 'template'
		WHEN name IN ('key', 'author', 'subject', 'parent', 'body', 'name', 'handle', 'notifications_enabled', 'actor',
		              'follower', 'followee', 'conversation', 'member', 'sender', 'receiver', 'writable', 'blocker',
		              'blocked', 'deleted_at', 'left_at', 'status', 'last_read', 'muted', 'published_at', 'ignore',
		              'published_columns', 'subject_type', 'sender_type', 'payload_columns', 'kind') THEN 'columns'
	END;
$$;

-- Returns the saved columns of a parameter; NULL without any.
CREATE FUNCTION herald_internal.saved_columns(arguments jsonb, kind text, name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN herald_internal.parameter_style(kind, name) <> 'columns' THEN NULL
		WHEN jsonb_typeof(arguments -> name) = 'array'
		THEN (SELECT nullif(string_agg(c, ',' ORDER BY place), '')
		      FROM jsonb_array_elements_text(arguments -> name) WITH ORDINALITY AS v (c, place))
		WHEN name IN ('status', 'last_read') THEN btrim(arguments ->> name, '"')
		ELSE arguments ->> name END;
$$;

-- Returns the call that watches a table as it was watched, or makes the rule of a name again: with all arguments, with
-- the columns that it found, and with their present names. NULL if no call is saved. "target": the call for another
-- table with these columns. A saved call may contain anything: each value is quoted unless it is a number or a boolean.
-- A dropped column is left out: the call finds its successor, or asks for it. One by which rows did not count stays, so
-- that the call fails: without it, rows would count that did not.
CREATE FUNCTION herald_internal.watch_call(relation regclass, kind text, target regclass DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	saved jsonb := (SELECT CASE WHEN target IS NULL
	                       THEN herald_internal.followed_arguments(w.relation, w.kind, w.arguments) ELSE w.arguments END
	                FROM herald_internal.watched_table AS w
	                WHERE w.relation = watch_call.relation AND w.kind = watch_call.kind);
	gone text[] := ARRAY(SELECT n.old_name FROM herald_internal.changed_names(relation, saved) AS n
	                     WHERE target IS NULL AND n.new_name IS NULL);
	function text := CASE WHEN kind LIKE 'rule %' THEN 'watch' ELSE 'watch_' || kind END;
	passed text := quote_literal(coalesce(target, relation)::text);
	parameter record;
	value text;
BEGIN
	IF saved -> 'call' IS NULL THEN
		RETURN NULL;
	END IF;
	FOR parameter IN
		SELECT a.name, format_type(t.type, -1) AS type, herald_internal.parameter_style(kind, a.name) AS style,
		       pg_get_function_arg_default(p.oid, a.place::int) AS default_value
		FROM pg_proc AS p
		CROSS JOIN LATERAL unnest(p.proargnames) WITH ORDINALITY AS a (name, place)
		CROSS JOIN LATERAL unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (type, place)
		WHERE p.pronamespace = 'herald'::regnamespace AND p.proname = function AND t.place = a.place AND a.place > 1
		ORDER BY a.place
	LOOP
		value := CASE WHEN parameter.type = 'text[]'
		         THEN (SELECT array_agg(e.value ORDER BY e.place) FILTER (WHERE e.value <> ALL (gone) OR
		                                                                     parameter.style IS DISTINCT FROM 'columns')
		               FROM jsonb_array_elements_text(CASE jsonb_typeof(saved -> 'call' -> parameter.name) WHEN 'array'
		                                              THEN saved -> 'call' -> parameter.name END)
		                   WITH ORDINALITY AS e (value, place))::text
		         ELSE coalesce(herald_internal.saved_columns(saved, kind, parameter.name),
		                       CASE WHEN parameter.name = 'noun' OR saved -> 'call' ? parameter.name AND
		                                 parameter.name IN ('subject_table', 'same_as')
		                       THEN saved ->> parameter.name END,
		                       CASE WHEN parameter.name IN ('visible', 'in_feed') AND kind = 'posts'
		                       THEN herald_internal.given_condition(saved ->> parameter.name) END,
		                       herald_internal.plain_sql(saved -> 'call' ->> parameter.name)) END;
		IF parameter.name IN ('subject_table', 'same_as') AND
		   (herald_internal.saved_table(value) IS NULL OR
		    EXISTS (SELECT FROM herald_internal.watched_table AS w
		            WHERE w.relation = herald_internal.saved_table(value) AND
		                  herald_internal.saved_table(w.arguments ->> 'table') <> w.relation)) THEN
			value := NULL; -- it is gone, or made anew: the call finds its successor by the foreign key
		END IF;
		IF parameter.style = 'columns' AND value = ANY (gone) AND
		   parameter.name NOT IN ('status', 'deleted_at', 'left_at', 'published_at', 'notifications_enabled', 'muted',
		                          'subject_type', 'sender_type') THEN
			value := NULL;
		END IF;
		CONTINUE WHEN value IS NULL OR quote_literal(value) || '::' || parameter.type = parameter.default_value OR
		              value = parameter.default_value;
		passed := format('%s, %I => %s', passed, parameter.name, CASE
			WHEN parameter.type IN ('boolean', 'integer') AND value ~ '^(true|false|-?[0-9]+)$' THEN value
			ELSE quote_literal(value) END);
	END LOOP;
	RETURN format('SELECT herald.%I(%s);', function, passed);
END
$$;
COMMENT ON FUNCTION herald_internal.watch_call(regclass, text, regclass) IS
	'returns the call that makes the rules of a table, or one of them, again as they were, or those of another table';

-- Returns the watched tables whose name another table of their owner has, and which is not watched in their place: a
-- migration has made it anew. The old table may be gone.
CREATE FUNCTION herald_internal.successors() RETURNS TABLE (relation regclass, kind text, successor regclass)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT w.relation, w.kind, k.oid::regclass
	FROM herald_internal.watched_table AS w
	JOIN pg_class AS k ON k.oid = herald_internal.saved_table(w.arguments ->> 'table') AND
	                      k.relkind IN ('r', 'p') AND k.relowner::regrole::text = w.arguments ->> 'table_owner'
	WHERE k.oid <> w.relation AND w.arguments ? 'call' AND
	      NOT EXISTS (SELECT FROM herald_internal.watched_table AS o WHERE o.relation = k.oid AND o.kind = w.kind);
$$;

-- The subject is a template: the literal before the colon is the type, the rest is the id. A recheck is left out if its
-- template meets a null: it would be one of all users, or of all rooms.
CREATE FUNCTION herald.watch(
	relation regclass,
	rule text,
	operations text[] DEFAULT '{insert}',
	condition text DEFAULT 'true',
	joins text DEFAULT NULL,
	actor text DEFAULT NULL,
	recipient text DEFAULT NULL,
	type text DEFAULT NULL,
	subject text DEFAULT NULL,
	title text DEFAULT NULL,
	content text DEFAULT NULL,
	data text DEFAULT $$'{}'$$,
	event text DEFAULT NULL,
	room text DEFAULT NULL,
	payload text DEFAULT NULL,
	active text DEFAULT NULL,
	key text DEFAULT NULL,
	cause text DEFAULT NULL,
	ack text DEFAULT NULL,
	recheck_user text DEFAULT NULL,
	recheck_room text DEFAULT NULL,
	on_error text DEFAULT 'suspend',
	zone text DEFAULT 'UTC',
	schemas text[] DEFAULT pg_catalog.current_schemas(false)) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	call jsonb := herald_internal.checked_call('watch', relation, jsonb_build_object(
		'rule', rule, 'operations', operations, 'condition', condition, 'joins', joins, 'actor', actor,
		'recipient', recipient, 'type', type, 'subject', subject, 'title', title, 'content', content,
		'data', data, 'event', event, 'room', room, 'payload', payload, 'active', active, 'key', key,
		'cause', cause, 'ack', ack, 'recheck_user', recheck_user, 'recheck_room', recheck_room,
		'on_error', on_error, 'zone', zone, 'schemas', schemas));
	source text;
	resolved jsonb;
	parts text[] := regexp_match(subject, '^([^:{}]+):(.+)$');
	rechecked text[] := ARRAY[herald_internal.compile_template(recheck_user),
	                          herald_internal.compile_template(recheck_room)];
BEGIN
	IF event IS NOT NULL AND payload IS NULL THEN
		PERFORM herald_internal.check_published(relation, NULL, 'payload');
	END IF;
	IF subject IS NOT NULL AND parts IS NULL THEN
		RAISE EXCEPTION 'rule "%" has an invalid subject "%"', rule, subject
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = 'Pass a type, a colon and the template of an id as "subject", for example ticket:{ticket_id}.';
	END IF;
	source := herald_internal.rule_rows_sql(relation);
	joins := herald_internal.resolve_names(relation, schemas, 'joins', 'SELECT ' || source, joins, '');
	source := concat_ws(E'\n', source, joins);
	actor := herald_internal.resolve_names(relation, schemas, 'actor', 'SELECT (', actor, ')::text ' || source);
	IF actor IS NOT NULL THEN
		source := concat_ws(E'\n', source,
		                    (herald_internal.person_by_id(relation, 'actor', actor)).joins);
	END IF;
	condition := herald_internal.resolve_names(
		relation, schemas, 'condition', 'SELECT ' || source || ' WHERE (', condition, ')');
	recipient := herald_internal.resolve_names(relation, schemas, 'recipient', 'SELECT (', recipient,
	                                           ')::text ' || source);
	data := herald_internal.resolve_names(relation, schemas, 'data', 'SELECT (', data, ')::jsonb ' || source);
	payload := herald_internal.resolve_names(relation, schemas, 'payload', 'SELECT (', payload, ')::json ' || source);
	resolved := jsonb_strip_nulls(jsonb_build_object('joins', joins, 'actor', actor, 'recipient', recipient,
	                                                 'condition', condition, 'data', data, 'payload', payload));
	condition := herald_internal.with_whole_rows(relation, condition);
	data := herald_internal.with_whole_rows(relation, data);
	payload := herald_internal.with_whole_rows(relation, payload);
	active := herald_internal.resolve_active(relation, active, schemas);
	PERFORM herald_internal.watch(relation, rule, operations, condition, joins,
		actor => actor, recipient => recipient, type => type,
		subject_type => parts[1], subject_id => herald_internal.compile_template(parts[2]),
		title => title, content => content, data => data, event => event, room => room, payload => payload,
		active => active, key => key, cause => cause, ack => ack, on_error => on_error, zone => zone,
		recheck => (SELECT format('SELECT %s, %s WHERE %s', coalesce(rechecked[1], 'NULL'),
		                          coalesce(rechecked[2], 'NULL'), string_agg(r || ' IS NOT NULL', ' AND '))
		            FROM unnest(rechecked) AS r
		            WHERE r IS NOT NULL
		            HAVING count(*) > 0));
	PERFORM herald.sync_triggers(relation);
	BEGIN
		call := herald_internal.marked_rule_call(relation, call || resolved);
	EXCEPTION WHEN OTHERS THEN
		NULL; -- an expression reads the joined row of the actor
	END;
	PERFORM herald_internal.save_call(relation, 'rule ' || rule, call);
	PERFORM herald_internal.check_user_ids(relation);
END
$$;
COMMENT ON FUNCTION herald.watch(regclass, text, text[], text, text, text, text, text, text, text, text, text, text,
	text, text, text, text, text, text, text, text, text, text, text[]) IS
	'creates or replaces a rule of a table: the notifications, the event and the recheck of a change of its rows; '
	'names in expressions are resolved in "schemas", by default the search path of the caller';

CREATE FUNCTION herald.unwatch(relation regclass, rule text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	subjects regclass[];
	dependents regclass[];
BEGIN
	IF rule IS NOT NULL THEN
		IF herald_internal.delete_rules(relation, rule) = 0 THEN
			RAISE NOTICE 'table % has no rule "%"', relation, rule
				USING HINT = 'The view herald.watched lists all rules.';
		END IF;
		PERFORM herald.sync_triggers(relation);
		RETURN;
	END IF;
	subjects := ARRAY(SELECT s FROM herald_internal.opened_posts(relation) AS s);
	dependents := herald_internal.dependent_tables(relation, ARRAY(
		SELECT w.kind FROM herald_internal.watched_table AS w WHERE w.relation = unwatch.relation));
	PERFORM herald_internal.forget_table(relation);
	PERFORM herald.sync_triggers(relation);
	PERFORM herald_internal.sync_subject_access(s), herald_internal.compile_openings(s) FROM unnest(subjects) AS s;
	PERFORM herald_internal.recompile_others(relation, dependents);
END
$$;
COMMENT ON FUNCTION herald.unwatch(regclass, text) IS
	'removes all rules of a table and leaves it as it was before it was watched, or removes one of its rules';

CREATE FUNCTION herald.unwatch_all() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	watched regclass;
BEGIN
	FOR watched IN
		SELECT w.relation FROM herald_internal.watched_table AS w
		UNION SELECT r.relation FROM herald_internal.rule AS r
		UNION SELECT t.tgrelid FROM pg_trigger AS t WHERE t.tgfoid = 'herald_internal.on_change()'::regprocedure
	LOOP
		PERFORM herald_internal.forget_table(watched);
		PERFORM herald.sync_triggers(watched);
	END LOOP;
END
$$;
COMMENT ON FUNCTION herald.unwatch_all() IS 'unwatches every table, as before DROP EXTENSION';

CREATE VIEW herald.watched WITH (security_barrier) AS
	SELECT r.relation, r.name AS rule, r.change::text, r.operation::text, r.on_error::text,
	       herald_internal.plain_sql(r.notify) AS notify, herald_internal.plain_sql(r.publish) AS publish,
	       herald_internal.plain_sql(r.lock) AS lock, herald_internal.plain_sql(r.retract) AS retract,
	       herald_internal.plain_sql(r.schedule) AS schedule
	FROM herald_internal.rule AS r
	WHERE herald_internal.check_reader('watched');
COMMENT ON VIEW herald.watched IS 'the rules of each watched table, with the SQL that they compiled to';
COMMENT ON COLUMN herald.watched.relation IS 'the table';
COMMENT ON COLUMN herald.watched.rule IS 'the name of the rule';
COMMENT ON COLUMN herald.watched.change IS 'the change of the row: insert, update or delete';
COMMENT ON COLUMN herald.watched.operation IS
	'the statement that makes the change; an UPDATE may make any of the three';
COMMENT ON COLUMN herald.watched.on_error IS
	'whether a write fails with the rule (abort) or passes (suspend, warn)';
COMMENT ON COLUMN herald.watched.notify IS
	'the SELECT of the candidates, which may have an event beside each; null without notifications';
COMMENT ON COLUMN herald.watched.publish IS 'the SELECT of the events; null without any, or if "notify" has them';
COMMENT ON COLUMN herald.watched.lock IS
	'the SELECT of the causes to lock before "retract" runs; null if no other row can have these causes';
COMMENT ON COLUMN herald.watched.retract IS 'the SELECT of the causes that go; null if none do';
COMMENT ON COLUMN herald.watched.schedule IS
	'the SELECT of the rows that the time will change: that are published, or end; null if it changes none';

CREATE VIEW herald.suspended WITH (security_barrier) AS
	SELECT r.relation, r.rule, min(s.since) AS since, min(s.sqlstate) AS sqlstate, min(s.message) AS message,
	       coalesce((SELECT sum(m.changes) FROM herald.missed_change AS m
	                 WHERE m.relation = r.relation AND m.rule = r.rule), 0)::bigint AS missed
	FROM herald_internal.suspension AS s
	CROSS JOIN LATERAL (SELECT r.relation, r.name FROM herald_internal.rule AS r WHERE r.id = s.rule
	                    UNION ALL
	                    SELECT s.blocks, 'blocks' WHERE s.blocks IS NOT NULL) AS r (relation, rule)
	WHERE herald_internal.check_reader('suspended')
	GROUP BY r.relation, r.rule;
COMMENT ON VIEW herald.suspended IS
	'the rules that do not fit the schema: writes pass without them until the schema, or the rule, is mended; blocks: '
	'the table cannot be asked for blocks, and notifications between users are held back';
COMMENT ON COLUMN herald.suspended.relation IS 'the table';
COMMENT ON COLUMN herald.suspended.rule IS 'the name of the rule, or blocks';
COMMENT ON COLUMN herald.suspended.since IS 'the start of the transaction that met the error first';
COMMENT ON COLUMN herald.suspended.sqlstate IS 'the SQLSTATE of the error';
COMMENT ON COLUMN herald.suspended.message IS 'the message of the error';
COMMENT ON COLUMN herald.suspended.missed IS
	'how many changed rows the rule has missed, or how many notifications were held back: herald.missed_change';
