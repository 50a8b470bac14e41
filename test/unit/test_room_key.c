/*-------------------------------------------------------------------------
 *
 * test_room_key.c
 *	  A key finds its rooms, until they are forgotten.
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

#include "fanout/room_key.h"

static void
add(const char *room, const char *first, const char *second)
{
	json_t *keys = json_array();

	for (const char *const *key = (const char *const[]){ first, second, NULL }; *key != NULL; key++)
		json_array_append_new(keys, json_string(*key));
	room_key_add(room, keys);
	json_decref(keys);
}

static void
add_name(const char *room, void *text)
{
	strcat(text, room);
	strcat(text, " ");
}

static const char *
rooms_of(const char *key)
{
	static char text[256];

	text[0] = '\0';
	room_key_each(key, add_name, text);
	return text;
}

static void
finds_the_rooms_of_a_key(void **state)
{
	(void) state;
	add("post:1", "author:7", NULL);
	add("post:2", "author:7", NULL);
	add("comment:3", "post:1", "author:7");
	assert_string_equal(rooms_of("author:7"), "author:7 post:1 post:2 comment:3 ");
	assert_string_equal(rooms_of("post:1"), "post:1 comment:3 ");
	assert_string_equal(rooms_of("post:9"), "post:9 ");
	assert_true(room_key_has("comment:3", "author:7"));
	assert_true(room_key_has("comment:3", "comment:3"));
	assert_false(room_key_has("post:2", "post:1"));
	assert_true(room_key_has("lobby:1", "lobby:1"));
}

static void
adds_and_forgets_keys(void **state)
{
	(void) state;
	add("post:1", "author:8", "author:8");
	assert_string_equal(rooms_of("author:7"), "author:7 post:1 post:2 comment:3 ");
	assert_string_equal(rooms_of("author:8"), "author:8 post:1 ");
	add("post:2", "post:2", NULL); /* its own name */
	assert_string_equal(rooms_of("post:2"), "post:2 ");
	room_key_forget("comment:3");
	room_key_forget("comment:3");
	assert_string_equal(rooms_of("author:7"), "author:7 post:1 post:2 ");
	assert_false(room_key_has("comment:3", "post:1"));
	room_key_forget("post:1");
	room_key_forget("post:2");
	assert_string_equal(rooms_of("author:8"), "author:8 ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_rooms_of_a_key),
		cmocka_unit_test(adds_and_forgets_keys),
	};

	return cmocka_run_group_tests_name("room_key", tests, NULL, NULL);
}
