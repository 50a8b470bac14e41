-- ---------------------------------------------------------------------------
-- Session cookies: the application says whose session a cookie is
--
-- The application registers a function that answers the text of a cookie with
-- the claims of its user, as a token would have them. It runs as the role that
-- registers it.
-- ---------------------------------------------------------------------------

CREATE TABLE herald_internal.authenticator (
	function       text NOT NULL,
	run_as         regrole NOT NULL,
	owner          regrole NOT NULL,
	function_owner regrole NOT NULL,
	only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
COMMENT ON TABLE herald_internal.authenticator IS
	'the application''s function that tells users by their cookies, and the role that it runs as';
SELECT pg_extension_config_dump('herald_internal.authenticator', '');

CREATE TRIGGER check_registration BEFORE INSERT OR UPDATE ON herald_internal.authenticator
	FOR EACH ROW EXECUTE FUNCTION herald_internal.check_registration('text', 'jsonb');

-- The function can answer with any user, so its role must be one that acts for all of them.
CREATE FUNCTION herald.authenticate_by(function regprocedure) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	caller regrole := herald_internal.entry_caller()::regrole;
	former regrole := (SELECT a.owner FROM herald_internal.authenticator AS a);
BEGIN
	IF NOT pg_has_role(caller, 'herald_inbox', 'MEMBER') THEN
		RAISE EXCEPTION 'role % may not say who users are', caller
			USING ERRCODE = 'insufficient_privilege', DETAIL = 'It is no member of herald_inbox, which acts for users.',
			      HINT = format('GRANT herald_inbox TO %s;', caller);
	ELSIF NOT pg_has_role(caller, former, 'MEMBER') THEN
		RAISE EXCEPTION 'must be a member of role %, which owns the record', former
			USING ERRCODE = 'insufficient_privilege', HINT = 'Do it as a member of that role.';
	END IF;
	DELETE FROM herald_internal.authenticator;
	IF function IS NOT NULL THEN
		INSERT INTO herald_internal.authenticator (function, run_as, owner) VALUES (function, caller, caller);
	END IF;
END
$$;
COMMENT ON FUNCTION herald.authenticate_by(regprocedure) IS
	'lets a function (token text) returns jsonb tell users by their session cookies: it returns claims as a token has '
	'them, with the user''s id in "sub", or NULL; it runs as the role that registers it; NULL refuses all cookies';

-- Calls the registered function, as its role.
CREATE FUNCTION herald_internal.call_authenticator(token text, question jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	answer pg_catalog.jsonb;
BEGIN
	EXECUTE question OPERATOR(pg_catalog.->>) 'sql' INTO answer USING token;
	RETURN answer;
END
$$;

CREATE FUNCTION herald.authenticate(token text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	registered herald_internal.authenticator;
	function regprocedure;
BEGIN
	SELECT a.* INTO registered
	FROM herald_internal.authenticator AS a
	JOIN pg_roles AS r ON r.oid = a.run_as
	WHERE pg_has_role(a.owner, a.run_as, 'MEMBER') AND pg_has_role(a.owner, 'herald_inbox', 'MEMBER');
	function := herald_internal.registered_function(registered.function, registered.function_owner);
	IF function IS NULL THEN
		RAISE EXCEPTION 'no function tells users by their session cookies'
			USING ERRCODE = 'undefined_function', HINT = 'Register one: SELECT herald.authenticate_by(...);';
	ELSIF NOT has_function_privilege(registered.run_as, function, 'EXECUTE') THEN
		RAISE EXCEPTION 'role "%" may not execute function %', registered.run_as, registered.function
			USING ERRCODE = 'insufficient_privilege',
			      HINT = format('GRANT EXECUTE ON FUNCTION %s TO %s;', registered.function, registered.run_as);
	END IF;
	RETURN herald_internal.act_as('herald_internal.call_authenticator(text, jsonb)', registered.run_as, token,
		(SELECT jsonb_build_object('sql', format('SELECT %s.%I($1)', p.pronamespace::regnamespace, p.proname))
		 FROM pg_proc AS p WHERE p.oid = function));
END
$$;
COMMENT ON FUNCTION herald.authenticate(text) IS
	'returns the claims of the user whose session a cookie is, as the application''s function says; NULL: of nobody';
