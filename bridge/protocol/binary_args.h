/*-------------------------------------------------------------------------
 *
 * binary_args.h
 *	  Binary arguments of a Socket.IO packet: collects its attachments, then puts them in.
 *
 * The function of an action gets JSON, so a binary argument becomes a base64 string.
 *
 * Protocol: Socket.IO protocol revision 5, "Binary event".
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_BINARY_ARGS_H
#define HERALD_BINARY_ARGS_H

#include "protocol/packet.h"

/* As in the reference server's parser. */
#define BINARY_ARGS_MAX 10

/*
 * A packet and the attachments that have arrived for it, in base64.  All zeros: no packet is pending.
 * The attachments of a packet that is refused are counted, and not kept.
 */
typedef struct BinaryArgs
{
	Packet packet;
	char *texts[BINARY_ARGS_MAX];
	int count;
	size_t packet_length; /* in bytes; on the budget, like the following */
	size_t length;		  /* of the packet and all texts */
} BinaryArgs;

/* Returns whether a packet waits for more attachments. */
extern bool binary_args_pending(const BinaryArgs *args);

/*
 * Starts to collect the attachments that a packet of so many bytes announces.  Takes over the packet's contents, and
 * empties it.  Refuses the packet if it announces too many.
 */
extern void binary_args_begin(BinaryArgs *args, Packet *packet, size_t length);

/*
 * Adds an attachment for the pending packet.  Refuses the packet if it exceeds "limit" bytes with its attachments, or
 * the budget of all connections.
 */
extern void binary_args_add(BinaryArgs *args, const char *base64, size_t length, size_t limit);

/*
 * Replaces each placeholder of the packet by its attachment, as a string, unless the packet is refused, and hands
 * the packet over to the caller.  Returns false, and hands nothing over, if a placeholder
 * names no attachment.  No packet is pending afterwards in either case.
 */
extern bool binary_args_finish(BinaryArgs *args, Packet *packet);

/* Frees the pending packet and its attachments, if any. */
extern void binary_args_reset(BinaryArgs *args);

#endif /* HERALD_BINARY_ARGS_H */
