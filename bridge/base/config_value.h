/*-------------------------------------------------------------------------
 *
 * config_value.h
 *	  Reads the values of settings: numbers with units, and switches.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CONFIG_VALUE_H
#define HERALD_CONFIG_VALUE_H

#include <stdbool.h>

/* Read a number, bytes (64kB, 1MB), or milliseconds (500ms, 10s, 1min, 1h, 1d).  Return false if the text is none. */
extern bool config_value_count(const char *text, long *value);
extern bool config_value_size(const char *text, long *value);
extern bool config_value_time(const char *text, long *value);

/* Replaces a text by a copy of another, or appends that with a blank between. */
extern void config_value_text(char **value, const char *text, bool append);

/* Reads true, on, 1, false, off or 0.  Returns false if the text is none of them. */
extern bool config_value_switch(const char *text, bool *value);

#endif /* HERALD_CONFIG_VALUE_H */
