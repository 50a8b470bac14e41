-- Both schemas belong to the extension: it makes them, refuses one that exists already, and DROP EXTENSION leaves
-- nothing.
SET client_min_messages = warning;
CREATE DATABASE regress_herald_schemas;
\c regress_herald_schemas
SET client_min_messages = warning;
CREATE VIEW left_behind AS
	SELECT n.nspname AS name FROM pg_namespace AS n WHERE n.nspname LIKE 'herald%'
	UNION ALL
	SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE p.probin LIKE '%pg_herald%'
	UNION ALL
	SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relnamespace::regnamespace::text LIKE 'herald%';

-- an application that has a schema of one of the names
CREATE SCHEMA herald;
CREATE TABLE herald.mine (id int);
CREATE EXTENSION pg_herald;
SELECT count(*) FROM herald.mine;
ALTER SCHEMA herald RENAME TO herald_internal;
CREATE EXTENSION pg_herald;
DROP SCHEMA herald_internal CASCADE;

-- the owner of the database is not enough
CREATE ROLE regress_database_owner;
ALTER DATABASE regress_herald_schemas OWNER TO regress_database_owner;
SET ROLE regress_database_owner;
CREATE EXTENSION pg_herald;
RESET ROLE;

-- without a schema in the search path, too
SET search_path = '';
CREATE EXTENSION pg_herald;
RESET search_path;
SELECT n.nspname, e.extname
FROM pg_namespace AS n
LEFT JOIN pg_depend AS d ON d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e'
LEFT JOIN pg_extension AS e ON e.oid = d.refobjid
WHERE n.nspname LIKE 'herald%'
ORDER BY n.nspname;

-- Schema herald is the interface. Whatever is in it is listed here: a new name is a decision.
SELECT p.proname, count(*) AS forms FROM pg_proc AS p WHERE p.pronamespace = 'herald'::regnamespace GROUP BY p.proname
ORDER BY p.proname;
-- Nobody can remember more arguments than this.
SELECT p.proname, p.pronargs FROM pg_proc AS p WHERE p.pronamespace = 'herald'::regnamespace AND p.pronargs > 24;
SELECT c.relname, c.relkind FROM pg_class AS c WHERE c.relnamespace = 'herald'::regnamespace AND
       c.relkind NOT IN ('i', 'I') ORDER BY c.relname;

-- A watched table depends on the extension; unwatched, it does not.
CREATE TABLE orders (id int PRIMARY KEY);
SELECT herald.watch('orders', 'ordered', event => 'ordered', room => 'orders');
DROP EXTENSION pg_herald;
SELECT herald.unwatch_all();
DROP EXTENSION pg_herald;
SELECT * FROM left_behind;

-- and again, on the same database, beside event triggers of the application that log or forbid commands
CREATE TABLE ddl_log (tag text, object text);
CREATE FUNCTION log_made() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.ddl_log SELECT d.command_tag, d.object_identity FROM pg_event_trigger_ddl_commands() AS d;
END $$;
CREATE FUNCTION log_dropped() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.ddl_log SELECT 'DROP', d.object_identity FROM pg_event_trigger_dropped_objects() AS d;
END $$;
CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% is forbidden', tg_tag;
END $$;
CREATE EVENT TRIGGER log_made ON ddl_command_end EXECUTE FUNCTION log_made();
CREATE EVENT TRIGGER log_dropped ON sql_drop EXECUTE FUNCTION log_dropped();
CREATE EXTENSION pg_herald;
SELECT herald.watch('orders', 'ordered', event => 'ordered', room => 'orders');
CREATE EVENT TRIGGER forbid ON ddl_command_start EXECUTE FUNCTION forbid();
INSERT INTO orders VALUES (1);
SELECT herald.maintain();
SELECT name FROM herald.event;
DROP EVENT TRIGGER forbid;
DROP EXTENSION pg_herald CASCADE;
SELECT * FROM left_behind;
SELECT t.tgname FROM pg_trigger AS t WHERE t.tgrelid = 'orders'::regclass;

\c contrib_regression
DROP DATABASE regress_herald_schemas;
DROP ROLE regress_database_owner;
