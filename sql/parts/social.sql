-- ---------------------------------------------------------------------------
-- The seven calls for what every social product has
--
-- Each finds out which columns mean what, remembers that in watched_table and
-- compiles it to rules of herald.watch. What is remembered about users, posts,
-- comments and members changes the rules of other tables: they are compiled
-- again, so that the calls may come in any order.
-- ---------------------------------------------------------------------------

-- The moment of a change, as JSON has it.
CREATE FUNCTION herald.now_sql() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT $sql$to_char(statement_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')$sql$;
$$;

-- What a row of a table is called as a subject: events, rooms and payload keys begin with it.
CREATE FUNCTION herald.subject_type(relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT max(CASE w.kind WHEN 'posts' THEN 'post' ELSE 'comment' END)
	                 FROM herald.watched_table AS w
	                 WHERE w.relation = $1 AND w.kind IN ('posts', 'comments')),
	                herald.noun($1));
$$;

-- The columns of the target that columns of a table stand for.
CREATE FUNCTION herald.referenced_key(relation regclass, columns text[], target regclass) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT f.target_columns FROM herald.foreign_keys($1) AS f WHERE f.columns = $2 AND f.target = $3),
	                (SELECT a.key
	                 FROM herald.watched_table AS w, jsonb_to_record(w.arguments) AS a (key text[])
	                 WHERE w.relation = $3 AND a.key IS NOT NULL LIMIT 1),
	                herald.primary_key($3));
$$;

-- The condition that a row of the target is the one that columns of another row stand for.
CREATE FUNCTION herald.match_columns(alias text, target regclass, key text[], row_alias text, relation regclass, columns text[]) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(format('%s = %s', herald.column_sql(alias, k), herald.column_sql(row_alias, c)) ||
	                  CASE WHEN wanted <> has THEN '::' || wanted ELSE '' END, ' AND ' ORDER BY place)
	FROM unnest(key, columns) WITH ORDINALITY AS p (k, c, place),
	     LATERAL (SELECT herald.column_type(target, k), herald.column_type(relation, c)) AS t (wanted, has);
$$;

CREATE FUNCTION herald.left_join(alias text, target regclass, key text[], row_alias text, relation regclass, columns text[]) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('LEFT JOIN %s AS %I ON %s', target, alias, herald.match_columns(alias, target, key, row_alias, relation, columns));
$$;

-- ----- users

-- The column that holds what a user is called, and the one that switches notifications off.
CREATE FUNCTION herald.name_column(users regclass, given text DEFAULT NULL) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald.detect_column(users, given, '{username,displayname,name,fullname,nickname,handle,login}');
$$;

