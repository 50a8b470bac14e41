-- Partitions that are foreign tables, and partitions that come later: every write passes, and every change is told.
\set ECHO none
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
DO $$
BEGIN
	EXECUTE format('CREATE SERVER regress_far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname %L, host %L, port %L)',
	               current_database(), split_part(current_setting('unix_socket_directories'), ',', 1),
	               current_setting('port'));
END
$$;
CREATE USER MAPPING FOR CURRENT_USER SERVER regress_far;
CREATE SCHEMA parts;
CREATE TABLE parts.remote (id int, region int, owner_id int, state text);
CREATE TABLE parts.orders (id int, region int, owner_id int, state text) PARTITION BY LIST (region);
CREATE TABLE parts.orders_1 PARTITION OF parts.orders FOR VALUES IN (1);
CREATE FOREIGN TABLE parts.orders_2 PARTITION OF parts.orders FOR VALUES IN (2)
SERVER regress_far OPTIONS (table_name 'remote', schema_name 'parts');
CREATE FUNCTION parts.made() RETURNS TABLE (event text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT e.name || ' ' || (e.payload ->> 'state') FROM herald.event AS e
	             WHERE e.name LIKE 'region:%' ORDER BY e.id;
	DELETE FROM herald.event AS e WHERE e.name LIKE 'region:%';
END
$$;
CREATE VIEW parts.triggers AS
	SELECT t.tgrelid::regclass AS relation, string_agg(t.tgname, ', ' ORDER BY t.tgname) AS triggers
	FROM pg_trigger AS t WHERE t.tgfoid = 'herald_internal.on_change()'::regprocedure
	GROUP BY t.tgrelid;
CREATE VIEW parts.problems AS
	SELECT p.severity, p.problem, p.relation, p.rule, p.detail, p.remedy FROM herald.doctor() AS p
	WHERE p.relation::text LIKE 'parts.%' AND p.problem NOT IN ('index_missing', 'owner_may_watch');
RESET client_min_messages;
\set ECHO all
\set VERBOSITY default

-- a table with a foreign partition: writes pass, and make what those into other tables make
SELECT herald.watch('parts.orders', 'told', key => 'id', recipient => 'changed.owner_id',
                    title => 'Order {id}', cause => 'order:{id}') \g /dev/null
SELECT herald.watch('parts.orders', 'seen', '{insert,update,delete}', event => 'region:seen', room => 'order:{id}',
                    payload => 'json_build_object(''state'', changed.state)') \g /dev/null
SELECT * FROM parts.triggers ORDER BY relation;
INSERT INTO parts.orders VALUES (1, 1, 7, 'here'), (2, 2, 7, 'far'), (3, 2, 7, 'far, too');
SELECT * FROM parts.made();
SELECT count(*) FROM herald.notification AS n WHERE n.recipient_id = '7' AND n.type = 'told';
UPDATE parts.orders SET state = 'changed ' || id;
SELECT * FROM parts.made();
UPDATE parts.orders SET state = state;
SELECT * FROM parts.made();
UPDATE parts.orders SET region = 2, state = 'moved' WHERE id = 1 AND region = 1;
SELECT * FROM parts.made();
DELETE FROM parts.orders WHERE id < 3;
SELECT * FROM parts.made();
SELECT n.title, n.retracted_at IS NOT NULL AS retracted FROM herald.notification AS n
WHERE n.type = 'told' ORDER BY n.title;
COPY parts.orders FROM stdin;
4	1	8	copied here
5	2	8	copied far
\.
INSERT INTO parts.orders_1 VALUES (6, 1, 8, 'direct');
INSERT INTO parts.orders_2 VALUES (7, 2, 8, 'direct, far');
SELECT * FROM parts.made();
SELECT * FROM parts.problems;

-- without the foreign partition there are triggers for each statement again; it comes back, and more partitions with it
ALTER TABLE parts.orders DETACH PARTITION parts.orders_2;
SELECT * FROM parts.triggers ORDER BY relation;
INSERT INTO parts.orders VALUES (11, 1, 7, 'local');
INSERT INTO parts.orders_1 VALUES (12, 1, 7, 'direct');
CREATE TABLE parts.orders_3 PARTITION OF parts.orders FOR VALUES IN (3);
CREATE TABLE parts.orders_4 (LIKE parts.orders);
ALTER TABLE parts.orders ATTACH PARTITION parts.orders_4 FOR VALUES IN (4);
INSERT INTO parts.orders_3 VALUES (13, 3, 7, 'created later');
INSERT INTO parts.orders_4 VALUES (14, 4, 7, 'attached later');
SELECT * FROM parts.made();
SET session_replication_role = replica;
ALTER TABLE parts.orders ATTACH PARTITION parts.orders_2 FOR VALUES IN (2);
RESET session_replication_role;
SELECT * FROM parts.triggers ORDER BY relation;
INSERT INTO parts.orders VALUES (15, 2, 7, 'attached far'), (16, 4, 7, 'beside it');
INSERT INTO parts.orders_4 VALUES (17, 4, 7, 'direct, once');
SELECT * FROM parts.made();

-- a partition with a rule of its own, and partitions below partitions
ALTER TABLE parts.orders DETACH PARTITION parts.orders_2;
DROP TABLE parts.orders_4;
CREATE TABLE parts.orders_5 (id int, region int, owner_id int, state text) PARTITION BY LIST (region);
SELECT herald.watch('parts.orders_5', 'own', event => 'region:own', room => 'order:{id}',
                    payload => 'json_build_object(''state'', changed.state)') \g /dev/null
ALTER TABLE parts.orders ATTACH PARTITION parts.orders_5 FOR VALUES IN (5, 6);
CREATE TABLE parts.orders_51 PARTITION OF parts.orders_5 FOR VALUES IN (5);
INSERT INTO parts.orders_51 VALUES (21, 5, 7, 'deep');
CREATE FOREIGN TABLE parts.orders_52 PARTITION OF parts.orders_5 FOR VALUES IN (6)
SERVER regress_far OPTIONS (table_name 'remote', schema_name 'parts');
SELECT * FROM parts.triggers ORDER BY relation;
INSERT INTO parts.orders VALUES (22, 6, 7, 'deep, far');
INSERT INTO parts.orders_51 VALUES (23, 5, 7, 'deep, once');
SELECT * FROM parts.made();
SELECT * FROM parts.problems;
DROP FOREIGN TABLE parts.orders_52;
SELECT herald.unwatch('parts.orders_5');
SELECT herald.sync_triggers('parts.orders');
SELECT * FROM parts.triggers ORDER BY relation;

-- the role that attaches the partition has no role of pg_herald any more
CREATE ROLE regress_parts_owner;
GRANT USAGE ON FOREIGN SERVER regress_far TO regress_parts_owner;
GRANT USAGE, CREATE ON SCHEMA parts TO regress_parts_owner;
ALTER TABLE parts.orders OWNER TO regress_parts_owner;
SELECT * FROM parts.problems;
ALTER TABLE parts.orders_1 OWNER TO regress_parts_owner;
ALTER TABLE parts.orders_3 OWNER TO regress_parts_owner;
DROP TABLE parts.orders_5;
SET ROLE regress_parts_owner;
CREATE FOREIGN TABLE parts.orders_6 PARTITION OF parts.orders FOR VALUES IN (6)
SERVER regress_far OPTIONS (table_name 'remote', schema_name 'parts');
RESET ROLE;
SELECT * FROM parts.triggers ORDER BY relation;
INSERT INTO parts.orders VALUES (31, 1, 7, 'here'), (32, 3, 7, 'there');
SELECT * FROM parts.made();

-- where event triggers do not run, the doctor has the remedy
ALTER EVENT TRIGGER herald_migration DISABLE;
DROP FOREIGN TABLE parts.orders_6;
SELECT * FROM parts.problems;
SELECT herald.sync_triggers('parts.orders');
CREATE TABLE parts.orders_7 PARTITION OF parts.orders FOR VALUES IN (7);
ALTER TABLE parts.orders_7 OWNER TO regress_parts_owner;
SELECT * FROM parts.problems;
ALTER TABLE parts.orders OWNER TO CURRENT_USER;
ALTER TABLE parts.orders ATTACH PARTITION parts.orders_2 FOR VALUES IN (2);
SELECT * FROM parts.problems WHERE problem <> 'partition_foreign_owner';
INSERT INTO parts.orders VALUES (41, 1, 7, 'here');
SELECT p.remedy FROM parts.problems AS p WHERE p.problem = 'foreign_partition' \gexec
INSERT INTO parts.orders VALUES (42, 2, 7, 'far');
SELECT * FROM parts.problems WHERE problem <> 'partition_foreign_owner';
ALTER EVENT TRIGGER herald_migration ENABLE ALWAYS;

-- a foreign child by INHERITS
CREATE TABLE parts.notes (id int, state text);
SELECT herald.watch('parts.notes', 'noted', '{update}', event => 'region:noted', room => 'note:{id}',
                    payload => 'json_build_object(''state'', new.state)') \g /dev/null
SELECT * FROM parts.made();
CREATE TABLE parts.remote_notes (id int, state text);
CREATE FOREIGN TABLE parts.far_notes () INHERITS (parts.notes)
SERVER regress_far OPTIONS (table_name 'remote_notes', schema_name 'parts');
INSERT INTO parts.notes VALUES (1, 'a');
INSERT INTO parts.far_notes VALUES (2, 'b');
UPDATE parts.notes SET state = 'c';
SELECT * FROM parts.made();

-- nothing stays behind
SELECT herald.unwatch('parts.orders'), herald.unwatch('parts.notes');
SELECT * FROM parts.triggers ORDER BY relation;
SET client_min_messages = warning;
DROP SCHEMA parts CASCADE;
DROP SERVER regress_far CASCADE;
DROP EXTENSION postgres_fdw;
DROP ROLE regress_parts_owner;
DELETE FROM herald.notification WHERE type = 'told';
