/*-------------------------------------------------------------------------
 *
 * doorbell.h
 *	  Listens to the doorbell.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DOORBELL_H
#define HERALD_DOORBELL_H

#include <stdbool.h>

#include "base/config.h"
#include "source/query.h"

/* The channel of NOTIFY, as extension/write/doorbell.h names it. */
#define DOORBELL_CHANNEL "herald"

/* The state of a doorbell that does not ring, and the remedy: in --check, /readyz and the log. */
#define DOORBELL_DEAF "a NOTIFY does not come back: a connection pooler shares backends between transactions"
#define DOORBELL_DEAF_HINT "LISTEN needs a session: connect to the server itself, or set pool_mode = session."

typedef struct Doorbell Doorbell;

typedef struct DoorbellEvents
{
	/* There are events or signals.  Also called when listening begins, because earlier rings are lost. */
	void (*rung)(void);
	/* Runs a NOTIFY on another connection; calls answer() as database_query() does. */
	void (*notify)(const char *sql, QueryAnswer answer, void *context);
} DoorbellEvents;

/*
 * Listens on a connection of its own, which runs only short queries and is never in a
 * transaction.  A query may take "limit" milliseconds.  The caller closes it.
 */
extern Doorbell *doorbell_open(const char *conninfo, long limit, const DoorbellEvents *events);
/* Runs a short query on that connection, as database_query() does. */
extern void doorbell_query(Doorbell *doorbell, const char *sql, int count, const char *const *values,
						   QueryAnswer answer, void *context);
/* Returns whether a NOTIFY came back on the present connection, or the server has refused to send one. */
extern bool doorbell_is_listening(const Doorbell *doorbell);
/* Returns whether the latest NOTIFY of the bridge to itself did not come back. */
extern bool doorbell_is_deaf(const Doorbell *doorbell);
/* Closes the connection and frees the doorbell. */
extern void doorbell_close(Doorbell *doorbell);

#endif /* HERALD_DOORBELL_H */
