/*-------------------------------------------------------------------------
 *
 * joined_rooms.c
 *	  The rooms to which a session needs access, in the query that locates it and in the answer.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "catchup/joined_rooms.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fanout/room.h"
#include "fanout/room_key.h"
#include "source/reader.h"

static void
add_room(const char *name, void *rooms)
{
	json_array_append_new(rooms, json_string(name));
}

char *
joined_rooms_held(Session *session)
{
	json_t *rooms;
	char *text;

	if (!catchup_cursor_is_located(&session->cursor))
		return NULL;
	rooms = json_array();
	room_check_begin(session, add_room, rooms);
	text = json_dumps(rooms, JSON_COMPACT);
	json_decref(rooms);
	return text;
}

/* A room of the answer has keys if the session may be in it. */
static bool
has_keys(const json_t *joined)
{
	return json_is_array(json_object_get(joined, "keys"));
}

static const char *
joined_name(const json_t *joined)
{
	return json_string_value(json_object_get(joined, "room"));
}

/* Tells a client that comes of a room that it does not get. */
static void
refuse_first(Session *session, const char *room, const RoomRefusal *reason)
{
	room_refusal_log(reason, room, session->user, session->origin.address);
	session_tell_left(session, room, reason);
}

/* Takes a room that the session has joined or asked for: into its first rooms, or as still admitted. */
static void
admit(Session *session, const json_t *joined, Snapshot *checked, bool is_first, long most)
{
	const char *room = joined_name(joined);
	const char *since = json_string_value(json_object_get(joined, "since"));
	uint64_t window = reader_window() + 1;

	if (!is_first)
		room_check_admit(session, room, checked, window);
	else if (json_is_true(json_object_get(joined, "automatic")))
		; /* the log says when the session is there */
	else if (session->rooms.joined >= most && !room_has(session, room))
		refuse_first(session, room, &room_too_many);
	else
		room_admit(session, room, access_new(checked, since ? snapshot_parse(since) : NULL, window));
	if (room_has(session, room))
		room_key_add(room, json_object_get(joined, "keys"));
}

static void
refuse(Session *session, const json_t *joined, bool is_first)
{
	bool interrupted = json_is_true(json_object_get(joined, "interrupted"));
	const RoomRefusal *reason = interrupted ? &room_interrupted : &room_forbidden;

	if (!is_first)
		room_check_refuse(session, joined_name(joined), reason);
	else if (session->asked == NULL)
		refuse_first(session, joined_name(joined), reason);
}

static bool
is_admitted(const json_t *rooms, const char *name)
{
	size_t i;
	json_t *joined;

	json_array_foreach(rooms, i, joined)
	{
		if (has_keys(joined) && strcmp(joined_name(joined), name) == 0)
			return true;
	}
	return false;
}

/* Tells the client of the rooms that it asked for in vain. */
static void
tell_refused(Session *session, const json_t *rooms)
{
	json_t *asked = session->asked ? json_loads(session->asked, 0, NULL) : NULL;
	size_t i;
	json_t *room;

	json_array_foreach(asked, i, room)
	{
		if (!is_admitted(rooms, json_string_value(room)))
			refuse_first(session, json_string_value(room), &room_forbidden);
	}
	json_decref(asked);
	free(session->asked);
	session->asked = NULL;
}

void
joined_rooms_take(Session *session, const char *rooms_text, const char *checked_text, bool is_first,
				  long most)
{
	json_t *rooms = json_loads(rooms_text, 0, NULL);
	Snapshot *checked = snapshot_parse(checked_text);
	size_t i;
	json_t *joined;

	json_array_foreach(rooms, i, joined)
	{
		if (has_keys(joined))
			admit(session, joined, checked, is_first, most);
		else
			refuse(session, joined, is_first);
	}
	catchup_cursor_note_check(&session->cursor, checked);
	room_check_end(session);
	tell_refused(session, rooms);
	snapshot_unref(checked);
	json_decref(rooms);
}
