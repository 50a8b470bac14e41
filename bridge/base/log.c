/*-------------------------------------------------------------------------
 *
 * log.c
 *	  Logs one line per event to standard error, as key=value or JSON.
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

/* A client chooses some values, such as its position; those that we write may be longer. */
#define MAX_CLIENT_VALUE 200
#define MAX_OWN_VALUE 2000

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
log_open(void)
{
	static char line[16384];

	setvbuf(stderr, line, _IOLBF, sizeof(line));
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

/* Writes the time of day in UTC, as ISO 8601 with milliseconds. */
static void
write_time(char *text, size_t size)
{
	struct timespec now;
	struct tm utc;
	size_t length;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + length, size - length, ".%03dZ", (int) (now.tv_nsec / 1000000));
}

/* Reasons come from the database, or from us.  A message of the database may have words of a client. */
static bool
is_own_value(const char *key)
{
	return strcmp(key, "reason") == 0 || strcmp(key, "hint") == 0 || strcmp(key, "changed") == 0;
}

/* Returns the value of a field: cut if it is too long, or its length if it is not UTF-8. */
static json_t *
field_value(const char *key, const char *text)
{
	size_t length = strlen(text);
	size_t most = is_own_value(key) ? MAX_OWN_VALUE : MAX_CLIENT_VALUE;
	size_t kept = length < most ? length : most;
	json_t *value;
	json_t *cut;

	while (kept < length && ((unsigned char) text[kept] & 0xC0) == 0x80)
		kept--; /* not within a character */
	value = json_stringn(text, kept);
	if (value == NULL)
		return json_sprintf("%zu bytes", length);
	if (kept == length)
		return value;
	cut = json_sprintf("%s... (%zu bytes)", json_string_value(value), length);
	json_decref(value);
	return cut;
}

/* Collects the fields in their order. */
static json_t *
collect(LogLevel level, const char *event, va_list pairs)
{
	char time[32];
	json_t *fields;
	const char *key;

	write_time(time, sizeof(time));
	fields = json_pack("{s:s, s:s, s:s}", "time", time, "level", level_names[level], "event", event);
	while ((key = va_arg(pairs, const char *)) != NULL)
	{
		const char *value = va_arg(pairs, const char *);

		if (value != NULL)
			json_object_set_new(fields, key, field_value(key, value));
	}
	return fields;
}

/* C1 control characters, which a terminal may obey, are C2 80 to C2 9F in UTF-8. */
static bool
has_c1(const char *text)
{
	for (const char *at = strchr(text, '\xC2'); at != NULL; at = strchr(at + 1, '\xC2'))
	{
		if ((unsigned char) at[1] < 0xA0)
			return true;
	}
	return false;
}

/* Returns whether a value needs no quotes: it has no blank, no control character and none of the format's own. */
static bool
is_plain(const char *text)
{
	for (const char *at = text; *at != '\0'; at++)
	{
		if ((unsigned char) *at <= ' ' || *at == 0x7F || strchr("\"=\\", *at) != NULL)
			return false;
	}
	return text[0] != '\0' && !has_c1(text);
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
		bool plain = is_plain(text);
		size_t flags = JSON_ENCODE_ANY | (has_c1(text) ? JSON_ENSURE_ASCII : 0);
		char *quoted = plain ? NULL : json_dumps(value, flags);

		fprintf(stderr, "%s%s=%s", separator, key, plain ? text : quoted);
		free(quoted);
		separator = " ";
	}
	fputc('\n', stderr);
}

/* Writes one line, and frees the fields. */
static void
log_write(json_t *fields)
{
	if (log_settings.format == LOG_FORMAT_JSON)
	{
		json_dumpf(fields, stderr, JSON_COMPACT);
		fputc('\n', stderr);
	}
	else
		print_text(fields);
	json_decref(fields);
}

void
log_event(LogLevel level, const char *event, ...)
{
	va_list pairs;

	if (!log_is_on(level))
		return;
	va_start(pairs, event);
	log_write(collect(level, event, pairs));
	va_end(pairs);
}

void
log_event_limited(LogLimit *limit, LogLevel level, const char *event, ...)
{
	struct timespec now;
	va_list pairs;
	json_t *fields;

	if (!log_is_on(level))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (limit->second == now.tv_sec + 1)
	{
		limit->left_out++;
		return;
	}
	va_start(pairs, event);
	fields = collect(level, event, pairs);
	va_end(pairs);
	if (limit->left_out > 0)
		json_object_set_new(fields, "left_out", json_sprintf("%ld", limit->left_out));
	*limit = (LogLimit){ .second = now.tv_sec + 1 };
	log_write(fields);
}
