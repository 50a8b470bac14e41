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

#include "source/query.h"

/* Starts, and runs its queries by query() whenever is_ready() says that it can. */
extern void upkeep_start(bool (*is_ready)(void),
						 void (*query)(const char *sql, QueryAnswer answer, void *context));

/* Sets whether the bridge runs herald.maintain(), because the database has no worker. */
extern void upkeep_maintain(bool maintains);

/* There were events or signals: maintenance may have something to do. */
extern void upkeep_note_activity(void);

/* Stops; no query is sent any more. */
extern void upkeep_stop(void);

#endif /* HERALD_UPKEEP_H */
