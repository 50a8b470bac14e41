-- The three examples of docs/sql.md, "Three examples". The statements between the lines "-- docs" and "-- end" have the
-- same text as there (test/lint/documented compares them). The queries behind each show its notifications and events.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
TRUNCATE herald.notification;
CREATE SCHEMA examples;
SET search_path = examples;
CREATE VIEW told AS
	SELECT recipient_id AS told, title, content, retracted_at IS NOT NULL AS retracted
	FROM herald.notification ORDER BY id;
CREATE TABLE mark AS SELECT herald.current_position() AS position;
-- Returns the events since the last call. Ids differ from run to run.
CREATE FUNCTION heard() RETURNS TABLE (rooms text, event text, what text) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name,
	       coalesce(p ->> 'title', p ->> 'count', p ->> 'ticketId', p ->> 'buildId', p ->> 'orderId')
	FROM read AS r, CAST(r.payload AS json) AS p
	WHERE r.name IS NOT NULL;
$$;

-- docs
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, status text NOT NULL, tracking_number text);

SELECT herald.watch('orders', 'order_shipped', '{update}',
    condition => 'old.status <> new.status AND new.status = ''shipped''',
    recipient => 'new.customer_id',
    title     => 'Order {id} is on its way',
    content   => 'Follow it with {tracking_number}',
    event     => 'order:shipped',
    room      => 'user:{customer_id}, order:{id}');

INSERT INTO orders VALUES (100, 7, 'new', NULL), (101, 8, 'new', NULL);
UPDATE orders SET status = 'shipped', tracking_number = 'PK-123' WHERE id = 100;
-- end
SELECT * FROM told;
SELECT * FROM heard();
-- the rule ignores an UPDATE of another column, and one that changes nothing
UPDATE orders SET tracking_number = 'PK-124' WHERE id = 100;
UPDATE orders SET status = 'shipped' WHERE id = 100;
-- without a number there is no content, and without a customer no recipient
UPDATE orders SET status = 'shipped' WHERE id = 101;
INSERT INTO orders VALUES (102, NULL, 'new', NULL);
UPDATE orders SET status = 'shipped' WHERE id = 102;
SELECT * FROM told;
SELECT * FROM heard();
TRUNCATE herald.notification;

-- docs
CREATE TABLE builds (id int PRIMARY KEY, branch text, pushed_by text, status text NOT NULL, log text);

SELECT herald.watch('builds', 'build_failed', '{insert,update}',
    condition => 'new.status = ''failed'' AND old.status IS DISTINCT FROM ''failed''',
    recipient => 'new.pushed_by',
    title     => 'Build {id} of {branch} failed',
    content   => '{log:40}',
    event     => 'build:failed',
    room      => 'branch:{branch}');

INSERT INTO builds VALUES (1, 'main', 'eve', 'running', NULL);
UPDATE builds SET status = 'failed', log = 'no space left on device' WHERE id = 1;
UPDATE builds SET status = 'running', log = NULL WHERE id = 1;
UPDATE builds SET status = 'failed', log = 'test 7 of 9 failed' WHERE id = 1;
-- end
SELECT * FROM told;
SELECT * FROM heard();
-- a build that is inserted as failed, and one that stays failed
INSERT INTO builds VALUES (2, 'main', 'eve', 'failed', 'no such branch');
UPDATE builds SET log = log || ', really' WHERE id = 2;
SELECT * FROM told;
SELECT * FROM heard();
TRUNCATE herald.notification;

-- docs
CREATE TABLE staff (id text PRIMARY KEY, name text);
CREATE TABLE tickets (
    id int PRIMARY KEY, subject text, reporter text, assignee text, changed_by text,
    status text NOT NULL DEFAULT 'open');
INSERT INTO staff VALUES ('ann', 'Ann'), ('bob', 'Bob'), ('cem', 'Cem'), ('dee', 'Dee');

SELECT herald.watch_users('staff');
SELECT herald.watch('tickets', 'ticket_assigned',
    active    => 'status <> ''closed''',
    key       => 'assignee',
    cause     => 'ticket:{id}:assigned:{assignee}',
    actor     => 'changed.changed_by',
    recipient => 'new.assignee',
    title     => '{actor} gave you ticket {id}',
    content   => '{subject:80}');
SELECT herald.watch('tickets', 'ticket_closed',
    active    => 'status = ''closed''',
    cause     => 'ticket:{id}:closed',
    actor     => 'changed.changed_by',
    recipient => 'new.reporter',
    title     => '{actor} closed your ticket {id}',
    event     => 'ticket:closed',
    room      => 'ticket:{id}');

INSERT INTO tickets VALUES (5, 'Printer on fire', 'dee', 'bob', 'ann');
UPDATE tickets SET assignee = 'cem', changed_by = 'ann' WHERE id = 5;
UPDATE tickets SET status = 'closed', changed_by = 'cem' WHERE id = 5;
-- end
SELECT * FROM told;
SELECT * FROM heard();
-- reopened: the reporter's notification goes, and that of the assignee is restored
UPDATE tickets SET status = 'open', changed_by = 'dee' WHERE id = 5;
SELECT * FROM told;
SELECT * FROM heard();
-- back to the former assignee, whose notification is restored; then to the user who makes the change, without one
UPDATE tickets SET assignee = 'bob', changed_by = 'ann' WHERE id = 5;
UPDATE tickets SET assignee = 'ann', changed_by = 'ann' WHERE id = 5;
SELECT * FROM told;
SELECT * FROM heard();
-- read notifications stay: a type without a row in herald.notification_type is retracted while unread
UPDATE tickets SET assignee = 'bob' WHERE id = 5;
SELECT herald.mark_all_read('bob');
DELETE FROM tickets;
SELECT * FROM told;
SELECT title, read_at IS NOT NULL AS read FROM herald.inbox('bob');

SELECT herald.unwatch_all();
TRUNCATE herald.read_mark, herald.notification;
RESET search_path;
DROP SCHEMA examples CASCADE;
