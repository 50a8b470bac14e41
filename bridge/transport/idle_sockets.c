/*-------------------------------------------------------------------------
 *
 * idle_sockets.c
 *	  Counts the clients' sockets, and lists those without a request.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/idle_sockets.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/memory.h"
#include "base/metrics.h"
#include "transport/lws_stream.h"

/* A client's socket; the opaque user data of its wsi. */
typedef struct ClientSocket
{
	struct lws *wsi;
	bool idle; /* in the list */
	bool cut;
	struct ClientSocket *next;
	struct ClientSocket *prev;
} ClientSocket;

static struct
{
	ClientSocket *idle; /* the one that has been idle longest is the first */
	long count;			/* of all sockets */
} client_sockets;

static void
mark_idle(ClientSocket *socket)
{
	if (socket->idle || socket->cut)
		return;
	DL_APPEND(client_sockets.idle, socket);
	socket->idle = true;
}

static void
mark_busy(ClientSocket *socket)
{
	if (socket->idle)
		DL_DELETE(client_sockets.idle, socket);
	socket->idle = false;
}

static ClientSocket *
client_socket_of(struct lws *wsi)
{
	ClientSocket *socket = lws_get_opaque_user_data(wsi);

	assert(socket != NULL && socket->wsi == wsi);
	return socket;
}

void
idle_sockets_opened(struct lws *wsi)
{
	ClientSocket *socket = memory_new(sizeof(ClientSocket));

	assert(lws_get_opaque_user_data(wsi) == NULL);
	socket->wsi = wsi;
	lws_set_opaque_user_data(wsi, socket);
	mark_idle(socket);
	client_sockets.count++;
}

void
idle_sockets_closed(struct lws *wsi)
{
	ClientSocket *socket = lws_get_opaque_user_data(wsi);

	if (socket == NULL)
		return;
	mark_busy(socket);
	free(socket);
	lws_set_opaque_user_data(wsi, NULL);
	client_sockets.count--;
}

/* libwebsockets forgets to cut a socket if a request arrives at the same moment: then the caller closes it. */
bool
idle_sockets_busy(struct lws *wsi)
{
	ClientSocket *socket = client_socket_of(wsi);

	mark_busy(socket);
	return !socket->cut;
}

void
idle_sockets_idle(struct lws *wsi)
{
	mark_idle(client_socket_of(wsi));
}

bool
idle_sockets_make_room(long limit)
{
	ClientSocket *oldest = client_sockets.idle;

	if (client_sockets.count < limit)
		return true;
	if (oldest == NULL)
		return false;
	mark_busy(oldest);
	oldest->cut = true;
	metrics.newcomers_cut++;
	lws_stream_kill(oldest->wsi);
	return true;
}
