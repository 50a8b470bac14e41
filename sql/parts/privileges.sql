-- ---------------------------------------------------------------------------
-- Privileges: all grants of the extension, with their reasons
-- ---------------------------------------------------------------------------

-- The roles belong to the whole cluster. So one may exist already, from the extension in another database, or because
-- an administrator made it, and stays as it is.
DO $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN SELECT * FROM (VALUES
		('herald_watch', 'watches the tables that it owns'),
		('herald_publish', 'publishes events and signals, notifies and retracts, ends sessions'),
		('herald_inbox', 'acts for users: inboxes, marks, preferences, presence'),
		('herald_admin', 'administers: types, room policies, exposed actions, broadcasts, retention'),
		('herald_bridge', 'the bridge: reads the event log and acts for users')) AS r (name, task)
	LOOP
		BEGIN
			EXECUTE format('CREATE ROLE %I NOLOGIN', wanted.name);
			EXECUTE format('COMMENT ON ROLE %I IS %L', wanted.name, 'pg_herald: ' || wanted.task);
		EXCEPTION
			WHEN duplicate_object OR unique_violation THEN NULL;
		END;
	END LOOP;
END
$$;

REVOKE ALL ON ALL ROUTINES IN SCHEMA herald_internal, herald_body FROM PUBLIC;

-- The server lets everybody call an entry, a function of schema herald, which gives nobody a right: the entry does not
-- count the privilege of PUBLIC when it checks its caller (entry.c), and nobody may call a body. GRANT and REVOKE for
-- roles work as on any function.
GRANT USAGE ON SCHEMA herald TO PUBLIC;
-- Rules, policies and queries of all roles call these, also where default privileges give PUBLIC nothing.
GRANT EXECUTE ON FUNCTION herald.current_user_id, herald.iso8601, herald.is_unread TO PUBLIC;
GRANT USAGE ON SCHEMA herald_internal TO herald_watch, herald_admin, herald_bridge;

-- ----- herald_watch: owners of tables. Their writes go through C functions that check the owner of the table. CREATE
-- TRIGGER needs EXECUTE on the trigger function.

GRANT EXECUTE ON FUNCTION
	herald.watch, herald.watch_users, herald.watch_posts, herald.watch_likes, herald.watch_comments,
	herald.watch_follows, herald.watch_follow_requests, herald.watch_members, herald.watch_messages,
	herald.watch_blocks,
	herald.unwatch, herald.unwatch_all, herald.sync_triggers, herald.plan_watch, herald.suggest,
	herald_internal.dry_run, herald_internal.is_dry_run, herald_internal.query_as_owner, herald_internal.type_title,
	herald_internal.on_change,
	herald_internal.save_rule, herald_internal.delete_rules, herald_internal.save_counter,
	herald_internal.save_room_source, herald_internal.save_block_source, herald_internal.save_watched,
	herald_internal.schedule_rows,
	herald_internal.forget_table, herald_internal.is_reserved_event, herald_internal.columns_read,
	herald_internal.resolve_names, herald_internal.mark_names, herald_internal.plain_sql,
	herald_internal.follow_names, herald_internal.database_tag, herald_internal.rehearse,
	herald_internal.check_owned
TO herald_watch;
GRANT SELECT ON herald_internal.rule, herald_internal.watched_table, herald.watched, herald.suspended, herald.status
TO herald_watch;
GRANT EXECUTE ON FUNCTION herald_internal.status TO herald_watch, herald_admin;
GRANT SELECT (name) ON herald.action TO herald_watch;

-- The calls compile rules with helpers that run as their caller, and so give nobody a privilege.
DO $$
DECLARE
	helper regprocedure;
BEGIN
	FOR helper IN
		SELECT p.oid
		FROM pg_proc AS p
		JOIN pg_language AS l ON l.oid = p.prolang
		WHERE p.pronamespace = 'herald_internal'::regnamespace AND NOT p.prosecdef AND l.lanname IN ('sql', 'plpgsql')
	LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO herald_watch', helper);
	END LOOP;
