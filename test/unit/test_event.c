/*-------------------------------------------------------------------------
 *
 * test_event.c
 *	  An event is encoded once for each format, and freed with its last reference.
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

#include "base/memory.h"
#include "fanout/event.h"

#define LAST_PLACE 40

static int encoded[LAST_PLACE + 1];

static Frame *
encode(const Format *format, const Event *event)
{
	char *text = memory_format("%d:%s", format->slot, event->name);
	Frame *frame = frame_new(FRAME_TEXT, text, strlen(text));

	encoded[format->slot]++;
	free(text);
	return frame;
}

static int refused;

static Frame *
refuse(const Format *format, const Event *event)
{
	(void) format;
	(void) event;
	refused++;
	return NULL;
}

static Event *
full_event(void)
{
	Event *event = event_new();

	event->id = memory_copy("7");
	event->name = memory_copy("post:liked");
	event->payload = memory_copy("{}");
	event->position = memory_copy("p");
	event->rooms = memory_new(2 * sizeof(char *));
	event->rooms[0] = memory_copy("a");
	event->rooms[1] = memory_copy("b");
	event->room_count = 2;
	event->member = memory_copy("u");
	event->joins = memory_copy("r");
	event->leaves = memory_copy("s");
	event->except = memory_copy("v");
	return event;
}

static void
builds_a_frame_once_per_format(void **state)
{
	static const Format first = { .slot = 0, .encode = encode };
	static const Format last = { .slot = LAST_PLACE, .encode = encode };
	Event *event = full_event();
	Frame *frame = event_frame(event, &first);

	(void) state;
	assert_ptr_equal(event_frame(event, &first), frame);
	assert_int_equal(encoded[0], 1);
	assert_int_equal(encoded[LAST_PLACE], 0);
	assert_ptr_not_equal(event_frame(event, &last), frame);
	assert_ptr_equal(event_frame(event, &first), frame);
	assert_int_equal(encoded[0], 1);
	assert_int_equal(encoded[LAST_PLACE], 1);
	assert_memory_equal(frame->bytes + 2, "0:post:liked", 12);
	assert_memory_equal(event_frame(event, &last)->bytes + 2, "40:post:liked", 13);
	event_unref(event);
}

static void
asks_a_format_once_about_an_unwanted_event(void **state)
{
	static const Format picky = { .slot = 1, .encode = refuse };
	static const Format format = { .slot = 0, .encode = encode };
	Event *event = full_event();

	(void) state;
	assert_null(event_frame(event, &picky));
	assert_null(event_frame(event, &picky));
	assert_int_equal(refused, 1);
	assert_non_null(event_frame(event, &format));
	event_unref(event);
}

/* The leak check finds memory that event_unref() forgets. */
static void
frees_an_event_with_its_last_reference(void **state)
{
	static const Format format = { .slot = 3, .encode = encode };
	Event *event = full_event();
	Frame *frame = frame_ref(event_frame(event, &format));

	(void) state;
	assert_int_equal(frame->references, 2);
	assert_ptr_equal(event_ref(event), event);
	event_unref(event);
	assert_int_equal(event->references, 1);
	assert_int_equal(frame->references, 2);
	assert_string_equal(event->name, "post:liked");
	event_unref(event);
	assert_int_equal(frame->references, 1); /* the event has given up its own */
	frame_unref(frame);
}

/* A queued frame of one format is not replaced by the same event in another: a connection may have both. */
static void
gives_frames_of_two_formats_different_keys(void **state)
{
	static const Format first = { .slot = 1, .encode = encode };
	static const Format second = { .slot = 2, .encode = encode };
	Event *event = full_event();
	Event *next = full_event();
	const char *key;

	(void) state;
	assert_null(event_frame(event, &first)->key);
	event_drop_frames(event);
	event->key = memory_copy("typing:7");
	next->key = memory_copy("typing:7");
	key = event_frame(event, &first)->key;
	assert_non_null(key);
	assert_string_equal(key, event_frame(next, &first)->key);
	assert_string_not_equal(key, event_frame(event, &second)->key);
	event_unref(event);
	event_unref(next);
}

static void
frees_an_empty_event(void **state)
{
	Event *event = event_new();

	(void) state;
	assert_int_equal(event->references, 1);
	assert_int_equal(event->room_count, 0);
	assert_null(event->id);
	event_unref(event);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builds_a_frame_once_per_format),
		cmocka_unit_test(asks_a_format_once_about_an_unwanted_event),
		cmocka_unit_test(frees_an_event_with_its_last_reference),
		cmocka_unit_test(gives_frames_of_two_formats_different_keys),
		cmocka_unit_test(frees_an_empty_event),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
