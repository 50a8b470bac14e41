-- A table that is watched again: a call that would show rows, or count rows, that were not shown or counted until now
-- is an error until it says so.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA rw;
CREATE TABLE rw.users (id int PRIMARY KEY, username text, quiet boolean);
CREATE TABLE rw.posts (id int PRIMARY KEY, user_id int REFERENCES rw.users, body text, audience text, draft_note text,
	zapped timestamptz, goes_out timestamptz);
CREATE TABLE rw.follows (follower_id int REFERENCES rw.users, followee_id int REFERENCES rw.users, approval text);
SELECT herald.watch_users('rw.users', notifications_enabled => 'quiet'),
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
       herald.watch_follows('rw.follows', ignore => '{approval}'), herald.watch_users('rw.users', ignore => '{quiet}');
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

SELECT herald.unwatch_all();
DROP SCHEMA rw CASCADE;
