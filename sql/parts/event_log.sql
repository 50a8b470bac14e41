-- ---------------------------------------------------------------------------
-- The event log: how events are appended and read
--
-- The log is a ring of four partitions by time. The latest two or three hold
-- the recovery window; the next one is empty before it is used. Nothing is
-- created at run time, so an application's INSERT cannot fail for lack of a
-- partition. A dump contains no events, because positions and transaction ids
-- mean nothing in another cluster.
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald_internal.event_slot(logged_at timestamptz DEFAULT clock_timestamp()) RETURNS smallint
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_event_slot';
COMMENT ON FUNCTION herald_internal.event_slot(timestamptz) IS 'returns the partition for an event of that time';

-- A row takes two ids: its own is that of its event, and the next one that of the notification that it announces.
CREATE SEQUENCE herald.event_id_seq INCREMENT BY 2;
CREATE TABLE herald.event (
	id         bigint NOT NULL DEFAULT nextval('herald.event_id_seq'),
	xid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
	logged_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	notification_id bigint,
	next_xid   xid8,
	counter    int,
	slot       smallint NOT NULL DEFAULT herald_internal.event_slot(),
	delta      smallint,
	kept       boolean,
	begun      "char",
	rooms      text[],
	name       text,
	payload    json,
	recipient_id text COLLATE "C",
	counted_id text COLLATE "C",
	member_id  text COLLATE "C",
	joins      text,
	leaves     text,
	ack        text,
	recheck_user text COLLATE "C",
	recheck_room text COLLATE "C",
	access     text
) PARTITION BY LIST (slot);
ALTER SEQUENCE herald.event_id_seq OWNED BY herald.event.id;
CREATE TABLE herald_internal.event_0 PARTITION OF herald.event FOR VALUES IN (0);
CREATE TABLE herald_internal.event_1 PARTITION OF herald.event FOR VALUES IN (1);
CREATE TABLE herald_internal.event_2 PARTITION OF herald.event FOR VALUES IN (2);
CREATE TABLE herald_internal.event_3 PARTITION OF herald.event FOR VALUES IN (3);
DO $$
DECLARE
	slot int;
BEGIN
	-- The library inserts whole rows into the partitions. A session that writes reads no defaults then.
	FOR slot IN 0..3 LOOP
		EXECUTE format('ALTER TABLE herald_internal.event_%s ALTER id DROP DEFAULT, ALTER xid DROP DEFAULT, '
		               'ALTER logged_at DROP DEFAULT, ALTER slot DROP DEFAULT', slot);
	END LOOP;
END
$$;
CREATE INDEX ON herald.event (id);
CREATE INDEX ON herald.event (xid, id) WHERE next_xid IS NOT NULL;
CREATE INDEX ON herald.event (member_id) WHERE member_id IS NOT NULL;
CREATE INDEX ON herald.event (counted_id, xid) WHERE kept;
CREATE INDEX ON herald.event (recheck_user, recheck_room, xid) WHERE access IS NOT NULL;
COMMENT ON TABLE herald.event IS 'the event log; read it with herald.read_events()';
COMMENT ON TABLE herald_internal.event_0 IS 'a partition of herald.event';
COMMENT ON TABLE herald_internal.event_1 IS 'a partition of herald.event';
COMMENT ON TABLE herald_internal.event_2 IS 'a partition of herald.event';
COMMENT ON TABLE herald_internal.event_3 IS 'a partition of herald.event';
COMMENT ON COLUMN herald.event.id IS 'ascending in the order of writing, which is not the order of commits';
COMMENT ON COLUMN herald.event.xid IS 'the transaction that wrote the event; positions refer to it';
COMMENT ON COLUMN herald.event.next_xid IS
	'the next transaction id at the time of writing, if more than 127 were assigned since xid: the event is delayed, '
	'and has an entry in the index of transactions';
