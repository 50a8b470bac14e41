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

/* A key: the members of its value, an object, are added to the object around it. */
#define SPREAD "..."

/* A conversion of the value of a placeholder, as in "{path:upper}".  Returns a new reference. */
typedef struct Conversion
{
	const char *end; /* of the placeholder, from its colon */
	json_t *(*convert)(json_t *value);
} Conversion;

static const Conversion *find_conversion(const char *path);

/* Returns whether each brace is one of "{path}" or "{path:conversion}". */
static bool
has_valid_braces(const char *text)
{
	for (text += strcspn(text, "{}"); *text == '{'; text += strcspn(text, "{}"))
	{
		size_t length = strcspn(++text, "{}:");

		if (length == 0 || (text[length] == ':' && find_conversion(text) == NULL))
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
		if (mistake == NULL)
			mistake = has_valid_braces(key) ? template_mistake(part) : key;
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

/* Returns a string with its ASCII letters changed, and any other value unchanged; a new reference. */
static json_t *
change_letters(json_t *value, char first, char last)
{
	char *text = json_is_string(value) ? memory_copy(json_string_value(value)) : NULL;
	json_t *changed;

	if (text == NULL)
		return json_incref(value);
	for (char *c = text; *c != '\0'; c++)
	{
		if (*c >= first && *c <= last)
			*c ^= 'a' ^ 'A';
	}
	changed = json_string(text);
	free(text);
	return changed;
}

static json_t *
to_upper(json_t *value)
{
	return change_letters(value, 'a', 'z');
}

static json_t *
to_lower(json_t *value)
{
	return change_letters(value, 'A', 'Z');
}

/* Returns a value's JSON as a string, and null unchanged; a new reference. */
static json_t *
to_json_text(json_t *value)
{
	char *text = json_is_null(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	json_t *string = text ? json_string(text) : json_incref(value);

	free(text);
	return string;
}

/* Returns a list of one value, and a list and null unchanged; a new reference. */
static json_t *
to_list(json_t *value)
{
	return json_is_array(value) || json_is_null(value) ? json_incref(value) : json_pack("[O]", value);
}

/* Returns the conversion that a placeholder names after its path; NULL: it names none that exists. */
static const Conversion *
find_conversion(const char *path)
{
	static const Conversion conversions[] = {
		{ ":number}", to_number }, { ":upper}", to_upper }, { ":lower}", to_lower }, { ":json}", to_json_text }, { ":list}", to_list }
	};
	const char *end = path + strcspn(path, "{}:");

	for (size_t i = 0; i < sizeof(conversions) / sizeof(*conversions); i++)
	{
		if (strncmp(end, conversions[i].end, strlen(conversions[i].end)) == 0)
			return &conversions[i];
	}
	return NULL;
}

/* Returns the converted value of a placeholder, from after its brace; null if the path does not exist. */
static json_t *
placeholder_value(const char *path, json_t *source)
{
	const Conversion *conversion = find_conversion(path);
	json_t *value = template_look_up(path, source);

	if (value == NULL)
		return json_null();
	return conversion ? conversion->convert(value) : json_incref(value);
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
	json_t *found = *brace ? placeholder_value(brace + 1, source) : json_string("");
	char *value = value_text(found);
	char *longer = value ? memory_format("%s%.*s%s", *filled, (int) length, *text, value) : NULL;

	json_decref(found);
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

/* Adds a member, or nothing if its key becomes null or SPREAD has no object.  Takes over the value. */
static void
add_member(json_t *filled, const char *key, json_t *value, json_t *source)
{
	json_t *filled_key = fill_text(key, source);

	if (strcmp(key, SPREAD) == 0 && json_is_object(value))
		json_object_update(filled, value);
	else if (strcmp(key, SPREAD) != 0 && json_is_string(filled_key))
		json_object_set(filled, json_string_value(filled_key), value);
	json_decref(filled_key);
	json_decref(value);
}

static json_t *
fill_object(const json_t *template, json_t *source)
{
	json_t *filled = json_object();
	const char *key;
	json_t *part;

	json_object_foreach((json_t *) template, key, part)
	{
		add_member(filled, key, template_fill(part, source), source);
	}
	return filled;
}

json_t *
template_fill(const json_t *template, json_t *source)
{
	const char *text = json_string_value(template);

	assert(template != NULL);
	if (text != NULL)
		return is_placeholder(text) ? placeholder_value(text + 1, source) : fill_text(text, source);
	if (json_is_array(template))
		return fill_array(template, source);
	if (json_is_object(template))
		return fill_object(template, source);
	return json_incref((json_t *) template);
}
