/*-------------------------------------------------------------------------
 *
 * first_bytes.c
 *	  Looks at the first bytes of connections before libwebsockets gets them.
 *
 * 1. A connection from a trusted proxy may begin with a header of the PROXY protocol, which is taken off.
 * 2. A plain connection may begin with a request in absolute form, which is rewritten.  libwebsockets gets later
 *	  requests, and those by TLS, as they are.
 *
 * Bytes are looked at before they are read, so that all others stay in the kernel, for libwebsockets.  SO_RCVLOWAT
 * keeps the loop from spinning while only a part is there.  The kernel does not always follow it, such as when it lacks
 * memory: then the bridge looks again after a pause.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/first_bytes.h"

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
#include "transport/absolute_form.h"
#include "transport/client_socket.h"
#include "transport/newcomer.h"
#include "transport/proxy_header.h"

#define FIRST_BYTES_TIMEOUT_MS 10000

/* The pause after a wake-up without new bytes. */
#define FIRST_BYTES_PAUSE_MS 20

/* A connection that waits for its first bytes. */
typedef struct PendingSocket
{
	uv_poll_t poll;
	Timer timer;
	Timer pause;
	int descriptor;
	size_t seen; /* bytes that are there */
	NetworkAddress client;
	FirstBytesKind kind; /* with the forms that may still come */
	FirstBytesReady ready;
	void *context;
	Newcomer newcomer; /* in the list if it is a client's */
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
	newcomer_remove(&pending->newcomer);
	client_socket_count_pending(-1);
	timer_stop(&pending->timer);
	timer_stop(&pending->pause);
	uv_poll_stop(&pending->poll);
	uv_close((uv_handle_t *) &pending->poll, free_pending);
}

/* Closes a connection that has not come to a request. */
static void
close_pending(PendingSocket *pending)
{
	if (pending->kind.client)
		client_socket_charge(&pending->client);
	end_pending(pending);
	close(pending->descriptor);
}

static void
cut_pending(Newcomer *newcomer)
{
	close_pending((PendingSocket *) ((char *) newcomer - offsetof(PendingSocket, newcomer)));
}

static void
refuse_pending(PendingSocket *pending, const char *reason)
{
	static LogLimit limit;
	char peer[NETWORK_ADDRESS_TEXT];

	network_address_write(&pending->client, peer);
	log_limited(&limit, LOG_LEVEL_WARNING, "proxy_header_refused", "peer", peer, "reason", reason);
	metrics.connections_refused++;
	close_pending(pending);
}

static void
first_bytes_timeout(void *context)
{
	PendingSocket *pending = context;

	if (pending->kind.proxy_header)
		refuse_pending(pending, "the first bytes of the connection have not arrived");
	else
		close_pending(pending);
}

static void
wait_for_bytes(int descriptor, int bytes)
{
	setsockopt(descriptor, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

/* Takes bytes off a socket that are known to be there. */
static void
take_bytes(int descriptor, size_t count)
{
	static char bytes[ABSOLUTE_FORM_MAX];
	ssize_t taken = recv(descriptor, bytes, count, 0);

	assert(taken == (ssize_t) count);
	(void) taken;
}

/* Looks for a PROXY header.  Returns false if there is no more to be done with the bytes now. */
static bool
look_for_proxy_header(PendingSocket *pending, const char *bytes)
{
	size_t header = 0;

	switch (proxy_header_read((const unsigned char *) bytes, pending->seen, &header, &pending->client))
	{
		case PROXY_HEADER_INCOMPLETE:
			wait_for_bytes(pending->descriptor, (int) pending->seen + 1);
			return false;
		case PROXY_HEADER_MALFORMED:
			refuse_pending(pending, "the header is malformed");
			return false;
		case PROXY_HEADER_COMPLETE:
			take_bytes(pending->descriptor, header);
			pending->seen -= header;
			break;
		case PROXY_HEADER_NONE:
			break;
	}
	pending->kind.proxy_header = false;
	return true;
}

/* Hands the connection over, with the head of a request in absolute form, unless more bytes are needed. */
static void
look_for_request(PendingSocket *pending, const char *bytes)
{
	static char rewritten[ABSOLUTE_FORM_MAX];
	FirstBytes connection = { .descriptor = pending->descriptor, .client = pending->client };
	size_t head = 0;
	AbsoluteForm form = ABSOLUTE_FORM_NONE;

	if (pending->kind.request)
		form = absolute_form_rewrite(bytes, pending->seen, &head, rewritten, &connection.length);
	if (form == ABSOLUTE_FORM_INCOMPLETE)
	{
		wait_for_bytes(pending->descriptor, (int) pending->seen + 1);
		return;
	}
	if (form == ABSOLUTE_FORM_COMPLETE)
	{
		/* The last byte stays: libwebsockets takes a whole head that it has not read itself for the body as well. */
		take_bytes(pending->descriptor, head - 1);
		connection.length--;
		connection.head = rewritten;
	}
	wait_for_bytes(pending->descriptor, 1);
	end_pending(pending);
	pending->ready(pending->context, &connection);
}

static void first_bytes_paused(void *context);

/* Looks at the bytes that are there.  "ended": the peer sends no more. */
static void
look_at_bytes(PendingSocket *pending, bool ended)
{
	static char bytes[ABSOLUTE_FORM_MAX];
	ssize_t length = recv(pending->descriptor, bytes, sizeof(bytes), MSG_PEEK);
	size_t skipped;

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= 0 || (ended && (size_t) length <= pending->seen))
	{
		close_pending(pending); /* the peer has ended the connection, as health checks of proxies do */
		return;
	}
	if ((size_t) length <= pending->seen)
	{
		uv_poll_stop(&pending->poll);
		timer_start(&pending->pause, FIRST_BYTES_PAUSE_MS, first_bytes_paused, pending);
		return;
	}
	pending->seen = (size_t) length;
	if (pending->kind.proxy_header && !look_for_proxy_header(pending, bytes))
		return;
	skipped = (size_t) length - pending->seen;
	look_for_request(pending, bytes + skipped);
}

static void
bytes_arrived(uv_poll_t *poll, int status, int events)
{
	PendingSocket *pending = (PendingSocket *) ((char *) poll - offsetof(PendingSocket, poll));

	bool ended = status < 0 || (events & UV_DISCONNECT) != 0;

	look_at_bytes(pending, ended);
	/* libuv looks no more at a connection with an error, such as a reset: the rest does not come. */
	if (ended && !uv_is_closing((uv_handle_t *) poll))
		close_pending(pending);
}

static void
first_bytes_poll(PendingSocket *pending)
{
	uv_poll_start(&pending->poll, UV_READABLE | UV_DISCONNECT, bytes_arrived);
}

static void
first_bytes_paused(void *context)
{
	first_bytes_poll(context);
}

void
first_bytes_await(int descriptor, NetworkAddress peer, FirstBytesKind kind, FirstBytesReady ready, void *context)
{
	PendingSocket *pending = memory_new(sizeof(PendingSocket));

	assert(ready != NULL);
	pending->descriptor = descriptor;
	pending->client = peer;
	pending->kind = kind;
	pending->ready = ready;
	pending->context = context;
	if (kind.client)
		newcomer_add(&pending->newcomer, cut_pending);
	client_socket_count_pending(1);
	timer_start(&pending->timer, FIRST_BYTES_TIMEOUT_MS, first_bytes_timeout, pending);
	uv_poll_init(loop_uv(), &pending->poll, descriptor);
	first_bytes_poll(pending);
	look_at_bytes(pending, false);
}
