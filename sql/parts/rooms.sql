-- ---------------------------------------------------------------------------
-- Rooms: which sessions get an event
--
-- From its connect on, a session is in the rooms of its user: the user's own
-- room and feed, conversations, and the feeds of followed users. These
-- memberships come from the application's tables and go with their rows.
-- Other rooms are joined by action. The extension remembers joined rooms for
-- sessions that reconnect.
-- ---------------------------------------------------------------------------

-- The prefixes of the rooms that sessions are in by the rows of watched tables.
CREATE FUNCTION herald_internal.automatic_prefixes() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{user,feed,conversation}'::text[];

CREATE TABLE herald.room_policy (
	prefix   text PRIMARY KEY,
	function regprocedure NOT NULL,
	run_as   regrole NOT NULL,
	owner    regrole NOT NULL DEFAULT quote_ident(current_user)::regrole
);
COMMENT ON TABLE herald.room_policy IS 'the application''s functions that control access to rooms, by prefix';
COMMENT ON COLUMN herald.room_policy.prefix IS 'the part of a room''s name before the first colon';
COMMENT ON COLUMN herald.room_policy.function IS 'returns whether a user may join a room: (user_id text, room text)';
COMMENT ON COLUMN herald.room_policy.run_as IS 'the role that the function runs as';
COMMENT ON COLUMN herald.room_policy.owner IS 'the role that made the policy: others cannot replace or delete it';
SELECT pg_extension_config_dump('herald.room_policy', '');

CREATE TABLE herald_internal.session_room (
	session   text NOT NULL,
	user_id   text NOT NULL,
	room      text NOT NULL,
	joined_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (session, user_id, room)
);
COMMENT ON TABLE herald_internal.session_room IS 'the rooms that sessions have joined by action, for their return';
CREATE INDEX ON herald_internal.session_room (joined_at);

