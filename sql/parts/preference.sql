-- ---------------------------------------------------------------------------
-- Preferences: the notifications that users want, and their channels
--
-- A preference is a scope and the channels that it leaves. A mute is a
-- preference without channels; quiet hours are one without "live". A
-- notification passes all preferences that apply to it: the choice for its
-- type or, without one, the choice for all types, and those for its actor,
-- subject and thread.
-- ---------------------------------------------------------------------------

CREATE TABLE herald.preference (
	user_id   text COLLATE "C" NOT NULL,
	scope     text COLLATE "C" NOT NULL CHECK (scope IN ('type', 'actor', 'subject', 'thread', 'hours')),
	id        text COLLATE "C" NOT NULL,
	channels  text[] NOT NULL,
	until     timestamptz,
	begins    time,
	ends      time,
	time_zone text,
	PRIMARY KEY (user_id, scope, id)
);
CREATE INDEX ON herald.preference (until) WHERE until IS NOT NULL;
COMMENT ON TABLE herald.preference IS
	'preferences of users: channels of types (* is all), mutes of actors, subjects and threads, quiet hours';
COMMENT ON COLUMN herald.preference.user_id IS 'the user';
COMMENT ON COLUMN herald.preference.scope IS
	'the kind of thing that it applies to: a type, an actor, a subject, a thread, or hours of the day';
COMMENT ON COLUMN herald.preference.id IS 'the thing: like, 42, post:42; * is all types, and empty for hours';
COMMENT ON COLUMN herald.preference.channels IS 'the channels that it leaves; none is a mute';
COMMENT ON COLUMN herald.preference.until IS 'the end of its validity; null: never';
COMMENT ON COLUMN herald.preference.begins IS 'hours: the time of day at which they begin';
COMMENT ON COLUMN herald.preference.ends IS 'hours: the time of day at which they end, possibly the next day';
COMMENT ON COLUMN herald.preference.time_zone IS 'hours: the time zone of these times';
SELECT pg_extension_config_dump('herald.preference', '');

CREATE FUNCTION herald_internal.in_quiet_hours(begins time, ends time, time_zone text, moment timestamptz)
	RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_in_quiet_hours';
COMMENT ON FUNCTION herald_internal.in_quiet_hours(time, time, text, timestamptz) IS
	'returns whether a moment is within hours of the day, which may span midnight; equal times mean the whole day';

CREATE FUNCTION herald_internal.preferences_for(user_id text, type text, actor text, subject text, thread text)
	RETURNS SETOF herald.preference
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_preferences_for';
COMMENT ON FUNCTION herald_internal.preferences_for(text, text, text, text, text) IS
	'returns the preferences of a user that apply to a notification';

CREATE FUNCTION herald_internal.wanted_channels(user_id text, type text, actor text, subject text, thread text,
                                                by_default text[])
RETURNS TABLE (inbox boolean, live boolean)
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_wanted_channels';
COMMENT ON FUNCTION herald_internal.wanted_channels(text, text, text, text, text, text[]) IS
	'returns whether the preferences of a user leave the inbox and the live channel of a notification; users without a '
	'choice for the type get the channels of the type';

CREATE FUNCTION herald.channels(user_id text, type text, actor text DEFAULT NULL, subject text DEFAULT NULL,
                                thread text DEFAULT NULL) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(array_agg(c.channel ORDER BY c.place), '{}')
	FROM unnest('{inbox,live,push,email}'::text[]) WITH ORDINALITY AS c (channel, place)
	LEFT JOIN herald.notification_type AS t ON t.name = channels.type
	WHERE (t.required AND c.channel IN ('inbox', 'live')) OR
	      NOT coalesce(herald.is_blocked(user_id, actor), false) AND
	      NOT EXISTS (SELECT FROM herald_internal.preferences_for(user_id, type, actor, subject, thread) AS p
	                  WHERE c.channel <> ALL (p.channels)) AND
	      (EXISTS (SELECT FROM herald_internal.preferences_for(user_id, type, actor, subject, thread) AS p
	               WHERE p.scope = 'type') OR
	       c.channel = ANY (coalesce(t.channels, '{inbox,live}')));
