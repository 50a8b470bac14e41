/*-------------------------------------------------------------------------
 *
 * name_resolution.c
 *	  Writes the schemas of names into an expression of the application.
 *
 * A rule runs with a pinned search path, so its names are resolved once, when the
 * table is watched:
 *
 * 1. The server parses the expression inside a query that supplies its rows, with
 *	  the caller's schemas as search path, as the owner of the table.  Nothing runs.
 *
 * 2. The raw parse tree has the position of each name, the analyzed tree the object
 *	  that it stands for.  Names outside pg_catalog get their schema.
 *
 * 3. An operator in a form without its name, such as IN, cannot get a schema.  It is
 *	  an error: with the pinned search path it could be another operator.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "admin/owned_table.h"
#include "compat.h"
#include "function_path.h"
#include "message.h"
#include "query.h"

typedef enum NameKind
{
	NAME_FUNCTION,
	NAME_OPERATOR,
	NAME_TYPE,
	NAME_RELATION,
	NAME_QUALIFIED /* has its schema */
} NameKind;

/* A name in the text, at an offset in bytes. */
typedef struct WrittenName
{
	NameKind kind;
	int location;
	const char *name;
	Oid schema; /* to write in front of it; InvalidOid: none */
} WrittenName;

/* One resolution: of the bytes from begin to end of the text. */
typedef struct Resolution
{
	const char *argument; /* the name of the expression */
	const char *text;
	int begin;
	int end;
	List *names;		 /* of WrittenName */
	List *common_tables; /* names of WITH queries, of char * */
} Resolution;

static bool
is_inside(const Resolution *resolution, int location)
{
	return location >= resolution->begin && location < resolution->end;
}

/* ----- the raw tree: where are names? */

static void
add_name(Resolution *resolution, NameKind kind, int location, const char *name, Oid schema)
{
	WrittenName *added;

	if (!is_inside(resolution, location))
		return;
	added = palloc(sizeof(WrittenName));
	added->kind = kind;
	added->location = location;
	added->name = name;
	added->schema = schema;
	resolution->names = lappend(resolution->names, added);
}

static NameKind
kind_unless_qualified(const List *name, NameKind kind)
{
	return list_length(name) == 1 ? kind : NAME_QUALIFIED;
}

/* Adds an operator that stands in the text by its name. */
static void
add_operator(Resolution *resolution, const A_Expr *expression)
{
	const char *name = strVal(llast(expression->name));
	bool by_name = list_length(expression->name) > 1 ||
				   strncmp(resolution->text + expression->location, name, strlen(name)) == 0 ||
				   (strcmp(name, "<>") == 0 && strncmp(resolution->text + expression->location, "!=", 2) == 0);

	if (by_name)
		add_name(resolution, kind_unless_qualified(expression->name, NAME_OPERATOR), expression->location, name,
				 InvalidOid);
}

static void
add_type(Resolution *resolution, TypeName *type)
{
	Type found;

	if (list_length(type->names) != 1 || !is_inside(resolution, type->location))
		return;
	found = LookupTypeName(NULL, type, NULL, true);
	if (found == NULL)
		return;
	add_name(resolution, NAME_TYPE, type->location, strVal(linitial(type->names)),
			 ((Form_pg_type) GETSTRUCT(found))->typnamespace);
	ReleaseSysCache(found);
}

static void
add_relation(Resolution *resolution, const RangeVar *relation)
{
	if (relation->schemaname == NULL)
		add_name(resolution, NAME_RELATION, relation->location, relation->relname, InvalidOid);
}

static bool
collect_names(Node *node, Resolution *resolution)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_FuncCall:
			add_name(resolution, kind_unless_qualified(((FuncCall *) node)->funcname, NAME_FUNCTION),
					 ((FuncCall *) node)->location, NULL, InvalidOid);
			break;
		case T_A_Expr:
			add_operator(resolution, (A_Expr *) node);
			break;
		case T_TypeName:
			add_type(resolution, (TypeName *) node);
			break;
		case T_RangeVar:
			add_relation(resolution, (RangeVar *) node);
			break;
		case T_CommonTableExpr:
			resolution->common_tables = lappend(resolution->common_tables, ((CommonTableExpr *) node)->ctename);
			break;
		default:
			break;
	}
	return raw_expression_tree_walker(node, collect_names, resolution);
}

