/*-------------------------------------------------------------------------
 *
 * lws_stream.c
 *	  The bytes of a connection: from its outbox to libwebsockets.
 *
 * Frames leave directly, complete as they are, when the library holds nothing back
 * for the connection, and else when it says that there is room.  The library adds
 * nothing to them: extensions, compression and HTTP/2 are off.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/lws_stream.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/budget.h"
#include "base/log.h"

/* What leaves in one write at most. */
#define LARGEST_WRITE 16384

/* How long an end may take before the connection is cut. */
#define END_TIMEOUT_MS 5000

_Static_assert(FRAME_HEADROOM >= LWS_PRE, "the library writes in front of the bytes it is given");

void
lws_stream_cut(struct lws *wsi)
{
	lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
	lws_cancel_service(lws_get_context(wsi));
}

static void
on_no_end(void *context)
{
	lws_stream_cut(((LwsStream *) context)->wsi);
}

/*
 * Collects what waits, as far as it goes into one write.  A single frame is not
 * copied: the library may write into its headroom, and always the same.
 */
static unsigned char *
gather(Outbox *outbox, size_t *length, uint32_t *count)
{
	static unsigned char buffer[LWS_PRE + LARGEST_WRITE];
	Frame *frame = outbox_peek(outbox, 0);

	*count = 1;
	*length = frame->length;
	if (outbox_peek(outbox, 1) == NULL || frame->length > LARGEST_WRITE / 2)
		return frame_bytes(frame);
	memcpy(buffer + LWS_PRE, frame_bytes(frame), frame->length);
	while ((frame = outbox_peek(outbox, *count)) != NULL && *length + frame->length <= LARGEST_WRITE)
	{
		memcpy(buffer + LWS_PRE + *length, frame_bytes(frame), frame->length);
		*length += frame->length;
		(*count)++;
	}
	return buffer + LWS_PRE;
}

/* The library copies what the connection has not taken of a write. */
static void
note_held(LwsStream *stream, size_t written)
{
	size_t held = lws_partial_buffered(stream->wsi) ? written : 0;

	budget_give(stream->held);
	budget_take(held);
	stream->held = held;
}

bool
lws_stream_send(LwsStream *stream)
{
	Outbox *outbox = &stream->carrier.connection->outbox;

	note_held(stream, stream->held);
	while (outbox->count > 0 && !lws_partial_buffered(stream->wsi))
	{
		size_t length;
		uint32_t count;
		unsigned char *bytes = gather(outbox, &length, &count);

		if (lws_write(stream->wsi, bytes, length, LWS_WRITE_RAW) < 0)
			return false;
		stream->sent += length;
		note_held(stream, length);
		outbox_sent(outbox, count);
	}
	stream->waits = outbox->count > 0 || stream->held > 0;
	if (stream->waits)
		lws_callback_on_writable(stream->wsi);
	return true;
}

void
lws_stream_flush(Carrier *carrier)
{
	LwsStream *stream = (LwsStream *) carrier;

	if (!stream->waits && !lws_stream_send(stream))
		lws_stream_cut(stream->wsi);
}

void
lws_stream_cut_off(Carrier *carrier)
{
	lws_stream_cut(((LwsStream *) carrier)->wsi);
}

static bool
takes_nothing(LwsStream *stream)
{
	int unacknowledged = 0;
	uint64_t before = stream->taken;

	(void) ioctl(lws_get_socket_fd(stream->wsi), SIOCOUTQ, &unacknowledged);
	stream->taken = stream->sent - (uint64_t) unacknowledged;
	return unacknowledged > 0 && stream->taken == before;
}

static void
look(void *context)
{
	LwsStream *stream = context;

	if (takes_nothing(stream))
		lws_stream_cut(stream->wsi);
	else
		lws_stream_watch(stream);
}

void
lws_stream_watch(LwsStream *stream)
{
	const Config *config = stream->carrier.connection->config;

	timer_start(&stream->timer, (uint64_t) (config->ping_interval + config->ping_timeout), look, stream);
}

/*
 * The kernel need not watch over it: pings and looks do.  One that only listens hears
 * that it was given up from the kernel alone, which tries for a while to tell it so,
 * should the network be there again; but not if it was the kernel that gave it up.
 */
static void
watch_ourselves(struct lws *wsi)
{
	unsigned int patience = 0; /* that of the system */

	setsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
}

void
lws_stream_open(LwsStream *stream, struct lws *wsi, const Transport *transport, const Config *config,
				const Protocol *protocol, const Handshake *handshake)
{
	stream->carrier.transport = transport;
	stream->wsi = wsi;
	stream->open = true;
	watch_ourselves(wsi);
	lws_get_peer_simple(wsi, stream->carrier.peer, sizeof(stream->carrier.peer));
	log_debug("connected", "peer", stream->carrier.peer);
	connection_open(&stream->carrier, config, protocol, handshake);
}

void
lws_stream_end(LwsStream *stream, Frame *last)
{
	outbox_push_last(&stream->carrier.connection->outbox, last);
	timer_start(&stream->timer, END_TIMEOUT_MS, on_no_end, stream);
}

bool
lws_stream_is_empty(const LwsStream *stream)
{
	return stream->carrier.connection->outbox.count == 0 && !lws_partial_buffered(stream->wsi);
}

void
lws_stream_closed(LwsStream *stream)
{
	if (!stream->open)
		return;
	stream->open = false;
	timer_stop(&stream->timer);
	budget_give(stream->held);
	connection_end(stream->carrier.connection);
	log_debug("disconnected", "peer", stream->carrier.peer);
}
