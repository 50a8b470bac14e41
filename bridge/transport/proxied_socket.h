/*-------------------------------------------------------------------------
 *
 * proxied_socket.h
 *	  Takes the header of the PROXY protocol off connections from trusted proxies.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PROXIED_SOCKET_H
#define HERALD_PROXIED_SOCKET_H

#include "base/network_address.h"

/* Takes over the descriptor; "client" is the address in the header, or else the peer. */
typedef void (*ProxiedSocketReady)(void *context, int descriptor, NetworkAddress client);

/*
 * Waits for the first bytes of a connection from a trusted proxy, and takes its PROXY header off, if it has one.
 * Then calls ready(), at once if the bytes are there.  Closes the connection if the header is malformed,
 * or incomplete after 10 seconds.
 */
extern void proxied_socket_await(int descriptor, NetworkAddress peer, ProxiedSocketReady ready, void *context);

#endif /* HERALD_PROXIED_SOCKET_H */
