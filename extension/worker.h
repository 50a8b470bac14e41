/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  The background worker of a database: rings for all its writers, and runs
 *	  herald.maintain(), which must not run in their transactions.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_WORKER_H
#define HERALD_WORKER_H

#include "postgres.h"

/*
 * Registers a worker for each database in herald.databases; while the library is
 * preloaded only.  Raises an error if the setting is not a list of names.
 */
extern void worker_register_all(void);

#endif /* HERALD_WORKER_H */
