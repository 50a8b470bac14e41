/*-------------------------------------------------------------------------
 *
 * query_commit.h
 *	  Ends the transaction of a procedure.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_QUERY_COMMIT_H
#define HERALD_QUERY_COMMIT_H

#include "postgres.h"

#include "fmgr.h"

/* Commits the transaction of the CALL that runs the procedure, and begins the next one.  No snapshot is left. */
extern void query_commit(FunctionCallInfo call);

#endif /* HERALD_QUERY_COMMIT_H */
