/*-------------------------------------------------------------------------
 *
 * resume.h
 *	  Makes positions of this server and says whether one is still good.
 *
 * All within a query scope of the extension's owner.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RESUME_H
#define HERALD_RESUME_H

#include "postgres.h"

#include "read/position.h"

/*
 * Reads a position from a text and brings it into terms of this start of the
 * server.  One that comes from elsewhere is an error HD002.
 */
extern Position resume_at(Datum argument);

/* Reports the error HD001 unless all events are still there that came after the snapshot. */
extern void resume_check_age(const LogSnapshot *snapshot);

#endif /* HERALD_RESUME_H */
