-- ---------------------------------------------------------------------------
-- Content: posts, likes, comments and mentions
--
-- The cause of a notification is a path below its subject: post:42:like:7,
-- post:42:comment:9. When a post goes, all causes that begin with its own go.
-- ---------------------------------------------------------------------------

-- ----- subjects

-- Returns the templates of the rooms that get the events of a message, the row "subject": that of its conversation, and
-- those of its sender and its receiver; NULL if the table has no messages.
CREATE FUNCTION herald_internal.message_rooms(messages regclass) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(' ', 'conversation:' || herald_internal.id_template('subject', a.conversation),
	                 CASE WHEN a.receiver IS NOT NULL AND NOT w.arguments ? 'sender_type'
	                 THEN 'user:' || herald_internal.id_template('subject', a.sender) END,
	                 'user:' || herald_internal.id_template('subject', a.receiver))
	FROM herald_internal.watched_table AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (sender text[], conversation text[], receiver text[])
	WHERE w.relation = $1 AND w.kind = 'messages';
$$;

-- Returns the subject in columns of a row. Its author is a recipient; the author of a comment only while the author may
-- see the post that it is on.
CREATE FUNCTION herald_internal.subject_of_columns(relation regclass, columns text[], subject_table regclass)
	RETURNS herald_internal.subject
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT t.type, herald_internal.id_sql('changed', columns), t.type ||
	       ':' || herald_internal.id_template('changed', columns), herald_internal.camel_case(t.type) || 'Id',
	       herald_internal.left_join_sql('subject', subject_table,
	                                     herald_internal.referenced_key(relation, columns, subject_table), 'changed',
	                                     relation, columns),
	       CASE WHEN EXISTS (SELECT FROM herald_internal.watched_table AS w
	                         WHERE w.relation = $3 AND w.kind = 'comments')
	       THEN herald_internal.readers_sql(a.author, 'subject', subject_table) ELSE a.author END,
	       'SELECT ' || herald_internal.id_sql('subject', herald_internal.author_columns(subject_table)) ||
	           format(' FROM %s AS subject WHERE %s', subject_table,
	              herald_internal.match_id('subject', subject_table,
	                                       herald_internal.referenced_key(relation, columns, subject_table), '$1')),
	       (SELECT herald_internal.subject_type(herald_internal.saved_table(a.subject_table)) || ':' ||
	        herald_internal.id_template('subject', a.subject)
	        FROM herald_internal.watched_table AS w,
	        jsonb_to_record(w.arguments) AS a (subject text[], subject_table text)
	        WHERE w.relation = $3 AND w.kind = 'comments'),
	       coalesce(herald_internal.message_rooms(subject_table),
	                t.type || ':' || herald_internal.id_template('changed', columns))
	FROM herald_internal.subject_type(subject_table) AS t (type)
	CROSS JOIN herald_internal.recipient_sql('subject', subject_table,
	                                         herald_internal.author_columns(subject_table)) AS a (author);
$$;

-- ----- an audience of everyone

