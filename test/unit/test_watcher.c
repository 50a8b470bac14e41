/*-------------------------------------------------------------------------
 *
 * test_watcher.c
 *	  Tests how a connection to PostgreSQL waits for its socket.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/loop.h"
#include "source/watcher.h"

static int changes; /* calls of epoll_ctl() */

/* Stands in front of the function of the C library, also for libuv. */
int
epoll_ctl(int epoll, int operation, int descriptor, struct epoll_event *event)
{
	changes++;
	return (int) syscall(SYS_epoll_ctl, epoll, operation, descriptor, event);
}

/* A watcher of one end of a pair of sockets, and the number of its calls. */
typedef struct Fixture
{
	Watcher watcher;
	int sockets[2];
	int calls;
} Fixture;

static void
on_socket_ready(void *context)
{
	Fixture *fixture = context;

	fixture->calls++;
}

static void
watch_for(Fixture *fixture, int events)
{
	watcher_start(&fixture->watcher, fixture->sockets[0], events, on_socket_ready, fixture);
	uv_run(loop_uv(), UV_RUN_NOWAIT);
}

static void
open_sockets(Fixture *fixture)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fixture->sockets), 0);
	watch_for(fixture, UV_READABLE);
}

static void
close_sockets(Fixture *fixture)
{
	watcher_stop(&fixture->watcher);
	close(fixture->sockets[0]);
	close(fixture->sockets[1]);
	uv_run(loop_uv(), UV_RUN_DEFAULT);
}

static void
test_same_events_take_no_system_call(void **state)
{
	Fixture fixture = { 0 };
	int before;

	(void) state;
	open_sockets(&fixture);
	before = changes;
	watch_for(&fixture, UV_READABLE);
	assert_int_equal(changes, before);
	assert_int_equal(write(fixture.sockets[1], "x", 1), 1);
	watch_for(&fixture, UV_READABLE);
	assert_int_equal(fixture.calls, 1);
	close_sockets(&fixture);
}

static void
test_waits_for_other_events(void **state)
{
	Fixture fixture = { 0 };

	(void) state;
	open_sockets(&fixture);
	assert_int_equal(fixture.calls, 0);
	watch_for(&fixture, UV_READABLE | UV_WRITABLE);
	assert_int_equal(fixture.calls, 1);
	watch_for(&fixture, UV_READABLE);
	assert_int_equal(fixture.calls, 1);
	close_sockets(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_events_take_no_system_call),
		cmocka_unit_test(test_waits_for_other_events),
	};

	return cmocka_run_group_tests_name("watcher", tests, NULL, NULL);
}
