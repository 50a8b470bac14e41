/*-------------------------------------------------------------------------
 *
 * engineio.h
 *	  Engine.IO v4: what carries Socket.IO over a WebSocket or over polling.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ENGINEIO_H
#define HERALD_ENGINEIO_H

#include <uthash.h>

#include "protocol/protocol.h"
#include "protocol/socketio.h"

/* Types of packets, each the first character of its text. */
#define ENGINE_OPEN '0'
#define ENGINE_CLOSE '1'
#define ENGINE_PING '2'
#define ENGINE_PONG '3'
#define ENGINE_MESSAGE '4'
#define ENGINE_UPGRADE '5'
#define ENGINE_NOOP '6'

/* Where text is all that there is: the start of an attachment, and what stands between packets. */
#define ENGINE_ATTACHMENT 'b'
#define ENGINE_SEPARATOR '\x1e'

#define ENGINE_SID_LENGTH 32

/* What Engine.IO knows of a connection; lives until it is closed. */
typedef struct EngineIo
{
	Connection *connection;
	Connection *upgrade; /* by which its client wants to go on; NULL: none */
	SocketIo *socket;
	Timer heartbeat;
	UT_hash_handle hh;
	char sid[ENGINE_SID_LENGTH + 1]; /* a secret: who knows it speaks for the client */
} EngineIo;

/* One that has something to hear or to say; NULL: there is none with this id. */
extern EngineIo *engineio_find(const char *sid);

/* Is it carried by polls, so that it can go on by a WebSocket? */
extern bool engineio_polls(const EngineIo *engine);

/* Another carrier has it now: a ping makes sure that it carries. */
extern void engineio_moved(EngineIo *engine);

#endif /* HERALD_ENGINEIO_H */
