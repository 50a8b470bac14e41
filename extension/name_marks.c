/*-------------------------------------------------------------------------
 *
 * name_marks.c
 *	  Lets saved SQL follow the renames of columns and tables, as a view does.
 *
 * 1. A mark is a comment before a name: "DATABASE.TABLE.COLUMN" with the OID of the
 *	  table and the number of the column, or 0 for the name of the table itself.
 *
 * 2. herald_internal.follow_names() puts the present names behind the marks.
 *
 * 3. DATABASE is a hash of the cluster and the database.  After a dump is restored
 *	  elsewhere, OIDs and numbers mean other things: such marks have no effect, and
 *	  the names are those of the dump.
 *
 * 4. A column of a subquery has the name of a table's column if it comes from a star
 *	  or has no name of its own.  Only such references are marked.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_namespace.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "name_marks.h"
#include "query.h"

#define MARK_BEGIN "/*@"
#define MARK_END "*/"

/* A text to insert. */
typedef struct Insertion
{
	int position;
	char *text;
} Insertion;

/* The search for the names in a query. */
typedef struct NameSearch
{
	const char *sql;
	const Oid *types; /* of the parameters */
	int count;
	List *unnamed;		   /* int: locations of the columns and stars in select lists that have no name of their own */
	List *insertions;	   /* Insertion */
	MemoryContext context; /* of the insertions, which outlive the analysis */
} NameSearch;

/* A column of a table. */
typedef struct Origin
{
	Oid relation;
	AttrNumber column;
} Origin;

static uint32
database_tag(void)
{
	uint64 cluster = GetSystemIdentifier();

	return murmurhash32((uint32) cluster) ^ murmurhash32((uint32) (cluster >> 32)) ^ murmurhash32(MyDatabaseId);
}

/* Returns the end of the identifier that begins here; the same place if there is none. */
static const char *
identifier_end(const char *at)
{
	if (*at != '"')
	{
		while (*at == '_' || *at == '$' || IS_HIGHBIT_SET(*at) || isalnum((unsigned char) *at))
			at++;
		return at;
	}
	for (at++; *at != '\0' && !(at[0] == '"' && at[1] != '"'); at++)
	{
		if (*at == '"')
			at++;
	}
	return *at == '"' ? at + 1 : at;
}

/* Returns the place after so many identifiers and dots; NULL if something else stands there. */
static const char *
skip_qualifiers(const char *at, int count)
{
	for (; count > 0; count--)
	{
		const char *end = identifier_end(at);

		if (end == at || *end != '.')
			return NULL;
		at = end + 1;
	}
	return at;
}

static void
insert_text(NameSearch *search, const char *at, const char *text)
{
	MemoryContext caller = MemoryContextSwitchTo(search->context);
	Insertion *insertion = palloc(sizeof(Insertion));

	insertion->position = (int) (at - search->sql);
	insertion->text = pstrdup(text);
	search->insertions = lappend(search->insertions, insertion);
	MemoryContextSwitchTo(caller);
}

static void
insert_mark(NameSearch *search, const char *at, Oid relation, AttrNumber column)
{
	insert_text(search, at, psprintf(MARK_BEGIN "%08x.%u.%d" MARK_END, database_tag(), relation, column));
}

/* Marks a qualified table.  Without an alias it gets its name as one, so that references to it stay valid. */
static void
mark_table(NameSearch *search, RangeVar *table)
{
	Oid relation = table->schemaname != NULL ? RangeVarGetRelid(table, NoLock, true) : InvalidOid;
	const char *begin = search->sql + table->location;
	const char *name = skip_qualifiers(begin, 1);

	if (!OidIsValid(relation) || table->location < 0 || table->catalogname != NULL || name == NULL ||
		get_rel_namespace(relation) == PG_CATALOG_NAMESPACE)
		return;
	insert_mark(search, begin, relation, 0);
	if (table->alias == NULL)
		insert_text(search, identifier_end(name), psprintf(" AS %s", quote_identifier(table->relname)));
}

static bool
walk_raw(Node *node, NameSearch *search)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeVar))
		mark_table(search, (RangeVar *) node);
	else if (IsA(node, ResTarget) && ((ResTarget *) node)->name == NULL && IsA(((ResTarget *) node)->val, ColumnRef))
		search->unnamed = lappend_int(search->unnamed, ((ColumnRef *) ((ResTarget *) node)->val)->location);
	return raw_expression_tree_walker(node, walk_raw, search);
}

