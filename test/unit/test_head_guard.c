/*-------------------------------------------------------------------------
 *
 * test_head_guard.c
 *	  Reads watched sockets as libwebsockets does, with and without TLS.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <cmocka.h>

#include "transport/head_guard.h"

/* A watched socket, and its client's. */
typedef struct Pair
{
	int server;
	int client;
	SSL *server_tls;
	SSL *client_tls;
	SocketBytes bytes;
} Pair;

static void
open_pair(Pair *pair)
{
	int sockets[2];

	*pair = (Pair){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
	pair->server = sockets[0];
	pair->client = sockets[1];
	head_guard_watch(pair->server, &pair->bytes);
}

static void
close_pair(Pair *pair)
{
	head_guard_forget(pair->server, &pair->bytes);
	SSL_free(pair->server_tls);
	SSL_free(pair->client_tls);
	close(pair->server);
	close(pair->client);
}

/* Speaks TLS without certificates, by a group of anonymous ciphers. */
static SSL *
new_tls(int descriptor)
{
	SSL_CTX *context = SSL_CTX_new(TLS_method());
	SSL *connection;

	SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(context, "aNULL:@SECLEVEL=0");
	connection = SSL_new(context);
	SSL_CTX_free(context);
	SSL_set_fd(connection, descriptor);
	return connection;
}

static void
open_tls_pair(Pair *pair)
{
	int accepted = 0;
	int connected = 0;

	open_pair(pair);
	pair->server_tls = new_tls(pair->server);
	pair->client_tls = new_tls(pair->client);
	for (int i = 0; i < 10 && (accepted != 1 || connected != 1); i++)
	{
		connected = SSL_connect(pair->client_tls);
		accepted = SSL_accept(pair->server_tls);
	}
	assert_int_equal(accepted, 1);
	assert_int_equal(connected, 1);
}

static void
sees_the_bytes_of_a_socket(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\n\r\n";
	char buffer[100];
	Pair pair;

	(void) state;
	open_pair(&pair);
	assert_int_equal(send(pair.client, request, sizeof(request) - 1, 0), sizeof(request) - 1);
	assert_int_equal(recv(pair.server, buffer, 5, MSG_PEEK), 5);
	assert_int_equal(pair.bytes.head.place, HEAD_BEGINS);
	assert_int_equal(recv(pair.server, buffer, sizeof(buffer), 0), sizeof(request) - 1);
	assert_int_equal(pair.bytes.head.place, HEAD_COMPLETE);
	assert_int_equal(pair.bytes.read, sizeof(request) - 1);
	close_pair(&pair);
}

static void
fails_a_socket_that_gives_more_than_is_allowed(void **state)
{
	char buffer[100] = "";
	Pair pair;

	(void) state;
	open_pair(&pair);
	pair.bytes.allowed = 10;
	assert_int_equal(send(pair.client, buffer, 100, 0), 100);
	assert_int_equal(recv(pair.server, buffer, sizeof(buffer), 0), 11);
	assert_int_equal(recv(pair.server, buffer, sizeof(buffer), 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close_pair(&pair);
}

/* OpenSSL remembers that it waits, to read or to write: a failure without a reason would look like that, for ever. */
static void
fails_a_tls_connection_that_waited_for_bytes(void **state)
{
	char buffer[100] = "";
	Pair pair;

	(void) state;
	open_tls_pair(&pair);
	assert_int_equal(SSL_read(pair.server_tls, buffer, sizeof(buffer)), -1);
	assert_int_equal(SSL_get_error(pair.server_tls, -1), SSL_ERROR_WANT_READ);
	pair.bytes.allowed = 10;
	pair.bytes.read = 11;
	assert_int_equal(SSL_write(pair.client_tls, buffer, 100), 100);
	ERR_clear_error();
	assert_int_equal(SSL_read(pair.server_tls, buffer, sizeof(buffer)), -1);
	assert_int_equal(SSL_get_error(pair.server_tls, -1), SSL_ERROR_SSL);
	ERR_clear_error();
	close_pair(&pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sees_the_bytes_of_a_socket),
		cmocka_unit_test(fails_a_socket_that_gives_more_than_is_allowed),
		cmocka_unit_test(fails_a_tls_connection_that_waited_for_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
