-- ---------------------------------------------------------------------------
-- People: users, follows and blocks
-- ---------------------------------------------------------------------------

CREATE FUNCTION herald.watch_users(relation regclass, name text DEFAULT NULL, notifications_enabled text DEFAULT NULL,
	key text DEFAULT NULL,
	handle text DEFAULT NULL, active text DEFAULT NULL,
	same_as regclass DEFAULT NULL,
	ignore text[] DEFAULT '{}',
	schemas text[] DEFAULT pg_catalog.current_schemas(false)) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	call jsonb := herald_internal.checked_call('watch_users', relation, jsonb_build_object(
		'name', name, 'notifications_enabled', notifications_enabled, 'key', key, 'handle', handle,
		'active', active, 'same_as', same_as, 'ignore', ignore, 'schemas', schemas));
	ignored text[] := herald_internal.ignored_columns(relation, ignore);
BEGIN
	PERFORM herald_internal.register_table(relation, 'users', jsonb_build_object(
		'key', herald_internal.detect_user_key(relation, key),
		'name', herald_internal.name_columns(relation, name, ignored),
		'handle', herald_internal.detect_column(relation, handle, '{username,handle,login,nickname,nick,screenname}',
		                                        ignored, '{S}'),
		'notifications_enabled', herald_internal.enabled_column(relation, notifications_enabled, ignored),
		'active', herald_internal.present_condition(relation, NULL, active, schemas, ignored, asked => true),
		'same_as', same_as), ignored);
	PERFORM herald_internal.save_call(relation, 'users', call);
END
$$;
COMMENT ON FUNCTION herald.watch_users(regclass, text, text, text, text, text, regclass, text[], text[]) IS
	'watches the table of users: their names, the handles by which they are mentioned, the column that switches '
	'their notifications off, and the condition of active users: others are neither notified nor mentioned; "same_as" '
	'is another table of the same users, whose ids mean the same';

