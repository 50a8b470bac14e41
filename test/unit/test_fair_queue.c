/*-------------------------------------------------------------------------
 *
 * test_fair_queue.c
 *	  Tests the queue of work by users (base/fair_queue.c).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fair_queue.h"

static void
users_take_turns(void **state)
{
	FairQueue queue = { 0 };
	FairItem many[3];
	FairItem one;

	(void) state;
	for (int i = 0; i < 3; i++)
		fair_queue_add(&queue, "greedy", &many[i], 1);
	fair_queue_add(&queue, "modest", &one, 1);
	assert_ptr_equal(fair_queue_take(&queue), &many[0]);
	fair_queue_end(&queue, &many[0]);
	assert_ptr_equal(fair_queue_take(&queue), &one);
	assert_ptr_equal(fair_queue_take(&queue), &many[1]);
	fair_queue_end(&queue, &one);
	fair_queue_end(&queue, &many[1]);
	assert_ptr_equal(fair_queue_take(&queue), &many[2]);
	fair_queue_end(&queue, &many[2]);
	assert_null(queue.by_id);
}

static void
one_item_of_a_user_is_under_way(void **state)
{
	FairQueue queue = { 0 };
	FairItem items[2];

	(void) state;
	fair_queue_add(&queue, "a", &items[0], 1);
	fair_queue_add(&queue, "a", &items[1], 1);
	assert_ptr_equal(fair_queue_take(&queue), &items[0]);
	assert_null(fair_queue_take(&queue));
	fair_queue_end(&queue, &items[0]);
	assert_ptr_equal(fair_queue_take(&queue), &items[1]);
	fair_queue_end(&queue, &items[1]);
}

/* Work that comes while an item is under way waits for the end of that. */
static void
waits_for_the_item_under_way(void **state)
{
	FairQueue queue = { 0 };
	FairItem items[2];

	(void) state;
	fair_queue_add(&queue, "a", &items[0], 1);
	assert_ptr_equal(fair_queue_take(&queue), &items[0]);
	fair_queue_add(&queue, "a", &items[1], 1);
	assert_null(fair_queue_take(&queue));
	fair_queue_end(&queue, &items[0]);
	assert_ptr_equal(fair_queue_take(&queue), &items[1]);
	fair_queue_end(&queue, &items[1]);
}

static void
counts_the_work_of_each_user(void **state)
{
	FairQueue queue = { 0 };
	FairItem items[3];

	(void) state;
	fair_queue_add(&queue, "a", &items[0], 10);
	fair_queue_add(&queue, "a", &items[1], 20);
	fair_queue_add(&queue, "b", &items[2], 5);
	assert_int_equal(fair_queue_load_of(&queue, "a").items, 2);
	assert_int_equal(fair_queue_load_of(&queue, "a").bytes, 30);
	assert_int_equal(fair_queue_load_of(&queue, "nobody").items, 0);
	assert_int_equal(queue.load.items, 3);
	assert_int_equal(queue.load.bytes, 35);
	for (int i = 0; i < 2; i++)
		fair_queue_end(&queue, fair_queue_take(&queue));
	assert_int_equal(fair_queue_load_of(&queue, "a").items, 1); /* until it has ended, an item counts */
	assert_int_equal(queue.load.bytes, 20);
	fair_queue_end(&queue, fair_queue_take(&queue));
	assert_int_equal(queue.load.items, 0);
}

/* Returns the rest of a user: only "tired" must rest. */
static int64_t
rest_of(const char *user)
{
	return user[0] == 't' ? 1000 : 0;
}

static void
a_user_who_must_rest_delays_nobody(void **state)
{
	FairQueue queue = { .rest = rest_of };
	FairItem items[3];

	(void) state;
	fair_queue_add(&queue, "tired", &items[0], 1);
	fair_queue_add(&queue, "awake", &items[1], 1);
	assert_ptr_equal(fair_queue_take(&queue), &items[1]);
	fair_queue_add(&queue, "tired", &items[2], 1);
	assert_null(fair_queue_take(&queue));
	fair_queue_end(&queue, &items[1]);
	assert_null(fair_queue_take(&queue));
	fair_queue_end_rests(&queue);
	assert_ptr_equal(fair_queue_take(&queue), &items[0]);
	fair_queue_end(&queue, &items[0]);
	assert_ptr_equal(fair_queue_take(&queue), &items[2]);
	fair_queue_end(&queue, &items[2]);
	assert_null(queue.by_id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_take_turns),
		cmocka_unit_test(one_item_of_a_user_is_under_way),
		cmocka_unit_test(waits_for_the_item_under_way),
		cmocka_unit_test(counts_the_work_of_each_user),
		cmocka_unit_test(a_user_who_must_rest_delays_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
