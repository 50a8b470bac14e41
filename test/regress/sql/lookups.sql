-- Rules that look up rows by index, without planner and executor: their results are those of the planner.
\set ECHO none
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA lookups;
CREATE TABLE lookups.owners (id int PRIMARY KEY, name text);
CREATE TABLE lookups.items (id bigint PRIMARY KEY, owner_id bigint, note text);
INSERT INTO lookups.owners VALUES (1, 'ana'), (2, 'ben'), (3, NULL);
-- The events since the last call: their payloads.
CREATE SEQUENCE lookups.seen MINVALUE 0;
CREATE FUNCTION lookups.events() RETURNS SETOF text LANGUAGE sql AS $$
	WITH fresh AS MATERIALIZED (
		SELECT e.id, e.name, e.payload FROM herald.event AS e WHERE e.id > (SELECT last_value FROM lookups.seen)
	), told AS MATERIALIZED (SELECT setval('lookups.seen', max(id)) FROM fresh)
	SELECT payload FROM fresh WHERE name LIKE 'item:%' AND EXISTS (SELECT FROM told) ORDER BY id;
$$;
SELECT setval('lookups.seen', coalesce(max(id), 0)) FROM herald.event \g /dev/null
-- Whether a write looked up rows by index and read no table from end to end. The planner reads such small tables.
CREATE FUNCTION lookups.scans(relation regclass, OUT seq bigint, OUT idx bigint) LANGUAGE sql AS $$
	SELECT s.seq_scan, s.idx_scan FROM pg_stat_xact_user_tables AS s WHERE s.relid = relation;
$$;
CREATE FUNCTION lookups.looks_up(sql text, relation regclass) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	before record;
	after record;
BEGIN
	PERFORM set_config('herald.verify_lookups', 'off', true)
	WHERE current_setting('herald.verify_lookups', true) = 'on';
	before := lookups.scans(relation);
	EXECUTE sql;
	after := lookups.scans(relation);
	PERFORM set_config('herald.verify_lookups', 'on', true)
	WHERE current_setting('herald.verify_lookups', true) = 'off';
	RETURN after.seq = before.seq AND after.idx > before.idx;
END
$$;
SELECT herald.watch('lookups.items', 'made', joins => 'LEFT JOIN lookups.owners AS o ON o.id = new.owner_id',
                    event => 'item:made', room => 'item:{id}',
                    payload => 'json_build_object(''id'', new.id, ''owner'', o.name, ''note'', new.note)') \g /dev/null
VACUUM ANALYZE lookups.owners, lookups.items;
RESET client_min_messages;
\set VERBOSITY terse
\set ECHO all

SELECT lookups.looks_up('INSERT INTO lookups.items VALUES (1, 1)', 'lookups.owners');
-- so do many rows, if each finds one at most
BEGIN;
SELECT lookups.looks_up('INSERT INTO lookups.items SELECT n, n % 4 FROM generate_series(1001, 2000) AS n',
                        'lookups.owners');
ROLLBACK;
-- no row, a null and a null key match as in any LEFT JOIN
INSERT INTO lookups.items VALUES (2, 2), (3, 3), (4, 4), (5, NULL), (6, 9223372036854775807);
SELECT lookups.events();

-- an UPDATE pairs the rows before and after; many rows are left to the planner
SELECT herald.watch('lookups.items', 'moved', event => 'item:moved', room => 'item:{id}', operations => '{update}',
                    joins => 'JOIN lookups.owners AS o ON o.id = new.owner_id '
                             'JOIN lookups.owners AS p ON p.id = old.owner_id',
                    condition => 'new.owner_id <> old.owner_id',
                    payload => 'json_build_object(''id'', new.id, ''from'', p.name, ''to'', o.name)');
UPDATE lookups.items SET owner_id = 3 - owner_id WHERE owner_id < 3;
INSERT INTO lookups.items SELECT n, n % 4 FROM generate_series(101, 110) AS n;
UPDATE lookups.items SET owner_id = 1 WHERE id > 100;
SELECT lookups.events();
DELETE FROM lookups.items;

