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

#include "write/preference.h"

/* A type of herald.notification_type, or the defaults for a name that is not there. */
typedef struct NotificationType
{
	const char *name;	 /* NULL: not there */
	const char *title;	 /* the template; NULL: none */
	const char *content; /* the template; NULL: none */
	int64 priority;
	PreferenceAnswer channels; /* by default */
	bool required;
} NotificationType;

/* Registers the function that keeps the cache of types up to date. */
extern void notification_type_init(void);

/* All types, in the order of their names. */
typedef struct NotificationTypes
{
	int count;
	NotificationType *types;
} NotificationTypes;

/*
 * Returns the types as the latest commits, and the commands of this transaction up to now, have left them.  They live
 * until the end of the transaction.
 */
extern const NotificationTypes *notification_types(void);

/* Returns a type; it lives as long as the types. */
extern const NotificationType *notification_type_find(const NotificationTypes *types, const char *name);

/* Returns a template with the names filled in; each may be NULL, and the result is NULL without a template. */
extern char *notification_type_render(const char *text, const char *actor_name, const char *subject_type,
									  const char *content);

#endif /* HERALD_NOTIFICATION_TYPE_H */
