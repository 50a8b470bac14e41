/*-------------------------------------------------------------------------
 *
 * doorbell.h
 *	  Listens to the doorbell.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DOORBELL_H
#define HERALD_DOORBELL_H

#include <stdbool.h>

#include "base/config.h"

/* The channel of NOTIFY, as extension/write/doorbell.h names it. */
#define DOORBELL_CHANNEL "herald"

typedef struct Doorbell Doorbell;

typedef struct DoorbellEvents
{
	/* There are events or signals.  Also called when listening begins, because earlier rings are lost. */
	void (*rung)(void);
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
