/*-------------------------------------------------------------------------
 *
 * packet.c
 *	  Reads and writes the packets of Socket.IO.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/packet.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

/* The rest of the text. */
typedef struct Cursor
{
	const char *at;
	const char *end;
} Cursor;

static size_t
count_digits(const Cursor *cursor)
{
	size_t count = 0;

	while (cursor->at + count < cursor->end && isdigit((unsigned char) cursor->at[count]))
		count++;
	return count;
}

/* No number of attachments has more digits. */
#define MAX_COUNT_DIGITS 6

/* Reads the number of attachments, "2-", which only binary packets have. */
static bool
read_attachments(Packet *packet, Cursor *cursor)
{
	size_t digits;

	if (packet->type != PACKET_BINARY_EVENT && packet->type != PACKET_BINARY_ACK)
		return true;
	digits = count_digits(cursor);
	if (digits < 1 || digits > MAX_COUNT_DIGITS || cursor->at + digits == cursor->end || cursor->at[digits] != '-')
		return false;
	packet->attachments = atoi(cursor->at);
	cursor->at += digits + 1;
	return packet->attachments >= 1;
}

/* Reads the namespace, "/chat,".  At the end of a packet the comma may be missing. */
static void
read_namespace(Packet *packet, Cursor *cursor)
{
	const char *comma;

	if (cursor->at == cursor->end || *cursor->at != '/')
	{
		packet->namespace = memory_copy("/");
		return;
	}
	comma = memchr(cursor->at, ',', (size_t) (cursor->end - cursor->at));
	packet->namespace = memory_copy_bytes(cursor->at, (size_t) ((comma ? comma : cursor->end) - cursor->at));
	cursor->at = comma ? comma + 1 : cursor->end;
}

static void
read_id(Packet *packet, Cursor *cursor)
{
	size_t digits = count_digits(cursor);

	if (digits > 0)
		packet->id = memory_copy_bytes(cursor->at, digits);
	cursor->at += digits;
}

static bool
read_data(Packet *packet, const Cursor *cursor)
{
	if (cursor->at == cursor->end)
		return true;
	packet->data = json_from_client(cursor->at, (size_t) (cursor->end - cursor->at), &packet->refusal);
	return packet->data != NULL;
}

/* Returns whether the data have the type that the packet's type demands. */
static bool
has_valid_data(const Packet *packet)
{
	switch (packet->type)
	{
		case PACKET_CONNECT:
			return packet->data == NULL || json_is_object(packet->data);
		case PACKET_DISCONNECT:
			return packet->data == NULL;
		case PACKET_EVENT:
			return packet->data == NULL || (json_is_array(packet->data) && json_array_size(packet->data) > 0);
		case PACKET_BINARY_EVENT:
			return json_is_array(packet->data) && json_array_size(packet->data) > 0;
		case PACKET_ACK:
		case PACKET_BINARY_ACK:
			return packet->data == NULL || json_is_array(packet->data);
		case PACKET_CONNECT_ERROR:
			return false;
	}
	return false;
}

bool
packet_read(Packet *packet, const char *text, size_t length)
{
	Cursor cursor = { text, text + length };

	*packet = (Packet){ 0 };
	if (length == 0 || *text < '0' || *text > '6')
		return false;
	packet->type = (PacketType) (*cursor.at++ - '0');
	if (read_attachments(packet, &cursor))
	{
		read_namespace(packet, &cursor);
		read_id(packet, &cursor);
		if (read_data(packet, &cursor) && has_valid_data(packet))
			return true;
	}
	packet_reset(packet);
	return false;
}

void
packet_reset(Packet *packet)
{
	free(packet->namespace);
	free(packet->id);
	json_decref(packet->data);
	*packet = (Packet){ 0 };
}

static bool
is_reserved(const char *name)
{
	static const char *const reserved[] = { "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener" };

	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
	{
		if (strcmp(name, reserved[i]) == 0)
			return true;
	}
	return false;
}

char *
packet_event_name(const Packet *packet)
{
	const json_t *name = json_array_get(packet->data, 0);

	assert(packet->type == PACKET_EVENT || packet->type == PACKET_BINARY_EVENT);
	if (json_is_number(name))
		return json_dumps(name, JSON_ENCODE_ANY);
	if (!json_is_string(name) || is_reserved(json_string_value(name)))
		return NULL;
	return memory_copy(json_string_value(name));
}

char *
packet_header(PacketType type, const char *namespace)
{
	bool root = strcmp(namespace, "/") == 0;

	assert(namespace[0] == '/');
	return memory_format("4%d%s%s", (int) type, root ? "" : namespace, root ? "" : ",");
}
