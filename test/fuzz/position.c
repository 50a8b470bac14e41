/*-------------------------------------------------------------------------
 *
 * position.c
 *	  Reads positions in the event log, which clients keep as offset or Last-Event-ID and bring back.
 *
 * The bridge passes them on; only the extension reads them.  So this harness holds its files.  An input may be two
 * positions, on a line each.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fake_postgres.h"

#include "read/position.c"
#include "read/snapshot.c"

#include "fuzz.h"

/* Ids of transactions around which a position may change its mind. */
#define MOST_XIDS 64

/* Checks a snapshot's text as pg_snapshot_in() does, which else would fail for all sessions of a query. */
static Datum
take_snapshot(const char *text)
{
	char *at;
	uint64 xmin = strtoull(text, &at, 10);
	uint64 xmax = strtoull(at + 1, &at, 10);
	uint64 last = 0;

	REQUIRE(xmin > 0 && xmin <= xmax && *at == ':');
	for (at++; *at != '\0'; at += *at == ',')
	{
		uint64 xid = strtoull(at, &at, 10);

		REQUIRE(xid >= xmin && xid < xmax && xid >= last);
		last = xid;
	}
	return PointerGetDatum(text);
}

Datum
pg_snapshot_in(FunctionCallInfo call)
{
	return take_snapshot(DatumGetCString(call->args[0].value));
}

Datum
DirectFunctionCall1Coll(PGFunction function, Oid collation, Datum argument)
{
	LOCAL_FCINFO(call, 1);

	(void) collation;
	call->args[0].value = argument;
	return function(call);
}

static void
check_snapshot(const LogSnapshot *snapshot)
{
	REQUIRE(snapshot->xmin > 0 && snapshot->xmin <= snapshot->xmax && snapshot->xmax <= snapshot->next);
	REQUIRE(snapshot->count >= 0 && snapshot->count <= MAX_IN_PROGRESS);
	for (int i = 0; i < snapshot->count; i++)
	{
		REQUIRE(snapshot->in_progress[i] >= snapshot->xmin && snapshot->in_progress[i] < snapshot->xmax);
		REQUIRE(i == 0 || snapshot->in_progress[i] > snapshot->in_progress[i - 1]);
	}
}

/* Collects ids beside the bounds of a position's snapshots. */
static int
collect_xids(const Position *position, uint64 *xids, int count)
{
	for (; position != NULL; position = position->also)
	{
		const LogSnapshot *snapshots[] = { &position->seen, &position->window_end };

		for (int i = 0; i <= position->partial; i++)
		{
			const LogSnapshot *snapshot = snapshots[i];
			const uint64 first = snapshot->count > 0 ? snapshot->in_progress[0] : 1;
			const uint64 bounds[] = { snapshot->xmin, snapshot->xmax, first };

			for (int k = 0; k < 3 && count + 2 <= MOST_XIDS; k++)
			{
				xids[count++] = bounds[k];
				xids[count++] = bounds[k] - 1;
			}
		}
	}
	return count;
}

/* Requires the bounds of a position, and that it stays the same when it is written and read. */
static void
check_position(const Position *position)
{
	char *text = position_text(position);
	Position again;
	Datum snapshots;
	Datum ids;
	int parts = 0;

	for (const Position *part = position; part != NULL; part = part->also)
	{
		check_snapshot(&part->seen);
		if (part->partial)
			check_snapshot(&part->window_end);
		parts++;
	}
	REQUIRE(parts <= MAX_JOINED);
	REQUIRE(position_read(text, &again));
	REQUIRE(strcmp(position_text(&again), text) == 0);
	REQUIRE(position_within(position, &again) && position_within(&again, position));
	position_seen(position, &snapshots, &ids);
	if (position->partial)
	{
		PositionText text_at;

		position_text_begin(&text_at, position);
		REQUIRE(strcmp(VARDATA(DatumGetPointer(position_text_at(&text_at, position->last_id))), text) == 0);
	}
}

/* Requires that a simpler form of a position has read the same, and one before two positions no more than either. */
static void
compare(const Position *a, const Position *b)
{
	Position before = position_before(a, b);
	Position simple;
	uint64 xids[MOST_XIDS];
	int count = collect_xids(b, xids, collect_xids(a, xids, 0));

	check_snapshot(&before.seen);
	REQUIRE(position_read(position_text(a), &simple)); /* simplifying takes the list apart */
	position_simplify(&simple);
	for (int i = 0; i < count; i++)
	{
		for (uint64 offset = 0; offset < 3; offset++)
		{
			int64 id = (int64) ((uint64) a->last_id + offset - 1);

			bool in_a = position_has_read(a, xids[i], id);
			bool in_b = position_has_read(b, xids[i], id);

			REQUIRE(position_has_read(&simple, xids[i], id) == in_a);
			REQUIRE(!position_has_read(&before, xids[i], id) || (in_a && in_b));
			REQUIRE(!position_within(a, b) || !in_a || in_b);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = fuzz_text(bytes, length);
	char *rest = text;
	Position a;
	Position b;

	if (position_read(strsep(&rest, "\n"), &a))
	{
		check_position(&a);
		if (rest == NULL || !position_read(rest, &b))
			b = a;
		compare(&a, &b);
	}
	fake_forget();
	free(text);
	return 0;
}
