/*-------------------------------------------------------------------------
 *
 * segment_watch.c
 *	  Counts small segments and frames without data of WebSockets, so that they are limited like messages.
 *
 * The bridge looks at each WebSocket every second.  While it is busy, it looks at some more in each turn: at all of a
 * few hundred, so that a flood ends within a fraction of a second.  It looks at those without a session in each turn,
 * of a thousand: an address may open hundreds of them a second.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/segment_watch.h"

#include <assert.h>
#include <time.h>
#include <utlist.h>

#include "base/loop.h"
#include "base/timer.h"
#include "protocol/connection.h"
#include "transport/client_socket.h"

/* Time from one look to the next, and the time for which the looks that are due are gathered. */
#define WATCH_INTERVAL_MS 1000
#define WATCH_TURN_MS 100

/* The watches of one turn that are not due yet, if the bridge was busy for a third of the time. */
#define EARLY_LOOKS 300
#define BUSY_SHARE 3

/* The watches without a session of one turn. */
#define STRANGER_LOOKS 1000

/* Each segment of a large message has as many bytes at least, in any network. */
#define FULL_SEGMENT 500

/* The smallest frame of a client; the header of the largest, with that of a record of TLS. */
#define SMALLEST_FRAME 6
#define LARGEST_HEADER 54

/* More than libwebsockets keeps of a message before it hands on a piece. */
#define STRANGER_BYTES 1024

/* So many bytes may have been read, by libwebsockets or for a record of TLS, of which no message is known yet. */
#define READ_AHEAD 32768

static struct
{
	SegmentWatch *watches;	 /* the one that is due next is the first */
	SegmentWatch *strangers; /* without a session; the one that was looked at first is the first */
	Timer timer;
	uint64_t turned; /* time of the latest turn, by loop_now() */
	int64_t worked;	 /* processor time of the bridge until then, in milliseconds */
} segment_watches;

static uint64_t
excess(uint64_t number, uint64_t allowed)
{
	return number > allowed ? number - allowed : 0;
}

/* Returns how many frames without data may have come since the latest look.  read_ahead: bytes that may be others. */
static uint64_t
count_empty_frames(SegmentWatch *watch, ReceivedData received, uint64_t read_ahead)
{
	uint32_t segments = received.segments - watch->began.segments;
	uint64_t allowed = watch->payload + LARGEST_HEADER * (watch->all_messages + segments) + read_ahead + watch->counted;
	uint64_t bytes = excess(received.bytes - watch->began.bytes, received.unread + allowed);

	watch->counted += bytes;
	return bytes / SMALLEST_FRAME;
}

/* Returns the number of small segments since the latest look, or of frames without data if there are more. */
static int64_t
count_segments(SegmentWatch *watch, uint64_t read_ahead)
{
	ReceivedData received = lws_stream_received(watch->stream);
	uint32_t segments = received.segments - watch->received.segments;
	uint64_t small = excess(segments, watch->messages + (received.bytes - watch->received.bytes) / FULL_SEGMENT);
	uint64_t empty = count_empty_frames(watch, received, read_ahead);

	watch->received = received;
	watch->messages = 0;
	return (int64_t) (small > empty ? small : empty);
}

/* A flood may go on while the connection ends, and libwebsockets would answer its pings. */
static void
look_at_segments(SegmentWatch *watch)
{
	Connection *connection = watch->stream->carrier.connection;
	int64_t count = count_segments(watch, READ_AHEAD);

	if (count > 0)
		connection_count_segments(connection, count);
	if (count > 0 && connection->closing)
		lws_rx_flow_control(watch->stream->wsi, 0);
}

static SegmentWatch **
watch_list(const SegmentWatch *watch)
{
	return watch->stranger ? &segment_watches.strangers : &segment_watches.watches;
}

static void
watch_later(SegmentWatch *watch)
{
	watch->due = loop_now() + WATCH_INTERVAL_MS;
	watch->stranger = !watch->stream->carrier.connection->admitted;
	if (!watch->stranger)
		client_socket_allow_all(watch->stream->wsi);
	DL_APPEND(*watch_list(watch), watch);
}

/* Returns whether the bridge has been busy since the latest turn. */
static bool
has_been_busy(void)
{
	int64_t worked = (int64_t) clock() / (CLOCKS_PER_SEC / 1000);
	int64_t work = worked - segment_watches.worked;
	int64_t time = (int64_t) (loop_now() - segment_watches.turned);

	segment_watches.worked = worked;
	segment_watches.turned = loop_now();
	return work * BUSY_SHARE > time;
}

static void
look_at_next(SegmentWatch *watch)
{
	DL_DELETE(*watch_list(watch), watch);
	watch_later(watch);
	look_at_segments(watch);
}

/* Looks once at each of the first strangers.  Those that have a session by now join the others. */
static void
look_at_strangers(void)
{
	SegmentWatch *last = segment_watches.strangers ? segment_watches.strangers->prev : NULL;
	SegmentWatch *watch = NULL;

	for (int looks = 0; watch != last && looks < STRANGER_LOOKS; looks++)
	{
		watch = segment_watches.strangers;
		look_at_next(watch);
	}
}

static void
look_at_some(void *context)
{
	int early = has_been_busy() ? EARLY_LOOKS : 0;
	uint64_t latest = loop_now() + WATCH_INTERVAL_MS;
	SegmentWatch *watch;

	(void) context;
	look_at_strangers();
	while ((watch = segment_watches.watches) != NULL && watch->due < latest &&
		   (watch->due <= loop_now() || early-- > 0))
		look_at_next(watch);
	if (segment_watches.watches != NULL || segment_watches.strangers != NULL)
		timer_start(&segment_watches.timer, WATCH_TURN_MS, look_at_some, NULL);
}

/*
 * Ends the connection of a stranger from an address in debt as soon as more than some bytes belong to no message.  So
 * it does a flood no good to come back before the next look.
 */
static void
limit_stranger(const SegmentWatch *watch)
{
	if (connection_is_in_debt(watch->stream->carrier.connection))
		client_socket_allow(watch->stream->wsi, STRANGER_BYTES);
}

void
segment_watch_start(SegmentWatch *watch, LwsStream *stream)
{
	assert(watch->stream == NULL && stream->open);
	watch->stream = stream;
	watch->began = lws_stream_received(stream);
	watch->began.bytes -= watch->began.unread; /* frames that the client sent at once */
	watch->received = watch->began;
	watch_later(watch);
	limit_stranger(watch);
	if (!timer_is_running(&segment_watches.timer))
		timer_start(&segment_watches.timer, WATCH_TURN_MS, look_at_some, NULL);
}

void
segment_watch_stop(SegmentWatch *watch)
{
	int64_t count;

	if (watch->stream == NULL)
		return;
	count = count_segments(watch, 0); /* no message comes any more */
	if (count > 0)
		connection_count_last_segments(watch->stream->carrier.connection, count);
	DL_DELETE(*watch_list(watch), watch);
	watch->stream = NULL;
	if (segment_watches.watches == NULL && segment_watches.strangers == NULL)
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
	client_socket_allow_more(watch->stream->wsi, length + LARGEST_HEADER);
}
