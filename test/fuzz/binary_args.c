/*-------------------------------------------------------------------------
 *
 * binary_args.c
 *	  Puts attachments into a packet: the first line is the packet, each other line an attachment.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/budget.h"
#include "fuzz.h"
#include "protocol/binary_args.h"

#define LIMIT 64

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = fuzz_text(bytes, length);
	char *rest = text;
	char *line = strsep(&rest, "\n");
	BinaryArgs args = { 0 };
	size_t packet_length = strlen(line);
	Packet packet;
	int64_t left = budget_left();

	if (packet_read(&packet, line, strlen(line)) && packet.attachments > 0)
	{
		binary_args_begin(&args, &packet, packet_length);
		while (binary_args_pending(&args) && (line = strsep(&rest, "\n")) != NULL)
			binary_args_add(&args, line, strlen(line), LIMIT);
		REQUIRE(args.length <= LIMIT || args.length == packet_length);
		if (!binary_args_pending(&args) && binary_args_finish(&args, &packet))
			packet_reset(&packet);
		binary_args_reset(&args);
		REQUIRE(budget_left() == left);
	}
	else
		packet_reset(&packet);
	free(text);
	return 0;
}
