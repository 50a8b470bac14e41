/*-------------------------------------------------------------------------
 *
 * log.c
 *	  One line per event to standard error, key=value or JSON.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/log.h"

#include <assert.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const level_names[] = { "error", "warning", "info", "debug" };
static const char *const format_names[] = { "text", "json" };
static LogSettings log_settings = { LOG_LEVEL_INFO, LOG_FORMAT_TEXT };

/* Returns the index of a name, or -1. */
static int
find_name(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

bool
log_read_settings(const char *level, const char *format, LogSettings *settings)
{
	int found_level = find_name(level_names, LOG_LEVEL_DEBUG + 1, level);
	int found_format = find_name(format_names, LOG_FORMAT_JSON + 1, format);

	if (found_level < 0 || found_format < 0)
		return false;
	*settings = (LogSettings){ found_level, found_format };
	return true;
}

void
log_configure(const LogSettings *settings)
{
	assert(settings->level <= LOG_LEVEL_DEBUG && settings->format <= LOG_FORMAT_JSON);
	log_settings = *settings;
}

bool
log_is_on(LogLevel level)
{
	return level <= log_settings.level;
}

/* The fields in their order; values that are not UTF-8 are told by their length. */
static json_t *
collect(const char *time, LogLevel level, const char *event, va_list pairs)
{
	json_t *fields = json_pack("{s:s, s:s, s:s}", "time", time, "level", level_names[level], "event", event);
	const char *key;

	while ((key = va_arg(pairs, const char *)) != NULL)
	{
		const char *value = va_arg(pairs, const char *);

		if (value != NULL && json_object_set_new(fields, key, json_string(value)) != 0)
			json_object_set_new(fields, key, json_sprintf("%zu bytes", strlen(value)));
	}
	return fields;
}

static void
print_text(json_t *fields)
{
	const char *key;
	json_t *value;
	const char *separator = "";

	json_object_foreach(fields, key, value)
	{
		const char *text = json_string_value(value);
		bool plain = text[0] != '\0' && strpbrk(text, " \"=\\\n\r\t") == NULL;
		char *quoted = plain ? NULL : json_dumps(value, JSON_ENCODE_ANY);

		fprintf(stderr, "%s%s=%s", separator, key, plain ? text : quoted);
		free(quoted);
		separator = " ";
	}
	fputc('\n', stderr);
}

void
log_event(LogLevel level, const char *event, ...)
{
	char time_text[32];
	struct timespec now;
	struct tm utc;
	va_list pairs;
	json_t *fields;

	if (!log_is_on(level))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(time_text, sizeof(time_text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(time_text + strlen(time_text), sizeof(time_text) - strlen(time_text), ".%03dZ", (int) (now.tv_nsec / 1000000));

	va_start(pairs, event);
	fields = collect(time_text, level, event, pairs);
	va_end(pairs);
	if (log_settings.format == LOG_FORMAT_JSON)
	{
		json_dumpf(fields, stderr, JSON_COMPACT);
		fputc('\n', stderr);
	}
	else
		print_text(fields);
	json_decref(fields);
}
