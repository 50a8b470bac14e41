/*-------------------------------------------------------------------------
 *
 * fake_source.h
 *	  Stands for the database and the reader: a harness decides what they answer, and when.
 *
 * These definitions take the place of source/database.c and source/reader.c, which the linker leaves out.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_FAKE_SOURCE_H
#define HERALD_FAKE_SOURCE_H

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "source/database.h"
#include "source/reader.h"

/* A query that is not answered yet, with its first and fourth parameters. */
typedef struct FakeQuery
{
	char *sql;
	char *first;
	char *fourth;
	QueryAnswer answer;
	void *context;
	struct FakeQuery *next;
} FakeQuery;

static struct
{
	FakeQuery *queries; /* the oldest first */
	const ReaderEvents *reader;
	uint64_t window;
	char *position;
} fake_source;

Database *
database_open(const char *name, const char *conninfo, long limit, const DatabaseEvents *events, void *context)
{
	static char handle; /* nobody looks into it */

	(void) name;
	(void) conninfo;
	(void) limit;
	(void) events;
	(void) context;
	return (Database *) &handle;
}

bool
database_is_connected(const Database *database)
{
	(void) database;
	return true;
}

int
database_load(const Database *database)
{
	(void) database;
	return 0;
}

void
database_query(Database *database, const char *sql, int count, const char *const *values, QueryAnswer answer,
			   void *context)
{
	FakeQuery *query = memory_new(sizeof(FakeQuery));
	FakeQuery **last = &fake_source.queries;

	(void) database;
	query->sql = memory_copy(sql);
	query->first = count > 0 ? memory_copy(values[0]) : NULL;
	query->fourth = count > 3 ? memory_copy(values[3]) : NULL;
	query->answer = answer;
	query->context = context;
	while (*last != NULL)
		last = &(*last)->next;
	*last = query;
}

void
database_query_with_next(Database *database, const char *sql, int count, const char *const *values,
						 QueryAnswer answer, void *context)
{
	database_query(database, sql, count, values, answer, context);
}

void
database_query_next(Database *database, const char *sql, int count, const char *const *values, QueryAnswer answer,
					void *context)
{
	database_query(database, sql, count, values, answer, context);
}

void
database_reset(Database *database, const char *why)
{
	(void) database;
	(void) why;
}

void
database_leave_server(const char *why)
{
	(void) why;
}

void
database_close(Database *database)
{
	(void) database;
}

const char *
database_error(const Database *database)
{
	(void) database;
	return "";
}

void
reader_start(const Config *config, const ReaderEvents *events)
{
	(void) config;
	fake_source.reader = events;
	fake_source.position = memory_copy("1~a~b~c");
}

void
reader_stop(void)
{
}

void
reader_wake(void)
{
}

uint64_t
reader_window(void)
{
	return fake_source.window;
}

const char *
reader_position(void)
{
	return fake_source.position;
}

char *
reader_state(bool *ready)
{
	*ready = true;
	return memory_copy("ready");
}

/* Ends a window of the reader. */
static inline void
fake_end_window(void)
{
	fake_source.window++;
	fake_source.reader->reached(fake_source.position);
}

/* Passes on an event at a new position, as the reader does.  Gives up the reference. */
static inline void
fake_event(Event *event)
{
	static unsigned long number;

	event->position = memory_format("1~a~b~%lx", ++number);
	if (event->ephemeral)
		fake_source.reader->signal(event);
	else
		fake_source.reader->event(event);
	free(fake_source.position);
	fake_source.position = memory_copy(event->position);
	event_unref(event);
}

/* Answers the oldest query; NULL: its connection is lost. */
static inline void
fake_answer(const PGresult *result)
{
	FakeQuery *query = fake_source.queries;

	fake_source.queries = query->next;
	query->answer(query->context, result);
	free(query->sql);
	free(query->first);
	free(query->fourth);
	free(query);
}

static inline int
fake_count_texts(const char *array)
{
	int count = 0;

	for (; array != NULL && *array != '\0'; array++)
		count += *array == '"';
	return count / 2;
}

/* Answers a query with rows of the same values. */
static inline void
fake_answer_rows(int rows, int count, const char *const *names, const char *const *values)
{
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc columns[11] = { 0 };

	for (int i = 0; i < count; i++)
		columns[i].name = (char *) names[i];
	PQsetResultAttrs(result, count, columns);
	for (int row = 0; row < rows; row++)
	{
		for (int i = 0; i < count; i++)
			PQsetvalue(result, row, i, (char *) values[i], (int) strlen(values[i]));
	}
	fake_answer(result);
	PQclear(result);
}

/* Answers a query for the rooms of sessions, or for an action; any other query as if its connection were lost. */
static inline void
fake_answer_query(uint8_t choice)
{
	static const char *const names[] = { "rooms", "unread", "recovered", "position", "seen_snapshots", "seen_ids",
										 "segments_before", "lag_events", "joined", "checked",
										 "revoked" };
	FakeQuery *query = fake_source.queries;
	const char *const values[] = {
		"[\"user:7\",\"conversation:1\"]", "3", choice & 1 ? "t" : "f", "1~a~b~c", choice & 2 ? "[\"10:20:12\"]" : "[]",
		choice & 2 ? "[5]" : "[]", choice & 4 && fake_count_texts(query->fourth) > 0 ? "1" : "0", choice & 8 ? "5" : "0",
		choice & 16 ? "[{\"room\":\"post:42\",\"keys\":[\"author:1\"],\"since\":\"10:30:\"}]" :
		choice & 32 ? "[{\"room\":\"post:42\",\"interrupted\":true}]" :
					  "[]",
		"10:30:12", choice & 64 ? "t" : "f"
	};
	static const char *const action_names[] = { "act", "xid", "cpu_time" };
	const char *const action_values[] = { "{\"a\":1}", choice & 1 ? "5" : "", choice & 2 ? "1000" : "2" };

	if (strstr(query->sql, "connect_sessions") != NULL)
		fake_answer_rows(fake_count_texts(query->first), 11, names, values);
	else if (strstr(query->sql, "internal.act(") != NULL)
		fake_answer_rows(choice & 4 ? 0 : 1, 3, action_names, action_values);
	else
		fake_answer(NULL);
}

#endif /* HERALD_FAKE_SOURCE_H */
