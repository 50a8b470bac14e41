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

#include "own_table.h"

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

/* Returns the channels that an array of their names has.  NULL has all. */
extern PreferenceAnswer preference_channels(ArrayType *channels);

/*
 * Returns the channels that the preferences of the user leave.  Users without a choice for the type get those of
 * "by_default".  The rows are a scan that preference_rows() began.
 */
extern PreferenceAnswer preference_answer(const PreferenceQuestion *question, PreferenceAnswer by_default,
										  OwnScan *rows);

/* Begins a scan over preferences, for any number of questions.  The caller ends it. */
extern OwnScan preference_rows(Snapshot snapshot);

#endif /* HERALD_PREFERENCE_H */
