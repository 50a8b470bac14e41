-- ---------------------------------------------------------------------------
-- Sending: turns a client's message into a row of the application's own table
--
-- The functions check that the user may write to the conversation or the
-- receiver. The insert runs as the owner of the table. It sets only the
-- columns that watch_messages() knows or was given; the table's constraints
-- and triggers check everything else.
-- ---------------------------------------------------------------------------

-- Returns the table for messages to a user (direct) or to a conversation.
CREATE FUNCTION herald_internal.message_table(direct boolean) RETURNS regclass
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found regclass[] := ARRAY(
		SELECT w.relation
		FROM herald_internal.watched_table AS w
		CROSS JOIN jsonb_to_record(w.arguments) AS a (conversation text[], sendable boolean, direct boolean)
		WHERE w.kind = 'messages' AND a.sendable AND
		      CASE WHEN message_table.direct THEN a.conversation IS NULL OR a.direct
		      ELSE a.conversation IS NOT NULL END
		ORDER BY w.relation::text);
BEGIN
	IF cardinality(found) <> 1 THEN
		RAISE EXCEPTION 'cannot send messages to a %: % watched tables accept them', CASE WHEN direct THEN 'user'
			ELSE 'conversation' END,
			coalesce(nullif(cardinality(found), 0)::text, 'no')
			USING ERRCODE = 'object_not_in_prerequisite_state',
			      DETAIL = format('The tables are: %s.', coalesce(nullif(array_to_string(found, ', '), ''), 'none')),
			      HINT = 'See the argument "sendable" of herald.watch_messages().';
	END IF;
	RETURN found[1];
END
$$;

-- Raises an error unless the user may write to the receiver.
CREATE FUNCTION herald_internal.check_receiver(relation regclass, receiver text[], user_id text, receiver_id text)
	RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT FROM herald_internal.user_table(relation, receiver) AS u
	           JOIN pg_class AS c ON c.oid = u.users
	           WHERE herald_internal.ask_as('herald_internal.query_exists(text, jsonb)', c.relowner, user_id,
	                                herald_internal.exists_query('receiver', u.users, u.key, NULL,
	                                                             receiver_id)) <> 'true') THEN
		RAISE EXCEPTION 'there is no user "%"', receiver_id USING ERRCODE = 'no_data_found';
	ELSIF herald.is_blocked(receiver_id, user_id) AND herald.is_blocked(user_id, receiver_id) THEN
		RAISE EXCEPTION 'user "%" may not write to user "%"', user_id, receiver_id
			USING ERRCODE = 'insufficient_privilege';
	END IF;
END
$$;

-- Returns the columns of a key with the parts of an id.
CREATE FUNCTION herald_internal.key_values(columns text[], id text) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_object_agg(name, CASE WHEN cardinality(columns) = 1 THEN id ELSE split_part(id, ',', place::int) END)
	FROM unnest(columns) WITH ORDINALITY AS c (name, place);
$$;

