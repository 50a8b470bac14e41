-- A table that is watched again: a call that would show rows, or count rows, that were not shown or counted until now
-- is an error until it says so.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA rw;
CREATE TABLE rw.users (id int PRIMARY KEY, username text, wanted boolean);
CREATE TABLE rw.posts (id int PRIMARY KEY, user_id int REFERENCES rw.users, body text, audience text, draft_note text,
	zapped timestamptz, goes_out timestamptz);
CREATE TABLE rw.follows (follower_id int REFERENCES rw.users, followee_id int REFERENCES rw.users, approval text);
SELECT herald.watch_users('rw.users', notifications_enabled => 'wanted'),
       herald.watch_posts('rw.posts', visible => $$post.audience = 'public'$$, in_feed => 'post.id > 0',
                          active => $$body <> ''$$, payload_columns => '{id,body}', deleted_at => 'zapped'),
       herald.watch_follows('rw.follows', status => 'approval');
-- the same call again
SELECT herald.watch_posts('rw.posts', visible => $$post.audience = 'public'$$, in_feed => 'post.id > 0',
                          active => $$body <> ''$$, payload_columns => '{id,body}', deleted_at => 'zapped');
-- one argument less each time; names are the present ones
ALTER TABLE rw.posts RENAME audience TO who_sees;
SELECT herald.watch_posts('rw.posts', ignore => '{who_sees,goes_out}');
SELECT herald.watch_posts('rw.posts', visible => 'true', ignore => '{who_sees,goes_out}');
SELECT herald.watch_posts('rw.posts', visible => 'true', in_feed => 'true', ignore => '{who_sees,goes_out}');
SELECT herald.watch_posts('rw.posts', visible => 'true', in_feed => 'true', active => 'true',
                          ignore => '{who_sees,goes_out}');
SELECT herald.watch_posts('rw.posts', visible => 'true', in_feed => 'true', active => 'true', payload_columns => '{id}',
                          ignore => '{who_sees,goes_out}');
SELECT herald.watch_follows('rw.follows');
SELECT herald.watch_users('rw.users');
SELECT * FROM herald.plan_watch('watch_users', 'rw.users') WHERE item = 'error';
-- Nothing has changed, until a call says so.
INSERT INTO rw.posts VALUES (1, NULL, 'hidden', 'nobody');
SELECT herald.may_join('1', 'post:1');
SELECT herald.watch_posts('rw.posts', visible => 'true', in_feed => 'true', active => 'true', payload_columns => '{id}',
                          ignore => '{who_sees,goes_out,zapped}'),
       herald.watch_follows('rw.follows', ignore => '{approval}'), herald.watch_users('rw.users', ignore => '{wanted}');
SELECT herald.may_join('1', 'post:1');
-- A column that the call finds by itself is not left out. A table that is made anew is still the same.
ALTER TABLE rw.posts RENAME zapped TO deleted_at;
SELECT herald.watch_posts('rw.posts', visible => 'true', in_feed => 'true', active => $$body <> ''$$,
                          payload_columns => '{id}', deleted_at => 'deleted_at', ignore => '{who_sees,goes_out}');
SELECT herald.watch_posts('rw.posts', visible => 'true', in_feed => 'true', active => $$body <> ''$$,
                          payload_columns => '{id}', ignore => '{who_sees,goes_out}');
SELECT herald.watch_posts('rw.posts', in_feed => 'post.id > 1', active => $$body <> ''$$, payload_columns => '{id}',
                          ignore => '{who_sees,goes_out}');
ALTER TABLE rw.posts RENAME TO old_posts;
CREATE TABLE rw.posts (LIKE rw.old_posts INCLUDING ALL);
SELECT herald.watch_posts('rw.posts', author => 'user_id', ignore => '{who_sees,goes_out}');
-- To unwatch a table forgets its arguments.
SELECT herald.unwatch('rw.old_posts');
SELECT herald.watch_posts('rw.posts', author => 'user_id', ignore => '{who_sees,goes_out}');

-- A call that compiles the rules of all other tables again locks none of them against writers.
SELECT herald.unwatch_all();
CREATE TABLE rw.writers (id int PRIMARY KEY, username text, private boolean);
CREATE TABLE rw.notes (id int PRIMARY KEY, writer_id int REFERENCES rw.writers, body text, expires_at timestamptz);
CREATE TABLE rw.likes (id int PRIMARY KEY, user_id int REFERENCES rw.writers, note_id int REFERENCES rw.notes);
CREATE TABLE rw.comments (id int PRIMARY KEY, user_id int REFERENCES rw.writers, note_id int REFERENCES rw.notes,
	parent_id int REFERENCES rw.comments, body text);
CREATE TABLE rw.relations (follower_id int REFERENCES rw.writers, followee_id int REFERENCES rw.writers);
CREATE TABLE rw.blocks (blocker_id int REFERENCES rw.writers, blocked_id int REFERENCES rw.writers);
CREATE TABLE rw.members (conversation_id int, user_id int REFERENCES rw.writers, last_read_id int);
CREATE TABLE rw.messages (id int PRIMARY KEY, conversation_id int, sender_id int REFERENCES rw.writers, body text,
	published_at timestamptz);
SELECT herald.watch_users('rw.writers', ignore => '{private}'), herald.watch_follows('rw.relations'),
       herald.watch_posts('rw.notes', author => 'writer_id', active => 'expires_at IS NULL OR expires_at > now()',
		visible => 'EXISTS (SELECT FROM rw.writers AS w WHERE w.id = post.writer_id AND NOT w.private)
		            OR EXISTS (SELECT FROM rw.relations AS r WHERE r.followee_id = post.writer_id AND
		                       r.follower_id::text = viewer)'),
       herald.watch_comments('rw.comments'), herald.watch_likes('rw.likes'),
       herald.watch_members('rw.members'), herald.watch_messages('rw.messages', published_at => 'published_at'),
       herald.watch_blocks('rw.blocks') \g /dev/null
CREATE VIEW rw.locks AS
	SELECT DISTINCT l.relation::regclass AS locked, l.mode FROM pg_locks AS l
	JOIN pg_class AS c ON c.oid = l.relation AND c.relnamespace = 'rw'::regnamespace AND c.relkind = 'r'
	WHERE l.pid = pg_backend_pid() AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
	ORDER BY 1, 2;
SELECT count(*) > 20 AS has_triggers FROM pg_trigger AS t WHERE t.tgfoid = 'herald_internal.on_change()'::regprocedure;
BEGIN;
SELECT herald.watch_users('rw.writers', ignore => '{private}'), herald.watch_blocks('rw.blocks') \g /dev/null
SELECT * FROM rw.locks;
COMMIT;

SELECT herald.unwatch_all();
DROP SCHEMA rw CASCADE;
