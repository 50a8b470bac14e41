-- A write passes after any migration of the schema. A rule that does not fit the schema is suspended.
\set ECHO none
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA moved;
CREATE TABLE moved.items (id int PRIMARY KEY, owner_id int, state text);
CREATE TABLE moved.owners (id int PRIMARY KEY, name text);
INSERT INTO moved.owners VALUES (1, 'ana'), (2, 'ben');
SELECT herald.watch('moved.items', 'told', joins => 'JOIN moved.owners AS o ON o.id = new.owner_id',
                    recipient => 'o.id', title => 'Item {id} of {o.name}', event => 'item:made', room => 'item:{id}'),
       herald.watch('moved.items', 'plain', event => 'item:plain', room => 'item:{id}') \g /dev/null
CREATE FUNCTION moved.state(OUT suspended text, OUT missed bigint, OUT told bigint, OUT events bigint)
LANGUAGE sql AS $$
	SELECT (SELECT string_agg(s.rule || ' ' || s.sqlstate, ', ' ORDER BY s.rule) FROM herald.suspended AS s
	        WHERE s.relation = 'moved.items'::regclass),
	       (SELECT sum(m.changes) FROM herald.missed_change AS m WHERE m.relation = 'moved.items'::regclass),
	       (SELECT count(*) FROM herald.notification AS n WHERE n.type = 'told'),
	       (SELECT count(*) FROM herald.event AS e WHERE e.name = 'item:plain');
$$;
RESET client_min_messages;
\set ECHO all
\set VERBOSITY default

-- a dropped column: the write passes, the other rule of the table runs, and the second write runs no rule in vain
INSERT INTO moved.items VALUES (1, 1, 'new');
SELECT * FROM moved.state();
ALTER TABLE moved.owners DROP COLUMN name;
INSERT INTO moved.items VALUES (2, 1, 'new');
INSERT INTO moved.items VALUES (3, 1, 'new'), (4, 2, 'new');
SELECT * FROM moved.state();
SELECT severity, problem, relation, rule, regexp_replace(detail, 'since .*, and', 'since then, and') AS detail, remedy
FROM herald.doctor()
WHERE problem IN ('rule_suspended', 'rule_broken', 'privilege_lost') AND relation::text LIKE 'moved.%';

-- a new session knows it, and nobody tries the rule until the schema fits again
\c -
INSERT INTO moved.items VALUES (5, 1, 'new');
ALTER TABLE moved.owners ADD COLUMN name text DEFAULT 'eve';
SELECT herald.maintain();
SELECT * FROM moved.state();
INSERT INTO moved.items VALUES (6, 1, 'new');
SELECT * FROM moved.state();
SELECT relation, rule, changes FROM herald.missed_change WHERE relation = 'moved.items'::regclass;

-- a suspension that is rolled back is none
BEGIN;
ALTER TABLE moved.owners DROP COLUMN name;
INSERT INTO moved.items VALUES (7, 1, 'new');
SELECT * FROM moved.state();
ROLLBACK;
INSERT INTO moved.items VALUES (7, 1, 'new');
SELECT * FROM moved.state();

-- a key of another type, and a privilege of a new owner
ALTER TABLE moved.owners ALTER COLUMN id TYPE uuid USING md5(id::text)::uuid;
INSERT INTO moved.items VALUES (8, 1, 'new');
SELECT * FROM moved.state();
ALTER TABLE moved.owners ALTER COLUMN id TYPE int USING CASE WHEN id = md5('1')::uuid THEN 1 ELSE 2 END;
SELECT herald.maintain();
CREATE ROLE regress_new_owner;
GRANT USAGE ON SCHEMA moved TO regress_new_owner;
ALTER TABLE moved.items OWNER TO regress_new_owner;
INSERT INTO moved.items VALUES (9, 1, 'new');
SELECT * FROM moved.state();
SELECT problem, relation, rule, remedy FROM herald.doctor() WHERE problem IN ('rule_suspended', 'privilege_lost') AND
      relation::text LIKE 'moved.%';
GRANT SELECT ON moved.owners TO regress_new_owner;
SELECT herald.maintain();
INSERT INTO moved.items VALUES (10, 1, 'new');
SELECT * FROM moved.state();

-- an error of a value is no error of the schema: the rule stays
SELECT herald.watch('moved.items', 'plain', event => 'item:plain', room => 'item:{id}',
                    payload => 'json_build_object(''n'', 1 / (new.id - 11))');
INSERT INTO moved.items VALUES (11, 1, 'new');
INSERT INTO moved.items VALUES (12, 1, 'new');
SELECT * FROM moved.state();
SELECT rule, sqlstate, times FROM herald.rule_failure WHERE relation = 'moved.items'::regclass;

-- many failures make few rows, and maintenance makes them one
DO $$
BEGIN
	SET LOCAL client_min_messages = error;
	FOR n IN 1 .. 25 LOOP
		DELETE FROM moved.items WHERE id = 11;
		INSERT INTO moved.items VALUES (11, 1, 'new');
	END LOOP;
END
$$;
SELECT rule, sqlstate, sum(times) AS times, count(*) <= 5 AS few FROM herald.rule_failure
WHERE relation = 'moved.items'::regclass GROUP BY 1, 2;
SELECT herald.maintain();
SELECT rule, sqlstate, times, since < until AS lasting FROM herald.rule_failure
WHERE relation = 'moved.items'::regclass;

