/*-------------------------------------------------------------------------
 *
 * relation_change.c
 *	  Tells several caches that a relation has changed.
 *
 * A backend has ten places for callbacks of the relcache, which PostgreSQL itself and all
 * extensions share.  This module takes one for all caches of pg_herald.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/inval.h"

#include "relation_change.h"

#define MOST_FUNCTIONS 8

static RelationChange functions[MOST_FUNCTIONS];
static int function_count;

static void
on_relcache_change(Datum argument, Oid relation)
{
	for (int i = 0; i < function_count; i++)
		functions[i](relation);
}

void
relation_change_register(RelationChange function)
{
	Assert(function_count < MOST_FUNCTIONS);
	if (function_count == 0)
		CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
	functions[function_count++] = function;
}
