/*-------------------------------------------------------------------------
 *
 * server.c
 *	  Listens, accepts connections and hands them to libwebsockets.
 *
 * The bridge listens itself, because libwebsockets can neither share a port, nor limit the
 * connections that it accepts, nor survive a lack of descriptors.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "protocol/connection.h"
#include "transport/http.h"
#include "transport/idle_sockets.h"
#include "transport/websocket.h"

/* Connections that are accepted in one turn of the loop at most. */
#define ACCEPTS_AT_ONCE 64

/* Descriptors in addition to max-connections, and the part of them for the bridge itself; sockets get the rest. */
#define REQUEST_DESCRIPTORS 200
#define OWN_DESCRIPTORS 100

/* Bytes that the kernel queues for a connection that does not read; the rest waits in its outbox, on the budget. */
#define KERNEL_QUEUE 32768

#define DRAIN_CHECK_MS 100

static struct
{
	const Config *config;
	struct lws_context *context;
	struct lws_vhost *vhost;
	int listening;	  /* descriptor of the listening socket */
	int reserve;	  /* descriptor given up for a moment to refuse a client when there are no others left */
	long max_sockets; /* of clients */
	uv_poll_t listener;
	Timer drain_timer;
	uint64_t drain_deadline;
	void (*drain_finished)(void); /* NULL: not draining */
} server = { .listening = -1, .reserve = -1 };

/* No validity checks by libwebsockets: its timers are one sorted list, ours are a wheel. */
static const lws_retry_bo_t no_validity_checks = { 0 };

static const struct lws_http_mount server_mount = {
	.mountpoint = "/",
	.mountpoint_len = 1,
	.origin_protocol = LWSMPRO_CALLBACK,
	.origin = "http", /* .protocol stays NULL; otherwise an aborted request spins the loop */
};

static void
log_libwebsockets(int level, const char *line)
{
	size_t length = strcspn(line, "\n");
	char *text = memory_copy_bytes(line, length);

	if (level & LLL_ERR)
		log_debug("libwebsockets", "message", text);
	free(text);
}

