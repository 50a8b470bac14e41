-- Entries: callers who lack a role are told which, and errors have no context of the extension's own functions.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE ROLE regress_guest;
CREATE ROLE regress_host IN ROLE herald_publish, herald_inbox;
CREATE ROLE regress_auditor IN ROLE pg_read_all_data;
CREATE ROLE regress_reader;
CREATE SCHEMA entry;
GRANT ALL ON SCHEMA entry TO PUBLIC;

-- Without any role: the first one that may call is the hint. A privilege of PUBLIC counts for nobody.
CREATE FUNCTION pg_temp.reads(role text, relation text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE format('SELECT * FROM herald.%I', relation);
	RESET ROLE;
	RETURN 'yes';
EXCEPTION WHEN insufficient_privilege THEN
	RETURN SQLERRM;
END
$$;
SET ROLE regress_guest;
SELECT herald.watch_posts('pg_class');
SELECT herald.publish('task:1', 'task:done', '{}');
SELECT * FROM herald.inbox(NULL);
SELECT herald.maintain();
SELECT herald_body.publish('task:1', 'task:done', '{}');
SELECT count(*) FROM herald.notification;
-- Nor does one with which everybody may read: not even an expression of the reader's own runs before the check.
CREATE FUNCTION entry.peek(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
	$$ BEGIN RAISE NOTICE 'seen: %', $1; RETURN true; END $$;
SELECT * FROM herald.status WHERE entry.peek(ok);
SELECT count(*) FROM herald.watched WHERE entry.peek(rule);
SELECT FROM herald.suspended WHERE entry.peek(rule);
SELECT FROM herald.online WHERE entry.peek(user_id);
SELECT * FROM herald.watched;
SELECT count(*) FROM (SELECT 1) AS o LEFT JOIN herald.status AS s ON entry.peek(s.ok);
SELECT herald_internal.check_reader('status');
SELECT ok FROM herald_internal.status();
SET ROLE herald_inbox;
SELECT ok FROM herald.status;
SET ROLE herald_bridge;
SELECT ok IS NOT NULL AS called FROM herald_internal.status();
SELECT ok FROM herald.status;
RESET ROLE;
GRANT SELECT ON herald.status, herald.watched, herald.suspended, herald.online TO regress_reader;
SELECT r.name, p.name AS reads, pg_temp.reads(r.name, p.name) FROM
	unnest('{herald_watch,herald_admin,herald_inbox,regress_auditor,regress_reader}'::text[]) AS r (name),
	unnest('{status,watched,suspended,online}'::text[]) AS p (name)
ORDER BY 1, 2;
REVOKE SELECT ON herald.status, herald.watched, herald.suspended, herald.online FROM regress_reader;
SELECT pg_temp.reads('regress_reader', 'status');
GRANT EXECUTE ON FUNCTION herald.publish TO PUBLIC;
SET ROLE regress_guest;
SELECT herald.publish('task:1', 'task:done', '{}');
-- The role of a call is that of its caller, also inside a function that runs as its owner.
SELECT herald.current_user_id() IS NULL AS no_user;
SET ROLE regress_host;
CREATE FUNCTION entry.done() RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
	$$ SELECT herald.publish('task:1', 'task:done', '{}') > 0 $$;
CREATE FUNCTION entry.each() RETURNS SETOF boolean LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..2 LOOP
		RETURN NEXT herald.publish('task:1', 'task:done', '{}') > 0;
		SET LOCAL ROLE regress_guest;
	END LOOP;
END
$$;
SET ROLE regress_guest;
SELECT entry.done();
RESET ROLE;
SET ROLE regress_host;
SELECT entry.each();
RESET ROLE;

-- GRANT and REVOKE of one function work for roles.
GRANT EXECUTE ON FUNCTION herald.signal TO regress_guest;
REVOKE EXECUTE ON FUNCTION herald.notify FROM herald_publish;
SET ROLE regress_guest;
SELECT herald.signal('{task:1}', 'task:waved') IS NOT NULL AS signalled;
SET ROLE regress_host;
SELECT herald.notify('1', 'system', 'Done');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION herald.signal FROM regress_guest;
GRANT EXECUTE ON FUNCTION herald.notify TO herald_publish;

-- The context of the caller stays, and that of the application's code that runs inside.
CREATE FUNCTION entry.counts(member int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
BEGIN
	IF member = 13 THEN
		RAISE EXCEPTION 'unlucky';
	END IF;
	RETURN true;
END
$$;
CREATE TABLE entry.members (conversation_id int, user_id int);
CREATE TABLE entry.messages (id int PRIMARY KEY, conversation_id int, sender_id int, body text);
SELECT herald.watch_members('entry.members', active => 'entry.counts(user_id)');
SELECT herald.watch_messages('entry.messages');
SET herald.enabled = off;
INSERT INTO entry.members VALUES (1, 12), (1, 13);
RESET herald.enabled;
SELECT count(*) FROM herald.unread_messages('12');
SELECT count(*) FROM herald.unread_messages('13');
SELECT herald.unwatch_all();
DO $$ BEGIN PERFORM herald.watch_posts('pg_class'); END $$;

-- So it is with actions, which the bridge runs.
CREATE FUNCTION entry.fail(user_id text, payload jsonb) RETURNS jsonb LANGUAGE plpgsql AS
	$$ BEGIN RAISE EXCEPTION 'unlucky'; END $$;
SELECT herald.expose('fail', 'entry.fail(text, jsonb)');
SELECT herald_internal.act('1', 'unheard', '{}', NULL);
SELECT herald_internal.act('1', 'message:send', '{}', NULL);
SELECT herald_internal.act('1', 'notification:read', '{"id": "x"}', NULL);
SELECT herald_internal.act('1', 'fail', '{}', NULL);
SELECT herald.unexpose('fail');

-- Sets, and nulls in strict functions, come through.
SELECT count(*) FROM herald.inbox('nobody');
SELECT herald.is_blocked(NULL, '1') IS NULL AS unknown;
SELECT count(*) > 0 AS suggests FROM (SELECT herald.suggest()) AS s;

DROP SCHEMA entry CASCADE;
DROP ROLE regress_guest, regress_host, regress_auditor, regress_reader;
