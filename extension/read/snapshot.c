/*-------------------------------------------------------------------------
 *
 * snapshot.c
 *	  A snapshot of the event log: which transactions had ended, and which ids
 *	  events had.
 *
 * "top" and "next" rely on an order in the writers: a transaction gets its id
 * before it draws the first id of an event (event_log.c).  snapshot_current() reads
 * the top first and "next" after it.  So a transaction that had no id when the top
 * was read draws ids above the top.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "event_columns.h"
#include "own_table.h"
#include "read/snapshot.h"

#define MAX_LISTED_AS_BEGUN 64

/* Reads a number of pg_snapshot's text and the separator after it. */
static uint64
snapshot_read_number(char **text)
{
	uint64 number = strtou64(*text, text, 10);

	if (**text != '\0')
		(*text)++;
	return number;
}

/* Lists our own transaction, which pg_snapshot omits: it may append more events. */
static void
add_own_transaction(LogSnapshot *now)
{
	uint64 own = U64FromFullTransactionId(GetTopFullTransactionIdIfAny());
	int at;

	if (own < now->xmin || own >= now->xmax)
		return;
	for (at = now->count++; at > 0 && now->in_progress[at - 1] > own; at--)
		now->in_progress[at] = now->in_progress[at - 1];
	now->in_progress[at] = own;
}

/*
 * Lists transactions that started after the snapshot's xmax as in progress, too:
 * those that end before the next window are not looked for.  In an old snapshot
 * they are too many.
 */
static void
add_begun(LogSnapshot *now)
{
	if (now->next > now->xmax + MAX_LISTED_AS_BEGUN)
		return;
	while (now->xmax < now->next)
		now->in_progress[now->count++] = now->xmax++;
}

int64
snapshot_top_id(void)
{
	Relation sequence = table_open(own_table_oid("herald", "event_id_seq"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(sequence, InvalidOid, false, GetActiveSnapshot(), 0, NULL);
	HeapTuple row = systable_getnext(scan);
	const FormData_pg_sequence_data *state;
	int64 top;

	if (row == NULL)
		elog(ERROR, "sequence \"%s\" is empty", RelationGetRelationName(sequence));
	state = (const FormData_pg_sequence_data *) GETSTRUCT(row);
	top = state->is_called ? event_announcement_id(state->last_value) : 0;
	systable_endscan(scan);
	table_close(sequence, AccessShareLock);
	return top;
}

/* Reads a snapshot, with room for so many more transactions in progress. */
static LogSnapshot
read_datum(Datum datum, int room)
{
	LogSnapshot snapshot = { .next = PG_UINT64_MAX };
	char *text = DatumGetCString(DirectFunctionCall1(pg_snapshot_out, datum));

	snapshot.in_progress = palloc(sizeof(uint64) * (strlen(text) / 2 + 2 + room));
	snapshot.xmin = snapshot_read_number(&text);
	snapshot.xmax = snapshot_read_number(&text);
	while (*text != '\0')
		snapshot.in_progress[snapshot.count++] = snapshot_read_number(&text);
	return snapshot;
}

LogSnapshot
snapshot_from_datum(Datum datum)
{
	return read_datum(datum, 0);
}

LogSnapshot
snapshot_current(void)
{
	int64 top = snapshot_top_id();
	LogSnapshot now = read_datum(OidFunctionCall0(F_PG_CURRENT_SNAPSHOT), MAX_LISTED_AS_BEGUN);

	now.top = top;
	now.next = U64FromFullTransactionId(ReadNextFullTransactionId());
	add_own_transaction(&now);
	add_begun(&now);
	Assert(now.xmin > 0 && now.xmin <= now.xmax && now.xmax <= now.next);
	return now;
}

/* Restores the invariant that all listed transactions are below xmax. */
static void
snapshot_trim(LogSnapshot *snapshot)
{
	while (snapshot->count > 0 && snapshot->in_progress[snapshot->count - 1] >= snapshot->xmax)
		snapshot->count--;
}

void
snapshot_clip(LogSnapshot *snapshot, uint64 limit)
{
	Assert(limit > 0);
	snapshot->xmax = Min(snapshot->xmax, limit);
	snapshot->xmin = Min(snapshot->xmin, limit);
	snapshot->next = PG_UINT64_MAX;
	snapshot_trim(snapshot);
}

static int
compare_xids(const void *a, const void *b)
{
	uint64 left = *(const uint64 *) a;
	uint64 right = *(const uint64 *) b;

	return (left > right) - (left < right);
}

LogSnapshot
snapshot_intersect(const LogSnapshot *a, const LogSnapshot *b)
{
	LogSnapshot both = { Min(a->top, b->top), Min(a->xmin, b->xmin), Min(a->xmax, b->xmax), Max(a->next, b->next) };
	int unique = 0;

	both.count = a->count + b->count;
	both.in_progress = palloc(sizeof(uint64) * (both.count + 1));
	memcpy(both.in_progress, a->in_progress, sizeof(uint64) * a->count);
	memcpy(both.in_progress + a->count, b->in_progress, sizeof(uint64) * b->count);
	qsort(both.in_progress, both.count, sizeof(uint64), compare_xids);
	for (int i = 0; i < both.count; i++)
	{
		if (unique == 0 || both.in_progress[unique - 1] != both.in_progress[i])
			both.in_progress[unique++] = both.in_progress[i];
	}
	both.count = unique;
	snapshot_trim(&both);
	return both;
}

bool
snapshot_sees(const LogSnapshot *snapshot, uint64 xid)
{
	if (xid < snapshot->xmin || xid >= snapshot->xmax)
		return xid < snapshot->xmin;
	return bsearch(&xid, snapshot->in_progress, snapshot->count, sizeof(uint64), compare_xids) == NULL;
}

bool
snapshot_within(const LogSnapshot *a, const LogSnapshot *b)
{
	int at = 0;

	if (a->xmax > b->xmax)
		return false;
	for (int i = 0; i < b->count && b->in_progress[i] < a->xmax; i++)
	{
		while (at < a->count && a->in_progress[at] < b->in_progress[i])
			at++;
		if (at == a->count || a->in_progress[at] != b->in_progress[i])
			return false;
	}
	return true;
}

Datum
snapshot_to_datum(const LogSnapshot *snapshot)
{
	StringInfoData text;

	Assert(snapshot->xmin > 0 && snapshot->xmin <= snapshot->xmax);
	initStringInfo(&text);
	appendStringInfo(&text, UINT64_FORMAT ":" UINT64_FORMAT ":", snapshot->xmin, snapshot->xmax);
	for (int i = 0; i < snapshot->count; i++)
		appendStringInfo(&text, "%s" UINT64_FORMAT, i > 0 ? "," : "", snapshot->in_progress[i]);
	return DirectFunctionCall1(pg_snapshot_in, CStringGetDatum(text.data));
}

Datum
snapshot_in_progress(const LogSnapshot *snapshot)
{
	Datum *elements = palloc(sizeof(Datum) * (snapshot->count + 1));

	for (int i = 0; i < snapshot->count; i++)
		elements[i] = UInt64GetDatum(snapshot->in_progress[i]);
	return PointerGetDatum(construct_array(elements, snapshot->count, XID8OID, sizeof(uint64), FLOAT8PASSBYVAL,
										   TYPALIGN_DOUBLE));
}
