/*-------------------------------------------------------------------------
 *
 * test_first_bytes.c
 *	  Tests how the bridge looks at the first bytes of connections (transport/first_bytes.c).
 *
 * The connections are pairs of local sockets: for these the kernel does not follow SO_RCVLOWAT, so that the loop wakes
 * up although nothing has arrived.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/loop.h"
#include "transport/client_socket.h"
#include "transport/first_bytes.h"

static int waiting; /* connections */

void
client_socket_count_pending(int change)
{
	waiting += change;
}

void
client_socket_charge(const NetworkAddress *client)
{
	(void) client;
}

/* A connection: the client's end, and the bytes that the bridge has handed over. */
typedef struct Fixture
{
	int client;
	char head[1000];
	int handed_over;
} Fixture;

static void
on_ready(void *context, const FirstBytes *connection)
{
	Fixture *fixture = context;
	ssize_t rest;

	memcpy(fixture->head, connection->head, connection->length);
	rest = recv(connection->descriptor, fixture->head + connection->length, 100, 0);
	assert_true(rest >= 0);
	fixture->handed_over++;
	close(connection->descriptor);
}

static void
say(Fixture *fixture, const char *text)
{
	assert_int_equal(send(fixture->client, text, strlen(text), 0), strlen(text));
}

static void
connect_pair(Fixture *fixture, FirstBytesKind kind, const char *text)
{
	int sockets[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
	*fixture = (Fixture){ .client = sockets[1] };
	say(fixture, text);
	first_bytes_await(sockets[0], (NetworkAddress){ { 0 } }, kind, on_ready, fixture);
}

static void
stop_run(uv_timer_t *timer)
{
	uv_close((uv_handle_t *) timer, NULL);
}

/* Runs the loop for so many milliseconds. */
static void
run_for(uint64_t milliseconds)
{
	static uv_timer_t end;

	uv_timer_init(loop_uv(), &end);
	uv_timer_start(&end, stop_run, milliseconds, 0);
	while (uv_is_active((uv_handle_t *) &end))
		uv_run(loop_uv(), UV_RUN_ONCE);
	uv_run(loop_uv(), UV_RUN_NOWAIT);
}

static void
finish(Fixture *fixture)
{
	close(fixture->client);
	run_for(100);
	assert_int_equal(waiting, 0);
}

static void
test_waits_for_the_rest_of_a_head(void **state)
{
	Fixture fixture;

	(void) state;
	connect_pair(&fixture, (FirstBytesKind){ .request = true }, "GET http://a/x HTTP/1.1\r\nHo");
	run_for(100);
	assert_int_equal(fixture.handed_over, 0);
	assert_int_equal(waiting, 1);
	say(&fixture, "st: b\r\n\r\n");
	run_for(100);
	assert_int_equal(fixture.handed_over, 1);
	assert_string_equal(fixture.head, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	finish(&fixture);
}

static void
test_waits_for_the_rest_of_a_proxy_header(void **state)
{
	Fixture fixture;

	(void) state;
	connect_pair(&fixture, (FirstBytesKind){ .request = true, .proxy_header = true }, "PROXY TCP4 192.0.2.1");
	run_for(100);
	assert_int_equal(waiting, 1);
	say(&fixture, " 192.0.2.2 1 2\r\nGET http://a/x HTTP/1.1\r\nHost: b\r\n");
	run_for(100);
	assert_int_equal(fixture.handed_over, 0);
	say(&fixture, "\r\n");
	run_for(100);
	assert_string_equal(fixture.head, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	finish(&fixture);
}

static void
test_closes_a_connection_that_ends_within_its_head(void **state)
{
	Fixture fixture;

	(void) state;
	connect_pair(&fixture, (FirstBytesKind){ .request = true }, "GET http://a/x HTTP/1.1\r\nHo");
	run_for(50);
	assert_int_equal(shutdown(fixture.client, SHUT_WR), 0);
	run_for(200);
	assert_int_equal(waiting, 0);
	assert_int_equal(fixture.handed_over, 0);
	finish(&fixture);
}

/* Connects a client by TCP, which sends nothing yet. */
static void
connect_by_tcp(Fixture *fixture, FirstBytesKind kind)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int descriptor;

	assert_int_equal(bind(listener, (struct sockaddr *) &address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *) &address, &size), 0);
	*fixture = (Fixture){ .client = socket(AF_INET, SOCK_STREAM, 0) };
	assert_int_equal(connect(fixture->client, (struct sockaddr *) &address, size), 0);
	descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(descriptor >= 0);
	close(listener);
	first_bytes_await(descriptor, (NetworkAddress){ { 0 } }, kind, on_ready, fixture);
}

static void
test_closes_a_connection_that_is_reset_within_its_head(void **state)
{
	static const struct linger reset = { .l_onoff = 1 };
	static const char *const heads[] = { "", "GET http://a/x HTTP/1.1\r\nHo", "PROXY TCP4 192.0.2.1" };
	Fixture fixture;

	(void) state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
	{
		connect_by_tcp(&fixture, (FirstBytesKind){ .request = true, .proxy_header = true });
		run_for(20);
		say(&fixture, heads[i]);
		assert_int_equal(setsockopt(fixture.client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
		close(fixture.client);
		run_for(200);
		assert_int_equal(waiting, 0);
		assert_int_equal(fixture.handed_over, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_for_the_rest_of_a_head),
		cmocka_unit_test(test_waits_for_the_rest_of_a_proxy_header),
		cmocka_unit_test(test_closes_a_connection_that_ends_within_its_head),
		cmocka_unit_test(test_closes_a_connection_that_is_reset_within_its_head),
	};

	return cmocka_run_group_tests_name("first_bytes", tests, NULL, NULL);
}
