-- ---------------------------------------------------------------------------
-- Ephemeral events: relayed to who is there now, and never logged
--
-- A signal has a channel of its own, for the doorbell has no payload. Every
-- bridge hears it, and those who are not connected never do. NOTIFY makes its
-- transaction wait at commit for others that notify, so a signal is no part of
-- the application's writes: those that make events ring after their commit.
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald.signal(rooms text[], event text, payload json DEFAULT '{}', key text DEFAULT NULL, except_user text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	message text := format('{"rooms":%s,"event":%s,"payload":%s%s%s}', to_json(rooms), to_json(event), payload,
	                       ',"key":' || to_json(key), ',"except":' || to_json(except_user));
BEGIN
	PERFORM herald_internal.check_event(rooms, event, payload);
	IF octet_length(message) > 7999 THEN
		RAISE EXCEPTION 'event "%" is too long for a signal', event
			USING ERRCODE = 'program_limit_exceeded',
			      DETAIL = format('With its rooms and payload it takes %s bytes; 7999 fit.', octet_length(message)),
			      HINT = 'Use herald.publish(), which has no such limit.';
	END IF;
	PERFORM pg_notify('herald_signal', message);
END
$$;
COMMENT ON FUNCTION herald.signal(text[], text, json, text, text) IS
	'relay an event, when this transaction commits, to the sessions that are in its rooms, but for those of a user; it is not logged, and of those with the same key only the newest counts';
