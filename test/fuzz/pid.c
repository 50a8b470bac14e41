/*-------------------------------------------------------------------------
 *
 * pid.c
 *	  Reads the private ids with which clients of Socket.IO come back.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"
#include "fanout/session.h"
#include "protocol/pid.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = fuzz_text(bytes, length);
	char sid[PID_SID_LENGTH + 1];

	if (pid_is_valid(text))
	{
		char *key = pid_key(text);
		char *position = pid_position(text);
		char *again;

		pid_copy_sid(text, sid);
		again = pid_new(key, sid, position);
		REQUIRE(strcmp(again, text) == 0);
		free(again);
		free(position);
		free(key);
	}
	free(text);
	return 0;
}
