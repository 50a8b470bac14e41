-- Mentions: a @handle in a text notifies its user once, and nobody else.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA men;
CREATE TABLE men.users (id int PRIMARY KEY, username text UNIQUE, notifications_enabled boolean);
CREATE TABLE men.posts (id int PRIMARY KEY, user_id int REFERENCES men.users, content text,
	hidden boolean NOT NULL DEFAULT false);
CREATE TABLE men.comments (id int PRIMARY KEY, user_id int REFERENCES men.users, post_id int REFERENCES men.posts,
	parent_id int REFERENCES men.comments, content text);
CREATE TABLE men.follows (follower_id int REFERENCES men.users, followee_id int REFERENCES men.users);
CREATE TABLE men.conversations (id int PRIMARY KEY);
CREATE TABLE men.members (conversation_id int REFERENCES men.conversations, user_id int REFERENCES men.users);
CREATE TABLE men.messages (id int PRIMARY KEY, conversation_id int REFERENCES men.conversations,
	sender_id int REFERENCES men.users, content text);
INSERT INTO men.users VALUES (1, 'ann'), (2, 'ben'), (3, 'cat.lee'), (4, 'zoë'), (5, '小明'), (6, 'Олег'), (8, 'x_1');
INSERT INTO men.users VALUES (7, 'off', false);
SELECT herald.watch_users('men.users'),
       herald.watch_posts('men.posts', visible => 'NOT post.hidden OR viewer = post.user_id::text',
                          notify_followers => true),
	herald.watch_comments('men.comments'), herald.watch_follows('men.follows'), herald.watch_members('men.members'),
	herald.watch_messages('men.messages');
CREATE VIEW men.told AS
	SELECT u.username AS told, n.type, n.subject_type || ' ' || n.subject_id AS subject, n.content
	FROM herald.notification AS n JOIN men.users AS u ON u.id::text = n.recipient_id
	ORDER BY n.xid, n.content, u.username COLLATE "C";

-- Letters of all scripts, punctuation around a handle, upper and lower case. The author, a user with notifications
-- switched off and an unknown handle get none.
INSERT INTO men.posts VALUES (1, 1, 'Hi @ben, (@cat.lee) and "@zoë"! @小明 @Олег: @ANN @BEN @off @nobody @x_1.');
SELECT told, type, subject FROM men.told;
-- E-mail addresses and URLs are no mentions.
TRUNCATE herald.notification;
INSERT INTO men.posts VALUES (2, 1, 'ann@ben.example x@ben @ben@example.org https://example.org/@ben @@ben a_@ben @');
SELECT * FROM men.told;

-- A mention precedes a reply, and a reply precedes a comment: one comment notifies each user once.
INSERT INTO men.comments VALUES (1, 2, 2, NULL, 'First');
INSERT INTO men.comments VALUES (2, 4, 2, 1, 'Look @ben and @ann, @ben!');
INSERT INTO men.comments VALUES (3, 4, 2, 1, 'Without names');
SELECT * FROM men.told;

-- An edit notifies the newly mentioned users and nobody twice.
TRUNCATE herald.notification;
INSERT INTO men.comments VALUES (4, 2, 2, NULL, 'Dear @zoë');
UPDATE men.comments SET content = 'Dear @zoë and @x_1' WHERE id = 4;
UPDATE men.comments SET content = 'Dear @zoë, @x_1 and @ann' WHERE id = 4;
UPDATE men.comments SET content = NULL WHERE id = 4;
SELECT * FROM men.told;

-- A mentioned follower gets no second notification of the post.
TRUNCATE herald.notification;
INSERT INTO men.follows VALUES (2, 1), (4, 1);
TRUNCATE herald.notification;
INSERT INTO men.posts VALUES (3, 1, 'Thanks @ben');
UPDATE men.posts SET content = 'Thanks @ben, @zoë and @x_1' WHERE id = 3;
SELECT * FROM men.told;

-- Users without access to the post get no mention from it.
TRUNCATE herald.notification;
INSERT INTO men.posts VALUES (4, 1, 'Secret of @x_1', true);
INSERT INTO men.comments VALUES (5, 1, 4, NULL, 'Secret of @x_1');
SELECT * FROM men.told WHERE type = 'mention';

-- In a conversation, only its members can be mentioned.
INSERT INTO men.conversations VALUES (1);
INSERT INTO men.members VALUES (1, 1), (1, 2), (1, 4);
TRUNCATE herald.notification;
INSERT INTO men.messages VALUES (1, 1, 1, 'Hello @ben and @x_1');
SELECT * FROM men.told;

-- An index on lower(username) makes handles case-insensitive.
TRUNCATE herald.notification;
INSERT INTO men.users VALUES (9, 'Big');
INSERT INTO men.posts VALUES (6, 1, 'Hi @big');
CREATE INDEX ON men.users (lower(username));
SELECT herald.watch_posts('men.posts', visible => 'true');
INSERT INTO men.posts VALUES (7, 1, 'Hi @big');
SELECT * FROM men.told WHERE type = 'mention';

-- The column of handles may have a collation of its own. Mentions use its index.
DROP INDEX men.users_lower_idx;
DROP VIEW men.told;
TRUNCATE herald.notification;
ALTER TABLE men.users ALTER username TYPE text COLLATE "C";
SELECT herald.watch_posts('men.posts', ignore => '{hidden}');
INSERT INTO men.posts VALUES (8, 1, 'Hi @BEN');
SELECT recipient_id, content FROM herald.notification WHERE type = 'mention';
SET enable_seqscan = off;
CREATE FUNCTION men.conditions(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line ~ 'Cond.*username' THEN
			RETURN NEXT trim(line);
		END IF;
	END LOOP;
END
$$;
SELECT men.conditions(format('SELECT FROM men.posts AS changed CROSS JOIN LATERAL (%s) AS m',
                             herald_internal.mentioned_users_sql('men.posts', '{user_id}', '{content}', 'men.posts',
                                                                 NULL)));
RESET enable_seqscan;

-- Without a column of handles there are no mentions.
SELECT herald.watch_users('men.users', handle => 'username');
ALTER TABLE men.users RENAME username TO called;
SELECT herald.watch_users('men.users', name => 'called');
SELECT count(*) FROM herald.watched WHERE rule LIKE 'mention%' AND relation::text LIKE 'men.%';

SELECT herald.unwatch_all();
TRUNCATE herald.read_mark, herald.notification;
DROP SCHEMA men CASCADE;
