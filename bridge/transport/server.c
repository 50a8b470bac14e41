/*-------------------------------------------------------------------------
 *
 * server.c
 *	  Hands accepted connections to libwebsockets, within their limit.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/server.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "gateway/limits.h"
#include "protocol/connection.h"
#include "transport/action_request.h"
#include "transport/http.h"
#include "transport/client_socket.h"
#include "transport/first_bytes.h"
#include "transport/lingering_socket.h"
#include "transport/listener.h"
#include "transport/newcomer.h"
#include "transport/static_file.h"
#include "transport/tls.h"
#include "transport/websocket.h"

/* Descriptors in addition to max-connections, and the part of them for the bridge itself; sockets get the rest. */
#define REQUEST_DESCRIPTORS 200
#define OWN_DESCRIPTORS 100

#define DRAIN_CHECK_MS 100

#define HTTP_PROTOCOL "plain http"

static struct
{
	const Config *config;
	struct lws_context *context;
	Listener clients; /* listens to them, by TLS if there is a certificate */
	Listener plain;	  /* to them, never by TLS */
	Listener admin;	  /* to the administrator's requests */
	long max_sockets; /* of clients */
	Timer drain_timer;
	uint64_t drain_deadline;
	void (*drain_finished)(void); /* NULL: not draining */
} server;

/* No validity checks by libwebsockets: its timers are one sorted list, ours are a wheel. */
static const lws_retry_bo_t no_validity_checks = { 0 };

static const struct lws_http_mount server_mount = {
	.mountpoint = "/",
	.mountpoint_len = 1,
	.origin_protocol = LWSMPRO_CALLBACK,
	.origin = HTTP_PROTOCOL, /* .protocol stays NULL; otherwise an aborted request spins the loop */
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

static bool
create_vhosts(struct lws_context_creation_info *info)
{
	server.plain.vhost = lws_create_vhost(server.context, info);
	server.clients.vhost = server.admin.vhost = server.plain.vhost;
	if (server.plain.vhost == NULL || server.config->tls_cert[0] == '\0')
		return server.plain.vhost != NULL;
	tls_prepare(server.config, info);
	server.clients.vhost = lws_create_vhost(server.context, info);
	if (server.clients.vhost != NULL)
		tls_start(server.clients.vhost);
	return server.clients.vhost != NULL;
}

static bool
create_context(void)
{
	static struct lws_protocols protocols[] = {
		{ .name = "herald", .callback = websocket_callback, .rx_buffer_size = 512, .tx_packet_size = 65536 },
		/* The name is no token: a WebSocket cannot ask for this protocol, as it could for "http". */
		{ .name = HTTP_PROTOCOL, .callback = http_callback, .tx_packet_size = 65536 },
		{ 0 },
	};
	void *loops[] = { loop_uv() };
	struct lws_context_creation_info info = {
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_VALIDATE_UTF8 |
				   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
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
	if (server.context != NULL && create_vhosts(&info))
		return true;
	fputs("herald-bridge: cannot start libwebsockets; is its plug-in libwebsockets-evlib-uv installed?\n", stderr);
	return false;
}

static void
configure_listeners(const Config *config)
{
	server.clients = (Listener){ .setting = "listen", .address = config->listen };
	server.admin = (Listener){ .setting = "admin-listen", .address = config->admin_listen };
	server.plain = (Listener){ .setting = "plain-listen", .address = config->plain_listen };
}

bool
server_check(const Config *config)
{
	configure_listeners(config);
	return listener_check(&server.clients) && listener_check(&server.plain) && listener_check(&server.admin) &&
		   static_file_check(config);
}

/*
 * Returns whether an address may open one more socket now: its requests may be too many.  Too many messages of
 * strangers do not count here: the next client behind the same address may be an honest user with a token.
 */
static bool
may_open(const NetworkAddress *address)
{
	char text[NETWORK_ADDRESS_TEXT];
	LimitSubject subject = { .address = text };

	network_address_write(address, text);
	return limits_wait(LIMIT_SOCKETS, &subject) == 0;
}

static void
refuse_socket(int descriptor)
{
	close(descriptor);
	metrics.connections_refused++;
}

static void
adopt_client(void *context, const FirstBytes *connection)
{
	const Listener *listener = context;
	bool admin = listener == &server.admin;

	if (!admin && !may_open(&connection->client))
	{
		refuse_socket(connection->descriptor);
		return;
	}
	client_socket_expect(connection->client, admin, connection->head, connection->length);
	/* It closes the descriptor if it fails. */
	lws_adopt_socket_vhost_readbuf(listener->vhost, connection->descriptor, connection->head, connection->length);
}

static NetworkAddress
peer_of(int descriptor)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(address);

	getpeername(descriptor, (struct sockaddr *) &address, &size);
	return network_address_of_socket((struct sockaddr *) &address);
}

/* Returns whether one more socket of a client may be opened, for which another one may have to give way. */
static bool
has_room(void)
{
	return !client_socket_is_full(server.max_sockets) || lingering_socket_cut() || newcomer_cut();
}

/* The administrator gets in however many clients there are: of descriptors that the bridge keeps for itself. */
static void
adopt_socket(Listener *listener, int descriptor)
{
	unsigned int timeout = (unsigned int) (server.config->ping_interval + server.config->ping_timeout);
	NetworkAddress peer = peer_of(descriptor);
	FirstBytesKind kind = {
		.client = listener != &server.admin,
		.proxy_header = network_list_has(server.config->trusted_proxy, &peer),
		.request = !tls_is_spoken(listener->vhost),
	};

	if (kind.client && (!may_open(&peer) || !has_room()))
	{
		refuse_socket(descriptor);
		return;
	}
	/* Until lws_stream_open() only the kernel notices a client that acknowledges nothing. */
	setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
	first_bytes_await(descriptor, peer, kind, adopt_client, listener);
}

bool
server_start(const Config *config)
{
	assert(server.config == NULL);
	server.config = config;
	configure_listeners(config);
	if (!static_file_check(config) || !listener_bind(&server.clients) || !listener_bind(&server.plain) ||
		!listener_bind(&server.admin))
		return false;
	limit_descriptors();
	if (!create_context())
		return false;
	listener_start(&server.clients, adopt_socket);
	listener_start(&server.plain, adopt_socket);
	listener_start(&server.admin, adopt_socket);
	return true;
}

static void
check_drained(void *unused)
{
	(void) unused;
	if ((metrics.connections == 0 && action_request_count() == 0) || loop_now() >= server.drain_deadline)
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
	listener_stop(&server.clients);
	listener_stop(&server.plain);
	listener_stop(&server.admin);
	connection_close_all(CLOSE_RESTART, "restart");
	action_request_refuse_all();
	check_drained(NULL);
}
