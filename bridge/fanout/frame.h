/*-------------------------------------------------------------------------
 *
 * frame.h
 *	  Holds the bytes of one message as they go over a connection, shared by all sessions that get it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_FRAME_H
#define HERALD_FRAME_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum FrameKind
{
	FRAME_RAW = 0x0, /* the payload alone, without a WebSocket header */
	FRAME_TEXT = 0x1,
	FRAME_BINARY = 0x2,
	FRAME_CLOSE = 0x8,
	FRAME_PING = 0x9,
	FRAME_PONG = 0xA
} FrameKind;

/*
 * A complete server frame: header, if any, and payload.  Immutable; it counts on the budget until its last
 * reference is given up.
 */
typedef struct Frame
{
	int references;
	uint32_t length;	   /* of header and payload */
	uint8_t header;		   /* its length */
	char *key;			   /* the frame replaces a queued one with the same key; NULL: it replaces none */
	unsigned char bytes[]; /* header and payload */
} Frame;

/* Returns a frame with a copy of the payload and one reference, of the caller. */
extern Frame *frame_new(FrameKind kind, const void *payload, size_t length);

/* Returns a frame of a text, which it frees. */
extern Frame *frame_of_text(FrameKind kind, char *text);

/* Returns how many bytes of memory the frame takes. */
static inline size_t
frame_size(const Frame *frame)
{
	return sizeof(Frame) + frame->length;
}

static inline Frame *
frame_ref(Frame *frame)
{
	assert(frame->references > 0);
	frame->references++;
	return frame;
}

/* Frees a frame without references. */
extern void frame_free(Frame *frame);

/* Gives up a reference; the last one frees the frame. */
static inline void
frame_unref(Frame *frame)
{
	assert(frame->references > 0);
	if (--frame->references == 0)
		frame_free(frame);
}

/* Returns whether the frame is a binary message of a WebSocket. */
static inline bool
frame_is_binary(const Frame *frame)
{
	return frame->header > 0 && (frame->bytes[0] & 0x0F) == FRAME_BINARY;
}

/* Returns the payload, which belongs to the frame, and its length in bytes. */
extern const char *frame_payload(Frame *frame, size_t *length);

#endif /* HERALD_FRAME_H */
