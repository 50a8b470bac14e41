/*-------------------------------------------------------------------------
 *
 * relation_change.h
 *	  Tells several caches that a relation has changed.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RELATION_CHANGE_H
#define HERALD_RELATION_CHANGE_H

#include "postgres.h"

/* A function that is called with the relation that has changed; InvalidOid: any may have. */
typedef void (*RelationChange)(Oid relation);

/* Registers a function, which is called whenever a relcache entry becomes invalid.  It must not access the database. */
extern void relation_change_register(RelationChange function);

#endif /* HERALD_RELATION_CHANGE_H */
