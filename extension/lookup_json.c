/*-------------------------------------------------------------------------
 *
 * lookup_json.c
 *	  Writes JSON objects of a lookup plan by templates.
 *
 * json_build_object() looks up the type of each argument for each row, and writes it
 * byte by byte.  The keys in the rules are constants, and so are some values.  So an
 * object is compiled into literal texts with values between them.  An object within it
 * becomes a part of it.  to_json() writes values of all types but the most common.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "compat.h"
#include "json_string.h"
#include "lookup_json.h"

/* A literal text, and the value behind it. */
typedef struct JsonPart
{
	char *literal;
	int length;
	int column; /* of the value */
	Oid type;	/* of the value */
} JsonPart;

struct JsonObject
{
	int column;
	int count;
	JsonPart *parts;
	char *end; /* the literal text behind the last value */
	int end_length;
};

/* An object that is being compiled. */
typedef struct JsonCompilation
{
	LookupPlan *plan;
	JsonObject *object;
	StringInfoData literal; /* up to here from the last value on */
} JsonCompilation;

static bool
is_object_call(Node *node)
{
	FuncExpr *call = (FuncExpr *) node;

	return IsA(node, FuncExpr) && !call->funcvariadic &&
		   (call->funcid == F_JSON_BUILD_OBJECT_ANY || call->funcid == F_JSON_BUILD_OBJECT_);
}

/* Returns whether a node is a literal that is not null. */
static bool
is_key(Node *node)
{
	const Const *key = (const Const *) node;

	return IsA(node, Const) && !key->constisnull && (key->consttype == TEXTOID || key->consttype == UNKNOWNOID);
}

/* Returns whether a node is a call whose keys are literals. */
static bool
is_object(Node *node)
{
	List *arguments;

	if (!is_object_call(node))
		return false;
	arguments = ((FuncExpr *) node)->args;
	for (int i = 0; i < list_length(arguments); i += 2)
	{
		if (!is_key(list_nth(arguments, i)))
			return false;
	}
	return list_length(arguments) % 2 == 0;
}

/* Returns whether append_value() knows a type. */
static bool
is_common_type(Oid type)
{
	return type == TEXTOID || type == VARCHAROID || type == BOOLOID || type == INT2OID || type == INT4OID ||
		   type == INT8OID || type == JSONOID;
}

static void
append_value(StringInfo json, Oid type, Datum value)
{
	const text *written;

	switch (type)
	{
		case BOOLOID:
			appendStringInfoString(json, DatumGetBool(value) ? "true" : "false");
			return;
		case INT2OID:
			json_append_number(json, DatumGetInt16(value));
			return;
		case INT4OID:
			json_append_number(json, DatumGetInt32(value));
			return;
		case INT8OID:
			json_append_number(json, DatumGetInt64(value));
			return;
		case JSONOID:
			written = DatumGetTextPP(value);
			appendBinaryStringInfo(json, VARDATA_ANY(written), (int) VARSIZE_ANY_EXHDR(written));
			return;
		default:
			Assert(type == TEXTOID || type == VARCHAROID);
			json_append_string(json, DatumGetTextPP(value));
	}
}

/* Returns a literal as a value of a type with a text. */
static Const *
typed_literal(const Const *literal)
{
	Datum value = literal->constvalue;

	if (literal->consttype != UNKNOWNOID)
		return copyObject(unconstify(Const *, literal));
	if (!literal->constisnull)
		value = CStringGetTextDatum(DatumGetCString(value));
	return makeConst(TEXTOID, -1, InvalidOid, -1, value, literal->constisnull, false);
}

/* Adds a value that is not known yet: a further column of the plan. */
static void
add_part(JsonCompilation *work, Node *value)
{
	LookupPlan *plan = work->plan;
	JsonObject *object = work->object;
	AttrNumber number = (AttrNumber) (list_length(plan->target) + 1);
	Size size = sizeof(JsonPart) * (object->count + 1);
	JsonPart *part;

	if (!is_common_type(exprType(value)))
		value = (Node *) makeFuncExpr(F_TO_JSON, JSONOID, list_make1(value), InvalidOid, InvalidOid,
									  COERCE_EXPLICIT_CALL);
	object->parts = object->parts == NULL ? palloc(size) : repalloc(object->parts, size);
	part = &object->parts[object->count++];
	part->literal = pnstrdup(work->literal.data, work->literal.len);
	part->length = work->literal.len;
	part->column = number - 1;
	part->type = exprType(value);
	plan->target = lappend(plan->target, makeTargetEntry((Expr *) value, number, NULL, false));
	resetStringInfo(&work->literal);
}

static void add_members(JsonCompilation *work, const FuncExpr *call);

static void
add_value(JsonCompilation *work, Node *value)
{
	const Const *literal = IsA(value, Const) ? typed_literal((Const *) value) : NULL;

	if (is_object(value))
		add_members(work, (FuncExpr *) value);
	else if (literal != NULL && literal->constisnull)
		appendStringInfoString(&work->literal, "null");
	else if (literal != NULL && is_common_type(literal->consttype))
		append_value(&work->literal, literal->consttype, literal->constvalue);
	else
		add_part(work, value);
}

/* Adds the keys and values of a call. */
static void
add_members(JsonCompilation *work, const FuncExpr *call)
{
	appendStringInfoChar(&work->literal, '{');
	for (int i = 0; i < list_length(call->args); i += 2)
	{
		const Const *key = typed_literal(list_nth(call->args, i));

		if (i > 0)
			appendStringInfoString(&work->literal, ", ");
		json_append_string(&work->literal, DatumGetTextPP(key->constvalue));
		appendStringInfoString(&work->literal, " : ");
		add_value(work, list_nth(call->args, i + 1));
	}
	appendStringInfoChar(&work->literal, '}');
}

void
lookup_json_compile(LookupPlan *plan)
{
	int columns = list_length(plan->target);

	for (int i = 0; i < columns; i++)
	{
		TargetEntry *entry = list_nth(plan->target, i);
		JsonCompilation work = { .plan = plan };

		if (!is_object((Node *) entry->expr))
			continue;
		work.object = palloc0(sizeof(JsonObject));
		work.object->column = i;
		initStringInfo(&work.literal);
		add_members(&work, (FuncExpr *) entry->expr);
		work.object->end = work.literal.data;
		work.object->end_length = work.literal.len;
		entry->expr = (Expr *) makeNullConst(JSONOID, -1, InvalidOid);
		plan->objects = lappend(plan->objects, work.object);
	}
}

static Datum
write_object(const JsonObject *object, const Datum *values, const bool *nulls)
{
	StringInfoData json;

	initStringInfo(&json);
	json.len = VARHDRSZ;
	for (int i = 0; i < object->count; i++)
	{
		const JsonPart *part = &object->parts[i];

		appendBinaryStringInfo(&json, part->literal, part->length);
		if (nulls[part->column])
			appendStringInfoString(&json, "null");
		else
			append_value(&json, part->type, values[part->column]);
	}
	appendBinaryStringInfo(&json, object->end, object->end_length);
	SET_VARSIZE(json.data, json.len);
	return PointerGetDatum(json.data);
}

void
lookup_json_write(const LookupPlan *plan, Datum *values, bool *nulls)
{
	ListCell *cell;

	foreach (cell, plan->objects)
	{
		const JsonObject *object = lfirst(cell);

		values[object->column] = write_object(object, values, nulls);
		nulls[object->column] = false;
	}
}
