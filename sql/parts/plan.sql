-- ---------------------------------------------------------------------------
-- Plans: the effects that a call would have, and suggestions of calls
--
-- herald.plan_watch() makes a call in a subtransaction, and reads the saved
-- arguments and the compiled rules. It runs their SELECTs over rows of the table,
-- as its owner, and rolls the subtransaction back. herald.suggest() makes the
-- calls for all tables with names that it knows, in the same way.
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald_internal.dry_run(statement text, search_path text)
	RETURNS TABLE (severity text, message text, detail text, hint text)
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_dry_run';
COMMENT ON FUNCTION herald_internal.dry_run(text, text) IS
	'runs a statement, without making triggers of watched tables, and returns its notices and warnings';

CREATE FUNCTION herald_internal.is_dry_run() RETURNS boolean
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'herald_is_dry_run';
COMMENT ON FUNCTION herald_internal.is_dry_run() IS 'returns whether a statement of a dry run runs';

CREATE FUNCTION herald_internal.query_as_owner(relation regclass, query text) RETURNS jsonb
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_query_as_owner';
COMMENT ON FUNCTION herald_internal.query_as_owner(regclass, text) IS
	'returns the value of a query that runs as the owner of a table; the caller must be a member of that role';

-- ----- the call

-- Returns the SQL of a value, as an argument of that type. It names no type: the caller's search path would resolve it.
CREATE FUNCTION herald_internal.argument_sql(value jsonb, type regtype) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT quote_literal(CASE
		WHEN type = 'jsonb'::regtype THEN value::text
		WHEN jsonb_typeof(value) = 'array' THEN (SELECT array_agg(e)::text FROM jsonb_array_elements_text(value) AS e)
		ELSE value #>> '{}' END);
$$;

-- Returns the statement that makes a call. Raises an error if no watch call has that name, or no such arguments.
CREATE FUNCTION herald_internal.call_sql(call text, relation regclass, arguments jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known text[];
	types oid[];
	wrong text;
BEGIN
	SELECT p.proargnames, p.proargtypes INTO known, types
	FROM pg_proc AS p
	WHERE p.pronamespace = 'herald'::regnamespace AND p.proname = call AND p.proname ~ '^watch(_|$)';
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no call "%"', coalesce(call, 'null')
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = format('Pass one of these as "call": %s.',
			                    (SELECT string_agg(p.proname, ', ' ORDER BY p.proname) FROM pg_proc AS p
			                     WHERE p.pronamespace = 'herald'::regnamespace AND p.proname ~ '^watch(_|$)'));
	ELSIF jsonb_typeof(arguments) <> 'object' THEN
		RAISE EXCEPTION '"arguments" cannot be %', arguments
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = 'Pass an object, as in: arguments => ''{"ignore": ["score"]}''.';
	END IF;
	SELECT a INTO wrong FROM jsonb_object_keys(arguments) AS a WHERE a <> ALL (known[2:]) LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'herald.%() has no argument "%"', call, wrong
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = format('Its arguments are %s.', array_to_string(known[2:], ', '));
	END IF;
	RETURN format('SELECT herald.%I(%L%s)', call, relation::text,
	              (SELECT string_agg(format(', %I => %s', k.name, herald_internal.argument_sql(
	                                 arguments -> k.name, types[k.place - 1]::regtype)), '')
	               FROM unnest(known) WITH ORDINALITY AS k (name, place)
	               WHERE jsonb_typeof(arguments -> k.name) <> 'null'));
END
$$;

-- ----- the sample

-- Returns a row with values in these columns, as JSON: numbers, or texts that name the column.
CREATE FUNCTION herald_internal.made_up_row(relation regclass, columns text[]) RETURNS jsonb
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_object_agg(a.attname, CASE
		WHEN t.typcategory = 'N' THEN a.attnum::text
		WHEN t.oid = 'uuid'::regtype THEN lpad(a.attnum::text, 32, '0')
		ELSE a.attname END)
	FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
	WHERE a.attrelid = $1 AND a.attname = ANY ($2) AND (t.typcategory IN ('N', 'S') OR t.oid = 'uuid'::regtype);
$$;

-- The rows for which rules are tried: some that the table has or, if it has none, a made-up one with these columns.
CREATE TYPE herald_internal.sample AS (rows text, made_up boolean);

CREATE FUNCTION herald_internal.sample_of(relation regclass, columns text[]) RETURNS herald_internal.sample
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN empty THEN format('SELECT made.* FROM jsonb_populate_record(NULL::%s, %L) AS made', relation,
	                                   coalesce(herald_internal.made_up_row(relation, columns), '{}'))
	       ELSE format('SELECT t.* FROM %s AS t LIMIT 20', relation) END, empty
	FROM (SELECT herald_internal.query_as_owner(relation, format('SELECT to_jsonb(NOT EXISTS (SELECT FROM %s))',
	                                                             relation))::boolean AS empty) AS t;
$$;

-- Returns the title that a notification of a type has, if its rule gives none.
CREATE FUNCTION herald_internal.type_title(type text, actor_name text, subject_type text, content text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT herald_internal.render_template(t.title, actor_name, subject_type, content)
	                 FROM herald.notification_type AS t WHERE t.name = type_title.type), type_title.type);
$$;
COMMENT ON FUNCTION herald_internal.type_title(text, text, text, text) IS
	'returns the title of a notification of a type, without a title of its rule';

-- Returns the first row that a SELECT of a rule returns for the sample, or {"error": message}; NULL without one. The
-- sample of an UPDATE are rows that it writes and leaves as they are: they count as changed.
CREATE FUNCTION herald_internal.sample_result(rule herald_internal.rule, query text, condition text,
                                              sample herald_internal.sample) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN herald_internal.query_as_owner(rule.relation,
		format(E'WITH %s\nSELECT to_jsonb(q) FROM (%s) AS q WHERE %s LIMIT 1',
		       format(CASE rule.operation
		              WHEN 'insert' THEN 'herald_new AS (%s)'
		              WHEN 'delete' THEN 'herald_old AS (%s)'
		              ELSE 'herald_old AS MATERIALIZED (%s), herald_new AS (SELECT * FROM herald_old)' END,
		              sample.rows),
		       replace(query, 'new.herald_row::text <> old.herald_row::text', 'true'), condition));
EXCEPTION WHEN OTHERS THEN
	RETURN CASE WHEN NOT sample.made_up THEN jsonb_build_object('error', SQLERRM) END;
END
$$;

-- ----- the plan

CREATE TYPE herald_internal.planned AS (item text, name text, value text, reason text);
COMMENT ON TYPE herald_internal.planned IS 'a row of a plan';

-- Returns the roles of a kind of table, with the columns that a call has found or was given.
CREATE FUNCTION herald_internal.planned_columns(relation regclass, kind text, given jsonb)
	RETURNS SETOF herald_internal.planned
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'column', r.role, coalesce(r.columns, 'none'), CASE
		WHEN r.columns IS NULL THEN 'no column has such a name'
		WHEN given ? r.role THEN 'by argument'
		WHEN f.target IS NOT NULL THEN format('by name, and by the foreign key to %s', f.target)
		WHEN r.role = 'subject_table' THEN 'by the foreign key of the subject, or the only posts'
		ELSE 'by name' END
	FROM herald_internal.watched_table AS w
	CROSS JOIN herald_internal.found_roles(w.kind, w.arguments) AS r
	LEFT JOIN LATERAL (SELECT f.target FROM herald_internal.foreign_keys(planned_columns.relation) AS f
	                   WHERE array_to_string(f.columns, ', ') = r.columns LIMIT 1) AS f ON true
	WHERE w.relation = planned_columns.relation AND w.kind = planned_columns.kind
	ORDER BY r.place;
$$;

-- Returns the noun of the rows of a table of posts or of comments.
CREATE FUNCTION herald_internal.planned_noun(relation regclass, kind text, given jsonb)
	RETURNS SETOF herald_internal.planned
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'noun', n.noun, format('%s:ID', n.noun), CASE
		WHEN given ->> 'noun' IS NOT NULL THEN 'by argument'
		WHEN n.noun = herald_internal.usual_noun($2) THEN 'the usual one' ELSE 'another table has the usual one' END
	FROM herald_internal.watched_table AS w
	CROSS JOIN LATERAL (SELECT coalesce(w.arguments ->> 'noun', herald_internal.usual_noun($2))) AS n (noun)
	WHERE w.relation = $1 AND w.kind = $2 AND $2 IN ('posts', 'comments');
$$;

-- Returns the names of the events that a query makes: the values of a placeholder, if the query lists them.
CREATE FUNCTION herald_internal.event_names(name text, query text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH listed AS (
		SELECT regexp_replace(name, '\{[^}]*\}', m[1]) AS name
		FROM (SELECT substring(name FROM '\{(?:\w+\.)?(\w+)\}')) AS p (field)
		CROSS JOIN LATERAL regexp_matches(
			coalesce(substring(query FROM format('SELECT ((?:CASE (?:(?!CASE).)* END)|''\w+'') AS %s,', p.field)),
			         substring(query FROM format('\m%s::text IN \(([^)]*)\)', p.field))), '''(\w+)''', 'g') AS m
	)
	SELECT l.name FROM listed AS l
	UNION ALL
	SELECT $1 WHERE NOT EXISTS (SELECT FROM listed);
$$;

-- Returns the rooms of the events of a query, in the form of templates: user:{author_id}. ID stands for anything but
-- columns of the changed row.
CREATE FUNCTION herald_internal.room_templates(query text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH room AS (
		SELECT m.part[1] || coalesce(nullif(regexp_replace(replace(m.part[2], ' || '','' || ', ','),
		           $re$(?: \|\| )?(?:changed|new|old)\.("(?:[^"]|"")+"|[\w$]+)::text$re$, '{\1}', 'g'), ''), 'ID')
		           AS template, m.place
		FROM (SELECT coalesce(substring($1 FROM '(?:^\(?SELECT|,\n) +(ARRAY\[.*?) AS rooms, '),
		                      substring($1 FROM 'unnest\((ARRAY\[.*?\])::text\[\]\) AS room'))) AS r (rooms)
		CROSS JOIN regexp_matches(r.rooms, $re$'([a-z][a-z0-9_]*:)'((?: \|\| (?:','|(?:changed|new|old)\.$re$ ||
		                                   $re$(?:"(?:[^"]|"")+"|[\w$]+)::text(?!\w)))*)(?= \|\||[],]| FROM )$re$, 'g')
			WITH ORDINALITY AS m (part, place)
	)
	SELECT string_agg(r.template, ', ' ORDER BY r.place)
	FROM (SELECT r.template, min(r.place) AS place FROM room AS r GROUP BY 1) AS r;
$$;

-- Returns the effects of a rule for the sample. Names and rooms that no row of the sample shows are those in the SQL of
-- the rule.
CREATE FUNCTION herald_internal.planned_rule(rule herald_internal.rule, sample herald_internal.sample)
	RETURNS SETOF herald_internal.planned
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH part AS (
		SELECT p.*, e.plain
		FROM (SELECT CASE WHEN rule.with_event THEN rule.notify ELSE rule.publish END) AS q (query),
		LATERAL (SELECT q.query, herald_internal.plain_sql(q.query)) AS e (query, plain),
		LATERAL (VALUES
		('notification', substring(rule.notify FROM $re$'([^']+)' AS type$re$), rule.notify,
		 'recipient_id IS NOT NULL AND recipient_id <> actor_id IS NOT FALSE'),
		('event', array_to_string(regexp_match(e.plain, $re$(?:\(([^()]+)\)::text|('[^']*')) AS name,$re$), ''),
		 e.query, 'access IS NULL')) AS p (item, name, query, condition)
	), tried AS (
		SELECT p.item, n.name, p.plain, r.found,
		       r.found ->> CASE p.item WHEN 'event' THEN 'name' ELSE 'type' END AS shown
		FROM part AS p
		CROSS JOIN LATERAL herald_internal.sample_result(rule, p.query, p.condition, sample) AS r (found)
		CROSS JOIN LATERAL btrim(regexp_replace(p.name, $re$' \|\| ([\w.]+)::text$re$, '{\1}', 'g'), '''')
			AS n (name)
		WHERE p.name IS NOT NULL
	)
	SELECT t.item, coalesce(e.name, t.shown, t.name), CASE
	           WHEN t.item = 'notification'
	           THEN 'to ' || (t.found ->> 'recipient_id') || ': ' ||
	                coalesce(t.found ->> 'title',
	                         herald_internal.type_title(t.found ->> 'type', t.found ->> 'actor_name',
	                                                    t.found ->> 'subject_type', t.found ->> 'content'))
	           WHEN e.readers IS NOT NULL THEN 'user:ID'
	           WHEN NOT sample.made_up AND coalesce(e.name = t.shown, true) AND t.found IS NOT NULL
	           THEN (SELECT string_agg(r, ', ') FROM jsonb_array_elements_text(t.found -> 'rooms') AS r)
	           ELSE herald_internal.room_templates(t.plain) END,
	       concat_ws(', ', format('rule %s: %s a row', rule.name, rule.change), e.readers)
	FROM tried AS t
	LEFT JOIN LATERAL (
		SELECT n.name, CASE WHEN rule.name = 'post_update' THEN CASE substring(n.name FROM '\w+$')
		           WHEN 'created' THEN 'for followers that see it only now'
		           WHEN 'deleted' THEN 'for followers that do not see it any more' END END AS readers
		FROM herald_internal.event_names(t.name, t.plain) AS n (name)
		WHERE t.item = 'event' AND (n.name <> t.name OR t.shown IS NULL)) AS e ON true
	UNION ALL
	SELECT 'warning', t.name, format('rule %s fails for rows of the table: %s', rule.name, t.found ->> 'error'), NULL
	FROM tried AS t
	WHERE t.found ? 'error';
$$;

-- Returns the plan of a call that has just been tried; its rules are those after the last one before it.
CREATE FUNCTION herald_internal.planned_call(relation regclass, kind text, given jsonb, last_rule int)
	RETURNS SETOF herald_internal.planned
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	columns herald_internal.planned[] := ARRAY(SELECT c
	                                           FROM herald_internal.planned_columns(relation, kind, given) AS c);
	sample herald_internal.sample := herald_internal.sample_of(relation,
		coalesce(nullif(ARRAY(SELECT regexp_split_to_table(c.value, ', ') FROM unnest(columns) AS c), '{}'),
		         herald_internal.column_names(relation)));
BEGIN
	RETURN QUERY SELECT * FROM unnest(columns);
	RETURN QUERY SELECT * FROM herald_internal.planned_noun(relation, kind, given);
	RETURN QUERY
		SELECT p.item, p.name, p.value, p.reason
		FROM (SELECT DISTINCT ON (r.name, r.change) r FROM herald_internal.rule AS r
		      WHERE r.relation = planned_call.relation AND r.id > last_rule
		      ORDER BY r.name, r.change, r.operation <> r.change) AS d
		CROSS JOIN LATERAL herald_internal.planned_rule(d.r, sample) WITH ORDINALITY
			AS p (item, name, value, reason, place)
		ORDER BY (d.r).id, p.place;
END
$$;

-- The dry run is rolled back by an error of our own; the variables keep their values. Code of others runs in it, too:
-- the same error before the end is theirs.
CREATE FUNCTION herald_internal.plan_call(call text, relation regclass, arguments jsonb, search_path text)
	RETURNS SETOF herald_internal.planned
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	statement text := herald_internal.call_sql(call, relation, arguments);
	last_rule int := (SELECT coalesce(max(r.id), 0) FROM herald_internal.rule AS r);
	messages herald_internal.planned[];
	plan herald_internal.planned[];
BEGIN
	BEGIN
		messages := ARRAY(SELECT ROW(CASE WHEN m.severity = 'notice' AND m.hint IS NULL THEN 'note' ELSE 'warning' END,
		                             NULL, CASE m.severity WHEN 'notice' THEN m.detail ELSE m.message END, m.hint)
		                         ::herald_internal.planned
		                  FROM herald_internal.dry_run(statement, search_path) AS m);
		plan := ARRAY(SELECT p FROM herald_internal.planned_call(relation, substr(call, 7), arguments, last_rule) AS p);
		RAISE EXCEPTION USING ERRCODE = 'HD901';
	EXCEPTION WHEN SQLSTATE 'HD901' THEN
		IF plan IS NULL THEN
			RAISE;
		END IF;
	END;
	RETURN QUERY SELECT * FROM unnest(plan || messages);
END
$$;

-- Runs with the search path of its caller, as the call would.
CREATE FUNCTION herald.plan_watch(call text, relation regclass, arguments jsonb DEFAULT '{}')
	RETURNS TABLE (item text, name text, value text, reason text)
LANGUAGE sql AS $$
	SELECT p.item, p.name, p.value, p.reason
	FROM herald_internal.plan_call($1, $2, $3, pg_catalog.current_setting('search_path')) AS p;
$$;
COMMENT ON FUNCTION herald.plan_watch(text, regclass, jsonb) IS
	'returns the effects that a watch call would have, and changes nothing: columns, notifications and events with an '
	'example from a row of the table, and warnings';

-- ----- suggestions

-- Returns the kind of table that a name stands for, in the order of the calls. If other kinds of tables have that name
-- as well, "doubt" says how. "words" is the name of a table in small letters, with its last word in the singular. Rows
-- about what a user has done with a post, such as saved_post, or about its future, are neither posts nor users.
CREATE FUNCTION herald_internal.kind_of_name(words text, OUT place int, OUT kind text, OUT doubt text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT k.place, k.kind, k.doubt
	FROM (VALUES
		(7, 'members', '(conversation|chat|channel|room|dialog|thread)_?user|participant|participation', NULL),
		(7, 'members', '(conversation|chat|channel|room|dialog|thread|group|team)?(member|membership)', NULL),
		(6, 'blocks', '(blocked|muted|ignored|mute|block)_?(user|account|member|profile|person)', NULL),
		(4, 'likes', '(liked|hearted|upvoted|favou?rited|starred)_[a-z]+',
		 'Are its rows likes? The author is told of each, and everybody may see it.'),
		(0, NULL, '(saved|bookmarked|hidden|reported|flagged|viewed|read|unread|seen|shared|pinned|deleted|archived|'
		          'draft|scheduled|pending|invited|banned|tagged)_[a-z]+', NULL),
		(1, 'users', 'user|customuser|userprofile', NULL),
		(1, 'users', 'account|profile|person|people|customer', NULL),
		(2, 'posts', 'post|tweet', NULL),
		(2, 'posts', 'article|status|photo|picture|video|story|question|topic|thread|discussion|note|link|submission|'
		             'recipe|idea|blog',
		 'Are its rows posts? Without "visible" everybody may see a post.'),
		(3, 'comments', 'comment', NULL),
		(3, 'comments', 'reply|answer|remark|response|review', 'Are its rows comments?'),
		(4, 'likes', 'like|heart|clap|upvote|reaction', NULL),
		(4, 'likes', 'vote|favorite|favourite|star|post_action|interaction|kudo|applause|cheer|endorsement|bookmark|'
		             'boost|repost|rating',
		 'Are its rows likes? The author is told of each, and everybody may see it.'),
		(5, 'follows', 'follow|follower|following', NULL),
		(5, 'follows', 'friendship|friend|subscription|relationship|relation|connection|contact|match|swipe',
		 'Are its rows follows?'),
		(5, 'follow_requests', 'follow_request|follower_request|friend_request|friendship_request', NULL),
		(6, 'blocks', 'block|mute', NULL),
		(6, 'blocks', 'ignore|ban', 'Are its rows blocks of a user by another one?'),
		(8, 'messages', 'message|dm', NULL),
		(8, 'messages', 'chat_line|chat', 'Are its rows messages?')) AS k (place, kind, names, doubt)
	WHERE words ~ ('(^|_)(' || k.names || ')$')
	LIMIT 1;
$$;

-- A table that may be watched, with the reason why its call is not sure; NULL if there is none.
CREATE TYPE herald_internal.suggestion AS (relation regclass, place int, kind text, doubt text);

-- Returns whether a table named after users joins them with another table, as topic_users does: the id of a user is in
-- a column of its own, and several rows may have the same one.
CREATE FUNCTION herald_internal.joins_users(relation regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (
		SELECT FROM herald_internal.id_columns($1) AS i
		WHERE i.columns && ARRAY(SELECT c FROM unnest(herald_internal.column_names($1)) AS c
		                         WHERE herald_internal.name_words(c) ~
		                               '^(user|account|member|profile|person)_?(id|uuid)$') AND
		      NOT EXISTS (SELECT FROM pg_index AS x
		                  WHERE x.indrelid = $1 AND x.indisunique AND
		                        ARRAY(SELECT a.attname::text FROM pg_attribute AS a
		                              WHERE a.attrelid = $1 AND a.attnum = ANY (x.indkey::smallint[])) = i.columns) AND
		      NOT EXISTS (SELECT FROM pg_constraint AS r WHERE r.confrelid = $1 AND r.contype = 'f'))
	   AND EXISTS (
		SELECT FROM unnest(herald_internal.column_names($1)) AS c
		WHERE herald_internal.name_words(c) ~ '.(_id|_uuid)$' AND
		      herald_internal.name_words(c) !~ '^(user|account|member|profile|person)_?(id|uuid)$');
$$;

-- Returns whether a table named after members may have the users: other tables refer to it, and it to none.
CREATE FUNCTION herald_internal.has_users(relation regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (SELECT FROM pg_constraint AS c WHERE c.confrelid = $1 AND c.conrelid <> $1 AND c.contype = 'f') AND
	       NOT EXISTS (SELECT FROM herald_internal.foreign_keys($1)) AND
	       herald_internal.name_columns($1) IS NOT NULL;
$$;

-- Returns the tables that the caller may watch and does not yet, with names that stand for a kind: not those of the
-- system and of extensions, nor partitions and other children. Of tables with the same name in several schemas, one. As
-- soon as one table of users is watched, no other one is suggested: the calls find users by it.
CREATE FUNCTION herald_internal.suggestible_tables() RETURNS SETOF herald_internal.suggestion
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT DISTINCT ON (c.relname) c.oid, CASE WHEN j.joins THEN 7 WHEN j.users THEN 1 ELSE k.place END,
	       CASE WHEN j.joins THEN 'members' WHEN j.users THEN 'users' ELSE k.kind END, CASE
		WHEN count(*) OVER (PARTITION BY c.relname) = 1
		THEN CASE WHEN j.joins THEN 'Are its rows the members of conversations?'
		     WHEN j.users THEN 'Are its rows users? In other tables the columns of users are found by them.'
		     ELSE k.doubt END
		ELSE format('%s schemas have a table of this name. Users with the same id would share an inbox.',
		            count(*) OVER (PARTITION BY c.relname)) END
	FROM pg_class AS c
	JOIN pg_namespace AS n ON n.oid = c.relnamespace
	CROSS JOIN LATERAL herald_internal.kind_of_name(herald_internal.singular_noun(c.oid)) AS k
	CROSS JOIN LATERAL (SELECT k.kind = 'users' AND herald_internal.joins_users(c.oid),
	                           k.kind = 'members' AND herald_internal.has_users(c.oid)) AS j (joins, users)
	WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND pg_has_role(c.relowner, 'USAGE') AND
	      n.nspname NOT IN ('herald', 'herald_internal', 'information_schema') AND n.nspname !~ '^pg_' AND
	      k.kind IS NOT NULL AND
	      NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid) AND
	      NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND
	                  d.deptype = 'e') AND
	      NOT EXISTS (SELECT FROM herald_internal.watched_table AS w
	                  WHERE w.relation = c.oid OR w.kind = 'users' AND (k.kind = 'users' AND NOT j.joins OR j.users))
	ORDER BY c.relname, n.nspname;
$$;

-- Returns the table that most foreign keys of these tables refer to, if no table has the users yet: another name than
-- that of users may be theirs.
CREATE FUNCTION herald_internal.unnamed_users(named herald_internal.suggestion[])
	RETURNS SETOF herald_internal.suggestion
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT f.target, 1, 'users', 'Are its rows users? In other tables the columns of users are found by them.'
	FROM unnest(named) AS s
	CROSS JOIN LATERAL herald_internal.foreign_keys(s.relation) AS f
	WHERE f.target NOT IN (SELECT o.relation FROM unnest(named) AS o) AND
	      herald_internal.name_columns(f.target) IS NOT NULL AND
	      NOT EXISTS (SELECT FROM unnest(named) AS o WHERE o.kind = 'users') AND
	      NOT EXISTS (SELECT FROM herald_internal.watched_table AS w WHERE w.kind = 'users')
	GROUP BY f.target
	ORDER BY count(*) DESC, f.target::text
	LIMIT 1;
$$;

-- Returns the tables of other names to which likes or comments refer, watched ones or those among these tables: they
-- may be posts.
CREATE FUNCTION herald_internal.unnamed_posts(named herald_internal.suggestion[])
	RETURNS SETOF herald_internal.suggestion
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT f.target, 2, 'posts', format('Are its rows posts? %s. Without "visible" everybody may see a post.',
	                                    string_agg(DISTINCT format('The %s of table %s refer to it', s.kind,
	                                                               s.relation), '. '))
	FROM (SELECT n.relation, n.kind FROM unnest(named) AS n
	      UNION SELECT w.relation, w.kind FROM herald_internal.watched_table AS w) AS s
	CROSS JOIN LATERAL (SELECT k.target FROM herald_internal.foreign_keys(s.relation) AS k
	                    UNION
	                    SELECT herald_internal.named_table(s.relation, c)
	                    FROM unnest(herald_internal.column_names(s.relation)) AS c) AS f (target)
	WHERE s.kind IN ('likes', 'comments') AND f.target <> s.relation AND
	      f.target NOT IN (SELECT o.relation FROM unnest(named) AS o) AND
	      (herald_internal.kind_of_name(herald_internal.singular_noun(f.target))).kind IS NULL AND
	      herald_internal.is_user_table(f.target) IS NOT TRUE AND herald_internal.has_author(f.target) AND
	      NOT EXISTS (SELECT FROM herald_internal.watched_table AS w WHERE w.relation = f.target)
	GROUP BY f.target
	ORDER BY f.target::text;
$$;

-- Returns the tables of other names that refer to users and to the conversations of the messages among these tables, if
-- none of them has members: they may be those.
CREATE FUNCTION herald_internal.unnamed_members(named herald_internal.suggestion[])
	RETURNS SETOF herald_internal.suggestion
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT DISTINCT c.conrelid::regclass, 7, 'members', 'Are its rows the members of conversations?'
	FROM (SELECT s.relation FROM unnest(named) AS s WHERE s.kind = 'messages'
	      UNION
	      SELECT w.relation FROM herald_internal.watched_table AS w WHERE w.kind = 'messages') AS m
	CROSS JOIN herald_internal.key_candidates(m.relation, 'conversation', NULL) AS k
	JOIN herald_internal.foreign_keys(m.relation) AS f ON f.columns = k.columns AND
		(herald_internal.kind_of_name(herald_internal.singular_noun(f.target))).kind IS DISTINCT FROM 'users'
	JOIN pg_constraint AS c ON c.contype = 'f' AND c.confrelid = f.target AND c.conrelid <> m.relation
	WHERE NOT EXISTS (SELECT FROM unnest(named) AS o WHERE o.relation = c.conrelid OR o.kind = 'members') AND
	      NOT EXISTS (SELECT FROM herald_internal.watched_table AS w WHERE w.kind = 'members') AND
	      (SELECT count(*) = 2 AND
	              bool_or(r.target IN (SELECT o.relation FROM unnest(named) AS o WHERE o.kind = 'users') OR
	                      coalesce(herald_internal.is_user_table(r.target),
	                               (herald_internal.kind_of_name(herald_internal.singular_noun(r.target))).kind =
	                               'users'))
	       FROM herald_internal.foreign_keys(c.conrelid) AS r);
$$;

-- Returns whether messages or posts refer to what a table joins with users: the same table, or a column of that name.
CREATE FUNCTION herald_internal.has_conversations(relation regclass, others herald_internal.suggestion[])
	RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (
		SELECT FROM herald_internal.id_columns($1) AS mine
		JOIN (SELECT o.relation FROM unnest(others) AS o WHERE o.kind IN ('posts', 'messages')
		      UNION
		      SELECT w.relation FROM herald_internal.watched_table AS w WHERE w.kind IN ('posts', 'messages'))
			AS o ON o.relation <> $1
		CROSS JOIN herald_internal.id_columns(o.relation) AS theirs
		WHERE NOT mine.label AND
		      (mine.target = theirs.target AND
		       coalesce(herald_internal.is_user_table(mine.target) IS NOT TRUE AND
		                (herald_internal.kind_of_name(herald_internal.singular_noun(mine.target))).kind
		                    IS DISTINCT FROM 'users', true) OR
		       mine.columns = theirs.columns AND herald_internal.name_words(mine.columns[1]) ~ '._?(id|uuid)$' AND
		       herald_internal.name_words(mine.columns[1]) !~ '(user|account|member|profile|person)_?(id|uuid)$'));
$$;

-- Returns how many tables refer to a table of users, or to the one that its own ids refer to: by a foreign key or,
-- without any, by a column of its name.
CREATE FUNCTION herald_internal.references_to_users(users regclass, others regclass[]) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT count(*)
	FROM unnest(others) AS o (relation)
	WHERE o.relation <> users AND (
	      EXISTS (SELECT FROM herald_internal.foreign_keys(o.relation) AS f
	              WHERE f.target = users OR
	                    f.target IN (SELECT own.target FROM herald_internal.foreign_keys(users) AS own
	                                 WHERE own.columns = herald_internal.primary_key(users))) OR
	      NOT EXISTS (SELECT FROM herald_internal.foreign_keys(o.relation)) AND
	      herald_internal.normalize_name(herald_internal.singular_noun(users)) || 'id' IN
	          (SELECT herald_internal.normalize_name(name)
	           FROM unnest(herald_internal.column_names(o.relation)) AS name));
$$;

-- Returns tables of users with the doubt whether they are the users of the others; '' for a table that is not. Of two
-- tables with the same ids, the one that refers to the other has the names. The most likely one has rank 1: accounts
-- beside users may be tenants.
CREATE FUNCTION herald_internal.ranked_users(users regclass[], others regclass[])
	RETURNS TABLE (relation regclass, doubt text, rank bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH candidate AS (
		SELECT u.relation, herald_internal.references_to_users(u.relation, others) AS refs,
		       (SELECT f.target FROM herald_internal.foreign_keys(u.relation) AS f
		        WHERE f.target = ANY (users) AND f.columns = herald_internal.primary_key(u.relation)
		        LIMIT 1) AS original
		FROM unnest(users) AS u (relation)
	)
	SELECT c.relation, CASE
		WHEN c.refs < max(c.refs) OVER () AND c.refs = 0 OR
		     EXISTS (SELECT FROM candidate AS o
		             WHERE o.original = c.relation AND herald_internal.name_columns(o.relation) IS NOT NULL AND
		                   herald_internal.name_columns(c.relation) IS NULL) THEN ''
		WHEN r.rival IS NOT NULL THEN format('Table %s may have the users as well.', r.rival)
		WHEN c.refs = 0 AND herald_internal.singular_noun(c.relation) !~ 'user$'
		THEN 'No other table refers to it.' END,
	       row_number() OVER (ORDER BY c.refs > 0 DESC, herald_internal.singular_noun(c.relation) ~ 'user$' DESC,
	                          c.refs DESC, c.relation::text)
	FROM candidate AS c
	LEFT JOIN LATERAL (SELECT r.relation AS rival FROM candidate AS r
	                   WHERE r.relation <> c.relation AND r.refs > 0 AND r.relation IS DISTINCT FROM c.original AND
	                         r.original IS DISTINCT FROM c.relation
	                   ORDER BY r.refs DESC LIMIT 1) AS r ON true;
$$;

-- Returns whether row-level security hides rows of a table from some roles.
CREATE FUNCTION herald_internal.has_policies(relation regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.relrowsecurity AND NOT EXISTS (
		SELECT FROM pg_policy AS p
		WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('r', '*') AND p.polroles = '{0}' AND
		      pg_get_expr(p.polqual, p.polrelid) = 'true')
	FROM pg_class AS c
	WHERE c.oid = $1;
$$;

-- Returns why the call of a table, which has just been tried, is not sure; NULL if it is.
CREATE FUNCTION herald_internal.suggestion_doubt(relation regclass, kind text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN w.kind = 'users' AND a.name IS NULL THEN 'No column with the names of users was found.'
		WHEN w.kind = 'posts' AND EXISTS (SELECT FROM herald_internal.watched_table AS o
		                                  WHERE o.kind = 'posts' AND o.relation <> w.relation)
		THEN 'Another watched table has posts. Are its rows posts as well?'
		WHEN w.kind = 'posts' AND herald_internal.has_policies(w.relation)
		THEN 'Its policies limit who may see a row. Rules do not apply them: say it with "visible".'
		WHEN w.kind = 'posts' AND g.name IS NOT NULL
		THEN format('Without "visible" everybody may see a post. Does column %I limit that?', g.name)
		WHEN w.kind IN ('likes', 'comments') AND
		     NOT EXISTS (SELECT FROM herald_internal.watched_table AS s
		                 WHERE s.relation = herald_internal.saved_table(a.subject_table) AND
		                       s.kind IN ('posts', 'comments', 'messages'))
		THEN format('Table %s is not watched: everybody could join the rooms of its rows.', a.subject_table)
		WHEN w.kind = 'messages' AND a.conversation IS NOT NULL AND c.counterpart IS NULL
		THEN 'No watched table has the members of these conversations.'
		WHEN w.kind = 'members' AND c.counterpart IS NULL THEN 'No watched table has messages of these conversations.'
		WHEN w.kind IN ('posts', 'comments', 'messages') AND a.key <@ coalesce(a.author, a.sender)
		THEN format('Its key is that of the %s: a user has one row.', CASE w.kind WHEN 'messages' THEN 'sender'
		                                                               ELSE 'author' END)
		WHEN w.kind <> 'users' AND u.target IS NOT NULL
		THEN format('It has ids of table %s, and not of %s. Which has the users?', u.target, u.users)
	END
	FROM herald_internal.watched_table AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (name text, subject_table text, conversation text[], author text[],
	                                              sender text[], key text[])
	LEFT JOIN LATERAL (
		SELECT f.target, o.target AS users
		FROM unnest('{author,actor,follower,followee,member,sender,receiver,blocker,blocked}'::text[]) AS r (role)
		JOIN herald_internal.foreign_keys(w.relation) AS f ON to_jsonb(f.columns) = w.arguments -> r.role
		JOIN herald_internal.foreign_keys(f.target) AS o ON o.target <> f.target AND
			o.columns <> herald_internal.primary_key(f.target)
		CROSS JOIN herald_internal.kind_of_name(herald_internal.singular_noun(o.target)) AS k
		WHERE herald_internal.is_user_table(f.target) IS NOT TRUE AND k.kind = 'users'
		LIMIT 1) AS u ON true
	LEFT JOIN LATERAL (
		SELECT c.name FROM unnest(herald_internal.column_names(w.relation)) AS c (name)
		WHERE c.name <> ALL (a.author) AND herald_internal.normalize_name(c.name) ~
		      ('^(tenant|organi[sz]ation|org|company|customer|client|workspace|site|project|team|group|community|'
		       'circle|channel|conversation|chat|room|account)(id|uuid)$')
		LIMIT 1) AS g ON true
	LEFT JOIN LATERAL herald_internal.conversation_tables(w.relation, w.kind, a.conversation)
		AS c (counterpart) ON true
	WHERE w.relation = $1 AND w.kind = $2;
$$;

-- Returns the call for a table, with the name that the table has in every search path. Beside other tables of posts, or
-- of comments, it has the noun of the table's name: the order of the calls does not matter then.
CREATE FUNCTION herald_internal.suggested_call(relation regclass, kind text, others herald_internal.suggestion[])
	RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('SELECT herald.watch_%s(%L%s%s);', $2, format('%I.%I', n.nspname, c.relname),
	              CASE WHEN $2 = 'blocks' AND c.relname ~* 'mute|ignore' THEN ', mutual => false' END,
	              (SELECT format(', noun => %L', own)
	               FROM herald_internal.own_noun($1) AS own
	               WHERE own <> herald_internal.usual_noun($2) AND herald_internal.noun_rival($1, own) IS NULL AND
	                     EXISTS (SELECT FROM unnest(others) AS o WHERE o.kind = $2 AND o.relation <> $1
	                             UNION ALL
	                             SELECT FROM herald_internal.watched_table AS w
	                             WHERE w.kind = $2 AND w.relation <> $1)))
	FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
	WHERE c.oid = $1;
$$;

-- Tries the call for a table. Keeps it and returns NULL if it is sure; else returns the doubt. "named" is the doubt
-- that its name leaves: with an error besides, the table is another one, and the result is empty, unless the columns
-- say more than the name ("alike"): then the error asks for a column. A pair of users needs two columns that can
-- hold them.
CREATE FUNCTION herald_internal.try_suggestion(relation regclass, kind text, named text, alike boolean,
                                               others herald_internal.suggestion[]) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	doubt text;
	detail text;
	hint text;
BEGIN
	SELECT string_agg(concat_ws(E'\n', CASE WHEN m.message NOT LIKE 'watching %' THEN m.message END, m.detail, m.hint),
	                  E'\n') INTO doubt
	FROM herald_internal.dry_run(herald_internal.suggested_call(relation, kind, others), 'pg_catalog') AS m
	WHERE m.severity = 'warning' OR m.hint IS NOT NULL;
	doubt := concat_ws(E'\n', named, doubt, CASE WHEN kind <> 'members' THEN
		herald_internal.suggestion_doubt(relation, kind) END);
	IF doubt <> '' THEN
		RAISE EXCEPTION USING ERRCODE = 'HD901';
	END IF;
	RETURN NULL;
EXCEPTION
	WHEN OTHERS THEN
		IF SQLSTATE = 'HD901' AND doubt <> '' THEN
			RETURN doubt;
		END IF;
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RETURN CASE WHEN kind <> 'members' AND (named IS NULL OR SQLSTATE = '42702') AND
		                 NOT (kind IN ('follows', 'follow_requests', 'blocks') AND hint LIKE 'Pass it as %') OR alike
		       THEN concat_ws(E'\n', named, SQLERRM, nullif(detail, ''), nullif(hint, '')) ELSE '' END;
END
$$;

-- Returns whether the columns of a table are those of a kind, so that an error of its call asks for a decision: likes
-- refer to users and to another table, to posts by a name, or have the id of one of several tables; follows and blocks
-- refer to two users; members have the conversations of messages or posts.
CREATE FUNCTION herald_internal.is_alike(relation regclass, kind text, others herald_internal.suggestion[])
	RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE kind
		WHEN 'likes' THEN
			(SELECT count(DISTINCT k.kind = 'users') = 2
			 FROM herald_internal.foreign_keys($1) AS f
			 CROSS JOIN LATERAL (SELECT coalesce((herald_internal.kind_of_name(
			     herald_internal.singular_noun(f.target))).kind, '')) AS k (kind)) OR
			EXISTS (SELECT FROM unnest(others) AS o
			        JOIN unnest(herald_internal.column_names($1)) AS c (name)
			          ON o.relation = herald_internal.named_table($1, c.name)
			        WHERE o.kind IN ('posts', 'comments', 'messages')) OR
			EXISTS (SELECT FROM unnest(herald_internal.column_names($1)) AS t (name),
			                    unnest(herald_internal.column_names($1)) AS i (name)
			        WHERE herald_internal.name_words(i.name) ~ 'able_id$|^object_(id|pk)$' AND
			              herald_internal.is_type_of(herald_internal.name_words(t.name),
			                                         herald_internal.name_words(i.name)))
		WHEN 'members' THEN herald_internal.has_conversations($1, others)
		ELSE kind IN ('follows', 'blocks') AND
		     (SELECT count(*) = 2 FROM herald_internal.foreign_keys($1) AS f
		      CROSS JOIN LATERAL herald_internal.kind_of_name(herald_internal.singular_noun(f.target)) AS k
		      WHERE k.kind = 'users') END;
$$;

-- Returns the tables that may be watched, with their doubts, after all their calls have been tried.
CREATE FUNCTION herald_internal.tried_suggestions() RETURNS SETOF herald_internal.suggestion
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	made herald_internal.suggestion[] := ARRAY(SELECT s FROM herald_internal.suggestible_tables() AS s
	                                           ORDER BY s.place, s.relation::text);
	users regclass[] := ARRAY(SELECT m.relation FROM unnest(made) AS m WHERE m.kind = 'users' AND m.doubt IS NULL);
	complete boolean := false;
BEGIN
	made := made || ARRAY(SELECT u FROM herald_internal.unnamed_users(made) AS u) ||
	        ARRAY(SELECT p FROM herald_internal.unnamed_posts(made) AS p) ||
	        ARRAY(SELECT m FROM herald_internal.unnamed_members(made) AS m);
	made := ARRAY(SELECT ROW(m.relation, m.place, m.kind, coalesce(m.doubt, u.doubt))::herald_internal.suggestion
	              FROM unnest(made) AS m
	              LEFT JOIN herald_internal.ranked_users(users, ARRAY(SELECT o.relation FROM unnest(made) AS o))
	                  AS u USING (relation)
	              ORDER BY m.place, u.rank, m.relation::text);
	BEGIN
		FOR i IN 1 .. cardinality(made) LOOP
			IF made[i].doubt IS DISTINCT FROM '' THEN
				made[i].doubt := herald_internal.try_suggestion(made[i].relation, made[i].kind, made[i].doubt,
					herald_internal.is_alike(made[i].relation, made[i].kind, made), made);
			END IF;
		END LOOP;
		made := ARRAY(SELECT ROW(m.relation, m.place, m.kind, coalesce(m.doubt, CASE m.kind WHEN 'members' THEN
		                  herald_internal.suggestion_doubt(m.relation, m.kind) END))::herald_internal.suggestion
		              FROM unnest(made) WITH ORDINALITY AS m (relation, place, kind, doubt, number)
		              WHERE m.doubt IS DISTINCT FROM ''
		              ORDER BY m.number);
		complete := true;
		RAISE EXCEPTION USING ERRCODE = 'HD901';
	EXCEPTION WHEN SQLSTATE 'HD901' THEN
		IF NOT complete THEN
			RAISE;
		END IF;
	END;
	RETURN QUERY SELECT * FROM unnest(made);
END
$$;

-- Returns a text as a comment. Names and saved calls may contain anything: each line becomes a comment of its own.
CREATE FUNCTION herald_internal.comment_lines(text text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT '-- ' || regexp_replace(text, '[\n\r]+', E'\n-- ', 'g');
$$;
COMMENT ON FUNCTION herald_internal.comment_lines(text) IS 'returns a text with "-- " before each of its lines';

-- Returns a text as comments of readable width. Each statement in it has a line of its own, which is indented behind
-- the first. The quantifier {1,1}? makes the expression take the shortest match: an alternation takes the longest.
CREATE FUNCTION herald_internal.wrapped_comment(text text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.comment_lines(string_agg(CASE
		WHEN p.place = 1 THEN l.line
		WHEN l.line ~ '^(SELECT herald\.|ALTER TABLE )' THEN '  ' || l.line
		ELSE rtrim(regexp_replace(l.line, '(.{1,100})(?:\s+|$)', E'\\1\n', 'g'), E'\n') END, E'\n' ORDER BY p.place))
	FROM regexp_split_to_table(ltrim(regexp_replace($1, '((?:SELECT herald\..*?\);|ALTER TABLE .*?;){1,1}?)',
	                                                E'\n\\1\n', 'g'), E'\n'),
	                           '\n')
		WITH ORDINALITY AS p (part, place)
	CROSS JOIN LATERAL btrim(p.part) AS l (line)
	WHERE l.line <> '';
$$;

CREATE FUNCTION herald.suggest() RETURNS SETOF text
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	WITH suggestion AS MATERIALIZED (
		SELECT s.doubt, herald_internal.suggested_call(s.relation, s.kind, array_agg(s) OVER ()) AS call,
		       row_number() OVER () AS number
		FROM herald_internal.tried_suggestions() AS s
	), part (place, number, text) AS (
		SELECT 1, s.number, s.call FROM suggestion AS s WHERE s.doubt IS NULL
		UNION ALL
		SELECT 2, 0, E'--\n-- These need a decision. Call herald.suggest() again after it.'
		WHERE EXISTS (SELECT FROM suggestion AS s WHERE s.doubt IS NOT NULL)
		UNION ALL
		SELECT 3, s.number, E'--\n' || herald_internal.wrapped_comment(concat_ws(E'\n', s.call, s.doubt))
		FROM suggestion AS s
		WHERE s.doubt IS NOT NULL
		UNION ALL
		SELECT 4, 0, '-- No table that you may watch, and do not yet, has a name that pg_herald knows.'
		WHERE NOT EXISTS (SELECT FROM suggestion)
	)
	SELECT l.text
	FROM part AS p
	CROSS JOIN LATERAL (SELECT p.text, 1 WHERE p.place = 1
	                    UNION ALL
	                    SELECT * FROM string_to_table(p.text, E'\n') WITH ORDINALITY WHERE p.place > 1)
		AS l (text, place)
	ORDER BY p.place, p.number, l.place;
$$;
COMMENT ON FUNCTION herald.suggest() IS
	'returns a script of watch calls for the tables of the database: those that are sure, and behind -- those that need'
	' a decision';
