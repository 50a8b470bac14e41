/*-------------------------------------------------------------------------
 *
 * seen_snapshots.h
 *	  Decides which events of the log a client has seen, by its position.
 *
 * A position is exact only for the reader that gave it out: two bridges read in
 * different orders where transactions overlap.  An event is therefore judged by its
 * transaction.  It has been seen if one of the position's snapshots sees the transaction,
 * and the event's id is not above the last id of that snapshot.
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

/* Returns an object for so many snapshots; the caller frees it. */
extern SeenSnapshots *seen_snapshots_new(int count);
/* Frees it; NULL is allowed. */
extern void seen_snapshots_free(SeenSnapshots *seen);

/*
 * Adds a snapshot, a text of the type pg_snapshot, with its last id; no more of them than seen_snapshots_new()
 * was told.
 */
extern void seen_snapshots_add(SeenSnapshots *seen, const char *snapshot, int64_t last_id);

/* Returns whether one of the snapshots sees the event. */
extern bool seen_snapshots_has(const SeenSnapshots *seen, const Event *event);

#endif /* HERALD_SEEN_SNAPSHOTS_H */
