-- Known pitfalls of triggers: each write makes the notifications of its rows once or not at all, and never fails.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA pitfall;
CREATE TABLE pitfall.tasks (id int, team int, owner_id int, state text, PRIMARY KEY (team, id))
	PARTITION BY LIST (team);
CREATE TABLE pitfall.tasks_1 PARTITION OF pitfall.tasks FOR VALUES IN (1);
CREATE TABLE pitfall.tasks_2 PARTITION OF pitfall.tasks FOR VALUES IN (2);
SELECT herald.watch('pitfall.tasks', 'task', '{insert,update,delete}', recipient => 'changed.owner_id',
                    title => '{team}/{id} {state}',
                    event => 'task:{state}', room => 'team:{team}');
-- Returns the notifications and events made since the last call.
CREATE TABLE pitfall.seen AS SELECT coalesce(max(id), 0) AS event FROM herald.event;
CREATE FUNCTION pitfall.made() RETURNS TABLE (made text) LANGUAGE sql AS $$
	WITH told AS (DELETE FROM herald.notification AS n RETURNING n.*),
	     heard AS (SELECT e.* FROM herald.event AS e, pitfall.seen AS s WHERE e.id > s.event),
	     moved AS (UPDATE pitfall.seen AS s SET event = h.last FROM (SELECT max(id) AS last FROM heard) AS h
	               WHERE h.last IS NOT NULL)
	SELECT format('%s is told %s', recipient_id, title) FROM told
	UNION ALL
	SELECT format('%s hears %s %s', rooms[1], name, payload -> 'task' ->> 'id') FROM heard
	WHERE name NOT LIKE 'notification:%'
	ORDER BY 1;
$$;
TRUNCATE herald.notification;

-- ON CONFLICT: a skipped row makes nothing. An updated row is an update, even beside inserted rows.
INSERT INTO pitfall.tasks VALUES (1, 1, 7, 'new');
SELECT * FROM pitfall.made();
INSERT INTO pitfall.tasks VALUES (1, 1, 7, 'new') ON CONFLICT DO NOTHING;
SELECT * FROM pitfall.made();
INSERT INTO pitfall.tasks VALUES (1, 1, 7, 'taken'), (2, 1, 8, 'new')
ON CONFLICT (team, id) DO UPDATE SET state = excluded.state;
SELECT * FROM pitfall.made();

-- Writable CTEs.
WITH first AS (INSERT INTO pitfall.tasks VALUES (3, 1, 7, 'new')), gone AS (DELETE FROM pitfall.tasks WHERE id = 2)
INSERT INTO pitfall.tasks VALUES (4, 2, 8, 'new');
SELECT * FROM pitfall.made();

-- MERGE; on servers without it, two statements do the same.
DO $$
BEGIN
	IF current_setting('server_version_num')::int >= 150000 THEN
		EXECUTE $merge$
			MERGE INTO pitfall.tasks AS t
			USING (VALUES (1, 1, 'merged'), (3, 1, NULL), (5, 2, 'new')) AS v (id, team, state)
			ON t.team = v.team AND t.id = v.id
			WHEN MATCHED AND v.state IS NULL THEN DELETE
			WHEN MATCHED THEN UPDATE SET state = v.state
			WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.team, 9, v.state) $merge$;
	ELSE
		DELETE FROM pitfall.tasks WHERE id = 3;
		INSERT INTO pitfall.tasks VALUES (1, 1, 9, 'merged'), (5, 2, 9, 'new')
		ON CONFLICT (team, id) DO UPDATE SET state = excluded.state;
	END IF;
END
$$;
SELECT * FROM pitfall.made();

-- Rows that move to another partition beside rows that stay: updates, each with its own old row. An unchanged row
-- makes nothing.
SELECT herald.watch('pitfall.tasks', 'moved', '{update}', condition => 'old.team <> new.team',
                    recipient => '''leader''',
                    title => '{old.team}/{old.id} {old.state} is now {new.team}/{new.id} {new.state}');
INSERT INTO pitfall.tasks SELECT n, n % 2 + 1, 7, 'state ' || n FROM generate_series(21, 26) AS n;
SELECT count(*) FROM pitfall.made();
UPDATE pitfall.tasks SET team = CASE WHEN id % 3 = 0 THEN 3 - team ELSE team END, id = id + 10 WHERE id > 20;
SELECT * FROM pitfall.made() WHERE made LIKE 'leader%';
DELETE FROM pitfall.tasks WHERE id > 20;
SELECT count(*) FROM pitfall.made();
UPDATE pitfall.tasks SET team = team, state = state;
SELECT * FROM pitfall.made();
UPDATE pitfall.tasks SET state = 'done' WHERE id = 99;
SELECT * FROM pitfall.made();

-- COPY through the parent, and rows written directly to a partition.
COPY pitfall.tasks FROM stdin;
6	1	7	copied
7	2	8	copied
\.
SELECT * FROM pitfall.made();
COPY pitfall.tasks_1 FROM stdin;
8	1	7	copied
\.
INSERT INTO pitfall.tasks_1 VALUES (14, 1, 7, 'new');
SELECT * FROM pitfall.made();

