/*-------------------------------------------------------------------------
 *
 * database_command.h
 *	  Makes a worker leave its database for commands that need it for themselves.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DATABASE_COMMAND_H
#define HERALD_DATABASE_COMMAND_H

/* Registers the hook; while the library is preloaded only. */
extern void database_command_init(void);

#endif /* HERALD_DATABASE_COMMAND_H */
