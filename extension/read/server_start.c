/*-------------------------------------------------------------------------
 *
 * server_start.c
 *	  Identifies this database and this start of its server, and looks up where
 *	  recorded starts began.
 *
 * Every start of the server has a row in herald_internal.server_start: the first
 * transaction id that its events can have, and the WAL position where it began.
 * herald_internal.record_server_start() writes it, once, and makes it durable before it is used.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/pg_lsn.h"

#include "query.h"
#include "read/server_start.h"

static SavedQuery record_start = {
	.name = "the record of the server's start",
	.text = "SELECT s.id, s.fresh, l.id FROM herald_internal.record_server_start() AS s, herald_internal.log_identity AS l",
};

/* Not read-only: it must see the record that this very statement may have made. */
static SavedQuery find_start = {
	.name = "the query for a start of the server",
	.text = "SELECT EXISTS (SELECT FROM herald_internal.server_start WHERE id = $1),"
			" s.first_xid, s.begins_at"
			" FROM (SELECT) AS one LEFT JOIN (SELECT * FROM herald_internal.server_start WHERE id > $1 ORDER BY id LIMIT 1) AS s ON true",
	.nargs = 1,
	.argtypes = { INT8OID },
	.cursor_options = CURSOR_OPT_GENERIC_PLAN,
};

/* This start, as this backend knows it. */
static struct
{
	int64 id;  /* 0: not known */
	int32 log; /* the identity of the log */
	Oid table; /* the herald_internal.server_start that has its record: another after the extension was created anew */
} this_start;

uint32
server_start_database_hash(void)
{
	Assert(OidIsValid(this_start.table));
	return (uint32) this_start.log ^ (MyDatabaseId * 2654435761u);
}

int64
server_start_current(void)
{
	Oid table = query_own_table("server_start");
	bool isnull;
	bool fresh;
	int64 id;

	Assert(OidIsValid(table));
	if (this_start.id != 0 && this_start.table == table)
		return this_start.id;
	query_run(&record_start, 1, NULL, NULL);
	id = DatumGetInt64(query_value(0, 1, &isnull));
	fresh = DatumGetBool(query_value(0, 2, &isnull));
	this_start.log = DatumGetInt32(query_value(0, 3, &isnull));
	this_start.id = fresh ? 0 : id;
	this_start.table = table;
	Assert(id > 0);
	return id;
}

void
server_start_forget(void)
{
	this_start.id = 0;
}

void
server_start_find(ServerStart *start, int64 id)
{
	Datum argument = Int64GetDatum(id);
	bool isnull;
	Datum xid;
	Datum lsn;

	if (start->id == id && id != 0)
		return;
	start->id = id;
	/* No start is recorded after the present one. */
	if (id == this_start.id)
	{
		start->known = start->newest = true;
		start->next_xid = 0;
		start->next_begin_lsn = PG_UINT64_MAX;
		return;
	}
	query_run(&find_start, 1, &argument, NULL);
	start->known = DatumGetBool(query_value(0, 1, &isnull));
	xid = query_value(0, 2, &start->newest);
	lsn = query_value(0, 3, &isnull);
	start->next_xid = start->newest ? 0 : DatumGetUInt64(xid);
	start->next_begin_lsn = start->newest ? PG_UINT64_MAX : DatumGetLSN(lsn);
}
