/*-------------------------------------------------------------------------
 *
 * watcher.c
 *	  Waits for the socket of a connection to PostgreSQL.
 *
 * The watcher polls a duplicate of the descriptor: while connecting, libpq may close
 * its socket and open another one with the same number.
 *
 * To start a uv_poll_t takes two system calls, also with the same events.  So it is
 * started only for other events, or after an error, which has stopped it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/watcher.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/memory.h"

/* The function that a handle calls; belongs to the handle. */
typedef struct Call
{
	void (*ready)(void *context);
	void *context;
	int events; /* that the handle waits for */
} Call;

static void
on_poll_event(uv_poll_t *handle, int status, int events)
{
	Call *call = handle->data;

	(void) events;
	if (status < 0)
		call->events = 0; /* libpq meets the same error and reports it */
	call->ready(call->context);
}

static void
free_handle(uv_handle_t *handle)
{
	free(handle->data);
	free(handle);
}

void
watcher_start(Watcher *watcher, int socket, int events, void (*ready)(void *context), void *context)
{
	Call *call;

	assert(ready != NULL);
	if (watcher->handle == NULL)
	{
		watcher->descriptor = dup(socket);
		if (watcher->descriptor < 0)
			return; /* out of descriptors: the timer of the connection tries again */
		watcher->handle = memory_new(sizeof(uv_poll_t));
		uv_poll_init(loop_uv(), watcher->handle, watcher->descriptor);
		watcher->handle->data = memory_new(sizeof(Call));
	}
	call = watcher->handle->data;
	call->ready = ready;
	call->context = context;
	if (call->events == events)
		return;
	call->events = events;
	uv_poll_start(watcher->handle, events, on_poll_event);
}

void
watcher_stop(Watcher *watcher)
{
	if (watcher->handle == NULL)
		return;
	uv_poll_stop(watcher->handle);
	uv_close((uv_handle_t *) watcher->handle, free_handle);
	watcher->handle = NULL;
	close(watcher->descriptor);
}