-- no SQLSTATE of a value is one of the schema, but a privilege on a function is
CREATE ROLE regress_item_owner;
GRANT USAGE ON SCHEMA moved TO regress_item_owner;
ALTER TABLE moved.items OWNER TO regress_item_owner;
CREATE FUNCTION moved.checked(state text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF state = 'bad' THEN
		RAISE 'not this one' USING ERRCODE = '42501';
	END IF;
	RETURN state;
END
$$;
SELECT herald.unwatch('moved.items', 'told'),
       herald.watch('moved.items', 'plain', event => 'item:plain', room => 'item:{id}',
                    payload => 'json_build_object(''s'', moved.checked(new.state), ''c'', new.state::regclass)');
INSERT INTO moved.items VALUES (21, 1, 'bad');
INSERT INTO moved.items VALUES (22, 1, 'nothing');
INSERT INTO moved.items VALUES (23, 1, 'pg_class');
SELECT suspended, events FROM moved.state();
REVOKE EXECUTE ON FUNCTION moved.checked(text) FROM PUBLIC;
INSERT INTO moved.items VALUES (24, 1, 'pg_class');
SELECT herald.maintain();
SELECT suspended, missed, events FROM moved.state();
GRANT EXECUTE ON FUNCTION moved.checked(text) TO regress_item_owner;
SELECT herald.maintain();
SELECT suspended, missed, events FROM moved.state();

-- a statement counts once, although an update of a rule with "active" runs it for three changes
SELECT herald.unwatch('moved.items', 'plain');
CREATE TABLE moved.posts (id int PRIMARY KEY, author_id int REFERENCES moved.owners, title text, shown boolean);
SELECT herald.watch_posts('moved.posts', active => 'shown');
INSERT INTO moved.posts VALUES (1, 1, 'a', true), (2, 1, 'b', true);
SET client_min_messages = error;
ALTER TABLE moved.posts DROP COLUMN shown;
UPDATE moved.posts SET title = 'c';
UPDATE moved.posts SET title = 'd';
RESET client_min_messages;
SELECT relation, rule, sum(changes) FROM herald.missed_change WHERE relation = 'moved.posts'::regclass
GROUP BY 1, 2 ORDER BY 2;

-- maintenance does not run immutable functions of a suspended rule
CREATE FUNCTION moved.slow() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	PERFORM pg_sleep(CASE WHEN current_setting('moved.wait', true) = 'on' THEN 3600 ELSE 0 END);
	RETURN true;
END
$$;
SELECT herald.watch('moved.items', 'slow', event => 'item:slow', room => 'item:{id}', condition => 'moved.slow()',
                    payload => 'json_build_object(''s'', new.state)');
ALTER TABLE moved.items DROP COLUMN state;
INSERT INTO moved.items VALUES (25, 1);
ALTER TABLE moved.items ADD COLUMN state text;
SET moved.wait = 'on';
SET statement_timeout = '20s';
SELECT herald.maintain();
RESET statement_timeout;
RESET moved.wait;
SELECT suspended FROM moved.state();
SELECT herald.unwatch('moved.items', 'slow'), herald.unwatch('moved.posts');
ALTER TABLE moved.items OWNER TO CURRENT_USER;

-- a literal that the new type of a column does not accept is an error of the schema, although of class 22
SELECT herald.watch('moved.items', 'plain', event => 'item:plain', room => 'item:{id}',
                    condition => $$new.state = 'new'$$);
ALTER TABLE moved.items ALTER COLUMN state TYPE int USING 0;
INSERT INTO moved.items VALUES (13, 1, 0);
SELECT * FROM moved.state();

-- with abort the write fails, with warn each write tries the rule
SELECT herald.watch('moved.items', 'told', recipient => 'new.owner_id', title => '{state}', on_error => 'abort'),
       herald.unwatch('moved.items', 'plain');
ALTER TABLE moved.items DROP COLUMN state;
INSERT INTO moved.items VALUES (14, 1);
ALTER TABLE moved.items ADD COLUMN state int;
SELECT herald.watch('moved.items', 'told', recipient => 'new.owner_id', title => '{state}', on_error => 'warn');
ALTER TABLE moved.items DROP COLUMN state;
INSERT INTO moved.items VALUES (14, 1);
INSERT INTO moved.items VALUES (15, 1);
SELECT * FROM moved.state();

-- a cancelled statement ends, whatever on_error says
ALTER TABLE moved.items ADD COLUMN state int;
SELECT herald.watch('moved.items', 'told', recipient => 'new.owner_id', title => '{id}',
                    condition => 'pg_sleep(3600) IS NOT NULL');
SET statement_timeout = '50ms';
INSERT INTO moved.items VALUES (16, 1);
RESET statement_timeout;
SELECT * FROM moved.state();

SET client_min_messages = warning;
DROP SCHEMA moved CASCADE;
SELECT herald.maintain();
SELECT count(*) FROM herald.missed_change AS m WHERE NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = m.relation);
DROP ROLE regress_new_owner, regress_item_owner;
DELETE FROM herald.notification WHERE type = 'told';
