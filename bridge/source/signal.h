/*-------------------------------------------------------------------------
 *
 * signal.h
 *	  Parses the ephemeral events that herald.signal() sends.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SIGNAL_H
#define HERALD_SIGNAL_H

#include "fanout/event.h"

/*
 * Returns the event of a payload that herald.signal() has sent, with the given position;
 * the caller owns its first reference.  NULL after a line in the log for a malformed
 * payload: any role that may connect to the database can NOTIFY.
 */
extern Event *signal_read(const char *text, const char *position);

#endif /* HERALD_SIGNAL_H */
