/*-------------------------------------------------------------------------
 *
 * session.h
 *	  One connected client, and the delivery of events to it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SESSION_H
#define HERALD_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/timer.h"
#include "fanout/action_lane.h"
#include "fanout/catchup_cursor.h"
#include "fanout/event.h"
#include "fanout/outbox.h"
#include "fanout/room_refusal.h"
#include "fanout/session_state.h"

/* A session's key: hexadecimal digits. */
#define SESSION_KEY_LENGTH 32

struct Session;
/* The calls by which the bridge talks to a session's protocol. */
typedef struct SessionOps
{
	/* Tells the client that it is connected; from now on it gets events. */
	void (*welcome)(struct Session *session);
	/*
	 * Tells the client that its session ends for this reason, and calls roster_leave(). "wait": the milliseconds after
	 * which it may come back; 0: a limit is not the reason.
	 */
	void (*dismiss)(struct Session *session, const char *code, const char *message, int64_t wait);
} SessionOps;

/* A room that a session is not in any more. */
typedef struct LeftRoom
{
	struct LeftRoom *next;
	const RoomRefusal *reason;
	char name[];
} LeftRoom;
/* The rooms of a session; only room.c and membership.c write it. */
typedef struct SessionRooms
{
	Audience audience;
	struct Membership **memberships;
	int count;
	int capacity;
	int joined; /* by action, or because the client asked for them */
} SessionRooms;

/*
 * Created by roster_add() when a client has shown a good token; freed with its last reference.
 * The protocol holds the first reference until the session leaves.
 */
typedef struct Session
{
	/* Used by each delivery, up to the cursor. */
	const Format *format; /* constant from gateway_admit() on */
	Outbox *outbox;		  /* of its connection; likewise */
	uint64_t last_pass;	  /* of room.c that reached it: an event with several rooms comes once */
	SessionState state;	  /* written by roster.c */
	int references;		  /* by session.c */
	uint32_t told_round;  /* in which its client was told a position (position_round.h) */
	CatchupCursor cursor; /* by catchup_cursor.c */
	/* Constant from roster_add() and gateway_admit() on; the token's claims change with session_renew(). */
	char *user;
	char *key;			  /* secret; under this key the database keeps the rooms that the session joined by action */
	char *claims;		  /* of the token, JSON */
	double issued;		  /* the time of the token, in seconds since 1970; NAN: unknown */
	bool guest;			  /* of one request, by roster_new_guest() */
	SessionOrigin origin; /* by gateway.c */
	char *asked;		  /* the rooms that the client asks for as it comes, a JSON array; or NULL */
	const SessionOps *ops;
	void *protocol; /* belongs to the protocol */

	Timer expiry;		   /* of the token, by gateway.c; stopped by roster.c */
	int64_t unread;		   /* number of notifications when it was located, by arrival.c */
	ActionLane lane;	   /* by action_lane.c */
	SessionRooms rooms;	   /* by room.c and membership.c */
	struct Typing *typing; /* where it types, by typist.c */
	LeftRoom *left;		   /* the client is told of them after its welcome; by session.c */

	SessionListKind list; /* by session_list.c, with the next one */
	struct Session *next_in_list;
	struct Session *next_of_user; /* by user.c, with the previous one */
	struct Session *previous_of_user;
} Session;

/* Creates a session without user, rooms or connection, for roster.c.  Takes over the strings. */
extern Session *session_new(char *user, char *key, char *position, char *claims);
extern Session *session_ref(Session *session);

/* Gives up a reference; the last one frees the session, which must have left. */
extern void session_unref(Session *session);

/* Replaces the token's claims, of which it takes over the string, and its time. */
extern void session_renew(Session *session, char *claims, double issued);

/* Returns the time of the token as a text that PostgreSQL reads, which the caller frees; NULL: it is unknown. */
extern char *session_issued_text(const Session *session);

/* Returns whether state, audience and list go together, for assertions. */
extern bool session_is_consistent(const Session *session);

/* Returns whether an event is for the session's user, is new to its client, and the session is not stalled. */
extern bool session_awaits(const Session *session, const Event *event);

/*
 * Hands an event to a session that awaits it; others are left alone.  If the outbox has no space for an event of the
 * log, the session stalls: it gets no more events until it is replayed to, from before this event.
 */
extern void session_deliver(Session *session, Event *event);

/* Stalls a live or replaying session: it gets no more events until it has been located and its access was checked. */
extern void session_stall(Session *session);

/* Tells the client by the event "room:left" that it is not in a room any more; an arriving one after its welcome. */
extern void session_tell_left(Session *session, const char *room, const RoomRefusal *reason);

/* Tells a client that was just welcomed of the rooms that it has lost; forgets them. */
extern void session_tell_all_left(Session *session);
extern void session_drop_left(Session *session);

/* Returns whether the outbox of a replaying session has space for an event; if not, the session stalls. */
extern bool session_has_space_for(Session *session, const Event *event);

/* Registers the function to call, in the middle of a publication, when a live session stalls. */
extern void session_on_stall(void (*tell)(Session *session));

#endif /* HERALD_SESSION_H */
