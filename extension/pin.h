/*-------------------------------------------------------------------------
 *
 * pin.h
 *	  Pins the settings that change a text or the meaning of a statement.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PIN_H
#define HERALD_PIN_H

#include "postgres.h"

/* Sets a setting for the current nest of settings. */
extern void pin_setting(const char *name, const char *value);

/* Pins all settings that change a text or the meaning of a statement, for the current nest of settings. */
extern void pin_settings(void);

/* Turns JIT off for the current nest of settings: without statistics the planner overestimates costs, and a query of
 * milliseconds would wait a second for its compilation. */
extern void pin_jit(void);

/* Returns whether pin_settings() pins a setting. */
extern bool pin_includes(const char *name);

#endif /* HERALD_PIN_H */
