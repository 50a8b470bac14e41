-- Cases of applications as a whole: the calls of a newcomer, and all that they make.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
TRUNCATE herald.notification;
CREATE SCHEMA c;
CREATE VIEW c.told AS
	SELECT right(recipient_id, 1) AS told, type, title, content FROM herald.notification
	WHERE retracted_at IS NULL ORDER BY id;
CREATE VIEW c.heard AS
	SELECT array_to_string(e.rooms, ' ') AS rooms, e.name AS event, e.payload ->> 'postId' AS post
	FROM herald.event AS e
	WHERE e.xid = pg_current_xact_id() AND e.name !~ '^(notification|session)' ORDER BY e.id;

-- ----- messages with a channel and a thread: the conversation is that of the members, in either order of the calls
BEGIN;
SET LOCAL search_path = c, public;
CREATE TABLE users (id int PRIMARY KEY, username text);
CREATE TABLE chat_memberships (user_id int, chat_channel_id bigint, PRIMARY KEY (user_id, chat_channel_id));
CREATE TABLE chat_messages (id int PRIMARY KEY, chat_channel_id bigint NOT NULL, user_id int, message text,
	thread_id bigint);
INSERT INTO users SELECT n, 'user' || n FROM generate_series(1, 4) AS n;
SELECT herald.watch_users('users'), herald.watch_members('chat_memberships', conversation => 'chat_channel_id'),
       herald.watch_messages('chat_messages');
SELECT w.arguments -> 'conversation' FROM herald_internal.watched_table AS w WHERE w.kind = 'messages';
INSERT INTO chat_memberships VALUES (1, 10), (2, 10), (3, 5), (4, 5);
INSERT INTO chat_messages VALUES (1, 10, 1, 'our secret', 5);
SELECT * FROM told;
SELECT herald.may_join('2', 'conversation:10'), herald.may_join('3', 'conversation:10'),
       herald.may_join('3', 'conversation:5');
SELECT * FROM heard WHERE event = 'message:created';
SELECT herald.unwatch_all();
SELECT herald.watch_users('users');
SELECT herald.watch_messages('chat_messages');
ROLLBACK;

-- ----- two rules on one table, for subjects in two tables with equal ids: causes and rooms are apart, with undo
BEGIN;
SET LOCAL search_path = c, public;
CREATE TABLE users (id int PRIMARY KEY, username text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int, body text);
CREATE TABLE comments (id int PRIMARY KEY, user_id int, post_id int, body text);
CREATE TABLE reactions (id serial PRIMARY KEY, user_id int, reactable_id int, reactable_type text, category text);
INSERT INTO users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo');
SELECT herald.watch_users('users'), herald.watch_posts('posts'), herald.watch_comments('comments');
SELECT herald.watch('reactions', 'like_post', active => $$reactable_type = 'Post' AND category = 'like'$$,
           key => 'user_id,reactable_id', joins => 'JOIN posts AS s ON s.id = changed.reactable_id',
           actor => 'changed.user_id', recipient => 's.user_id', type => 'like', subject => 'post:{reactable_id}',
           cause => 'post:{reactable_id}:like:{user_id}', event => 'post:liked', room => 'post:{reactable_id}'),
       herald.watch('reactions', 'like_comment', active => $$reactable_type = 'Comment' AND category = 'like'$$,
           key => 'user_id,reactable_id', joins => 'JOIN comments AS s ON s.id = changed.reactable_id',
           actor => 'changed.user_id', recipient => 's.user_id', type => 'like', subject => 'comment:{reactable_id}',
           cause => 'comment:{reactable_id}:like:{user_id}');
INSERT INTO posts VALUES (1, 1, 'x');
INSERT INTO comments VALUES (1, 3, 1, 'c');
INSERT INTO reactions (user_id, reactable_id, reactable_type, category)
VALUES (2, 1, 'Comment', 'like'), (2, 1, 'Post', 'like'), (2, 1, 'Post', 'vomit');
SELECT * FROM told;
SELECT * FROM heard WHERE event = 'post:liked';
DELETE FROM reactions WHERE reactable_type = 'Post';
SELECT * FROM told;
INSERT INTO reactions (user_id, reactable_id, reactable_type, category) VALUES (2, 1, 'Post', 'like');
DELETE FROM reactions WHERE reactable_type = 'Comment';
SELECT * FROM told;
ROLLBACK;

-- ----- a shop with names of its own: a user who wants nothing is not told, and the members of a group order are
BEGIN;
SET LOCAL search_path = c, public;
CREATE FUNCTION n(letter text, number int) RETURNS uuid IMMUTABLE LANGUAGE sql
RETURN (letter || '0000000-0000-0000-0000-00000000000' || number)::uuid;
CREATE TABLE accounts (account_id uuid PRIMARY KEY, nick text UNIQUE NOT NULL, full_name text,
	wants_notifications boolean NOT NULL DEFAULT true);
CREATE TABLE articles (article_id uuid PRIMARY KEY, written_by uuid NOT NULL REFERENCES accounts, article_text text,
	published_at timestamptz);
CREATE TABLE reactions (account_id uuid NOT NULL REFERENCES accounts, article_id uuid NOT NULL REFERENCES articles,
	kind text NOT NULL CHECK (kind IN ('like', 'love', 'angry')), UNIQUE (account_id, article_id, kind));
