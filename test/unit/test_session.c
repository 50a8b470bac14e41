/*-------------------------------------------------------------------------
 *
 * test_session.c
 *	  A session gets its events in order, from the time when it goes live until it leaves.
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
#include "fanout/pending_acks.h"
#include "fanout/room.h"
#include "fanout/session_list.h"
#include "fanout/user.h"
#include "fanout/position_round.h"
#include "support.h"

static void
publish(const char *name, const char *rooms)
{
	Event *event = support_event(name, rooms);

	room_publish(AUDIENCE_LIVE, event);
	event_unref(event);
}

static void
delivers_nothing_to_an_arriving_session(void **state)
{
	Client *a = support_client("1", "a", SESSION_ARRIVING);

	(void) state;
	room_join(a->session, "x");
	publish("early", "x");
	support_turn();
	assert_string_equal(a->said, "");
	support_end(a);
}

static void
publish_ephemeral(const char *name, const char *rooms, const char *key, const char *except)
{
	Event *event = support_event(name, rooms);

	event->ephemeral = true;
	event->key = memory_copy(key);
	event->except = memory_copy(except);
	room_publish(AUDIENCE_LIVE, event);
	event_unref(event);
}

/* Each live session gets them once, except those of the excluded user; no outbox overflows. */
static void
delivers_ephemeral_events_to_live_sessions_once(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);
	Client *b = support_client("2", "b", SESSION_LIVE);
	Client *c = support_client("1", "c", SESSION_REPLAYING);

	(void) state;
	for (Client *const *client = (Client *[]){ a, b, c, NULL }; *client != NULL; client++)
	{
		room_join((*client)->session, "x");
		room_join((*client)->session, "y");
	}
	publish_ephemeral("all", "x y", NULL, NULL);
	publish_ephemeral("other", "x y", NULL, "1");
	support_turn();
	a->slow = true;
	publish("logged", "x");
	publish_ephemeral("old", "x", "k", NULL);
	publish_ephemeral("new", "x", "k", NULL);
	for (int i = 0; i < 500; i++)
		publish_ephemeral("many", "x", NULL, "2");
	assert_int_equal(a->overflows, 0);
	publish_ephemeral("newest", "x", "k", NULL);
	a->slow = false;
	support_turn();
	assert_int_equal(strncmp(a->said, "all logged many many ", 21), 0);
	assert_null(strstr(a->said, "old"));
	assert_string_equal(b->said, "all other logged newest ");
	assert_string_equal(c->said, "");
	support_end(a);
	support_end(b);
	support_end(c);
}

static void
replay(Client *client, const char *name, uint64_t xid)
{
	Event *event = support_event(name, "x");

	event->xid = xid;
	session_deliver(client->session, event);
	event_unref(event);
}

static void
replays_only_events_that_the_snapshots_do_not_see(void **state)
{
	Client *a = support_client("1", "a", SESSION_REPLAYING);

	(void) state;
	room_join(a->session, "x");
	catchup_cursor_locate(&a->session->cursor, memory_copy("P"), seen_snapshots_new(1));
	seen_snapshots_add(a->session->cursor.seen_snapshots, "5:10:5,7", INT64_MAX);
	publish("live", "x");
	replay(a, "ended", 4);
	replay(a, "slow", 5);
	replay(a, "also", 6);
	replay(a, "unwanted", 12);
	replay(a, "later", 10);
	roster_go_live(a->session);
	publish("live", "x");
	support_turn();
	assert_string_equal(a->said, "slow later live ");
	support_end(a);
}

/* Writes positions as they are, and other events by name. */
static Frame *
encode_with_position(const Format *format, const Event *event)
{
	if (event->payload != NULL)
		return support_encode(format, event);
	return frame_new(FRAME_TEXT, event->position, strlen(event->position));
}

