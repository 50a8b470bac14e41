-- The doctor reports each problem, and stops reporting it once its remedy has run.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA doctor;
-- Servers differ in preloaded libraries and in login roles, so that the view leaves these problems out.
CREATE VIEW doctor.report AS
	SELECT * FROM herald.doctor()
	WHERE problem NOT IN ('not_preloaded', 'database_not_served', 'worker_missing', 'role_unused', 'role_members',
	                      'owner_may_watch', 'doorbell_open');
CREATE VIEW doctor.says AS
	SELECT format('%s %s %s %s: %s', severity, problem, relation, '(' || rule || ')', detail) FROM doctor.report;
-- Returns each remedy once.
CREATE VIEW doctor.remedy AS SELECT DISTINCT remedy FROM doctor.report ORDER BY remedy;

-- A healthy database.
CREATE TABLE doctor.users (id bigint PRIMARY KEY, username text UNIQUE);
CREATE TABLE doctor.posts (id bigint PRIMARY KEY, user_id bigint REFERENCES doctor.users, content text);
CREATE TABLE doctor.likes (user_id bigint REFERENCES doctor.users, post_id bigint REFERENCES doctor.posts,
	PRIMARY KEY (post_id, user_id));
CREATE TABLE doctor.comments (id bigint PRIMARY KEY, post_id bigint REFERENCES doctor.posts,
	user_id bigint REFERENCES doctor.users,
	parent_id bigint REFERENCES doctor.comments, content text);
CREATE INDEX ON doctor.comments (post_id);
CREATE TABLE doctor.follows (follower_id bigint REFERENCES doctor.users, followee_id bigint REFERENCES doctor.users,
	PRIMARY KEY (follower_id, followee_id));
CREATE INDEX ON doctor.follows (followee_id);
CREATE TABLE doctor.members (conversation_id bigint, user_id bigint REFERENCES doctor.users, left_at timestamptz,
	PRIMARY KEY (conversation_id, user_id));
CREATE INDEX ON doctor.members (user_id);
CREATE TABLE doctor.messages (id bigint PRIMARY KEY, conversation_id bigint, sender_id bigint REFERENCES doctor.users,
	content text);
SELECT herald.watch_users('doctor.users'), herald.watch_posts('doctor.posts'), herald.watch_likes('doctor.likes'),
       herald.watch_comments('doctor.comments'),
       herald.watch_follows('doctor.follows'), herald.watch_members('doctor.members'),
       herald.watch_messages('doctor.messages');
INSERT INTO doctor.users VALUES (1, 'ann'), (2, 'ben');
INSERT INTO doctor.posts VALUES (10, 1, 'Hello');
INSERT INTO doctor.likes VALUES (2, 10);
SELECT * FROM doctor.says;

-- A renamed column, which the rules follow.
ALTER TABLE doctor.comments RENAME user_id TO author_id;
SELECT * FROM doctor.says;
SELECT * FROM doctor.remedy \gexec
SELECT * FROM doctor.says;

-- A dropped column of a table with a rule of the general form: the remedy fails until it has the successor.
CREATE TABLE doctor.orders (id int PRIMARY KEY, customer_id int, status text);
SELECT herald.watch('doctor.orders', 'order_placed', recipient => 'new.customer_id');
SELECT herald.watch('doctor.orders', 'order_status', '{update}', condition => 'new.status <> old.status',
                    event => 'order:{status}', room => 'order:{id}');
ALTER TABLE doctor.orders DROP COLUMN status;
SELECT * FROM doctor.says;
SELECT * FROM doctor.remedy \gexec
ALTER TABLE doctor.orders ADD state text;
SELECT regexp_replace(remedy, '([.{])status', '\1state', 'g') FROM doctor.remedy \gexec
SELECT * FROM doctor.says;
SELECT rule FROM herald.watched WHERE relation = 'doctor.orders'::regclass ORDER BY rule;
INSERT INTO doctor.orders VALUES (1, 1);

