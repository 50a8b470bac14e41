/*-------------------------------------------------------------------------
 *
 * sse_format.h
 *	  The protocol of server-sent events, as a browser's EventSource reads them.
 *
 * The data of an event are the objects of the plain protocol, its id is the position.
 * A client names its rooms in the URL, because it cannot send anything later.  After a
 * loss it repeats the request, with the last id that it has seen.
 *
 * Format: HTML Living Standard, "Server-sent events", 9.2.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SSE_FORMAT_H
#define HERALD_SSE_FORMAT_H

#include <stdbool.h>

#include "gateway/auth.h"
#include "protocol/connection.h"

/* Reads nothing from the client: text and binary are NULL. */
extern const Protocol sse_format_protocol;

/*
 * Returns whether the client has a session, or may come back for one.  If not, *refusal has the reason, and the
 * transport answers with it if there is no stream yet.  The strings belong to the connection or to the program.
 */
extern bool sse_format_admitted(const Connection *connection, Refusal *refusal);

/* Returns the last frame of a stream, which says when the client may come back.  The caller owns the reference. */
extern Frame *sse_format_farewell(const Connection *connection);

#endif /* HERALD_SSE_FORMAT_H */
