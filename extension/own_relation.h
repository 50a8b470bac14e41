/*-------------------------------------------------------------------------
 *
 * own_relation.h
 *	  Finds the extension's own tables, indexes and sequences by their names.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_OWN_RELATION_H
#define HERALD_OWN_RELATION_H

#include "postgres.h"

#include "storage/block.h"

#include "compat.h"

/* A relation, as the catalog has it. */
typedef struct OwnIdentity
{
	Oid oid; /* InvalidOid: not known */
	Oid owner;
	Oid access_method;
	RelFileLocator file;
} OwnIdentity;

/* A relation of one of the two schemas; it lives as long as the backend. */
typedef struct OwnRelation
{
	struct OwnRelation *next;
	const char *schema;
	const char *name;
	OwnIdentity is;			/* until it changes */
	BlockNumber pages_read; /* without opening it for look-ups (own_table.c) */
} OwnRelation;

/* Registers the function that keeps the identities up to date. */
extern void own_relation_init(void);

/* Return a relation of one of the two schemas, and its OID; it is an error if there is none. */
extern OwnRelation *own_relation(const char *schema, const char *name);
extern Oid own_table_oid(const char *schema, const char *name);

/* Return the role that owns a table, or InvalidOid if there is no such table. */
extern Oid table_owner(Oid table);
extern Oid own_table_owner(const char *schema, const char *name);

#endif /* HERALD_OWN_RELATION_H */
