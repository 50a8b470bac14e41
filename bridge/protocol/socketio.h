/*-------------------------------------------------------------------------
 *
 * socketio.h
 *	  Socket.IO v5: namespaces, events and acks, inside the messages of Engine.IO.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SOCKETIO_H
#define HERALD_SOCKETIO_H

#include "protocol/protocol.h"

/* What Socket.IO knows of a connection. */
typedef struct SocketIo SocketIo;

/* The token of the handshake is for namespaces that are connected without one. */
extern SocketIo *socketio_open(Connection *connection, const Handshake *handshake);

/* A message, or an attachment to one in base64, has come; false: it ends the connection. */
extern bool socketio_heard(SocketIo *socket, const char *text, size_t length);
extern bool socketio_heard_attachment(SocketIo *socket, const char *base64, size_t length);

/* Ends all sessions and frees it. */
extern void socketio_close(SocketIo *socket);

#endif /* HERALD_SOCKETIO_H */
