/*-------------------------------------------------------------------------
 *
 * dialect.c
 *	  The dialects that clients of Socket.IO are served in.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/dialect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "protocol/dialect_file.h"
#include "protocol/name_space.h"

typedef struct Dialect
{
	char *name;
	json_t *description; /* what is in its file */
	NameSpace *name_spaces;
	struct Dialect *next;
} Dialect;

static Dialect *all; /* as they were given */
static int places;	 /* among the frames of an event; 0 is the plain protocol's */

/* What clients call it: its file's name, up to the dot. */
static char *
name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	return memory_copy_bytes(base, strcspn(base, "."));
}

static void
add(Dialect *dialect)
{
	Dialect **end = &all;
	const char *name;
	json_t *description;

	while (*end != NULL)
		end = &(*end)->next;
	*end = dialect;
	json_object_foreach(json_object_get(dialect->description, "namespaces"), name, description)
	{
		NameSpace *made = name_space_new(++places, name, description);

		made->next = dialect->name_spaces;
		dialect->name_spaces = made;
	}
}

static bool
load(const char *setting)
{
	char *path = dialect_file_path(setting);
	json_t *description = dialect_file_read(path);
	Dialect *dialect;

	if (description != NULL)
	{
		dialect = memory_new(sizeof(Dialect));
		dialect->name = name_of(path);
		dialect->description = description;
		add(dialect);
	}
	free(path);
	return description != NULL;
}

bool
dialect_load(const char *names)
{
	char *copy = memory_copy(names);
	char *rest = NULL;
	bool good = true;

	for (char *name = strtok_r(copy, " ", &rest); name != NULL && good; name = strtok_r(NULL, " ", &rest))
		good = load(name);
	free(copy);
	return good;
}

static void
release(Dialect *dialect)
{
	while (dialect->name_spaces != NULL)
	{
		NameSpace *name_space = dialect->name_spaces;

		dialect->name_spaces = name_space->next;
		free(name_space);
	}
	json_decref(dialect->description);
	free(dialect->name);
	free(dialect);
}

void
dialect_unload(void)
{
	while (all != NULL)
	{
		Dialect *dialect = all;

		all = dialect->next;
		release(dialect);
	}
	places = 0;
}

static const Format *
find(const NameSpace *list, const char *name)
{
	while (list != NULL && strcmp(list->format.name_space, name) != 0)
		list = list->next;
	return list ? &list->format : NULL;
}

const Format *
dialect_name_space(const char *dialect, const char *name_space)
{
	const Format *format = NULL;

	for (const Dialect *at = all; at != NULL && format == NULL; at = at->next)
	{
		if (dialect == NULL || strcmp(at->name, dialect) == 0)
			format = find(at->name_spaces, name_space);
	}
	return format;
}
