/*-------------------------------------------------------------------------
 *
 * msgpack_client.h
 *	  Tells a client with socket.io-msgpack-parser that the bridge does not speak its encoding.
 *
 * Such a client sends each packet as one binary message: a map of MessagePack.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_MSGPACK_CLIENT_H
#define HERALD_MSGPACK_CLIENT_H

#include <stddef.h>

#include "fanout/frame.h"

/* The message of the client's connect_error. */
#define MSGPACK_CLIENT_MESSAGE "this server speaks Socket.IO's own encoding: use no socket.io-msgpack-parser"

/*
 * Returns the refusal of a CONNECT, in the client's encoding, as a frame of the caller; NULL: the binary message, in
 * base64, is none.
 */
extern Frame *msgpack_client_refusal(const char *base64, size_t length);

#endif /* HERALD_MSGPACK_CLIENT_H */
