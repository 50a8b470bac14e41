/*-------------------------------------------------------------------------
 *
 * server.c
 *	  Listens, accepts, and hands connections to libwebsockets.
 *
 * We listen ourselves, because the library cannot share a port, cap what it
 * accepts, or survive a lack of descriptors.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/server.h"

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

/* So many connections are accepted in one turn of the loop. */
#define ACCEPTS_AT_ONCE 64

/* Descriptors beside those of connections: of requests, and of our own. */
#define OTHER_DESCRIPTORS 200
#define OWN_DESCRIPTORS 100

/* What the kernel keeps for a connection that does not read; more may wait in our own queues only. */
#define KERNEL_QUEUE 32768

#define DRAIN_CHECK_MS 100

static const Config *config;
static struct lws_context *context;
static struct lws_vhost *vhost;
static int listening = -1;
static long most_sockets;
static int reserve = -1; /* given up for a moment to refuse a client when there are no descriptors left */
static uv_poll_t listener;
static Timer drain_timer;
static uint64_t drain_deadline;
static void (*drain_finished)(void);

/* The library's own timers for idle connections are one sorted list; ours are a wheel. */
static const lws_retry_bo_t no_validity_checks = { 0 };

static const struct lws_http_mount mount = {
	.mountpoint = "/",
	.mountpoint_len = 1,
	.origin_protocol = LWSMPRO_CALLBACK,
	.origin = "http", /* .protocol stays NULL, else a request whose client goes away spins */
};

static void
log_library(int level, const char *line)
{
	size_t length = strcspn(line, "\n");
	char *text = memory_copy_bytes(line, length);

	if (level & LLL_ERR)
		log_debug("libwebsockets", "message", text);
	free(text);
}

/* The library sizes its tables by this limit, so it is set to what is needed, before. */
static void
limit_descriptors(void)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t) config->max_connections + OTHER_DESCRIPTORS;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_max != RLIM_INFINITY && wanted > limit.rlim_max)
	{
		log_warning("few_descriptors", "hint", "the hard limit of open files is below max-connections");
		wanted = limit.rlim_max;
	}
	limit.rlim_cur = wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
	most_sockets = (long) wanted - OWN_DESCRIPTORS;
}

/* "PORT", "HOST:PORT" or "[ADDRESS]:PORT"; the caller frees both. */
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
	int most = KERNEL_QUEUE;
	int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (descriptor < 0)
		return -1;
	setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* Accepted connections inherit these: a small frame must not wait until the last one was acknowledged. */
	setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof(most));
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

/* Looks up the address of the settings; NULL after a message.  The caller frees it. */
static struct addrinfo *
find_address(const Config *settings)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *address = NULL;
	char *host;
	char *port;
	const char *why = "expected [ADDRESS:]PORT";

	split_address(settings->listen, &host, &port);
	if (is_port(port))
	{
		int code = getaddrinfo(host[0] ? host : NULL, port, &hints, &address);

		why = code != 0 ? gai_strerror(code) : NULL;
	}
	if (why != NULL)
		fprintf(stderr, "herald-bridge: listen: cannot listen on \"%s\": %s\n", settings->listen, why);
	free(host);
	free(port);
	return address;
}

static bool
bind_address(void)
{
	struct addrinfo *address = find_address(config);

	if (address == NULL)
		return false;
	listening = open_listener(address);
	if (listening < 0)
		fprintf(stderr, "herald-bridge: listen: cannot listen on \"%s\": %s\n", config->listen, strerror(errno));
	freeaddrinfo(address);
	return listening >= 0;
}

static bool
check_folder(const Config *settings)
{
	struct stat status;

	if (settings->www[0] == '\0' || (stat(settings->www, &status) == 0 && S_ISDIR(status.st_mode)))
		return true;
	fprintf(stderr, "herald-bridge: www: %s is not a folder\n", settings->www);
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
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.mounts = &mount,
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
	lws_set_log_level(LLL_ERR, log_library);
	context = lws_create_context(&info);
	if (context != NULL)
		vhost = lws_create_vhost(context, &info);
	if (vhost != NULL)
		return true;
	fputs("herald-bridge: libwebsockets could not be started; is its libuv plug-in (libwebsockets-evlib-uv) installed?\n", stderr);
	return false;
}

bool
server_check(const Config *settings)
{
	struct addrinfo *address = find_address(settings);
	bool found = address != NULL;

	if (found)
		freeaddrinfo(address);
	return found && check_folder(settings);
}

/* Without a free descriptor the client would wait in the queue and the listener would be ready for ever. */
static void
refuse_one(void)
{
	int descriptor;

	close(reserve);
	descriptor = accept(listening, NULL, NULL);
	if (descriptor >= 0)
		close(descriptor);
	reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	metrics.connections_refused++;
}

static void
take_in(int descriptor)
{
	unsigned int patience = (unsigned int) (config->ping_interval + config->ping_timeout);
	struct lws *wsi;

	if (!idle_sockets_make_room(most_sockets))
	{
		close(descriptor);
		metrics.connections_refused++;
		return;
	}
	/* Until there is a session nobody else notices that a client does not take what it is sent. */
	setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
	wsi = lws_adopt_socket_vhost(vhost, descriptor); /* closes it if it cannot take it */
	if (wsi != NULL)
		idle_sockets_opened(wsi);
}

static void
on_clients(uv_poll_t *handle, int status, int events)
{
	(void) handle;
	(void) status;
	(void) events;
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++)
	{
		int descriptor = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (descriptor < 0 && (errno == EMFILE || errno == ENFILE))
			refuse_one();
		if (descriptor < 0)
			return;
		metrics.connections_accepted++;
		take_in(descriptor);
	}
}

bool
server_start(const Config *settings)
{
	config = settings;
	websocket_configure(settings);
	http_configure(settings);
	if (!check_folder(settings) || !bind_address())
		return false;
	limit_descriptors();
	if (!create_context())
		return false;
	reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	uv_poll_init(loop_uv(), &listener, listening);
	uv_poll_start(&listener, UV_READABLE, on_clients);
	log_info("listening", "address", config->listen);
	return true;
}

static void
check_drained(void *unused)
{
	(void) unused;
	if (metrics.connections == 0 || loop_now() >= drain_deadline)
		drain_finished();
	else
		timer_start(&drain_timer, DRAIN_CHECK_MS, check_drained, NULL);
}

void
server_drain(void (*finished)(void))
{
	if (drain_finished != NULL)
		return;
	drain_finished = finished;
	drain_deadline = loop_now() + (uint64_t) config->drain_timeout;
	uv_poll_stop(&listener);
	close(listening);
	connection_close_all(CLOSE_RESTART, "restart");
	check_drained(NULL);
}
