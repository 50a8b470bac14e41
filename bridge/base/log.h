/*-------------------------------------------------------------------------
 *
 * log.h
 *	  One line per event to standard error, key=value or JSON.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LOG_H
#define HERALD_LOG_H

#include <stdbool.h>

typedef enum LogLevel
{
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
} LogLevel;

/* Sets what is logged and how; false when the level or format has no such name. */
extern bool log_configure(const char *level, const char *format);
extern bool log_is_on(LogLevel level);

/*
 * Logs one event.  After its name come pairs of key and value, both strings,
 * ended by NULL; a NULL value is left out.  Secrets and tokens are never values.
 */
extern void log_event(LogLevel level, const char *event, ...) __attribute__((sentinel));

#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__, NULL)
#define log_warning(...) log_event(LOG_LEVEL_WARNING, __VA_ARGS__, NULL)
#define log_info(...) log_event(LOG_LEVEL_INFO, __VA_ARGS__, NULL)
#define log_debug(...) \
	do \
	{ \
		if (log_is_on(LOG_LEVEL_DEBUG)) \
			log_event(LOG_LEVEL_DEBUG, __VA_ARGS__, NULL); \
	} while (0)

#endif /* HERALD_LOG_H */
