/*-------------------------------------------------------------------------
 *
 * json.c
 *	  Reads the JSON of clients; a value that is not refused stays the same when it is written and read.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/json.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = fuzz_copy(bytes, length);
	const char *refusal;
	const char *again_refusal;
	json_t *value = json_from_client(text, length, &refusal);

	if (value != NULL && refusal == NULL)
	{
		char *written = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		json_t *again = json_from_client(written, strlen(written), &again_refusal);

		REQUIRE(json_is_array(value) || json_is_object(value));
		REQUIRE(json_equal(value, again));
		json_decref(again);
		free(written);
	}
	json_decref(value);
	free(text);
	return 0;
}
