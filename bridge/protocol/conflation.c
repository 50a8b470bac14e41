/*-------------------------------------------------------------------------
 *
 * conflation.c
 *	  Conflates events: sends many events of a room as one batch.
 *
 * Events about the same subject share one entry of the batch; in it the latest value of
 * each member counts.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/conflation.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/memory.h"
#include "base/timer.h"
#include "gateway/relay.h"
#include "protocol/template.h"

/* In all batches together.  An event beyond that goes out by itself only. */
#define MAX_ENTRIES 10000

typedef struct Batch
{
	Event *event;	 /* the event to send; its payload is missing until then */
	json_t *entries; /* by subject */
	Timer timer;
	UT_hash_handle hh;
	char key[];
} Batch;

static struct
{
	Batch *batches;
	size_t entry_count; /* in all batches */
} conflation;

static void
drop_batch(Batch *batch)
{
	HASH_DEL(conflation.batches, batch);
	timer_stop(&batch->timer);
	conflation.entry_count -= json_object_size(batch->entries);
	json_decref(batch->entries);
	event_unref(batch->event);
	free(batch);
}

static void
send_batch(void *context)
{
	Batch *batch = context;
	json_t *list = json_array();
	const char *subject;
	json_t *entry;

	json_object_foreach(batch->entries, subject, entry)
		json_array_append(list, entry);
	batch->event->payload = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	relay_publish(batch->event);
	drop_batch(batch);
}

/* Returns the key of a batch: format, name and rooms.  The caller frees it. */
static char *
batch_key(const Event *event, const Format *format, const char *name)
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

/* Returns the event of a batch: for the rooms of a conflated event, in one format. */
static Event *
batch_event(const Event *event, const Format *format, const char *name)
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
open_batch(const Event *event, const Format *format, const char *name, const char *key)
{
	Batch *batch = memory_new(sizeof(Batch) + strlen(key) + 1);

	strcpy(batch->key, key);
	batch->event = batch_event(event, format, name);
	batch->entries = json_object();
	HASH_ADD_STR(conflation.batches, key, batch);
	return batch;
}

/* Returns whether a batch (NULL: a new one) has an entry for a subject or may get one. */
static bool
may_have_entry(const Batch *batch, const char *subject)
{
	return conflation.entry_count < MAX_ENTRIES || (batch != NULL && json_object_get(batch->entries, subject) != NULL);
}

/* Merges values into an entry.  null means that the event does not know the value: the earlier one stays. */
static void
merge_entry(Batch *batch, const char *subject, json_t *values)
{
	json_t *entry = json_object_get(batch->entries, subject);
	const char *key;
	json_t *value;

	if (entry == NULL)
	{
		conflation.entry_count++;
		entry = json_object();
		json_object_set_new(batch->entries, subject, entry);
	}
	json_object_foreach(values, key, value)
	{
		if (!json_is_null(value))
			json_object_set(entry, key, value);
	}
}

/* Adds the values that an event gives to a subject; releases their reference. */
static void
add_to_batch(const Event *event, const Format *format, const char *name, json_int_t every, const char *subject,
			 json_t *values)
{
	char *key = batch_key(event, format, name);
	Batch *batch;

	HASH_FIND_STR(conflation.batches, key, batch);
	if (may_have_entry(batch, subject))
	{
		if (batch == NULL)
		{
			batch = open_batch(event, format, name, key);
			timer_start(&batch->timer, (uint64_t) every, send_batch, batch);
		}
		merge_entry(batch, subject, values);
	}
	json_decref(values);
	free(key);
}

void
conflation_add(const Event *event, const Format *format, const json_t *rule, const json_t *batches, json_t *payload)
{
	const char *name = json_string_value(json_object_get(rule, "into"));
	json_int_t every = json_integer_value(json_object_get(json_object_get(batches, name), "every"));
	json_t *by = template_fill(json_object_get(rule, "by"), payload);
	char *subject = json_dumps(by, JSON_ENCODE_ANY);

	assert(name != NULL && every > 0);
	if (!json_is_null(by))
		add_to_batch(event, format, name, every, subject, template_fill(json_object_get(rule, "as"), payload));
	json_decref(by);
	free(subject);
}

void
conflation_clear(void)
{
	while (conflation.batches != NULL)
		drop_batch(conflation.batches);
}
