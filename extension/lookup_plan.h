/*-------------------------------------------------------------------------
 *
 * lookup_plan.h
 *	  The plan of a query over offered rows that look-ups by index answer.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LOOKUP_PLAN_H
#define HERALD_LOOKUP_PLAN_H

#include "postgres.h"

#include "access/skey.h"
#include "nodes/execnodes.h"
#include "nodes/parsenodes.h"

#define JOINED_ROW 1	/* the varno of all Vars in the expressions of a plan */
#define ROW_NUMBER (-1) /* the number of the offered row, in place of an input */

/* A column of an input, and its place in the joined row. */
typedef struct LookupColumn
{
	AttrNumber from;
	AttrNumber to;
} LookupColumn;

/* A relation of the join: an offered one, or a table that is read by an index. */
typedef struct LookupInput
{
	char *offered; /* the name of the offered relation; NULL: a table */
	Oid table;	   /* also of an offered relation, if it has the columns of a table */
	TupleDesc shape;
	Oid index;
	bool left;	  /* LEFT JOIN: without a match, the columns are null */
	bool used;	  /* by something else than its own join condition */
	bool single;  /* the keys match at most one row */
	bool skipped; /* a LEFT JOIN on which no value depends */
	int key_count;
	ScanKeyData *scan_keys; /* without arguments */
	List *keys;				/* their expressions, over the joined row */
	bool *varlena_keys;		/* their values may be compressed, or stored elsewhere */
	List *condition;		/* of the join, beside the keys: a list of expressions for AND */
	List *filter;			/* applies after the join: a list of expressions for AND */
	int column_count;
	LookupColumn *columns; /* those that the query needs */
	AttrNumber last_column;
	/* These evaluate the expressions, and live as long as the plan. */
	ExprState **key_states;
	ExprState *condition_state;
	ExprState *filter_state;
	MemoryContext key_memory; /* holds the values of the keys during a scan */
	TupleTableSlot *slot;
} LookupInput;

/*
 * A compiled query: for each offered row, or pair of rows with the same place, it looks up rows of tables, one table
 * after the other.  All columns make one joined row, over which the expressions are evaluated.
 */
typedef struct LookupPlan
{
	MemoryContext context; /* holds the plan */
	bool fits;			   /* false: the query has another form, and the rest is not set */
	bool transient;		   /* must not be kept: an index cannot be used yet */
	bool single;		   /* each look-up finds at most one row */
	bool checked;		   /* the current role may execute the functions, and the expressions are plain */
	bool plain;			   /* runs nothing of the application, and finds the same with any search path */
	int offered_count;	   /* the first inputs: one, or two */
	int input_count;
	LookupInput *inputs;
	List *columns;		   /* the joined row: Vars with the input as varno, or ROW_NUMBER, and its column */
	TupleDesc row;		   /* the same as a row type */
	AttrNumber row_number; /* the place of the offered row's number; 0: not needed */
	List *target;		   /* TargetEntry nodes: the columns of the result, and behind them values of objects */
	TupleDesc result;	   /* the row type of the result */
	List *objects;		   /* of JsonObject: the columns that are written by a template */
	ExprContext *expressions;
	TupleTableSlot *row_slot;
	ProjectionInfo *projection;
} LookupPlan;

#endif /* HERALD_LOOKUP_PLAN_H */
