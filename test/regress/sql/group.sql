-- The grouped inbox: one entry for each group, as the types define it. List and badge agree.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
CREATE SCHEMA grp;
CREATE TABLE grp.users (id text PRIMARY KEY, username text);
CREATE TABLE grp.posts (id int PRIMARY KEY, user_id text REFERENCES grp.users);
CREATE TABLE grp.likes (user_id text REFERENCES grp.users, post_id int REFERENCES grp.posts,
	PRIMARY KEY (user_id, post_id));
CREATE TABLE grp.comments (id int PRIMARY KEY, user_id text REFERENCES grp.users, post_id int REFERENCES grp.posts,
	content text);
INSERT INTO grp.users SELECT 'u' || n, 'User ' || n FROM generate_series(1, 20) AS n;
INSERT INTO grp.posts VALUES (1, 'u1'), (2, 'u1');
SELECT herald.watch_users('grp.users', name => 'username'), herald.watch_posts('grp.posts'),
       herald.watch_likes('grp.likes'), herald.watch_comments('grp.comments');
CREATE VIEW grp.list AS
	SELECT regexp_replace(group_key, '^\d+$', '(alone)') AS group_key, title, actor_count AS actors, count, unread,
	       (SELECT string_agg(a ->> 'name', ', ') FROM jsonb_array_elements(g.actors) AS a) AS sample
	FROM herald.inbox_groups('u1') AS g;
CREATE VIEW grp.badge AS
	SELECT herald.unread_count('u1') AS flat, herald.unread_count('u1', true) AS grouped,
	       (SELECT count(*) FROM herald.inbox_groups('u1', only_unread => true)) AS listed;

INSERT INTO grp.likes VALUES ('u2', 1);
SELECT * FROM grp.list;
INSERT INTO grp.likes VALUES ('u3', 1);
SELECT * FROM grp.list;
INSERT INTO grp.likes SELECT 'u' || n, 1 FROM generate_series(4, 14) AS n;
INSERT INTO grp.likes VALUES ('u2', 2);
INSERT INTO grp.comments VALUES (1, 'u2', 1, 'Nice'), (2, 'u2', 1, 'Really');
SELECT * FROM grp.list;
SELECT * FROM grp.badge;

-- A group that grows after it was read is unread again, from its first new notification on. It shrinks when likes go.
SELECT herald.mark_group_read('u1', 'like:post:1');
SELECT * FROM grp.badge;
INSERT INTO grp.likes VALUES ('u15', 1), ('u16', 1);
SELECT group_key, title, count, unread, first_unread = id - 1 AS first_is_before_newest
FROM herald.inbox_groups('u1', max => 1);
DELETE FROM grp.likes WHERE post_id = 1 AND user_id IN ('u15', 'u16', 'u14');
SELECT * FROM grp.list WHERE group_key = 'like:post:1';
DELETE FROM grp.likes WHERE post_id = 1;
SELECT * FROM grp.list;
SELECT * FROM grp.badge;

-- Groups by actor, distinct actors, pages.
UPDATE herald.notification_type SET group_by = 'actor', group_title = '{actor} commented {count} times'
WHERE name = 'comment';
INSERT INTO grp.comments VALUES (3, 'u3', 1, 'Hm'), (4, 'u2', 2, 'Also');
SELECT * FROM grp.list;
SELECT title FROM herald.inbox_groups('u1', max => 2);
SELECT title FROM herald.inbox_groups('u1',
                                      before => (SELECT min(id) FROM herald.inbox_groups('u1', max => 2)), max => 2);
UPDATE herald.notification_type SET group_by = 'none', group_title = NULL WHERE name = 'comment';
SELECT * FROM grp.badge;

-- Archived notifications appear neither in the list nor in the badge.
SELECT herald.archive('u1', ARRAY(SELECT id FROM herald.inbox('u1') WHERE type = 'like'));
SELECT * FROM grp.badge;
SELECT title FROM herald.inbox('u1', archived => true);
SELECT herald.archive('u1', ARRAY(SELECT id FROM herald.inbox('u1', archived => true)), false);
SELECT * FROM grp.badge;

-- The setting herald.group_inbox decides the count without an argument; the action accepts both forms.
SET herald.group_inbox = on;
SELECT herald.unread_count('u1'), herald_internal.act('u1', 'inbox:list', '{"max": 1}', NULL) - 'groups' AS counts;
RESET herald.group_inbox;
SELECT jsonb_pretty(herald_internal.act('u1', 'inbox:list', '{"grouped": true, "onlyUnread": true, "max": 1}', NULL)
                    #- '{groups,0,createdAt}' #- '{groups,0,id}' #- '{groups,0,group}' #- '{groups,0,firstUnread}');
SELECT herald_internal.act('u1', 'notification:read', '{"group": "like:post:2"}', NULL),
       herald_internal.act('u1', 'notification:read', '{"subjectType": "post", "subjectId": "1"}', NULL);
SELECT * FROM grp.badge;

SELECT herald.unwatch_all();
TRUNCATE herald.read_mark, herald.notification;
DROP SCHEMA grp CASCADE;
