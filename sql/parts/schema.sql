-- ---------------------------------------------------------------------------
-- The schemas, the registry of watched tables, and helpers for all parts
--
-- Schema herald is the interface: functions, views and tables that users call
-- and read. Schema herald_internal holds everything else, and the last part
-- makes herald_body. They belong to the extension.
-- ---------------------------------------------------------------------------

CREATE FUNCTION pg_catalog.herald_check_schemas() RETURNS void LANGUAGE c AS 'MODULE_PATHNAME';
SELECT pg_catalog.herald_check_schemas();
DROP FUNCTION pg_catalog.herald_check_schemas();

CREATE SCHEMA herald;
COMMENT ON SCHEMA herald IS 'pg_herald: functions, views and tables for users';
CREATE SCHEMA herald_internal;
COMMENT ON SCHEMA herald_internal IS 'pg_herald: functions and tables that only the extension and the bridge use';

-- A change of a table or a function that C code uses raises the number, here and in layout.h.
CREATE FUNCTION herald_internal.layout() RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 1';
COMMENT ON FUNCTION herald_internal.layout() IS
	'the number of the layout of tables and functions: a library that needs a later one runs no rules';

-- ---------------------------------------------------------------------------
-- The registry of watched tables
--
-- Only the C functions below write to these tables. They check that the
-- caller owns the watched table. A dump contains the tables.
-- ---------------------------------------------------------------------------

-- A session's first write opens the table of rules. It has no defaults, and domains have its constraints: the session
-- would read two more catalogs.
CREATE DOMAIN herald_internal.operation AS text CHECK (VALUE IN ('insert', 'update', 'delete'));
CREATE DOMAIN herald_internal.on_error AS text CHECK (VALUE IN ('suspend', 'abort', 'warn'));
COMMENT ON DOMAIN herald_internal.operation IS 'a change of a row, or the statement that makes it';
COMMENT ON DOMAIN herald_internal.on_error IS 'the effect of a rule''s error';

CREATE TABLE herald_internal.rule (
	id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	relation  regclass NOT NULL,
	name      text NOT NULL,
	change    herald_internal.operation NOT NULL,
	operation herald_internal.operation NOT NULL,
	notify    text,
	publish   text,
	lock      text,
	retract   text,
	schedule  text,
	on_error  herald_internal.on_error NOT NULL,
	with_event boolean NOT NULL,
	room_prefixes text[] NOT NULL,
	counters  int[] NOT NULL,
	UNIQUE (relation, name, change, operation)
);
CREATE INDEX ON herald_internal.rule (relation);
COMMENT ON TABLE herald_internal.rule IS
	'rules, compiled to the SQL that the trigger runs; "change" is the change of a row, "operation" the statement '
	'that makes it; with_event: "notify" returns an event beside each notification; room_prefixes and counters: the '
	'rooms that users may join or leave by its events, and the totals that these may change; those of its table';

-- Writers append; herald.maintain() runs the rules of the rows and deletes these records. "run_at" is later than "at"
-- if that failed. The newest record of a row counts. A published row has a record for an hour, until "run_at": older
-- records have no effect, nor has a newer one for the same time, of a transaction that began before that time. The
-- older ones go with it. The record of an emptied table stays while there are older ones.
CREATE TABLE herald_internal.due (
	relation  regclass NOT NULL, -- the watched table whose rules publish the row; without a row, the emptied table
	row_id    text, -- NULL: all rows that the table, or the partition, had
	at        timestamptz NOT NULL,
	run_at    timestamptz NOT NULL,
	published boolean NOT NULL,
	id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
);
CREATE INDEX ON herald_internal.due (run_at) WHERE NOT published;
CREATE INDEX ON herald_internal.due (run_at) WHERE published;
CREATE INDEX ON herald_internal.due USING hash (row_id);
CREATE INDEX ON herald_internal.due (relation) WHERE row_id IS NULL;
COMMENT ON TABLE herald_internal.due IS
	'rows of watched tables that the time changes: at their time their rules run, as after an UPDATE';

