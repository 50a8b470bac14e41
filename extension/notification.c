/*-------------------------------------------------------------------------
 *
 * notification.c
 *	  Turns candidates into inbox entries and their events.
 *
 * Whatever rule a candidate comes from, and from herald.notify() too, it goes
 * through the one statement below, for all recipients of a statement at once:
 *
 * 1. Nobody is told of what they did themselves.  Of several candidates for one
 *	  recipient and cause, the type of the highest priority is left.
 *
 * 2. Preferences, mutes, quiet hours and blocks keep away what they keep away,
 *	  unless the type is required.
 *
 * 3. The inbox takes a recipient and cause once.  One that was retracted comes
 *	  back as it was, and is shown again but not announced as new.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "block.h"
#include "doorbell.h"
#include "notification.h"
#include "query.h"

static SavedQuery write_candidates = {
	.name = "the insert into the inbox",
	.text =
		"WITH candidate AS ("
		" SELECT DISTINCT ON (c.cause, c.alone, c.recipient_id) c.*, t.title AS title_template, t.content AS content_template,"
		" t.channels, t.required FROM"
		" (SELECT *, CASE WHEN cause IS NULL THEN ord END AS alone"
		" FROM (SELECT *, row_number() OVER () AS ord FROM herald_candidate) AS o) AS c"
		" LEFT JOIN herald.notification_type AS t ON t.name = c.type"
		" WHERE c.recipient_id IS NOT NULL AND c.type IS NOT NULL AND c.recipient_id IS DISTINCT FROM c.actor_id"
		" ORDER BY c.cause, c.alone, c.recipient_id, t.priority DESC NULLS LAST, c.ord),"
		" wanted AS ("
		" SELECT c.*, w.live OR c.required AS live FROM candidate AS c"
		" CROSS JOIN LATERAL herald.wanted_channels(c.recipient_id, c.type, c.actor_id, c.subject_type || ':' || c.subject_id,"
		" c.thread, c.channels) AS w"
		" WHERE c.required OR (w.inbox AND NOT EXISTS (SELECT FROM herald_blocked AS b"
		" WHERE b.recipient_id = c.recipient_id AND b.actor_id = c.actor_id))"
		" ORDER BY c.ord),"
		" entry AS MATERIALIZED ("
		" SELECT w.live, nextval('herald.notification_id_seq') AS id, w.recipient_id, w.actor_id, w.actor_name, w.type,"
		" w.subject_type, w.subject_id,"
		" coalesce(w.title, herald.render(w.title_template, w.actor_name, w.subject_type, w.content), w.type) AS title,"
		" coalesce(w.content, herald.render(w.content_template, w.actor_name, w.subject_type, NULL)) AS content,"
		" coalesce(w.data, '{}') AS data, w.cause"
		" FROM wanted AS w),"
		" kept AS ("
		" INSERT INTO herald.notification AS n (id, recipient_id, actor_id, actor_name, type, subject_type, subject_id,"
		" title, content, data, cause)"
		" SELECT id, recipient_id, actor_id, actor_name, type, subject_type, subject_id, title, content, data, cause FROM entry"
		" ON CONFLICT (cause, recipient_id) DO UPDATE SET retracted_at = NULL WHERE n.retracted_at IS NOT NULL"
		" RETURNING n.id, n.recipient_id, herald.notification_json(n) AS payload),"
		" news AS MATERIALIZED ("
		" SELECT k.*, e.id IS NOT NULL AS fresh, coalesce(e.live, true) AS live FROM kept AS k LEFT JOIN entry AS e ON e.id = k.id),"
		" told AS ("
		" INSERT INTO herald.event (rooms, name, payload)"
		" SELECT ARRAY['user:' || recipient_id], CASE WHEN fresh THEN 'notification:new' ELSE 'notification:restored' END, payload"
		" FROM news WHERE live)"
		" SELECT max(id) FILTER (WHERE fresh), count(*) FILTER (WHERE live) FROM news",
};

TupleDesc
notification_shape(void)
{
	static const QueryColumn columns[] = {
		{ "cause", TEXTOID },
		{ "recipient_id", TEXTOID },
		{ "actor_id", TEXTOID },
		{ "actor_name", TEXTOID },
		{ "type", TEXTOID },
		{ "subject_type", TEXTOID },
		{ "subject_id", TEXTOID },
		{ "thread", TEXTOID },
		{ "title", TEXTOID },
		{ "content", TEXTOID },
		{ "data", JSONBOID },
	};
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, lengthof(columns));
}

int64
notification_write(QueryScope *scope, Tuplestorestate *candidates)
{
	int64 rows = tuplestore_tuple_count(candidates);
	Tuplestorestate *blocked;
	bool none_kept;
	bool isnull;
	Datum newest;

	if (rows == 0)
		return 0;
	query_offer("herald_candidate", candidates, notification_shape(), InvalidOid);
	blocked = block_find(scope, rows);
	query_offer("herald_blocked", blocked, block_shape(), InvalidOid);
	query_run(&write_candidates, rows, NULL, NULL);
	newest = query_value(0, 1, &none_kept);
	if (DatumGetInt64(query_value(0, 2, &isnull)) > 0)
		doorbell_ring();
	tuplestore_end(blocked);
	return none_kept ? 0 : DatumGetInt64(newest);
}

PG_FUNCTION_INFO_V1(herald_notify);

/*
 * herald.notify(recipient, type, title, content, data, actor, subject_type,
 * subject_id, thread, cause): the id, or NULL if there is no new notification.
 */
