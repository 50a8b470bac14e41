/*-------------------------------------------------------------------------
 *
 * test_room.c
 *	  A room delivers each event to its members once, while they join and leave.
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

	room_publish(AUDIENCE_LIVE, event);
	assert_int_equal(event->references, 1); /* live sessions hold frames, not events */
	event_unref(event);
}

static void
delivers_to_the_members_of_a_room(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);
	Client *b = support_client("2", "b", SESSION_LIVE);

	(void) state;
	room_join(a->session, "post:1");
	room_join(b->session, "post:1");
	room_join(b->session, "post:2");
	publish("one", "post:1");
	publish("two", "post:2");
	publish("none", "post:3");
	publish("unwanted", "post:1");
	room_leave(b->session, "post:1");
	room_leave(b->session, "post:3");
	publish("three", "post:1");
	support_turn();
	assert_string_equal(a->said, "one three ");
	assert_string_equal(b->said, "one two ");
	support_end(a);
	support_end(b);
	assert_int_equal(metrics.rooms, 0);
}

static void
delivers_an_event_in_two_rooms_once(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);
	Client *b = support_client("2", "b", SESSION_LIVE);

	(void) state;
	room_join(a->session, "x");
	room_join(a->session, "y");
	room_join(b->session, "y");
	support_encoded = 0;
	publish("e", "x y y");
	assert_int_equal(support_encoded, 1); /* once for all */
	publish("f", "y x");
	support_turn();
	assert_string_equal(a->said, "e f ");
	assert_string_equal(b->said, "e f ");
	support_end(a);
	support_end(b);
}

/* Frames of parts are the event's name, a colon and the room. */
static Frame *
encode_part(const Format *format, const Event *event)
{
	char *text = memory_format("%s:%s", event->name, event->part_room ? event->part_room : "all");

	(void) format;
	support_encoded++;
	return frame_of_text(FRAME_TEXT, text);
}

/* Events called "whole" have no parts. */
static Event *
make_part(const Format *format, const Event *event, const char *room)
{
	(void) format;
	return strcmp(event->name, "whole") == 0 ? NULL : event_part(event, room);
}

static void
publish_ephemeral(const char *name, const char *rooms, const char *except)
{
	Event *event = support_event(name, rooms);

	event->ephemeral = true;
	event->key = memory_copy(name);
	event->except = memory_copy(except);
	room_publish(AUDIENCE_LIVE, event);
	event_unref(event);
}

static void
delivers_parts_of_an_event_once_for_each_room(void **state)
{
	static const Format parted = { .slot = 3, .encode = encode_part, .part = make_part };
	Client *a = support_client("1", "a", SESSION_LIVE);
	Client *b = support_client("2", "b", SESSION_LIVE);
	Client *c = support_client("3", "c", SESSION_LIVE);

	(void) state;
	a->session->format = b->session->format = &parted;
	for (int i = 0; i < 3; i++)
	{
		Client *client = i == 0 ? a : i == 1 ? b :
											   c;

		room_join(client->session, "x");
		room_join(client->session, "y");
	}
	room_leave(b->session, "x");
	support_encoded = 0;
	publish_ephemeral("e", "x y z", NULL);
	assert_int_equal(support_encoded, 3); /* once for each room, and once for the other format */
	publish_ephemeral("whole", "x y", NULL);
	publish_ephemeral("f", "y", "2");
	publish("logged", "x y");
	support_turn();
	assert_string_equal(a->said, "e:x e:y whole:all f:y logged:all ");
	assert_string_equal(b->said, "e:y whole:all logged:all ");
	assert_string_equal(c->said, "e whole f logged ");
	support_end(a);
	support_end(b);
	support_end(c);
}

static void
publish_in_audience(Audience audience, const char *name, const char *rooms)
{
	Event *event = support_event(name, rooms);

	room_publish(audience, event);
	event_unref(event);
}

static void
delivers_to_one_audience_only(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);
	Client *b = support_client("1", "b", SESSION_REPLAYING);
	int64_t before = metrics.rooms;

	(void) state;
	room_join(a->session, "x");
	room_join(b->session, "x");
	room_join(b->session, "y");
	assert_int_equal(metrics.rooms - before, 3);
	publish_in_audience(AUDIENCE_LIVE, "live", "x");
	publish_in_audience(AUDIENCE_CACHE_REPLAY, "recent", "x y");
	publish_in_audience(AUDIENCE_LOG_REPLAY, "nobody", "x y");
	room_move(b->session, AUDIENCE_LOG_REPLAY);
	publish_in_audience(AUDIENCE_CACHE_REPLAY, "moved", "x y");
	publish_in_audience(AUDIENCE_LOG_REPLAY, "log", "y x");
	roster_go_live(b->session);
	publish_in_audience(AUDIENCE_LIVE, "all", "y x");
	support_turn();
	assert_string_equal(a->said, "live all ");
	assert_string_equal(b->said, "recent log all ");
	assert_int_equal(metrics.rooms - before, 2);
	support_end(a);
	support_end(b);
}

