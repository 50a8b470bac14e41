/*-------------------------------------------------------------------------
 *
 * columns_read.c
 *	  Finds the columns that a condition reads, and the functions that it calls.
 *
 * The server parses a query as the owner of the watched table would run it, and expands
 * views and policies.  Nothing runs.  A function hides its reads, so that it is returned.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/objectaddress.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "admin/owned_table.h"
#include "compat.h"
#include "query.h"

/* The columns of the result. */
enum
{
	READ_RELATION,
	READ_ATTRIBUTE,
	READ_FUNCTION,
	READ_COLUMNS
};

/* The result of a call. */
typedef struct Reads
{
	Tuplestorestate *out;
	TupleDesc shape;
} Reads;

/* Adds a table, one of its columns (attribute 0: the whole row), or a function. */
static void
put_read(Reads *reads, Oid relation, int attribute, Oid function)
{
	Datum values[READ_COLUMNS];
	bool nulls[READ_COLUMNS];

	values[READ_RELATION] = ObjectIdGetDatum(relation);
	values[READ_ATTRIBUTE] = Int16GetDatum(attribute);
	values[READ_FUNCTION] = ObjectIdGetDatum(function);
	nulls[READ_RELATION] = !OidIsValid(relation);
	nulls[READ_ATTRIBUTE] = attribute < 0;
	nulls[READ_FUNCTION] = !OidIsValid(function);
	tuplestore_putvalues(reads->out, reads->shape, values, nulls);
}

static void
put_table(Reads *reads, Oid relation, const Bitmapset *columns)
{
	int bit = -1;

	put_read(reads, relation, -1, InvalidOid);
	while ((bit = bms_next_member(columns, bit)) >= 0)
	{
		if (bit + FirstLowInvalidHeapAttributeNumber >= 0)
			put_read(reads, relation, bit + FirstLowInvalidHeapAttributeNumber, InvalidOid);
	}
}

static bool
put_function(Oid function, void *reads)
{
	put_read(reads, InvalidOid, -1, function);
	return false;
}

/* Adds the reads of a node and of all below it.  CURRENT_TIMESTAMP and its like count as now(). */
static bool
collect_reads(Node *node, Reads *reads)
{
	ListCell *cell;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
	{
		if (IsA(node, SQLValueFunction) && ((SQLValueFunction *) node)->op <= SVFOP_LOCALTIMESTAMP_N)
			put_function(F_NOW, reads);
		check_functions_in_node(node, put_function, reads);
		return expression_tree_walker(node, collect_reads, reads);
	}
	foreach (cell, ((Query *) node)->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);

		if (rte->rtekind == RTE_RELATION)
			put_table(reads, rte->relid, selected_columns((Query *) node, rte));
	}
	return query_tree_walker((Query *) node, collect_reads, reads, 0);
}

PG_FUNCTION_INFO_V1(herald_columns_read);

/*
 * herald_internal.columns_read(relation, query) returns the reads of a query, also several times.  Only the owner of
 * the table may ask.
 */
Datum
herald_columns_read(PG_FUNCTION_ARGS)
{
	SavedQuery query = { .name = "a condition", .text = text_to_cstring(PG_GETARG_TEXT_PP(1)) };
	Relation relation = owned_table_open(PG_GETARG_OID(0));
	Reads reads;
	QueryScope scope;
	ListCell *cell;

	reads.out = query_result_begin(fcinfo, &reads.shape);
	Assert(reads.shape->natts == READ_COLUMNS);
	query_begin(&scope);
	query_lend(&scope, relation->rd_rel->relowner);
	foreach (cell, query_trees(&query))
		collect_reads(lfirst(cell), &reads);
	query_forget(&query);
	query_end(&scope);
	table_close(relation, NoLock);
	return (Datum) 0;
}
