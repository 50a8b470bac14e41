/*-------------------------------------------------------------------------
 *
 * socketio.h
 *	  Socket.IO: namespaces, events and acknowledgements inside Engine.IO messages.
 *
 * Protocol: Socket.IO protocol revision 5.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SOCKETIO_H
#define HERALD_SOCKETIO_H

#include "protocol/connection.h"

/* The Socket.IO state of a connection. */
typedef struct SocketIo SocketIo;

/* Returns the state of a new connection.  Namespaces that connect without a token use the token of the handshake. */
extern SocketIo *socketio_open(Connection *connection, const Handshake *handshake);

/*
 * Handles an Engine.IO message, without its type.  Returns the reason why it violates the protocol, so that it must
 * end the connection; NULL: it does not.
 */
extern const char *socketio_message(SocketIo *socket, const char *text, size_t length);

/* Handles a binary attachment in base64.  Returns the same. */
extern const char *socketio_attachment(SocketIo *socket, const char *base64, size_t length);

/* Dismisses all sessions of the connection for this reason, as SessionOps does. */
extern void socketio_dismiss_all(SocketIo *socket, const char *code, const char *message, int64_t wait);

/* Ends all sessions of the connection and frees its state. */
extern void socketio_close(SocketIo *socket);

#endif /* HERALD_SOCKETIO_H */
