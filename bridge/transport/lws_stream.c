/*-------------------------------------------------------------------------
 *
 * lws_stream.c
 *	  A carrier on a libwebsockets connection: writes an outbox to it.
 *
 * While libwebsockets buffers nothing for the connection, frames are written directly.
 * Otherwise they wait for its writable callback.  Frames are complete: libwebsockets
 * adds no bytes to them, because extensions, compression and HTTP/2 are off.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/lws_stream.h"

#include <assert.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/budget.h"
#include "base/log.h"

/* Bytes that are gathered for one write at most. */
#define MAX_WRITE 16384

/* Time for the peer to end a connection that we end, before it is cut. */
#define END_TIMEOUT_MS 5000

_Static_assert(FRAME_HEADROOM >= LWS_PRE, "libwebsockets writes in front of the bytes that it is given");

static LwsStream *
lws_stream_of(Carrier *carrier)
{
	assert(carrier->transport->flush == lws_stream_flush);
	return (LwsStream *) carrier;
}

void
lws_stream_kill(struct lws *wsi)
{
	assert(wsi != NULL);
	lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
	lws_cancel_service(lws_get_context(wsi));
}

static void
end_timeout(void *context)
{
	lws_stream_kill(((LwsStream *) context)->wsi);
}

/*
 * Returns the bytes of the next frames, as many as fit into one write, with their length and count.  A single frame
 * is not copied: libwebsockets may write into its headroom, and writes the same bytes each time.
 */
static unsigned char *
gather_frames(Outbox *outbox, size_t *length, uint32_t *count)
{
	static unsigned char buffer[LWS_PRE + MAX_WRITE];
	Frame *frame = outbox_peek(outbox, 0);

	assert(frame != NULL);
	*count = 1;
	*length = frame->length;
	if (outbox_peek(outbox, 1) == NULL || frame->length > MAX_WRITE / 2)
		return frame_bytes(frame);
	memcpy(buffer + LWS_PRE, frame_bytes(frame), frame->length);
	while ((frame = outbox_peek(outbox, *count)) != NULL && *length + frame->length <= MAX_WRITE)
	{
		memcpy(buffer + LWS_PRE + *length, frame_bytes(frame), frame->length);
		*length += frame->length;
		(*count)++;
	}
	return buffer + LWS_PRE;
}

/* Puts the rest of a write, which libwebsockets copies, on the budget. */
static void
account_buffered(LwsStream *stream, size_t written)
{
	size_t buffered = lws_partial_buffered(stream->wsi) ? written : 0;

	if (buffered == stream->buffered)
		return;
	budget_give(stream->buffered);
	budget_take(buffered);
	stream->buffered = buffered;
}

bool
lws_stream_send(LwsStream *stream)
{
	Outbox *outbox = &stream->carrier.connection->outbox;

	assert(stream->open);
	account_buffered(stream, stream->buffered);
	while (outbox->count > 0 && !lws_partial_buffered(stream->wsi))
	{
		size_t length;
		uint32_t count;
		unsigned char *bytes = gather_frames(outbox, &length, &count);

		if (lws_write(stream->wsi, bytes, length, LWS_WRITE_RAW) < 0)
			return false;
		stream->sent += length;
		account_buffered(stream, length);
		outbox_sent(outbox, count);
	}
	stream->blocked = outbox->count > 0 || stream->buffered > 0;
	if (stream->blocked)
		lws_callback_on_writable(stream->wsi);
	return true;
}

void
lws_stream_flush(Carrier *carrier)
{
	LwsStream *stream = lws_stream_of(carrier);

	if (!stream->blocked && !lws_stream_send(stream))
		lws_stream_kill(stream->wsi);
}

void
lws_stream_cut(Carrier *carrier)
{
	lws_stream_kill(lws_stream_of(carrier)->wsi);
}

/* Returns whether the peer has acknowledged no byte since the last call, though some are on their way. */
static bool
has_stalled(LwsStream *stream)
{
	int unacknowledged = 0;
	uint64_t before = stream->acknowledged;

	(void) ioctl(lws_get_socket_fd(stream->wsi), SIOCOUTQ, &unacknowledged);
	stream->acknowledged = stream->sent - (uint64_t) unacknowledged;
	return unacknowledged > 0 && stream->acknowledged == before;
}

static void
check_stall(void *context)
{
	LwsStream *stream = context;

	if (has_stalled(stream))
		lws_stream_kill(stream->wsi);
	else
		lws_stream_detect_stall(stream);
}

void
lws_stream_detect_stall(LwsStream *stream)
{
	const Config *config = stream->carrier.connection->config;

	timer_start(&stream->timer, (uint64_t) (config->ping_interval + config->ping_timeout), check_stall, stream);
}

/*
 * Resets TCP_USER_TIMEOUT to the system's default: from here on pings and checks for stalls notice a lost peer.  A
 * client that only listens learns from the kernel alone that its connection was closed, so the kernel must
 * retry for a while in case the network returns.  It would not if it had closed the connection itself.
 */
static void
disable_user_timeout(struct lws *wsi)
{
	unsigned int timeout = 0;

	setsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
}

void
lws_stream_open(LwsStream *stream, struct lws *wsi, const Transport *transport, const Config *config,
				const Protocol *protocol, const Handshake *handshake)
{
	assert(!stream->open);
	assert(transport->flush == lws_stream_flush && transport->cut == lws_stream_cut);
	stream->carrier.transport = transport;
	stream->wsi = wsi;
	stream->open = true;
	disable_user_timeout(wsi);
	lws_get_peer_simple(wsi, stream->carrier.peer, sizeof(stream->carrier.peer));
	log_debug("connected", "peer", stream->carrier.peer);
	connection_open(&stream->carrier, config, protocol, handshake);
}

void
lws_stream_end(LwsStream *stream, Frame *last)
{
	assert(stream->open);
	outbox_push_last(&stream->carrier.connection->outbox, last);
	timer_start(&stream->timer, END_TIMEOUT_MS, end_timeout, stream);
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
	budget_give(stream->buffered);
	connection_end(stream->carrier.connection);
	log_debug("disconnected", "peer", stream->carrier.peer);
}