/* Only sessions with a format that wants acks are asked.  The position follows where the format repeats it. */
static void
expects_each_acknowledgement_once(void **state)
{
	static const Format asking = {
		.slot = 3, .encode = encode_with_position, .wants_acks = true, .repeats_position = true
	};
	Client *a = support_client("1", "a", SESSION_REPLAYING);
	Client *mute = support_client("2", "b", SESSION_LIVE);
	Event *event = support_event("question", "x");

	(void) state;
	event->ack = memory_copy("answer");
	event->number = 7;
	a->session->format = &asking;
	session_deliver(a->session, event);
	session_deliver(mute->session, event);
	assert_ptr_equal(pending_acks_take(a->session->lane.pending_acks, 7), event);
	event_unref(event);
	assert_null(pending_acks_take(a->session->lane.pending_acks, 7));
	assert_null(mute->session->lane.pending_acks);
	roster_go_live(a->session);
	session_deliver(a->session, event);
	support_turn();
	assert_string_equal(a->said, "question 1_P question 1 ");
	assert_string_equal(mute->said, "question ");
	support_end(a);
	assert_int_equal(event->references, 1);
	event_unref(event);
	support_end(mute);
}

/* Ends a round as the bridge does, at a position. */
static void
end_round(Client *const *clients, const char *position)
{
	Event *event = event_of_position(position);

	for (; *clients != NULL; clients++)
		roster_tell_position((*clients)->session, event);
	position_round_end();
	event_unref(event);
	support_turn();
}

/* Neither a client that got an event in the round, nor one that still gets missed events. */
static void
tells_positions_to_quiet_clients(void **state)
{
	static const Format format = { .slot = 3, .encode = encode_with_position };
	Client *quiet = support_client("1", "a", SESSION_LIVE);
	Client *busy = support_client("2", "b", SESSION_LIVE);
	Client *replaying = support_client("3", "c", SESSION_REPLAYING);
	Client *const all[] = { quiet, busy, replaying, NULL };

	(void) state;
	for (int i = 0; i < 3; i++)
		all[i]->session->format = &format;
	room_join(busy->session, "x");
	end_round(all, "first");
	quiet->said[0] = busy->said[0] = '\0';
	publish("e", "x");
	end_round(all, "second");
	assert_string_equal(quiet->said, "second ");
	assert_string_equal(busy->said, "e ");
	end_round(all, "third");
	assert_string_equal(quiet->said, "second third ");
	assert_string_equal(busy->said, "e third ");
	assert_string_equal(replaying->said, "");
	for (int i = 0; i < 3; i++)
		support_end(all[i]);
}

/* The position then names the last event that was delivered. */
static void
stalls_a_replay_when_the_outbox_has_no_room(void **state)
{
	Client *a = support_client("1", "a", SESSION_REPLAYING);

	(void) state;
	a->slow = true;
	for (int i = 0; i < 1000; i++)
		replay(a, "e", 1);
	assert_int_equal(a->session->cursor.stall, STALL_NO_SPACE);
	assert_true(a->outbox.bytes <= a->outbox.limit);
	assert_int_equal(a->overflows, 0);
	roster_pause(a->session);
	assert_int_equal(a->session->cursor.stall, STALL_NONE);
	assert_int_equal(a->session->rooms.audience, AUDIENCE_NONE);
	assert_string_equal(a->session->cursor.position, "1_P");
	assert_null(a->session->cursor.last_event);
	roster_pause(a->session);
	assert_string_equal(a->session->cursor.position, "1_P");
	support_end(a);
}

/* Fills the outbox until it has no space, without counting deliveries. */
static void
fill(Client *client)
{
	Frame *frame = frame_new(FRAME_TEXT, "e", 1);

	client->slow = true;
	while (outbox_has_space(&client->outbox, frame))
		outbox_push(&client->outbox, frame);
	frame_unref(frame);
}

/* The event of the join is not delivered, and the session does not join, until the outbox has space. */
static void
stalls_a_replay_before_a_join_without_room(void **state)
{
	Client *a = support_client("1", "a", SESSION_REPLAYING);
	Event *event = support_event("joined", "user:1");

	(void) state;
	event->member = memory_copy("1");
	event->joins = memory_copy("y");
	room_join(a->session, "user:1");
	fill(a);
	room_publish(AUDIENCE_CACHE_REPLAY, event);
	assert_int_equal(a->session->cursor.stall, STALL_NO_SPACE);
	assert_int_equal(a->session->rooms.count, 1);
	roster_pause(a->session);
	assert_string_equal(a->session->cursor.position, "P");
	a->slow = false;
	outbox_wake(&a->outbox);
	support_turn();
	room_move(a->session, AUDIENCE_CACHE_REPLAY);
	room_publish(AUDIENCE_CACHE_REPLAY, event);
	support_turn();
	assert_non_null(strstr(a->said, "joined"));
	assert_int_equal(a->session->rooms.count, 2);
	event_unref(event);
	support_end(a);
}