static void
publish_membership(Audience audience, const char *user, const char *joins, const char *leaves, const char *rooms)
{
	Event *event = support_event("membership", rooms);

	event->member = memory_copy(user);
	event->joins = joins ? memory_copy(joins) : NULL;
	event->leaves = leaves ? memory_copy(leaves) : NULL;
	room_publish(audience, event);
	event_unref(event);
}

static void
changes_membership_in_step_with_its_event(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);
	Client *b = support_client("1", "b", SESSION_REPLAYING);
	Client *c = support_client("2", "c", SESSION_LIVE);

	(void) state;
	publish_membership(AUDIENCE_LIVE, "1", "x", NULL, "x");
	publish("in", "x");
	publish_membership(AUDIENCE_LIVE, "1", NULL, "x", "x");
	publish("out", "x");
	support_turn();
	assert_string_equal(a->said, "membership in membership ");
	assert_string_equal(b->said, "");
	assert_string_equal(c->said, "");
	support_end(a);
	support_end(b);
	support_end(c);
}

static void
closes_a_room_with_its_last_member(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);
	Client *b = support_client("2", "b", SESSION_LIVE);
	int64_t before = metrics.rooms;

	(void) state;
	room_join(a->session, "x");
	room_join(a->session, "x");
	room_join(b->session, "x");
	assert_int_equal(a->session->rooms.count, 1);
	assert_int_equal(metrics.rooms - before, 1);
	room_leave(a->session, "x");
	assert_int_equal(metrics.rooms - before, 1);
	room_leave(a->session, "x");
	room_leave(b->session, "x");
	assert_int_equal(metrics.rooms - before, 0);
	room_join(a->session, "x");
	room_join(a->session, "y");
	assert_int_equal(metrics.rooms - before, 2);
	room_leave_all(a->session);
	assert_int_equal(metrics.rooms - before, 0);
	assert_int_equal(a->session->rooms.count, 0);
	support_end(a);
	support_end(b);
}

static void
lets_a_session_that_has_left_join_no_room(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);
	Session *session = session_ref(a->session);

	(void) state;
	room_join(session, "x");
	support_end(a);
	room_join(session, "x");
	assert_int_equal(session->rooms.count, 0);
	assert_int_equal(metrics.rooms, 0);
	session_unref(session);
}

enum
{
	SESSIONS = 20,
	ROOMS = 15,
	STEPS = 20000
};

/* Asserts that each room reaches the sessions of the model, and that each session has as many rooms as there. */
static void
compare(Client **clients, bool model[SESSIONS][ROOMS])
{
	int used = 0;
	int counts[SESSIONS] = { 0 };

	for (int r = 0; r < ROOMS; r++)
	{
		char name[16];
		bool any = false;

		snprintf(name, sizeof(name), "r%d", r);
		publish(name, name);
		support_turn();
		for (int s = 0; s < SESSIONS; s++)
		{
			assert_int_equal(clients[s]->said[0] != '\0', model[s][r]);
			counts[s] += model[s][r];
			clients[s]->said[0] = '\0';
			any |= model[s][r];
		}
		used += any;
	}
	for (int s = 0; s < SESSIONS; s++)
		assert_int_equal(clients[s]->session->rooms.count, counts[s]);
	assert_int_equal(metrics.rooms, used);
}

static void
agrees_with_a_model_after_random_changes(void **state)
{
	static bool model[SESSIONS][ROOMS];
	Client *clients[SESSIONS];
	char name[16];

	(void) state;
	srandom(7);
	for (int s = 0; s < SESSIONS; s++)
		clients[s] = support_client("u", "k", SESSION_LIVE);
	for (int step = 0; step < STEPS; step++)
	{
		int s = (int) (random() % SESSIONS);
		int r = (int) (random() % ROOMS);
		bool joins = random() % (step % 2000 < 1000 ? 3 : 2) != 0;

		snprintf(name, sizeof(name), "r%d", r);
		if (random() % 500 == 0)
		{
			room_leave_all(clients[s]->session);
			memset(model[s], 0, sizeof(model[s]));
		}
		else
		{
			(joins ? room_join : room_leave)(clients[s]->session, name);
			model[s][r] = joins;
		}
		if (step % 100 == 0)
			compare(clients, model);
	}
	for (int s = 0; s < SESSIONS; s++)
		support_end(clients[s]);
	assert_int_equal(metrics.rooms, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delivers_to_the_members_of_a_room),
		cmocka_unit_test(delivers_an_event_in_two_rooms_once),
		cmocka_unit_test(delivers_parts_of_an_event_once_for_each_room),
		cmocka_unit_test(delivers_to_one_audience_only),
		cmocka_unit_test(changes_membership_in_step_with_its_event),
		cmocka_unit_test(closes_a_room_with_its_last_member),
		cmocka_unit_test(lets_a_session_that_has_left_join_no_room),
		cmocka_unit_test(agrees_with_a_model_after_random_changes),
	};

	outbox_start();
	return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
