/*-------------------------------------------------------------------------
 *
 * notification_row.c
 *	  The columns of the inbox, and a row's form for clients.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "compat.h"
#include "json_string.h"
#include "json_time.h"
#include "write/notification_row.h"

/* Causes up to so many bytes are kept as they are. */
#define LONGEST_CAUSE 200

/* The text before a value, of the first key of an object and of the others. */
#define FIRST_KEY(name) "\"" name "\" : "
#define KEY(name) ", " FIRST_KEY(name)

/* Appends a key with the text in a column. */
static void
append_text(StringInfo json, const char *key, const Datum *values, const bool *nulls, NotificationColumn column)
{
	appendStringInfoString(json, key);
	if (nulls[column - 1])
		appendStringInfoString(json, "null");
	else
		json_append_string(json, DatumGetTextPP(values[column - 1]));
}

static void
append_actor(StringInfo json, const Datum *values, const bool *nulls)
{
	appendStringInfoString(json, KEY("actor"));
	if (nulls[NOTIFICATION_ACTOR_ID - 1])
	{
		appendStringInfoString(json, "null");
		return;
	}
	append_text(json, "{" FIRST_KEY("id"), values, nulls, NOTIFICATION_ACTOR_ID);
	append_text(json, KEY("name"), values, nulls, NOTIFICATION_ACTOR_NAME);
	appendStringInfoChar(json, '}');
}

char *
notification_row_json(const Datum *values, const bool *nulls, bool read)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{" FIRST_KEY("id") "\"");
	json_append_number(&json, DatumGetInt64(values[NOTIFICATION_ID - 1]));
	append_text(&json, "\"" KEY("type"), values, nulls, NOTIFICATION_TYPE);
	append_text(&json, KEY("userId"), values, nulls, NOTIFICATION_RECIPIENT_ID);
	append_text(&json, KEY("actorId"), values, nulls, NOTIFICATION_ACTOR_ID);
	append_actor(&json, values, nulls);
	append_text(&json, KEY("title"), values, nulls, NOTIFICATION_TITLE);
	append_text(&json, KEY("content"), values, nulls, NOTIFICATION_CONTENT);
	appendStringInfoString(&json, KEY("data"));
	(void) JsonbToCString(&json, &DatumGetJsonbP(values[NOTIFICATION_DATA - 1])->root, 0);
	append_text(&json, KEY("subjectType"), values, nulls, NOTIFICATION_SUBJECT_TYPE);
	append_text(&json, KEY("subjectId"), values, nulls, NOTIFICATION_SUBJECT_ID);
	appendStringInfoString(&json, read ? KEY("read") "true" : KEY("read") "false");
	appendStringInfoString(&json, KEY("createdAt"));
	json_append_time(&json, DatumGetTimestampTz(values[NOTIFICATION_CREATED_AT - 1]));
	appendStringInfoChar(&json, '}');
	return json.data;
}

Datum
notification_row_cause(Datum cause)
{
	List *digest;

	if (VARSIZE_ANY_EXHDR(PG_DETOAST_DATUM_PACKED(cause)) <= LONGEST_CAUSE)
		return cause;
	digest = list_make2(makeString("herald_internal"), makeString("digest_parts"));
	return OidFunctionCall1Coll(LookupFuncName(digest, -1, NULL, false), DEFAULT_COLLATION_OID, cause);
}

PG_FUNCTION_INFO_V1(herald_kept_cause);

/* herald_internal.kept_cause(cause) returns a cause as the inbox keeps it. */
Datum
herald_kept_cause(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(notification_row_cause(PG_GETARG_DATUM(0)));
}

PG_FUNCTION_INFO_V1(herald_notification_json);

/* herald_internal.notification_json(n, read) returns a notification in the form for clients. */
Datum
herald_notification_json(PG_FUNCTION_ARGS)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	TupleDesc shape = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
	HeapTupleData tuple = { .t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row };
	Datum *values = palloc(sizeof(Datum) * shape->natts);
	bool *nulls = palloc(sizeof(bool) * shape->natts);

	Assert(shape->natts >= NOTIFICATION_COLUMNS);
	heap_deform_tuple(&tuple, shape, values, nulls);
	ReleaseTupleDesc(shape);
	PG_RETURN_TEXT_P(cstring_to_text(notification_row_json(values, nulls, PG_GETARG_BOOL(1))));
}
