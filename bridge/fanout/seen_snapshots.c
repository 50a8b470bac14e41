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

#include "base/memory.h"
#include "fanout/snapshot.h"

typedef struct SeenSnapshot
{
	Snapshot *snapshot;
	int64_t last_id;
} SeenSnapshot;

struct SeenSnapshots
{
	int count;
	int capacity;
	SeenSnapshot snapshots[];
};

SeenSnapshots *
seen_snapshots_new(int count)
{
	SeenSnapshots *seen = memory_new(sizeof(SeenSnapshots) + sizeof(SeenSnapshot) * (size_t) count);

	seen->capacity = count;
	return seen;
}

void
seen_snapshots_free(SeenSnapshots *seen)
{
	for (int i = 0; seen != NULL && i < seen->count; i++)
		snapshot_unref(seen->snapshots[i].snapshot);
	free(seen);
}

void
seen_snapshots_add(SeenSnapshots *seen, const char *text, int64_t last_id)
{
	assert(seen->count < seen->capacity);
	seen->snapshots[seen->count++] = (SeenSnapshot){ snapshot_parse(text), last_id };
}

bool
seen_snapshots_has(const SeenSnapshots *seen, const Event *event)
{
	for (int i = 0; i < seen->count; i++)
	{
		const SeenSnapshot *one = &seen->snapshots[i];

		if (event->number <= one->last_id && snapshot_sees(one->snapshot, event->xid))
			return true;
	}
	return false;
}
