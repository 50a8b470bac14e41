-- ---------------------------------------------------------------------------
-- Sessions: the application ends those of a user
--
-- Both calls write to the log, so that they take effect on all bridges when the
-- transaction commits, also on one that is cut off meanwhile. A bridge asks the
-- database about tokens when it puts a session into its rooms: no query more.
-- ---------------------------------------------------------------------------

CREATE TABLE herald_internal.revocation (
	user_id     text COLLATE "C" PRIMARY KEY,
	issued_from timestamptz NOT NULL
);
COMMENT ON TABLE herald_internal.revocation IS
	'the users whose earlier tokens are refused; kept for herald.token_max_age, and not forgotten with the user';
COMMENT ON COLUMN herald_internal.revocation.issued_from IS 'tokens that were issued before are refused';
CREATE INDEX ON herald_internal.revocation (issued_from);
SELECT pg_extension_config_dump('herald_internal.revocation', '');

-- Raises an error unless the text is a user's id.
CREATE FUNCTION herald_internal.check_session_user(user_id text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF coalesce(user_id, '') = '' THEN
		RAISE EXCEPTION 'the id of a user is needed' USING ERRCODE = 'invalid_parameter_value';
	END IF;
END
$$;

CREATE FUNCTION herald.disconnect(user_id text, reason text DEFAULT 'the application has ended the session')
	RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM herald_internal.check_session_user(user_id);
	IF reason IS NULL OR octet_length(reason) NOT BETWEEN 1 AND 120 THEN
		RAISE EXCEPTION 'a reason has 1 to 120 bytes' USING ERRCODE = 'invalid_parameter_value',
			DETAIL = 'A WebSocket carries no longer one when it closes.';
	END IF;
	RETURN herald_internal.append_event('{}', 'session:disconnect',
	                                    json_build_object('userId', user_id, 'reason', reason), NULL, NULL, NULL);
END
$$;
COMMENT ON FUNCTION herald.disconnect(text, text) IS
	'ends all sessions of a user, on all bridges, when this transaction commits; their clients are told the reason, '
	'and may come back with a token that is still good';

-- A token has its time in whole seconds. So the bound is a whole second, too: a token that was issued within the
-- second of the call may be from before it, and is refused.
CREATE FUNCTION herald.revoke_tokens(user_id text) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	bound timestamptz := date_trunc('second', clock_timestamp()) + interval '1 second';
BEGIN
	PERFORM herald_internal.check_session_user(user_id);
	INSERT INTO herald_internal.revocation AS r VALUES (user_id, bound)
	ON CONFLICT ON CONSTRAINT revocation_pkey
		DO UPDATE SET issued_from = greatest(r.issued_from, excluded.issued_from)
	RETURNING issued_from INTO bound;
	PERFORM herald_internal.append_event('{}', 'session:revoke', json_build_object('userId', user_id), NULL, NULL, NULL,
	                                     NULL, user_id, NULL, 'withdrawn');
	RETURN bound;
END
$$;
COMMENT ON FUNCTION herald.revoke_tokens(text) IS
	'refuses all tokens of a user that were issued before now, and ends the sessions with them, on all bridges, when '
	'this transaction commits; returns the time ("iat") from which tokens are good again, the next whole second';

-- Is a token of this user revoked? "issued" is its time in seconds since 1970; NULL: it has none.
CREATE FUNCTION herald_internal.is_revoked(user_id text, issued text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (SELECT FROM herald_internal.revocation AS r
	               WHERE r.user_id = $1 AND (issued::float8 >= extract(epoch FROM r.issued_from)) IS NOT TRUE);
$$;

COMMENT ON FUNCTION herald_internal.is_revoked(text, text) IS
	'returns whether a token of this user is revoked, by its time in seconds since 1970';

-- No token is older than the setting: it would be refused anyway.
CREATE FUNCTION herald_internal.delete_old_revocations() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	DELETE FROM herald_internal.revocation AS r
	WHERE r.ctid = ANY (ARRAY(
		SELECT o.ctid FROM herald_internal.revocation AS o
		WHERE o.issued_from < now() - herald_internal.setting('token_max_age')::interval
		ORDER BY o.issued_from LIMIT 1000 FOR UPDATE SKIP LOCKED));
$$;
COMMENT ON FUNCTION herald_internal.delete_old_revocations() IS
	'forgets revocations of tokens that are too old by now';
