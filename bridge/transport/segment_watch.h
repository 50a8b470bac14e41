/*-------------------------------------------------------------------------
 *
 * segment_watch.h
 *	  Counts small segments and frames without data of WebSockets, so that they are limited like messages.
 *
 * libwebsockets answers pings, and takes empty frames and frames that arrive byte by byte, without a callback.
 * Each costs the bridge time.  The kernel counts the segments with data of a connection, and their bytes.  Segments
 * that hold neither a message nor a good piece of one count as messages, and so do bytes that belong to no message.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SEGMENT_WATCH_H
#define HERALD_SEGMENT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/lws_stream.h"

/* A member of the WebSocket, beside its stream. */
typedef struct SegmentWatch
{
	LwsStream *stream;
	uint64_t due;		   /* of the next look, by loop_now() */
	ReceivedData began;	   /* when it was started */
	ReceivedData received; /* at the latest look */
	uint64_t messages;	   /* since then */
	uint64_t all_messages;
	uint64_t payload; /* bytes of all messages and their pieces */
	uint64_t counted; /* bytes of no message that have counted */
	bool stranger;	  /* the connection had no session at the latest look */
	struct SegmentWatch *next;
	struct SegmentWatch *prev;
} SegmentWatch;

/* Watches an open stream from now on. */
extern void segment_watch_start(SegmentWatch *watch, LwsStream *stream);

/* Stops to watch; no effect on a watch that was not started. */
extern void segment_watch_stop(SegmentWatch *watch);

/* Notes a message, which counts by itself. */
extern void segment_watch_message(SegmentWatch *watch);

/* Notes a piece of a message, also of one that is not taken. */
extern void segment_watch_piece(SegmentWatch *watch, size_t length);

#endif /* HERALD_SEGMENT_WATCH_H */