static Session *stalled;

static void
note_stall(Session *session)
{
	assert_null(stalled);
	stalled = session;
}

static void
publish_leave(const char *user, const char *room)
{
	Event *event = support_event("left", room);

	event->member = memory_copy(user);
	event->leaves = memory_copy(room);
	room_publish(AUDIENCE_LIVE, event);
	event_unref(event);
}

/* A live session without space in its outbox gets neither the event nor later ones until it is replayed to. */
static void
falls_behind_and_continues_from_before_the_event(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);

	(void) state;
	session_on_stall(note_stall);
	room_join(a->session, "x");
	fill(a);
	publish_ephemeral("lost", "x", NULL, NULL);
	assert_null(stalled);
	publish("unwanted", "x");
	assert_null(stalled);
	publish("e1", "x");
	assert_ptr_equal(stalled, a->session);
	publish("e2", "x");
	publish_leave("1", "x");
	assert_int_equal(a->session->rooms.count, 1);
	assert_int_equal(a->overflows, 0);

	roster_fall_behind(a->session, "before");
	roster_pause(a->session);
	a->slow = false;
	outbox_wake(&a->outbox);
	support_turn();
	assert_null(strstr(a->said, "e1"));
	publish("e3", "x");
	a->said[0] = '\0';
	room_move(a->session, AUDIENCE_CACHE_REPLAY);
	replay(a, "e1", 1);
	roster_go_live(a->session);
	publish("e4", "x");
	support_turn();
	assert_string_equal(a->said, "e1 e4 ");
	stalled = NULL;
	support_end(a);
}

static void
publish_derived(Audience audience)
{
	Event *event = support_event("derived", "x");

	free(event->id);
	event->id = NULL;
	room_publish(audience, event);
	event_unref(event);
}

/* A derived event is in no log: a session that continued behind it would never get it. */
static void
delivers_derived_events_without_room(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);
	Client *b = support_client("2", "b", SESSION_REPLAYING);

	(void) state;
	session_on_stall(note_stall);
	room_join(a->session, "x");
	room_join(b->session, "x");
	room_move(b->session, AUDIENCE_LOG_REPLAY);
	fill(a);
	fill(b);
	publish_derived(AUDIENCE_LIVE);
	publish_derived(AUDIENCE_LOG_REPLAY);
	assert_null(stalled);
	assert_int_equal(b->session->cursor.stall, STALL_NONE);
	a->slow = b->slow = false;
	support_turn();
	assert_non_null(strstr(a->said, "derived"));
	assert_non_null(strstr(b->said, "derived"));
	support_end(a);
	support_end(b);
}

static void
change(Session *session, const char *room, bool joins)
{
	Event *event = support_event("change", "");

	event->member = memory_copy(session->user);
	*(joins ? &event->joins : &event->leaves) = memory_copy(room);
	room_publish(session->rooms.audience, event);
	event_unref(event);
}

static void
leaves_once_when_told_twice(void **state)
{
	Client *a = support_client("1", "a", SESSION_REPLAYING);
	Session *session = session_ref(a->session);
	int64_t sessions = metrics.sessions;

	(void) state;
	room_join(session, "x");
	replay(a, "replayed", 1);
	change(session, "y", true);
	roster_leave(session);
	assert_int_equal(session->state, SESSION_GONE);
	assert_int_equal(session->references, 1);
	assert_int_equal(metrics.sessions, sessions - 1);
	assert_int_equal(metrics.rooms, 0);
	roster_leave(session);
	assert_int_equal(session->references, 1);
	assert_int_equal(metrics.sessions, sessions - 1);
	publish("late", "*");
	session_unref(session);
	support_turn();
	assert_string_equal(a->said, "replayed ");
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
stops_its_timer_when_it_leaves(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);
	Session *session = session_ref(a->session);

	(void) state;
	timer_start(&session->expiry, 0, expire, session);
	support_end(a);
	assert_false(timer_is_running(&session->expiry));
	session_unref(session);
}

