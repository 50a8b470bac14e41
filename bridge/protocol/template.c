/*-------------------------------------------------------------------------
 *
 * template.c
 *	  JSON with places that are filled from other JSON.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/template.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define AS_NUMBER ":number}"

/* Is each brace one of a "{path}" or "{path:number}"? */
static bool
is_good_text(const char *text)
{
	for (text += strcspn(text, "{}"); *text == '{'; text += strcspn(text, "{}"))
	{
		size_t length = strcspn(++text, "{}:");

		if (length == 0 || (text[length] == ':' && strncmp(text + length, AS_NUMBER, strlen(AS_NUMBER)) != 0))
			return false;
		text += strcspn(text, "{}");
		if (*text++ != '}')
			return false;
	}
	return *text == '\0';
}

const char *
template_mistake(const json_t *template)
{
	const char *mistake = NULL;
	const char *key;
	json_t *part;
	size_t i;

	if (json_is_string(template))
		return is_good_text(json_string_value(template)) ? NULL : json_string_value(template);
	json_array_foreach(template, i, part)
	{
		mistake = mistake ? mistake : template_mistake(part);
	}
	json_object_foreach((json_t *) template, key, part)
	{
		mistake = mistake ? mistake : template_mistake(part);
	}
	return mistake;
}

static json_t *
member_of(json_t *source, const char *name, size_t length)
{
	char *key = memory_copy_bytes(name, length);
	json_t *found = NULL;

	if (json_is_object(source))
		found = json_object_get(source, key);
	else if (strspn(key, "0123456789") == length && length > 0)
		found = json_array_get(source, strtoul(key, NULL, 10));
	free(key);
	return found;
}

/* Follows one path; it ends with its text, or before the bar, colon or brace behind it. */
static json_t *
follow(const char *path, json_t *source)
{
	size_t length;

	if (*path == '.')
		return source;
	for (;;)
	{
		length = strcspn(path, ".|:}");
		source = member_of(source, path, length);
		if (source == NULL || path[length] != '.')
			return source;
		path += length + 1;
	}
}

json_t *
template_look_up(const char *path, json_t *source)
{
	for (;;)
	{
		json_t *found = follow(path, source);

		path += strcspn(path, "|:}");
		if (*path != '|' || (found != NULL && !json_is_null(found)))
			return found;
		path++;
	}
}

/* A value in the middle of a text, or NULL; the caller frees it. */
static char *
text_of(const json_t *value)
{
	if (json_is_string(value))
		return memory_copy(json_string_value(value));
	return json_is_number(value) || json_is_boolean(value) ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
}

/* Adds what comes next of a text, up to the next place; false: that place cannot be filled. */
static bool
add_place(char **filled, const char **text, json_t *source)
{
	size_t length = strcspn(*text, "{");
	const char *place = *text + length;
	char *value = *place ? text_of(template_look_up(place + 1, source)) : memory_copy("");
	char *longer = value ? memory_format("%s%.*s%s", *filled, (int) length, *text, value) : NULL;

	free(*filled);
	free(value);
	*filled = longer;
	*text = *place ? strchr(place, '}') + 1 : place;
	return longer != NULL;
}

static json_t *
fill_text(const char *text, json_t *source)
{
	char *filled = memory_copy("");
	json_t *string;

	while (*text != '\0' && add_place(&filled, &text, source))
		;
	string = filled ? json_string(filled) : json_null();
	free(filled);
	return string;
}

/* A text of digits as a number; whatever else as it is. */
static json_t *
as_number(json_t *value)
{
	json_t *number = json_is_string(value) ? json_loads(json_string_value(value), JSON_DECODE_ANY, NULL) : NULL;

	if (json_is_integer(number))
		return number;
	json_decref(number);
	return json_incref(value);
}

/* The value at the only place of a text. */
static json_t *
fill_place(const char *text, json_t *source)
{
	json_t *value = template_look_up(text + 1, source);

	if (value == NULL)
		return json_null();
	return strstr(text, AS_NUMBER) != NULL ? as_number(value) : json_incref(value);
}

static bool
is_place(const char *text)
{
	return *text == '{' && strchr(text, '}')[1] == '\0';
}

static json_t *
fill_array(const json_t *template, json_t *source)
{
	json_t *filled = json_array();
	json_t *part;
	size_t i;

	json_array_foreach(template, i, part)
	{
		json_array_append_new(filled, template_fill(part, source));
	}
	return filled;
}

static json_t *
fill_object(const json_t *template, json_t *source)
{
	json_t *filled = json_object();
	const char *key;
	json_t *part;

	json_object_foreach((json_t *) template, key, part)
	{
		json_object_set_new(filled, key, template_fill(part, source));
	}
	return filled;
}

json_t *
template_fill(const json_t *template, json_t *source)
{
	const char *text = json_string_value(template);

	if (text != NULL)
		return is_place(text) ? fill_place(text, source) : fill_text(text, source);
	if (json_is_array(template))
		return fill_array(template, source);
	if (json_is_object(template))
		return fill_object(template, source);
	return json_incref((json_t *) template);
}
