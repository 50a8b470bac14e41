-- ---------------------------------------------------------------------------
-- Actions: what a client may ask for
--
-- The bridge does room:join, room:leave and ping itself; everything else
-- comes here, one action in one transaction. The user comes from the token.
-- ---------------------------------------------------------------------------

CREATE TABLE herald.action (
	name     text PRIMARY KEY,
	function regprocedure NOT NULL,
	run_as   regrole NOT NULL
);
COMMENT ON TABLE herald.action IS 'functions of the application that clients may call, and the role that each runs as';
SELECT pg_extension_config_dump('herald.action', '');

CREATE TRIGGER check_registration BEFORE INSERT OR UPDATE ON herald.action
	FOR EACH ROW EXECUTE FUNCTION herald.check_registration('text, jsonb', 'jsonb');

CREATE FUNCTION herald.expose(action text, function regprocedure, run_as regrole DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF action IN ('', 'auth', 'ping', 'room:join', 'room:leave', 'notification:read', 'inbox:list') THEN
		RAISE EXCEPTION 'action "%" cannot be exposed', action
			USING ERRCODE = 'invalid_parameter_value', HINT = 'It is built in. Choose another name.';
	END IF;
	INSERT INTO herald.action (name, function, run_as) VALUES (action, function, coalesce(run_as, quote_ident(current_user)::regrole))
	ON CONFLICT ON CONSTRAINT action_pkey DO UPDATE SET function = excluded.function, run_as = excluded.run_as;
END
$$;
COMMENT ON FUNCTION herald.expose(text, regprocedure, regrole) IS
	'let clients call a function (user_id text, payload jsonb) returns jsonb as an action; it runs as the given role, else as the one that exposes it';

CREATE FUNCTION herald.unexpose(action text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	DELETE FROM herald.action AS a WHERE a.name = action;
$$;
COMMENT ON FUNCTION herald.unexpose(text) IS 'take an exposed action back';

CREATE FUNCTION herald.act_notification_read(user_id text, payload jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ids jsonb := coalesce(payload -> 'ids', jsonb_build_array(payload -> 'id'));
BEGIN
	IF payload -> 'all' = 'true' THEN
		RETURN jsonb_build_object('unread', herald.mark_all_read(user_id));
	ELSIF jsonb_typeof(ids) = 'array' AND ids <> '[null]' THEN
		RETURN jsonb_build_object('unread', herald.mark_read(user_id, ARRAY(SELECT jsonb_array_elements_text(ids)::bigint)));
	END IF;
	RAISE EXCEPTION 'notification:read needs "ids", "id" or "all"' USING ERRCODE = 'invalid_parameter_value';
END
$$;

CREATE FUNCTION herald.act_inbox_list(user_id text, payload jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object(
		'notifications', (SELECT coalesce(jsonb_agg(herald.notification_json(n)::jsonb ORDER BY n.id DESC), '[]')
		                  FROM herald.inbox(user_id, (payload ->> 'before')::bigint, least(coalesce((payload ->> 'max')::int, 50), 200),
		                                    coalesce((payload ->> 'onlyUnread')::boolean, false)) AS n),
		'unread', herald.unread_count(user_id));
$$;

CREATE FUNCTION herald.act(user_id text, action text, payload jsonb, claims jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	exposed herald.action;
BEGIN
	PERFORM set_config('herald.user_id', user_id, true),
	        set_config('request.jwt.claims', coalesce(claims, jsonb_build_object('sub', user_id))::text, true);
	CASE action
		WHEN 'notification:read' THEN RETURN herald.act_notification_read(user_id, coalesce(payload, '{}'));
		WHEN 'inbox:list' THEN RETURN herald.act_inbox_list(user_id, coalesce(payload, '{}'));
		ELSE SELECT * INTO exposed FROM herald.action AS a WHERE a.name = action;
	END CASE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'unknown action "%"', action USING ERRCODE = 'HD404';
	END IF;
	IF NOT has_function_privilege(exposed.run_as, exposed.function, 'EXECUTE') THEN
		RAISE EXCEPTION 'role "%" may not execute function %', exposed.run_as, exposed.function USING ERRCODE = 'insufficient_privilege';
	END IF;
	RETURN herald.call_as(exposed.function, exposed.run_as, user_id, payload);
END
$$;
COMMENT ON FUNCTION herald.act(text, text, jsonb, jsonb) IS 'do what a client asks for, as the user of its token; SQLSTATE HD404 when there is no such action';