-- a column that is newer than the rows has its default
ALTER TABLE lookups.owners ADD COLUMN place text DEFAULT 'here', DROP COLUMN name;
ALTER TABLE lookups.owners RENAME COLUMN place TO name;
SELECT herald.watch('lookups.items', 'made', joins => 'LEFT JOIN lookups.owners AS o ON o.id = new.owner_id',
                    event => 'item:made', room => 'item:{id}',
                    payload => 'json_build_object(''owner'', o.name, ''note'', new.note)'),
       herald.unwatch('lookups.items', 'moved');
INSERT INTO lookups.items VALUES (1, 1), (2, 9);
SELECT lookups.events();
-- a column that is renamed, an index that goes and comes back
ALTER TABLE lookups.owners RENAME COLUMN name TO title;
INSERT INTO lookups.items VALUES (3, 1);
ALTER TABLE lookups.owners DROP CONSTRAINT owners_pkey;
SELECT lookups.looks_up('INSERT INTO lookups.items VALUES (4, 1)', 'lookups.owners');
CREATE UNIQUE INDEX ON lookups.owners (id) WHERE id > 1;
SELECT lookups.looks_up('INSERT INTO lookups.items VALUES (5, 1)', 'lookups.owners');
CREATE INDEX ON lookups.owners USING hash (id);
SELECT lookups.looks_up('INSERT INTO lookups.items VALUES (6, 1)', 'lookups.owners');
-- an index that is younger than this transaction, beside rows that it lacks, must not be used
BEGIN;
UPDATE lookups.owners SET title = 'there' WHERE id = 1;
CREATE INDEX owners_id ON lookups.owners (id, title);
SELECT indcheckxmin FROM pg_index WHERE indexrelid = 'lookups.owners_id'::regclass;
SELECT lookups.looks_up('INSERT INTO lookups.items VALUES (7, 1)', 'lookups.owners');
COMMIT;
SELECT lookups.looks_up('INSERT INTO lookups.items VALUES (8, 1)', 'lookups.owners');
-- several rows with one key
INSERT INTO lookups.owners VALUES (1, 'again');
INSERT INTO lookups.items VALUES (9, 1);
SELECT lookups.events();
-- a table that gets a child
CREATE TABLE lookups.more_owners () INHERITS (lookups.owners);
INSERT INTO lookups.more_owners VALUES (5, 'child');
INSERT INTO lookups.items VALUES (10, 5);
SELECT lookups.events();
DROP TABLE lookups.more_owners;
DELETE FROM lookups.items;

-- a constant of the application that runs the same rule while it is compiled: each plan ends
CREATE FUNCTION lookups.nest() RETURNS void LANGUAGE sql AS $$
	SELECT set_config('lookups.nested', 'yes', true);
	INSERT INTO lookups.items VALUES (2, 2);
$$;
CREATE FUNCTION lookups.constant() RETURNS int IMMUTABLE LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
	IF coalesce(current_setting('lookups.nested', true), '') = '' THEN
		PERFORM lookups.nest();
	END IF;
	RETURN 42;
END
$$;
SELECT herald.watch('lookups.items', 'nested', event => 'item:nested', room => 'item:{id}',
                    payload => 'to_json(lookups.constant())');
