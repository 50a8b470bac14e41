/*-------------------------------------------------------------------------
 *
 * recheck.c
 *	  A change of access, after which sessions must be checked again.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/recheck.h"

#include <stdlib.h>

#include "base/memory.h"

Recheck *
recheck_new(uint64_t xid, const char *user, const char *room)
{
	Recheck *recheck = memory_new(sizeof(Recheck));

	*recheck = (Recheck){ xid, memory_copy(user), memory_copy(room) };
	return recheck;
}

void
recheck_free(Recheck *recheck)
{
	if (recheck == NULL)
		return;
	free(recheck->user);
	free(recheck->room);
	free(recheck);
}
