/*-------------------------------------------------------------------------
 *
 * old_client.h
 *	  Tells a client of Engine.IO 3 (socket.io-client 1 and 2) which client it needs.
 *
 * Such a client shows no body of a refused request.  It therefore gets a session
 * in its own protocol, in which the root namespace reports an error and
 * disconnects: the client emits "error" with the message, and does not come back.
 *
 * Protocols: Engine.IO protocol revision 3, Socket.IO protocol revision 4.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_OLD_CLIENT_H
#define HERALD_OLD_CLIENT_H

#include "protocol/connection.h"

/* The message; a refused request has it in its body, too. */
#define OLD_CLIENT_MESSAGE "this server speaks Engine.IO 4: use socket.io-client 3 or 4"

/* Says so on a WebSocket, and closes the connection. */
extern const Protocol old_client_protocol;

/* Returns the body of the response to a poll that says so; the caller frees it. */
extern char *old_client_payload(void);

#endif /* HERALD_OLD_CLIENT_H */
