/*-------------------------------------------------------------------------
 *
 * listener.c
 *	  Listens on an address and accepts connections.
 *
 * The bridge listens itself, because libwebsockets can neither share a port, nor limit the
 * connections that it accepts, nor survive a lack of descriptors.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/listener.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/metrics.h"

/* Connections that are accepted in one turn of the loop at most. */
#define ACCEPTS_AT_ONCE 64

/* Bytes that the kernel queues for a connection that does not read; the rest waits in its outbox, on the budget. */
#define KERNEL_QUEUE 32768

static int reserve = -1; /* descriptor given up for a moment to refuse a client when there are no others left */

/* Splits "PORT", "HOST:PORT" or "[ADDRESS]:PORT"; the caller frees both parts. */
static void
split_address(const char *text, char **host, char **port)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t) (colon - text) : 0;

	*port = memory_copy(colon ? colon + 1 : text);
	if (colon == NULL)
		*host = memory_copy("127.0.0.1");
	else if (length >= 2 && text[0] == '[' && text[length - 1] == ']')
		*host = memory_copy_bytes(text + 1, length - 2);
	else
		*host = memory_copy_bytes(text, length);
}

static int
open_listener(const struct addrinfo *address)
{
	int on = 1;
	int limit = KERNEL_QUEUE;
	int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (descriptor < 0)
		return -1;
	setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* Accepted connections inherit these.  With TCP_NODELAY a small frame does not wait for an acknowledgement. */
	setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &limit, sizeof(limit));
	if (bind(descriptor, address->ai_addr, address->ai_addrlen) == 0 && listen(descriptor, 4096) == 0)
		return descriptor;
	close(descriptor);
	return -1;
}

static bool
is_port(const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);

	return end != text && *end == '\0' && port >= 0 && port <= 65535;
}

/* Reports that the bridge cannot listen, the reason, and a hint, which may be NULL, on standard error. */
static void
report_listen_failure(const Listener *listener, const char *reason, const char *hint)
{
	fprintf(stderr, "herald-bridge: %s: cannot listen on \"%s\": %s%s%s\n", listener->setting, listener->address, reason,
			hint ? "\n  " : "", hint ? hint : "");
}

static const char *
listen_hint(int error)
{
	switch (error)
	{
		case EADDRINUSE:
			return "Another process listens there, perhaps another bridge (ss -ltnp shows it): end it, or set another "
				   "port with --listen.";
		case EACCES:
			return "Ports below 1024 need the capability CAP_NET_BIND_SERVICE: set a higher port with --listen, behind a "
				   "proxy.";
		case EADDRNOTAVAIL:
			return "This machine does not have that address: set one of its own with --listen, or 0.0.0.0 or [::] for all.";
		default:
			return NULL;
	}
}

/* Returns the listener's address, for freeaddrinfo(); NULL after a message on standard error. */
static struct addrinfo *
find_address(const Listener *listener)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *address = NULL;
	char *host;
	char *port;
	const char *reason = "expected [ADDRESS:]PORT";

	split_address(listener->address, &host, &port);
	if (is_port(port))
	{
		int code = getaddrinfo(host[0] ? host : NULL, port, &hints, &address);

		reason = code != 0 ? gai_strerror(code) : NULL;
	}
	if (reason != NULL)
		report_listen_failure(listener, reason, NULL);
	free(host);
	free(port);
	return address;
}

bool
listener_check(const Listener *listener)
{
	struct addrinfo *address;

	if (listener->address[0] == '\0')
		return true;
	address = find_address(listener);
	if (address != NULL)
		freeaddrinfo(address);
	return address != NULL;
}

bool
listener_bind(Listener *listener)
{
	struct addrinfo *address;

	listener->descriptor = -1;
	if (listener->address[0] == '\0')
		return true;
	address = find_address(listener);
	if (address == NULL)
		return false;
	listener->descriptor = open_listener(address);
	if (listener->descriptor < 0)
		report_listen_failure(listener, strerror(errno), listen_hint(errno));
	freeaddrinfo(address);
	return listener->descriptor >= 0;
}

/* Refuses a client by the reserved descriptor; else it would stay in the queue and keep the listener readable. */
static void
refuse_client_without_descriptor(const Listener *listener)
{
	int descriptor;

	close(reserve);
	descriptor = accept(listener->descriptor, NULL, NULL);
	if (descriptor >= 0)
		close(descriptor);
	reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	metrics.connections_refused++;
}

static void
accept_clients(uv_poll_t *poll, int status, int events)
{
	Listener *listener = (Listener *) ((char *) poll - offsetof(Listener, poll));
	void (*adopt)(Listener *, int) = (void (*)(Listener *, int)) poll->data;

	(void) status;
	(void) events;
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++)
	{
		int descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (descriptor < 0 && (errno == EMFILE || errno == ENFILE))
			refuse_client_without_descriptor(listener);
		if (descriptor < 0)
			return;
		metrics.connections_accepted++;
		adopt(listener, descriptor);
	}
}

void
listener_start(Listener *listener, void (*adopt)(Listener *listener, int descriptor))
{
	assert(adopt != NULL && listener->vhost != NULL);
	if (listener->descriptor < 0)
		return;
	if (reserve < 0)
		reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	uv_poll_init(loop_uv(), &listener->poll, listener->descriptor);
	listener->poll.data = (void *) adopt;
	uv_poll_start(&listener->poll, UV_READABLE, accept_clients);
	log_info("listening", "address", listener->address);
}

void
listener_stop(Listener *listener)
{
	if (listener->descriptor < 0)
		return;
	uv_poll_stop(&listener->poll);
	close(listener->descriptor);
	listener->descriptor = -1;
}