END
$$;

-- ----- herald_publish

GRANT EXECUTE ON FUNCTION
	herald.publish, herald.signal, herald.notify, herald.retract, herald.recheck,
	herald.disconnect, herald.revoke_tokens
TO herald_publish;

-- ----- herald_inbox: the application's server acts for any of its users

GRANT EXECUTE ON FUNCTION
	herald.inbox, herald.my_inbox, herald.inbox_groups, herald.unread_count, herald.unseen_count,
	herald.notification_json, herald.group_json,
	herald.mark_read, herald.mark_subject_read, herald.mark_group_read, herald.mark_unread, herald.mark_all_read,
	herald.mark_seen, herald.archive,
	herald.set_preference, herald.mute, herald.unmute, herald.set_quiet_hours, herald.channels,
	herald.is_blocked, herald.explain,
	herald.unread_messages, herald.mark_conversation_read,
	herald.may_join, herald.is_online, herald.last_seen
TO herald_inbox;
GRANT SELECT ON herald.notification, herald.online TO herald_inbox;

-- Row-level security lets a user's own session, for example one of PostgREST, read its own notifications from the
-- table.
ALTER TABLE herald.notification ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notifications ON herald.notification FOR SELECT USING (recipient_id = herald.current_user_id() AND
    retracted_at IS NULL);

-- ----- herald_admin: triggers check what it registers. It reads no inbox and no event.

GRANT EXECUTE ON FUNCTION
	herald.expose, herald.unexpose, herald.room_policy, herald.authenticate_by,
	herald.broadcast, herald.recheck, herald.disconnect, herald.revoke_tokens,
	herald.trim_inbox, herald.forget_user,
	herald.maintain, herald.doctor, herald.preloaded,
	herald_internal.built_in_action, herald_internal.automatic_prefixes, herald_internal.check_policy_rooms
TO herald_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON herald.room_policy, herald.action, herald.notification_type TO herald_admin;
GRANT SELECT, DELETE ON herald.rule_failure, herald.missed_change TO herald_admin;
GRANT SELECT ON herald.watched, herald.suspended, herald.status TO herald_admin;

-- Everybody may SELECT from the views. Their own check does not count that grant, so that its error can name the role
-- (extension/admin/entry.c). Nobody can name the functions of these views without USAGE on
-- herald_internal; plain_sql() reads nothing but its argument.
GRANT SELECT ON herald.watched, herald.suspended, herald.status, herald.online TO PUBLIC;
GRANT EXECUTE ON FUNCTION herald_internal.check_reader, herald_internal.status, herald_internal.plain_sql TO PUBLIC;

-- ----- herald_bridge: reads the log, puts sessions into rooms and runs the actions of clients. It reads no table.

GRANT EXECUTE ON FUNCTION
	herald_internal.bridge_hello, herald_internal.status, herald_internal.setting, herald_internal.ring_reader,
	herald.current_position, herald.read_events, herald_internal.earliest,
	herald_internal.connect_sessions, herald_internal.join_room, herald_internal.leave_room,
	herald_internal.has_action, herald_internal.act, herald_internal.is_revoked, herald_internal.cpu_time,
	herald.authenticate,
	herald_internal.begin_presence, herald_internal.report_presence,
	herald.maintain
TO herald_bridge;
GRANT EXECUTE ON PROCEDURE herald_internal.await_ring TO herald_bridge;

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
		WHERE p.pronamespace IN ('herald_body'::regnamespace, 'herald_internal'::regnamespace) AND
		      l.lanname IN ('sql', 'plpgsql') AND strpos(p.prosrc, chr(92)) > 0
	LOOP
		EXECUTE format('ALTER FUNCTION %s SET standard_conforming_strings = on', literal);
	END LOOP;
END
$$;