$$;
COMMENT ON FUNCTION herald.channels(text, text, text, text, text) IS
	'returns the channels on which a user wants a notification now: for senders of push messages and e-mail';

CREATE FUNCTION herald_internal.check_channels(channels text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	unknown text;
BEGIN
	SELECT channel INTO unknown FROM unnest(channels) AS channel WHERE channel IS NULL OR
	       channel <> ALL ('{inbox,live,push,email}') LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'unknown channel "%"', coalesce(unknown, 'NULL')
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Channels are inbox, live, push and email.';
	END IF;
	IF 'live' = ANY (channels) AND 'inbox' <> ALL (channels) THEN
		RAISE EXCEPTION 'channel "live" needs channel "inbox"'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'The inbox keeps live notifications. Pass both, inbox alone, or neither.';
	END IF;
END
$$;

CREATE FUNCTION herald.set_preference(user_id text, type text, channels text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM herald_internal.check_channels(channels);
	IF NOT '{inbox,live}' <@ channels AND EXISTS (SELECT FROM herald.notification_type AS t WHERE t.name = type AND
	                                              t.required) THEN
		RAISE EXCEPTION 'notifications of type "%" cannot be switched off', type
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'The type is required (herald.notification_type). Pass inbox and live, and others as you like.';
	END IF;
	IF channels IS NULL THEN
		DELETE FROM herald.preference AS p WHERE p.user_id = set_preference.user_id AND p.scope = 'type' AND
			p.id = coalesce(type, '*');
	ELSE
		INSERT INTO herald.preference AS p (user_id, scope, id, channels)
			VALUES (user_id, 'type', coalesce(type, '*'), channels)
		ON CONFLICT ON CONSTRAINT preference_pkey DO UPDATE SET channels = excluded.channels;
	END IF;
END
$$;
COMMENT ON FUNCTION herald.set_preference(text, text, text[]) IS
	'sets the channels of a type of notification for a user; type NULL or * means all types without a choice of their'
	' own, channels NULL removes the choice';

CREATE FUNCTION herald.mute(user_id text, scope text, id text, until timestamptz DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF scope IS NULL OR scope NOT IN ('actor', 'subject', 'thread') THEN
		RAISE EXCEPTION 'cannot mute "%"', coalesce(scope, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
			      HINT = 'Mute an actor by id, a subject or a thread by type and id, as in post:42. '
			             'For types, use herald.set_preference().';
	END IF;
	IF coalesce(id, '') = '' OR (scope <> 'actor' AND id !~ '^[^:]+:.') THEN
		RAISE EXCEPTION 'cannot mute % "%"', scope, coalesce(id, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Name a subject or a thread by type and id, as in post:42.';
	END IF;
	INSERT INTO herald.preference AS p (user_id, scope, id, channels, until) VALUES (user_id, scope, id, '{}', until)
	ON CONFLICT ON CONSTRAINT preference_pkey DO UPDATE SET channels = '{}', until = excluded.until;
END
$$;
COMMENT ON FUNCTION herald.mute(text, text, text, timestamptz) IS
	'mutes an actor (id), a subject or a thread (post:42) for a user, forever or until a time';

CREATE FUNCTION herald.unmute(user_id text, scope text, id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	DELETE FROM herald.preference AS p
	WHERE p.user_id = unmute.user_id AND p.scope = unmute.scope AND p.id = unmute.id AND
	      p.scope IN ('actor', 'subject', 'thread');
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION herald.unmute(text, text, text) IS 'removes a mute; returns false if there was none';

CREATE FUNCTION herald.set_quiet_hours(user_id text, begins time, ends time, time_zone text DEFAULT 'UTC',
                                       channels text[] DEFAULT '{inbox}')
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM herald_internal.check_channels(channels);
	IF begins IS NULL OR ends IS NULL THEN
		DELETE FROM herald.preference AS p WHERE p.user_id = set_quiet_hours.user_id AND p.scope = 'hours';
		RETURN;
	END IF;
	PERFORM now() AT TIME ZONE time_zone; -- an unknown time zone must fail here, not in a later INSERT
	INSERT INTO herald.preference AS p (user_id, scope, id, channels, begins, ends, time_zone)
	VALUES (user_id, 'hours', '', channels, begins, ends, coalesce(time_zone, 'UTC'))
	ON CONFLICT ON CONSTRAINT preference_pkey
	DO UPDATE SET channels = excluded.channels, begins = excluded.begins, ends = excluded.ends,
		time_zone = excluded.time_zone;
END
$$;
COMMENT ON FUNCTION herald.set_quiet_hours(text, time, time, text, text[]) IS
	'sets the hours in which a user''s notifications are kept and not pushed; NULL removes them';

-- ----- blocks: a table of the application says which users want nothing of each other

CREATE TABLE herald_internal.block_source (
	relation regclass PRIMARY KEY,
	sql      text NOT NULL,
	owner    regrole NOT NULL
);
COMMENT ON TABLE herald_internal.block_source IS
	'queries for the pairs of recipient and actor (herald_pair) with a block between them, and the owner of the table '
	'when it was watched';
SELECT pg_extension_config_dump('herald_internal.block_source', '');

CREATE FUNCTION herald_internal.save_block_source(relation regclass, sql text) RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_save_block_source';
COMMENT ON FUNCTION herald_internal.save_block_source(regclass, text) IS 'saves the query for blocks';

CREATE FUNCTION herald.is_blocked(user_id text, other_id text) RETURNS boolean
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_is_blocked';
COMMENT ON FUNCTION herald.is_blocked(text, text) IS
	'returns whether a block in a watched table keeps notifications of another user from a user, or a table cannot be '
	'asked';

-- ----- explain

-- Returns whether a watched users table has the user; NULL if no users table is watched.
CREATE FUNCTION herald_internal.user_exists(user_id text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT bool_or(herald_internal.ask_as('herald_internal.query_exists(text, jsonb)'::regprocedure, c.relowner,
	                                       user_id,
	                                       herald_internal.exists_query('users', w.relation, a.key,
	                                           NULL, user_id)) = 'true')
	FROM herald_internal.watched_table AS w
	JOIN pg_class AS c ON c.oid = w.relation
	CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[])
	WHERE w.kind = 'users';
$$;

-- Returns whether the user has notifications enabled, by the application's own column in the watched users tables.
CREATE FUNCTION herald_internal.wants_notifications(user_id text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT NOT EXISTS (
		SELECT FROM herald_internal.watched_table AS w
		JOIN pg_class AS c ON c.oid = w.relation
		CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[], notifications_enabled text)
		WHERE w.kind = 'users' AND a.notifications_enabled IS NOT NULL AND
		      herald_internal.ask_as('herald_internal.query_exists(text, jsonb)'::regprocedure, c.relowner, user_id,
		                     herald_internal.exists_query('recipient', w.relation, a.key, 'NOT ' ||
		                                                  quote_ident(a.notifications_enabled), user_id)) = 'true');
$$;

CREATE FUNCTION herald.explain(user_id text, type text, actor text DEFAULT NULL, subject_type text DEFAULT NULL,
	subject_id text DEFAULT NULL,
	thread text DEFAULT NULL) RETURNS TABLE (step text, verdict text, detail text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	subject text := subject_type || ':' || subject_id;
	known herald.notification_type;
	sent herald.notification;
	wanted record;
	unknown boolean := NOT coalesce(herald_internal.user_exists(user_id), true);
	disabled boolean := NOT herald_internal.wants_notifications(user_id);
	oneself boolean := coalesce(user_id = actor, false);
	blocked boolean := coalesce(herald.is_blocked(user_id, actor), false);
BEGIN
	SELECT * INTO known FROM herald.notification_type AS t WHERE t.name = type;
	SELECT * INTO wanted FROM herald_internal.wanted_channels(user_id, type, actor, subject, thread,
	                                                          coalesce(known.channels, '{inbox,live}'));
	RETURN QUERY SELECT 'type', CASE WHEN known.required THEN 'required' WHEN known.name IS NULL THEN 'unknown'
		ELSE 'known' END,
		concat(CASE WHEN known.name IS NULL THEN format('herald.notification_type has no type "%s"; ', type) END,
		       CASE WHEN known.required THEN 'preferences, mutes and blocks do not apply'
		            ELSE format('channels without a preference: %s',
		                        array_to_string(coalesce(known.channels, '{inbox,live}'), ', ')) END);
	IF unknown THEN
		RETURN QUERY SELECT 'users', 'unknown', format('no such user: no watched users table has the id "%s"', user_id);
	ELSIF disabled THEN
		RETURN QUERY SELECT 'users', 'stops',
			'the users table disables notifications: rules of social tables skip the user';
	END IF;
	IF oneself THEN
		RETURN QUERY SELECT 'actor', 'stops', 'users get no notifications of their own actions';
	END IF;
	IF blocked THEN
		RETURN QUERY SELECT 'block', 'stops', coalesce(
			(SELECT format('a table cannot be asked for blocks: %s', string_agg(s.message, ', '))
			 FROM herald.suspended AS s WHERE s.rule = 'blocks' HAVING count(*) > 0),
			format('there is a block between %s and %s in %s', user_id, actor,
			       (SELECT string_agg(s.relation::text, ', ' ORDER BY s.relation::text)
			        FROM herald_internal.block_source AS s)));
	END IF;
	RETURN QUERY
		SELECT CASE p.scope WHEN 'type' THEN 'preference' WHEN 'hours' THEN 'quiet hours' ELSE 'mute' END,
		       CASE WHEN 'live' = ANY (p.channels) THEN 'allows' WHEN 'inbox' = ANY (p.channels)
		           THEN 'keeps, does not push' ELSE 'stops' END,
		       concat(nullif(p.scope, 'hours') || ' ' || p.id, p.begins || ' to ' || p.ends || ' ' || p.time_zone,
		              ', until ' || herald.iso8601(p.until))
		FROM herald_internal.preferences_for(user_id, type, actor, subject, thread) AS p
		ORDER BY p.scope, p.id;
	FOR sent IN
		SELECT * FROM herald.notification AS n
		WHERE n.recipient_id = user_id AND n.type = explain.type AND n.actor_id IS NOT DISTINCT FROM actor AND
		      n.subject_type IS NOT DISTINCT FROM explain.subject_type AND
		          n.subject_id IS NOT DISTINCT FROM explain.subject_id
		ORDER BY n.id DESC LIMIT 5
	LOOP
		RETURN QUERY SELECT 'inbox', CASE WHEN sent.retracted_at IS NOT NULL THEN 'notified, retracted'
			WHEN sent.archived_at IS NOT NULL THEN 'notified, archived'
			ELSE 'notified' END, format('notification %s of %s, cause %s', sent.id, herald.iso8601(sent.created_at),
			                            coalesce(sent.cause, '(none)'));
	END LOOP;
	RETURN QUERY SELECT 'result',
		CASE WHEN oneself THEN 'not notified'
		     WHEN unknown OR disabled THEN 'only by herald.notify()'
		     WHEN known.required OR (wanted.inbox AND wanted.live AND NOT blocked) THEN 'notified'
		     WHEN wanted.inbox AND NOT blocked THEN 'kept, not pushed'
		     ELSE 'not notified' END,
		'for a new notification now; a cause of which the user has a notification already makes no other';
END
$$;
COMMENT ON FUNCTION herald.explain(text, text, text, text, text, text) IS
	'explains whether a user gets a notification of this type, actor, subject and thread: one step a row, the result '
	'last';