/* The answer to a second join may be older than a change that came while the first was in flight. */
static void
keeps_late_changes_until_the_last_join_is_answered(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);

	(void) state;
	action_lane_begin_join(&a->session->lane);
	action_lane_begin_join(&a->session->lane);
	change(a->session, "lost", false);
	action_lane_end_join(&a->session->lane);
	room_apply_late_changes(a->session);
	action_lane_end_join(&a->session->lane);
	room_join(a->session, "lost");
	room_apply_late_changes(a->session);
	assert_int_equal(a->session->rooms.count, 0);
	assert_null(a->session->lane.late_changes);
	room_join(a->session, "lost");
	room_apply_late_changes(a->session); /* a change counts only while a join is in flight */
	assert_int_equal(a->session->rooms.count, 1);
	support_end(a);
}

static void
is_found_by_user_and_key(void **state)
{
	Client *a = support_client("1", "a", SESSION_LIVE);
	Client *b = support_client("1", "b", SESSION_LIVE);
	Client *c = support_client("1", "c", SESSION_LIVE);
	Client *d = support_client("2", "a", SESSION_LIVE);

	(void) state;
	assert_ptr_equal(roster_find("1", "a"), a->session);
	assert_ptr_equal(roster_find("1", "b"), b->session);
	assert_ptr_equal(roster_find("2", "a"), d->session);
	assert_null(roster_find("2", "b"));
	assert_null(roster_find("3", "a"));
	support_end(b); /* from the middle */
	assert_null(roster_find("1", "b"));
	assert_ptr_equal(roster_find("1", "a"), a->session);
	assert_ptr_equal(roster_find("1", "c"), c->session);
	support_end(c);
	assert_ptr_equal(user_sessions("1"), a->session);
	assert_null(a->session->next_of_user);
	support_end(a);
	assert_null(user_sessions("1"));
	support_end(d);
	assert_null(user_sessions("2"));
}

static void
leave_and_count(Session *session, void *context)
{
	(*(int *) context)++;
	roster_leave(session);
}

static void
may_leave_while_all_are_visited(void **state)
{
	Client *clients[6];
	int count = 0;

	(void) state;
	for (int i = 0; i < 6; i++)
		clients[i] = support_client(i < 3 ? "1" : i < 5 ? "2" :
														  "3",
									"k", SESSION_LIVE);
	roster_each(leave_and_count, &count);
	assert_int_equal(count, 6);
	assert_int_equal(metrics.sessions, 0);
	assert_null(user_sessions("1"));
	for (int i = 0; i < 6; i++)
	{
		outbox_close(&clients[i]->outbox);
		free(clients[i]);
	}
}

/* The triples of state, audience and list that the table in session_state.h allows; lists are bits. */
static void
allows_only_the_states_audiences_and_lists_of_its_table(void **state)
{
	const unsigned int waiting = 1u << LIST_NONE | 1u << LIST_TO_LOCATE |
								 1u << LIST_TO_RECHECK | 1u << LIST_BEING_LOCATED | 1u << LIST_AWAITING_READER |
								 1u << LIST_AWAITING_LOG | 1u << LIST_READING_LOG | 1u << LIST_AWAITING_RETRY;
	const unsigned int read_log = 1u << LIST_NONE | 1u << LIST_READING_LOG;
	const unsigned int read_cache = 1u << LIST_NONE | 1u << LIST_READING_CACHE;
	const unsigned int any = (1u << (LIST_FALLING_BEHIND + 1)) - 1;
	const unsigned int allowed[][AUDIENCE_COUNT] = {
		[SESSION_ARRIVING] = { waiting, read_log, read_cache, 0 },
		[SESSION_REPLAYING] = { waiting, read_log, read_cache, 0 },
		[SESSION_LIVE] = { 0, 0, 0, 1u << LIST_NONE | 1u << LIST_FALLING_BEHIND },
		[SESSION_GONE] = { any, 0, 0, 0 },
	};
	Session session = { 0 };

	(void) state;
	for (session.state = SESSION_ARRIVING; session.state <= SESSION_GONE; session.state++)
	{
		for (int audience = 0; audience < AUDIENCE_COUNT; audience++)
		{
			for (int list = LIST_NONE; list <= LIST_FALLING_BEHIND; list++)
			{
				session.rooms.audience = (Audience) audience;
				session.list = (SessionListKind) list;
				assert_int_equal(session_is_consistent(&session), allowed[session.state][audience] >> list & 1);
			}
		}
	}
}

