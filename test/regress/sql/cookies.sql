-- Session cookies: the application says whose session a cookie is.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE ROLE regress_app IN ROLE herald_admin, herald_inbox;
CREATE ROLE regress_admin IN ROLE herald_admin;
CREATE ROLE regress_other IN ROLE herald_admin, herald_inbox;
CREATE ROLE regress_bridge IN ROLE herald_bridge;
CREATE SCHEMA ck AUTHORIZATION regress_app;
GRANT USAGE ON SCHEMA ck TO PUBLIC;
SET ROLE regress_app;
CREATE TABLE ck.sessions (key text PRIMARY KEY, user_id int, seen timestamptz);
INSERT INTO ck.sessions VALUES ('abc', 7), ('x''y"z', 8);
CREATE FUNCTION ck.user_of(token text) RETURNS jsonb LANGUAGE sql AS $$
	UPDATE ck.sessions SET seen = now() WHERE key = token
	RETURNING jsonb_build_object('sub', user_id, 'role', current_user,
	                             'herald', current_setting('herald.user_id', true))
$$;
CREATE FUNCTION ck.wrong(token text) RETURNS text LANGUAGE sql AS $$SELECT ''$$;
RESET ROLE;

-- Without a function, no cookie is good.
SET ROLE regress_bridge;
SELECT herald.authenticate('abc');

-- The role that registers it acts for users, and only its own function is replaced.
SET ROLE regress_admin;
SELECT herald.authenticate_by('ck.user_of(text)');
SET ROLE regress_app;
SELECT herald.authenticate_by('ck.wrong(text)');
SELECT herald.authenticate_by('ck.user_of(text)');
SET ROLE regress_other;
SELECT herald.authenticate_by(NULL);
SET ROLE regress_bridge;
SELECT herald.authenticate_by(NULL);

-- It runs as that role, may write, and leaves nothing behind.
SELECT herald.authenticate('abc'), herald.authenticate('x''y"z') ->> 'sub' AS odd,
       herald.authenticate('none') AS none;
SET ROLE regress_app;
SELECT herald.authenticate('abc');
SELECT key FROM ck.sessions WHERE seen IS NOT NULL ORDER BY key;
SELECT has_function_privilege('regress_app', 'herald_internal.call_authenticator(text, jsonb)', 'EXECUTE');

-- A function that another role has put in its place does not run, nor one of a role that may not act for users any
-- more.
RESET ROLE;
ALTER FUNCTION ck.user_of(text) OWNER TO regress_other;
SELECT severity, rule, remedy FROM herald.doctor() WHERE problem = 'function_missing';
SET ROLE regress_bridge;
SELECT herald.authenticate('abc');
RESET ROLE;
ALTER FUNCTION ck.user_of(text) OWNER TO regress_app;
REVOKE EXECUTE ON FUNCTION ck.user_of(text) FROM PUBLIC, regress_app;
SET ROLE regress_bridge;
SELECT herald.authenticate('abc');
RESET ROLE;
GRANT EXECUTE ON FUNCTION ck.user_of(text) TO regress_app;
REVOKE herald_inbox FROM regress_app;
SET ROLE regress_bridge;
SELECT herald.authenticate('abc');

-- NULL refuses all cookies; the record of a dropped role goes.
RESET ROLE;
GRANT herald_inbox TO regress_app;
SET ROLE regress_app;
SELECT herald.authenticate_by(NULL);
SET ROLE regress_bridge;
SELECT herald.authenticate('abc');
SET ROLE regress_other;
SELECT herald.authenticate_by('ck.user_of(text)');
RESET ROLE;
DROP ROLE regress_other;
SET ROLE regress_app;
\set VERBOSITY sqlstate
SELECT herald.authenticate_by('ck.user_of(text)');
\set VERBOSITY default
RESET ROLE;
DROP SCHEMA ck CASCADE;
DROP ROLE regress_app;
SELECT herald.maintain() \g /dev/null
SELECT count(*) FROM herald_internal.authenticator;
DROP ROLE regress_admin, regress_bridge;
