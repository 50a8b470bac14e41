/*-------------------------------------------------------------------------
 *
 * durable_lsn.h
 *	  How much of the WAL cannot be lost, and where this server's comes from.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DURABLE_LSN_H
#define HERALD_DURABLE_LSN_H

#include "postgres.h"

/*
 * The end of what is on disk, or where commits wait for a standby of what that
 * one has: all commits that are visible now are before it, but those that did
 * not wait.
 */
extern uint64 durable_lsn(void);

#endif /* HERALD_DURABLE_LSN_H */
