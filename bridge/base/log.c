/*-------------------------------------------------------------------------
 *
 * log.c
 *	  One line per event to standard error, key=value or JSON.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/log.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const level_names[] = { "error", "warning", "info", "debug" };
static LogLevel log_level = LOG_LEVEL_INFO;
static bool log_json = false;

bool
log_configure(const char *level, const char *format)
{
	bool known = false;

	for (int i = 0; i <= LOG_LEVEL_DEBUG; i++)
	{
		if (strcmp(level, level_names[i]) == 0)
		{
			log_level = i;
			known = true;
		}
	}
	log_json = strcmp(format, "json") == 0;
	return known && (log_json || strcmp(format, "text") == 0);
}

bool
log_is_on(LogLevel level)
{
	return level <= log_level;
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
	if (log_json)
	{
		json_dumpf(fields, stderr, JSON_COMPACT);
		fputc('\n', stderr);
	}
	else
		print_text(fields);
	json_decref(fields);
}
