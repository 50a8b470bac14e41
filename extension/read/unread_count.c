/*-------------------------------------------------------------------------
 *
 * unread_count.c
 *	  Counts the unread notifications of a user.
 *
 * sql/parts/unread.sql has the model.  The count is the sum of
 *
 * 1. the fold, if it holds for the user's mark, and the changes since then,
 *
 * 2. the open notifications above the mark and above the fold,
 *
 * 3. the open ones below the mark that were marked as unread again, or belong to
 *	  transactions that were in progress when the mark was set.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "index_range.h"
#include "own_table.h"
#include "query.h"
#include "read/unread_count.h"
#include "settings.h"
#include "write/notification_row.h"

/* The columns of herald.read_mark. */
enum
{
	MARK_USER_ID = 1,
	MARK_READ_UNTIL,
	MARK_READ_RUNNING,
	MARK_READ_AT,
	MARK_UNREAD
};

/* The columns of herald_internal.unread_fold. */
enum
{
	FOLD_USER_ID = 1,
	FOLD_FOLDED_UNTIL,
	FOLD_FOLDED_XID,
	FOLD_READ_UNTIL,
	FOLD_UNREAD
};

/* The columns of herald_internal.unread_change. */
enum
{
	CHANGE_USER_ID = 1,
	CHANGE_ID,
	CHANGE_XID,
	CHANGE_DELTA
};

/* A mark; without one, all is unread. */
typedef struct ReadMark
{
	int64 read_until;
	ArrayType *running; /* NULL: none */
	ArrayType *unread;	/* NULL: none */
} ReadMark;

/* Returns a copy of a column of type array; NULL if it is empty. */
static ArrayType *
copy_array(OwnScan *row, AttrNumber column)
{
	bool isnull;
	ArrayType *array = DatumGetArrayTypePCopy(own_scan_value(row, column, &isnull));

	return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) > 0 ? array : NULL;
}

static ReadMark
find_mark(Datum user)
{
	OwnScan row = own_scan_equal("herald", "read_mark", "read_mark_pkey", user, GetActiveSnapshot());
	ReadMark mark = { 0 };
	bool isnull;

	if (own_scan_next(&row))
	{
		mark.read_until = DatumGetInt64(own_scan_value(&row, MARK_READ_UNTIL, &isnull));
		mark.running = copy_array(&row, MARK_READ_RUNNING);
		mark.unread = copy_array(&row, MARK_UNREAD);
	}
	own_scan_end(&row);
	return mark;
}

/* Returns the sum of the changes of folded notifications above the mark. */
static int64
sum_changes(Datum user, int64 read_until, int64 folded_until)
{
	Relation changes = table_open(own_table_oid("herald_internal", "unread_change"), AccessShareLock);
	IndexRange range = index_range_open(changes, "unread_change_user_id_id");
	HeapTuple row;
	int64 sum = 0;
	bool isnull;

	index_range_where(&range, CHANGE_USER_ID, BTEqualStrategyNumber, user);
	index_range_where(&range, CHANGE_ID, BTGreaterStrategyNumber, Int64GetDatum(read_until));
	index_range_where(&range, CHANGE_ID, BTLessEqualStrategyNumber, Int64GetDatum(folded_until));
	while ((row = index_range_next(&range)) != NULL)
		sum += DatumGetInt32(heap_getattr(row, CHANGE_DELTA, RelationGetDescr(changes), &isnull));
	index_range_close(&range);
	table_close(changes, NoLock);
	return sum;
}

/* Returns what the fold of the inbox counts, if it holds for the mark, and sets *folded_until. */
static int64
count_folded(Datum user, const ReadMark *mark, int64 *folded_until)
{
	OwnScan row = own_scan_equal("herald_internal", "unread_fold", "unread_fold_pkey", user, GetActiveSnapshot());
	int64 count = 0;
	bool isnull;

	*folded_until = 0;
	if (own_scan_next(&row) && DatumGetInt64(own_scan_value(&row, FOLD_READ_UNTIL, &isnull)) == mark->read_until)
	{
		*folded_until = DatumGetInt64(own_scan_value(&row, FOLD_FOLDED_UNTIL, &isnull));
		count = DatumGetInt64(own_scan_value(&row, FOLD_UNREAD, &isnull));
	}
	own_scan_end(&row);
	return count + (*folded_until > 0 ? sum_changes(user, mark->read_until, *folded_until) : 0);
}

