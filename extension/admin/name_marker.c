/*-------------------------------------------------------------------------
 *
 * name_marker.c
 *	  Marks the names in the SQL of rules, so that it follows renames.
 *
 * 1. The server parses the query.  The raw parse tree has the names of tables and of
 *	  types, the calls of functions, and strings that are cast to type "name": these
 *	  name columns of the watched table.
 *
 * 2. A hook of the parser learns which column each reference stands for.
 *
 * 3. A column of a subquery has the name of a table's column if it comes from a star
 *	  or has no name of its own.  Only such references are marked, and only those that
 *	  stand in the text as the name itself.
 *
 * 4. The analyzed query has the functions of the calls.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "parser/parsetree.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "admin/name_marker.h"
#include "admin/owned_table.h"
#include "name_marks.h"
#include "query.h"
#include "write/user_block.h"

/* A text to insert. */
typedef struct Insertion
{
	int position;
	char *text;
} Insertion;

/* The search for the names in a query. */
typedef struct NameSearch
{
	const char *query;
	int begin; /* of the text in it */
	int end;
	Oid relation;
	Oid parameter;
	List *unnamed;		   /* int: locations of the columns and stars in select lists that have no name of their own */
	List *calls;		   /* int: locations of the functions that are called by a name with a schema */
	List *insertions;	   /* Insertion */
	MemoryContext context; /* of the insertions, which outlive the analysis */
} NameSearch;

/* A column of a table. */
typedef struct Origin
{
	Oid relation;
	AttrNumber column;
} Origin;

static const Origin no_origin = { InvalidOid, 0 };

static void
insert_text(NameSearch *search, const char *at, const char *text)
{
	int position = (int) (at - search->query);
	MemoryContext caller;
	Insertion *insertion;

	if (position < search->begin || position > search->end)
		return;
	caller = MemoryContextSwitchTo(search->context);
	insertion = palloc(sizeof(Insertion));
	insertion->position = position;
	insertion->text = pstrdup(text);
	search->insertions = lappend(search->insertions, insertion);
	MemoryContextSwitchTo(caller);
}

/* Returns whether an identifier stands here and is this name. */
static bool
is_name(const char *at, const char *end, const char *name)
{
	char *plain;

	if (end == at)
		return false;
	if (*at != '"')
		return strcmp(downcase_truncate_identifier(at, (int) (end - at), false), name) == 0;
	plain = pnstrdup(at + 1, end - at - 2);
	for (char *in = plain, *out = plain;; in++)
	{
		if (in[0] == '"' && in[1] == '"')
			in++;
		*out++ = *in;
		if (*in == '\0')
			return strcmp(plain, name) == 0;
	}
}

/* Returns the end of so many names with dots between them, of which the last is given; NULL without them. */
static const char *
qualified_name_end(const char *at, int names, const char *last)
{
	for (; names > 1; names--)
	{
		at = identifier_end(at) == at ? NULL : identifier_next(identifier_end(at));
		if (at == NULL)
			return NULL;
	}
	return is_name(at, identifier_end(at), last) ? identifier_end(at) : NULL;
}

/* ----- the raw tree: tables, types, calls and strings */

/* Marks a qualified table.  Without an alias it gets its name as one, so that references to it stay valid. */
static void
mark_table(NameSearch *search, RangeVar *table)
{
	Oid relation = table->schemaname != NULL ? RangeVarGetRelid(table, NoLock, true) : InvalidOid;
	const char *begin = search->query + table->location;
	const char *end;

	if (!OidIsValid(relation) || table->location < 0 || table->catalogname != NULL ||
		get_rel_namespace(relation) == PG_CATALOG_NAMESPACE)
		return;
	end = qualified_name_end(begin, 2, table->relname);
	if (end == NULL)
		return;
	insert_text(search, begin, name_mark(relation, NAME_OF_TABLE));
	if (table->alias == NULL)
		insert_text(search, end, psprintf(" AS %s", quote_identifier(table->relname)));
}

/* Marks a qualified type.  The row type of a table is one, too: it proves no privilege on the table. */
static void
mark_type(NameSearch *search, TypeName *type)
{
	const char *at = search->query + type->location;
	Oid found;

	if (list_length(type->names) != 2 || type->location < 0 ||
		qualified_name_end(at, 2, strVal(lsecond(type->names))) == NULL)
		return;
	found = LookupTypeNameOid(NULL, type, true);
	if (type->arrayBounds != NIL)
		found = get_element_type(found);
	if (OidIsValid(found) && strcmp(strVal(linitial(type->names)), "pg_catalog") != 0)
		insert_text(search, at, name_mark(found, NAME_OF_TYPE));
}

