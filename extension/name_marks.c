/*-------------------------------------------------------------------------
 *
 * name_marks.c
 *	  Puts the present names of columns, tables, functions and types into saved SQL.
 *
 * 1. A mark is a comment before a name: "DATABASE.TABLE.COLUMN" with the OID of the
 *	  table and the number of the column.  In place of the number, 0 stands for the name
 *	  of the table itself, -1 for that of a function and -2 for that of a type with the
 *	  OID.  The name of a column may have qualifiers before it, or be a string.
 *
 * 2. herald_internal.follow_names() puts the present names behind the marks, as the
 *	  server does in views.  admin/name_marker.c adds marks.
 *
 * 3. DATABASE is a hash of the cluster and the database.  After a dump is restored
 *	  elsewhere, OIDs and numbers mean other things: such marks have no effect, and
 *	  the names are those of the dump.
 *
 * 4. The doctor takes a mark as a proof that the rule's owner had the privilege.  So
 *	  marks in SQL that users write are removed, and no name brings one in.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "name_marks.h"

#define MARK_BEGIN "/*@"
#define MARK_END "*/"

/* A mark in a text. */
typedef struct NameMark
{
	uint32 database;
	Oid object;		   /* a table, function or type */
	AttrNumber column; /* of the table, or a NameKind */
	const char *end;   /* where the name begins */
} NameMark;

static uint32
database_tag(void)
{
	uint64 cluster = GetSystemIdentifier();

	return murmurhash32((uint32) cluster) ^ murmurhash32((uint32) (cluster >> 32)) ^ murmurhash32(MyDatabaseId);
}

char *
name_mark(Oid object, AttrNumber column)
{
	return psprintf(MARK_BEGIN "%08x.%u.%d" MARK_END, database_tag(), object, column);
}

/* Reads digits of a base, and a text after them; returns the place behind both, or NULL. */
static const char *
read_number(const char *at, int base, const char *after, unsigned long *number)
{
	char *end;

	if (!isxdigit((unsigned char) *at))
		return NULL;
	*number = strtoul(at, &end, base);
	return strncmp(end, after, strlen(after)) == 0 ? end + strlen(after) : NULL;
}

/* Reads the mark that begins here; returns false if none does.  A session that loads a rule reads each of its marks. */
static bool
read_mark(const char *at, NameMark *mark)
{
	unsigned long database;
	unsigned long object;
	unsigned long column;
	bool negative;

	if (strncmp(at, MARK_BEGIN, strlen(MARK_BEGIN)) != 0)
		return false;
	at = read_number(at + strlen(MARK_BEGIN), 16, ".", &database);
	at = at != NULL ? read_number(at, 10, ".", &object) : NULL;
	negative = at != NULL && *at == '-';
	at = at != NULL ? read_number(at + negative, 10, MARK_END, &column) : NULL;
	if (at == NULL || object > PG_UINT32_MAX)
		return false;
	*mark = (NameMark){ (uint32) database, (Oid) object, (AttrNumber) (negative ? -(int) column : (int) column), at };
	return true;
}

const char *
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

const char *
identifier_next(const char *end)
{
	end += strspn(end, " \t\r\n\f");
	return *end == '.' ? end + 1 + strspn(end + 1, " \t\r\n\f") : NULL;
}

static bool
is_string(const char *at)
{
	return at[0] == '\'' || (at[0] == 'E' && at[1] == '\'');
}

/* Returns the end of the string that begins here. */
static const char *
string_end(const char *at)
{
	bool escapes = *at == 'E';

	for (at += escapes ? 2 : 1; *at != '\0' && !(at[0] == '\'' && at[1] != '\''); at++)
	{
		if ((*at == '\'' || (escapes && *at == '\\')) && at[1] != '\0')
			at++;
	}
	return *at == '\'' ? at + 1 : at;
}

/* Removes the marks of one pass; returns whether there were any. */
static bool
remove_marks(char *sql)
{
	const char *in = sql;
	char *out = sql;
	NameMark mark;

	for (const char *at = strstr(in, MARK_BEGIN); at != NULL; at = strstr(at, MARK_BEGIN))
	{
		if (!read_mark(at, &mark))
		{
			at++;
			continue;
		}
		memmove(out, in, at - in);
		out += at - in;
		in = at = mark.end;
	}
	memmove(out, in, strlen(in) + 1);
	return in != sql;
}

