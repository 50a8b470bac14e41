-- Text keys, keys of several columns, and tables with columns that the caller must name. An id consists of the key's
-- parts, separated by commas.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA shop;
CREATE TABLE shop.people (tenant text, nick varchar(20), "call me" text, mail_me boolean NOT NULL DEFAULT true,
	PRIMARY KEY (tenant, nick));
CREATE TABLE shop.photos (tenant text, number int, taker varchar(20), PRIMARY KEY (tenant, number),
	FOREIGN KEY (taker, tenant) REFERENCES shop.people (nick, tenant));
CREATE TABLE shop.stars (tenant text, who varchar(20), photo int, FOREIGN KEY (tenant, who) REFERENCES shop.people,
	FOREIGN KEY (photo, tenant) REFERENCES shop.photos (number, tenant));
CREATE TABLE shop.remarks (tenant text, id char(4), what int, who varchar(20), answers char(4), remark text,
	PRIMARY KEY (tenant, id));
CREATE TABLE shop.fans (tenant text, fan varchar(20), star varchar(20));
CREATE TABLE shop.letters (id text PRIMARY KEY, tenant text, writer varchar(20), reader varchar(20), line text);
INSERT INTO shop.people VALUES ('acme', 'ann', 'Ann', true), ('acme', 'ben', 'Ben', true),
	('acme', 'cat', 'Cat', false), ('zeta', 'ann', 'Another Ann', true);

SELECT herald.watch_users('shop.people', name => 'call me', notifications_enabled => 'mail_me');
SELECT herald.watch_posts('shop.photos', author => 'tenant, taker');
SELECT herald.watch_likes('shop.stars', actor => 'tenant, who');
SELECT herald.watch_comments('shop.remarks', author => 'tenant, who', subject => 'tenant, what',
                             parent => 'tenant, answers', body => 'remark');
SELECT herald.watch_follows('shop.fans', follower => 'tenant, fan', followee => 'tenant, star');
SELECT herald.watch_messages('shop.letters', sender => 'tenant,writer', receiver => 'tenant,reader', body => 'line');
SELECT relation, kind,
       herald_internal.plain_sql((arguments - '{call,names,table,table_owner}'::text[])::text) AS arguments
FROM herald_internal.watched_table ORDER BY relation::text;

-- Returns the new events of the log through the bridge's own function. Ids and times differ from run to run.
CREATE TABLE shop.mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION shop.heard() RETURNS TABLE (rooms text, event text, membership text, payload jsonb) LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM shop.mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE shop.mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name,
	       coalesce(r.member_id || ' joins ' || r.joins, r.member_id || ' leaves ' || r.leaves),
	       r.payload::jsonb - '{id,ids,createdAt,timestamp}'::text[]
	FROM read AS r
	WHERE r.name IS NOT NULL;
$$;
INSERT INTO shop.photos VALUES ('acme', 1, 'ann'), ('zeta', 1, 'ann'), ('acme', 2, 'cat');
INSERT INTO shop.stars VALUES ('acme', 'ben', 1), ('zeta', 'ann', 1), ('acme', 'ben', 2);
INSERT INTO shop.remarks VALUES ('acme', 'r1', 1, 'ben', NULL, 'Sharp');
INSERT INTO shop.remarks VALUES ('acme', 'r2', 1, 'cat', 'r1', 'Not sharp');
INSERT INTO shop.fans VALUES ('acme', 'ben', 'ann'), ('acme', 'ben', 'cat');
INSERT INTO shop.letters VALUES ('x', 'acme', 'ann', 'ben', 'Dear Ben');
SELECT recipient_id AS told, actor_id, actor_name, type, subject_type, subject_id, title, content, data
FROM herald.notification ORDER BY id;
SELECT * FROM shop.heard() WHERE event NOT LIKE 'notification:%';
SELECT rooms FROM herald_internal.connect_sessions('{"acme,ben","acme,ann",nonsense}', '{s,t,u}');
SELECT room, herald.may_join('acme,ann', room)
FROM unnest('{"post:acme,1","post:acme,3","post:1","comment:acme,r2","feed:acme,ann","feed:acme,ben"}'::text[]) AS room;

SELECT herald.unwatch_all();
DROP SCHEMA shop CASCADE;
TRUNCATE herald.notification;