-- They name the rule and not its id: the number outlives the rule, which is watched again.
CREATE TABLE herald.rule_failure (
	relation regclass NOT NULL,
	rule     text NOT NULL,
	sqlstate text NOT NULL,
	message  text NOT NULL,
	times    bigint NOT NULL DEFAULT 1,
	since    timestamptz NOT NULL DEFAULT now(),
	until    timestamptz NOT NULL DEFAULT now(),
	id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
);
COMMENT ON TABLE herald.rule_failure IS
	'failures of rules that let the write pass: of a row''s values, or of an event that was refused; herald.maintain() '
	'adds up the rows of each rule and SQLSTATE';
COMMENT ON COLUMN herald.rule_failure.relation IS 'the watched table';
COMMENT ON COLUMN herald.rule_failure.rule IS 'the name of the rule; blocks: the query for blocks of the table';
COMMENT ON COLUMN herald.rule_failure.sqlstate IS 'the SQLSTATE of the error';
COMMENT ON COLUMN herald.rule_failure.message IS
	'the newest message of the error, on one line, cut to 500 bytes';
COMMENT ON COLUMN herald.rule_failure.times IS 'how many failures the row stands for';
COMMENT ON COLUMN herald.rule_failure.since IS 'the start of the first transaction whose rule failed';
COMMENT ON COLUMN herald.rule_failure.until IS 'the start of the last transaction whose rule failed';
COMMENT ON COLUMN herald.rule_failure.id IS 'a number of its own';

-- Sessions that meet a misfit at the same time add a row each: none waits for another.
CREATE TABLE herald_internal.suspension (
	rule     int,
	blocks   regclass,
	since    timestamptz NOT NULL DEFAULT now(),
	sqlstate text NOT NULL,
	message  text NOT NULL,
	id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	CHECK (num_nonnulls(rule, blocks) = 1)
);
COMMENT ON TABLE herald_internal.suspension IS
	'rules, and queries for blocks of a table, that do not fit the schema: no write runs them until resume_rules() '
	'finds that they fit again';

CREATE TABLE herald.missed_change (
	relation regclass NOT NULL,
	rule     text NOT NULL,
	changes  bigint NOT NULL,
	since    timestamptz NOT NULL DEFAULT now(),
	until    timestamptz NOT NULL DEFAULT now(),
	id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
);
COMMENT ON TABLE herald.missed_change IS
	'the number of changed rows that suspended rules have missed, and of notifications that were held back because '
	'blocks could not be asked; herald.maintain() adds up the rows of each rule';
COMMENT ON COLUMN herald.missed_change.relation IS 'the watched table';
COMMENT ON COLUMN herald.missed_change.rule IS
	'the name of the rule; blocks: the table could not be asked for blocks';
COMMENT ON COLUMN herald.missed_change.changes IS
	'how many changed rows the rule has missed, or how many notifications were held back';
COMMENT ON COLUMN herald.missed_change.since IS 'the start of the first transaction that changed them';
COMMENT ON COLUMN herald.missed_change.until IS 'the start of the last transaction that changed them';
COMMENT ON COLUMN herald.missed_change.id IS 'a number of its own';

CREATE TYPE herald_internal.opened_room AS (prefix text, relation text, key text[], access text, keys text);
COMMENT ON TYPE herald_internal.opened_room IS
	'the rooms of a table: their prefix, condition of access and further keys';

CREATE TYPE herald_internal.watched_arguments AS (
	key text[], author text[], subject text[], parent text[], body text[], actor text[], follower text[],
	followee text[], conversation text[], member text[], sender text[], receiver text[], writable text[],
	blocker text[], blocked text[], published_columns text[],
	mutual boolean, timed boolean, direct boolean, payload_columns text[],
	subject_tables jsonb, sender_tables jsonb, sendable boolean, max_length int,
	rooms herald_internal.opened_room[]
);
COMMENT ON TYPE herald_internal.watched_arguments IS 'the types of saved arguments that are not texts';

