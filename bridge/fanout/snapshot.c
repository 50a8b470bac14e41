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
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Reads the number behind a separator, and moves on; returns false if there is none. */
static bool
read_behind(char separator, const char **at, uint64_t *number)
{
	char *end;

	if (**at != separator || !isdigit((unsigned char) (*at)[1]))
		return false;
	*number = strtoull(*at + 1, &end, 10);
	*at = end;
	return true;
}

/* The text is xmin:xmax:xip_list.  Of a malformed text, the rest is left out: the snapshot sees fewer transactions. */
Snapshot *
snapshot_parse(const char *text)
{
	Snapshot *snapshot = memory_new(sizeof(Snapshot) + sizeof(uint64_t) * (strlen(text) / 2 + 1));
	const char *at = text + strspn(text, "0123456789");
	char separator = ':';

	snapshot->references = 1;
	read_behind(separator, &at, &snapshot->xmax);
	while (read_behind(separator, &at, &snapshot->in_progress[snapshot->count]))
	{
		snapshot->count++;
		separator = ',';
	}
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
