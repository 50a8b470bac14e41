-- ---------------------------------------------------------------------------
-- Detection: finds the columns of a table that play a role
--
-- A column gets a role if a foreign key and its name support it. Two equally
-- good columns are an error, which names them and shows the argument to pass.
-- Names are compared without case and underscores, so that user_id and
-- "userId" are equal.
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

-- Returns the columns of the primary key in its order; NULL without one.
CREATE FUNCTION herald_internal.primary_key(relation regclass) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_agg(a.attname::text ORDER BY k.place)
	FROM pg_index AS i
	CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
	JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
	WHERE i.indrelid = $1 AND i.indisprimary;
$$;

-- Returns the foreign keys of a table. Their columns are in the order of the target's primary key, if they refer to
-- it.
CREATE FUNCTION herald_internal.foreign_keys(relation regclass)
	RETURNS TABLE (columns text[], target regclass, target_columns text[])
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT DISTINCT array_agg(a.attname::text ORDER BY o.place), c.confrelid::regclass,
	       array_agg(t.attname::text ORDER BY o.place)
	FROM pg_constraint AS c
	CROSS JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY AS k (attnum, target_attnum, place)
	JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
	JOIN pg_attribute AS t ON t.attrelid = c.confrelid AND t.attnum = k.target_attnum
	CROSS JOIN LATERAL (SELECT coalesce(array_position(herald_internal.primary_key(c.confrelid), t.attname::text),
	                                    k.place)) AS o (place)
	WHERE c.conrelid = $1 AND c.contype = 'f' AND
	      NOT EXISTS (SELECT FROM pg_constraint AS whole WHERE whole.oid = c.conparentid AND
	                  whole.conrelid = c.conrelid)
	GROUP BY c.oid, c.confrelid;
$$;

-- Returns a name in the form in which names are compared.
CREATE FUNCTION herald_internal.normalize_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT lower(replace(name, '_', ''));
$$;

