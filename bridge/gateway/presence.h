/*-------------------------------------------------------------------------
 *
 * presence.h
 *	  Who is here, and what of it the database has not been told yet.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PRESENCE_H
#define HERALD_PRESENCE_H

#include <stdbool.h>

#include "base/config.h"

/* So many users, and so many rooms, are told at once. */
#define PRESENCE_AT_ONCE 1000

/* What the database is told, as arrays for SQL. */
typedef struct PresenceNews
{
	char *came;
	char *went;
	char *rooms;  /* of posts ... */
	char *counts; /* ... and how many users are in each now */
} PresenceNews;

/*
 * Watches the sessions and the rooms of posts from now on; tell() is called when
 * there is something to tell.  A user is here until the last session has been
 * gone for presence-grace: who comes back within it never went.
 */
extern void presence_start(const Config *config, void (*tell)(void));
extern void presence_stop(void);

extern bool presence_has_news(void);

/* Takes what is to be told; from then on it counts as told.  The caller frees what is in it. */
extern PresenceNews presence_take(void);
extern void presence_free(PresenceNews *news);

/* Nothing counts as told any more: all that is so is news. */
extern void presence_forget(void);

#endif /* HERALD_PRESENCE_H */
