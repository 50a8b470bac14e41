/*-------------------------------------------------------------------------
 *
 * subtransaction.h
 *	  Runs a function in a subtransaction and turns its error into a value.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SUBTRANSACTION_H
#define HERALD_SUBTRANSACTION_H

#include "postgres.h"

/*
 * Calls work(argument) in a subtransaction, in the caller's memory context and
 * resource owner.  Returns NULL after it has committed the subtransaction.  If
 * work() raises an error, rolls the subtransaction back and returns the error,
 * which belongs to the caller's memory context; its message is a line
 * (message.h).  An error of the transaction or the session is raised again: a
 * cancelled statement, a serialization failure.
 */
extern ErrorData *subtransaction_run(void (*work)(void *argument), void *argument);

#endif /* HERALD_SUBTRANSACTION_H */
