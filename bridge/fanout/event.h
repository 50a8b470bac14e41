/*-------------------------------------------------------------------------
 *
 * event.h
 *	  Represents one event, and caches its frame for each format.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_EVENT_H
#define HERALD_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "fanout/frame.h"
#include "fanout/recheck.h"

/*
 * Immutable but for its frames, which are built when a session first needs them.  Freed with its last reference.
 * The strings and the array of rooms belong to the event.
 */
typedef struct Event
{
	int references;
	bool ephemeral;	   /* not in the log: for live sessions, at most once, at the reader's position */
	char *id;		   /* NULL: ephemeral, or derived: computed from logged events by read_events() */
	int64_t number;	   /* the id as a number; of a derived event, that of the latest one before it */
	int64_t logged_at; /* milliseconds since 1970; 0: it is not in the log */
	uint64_t xid;	   /* the transaction that wrote it; later than all if the bridge has made it */
	char *name;
	char *payload;	/* JSON; NULL: the event says nothing but its position */
	char *position; /* after this event */
	char **rooms;
	int room_count;
	char *member;			   /* the user that joins or leaves a room by this event; or NULL */
	char *joins;			   /* the room that the member joins; or NULL */
	char *leaves;			   /* the room that the member leaves; or NULL */
	Recheck *recheck;		   /* the access that the event withdraws, or may withdraw; or NULL */
	char *ack;				   /* the action that takes the clients' acknowledgements; NULL: none is expected */
	char *key;				   /* of the queued events with the same key, only the newest is sent; or NULL */
	char *except;			   /* the sessions of this user do not get it; or NULL */
	char *part_room;		   /* the room that this part of an event is for; NULL: a whole event */
	const struct Format *only; /* only sessions of this format get it: its payload is in that format; or NULL */
	Frame **frames;			   /* by the slot of their format */
	int frame_count;
} Event;

/* The form of events for a kind of session: a protocol has one, or one for each of its namespaces. */
typedef struct Format
{
	int slot;			   /* its index among the frames of an event */
	const char *namespace; /* of Socket.IO; NULL elsewhere */
	/* Returns a new frame, with a reference for the caller; NULL: sessions of this format do not want the event. */
	Frame *(*encode)(const struct Format *format, const Event *event);
	/*
	 * Returns the part of an ephemeral event that sessions get for one of its rooms, with a reference for the caller;
	 * NULL: they get the whole event once.  The member is NULL if no event has parts.
	 */
	Event *(*part)(const struct Format *format, const Event *event, const char *room);
	/* Called once when an event goes out live in this format for the first time; or NULL. */
	void (*on_first_delivery)(const struct Format *format, const Event *event);
	/* Clients are asked to acknowledge events, by event_ack_id(). */
	bool wants_acks;
	/* Clients do not read the position of an event that expects an ack: it follows in an event of its own. */
	bool repeats_position;
} Format;

/* Returns an empty event with one reference, of the caller. */
extern Event *event_new(void);

/*
 * Returns an event that says nothing but its position, "herald:position", which is copied.  Each format encodes it.
 */
extern Event *event_of_position(const char *position);

extern Event *event_ref(Event *event);

/* Returns a new part of an ephemeral event for one of its rooms.  No acknowledgement is expected of it. */
extern Event *event_part(const Event *event, const char *room);

/* The parts of an ephemeral event for one room, by format. */
typedef struct EventParts EventParts;

/*
 * Returns the part in a format, which has parts; NULL: sessions of the format get the whole event.  It belongs to
 * "parts", which begins as NULL and is for one event and room.
 */
extern Event *event_parts_get(EventParts **parts, const Format *format, const Event *event, const char *room);

/* Frees the parts; NULL is permitted. */
extern void event_parts_free(EventParts *parts);

/* Gives up a reference; the last one frees the event. */
extern void event_unref(Event *event);

/* Returns the event's frame in a format, which belongs to the event; NULL: it is not wanted there. */
extern Frame *event_frame(Event *event, const Format *format);

/* Drops the event's frames; they are built again when they are needed. */
extern void event_drop_frames(Event *event);

/*
 * Returns a frame with another position after the event, for one client.  The caller owns it; NULL: the format
 * does not want the event.
 */
extern Frame *event_frame_at(const Event *event, const Format *format, char *position);

/*
 * Returns the number by which clients acknowledge the event: the same on each bridge, and below 2^31 for all
 * clients.
 */
extern uint32_t event_ack_id(const Event *event);

/* Returns about how many bytes of memory the event takes. */
extern size_t event_size(const Event *event);

#endif /* HERALD_EVENT_H */
