-- uuid keys, camelCase names that need quotes, and synonyms. Without a call of watch_users(), the foreign keys lead to
-- the table of users and their names.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA "My App";
CREATE FUNCTION "My App".id(text) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT rpad($1, 32, '0')::uuid $$;
CREATE TABLE "My App"."Profiles" ("profileId" uuid PRIMARY KEY, "displayName" varchar(40));
CREATE TABLE "My App"."BlogPosts" ("postId" uuid PRIMARY KEY, "authorId" uuid REFERENCES "My App"."Profiles",
	"Text" text);
CREATE TABLE "My App"."PostLikes" ("userId" uuid REFERENCES "My App"."Profiles",
	"postId" uuid REFERENCES "My App"."BlogPosts");
CREATE TABLE "My App"."Comments" ("id" uuid PRIMARY KEY, "postId" uuid REFERENCES "My App"."BlogPosts",
	"createdBy" uuid REFERENCES "My App"."Profiles",
	"replyTo" uuid REFERENCES "My App"."Comments", "the text" text);
CREATE TABLE "My App"."CommentLikes" ("userId" uuid REFERENCES "My App"."Profiles",
	"commentId" uuid REFERENCES "My App"."Comments");
CREATE TABLE "My App"."Follows" ("userId" uuid REFERENCES "My App"."Profiles",
	"followingId" uuid REFERENCES "My App"."Profiles");
CREATE TABLE "My App"."Chats" ("id" uuid PRIMARY KEY);
CREATE TABLE "My App"."ChatParticipants" ("chatId" uuid REFERENCES "My App"."Chats",
	"participantId" uuid REFERENCES "My App"."Profiles", "leftAt" timestamptz);
CREATE TABLE "My App"."ChatMessages" ("id" uuid PRIMARY KEY, "chatId" uuid REFERENCES "My App"."Chats",
	"senderId" uuid REFERENCES "My App"."Profiles", body text);
INSERT INTO "My App"."Profiles" VALUES ("My App".id('a'), 'Ann'), ("My App".id('b'), 'Ben'), ("My App".id('c'), 'Cat');

SET search_path = "My App", public;
SELECT herald.watch_messages('"ChatMessages"');
SELECT herald.watch_members('"ChatParticipants"');
SELECT herald.watch_follows('"Follows"');
SELECT herald.watch_comments('"Comments"', body => 'the text');
SELECT herald.watch_likes('"CommentLikes"');
SELECT herald.watch_likes('"PostLikes"');
SELECT herald.watch_posts('"BlogPosts"');
SELECT relation, kind,
       herald_internal.plain_sql((arguments - '{call,names,table,table_owner}'::text[])::text) AS arguments
FROM herald_internal.watched_table ORDER BY relation::text COLLATE "C";
RESET search_path;

-- Returns the new events of the log through the bridge's own function. Ids and times differ from run to run.
CREATE TABLE "My App".mark AS SELECT herald.current_position() AS position;
CREATE FUNCTION "My App".heard() RETURNS TABLE (rooms text, event text, membership text, payload jsonb)
	LANGUAGE sql AS $$
	WITH read AS (SELECT e.* FROM "My App".mark AS m, herald.read_events(m.position) AS e),
	     moved AS (UPDATE "My App".mark AS m SET position = r.position FROM read AS r WHERE r.name IS NULL)
	SELECT array_to_string(r.rooms, ' '), r.name,
	       coalesce(r.member_id || ' joins ' || r.joins, r.member_id || ' leaves ' || r.leaves),
	       r.payload::jsonb - '{id,ids,createdAt,timestamp}'::text[]
	FROM read AS r
	WHERE r.name IS NOT NULL;
$$;
CREATE FUNCTION "My App".short(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
	SELECT replace($1, '0000000-0000-0000-0000-000000000000', '…')
$$;
CREATE VIEW "My App".told AS
	SELECT "My App".short(recipient_id) AS told, actor_name AS actor, type,
	       "My App".short(subject_type || ' ' || subject_id) AS subject, title, content
	FROM herald.notification
	ORDER BY id;

INSERT INTO "My App"."BlogPosts" VALUES ("My App".id('1'), "My App".id('a'), 'Hello');
INSERT INTO "My App"."PostLikes" VALUES ("My App".id('b'), "My App".id('1'));
INSERT INTO "My App"."Comments" VALUES ("My App".id('2'), "My App".id('1'), "My App".id('b'), NULL, 'First');
INSERT INTO "My App"."Comments"
VALUES ("My App".id('3'), "My App".id('1'), "My App".id('c'), "My App".id('2'), 'Second');
INSERT INTO "My App"."CommentLikes" VALUES ("My App".id('a'), "My App".id('2'));
DELETE FROM "My App"."CommentLikes";
INSERT INTO "My App"."Follows" VALUES ("My App".id('a'), "My App".id('b'));
INSERT INTO "My App"."Chats" VALUES ("My App".id('4'));
INSERT INTO "My App"."ChatParticipants" SELECT "My App".id('4'), "profileId" FROM "My App"."Profiles";
UPDATE "My App"."ChatParticipants" SET "leftAt" = now() WHERE "participantId" = "My App".id('c');
INSERT INTO "My App"."ChatMessages" VALUES ("My App".id('5'), "My App".id('4'), "My App".id('a'), 'Hi');
SELECT * FROM "My App".told;
SELECT "My App".short(rooms) AS rooms, event, "My App".short(membership) AS membership,
       "My App".short(payload::text) AS payload
FROM "My App".heard() WHERE event NOT LIKE 'notification:%';

-- Rooms with quoted columns and native types.
SELECT c.ordinal, "My App".short(array_to_string(c.rooms, ' ')) AS rooms, c.unread
FROM herald_internal.connect_sessions(ARRAY["My App".id('a')::text, "My App".id('c')::text], '{s1,s2}') AS c;
SELECT herald.may_join('x', 'post:' || "My App".id('1')) AS post, herald.may_join('x', 'post:1') AS no_uuid,
       herald.may_join('x', 'comment:' || "My App".id('3')) AS comment,
       herald.may_join('x', 'comment:' || "My App".id('1')) AS no_comment;

-- Messages have quotes around names, and no further ones inside.
\set SHOW_CONTEXT never
SELECT herald.watch_posts('"My App"."BlogPosts"', author => 'none');
SELECT herald.watch_likes('"My App"."Chats"');
SET client_min_messages = notice;
SELECT herald.watch_likes('"My App"."PostLikes"');

SET client_min_messages = warning;
SELECT herald.unwatch_all();
DROP SCHEMA "My App" CASCADE;
TRUNCATE herald.notification;
