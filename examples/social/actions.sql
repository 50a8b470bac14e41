-- actions.sql: the actions of the page.
--
-- A client emits an action, the bridge calls the action's function, and the
-- client gets the function's result. The functions run as the role social_app.
-- Their first argument is the user's id from the client's token.

CREATE SCHEMA api;
GRANT USAGE ON SCHEMA api TO social_app;

-- Returns the text of a form field. Raises an error if it is empty.
CREATE FUNCTION api.field(payload jsonb, key text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	value text := btrim(payload ->> key);
BEGIN
	IF coalesce(value, '') = '' THEN
		RAISE EXCEPTION '"%" must not be empty', key USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN value;
END
$$;

-- Returns whether the user is in the conversation.
CREATE FUNCTION api.member(user_id text, conversation bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (SELECT FROM conversation_members m
	               WHERE m.conversation_id = $2 AND m.user_id = $1::bigint AND m.left_at IS NULL);
$$;

CREATE FUNCTION api.require_member(user_id text, conversation bigint) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF NOT api.member(user_id, conversation) THEN
		RAISE EXCEPTION 'you are not in this conversation' USING ERRCODE = 'insufficient_privilege';
	END IF;
END
$$;

-- Posts, likes and comments. A user's feed has the user's own posts and those of the users that the user follows.

-- Returns the newest comments of a post, oldest first.
CREATE FUNCTION api.comment_list(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('comments', coalesce(jsonb_agg(jsonb_build_object(
		'commentId', c.id::text, 'postId', c.post_id::text, 'userId', c.user_id::text, 'username', u.display_name,
		'content', c.content, 'timestamp', c.created_at) ORDER BY c.id), '[]'))
	FROM (SELECT * FROM comments WHERE post_id = (payload ->> 'postId')::bigint ORDER BY id DESC LIMIT 50) c
	JOIN users u ON u.id = c.user_id;
$$;

-- Returns the newest posts of the user's feed. before: a post's id; the result begins after it.
CREATE FUNCTION api.feed_list(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('posts', coalesce(jsonb_agg(jsonb_build_object(
		'postId', p.id::text, 'authorId', p.user_id::text, 'authorName', u.display_name,
		'content', p.content, 'timestamp', p.created_at,
		'totalLikes', (SELECT count(*) FROM likes l WHERE l.post_id = p.id),
		'liked', EXISTS (SELECT FROM likes l WHERE l.post_id = p.id AND l.user_id = $1::bigint),
		'totalComments', (SELECT count(*) FROM comments c WHERE c.post_id = p.id),
		'comments', api.comment_list($1, jsonb_build_object('postId', p.id)) -> 'comments') ORDER BY p.id DESC), '[]'))
	FROM (SELECT *
	      FROM posts
	      WHERE (posts.user_id = $1::bigint OR
	             posts.user_id IN (SELECT followee_id FROM follows WHERE follower_id = $1::bigint)) AND
	            (payload ->> 'before' IS NULL OR id < (payload ->> 'before')::bigint)
	      ORDER BY id DESC LIMIT 20) p
	JOIN users u ON u.id = p.user_id;
$$;

CREATE FUNCTION api.post_create(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$
	INSERT INTO posts (user_id, content) VALUES ($1::bigint, api.field(payload, 'content'))
	RETURNING jsonb_build_object('postId', id::text);
$$;

-- Likes the post. Removes the like if there is one.
CREATE FUNCTION api.post_like(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$
	WITH unliked AS (
		DELETE FROM likes l
		WHERE l.user_id = $1::bigint AND l.post_id = api.field(payload, 'postId')::bigint
		RETURNING 1
	), liked AS (
		INSERT INTO likes (user_id, post_id)
		SELECT $1::bigint, api.field(payload, 'postId')::bigint WHERE NOT EXISTS (SELECT FROM unliked)
		ON CONFLICT DO NOTHING
	)
	SELECT jsonb_build_object('liked', NOT EXISTS (SELECT FROM unliked));
$$;

CREATE FUNCTION api.comment_create(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$
	INSERT INTO comments (post_id, user_id, parent_id, content)
	VALUES (api.field(payload, 'postId')::bigint, $1::bigint, (payload ->> 'parentId')::bigint,
	        api.field(payload, 'content'))
	RETURNING jsonb_build_object('commentId', id::text);
$$;

-- People

-- Returns a user as others see it.
CREATE FUNCTION api.person(user_id text, u users) RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object(
		'userId', u.id::text, 'name', u.display_name, 'username', u.username, 'bio', u.bio,
		'followers', (SELECT count(*) FROM follows f WHERE f.followee_id = u.id),
		'following', EXISTS (SELECT FROM follows f WHERE f.followee_id = u.id AND f.follower_id = $1::bigint));
$$;

-- Returns a page of the users, at most 50, and the user itself. after: a user's id; the page begins behind it. next:
-- for "after" of the next page; null: this one is the last.
CREATE FUNCTION api.people_list(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
	WITH page AS (
		SELECT u AS person
		FROM users u
		WHERE u.id > coalesce((payload ->> 'after')::bigint, 0)
		ORDER BY u.id
		LIMIT 50
	)
	SELECT jsonb_build_object(
		'people', coalesce(jsonb_agg(api.person($1, p.person) ORDER BY (p.person).id), '[]'),
		'me', (SELECT api.person($1, u) FROM users u WHERE u.id = $1::bigint),
		'next', CASE WHEN count(*) = 50 THEN max((p.person).id)::text END)
	FROM page p;
$$;

-- Follows the user. Unfollows if the user is followed already.
CREATE FUNCTION api.user_follow(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS $$
	WITH unfollowed AS (
		DELETE FROM follows f
		WHERE f.follower_id = $1::bigint AND f.followee_id = api.field(payload, 'userId')::bigint
		RETURNING 1
	), followed AS (
		INSERT INTO follows (follower_id, followee_id)
		SELECT $1::bigint, api.field(payload, 'userId')::bigint WHERE NOT EXISTS (SELECT FROM unfollowed)
		ON CONFLICT DO NOTHING
	)
	SELECT jsonb_build_object('following', NOT EXISTS (SELECT FROM unfollowed));
$$;

-- Conversations

-- Returns the user's conversations, the one with the newest message first.
CREATE FUNCTION api.conversation_list(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('conversations', coalesce(jsonb_agg(jsonb_build_object(
		'conversationId', c.id::text,
		'title', coalesce(c.title, (SELECT string_agg(u.display_name, ', ' ORDER BY u.id)
		                            FROM conversation_members m JOIN users u ON u.id = m.user_id
		                            WHERE m.conversation_id = c.id AND m.user_id <> $1::bigint)),
		'members', (SELECT count(*) FROM conversation_members m WHERE m.conversation_id = c.id AND m.left_at IS NULL))
		ORDER BY (SELECT max(id) FROM messages m WHERE m.conversation_id = c.id) DESC NULLS LAST), '[]'))
	FROM conversations c
	WHERE api.member($1, c.id);
$$;

-- Returns the conversation of two users. Creates it if there is none. The locks on the users' rows prevent that two
-- sessions create it at the same time.
CREATE FUNCTION api.conversation_open(user_id text, payload jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	pair bigint[] := ARRAY[user_id::bigint, api.field(payload, 'userId')::bigint];
	found bigint;
BEGIN
	PERFORM FROM users u WHERE u.id = ANY (pair) ORDER BY u.id FOR UPDATE;
	SELECT c.id INTO found
	FROM conversations c
	WHERE c.title IS NULL AND
	      (SELECT array_agg(m.user_id ORDER BY m.user_id) FROM conversation_members m WHERE m.conversation_id = c.id) =
	      (SELECT array_agg(member ORDER BY member) FROM unnest(pair) AS member);
	IF found IS NULL THEN
		INSERT INTO conversations DEFAULT VALUES RETURNING id INTO found;
		INSERT INTO conversation_members (conversation_id, user_id) SELECT found, member FROM unnest(pair) AS member;
	END IF;
	RETURN jsonb_build_object('conversationId', found::text);
END
$$;

-- Returns the newest messages of a conversation, oldest first.
CREATE FUNCTION api.message_list(user_id text, payload jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM api.require_member(user_id, api.field(payload, 'conversationId')::bigint);
	RETURN (
		SELECT jsonb_build_object('messages', coalesce(jsonb_agg(jsonb_build_object(
			'messageId', m.id::text, 'conversationId', m.conversation_id::text, 'senderId', m.sender_id::text,
			'senderName', u.display_name, 'content', m.content, 'timestamp', m.created_at) ORDER BY m.id), '[]'))
		FROM (SELECT * FROM messages WHERE conversation_id = (payload ->> 'conversationId')::bigint
		      ORDER BY id DESC LIMIT 100) m
		JOIN users u ON u.id = m.sender_id);
END
$$;

SELECT herald.expose(action, format('api.%s(text, jsonb)', replace(action, ':', '_'))::regprocedure, 'social_app')
FROM unnest(ARRAY['feed:list', 'post:create', 'post:like', 'comment:create', 'comment:list', 'people:list',
                  'user:follow', 'conversation:list', 'conversation:open', 'message:list']) AS action;
