/*-------------------------------------------------------------------------
 *
 * session.h
 *	  One connected client: who it is, which rooms it is in, and where its events go.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SESSION_H
#define HERALD_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "base/timer.h"
#include "fanout/event.h"
#include "fanout/outbox.h"
#include "fanout/seen_snapshots.h"

struct Session;

typedef enum SessionState
{
	SESSION_ARRIVING,  /* not welcomed yet */
	SESSION_REPLAYING, /* gets what it missed, and live events not before that */
	SESSION_LIVE,
	SESSION_GONE /* left; only references remain */
} SessionState;

/* Where a session is; what is published in one audience is not heard in the others. */
typedef enum Audience
{
	AUDIENCE_NONE,		   /* nothing */
	AUDIENCE_LOG_REPLAY,   /* what is read from the log once more */
	AUDIENCE_CACHE_REPLAY, /* what is in memory */
	AUDIENCE_LIVE,		   /* what is read now */
	AUDIENCE_COUNT
} Audience;

/* What a protocol says to its session. */
typedef struct SessionOps
{
	/* The session is connected; from here on it gets events. */
	void (*welcome)(struct Session *session);
	/* The session must end for this reason; the protocol tells the client and calls session_leave(). */
	void (*dismiss)(struct Session *session, const char *code, const char *message);
	/*
	 * Its automatic rooms are known: the protocol asks for those that it wants beside them, so that
	 * what was missed there is replayed too, and calls gateway_arrived().  NULL: there are none.
	 */
	void (*join)(struct Session *session);
} SessionOps;

/*
 * Made by a protocol when a client has shown a good token; freed with its last
 * reference, of which the protocol holds the first until it leaves.
 */
typedef struct Session
{
	int references;
	SessionState state;
	char *user;
	char *key;			 /* secret; the rooms it joined are known under it in the database */
	char *position;		 /* after what the client has; NULL until the database has said where a new one begins */
	bool recovered;		 /* it misses nothing */
	SeenSnapshots *seen; /* what the position says, as far as it is not live */
	Event *last;		 /* that it got after the position, while it is not live */
	bool full;			 /* its outbox took no more: it hears nothing, and must go on later */
	uint64_t segment;	 /* of the recent events from which on it must hear; 0: what it missed is not there */
	uint64_t window;	 /* of the reader, for whose end it waits */
	int64_t behind;		 /* about so many events were after its place when it asked for it */
	char *claims;		 /* JSON of the token */
	const Format *format;
	const SessionOps *ops;
	Outbox *outbox; /* of its connection */
	void *protocol; /* the protocol's own */
	Timer expiry;
	int64_t unread;
	uint64_t last_event; /* stamp: an event with several rooms comes once */
	struct Membership **rooms;
	int room_count;
	int room_capacity;
	Audience audience;
	struct LateChange *late;		  /* changes of rooms while it asks to join one */
	struct PendingAcks *pending_acks; /* what it may still acknowledge */
	int joining;					  /* so many joins are being asked for */
	int asking;						  /* so many actions are in the database ... */
	int lane;						  /* ... on this connection, so that they are done in their order */
	struct Session *next_of_user;
	struct Session *previous_of_user;
	struct Session *next_in_list;
} Session;

/* Takes over the strings. */
extern Session *session_new(char *user, char *key, char *position, char *claims);
extern Session *session_ref(Session *session);
extern void session_unref(Session *session);

/*
 * Changes a session's rooms by an event; one that is full joins nothing, and goes
 * on from before the event.  Makes the changes once more that came while joins were
 * being asked for, for the next answer may be older than they are.
 */
extern void session_change_room(Session *session, Event *event, const char *room, bool joins);
extern void session_make_changes(Session *session);

/* Is an event meant for a session, news to it, and can it be taken? */
extern bool session_awaits(const Session *session, const Event *event);

/*
 * Hands an event to a session that awaits it.  One that takes no more is left full:
 * it must go on later, from its position or, if it was live, from before the event.
 */
extern void session_deliver(Session *session, Event *event);

/* Has a function called, in the middle of the delivery, for a live one; then it has got everything up to a position. */
extern void session_on_full(void (*tell)(Session *session));
extern void session_fall_behind(Session *session, const char *position);

/* Brings the position up to what the session got; it hears nothing until it is let into a audience again. */
extern void session_pause(Session *session);

/* It got everything: from now on live events go out. */
extern void session_go_live(Session *session);

/* The one way to die: leaves all rooms, and gives up the protocol's reference.  Of no effect the second time. */
extern void session_leave(Session *session);

/* Has a function called when a user's first session begins, and when the last one has ended; NULL: none. */
extern void session_on_user(void (*tell)(const char *user, bool here));

/* The sessions of a user, as a list by next_of_user, and the one with this key, or NULL. */
extern Session *session_of_user(const char *user);
extern Session *session_find(const char *user, const char *key);

/* Calls a function for every session; it may leave. */
extern void session_each(void (*visit)(Session *session, void *context), void *context);

#endif /* HERALD_SESSION_H */
