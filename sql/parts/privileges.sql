-- ---------------------------------------------------------------------------
-- Privileges: all grants of the extension, with their reasons
-- ---------------------------------------------------------------------------

DO $$
DECLARE
	wanted text;
BEGIN
	FOREACH wanted IN ARRAY '{herald_app,herald_bridge}'::text[] LOOP
		IF to_regrole(wanted) IS NULL THEN
			EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
		END IF;
	END LOOP;
END
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA herald, herald_internal FROM PUBLIC;
GRANT USAGE ON SCHEMA herald, herald_internal TO herald_app, herald_bridge;

-- The bridge reads the log, puts sessions into rooms and runs the actions of clients. It reads no table.
GRANT EXECUTE ON FUNCTION
	herald_internal.bridge_hello(),
	herald.current_position(),
	herald.read_events(text, text, text[], int, int, boolean),
	herald_internal.earliest(text[]),
	herald_internal.connect_sessions(text[], text[], text[], text[]),
	herald_internal.join_room(text, text, text),
	herald_internal.leave_room(text, text, text),
	herald_internal.act(text, text, jsonb, jsonb),
	herald_internal.begin_presence(uuid, interval),
	herald_internal.report_presence(uuid, text[], text[], text[], int[], interval),
	herald.maintain(boolean)
TO herald_bridge;

-- The application's server acts for its users: it reads and marks any inbox, notifies, publishes and signals.
GRANT EXECUTE ON FUNCTION
	herald.inbox(text, bigint, int, boolean, boolean),
	herald.my_inbox(bigint, int, boolean, boolean),
	herald.inbox_groups(text, bigint, int, boolean),
	herald.unread_count(text, boolean),
	herald.unseen_count(text),
	herald.mark_read(text, bigint[]),
	herald.mark_subject_read(text, text, text, text),
	herald.mark_group_read(text, text),
	herald.mark_unread(text, bigint[]),
	herald.mark_all_read(text),
	herald.mark_seen(text),
	herald.archive(text, bigint[], boolean),
	herald.set_preference(text, text, text[]),
	herald.mute(text, text, text, timestamptz),
	herald.unmute(text, text, text),
	herald.set_quiet_hours(text, time, time, text, text[]),
	herald.channels(text, text, text, text, text),
	herald.is_blocked(text, text),
	herald.explain(text, text, text, text, text, text),
	herald.unread_messages(text),
	herald.mark_conversation_read(text, text, text),
	herald.forget_user(text),
	herald.trim_inbox(text, int, interval),
	herald.notify(text, text, text, text, jsonb, text, text, text, text, text),
	herald.retract(text),
	herald.publish(text, text, jsonb, text),
	herald.broadcast(text, jsonb),
	herald.signal(text[], text, json, text, text),
	herald.may_join(text, text),
	herald.is_online(text),
	herald.last_seen(text),
	herald.current_user_id(),
	herald.doctor(interval)
TO herald_app;

-- Row-level security lets a user's own session, for example one of PostgREST, read its own notifications from the
-- table.
ALTER TABLE herald.notification ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notifications ON herald.notification FOR SELECT USING (recipient_id = herald.current_user_id() AND
    retracted_at IS NULL);
GRANT SELECT ON herald.notification, herald.online TO herald_app;

-- Owners of tables watch them, and administrators of the application open rooms and expose actions. Their writes go
-- through C functions that check the owner of the table, and through the trigger that checks registrations. CREATE
-- TRIGGER needs EXECUTE on the trigger function.
GRANT SELECT ON herald_internal.rule, herald_internal.watched_table, herald.watched TO herald_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON herald.room_policy, herald.action, herald.notification_type TO herald_app;
GRANT EXECUTE ON FUNCTION
	herald_internal.on_change(),
	herald_internal.save_rule(regclass, text, text, text, text, text, text, text, text),
	herald_internal.delete_rules(regclass, text),
	herald_internal.save_counter(regclass, text, text, text, text),
	herald_internal.save_room_source(regclass, text, text),
	herald_internal.save_block_source(regclass, text),
	herald_internal.save_watched(regclass, text, jsonb),
	herald_internal.forget_table(regclass)
TO herald_app;

-- A function in SQL or PL/pgSQL that runs as its caller gives nobody a privilege that the caller does not have.
DO $$
DECLARE
	harmless regprocedure;
BEGIN
	FOR harmless IN
		SELECT p.oid
		FROM pg_proc AS p
		JOIN pg_language AS l ON l.oid = p.prolang
		WHERE p.pronamespace IN ('herald'::regnamespace, 'herald_internal'::regnamespace) AND NOT p.prosecdef AND
		      l.lanname IN ('sql', 'plpgsql')
	LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO herald_app', harmless);
	END LOOP;
END
$$;

-- A session may read backslashes in strings as escapes (standard_conforming_strings = off). Our functions mean
-- backslashes.
DO $$
DECLARE
	literal regprocedure;
BEGIN
	FOR literal IN
		SELECT p.oid
		FROM pg_proc AS p
		JOIN pg_language AS l ON l.oid = p.prolang
		WHERE p.pronamespace IN ('herald'::regnamespace, 'herald_internal'::regnamespace) AND
		      l.lanname IN ('sql', 'plpgsql') AND strpos(p.prosrc, chr(92)) > 0
	LOOP
		EXECUTE format('ALTER FUNCTION %s SET standard_conforming_strings = on', literal);
	END LOOP;
END
$$;
