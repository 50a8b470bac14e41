/*-------------------------------------------------------------------------
 *
 * event_check.h
 *	  Decides which events a rule may publish.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_EVENT_CHECK_H
#define HERALD_EVENT_CHECK_H

#include "postgres.h"

#include "utils/array.h"
#include "utils/tuplestore.h"

/* The rights of a rule on what is not its own SQL: those of its table. */
typedef struct EventRights
{
	ArrayType *room_prefixes; /* text[]: the rooms that users may join or leave by its events: "conversation:" */
	ArrayType *counters;	  /* int[]: the totals that its events may change */
} EventRights;

/* The events that were refused, and the error of the first. */
typedef struct RefusedEvents
{
	int64 count;
	int sqlstate;
	char *message; /* in the memory context of event_check_move()'s caller */
} RefusedEvents;

/*
 * Moves the events of a rule from one tuplestore of event_log_shape() to another, except those that the owner of its
 * table may not publish: with a reserved name, to every session without being an administrator, with the membership
 * of a room or a total that is not the table's.  Empties the first tuplestore.
 */
extern RefusedEvents event_check_move(Tuplestorestate *from, Tuplestorestate *to, const EventRights *rights, Oid owner);

#endif /* HERALD_EVENT_CHECK_H */
