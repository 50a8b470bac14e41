/*-------------------------------------------------------------------------
 *
 * payload.c
 *	  The bodies of long-polling: several packets of Engine.IO in one text.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/payload.h"

#include <libwebsockets.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "protocol/engineio.h"

/* Bytes of packets in one response, unless a single packet is larger. */
#define MAX_PAYLOAD_BYTES 65536

/* Returns the length of a frame's packet: a text, or a binary message in base64. */
static size_t
packet_length(Frame *frame)
{
	size_t length;

	frame_payload(frame, &length);
	return frame_is_binary(frame) ? 1 + (length + 2) / 3 * 4 : length;
}

/* Writes a frame's packet; there is space for a zero byte behind it. */
static void
write_packet(char *at, Frame *frame)
{
	size_t length;
	const char *bytes = frame_payload(frame, &length);

	if (frame_is_binary(frame))
	{
		*at = ENGINE_BINARY;
		lws_b64_encode_string(bytes, (int) length, at + 1, (int) packet_length(frame));
	}
	else
		memcpy(at, bytes, length);
}

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
		size_t packet = packet_length(frame);

		if (count > 0 && *length + packet > MAX_PAYLOAD_BYTES)
			break;
		*length += packet + (count++ > 0);
	}
	return count;
}

char *
payload_take(Outbox *outbox, size_t *length)
{
	uint32_t count = measure_payload(outbox, length);
	char *payload = memory_new(*length + 1);
	char *at = payload;

	for (uint32_t i = 0; i < count; i++)
	{
		Frame *frame = outbox_peek(outbox, i);

		if (i > 0)
			*at++ = ENGINE_SEPARATOR;
		write_packet(at, frame);
		at += packet_length(frame);
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
