-- ---------------------------------------------------------------------------
-- Presence: which users are online, and how many view a post
--
-- 1. A bridge reports its users under an id that it gets when it begins, and
--    keeps a lease. A user is online as long as a row in
--    herald_internal.presence exists, on any bridge and with any number of
--    sessions.
-- 2. herald.appearance holds the last published status of each user. Every
--    change of presence compares the actual status with it, and signals the
--    difference.
-- 3. A bridge ends an expired lease only if its own lease has been valid all
--    that time. So an outage of the database ends no lease.
-- 4. A lock lets one transaction change presence at a time. Nobody waits
--    long: a report is one set of rows, at most four times a second. The
--    application writes none of these tables.
-- ---------------------------------------------------------------------------

CREATE TABLE herald_internal.bridge (
	bridge_id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	since       timestamptz NOT NULL,
	alive_until timestamptz NOT NULL,
	lease       interval NOT NULL
);
COMMENT ON TABLE herald_internal.bridge IS
	'bridges, each with a lease that it renews; "since" is the begin of the time without a gap';

CREATE TABLE herald_internal.presence (
	user_id   text COLLATE "C" NOT NULL,
	bridge_id uuid NOT NULL,
	since     timestamptz NOT NULL,
	PRIMARY KEY (user_id, bridge_id)
);
CREATE INDEX ON herald_internal.presence (bridge_id);
COMMENT ON TABLE herald_internal.presence IS 'the users with sessions, by bridge';

CREATE TABLE herald_internal.viewers (
	room      text COLLATE "C" NOT NULL,
	bridge_id uuid NOT NULL,
	count     int NOT NULL,
	PRIMARY KEY (room, bridge_id)
);
CREATE INDEX ON herald_internal.viewers (bridge_id);
COMMENT ON TABLE herald_internal.viewers IS 'the number of users in the room of a post, by bridge';

CREATE TABLE herald.appearance (
	user_id   text COLLATE "C" PRIMARY KEY,
	chosen    text NOT NULL DEFAULT 'online' CHECK (chosen IN ('online', 'away', 'busy', 'invisible')),
	chosen_at timestamptz NOT NULL DEFAULT '-infinity',
	shown     text NOT NULL DEFAULT 'offline',
	last_seen timestamptz
);
COMMENT ON TABLE herald.appearance IS
	'the status that users have chosen, the last published status, and the time when they were last seen';
COMMENT ON COLUMN herald.appearance.user_id IS 'the user';
COMMENT ON COLUMN herald.appearance.chosen IS 'the status that the user has chosen: online, away, busy or invisible';
COMMENT ON COLUMN herald.appearance.chosen_at IS 'the time of that choice';
COMMENT ON COLUMN herald.appearance.shown IS 'the status that others were last sent: online, away, busy or offline';
COMMENT ON COLUMN herald.appearance.last_seen IS 'the time at which the user last went offline, as others see it';
SELECT pg_extension_config_dump('herald.appearance', '');

CREATE VIEW herald.online WITH (security_barrier) AS
	SELECT p.user_id, min(p.since) AS since, coalesce(w.chosen, 'online') AS status
	FROM herald_internal.presence AS p
	JOIN herald_internal.bridge AS b ON b.bridge_id = p.bridge_id AND b.alive_until > statement_timestamp()
	LEFT JOIN herald.appearance AS w ON w.user_id = p.user_id
	WHERE w.chosen IS DISTINCT FROM 'invisible' AND herald_internal.check_reader('online')
	GROUP BY p.user_id, w.chosen;
COMMENT ON VIEW herald.online IS
	'users that are online: since when, and their status (online, away or busy); invisible users are not listed';
COMMENT ON COLUMN herald.online.user_id IS 'the user';
COMMENT ON COLUMN herald.online.since IS 'the time when the first of the present sessions began';
COMMENT ON COLUMN herald.online.status IS 'online, away or busy';