/* Marks a string that is cast to type "name", if it names a column of the watched table. */
static void
mark_string(NameSearch *search, TypeCast *cast)
{
	A_Const *constant = (A_Const *) cast->arg;
	AttrNumber column;

	if (!IsA(constant, A_Const) || !IsA(&constant->val, String) ||
		strcmp(strVal(llast(cast->typeName->names)), "name") != 0 || cast->typeName->arrayBounds != NIL)
		return;
	column = get_attnum(search->relation, strVal(&constant->val));
	if (column > 0)
		insert_text(search, search->query + constant->location, name_mark(search->relation, column));
}

static bool
walk_raw(Node *node, NameSearch *search)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeVar))
		mark_table(search, (RangeVar *) node);
	else if (IsA(node, TypeName))
		mark_type(search, (TypeName *) node);
	else if (IsA(node, FuncCall) && list_length(((FuncCall *) node)->funcname) == 2)
		search->calls = lappend_int(search->calls, ((FuncCall *) node)->location);
	else if (IsA(node, TypeCast))
		mark_string(search, (TypeCast *) node);
	else if (IsA(node, ResTarget) && ((ResTarget *) node)->name == NULL && IsA(((ResTarget *) node)->val, ColumnRef))
		search->unnamed = lappend_int(search->unnamed, ((ColumnRef *) ((ResTarget *) node)->val)->location);
	return raw_expression_tree_walker(node, walk_raw, search);
}

/* ----- the analysis: references to columns */

/* Returns the column of a function that returns rows of a table. */
static Origin
origin_in_function(RangeTblEntry *rte, AttrNumber column)
{
	RangeTblFunction *function = linitial(rte->functions);

	if (list_length(rte->functions) != 1 || rte->funcordinality || function->funccolnames != NIL)
		return no_origin;
	return (Origin){ typeidTypeRelid(exprType(function->funcexpr)), column };
}

/* Returns the table's column whose name a variable has.  "levels" are the range tables, the innermost first. */
static Origin
origin_of(Var *var, List *levels, const NameSearch *search)
{
	RangeTblEntry *rte;
	TargetEntry *entry;

	if (var->varattno <= 0 || var->varlevelsup >= list_length(levels))
		return no_origin;
	levels = list_copy_tail(levels, var->varlevelsup);
	rte = rt_fetch(var->varno, (List *) linitial(levels));
	if (rte->alias != NULL && list_length(rte->alias->colnames) >= var->varattno)
		return no_origin;
	if (rte->rtekind == RTE_RELATION || rte->rtekind == RTE_NAMEDTUPLESTORE)
		return (Origin){ rte->relid, var->varattno };
	if (rte->rtekind == RTE_FUNCTION)
		return origin_in_function(rte, var->varattno);
	if (rte->rtekind != RTE_SUBQUERY)
		return no_origin;
	entry = get_tle_by_resno(rte->subquery->targetList, var->varattno);
	if (entry == NULL || !IsA(entry->expr, Var))
		return no_origin;
	if (rte->subquery->setOperations == NULL && !list_member_int(search->unnamed, ((Var *) entry->expr)->location))
		return no_origin;
	return origin_of((Var *) entry->expr, lcons(rte->subquery->rtable, levels), search);
}

/* A hook of the parser, which has resolved a reference: marks it if it has the name of a table's column. */
static Node *
mark_column(ParseState *pstate, ColumnRef *reference, Node *resolved)
{
	NameSearch *search = pstate->p_ref_hook_state;
	List *levels = NIL;
	Origin origin;

	if (resolved == NULL || !IsA(resolved, Var) || !IsA(llast(reference->fields), String) || reference->location < 0 ||
		qualified_name_end(search->query + reference->location, list_length(reference->fields),
						   strVal(llast(reference->fields))) == NULL)
		return NULL;
	for (ParseState *level = pstate; level != NULL; level = level->parentParseState)
		levels = lappend(levels, level->p_rtable);
	origin = origin_of((Var *) resolved, levels, search);
	if (OidIsValid(origin.relation))
		insert_text(search, search->query + reference->location, name_mark(origin.relation, origin.column));
	return NULL;
}

