/*-------------------------------------------------------------------------
 *
 * notification_type.c
 *	  Finds types of notifications, and fills in their templates.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "own_table.h"
#include "write/notification_type.h"

/* The columns of herald.notification_type. */
enum
{
	TYPE_NAME = 1,
	TYPE_TITLE = 2,
	TYPE_CONTENT = 3,
	TYPE_PRIORITY = 4,
	TYPE_CHANNELS = 8,
	TYPE_REQUIRED = 9
};

static NotificationType *
read_type(const char *name, Snapshot snapshot)
{
	NotificationType *type = palloc0(sizeof(NotificationType));
	OwnScan row = own_scan_equal("herald", "notification_type", "notification_type_pkey", TYPE_NAME,
								 CStringGetTextDatum(name), snapshot);
	bool isnull;

	type->name = pstrdup(name);
	if (own_scan_next(&row))
	{
		type->title = own_scan_text(&row, TYPE_TITLE);
		type->content = own_scan_text(&row, TYPE_CONTENT);
		type->has_priority = true;
		type->priority = DatumGetInt32(own_scan_value(&row, TYPE_PRIORITY, &isnull));
		type->channels = DatumGetArrayTypePCopy(own_scan_value(&row, TYPE_CHANNELS, &isnull));
		type->required = DatumGetBool(own_scan_value(&row, TYPE_REQUIRED, &isnull));
	}
	own_scan_end(&row);
	return type;
}

const NotificationType *
notification_type_find(List **found, const char *name, Snapshot snapshot)
{
	NotificationType *type;
	ListCell *cell;

	foreach (cell, *found)
	{
		type = lfirst(cell);
		if (strcmp(type->name, name) == 0)
			return type;
	}
	type = read_type(name, snapshot);
	*found = lappend(*found, type);
	return type;
}

/* Appends a value and returns true if the text goes on with its placeholder, which is skipped. */
static bool
fill_placeholder(StringInfo filled, const char **text, const char *placeholder, const char *value)
{
	size_t length = strlen(placeholder);

	if (strncmp(*text, placeholder, length) != 0)
		return false;
	appendStringInfoString(filled, value);
	*text += length;
	return true;
}

char *
notification_type_render(const char *text, const char *actor_name, const char *subject_type, const char *content)
{
	StringInfoData filled;

	if (text == NULL)
		return NULL;
	initStringInfo(&filled);
	while (*text != '\0')
	{
		if (*text != '{' || (!fill_placeholder(&filled, &text, "{actor}", actor_name ? actor_name : "Someone") &&
							 !fill_placeholder(&filled, &text, "{subject}", subject_type ? subject_type : "") &&
							 !fill_placeholder(&filled, &text, "{content}", content ? content : "")))
			appendStringInfoCharMacro(&filled, *text++);
	}
	return filled.data;
}

static char *
argument_text(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(number));
}

PG_FUNCTION_INFO_V1(herald_render_template);

/* herald_internal.render_template(template, actor_name, subject_type, content) fills in a template of a type. */
Datum
herald_render_template(PG_FUNCTION_ARGS)
{
	char *filled = notification_type_render(argument_text(fcinfo, 0), argument_text(fcinfo, 1),
											argument_text(fcinfo, 2), argument_text(fcinfo, 3));

	if (filled == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(filled));
}
