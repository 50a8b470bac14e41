/*-------------------------------------------------------------------------
 *
 * preference.h
 *	  Finds the preferences of a user that apply to a notification.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PREFERENCE_H
#define HERALD_PREFERENCE_H

#include "postgres.h"

#include "utils/array.h"
#include "utils/snapshot.h"

/* A notification, as far as preferences depend on it.  All but the user and the type may be NULL. */
typedef struct PreferenceQuestion
{
	const char *user_id;
	const char *type;
	const char *actor_id;
	const char *subject; /* its type and id: post:42 */
	const char *thread;	 /* NULL: the subject */
} PreferenceQuestion;

/* The channels that preferences leave. */
typedef struct PreferenceAnswer
{
	bool inbox;
	bool live;
} PreferenceAnswer;

/*
 * Returns the channels that the preferences of the user leave.  Users without a
 * choice for the type get those of "by_default"; NULL means all.
 */
extern PreferenceAnswer preference_answer(const PreferenceQuestion *question, ArrayType *by_default, Snapshot snapshot);

#endif /* HERALD_PREFERENCE_H */
