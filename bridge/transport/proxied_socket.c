/*-------------------------------------------------------------------------
 *
 * proxied_socket.c
 *	  Takes the header of the PROXY protocol off connections from trusted proxies.
 *
 * The header is looked at before it is read, so that the bytes of a proxy that sends none stay in the kernel,
 * for libwebsockets.  SO_RCVLOWAT keeps the loop from spinning while only a part of a header is there.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/proxied_socket.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "transport/client_socket.h"
#include "transport/proxy_header.h"

#define HEADER_TIMEOUT_MS 10000

/* A connection whose first bytes have not arrived yet. */
typedef struct PendingSocket
{
	uv_poll_t poll;
	Timer timer;
	int descriptor;
	size_t seen; /* bytes of its header that are there */
	NetworkAddress peer;
	ProxiedSocketReady ready;
	void *context;
} PendingSocket;

static void
free_pending(uv_handle_t *handle)
{
	free((char *) handle - offsetof(PendingSocket, poll));
}

/* Ends the wait; the descriptor belongs to the caller again.  A later turn of the loop frees the pending socket. */
static void
end_pending(PendingSocket *pending)
{
	client_socket_count_pending(-1);
	timer_stop(&pending->timer);
	uv_poll_stop(&pending->poll);
	uv_close((uv_handle_t *) &pending->poll, free_pending);
}

static void
refuse_pending(PendingSocket *pending, const char *reason)
{
	static LogLimit limit;
	char peer[NETWORK_ADDRESS_TEXT];

	network_address_write(&pending->peer, peer);
	log_limited(&limit, LOG_LEVEL_WARNING, "proxy_header_refused", "peer", peer, "reason", reason);
	metrics.connections_refused++;
	end_pending(pending);
	close(pending->descriptor);
}

static void
header_timeout(void *context)
{
	refuse_pending(context, "the first bytes of the connection have not arrived");
}

static void
wait_for_bytes(int descriptor, int bytes)
{
	setsockopt(descriptor, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

static void
hand_over(PendingSocket *pending, size_t header, NetworkAddress client)
{
	char bytes[PROXY_HEADER_MAX];
	ssize_t taken = header > 0 ? recv(pending->descriptor, bytes, header, 0) : 0;

	assert(taken == (ssize_t) header);
	(void) taken;
	wait_for_bytes(pending->descriptor, 1);
	end_pending(pending);
	pending->ready(pending->context, pending->descriptor, client);
}

static void
look_at_bytes(PendingSocket *pending)
{
	unsigned char bytes[PROXY_HEADER_MAX];
	ssize_t length = recv(pending->descriptor, bytes, sizeof(bytes), MSG_PEEK);
	NetworkAddress client = pending->peer;
	size_t header = 0;

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= (ssize_t) pending->seen)
	{
		end_pending(pending); /* the proxy has ended the connection, as health checks do */
		close(pending->descriptor);
		return;
	}
	pending->seen = (size_t) length;
	switch (proxy_header_read(bytes, pending->seen, &header, &client))
	{
		case PROXY_HEADER_INCOMPLETE:
			wait_for_bytes(pending->descriptor, (int) length + 1);
			return;
		case PROXY_HEADER_MALFORMED:
			refuse_pending(pending, "the header is malformed");
			return;
		case PROXY_HEADER_NONE:
			hand_over(pending, 0, client);
			return;
		case PROXY_HEADER_COMPLETE:
			hand_over(pending, header, client);
			return;
	}
}

static void
bytes_arrived(uv_poll_t *poll, int status, int events)
{
	(void) status;
	(void) events;
	look_at_bytes((PendingSocket *) ((char *) poll - offsetof(PendingSocket, poll)));
}

void
proxied_socket_await(int descriptor, NetworkAddress peer, ProxiedSocketReady ready, void *context)
{
	PendingSocket *pending = memory_new(sizeof(PendingSocket));

	assert(ready != NULL);
	pending->descriptor = descriptor;
	pending->peer = peer;
	pending->ready = ready;
	pending->context = context;
	client_socket_count_pending(1);
	timer_start(&pending->timer, HEADER_TIMEOUT_MS, header_timeout, pending);
	uv_poll_init(loop_uv(), &pending->poll, descriptor);
	uv_poll_start(&pending->poll, UV_READABLE, bytes_arrived);
}
