-- ---------------------------------------------------------------------------
-- Signals: ephemeral events, relayed to connected sessions and never logged
--
-- The doorbell has no payload, so signals have a channel of their own. Every
-- bridge listens to it. Sessions that are not connected never get the event.
-- A transaction that calls NOTIFY waits at commit for other such
-- transactions. So a signal should have its own transaction; transactions of
-- the application that append events ring the doorbell after their commit.
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald.signal(rooms text[], event text, payload json DEFAULT '{}', key text DEFAULT NULL,
                              except_user text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	message text := format('{"rooms":%s,"event":%s,"payload":%s%s%s}', to_json(rooms), to_json(event), payload,
	                       ',"key":' || to_json(key), ',"except":' || to_json(except_user));
BEGIN
	PERFORM herald_internal.check_event(rooms, event, payload);
	IF octet_length(message) > 7999 THEN
		RAISE EXCEPTION 'event "%" is too long for a signal', event
			USING ERRCODE = 'program_limit_exceeded',
			      DETAIL = format('Its rooms, name and payload take %s bytes; the limit is 7999.',
			                      octet_length(message)),
			      HINT = 'Use herald.publish(), which has no such limit.';
	END IF;
	PERFORM pg_notify('herald_signal', message);
END
$$;
COMMENT ON FUNCTION herald.signal(text[], text, json, text, text) IS
	'relays an event to the sessions of its rooms when this transaction commits, except for one user''s; the event is'
	' not logged, and a newer one with the same key replaces one that waits';
