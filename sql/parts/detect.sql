-- ---------------------------------------------------------------------------
-- Detection: finds the columns of a table that play a role
--
-- A column gets a role by its name; a foreign key confirms it, and never gives
-- a role by itself. A doubtful choice is an error, which names the columns and
-- shows the argument to pass. Names are compared without case and underscores,
-- so that user_id and "userId" are equal.
--
-- A column can say that a row does not count: its user has left, wants no
-- notifications, or the row is not published yet. If such a column has no role,
-- the call is an error until it passes the column or ignores it. Columns that
-- may be less than that, such as a status, are named by a notice.
--
-- An id is a text: the value of the key's one column, or the values of its
-- columns in the order of the key, joined by commas.
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald_internal.column_names(relation regclass) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_agg(a.attname::text ORDER BY a.attnum)
	FROM pg_attribute AS a
	WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped;
$$;

-- Returns the name of a table, with its schema, as messages have it: in quotes of their own.
CREATE FUNCTION herald_internal.plain_name(relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_to_string(parse_ident($1::text), '.');
$$;

-- Returns the columns of the primary key in its order; NULL without one.
CREATE FUNCTION herald_internal.primary_key(relation regclass) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_agg(a.attname::text ORDER BY k.place)
	FROM pg_index AS i
	CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
	JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
	WHERE i.indrelid = $1 AND i.indisprimary;
$$;

-- Returns the columns that have the id of a row: the key that the present call, or a saved one, was given, or
-- else the primary key.
CREATE FUNCTION herald_internal.row_id(relation regclass) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(
		(SELECT regexp_split_to_array(btrim(c.call -> 'arguments' ->> 'key'), '\s*,\s*')
		 FROM (SELECT nullif(current_setting('herald_internal.watch_call', true), '')::jsonb) AS c (call)
		 WHERE c.call ->> 'relation' = $1::oid::text),
		(SELECT ARRAY(SELECT jsonb_array_elements_text(w.arguments -> 'key'))
		 FROM herald_internal.watched_table AS w
		 WHERE w.relation = $1 AND w.kind IN ('users', 'posts', 'comments', 'messages') AND
		       jsonb_typeof(w.arguments -> 'key') = 'array'
		 LIMIT 1),
		herald_internal.primary_key($1));
$$;

-- Returns the foreign keys of a table. Their columns are in the order of the target's id, if they refer to it. Columns
-- beside those of a whole id, such as the tenant of both rows, are not among them: the id alone says which row it is.
CREATE FUNCTION herald_internal.foreign_keys(relation regclass)
	RETURNS TABLE (columns text[], target regclass, target_columns text[])
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH part AS (
		SELECT c.oid, c.confrelid, a.attname::text AS name, t.attname::text AS target_name,
		       coalesce(o.place, k.place) AS place, o.place IS NOT NULL AS of_id,
		       count(o.place) OVER (PARTITION BY c.oid) = cardinality(i.id) AS has_id
		FROM pg_constraint AS c
		CROSS JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY AS k (attnum, target_attnum, place)
		JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
		JOIN pg_attribute AS t ON t.attrelid = c.confrelid AND t.attnum = k.target_attnum
		CROSS JOIN LATERAL (SELECT CASE WHEN cardinality(c.conkey) > 1 THEN herald_internal.row_id(c.confrelid) END)
			AS i (id)
		CROSS JOIN LATERAL (SELECT array_position(i.id, t.attname::text)) AS o (place)
		WHERE c.conrelid = $1 AND c.contype = 'f' AND
		      NOT EXISTS (SELECT FROM pg_constraint AS whole WHERE whole.oid = c.conparentid AND
		                  whole.conrelid = c.conrelid)
	)
	SELECT DISTINCT array_agg(p.name ORDER BY p.place), p.confrelid::regclass,
	       array_agg(p.target_name ORDER BY p.place)
	FROM part AS p
	WHERE p.of_id OR p.has_id IS NOT TRUE
	GROUP BY p.oid, p.confrelid;
$$;

-- Returns a name in the form in which names are compared. Words of a schema are English in any database: in a
-- Turkish one, lower() alone makes another word of "userId".
CREATE FUNCTION herald_internal.normalize_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT lower(replace(name, '_', '') COLLATE "C");
$$;

-- Returns a name as words in small letters: photoAlbum becomes photo_album. Names that were camel case and not quoted
-- have lost their words: deleteat becomes delete_at.
CREATE FUNCTION herald_internal.name_words(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT regexp_replace(lower(regexp_replace(name, '([a-z0-9])([A-Z])', '\1_\2', 'g') COLLATE "C"),
	                      '((?:delete|remove|archive|create|update|expire|approve|schedule|leave)[ds]?|'
	                      '(?:publish|accept|join|end|suspend|bann|left|mut)(?:ed|s)?)(at|on)$', '\1_\2');
$$;

-- photo_album and photoAlbum become photoAlbum
CREATE FUNCTION herald_internal.camel_case(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(CASE WHEN place = 1 THEN word ELSE upper(left(word, 1) COLLATE "C") || substr(word, 2) END, ''
	                  ORDER BY place)
	FROM string_to_table(name, '_') WITH ORDINALITY AS w (word, place);
$$;

-- Returns the name of a class for a noun: photo_album becomes PhotoAlbum.
CREATE FUNCTION herald_internal.class_name(noun text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.camel_case('_' || noun);
$$;

-- Returns the noun for one row of a table: photo_albums and "PhotoAlbums" become photo_album
CREATE FUNCTION herald_internal.singular_noun(relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN word ~ '[^aeiou]ies$' THEN regexp_replace(word, 'ies$', 'y')
		WHEN word ~ '(ss|x|zz|ch|sh|[^aeo]us|alias|bias|gas|canvas)es$' THEN regexp_replace(word, 'es$', '')
		WHEN word ~ '[^su]s$' THEN regexp_replace(word, 's$', '')
		ELSE word
	END
	FROM pg_class AS c, LATERAL (SELECT herald_internal.name_words(c.relname::text)) AS w (word)
	WHERE c.oid = $1;
$$;

-- Returns the columns that an argument names: one column, or several separated by commas. Raises an error if one does
-- not exist.
CREATE FUNCTION herald_internal.parse_columns(relation regclass, given text) RETURNS text[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	existing text[] := herald_internal.column_names(relation);
	wanted text[] := CASE WHEN given = ANY (existing) THEN ARRAY[given]
		ELSE regexp_split_to_array(btrim(given), '\s*,\s*') END;
	missing text;
BEGIN
	SELECT name INTO missing FROM unnest(wanted) AS name WHERE name <> ALL (existing) LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'column "%" of table "%" does not exist', missing, herald_internal.plain_name(relation)
			USING ERRCODE = 'undefined_column', DETAIL = format('Its columns are %s.', array_to_string(existing, ', '));
	END IF;
	RETURN wanted;
END
$$;

-- Returns the columns that the caller wants to be ignored. Raises an error if one does not exist.
CREATE FUNCTION herald_internal.ignored_columns(relation regclass, given text[]) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(array_agg(c.name), '{}')
	FROM unnest(given) AS g (name)
	CROSS JOIN LATERAL unnest(herald_internal.parse_columns($1, g.name)) AS c (name);
$$;

-- Returns the names of a role, in three ranks. The names of a better rank win: an author_id is the author, even beside
-- a user_id.
CREATE FUNCTION herald_internal.name_convention(role text, OUT own text[], OUT common text[], OUT weak text[])
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE role
		WHEN 'actor' THEN '{actor,liker,likedby,reactor,reactedby,voter,votedby}'
		WHEN 'author' THEN '{author,authoredby,writer,writtenby,poster,postedby,commenter,commentor,commentedby,'
		                   'replier,repliedby}'
		WHEN 'member' THEN '{member,participant,attendee}'
		WHEN 'follower' THEN '{follower,followedby,subscriber,requester,requestedby,initiator,swiper,source,from,by}'
		WHEN 'followee' THEN '{followee,followed,following,followable,target,addressee,friend,swiped,to}'
		WHEN 'blocker' THEN '{blocker,blockedby,muter,mutedby,ignorer,ignoredby,bannedby,source,from,by}'
		WHEN 'blocked' THEN '{blocked,blockee,muted,ignored,banned,target,to}'
		WHEN 'sender' THEN '{sender,sentby,from,author,writer,writtenby}'
		WHEN 'receiver' THEN '{receiver,recipient,addressee,to}'
		WHEN 'conversation' THEN '{conversation,chat,room,channel,thread,group,dialog,dialogue}'
		WHEN 'parent' THEN '{parent,replyto,inreplyto,repliedto,replyingto,answers,answerto,answered}'
		WHEN 'subject' THEN '{post,subject,target,item}'
	END::text[],
	CASE role
		WHEN 'author' THEN someone || maker
		WHEN 'actor' THEN someone
		WHEN 'member' THEN someone
		WHEN 'sender' THEN someone
		ELSE '{}'
	END,
	CASE
		WHEN role IN ('actor', 'sender') THEN maker || '{author,poster,postedby}'
		WHEN role IN ('follower', 'followee', 'blocker', 'blocked') THEN someone
		ELSE '{}'
	END
	FROM (SELECT '{user,account,profile,member,person}'::text[] AS someone,
	             '{owner,creator,createdby,submitter,submittedby,uploader,uploadedby,requester,reporter,opener,seller,'
	             'vendor,host,organizer,organiser}'::text[]
	             AS maker) AS t;
$$;

-- Returns whether a role is that of the user who does what a row says.
CREATE FUNCTION herald_internal.is_acting_role(role text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT role IN ('actor', 'author', 'follower', 'blocker', 'sender');
$$;

-- Returns whether a role is one of a user.
CREATE FUNCTION herald_internal.is_user_role(role text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT role NOT IN ('conversation', 'parent', 'subject');
$$;

-- Returns the forms of a name that are compared with the names of roles: as it is, without the mark of a key, and also
-- without one of the nouns at its end or in front. followed_user_id has the forms followeduserid, followeduser and
-- followed.
CREATE FUNCTION herald_internal.name_forms(name text, nouns text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_agg(DISTINCT herald_internal.normalize_name(form))
	FROM herald_internal.name_words(name) AS words
	CROSS JOIN LATERAL regexp_replace(words, '^(id|fk)_|_?(id|uuid|guid|key|ref|fk)$', '', 'g') AS keyless
	CROSS JOIN LATERAL unnest(ARRAY[words, keyless] || ARRAY(SELECT left(keyless, -length(noun) - 1)
	                                                         FROM unnest(nouns) AS noun
	                                                         WHERE keyless LIKE '%\_' || noun)
	                         || ARRAY(SELECT substr(keyless, length(noun) + 2) FROM unnest(nouns) AS noun
	                                  WHERE keyless LIKE noun || '\_%')) AS form;
$$;

-- Returns whether a table is one of users: it is watched as such, or its key and that of a watched one are the same
-- ids. NULL as long as no table of users is watched.
CREATE FUNCTION herald_internal.is_user_table(relation regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT bool_or(w.relation = $1 OR
	               EXISTS (SELECT FROM herald_internal.foreign_keys(w.relation) AS f
	                       WHERE f.target = $1 AND f.columns = a.key) OR
	               EXISTS (SELECT FROM herald_internal.foreign_keys($1) AS f
	                       WHERE f.target = w.relation AND f.columns = herald_internal.primary_key($1)))
	FROM herald_internal.watched_table AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[])
	WHERE w.kind = 'users';
$$;

-- Returns whether the ids of users may be any text, as far as the watched tables tell.
CREATE FUNCTION herald_internal.users_have_names_as_ids() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(bool_or(t.typcategory = 'S'), true)
	FROM herald_internal.watched_table AS w
	JOIN pg_attribute AS a ON a.attrelid = w.relation AND a.attnum > 0 AND w.arguments -> 'key' ? a.attname
	JOIN pg_type AS t ON t.oid = a.atttypid
	WHERE w.kind = 'users';
$$;

-- Returns the table whose noun a column without a foreign key has, in the schema of its table: account_id refers to a
-- row of accounts. NULL without one, or with several. The noun of a table is only asked for if its name begins alike:
-- a schema may have thousands of tables.
CREATE FUNCTION herald_internal.named_table(relation regclass, name text) RETURNS regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH alike AS MATERIALIZED (
		SELECT c.oid, c.relname, noun
		FROM regexp_replace(herald_internal.name_words($2), '^(id|fk)_|_?(id|uuid)$', '', 'g') AS words
		CROSS JOIN herald_internal.normalize_name(words) AS noun
		JOIN pg_class AS mine ON mine.oid = $1
		JOIN pg_class AS c ON c.relnamespace = mine.relnamespace AND c.relkind IN ('r', 'p') AND c.oid <> $1
		WHERE herald_internal.name_words($2) ~ '.(_id|id|_uuid)$|^(id|fk)_' AND noun <> '' AND
		      herald_internal.normalize_name(c.relname) IN (noun, noun || 's', noun || 'es',
		                                                    regexp_replace(noun, 'y$', 'ies'))
	)
	SELECT min(a.oid)::regclass
	FROM alike AS a
	WHERE (herald_internal.normalize_name(herald_internal.singular_noun(a.oid)) = a.noun OR
	       a.noun ~ '[dlnrz]$' AND herald_internal.normalize_name(a.relname) = a.noun || 'es') AND
	      NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = a.oid)
	HAVING count(*) = 1;
$$;

-- Returns whether a column of numbers may be a counter or a flag: its name is not that of an id, and it is small, has a
-- number as its default, is a plural, or stands beside two foreign keys to users. A parent is no number.
CREATE FUNCTION herald_internal.may_be_number(relation regclass, attnum int2, user_references bigint) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT words !~ '^(id|fk)_|(id|key|ref|fk)$|(^|_)(parent|to|by)$' AND
	       (a.atttypid = 'int2'::regtype OR words ~ '[a-z]{3}[^siu]s$' OR user_references > 1 OR
	        EXISTS (SELECT FROM pg_attrdef AS d
	                WHERE d.adrelid = $1 AND d.adnum = $2 AND
	                      pg_get_expr(d.adbin, d.adrelid) ~ '^\(?''?-?[0-9]+''?\)?(::[a-z ]+)?$'))
	FROM pg_attribute AS a
	CROSS JOIN herald_internal.name_words(a.attname::text) AS words
	WHERE a.attrelid = $1 AND a.attnum = $2;
$$;

-- Returns the columns of a table that can hold an id: each foreign key, with its target, and each other column of a
-- suitable type. A label is a text that does not look like an id by its name: "from" may be an address.
CREATE FUNCTION herald_internal.id_columns(relation regclass)
	RETURNS TABLE (columns text[], target regclass, place int, label boolean)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH reference AS (
		SELECT f.columns, f.target FROM herald_internal.foreign_keys($1) AS f
	)
	SELECT r.columns, r.target, min(a.attnum), false
	FROM reference AS r
	JOIN pg_attribute AS a ON a.attrelid = $1 AND a.attname = ANY (r.columns)
	GROUP BY 1, 2
	UNION ALL
	SELECT ARRAY[a.attname::text], NULL, a.attnum,
	       t.typcategory = 'S' AND herald_internal.name_words(a.attname::text) !~ '(id|key|ref)$'
	FROM pg_attribute AS a
	JOIN pg_type AS t ON t.oid = a.atttypid
	WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND
	      t.typcategory NOT IN ('A', 'B', 'D', 'E', 'R', 'T') AND
	      a.atttypid <> ALL ('{json,jsonb,bytea,numeric,real,float8}'::regtype[]) AND
	      NOT EXISTS (SELECT FROM reference AS r WHERE a.attname = ANY (r.columns)) AND
	      NOT (t.typcategory = 'N' AND herald_internal.may_be_number($1, a.attnum, (
	               SELECT count(*) FROM reference AS r WHERE herald_internal.is_user_table(r.target))));
$$;

-- Returns the nouns that name a subject: that of the given table, or those of the watched posts, comments and
-- messages.
CREATE FUNCTION herald_internal.subject_nouns(relation regclass, target regclass) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN $2 IS NOT NULL THEN ARRAY[herald_internal.singular_noun($2)]
		ELSE ARRAY(SELECT herald_internal.singular_noun(w.relation)
		           FROM herald_internal.trusted_tables($1) AS w
		           WHERE w.kind IN ('posts', 'comments', 'messages') AND w.relation <> $1) END;
$$;

-- Returns whether columns hold the conversation that the counterpart of a table has: messages that of watched members,
-- members that of watched messages. They have the same name or refer to the same table.
CREATE FUNCTION herald_internal.is_known_conversation(columns text[], target regclass) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (SELECT FROM herald_internal.watched_table AS w
	               CROSS JOIN jsonb_to_record(w.arguments) AS a (conversation text[])
	               LEFT JOIN herald_internal.foreign_keys(w.relation) AS f ON f.columns = a.conversation
	               WHERE w.kind IN ('members', 'messages') AND cardinality(a.conversation) = cardinality($1) AND
	                     coalesce(f.target = $2, a.conversation = $1));
$$;

-- Returns the table of the conversations in columns: that of the foreign key or of the name; NULL if it is not known.
CREATE FUNCTION herald_internal.conversation_target(relation regclass, columns text[]) RETURNS regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(herald_internal.reference_target($1, $2), herald_internal.named_table($1, $2[1]));
$$;

-- Returns whether columns of two tables hold the ids of the same conversations: they refer to the same table or, if
-- that of one is not known, have the same names.
CREATE FUNCTION herald_internal.same_conversations(one regclass, one_columns text[], other regclass,
                                                   other_columns text[]) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(herald_internal.conversation_target(one, one_columns) =
	                herald_internal.conversation_target(other, other_columns), one_columns = other_columns);
$$;

-- Returns the watched tables of the other kind, members or messages, that have the conversations of a watched table.
CREATE FUNCTION herald_internal.conversation_tables(relation regclass, kind text, conversation text[])
	RETURNS SETOF regclass
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT DISTINCT w.relation
	FROM herald_internal.watched_table AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (conversation text[])
	WHERE w.kind = CASE $2 WHEN 'members' THEN 'messages' WHEN 'messages' THEN 'members' END AND
	      herald_internal.same_conversations($1, $3, w.relation, a.conversation);
$$;

-- Returns whether a table has an author: it is watched with one, or a column of it has that role.
CREATE FUNCTION herald_internal.has_author(relation regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (SELECT FROM herald_internal.watched_table AS w
	               WHERE w.relation = $1 AND w.arguments ?| '{author,sender}') OR
	       EXISTS (SELECT FROM herald_internal.key_candidates($1, 'author', NULL));
$$;

-- Returns the rank of columns for the role of a subject or a conversation by the noun of a table: 1 for one of the
-- nouns; for a foreign key 2 for the noun in the name of the table that has it, 3 for the noun of its target. NULL
-- without any. The noun of "forum_posts" is also "post". If "need_author", the target must have one.
CREATE FUNCTION herald_internal.noun_rank(relation regclass, columns text[], target regclass, nouns text[],
	need_author boolean) RETURNS int
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT min(CASE
		WHEN EXISTS (SELECT FROM unnest(nouns) AS noun WHERE noun = word OR noun LIKE '%\_' || word) THEN 1
		WHEN $3 IS NULL OR need_author AND NOT herald_internal.has_author($3) THEN NULL
		WHEN herald_internal.name_words(c.relname::text) LIKE word || '\_%' THEN 2
		WHEN target.noun = word OR target.noun LIKE '%\_' || word THEN 3
	END)
	FROM pg_class AS c
	CROSS JOIN herald_internal.singular_noun($3) AS target (noun)
	CROSS JOIN unnest(herald_internal.naming_columns(columns)) AS name
	CROSS JOIN LATERAL regexp_replace(herald_internal.name_words(name), '^(id|fk)_|_?(id|uuid|guid|key|ref|fk)$', '',
	                                  'g') AS word
	WHERE c.oid = $1 AND word <> '';
$$;

-- Returns the table that columns refer to; NULL without a foreign key.
CREATE FUNCTION herald_internal.reference_target(relation regclass, columns text[]) RETURNS regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT f.target FROM herald_internal.foreign_keys($1) AS f WHERE f.columns = $2 LIMIT 1;
$$;

-- Returns whether the keys of two tables are the same ids: one inherits from the other, or its key refers to the other.
CREATE FUNCTION herald_internal.same_ids(one regclass, other regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT one = other OR herald_internal.ancestors(one) && herald_internal.ancestors(other) OR
	       EXISTS (SELECT FROM (VALUES (one, other), (other, one)) AS s (relation, target)
	               CROSS JOIN herald_internal.foreign_keys(s.relation) AS f
	               WHERE f.target = s.target AND f.columns = herald_internal.primary_key(s.relation));
$$;

-- Returns the tables to which the foreign keys of columns refer or, without any, those of which they are a part.
CREATE FUNCTION herald_internal.reference_targets(relation regclass, columns text[]) RETURNS SETOF regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT r.target
	FROM (SELECT f.target, f.columns <@ $2 AS whole, bool_or(f.columns <@ $2) OVER () AS any_whole
	      FROM herald_internal.foreign_keys($1) AS f
	      WHERE f.columns @> $2) AS r
	WHERE r.whole OR NOT r.any_whole;
$$;

-- Returns whether columns can hold ids of a table: without a foreign key, they can hold those of any.
CREATE FUNCTION herald_internal.may_refer(relation regclass, columns text[], target regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(bool_or(herald_internal.same_ids(r.target, $3)), true)
	FROM herald_internal.reference_targets($1, $2) AS r (target);
$$;

-- Returns whether the rows of a table can have a role. As long as no table of users is watched, its name says whether
-- it has users.
CREATE FUNCTION herald_internal.can_be(role text, relation regclass, target regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN role = 'subject' THEN true
		WHEN role = 'parent' THEN herald_internal.same_ids(relation, target)
		WHEN herald_internal.is_user_role(role) AND role <> 'last_read'
		THEN coalesce(u.has_users, target <> relation AND
		              (k.kind = ANY ('{posts,comments,likes,follows,follow_requests,blocks,messages}')) IS NOT TRUE)
		ELSE NOT coalesce(u.has_users, k.kind = 'users', false) END
	FROM herald_internal.kind_of_name(herald_internal.singular_noun(target)) AS k
	CROSS JOIN herald_internal.is_user_table(target) AS u (has_users);
$$;

-- Returns the table after which a column is named, unless a foreign key says more.
CREATE FUNCTION herald_internal.named_target(relation regclass, columns text[]) RETURNS regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.named_table($1, $2[1])
	WHERE cardinality($2) = 1 AND NOT EXISTS (SELECT FROM herald_internal.reference_targets($1, $2));
$$;

-- Returns whether a column with the name of another table can have a role. A name says less than a foreign key: only
-- tables that are watched, and those with the name of a kind, count against it, and a name of the role counts for it.
CREATE FUNCTION herald_internal.can_be_named(role text, relation regclass, columns text[], target regclass)
	RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN role = 'subject' OR v.own || v.common && herald_internal.name_forms(columns[1], '{}') THEN true
		WHEN role IN ('conversation', 'last_read') THEN herald_internal.can_be(role, relation, target)
		ELSE (k.kind IN ('posts', 'comments', 'messages') OR role = 'parent' AND k.kind = 'users' OR
		      EXISTS (SELECT FROM herald_internal.watched_table AS w WHERE w.relation = target)) IS NOT TRUE OR
		     CASE role WHEN 'parent' THEN herald_internal.same_ids(relation, target)
		     ELSE coalesce(herald_internal.is_user_table(target), false) END
	END
	FROM herald_internal.kind_of_name(herald_internal.singular_noun(target)) AS k
	CROSS JOIN herald_internal.name_convention(role) AS v;
$$;

-- Returns those of the columns of a key that can say its role by their names: not that of the tenant beside others.
CREATE FUNCTION herald_internal.naming_columns(columns text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN cardinality(columns) = 1 THEN columns
	       ELSE coalesce((SELECT array_agg(c.name ORDER BY c.place)
	                      FROM unnest(columns) WITH ORDINALITY AS c (name, place)
	                      WHERE herald_internal.name_words(c.name) !~ herald_internal.tenant_pattern()), columns) END;
$$;

-- Returns whether a table of likes is named after the subject in columns, as comment_like after comment_id: the post
-- beside it is that of the comment.
CREATE FUNCTION herald_internal.is_named_subject(relation regclass, columns text[]) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (
		SELECT FROM herald_internal.singular_noun($1) AS noun
		CROSS JOIN unnest(herald_internal.naming_columns(columns)) AS name
		CROSS JOIN LATERAL regexp_replace(herald_internal.name_words(name), '_?(id|uuid|key|ref)$', '') AS word
		CROSS JOIN LATERAL herald_internal.kind_of_name(noun) AS k
		WHERE k.kind = 'likes' AND word ~ '^[a-z_]+$' AND noun ~ ('(^|_)' || word || '_?[a-z]+$') AND
		      noun !~ ('(^|_)' || word || '$'));
$$;

-- Returns the pattern of the columns that hold the tenant of a row, and never its conversation.
CREATE FUNCTION herald_internal.tenant_pattern() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT '^(tenant|realm|organi[sz]ation|org|workspace|company|account|site|instance|domain|customer|client|brand|'
	       'portal)_?(id|uuid)$';
$$;

-- Returns the columns that may have a role, with their ranks; the lowest is the best. A foreign key is worth one rank:
-- an author_id without one and a user_id with one are equally likely. A label loses one. If the table of the target is
-- known, columns that refer to another table are no candidates, unless both tables have users. A column with the noun
-- of another table loses one rank as that of a user. By the noun of its target alone, a subject is rather a post.
CREATE FUNCTION herald_internal.key_candidates(relation regclass, role text, target regclass)
	RETURNS TABLE (columns text[], rank numeric)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH candidate AS (
		SELECT i.columns, i.target, i.label, herald_internal.is_user_table(i.target) AS of_user,
		       i.target IS NULL AND herald_internal.is_user_table(n.named) IS FALSE AS of_others,
		       CASE WHEN herald_internal.is_user_table(coalesce(i.target, n.named))
		       THEN herald_internal.singular_noun(coalesce(i.target, n.named)) END AS user_noun
		FROM herald_internal.id_columns($1) AS i
		CROSS JOIN herald_internal.named_table($1, i.columns[1]) AS n (named)
		WHERE NOT i.label OR herald_internal.is_user_role($2) AND herald_internal.users_have_names_as_ids()
	), named AS (
		SELECT c.*, (SELECT array_agg(form)
		             FROM unnest(herald_internal.naming_columns(c.columns)) AS name
		             CROSS JOIN unnest(herald_internal.name_forms(name, CASE
		                 WHEN herald_internal.is_user_role($2) THEN '{user,account,profile,member,person}' ||
		                      CASE WHEN c.user_noun IS NOT NULL THEN ARRAY[c.user_noun] END
		                 WHEN $2 = 'parent' THEN ARRAY['comment', 'post', 'message', herald_internal.singular_noun($1)]
		                 ELSE '{}'::text[] END)) AS form) AS forms
		FROM candidate AS c
		WHERE CASE
			WHEN c.target IS NULL THEN true
			WHEN $3 IS NOT NULL THEN c.target = $3 OR herald_internal.is_user_role($2) AND c.of_user
			WHEN herald_internal.is_user_role($2) THEN c.of_user IS NOT FALSE
			ELSE c.of_user IS NOT TRUE
		END
	)
	SELECT n.columns, min(r.rank) + CASE WHEN n.label THEN 1.5 WHEN n.target IS NULL THEN 0.5 ELSE -0.5 END +
	                  CASE WHEN n.of_others AND herald_internal.is_user_role($2) THEN 1 ELSE 0 END
	FROM named AS n
	CROSS JOIN herald_internal.name_convention($2) AS v
	CROSS JOIN LATERAL (VALUES
		(CASE WHEN n.forms && v.own AND ($2 <> 'subject' OR $3 IS NULL) THEN 1
		      WHEN n.forms && v.common THEN 2 WHEN n.forms && v.weak THEN 3 END),
		(CASE WHEN herald_internal.is_user_role($2) AND
		           (n.of_user AND herald_internal.noun_rank($1, n.columns, n.target, '{}', false) IS NOT NULL OR
		            n.target IS NULL AND herald_internal.normalize_name(n.user_noun) = ANY (n.forms))
		      THEN CASE WHEN v.common = '{}' THEN 3 ELSE 2 END END),
		(CASE WHEN $2 = 'subject' AND herald_internal.is_named_subject($1, n.columns) THEN 0 END),
		(CASE WHEN $2 = 'subject' AND
		           herald_internal.noun_rank($1, n.columns, n.target, herald_internal.subject_nouns($1, $3),
		                                     true) = 3 AND
		           (herald_internal.kind_of_name(herald_internal.singular_noun(n.target))).kind IN
		               ('posts', 'comments', 'messages') THEN 2.5 END),
		(CASE WHEN $2 = 'conversation' AND herald_internal.is_known_conversation(n.columns, n.target) THEN 0 END),
		(CASE WHEN $2 = 'conversation' AND EXISTS (
		      SELECT FROM unnest(herald_internal.naming_columns(n.columns)) AS name
		      WHERE herald_internal.name_words(name) ~ format('_(%s)(_?id|_uuid)?$', array_to_string(v.own, '|')))
		 THEN 1 END),
		(CASE $2 WHEN 'subject' THEN herald_internal.noun_rank($1, n.columns, n.target,
		                                                       herald_internal.subject_nouns($1, $3), true)
		         WHEN 'conversation' THEN CASE
		             WHEN herald_internal.name_words((herald_internal.naming_columns(n.columns))[1]) !~
		                  herald_internal.tenant_pattern()
		             THEN herald_internal.noun_rank($1, n.columns, n.target, '{}', false) END
		 END)) AS r (rank)
	WHERE r.rank IS NOT NULL
	GROUP BY n.columns, n.target, n.label, n.of_others;
$$;

-- Returns columns that an error can name as examples for a role, the most likely first: those with a name of the role,
-- those that refer to a suitable table, and others that look like ids. None is the key of the row, or has another role
-- by its name or its key. The user that acts usually stands before the other one. If columns refer to users, by
-- their watched table or by its name, no other reference is one to a user. The subject in a table that is named after
-- its kind may have the name of a role in tables of other kinds, such as a room that is liked. A column named after
-- another table is rather its id than that of a user.
CREATE FUNCTION herald_internal.example_columns(relation regclass, kind text, role text, taken text[]) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_agg(array_to_string(i.columns, ', ')
	ORDER BY CASE WHEN herald_internal.is_acting_role($3)
	         THEN l.word ~ '(ed|ee|[ai]d[oa]|[aiu]t[oa])(_(user|account|member|profile))?$'
	         WHEN $3 IN ('followee', 'blocked', 'receiver')
	         THEN l.word ~ '(er|or|eur)(_(user|account|member|profile))?$' AND l.word !~ '(^|_)(user|member)$'
	         ELSE false END,
	         n.named DESC, herald_internal.is_user_role($3) AND c.words LIKE '%' || l.word || '\_%',
	         CASE WHEN (k.kind = 'users') = herald_internal.is_user_role($3) THEN 1
	                             WHEN k.kind IS NULL THEN 2 ELSE 3 END,
	         CASE WHEN herald_internal.is_user_role($3) OR $3 = 'parent'
	         THEN o.named IS NOT NULL AND k.kind IS DISTINCT FROM 'users' AND
	              herald_internal.is_user_table(o.named) IS NOT TRUE
	         ELSE o.named IS NULL END,
	         w.words ~ '(assign|pin|edit|approv|last|moder|updat|delet|remov|invit|clos|resolv|handl)',
	         i.target IS NULL, i.label, i.place)
	FROM herald_internal.id_columns($1) AS i
	CROSS JOIN herald_internal.name_convention($3) AS v
	CROSS JOIN LATERAL (SELECT (herald_internal.naming_columns(i.columns))[1] AS name,
	                           herald_internal.named_target($1, i.columns) AS named) AS o
	CROSS JOIN herald_internal.name_words(o.name) AS w (words)
	CROSS JOIN regexp_replace(w.words, '_?(id|uuid|key|ref)$', '') AS l (word)
	CROSS JOIN (SELECT herald_internal.name_words(c.relname::text) FROM pg_class AS c WHERE c.oid = $1) AS c (words)
	CROSS JOIN LATERAL (SELECT v.own || v.common || v.weak &&
	                           (herald_internal.name_forms(o.name, '{user,account,member}') ||
	                            string_to_array(w.words, '_'))) AS n (named)
	LEFT JOIN LATERAL herald_internal.kind_of_name(herald_internal.singular_noun(
		coalesce(i.target, o.named))) AS k ON true
	WHERE NOT i.columns <@ coalesce($4, '{}') AND i.columns <> coalesce(herald_internal.primary_key($1), '{}') AND
	      coalesce(herald_internal.is_user_table(i.target) = herald_internal.is_user_role($3), true) AND
	      (herald_internal.is_user_role($3) AND
	           (i.target = $1 OR k.kind IN ('posts', 'comments', 'messages') OR
	            i.target IS NOT NULL AND k.kind IS DISTINCT FROM 'users' AND
	            herald_internal.is_user_table(i.target) IS NOT TRUE AND
	            EXISTS (SELECT FROM herald_internal.foreign_keys($1) AS f
	                    CROSS JOIN herald_internal.kind_of_name(herald_internal.singular_noun(f.target)) AS o
	                    WHERE o.kind = 'users' AND f.target <> i.target))) IS NOT TRUE AND
	      (herald_internal.is_user_role($3) OR
	       k.kind IS DISTINCT FROM 'users' AND herald_internal.is_user_table(o.named) IS NOT TRUE) AND
	      NOT (w.words ~ '_by(_?id|_uuid)?$|^by_' AND NOT herald_internal.is_acting_role($3)) AND
	      (n.named OR NOT EXISTS (
	           SELECT FROM unnest('{actor,author,member,follower,followee,blocker,blocked,sender,receiver,conversation,'
	                              'parent,subject}'::text[]) AS e (role)
	           CROSS JOIN herald_internal.name_convention(e.role) AS r
	           WHERE e.role <> $3 AND r.own && herald_internal.name_forms(o.name, '{}') AND
	                 NOT (herald_internal.is_acting_role(e.role) AND herald_internal.is_acting_role($3)) AND
	                 (e.role = ANY (herald_internal.listed_roles($2)) OR
	                  (herald_internal.kind_of_name(herald_internal.singular_noun($1))).kind IS DISTINCT FROM $2))) AND
	      (n.named OR i.target IS NOT NULL OR
	       w.words ~ '(^|_)(id|uuid|pk|key|ref|by)$|(user|account|post)id$|^(id|fk)_') AND
	      w.words !~ ('^(id|uuid|guid|pk|key)$|'
	                  '^(body|text|content|caption|message|markdown|title|name|emoji|kind|type)(_(?!id$)|$)|'
	                  '_(type|name|email|ip)$');
$$;

-- Returns the table after which the columns of a subject are named, if the present call gives another one. "found" is
-- NULL if there are several, and there is no row if they are named after the given one, or none.
CREATE FUNCTION herald_internal.other_table_named(relation regclass, kind text, columns text[])
	RETURNS TABLE (given regclass, found regclass)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT g.given, CASE count(*) WHEN 1 THEN min(t.named::oid)::regclass END
	FROM (SELECT (herald_internal.given_arguments('watch_' || $2, $1) ->> 'subject_table')::regclass) AS g (given)
	CROSS JOIN herald_internal.tables_of_noun($1, $3) AS t (named)
	WHERE g.given IS NOT NULL AND NOT EXISTS (SELECT FROM herald_internal.reference_targets($1, $3)) AND
	      (herald_internal.row_id(g.given) = $3) IS NOT TRUE
	GROUP BY g.given
	HAVING NOT bool_or(herald_internal.same_ids(t.named, g.given));
$$;

-- Returns the hint of an error that asks for the columns of a role: the call with the first of the examples, and the
-- others. A subject may need its type as well. The table of one with a foreign key is known, and so is that of one with
-- the name of a table: the given one is not shown again if they differ.
CREATE FUNCTION herald_internal.key_hint(relation regclass, kind text, role text, examples text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH example AS (
		SELECT e.name, n.given, n.found, n.given IS NOT NULL AS differs,
		       row_number() OVER (ORDER BY n.given IS NOT NULL, e.place) AS place
		FROM unnest($4) WITH ORDINALITY AS e (name, place)
		LEFT JOIN LATERAL (
			SELECT o.* FROM herald_internal.other_table_named($1, $2, herald_internal.parse_columns($1, e.name)) AS o
			WHERE $3 = 'subject') AS n ON true
	)
	SELECT format(CASE WHEN $4 IS NULL THEN 'Pass it as "%2$s".'
	              WHEN cardinality($4) = 1 THEN 'Name it, as in: %1$s'
	              ELSE 'Name it, as in: %1$s It may also be %3$s.' || CASE
	                   WHEN $3 <> 'subject' THEN '' WHEN s.hint IS NOT NULL THEN ' %7$s' ELSE
	                   ' If some rows refer to one table and others to another one, see "A column for each table" in '
	                   'docs/your-schema.md.' END END ||
	              CASE WHEN e.differs THEN ' Column %4$s is named after table %5$s, not after %6$s.' ELSE '' END,
	              herald_internal.hinted_call($2, $1, jsonb_build_object($3, e.name) || CASE
	                  WHEN $3 <> 'subject' THEN '{}'
	                  WHEN e.differs THEN jsonb_build_object('subject_table', e.found::text)
	                  WHEN herald_internal.reference_target($1, herald_internal.parse_columns($1, e.name)) IS NOT NULL
	                  THEN '{"subject_table": null}'
	                  ELSE coalesce(herald_internal.paired_type($1, $3, e.name), '{}') END),
	              $3, (SELECT string_agg(o.name, ' or ' ORDER BY o.place) FROM example AS o
	                   WHERE o.place BETWEEN 2 AND 4),
	              e.name, coalesce(e.found::text, 'another'), e.given, s.hint)
	FROM (VALUES (1)) AS one (row)
	LEFT JOIN example AS e ON e.place = 1
	LEFT JOIN LATERAL (
		SELECT herald_internal.subjects_hint($1, $2, array_agg(o.name ORDER BY o.place)) AS hint
		FROM example AS o
		JOIN pg_attribute AS a ON a.attrelid = $1 AND a.attname = o.name AND NOT a.attnotnull
		WHERE $3 = 'subject' AND o.given IS NULL AND
		      coalesce(herald_internal.reference_target($1, ARRAY[o.name]),
		               herald_internal.subject_by_name($1, $2, o.name)) IS NOT NULL) AS s ON true;
$$;

-- Returns the hint for a call for likes of a table whose rows are between two users: they are follows; NULL for others.
CREATE FUNCTION herald_internal.users_hint(relation regclass, kind text, role text, taken text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('It has two users: its rows can be follows or, with mutual => true, friends or matches, as in: %s',
	              herald_internal.hinted_call('follows', $1, jsonb_build_object(
	                  'follower', array_to_string(f.columns, ', '), 'followee', array_to_string(o.columns, ', '))))
	FROM herald_internal.key_candidates($1, 'actor', NULL) AS f
	CROSS JOIN herald_internal.id_columns($1) AS o
	LEFT JOIN LATERAL herald_internal.kind_of_name(herald_internal.singular_noun(o.target)) AS k ON true
	WHERE $2 = 'likes' AND $3 = 'subject' AND f.columns <@ $4 AND NOT o.columns <@ $4 AND
	      (herald_internal.is_user_table(o.target) OR k.kind = 'users' OR
	       o.target IS NULL AND herald_internal.name_words(o.columns[1]) ~
	                                '(^|_)(user|account|profile|member|person)(_?id|_uuid)$')
	ORDER BY f.rank, o.place
	LIMIT 1;
$$;

-- Returns the columns of a role: the given ones, or else the best candidate among the columns that have no other role
-- yet and are not ignored (taken). The result of an optional role may be NULL.
CREATE FUNCTION herald_internal.detect_key(relation regclass, kind text, role text, given text,
	target regclass DEFAULT NULL,
	taken text[] DEFAULT '{}', optional boolean DEFAULT false) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	best text[];
BEGIN
	IF given IS NOT NULL THEN
		RETURN herald_internal.parse_columns(relation, given);
	END IF;
	SELECT array_agg(DISTINCT array_to_string(c.columns, ', ')) INTO best
	FROM (SELECT k.columns, k.rank, min(k.rank) OVER () AS lowest
	      FROM herald_internal.key_candidates(relation, role, target) AS k
	      WHERE NOT k.columns <@ coalesce(taken, '{}')) AS c
	WHERE c.rank = c.lowest;
	IF cardinality(best) > 1 OR (best IS NULL AND NOT optional) THEN
		IF best IS NULL AND herald_internal.is_user_role(role) THEN
			PERFORM herald_internal.check_referenced_users(relation);
		END IF;
		RAISE EXCEPTION '% which column of table "%" is the %', CASE WHEN best IS NULL THEN 'cannot find'
			ELSE 'cannot tell' END, herald_internal.plain_name(relation), role
			USING ERRCODE = CASE WHEN best IS NULL THEN 'undefined_column' ELSE 'ambiguous_column' END,
			      DETAIL = format(CASE WHEN best IS NULL
			                           THEN 'None of its columns has a name that says so: %s.'
			                           ELSE 'These are equally likely: %s.' END,
			                      array_to_string(coalesce(best, herald_internal.column_names(relation)), '; ')),
			      HINT = coalesce(herald_internal.users_hint(relation, kind, role, taken),
			          herald_internal.key_hint(relation, kind, role, coalesce(best,
			              herald_internal.example_columns(relation, kind, role, taken))));
	END IF;
	RETURN herald_internal.parse_columns(relation, best[1]);
END
$$;

-- Returns the columns of two users: one acts, and the other is acted upon. One of them needs a name of its own: then
-- the other may have a common one; of two that have one, such as followed_user and following_user, neither is known.
-- Foreign keys of both refer to users, and so to the same table.
CREATE FUNCTION herald_internal.detect_pair(relation regclass, kind text, one_role text, one_given text,
	other_role text, other_given text, ignored text[], OUT one text[], OUT other text[])
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	named text[] := (SELECT CASE count(*) OVER (PARTITION BY k.rank) WHEN 1 THEN k.columns END
	                 FROM herald_internal.key_candidates(relation, other_role, NULL) AS k
	                 WHERE k.rank < 2 AND NOT k.columns <@ ignored ORDER BY k.rank LIMIT 1);
BEGIN
	one := herald_internal.detect_key(relation, kind, one_role, one_given,
		taken => ignored || coalesce(herald_internal.parse_columns(relation, other_given), named));
	other := herald_internal.detect_key(relation, kind, other_role, other_given,
		herald_internal.reference_target(relation, one), taken => ignored || one);
END
$$;

-- Returns the columns of these names that the table has and that are not ignored, in the order of the names. "types"
-- are categories of types; NULL: any.
CREATE FUNCTION herald_internal.named_columns(relation regclass, names text[], ignored text[] DEFAULT '{}',
                                              types text[] DEFAULT NULL) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_agg(a.attname::text ORDER BY n.place, a.attname)
	FROM pg_attribute AS a
	JOIN pg_type AS t ON t.oid = a.atttypid
	JOIN unnest(names) WITH ORDINALITY AS n (wanted, place)
	  ON n.wanted = herald_internal.normalize_name(a.attname::text)
	WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (coalesce(ignored, '{}')) AND
	      (types IS NULL OR t.typcategory::text = ANY (types));
$$;

-- Returns a column that holds a value: the given one, or else the first of these names that the table has; NULL if it
-- has none.
CREATE FUNCTION herald_internal.detect_column(relation regclass, given text, names text[], ignored text[] DEFAULT '{}',
                                              types text[] DEFAULT NULL) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((herald_internal.parse_columns($1, given))[1],
	                (herald_internal.named_columns($1, names, ignored, types))[1]);
$$;

-- Returns the key that identifies a row: the given one, or else the primary key, or a column "id".
CREATE FUNCTION herald_internal.detect_row_key(relation regclass, kind text, given text) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found text[] := coalesce(herald_internal.parse_columns(relation, given), herald_internal.primary_key(relation),
	                         ARRAY[herald_internal.detect_column(relation, NULL, '{id}')]);
BEGIN
	IF found[1] IS NULL THEN
		RAISE EXCEPTION 'cannot find which column of table "%" is the key', herald_internal.plain_name(relation)
			USING ERRCODE = 'undefined_column',
			      DETAIL = format('It has no primary key and no column "id" among its columns: %s.',
			                      array_to_string(herald_internal.column_names(relation), ', ')),
			      HINT = 'Name it, as in: ' || herald_internal.hinted_call(kind, relation, jsonb_build_object(
			          'key', (herald_internal.column_names(relation))[1]));
	END IF;
	RETURN found;
END
$$;

-- Returns the key of a table of users: the given one, or else that of its rows. Profiles may have a key of their own
-- beside the id of their user: without a foreign key to theirs, it is doubtful which of the two other tables have.
CREATE FUNCTION herald_internal.detect_user_key(relation regclass, given text) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	own text[] := herald_internal.detect_row_key(relation, 'users', given);
	other text;
BEGIN
	SELECT a.attname INTO other
	FROM pg_attribute AS a
	CROSS JOIN LATERAL herald_internal.normalize_name(a.attname::text) AS name
	WHERE given IS NULL AND a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND
	      a.attname <> ALL (own) AND
	      (EXISTS (SELECT FROM pg_index AS i
	               WHERE i.indrelid = relation AND i.indisunique AND i.indkey::text = a.attnum::text) AND
	       (name ~ '(user|account|member|person)(id|uuid)?$' OR
	        EXISTS (SELECT FROM herald_internal.foreign_keys(relation) AS f
	                CROSS JOIN herald_internal.kind_of_name(herald_internal.singular_noun(f.target)) AS k
	                WHERE f.columns = ARRAY[a.attname::text] AND f.target <> relation AND k.kind = 'users')) OR
	       name ~ '^user(id|uuid)?$' AND herald_internal.singular_noun(relation) !~ '(^|_)user$') AND
	      NOT EXISTS (SELECT FROM herald_internal.foreign_keys(relation) AS f WHERE f.columns = own) AND
	      NOT EXISTS (SELECT FROM pg_constraint AS c
	                  WHERE c.confrelid = relation AND c.conrelid <> relation AND c.contype = 'f')
	ORDER BY a.attnum
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'cannot tell which column of table "%" is the key', herald_internal.plain_name(relation)
			USING ERRCODE = 'ambiguous_column',
			      DETAIL = format('These are equally likely: %s; %s.', array_to_string(own, ', '), other),
			      HINT = 'Name the one that other tables have, as in: ' ||
			             herald_internal.hinted_call('users', relation, jsonb_build_object('key', other));
	END IF;
	RETURN own;
END
$$;
