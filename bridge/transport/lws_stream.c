/*-------------------------------------------------------------------------
 *
 * lws_stream.c
 *	  A carrier on a libwebsockets connection: writes an outbox to it.
 *
 * While libwebsockets buffers nothing for the connection, frames go to its socket at once.
 * libwebsockets buffers the bytes that the socket does not take, because it may have a pong
 * to send behind them; later frames wait for its writable callback.  Frames are complete:
 * extensions, compression and HTTP/2 are off.  With TLS, its records take the frames.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/lws_stream.h"

#include <assert.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/budget.h"
#include "base/log.h"
#include "base/memory.h"
#include "transport/tls.h"

/* Bytes that are gathered for one write at most. */
#define MAX_WRITE 16384

/* Time for the peer to end a connection that we end, before it is cut. */
#define END_TIMEOUT_MS 5000

/* Milliseconds until a client is told that it does too much, or that its token is bad. */
#define TOO_MANY_DELAY_MS 1000
#define UNAUTHORIZED_DELAY_MS 250

static LwsStream *
lws_stream_of(Carrier *carrier)
{
	assert(carrier->transport->cut == lws_stream_cut);
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
 * is not copied.
 */
static const unsigned char *
gather_frames(Outbox *outbox, size_t *length, uint32_t *count)
{
	static unsigned char buffer[MAX_WRITE];
	Frame *frame = outbox_peek(outbox, 0);

	assert(frame != NULL);
	*count = 1;
	*length = frame->length;
	if (outbox_peek(outbox, 1) == NULL || frame->length > MAX_WRITE / 2)
		return frame->bytes;
	memcpy(buffer, frame->bytes, frame->length);
	while ((frame = outbox_peek(outbox, *count)) != NULL && *length + frame->length <= MAX_WRITE)
	{
		memcpy(buffer + *length, frame->bytes, frame->length);
		*length += frame->length;
		(*count)++;
	}
	return buffer;
}

/* Counts on the budget so many bytes that libwebsockets buffers, instead of those before. */
static void
account_buffered(LwsStream *stream, size_t buffered)
{
	budget_give(stream->buffered);
	budget_take(buffered);
	stream->buffered = buffered;
}

/* Has libwebsockets send bytes that the socket has not taken.  Returns false if the connection is broken. */
static bool
send_later(LwsStream *stream, const unsigned char *bytes, size_t length)
{
	unsigned char *copy = memory_new(LWS_PRE + length); /* it may write in front of the bytes that it is given */
	bool sent;

	memcpy(copy + LWS_PRE, bytes, length);
	sent = lws_write(stream->wsi, copy + LWS_PRE, length, LWS_WRITE_RAW) >= 0;
	free(copy);
	account_buffered(stream, length);
	return sent;
}

/* Returns how many bytes the connection has taken; libwebsockets finds out whether it is broken. */
static size_t
send_now(LwsStream *stream, const unsigned char *bytes, size_t length)
{
	ssize_t sent;

	if (stream->tls != NULL)
		return tls_write(stream->tls, bytes, length);
	sent = send(stream->socket, bytes, length, MSG_NOSIGNAL);
	return sent > 0 ? (size_t) sent : 0;
}

static bool
send_or_buffer(LwsStream *stream, const unsigned char *bytes, size_t length)
{
	size_t sent = send_now(stream, bytes, length);

	return sent == length || send_later(stream, bytes + sent, length - sent);
}

bool
lws_stream_send(LwsStream *stream)
{
	Outbox *outbox = &stream->carrier.connection->outbox;

	assert(stream->open);
	if (stream->held)
		return true;
	while (!(stream->blocked = lws_partial_buffered(stream->wsi)) && outbox->count > 0)
	{
		size_t length;
		uint32_t count;
		const unsigned char *bytes = gather_frames(outbox, &length, &count);

		if (!send_or_buffer(stream, bytes, length))
			return false;
		outbox_sent(outbox, count);
	}
	if (stream->blocked)
		lws_callback_on_writable(stream->wsi);
	else if (stream->buffered > 0)
		account_buffered(stream, 0);
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

/* Returns the kernel's numbers of a connection; those that it does not count are 0. */
static struct tcp_info
read_tcp_info(int socket)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	(void) getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size);
	return info;
}

/* Returns how many bytes the peer has acknowledged in all, those of TLS included. */
static uint64_t
count_acknowledged(int socket)
{
	return read_tcp_info(socket).tcpi_bytes_acked;
}

ReceivedData
lws_stream_received(const LwsStream *stream)
{
	struct tcp_info info = read_tcp_info(stream->socket);
	int unread = 0;

	(void) ioctl(stream->socket, SIOCINQ, &unread);
	return (ReceivedData){ info.tcpi_data_segs_in, info.tcpi_bytes_received, (uint64_t) unread };
}

/* Returns whether the peer has acknowledged no byte since the last check, though some are on their way. */
static bool
has_stalled(const LwsStream *stream)
{
	int unacknowledged = 0;

	(void) ioctl(stream->socket, SIOCOUTQ, &unacknowledged);
	return unacknowledged > 0 && count_acknowledged(stream->socket) == stream->acknowledged;
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

	stream->acknowledged = count_acknowledged(stream->socket);
	timer_start(&stream->timer, (uint64_t) (config->ping_interval + config->ping_timeout), check_stall, stream);
}

/*
 * Resets TCP_USER_TIMEOUT to the system's default: from here on pings and checks for stalls notice a lost peer.  A
 * client that only listens learns from the kernel alone that its connection was closed, so the kernel must
 * retry for a while in case the network returns.  It would not if it had closed the connection itself.
 */
static void
disable_user_timeout(int socket)
{
	unsigned int timeout = 0;

	setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
}

void
lws_stream_open(LwsStream *stream, struct lws *wsi, const Transport *transport, const Config *config,
				const Protocol *protocol, const Handshake *handshake)
{
	assert(!stream->open);
	assert(transport->cut == lws_stream_cut);
	stream->carrier.transport = transport;
	stream->wsi = wsi;
	stream->socket = lws_get_socket_fd(wsi);
	stream->tls = lws_get_ssl(wsi);
	stream->open = true;
	disable_user_timeout(stream->socket);
	snprintf(stream->carrier.peer, sizeof(stream->carrier.peer), "%s", handshake->peer);
	log_debug("connected", "peer", stream->carrier.peer);
	connection_open(&stream->carrier, config, protocol, handshake);
}

static void
send_last(void *context)
{
	LwsStream *stream = context;

	stream->held = false;
	timer_start(&stream->timer, END_TIMEOUT_MS, end_timeout, stream);
	lws_callback_on_writable(stream->wsi);
}

/* Returns how long the last frames are held. */
static uint64_t
delay_of_end(int code)
{
	return code == CLOSE_TOO_MANY ? TOO_MANY_DELAY_MS : code == CLOSE_UNAUTHORIZED ? UNAUTHORIZED_DELAY_MS :
																					 0;
}

void
lws_stream_end(LwsStream *stream, Frame *last, int code)
{
	uint64_t delay = delay_of_end(code);

	assert(stream->open);
	outbox_push_last(&stream->carrier.connection->outbox, last);
	stream->held = delay > 0;
	timer_start(&stream->timer, delay > 0 ? delay : END_TIMEOUT_MS, delay > 0 ? send_last : end_timeout, stream);
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
