/*-------------------------------------------------------------------------
 *
 * event_page.c
 *	  Reads a page of events from a window of the event log, with their totals.
 *
 * A page ends at a number of rows, wanted or not, so that its cost is bounded.  Totals
 * are read when all events of the page are known: each subject once.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "read/event_page.h"
#include "read/total.h"
#include "read/window_scan.h"

/* A page that is being read. */
typedef struct EventPage
{
	Position *position; /* after the last row so far */
	const PageRequest *request;
	Datum rooms;	  /* those of the request, and that of every session */
	FmgrInfo overlap; /* compares arrays of rooms */
	List *events;	  /* PageEvent */
	List *totals;	  /* PageTotal */
} EventPage;

/* A total that an event of the page changes. */
typedef struct PageTotal
{
	Total total;
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
is_wanted(EventPage *page, const Datum *values)
{
	const Position *position = page->position;
	uint64 xid = DatumGetUInt64(values[EVENT_XID - 1]);

	return snapshot_sees(&position->window_end, xid) && !snapshot_sees(&position->seen, xid) &&
		   !position_has_read(position->also, xid, DatumGetInt64(values[EVENT_ID - 1])) &&
		   has_wanted_room(page, values[EVENT_ROOMS - 1]);
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

	if (event->nulls[EVENT_COUNTER - 1] || event->nulls[EVENT_COUNTED_ID - 1])
		return;
	noted = palloc0(sizeof(PageTotal));
	noted->total.counter = DatumGetInt32(event->values[EVENT_COUNTER - 1]);
	noted->total.subject = DatumGetTextPP(event->values[EVENT_COUNTED_ID - 1]);
	noted->event = event;
	page->totals = lappend(page->totals, noted);
}

static void
add_event(EventPage *page, HeapTuple row, TupleDesc shape)
{
	PageEvent *event = palloc(sizeof(PageEvent));

	heap_deform_tuple(heap_copytuple(row), shape, event->values, event->nulls);
	page->events = lappend(page->events, event);
	note_total(page, event);
}

/* Reads the next rows of the window, until the page is full.  Returns whether more follow. */
static bool
read_rows(EventPage *page)
{
	Datum values[EVENT_COLUMNS];
	bool nulls[EVENT_COLUMNS];
	WindowScan scan;
	HeapTuple row;
	int rows = 0;
	int64 bytes = 0;

	window_scan_begin(&scan, page->position, page->request->max_events);
	while ((row = window_scan_next(&scan)) != NULL && rows < page->request->max_events &&
		   bytes < page->request->max_bytes)
	{
		CHECK_FOR_INTERRUPTS();
		rows++;
		heap_deform_tuple(row, window_scan_shape(&scan), values, nulls);
		if (is_wanted(page, values))
		{
			bytes += payload_size(values[EVENT_PAYLOAD - 1]);
			add_event(page, row, window_scan_shape(&scan));
		}
		page->position->last_id = DatumGetInt64(values[EVENT_ID - 1]);
	}
	window_scan_end(&scan);
	return row != NULL;
}

/* Returns the length of a text without the blanks at its end. */
static int
trimmed_length(const char *text, int length)
{
	while (length > 0 && isspace((unsigned char) text[length - 1]))
		length--;
	return length;
}

/* Returns a payload with a total as its last key. */
static Datum
payload_with_total(Datum payload, const Total *total)
{
	text *json = DatumGetTextPP(payload);
	const char *object = VARDATA_ANY(json);
	int end = trimmed_length(object, VARSIZE_ANY_EXHDR(json));
	StringInfoData out;

	Assert(end > 1 && object[end - 1] == '}');
	end = trimmed_length(object, end - 1);
	initStringInfo(&out);
	appendBinaryStringInfo(&out, object, end);
	appendStringInfo(&out, "%s\"%s\":" INT64_FORMAT "}", object[end - 1] == '{' ? "" : ",", total->field, total->count);
	return PointerGetDatum(cstring_to_text_with_len(out.data, out.len));
}

/* Puts the totals into the payloads of the page's events. */
static void
add_totals(EventPage *page, QueryScope *scope)
{
	int count = list_length(page->totals);
	Total **totals = palloc(sizeof(Total *) * (count + 1));
	ListCell *cell;

	foreach (cell, page->totals)
		totals[foreach_current_index(cell)] = &((PageTotal *) lfirst(cell))->total;
	totals_read(scope, totals, count);
	foreach (cell, page->totals)
	{
		const PageTotal *noted = lfirst(cell);
		Datum *payload = &noted->event->values[EVENT_PAYLOAD - 1];

		if (noted->total.known)
			*payload = payload_with_total(*payload, &noted->total);
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
	add_totals(&page, scope);
	*events = page.events;
	return more;
}
