-- The settings of a session change no text: causes, rooms, ids, titles and payloads are the same in every session.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE SCHEMA texts;
CREATE TABLE texts.readings (sensor int, at timestamptz, day date, every interval, raw bytea, value float8, owner text,
	PRIMARY KEY (sensor, at));
SELECT herald.watch('texts.readings', 'reading', recipient => 'new.owner',
	cause => 'reading:{sensor}:{at}:{day}:{every}:{raw}:{value}', title => 'At {at} on {day}: {value}',
	event => 'reading:new', room => 'reading:{at}');
CREATE FUNCTION texts.change(owner text) RETURNS void LANGUAGE sql AS $$
	DELETE FROM texts.readings;
	INSERT INTO texts.readings VALUES (1, '2026-03-01 00:00:00+00', '2026-03-02', '1 day 02:03', decode('00ff', 'hex'),
	                                   0.1::float8 + 0.2, owner);
$$;
SELECT texts.change('ann');
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'German';
SET IntervalStyle = 'iso_8601';
SET bytea_output = 'escape';
SET extra_float_digits = -10;
SET array_nulls = off;
SET quote_all_identifiers = on;
SET escape_string_warning = off;
SET standard_conforming_strings = off;
SET row_security = off;
SELECT texts.change('ben');
SELECT count(DISTINCT rooms) AS rooms, count(DISTINCT payload::jsonb #- '{reading,owner}') AS payloads
FROM herald.event WHERE name = 'reading:new';
RESET ALL;
SET client_min_messages = warning;
SELECT recipient_id, cause, title, retracted_at IS NOT NULL AS retracted FROM herald.notification ORDER BY id;
SELECT DISTINCT rooms FROM herald.event WHERE name = 'reading:new';

-- Settings of the locale, of XML, of searches and of comparisons change nothing either.
CREATE TABLE texts.prices (id int, price money, body text, missing text);
CREATE FUNCTION texts.settings() RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
	SELECT jsonb_object_agg(name, current_setting(name))
	FROM unnest('{backslash_quote,bytea_output,DateStyle,default_text_search_config,extra_float_digits,
	            gin_fuzzy_search_limit,IntervalStyle,lc_monetary,lc_numeric,lc_time,quote_all_identifiers,
	            standard_conforming_strings,transform_null_equals,xmlbinary,xmloption}'::text[]) AS name
$$;
SELECT herald.watch('texts.prices', 'price', event => 'price:new', room => 'price:{price}',
	payload => $$json_build_object('settings', texts.settings(), 'price', new.price, 'nulls', new.missing = NULL,
	                               'words', to_tsvector(new.body)::text, 'number', to_char(1234.5, '9G999D9'))$$);
INSERT INTO texts.prices VALUES (1, 1234.5, 'the foxes');
\c
SET client_min_messages = warning;
SET lc_monetary = 'POSIX';
SET lc_numeric = 'POSIX';
SET lc_time = 'POSIX';
SET transform_null_equals = on;
SET backslash_quote = on;
SET gin_fuzzy_search_limit = 1;
SET xmlbinary = hex;
SET xmloption = document;
SET default_text_search_config = 'pg_catalog.simple';
INSERT INTO texts.prices VALUES (1, 1234.5, 'the foxes');
RESET ALL;
SET client_min_messages = warning;
SELECT count(DISTINCT payload::text), count(*) FROM herald.event WHERE name = 'price:new';
SELECT payload::jsonb #- '{settings,lc_monetary}' #- '{settings,lc_numeric}' #- '{settings,lc_time}' AS payload
FROM herald.event WHERE name = 'price:new' LIMIT 1;

-- The main job under the same settings, from watching on.
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'German';
SET array_nulls = off;
SET quote_all_identifiers = on;
SET escape_string_warning = off;
SET standard_conforming_strings = off;
SET row_security = off;
CREATE TABLE texts.users (id int PRIMARY KEY, username text);
CREATE TABLE texts.posts (id int PRIMARY KEY, user_id int REFERENCES texts.users, body text, deleted_at timestamptz);
CREATE TABLE texts.likes (post_id int REFERENCES texts.posts, user_id int REFERENCES texts.users,
	PRIMARY KEY (post_id, user_id));
INSERT INTO texts.users VALUES (1, 'ann'), (2, 'ben');
SELECT herald.watch_users('texts.users'), herald.watch_posts('texts.posts'), herald.watch_likes('texts.likes');
INSERT INTO texts.posts VALUES (1, 1, 'hello @ben');
INSERT INTO texts.likes VALUES (1, 2);
SELECT recipient_id, type, cause, retracted_at IS NOT NULL AS retracted FROM herald.notification
WHERE subject_type = 'post' ORDER BY id;
DELETE FROM texts.likes;
SELECT recipient_id, type, retracted_at IS NOT NULL AS retracted FROM herald.notification
WHERE subject_type = 'post' ORDER BY id;
SELECT herald.may_join('2', 'post:1'), herald.may_join('2', 'post:x');
SELECT herald.mark_all_read('2');
SELECT herald.unread_count('2');
CREATE FUNCTION texts.act(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT $2';
SELECT herald.expose('texts:act', 'texts.act(text, jsonb)'), herald.unexpose('texts:act');
RESET ALL;
SET client_min_messages = warning;
SELECT herald.unwatch_all();
DROP SCHEMA texts CASCADE;
TRUNCATE herald.notification;
