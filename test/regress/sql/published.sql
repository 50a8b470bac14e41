-- The columns of a row that payloads contain: those that do not look secret, or those that a call names.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA pub;
CREATE DOMAIN pub.picture AS bytea;
CREATE TABLE pub.users (id int PRIMARY KEY, username text);
CREATE TABLE pub.posts (id int PRIMARY KEY, user_id int REFERENCES pub.users, body text, edit_token text, password text,
	"passwordHash" text, author_ip text, "ipAddress" text, seen_from inet[], contact_email text, image bytea,
	thumbnail pub.picture, shipping text, hashtags text[], tips int, starts_at timestamp);
CREATE TABLE pub.comments (id int PRIMARY KEY, user_id int REFERENCES pub.users, post_id int REFERENCES pub.posts,
	body text, email text);
CREATE TABLE pub.messages (id int PRIMARY KEY, sender_id int REFERENCES pub.users, receiver_id int REFERENCES pub.users,
	body text, secret_key text);
CREATE TABLE pub.orders (id int PRIMARY KEY, total numeric, card_number text);
CREATE TABLE pub.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION pub.heard() RETURNS TABLE (event text, row_in_payload json) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM pub.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE pub.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT r.name, p.payload -> split_part(r.name, ':', 1)
	FROM read AS r CROSS JOIN LATERAL (SELECT r.payload::json) AS p (payload)
	WHERE r.name !~ '^notification|^room:recheck';
$$;
INSERT INTO pub.users VALUES (1, 'ana'), (2, 'ben');

-- What is left out is said.
SET client_min_messages = notice;
SELECT herald.watch_users('pub.users');
SELECT herald.watch_posts('pub.posts');
SELECT herald.watch_comments('pub.comments');
SELECT herald.watch_messages('pub.messages');
SELECT herald.watch('pub.orders', 'order_made', event => 'order:made', room => 'order:{id}');
SELECT herald.watch('pub.orders', 'order_told', event => 'order:told', room => 'order:{id}',
                    payload => 'json_build_object(''order'', new.card_number)');
SET client_min_messages = warning;

INSERT INTO pub.posts VALUES (1, 1, 'x', 'tok-123', 'hunter2', 'ab', '10.0.0.7', '10.0.0.7', '{10.0.0.7}', 'a@b.c',
	'\x00ff', '\x00ff', 'free', '{a}', 3, '2026-11-29 09:00');
UPDATE pub.posts SET password = 'hunter3';
INSERT INTO pub.comments VALUES (1, 2, 1, 'y', 'b@b.c');
INSERT INTO pub.messages VALUES (1, 1, 2, 'z', 'k');
INSERT INTO pub.orders VALUES (1, 9.5, '4111');
SELECT * FROM pub.heard();

-- A reference is no address by its name, but a text is.
SELECT name, type FROM unnest('{mail_id,mailId,phone_id,ssn_id,otp_id,iban_id,hash_id}'::text[]) AS name,
                       unnest('{text,varchar,int,bigint,numeric,uuid}'::regtype[]) AS type
WHERE herald_internal.looks_secret(name, type) <> (type IN ('text'::regtype, 'varchar'));

-- A column that comes later is published only after the table is watched again; one that goes breaks no write.
ALTER TABLE pub.posts ADD reset_token text DEFAULT 'r', ADD title text DEFAULT 't', DROP tips;
INSERT INTO pub.posts (id, user_id) VALUES (2, 1);
SELECT * FROM pub.heard();
SELECT herald.watch_posts('pub.posts');
INSERT INTO pub.posts (id, user_id) VALUES (3, 1);
SELECT * FROM pub.heard();

-- A call can choose.
SELECT herald.watch_posts('pub.posts', payload_columns => '{id,author_ip,starts_at}', zone => 'Europe/Berlin'),
       herald.watch_comments('pub.comments', payload_columns => '{}'),
       herald.watch_messages('pub.messages', payload_columns => '{body}');
UPDATE pub.posts SET body = 'xx' WHERE id = 1;
INSERT INTO pub.comments VALUES (2, 2, 1, 'y', 'b@b.c');
INSERT INTO pub.messages VALUES (2, 1, 2, 'z', 'k');
SELECT * FROM pub.heard();
\set SHOW_CONTEXT never
SELECT herald.watch_posts('pub.posts', payload_columns => '{id,nothing}');

SELECT count(herald.unwatch(relation)) FROM (SELECT relation FROM herald_internal.watched_table
                                             UNION SELECT relation FROM herald_internal.rule) AS w
WHERE relation::text LIKE 'pub.%';
DROP SCHEMA pub CASCADE;
TRUNCATE herald.notification;
