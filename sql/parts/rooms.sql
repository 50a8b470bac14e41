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
	prefix         text PRIMARY KEY,
	function       text NOT NULL,
	run_as         regrole NOT NULL,
	owner          regrole NOT NULL DEFAULT quote_ident(current_user)::regrole,
	function_owner regrole NOT NULL
);
COMMENT ON TABLE herald.room_policy IS 'the application''s functions that control access to rooms, by prefix';
COMMENT ON COLUMN herald.room_policy.prefix IS 'the part of a room''s name before the first colon';
COMMENT ON COLUMN herald.room_policy.function IS 'returns whether a user may join a room: (user_id text, room text)';
COMMENT ON COLUMN herald.room_policy.run_as IS 'the role that the function runs as';
COMMENT ON COLUMN herald.room_policy.owner IS 'the role that made the policy: others cannot replace or delete it';
COMMENT ON COLUMN herald.room_policy.function_owner IS
	'the owner of the function when it was registered; if another role owns it, it does not run';
SELECT pg_extension_config_dump('herald.room_policy', '');

CREATE TABLE herald_internal.session_room (
	session   text COLLATE "C" NOT NULL,
	user_id   text COLLATE "C" NOT NULL,
	room      text COLLATE "C" NOT NULL,
	joined_at timestamptz NOT NULL DEFAULT now(),
	since     pg_snapshot NOT NULL,
	checked   pg_snapshot NOT NULL,
	PRIMARY KEY (session, user_id, room)
);
COMMENT ON TABLE herald_internal.session_room IS 'the rooms that sessions have joined by action, for their return';
COMMENT ON COLUMN herald_internal.session_room.since IS
	'a snapshot from after the check of access: the session gets none of the events that it sees';
COMMENT ON COLUMN herald_internal.session_room.checked IS
	'a snapshot from before the latest check: the session has had access from "since" until then';
CREATE INDEX ON herald_internal.session_room (joined_at);

