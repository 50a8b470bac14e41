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

struct Membership;
struct Session;

typedef enum SessionState
{
	SESSION_ARRIVING,  /* its rooms are being asked for */
	SESSION_REPLAYING, /* gets what it missed; live events are held back */
	SESSION_LIVE,
	SESSION_GONE /* left; only references remain */
} SessionState;

/* What a protocol says to its session. */
typedef struct SessionVoice
{
	/* The session is connected; from here on it gets events. */
	void (*welcome)(struct Session *session, bool recovered);
	/* The session must end for this reason; the protocol tells the client and calls session_leave(). */
	void (*dismiss)(struct Session *session, const char *code, const char *message);
	/*
	 * Its automatic rooms are known: the protocol asks for those that it wants beside them, so that
	 * what was missed there is replayed too, and calls gateway_arrived().  NULL: there are none.
	 */
	void (*join)(struct Session *session);
} SessionVoice;

/* A change of rooms that comes while the answer to an older question about rooms is on its way. */
typedef struct LateChange
{
	char *room;
	bool joins;
	struct LateChange *next;
} LateChange;

/*
 * Made by a protocol when a client has shown a good token; freed with its last
 * reference, of which the protocol holds the first until it leaves.
 */
typedef struct Session
{
	int references;
	SessionState state;
	char *user;
	char *key;		/* secret; the rooms it joined are known under it in the database */
	char *position; /* where the client was; NULL: it is new */
	char *since;	/* live events begin after this position; set before the welcome */
	char *claims;	/* JSON of the token */
	const Format *format;
	const SessionVoice *voice;
	Outbox *outbox; /* of its connection */
	void *protocol; /* the protocol's own */
	Timer expiry;
	int64_t unread;
	uint64_t last_event; /* stamp: an event with several rooms comes once */
	struct Membership **rooms;
	int room_count;
	int room_capacity;
	Event **held; /* live events while replaying */
	int held_count;
	int held_capacity;
	size_t held_bytes;
	LateChange *late; /* changes of rooms while arriving, or while it asks to join one */
	int joining;	  /* so many joins are being asked for */
	int asking;		  /* so many actions are in the database ... */
	int lane;		  /* ... on this connection, so that they are done in their order */
	struct Session *next_of_user;
	struct Session *previous_of_user;
	struct Session *next_arriving;
} Session;

/* Takes over the strings. */
extern Session *session_new(char *user, char *key, char *position, char *claims);
extern Session *session_hold(Session *session);
extern void session_release(Session *session);

/* The position behind which the events of a session begin that is being welcomed. */
extern const char *session_beginning(const Session *session, bool recovered);

/*
 * Keeps a change of rooms for later, and makes those that were kept, in their
 * order.  While joins are being asked for they are kept on, for the next answer
 * may be older than they are.
 */
extern void session_keep_change(Session *session, const char *room, bool joins);
extern void session_make_changes(Session *session);

/* Hands an event to a session: to its outbox, or to what is held back. */
extern void session_deliver(Session *session, Event *event);

/* From now on events go out; first those that were held back. */
extern void session_go_live(Session *session);

/*
 * The one way to die: leaves all rooms, takes no more events, and gives up the
 * protocol's reference.  Of no effect the second time.
 */
extern void session_leave(Session *session);

/* The sessions of a user, as a list by next_of_user. */
extern Session *session_of_user(const char *user);

/* A session of this user with this key, or NULL. */
extern Session *session_find(const char *user, const char *key);

/* Calls a function for every session; it may leave. */
extern void session_each(void (*visit)(Session *session, void *context), void *context);

#endif /* HERALD_SESSION_H */
