-- ---------------------------------------------------------------------------
-- Actions: requests of clients
--
-- The bridge itself does room:join, room:leave and ping. Every other action
-- comes here, one action in one transaction. The user comes from the token.
-- ---------------------------------------------------------------------------

CREATE TABLE herald.action (
	name           text PRIMARY KEY,
	function       text NOT NULL,
	run_as         regrole NOT NULL,
	owner          regrole NOT NULL DEFAULT quote_ident(current_user)::regrole,
	function_owner regrole NOT NULL
);
COMMENT ON TABLE herald.action IS 'functions of the application that clients may call, and the roles that they run as';
COMMENT ON COLUMN herald.action.name IS 'the name by which clients call it';
COMMENT ON COLUMN herald.action.function IS 'the function: (user_id text, payload jsonb), returns jsonb';
COMMENT ON COLUMN herald.action.run_as IS 'the role that the function runs as';
COMMENT ON COLUMN herald.action.owner IS 'the role that exposed it: others cannot replace or delete it';
COMMENT ON COLUMN herald.action.function_owner IS
	'the owner of the function when it was registered; if another role owns it, it does not run';
SELECT pg_extension_config_dump('herald.action', '');

CREATE TRIGGER check_registration BEFORE INSERT OR UPDATE ON herald.action
	FOR EACH ROW EXECUTE FUNCTION herald_internal.check_registration('text, jsonb', 'jsonb');
CREATE TRIGGER check_owner BEFORE INSERT OR UPDATE OR DELETE ON herald.action
	FOR EACH ROW EXECUTE FUNCTION herald_internal.check_owner();