SELECT current_setting('herald.verify_lookups', true) AS verify \gset
SELECT set_config('herald.verify_lookups', 'off', false) WHERE :'verify' = 'on' \g /dev/null
DELETE FROM lookups.items;
INSERT INTO lookups.items VALUES (1, 1);
SELECT count(*) AS plans FROM pg_backend_memory_contexts WHERE name = 'pg_herald lookups' \gset
DELETE FROM lookups.items;
ALTER FUNCTION lookups.constant() COST 100; -- the plan is made anew
INSERT INTO lookups.items VALUES (1, 1);
SELECT count(*) - :plans AS more, :plans > 0 AS kept FROM pg_backend_memory_contexts WHERE name = 'pg_herald lookups';
SELECT set_config('herald.verify_lookups', :'verify', false) WHERE :'verify' = 'on' \g /dev/null
SELECT e.rooms FROM herald.event AS e WHERE e.name = 'item:nested' ORDER BY id;
SELECT herald.unwatch('lookups.items', 'nested');
DELETE FROM lookups.items;

-- long values, which are stored elsewhere
DROP INDEX lookups.owners_id;
CREATE INDEX ON lookups.owners (id);
UPDATE lookups.owners SET title = (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 500) AS n) WHERE id = 2;
INSERT INTO lookups.items VALUES (1, 2, (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 400) AS n));
SELECT length(payload) FROM lookups.events() AS payload;

-- keys with a collation and of other types
CREATE TABLE lookups.handles (handle varchar(20) COLLATE "C" UNIQUE,
                              code text COLLATE "C" UNIQUE, number numeric UNIQUE, owner int);
INSERT INTO lookups.handles VALUES ('ana', 'A', 1, 1), ('ben', 'B', 2, 2);
VACUUM ANALYZE lookups.handles;
SELECT herald.watch('lookups.items', 'made', event => 'item:made', room => 'item:{id}',
                    joins => 'JOIN lookups.handles AS h ON h.code COLLATE "default" = new.note',
                    payload => 'json_build_object(''code'', h.owner)'),
       herald.watch('lookups.items', 'named', event => 'item:named', room => 'item:{id}',
                    joins => 'JOIN lookups.handles AS h ON lower(new.note) || ''na'' = h.handle',
                    payload => 'json_build_object(''handle'', h.owner)'),
       herald.watch('lookups.items', 'counted', event => 'item:counted', room => 'item:{id}',
                    joins => 'JOIN lookups.handles AS h ON h.number = new.id AND h.owner > 0 AND h.handle <> ''none''',
                    payload => 'json_build_object(''number'', h.owner)');
INSERT INTO lookups.items VALUES (2, 2, 'A');
SELECT lookups.events();
SELECT herald.unwatch('lookups.items', rule) FROM unnest('{named,counted}'::text[]) AS rule;
DELETE FROM lookups.items;

