/*-------------------------------------------------------------------------
 *
 * template.c
 *	  Fills JSON templates: JSON with placeholders in its strings.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/template.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define AS_NUMBER ":number}"

/* Returns whether each brace is one of "{path}" or "{path:number}". */
static bool
has_valid_braces(const char *text)
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
		return has_valid_braces(json_string_value(template)) ? NULL : json_string_value(template);
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

/* Follows one path, up to the end of the text or the next bar, colon or brace. */
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

/* Returns the text of a value within a longer string, or NULL.  The caller frees it. */
static char *
value_text(const json_t *value)
{
	if (json_is_string(value))
		return memory_copy(json_string_value(value));
	return json_is_number(value) || json_is_boolean(value) ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
}

/*
 * Appends the next piece of a text, up to and with its next placeholder.  Returns false if the
 * placeholder has no text; *filled is then NULL.
 */
static bool
append_piece(char **filled, const char **text, json_t *source)
{
	size_t length = strcspn(*text, "{");
	const char *brace = *text + length;
	char *value = *brace ? value_text(template_look_up(brace + 1, source)) : memory_copy("");
	char *longer = value ? memory_format("%s%.*s%s", *filled, (int) length, *text, value) : NULL;

	free(*filled);
	free(value);
	*filled = longer;
	*text = *brace ? strchr(brace, '}') + 1 : brace;
	return longer != NULL;
}

static json_t *
fill_text(const char *text, json_t *source)
{
	char *filled = memory_copy("");
	json_t *string;

	while (*text != '\0' && append_piece(&filled, &text, source))
		;
	string = filled ? json_string(filled) : json_null();
	free(filled);
	return string;
}

/* Returns the number for a string of digits, and any other value unchanged; a new reference. */
static json_t *
to_number(json_t *value)
{
	json_t *number = json_is_string(value) ? json_loads(json_string_value(value), JSON_DECODE_ANY, NULL) : NULL;

	if (json_is_integer(number))
		return number;
	json_decref(number);
	return json_incref(value);
}

/* Returns the value for a string that is one placeholder. */
static json_t *
fill_placeholder(const char *text, json_t *source)
{
	json_t *value = template_look_up(text + 1, source);

	if (value == NULL)
		return json_null();
	return strstr(text, AS_NUMBER) != NULL ? to_number(value) : json_incref(value);
}

static bool
is_placeholder(const char *text)
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

	assert(template != NULL);
	if (text != NULL)
		return is_placeholder(text) ? fill_placeholder(text, source) : fill_text(text, source);
	if (json_is_array(template))
		return fill_array(template, source);
	if (json_is_object(template))
		return fill_object(template, source);
	return json_incref((json_t *) template);
}