/* Returns the table's column whose name a variable has.  "levels" are the range tables, the innermost first. */
static Origin
origin_of(Var *var, List *levels, const NameSearch *search)
{
	Origin none = { InvalidOid, 0 };
	RangeTblEntry *rte;
	TargetEntry *entry;

	if (var->varattno <= 0 || var->varlevelsup >= list_length(levels))
		return none;
	levels = list_copy_tail(levels, var->varlevelsup);
	rte = rt_fetch(var->varno, (List *) linitial(levels));
	if (rte->alias != NULL && list_length(rte->alias->colnames) >= var->varattno)
		return none;
	if (rte->rtekind == RTE_RELATION || rte->rtekind == RTE_NAMEDTUPLESTORE)
		return (Origin){ rte->relid, var->varattno };
	if (rte->rtekind != RTE_SUBQUERY)
		return none;
	entry = get_tle_by_resno(rte->subquery->targetList, var->varattno);
	if (entry == NULL || !IsA(entry->expr, Var) || !list_member_int(search->unnamed, ((Var *) entry->expr)->location))
		return none;
	return origin_of((Var *) entry->expr, lcons(rte->subquery->rtable, levels), search);
}

/* A hook of the parser, which has resolved a reference: marks it if it has the name of a table's column. */
static Node *
mark_column(ParseState *pstate, ColumnRef *reference, Node *resolved)
{
	NameSearch *search = pstate->p_ref_hook_state;
	const char *at;
	List *levels = NIL;
	Origin origin;

	if (resolved == NULL || !IsA(resolved, Var) || !IsA(llast(reference->fields), String) || reference->location < 0)
		return NULL;
	at = skip_qualifiers(search->sql + reference->location, list_length(reference->fields) - 1);
	if (at == NULL)
		return NULL;
	for (ParseState *level = pstate; level != NULL; level = level->parentParseState)
		levels = lappend(levels, level->p_rtable);
	origin = origin_of((Var *) resolved, levels, search);
	if (OidIsValid(origin.relation))
		insert_mark(search, at, origin.relation, origin.column);
	return NULL;
}

static Node *
resolve_parameter(ParseState *pstate, ParamRef *reference)
{
	NameSearch *search = pstate->p_ref_hook_state;
	Param *param;

	if (reference->number < 1 || reference->number > search->count)
		return NULL;
	param = makeNode(Param);
	param->paramkind = PARAM_EXTERN;
	param->paramid = reference->number;
	param->paramtype = search->types[reference->number - 1];
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
	int done = 0;
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
		appendBinaryStringInfo(&out, search->sql + done, insertion->position - done);
		appendStringInfoString(&out, insertion->text);
		done = insertion->position;
	}
	appendStringInfoString(&out, search->sql + done);
	return out.data;
}

char *
name_marks_add(const char *sql, const Oid *types, int count)
{
	NameSearch search = { name_marks_remove(pstrdup(sql)), types, count, NIL, NIL, CurrentMemoryContext };
	ListCell *cell;

	foreach (cell, raw_parser(search.sql, RAW_PARSE_DEFAULT))
		walk_raw(((RawStmt *) lfirst(cell))->stmt, &search);
	query_analyze(search.sql, set_hooks, &search);
	return insert_all(&search);
}

/* Returns the end of the mark that begins here, with its parts; NULL if none does. */
static const char *
read_mark(const char *at, uint32 *tag, Origin *origin)
{
	int length = 0;
	int column;

	if (sscanf(at, MARK_BEGIN "%8x.%u.%d" MARK_END "%n", tag, &origin->relation, &column, &length) != 3 || length == 0)
		return NULL;
	origin->column = (AttrNumber) column;
	return at + length;
}

char *
name_marks_remove(char *sql)
{
	char *out = sql;
	Origin origin;
	uint32 tag;

	for (const char *in = sql; *in != '\0';)
	{
		const char *end = *in == '/' ? read_mark(in, &tag, &origin) : NULL;

		if (end != NULL)
			in = end;
		else
			*out++ = *in++;
	}
	*out = '\0';
	return sql;
}

