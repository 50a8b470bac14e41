/*-------------------------------------------------------------------------
 *
 * doorbell.h
 *	  Listens for the doorbell.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DOORBELL_H
#define HERALD_DOORBELL_H

#include <stdbool.h>

typedef struct Doorbell Doorbell;

/*
 * Listens on a connection of its own, which runs no other query and is never in
 * a transaction.  Calls rung() for a ring, and once whenever it begins to
 * listen: what rang before is not known.
 */
extern Doorbell *doorbell_open(const char *conninfo, long limit, void (*rung)(void *context), void *context);
extern bool doorbell_is_listening(const Doorbell *doorbell);
extern void doorbell_close(Doorbell *doorbell);

#endif /* HERALD_DOORBELL_H */
