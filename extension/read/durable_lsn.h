/*-------------------------------------------------------------------------
 *
 * durable_lsn.h
 *	  Tells which part of the WAL cannot be lost, and where this server's timeline
 *	  and WAL began.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DURABLE_LSN_H
#define HERALD_DURABLE_LSN_H

#include "postgres.h"

/*
 * Returns the end of the WAL that is on disk or, if commits wait for a standby, of
 * the WAL that the standby has confirmed.  All commits that are visible now lie
 * before it, except those that did not wait.  Raises an error on a standby.
 */
extern uint64 durable_lsn(void);

#endif /* HERALD_DURABLE_LSN_H */