static Node *
resolve_parameter(ParseState *pstate, ParamRef *reference)
{
	NameSearch *search = pstate->p_ref_hook_state;
	Param *param;

	if (reference->number != 1 || !OidIsValid(search->parameter))
		return NULL;
	param = makeNode(Param);
	param->paramkind = PARAM_EXTERN;
	param->paramid = reference->number;
	param->paramtype = search->parameter;
	param->paramtypmod = -1;
	param->paramcollid = get_typcollation(param->paramtype);
	param->location = reference->location;
	return (Node *) param;
}

static void
set_hooks(ParseState *pstate, void *search)
{
	pstate->p_ref_hook_state = search;
	pstate->p_post_columnref_hook = mark_column;
	pstate->p_paramref_hook = resolve_parameter;
}

/* ----- the analyzed query: functions */

static void
mark_function(NameSearch *search, Oid function, int location)
{
	const char *at = search->query + location;
	char *name = get_func_name(function);

	if (list_member_int(search->calls, location) && name != NULL && qualified_name_end(at, 2, name) != NULL &&
		get_func_namespace(function) != PG_CATALOG_NAMESPACE)
		insert_text(search, at, name_mark(function, NAME_OF_FUNCTION));
}

static bool
walk_analyzed(Node *node, void *search)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, walk_analyzed, search, 0);
	if (IsA(node, FuncExpr))
		mark_function(search, ((FuncExpr *) node)->funcid, ((FuncExpr *) node)->location);
	else if (IsA(node, Aggref))
		mark_function(search, ((Aggref *) node)->aggfnoid, ((Aggref *) node)->location);
	else if (IsA(node, WindowFunc))
		mark_function(search, ((WindowFunc *) node)->winfnoid, ((WindowFunc *) node)->location);
	return expression_tree_walker(node, walk_analyzed, search);
}

/* ----- the result */

static int
compare_insertions(const ListCell *a, const ListCell *b)
{
	return ((Insertion *) lfirst(a))->position - ((Insertion *) lfirst(b))->position;
}

/* The server may analyze an expression twice: its names are marked once. */
static char *
insert_all(NameSearch *search)
{
	StringInfoData out;
	int done = search->begin;
	int last = -1;
	ListCell *cell;

	initStringInfo(&out);
	list_sort(search->insertions, compare_insertions);
	foreach (cell, search->insertions)
	{
		Insertion *insertion = lfirst(cell);

		if (insertion->position == last)
			continue;
		last = insertion->position;
		appendBinaryStringInfo(&out, search->query + done, insertion->position - done);
		appendStringInfoString(&out, insertion->text);
		done = insertion->position;
	}
	appendBinaryStringInfo(&out, search->query + done, search->end - done);
	return out.data;
}

char *
name_marker_mark(const NamesToMark *names)
{
	char *sql = name_marks_remove(pstrdup(names->sql));
	NameSearch search = { .relation = names->relation, .parameter = names->parameter, .context = CurrentMemoryContext };
	ListCell *cell;

	search.query = psprintf("%s%s%s", names->before, sql, names->after);
	search.begin = (int) strlen(names->before);
	search.end = search.begin + (int) strlen(sql);
	foreach (cell, raw_parser(search.query, RAW_PARSE_DEFAULT))
		walk_raw(((RawStmt *) lfirst(cell))->stmt, &search);
	query_analyze(search.query, set_hooks, walk_analyzed, &search);
	return insert_all(&search);
}

PG_FUNCTION_INFO_V1(herald_mark_names);

/* herald_internal.mark_names(relation, before, sql, after, parameter): only the owner of the table may ask. */
Datum
herald_mark_names(PG_FUNCTION_ARGS)
{
	Relation relation = owned_table_open(PG_GETARG_OID(0));
	NamesToMark names = { RelationGetRelid(relation) };
	Tuplestorestate *none = tuplestore_begin_heap(false, false, work_mem);
	QueryScope scope;
	Datum result;

	names.before = text_to_cstring(PG_GETARG_TEXT_PP(1));
	names.sql = text_to_cstring(PG_GETARG_TEXT_PP(2));
	names.after = text_to_cstring(PG_GETARG_TEXT_PP(3));
	names.parameter = PG_GETARG_OID(4);
	query_begin(&scope);
	query_lend(&scope, relation->rd_rel->relowner);
	query_offer("herald_new", none, NULL, RelationGetRelid(relation));
	query_offer("herald_old", none, NULL, RelationGetRelid(relation));
	query_offer("herald_pair", none, user_block_pair_shape(), InvalidOid);
	result = query_text_for_caller(name_marker_mark(&names));
	query_end(&scope);
	tuplestore_end(none);
	table_close(relation, NoLock);
	PG_RETURN_DATUM(result);
}
