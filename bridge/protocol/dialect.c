/*-------------------------------------------------------------------------
 *
 * dialect.c
 *	  The dialects: names and shapes of Socket.IO events for different front ends.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/dialect.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "protocol/conflation.h"
#include "protocol/dialect_file.h"
#include "protocol/namespace.h"
#include "protocol/protocol.h"

typedef struct Dialect
{
	char *name;
	json_t *description; /* the JSON of its file */
	Namespace *namespaces;
	struct Dialect *next;
} Dialect;

static struct
{
	Dialect *first;		 /* in the order of the setting */
	int namespace_count; /* of all dialects: each namespace has a slot among an event's frames */
} dialects;

/* Returns the name by which clients choose a dialect: its file's name up to the dot. */
static char *
dialect_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	return memory_copy_bytes(base, strcspn(base, "."));
}

static bool
is_loaded(const char *name)
{
	for (const Dialect *dialect = dialects.first; dialect != NULL; dialect = dialect->next)
	{
		if (strcmp(dialect->name, name) == 0)
			return true;
	}
	return false;
}

/* Appends a dialect; takes over name and description. */
static void
add_dialect(char *dialect_name, json_t *dialect_description)
{
	Dialect *dialect = memory_new(sizeof(Dialect));
	Dialect **end = &dialects.first;
	const char *name;
	json_t *description;

	dialect->name = dialect_name;
	dialect->description = dialect_description;
	json_object_foreach(json_object_get(dialect_description, "namespaces"), name, description)
	{
		Namespace *made = namespace_new(SLOT_NAMESPACES + dialects.namespace_count++, name, description);

		made->next = dialect->namespaces;
		dialect->namespaces = made;
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = dialect;
}

static bool
load_dialect_file(const char *path)
{
	char *name = dialect_name(path);
	json_t *description = dialect_file_read(path);

	if (description != NULL && !is_loaded(name))
	{
		add_dialect(name, description);
		return true;
	}
	if (description != NULL)
		fprintf(stderr, "herald-bridge: %s: a dialect of this name is loaded already\n", path);
	json_decref(description);
	free(name);
	return false;
}

static bool
load_dialect(const char *setting)
{
	char *path = dialect_file_path(setting);
	bool good = load_dialect_file(path);

	free(path);
	return good;
}

bool
dialect_load(const char *names)
{
	char *copy = memory_copy(names);
	char *rest = NULL;
	bool good = true;

	assert(names != NULL);
	for (char *name = strtok_r(copy, " ", &rest); name != NULL && good; name = strtok_r(NULL, " ", &rest))
		good = load_dialect(name);
	free(copy);
	return good;
}

static void
free_dialect(Dialect *dialect)
{
	while (dialect->namespaces != NULL)
	{
		Namespace *namespace = dialect->namespaces;

		dialect->namespaces = namespace->next;
		free(namespace);
	}
	json_decref(dialect->description);
	free(dialect->name);
	free(dialect);
}

void
dialect_unload(void)
{
	conflation_clear();
	while (dialects.first != NULL)
	{
		Dialect *dialect = dialects.first;

		dialects.first = dialect->next;
		free_dialect(dialect);
	}
	dialects.namespace_count = 0;
}

static const Format *
find_namespace_format(const Dialect *dialect, const char *namespace)
{
	const Namespace *found = dialect->namespaces;

	while (found != NULL && strcmp(found->format.namespace, namespace) != 0)
		found = found->next;
	return found ? &found->format : NULL;
}

const Format *
dialect_namespace(const char *name, const char *namespace)
{
	for (const Dialect *dialect = dialects.first; dialect != NULL; dialect = dialect->next)
	{
		bool meant = name == NULL || strcmp(dialect->name, name) == 0;
		const Format *format = meant ? find_namespace_format(dialect, namespace) : NULL;

		if (format != NULL)
			return format;
	}
	return NULL;
}
