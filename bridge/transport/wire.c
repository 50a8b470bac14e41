/*-------------------------------------------------------------------------
 *
 * wire.c
 *	  The bytes of a connection: from its outbox to libwebsockets.
 *
 * Frames leave directly, complete as they are, when the library holds nothing back
 * for the connection, and else when it says that there is room.  The library adds
 * nothing to them: extensions, compression and HTTP/2 are off.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/wire.h"

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
wire_cut(struct lws *wsi)
{
	lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
	lws_cancel_service(lws_get_context(wsi));
}

static void
on_no_end(void *context)
{
	wire_cut(((Wire *) context)->wsi);
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
note_held(Wire *wire, size_t written)
{
	size_t held = lws_partial_buffered(wire->wsi) ? written : 0;

	budget_give(wire->held);
	budget_take(held);
	wire->held = held;
}

bool
wire_send(Wire *wire)
{
	Outbox *outbox = &wire->carrier.connection->outbox;

	note_held(wire, wire->held);
	while (outbox->count > 0 && !lws_partial_buffered(wire->wsi))
	{
		size_t length;
		uint32_t count;
		unsigned char *bytes = gather(outbox, &length, &count);

		if (lws_write(wire->wsi, bytes, length, LWS_WRITE_RAW) < 0)
			return false;
		wire->sent += length;
		note_held(wire, length);
		outbox_sent(outbox, count);
	}
	wire->waits = outbox->count > 0 || wire->held > 0;
	if (wire->waits)
		lws_callback_on_writable(wire->wsi);
	return true;
}

void
wire_flush(Carrier *carrier)
{
	Wire *wire = (Wire *) carrier;

	if (!wire->waits && !wire_send(wire))
		wire_cut(wire->wsi);
}

void
wire_cut_off(Carrier *carrier)
{
	wire_cut(((Wire *) carrier)->wsi);
}

static bool
takes_nothing(Wire *wire)
{
	int unacknowledged = 0;
	uint64_t before = wire->taken;

	(void) ioctl(lws_get_socket_fd(wire->wsi), SIOCOUTQ, &unacknowledged);
	wire->taken = wire->sent - (uint64_t) unacknowledged;
	return unacknowledged > 0 && wire->taken == before;
}

static void
look(void *context)
{
	Wire *wire = context;

	if (takes_nothing(wire))
		wire_cut(wire->wsi);
	else
		wire_watch(wire);
}

void
wire_watch(Wire *wire)
{
	const Config *config = wire->carrier.connection->config;

	timer_start(&wire->timer, (uint64_t) (config->ping_interval + config->ping_timeout), look, wire);
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
wire_open(Wire *wire, struct lws *wsi, const Transport *transport, const Config *config,
		  const Protocol *protocol, const Handshake *handshake)
{
	wire->carrier.transport = transport;
	wire->wsi = wsi;
	wire->open = true;
	watch_ourselves(wsi);
	lws_get_peer_simple(wsi, wire->carrier.peer, sizeof(wire->carrier.peer));
	log_debug("connected", "peer", wire->carrier.peer);
	connection_open(&wire->carrier, config, protocol, handshake);
}

void
wire_end(Wire *wire, Frame *last)
{
	outbox_push_last(&wire->carrier.connection->outbox, last);
	timer_start(&wire->timer, END_TIMEOUT_MS, on_no_end, wire);
}

bool
wire_is_empty(const Wire *wire)
{
	return wire->carrier.connection->outbox.count == 0 && !lws_partial_buffered(wire->wsi);
}

void
wire_closed(Wire *wire)
{
	if (!wire->open)
		return;
	wire->open = false;
	timer_stop(&wire->timer);
	budget_give(wire->held);
	connection_end(wire->carrier.connection);
	log_debug("disconnected", "peer", wire->carrier.peer);
}
