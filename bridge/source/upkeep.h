/*-------------------------------------------------------------------------
 *
 * upkeep.h
 *	  Asks the database for its status, and maintains the log where no worker does.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_UPKEEP_H
#define HERALD_UPKEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "source/query.h"

/* Starts, and runs its queries by query() whenever is_ready() says that it can. */
extern void upkeep_start(bool (*is_ready)(void),
						 void (*query)(const char *sql, QueryAnswer answer, void *context));

/* Asks for the status over a new connection.  "maintains": the bridge runs herald.maintain(), because no worker does. */
extern void upkeep_connected(bool maintains);

/* Returns the recovery window of the database in milliseconds; 0: it is not known yet. */
extern int64_t upkeep_recovery_window(void);

/* There were events or signals: maintenance may have something to do. */
extern void upkeep_note_activity(void);

/* Stops; no query is sent any more. */
extern void upkeep_stop(void);

#endif /* HERALD_UPKEEP_H */
