/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  The background worker of a database: rings for all its writers, and does
 *	  what must not be done in their transactions.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_WORKER_H
#define HERALD_WORKER_H

#include "postgres.h"

/* Registers a worker for each database in herald.databases; at preload only. */
extern void worker_register_all(void);

#endif /* HERALD_WORKER_H */
