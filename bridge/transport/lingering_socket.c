/*-------------------------------------------------------------------------
 *
 * lingering_socket.c
 *	  Reads the rest of refused requests before their connections are closed.
 *
 * A proxy that is still sending a request when the bridge resets the connection counts this as a failure of the bridge:
 * it answers 502, and sends nothing more to this bridge for a while, for any of its clients.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/lingering_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>
#include <uv.h>

#include "base/loop.h"
#include "base/memory.h"
#include "base/timer.h"
#include "transport/client_socket.h"

#define MAX_BYTES (16 * 1024 * 1024)
#define MAX_TIME_MS 30000
#define MAX_SILENCE_MS 5000

/* Bytes that are read in one turn of the loop at most. */
#define BYTES_AT_ONCE 65536

typedef struct LingeringSocket
{
	uv_poll_t poll;
	Timer silence;
	int descriptor;
	int64_t bytes; /* read so far */
	uint64_t end;  /* time at which it is closed at the latest */
	struct LingeringSocket *next;
	struct LingeringSocket *prev;
} LingeringSocket;

static LingeringSocket *lingering_sockets; /* the oldest is the first */

static void
free_lingering(uv_handle_t *handle)
{
	free((char *) handle - offsetof(LingeringSocket, poll));
}

static void
close_lingering(void *context)
{
	LingeringSocket *lingering = context;

	DL_DELETE(lingering_sockets, lingering);
	client_socket_count_pending(-1);
	timer_stop(&lingering->silence);
	uv_poll_stop(&lingering->poll);
	uv_close((uv_handle_t *) &lingering->poll, free_lingering);
	close(lingering->descriptor);
}

static void
discard_bytes(uv_poll_t *poll, int status, int events)
{
	static char bytes[BYTES_AT_ONCE];
	LingeringSocket *lingering = (LingeringSocket *) ((char *) poll - offsetof(LingeringSocket, poll));
	ssize_t length = recv(lingering->descriptor, bytes, sizeof(bytes), 0);

	(void) status;
	(void) events;
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	lingering->bytes += length;
	if (length <= 0 || lingering->bytes >= MAX_BYTES || loop_now() >= lingering->end)
		close_lingering(lingering);
	else
		timer_start(&lingering->silence, MAX_SILENCE_MS, close_lingering, lingering);
}

void
lingering_socket_adopt(int descriptor)
{
	int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
	LingeringSocket *lingering;

	if (copy < 0)
		return;
	lingering = memory_new(sizeof(LingeringSocket));
	lingering->descriptor = copy;
	lingering->end = loop_now() + MAX_TIME_MS;
	DL_APPEND(lingering_sockets, lingering);
	client_socket_count_pending(1);
	timer_start(&lingering->silence, MAX_SILENCE_MS, close_lingering, lingering);
	uv_poll_init(loop_uv(), &lingering->poll, copy);
	uv_poll_start(&lingering->poll, UV_READABLE, discard_bytes);
}

bool
lingering_socket_cut(void)
{
	if (lingering_sockets == NULL)
		return false;
	close_lingering(lingering_sockets);
	return true;
}