/* Returns whether a notification belongs to one of the transactions. */
static bool
is_of(HeapTuple row, TupleDesc shape, ArrayType *transactions)
{
	const uint64 *xids = (const uint64 *) ARR_DATA_PTR(transactions);
	int count = ArrayGetNItems(ARR_NDIM(transactions), ARR_DIMS(transactions));
	bool isnull;
	uint64 xid = DatumGetUInt64(heap_getattr(row, NOTIFICATION_XID, shape, &isnull));

	for (int i = 0; i < count; i++)
	{
		if (xids[i] == xid)
			return true;
	}
	return false;
}

static bool
counts_as_open(HeapTuple row, TupleDesc shape)
{
	return heap_attisnull(row, NOTIFICATION_READ_AT, shape) && heap_attisnull(row, NOTIFICATION_ARCHIVED_AT, shape) &&
		   heap_attisnull(row, NOTIFICATION_RETRACTED_AT, shape);
}

/* Returns the range of the notifications of a user. */
static IndexRange
user_range(Relation inbox, Datum user)
{
	IndexRange range = index_range_open(inbox, "notification_pkey");

	index_range_where(&range, NOTIFICATION_RECIPIENT_ID, BTEqualStrategyNumber, user);
	return range;
}

/* Counts the open rows of a range, and closes it.  With transactions, counts their rows only, or those of others. */
static int64
count_range(IndexRange *range, ArrayType *transactions, bool theirs)
{
	TupleDesc shape = RelationGetDescr(range->table);
	int64 count = 0;
	HeapTuple row;

	while ((row = index_range_next(range)) != NULL)
		count += counts_as_open(row, shape) && (transactions == NULL || is_of(row, shape, transactions) == theirs);
	index_range_close(range);
	return count;
}

/* Counts the exceptions up to the mark. */
static int64
count_exceptions(Relation inbox, Datum user, const ReadMark *mark)
{
	int64 count = 0;
	IndexRange range;

	if (mark->unread != NULL)
	{
		range = user_range(inbox, user);
		index_range_where_any(&range, NOTIFICATION_ID, PointerGetDatum(mark->unread));
		index_range_where(&range, NOTIFICATION_ID, BTLessEqualStrategyNumber, Int64GetDatum(mark->read_until));
		count += count_range(&range, mark->running, false);
	}
	if (mark->running != NULL)
	{
		range = user_range(inbox, user);
		index_range_where(&range, NOTIFICATION_ID, BTLessEqualStrategyNumber, Int64GetDatum(mark->read_until));
		count += count_range(&range, mark->running, true);
	}
	return count;
}

int64
unread_count(Datum user)
{
	Relation inbox = table_open(own_table_oid("herald", "notification"), AccessShareLock);
	ReadMark mark = find_mark(user);
	int64 folded_until;
	int64 count = count_folded(user, &mark, &folded_until);
	IndexRange newer = user_range(inbox, user);

	index_range_where(&newer, NOTIFICATION_ID, BTGreaterStrategyNumber,
					  Int64GetDatum(Max(Max(mark.read_until, folded_until), 0)));
	count += count_range(&newer, NULL, true) + count_exceptions(inbox, user, &mark);
	table_close(inbox, NoLock);
	return count;
}

static SavedQuery count_groups = {
	.name = "the count of unread groups",
	.text = "SELECT herald.unread_count($1, true)",
	.nargs = 1,
	.argtypes = { TEXTOID },
	.read_only = true,
};

int64
unread_badge(Datum user)
{
	bool isnull;

	if (!herald_group_inbox)
		return unread_count(user);
	query_run(&count_groups, 1, &user, NULL);
	return DatumGetInt64(query_value(0, 1, &isnull));
}

PG_FUNCTION_INFO_V1(herald_unread_count);

/* herald_internal.unread_count(user_id) returns the number of unread notifications of a user. */
Datum
herald_unread_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(unread_count(PG_GETARG_DATUM(0)));
}

PG_FUNCTION_INFO_V1(herald_badge);

/* herald_internal.badge(user_id) returns what herald.unread_count() does by default. */
Datum
herald_badge(PG_FUNCTION_ARGS)
{
	QueryScope scope;
	int64 count;

	query_begin(&scope);
	count = unread_badge(PG_GETARG_DATUM(0));
	query_end(&scope);
	PG_RETURN_INT64(count);
}