-- Attached and detached partitions.
CREATE TABLE pitfall.tasks_3 (LIKE pitfall.tasks INCLUDING ALL);
INSERT INTO pitfall.tasks_3 VALUES (11, 3, 7, 'new');
SELECT * FROM pitfall.made();
ALTER TABLE pitfall.tasks ATTACH PARTITION pitfall.tasks_3 FOR VALUES IN (3);
INSERT INTO pitfall.tasks VALUES (12, 3, 7, 'new');
INSERT INTO pitfall.tasks_3 VALUES (15, 3, 7, 'direct');
INSERT INTO pitfall.tasks_3 VALUES (16, 3, 7, 'heard');
SELECT * FROM pitfall.made();
ALTER TABLE pitfall.tasks DETACH PARTITION pitfall.tasks_1;
INSERT INTO pitfall.tasks_1 VALUES (13, 1, 7, 'new');
SELECT * FROM pitfall.made();
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'pitfall.tasks_1'::regclass AND tgname LIKE 'herald%';
SELECT herald.sync_triggers('pitfall.tasks_1');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'pitfall.tasks_1'::regclass AND tgname LIKE 'herald%';
ALTER TABLE pitfall.tasks ATTACH PARTITION pitfall.tasks_1 FOR VALUES IN (1);
SELECT herald.sync_triggers('pitfall.tasks');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'pitfall.tasks_1'::regclass AND tgname LIKE 'herald%';

-- CREATE TABLE LIKE copies no triggers.
CREATE TABLE pitfall.twins (LIKE pitfall.tasks INCLUDING ALL);
INSERT INTO pitfall.twins SELECT * FROM pitfall.tasks;
SELECT * FROM pitfall.made();

-- TRUNCATE makes nothing.
TRUNCATE pitfall.tasks;
SELECT * FROM pitfall.made();

-- Cascading foreign keys: each row counts once, after its parent is gone.
CREATE TABLE pitfall.teams (id int PRIMARY KEY);
CREATE TABLE pitfall.boards (id int PRIMARY KEY, team int REFERENCES pitfall.teams ON DELETE CASCADE ON UPDATE CASCADE,
	state text);
SELECT herald.watch('pitfall.boards', 'board', '{update,delete}', recipient => 'changed.team', title => '{id} {state}',
                    event => 'board:{state}', room => 'team:{team}',
                    payload => 'json_build_object(''task'', json_build_object(''id'', changed.id))');
INSERT INTO pitfall.teams VALUES (1), (2);
INSERT INTO pitfall.boards VALUES (1, 1, 'open'), (2, 1, 'open'), (3, 2, 'open');
UPDATE pitfall.teams SET id = 9 WHERE id = 1;
SELECT * FROM pitfall.made();
DELETE FROM pitfall.teams;
SELECT * FROM pitfall.made();

-- A session that replays changes of another server.
SET session_replication_role = replica;
INSERT INTO pitfall.tasks VALUES (1, 1, 7, 'replayed');
RESET session_replication_role;
SELECT * FROM pitfall.made();

-- A data-only restore disables the triggers.
ALTER TABLE pitfall.tasks DISABLE TRIGGER ALL;
INSERT INTO pitfall.tasks VALUES (2, 1, 7, 'restored');
ALTER TABLE pitfall.tasks ENABLE TRIGGER ALL;
SELECT * FROM pitfall.made();
INSERT INTO pitfall.tasks VALUES (3, 1, 7, 'new');
SELECT * FROM pitfall.made();

-- Row-level security: the writer may not even see the row, and the rule reads a table that its owner owns.
CREATE ROLE regress_pitfall_owner IN ROLE herald_watch;
CREATE ROLE regress_pitfall_writer;
GRANT USAGE, CREATE ON SCHEMA pitfall TO regress_pitfall_owner;
GRANT USAGE ON SCHEMA pitfall TO regress_pitfall_writer;
SET ROLE regress_pitfall_owner;
CREATE TABLE pitfall.fans (fan_id int, idol_id int, PRIMARY KEY (idol_id, fan_id));
CREATE TABLE pitfall.songs (id int PRIMARY KEY, idol_id int);
INSERT INTO pitfall.fans VALUES (1, 9), (2, 9);
ALTER TABLE pitfall.fans ENABLE ROW LEVEL SECURITY;
ALTER TABLE pitfall.songs ENABLE ROW LEVEL SECURITY;
CREATE POLICY written ON pitfall.songs FOR INSERT TO regress_pitfall_writer WITH CHECK (true);
GRANT INSERT ON pitfall.songs TO regress_pitfall_writer;
SELECT herald.watch('pitfall.songs', 'song',
       recipient => 'SELECT f.fan_id FROM pitfall.fans AS f WHERE f.idol_id = new.idol_id', title => 'Song {id}');
SET ROLE regress_pitfall_writer;
INSERT INTO pitfall.songs VALUES (1, 9);
SET ROLE regress_pitfall_owner;
ALTER TABLE pitfall.songs FORCE ROW LEVEL SECURITY;
SET ROLE regress_pitfall_writer;
INSERT INTO pitfall.songs VALUES (2, 9);
RESET ROLE;
SELECT * FROM pitfall.made();

-- Settings of the planner
SELECT set_config(name, 'on', false) AS parallel FROM pg_settings
WHERE name IN ('force_parallel_mode', 'debug_parallel_query'); -- the second since PostgreSQL 16
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET plan_cache_mode = force_custom_plan;
INSERT INTO pitfall.songs VALUES (3, 9), (4, 9);
SELECT * FROM pitfall.made();
SET plan_cache_mode = force_generic_plan;
INSERT INTO pitfall.songs VALUES (5, 9), (6, 9);
SELECT * FROM pitfall.made();

SELECT herald.unwatch_all();
DROP SCHEMA pitfall CASCADE;
REVOKE herald_watch FROM regress_pitfall_owner;
DROP ROLE regress_pitfall_owner, regress_pitfall_writer;