CREATE FUNCTION herald.enabled_column(users regclass, given text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found text := herald.detect_column(users, given, '{notificationsenabled}');
	found_type text := herald.column_type(users, found);
BEGIN
	IF found_type = 'boolean' THEN
		RETURN found;
	ELSIF given IS NOT NULL THEN
		RAISE EXCEPTION 'column "%" of table "%" is of type %, not boolean', given, users, found_type USING ERRCODE = 'datatype_mismatch';
	END IF;
	RETURN NULL;
END
$$;

-- The users whom columns of a table refer to: the watched users table, if there is one, or that of the foreign key.
CREATE FUNCTION herald.users_of(relation regclass, columns text[], OUT users regclass, OUT key text[], OUT name text, OUT enabled text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH watched AS (
		SELECT w.relation AS users, a.key, a.name, a.notifications_enabled, count(*) OVER () = 1 AS alone
		FROM herald.watched_table AS w
		CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[], name text, notifications_enabled text)
		WHERE w.kind = 'users'
	), reference AS (
		SELECT f.target, f.target_columns FROM herald.foreign_keys($1) AS f WHERE f.columns = $2 LIMIT 1
	), candidate AS (
		SELECT 1 AS rank, w.users, r.target_columns, w.name, w.notifications_enabled
		FROM watched AS w JOIN reference AS r ON r.target = w.users
		UNION ALL
		SELECT 2, w.users, w.key, w.name, w.notifications_enabled FROM watched AS w WHERE w.alone
		UNION ALL
		SELECT 3, r.target, r.target_columns, herald.name_column(r.target), herald.enabled_column(r.target) FROM reference AS r
	)
	SELECT c.users, c.target_columns, c.name, c.notifications_enabled
	FROM candidate AS c
	WHERE cardinality(c.target_columns) = cardinality($2)
	ORDER BY c.rank
	LIMIT 1;
$$;

-- The watched users table that a table refers to: it helps to find out which columns hold a user.
CREATE FUNCTION herald.users_referenced(relation regclass) RETURNS regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT w.relation
	FROM herald.watched_table AS w
	JOIN herald.foreign_keys($1) AS f ON f.target = w.relation
	WHERE w.kind = 'users'
	LIMIT 1;
$$;

-- The user in columns of a row.
CREATE FUNCTION herald.person(alias text, row_alias text, relation regclass, columns text[]) RETURNS herald.person
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald.id_sql(row_alias, columns),
	       coalesce(herald.column_sql(alias, u.name) || '::text', 'NULL'),
	       CASE WHEN u.name IS NOT NULL THEN herald.left_join(alias, u.users, u.key, row_alias, relation, columns) END
	FROM herald.users_of(relation, columns) AS u;
$$;

-- The user whose id is the value of an expression, if it is clear which table holds the users.
CREATE FUNCTION herald.person_by_id(alias text, id text) RETURNS herald.person
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT id, coalesce(herald.column_sql(alias, a.name) || '::text', 'NULL'),
	       format('LEFT JOIN %s AS %I ON %s', w.relation, alias, herald.match_id(alias, w.relation, a.key, format('(%s)::text', id)))
	FROM herald.watched_table AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[], name text)
	WHERE w.kind = 'users' AND (SELECT count(*) FROM herald.watched_table AS u WHERE u.kind = 'users') = 1;
$$;

-- The SELECT of a recipient: the user in columns of a row, unless the application's own switch says no.
CREATE FUNCTION herald.told(row_alias text, relation regclass, columns text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'SELECT ' || herald.id_sql(row_alias, columns) ||
	       coalesce(' FROM ' || u.users || ' AS recipient WHERE ' || herald.match_columns('recipient', u.users, u.key, row_alias, relation, columns) ||
	                ' AND ' || herald.column_sql('recipient', u.enabled) || ' IS NOT FALSE', '')
	FROM herald.users_of(relation, columns) AS u;
$$;

-- ----- subjects

-- The thing that a row is about, in the SQL of its rules. Author is the SELECT of who is told about it.
CREATE TYPE herald.subject AS (type text, id text, room text, json_key text, joins text, author text);
COMMENT ON TYPE herald.subject IS 'internal';

-- The columns that hold the author of a subject; NULL where there is none.
CREATE FUNCTION herald.author_of(subject regclass) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT a.author
	                 FROM herald.watched_table AS w, jsonb_to_record(w.arguments) AS a (author text[])
	                 WHERE w.relation = $1 AND w.kind IN ('posts', 'comments') LIMIT 1),
	                herald.detect_key($1, 'posts', 'author', NULL, herald.users_referenced($1), optional => true));
$$;

CREATE FUNCTION herald.subject(relation regclass, columns text[], subject_table regclass) RETURNS herald.subject
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT t.type, herald.id_sql('changed', columns), t.type || ':' || herald.id_template('changed', columns), herald.camel(t.type) || 'Id',
	       herald.left_join('subject', subject_table, herald.referenced_key(relation, columns, subject_table), 'changed', relation, columns),
	       herald.told('subject', subject_table, herald.author_of(subject_table))
	FROM herald.subject_type(subject_table) AS t (type);
$$;

