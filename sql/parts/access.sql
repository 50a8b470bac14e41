-- ---------------------------------------------------------------------------
-- Access: the users that may see a row
--
-- Rows of posts, of comments and of other subjects have rooms: post:42. The
-- same condition applies to users that join the room, to followers in the
-- feed, and to recipients of replies and mentions. It is SQL over the row and
-- "session.viewer", and runs as the owner of the table.
--
-- A user may see a post that is visible, not deleted softly, and published or
-- the user's own, unless there is a block between user and author. A user may
-- see a comment that is not deleted softly, on a post that the user may see.
-- ---------------------------------------------------------------------------

-- Returns the condition that no block is between the viewer and the author of a row, in either direction; NULL if no
-- mutual blocks are watched. A block of oneself hides nothing: authors see what is their own.
CREATE FUNCTION herald_internal.unblocked_condition(alias text, relation regclass, author text[], viewer text)
	RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(format('NOT EXISTS (SELECT FROM %s AS herald_block WHERE %s)', w.relation,
		herald_internal.and_conditions(
			herald_internal.match_id('herald_block', w.relation, side.viewer, $4),
			herald_internal.match_columns('herald_block', w.relation, side.author, $1, $2, $3),
			format('%s <> %s', herald_internal.id_sql('herald_block', side.viewer),
			       herald_internal.id_sql('herald_block', side.author)), a.present)),
		' AND ' ORDER BY w.relation::text, side.place)
	FROM herald_internal.watched_table AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (blocker text[], blocked text[], mutual boolean, present text)
	CROSS JOIN LATERAL (VALUES (1, a.blocker, a.blocked), (2, a.blocked, a.blocker)) AS side (place, author, viewer)
	WHERE w.kind = 'blocks' AND a.mutual AND cardinality(side.author) = cardinality($3) AND
	      herald_internal.is_trusted($2, w.relation);
$$;

-- Returns the table with a saved name, with its schema; NULL if there is none, or if the text is not a name: owners of
-- tables can save any text. Everybody may read the catalog: to_regclass() would fail if the caller had no privilege on
-- the schema.
CREATE FUNCTION herald_internal.saved_table(name text) RETURNS regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.oid::regclass
	FROM parse_ident(CASE WHEN $1 ~ format('^%1$s\.%1$s$', '([a-z_][a-z0-9_]*|"([^"]|"")+")') THEN $1 END)
		AS named (parts)
	JOIN pg_namespace AS n ON n.nspname = named.parts[1]::name
	JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = named.parts[2]::name;
$$;

-- Returns the watched tables with their subjects, without those that are gone, or whose subjects' table is gone.
CREATE FUNCTION herald_internal.watched_subjects()
	RETURNS TABLE (relation regclass, kind text, key text[], subject text[], subject_table regclass, type_column text,
	               value text)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT w.relation, w.kind, a.key, a.subject, s.subject_table, s.type_column, s.value
	FROM herald_internal.watched_table AS w
	JOIN pg_class AS c ON c.oid = w.relation
	CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[], subject text[])
	LEFT JOIN LATERAL herald_internal.subject_parts(w.arguments) AS s ON true
	WHERE s.subject_table IS NOT NULL OR NOT w.arguments ?| '{subject_table,subject_tables}';
$$;