COMMENT ON COLUMN herald.event.begun IS 'how many were assigned since xid, if the event is not delayed; null: none';
COMMENT ON COLUMN herald.event.slot IS 'the partition';
COMMENT ON COLUMN herald.event.notification_id IS
	'the notification that the row announces (notification:new), after its own event; the event has the id after that '
	'of the row, and the reader makes the payload';
COMMENT ON COLUMN herald.event.recipient_id IS 'the recipient of this notification';
COMMENT ON COLUMN herald.event.logged_at IS 'the time of writing, before the commit';
COMMENT ON COLUMN herald.event.rooms IS 'the rooms that get the event; * is every session';
COMMENT ON COLUMN herald.event.name IS 'the name of the event: post:liked; null: the row only announces a notification';
COMMENT ON COLUMN herald.event.payload IS
	'the payload without white space between tokens; with a counter, the total and the timestamp are added on reading';
COMMENT ON COLUMN herald.event.member_id IS 'the user that joins or leaves a room by this event';
COMMENT ON COLUMN herald.event.joins IS 'the room that this user joins';
COMMENT ON COLUMN herald.event.leaves IS 'the room that this user leaves';
COMMENT ON COLUMN herald.event.ack IS 'the action that gets the clients'' acknowledgements';
COMMENT ON COLUMN herald.event.counter IS 'the total that the event shows, of herald_internal.counter';
COMMENT ON COLUMN herald.event.counted_id IS 'the subject of this total; null: its id is too long';
COMMENT ON COLUMN herald.event.delta IS 'the change of this total';
COMMENT ON COLUMN herald.event.kept IS 'true if this total is kept: the event has an entry in the index of subjects';

-- Returns a sequence of the extension with other settings than its own; NULL if there is none. Readers of the log and
-- read marks take ids for drawn in ascending order. With CACHE, each session would draw some in advance, and the events
-- of a slower session would be skipped.
CREATE FUNCTION herald_internal.unordered_sequence() RETURNS regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT s.seqrelid FROM pg_sequence AS s JOIN pg_class AS c ON c.oid = s.seqrelid
	WHERE c.relnamespace IN (to_regnamespace('herald'), to_regnamespace('herald_internal')) AND
	      (s.seqcache <> 1 OR s.seqcycle OR
	       s.seqincrement <> CASE WHEN s.seqrelid = 'herald.event_id_seq'::regclass THEN 2 ELSE 1 END)
	LIMIT 1;
$$;
COMMENT ON FUNCTION herald_internal.unordered_sequence() IS
	'returns a sequence of the extension whose settings make ids not ascending';
COMMENT ON COLUMN herald.event.recheck_user IS 'the user whose access to rooms is to be checked again; null: all users';
COMMENT ON COLUMN herald.event.recheck_room IS
	'a key of the rooms to which access is to be checked again; null: all rooms of the user';
COMMENT ON COLUMN herald.event.access IS
	'the change of access: withdrawn, granted, or changed (either may be true); null: the row is no recheck';

CREATE FUNCTION herald_internal.append_event(rooms text[], name text, payload json, member_id text, joins text,
                                             leaves text, ack text DEFAULT NULL, recheck_user text DEFAULT NULL,
                                             recheck_room text DEFAULT NULL, access text DEFAULT NULL) RETURNS bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_append_event';
COMMENT ON FUNCTION herald_internal.append_event(text[], text, json, text, text, text, text, text, text, text) IS
	'appends an event and rings the doorbell';

-- Raises an error unless the event has rooms, a name and a JSON object as its payload. Applies to appended events and
-- to signals.
CREATE FUNCTION herald_internal.check_event(rooms text[], event text, payload json) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF (cardinality(rooms) > 0 AND event <> '' AND '' <> ALL (rooms)) IS NOT TRUE THEN
		RAISE EXCEPTION 'an event needs a room and a name' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF json_typeof(payload) IS DISTINCT FROM 'object' THEN
		RAISE EXCEPTION 'the payload of an event must be a JSON object'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Wrap it: jsonb_build_object(''value'', ...).';
	END IF;
END
$$;

