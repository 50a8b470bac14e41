/*-------------------------------------------------------------------------
 *
 * test_presence.c
 *	  Reports of users and viewers: each change once, and none that is no longer true.
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

#include "fanout/room.h"
#include "gateway/presence.h"
#include "support.h"

static const Config config = { .presence_grace = 1 };
static int calls;

static void
on_news(void)
{
	calls++;
}

/* Takes the news and compares it; changes are in the order in which they happened. */
static void
assert_news(const char *came, const char *went, const char *rooms, const char *counts)
{
	PresenceNews news = presence_take();

	assert_string_equal(news.came, came);
	assert_string_equal(news.went, went);
	assert_string_equal(news.rooms, rooms);
	assert_string_equal(news.counts, counts);
	presence_free(&news);
}

static void
assert_no_news(void)
{
	assert_false(presence_has_news());
	assert_news("{}", "{}", "{}", "{}");
}

/* Waits until a grace period that begins now is over. */
static void
pass_grace(void)
{
	uint64_t end = loop_now() + 3;

	while (loop_now() <= end)
		support_turn();
}

static int
begin(void **state)
{
	(void) state;
	presence_start(&config, on_news);
	return 0;
}

static int
end(void **state)
{
	(void) state;
	presence_stop();
	return 0;
}

static void
test_reports_first_and_last_session(void **state)
{
	Client *tab = support_client("ann", "a", SESSION_LIVE);
	Client *phone = support_client("ann", "b", SESSION_LIVE);
	Client *other = support_client("ben", "c", SESSION_LIVE);

	(void) state;
	assert_true(presence_has_news());
	assert_news("{\"ann\",\"ben\"}", "{}", "{}", "{}");
	assert_no_news();
	support_end(tab);
	pass_grace();
	assert_no_news();
	support_end(phone);
	assert_no_news();
	pass_grace();
	assert_news("{}", "{\"ann\"}", "{}", "{}");
	support_end(other);
}

static void
test_reports_nothing_for_a_return_in_grace(void **state)
{
	Client *client = support_client("ann", "a", SESSION_LIVE);

	(void) state;
	assert_news("{\"ann\"}", "{}", "{}", "{}");
	support_end(client);
	client = support_client("ann", "b", SESSION_LIVE);
	pass_grace();
	assert_no_news();
	support_end(client);
	pass_grace();
	client = support_client("ann", "c", SESSION_LIVE); /* after the grace period, but before a report */
	assert_no_news();
	support_end(client);
}

static void
test_omits_users_gone_before_a_report(void **state)
{
	(void) state;
	support_end(support_client("ann", "a", SESSION_LIVE));
	pass_grace();
	assert_no_news();
}

static void
test_reports_everything_again(void **state)
{
	Client *stays = support_client("ann", "a", SESSION_LIVE);
	Client *away = support_client("ben", "b", SESSION_LIVE);
	Client *goes = support_client("cat", "c", SESSION_LIVE);

	(void) state;
	room_join(stays->session, "post:1");
	room_join(goes->session, "post:2");
	assert_news("{\"ann\",\"ben\",\"cat\"}", "{}", "{\"post:1\",\"post:2\"}", "{\"1\",\"1\"}");
	support_end(goes);
	pass_grace();
	support_end(away); /* its grace period has not ended */
	presence_forget();
	assert_news("{\"ann\",\"ben\"}", "{}", "{\"post:2\",\"post:1\"}", "{\"0\",\"1\"}");
	assert_no_news();
	support_end(stays);
}

static void
test_counts_users_of_a_post(void **state)
{
	Client *tab = support_client("ann", "a", SESSION_LIVE);
	Client *phone = support_client("ann", "b", SESSION_LIVE);
	Client *other = support_client("ben", "c", SESSION_LIVE);
	Client *arriving = support_client("cat", "d", SESSION_ARRIVING);

	(void) state;
	room_join(tab->session, "post:1");
	room_join(arriving->session, "post:1"); /* not live yet */
	room_join(tab->session, "feed:1");
	assert_news("{\"ann\",\"ben\",\"cat\"}", "{}", "{\"post:1\"}", "{\"1\"}");
	room_join(phone->session, "post:1");
	assert_news("{}", "{}", "{}", "{}");
	room_join(other->session, "post:1");
	catchup_cursor_locate(&arriving->session->cursor, memory_copy("P"), seen_snapshots_new(0));
	roster_welcome(arriving->session);
	roster_go_live(arriving->session);
	assert_news("{}", "{}", "{\"post:1\"}", "{\"3\"}");
	catchup_cursor_stall(&other->session->cursor, STALL_NO_SPACE);
	roster_fall_behind(other->session, "P"); /* behind, but connected */
	assert_news("{}", "{}", "{}", "{}");
	room_leave(tab->session, "post:1");
	room_leave(other->session, "post:1");
	assert_news("{}", "{}", "{\"post:1\"}", "{\"2\"}");
	support_end(phone);
	support_end(arriving);
	room_join(other->session, "post:2");
	room_leave(other->session, "post:2");
	assert_news("{}", "{}", "{\"post:1\"}", "{\"0\"}");
	support_end(tab);
	support_end(other);
}

static void
test_reports_a_crowd_in_portions(void **state)
{
	Client *clients[PRESENCE_AT_ONCE + 1];
	char user[16];
	PresenceNews news;

	(void) state;
	calls = 0;
	for (int i = 0; i <= PRESENCE_AT_ONCE; i++)
	{
		snprintf(user, sizeof(user), "user%d", i);
		clients[i] = support_client(user, "k", SESSION_LIVE);
	}
	assert_int_equal(calls, PRESENCE_AT_ONCE + 1);
	news = presence_take();
	presence_free(&news);
	assert_news("{\"user1000\"}", "{}", "{}", "{}");
	for (int i = 0; i <= PRESENCE_AT_ONCE; i++)
		support_end(clients[i]);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reports_first_and_last_session),
		TEST(test_reports_nothing_for_a_return_in_grace),
		TEST(test_omits_users_gone_before_a_report),
		TEST(test_reports_everything_again),
		TEST(test_counts_users_of_a_post),
		TEST(test_reports_a_crowd_in_portions),
	};

	outbox_start();
	return cmocka_run_group_tests_name("presence", tests, NULL, NULL);
}
