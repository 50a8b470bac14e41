/*-------------------------------------------------------------------------
 *
 * schedule.c
 *	  Records rows of watched tables that the time will change.
 *
 * A row with a time of publication in the future changes for the rules when that time
 * comes, but no statement writes it then.  So the statement that sets the time appends
 * the row to herald_internal.due.  herald.maintain() runs the rules when the row is due
 * (trigger.c), and deletes the record in the same transaction: so each row is published
 * once.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "write/schedule.h"

static SavedQuery append_due = {
	.name = "the insert of scheduled rows",
	.text = "INSERT INTO herald_internal.due (relation, row_id, at, run_at)"
			" SELECT $1, s.id, s.at, s.at FROM herald_scheduled AS s WHERE s.id IS NOT NULL AND s.at < 'infinity'",
	.nargs = 1,
	.argtypes = { REGCLASSOID },
};

TupleDesc
schedule_shape(void)
{
	static const QueryColumn columns[] = { { "id", TEXTOID }, { "at", TIMESTAMPTZOID } };
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, lengthof(columns));
}

void
schedule_write(Oid relation, Tuplestorestate *rows)
{
	Datum value = ObjectIdGetDatum(relation);

	Assert(GetUserId() == query_extension_owner());
	if (tuplestore_tuple_count(rows) == 0)
		return;
	query_offer("herald_scheduled", rows, schedule_shape(), InvalidOid);
	query_run(&append_due, tuplestore_tuple_count(rows), &value, NULL);
}
