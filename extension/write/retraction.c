/*-------------------------------------------------------------------------
 *
 * retraction.c
 *	  Retracts notifications whose cause is gone.
 *
 * A notification follows from a row of the application.  When the row goes, so does
 * the notification; some types keep notifications that were read.  A retracted
 * notification is not deleted: if the row comes back, its recipient is not notified
 * a second time.
 *
 * A cause belongs to the role that notified by it, the owner of the rule's table.  Other owners may use the same text:
 * a role retracts only its own notifications, and those of roles that it may act as.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "query.h"
#include "write/event_log.h"
#include "write/retraction.h"

/* The condition that the role $1, with the name $2, may retract a notification. */
#define MAY_RETRACT "(n.owner = $2 OR herald_internal.may_act_as($1, n.owner))"
#define ROLE_ARGS .nargs = 2, .argtypes = { OIDOID, TEXTOID }, .cursor_options = CURSOR_OPT_GENERIC_PLAN

/*
 * Locks rows in the order of their ids, so that two transactions that retract or
 * mark many notifications cannot deadlock.  An event names at most 1,000
 * notifications.
 */
static SavedQuery retract_causes = {
	.name = "the retraction of notifications",
	.text =
		"WITH locked AS MATERIALIZED ("
		" SELECT n.recipient_id, n.id FROM herald_gone AS g"
		" JOIN herald.notification AS n ON n.cause = herald_internal.kept_cause(g.cause)"
		" LEFT JOIN herald.notification_type AS t ON t.name = n.type"
		" LEFT JOIN herald.read_mark AS m ON m.user_id = n.recipient_id"
		" WHERE n.retracted_at IS NULL AND " MAY_RETRACT " AND"
		" CASE t.retract WHEN 'always' THEN true WHEN 'never' THEN false ELSE herald.is_unread(n, m) END"
		" ORDER BY n.id FOR UPDATE OF n),"
		" retracted AS ("
		" UPDATE herald.notification AS n SET retracted_at = now() FROM locked AS l"
		" WHERE n.recipient_id = l.recipient_id AND n.id = l.id RETURNING n.recipient_id, n.id)"
		" SELECT r.recipient_id, 'notification:removed',"
		" json_build_object('id', min(r.id)::text, 'ids', json_agg(r.id::text ORDER BY r.id)), count(*)"
		" FROM (SELECT *, (row_number() OVER (PARTITION BY recipient_id ORDER BY id) - 1) / 1000 AS part FROM retracted) AS r"
		" GROUP BY r.recipient_id, r.part ORDER BY min(r.id)",
	ROLE_ARGS,
};

static SavedQuery lock_causes = {
	.name = "the lock of notifications",
	.text = "SELECT count(*) FROM (SELECT FROM herald_to_lock AS h"
			" JOIN herald.notification AS n ON n.cause = herald_internal.kept_cause(h.cause)"
			" WHERE n.retracted_at IS NULL AND " MAY_RETRACT " ORDER BY n.id FOR UPDATE OF n) AS locked",
	ROLE_ARGS,
};

/* Replaces causes that end in ":*" by the causes of notifications.  Only then does the next query know their number. */
static SavedQuery expand_causes = {
	.name = "the query for causes",
	.text =
		"SELECT cause FROM herald_retracted WHERE cause NOT LIKE '%:*'"
		" UNION SELECT p.cause FROM (SELECT herald_internal.kept_cause(cause) AS cause FROM herald_retracted) AS r"
		" CROSS JOIN LATERAL ("
		" SELECT n.cause::text COLLATE \"default\" AS cause FROM herald.notification AS n"
		" WHERE n.cause >= left(r.cause, -1) COLLATE \"C\" AND n.cause < (left(r.cause, -2) || ';') COLLATE \"C\""
		" AND " MAY_RETRACT " OFFSET 0) AS p"
		" WHERE r.cause LIKE '%:*'",
	ROLE_ARGS,
};

TupleDesc
retraction_shape(void)
{
	static const QueryColumn columns[] = { { "cause", TEXTOID } };
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, lengthof(columns));
}

/* Does a cause end in ":*"? */
static bool
has_cause_prefixes(Tuplestorestate *causes)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(retraction_shape(), &TTSOpsMinimalTuple);
	bool found = false;

	tuplestore_rescan(causes);
	while (!found && tuplestore_gettupleslot(causes, true, false, slot))
	{
		bool isnull;
		Datum value = slot_getattr(slot, 1, &isnull);
		char *cause = isnull ? "" : TextDatumGetCString(value);
		size_t length = strlen(cause);

		found = length >= 2 && strcmp(cause + length - 2, ":*") == 0;
		if (!isnull)
			pfree(cause);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_rescan(causes);
	return found;
}

/* Fills in the arguments of a query with MAY_RETRACT. */
static void
set_role(Datum *values, Oid role)
{
	values[0] = ObjectIdGetDatum(role);
	values[1] = CStringGetTextDatum(GetUserNameFromId(role, false));
}

void
retraction_lock(Oid role, Tuplestorestate *causes)
{
	Datum values[2];

	Assert(GetUserId() == query_extension_owner());
	query_offer("herald_to_lock", causes, retraction_shape(), InvalidOid);
	set_role(values, role);
	query_run(&lock_causes, tuplestore_tuple_count(causes), values, NULL);
}

static int64
retract_exact(const Datum *role, Tuplestorestate *causes, Tuplestorestate *published)
{
	Tuplestorestate *user_events = tuplestore_begin_heap(false, false, work_mem);
	int64 retracted;

	query_offer("herald_gone", causes, retraction_shape(), InvalidOid);
	query_run_into(&retract_causes, tuplestore_tuple_count(causes), role, user_events, event_log_user_event_shape());
	retracted = event_log_publish_to_users(user_events, published);
	tuplestore_end(user_events);
	return retracted;
}

int64
retraction_write(Oid role, Tuplestorestate *causes, Tuplestorestate *published)
{
	Datum values[2];
	int64 rows = tuplestore_tuple_count(causes);
	Tuplestorestate *all;
	int64 retracted;

	Assert(GetUserId() == query_extension_owner());
	if (rows == 0)
		return 0;
	set_role(values, role);
	if (!has_cause_prefixes(causes))
		return retract_exact(values, causes, published);
	all = tuplestore_begin_heap(false, false, work_mem);
	query_offer("herald_retracted", causes, retraction_shape(), InvalidOid);
	query_run_into(&expand_causes, rows, values, all, retraction_shape());
	retracted = retract_exact(values, all, published);
	tuplestore_end(all);
	return retracted;
}

PG_FUNCTION_INFO_V1(herald_retract);

/* herald.retract(cause) retracts the caller's notifications of a cause and returns their number. */
Datum
herald_retract(PG_FUNCTION_ARGS)
{
	Datum value = PG_GETARG_DATUM(0);
	bool isnull = false;
	Oid role = GetUserId();
	QueryScope scope;
	Tuplestorestate *causes;
	Tuplestorestate *published;
	int64 retracted;

	query_begin(&scope);
	causes = tuplestore_begin_heap(false, false, work_mem);
	tuplestore_putvalues(causes, retraction_shape(), &value, &isnull);
	published = tuplestore_begin_heap(false, false, work_mem);
	retracted = retraction_write(role, causes, published);
	event_log_append_all(published, NULL);
	tuplestore_end(published);
	tuplestore_end(causes);
	query_end(&scope);
	PG_RETURN_INT64(retracted);
}
