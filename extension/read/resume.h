/*-------------------------------------------------------------------------
 *
 * resume.h
 *	  Judges positions: whether this database can resume from one.
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
 * Returns the position that a datum of type text holds, translated to this start
 * of the server.  Raises HD003 if the text is no position, and HD002 if the
 * position belongs to another database or to WAL that this one has lost.
 */
extern Position resume_at(Datum datum);

/* Raises HD001 unless the event log still holds all events after the snapshot. */
extern void resume_check_age(const LogSnapshot *snapshot);

#endif /* HERALD_RESUME_H */
