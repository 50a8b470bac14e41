-- The extension's sequences refuse settings that make ids not ascending. Other sequences may have them.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT always
ALTER SEQUENCE herald.event_id_seq CACHE 50;
ALTER SEQUENCE herald.event_id_seq INCREMENT BY -1;
ALTER SEQUENCE herald.event_id_seq CYCLE;
ALTER TABLE herald.notification ALTER COLUMN id SET CACHE 50;
SELECT sequencename, increment_by FROM pg_sequences
WHERE schemaname LIKE 'herald%' AND (cache_size <> 1 OR increment_by <> 1 OR cycle);
-- DDL of the application by any role.
CREATE ROLE regress_cacher;
CREATE SCHEMA cached AUTHORIZATION regress_cacher;
SET ROLE regress_cacher;
CREATE TABLE cached.orders (id int GENERATED ALWAYS AS IDENTITY);
ALTER TABLE cached.orders ALTER COLUMN id SET CACHE 50;
ALTER SEQUENCE cached.orders_id_seq CYCLE;
RESET ROLE;
DROP SCHEMA cached CASCADE;
DROP ROLE regress_cacher;
