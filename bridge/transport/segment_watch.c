/*-------------------------------------------------------------------------
 *
 * segment_watch.c
 *	  Counts small segments and frames without data of WebSockets, so that they are limited like messages.
 *
 * The bridge looks at each WebSocket every second, at those that are due in one turn of the loop.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/segment_watch.h"

#include <assert.h>
#include <utlist.h>

#include "base/loop.h"
#include "base/timer.h"
#include "protocol/connection.h"

/* Time from one look to the next, and the time for which the looks that are due are gathered. */
#define WATCH_INTERVAL_MS 1000
#define WATCH_TURN_MS 250

/* Each segment of a large message has as many bytes at least, whatever the network. */
#define FULL_SEGMENT 500

/* The smallest frame of a client; the header of the largest, with that of a record of TLS. */
#define SMALLEST_FRAME 6
#define LARGEST_HEADER 54

/* So many bytes may have been read, by libwebsockets or for a record of TLS, of which no message is known yet. */
#define READ_AHEAD 32768

static struct
{
	SegmentWatch *watches; /* the one that is due next is the first */
	Timer timer;
} segment_watches;

static uint64_t
excess(uint64_t number, uint64_t allowed)
{
	return number > allowed ? number - allowed : 0;
}

/* Returns how many frames without data may have arrived since the latest look. */
static uint64_t
count_empty_frames(SegmentWatch *watch, ReceivedData received)
{
	uint32_t segments = received.segments - watch->began.segments;
	uint64_t allowed = watch->payload + LARGEST_HEADER * (watch->all_messages + segments) + READ_AHEAD + watch->counted;
	uint64_t bytes = excess(received.bytes - watch->began.bytes, received.unread + allowed);

	watch->counted += bytes;
	return bytes / SMALLEST_FRAME;
}

/* Charges the small segments since the latest look, or the frames without data if there are more. */
static void
look_at_segments(SegmentWatch *watch)
{
	ReceivedData received = lws_stream_received(watch->stream);
	uint32_t segments = received.segments - watch->received.segments;
	uint64_t small = excess(segments, watch->messages + (received.bytes - watch->received.bytes) / FULL_SEGMENT);
	uint64_t empty = count_empty_frames(watch, received);

	watch->received = received;
	watch->messages = 0;
	if (small > 0 || empty > 0)
		connection_count_segments(watch->stream->carrier.connection, (int64_t) (small > empty ? small : empty));
}

static void
watch_later(SegmentWatch *watch)
{
	watch->due = loop_now() + WATCH_INTERVAL_MS;
	DL_APPEND(segment_watches.watches, watch);
}

static void
look_at_due(void *context)
{
	SegmentWatch *watch;

	(void) context;
	while ((watch = segment_watches.watches) != NULL && watch->due <= loop_now())
	{
		DL_DELETE(segment_watches.watches, watch);
		watch_later(watch);
		look_at_segments(watch);
	}
	if (segment_watches.watches != NULL)
		timer_start(&segment_watches.timer, WATCH_TURN_MS, look_at_due, NULL);
}

void
segment_watch_start(SegmentWatch *watch, LwsStream *stream)
{
	assert(watch->stream == NULL && stream->open);
	watch->stream = stream;
	watch->began = watch->received = lws_stream_received(stream);
	watch_later(watch);
	if (!timer_is_running(&segment_watches.timer))
		timer_start(&segment_watches.timer, WATCH_TURN_MS, look_at_due, NULL);
}

void
segment_watch_stop(SegmentWatch *watch)
{
	if (watch->stream == NULL)
		return;
	DL_DELETE(segment_watches.watches, watch);
	watch->stream = NULL;
	if (segment_watches.watches == NULL)
		timer_stop(&segment_watches.timer);
}

void
segment_watch_message(SegmentWatch *watch)
{
	watch->messages++;
	watch->all_messages++;
}

void
segment_watch_piece(SegmentWatch *watch, size_t length)
{
	watch->payload += length;
}