static bool
is_common_table(const Resolution *resolution, const char *name)
{
	ListCell *cell;

	foreach (cell, resolution->common_tables)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	}
	return false;
}

/* Finds the schemas of tables.  It runs after collect_names(): the names of WITH queries come late. */
static void
resolve_relations(Resolution *resolution)
{
	ListCell *cell;

	foreach (cell, resolution->names)
	{
		WrittenName *name = lfirst(cell);

		if (name->kind == NAME_RELATION && !is_common_table(resolution, name->name))
			name->schema = get_rel_namespace(RelnameGetRelid(name->name));
	}
}

/* ----- the analyzed tree: what do names stand for? */

/* Notes the schema of an object at a location of the text. */
static void
note_use(Resolution *resolution, NameKind kind, int location, Oid schema, const char *object)
{
	ListCell *cell;

	if (schema == PG_CATALOG_NAMESPACE || !is_inside(resolution, location))
		return;
	foreach (cell, resolution->names)
	{
		WrittenName *name = lfirst(cell);

		if (name->location != location || (name->kind != kind && name->kind != NAME_QUALIFIED))
			continue;
		if (name->kind == kind)
			name->schema = schema;
		return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot keep the schema of \"%s\" in this form", object),
			 errhint(kind == NAME_OPERATOR ? "Write the operator with its schema: x OPERATOR(%s.%s) y, or = ANY (...) instead of IN." : "Write it as a call with its schema: %s.%s(...).",
					 quote_identifier(get_namespace_name(schema)), object)));
}

static void
note_function(Resolution *resolution, int location, Oid function)
{
	note_use(resolution, NAME_FUNCTION, location, get_func_namespace(function), get_func_name(function));
}

static void
note_operator(Resolution *resolution, int location, Oid operator)
{
	HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_operator) GETSTRUCT(tuple);
	note_use(resolution, NAME_OPERATOR, location, form->oprnamespace, pstrdup(NameStr(form->oprname)));
	ReleaseSysCache(tuple);
}

static bool
collect_uses(Node *node, Resolution *resolution)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Query:
			return query_tree_walker((Query *) node, collect_uses, resolution, 0);
		case T_FuncExpr:
			if (((FuncExpr *) node)->funcformat == COERCE_EXPLICIT_CALL)
				note_function(resolution, ((FuncExpr *) node)->location, ((FuncExpr *) node)->funcid);
			break;
		case T_Aggref:
			note_function(resolution, ((Aggref *) node)->location, ((Aggref *) node)->aggfnoid);
			break;
		case T_WindowFunc:
			note_function(resolution, ((WindowFunc *) node)->location, ((WindowFunc *) node)->winfnoid);
			break;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			note_operator(resolution, ((OpExpr *) node)->location, ((OpExpr *) node)->opno);
			break;
		case T_ScalarArrayOpExpr:
			note_operator(resolution, ((ScalarArrayOpExpr *) node)->location, ((ScalarArrayOpExpr *) node)->opno);
			break;
		default:
			break;
	}
	return expression_tree_walker(node, collect_uses, resolution);
}

/* ----- the result */

static int
compare_locations(const ListCell *one, const ListCell *other)
{
	return ((const WrittenName *) lfirst(one))->location - ((const WrittenName *) lfirst(other))->location;
}

/* Returns the text with the schemas in front of the names. */
static char *
write_schemas(Resolution *resolution)
{
	StringInfoData out;
	int at = resolution->begin;
	ListCell *cell;

	initStringInfo(&out);
	list_sort(resolution->names, compare_locations);
	foreach (cell, resolution->names)
	{
		const WrittenName *name = lfirst(cell);
		const char *schema;

		if (!OidIsValid(name->schema) || name->schema == PG_CATALOG_NAMESPACE || name->location < at)
			continue;
		if (isAnyTempNamespace(name->schema))
			ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is temporary", name->name),
							errhint("A rule outlives the session; a temporary object does not.")));
		schema = quote_identifier(get_namespace_name(name->schema));
		appendBinaryStringInfo(&out, resolution->text + at, name->location - at);
		at = name->location;
		if (name->kind == NAME_OPERATOR)
		{
			appendStringInfo(&out, "OPERATOR(%s.%s)", schema, name->name);
			at += (int) strlen(name->name);
		}
		else
			appendStringInfo(&out, "%s.", schema);
	}
	appendBinaryStringInfo(&out, resolution->text + at, resolution->end - at);
	return out.data;
}

