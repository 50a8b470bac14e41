/*-------------------------------------------------------------------------
 *
 * newcomer.h
 *	  Lists the clients' sockets that have no request, of which one gives way when there is no room.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NEWCOMER_H
#define HERALD_NEWCOMER_H

#include <stdbool.h>

typedef struct Newcomer Newcomer;

/* Closes a socket, which has been removed from the list. */
typedef void (*NewcomerCut)(Newcomer *newcomer);

/* A part of a socket's object. */
struct Newcomer
{
	NewcomerCut cut; /* NULL: it is not in the list */
	struct Newcomer *next;
	struct Newcomer *prev;
};

/* Adds a socket that waits from now on, and may be cut until it is removed. */
extern void newcomer_add(Newcomer *newcomer, NewcomerCut cut);

/* Removes a socket; no effect on one that is not in the list. */
extern void newcomer_remove(Newcomer *newcomer);

/*
 * Cuts the socket that has waited longest: an honest client sends its request sooner than a hostile one.
 * Returns false if none waits.
 */
extern bool newcomer_cut(void);

#endif /* HERALD_NEWCOMER_H */
