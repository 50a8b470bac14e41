/*-------------------------------------------------------------------------
 *
 * proxy_header.c
 *	  Reads the header of the PROXY protocol, whole and in pieces.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"
#include "transport/proxy_header.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *copy = fuzz_copy(bytes, length);
	NetworkAddress client = { 0 };
	size_t header = 0;
	size_t pieces = 0;
	ProxyHeaderState whole = proxy_header_read((unsigned char *) copy, length, &header, &client);

	REQUIRE(whole != PROXY_HEADER_COMPLETE || (header > 0 && header <= length));
	/* The first pieces tell the same, or that they are incomplete. */
	for (size_t part = 0; part < length && part < 256; part++)
	{
		ProxyHeaderState state = proxy_header_read((unsigned char *) copy, part, &pieces, &client);

		REQUIRE(state == PROXY_HEADER_INCOMPLETE || state == whole || whole == PROXY_HEADER_MALFORMED ||
				(state == PROXY_HEADER_COMPLETE && whole == PROXY_HEADER_COMPLETE));
	}
	free(copy);
	return 0;
}