-- Returns the templates of rooms, and with an audience of everyone that of all sessions.
CREATE FUNCTION herald_internal.audience_rooms(audience text, rooms text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT concat_ws(' ', CASE audience WHEN 'everyone' THEN '*' END, rooms);
$$;

-- Returns the audience of rows, which is not everyone if something limits it. That is an error of the call that asks
-- for this audience, and a warning of a later one that limits it.
CREATE FUNCTION herald_internal.limited_audience(relation regclass, kind text, audience text, reason text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF audience IS NULL OR reason IS NULL THEN
		RETURN audience;
	END IF;
	IF herald_internal.given_arguments('watch_' || kind, relation) ->> 'audience' IS NULL THEN
		RAISE WARNING 'rows of table "%" are no longer told to everyone', herald_internal.plain_name(relation)
			USING DETAIL = format('By %s, some users may not hear of a row.', reason);
		RETURN NULL;
	END IF;
	RAISE EXCEPTION 'rows of table "%" cannot be told to everyone', herald_internal.plain_name(relation)
		USING ERRCODE = 'invalid_parameter_value',
		      DETAIL = format('By %s, some users may not hear of a row.', reason),
		      HINT = 'Leave out audience => ''everyone''. A row that nobody is to hear of can be left out by "active".';
END
$$;

-- Returns the part of a call, or a table, by which some users may not hear of posts; NULL: they may be for everyone.
CREATE FUNCTION herald_internal.audience_limit(relation regclass, arguments jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN arguments ? 'visible' THEN '"visible"'
		WHEN arguments ? 'in_feed' THEN '"in_feed"'
		WHEN herald_internal.unblocked_condition('post', relation, a.author, 'session.viewer') IS NOT NULL
		THEN 'a table of blocks' END
	FROM jsonb_to_record(arguments) AS a (author text[]);
$$;

-- Returns the audience of events about a post: everyone only if everyone hears of the post itself.
CREATE FUNCTION herald_internal.subject_audience(audience text, subject_table regclass) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT w.arguments ->> 'audience' FROM herald_internal.watched_table AS w
	WHERE w.relation = subject_table AND w.kind = 'posts' AND audience = w.arguments ->> 'audience' AND
	      herald_internal.audience_limit(w.relation, w.arguments) IS NULL;
$$;

-- Raises an error if a call tells everyone of likes of, or comments on, rows of which not everyone hears.
CREATE FUNCTION herald_internal.check_subject_audience(relation regclass, audience text, subjects jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	subject regclass;
BEGIN
	SELECT p.subject_table INTO subject
	FROM herald_internal.subject_parts(subjects) AS p
	WHERE audience IS NOT NULL AND herald_internal.subject_audience(audience, p.subject_table) IS NULL
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'rows of table "%" cannot be told to everyone', herald_internal.plain_name(relation)
			USING ERRCODE = 'object_not_in_prerequisite_state',
			      DETAIL = format('They are about rows of %s, of which not everyone hears.', subject),
			      HINT = format('First: %s;', herald_internal.call_sql('watch_posts', subject,
			                                                         '{"audience": "everyone"}'));
	END IF;
END
$$;

-- Returns the SQL of the rooms of an event about a post that everyone hears of while the post is shown; NULL if it
-- always is.
CREATE FUNCTION herald_internal.shown_rooms_sql(audience text, relation regclass, columns text[],
                                                subject_table regclass, rooms text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('%s || CASE WHEN EXISTS (SELECT FROM %s AS shown WHERE %s) THEN ''{*}''::text[] END',
	              herald_internal.compile_rooms(rooms), herald_internal.rows_sql(subject_table, c.shown),
	              herald_internal.match_columns('shown', subject_table,
	                  herald_internal.referenced_key(relation, columns, subject_table), 'changed', relation, columns))
	FROM herald_internal.watched_table AS w
	CROSS JOIN LATERAL herald_internal.and_conditions(w.arguments ->> 'present',
	                                                  herald_internal.shown_condition(w.arguments)) AS c (shown)
	WHERE audience IS NOT NULL AND w.relation = subject_table AND w.kind = 'posts' AND c.shown IS NOT NULL;
$$;

-- ----- mentions

-- Returns the collation that knows the letters of all languages; without it (a server without ICU) the database's
-- collation applies.
CREATE FUNCTION herald_internal.letter_collation() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT ' COLLATE pg_catalog."und-x-icu"' FROM pg_collation AS c
	                 WHERE c.collname = 'und-x-icu' AND c.collnamespace = 'pg_catalog'::regnamespace AND
	                       c.collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding()))
	                       AND getdatabaseencoding() = 'UTF8'), '');
$$;

-- Returns the type and the operator of citext, if a column has that type; else no row. Both belong to the extension.
CREATE FUNCTION herald_internal.citext_of(relation regclass, name text) RETURNS TABLE (type text, equals text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format_type(t.oid, -1), format('OPERATOR(%I.=)', n.nspname)
	FROM pg_attribute AS a
	JOIN pg_type AS own ON own.oid = a.atttypid
	JOIN pg_type AS t ON t.oid = coalesce(nullif(own.typbasetype, 0), own.oid) AND t.typname = 'citext'
	JOIN pg_namespace AS n ON n.oid = t.typnamespace
	JOIN pg_depend AS d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
	JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'citext'
	WHERE a.attrelid = $1 AND a.attname = $2 AND NOT a.attisdropped;
$$;

-- Returns the columns that a handle is unique with: it may name a user of each tenant. NULL if it is unique alone, or
-- not known to be unique.
CREATE FUNCTION herald_internal.handle_scope(users regclass, key text[], handle text) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH keyed AS (
		SELECT i.indexrelid, array_agg(DISTINCT a.attname::text ORDER BY a.attname::text) AS columns
		FROM pg_index AS i
		JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum > 0 AND
			(a.attnum = ANY (i.indkey::smallint[]) OR i.indpred IS NULL AND EXISTS (
			 SELECT FROM pg_depend AS d
			 WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND
			       d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum))
		WHERE i.indrelid = users AND i.indisunique
		GROUP BY i.indexrelid
	)
	SELECT array_remove(k.columns, handle)
	FROM keyed AS k
	WHERE handle = ANY (k.columns) AND (NOT k.columns @> key OR handle = ANY (key))
	ORDER BY cardinality(k.columns), k.columns
	LIMIT 1;
$$;

-- Returns the condition that the author in columns of a changed row has the same values as a mentioned user in the
-- columns that their handles are unique with; NULL without such columns.
CREATE FUNCTION herald_internal.same_scope_sql(relation regclass, author text[], users regclass, key text[],
                                               handle text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('EXISTS (SELECT FROM %s AS writer WHERE %s AND %s)', users,
	              herald_internal.match_columns('writer', users, key, 'changed', relation, author),
	              string_agg(format('writer.%1$I IS NOT DISTINCT FROM mentioned.%1$I', name), ' AND '))
	FROM unnest(herald_internal.handle_scope(users, key, handle)) AS name
	HAVING count(*) > 0;
$$;

-- Returns the condition that a user has a handle, in the user's spelling or in small letters. If an index on
-- lower(handle) exists, or the column is of type citext, case does not matter at all.
CREATE FUNCTION herald_internal.match_handle(users regclass, handle text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN EXISTS (SELECT FROM pg_index AS i
	                         WHERE i.indrelid = users AND
	                               pg_get_indexdef(i.indexrelid,
	                                               1, false) IN (format('lower(%I)', handle),
	                                                             format('lower((%I)::text)', handle)))
	            THEN format('lower(%s) = lower(named.handle)', herald_internal.column_sql('mentioned', handle))
	            WHEN c.type IS NOT NULL
	            THEN format('%s %s named.handle::%s', herald_internal.column_sql('mentioned', handle), c.equals, c.type)
	            ELSE format('%s = ANY (ARRAY[named.handle, lower(named.handle)])',
	                        herald_internal.column_sql('mentioned', handle)) END
	FROM (VALUES (1)) AS one (row)
	LEFT JOIN herald_internal.citext_of(users, handle) AS c ON true;
$$;

-- Returns the SELECT of the users with handles in a text; NULL without handles. A part of an address is no mention:
-- ann@example.com, example.com/@ann, @ann@example.com. A handle may contain dots and dashes, but not at its end. It has
-- the default collation, so that an index on the users' handles can be used. "by_user" is the condition that the author
-- is a user: others are in no tenant.
CREATE FUNCTION herald_internal.mentioned_users_sql(relation regclass, author text[], body text[], posts regclass,
                                                    among text, by_user text DEFAULT NULL) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('SELECT %s FROM (SELECT DISTINCT m[1] COLLATE "default" AS handle '
	              'FROM regexp_matches(%s%s, %L, ''g'') AS m) AS named JOIN %s AS mentioned ON %s WHERE %s',
	              herald_internal.id_sql('mentioned', u.key), herald_internal.id_sql('changed', body),
	              herald_internal.letter_collation(),
	              '(?<![[:alnum:]_@/])@([[:alnum:]_](?:[[:alnum:]_.-]*[[:alnum:]_])?)(?![[:alnum:]_@])',
	              herald_internal.rows_sql(u.users, u.present), herald_internal.match_handle(u.users, u.handle),
	              coalesce(herald_internal.and_conditions(
	                            CASE WHEN s.condition IS NOT NULL
	                            THEN herald_internal.and_conditions(by_user, s.condition) END,
	                            herald_internal.access_condition(CASE posts WHEN relation THEN 'changed' ELSE 'subject'
	                                                             END, posts,
	                                                             herald_internal.id_sql('mentioned', u.key)),
	                            'EXISTS (SELECT FROM (' || among || ') AS present (id) WHERE ' ||
	                            herald_internal.match_id('mentioned', u.users, u.key, 'present.id') || ')'), 'true'))
	FROM herald_internal.user_table(relation, author) AS u
	CROSS JOIN herald_internal.same_scope_sql(relation, author, u.users, u.key, u.handle) AS s (condition)
	WHERE u.handle IS NOT NULL AND body IS NOT NULL;
$$;

-- A mention has the cause of the row that contains it, so a recipient of both gets one notification. An edit notifies
-- the users that it adds; any update of a post with "visible" those that it lets see the post.
CREATE FUNCTION herald_internal.compile_mentions(relation regclass, author text[], body text[],
	actor herald_internal.person, joins text, posts regclass, among text,
	subject_type text, subject_id text, cause text, thread text, data text, active text, key text[], on_error text,
	suffix text DEFAULT '', by_user text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	recipient text := herald_internal.mentioned_users_sql(relation, author, body, posts, among, by_user);
	edited text;
	opened text := (SELECT 'NOT ' || herald_internal.access_condition('old', w.relation, 'reader.id')
	                FROM herald_internal.watched_table AS w
	                WHERE w.relation = compile_mentions.relation AND w.relation = posts AND w.kind = 'posts' AND
	                      w.arguments ->> 'visible' IS NOT NULL);
	made record;
BEGIN
	PERFORM herald_internal.delete_rules(relation, rule || suffix)
		FROM unnest('{mention,mention_edit}'::text[]) AS rule;
	IF recipient IS NULL THEN
		RETURN;
	END IF;
	edited := format('new.%1$I IS DISTINCT FROM old.%1$I', body[1]);
	FOR made IN
		SELECT * FROM (VALUES ('mention', 'insert', NULL, recipient),
		                      ('mention_edit', 'update', CASE WHEN opened IS NULL THEN edited END,
		                       coalesce(format('SELECT reader.id FROM (%s) AS reader (id) WHERE %s OR ', recipient,
		                                       edited) || opened, recipient)))
			AS m (rule, operation, condition, recipient)
	LOOP
		PERFORM herald_internal.watch(relation, made.rule || suffix, ARRAY[made.operation], active => active,
			key => array_to_string(key, ','), on_error => on_error,
			condition => concat_ws(' AND ', format('strpos(%s, ''@'') > 0', herald_internal.id_sql('changed', body)),
			                       made.condition),
			joins => concat_ws(E'\n', joins, actor.joins), actor => actor.id, actor_name => actor.name,
			recipient => made.recipient, type => 'mention', subject_type => subject_type, subject_id => subject_id,
			content => herald_internal.excerpt_template(body), data => data, cause => cause, retract => '',
			thread => thread);
	END LOOP;
END
$$;

-- Raises an error if a table of posts is watched as comments, too, or the other way round.
CREATE FUNCTION herald_internal.check_one_kind(relation regclass, other text, parent text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT FROM herald_internal.watched_table AS w
	           WHERE w.relation = check_one_kind.relation AND w.kind = other) THEN
		RAISE EXCEPTION 'table "%" is watched as % already', herald_internal.plain_name(relation), other
			USING ERRCODE = 'object_not_in_prerequisite_state',
			      HINT = format('For posts that are replies to posts: SELECT herald.unwatch(%L); %s', relation,
			                    herald_internal.hinted_call('posts', relation, jsonb_build_object('parent', parent)));
	END IF;
END
$$;

-- ----- posts

-- The arguments of a watched table of posts, and their further parts, which compile_posts() adds:
--
-- active, listed       the conditions that a row exists as a post, and that it is in the feed as well
-- private              whether users may be excluded: by "visible", or by a block
-- path, feed, payload  the room of the post, the feed of its author, and the payload of its events
-- json_key             the key of the post's id in payloads
CREATE TYPE herald_internal.posts AS (key text[], author text[], parent text[], body text[], visible text,
                                      in_feed text, present text, status text, published text, follower_limit int,
                                      on_error text, zone text, published_when text, payload_columns text[],
                                      noun text, active text, listed text, private boolean, path text, feed text,
                                      payload text, json_key text, audience text);

-- Returns the table of follows, the FROM item of its accepted rows, its column with the follower, and the condition
-- that the row "follow" follows the user in columns of a changed row; no row as long as no follows are watched.
CREATE FUNCTION herald_internal.follow_table(relation regclass, author text[])
	RETURNS TABLE (follows regclass, rows text, follower text[], condition text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT w.relation,
	       herald_internal.follow_rows_sql(w.relation, a.follower, a.followee, herald_internal.and_conditions(
	           a.present, herald_internal.value_condition(a.status, a.accepted)), a.mutual),
	       a.follower, herald_internal.match_columns('follow', w.relation, a.followee, 'changed', $1, $2)
	FROM herald_internal.trusted_tables($1) AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (follower text[], followee text[], present text, status text,
	                                              accepted text, mutual boolean)
	WHERE w.kind = 'follows' AND cardinality(a.followee) = cardinality($2)
	ORDER BY w.relation
	LIMIT 1;
$$;

-- Returns the SELECT of the followers of the user in columns of a changed row; NULL as long as no follows are
-- watched. The SELECT has no rows for users with more followers than the limit.
CREATE FUNCTION herald_internal.followers_sql(relation regclass, author text[], most int) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('SELECT reached.id FROM %1$s AS follow CROSS JOIN LATERAL (%2$s) AS reached (id) WHERE %3$s AND '
	              '(SELECT count(*) FROM (SELECT FROM %1$s AS follow WHERE %3$s LIMIT %4$s) AS most) < %4$s',
	              f.rows, herald_internal.recipient_sql('follow', f.follows, f.follower), f.condition, most + 1)
	FROM herald_internal.follow_table(relation, author) AS f;
$$;

-- Returns the condition that a viewer gets a version of a post (new, old or changed) in the feed.
CREATE FUNCTION herald_internal.feed_condition(version text, relation regclass, viewer text, in_feed text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.and_conditions(
		format('EXISTS (SELECT FROM (SELECT %I.*) AS post WHERE ', version) || in_feed || ')',
		herald_internal.access_condition(version, relation, viewer));
$$;

-- Returns the SQL of the rooms of a post and of its author.
CREATE FUNCTION herald_internal.own_rooms_sql(post herald_internal.posts) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.compile_rooms(format('user:%s %s', herald_internal.id_template('changed', post.author),
	                                            post.path));
$$;

-- Returns the SQL of the rooms that get a post which not everybody may see: those of the author, of the post, and of
-- each follower that gets it.
CREATE FUNCTION herald_internal.post_rooms_sql(relation regclass, post herald_internal.posts) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.own_rooms_sql(post) ||
	       coalesce((SELECT format(' || ARRAY(SELECT ''user:'' || %s FROM %s AS follow WHERE %s AND %s)', i.id,
	                               f.rows, f.condition,
	                               herald_internal.feed_condition('changed', relation, i.id, post.in_feed))
	                 FROM herald_internal.follow_table(relation, post.author) AS f
	                 CROSS JOIN herald_internal.id_sql('follow', f.follower) AS i (id)), '');
$$;

-- Returns the join of an update of such a post with its audiences: the author, the room of the post, and the followers
-- that got it before and get it still ("updated"), those that get it now ("created"), and those that do not get it any
-- more ("deleted").
CREATE FUNCTION herald_internal.post_audiences_sql(relation regclass, post herald_internal.posts) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('CROSS JOIN LATERAL (SELECT %s AS change, heard.now, array_agg(heard.room) AS rooms '
	              'FROM (SELECT unnest(%s) AS room, true AS before, true AS now%s) AS heard '
	              'WHERE heard.before OR heard.now GROUP BY heard.before, heard.now) AS audience',
	              CASE WHEN f.sql IS NULL THEN '''updated'''
	              ELSE 'CASE WHEN heard.before AND heard.now THEN ''updated'' WHEN heard.now THEN ''created'' '
	                   'ELSE ''deleted'' END' END,
	              herald_internal.own_rooms_sql(post), f.sql)
	FROM (VALUES (1)) AS one (row)
	LEFT JOIN LATERAL (
		SELECT format(' UNION ALL SELECT ''user:'' || %s, %s, %s FROM %s AS follow WHERE %s', i.id,
		              herald_internal.feed_condition('old', relation, i.id, post.in_feed),
		              herald_internal.feed_condition('new', relation, i.id, post.in_feed), f.rows, f.condition)
		FROM herald_internal.follow_table(relation, post.author) AS f
		CROSS JOIN herald_internal.id_sql('follow', f.follower) AS i (id)) AS f (sql) ON true;
$$;

-- Compiles the event of one change of a post. Followers get a post that everybody may see in the feed of the author;
-- otherwise each follower that may see it gets it in a room of the user's own.
CREATE FUNCTION herald_internal.compile_post_event(relation regclass, post herald_internal.posts,
	author herald_internal.person, rule text, operation text, event text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.watch(relation, rule, ARRAY[operation], active => post.active, on_error => post.on_error,
		joins => concat_ws(E'\n', author.joins, CASE WHEN NOT post.private THEN 'LEFT JOIN LATERAL (SELECT ' ||
			author.id || ' FROM (SELECT changed.*) AS post WHERE ' || post.in_feed || ') AS feed (id) ON true' END),
		event => event,
		room => CASE WHEN NOT post.private
		THEN concat_ws(' ', CASE WHEN post.in_feed IS NULL THEN post.feed ELSE 'feed:{feed.id}' END, post.path) END,
		rooms => CASE WHEN post.private THEN herald_internal.post_rooms_sql(relation, post) END,
		payload => post.payload, retract => CASE WHEN operation = 'delete' THEN post.path || ':*' END);
$$;

-- Compiles the events of updates that put a post into the feed, or take it out.
CREATE FUNCTION herald_internal.compile_post_listing(relation regclass, post herald_internal.posts,
	author herald_internal.person) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	made record;
BEGIN
	FOR made IN VALUES ('post_unlisted', 'delete', ':deleted', 'new'), ('post_listed', 'insert', ':created', 'old') LOOP
		PERFORM herald_internal.watch(relation, made.column1, ARRAY[made.column2], active => post.listed,
			on_error => post.on_error,
			condition => format('%1$s.%2$I IS NOT NULL AND EXISTS (SELECT FROM (SELECT %1$s.*) AS post WHERE %3$s)',
			                    made.column4, post.key[1], coalesce(post.active, 'true')),
			joins => author.joins, event => post.noun || made.column3, room => post.feed, payload => post.payload);
	END LOOP;
END
$$;

-- Compiles the events of an update of a post that not everybody may see. Users that may not see it any more are told
-- only that it is gone.
CREATE FUNCTION herald_internal.compile_private_update(relation regclass, post herald_internal.posts,
	author herald_internal.person) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.watch(relation, 'post_update', '{update}', active => post.active, on_error => post.on_error,
		joins => concat_ws(E'\n', author.joins, herald_internal.post_audiences_sql(relation, post)),
		event => post.noun || ':{audience.change}', rooms => 'audience.rooms',
		payload => format('CASE WHEN audience.now THEN %s ELSE %s END', post.payload,
		                  herald_internal.json_sql(post.json_key, herald_internal.id_sql('changed', post.key),
		                                           'authorId', author.id)));
$$;

-- Compiles the rechecks of a post's room, and of those of its comments: its row goes, or a column changes that the
-- condition of access reads.
CREATE FUNCTION herald_internal.compile_post_access(relation regclass, post herald_internal.posts) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.watch(relation, 'post_access',
		CASE WHEN post.private OR post.active IS NOT NULL THEN '{update,delete}' ELSE '{delete}'::text[] END,
		condition => herald_internal.changed_condition(post.key,
		                                               post.author || herald_internal.access_reads(relation)),
		recheck => format('SELECT NULL, %L || %s', post.noun || ':', herald_internal.id_sql('changed', post.key)),
		on_error => post.on_error);
$$;

-- Compiles the notifications of followers. If an update lets a follower see the post, it notifies as a new post does.
CREATE FUNCTION herald_internal.compile_post_followers(relation regclass, post herald_internal.posts,
	author herald_internal.person) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	id text := herald_internal.id_sql('changed', post.key);
	followers text := herald_internal.readers_sql(
		herald_internal.followers_sql(relation, post.author, post.follower_limit), 'changed', relation);
	made record;
BEGIN
	FOR made IN
		SELECT * FROM (VALUES ('post_followers', 'insert', followers),
		                      ('post_opened', 'update',
		                       format('SELECT follower.id FROM (%s) AS follower (id) WHERE NOT %s', followers,
		                              herald_internal.access_condition('old', relation, 'follower.id'))))
			AS m (rule, operation, recipient)
		WHERE followers IS NOT NULL AND (m.operation = 'insert' OR post.visible IS NOT NULL)
	LOOP
		PERFORM herald_internal.watch(relation, made.rule, ARRAY[made.operation], active => post.listed,
			key => array_to_string(post.parent, ','), on_error => post.on_error,
			joins => author.joins, actor => author.id, actor_name => author.name, recipient => made.recipient,
			type => 'post', subject_type => post.noun, subject_id => id,
			content => herald_internal.excerpt_template(post.body),
			data => herald_internal.json_sql(post.json_key, id), cause => post.path || ':post');
	END LOOP;
END
$$;

-- Compiles the events of posts that are not published. A draft that is published is an update to its author, because
-- the event of a new post goes to followers.
CREATE FUNCTION herald_internal.compile_post_drafts(relation regclass, post herald_internal.posts,
	author herald_internal.person, shown text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	draft text := herald_internal.draft_condition(post.present, shown);
	room text := 'user:' || herald_internal.id_template('changed', post.author);
BEGIN
	PERFORM herald_internal.compile_drafts(relation, '', post.key, draft, post.active, author.joins, post.noun,
	                                       herald_internal.compile_rooms(room), post.payload, post.on_error);
	IF NOT post.private THEN
		PERFORM herald_internal.watch(relation, 'draft_published', active => post.active,
			condition => format('old.%I IS NOT NULL AND EXISTS (SELECT FROM (SELECT old.*) AS post WHERE %s)',
			                    post.key[1], draft),
			on_error => post.on_error, joins => author.joins, event => post.noun || ':updated', room => room,
			payload => post.payload);
	END IF;
END
$$;

-- Compiles replies to posts of the same table. The notification has the cause of the reply itself, as a mention in it:
-- if the reply gets another parent, notifications of this cause go, and the rules of all of them make theirs again.
-- The sessions that look at the parent hear of the reply, but get nothing of one that not everybody may see.
CREATE FUNCTION herald_internal.compile_replies(relation regclass, post herald_internal.posts,
	author herald_internal.person) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	id text := herald_internal.id_sql('changed', post.key);
	parent_id text := herald_internal.id_sql('changed', post.parent);
	room text := post.noun || ':' || herald_internal.id_template('changed', post.parent);
	active text := herald_internal.and_conditions(post.active, format('%I IS NOT NULL', post.parent[1]));
	recipient text := herald_internal.readers_sql(
		herald_internal.recipient_sql('parent', relation, post.author), 'changed', relation);
	counter int := herald_internal.save_total(relation, 'totalReplies', post.parent, post.active, post.noun, NULL);
	made record;
BEGIN
	FOR made IN
		SELECT * FROM (VALUES ('reply_gone', 'delete', ':unreplied', NULL, -1),
		                      ('reply', 'insert', ':replied', recipient, 1))
			AS m (rule, operation, event, recipient, delta)
	LOOP
		PERFORM herald_internal.watch(relation, made.rule, ARRAY[made.operation], active => active,
			key => array_to_string(post.parent, ','), on_error => post.on_error,
			joins => concat_ws(E'\n', herald_internal.left_join_sql('parent', relation, post.key, 'changed', relation,
			                                                        post.parent), author.joins),
			actor => author.id, actor_name => author.name, recipient => made.recipient, type => 'reply',
			subject_type => post.noun, subject_id => parent_id, cause => post.path || ':post',
			retract => CASE made.operation WHEN 'delete' THEN post.path || ':post' ELSE '' END,
			thread => room, content => herald_internal.excerpt_template(post.body),
			data => herald_internal.json_sql(post.json_key, id, 'parentId', parent_id),
			event => post.noun || made.event, room => room,
			payload => herald_internal.json_sql(VARIADIC ARRAY[post.json_key, parent_id, 'replyId', id] ||
				CASE WHEN NOT post.private THEN ARRAY['userId', author.id, 'username', author.name] END),
			counter => counter, counted_id => parent_id, delta => made.delta);
	END LOOP;
END
$$;

-- Followers get a post when it is published; before that, its author gets an event for each state. The first statement
-- tries the condition of the post's room, so that the call reports a mistake in it. A recheck precedes the content that
-- the users who have lost access may not see, and follows the event of a post that goes.
CREATE FUNCTION herald_internal.compile_posts(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	post herald_internal.posts := jsonb_populate_record(NULL::herald_internal.posts, arguments);
	author herald_internal.person := herald_internal.person_of_columns('author', 'changed', relation, post.author);
	id text := herald_internal.id_sql('changed', post.key);
	shown text;
BEGIN
	PERFORM herald_internal.rehearse(relation, 'SELECT ' || (herald_internal.exists_query('post', relation, post.key,
	                                         herald_internal.row_condition('post', relation), NULL) ->> 'sql'));
	shown := herald_internal.shown_condition(arguments);
	post.active := herald_internal.and_conditions(post.present, shown);
	post.listed := herald_internal.and_conditions(post.active, post.in_feed);
	post.private := post.visible IS NOT NULL OR
		herald_internal.unblocked_condition('post', relation, post.author, 'session.viewer') IS NOT NULL;
	post.noun := coalesce(post.noun, 'post');
	post.json_key := herald_internal.camel_case(post.noun) || 'Id';
	post.path := post.noun || ':' || herald_internal.id_template('changed', post.key);
	post.feed := herald_internal.audience_rooms(
		herald_internal.limited_audience(relation, 'posts', post.audience,
		                                 herald_internal.audience_limit(relation, arguments)),
		'feed:' || herald_internal.id_template('changed', post.author));
	post.payload := herald_internal.json_sql(post.json_key, id, 'authorId', author.id, 'authorName', author.name,
		herald_internal.camel_case(post.noun), herald_internal.row_sql(relation, post.zone, post.payload_columns));
	PERFORM herald_internal.delete_rules(relation, rule)
		FROM unnest('{post_state,post_followers,post_opened,post_listed,post_unlisted,reply,reply_gone,'
		            'draft,draft_update,draft_delete,draft_published}'::text[])
			AS rule;
	PERFORM herald_internal.compile_post_event(relation, post, author, 'post_delete', 'delete',
	                                           post.noun || ':deleted');
	PERFORM herald_internal.compile_post_access(relation, post);
	PERFORM herald_internal.compile_post_event(relation, post, author, 'post', 'insert', post.noun || ':created');
	IF post.private THEN
		PERFORM herald_internal.compile_private_update(relation, post, author);
	ELSE
		PERFORM herald_internal.compile_post_event(relation, post, author, 'post_update', 'update',
		                                           post.noun || ':updated');
	END IF;
	IF post.in_feed IS NOT NULL AND NOT post.private THEN
		PERFORM herald_internal.compile_post_listing(relation, post, author);
	END IF;
	IF post.status IS NOT NULL THEN
		PERFORM herald_internal.watch(relation, 'post_state', '{insert,update}', active => post.present,
			on_error => post.on_error,
			condition => format('changed.%1$s::text IN (''publishing'', ''published'', ''failed'') AND '
			                    'old.%1$s IS DISTINCT FROM new.%1$s', post.status),
			joins => author.joins, event => post.noun || ':{' || btrim(post.status, '"') || '}',
			room => 'user:' || herald_internal.id_template('changed', post.author), payload => post.payload);
	END IF;
	IF shown IS NOT NULL THEN
		PERFORM herald_internal.compile_post_drafts(relation, post, author, shown);
	END IF;
	PERFORM herald_internal.compile_scheduled(relation, arguments);
	IF post.parent IS NOT NULL THEN
		PERFORM herald_internal.compile_replies(relation, post, author);
	END IF;
	PERFORM herald_internal.compile_post_followers(relation, post, author);
	PERFORM herald_internal.compile_mentions(relation, post.author, post.body, author, NULL, relation, NULL,
		post.noun, id, post.path || ':post', post.path, herald_internal.json_sql(post.json_key, id), post.active,
		post.parent, post.on_error);
END
$$;

CREATE FUNCTION herald.watch_posts(relation regclass, author text DEFAULT NULL, key text DEFAULT NULL,
	visible text DEFAULT NULL,
	body text DEFAULT NULL, deleted_at text DEFAULT NULL, status text DEFAULT NULL, published text DEFAULT 'published',
	in_feed text DEFAULT NULL,
	notify_followers boolean DEFAULT false, follower_limit int DEFAULT 1000, on_error text DEFAULT 'suspend',
	zone text DEFAULT 'UTC', published_at text DEFAULT NULL, active text DEFAULT NULL,
	payload_columns text[] DEFAULT NULL, noun text DEFAULT NULL, parent text DEFAULT NULL,
	ignore text[] DEFAULT '{}', audience text DEFAULT NULL,
	schemas text[] DEFAULT pg_catalog.current_schemas(false)) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	call jsonb := herald_internal.checked_call('watch_posts', relation, jsonb_build_object(
		'author', author, 'key', key, 'visible', visible, 'body', body, 'deleted_at', deleted_at,
		'status', status, 'published', published, 'in_feed', in_feed, 'notify_followers', notify_followers,
		'follower_limit', follower_limit, 'on_error', on_error, 'zone', zone, 'published_at', published_at,
		'active', active, 'payload_columns', payload_columns, 'noun', noun, 'parent', parent, 'ignore', ignore,
		'audience', audience, 'schemas', schemas));
	ignored text[] := herald_internal.ignored_columns(relation, ignore);
	present text := herald_internal.present_condition(relation, deleted_at, active, schemas, ignored);
	status_column text := herald_internal.quoted_column(relation, status);
	published_values text := CASE WHEN status IS NOT NULL
		THEN herald_internal.status_values(relation, status, 'published', published) END;
	taken text[] := ignored || herald_internal.used_columns(jsonb_build_array(visible, in_feed, active));
	published_when text := herald_internal.published_condition(relation, published_at, taken,
		herald_internal.valid_zone(zone), status IS NOT NULL);
BEGIN
	PERFORM herald_internal.check_watchable(relation), herald_internal.check_one_kind(relation, 'comments', parent);
	visible := herald_internal.resolve_condition(relation, visible, schemas, viewed => true);
	in_feed := herald_internal.resolve_condition(relation, in_feed, schemas);
	PERFORM herald_internal.register_table(relation, 'posts', jsonb_build_object(
		'author', herald_internal.detect_key(relation, 'posts', 'author', author, taken => ignored),
		'parent', herald_internal.detect_key(relation, 'posts', 'parent', parent, relation, taken => ignored,
		                                     optional => true),
		'key', herald_internal.detect_row_key(relation, 'posts', key),
		'body', herald_internal.body_column(relation, body, ignored),
		'visible', visible,
		'present', present,
		'status', status_column, 'published', published_values,
		'published_when', published_when,
		'reads', herald_internal.condition_reads(relation, herald_internal.and_conditions(visible, present,
		             herald_internal.value_condition(status_column, published_values), published_when)),
		'in_feed', in_feed,
		'follower_limit', CASE WHEN notify_followers THEN follower_limit END,
		'audience', audience,
		'noun', herald_internal.row_noun(relation, 'posts', noun),
		'payload_columns', herald_internal.check_published(relation, payload_columns),
		'on_error', on_error, 'zone', zone) ||
		herald_internal.schedule_arguments(relation, published_at, taken, zone), ignored);
	PERFORM herald_internal.save_call(relation, 'posts', call);
END
$$;
COMMENT ON FUNCTION herald.watch_posts(regclass, text, text, text, text, text, text, text, text, boolean, int,
	text, text, text, text, text[], text, text, text[], text, text[]) IS
	'publishes changes of posts to the feed of their author; "visible" is a condition over "post" and "viewer" (a '
	'user''s id): only users that may see a post join its room and hear of it; "in_feed" is a condition over the row '
	'for the feed; with a status or a time of publication, other users hear of published posts only, and drafts reach '
	'their author; the author of the parent is notified of replies; followers are notified on request, up to a number '
	'of them';

-- ----- likes

-- Returns the SQL that the rules of likes of the subjects in one table have in common.
CREATE FUNCTION herald_internal.like_sql(relation regclass, arguments jsonb, subject_table regclass)
	RETURNS TABLE (actor herald_internal.person, subject herald_internal.subject, type text, cause text, title text,
	               kind_id text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.person_of_columns('actor', 'changed', $1, a.actor), s.subject, t.type,
	       concat_ws(':', (s.subject).room, t.type, herald_internal.id_template('changed', a.actor),
	                 herald_internal.id_template('changed', a.kind)),
	       CASE WHEN a.kind IS NOT NULL
	       THEN format('{actor} reacted {changed.%s:40} to your %s', a.kind[1],
	                   replace((s.subject).type, '_', ' ')) END,
	       herald_internal.id_sql('changed', a.kind)
	FROM jsonb_to_record($2) AS a (actor text[], subject text[], kind text[])
	CROSS JOIN LATERAL (SELECT herald_internal.subject_of_columns($1, a.subject, $3)) AS s (subject)
	CROSS JOIN LATERAL (SELECT CASE WHEN a.kind IS NULL THEN 'like' ELSE 'reaction' END) AS t (type);
$$;

-- A user may have several rows for one subject (reactions): the notification goes with the last one. With a column of
-- kinds, each kind is a reaction of its own.
CREATE FUNCTION herald_internal.compile_likes(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	liked record;
	shared record;
	actor herald_internal.person;
	subject herald_internal.subject;
	columns text[];
	identity text;
	counter int;
	part record;
	present text;
	audience text;
	made record;
BEGIN
	SELECT * INTO liked FROM jsonb_to_record(arguments) AS a (actor text[], subject text[], kind text[], present text,
	                                                          on_error text, audience text);
	columns := liked.actor || liked.subject || liked.kind;
	identity := array_to_string(columns, ',');
	PERFORM herald_internal.delete_parts(relation, '{unlike,like,like_gone}');
	FOR part IN SELECT * FROM herald_internal.subject_parts(arguments) LOOP
		present := herald_internal.and_conditions(liked.present,
			herald_internal.part_condition(part.type_column, part.value));
		SELECT * INTO shared FROM herald_internal.like_sql(relation, arguments, part.subject_table);
		actor := shared.actor;
		subject := shared.subject;
		audience := herald_internal.subject_audience(liked.audience, part.subject_table);
		counter := herald_internal.save_total(relation, 'totalLikes', liked.subject, present, subject.type,
		                                      subject.owner);
		FOR made IN
			SELECT * FROM (VALUES ('unlike', 'delete', ':unliked', 'false', NULL, -1),
			               ('like', 'insert', ':liked', 'true', subject.author, 1))
				AS m (rule, operation, event, liked, recipient, delta)
		LOOP
			PERFORM herald_internal.watch(relation, made.rule || part.suffix, ARRAY[made.operation], active => present,
				key => identity, on_error => liked.on_error,
				joins => concat_ws(E'\n', subject.joins, actor.joins),
				actor => actor.id, actor_name => actor.name, recipient => made.recipient, type => shared.type,
				subject_type => subject.type, subject_id => subject.id, cause => shared.cause, retract => '',
				title => shared.title,
				data => CASE WHEN liked.kind IS NOT NULL THEN herald_internal.json_sql('kind', shared.kind_id) END,
				thread => subject.thread,
				event => subject.type || made.event,
				room => herald_internal.audience_rooms(audience, subject.rooms),
				rooms => herald_internal.shown_rooms_sql(audience, relation, liked.subject, part.subject_table,
				                                         subject.rooms),
				payload => herald_internal.json_sql(VARIADIC ARRAY[subject.json_key, subject.id, 'userId', actor.id,
					'username', actor.name, 'liked', made.liked] ||
					CASE WHEN liked.kind IS NOT NULL THEN ARRAY['kind', shared.kind_id] END),
				counter => counter, counted_id => subject.id, delta => made.delta);
		END LOOP;
		PERFORM herald_internal.watch(relation, 'like_gone' || part.suffix, '{delete}', active => present,
			key => identity, on_error => liked.on_error,
			retract => shared.cause, remains => format('EXISTS (SELECT FROM %s AS another WHERE %s)', relation,
			                                    herald_internal.and_conditions(
				herald_internal.match_columns('another', relation, columns, 'changed', relation, columns),
				present)));
	END LOOP;
	PERFORM herald_internal.compile_openings(p) FROM herald_internal.opened_posts(relation) AS p;
END
$$;

CREATE FUNCTION herald.watch_likes(relation regclass, actor text DEFAULT NULL, subject text DEFAULT NULL,
	subject_table regclass DEFAULT NULL,
	deleted_at text DEFAULT NULL, on_error text DEFAULT 'suspend', active text DEFAULT NULL,
	subject_type text DEFAULT NULL, subject_tables jsonb DEFAULT NULL, ignore text[] DEFAULT '{}',
	kind text DEFAULT NULL, audience text DEFAULT NULL,
	schemas text[] DEFAULT pg_catalog.current_schemas(false)) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	call jsonb := herald_internal.checked_call('watch_likes', relation, jsonb_build_object(
		'actor', actor, 'subject', subject, 'subject_table', subject_table, 'deleted_at', deleted_at,
		'on_error', on_error, 'active', active, 'subject_type', subject_type, 'subject_tables', subject_tables,
		'ignore', ignore, 'kind', kind, 'audience', audience, 'schemas', schemas));
	ignored text[] := herald_internal.ignored_columns(relation, ignore);
	actor_columns text[] := herald_internal.detect_key(relation, 'likes', 'actor', actor,
	                                          taken => ignored || herald_internal.parse_columns(relation, subject));
	subject_columns text[] := herald_internal.detect_key(relation, 'likes', 'subject', subject, subject_table,
	                                                     taken => ignored || actor_columns);
	subjects jsonb := herald_internal.subject_arguments(relation, 'likes', subject_columns, subject_table,
		                                    subject_type, subject_tables, schemas);
BEGIN
	PERFORM herald_internal.check_subject_audience(relation, audience, subjects);
	PERFORM herald_internal.register_table(relation, 'likes', jsonb_build_object(
		'actor', actor_columns,
		'subject', subject_columns,
		'audience', audience,
		'kind', (herald_internal.parse_columns(relation, kind))[1:1],
		'present', herald_internal.present_condition(relation, deleted_at, active, schemas, ignored),
		'on_error', on_error) || subjects, ignored);
	PERFORM herald_internal.save_call(relation, 'likes', call);
END
$$;
COMMENT ON FUNCTION herald.watch_likes(regclass, text, text, regclass, text, text, text, text, jsonb, text[],
	text, text, text[]) IS
	'notifies the author of a liked subject, as long as the like exists, and publishes likes, unlikes and their total'
	' to the subject''s room; with a column of kinds, each kind is a reaction of its own';

-- ----- comments

-- Returns the data of a comment's notification, with which the front end finds the place.
CREATE FUNCTION herald_internal.comment_data_sql(subject herald_internal.subject, noun text, id text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.json_sql(subject.json_key, subject.id, herald_internal.camel_case(noun) || 'Id', id);
$$;

-- Returns the SQL that the rules of comments on the subjects in one table have in common. A comment, a reply and a
-- mention in it have one cause, so that a recipient of several gets one notification.
CREATE FUNCTION herald_internal.comment_sql(relation regclass, arguments jsonb, subject_table regclass)
	RETURNS TABLE (actor herald_internal.person, subject herald_internal.subject, noun text, id text, data text,
	               cause text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.person_of_columns('actor', 'changed', $1, a.author), s.subject, n.noun, i.id,
	       herald_internal.comment_data_sql(s.subject, n.noun, i.id),
	       format('%s:%s:%s', (s.subject).room, n.noun, herald_internal.id_template('changed', a.key))
	FROM jsonb_to_record($2) AS a (key text[], author text[], subject text[])
	CROSS JOIN LATERAL (SELECT herald_internal.subject_of_columns($1, a.subject, $3)) AS s (subject)
	CROSS JOIN LATERAL (SELECT coalesce($2 ->> 'noun', 'comment')) AS n (noun)
	CROSS JOIN LATERAL (SELECT herald_internal.id_sql('changed', a.key)) AS i (id);
$$;

-- Compiles the comments of the subjects in one table. A comment that gets another subject or parent goes and comes
-- again.
CREATE FUNCTION herald_internal.compile_comments_of(relation regclass, arguments jsonb, suffix text,
	subject_table regclass, subject_condition text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	comment record;
	actor herald_internal.person;
	subject herald_internal.subject;
	noun text;
	id text;
	data text;
	cause text;
	recheck text;
	identity text[];
	counter int;
	made record;
BEGIN
	SELECT * INTO comment FROM jsonb_to_record(arguments)
		AS a (key text[], author text[], subject text[], parent text[], body text[], present text, on_error text,
		      zone text, payload_columns text[], audience text);
	comment.audience := herald_internal.subject_audience(comment.audience, subject_table);
	comment.present := herald_internal.and_conditions(comment.present, subject_condition);
	SELECT c.actor, c.subject, c.noun, c.id, c.data, c.cause INTO made
	FROM herald_internal.comment_sql(relation, arguments, subject_table) AS c;
	actor := made.actor;
	subject := made.subject;
	noun := made.noun;
	id := made.id;
	data := made.data;
	cause := made.cause;
	recheck := format('SELECT NULL, %L || %s', noun || ':', id);
	identity := comment.author || comment.subject || comment.parent;
	counter := herald_internal.save_total(relation, 'totalComments', comment.subject, comment.present, subject.type,
	                                      subject.owner);
	FOR made IN
		SELECT * FROM (VALUES ('comment_delete', 'delete', ':deleted', NULL, counter, -1, cause),
		                      ('comment', 'insert', ':created', subject.author, counter, 1, ''),
		                      ('comment_update', 'update', ':updated', NULL, NULL, NULL, ''))
			AS m (rule, operation, event, recipient, counter, delta, retract)
	LOOP
		PERFORM herald_internal.watch(relation, made.rule || suffix, ARRAY[made.operation], active => comment.present,
			key => array_to_string(identity, ','),
			on_error => comment.on_error,
			joins => concat_ws(E'\n', subject.joins, actor.joins),
			actor => actor.id, actor_name => actor.name, recipient => made.recipient, type => 'comment',
			subject_type => subject.type, subject_id => subject.id, cause => cause, retract => made.retract,
			thread => subject.room,
			content => herald_internal.excerpt_template(comment.body),
			data => data,
			event => noun || made.event,
			room => herald_internal.audience_rooms(comment.audience, subject.rooms),
			rooms => herald_internal.shown_rooms_sql(comment.audience, relation, comment.subject, subject_table,
			                                         subject.rooms),
			payload => herald_internal.json_sql(VARIADIC ARRAY[subject.json_key, subject.id,
				herald_internal.camel_case(noun) || 'Id', id, 'parentId',
				herald_internal.id_sql('changed', comment.parent), 'userId', actor.id, 'username', actor.name,
				'content', herald_internal.id_sql('changed', comment.body), herald_internal.camel_case(noun),
				herald_internal.row_sql(relation, comment.zone, comment.payload_columns)] ||
				CASE WHEN made.counter IS NULL THEN ARRAY['timestamp', herald_internal.now_sql()] END),
			counter => made.counter, counted_id => CASE WHEN made.counter IS NOT NULL THEN subject.id
			END, delta => made.delta,
			recheck => CASE made.operation WHEN 'delete' THEN format('%s WHERE new.%I IS NULL', recheck, comment.key[1])
			           END,
			access => 'withdrawn');
	END LOOP;
	IF comment.parent IS NOT NULL THEN
		PERFORM herald_internal.watch(relation, 'reply' || suffix, active => comment.present,
			key => array_to_string(identity, ','), on_error => comment.on_error,
			joins => concat_ws(E'\n', herald_internal.left_join_sql('parent', relation, comment.key, 'changed',
			                                                        relation, comment.parent),
			                   subject.joins, actor.joins),
			actor => actor.id, actor_name => actor.name,
			recipient => herald_internal.readers_sql(herald_internal.recipient_sql('parent', relation, comment.author),
			                                         'subject', subject_table), type => 'reply',
			subject_type => noun, subject_id => herald_internal.id_sql('changed', comment.parent), cause => cause,
			retract => '', thread => subject.room,
			content => herald_internal.excerpt_template(comment.body), data => data);
	END IF;
	PERFORM herald_internal.compile_mentions(relation, comment.author, comment.body, actor, subject.joins,
		subject_table, NULL,
		noun, id, cause, subject.room, data, comment.present, identity, comment.on_error,
		suffix);
END
$$;

-- Returns the tables of posts to which comments refer, or the comments that likes refer to.
CREATE FUNCTION herald_internal.opened_posts(relation regclass) RETURNS SETOF regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH part AS (
		SELECT s.subject_table
		FROM herald_internal.watched_table AS w
		CROSS JOIN herald_internal.subject_parts(w.arguments) AS s
		WHERE w.relation = $1 AND w.kind IN ('comments', 'likes')
	)
	SELECT p.subject_table FROM part AS p
	UNION
	SELECT s.subject_table
	FROM part AS p
	JOIN herald_internal.watched_table AS c ON c.relation = p.subject_table AND c.kind = 'comments'
	CROSS JOIN herald_internal.subject_parts(c.arguments) AS s;
$$;

-- Compiles the notifications of comments on posts that an UPDATE lets more users see: replies, mentions and likes of
-- comments reach these users then. The rules are those of the posts, which the caller may not own.
CREATE FUNCTION herald_internal.compile_openings(posts regclass) RETURNS void
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	opened record;
	liked record;
	made record;
BEGIN
	IF NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = posts AND pg_has_role(c.relowner, 'USAGE')) THEN
		RETURN;
	END IF;
	PERFORM herald_internal.delete_parts(posts, '{reply_opened,mention_opened,like_opened}');
	FOR opened IN
		SELECT c.relation, a.key, a.author, a.parent, a.body, a.on_error, p.suffix, s.*, o.present AS post_present,
		       format('%s AS comment WHERE %s',
		              herald_internal.rows_sql(c.relation, herald_internal.and_conditions(a.present,
		                  herald_internal.part_condition(p.type_column, p.value))),
		              herald_internal.match_columns('comment', c.relation, a.subject, 'new', posts,
		                  herald_internal.referenced_key(c.relation, a.subject, posts))) AS comments,
		       herald_internal.changed_condition(o.key, o.author || herald_internal.access_reads(posts)) AS condition
		FROM herald_internal.watched_table AS w
		CROSS JOIN jsonb_to_record(w.arguments) AS o (key text[], author text[], present text)
		JOIN herald_internal.watched_table AS c ON c.kind = 'comments'
		CROSS JOIN herald_internal.subject_parts(c.arguments) AS p
		CROSS JOIN jsonb_to_record(c.arguments) AS a (key text[], author text[], subject text[], parent text[],
		                                              body text[], present text, on_error text)
		CROSS JOIN herald_internal.comment_sql(c.relation, c.arguments, posts) AS s
		WHERE w.relation = posts AND w.kind = 'posts' AND p.subject_table = posts AND
		      (w.arguments ->> 'visible' IS NOT NULL OR herald_internal.shown_condition(w.arguments) IS NOT NULL) AND
		      herald_internal.is_trusted(posts, c.relation)
	LOOP
		FOR made IN
			SELECT m.* FROM (VALUES
				('reply', herald_internal.left_join_sql('parent', opened.relation, opened.key, 'changed',
				                                        opened.relation, opened.parent), NULL,
				 herald_internal.readers_sql(
				     herald_internal.recipient_sql('parent', opened.relation, opened.author), 'new', posts),
				 herald_internal.id_sql('changed', opened.parent)),
				('mention', NULL, format('strpos(%s, ''@'') > 0', herald_internal.id_sql('changed', opened.body)),
				 herald_internal.mentioned_users_sql(opened.relation, opened.author, opened.body, posts, NULL),
				 opened.id))
				AS m (type, joins, condition, recipient, subject_id)
			WHERE m.recipient IS NOT NULL AND m.subject_id IS NOT NULL
		LOOP
			PERFORM herald_internal.watch(posts, format('%s_opened:%s%s', made.type, opened.relation, opened.suffix),
				'{update}', active => opened.post_present, through => 'SELECT comment.* FROM ' || opened.comments,
				on_error => opened.on_error,
				condition => herald_internal.and_conditions(opened.condition, made.condition),
				joins => concat_ws(E'\n', made.joins, (opened.subject).joins, (opened.actor).joins),
				actor => (opened.actor).id, actor_name => (opened.actor).name,
				recipient => format('SELECT reader.id FROM (%s) AS reader (id) WHERE NOT %s', made.recipient,
				                    herald_internal.access_condition('old', posts, 'reader.id')),
				type => made.type, subject_type => opened.noun, subject_id => made.subject_id, cause => opened.cause,
				retract => '', thread => (opened.subject).room,
				content => herald_internal.excerpt_template(opened.body), data => opened.data);
		END LOOP;
		FOR liked IN
			SELECT l.relation, a.on_error, p.suffix, s.*,
			       format('SELECT liked.* FROM %s AS liked WHERE EXISTS (SELECT FROM %s AND %s)',
			              herald_internal.rows_sql(l.relation, herald_internal.and_conditions(a.present,
			                  herald_internal.part_condition(p.type_column, p.value))), opened.comments,
			              herald_internal.match_columns('comment', opened.relation,
			                  herald_internal.referenced_key(l.relation, a.subject, opened.relation), 'liked',
			                  l.relation, a.subject)) AS through
			FROM herald_internal.watched_table AS l
			CROSS JOIN herald_internal.subject_parts(l.arguments) AS p
			CROSS JOIN jsonb_to_record(l.arguments) AS a (subject text[], present text, on_error text)
			CROSS JOIN herald_internal.like_sql(l.relation, l.arguments, opened.relation) AS s
			WHERE l.kind = 'likes' AND p.subject_table = opened.relation AND
			      herald_internal.is_trusted(posts, l.relation)
		LOOP
			PERFORM herald_internal.watch(posts, format('like_opened:%s%s', liked.relation, liked.suffix), '{update}',
				active => opened.post_present, through => liked.through, on_error => liked.on_error,
				condition => opened.condition,
				joins => concat_ws(E'\n', (liked.subject).joins, (liked.actor).joins),
				actor => (liked.actor).id, actor_name => (liked.actor).name,
				recipient => format('SELECT reader.id FROM (%s) AS reader (id) WHERE NOT %s', (liked.subject).author,
				                    herald_internal.access_condition('old', posts, 'reader.id')),
				type => liked.type, subject_type => (liked.subject).type, subject_id => (liked.subject).id,
				cause => liked.cause, retract => '', title => liked.title, thread => (liked.subject).thread,
				data => CASE WHEN liked.kind_id IS NOT NULL
				        THEN herald_internal.json_sql('kind', liked.kind_id) END);
		END LOOP;
	END LOOP;
	PERFORM herald.sync_triggers(posts);
END
$$;

CREATE FUNCTION herald_internal.compile_comments(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	comment record;
BEGIN
	SELECT * INTO comment FROM jsonb_to_record(arguments)
		AS a (key text[], subject text[], subject_type text, present text, reads text[], noun text, on_error text);
	PERFORM herald_internal.delete_parts(relation, '{comment,comment_update,comment_delete,reply,comment_access,'
	                                               'mention,mention_edit}');
	PERFORM herald_internal.watch(relation, 'comment_gone', '{delete}', active => comment.present,
		on_error => comment.on_error, retract => format('%s:%s:*', coalesce(comment.noun, 'comment'),
		                                                herald_internal.id_template('changed', comment.key)));
	PERFORM herald_internal.compile_comments_of(relation, arguments, p.suffix, p.subject_table,
	                                            herald_internal.part_condition(p.type_column, p.value)),
		herald_internal.compile_openings(p.subject_table)
	FROM herald_internal.subject_parts(arguments) AS p;
	IF herald_internal.row_condition('post', relation) IS NOT NULL THEN
		PERFORM herald_internal.watch(relation, 'comment_access', '{update}', on_error => comment.on_error,
			condition => herald_internal.changed_condition(comment.key,
				array_remove(comment.subject || comment.subject_type, NULL) || comment.reads),
			recheck => format('SELECT NULL, %L || %s', coalesce(comment.noun, 'comment') || ':',
			                  herald_internal.id_sql('changed', comment.key)));
	END IF;
END
$$;

CREATE FUNCTION herald.watch_comments(relation regclass, author text DEFAULT NULL, subject text DEFAULT NULL,
	subject_table regclass DEFAULT NULL,
	parent text DEFAULT NULL, body text DEFAULT NULL, key text DEFAULT NULL, deleted_at text DEFAULT NULL,
	on_error text DEFAULT 'suspend', zone text DEFAULT 'UTC', active text DEFAULT NULL,
	payload_columns text[] DEFAULT NULL, noun text DEFAULT NULL,
	subject_type text DEFAULT NULL, subject_tables jsonb DEFAULT NULL, ignore text[] DEFAULT '{}',
	audience text DEFAULT NULL,
	schemas text[] DEFAULT pg_catalog.current_schemas(false)) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	call jsonb := herald_internal.checked_call('watch_comments', relation, jsonb_build_object(
		'author', author, 'subject', subject, 'subject_table', subject_table, 'parent', parent,
		'body', body, 'key', key, 'deleted_at', deleted_at, 'on_error', on_error, 'zone', zone,
		'active', active, 'payload_columns', payload_columns, 'noun', noun, 'subject_type', subject_type,
		'subject_tables', subject_tables, 'ignore', ignore, 'audience', audience, 'schemas', schemas));
	ignored text[];
	author_columns text[];
	parent_columns text[];
	subject_columns text[];
	present text;
	subjects jsonb;
BEGIN
	PERFORM herald_internal.check_watchable(relation),
		herald_internal.check_one_kind(relation, 'posts', coalesce(parent, subject));
	ignored := herald_internal.ignored_columns(relation, ignore);
	author_columns := herald_internal.detect_key(relation, 'comments', 'author', author,
	                                             taken => ignored || herald_internal.parse_columns(relation, subject));
	parent_columns := herald_internal.detect_key(relation, 'comments', 'parent', parent, relation,
	                                             taken => ignored || author_columns, optional => true);
	subject_columns := herald_internal.detect_key(relation, 'comments', 'subject', subject, subject_table,
	                                              taken => ignored || author_columns || parent_columns);
	present := herald_internal.present_condition(relation, deleted_at, active, schemas, ignored);
	subjects := herald_internal.subject_arguments(relation, 'comments', subject_columns, subject_table,
	                                              subject_type, subject_tables, schemas);
	PERFORM herald_internal.check_subject_audience(relation, audience, subjects);
	present := herald_internal.and_conditions(present, herald_internal.type_condition(subjects ->> 'subject_type',
	                                                                                  subjects -> 'subject_tables'));
	PERFORM herald_internal.register_table(relation, 'comments', jsonb_build_object(
		'key', herald_internal.detect_row_key(relation, 'comments', key),
		'author', author_columns,
		'subject', subject_columns,
		'parent', parent_columns,
		'body', herald_internal.body_column(relation, body, ignored),
		'present', present,
		'reads', herald_internal.condition_reads(relation, present) -> relation::text,
		'noun', herald_internal.row_noun(relation, 'comments', noun),
		'audience', audience,
		'payload_columns', herald_internal.check_published(relation, payload_columns),
		'on_error', on_error, 'zone', herald_internal.valid_zone(zone)) || subjects, ignored);
	PERFORM herald_internal.save_call(relation, 'comments', call);
END
$$;
COMMENT ON FUNCTION herald.watch_comments(regclass, text, text, regclass, text, text, text, text, text, text, text,
	text[], text, text, jsonb, text[], text, text[]) IS
	'notifies the author of the commented subject or of the comment that is replied to, and mentioned users; '
	'publishes comments and their total to the subject''s room';
