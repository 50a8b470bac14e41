/*-------------------------------------------------------------------------
 *
 * log.h
 *	  Logs one line per event to standard error, as key=value or JSON.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LOG_H
#define HERALD_LOG_H

#include <stdbool.h>
#include <stdint.h>

typedef enum LogLevel
{
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
} LogLevel;

typedef enum LogFormat
{
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON
} LogFormat;

typedef struct LogSettings
{
	LogLevel level;
	LogFormat format;
} LogSettings;

/* Reads the names of a level and a format; false when one of them is unknown.  Changes nothing of the log. */
extern bool log_read_settings(const char *level, const char *format, LogSettings *settings);

/*
 * Makes standard error write a line in one system call, and not each of its parts: the call is most of a line's cost.
 * Must be called before anything is written there.
 */
extern void log_open(void);

/* Logs by these settings from now on. */
extern void log_configure(const LogSettings *settings);

/* Returns whether events of this level are logged. */
extern bool log_is_on(LogLevel level);

/*
 * Logs one event.  Pairs of key and value follow its name, all of them strings, ended
 * by NULL; a pair with a NULL value is left out.  Secrets and tokens are never values.
 */
extern void log_event(LogLevel level, const char *event, ...) __attribute__((sentinel));

/*
 * Limits the lines of one kind to one per second.  Zero at first; each kind has its
 * own, and the caller keeps it for the whole process.
 */
typedef struct LogLimit
{
	int64_t second; /* of the latest line, plus one; 0: there was none */
	long left_out;	/* lines since then */
} LogLimit;

/*
 * Logs like log_event(), unless this second has had a line of this kind.  The next line
 * has the number of those left out.
 */
extern void log_event_limited(LogLimit *limit, LogLevel level, const char *event, ...) __attribute__((sentinel));

#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__, NULL)
#define log_warning(...) log_event(LOG_LEVEL_WARNING, __VA_ARGS__, NULL)
#define log_info(...) log_event(LOG_LEVEL_INFO, __VA_ARGS__, NULL)
#define log_limited(limit, level, ...) log_event_limited(limit, level, __VA_ARGS__, NULL)
#define log_debug(...) \
	do \
	{ \
		if (log_is_on(LOG_LEVEL_DEBUG)) \
			log_event(LOG_LEVEL_DEBUG, __VA_ARGS__, NULL); \
	} while (0)

#endif /* HERALD_LOG_H */
