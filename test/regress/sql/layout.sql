-- A library that finds older SQL than it needs runs no rules: writes of the application pass, and calls are refused.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA layout;
CREATE TABLE layout.notes (id int PRIMARY KEY, user_id text);
SELECT herald.watch('layout.notes', 'noted', recipient => 'new.user_id', event => 'note:made', room => 'note:{id}');
SELECT prosrc AS fitting FROM pg_proc WHERE oid = 'herald_internal.layout()'::regprocedure \gset
INSERT INTO layout.notes VALUES (1, 'ann');

-- the SQL is older
BEGIN;
CREATE OR REPLACE FUNCTION herald_internal.layout() RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 0';
INSERT INTO layout.notes VALUES (2, 'ann');
INSERT INTO layout.notes VALUES (3, 'ann');
UPDATE layout.notes SET user_id = 'ben' WHERE id = 3;
DELETE FROM layout.notes WHERE id = 2;
TRUNCATE layout.notes;
INSERT INTO layout.notes VALUES (4, 'ann');
SAVEPOINT called;
SELECT herald.notify('ann', 'note', 'Hello');
ROLLBACK TO called;
SELECT herald.unwatch('layout.notes');
ROLLBACK TO called;
-- ... and is updated: rules run again in the same session
CREATE OR REPLACE FUNCTION herald_internal.layout() RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS :'fitting';
INSERT INTO layout.notes VALUES (5, 'ann');
-- a session with an older library than the SQL goes on
CREATE OR REPLACE FUNCTION herald_internal.layout() RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 1000';
INSERT INTO layout.notes VALUES (6, 'ann');
-- SQL from before there were layouts
CREATE OR REPLACE FUNCTION herald_internal.layout() RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS :'fitting';
ALTER FUNCTION herald_internal.layout() RENAME TO no_layout;
INSERT INTO layout.notes VALUES (7, 'ann');
SELECT subject_id FROM herald.notification WHERE type = 'noted' ORDER BY id;
ROLLBACK;

INSERT INTO layout.notes VALUES (8, 'ann');
SELECT subject_id FROM herald.notification WHERE type = 'noted' ORDER BY id;
SELECT herald.unwatch('layout.notes');
DROP SCHEMA layout CASCADE;
TRUNCATE herald.notification;
