/*-------------------------------------------------------------------------
 *
 * msgpack.c
 *	  Recognizes clients with socket.io-msgpack-parser.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"
#include "protocol/msgpack_client.h"
#include "sign.h"

/* The input stands for the bytes of a WebSocket and, as it is, for the text of a poll. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *texts[] = { fuzz_copy(bytes, length), sign_encode(bytes, length) };
	size_t lengths[] = { length, strlen(texts[1]) };

	for (int i = 0; i < 2; i++)
	{
		Frame *refusal = msgpack_client_refusal(texts[i], lengths[i]);

		if (refusal != NULL)
		{
			REQUIRE(frame_is_binary(refusal));
			frame_unref(refusal);
		}
		free(texts[i]);
	}
	return 0;
}
