-- Schemas of strangers, some without foreign keys: each hint, pasted as it is, tells the right users.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
-- Makes a call, and then the first of its error's hint, until one works. Returns each, and the roles in the end.
CREATE FUNCTION pasted(call text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	FOR i IN 1 .. 5 LOOP
		RETURN NEXT call;
		BEGIN
			EXECUTE call;
			RETURN QUERY
				SELECT '-- ' || string_agg(format('%s = %s', r.role, r.columns), ', ' ORDER BY r.place)
				FROM herald_internal.watched_table AS w, herald_internal.found_roles(w.kind, w.arguments) AS r
				WHERE w.relation = substring(call FROM '\(''(.*?)''[,)]')::regclass AND
				      w.kind = substring(call FROM 'watch_(\w+)') AND r.columns IS NOT NULL;
			RETURN;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
		END;
		call := substring(hint FROM 'SELECT herald\.watch_(?:[^;'']|''(?:[^'']|'''')*'')*;');
		IF call IS NULL OR hint !~ '(as in|it is): SELECT' THEN
			RETURN NEXT '-- ' || hint;
			RETURN;
		END IF;
	END LOOP;
END
$$;
CREATE VIEW told AS SELECT recipient_id, title, cause FROM herald.notification WHERE retracted_at IS NULL ORDER BY id;

-- Plurals as English has them
CREATE TABLE nouns (plural text, singular text);
SELECT format('CREATE TABLE %1$I (id int); INSERT INTO nouns SELECT %1$L, herald_internal.singular_noun(%1$L); '
              'DROP TABLE %1$I', t)
FROM unnest('{courses,responses,cases,statuses,boxes,matches,houses,viruses,buzzes,stories}'::text[]) AS t
\gexec
TABLE nouns;
DROP TABLE nouns;

-- A forum in German: the watched users give their name to columns.
BEGIN;
CREATE TABLE benutzer (id bigint PRIMARY KEY, name text);
CREATE TABLE themen (id bigint PRIMARY KEY, benutzer_id bigint, inhalt text);
CREATE TABLE antworten (id bigint PRIMARY KEY, thema_id bigint, benutzer_id bigint, inhalt text);
CREATE TABLE gefaellt_mir (benutzer_id bigint, thema_id bigint);
SELECT herald.watch_users('benutzer');
SELECT pasted('SELECT herald.watch_posts(''themen'');');
SELECT pasted('SELECT herald.watch_comments(''antworten'');');
SELECT pasted('SELECT herald.watch_likes(''gefaellt_mir'');');
INSERT INTO benutzer VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
INSERT INTO themen VALUES (7, 2, ''), (3, 1, '');
INSERT INTO antworten VALUES (1, 3, 3, 'hallo');
INSERT INTO gefaellt_mir VALUES (3, 7);
TABLE told;
ROLLBACK;

-- Spanish names in camel case, with the mark of the key in front
BEGIN;
CREATE TABLE "Usuarios" ("idUsuario" uuid PRIMARY KEY, "nombreUsuario" text);
CREATE TABLE "Publicaciones" ("idPublicacion" uuid PRIMARY KEY, "idUsuario" uuid, "texto" text,
	"estado" text DEFAULT 'borrador');
CREATE TABLE "MeGusta" ("idUsuario" uuid, "idPublicacion" uuid);
CREATE TABLE "Seguidores" ("idSeguido" uuid, "idSeguidor" uuid);
SELECT herald.watch_users('"Usuarios"');
SELECT pasted('SELECT herald.watch_posts(''"Publicaciones"'');');
SELECT pasted('SELECT herald.watch_posts(''"Publicaciones"'', status => ''estado'', published => ''publicado'');');
SELECT pasted('SELECT herald.watch_likes(''"MeGusta"'');');
SELECT pasted('SELECT herald.watch_follows(''"Seguidores"'');');
ROLLBACK;

-- A school: a column named after another table is rather its id than that of a user.
BEGIN;
CREATE TABLE people (person_id int PRIMARY KEY, full_name text);
CREATE TABLE courses (course_id int PRIMARY KEY, teacher_id int, title text);
CREATE TABLE enrolments (course_id int, student_id int, dropped_on date);
CREATE TABLE announcements (announcement_id int PRIMARY KEY, course_id int, teacher_id int, message text);
CREATE TABLE course_chat (id int PRIMARY KEY, course_id int, person_id int, line text);
SELECT herald.watch_users('people');
SELECT pasted('SELECT herald.watch_posts(''announcements'');');
SELECT pasted('SELECT herald.watch_members(''enrolments'');');
SELECT pasted('SELECT herald.watch_messages(''course_chat'');');
INSERT INTO people VALUES (1, 'Ann'), (2, 'Ben'), (3, 'Cleo');
INSERT INTO enrolments VALUES (7, 1, NULL), (7, 2, NULL), (7, 3, '2020-01-01');
INSERT INTO course_chat VALUES (1, 7, 1, 'hi');
TABLE told;
ROLLBACK;

-- Tickets of tenants: the tenant in a foreign key of users does not make its other column the author. That one is an
-- example for want of others.
BEGIN;
CREATE TABLE agents (account_id bigint, id bigint, name text, PRIMARY KEY (account_id, id));
CREATE TABLE contacts (account_id bigint, id bigint, name text, PRIMARY KEY (account_id, id));
CREATE TABLE tickets (account_id bigint, id bigint, contact_id bigint, assignee_id bigint, body text,
	PRIMARY KEY (account_id, id), FOREIGN KEY (account_id, contact_id) REFERENCES contacts,
	FOREIGN KEY (account_id, assignee_id) REFERENCES agents);
CREATE TABLE ticket_replies (account_id bigint, id bigint, ticket_id bigint, agent_id bigint, body text,
	PRIMARY KEY (account_id, id), FOREIGN KEY (account_id, ticket_id) REFERENCES tickets,
	FOREIGN KEY (account_id, agent_id) REFERENCES agents);
SELECT herald.watch_users('agents');
SELECT pasted('SELECT herald.watch_posts(''tickets'');');
SELECT pasted('SELECT herald.watch_comments(''ticket_replies'');');
INSERT INTO agents VALUES (1, 1, 'ana'), (1, 2, 'ben'), (2, 1, 'greta');
INSERT INTO tickets VALUES (1, 5, NULL, 1, ''), (2, 5, NULL, 1, '');
INSERT INTO ticket_replies VALUES (1, 9, 5, 2, '');
TABLE told;
ROLLBACK;

-- Partitioned posts with replies need the key; a swipe may be a dislike, a vote unhelpful; a status may be open.
BEGIN;
CREATE TABLE users (id bigint PRIMARY KEY, username text);
CREATE TABLE notes (id bigint, made_on date, user_id bigint, in_reply_to bigint, note text,
	PRIMARY KEY (id, made_on)) PARTITION BY RANGE (made_on);
CREATE TABLE swipes (swiped_id bigint, swiper_id bigint, liked boolean);
CREATE TABLE reviews (id bigint PRIMARY KEY, user_id bigint, body text);
CREATE TABLE review_votes (review_id bigint, user_id bigint, helpful boolean);
CREATE TABLE tags (tagged_user_id bigint, tagger_id bigint);
CREATE TABLE issues (id bigint PRIMARY KEY, author_id bigint REFERENCES users, body text, state text DEFAULT 'open');
CREATE TABLE replies (id bigint PRIMARY KEY, user_id bigint, issue_id bigint, body text, accepted boolean);
SELECT herald.watch_users('users');
SAVEPOINT s;
SELECT herald.watch_posts('notes');
ROLLBACK TO s;
SELECT pasted('SELECT herald.watch_follows(''swipes'');');
SELECT herald.watch_posts('reviews', noun => 'review');
SELECT pasted('SELECT herald.watch_likes(''review_votes'');');
SELECT pasted('SELECT herald.watch_follows(''tags'');');
SET LOCAL client_min_messages = notice;
SELECT herald.watch_posts('issues', noun => 'issue');
SELECT herald.watch_comments('replies');
ROLLBACK;
DROP VIEW told;
DROP FUNCTION pasted(text);
