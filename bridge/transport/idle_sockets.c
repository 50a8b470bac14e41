/*-------------------------------------------------------------------------
 *
 * idle_sockets.c
 *	  The sockets of clients, and which of them carry nothing.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/idle_sockets.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/memory.h"
#include "base/metrics.h"
#include "transport/lws_stream.h"

/* The library keeps it for us with its own. */
typedef struct Socket
{
	struct lws *wsi;
	bool idle; /* in the list */
	bool cut;
	struct Socket *next;
	struct Socket *prev;
} Socket;

static Socket *idle; /* the one that has been it for the longest time is the first */
static long count;

static void
begin_rest(Socket *socket)
{
	if (socket->idle || socket->cut)
		return;
	DL_APPEND(idle, socket);
	socket->idle = true;
}

static void
end_rest(Socket *socket)
{
	if (socket->idle)
		DL_DELETE(idle, socket);
	socket->idle = false;
}

void
idle_sockets_opened(struct lws *wsi)
{
	Socket *socket = memory_new(sizeof(Socket));

	socket->wsi = wsi;
	lws_set_opaque_user_data(wsi, socket);
	begin_rest(socket);
	count++;
}

void
idle_sockets_closed(struct lws *wsi)
{
	Socket *socket = lws_get_opaque_user_data(wsi);

	if (socket == NULL)
		return;
	end_rest(socket);
	free(socket);
	lws_set_opaque_user_data(wsi, NULL);
	count--;
}

/* The library forgets that it is to cut a socket when a request comes at the same moment. */
bool
idle_sockets_busy(struct lws *wsi)
{
	Socket *socket = lws_get_opaque_user_data(wsi);

	end_rest(socket);
	return !socket->cut;
}

void
idle_sockets_idle(struct lws *wsi)
{
	begin_rest(lws_get_opaque_user_data(wsi));
}

bool
idle_sockets_make_room(long most)
{
	Socket *oldest = idle;

	if (count < most)
		return true;
	if (oldest == NULL)
		return false;
	end_rest(oldest);
	oldest->cut = true;
	metrics.newcomers_cut++;
	lws_stream_cut(oldest->wsi);
	return true;
}
