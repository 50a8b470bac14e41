/*-------------------------------------------------------------------------
 *
 * doorbell.c
 *	  Wakes the bridges, once per transaction and after its commit, when the event log
 *	  grew or there are signals.
 *
 * 1. A commit that sends NOTIFY holds a lock on "database 0" through its WAL
 *	  flush, so that such commits queue behind each other.  Where the library is
 *	  preloaded, the writer sends no NOTIFY.  After its commit it wakes the readers, the
 *	  backends in which bridges wait (reader_slot.c), and tells the worker that there
 *	  was activity.
 *
 * 2. Elsewhere the writer notifies in its own transaction, but only just before the
 *	  commit: a transaction that has notified cannot be prepared.
 *
 * 3. A ring belongs to the subtransaction that requested it.  ring_level is the
 *	  outermost nesting level that did.  A rollback of that level takes the ring
 *	  back.
 *
 * 4. Another session may commit a prepared transaction, and cannot know whether
 *	  that wrote events.  So every COMMIT PREPARED rings if the extension exists in
 *	  the database, at the commit of the transaction that runs the command.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/async.h"
#include "miscadmin.h"
#include "tcop/utility.h"

#include "query.h"
#include "reader_slot.h"
#include "worker_slot.h"
#include "write/doorbell.h"

/* The outermost nesting level that has rung; 0: no ring at the commit. */
static int ring_level;

/* The hook that was set before ours. */
static ProcessUtility_hook_type previous_process_utility;

void
doorbell_ring(void)
{
	int level = GetCurrentTransactionNestLevel();

	Assert(level > 0);
	if (ring_level == 0 || level < ring_level)
		ring_level = level;
}

static void
ring_at_transaction_end(XactEvent event, void *arg)
{
	if (ring_level == 0)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (!reader_slot_exists())
			{
				Async_Notify(DOORBELL_CHANNEL, "");
				ring_level = 0;
			}
			break;
		case XACT_EVENT_COMMIT:
			reader_slot_ring(MyDatabaseId);
			worker_slot_note_activity(MyDatabaseId);
			ring_level = 0;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			ring_level = 0;
			break;
		default:
			break;
	}
}

static void
follow_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int level = GetCurrentTransactionNestLevel();

	if (ring_level < level)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		ring_level = 0;
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		ring_level = level - 1;
}

/* The ProcessUtility hook: runs the command, and rings if it was a COMMIT PREPARED. */
static void
run_utility(PlannedStmt *statement, const char *text, bool read_only_tree, ProcessUtilityContext context,
			ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	Node *parsed = statement->utilityStmt;
	bool commits_prepared = IsA(parsed, TransactionStmt) &&
							((TransactionStmt *) parsed)->kind == TRANS_STMT_COMMIT_PREPARED;

	if (previous_process_utility)
		previous_process_utility(statement, text, read_only_tree, context, params, environment, dest, completion);
	else
		standard_ProcessUtility(statement, text, read_only_tree, context, params, environment, dest, completion);
	if (commits_prepared && OidIsValid(query_own_table("rule")))
		doorbell_ring();
}

void
doorbell_init(void)
{
	RegisterXactCallback(ring_at_transaction_end, NULL);
	RegisterSubXactCallback(follow_subtransaction, NULL);
	previous_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = run_utility;
}