-- Rejects a function with the wrong signature (the trigger's arguments), and a role that the registering user may not
-- use. Keeps the function's full name and its owner.
CREATE FUNCTION herald_internal.check_registration() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
BEGIN
	SELECT p.proowner INTO new.function_owner
	FROM pg_proc AS p
	WHERE p.oid = to_regprocedure(new.function) AND oidvectortypes(p.proargtypes) = tg_argv[0] AND
	      p.prorettype = tg_argv[1]::regtype AND NOT p.proretset AND p.prokind = 'f';
	IF NOT FOUND THEN
		RAISE EXCEPTION 'function % has the wrong signature', new.function
			USING ERRCODE = 'invalid_function_definition',
				HINT = format('It must take (%s) and return %s.', tg_argv[0], tg_argv[1]);
	END IF;
	new.function := to_regprocedure(new.function)::text;
	IF NOT pg_has_role(new.run_as, 'MEMBER') THEN
		RAISE EXCEPTION 'must be a member of role %', new.run_as
			USING ERRCODE = 'insufficient_privilege', HINT = 'Register the function as a member of that role.';
	END IF;
	RETURN new;
END
$$;

CREATE TRIGGER check_registration BEFORE INSERT OR UPDATE ON herald.room_policy
	FOR EACH ROW EXECUTE FUNCTION herald_internal.check_registration('text, text', 'boolean');
CREATE TRIGGER check_owner BEFORE INSERT OR UPDATE OR DELETE ON herald.room_policy
	FOR EACH ROW EXECUTE FUNCTION herald_internal.check_owner();

-- Another policy, or none, admits other users: the rooms are checked again.
CREATE FUNCTION herald_internal.recheck_policy_rooms() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM herald_internal.recheck_prefixes(ARRAY[old.prefix, CASE tg_op WHEN 'UPDATE' THEN new.prefix
	                                                           ELSE old.prefix END]);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION herald_internal.recheck_policy_rooms() IS 'trigger of herald.room_policy';
CREATE TRIGGER recheck_policy_rooms AFTER UPDATE OR DELETE ON herald.room_policy
	FOR EACH ROW EXECUTE FUNCTION herald_internal.recheck_policy_rooms();

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

CREATE FUNCTION herald_internal.run_room_check(sql text, run_as oid, is_policy boolean, ordinals int[], users text[],
                                               rooms text[])
	RETURNS TABLE (ordinal int, admitted boolean, keys text[])
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_run_room_check';
COMMENT ON FUNCTION herald_internal.run_room_check(text, oid, boolean, int[], text[], text[]) IS
	'runs a check of access for pairs of a user and a room, as a role; a pair that fails harms no other';

-- Returns the checks of access to the rooms of rows with a prefix, and the role that runs each. A check takes pairs of
-- a user and a room with their ordinals. The id in the room's name must be the text of the key: post:06 is no room of
-- post 6.
CREATE FUNCTION herald_internal.compile_table_checks(prefix text)
	RETURNS TABLE (sql text, run_as oid, relation regclass)
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('SELECT herald_asked.herald_ordinal, (%s) IS TRUE, (%s)::text[] '
	              'FROM unnest($1, $2, $3) AS herald_asked (herald_ordinal, herald_user, herald_room) '
	              'CROSS JOIN LATERAL (SELECT herald_asked.herald_user) AS session (viewer) '
	              'JOIN %s AS %I ON %s AND %s = %s',
	              coalesce(s.visible, 'true'), coalesce(s.keys, 'NULL'), s.relation, $1,
	              herald_internal.match_id($1, s.relation, s.key, asked.id), herald_internal.id_sql($1, s.key),
	              asked.id), c.relowner, s.relation
	FROM herald_internal.subject_tables($1) AS s
	JOIN pg_class AS c ON c.oid = s.relation
	CROSS JOIN (SELECT format('substr(herald_asked.herald_room, %s)', length($1) + 2)) AS asked (id);
$$;

CREATE FUNCTION herald_internal.table_checks(prefix text) RETURNS TABLE (sql text, run_as oid)
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_table_checks';
COMMENT ON FUNCTION herald_internal.table_checks(text) IS
	'returns the checks of access to the rooms of rows with a prefix; the session compiles them again after a change';

-- Returns the checks of access to the rooms with a prefix, and the role that runs each: one that admits is sufficient.
CREATE FUNCTION herald_internal.room_checks(prefix text) RETURNS TABLE (sql text, run_as oid, is_policy boolean)
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT format('SELECT asked.ordinal, %s.%I(asked.viewer, asked.room) IS TRUE, NULL::pg_catalog.text[] '
	              'FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3)) '
	              'AS asked (ordinal, viewer, room)',
	              f.pronamespace::regnamespace, f.proname), p.run_as::oid, true
	FROM herald.room_policy AS p
	JOIN pg_proc AS f ON f.oid = herald_internal.registered_function(p.function, p.function_owner)
	JOIN pg_roles AS r ON r.oid = p.run_as
	JOIN pg_roles AS o ON o.oid = p.owner
	WHERE p.prefix = $1 AND pg_has_role(p.owner, p.run_as, 'MEMBER')
	UNION ALL
	SELECT c.sql, c.run_as, false FROM herald_internal.table_checks($1) AS c;
END
$$;

CREATE FUNCTION herald_internal.admitted(users text[], rooms text[]) RETURNS TABLE (ordinal int, keys text[])
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_admitted';
COMMENT ON FUNCTION herald_internal.admitted(text[], text[]) IS
	'returns the pairs of a user and a room of which the user may be in the room, each with the keys of the room';

CREATE FUNCTION herald.may_join(user_id text, room text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN EXISTS (SELECT FROM herald_internal.admitted(ARRAY[user_id], ARRAY[room]));
END
$$;
COMMENT ON FUNCTION herald.may_join(text, text) IS 'returns whether a user may join a room';

-- Each statement has a snapshot of its own. A room that is joined again keeps its first snapshots.
CREATE FUNCTION herald_internal.join_room(user_id text, room text, session text)
	RETURNS TABLE (admitted boolean, keys text[], checked pg_snapshot, since pg_snapshot)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
	checked := pg_current_snapshot();
	keys := (SELECT a.keys FROM herald_internal.admitted(ARRAY[join_room.user_id], ARRAY[join_room.room]) AS a);
	since := pg_current_snapshot();
	admitted := keys IS NOT NULL;
	IF admitted AND split_part(join_room.room, ':', 1) <> ALL (herald_internal.automatic_prefixes()) THEN
		INSERT INTO herald_internal.session_room (session, user_id, room, since, checked)
			VALUES (join_room.session, join_room.user_id, join_room.room, join_room.since, join_room.checked)
		ON CONFLICT ON CONSTRAINT session_room_pkey DO UPDATE SET joined_at = excluded.joined_at;
	END IF;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION herald_internal.join_room(text, text, text) IS
	'lets a session of a user into a room and remembers that; returns whether the user may join, the keys of the room, '
	'a snapshot from before the check, and one from after it: the session gets no event that this one sees';

-- Raises an error if rooms with a prefix belong to a role that the caller is no member of: all sessions in these rooms
-- would ask again, on all bridges. An administrator may recheck all.
CREATE FUNCTION herald_internal.check_prefix_owner(prefix text, caller oid) RETURNS void
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	owner regrole := (
		SELECT o.owner
		FROM (SELECT t.owner FROM herald_internal.room_tables() AS t WHERE t.prefix = check_prefix_owner.prefix
		      UNION ALL
		      SELECT p.owner FROM herald.room_policy AS p WHERE p.prefix = check_prefix_owner.prefix
		      UNION ALL
		      SELECT c.relowner FROM herald_internal.room_source AS s JOIN pg_class AS c ON c.oid = s.relation
		      WHERE s.prefix = check_prefix_owner.prefix || ':') AS o
		WHERE NOT pg_has_role(caller, o.owner, 'MEMBER') AND NOT pg_has_role(caller, 'herald_admin', 'MEMBER')
		LIMIT 1);
BEGIN
	IF owner IS NOT NULL THEN
		RAISE EXCEPTION 'role % may not recheck all rooms "%:..."', caller::regrole, prefix
			USING ERRCODE = 'insufficient_privilege', DETAIL = format('They belong to role %s.', owner),
			      HINT = format('Recheck one room, as in room => ''%s:42'', or GRANT herald_admin TO %s;', prefix,
			                    caller::regrole);
	END IF;
END
$$;

CREATE FUNCTION herald.recheck(user_id text DEFAULT NULL, room text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF coalesce(user_id, room, '') = '' OR room IN ('', '*') THEN
		RAISE EXCEPTION 'a recheck needs a user, or a room other than "*"' USING ERRCODE = 'invalid_parameter_value';
	ELSIF user_id IS NULL AND strpos(room, ':') = 0 THEN
		PERFORM herald_internal.check_prefix_owner(room, herald_internal.entry_caller());
	END IF;
	RETURN herald_internal.append_event('{}', 'room:recheck', '{}', NULL, NULL, NULL, NULL, user_id, room, 'changed');
END
$$;
COMMENT ON FUNCTION herald.recheck(text, text) IS
	'states that access to rooms may have changed: of a user, to rooms with a key (post:42, author:7, or post for all '
	'rooms with that prefix), or of a user to such rooms; sessions that may not be in a room any more leave it at the '
	'commit of this transaction';

CREATE FUNCTION herald_internal.leave_room(user_id text, room text, session text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	DELETE FROM herald_internal.session_room AS s
	WHERE s.session = leave_room.session AND s.room = leave_room.room AND s.user_id = leave_room.user_id;
	RETURN true;
END
$$;
COMMENT ON FUNCTION herald_internal.leave_room(text, text, text) IS 'forgets that a session of a user joined a room';

-- Does a position see an event? "ids" are the last ids that its snapshots see.
CREATE FUNCTION herald_internal.has_seen_event(snapshots pg_snapshot[], ids bigint[], id bigint, xid xid8)
	RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM unnest($1, $2) AS s (snapshot, last_id)
               WHERE $3 <= s.last_id AND pg_visible_in_snapshot($4, s.snapshot));

-- Does a position see all that a snapshot sees?
CREATE FUNCTION herald_internal.has_seen(snapshots pg_snapshot[], ids bigint[], other pg_snapshot) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN EXISTS (
	SELECT FROM unnest($1, $2) AS s (snapshot, last_id)
	WHERE s.last_id = 9223372036854775807 AND pg_snapshot_xmax($3) <= pg_snapshot_xmax(s.snapshot) AND
	      NOT EXISTS (SELECT FROM pg_snapshot_xip(s.snapshot) AS x WHERE pg_visible_in_snapshot(x, $3)));

-- Returns the rechecks by transactions from an id on that concern a user and a room with these keys.
CREATE FUNCTION herald_internal.rechecks_since(user_id text, keys text[], first xid8)
	RETURNS TABLE (id bigint, xid xid8, access text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT e.id, e.xid, e.access FROM herald.event AS e
	WHERE e.access IS NOT NULL AND e.recheck_user = $1 AND e.xid >= $3 AND
	      (e.recheck_room IS NULL OR e.recheck_room = ANY ($2))
	UNION ALL
	SELECT e.id, e.xid, e.access FROM herald.event AS e
	WHERE e.access IS NOT NULL AND e.recheck_user IS NULL AND e.xid >= $3 AND e.recheck_room = ANY ($2);
END;

-- Returns the names in a JSON array that a client has sent, up to one that this database cannot store.
CREATE FUNCTION herald_internal.asked_rooms(names text) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY SELECT json_array_elements_text(names::json);
EXCEPTION
	WHEN data_exception THEN
		RETURN;
END
$$;

-- 1. The first statement checks the access to rooms that the sessions have joined or ask for. A remembered room that is
-- not admitted is forgotten; the client is told of it. A client may also ask for an automatic room, but the log says
-- when its sessions are there. The statement's snapshot, "checked", decides which rechecks have been taken into
-- account.
-- It is also the position of sessions that cannot be recovered: they get the rechecks that come later.
--
-- 2. The second statement has a later snapshot. Two transactions with rechecks of a room may have withdrawn access and
-- granted it again. Such a room is interrupted: events since the position may not be for the user. A session that is
-- recovered leaves it, is told, and may join it again. A room that the session only asks for is interrupted by one
-- transaction that may have granted access. The session is about to join it, so it is not recovered instead: it begins
-- at the present. Then it gets none of the events of its rooms that this snapshot sees, because a check may have seen
-- more than "checked".
-- A client that comes back chooses its position: it may lie between withdrawal and return of access, or claim to have
-- seen the rechecks. So those of a remembered room count since its latest check, and those of a room that is asked for
-- from the first transaction on that the position may not have seen. No bridge has given out a position that sees more
-- than "checked".
--
-- A check of many rooms takes long. So that it delays no other session, the caller can have such sessions postponed,
-- and ask for them in another query.
--
-- The automatic rooms are those at the position: later changes of membership reach the session as events, in their
-- order.
CREATE FUNCTION herald_internal.connect_sessions(users text[], sessions text[], positions text[] DEFAULT NULL,
	segment_positions text[] DEFAULT '{}', held text[] DEFAULT NULL, asked text[] DEFAULT NULL,
	most_rooms int DEFAULT NULL, postpones boolean DEFAULT false, issued text[] DEFAULT NULL)
RETURNS TABLE (ordinal int, rooms text[], unread bigint, recovered boolean, "position" text,
               seen_snapshots pg_snapshot[],
               seen_ids bigint[], segments_before int, lag_events bigint, joined json, checked pg_snapshot,
               revoked boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	known_positions text[] := coalesce(positions, array_fill(NULL::text, ARRAY[cardinality(users)]));
	present text;
	checked_at pg_snapshot;
	answered_rooms jsonb;
	postponed bigint[] := ARRAY(
		SELECT c.ordinal
		FROM unnest($1, $2, $5) WITH ORDINALITY AS c (user_id, session, held, ordinal)
		WHERE postpones AND c.held IS NULL AND
		      (SELECT count(*)
		       FROM (SELECT FROM herald_internal.session_room AS s
		             WHERE s.session = c.session AND s.user_id = c.user_id
		             LIMIT most_rooms + 1) AS s) > most_rooms);
BEGIN
	WITH connecting AS (
		SELECT c.* FROM unnest($1, $2, $5, $6) WITH ORDINALITY AS c (user_id, session, held, asked, ordinal)
	), wanted AS MATERIALIZED (
		SELECT row_number() OVER () AS nr, w.*
		FROM (SELECT DISTINCT ON (w.ordinal, w.room) w.*
		      FROM (SELECT c.ordinal, c.user_id, c.session, s.room, s.since, s.checked, s.joined_at,
		                   false AS is_asked
		            FROM connecting AS c
		            CROSS JOIN LATERAL (SELECT s.*
		                                FROM herald_internal.session_room AS s
		                                WHERE s.session = c.session AND s.user_id = c.user_id
		                                ORDER BY s.joined_at DESC, s.room
		                                LIMIT most_rooms) AS s
		            WHERE c.held IS NULL AND c.ordinal <> ALL (postponed)
		            UNION ALL
		            SELECT c.ordinal, c.user_id, c.session, h.room, NULL, s.checked, s.joined_at, false
		            FROM connecting AS c
		            CROSS JOIN LATERAL json_array_elements_text(c.held::json) AS h (room)
		            LEFT JOIN herald_internal.session_room AS s
		                ON s.session = c.session AND s.user_id = c.user_id AND s.room = h.room
		            UNION ALL
		            SELECT c.ordinal, c.user_id, c.session, a.room, NULL, NULL, NULL, true
		            FROM connecting AS c
		            CROSS JOIN LATERAL herald_internal.asked_rooms(c.asked) AS a (room)) AS w
		      ORDER BY w.ordinal, w.room, w.is_asked) AS w
	), answered AS MATERIALIZED (
		SELECT w.*, a.keys
		FROM wanted AS w
		LEFT JOIN herald_internal.admitted(ARRAY(SELECT w.user_id FROM wanted AS w ORDER BY w.nr),
		                                   ARRAY(SELECT w.room FROM wanted AS w ORDER BY w.nr)) AS a
			ON a.ordinal = w.nr
	), forgotten AS (
		DELETE FROM herald_internal.session_room AS s
		USING answered AS a
		WHERE a.keys IS NULL AND s.session = a.session AND s.user_id = a.user_id AND s.room = a.room AND
		      s.joined_at = a.joined_at
	)
	SELECT pg_current_snapshot(), herald.current_position(),
	       jsonb_agg(jsonb_build_object('ordinal', a.ordinal, 'room', a.room, 'keys', a.keys, 'since', a.since,
	                                    'checked', a.checked, 'joined_at', a.joined_at,
	                                    'is_asked', a.is_asked, 'automatic', split_part(a.room, ':', 1) =
	                                                 ANY (herald_internal.automatic_prefixes())))
	INTO checked_at, present, answered_rooms
	FROM answered AS a;

	RETURN QUERY
	WITH answered AS MATERIALIZED (
		SELECT a.*
		FROM jsonb_to_recordset(answered_rooms) AS a (ordinal int, room text, keys text[], since pg_snapshot,
		                                              checked pg_snapshot, joined_at timestamptz, is_asked boolean,
		                                              automatic boolean)
	), resumed AS MATERIALIZED (
		SELECT r.ordinal, r.recovered, r.seen_snapshots, r.seen_ids
		FROM herald_internal.resume(known_positions || present, '{}') AS r
	), coming AS MATERIALIZED (
		SELECT c.*, r.seen_snapshots, r.seen_ids,
		       r.recovered AND NOT EXISTS (
		           SELECT FROM unnest(r.seen_snapshots) AS s (snapshot)
		           WHERE NOT herald_internal.has_seen(p.seen_snapshots, p.seen_ids, s.snapshot)) AS is_known
		FROM unnest($1, known_positions) WITH ORDINALITY AS c (user_id, "position", ordinal)
		JOIN resumed AS r USING (ordinal)
		JOIN resumed AS p ON p.ordinal = cardinality(known_positions) + 1
	), rechecked AS MATERIALIZED (
		SELECT c.ordinal, a.room, a.joined_at, a.is_asked,
		       bool_or(e.access <> 'withdrawn') AND
		       (a.is_asked OR count(DISTINCT e.xid) > 1 AND bool_or(e.access <> 'granted')) AS interrupted
		FROM coming AS c
		JOIN answered AS a USING (ordinal)
		CROSS JOIN LATERAL herald_internal.rechecks_since(c.user_id, a.keys,
		                       pg_snapshot_xmin(coalesce(a.checked, c.seen_snapshots[1]))) AS e
		WHERE a.keys IS NOT NULL AND NOT a.automatic AND
		      pg_visible_in_snapshot(e.xid, a.checked) IS NOT TRUE AND
		      (held[c.ordinal] IS NULL OR
		       NOT herald_internal.has_seen_event(c.seen_snapshots, c.seen_ids, e.id, e.xid))
		GROUP BY c.ordinal, a.room, a.joined_at, a.is_asked
	), recovery AS MATERIALIZED (
		SELECT c.ordinal, c.user_id, c."position",
		       c.is_known AND NOT EXISTS (SELECT FROM rechecked AS r
		                                  WHERE r.ordinal = c.ordinal AND r.is_asked AND r.interrupted) AS recovered
		FROM coming AS c
	), outdated AS MATERIALIZED (
		SELECT s.session, s.user_id, s.room, r.recovered, r.recovered AND c.interrupted AS is_left
		FROM rechecked AS c
		JOIN recovery AS r USING (ordinal)
		JOIN herald_internal.session_room AS s
			ON s.session = sessions[c.ordinal] AND s.user_id = r.user_id AND s.room = c.room AND
			   s.joined_at = c.joined_at
		WHERE NOT c.is_asked AND (r.recovered OR held[c.ordinal] IS NULL)
		FOR UPDATE OF s SKIP LOCKED
	), renewed AS (
		UPDATE herald_internal.session_room AS s
		SET checked = checked_at, since = CASE WHEN o.recovered THEN s.since ELSE pg_current_snapshot() END
		FROM outdated AS o
		WHERE NOT o.is_left AND s.session = o.session AND s.user_id = o.user_id AND s.room = o.room
	), forgotten AS (
		DELETE FROM herald_internal.session_room AS s
		USING outdated AS o
		WHERE o.is_left AND s.session = o.session AND s.user_id = o.user_id AND s.room = o.room
	), connecting AS MATERIALIZED (
		SELECT c.ordinal, c.user_id, held[c.ordinal] IS NULL AS arrives, c.recovered, r."position", r.seen_snapshots,
		       r.seen_ids, r.segments_before, r.lag_events
		FROM recovery AS c
		JOIN herald_internal.resume(ARRAY(SELECT CASE WHEN c.recovered THEN c."position" ELSE present END
		                                  FROM recovery AS c ORDER BY c.ordinal), $4) AS r USING (ordinal)
	), change AS (
		SELECT DISTINCT ON (c.ordinal, e.room) c.ordinal, e.room, e.leaves
		FROM connecting AS c
		JOIN LATERAL (SELECT e.id, e.xid, coalesce(e.joins, e.leaves) AS room, e.leaves IS NOT NULL AS leaves
		              FROM herald.event AS e WHERE e.member_id = c.user_id OFFSET 0) AS e
			ON NOT herald_internal.has_seen_event(c.seen_snapshots, c.seen_ids, e.id, e.xid)
		WHERE c.arrives
		ORDER BY c.ordinal, e.room, e.id
	), changed AS (
		SELECT c.ordinal, array_agg(c.room) FILTER (WHERE c.leaves) AS left_later,
		array_agg(c.room) FILTER (WHERE NOT c.leaves) AS joined_later
		FROM change AS c
		GROUP BY c.ordinal
	), automatic AS (
		SELECT a.user_id, array_agg(DISTINCT a.room) AS rooms
		FROM herald_internal.automatic_rooms(ARRAY(SELECT DISTINCT c.user_id FROM connecting AS c WHERE c.arrives)) AS a
		GROUP BY a.user_id
	), joined AS (
		SELECT a.ordinal, json_agg(json_build_object('room', a.room,
		           'keys', CASE WHEN NOT i.interrupted THEN a.keys END, 'interrupted', i.interrupted, 'since',
		           CASE WHEN NOT herald_internal.has_seen(c.seen_snapshots, c.seen_ids, s.since) THEN s.since END,
		           'automatic', a.automatic) ORDER BY a.room) AS rooms
		FROM answered AS a
		JOIN connecting AS c USING (ordinal)
		LEFT JOIN rechecked AS r USING (ordinal, room)
		CROSS JOIN LATERAL (SELECT c.recovered AND r.interrupted IS TRUE) AS i (interrupted)
		CROSS JOIN LATERAL (SELECT CASE WHEN c.recovered THEN a.since ELSE pg_current_snapshot() END) AS s (since)
		GROUP BY a.ordinal
	), unread AS (
		SELECT c.user_id, herald_internal.badge(c.user_id) AS count
		FROM connecting AS c
		WHERE c.arrives
		GROUP BY c.user_id
	)
	SELECT c.ordinal::int,
	       ARRAY['*', 'user:' || c.user_id, 'feed:' || c.user_id] ||
	       ARRAY(SELECT r FROM unnest(a.rooms || d.left_later) AS r WHERE r <> ALL (coalesce(d.joined_later, '{}'))
	             GROUP BY r ORDER BY r),
	       coalesce(u.count, 0), c.recovered, c."position", c.seen_snapshots, c.seen_ids, c.segments_before,
	       c.lag_events, CASE WHEN c.ordinal <> ALL (postponed) THEN coalesce(j.rooms, '[]') END, checked_at,
	       herald_internal.is_revoked(c.user_id, issued[c.ordinal])
	FROM connecting AS c
	LEFT JOIN changed AS d USING (ordinal)
	LEFT JOIN automatic AS a USING (user_id)
	LEFT JOIN joined AS j USING (ordinal)
	LEFT JOIN unread AS u USING (user_id)
	ORDER BY c.ordinal;
END
$$;
COMMENT ON FUNCTION herald_internal.connect_sessions(text[], text[], text[], text[], text[], text[], int, boolean,
                                                     text[]) IS
	'returns for each session that connects, in the given order: its automatic rooms, the number of its user''s unread '
	'notifications, the position to go on from, the rooms that it has joined or asks for (by default the remembered '
	'ones, the latest most_rooms), with keys if the session is in the room, else whether its access was interrupted, '
	'the snapshot of the checks, and whether its token is revoked, by the time when it was issued; postpones: those '
	'with more remembered rooms get NULL for theirs';