-- Raises an error unless the text of a message is valid. It may be missing if the message has other content.
CREATE FUNCTION herald_internal.check_content(content jsonb, max_length int, alone boolean) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF jsonb_typeof(content) NOT IN ('string', 'null') THEN
		RAISE EXCEPTION '"content" must be a text' USING ERRCODE = 'invalid_parameter_value';
	ELSIF alone AND coalesce(content #>> '{}', '') !~ '\S' THEN
		RAISE EXCEPTION '"content" must not be empty' USING ERRCODE = 'invalid_parameter_value';
	ELSIF length(content #>> '{}') > max_length THEN
		RAISE EXCEPTION '"content" is longer than % characters', max_length
			USING ERRCODE = 'string_data_right_truncation';
	END IF;
END
$$;

-- Returns the values of a payload for the text column and for the columns that clients may write, by column. Rejects
-- any other key.
CREATE FUNCTION herald_internal.message_content(body text, writable text[], max_length int, payload jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	refused text;
	content jsonb;
BEGIN
	SELECT min(f.key) FILTER (WHERE c.name IS NULL),
	       coalesce(jsonb_object_agg(c.name, f.value) FILTER (WHERE c.name IS NOT NULL), '{}')
	INTO refused, content
	FROM jsonb_each(payload) AS f
	LEFT JOIN (SELECT body AS name, 'content' AS key UNION ALL SELECT w, k FROM unnest(writable) AS w,
	           unnest(ARRAY[w, herald_internal.camel_case(w)]) AS k) AS c USING (key);
	IF refused IS NOT NULL THEN
		RAISE EXCEPTION '"%" cannot be sent with a message', refused
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Pass the columns that clients may write to herald.watch_messages() as writable => ...';
	END IF;
	PERFORM herald_internal.check_content(payload -> 'content', max_length,
	                                      alone => jsonb_strip_nulls(content - coalesce(body, '')) = '{}');
	RETURN content;
END
$$;

-- Inserts a row as the current user and with the search path of that role, which the application's triggers expect.
CREATE FUNCTION herald_internal.insert_row(user_id text, question jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	id text;
BEGIN
	EXECUTE question OPERATOR(pg_catalog.->>) 'sql' INTO id USING question OPERATOR(pg_catalog.->) 'row';
	RETURN pg_catalog.to_jsonb(id);
END
$$;

-- Returns the statement that inserts a row with these columns, given as JSON, and returns its id.
CREATE FUNCTION herald_internal.insert_sql(relation regclass, key text[], columns text[]) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('INSERT INTO %s AS made (%s) SELECT %2$s '
	              'FROM pg_catalog.jsonb_to_record($1) AS given (%s) RETURNING %s', relation,
	              string_agg(quote_ident(name), ', '),
	              string_agg(format('%I %s', name, herald_internal.column_type(relation, name)), ', '),
	              herald_internal.id_sql('made', key))
	FROM unnest(columns) AS name;
$$;

-- Returns the payload of the event for the message that this transaction has inserted. Without an event, for example
-- with herald.enabled off, returns the id alone.
CREATE FUNCTION herald_internal.sent_message_json(message_id text) RETURNS jsonb
LANGUAGE sql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT e.payload::jsonb
	                 FROM herald.event AS e
	                 WHERE e.id >= (SELECT herald_internal.first_event_id(pg_current_xact_id())) AND
	                       e.xid = pg_current_xact_id() AND e.name = 'message:created' AND
	                       e.payload ->> 'messageId' = message_id
	                 LIMIT 1),
	                jsonb_build_object('messageId', message_id));
$$;

-- Returns the row of a message, by column. A column that belongs to both keys must have the same value in both:
-- otherwise the message would go to a place that was not checked.
CREATE FUNCTION herald_internal.message_row(sender jsonb, target jsonb, content jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT target || sender @> target THEN
		RAISE EXCEPTION 'the sender does not belong to the destination of the message'
			USING ERRCODE = 'insufficient_privilege';
	END IF;
	RETURN target || sender || content;
END
$$;

CREATE FUNCTION herald_internal.act_message_send(user_id text, payload jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	conversation_id text := payload ->> 'conversationId';
	receiver_id text := payload ->> 'receiverId';
	message record;
	fields jsonb;
	id jsonb;
BEGIN
	IF num_nonnulls(conversation_id, receiver_id) <> 1 THEN
		RAISE EXCEPTION 'a message needs either "conversationId" or "receiverId"'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT w.relation, c.relowner AS owner, coalesce((SELECT jsonb_build_object(w.arguments ->> 'sender_type', p.value)
	           FROM herald_internal.sender_parts(w.arguments) AS p WHERE p.of_user LIMIT 1), '{}') AS user_type, a.*
	INTO message
	FROM herald_internal.watched_table AS w
	JOIN pg_class AS c ON c.oid = w.relation
	CROSS JOIN jsonb_to_record(w.arguments)
		AS a (key text[], sender text[], conversation text[], receiver text[], body text[], writable text[],
		      max_length int)
	WHERE w.relation = herald_internal.message_table(receiver_id IS NOT NULL) AND w.kind = 'messages';
	IF receiver_id IS NULL THEN
		PERFORM herald_internal.check_member(user_id, conversation_id);
	ELSE
		PERFORM herald_internal.check_receiver(message.relation, message.receiver, user_id, receiver_id);
	END IF;
	fields := herald_internal.message_row(herald_internal.key_values(message.sender, user_id) || message.user_type,
		coalesce(herald_internal.key_values(message.conversation, conversation_id),
		         herald_internal.key_values(message.receiver, receiver_id)),
		herald_internal.message_content(message.body[1], message.writable, message.max_length,
		                                payload - '{conversationId,receiverId}'::text[]));
	id := herald_internal.act_as('herald_internal.insert_row(text, jsonb)', message.owner, user_id,
	                              jsonb_build_object('row', fields,
		'sql', herald_internal.insert_sql(message.relation, message.key, ARRAY(SELECT jsonb_object_keys(fields)))));
	RETURN herald_internal.sent_message_json(id #>> '{}');
END
$$;
