/*-------------------------------------------------------------------------
 *
 * event_log.c
 *	  Reads pages of the event log; rows become events.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/event_log.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"

/* Bytes of payloads; a page in memory takes about twice as much. */
#define LARGEST_PAGE (1024L * 1024)

enum
{
	COLUMN_ID,
	COLUMN_ROOMS,
	COLUMN_NAME,
	COLUMN_PAYLOAD,
	COLUMN_POSITION,
	COLUMN_MEMBER,
	COLUMN_JOINS,
	COLUMN_LEAVES,
	COLUMN_ACK,
	COLUMN_XID,
	COLUMN_LOGGED_MS,
	COLUMN_MORE,
	COLUMN_LAG_EVENTS,
	COLUMN_KEY,
	COLUMN_EXCEPT,
	COLUMN_RECHECK_USER,
	COLUMN_RECHECK_ROOM,
	COLUMN_ACCESS,
	COLUMN_SIGNAL
};

/* The mean payload of the latest page, in bytes: the next page asks for about as many events as fit. */
static long mean_payload = 1;

/* Rooms come as JSON, which a library parses. */
static const char read_sql[] =
	"SELECT id, pg_catalog.array_to_json(rooms), name, payload, \"position\", member_id, joins, leaves, ack, xid, logged_ms, more,"
	" lag_events, key, except_user, recheck_user, recheck_room, access, signal "
	"FROM herald.read_events($1, $2, NULL, $3::pg_catalog.int4, $4::pg_catalog.int4, $5::pg_catalog.bool)";

/* The receiver of a page. */
typedef struct PageRequest
{
	PageAnswer answer;
	void *context;
} PageRequest;

static char *
copy_field(const PGresult *result, int row, int column)
{
	return PQgetisnull(result, row, column) ? NULL : memory_copy(PQgetvalue(result, row, column));
}

static void
take_event_rooms(Event *event, const char *text)
{
	json_t *names = json_loads(text, 0, NULL);
	size_t i;
	json_t *name;

	event->rooms = memory_new(sizeof(char *) * json_array_size(names));
	json_array_foreach(names, i, name) event->rooms[event->room_count++] = memory_copy(json_string_value(name));
	json_decref(names);
}

/* On one line, as an event stream needs it. */
static char *
one_line(char *json)
{
	json_t *value = json_read(json);
	char *text = json_dumps(value, JSON_COMPACT);

	json_decref(value);
	free(json);
	return text ? text : memory_copy("{}");
}

static void
take_signal(Event *event, const PGresult *result, int row)
{
	event->ephemeral = true;
	event->key = copy_field(result, row, COLUMN_KEY);
	event->except = copy_field(result, row, COLUMN_EXCEPT);
	event->payload = one_line(event->payload);
}

/* Only a recheck that may withdraw access concerns sessions: they ask for rooms by themselves. */
static Recheck *
take_recheck(const PGresult *result, int row, uint64_t xid)
{
	Recheck *recheck;
	char *user;
	char *room;

	if (PQgetisnull(result, row, COLUMN_ACCESS) || strcmp(PQgetvalue(result, row, COLUMN_ACCESS), "granted") == 0)
		return NULL;
	user = copy_field(result, row, COLUMN_RECHECK_USER);
	room = copy_field(result, row, COLUMN_RECHECK_ROOM);
	recheck = recheck_new(xid, user, room);
	free(user);
	free(room);
	return recheck;
}

static Event *
take_event(const PGresult *result, int row)
{
	Event *event = event_new();

	event->id = copy_field(result, row, COLUMN_ID);
	event->logged_at = event->id ? atoll(PQgetvalue(result, row, COLUMN_LOGGED_MS)) : 0;
	event->xid = strtoull(PQgetvalue(result, row, COLUMN_XID), NULL, 10);
	event->name = copy_field(result, row, COLUMN_NAME);
	event->payload = copy_field(result, row, COLUMN_PAYLOAD);
	event->position = copy_field(result, row, COLUMN_POSITION);
	event->member = copy_field(result, row, COLUMN_MEMBER);
	event->joins = copy_field(result, row, COLUMN_JOINS);
	event->leaves = copy_field(result, row, COLUMN_LEAVES);
	event->recheck = take_recheck(result, row, event->xid);
	event->ack = copy_field(result, row, COLUMN_ACK);
	take_event_rooms(event, PQgetvalue(result, row, COLUMN_ROOMS));
	if (PQgetvalue(result, row, COLUMN_SIGNAL)[0] == 't')
		take_signal(event, result, row);
	return event;
}

static void
take_page(Page *page, const PGresult *result)
{
	int rows = PQntuples(result);
	long size = 0;
	int64_t latest = 0;

	page->events = memory_new(sizeof(Event *) * (size_t) rows);
	for (int row = 0; row < rows; row++)
	{
		if (PQgetisnull(result, row, COLUMN_NAME))
		{
			page->position = PQgetvalue(result, row, COLUMN_POSITION);
			page->more = PQgetvalue(result, row, COLUMN_MORE)[0] == 't';
			page->lag_events = atoll(PQgetvalue(result, row, COLUMN_LAG_EVENTS));
			continue;
		}
		if (!PQgetisnull(result, row, COLUMN_ID))
		{
			latest = atoll(PQgetvalue(result, row, COLUMN_ID));
			page->logged++;
			page->logged_at = atoll(PQgetvalue(result, row, COLUMN_LOGGED_MS));
		}
		page->events[page->count] = take_event(result, row);
		page->events[page->count++]->number = latest;
		size += PQgetlength(result, row, COLUMN_PAYLOAD);
	}
	if (page->count > 0)
		mean_payload = size / page->count + 1;
}

static void
on_rows(void *context, const PGresult *result)
{
	PageRequest *request = context;
	Page page = { .outcome = PAGE_UNAVAILABLE, .reason = "no connection to the database" };

	if (result != NULL && PQresultStatus(result) == PGRES_TUPLES_OK)
	{
		page.outcome = PAGE_READ;
		take_page(&page, result);
	}
	else if (result != NULL && PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
		page.outcome = PAGE_SKIPPED;
	else if (result != NULL)
	{
		const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

		page.outcome = state != NULL && strncmp(state, "HD00", 4) == 0 ? PAGE_RESYNC : PAGE_UNAVAILABLE;
		page.reason = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	}
	request->answer(request->context, &page);
	for (int i = 0; i < page.count; i++)
		event_unref(page.events[i]);
	free(page.events);
	free(request);
}

static long
smaller(long one, long other)
{
	return one < other ? one : other;
}

/* Half of the queue of a connection: events grow in its format, and the page must fit. */
void
event_log_read(Database *database, const char *after, const char *until, bool signals, const Config *config,
			   PageAnswer answer, void *context)
{
	PageRequest *request = memory_new(sizeof(PageRequest));
	long max_bytes = smaller(config->queue_limit / 2 + 1, LARGEST_PAGE);
	char *bytes = memory_format("%ld", max_bytes);
	char *events = memory_format("%ld", smaller(config->page_size, max_bytes / mean_payload + 1));
	const char *values[] = { after, until, events, bytes, signals ? "t" : "f" };

	request->answer = answer;
	request->context = context;
	database_query(database, read_sql, 5, values, on_rows, request);
	free(events);
	free(bytes);
}
