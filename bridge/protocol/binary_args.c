/*-------------------------------------------------------------------------
 *
 * binary_args.c
 *	  Binary arguments of a Socket.IO packet: collects its attachments, then puts them in.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/binary_args.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/memory.h"

bool
binary_args_pending(const BinaryArgs *args)
{
	return args->count < args->packet.attachments;
}

void
binary_args_begin(BinaryArgs *args, Packet *packet, size_t length)
{
	assert(args->packet.namespace == NULL && args->count == 0);
	assert(packet->attachments > 0);
	args->packet = *packet;
	memset(packet, 0, sizeof(*packet));
	args->packet_length = length;
	args->length = length;
	budget_take(length);
	if (args->packet.attachments > BINARY_ARGS_MAX)
		args->packet.refusal = "there are more than 10 binary arguments";
}

static void
drop_texts(BinaryArgs *args)
{
	for (int i = 0; i < BINARY_ARGS_MAX; i++)
		free(args->texts[i]);
	memset(args->texts, 0, sizeof(args->texts));
	budget_give(args->length - args->packet_length);
	args->length = args->packet_length;
}

static void
refuse_attachments(BinaryArgs *args, const char *reason)
{
	args->packet.refusal = reason;
	drop_texts(args);
}

void
binary_args_add(BinaryArgs *args, const char *base64, size_t length, size_t limit)
{
	assert(binary_args_pending(args));
	if (args->packet.refusal == NULL && args->length + length > limit)
		refuse_attachments(args, "the binary arguments are larger than a message may be");
	if (args->packet.refusal == NULL && (int64_t) length > budget_left())
		refuse_attachments(args, "the bridge has no memory for the binary arguments now");
	if (args->packet.refusal == NULL)
	{
		args->texts[args->count] = memory_copy_bytes(base64, length);
		args->length += length;
		budget_take(length);
	}
	args->count++;
}

/*
 * Finds the attachment for a placeholder, {"_placeholder": true, "num": 0}; *text is NULL for
 * any other value.  Returns false for a placeholder without an attachment.
 */
static bool
find_attachment(const BinaryArgs *args, const json_t *value, const char **text)
{
	const json_t *number = json_object_get(value, "num");

	*text = NULL;
	if (!json_is_true(json_object_get(value, "_placeholder")))
		return true;
	if (!json_is_integer(number) || json_integer_value(number) < 0 || json_integer_value(number) >= args->count)
		return false;
	*text = args->texts[json_integer_value(number)];
	return true;
}

static bool replace_placeholders(const BinaryArgs *args, json_t *value);

/* Makes the replacement of a value; *replacement is NULL if the value stays, with its members replaced. */
static bool
make_replacement(const BinaryArgs *args, json_t *value, json_t **replacement)
{
	const char *text;

	*replacement = NULL;
	if (!find_attachment(args, value, &text))
		return false;
	if (text == NULL)
		return replace_placeholders(args, value);
	*replacement = json_string(text);
	return *replacement != NULL;
}

/* jansson bounds the depth of parsed JSON, and so the depth of this recursion. */
static bool
replace_placeholders(const BinaryArgs *args, json_t *value)
{
	json_t *replacement;
	json_t *member;
	const char *key;
	size_t index;

	json_array_foreach(value, index, member)
	{
		if (!make_replacement(args, member, &replacement))
			return false;
		if (replacement != NULL)
			json_array_set_new(value, index, replacement);
	}
	json_object_foreach(value, key, member)
	{
		if (!make_replacement(args, member, &replacement))
			return false;
		if (replacement != NULL)
			json_object_set_new(value, key, replacement);
	}
	return true;
}

bool
binary_args_finish(BinaryArgs *args, Packet *packet)
{
	bool good;

	assert(args->count > 0 && !binary_args_pending(args));
	good = args->packet.refusal != NULL || replace_placeholders(args, args->packet.data);
	if (good)
	{
		*packet = args->packet;
		memset(&args->packet, 0, sizeof(Packet));
	}
	binary_args_reset(args);
	return good;
}

void
binary_args_reset(BinaryArgs *args)
{
	packet_reset(&args->packet);
	drop_texts(args);
	budget_give(args->packet_length);
	memset(args, 0, sizeof(*args));
}
