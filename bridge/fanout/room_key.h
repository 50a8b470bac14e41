/*-------------------------------------------------------------------------
 *
 * room_key.h
 *	  Finds the rooms to which access depends on something: the keys of a room.
 *
 * A room's own name is always one of its keys.  The others are told by the database: the room of a post
 * also has the key "author:A", because its author may block users.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ROOM_KEY_H
#define HERALD_ROOM_KEY_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Adds the keys of an array to those of a room; its own name need not be among them.  An answer that is late must not
 * take away the keys of a newer one, and a key too many costs a check.  room_key_forget() frees them.
 */
extern void room_key_add(const char *room, const json_t *keys);

/* Forgets the keys of a room; of no effect when there are none. */
extern void room_key_forget(const char *room);

/* Returns whether a room has a key. */
extern bool room_key_has(const char *room, const char *key);

/* Calls a function for each room with a key, first for the room of this name.  It must not change keys. */
extern void room_key_each(const char *key, void (*visit)(const char *room, void *context), void *context);

#endif /* HERALD_ROOM_KEY_H */
