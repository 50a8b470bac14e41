/*-------------------------------------------------------------------------
 *
 * head_form.c
 *	  Fuzzes the check of heads of requests: whole, in two pieces, and against a second reading of what is accepted.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"
#include "transport/head_form.h"

/* Requires that an accepted head consists of lines that end with CRLF, of which each but the first has a colon. */
static void
require_lines(const char *head, size_t length)
{
	const char *end = memmem(head, length, "\r\n\r\n", 4);
	const char *line = head;

	REQUIRE(end != NULL);
	REQUIRE(memchr(head, '\0', (size_t) (end - head)) == NULL);
	while (line < end + 2)
	{
		const char *line_end = memmem(line, (size_t) (end + 2 - line), "\r\n", 2);

		REQUIRE(line_end != NULL);
		REQUIRE(memchr(line, '\n', (size_t) (line_end - line)) == NULL);
		REQUIRE(memchr(line, '\r', (size_t) (line_end - line)) == NULL);
		REQUIRE(line == head || memchr(line, ':', (size_t) (line_end - line)) != NULL);
		line = line_end + 2;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *copy = fuzz_copy(bytes, length);
	HeadForm whole = { 0 };

	head_form_read(&whole, copy, length);
	for (size_t part = 0; part <= length && part < 256; part++)
	{
		HeadForm form = { 0 };

		head_form_read(&form, copy, part);
		head_form_read(&form, copy + part, length - part);
		REQUIRE(form.place == whole.place && memcmp(form.counts, whole.counts, sizeof(form.counts)) == 0);
	}
	if (whole.place == HEAD_COMPLETE)
		require_lines(copy, length);
	free(copy);
	return 0;
}