-- photo_album and photoAlbum become photoAlbum
CREATE FUNCTION herald_internal.camel_case(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(CASE WHEN place = 1 THEN word ELSE upper(left(word, 1)) || substr(word, 2) END, '' ORDER BY place)
	FROM string_to_table(name, '_') WITH ORDINALITY AS w (word, place);
$$;

-- Returns the noun for one row of a table: photo_albums and "PhotoAlbums" become photo_album
CREATE FUNCTION herald_internal.singular_noun(relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN word ~ '[^aeiou]ies$' THEN regexp_replace(word, 'ies$', 'y')
		WHEN word ~ '(s|x|z|ch|sh)es$' THEN regexp_replace(word, 'es$', '')
		WHEN word ~ '[^su]s$' THEN regexp_replace(word, 's$', '')
		ELSE word
	END
	FROM pg_class AS c, LATERAL (SELECT lower(regexp_replace(c.relname, '([a-z0-9])([A-Z])', '\1_\2', 'g'))) AS w (word)
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
		RAISE EXCEPTION 'column "%" of table "%" does not exist', missing, relation
			USING ERRCODE = 'undefined_column', DETAIL = format('Its columns are %s.', array_to_string(existing, ', '));
	END IF;
	RETURN wanted;
END
$$;

-- Returns the names that support a role: strong ones, and weak ones that count if nothing better exists. Rivals are
-- the names of the role's counterpart; they rule a column out. For a subject, "noun" is the noun of its table.
CREATE FUNCTION herald_internal.name_convention(role text, noun text, OUT strong text[], OUT weak text[],
                                                OUT rivals text[])
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE role
		WHEN 'actor' THEN someone || '{actor,actorid,liker,likerid,likedby,reactor,reactorid}'
		WHEN 'author' THEN someone
		WHEN 'member' THEN someone || '{participant,participantid}'
		WHEN 'follower' THEN '{follower,followerid,followeruserid,followedby,subscriber,subscriberid}'
		WHEN 'followee' THEN followed
		WHEN 'blocker' THEN '{blocker,blockerid,blockeruserid,blockedby,muter,muterid}'
		WHEN 'blocked' THEN blocked
		WHEN 'sender' THEN '{sender,senderid,senderuserid,sentby,from,fromid,fromuser,fromuserid}' || someone
		WHEN 'receiver' THEN received
		WHEN 'conversation' THEN '{conversation,conversationid,chat,chatid,room,roomid,channel,channelid,thread,'
		                         'threadid,group,groupid}'
		WHEN 'parent' THEN '{parent,parentid,parentcomment,parentcommentid,replyto,replytoid,inreplyto,'
		                   'inreplytoid,replytocommentid}'
		WHEN 'subject' THEN CASE WHEN noun IS NULL THEN '{post,postid,subject,subjectid,target,targetid,item,itemid}'
			ELSE ARRAY[noun, noun || 'id'] END
	END,
	CASE WHEN role IN ('follower', 'followee', 'blocker') THEN '{user,userid}'::text[] ELSE '{}' END,
	CASE role
		WHEN 'follower' THEN followed
		WHEN 'followee' THEN '{follower,followerid,followeruserid,followedby,subscriber,subscriberid}'
		WHEN 'blocker' THEN blocked
		WHEN 'blocked' THEN '{blocker,blockerid,blockeruserid,blockedby,muter,muterid}'
		WHEN 'sender' THEN received
		WHEN 'conversation' THEN received
		ELSE '{}'
	END
	FROM (SELECT '{user,userid,author,authorid,owner,ownerid,creator,creatorid,createdby,createdbyid,'
	             'poster,posterid,postedby,writer,writerid,'
	             'member,memberid,profile,profileid,account,accountid,person,personid}'::text[] AS someone,
	             '{followee,followeeid,followeeuserid,followed,followedid,followeduserid,following,'
	             'followingid,followinguserid,'
	             'target,targetid,targetuserid}'::text[] AS followed,
	             '{blocked,blockedid,blockeduser,blockeduserid,muted,mutedid,muteduser,muteduserid,'
	             'target,targetid,targetuserid}'::text[] AS blocked,
	             '{receiver,receiverid,receiveruserid,recipient,recipientid,recipientuserid,to,toid,'
	             'touser,touserid}'::text[] AS received) AS t;
$$;

-- Returns the columns that may have a role, with their weights. If the target table is known, a foreign key to it
-- weighs twice, and columns that refer to another table are no candidates.
CREATE FUNCTION herald_internal.key_candidates(relation regclass, role text, target regclass)
	RETURNS TABLE (columns text[], weight int)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH reference AS (
		SELECT f.columns, f.target FROM herald_internal.foreign_keys($1) AS f
	), candidate AS (
		SELECT DISTINCT r.columns, CASE WHEN $3 IS NULL THEN 1 ELSE 2 END AS weight FROM reference AS r
		WHERE $3 IS NULL OR r.target = $3
		UNION ALL
		SELECT ARRAY[name], 0
		FROM unnest(herald_internal.column_names($1)) AS name
		WHERE NOT EXISTS (SELECT FROM reference AS r WHERE name = ANY (r.columns))
	)
	SELECT c.columns, c.weight + n.weight
	FROM candidate AS c
	CROSS JOIN herald_internal.name_convention($2,
	                                           herald_internal.normalize_name(herald_internal.singular_noun($3))) AS v
	CROSS JOIN LATERAL (SELECT array_agg(herald_internal.normalize_name(name))
	                    FROM unnest(c.columns) AS name) AS p (names)
	CROSS JOIN LATERAL (SELECT CASE WHEN p.names && v.strong THEN 2 WHEN p.names && v.weak THEN 1
	                    ELSE 0 END) AS n (weight)
	WHERE c.weight + n.weight > 0 AND NOT p.names && v.rivals;
$$;

-- Returns the columns of a role: the given ones, or else the best candidate among the columns that have no other role
-- yet (taken). The result of an optional role may be NULL; then a foreign key to an unknown table is not sufficient.
CREATE FUNCTION herald_internal.detect_key(relation regclass, kind text, role text, given text,
	target regclass DEFAULT NULL,
	taken text[] DEFAULT '{}', optional boolean DEFAULT false) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	best text[];
	name text;
BEGIN
	IF given IS NOT NULL THEN
		RETURN herald_internal.parse_columns(relation, given);
	END IF;
	SELECT array_agg(array_to_string(c.columns, ', ') ORDER BY c.columns) INTO best
	FROM (SELECT k.columns, k.weight, max(k.weight) OVER () AS highest
	      FROM herald_internal.key_candidates(relation, role, target) AS k
	      WHERE NOT k.columns <@ coalesce(taken, '{}') AND (k.weight > 1 OR NOT optional)) AS c
	WHERE c.weight = c.highest;
	name := coalesce(best[1], CASE WHEN role ~ 'parent|conversation|subject' THEN role || '_id' ELSE 'user_id' END);
	IF cardinality(best) > 1 OR (best IS NULL AND NOT optional) THEN
		RAISE EXCEPTION '% which column of table "%" is the %', CASE WHEN best IS NULL THEN 'cannot find'
			ELSE 'cannot tell' END, relation, role
			USING ERRCODE = CASE WHEN best IS NULL THEN 'undefined_column' ELSE 'ambiguous_column' END,
			      DETAIL = format(CASE WHEN best IS NULL
			                           THEN 'None of its columns has a matching foreign key or name: %s.'
			                           ELSE 'These are equally likely: %s.' END,
			                      array_to_string(coalesce(best, herald_internal.column_names(relation)), '; ')),
			      HINT = format('Name it: SELECT herald.watch_%s(%L, %s => %L);', kind, relation, role, name);
	END IF;
	RETURN herald_internal.parse_columns(relation, best[1]);
END
$$;

-- Returns a column that holds a value: the given one, or else the first of these names that the table has; NULL if it
-- has none.
CREATE FUNCTION herald_internal.detect_column(relation regclass, given text, names text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((herald_internal.parse_columns($1, given))[1],
	                (SELECT name
	                 FROM unnest(herald_internal.column_names($1)) AS name
	                 JOIN unnest(names) WITH ORDINALITY AS n (wanted,
	                                                          place) ON n.wanted = herald_internal.normalize_name(name)
	                 ORDER BY n.place, name
	                 LIMIT 1));
$$;

-- Returns the key that identifies a row: the given one, or else the primary key, or a column "id".
CREATE FUNCTION herald_internal.detect_row_key(relation regclass, kind text, given text) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found text[] := coalesce(herald_internal.parse_columns(relation, given), herald_internal.primary_key(relation),
	                         ARRAY[herald_internal.detect_column(relation, NULL, '{id}')]);
BEGIN
	IF found[1] IS NULL THEN
		RAISE EXCEPTION 'cannot find which column of table "%" is the key', relation
			USING ERRCODE = 'undefined_column',
			      DETAIL = format('It has no primary key and no column "id" among its columns: %s.',
			                      array_to_string(herald_internal.column_names(relation), ', ')),
			      HINT = format('Name it: SELECT herald.watch_%s(%L, key => %L);', kind, relation,
			                    (herald_internal.column_names(relation))[1]);
	END IF;
	RETURN found;
END
$$;
