-- ---------------------------------------------------------------------------
-- Social tables: the common parts of people, content and conversation
--
-- Each call detects the columns of its table, saves them in watched_table and
-- compiles them to rules. The saved columns of users, posts, comments,
-- follows, members and blocks change the rules of other tables. So those that
-- read them are compiled again, and the calls may come in any order.
-- ---------------------------------------------------------------------------

-- Returns whether SQL that runs as the owner of a table may read the other table, whose owner can put code into its
-- types and policies, and into the conditions that were given when it was watched: whether that owner may act as this
-- one anyway.
CREATE FUNCTION herald_internal.is_trusted(relation regclass, other regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (SELECT FROM pg_class AS mine
	               JOIN pg_class AS theirs ON theirs.oid = $2
	               WHERE mine.oid = $1 AND pg_has_role(theirs.relowner, mine.relowner, 'MEMBER'));
$$;

-- Returns the watched tables that the rules and queries of a table may read.
CREATE FUNCTION herald_internal.trusted_tables(relation regclass) RETURNS SETOF herald_internal.watched_table
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT w.* FROM herald_internal.watched_table AS w WHERE herald_internal.is_trusted($1, w.relation);
$$;

-- Returns the SQL of the time of a change, in the form that JSON has.
CREATE FUNCTION herald_internal.now_sql() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'herald.iso8601(statement_timestamp())';
$$;

CREATE FUNCTION herald_internal.usual_noun(kind text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE kind WHEN 'posts' THEN 'post' WHEN 'comments' THEN 'comment' END;
$$;

-- Returns the type of a row as a subject: events, rooms and payload keys begin with it.
CREATE FUNCTION herald_internal.subject_type(relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT coalesce(w.arguments ->> 'noun', herald_internal.usual_noun(w.kind))
	                 FROM herald_internal.watched_table AS w
	                 WHERE w.relation = $1 AND w.kind IN ('posts', 'comments')
	                 ORDER BY w.kind DESC LIMIT 1),
	                herald_internal.singular_noun($1));
$$;

-- Returns whether a word can be the noun of rows: it begins no rooms and events of other things.
CREATE FUNCTION herald_internal.is_noun(word text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT word ~ '^[a-z][a-z0-9_]{0,62}$' AND
	       word <> ALL ('{user,feed,conversation,author,notification,typing,room,message}');
$$;

-- Returns a table with all that it inherits from, or is a partition of.
CREATE FUNCTION herald_internal.ancestors(relation regclass) RETURNS regclass[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH RECURSIVE ancestor (relation) AS (
		VALUES ($1::oid)
		UNION
		SELECT i.inhparent FROM ancestor AS a JOIN pg_inherits AS i ON i.inhrelid = a.relation
	)
	SELECT array_agg(a.relation::regclass) FROM ancestor AS a;
$$;

-- Returns whether a record is that of a table which this one has replaced: it has its name and its owner.
CREATE FUNCTION herald_internal.is_replaced(watched herald_internal.watched_table, successor regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT watched.relation <> successor AND watched.arguments ->> 'table' = successor::text AND
	       EXISTS (SELECT FROM pg_class AS c
	               WHERE c.oid = successor AND c.relowner::regrole::text = watched.arguments ->> 'table_owner');
$$;

-- Returns the tables whose rows have a noun: watched ones of posts and comments ("listed"), and subjects that are not
-- watched themselves, which have that of their table's name.
CREATE FUNCTION herald_internal.row_nouns() RETURNS TABLE (relation regclass, noun text, listed boolean)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH listed AS MATERIALIZED (
		SELECT w.relation, coalesce(w.arguments ->> 'noun', herald_internal.usual_noun(w.kind)) AS noun
		FROM herald_internal.watched_table AS w
		JOIN pg_class AS c ON c.oid = w.relation
		WHERE w.kind IN ('posts', 'comments')
	), named AS (
		SELECT DISTINCT s.subject_table FROM herald_internal.watched_subjects() AS s
		WHERE s.subject_table NOT IN (SELECT l.relation FROM listed AS l)
	)
	SELECT l.relation, l.noun, true FROM listed AS l
	UNION
	SELECT n.subject_table, herald_internal.singular_noun(n.subject_table), false FROM named AS n;
$$;

-- Returns another table whose rows have a noun: they would share rooms, events and causes. Of subjects that are not
-- watched themselves ("listed" is false), only those with equal ids matter. A table that is gone, or replaced by this
-- one, is no rival, nor is one of the same inheritance: a row may be in both.
CREATE FUNCTION herald_internal.noun_rival(relation regclass, noun text, listed boolean DEFAULT true) RETURNS regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH called AS MATERIALIZED (
		SELECT n.relation, n.listed FROM herald_internal.row_nouns() AS n WHERE n.noun = $2 AND n.relation <> $1
	)
	SELECT c.relation
	FROM called AS c
	WHERE NOT herald_internal.ancestors(c.relation) && herald_internal.ancestors($1) AND
	      NOT EXISTS (SELECT FROM herald_internal.watched_table AS w
	                  WHERE w.relation = c.relation AND w.kind IN ('posts', 'comments') AND
	                        herald_internal.is_replaced(w, $1)) AND
	      ($3 AND c.listed OR
	       coalesce(herald_internal.may_share_ids($1, herald_internal.primary_key($1),
	                                              c.relation, herald_internal.primary_key(c.relation)), true))
	ORDER BY c.relation
	LIMIT 1;
$$;

-- Returns the singular of a table's name as a noun; NULL if it cannot be one.
CREATE FUNCTION herald_internal.own_noun(relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT n.word
	FROM regexp_replace(herald_internal.singular_noun($1), '[ .-]+', '_', 'g') AS n (word)
	WHERE herald_internal.is_noun(n.word);
$$;

-- Returns a noun that no other table has.
CREATE FUNCTION herald_internal.free_noun(relation regclass, kind text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT f.word
	FROM pg_class AS c
	JOIN pg_namespace AS n ON n.oid = c.relnamespace
	CROSS JOIN coalesce(herald_internal.own_noun($1), herald_internal.usual_noun($2)) AS own
	CROSS JOIN LATERAL (
		VALUES (1, own),
		       (2, regexp_replace(herald_internal.name_words(nullif(n.nspname, 'public')), '[ .-]+', '_', 'g') ||
		           '_' || own)
		UNION ALL
		SELECT 1 + number, own || '_' || number FROM generate_series(2, 1000) AS number)
		AS f (place, word)
	WHERE c.oid = $1 AND herald_internal.is_noun(f.word) AND
	      NOT EXISTS (SELECT FROM herald_internal.row_nouns() AS t WHERE t.noun = f.word AND t.relation <> $1)
	ORDER BY f.place
	LIMIT 1;
$$;

-- Returns whether a table that is not watched yet has the name for a noun, in the schema of another table.
CREATE FUNCTION herald_internal.is_named_beside(relation regclass, noun text) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (
		SELECT FROM pg_class AS mine
		JOIN pg_class AS c ON c.relnamespace = mine.relnamespace AND c.relkind IN ('r', 'p')
		WHERE mine.oid = $1 AND c.oid <> $1 AND lower(c.relname) IN (noun, noun || 's') AND
		      NOT herald_internal.ancestors(c.oid) && herald_internal.ancestors($1) AND
		      c.oid NOT IN (SELECT w.relation FROM herald_internal.watched_table AS w));
$$;

-- Raises an error if the rows of another table have the noun. "kind" is that of the call for the table; NULL for a
-- subject that is not watched itself: a call that gives it a noun would publish its rows.
CREATE FUNCTION herald_internal.check_noun(relation regclass, noun text, kind text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	rival regclass := herald_internal.noun_rival(relation, noun, kind IS NOT NULL);
	name text := herald_internal.plain_name(relation);
BEGIN
	IF rival IS NOT NULL THEN
		RAISE EXCEPTION 'rows of tables "%" and "%" would both be called "%"',
			herald_internal.plain_name(rival), name, noun
			USING ERRCODE = 'duplicate_object',
			      DETAIL = 'Rows with the same id would share rooms, events and notifications.',
			      HINT = coalesce('Choose a word for one of them, as in: ' || herald_internal.hinted_call(kind,
			          relation, jsonb_build_object('noun', herald_internal.free_noun(relation, kind))),
			          format('Rename table "%s", or use uuids or one sequence for the keys of both.', name));
	END IF;
END
$$;

-- Raises an error if subjects that are not watched have the noun of another table: it is that of their table's name.
CREATE FUNCTION herald_internal.check_subject_nouns(arguments jsonb) RETURNS void
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.check_noun(s.subject_table, herald_internal.subject_type(s.subject_table), NULL)
	FROM herald_internal.subject_parts(arguments) AS s
	WHERE s.subject_table NOT IN (SELECT w.relation FROM herald_internal.watched_table AS w
	                              WHERE w.kind IN ('posts', 'comments'));
$$;

-- Returns the noun for the rows of a table of posts or of comments, NULL for the usual one: the given noun, or that
-- which the table has already, or the one that it replaces or inherits from; else the usual one. If another table has
-- that, or its name is the word for it, the noun is the singular of the table's name. No two tables have the same noun,
-- so that rows with the same id have rooms and causes of their own.
CREATE FUNCTION herald_internal.row_noun(relation regclass, kind text, given text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	usual text := herald_internal.usual_noun(kind);
	ancestors regclass[] := herald_internal.ancestors(relation);
	kept text := (SELECT coalesce(w.arguments ->> 'noun', usual)
	              FROM herald_internal.watched_table AS w
	              WHERE w.kind = row_noun.kind AND
	                    (w.relation = ANY (ancestors) OR
	                     w.arguments ->> 'table' = row_noun.relation::text AND
	                     herald_internal.is_replaced(w, row_noun.relation))
	              ORDER BY w.relation = row_noun.relation DESC, w.relation = ANY (ancestors), w.relation
	              LIMIT 1);
	own text := herald_internal.own_noun(relation);
	noun text := coalesce(given, kept);
BEGIN
	IF NOT herald_internal.is_noun(given) THEN
		RAISE EXCEPTION 'rows of table "%" cannot be called "%"', herald_internal.plain_name(relation), given
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = 'Pass a word in small letters that names no other thing, such as noun => ''article''.';
	ELSIF noun IS NULL THEN
		noun := CASE WHEN own IS NULL OR own = usual OR herald_internal.noun_rival(relation, own) IS NOT NULL OR
		                  herald_internal.noun_rival(relation, usual) IS NULL AND
		                  NOT herald_internal.is_named_beside(relation, usual)
		        THEN usual ELSE own END;
		IF noun <> usual THEN
			RAISE NOTICE 'rows of table "%" are called "%", because those of another table are called "%"',
				herald_internal.plain_name(relation),
				noun, usual
				USING DETAIL = format('Their events are %s:created and so on, their rooms %1$s:ID.', noun),
				      HINT = format('To choose the word, pass noun => %L.', noun);
		END IF;
	END IF;
	PERFORM herald_internal.check_noun(relation, noun, kind);
	RETURN nullif(noun, usual);
END
$$;

-- Returns the columns of the target that columns of a table refer to.
CREATE FUNCTION herald_internal.referenced_key(relation regclass, columns text[], target regclass) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT f.target_columns FROM herald_internal.foreign_keys($1) AS f WHERE f.columns = $2 AND
	                 f.target = $3),
	                (SELECT a.key
	                 FROM herald_internal.watched_table AS w, jsonb_to_record(w.arguments) AS a (key text[])
	                 WHERE w.relation = $3 AND a.key IS NOT NULL LIMIT 1),
	                herald_internal.primary_key($3));
$$;

-- Returns the condition that columns of another row refer to a row of the target. A value that the type of the key does
-- not have refers to none.
CREATE FUNCTION herald_internal.match_columns(alias text, target regclass, key text[], row_alias text,
                                              relation regclass, columns text[]) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(format('%s = %s', herald_internal.column_sql(alias, k), CASE
	                         WHEN wanted = has OR ARRAY[wanted, has] <@ '{smallint,integer,bigint}'
	                         THEN herald_internal.column_sql(row_alias, c)
	                         ELSE herald_internal.cast_id_sql(herald_internal.column_sql(row_alias, c) || '::text',
	                                                          wanted)
	                         END), ' AND ' ORDER BY place)
	FROM unnest(key, columns) WITH ORDINALITY AS p (k, c, place),
	     LATERAL (SELECT herald_internal.column_type(target, k),
	              herald_internal.column_type(relation, c)) AS t (wanted, has);
$$;

CREATE FUNCTION herald_internal.left_join_sql(alias text, target regclass, key text[], row_alias text,
                                              relation regclass, columns text[]) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('LEFT JOIN %s AS %I ON %s', target, alias,
	              herald_internal.match_columns(alias, target, key, row_alias, relation, columns));
$$;

-- ----- users

-- Returns the columns with the name of a user, in the order in which they are tried for each row: the given ones, or
-- those of these names. One that every user has comes first, if it is unique before all; it needs no other.
CREATE FUNCTION herald_internal.name_columns(users regclass, given text DEFAULT NULL, ignored text[] DEFAULT '{}')
	RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH named AS (
		SELECT a.attname::text AS name, a.attnotnull AND NOT a.atthasdef AS filled,
		       row_number() OVER (ORDER BY a.attnotnull AND u.is_unique DESC, a.attnotnull DESC, n.place) AS rank
		FROM unnest(herald_internal.named_columns(users, '{username,displayname,name,fullname,nickname,handle,login,'
		                                                 'nick,screenname,firstname,givenname}', ignored, '{S}'))
			WITH ORDINALITY AS n (name, place)
		JOIN pg_attribute AS a ON a.attrelid = users AND a.attname = n.name
		CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = users AND i.indisunique AND
		                                   i.indkey::smallint[] = ARRAY[a.attnum] AND i.indpred IS NULL))
			AS u (is_unique)
	)
	SELECT coalesce(herald_internal.parse_columns(users, given),
	                (SELECT array_agg(n.name ORDER BY n.rank) FROM named AS n
	                 WHERE n.rank <= coalesce((SELECT min(f.rank) FROM named AS f WHERE f.filled), n.rank)));
$$;

-- Returns the SQL of a user's name: the first of the columns that is not empty. NULL without columns.
CREATE FUNCTION herald_internal.name_sql(alias text, names text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN count(*) > 1
		THEN format('coalesce(%s)', string_agg(format('nullif(%s::text, '''')', c.column), ', ' ORDER BY c.place))
		ELSE min(c.column) || '::text' END
	FROM (SELECT herald_internal.column_sql(alias, name), place FROM unnest(names) WITH ORDINALITY AS n (name, place))
		AS c ("column", place);
$$;

-- Returns the boolean column that switches notifications off: the given one, or the general switch, or that of the only
-- way of notifying. A switch with the opposite meaning is an error.
CREATE FUNCTION herald_internal.enabled_column(users regclass, given text DEFAULT NULL, ignored text[] DEFAULT '{}')
	RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	general text := herald_internal.detect_column(users, given, '{notificationsenabled,notificationenabled,'
		'enablenotifications,wantsnotifications,wantnotifications,receivesnotifications,receivenotifications,'
		'notificationson,notificationsactive,notify}', ignored, '{B}');
	ways text[] := herald_internal.named_columns(users, '{emailnotifications,emailnotification,'
		'emailnotificationsenabled,emailnotificationenabled,pushnotifications,pushnotification,'
		'pushnotificationsenabled,pushnotificationenabled}', ignored, '{B}');
BEGIN
	IF given IS NOT NULL AND herald_internal.is_opposite_switch(herald_internal.name_words(general)) THEN
		RAISE EXCEPTION 'column "%" of table "%" switches notifications off when it is true',
			given, herald_internal.plain_name(users)
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = 'Use it, as in: ' || herald_internal.hinted_call('users', users, jsonb_build_object(
			          'notifications_enabled', NULL, 'active', format('%I IS NOT TRUE', general)));
	END IF;
	RETURN coalesce(general, CASE WHEN cardinality(ways) = 1 THEN ways[1] END);
END
$$;

-- Returns the users table that columns of a table refer to: the watched one, if there is one, or that of the foreign
-- key. A table of an owner that is not trusted does not count. "present" is the condition over its columns that a
-- user may be notified.
CREATE FUNCTION herald_internal.user_table(relation regclass, columns text[], OUT users regclass, OUT key text[],
                                           OUT name text[], OUT handle text, OUT present text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH watched AS (
		SELECT w.relation AS users, a.key, a.name, a.handle, a.notifications_enabled, a.active,
		       NOT w.arguments ? 'same_as' AND count(*) FILTER (WHERE NOT w.arguments ? 'same_as') OVER () = 1 AS alone
		FROM herald_internal.trusted_tables($1) AS w
		CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[], name text[], handle text, notifications_enabled text,
		                                              active text)
		WHERE w.kind = 'users'
	), reference AS (
		SELECT f.target, f.target_columns
		FROM herald_internal.foreign_keys($1) AS f
		WHERE f.columns = $2 AND herald_internal.is_trusted($1, f.target)
		LIMIT 1
	), candidate AS (
		SELECT 1 AS rank, w.users, r.target_columns, w.name, w.handle, w.notifications_enabled, w.active
		FROM watched AS w JOIN reference AS r ON r.target = w.users
		UNION ALL
		SELECT 2, w.users, w.key, w.name, w.handle, w.notifications_enabled, w.active FROM watched AS w
		WHERE w.alone AND NOT EXISTS (SELECT FROM reference AS r WHERE NOT herald_internal.is_user_table(r.target))
		UNION ALL
		SELECT 3, r.target, r.target_columns, herald_internal.name_columns(r.target),
		NULL, herald_internal.enabled_column(r.target), NULL FROM reference AS r
	)
	SELECT c.users, c.target_columns, c.name, c.handle,
	       herald_internal.and_conditions(quote_ident(c.notifications_enabled) || ' IS NOT FALSE', c.active)
	FROM candidate AS c
	WHERE cardinality(c.target_columns) = cardinality($2)
	ORDER BY c.rank
	LIMIT 1;
$$;

-- Returns the user in columns of a row.
CREATE FUNCTION herald_internal.person_of_columns(alias text, row_alias text, relation regclass, columns text[])
	RETURNS herald_internal.person
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.id_sql(row_alias, columns),
	       coalesce(herald_internal.name_sql(alias, u.name), 'NULL'),
	       CASE WHEN u.name IS NOT NULL THEN herald_internal.left_join_sql(alias, u.users, u.key, row_alias,
	           relation, columns) END
	FROM herald_internal.user_table(relation, columns) AS u;
$$;

-- Returns the user with the id of an expression; no row unless the table may read exactly one watched users table.
CREATE FUNCTION herald_internal.person_by_id(relation regclass, alias text, id text) RETURNS herald_internal.person
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT id, coalesce(herald_internal.name_sql(alias, a.name), 'NULL'),
	       format('LEFT JOIN %s AS %I ON %s', w.relation, alias,
	              herald_internal.match_id(alias, w.relation, a.key, format('(%s)::text', id)))
	FROM (SELECT t.*, count(*) OVER () = 1 AS alone
	      FROM herald_internal.trusted_tables($1) AS t WHERE t.kind = 'users') AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[], name text[])
	WHERE w.alone;
$$;

-- Returns the SELECT of a recipient: the user in columns of a row, unless the application's own column disables
-- notifications, or the user is not active.
CREATE FUNCTION herald_internal.recipient_sql(row_alias text, relation regclass, columns text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'SELECT ' || herald_internal.id_sql(row_alias, columns) ||
	       CASE WHEN u.present IS NULL THEN ''
	       ELSE format(' FROM %s AS recipient WHERE %s', herald_internal.rows_sql(u.users, u.present),
	                   herald_internal.match_columns('recipient', u.users, u.key, row_alias, relation, columns)) END
	FROM herald_internal.user_table(relation, columns) AS u;
$$;

-- ----- subjects

-- The subject of a row, in the SQL of its rules. "author" is the SELECT of its recipient, "owner" the query for the
-- author by the id ($1), "thread" the template of the subject's own subject: the post of a comment. "rooms" are the
-- templates of the rooms that get its events: for a message that of its conversation, which only members join.
CREATE TYPE herald_internal.subject AS (type text, id text, room text, json_key text, joins text, author text,
                                        owner text, thread text, rooms text);

-- Returns the columns that hold the author of a subject; NULL without such columns.
CREATE FUNCTION herald_internal.author_columns(subject regclass) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT coalesce(a.author, a.sender)
	                 FROM herald_internal.watched_table AS w,
	                      jsonb_to_record(w.arguments) AS a (author text[], sender text[])
	                 WHERE w.relation = $1 AND (w.kind IN ('posts', 'comments') OR
	                                            w.kind = 'messages' AND NOT w.arguments ? 'sender_type')
	                 LIMIT 1),
	                herald_internal.detect_key($1, 'posts', 'author', NULL, optional => true));
$$;

-- Returns the tables that columns without a foreign key may refer to by their name: those of its noun in the schema of
-- the table, so that post_id is the id of a row of posts or forum_posts.
CREATE FUNCTION herald_internal.tables_of_noun(relation regclass, columns text[]) RETURNS SETOF regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.oid
	FROM pg_class AS mine
	JOIN pg_class AS c ON c.relnamespace = mine.relnamespace AND c.relkind IN ('r', 'p')
	CROSS JOIN herald_internal.singular_noun(c.oid) AS noun
	CROSS JOIN unnest($2) AS name
	CROSS JOIN LATERAL regexp_replace(herald_internal.name_words(name), '^(id|fk)_|_?(id|uuid|guid|key|ref|fk)$', '',
	                                  'g') AS word
	WHERE mine.oid = $1 AND c.oid <> $1 AND word <> '' AND
	      (noun = word OR noun LIKE '%\_' || word OR word LIKE '%\_' || noun)
	GROUP BY c.oid, c.relname
	ORDER BY bool_or(noun = word) DESC, c.relname;
$$;

-- Returns the table of a subject: the given one, or that of the foreign key, or the watched one with the name of the
-- column, or the only watched posts table, unless another table has that name.
CREATE FUNCTION herald_internal.detect_subject_table(relation regclass, kind text, columns text[], given regclass)
	RETURNS regclass
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	named regclass[] := ARRAY(SELECT herald_internal.tables_of_noun(relation, columns));
	found regclass := coalesce(given, (SELECT min(r::oid) FROM herald_internal.reference_targets(relation, columns) AS r
	                                   HAVING count(DISTINCT r) = 1)::regclass,
		(SELECT min(w.relation::oid) FROM herald_internal.trusted_tables(relation) AS w
		 WHERE w.kind IN ('posts', 'comments', 'messages') AND w.relation = ANY (named)
		 HAVING count(*) = 1)::regclass,
		(SELECT min(w.relation::oid) FROM herald_internal.trusted_tables(relation) AS w
		 WHERE w.kind = 'posts' AND named = '{}'
		 HAVING count(*) = 1)::regclass);
	mine regrole := (SELECT c.relowner FROM pg_class AS c WHERE c.oid = relation);
	theirs regrole := (SELECT c.relowner FROM pg_class AS c WHERE c.oid = found);
BEGIN
	IF found IS NULL THEN
		RAISE EXCEPTION 'cannot find the table of the subject of table "%"', herald_internal.plain_name(relation)
			USING ERRCODE = 'undefined_table',
			      DETAIL = format('Column %s has no foreign key, and not exactly one table of %s is watched.',
			                      array_to_string(columns, ', '),
			                      CASE named WHEN '{}' THEN 'posts' ELSE 'its name' END),
			      HINT = CASE WHEN named = '{}' THEN 'Watch the table of posts first, or pass "subject_table".'
			             ELSE 'Name it, as in: ' || herald_internal.hinted_call(kind, relation, jsonb_build_object(
			                 'subject_table', named[1]::text)) END;
	ELSIF NOT herald_internal.may_refer(relation, columns, found) THEN
		RAISE EXCEPTION 'column "%" of table "%" refers to table "%", not to "%"', array_to_string(columns, ', '),
			relation,
			(SELECT string_agg(r::text, '" and "') FROM herald_internal.reference_targets(relation, columns) AS r),
			found
			USING ERRCODE = 'invalid_foreign_key',
			      HINT = 'The foreign key says which table it is: ' || herald_internal.hinted_call(kind, relation,
			          jsonb_build_object('subject_table', NULL, 'subject_type', NULL, 'subject_tables', NULL,
			                             'sender_type', NULL, 'sender_tables', NULL));
	ELSIF NOT herald_internal.is_trusted(relation, found) THEN
		RAISE EXCEPTION 'table "%" has an owner that could run code as the owner of table "%"',
			herald_internal.plain_name(found), herald_internal.plain_name(relation)
			USING ERRCODE = 'insufficient_privilege',
			      DETAIL = format('They belong to the roles %s and %s.', theirs, mine),
			      HINT = 'Let both tables have the same owner.';
	ELSIF (SELECT c.relkind FROM pg_class AS c WHERE c.oid = found) NOT IN ('r', 'p') THEN
		RAISE EXCEPTION '"%" is not a table, and cannot hold the subjects of table "%"',
			herald_internal.plain_name(found), herald_internal.plain_name(relation)
			USING ERRCODE = 'wrong_object_type', HINT = 'Pass the table below the view.';
	ELSIF herald_internal.referenced_key(relation, columns, found) IS NULL THEN
		RAISE EXCEPTION 'table "%" of the subjects of table "%" has no key',
			herald_internal.plain_name(found), herald_internal.plain_name(relation)
			USING ERRCODE = 'undefined_column',
			      HINT = 'Give it a primary key, or name its key before, as in: ' ||
			             herald_internal.hinted_call('posts', found, jsonb_build_object(
			                 'key', (herald_internal.column_names(found))[1]));
	END IF;
	RETURN found;
END
$$;

-- Returns the tables that may hold the subject of a row: one, or one for each value of a column with the type. The
-- names of their rules end with "suffix".
CREATE FUNCTION herald_internal.subject_parts(arguments jsonb)
	RETURNS TABLE (suffix text, subject_table regclass, type_column text, value text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT '', s.subject_table, NULL, NULL
	FROM herald_internal.saved_table($1 ->> 'subject_table') AS s (subject_table)
	WHERE s.subject_table IS NOT NULL
	UNION ALL
	SELECT ':' || m.key, s.subject_table, $1 ->> 'subject_type', m.key
	FROM jsonb_each_text(CASE jsonb_typeof($1 -> 'subject_tables') WHEN 'object' THEN $1 -> 'subject_tables'
	                     ELSE '{}' END) AS m
	CROSS JOIN herald_internal.saved_table(m.value) AS s (subject_table)
	WHERE s.subject_table IS NOT NULL
	ORDER BY 1;
$$;

-- Returns the condition over a row that its subject is in the table of the part; NULL if all are.
CREATE FUNCTION herald_internal.part_condition(type_column text, value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('%I::text = %L', type_column, value);
$$;

-- Returns the condition over a row that its type is one of those with a table; NULL without a column with the type.
CREATE FUNCTION herald_internal.type_condition(type_column text, tables jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('%I::text = ANY (%L::text[])', type_column, ARRAY(SELECT jsonb_object_keys(tables)));
$$;

-- Returns whether a table has these columns, and the caller may read them without running code of others: a view, a
-- policy or a type may have some of its owner.
CREATE FUNCTION herald_internal.is_readable(relation regclass, columns text[]) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (SELECT FROM pg_class AS c
	               WHERE c.oid = $1 AND c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'SELECT') AND
	                     NOT row_security_active(c.oid)) AND
	       (SELECT count(*) = cardinality($2) AND bool_and(t.typnamespace = 'pg_catalog'::regnamespace)
	        FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
	        WHERE a.attrelid = $1 AND a.attname = ANY ($2) AND NOT a.attisdropped);
$$;

-- Returns the values of a column in rows of the table, the most frequent ones first; NULL without any. Reads rows of a
-- built-in type only: it runs no code of the table's owner.
CREATE FUNCTION herald_internal.row_values(relation regclass, name text) RETURNS text[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	values text[];
BEGIN
	IF herald_internal.is_readable(relation, ARRAY[name]) THEN
		EXECUTE format('SELECT array_agg(v.value) FROM (SELECT left(r.value::text, 100) AS value '
		               'FROM (SELECT %1$I AS value FROM %2$s WHERE %1$I IS NOT NULL LIMIT 10000) AS r '
		               'GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 9) AS v', name, relation) INTO values;
	END IF;
	RETURN values;
END
$$;

-- Returns whether a column of this name has the type of the table to which an id refers: likeable_type beside
-- likeable_id, or Django's content_type_id beside object_id.
CREATE FUNCTION herald_internal.is_type_of(words text, id_words text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT words ~ '_type$' AND id_words IN (SELECT regexp_replace(words, '_type$', '') || form
	                                         FROM unnest('{_id,_uuid,id}'::text[]) AS form) OR
	       words ~ '^content_type(_id)?$' AND id_words ~ '^object_(id|pk|uuid)$';
$$;

-- Returns the names of the tables of Django's content types, by their ids; NULL unless a column refers to them.
CREATE FUNCTION herald_internal.content_types(relation regclass, type_column text) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	types regclass := (SELECT coalesce(herald_internal.reference_target(relation, ARRAY[type_column]),
	                                   CASE WHEN herald_internal.name_words(type_column) ~ '^content_type'
	                                   THEN to_regclass(format('%I.django_content_type', n.nspname)) END)
	                   FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relation);
	found jsonb;
BEGIN
	IF herald_internal.is_readable(types, '{id,app_label,model}') THEN
		EXECUTE format('SELECT jsonb_object_agg(id::text, lower((app_label || ''_'' || model) COLLATE "C")) FROM %s',
		               types) INTO found;
	END IF;
	RETURN found;
END
$$;

-- Returns the tables that the values of a column with a type stand for: those of the rows or, as long as there are
-- none, the usual ones. A value such as "Post" or "App\Models\Post" stands for the watched table with that noun, that
-- of a content type for the table of its model, any other for no table.
CREATE FUNCTION herald_internal.tables_of_types(relation regclass, role text, type_column text) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	models jsonb := herald_internal.content_types(relation, type_column);
	named jsonb := (
		SELECT coalesce(jsonb_object_agg(coalesce(m.key, herald_internal.normalize_name(noun)), w.relation::text), '{}')
		FROM herald_internal.watched_table AS w
		JOIN pg_class AS c ON c.oid = w.relation
		CROSS JOIN herald_internal.singular_noun(w.relation) AS noun
		LEFT JOIN jsonb_each_text(models) AS m ON m.value = c.relname
		WHERE (models IS NULL OR m.key IS NOT NULL) AND
		      w.kind = ANY (CASE role WHEN 'sender' THEN '{users}' ELSE '{posts,comments,messages}'::text[] END));
	values text[] := herald_internal.row_values(relation, type_column);
BEGIN
	values := coalesce(values, (SELECT array_agg(m ORDER BY m) FROM jsonb_object_keys(models) AS m),
	                   (SELECT array_agg(herald_internal.class_name(noun) ORDER BY n.key)
	                    FROM jsonb_each_text(named) AS n
	                    CROSS JOIN herald_internal.singular_noun(n.value::regclass) AS noun),
	                   CASE role WHEN 'sender' THEN '{User}' ELSE '{Post}'::text[] END);
	RETURN (SELECT jsonb_object_agg(value, coalesce(named ->> herald_internal.normalize_name(
	                                regexp_replace(value, '^.*[^[:alnum:]_]', '')), ''))
	        FROM unnest(values) AS value);
END
$$;

-- Returns the arguments that say in which tables the subject or the sender in a column is, if its type is in a column
-- beside it, such as likeable_type beside likeable_id; NULL without one.
CREATE FUNCTION herald_internal.paired_type(relation regclass, role text, name text) RETURNS jsonb
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object(role || '_type', c.name, role || '_tables',
	                          herald_internal.tables_of_types(relation, role, c.name), 'subject_table', NULL)
	FROM unnest(herald_internal.column_names(relation)) AS c (name)
	WHERE herald_internal.is_type_of(herald_internal.name_words(c.name), herald_internal.name_words($3))
	LIMIT 1;
$$;

-- Returns the given tables of the types of a row with their full names. An empty name stands for no table.
CREATE FUNCTION herald_internal.typed_tables(relation regclass, kind text, role text, columns text[], type_column text,
                                             tables jsonb, schemas text[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	part record;
	found jsonb := '{}';
BEGIN
	IF type_column IS NULL OR jsonb_typeof(tables) IS DISTINCT FROM 'object' OR tables = '{}' THEN
		RAISE EXCEPTION 'the %s of table "%" need a column with their type, and a table for each value',
			role, herald_internal.plain_name(relation)
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = coalesce('Pass both, as in: ' || herald_internal.hinted_call(kind, relation,
			          herald_internal.paired_type(relation, role, columns[1])),
			          format('Pass both: "%1$s_type" is the column, and "%1$s_tables" an object such as %2$s.', role,
			                 CASE role WHEN 'sender' THEN '{"User": "users"}' ELSE '{"Post": "posts"}' END));
	END IF;
	IF NOT EXISTS (SELECT FROM jsonb_each_text(tables) AS m WHERE m.value <> '') THEN
		RAISE EXCEPTION 'no type in column "%" of table "%" has a table', type_column,
			herald_internal.plain_name(relation)
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = format('Watch the tables of these types, and name them in "%s_tables" instead of "".', role);
	END IF;
	FOR part IN SELECT m.key, m.value, CASE WHEN n.names[2] IS NOT NULL THEN to_regclass(m.value)
			WHEN n.names IS NOT NULL THEN (
				SELECT f.found FROM unnest(schemas) WITH ORDINALITY AS u (schema, place)
				CROSS JOIN LATERAL to_regclass(format('%I.%I', u.schema, n.names[1])) AS f (found)
				WHERE f.found IS NOT NULL ORDER BY u.place LIMIT 1) END AS target
		FROM jsonb_each_text(tables) AS m
		CROSS JOIN LATERAL parse_ident(nullif(m.value, '')) AS n (names)
	LOOP
		IF part.target IS NULL AND part.value <> '' THEN
			RAISE EXCEPTION 'table "%" of the %s "%" does not exist', part.value, role, part.key
				USING ERRCODE = 'undefined_table',
				      HINT = format('Correct "%s_tables", or write the table with its schema.', role);
		END IF;
		found := found || jsonb_build_object(part.key, CASE WHEN part.target IS NULL THEN ''
			ELSE herald_internal.detect_subject_table(relation, kind, columns, part.target)::text END);
	END LOOP;
	RETURN found;
END
$$;

-- Raises an error if the column of a subject is named after another watched table than the given one, without a foreign
-- key that could confirm either. Warns if a given column is named like others, or the table is not watched.
CREATE FUNCTION herald_internal.check_named_subject(relation regclass, kind text, columns text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	other record;
BEGIN
	SELECT format('column "%s" of table "%s" is named after %s, not after "%s"', columns[1],
	              herald_internal.plain_name(relation),
	              coalesce(format('table "%s"', herald_internal.plain_name(n.found)), 'other tables'),
	              herald_internal.plain_name(n.given)) AS message,
	       CASE WHEN n.found IS NOT NULL
	       THEN format('If it refers to table "%s": %s', herald_internal.plain_name(n.found),
	                   herald_internal.hinted_call(kind, relation, jsonb_build_object('subject_table', n.found)))
	       END AS hint,
	       EXISTS (SELECT FROM herald_internal.watched_table AS w
	               WHERE w.relation = herald_internal.named_target(check_named_subject.relation, columns)) OR
	       herald_internal.given_arguments('watch_' || kind, relation) ->> 'subject' IS NULL AS sure
	INTO other
	FROM herald_internal.other_table_named(relation, kind, columns) AS n;
	IF other.sure THEN
		RAISE EXCEPTION USING ERRCODE = 'ambiguous_column', MESSAGE = other.message, HINT = concat_ws(' ', other.hint,
			'If its name is misleading, give it a foreign key, which may be NOT VALID.');
	ELSIF FOUND THEN
		RAISE WARNING USING MESSAGE = other.message, HINT = coalesce(other.hint, 'Check "subject_table".');
	END IF;
END
$$;

-- Returns the arguments that say in which table the subject of a row is: subject_table, or subject_type and
-- subject_tables with the tables' full names.
CREATE FUNCTION herald_internal.subject_arguments(relation regclass, kind text, columns text[], subject_table regclass,
                                                  subject_type text, subject_tables jsonb, schemas text[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF subject_type IS NULL AND subject_tables IS NULL THEN
		PERFORM herald_internal.check_named_subject(relation, kind, columns);
		RETURN jsonb_build_object('subject_table',
		                          herald_internal.detect_subject_table(relation, kind, columns, subject_table));
	END IF;
	RETURN jsonb_build_object('subject_type', (herald_internal.parse_columns(relation, subject_type))[1],
		'subject_tables', herald_internal.typed_tables(relation, kind, 'subject', columns,
		                      CASE WHEN subject_table IS NULL THEN subject_type END, subject_tables, schemas));
END
$$;

-- Deletes the rules of these names, also those with a suffix.
CREATE FUNCTION herald_internal.delete_parts(relation regclass, names text[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.delete_rules($1, r.name)
	FROM (SELECT DISTINCT r.name FROM herald_internal.rule AS r
	      WHERE r.relation = $1 AND split_part(r.name, ':', 1) = ANY (names)) AS r;
$$;

-- Returns the column with the text of a comment or message; NULL without such a column.
CREATE FUNCTION herald_internal.body_column(relation regclass, given text, ignored text[]) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT ARRAY[name]
	FROM herald_internal.singular_noun(relation) AS noun
	CROSS JOIN herald_internal.detect_column(relation, given, '{content,body,text,message,comment,caption,'
		'bodytext,bodymarkdown,bodymd,bodyraw,contenttext,contentmarkdown,contentmd,rawcontent,messagetext,messagebody,'
		'commenttext,commentbody,posttext,postbody,postcontent,markdown,raw,said,txt,msg,description}'::text[] ||
		ARRAY[replace(noun, '_', ''), replace(noun, '_', '') || 'text', replace(noun, '_', '') || 'body',
		      replace(noun, '_', '') || 'content'], ignored, '{S,U}') AS name
	WHERE name IS NOT NULL;
$$;

-- Returns the template of the beginning of a text.
CREATE FUNCTION herald_internal.excerpt_template(body text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('{changed.%s:200}', body[1]);
$$;

-- Saves the query that counts the rows of a table for one subject: the total that events of the table carry. The
-- owner of the subject is notified of milestones.
CREATE FUNCTION herald_internal.save_total(relation regclass, field text, columns text[], active text,
                                           subject_type text, owner_sql text) RETURNS int
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.save_counter(relation, field,
		herald_internal.count_sql(relation::text, herald_internal.and_conditions(
			herald_internal.match_id('counted', relation, columns, 'subject.id'), active)),
		subject_type, owner_sql);
$$;

-- Returns the default of a column as SQL, if it is a constant; else NULL.
CREATE FUNCTION herald_internal.constant_default(relation regclass, name text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT d.expression
	FROM pg_attribute AS a
	JOIN pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
	CROSS JOIN LATERAL pg_get_expr(f.adbin, f.adrelid) AS d (expression)
	WHERE a.attrelid = $1 AND a.attname = $2 AND a.attgenerated = '' AND
	      d.expression ~
	          '^(true|false|\(?-?[0-9.]+\)?|''([^'']|'''')*'')(::[[:alnum:]_ ."]+(\([0-9,]+\))?)*$';
$$;

-- Returns the condition that a column which marks a row as gone is not set. Rows begin with its default; without one,
-- a time is null before it is set, a number null or 0, a boolean null or false. Raises an error for other types, which
-- asks for the values, or returns NULL (optional). "argument" is the one that names the column, '' if none does.
CREATE FUNCTION herald_internal.unset_condition(relation regclass, name text, argument text DEFAULT 'deleted_at',
                                                optional boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	initial text := herald_internal.constant_default(relation, name);
	type record;
BEGIN
	SELECT t.typcategory::text AS category,
	       t.typnamespace = 'pg_catalog'::regnamespace OR t.typcategory = 'E' AS shipped,
	       format_type(a.atttypid, a.atttypmod) AS name INTO type
	FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
	WHERE a.attrelid = relation AND a.attname = unset_condition.name;
	IF type.category = 'B' THEN
		RETURN format('%I IS %s', name, CASE initial WHEN 'true' THEN 'NOT FALSE' ELSE 'NOT TRUE' END);
	ELSIF initial IS NOT NULL OR type.category = 'N' THEN
		RETURN format(CASE WHEN type.shipped THEN '(%1$I IS NULL OR %1$I = %2$s)'
		              ELSE '(%1$I IS NULL OR %1$I::text = (%2$s)::text)' END, name, coalesce(initial, '0'));
	ELSIF type.category = 'D' OR type.name = 'uuid' THEN
		RETURN format('%I IS NULL', name);
	ELSIF optional THEN
		RETURN NULL;
	END IF;
	RAISE EXCEPTION 'cannot tell which values of column "%" of table "%" mean that the row is gone',
		name, herald_internal.plain_name(relation)
		USING ERRCODE = 'datatype_mismatch',
		      DETAIL = format('It is of type %s and has no constant default.', type.name),
		      HINT = concat_ws(' ', CASE WHEN argument <> '' THEN format('Leave "%s" out.', argument) END,
		                       herald_internal.open_question(relation, '', name, type.category, 'state'),
		                       CASE argument WHEN ''
		                       THEN format('If it says something else, pass it in "ignore": ignore => %L.', ARRAY[name])
		                       END);
END
$$;

-- Returns the condition that a row is not deleted softly, over its own columns; NULL if the table has no column for
-- that.
CREATE FUNCTION herald_internal.not_deleted_condition(relation regclass, given text, ignored text[] DEFAULT '{}',
                                                      optional boolean DEFAULT false) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.unset_condition(relation, name, CASE WHEN given IS NULL THEN '' ELSE 'deleted_at' END,
	                                       optional)
	FROM herald_internal.detect_column(relation, given, '{deletedat,deleteat,isdeleted,deleted,deletedon,discardedat}',
	                                   ignored) AS name
	WHERE name IS NOT NULL;
$$;

-- Returns the column whose time a condition compares with now(): the time at which a row enters or leaves. Returns as
-- well the condition that held before that time, for a row whose time has come. Raises an error if there is no such
-- column, several, or another use of the time: nobody could know its moment beforehand.
CREATE FUNCTION herald_internal.time_column(relation regclass, condition text, OUT name text, OUT held_before text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	present text := '(pg_catalog\.)?(now\(\)|current_timestamp)';
	ends text := '(?!\s*([-+:(]|AT\M))';
	found record;
BEGIN
	SELECT array_agg(c.name ORDER BY c.attnum) AS names,
	       array_agg(c.name ORDER BY c.attnum) FILTER (WHERE condition COLLATE "C" ~* c.comparison) AS compared,
	       min(c.comparison) FILTER (WHERE condition COLLATE "C" ~* c.comparison) AS comparison INTO found
	FROM (SELECT a.attnum, a.attname AS name,
	             format('(?<![\w.])(post\.)?%1$s\s*[<>]=?\s*%2$s%3$s|%2$s\s*[<>]=?\s*(post\.)?%1$s(?![\w"])%3$s',
	                    regexp_replace(quote_ident(a.attname), '(\W)', '\\\1', 'g'), present, ends) AS comparison
	      FROM pg_attribute AS a
	      WHERE a.attrelid = relation AND a.attnum IN (
	                SELECT r.attribute
	                FROM herald_internal.columns_read(relation, format('SELECT FROM %s AS post WHERE (%s)', relation,
	                                                                   condition)) AS r
	                WHERE r.read = relation AND r.attribute > 0) AND
	            herald_internal.base_type(format_type(a.atttypid, -1)) = ANY ('{date,timestamp,timestamptz}'::regtype[])
	      ) AS c;
	IF cardinality(found.compared) IS DISTINCT FROM 1 OR
	   herald_internal.dependencies_of(relation, regexp_replace(condition COLLATE "C", found.comparison, 'true', 'gi'))
	       IS NOT NULL
	THEN
		RAISE EXCEPTION 'the condition "active" of table "%" does not compare one column with now()',
			herald_internal.plain_name(relation)
			USING ERRCODE = 'invalid_parameter_value',
			      DETAIL = 'Rows enter and leave at the time in that column.',
			      HINT = format('Compare one column that has this time, and do not compute with it: active => %L.',
			                    format('%1$I IS NULL OR %1$I > now()',
			                           coalesce(found.compared[1], found.names[1], 'expires_at')));
	END IF;
	name := found.compared[1];
	held_before := regexp_replace(condition COLLATE "C", found.comparison, '(NOT (\&))', 'gi');
END
$$;

-- Returns the arguments that say when the time changes rows of a kind; none if the condition that they are present does
-- not depend on it. Users and blocks are asked anew each time.
CREATE FUNCTION herald_internal.time_arguments(relation regclass, kind text, arguments jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	present text := arguments ->> 'present';
	name text;
	held_before text;
	columns text[];
BEGIN
	IF kind IN ('users', 'blocks') OR present IS NULL OR
	   herald_internal.dependencies_of(relation, present) IS NULL THEN
		RETURN '{}';
	END IF;
	SELECT c.name, c.held_before INTO name, held_before FROM herald_internal.time_column(relation, present) AS c;
	IF arguments ? 'published_time' THEN
		RAISE EXCEPTION 'the condition "active" of table "%" depends on a second time',
			herald_internal.plain_name(relation)
			USING ERRCODE = 'feature_not_supported',
			      DETAIL = format('Rows are published by the time in column "%s".',
			                      arguments -> 'published_columns' ->> 0),
			      HINT = CASE kind WHEN 'posts' THEN format('Say who sees a post, instead: visible => %L.',
			                                                format('post.%1$I IS NULL OR post.%1$I > now()', name))
			             ELSE format('Let the call ignore one of both: ignore => ''{%s}''.', name) END;
	END IF;
	columns := coalesce((SELECT array_agg(k.name ORDER BY k.place)
	                     FROM jsonb_array_elements_text(arguments -> 'key') WITH ORDINALITY AS k (name, place)),
	                    herald_internal.primary_key(relation));
	IF columns IS NULL THEN
		RAISE EXCEPTION 'table "%" has no primary key', herald_internal.plain_name(relation)
			USING ERRCODE = 'invalid_table_definition',
			      DETAIL = 'Its rows leave by time, and each must be found again by its key.',
			      HINT = format('Give it one, such as: ALTER TABLE %s ADD id bigint GENERATED ALWAYS AS IDENTITY '
			                    'PRIMARY KEY;', relation);
	END IF;
	IF EXISTS (SELECT FROM herald_internal.watched_table AS w
	           WHERE w.relation = time_arguments.relation AND w.kind <> time_arguments.kind AND
	                 w.arguments -> 'published_columns' <> to_jsonb(ARRAY[name])) THEN
		RAISE EXCEPTION 'rows of table "%" change by the times in several columns', herald_internal.plain_name(relation)
			USING ERRCODE = 'feature_not_supported',
			      HINT = format('Use the same column in each call: %I.', name);
	END IF;
	RETURN jsonb_build_object('key', columns, 'by_time', true, 'published_columns', ARRAY[name],
	                          'published_time', format('%I::timestamptz', name), 'held_before', held_before);
END
$$;

-- Returns the condition that a row exists for the rules, over its own columns: it is not deleted softly, and the
-- argument "active" of the call holds. Rules see a row when it is written, and at the time in a column that "active"
-- compares with now(). So "active" must depend on nothing else but the row, unless the table is asked anew each time
-- ("asked").
CREATE FUNCTION herald_internal.present_condition(relation regclass, deleted_at text, active text, schemas text[],
                                                  ignored text[], asked boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	dependencies text;
BEGIN
	PERFORM herald_internal.check_watchable(relation);
	active := herald_internal.resolve_active(relation, active, schemas);
	IF active IS NOT NULL THEN
		dependencies := herald_internal.dependencies_of(relation, active);
		IF dependencies = 'function now()' AND NOT asked THEN
			PERFORM herald_internal.time_column(relation, active);
		ELSIF dependencies IS NOT NULL AND NOT asked THEN
			RAISE EXCEPTION 'the condition "active" of table "%" depends on more than its row',
				herald_internal.plain_name(relation)
				USING ERRCODE = 'invalid_parameter_value',
				      DETAIL = format('It uses %s. No row is written when that changes, so the rules would not notice.',
				                      dependencies),
				      HINT = 'Use columns of the row only, and now().';
		END IF;
	END IF;
	RETURN herald_internal.and_conditions(
		herald_internal.not_deleted_condition(relation, deleted_at, ignored,
		                                      optional => deleted_at IS NULL AND active IS NOT NULL), active);
END
$$;

-- Returns the parts of a condition, as a list in words, that can change while the row stays as it is: the time, other
-- tables, and functions that may use either. NULL: there are none.
CREATE FUNCTION herald_internal.dependencies_of(relation regclass, condition text) RETURNS text
LANGUAGE sql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
	WITH used AS (
		SELECT r.read, r.function
		FROM herald_internal.columns_read($1, format('SELECT FROM %s AS post WHERE (%s)', $1, $2)) AS r
		EXCEPT
		SELECT r.read, r.function FROM herald_internal.columns_read($1, format('SELECT FROM %s AS post', $1)) AS r
	)
	SELECT string_agg(DISTINCT d.name, ', ')
	FROM used AS u
	LEFT JOIN pg_proc AS p ON p.oid = u.function
	CROSS JOIN LATERAL (SELECT coalesce('table ' || u.read::text, 'function ' || u.function::text)) AS d (name)
	WHERE u.read <> $1
	   OR p.provolatile = 'v'
	   OR p.provolatile = 's' AND (p.pronamespace <> 'pg_catalog'::regnamespace OR
	                               u.function IN ('now()'::regprocedure, 'transaction_timestamp()'::regprocedure,
	                                              'statement_timestamp()'::regprocedure,
	                                              'age(timestamptz)'::regprocedure, 'age(timestamp)'::regprocedure));
$$;

-- Returns the FROM item of the rows that meet a condition over their own columns. Another table in the same FROM clause
-- does not make the condition ambiguous.
CREATE FUNCTION herald_internal.rows_sql(relation regclass, condition text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce('(SELECT post.* FROM ' || relation || ' AS post WHERE ' || condition || ')', relation::text);
$$;

-- Returns the condition that a member has not left, over the columns of the row; NULL if the table has no column for
-- that.
CREATE FUNCTION herald_internal.not_left_condition(relation regclass, given text, ignored text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.and_conditions(VARIADIC array_agg(herald_internal.unset_condition(relation, name,
	                                                                                         'left_at')))
	FROM unnest(coalesce(herald_internal.parse_columns(relation, given),
	                     herald_internal.named_columns(relation, '{leftat,lefton,leftdate,lefttime,hasleft,removedat,'
	                                                             'removedon}', ignored, '{B,D}'))) AS name;
$$;

-- Returns the columns that say whether a post or a message is published: the given ones, or those of these names. "at"
-- is the time in such a column, NULL for a boolean. A timestamp without a zone is a time of this one.
CREATE FUNCTION herald_internal.publication_columns(relation regclass, given text, ignored text[], zone text)
	RETURNS TABLE (place bigint, name text, at text)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT n.place, n.name, CASE type WHEN 'boolean' THEN NULL WHEN 'timestamp with time zone' THEN format('%I', n.name)
	                        ELSE format('%I::timestamp AT TIME ZONE %L', n.name, zone) END
	FROM unnest(coalesce(herald_internal.parse_columns(relation, given),
	                     herald_internal.named_columns(relation, '{publishedat,publishedon,publisheddate,'
	                                                             'publicationdate,published,ispublished,draft,isdraft}',
	                                                   ignored, '{B,D}'))) WITH ORDINALITY AS n (name, place)
	CROSS JOIN LATERAL herald_internal.column_type(relation, n.name) AS type;
$$;

-- Returns the condition that a post is published, over the columns of the row; NULL if the table has no column for
-- that. A time is that of the publication: NULL means never, and a later time not yet. If a status or a boolean says
-- whether a post is published, or the time is that of a delay such as scheduled_for, NULL does not matter. The name of
-- a boolean says its meaning: draft is the opposite of published.
CREATE FUNCTION herald_internal.published_condition(relation regclass, given text, ignored text[], zone text,
                                                    with_status boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.and_conditions(VARIADIC array_agg(CASE
		WHEN p.at IS NOT NULL THEN format(CASE
			WHEN with_status OR p.at_will OR p.words ~ '(^|_)(schedul|send|deliver|delay|embargo)'
			THEN '(%1$I IS NULL OR %2$s <= now())'
			ELSE '%1$I IS NOT NULL AND %2$s <= now()' END, p.name, p.at)
		WHEN NOT herald_internal.is_affirmative('posts', p.words) THEN format('%I IS NOT TRUE', p.name)
		ELSE format('%I IS TRUE', p.name)
	END ORDER BY p.place))
	FROM (SELECT c.*, herald_internal.name_words(c.name) AS words, bool_or(c.at IS NULL) OVER () AS at_will
	      FROM herald_internal.publication_columns(relation, given, ignored, zone) AS c) AS p;
$$;

-- Returns the arguments that describe the time of publication; none without one.
CREATE FUNCTION herald_internal.schedule_arguments(relation regclass, given text, ignored text[], zone text)
	RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN count(*) = 0 THEN '{}' ELSE
		jsonb_build_object('published_columns', array_agg(p.name ORDER BY p.place), 'published_time',
		                   CASE WHEN count(*) = 1 THEN min(p.at)
		                   ELSE format('greatest(%s)', string_agg(p.at, ', ' ORDER BY p.place)) END) END
	FROM herald_internal.publication_columns(relation, given, ignored, zone) AS p
	WHERE p.at IS NOT NULL;
$$;

-- Returns the condition that a post or a message is shown to others than its author: it is published, or accepted, and
-- sent. NULL: all are.
CREATE FUNCTION herald_internal.shown_condition(arguments jsonb) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.and_conditions(herald_internal.value_condition(a.status, coalesce(a.published, a.accepted)),
	                                      a.published_when)
	FROM jsonb_to_record(arguments) AS a (status text, published text, accepted text, published_when text);
$$;

-- Compiles the rules that make the records of ids that rows leave void, since other rows may take them, that schedule
-- rows with a time of publication that is still to come, and that record the rows that an UPDATE publishes. A row may
-- take an id in the statement in which another one leaves it: so the void records, of time -infinity, come first. Only
-- ids with records that are to be run get one.
CREATE FUNCTION herald_internal.compile_scheduled(relation regclass, arguments jsonb, suffix text DEFAULT '')
	RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	scheduled record;
	id text;
	shown text := herald_internal.shown_condition(arguments);
	whether text := CASE WHEN (arguments ->> 'by_time')::boolean THEN NULL ELSE arguments ->> 'present' END;
	made record;
BEGIN
	SELECT * INTO scheduled FROM jsonb_to_record(arguments)
		AS a (key text[], present text, published_columns text[], published_time text, on_error text, by_time boolean);
	id := herald_internal.id_sql('changed', scheduled.key);
	PERFORM herald_internal.delete_rules(relation, 'scheduled' || suffix),
		herald_internal.delete_rules(relation, 'published' || suffix),
		herald_internal.delete_rules(relation, 'unscheduled' || suffix);
	FOR made IN
		SELECT m.*
		FROM format('coalesce((SELECT %s FROM (SELECT changed.*) AS post), now())', scheduled.published_time)
			AS time (of_row)
		CROSS JOIN LATERAL (VALUES
			('unscheduled', 'delete', whether, array_to_string(scheduled.key, ','),
			 format('EXISTS (SELECT FROM (SELECT old.*) AS post WHERE %s IS NOT NULL)', scheduled.published_time),
			 '''-infinity'''),
			('scheduled', 'insert', herald_internal.and_conditions(whether, scheduled.published_time || ' > now()'),
			 array_to_string(scheduled.key || scheduled.published_columns, ','), 'true', time.of_row),
			('published', 'update', NULL, NULL,
			 format(CASE WHEN scheduled.by_time
			        THEN 'EXISTS (SELECT FROM (SELECT new.*) AS post WHERE %1$s) <> '
			             'EXISTS (SELECT FROM (SELECT old.*) AS post WHERE %1$s)'
			        ELSE 'EXISTS (SELECT FROM (SELECT new.*) AS post WHERE %1$s) AND '
			             'NOT EXISTS (SELECT FROM (SELECT old.*) AS post WHERE %1$s)' END,
			        herald_internal.and_conditions(scheduled.present, shown)), time.of_row))
			AS m (rule, operation, active, key, condition, at)
		WHERE scheduled.published_time IS NOT NULL
	LOOP
		PERFORM herald_internal.watch(relation, made.rule || suffix, ARRAY[made.operation], active => made.active,
			key => made.key, condition => made.condition, on_error => scheduled.on_error, due_id => id,
			due_at => made.at);
	END LOOP;
END
$$;

-- Schedules the rows that a table has, and that are still to be published. A dry run reads none.
CREATE FUNCTION herald_internal.schedule_existing(relation regclass, kind text) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.schedule_rows($1, format('SELECT %s AS id, (%s)::timestamptz AS at FROM %s AS post WHERE %s',
		herald_internal.id_sql('post', a.key), a.published_time, $1,
		herald_internal.and_conditions(CASE WHEN a.by_time THEN NULL ELSE a.present END,
		                               a.published_time || ' > now()')))
	FROM herald_internal.watched_table AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[], present text, published_time text, by_time boolean)
	WHERE w.relation = $1 AND w.kind = $2 AND a.published_time IS NOT NULL AND NOT herald_internal.is_dry_run();
$$;

-- Returns the condition that the time of a row has come, and changes whether it is present: a row that stays for
-- another reason is as it was.
CREATE FUNCTION herald_internal.time_changes(at text, present text, held_before text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('%s <= now() AND (%s) IS TRUE <> (%s) IS TRUE', at, present, held_before);
$$;

-- Returns the query for the rows of a watched table that are published now, and a column with their time. $1 are the
-- ids, and $2 the tables that were emptied since the rows of these ids were scheduled: a row in one of them now is
-- another row.
CREATE FUNCTION herald_internal.due_query(relation regclass) RETURNS TABLE (sql text, time_column text)
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('SELECT post.* FROM unnest($1, $2) AS herald_due (herald_id, herald_emptied) JOIN %s AS post ON %s '
	              'WHERE post.tableoid <> ALL (herald_emptied::oid[]) AND ((%s))', w.relation,
	              herald_internal.match_id('post', w.relation, a.key, 'herald_id'),
	              string_agg(CASE WHEN a.by_time
	                         THEN herald_internal.time_changes(a.published_time, a.present, a.held_before)
	                         ELSE herald_internal.and_conditions(a.present,
	                                                             herald_internal.shown_condition(w.arguments)) END,
	                         ') OR (')),
	       a.published_columns[1]
	FROM herald_internal.watched_table AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[], present text, published_time text, held_before text,
	                                              published_columns text[], by_time boolean)
	WHERE w.relation = $1 AND a.published_time IS NOT NULL
	GROUP BY w.relation, a.key, a.published_time, a.published_columns;
$$;

-- Returns the condition that a row is present, and not shown to others.
CREATE FUNCTION herald_internal.draft_condition(present text, shown text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.and_conditions(present, format('(%s) IS NOT TRUE', shown));
$$;

-- Compiles the events of posts or messages that only their author may see: the author's sessions get them, and nobody
-- else. A draft that is shown (the condition "active") is not deleted.
CREATE FUNCTION herald_internal.compile_drafts(relation regclass, suffix text, key text[], draft text, active text,
	joins text, noun text, rooms text, payload text, on_error text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	made record;
BEGIN
	FOR made IN
		SELECT * FROM (VALUES
			('draft', 'insert', ':created', 'true'),
			('draft_update', 'update', ':updated', 'true'),
			('draft_delete', 'delete', ':deleted',
			 format('new.%I IS NULL OR NOT EXISTS (SELECT FROM (SELECT new.*) AS post WHERE %s)', key[1], active)))
			AS m (rule, operation, event, condition)
	LOOP
		PERFORM herald_internal.watch(relation, made.rule || suffix, ARRAY[made.operation], active => draft,
			condition => made.condition, on_error => on_error, joins => joins, event => noun || made.event,
			rooms => rooms, payload => payload);
	END LOOP;
END
$$;

-- Returns the condition that a column has one of these values (separated by commas); NULL without a column.
CREATE FUNCTION herald_internal.value_condition(name text, accepted text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('%s::text = ANY (%L::text[])', name, regexp_split_to_array(btrim(accepted), '\s*,\s*'))
	WHERE name <> '';
$$;

-- Returns the values that a column can have: the labels of an enum, or the texts of a CHECK over the column alone or of
-- its domain. NULL if there is no such limit.
CREATE FUNCTION herald_internal.possible_values(relation regclass, name text) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum AS e
	                 WHERE e.enumtypid = coalesce(nullif(t.typbasetype, 0), t.oid)),
	                (SELECT array_agg(m[1])
	                 FROM (SELECT pg_get_constraintdef(c.oid) AS text FROM pg_constraint AS c
	                       WHERE c.conrelid = $1 AND c.contype = 'c' AND c.conkey = ARRAY[a.attnum]
	                       UNION ALL
	                       SELECT pg_get_constraintdef(c.oid) FROM pg_constraint AS c
	                       WHERE c.contypid = t.oid AND c.contype = 'c' AND t.typtype = 'd') AS d
	                 CROSS JOIN regexp_matches(d.text, '''([^'']*)''::', 'g') AS m
	                 WHERE d.text ~ '= ANY |^CHECK \(+[^~<>]* = '))
	FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
	WHERE a.attrelid = $1 AND a.attname = $2;
$$;

-- Returns the values of an argument such as "accepted" that a watch call takes by default.
CREATE FUNCTION herald_internal.usual_values(function text, argument text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_to_array(regexp_replace(pg_get_function_arg_default(f.oid, a.place::int), '^''|''::text$', '', 'g'),
	                       ',')
	FROM pg_proc AS f CROSS JOIN unnest(f.proargnames) WITH ORDINALITY AS a (name, place)
	WHERE f.pronamespace = 'herald'::regnamespace AND f.proname = function AND a.name = argument;
$$;

-- Returns the values of a status, separated by commas: the given ones, in the spelling that the column has. Raises an
-- error if the column can have none of them, or cannot have one that is no usual value. Warns if no row has one and
-- other rows are not in "others" either. It reads rows of a built-in type only: it runs no code of the table's owner.
CREATE FUNCTION herald_internal.status_values(relation regclass, status text, argument text, given text,
                                              others text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	name text := (herald_internal.parse_columns(relation, status))[1];
	wanted text[] := regexp_split_to_array(btrim(given), '\s*,\s*');
	possible text[] := herald_internal.possible_values(relation, name);
	begins text := substring(herald_internal.constant_default(relation, name) FROM '^''([^'']+)''');
	type record;
	found text[];
	missed text;
BEGIN
	SELECT t.typcategory AS category, herald_internal.column_type(relation, name) AS name,
	       t.typnamespace = 'pg_catalog'::regnamespace AS built_in INTO type
	FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid WHERE a.attrelid = relation AND a.attname = name;
	IF type.category NOT IN ('S', 'E', 'N', 'B') THEN
		RAISE EXCEPTION 'column "%" of table "%" is of type %, and cannot be a status',
			name, herald_internal.plain_name(relation), type.name
			USING ERRCODE = 'datatype_mismatch',
			      HINT = 'Pass a text, an enum, a number or a boolean as "status". For others there is "active".';
	END IF;
	IF wanted && '{...}' THEN
		RAISE EXCEPTION '"%" lacks the values of column "%"', argument, name
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = format('Three dots stand for the values that count, separated by commas: %s.',
			                    coalesce(herald_internal.values_in_words(relation, name), 'no row has one yet'));
	END IF;
	possible := coalesce(possible, CASE type.category WHEN 'B' THEN '{true,false}'::text[] END);
	found := CASE WHEN possible IS NOT NULL
		THEN ARRAY(SELECT p.value FROM unnest(possible) AS p (value) WHERE lower(p.value COLLATE "C") = ANY (
		               SELECT lower(w.value COLLATE "C") FROM unnest(wanted) AS w (value)))
		WHEN type.category = 'N' THEN ARRAY(SELECT w.value FROM unnest(wanted) AS w (value) WHERE w.value ~ '^-?\d+$')
		ELSE wanted END;
	IF found = '{}' AND (others IS NOT NULL OR argument = 'published') THEN
		RAISE EXCEPTION 'column "%" of table "%" cannot be %',
			name, herald_internal.plain_name(relation), array_to_string(wanted, ' or ')
			USING ERRCODE = 'invalid_parameter_value',
			      DETAIL = coalesce('Its values are ' || array_to_string(possible, ', ') || '.',
			                        'Its values are numbers' || coalesce(': ' ||
			                            herald_internal.values_in_words(relation, name), '') || '.'),
			      HINT = format('Pass those that count as "%s".', argument);
	END IF;
	SELECT string_agg(w.value, ' or ') INTO missed
	FROM unnest(wanted) AS w (value)
	WHERE (possible IS NOT NULL OR type.category = 'N') AND w.value <> '' AND
	      lower(w.value COLLATE "C") <> ALL (ARRAY(SELECT lower(f.value COLLATE "C")
	                                               FROM unnest(found) AS f (value))) AND
	      w.value <> ALL (herald_internal.usual_values(
	          nullif(current_setting('herald_internal.watch_call', true), '')::jsonb ->> 'function', argument));
	IF missed IS NOT NULL THEN
		RAISE EXCEPTION 'column "%" of table "%" cannot be %', name, herald_internal.plain_name(relation), missed
			USING ERRCODE = 'invalid_parameter_value',
			      DETAIL = coalesce('Its values are ' || array_to_string(possible, ', ') || '.',
			                        'Its values are numbers.'),
			      HINT = format('Correct "%s".', argument);
	END IF;
	IF possible IS NULL AND type.built_in AND found <> '{}' AND (others IS NOT NULL OR argument = 'published') THEN
		EXECUTE format('SELECT string_agg(value, '', '') FROM (SELECT DISTINCT left(%1$I::text, 30) AS value FROM %2$s '
		               'WHERE %1$I::text <> ALL ($1) AND NOT EXISTS (SELECT FROM %2$s WHERE %1$I::text = ANY ($2)) '
		               'ORDER BY value LIMIT 5) AS v', name, relation)
			INTO missed USING found || coalesce(regexp_split_to_array(btrim(others), '\s*,\s*'), '{}'), found;
		IF missed IS NOT NULL THEN
			RAISE WARNING 'no row of table "%" has a "%" of %',
				herald_internal.plain_name(relation), name, array_to_string(found, ' or ')
				USING DETAIL = format('Other rows have %s.', missed),
				      HINT = format('If one of these means the same, pass it as "%s".', argument);
		END IF;
	END IF;
	IF others IS NOT NULL AND found <> '{}' AND
	   begins <> ALL (found || regexp_split_to_array(btrim(others), '\s*,\s*')) AND
	   herald_internal.is_waiting_value(begins) THEN
		RAISE WARNING 'rows of table "%" begin with a "%" of %, which is in neither list',
			herald_internal.plain_name(relation), name, begins
			USING HINT = format('If it means that a row waits, pass it as "pending": %s,%s.', others, begins);
	END IF;
	RETURN array_to_string(found, ',');
END
$$;

-- Returns the arguments that describe a status column; none without one.
CREATE FUNCTION herald_internal.status_arguments(relation regclass, status text, accepted text, pending text)
	RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN status IS NULL THEN '{}' ELSE
		jsonb_build_object('status', herald_internal.quoted_column(relation, status),
		                   'accepted', herald_internal.status_values(relation, status, 'accepted', accepted, pending),
		                   'pending', herald_internal.status_values(relation, status, 'pending', pending)) END;
$$;

-- Returns the quoted name of a column, for conditions over a row alone.
CREATE FUNCTION herald_internal.quoted_column(relation regclass, given text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT quote_ident((herald_internal.parse_columns(relation, given))[1]);
$$;

-- ----- compiling

-- Compiles the rules of a call. The triggers follow when all rules are there: one that is dropped, and created again,
-- would lock the table against all readers until the transaction ends.
CREATE FUNCTION herald_internal.compile_rules(relation regclass, kind text, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF kind IN ('posts', 'comments', 'likes') THEN
		PERFORM herald_internal.check_subject_nouns(arguments);
		PERFORM herald_internal.save_watched(relation, kind, jsonb_strip_nulls(arguments || jsonb_build_object(
			'rooms', herald_internal.marked_rooms(relation, herald_internal.opened_rooms(relation, kind, arguments)))));
	END IF;
	CASE kind
		WHEN 'users' THEN PERFORM herald_internal.compile_users(relation, arguments);
		WHEN 'posts' THEN PERFORM herald_internal.compile_posts(relation, arguments);
		WHEN 'likes' THEN PERFORM herald_internal.compile_likes(relation, arguments);
		WHEN 'comments' THEN PERFORM herald_internal.compile_comments(relation, arguments);
		WHEN 'follows' THEN PERFORM herald_internal.compile_follows(relation, arguments);
		WHEN 'follow_requests' THEN PERFORM herald_internal.compile_follow_requests(relation, arguments);
		WHEN 'members' THEN PERFORM herald_internal.compile_members(relation, arguments);
		WHEN 'messages' THEN PERFORM herald_internal.compile_messages(relation, arguments);
		WHEN 'blocks' THEN PERFORM herald_internal.compile_blocks(relation, arguments);
		ELSE NULL; -- a call of herald.watch()
	END CASE;
	IF (arguments ->> 'by_time')::boolean AND kind NOT IN ('posts', 'messages') THEN
		PERFORM herald_internal.compile_scheduled(relation, arguments, '_' || kind);
	END IF;
	PERFORM herald.sync_triggers(relation);
	PERFORM herald_internal.sync_subject_access(herald_internal.saved_table(arguments ->> 'subject_table'));
END
$$;

-- Returns the arguments of a call with a table that was made anew in the place of the subject that had its name.
CREATE FUNCTION herald_internal.succeeded_arguments(saved jsonb, successor regclass) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((
		SELECT saved || jsonb_strip_nulls(jsonb_build_object(
			'subject_table', CASE saved ->> 'subject_table' WHEN t.value ->> 'name' THEN successor::text END,
			'subject_tables', (SELECT jsonb_object_agg(s.key, CASE s.value WHEN t.value ->> 'name' THEN successor::text
			                                                  ELSE s.value END)
			                   FROM jsonb_each_text(saved -> 'subject_tables') AS s)))
		FROM jsonb_each(saved -> 'names' -> 'tables') AS t
		JOIN herald_internal.watched_table AS w ON w.relation = t.key::oid
		WHERE w.relation <> successor AND w.arguments ->> 'table' = successor::text
		LIMIT 1), saved);
$$;

-- Returns the watched tables whose rules read the record of a table, as one of these kinds. All tables read users and
-- blocks. Other kinds are read by one kind, or by the tables that refer to them, by foreign keys or in the arguments of
-- their calls, directly or not. A table may be made anew in the place of a watched one, to which others refer. Posts
-- whose conditions read a table give it rules.
CREATE FUNCTION herald_internal.dependent_tables(relation regclass, kinds text[]) RETURNS regclass[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found regclass[] := ARRAY(SELECT w.relation FROM herald_internal.watched_table AS w
	                          WHERE w.arguments ->> 'table' = dependent_tables.relation::text) || relation;
	latest regclass[] := found;
BEGIN
	WHILE latest <> '{}' LOOP
		latest := ARRAY(SELECT c.conrelid FROM pg_constraint AS c
		                WHERE c.contype = 'f' AND c.confrelid = ANY (latest) AND c.conrelid <> ALL (found)
		                UNION
		                SELECT w.relation FROM herald_internal.watched_table AS w
		                WHERE w.relation <> ALL (found) AND
		                      (w.arguments -> 'names' -> 'tables' ?| latest::oid[]::text[] OR
		                       jsonb_path_query_array(w.arguments, 'lax $.names.tables.*.name') ?| latest::text[]));
		found := found || latest;
	END LOOP;
	RETURN ARRAY(
		SELECT w.relation FROM herald_internal.watched_table AS w
		WHERE w.relation = ANY (found) OR kinds && '{users,blocks}' OR
		      w.kind = ANY (SELECT CASE kind WHEN 'follows' THEN 'posts' WHEN 'follow_requests' THEN 'follows'
		                                     WHEN 'members' THEN 'messages' WHEN 'messages' THEN 'members' END
		                    FROM unnest(kinds) AS kind) OR
		      EXISTS (SELECT FROM herald_internal.watched_table AS read
		              WHERE read.relation = dependent_tables.relation AND read.kind = 'posts' AND
		                    read.arguments -> 'reads' ? w.relation::text));
END
$$;

-- Returns the place of a kind of table in an order in which each table is watched before those that refer to it.
CREATE FUNCTION herald_internal.place_of_kind(kind text) RETURNS int
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_position('{users,posts,comments,likes,follows,follow_requests,members,messages,blocks}', kind);
$$;

-- Compiles these other watched tables of the caller again. A failure of one of them is only a warning: the table that
-- is being watched may be the remedy. Rules of one table run in the order in which they were compiled.
CREATE FUNCTION herald_internal.recompile_others(relation regclass, others regclass[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	other herald_internal.watched_table;
BEGIN
	FOR other IN
		SELECT w.*
		FROM herald_internal.watched_table AS w
		JOIN pg_class AS c ON c.oid = w.relation
		WHERE w.relation = ANY (others) AND w.relation <> recompile_others.relation AND
		      pg_has_role(c.relowner, 'USAGE')
		ORDER BY w.relation, herald_internal.place_of_kind(w.kind)
	LOOP
		BEGIN
			PERFORM herald_internal.compile_rules(other.relation, other.kind,
			                                      herald_internal.succeeded_arguments(other.arguments, relation));
		EXCEPTION WHEN OTHERS THEN
			RAISE WARNING 'could not compile the rules of table "%" again: %',
				herald_internal.plain_name(other.relation), SQLERRM
				USING DETAIL = 'Its previous rules stay in force.',
				      HINT = format('Watch it again: %s', herald_internal.watch_call(other.relation, other.kind));
		END;
	END LOOP;
END
$$;

-- Returns whether the keys of two tables may have equal values that mean different rows: they do not refer to each
-- other or to the same table, neither was said to have the users of the other ("same_as"), and neither uuids nor a
-- common sequence keep them apart. Numbers are counted up in any table; other ids of tables with different names are
-- thought to be of one kind.
CREATE FUNCTION herald_internal.may_share_ids(one regclass, one_key text[], other regclass, other_key text[])
	RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH side AS (
		SELECT s.relation, c.relname, t.typcategory, t.oid AS type, pg_get_expr(d.adbin, d.adrelid) AS preset,
		       ARRAY(SELECT f.target FROM herald_internal.foreign_keys(s.relation) AS f WHERE f.columns = s.key
		             UNION ALL
		             SELECT herald_internal.saved_table(w.arguments ->> 'same_as')
		             FROM herald_internal.watched_table AS w WHERE w.relation = s.relation AND w.kind = 'users') ||
		       s.relation || CASE WHEN herald_internal.normalize_name(s.key[1]) =
		                               herald_internal.normalize_name(herald_internal.singular_noun(s.rival)) || 'id'
		                     THEN s.rival END AS origins
		FROM (VALUES (one, one_key, other), (other, other_key, one)) AS s (relation, key, rival)
		JOIN pg_class AS c ON c.oid = s.relation
		JOIN pg_attribute AS a ON a.attrelid = s.relation AND a.attname = s.key[1]
		JOIN pg_type AS t ON t.oid = herald_internal.base_type(format_type(a.atttypid, -1))
		LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	)
	SELECT bool_or(NOT (a.origins && b.origins) AND a.type <> 'uuid'::regtype AND b.type <> 'uuid'::regtype AND
	               (a.typcategory = 'N' AND b.typcategory = 'N' OR a.relname = b.relname) AND
	               (a.preset = b.preset AND a.preset LIKE 'nextval(%') IS NOT TRUE)
	FROM side AS a
	JOIN side AS b ON a.relation = one AND b.relation = other;
$$;

-- Returns the columns of the changed row that have users in a call of herald.watch(): the recipient, the actor, and
-- those of rooms "user:ID". '' for users in a column of another table: their table is not known. Ids that another
-- expression makes are not known to be those of users.
CREATE FUNCTION herald_internal.users_of_rule(call jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT DISTINCT CASE WHEN p.part[1] IN ('new', 'old', 'changed') AND p.part[3] IS NULL THEN btrim(p.part[2], '"')
	                ELSE '' END
	FROM unnest('{recipient,actor}'::text[]) AS role
	CROSS JOIN regexp_match(herald_internal.plain_sql(call ->> role),
	                        '^\s*(?:select\s+(?:distinct\s+)?)?(?:(\w+|"[^"]+")\.)?'
	                        '([[:alpha:]_]\w*|"[^"]+")(?:::\w+)?\s*(\mfrom\s.*)?$', 'i') AS p (part)
	WHERE p.part[1] IS NOT NULL OR p.part[3] IS NOT NULL
	UNION
	SELECT CASE WHEN coalesce(p.part[1], 'changed') IN ('new', 'old', 'changed') THEN p.part[2] ELSE '' END
	FROM regexp_matches(call ->> 'room', '(?<=^|[\s,])user:\{(?:(\w+)\.)?(\w+)\}', 'g') AS p (part);
$$;

-- Returns the tables of the users of all watched tables, with their keys: a watched table of users itself, those that
-- the columns of users refer to, by a foreign key or by their name, and, for columns that say neither, the table in
-- their schema that has the name of a table of users in the schema of another watched table: of a tenant. Tables that
-- others have replaced, and that have other names now, do not count.
CREATE FUNCTION herald_internal.tables_of_users() RETURNS TABLE (relation regclass, users regclass, key text[])
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH watched AS MATERIALIZED (
		SELECT w.*, c.relnamespace
		FROM herald_internal.watched_table AS w
		JOIN pg_class AS c ON c.oid = w.relation
		WHERE NOT (w.relation::text <> w.arguments ->> 'table' AND
		           EXISTS (SELECT FROM pg_class AS o JOIN pg_namespace AS n ON n.oid = o.relnamespace
		                   WHERE format('%I.%I', n.nspname, o.relname) = w.arguments ->> 'table' AND
		                         o.relowner::regrole::text = w.arguments ->> 'table_owner'))
	), reference AS MATERIALIZED (
		SELECT c.conrelid::regclass AS relation, ARRAY[a.attname::text] AS columns, c.confrelid::regclass AS target,
		       ARRAY[t.attname::text] AS target_columns
		FROM pg_constraint AS c
		JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
		JOIN pg_attribute AS t ON t.attrelid = c.confrelid AND t.attnum = c.confkey[1]
		WHERE c.contype = 'f' AND cardinality(c.conkey) = 1 AND c.conrelid IN (SELECT w.relation FROM watched AS w)
		UNION
		SELECT w.relation, f.*
		FROM (SELECT DISTINCT c.conrelid::regclass AS relation FROM pg_constraint AS c
		      WHERE c.contype = 'f' AND cardinality(c.conkey) > 1 AND
		            c.conrelid IN (SELECT w.relation FROM watched AS w)) AS w
		CROSS JOIN LATERAL herald_internal.foreign_keys(w.relation) AS f
	), used AS (
		SELECT w.relation, w.relnamespace, c.columns
		FROM watched AS w
		CROSS JOIN unnest('{author,actor,follower,followee,member,sender,receiver,blocker,blocked}'::text[]) AS role
		CROSS JOIN LATERAL (SELECT ARRAY(SELECT jsonb_array_elements_text(
		                        CASE jsonb_typeof(w.arguments -> role) WHEN 'array' THEN w.arguments -> role
		                        ELSE '[]' END))) AS c (columns)
		WHERE c.columns <> '{}' AND NOT (role = 'sender' AND w.arguments ? 'sender_type')
		UNION
		SELECT w.relation, w.relnamespace, ARRAY[u.name]
		FROM watched AS w
		CROSS JOIN LATERAL herald_internal.users_of_rule(w.arguments -> 'call') AS u (name)
		WHERE w.kind LIKE 'rule %'
	), part AS MATERIALIZED (
		SELECT DISTINCT u.relation, u.relnamespace, u.columns, f.target, f.target_columns
		FROM used AS u
		LEFT JOIN reference AS f ON f.relation = u.relation AND f.columns @> u.columns AND f.columns <@ u.columns
	), unreferenced AS MATERIALIZED (
		SELECT p.relation, p.relnamespace, p.columns[1] AS name FROM part AS p
		WHERE p.target IS NULL AND cardinality(p.columns) = 1
	), named AS MATERIALIZED (
		SELECT n.relnamespace, n.name, t.oid AS users
		FROM (SELECT u.relnamespace, u.name, min(u.relation::oid)::regclass AS relation FROM unreferenced AS u
		      GROUP BY 1, 2) AS n
		CROSS JOIN LATERAL herald_internal.named_table(n.relation, n.name) AS t (oid)
		WHERE (herald_internal.kind_of_name(herald_internal.singular_noun(t.oid))).kind = 'users'
	), space AS (
		SELECT DISTINCT w.relnamespace FROM watched AS w
	), twin AS MATERIALIZED (
		SELECT DISTINCT mine.relnamespace, mine.oid AS users
		FROM space AS s
		JOIN space AS o ON o.relnamespace <> s.relnamespace
		JOIN pg_class AS theirs ON theirs.relnamespace = o.relnamespace AND theirs.relkind IN ('r', 'p')
		JOIN pg_class AS mine ON mine.relnamespace = s.relnamespace AND mine.relname = theirs.relname AND
		                         mine.relkind IN ('r', 'p')
		WHERE CASE WHEN EXISTS (SELECT FROM watched AS w WHERE w.kind = 'users')
		      THEN theirs.oid IN (SELECT w.relation FROM watched AS w WHERE w.kind = 'users')
		      ELSE (herald_internal.kind_of_name(herald_internal.singular_noun(mine.oid))).kind = 'users' END
	)
	SELECT w.relation, w.relation, k.key
	FROM watched AS w CROSS JOIN jsonb_to_record(w.arguments) AS k (key text[])
	WHERE w.kind = 'users'
	UNION
	SELECT p.relation, p.target, p.target_columns FROM part AS p WHERE p.target IS NOT NULL
	UNION
	SELECT u.relation, t.users, herald_internal.primary_key(t.users)
	FROM unreferenced AS u
	CROSS JOIN LATERAL (
		SELECT n.users FROM named AS n WHERE n.relnamespace = u.relnamespace AND n.name = u.name
		UNION ALL
		SELECT t.users FROM twin AS t
		WHERE t.relnamespace = u.relnamespace AND
		      NOT EXISTS (SELECT FROM named AS n WHERE n.relnamespace = u.relnamespace AND n.name = u.name))
		AS t (users);
$$;

CREATE FUNCTION herald_internal.refers_to(relation regclass, target regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (SELECT FROM herald_internal.foreign_keys($1) AS f WHERE f.target = $2);
$$;

-- Raises an error if two tables of users may have the same ids: an inbox belongs to an id. A table has ids of the
-- users, and a watched one those of the others.
CREATE FUNCTION herald_internal.refuse_shared_inboxes(relation regclass, users regclass, watched regclass,
                                                      others regclass) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'users of tables "%" and "%" would share inboxes', others, users
		USING ERRCODE = 'feature_not_supported',
		      DETAIL = 'An inbox belongs to an id, such as user 1, and both tables can have it: each user would get '
		               'the notifications of the other.' ||
		               CASE WHEN others <> watched THEN format(' Table %s has ids of the former.', watched)
		               ELSE '' END ||
		               CASE WHEN users <> relation THEN format(' Table %s has ids of the latter.', relation)
		               ELSE '' END,
		      HINT = 'Use uuids or one sequence for the keys of both, or a database for each tenant.' ||
		             CASE WHEN NOT herald_internal.refers_to(users, others) AND
		                       NOT herald_internal.refers_to(others, users)
		             THEN format(' If an id means the same user in both: SELECT herald.watch_users(%L, same_as => %L);',
		                         users, others)
		             ELSE '' END ||
		             CASE WHEN users = relation AND others = watched
		             THEN format(' To watch %s in the place of %s, first: SELECT herald.unwatch(%2$L);', users, others)
		             ELSE '' END;
END
$$;

-- Raises an error if the users of a watched table, and those of another one, may have the same ids, such as those of
-- tenants with a schema for each. A table that was made anew takes the place of the watched one.
CREATE FUNCTION herald_internal.check_user_ids(relation regclass) RETURNS void
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH known AS MATERIALIZED (
		SELECT * FROM herald_internal.tables_of_users()
	), conflict AS (
		SELECT mine.users, theirs.relation AS watched, theirs.users AS others
		FROM known AS mine
		JOIN known AS theirs ON theirs.users <> mine.users
		WHERE mine.relation = $1 AND NOT herald_internal.same_ids(mine.users, theirs.users) AND
		      NOT EXISTS (SELECT FROM herald_internal.watched_table AS w
		                  WHERE w.relation = theirs.users AND herald_internal.is_replaced(w, mine.users) OR
		                        w.relation = mine.users AND herald_internal.is_replaced(w, theirs.users)) AND
		      herald_internal.may_share_ids(mine.users, mine.key, theirs.users, theirs.key)
		ORDER BY theirs.users = theirs.relation DESC, theirs.relation, theirs.users
		LIMIT 1
	)
	SELECT herald_internal.refuse_shared_inboxes($1, c.users, c.watched, c.others) FROM conflict AS c;
$$;

-- Raises an error if a table refers to users that are not those of the watched table, by the name of theirs, so that no
-- column of it is found. Profiles of these users are no others.
CREATE FUNCTION herald_internal.check_referenced_users(relation regclass) RETURNS void
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.refuse_shared_inboxes($1, f.target, w.relation, w.relation)
	FROM herald_internal.foreign_keys($1) AS f
	JOIN herald_internal.watched_table AS w ON w.kind = 'users'
	CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[])
	CROSS JOIN herald_internal.kind_of_name(herald_internal.singular_noun(f.target)) AS k
	WHERE k.kind = 'users' AND herald_internal.is_user_table(f.target) IS FALSE AND
	      NOT herald_internal.refers_to(f.target, w.relation) AND
	      herald_internal.may_share_ids(f.target, f.target_columns, w.relation, a.key)
	ORDER BY f.target, w.relation
	LIMIT 1;
$$;

-- Raises an error if two tables of members or of messages may have the same ids of different conversations: they would
-- share rooms, and members of one the messages of the other. A table of members and one of messages have the same ones
-- unless they are known to refer to different tables.
CREATE FUNCTION herald_internal.check_conversation_ids(relation regclass, kind text, arguments jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	other regclass := (
		SELECT w.relation
		FROM herald_internal.watched_table AS w
		CROSS JOIN jsonb_to_record(w.arguments) AS a (conversation text[])
		CROSS JOIN jsonb_to_record(check_conversation_ids.arguments) AS b (conversation text[])
		JOIN pg_attribute AS x ON x.attrelid = w.relation AND x.attname = a.conversation[1]
		JOIN pg_attribute AS y ON y.attrelid = check_conversation_ids.relation AND y.attname = b.conversation[1]
		JOIN pg_type AS s ON s.oid = x.atttypid AND s.typcategory = 'N'
		JOIN pg_type AS t ON t.oid = y.atttypid AND t.typcategory = 'N'
		WHERE w.kind IN ('members', 'messages') AND w.relation <> check_conversation_ids.relation AND
		      w.arguments ->> 'table' IS DISTINCT FROM check_conversation_ids.relation::text AND
		      cardinality(a.conversation) = cardinality(b.conversation) AND
		      NOT CASE w.kind
		          WHEN check_conversation_ids.kind
		          THEN herald_internal.same_conversations(w.relation, a.conversation, check_conversation_ids.relation,
		                                                  b.conversation)
		          ELSE coalesce(herald_internal.conversation_target(w.relation, a.conversation) =
		                        herald_internal.conversation_target(check_conversation_ids.relation, b.conversation),
		                        true) END
		ORDER BY w.relation
		LIMIT 1);
BEGIN
	IF other IS NOT NULL THEN
		RAISE EXCEPTION 'conversations of tables "%" and "%" would share rooms', other, relation
			USING ERRCODE = 'feature_not_supported',
			      DETAIL = 'A room belongs to an id, such as conversation 1, and both tables can have it: members of '
			               'one would get the messages of the other.',
			      HINT = 'Use uuids or one sequence for the ids of both, or watch one of them.' || CASE WHEN EXISTS (
			          SELECT FROM herald_internal.watched_table AS w
			          WHERE w.relation = other AND w.kind = check_conversation_ids.kind)
			      THEN format(' To watch %s in the place of %s, first: SELECT herald.unwatch(%2$L);', relation, other)
			      ELSE '' END;
	END IF;
END
$$;

-- Saves the columns of a table, makes its rules, and tells the caller about the columns. The rooms that the table has
-- opened stay until those are compiled: only rooms that change are checked again.
CREATE FUNCTION herald_internal.register_table(relation regclass, kind text, arguments jsonb, ignored text[])
	RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	dependents regclass[] := herald_internal.dependent_tables(relation, ARRAY[kind]);
BEGIN
	PERFORM herald_internal.check_watchable(relation);
	IF kind IN ('members', 'messages') THEN
		PERFORM herald_internal.check_conversation_ids(relation, kind, arguments);
	END IF;
	arguments := jsonb_strip_nulls(arguments || jsonb_build_object('ignore', nullif(ignored, '{}')));
	PERFORM herald_internal.check_id_sizes(relation, kind, arguments),
		herald_internal.check_unused_columns(relation, kind, arguments),
		herald_internal.check_one_meaning(relation, kind, arguments),
		herald_internal.check_lifted(relation, kind, arguments);
	arguments := arguments || herald_internal.time_arguments(relation, kind, arguments);
	arguments := herald_internal.marked_conditions(relation, arguments);
	PERFORM herald_internal.save_watched(relation, kind, jsonb_strip_nulls(arguments || jsonb_build_object('rooms',
		(SELECT w.arguments -> 'rooms' FROM herald_internal.watched_table AS w
		 WHERE w.relation = register_table.relation AND w.kind = register_table.kind))));
	PERFORM herald_internal.check_user_ids(relation);
	PERFORM herald_internal.compile_rules(relation, kind, arguments);
	PERFORM herald_internal.tell_findings(relation, kind, arguments);
	PERFORM herald_internal.schedule_existing(relation, kind);
	IF kind <> 'likes' THEN
		PERFORM herald_internal.recompile_others(relation, dependents ||
		            herald_internal.dependent_tables(relation, ARRAY[kind]));
	END IF;
END
$$;
