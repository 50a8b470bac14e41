/*-------------------------------------------------------------------------
 *
 * seen_snapshots.c
 *	  Decides which events of the log a client has seen, by its position.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/seen_snapshots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

typedef struct Snapshot
{
	uint64_t xmax;
	uint64_t *in_progress;
	int count;
	int64_t last_id;
} Snapshot;

struct SeenSnapshots
{
	int count;
	int capacity;
	Snapshot snapshots[];
};

SeenSnapshots *
seen_snapshots_new(int count)
{
	SeenSnapshots *seen = memory_new(sizeof(SeenSnapshots) + sizeof(Snapshot) * (size_t) count);

	seen->capacity = count;
	return seen;
}

void
seen_snapshots_free(SeenSnapshots *seen)
{
	for (int i = 0; seen != NULL && i < seen->count; i++)
		free(seen->snapshots[i].in_progress);
	free(seen);
}

/* The text is xmin:xmax:xip_list. */
void
seen_snapshots_add(SeenSnapshots *seen, const char *text, int64_t last_id)
{
	Snapshot *snapshot = &seen->snapshots[seen->count++];
	char *at;

	assert(seen->count <= seen->capacity);
	strtoull(text, &at, 10);
	snapshot->xmax = strtoull(at + 1, &at, 10);
	snapshot->in_progress = memory_new(sizeof(uint64_t) * (strlen(at) / 2 + 1));
	snapshot->last_id = last_id;
	while (at[0] != '\0' && at[1] != '\0')
		snapshot->in_progress[snapshot->count++] = strtoull(at + 1, &at, 10);
}

/* Transactions from the snapshot's xmax on, and those in its xip_list, count as in progress. */
static bool
snapshot_sees(const Snapshot *snapshot, const Event *event)
{
	if (event->xid >= snapshot->xmax || event->number > snapshot->last_id)
		return false;
	for (int i = 0; i < snapshot->count; i++)
	{
		if (snapshot->in_progress[i] == event->xid)
			return false;
	}
	return true;
}

bool
seen_snapshots_has(const SeenSnapshots *seen, const Event *event)
{
	for (int i = 0; i < seen->count; i++)
	{
		if (snapshot_sees(&seen->snapshots[i], event))
			return true;
	}
	return false;
}
