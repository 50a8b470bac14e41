-- inbox_oracle.sql: an application with a journal; plain SQL derives the expected inboxes from both.
--
-- The oracle reads nothing that pg_herald has written, except the ids by which notifications are compared. It derives
-- the inboxes from the application's tables and from a journal: the changes of committed transactions, their order, and
-- the blocks at that time.

CREATE TABLE users (id int PRIMARY KEY, username text NOT NULL UNIQUE);
CREATE TABLE posts (
	id      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	user_id int NOT NULL REFERENCES users,
	content text NOT NULL
);
CREATE TABLE likes (
	user_id int NOT NULL REFERENCES users,
	post_id int NOT NULL REFERENCES posts ON DELETE CASCADE,
	kind    text,
	PRIMARY KEY (user_id, post_id)
);
CREATE TABLE comments (
	id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	user_id    int NOT NULL REFERENCES users,
	post_id    int NOT NULL REFERENCES posts ON DELETE CASCADE,
	parent_id  int REFERENCES comments ON DELETE CASCADE,
	content    text NOT NULL,
	deleted_at timestamptz
);
CREATE TABLE comment_likes (
	user_id    int NOT NULL REFERENCES users,
	comment_id int NOT NULL REFERENCES comments ON DELETE CASCADE,
	PRIMARY KEY (user_id, comment_id)
);
CREATE TABLE follows (
	follower_id int NOT NULL REFERENCES users,
	followee_id int NOT NULL REFERENCES users,
	deleted_at  timestamptz,
	PRIMARY KEY (follower_id, followee_id)
);
CREATE TABLE blocks (
	blocker_id int NOT NULL REFERENCES users,
	blocked_id int NOT NULL REFERENCES users,
	PRIMARY KEY (blocker_id, blocked_id)
);
CREATE INDEX ON likes (post_id);
CREATE INDEX ON comments (post_id);
CREATE INDEX ON comments (parent_id);
CREATE INDEX ON comment_likes (comment_id);

-- ----- the journal

-- One row for each changed row. A change locks the row, so the numbers follow the order of the changes of a row.
CREATE TABLE journal (
	seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	xid     xid8 NOT NULL DEFAULT pg_current_xact_id(),
	at      timestamptz NOT NULL DEFAULT statement_timestamp(), -- tells the statements of a transaction apart
	kind    text NOT NULL,
	was     jsonb,
	is_now  jsonb,
	shunned int[] NOT NULL, -- users that the actor blocks, or that block the actor
	barred  int[] NOT NULL  -- the same of the post's author: they may not see the post
);

CREATE FUNCTION blocks_of(person int) RETURNS int[] LANGUAGE sql AS $$
	SELECT array_remove(ARRAY(SELECT blocked_id FROM blocks WHERE blocker_id = person
	                          UNION SELECT blocker_id FROM blocks WHERE blocked_id = person), person);
$$;

CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	known jsonb := coalesce(to_jsonb(NEW), to_jsonb(OLD));
	actor int := coalesce(known ->> 'user_id', known ->> 'follower_id');
BEGIN
	INSERT INTO journal (kind, was, is_now, shunned, barred) VALUES (TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW),
		blocks_of(actor), blocks_of((SELECT p.user_id FROM posts AS p WHERE p.id = coalesce(
			(known ->> 'post_id')::int,
			(SELECT c.post_id FROM comments AS c WHERE c.id = (known ->> 'comment_id')::int)))));
	RETURN NULL;
END
$$;
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON posts FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON likes FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON comments FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON comment_likes FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON follows FOR EACH ROW EXECUTE FUNCTION note();

-- Hiding a comment deletes its likes, as in many applications.
CREATE FUNCTION drop_likes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM comment_likes WHERE comment_id = NEW.id;
	RETURN NULL;
END
$$;
CREATE TRIGGER drop_likes AFTER UPDATE ON comments FOR EACH ROW
	WHEN (NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL) EXECUTE FUNCTION drop_likes();

-- The marks of the owner of an inbox, in REPEATABLE READ transactions, and the snapshots of these.
CREATE TABLE reading (
	seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	user_id int NOT NULL,
	act     text NOT NULL,
	ids     bigint[] NOT NULL,
	seen    pg_snapshot NOT NULL DEFAULT pg_current_snapshot()
);

-- Transactions with an old snapshot lock this row.
CREATE TABLE old_snapshot ();

-- ----- the changes of each row: it came, it went, its text was edited

