-- The general form: an order that ships is nothing social.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA store;
CREATE TABLE store.customers (id int PRIMARY KEY, name text);
CREATE TABLE store.clerks (id int PRIMARY KEY, desk text);
CREATE TABLE store.orders (id int PRIMARY KEY, customer_id int REFERENCES store.customers, status text, tracking text,
                           packed_by int);
INSERT INTO store.customers VALUES (1, 'Ann'), (2, 'Ben'), (9, 'Packer');
INSERT INTO store.clerks VALUES (1, 'north'), (2, 'north'), (3, 'south');

-- The new events of the log, by the function that the bridge reads with. Ids and times differ from run to run.
CREATE TABLE store.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION store.heard() RETURNS TABLE (rooms text, event text, membership text, payload jsonb) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM store.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE store.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name,
	       coalesce(r.member_id || ' joins ' || r.joins, r.member_id || ' leaves ' || r.leaves),
	       r.payload::jsonb - '{id,ids,createdAt,timestamp}'::text[]
	FROM read AS r
	WHERE r.name IS NOT NULL;
$$;
CREATE VIEW store.told AS
	SELECT recipient_id AS told, actor_id, actor_name, type, subject_type || ' ' || subject_id AS subject, title,
	       content, data
	FROM herald.notification
	ORDER BY id;

-- a notification and an event, from a condition over the old and the new row
SELECT herald.watch('store.orders', 'order_shipped', '{update}',
	condition => 'old.status IS DISTINCT FROM new.status AND new.status = ''shipped''',
	recipient => 'new.customer_id',
	title     => 'Order {id} is on its way',
	content   => 'Follow it with {tracking:5}…',
	data      => 'jsonb_build_object(''tracking'', new.tracking)',
	event     => 'order:shipped',
	room      => 'user:{customer_id}, order:{id}');
INSERT INTO store.orders VALUES (100, 1, 'new'), (101, 2, 'new'), (102, NULL, 'new');
UPDATE store.orders SET tracking = 'PK-1234567';
UPDATE store.orders SET status = 'shipped' WHERE id <> 101;
UPDATE store.orders SET status = 'shipped';
SELECT * FROM store.told;
SELECT * FROM store.heard() WHERE event LIKE 'order:%';
SELECT relation, rule, operation, on_error FROM herald.watched;
SELECT notify FROM herald.watched;
SELECT publish FROM herald.watched;

-- several recipients, joined tables, an actor with a name, braces that are no placeholders
TRUNCATE herald.notification;
SELECT herald.watch_users('store.customers');
SELECT herald.watch('store.orders', 'order_placed',
	joins     => 'JOIN store.customers AS customer ON customer.id = new.customer_id',
	actor     => 'new.packed_by',
	recipient => 'SELECT clerk.id FROM store.clerks AS clerk WHERE clerk.desk = ''north''',
	type      => 'work',
	title     => '{actor} has packed for {customer.name} {}',
	subject   => 'parcel:P{id}',
	event     => 'parcel:packed', room => 'desk:north',
	payload   => 'json_build_object(''by'', actor.name, ''for'', customer.name)');
INSERT INTO store.orders VALUES (103, 1, 'new', NULL, 9), (104, 2, 'new', NULL, NULL);
SELECT * FROM store.told;
SELECT * FROM store.heard() WHERE event LIKE 'parcel:%';

-- watching again replaces the rule, with its operations
SELECT herald.watch('store.orders', 'order_placed', '{insert,delete}', event => 'order:{status}', room => 'desk:north',
                    payload => 'changed.herald_row');
INSERT INTO store.orders VALUES (105, 1, 'new');
DELETE FROM store.orders WHERE id = 105;
SELECT * FROM store.heard();
SELECT rule, operation FROM herald.watched ORDER BY rule, operation;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'store.orders'::regclass AND NOT tgisinternal ORDER BY tgname;
SELECT herald.watch('store.orders', 'order_placed', event => 'order:placed', room => 'desk:north');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'store.orders'::regclass AND NOT tgisinternal ORDER BY tgname;

-- switched off for a session
SET herald.enabled = off;
INSERT INTO store.orders VALUES (106, 1, 'new');
RESET herald.enabled;
SELECT * FROM store.heard();

-- membership of rooms, by the internal form that the calls for social tables use
SELECT herald_internal.watch('store.clerks', 'desk', event => 'desk:staffed', room => 'desk:{desk}',
	member => 'new.id', member_joins => 'conversation:{desk}'), herald.sync_triggers('store.clerks');
SELECT herald_internal.save_room_source('store.clerks', 'members',
	$$SELECT c.id::text, 'conversation:' || c.desk FROM store.clerks AS c WHERE c.id::text = ANY ($1)$$);
INSERT INTO store.clerks VALUES (4, 'south');
SELECT * FROM store.heard();

-- mistakes are reported when the table is watched
SELECT herald.watch('store.orders', 'nothing');
SELECT herald.watch('store.orders', 'deaf', event => 'order:x');
SELECT herald.watch('store.orders', 'never', '{}', recipient => 'new.customer_id');
SELECT herald.watch('store.orders', 'truncated', '{truncate}', recipient => 'new.customer_id');
SELECT herald.watch('store.orders', 'no_column', recipient => 'new.client_id');
SELECT herald.watch('store.orders', 'no_syntax', recipient => 'new.customer_id', condition => 'new.status =');
SELECT herald.watch('store.orders', 'no_placeholder', event => 'order:x', room => 'order:{number}');
SELECT herald.watch('store.orders', 'no_subject', recipient => 'new.customer_id', subject => '{id}');
SELECT herald.watch('store.orders', 'no_policy', recipient => 'new.customer_id', on_error => 'shrug');
SELECT DISTINCT rule FROM herald.watched ORDER BY rule;

