/*-------------------------------------------------------------------------
 *
 * frame.h
 *	  The bytes of one message as they go over a connection, shared by all who get it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_FRAME_H
#define HERALD_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* Room that a transport may write to in front of the bytes. */
#define FRAME_HEADROOM 32

typedef enum FrameKind
{
	FRAME_RAW = 0x0, /* of no WebSocket: the payload alone */
	FRAME_TEXT = 0x1,
	FRAME_BINARY = 0x2,
	FRAME_CLOSE = 0x8,
	FRAME_PING = 0x9,
	FRAME_PONG = 0xA
} FrameKind;

/*
 * A complete server frame: header, if any, and payload.  Immutable; freed when the last
 * reference is released, and on the budget until then.  Whoever makes a frame holds its first reference.
 */
typedef struct Frame
{
	int references;
	uint32_t length;	   /* of header and payload */
	uint8_t header;		   /* its length */
	char *key;			   /* it takes the place of one with the same key that waits; NULL: of none */
	unsigned char space[]; /* FRAME_HEADROOM bytes, then the frame */
} Frame;

extern Frame *frame_new(FrameKind kind, const void *payload, size_t length);

/* The same of a text, which it takes over. */
extern Frame *frame_of_text(FrameKind kind, char *text);

/* What it takes in memory. */
extern size_t frame_size(const Frame *frame);

extern Frame *frame_ref(Frame *frame);
extern void frame_unref(Frame *frame);

static inline unsigned char *
frame_bytes(Frame *frame)
{
	return frame->space + FRAME_HEADROOM;
}

/* Where its payload begins, and how long that is. */
extern const char *frame_payload(Frame *frame, size_t *length);

#endif /* HERALD_FRAME_H */
