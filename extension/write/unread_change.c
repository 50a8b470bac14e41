/*-------------------------------------------------------------------------
 *
 * unread_change.c
 *	  Notes changes of notifications that a fold of unread counts may include.
 *
 * A fold keeps the counts and groups of an inbox up to an id (sql/parts/unread.sql).  When a notification is opened or
 * closed, enters or leaves the list or a group, the trigger adds a row to herald_internal.unread_change, if the inbox
 * has a fold.  The latest snapshot decides about that, and not the one of the transaction, because a new fold waits for
 * the end of all transactions that may not have seen it.
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
	CHANGE_DELTA,
	CHANGE_TYPE,
	CHANGE_SUBJECT_TYPE,
	CHANGE_SUBJECT_ID,
	CHANGE_ACTOR_ID
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

/* Returns whether a notification is in the list of its user. */
static bool
is_listed(TupleTableSlot *row)
{
	return slot_attisnull(row, NOTIFICATION_ARCHIVED_AT) && slot_attisnull(row, NOTIFICATION_RETRACTED_AT);
}

/* Returns how much a notification counts as open. */
static int
open_count(TupleTableSlot *row)
{
	return is_listed(row) && slot_attisnull(row, NOTIFICATION_READ_AT) ? 1 : 0;
}

static Datum
row_column(TupleTableSlot *row, NotificationColumn number)
{
	bool isnull;
	Datum value = slot_getattr(row, number, &isnull);

	Assert(!isnull);
	return value;
}

/* Copies a column, or its null, to a change. */
static void
copy_column(TupleTableSlot *change, int column, TupleTableSlot *row, NotificationColumn number)
{
	change->tts_values[column] = slot_getattr(row, number, &change->tts_isnull[column]);
}

/* Notes that open notifications have come (1) or gone (-1), or that another one has entered or left the list (0). */
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
	copy_column(change, CHANGE_USER, row, NOTIFICATION_RECIPIENT_ID);
	copy_column(change, CHANGE_ID, row, NOTIFICATION_ID);
	copy_column(change, CHANGE_XID, row, NOTIFICATION_XID);
	change->tts_values[CHANGE_DELTA] = Int32GetDatum(delta);
	change->tts_isnull[CHANGE_DELTA] = false;
	copy_column(change, CHANGE_TYPE, row, NOTIFICATION_TYPE);
	copy_column(change, CHANGE_SUBJECT_TYPE, row, NOTIFICATION_SUBJECT_TYPE);
	copy_column(change, CHANGE_SUBJECT_ID, row, NOTIFICATION_SUBJECT_ID);
	copy_column(change, CHANGE_ACTOR_ID, row, NOTIFICATION_ACTOR_ID);
	own_insert_row(&changes->rows);
}

/* Returns whether a column has the same bytes in both rows, or is null in both. */
static bool
column_is_same(TupleTableSlot *old, TupleTableSlot *new, NotificationColumn number)
{
	bool old_null;
	bool new_null;
	Datum old_value = slot_getattr(old, number, &old_null);
	Datum new_value = slot_getattr(new, number, &new_null);

	if (old_null || new_null)
		return old_null == new_null;
	return DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, old_value, new_value));
}

/* Returns whether both rows are one notification of one group of one inbox. */
static bool
is_same(TupleTableSlot *old, TupleTableSlot *new)
{
	static const NotificationColumn keys[] = { NOTIFICATION_RECIPIENT_ID, NOTIFICATION_ACTOR_ID, NOTIFICATION_TYPE,
											   NOTIFICATION_SUBJECT_TYPE, NOTIFICATION_SUBJECT_ID };

	if (DatumGetInt64(row_column(old, NOTIFICATION_ID)) != DatumGetInt64(row_column(new, NOTIFICATION_ID)))
		return false;
	for (int i = 0; i < lengthof(keys); i++)
	{
		if (!column_is_same(old, new, keys[i]))
			return false;
	}
	return true;
}

static void
note_update(UnreadChanges *changes, TupleTableSlot *old, TupleTableSlot *new)
{
	if (!is_same(old, new))
	{
		note_change(changes, old, -open_count(old));
		note_change(changes, new, open_count(new));
	}
	else if (open_count(old) != open_count(new) || is_listed(old) != is_listed(new))
		note_change(changes, new, open_count(new) - open_count(old));
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
		if (new_rows == NULL)
			note_change(changes, old, -open_count(old));
		else if (tuplestore_gettupleslot(new_rows, true, false, new))
			note_update(changes, old, new);
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
