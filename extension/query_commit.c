/*-------------------------------------------------------------------------
 *
 * query_commit.c
 *	  Ends the transaction of a procedure.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "nodes/parsenodes.h"

#include "query_commit.h"

void
query_commit(FunctionCallInfo call)
{
	if (call->context == NULL || !IsA(call->context, CallContext) || ((CallContext *) call->context)->atomic)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
						errmsg("the procedure cannot run inside a transaction or a function")));
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	SPI_commit();
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not disconnect from SPI");
}
