/*-------------------------------------------------------------------------
 *
 * server_start.h
 *	  Identifies this database and this start of its server, and looks up where
 *	  recorded starts began.
 *
 * Within a query scope of the extension's owner.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SERVER_START_H
#define HERALD_SERVER_START_H

#include "postgres.h"

/* A recorded start of the server; many positions in a row have the same. */
typedef struct ServerStart
{
	int64 id;			   /* key of herald_internal.server_start; 0: nothing has been looked up */
	bool known;			   /* this database has the record */
	bool newest;		   /* no start is recorded after it */
	uint64 next_xid;	   /* the first transaction id of the start after it; 0: newest */
	uint64 next_begin_lsn; /* the WAL position where the start after it began; the maximum: newest */
} ServerStart;

/* Returns a hash of the log's identity and the database's OID; after server_start_current(). */
extern uint32 server_start_database_hash(void);

/*
 * Returns the id of this start of the server.  The first caller after a start
 * writes the record; this backend remembers the id once the record is committed.
 */
extern int64 server_start_current(void);

/* Makes this backend read the id again: the record may have been rolled back. */
extern void server_start_forget(void);

/* Fills *start from the record with that id; does nothing if *start holds it already. */
extern void server_start_find(ServerStart *start, int64 id);

#endif /* HERALD_SERVER_START_H */