CREATE TABLE herald_internal.watched_table (
	relation  regclass NOT NULL,
	kind      text NOT NULL,
	arguments jsonb NOT NULL CHECK (pg_typeof(jsonb_populate_record(NULL::herald_internal.watched_arguments,
	                                                                arguments)) IS NOT NULL),
	PRIMARY KEY (relation, kind)
);
COMMENT ON TABLE herald_internal.watched_table IS
	'the calls of watch_users(), watch_posts() and so on, from which rules are compiled again; "names" are those that '
	'tables had, by OID, and their columns, by number: the arguments follow renames';

CREATE TABLE herald_internal.counter (
	id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	relation     regclass NOT NULL,
	field        text NOT NULL,
	count_sql    text NOT NULL,
	subject_type text,
	owner_sql    text
);
CREATE UNIQUE INDEX ON herald_internal.counter (relation, field, coalesce(subject_type, ''));
COMMENT ON TABLE herald_internal.counter IS
	'totals in events: the JSON key, the query that counts for an array of subjects ($1), and the query for the owner '
	'of a subject ($1), for milestones';

CREATE TABLE herald_internal.room_source (
	relation regclass NOT NULL,
	kind     text NOT NULL CHECK (kind IN ('follows', 'members')),
	sql      text NOT NULL,
	prefix   text NOT NULL GENERATED ALWAYS AS (CASE kind WHEN 'members' THEN 'conversation:' ELSE 'feed:' END) STORED,
	PRIMARY KEY (relation, kind)
);
COMMENT ON TABLE herald_internal.room_source IS
	'queries for the rooms that users ($1) are in by the application''s own tables';

SELECT pg_extension_config_dump('herald_internal.rule', '');
SELECT pg_extension_config_dump('herald_internal.rule_id_seq', '');
SELECT pg_extension_config_dump('herald_internal.watched_table', '');
SELECT pg_extension_config_dump('herald_internal.counter', '');
SELECT pg_extension_config_dump('herald_internal.counter_id_seq', '');
SELECT pg_extension_config_dump('herald_internal.room_source', '');
SELECT pg_extension_config_dump('herald_internal.due', '');
SELECT pg_extension_config_dump('herald_internal.due_id_seq', '');

CREATE FUNCTION herald_internal.on_change() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'herald_on_change';
COMMENT ON FUNCTION herald_internal.on_change() IS
	'the trigger function of all watched tables; does nothing for a table without rules';

CREATE FUNCTION herald_internal.save_rule(relation regclass, name text, change text, operation text, notify text,
                                          publish text, lock text, retract text, on_error text,
                                          schedule text DEFAULT NULL, with_event boolean DEFAULT false) RETURNS int
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_save_rule';
COMMENT ON FUNCTION herald_internal.save_rule(regclass, text, text, text, text, text, text, text, text, text,
                                              boolean) IS
	'saves a compiled rule and runs it over no rows';

CREATE FUNCTION herald_internal.delete_rules(relation regclass, name text DEFAULT NULL) RETURNS int
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_delete_rules';
COMMENT ON FUNCTION herald_internal.delete_rules(regclass, text) IS
	'deletes the rules of a table, or those of one name';

CREATE FUNCTION herald_internal.save_counter(relation regclass, field text, count_sql text, subject_type text,
                                             owner_sql text) RETURNS int
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_save_counter';
COMMENT ON FUNCTION herald_internal.save_counter(regclass, text, text, text, text) IS 'saves the query of a total';

CREATE FUNCTION herald_internal.save_room_source(relation regclass, kind text, sql text) RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_save_room_source';
COMMENT ON FUNCTION herald_internal.save_room_source(regclass, text, text) IS 'saves a query for automatic rooms';

