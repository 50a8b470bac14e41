/*-------------------------------------------------------------------------
 *
 * snapshot.c
 *	  A snapshot of PostgreSQL: the transactions that had ended at one moment.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The text is xmin:xmax:xip_list. */
Snapshot *
snapshot_parse(const char *text)
{
	Snapshot *snapshot = memory_new(sizeof(Snapshot) + sizeof(uint64_t) * (strlen(text) / 2 + 1));
	char *at;

	snapshot->references = 1;
	strtoull(text, &at, 10);
	snapshot->xmax = strtoull(at + 1, &at, 10);
	while (at[0] != '\0' && at[1] != '\0')
		snapshot->in_progress[snapshot->count++] = strtoull(at + 1, &at, 10);
	return memory_resize(snapshot, sizeof(Snapshot) + sizeof(uint64_t) * (size_t) snapshot->count);
}

Snapshot *
snapshot_ref(Snapshot *snapshot)
{
	if (snapshot != NULL)
		snapshot->references++;
	return snapshot;
}

void
snapshot_unref(Snapshot *snapshot)
{
	assert(snapshot == NULL || snapshot->references > 0);
	if (snapshot != NULL && --snapshot->references == 0)
		free(snapshot);
}

/* Transactions from the snapshot's xmax on, and those in its xip_list, count as in progress. */
bool
snapshot_sees(const Snapshot *snapshot, uint64_t xid)
{
	if (xid >= snapshot->xmax)
		return false;
	for (int i = 0; i < snapshot->count; i++)
	{
		if (snapshot->in_progress[i] == xid)
			return false;
	}
	return true;
}
