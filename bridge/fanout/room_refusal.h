/*-------------------------------------------------------------------------
 *
 * room_refusal.h
 *	  The reasons why a session may not be in a room.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ROOM_REFUSAL_H
#define HERALD_ROOM_REFUSAL_H

/* A reason, as the client is told. */
typedef struct RoomRefusal
{
	const char *code;
	const char *message;
} RoomRefusal;

/* The user has no access to the room. */
extern const RoomRefusal room_forbidden;

/* The access changes faster than the session can follow; the client may join again. */
extern const RoomRefusal room_interrupted;

/* The session has joined max-rooms. */
extern const RoomRefusal room_too_many;

/* Returns why a name, which may be NULL, is none of a room; or NULL: it may be one. */
extern const RoomRefusal *room_refusal_of_name(const char *name);

/* Logs that a client does not get a room that it asks for, or comes back to; one line a second. */
extern void room_refusal_log(const RoomRefusal *reason, const char *room, const char *user, const char *peer);

#endif /* HERALD_ROOM_REFUSAL_H */