CREATE FUNCTION herald_internal.save_watched(relation regclass, kind text, arguments jsonb) RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_save_watched';
COMMENT ON FUNCTION herald_internal.save_watched(regclass, text, jsonb) IS 'saves the arguments of a watch call';

CREATE FUNCTION herald_internal.rehearse(relation regclass, query text) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_rehearse';
COMMENT ON FUNCTION herald_internal.rehearse(regclass, text) IS
	'runs a query with two texts that are null, as the owner of the table: a mistake in it is an error';

CREATE FUNCTION herald_internal.schedule_rows(relation regclass, query text) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_schedule_rows';
COMMENT ON FUNCTION herald_internal.schedule_rows(regclass, text) IS
	'schedules the rows that a query returns, as the owner of their table';

CREATE FUNCTION herald_internal.run_due(relation regclass, query text, time_column text, ids text[], emptied text[])
	RETURNS bigint
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_run_due';
COMMENT ON FUNCTION herald_internal.run_due(regclass, text, text, text[], text[]) IS
	'runs the rules of a table for the rows that a query returns, as if an UPDATE had set the time in a column; '
	'returns the number of rows';

CREATE FUNCTION herald_internal.forget_table(relation regclass) RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_forget_table';
COMMENT ON FUNCTION herald_internal.forget_table(regclass) IS 'deletes all rules and saved arguments of a table';

CREATE FUNCTION herald_internal.follow_names(sql text) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_follow_names';
COMMENT ON FUNCTION herald_internal.follow_names(text) IS
	'returns saved SQL with the present names of its columns and tables';

CREATE FUNCTION herald_internal.has_stale_marks(sql text) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_has_stale_marks';
COMMENT ON FUNCTION herald_internal.has_stale_marks(text) IS
	'returns whether saved SQL has names of another database, or of columns and tables that are gone';

CREATE FUNCTION herald_internal.database_tag() RETURNS text
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_database_tag';
COMMENT ON FUNCTION herald_internal.database_tag() IS 'returns a hash of the cluster and the database';

CREATE FUNCTION herald_internal.mark_names(relation regclass, before text, sql text, after text,
                                           parameter regtype DEFAULT '-') RETURNS text
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_mark_names';
COMMENT ON FUNCTION herald_internal.mark_names(regclass, text, text, text, regtype) IS
	'returns SQL with a mark before each name, so that it follows renames, inside the query around it';

