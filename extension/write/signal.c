/*-------------------------------------------------------------------------
 *
 * signal.c
 *	  Writes signals, which bridges relay and the event log does not hold.
 *
 * 1. A transaction keeps its signals in memory, as PostgreSQL keeps the
 *	  notifications of NOTIFY, and writes them just before its commit.  So a
 *	  transaction locks a partition only while it commits, and one that stays open
 *	  keeps no partition from being emptied.
 *
 * 2. A signal belongs to the subtransaction that sent it.  A rollback to a
 *	  savepoint drops the signals since then: they are at the end of the list.
 *
 * 3. A prepared transaction would hold its lock without a limit.  So a transaction
 *	  that has sent a signal cannot be prepared, like one that has notified.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "query.h"
#include "write/doorbell.h"
#include "write/signal.h"

/* Arguments of herald_internal.append_signal(); all are varlena types. */
#define SIGNAL_ARGUMENTS 5

typedef struct Signal
{
	int level; /* of the subtransaction */
	Size size;
	Datum values[SIGNAL_ARGUMENTS];
	bool nulls[SIGNAL_ARGUMENTS];
} Signal;

/* The signals of the current transaction, in the memory of the transaction. */
static struct
{
	List *signals;
	Size size;
} pending;

static SavedQuery insert_signal = {
	.name = "the insert of a signal",
	.text = "INSERT INTO herald_internal.signal (at, number, rooms, name, payload, key, except_user)"
			" VALUES ($1, $2, $3, $4, $5, $6, $7)",
	.nargs = SIGNAL_ARGUMENTS + 2,
	.argtypes = { TIMESTAMPTZOID, INT4OID, TEXTARRAYOID, TEXTOID, JSONOID, TEXTOID, TEXTOID },
};

static void
insert_pending(TimestampTz at, int number)
{
	const Signal *signal = list_nth(pending.signals, number);
	Datum values[SIGNAL_ARGUMENTS + 2];
	char nulls[SIGNAL_ARGUMENTS + 3] = "  ";

	values[0] = TimestampTzGetDatum(at);
	values[1] = Int32GetDatum(number);
	for (int i = 0; i < SIGNAL_ARGUMENTS; i++)
	{
		values[i + 2] = signal->values[i];
		nulls[i + 2] = signal->nulls[i] ? 'n' : ' ';
	}
	query_run(&insert_signal, 1, values, nulls);
}

/* Writes the signals of the transaction, unless it has dropped the extension. */
static void
write_pending(void)
{
	TimestampTz now = GetCurrentTimestamp();
	QueryScope scope;

	if (!OidIsValid(query_own_table("signal")))
		return;
	PushActiveSnapshot(GetTransactionSnapshot());
	query_begin(&scope);
	for (int number = 0; number < list_length(pending.signals); number++)
		insert_pending(now, number);
	query_end(&scope);
	PopActiveSnapshot();
}

static void
forget_pending(void)
{
	pending.signals = NIL;
	pending.size = 0;
}

static void
end_transaction(XactEvent event, void *arg)
{
	if (pending.signals == NIL)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			write_pending();
			forget_pending();
			break;
		case XACT_EVENT_PRE_PREPARE:
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("cannot prepare a transaction that has sent a signal"),
							errhint("Use herald.publish(), or send the signal in a transaction of its own.")));
			break;
		case XACT_EVENT_ABORT:
			forget_pending();
			break;
		default:
			break;
	}
}

static void
drop_last(void)
{
	Signal *signal = llast(pending.signals);

	pending.size -= signal->size;
	for (int i = 0; i < SIGNAL_ARGUMENTS; i++)
	{
		if (!signal->nulls[i])
			pfree(DatumGetPointer(signal->values[i]));
	}
	pfree(signal);
	pending.signals = list_delete_last(pending.signals);
}

/* The signals of a subtransaction that commits are its parent's; those of one that is rolled back go. */
static void
end_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int level = GetCurrentTransactionNestLevel();

	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		while (pending.signals != NIL && ((Signal *) llast(pending.signals))->level >= level)
			drop_last();
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		for (int i = list_length(pending.signals) - 1; i >= 0; i--)
		{
			Signal *signal = list_nth(pending.signals, i);

			if (signal->level < level)
				break;
			signal->level = level - 1;
		}
	}
}

/* Returns the bytes that a signal counts for, or raises an error if the transaction has no space for it. */
static Size
count_size(FunctionCallInfo fcinfo)
{
	Size size = SIGNAL_OVERHEAD;

	for (int i = 0; i < SIGNAL_ARGUMENTS; i++)
	{
		if (!PG_ARGISNULL(i))
			size += toast_raw_datum_size(PG_GETARG_DATUM(i));
	}
	if (pending.size + size > SIGNALS_LARGEST)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a transaction cannot send more than %d bytes of signals", SIGNALS_LARGEST),
						errhint("Use herald.publish(), which has no such limit, or several transactions.")));
	return size;
}

/* Adds a signal to the pending ones. */
static void
keep(FunctionCallInfo fcinfo, Size size)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
	Signal *signal = palloc0(sizeof(Signal));

	signal->level = GetCurrentTransactionNestLevel();
	signal->size = size;
	for (int i = 0; i < SIGNAL_ARGUMENTS; i++)
	{
		signal->nulls[i] = PG_ARGISNULL(i);
		if (!signal->nulls[i])
			signal->values[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(i)));
	}
	pending.signals = lappend(pending.signals, signal);
	pending.size += size;
	MemoryContextSwitchTo(caller);
}

int
signal_slot(void)
{
	return (int) (GetCurrentTimestamp() / (SIGNAL_SLOT_SECONDS * USECS_PER_SEC) % SIGNAL_SLOTS);
}

PG_FUNCTION_INFO_V1(herald_signal_slot);

/* herald_internal.signal_slot() returns the partition for a signal of this moment. */
Datum
herald_signal_slot(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT16((int16) signal_slot());
}

PG_FUNCTION_INFO_V1(herald_append_signal);

/* herald_internal.append_signal(rooms, event, payload, key, except_user) sends a signal at the commit. */
Datum
herald_append_signal(PG_FUNCTION_ARGS)
{
	Assert(PG_NARGS() == SIGNAL_ARGUMENTS);
	PreventCommandIfReadOnly("herald.signal()");
	keep(fcinfo, count_size(fcinfo));
	doorbell_ring();
	PG_RETURN_VOID();
}

void
signal_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
}
