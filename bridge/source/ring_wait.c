/*-------------------------------------------------------------------------
 *
 * ring_wait.c
 *	  The wait of the reader's session, in the server, for commits.
 *
 * A server that shuts down smartly waits for its sessions to end.  There the wait fails.  Then the bridge leaves with
 * all its connections, and comes back to the next start.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/ring_wait.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "source/query_queue.h"

#define END_RETRY_MS 100

/* The SQLSTATE of a server that is shutting down. */
#define CANNOT_CONNECT_NOW "57P03"

#define AWAIT_RING "CALL herald_internal.await_ring($1, NULL)"
#define RING_READER "SELECT herald_internal.ring_reader($1)"

static struct
{
	char *id;			 /* NULL: the session cannot wait */
	bool waiting;		 /* the server has not answered */
	bool ending;		 /* the bridge has asked the server to end it */
	bool failed;		 /* the latest one */
	void (*ended)(void); /* the callback of the present one */
	Timer timer;
} ring_wait;

void
ring_wait_set_id(const char *id)
{
	free(ring_wait.id);
	ring_wait.id = id ? memory_copy(id) : NULL;
}

bool
ring_wait_is_possible(void)
{
	return ring_wait.id != NULL;
}

static void
on_wait_failed(const PGresult *error)
{
	const char *reason = PQresultErrorField(error, PG_DIAG_MESSAGE_PRIMARY);
	const char *sqlstate = PQresultErrorField(error, PG_DIAG_SQLSTATE);

	if (sqlstate != NULL && strcmp(sqlstate, CANNOT_CONNECT_NOW) == 0)
		database_leave_server(reason);
	else if (!query_queue_is_end(error))
		log_warning("wait_failed", "reason", reason);
}

static void
on_waited(void *context, const PGresult *result)
{
	(void) context;
	ring_wait.waiting = ring_wait.ending = false;
	ring_wait.failed = result == NULL || PQresultStatus(result) != PGRES_TUPLES_OK;
	ring_wait.ended();
	if (!ring_wait.failed && PQgetvalue(result, 0, 0)[0] == 't')
		metrics.rings++;
	else if (ring_wait.failed && result != NULL)
		on_wait_failed(result);
}

void
ring_wait_begin(Database *database, long milliseconds, void (*ended)(void))
{
	char *time = memory_format("%ld", milliseconds);
	const char *values[] = { time };

	assert(ring_wait.id != NULL && !ring_wait.waiting && ended != NULL);
	ring_wait.waiting = true;
	ring_wait.ended = ended;
	database_query_with_next(database, AWAIT_RING, 1, values, on_waited, NULL);
	free(time);
}

static void
end_again(void *context)
{
	ring_wait_end(context);
}

/* The doorbell may have no connection at that time. */
static void
on_wait_ended(void *context, const PGresult *result)
{
	if (result != NULL && PQresultStatus(result) == PGRES_TUPLES_OK)
		return;
	ring_wait.ending = false;
	if (ring_wait.waiting)
		timer_start(&ring_wait.timer, END_RETRY_MS, end_again, context);
}

void
ring_wait_end(Doorbell *doorbell)
{
	const char *values[] = { ring_wait.id };

	if (!ring_wait.waiting || ring_wait.ending)
		return;
	ring_wait.ending = true;
	doorbell_query(doorbell, RING_READER, 1, values, on_wait_ended, doorbell);
}

bool
ring_wait_take_failure(void)
{
	bool failed = ring_wait.failed;

	ring_wait.failed = false;
	return failed;
}

void
ring_wait_forget(void)
{
	ring_wait.waiting = ring_wait.ending = ring_wait.failed = false;
	timer_stop(&ring_wait.timer);
}
