/*-------------------------------------------------------------------------
 *
 * presence.h
 *	  Tracks present users and the users in rooms of posts, and the changes to report.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PRESENCE_H
#define HERALD_PRESENCE_H

#include <stdbool.h>

#include "base/config.h"

/* At most so many users, and so many rooms, are reported at once. */
#define PRESENCE_AT_ONCE 1000

/* A report for the database, as arrays for SQL. */
typedef struct PresenceNews
{
	char *came;	  /* users who are present now */
	char *went;	  /* users who are not any more */
	char *rooms;  /* of posts ... */
	char *counts; /* ... and how many users are in each */
} PresenceNews;

/*
 * Tracks sessions and rooms of posts from now on; calls tell() when there is a change to report.  A user is present
 * until the last session has been gone for presence-grace: a user who comes back within that time has not gone.
 */
extern void presence_start(const Config *config, void (*tell)(void));
extern void presence_stop(void);

/* Returns whether there are changes to report. */
extern bool presence_has_news(void);

/* Returns changes, which count as reported from then on.  The caller frees them by presence_free(). */
extern PresenceNews presence_take(void);
extern void presence_free(PresenceNews *news);

/* Counts nothing as reported any more: everything is a change. */
extern void presence_forget(void);

#endif /* HERALD_PRESENCE_H */