-- A change of a column that "visible" reads, such as the switch of a private account, changes access to the posts of
-- the user, and the user's own access.
CREATE FUNCTION herald_internal.compile_users(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	key text[] := ARRAY(SELECT jsonb_array_elements_text(arguments -> 'key'));
	id text := herald_internal.id_sql('changed', key);
	reads text[] := herald_internal.access_reads(relation);
BEGIN
	PERFORM herald_internal.delete_rules(relation, 'user_access');
	IF reads IS NOT NULL THEN
		PERFORM herald_internal.watch(relation, 'user_access', '{update,delete}',
			condition => herald_internal.changed_condition(key, reads),
			recheck => format('VALUES (NULL, ''author:'' || %1$s), (%1$s, NULL)', id));
	END IF;
END
$$;

-- Compiles the rechecks of rows that stay, of a table that "visible" reads: one of the columns that it reads changes.
CREATE FUNCTION herald_internal.compile_access(relation regclass, rule text, active text, key text, recheck text)
	RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	reads text[] := herald_internal.access_reads(relation);
BEGIN
	PERFORM herald_internal.delete_rules(relation, rule);
	IF reads IS NOT NULL THEN
		PERFORM herald_internal.watch(relation, rule, '{update}', active => active, key => key,
			condition => herald_internal.changed_condition(herald_internal.parse_columns(relation, key), reads),
			recheck => recheck);
	END IF;
END
$$;

-- ----- follows

-- Returns the rechecks of two users in columns of a row: of each, the rooms that depend on the other.
CREATE FUNCTION herald_internal.pair_rechecks_sql(one text[], other text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('VALUES (%1$s, ''author:'' || %2$s), (%2$s, ''author:'' || %1$s)',
	              herald_internal.id_sql('changed', one), herald_internal.id_sql('changed', other));
$$;

-- Returns the FROM item of the rows of follows that meet a condition. A mutual row is two: its users follow each other.
CREATE FUNCTION herald_internal.follow_rows_sql(relation regclass, follower text[], followee text[], condition text,
                                                mutual boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN mutual THEN (
		SELECT '(' || string_agg(format('SELECT %s FROM %s AS post', w.list,
		                                herald_internal.rows_sql(relation, condition)), ' UNION ALL ') || ')'
		FROM (SELECT string_agg(format('post.%I AS %I', f.name, f.alias), ', ' ORDER BY f.place)
		      FROM unnest(follower || followee, follower || followee) WITH ORDINALITY AS f (name, alias, place)
		      UNION ALL
		      SELECT string_agg(format('post.%I AS %I', f.name, f.alias), ', ' ORDER BY f.place)
		      FROM unnest(followee || follower, follower || followee) WITH ORDINALITY AS f (name, alias, place))
			AS w (list))
		ELSE herald_internal.rows_sql(relation, condition) END;
$$;

-- Returns the condition that a changed row of follows has a request in another table. NULL: no such table is watched.
CREATE FUNCTION herald_internal.requested_condition(relation regclass, follower text[], followee text[]) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(format('EXISTS (SELECT FROM %s AS request WHERE %s)',
	                         herald_internal.rows_sql(w.relation, a.present), herald_internal.and_conditions(
	                             herald_internal.match_columns('request', w.relation, a.follower, 'changed', $1, $2),
	                             herald_internal.match_columns('request', w.relation, a.followee, 'changed', $1, $3))),
	                  ' OR ' ORDER BY w.relation)
	FROM herald_internal.trusted_tables($1) AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (follower text[], followee text[], present text)
	WHERE w.kind = 'follow_requests' AND cardinality(a.follower) = cardinality($2) AND
	      cardinality(a.followee) = cardinality($3);
$$;

-- A follow counts when it is accepted. If that takes a while, the request and its acceptance are notifications of
-- their own.
CREATE FUNCTION herald_internal.compile_follows(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	follow record;
	follower herald_internal.person;
	followee herald_internal.person;
	follower_id text;
	followee_id text;
	accepted text;
	requested text;
	rows text;
	rooms text;
	identity text;
	counter int;
	made record;
BEGIN
	SELECT * INTO follow FROM jsonb_to_record(arguments)
		AS a (follower text[], followee text[], present text, status text, accepted text, pending text, on_error text,
		      mutual boolean, audience text);
	follower := herald_internal.person_of_columns('follower', 'changed', relation, follow.follower);
	followee := herald_internal.person_of_columns('followee', 'changed', relation, follow.followee);
	follower_id := herald_internal.id_template('changed', follow.follower);
	followee_id := herald_internal.id_template('changed', follow.followee);
	accepted := herald_internal.and_conditions(follow.present,
	                                           herald_internal.value_condition(follow.status, follow.accepted));
	identity := array_to_string(follow.follower || follow.followee, ',');
	rows := herald_internal.follow_rows_sql(relation, follow.follower, follow.followee, accepted, follow.mutual);
	counter := herald_internal.save_counter(relation, 'totalFollowers',
		herald_internal.count_sql(rows, herald_internal.match_id('counted', relation, follow.followee, 'subject.id')),
		'user', 'SELECT $1');
	SELECT format('CASE WHEN %s THEN %s ELSE %s END', u.condition,
	              herald_internal.compile_rooms(format('user:%s user:%s', follower_id, followee_id)),
	              herald_internal.compile_rooms(format('user:%s', follower_id)))
	INTO rooms
	FROM herald_internal.unblocked_condition('changed', relation, follow.follower,
		herald_internal.id_sql('changed', follow.followee)) AS u (condition)
	WHERE u.condition IS NOT NULL;
	follow.audience := herald_internal.limited_audience(relation, 'follows', follow.audience,
	                                                    CASE WHEN rooms IS NOT NULL THEN 'a table of blocks' END);
	PERFORM herald_internal.delete_rules(relation, 'unfollow_back'),
		herald_internal.delete_rules(relation, 'follow_back');
	FOR made IN
		SELECT m.rule || w.suffix AS rule, m.operation, m.event, m.delta, m.access, w.follower, w.followee,
		       CASE WHEN m.delta > 0 THEN w.feed END AS joins, CASE WHEN m.delta < 0 THEN w.feed END AS leaves
		FROM (VALUES ('', follower, followee, 'feed:' || followee_id),
		             ('_back', followee, follower, 'feed:' || follower_id)) AS w (suffix, follower, followee, feed)
		CROSS JOIN (VALUES ('unfollow', 'delete', 'user:unfollowed', -1, 'withdrawn'),
		                   ('follow', 'insert', 'user:followed', 1, 'granted'))
			AS m (rule, operation, event, delta, access)
		WHERE w.suffix = '' OR follow.mutual
		ORDER BY w.suffix, m.delta
	LOOP
		PERFORM herald_internal.watch(relation, made.rule, ARRAY[made.operation], active => accepted, key => identity,
			on_error => follow.on_error,
			joins => concat_ws(E'\n', follower.joins, followee.joins),
			event => made.event, room => herald_internal.audience_rooms(follow.audience,
			                                 format('user:%s user:%s', follower_id, followee_id)),
			rooms => CASE WHEN made.delta > 0 THEN rooms END,
			payload => herald_internal.json_sql('followerId', (made.follower).id, 'followerName', (made.follower).name,
			                           'followeeId', (made.followee).id, 'followeeName', (made.followee).name),
			member => (made.follower).id, member_joins => made.joins, member_leaves => made.leaves,
			counter => counter, counted_id => (made.followee).id, delta => made.delta,
			recheck => CASE WHEN herald_internal.access_reads(relation) IS NOT NULL
			THEN herald_internal.pair_rechecks_sql(follow.follower, follow.followee) END, access => made.access);
	END LOOP;
	PERFORM herald_internal.compile_access(relation, 'follow_access', accepted, identity,
		herald_internal.pair_rechecks_sql(follow.follower, follow.followee));
	PERFORM herald_internal.delete_rules(relation, 'follow_request'),
		herald_internal.delete_rules(relation, 'follow_accepted');
	requested := nullif(concat_ws(' OR ', herald_internal.value_condition('old.' || follow.status, follow.pending),
	                              herald_internal.requested_condition(relation, follow.follower, follow.followee)), '');
	FOR made IN
		SELECT m.*, CASE WHEN m.rule = 'follow_accepted' THEN follow.follower ELSE follow.followee END AS recipient
		FROM (VALUES ('follow_notice', 'follow', accepted, ' IS NOT TRUE', follower),
		             ('follow_request', 'follow_request',
		              herald_internal.and_conditions(follow.present,
		                                             herald_internal.value_condition(follow.status, follow.pending)),
		              NULL, follower),
		             ('follow_accepted', 'follow_accepted', accepted, ' IS TRUE',
		              followee)) AS m (rule, type, active, was_requested, actor)
		WHERE CASE m.rule WHEN 'follow_notice' THEN true WHEN 'follow_accepted' THEN requested IS NOT NULL
		      ELSE follow.status IS NOT NULL END
	LOOP
		PERFORM herald_internal.watch(relation, made.rule, active => made.active, key => identity,
			on_error => follow.on_error,
			condition => coalesce('(' || requested || ')' || made.was_requested, 'true'),
			joins => (made.actor).joins, actor => (made.actor).id, actor_name => (made.actor).name,
			recipient => herald_internal.recipient_sql('changed', relation, made.recipient), type => made.type,
			subject_type => 'user', subject_id => followee.id,
			cause => format('user:%s:%s:%s', followee_id, made.type, follower_id));
	END LOOP;
	PERFORM herald_internal.save_room_source(relation, 'follows', format(
		'SELECT u.id AS user_id, ''feed:'' || %s AS room FROM unnest($1::text[]) AS u (id) JOIN %s AS f ON %s',
		herald_internal.id_sql('f', follow.followee), rows,
		herald_internal.match_id('f', relation, follow.follower, 'u.id')));
END
$$;

CREATE FUNCTION herald.watch_follows(relation regclass, follower text DEFAULT NULL, followee text DEFAULT NULL,
	deleted_at text DEFAULT NULL,
	status text DEFAULT NULL, accepted text DEFAULT 'accepted,approved,active',
	pending text DEFAULT 'pending,requested',
	on_error text DEFAULT 'suspend', active text DEFAULT NULL,
	ignore text[] DEFAULT '{}', mutual boolean DEFAULT false, audience text DEFAULT NULL,
	schemas text[] DEFAULT pg_catalog.current_schemas(false)) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	call jsonb := herald_internal.checked_call('watch_follows', relation, jsonb_build_object(
		'mutual', mutual, 'follower', follower, 'followee', followee, 'deleted_at', deleted_at, 'status', status,
		'accepted', accepted, 'pending', pending, 'on_error', on_error, 'active', active, 'ignore', ignore,
		'audience', audience, 'schemas', schemas));
	ignored text[] := herald_internal.ignored_columns(relation, ignore);
	pair record := herald_internal.detect_pair(relation, 'follows', 'follower', follower, 'followee', followee,
	                                           ignored);
BEGIN
	IF status IS NULL AND active IS NULL AND herald_internal.singular_noun(relation) ~ '(^|_)request$' THEN
		RAISE EXCEPTION 'rows of table "%" seem to be requests, not follows', herald_internal.plain_name(relation)
			USING ERRCODE = 'wrong_object_type',
			      HINT = format('Watch them as such: %s Or pass "status" or "active", which say when a row is a '
			                    'follow.', herald_internal.hinted_call('follow_requests', relation, '{}'));
	END IF;
	PERFORM herald_internal.register_table(relation, 'follows', jsonb_build_object(
		'follower', pair.one, 'followee', pair.other, 'mutual', nullif(mutual, false), 'audience', audience, 'present',
		herald_internal.present_condition(relation, deleted_at, active, schemas, ignored),
		'on_error', on_error) || herald_internal.status_arguments(relation, status, accepted, pending), ignored);
	PERFORM herald_internal.save_call(relation, 'follows', call);
END
$$;
COMMENT ON FUNCTION herald.watch_follows(regclass, text, text, text, text, text, text, text, text, text[], boolean,
	text, text[]) IS
	'notifies followed users, publishes follows to both users, and puts followers into the feeds that they follow; '
	'with a status column, notifies of requests and of their acceptance; if mutual, a row is a friendship: its users '
	'follow each other';

-- ----- follow requests in a table of their own

CREATE FUNCTION herald_internal.compile_follow_requests(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	request record;
	follower herald_internal.person;
	followee text;
BEGIN
	SELECT * INTO request FROM jsonb_to_record(arguments)
		AS a (follower text[], followee text[], present text, on_error text);
	follower := herald_internal.person_of_columns('follower', 'changed', relation, request.follower);
	followee := herald_internal.id_template('changed', request.followee);
	PERFORM herald_internal.watch(relation, 'follow_request', active => request.present,
		key => array_to_string(request.follower || request.followee, ','), on_error => request.on_error,
		joins => follower.joins, actor => follower.id, actor_name => follower.name,
		recipient => herald_internal.recipient_sql('changed', relation, request.followee), type => 'follow_request',
		subject_type => 'user', subject_id => herald_internal.id_sql('changed', request.followee),
		cause => format('user:%s:follow_request:%s', followee,
		                herald_internal.id_template('changed', request.follower)));
END
$$;

CREATE FUNCTION herald.watch_follow_requests(relation regclass, follower text DEFAULT NULL, followee text DEFAULT NULL,
	deleted_at text DEFAULT NULL, on_error text DEFAULT 'suspend', active text DEFAULT NULL,
	ignore text[] DEFAULT '{}',
	schemas text[] DEFAULT pg_catalog.current_schemas(false)) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	call jsonb := herald_internal.checked_call('watch_follow_requests', relation, jsonb_build_object(
		'follower', follower, 'followee', followee, 'deleted_at', deleted_at, 'on_error', on_error, 'active', active,
		'ignore', ignore, 'schemas', schemas));
	ignored text[] := herald_internal.ignored_columns(relation, ignore);
	pair record := herald_internal.detect_pair(relation, 'follow_requests', 'follower', follower, 'followee', followee,
	                                           ignored);
BEGIN
	PERFORM herald_internal.register_table(relation, 'follow_requests', jsonb_build_object(
		'follower', pair.one, 'followee', pair.other,
		'present', herald_internal.present_condition(relation, deleted_at, active, schemas, ignored),
		'on_error', on_error), ignored);
	PERFORM herald_internal.save_call(relation, 'follow_requests', call);
END
$$;
COMMENT ON FUNCTION herald.watch_follow_requests(regclass, text, text, text, text, text, text[], text[]) IS
	'for requests in a table of their own, beside that of watch_follows(): notifies the followee of a request, as long '
	'as it exists; a follow that is inserted while its request exists is its acceptance, of which the follower is '
	'notified';

-- ----- blocks

-- Returns the condition that columns are those of the blocker, or of the blocked user, of a pair. The pair has the ids
-- of both as texts and, if they are, as numbers: a comparison of numbers is planned and made in a tenth of the time.
CREATE FUNCTION herald_internal.match_pair(relation regclass, columns text[], role text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN cardinality(columns) = 1 AND
	                 herald_internal.base_type(herald_internal.column_type(relation, columns[1])) = ANY
	                     ('{smallint,integer,bigint}'::regtype[])
	       THEN format('%s = c.%s_number', herald_internal.column_sql('block', columns[1]), role)
	       ELSE herald_internal.match_id('block', relation, columns, format('c.%s_id', role)) END;
$$;

-- Saves the query for blocks between recipients and actors, and compiles rechecks: a block withdraws access to the
-- posts of either user. If a block can end while its row stays ("timed"), nothing is written at its end. So its recheck
-- of the end is written at its begin: a session that comes back after both may have missed the time in between.
CREATE FUNCTION herald_internal.compile_blocks(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	block record;
	made record;
BEGIN
	SELECT * INTO block FROM jsonb_to_record(arguments)
		AS a (blocker text[], blocked text[], mutual boolean, present text, timed boolean);
	PERFORM herald_internal.save_block_source(relation,
		format('SELECT c.recipient_id, c.actor_id FROM herald_pair AS c JOIN %s AS block ON %s',
		       herald_internal.rows_sql(relation, block.present),
		       herald_internal.and_conditions(
		           herald_internal.match_pair(relation, block.blocker, 'blocker'),
		           herald_internal.match_pair(relation, block.blocked, 'blocked'),
		           CASE WHEN block.mutual IS NOT TRUE THEN 'NOT c.reversed' END)));
	PERFORM herald_internal.delete_rules(relation, rule) FROM unnest('{block,block_end,unblock}'::text[]) AS rule;
	FOR made IN
		SELECT * FROM (VALUES ('block', 'insert', 'withdrawn'), ('block_end', 'insert', 'granted'),
		                      ('unblock', 'delete', 'granted'))
			AS m (rule, operation, access)
		WHERE (block.mutual OR herald_internal.access_reads(relation) IS NOT NULL) AND
		      (block.timed OR m.rule <> 'block_end')
	LOOP
		PERFORM herald_internal.watch(relation, made.rule, ARRAY[made.operation], active => block.present,
			key => array_to_string(block.blocker || block.blocked, ','),
			recheck => herald_internal.pair_rechecks_sql(block.blocker, block.blocked), access => made.access);
	END LOOP;
	PERFORM herald_internal.compile_access(relation, 'block_access', block.present,
		array_to_string(block.blocker || block.blocked, ','),
		herald_internal.pair_rechecks_sql(block.blocker, block.blocked));
END
$$;

-- Returns whether blocks work both ways: yes, unless the call says no. That of a table of mutes must say it.
CREATE FUNCTION herald_internal.checked_mutual(relation regclass, mutual boolean) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF mutual IS NULL AND herald_internal.singular_noun(relation) ~ '(^|_)(mute|ignore|silence|hush)d?(_|$)' THEN
		RAISE EXCEPTION 'the rows of "%" could be mutes or blocks', herald_internal.plain_name(relation)
			USING ERRCODE = 'ambiguous_parameter',
			      HINT = format('A muted user still sees the posts of the other, as in: %s A blocked one does not: %s',
			          herald_internal.hinted_call('blocks', relation, jsonb_build_object('mutual', false)),
			          herald_internal.hinted_call('blocks', relation, jsonb_build_object('mutual', true)));
	END IF;
	RETURN coalesce(mutual, true);
END
$$;

CREATE FUNCTION herald.watch_blocks(relation regclass, blocker text DEFAULT NULL, blocked text DEFAULT NULL,
	mutual boolean DEFAULT NULL,
	deleted_at text DEFAULT NULL, active text DEFAULT NULL,
	ignore text[] DEFAULT '{}',
	schemas text[] DEFAULT pg_catalog.current_schemas(false)) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	call jsonb := herald_internal.checked_call('watch_blocks', relation, jsonb_build_object(
		'blocker', blocker, 'blocked', blocked, 'mutual', mutual, 'deleted_at', deleted_at,
		'active', active, 'ignore', ignore, 'schemas', schemas));
	ignored text[] := herald_internal.ignored_columns(relation, ignore);
	pair record := herald_internal.detect_pair(relation, 'blocks', 'blocker', blocker, 'blocked', blocked, ignored);
BEGIN
	PERFORM herald_internal.register_table(relation, 'blocks', jsonb_build_object(
		'blocker', pair.one, 'blocked', pair.other, 'mutual', herald_internal.checked_mutual(relation, mutual),
		'present', herald_internal.present_condition(relation, deleted_at, active, schemas, ignored, asked => true),
		'timed', nullif(herald_internal.dependencies_of(relation,
			herald_internal.resolve_active(relation, active, schemas)) IS NOT NULL, false)), ignored);
	PERFORM herald_internal.save_call(relation, 'blocks', call);
END
$$;
COMMENT ON FUNCTION herald.watch_blocks(regclass, text, text, boolean, text, text, text[], text[]) IS
	'suppresses notifications of actors that the recipient has blocked or, if mutual, that have blocked the recipient;'
	' mutual blocks also hide posts of either user from the other; a table of mutes needs mutual => false';
