/*-------------------------------------------------------------------------
 *
 * utf8.c
 *	  Repairs texts that are not UTF-8; a text that was repaired is valid.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/utf8.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = fuzz_copy(bytes, length);
	char *repaired = utf8_repair(text, length);

	if (memchr(text, '\0', length) == NULL)
	{
		REQUIRE(utf8_is_valid(repaired, strlen(repaired)));
		REQUIRE(utf8_is_valid(text, length) == (strlen(repaired) == length && memcmp(repaired, text, length) == 0));
	}
	free(repaired);
	free(text);
	return 0;
}
