/*-------------------------------------------------------------------------
 *
 * doorbell.h
 *	  Listens for the doorbell, and for signals.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DOORBELL_H
#define HERALD_DOORBELL_H

#include <stdbool.h>

#include "base/config.h"

typedef struct Doorbell Doorbell;

typedef struct DoorbellEvents
{
	void (*rung)(void);					 /* also once whenever it begins to listen: what rang before is not known */
	void (*signalled)(const char *text); /* an ephemeral event, as herald.signal() has written it */
} DoorbellEvents;

/* Listens on a connection of its own, which runs no other query and is never in a transaction. */
extern Doorbell *doorbell_open(const char *conninfo, long limit, const DoorbellEvents *events);
extern bool doorbell_is_listening(const Doorbell *doorbell);
extern void doorbell_close(Doorbell *doorbell);

#endif /* HERALD_DOORBELL_H */
