/*-------------------------------------------------------------------------
 *
 * notification.c
 *	  Turns candidates into inbox entries and their events.
 *
 * Candidates come from the rules of a statement, and from herald.notify().  All
 * candidates of a statement take these steps together:
 *
 * 1. Blocks, preferences, mutes and quiet hours remove candidates, unless their
 *	  type is required.  A table of blocks that cannot be asked removes all that have
 *	  an actor.  A candidate with the actor as recipient is always removed.
 *
 * 2. Of several candidates for one recipient and cause, the one whose type has the
 *	  highest priority stays.
 *
 * 3. The inbox holds each recipient and cause of an owner once.  A candidate with the cause of a
 *	  retracted notification restores it as it was, read or archived.  It is not
 *	  announced as new.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "query.h"
#include "write/event_log.h"
#include "write/notification.h"
#include "write/user_block.h"

/* Selects the candidates of a FROM item "c" that the preferences of their recipients let through. */
#define WANTED(candidates) \
	"SELECT c.*, t.title AS title_template, t.content AS content_template, t.priority," \
	" w.live OR coalesce(t.required, false) AS live FROM " candidates \
	" LEFT JOIN herald.notification_type AS t ON t.name = c.type" \
	" CROSS JOIN LATERAL herald_internal.wanted_channels(c.recipient_id, c.type, c.actor_id," \
	" c.subject_type || ':' || c.subject_id, c.thread, t.channels) AS w" \
	" WHERE c.recipient_id IS NOT NULL AND c.type IS NOT NULL AND c.recipient_id IS DISTINCT FROM c.actor_id" \
	" AND (w.inbox OR t.required)"

/* Inserts the rows of a SELECT into the inbox, for the owner $1, and returns the user events for the recipients. */
#define WRITE(wanted) \
	"WITH entry AS MATERIALIZED (" \
	" SELECT w.live, nextval('herald.notification_id_seq') AS id, w.recipient_id, w.actor_id, w.actor_name, w.type," \
	" w.subject_type, w.subject_id," \
	" coalesce(w.title, herald_internal.render_template(w.title_template, w.actor_name, w.subject_type, w.content)," \
	" w.type) AS title," \
	" coalesce(w.content, herald_internal.render_template(w.content_template, w.actor_name, w.subject_type, NULL))" \
	" AS content," \
	" coalesce(w.data, '{}') AS data, herald_internal.kept_cause(w.cause) AS cause FROM (" wanted ") AS w)," \
	" kept AS (" \
	" INSERT INTO herald.notification AS n (id, recipient_id, actor_id, actor_name, type, subject_type, subject_id," \
	" title, content, data, cause, owner)" \
	" SELECT id, recipient_id, actor_id, actor_name, type, subject_type, subject_id, title, content, data, cause, $1" \
	" FROM entry" \
	" ON CONFLICT (cause, recipient_id, owner) DO UPDATE SET retracted_at = NULL WHERE n.retracted_at IS NOT NULL" \
	" RETURNING n)" \
	" SELECT (k.n).recipient_id, CASE WHEN e.live THEN 'notification:new'" \
	" WHEN e.id IS NULL AND (k.n).archived_at IS NULL THEN 'notification:restored' END," \
	" herald.notification_json(k.n, CASE WHEN e.id IS NULL THEN" \
	" (SELECT m FROM herald.read_mark AS m WHERE m.user_id = (k.n).recipient_id) END)," \
	" e.id FROM kept AS k LEFT JOIN entry AS e ON e.id = (k.n).id ORDER BY (k.n).id"

/* Keeps the candidate of the highest priority for each recipient and cause, and all candidates without a cause. */
#define BEST(wanted) \
	"SELECT * FROM (" \
	" SELECT DISTINCT ON (cause, CASE WHEN cause IS NULL THEN ord END, recipient_id) * FROM (" wanted ") AS a" \
	" ORDER BY cause, CASE WHEN cause IS NULL THEN ord END, recipient_id, priority DESC NULLS LAST, ord) AS b" \
	" ORDER BY ord"

