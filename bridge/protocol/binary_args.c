/*-------------------------------------------------------------------------
 *
 * binary_args.c
 *	  Binary arguments: a packet waits until all of them have come.
 *
 * An action is JSON: what is binary arrives there as base64.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/binary_args.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

bool
binary_args_wanted(const BinaryArgs *attachments)
{
	return attachments->count < attachments->packet.attachments;
}

void
binary_args_wait(BinaryArgs *attachments, Packet *packet)
{
	attachments->packet = *packet;
	memset(packet, 0, sizeof(*packet));
}

bool
binary_args_add(BinaryArgs *attachments, const char *base64, size_t length, size_t limit)
{
	if (!binary_args_wanted(attachments) || attachments->length + length > limit)
		return false;
	attachments->texts[attachments->count++] = memory_copy_bytes(base64, length);
	attachments->length += length;
	return true;
}

/* What stands for an attachment: {"_placeholder": true, "num": 0}.  False: not one of ours. */
static bool
find_text(const BinaryArgs *attachments, const json_t *value, const char **text)
{
	const json_t *number = json_object_get(value, "num");

	*text = NULL;
	if (!json_is_true(json_object_get(value, "_placeholder")))
		return true;
	if (!json_is_integer(number) || json_integer_value(number) < 0 || json_integer_value(number) >= attachments->count)
		return false;
	*text = attachments->texts[json_integer_value(number)];
	return true;
}

static bool fill(const BinaryArgs *attachments, json_t *value);

/* The value that takes the place of another, or NULL: that one stays. */
static bool
replace(const BinaryArgs *attachments, json_t *value, json_t **replacement)
{
	const char *text;

	*replacement = NULL;
	if (!find_text(attachments, value, &text))
		return false;
	if (text == NULL)
		return fill(attachments, value);
	*replacement = json_string(text);
	return *replacement != NULL;
}

/* jansson bounds the depth of what it reads, and so of this. */
static bool
fill(const BinaryArgs *attachments, json_t *value)
{
	json_t *replacement;
	json_t *member;
	const char *key;
	size_t index;

	json_array_foreach(value, index, member)
	{
		if (!replace(attachments, member, &replacement))
			return false;
		if (replacement != NULL)
			json_array_set_new(value, index, replacement);
	}
	json_object_foreach(value, key, member)
	{
		if (!replace(attachments, member, &replacement))
			return false;
		if (replacement != NULL)
			json_object_set_new(value, key, replacement);
	}
	return true;
}

bool
binary_args_take(BinaryArgs *attachments, Packet *packet)
{
	bool good = fill(attachments, attachments->packet.data);

	if (good)
	{
		*packet = attachments->packet;
		memset(&attachments->packet, 0, sizeof(Packet));
	}
	binary_args_reset(attachments);
	return good;
}

void
binary_args_reset(BinaryArgs *attachments)
{
	packet_reset(&attachments->packet);
	for (int i = 0; i < attachments->count; i++)
		free(attachments->texts[i]);
	memset(attachments, 0, sizeof(*attachments));
}
