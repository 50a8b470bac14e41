/*-------------------------------------------------------------------------
 *
 * notification_type.c
 *	  Finds types of notifications, and fills in their templates.
 *
 * Each backend caches all types until a trigger of herald.notification_type invalidates the table's relcache entry.  So
 * a transaction sees the types as they are now, also if its snapshot is older.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "own_table.h"
#include "relation_change.h"
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

/* The types, as this backend knows them.  Outdated ones may still be in use further up the stack. */
static struct
{
	bool valid;				  /* no invalidation since they were loaded */
	NotificationTypes *types; /* in the context */
	MemoryContext context;	  /* NULL: not loaded */
	Oid table;				  /* herald.notification_type when they were loaded */
} type_cache;

/* Of names that are no types: they have all channels, and give way to all types. */
static const NotificationType unknown_type = { .priority = PG_INT64_MIN, .channels = { true, true } };

static void
forget_types(Oid relation)
{
	if (!OidIsValid(relation) || relation == type_cache.table)
		type_cache.valid = false;
}

void
notification_type_init(void)
{
	relation_change_register(forget_types);
}

static void
read_type(NotificationType *type, OwnScan *row)
{
	bool isnull;

	type->name = own_scan_text(row, TYPE_NAME);
	type->title = own_scan_text(row, TYPE_TITLE);
	type->content = own_scan_text(row, TYPE_CONTENT);
	type->priority = DatumGetInt32(own_scan_value(row, TYPE_PRIORITY, &isnull));
	type->channels = preference_channels(DatumGetArrayTypeP(own_scan_value(row, TYPE_CHANNELS, &isnull)));
	type->required = DatumGetBool(own_scan_value(row, TYPE_REQUIRED, &isnull));
}

static int
compare_types(const void *a, const void *b)
{
	return strcmp(((const NotificationType *) a)->name, ((const NotificationType *) b)->name);
}

/* Loads all types into the current memory context, as they are now: the cache outlives this transaction. */
static NotificationTypes *
read_types(void)
{
	NotificationTypes *all = palloc0(sizeof(NotificationTypes));
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	static const Oid types[] = { TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, BOOLOID };
	static OwnColumns columns = { .count = lengthof(types), .types = types };
	OwnScan row = own_scan_all("herald", "notification_type", &columns, snapshot);
	int room = 16;

	all->types = palloc(sizeof(NotificationType) * room);
	for (; own_scan_next(&row); all->count++)
	{
		if (all->count == room)
			all->types = repalloc(all->types, sizeof(NotificationType) * (room *= 2));
		read_type(&all->types[all->count], &row);
	}
	own_scan_end(&row);
	UnregisterSnapshot(snapshot);
	qsort(all->types, all->count, sizeof(NotificationType), compare_types);
	return all;
}

/* Fills the cache.  After an error it is empty, and the next call fills it. */
static void
fill_type_cache(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_herald types", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	if (type_cache.context != NULL)
		MemoryContextSetParent(type_cache.context, TopTransactionContext);
	type_cache.context = NULL;
	type_cache.table = own_table_oid("herald", "notification_type");
	type_cache.valid = true; /* an invalidation from here on counts */
	type_cache.types = read_types();
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, CacheMemoryContext);
	type_cache.context = context;
}

const NotificationTypes *
notification_types(void)
{
	AcceptInvalidationMessages();
	if (!type_cache.valid || type_cache.context == NULL)
		fill_type_cache();
	return type_cache.types;
}

const NotificationType *
notification_type_find(const NotificationTypes *types, const char *name)
{
	const NotificationType wanted = { .name = name };
	const NotificationType *found;

	found = bsearch(&wanted, types->types, types->count, sizeof(NotificationType), compare_types);
	return found != NULL ? found : &unknown_type;
}

PG_FUNCTION_INFO_V1(herald_types_changed);

/* herald_internal.types_changed() is the trigger function of herald.notification_type. */
Datum
herald_types_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("herald_internal.types_changed() must be called by a trigger")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	return PointerGetDatum(NULL);
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
