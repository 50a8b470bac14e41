/*-------------------------------------------------------------------------
 *
 * signal.h
 *	  An ephemeral event as it comes from the database.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SIGNAL_H
#define HERALD_SIGNAL_H

#include "fanout/event.h"

/*
 * The event of a text that herald.signal() has written, as of a position; NULL
 * after a line in the log if it is none: whoever may connect to the database
 * may send anything.  The caller holds its first reference.
 */
extern Event *signal_read(const char *text, const char *position);

#endif /* HERALD_SIGNAL_H */