CREATE FUNCTION herald_internal.plain_sql(sql text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_plain_sql';
COMMENT ON FUNCTION herald_internal.plain_sql(text) IS 'returns saved SQL without the marks before its names';

CREATE FUNCTION herald_internal.reload_rules(relation regclass) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_reload_rules';
COMMENT ON FUNCTION herald_internal.reload_rules(regclass) IS
	'lets all sessions load the rules of a table and of its partitions again, after the commit';

CREATE FUNCTION herald_internal.automatic_rooms(users text[], prefixes text[] DEFAULT '{feed:,conversation:}')
	RETURNS TABLE (user_id text, room text)
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'herald_automatic_rooms';
COMMENT ON FUNCTION herald_internal.automatic_rooms(text[], text[]) IS
	'returns the rooms that users are in by the application''s own tables, for some prefixes of their names';

-- A record keeps the name of its function: pg_upgrade refuses columns of type regprocedure, because OIDs of functions
-- change. Only the owner of the function that was registered may put another function in its place.
CREATE FUNCTION herald_internal.registered_function(name text, owner oid) RETURNS regprocedure
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.oid = to_regprocedure(name) AND p.proowner = owner;
$$;
COMMENT ON FUNCTION herald_internal.registered_function(text, oid) IS
	'returns the function of a record; NULL if there is none of that name, or another role owns it';

CREATE FUNCTION herald_internal.ask_as(function regprocedure, run_as oid, user_id text, question jsonb) RETURNS jsonb
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_ask_as';
COMMENT ON FUNCTION herald_internal.ask_as(regprocedure, oid, text, jsonb) IS
	'calls a function (text, jsonb) that reads, as a role';

CREATE FUNCTION herald_internal.act_as(function regprocedure, run_as oid, user_id text, payload jsonb) RETURNS jsonb
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_act_as';
COMMENT ON FUNCTION herald_internal.act_as(regprocedure, oid, text, jsonb) IS
	'calls a function (text, jsonb) that may write, as a role, with its deferred triggers; only act() does that';

-- The trigger of the tables to which roles add records of their own: an action, a room policy, a type. A record without
-- an owner is the extension's: all who may write to the table may change it.
CREATE FUNCTION herald_internal.check_owner() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	superuser boolean := (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user);
BEGIN
	IF tg_op = 'INSERT' THEN
		IF NOT coalesce(pg_has_role(new.owner, 'MEMBER'), superuser) THEN -- a restored dump keeps its owners
			new.owner := quote_ident(current_user)::regrole;
		END IF;
	ELSIF tg_op = 'UPDATE' AND old.owner IS NULL THEN
		new.owner := NULL;
	ELSIF old.owner IS NULL AND NOT superuser THEN
		RAISE EXCEPTION 'must be superuser to delete a record of the extension'
			USING ERRCODE = 'insufficient_privilege', HINT = 'Change it instead.';
	ELSIF NOT pg_has_role(old.owner, 'MEMBER') THEN
		RAISE EXCEPTION 'must be a member of role %, which owns the record', old.owner
			USING ERRCODE = 'insufficient_privilege',
			      HINT = 'Choose another name, or do it as a member of that role.';
	ELSIF tg_op = 'UPDATE' AND NOT pg_has_role(new.owner, 'MEMBER') THEN
		RAISE EXCEPTION 'must be a member of role %', new.owner
			USING ERRCODE = 'insufficient_privilege', HINT = 'Give records to roles of yours only.';
	END IF;
	RETURN CASE tg_op WHEN 'DELETE' THEN old ELSE new END;
END
$$;
COMMENT ON FUNCTION herald_internal.check_owner() IS
	'trigger: a record belongs to the role that made it, and others neither replace nor delete it';

CREATE FUNCTION herald_internal.own_lock("table" regclass, wait boolean DEFAULT true, for_session boolean DEFAULT false)
	RETURNS boolean
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_own_lock';
COMMENT ON FUNCTION herald_internal.own_lock(regclass, boolean, boolean) IS
	'takes the lock that goes with a table of the extension, which no other role can take';
CREATE FUNCTION herald_internal.own_unlock("table" regclass) RETURNS boolean
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_own_unlock';
COMMENT ON FUNCTION herald_internal.own_unlock(regclass) IS 'releases such a lock of the session';

CREATE FUNCTION herald_internal.setting(name text) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_setting';
COMMENT ON FUNCTION herald_internal.setting(text) IS 'returns the setting herald.NAME, in any session';

CREATE FUNCTION herald_internal.check_reader(name text) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_check_reader';
COMMENT ON FUNCTION herald_internal.check_reader(text) IS
	'returns true, or raises an error that names the roles that may read a view of schema herald';

CREATE FUNCTION herald_internal.entry_caller() RETURNS oid
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'herald_entry_caller';
COMMENT ON FUNCTION herald_internal.entry_caller() IS
	'returns the role that called the function of schema herald which runs, also if that runs as another role';

CREATE FUNCTION herald.iso8601(moment timestamptz) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_iso8601';
COMMENT ON FUNCTION herald.iso8601(timestamptz) IS
	'returns a time in the form that JSON has: ISO 8601, UTC, milliseconds';

CREATE FUNCTION herald.current_user_id() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(nullif(current_setting('herald.user_id', true), ''),
	                nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub');
$$;
COMMENT ON FUNCTION herald.current_user_id() IS
	'returns the application''s user that this session acts for: herald.user_id, else "sub" of request.jwt.claims';
