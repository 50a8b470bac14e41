/*-------------------------------------------------------------------------
 *
 * cookie_place.h
 *	  Names the places of an address in the queue of questions about session cookies.
 *
 * An address has several users of a fair queue, its places, so that it is asked about several cookies at once.  It has
 * fewer than there are connections: slow cookies of one address leave the last connection to the others.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_COOKIE_PLACE_H
#define HERALD_COOKIE_PLACE_H

#include "base/fair_queue.h"

/* Returns the place with the least work in the queue; NULL: an unknown address.  The caller frees the place. */
extern char *cookie_place_of(const FairQueue *queue, const char *address);

#endif /* HERALD_COOKIE_PLACE_H */