-- only the owner of a table watches it, and only as a member of herald_watch
CREATE ROLE regress_herald_owner IN ROLE herald_watch;
CREATE ROLE regress_herald_other;
GRANT USAGE, CREATE ON SCHEMA store TO regress_herald_owner, regress_herald_other;
SET ROLE regress_herald_owner;
CREATE TABLE store.visits (id int PRIMARY KEY, visitor text);
SELECT herald.watch('store.visits', 'visit', event => 'visit', room => 'door:{id}');
SELECT herald.watch('store.orders', 'spy', event => 'spied', room => 'user:spy');
SELECT herald.watch_posts('store.orders', author => 'customer_id');
SELECT herald.unwatch('store.orders');
-- not even through a table of one's own: its rules have the rights of its owner only
SELECT herald.watch('store.visits', 'spy', event => 'spied', room => 'user:spy',
                    payload => '(SELECT row_to_json(o) FROM store.orders AS o LIMIT 1)');
SET ROLE regress_herald_other;
CREATE TABLE store.own (id int);
SELECT herald.watch('store.own', 'mine', event => 'x', room => 'y');
RESET ROLE;
INSERT INTO store.visits VALUES (1, 'ann');
SELECT * FROM store.heard();
DROP TABLE store.visits, store.own;
DROP OWNED BY regress_herald_owner, regress_herald_other;
DROP ROLE regress_herald_owner, regress_herald_other;

-- a rule that fails later: the write fails with it, or passes with a warning
SELECT herald.watch('store.orders', 'order_placed', event => 'order:placed', room => 'order:{id}',
                    payload => 'json_build_object(''n'', 1 / (new.id - 107))', on_error => 'abort');
INSERT INTO store.orders VALUES (107, 1, 'new');
SELECT herald.watch('store.orders', 'order_placed', event => 'order:placed', room => 'order:{id}',
                    payload => 'json_build_object(''n'', 1 / (new.id - 107))',
	on_error => 'warn');
INSERT INTO store.orders VALUES (107, 1, 'new');
INSERT INTO store.orders VALUES (108, 1, 'new');
SELECT * FROM store.heard();
SELECT rule, sqlstate, message, times FROM herald.rule_failure;

-- a compiled query must return its columns in the order that the library reads
SELECT herald_internal.save_rule('store.orders', 'swapped', 'insert', 'insert',
	'SELECT NULL::text AS recipient_id, NULL::text AS cause FROM herald_new', NULL, NULL, NULL, 'abort');
SELECT herald_internal.save_rule('store.orders', 'short', 'insert', 'insert', NULL,
	'SELECT ''{}''::text[] AS rooms, NULL::text AS name FROM herald_new', NULL, NULL, 'abort');

-- each row has one event, with no recipient, one, or several
TRUNCATE herald.notification;
CREATE TABLE store.parcels (id int PRIMARY KEY, receiver text, watchers text[]);
SELECT herald.watch('store.parcels', 'sent', recipient => 'new.receiver', event => 'parcel:sent', room => 'parcel:{id}',
                    payload => '''{}''');
SELECT herald.watch('store.parcels', 'watched', recipient => 'unnest(new.watchers)', event => 'parcel:watched',
                    room => 'parcel:{id}', payload => '''{}''');
SELECT rule, with_event FROM (SELECT name AS rule, with_event FROM herald_internal.rule
                              WHERE relation = 'store.parcels'::regclass) AS r ORDER BY rule;
INSERT INTO store.parcels VALUES (1, '1', '{2,3}'), (2, NULL, NULL);
SELECT told, type, subject FROM store.told;
SELECT * FROM store.heard() WHERE event LIKE 'parcel:%';

-- a row as a whole has the columns of the table, and no others
CREATE TABLE store.crates (id int, label text);
SELECT herald.watch('store.crates', 'moved', '{insert,update,delete}', condition => 'old.* IS DISTINCT FROM new.*',
                    recipient => $$'1'$$, data => 'to_jsonb(changed)', event => 'crate:moved', room => 'crate:{id}',
                    payload => $$json_build_object('new', row_to_json(new.*), 'was', old.label, 'fields',
	                    (SELECT count(*) FROM json_object_keys(row_to_json(changed)) AS k))$$);
INSERT INTO store.crates VALUES (1, 'old.new');
UPDATE store.crates SET label = 'other';
DELETE FROM store.crates;
SELECT data FROM herald.notification WHERE type = 'moved' ORDER BY id;
SELECT payload FROM herald.event WHERE name = 'crate:moved' ORDER BY id;

-- one rule is removed, with the triggers that no other rule needs
SELECT herald.watch('store.clerks', 'left', '{delete}', event => 'desk:left', room => 'desk:{desk}');
SELECT herald.unwatch('store.clerks', 'left');
SET client_min_messages = notice;
SELECT herald.unwatch('store.clerks', 'left');
SET client_min_messages = warning;
SELECT rule FROM herald.watched WHERE relation = 'store.clerks'::regclass;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'store.clerks'::regclass;
SELECT herald.unwatch(NULL);

SELECT herald.unwatch_all();
DROP SCHEMA store CASCADE;
TRUNCATE herald.notification;
