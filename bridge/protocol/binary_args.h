/*-------------------------------------------------------------------------
 *
 * binary_args.h
 *	  Binary arguments: a packet waits until all of them have come.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_BINARY_ARGS_H
#define HERALD_BINARY_ARGS_H

#include "protocol/packet.h"

/* A packet and what has come of its attachments, in base64.  All zeros: nothing waits. */
typedef struct BinaryArgs
{
	Packet packet;
	char *texts[PACKET_MOST_ATTACHMENTS];
	int count;
	size_t length; /* of all texts */
} BinaryArgs;

/* Does a packet wait for more? */
extern bool binary_args_wanted(const BinaryArgs *attachments);

/* Begins to wait for what a packet has announced; takes over what the packet holds. */
extern void binary_args_wait(BinaryArgs *attachments, Packet *packet);

/* One has come.  False: nothing waits for it, or all together are longer than the limit. */
extern bool binary_args_add(BinaryArgs *attachments, const char *base64, size_t length, size_t limit);

/*
 * Puts what has come, as strings, into the places that the packet has for it, and
 * hands the packet over.  False: it has a place for something else; then nothing
 * is handed over.  Nothing waits any more in either case.
 */
extern bool binary_args_take(BinaryArgs *attachments, Packet *packet);

/* Forgets what waits. */
extern void binary_args_reset(BinaryArgs *attachments);

#endif /* HERALD_BINARY_ARGS_H */
