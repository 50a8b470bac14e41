/*-------------------------------------------------------------------------
 *
 * snapshot.c
 *	  Reads snapshots of the database.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"
#include "fanout/snapshot.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = fuzz_text(bytes, length);
	Snapshot *snapshot = snapshot_parse(text);

	REQUIRE(snapshot->count >= 0 && (size_t) snapshot->count <= strlen(text));
	REQUIRE(!snapshot_sees(snapshot, snapshot->xmax));
	snapshot_unref(snapshot);
	free(text);
	return 0;
}
