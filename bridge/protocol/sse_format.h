/*-------------------------------------------------------------------------
 *
 * sse_format.h
 *	  The text of Server-Sent Events, as a browser's EventSource reads it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SSE_FORMAT_H
#define HERALD_SSE_FORMAT_H

#include <stdbool.h>

#include "gateway/auth.h"
#include "protocol/protocol.h"

/* Nothing is heard from the client. */
extern const Protocol sse_format_protocol;

/* Was the client let in when its connection was opened?  False: there is no stream, and *refusal says why. */
extern bool sse_format_admitted(const Connection *connection, Refusal *refusal);

/* The last that a stream says: when the client may come back.  The caller holds it. */
extern Frame *sse_format_farewell(void);

#endif /* HERALD_SSE_FORMAT_H */
