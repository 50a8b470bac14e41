/*-------------------------------------------------------------------------
 *
 * test_access.c
 *	  A session leaves rooms with its access, and gets nothing from before it.
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
#include "fanout/room_key.h"
#include "support.h"

static Session *stalled;

static void
note_stalled(Session *session)
{
	stalled = session;
}

static void
admit(Client *client, const char *room, const char *checked, const char *since, uint64_t window)
{
	Snapshot *snapshot = snapshot_parse(checked);

	room_admit(client->session, room, access_new(snapshot, since ? snapshot_parse(since) : NULL, window));
	snapshot_unref(snapshot);
}

static void
publish_in(Audience audience, const char *name, const char *rooms, uint64_t xid)
{
	Event *event = support_event(name, rooms);

	event->xid = xid;
	room_publish(audience, event);
	event_unref(event);
}

static void
publish_ephemeral(const char *name, const char *rooms, uint64_t xid)
{
	Event *event = support_event(name, rooms);

	event->ephemeral = true;
	event->xid = xid;
	room_publish(AUDIENCE_LIVE, event);
	event_unref(event);
}

/* Returns whether the recheck has stalled the session; an event that it carries does not reach a stalled session. */
static bool
recheck_stalls(Audience audience, Client *client, uint64_t xid, const char *user, const char *room)
{
	Event *event = support_event("recheck", "x");
	bool stalls;

	event->xid = xid;
	event->recheck = recheck_new(xid, user, room);
	stalled = NULL;
	room_publish(audience, event);
	event_unref(event);
	stalls = client->session->cursor.stall == STALL_RECHECK;
	assert_ptr_equal(stalled, stalls && client->session->state == SESSION_LIVE ? client->session : NULL);
	catchup_cursor_resume(&client->session->cursor);
	return stalls;
}

static void
withholds_what_the_answer_has_seen(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);

	(void) state;
	room_window_read(7);
	admit(a, "x", "10:10:", "10:20:12", 8);
	publish_in(AUDIENCE_LIVE, "seen", "x", 19);
	publish_in(AUDIENCE_LIVE, "running", "x", 12);
	publish_in(AUDIENCE_LIVE, "later", "x", 20);
	publish_ephemeral("seen", "x", 19);
	publish_ephemeral("signal", "x", 12);
	publish_ephemeral("own", "x", UINT64_MAX);
	room_window_read(8);
	publish_in(AUDIENCE_LIVE, "reused", "x", 19); /* after a crash */
	support_turn();
	assert_string_equal(a->said, "running later signal own reused ");
	support_end(a);
}

static void
delivers_through_another_room_what_one_withholds(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);

	(void) state;
	admit(a, "x", "10:10:", "10:20:", UINT64_MAX);
	room_join(a->session, "y");
	publish_in(AUDIENCE_LIVE, "both", "x y", 15);
	support_turn();
	assert_string_equal(a->said, "both ");
	support_end(a);
}

/* The log decides about a room from the moment when one of its events has put the session there. */
static void
ends_withholding_when_the_log_joins(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);

	(void) state;
	admit(a, "x", "10:10:", "10:20:", UINT64_MAX);
	room_join(a->session, "x");
	publish_in(AUDIENCE_LIVE, "inside", "x", 15);
	assert_false(recheck_stalls(AUDIENCE_LOG_REPLAY, a, 30, "1", "x"));
	assert_false(recheck_stalls(AUDIENCE_LIVE, a, 30, "1", "x"));
	support_turn();
	assert_string_equal(a->said, "inside recheck ");
	support_end(a);
}

static void
keeps_a_membership_that_there_is(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);

	(void) state;
	room_join(a->session, "x");
	admit(a, "x", "10:10:", "10:20:", UINT64_MAX);
	publish_in(AUDIENCE_LIVE, "early", "x", 15);
	support_turn();
	assert_string_equal(a->said, "early ");
	support_end(a);
}

