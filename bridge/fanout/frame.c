/*-------------------------------------------------------------------------
 *
 * frame.c
 *	  Holds the bytes of one message as they go over a connection, shared by all sessions that get it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/memory.h"

/* RFC 6455, 5.2: final fragment, no mask, the shortest length that fits. */
static size_t
write_header(unsigned char *out, FrameKind kind, uint64_t length)
{
	size_t bytes = length < 126 ? 0 : length <= 0xFFFF ? 2 :
														 8;

	out[0] = 0x80 | kind;
	out[1] = bytes == 0 ? (unsigned char) length : bytes == 2 ? 126 :
																127;
	for (size_t i = 0; i < bytes; i++)
		out[2 + i] = (unsigned char) (length >> (8 * (bytes - 1 - i)));
	return 2 + bytes;
}

Frame *
frame_new(FrameKind kind, const void *payload, size_t length)
{
	unsigned char header[10];
	size_t header_length = kind == FRAME_RAW ? 0 : write_header(header, kind, length);
	Frame *frame = memory_new(sizeof(Frame) + header_length + length);

	assert(length < UINT32_MAX - sizeof(header));
	frame->references = 1;
	frame->length = (uint32_t) (header_length + length);
	frame->header = (uint8_t) header_length;
	memcpy(frame->bytes, header, header_length);
	if (length > 0)
		memcpy(frame->bytes + header_length, payload, length);
	budget_take(frame_size(frame));
	return frame;
}

Frame *
frame_of_text(FrameKind kind, char *text)
{
	Frame *frame = frame_new(kind, text, strlen(text));

	free(text);
	return frame;
}

const char *
frame_payload(Frame *frame, size_t *length)
{
	*length = frame->length - frame->header;
	return (const char *) frame->bytes + frame->header;
}

void
frame_free(Frame *frame)
{
	assert(frame->references == 0);
	budget_give(frame_size(frame));
	free(frame->key);
	free(frame);
}
