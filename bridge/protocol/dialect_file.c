/*-------------------------------------------------------------------------
 *
 * dialect_file.c
 *	  The file of a dialect: what may be in it, and where it is found.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/dialect_file.h"

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/timer.h"
#include "protocol/template.h"

#define HOUR_MS 3600000

/* A place in a file, by the key that it has; the outermost one has the file's path. */
typedef struct Spot
{
	const struct Spot *above;
	const char *key;
} Spot;

/* What a value must be: all that is not zero here. */
typedef struct Shape
{
	bool (*check)(const Spot *spot, const json_t *value);
	bool may_be_list;			  /* of such values */
	const struct Shape *each;	  /* an object, and so is each of its members */
	const struct Member *members; /* an object with these keys and no others */
} Shape;

typedef struct Member
{
	const char *key; /* NULL: the end of a list */
	const Shape *shape;
} Member;

static void
print_spot(const Spot *spot)
{
	if (spot->above == NULL)
		fprintf(stderr, "herald-bridge: %s", spot->key);
	else
	{
		print_spot(spot->above);
		fprintf(stderr, "%s%s", spot->above->above ? " > " : ": ", spot->key);
	}
}

/* Always false, for the caller to return. */
static bool __attribute__((format(printf, 2, 3)))
complain(const Spot *spot, const char *format, ...)
{
	va_list arguments;

	print_spot(spot);
	fputs(": ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return false;
}

static bool
is_text(const Spot *spot, const json_t *value)
{
	return json_string_length(value) > 0 || complain(spot, "must be a text");
}

static bool
is_template(const Spot *spot, const json_t *value)
{
	const char *mistake = template_mistake(value);

	return mistake == NULL || complain(spot, "\"%s\": braces are for places: \"{path}\", \"{path:number}\"", mistake);
}

static bool
is_text_template(const Spot *spot, const json_t *value)
{
	return is_text(spot, value) && is_template(spot, value);
}

/* The key is the path where it must be. */
static bool
is_constant(const Spot *spot, const json_t *value)
{
	if (strpbrk(spot->key, "{}:") != NULL)
		return complain(spot, "a path has no braces and no colon");
	return (!json_is_object(value) && !json_is_array(value)) || complain(spot, "must be a text, a number, true, false or null");
}

/* The key is the name of an event or action, or the start of names. */
static bool
is_for_names(const Spot *spot, const json_t *value)
{
	const char *star = strchr(spot->key, '*');

	(void) value;
	if (spot->key[0] == '\0')
		return complain(spot, "the name is empty");
	return star == NULL || star[1] == '\0' || complain(spot, "* stands for the rest of a name: nothing can follow");
}

/* In milliseconds; a tick of the timers at least, so that events are conflated. */
static bool
is_interval(const Spot *spot, const json_t *value)
{
	json_int_t interval = json_integer_value(value);

	return (interval >= TIMER_TICK_MS && interval <= HOUR_MS) ||
		   complain(spot, "must be a whole number of milliseconds, from %d to %d", TIMER_TICK_MS, HOUR_MS);
}

static bool
is_batch(const Spot *spot, const json_t *value)
{
	return json_object_get(value, "every") != NULL || complain(spot, "\"every\" is missing");
}

static bool
is_object_template(const Spot *spot, const json_t *value)
{
	return (json_is_object(value) || complain(spot, "must be an object")) && is_template(spot, value);
}

static bool
is_conflation(const Spot *spot, const json_t *value)
{
	return json_object_size(value) == 3 || complain(spot, "needs \"into\", \"by\" and \"as\"");
}

/* The event of a rule, or of each rule of a list, goes into a batch that is there, if any. */
static bool
has_its_batch(const Spot *spot, const json_t *rule, const json_t *batches)
{
	const char *into = json_string_value(json_object_get(json_object_get(rule, "conflate"), "into"));
	size_t i;
	json_t *one;

	json_array_foreach(rule, i, one)
	{
		if (!has_its_batch(spot, one, batches))
			return false;
	}
	return into == NULL || json_object_get(batches, into) != NULL ||
		   complain(spot, "\"%s\" is not among the \"batches\" of the namespace", into);
}

static bool
has_its_batches(const Spot *spot, const json_t *namespace)
{
	Spot events = { spot, "events" };
	const char *name;
	json_t *rule;

	json_object_foreach(json_object_get(namespace, "events"), name, rule)
	{
		Spot here = { &events, name };

		if (!has_its_batch(&here, rule, json_object_get(namespace, "batches")))
			return false;
	}
	return true;
}

/* The key goes into packets as it is. */
static bool
is_namespace(const Spot *spot, const json_t *value)
{
	if (spot->key[0] != '/' || strpbrk(spot->key, ",?\"\\") != NULL)
		return complain(spot, "a namespace begins with / and has no comma, question mark, quote or backslash");
	return has_its_batches(spot, value);
}

static bool
is_dialect(const Spot *spot, const json_t *value)
{
	return json_object_size(json_object_get(value, "namespaces")) > 0 || complain(spot, "there are no namespaces");
}

static const Shape text = { .check = is_text };
static const Shape template = { .check = is_template };
static const Shape text_template = { .check = is_text_template };
static const Shape constant = { .check = is_constant };
static const Shape condition = { .each = &constant };
static const Shape object_template = { .check = is_object_template };
static const Member conflation_members[] = { { "into", &text }, { "by", &text_template }, { "as", &object_template }, { NULL, NULL } };
static const Shape conflation = { .check = is_conflation, .members = conflation_members };
static const Member event_members[] = {
	{ "when", &condition }, { "name", &text_template }, { "to", &template }, { "conflate", &conflation }, { NULL, NULL }
};
static const Shape event = { .check = is_for_names, .may_be_list = true, .members = event_members };
static const Shape events = { .each = &event };
static const Member action_members[] = { { "action", &text }, { "data", &template }, { "ack", &template }, { NULL, NULL } };
static const Shape action = { .check = is_for_names, .members = action_members };
static const Shape actions = { .each = &action };
static const Member failed_members[] = { { "name", &text_template }, { "to", &template }, { NULL, NULL } };
static const Shape failed = { .members = failed_members };
static const Shape interval = { .check = is_interval };
static const Member batch_members[] = { { "every", &interval }, { "to", &template }, { NULL, NULL } };
static const Shape batch = { .check = is_batch, .members = batch_members };
static const Shape batches = { .each = &batch };
static const Member namespace_members[] = {
	{ "events", &events }, { "batches", &batches }, { "actions", &actions }, { "failed", &failed }, { NULL, NULL }
};
static const Shape namespace = { .check = is_namespace, .members = namespace_members };
static const Shape namespaces = { .each = &namespace };
static const Member dialect_members[] = { { "about", &text }, { "namespaces", &namespaces }, { NULL, NULL } };
static const Shape dialect = { .check = is_dialect, .members = dialect_members };

static const Shape *
find_member(const Member *members, const char *key)
{
	while (members->key != NULL && strcmp(members->key, key) != 0)
		members++;
	return members->shape;
}

static bool has_shape(const Spot *spot, const json_t *value, const Shape *shape);

static bool
members_have_shape(const Spot *spot, const json_t *value, const Shape *shape)
{
	const char *key;
	json_t *member;

	if (!json_is_object(value))
		return complain(spot, "must be an object");
	json_object_foreach((json_t *) value, key, member)
	{
		const Shape *wanted = shape->each ? shape->each : find_member(shape->members, key);
		Spot here = { spot, key };

		if (wanted == NULL)
			return complain(&here, "there is no such key");
		if (!has_shape(&here, member, wanted))
			return false;
	}
	return true;
}

static bool
has_shape(const Spot *spot, const json_t *value, const Shape *shape)
{
	json_t *element;
	size_t i;

	if (shape->may_be_list && json_is_array(value))
	{
		json_array_foreach(value, i, element)
		{
			if (!has_shape(spot, element, shape))
				return false;
		}
		return true;
	}
	if ((shape->each != NULL || shape->members != NULL) && !members_have_shape(spot, value, shape))
		return false;
	return shape->check == NULL || shape->check(spot, value);
}

json_t *
dialect_file_read(const char *path)
{
	json_error_t error;
	json_t *value = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	Spot file = { NULL, path };

	if (value != NULL && has_shape(&file, value, &dialect))
		return value;
	if (value == NULL && error.line > 0)
		fprintf(stderr, "herald-bridge: %s:%d: %s\n", path, error.line, error.text);
	else if (value == NULL)
		fprintf(stderr, "herald-bridge: dialect: %s\n", error.text);
	json_decref(value);
	return NULL;
}

/*
 * An installed dialect is found from where the program is: in the tree that
 * "make" has built, or that "make install" has.
 */
static char *
installed_path(const char *name)
{
	static const char *const folders[] = { "dialects", "../share/pg_herald/dialects" };
	char program[PATH_MAX] = "/";
	char *path = NULL;

	if (readlink("/proc/self/exe", program, sizeof(program) - 1) > 0)
		*strrchr(program, '/') = '\0';
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
	{
		free(path);
		path = memory_format("%s/%s/%s.json", program, folders[i], name);
		if (access(path, F_OK) == 0)
			break;
	}
	return path;
}

char *
dialect_file_path(const char *setting)
{
	size_t length = strlen(setting);
	bool is_path = strchr(setting, '/') != NULL || (length > 5 && strcmp(setting + length - 5, ".json") == 0);

	return is_path ? memory_copy(setting) : installed_path(setting);
}
