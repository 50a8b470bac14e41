/*-------------------------------------------------------------------------
 *
 * test_conflation.c
 *	  Events that a dialect conflates are sent again in batches, with the newest value of each subject.
 *
 * The test fires the timers.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/timer.h"
#include "gateway/relay.h"
#include "protocol/dialect.h"
#include "protocol/namespace.h"

#include "support.h"

static const char dialect[] =
	"{\"namespaces\": {\"/\": {"
	"\"batches\": {\"counts\": {\"every\": 500, \"to\": {\"updates\": \"{.}\"}}, \"raw\": {\"every\": 60}},"
	"\"events\": {"
	"\"liked\": {\"name\": \"post-liked\", \"conflate\": {\"into\": \"counts\", \"by\": \"{post}\", \"as\": {\"id\": \"{post}\", \"likes\": \"{likes}\"}}},"
	"\"commented\": [{\"when\": {\"draft\": true}}, {\"conflate\": {\"into\": \"counts\", \"by\": \"{post}\", \"as\": {\"id\": \"{post}\", \"comments\": \"{comments}\"}}}],"
	"\"moved\": {\"conflate\": {\"into\": \"raw\", \"by\": \"{who}\", \"as\": {\"x\": \"{x}\"}}},"
	"\"*\": {}}}, \"/other\": {\"events\": {\"*\": {}}}}}";

static char path[64];
static const Format *format;
static Timer *running[8];
static uint64_t due[8];
static int running_count;
static char relayed[1 << 20]; /* a line "rooms packet" for each batch */
static int relayed_count;

void
timer_start(Timer *timer, uint64_t milliseconds, void (*fire)(void *context), void *context)
{
	assert_true(running_count < 8);
	timer->fire = fire;
	timer->context = context;
	due[running_count] = milliseconds;
	running[running_count++] = timer;
}

void
timer_stop(Timer *timer)
{
	for (int i = 0; i < running_count; i++)
	{
		if (running[i] == timer)
			running[i] = running[--running_count];
	}
}

static void
fire_first(void)
{
	Timer *timer = running[0];

	timer_stop(timer);
	timer->fire(timer->context);
}

void
relay_publish(Event *event)
{
	Frame *frame;
	size_t length;
	const char *packet;

	event->ephemeral = true;
	event->position = memory_copy("now");
	assert_null(event_frame(event, dialect_namespace(NULL, "/other")));
	frame = event_frame(event, format);
	assert_non_null(frame);
	packet = frame_payload(frame, &length);
	for (int i = 0; i < event->room_count; i++)
		sprintf(relayed + strlen(relayed), "%s ", event->rooms[i]);
	assert_true(strlen(relayed) + length + 2 < sizeof(relayed));
	sprintf(relayed + strlen(relayed), "%.*s\n", (int) length, packet);
	relayed_count++;
}

static int
begin(void **state)
{
	FILE *file;

	(void) state;
	snprintf(path, sizeof(path), "/tmp/herald-conflation-%d.json", (int) getpid());
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(dialect, file);
	fclose(file);
	assert_true(dialect_load(path));
	format = dialect_namespace(NULL, "/");
	relayed[0] = '\0';
	relayed_count = 0;
	return 0;
}

static int
end(void **state)
{
	(void) state;
	dialect_unload();
	unlink(path);
	assert_int_equal(running_count, 0);
	return 0;
}

