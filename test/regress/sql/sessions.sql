-- The application ends sessions: the log tells bridges, and the database refuses revoked tokens.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE ROLE regress_backend IN ROLE herald_publish;
CREATE ROLE regress_chief IN ROLE herald_admin;
CREATE ROLE regress_nobody;
CREATE FUNCTION pg_temp.revoked(issued text, user_id text) RETURNS boolean
LANGUAGE sql AS $$
	SELECT c.revoked FROM herald_internal.connect_sessions(ARRAY[user_id], '{key}', issued => ARRAY[issued]) AS c
$$;
SELECT herald.current_position() AS position \gset

-- By the application's server or an administrator, and by nobody else.
SET ROLE regress_backend;
SELECT herald.disconnect('7') > 0 AS disconnected, herald.disconnect('7', 'banned: "spam" \ é') > 0 AS with_reason;
SET ROLE regress_chief;
SELECT herald.disconnect('tenant 1/ü''"\:*') > 0 AS odd;
SET ROLE regress_nobody;
SELECT herald.disconnect('7');
SELECT herald.revoke_tokens('7');
RESET ROLE;
SELECT herald.disconnect(NULL);
SELECT herald.disconnect('');
SELECT herald.disconnect('7', repeat('x', 121));
SELECT herald.disconnect('7', NULL);
SELECT herald.revoke_tokens('');
SELECT herald.publish('post:1', 'session:disconnect', '{}');
SELECT herald.publish('post:1', 'session:revoke', '{}');
SELECT name, rooms, payload, recheck_user, access FROM herald.read_events(:'position') WHERE name IS NOT NULL;

-- Revoked tokens: those without a time, and those from before the next whole second.
SELECT pg_temp.revoked(NULL, 'u:1') AS before, pg_temp.revoked('1e300', 'u:1') AS huge;
SET ROLE regress_backend;
SELECT herald.revoke_tokens('u:1') AS bound \gset
RESET ROLE;
SELECT :'bound'::timestamptz > now() AND :'bound'::timestamptz <= clock_timestamp() + interval '1 s' AS soon,
       extract(epoch FROM :'bound'::timestamptz) % 1 AS fraction;
SELECT pg_temp.revoked(NULL, 'u:1') AS without_time, pg_temp.revoked('0', 'u:1') AS old,
       pg_temp.revoked((extract(epoch FROM :'bound'::timestamptz) - 0.001)::text, 'u:1') AS just_before,
       pg_temp.revoked(extract(epoch FROM :'bound'::timestamptz)::text, 'u:1') AS good_again,
       pg_temp.revoked('1e300', 'u:1') AS huge, pg_temp.revoked('0', 'u:2') AS other;
SELECT name, payload, recheck_user, recheck_room, access FROM herald.read_events(:'position')
WHERE name = 'session:revoke';

-- A later call never moves the bound back; a rollback takes the call back; the user's other data may go before.
UPDATE herald_internal.revocation SET issued_from = '2100-01-01' WHERE user_id = 'u:1';
SELECT herald.revoke_tokens('u:1') = '2100-01-01' AS kept;
BEGIN;
SELECT herald.revoke_tokens('u:3') IS NOT NULL AS revoked;
SELECT pg_temp.revoked('0', 'u:3');
ROLLBACK;
SELECT pg_temp.revoked('0', 'u:3');
SELECT herald.forget_user('u:1');
SELECT pg_temp.revoked('0', 'u:1');

-- A revocation is kept as long as tokens may be valid.
SHOW herald.token_max_age;
INSERT INTO herald_internal.revocation
	VALUES ('old', now() - interval '367 days'), ('young', now() - interval '365 days');
SELECT herald.maintain() IS NULL AS maintained \g /dev/null
SELECT user_id FROM herald_internal.revocation ORDER BY user_id;

TRUNCATE herald_internal.revocation;
DROP ROLE regress_backend, regress_chief, regress_nobody;
