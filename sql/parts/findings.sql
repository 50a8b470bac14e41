-- ---------------------------------------------------------------------------
-- Findings: the roles that a call has found, and the columns that it leaves out
-- ---------------------------------------------------------------------------

-- Returns the roles of a kind of table that the notice of a call lists, in its order.
CREATE FUNCTION herald_internal.listed_roles(kind text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE kind
		WHEN 'users' THEN '{key,name,handle,notifications_enabled}'
		WHEN 'posts' THEN '{author,parent,key,body,deleted_at,published_at}'
		WHEN 'likes' THEN '{actor,subject,subject_table,kind,deleted_at}'
		WHEN 'comments' THEN '{author,subject,subject_table,parent,key,body,deleted_at}'
		WHEN 'follows' THEN '{follower,followee,deleted_at}'
		WHEN 'follow_requests' THEN '{follower,followee,deleted_at}'
		WHEN 'members' THEN '{conversation,member,last_read,left_at}'
		WHEN 'messages' THEN '{sender,receiver,conversation,key,body,deleted_at,published_at}'
		WHEN 'blocks' THEN '{blocker,blocked,deleted_at}'
	END::text[];
$$;

-- Returns the roles of a table with their columns, separated by commas; NULL for one that was looked for in vain. The
-- roles that became a condition are not among them. Of the receiver and the conversation of a message, one suffices.
CREATE FUNCTION herald_internal.found_roles(kind text, arguments jsonb)
	RETURNS TABLE (place bigint, role text, columns text)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT r.place, r.role, c.columns
	FROM unnest(herald_internal.listed_roles(kind)) WITH ORDINALITY AS r (role, place)
	CROSS JOIN LATERAL (SELECT string_agg(v #>> '{}', ', ')
	                    FROM jsonb_path_query(arguments -> r.role, 'lax $[*] ? (@ != null)') AS v) AS c (columns)
	WHERE c.columns IS NOT NULL OR NOT arguments ?| CASE
		WHEN r.role IN ('receiver', 'conversation') THEN '{receiver,conversation}'::text[]
		WHEN r.role = 'kind' THEN '{actor}'
		WHEN r.role IN ('deleted_at', 'left_at') THEN '{present}'
		WHEN r.role = 'subject_table' THEN '{subject_tables}'
		WHEN r.role = 'parent' AND kind = 'posts' THEN '{author}'
		WHEN r.role = 'published_at' THEN '{published_when,status}' ELSE '{}' END;
$$;

-- Returns the columns that an argument names: as an array, as a name or as a word of a condition.
CREATE FUNCTION herald_internal.used_columns(arguments jsonb) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_agg(word)
	FROM jsonb_path_query(arguments - '{on_error,zone,accepted,pending,published,ack,payload_columns,noun,'
		'subject_tables,sender_tables}'::text[], 'strict $.**') AS v
	CROSS JOIN unnest(ARRAY[v #>> '{}'] || regexp_split_to_array(v #>> '{}', '[^[:alnum:]_$]+')) AS word
	WHERE jsonb_typeof(v) = 'string';
$$;

-- Returns whether the name of a switch says that it switches notifications off.
CREATE FUNCTION herald_internal.is_opposite_switch(words text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT words ~ '(^|_)(mute|muted|out|optout|silent|silence|silenced|unsubscribed|dnd|disturb|disabled|disable|off|'
	               'no|block|blocked|hide|suppress|suppressed|pause|paused)(_|$)';
$$;

-- Returns whether the name of a column says that a row has come to its end, such as unfollowed_at.
CREATE FUNCTION herald_internal.is_end(words text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT words ~ ('(^|_)(un[a-z]+ed|ended|lifted|withdrawn|cancell?ed|stopped|undone|dissolved|rejected|declined|'
	                'dismissed)(_at|_on|_date|_time)?$');
$$;

-- Returns whether a column is the time of an act by which a row may be a like, a follow or a block, such as voted_at.
CREATE FUNCTION herald_internal.is_time_of_act(kind text, words text, category text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT kind IN ('likes', 'follows', 'blocks') AND category = 'D' AND words ~ '_(at|on)$' AND
	       NOT herald_internal.is_end(words) AND
	       words !~ '(^|_)(created?|updated?|inserted|modified|changed|edited|added|recorded|notified|synced|imported|'
	                'deleted?|discarded|trashed|removed|hidden|archived|banned|suspended|deactivated|disabled|revoked|'
	                'expires?|expired)_(at|on)$';
$$;

-- Returns the meaning that a column may have for a row, by its name and its category of type: "left", "off" (no
-- notifications for a user), "waiting" (not published or accepted yet), "sender" (whether the sender is a user) or
-- "state" (anything else that may tell whether a row counts). A table can have a row for all that somebody does with
-- another, and a time for each of these acts.
CREATE FUNCTION herald_internal.column_meaning(kind text, words text, category text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN words ~ '(^|_)(id|uuid|by|count|counter|total|token|hash|reason|note|notes|label|color|title|url|body)$'
		THEN NULL
		WHEN kind = 'members' AND
		     words ~ '(^|_)(left|leave|leaves|removed|kicked|expelled|exited|departed|ended|inactive|deactivated|'
		             'banned|suspended|rejected|declined|revoked|discarded|deleted?)(_|$)'
		THEN 'left'
		WHEN kind IN ('users', 'members', 'follows') AND (category <> 'D' OR words ~ '(^|_)muted?_') AND
		     words ~ '(^|_)(notif[a-z]*|mute|muted|silent|silence|silenced|unsubscribed|subscribed|dnd|do_not_disturb|'
		             'opt_out|opted_out|opt_in|opted_in|optout|optin)(_|$)' AND
		     words !~ ('(^|_)(last|seen|read|unread|sound|count|marketing|newsletter|promo[a-z]*|ads|advert[a-z]*|'
		               'analytics|tracking|cookies?)(_|$)')
		THEN 'off'
		WHEN kind IN ('posts', 'comments', 'messages') AND
		     words ~ '(^|_)(draft|drafts|published|publish|scheduled|schedule|embargo|embargoed|approved|go_live)(_|$)'
		THEN 'waiting'
		WHEN kind IN ('follows', 'members', 'blocks', 'likes') AND
		     words ~ '(^|_)(accepted|approved|confirmed|pending)(_|$)'
		THEN 'waiting'
		WHEN kind = 'members' AND category = 'D' AND words ~ '(^|_)joined(_|$)' THEN 'waiting'
		WHEN kind = 'messages' AND words ~ '^(sender|author|writer|from|owner|creator|participant)_type$' THEN 'sender'
		WHEN words ~ ('(^|_)(status|state|stage|visibility|visible|privacy|audience|score|expires|expiry|expiration|'
		             'expired|deleted?_?(at)?|discarded|trashed|private|public|internal|hidden|archived|spam|flagged|'
		             'removed|banned|suspended|deactivated|active|enabled|disabled|revoked|valid_until|until|ends|'
		             'scope|vote|value|direction)'
		             '(_at|_on|_date|_time|_until)?$') OR
		     category IN ('B', 'D') AND
		     words ~ '(^|_)(deleted|discarded|trashed|removed|hidden|archived|flagged|rejected|revoked)_(by|for)_' OR
		     words ~ '(^|_)(type|kind|category|emoji|reaction)$' AND
		     words !~ '(mime|media|file|content|attachment|format|account)_type$' OR
		     kind = 'likes' AND words ~ '(^|_)(weight|rating|polarity|sentiment)$' OR
		     kind IN ('likes', 'follows', 'blocks') AND category IN ('B', 'E') AND
		     words !~ '(^|_)(seen|read|viewed|notified|sent|synced|processed)$' OR
		     herald_internal.is_time_of_act(kind, words, category) OR herald_internal.is_end(words)
		THEN 'state'
	END;
$$;

-- Returns the argument that makes a call use such a column; NULL without one. It is an example: values are left open.
-- A type is paired if there is also an id of that name. Of the time of publication, the call knows columns already.
CREATE FUNCTION herald_internal.column_argument(kind text, name text, words text, category text, meaning text,
                                                paired boolean, published text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN meaning = 'other' AND words !~ 'type$' THEN NULL
		WHEN meaning = 'sender' THEN format('sender_type => %L, sender_tables => %L', name, '{"...": "users"}')
		WHEN meaning = 'left' AND category IN ('B', 'D') THEN format('left_at => %L', name)
		WHEN meaning = 'off' AND kind = 'users' AND category = 'B' AND herald_internal.is_opposite_switch(words)
		THEN format('active => %L', format('%I IS NOT TRUE', name))
		WHEN meaning = 'off' AND kind = 'users' AND category = 'B' THEN format('notifications_enabled => %L', name)
		WHEN meaning = 'off' AND kind = 'members' AND category IN ('B', 'D') THEN format('muted => %L', name)
		WHEN meaning = 'off' OR kind = 'users' AND words ~ '(private|public|visib|privacy|audience)' THEN NULL
		WHEN meaning = 'waiting' AND kind IN ('posts', 'messages') AND category IN ('B', 'D') AND
		     words !~ '(^|_)approved(_|$)' THEN format('published_at => %L', array_to_string(published || name, ', '))
		WHEN kind IN ('posts', 'follows', 'members', 'messages') AND category IN ('S', 'E') AND
		     words ~ '(^|_)(status|state)$'
		THEN format('status => %L', name)
		WHEN kind IN ('posts', 'follows', 'members', 'messages') AND category = 'N' AND words ~ '(^|_)(status|state)$'
		THEN format('status => %L, %s => ''...''', name, CASE kind WHEN 'posts' THEN 'published' ELSE 'accepted' END)
		WHEN meaning = 'audience' THEN format('visible => %L', format('post.%I = ...', name))
		WHEN kind = 'posts' AND words ~ '(visib|privacy|private|audience|public)'
		THEN format('visible => %L', format(CASE category WHEN 'B' THEN 'post.%I' ELSE 'post.%I = ''...''' END, name))
		WHEN words ~ '^(is_)?(deleted?_?(at|on)?|discarded(_at)?)$' AND kind NOT IN ('users', 'members')
		THEN format('deleted_at => %L', name)
		WHEN category = 'D' AND words ~ '(until|ends|expires|expiry|expiration)' AND kind NOT IN ('users', 'blocks')
		THEN CASE WHEN kind = 'posts' THEN
			format('visible => %L', format('post.%1$I IS NULL OR post.%1$I > now()', name)) END
		WHEN kind = 'likes' AND category IN ('S', 'E') AND NOT paired AND
		     words ~ '(^|_)(kind|category|type|emoji|reaction)$'
		THEN format('kind => %L', name)
		WHEN kind IN ('likes', 'comments') AND words ~ '_type$' AND paired THEN format('subject_type => %L', name)
		ELSE format('active => %L', format(CASE
			WHEN category = 'D' AND words ~ '(until|ends|expires|expiry|expiration)' THEN '%1$I IS NULL OR %1$I > now()'
			WHEN category = 'D' AND (meaning = 'waiting' OR herald_internal.is_time_of_act(kind, words, category))
			THEN '%1$I IS NOT NULL'
			WHEN category = 'D' THEN '%1$I IS NULL'
			WHEN category = 'B' AND words ~ ('(accepted|approved|confirmed|published|active|enabled|public|visible)|'
			                                 '(^|_)(up|upvoted?|liked?|positive)$')
			THEN '%1$I'
			WHEN category = 'B' AND kind IN ('likes', 'follows', 'blocks') AND NOT herald_internal.is_end(words) AND
			     herald_internal.column_meaning('comments', words, category) IS NULL
			THEN '%1$I = ...'
			WHEN category = 'B' THEN 'NOT %1$I'
			WHEN category = 'N' AND words ~ '(score|vote|value|direction|weight|rating|polarity|sentiment)'
			THEN '%1$I > 0'
			ELSE '%1$I = ''...''' END, name))
	END;
$$;

-- Returns whether a column of values, such as a status, can have one that means "not yet".
CREATE FUNCTION herald_internal.can_wait(relation regclass, name text) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(bool_or(v.value ~* ('(draft|pending|request|schedul|unpublished|queued|invited|waiting|unapproved|'
	                                    'unconfirmed|review|proposed)')), false)
	FROM (SELECT unnest(herald_internal.possible_values($1, $2))
	      UNION ALL
	      SELECT pg_get_expr(d.adbin, d.adrelid)
	      FROM pg_attrdef AS d JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
	      WHERE a.attrelid = $1 AND a.attname = $2) AS v (value);
$$;

-- Returns whether a column of posts limits who may see them: it is that of a group, or users have it as well, with the
-- tenant of both.
CREATE FUNCTION herald_internal.is_audience(kind text, name text) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT kind = 'posts' AND
	       (n.words ~ ('(^|_)(group|team|channel|forum|community|circle|space|club|room|guild|server|course|class|'
	                   'classroom|cohort|chapter|workspace)_?(id|uuid)$') OR
	        n.words ~ '^(tenant|organi[sz]ation|org|company|site)_?(id|uuid)$' AND
	        EXISTS (SELECT FROM herald_internal.watched_table AS w
	                WHERE w.kind = 'users' AND name = ANY (herald_internal.column_names(w.relation))))
	FROM herald_internal.name_words(name) AS n (words);
$$;

-- Returns the condition that the viewer is a member of the group in a column of a post: of a table that refers to the
-- same group and to a user, and that is named after members; NULL without one.
CREATE FUNCTION herald_internal.membership_condition(relation regclass, name text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('%sEXISTS (SELECT FROM %s AS member WHERE member.%I = post.%I AND member.%I::text = viewer)',
	              CASE WHEN NOT a.attnotnull THEN format('post.%I IS NULL OR ', name) END, m.relation,
	              m.group_column, name, m.member_column)
	FROM herald_internal.foreign_keys($1) AS f
	JOIN pg_attribute AS a ON a.attrelid = $1 AND a.attname = $2
	CROSS JOIN LATERAL (
		SELECT c.oid::regclass AS relation, g.columns[1] AS group_column, u.columns[1] AS member_column
		FROM (SELECT DISTINCT k.conrelid FROM pg_constraint AS k
		      WHERE k.confrelid = f.target AND k.contype = 'f' AND k.conrelid <> $1) AS k
		JOIN pg_class AS c ON c.oid = k.conrelid AND c.relkind IN ('r', 'p')
		CROSS JOIN herald_internal.foreign_keys(c.oid) AS g
		CROSS JOIN herald_internal.foreign_keys(c.oid) AS u
		WHERE g.target = f.target AND g.columns <> u.columns AND cardinality(u.columns) = 1 AND
		      herald_internal.is_user_table(u.target) AND
		      herald_internal.name_words(c.relname::text) ~ '(member|subscri|particip|enrol|join|user)'
		ORDER BY c.relname ~* 'member' DESC, c.relname
		LIMIT 1) AS m
	WHERE f.columns = ARRAY[$2]
	LIMIT 1;
$$;

-- Returns whether a column refers to another table of subjects than the call found: both may be null, so that each row
-- refers to one of the tables.
CREATE FUNCTION herald_internal.is_other_subject(relation regclass, kind text, name text, arguments jsonb)
	RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT $2 IN ('likes', 'comments') AND NOT $4 ? 'subject_tables' AND EXISTS (
		SELECT FROM herald_internal.foreign_keys($1) AS f
		JOIN pg_attribute AS a ON a.attrelid = $1 AND a.attname = ANY (ARRAY[$3, $4 -> 'subject' ->> 0])
		CROSS JOIN herald_internal.kind_of_name(herald_internal.singular_noun(f.target)) AS k
		WHERE f.columns = ARRAY[$3] AND f.target <> $1 AND f.target::text IS DISTINCT FROM $4 ->> 'subject_table' AND
		      (k.kind IN ('posts', 'comments', 'messages') OR
		       EXISTS (SELECT FROM herald_internal.watched_table AS w
		               WHERE w.relation = f.target AND w.kind IN ('posts', 'comments', 'messages')))
		HAVING count(*) = 2 AND NOT bool_or(a.attnotnull));
$$;

-- Returns the columns that may tell whether a row counts, and that a call neither uses nor ignores: none of its
-- arguments names them, nor those of a call for the same table as another kind. A status waits unless the call knows
-- another way: its values say so, or are numbers, which say nothing. A time that every row has is that of its
-- creation. If there is a general switch of notifications, those of single ways such as email matter less. Beside an id
-- that the call uses and that is no foreign key, a type says which table the id is of: its meaning is "other".
-- "audience" is that of a post.
CREATE FUNCTION herald_internal.unused_columns(relation regclass, kind text, arguments jsonb)
	RETURNS TABLE (name text, meaning text, argument text)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT a.attname::text, m.meaning,
	       coalesce(CASE WHEN m.meaning = 'audience'
	                THEN 'visible => ' || quote_literal(herald_internal.membership_condition($1, a.attname::text)) END,
	                herald_internal.column_argument($2, a.attname::text, w.words, t.typcategory::text, m.meaning,
	                                       paired.name IS NOT NULL, ARRAY(
	                                           SELECT c.name
	                                           FROM unnest(herald_internal.column_names($1)) AS c (name)
	                                           WHERE c.name = ANY (herald_internal.used_columns(
	                                                     jsonb_build_object('is', $3 -> 'published_when'))))))
	FROM pg_attribute AS a
	JOIN pg_type AS t ON t.oid = a.atttypid
	CROSS JOIN herald_internal.name_words(a.attname::text) AS w (words)
	CROSS JOIN herald_internal.column_meaning($2, w.words, t.typcategory::text) AS known (meaning)
	CROSS JOIN LATERAL herald_internal.used_columns($3 || jsonb_build_object('others', (
		SELECT jsonb_agg(o.arguments) FROM herald_internal.watched_table AS o
		WHERE o.relation = $1 AND o.kind <> $2))) AS used (columns)
	LEFT JOIN LATERAL (
		SELECT id.name FROM unnest(herald_internal.column_names($1)) AS id (name)
		WHERE w.words ~ 'type$' AND herald_internal.name_words(id.name) = regexp_replace(w.words, 'type$', 'id')
		LIMIT 1) AS paired ON true
	CROSS JOIN LATERAL (SELECT CASE
		WHEN known.meaning IS NULL AND herald_internal.is_audience($2, a.attname::text) THEN 'audience'
		WHEN a.attnotnull AND a.atthasdef AND known.meaning = 'waiting' AND t.typcategory = 'D' OR
		     (a.attnotnull OR a.atthasdef) AND $2 = 'members' AND known.meaning = 'waiting' AND t.typcategory = 'D' OR
		     (a.attnotnull OR a.atthasdef) AND herald_internal.is_time_of_act($2, w.words, t.typcategory::text)
		THEN NULL
		WHEN herald_internal.is_other_subject($1, $2, a.attname::text, $3) THEN 'other'
		WHEN known.meaning = 'off' AND $3 ? 'notifications_enabled' AND
		     w.words ~ '(email|mail|push|sms|mobile|desktop|web|digest|newsletter|marketing)' THEN 'state'
		WHEN known.meaning = 'state' AND paired.name = ANY (used.columns) AND
		     NOT EXISTS (SELECT FROM herald_internal.foreign_keys($1) AS f WHERE f.columns = ARRAY[paired.name])
		THEN 'other'
		WHEN known.meaning = 'state' AND $2 <> 'users' AND w.words ~ '(^|_)(status|state|stage)$' AND
		     NOT $3 ?| '{status,published_when}' AND
		     (t.typcategory = 'N' OR herald_internal.can_wait($1, a.attname::text)) THEN 'waiting'
		ELSE known.meaning END) AS m (meaning)
	WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND m.meaning IS NOT NULL AND
	      a.attname <> ALL (used.columns)
	ORDER BY a.attnum;
$$;

-- Raises an error if the call leaves out a column by which rows of a table may not count, or be of another table.
CREATE FUNCTION herald_internal.check_unused_columns(relation regclass, kind text, arguments jsonb)
	RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	unused record;
BEGIN
	SELECT u.name, u.argument, m.could, array_agg(u.name) OVER () AS names INTO unused
	FROM herald_internal.unused_columns(relation, kind, arguments) AS u
	JOIN (VALUES ('left', 'that a member has left'), ('sender', 'that a sender is not a user'),
	             ('off', 'that a user gets no notifications'), ('other', 'that rows refer to several tables'),
	             ('waiting', CASE WHEN kind IN ('posts', 'comments', 'messages') THEN 'that a row is not published yet'
	                         ELSE 'that a row is not accepted yet' END)) AS m (meaning, could) USING (meaning)
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'column "%" of table "%" could mean %, and is not used', unused.name, relation, unused.could
			USING ERRCODE = 'ambiguous_column',
			      HINT = concat(CASE WHEN unused.argument IS NOT NULL
			                    THEN format('Use it, as in: SELECT herald.watch_%s(%L, %s); or let', kind, relation,
			                                unused.argument)
			                    ELSE 'Let' END, format(' the call ignore it: ignore => %L.', unused.names::text));
	END IF;
END
$$;

-- Returns the condition by which a row of a watched table counts; NULL if every row does.
CREATE FUNCTION herald_internal.row_condition(arguments jsonb) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.plain_sql(herald_internal.and_conditions(arguments ->> 'present', arguments ->> 'active',
		herald_internal.value_condition(arguments ->> 'status',
		                                coalesce(arguments ->> 'published', arguments ->> 'accepted')),
		arguments ->> 'published_when'));
$$;

-- Raises an error if the same rows would be follows and blocks: each of the two kinds needs a condition of its own.
CREATE FUNCTION herald_internal.check_one_meaning(relation regclass, kind text, arguments jsonb) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	lacking text;
BEGIN
	SELECT CASE WHEN herald_internal.row_condition(w.arguments) IS NULL THEN w.kind ELSE check_one_meaning.kind END
	INTO lacking
	FROM herald_internal.watched_table AS w
	WHERE w.relation = check_one_meaning.relation AND '{follows,blocks}' @> ARRAY[w.kind, check_one_meaning.kind] AND
	      w.kind <> check_one_meaning.kind AND
	      (herald_internal.row_condition(w.arguments) IS NULL OR
	       herald_internal.row_condition(check_one_meaning.arguments) IS NULL OR
	       herald_internal.row_condition(w.arguments) = herald_internal.row_condition(check_one_meaning.arguments));
	IF FOUND THEN
		RAISE EXCEPTION 'rows of table "%" would be follows and blocks at once', relation
			USING ERRCODE = 'ambiguous_column',
			      HINT = format('Say which rows are %1$s, as in: SELECT herald.watch_%1$s(%2$L, %3$s);',
			          lacking, relation, coalesce((SELECT u.argument
			                    FROM herald_internal.unused_columns(relation, lacking, arguments - 'active') AS u
			                    WHERE u.argument LIKE 'active => %'
			                    ORDER BY strpos(u.name, rtrim(lacking, 's')) DESC LIMIT 1), 'active => ''...'''));
	END IF;
END
$$;

-- Tells the caller which columns have a role, which roles have none, and which columns may matter and do not.
CREATE FUNCTION herald_internal.tell_findings(relation regclass, kind text, arguments jsonb)
	RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	roles text;
	unused text;
	examples text;
	details text;
BEGIN
	SELECT string_agg(format('%s = %s', f.role, coalesce(f.columns, 'none')), ', ' ORDER BY f.place) INTO roles
	FROM herald_internal.found_roles(kind, arguments) AS f;
	SELECT string_agg(u.name, ', ' ORDER BY u.place),
	       string_agg(u.argument, ', ' ORDER BY u.place) FILTER (WHERE u.first) INTO unused, examples
	FROM (SELECT c.*, row_number() OVER (PARTITION BY split_part(c.argument, ' ', 1) ORDER BY c.place) = 1 AS first
	      FROM herald_internal.unused_columns(relation, kind, arguments) WITH ORDINALITY
	          AS c (name, meaning, argument, place)) AS u;
	details := concat_ws(' ',
		coalesce('A row counts if ' || herald_internal.row_condition(arguments) || '.', 'Every row counts.'),
		CASE WHEN kind IN ('posts', 'comments', 'messages') AND NOT arguments ? 'body'
		THEN 'Without a body there are no mentions, and notifications show no text.' END,
		CASE WHEN kind = 'users' AND NOT arguments ? 'handle' THEN 'Without a handle there are no mentions.' END,
		'Not used: ' || unused || '.');
	IF unused IS NULL THEN
		RAISE NOTICE 'watching "%" as %: %', relation, kind, roles USING DETAIL = details;
	ELSE
		RAISE NOTICE 'watching "%" as %: %', relation, kind, roles
			USING DETAIL = details,
			      HINT = format('Columns that are not used may matter: %signore => %L.',
			                    coalesce('pass them, as in ' || examples || ', or ', ''), '{' || unused || '}');
	END IF;
END
$$;
