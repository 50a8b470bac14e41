/*-------------------------------------------------------------------------
 *
 * head_guard.h
 *	  Sees the bytes of clients as they came, before libwebsockets parses them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_HEAD_GUARD_H
#define HERALD_HEAD_GUARD_H

#include <stdint.h>

#include "transport/head_form.h"

/* The bytes that a socket has given, with or without TLS. */
typedef struct SocketBytes
{
	HeadForm head; /* its owner empties it when a request has been answered */
	uint64_t read;
	uint64_t allowed; /* once more than these are read, the socket fails like a broken one; 0: any number */
} SocketBytes;

/* Keeps the bytes up to date from now on, while a socket is read. */
extern void head_guard_watch(int descriptor, SocketBytes *bytes);

/* Ends that; no effect if the descriptor is another socket's by now. */
extern void head_guard_forget(int descriptor, const SocketBytes *bytes);

#endif /* HERALD_HEAD_GUARD_H */
