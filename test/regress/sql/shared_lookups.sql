-- Sessions of a preloaded server share the plans of rules that look up rows by index. Each session follows the
-- tables, columns, policies and privileges that are there now, as it would without a shared plan.
\set ECHO none
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE ROLE shared_lookups_writer;
CREATE SCHEMA shared_lookups;
GRANT USAGE ON SCHEMA shared_lookups TO shared_lookups_writer;
CREATE TABLE shared_lookups.owners (id int PRIMARY KEY, name text);
CREATE TABLE shared_lookups.items (id bigint PRIMARY KEY, owner_id int);
ALTER TABLE shared_lookups.items OWNER TO shared_lookups_writer;
GRANT SELECT ON shared_lookups.owners TO shared_lookups_writer;
INSERT INTO shared_lookups.owners VALUES (1, 'ana'), (2, 'ben');
-- Watches the items as their owner does; the text of the rule is the same each time.
CREATE FUNCTION shared_lookups.watch() RETURNS void LANGUAGE sql AS $$
	SELECT herald.watch('shared_lookups.items', 'made',
	                    joins => 'LEFT JOIN shared_lookups.owners AS o ON o.id = new.owner_id',
	                    event => 'item:shared', room => 'item:{id}', on_error => 'warn',
	                    payload => 'json_build_object(''id'', new.id, ''owner'', o.name)');
$$;
CREATE FUNCTION shared_lookups.last_event() RETURNS text LANGUAGE sql AS $$
	SELECT payload FROM herald.event WHERE name = 'item:shared' ORDER BY id DESC LIMIT 1;
$$;
SELECT shared_lookups.watch() \g /dev/null
VACUUM ANALYZE shared_lookups.owners;
RESET client_min_messages;
\set VERBOSITY terse
\set ECHO all

-- the first session that writes shares its plan, the second one uses it
\c -
INSERT INTO shared_lookups.items VALUES (1, 1);
\c -
INSERT INTO shared_lookups.items VALUES (2, 2);
SELECT shared_lookups.last_event();

-- another table has the name, and the same columns
BEGIN;
ALTER TABLE shared_lookups.owners RENAME TO former;
CREATE TABLE shared_lookups.owners (id int PRIMARY KEY, name text);
GRANT SELECT ON shared_lookups.owners TO shared_lookups_writer;
INSERT INTO shared_lookups.owners VALUES (1, 'anna'), (2, 'benno');
SELECT shared_lookups.watch() \g /dev/null
COMMIT;
\c -
INSERT INTO shared_lookups.items VALUES (3, 1);
SELECT shared_lookups.last_event();

-- another column has the name
BEGIN;
ALTER TABLE shared_lookups.owners RENAME name TO former_name;
ALTER TABLE shared_lookups.owners ADD name text;
UPDATE shared_lookups.owners SET name = upper(former_name);
SELECT shared_lookups.watch() \g /dev/null
COMMIT;
\c -
INSERT INTO shared_lookups.items VALUES (4, 1);
SELECT shared_lookups.last_event();

-- a column has another type
ALTER TABLE shared_lookups.owners ALTER name TYPE int USING id * 100;
\c -
INSERT INTO shared_lookups.items VALUES (5, 2);
SELECT shared_lookups.last_event();
ALTER TABLE shared_lookups.owners ALTER name TYPE text;

-- a policy hides a row from the owner of the items
\c -
INSERT INTO shared_lookups.items VALUES (6, 1);
ALTER TABLE shared_lookups.owners ENABLE ROW LEVEL SECURITY;
CREATE POLICY some_owners ON shared_lookups.owners USING (id <> 1);
\c -
INSERT INTO shared_lookups.items VALUES (7, 1);
SELECT shared_lookups.last_event();
ALTER TABLE shared_lookups.owners DISABLE ROW LEVEL SECURITY;
INSERT INTO shared_lookups.items VALUES (8, 1);
SELECT shared_lookups.last_event();

-- the owner of the items must not read the other table, or use its schema
REVOKE SELECT ON shared_lookups.owners FROM shared_lookups_writer;
\c -
INSERT INTO shared_lookups.items VALUES (9, 1);
GRANT SELECT ON shared_lookups.owners TO shared_lookups_writer;
REVOKE USAGE ON SCHEMA shared_lookups FROM shared_lookups_writer;
\c -
INSERT INTO shared_lookups.items VALUES (10, 1);
GRANT USAGE ON SCHEMA shared_lookups TO shared_lookups_writer;
-- a session that has used a shared plan learns of both
INSERT INTO shared_lookups.items VALUES (11, 1);
REVOKE SELECT ON shared_lookups.owners FROM shared_lookups_writer;
INSERT INTO shared_lookups.items VALUES (12, 1);
GRANT SELECT ON shared_lookups.owners TO shared_lookups_writer;
-- the first session checks the functions, the second one need not
\c -
INSERT INTO shared_lookups.items VALUES (16, 2);
\c -
INSERT INTO shared_lookups.items VALUES (17, 2);
REVOKE EXECUTE ON FUNCTION json_build_object("any") FROM PUBLIC;
\c -
INSERT INTO shared_lookups.items VALUES (13, 1);
GRANT EXECUTE ON FUNCTION json_build_object("any") TO PUBLIC;
SELECT shared_lookups.last_event();

-- a constant means the time when a session reads the query
SELECT herald.watch('shared_lookups.items', 'made',
                    joins => 'LEFT JOIN shared_lookups.owners AS o ON o.id = new.owner_id',
                    event => 'item:timed', room => 'item:{id}',
                    payload => $$json_build_object('id', new.id, 'owner', o.name, 'at', timestamptz 'now')$$)
       IS NOT NULL AS watched;
\c -
INSERT INTO shared_lookups.items VALUES (21, 1);
\c -
INSERT INTO shared_lookups.items VALUES (22, 1);
SELECT count(DISTINCT e.payload ->> 'at') AS times FROM herald.event AS e WHERE e.name = 'item:timed';
SELECT shared_lookups.watch() \g /dev/null

-- no index is there any more
ALTER TABLE shared_lookups.owners DROP CONSTRAINT owners_pkey1;
INSERT INTO shared_lookups.items VALUES (14, 1);
\c -
INSERT INTO shared_lookups.items VALUES (15, 2);
SELECT shared_lookups.last_event();

\set ECHO none
SET client_min_messages = warning;
SELECT herald.unwatch('shared_lookups.items', 'made') \g /dev/null
DROP SCHEMA shared_lookups CASCADE;
DELETE FROM herald.rule_failure WHERE rule = 'made';
DROP ROLE shared_lookups_writer;