-- a volatile function runs once for a row, and errors leave nothing behind
CREATE SEQUENCE lookups.calls;
CREATE FUNCTION lookups.called(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF $1 = 'wrong' THEN
		RAISE 'wrong note';
	END IF;
	RETURN nextval('lookups.calls');
END
$$;
SELECT herald.watch('lookups.items', 'made', event => 'item:made', room => 'item:{id}',
                    joins => 'JOIN lookups.handles AS h ON h.number = new.id',
                    payload => 'json_build_object(''call'', lookups.called(new.note))');
SELECT lookups.looks_up($$INSERT INTO lookups.items VALUES (1, 1, 'right'), (2, 1, 'right'), (3, 1, 'right')$$,
                        'lookups.handles');
SELECT lookups.events();
DELETE FROM lookups.items;
INSERT INTO lookups.items VALUES (2, 1, 'wrong');
DELETE FROM lookups.items;
SELECT lookups.looks_up($$INSERT INTO lookups.items VALUES (2, 1, 'right')$$, 'lookups.handles');
SELECT lookups.events();
DELETE FROM lookups.items;

-- a function that is replaced, and one that writes to the same table
CREATE OR REPLACE FUNCTION lookups.called(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT 'first' $$;
INSERT INTO lookups.items VALUES (1, 1);
CREATE OR REPLACE FUNCTION lookups.called(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT 'second' $$;
INSERT INTO lookups.items VALUES (2, 1);
DELETE FROM lookups.items;
CREATE OR REPLACE FUNCTION lookups.called(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO lookups.items SELECT 2, 1, 'inner' WHERE $1 = 'outer' ON CONFLICT DO NOTHING;
	RETURN $1;
END
$$;
INSERT INTO lookups.items VALUES (1, 1, 'outer');
SELECT note FROM lookups.items ORDER BY id;
SELECT lookups.events();
DELETE FROM lookups.items;

-- a domain that gets a constraint
CREATE DOMAIN lookups.short AS text;
SELECT herald.watch('lookups.items', 'made', event => 'item:made', room => 'item:{id}',
                    joins => 'JOIN lookups.handles AS h ON h.number = new.id',
                    payload => 'json_build_object(''short'', new.note::lookups.short)');
INSERT INTO lookups.items VALUES (1, 1, 'long');
ALTER DOMAIN lookups.short ADD CONSTRAINT short CHECK (length(VALUE) < 3);
INSERT INTO lookups.items VALUES (2, 1, 'long');
SELECT lookups.events();
DELETE FROM lookups.items;

-- objects: each kind of value, literal and not, in the text of the server
CREATE TYPE lookups.mood AS ENUM ('"good"', 'bad');
CREATE TABLE lookups.kinds (
	id int PRIMARY KEY, t text, v varchar(9), c char(4), s smallint, i int, b bigint, n numeric, f float8, l boolean,
	j json, jb jsonb, d date, ts timestamp, tz timestamptz, u uuid, m lookups.mood, a int[], x bytea);
INSERT INTO lookups.kinds VALUES
	(1, E'a "b" \\ \t\n\x01 ü€😀', 'v', 'c', -32768, -2147483648, -9223372036854775808, 1.50, 'NaN', true,
	 '{"a":  [1,2]}', '{"b": null}', '2026-01-02', '2026-01-02 03:04:05.6', '2026-01-02 03:04:05.678901+00',
	 '00000000-0000-0000-0000-000000000001', '"good"', '{1,NULL}', '\x00ff'),
	(2, '', '', '', 0, 0, 0, 'NaN', 1e30, false,
	 'null', '"x"', 'infinity', 'infinity', '-infinity', NULL, 'bad', '{}', '');
INSERT INTO lookups.kinds (id) VALUES (3);
SELECT herald.watch('lookups.items', 'made', event => 'item:made', room => 'item:{id}',
                    joins => 'LEFT JOIN lookups.kinds AS k ON k.id = new.id',
                    payload => 'json_build_object(k.t || ''key'', ''last'')');
SELECT herald.watch('lookups.items', 'told', event => 'item:told', room => 'item:{id}',
                    joins => 'LEFT JOIN lookups.kinds AS k ON k.id = new.id',
                    payload => $$json_build_object(
	'id', new.id, 'quote "\', 'text "\', 'nothing', NULL, 'yes', true, 'no', false, 'one', 1, 'half', 0.5,
	't', k.t, 'v', k.v, 'c', k.c, 's', k.s, 'i', k.i, 'b', k.b, 'n', k.n, 'f', k.f, 'l', k.l, 'j', k.j, 'jb', k.jb,
	'none', json_build_object(),
	'times', json_build_object('d', k.d, 'ts', k.ts, 'tz', k.tz, 'empty', json_build_object('u', k.u)),
	'm', k.m, 'a', k.a, 'x', k.x, 'array', json_build_array(k.i))$$);
DELETE FROM herald.rule_failure;
SET client_min_messages = error; -- the message is another one in each version of the server
INSERT INTO lookups.items VALUES (1, 1), (2, 2), (4, 4);
INSERT INTO lookups.items VALUES (3, 3); -- a key that is null
RESET client_min_messages;
SELECT rule, sum(times) FROM herald.rule_failure WHERE relation = 'lookups.items'::regclass GROUP BY rule ORDER BY rule;
SELECT lookups.events();
DELETE FROM lookups.items;
SELECT herald.unwatch('lookups.items', 'told');

-- the owner's privileges, and row security
CREATE ROLE regress_lookups;
GRANT USAGE ON SCHEMA lookups TO regress_lookups;
GRANT SELECT (number, owner) ON lookups.handles TO regress_lookups;
CREATE FUNCTION lookups.public_name(int) RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'number ' || $1 $$;
SELECT herald.watch('lookups.items', 'made', event => 'item:made', room => 'item:{id}',
                    joins => 'JOIN lookups.handles AS h ON h.number = new.id',
                    payload => 'json_build_object(''owner'', lookups.public_name(h.owner))');
ALTER TABLE lookups.items OWNER TO regress_lookups;
INSERT INTO lookups.items VALUES (1, 1);
REVOKE SELECT (owner) ON lookups.handles FROM regress_lookups;
INSERT INTO lookups.items VALUES (2, 1);
GRANT SELECT (owner) ON lookups.handles TO regress_lookups;
SELECT herald.maintain();
DELETE FROM lookups.items;
INSERT INTO lookups.items VALUES (1, 1);
REVOKE EXECUTE ON FUNCTION lookups.public_name FROM PUBLIC;
INSERT INTO lookups.items VALUES (2, 1);
GRANT EXECUTE ON FUNCTION lookups.public_name TO PUBLIC;
SELECT herald.maintain();
DELETE FROM lookups.items;
ALTER TABLE lookups.handles ENABLE ROW LEVEL SECURITY;
CREATE POLICY second ON lookups.handles USING (owner = 2);
INSERT INTO lookups.items VALUES (1, 1), (2, 1);
SELECT lookups.events();

-- the same for the kept plan of a rule that runs nothing of the application
DELETE FROM lookups.items;
ALTER TABLE lookups.handles DISABLE ROW LEVEL SECURITY;
SELECT herald.watch('lookups.items', 'made', event => 'item:made', room => 'item:{id}',
                    joins => 'JOIN lookups.handles AS h ON h.number = new.id',
                    payload => 'json_build_object(''owner'', h.owner)');
SELECT lookups.looks_up('INSERT INTO lookups.items VALUES (1, 1)', 'lookups.handles');
SELECT lookups.looks_up('INSERT INTO lookups.items VALUES (2, 1)', 'lookups.handles');
DELETE FROM lookups.items;
ALTER TABLE lookups.handles ENABLE ROW LEVEL SECURITY;
SELECT lookups.looks_up('INSERT INTO lookups.items VALUES (1, 1)', 'lookups.handles');
ALTER TABLE lookups.handles DISABLE ROW LEVEL SECURITY;
SELECT lookups.looks_up('INSERT INTO lookups.items VALUES (2, 1)', 'lookups.handles');
REVOKE SELECT (owner) ON lookups.handles FROM regress_lookups;
SELECT lookups.looks_up('INSERT INTO lookups.items VALUES (3, 1)', 'lookups.handles');
SELECT lookups.events();

-- a function in C of another extension, which says that it is immutable, sees the pinned settings alone
CREATE FUNCTION lookups.setting_of(text) RETURNS text LANGUAGE internal IMMUTABLE STRICT AS 'show_config_by_name';
CREATE TABLE lookups.notes (id int PRIMARY KEY, name text);
SELECT herald.watch('lookups.notes', 'noted', event => 'item:noted', room => 'item:{id}',
                    payload => 'json_build_object(''path'', lookups.setting_of(new.name))');
INSERT INTO lookups.notes VALUES (1, 'search_path');
INSERT INTO lookups.notes VALUES (2, 'search_path');
SET search_path = lookups;
INSERT INTO lookups.notes VALUES (3, 'search_path');
RESET search_path;
SELECT * FROM lookups.events();

\set ECHO none
SET client_min_messages = error;
SELECT herald.unwatch_all() \g /dev/null
DROP SCHEMA lookups CASCADE;
DROP OWNED BY regress_lookups;
DROP ROLE regress_lookups;
