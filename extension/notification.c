/*-------------------------------------------------------------------------
 *
 * notification.c
 *	  Turns candidates into inbox entries and their events.
 *
 * Whatever rule a candidate comes from, and from herald.notify() too, it goes
 * through the one statement below: nobody is told of what they did themselves,
 * nobody is told twice of one cause, and preferences are applied to all
 * recipients of a statement at once.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "doorbell.h"
#include "notification.h"
#include "query.h"

/* An entry is made once, as a row of herald.notification in the order of its columns, and goes into inbox and log. */
static SavedQuery write_candidates = {
	.name = "the insert into the inbox",
	.text =
		"WITH candidate AS ("
		" SELECT DISTINCT ON (c.cause, c.recipient_id) c.*, t.title AS title_template, t.content AS content_template"
		" FROM herald_candidate AS c LEFT JOIN herald.notification_type AS t ON t.name = c.type"
		" WHERE c.recipient_id IS NOT NULL AND c.type IS NOT NULL AND c.recipient_id IS DISTINCT FROM c.actor_id"
		" ORDER BY c.cause, c.recipient_id, t.priority DESC NULLS LAST),"
		" wanted AS ("
		" SELECT c.*, 'live' = ANY (w.channels) AS live FROM candidate AS c"
		" LEFT JOIN herald.preference AS p ON p.user_id = c.recipient_id AND p.type = c.type"
		" LEFT JOIN herald.preference AS d ON d.user_id = c.recipient_id AND d.type = '*'"
		" CROSS JOIN LATERAL (SELECT coalesce(p.channels, d.channels, '{inbox,live}')) AS w (channels)"
		" WHERE 'inbox' = ANY (w.channels) ORDER BY c.cause, c.recipient_id),"
		" entry AS MATERIALIZED ("
		" SELECT w.live, nextval('herald.notification_id_seq') AS id, w.recipient_id, w.actor_id, w.actor_name, w.type,"
		" w.subject_type, w.subject_id,"
		" coalesce(w.title, herald.render(w.title_template, w.actor_name, w.subject_type, w.content), w.type) AS title,"
		" coalesce(w.content, herald.render(w.content_template, w.actor_name, w.subject_type, NULL)) AS content,"
		" coalesce(w.data, '{}') AS data, now() AS created_at"
		" FROM wanted AS w),"
		" kept AS ("
		" INSERT INTO herald.notification (id, recipient_id, actor_id, actor_name, type, subject_type, subject_id,"
		" title, content, data, created_at)"
		" SELECT id, recipient_id, actor_id, actor_name, type, subject_type, subject_id, title, content, data, created_at"
		" FROM entry),"
		" told AS ("
		" INSERT INTO herald.event (rooms, name, payload)"
		" SELECT ARRAY['user:' || e.recipient_id], 'notification:new', herald.notification_json(ROW(e.id, e.recipient_id,"
		" e.actor_id, e.actor_name, e.type, e.subject_type, e.subject_id, e.title, e.content, e.data, e.created_at, NULL))"
		" FROM entry AS e WHERE e.live)"
		" SELECT max(id), count(*) FILTER (WHERE live) FROM entry",
};

TupleDesc
notification_shape(void)
{
	static TupleDesc shape = NULL;

	if (shape == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

		shape = CreateTemplateTupleDesc(10);
		TupleDescInitEntry(shape, 1, "cause", INT8OID, -1, 0);
		TupleDescInitEntry(shape, 2, "recipient_id", TEXTOID, -1, 0);
		TupleDescInitEntry(shape, 3, "actor_id", TEXTOID, -1, 0);
		TupleDescInitEntry(shape, 4, "actor_name", TEXTOID, -1, 0);
		TupleDescInitEntry(shape, 5, "type", TEXTOID, -1, 0);
		TupleDescInitEntry(shape, 6, "subject_type", TEXTOID, -1, 0);
		TupleDescInitEntry(shape, 7, "subject_id", TEXTOID, -1, 0);
		TupleDescInitEntry(shape, 8, "title", TEXTOID, -1, 0);
		TupleDescInitEntry(shape, 9, "content", TEXTOID, -1, 0);
		TupleDescInitEntry(shape, 10, "data", JSONBOID, -1, 0);
		MemoryContextSwitchTo(caller);
	}
	return shape;
}

int64
notification_write(Tuplestorestate *candidates)
{
	int64 rows = tuplestore_tuple_count(candidates);
	bool none_kept;
	bool isnull;
	Datum newest;

	if (rows == 0)
		return 0;
	query_offer("herald_candidate", candidates, notification_shape(), InvalidOid);
	query_run(&write_candidates, rows, NULL, NULL);
	newest = query_value(0, 1, &none_kept);
	if (DatumGetInt64(query_value(0, 2, &isnull)) > 0)
		doorbell_ring();
	return none_kept ? 0 : DatumGetInt64(newest);
}

PG_FUNCTION_INFO_V1(herald_notify);

/* herald.notify(recipient, type, title, content, data, actor): the id, or NULL if preferences say no. */
Datum
herald_notify(PG_FUNCTION_ARGS)
{
	/* Where each column of a candidate stands among the arguments; -1: nowhere. */
	static const int argument[] = { -1, 0, 5, -1, 1, -1, -1, 2, 3, 4 };
	Datum values[10] = { 0 };
	bool nulls[10];
	QueryScope scope;
	Tuplestorestate *candidates;
	int64 id;

	for (int i = 0; i < 10; i++)
	{
		nulls[i] = argument[i] < 0 || PG_ARGISNULL(argument[i]);
		if (!nulls[i])
			values[i] = PG_GETARG_DATUM(argument[i]);
	}
	if (nulls[1] || nulls[4])
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("herald.notify() needs a recipient and a type")));
	nulls[0] = false; /* one cause: itself */
	query_begin(&scope, query_extension_owner(), false);
	candidates = tuplestore_begin_heap(false, false, work_mem);
	tuplestore_putvalues(candidates, notification_shape(), values, nulls);
	id = notification_write(candidates);
	tuplestore_end(candidates);
	query_end(&scope);
	if (id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(id);
}