/* Lets an error show the expression instead of the statement of the client. */
static void
show_expression(void *argument)
{
	const Resolution *resolution = argument;
	int position = geterrposition() - pg_mbstrlen_with_len(resolution->text, resolution->begin);
	char *expression = pnstrdup(resolution->text + resolution->begin, resolution->end - resolution->begin);

	errcontext(MESSAGE_CONTEXT "argument %s => %s", resolution->argument, quote_literal_cstr(expression));
	if (geterrposition() == 0)
		return;
	errposition(0);
	internalerrquery(expression);
	internalerrposition(Min(Max(position, 1), pg_mbstrlen(expression)));
}

static bool
is_subquery(const char *expression)
{
	const char *word = expression + strspn(expression, " \t\r\n\f");
	size_t length = strcspn(word, " \t\r\n\f(");

	return (length == 6 && (pg_strncasecmp(word, "select", 6) == 0 || pg_strncasecmp(word, "values", 6) == 0)) ||
		   (length == 4 && pg_strncasecmp(word, "with", 4) == 0);
}

/*
 * Raises an error if an expression in parentheses closes them: "1=1) OR (1=1".  Alone it must be a subquery, or fit
 * into brackets.
 */
static void
check_parentheses(const Resolution *resolution)
{
	int length = resolution->end - resolution->begin;
	char *expression = pnstrdup(resolution->text + resolution->begin, length);

	if (resolution->begin == 0 || resolution->text[resolution->begin - 1] != '(')
		return;
	if (is_subquery(expression))
		(void) raw_parser(expression, RAW_PARSE_DEFAULT);
	else
		(void) raw_parser(psprintf("SELECT a[%s]", expression), RAW_PARSE_DEFAULT);
}

/* Parses the text and returns the expression with schemas.  Errors show it. */
static char *
resolve_names(Resolution *resolution)
{
	ErrorContextCallback context = { .previous = error_context_stack, .callback = show_expression, .arg = resolution };
	List *statements;
	Query *query;
	char *result;

	error_context_stack = &context;
	statements = raw_parser(resolution->text, RAW_PARSE_DEFAULT);
	if (list_length(statements) != 1 || !IsA(linitial_node(RawStmt, statements)->stmt, SelectStmt))
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("the expression is not one expression")));
	check_parentheses(resolution);
	collect_names(linitial_node(RawStmt, statements)->stmt, resolution);
	resolve_relations(resolution);
	query = analyze_statement(linitial_node(RawStmt, statements), resolution->text);
	collect_uses((Node *) query, resolution);
	function_path_check(list_make1(query), GetUserId());
	result = write_schemas(resolution);
	error_context_stack = context.previous;
	return result;
}

/* Makes the schemas the search path of the loan.  Temporary tables do not hide those of the schemas. */
static void
set_search_path(ArrayType *schemas)
{
	StringInfoData path;
	Datum *names;
	int count;

	initStringInfo(&path);
	deconstruct_array(schemas, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &count);
	for (int i = 0; i < count; i++)
		appendStringInfo(&path, "%s, ", quote_identifier(TextDatumGetCString(names[i])));
	appendStringInfoString(&path, "pg_temp");
	(void) set_config_option("search_path", path.data, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

PG_FUNCTION_INFO_V1(herald_resolve_names);

/* herald_internal.resolve_names(relation, schemas, argument, before, expression, after) serves the table's owner. */
Datum
herald_resolve_names(PG_FUNCTION_ARGS)
{
	char *before = text_to_cstring(PG_GETARG_TEXT_PP(3));
	char *expression = text_to_cstring(PG_GETARG_TEXT_PP(4));
	Resolution resolution = { .argument = text_to_cstring(PG_GETARG_TEXT_PP(2)) };
	Relation relation = owned_table_open(PG_GETARG_OID(0));
	QueryScope scope;
	Datum result;

	resolution.text = psprintf("%s%s%s", before, expression, text_to_cstring(PG_GETARG_TEXT_PP(5)));
	resolution.begin = (int) strlen(before);
	resolution.end = resolution.begin + (int) strlen(expression);
	query_begin(&scope);
	query_lend(&scope, relation->rd_rel->relowner);
	set_search_path(PG_GETARG_ARRAYTYPE_P(1));
	result = query_text_for_caller(resolve_names(&resolution));
	query_end(&scope);
	table_close(relation, NoLock);
	PG_RETURN_DATUM(result);
}
