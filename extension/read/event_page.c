/*-------------------------------------------------------------------------
 *
 * event_page.c
 *	  Reads a page of events from a window of the event log, with their totals and times.
 *
 * A page ends at a number of events, wanted or not, so that its cost is bounded.  Totals
 * are read when all events of the page are known: each subject once.
 *
 * A row has an event, or announces a notification, or both.  The announcement is an
 * event, too, with the id after that of the row.  A page may end between the two.  The
 * notification is read from the inbox: it says what it said when it was made, since only
 * its state changes.  One that is gone is not announced any more.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "compat.h"
#include "json_time.h"
#include "own_table.h"
#include "read/event_page.h"
#include "read/total.h"
#include "read/window_scan.h"
#include "write/notification_row.h"

/* A row of the log. */
typedef struct LogRow
{
	HeapTuple tuple;
	TupleDesc shape;
	PageEvent event; /* points into the tuple */
} LogRow;

/* A page that is being read. */
typedef struct EventPage
{
	Position *position; /* after the last row so far */
	const PageRequest *request;
	Datum rooms;	  /* those of the request, and that of every session */
	FmgrInfo overlap; /* compares arrays of rooms */
	Relation inbox;	  /* NULL: not opened yet */
	int count;		  /* of events, wanted or not */
	int64 bytes;	  /* of the payloads of wanted events */
	List *events;	  /* PageEvent */
	List *totals;	  /* PageTotal */
} EventPage;

/* An event of the page with a counter, and the total that it changes. */
typedef struct PageTotal
{
	Total total; /* without a subject if its id is too long for a total */
	PageEvent *event;
} PageTotal;

