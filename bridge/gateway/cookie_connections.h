/*-------------------------------------------------------------------------
 *
 * cookie_connections.h
 *	  The connections by which the bridge asks about session cookies, and what their errors mean.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_COOKIE_CONNECTIONS_H
#define HERALD_COOKIE_CONNECTIONS_H

#include <stdbool.h>

#include "base/config.h"
#include "base/fair_queue.h"
#include "source/database.h"

/* Opens them, and calls connected() whenever one of them is there. */
extern void cookie_connections_start(const Config *config, void (*connected)(void *unused));
extern void cookie_connections_stop(void);

/* Returns whether the database can be reached. */
extern bool cookie_connections_exist(void);

/* Returns a connection that runs nothing; without any, one that fails at once.  NULL: all are busy. */
extern Database *cookie_connections_free(void);

/* Returns the emptiest of the places that an address has in a queue for them; the caller frees it. */
extern char *cookie_connections_place(const FairQueue *queue, const char *address);

/* Returns whether a cookie may have caused an error of the function, by its SQLSTATE; NULL: the connection was lost. */
extern bool cookie_connections_may_blame(const char *sqlstate);

#endif /* HERALD_COOKIE_CONNECTIONS_H */