#define OWNER_ARG .nargs = 1, .argtypes = { TEXTOID }, .cursor_options = CURSOR_OPT_GENERIC_PLAN

/* Most statements make one candidate.  It needs no sort: no other competes with it. */
static SavedQuery write_one = {
	.name = "the insert into the inbox",
	.text = WRITE(WANTED("herald_unblocked AS c")),
	OWNER_ARG,
};

static SavedQuery write_many = {
	.name = "the insert into the inbox",
	.text = WRITE(BEST(WANTED("(SELECT *, row_number() OVER () AS ord FROM herald_unblocked) AS c"))),
	OWNER_ARG,
};

/* Returns the candidates without those that a block removes, in their order. */
static SavedQuery remove_blocked = {
	.name = "the query for blocks",
	.text = "SELECT (c.candidate).* FROM"
			" (SELECT k AS candidate, k.type, k.recipient_id, k.actor_id, row_number() OVER () AS ord"
			" FROM herald_candidate AS k) AS c"
			" LEFT JOIN herald.notification_type AS t ON t.name = c.type"
			" WHERE t.required OR NOT EXISTS (SELECT FROM herald_blocked AS b"
			" WHERE b.recipient_id = c.recipient_id AND b.actor_id = c.actor_id) ORDER BY c.ord",
};

TupleDesc
notification_shape(void)
{
	static TupleDesc shape = NULL;

	return query_type_shape(&shape, "candidate");
}

/* Returns a new tuplestore with one candidate, given some of its columns by name; the others are null. */
static Tuplestorestate *
single_candidate(const char *const *columns, const Datum *given, const bool *missing, int count)
{
	Tuplestorestate *candidates = tuplestore_begin_heap(false, false, work_mem);
	TupleDesc shape = notification_shape();
	Datum *values = palloc0(shape->natts * sizeof(Datum));
	bool *nulls = palloc(shape->natts * sizeof(bool));

	memset(nulls, true, shape->natts * sizeof(bool));
	for (int i = 0; i < count; i++)
	{
		int column = SPI_fnumber(shape, columns[i]) - 1;

		Assert(column >= 0);
		values[column] = given[i];
		nulls[column] = missing[i];
	}
	tuplestore_putvalues(candidates, shape, values, nulls);
	return candidates;
}

/* Returns the pairs of recipient and actor of the candidates. */
static Tuplestorestate *
pairs_of(Tuplestorestate *candidates)
{
	TupleDesc shape = notification_shape();
	TupleTableSlot *slot = MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple);
	int columns[] = { SPI_fnumber(shape, "recipient_id"), SPI_fnumber(shape, "actor_id") };
	Tuplestorestate *pairs = tuplestore_begin_heap(false, false, work_mem);

	tuplestore_rescan(candidates);
	while (tuplestore_gettupleslot(candidates, true, false, slot))
	{
		Datum values[lengthof(columns)];
		bool nulls[lengthof(columns)];

		for (int i = 0; i < lengthof(columns); i++)
			values[i] = slot_getattr(slot, columns[i], &nulls[i]);
		tuplestore_putvalues(pairs, user_block_shape(), values, nulls);
	}
	tuplestore_rescan(candidates);
	ExecDropSingleTupleTableSlot(slot);
	return pairs;
}

/* Offers the candidates that no block removes as herald_unblocked, and returns them. */
static Tuplestorestate *
offer_unblocked(QueryScope *scope, Oid owner, Tuplestorestate *candidates)
{
	int64 rows = tuplestore_tuple_count(candidates);
	Tuplestorestate *pairs = pairs_of(candidates);
	Tuplestorestate *blocked = user_block_find(scope, owner, pairs, true);
	Tuplestorestate *unblocked = candidates;

	if (tuplestore_tuple_count(blocked) > 0)
	{
		query_offer("herald_candidate", candidates, notification_shape(), InvalidOid);
		unblocked = tuplestore_begin_heap(false, false, work_mem);
		query_offer("herald_blocked", blocked, user_block_shape(), InvalidOid);
		query_run_into(&remove_blocked, rows, NULL, unblocked, notification_shape());
	}
	tuplestore_end(blocked);
	tuplestore_end(pairs);
	query_offer("herald_unblocked", unblocked, notification_shape(), InvalidOid);
	return unblocked;
}

