/*-------------------------------------------------------------------------
 *
 * wal.h
 *	  How much of the WAL cannot be lost, and where this server's comes from.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_WAL_H
#define HERALD_WAL_H

#include "postgres.h"

/*
 * The end of what is on disk, or where commits wait for a standby of what that
 * one has: all commits that are visible now are before it, but those that did
 * not wait.
 */
extern uint64 wal_kept(void);

#endif /* HERALD_WAL_H */
