/*-------------------------------------------------------------------------
 *
 * event_check.c
 *	  Decides which events a rule may publish.
 *
 * The owner of a watched table writes the SQL of its rules, and what it returns depends on the rows.  So the events
 * are checked when the rule has run.  An owner gains no right by a rule:
 *
 * 1. Names of pg_herald's own events state something that only pg_herald knows.  Names of the protocols would call
 *	  handlers of the client for the connection itself.
 *
 * 2. Only administrators publish to every session, by herald.broadcast() or by a rule of a table that they own.
 *
 * 3. An event puts a user into a room only if rows of the same table decide about such rooms (a room source), and
 *	  changes only totals of the same table.
 *
 * 4. A recheck is of a user, or of rooms with a key that is no prefix ("post:42", not "post" or "*").  It is an event
 *	  for no room, or for any.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "message.h"
#include "write/event_check.h"
#include "write/event_log.h"

/* A name that ends in a colon stands for all names with that beginning. */
static const char *const reserved_names[] = {
	"notification:", "typing:", "room:", "user:online", "user:offline", "post:viewers", /* pg_herald's own events */
	"connect", "disconnect", "disconnecting", "connect_error",							/* events of a Socket.IO client */
	"newListener", "removeListener",													/* ... and of its emitter */
	"open", "error", "welcome",															/* events of other clients */
	"session:disconnect", "session:revoke",												/* for bridges */
};

static bool
name_is_reserved(const char *name, size_t length)
{
	for (size_t i = 0; i < lengthof(reserved_names); i++)
	{
		size_t reserved = strlen(reserved_names[i]);
		bool prefix = reserved_names[i][reserved - 1] == ':';

		if (length >= reserved && (prefix || length == reserved) && memcmp(name, reserved_names[i], reserved) == 0)
			return true;
	}
	return false;
}

static bool
text_is(const text *value, const char *wanted)
{
	return VARSIZE_ANY_EXHDR(value) == strlen(wanted) && memcmp(VARDATA_ANY(value), wanted, strlen(wanted)) == 0;
}

/* Returns whether a text begins with a text of the array. */
static bool
begins_with_any(const text *value, ArrayType *beginnings)
{
	ArrayIterator iterator = array_create_iterator(beginnings, 0, NULL);
	Datum element;
	bool isnull;
	bool found = false;

	while (!found && array_iterate(iterator, &element, &isnull))
	{
		const text *beginning = isnull ? NULL : DatumGetTextPP(element);

		found = beginning != NULL && VARSIZE_ANY_EXHDR(value) >= VARSIZE_ANY_EXHDR(beginning) &&
				memcmp(VARDATA_ANY(value), VARDATA_ANY(beginning), VARSIZE_ANY_EXHDR(beginning)) == 0;
	}
	array_free_iterator(iterator);
	return found;
}

static bool
array_has_number(ArrayType *numbers, int32 wanted)
{
	const int32 *elements = (const int32 *) ARR_DATA_PTR(numbers);
	int count = ArrayGetNItems(ARR_NDIM(numbers), ARR_DIMS(numbers));

	Assert(ARR_ELEMTYPE(numbers) == INT4OID && !ARR_HASNULL(numbers));
	for (int i = 0; i < count; i++)
	{
		if (elements[i] == wanted)
			return true;
	}
	return false;
}

/* Returns whether one of the rooms is "*", the room of every session. */
static bool
includes_everybody(Datum rooms)
{
	ArrayIterator iterator;
	Datum room;
	bool isnull;
	bool found = false;

	iterator = array_create_iterator(DatumGetArrayTypeP(rooms), 0, NULL);
	while (!found && array_iterate(iterator, &room, &isnull))
		found = !isnull && text_is(DatumGetTextPP(room), "*");
	array_free_iterator(iterator);
	return found;
}

static bool
is_administrator(Oid role)
{
	Oid administrators = get_role_oid("herald_admin", true);

	return OidIsValid(administrators) ? is_member_of_role(role, administrators) : superuser_arg(role);
}

/* Returns whether the room in a column is null, or one of which the table's rows decide. */
static bool
may_move_members(TupleTableSlot *event, PublishedColumn column, const EventRights *rights)
{
	return event->tts_isnull[column] ||
		   begins_with_any(DatumGetTextPP(event->tts_values[column]), rights->room_prefixes);
}

/* Returns whether the column has one of these texts. */
static bool
column_is(TupleTableSlot *event, PublishedColumn column, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count && !event->tts_isnull[column]; i++)
	{
		if (text_is(DatumGetTextPP(event->tts_values[column]), texts[i]))
			return true;
	}
	return false;
}

/* Returns whether the recheck is complete, and not one of all rooms with a prefix, or of every session. */
static bool
is_valid_recheck(TupleTableSlot *event)
{
	static const char *const changes[] = { "withdrawn", "granted", "changed" };

	if (!column_is(event, PUBLISHED_ACCESS, changes, lengthof(changes)))
		return false;
	if (event->tts_isnull[PUBLISHED_RECHECK_ROOM])
		return !event->tts_isnull[PUBLISHED_RECHECK_USER];
	return strchr(TextDatumGetCString(event->tts_values[PUBLISHED_RECHECK_ROOM]), ':') != NULL;
}

static bool
has_rooms(TupleTableSlot *event)
{
	ArrayType *rooms = DatumGetArrayTypeP(event->tts_values[PUBLISHED_ROOMS]);

	return ArrayGetNItems(ARR_NDIM(rooms), ARR_DIMS(rooms)) > 0;
}