-- A dropped table. The worker would forget it.
DO $$ BEGIN PERFORM herald_internal.own_lock('herald_internal.log_fold', for_session => true); END $$;
CREATE TABLE doctor.gone (id int PRIMARY KEY);
SELECT herald.watch('doctor.gone', 'going', event => 'going', room => 'room');
DROP TABLE doctor.gone;
SELECT severity, problem, relation::text ~ '^\d+$' AS number, remedy ~ '^SELECT herald.unwatch\(''\d+''\);$' AS remedy
FROM doctor.report;
\set ECHO none
SELECT * FROM doctor.remedy \gexec
\set ECHO all
SELECT * FROM doctor.says;

-- The name of a table that is gone, if a call has saved it.
CREATE TABLE doctor.went (id int PRIMARY KEY, user_id int);
SELECT herald.watch_posts('doctor.went', noun => 'trip');
DROP TABLE doctor.went;
SELECT detail FROM doctor.report;
\set ECHO none
SELECT * FROM doctor.remedy \gexec
\set ECHO all
SELECT * FROM doctor.says;
DO $$ BEGIN PERFORM herald_internal.own_unlock('herald_internal.log_fold'); END $$;

-- Triggers that are disabled, missing or renamed.
ALTER TABLE doctor.posts DISABLE TRIGGER herald_insert;
ALTER TABLE doctor.likes ENABLE REPLICA TRIGGER herald_delete;
ALTER TABLE doctor.follows ENABLE ALWAYS TRIGGER herald_insert;
DROP TRIGGER herald_update ON doctor.messages;
ALTER TRIGGER herald_insert ON doctor.messages RENAME TO notify_others;
CREATE TRIGGER herald_insert AFTER INSERT ON doctor.users REFERENCING NEW TABLE AS herald_new FOR EACH STATEMENT
	EXECUTE FUNCTION herald_internal.on_change();
SELECT * FROM doctor.says;
SELECT * FROM doctor.remedy \gexec
SELECT * FROM doctor.says;
SELECT tgname, tgenabled FROM pg_trigger
WHERE tgrelid IN ('doctor.messages'::regclass, 'doctor.users'::regclass) AND NOT tgisinternal ORDER BY tgname;
ALTER TABLE doctor.follows ENABLE TRIGGER herald_insert;

-- A partial restore has left rules out: the trigger does no harm.
DELETE FROM herald_internal.rule WHERE relation = 'doctor.orders'::regclass;
INSERT INTO doctor.orders VALUES (2, 1);
SELECT * FROM doctor.says;
SELECT * FROM doctor.remedy \gexec
SELECT * FROM doctor.says;

-- Partitions that were attached after the table was watched.
CREATE TABLE doctor.stars (user_id bigint REFERENCES doctor.users, post_id bigint REFERENCES doctor.posts,
	PRIMARY KEY (post_id, user_id)) PARTITION BY LIST (user_id);
CREATE TABLE doctor.stars_1 PARTITION OF doctor.stars FOR VALUES IN (1);
SELECT herald.watch_likes('doctor.stars');
ALTER EVENT TRIGGER herald_migration DISABLE;
CREATE TABLE doctor.stars_2 PARTITION OF doctor.stars FOR VALUES IN (2);
ALTER EVENT TRIGGER herald_migration ENABLE ALWAYS;
SELECT * FROM doctor.says;
SELECT * FROM doctor.remedy \gexec
SELECT * FROM doctor.says;
DROP TABLE doctor.stars;
SELECT herald.unwatch_all();

-- Lookup indexes: none, one that begins with another column, one of a partitioned table, and those for a varchar and a
-- number that a rule compares as text. Many rows make the problem urgent.
SELECT herald.watch_users('doctor.users'), herald.watch_posts('doctor.posts'), herald.watch_likes('doctor.likes'),
       herald.watch_follows('doctor.follows'),
       herald.watch_members('doctor.members'), herald.watch_messages('doctor.messages');
