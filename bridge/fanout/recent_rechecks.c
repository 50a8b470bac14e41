/*-------------------------------------------------------------------------
 *
 * recent_rechecks.c
 *	  Remembers the latest rechecks that the reader has delivered, each with a number.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/recent_rechecks.h"

#include <stddef.h>

static struct
{
	Recheck *ring[RECENT_RECHECKS]; /* each at its number, modulo the size */
	uint64_t next;
} recent;

static void
put(Recheck *recheck)
{
	Recheck **slot = &recent.ring[recent.next++ % RECENT_RECHECKS];

	recheck_free(*slot);
	*slot = recheck;
}

void
recent_rechecks_add(const Recheck *recheck)
{
	put(recheck_new(recheck->xid, recheck->user, recheck->room));
}

/* Nobody finds a number from before these. */
void
recent_rechecks_forget(void)
{
	for (int i = 0; i <= RECENT_RECHECKS; i++)
		put(NULL);
}

uint64_t
recent_rechecks_next(void)
{
	return recent.next;
}

bool
recent_rechecks_any(uint64_t from, bool (*concerns)(const Recheck *recheck, const void *context), const void *context)
{
	if (recent.next - from > RECENT_RECHECKS)
		return true;
	for (uint64_t number = from; number < recent.next; number++)
	{
		const Recheck *recheck = recent.ring[number % RECENT_RECHECKS];

		if (recheck != NULL && concerns(recheck, context))
			return true;
	}
	return false;
}
