/*-------------------------------------------------------------------------
 *
 * test_session.c
 *	  A session gets its events in order, from the moment it goes live until it leaves.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/metrics.h"
#include "fanout/room.h"
#include "support.h"

static void
publish(const char *name, const char *rooms)
{
	Event *event = support_event(name, rooms);

	room_publish(event);
	event_release(event);
}

static void
test_arriving_gets_nothing(void **state)
{
	Client *a = support_client("1", "a", SESSION_ARRIVING);

	(void) state;
	room_join(a->session, "x");
	publish("early", "x");
	support_turn();
	assert_string_equal(a->said, "");
	assert_int_equal(a->session->held_count, 0);
	support_end(a);
}

static void
test_held_back_while_replaying(void **state)
{
	Client *a = support_client("1", "a", SESSION_REPLAYING);

	(void) state;
	room_join(a->session, "x");
	publish("e1", "x");
	publish("unwanted", "x");
	publish("e2", "x");
	assert_int_equal(a->session->held_count, 2);
	for (int i = 0; i < 10; i++)
		publish("more", "x");
	support_turn();
	assert_string_equal(a->said, "");
	outbox_push_own(&a->outbox, frame_new(FRAME_TEXT, "replayed", 8));
	session_go_live(a->session);
	publish("e3", "x");
	support_turn();
	assert_string_equal(a->said, "replayed e1 e2 more more more more more more more more more more e3 ");
	assert_int_equal(a->session->held_count, 0);
	assert_null(a->session->held);
	support_end(a);
}

/* What is held back is bounded like what waits. */
static void
test_held_back_is_bounded(void **state)
{
	Client *a = support_client("1", "a", SESSION_REPLAYING);

	(void) state;
	room_join(a->session, "x");
	for (int i = 0; i < 2000; i++)
		publish("e", "x"); /* a payload of 2 bytes; the limit is 1000 */
	assert_int_equal(a->overflows, 1);
	assert_true(a->session->held_count <= 502);
	assert_true(a->outbox.closed);
	session_go_live(a->session);
	support_turn();
	assert_string_equal(a->said, "");
	support_end(a);
}

static void
test_leave_twice(void **state)
{
	Client *a = support_client("1", "a", SESSION_REPLAYING);
	Session *session = session_hold(a->session);
	int64_t sessions = metrics.sessions;

	(void) state;
	room_join(session, "x");
	publish("held", "x");
	session_keep_change(session, "y", true);
	session_leave(session);
	assert_int_equal(session->state, SESSION_GONE);
	assert_int_equal(session->references, 1);
	assert_int_equal(metrics.sessions, sessions - 1);
	assert_int_equal(metrics.rooms, 0);
	session_leave(session);
	assert_int_equal(session->references, 1);
	assert_int_equal(metrics.sessions, sessions - 1);
	publish("late", "*");
	session_release(session);
	support_turn();
	assert_string_equal(a->said, "");
	outbox_close(&a->outbox);
	free(a);
}

static void
expire(void *context)
{
	(void) context;
	fail_msg("a session that has left must not expire");
}

static void
test_leaving_stops_its_timer(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);
	Session *session = session_hold(a->session);

	(void) state;
	timer_start(&session->expiry, 0, expire, session);
	support_end(a);
	assert_false(timer_is_running(&session->expiry));
	session_release(session);
}

static void
test_late_changes(void **state)
{
	Client *a = support_client("1", "a", SESSION_ARRIVING);

	(void) state;
	room_join(a->session, "old");
	session_keep_change(a->session, "new", true);
	session_keep_change(a->session, "old", false);
	session_keep_change(a->session, "brief", true);
	session_keep_change(a->session, "brief", false);
	session_keep_change(a->session, "back", false);
	session_keep_change(a->session, "back", true);
	assert_int_equal(a->session->room_count, 1);
	session_make_changes(a->session);
	assert_int_equal(a->session->room_count, 2);
	assert_string_equal(room_name(a->session, 0), "new");
	assert_string_equal(room_name(a->session, 1), "back");
	assert_null(a->session->late);
	room_leave(a->session, "new");
	session_make_changes(a->session); /* each only once */
	assert_int_equal(a->session->room_count, 1);
	support_end(a);
}

/* The answer to a second join may be older than a change that the first has met. */
static void
test_late_changes_outlast_the_first_join(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);

	(void) state;
	a->session->joining = 2;
	session_keep_change(a->session, "lost", false);
	a->session->joining--;
	session_make_changes(a->session);
	a->session->joining--;
	room_join(a->session, "lost");
	session_make_changes(a->session);
	assert_int_equal(a->session->room_count, 0);
	assert_null(a->session->late);
	support_end(a);
}

static void
test_found_by_user_and_key(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);
	Client *b = support_client("1", "b", SESSION_LIVE);
	Client *c = support_client("1", "c", SESSION_LIVE);
	Client *d = support_client("2", "a", SESSION_LIVE);

	(void) state;
	assert_ptr_equal(session_find("1", "a"), a->session);
	assert_ptr_equal(session_find("1", "b"), b->session);
	assert_ptr_equal(session_find("2", "a"), d->session);
	assert_null(session_find("2", "b"));
	assert_null(session_find("3", "a"));
	support_end(b); /* from the middle */
	assert_null(session_find("1", "b"));
	assert_ptr_equal(session_find("1", "a"), a->session);
	assert_ptr_equal(session_find("1", "c"), c->session);
	support_end(c);
	assert_ptr_equal(session_of_user("1"), a->session);
	assert_null(a->session->next_of_user);
	support_end(a);
	assert_null(session_of_user("1"));
	support_end(d);
	assert_null(session_of_user("2"));
}

static void
leave_and_count(Session *session, void *context)
{
	(*(int *) context)++;
	session_leave(session);
}

static void
test_each_may_leave(void **state)
{
	Client *clients[6];
	int count = 0;

	(void) state;
	for (int i = 0; i < 6; i++)
		clients[i] = support_client(i < 3 ? "1" : i < 5 ? "2" :
														  "3",
									"k", SESSION_LIVE);
	session_each(leave_and_count, &count);
	assert_int_equal(count, 6);
	assert_int_equal(metrics.sessions, 0);
	assert_null(session_of_user("1"));
	for (int i = 0; i < 6; i++)
	{
		outbox_close(&clients[i]->outbox);
		free(clients[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arriving_gets_nothing),
		cmocka_unit_test(test_held_back_while_replaying),
		cmocka_unit_test(test_held_back_is_bounded),
		cmocka_unit_test(test_leave_twice),
		cmocka_unit_test(test_leaving_stops_its_timer),
		cmocka_unit_test(test_late_changes),
		cmocka_unit_test(test_late_changes_outlast_the_first_join),
		cmocka_unit_test(test_found_by_user_and_key),
		cmocka_unit_test(test_each_may_leave),
	};

	outbox_start();
	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
