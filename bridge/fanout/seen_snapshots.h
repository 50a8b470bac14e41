/*-------------------------------------------------------------------------
 *
 * seen_snapshots.h
 *	  What a client has seen of the log, as its position says.
 *
 * A position is exact only to the reader that gave it out: two bridges read in
 * different orders where transactions overlap.  So an event is judged by its
 * transaction: it has been seen if one of the snapshots sees its transaction and
 * its id is not above that one's.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SEEN_SNAPSHOTS_H
#define HERALD_SEEN_SNAPSHOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "fanout/event.h"

typedef struct SeenSnapshots SeenSnapshots;

/* With so many snapshots to come; whoever makes it frees it. */
extern SeenSnapshots *seen_snapshots_new(int count);
extern void seen_snapshots_free(SeenSnapshots *seen);

/* Adds a snapshot, a text of the type pg_snapshot, with its id. */
extern void seen_snapshots_add(SeenSnapshots *seen, const char *snapshot, int64_t last_id);

extern bool seen_snapshots_has(const SeenSnapshots *seen, const Event *event);

#endif /* HERALD_SEEN_SNAPSHOTS_H */