CREATE FUNCTION herald_internal.is_reserved_event(name text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_is_reserved_event';
COMMENT ON FUNCTION herald_internal.is_reserved_event(text) IS
	'returns whether only pg_herald itself sends events of that name';

-- Raises an error for reserved names, and for templates of rules whose literal beginning is reserved. Names that a
-- template makes of a row are checked when the rule runs.
CREATE FUNCTION herald_internal.check_event_name(template text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF herald_internal.is_reserved_event(split_part(template, '{', 1)) THEN
		RAISE EXCEPTION 'event name "%" is reserved', template
			USING ERRCODE = 'reserved_name', DETAIL = 'Clients trust that pg_herald itself has made such an event.',
			      HINT = 'Begin "event" with a resource of the application: order:shipped, order:{state}.';
	END IF;
END
$$;
COMMENT ON FUNCTION herald_internal.check_event_name(text) IS
	'raises an error for the names of the extension''s own events';

-- Raises an error unless "ack" is null or an exposed action.
CREATE FUNCTION herald_internal.check_ack(ack text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF ack IS NOT NULL AND NOT EXISTS (SELECT FROM herald.action AS a WHERE a.name = ack) THEN
		RAISE EXCEPTION 'there is no exposed action "%"', ack
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Pass an exposed action as "ack", which gets the acknowledgements: see herald.expose().';
	END IF;
END
$$;

-- Raises an error for the room of every session: herald.broadcast() is for administrators.
CREATE FUNCTION herald_internal.check_event_rooms(rooms text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF '*' = ANY (rooms) THEN
		RAISE EXCEPTION 'room "*" is every session'
			USING ERRCODE = 'insufficient_privilege',
			      HINT = 'Members of herald_admin publish to it: herald.broadcast().';
	END IF;
END
$$;

CREATE FUNCTION herald.publish(room text, event text, payload jsonb, ack text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM herald_internal.check_event(ARRAY[room], event, payload::json),
		herald_internal.check_event_rooms(ARRAY[room]),
		herald_internal.check_event_name(event), herald_internal.check_ack(ack);
	RETURN herald_internal.append_event(ARRAY[room], event, payload::json, NULL, NULL, NULL, ack);
END
$$;
COMMENT ON FUNCTION herald.publish(text, text, jsonb, text) IS
	'appends an event to the log; the sessions of the room get it if this transaction commits; a client''s '
	'acknowledgement calls the action "ack"';

CREATE FUNCTION herald.broadcast(event text, payload jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM herald_internal.check_event('{*}', event, payload::json), herald_internal.check_event_name(event);
	RETURN herald_internal.append_event('{*}', event, payload::json, NULL, NULL, NULL);
END
$$;
COMMENT ON FUNCTION herald.broadcast(text, jsonb) IS 'appends an event for every session';

-- Few rows are in the index of transactions (xid_rows.c). These functions find the rows of a transaction, and of all
-- from one on.
CREATE FUNCTION herald_internal.first_event_id(xid xid8) RETURNS bigint
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_first_event_id';
COMMENT ON FUNCTION herald_internal.first_event_id(xid8) IS
	'returns an id from which on the log has all events of this transaction and of later ones';

CREATE FUNCTION herald_internal.events_of(xids xid8[])
RETURNS TABLE (id bigint, slot smallint, counter int, counted_id text, delta smallint)
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_events_of';
COMMENT ON FUNCTION herald_internal.events_of(xid8[]) IS 'returns the events of transactions';

-- The newest transaction is not that of the highest id, but its events are not far before.
CREATE FUNCTION herald_internal.newest_xid(slot smallint DEFAULT NULL, before xid8 DEFAULT NULL,
                                           logged_before timestamptz DEFAULT NULL) RETURNS xid8
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
	WITH counted AS NOT MATERIALIZED (
		SELECT e.id, e.xid FROM herald.event AS e
		WHERE ($1 IS NULL OR e.slot = $1) AND ($2 IS NULL OR e.xid < $2) AND ($3 IS NULL OR e.logged_at < $3)
	)
	SELECT c.xid FROM counted AS c
	WHERE c.id >= (SELECT herald_internal.first_event_id(l.xid) FROM counted AS l ORDER BY l.id DESC LIMIT 1)
	ORDER BY c.xid DESC LIMIT 1;
$$;
COMMENT ON FUNCTION herald_internal.newest_xid(smallint, xid8, timestamptz) IS
	'returns the newest transaction of the log, or of one partition, of those before a transaction or a time';

CREATE FUNCTION herald.current_position() RETURNS text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_current_position';
COMMENT ON FUNCTION herald.current_position() IS
	'returns the position in the event log after everything that is visible now';

-- A named type: an executor that gets a function's OUT columns makes their row type anew at each call.
CREATE TYPE herald.logged_event AS (
	id bigint, rooms text[], name text, payload text, "position" text, member_id text, joins text, leaves text,
	ack text, xid xid8, logged_ms bigint, more boolean, lag_events bigint, key text, except_user text,
	recheck_user text, recheck_room text, access text, signal boolean);
COMMENT ON TYPE herald.logged_event IS 'a row of herald.read_events()';

CREATE FUNCTION herald.read_events(after text, until text DEFAULT NULL, rooms text[] DEFAULT NULL,
                                   max_events int DEFAULT 1000, max_bytes int DEFAULT NULL,
                                   signals boolean DEFAULT false)
RETURNS SETOF herald.logged_event
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_read_events';
COMMENT ON FUNCTION herald.read_events(text, text, text[], int, int, boolean) IS
	'returns the events after a position, in order, each with the position after it, up to a number of events or a '
	'size of payloads; the last row, without a name, has the position to go on from; '
	'signals come before it';

CREATE FUNCTION herald_internal.earliest(positions text[]) RETURNS TABLE ("position" text, in_window boolean)
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_earliest';
COMMENT ON FUNCTION herald_internal.earliest(text[]) IS
	'returns a position that has every event after it that is new to one of these positions, and whether it lies '
	'inside a window and so cannot end a reading';

CREATE FUNCTION herald_internal.resume(positions text[], segment_positions text[])
RETURNS TABLE (ordinal int, recovered boolean, "position" text, seen_snapshots pg_snapshot[], seen_ids bigint[],
               segments_before int,
               lag_events bigint)
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_resume';
COMMENT ON FUNCTION herald_internal.resume(text[], text[]) IS
	'returns for each position the position to go on from (the present if it is not in the log any more), the '
	'snapshots that it has seen, how many of the ascending segment positions are not after it, and about how many '
	'events follow';

CREATE FUNCTION herald.preloaded() RETURNS boolean
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_preloaded';
COMMENT ON FUNCTION herald.preloaded() IS
	'returns whether a worker maintains this database';

CREATE FUNCTION herald_internal.reader_id() RETURNS int
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_reader_id';
COMMENT ON FUNCTION herald_internal.reader_id() IS
	'returns the id under which this session waits for commits; NULL: the library is not preloaded';

CREATE FUNCTION herald_internal.ring_reader(id int) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_ring_reader';
COMMENT ON FUNCTION herald_internal.ring_reader(int) IS
	'ends the wait of the session with this id, or the next one that it begins';

CREATE PROCEDURE herald_internal.await_ring(milliseconds int, INOUT rung boolean)
LANGUAGE c AS 'MODULE_PATHNAME', 'herald_await_ring';
COMMENT ON PROCEDURE herald_internal.await_ring(int, boolean) IS
	'waits without a snapshot until events or signals were committed since the last wait, or for that time; returns '
	'whether they were';

CREATE FUNCTION herald_internal.bridge_hello()
RETURNS TABLE (version text, preloaded boolean, "position" text, reader_id int)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT e.extversion, herald.preloaded(), herald.current_position(), herald_internal.reader_id()
	FROM pg_extension AS e
	WHERE e.extname = 'pg_herald';
$$;
COMMENT ON FUNCTION herald_internal.bridge_hello() IS
	'returns the version of the extension, whether a worker runs, the current position, and the id under which the '
	'session waits for commits';
