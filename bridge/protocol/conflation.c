/*-------------------------------------------------------------------------
 *
 * conflation.c
 *	  Many events of a room as one batch, with the newest of each thing.
 *
 * A batch is there from its first event until it is sent.  What its events say
 * of the same thing is one entry, in which the later counts.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/conflation.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/memory.h"
#include "base/timer.h"
#include "gateway/gateway.h"
#include "protocol/template.h"

/* Of all batches together; what comes beyond is told by its own event alone. */
#define MOST_ENTRIES 10000

typedef struct Batch
{
	Event *event;	 /* that will be sent, but for its payload */
	json_t *entries; /* by the thing that they are about */
	Timer timer;
	UT_hash_handle hh;
	char key[];
} Batch;

static Batch *batches;
static size_t entry_count; /* of all of them */

static void
forget(Batch *batch)
{
	HASH_DEL(batches, batch);
	timer_stop(&batch->timer);
	entry_count -= json_object_size(batch->entries);
	json_decref(batch->entries);
	event_unref(batch->event);
	free(batch);
}

static void
on_due(void *context)
{
	Batch *batch = context;
	json_t *list = json_array();
	const char *thing;
	json_t *entry;

	json_object_foreach(batch->entries, thing, entry)
		json_array_append(list, entry);
	batch->event->payload = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	gateway_relay(batch->event);
	forget(batch);
}

/* Of a format and a name, there is one batch for the same rooms. */
static char *
key_of(const Event *event, const Format *format, const char *name)
{
	char *key = memory_format("%d %s", format->slot, name);

	for (int i = 0; i < event->room_count; i++)
	{
		char *longer = memory_format("%s\n%s", key, event->rooms[i]);

		free(key);
		key = longer;
	}
	return key;
}

/* What is sent in the end: to the rooms of this event, in this format. */
static Event *
begin_event(const Event *event, const Format *format, const char *name)
{
	Event *begun = event_new();

	begun->only = format;
	begun->name = memory_copy(name);
	begun->rooms = memory_new(sizeof(char *) * (size_t) event->room_count);
	for (int i = 0; i < event->room_count; i++)
		begun->rooms[begun->room_count++] = memory_copy(event->rooms[i]);
	return begun;
}

static Batch *
begin(const Event *event, const Format *format, const char *name, const char *key)
{
	Batch *batch = memory_new(sizeof(Batch) + strlen(key) + 1);

	strcpy(batch->key, key);
	batch->event = begin_event(event, format, name);
	batch->entries = json_object();
	HASH_ADD_STR(batches, key, batch);
	return batch;
}

/* May a batch, which need not be there yet, tell of a thing? */
static bool
has_place(const Batch *batch, const char *thing)
{
	return entry_count < MOST_ENTRIES || (batch != NULL && json_object_get(batch->entries, thing) != NULL);
}

/* What is null in a later event is not known there: the earlier stays. */
static void
add(Batch *batch, const char *thing, json_t *news)
{
	json_t *entry = json_object_get(batch->entries, thing);
	const char *key;
	json_t *value;

	if (entry == NULL)
	{
		entry_count++;
		entry = json_object();
		json_object_set_new(batch->entries, thing, entry);
	}
	json_object_foreach(news, key, value)
	{
		if (!json_is_null(value))
			json_object_set(entry, key, value);
	}
}

/* Takes over the news, of a thing. */
static void
note(const Event *event, const Format *format, const char *name, json_int_t every, const char *thing, json_t *news)
{
	char *key = key_of(event, format, name);
	Batch *batch;

	HASH_FIND_STR(batches, key, batch);
	if (has_place(batch, thing))
	{
		if (batch == NULL)
		{
			batch = begin(event, format, name, key);
			timer_start(&batch->timer, (uint64_t) every, on_due, batch);
		}
		add(batch, thing, news);
	}
	json_decref(news);
	free(key);
}

void
conflation_note(const Event *event, const Format *format, const json_t *rule, const json_t *all, json_t *payload)
{
	const char *name = json_string_value(json_object_get(rule, "into"));
	json_int_t every = json_integer_value(json_object_get(json_object_get(all, name), "every"));
	json_t *by = template_fill(json_object_get(rule, "by"), payload);
	char *thing = json_dumps(by, JSON_ENCODE_ANY);

	if (!json_is_null(by))
		note(event, format, name, every, thing, template_fill(json_object_get(rule, "as"), payload));
	json_decref(by);
	free(thing);
}

void
conflation_clear(void)
{
	while (batches != NULL)
		forget(batches);
}
