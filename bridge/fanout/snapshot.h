/*-------------------------------------------------------------------------
 *
 * snapshot.h
 *	  A snapshot of PostgreSQL: the transactions that had ended at one moment.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SNAPSHOT_H
#define HERALD_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

/* Immutable; freed with its last reference. */
typedef struct Snapshot
{
	int references;
	int count; /* of the transactions in progress */
	uint64_t xmax;
	uint64_t in_progress[];
} Snapshot;

/* Returns the snapshot of a text of the type pg_snapshot, with one reference, of the caller. */
extern Snapshot *snapshot_parse(const char *text);

/* Adds a reference, and gives one up; NULL is allowed. */
extern Snapshot *snapshot_ref(Snapshot *snapshot);
extern void snapshot_unref(Snapshot *snapshot);

/* Returns whether a transaction had ended. */
extern bool snapshot_sees(const Snapshot *snapshot, uint64_t xid);

#endif /* HERALD_SNAPSHOT_H */
