/*-------------------------------------------------------------------------
 *
 * arrival.h
 *	  Takes sessions from their admission to the replay of the events that they missed.
 *
 * The model stands in arrival.c.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ARRIVAL_H
#define HERALD_ARRIVAL_H

#include "base/config.h"
#include "fanout/session.h"

/* Connects to the database, and starts the event cache and the replay; the reader must not run yet. */
extern void arrival_start(const Config *config);
extern void arrival_stop(void);

/* Begins to bring a session up to date.  Takes over the reference. */
extern void arrival_begin(Session *session);

/* Must be called at the end of each of the reader's windows, with the reader's position. */
extern void arrival_reader_reached(const char *position);

#endif /* HERALD_ARRIVAL_H */
