/*-------------------------------------------------------------------------
 *
 * doorbell.h
 *	  Listens to the doorbell and to signals.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DOORBELL_H
#define HERALD_DOORBELL_H

#include <stdbool.h>

#include "base/config.h"

/* The channels of NOTIFY, as sql/parts names them. */
#define DOORBELL_CHANNEL "herald"
#define SIGNAL_CHANNEL "herald_signal"

typedef struct Doorbell Doorbell;

typedef struct DoorbellEvents
{
	/* The log grew.  Also called when listening begins, because earlier rings are lost. */
	void (*rung)(void);
	/* The payload of an ephemeral event, as herald.signal() has written it. */
	void (*signalled)(const char *text);
} DoorbellEvents;

/*
 * Listens on a connection of its own, which runs no other query and is never in a
 * transaction.  A query may take "limit" milliseconds.  The caller closes it.
 */
extern Doorbell *doorbell_open(const char *conninfo, long limit, const DoorbellEvents *events);
/* Returns whether the server has confirmed LISTEN on the present connection. */
extern bool doorbell_is_listening(const Doorbell *doorbell);
/* Closes the connection and frees the doorbell. */
extern void doorbell_close(Doorbell *doorbell);

#endif /* HERALD_DOORBELL_H */