static void
stalls_the_sessions_that_a_recheck_concerns(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);
	json_t *keys = json_pack("[s]", "author:9");

	(void) state;
	assert_false(recheck_stalls(AUDIENCE_LIVE, a, 30, "1", "x")); /* it has joined no room */
	assert_true(recheck_stalls(AUDIENCE_LIVE, a, 30, "1", NULL)); /* its token may be revoked */
	assert_false(recheck_stalls(AUDIENCE_LIVE, a, 30, "2", NULL));
	admit(a, "x", "10:20:", NULL, UINT64_MAX);
	room_key_add("x", keys);
	assert_true(recheck_stalls(AUDIENCE_LIVE, a, 30, "1", NULL));
	assert_true(recheck_stalls(AUDIENCE_LIVE, a, 30, NULL, "x"));
	assert_true(recheck_stalls(AUDIENCE_LIVE, a, 30, NULL, "author:9"));
	assert_true(recheck_stalls(AUDIENCE_LIVE, a, 30, "1", "author:9"));
	assert_false(recheck_stalls(AUDIENCE_LIVE, a, 30, "2", "author:9"));
	assert_false(recheck_stalls(AUDIENCE_LIVE, a, 30, "1", "author:8"));
	assert_false(recheck_stalls(AUDIENCE_LIVE, a, 19, NULL, "x")); /* the answer has considered it */
	assert_false(recheck_stalls(AUDIENCE_CACHE_REPLAY, a, 30, "1", "x"));
	room_leave(a->session, "x");
	assert_false(recheck_stalls(AUDIENCE_LIVE, a, 30, NULL, "x"));
	room_join(a->session, "x");
	assert_false(room_key_has("x", "author:9")); /* forgotten with the room */
	json_decref(keys);
	support_end(a);
}

static void
stalls_a_replaying_session_before_the_event(void **state)
{
	Client *a = support_client("1", "a", SESSION_REPLAYING);
	Event *event = support_event("secret", "x");

	(void) state;
	admit(a, "x", "10:20:", NULL, 1);
	room_window_read(100); /* the reader is far ahead of the replay */
	publish_in(AUDIENCE_CACHE_REPLAY, "before", "x", 29);
	assert_false(recheck_stalls(AUDIENCE_CACHE_REPLAY, a, 19, NULL, "x"));
	event->xid = 30;
	event->recheck = recheck_new(30, NULL, "x");
	room_publish(AUDIENCE_CACHE_REPLAY, event);
	publish_in(AUDIENCE_CACHE_REPLAY, "after", "x", 31);
	assert_int_equal(a->session->cursor.stall, STALL_RECHECK);
	support_turn();
	assert_string_equal(a->said, "before recheck ");
	event_unref(event);
	catchup_cursor_resume(&a->session->cursor);
	support_end(a);
}

/* A check that sees the recheck has considered it; a crash gives the ids that it sees to other transactions. */
static void
stalls_a_session_once_for_a_recheck_of_its_user(void **state)
{
	Client *a = support_client("1", "a", SESSION_REPLAYING);
	Snapshot *checked = snapshot_parse("30:40:35");

	(void) state;
	assert_true(recheck_stalls(AUDIENCE_CACHE_REPLAY, a, 30, "1", NULL));
	catchup_cursor_note_check(&a->session->cursor, checked);
	assert_false(recheck_stalls(AUDIENCE_CACHE_REPLAY, a, 30, "1", NULL));
	assert_true(recheck_stalls(AUDIENCE_CACHE_REPLAY, a, 35, "1", NULL));
	room_forget_answers(a->session);
	assert_true(recheck_stalls(AUDIENCE_CACHE_REPLAY, a, 30, "1", NULL));
	snapshot_unref(checked);
	support_end(a);
}

static void
add_name(const char *name, void *text)
{
	strcat(text, name);
	strcat(text, " ");
}

