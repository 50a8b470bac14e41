/*-------------------------------------------------------------------------
 *
 * notification_type.h
 *	  Finds types of notifications, and fills in their templates.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NOTIFICATION_TYPE_H
#define HERALD_NOTIFICATION_TYPE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/snapshot.h"

/* A type of herald.notification_type, or the defaults for a name that is not there. */
typedef struct NotificationType
{
	const char *name;
	const char *title;	 /* the template; NULL: none */
	const char *content; /* the template; NULL: none */
	bool has_priority;
	int32 priority;
	ArrayType *channels; /* NULL: none are named */
	bool required;
} NotificationType;

/* Returns a type, from the list of those that were found before or else from the table; adds it to the list. */
extern const NotificationType *notification_type_find(List **found, const char *name, Snapshot snapshot);

/* Returns a template with the names filled in; each may be NULL, and the result is NULL without a template. */
extern char *notification_type_render(const char *text, const char *actor_name, const char *subject_type,
									  const char *content);

#endif /* HERALD_NOTIFICATION_TYPE_H */