/* Encodes an event for two live sessions; "payload" has single quotes for double quotes. */
static void
deliver(const char *name, const char *rooms, const char *payload)
{
	Event *event = support_event(name, rooms);

	free(event->payload);
	event->payload = memory_copy(payload);
	for (char *c = event->payload; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	for (int i = 0; i < 2; i++)
		assert_non_null(event_frame(event, format));
	event_unref(event);
}

static void
test_newest_value_of_each_subject(void **state)
{
	(void) state;
	deliver("liked", "feed", "{'post': '1', 'likes': 1}");
	deliver("liked", "feed", "{'post': '2', 'likes': 7}");
	deliver("commented", "feed", "{'post': '1', 'comments': 3}");
	deliver("liked", "feed", "{'post': '1', 'likes': 2}");
	assert_int_equal(running_count, 1);
	assert_int_equal(due[0], 500);
	assert_int_equal(relayed_count, 0);
	fire_first();
	assert_string_equal(relayed, "feed 42[\"counts\",{\"updates\":[{\"id\":\"1\",\"likes\":2,\"comments\":3},{\"id\":\"2\",\"likes\":7}]},\"now\"]\n");
	assert_int_equal(running_count, 0);
}

static void
test_each_interval_opens_new_batch(void **state)
{
	(void) state;
	deliver("liked", "feed", "{'post': '1', 'likes': 1}");
	fire_first();
	deliver("commented", "feed", "{'post': '1', 'comments': 9}");
	assert_int_equal(running_count, 1);
	fire_first();
	assert_non_null(strstr(relayed, "[{\"id\":\"1\",\"comments\":9}]"));
	assert_int_equal(relayed_count, 2);
}

static void
test_null_keeps_earlier_value(void **state)
{
	(void) state;
	deliver("liked", "feed", "{'post': '1', 'likes': 5}");
	deliver("liked", "feed", "{'post': '1', 'likes': null}");
	deliver("liked", "feed", "{'likes': 1}");
	fire_first();
	assert_non_null(strstr(relayed, "{\"updates\":[{\"id\":\"1\",\"likes\":5}]}"));
}

static void
test_rooms_and_batches_are_separate(void **state)
{
	(void) state;
	deliver("liked", "post:1", "{'post': '1', 'likes': 1}");
	deliver("liked", "post:1 feed", "{'post': '1', 'likes': 2}");
	deliver("moved", "post:1", "{'who': 7, 'x': [1]}");
	assert_int_equal(running_count, 3);
	for (int i = 0; i < 3; i++)
		fire_first();
	assert_non_null(strstr(relayed, "post:1 42[\"counts\",{\"updates\":[{\"id\":\"1\",\"likes\":1}]},\"now\"]\n"));
	assert_non_null(strstr(relayed, "post:1 feed 42[\"counts\",{\"updates\":[{\"id\":\"1\",\"likes\":2}]},\"now\"]\n"));
	assert_non_null(strstr(relayed, "post:1 42[\"raw\",[{\"x\":[1]}],\"now\"]\n"));
}

static void
test_events_that_are_not_conflated(void **state)
{
	Event *event = support_event("liked", "feed");

	(void) state;
	deliver("commented", "feed", "{'post': '1', 'draft': true}");
	deliver("anything", "feed", "{'post': '1'}");
	deliver("liked", "", "{'post': '1', 'likes': 1}");
	frame_unref(event_frame_at(event, format, (char[]){ "p" })); /* of a replay */
	assert_non_null(event_frame(event, dialect_namespace(NULL, "/other")));
	event_unref(event);
	assert_int_equal(running_count, 0);
}

/* Batches have ten thousand entries at most; those still get their newest values. */
static void
test_entries_are_limited(void **state)
{
	char payload[64];

	(void) state;
	for (int i = 1; i <= 10010; i++)
	{
		snprintf(payload, sizeof(payload), "{'post': '%d', 'likes': 0}", i);
		deliver("liked", i <= 10000 ? "a" : "b", payload);
	}
	assert_int_equal(running_count, 1);
	deliver("liked", "a", "{'post': '1', 'likes': 99}");
	fire_first();
	assert_non_null(strstr(relayed, "{\"id\":\"1\",\"likes\":99}"));
	assert_non_null(strstr(relayed, "{\"id\":\"10000\",\"likes\":0}"));
	assert_null(strstr(relayed, "10001"));
	deliver("liked", "a", "{'post': '10001', 'likes': 1}");
	deliver("liked", "b", "{'post': '10001', 'likes': 1}");
	assert_int_equal(running_count, 2);
}

static void
test_unload_drops_batches(void **state)
{
	(void) state;
	deliver("liked", "feed", "{'post': '1', 'likes': 1}");
	dialect_unload();
	assert_int_equal(running_count, 0);
	assert_int_equal(relayed_count, 0);
}

#define CONFLATION_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CONFLATION_TEST(test_newest_value_of_each_subject),
		CONFLATION_TEST(test_each_interval_opens_new_batch),
		CONFLATION_TEST(test_null_keeps_earlier_value),
		CONFLATION_TEST(test_rooms_and_batches_are_separate),
		CONFLATION_TEST(test_events_that_are_not_conflated),
		CONFLATION_TEST(test_entries_are_limited),
		CONFLATION_TEST(test_unload_drops_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