/* A room that was joined while the check ran stays, whatever the answer. */
static void
leaves_rooms_that_a_check_refuses(void **state)
{
	Client *a = support_client("1", "a", SESSION_REPLAYING);
	Snapshot *checked = snapshot_parse("40:40:");
	const char *const refused[] = { "y", "again", "new", "log", "unknown", NULL };
	char asked[100] = "";

	(void) state;
	admit(a, "x", "10:20:", NULL, UINT64_MAX);
	admit(a, "y", "10:20:", NULL, UINT64_MAX);
	admit(a, "again", "10:20:", NULL, UINT64_MAX);
	room_join(a->session, "log");
	room_check_begin(a->session, add_name, asked);
	assert_string_equal(asked, "x y again ");
	admit(a, "new", "10:20:", NULL, UINT64_MAX);
	room_leave(a->session, "again");
	admit(a, "again", "10:20:", NULL, UINT64_MAX);
	room_check_admit(a->session, "x", checked, UINT64_MAX);
	room_check_admit(a->session, "unknown", checked, UINT64_MAX);
	for (const char *const *room = refused; *room != NULL; room++)
		room_check_refuse(a->session, *room, &room_forbidden);
	support_turn();
	assert_string_equal(a->said, "room:left ");
	assert_true(room_has(a->session, "x"));
	assert_false(room_has(a->session, "y"));
	assert_true(room_has(a->session, "again"));
	assert_true(room_has(a->session, "new"));
	assert_true(room_has(a->session, "log"));
	assert_false(recheck_stalls(AUDIENCE_CACHE_REPLAY, a, 30, NULL, "x"));
	assert_true(recheck_stalls(AUDIENCE_CACHE_REPLAY, a, 30, NULL, "new"));
	snapshot_unref(checked);
	support_end(a);
}

static void
leaves_rooms_that_a_check_does_not_answer(void **state)
{
	Client *a = support_client("1", "a", SESSION_REPLAYING);
	Snapshot *checked = snapshot_parse("40:40:");
	char asked[100] = "";

	(void) state;
	room_join(a->session, "log");
	admit(a, "w", "10:20:", NULL, UINT64_MAX);
	admit(a, "x", "10:20:", NULL, UINT64_MAX);
	admit(a, "y", "10:20:", NULL, UINT64_MAX);
	room_check_begin(a->session, add_name, asked);
	admit(a, "new", "10:20:", NULL, UINT64_MAX);
	room_check_admit(a->session, "x", checked, UINT64_MAX);
	room_check_end(a->session);
	room_check_end(a->session);
	support_turn();
	assert_string_equal(a->said, "room:left room:left ");
	assert_false(room_has(a->session, "w"));
	assert_true(room_has(a->session, "x"));
	assert_false(room_has(a->session, "y"));
	assert_true(room_has(a->session, "new"));
	assert_true(room_has(a->session, "log"));
	snapshot_unref(checked);
	support_end(a);
}

static void
tells_an_arriving_session_after_its_welcome(void **state)
{
	Client *a = support_client("1", "a", SESSION_ARRIVING);

	(void) state;
	catchup_cursor_locate(&a->session->cursor, memory_copy("P"), seen_snapshots_new(0));
	session_tell_left(a->session, "x", &room_forbidden);
	session_tell_left(a->session, "y", &room_interrupted);
	support_turn();
	assert_string_equal(a->said, "");
	roster_welcome(a->session);
	support_turn();
	assert_string_equal(a->said, "room:left room:left ");
	assert_null(a->session->left);
	session_tell_left(a->session, "z", &room_forbidden);
	support_turn();
	assert_string_equal(a->said, "room:left room:left room:left ");
	support_end(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(withholds_what_the_answer_has_seen),
		cmocka_unit_test(delivers_through_another_room_what_one_withholds),
		cmocka_unit_test(ends_withholding_when_the_log_joins),
		cmocka_unit_test(keeps_a_membership_that_there_is),
		cmocka_unit_test(stalls_the_sessions_that_a_recheck_concerns),
		cmocka_unit_test(stalls_a_replaying_session_before_the_event),
		cmocka_unit_test(stalls_a_session_once_for_a_recheck_of_its_user),
		cmocka_unit_test(leaves_rooms_that_a_check_refuses),
		cmocka_unit_test(leaves_rooms_that_a_check_does_not_answer),
		cmocka_unit_test(tells_an_arriving_session_after_its_welcome),
	};

	outbox_start();
	session_on_stall(note_stalled);
	return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
