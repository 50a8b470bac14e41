-- watched.sql: the same tables, watched by pg_herald.

SET client_min_messages = error;
CREATE EXTENSION pg_herald;
CREATE ROLE bridge LOGIN IN ROLE herald_bridge;
SELECT herald.watch_users('users'), herald.watch_posts('posts'), herald.watch_likes('likes');
CREATE TABLE start AS SELECT herald.current_position() AS position;
