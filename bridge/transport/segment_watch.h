/*-------------------------------------------------------------------------
 *
 * segment_watch.h
 *	  Counts the small segments that WebSockets receive, so that they are limited like messages.
 *
 * libwebsockets answers pings, and takes empty frames and frames that arrive byte by byte, without a callback.
 * Each may wake the bridge.  The kernel counts the segments with data of a connection: those that hold neither
 * a message nor a good piece of one count as messages.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SEGMENT_WATCH_H
#define HERALD_SEGMENT_WATCH_H

#include <stdint.h>

#include "transport/lws_stream.h"

/* A member of the WebSocket, beside its stream. */
typedef struct SegmentWatch
{
	LwsStream *stream;
	uint64_t due;		   /* of the next look, by loop_now() */
	ReceivedData received; /* at the latest look */
	uint64_t messages;	   /* since then */
	struct SegmentWatch *next;
	struct SegmentWatch *prev;
} SegmentWatch;

/* Watches an open stream from now on. */
extern void segment_watch_start(SegmentWatch *watch, LwsStream *stream);

/* Stops to watch; no effect on a watch that was not started. */
extern void segment_watch_stop(SegmentWatch *watch);

/* Notes a message, which counts by itself. */
extern void segment_watch_message(SegmentWatch *watch);

#endif /* HERALD_SEGMENT_WATCH_H */
