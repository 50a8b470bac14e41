/*-------------------------------------------------------------------------
 *
 * payload.c
 *	  The bodies of long-polling: several packets of Engine.IO in one text.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/payload.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "protocol/engineio.h"

/* Bytes of packets in one response, unless a single packet is larger. */
#define MAX_PAYLOAD_BYTES 65536

/*
 * Returns the number of packets for the next response, and their length with separators.  The last packet of
 * a connection goes alone: socket.io-client closes before it delivers the packets that come together with it.
 * It would deliver them after its return, and get them a second time.
 */
static uint32_t
measure_payload(const Outbox *outbox, size_t *length)
{
	uint32_t most = outbox->closed && outbox->count > 1 ? outbox->count - 1 : outbox->count;
	uint32_t count = 0;

	*length = 0;
	while (count < most)
	{
		Frame *frame = outbox_peek(outbox, count);
		size_t packet;

		if (count > 0 && *length + frame->length > MAX_PAYLOAD_BYTES)
			break;
		frame_payload(frame, &packet);
		*length += packet + (count++ > 0);
	}
	return count;
}

char *
payload_take(Outbox *outbox, size_t *length)
{
	uint32_t count = measure_payload(outbox, length);
	char *payload = memory_new(*length);
	char *at = payload;

	for (uint32_t i = 0; i < count; i++)
	{
		size_t packet;
		const char *text = frame_payload(outbox_peek(outbox, i), &packet);

		if (i > 0)
			*at++ = ENGINE_SEPARATOR;
		memcpy(at, text, packet);
		at += packet;
	}
	outbox_sent(outbox, count);
	return payload;
}

void
payload_receive(Connection *connection, const char *at, const char *end)
{
	bool more = true;

	while (more && !connection->closing)
	{
		const char *separator = memchr(at, ENGINE_SEPARATOR, (size_t) (end - at));
		size_t length = (size_t) ((separator ? separator : end) - at);

		if (length > 0 && *at == ENGINE_BINARY)
			connection_binary(connection, at + 1, length - 1);
		else
			connection_text(connection, at, length);
		more = separator != NULL;
		at += length + 1;
	}
}
