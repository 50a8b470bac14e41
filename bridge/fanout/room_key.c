/*-------------------------------------------------------------------------
 *
 * room_key.c
 *	  Finds the rooms to which access depends on something: the keys of a room.
 *
 * A link, of one room with one key, is in the list of either.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/room_key.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/memory.h"

struct Link;

/* A key, or a room that has keys beside its name; exists while it has a link. */
typedef struct Node
{
	struct Link *links;
	UT_hash_handle hh;
	char name[];
} Node;

typedef struct Link
{
	Node *key;
	Node *room;
	struct Link *next_of_key;
	struct Link *previous_of_key;
	struct Link *next_of_room;
} Link;

static Node *keys_by_name;
static Node *rooms_by_name;

static Node *
find_node(Node *nodes, const char *name)
{
	Node *node;

	HASH_FIND_STR(nodes, name, node);
	return node;
}

static Node *
open_node(Node **nodes, const char *name)
{
	Node *node = find_node(*nodes, name);

	if (node == NULL)
	{
		node = memory_new(sizeof(Node) + strlen(name) + 1);
		strcpy(node->name, name);
		HASH_ADD_STR(*nodes, name, node);
	}
	return node;
}

static void
close_node(Node **nodes, Node *node)
{
	if (node->links != NULL)
		return;
	HASH_DEL(*nodes, node);
	free(node);
}

static void
add_link(const char *room, const char *key)
{
	Link *link = memory_new(sizeof(Link));

	link->key = open_node(&keys_by_name, key);
	link->room = open_node(&rooms_by_name, room);
	DL_APPEND2(link->key->links, link, previous_of_key, next_of_key);
	LL_PREPEND2(link->room->links, link, next_of_room);
}

void
room_key_add(const char *room, const json_t *keys)
{
	size_t i;
	json_t *value;

	json_array_foreach(keys, i, value)
	{
		const char *key = json_string_value(value);

		if (key != NULL && !room_key_has(room, key))
			add_link(room, key);
	}
}

void
room_key_forget(const char *room)
{
	Node *node = find_node(rooms_by_name, room);

	while (node != NULL && node->links != NULL)
	{
		Link *link = node->links;

		LL_DELETE2(node->links, link, next_of_room);
		DL_DELETE2(link->key->links, link, previous_of_key, next_of_key);
		close_node(&keys_by_name, link->key);
		free(link);
	}
	if (node != NULL)
		close_node(&rooms_by_name, node);
}

bool
room_key_has(const char *room, const char *key)
{
	Node *node = find_node(rooms_by_name, room);

	for (Link *link = node ? node->links : NULL; link != NULL; link = link->next_of_room)
	{
		if (strcmp(link->key->name, key) == 0)
			return true;
	}
	return strcmp(room, key) == 0;
}

void
room_key_each(const char *key, void (*visit)(const char *room, void *context), void *context)
{
	Node *node = find_node(keys_by_name, key);

	visit(key, context);
	for (Link *link = node ? node->links : NULL; link != NULL; link = link->next_of_key)
	{
		assert(strcmp(link->room->name, key) != 0);
		visit(link->room->name, context);
	}
}