-- Returns the function of a built-in action: act_notification_read for notification:read.
CREATE FUNCTION herald_internal.built_in_action(action text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format('herald_internal.%I(text, jsonb)', 'act_' || replace(action, ':', '_'));

CREATE FUNCTION herald.expose(action text, function regprocedure, run_as regrole DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF action IN ('', 'auth', 'ping', 'room:join', 'room:leave') OR
		to_regprocedure(herald_internal.built_in_action(action)) IS NOT NULL THEN
		RAISE EXCEPTION 'action "%" cannot be exposed', action
			USING ERRCODE = 'invalid_parameter_value', HINT = 'It is built in. Choose another name.';
	END IF;
	INSERT INTO herald.action (name, function, run_as)
		VALUES (action, function, coalesce(run_as, quote_ident(current_user)::regrole))
	ON CONFLICT ON CONSTRAINT action_pkey DO UPDATE SET function = excluded.function, run_as = excluded.run_as;
END
$$;
COMMENT ON FUNCTION herald.expose(text, regprocedure, regrole) IS
	'lets clients call a function (user_id text, payload jsonb) returns jsonb as an action; it runs as the given '
	'role, else as the one that exposes it';

CREATE FUNCTION herald.unexpose(action text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	DELETE FROM herald.action AS a WHERE a.name = action;
$$;
COMMENT ON FUNCTION herald.unexpose(text) IS 'removes an exposed action';

-- The length of a page that an action asks for, within limits.
CREATE FUNCTION herald_internal.payload_max(payload jsonb, usual int, most int) RETURNS int
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF payload ->> 'max' !~ '^[0-9]{1,9}$' THEN
		RAISE EXCEPTION '"max" must be a whole number from 0 to 999999999'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN least(coalesce((payload ->> 'max')::int, usual), most);
END
$$;

-- Returns the ids of the notifications that a payload names.
CREATE FUNCTION herald_internal.payload_ids(payload jsonb) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ids jsonb := coalesce(payload -> 'ids', jsonb_build_array(payload -> 'id'));
BEGIN
	IF jsonb_typeof(ids) <> 'array' OR ids = '[null]' OR jsonb_array_length(ids) > 1000 THEN
		RAISE EXCEPTION 'the payload must name notifications: "ids" (at most 1000) or "id"'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN ARRAY(SELECT jsonb_array_elements_text(ids)::bigint);
END
$$;

CREATE FUNCTION herald_internal.act_notification_read(user_id text, payload jsonb) RETURNS jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('unread', CASE
		WHEN payload -> 'all' = 'true' THEN herald.mark_all_read(user_id)
		WHEN payload ? 'group' THEN herald.mark_group_read(user_id, payload ->> 'group')
		WHEN payload ?& '{subjectType,subjectId}'
		THEN herald.mark_subject_read(user_id, payload ->> 'subjectType', payload ->> 'subjectId', payload ->> 'type')
		ELSE herald.mark_read(user_id, herald_internal.payload_ids(payload))
	END);
$$;

CREATE FUNCTION herald_internal.act_notification_unread(user_id text, payload jsonb) RETURNS jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('unread', herald.mark_unread(user_id, herald_internal.payload_ids(payload)));
$$;

CREATE FUNCTION herald_internal.act_notification_seen(user_id text, payload jsonb) RETURNS jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald.mark_seen(user_id);
	SELECT jsonb_build_object('unseen', herald.unseen_count(user_id));
$$;

CREATE FUNCTION herald_internal.act_notification_archive(user_id text, payload jsonb) RETURNS jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('unread', herald.archive(user_id, herald_internal.payload_ids(payload),
	                                                   coalesce((payload ->> 'archived')::boolean, true)));
$$;

CREATE FUNCTION herald_internal.act_inbox_list(user_id text, payload jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	before bigint := payload ->> 'before';
	most int := herald_internal.payload_max(payload, usual => 50, most => 200);
	only_unread boolean := coalesce((payload ->> 'onlyUnread')::boolean, false);
	archived boolean := coalesce((payload ->> 'archived')::boolean, false);
	grouped boolean := herald_internal.is_grouped((payload ->> 'grouped')::boolean) AND NOT archived;
	counts jsonb := jsonb_build_object('unread', herald.unread_count(user_id, grouped), 'unseen',
	                                   herald.unseen_count(user_id));
BEGIN
	IF grouped THEN
		RETURN counts || jsonb_build_object('groups', (
			SELECT coalesce(jsonb_agg(herald.group_json(g) ORDER BY g.id DESC), '[]')
			FROM herald.inbox_groups(user_id, before, most, only_unread) AS g));
	END IF;
	RETURN counts || jsonb_build_object('notifications', (
		SELECT coalesce(jsonb_agg(herald_internal.notification_json(n, NOT herald.is_unread(n, NULL))::jsonb
		                          ORDER BY n.id DESC), '[]')
		FROM herald.inbox(user_id, before, most, only_unread, archived) AS n));
END
$$;

CREATE FUNCTION herald_internal.act_message_read(user_id text, payload jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF payload ->> 'conversationId' IS NULL OR payload ->> 'messageId' IS NULL THEN
		RAISE EXCEPTION 'message:read needs "conversationId" and "messageId"' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN jsonb_build_object('unread', herald.mark_conversation_read(user_id, payload ->> 'conversationId',
	    payload ->> 'messageId'));
END
$$;

-- Signals to the sessions that are connected now that the user types, or stops: in a conversation, or to a receiver
-- without a block against the user.
CREATE FUNCTION herald_internal.signal_typing(user_id text, event text, payload jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	conversation_id text := payload ->> 'conversationId';
	receiver_id text := payload ->> 'receiverId';
	room text := coalesce('conversation:' || conversation_id, 'user:' || receiver_id);
BEGIN
	IF room IS NULL THEN
		RAISE EXCEPTION '% needs "conversationId" or "receiverId"', event USING ERRCODE = 'invalid_parameter_value';
	ELSIF conversation_id IS NOT NULL AND NOT herald.may_join(user_id, room) THEN
		RAISE EXCEPTION 'user "%" is not in conversation "%"', user_id, conversation_id
			USING ERRCODE = 'insufficient_privilege';
	ELSIF conversation_id IS NOT NULL OR NOT herald.is_blocked(receiver_id, user_id) THEN
		PERFORM set_config('synchronous_commit', 'off', true), -- nobody waits for a disk
		        pg_current_xact_id(), -- the bridge recognizes its own signal by that
		        herald_internal.append_signal(ARRAY[room], event,
		                      json_strip_nulls(json_build_object('conversationId', conversation_id, 'userId', user_id)),
		                      format('typing:%s:%s', room, user_id), user_id);
	END IF;
	RETURN '{}';
END
$$;

CREATE FUNCTION herald_internal.act_typing_start(user_id text, payload jsonb) RETURNS jsonb
LANGUAGE sql
RETURN herald_internal.signal_typing(user_id, 'typing:start', payload);

CREATE FUNCTION herald_internal.act_typing_stop(user_id text, payload jsonb) RETURNS jsonb
LANGUAGE sql
RETURN herald_internal.signal_typing(user_id, 'typing:stop', payload);

CREATE FUNCTION herald_internal.cpu_time() RETURNS double precision
LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'herald_cpu_time';
COMMENT ON FUNCTION herald_internal.cpu_time() IS
	'returns the processor time that this backend has used since its start, in milliseconds';

CREATE FUNCTION herald_internal.has_action(action text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN to_regprocedure(herald_internal.built_in_action(action)) IS NOT NULL OR
       EXISTS (SELECT FROM herald.action AS a WHERE a.name = has_action.action);
COMMENT ON FUNCTION herald_internal.has_action(text) IS 'returns whether there is an action of this name';

CREATE FUNCTION herald_internal.act(user_id text, action text, payload jsonb, claims jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	built_in regprocedure := to_regprocedure(herald_internal.built_in_action(action));
	exposed herald.action;
	function regprocedure;
	answer jsonb;
BEGIN
	PERFORM set_config('herald.user_id', user_id, true),
	        set_config('request.jwt.claims', coalesce(claims, jsonb_build_object('sub', user_id))::text, true);
	IF built_in IS NOT NULL THEN
		EXECUTE format('SELECT %s($1, $2)', built_in::regproc) INTO answer USING user_id, coalesce(payload, '{}');
		RETURN answer;
	END IF;
	SELECT a.* INTO exposed FROM herald.action AS a
	JOIN pg_roles AS r ON r.oid = a.run_as
	JOIN pg_roles AS o ON o.oid = a.owner
	WHERE a.name = action AND pg_has_role(a.owner, a.run_as, 'MEMBER');
	function := herald_internal.registered_function(exposed.function, exposed.function_owner);
	IF function IS NULL THEN
		RAISE EXCEPTION 'unknown action "%"', action USING ERRCODE = 'HD404';
	END IF;
	IF NOT has_function_privilege(exposed.run_as, function, 'EXECUTE') THEN
		RAISE EXCEPTION 'role "%" may not execute function %', exposed.run_as, exposed.function
			USING ERRCODE = 'insufficient_privilege',
			      HINT = format('GRANT EXECUTE ON FUNCTION %s TO %s;', exposed.function, exposed.run_as);
	END IF;
	RETURN herald_internal.act_as(function, exposed.run_as, user_id, payload);
END
$$;
COMMENT ON FUNCTION herald_internal.act(text, text, jsonb, jsonb) IS
	'runs an action for the user of a token; SQLSTATE HD404 if there is no such action';
