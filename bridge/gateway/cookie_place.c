/*-------------------------------------------------------------------------
 *
 * cookie_place.c
 *	  Names the places of an address in the queue of questions about session cookies.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/cookie_place.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/network_address.h"
#include "source/database_pool.h"

/* At least one connection is left to the other addresses. */
#define PLACES (DATABASE_POOL_SIZE - 1)

/* Writes the name under which an address has its places: that of its owner's network. */
static void
name_places(const char *text, char name[NETWORK_ADDRESS_TEXT])
{
	NetworkAddress address = { 0 };

	if (text != NULL)
		network_address_read(text, strlen(text), &address);
	address = network_address_of_owner(address);
	network_address_write(&address, name);
}

char *
cookie_place_of(const FairQueue *queue, const char *address)
{
	char name[NETWORK_ADDRESS_TEXT];
	char *best = NULL;
	size_t least = 0;

	name_places(address, name);
	for (int i = 0; i < PLACES; i++)
	{
		char *place = memory_format("%s %d", name, i);
		size_t load = fair_queue_load_of(queue, place).items;

		if (best == NULL || load < least)
		{
			free(best);
			best = place;
			least = load;
		}
		else
			free(place);
	}
	return best;
}