/* The results of a check. */
typedef enum Verdict
{
	EVENT_ALLOWED,
	EVENT_MISSING, /* a template met a null */
	EVENT_RESERVED,
	EVENT_FOR_EVERYBODY,
	EVENT_MOVES_MEMBERS,
	EVENT_CHANGES_TOTAL,
	EVENT_RECHECKS_EVERYBODY
} Verdict;

static Verdict
check_event(TupleTableSlot *event, const EventRights *rights, Oid owner)
{
	bool is_recheck = !event->tts_isnull[PUBLISHED_ACCESS];
	const text *name;

	if (event->tts_isnull[PUBLISHED_NAME] || event->tts_isnull[PUBLISHED_ROOMS] || !(has_rooms(event) || is_recheck))
		return EVENT_MISSING;
	name = DatumGetTextPP(event->tts_values[PUBLISHED_NAME]);
	if (has_rooms(event) && name_is_reserved(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)))
		return EVENT_RESERVED;
	if (is_recheck && !is_valid_recheck(event))
		return EVENT_RECHECKS_EVERYBODY;
	if (includes_everybody(event->tts_values[PUBLISHED_ROOMS]) && !is_administrator(owner))
		return EVENT_FOR_EVERYBODY;
	if (!may_move_members(event, PUBLISHED_JOINS, rights) || !may_move_members(event, PUBLISHED_LEAVES, rights))
		return EVENT_MOVES_MEMBERS;
	if (!event->tts_isnull[PUBLISHED_COUNTER] &&
		!array_has_number(rights->counters, DatumGetInt32(event->tts_values[PUBLISHED_COUNTER])))
		return EVENT_CHANGES_TOTAL;
	return EVENT_ALLOWED;
}

static char *
name_of_event(TupleTableSlot *event)
{
	return message_line(TextDatumGetCString(event->tts_values[PUBLISHED_NAME]), MESSAGE_LONGEST_NAME);
}

/* Counts a refused event, and describes the first. */
static void
refuse(RefusedEvents *refused, Verdict verdict, TupleTableSlot *event, Oid owner)
{
	if (refused->count++ > 0)
		return;
	refused->sqlstate = verdict == EVENT_RESERVED ? ERRCODE_RESERVED_NAME : ERRCODE_INSUFFICIENT_PRIVILEGE;
	if (verdict == EVENT_RESERVED)
		refused->message = psprintf("event name \"%s\" is reserved", name_of_event(event));
	else if (verdict == EVENT_FOR_EVERYBODY)
		refused->message = psprintf("role \"%s\" may not publish to room \"*\"", GetUserNameFromId(owner, false));
	else if (verdict == EVENT_MOVES_MEMBERS)
		refused->message = pstrdup("the table does not decide about the room that a user joins or leaves");
	else if (verdict == EVENT_CHANGES_TOTAL)
		refused->message = pstrdup("the total is not one of the table");
	else
		refused->message = pstrdup("a recheck needs a user, or a room with an id");
}

/* Removes rooms that are null.  Returns whether there was one: the values of the slot then differ from its tuple. */
static bool
remove_null_rooms(TupleTableSlot *event)
{
	ArrayType *rooms;
	Datum *elements;
	bool *nulls;
	int count;
	int kept = 0;

	if (event->tts_isnull[PUBLISHED_ROOMS])
		return false;
	rooms = DatumGetArrayTypeP(event->tts_values[PUBLISHED_ROOMS]);
	if (!array_contains_nulls(rooms))
		return false;
	deconstruct_array(rooms, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			elements[kept++] = elements[i];
	}
	rooms = construct_array(elements, kept, TEXTOID, -1, false, TYPALIGN_INT);
	event->tts_values[PUBLISHED_ROOMS] = PointerGetDatum(rooms);
	return true;
}

RefusedEvents
event_check_move(Tuplestorestate *from, Tuplestorestate *to, const EventRights *rights, Oid owner)
{
	TupleTableSlot *event = MakeSingleTupleTableSlot(event_log_shape(), &TTSOpsMinimalTuple);
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "pg_herald event check", ALLOCSET_SMALL_SIZES);
	RefusedEvents refused = { 0 };

	while (tuplestore_gettupleslot(from, true, false, event))
	{
		MemoryContext caller = MemoryContextSwitchTo(row);
		Verdict verdict;
		bool changed;

		slot_getallattrs(event);
		changed = remove_null_rooms(event);
		verdict = check_event(event, rights, owner);
		MemoryContextSwitchTo(caller);
		if (verdict == EVENT_ALLOWED && changed)
			tuplestore_putvalues(to, event_log_shape(), event->tts_values, event->tts_isnull);
		else if (verdict == EVENT_ALLOWED)
			tuplestore_puttupleslot(to, event);
		else if (verdict != EVENT_MISSING)
			refuse(&refused, verdict, event, owner);
		MemoryContextReset(row);
	}
	ExecDropSingleTupleTableSlot(event);
	MemoryContextDelete(row);
	tuplestore_clear(from);
	return refused;
}

PG_FUNCTION_INFO_V1(herald_is_reserved_event);

/* herald_internal.is_reserved_event(name) returns whether only pg_herald itself sends events of that name. */
Datum
herald_is_reserved_event(PG_FUNCTION_ARGS)
{
	const text *name = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(name_is_reserved(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)));
}
