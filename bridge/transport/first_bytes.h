/*-------------------------------------------------------------------------
 *
 * first_bytes.h
 *	  Looks at the first bytes of connections before libwebsockets gets them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_FIRST_BYTES_H
#define HERALD_FIRST_BYTES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/network_address.h"

/* A connection whose first bytes have been looked at. */
typedef struct FirstBytes
{
	int descriptor;
	NetworkAddress client; /* the address in the PROXY header, or else the peer */
	const char *head;	   /* bytes in place of those that were taken off the socket; NULL: none were */
	size_t length;		   /* of these */
} FirstBytes;

/* Takes over the descriptor; the head is valid during the call. */
typedef void (*FirstBytesReady)(void *context, const FirstBytes *connection);

/* The kind of a connection, and the forms that are looked for. */
typedef struct FirstBytesKind
{
	bool client;	   /* it counts for its address if no request comes, and may be cut before */
	bool proxy_header; /* of the PROXY protocol: the connection is from a trusted proxy */
	bool request;	   /* of HTTP, with a target in absolute form: the connection is plain */
} FirstBytesKind;

/*
 * Waits for the first bytes of a connection.  Takes a PROXY header off, and the head of a request in absolute form,
 * if it has them.  Then calls ready(), at once if the bytes are there.  Closes the connection if the PROXY header is
 * malformed, or if the bytes have not arrived after 10 seconds.
 */
extern void first_bytes_await(int descriptor, NetworkAddress peer, FirstBytesKind kind, FirstBytesReady ready,
							  void *context);

#endif /* HERALD_FIRST_BYTES_H */
