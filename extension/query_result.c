/*-------------------------------------------------------------------------
 *
 * query_result.c
 *	  Takes values from the result of a query, and begins results of functions.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"

#include "compat.h"
#include "query.h"

char *
query_text(uint64 row, int column)
{
	Assert(SPI_tuptable != NULL && row < SPI_tuptable->numvals);
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

Datum
query_value(uint64 row, int column, bool *isnull)
{
	Assert(SPI_tuptable != NULL && row < SPI_tuptable->numvals);
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

Datum
query_text_for_caller(const char *text)
{
	int size = (int) strlen(text) + VARHDRSZ;
	struct varlena *kept = SPI_palloc(size);

	SET_VARSIZE(kept, size);
	memcpy(VARDATA(kept), text, size - VARHDRSZ);
	return PointerGetDatum(kept);
}

Tuplestorestate *
query_result_begin(FunctionCallInfo fcinfo, TupleDesc *shape)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext caller;

	if (info == NULL || !IsA(info, ReturnSetInfo) || !(info->allowedModes & SFRM_Materialize))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("set-valued function called in context that cannot accept a set"),
						errhint("Call it in FROM.")));
	caller = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
	if (info->expectedDesc == NULL)
		elog(ERROR, "the return type is not a row type");
	*shape = CreateTupleDescCopy(info->expectedDesc);
	info->returnMode = SFRM_Materialize;
	info->setResult = tuplestore_begin_heap(true, false, work_mem);
	info->setDesc = *shape;
	MemoryContextSwitchTo(caller);
	return info->setResult;
}
