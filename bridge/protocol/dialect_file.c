/*-------------------------------------------------------------------------
 *
 * dialect_file.c
 *	  Finds, reads and checks the file of a dialect.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/dialect_file.h"

#include <assert.h>
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

#define MIN_INTERVAL_MS 50
#define MAX_INTERVAL_MS 3600000

/* A place in a file: a key within the place above it.  The outermost one has the file's path as its key. */
typedef struct Location
{
	const struct Location *above;
	const char *key;
} Location;

/* The demands on a value; a member that is zero demands nothing. */
typedef struct Schema
{
	bool (*check)(const Location *location, const json_t *value);
	bool may_be_list;			  /* the value may also be an array of such values */
	const struct Schema *each;	  /* the value is an object, each member of which has this schema */
	const struct Member *members; /* the value is an object with these keys and no others */
} Schema;

typedef struct Member
{
	const char *key; /* NULL: end of the list */
	const Schema *schema;
} Member;

static void
print_location(const Location *location)
{
	if (location->above == NULL)
		fprintf(stderr, "herald-bridge: %s", location->key);
	else
	{
		print_location(location->above);
		fprintf(stderr, "%s%s", location->above->above ? " > " : ": ", location->key);
	}
}

/* Prints a mistake at a location; returns false, for the caller to return. */
static bool __attribute__((format(printf, 2, 3)))
report_mistake(const Location *location, const char *format, ...)
{
	va_list arguments;

	print_location(location);
	fputs(": ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return false;
}

static bool
is_text(const Location *location, const json_t *value)
{
	return json_string_length(value) > 0 || report_mistake(location, "must be a string that is not empty");
}

static bool
is_boolean(const Location *location, const json_t *value)
{
	return json_is_boolean(value) || report_mistake(location, "must be true or false");
}

static bool
is_template(const Location *location, const json_t *value)
{
	const char *mistake = template_mistake(value);

	return mistake == NULL || report_mistake(location, "\"%s\": braces enclose placeholders only: \"{path}\", \"{path:number}\"; or :upper, :lower, :json, :list", mistake);
}

static bool
is_text_template(const Location *location, const json_t *value)
{
	return is_text(location, value) && is_template(location, value);
}

/* Checks a member of a condition: the key is the path, the value the demanded one. */
static bool
is_constant(const Location *location, const json_t *value)
{
	if (strpbrk(location->key, "{}:") != NULL)
		return report_mistake(location, "a path has no braces and no colon");
	return (!json_is_object(value) && !json_is_array(value)) || report_mistake(location, "must be a string, a number, true, false or null");
}

/* Checks the key of an event or action: a name, or a prefix of names with * at its end. */
static bool
is_for_names(const Location *location, const json_t *value)
{
	const char *star = strchr(location->key, '*');

	(void) value;
	if (location->key[0] == '\0')
		return report_mistake(location, "the name is empty");
	return star == NULL || star[1] == '\0' || report_mistake(location, "* stands for the rest of a name: nothing can follow");
}

static bool
is_event_rule(const Location *location, const json_t *value)
{
	if (json_object_get(value, "each_room") != NULL && json_object_get(value, "conflate") != NULL)
		return report_mistake(location, "has \"each_room\" and \"conflate\": an event for each room is not conflated");
	return is_for_names(location, value);
}

/* Checks an interval in milliseconds; it is long enough to conflate events. */
static bool
is_interval(const Location *location, const json_t *value)
{
	json_int_t interval = json_integer_value(value);

	return (interval >= MIN_INTERVAL_MS && interval <= MAX_INTERVAL_MS) ||
		   report_mistake(location, "must be a whole number of milliseconds, from %d to %d", MIN_INTERVAL_MS, MAX_INTERVAL_MS);
}

static bool
is_batch(const Location *location, const json_t *value)
{
	return json_object_get(value, "every") != NULL || report_mistake(location, "\"every\" is missing");
}

static bool
is_object_template(const Location *location, const json_t *value)
{
	return (json_is_object(value) || report_mistake(location, "must be an object")) && is_template(location, value);
}

static bool
is_conflation(const Location *location, const json_t *value)
{
	return json_object_size(value) == 3 || report_mistake(location, "needs \"into\", \"by\" and \"as\"");
}

/* Checks that a rule, or each rule of a list, conflates into a batch that exists, if it conflates. */
static bool
batch_exists(const Location *location, const json_t *rule, const json_t *batches)
{
	const char *into = json_string_value(json_object_get(json_object_get(rule, "conflate"), "into"));
	size_t i;
	json_t *one;

	json_array_foreach(rule, i, one)
	{
		if (!batch_exists(location, one, batches))
			return false;
	}
	return into == NULL || json_object_get(batches, into) != NULL ||
		   report_mistake(location, "\"%s\" is not among the \"batches\" of the namespace", into);
}

static bool
batches_exist(const Location *location, const json_t *namespace)
{
	Location events = { location, "events" };
	const char *name;
	json_t *rule;

	json_object_foreach(json_object_get(namespace, "events"), name, rule)
	{
		Location here = { &events, name };

		if (!batch_exists(&here, rule, json_object_get(namespace, "batches")))
			return false;
	}
	return true;
}

/* Checks the key of a namespace, which goes into packets unquoted. */
static bool
is_namespace(const Location *location, const json_t *value)
{
	if (location->key[0] != '/' || strpbrk(location->key, ",?\"\\") != NULL)
		return report_mistake(location, "a namespace begins with / and has no comma, question mark, quote or backslash");
	return batches_exist(location, value);
}

static bool
is_dialect(const Location *location, const json_t *value)
{
	return json_object_size(json_object_get(value, "namespaces")) > 0 || report_mistake(location, "has no namespaces");
}

static const Schema text_schema = { .check = is_text };
static const Schema template_schema = { .check = is_template };
static const Schema text_template_schema = { .check = is_text_template };
static const Schema constant_schema = { .check = is_constant };
static const Schema condition_schema = { .each = &constant_schema };
static const Schema object_template_schema = { .check = is_object_template };
static const Member conflation_members[] = { { "into", &text_schema }, { "by", &text_template_schema }, { "as", &object_template_schema }, { NULL, NULL } };
static const Schema conflation_schema = { .check = is_conflation, .members = conflation_members };
static const Member event_members[] = {
	{ "when", &condition_schema }, { "name", &text_template_schema }, { "to", &template_schema }, { "conflate", &conflation_schema }, { "each_room", &text_schema }, { NULL, NULL }
};
static const Schema event_schema = { .check = is_event_rule, .may_be_list = true, .members = event_members };
static const Schema events_schema = { .each = &event_schema };
static const Member action_members[] = {
	{ "when", &condition_schema }, { "action", &text_schema }, { "data", &template_schema }, { "ack", &template_schema }, { NULL, NULL }
};
static const Schema action_schema = { .check = is_for_names, .may_be_list = true, .members = action_members };
static const Schema actions_schema = { .each = &action_schema };
static const Schema boolean_schema = { .check = is_boolean };
static const Member failed_members[] = {
	{ "name", &text_template_schema }, { "to", &template_schema }, { "always", &boolean_schema }, { NULL, NULL }
};
static const Schema failed_schema = { .may_be_list = true, .members = failed_members };
static const Schema interval_schema = { .check = is_interval };
static const Member batch_members[] = { { "every", &interval_schema }, { "to", &template_schema }, { NULL, NULL } };
static const Schema batch_schema = { .check = is_batch, .members = batch_members };
static const Schema batches_schema = { .each = &batch_schema };
static const Member namespace_members[] = {
	{ "events", &events_schema }, { "batches", &batches_schema }, { "actions", &actions_schema }, { "failed", &failed_schema }, { NULL, NULL }
};
static const Schema namespace_schema = { .check = is_namespace, .members = namespace_members };
static const Schema namespaces_schema = { .each = &namespace_schema };
static const Member dialect_members[] = { { "about", &text_schema }, { "namespaces", &namespaces_schema }, { NULL, NULL } };
static const Schema dialect_schema = { .check = is_dialect, .members = dialect_members };

static const Schema *
member_schema(const Member *members, const char *key)
{
	while (members->key != NULL && strcmp(members->key, key) != 0)
		members++;
	return members->schema;
}

static bool matches_schema(const Location *location, const json_t *value, const Schema *schema);

static bool
members_match_schema(const Location *location, const json_t *value, const Schema *schema)
{
	const char *key;
	json_t *member;

	if (!json_is_object(value))
		return report_mistake(location, "must be an object");
	json_object_foreach((json_t *) value, key, member)
	{
		const Schema *wanted = schema->each ? schema->each : member_schema(schema->members, key);
		Location here = { location, key };

		if (wanted == NULL)
			return report_mistake(&here, "unknown key");
		if (!matches_schema(&here, member, wanted))
			return false;
	}
	return true;
}

static bool
matches_schema(const Location *location, const json_t *value, const Schema *schema)
{
	json_t *element;
	size_t i;

	assert(value != NULL);
	if (schema->may_be_list && json_is_array(value))
	{
		json_array_foreach(value, i, element)
		{
			if (!matches_schema(location, element, schema))
				return false;
		}
		return true;
	}
	if ((schema->each != NULL || schema->members != NULL) && !members_match_schema(location, value, schema))
		return false;
	return schema->check == NULL || schema->check(location, value);
}

json_t *
dialect_file_read(const char *path)
{
	json_error_t error;
	json_t *value = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	Location file = { NULL, path };

	if (value != NULL && matches_schema(&file, value, &dialect_schema))
		return value;
	if (value == NULL && error.line > 0)
		fprintf(stderr, "herald-bridge: %s:%d: %s\n", path, error.line, error.text);
	else if (value == NULL)
		fprintf(stderr,
				"herald-bridge: dialect: %s\n  Set the path of a file, or the name of a shipped dialect: canonical, gateway, kebab, namespaces, snake.\n",
				error.text);
	json_decref(value);
	return NULL;
}

/*
 * Returns the path of an installed dialect relative to the program's file: in the build tree of "make",
 * or in the tree of "make install".
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