-- The table of a subject: as given, or that of the foreign key, or the only watched posts table.
CREATE FUNCTION herald.detect_subject_table(relation regclass, kind text, columns text[], given regclass) RETURNS regclass
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found regclass := coalesce(given,
		(SELECT f.target FROM herald.foreign_keys(relation) AS f WHERE f.columns = detect_subject_table.columns LIMIT 1),
		(SELECT min(w.relation::oid) FROM herald.watched_table AS w WHERE w.kind = 'posts' HAVING count(*) = 1)::regclass);
BEGIN
	IF found IS NULL THEN
		RAISE EXCEPTION 'cannot find the table of the subject of table "%"', relation
			USING ERRCODE = 'undefined_table',
			      DETAIL = format('Column %s is no foreign key, and not exactly one table of posts is watched.', array_to_string(columns, ', ')),
			      HINT = format('Name it: SELECT herald.watch_%s(%L, subject_table => ''posts'');', kind, relation);
	END IF;
	RETURN found;
END
$$;

-- The column that holds the text of a comment or message; NULL where there is none.
CREATE FUNCTION herald.body_column(relation regclass, given text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT ARRAY[name] FROM herald.detect_column(relation, given, '{content,body,text,message,comment,caption}') AS name WHERE name IS NOT NULL;
$$;

-- The template of the beginning of a text.
CREATE FUNCTION herald.excerpt(body text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('{changed.%s:200}', body[1]);
$$;

-- How many rows of a table stand for one subject: the total that events of the table carry.
CREATE FUNCTION herald.save_total(relation regclass, field text, columns text[]) RETURNS int
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald.save_counter(relation, field, format('SELECT count(*) FROM %s AS counted WHERE %s', relation,
	                                                   herald.match_id('counted', relation, columns, '$1')));
$$;

-- ----- posts

-- The condition of the post's room is tried too: a mistake in it shows now.
CREATE FUNCTION herald.compile_posts(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	post record;
	author herald.person;
	made record;
BEGIN
	SELECT * INTO post FROM jsonb_to_record(arguments) AS a (key text[], author text[], visible text, on_error text);
	author := herald.person('author', 'changed', relation, post.author);
	FOR made IN VALUES ('post', 'insert', 'post:created'), ('post_update', 'update', 'post:updated'), ('post_delete', 'delete', 'post:deleted') LOOP
		PERFORM herald.watch(relation, made.column1, ARRAY[made.column2], on_error => post.on_error,
			joins => author.joins,
			event => made.column3,
			room => format('feed:%s post:%s', herald.id_template('changed', post.author), herald.id_template('changed', post.key)),
			payload => herald.json_sql('postId', herald.id_sql('changed', post.key), 'authorId', author.id, 'authorName', author.name,
			                           'post', 'changed.herald_row'));
	END LOOP;
	PERFORM herald.ask_table('', herald.table_question('post', relation, post.key, post.visible, NULL));
END
$$;

-- ----- likes

CREATE FUNCTION herald.compile_likes(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	liked record;
	actor herald.person;
	subject herald.subject;
	counter int;
	made record;
BEGIN
	SELECT * INTO liked FROM jsonb_to_record(arguments) AS a (actor text[], subject text[], subject_table regclass, on_error text);
	actor := herald.person('actor', 'changed', relation, liked.actor);
	subject := herald.subject(relation, liked.subject, liked.subject_table);
	counter := herald.save_total(relation, 'totalLikes', liked.subject);
	FOR made IN
		SELECT * FROM (VALUES ('like', 'insert', ':liked', 'true', subject.author, 1), ('unlike', 'delete', ':unliked', 'false', NULL, -1))
			AS m (rule, operation, event, liked, recipient, delta)
	LOOP
		PERFORM herald.watch(relation, made.rule, ARRAY[made.operation], on_error => liked.on_error,
			joins => concat_ws(E'\n', subject.joins, actor.joins),
			actor => actor.id, actor_name => actor.name, recipient => made.recipient, type => 'like',
			subject_type => subject.type, subject_id => subject.id,
			event => subject.type || made.event,
			room => subject.room,
			payload => herald.json_sql(subject.json_key, subject.id, 'userId', actor.id, 'username', actor.name, 'liked', made.liked,
			                           'timestamp', herald.now_sql()),
			counter => counter, counted_id => subject.id, delta => made.delta);
	END LOOP;
END
$$;

-- ----- comments

-- What a notification of a comment carries, for the front end to find the place.
CREATE FUNCTION herald.comment_data(subject herald.subject, id text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald.json_sql(subject.json_key, subject.id, 'commentId', id);
$$;

-- Who is told of a comment, and of a reply; both have one cause, so that nobody is told twice.
CREATE FUNCTION herald.compile_comments(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	comment record;
	actor herald.person;
	subject herald.subject;
	id text;
	counter int;
	made record;
BEGIN
	SELECT * INTO comment FROM jsonb_to_record(arguments)
		AS a (key text[], author text[], subject text[], subject_table regclass, parent text[], body text[], on_error text);
	actor := herald.person('actor', 'changed', relation, comment.author);
	subject := herald.subject(relation, comment.subject, comment.subject_table);
	id := herald.id_sql('changed', comment.key);
	counter := herald.save_total(relation, 'totalComments', comment.subject);
	FOR made IN
		SELECT * FROM (VALUES ('comment', 'insert', 'comment:created', subject.author, counter, 1),
		                      ('comment_update', 'update', 'comment:updated', NULL, NULL, NULL),
		                      ('comment_delete', 'delete', 'comment:deleted', NULL, counter, -1))
			AS m (rule, operation, event, recipient, counter, delta)
	LOOP
		PERFORM herald.watch(relation, made.rule, ARRAY[made.operation], on_error => comment.on_error,
			joins => concat_ws(E'\n', subject.joins, actor.joins),
			actor => actor.id, actor_name => actor.name, recipient => made.recipient, type => 'comment',
			subject_type => subject.type, subject_id => subject.id,
			content => herald.excerpt(comment.body),
			data => herald.comment_data(subject, id),
			event => made.event,
			room => subject.room,
			payload => herald.json_sql(subject.json_key, subject.id, 'commentId', id, 'parentId', herald.id_sql('changed', comment.parent),
			                           'userId', actor.id, 'username', actor.name, 'content', herald.id_sql('changed', comment.body), 'comment', 'changed.herald_row',
			                           'timestamp', herald.now_sql()),
			counter => made.counter, counted_id => CASE WHEN made.counter IS NOT NULL THEN subject.id END, delta => made.delta);
	END LOOP;
	PERFORM herald.compile_replies(relation, comment.key, comment.author, comment.parent, comment.body, herald.comment_data(subject, id), actor,
	                               comment.on_error);
END
$$;

CREATE FUNCTION herald.compile_replies(relation regclass, key text[], author text[], parent text[], body text[], data text, actor herald.person,
	on_error text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF parent IS NULL THEN
		PERFORM herald.delete_rules(relation, 'reply');
		RETURN;
	END IF;
	PERFORM herald.watch(relation, 'reply', on_error => on_error,
		joins => concat_ws(E'\n', herald.left_join('parent', relation, key, 'changed', relation, parent), actor.joins),
		actor => actor.id, actor_name => actor.name, recipient => herald.told('parent', relation, author), type => 'reply',
		subject_type => 'comment', subject_id => herald.id_sql('changed', parent),
		content => herald.excerpt(body), data => data);
END
$$;

-- ----- follows

CREATE FUNCTION herald.compile_follows(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	follow record;
	follower herald.person;
	followee herald.person;
	feed text;
	counter int;
	made record;
BEGIN
	SELECT * INTO follow FROM jsonb_to_record(arguments) AS a (follower text[], followee text[], on_error text);
	follower := herald.person('follower', 'changed', relation, follow.follower);
	followee := herald.person('followee', 'changed', relation, follow.followee);
	feed := 'feed:' || herald.id_template('changed', follow.followee);
	counter := herald.save_total(relation, 'totalFollowers', follow.followee);
	FOR made IN
		SELECT * FROM (VALUES ('follow', 'insert', 'user:followed', herald.told('changed', relation, follow.followee), feed, NULL, 1),
		                      ('unfollow', 'delete', 'user:unfollowed', NULL, NULL, feed, -1))
			AS m (rule, operation, event, recipient, joins, leaves, delta)
	LOOP
		PERFORM herald.watch(relation, made.rule, ARRAY[made.operation], on_error => follow.on_error,
			joins => concat_ws(E'\n', follower.joins, followee.joins),
			actor => follower.id, actor_name => follower.name, recipient => made.recipient, type => 'follow',
			subject_type => 'user', subject_id => followee.id,
			event => made.event,
			room => format('user:%s user:%s', herald.id_template('changed', follow.follower), herald.id_template('changed', follow.followee)),
			payload => herald.json_sql('followerId', follower.id, 'followerName', follower.name,
			                           'followeeId', followee.id, 'followeeName', followee.name, 'timestamp', herald.now_sql()),
			member => follower.id, member_joins => made.joins, member_leaves => made.leaves,
			counter => counter, counted_id => followee.id, delta => made.delta);
	END LOOP;
	PERFORM herald.save_room_source(relation, 'follows', format(
		'SELECT u.id AS user_id, ''feed:'' || %s AS room FROM unnest($1::text[]) AS u (id) JOIN %s AS f ON %s',
		herald.id_sql('f', follow.followee), relation, herald.match_id('f', relation, follow.follower, 'u.id')));
END
$$;

-- ----- members of conversations

-- The condition that a member has not left.
CREATE FUNCTION herald.present(alias text, left_at text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(herald.column_sql(alias, left_at) || ' IS NULL', 'true');
$$;

-- Whoever is a member is in the room. An UPDATE is a membership that ends, one that begins, or both, when the row
-- now stands for another member or conversation.
CREATE FUNCTION herald.compile_members(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	membership record;
	stayed text;
	made record;
BEGIN
	SELECT * INTO membership FROM jsonb_to_record(arguments) AS a (conversation text[], member text[], left_at text, on_error text);
	SELECT string_agg(format('old.%1$I = new.%1$I', name), ' AND ') INTO stayed
	FROM unnest(membership.conversation || membership.member) AS name;
	stayed := format('%s AND %s AND %s', herald.present('old', membership.left_at), herald.present('new', membership.left_at), stayed);
	FOR made IN
		SELECT * FROM (VALUES ('member_delete', 'delete', 'old', 'true', false), ('member_leave', 'update', 'old', format('NOT (%s)', stayed), false),
		                      ('member_join', 'insert', 'new', 'true', true), ('member_return', 'update', 'new', format('NOT (%s)', stayed), true))
			AS m (rule, operation, alias, condition, joins)
	LOOP
		PERFORM herald.compile_membership(relation, made.rule, made.operation, made.alias, membership.conversation, membership.member,
			format('%s AND %s', herald.present(made.alias, membership.left_at), made.condition), made.joins, membership.on_error);
	END LOOP;
	PERFORM herald.save_room_source(relation, 'members', format(
		'SELECT u.id AS user_id, ''conversation:'' || %s AS room FROM unnest($1::text[]) AS u (id) JOIN %s AS m ON %s WHERE %s',
		herald.id_sql('m', membership.conversation), relation, herald.match_id('m', relation, membership.member, 'u.id'),
		herald.present('m', membership.left_at)));
END
$$;

CREATE FUNCTION herald.compile_membership(relation regclass, rule text, operation text, alias text, conversation text[], member text[],
	condition text, begins boolean, on_error text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald.watch(relation, rule, ARRAY[operation], condition, on_error => on_error,
		event => CASE WHEN begins THEN 'conversation:joined' ELSE 'conversation:left' END,
		room => format('%s user:%s', r.room, herald.id_template(alias, member)),
		payload => herald.json_sql('conversationId', herald.id_sql(alias, conversation), 'userId', herald.id_sql(alias, member)),
		member => herald.id_sql(alias, member),
		member_joins => CASE WHEN begins THEN r.room END, member_leaves => CASE WHEN NOT begins THEN r.room END)
	FROM (SELECT 'conversation:' || herald.id_template(alias, conversation)) AS r (room);
$$;

-- ----- messages

-- The SELECT of the present members of the conversation that columns of a changed row stand for; NULL as long as
-- no members are watched. Where several tables of members are, it is that of the same conversations.
CREATE FUNCTION herald.members_of(relation regclass, columns text[]) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('SELECT reached.id FROM %s AS member CROSS JOIN LATERAL (%s) AS reached (id) WHERE %s AND %s', w.relation,
	              herald.told('member', w.relation, a.member),
	              herald.match_columns('member', w.relation, a.conversation, 'changed', $1, $2), herald.present('member', a.left_at))
	FROM herald.watched_table AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (conversation text[], member text[], left_at text)
	LEFT JOIN herald.foreign_keys(w.relation) AS theirs ON theirs.columns = a.conversation
	LEFT JOIN herald.foreign_keys($1) AS ours ON ours.columns = $2 AND ours.target = theirs.target
	WHERE w.kind = 'members' AND cardinality(a.conversation) = cardinality($2)
	ORDER BY ours.target IS NULL, w.relation
	LIMIT 1;
$$;

CREATE FUNCTION herald.compile_messages(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	message record;
	sender herald.person;
	id text;
	conversation_id text;
	receiver_id text;
	recipient text;
	room text;
	made record;
BEGIN
	SELECT * INTO message FROM jsonb_to_record(arguments)
		AS a (key text[], sender text[], conversation text[], receiver text[], body text[], on_error text);
	sender := herald.person('actor', 'changed', relation, message.sender);
	id := herald.id_sql('changed', message.key);
	conversation_id := herald.id_sql('changed', message.conversation);
	receiver_id := herald.id_sql('changed', message.receiver);
	IF message.conversation IS NOT NULL THEN
		recipient := herald.members_of(relation, message.conversation);
		room := 'conversation:' || herald.id_template('changed', message.conversation);
	ELSE
		recipient := herald.told('changed', relation, message.receiver);
		room := format('user:%s user:%s', herald.id_template('changed', message.sender), herald.id_template('changed', message.receiver));
	END IF;
	FOR made IN
		SELECT * FROM (VALUES ('message', 'insert', 'message:created', recipient), ('message_update', 'update', 'message:updated', NULL),
		                      ('message_delete', 'delete', 'message:deleted', NULL))
			AS m (rule, operation, event, recipient)
	LOOP
		PERFORM herald.watch(relation, made.rule, ARRAY[made.operation], on_error => message.on_error,
			joins => sender.joins,
			actor => sender.id, actor_name => sender.name, recipient => made.recipient, type => 'message',
			subject_type => CASE WHEN conversation_id IS NULL THEN 'message' ELSE 'conversation' END, subject_id => coalesce(conversation_id, id),
			content => herald.excerpt(message.body),
			data => herald.json_sql('messageId', id, 'conversationId', conversation_id),
			event => made.event,
			room => room,
			payload => herald.json_sql('messageId', id, 'conversationId', conversation_id, 'receiverId', receiver_id,
			                           'senderId', sender.id, 'senderName', sender.name, 'content', herald.id_sql('changed', message.body),
			                           'message', 'changed.herald_row', 'timestamp', herald.now_sql()));
	END LOOP;
END
$$;

-- ----- the calls

CREATE FUNCTION herald.compile(relation regclass, kind text, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	CASE kind
		WHEN 'users' THEN NULL;
		WHEN 'posts' THEN PERFORM herald.compile_posts(relation, arguments);
		WHEN 'likes' THEN PERFORM herald.compile_likes(relation, arguments);
		WHEN 'comments' THEN PERFORM herald.compile_comments(relation, arguments);
		WHEN 'follows' THEN PERFORM herald.compile_follows(relation, arguments);
		WHEN 'members' THEN PERFORM herald.compile_members(relation, arguments);
		WHEN 'messages' THEN PERFORM herald.compile_messages(relation, arguments);
	END CASE;
END
$$;

-- Compiles the other watched tables of the caller again. What is wrong with one of them must not hinder the one
-- that is being watched: it may be the remedy.
CREATE FUNCTION herald.recompile_others(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	other herald.watched_table;
BEGIN
	FOR other IN
		SELECT w.*
		FROM herald.watched_table AS w
		JOIN pg_class AS c ON c.oid = w.relation
		WHERE w.relation <> recompile_others.relation AND pg_has_role(c.relowner, 'USAGE')
	LOOP
		BEGIN
			PERFORM herald.compile(other.relation, other.kind, other.arguments);
		EXCEPTION WHEN OTHERS THEN
			RAISE WARNING 'the rules of table "%" stay as they were: %', other.relation, SQLERRM
				USING HINT = format('Watch it again: SELECT herald.watch_%s(%L);', other.kind, other.relation);
		END;
	END LOOP;
END
$$;

-- Remembers what a table means and makes its rules.
CREATE FUNCTION herald.adopt(relation regclass, kind text, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM herald.check_watchable(relation);
	PERFORM herald.save_watched(relation, kind, jsonb_strip_nulls(arguments));
	PERFORM herald.compile(relation, kind, arguments);
	IF kind IN ('users', 'posts', 'comments', 'members') THEN
		PERFORM herald.recompile_others(relation);
	END IF;
END
$$;

CREATE FUNCTION herald.watch_users(relation regclass, name text DEFAULT NULL, notifications_enabled text DEFAULT NULL, key text DEFAULT NULL)
RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald.adopt(relation, 'users', jsonb_build_object(
		'key', herald.detect_row_key(relation, 'users', key),
		'name', herald.name_column(relation, name),
		'notifications_enabled', herald.enabled_column(relation, notifications_enabled)));
$$;
COMMENT ON FUNCTION herald.watch_users(regclass, text, text, text) IS
	'say which table holds the users, what they are called and which column switches their notifications off';

CREATE FUNCTION herald.watch_posts(relation regclass, author text DEFAULT NULL, key text DEFAULT NULL, visible text DEFAULT NULL,
	on_error text DEFAULT 'abort') RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald.adopt(relation, 'posts', jsonb_build_object(
		'author', herald.detect_key(relation, 'posts', 'author', author, herald.users_referenced(relation)),
		'key', herald.detect_row_key(relation, 'posts', key),
		'visible', visible,
		'on_error', on_error));
$$;
COMMENT ON FUNCTION herald.watch_posts(regclass, text, text, text, text) IS
	'publish what happens to posts to the feed of their author; visible is a condition over "post" and "viewer" (a user''s id) for room post:P';

CREATE FUNCTION herald.watch_likes(relation regclass, actor text DEFAULT NULL, subject text DEFAULT NULL, subject_table regclass DEFAULT NULL,
	on_error text DEFAULT 'abort') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	actor_columns text[] := herald.detect_key(relation, 'likes', 'actor', actor, herald.users_referenced(relation),
	                                          taken => herald.given_columns(relation, subject));
	subject_columns text[] := herald.detect_key(relation, 'likes', 'subject', subject, subject_table, taken => actor_columns);
BEGIN
	PERFORM herald.adopt(relation, 'likes', jsonb_build_object(
		'actor', actor_columns,
		'subject', subject_columns,
		'subject_table', herald.detect_subject_table(relation, 'likes', subject_columns, subject_table),
		'on_error', on_error));
END
$$;
COMMENT ON FUNCTION herald.watch_likes(regclass, text, text, regclass, text) IS
	'notify the author of what is liked and publish likes, unlikes and their total to its room';

CREATE FUNCTION herald.watch_comments(relation regclass, author text DEFAULT NULL, subject text DEFAULT NULL, subject_table regclass DEFAULT NULL,
	parent text DEFAULT NULL, body text DEFAULT NULL, key text DEFAULT NULL, on_error text DEFAULT 'abort') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	author_columns text[] := herald.detect_key(relation, 'comments', 'author', author, herald.users_referenced(relation),
	                                           taken => herald.given_columns(relation, subject));
	parent_columns text[] := herald.detect_key(relation, 'comments', 'parent', parent, relation, taken => author_columns, optional => true);
	subject_columns text[] := herald.detect_key(relation, 'comments', 'subject', subject, subject_table, taken => author_columns || parent_columns);
BEGIN
	PERFORM herald.adopt(relation, 'comments', jsonb_build_object(
		'key', herald.detect_row_key(relation, 'comments', key),
		'author', author_columns,
		'subject', subject_columns,
		'subject_table', herald.detect_subject_table(relation, 'comments', subject_columns, subject_table),
		'parent', parent_columns,
		'body', herald.body_column(relation, body),
		'on_error', on_error));
END
$$;
COMMENT ON FUNCTION herald.watch_comments(regclass, text, text, regclass, text, text, text, text) IS
	'notify the author of what is commented on, or of the comment that is replied to, and publish comments and their total to its room';

CREATE FUNCTION herald.watch_follows(relation regclass, follower text DEFAULT NULL, followee text DEFAULT NULL, on_error text DEFAULT 'abort')
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	users regclass := herald.users_referenced(relation);
	follower_columns text[] := herald.detect_key(relation, 'follows', 'follower', follower, users, taken => herald.given_columns(relation, followee));
	followee_columns text[] := herald.detect_key(relation, 'follows', 'followee', followee, users, taken => follower_columns);
BEGIN
	PERFORM herald.adopt(relation, 'follows', jsonb_build_object(
		'follower', follower_columns, 'followee', followee_columns, 'on_error', on_error));
END
$$;
COMMENT ON FUNCTION herald.watch_follows(regclass, text, text, text) IS
	'notify who is followed, tell both, and put followers into the feed of whom they follow';

CREATE FUNCTION herald.watch_members(relation regclass, conversation text DEFAULT NULL, member text DEFAULT NULL, left_at text DEFAULT NULL,
	on_error text DEFAULT 'abort') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	member_columns text[] := herald.detect_key(relation, 'members', 'member', member, herald.users_referenced(relation),
	                                           taken => herald.given_columns(relation, conversation));
BEGIN
	PERFORM herald.adopt(relation, 'members', jsonb_build_object(
		'conversation', herald.detect_key(relation, 'members', 'conversation', conversation, taken => member_columns),
		'member', member_columns,
		'left_at', herald.detect_column(relation, left_at, '{leftat,removedat}'),
		'on_error', on_error));
END
$$;
COMMENT ON FUNCTION herald.watch_members(regclass, text, text, text, text) IS
	'put the present members of a conversation into its room, as long as they are';

CREATE FUNCTION herald.watch_messages(relation regclass, sender text DEFAULT NULL, conversation text DEFAULT NULL, receiver text DEFAULT NULL,
	body text DEFAULT NULL, key text DEFAULT NULL, on_error text DEFAULT 'abort') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	users regclass := herald.users_referenced(relation);
	sender_columns text[] := herald.detect_key(relation, 'messages', 'sender', sender, users,
	                                           taken => herald.given_columns(relation, receiver));
	receiver_columns text[] := herald.detect_key(relation, 'messages', 'receiver', receiver, users, taken => sender_columns, optional => true);
	conversation_columns text[];
BEGIN
	IF conversation IS NOT NULL OR receiver IS NULL THEN
		conversation_columns := herald.detect_key(relation, 'messages', 'conversation', conversation,
			taken => sender_columns || receiver_columns, optional => receiver_columns IS NOT NULL);
	END IF;
	PERFORM herald.adopt(relation, 'messages', jsonb_build_object(
		'key', herald.detect_row_key(relation, 'messages', key),
		'sender', sender_columns,
		'conversation', conversation_columns,
		'receiver', receiver_columns,
		'body', herald.body_column(relation, body),
		'on_error', on_error));
END
$$;
COMMENT ON FUNCTION herald.watch_messages(regclass, text, text, text, text, text, text) IS
	'notify the other present members of the conversation, or the receiver, and publish messages to the room of the conversation, or of both';
