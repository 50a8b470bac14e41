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

#include <string.h>

#include "base/log.h"
#include "base/metrics.h"

/* What leaves in one write at most. */
#define LARGEST_WRITE 65536

/* How long an end may take before the connection is cut. */
#define END_TIMEOUT_MS 5000

_Static_assert(FRAME_HEADROOM >= LWS_PRE, "the library writes in front of the bytes it is given");

static Wire *all = NULL;

/* Ends the connection at once; the library calls back with CLOSED soon. */
static void
cut(void *context)
{
	Wire *wire = context;

	lws_set_timeout(wire->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
	lws_cancel_service(lws_get_context(wire->wsi));
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

bool
wire_send(Wire *wire)
{
	Outbox *outbox = &wire->connection.outbox;

	while (outbox->count > 0 && !lws_partial_buffered(wire->wsi))
	{
		size_t length;
		uint32_t count;
		unsigned char *bytes = gather(outbox, &length, &count);

		if (lws_write(wire->wsi, bytes, length, LWS_WRITE_RAW) < 0)
			return false;
		outbox_sent(outbox, count);
	}
	if (outbox->count > 0)
		lws_callback_on_writable(wire->wsi);
	return true;
}

static void
flush(Outbox *outbox)
{
	Wire *wire = (Wire *) outbox;

	if (!wire_send(wire))
		cut(wire);
}

/* The peer does not read, so nothing that it could be told would reach it. */
static void
on_overflow(Outbox *outbox)
{
	Wire *wire = (Wire *) outbox;

	log_info("slow_client_closed", "peer", wire->peer);
	wire->connection.closing = true;
	cut(wire);
}

static const OutboxOwner outbox_owner = { flush, on_overflow };

static void
link_wire(Wire *wire)
{
	wire->next = all;
	wire->previous = NULL;
	if (all != NULL)
		all->previous = wire;
	all = wire;
}

static void
unlink_wire(Wire *wire)
{
	if (wire->next != NULL)
		wire->next->previous = wire->previous;
	if (wire->previous != NULL)
		wire->previous->next = wire->next;
	else
		all = wire->next;
}

void
wire_open(Wire *wire, struct lws *wsi)
{
	wire->wsi = wsi;
	wire->open = true;
	lws_get_peer_simple(wsi, wire->peer, sizeof(wire->peer));
	outbox_init(&wire->connection.outbox, &outbox_owner, (size_t) wire->connection.config->queue_limit);
	link_wire(wire);
	metrics.connections++;
	log_debug("connected", "peer", wire->peer);
}

void
wire_end(Wire *wire, Frame *last)
{
	wire->connection.closing = true;
	outbox_push_last(&wire->connection.outbox, last);
	timer_start(&wire->end_timer, END_TIMEOUT_MS, cut, wire);
}

bool
wire_is_empty(const Wire *wire)
{
	return wire->connection.outbox.count == 0 && !lws_partial_buffered(wire->wsi);
}

void
wire_closed(Wire *wire)
{
	if (!wire->open)
		return;
	wire->open = false;
	wire->connection.closing = true;
	timer_stop(&wire->end_timer);
	wire->connection.protocol->closed(&wire->connection);
	outbox_close(&wire->connection.outbox);
	unlink_wire(wire);
	metrics.connections--;
	log_debug("disconnected", "peer", wire->peer);
}

void
wire_close_all(void)
{
	for (Wire *wire = all; wire != NULL; wire = wire->next)
		wire->connection.transport->close(&wire->connection, CLOSE_RESTART, "restart");
}