/* Prepares the comparison of rooms.  Room "*" is every session. */
static void
want_rooms(EventPage *page, ArrayType *rooms)
{
	ArrayBuildState *wanted = accumArrayResult(NULL, CStringGetTextDatum("*"), false, TEXTOID, CurrentMemoryContext);
	Datum *elements;
	bool *nulls;
	int count;

	deconstruct_array(rooms, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
		wanted = accumArrayResult(wanted, elements[i], nulls[i], TEXTOID, CurrentMemoryContext);
	page->rooms = makeArrayResult(wanted, CurrentMemoryContext);
	fmgr_info(F_ARRAYOVERLAP, &page->overlap);
}

static bool
has_wanted_room(EventPage *page, Datum rooms)
{
	return page->request->rooms == NULL ||
		   DatumGetBool(FunctionCall2Coll(&page->overlap, DEFAULT_COLLATION_OID, rooms, page->rooms));
}

/* Returns whether an event belongs to the window, has a wanted room, and has not been read in another order. */
static bool
is_wanted(EventPage *page, const PageEvent *event)
{
	const Position *position = page->position;
	uint64 xid = DatumGetUInt64(event->values[EVENT_XID - 1]);

	return snapshot_sees(&position->window_end, xid) && !snapshot_sees(&position->seen, xid) &&
		   !position_has_read(position->also, xid, DatumGetInt64(event->values[EVENT_ID - 1])) &&
		   has_wanted_room(page, event->values[EVENT_ROOMS - 1]);
}

/* Returns the size of a payload as text.  One that is stored out of line or compressed is not fetched. */
static int64
payload_size(Datum payload)
{
	return (int64) toast_raw_datum_size(payload) - VARHDRSZ;
}

static void
note_total(EventPage *page, PageEvent *event)
{
	PageTotal *noted;

	if (event->nulls[EVENT_COUNTER - 1])
		return;
	noted = palloc0(sizeof(PageTotal));
	noted->total.counter = DatumGetInt32(event->values[EVENT_COUNTER - 1]);
	if (!event->nulls[EVENT_COUNTED_ID - 1])
		noted->total.subject = DatumGetTextPP(event->values[EVENT_COUNTED_ID - 1]);
	noted->event = event;
	page->totals = lappend(page->totals, noted);
}

static void
set_value(PageEvent *event, AttrNumber column, Datum value)
{
	event->values[column - 1] = value;
	event->nulls[column - 1] = false;
}

/* Sets the payload of an announcement.  Returns false if the notification is gone. */
static bool
set_notification(EventPage *page, PageEvent *event, Datum recipient_id, Datum notification_id)
{
	Datum values[NOTIFICATION_COLUMNS];
	bool nulls[NOTIFICATION_COLUMNS];
	IndexRange range;
	HeapTuple row;

	if (page->inbox == NULL)
		page->inbox = table_open(own_table_oid("herald", "notification"), AccessShareLock);
	range = index_range_open(page->inbox, "notification_pkey");
	index_range_where(&range, NOTIFICATION_RECIPIENT_ID, BTEqualStrategyNumber, recipient_id);
	index_range_where(&range, NOTIFICATION_ID, BTEqualStrategyNumber, notification_id);
	row = index_range_next(&range);
	if (row != NULL)
	{
		own_row_take(row, RelationGetDescr(page->inbox), NOTIFICATION_COLUMNS, values, nulls);
		set_value(event, EVENT_PAYLOAD, CStringGetTextDatum(notification_row_json(values, nulls, false)));
	}
	index_range_close(&range);
	return row != NULL;
}

static void
keep_event(EventPage *page, PageEvent *event)
{
	page->events = lappend(page->events, event);
	page->bytes += payload_size(event->values[EVENT_PAYLOAD - 1]);
	note_total(page, event);
}

/* Adds the event of a row. */
static void
add_event(EventPage *page, const LogRow *row)
{
	PageEvent *event;

	if (!is_wanted(page, &row->event))
		return;
	event = palloc(sizeof(PageEvent));
	own_row_take(heap_copytuple(row->tuple), row->shape, EVENT_COLUMNS, event->values, event->nulls);
	keep_event(page, event);
}

/* Adds the event for the notification that a row announces. */
static void
add_announcement(EventPage *page, const LogRow *row)
{
	const Datum *values = row->event.values;
	PageEvent *event = palloc0(sizeof(PageEvent));
	Datum recipient_id = values[EVENT_RECIPIENT_ID - 1];
	Datum room = CStringGetTextDatum(psprintf("user:%s", TextDatumGetCString(recipient_id)));

	memset(event->nulls, true, sizeof(event->nulls));
	set_value(event, EVENT_ID, Int64GetDatum(event_announcement_id(DatumGetInt64(values[EVENT_ID - 1]))));
	set_value(event, EVENT_XID, values[EVENT_XID - 1]);
	set_value(event, EVENT_LOGGED_AT, values[EVENT_LOGGED_AT - 1]);
	set_value(event, EVENT_ROOMS, PointerGetDatum(construct_array(&room, 1, TEXTOID, -1, false, TYPALIGN_INT)));
	set_value(event, EVENT_NAME, CStringGetTextDatum("notification:new"));
	if (is_wanted(page, event) && set_notification(page, event, recipient_id, values[EVENT_NOTIFICATION_ID - 1]))
		keep_event(page, event);
}

typedef void (*EventAdder)(EventPage *page, const LogRow *row);

/* Adds one of the events of a row, unless it has been read.  Returns false if the page is full. */
static bool
add_next(EventPage *page, const LogRow *row, int64 id, EventAdder add)
{
	if (id <= page->position->last_id)
		return true;
	if (page->count >= page->request->max_events || page->bytes >= page->request->max_bytes)
		return false;
	add(page, row);
	page->count++;
	page->position->last_id = id;
	return true;
}

/* Adds the events of a row.  Returns false if the page is full before. */
static bool
add_row(EventPage *page, const LogRow *row)
{
	const bool *nulls = row->event.nulls;
	int64 id = DatumGetInt64(row->event.values[EVENT_ID - 1]);

	if (!nulls[EVENT_NAME - 1] && !add_next(page, row, id, add_event))
		return false;
	return nulls[EVENT_NOTIFICATION_ID - 1] || add_next(page, row, event_announcement_id(id), add_announcement);
}

/* Reads the next rows of the window, until the page is full.  Returns whether more follow. */
static bool
read_rows(EventPage *page)
{
	WindowScan scan;
	LogRow row;

	/* The first row may be one of which the page takes nothing. */
	window_scan_begin(&scan, page->position, (int64) page->request->max_events + 1);
	row.shape = window_scan_shape(&scan);
	while ((row.tuple = window_scan_next(&scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		own_row_take(row.tuple, row.shape, EVENT_COLUMNS, row.event.values, row.event.nulls);
		if (!add_row(page, &row))
			break;
	}
	window_scan_end(&scan);
	if (page->inbox != NULL)
		table_close(page->inbox, NoLock);
	return row.tuple != NULL;
}

/* Returns the length of a text without the blanks at its end. */
static int
trimmed_length(const char *text, int length)
{
	while (length > 0 && isspace((unsigned char) text[length - 1]))
		length--;
	return length;
}

/* Returns the payload of an event with a counter: its total, if that is known, and its time are the last keys. */
static Datum
completed_payload(const PageTotal *noted)
{
	text *json = DatumGetTextPP(noted->event->values[EVENT_PAYLOAD - 1]);
	const char *object = VARDATA_ANY(json);
	int end = trimmed_length(object, VARSIZE_ANY_EXHDR(json));
	StringInfoData out;

	Assert(end > 1 && object[end - 1] == '}');
	end = trimmed_length(object, end - 1);
	initStringInfo(&out);
	appendBinaryStringInfo(&out, object, end);
	if (object[end - 1] != '{')
		appendStringInfoChar(&out, ',');
	if (noted->total.known)
		appendStringInfo(&out, "\"%s\":" INT64_FORMAT ",", noted->total.field, noted->total.count);
	appendStringInfoString(&out, "\"timestamp\":");
	json_append_time(&out, DatumGetTimestampTz(noted->event->values[EVENT_LOGGED_AT - 1]));
	appendStringInfoChar(&out, '}');
	return PointerGetDatum(cstring_to_text_with_len(out.data, out.len));
}

/* Completes the payloads of the page's events with counters. */
static void
complete_payloads(EventPage *page, QueryScope *scope)
{
	Total **totals = palloc(sizeof(Total *) * (list_length(page->totals) + 1));
	int count = 0;
	ListCell *cell;

	foreach (cell, page->totals)
	{
		PageTotal *noted = lfirst(cell);

		if (noted->total.subject != NULL)
			totals[count++] = &noted->total;
	}
	totals_read(scope, totals, count);
	foreach (cell, page->totals)
	{
		const PageTotal *noted = lfirst(cell);

		noted->event->values[EVENT_PAYLOAD - 1] = completed_payload(noted);
	}
}

bool
event_page_read(QueryScope *scope, Position *position, const PageRequest *request, List **events)
{
	EventPage page = { .position = position, .request = request };
	bool more;

	if (request->rooms != NULL)
		want_rooms(&page, request->rooms);
	more = read_rows(&page);
	complete_payloads(&page, scope);
	*events = page.events;
	return more;
}
