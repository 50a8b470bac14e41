/*-------------------------------------------------------------------------
 *
 * room_refusal.c
 *	  The reasons why a session may not be in a room.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/room_refusal.h"

#include <stddef.h>
#include <string.h>

#include "base/log.h"

#define LONGEST_ROOM 200

const RoomRefusal room_forbidden = { "forbidden", "there is no such room for this user" };
const RoomRefusal room_interrupted = { "interrupted", "access to this room changes at the moment; join again later" };
const RoomRefusal room_too_many = { "too_many_rooms", "the session has joined too many rooms; leave others first" };

const RoomRefusal *
room_refusal_of_name(const char *name)
{
	static const RoomRefusal missing = { "bad_request", "the name of a room is missing, for example {\"room\": \"post:42\"}" };
	static const RoomRefusal too_long = { "bad_request", "the name of a room has more than 200 bytes" };

	if (name == NULL || name[0] == '\0')
		return &missing;
	return strlen(name) > LONGEST_ROOM ? &too_long : NULL;
}

void
room_refusal_log(const RoomRefusal *reason, const char *room, const char *user, const char *peer)
{
	static LogLimit limit;

	log_limited(&limit, LOG_LEVEL_INFO, "room_refused", "room", room, "code", reason->code, "user", user, "peer", peer);
}
