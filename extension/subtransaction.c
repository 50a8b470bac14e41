/*-------------------------------------------------------------------------
 *
 * subtransaction.c
 *	  Runs a function in a subtransaction and turns its error into a value.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "message.h"
#include "subtransaction.h"

/* Ends the current subtransaction with a rollback and returns the error that caused it. */
static ErrorData *
subtransaction_roll_back(MemoryContext caller)
{
	ErrorData *error;

	MemoryContextSwitchTo(caller);
	error = CopyErrorData();
	FlushErrorState();
	RollbackAndReleaseCurrentSubTransaction();
	return error;
}

/* Returns whether an error is about the transaction, or the session, and not about the work. */
static bool
ends_transaction(int sqlerrcode)
{
	return sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		   ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION);
}

ErrorData *
subtransaction_run(void (*work)(void *argument), void *argument)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	Assert(work != NULL);
	Assert(IsTransactionState());
	BeginInternalSubTransaction("pg_herald");
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		work(argument);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		error = subtransaction_roll_back(caller);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	if (error != NULL && ends_transaction(error->sqlerrcode))
		ReThrowError(error);
	if (error != NULL)
		error->message = message_line(error->message ? error->message : "", MESSAGE_LONGEST_ERROR);
	return error;
}
