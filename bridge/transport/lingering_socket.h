/*-------------------------------------------------------------------------
 *
 * lingering_socket.h
 *	  Reads the rest of refused requests before their connections are closed.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LINGERING_SOCKET_H
#define HERALD_LINGERING_SOCKET_H

#include <stdbool.h>

/*
 * Reads and discards what the peer of a socket still sends, until it ends the connection: 16 MB at most, for 30 seconds
 * at most, of which 5 without a byte.  Works on a duplicate of the descriptor, which the caller closes.
 * If the kernel closed a connection with unread bytes, it would reset it, and the peer might never see the response.
 */
extern void lingering_socket_adopt(int descriptor);

/* Closes the socket that has lingered longest; returns false if there is none. */
extern bool lingering_socket_cut(void);

#endif /* HERALD_LINGERING_SOCKET_H */