-- Rejects a function with the wrong signature (the trigger's arguments), and a role that the registering user may not
-- use.
CREATE FUNCTION herald_internal.check_registration() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM FROM pg_proc AS p
	WHERE p.oid = new.function AND oidvectortypes(p.proargtypes) = tg_argv[0] AND p.prorettype = tg_argv[1]::regtype AND
	      NOT p.proretset AND p.prokind = 'f';
	IF NOT FOUND THEN
		RAISE EXCEPTION 'function % has the wrong signature', new.function::regprocedure
			USING ERRCODE = 'invalid_function_definition',
				HINT = format('It must take (%s) and return %s.', tg_argv[0], tg_argv[1]);
	END IF;
	IF NOT pg_has_role(new.run_as, 'MEMBER') THEN
		RAISE EXCEPTION 'must be a member of role %', new.run_as USING ERRCODE = 'insufficient_privilege';
	END IF;
	RETURN new;
END
$$;

CREATE TRIGGER check_registration BEFORE INSERT OR UPDATE ON herald.room_policy
	FOR EACH ROW EXECUTE FUNCTION herald_internal.check_registration('text, text', 'boolean');
CREATE TRIGGER check_owner BEFORE INSERT OR UPDATE OR DELETE ON herald.room_policy
	FOR EACH ROW EXECUTE FUNCTION herald_internal.check_owner();

CREATE FUNCTION herald.room_policy(prefix text, function regprocedure) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF prefix !~ '^[^:\s*]+$' OR prefix = ANY (herald_internal.automatic_prefixes()) THEN
		RAISE EXCEPTION 'rooms "%:..." cannot have a policy', prefix
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = format('A prefix has no colon, asterisk or space. The watched tables decide on rooms %s.',
			                    (SELECT string_agg(a || ':', ', ')
			                     FROM unnest(herald_internal.automatic_prefixes()) AS a));
	END IF;
	IF function IS NULL THEN
		DELETE FROM herald.room_policy AS p WHERE p.prefix = room_policy.prefix;
	ELSE
		INSERT INTO herald.room_policy (prefix, function, run_as)
			VALUES (prefix, function, quote_ident(current_user)::regrole)
		ON CONFLICT ON CONSTRAINT room_policy_pkey DO UPDATE SET function = excluded.function, run_as = excluded.run_as;
	END IF;
END
$$;
COMMENT ON FUNCTION herald.room_policy(text, regprocedure) IS
	'lets a function (user_id text, room text) returns boolean decide on access to the rooms prefix:...; it runs as '
	'the role that registers it; NULL closes the rooms';

-- Returns the condition that the viewer may see the subject of a comment; NULL if everybody may.
CREATE FUNCTION herald_internal.subject_condition(comments regclass, columns text[], subject_table regclass)
	RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('EXISTS (SELECT FROM %s AS subject WHERE %s AND %s)', subject_table,
	              herald_internal.match_columns('subject', subject_table,
	                                            herald_internal.referenced_key(comments, columns, subject_table),
	                                            'comment', comments, columns), v.condition)
	FROM herald_internal.visible_condition('subject', subject_table, 'session.viewer') AS v (condition)
	WHERE v.condition IS NOT NULL;
$$;

-- Returns the tables whose rows have rooms with a prefix, with the condition of access.
CREATE FUNCTION herald_internal.subject_tables(prefix text) RETURNS TABLE (relation regclass, key text[], visible text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH watched AS (
		SELECT w.relation, w.kind, a.*
		FROM herald_internal.watched_table AS w
		CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[], visible text, subject text[], subject_table regclass)
	), own AS (
		SELECT w.relation, w.key, w.visible FROM watched AS w WHERE w.kind = 'posts' AND prefix = 'post'
		UNION
		SELECT w.relation, w.key, herald_internal.subject_condition(w.relation, w.subject, w.subject_table)
		FROM watched AS w WHERE w.kind = 'comments' AND prefix = 'comment'
	)
	SELECT * FROM own
	UNION
	SELECT w.subject_table, herald_internal.referenced_key(w.relation, w.subject, w.subject_table), NULL
	FROM watched AS w
	WHERE herald_internal.subject_type(w.subject_table) = prefix AND
	      w.subject_table NOT IN (SELECT o.relation FROM own AS o);
$$;

-- Calls a policy as the current user, with the search path of that role.
CREATE FUNCTION herald_internal.call_policy(user_id text, question jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	answer boolean;
BEGIN
	EXECUTE pg_catalog.format('SELECT %s($1, $2)', question OPERATOR(pg_catalog.->>) 'function') INTO answer
		USING user_id, question OPERATOR(pg_catalog.->>) 'room';
	RETURN pg_catalog.to_jsonb(answer);
END
$$;

-- Returns the query whether a row exists that the user may see. The id must be the text of the key: post:06 is no
-- room of post 6.
CREATE FUNCTION herald_internal.exists_query(prefix text, relation regclass, key text[], visible text, id text)
	RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('id', id, 'sql',
	                          format('FROM %s AS %I CROSS JOIN (SELECT $1) AS session (viewer) '
	                                 'WHERE %s AND %s = $2 AND (%s)', relation, prefix,
	                                 herald_internal.match_id(prefix, relation, key, '$2'),
	                                 herald_internal.id_sql(prefix, key), coalesce(visible, 'true')));
$$;

-- Runs such a query as the current user.
CREATE FUNCTION herald_internal.query_exists(user_id text, question jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	answer boolean;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT %s)', question ->> 'sql') INTO answer USING user_id, question ->> 'id';
	RETURN to_jsonb(answer);
END
$$;

-- Returns the checks of access to a room, and the role that runs each: one that succeeds is sufficient.
CREATE FUNCTION herald_internal.room_checks(prefix text, id text)
	RETURNS TABLE (ask regprocedure, run_as oid, question jsonb)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'herald_internal.call_policy(text, jsonb)'::regprocedure, p.run_as,
	       jsonb_build_object('function', format('%s.%I', f.pronamespace::regnamespace, f.proname), 'room', prefix ||
	                          ':' || id)
	FROM herald.room_policy AS p
	JOIN pg_proc AS f ON f.oid = p.function
	JOIN pg_roles AS o ON o.oid = p.run_as
	WHERE p.prefix = $1
	UNION ALL
	SELECT 'herald_internal.query_exists(text, jsonb)'::regprocedure, c.relowner,
	       herald_internal.exists_query(prefix, s.relation, s.key, s.visible, id)
	FROM herald_internal.subject_tables(prefix) AS s
	JOIN pg_class AS c ON c.oid = s.relation;
$$;

-- A malformed id belongs to no row. A check that fails denies access to this user only.
CREATE FUNCTION herald.may_join(user_id text, room text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	prefix text := split_part(room, ':', 1);
	id text := substr(room, length(prefix) + 2);
BEGIN
	IF user_id IS NULL OR prefix = '' OR id = '' THEN
		RETURN false;
	ELSIF prefix IN ('user', 'feed') AND id = user_id THEN
		RETURN true;
	ELSIF prefix = ANY (herald_internal.automatic_prefixes()) THEN
		RETURN EXISTS (SELECT FROM herald_internal.automatic_rooms(ARRAY[user_id]) AS a WHERE a.room = may_join.room);
	END IF;
	RETURN EXISTS (
		SELECT FROM herald_internal.room_checks(prefix, id) AS q
		WHERE herald_internal.ask_as(q.ask, q.run_as, user_id, q.question) = 'true');
EXCEPTION
	WHEN data_exception THEN
		RETURN false;
	WHEN OTHERS THEN
		RAISE WARNING 'user "%" may not join room "%": %', user_id, room, SQLERRM;
		RETURN false;
END
$$;
COMMENT ON FUNCTION herald.may_join(text, text) IS 'returns whether a user may join a room';

CREATE FUNCTION herald_internal.join_room(user_id text, room text, session text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT herald.may_join(user_id, room) THEN
		RETURN false;
	END IF;
	IF split_part(room, ':', 1) <> ALL (herald_internal.automatic_prefixes()) THEN
		INSERT INTO herald_internal.session_room (session, user_id, room) VALUES (session, user_id, room)
		ON CONFLICT ON CONSTRAINT session_room_pkey DO UPDATE SET joined_at = excluded.joined_at;
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION herald_internal.join_room(text, text, text) IS
	'lets a session of a user into a room and remembers that; returns false if the user may not join';

CREATE FUNCTION herald_internal.leave_room(user_id text, room text, session text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	DELETE FROM herald_internal.session_room AS s
	WHERE s.session = leave_room.session AND s.room = leave_room.room AND s.user_id = leave_room.user_id;
	RETURN true;
END
$$;
COMMENT ON FUNCTION herald_internal.leave_room(text, text, text) IS 'forgets that a session of a user joined a room';

-- The remembered rooms are looked up before their checks run: may_join() must not read the rooms of other sessions.
-- The rooms are those at the session's position: later changes of membership reach the session as events, in their
-- order.
CREATE FUNCTION herald_internal.connect_sessions(users text[], sessions text[], positions text[] DEFAULT NULL,
	segment_positions text[] DEFAULT '{}')
RETURNS TABLE (ordinal int, rooms text[], unread bigint, recovered boolean, "position" text,
               seen_snapshots pg_snapshot[],
               seen_ids bigint[], segments_before int, lag_events bigint)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	WITH connecting AS (
		SELECT c.ordinal, c.user_id, c.session, r.recovered, r."position", r.seen_snapshots, r.seen_ids,
		r.segments_before, r.lag_events
		FROM unnest($1, $2) WITH ORDINALITY AS c (user_id, session, ordinal)
		JOIN herald_internal.resume(coalesce($3, array_fill(NULL::text, ARRAY[cardinality($1)])),
		                            $4) AS r ON r.ordinal = c.ordinal
	), change AS (
		SELECT DISTINCT ON (c.ordinal, e.room) c.ordinal, e.room, e.leaves
		FROM connecting AS c
		JOIN LATERAL (SELECT e.id, e.xid, coalesce(e.joins, e.leaves) AS room, e.leaves IS NOT NULL AS leaves
		              FROM herald.event AS e WHERE e.member_id = c.user_id OFFSET 0) AS e
			ON NOT EXISTS (SELECT FROM unnest(c.seen_snapshots, c.seen_ids) AS s (snapshot, id)
			                WHERE e.id <= s.id AND pg_visible_in_snapshot(e.xid, s.snapshot))
		ORDER BY c.ordinal, e.room, e.id
	), changed AS (
		SELECT c.ordinal, array_agg(c.room) FILTER (WHERE c.leaves) AS left_later,
		array_agg(c.room) FILTER (WHERE NOT c.leaves) AS joined_later
		FROM change AS c
		GROUP BY c.ordinal
	), automatic AS (
		SELECT a.user_id, array_agg(DISTINCT a.room) AS rooms
		FROM herald_internal.automatic_rooms(ARRAY(SELECT DISTINCT c.user_id FROM connecting AS c)) AS a
		GROUP BY a.user_id
	), remembered AS MATERIALIZED (
		SELECT c.ordinal, s.user_id, s.room
		FROM connecting AS c
		JOIN herald_internal.session_room AS s ON s.session = c.session AND s.user_id = c.user_id
	), joined AS (
		SELECT r.ordinal, array_agg(r.room ORDER BY r.room) AS rooms
		FROM remembered AS r
		WHERE herald.may_join(r.user_id, r.room)
		GROUP BY r.ordinal
	), unread AS (
		SELECT u.user_id, herald.unread_count(u.user_id) AS count
		FROM (SELECT DISTINCT c.user_id FROM connecting AS c) AS u
	)
	SELECT c.ordinal::int,
	       ARRAY['*', 'user:' || c.user_id, 'feed:' || c.user_id] ||
	       ARRAY(SELECT r FROM unnest(a.rooms || d.left_later) AS r WHERE r <> ALL (coalesce(d.joined_later, '{}'))
	             GROUP BY r ORDER BY r) || j.rooms,
	       coalesce(u.count, 0), c.recovered, c."position", c.seen_snapshots, c.seen_ids, c.segments_before,
	           c.lag_events
	FROM connecting AS c
	LEFT JOIN changed AS d USING (ordinal)
	LEFT JOIN automatic AS a USING (user_id)
	LEFT JOIN joined AS j USING (ordinal)
	LEFT JOIN unread AS u USING (user_id)
	ORDER BY c.ordinal;
$$;
COMMENT ON FUNCTION herald_internal.connect_sessions(text[], text[], text[], text[]) IS
	'returns for each session that connects, in the given order: its rooms, the number of its user''s unread '
	'notifications, and the position to go on from';