CREATE FUNCTION herald.is_online(user_id text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (SELECT FROM herald.online AS o WHERE o.user_id = is_online.user_id);
$$;
COMMENT ON FUNCTION herald.is_online(text) IS 'returns whether a user is online and not invisible';

CREATE FUNCTION herald.last_seen(user_id text) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT p.last_seen FROM herald.appearance AS p WHERE p.user_id = last_seen.user_id;
$$;
COMMENT ON FUNCTION herald.last_seen(text) IS
	'returns the time when a user was last seen online, before now; NULL: never';

-- ----- signals to other users

-- Returns whether a name fits into a signal and an index. Longer names are left out: one bad id must not harm other
-- users.
CREATE FUNCTION herald_internal.is_short(name text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT pg_catalog.octet_length(pg_catalog.to_json(name)::pg_catalog.text) OPERATOR(pg_catalog.<=) 600;
$$;

-- Returns the rooms that get the status of users: their feeds and their conversations, in lists that fit into a
-- signal.
CREATE FUNCTION herald_internal.presence_rooms(users text[]) RETURNS TABLE (user_id text, rooms text[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH room AS (
		SELECT u AS user_id, 'feed:' || u AS room FROM unnest(users) AS u
		UNION
		SELECT a.user_id, a.room FROM herald_internal.automatic_rooms(users, '{conversation:}') AS a
	), placed AS (
		SELECT r.user_id, r.room, sum(octet_length(to_json(r.room)::text) + 1) OVER (PARTITION BY r.user_id
		    ORDER BY r.room) / 5000 AS list
		FROM room AS r
		WHERE herald_internal.is_short(r.room)
	)
	SELECT p.user_id, array_agg(p.room ORDER BY p.room) FROM placed AS p GROUP BY p.user_id, p.list;
$$;

-- A session in rooms of several lists gets only the latest signal, because signals with the same key replace each
-- other.
CREATE FUNCTION herald_internal.signal_presence(users text[], at timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	changed text[];
BEGIN
	WITH person AS (
		SELECT u AS user_id, coalesce(w.shown, 'offline') AS shown, w.last_seen,
		       CASE WHEN w.chosen IS DISTINCT FROM 'invisible' AND
		       EXISTS (SELECT FROM herald_internal.presence AS p WHERE p.user_id = u)
		            THEN coalesce(w.chosen, 'online') ELSE 'offline' END AS shows
		FROM (SELECT DISTINCT u FROM unnest(users) AS u) AS one (u)
		LEFT JOIN herald.appearance AS w ON w.user_id = one.u
	), published AS (
		INSERT INTO herald.appearance AS w (user_id, shown, last_seen)
		SELECT p.user_id, p.shows, CASE p.shows WHEN 'offline' THEN at ELSE p.last_seen END FROM person AS p
		WHERE p.shows <> p.shown
		ON CONFLICT ON CONSTRAINT appearance_pkey DO UPDATE SET shown = excluded.shown, last_seen = excluded.last_seen
		RETURNING w.user_id
	)
	SELECT array_agg(t.user_id) INTO changed FROM published AS t;
	PERFORM herald_internal.append_signal(a.rooms,
		CASE w.shown WHEN 'offline' THEN 'user:offline' ELSE 'user:online' END,
		json_strip_nulls(json_build_object('userId', w.user_id, 'status', nullif(w.shown, 'offline'), 'lastSeen',
		                                   herald.iso8601(w.last_seen))),
		key => 'presence:' || w.user_id, except_user => w.user_id)
	FROM herald_internal.presence_rooms(changed) AS a
	JOIN herald.appearance AS w USING (user_id);
END
$$;

-- No event is sent when the last viewer leaves.
CREATE FUNCTION herald_internal.signal_viewers(rooms text[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.append_signal(ARRAY[v.room], 'post:viewers',
	                     json_build_object('postId', substr(v.room, 6), 'count', sum(v.count)),
	                     key => 'viewers:' || substr(v.room, 6))
	FROM herald_internal.viewers AS v
	WHERE v.room = ANY (rooms)
	GROUP BY v.room;
$$;

-- ----- bridges

-- No flush: if a crash of the server loses reports, the bridges repeat them.
CREATE FUNCTION herald_internal.lock_presence() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	PERFORM herald_internal.own_lock('herald_internal.presence');
END
$$;

-- Without bridges no user is online, even if a restored dump says otherwise.
CREATE FUNCTION herald_internal.begin_presence(former uuid, lease interval) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	id uuid;
BEGIN
	PERFORM herald_internal.lock_presence();
	IF NOT EXISTS (SELECT FROM herald_internal.bridge) THEN
		UPDATE herald.appearance SET shown = 'offline' WHERE shown <> 'offline';
	END IF;
	DELETE FROM herald_internal.viewers AS v WHERE v.bridge_id = former;
	INSERT INTO herald_internal.bridge AS b (since, alive_until, lease)
		VALUES (clock_timestamp(), clock_timestamp() + lease, lease) RETURNING b.bridge_id INTO id;
	RETURN id;
END
$$;
COMMENT ON FUNCTION herald_internal.begin_presence(uuid, interval) IS
	'begins to report the users of a bridge; returns the id to report under; users reported under the former id count'
	' until its lease runs out';

-- Ends the lease of a bridge: its users went when it reported last.
CREATE FUNCTION herald_internal.end_lease(bridge herald_internal.bridge) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	users text[];
	rooms text[];
BEGIN
	WITH went AS (DELETE FROM herald_internal.presence AS p WHERE p.bridge_id = bridge.bridge_id RETURNING p.user_id)
	SELECT array_agg(w.user_id) INTO users FROM went AS w;
	WITH closed AS (DELETE FROM herald_internal.viewers AS v WHERE v.bridge_id = bridge.bridge_id RETURNING v.room)
	SELECT array_agg(c.room) INTO rooms FROM closed AS c;
	DELETE FROM herald_internal.bridge AS b WHERE b.bridge_id = bridge.bridge_id;
	PERFORM herald_internal.signal_presence(users, bridge.alive_until - bridge.lease),
		herald_internal.signal_viewers(rooms);
END
$$;

CREATE FUNCTION herald_internal.report_presence(bridge uuid, came text[], went text[], rooms text[], counts int[],
                                                lease interval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	moment timestamptz;
BEGIN
	PERFORM herald_internal.lock_presence();
	moment := clock_timestamp();
	UPDATE herald_internal.bridge AS b
	SET since = CASE WHEN b.alive_until > moment THEN b.since ELSE moment
		END, alive_until = moment + report_presence.lease, lease = report_presence.lease
	WHERE b.bridge_id = bridge;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the lease of bridge "%" was ended', bridge USING ERRCODE = 'no_data_found';
	END IF;
	DELETE FROM herald_internal.presence AS p WHERE p.bridge_id = bridge AND p.user_id = ANY (went);
	INSERT INTO herald_internal.presence AS n (user_id, bridge_id, since)
	SELECT c, bridge, coalesce((SELECT min(p.since) FROM herald_internal.presence AS p WHERE p.user_id = c), moment)
	FROM unnest(came) AS c
	WHERE herald_internal.is_short(c)
	ON CONFLICT ON CONSTRAINT presence_pkey DO NOTHING;
	DELETE FROM herald_internal.viewers AS v WHERE v.bridge_id = bridge AND v.room = ANY (rooms);
	INSERT INTO herald_internal.viewers SELECT v.room, bridge, v.count FROM unnest(rooms, counts) AS v (room, count)
		WHERE v.count > 0 AND herald_internal.is_short(v.room);
	PERFORM herald_internal.signal_presence(came || went, moment), herald_internal.signal_viewers(rooms);
	PERFORM herald_internal.end_lease(b)
	FROM herald_internal.bridge AS b
	WHERE b.alive_until <= moment AND EXISTS (SELECT FROM herald_internal.bridge AS w WHERE w.alive_until > moment AND
	                                          w.since <= moment - b.lease);
END
$$;
COMMENT ON FUNCTION herald_internal.report_presence(uuid, text[], text[], text[], int[], interval) IS
	'renews the lease of a bridge, writes the users that came and went and the numbers of users in rooms, ends the '
	'leases of dead bridges, and signals the changes; fails if the bridge''s own lease was ended';

-- ----- actions

-- Returns how old a choice is: a bridge that has put it off says how many milliseconds.
CREATE FUNCTION herald_internal.age_of_choice(age jsonb) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN jsonb_typeof(age) = 'number' THEN least(greatest(age::numeric, 0), 86400000) ELSE 0 END *
	       interval '1 ms';
$$;

-- The later of two choices counts, also if the earlier one comes later, from another bridge. The time of one that lies
-- in the future is that of another clock: the clock went back, or a server with an earlier one took over. It counts as
-- earlier.
CREATE FUNCTION herald_internal.act_presence_set(user_id text, payload jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	status text := payload ->> 'status';
	present timestamptz;
BEGIN
	IF status IS NULL OR status <> ALL ('{online,away,busy,invisible}') THEN
		RAISE EXCEPTION 'presence:set needs a "status": online, away, busy or invisible'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM herald_internal.lock_presence();
	present := clock_timestamp();
	INSERT INTO herald.appearance AS w (user_id, chosen, chosen_at)
	VALUES (user_id, status, present - herald_internal.age_of_choice(payload -> 'age'))
	ON CONFLICT ON CONSTRAINT appearance_pkey
	DO UPDATE SET chosen = excluded.chosen, chosen_at = excluded.chosen_at
		WHERE w.chosen_at <= excluded.chosen_at OR w.chosen_at > present;
	PERFORM herald_internal.signal_presence(ARRAY[user_id], present);
	RETURN (SELECT jsonb_build_object('status', w.chosen)
	        FROM herald.appearance AS w WHERE w.user_id = act_presence_set.user_id);
END
$$;

-- Returns the users that share a conversation with a user: of 1,000 of the user's conversations in each table, 1,000 of
-- the members of each. A row is partial if there are more.
CREATE FUNCTION herald_internal.conversation_partners(user_id text) RETURNS TABLE (id text, partial boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT a.id, a.partial
	FROM herald_internal.watched_table AS w
	JOIN pg_class AS c ON c.oid = w.relation
	CROSS JOIN jsonb_to_record(w.arguments) AS m (conversation text[], member text[], present text, status text,
	                                              accepted text)
	CROSS JOIN LATERAL (SELECT herald_internal.and_conditions(m.present,
	                                                          herald_internal.value_condition(m.status,
	                                                              m.accepted))) AS p (present)
	CROSS JOIN LATERAL jsonb_to_recordset(herald_internal.ask_as('herald_internal.query_rows(text, jsonb)', c.relowner,
	                                                              user_id, jsonb_build_object('sql', format(
		'SELECT t.id, bool_or(mine.herald_partial OR t.partial) AS partial '
		'FROM (SELECT *, count(*) OVER () > 1000 AS herald_partial '
		      'FROM (SELECT * FROM %2$s AS mine WHERE %3$s LIMIT 1001) AS mine) AS mine '
		'CROSS JOIN LATERAL (SELECT %1$s AS id, count(*) OVER () > 1000 AS partial '
		                    'FROM (SELECT * FROM (SELECT * FROM %2$s WHERE %4$s) AS theirs WHERE %5$s LIMIT 1001) '
		                    'AS theirs) AS t '
		'GROUP BY t.id',
		herald_internal.id_sql('theirs', m.member), w.relation,
		herald_internal.and_conditions(p.present, herald_internal.match_id('mine', w.relation, m.member, '$1')),
		coalesce(p.present, 'true'),
		herald_internal.match_columns('theirs', w.relation, m.conversation, 'mine', w.relation,
		                              m.conversation))))) AS a (id text, partial boolean)
	WHERE w.kind = 'members';
$$;

-- A request may name at most 1,000 users. A page is made of at most so many users that are online: blocks are looked up
-- for these only.
CREATE FUNCTION herald_internal.act_presence_list(user_id text, payload jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	most int := herald_internal.payload_max(payload, usual => 1000, most => 1000);
	asked text[];
	partial boolean := false;
BEGIN
	IF jsonb_typeof(payload -> 'userIds') = 'array' AND jsonb_array_length(payload -> 'userIds') <= 1000 THEN
		asked := ARRAY(SELECT jsonb_array_elements_text(payload -> 'userIds'));
	ELSIF payload ? 'userIds' THEN
		RAISE EXCEPTION '"userIds" must be an array of at most 1000 ids' USING ERRCODE = 'invalid_parameter_value';
	ELSE
		SELECT array_agg(u.id), coalesce(bool_or(u.partial), false) INTO asked, partial
		FROM (SELECT substr(a.room, 6), false
		      FROM herald_internal.automatic_rooms(ARRAY[act_presence_list.user_id], '{feed:}') AS a
		      UNION ALL
		      SELECT c.id, c.partial
		      FROM herald_internal.conversation_partners(act_presence_list.user_id) AS c
		      WHERE c.id <> act_presence_list.user_id) AS u (id, partial);
	END IF;
	RETURN (
		WITH page AS MATERIALIZED (
			SELECT o.*
			FROM herald.online AS o
			WHERE o.user_id = ANY (asked) AND (payload ->> 'after' IS NULL OR o.user_id > payload ->> 'after')
			ORDER BY o.user_id
			LIMIT most
		)
		SELECT jsonb_build_object('users', coalesce(jsonb_agg(
			       jsonb_build_object('userId', p.user_id, 'status', p.status, 'since', herald.iso8601(p.since))
			       ORDER BY p.user_id)
			       FILTER (WHERE NOT coalesce(herald.is_blocked(act_presence_list.user_id, p.user_id), false) AND
			                     NOT coalesce(herald.is_blocked(p.user_id, act_presence_list.user_id), false)),
			       '[]')) ||
		       CASE WHEN count(*) = most AND most > 0 THEN jsonb_build_object('next', max(p.user_id)) ELSE '{}' END ||
		       CASE WHEN partial THEN jsonb_build_object('partial', true) ELSE '{}' END
		FROM page AS p);
END
$$;