/* Sets the limit of descriptors before libwebsockets starts, which sizes its tables by it. */
static void
limit_descriptors(void)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t) server.config->max_connections + REQUEST_DESCRIPTORS;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_max != RLIM_INFINITY && wanted > limit.rlim_max)
	{
		log_warning("few_descriptors", "hint", "The hard limit of open files is too low for max-connections.");
		wanted = limit.rlim_max;
	}
	limit.rlim_cur = wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
	server.max_sockets = (long) wanted - OWN_DESCRIPTORS;
}

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
report_listen_failure(const Config *config, const char *reason, const char *hint)
{
	fprintf(stderr, "herald-bridge: listen: cannot listen on \"%s\": %s%s%s\n", config->listen, reason,
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

/* Returns the address of the setting "listen", for freeaddrinfo(); NULL after a message on standard error. */
static struct addrinfo *
find_address(const Config *config)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *address = NULL;
	char *host;
	char *port;
	const char *reason = "expected [ADDRESS:]PORT";

	split_address(config->listen, &host, &port);
	if (is_port(port))
	{
		int code = getaddrinfo(host[0] ? host : NULL, port, &hints, &address);

		reason = code != 0 ? gai_strerror(code) : NULL;
	}
	if (reason != NULL)
		report_listen_failure(config, reason, NULL);
	free(host);
	free(port);
	return address;
}

static bool
bind_address(void)
{
	struct addrinfo *address = find_address(server.config);

	if (address == NULL)
		return false;
	server.listening = open_listener(address);
	if (server.listening < 0)
		report_listen_failure(server.config, strerror(errno), listen_hint(errno));
	freeaddrinfo(address);
	return server.listening >= 0;
}

static bool
check_folder(const Config *config)
{
	struct stat status;

	if (config->www[0] == '\0' || (stat(config->www, &status) == 0 && S_ISDIR(status.st_mode)))
		return true;
	fprintf(stderr, "herald-bridge: www: %s is not a folder\n  Give the folder with the files to serve, or leave www out.\n",
			config->www);
	return false;
}

static bool
create_context(void)
{
	static struct lws_protocols protocols[] = {
		{ .name = "herald", .callback = websocket_callback, .rx_buffer_size = 512, .tx_packet_size = 65536 },
		{ .name = "http", .callback = http_callback, .tx_packet_size = 65536 },
		{ 0 },
	};
	void *loops[] = { loop_uv() };
	struct lws_context_creation_info info = {
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_VALIDATE_UTF8,
		.foreign_loops = loops,
		.user = (void *) server.config, /* for http_request_config() */
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.mounts = &server_mount,
		.retry_and_idle_policy = &no_validity_checks,
		.max_http_header_data = 16384,
		.server_string = "herald",
		.keepalive_timeout = 30,
		.timeout_secs = 10,
		.gid = -1,
		.uid = -1,
	};

	protocols[0].per_session_data_size = websocket_size();
	protocols[1].per_session_data_size = http_size();
	lws_set_log_level(LLL_ERR, log_libwebsockets);
	server.context = lws_create_context(&info);
	if (server.context != NULL)
		server.vhost = lws_create_vhost(server.context, &info);
	if (server.vhost != NULL)
		return true;
	fputs("herald-bridge: cannot start libwebsockets; is its plug-in libwebsockets-evlib-uv installed?\n", stderr);
	return false;
}

bool
server_check(const Config *config)
{
	struct addrinfo *address = find_address(config);
	bool found = address != NULL;

	if (found)
		freeaddrinfo(address);
	return found && check_folder(config);
}

/* Refuses a client by the reserved descriptor; else it would stay in the queue and keep the listener readable. */
static void
refuse_client_without_descriptor(void)
{
	int descriptor;

	close(server.reserve);
	descriptor = accept(server.listening, NULL, NULL);
	if (descriptor >= 0)
		close(descriptor);
	server.reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	metrics.connections_refused++;
}

static void
adopt_socket(int descriptor)
{
	unsigned int timeout = (unsigned int) (server.config->ping_interval + server.config->ping_timeout);
	struct lws *wsi;

	if (!idle_sockets_make_room(server.max_sockets))
	{
		close(descriptor);
		metrics.connections_refused++;
		return;
	}
	/* Until lws_stream_open() only the kernel notices a client that acknowledges nothing. */
	setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
	wsi = lws_adopt_socket_vhost(server.vhost, descriptor); /* closes the descriptor if it fails */
	if (wsi != NULL)
		idle_sockets_opened(wsi);
}

static void
accept_clients(uv_poll_t *handle, int status, int events)
{
	(void) handle;
	(void) status;
	(void) events;
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++)
	{
		int descriptor = accept4(server.listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (descriptor < 0 && (errno == EMFILE || errno == ENFILE))
			refuse_client_without_descriptor();
		if (descriptor < 0)
			return;
		metrics.connections_accepted++;
		adopt_socket(descriptor);
	}
}

bool
server_start(const Config *config)
{
	assert(server.listening < 0);
	server.config = config;
	if (!check_folder(config) || !bind_address())
		return false;
	limit_descriptors();
	if (!create_context())
		return false;
	server.reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	uv_poll_init(loop_uv(), &server.listener, server.listening);
	uv_poll_start(&server.listener, UV_READABLE, accept_clients);
	log_info("listening", "address", server.config->listen);
	return true;
}

static void
check_drained(void *unused)
{
	(void) unused;
	if (metrics.connections == 0 || loop_now() >= server.drain_deadline)
		server.drain_finished();
	else
		timer_start(&server.drain_timer, DRAIN_CHECK_MS, check_drained, NULL);
}

void
server_drain(void (*finished)(void))
{
	assert(finished != NULL && server.config != NULL);
	if (server.drain_finished != NULL)
		return;
	server.drain_finished = finished;
	server.drain_deadline = loop_now() + (uint64_t) server.config->drain_timeout;
	uv_poll_stop(&server.listener);
	close(server.listening);
	connection_close_all(CLOSE_RESTART, "restart");
	check_drained(NULL);
}
