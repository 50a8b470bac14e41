/*-------------------------------------------------------------------------
 *
 * launcher.h
 *	  The background worker that starts a worker for each database in
 *	  herald.databases.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LAUNCHER_H
#define HERALD_LAUNCHER_H

#include "postgres.h"

/* Registers the launcher, except in the servers of pg_upgrade; while the library is preloaded only. */
extern void launcher_register(void);

#endif /* HERALD_LAUNCHER_H */