/* Parts of a text can become a mark when one between them goes. */
char *
name_marks_remove(char *sql)
{
	while (remove_marks(sql))
		;
	return sql;
}

/* Returns the present name of a column; NULL if it exists no more. */
static char *
column_name(const NameMark *mark)
{
	HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(mark->object), Int16GetDatum(mark->column));
	char *name = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	if (!((Form_pg_attribute) GETSTRUCT(tuple))->attisdropped)
		name = pstrdup(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
	ReleaseSysCache(tuple);
	return name;
}

/* Returns a name, quoted, with that of its schema; NULL without a name. */
static char *
name_in_schema(char *name, Oid schema)
{
	return name == NULL ? NULL : quote_qualified_identifier(get_namespace_name(schema), name);
}

static char *
type_name(Oid type)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form;
	char *name;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_type) GETSTRUCT(tuple);
	name = name_in_schema(NameStr(form->typname), form->typnamespace);
	ReleaseSysCache(tuple);
	return name;
}

/* Returns the present name of an object of this database; NULL if it exists no more. */
static char *
object_name(const NameMark *mark)
{
	switch (mark->column)
	{
		case NAME_OF_TABLE:
			return name_in_schema(get_rel_name(mark->object), get_rel_namespace(mark->object));
		case NAME_OF_FUNCTION:
			return name_in_schema(get_func_name(mark->object), get_func_namespace(mark->object));
		case NAME_OF_TYPE:
			return type_name(mark->object);
		default:
			return column_name(mark);
	}
}

/*
 * Returns the present name behind a mark; NULL if its object exists no more, or belongs to another database.  A name
 * that a mark begins in is not followed: a rename would forge a mark of any object.
 */
static char *
present_name(const NameMark *mark)
{
	char *name = mark->database == database_tag() ? object_name(mark) : NULL;

	return name != NULL && strstr(name, MARK_BEGIN) == NULL ? name : NULL;
}

/* Copies the qualifiers of a column, and returns the place after them. */
static const char *
copy_qualifiers(const char *at, StringInfo out)
{
	const char *next;

	while ((next = identifier_next(identifier_end(at))) != NULL && identifier_end(next) != next)
	{
		appendBinaryStringInfo(out, at, (int) (next - at));
		at = next;
	}
	return at;
}

/* Writes a present name, and returns the place after the former one. */
static const char *
replace_name(const NameMark *mark, const char *present, StringInfo out)
{
	const char *at = mark->end;

	if (is_string(at))
	{
		appendStringInfoString(out, quote_literal_cstr(present));
		return string_end(at);
	}
	if (mark->column <= NAME_OF_TABLE)
	{
		const char *next = identifier_next(identifier_end(at));

		appendStringInfoString(out, present);
		return identifier_end(next != NULL ? next : at);
	}
	at = copy_qualifiers(at, out);
	appendStringInfoString(out, quote_identifier(present));
	return identifier_end(at);
}

PG_FUNCTION_INFO_V1(herald_follow_names);
PG_FUNCTION_INFO_V1(herald_plain_sql);
PG_FUNCTION_INFO_V1(herald_has_stale_marks);
PG_FUNCTION_INFO_V1(herald_database_tag);

/* herald_internal.follow_names(sql) returns a query with the present names behind its marks. */
Datum
herald_follow_names(PG_FUNCTION_ARGS)
{
	const char *in = text_to_cstring(PG_GETARG_TEXT_PP(0));
	StringInfoData out;
	NameMark mark;

	initStringInfo(&out);
	while (*in != '\0')
	{
		char *present = read_mark(in, &mark) ? present_name(&mark) : NULL;

		if (present == NULL)
		{
			appendStringInfoChar(&out, *in++);
			continue;
		}
		appendBinaryStringInfo(&out, in, (int) (mark.end - in));
		in = replace_name(&mark, present, &out);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* herald_internal.plain_sql(sql) returns a query without marks. */
Datum
herald_plain_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(name_marks_remove(text_to_cstring(PG_GETARG_TEXT_PP(0)))));
}

/* herald_internal.has_stale_marks(sql) returns whether a mark means nothing here. */
Datum
herald_has_stale_marks(PG_FUNCTION_ARGS)
{
	NameMark mark;

	for (const char *at = text_to_cstring(PG_GETARG_TEXT_PP(0)); (at = strstr(at, MARK_BEGIN)) != NULL; at++)
	{
		if (read_mark(at, &mark) && present_name(&mark) == NULL)
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