-- Returns the watched posts and comments that the rows of a table belong to, and the columns that refer to them: the
-- subject of comments, with the column and the value of its type if there are several tables. A subject that is not
-- watched itself belongs to all that its foreign keys refer to.
CREATE FUNCTION herald_internal.row_parents(relation regclass)
	RETURNS TABLE (columns text[], parent regclass, type_column text, value text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH watched AS (
		SELECT * FROM herald_internal.watched_subjects() AS w WHERE w.kind IN ('posts', 'comments')
	)
	SELECT w.subject, w.subject_table, w.type_column, w.value FROM watched AS w
	WHERE w.relation = $1 AND w.kind = 'comments'
	UNION
	SELECT f.columns, f.target, NULL, NULL
	FROM herald_internal.foreign_keys($1) AS f
	WHERE $1 NOT IN (SELECT w.relation FROM watched AS w) AND f.target IN (SELECT w.relation FROM watched AS w);
$$;

-- Returns the condition that session.viewer may see a row of the table; NULL if everybody may. "within": the tables on
-- the way to this one.
CREATE FUNCTION herald_internal.row_condition(alias text, relation regclass, within regclass[] DEFAULT '{}')
	RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	watched record;
BEGIN
	SELECT w.kind, a.* INTO watched
	FROM herald_internal.watched_table AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (author text[], visible text, present text, status text,
	                                              published text, published_when text)
	WHERE w.relation = row_condition.relation AND w.kind IN ('posts', 'comments')
	ORDER BY w.kind = 'posts' DESC
	LIMIT 1;
	IF watched.kind = 'posts' THEN
		RETURN herald_internal.and_conditions(watched.visible, watched.present,
			herald_internal.and_conditions(herald_internal.value_condition(watched.status, watched.published),
			                               watched.published_when) || ' OR ' ||
			herald_internal.id_sql(alias, watched.author) || ' = session.viewer',
			herald_internal.unblocked_condition(alias, relation, watched.author, 'session.viewer'));
	END IF;
	RETURN herald_internal.and_conditions(
		CASE watched.kind WHEN 'comments' THEN watched.present
		ELSE herald_internal.not_deleted_condition(relation, NULL, optional => true) END,
		(SELECT string_agg(CASE WHEN p.type_column IS NOT NULL
		                   THEN format('(%s::text IS DISTINCT FROM %L OR %s)',
		                               herald_internal.column_sql(alias, p.type_column), p.value, c.condition)
		                   WHEN watched.kind = 'comments' THEN c.condition
		                   ELSE format('(%s IS NULL OR %s)', herald_internal.id_sql(alias, p.columns), c.condition) END,
		                   ' AND ' ORDER BY p.parent::text, p.columns, p.value)
		 FROM herald_internal.row_parents(relation) AS p
		 CROSS JOIN herald_internal.parent_condition(alias, row_condition.relation, p.columns, p.parent,
		                                             within || row_condition.relation) AS c (condition)
		 WHERE c.condition IS NOT NULL));
END
$$;

-- Returns the condition that a viewer may see the row under an alias; NULL if everybody may.
CREATE FUNCTION herald_internal.access_condition(alias text, relation regclass, viewer text,
                                                 within regclass[] DEFAULT '{}') RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('EXISTS (SELECT FROM (SELECT %I.*) AS post CROSS JOIN (SELECT %s) AS session (viewer) WHERE %s)',
	              alias, viewer, c.condition)
	FROM herald_internal.row_condition('post', relation, within) AS c (condition)
	WHERE c.condition IS NOT NULL AND relation <> ALL (within);
$$;

-- Returns the SELECT of an expression over the parent in columns of a row.
CREATE FUNCTION herald_internal.parent_sql(expression text, parent_alias text, parent regclass, alias text,
                                           relation regclass, columns text[]) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('SELECT %s FROM %s AS %I WHERE %s', expression, parent, parent_alias,
	              herald_internal.match_columns(parent_alias, parent,
	                                            herald_internal.referenced_key(relation, columns, parent),
	                                            alias, relation, columns));
$$;

-- Returns the condition that session.viewer may see the parent in columns of a row; NULL if everybody may.
CREATE FUNCTION herald_internal.parent_condition(alias text, relation regclass, columns text[], parent regclass,
                                                 within regclass[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN herald_internal.is_trusted(relation, parent) THEN
		format('EXISTS (%s AND %s)',
		       herald_internal.parent_sql('', 'herald_parent', parent, alias, relation, columns), c.condition)
	ELSE 'false' END
	FROM herald_internal.access_condition('herald_parent', parent, 'session.viewer', within) AS c (condition)
	WHERE c.condition IS NOT NULL OR NOT herald_internal.is_trusted(relation, parent);
$$;

-- Returns the SQL of the keys of a row's room besides its name and prefix. Access to it depends on them: they are the
-- author of a post, and the rooms, prefixes and keys of the parents. NULL: there are none.
CREATE FUNCTION herald_internal.row_keys(alias text, relation regclass, within regclass[] DEFAULT '{}') RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	parent_alias text := 'herald_parent_' || cardinality(within);
BEGIN
	RETURN (
		SELECT format('ARRAY[''author:'' || %s]', herald_internal.id_sql(alias, a.author))
		FROM herald_internal.watched_table AS w
		CROSS JOIN jsonb_to_record(w.arguments) AS a (author text[])
		WHERE w.relation = row_keys.relation AND w.kind = 'posts'
		UNION ALL
		SELECT string_agg(format('ARRAY[%L, %L || %s]%s', t.type, t.type || ':',
		                         herald_internal.id_sql(alias, p.columns), ' || (' || q.sql || ')'), ' || ')
		FROM herald_internal.row_parents(relation) AS p
		CROSS JOIN herald_internal.subject_type(p.parent) AS t (type)
		CROSS JOIN herald_internal.row_keys(parent_alias, p.parent, within || row_keys.relation) AS k (keys)
		CROSS JOIN herald_internal.parent_sql(k.keys, parent_alias, p.parent, alias, row_keys.relation,
		                                      p.columns) AS q (sql)
		WHERE p.parent <> ALL (within || row_keys.relation) AND herald_internal.is_trusted(row_keys.relation, p.parent)
		LIMIT 1);
END
$$;

-- Returns a SELECT of recipients, without those that may not see the row under an alias.
CREATE FUNCTION herald_internal.readers_sql(recipients text, alias text, relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(format('SELECT reader.id FROM (%s) AS reader (id) WHERE ', recipients) ||
	                herald_internal.access_condition(alias, relation, 'reader.id'), recipients);
$$;

-- ----- changes of access

CREATE FUNCTION herald_internal.columns_read(relation regclass, query text)
	RETURNS TABLE (read regclass, attribute smallint, function regprocedure)
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_columns_read';
COMMENT ON FUNCTION herald_internal.columns_read(regclass, text) IS
	'returns the tables, columns and functions in a query, as the owner of the table would run it';

-- Returns the columns that a condition over a row of the table ("post") and a viewer reads, by table, and under the key
-- "" the functions of the application that it calls.
CREATE FUNCTION herald_internal.condition_reads(relation regclass, condition text) RETURNS jsonb
LANGUAGE sql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_object_agg(r.read, r.names)
	FROM (SELECT coalesce(c.read::text, '') AS read,
	             coalesce(jsonb_agg(DISTINCT n.name) FILTER (WHERE n.name IS NOT NULL), '[]') AS names
	      FROM herald_internal.columns_read($1, format('SELECT FROM %s AS post CROSS JOIN (SELECT NULL::text) '
	                                                   'AS session (viewer) WHERE (%s)', $1, $2)) AS c
	      LEFT JOIN pg_attribute AS a ON a.attrelid = c.read AND a.attnum > 0 AND NOT a.attisdropped AND
	                                     c.attribute IN (0, a.attnum)
	      LEFT JOIN pg_proc AS f ON f.oid = c.function
	      CROSS JOIN coalesce(c.function::text, a.attname) AS n (name)
	      WHERE c.function IS NULL OR f.pronamespace <> 'pg_catalog'::regnamespace
	      GROUP BY 1) AS r;
$$;

-- Returns the columns of a table that conditions of access to posts read; NULL if none reads the table.
CREATE FUNCTION herald_internal.access_reads(relation regclass) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_agg(DISTINCT c.name ORDER BY c.name) FILTER (WHERE c.name IS NOT NULL)
	FROM herald_internal.watched_table AS w
	LEFT JOIN LATERAL (SELECT n #>> '{}' FROM jsonb_path_query(w.arguments -> 'reads' -> $1::text, 'lax $[*]') AS n)
		AS c (name) ON true
	WHERE w.kind = 'posts' AND w.arguments -> 'reads' ? $1::text
	HAVING count(*) > 0;
$$;

-- Returns the condition that one of the columns has changed, or that the row is gone; "key" is one that is never null.
CREATE FUNCTION herald_internal.changed_condition(key text[], columns text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('new.%I IS NULL', key[1]) || coalesce(string_agg(DISTINCT
		format(' OR old.%1$I::text IS DISTINCT FROM new.%1$I::text', name), ''), '')
	FROM unnest(key || columns) AS name;
$$;

-- ----- rooms of rows

-- Returns the tables of which a watched table of posts, comments or likes opens rooms: itself and its subject. A
-- watched subject opens its rooms itself, and a message has none: its events go to its conversation. "access" is the
-- condition, NULL for everybody, and "keys" are further keys of the room: SQL over the row, under the prefix as its
-- alias, and session.viewer.
CREATE FUNCTION herald_internal.opened_rooms(relation regclass, kind text, arguments jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_agg(jsonb_build_object('prefix', o.prefix, 'relation', o.relation, 'key', o.key,
	                                    'access', CASE WHEN $2 = 'posts' AND o.prefix <> 'post'
	                                    THEN herald_internal.access_condition(o.prefix, o.relation, 'session.viewer')
	                                    ELSE herald_internal.row_condition(o.prefix, o.relation) END,
	                                    'keys', herald_internal.row_keys(o.prefix, o.relation)))
	FROM jsonb_to_record(arguments) AS a (key text[], subject text[])
	CROSS JOIN LATERAL (
		SELECT coalesce(arguments ->> 'noun', herald_internal.usual_noun($2)), $1, a.key
		WHERE $2 IN ('posts', 'comments')
		UNION ALL
		SELECT herald_internal.subject_type(s.subject_table), s.subject_table,
		       herald_internal.referenced_key($1, a.subject, s.subject_table)
		FROM herald_internal.subject_parts(arguments) AS s
		WHERE s.subject_table NOT IN (SELECT w.relation FROM herald_internal.watched_table AS w
		                              WHERE w.kind IN ('posts', 'comments', 'messages'))
	) AS o (prefix, relation, key);
$$;

-- Returns all opened rooms. A table opens those of its subject only if its owner may act as that of the subject: the
-- SQL runs as the latter. A record that has not been compiled admits nobody.
CREATE FUNCTION herald_internal.room_tables()
	RETURNS TABLE (prefix text, relation regclass, key text[], access text, keys text, owner oid)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT DISTINCT r.prefix, theirs.oid::regclass, r.key, r.access, r.keys, theirs.relowner
	FROM herald_internal.watched_table AS w
	JOIN pg_class AS mine ON mine.oid = w.relation
	CROSS JOIN LATERAL jsonb_path_query(coalesce(w.arguments -> 'rooms', jsonb_build_object(
		'prefix', coalesce(w.arguments ->> 'noun', herald_internal.usual_noun(w.kind)),
		'relation', w.relation, 'key', w.arguments -> 'key', 'access', 'false')),
		'lax $[*] ? (@.type() == "object")') AS o (room)
	CROSS JOIN LATERAL jsonb_populate_record(NULL::herald_internal.opened_room, o.room) AS r
	JOIN pg_class AS theirs ON theirs.oid = herald_internal.saved_table(r.relation)
	WHERE r.prefix IS NOT NULL AND
	      (theirs.oid = w.relation OR
	       pg_has_role(mine.relowner, theirs.relowner, 'MEMBER') AND
	       theirs.oid NOT IN (SELECT o.relation FROM herald_internal.watched_table AS o
	                          WHERE o.kind IN ('posts', 'comments', 'messages')));
$$;

-- Returns the tables of the rooms with a prefix, with the condition of access and the keys of the room. If several
-- tables have rooms of the same name, all their rows must admit; if they have several owners, nobody is admitted.
CREATE FUNCTION herald_internal.subject_tables(prefix text)
	RETURNS TABLE (relation regclass, key text[], visible text, keys text)
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	WITH opened AS MATERIALIZED (
		SELECT t.* FROM herald_internal.room_tables() AS t WHERE t.prefix = $1
	)
	SELECT t.relation, t.key,
	       herald_internal.and_conditions(t.access, CASE o.owners WHEN 1 THEN o.condition ELSE 'false' END), t.keys
	FROM opened AS t
	CROSS JOIN LATERAL (
		SELECT count(DISTINCT o.owner) AS owners,
		       string_agg(format('NOT EXISTS (SELECT FROM %s AS herald_other WHERE %s AND NOT %s)', o.relation,
		           herald_internal.match_id('herald_other', o.relation, o.key, herald_internal.id_sql(t.prefix, t.key)),
		           c.condition), ' AND ')
		       FILTER (WHERE o.relation <> t.relation AND c.condition IS NOT NULL) AS condition
		FROM opened AS o
		LEFT JOIN herald_internal.access_condition('herald_other', o.relation, 'session.viewer') AS c (condition)
			ON o.relation <> t.relation
	) AS o;
$$;

-- ----- rechecks of all rooms with a prefix

-- Appends rechecks of the rooms with these prefixes, once in a transaction.
CREATE FUNCTION herald_internal.recheck_prefixes(prefixes text[]) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.append_event('{}', 'room:recheck', '{}', NULL, NULL, NULL, NULL, NULL, p.prefix, 'changed')
	FROM (SELECT DISTINCT prefix FROM unnest(prefixes) AS prefix
	      WHERE NOT EXISTS (SELECT FROM herald.event AS e
	                        WHERE e.access IS NOT NULL AND e.recheck_user IS NULL AND e.recheck_room = prefix AND
	                              e.xid = pg_current_xact_id())
	      ORDER BY prefix) AS p;
$$;

-- Returns whether a record of a watched table may have opened such rooms: no table or policy of another owner has their
-- prefix. The owner of a dropped table is unknown.
CREATE FUNCTION herald_internal.may_open_rooms(relation regclass, room jsonb) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT NOT EXISTS (
		SELECT FROM pg_class AS mine
		LEFT JOIN pg_class AS theirs ON theirs.oid = herald_internal.saved_table($2 ->> 'relation') AND
		                                pg_has_role(mine.relowner, theirs.relowner, 'MEMBER')
		CROSS JOIN LATERAL (
			SELECT t.owner FROM herald_internal.room_tables() AS t WHERE t.prefix = $2 ->> 'prefix'
			UNION ALL
			SELECT p.owner FROM herald.room_policy AS p WHERE p.prefix = $2 ->> 'prefix'
		) AS other
		JOIN pg_roles AS r ON r.oid = other.owner
		WHERE mine.oid = $1 AND NOT pg_has_role(r.oid, coalesce(theirs.relowner, mine.relowner), 'MEMBER'));
$$;

-- The trigger of the registry: rooms that a table opens in another way than before are checked again, but not those of
-- other owners, which a saved record may name. Present names are no other way. A dry run is rolled back, and would only
-- use up ids of events.
CREATE FUNCTION herald_internal.recheck_opened_rooms() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	before jsonb[] := ARRAY(SELECT jsonb_path_query(
		herald_internal.followed_arguments(old.relation, old.kind, old.arguments), 'lax $.rooms[*]'));
	now jsonb[] := CASE tg_op WHEN 'UPDATE' THEN ARRAY(SELECT jsonb_path_query(new.arguments, 'lax $.rooms[*]'))
	               ELSE '{}' END;
BEGIN
	IF herald_internal.is_dry_run() THEN
		RETURN NULL;
	END IF;
	PERFORM herald_internal.recheck_prefixes(array_agg(room ->> 'prefix'))
	FROM unnest(before || now) AS room
	WHERE (room = ANY (before)) <> (room = ANY (now)) AND room ->> 'prefix' <> '' AND
	      herald_internal.may_open_rooms(old.relation, room);
	RETURN NULL;
END
$$;
CREATE TRIGGER recheck_opened_rooms AFTER UPDATE OR DELETE ON herald_internal.watched_table
	FOR EACH ROW EXECUTE FUNCTION herald_internal.recheck_opened_rooms();

-- A TRUNCATE names no rows: no earlier record publishes a row of the table, and all rooms of the owner's tables are
-- checked again if rows of the table decide about access. It takes rows that its snapshot does not see, so their
-- records stay, void.
CREATE FUNCTION herald_internal.follow_truncate(relation regclass) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO herald_internal.due (relation, row_id, at, run_at, published)
	VALUES ($1, NULL, '-infinity', 'infinity', true);
	SELECT herald_internal.recheck_prefixes(ARRAY(SELECT t.prefix FROM herald_internal.room_tables() AS t
	                                              JOIN pg_class AS c ON c.oid = $1 AND c.relowner = t.owner))
	WHERE EXISTS (SELECT FROM herald_internal.rule AS r
	              WHERE r.relation IN (SELECT $1 UNION SELECT p.relid FROM pg_partition_ancestors($1) AS p) AND
	                    herald_internal.has_recheck(r.publish));
$$;
COMMENT ON FUNCTION herald_internal.follow_truncate(regclass) IS
	'makes the schedule of a truncated table void and rechecks the rooms of its owner''s tables, for the trigger';

-- Rooms of a subject that is not watched, such as an album, are opened by the tables that refer to it. Gives that table
-- the rule that rechecks them, or takes it away. Nobody asked for the rule, so it lets all writes pass.
CREATE FUNCTION herald_internal.sync_subject_access(subject regclass) RETURNS void
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	opened record;
BEGIN
	SELECT t.prefix, t.key INTO opened FROM herald_internal.room_tables() AS t
	WHERE t.relation = subject AND t.access IS NOT NULL AND
	      NOT EXISTS (SELECT FROM herald_internal.watched_table AS w
	                  WHERE w.relation = subject AND w.kind IN ('posts', 'comments', 'messages'))
	LIMIT 1;
	IF FOUND THEN
		PERFORM herald_internal.watch(subject, 'subject_access', '{update,delete}',
			condition => herald_internal.changed_condition(opened.key, ARRAY(SELECT jsonb_array_elements_text(
				herald_internal.condition_reads(subject, herald_internal.row_condition('post', subject)) ->
				subject::text))),
			recheck => format('SELECT NULL, %L || %s', opened.prefix || ':',
			                  herald_internal.id_sql('changed', opened.key)),
			on_error => 'warn');
		PERFORM herald.sync_triggers(subject);
	ELSIF EXISTS (SELECT FROM herald_internal.rule AS r WHERE r.relation = subject AND r.name = 'subject_access') THEN
		PERFORM herald_internal.delete_rules(subject, 'subject_access'), herald.sync_triggers(subject);
	END IF;
END
$$;
