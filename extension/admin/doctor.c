/*-------------------------------------------------------------------------
 *
 * doctor.c
 *	  Plans and parses the queries of rules for herald.doctor() and herald.maintain().
 *
 * The functions analyze a query as it would run: as the owner of the watched table
 * and over its changed rows.  They do not run it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "query.h"
#include "write/user_block.h"

/* A query scope with the transition tables that a rule's query needs, and the pairs that one for blocks needs. */
typedef struct Examination
{
	QueryScope scope;
	Relation relation;
	Tuplestorestate *none;
} Examination;

static void
examination_begin(Examination *examination, Oid relid)
{
	Relation relation = table_open(relid, AccessShareLock);

	examination->relation = relation;
	examination->none = tuplestore_begin_heap(false, false, work_mem);
	query_begin(&examination->scope);
	query_lend(&examination->scope, relation->rd_rel->relowner);
	query_offer("herald_new", examination->none, RelationGetDescr(relation), InvalidOid);
	query_offer("herald_old", examination->none, RelationGetDescr(relation), InvalidOid);
	query_offer("herald_pair", examination->none, user_block_pair_shape(), InvalidOid);
}

static void
examination_end(Examination *examination)
{
	query_end(&examination->scope);
	tuplestore_end(examination->none);
	table_close(examination->relation, NoLock);
}

PG_FUNCTION_INFO_V1(herald_plan_of);
PG_FUNCTION_INFO_V1(herald_tables_read);
PG_FUNCTION_INFO_V1(herald_compile_query);

/* herald_internal.plan_of(relation, query) returns the plan of a query, as JSON. */
Datum
herald_plan_of(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	SavedQuery explain = { .name = "the plan of a rule" };
	Examination examination;
	Datum plan;

	explain.text = psprintf("EXPLAIN (VERBOSE, COSTS off, FORMAT json) %s", text_to_cstring(PG_GETARG_TEXT_PP(1)));
	examination_begin(&examination, PG_GETARG_OID(0));
	query_run_once(&explain, NULL, NULL, 0);
	MemoryContextSwitchTo(caller);
	plan = CStringGetTextDatum(query_text(0, 1));
	examination_end(&examination);
	return plan;
}

/* herald_internal.tables_read(relation, query) returns the tables and views that a query reads, also through views. */
Datum
herald_tables_read(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	SavedQuery query = { .name = "a rule", .text = text_to_cstring(PG_GETARG_TEXT_PP(1)) };
	Examination examination;
	ArrayBuildState *tables;
	ListCell *cell;

	tables = initArrayResult(REGCLASSOID, caller, false);
	examination_begin(&examination, PG_GETARG_OID(0));
	foreach (cell, query_relations(&query))
		accumArrayResult(tables, ObjectIdGetDatum(lfirst_oid(cell)), false, REGCLASSOID, caller);
	query_forget(&query);
	examination_end(&examination);
	return makeArrayResult(tables, caller);
}

/* herald_internal.compile_query(relation, query) raises an error if a query does not fit the schema. */
Datum
herald_compile_query(PG_FUNCTION_ARGS)
{
	SavedQuery query = { .name = "a rule", .text = text_to_cstring(PG_GETARG_TEXT_PP(1)) };
	Examination examination;

	examination_begin(&examination, PG_GETARG_OID(0));
	query_compile(&query, NULL);
	examination_end(&examination);
	PG_RETURN_VOID();
}
