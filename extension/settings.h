/*-------------------------------------------------------------------------
 *
 * settings.h
 *	  All settings of the extension.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SETTINGS_H
#define HERALD_SETTINGS_H

#include "postgres.h"

extern bool herald_enabled;
extern bool herald_group_inbox;
extern char *herald_databases;	   /* a list of names; only the launcher uses it */
extern int herald_recovery_window; /* seconds */
extern bool herald_verify_lookups; /* query_rows.c; can be set in builds with assertions only */

/*
 * Defines the settings, when the library is loaded.  herald.databases takes effect
 * where the library is preloaded.  Elsewhere it exists as well, so that ALTER
 * SYSTEM can set it before the restart that preloads the library.
 */
extern void herald_settings_define(void);

#endif /* HERALD_SETTINGS_H */