CREATE FUNCTION cause_of(kind text, item jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE kind
		WHEN 'posts' THEN format('post:%s:post', item ->> 'id')
		WHEN 'likes' THEN format('post:%s:like:%s', item ->> 'post_id', item ->> 'user_id')
		WHEN 'comments' THEN format('post:%s:comment:%s', item ->> 'post_id', item ->> 'id')
		WHEN 'comment_likes' THEN format('comment:%s:like:%s', item ->> 'comment_id', item ->> 'user_id')
		WHEN 'follows' THEN format('user:%s:follow:%s', item ->> 'followee_id', item ->> 'follower_id')
	END;
$$;

CREATE VIEW change AS
	SELECT seq, xid, at, kind, change, cause, item, shunned || barred AS shunned
	FROM (SELECT *, was IS NOT NULL AND was ->> 'deleted_at' IS NULL AS was_there,
	             is_now IS NOT NULL AND is_now ->> 'deleted_at' IS NULL AS is_there,
	             cause_of(kind, was) AS old_cause, cause_of(kind, is_now) AS new_cause
	      FROM journal) AS j
	CROSS JOIN LATERAL (
		SELECT 'went', old_cause, was WHERE was_there AND (NOT is_there OR old_cause <> new_cause)
		UNION ALL SELECT 'came', new_cause, is_now WHERE is_there AND (NOT was_there OR old_cause <> new_cause)
		UNION ALL SELECT 'edited', new_cause, is_now
		WHERE was_there AND is_there AND was ->> 'content' <> is_now ->> 'content'
		UNION ALL SELECT 'touched', new_cause, is_now
		WHERE was_there AND is_there AND old_cause = new_cause AND was <> is_now) AS c (change, cause, item);

-- ----- the recipients of each change

CREATE VIEW mentioned AS
	SELECT c.seq, u.id AS user_id
	FROM change AS c
	CROSS JOIN LATERAL regexp_matches(c.item ->> 'content', '@(\w+)', 'g') AS m
	JOIN users AS u ON u.username = m[1]
	WHERE c.change IN ('came', 'edited');

CREATE VIEW candidate AS
	SELECT c.seq, c.xid, c.cause, t.*
	FROM change AS c
	CROSS JOIN LATERAL (SELECT coalesce(c.item ->> 'user_id', c.item ->> 'follower_id')::int) AS a (actor)
	CROSS JOIN LATERAL (
		SELECT p.user_id, a.actor, 'like', 10, 'post', p.id FROM posts AS p
		WHERE c.kind = 'likes' AND p.id = (c.item ->> 'post_id')::int
		UNION ALL
		SELECT o.user_id, a.actor, 'like', 10, 'comment', o.id FROM comments AS o
		WHERE c.kind = 'comment_likes' AND o.id = (c.item ->> 'comment_id')::int
		UNION ALL
		SELECT (c.item ->> 'followee_id')::int, a.actor, 'follow', 10, 'user', (c.item ->> 'followee_id')::int
		WHERE c.kind = 'follows'
		UNION ALL
		SELECT p.user_id, a.actor, 'comment', 20, 'post', p.id FROM posts AS p
		WHERE c.kind = 'comments' AND p.id = (c.item ->> 'post_id')::int
		UNION ALL
		SELECT o.user_id, a.actor, 'reply', 30, 'comment', o.id FROM comments AS o
		WHERE c.kind = 'comments' AND o.id = (c.item ->> 'parent_id')::int
	) AS t (recipient, actor, type, priority, subject_type, subject_id)
	WHERE c.change = 'came' AND t.recipient <> t.actor AND t.recipient <> ALL (c.shunned)
	UNION ALL
	SELECT c.seq, c.xid, c.cause, m.user_id, a.actor, 'mention', 40,
	       CASE c.kind WHEN 'posts' THEN 'post' ELSE 'comment' END, (c.item ->> 'id')::int
	FROM change AS c
	CROSS JOIN LATERAL (SELECT (c.item ->> 'user_id')::int) AS a (actor)
	JOIN mentioned AS m ON m.seq = c.seq
	WHERE c.kind IN ('posts', 'comments') AND m.user_id <> a.actor AND m.user_id <> ALL (c.shunned);

-- ----- the expected inboxes

CREATE VIEW present AS
	SELECT cause_of('posts', to_jsonb(t)) AS cause FROM posts AS t
	UNION ALL SELECT cause_of('likes', to_jsonb(t)) FROM likes AS t
	UNION ALL SELECT cause_of('comments', to_jsonb(t)) FROM comments AS t WHERE deleted_at IS NULL
	UNION ALL SELECT cause_of('comment_likes', to_jsonb(t)) FROM comment_likes AS t
	UNION ALL SELECT cause_of('follows', to_jsonb(t)) FROM follows AS t WHERE deleted_at IS NULL;

-- A recipient is notified once of a cause, when it first concerns them. They see the notification for as long as the
-- cause exists, if it has concerned them since it last came: as it first did since then. A row that one statement
-- deletes and inserts again has not come: it was there before the statement and is there after it.
CREATE FUNCTION expected_inbox()
RETURNS TABLE (id bigint, recipient int, cause text, type text, actor int, subject_type text, subject_id int,
               unread boolean, archived boolean)
LANGUAGE sql AS $$
	WITH candidate AS MATERIALIZED (
		SELECT * FROM candidate
	), came AS MATERIALIZED (
		SELECT c.cause, max(c.seq) AS seq
		FROM (SELECT *, change = 'came' AND (lag(change, 1, '') OVER w <> 'went' OR lag(at) OVER w <> at) AS is_new
		      FROM change WHERE change IN ('came', 'went') WINDOW w AS (PARTITION BY cause ORDER BY seq)) AS c
		WHERE c.is_new
		GROUP BY c.cause
	), told AS MATERIALIZED (
		SELECT DISTINCT ON (c.cause, c.recipient) c.*,
		       first_value(c.xid) OVER (PARTITION BY c.cause, c.recipient ORDER BY c.seq) AS first_told
		FROM candidate AS c
		JOIN came USING (cause)
		ORDER BY c.cause, c.recipient, c.seq < came.seq, c.seq, c.priority DESC
	)
	SELECT n.id, t.recipient, t.cause, t.type, t.actor, t.subject_type, t.subject_id,
	       coalesce((SELECT r.act = 'unread' FROM reading AS r
	                 WHERE r.user_id = t.recipient AND
	                       CASE r.act WHEN 'read all' THEN pg_visible_in_snapshot(t.first_told, r.seen)
	                                  ELSE r.act IN ('read', 'unread') AND n.id = ANY (r.ids) END
	                 ORDER BY r.seq DESC LIMIT 1), true),
	       coalesce((SELECT r.act = 'archive' FROM reading AS r
	                 WHERE r.user_id = t.recipient AND r.act IN ('archive', 'unarchive') AND n.id = ANY (r.ids)
	                 ORDER BY r.seq DESC LIMIT 1), false)
	FROM told AS t
	JOIN came USING (cause)
	JOIN present USING (cause)
	LEFT JOIN herald.notification AS n ON n.cause = t.cause AND n.recipient_id = t.recipient::text
	WHERE t.seq >= came.seq;
$$;

-- The entry of a grouped inbox that holds a notification: likes by their subject, replies by their author.
CREATE FUNCTION group_of(id bigint, type text, actor int, subject_type text, subject_id int) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE type WHEN 'like' THEN format('like:%s:%s', subject_type, subject_id)
	                 WHEN 'reply' THEN 'reply by ' || actor ELSE id::text END;
$$;

-- ----- the expected totals and events

CREATE VIEW expected_total AS
	SELECT 'likes'::regclass AS relation, p.id AS counted,
	       (SELECT count(*) FROM likes AS l WHERE l.post_id = p.id) AS total
	FROM posts AS p
	UNION ALL
	SELECT 'comments', p.id, (SELECT count(*) FROM comments AS c WHERE c.post_id = p.id AND c.deleted_at IS NULL)
	FROM posts AS p
	UNION ALL
	SELECT 'comment_likes', c.id, (SELECT count(*) FROM comment_likes AS l WHERE l.comment_id = c.id)
	FROM comments AS c
	UNION ALL
	SELECT 'follows', u.id, (SELECT count(*) FROM follows AS f WHERE f.followee_id = u.id AND f.deleted_at IS NULL)
	FROM users AS u;

-- One row for each time that a row came, went or was touched.
CREATE VIEW expected_event AS
	SELECT e.name, c.cause
	FROM change AS c
	JOIN (VALUES ('posts', 'came', 'post:created'), ('posts', 'touched', 'post:updated'),
	             ('posts', 'went', 'post:deleted'), ('likes', 'came', 'post:liked'), ('likes', 'went', 'post:unliked'),
	             ('comment_likes', 'came', 'comment:liked'), ('comment_likes', 'went', 'comment:unliked'),
	             ('comments', 'came', 'comment:created'), ('comments', 'touched', 'comment:updated'),
	             ('comments', 'went', 'comment:deleted'), ('follows', 'came', 'user:followed'),
	             ('follows', 'went', 'user:unfollowed')) AS e (kind, change, name) USING (kind, change);

CREATE VIEW logged_event AS
	SELECT name, CASE
		WHEN name IN ('post:liked', 'post:unliked')
		THEN format('post:%s:like:%s', payload ->> 'postId', payload ->> 'userId')
		WHEN name IN ('comment:liked', 'comment:unliked')
		THEN format('comment:%s:like:%s', payload ->> 'commentId', payload ->> 'userId')
		WHEN name LIKE 'comment:%' THEN format('post:%s:comment:%s', payload ->> 'postId', payload ->> 'commentId')
		WHEN name LIKE 'post:%' THEN format('post:%s:post', payload ->> 'postId')
		ELSE format('user:%s:follow:%s', payload ->> 'followeeId', payload ->> 'followerId') END AS cause
	FROM herald.event
	WHERE name !~ '^notification:|^room:recheck$';

CREATE FUNCTION prepare() RETURNS void LANGUAGE sql AS $$
	INSERT INTO users SELECT n, 'u' || n FROM generate_series(1, 30) AS n;
	SELECT herald.watch_users('users', handle => 'username'), herald.watch_posts('posts'), herald.watch_likes('likes'),
		herald.watch_comments('comments'), herald.watch_likes('comment_likes', subject => 'comment_id'),
		herald.watch_follows('follows'), herald.watch_blocks('blocks');
	UPDATE herald.notification_type SET retract = 'always' WHERE name = 'follow';
	UPDATE herald.notification_type SET group_by = 'actor', group_title = '{actor} replied {count} times'
	WHERE name = 'reply';
$$;
