/*-------------------------------------------------------------------------
 *
 * payload.h
 *	  The bodies of long-polling: several packets of Engine.IO in one text.
 *
 * Protocol: Engine.IO protocol revision 4, "HTTP long-polling".
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PAYLOAD_H
#define HERALD_PAYLOAD_H

#include <stddef.h>

#include "protocol/connection.h"

/* Takes the packets of the next response off an outbox.  Returns their text, which the caller frees, and its length. */
extern char *payload_take(Outbox *outbox, size_t *length);

/* Hands the packets of a body, from "at" to "end", to the protocol, up to one that closes the connection. */
extern void payload_receive(Connection *connection, const char *at, const char *end);

#endif /* HERALD_PAYLOAD_H */
