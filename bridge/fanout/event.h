/*-------------------------------------------------------------------------
 *
 * event.h
 *	  One event of the log, and what it looks like in each protocol.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_EVENT_H
#define HERALD_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "fanout/frame.h"

/*
 * Immutable but for the frames, which are built when a session first needs
 * them.  Freed with the last reference; whoever makes an event holds the first.
 */
typedef struct Event
{
	int references;
	char *id; /* NULL: derived, not in the log */
	char *name;
	char *payload;	/* JSON */
	char *position; /* after this event */
	char **rooms;
	int room_count;
	char *member; /* this user joins or leaves a room; or NULL */
	char *joins;
	char *leaves;
	Frame **frames; /* by the place of their format */
	int frame_count;
} Event;

/*
 * What an event looks like to a kind of session.  The protocols have one for
 * each of their namespaces; "place" is its own among the frames of an event.
 */
typedef struct Format
{
	int place;
	const char *name_space; /* of Socket.IO; NULL elsewhere */
	/* The frame, or NULL: these sessions do not want this event. */
	Frame *(*encode)(const struct Format *format, const Event *event);
} Format;

/* The event takes over the strings and the array of rooms. */
extern Event *event_new(void);
extern Event *event_hold(Event *event);
extern void event_release(Event *event);

/* The event's frame in a format, which belongs to the event; NULL: it is not wanted there. */
extern Frame *event_frame(Event *event, const Format *format);

#endif /* HERALD_EVENT_H */