SELECT * FROM doctor.says;
DROP INDEX doctor.follows_followee_id_idx, doctor.members_user_id_idx;
CREATE TABLE doctor.parcels (id int, "ownerName" varchar, depot int) PARTITION BY LIST (depot);
CREATE TABLE doctor.parcels_1 PARTITION OF doctor.parcels FOR VALUES IN (1);
SELECT herald.watch('doctor.orders', 'parcel',
       joins => 'JOIN doctor.parcels AS "the parcel" ON "the parcel"."ownerName" = new.customer_id::text',
       event => 'parcel', room => 'x');
CREATE TABLE doctor.desks (id int PRIMARY KEY, name text);
SELECT herald.watch('doctor.orders', 'all_desks', recipient => 'SELECT d.id FROM doctor.desks AS d');
SELECT herald.watch('doctor.orders', 'desk',
                    recipient => 'SELECT d.id FROM doctor.desks AS d '
                                 'WHERE lower(d.name) = new.id::text '
                                 'AND d.name = ANY (ARRAY[''a'', new.customer_id::text])');
SELECT herald.watch('doctor.orders', 'own_desk', '{update}',
                    recipient => 'SELECT d.id FROM doctor.desks AS d WHERE d.id::text = new.customer_id::text');
INSERT INTO doctor.follows SELECT 1, 2 UNION ALL SELECT 2, 1;
SET herald.enabled = off;
INSERT INTO doctor.members SELECT n, 1 FROM generate_series(1, 20000) AS n;
RESET herald.enabled;
ANALYZE doctor.members;
SELECT * FROM doctor.says;
SELECT * FROM doctor.remedy \gexec
SELECT * FROM doctor.says;
SELECT herald.unwatch('doctor.orders');

-- A rule reads only the tables that its owner may read.
CREATE ROLE regress_doctor_owner IN ROLE herald_watch, herald_admin;
CREATE ROLE regress_doctor_other;
GRANT USAGE, CREATE ON SCHEMA doctor TO regress_doctor_owner, regress_doctor_other;
SET ROLE regress_doctor_other;
CREATE TABLE doctor.fans (fan_id int, idol_id int, PRIMARY KEY (idol_id, fan_id));
GRANT SELECT ON doctor.fans TO regress_doctor_owner;
SET ROLE regress_doctor_owner;
CREATE TABLE doctor.songs (id int PRIMARY KEY, idol_id int);
SELECT herald.watch('doctor.songs', 'song',
                    recipient => 'SELECT f.fan_id FROM doctor.fans AS f WHERE f.idol_id = new.idol_id');
RESET ROLE;
SELECT * FROM doctor.says;
REVOKE SELECT ON doctor.fans FROM regress_doctor_owner;
SELECT * FROM doctor.says;
SELECT * FROM doctor.remedy \gexec
SELECT * FROM doctor.says;
REVOKE USAGE ON SCHEMA doctor FROM regress_doctor_owner;
SELECT * FROM doctor.says;
GRANT USAGE ON SCHEMA doctor TO regress_doctor_owner;

-- Row-level security hides rows from a rule without an error.
ALTER TABLE doctor.fans ENABLE ROW LEVEL SECURITY;
INSERT INTO doctor.fans VALUES (1, 9);
INSERT INTO doctor.songs VALUES (1, 9);
SELECT count(*) FROM herald.notification WHERE type = 'song';
SELECT * FROM doctor.says;
SELECT * FROM doctor.remedy \gexec
SELECT * FROM doctor.says;
INSERT INTO doctor.songs VALUES (2, 9);
SELECT count(*) FROM herald.notification WHERE type = 'song';
DROP POLICY herald ON doctor.fans;
ALTER TABLE doctor.fans OWNER TO regress_doctor_owner;
SELECT * FROM doctor.says;
ALTER TABLE doctor.fans FORCE ROW LEVEL SECURITY;
SELECT * FROM doctor.says;
ALTER ROLE regress_doctor_owner BYPASSRLS;
SELECT * FROM doctor.says;

