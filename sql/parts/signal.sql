-- ---------------------------------------------------------------------------
-- Signals: ephemeral events, relayed to connected sessions and never logged
--
-- A signal is a row of an unlogged table that only the extension reads and
-- writes. So it adds nothing to the WAL, a crash empties the table, and no
-- other role forges or overhears a signal. Bridges hear the doorbell and read
-- the signals of a window behind its events. Sessions that are not connected
-- never get the event.
--
-- The table is a ring of four partitions of ten seconds each. Readers look at
-- the partition in use and at the one before; herald.maintain() empties the
-- others. A transaction writes its signals just before its commit, so that it
-- locks a partition for no longer than that.
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald_internal.signal_slot() RETURNS smallint
LANGUAGE c VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_signal_slot';
COMMENT ON FUNCTION herald_internal.signal_slot() IS 'returns the partition for a signal of this moment';

CREATE TABLE herald_internal.signal (
	xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
	slot        smallint NOT NULL DEFAULT herald_internal.signal_slot(),
	at          timestamptz NOT NULL,
	number      int NOT NULL,
	rooms       text[] NOT NULL,
	name        text NOT NULL,
	payload     json NOT NULL,
	key         text,
	except_user text
) PARTITION BY LIST (slot);
CREATE UNLOGGED TABLE herald_internal.signal_0 PARTITION OF herald_internal.signal FOR VALUES IN (0);
CREATE UNLOGGED TABLE herald_internal.signal_1 PARTITION OF herald_internal.signal FOR VALUES IN (1);
CREATE UNLOGGED TABLE herald_internal.signal_2 PARTITION OF herald_internal.signal FOR VALUES IN (2);
CREATE UNLOGGED TABLE herald_internal.signal_3 PARTITION OF herald_internal.signal FOR VALUES IN (3);
CREATE INDEX ON herald_internal.signal (xid);
COMMENT ON TABLE herald_internal.signal IS 'the signals of the last seconds, which no crash survives';
COMMENT ON TABLE herald_internal.signal_0 IS 'a partition of herald_internal.signal';
COMMENT ON TABLE herald_internal.signal_1 IS 'a partition of herald_internal.signal';
COMMENT ON TABLE herald_internal.signal_2 IS 'a partition of herald_internal.signal';
COMMENT ON TABLE herald_internal.signal_3 IS 'a partition of herald_internal.signal';

CREATE FUNCTION herald_internal.append_signal(rooms text[], event text, payload json, key text DEFAULT NULL,
                                              except_user text DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_append_signal';
COMMENT ON FUNCTION herald_internal.append_signal(text[], text, json, text, text) IS
	'sends a signal without a check, and rings the doorbell';

-- Empties the two partitions that are out of use, without waiting: a late writer or reader may be at them, and the next
-- call tries again.
CREATE FUNCTION herald_internal.trim_signals() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	slot int := herald_internal.signal_slot();
	used boolean;
BEGIN
	FOR i IN 1 .. 2 LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM herald_internal.signal_%s)', (slot + i) % 4) INTO used;
		CONTINUE WHEN NOT used;
		BEGIN
			EXECUTE format('LOCK TABLE ONLY herald_internal.signal_%s IN ACCESS EXCLUSIVE MODE NOWAIT', (slot + i) % 4);
			EXECUTE format('TRUNCATE ONLY herald_internal.signal_%s', (slot + i) % 4);
		EXCEPTION
			WHEN lock_not_available THEN NULL;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION herald_internal.trim_signals() IS 'empties the partitions of old signals';

CREATE FUNCTION herald.signal(rooms text[], event text, payload json DEFAULT '{}', key text DEFAULT NULL,
                              except_user text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	message text := format('{"rooms":%s,"event":%s,"payload":%s%s%s}', to_json(rooms), to_json(event), payload,
	                       ',"key":' || to_json(key), ',"except":' || to_json(except_user));
BEGIN
	PERFORM herald_internal.check_event(rooms, event, payload), herald_internal.check_event_rooms(rooms),
		herald_internal.check_event_name(event);
	IF octet_length(message) > 7999 THEN
		RAISE EXCEPTION 'event "%" is too long for a signal', event
			USING ERRCODE = 'program_limit_exceeded',
			      DETAIL = format('Its rooms, name and payload take %s bytes; the limit is 7999.',
			                      octet_length(message)),
			      HINT = 'Use herald.publish(), which has no such limit.';
	END IF;
	PERFORM herald_internal.append_signal(rooms, event, payload, key, except_user);
END
$$;
COMMENT ON FUNCTION herald.signal(text[], text, json, text, text) IS
	'relays an event to the sessions of its rooms when this transaction commits, except for one user''s; the event is'
	' not logged, and a newer one with the same key replaces one that waits';
