/*-------------------------------------------------------------------------
 *
 * config_value.c
 *	  Reads the values of settings: numbers with units, and switches.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

typedef struct Unit
{
	const char *name;
	double factor;
} Unit;

static const Unit times[] = { { "", 1 }, { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 } };
static const Unit sizes[] = { { "", 1 }, { "B", 1 }, { "kB", 1024 }, { "MB", 1024 * 1024 }, { "GB", 1024.0 * 1024 * 1024 }, { NULL, 0 } };
static const Unit counts[] = { { "", 1 }, { NULL, 0 } };

static bool
parse_number(const char *text, const Unit *units, long *number)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (end == text || errno != 0 || !(value >= 0 && value < 1e15))
		return false;
	while (isspace((unsigned char) *end))
		end++;
	for (; units->name != NULL; units++)
	{
		if (strcmp(units->name, end) == 0)
			break;
	}
	value *= units->name != NULL ? units->factor : 0;
	if (units->name == NULL || value >= 1e15)
		return false;
	*number = (long) value;
	return true;
}

bool
config_value_count(const char *text, long *value)
{
	return parse_number(text, counts, value);
}

bool
config_value_size(const char *text, long *value)
{
	return parse_number(text, sizes, value);
}

bool
config_value_time(const char *text, long *value)
{
	return parse_number(text, times, value);
}

bool
config_value_switch(const char *text, bool *value)
{
	*value = strcmp(text, "true") == 0 || strcmp(text, "on") == 0 || strcmp(text, "1") == 0;
	return *value || strcmp(text, "false") == 0 || strcmp(text, "off") == 0 || strcmp(text, "0") == 0;
}

void
config_value_text(char **value, const char *text, bool append)
{
	char *old = *value;

	*value = append && old && *old ? memory_format("%s %s", old, text) : memory_copy(text);
	free(old);
}
