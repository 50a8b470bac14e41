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

-- Returns the columns that an argument names: as an array, as a name or as a word of a condition. Those that a
-- condition reads are of other tables as well.
CREATE FUNCTION herald_internal.used_columns(arguments jsonb) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_agg(word)
	FROM jsonb_path_query(arguments - '{on_error,zone,accepted,pending,published,ack,payload_columns,noun,reads,'
		'audience,subject_tables,sender_tables,same_as}'::text[], 'strict $.**') AS v
	CROSS JOIN unnest(ARRAY[v #>> '{}'] || regexp_split_to_array(v #>> '{}', '[^[:alnum:]_$]+')) AS word
	WHERE jsonb_typeof(v) = 'string';
$$;

-- Returns the arguments that make a call use such a column, as its name and its values say; NULL if they do not: a
-- condition that were a guess could turn the meaning of the rows. "counts" is the format of the condition by which a
-- row counts, if it is known, "shown" are the values of a status by which it is shown; NULL: the usual ones, empty: not
-- known. A type is paired if there is also an id of that name; "typed" are the arguments for both. Of the time of
-- publication, the call knows columns already.
CREATE FUNCTION herald_internal.column_argument(kind text, name text, words text, category text, meaning text,
                                                typed jsonb, published text[], counts text, shown text)
	RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN meaning IN ('other', 'another') AND words !~ '_type$' THEN NULL
		WHEN meaning = 'sender' OR kind IN ('likes', 'comments') AND words ~ '_type$' AND typed IS NOT NULL THEN typed
		WHEN meaning = 'other'
		THEN (SELECT jsonb_build_object('active', format(counts, quote_ident(name))) WHERE counts IS NOT NULL)
		WHEN herald_internal.act_of_user(words) <> ''
		THEN (SELECT jsonb_build_object('active', format(counts, quote_ident(name))) WHERE counts IS NOT NULL)
		WHEN meaning = 'left' AND (category = 'N' OR category = 'B' AND NOT herald_internal.is_affirmative(kind, words)
		                           OR counts LIKE '% IS NULL')
		THEN jsonb_build_object('left_at', name)
		WHEN meaning = 'off' AND kind = 'members' AND category IN ('B', 'D')
		THEN (SELECT jsonb_build_object('muted', name) WHERE words !~ '(^|_)unmuted?(_|$)')
		WHEN meaning = 'off' AND kind = 'users' AND category = 'B' AND herald_internal.is_opposite_switch(words)
		THEN (SELECT jsonb_build_object('active', format('%I IS NOT TRUE', name))
		      WHERE words !~ '(^|_)(e?mails?|sms|push|phone|calls?|desktop|mobile|web|digest|newsletters?)(_|$)')
		WHEN meaning = 'off' AND kind = 'users' AND category = 'B'
		THEN (SELECT jsonb_build_object('notifications_enabled', name)
		      WHERE words ~ '(^|_)(not|never)_(muted?|silenced?|opted_out)$' OR words !~ '(^|_)un|notif|_out$' OR
		            words ~ ('^(is_|has_|enable_|enabled_|wants?_|receives?_|allows?_|all_|any_|email_|e_mail_|push_|'
		                     'sms_|desktop_|mobile_|web_|offline_|in_app_|app_|send_)*notif[a-z]*'
		                     '(_enabled|_on|_active|_allowed|_wanted|_opt_in|_to_e?mail|_by_e?mail)?$'))
		WHEN meaning = 'off' AND kind = 'users' AND category = 'D'
		THEN jsonb_build_object('active', format(CASE WHEN words ~ '(until|till|expir|end)'
			THEN '%1$I IS NULL OR %1$I <= now()' ELSE '%I IS NULL' END, name))
		WHEN meaning = 'off' OR kind = 'users' AND words ~ '(private|public|visib|privacy|audience)' THEN NULL
		WHEN meaning = 'waiting' AND kind IN ('posts', 'messages') AND
		     (category = 'D' AND words ~ ('(^|_)(publish|published|publication|schedule|scheduled|send|deliver|delayed|'
		                                  'delay|release|go_live|goes_live|went_live)(_|$)|'
		                                  '(^|_)embargo(ed)?_(until|till|ends)') OR
		      category = 'B' AND words !~ '(^|_)approved(_|$)' AND
		      herald_internal.is_affirmative(kind, words) IS NOT NULL)
		THEN jsonb_build_object('published_at', array_to_string(published || name, ', '))
		WHEN kind IN ('posts', 'follows', 'members', 'messages') AND category IN ('S', 'E') AND
		     words ~ ('^(post_|article_|publication_|publish_|moderation_|approval_|review_|follow_|request_|friend_|'
		              'friendship_|member_|membership_|invite_|invitation_|message_)*(status|state)$')
		THEN (SELECT jsonb_build_object('status', name, CASE kind WHEN 'posts' THEN 'published' ELSE 'accepted' END,
		                                coalesce(shown, CASE WHEN words ~ '(moderation|approval|review)_'
		                                                THEN 'approved' END))
		      WHERE shown IS DISTINCT FROM '' AND (kind <> 'messages' OR shown <> '' OR meaning = 'waiting'))
		WHEN kind = 'posts' AND words ~ 'unlisted'
		THEN (SELECT jsonb_build_object('in_feed', format(counts, format('post.%I', name))) WHERE counts IS NOT NULL)
		WHEN kind NOT IN ('users', 'members') AND
		     words ~ '^(is_)?(deleted?_?(at|on|date|time)?|deletion(_(at|date|time))?|discarded(_at)?)$'
		THEN jsonb_build_object('deleted_at', name)
		WHEN kind = 'posts' AND (words ~ '(visib|privacy|private|audience|public)' OR category IN ('B', 'N') AND
		                         words ~ '(^|_)(internal|confidential|secret|only)$|^for_' OR
		                         category = 'D' AND counts LIKE '%now()%')
		THEN (SELECT jsonb_build_object('visible', format(counts, format('post.%I', name))) WHERE counts IS NOT NULL)
		WHEN kind = 'likes' AND category IN ('S', 'E') AND typed IS NULL AND
		     meaning <> 'opposite' AND herald_internal.is_kind(words)
		THEN jsonb_build_object('kind', name)
		ELSE (SELECT jsonb_build_object('active', format(counts, quote_ident(name))) WHERE counts IS NOT NULL)
	END;
$$;

-- Returns the rows of the table that an id refers to, each with its name, such as those of vote_types for vote_type_id;
-- none unless the table is a short list.
CREATE FUNCTION herald_internal.listed_values(relation regclass, name text) RETURNS TABLE (id text, label text)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	list regclass := coalesce(herald_internal.reference_target(relation, ARRAY[name]),
	                          herald_internal.named_table(relation, name));
	key text[] := herald_internal.primary_key(list);
	label text := (SELECT coalesce((herald_internal.named_columns(list, '{name,namekey,slug,code,key,label,value}', key,
	                                                              '{S,E}'))[1],
	                               (array_agg(a.attname ORDER BY a.attnum))[1])
	               FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
	               WHERE a.attrelid = list AND a.attnum > 0 AND t.typcategory IN ('S', 'E') AND
	                     a.attname <> ALL (key));
BEGIN
	IF cardinality(key) = 1 AND label IS NOT NULL AND herald_internal.is_readable(list, key || label) THEN
		RETURN QUERY EXECUTE format('SELECT left(%1$I::text, 40), left(%2$I::text, 40) FROM %3$s '
		                            'WHERE (SELECT count(*) FROM (SELECT FROM %3$s LIMIT 21) AS few) <= 20 '
		                            'ORDER BY %1$I', key[1], label, list);
	END IF;
END
$$;

-- Returns the values that a column is known to have: all possible ones or, without such a limit, those of rows. NULL:
-- none is known.
CREATE FUNCTION herald_internal.known_values(relation regclass, name text) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(herald_internal.possible_values($1, $2), herald_internal.row_values($1, $2));
$$;

-- Returns the format of the condition by which a row counts according to a column; NULL if neither its name nor its
-- values say it. A number is a flag if rows have 0 and 1 alone, or the name says that 0 counts and there are no rows.
-- It is the side of a vote if rows have -1, 0 and 1 alone. Of other values, one must be known to count, and one alone.
CREATE FUNCTION herald_internal.counting_format(relation regclass, kind text, name text, category text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN category = 'D' THEN herald_internal.time_condition(kind, words)
		WHEN category = 'B' THEN CASE affirmative WHEN true THEN '%1$s' WHEN false THEN '%1$s IS NOT TRUE' END
		WHEN herald_internal.is_addressed(words) AND category <> 'A' OR
		     kind IN ('posts', 'comments', 'messages') AND herald_internal.is_version(words)
		THEN '%1$s IS NULL'
		WHEN herald_internal.act_of_user(words) <> ''
		THEN (SELECT '%1$s IS NULL' FROM pg_attribute AS a
		      WHERE a.attrelid = $1 AND a.attname = $3 AND NOT a.attnotnull AND NOT a.atthasdef AND
		            herald_internal.act_of_user(words) <> 'archived')
		WHEN words ~ '_id$' THEN (
			SELECT '%1$s = ' || CASE category WHEN 'N' THEN min(l.id)
			                    ELSE quote_literal(replace(min(l.id), '%', '%%')) END
			FROM herald_internal.listed_values($1, $3) AS l
			WHERE herald_internal.is_good_value(kind, name, l.label) HAVING count(*) = 1)
		WHEN category = 'N' THEN (
			SELECT CASE
				WHEN affirmative IS NOT NULL AND r.present <@ '{0,1}' THEN CASE WHEN affirmative THEN '%1$s = 1'
				                                                               ELSE '%1$s = 0' END
				WHEN NOT affirmative AND r.present IS NULL THEN '%1$s = 0'
				WHEN (kind = 'likes' OR herald_internal.is_side(kind, words, category)) AND
				     (r.present <@ '{-1,0,1}' AND r.present @> '{-1}' OR
				      herald_internal.is_side(kind, words, category) AND
				      words ~ '(score|vote|value|direction|polarity|sign)$' AND coalesce(r.present <@ '{-1,0,1}', true))
				THEN '%1$s > 0' END
			FROM (SELECT herald_internal.row_values($1, $3) WHERE affirmative IS NOT NULL OR kind = 'likes' OR
			             herald_internal.is_side(kind, words, category)) AS r (present))
		WHEN category IN ('S', 'E') THEN (
			SELECT '%1$s = ' || quote_literal(replace(min(v), '%', '%%'))
			FROM (SELECT unnest(herald_internal.known_values($1, $3))
			      UNION SELECT substring(herald_internal.constant_default($1, $3) FROM '^''([^'']+)''')) AS k (v)
			WHERE herald_internal.is_good_value(kind, name, v) HAVING count(*) = 1)
	END
	FROM herald_internal.english_words(name) AS words
	CROSS JOIN LATERAL herald_internal.is_affirmative(kind, words) AS affirmative;
$$;

-- Returns the values of a status by which a row is shown to others, separated by commas, if none of the usual ones is
-- among its known values, or its default if none is known: those that say so, or none (''). NULL: the usual ones do, or
-- rows only wait as yet.
CREATE FUNCTION herald_internal.shown_values(relation regclass, kind text, name text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(string_agg(k.value, ',' ORDER BY k.place) FILTER (
	                    WHERE herald_internal.is_good_value($2, $3, k.value) AND k.value !~ ','), '')
	FROM unnest(coalesce(herald_internal.known_values($1, $3),
	                     ARRAY[substring(herald_internal.constant_default($1, $3) FROM '^''([^'']+)''')]))
		WITH ORDINALITY AS k (value, place)
	CROSS JOIN herald_internal.usual_values('watch_' || $2, CASE $2 WHEN 'posts' THEN 'published' ELSE 'accepted' END)
		AS usual (list)
	WHERE k.value IS NOT NULL
	HAVING NOT bool_or(lower(k.value COLLATE "C") = ANY (usual.list)) AND
	       (herald_internal.possible_values($1, $3) IS NOT NULL OR
	        bool_or(herald_internal.is_affirmative($2, herald_internal.value_words(k.value)) IS NOT FALSE));
$$;

-- Returns the values that a column is known to have, as a list in words: those of the table that it refers to, all that
-- are possible, or those of rows. NULL: none is known.
CREATE FUNCTION herald_internal.values_in_words(relation regclass, name text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(
		(SELECT format('table %s has %s', coalesce(herald_internal.reference_target($1, ARRAY[$2]),
		                                           herald_internal.named_table($1, $2)),
		               string_agg(format('%s = %s', l.id, l.label), ', ' ORDER BY l.place))
		 FROM herald_internal.listed_values($1, $2) WITH ORDINALITY AS l (id, label, place)
		 HAVING count(*) > 0),
		(SELECT format('it can be %s', string_agg(v.value, ', ' ORDER BY v.place))
		 FROM unnest(herald_internal.possible_values($1, $2)) WITH ORDINALITY AS v (value, place)
		 HAVING count(*) > 0),
		(SELECT format('rows have %s', string_agg(v, ', ' ORDER BY v))
		 FROM unnest(herald_internal.row_values($1, $2)) AS v
		 HAVING count(*) > 0));
$$;

-- Returns the sentence that asks when a row counts according to a column of which neither the name nor the values say
-- it. It shows the values, and no condition that could be pasted.
CREATE FUNCTION herald_internal.open_question(relation regclass, kind text, name text, category text, meaning text)
	RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN meaning IN ('other', 'another') THEN
			'Say in "active" which rows count, or give each row one subject and its type, as docs/your-schema.md shows '
			'under "A column for each table".'
		WHEN meaning = 'addressee'
		THEN format('Pass "%s" as "receiver" if that user alone gets each message.', name)
		WHEN meaning = 'off' AND kind = 'members' THEN format(CASE category
			WHEN 'B' THEN 'Pass "%s" as "muted" if a member gets notifications only while it is true.'
			ELSE 'Mutes have to be a boolean or a time: "muted" can be a column that is GENERATED ALWAYS AS '
			     '(... "%s"%s ...) STORED.' END, name, known)
		WHEN meaning = 'waiting' AND kind IN ('posts', 'messages') AND category = 'D'
		THEN format('Pass "%s" as "published_at" if a row is shown from that time on, and never without it; or say in '
		            '"active" when a row counts.', name)
		WHEN herald_internal.act_of_user(herald_internal.english_words(name)) <> ''
		THEN format('Say in "%s" whether %s if "%s" is null, or if it is not.', argument, subject, name)
		WHEN category = 'A'
		THEN format('Say in "%s" who may see a row by the list in "%s".', argument, name)
		WHEN category = 'B'
		THEN format('Say in "%s" whether %s if "%s" is true, or if it is not.', argument, subject, name)
		WHEN listed <> ''
		THEN format('Pass status => %L, and in "%s" those of its values%s for which %s.', name, listed, known, subject)
		WHEN category = 'D' THEN format('Say in "%s" whether %s before or after the time in "%s", and without one.',
		                                argument, subject, name)
		ELSE format('Say in "%s" for which values of "%s"%s %s, as in: %1$s => ''%5$s%6$I = ...''.', argument, name,
		            known, subject, CASE argument WHEN 'visible' THEN 'post.' ELSE '' END, name) END
	FROM (SELECT CASE WHEN kind = 'posts' AND category = 'A' OR kind = 'posts' AND herald_internal.english_words(name) ~
	                       '(visib|privacy|private|audience|public|only)' OR kind = 'posts' AND
	                       herald_internal.is_access(herald_internal.english_words(name), category)
	                  THEN 'visible' ELSE 'active' END,
	             CASE kind WHEN 'users' THEN 'a user gets notifications' ELSE 'a row counts' END,
	             coalesce(' (' || herald_internal.values_in_words($1, $3) || ')', ''),
	             CASE WHEN (meaning = 'waiting' OR kind = 'messages') AND
	                       herald_internal.english_words(name) ~ '(status|state)$' THEN CASE
	                 WHEN kind = 'posts' THEN 'published'
	                 WHEN kind IN ('follows', 'members', 'messages') THEN 'accepted' END END)
		AS a (argument, subject, known, listed);
$$;

-- Returns the SQL of the value of a column with a type that stands for users, such as follower_type; NULL if none of
-- its values does.
CREATE FUNCTION herald_internal.user_type_value(relation regclass, name text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT quote_literal(t.key)
	FROM jsonb_each_text(herald_internal.tables_of_types($1, 'sender', $2)) AS t
	WHERE t.value <> '' OR t.key COLLATE "C" ~* '(^|\W)(user|account|person|profile|member)$'
	ORDER BY t.value <> '' DESC
	LIMIT 1;
$$;

-- Returns the meaning of a column of which the name says nothing, by its values: "opposite" for a number that is -1 in
-- some rows of likes, "state" for words of which one says that a row does not count, such as a role "banned" or a
-- default of "invite"; that of a member means "left". Columns of many words, such as names, have none.
CREATE FUNCTION herald_internal.meaning_of_values(relation regclass, kind text, name text, category text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN category = 'N' THEN 'opposite' WHEN kind = 'members' AND EXISTS (
		SELECT FROM unnest(known) AS v WHERE herald_internal.is_doubtful_value(kind, v) AND
		       herald_internal.value_words(v) !~ '^(none|nothing|never|off|mute|silent|no|maybe|trash)$')
		THEN 'left' ELSE 'state' END
	FROM herald_internal.english_words(name) AS words
	CROSS JOIN LATERAL (
		SELECT CASE WHEN category = 'N' THEN herald_internal.row_values($1, $3)
		            ELSE coalesce(herald_internal.known_values($1, $3), '{}') || coalesce(ARRAY[
		                 substring(herald_internal.constant_default($1, $3) FROM '^''([^'']+)''')], '{}') END
		WHERE (category IN ('S', 'E') OR category = 'N' AND kind = 'likes') AND
		      words !~ ('(^|_)(id|uuid|by|key|hash|token|text|body|content|name|title|url|e?mail|email|slug|handle|'
		                'description|reason|notes?|bio|caption|message|payload|tags?|labels?|locale|language|zone)$'))
		AS k (known)
	WHERE cardinality(known) < 9 AND CASE category
	          WHEN 'N' THEN known <@ '{-1,0,1}' AND known @> '{-1}'
	          ELSE EXISTS (SELECT FROM unnest(known) AS v WHERE herald_internal.is_doubtful_value(kind, v)) END;
$$;

-- Returns whether a column of values, such as a status, can have one that means "not yet".
CREATE FUNCTION herald_internal.can_wait(relation regclass, name text) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(bool_or(herald_internal.is_waiting_value(v.value)), false)
	FROM (SELECT unnest(herald_internal.possible_values($1, $2))
	      UNION ALL
	      SELECT btrim(substring(pg_get_expr(d.adbin, d.adrelid) FROM '^[^:]*'), '''')
	      FROM pg_attrdef AS d JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
	      WHERE a.attrelid = $1 AND a.attname = $2) AS v (value);
$$;

-- Returns the column by which a row of a table is open to everybody or to some users only, such as a private forum;
-- NULL without one.
CREATE FUNCTION herald_internal.privacy_column(relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT a.attname::text
	FROM pg_attribute AS a
	JOIN pg_type AS t ON t.oid = a.atttypid
	WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND t.typcategory IN ('B', 'S', 'E', 'N') AND
	      herald_internal.is_privacy(herald_internal.name_words(a.attname::text))
	ORDER BY t.typcategory = 'B' DESC, a.attnum
	LIMIT 1;
$$;

-- Returns the table of the place to which posts belong by a column, such as a forum: that of its foreign key or of its
-- name. It has neither users nor posts, nor the posts themselves.
CREATE FUNCTION herald_internal.place_table(relation regclass, name text) RETURNS regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT p.place
	FROM (SELECT coalesce(herald_internal.reference_target($1, ARRAY[name]),
	                      herald_internal.named_table($1, name))) AS p (place)
	WHERE p.place <> $1 AND herald_internal.is_user_table(p.place) IS NOT TRUE AND
	      (herald_internal.kind_of_name(herald_internal.singular_noun(p.place))).kind IS DISTINCT FROM 'users';
$$;

-- Returns whether a column of posts limits who may see them: it is that of a group, or of a place that may be private,
-- or users have it as well, with the tenant of both.
CREATE FUNCTION herald_internal.is_audience(relation regclass, kind text, name text) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT kind = 'posts' AND
	       (herald_internal.is_group(n.words) OR
	        herald_internal.privacy_column(herald_internal.place_table(relation, name)) IS NOT NULL OR
	        n.words ~ '^(tenant|organi[sz]ation|org|company|site)_?(id|uuid)$' AND
	        EXISTS (SELECT FROM herald_internal.watched_table AS w
	                WHERE w.kind = 'users' AND name = ANY (herald_internal.column_names(w.relation))))
	FROM herald_internal.name_words(name) AS n (words);
$$;

-- Returns whether a message may be for the user in a column alone: the column refers to a user, and its name is not
-- that of one who did something with the message, or whom it mentions.
CREATE FUNCTION herald_internal.may_be_addressee(relation regclass, kind text, name text) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT $2 = 'messages' AND
	       n.words !~ ('(^|_)by(_|$)|(^|_)(author|writer|creator|editor|owner|sender|poster|approver|reviewer|'
	                   'moderator|deleter|bot|agent|operator|tenant|original|forwarded|quoted|mentioned|mention|reply|'
	                   'replied|pinned|edited|deleted|created|updated|moderated|reported|last|from)(_|$)') AND
	       CASE WHEN r.target IS NOT NULL THEN coalesce(herald_internal.is_user_table(r.target), k.kind = 'users')
	            ELSE n.words ~ '(^|_)(user|account|profile|member|person)_?(id|uuid)$' END
	FROM herald_internal.name_words(name) AS n (words)
	LEFT JOIN LATERAL (SELECT f.target FROM herald_internal.foreign_keys(relation) AS f
	                   WHERE name = ANY (f.columns) LIMIT 1) AS r ON true
	LEFT JOIN LATERAL herald_internal.kind_of_name(herald_internal.singular_noun(r.target)) AS k ON true;
$$;

-- Returns the table whose rows say that a user belongs to the group in a column of a post: it refers to the same group,
-- or has a column of the same name, and to a user, and is named after members. "present" is the condition over a row
-- that the membership lasts: a watched table has its own. A table whose columns do not say it is none.
CREATE FUNCTION herald_internal.membership_table(relation regclass, name text)
	RETURNS TABLE (members regclass, group_column text, member_column text, present text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.oid, g.name, u.columns[1], p.condition
	FROM pg_class AS mine
	CROSS JOIN herald_internal.place_table($1, $2) AS place
	JOIN pg_class AS c ON c.relnamespace = mine.relnamespace AND c.relkind IN ('r', 'p') AND c.oid <> $1 AND
		herald_internal.name_words(c.relname::text) ~ '(member|subscri|particip|enrol|join|user|follower)'
	CROSS JOIN LATERAL (
		SELECT coalesce((SELECT f.columns[1] FROM herald_internal.foreign_keys(c.oid) AS f
		                 WHERE f.target = place AND cardinality(f.columns) = 1 LIMIT 1),
		                (SELECT n FROM unnest(herald_internal.column_names(c.oid)) AS n
		                 WHERE n = $2 AND NOT EXISTS (SELECT FROM herald_internal.foreign_keys(c.oid)))) AS name) AS g
	CROSS JOIN LATERAL (
		SELECT k.columns FROM herald_internal.key_candidates(c.oid, 'member', NULL) AS k
		WHERE cardinality(k.columns) = 1 AND k.columns[1] <> g.name
		ORDER BY k.rank LIMIT 1) AS u
	LEFT JOIN herald_internal.watched_table AS w ON w.relation = c.oid AND w.kind = 'members'
	CROSS JOIN LATERAL (
		SELECT herald_internal.row_condition(w.arguments) AS condition, true AS sure WHERE w.relation IS NOT NULL
		UNION ALL
		SELECT herald_internal.and_conditions(VARIADIC array_agg(CASE
		           WHEN x.argument ? 'active' THEN x.argument ->> 'active'
		           WHEN x.argument ? 'left_at' THEN herald_internal.unset_condition(c.oid, x.name, 'left_at')
		           WHEN x.argument ? 'status' THEN herald_internal.value_condition(quote_ident(x.name),
		               coalesce(x.argument ->> 'accepted', 'accepted,active,member')) END ORDER BY x.name)),
		       coalesce(bool_and(x.argument IS NOT NULL OR x.meaning NOT IN ('left', 'waiting')), true)
		FROM herald_internal.unused_columns(c.oid, 'members', jsonb_build_object(
		         'conversation', ARRAY[g.name], 'member', u.columns)) AS x
		HAVING w.relation IS NULL) AS p
	WHERE mine.oid = $1 AND c.oid <> coalesce(place, 0) AND p.sure
	ORDER BY w.relation IS NOT NULL DESC, c.relname ~* 'member' DESC, c.relname
	LIMIT 1;
$$;

-- Returns the condition that the viewer is a member of the group in a column of a post; NULL without such a table.
CREATE FUNCTION herald_internal.membership_condition(relation regclass, name text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('EXISTS (SELECT FROM %s AS member WHERE member.%I = post.%I AND member.%I::text = viewer)',
	              herald_internal.rows_sql(m.members, m.present), m.group_column, name, m.member_column)
	FROM herald_internal.membership_table($1, $2) AS m;
$$;

-- Returns the condition that the place in a column of a post is open to everybody; NULL without a column that says
-- when.
CREATE FUNCTION herald_internal.open_place_condition(relation regclass, name text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('EXISTS (SELECT FROM %s AS place WHERE place.%I = post.%I AND %s)', p.place, k.key[1], name,
	              format(c.counts, format('place.%I', a.attname)))
	FROM herald_internal.place_table($1, $2) AS p (place)
	CROSS JOIN LATERAL (SELECT herald_internal.primary_key(p.place)) AS k (key)
	JOIN pg_attribute AS a ON a.attrelid = p.place AND a.attname = herald_internal.privacy_column(p.place)
	JOIN pg_type AS t ON t.oid = a.atttypid
	CROSS JOIN herald_internal.counting_format(p.place, 'posts', a.attname::text, t.typcategory::text) AS c (counts)
	WHERE cardinality(k.key) = 1 AND c.counts IS NOT NULL;
$$;

-- Returns the condition that the viewer of a post belongs to the group in a column of it: as a member, or as a user
-- with the same tenant, or because it is open to everybody. Without a table that says so, only the author does.
CREATE FUNCTION herald_internal.audience_condition(relation regclass, name text, arguments jsonb) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(
		(SELECT concat_ws(' OR ', CASE WHEN NOT a.attnotnull THEN format('post.%I IS NULL', $2) END,
		                  p.open, p.member,
		                  CASE WHEN p.member IS NULL THEN
		                  herald_internal.id_sql('post', ARRAY(SELECT jsonb_array_elements_text($3 -> 'author'))) ||
		                  ' = viewer' END)
		 FROM pg_attribute AS a
		 CROSS JOIN LATERAL (SELECT herald_internal.open_place_condition($1, $2) AS open,
		                            herald_internal.membership_condition($1, $2) AS member) AS p
		 WHERE a.attrelid = $1 AND a.attname = $2 AND coalesce(p.open, p.member) IS NOT NULL),
		(SELECT format('EXISTS (SELECT FROM %s AS reader WHERE reader.%I = post.%I AND %s = viewer)',
		               w.relation, $2, $2, herald_internal.id_sql('reader', a.key))
		 FROM herald_internal.watched_table AS w
		 CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[])
		 WHERE w.kind = 'users' AND $2 = ANY (herald_internal.column_names(w.relation))
		 LIMIT 1),
		format('post.%I IS NULL OR %s = viewer', $2,
		       herald_internal.id_sql('post', (SELECT a.author FROM jsonb_to_record($3) AS a (author text[])))));
$$;

-- Returns the table of posts, comments or the like after which a column without a foreign key is named, so that it may
-- be the subject; NULL without one. The tables of users, tenants, groups and conversations are none, nor are those that
-- sort rows or are their files, unless they are watched.
CREATE FUNCTION herald_internal.subject_by_name(relation regclass, kind text, name text) RETURNS regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT t.target
	FROM herald_internal.named_target($1, ARRAY[$3]) AS t (target)
	CROSS JOIN herald_internal.name_words($3) AS w (words)
	CROSS JOIN herald_internal.kind_of_name(herald_internal.singular_noun(t.target)) AS k
	CROSS JOIN regexp_replace(w.words, '^(id|fk)_|_?(id|uuid)$', '', 'g') AS noun
	WHERE herald_internal.is_user_table(t.target) IS NOT TRUE AND k.kind IS DISTINCT FROM 'users' AND
	      (EXISTS (SELECT FROM herald_internal.watched_table AS o
	               WHERE o.relation = t.target AND o.kind IN ('posts', 'comments', 'messages')) OR
	       NOT herald_internal.is_group(w.words) AND w.words !~ herald_internal.tenant_pattern() AND
	       noun !~ ('^(conversation|chat|room|channel|thread|dialog(ue)?|categor(y|ie)|tag|label|section|list|folder|'
	                'type|kind|status|role|device|session|language|locale|country|city|location|place|plan|campaign|'
	                'import|batch|order|payment|moderator|admin|editor|reviewer|approver|assignee|agent|manager|'
	                'staff|operator|bot|contact|reporter' || CASE $2 WHEN 'comments' THEN
	                '|attachment|image|file|upload|media|avatar|gif|sticker|asset|blob|document' ELSE '' END ||
	                ')$') AND
	       (k.kind IN ('posts', 'comments', 'messages') OR herald_internal.has_author(t.target)));
$$;

-- Returns whether a column refers to another table of subjects than the call found, so that each row refers to one of
-- the tables: both columns may be null. "other" says that a call has to decide. Without a foreign key the name is a
-- weaker sign: "another" if the call names its subject. NULL for other columns, and for a table that is named after its
-- subject.
CREATE FUNCTION herald_internal.other_subject(relation regclass, kind text, name text, arguments jsonb) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN EXISTS (
			SELECT FROM herald_internal.foreign_keys($1) AS f
			CROSS JOIN herald_internal.kind_of_name(herald_internal.singular_noun(f.target)) AS k
			WHERE f.columns = ARRAY[$3] AND f.target <> $1 AND
			      f.target::text IS DISTINCT FROM $4 ->> 'subject_table' AND
			      (k.kind IN ('posts', 'comments', 'messages') OR
			       EXISTS (SELECT FROM herald_internal.watched_table AS w
			               WHERE w.relation = f.target AND w.kind IN ('posts', 'comments', 'messages'))))
		THEN 'other'
		WHEN herald_internal.subject_by_name($1, $2, $3)::text IS DISTINCT FROM $4 ->> 'subject_table' AND
		     herald_internal.subject_by_name($1, $2, $3) IS NOT NULL AND
		     herald_internal.singular_noun($1) NOT LIKE
		         regexp_replace(herald_internal.name_words($4 -> 'subject' ->> 0), '_?(id|uuid)$', '') || '\_%'
		THEN CASE WHEN herald_internal.given_arguments('watch_' || $2, $1) ->> 'subject' IS NULL THEN 'other'
		     ELSE 'another' END END
	FROM pg_attribute AS a
	WHERE $2 IN ('likes', 'comments') AND NOT $4 ? 'subject_tables' AND
	      NOT herald_internal.is_named_subject($1, ARRAY[$4 -> 'subject' ->> 0]) AND
	      a.attrelid = $1 AND a.attname = ANY (ARRAY[$3, $4 -> 'subject' ->> 0])
	HAVING count(*) = 2 AND NOT bool_or(a.attnotnull);
$$;

-- Returns the sentences that show the calls for a table with a column for each table of subjects, by their names: one
-- for the rows of a single table, and one for all rows, by two generated columns. NULL if a table is not known, or a
-- name is taken.
CREATE FUNCTION herald_internal.subjects_hint(relation regclass, kind text, columns text[]) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH part AS (
		SELECT c.name, c.place, t.target, herald_internal.singular_noun(t.target) AS noun,
		       herald_internal.column_type($1, c.name) AS type
		FROM unnest(columns) WITH ORDINALITY AS c (name, place)
		CROSS JOIN LATERAL (SELECT coalesce(herald_internal.reference_target($1, ARRAY[c.name]),
		                                    herald_internal.named_table($1, c.name))) AS t (target)
	), whole AS (
		SELECT count(DISTINCT p.type) = 1 AS alike, min(p.type) AS type,
		       jsonb_object_agg(coalesce(p.noun, ''), p.target) AS tables,
		       string_agg(format(' WHEN %I IS NOT NULL THEN %L', p.name, p.noun), '' ORDER BY p.place) AS cases
		FROM part AS p
		HAVING count(*) > 1 AND count(p.target) = count(*) AND count(DISTINCT p.noun) = count(*)
	)
	SELECT format('Each row may be about a row of one of several tables. For those of one of them: %s '
	              'For all: ALTER TABLE %s ADD subject_type text GENERATED ALWAYS AS (CASE%s END) STORED, '
	              'ADD subject_id %s GENERATED ALWAYS AS (coalesce(%s)) STORED; %s',
	              herald_internal.hinted_call($2, $1, jsonb_build_object('subject', $3[1], 'active',
	                  (SELECT string_agg(format('%I IS NULL', p.name), ' AND ' ORDER BY p.place) FROM part AS p
	                   WHERE p.place > 1))),
	              $1, w.cases, CASE WHEN w.alike THEN w.type ELSE 'text' END,
	              (SELECT string_agg(format('%I', p.name) || CASE WHEN w.alike THEN '' ELSE '::text' END, ', '
	                                 ORDER BY p.place) FROM part AS p),
	              herald_internal.hinted_call($2, $1, jsonb_build_object('subject', 'subject_id', 'subject_table', NULL,
	                  'subject_type', 'subject_type', 'subject_tables', w.tables)))
	FROM whole AS w
	WHERE NOT herald_internal.column_names($1) && '{subject_id,subject_type}';
$$;

-- Returns the columns of a table that tell which act a row is about: the times of several acts, as in saved_at and
-- voted_at, and the side of a vote. One time alone may be that of the creation.
CREATE FUNCTION herald_internal.act_columns(relation regclass, kind text, OUT columns text[], OUT sides text[])
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_agg(c.name) FILTER (WHERE c.is_side OR c.times > 1), array_agg(c.name) FILTER (WHERE c.is_side)
	FROM (SELECT a.attname::text AS name, s.is_side, count(*) FILTER (WHERE NOT s.is_side) OVER () AS times
	      FROM pg_attribute AS a
	      JOIN pg_type AS t ON t.oid = a.atttypid
	      CROSS JOIN herald_internal.name_words(a.attname::text) AS w (words)
	      CROSS JOIN herald_internal.is_side($2, w.words, t.typcategory::text) AS s (is_side)
	      WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND
	            (s.is_side OR
	             NOT a.attnotnull AND NOT a.atthasdef AND
	             herald_internal.is_time_of_act($2, w.words, t.typcategory::text))) AS c;
$$;

-- Returns arguments that say in which tables the subject of a row is, also in the one that the call has found.
CREATE FUNCTION herald_internal.with_subject_table(typed jsonb, subject_table text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN NOT EXISTS (SELECT FROM jsonb_each_text(typed -> 'subject_tables') AS t
	                             WHERE t.value = subject_table)
	       THEN jsonb_set(typed, '{subject_tables}', typed -> 'subject_tables' || jsonb_build_object(
	                herald_internal.class_name(herald_internal.singular_noun(to_regclass(subject_table))),
	                subject_table))
	       ELSE typed END
	WHERE subject_table IS NOT NULL
	UNION ALL
	SELECT typed WHERE subject_table IS NULL;
$$;

-- Returns the columns that may tell whether a row counts, and that a call neither uses nor ignores: none of its
-- arguments names them, nor those of a call for the same table as another kind. A status waits unless the call knows
-- another way: its values say so, or are numbers, which say nothing. A time that every row has is that of its
-- creation. If there is a general switch of notifications, those of single ways such as email matter less. Beside an id
-- that the call uses and that is no foreign key, a type says which table the id is of: its meaning is "other".
-- The user of an act, as in deleted_by, repeats a column for the act itself. "audience" is that of a post. Columns of
-- acts are "opposite" unless the call uses one of them: the others then tell of other acts, unless they are the
-- opposite, such as a block. A call that says who may see a post has decided about private ones; its author always
-- may, unless by a time. A side is one even if
-- the time of its vote is used. A reaction has one kind; if it can be a dislike, the kind is a side. The time of an
-- acceptance repeats a status. A primary key tells nothing about a row. Of several flags of acts, as "blocked" and
-- "muted", a condition of the call has chosen one: the others do not matter.
CREATE FUNCTION herald_internal.unused_columns(relation regclass, kind text, arguments jsonb)
	RETURNS TABLE (name text, meaning text, argument jsonb, question text)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT a.attname::text, m.meaning, g.argument, CASE
	           WHEN m.meaning = others.meaning AND subjects.hint IS NOT NULL THEN subjects.hint
	           WHEN g.argument IS NULL
	           THEN herald_internal.open_question($1, $2, a.attname::text, t.typcategory::text, m.meaning)
	           WHEN g.argument ->> 'active' LIKE '% = %' AND w.words ~ '_id$'
	           THEN (SELECT upper(left(v, 1)) || substr(v, 2) || '.'
	                 FROM herald_internal.values_in_words($1, a.attname::text) AS v) END
	FROM pg_attribute AS a
	JOIN pg_type AS t ON t.oid = a.atttypid
	CROSS JOIN herald_internal.english_words(a.attname::text) AS w (words)
	CROSS JOIN herald_internal.act_of_user(w.words) AS act (name)
	CROSS JOIN LATERAL herald_internal.used_columns(
		$3 - CASE WHEN $3 -> 'reads' ? $1::text THEN '{visible,in_feed}'::text[] ELSE '{}' END ||
		jsonb_build_object('own', $3 -> 'reads' -> $1::text, 'others', (
			SELECT jsonb_agg(o.arguments - '{names,reads}'::text[]) FROM herald_internal.watched_table AS o
			WHERE o.relation = $1 AND o.kind <> $2))) AS used (columns)
	CROSS JOIN LATERAL (
		SELECT coalesce(n.meaning, CASE WHEN a.attname <> ALL (used.columns) THEN
		           herald_internal.meaning_of_values($1, $2, a.attname::text, t.typcategory::text) END)
		FROM herald_internal.column_meaning($2, w.words, t.typcategory::text) AS n (meaning)
		OFFSET 0) AS known (meaning)
	CROSS JOIN LATERAL (
		SELECT c.columns, c.sides, EXISTS (
			SELECT FROM pg_attribute AS s JOIN pg_type AS d ON d.oid = s.atttypid
			WHERE s.attrelid = $1 AND s.attnum > 0 AND NOT s.attisdropped AND d.typcategory IN ('S', 'E') AND
			      herald_internal.english_words(s.attname::text) ~ '(^|_)(status|state)$' AND
			      NOT coalesce($3 -> 'ignore' ? s.attname, false)) AS with_status
		FROM herald_internal.act_columns($1, $2) AS c) AS acts
	LEFT JOIN LATERAL (
		SELECT id.name FROM unnest(herald_internal.column_names($1)) AS id (name)
		WHERE herald_internal.is_type_of(w.words, herald_internal.name_words(id.name))
		LIMIT 1) AS paired ON true
	CROSS JOIN LATERAL (SELECT herald_internal.other_subject($1, $2, a.attname::text, $3)) AS others (meaning)
	CROSS JOIN LATERAL (SELECT CASE
		WHEN known.meaning IS NULL AND herald_internal.is_audience($1, $2, a.attname::text)
		THEN 'audience'
		WHEN known.meaning IS NULL AND herald_internal.may_be_addressee($1, $2, a.attname::text)
		THEN 'addressee'
		WHEN EXISTS (SELECT FROM pg_attribute AS o JOIN pg_type AS d ON d.oid = o.atttypid
		             CROSS JOIN herald_internal.name_words(o.attname::text) AS r (words)
		             WHERE o.attrelid = $1 AND o.attnum > 0 AND NOT o.attisdropped AND o.attnum <> a.attnum AND
		                   (regexp_replace(r.words, '^(is|was)_|_(at|on|date|time|flag)$', '', 'g') IN
		                    (act.name, regexp_replace(act.name, 'd$', ''), regexp_replace(act.name, '^soft_', '')) OR
		                    d.typcategory IN ('B', 'D') AND r.words LIKE act.name || '\_by\_%'))
		THEN NULL
		WHEN a.attnotnull AND a.atthasdef AND known.meaning = 'waiting' AND t.typcategory = 'D' OR
		     (a.attnotnull OR a.atthasdef) AND $2 = 'members' AND known.meaning = 'waiting' AND t.typcategory = 'D' OR
		     (a.attnotnull OR a.atthasdef) AND herald_internal.is_time_of_act($2, w.words, t.typcategory::text)
		THEN NULL
		WHEN others.meaning IS NOT NULL THEN others.meaning
		WHEN a.attname = ANY (acts.columns) OR known.meaning = 'opposite'
		THEN CASE WHEN NOT coalesce(CASE known.meaning WHEN 'opposite' THEN acts.sides ELSE acts.columns END &&
		                            herald_internal.used_columns($3 - 'ignore'), false) THEN 'opposite'
		          WHEN w.words ~ '(^|_)(block|mut|ignor|bann)ed_' THEN 'state' END
		WHEN t.typcategory IN ('B', 'N') AND herald_internal.is_act_of($2, w.words) AND EXISTS (
			SELECT FROM unnest(herald_internal.used_columns(
				$3 - '{ignore,blocker,blocked,follower,followee,actor,subject}'::text[])) AS u (name)
			WHERE $2 IN ('likes', 'follows', 'blocks') AND
			      herald_internal.is_act_of($2, herald_internal.english_words(u.name)))
		THEN NULL
		WHEN $2 = 'likes' AND $3 ? 'kind' AND herald_internal.is_kind(w.words) THEN NULL
		WHEN $2 = 'likes' AND t.typcategory IN ('S', 'E') AND herald_internal.is_kind(w.words) AND EXISTS (
			SELECT FROM unnest(herald_internal.known_values($1, a.attname::text)) AS v
			WHERE NOT herald_internal.is_affirmative('likes', herald_internal.name_words(v)))
		THEN 'opposite'
		WHEN $2 IN ('follows', 'members') AND known.meaning = 'waiting' AND t.typcategory = 'D' AND acts.with_status
		THEN NULL
		WHEN known.meaning = 'off' AND $3 ? 'notifications_enabled' AND
		     w.words ~ '(email|mail|push|sms|mobile|desktop|web|digest|newsletter|marketing)' THEN 'state'
		WHEN known.meaning = 'private' AND
		     ($3 ? 'visible' OR herald_internal.given_arguments('watch_' || $2, $1) ->> 'visible' <> '')
		THEN 'state'
		WHEN (known.meaning = 'state' OR w.words ~ '^content_type') AND paired.name = ANY (used.columns) AND
		     NOT EXISTS (SELECT FROM herald_internal.foreign_keys($1) AS f WHERE f.columns = ARRAY[paired.name])
		THEN 'other'
		WHEN known.meaning = 'state' AND $2 <> 'users' AND
		     w.words ~ '(^|_)(status|state|stage|phase|moderation|approval|lifecycle|workflow)$' AND
		     NOT $3 ?| '{status,published_when}' AND
		     (t.typcategory = 'N' OR herald_internal.can_wait($1, a.attname::text)) THEN 'waiting'
		ELSE known.meaning END) AS m (meaning)
	CROSS JOIN LATERAL (
		SELECT CASE WHEN m.meaning = 'audience'
		       THEN jsonb_build_object('visible', herald_internal.audience_condition($1, a.attname::text, $3))
		       ELSE herald_internal.column_argument($2, a.attname::text, w.words, t.typcategory::text, m.meaning,
		           CASE WHEN m.meaning = 'sender'
		           THEN herald_internal.paired_type($1, 'sender',
		                                            regexp_replace(a.attname::text, '_?type$', '_id', 'i'))
		           WHEN to_jsonb(paired.name) IS NOT DISTINCT FROM coalesce($3 -> 'subject' -> 0, to_jsonb(paired.name))
		           THEN herald_internal.with_subject_table(herald_internal.paired_type($1, 'subject', paired.name),
		                                                   $3 ->> 'subject_table') END,
		           ARRAY(SELECT c.name
		                 FROM unnest(herald_internal.column_names($1)) AS c (name)
		                 WHERE c.name = ANY (herald_internal.used_columns(jsonb_build_object(
		                           'is', $3 -> 'published_when')))),
		           CASE WHEN w.words ~ '_type$' AND paired.name IS NOT NULL AND t.typcategory IN ('S', 'E')
		           THEN '%1$s = ' || herald_internal.user_type_value($1, a.attname::text)
		           WHEN m.meaning = 'addressee' THEN CASE WHEN NOT a.attnotnull THEN '%1$s IS NULL' END
		           ELSE herald_internal.counting_format($1, $2, a.attname::text, t.typcategory::text) END,
		           CASE WHEN t.typcategory IN ('S', 'E')
		           THEN coalesce(herald_internal.shown_values($1, $2, a.attname::text),
		                         CASE WHEN w.words <> herald_internal.name_words(a.attname::text) THEN '' END) END) END
		OFFSET 0) AS for_others (argument)
	CROSS JOIN LATERAL (SELECT CASE
		WHEN m.meaning = 'audience' OR t.typcategory = 'D' OR $3 -> 'author' IS NULL OR
		     NOT for_others.argument ? 'visible'
		THEN for_others.argument
		ELSE for_others.argument || jsonb_build_object('visible', format('%s OR %s = viewer',
		         for_others.argument ->> 'visible',
		         herald_internal.id_sql('post', ARRAY(SELECT jsonb_array_elements_text($3 -> 'author'))))) END
		OFFSET 0) AS g (argument)
	LEFT JOIN LATERAL (
		SELECT herald_internal.subjects_hint($1, $2, ($3 -> 'subject' ->> 0) || array_agg(c ORDER BY c)) AS hint
		FROM unnest(herald_internal.column_names($1)) AS c
		WHERE others.meaning IS NOT NULL AND c <> ALL (used.columns) AND
		      herald_internal.other_subject($1, $2, c, $3) IS NOT NULL
		HAVING count(*) > 0) AS subjects ON true
	WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND m.meaning IS NOT NULL AND
	      a.attname <> ALL (used.columns) AND ARRAY[a.attname::text] IS DISTINCT FROM herald_internal.primary_key($1)
	ORDER BY a.attnum;
$$;

-- Returns arguments for several columns as those of one call. Conditions are joined by AND, and columns that are used
-- together by commas. Of any other argument, the first one stays.
CREATE FUNCTION herald_internal.joined_arguments(arguments jsonb[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_object_agg(j.key, j.value)
	FROM (SELECT a.key, CASE
	          WHEN a.key IN ('active', 'visible', 'in_feed')
	          THEN to_jsonb(herald_internal.and_conditions(VARIADIC array_agg(a.value #>> '{}' ORDER BY o.place)))
	          WHEN a.key IN ('left_at', 'published_at', 'muted')
	          THEN to_jsonb(herald_internal.joined_names(array_agg(a.value #>> '{}' ORDER BY o.place)))
	          ELSE (jsonb_agg(a.value ORDER BY o.place)) -> 0 END AS value
	      FROM unnest(arguments) WITH ORDINALITY AS o (arguments, place)
	      CROSS JOIN LATERAL jsonb_each(o.arguments) AS a
	      GROUP BY a.key) AS j;
$$;

-- Returns the names of several lists as one list, each of them once.
CREATE FUNCTION herald_internal.joined_names(lists text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(n.name, ', ' ORDER BY n.place)
	FROM (SELECT p.name, min(p.place) AS place
	      FROM regexp_split_to_table(array_to_string(lists, ','), '\s*,\s*') WITH ORDINALITY AS p (name, place)
	      GROUP BY p.name) AS n;
$$;

-- Returns questions as a few sentences: those that differ in the name of a column alone are one.
CREATE FUNCTION herald_internal.joined_questions(questions text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(j.sentence, ' ' ORDER BY j.place)
	FROM (SELECT min(q.place) AS place, CASE
	          WHEN count(*) = 1 OR s.switch IS NULL AND v.values IS NULL THEN min(q.question)
	          WHEN NOT (s.switch IS NULL)
	          THEN format('Say in "%s" whether %s if these are %s, or if they are not: %s.', s.switch[1], s.switch[2],
	                      s.switch[4], string_agg(s.switch[3], ', ' ORDER BY q.place))
	          ELSE format('Say in "%s" for which values of these %s: %s.', v.values[1], v.values[3],
	                      string_agg(v.values[2], ', ' ORDER BY q.place)) END AS sentence
	      FROM unnest(questions) WITH ORDINALITY AS q (question, place)
	      CROSS JOIN LATERAL regexp_match(q.question, '^Say in "(\w+)" whether (.+) if (".+") is (true|null), or if it '
	                                                  'is not\.$') AS s (switch)
	      CROSS JOIN LATERAL regexp_match(q.question, '^Say in "(active|visible)" for which values of (".+") '
	                                                  '(a row counts|a user gets notifications), as in: ') AS v (values)
	      GROUP BY s.switch[1], s.switch[2], s.switch[4], v.values[1], v.values[3], s.switch IS NULL, v.values IS NULL,
	               CASE WHEN s.switch IS NULL AND v.values IS NULL THEN q.question END) AS j;
$$;

-- Returns the hint for columns that a call leaves out: the call that uses them, as far as their names and values say
-- how, the questions about the others, and the call that ignores them. "verb" asks for the first.
CREATE FUNCTION herald_internal.unused_hint(relation regclass, kind text, verb text, arguments jsonb, questions text[],
                                            ignored text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(' ',
		verb || ', as in: ' || herald_internal.hinted_call(kind, relation, arguments),
		herald_internal.joined_questions(questions),
		format('To watch the table without regard to %s: %s',
		       (SELECT string_agg(format('"%s"', i.name), ' and ' ORDER BY i.place)
		        FROM unnest(ignored) WITH ORDINALITY AS i (name, place)),
		       herald_internal.hinted_call(kind, relation, jsonb_build_object('ignore', ignored))));
$$;

-- Raises an error if the call leaves out a column by which rows of a table may not count, or be of another table.
CREATE FUNCTION herald_internal.check_unused_columns(relation regclass, kind text, arguments jsonb)
	RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	unused record;
BEGIN
	WITH doubtful AS (
		SELECT u.name, u.argument, u.question, m.could, row_number() OVER (
		           ORDER BY u.meaning = 'opposite', CASE u.meaning WHEN 'opposite' THEN ARRAY[
		               NOT herald_internal.is_act_of(check_unused_columns.kind, w.words),
		               u.argument IS NULL OR u.argument ->> 'active' LIKE '% IS NOT NULL'] END, u.place) AS rank,
		       u.meaning = 'opposite' AND row_number() OVER (PARTITION BY u.meaning ORDER BY
		               NOT herald_internal.is_act_of(check_unused_columns.kind, w.words),
		               u.argument IS NULL OR u.argument ->> 'active' LIKE '% IS NOT NULL', u.place) > 1 AS other_act,
		       u.place
		FROM herald_internal.unused_columns(relation, kind, arguments) WITH ORDINALITY
			AS u (name, meaning, argument, question, place)
		JOIN (VALUES ('left', 'that a member has left'), ('sender', 'that a sender is not a user'),
		             ('off', 'that a user gets no notifications'), ('other', 'that rows refer to several tables'),
		             ('private', 'that a row is not for everybody'),
		             ('addressee', 'that a message is for one user alone'),
		             ('opposite', 'that a row is something else, or the opposite'),
		             ('waiting', CASE WHEN kind IN ('posts', 'comments', 'messages')
		                         THEN 'that a row is not published yet'
		                         ELSE 'that a row is not accepted yet' END)) AS m (meaning, could) USING (meaning)
		CROSS JOIN herald_internal.name_words(u.name) AS w (words)
	)
	SELECT (array_agg(d.name ORDER BY d.rank))[1] AS name, (array_agg(d.could ORDER BY d.rank))[1] AS could,
	       herald_internal.joined_arguments(array_agg(d.argument ORDER BY d.rank) FILTER (WHERE NOT d.other_act))
	           AS argument,
	       array_agg(d.question ORDER BY d.place) FILTER (WHERE d.question IS NOT NULL AND NOT d.other_act)
	           AS questions,
	       array_agg(d.name ORDER BY d.place) AS names
	INTO unused
	FROM doubtful AS d;
	IF unused.name IS NOT NULL THEN
		RAISE EXCEPTION 'column "%" of table "%" could mean %, and is not used',
			unused.name, herald_internal.plain_name(relation), unused.could
			USING ERRCODE = 'ambiguous_column',
			      HINT = herald_internal.unused_hint(relation, kind,
			          CASE cardinality(unused.names) WHEN 1 THEN 'Use it' ELSE 'Use them' END, unused.argument,
			          unused.questions, unused.names);
	END IF;
END
$$;

-- Raises an error if a call leaves out an argument by which rows of the table did not count, or were not shown, until
-- now. A column suffices that the call finds or ignores. A table that was made anew is still the table.
CREATE FUNCTION herald_internal.check_lifted(relation regclass, kind text, arguments jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	lifted record;
BEGIN
	SELECT a.name, v.value, a.name <> ALL ('{visible,in_feed,active,payload_columns}') AS of_column INTO lifted
	FROM herald_internal.watched_table AS w
	CROSS JOIN herald_internal.followed_arguments(w.relation, w.kind, w.arguments) AS saved
	CROSS JOIN unnest('{visible,in_feed,active,payload_columns,status,deleted_at,left_at,muted,published_at,'
	                  'notifications_enabled}'::text[]) WITH ORDINALITY AS a (name, place)
	CROSS JOIN LATERAL (SELECT CASE WHEN a.name IN ('visible', 'in_feed')
	                           THEN to_jsonb(herald_internal.given_condition(saved ->> a.name))
	                           ELSE saved -> 'call' -> a.name END) AS v (value)
	CROSS JOIN herald_internal.given_arguments('watch_' || check_lifted.kind, check_lifted.relation) AS given
	WHERE (w.relation = check_lifted.relation OR
	       w.arguments ->> 'table' = check_lifted.relation::text AND
	       w.arguments ->> 'table_owner' = (SELECT k.relowner::regrole::text FROM pg_class AS k
	                                        WHERE k.oid = check_lifted.relation)) AND
	      w.kind = check_lifted.kind AND saved -> 'call' ->> a.name <> 'true' AND given ->> a.name IS NULL AND
	      (a.name = ANY ('{visible,in_feed,active,payload_columns}') OR
	       EXISTS (SELECT FROM regexp_split_to_table(v.value #>> '{}', '\s*,\s*') AS c (name)
	               WHERE c.name = ANY (herald_internal.column_names(check_lifted.relation)) AND
	                     (c.name = ANY (herald_internal.used_columns(check_lifted.arguments))) IS NOT TRUE))
	ORDER BY a.place
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'table "%" is watched with "%", which the call leaves out',
			herald_internal.plain_name(relation), lifted.name
			USING ERRCODE = 'ambiguous_parameter',
			      DETAIL = 'Rows would count, or be shown, that are not now.',
			      HINT = format('Pass it again, as in: %s To do without it: %s',
			          herald_internal.hinted_call(kind, relation, jsonb_build_object(lifted.name, lifted.value)),
			          herald_internal.hinted_call(kind, relation, CASE
			              WHEN lifted.of_column THEN jsonb_build_object('ignore',
			                  to_jsonb(regexp_split_to_array(lifted.value #>> '{}', '\s*,\s*')))
			              WHEN lifted.name = 'payload_columns' THEN jsonb_build_object(lifted.name,
			                  to_jsonb(herald_internal.published_columns(relation, NULL)))
			              ELSE jsonb_build_object(lifted.name, 'true') END));
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
		RAISE EXCEPTION 'rows of table "%" would be follows and blocks at once', herald_internal.plain_name(relation)
			USING ERRCODE = 'ambiguous_column',
			      HINT = coalesce((
			          SELECT format('Say which rows are %s, as in: %s', lacking,
			                        herald_internal.hinted_call(lacking, relation, u.argument))
			          FROM herald_internal.unused_columns(relation, lacking, arguments - '{active,present}'::text[])
			              AS u
			          WHERE u.argument ? 'active' AND
			                herald_internal.given_arguments('watch_' || lacking, relation) ->> 'active' IS NULL
			          ORDER BY herald_internal.is_act_of(lacking, herald_internal.name_words(u.name)) DESC LIMIT 1),
			          format('Pass "active" to herald.watch_%s(), which says when a row is one.', lacking));
	END IF;
END
$$;

-- Returns the ids that the roles of a table hold, each with its columns, the table of the ids, and the columns of an id
-- there. That of a user is known by a foreign key to a watched table, or if one table of users alone is watched.
CREATE FUNCTION herald_internal.held_ids(relation regclass, arguments jsonb)
	RETURNS TABLE (role text, columns text[], target regclass, key text[])
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT a.name, c.columns, t.target, t.key
	FROM herald_internal.column_arguments() AS a
	CROSS JOIN LATERAL (SELECT ARRAY(SELECT jsonb_array_elements_text(CASE jsonb_typeof($2 -> a.name)
	                                                  WHEN 'array' THEN $2 -> a.name ELSE '[]' END)))
		AS c (columns)
	CROSS JOIN LATERAL (
		SELECT s.subject_table, herald_internal.referenced_key($1, c.columns, s.subject_table)
		FROM herald_internal.subject_parts($2) AS s
		WHERE a.name = 'subject'
		UNION ALL
		SELECT $1, ARRAY(SELECT jsonb_array_elements_text($2 -> 'key')) WHERE a.name = 'parent'
		UNION ALL
		(SELECT u.target, u.key
		 FROM (SELECT f.target, f.target_columns, 1, cardinality(f.columns)
		       FROM herald_internal.foreign_keys($1) AS f
		       JOIN herald_internal.watched_table AS w ON w.relation = f.target AND w.kind = 'users'
		       WHERE f.columns @> c.columns
		       UNION ALL
		       SELECT min(w.relation::oid)::regclass, herald_internal.row_id(min(w.relation::oid)), 2, 0
		       FROM herald_internal.trusted_tables($1) AS w
		       WHERE w.kind = 'users' AND NOT w.arguments ? 'same_as'
		       HAVING count(*) = 1) AS u (target, key, rank, size)
		 WHERE herald_internal.is_user_role(a.name) AND NOT (a.name = 'sender' AND $2 ? 'sender_type')
		 ORDER BY u.rank, u.size
		 LIMIT 1)) AS t (target, key)
	WHERE a.meaning = 'an id' AND c.columns <> '{}' AND t.target IS NOT NULL;
$$;

-- Raises an error if a role has fewer or more columns than the ids that it holds, such as those of tenants.
CREATE FUNCTION herald_internal.check_id_sizes(relation regclass, kind text, arguments jsonb) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wrong record;
BEGIN
	SELECT h.*, e.columns AS example INTO wrong
	FROM herald_internal.held_ids(relation, arguments) AS h
	CROSS JOIN LATERAL (
		SELECT coalesce(
			(SELECT f.columns FROM herald_internal.foreign_keys(relation) AS f
			 WHERE f.columns @> h.columns AND f.target = h.target LIMIT 1),
			(SELECT array_agg(CASE WHEN k.name = ANY (herald_internal.column_names(relation)) AND
			                            ARRAY[k.name] <> '{id}' THEN k.name ELSE h.columns[1] END ORDER BY k.place)
			 FROM unnest(h.key) WITH ORDINALITY AS k (name, place)
			 WHERE cardinality(h.columns) = 1 AND h.target <> relation))) AS e (columns)
	WHERE cardinality(h.columns) <> cardinality(h.key)
	ORDER BY h.role
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'column "%" of table "%" cannot be the "%": an id of table "%" has the columns %',
			array_to_string(wrong.columns, ', '), herald_internal.plain_name(relation), wrong.role,
			herald_internal.plain_name(wrong.target), array_to_string(wrong.key, ', ')
			USING ERRCODE = 'invalid_foreign_key',
			      HINT = concat_ws(' ', CASE
			          WHEN (SELECT count(DISTINCT name) FROM unnest(wrong.example) AS name) = cardinality(wrong.key)
			          THEN 'Pass all of them, as in: ' || herald_internal.hinted_call(kind, relation,
			                   jsonb_build_object(wrong.role, array_to_string(wrong.example, ', ')))
			          ELSE format('Pass as many columns as "%s".', wrong.role) END,
			          CASE WHEN wrong.target = relation
			          THEN format('If "%s" alone says which row it is: %s', wrong.key[1], herald_internal.hinted_call(
			              kind, relation, jsonb_build_object('key', wrong.key[1])))
			          WHEN cardinality(wrong.key) > 1
			          THEN format('If one of them alone says which row it is, pass it as "key" when you watch table '
			                      '"%s".', herald_internal.plain_name(wrong.target)) END);
	END IF;
END
$$;

-- Raises an error if a column of ids or of texts has a nondeterministic collation: ids that are equal there name
-- different rooms and inboxes, and such texts cannot be searched.
CREATE FUNCTION herald_internal.check_collations(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	name text := (
		SELECT a.attname
		FROM unnest('{key,author,actor,subject,parent,follower,followee,member,conversation,sender,receiver,body,'
		            'blocker,blocked}'::text[]) AS role
		CROSS JOIN jsonb_array_elements_text(CASE jsonb_typeof(arguments -> role) WHEN 'array' THEN arguments -> role
		                                     ELSE '[]' END) AS used
		JOIN pg_attribute AS a ON a.attrelid = relation AND a.attname = used
		JOIN pg_collation AS c ON c.oid = a.attcollation
		WHERE NOT c.collisdeterministic
		LIMIT 1);
BEGIN
	IF name IS NOT NULL THEN
		RAISE EXCEPTION 'column "%" of table "%" has a nondeterministic collation', name, relation
			USING ERRCODE = 'feature_not_supported',
			      DETAIL = 'Ids that are equal there are different texts, and name different rooms and inboxes.',
			      HINT = 'Give the column a deterministic collation. Names and handles may have any.';
	END IF;
END
$$;

-- Tells the caller which columns have a role, which roles have none, and which columns may matter and do not.
CREATE FUNCTION herald_internal.tell_findings(relation regclass, kind text, arguments jsonb)
	RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	roles text;
	unused text[];
	questions text[];
	example jsonb;
	details text;
BEGIN
	PERFORM herald_internal.check_collations(relation, arguments);
	SELECT string_agg(format('%s = %s', f.role, coalesce(f.columns, 'none')), ', ' ORDER BY f.place) INTO roles
	FROM herald_internal.found_roles(kind, arguments) AS f;
	WITH column_left AS (
		SELECT u.* FROM herald_internal.unused_columns(relation, kind, arguments) WITH ORDINALITY
			AS u (name, meaning, argument, question, place)
	)
	SELECT array_agg(c.name ORDER BY c.place),
	       array_agg(c.question ORDER BY c.place) FILTER (WHERE c.question IS NOT NULL),
	       herald_internal.joined_arguments(array_agg(c.argument ORDER BY
	           c.name ~* 'type$', NOT herald_internal.is_act_of(kind, herald_internal.name_words(c.name)), c.place))
	FROM column_left AS c
	INTO unused, questions, example;
	details := concat_ws(' ',
		coalesce('A row counts if ' || herald_internal.row_condition(arguments) || '.', 'Every row counts.'),
		(SELECT format('A row without %s is never published.', string_agg(c.name, ' or ' ORDER BY c.place))
		 FROM jsonb_array_elements_text(arguments -> 'published_columns') WITH ORDINALITY AS c (name, place)
		 WHERE strpos(herald_internal.plain_sql(arguments ->> 'published_when'), format('%I IS NOT NULL', c.name)) > 0
		 HAVING count(*) > 0),
		CASE WHEN kind IN ('posts', 'comments', 'messages') AND NOT arguments ? 'body'
		THEN 'Without a body there are no mentions, and notifications show no text.' END,
		CASE WHEN kind = 'users' AND NOT arguments ? 'handle' THEN 'Without a handle there are no mentions.' END,
		'Not used: ' || array_to_string(unused, ', ') || '.');
	IF unused IS NULL THEN
		RAISE NOTICE 'watching "%" as %: %', herald_internal.plain_name(relation), kind, roles USING DETAIL = details;
	ELSE
		RAISE NOTICE 'watching "%" as %: %', herald_internal.plain_name(relation), kind, roles
			USING DETAIL = details,
			      HINT = 'Columns that are not used may matter. ' ||
			             herald_internal.unused_hint(relation, kind, 'Pass them', example, questions,
			                                               unused);
	END IF;
END
$$;
