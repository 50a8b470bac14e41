/*-------------------------------------------------------------------------
 *
 * resume.c
 *	  Makes positions of this server and says whether one is still good.
 *
 * After a crash the server hands out transaction ids again that never reached
 * the disk.  Every start of the server has its row in herald.server_start, with
 * the first id that its events can have.  For a position of an earlier start
 * all transactions from there on are unseen.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "query.h"
#include "resume.h"

static SavedQuery note_start = {
	.name = "the record of the server's start",
	.text = "SELECT id, fresh FROM herald.note_start()",
};

/* Not read-only: it must see the record that this very statement may have made. */
static SavedQuery find_start = {
	.name = "the check where a position comes from",
	.text = "SELECT EXISTS (SELECT FROM herald.server_start WHERE id = $1),"
			" (SELECT first_xid FROM herald.server_start WHERE id > $1 ORDER BY id LIMIT 1)",
	.nargs = 1,
	.argtypes = { INT8OID },
	.cursor_options = CURSOR_OPT_GENERIC_PLAN,
};

static SavedQuery check_floor = {
	.name = "the check of a position's age",
	.text = "SELECT herald.precedes_log($1)",
	.nargs = 1,
	.argtypes = { PG_SNAPSHOTOID },
	.cursor_options = CURSOR_OPT_GENERIC_PLAN,
};

/* The start of the server as this backend knows it, by the record in that table; 0: not known yet. */
static int64 known_start = 0;
static Oid known_by = InvalidOid;

/*
 * Which start of the server this is.  The record is made by whoever asks first
 * and believed once it is committed.
 */
static int64
current_start(void)
{
	Oid record = query_own_table("server_start");
	bool isnull;
	int64 found;

	if (known_start != 0 && known_by == record)
		return known_start;
	query_run(&note_start, 1, NULL, NULL);
	found = DatumGetInt64(query_value(0, 1, &isnull));
	known_start = DatumGetBool(query_value(0, 2, &isnull)) ? 0 : found;
	known_by = record;
	return found;
}

static uint32
current_system(void)
{
	uint64 system = GetSystemIdentifier();

	return (uint32) (system >> 32) ^ (uint32) system ^ (MyDatabaseId * 2654435761u);
}

/* The position after everything that had ended at the moment. */
static Position
position_after(Moment moment)
{
	Position position = { 0 };

	position.system = current_system();
	position.start = current_start();
	position.seen = moment;
	position.last_id = -1;
	return position;
}

/* To a position of an earlier start everything since that start is news; one of an unknown start is of no use. */
static void
check_origin(Position *position)
{
	Datum start = Int64GetDatum(position->start);
	bool known;
	bool isnull;
	bool newest;
	Datum first;

	query_run(&find_start, 1, &start, NULL);
	known = DatumGetBool(query_value(0, 1, &isnull));
	first = query_value(0, 2, &newest);
	if (position->system != current_system() || !known)
	{
		known_start = 0; /* its record may have been rolled back */
		ereport(ERROR, (errcode(ERRCODE_HERALD_FOREIGN),
						errmsg("the position comes from another database"),
						errdetail("The database was restored, copied or failed over, or it lost its latest commits."),
						errhint("Start again from herald.current_position() and read the present state.")));
	}
	if (newest)
		return;
	moment_clip(&position->seen, DatumGetUInt64(first));
	moment_clip(&position->window, DatumGetUInt64(first));
}

void
resume_check_age(const Moment *moment)
{
	Datum seen = moment_snapshot(moment);
	bool isnull;

	query_run(&check_floor, 1, &seen, NULL);
	if (DatumGetBool(query_value(0, 1, &isnull)))
		ereport(ERROR, (errcode(ERRCODE_HERALD_TOO_OLD),
						errmsg("the position is older than the event log"),
						errdetail("Events are kept for herald.recovery_window."),
						errhint("Start again from herald.current_position() and read the present state.")));
}

Position
resume_at(Datum argument)
{
	Position position = position_parse(TextDatumGetCString(argument));
	int64 start = current_start();

	check_origin(&position);
	position.start = start;
	return position;
}

PG_FUNCTION_INFO_V1(herald_current_position);

/* herald.current_position(): the place after everything that is visible now. */
Datum
herald_current_position(PG_FUNCTION_ARGS)
{
	Moment now = moment_now();
	QueryScope scope;
	Position position;

	query_begin(&scope, query_extension_owner(), false);
	position = position_after(now);
	query_end(&scope);
	PG_RETURN_TEXT_P(cstring_to_text(position_text(&position)));
}
