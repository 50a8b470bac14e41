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
extern char *herald_databases;
extern int herald_recovery_window;

/*
 * Defines the settings.  herald.databases exists only where the library is
 * preloaded: without shared memory nobody could start its workers.
 */
extern void herald_settings_define(bool preloading);

#endif /* HERALD_SETTINGS_H */
