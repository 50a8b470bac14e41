-- ---------------------------------------------------------------------------
-- The inbox: what a user has been told, what is unread, and what they want to be told
--
-- These functions are for the application and the bridge, which know who the
-- user is. They run as the extension's owner; each touches only the rows of
-- the user that it is given.
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald.inbox(user_id text, before bigint DEFAULT NULL, max int DEFAULT 50, only_unread boolean DEFAULT false)
RETURNS SETOF herald.notification
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT n.*
	FROM herald.notification AS n
	WHERE n.recipient_id = user_id AND (before IS NULL OR n.id < before) AND (NOT only_unread OR n.read_at IS NULL)
	ORDER BY n.id DESC
	LIMIT greatest(max, 0);
$$;
COMMENT ON FUNCTION herald.inbox(text, bigint, int, boolean) IS
	'the notifications of a user, newest first; the next page is what comes before the last id';

CREATE FUNCTION herald.unread_count(user_id text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT count(*) FROM herald.notification AS n WHERE n.recipient_id = user_id AND n.read_at IS NULL;
$$;
COMMENT ON FUNCTION herald.unread_count(text) IS 'how many notifications of a user are unread';

CREATE FUNCTION herald.mark_read(user_id text, ids bigint[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	marked text[];
BEGIN
	WITH marking AS (
		UPDATE herald.notification AS n SET read_at = now()
		WHERE n.recipient_id = user_id AND n.id = ANY (ids) AND n.read_at IS NULL
		RETURNING n.id
	)
	SELECT array_agg(m.id::text ORDER BY m.id) INTO marked FROM marking AS m;
	IF marked IS NOT NULL THEN
		PERFORM herald.append(ARRAY['user:' || user_id], 'notification:read', json_build_object('ids', marked), NULL, NULL, NULL);
	END IF;
	RETURN herald.unread_count(user_id);
END
$$;
COMMENT ON FUNCTION herald.mark_read(text, bigint[]) IS
	'mark notifications of a user as read and tell the user''s sessions; returns how many are still unread';

CREATE FUNCTION herald.mark_all_read(user_id text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE herald.notification AS n SET read_at = now() WHERE n.recipient_id = user_id AND n.read_at IS NULL;
	IF FOUND THEN
		PERFORM herald.append(ARRAY['user:' || user_id], 'notification:read', json_build_object('all', true), NULL, NULL, NULL);
	END IF;
	RETURN herald.unread_count(user_id);
END
$$;
COMMENT ON FUNCTION herald.mark_all_read(text) IS
	'mark every notification of a user as read and tell the user''s sessions; returns how many are unread by now';

CREATE FUNCTION herald.set_preference(user_id text, type text, channels text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	unknown text;
BEGIN
	SELECT channel INTO unknown FROM unnest(channels) AS channel WHERE channel IS NULL OR channel <> ALL ('{inbox,live,push,email}') LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'unknown channel "%"', coalesce(unknown, 'NULL')
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Channels are inbox, live, push and email.';
	END IF;
	IF 'live' = ANY (channels) AND 'inbox' <> ALL (channels) THEN
		RAISE EXCEPTION 'channel "live" needs channel "inbox"'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'What is shown at once is kept as well. Pass both, inbox alone, or neither.';
	END IF;
	IF channels IS NULL THEN
		DELETE FROM herald.preference AS p WHERE p.user_id = set_preference.user_id AND p.type = coalesce(set_preference.type, '*');
	ELSE
		INSERT INTO herald.preference AS p (user_id, type, channels) VALUES (user_id, coalesce(type, '*'), channels)
		ON CONFLICT ON CONSTRAINT preference_pkey DO UPDATE SET channels = excluded.channels;
	END IF;
END
$$;
COMMENT ON FUNCTION herald.set_preference(text, text, text[]) IS
	'choose the channels of a type of notification for a user; type NULL or * is for all types without a choice of their own, channels NULL forgets the choice';
