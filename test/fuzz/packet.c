/*-------------------------------------------------------------------------
 *
 * packet.c
 *	  Reads packets of Socket.IO.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"
#include "protocol/packet.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = fuzz_copy(bytes, length);
	Packet packet;

	if (packet_read(&packet, text, length))
	{
		REQUIRE(packet.namespace[0] == '/' && packet.type != PACKET_CONNECT_ERROR);
		REQUIRE(packet.attachments >= 0 && packet.attachments < 1000000);
		if (packet.type == PACKET_EVENT || packet.type == PACKET_BINARY_EVENT)
			free(packet_event_name(&packet));
		packet_reset(&packet);
	}
	free(text);
	return 0;
}
