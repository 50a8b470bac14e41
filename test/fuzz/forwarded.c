/*-------------------------------------------------------------------------
 *
 * forwarded.c
 *	  Finds the client's address in Forwarded and X-Forwarded-For, one line each.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"
#include "transport/forwarded.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const char trusted[] = "10.0.0.0/8 ::1 192.0.2.7";
	static const unsigned char proxy[] = { 10, 0, 0, 1 };
	char *text = fuzz_text(bytes, length);
	char *rest = text;
	char *first = strsep(&rest, "\n");
	ForwardedHeaders headers = { .x_forwarded_for = *first ? first : NULL, .forwarded = rest };
	char written[NETWORK_ADDRESS_TEXT];
	NetworkAddress address = forwarded_client(network_address_of_bytes(proxy, 4), trusted, &headers);

	network_address_write(&address, written);
	free(text);
	return 0;
}
