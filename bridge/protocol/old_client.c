/*-------------------------------------------------------------------------
 *
 * old_client.c
 *	  Tells a client of Engine.IO 3 (socket.io-client 1 and 2) which client it needs.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/old_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The session lives for these packets only, so its id names nothing. */
static const char *const old_client_packets[] = {
	"0{\"sid\":\"none\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}", /* Engine.IO: open */
	"44\"" OLD_CLIENT_MESSAGE "\"",														/* Socket.IO: error in "/" */
	"41",																				/* Socket.IO: disconnect from "/" */
	"1",																				/* Engine.IO: close */
};

#define OLD_CLIENT_PACKETS (sizeof(old_client_packets) / sizeof(*old_client_packets))

/* In a payload of revision 3, each packet follows its length in characters and a colon. */
char *
old_client_payload(void)
{
	char *payload = memory_copy("");

	for (size_t i = 0; i < OLD_CLIENT_PACKETS; i++)
	{
		const char *packet = old_client_packets[i];
		char *longer = memory_format("%s%zu:%s", payload, strlen(packet), packet);

		free(payload);
		payload = longer;
	}
	return payload;
}

static void
old_client_opened(Connection *connection, const Handshake *handshake)
{
	(void) handshake;
	for (size_t i = 0; i < OLD_CLIENT_PACKETS; i++)
	{
		const char *packet = old_client_packets[i];

		outbox_push_own(&connection->outbox, frame_new(FRAME_TEXT, packet, strlen(packet)));
	}
	connection_close(connection, CLOSE_NORMAL, "old client");
}

/* The connection is closing from the start, so nothing is read from it. */
static void
old_client_closed(Connection *connection)
{
	(void) connection;
}

const Protocol old_client_protocol = { .opened = old_client_opened, .closed = old_client_closed };
