/*-------------------------------------------------------------------------
 *
 * notification.c
 *	  Turns candidates into inbox entries and their events.
 *
 * Whatever rule a candidate comes from, and from herald.notify() too, it goes
 * the same way, for all recipients of a statement at once:
 *
 * 1. Nobody is told of what they did themselves.  Blocks, preferences, mutes and
 *	  quiet hours keep away what they keep away, unless the type is required.
 *
 * 2. Of several candidates for one recipient and cause, the type of the highest
 *	  priority is left.
 *
 * 3. The inbox takes a recipient and cause once.  One that was retracted comes
 *	  back as it was, read or archived, and is shown again but not announced as
 *	  new.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "write/user_block.h"
#include "write/event_log.h"
#include "write/notification.h"
#include "query.h"

/* The candidates, from a FROM item, that their recipients want. */
#define WANTED(candidates) \
	"SELECT c.*, t.title AS title_template, t.content AS content_template, t.priority," \
	" w.live OR coalesce(t.required, false) AS live FROM " candidates \
	" LEFT JOIN herald.notification_type AS t ON t.name = c.type" \
	" CROSS JOIN LATERAL herald_internal.wanted_channels(c.recipient_id, c.type, c.actor_id," \
	" c.subject_type || ':' || c.subject_id, c.thread, t.channels) AS w" \
	" WHERE c.recipient_id IS NOT NULL AND c.type IS NOT NULL AND c.recipient_id IS DISTINCT FROM c.actor_id" \
	" AND (w.inbox OR t.required)"

/* Writes what a SELECT says, and returns the news of it. */
#define WRITE(wanted) \
	"WITH entry AS MATERIALIZED (" \
	" SELECT w.live, nextval('herald.notification_id_seq') AS id, w.recipient_id, w.actor_id, w.actor_name, w.type," \
	" w.subject_type, w.subject_id," \
	" coalesce(w.title, herald_internal.render_template(w.title_template, w.actor_name, w.subject_type, w.content)," \
	" w.type) AS title," \
	" coalesce(w.content, herald_internal.render_template(w.content_template, w.actor_name, w.subject_type, NULL))" \
	" AS content," \
	" coalesce(w.data, '{}') AS data, w.cause FROM (" wanted ") AS w)," \
	" kept AS (" \
	" INSERT INTO herald.notification AS n (id, recipient_id, actor_id, actor_name, type, subject_type, subject_id," \
	" title, content, data, cause)" \
	" SELECT id, recipient_id, actor_id, actor_name, type, subject_type, subject_id, title, content, data, cause FROM entry" \
	" ON CONFLICT (cause, recipient_id) DO UPDATE SET retracted_at = NULL WHERE n.retracted_at IS NOT NULL" \
	" RETURNING n)" \
	" SELECT (k.n).recipient_id, CASE WHEN e.live THEN 'notification:new'" \
	" WHEN e.id IS NULL AND (k.n).archived_at IS NULL THEN 'notification:restored' END," \
	" herald.notification_json(k.n, CASE WHEN e.id IS NULL THEN" \
	" (SELECT m FROM herald.read_mark AS m WHERE m.user_id = (k.n).recipient_id) END)," \
	" e.id FROM kept AS k LEFT JOIN entry AS e ON e.id = (k.n).id ORDER BY (k.n).id"

/* Of several for one recipient and cause the one of the highest priority; without a cause each is one of its own. */
#define BEST(wanted) \
	"SELECT * FROM (" \
	" SELECT DISTINCT ON (cause, CASE WHEN cause IS NULL THEN ord END, recipient_id) * FROM (" wanted ") AS a" \
	" ORDER BY cause, CASE WHEN cause IS NULL THEN ord END, recipient_id, priority DESC NULLS LAST, ord) AS b" \
	" ORDER BY ord"

/* One candidate has no rival: most writes make one, and need not be sorted. */
static SavedQuery write_one = {
	.name = "the insert into the inbox",
	.text = WRITE(WANTED("herald_unblocked AS c")),
};

static SavedQuery write_many = {
	.name = "the insert into the inbox",
	.text = WRITE(BEST(WANTED("(SELECT *, row_number() OVER () AS ord FROM herald_unblocked) AS c"))),
};

/* What blocks leave of the candidates. */
static SavedQuery leave_blocked = {
	.name = "the query for blocks",
	.text = "SELECT c.cause, c.recipient_id, c.actor_id, c.actor_name, c.type, c.subject_type, c.subject_id, c.thread,"
			" c.title, c.content, c.data FROM (SELECT *, row_number() OVER () AS ord FROM herald_candidate) AS c"
			" LEFT JOIN herald.notification_type AS t ON t.name = c.type"
			" WHERE t.required OR NOT EXISTS (SELECT FROM herald_blocked AS b"
			" WHERE b.recipient_id = c.recipient_id AND b.actor_id = c.actor_id) ORDER BY c.ord",
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

/* The candidates that no block keeps away, under the name that the writing statements know. */
static Tuplestorestate *
offer_unblocked(QueryScope *scope, Tuplestorestate *candidates)
{
	int64 rows = tuplestore_tuple_count(candidates);
	Tuplestorestate *blocked;
	Tuplestorestate *unblocked = candidates;

	query_offer("herald_candidate", candidates, notification_shape(), InvalidOid);
	blocked = user_block_find(scope, rows);
	if (tuplestore_tuple_count(blocked) > 0)
	{
		unblocked = tuplestore_begin_heap(false, false, work_mem);
		query_offer("herald_blocked", blocked, user_block_shape(), InvalidOid);
		query_run_into(&leave_blocked, rows, unblocked, notification_shape());
	}
	query_offer("herald_unblocked", unblocked, notification_shape(), InvalidOid);
	return unblocked;
}

int64
notification_write(QueryScope *scope, Tuplestorestate *candidates, Tuplestorestate *published)
{
	Tuplestorestate *unblocked;
	Tuplestorestate *news;
	int64 rows;
	int64 sum;

	if (tuplestore_tuple_count(candidates) == 0)
		return 0;
	unblocked = offer_unblocked(scope, candidates);
	rows = tuplestore_tuple_count(unblocked);
	news = tuplestore_begin_heap(false, false, work_mem);
	query_run_into(rows == 1 ? &write_one : &write_many, rows, news, event_log_news_shape());
	sum = event_log_publish_news(news, published);
	tuplestore_end(news);
	return sum;
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
	Tuplestorestate *published;
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
	published = tuplestore_begin_heap(false, false, work_mem);
	id = notification_write(&scope, candidates, published);
	event_log_append_all(published);
	tuplestore_end(published);
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
	blocked = user_block_find(&scope, 1);
	result = tuplestore_tuple_count(blocked) > 0;
	tuplestore_end(blocked);
	tuplestore_end(candidate);
	query_end(&scope);
	PG_RETURN_BOOL(result);
}