/* A session has one road from its admission to its end; each step leaves it consistent. */
static void
goes_through_its_states(void **state)
{
	Client *a = support_client("1", "a", SESSION_ARRIVING);
	Session *session = a->session;
	SessionList list = { .kind = LIST_AWAITING_RETRY };

	(void) state;
	session_list_append(&list, session_ref(session));
	assert_int_equal(session->list, LIST_AWAITING_RETRY);
	assert_ptr_equal(session_list_take(&list), session);
	assert_null(session_list_take(&list));
	session_unref(session);
	catchup_cursor_locate(&session->cursor, memory_copy("P"), seen_snapshots_new(0));
	roster_welcome(session);
	assert_int_equal(session->state, SESSION_REPLAYING);
	roster_go_live(session);
	assert_int_equal(session->state, SESSION_LIVE);
	assert_int_equal(session->rooms.audience, AUDIENCE_LIVE);
	assert_null(session->cursor.position);
	roster_welcome(session); /* once only */
	assert_int_equal(session->state, SESSION_LIVE);
	catchup_cursor_stall(&session->cursor, STALL_NO_SPACE);
	roster_fall_behind(session, "Q");
	assert_int_equal(session->state, SESSION_REPLAYING);
	assert_int_equal(session->rooms.audience, AUDIENCE_NONE);
	assert_string_equal(session->cursor.position, "Q");
	roster_pause(session);
	assert_int_equal(session->cursor.stall, STALL_NONE);
	session_ref(session);
	support_end(a);
	assert_int_equal(session->state, SESSION_GONE);
	assert_true(session_is_consistent(session));
	session_unref(session);
}

static void
counts_outstanding_actions(void **state)
{
	ActionLane lane = { 0 };

	(void) state;
	action_lane_enter(&lane);
	action_lane_enter(&lane);
	action_lane_exit(&lane);
	assert_int_equal(lane.outstanding, 1);
	action_lane_keep_change(&lane, "x", true);
	assert_null(lane.late_changes); /* no join is in flight */
	action_lane_exit(&lane);
	action_lane_end(&lane);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delivers_nothing_to_an_arriving_session),
		cmocka_unit_test(delivers_ephemeral_events_to_live_sessions_once),
		cmocka_unit_test(replays_only_events_that_the_snapshots_do_not_see),
		cmocka_unit_test(expects_each_acknowledgement_once),
		cmocka_unit_test(tells_positions_to_quiet_clients),
		cmocka_unit_test(stalls_a_replay_when_the_outbox_has_no_room),
		cmocka_unit_test(delivers_derived_events_without_room),
		cmocka_unit_test(stalls_a_replay_before_a_join_without_room),
		cmocka_unit_test(falls_behind_and_continues_from_before_the_event),
		cmocka_unit_test(leaves_once_when_told_twice),
		cmocka_unit_test(stops_its_timer_when_it_leaves),
		cmocka_unit_test(keeps_late_changes_until_the_last_join_is_answered),
		cmocka_unit_test(is_found_by_user_and_key),
		cmocka_unit_test(may_leave_while_all_are_visited),
		cmocka_unit_test(allows_only_the_states_audiences_and_lists_of_its_table),
		cmocka_unit_test(goes_through_its_states),
		cmocka_unit_test(counts_outstanding_actions),
	};

	outbox_start();
	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
