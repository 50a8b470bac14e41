/*-------------------------------------------------------------------------
 *
 * absolute_form.c
 *	  Fuzzes the rewriting of requests in absolute form: whole, in pieces, and what comes out of it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"
#include "transport/absolute_form.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static char rewritten[ABSOLUTE_FORM_MAX];
	static char again[ABSOLUTE_FORM_MAX];
	char *copy = fuzz_copy(bytes, length);
	size_t head = 0;
	size_t count = 0;
	size_t other = 0;
	AbsoluteForm whole = absolute_form_rewrite(copy, length, &head, rewritten, &count);

	if (whole == ABSOLUTE_FORM_COMPLETE)
	{
		REQUIRE(head > 4 && head <= length && count > 4 && count <= ABSOLUTE_FORM_MAX);
		REQUIRE(memcmp(rewritten + count - 2, "\r\n", 2) == 0 && memcmp(copy + head - 4, "\r\n\r\n", 4) == 0);
		REQUIRE(absolute_form_rewrite(rewritten, count, &other, again, &other) == ABSOLUTE_FORM_NONE);
	}
	/* The first pieces tell the same, or that they are incomplete. */
	for (size_t part = 0; part < length && part < 256; part++)
	{
		AbsoluteForm state = absolute_form_rewrite(copy, part, &other, again, &other);

		REQUIRE(state == ABSOLUTE_FORM_INCOMPLETE || state == whole);
	}
	free(copy);
	return 0;
}
