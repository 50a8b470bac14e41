-- ---------------------------------------------------------------------------
-- Conversations: members, messages and read positions
-- ---------------------------------------------------------------------------

-- ----- members

-- A present member is in the room. A member with a pending status gets a request first.
CREATE FUNCTION herald_internal.compile_members(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	membership record;
	present text;
	identity text;
	conversation_id text;
	member_id text;
	room text;
	recheck text;
	made record;
BEGIN
	SELECT * INTO membership FROM jsonb_to_record(arguments)
		AS a (conversation text[], member text[], present text, status text, accepted text, pending text,
		      last_read text, on_error text);
	present := herald_internal.and_conditions(membership.present,
	                                          herald_internal.value_condition(membership.status, membership.accepted));
	identity := array_to_string(membership.conversation || membership.member, ',');
	conversation_id := herald_internal.id_sql('changed', membership.conversation);
	member_id := herald_internal.id_sql('changed', membership.member);
	room := 'conversation:' || herald_internal.id_template('changed', membership.conversation);
	recheck := format('SELECT %s, NULL', member_id);
	FOR made IN VALUES ('member_leave', 'delete', 'conversation:left', NULL, room, 'withdrawn'),
		('member_join', 'insert', 'conversation:joined', room, NULL, 'granted') LOOP
		PERFORM herald_internal.watch(relation, made.column1, ARRAY[made.column2], active => present, key => identity,
			on_error => membership.on_error,
			event => made.column3, room => format('%s user:%s',
			                                      room, herald_internal.id_template('changed', membership.member)),
			payload => herald_internal.json_sql('conversationId', conversation_id, 'userId', member_id),
			member => member_id, member_joins => made.column4, member_leaves => made.column5,
			recheck => CASE WHEN herald_internal.access_reads(relation) IS NOT NULL THEN recheck END,
			access => made.column6);
	END LOOP;
	PERFORM herald_internal.compile_access(relation, 'member_access', present, identity,
		recheck);
	PERFORM herald_internal.delete_rules(relation, 'member_read'),
		herald_internal.delete_rules(relation, 'request_answered');
	IF membership.last_read IS NOT NULL THEN
		PERFORM herald_internal.watch(relation, 'member_read', '{update}', active => present, key => identity,
			on_error => membership.on_error,
			condition => format('new.%1$s IS DISTINCT FROM old.%1$s AND new.%1$s IS NOT NULL', membership.last_read),
			event => 'message:read', room => room,
			payload => herald_internal.json_sql('conversationId', conversation_id, 'userId', member_id, 'messageId',
			                           format('new.%s::text', membership.last_read),
			                           'timestamp', herald_internal.now_sql()));
	END IF;
	IF membership.status IS NOT NULL THEN
		PERFORM herald_internal.watch(relation, 'request_answered', '{delete}', key => identity,
			on_error => membership.on_error,
			active => herald_internal.and_conditions(membership.present,
			                                         herald_internal.value_condition(membership.status,
			                                             membership.pending)),
			retract => format('%s:request:%s', room, herald_internal.id_template('changed', membership.member)));
	END IF;
	PERFORM herald_internal.save_room_source(relation, 'members', format(
		'SELECT u.id AS user_id, ''conversation:'' || %s AS room '
		'FROM unnest($1::text[]) AS u (id) JOIN %s AS m ON %s', herald_internal.id_sql('m', membership.conversation),
		herald_internal.rows_sql(relation, present),
		herald_internal.match_id('m', relation, membership.member, 'u.id')));
END
$$;

CREATE FUNCTION herald.watch_members(relation regclass, conversation text DEFAULT NULL, member text DEFAULT NULL,
	left_at text DEFAULT NULL,
	status text DEFAULT NULL, accepted text DEFAULT 'accepted,active,member',
	pending text DEFAULT 'pending,requested,invited',
	last_read text DEFAULT NULL, on_error text DEFAULT 'suspend', active text DEFAULT NULL,
	ignore text[] DEFAULT '{}', muted text DEFAULT NULL,
	schemas text[] DEFAULT pg_catalog.current_schemas(false)) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	call jsonb := herald_internal.checked_call('watch_members', relation, jsonb_build_object(
		'conversation', conversation, 'member', member, 'left_at', left_at, 'status', status,
		'accepted', accepted, 'pending', pending, 'last_read', last_read, 'on_error', on_error,
		'active', active, 'ignore', ignore, 'muted', muted, 'schemas', schemas));
	ignored text[] := herald_internal.ignored_columns(relation, ignore);
	member_columns text[] := herald_internal.detect_key(relation, 'members', 'member', member,
	                                                    taken => ignored ||
	                                                    herald_internal.parse_columns(relation, conversation));
BEGIN
	PERFORM herald_internal.register_table(relation, 'members', jsonb_build_object(
		'conversation', herald_internal.detect_key(relation, 'members', 'conversation', conversation,
		                                           taken => ignored || member_columns),
		'member', member_columns,
		'present', herald_internal.and_conditions(
			herald_internal.present_condition(relation, NULL, active, schemas, ignored),
			herald_internal.not_left_condition(relation, left_at, ignored)),
		'last_read', quote_ident(herald_internal.detect_column(relation,
		                                                       last_read,
		                                                       '{lastreadmessageid,lastreadid,lastreadmessage}',
		                                                       ignored)),
		'muted', herald_internal.muted_columns(relation, muted),
		'on_error', on_error) || herald_internal.status_arguments(relation, status, accepted, pending), ignored);
	PERFORM herald_internal.save_call(relation, 'members', call);
END
$$;
COMMENT ON FUNCTION herald.watch_members(regclass, text, text, text, text, text, text, text, text, text, text[], text,
	text[]) IS
	'keeps the present members of a conversation in its room; with a status column, pending members get message '
	'requests; muted members get no notifications; a column with the last message that a member has read makes '
	'message:read';

-- Returns the condition that a column of a member lets notifications through, over the columns of the row: the name of
-- a boolean says its meaning, and that of a time whether it is the end of a mute. NULL: its type does not say when.
CREATE FUNCTION herald_internal.unmuted_condition(relation regclass, name text) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	type text := herald_internal.column_type(relation, name);
	words text := herald_internal.name_words(name);
BEGIN
	RETURN CASE
		WHEN type = 'boolean' AND herald_internal.is_opposite_switch(words) THEN format('%I IS NOT TRUE', name)
		WHEN type = 'boolean' THEN format('%I IS NOT FALSE', name)
		WHEN type LIKE 'timestamp%' AND words ~ '(until|till|expir|end)'
		THEN format('(%1$I IS NULL OR %1$I%2$s <= now())', name,
		            CASE type WHEN 'timestamp without time zone' THEN ' AT TIME ZONE ''UTC''' ELSE '' END)
		WHEN type LIKE 'timestamp%' OR type = 'date' THEN format('%I IS NULL', name)
		END;
END
$$;

-- Returns the columns that mute a member, or raises an error if the type of one does not say when.
CREATE FUNCTION herald_internal.muted_columns(relation regclass, given text) RETURNS text[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	names text[] := herald_internal.parse_columns(relation, given);
	wrong text := (SELECT n FROM unnest(names) AS n
	               WHERE herald_internal.unmuted_condition(relation, n) IS NULL LIMIT 1);
BEGIN
	IF wrong IS NOT NULL THEN
		RAISE EXCEPTION 'column "%" of table "%" is of type %, and cannot mute a member',
			wrong, herald_internal.plain_name(relation),
			herald_internal.column_type(relation, wrong)
			USING ERRCODE = 'datatype_mismatch', HINT = 'A boolean can, or a time.';
	END IF;
	RETURN names;
END
$$;

-- ----- messages

-- Returns the tables that may have the members of the conversations in columns of messages: those that refer to the
-- same table, or have a column of the same name, and to a user by a foreign key or a name, and have no text of their
-- own.
CREATE FUNCTION herald_internal.possible_members(relation regclass, columns text[]) RETURNS SETOF regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH target AS MATERIALIZED (
		SELECT herald_internal.conversation_target($1, $2) AS relation
	), referring AS (
		SELECT c.conrelid::regclass AS relation, f.columns
		FROM target AS t
		JOIN pg_constraint AS c ON c.contype = 'f' AND c.confrelid = t.relation
		JOIN herald_internal.foreign_keys(c.conrelid) AS f ON f.target = t.relation
		UNION
		SELECT a.attrelid::regclass, ARRAY[a.attname::text]
		FROM pg_class AS mine
		JOIN pg_class AS c ON c.relnamespace = mine.relnamespace AND c.relkind IN ('r', 'p')
		JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = $2[1]
		WHERE mine.oid = $1 AND cardinality($2) = 1
	)
	SELECT DISTINCT r.relation
	FROM referring AS r
	WHERE r.relation NOT IN ($1, (SELECT coalesce(t.relation, $1) FROM target AS t)) AND
	      herald_internal.body_column(r.relation, NULL, NULL) IS NULL AND
	      EXISTS (SELECT FROM herald_internal.key_candidates(r.relation, 'member', NULL) AS k
	              WHERE NOT k.columns && r.columns
	              UNION ALL
	              SELECT FROM herald_internal.foreign_keys(r.relation) AS f
	              WHERE herald_internal.is_user_table(f.target) AND NOT f.columns && r.columns);
$$;

-- Returns the columns of a table of conversations that hold its users, such as sender_id and recipient_id.
CREATE FUNCTION herald_internal.pair_of_users(conversations regclass) RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_agg(array_to_string(i.columns, ', ') ORDER BY i.place)
	FROM herald_internal.id_columns($1) AS i
	WHERE herald_internal.is_user_table(i.target) OR
	      i.target IS NULL AND NOT i.label AND herald_internal.name_words(i.columns[1]) ~
	          '(^|_)(user|sender|recipient|receiver|participant|member|buyer|seller|initiator|guest|host)(_|$|[0-9])'
	HAVING count(*) = 2;
$$;

-- Raises an error if a foreign key alone says that a column of messages is the conversation ("sure" is false): no table
-- has members of what it refers to. Warns if nobody can be a member.
CREATE FUNCTION herald_internal.check_members(relation regclass, columns text[], sure boolean) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	target regclass := herald_internal.conversation_target(relation, columns);
	pair text[] := herald_internal.pair_of_users(target);
	recipe text := CASE WHEN pair IS NULL THEN ''
		ELSE format('Table "%s" has the users in %s. ', target, array_to_string(pair, ' and ')) END ||
		'Make a table of members, as docs/your-schema.md shows under "Conversations of two users".';
BEGIN
	IF columns IS NULL OR EXISTS (SELECT FROM herald_internal.possible_members(relation, columns)) OR
	   EXISTS (SELECT FROM herald_internal.conversation_tables(relation, 'messages', columns)) THEN
		RETURN;
	ELSIF NOT sure AND pair IS NULL AND
	      (SELECT min(k.rank) FROM herald_internal.key_candidates(relation, 'conversation', NULL) AS k
	       WHERE k.columns = check_members.columns) > 2 THEN
		RAISE EXCEPTION 'cannot tell whether column "%" of table "%" is the conversation',
			array_to_string(columns, ', '), herald_internal.plain_name(relation)
			USING ERRCODE = 'ambiguous_column',
			      DETAIL = format('It refers to table "%s", and no table has members of its rows.',
			                      herald_internal.plain_name(target)),
			      HINT = format('If it is, name it, as in: %s %s', herald_internal.hinted_call('messages', relation,
			                    jsonb_build_object('conversation', array_to_string(columns, ', '))), recipe);
	ELSE
		RAISE WARNING 'nobody is told of messages of table "%"', herald_internal.plain_name(relation)
			USING DETAIL = format('Only members of a conversation are notified, and no table has members by %s.',
			                      array_to_string(columns, ', ')),
			      HINT = recipe;
	END IF;
END
$$;

-- Returns the SELECT of members to notify, present or pending ones, of the conversation in columns of a changed row.
-- NULL as long as no members are watched. If several tables of members are watched, takes the one for the same
-- conversations.
CREATE FUNCTION herald_internal.members_sql(relation regclass, columns text[], waiting boolean DEFAULT false)
	RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('SELECT reached.id FROM %s AS member CROSS JOIN LATERAL (%s) AS reached (id) WHERE %s',
	              herald_internal.rows_sql(w.relation, herald_internal.and_conditions(
	                  a.present, herald_internal.value_condition(a.status, CASE WHEN waiting THEN a.pending
	                                                             ELSE a.accepted END),
	                  (SELECT herald_internal.and_conditions(VARIADIC array_agg(
	                              herald_internal.unmuted_condition(w.relation, name) ORDER BY name))
	                   FROM unnest(a.muted) AS name))),
	              herald_internal.recipient_sql('member', w.relation, a.member),
	              herald_internal.match_columns('member', w.relation, a.conversation, 'changed', $1, $2))
	FROM herald_internal.trusted_tables($1) AS w
	CROSS JOIN jsonb_to_record(w.arguments) AS a (conversation text[], member text[], present text, status text,
	                                              accepted text, pending text, muted text[])
	WHERE w.kind = 'members' AND cardinality(a.conversation) = cardinality($2) AND (a.status IS NOT NULL OR NOT waiting)
	ORDER BY herald_internal.same_conversations($1, $2, w.relation, a.conversation) DESC NULLS LAST, w.relation
	LIMIT 1;
$$;

-- Returns the tables of the senders of messages, by the values of the column with their type.
CREATE FUNCTION herald_internal.sender_parts(arguments jsonb)
	RETURNS TABLE (place bigint, value text, sender_table regclass, of_user boolean)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT m.place, m.key, s.sender_table, herald_internal.is_user_table(s.sender_table) IS TRUE
	FROM jsonb_each_text(CASE jsonb_typeof($1 -> 'sender_tables') WHEN 'object' THEN $1 -> 'sender_tables'
	                     ELSE '{}' END) WITH ORDINALITY AS m (key, value, place)
	CROSS JOIN herald_internal.saved_table(m.value) AS s (sender_table);
$$;

-- Returns the condition that the sender of a message is a user; NULL if all are.
CREATE FUNCTION herald_internal.by_user_condition(alias text, arguments jsonb) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('%s::text = ANY (%L::text[])', herald_internal.column_sql(alias, arguments ->> 'sender_type'),
	              ARRAY(SELECT p.value FROM herald_internal.sender_parts(arguments) AS p WHERE p.of_user))
	WHERE arguments ? 'sender_type';
$$;

-- Returns the sender of a message. One that is not a user has a name, but no id: it could be that of a user.
CREATE FUNCTION herald_internal.message_sender(relation regclass, arguments jsonb) RETURNS herald_internal.person
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH sender AS (
		SELECT a.sender, herald_internal.by_user_condition('changed', $2) AS by_user, a.sender_type
		FROM jsonb_to_record($2) AS a (sender text[], sender_type text)
	), part AS (
		SELECT p.place, format('%s AND %s::text = %L', j.joins, herald_internal.column_sql('changed', s.sender_type),
		                       p.value) AS joins,
		       herald_internal.name_sql(n.alias, coalesce(u.name, herald_internal.name_columns(p.sender_table))) AS name
		FROM sender AS s
		CROSS JOIN herald_internal.sender_parts($2) AS p
		CROSS JOIN LATERAL (SELECT 'sender_' || p.place) AS n (alias)
		CROSS JOIN herald_internal.referenced_key(relation, s.sender, p.sender_table) AS k (key)
		CROSS JOIN herald_internal.left_join_sql(n.alias, p.sender_table, k.key, 'changed', relation, s.sender)
			AS j (joins)
		LEFT JOIN herald_internal.watched_table AS w ON w.relation = p.sender_table AND w.kind = 'users'
		LEFT JOIN LATERAL jsonb_to_record(w.arguments) AS u (name text[]) ON true
		WHERE cardinality(k.key) = cardinality(s.sender)
	)
	SELECT CASE WHEN s.by_user IS NULL THEN p.id ELSE format('CASE WHEN %s THEN %s END', s.by_user, p.id) END,
	       CASE WHEN s.by_user IS NULL THEN p.name
	       ELSE coalesce((SELECT 'coalesce(' || string_agg(part.name, ', ' ORDER BY part.place) || ')' FROM part),
	                     'NULL') END,
	       CASE WHEN s.by_user IS NULL THEN p.joins
	       ELSE (SELECT string_agg(part.joins, E'\n' ORDER BY part.place) FROM part WHERE part.name IS NOT NULL) END
	FROM sender AS s
	CROSS JOIN herald_internal.person_of_columns('actor', 'changed', relation, s.sender) AS p;
$$;

-- Returns the arguments that say in which tables the senders of messages are; none if all are users.
CREATE FUNCTION herald_internal.sender_arguments(relation regclass, columns text[], sender_type text,
                                                 sender_tables jsonb, schemas text[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found jsonb;
BEGIN
	IF sender_type IS NULL AND sender_tables IS NULL THEN
		RETURN '{}';
	END IF;
	found := jsonb_build_object('sender_type', (herald_internal.parse_columns(relation, sender_type))[1],
		'sender_tables', herald_internal.typed_tables(relation, 'messages', 'sender', columns, sender_type,
		                                              sender_tables, schemas));
	IF NOT EXISTS (SELECT FROM herald_internal.sender_parts(found) AS p WHERE p.of_user) THEN
		RAISE EXCEPTION 'none of the tables of senders is a watched table of users'
			USING ERRCODE = 'undefined_table',
			      HINT = 'Watch it first, as in: SELECT herald.watch_users(''users'');';
	END IF;
	RETURN found;
END
$$;

-- Compiles the messages to a conversation or, without its column in the arguments, to a receiver.
CREATE FUNCTION herald_internal.compile_messages_to(relation regclass, arguments jsonb, suffix text, condition text)
	RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	message record;
	sender herald_internal.person;
	id text;
	conversation_id text;
	subject_type text := 'message';
	recipient text;
	waiting text;
	rooms text;
	own_rooms text;
	thread text;
	cause text;
	data text;
	payload text;
	shown text;
	made record;
BEGIN
	SELECT * INTO message FROM jsonb_to_record(arguments)
		AS a (key text[], sender text[], conversation text[], receiver text[], body text[], present text, status text,
		      accepted text, pending text, published_when text, ack text, on_error text, zone text,
		      payload_columns text[], sender_type text, active text);
	message.present := herald_internal.and_conditions(message.present, condition);
	shown := herald_internal.shown_condition(arguments);
	message.active := herald_internal.and_conditions(message.present, shown);
	sender := herald_internal.message_sender(relation, arguments);
	id := herald_internal.id_sql('changed', message.key);
	conversation_id := herald_internal.id_sql('changed', message.conversation);
	cause := 'message:' || herald_internal.id_template('changed', message.key);
	data := herald_internal.json_sql('messageId', id, 'conversationId', conversation_id);
	own_rooms := herald_internal.compile_array(ARRAY['''user:'' || ' || sender.id]);
	IF message.conversation IS NOT NULL THEN
		subject_type := 'conversation';
		recipient := herald_internal.members_sql(relation, message.conversation);
		waiting := herald_internal.members_sql(relation, message.conversation, waiting => true);
		thread := 'conversation:' || herald_internal.id_template('changed', message.conversation);
		rooms := herald_internal.compile_rooms(thread);
		cause := format('%s:%s', thread, cause);
	ELSE
		recipient := herald_internal.recipient_sql('changed', relation, message.receiver);
		rooms := herald_internal.compile_array(ARRAY['''user:'' || ' || sender.id, '''user:'' || ' ||
		                                             herald_internal.id_sql('changed', message.receiver)]);
	END IF;
	payload := herald_internal.json_sql(VARIADIC ARRAY['messageId', id, 'conversationId', conversation_id, 'receiverId',
		herald_internal.id_sql('changed', message.receiver), 'senderId', sender.id, 'senderName', sender.name] ||
		CASE WHEN message.sender_type IS NOT NULL
		THEN ARRAY['senderType', herald_internal.id_sql('changed', ARRAY[message.sender_type])] END ||
		ARRAY['content', herald_internal.id_sql('changed', message.body),
		      'message', herald_internal.row_sql(relation, message.zone, message.payload_columns),
		      'timestamp', herald_internal.now_sql()]);
	FOR made IN
		SELECT * FROM (VALUES ('message', 'insert', 'message:created', recipient, '', message.ack),
		                      ('message_update', 'update', 'message:updated', NULL, '', NULL),
		                      ('message_delete', 'delete', 'message:deleted', NULL,
		                       format('%s %s:%s:*', cause, herald_internal.subject_type(relation),
		                              herald_internal.id_template('changed', message.key)), NULL))
			AS m (rule, operation, event, recipient, retract, ack)
	LOOP
		PERFORM herald_internal.watch(relation, made.rule || suffix, ARRAY[made.operation], active => message.active,
			on_error => message.on_error,
			joins => sender.joins,
			actor => sender.id, actor_name => sender.name, recipient => made.recipient, type => 'message',
			subject_type => subject_type, subject_id => coalesce(conversation_id, id), cause => cause,
			retract => made.retract, thread => thread,
			content => herald_internal.excerpt_template(message.body),
			data => data,
			event => made.event,
			rooms => rooms,
			ack => made.ack,
			payload => payload);
	END LOOP;
	IF shown IS NOT NULL THEN
		PERFORM herald_internal.compile_drafts(relation, suffix, message.key,
			herald_internal.draft_condition(message.present, shown), message.active, sender.joins, 'message',
			own_rooms, payload, message.on_error);
	END IF;
	FOR made IN
		SELECT * FROM (VALUES
			('message_request', message.active, waiting, thread || ':request:{herald_recipient.id}', ''),
			('message_pending', herald_internal.and_conditions(message.present,
			                        herald_internal.value_condition(message.status, message.pending)),
			 CASE WHEN message.status IS NOT NULL THEN nullif(concat_ws(' UNION ', recipient, waiting), '') END,
			 cause || ':request', NULL))
			AS m (rule, active, recipient, cause, retract)
		WHERE m.recipient IS NOT NULL
	LOOP
		PERFORM herald_internal.watch(relation, made.rule || suffix, active => made.active,
			on_error => message.on_error,
			joins => sender.joins, actor => sender.id, actor_name => sender.name, recipient => made.recipient,
			type => 'message_request',
			subject_type => subject_type, subject_id => coalesce(conversation_id, id), cause => made.cause,
			retract => made.retract, thread => thread,
			content => herald_internal.excerpt_template(message.body), data => data);
	END LOOP;
	PERFORM herald_internal.compile_mentions(relation, message.sender, message.body, sender, NULL, NULL,
		coalesce(herald_internal.members_sql(relation, message.conversation), 'SELECT ' ||
		         herald_internal.id_sql('changed', message.receiver)),
		subject_type, coalesce(conversation_id, id), cause, thread, data, message.active, NULL, message.on_error,
		suffix, herald_internal.by_user_condition('changed', arguments));
END
$$;

-- A table may have both columns: a row without a conversation is then a message to its receiver.
CREATE FUNCTION herald_internal.compile_messages(relation regclass, arguments jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	conversation text := arguments -> 'conversation' ->> 0;
BEGIN
	PERFORM herald_internal.delete_parts(relation, '{message,message_update,message_delete,message_request,'
	                                               'message_pending,draft,draft_update,draft_delete,mention,'
	                                               'mention_edit}'),
		herald_internal.compile_scheduled(relation, arguments);
	IF arguments -> 'direct' = 'true' THEN
		PERFORM herald_internal.compile_messages_to(relation, arguments, '', format('%I IS NOT NULL', conversation)),
			herald_internal.compile_messages_to(relation, arguments - 'conversation', ':direct',
			                                    format('%I IS NULL', conversation));
	ELSE
		PERFORM herald_internal.compile_messages_to(relation, arguments, '', NULL);
	END IF;
END
$$;

-- Returns the columns that clients may write besides the text: the given ones, or media_url if there is one. The key,
-- the sender and the receiver cannot be among them.
CREATE FUNCTION herald_internal.writable_columns(relation regclass, given text, taken text[]) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	writable text[] := CASE WHEN given = '' THEN '{}'
	                        ELSE coalesce(herald_internal.parse_columns(relation, given),
	                                      array_remove(ARRAY[herald_internal.detect_column(relation,
	                                          NULL, '{mediaurl}')], NULL)) END;
BEGIN
	IF writable && taken THEN
		RAISE EXCEPTION 'clients may not write all of the columns %', array_to_string(writable, ', ')
			USING ERRCODE = 'invalid_parameter_value',
			      DETAIL = format('These columns have a meaning of their own: %s.', array_to_string(taken, ', ')),
			      HINT = 'Leave them out of "writable".';
	END IF;
	RETURN writable;
END
$$;

CREATE FUNCTION herald.watch_messages(relation regclass, sender text DEFAULT NULL, conversation text DEFAULT NULL,
	receiver text DEFAULT NULL,
	body text DEFAULT NULL, key text DEFAULT NULL, deleted_at text DEFAULT NULL, sendable boolean DEFAULT true,
	writable text DEFAULT NULL,
	max_length int DEFAULT 10000, ack text DEFAULT NULL, on_error text DEFAULT 'suspend',
	zone text DEFAULT 'UTC', active text DEFAULT NULL,
	payload_columns text[] DEFAULT NULL, ignore text[] DEFAULT '{}',
	status text DEFAULT NULL, accepted text DEFAULT 'accepted,approved,active,sent,delivered,seen,read',
	pending text DEFAULT 'pending,requested', published_at text DEFAULT NULL,
	sender_type text DEFAULT NULL, sender_tables jsonb DEFAULT NULL,
	schemas text[] DEFAULT pg_catalog.current_schemas(false)) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	call jsonb := herald_internal.checked_call('watch_messages', relation, jsonb_build_object(
		'status', status, 'accepted', accepted, 'pending', pending, 'published_at', published_at,
		'sender_type', sender_type, 'sender_tables', sender_tables,
		'sender', sender, 'conversation', conversation, 'receiver', receiver, 'body', body, 'key', key,
		'deleted_at', deleted_at, 'sendable', sendable, 'writable', writable, 'max_length', max_length,
		'ack', ack, 'on_error', on_error, 'zone', zone, 'active', active,
		'payload_columns', payload_columns, 'ignore', ignore, 'schemas', schemas));
	ignored text[] := herald_internal.ignored_columns(relation, ignore);
	sender_columns text[] := herald_internal.detect_key(relation, 'messages', 'sender', sender,
	                                           taken => ignored || herald_internal.parse_columns(relation, receiver));
	receiver_columns text[] := herald_internal.detect_key(relation, 'messages', 'receiver', receiver,
	                                                      herald_internal.reference_target(relation, sender_columns),
	                                                      taken => ignored || sender_columns, optional => true);
	conversation_columns text[];
	key_columns text[];
	body_columns text[];
	taken text[] := ignored || herald_internal.used_columns(jsonb_build_array(active));
	senders jsonb := herald_internal.sender_arguments(relation, sender_columns, sender_type, sender_tables, schemas);
BEGIN
	IF conversation IS NOT NULL OR receiver IS NULL THEN
		conversation_columns := herald_internal.detect_key(relation, 'messages', 'conversation', conversation,
			taken => ignored || sender_columns || receiver_columns, optional => receiver_columns IS NOT NULL);
	END IF;
	key_columns := herald_internal.detect_row_key(relation, 'messages', key);
	body_columns := herald_internal.body_column(relation, body, ignored);
	IF receiver_columns IS NULL THEN
		PERFORM herald_internal.check_members(relation, conversation_columns, conversation IS NOT NULL);
	END IF;
	PERFORM herald_internal.register_table(relation, 'messages', jsonb_build_object(
		'key', key_columns,
		'sender', sender_columns,
		'conversation', conversation_columns,
		'receiver', receiver_columns,
		'body', body_columns,
		'present', herald_internal.and_conditions(
			herald_internal.present_condition(relation, deleted_at, active, schemas, ignored),
			herald_internal.type_condition(senders ->> 'sender_type', senders -> 'sender_tables')),
		'published_when', herald_internal.published_condition(relation, published_at, taken,
			herald_internal.valid_zone(zone), status IS NOT NULL),
		'sendable', sendable,
		'writable', herald_internal.writable_columns(relation, writable, key_columns || sender_columns ||
		                                             conversation_columns || receiver_columns || body_columns ||
		                                             herald_internal.parse_columns(relation, status) ||
		                                             array_remove(ARRAY[senders ->> 'sender_type'], NULL)),
		'max_length', max_length,
		'ack', ack,
		'direct', nullif(receiver_columns IS NOT NULL AND EXISTS (
			SELECT FROM pg_attribute AS a
			WHERE a.attrelid = relation AND a.attname = conversation_columns[1] AND NOT a.attnotnull), false),
		'payload_columns', herald_internal.check_published(relation, payload_columns),
		'on_error', on_error, 'zone', zone) || senders ||
		herald_internal.schedule_arguments(relation, published_at, taken, zone) ||
		herald_internal.status_arguments(relation, status, accepted, pending), ignored);
	PERFORM herald_internal.save_call(relation, 'messages', call);
END
$$;
COMMENT ON FUNCTION herald.watch_messages(regclass, text, text, text, text, text, text, boolean, text, int, text,
	text, text, text, text[], text[], text, text, text, text, text, jsonb, text[]) IS
	'notifies the other present members of the conversation, or the receiver; publishes messages to the room of the '
	'conversation, or of both users; with a status column, pending messages are requests; drafts reach their sender '
	'only; lets clients insert messages by the action message:send';

-- ----- read positions

CREATE TABLE herald.conversation_read (
	user_id         text COLLATE "C" NOT NULL,
	conversation_id text COLLATE "C" NOT NULL,
	message_id      text NOT NULL,
	read_at         timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, conversation_id)
);
COMMENT ON TABLE herald.conversation_read IS
	'the last message that a member has read, for applications without a column for it';
COMMENT ON COLUMN herald.conversation_read.user_id IS 'the member';
COMMENT ON COLUMN herald.conversation_read.conversation_id IS 'the conversation';
COMMENT ON COLUMN herald.conversation_read.message_id IS 'the last message that the member has read';
COMMENT ON COLUMN herald.conversation_read.read_at IS 'the time when the member read it';
SELECT pg_extension_config_dump('herald.conversation_read', '');

-- Returns the condition that a message is later than another: by their numbers or, if the key is no number (uuid), by
-- the times of the rows.
CREATE FUNCTION herald_internal.later_condition(relation regclass, key text[], last_read text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN herald_internal.column_type(relation, key[1]) IN ('smallint', 'integer', 'bigint') OR made IS NULL
		THEN format('message.%I > %s', key[1],
		            herald_internal.cast_id_sql(last_read, herald_internal.column_type(relation, key[1])))
		ELSE format('message.%1$I > (SELECT last.%1$I FROM %2$s AS last WHERE %3$s)', made, relation,
		            herald_internal.match_id('last', relation, key, last_read))
	END
	FROM herald_internal.detect_column(relation, NULL, '{createdat,sentat,insertedat,timestamp}') AS made;
$$;

-- Returns the query that counts, for each conversation of a user ($1), the messages of others after the last read
-- one. If the members table has no column for the last read message, the query takes it from $2, an object that has
-- it by conversation.
CREATE FUNCTION herald_internal.unread_query(messages regclass) RETURNS TABLE (run_as oid, sql text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.relowner, format('SELECT %1$s AS conversation_id, %2$s AS last_read, count(message.*) AS unread '
	                          'FROM (SELECT * FROM %3$s WHERE %4$s) AS member '
	                          'LEFT JOIN (SELECT * FROM %5$s WHERE %6$s) AS message '
	                          'ON %7$s AND (%8$s) IS NOT TRUE AND (%2$s IS NULL OR %9$s) WHERE %10$s '
	                          'GROUP BY 1, 2 ORDER BY 1',
	              herald_internal.id_sql('member', m.conversation), l.last_read,
	              w.relation, coalesce(herald_internal.and_conditions(m.present,
	                  herald_internal.value_condition(m.status, m.accepted)), 'true'),
	              messages, coalesce(herald_internal.and_conditions(
	                  a.present, herald_internal.shown_condition(t.arguments)), 'true'),
	              herald_internal.match_columns('message', messages, a.conversation, 'member', w.relation,
	                                            m.conversation),
	              herald_internal.and_conditions(herald_internal.match_id('message', messages, a.sender, '$1'),
	                                             herald_internal.by_user_condition('message', t.arguments)),
	              herald_internal.later_condition(messages, a.key, l.last_read),
	              herald_internal.match_id('member', w.relation, m.member, '$1'))
	FROM herald_internal.watched_table AS t
	CROSS JOIN jsonb_to_record(t.arguments) AS a (key text[], sender text[], conversation text[], present text)
	JOIN herald_internal.trusted_tables(messages) AS w ON w.kind = 'members'
	JOIN pg_class AS c ON c.oid = messages
	CROSS JOIN jsonb_to_record(w.arguments) AS m (conversation text[], member text[], present text, status text,
	                                              accepted text, last_read text)
	CROSS JOIN LATERAL (SELECT coalesce('member.' || m.last_read || '::text',
	                                    format('($2 ->> %s)',
	                                           herald_internal.id_sql('member', m.conversation)))) AS l (last_read)
	WHERE t.relation = messages AND t.kind = 'messages' AND cardinality(a.conversation) = cardinality(m.conversation);
$$;

-- Runs such a query as the current user.
CREATE FUNCTION herald_internal.query_rows(user_id text, question jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	answer jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(q) FROM (%s) AS q', question ->> 'sql') INTO answer USING user_id,
		question -> 'read';
	RETURN answer;
END
$$;

CREATE FUNCTION herald.unread_messages(user_id text) RETURNS TABLE (conversation_id text, unread bigint, last_read text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT a.conversation_id, a.unread, a.last_read
	FROM herald_internal.watched_table AS w
	CROSS JOIN LATERAL herald_internal.unread_query(w.relation) AS q
	CROSS JOIN LATERAL jsonb_to_recordset(herald_internal.ask_as('herald_internal.query_rows(text, jsonb)',
	                                                              q.run_as, user_id, jsonb_build_object('sql', q.sql,
		'read', (SELECT coalesce(jsonb_object_agg(r.conversation_id, r.message_id), '{}')
		         FROM herald.conversation_read AS r
		         WHERE r.user_id = unread_messages.user_id)))) AS a (conversation_id text, unread bigint,
		             last_read text)
	WHERE w.kind = 'messages';
$$;
COMMENT ON FUNCTION herald.unread_messages(text) IS
	'returns the conversations of a user, with the number of messages of others after the last one that the user has '
	'read';

-- Returns the query whether a message ($2) belongs to the conversation, and is later than the last read one.
CREATE FUNCTION herald_internal.message_query(messages regclass, conversation_id text, message_id text, last_read text)
	RETURNS TABLE (run_as oid, question jsonb)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.relowner, jsonb_build_object('id', message_id, 'sql',
	                                      format('FROM %s AS message WHERE %s', messages,
	                                             herald_internal.and_conditions(
		herald_internal.match_id('message', messages, a.key, '$2'),
		herald_internal.match_id('message', messages, a.conversation, quote_literal(conversation_id)),
		herald_internal.shown_condition(w.arguments),
		CASE WHEN last_read IS NOT NULL THEN herald_internal.later_condition(messages, a.key, quote_literal(last_read))
		END)))
	FROM herald_internal.watched_table AS w
	JOIN pg_class AS c ON c.oid = w.relation
	CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[], conversation text[])
	WHERE w.relation = messages AND w.kind = 'messages' AND a.conversation IS NOT NULL;
$$;

CREATE FUNCTION herald_internal.message_exists(conversation_id text, message_id text, after text DEFAULT NULL)
	RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (
		SELECT FROM herald_internal.watched_table AS w
		CROSS JOIN LATERAL herald_internal.message_query(w.relation, conversation_id, message_id, after) AS q
		WHERE w.kind = 'messages' AND herald_internal.ask_as('herald_internal.query_exists(text, jsonb)'::regprocedure,
		                                                      q.run_as, '', q.question) = 'true');
$$;

-- Raises an error unless the user is a present member of the conversation.
CREATE FUNCTION herald_internal.check_member(user_id text, conversation_id text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT herald.may_join(user_id, 'conversation:' || conversation_id) THEN
		RAISE EXCEPTION 'user "%" is not in conversation "%"', user_id, conversation_id
			USING ERRCODE = 'insufficient_privilege';
	END IF;
END
$$;

-- Returns the id of a user's notification of a message, or of the request that it made, by its cause
-- (compile_messages_to()): the index of the inbox would read all of it. NULL if there is none, as for the user's own
-- message.
CREATE FUNCTION herald_internal.message_notification(user_id text, conversation_id text, message_id text)
	RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
	escaped text[] := ARRAY(SELECT replace(replace(id, '\', '\\'), ':', '\:')
	                        FROM unnest(ARRAY[conversation_id, message_id, user_id]) WITH ORDINALITY AS i (id, place)
	                        ORDER BY place);
BEGIN
	RETURN (SELECT max(o.id)
	        FROM unnest('{conversation:%1$s:message:%2$s,conversation:%1$s:message:%2$s:request,'
	                    'conversation:%1$s:request:%3$s}'::text[]) AS c (form)
	        CROSS JOIN LATERAL herald_internal.kept_cause(format(c.form, VARIADIC escaped)) AS k (cause)
	        CROSS JOIN LATERAL (SELECT n.id, n.data FROM herald.notification AS n
	                            WHERE n.cause = k.cause AND n.recipient_id = message_notification.user_id
	                            OFFSET 0) AS o
	        WHERE o.data ->> 'messageId' = message_notification.message_id);
END
$$;

-- Returns the messages of notifications of a user, as later_query() reads them.
CREATE FUNCTION herald_internal.messages_of(user_id text, ids bigint[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
	RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('id', n.id, 'message', n.data ->> 'messageId')), '[]')
	        FROM unnest(ids) AS i (id)
	        CROSS JOIN LATERAL (SELECT o.id, o.data FROM herald.notification AS o
	                            WHERE o.recipient_id = messages_of.user_id AND o.id = i.id OFFSET 0) AS n);
END
$$;

-- Returns the query of the first of the notifications ($2) that has a later message of the conversation.
CREATE FUNCTION herald_internal.later_query(messages regclass, conversation_id text, message_id text)
	RETURNS TABLE (run_as oid, sql text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.relowner, format('SELECT min(n.id) AS id FROM jsonb_to_recordset($2) AS n (id bigint, message text) '
	                          'JOIN %s AS message ON %s WHERE %s', messages,
	                          herald_internal.match_id('message', messages, a.key, 'n.message'),
	                          herald_internal.and_conditions(
	                              herald_internal.match_id('message', messages, a.conversation,
	                                                       quote_literal(conversation_id)),
	                              herald_internal.later_condition(messages, a.key, quote_literal(message_id))))
	FROM herald_internal.watched_table AS w
	JOIN pg_class AS c ON c.oid = w.relation
	CROSS JOIN jsonb_to_record(w.arguments) AS a (key text[], conversation text[])
	WHERE w.relation = messages AND w.kind = 'messages' AND a.conversation IS NOT NULL;
$$;

-- Returns the unread notifications of a conversation up to a message. Those of later messages begin after its own, or
-- where the application's table says so. All is read in the snapshot of the caller: no message commits in between.
CREATE FUNCTION herald_internal.unread_up_to(user_id text, conversation_id text, message_id text) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	unread bigint[] := ARRAY(SELECT herald_internal.unread_of_subject(user_id, 'conversation', conversation_id, NULL));
	until bigint := herald_internal.message_notification(user_id, conversation_id, message_id);
BEGIN
	IF until IS NULL AND unread <> '{}' THEN
		SELECT min((answer -> 0 ->> 'id')::bigint) - 1 INTO until
		FROM herald_internal.watched_table AS w
		CROSS JOIN LATERAL herald_internal.later_query(w.relation, conversation_id, message_id) AS q
		CROSS JOIN LATERAL herald_internal.ask_as('herald_internal.query_rows(text, jsonb)', q.run_as, user_id,
			jsonb_build_object('sql', q.sql, 'read', herald_internal.messages_of(user_id, unread))) AS answer
		WHERE w.kind = 'messages';
	END IF;
	RETURN ARRAY(SELECT id FROM unnest(unread) AS id WHERE until IS NULL OR id <= until);
END
$$;

-- If the members table has a column of its own for that, the application writes it, and watch_members() publishes the
-- change. Notifications of later messages stay unread.
CREATE FUNCTION herald.mark_conversation_read(user_id text, conversation_id text, message_id text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	last text;
BEGIN
	PERFORM herald_internal.check_member(user_id, conversation_id);
	IF NOT herald_internal.message_exists(conversation_id, message_id) THEN
		RAISE EXCEPTION 'conversation "%" has no message "%"', conversation_id, message_id
			USING ERRCODE = 'no_data_found';
	END IF;
	SELECT r.message_id INTO last
	FROM herald.conversation_read AS r
	WHERE r.user_id = mark_conversation_read.user_id AND r.conversation_id = mark_conversation_read.conversation_id
	FOR UPDATE;
	IF last IS NULL OR herald_internal.message_exists(conversation_id, message_id, after => last) THEN
		INSERT INTO herald.conversation_read AS r (user_id, conversation_id, message_id)
			VALUES (user_id, conversation_id, message_id)
		ON CONFLICT ON CONSTRAINT conversation_read_pkey DO UPDATE SET message_id = excluded.message_id,
			read_at = now();
		PERFORM herald_internal.append_event(ARRAY['conversation:' || conversation_id], 'message:read',
		                                     json_build_object(
			'conversationId', conversation_id, 'userId', user_id, 'messageId', message_id, 'timestamp',
			herald.iso8601(now())), NULL, NULL, NULL);
	END IF;
	RETURN herald.mark_read(user_id, herald_internal.unread_up_to(user_id, conversation_id, message_id));
END
$$;
COMMENT ON FUNCTION herald.mark_conversation_read(text, text, text) IS
	'records that a member has read up to a message, publishes that to the conversation and marks the member''s '
	'notifications up to there as read; has no effect for an older message; returns the number of unread '
	'notifications';