CREATE TABLE remarks (remark_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	article_id uuid NOT NULL REFERENCES articles, account_id uuid NOT NULL REFERENCES accounts, remark text NOT NULL);
CREATE TABLE chat_rooms (room_id uuid PRIMARY KEY);
CREATE TABLE chat_participants (room_id uuid REFERENCES chat_rooms, account_id uuid REFERENCES accounts,
	left_on timestamptz, PRIMARY KEY (room_id, account_id));
CREATE TABLE chat_lines (line_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	room_id uuid NOT NULL REFERENCES chat_rooms, account_id uuid NOT NULL REFERENCES accounts, said text NOT NULL);
CREATE TABLE group_orders (order_id uuid PRIMARY KEY, organiser_id uuid NOT NULL REFERENCES accounts,
	title text NOT NULL, state text NOT NULL DEFAULT 'open');
CREATE TABLE group_order_items (order_id uuid REFERENCES group_orders, account_id uuid REFERENCES accounts, dish text,
	PRIMARY KEY (order_id, account_id, dish));
SELECT herald.watch_users('accounts'), herald.watch_posts('articles'), herald.watch_likes('reactions', kind => 'kind'),
       herald.watch_comments('remarks'), herald.watch_members('chat_participants'), herald.watch_messages('chat_lines');
SELECT herald.watch('group_orders', 'order_state', '{update}', condition => 'old.state <> new.state',
           recipient => 'SELECT DISTINCT i.account_id FROM group_order_items AS i WHERE i.order_id = new.order_id',
           title => 'Order {title} is {state}', event => 'order:state', room => 'order:{order_id}'),
       herald.watch('group_order_items', 'item_added', actor => 'new.account_id',
           joins => 'JOIN group_orders AS o ON o.order_id = new.order_id', recipient => 'o.organiser_id',
           title => '{actor} added {dish} to {o.title}', cause => 'order:{order_id}:item:{account_id}:{dish}',
           event => 'order:item', room => 'order:{order_id}');
INSERT INTO accounts VALUES (n('0', 1), 'ana', NULL, true), (n('0', 2), 'ben', 'Ben B.', true),
	(n('0', 3), 'cleo', 'Cleo C.', false);
-- nobody is mentioned in a draft; cleo, who wants nothing, is told of no reaction, mention or message
INSERT INTO articles VALUES (n('a', 1), n('0', 1), 'secret draft for @ben', NULL),
	(n('a', 2), n('0', 1), 'text', now()), (n('a', 3), n('0', 3), 'text', now());
INSERT INTO reactions VALUES (n('0', 1), n('a', 3), 'love'), (n('0', 2), n('a', 2), 'angry');
INSERT INTO remarks (article_id, account_id, remark) VALUES (n('a', 3), n('0', 2), 'hey @cleo and @ana');
INSERT INTO chat_rooms VALUES (n('c', 1));
INSERT INTO chat_participants SELECT n('c', 1), n('0', u), CASE u WHEN 3 THEN now() END FROM generate_series(1, 3) AS u;
INSERT INTO chat_lines (room_id, account_id, said) VALUES (n('c', 1), n('0', 2), 'hello');
SELECT * FROM told;
DELETE FROM herald.notification;
-- a rule of herald.watch() tells each user that it names, once
INSERT INTO group_orders VALUES (n('d', 1), n('0', 1), 'Pizza');
INSERT INTO group_order_items VALUES (n('d', 1), n('0', 2), 'Margherita'), (n('d', 1), n('0', 2), 'Tiramisu'),
	(n('d', 1), n('0', 3), 'Funghi'), (n('d', 1), n('0', 1), 'Salami');
UPDATE group_orders SET state = 'ordered';
SELECT * FROM told;
DELETE FROM group_order_items WHERE dish = 'Tiramisu';
SELECT count(*) FROM told WHERE title ~ 'Tiramisu';
-- the room of an order needs a policy
CREATE FUNCTION may_see_order(user_id text, room text) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (SELECT FROM c.group_order_items AS i
	               WHERE i.account_id::text = $1 AND 'order:' || i.order_id = $2) OR
	       EXISTS (SELECT FROM c.group_orders AS o
	               WHERE o.organiser_id::text = $1 AND 'order:' || o.order_id = $2) $$;
SELECT herald.may_join(n('0', 2)::text, 'order:' || n('d', 1));
SELECT herald.room_policy('order', 'may_see_order(text, text)');
SELECT u, herald.may_join(n('0', u)::text, 'order:' || n('d', 1)),
       herald.may_join(n('0', u)::text, 'order:' || n('d', 2)),
       herald.may_join(n('0', u)::text, 'conversation:' || n('c', 1)) FROM generate_series(1, 4) AS u;
ROLLBACK;

-- ----- a child by INHERITS: writes through the parent reach the parent's rules
BEGIN;
SET LOCAL search_path = c, public;
CREATE TABLE users (id int PRIMARY KEY, username text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, body text);
CREATE TABLE posts_2026 () INHERITS (posts);
INSERT INTO users VALUES (1, 'ana'), (2, 'ben');
SELECT herald.watch_users('users'), herald.watch_posts('posts');
INSERT INTO posts VALUES (1, 1, 'x');
INSERT INTO posts_2026 VALUES (9, 1, 'y');
UPDATE posts SET body = 'z @ben' WHERE id = 9;
SELECT * FROM heard;
SELECT * FROM told;
DELETE FROM posts WHERE id = 9;
SELECT * FROM heard;
SELECT * FROM told;
ROLLBACK;

SET client_min_messages = error;
DROP SCHEMA c CASCADE;
TRUNCATE herald.notification;
