/*-------------------------------------------------------------------------
 *
 * cookie_connections.c
 *	  The connections by which the bridge asks about session cookies, and what their errors mean.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/cookie_connections.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/network_address.h"

#define CONNECTIONS 4

/* An address is asked about so many cookies at once: at least one of the four connections is left to the others. */
#define PLACES 3

static Database *cookie_connections[CONNECTIONS];

void
cookie_connections_start(const Config *config, void (*connected)(void *unused))
{
	static DatabaseEvents events;

	events.connected = connected;
	for (int i = 0; i < CONNECTIONS; i++)
		cookie_connections[i] = database_open("cookies", config->database, config->action_timeout, &events, NULL);
}

void
cookie_connections_stop(void)
{
	for (int i = 0; i < CONNECTIONS && cookie_connections[i] != NULL; i++)
	{
		database_close(cookie_connections[i]);
		cookie_connections[i] = NULL;
	}
}

bool
cookie_connections_exist(void)
{
	for (int i = 0; i < CONNECTIONS; i++)
	{
		if (database_is_connected(cookie_connections[i]))
			return true;
	}
	return false;
}

Database *
cookie_connections_free(void)
{
	for (int i = 0; i < CONNECTIONS; i++)
	{
		if (database_is_connected(cookie_connections[i]) && database_load(cookie_connections[i]) == 0)
			return cookie_connections[i];
	}
	return cookie_connections_exist() ? NULL : cookie_connections[0];
}

/* Errors of the server, of the schema, or of others at the same time.  A time that is up may be the cookie's. */
bool
cookie_connections_may_blame(const char *sqlstate)
{
	static const char *const others[] = { "08", "25", "28", "40", "42", "53", "55", "57P", "58", "XX" };

	for (size_t i = 0; sqlstate != NULL && i < sizeof(others) / sizeof(others[0]); i++)
	{
		if (strncmp(sqlstate, others[i], strlen(others[i])) == 0)
			return false;
	}
	return sqlstate != NULL;
}

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
cookie_connections_place(const FairQueue *queue, const char *address)
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