-- A rule that has failed.
ALTER ROLE regress_doctor_owner NOBYPASSRLS;
SELECT herald.watch('doctor.songs', 'song', event => 'song', room => 'song:{id}',
                    payload => 'json_build_object(''n'', 1 / (new.id - 3))', on_error => 'warn');
SET client_min_messages = error;
INSERT INTO doctor.songs VALUES (3, 9);
SET client_min_messages = warning;
SELECT * FROM doctor.says;
\set ECHO none
SELECT * FROM doctor.remedy \gexec
\set ECHO all
SELECT * FROM doctor.says;
DROP TABLE doctor.songs, doctor.fans;
SELECT herald.unwatch_all();
DROP OWNED BY regress_doctor_owner, regress_doctor_other;
DROP ROLE regress_doctor_other;

-- Dropped functions.
CREATE FUNCTION doctor.may_enter(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION doctor.like(text, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT $2';
SELECT herald.room_policy('lobby', 'doctor.may_enter(text, text)'),
       herald.expose('post:like', 'doctor.like(text, jsonb)');
SELECT * FROM doctor.says;
DROP FUNCTION doctor.may_enter(text, text), doctor.like(text, jsonb);
SELECT * FROM doctor.says;
SELECT * FROM doctor.remedy \gexec
SELECT * FROM doctor.says;

-- Tables that a subscription writes.
SELECT herald.watch('doctor.orders', 'order_placed', '{insert,update}', recipient => 'new.customer_id');
SET client_min_messages = error;
CREATE PUBLICATION regress_doctor FOR TABLE doctor.orders;
SELECT format('CREATE SUBSCRIPTION regress_doctor CONNECTION %L PUBLICATION regress_doctor '
              'WITH (enabled = false, create_slot = false, slot_name = NONE, copy_data = false)',
              format('host=%s port=%s dbname=%s user=%s', current_setting('unix_socket_directories'),
                     current_setting('port'), current_database(), current_user)) AS command \gset
\set ECHO none
:command;
\set ECHO all
SET client_min_messages = warning;
SELECT * FROM doctor.says;
DROP SUBSCRIPTION regress_doctor;
DROP PUBLICATION regress_doctor;
SELECT * FROM doctor.says;

-- Settings.
ALTER DATABASE :"DBNAME" SET herald.enabled = off;
ALTER ROLE regress_doctor_owner SET herald.enabled = 'false';
ALTER ROLE regress_doctor_owner IN DATABASE :"DBNAME" SET synchronous_commit = off;
ALTER ROLE ALL SET synchronous_commit = off;
SELECT * FROM doctor.says;
SELECT * FROM doctor.remedy \gexec
SELECT * FROM doctor.says;
ALTER SYSTEM SET herald.enabled = off;
SELECT * FROM doctor.says;
SELECT * FROM doctor.remedy \gexec
SELECT * FROM doctor.says;
ALTER SYSTEM RESET herald.enabled;

-- Roles without a member that can log in.
CREATE VIEW doctor.roles AS SELECT severity, detail, remedy FROM herald.doctor() WHERE problem = 'role_unused';
SELECT * FROM doctor.roles;
SELECT substr(remedy, 4) FROM doctor.roles \gexec
SELECT * FROM doctor.roles;
DROP ROLE my_app, my_bridge;

-- Rights: members of the roles, owners of tables, and roles that can ring the doorbell.
CREATE VIEW doctor.rights AS SELECT severity, problem, detail, remedy FROM herald.doctor()
WHERE problem IN ('role_members', 'owner_may_watch', 'doorbell_open') AND detail ~ 'regress_(boss|clerk|guest|owner)';
CREATE ROLE regress_boss LOGIN IN ROLE herald_admin;
CREATE ROLE regress_office IN ROLE herald_publish, herald_inbox;
CREATE ROLE regress_clerk LOGIN IN ROLE regress_office, herald_inbox;
CREATE ROLE regress_guest LOGIN;
CREATE ROLE regress_owner IN ROLE herald_watch;
CREATE SCHEMA owned AUTHORIZATION regress_owner;
SET ROLE regress_owner;
SELECT format('CREATE TABLE owned.table_%s (id int)', lpad(n::text, 2, '0')) FROM generate_series(1, 12) AS n \gexec
RESET ROLE;
SELECT * FROM doctor.rights;
GRANT herald_bridge TO regress_guest;
SELECT * FROM doctor.rights WHERE problem = 'doorbell_open' OR detail ~ 'guest';
DROP SCHEMA owned CASCADE;
DROP ROLE regress_boss, regress_clerk, regress_office, regress_guest, regress_owner;

-- A prepared transaction that awaits its commit.
BEGIN;
SELECT herald.publish('room', 'prepared', '{}') IS NOT NULL AS published;
PREPARE TRANSACTION 'regress_doctor';
SELECT problem FROM doctor.report;
SELECT severity, problem, remedy FROM herald.doctor('0') WHERE problem LIKE 'transaction%';
COMMIT PREPARED 'regress_doctor';
SELECT problem FROM herald.doctor('0') WHERE problem LIKE 'transaction%';

-- A log without maintenance: one transaction, so that the worker cannot run meanwhile.
BEGIN;
SELECT herald.maintain();
SELECT herald.publish('room', 'new', '{}') IS NOT NULL AS published;
SELECT severity, problem, remedy FROM herald.doctor('0') WHERE problem LIKE 'log%';
SELECT problem FROM doctor.report;
COMMIT;
DO $$
BEGIN
	FOR attempt IN 1..300 LOOP
		PERFORM herald.maintain();
		COMMIT;
		EXIT WHEN NOT EXISTS (SELECT FROM herald.doctor('0') WHERE problem LIKE 'log%');
		PERFORM pg_sleep(0.05);
	END LOOP;
END
$$;
SELECT problem FROM herald.doctor('0') WHERE problem LIKE 'log%';

-- A database that no worker serves.
CREATE DATABASE regress_doctor;
\set HERE :DBNAME
\c regress_doctor
SET client_min_messages = warning;
CREATE EXTENSION pg_herald;
SELECT severity,
       problem = CASE WHEN current_setting('shared_preload_libraries') ~ 'pg_herald' THEN 'database_not_served'
                 ELSE 'not_preloaded' END AS expected,
       remedy ~ ('^(LOAD ''pg_herald''; ALTER SYSTEM SET shared_preload_libraries = .*; )?' ||
         'ALTER SYSTEM SET herald.databases = ''[^'']*regress_doctor''; '
         '-- and (restart the server|SELECT pg_reload_conf\(\))$') AS remedy
FROM herald.doctor() WHERE problem <> 'role_unused';
\c :HERE
DROP DATABASE regress_doctor;

-- Privileges: members of herald_admin may call the doctor, other roles may not.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SET ROLE regress_doctor_owner;
SELECT count(*) FROM herald.doctor() WHERE severity <> 'info';
SELECT herald_internal.plan_of('pg_class', 'SELECT 1');
RESET ROLE;
CREATE ROLE regress_doctor_stranger;
SET ROLE regress_doctor_stranger;
SELECT count(*) FROM herald.doctor();
RESET ROLE;

-- A dump includes every sequence of the tables that it includes.
SELECT s.oid::regclass AS forgotten
FROM pg_class AS s
JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.refclassid = 'pg_class'::regclass AND
      d.deptype IN ('a', 'i')
JOIN pg_extension AS e ON e.extname = 'pg_herald' AND d.refobjid = ANY (e.extconfig)
WHERE s.relkind = 'S' AND s.oid <> ALL (e.extconfig);

SELECT herald.unwatch_all();
REVOKE herald_watch, herald_admin FROM regress_doctor_owner;
DROP ROLE regress_doctor_owner, regress_doctor_stranger;
DROP SCHEMA doctor CASCADE;
TRUNCATE herald.notification;
