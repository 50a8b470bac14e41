/*-------------------------------------------------------------------------
 *
 * event.h
 *	  One event, and what it looks like in each protocol.
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
	bool ephemeral; /* relayed to who is live, at most once; its position is that of the reader */
	char *id;		/* NULL: derived, not in the log */
	int64_t number; /* the same; of a derived event, that of the latest one before it */
	uint64_t xid;	/* the transaction that made it */
	char *name;
	char *payload;	/* JSON */
	char *position; /* after this event */
	char **rooms;
	int room_count;
	char *member; /* this user joins or leaves a room; or NULL */
	char *joins;
	char *leaves;
	char *ack;				   /* the action that takes what clients acknowledge it with; NULL: they are not asked to */
	char *key;				   /* of what waits with the same key, only the newest is worth sending; or NULL */
	char *except;			   /* the sessions of this user do not get it; or NULL */
	const struct Format *only; /* none but sessions of this format get it, in whose words it is; or NULL */
	Frame **frames;			   /* by the slot of their format */
	int frame_count;
} Event;

/*
 * What an event looks like to a kind of session.  The protocols have one for
 * each of their namespaces; "slot" is its own among the frames of an event.
 */
typedef struct Format
{
	int slot;
	const char *namespace; /* of Socket.IO; NULL elsewhere */
	/* The frame, or NULL: these sessions do not want this event. */
	Frame *(*encode)(const struct Format *format, const Event *event);
	/* An event goes out live in this format; told once, and not at all if this is NULL. */
	void (*on_first_delivery)(const struct Format *format, const Event *event);
	/* Its clients are asked to acknowledge events, by event_ack_id(). */
	bool wants_acks;
	/* The position behind an event that asks, for clients that do not take it from there; or NULL. */
	Frame *(*encode_position)(const struct Format *format, const char *position);
} Format;

/* The event takes over the strings and the array of rooms. */
extern Event *event_new(void);
extern Event *event_ref(Event *event);
extern void event_unref(Event *event);

/* The event's frame in a format, which belongs to the event; NULL: it is not wanted there. */
extern Frame *event_frame(Event *event, const Format *format);

/* Gives up its frames: they are built again if they are needed once more. */
extern void event_drop_frames(Event *event);

/* A frame of its own for a client whose position behind the event is another; belongs to the caller. */
extern Frame *event_frame_at(const Event *event, const Format *format, char *position);

/* What an acknowledgement of the event refers to: the same on each bridge, and small enough for any client. */
extern uint32_t event_ack_id(const Event *event);

/* What the event takes in memory, about. */
extern size_t event_size(const Event *event);

#endif /* HERALD_EVENT_H */
