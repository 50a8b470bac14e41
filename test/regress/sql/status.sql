-- The status: one row that says whether all is well.
\set ECHO none
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA status;
CREATE TABLE status.items (id int PRIMARY KEY, owner_id int, state text);
SELECT herald.watch('status.items', 'item', recipient => 'new.owner_id', title => 'Item {state}'),
       herald.watch('status.items', 'half', event => 'item:half', room => 'item:{id}',
                    payload => 'json_build_object(''half'', 100 / new.id)') \g /dev/null
DELETE FROM herald.missed_change;
DELETE FROM herald.rule_failure;
SELECT herald.maintain() \g /dev/null
CREATE VIEW status.told AS
	SELECT ok, regexp_replace(problems::text, 'last at [^"]+', 'last at ...') AS problems, suspended_rules AS suspended,
	       missed_changes AS missed, failures, disabled_triggers AS disabled
	FROM herald.status;
\set ECHO all

SELECT * FROM status.told;
SELECT unmaintained_since, queue_usage FROM herald.status;

-- each problem
ALTER TABLE status.items DISABLE TRIGGER herald_insert;
SELECT * FROM status.told;
ALTER TABLE status.items ENABLE TRIGGER herald_insert;
INSERT INTO status.items VALUES (0, 1, 'a failure'), (-1, 1, 'no effect');
ALTER TABLE status.items DROP COLUMN state;
INSERT INTO status.items VALUES (1, 1), (2, 1);
SELECT * FROM status.told;
ALTER TABLE status.items ADD COLUMN state text;
SELECT herald.maintain();
DELETE FROM herald.rule_failure;
SELECT * FROM status.told;

-- who may read it
CREATE ROLE regress_status_owner IN ROLE herald_watch;
CREATE ROLE regress_status_admin IN ROLE herald_admin;
CREATE ROLE regress_status_stranger;
SET ROLE regress_status_owner;
SELECT ok FROM herald.status;
SET ROLE regress_status_admin;
SELECT ok FROM herald.status;
SET ROLE regress_status_stranger;
SELECT ok FROM herald.status;
RESET ROLE;

SELECT herald.unwatch('status.items');
DELETE FROM herald.missed_change;
DELETE FROM herald.notification WHERE type = 'item';
SET client_min_messages = warning;
DROP SCHEMA status CASCADE;
DROP ROLE regress_status_owner, regress_status_admin, regress_status_stranger;
