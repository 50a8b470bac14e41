/*-------------------------------------------------------------------------
 *
 * unread_change.c
 *	  Notes changes of notifications that a fold of unread counts may include.
 *
 * A fold keeps the counts of an inbox up to an id (sql/parts/unread.sql).  When a notification is opened or closed,
 * the trigger adds a row to herald_internal.unread_change, if the inbox has a fold: most inboxes have none.  The latest
 * snapshot decides about that, and not the one of the transaction, because a new fold waits for the end of all
 * transactions that may not have seen it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "own_table.h"
#include "write/notification_row.h"
#include "write/own_insert.h"

/* The columns of herald_internal.unread_change. */
enum
{
	CHANGE_USER,
	CHANGE_ID,
	CHANGE_XID,
	CHANGE_DELTA
};

/* One call of the trigger. */
typedef struct UnreadChanges
{
	OwnInsert rows;
	bool inserting; /* "rows" has begun */
	char *user;		/* the latest one that was looked up */
	bool is_folded; /* that user's inbox has a fold */
} UnreadChanges;

static bool
has_fold(Datum user)
{
	OwnScan scan = own_scan_equal("herald_internal", "unread_fold", "unread_fold_pkey", user, GetLatestSnapshot());
	bool found = own_scan_next(&scan);

	own_scan_end(&scan);
	return found;
}

static bool
is_folded(UnreadChanges *changes, Datum user)
{
	char *name = TextDatumGetCString(user);

	if (changes->user == NULL || strcmp(changes->user, name) != 0)
		changes->is_folded = has_fold(user);
	if (changes->user != NULL)
		pfree(changes->user);
	changes->user = name;
	return changes->is_folded;
}

static bool
is_open_row(TupleTableSlot *row)
{
	return slot_attisnull(row, NOTIFICATION_READ_AT) && slot_attisnull(row, NOTIFICATION_ARCHIVED_AT) &&
		   slot_attisnull(row, NOTIFICATION_RETRACTED_AT);
}

static Datum
row_column(TupleTableSlot *row, NotificationColumn number)
{
	bool isnull;
	Datum value = slot_getattr(row, number, &isnull);

	Assert(!isnull);
	return value;
}

/* Notes that an open notification has come (1) or gone (-1). */
static void
note_change(UnreadChanges *changes, TupleTableSlot *row, int delta)
{
	TupleTableSlot *change;

	if (!is_folded(changes, row_column(row, NOTIFICATION_RECIPIENT_ID)))
		return;
	if (!changes->inserting)
		changes->rows = own_insert_begin(own_table_oid("herald_internal", "unread_change"), InvalidOid);
	changes->inserting = true;
	change = own_insert_next(&changes->rows);
	change->tts_values[CHANGE_USER] = row_column(row, NOTIFICATION_RECIPIENT_ID);
	change->tts_values[CHANGE_ID] = row_column(row, NOTIFICATION_ID);
	change->tts_values[CHANGE_XID] = row_column(row, NOTIFICATION_XID);
	change->tts_values[CHANGE_DELTA] = Int32GetDatum(delta);
	memset(change->tts_isnull, false, sizeof(bool) * (CHANGE_DELTA + 1));
	own_insert_row(&changes->rows);
}

/* Returns whether both rows are one notification of one inbox, for the counts. */
static bool
is_same(TupleTableSlot *old, TupleTableSlot *new)
{
	Datum old_user = row_column(old, NOTIFICATION_RECIPIENT_ID);
	Datum new_user = row_column(new, NOTIFICATION_RECIPIENT_ID);

	return is_open_row(old) == is_open_row(new) &&
		   DatumGetInt64(row_column(old, NOTIFICATION_ID)) == DatumGetInt64(row_column(new, NOTIFICATION_ID)) &&
		   DatumGetBool(DirectFunctionCall2Coll(texteq, DEFAULT_COLLATION_OID, old_user, new_user));
}

/* Notes the changes between the old and the new rows, which are in the same order; without new ones, all have gone. */
static void
note_changes(UnreadChanges *changes, TupleDesc shape, Tuplestorestate *old_rows, Tuplestorestate *new_rows)
{
	TupleTableSlot *old = MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple);
	TupleTableSlot *new = MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple);

	tuplestore_rescan(old_rows);
	if (new_rows != NULL)
		tuplestore_rescan(new_rows);
	while (tuplestore_gettupleslot(old_rows, true, false, old))
	{
		bool changed = new_rows == NULL || (tuplestore_gettupleslot(new_rows, true, false, new) && !is_same(old, new));

		if (changed && is_open_row(old))
			note_change(changes, old, -1);
		if (changed && new_rows != NULL && is_open_row(new))
			note_change(changes, new, 1);
	}
	ExecDropSingleTupleTableSlot(old);
	ExecDropSingleTupleTableSlot(new);
}

PG_FUNCTION_INFO_V1(herald_note_unread_changes);

/* herald_internal.note_unread_changes() is a trigger after UPDATE and DELETE statements on herald.notification. */
Datum
herald_note_unread_changes(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	UnreadChanges changes = { 0 };

	if (!CALLED_AS_TRIGGER(fcinfo) || trigger->tg_oldtable == NULL)
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("herald_internal.note_unread_changes() must be called by a trigger of herald.notification")));
	note_changes(&changes, RelationGetDescr(trigger->tg_relation), trigger->tg_oldtable, trigger->tg_newtable);
	if (changes.inserting)
		own_insert_end(&changes.rows);
	return PointerGetDatum(NULL);
}

PG_FUNCTION_INFO_V1(herald_next_xid);

/* herald_internal.next_xid() returns the next transaction id: all that were assigned before are lower. */
Datum
herald_next_xid(PG_FUNCTION_ARGS)
{
	PG_RETURN_FULLTRANSACTIONID(ReadNextFullTransactionId());
}
