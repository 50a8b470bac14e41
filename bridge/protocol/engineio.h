/*-------------------------------------------------------------------------
 *
 * engineio.h
 *	  Engine.IO: the sessions that carry Socket.IO over a WebSocket or over polling.
 *
 * Protocol: Engine.IO protocol revision 4.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ENGINEIO_H
#define HERALD_ENGINEIO_H

#include <uthash.h>

#include "base/timer.h"
#include "protocol/connection.h"
#include "protocol/socketio.h"

/* Types of packets, each the first character of the packet's text. */
#define ENGINE_OPEN '0'
#define ENGINE_CLOSE '1'
#define ENGINE_PING '2'
#define ENGINE_PONG '3'
#define ENGINE_MESSAGE '4'
#define ENGINE_UPGRADE '5'
#define ENGINE_NOOP '6'

/* In a polled payload: the prefix of a binary packet in base64, and the separator of packets. */
#define ENGINE_BINARY 'b'
#define ENGINE_SEPARATOR '\x1e'

#define ENGINE_SID_LENGTH 32

/* The Engine.IO session of a connection; freed when the connection ends. */
typedef struct EngineIo
{
	Connection *connection;
	Connection *upgrade; /* the WebSocket to which the client is upgrading; NULL: none */
	SocketIo *socket;
	Timer heartbeat;
	UT_hash_handle hh;
	char sid[ENGINE_SID_LENGTH + 1]; /* a secret: it authorizes the requests of a polling client */
} EngineIo;

/* Returns the session with an id; NULL if there is none, or if it is closing and has nothing left to send. */
extern EngineIo *engineio_find(const char *sid);

/* Returns whether the session is carried by polling, so that it can be upgraded to a WebSocket. */
extern bool engineio_is_polling(const EngineIo *engine);

/* Restarts the heartbeat after an upgrade: the new carrier must prove itself with a pong. */
extern void engineio_upgraded(EngineIo *engine);

#endif /* HERALD_ENGINEIO_H */
