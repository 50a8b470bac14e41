-- watch.sql: tells pg_herald the meaning of each table of schema.sql. Notifications and events need nothing else.

SELECT herald.watch_users('users', name => 'display_name');
SELECT herald.watch_posts('posts');
SELECT herald.watch_likes('likes');
SELECT herald.watch_comments('comments');
SELECT herald.watch_follows('follows');
SELECT herald.watch_members('conversation_members');
SELECT herald.watch_messages('messages');