/* Returns the present name of a column or table, quoted; NULL if it exists no more. */
static char *
present_name(Origin origin)
{
	HeapTuple tuple;
	char *name = NULL;

	if (origin.column == 0)
	{
		name = get_rel_name(origin.relation);
		if (name != NULL)
			name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(origin.relation)), name);
		return name;
	}
	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(origin.relation), Int16GetDatum(origin.column));
	if (!HeapTupleIsValid(tuple))
		return NULL;
	if (!((Form_pg_attribute) GETSTRUCT(tuple))->attisdropped)
		name = pstrdup(quote_identifier(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname)));
	ReleaseSysCache(tuple);
	return name;
}

PG_FUNCTION_INFO_V1(herald_follow_names);
PG_FUNCTION_INFO_V1(herald_plain_sql);
PG_FUNCTION_INFO_V1(herald_has_foreign_marks);
PG_FUNCTION_INFO_V1(herald_database_tag);
PG_FUNCTION_INFO_V1(herald_rename_column);

/* herald_internal.follow_names(sql) returns a query with the present names behind its marks. */
Datum
herald_follow_names(PG_FUNCTION_ARGS)
{
	const char *in = text_to_cstring(PG_GETARG_TEXT_PP(0));
	StringInfoData out;
	Origin origin;
	uint32 tag;

	initStringInfo(&out);
	while (*in != '\0')
	{
		const char *name = *in == '/' ? read_mark(in, &tag, &origin) : NULL;
		char *present = name != NULL && tag == database_tag() ? present_name(origin) : NULL;

		if (present == NULL)
		{
			appendStringInfoChar(&out, *in++);
			continue;
		}
		appendBinaryStringInfo(&out, in, (int) (name - in));
		appendStringInfoString(&out, present);
		in = identifier_end(name);
		if (origin.column == 0 && *in == '.')
			in = identifier_end(in + 1);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* herald_internal.plain_sql(sql) returns a query without marks. */
Datum
herald_plain_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(name_marks_remove(text_to_cstring(PG_GETARG_TEXT_PP(0)))));
}

/* herald_internal.has_foreign_marks(sql) returns whether a query comes from another database. */
Datum
herald_has_foreign_marks(PG_FUNCTION_ARGS)
{
	Origin origin;
	uint32 tag;

	for (const char *at = text_to_cstring(PG_GETARG_TEXT_PP(0)); (at = strstr(at, MARK_BEGIN)) != NULL; at++)
	{
		if (read_mark(at, &tag, &origin) != NULL && tag != database_tag())
			PG_RETURN_BOOL(true);
	}
	PG_RETURN_BOOL(false);
}

/* herald_internal.database_tag() returns the part of a mark that names this database. */
Datum
herald_database_tag(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%08x", database_tag())));
}

/* The search for a column of "post" in a condition. */
typedef struct ColumnSearch
{
	const char *sql;
	const char *name;
	List *places; /* const char *, in the text */
} ColumnSearch;

static bool
find_column(Node *node, ColumnSearch *search)
{
	ColumnRef *reference = (ColumnRef *) node;
	int qualifiers;

	if (node == NULL)
		return false;
	if (!IsA(node, ColumnRef))
		return raw_expression_tree_walker(node, find_column, search);
	qualifiers = list_length(reference->fields) - 1;
	if (!IsA(llast(reference->fields), String) || strcmp(strVal(llast(reference->fields)), search->name) != 0)
		return false;
	if (qualifiers == 0 || (qualifiers == 1 && strcmp(strVal(linitial(reference->fields)), "post") == 0))
		search->places = lappend(search->places,
								 unconstify(char *, skip_qualifiers(search->sql + reference->location, qualifiers)));
	return false;
}

/* herald_internal.rename_column(condition, old_name, new_name) returns a condition over "post" with the new name. */
Datum
herald_rename_column(PG_FUNCTION_ARGS)
{
	static const char select[] = "SELECT ";
	const char *sql = psprintf("%s%s", select, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	ColumnSearch search = { sql, text_to_cstring(PG_GETARG_TEXT_PP(1)), NIL };
	const char *name = quote_identifier(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	const char *done = sql + strlen(select);
	StringInfoData out;
	ListCell *cell;

	foreach (cell, raw_parser(sql, RAW_PARSE_DEFAULT))
		find_column(((RawStmt *) lfirst(cell))->stmt, &search);
	initStringInfo(&out);
	foreach (cell, search.places)
	{
		const char *place = lfirst(cell);

		if (place == NULL || place < done)
			continue;
		appendBinaryStringInfo(&out, done, (int) (place - done));
		appendStringInfoString(&out, name);
		done = identifier_end(place);
	}
	appendStringInfoString(&out, done);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