Datum
herald_notify(PG_FUNCTION_ARGS)
{
	/* Where each column of a candidate stands among the arguments; -1: nowhere. */
	static const int argument[] = { 9, 0, 5, -1, 1, 6, 7, 8, 2, 3, 4 };
	Datum values[lengthof(argument)] = { 0 };
	bool nulls[lengthof(argument)];
	QueryScope scope;
	Tuplestorestate *candidates;
	int64 id;

	for (int i = 0; i < lengthof(argument); i++)
	{
		nulls[i] = argument[i] < 0 || PG_ARGISNULL(argument[i]);
		if (!nulls[i])
			values[i] = PG_GETARG_DATUM(argument[i]);
	}
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("herald.notify() needs a recipient and a type")));
	/* Before the notification gets its id: a mark of all that is read relies on that order. */
	(void) GetTopFullTransactionId();
	query_begin(&scope, query_extension_owner(), false);
	candidates = tuplestore_begin_heap(false, false, work_mem);
	tuplestore_putvalues(candidates, notification_shape(), values, nulls);
	id = notification_write(&scope, candidates);
	tuplestore_end(candidates);
	query_end(&scope);
	if (id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(id);
}

PG_FUNCTION_INFO_V1(herald_is_blocked);

/* herald.is_blocked(user_id, other_id): would the one be told of what the other does? */
Datum
herald_is_blocked(PG_FUNCTION_ARGS)
{
	Datum values[] = { 0, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), 0, 0, 0, 0, 0, 0, 0, 0 };
	bool nulls[] = { true, false, false, true, true, true, true, true, true, true, true };
	QueryScope scope;
	Tuplestorestate *candidate;
	Tuplestorestate *blocked;
	bool result;

	query_begin(&scope, query_extension_owner(), false);
	candidate = tuplestore_begin_heap(false, false, work_mem);
	tuplestore_putvalues(candidate, notification_shape(), values, nulls);
	query_offer("herald_candidate", candidate, notification_shape(), InvalidOid);
	blocked = block_find(&scope, 1);
	result = tuplestore_tuple_count(blocked) > 0;
	tuplestore_end(blocked);
	tuplestore_end(candidate);
	query_end(&scope);
	PG_RETURN_BOOL(result);
}