int64
notification_write(QueryScope *scope, Oid owner, Tuplestorestate *candidates, Tuplestorestate *published)
{
	Tuplestorestate *unblocked;
	Tuplestorestate *user_events;
	Datum name;
	int64 rows;
	int64 sum;

	Assert(scope != NULL && OidIsValid(owner) && candidates != NULL && published != NULL);
	if (tuplestore_tuple_count(candidates) == 0)
		return 0;
	unblocked = offer_unblocked(scope, owner, candidates);
	rows = tuplestore_tuple_count(unblocked);
	user_events = tuplestore_begin_heap(false, false, work_mem);
	name = CStringGetTextDatum(GetUserNameFromId(owner, false));
	query_run_into(rows == 1 ? &write_one : &write_many, rows, &name, user_events, event_log_user_event_shape());
	sum = event_log_publish_to_users(user_events, published);
	tuplestore_end(user_events);
	return sum;
}

PG_FUNCTION_INFO_V1(herald_notify);

/*
 * herald.notify(recipient, type, title, content, data, actor, subject_type,
 * subject_id, thread, cause) returns the id of the notification, or NULL if there
 * is no new one.  It belongs to the caller; herald_internal.notify_as() names another
 * owner as its last argument.
 */
Datum
herald_notify(PG_FUNCTION_ARGS)
{
	/* The column of each argument. */
	static const char *const columns[] = {
		"recipient_id",
		"type",
		"title",
		"content",
		"data",
		"actor_id",
		"subject_type",
		"subject_id",
		"thread",
		"cause",
	};
	Datum values[lengthof(columns)];
	bool nulls[lengthof(columns)];
	Oid owner = PG_NARGS() > lengthof(columns) ? PG_GETARG_OID(lengthof(columns)) : GetUserId();
	QueryScope scope;
	Tuplestorestate *candidates;
	Tuplestorestate *published;
	int64 id;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("herald.notify() needs a recipient and a type")));
	for (int i = 0; i < lengthof(columns); i++)
	{
		nulls[i] = PG_ARGISNULL(i);
		values[i] = PG_GETARG_DATUM(i);
	}
	/* herald.mark_all_read() relies on this order: first the transaction id, then the id of the notification. */
	(void) GetTopFullTransactionId();
	query_begin(&scope);
	candidates = single_candidate(columns, values, nulls, lengthof(columns));
	published = tuplestore_begin_heap(false, false, work_mem);
	id = notification_write(&scope, owner, candidates, published);
	event_log_append_all(published);
	tuplestore_end(published);
	tuplestore_end(candidates);
	query_end(&scope);
	if (id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(id);
}

PG_FUNCTION_INFO_V1(herald_is_blocked);

/* herald.is_blocked(user_id, other_id) returns whether a block keeps the other's actions from the user's inbox. */
Datum
herald_is_blocked(PG_FUNCTION_ARGS)
{
	Datum values[] = { PG_GETARG_DATUM(0), PG_GETARG_DATUM(1) };
	bool nulls[] = { false, false };
	QueryScope scope;
	Tuplestorestate *pairs;
	Tuplestorestate *blocked;
	bool result;

	query_begin(&scope);
	pairs = tuplestore_begin_heap(false, false, work_mem);
	tuplestore_putvalues(pairs, user_block_shape(), values, nulls);
	blocked = user_block_find(&scope, InvalidOid, pairs, false);
	result = tuplestore_tuple_count(blocked) > 0;
	tuplestore_end(blocked);
	tuplestore_end(pairs);
	query_end(&scope);
	PG_RETURN_BOOL(result);
}
